/*
** What the AVX-512 VNNI kernels share: the four-way dot product, and requantisation, which costs as much as the products wherever
** layers are shallow.
**
** The format clamps the real value, rounds it, adds the zero point and clamps again. All of these rise with the value, and a clamp
** may change places with anything that rises as long as its bounds are carried along. So the bounds become levels, computed once a
** call; the upper one is applied before the conversion to integers (which then cannot overflow), the lower one and the zero point
** after packing, to 64 levels at a time. A NaN becomes the least integer and then the lower bound, as in reference.c.
*/
#ifndef PS_KERNELS_AVX512_H
#define PS_KERNELS_AVX512_H

#include <immintrin.h>

#include "encoder/kernels/kernels.h"

#define INLINE static inline __attribute__((always_inline))

/* Loops of constant length over registers are unrolled before anything else, or gcc keeps the arrays on the stack. */
#define UNROLLED _Pragma("GCC unroll 16")

/* A mask of the first `count` lanes. */
INLINE uint64_t lanes(int count) { return count >= 64 ? ~(uint64_t)0 : ((uint64_t)1 << count) - 1; }

typedef struct epilogue {     /* ps__requant spread over lanes once a call */
    __m512 inverse;           /* as in ps__requant */
    __m512 top;               /* greatest level, less the zero point */
    __m512i zero, bottom;     /* zero point, 16 bits a lane; least level, 8 bits */
    __m512 residual_scale;    /* as in ps__requant */
    __m512i residual_zero;    /* as in ps__requant */
    const uint8_t *residual;  /* as in ps__requant */
} epilogue;

INLINE epilogue epilogue_of(const ps__requant *q) {
    ps__levels l = ps__levels_of(q);
    return (epilogue){_mm512_set1_ps(q->inverse),
                      _mm512_set1_ps(l.top),
                      _mm512_set1_epi16((int16_t)l.zero),
                      _mm512_set1_epi8((int8_t)l.bottom),
                      _mm512_set1_ps(q->residual_scale),
                      _mm512_set1_epi32(q->residual_zero),
                      q->residual};
}

/* sum + the four-way dot products of u8 x and s8 w. Written in assembly because gcc 12 copies each accumulator to another register and
** back around the intrinsic, which halves the speed of the inner loop. */
INLINE __m512i dot4(__m512i sum, __m512i x, __m512i w) {
    __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(x), "v"(w));
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

/* 16 real values to levels less the zero point, the lower bound not yet applied. The order of minps's operands lets a NaN pass. */
INLINE __m512i level_of(__m512 real, __m512 inverse, __m512 top) {
    return _mm512_cvtps_epi32(_mm512_min_ps(top, _mm512_mul_ps(real, inverse)));
}

/* Two times 16 such levels to 16 bits with the zero point, and two of those to u8, bounded. In each 128 bits lie four of a, four of b. */
INLINE __m512i pack_16(__m512i a, __m512i b, __m512i zero) { return _mm512_adds_epi16(_mm512_packs_epi32(a, b), zero); }

INLINE __m512i pack_8(__m512i a, __m512i b, __m512i bottom) { return _mm512_max_epu8(_mm512_packus_epi16(a, b), bottom); }

#endif
