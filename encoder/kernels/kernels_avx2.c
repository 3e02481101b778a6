/*
** AVX2 without VNNI. vpmaddubsw would saturate at 16 bits, so matrices widen both sides to 16 bits and use vpmaddwd, and depthwise
** filters split each activation into its low seven bits and its top bit, whose products cannot saturate: exact sums either way.
*/
#include "encoder/kernels/kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include "encoder/kernels/floats.h"

#define INLINE static inline __attribute__((always_inline))

/* Loops of constant length over registers are unrolled before anything else, or gcc keeps the arrays on the stack. */
#ifdef __clang__
#define UNROLLED _Pragma("clang loop unroll(full)")
#else
#define UNROLLED _Pragma("GCC unroll 16")
#endif

typedef struct epilogue {     /* ps__requant spread over lanes once a call; as in avx512.h */
    __m256 inverse, top;      /* 1 / scale of the output; greatest level, less the zero point */
    __m256i zero, bottom;     /* zero point, 16 bits a lane; least level, 8 bits */
    __m256 residual_scale;    /* as in ps__requant */
    __m256i residual_zero;    /* as in ps__requant */
} epilogue;

INLINE epilogue epilogue_of(const ps__requant *q) {
    ps__levels l = ps__levels_of(q);
    return (epilogue){_mm256_set1_ps(q->inverse),
                      _mm256_set1_ps(l.top),
                      _mm256_set1_epi16((int16_t)l.zero),
                      _mm256_set1_epi8((int8_t)l.bottom),
                      _mm256_set1_ps(q->residual_scale),
                      _mm256_set1_epi32(q->residual_zero)};
}

/* 8 sums to 8 real values. */
INLINE __m256 real_of(__m256i sum, const float *scale, const float *bias) {
    return _mm256_add_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(sum), _mm256_load_ps(scale)), _mm256_load_ps(bias));
}

/* Adds 8 residual levels. */
INLINE __m256 add_residual(__m256 real, const uint8_t *from, const epilogue *e) {
    __m256i r = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)from));
    __m256 steps = _mm256_cvtepi32_ps(_mm256_sub_epi32(r, e->residual_zero));
    return _mm256_add_ps(real, _mm256_mul_ps(e->residual_scale, steps));
}

/* 8 real values to levels less the zero point, the lower bound not yet applied. The order of minps's operands lets a NaN pass. */
INLINE __m256i level_of(__m256 real, const epilogue *e) {
    return _mm256_cvtps_epi32(_mm256_min_ps(e->top, _mm256_mul_ps(real, e->inverse)));
}

/* Two times 16 such levels, packed to 16 bits, to u8, bounded. In each 128 bits lie eight of a, eight of b. */
INLINE __m256i pack_8(__m256i a, __m256i b, const epilogue *e) {
    __m256i levels = _mm256_packus_epi16(_mm256_adds_epi16(a, e->zero), _mm256_adds_epi16(b, e->zero));
    return _mm256_max_epu8(levels, e->bottom);
}

INLINE __m256i load8(const int32_t *p) {
    return _mm256_load_si256((const __m256i *)(const void *)p);
}

/* ROWS x 16 sums in natural order, two vectors of 8 a row. */
#define MAX_ROWS 3
INLINE void tile_sums(__m256i out[MAX_ROWS][2], const uint8_t *in, size_t in_stride, const ps__matrix *m, int o, int rows) {
    __m256i sum[MAX_ROWS][4]; /* two partial sums an output */
    const int8_t *w = m->weights + (size_t)(o / 16) * (size_t)(m->runs * m->k4) * 64;
    UNROLLED for (int r = 0; r < rows; r++)
        UNROLLED for (int c = 0; c < 4; c++) sum[r][c] = _mm256_setzero_si256();
    for (int run = 0; run < m->runs; run++, in += m->run_stride)
        for (int i = 0; i < m->k4; i++, w += 64) {
            __m256i x[MAX_ROWS];
            UNROLLED for (int r = 0; r < rows; r++) {
                int32_t four;
                __builtin_memcpy(&four, in + (size_t)r * in_stride + (size_t)i * 4, 4);
                x[r] = _mm256_cvtepu8_epi16(_mm_set1_epi32(four));
            }
            UNROLLED for (int c = 0; c < 4; c++) {
                __m256i weights = _mm256_cvtepi8_epi16(_mm_load_si128((const __m128i *)(const void *)(w + 16 * c)));
                UNROLLED for (int r = 0; r < rows; r++) sum[r][c] = _mm256_add_epi32(sum[r][c], _mm256_madd_epi16(x[r], weights));
            }
        }
    UNROLLED for (int r = 0; r < rows; r++)
        UNROLLED for (int h = 0; h < 2; h++) {
            __m256i pairs = _mm256_hadd_epi32(sum[r][2 * h], sum[r][2 * h + 1]);
            out[r][h] = _mm256_add_epi32(_mm256_permute4x64_epi64(pairs, 0xD8), load8(m->offset + o + 8 * h));
        }
}

