/*
** Matrix products with AVX-512 VNNI: a tile of rows x 16-output columns is summed in registers, requantised and stored.
*/
#include "encoder/kernels/kernels.h"

#if defined(__x86_64__)

#include "encoder/kernels/avx512.h"
#include "encoder/kernels/kernels_avx512vnni.h"

/* Rows of a tile of 1, 2, 3 or 4 columns: sums, one row of weights and one input fill the 32 registers, and 36 is a multiple of
** each. */
#define MOST_ROWS 12
INLINE int height_of(const int columns) { return columns == 4 ? 6 : columns == 3 ? 9 : 12; }

INLINE int32_t four_bytes(const uint8_t *p) {
    int32_t value;
    __builtin_memcpy(&value, p, 4);
    return value;
}

/* rows x (16 * columns) sums. o: first output, a multiple of 16. ahead: the weights to fetch meanwhile, a column of them. lower:
** only the lower half of the last column is wanted. */
INLINE void tile_sums(__m512i sum[MOST_ROWS][4], const uint8_t *in, size_t in_stride, const ps__matrix *m, int o,
                      const int8_t *ahead, const int rows, const int columns, const int lower) {
    const size_t column = (size_t)(m->runs * m->k4) * 64;
    const int8_t *w = m->weights + (size_t)(o / 16) * column;
    UNROLLED for (int r = 0; r < rows; r++)
        UNROLLED for (int c = 0; c < columns; c++) sum[r][c] = _mm512_load_si512(m->offset + o + 16 * c);
    for (int run = 0; run < m->runs; run++, in += m->run_stride) {
        /* x86 adds one or two strides itself. */
        const uint8_t *third[4] = {in, in + 3 * in_stride, in + 6 * in_stride, in + 9 * in_stride};
        for (int i = 0; i < m->k4; i++, w += 64, ahead += 64) {
            __m512i weights[4];
            _mm_prefetch((const char *)ahead, _MM_HINT_T0);
            UNROLLED for (int c = 0; c < columns; c++) weights[c] = _mm512_load_si512(w + (size_t)c * column);
            UNROLLED for (int r = 0; r < rows; r++) {
                __m512i x = _mm512_set1_epi32(four_bytes(third[r / 3] + (size_t)(r % 3) * in_stride + (size_t)i * 4));
                UNROLLED for (int c = 0; c < columns - lower; c++) sum[r][c] = dot4(sum[r][c], x, weights[c]);
                if (lower) sum[r][columns - 1] = dot4_lower(sum[r][columns - 1], x, weights[columns - 1]);
            }
        }
    }
}

/* Levels of `per` rows x `columns`, packed, to where they belong. */
INLINE void store_levels(uint8_t *out, size_t stride, __m512i packed, int left, const int per, const int columns) {
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    __m512i in_order = _mm512_permutexvar_epi32(order, packed);
    if (columns >= 3) _mm512_mask_storeu_epi8(out, lanes(left < 16 * columns ? left : 16 * columns), in_order);
    if (columns == 2) {
        __mmask32 mask = (__mmask32)lanes(left < 32 ? left : 32);
        _mm256_mask_storeu_epi8(out, mask, _mm512_castsi512_si256(in_order));
        if (per > 1) _mm256_mask_storeu_epi8(out + stride, mask, _mm512_extracti64x4_epi64(in_order, 1));
    }
    if (columns == 1) {
        __mmask16 mask = (__mmask16)lanes(left < 16 ? left : 16);
        _mm_mask_storeu_epi8(out, mask, _mm512_castsi512_si128(in_order));
        if (per > 1) _mm_mask_storeu_epi8(out + stride, mask, _mm512_extracti32x4_epi32(in_order, 1));
        if (per > 2) _mm_mask_storeu_epi8(out + 2 * stride, mask, _mm512_extracti32x4_epi32(in_order, 2));
        if (per > 3) _mm_mask_storeu_epi8(out + 3 * stride, mask, _mm512_extracti32x4_epi32(in_order, 3));
    }
}

/* Sums to levels, in the registers they are in: column by column, as there are none left for every column's scale and bias. */
INLINE void tile_levels(__m512i sum[MOST_ROWS][4], const uint8_t *residual, const ps__matrix *m, int o, const epilogue *e,
                        const int mode, const int rows, const int columns) {
    const __m512 inverse = e->inverse, top = e->top;
    UNROLLED for (int c = 0; c < columns; c++) {
        const __m512 scale = _mm512_load_ps(m->scale + o + 16 * c), bias = _mm512_load_ps(m->bias + o + 16 * c);
        UNROLLED for (int r = 0; r < rows; r++) {
            __m512 real = real_of(sum[r][c], scale, bias);
            if (mode == ADDING)
                real = add_residual(real, residual + (size_t)r * (size_t)m->n + 16 * c, (__mmask16)lanes(m->n - o - 16 * c), e);
            sum[r][c] = level_of(real, inverse, top, mode);
        }
    }
}

