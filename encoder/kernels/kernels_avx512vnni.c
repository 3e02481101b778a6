/*
** AVX-512 with VNNI: vpdpbusd adds four u8 x s8 products to each of 16 int32 lanes without saturating, so its sums are exact.
*/
#include "encoder/kernels/kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include "encoder/kernels/floats.h"

#define INLINE static inline __attribute__((always_inline))

/* Loops of constant length over registers are unrolled before anything else, or gcc keeps the arrays on the stack. */
#define UNROLLED _Pragma("GCC unroll 8")

typedef struct epilogue { /* ps__requant spread over lanes once a call */
    __m512 low, high, inverse, zero, residual_scale; /* as in ps__requant */
    __m512i residual_zero;                           /* as in ps__requant */
    const uint8_t *residual;                         /* as in ps__requant */
} epilogue;

INLINE epilogue epilogue_of(const ps__requant *q) {
    return (epilogue){_mm512_set1_ps(q->low), _mm512_set1_ps(q->high), _mm512_set1_ps(q->inverse), _mm512_set1_ps(q->zero),
                      _mm512_set1_ps(q->residual_scale), _mm512_set1_epi32(q->residual_zero), q->residual};
}

/* 16 sums to 16 levels 0..255, as int32. The order of operations is the reference's. */
INLINE __m512i requantize(__m512i sum, __m512 scale, __m512 bias, const epilogue *e, size_t residual_at, __mmask16 mask) {
    __m512 real = _mm512_add_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(sum), scale), bias);
    if (e->residual) {
        __m512i r = _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(mask, e->residual + residual_at));
        __m512 steps = _mm512_cvtepi32_ps(_mm512_sub_epi32(r, e->residual_zero));
        real = _mm512_add_ps(real, _mm512_mul_ps(e->residual_scale, steps));
    }
    real = _mm512_min_ps(_mm512_max_ps(real, e->low), e->high);
    __m512 level = _mm512_roundscale_ps(_mm512_mul_ps(real, e->inverse), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    level = _mm512_add_ps(level, e->zero);
    level = _mm512_min_ps(_mm512_max_ps(level, _mm512_setzero_ps()), _mm512_set1_ps(255.0f));
    return _mm512_cvtps_epi32(level);
}

INLINE __mmask16 mask_of(int left) {
    unsigned lanes = left >= 16 ? 0xFFFFu : (1u << left) - 1;
    return (__mmask16)lanes;
}

/* sum + the four-way dot products of u8 x and s8 w. Written in assembly because gcc 12 copies each accumulator to another register and
** back around the intrinsic, which halves the speed of the inner loop. */
INLINE __m512i dot4(__m512i sum, __m512i x, __m512i w) {
    __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(x), "v"(w));
    return sum;
}

INLINE int32_t four_bytes(const uint8_t *p) {
    int32_t value;
    __builtin_memcpy(&value, p, 4);
    return value;
}

/* ROWS x (16 * COLUMNS) sums in registers. o: first output, a multiple of 16. */
#define TILE_SUMS(ROWS, COLUMNS)                                                                                                \
    __m512i sum[ROWS][COLUMNS];                                                                                                   \
    const int8_t *w = m->weights + (size_t)(o / 16) * (size_t)m->k4 * 64;                                                           \
    UNROLLED for (int r = 0; r < ROWS; r++)                                                                                                \
        UNROLLED for (int c = 0; c < COLUMNS; c++) sum[r][c] = _mm512_load_si512(m->offset + o + 16 * c);                                    \
    for (int i = 0; i < m->k4; i++) {                                                                                             \
        __m512i weights[COLUMNS];                                                                                                 \
        UNROLLED for (int c = 0; c < COLUMNS; c++) weights[c] = _mm512_load_si512(w + ((size_t)c * (size_t)m->k4 + (size_t)i) * 64);             \
        UNROLLED for (int r = 0; r < ROWS; r++) {                                                                                          \
            __m512i x = _mm512_set1_epi32(four_bytes(in + (size_t)r * in_stride + (size_t)i * 4));                                    \
            UNROLLED for (int c = 0; c < COLUMNS; c++) sum[r][c] = dot4(sum[r][c], x, weights[c]);                            \
        }                                                                                                                       \
    }