INLINE void tile_u8(uint8_t *out, const uint8_t *in, size_t in_stride, size_t row, const ps__matrix *m, int o, const epilogue *e,
                    const uint8_t *residual, int rows) {
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 0, 4, 1, 5);
    __m256i sum[MAX_ROWS][2];
    size_t left = (size_t)(m->n - o), count = left < 16 ? left : 16;
    tile_sums(sum, in, in_stride, m, o, rows);
    UNROLLED for (int r = 0; r < rows; r++) {
        size_t at = (row + (size_t)r) * (size_t)m->n + (size_t)o;
        uint8_t bytes[16] = {0};
        __m256i level[2];
        if (residual) __builtin_memcpy(bytes, residual + at, count);
        UNROLLED for (int h = 0; h < 2; h++) {
            __m256 real = real_of(sum[r][h], m->scale + o + 8 * h, m->bias + o + 8 * h);
            if (residual) real = add_residual(real, bytes + 8 * h, e);
            level[h] = level_of(real, e);
        }
        __m256i both = pack_8(_mm256_packs_epi32(level[0], level[1]), _mm256_setzero_si256(), e);
        __m256i packed = _mm256_permutevar8x32_epi32(both, order);
        __m128i levels = _mm256_castsi256_si128(packed);
        if (count == 16)
            _mm_storeu_si128((__m128i *)(void *)(out + at), levels);
        else {
            _mm_storeu_si128((__m128i *)(void *)bytes, levels);
            __builtin_memcpy(out + at, bytes, count);
        }
    }
}

INLINE void tile_f32(float *out, const uint8_t *in, size_t in_stride, const float *row_scale, size_t row, const ps__matrix *m, int o, int rows) {
    __m256i sum[MAX_ROWS][2];
    size_t left = (size_t)(m->n - o), count = left < 16 ? left : 16;
    tile_sums(sum, in, in_stride, m, o, rows);
    UNROLLED for (int r = 0; r < rows; r++) {
        float y[16] __attribute__((aligned(32)));
        UNROLLED for (int h = 0; h < 2; h++) {
            __m256 step = _mm256_mul_ps(_mm256_set1_ps(row_scale[row + (size_t)r]), _mm256_load_ps(m->scale + o + 8 * h));
            _mm256_store_ps(y + 8 * h, _mm256_add_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(sum[r][h]), step), _mm256_load_ps(m->bias + o + 8 * h)));
        }
        __builtin_memcpy(out + (row + (size_t)r) * (size_t)m->n + (size_t)o, y, count * 4);
    }
}

static void gemm_u8(uint8_t *out, const uint8_t *in, size_t in_stride, size_t rows, const ps__matrix *m, const ps__requant *q) {
    epilogue e = epilogue_of(q);
    for (int o = 0; o < m->n; o += 16) {
        size_t r = 0;
        for (; r + 3 <= rows; r += 3) tile_u8(out, in + r * in_stride, in_stride, r, m, o, &e, q->residual, 3);
        for (; r < rows; r++) tile_u8(out, in + r * in_stride, in_stride, r, m, o, &e, q->residual, 1);
    }
}

