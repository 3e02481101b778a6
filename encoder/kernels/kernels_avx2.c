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
#define UNROLLED _Pragma("GCC unroll 4")

typedef struct epilogue { /* ps__requant spread over lanes once a call */
    __m256 low, high, inverse, zero, residual_scale; /* as in ps__requant */
    __m256i residual_zero;                           /* as in ps__requant */
} epilogue;

INLINE epilogue epilogue_of(const ps__requant *q) {
    return (epilogue){_mm256_set1_ps(q->low), _mm256_set1_ps(q->high), _mm256_set1_ps(q->inverse), _mm256_set1_ps(q->zero),
                      _mm256_set1_ps(q->residual_scale), _mm256_set1_epi32(q->residual_zero)};
}

/* 8 sums to 8 levels 0..255. residual: 8 readable bytes or NULL. */
INLINE __m256i requantize(__m256i sum, __m256 scale, __m256 bias, const epilogue *e, const uint8_t *residual) {
    __m256 real = _mm256_add_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(sum), scale), bias);
    if (residual) {
        __m256i r = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)residual));
        __m256 steps = _mm256_cvtepi32_ps(_mm256_sub_epi32(r, e->residual_zero));
        real = _mm256_add_ps(real, _mm256_mul_ps(e->residual_scale, steps));
    }
    real = _mm256_min_ps(_mm256_max_ps(real, e->low), e->high);
    __m256 level = _mm256_round_ps(_mm256_mul_ps(real, e->inverse), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    level = _mm256_add_ps(level, e->zero);
    level = _mm256_min_ps(_mm256_max_ps(level, _mm256_setzero_ps()), _mm256_set1_ps(255.0f));
    return _mm256_cvtps_epi32(level);
}

INLINE __m256i load8(const int32_t *p) {
    return _mm256_load_si256((const __m256i *)(const void *)p);
}

