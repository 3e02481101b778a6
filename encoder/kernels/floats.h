/*
** The float operations around the INT8 ones, written once and compiled once for each instruction set (a file defines PS__ISA_NAME
** and includes this). All sums run in 16 lanes that are added in one fixed order and nothing is contracted, so that every
** instruction set gives the same bits; the compiler may only choose how many lanes it does at once.
*/
#ifndef PS_KERNEL_FLOATS_H
#define PS_KERNEL_FLOATS_H

#include <math.h>
#include <string.h>

#include "encoder/kernels/kernels.h"

#define LANES 16

/* The lanes of a sum, pairwise. */
static inline float lanes_sum(const float *lane) {
    float s[LANES];
    memcpy(s, lane, sizeof s);
    for (int width = LANES / 2; width; width /= 2)
        for (int i = 0; i < width; i++) s[i] += s[i + width];
    return s[0];
}

static float floats_dot(const float *a, const float *b, int n) {
    float lane[LANES] = {0};
    int i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int j = 0; j < LANES; j++) lane[j] += a[i + j] * b[i + j];
    for (int j = 0; i < n; i++, j++) lane[j] += a[i] * b[i];
    return lanes_sum(lane);
}

/* e^x for x <= 0, relative error below 2e-7: 2^n times a degree-6 Taylor polynomial on [-ln2/2, ln2/2]. */
static inline float floats_exp(float x) {
    const float shifter = 12582912.0f; /* 1.5 * 2^23: adding it rounds to an integer */
    x = x > -87.0f ? x : -87.0f;       /* NaN, from a hostile model, becomes -87 too */
    float n = (x * 1.44269504f + shifter) - shifter;
    float r = x - n * 0.693359375f; /* ln 2 in two parts, the first exact in 10 bits (Cody and Waite) */
    r = r - n * -2.12194440e-4f;
    float p = 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    int32_t bits = ((int32_t)n + 127) * (1 << 23);
    float power;
    memcpy(&power, &bits, 4);
    return p * power;
}

static void floats_gelu(float *x, size_t n) {
    for (size_t i = 0; i < n; i++) {
        float z = x[i] * 0.70710678f, a = fabsf(z);
        float t = 1.0f / (1.0f + 0.3275911f * a);
        float poly = 1.061405429f;
        poly = poly * t + -1.453152027f;
        poly = poly * t + 1.421413741f;
        poly = poly * t + -0.284496736f;
        poly = poly * t + 0.254829592f;
        float erf_a = 1.0f - poly * t * floats_exp(-a * a);
        float erf_z = z < 0 ? -erf_a : erf_a;
        x[i] = 0.5f * x[i] * (1.0f + erf_z);
    }
}

static void floats_layer_norm(float *x, const float *residual, const float *weight, const float *bias, float eps, int n) {
    float lane[LANES] = {0}, square[LANES] = {0};
    if (residual)
        for (int i = 0; i < n; i++) x[i] += residual[i];
    int i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int j = 0; j < LANES; j++) lane[j] += x[i + j];
    for (int j = 0; i < n; i++, j++) lane[j] += x[i];
    float mean = lanes_sum(lane) / (float)n;
    for (i = 0; i + LANES <= n; i += LANES)
        for (int j = 0; j < LANES; j++) {
            float d = x[i + j] - mean;
            square[j] += d * d;
        }
    for (int j = 0; i < n; i++, j++) square[j] += (x[i] - mean) * (x[i] - mean);
    float factor = 1.0f / sqrtf(lanes_sum(square) / (float)n + eps);
    for (i = 0; i < n; i++) x[i] = (x[i] - mean) * factor * weight[i] + bias[i];
}

static void floats_softmax(float *x, int n) {
    float top = x[0], lane[LANES] = {0};
    for (int i = 1; i < n; i++) top = x[i] > top ? x[i] : top;
    for (int i = 0; i < n; i++) x[i] = floats_exp(x[i] - top);
    for (int i = 0; i < n; i++) lane[i % LANES] += x[i];
    float factor = 1.0f / lanes_sum(lane);
    for (int i = 0; i < n; i++) x[i] *= factor;
}

static void floats_attention(float *out, size_t out_stride, const float *q, const float *k, const float *v, size_t stride,
                             int tokens, int head_dim, float *scores) {
    float factor = 1.0f / sqrtf((float)head_dim);
    for (int t = 0; t < tokens; t++) {
        float *row = out + (size_t)t * out_stride;
        for (int u = 0; u < tokens; u++)
            scores[u] = floats_dot(q + (size_t)t * stride, k + (size_t)u * stride, head_dim) * factor;
        floats_softmax(scores, tokens);
        for (int d = 0; d < head_dim; d++) row[d] = 0;
        for (int u = 0; u < tokens; u++)
            for (int d = 0; d < head_dim; d++) row[d] += scores[u] * v[(size_t)u * stride + (size_t)d];
    }
}

static float floats_quantize_row(uint8_t *out, const float *x, int n) {
    const float shifter = 12582912.0f;
    float top = 0;
    for (int i = 0; i < n; i++) top = fabsf(x[i]) > top ? fabsf(x[i]) : top;
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

static void floats_sum_u8(uint32_t *sum, const uint8_t *in, size_t pixels, int channels) {
    for (size_t p = 0; p < pixels; p++, in += channels)
        for (int c = 0; c < channels; c++) sum[c] += in[c];
}

#define PS__FLOAT_KERNELS                                                                                                        \
    .quantize_row = floats_quantize_row, .sum_u8 = floats_sum_u8, .layer_norm = floats_layer_norm, .gelu = floats_gelu,          \
    .attention = floats_attention, .dot = floats_dot

#endif
