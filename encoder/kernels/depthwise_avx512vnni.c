/*
** Depthwise convolution with AVX-512 VNNI: 64 channels at a time, and 32 where no more are left, as a vector of half the width
** costs half.
*/
#include "encoder/kernels/kernels.h"

#if defined(__x86_64__)

#include "encoder/kernels/avx512.h"
#include "encoder/kernels/kernels_avx512vnni.h"

INLINE __m512i levels_64(__m512i sum, const float *scale, const float *bias, const epilogue *e) {
    return level_of(real_of(sum, _mm512_load_ps(scale), _mm512_load_ps(bias)), e->inverse, e->top, PLAIN);
}

#define DW(name) name##_64
#define DW_VEC __m512i
#define DW_BYTES 64
#define DW_OUTPUTS 6
#define DW_FEWER_OUTPUTS 4
#define DW_LOAD(p) _mm512_load_si512(p)
#define DW_STORE(p, v) _mm512_store_si512(p, v)
#define DW_LOAD_SOME(p, n) _mm512_maskz_loadu_epi8(lanes(n), p)
#define DW_STORE_SOME(p, v, n) _mm512_mask_storeu_epi8(p, lanes(n), v)
#define DW_FILL(b) _mm512_set1_epi8(b)
#define DW_UNPACK(which, bits, a, b) _mm512_unpack##which##_epi##bits(a, b)
#define DW_DOT4(sum, x, w) dot4(sum, x, w)
#define DW_LEVELS(sum, scale, bias, e) levels_64(sum, scale, bias, e)
#define DW_PACK_16(a, b) _mm512_packs_epi32(a, b)
#define DW_PACK_8(a, b, e) _mm512_min_epu8(_mm512_adds_epu8(_mm512_packus_epi16(a, b), (e)->zero), (e)->last)
#include "encoder/kernels/depthwise.h"

INLINE __m256i dot4_32(__m256i sum, __m256i x, __m256i w) {
    __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(x), "v"(w));
    return sum;
}

INLINE __m256i levels_32(__m256i sum, const float *scale, const float *bias, const epilogue *e) {
    __m256 real = _mm256_add_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(sum), _mm256_load_ps(scale)), _mm256_load_ps(bias));
    return _mm256_cvtps_epi32(_mm256_mul_ps(real, _mm512_castps512_ps256(e->inverse)));
}

INLINE __m256i pack_8_32(__m256i a, __m256i b, const epilogue *e) {
    __m256i levels = _mm256_adds_epu8(_mm256_packus_epi16(a, b), _mm512_castsi512_si256(e->zero));
    return _mm256_min_epu8(levels, _mm512_castsi512_si256(e->last));
}

#define DW(name) name##_32
#define DW_VEC __m256i
#define DW_BYTES 32
#define DW_OUTPUTS 6
#define DW_FEWER_OUTPUTS 4
#define DW_LOAD(p) _mm256_load_si256((const __m256i *)(const void *)(p))
#define DW_STORE(p, v) _mm256_store_si256((__m256i *)(void *)(p), v)
#define DW_LOAD_SOME(p, n) _mm256_maskz_loadu_epi8((__mmask32)lanes(n), p)
#define DW_STORE_SOME(p, v, n) _mm256_mask_storeu_epi8(p, (__mmask32)lanes(n), v)
#define DW_FILL(b) _mm256_set1_epi8(b)
#define DW_UNPACK(which, bits, a, b) _mm256_unpack##which##_epi##bits(a, b)
#define DW_DOT4(sum, x, w) dot4_32(sum, x, w)
#define DW_LEVELS(sum, scale, bias, e) levels_32(sum, scale, bias, e)
#define DW_PACK_16(a, b) _mm256_packs_epi32(a, b)
#define DW_PACK_8(a, b, e) pack_8_32(a, b, e)
#include "encoder/kernels/depthwise.h"

INLINE void depthwise(uint8_t *out, const ps__picture *in, const ps__filter *f, const epilogue *e, uint8_t *scratch, const int k,
                      const int stride) {
    const int band = ps__depthwise_band(in, f);
    for (int y = 0; y < in->out_height; y += band) {
        int last = in->out_height - y < band ? in->out_height : y + band;
        for (int c = 0; c < f->channels; c += 64)
            if (f->channels - c > 32)
                channels_64(out, y, last, in, f, e, scratch, c, k, stride);
            else
                channels_32(out, y, last, in, f, e, scratch, c, k, stride);
    }
}

#define DEFINE(K, STRIDE)                                                                                                        \
    static void depthwise_##K##_##STRIDE(uint8_t *out, const ps__picture *in, const ps__filter *f, const epilogue *e,           \
                                         uint8_t *scratch) {                                                                     \
        depthwise(out, in, f, e, scratch, K, STRIDE);                                                                            \
    }
DEFINE(3, 1)
DEFINE(3, 2)
DEFINE(5, 1)
DEFINE(5, 2)
DEFINE(7, 1)
DEFINE(7, 2)

typedef void depthwise_fn(uint8_t *, const ps__picture *, const ps__filter *, const epilogue *, uint8_t *);

void ps__depthwise_u8_avx512vnni(uint8_t *out, const ps__picture *in, const ps__filter *f, const ps__requant *q,
                                 uint8_t *scratch) {
    static depthwise_fn *const by_shape[3][2] = {
        {depthwise_3_1, depthwise_3_2}, {depthwise_5_1, depthwise_5_2}, {depthwise_7_1, depthwise_7_2}};
    if (!ps__is_plain(q, f->reach)) { /* no honest filter */
        ps__kernels_reference.depthwise_u8(out, in, f, q, scratch);
        return;
    }
    epilogue e = epilogue_of(q);
    by_shape[f->k / 2 - 1][f->stride - 1](out, in, f, &e, scratch);
}

#else
typedef int not_for_this_processor;
#endif