#define DEFINE_TILES(ROWS, COLUMNS)                                                                                             \
    static void tile_u8_##ROWS##_##COLUMNS(uint8_t *out, const uint8_t *in, size_t in_stride, size_t row, const ps__matrix *m, int o,      \
                                           const epilogue *e) {                                                                  \
        TILE_SUMS(ROWS, COLUMNS)                                                                                                  \
        UNROLLED for (int c = 0; c < COLUMNS; c++) {                                                                                       \
            __m512 scale = _mm512_load_ps(m->scale + o + 16 * c), bias = _mm512_load_ps(m->bias + o + 16 * c);                      \
            __mmask16 mask = mask_of(m->n - o - 16 * c);                                                                          \
            UNROLLED for (int r = 0; r < ROWS; r++) {                                                                                      \
                size_t at = (row + (size_t)r) * (size_t)m->n + (size_t)(o + 16 * c);                                                  \
                __m512i level = requantize(sum[r][c], scale, bias, e, at, mask);                                                   \
                _mm_mask_storeu_epi8(out + at, mask, _mm512_cvtusepi32_epi8(level));                                               \
            }                                                                                                                   \
        }                                                                                                                       \
    }                                                                                                                           \
    static void tile_f32_##ROWS##_##COLUMNS(float *out, const uint8_t *in, size_t in_stride, const float *row_scale, size_t row,       \
                                            const ps__matrix *m, int o) {                                                        \
        TILE_SUMS(ROWS, COLUMNS)                                                                                                  \
        UNROLLED for (int c = 0; c < COLUMNS; c++) {                                                                                       \
            __m512 scale = _mm512_load_ps(m->scale + o + 16 * c), bias = _mm512_load_ps(m->bias + o + 16 * c);                      \
            __mmask16 mask = mask_of(m->n - o - 16 * c);                                                                          \
            UNROLLED for (int r = 0; r < ROWS; r++) {                                                                                      \
                __m512 step = _mm512_mul_ps(_mm512_set1_ps(row_scale[row + (size_t)r]), scale);                                     \
                __m512 y = _mm512_add_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(sum[r][c]), step), bias);                                 \
                _mm512_mask_storeu_ps(out + (row + (size_t)r) * (size_t)m->n + (size_t)(o + 16 * c), mask, y);                        \
            }                                                                                                                   \
        }                                                                                                                       \
    }

#define DEFINE_ROWS(ROWS) DEFINE_TILES(ROWS, 1) DEFINE_TILES(ROWS, 2) DEFINE_TILES(ROWS, 3) DEFINE_TILES(ROWS, 4)
DEFINE_ROWS(1)
DEFINE_ROWS(2)
DEFINE_ROWS(3)
DEFINE_ROWS(4)
DEFINE_ROWS(5)
DEFINE_ROWS(6)

typedef void tile_u8_fn(uint8_t *, const uint8_t *, size_t, size_t, const ps__matrix *, int, const epilogue *);
typedef void tile_f32_fn(float *, const uint8_t *, size_t, const float *, size_t, const ps__matrix *, int);

#define TILES_OF(KIND, ROWS) {tile_##KIND##_##ROWS##_1, tile_##KIND##_##ROWS##_2, tile_##KIND##_##ROWS##_3, tile_##KIND##_##ROWS##_4}
static tile_u8_fn *const tiles_u8[6][4] = {TILES_OF(u8, 1), TILES_OF(u8, 2), TILES_OF(u8, 3), TILES_OF(u8, 4), TILES_OF(u8, 5), TILES_OF(u8, 6)};
static tile_f32_fn *const tiles_f32[6][4] = {TILES_OF(f32, 1), TILES_OF(f32, 2), TILES_OF(f32, 3),
                                             TILES_OF(f32, 4), TILES_OF(f32, 5), TILES_OF(f32, 6)};