static void gemm_f32(float *out, const uint8_t *in, size_t in_stride, const float *row_scale, size_t rows, const ps__matrix *m) {
    for (int o = 0; o < m->n; o += 16) {
        size_t r = 0;
        for (; r + 3 <= rows; r += 3) tile_f32(out, in + r * in_stride, in_stride, row_scale, r, m, o, 3);
        for (; r < rows; r++) tile_f32(out, in + r * in_stride, in_stride, row_scale, r, m, o, 1);
    }
}

/* sum + four-way dot product of u8 x and s8 w: 127*127*2 and 1*127*2 both fit 16 bits. */
INLINE __m256i dot4(__m256i sum, __m256i x, __m256i w) {
    __m256i low = _mm256_maddubs_epi16(_mm256_and_si256(x, _mm256_set1_epi8(127)), w);
    __m256i top = _mm256_maddubs_epi16(_mm256_and_si256(_mm256_srli_epi16(x, 7), _mm256_set1_epi8(1)), w);
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(low, _mm256_set1_epi16(1)));
    return _mm256_add_epi32(sum, _mm256_madd_epi16(top, _mm256_set1_epi16(128)));
}

INLINE __m256i load_some(const uint8_t *p, int count) {
    uint8_t part[32] = {0};
    if (count < 32) p = __builtin_memcpy(part, p, (size_t)count);
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

INLINE void store_some(uint8_t *p, __m256i v, int count) {
    uint8_t bytes[32];
    if (count == 32) {
        _mm256_storeu_si256((__m256i *)(void *)p, v);
        return;
    }
    _mm256_storeu_si256((__m256i *)(void *)bytes, v);
    __builtin_memcpy(p, bytes, (size_t)count);
}

#define DW(name) name##_32
#define DW_VEC __m256i
#define DW_BYTES 32
#define DW_OUTPUTS 2
#define DW_FEWER_OUTPUTS 1
#define DW_LOAD(p) _mm256_load_si256((const __m256i *)(const void *)(p))
#define DW_STORE(p, v) _mm256_store_si256((__m256i *)(void *)(p), v)
#define DW_LOAD_SOME(p, n) load_some(p, n)
#define DW_STORE_SOME(p, v, n) store_some(p, v, n)
#define DW_FILL(b) _mm256_set1_epi8(b)
#define DW_UNPACK(which, bits, a, b) _mm256_unpack##which##_epi##bits(a, b)
#define DW_DOT4(sum, x, w) dot4(sum, x, w)
#define DW_LEVELS(sum, scale, bias, e) level_of(real_of(sum, scale, bias), e)
#define DW_PACK_16(a, b) _mm256_packs_epi32(a, b)
#define DW_PACK_8(a, b, e) pack_8(a, b, e)
#include "encoder/kernels/depthwise.h"

INLINE void depthwise(uint8_t *out, const ps__picture *in, const ps__filter *f, const epilogue *e, uint8_t *scratch,
                      const int k) {
    const int band = ps__depthwise_band(in, f);
    for (int y = 0; y < in->out_height; y += band) {
        int last = in->out_height - y < band ? in->out_height : y + band;
        for (int c = 0; c < f->channels; c += 32)
            if (f->stride == 1)
                channels_32(out, y, last, in, f, e, scratch, c, k, 1);
            else
                channels_32(out, y, last, in, f, e, scratch, c, k, 2);
    }
}

static void depthwise_u8(uint8_t *out, const ps__picture *in, const ps__filter *f, const ps__requant *q, uint8_t *scratch) {
    epilogue e = epilogue_of(q);
    if (f->k == 3)
        depthwise(out, in, f, &e, scratch, 3);
    else if (f->k == 5)
        depthwise(out, in, f, &e, scratch, 5);
    else
        depthwise(out, in, f, &e, scratch, 7);
}

const ps__kernels ps__kernels_avx2 = {
    .name = "avx2", .gemm_u8 = gemm_u8, .gemm_f32 = gemm_f32, .depthwise_u8 = depthwise_u8, PS__FLOAT_KERNELS};

#else
typedef int not_for_this_processor;
#endif