/* ROWS x 16 sums in natural order, two vectors of 8 a row. */
#define MAX_ROWS 3
INLINE void tile_sums(__m256i out[MAX_ROWS][2], const uint8_t *in, size_t in_stride, const ps__matrix *m, int o, int rows) {
    __m256i sum[MAX_ROWS][4]; /* two partial sums an output */
    const int8_t *w = m->weights + (size_t)(o / 16) * (size_t)m->k4 * 64;
    UNROLLED for (int r = 0; r < rows; r++)
        UNROLLED for (int c = 0; c < 4; c++) sum[r][c] = _mm256_setzero_si256();
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
    __m256i sum[MAX_ROWS][2];
    size_t left = (size_t)(m->n - o), count = left < 16 ? left : 16;
    tile_sums(sum, in, in_stride, m, o, rows);
    UNROLLED for (int r = 0; r < rows; r++) {
        size_t at = (row + (size_t)r) * (size_t)m->n + (size_t)o;
        int32_t level[16] __attribute__((aligned(32)));
        uint8_t bytes[16] = {0};
        if (residual) __builtin_memcpy(bytes, residual + at, count);
        UNROLLED for (int h = 0; h < 2; h++) {
            __m256 scale = _mm256_load_ps(m->scale + o + 8 * h), bias = _mm256_load_ps(m->bias + o + 8 * h);
            __m256i q = requantize(sum[r][h], scale, bias, e, residual ? bytes + 8 * h : NULL);
            _mm256_store_si256((__m256i *)(void *)(level + 8 * h), q);
        }
        for (size_t i = 0; i < 16; i++) bytes[i] = (uint8_t)level[i];
        __builtin_memcpy(out + at, bytes, count);
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

INLINE void store32(uint8_t *to, __m256i v) {
    _mm256_store_si256((__m256i *)(void *)to, v);
}

/* 32 channels (one half of a block of 64) of every column, interleaved four taps deep: columns x groups x 4 quarters x 64 bytes, of
** which this half fills 32. */
INLINE void interleave_columns(uint8_t *scratch, int columns, const uint8_t *const *rows, int width, int pad, int zero_in, const ps__filter *f,
                               int c) {
    const __m256i padding = _mm256_set1_epi8((char)zero_in), none = _mm256_setzero_si256();
    int left = f->channels - c, groups = (f->k + 3) / 4;
    for (int x = 0; x < columns; x++, scratch += groups * 128) {
        int column = x - pad;
        for (int g = 0; g < groups; g++) {
            __m256i tap[4];
            for (int t = 0; t < 4; t++) {
                if (g * 4 + t >= f->k) tap[t] = none;
                else if (column < 0 || column >= width) tap[t] = padding;
                else {
                    const uint8_t *from = rows[g * 4 + t] + (size_t)column * (size_t)f->channels + (size_t)c;
                    uint8_t part[32] = {0};
                    if (left < 32) from = __builtin_memcpy(part, from, (size_t)left);
                    tap[t] = _mm256_loadu_si256((const __m256i *)(const void *)from);
                }
            }
            __m256i low_ab = _mm256_unpacklo_epi8(tap[0], tap[1]), high_ab = _mm256_unpackhi_epi8(tap[0], tap[1]);
            __m256i low_cd = _mm256_unpacklo_epi8(tap[2], tap[3]), high_cd = _mm256_unpackhi_epi8(tap[2], tap[3]);
            store32(scratch + g * 128, _mm256_unpacklo_epi16(low_ab, low_cd));
            store32(scratch + g * 128 + 32, _mm256_unpackhi_epi16(low_ab, low_cd));
            store32(scratch + g * 128 + 64, _mm256_unpacklo_epi16(high_ab, high_cd));
            store32(scratch + g * 128 + 96, _mm256_unpackhi_epi16(high_ab, high_cd));
        }
    }
}

/* sum + four-way dot product of u8 x and s8 w: 127*127*2 and 1*127*2 both fit 16 bits. */
INLINE __m256i dot4(__m256i sum, __m256i x, __m256i w) {
    __m256i low = _mm256_maddubs_epi16(_mm256_and_si256(x, _mm256_set1_epi8(127)), w);
    __m256i top = _mm256_maddubs_epi16(_mm256_and_si256(_mm256_srli_epi16(x, 7), _mm256_set1_epi8(1)), w);
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(low, _mm256_set1_epi16(1)));
    return _mm256_add_epi32(sum, _mm256_madd_epi16(top, _mm256_set1_epi16(128)));
}

INLINE void depthwise_half(uint8_t *out, int out_width, int stride, const ps__filter *f, int c, const epilogue *e, const uint8_t *scratch) {
    int groups = (f->k + 3) / 4, left = f->channels - c, half = c % 64 / 32 * 8; /* half: first of 8 lanes in a quarter of 16 */
    const int8_t *w = f->weights + (size_t)(c / 64) * (size_t)(f->k * groups) * 256 + half * 4;
    size_t place = (size_t)(c / 64 * 64 + half), count = left < 32 ? (size_t)left : 32;
    for (int x = 0; x < out_width; x++) {
        const uint8_t *column = scratch + (size_t)x * (size_t)stride * (size_t)groups * 128;
        __m256i level[4];
        UNROLLED for (int j = 0; j < 4; j++) {
            __m256i sum = load8(f->offset + place + 16 * (size_t)j);
            for (int i = 0; i < f->k * groups; i++)
                sum = dot4(sum, _mm256_load_si256((const __m256i *)(const void *)(column + i * 128 + j * 32)),
                           _mm256_load_si256((const __m256i *)(const void *)(w + i * 256 + j * 64)));
            level[j] = requantize(sum, _mm256_load_ps(f->scale + place + 16 * (size_t)j), _mm256_load_ps(f->bias + place + 16 * (size_t)j), e, NULL);
        }
        uint8_t bytes[32] __attribute__((aligned(32)));
        store32(bytes, _mm256_packus_epi16(_mm256_packs_epi32(level[0], level[1]), _mm256_packs_epi32(level[2], level[3])));
        __builtin_memcpy(out + (size_t)x * (size_t)f->channels + (size_t)c, bytes, count);
    }
}

static void depthwise_u8(uint8_t *out, int out_width, const uint8_t *const *rows, int width, int stride, int pad, int zero_in,
                         const ps__filter *f, const ps__requant *q, uint8_t *scratch) {
    epilogue e = epilogue_of(q);
    for (int c = 0; c < f->channels; c += 32) {
        interleave_columns(scratch, (out_width - 1) * stride + f->k, rows, width, pad, zero_in, f, c);
        depthwise_half(out, out_width, stride, f, c, &e, scratch);
    }
}

const ps__kernels ps__kernels_avx2 = {
    .name = "avx2", .gemm_u8 = gemm_u8, .gemm_f32 = gemm_f32, .depthwise_u8 = depthwise_u8, PS__FLOAT_KERNELS};

#else
typedef int not_for_this_processor;
#endif
