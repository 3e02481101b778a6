/*
** What the AVX-512 VNNI kernels share: the four-way dot product, and requantisation, which costs as much as the products wherever
** layers are shallow.
**
** The format clamps the real value, rounds it, adds the zero point and clamps again. All of these rise with the value, and a
** clamp may change places with anything that rises as long as its bounds are carried along (ps__levels_of). So both are applied
** to packed levels, 64 at a time. What int32 cannot hold becomes the least integer, and so the least level: right for what is far
** below and for a NaN, as in reference.c, but not for what is far above, so that either no value is (ps__is_plain) or minps comes
** first.
*/
#ifndef PS_KERNELS_AVX512_H
#define PS_KERNELS_AVX512_H

#include <immintrin.h>

#include "encoder/kernels/kernels.h"

#define INLINE static inline __attribute__((always_inline))

/* Loops of constant length over registers are unrolled before anything else, or gcc keeps the arrays on the stack. */
#ifdef __clang__
#define UNROLLED _Pragma("clang loop unroll(full)")
#else
#define UNROLLED _Pragma("GCC unroll 16")
#endif

/* A mask of the first `count` lanes. */
INLINE uint64_t lanes(int count) { return count >= 64 ? ~(uint64_t)0 : ((uint64_t)1 << count) - 1; }

typedef struct epilogue {     /* ps__requant spread over lanes once a call */
    __m512 inverse;           /* as in ps__requant */
    __m512 top;               /* greatest level, less the zero point */
    __m512i zero16, zero, bottom, last; /* zero point, 16 bits a lane; zero point, least and greatest level, 8 bits */
    __m512 residual_scale;    /* as in ps__requant */
    __m512i residual_zero;    /* as in ps__requant */
} epilogue;

INLINE epilogue epilogue_of(const ps__requant *q) {
    ps__levels l = ps__levels_of(q);
    return (epilogue){_mm512_set1_ps(q->inverse),
                      _mm512_set1_ps(l.top),
                      _mm512_set1_epi16((int16_t)l.zero),
                      _mm512_set1_epi8((int8_t)l.zero),
                      _mm512_set1_epi8((int8_t)l.bottom),
                      _mm512_set1_epi8((int8_t)((int)l.top + l.zero)),
                      _mm512_set1_ps(q->residual_scale),
                      _mm512_set1_epi32(q->residual_zero)};
}

/* sum + the four-way dot products of u8 x and s8 w. Written in assembly because gcc 12 copies each accumulator to another
** register and back around the intrinsic, which halves the speed of the inner loop. */
INLINE __m512i dot4(__m512i sum, __m512i x, __m512i w) {
    __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(x), "v"(w));
    return sum;
}

/* The same for the lower 8 lanes, at half the cost; the upper ones become zero. */
INLINE __m512i dot4_lower(__m512i sum, __m512i x, __m512i w) {
    __asm__("vpdpbusd %t2, %t1, %t0" : "+v"(sum) : "v"(x), "v"(w));
    return sum;
}

/* 16 sums to 16 real values. The order of operations is the reference's. */
INLINE __m512 real_of(__m512i sum, __m512 scale, __m512 bias) {
    return _mm512_add_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(sum), scale), bias);
}

/* Adds the 16 residual levels at `from`. */
INLINE __m512 add_residual(__m512 real, const uint8_t *from, __mmask16 mask, const epilogue *e) {
    __m512i r = _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(mask, from));
    __m512 steps = _mm512_cvtepi32_ps(_mm512_sub_epi32(r, e->residual_zero));
    return _mm512_add_ps(real, _mm512_mul_ps(e->residual_scale, steps));
}

/* How a tile is requantised: ps__is_plain, or not, or not and something is added. */
enum { PLAIN, CAREFUL, ADDING };

/* 16 real values to levels less the zero point, not yet bounded but for the minps of those that are not plain. The order of its
** operands lets a NaN pass. */
INLINE __m512i level_of(__m512 real, __m512 inverse, __m512 top, const int mode) {
    __m512 level = _mm512_mul_ps(real, inverse);
    return _mm512_cvtps_epi32(mode == PLAIN ? level : _mm512_min_ps(top, level));
}

/* Four times 16 such levels to u8, bounded. In each 128 bits lie four of a, of b, of c and of d. */
INLINE __m512i pack_levels(__m512i a, __m512i b, __m512i c, __m512i d, const epilogue *e, const int mode) {
    __m512i low = _mm512_packs_epi32(a, b), high = _mm512_packs_epi32(c, d);
    if (mode == PLAIN) return _mm512_min_epu8(_mm512_adds_epu8(_mm512_packus_epi16(low, high), e->zero), e->last);
    low = _mm512_adds_epi16(low, e->zero16);
    high = _mm512_adds_epi16(high, e->zero16);
    return _mm512_max_epu8(_mm512_packus_epi16(low, high), e->bottom);
}

#endif