/* out, residual: the tile's first output of its first row. */
INLINE void tile_u8(uint8_t *out, const uint8_t *residual, const uint8_t *in, size_t in_stride, const ps__matrix *m, int o,
                    const int8_t *ahead, const epilogue *e, const int mode, const int rows, const int columns,
                    const int lower) {
    __m512i sum[MOST_ROWS][4];
    const size_t stride = (size_t)m->n;
    const int left = m->n - o, per = columns >= 3 || rows == 1 ? 1 : 4 / columns;
    tile_sums(sum, in, in_stride, m, o, ahead, rows, columns, lower);
    tile_levels(sum, residual, m, o, e, mode, rows, columns);
    const epilogue own = *e; /* which the stores cannot change */
    UNROLLED for (int r = 0; r < rows; r += per) {
        __m512i level[4];
        UNROLLED for (int i = 0; i < 4; i++) {
            const int used = i < per * columns ? i : 0;
            level[i] = sum[r + used / columns][used % columns];
        }
        __m512i packed = pack_levels(level[0], level[1], level[2], level[3], &own, mode);
        store_levels(out + (size_t)r * stride, stride, packed, left, per, columns);
    }
}

/* A strip of columns over `rows` rows. The last tile may do rows again that the one before it did, which is cheaper than a
** smaller tile; single rows are left where there are too few for one. */
INLINE void strip_u8(uint8_t *out, const uint8_t *residual, const uint8_t *in, size_t in_stride, size_t rows, const ps__matrix *m,
                     int o, const epilogue *e, const int mode, const int columns, const int lower) {
    const size_t n = (size_t)m->n, height = (size_t)height_of(columns);
    size_t step = rows < height ? 1 : height, column = (size_t)(m->runs * m->k4) * 64, fetched = 0;
    for (size_t next = 0; next < rows; next += step) {
        const int8_t *ahead = m->weights + (size_t)(o / 16 + columns + (int)fetched) * column;
        fetched = fetched + 1 < (size_t)columns ? fetched + 1 : 0;
        size_t r = next + step <= rows ? next : rows - step;
        const uint8_t *added = mode == ADDING ? residual + r * n : NULL;
        if (step == 1)
            tile_u8(out + r * n, added, in + r * in_stride, in_stride, m, o, ahead, e, mode, 1, columns, lower);
        else
            tile_u8(out + r * n, added, in + r * in_stride, in_stride, m, o, ahead, e, mode, height_of(columns), columns,
                    lower);
    }
}

typedef void strip_fn(uint8_t *, const uint8_t *, const uint8_t *, size_t, size_t, const ps__matrix *, int, const epilogue *);

#define DEFINE_STRIP(MODE, NAME, COLUMNS, LOWER)                                                                                 \
    static void strip_##MODE##_##NAME(uint8_t *out, const uint8_t *residual, const uint8_t *in, size_t in_stride, size_t rows,   \
                                      const ps__matrix *m, int o, const epilogue *e) {                                           \
        strip_u8(out, residual, in, in_stride, rows, m, o, e, MODE, COLUMNS, LOWER);                                             \
    }
#define DEFINE_STRIPS(MODE)                                                                                                      \
    DEFINE_STRIP(MODE, 1, 1, 0)                                                                                                  \
    DEFINE_STRIP(MODE, 2, 2, 0)                                                                                                  \
    DEFINE_STRIP(MODE, 3, 3, 0)                                                                                                  \
    DEFINE_STRIP(MODE, 4, 4, 0)                                                                                                  \
    DEFINE_STRIP(MODE, 1_and_half, 2, 1)
DEFINE_STRIPS(PLAIN)
DEFINE_STRIPS(CAREFUL)
DEFINE_STRIPS(ADDING)

#define STRIPS_OF(MODE) {strip_##MODE##_1, strip_##MODE##_2, strip_##MODE##_3, strip_##MODE##_4, strip_##MODE##_1_and_half}
static strip_fn *const strips[3][5] = {STRIPS_OF(PLAIN), STRIPS_OF(CAREFUL), STRIPS_OF(ADDING)};