/* Outputs outside, rows inside keeps 64 outputs' weights in the first-level cache; with many rows and small weights the rows go
** outside instead, so that each is read once. */
static int rows_outside(size_t rows, const ps__matrix *m) {
    return rows > 256 && (size_t)m->n * (size_t)m->k <= 24 << 10;
}

static void gemm_u8(uint8_t *out, const uint8_t *in, size_t in_stride, size_t rows, const ps__matrix *m, const ps__requant *q) {
    epilogue e = epilogue_of(q);
    int columns = (m->n + 15) / 16;
    size_t outer = rows_outside(rows, m) ? 6 : rows;
    for (size_t first = 0; first < rows; first += outer) {
        size_t last = first + outer < rows ? first + outer : rows;
        for (int c = 0; c < columns; c += 4) {
            int width = columns - c < 4 ? columns - c : 4;
            for (size_t r = first; r < last; r += 6) {
                size_t height = last - r < 6 ? last - r : 6;
                tiles_u8[height - 1][width - 1](out, in + r * in_stride, in_stride, r, m, c * 16, &e);
            }
        }
    }
}

static void gemm_f32(float *out, const uint8_t *in, size_t in_stride, const float *row_scale, size_t rows, const ps__matrix *m) {
    int columns = (m->n + 15) / 16;
    for (int c = 0; c < columns; c += 4) {
        int width = columns - c < 4 ? columns - c : 4;
        for (size_t r = 0; r < rows; r += 6) {
            size_t height = rows - r < 6 ? rows - r : 6;
            tiles_f32[height - 1][width - 1](out, in + r * in_stride, in_stride, row_scale, r, m, c * 16);
        }
    }
}

/* Four vectors of 64 channels, one a tap, to four of 16 channels x 4 taps, in ps__filter's order. */
INLINE void interleave(uint8_t *to, __m512i a, __m512i b, __m512i c, __m512i d) {
    __m512i low_ab = _mm512_unpacklo_epi8(a, b), high_ab = _mm512_unpackhi_epi8(a, b);
    __m512i low_cd = _mm512_unpacklo_epi8(c, d), high_cd = _mm512_unpackhi_epi8(c, d);
    _mm512_store_si512(to, _mm512_unpacklo_epi16(low_ab, low_cd));
    _mm512_store_si512(to + 64, _mm512_unpackhi_epi16(low_ab, low_cd));
    _mm512_store_si512(to + 128, _mm512_unpacklo_epi16(high_ab, high_cd));
    _mm512_store_si512(to + 192, _mm512_unpackhi_epi16(high_ab, high_cd));
}

/* Every column of 64 channels from channel c on, `groups` x 256 bytes each, the padding columns too. */
INLINE void interleave_columns(uint8_t *scratch, int columns, const uint8_t *const *rows, int width, int pad, int zero_in, const ps__filter *f,
                               int c, int k, __mmask64 mask) {
    const __m512i padding = _mm512_set1_epi8((char)zero_in), none = _mm512_setzero_si512();
    for (int x = 0; x < columns; x++, scratch += (k + 3) / 4 * 256) {
        int column = x - pad;
        size_t at = (size_t)column * (size_t)f->channels + (size_t)c;
        for (int g = 0; g < (k + 3) / 4; g++) {
            __m512i tap[4];
            for (int t = 0; t < 4; t++) {
                if (g * 4 + t >= k) tap[t] = none;
                else if (column < 0 || column >= width) tap[t] = padding;
                else tap[t] = _mm512_maskz_loadu_epi8(mask, rows[g * 4 + t] + at);
            }
            interleave(scratch + g * 256, tap[0], tap[1], tap[2], tap[3]);
        }
    }
}

