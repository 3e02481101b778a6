/*
** The float operations around the INT8 ones, written once and compiled once for each instruction set (a file defines PS__ISA_NAME
** and includes this). All sums run in 16 lanes that are added in one fixed order and nothing is contracted, so that every
** instruction set gives the same bits; the compiler may only choose how many lanes it does at once.
*/
#ifndef PS_KERNEL_FLOATS_H
#define PS_KERNEL_FLOATS_H

#include <math.h>
#include <string.h>

#include "encoder/kernels/activations.h"
#include "encoder/kernels/attention.h"
#include "encoder/kernels/kernels.h"
#include "encoder/kernels/lanes.h"
#include "encoder/kernels/products.h"
#include "encoder/kernels/windows.h"

static void floats_layer_norm(float *x, const float *residual, const float *weight, const float *bias, float eps, int n) {
    float rest[LANES];
    vec lane[PARTS], square[PARTS];
    if (residual)
        for (int i = 0; i < n; i++) x[i] += residual[i];
    for (int p = 0; p < PARTS; p++) lane[p] = square[p] = (vec){0};
    int i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int p = 0; p < PARTS; p++) lane[p] += vec_load(x + i + p * VEC);
    lanes_rest(rest, x + i, n - i);
    for (int p = 0; p < PARTS; p++) lane[p] += vec_load(rest + p * VEC);
    float mean = lanes_sum(lane) / (float)n;
    for (i = 0; i + LANES <= n; i += LANES)
        for (int p = 0; p < PARTS; p++) {
            vec d = vec_load(x + i + p * VEC) - vec_fill(mean);
            square[p] += d * d;
        }
    for (int j = 0; j < LANES; j++) rest[j] = i + j < n ? x[i + j] - mean : 0;
    for (int p = 0; p < PARTS; p++) square[p] += vec_load(rest + p * VEC) * vec_load(rest + p * VEC);
    float factor = 1.0f / sqrtf(lanes_sum(square) / (float)n + eps);
    for (i = 0; i < n; i++) x[i] = (x[i] - mean) * factor * weight[i] + bias[i];
}

/* The greatest of all |x|; what is not a number is greater than nothing. */
static inline float greatest_size(const float *x, int n) {
    vec top[2] = {{0}, {0}};
    float lane[VEC], rest[2 * VEC] = {0};
    int i = 0;
    for (; i < n; i += 2 * VEC) {
        const float *from = x + i;
        if (n - i < 2 * VEC) from = memcpy(rest, x + i, (size_t)(n - i) * 4);
        UNROLL for (int j = 0; j < 2; j++) {
            vec size = vec_abs(vec_load(from + j * VEC));
            top[j] = vec_choose(size > top[j], size, top[j]);
        }
    }
    vec_store(lane, vec_choose(top[1] > top[0], top[1], top[0]));
    for (int j = 1; j < VEC; j++) lane[0] = lane[j] > lane[0] ? lane[j] : lane[0];
    return lane[0];
}

static float floats_quantize_row(uint8_t *out, const float *x, int n) {
    const float shifter = 12582912.0f;
    float top = greatest_size(x, n);
    if (!(top > 0)) {
        memset(out, 128, (size_t)n);
        return 0;
    }
    float scale = top / 127.0f, inverse = 127.0f / top;
    for (int i = 0; i < n; i++) {
        float r = (x[i] * inverse + shifter) - shifter;
        r = r < 127.0f ? r : 127.0f; /* NaN becomes 127 */
        r = r > -127.0f ? r : -127.0f;
        out[i] = (uint8_t)((int32_t)r + 128);
    }
    return scale;
}

static void floats_quantize_rest(uint8_t *out, const float *x, const uint8_t *levels, float scale, int n) {
    const float shifter = 12582912.0f;
    float inverse = scale > 0 ? 254.0f / scale : 0;
    for (int i = 0; i < n; i++) {
        float rest = x[i] - scale * (float)((int32_t)levels[i] - 128);
        float r = (rest * inverse + shifter) - shifter;
        r = r < 127.0f ? r : 127.0f;
        r = r > -127.0f ? r : -127.0f;
        out[i] = (uint8_t)((int32_t)r + 128);
    }
}

static float floats_centre_row(float *out, const float *x, int n) {
    float low = x[0], high = x[0];
    for (int i = 1; i < n; i++) {
        low = x[i] < low ? x[i] : low;
        high = x[i] > high ? x[i] : high;
    }
    float middle = (low + high) * 0.5f;
    for (int i = 0; i < n; i++) out[i] = x[i] - middle;
    return middle;
}

static void floats_add_multiple(float *x, const float *y, float factor, int n) {
    for (int i = 0; i < n; i++) x[i] += factor * y[i];
}

static void floats_sum_u8(uint32_t *sum, const uint8_t *in, size_t pixels, int channels) {
    for (size_t p = 0; p < pixels; p++, in += channels)
        for (int c = 0; c < channels; c++) sum[c] += in[c];
}

static void floats_add(float *x, const float *y, size_t n) {
    for (size_t i = 0; i < n; i++) x[i] += y[i];
}

static void floats_add_scaled(float *x, const float *y, const float *scale, size_t rows, size_t n) {
    for (size_t r = 0; r < rows; r++, x += n, y += n)
        for (size_t i = 0; i < n; i++) x[i] += scale[i] * y[i];
}

static void floats_gate(float *x, const float *gate, size_t rows, size_t n) {
    for (size_t r = 0; r < rows; r++, x += n)
        for (size_t i = 0; i < n; i++) x[i] *= gate[i];
}

static void floats_mean(float *out, const float *x, size_t rows, size_t n) {
    memset(out, 0, n * 4);
    for (size_t r = 0; r < rows; r++, x += n)
        for (size_t i = 0; i < n; i++) out[i] += x[i];
    for (size_t i = 0; i < n; i++) out[i] /= (float)rows;
}

#define PS__FLOAT_KERNELS                                                                                                        \
    .quantize_row = floats_quantize_row, .sum_u8 = floats_sum_u8, .layer_norm = floats_layer_norm, .activate = floats_activate,   \
    .attention = floats_attention, .gemm_float = floats_gemm, .depthwise_float = floats_depthwise, .add = floats_add,            \
    .quantize_rest = floats_quantize_rest, .centre_row = floats_centre_row, .add_multiple = floats_add_multiple, .add_scaled = floats_add_scaled, .gate = floats_gate, .mean = floats_mean, .dot = floats_dot

#endif
