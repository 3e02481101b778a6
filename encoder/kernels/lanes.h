/*
** Vectors of float32 as wide as the instruction set that a file is compiled for, in the compiler's own words, and the one order in
** which the 16 lanes of a sum are added. A vector operation is the same IEEE operation on every lane, so its width changes no bit.
*/
#ifndef PS_KERNEL_LANES_H
#define PS_KERNEL_LANES_H

#include <stdint.h>
#include <string.h>

#define LANES 16

#if defined(__AVX512F__)
#define VEC 16 /* floats a vector */
#elif defined(__AVX__)
#define VEC 8
#else
#define VEC 4
#endif
#define PARTS (LANES / VEC) /* vectors that hold the lanes of a sum */

#define ALWAYS static inline __attribute__((always_inline))

/* Loops of constant length over registers are unrolled before anything else, or gcc keeps the arrays on the stack. */
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#define STAY_LOOP _Pragma("clang loop unroll(disable)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#define STAY_LOOP _Pragma("GCC unroll 1")
#endif

typedef float vec __attribute__((vector_size(VEC * 4)));
typedef int32_t ivec __attribute__((vector_size(VEC * 4)));
typedef float vec_4 __attribute__((vector_size(16)));
#if VEC >= 8
typedef float vec_8 __attribute__((vector_size(32)));
#endif

ALWAYS vec vec_load(const float *p) {
    vec v;
    memcpy(&v, p, sizeof v);
    return v;
}

ALWAYS void vec_store(float *p, vec v) { memcpy(p, &v, sizeof v); }

ALWAYS vec vec_fill(float x) { return x - (vec){0}; } /* -0 stays -0 */

/* Lane by lane where ? a : b; comparisons make `where`. */
ALWAYS vec vec_choose(ivec where, vec a, vec b) { return (vec)(((ivec)a & where) | ((ivec)b & ~where)); }

ALWAYS vec vec_abs(vec x) { return (vec)((ivec)x & 0x7FFFFFFF); }

/* Halves added until one is left: lane i and i + 8, i and i + 4, i and i + 2, i and i + 1. */
ALWAYS float sum_4(vec_4 s) {
    s += __builtin_shufflevector(s, s, 2, 3, 2, 3);
    return s[0] + s[1];
}

#if VEC >= 8
ALWAYS float sum_8(vec_8 s) {
    return sum_4(__builtin_shufflevector(s, s, 0, 1, 2, 3) + __builtin_shufflevector(s, s, 4, 5, 6, 7));
}
#endif

/* The lanes of a sum, pairwise. */
ALWAYS float lanes_sum(const vec *lane) {
#if VEC == 16
    vec s = lane[0];
    return sum_8(__builtin_shufflevector(s, s, 0, 1, 2, 3, 4, 5, 6, 7) +
                 __builtin_shufflevector(s, s, 8, 9, 10, 11, 12, 13, 14, 15));
#elif VEC == 8
    return sum_8(lane[0] + lane[1]);
#else
    return sum_4((lane[0] + lane[2]) + (lane[1] + lane[3]));
#endif
}

/* The last entries of a row, fewer than 16, with zeros behind: zeros added to a sum's lanes, which are never -0, change nothing. */
ALWAYS void lanes_rest(float *to, const float *from, int count) {
    for (int j = 0; j < LANES; j++) to[j] = j < count ? from[j] : 0;
}

#endif