/* `outputs` neighbouring output pixels of one block of 64 channels, so that each weight is loaded once for all of them. */
INLINE void depthwise_pixels(uint8_t *out, int outputs, int stride, const ps__filter *f, int c, int k, const epilogue *e, const uint8_t *column,
                             __mmask64 mask) {
    const int groups = (k + 3) / 4, step = stride * groups * 256;
    const int8_t *w = f->weights + (size_t)(c / 64) * (size_t)k * (size_t)groups * 256;
    __m512i sum[4][4]; /* [output][quarter] */
    UNROLLED for (int p = 0; p < outputs; p++)
        UNROLLED for (int j = 0; j < 4; j++) sum[p][j] = _mm512_load_si512(f->offset + c + 16 * j);
    for (int i = 0; i < k * groups; i++, w += 256, column += 256)
        UNROLLED for (int j = 0; j < 4; j++) {
            __m512i weights = _mm512_load_si512(w + j * 64);
            UNROLLED for (int p = 0; p < outputs; p++) sum[p][j] = dot4(sum[p][j], _mm512_load_si512(column + p * step + j * 64), weights);
        }
    UNROLLED for (int p = 0; p < outputs; p++) {
        __m512i level[4];
        UNROLLED for (int j = 0; j < 4; j++)
            level[j] = requantize(sum[p][j], _mm512_load_ps(f->scale + c + 16 * j), _mm512_load_ps(f->bias + c + 16 * j), e, 0, 0);
        __m512i low = _mm512_packs_epi32(level[0], level[1]), high = _mm512_packs_epi32(level[2], level[3]);
        _mm512_mask_storeu_epi8(out + (size_t)p * (size_t)f->channels, mask, _mm512_packus_epi16(low, high));
    }
}

INLINE void depthwise_block(uint8_t *out, int out_width, int stride, const ps__filter *f, int c, int k, const epilogue *e, const uint8_t *scratch,
                            __mmask64 mask) {
    const size_t step = (size_t)stride * (size_t)((k + 3) / 4) * 256, channels = (size_t)f->channels;
    size_t x = 0;
    for (; x + 4 <= (size_t)out_width; x += 4) depthwise_pixels(out + x * channels + (size_t)c, 4, stride, f, c, k, e, scratch + x * step, mask);
    for (; x < (size_t)out_width; x++) depthwise_pixels(out + x * channels + (size_t)c, 1, stride, f, c, k, e, scratch + x * step, mask);
}

INLINE void depthwise_k(uint8_t *out, int out_width, const uint8_t *const *rows, int width, int stride, int pad, int zero_in,
                        const ps__filter *f, const epilogue *e, uint8_t *scratch, int k) {
    int columns = (out_width - 1) * stride + k;
    for (int c = 0; c < f->channels; c += 64) {
        int left = f->channels - c;
        __mmask64 mask = left >= 64 ? ~(__mmask64)0 : ((__mmask64)1 << left) - 1;
        interleave_columns(scratch, columns, rows, width, pad, zero_in, f, c, k, mask);
        depthwise_block(out, out_width, stride, f, c, k, e, scratch, mask);
    }
}

static void depthwise_u8(uint8_t *out, int out_width, const uint8_t *const *rows, int width, int stride, int pad, int zero_in,
                         const ps__filter *f, const ps__requant *q, uint8_t *scratch) {
    epilogue e = epilogue_of(q);
    e.residual = NULL;
    if (f->k == 3) depthwise_k(out, out_width, rows, width, stride, pad, zero_in, f, &e, scratch, 3);
    else if (f->k == 5) depthwise_k(out, out_width, rows, width, stride, pad, zero_in, f, &e, scratch, 5);
    else depthwise_k(out, out_width, rows, width, stride, pad, zero_in, f, &e, scratch, 7);
}

const ps__kernels ps__kernels_avx512vnni = {
    .name = "avx512vnni", .gemm_u8 = gemm_u8, .gemm_f32 = gemm_f32, .depthwise_u8 = depthwise_u8, PS__FLOAT_KERNELS};

#else
typedef int not_for_this_processor;
#endif