/* Columns of the next strip: fours, but no single one is left over where two strips can share. */
static int strip_width(int columns) { return columns == 5 ? 3 : columns < 4 ? columns : 4; }

/* Outputs outside, rows inside keeps one strip's weights in the first-level cache; with many rows and small weights blocks of
** rows go outside instead, so that each is read once. */
static size_t block_rows(size_t rows, const ps__matrix *m) {
    return rows > 256 && (size_t)m->n * (size_t)m->k <= 24 << 10 ? 36 : rows;
}

void ps__gemm_u8_avx512vnni(uint8_t *out, const uint8_t *in, size_t in_stride, size_t rows, const ps__matrix *m,
                            const ps__requant *q) {
    epilogue e = epilogue_of(q);
    const size_t block = block_rows(rows, m), n = (size_t)m->n;
    const int mode = q->residual ? ADDING : ps__is_plain(q, m->reach) ? PLAIN : CAREFUL;
    for (size_t first = 0; first < rows; first += block) {
        size_t count = rows - first < block ? rows - first : block;
        for (int c = 0, columns = (m->n + 15) / 16, width; c < columns; c += width) {
            width = strip_width(columns - c);
            size_t at = first * n + (size_t)(c * 16);
            int shape = width == 2 && m->n - c * 16 <= 24 ? 4 : width - 1;
            strips[mode][shape](out + at, q->residual ? q->residual + at : NULL, in + first * in_stride, in_stride, count, m,
                                c * 16, &e);
        }
    }
}

INLINE void tile_f32(float *out, const uint8_t *in, size_t in_stride, const float *row_scale, const ps__matrix *m, int o,
                     const int rows, const int columns) {
    __m512i sum[MOST_ROWS][4];
    tile_sums(sum, in, in_stride, m, o, m->weights + (size_t)(o / 16 + columns) * (size_t)m->k4 * 64, rows, columns, 0);
    UNROLLED for (int c = 0; c < columns; c++) {
        __m512 scale = _mm512_load_ps(m->scale + o + 16 * c), bias = _mm512_load_ps(m->bias + o + 16 * c);
        __mmask16 mask = (__mmask16)lanes(m->n - o - 16 * c);
        UNROLLED for (int r = 0; r < rows; r++) {
            __m512 step = _mm512_mul_ps(_mm512_set1_ps(row_scale[r]), scale);
            _mm512_mask_storeu_ps(out + (size_t)r * (size_t)m->n + (size_t)(o + 16 * c), mask, real_of(sum[r][c], step, bias));
        }
    }
}

#define DEFINE_TILE(ROWS, COLUMNS)                                                                                               \
    static void tile_f32_##ROWS##_##COLUMNS(float *out, const uint8_t *in, size_t in_stride, const float *row_scale,            \
                                            const ps__matrix *m, int o) {                                                        \
        tile_f32(out, in, in_stride, row_scale, m, o, ROWS, COLUMNS);                                                            \
    }
#define DEFINE_TILES(ROWS) DEFINE_TILE(ROWS, 1) DEFINE_TILE(ROWS, 2) DEFINE_TILE(ROWS, 3) DEFINE_TILE(ROWS, 4)
DEFINE_TILES(1)
DEFINE_TILES(2)
DEFINE_TILES(3)
DEFINE_TILES(4)
DEFINE_TILES(5)
DEFINE_TILES(6)

typedef void tile_f32_fn(float *, const uint8_t *, size_t, const float *, const ps__matrix *, int);

#define TILES_OF(ROWS) {tile_f32_##ROWS##_1, tile_f32_##ROWS##_2, tile_f32_##ROWS##_3, tile_f32_##ROWS##_4}
static tile_f32_fn *const tiles_f32[6][4] = {TILES_OF(1), TILES_OF(2), TILES_OF(3), TILES_OF(4), TILES_OF(5), TILES_OF(6)};

void ps__gemm_f32_avx512vnni(float *out, const uint8_t *in, size_t in_stride, const float *row_scale, size_t rows,
                             const ps__matrix *m) {
    int columns = (m->n + 15) / 16;
    for (int c = 0; c < columns; c += 4) {
        int width = columns - c < 4 ? columns - c : 4;
        for (size_t r = 0; r < rows; r += 6) {
            size_t height = rows - r < 6 ? rows - r : 6;
            tiles_f32[height - 1][width - 1](out + r * (size_t)m->n, in + r * in_stride, in_stride, row_scale + r, m, c * 16);
        }
    }
}

#else
typedef int not_for_this_processor;
#endif
