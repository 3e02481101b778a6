/*
** Matrix products of float32: the linear layers that are kept so, and the float path. Every result is the dot product of 16 lanes
** that floats_dot says; a tile of rows x outputs shares what it loads. Compiled for each instruction set by floats.h.
*/
#ifndef PS_KERNEL_PRODUCTS_H
#define PS_KERNEL_PRODUCTS_H

#include "encoder/kernels/kernels.h"
#include "encoder/kernels/lanes.h"

/* Sums of a tile, one or two inputs and weights fill the registers. */
#if VEC == 16
enum { TILE_ROWS = 4, TILE_OUTPUTS = 6 };
#elif VEC == 8
enum { TILE_ROWS = 2, TILE_OUTPUTS = 3 };
#else
enum { TILE_ROWS = 1, TILE_OUTPUTS = 3 };
#endif

ALWAYS void add_products(vec sum[TILE_ROWS][TILE_OUTPUTS][PARTS], const float *const *in, const float *const *w, size_t i,
                         const int rows, const int outputs) {
    UNROLL for (int p = 0; p < PARTS; p++) {
        vec x[TILE_ROWS];
        UNROLL for (int r = 0; r < rows; r++) x[r] = vec_load(in[r] + i + p * VEC);
        UNROLL for (int o = 0; o < outputs; o++) {
            vec weight = vec_load(w[o] + i + p * VEC);
            UNROLL for (int r = 0; r < rows; r++) sum[r][o][p] += x[r] * weight;
        }
    }
}

/* out, in: the tile's first row; w, bias: its first output. */
ALWAYS void tile_float(float *out, size_t out_stride, const float *in, const float *w, const float *bias, size_t k, const int rows,
                       const int outputs) {
    vec sum[TILE_ROWS][TILE_OUTPUTS][PARTS];
    const float *from[TILE_ROWS], *weight[TILE_OUTPUTS];
    UNROLL for (int r = 0; r < rows; r++) from[r] = in + (size_t)r * k;
    UNROLL for (int o = 0; o < outputs; o++) weight[o] = w + (size_t)o * k;
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int o = 0; o < outputs; o++)
            UNROLL for (int p = 0; p < PARTS; p++) sum[r][o][p] = (vec){0};
    size_t i = 0;
    for (; i + LANES <= k; i += LANES) add_products(sum, from, weight, i, rows, outputs);
    if (i < k) {
        float rest[TILE_ROWS + TILE_OUTPUTS][LANES];
        for (int r = 0; r < rows; r++) lanes_rest(rest[r], from[r] + i, (int)(k - i));
        for (int o = 0; o < outputs; o++) lanes_rest(rest[rows + o], weight[o] + i, (int)(k - i));
        UNROLL for (int r = 0; r < rows; r++) from[r] = rest[r];
        UNROLL for (int o = 0; o < outputs; o++) weight[o] = rest[rows + o];
        add_products(sum, from, weight, 0, rows, outputs);
    }
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int o = 0; o < outputs; o++) out[(size_t)r * out_stride + (size_t)o] = lanes_sum(sum[r][o]) + bias[o];
}

/* A strip of outputs over all rows, so that its weights stay in the first-level cache. */
ALWAYS void strip_float(float *out, size_t out_stride, const float *in, size_t rows, const float *w, const float *bias, size_t k,
                        const int outputs) {
    size_t r = 0;
    for (; r + TILE_ROWS <= rows; r += TILE_ROWS)
        tile_float(out + r * out_stride, out_stride, in + r * k, w, bias, k, TILE_ROWS, outputs);
    for (; r < rows; r++) tile_float(out + r * out_stride, out_stride, in + r * k, w, bias, k, 1, outputs);
}

static void floats_gemm(float *out, size_t out_stride, const float *in, size_t rows, const float *weights, const float *bias, int n,
                        int k) {
    int o = 0;
    for (; o + TILE_OUTPUTS <= n; o += TILE_OUTPUTS)
        strip_float(out + o, out_stride, in, rows, weights + (size_t)o * (size_t)k, bias + o, (size_t)k, TILE_OUTPUTS);
    for (; o < n; o++) strip_float(out + o, out_stride, in, rows, weights + (size_t)o * (size_t)k, bias + o, (size_t)k, 1);
}

static float floats_dot(const float *a, const float *b, int n) {
    const float zero = 0;
    float sum;
    tile_float(&sum, 1, a, b, &zero, (size_t)n, 1, 1);
    return sum;
}

#endif
