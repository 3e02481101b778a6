/*
** Activations, each from one exponential; compiled for each instruction set by floats.h.
*/
#ifndef PS_KERNEL_ACTIVATIONS_H
#define PS_KERNEL_ACTIVATIONS_H

#include <math.h>
#include <string.h>

#include "encoder/kernels/kernels.h"

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

/* 1 / (1 + e^-x), by the exponential of what is not above 0. */
static inline float floats_sigmoid(float x) {
    float e = floats_exp(-fabsf(x));
    return (x >= 0 ? 1.0f : e) / (1.0f + e);
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

/* x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))): (1 + tanh y) / 2 is the sigmoid of 2 y. */
static void floats_gelu_tanh(float *x, size_t n) {
    for (size_t i = 0; i < n; i++) x[i] *= floats_sigmoid(1.59576912f * (x[i] + 0.044715f * (x[i] * x[i] * x[i])));
}

static void floats_quick_gelu(float *x, size_t n) {
    for (size_t i = 0; i < n; i++) x[i] *= floats_sigmoid(1.702f * x[i]);
}

static void floats_relu(float *x, size_t n) {
    for (size_t i = 0; i < n; i++) x[i] = x[i] > 0 ? x[i] : 0;
}

static void floats_all_sigmoid(float *x, size_t n) {
    for (size_t i = 0; i < n; i++) x[i] = floats_sigmoid(x[i]);
}

static void floats_activate(float *x, size_t n, int kind) {
    switch (kind) {
    case PS__GELU: floats_gelu(x, n); break;
    case PS__GELU_TANH: floats_gelu_tanh(x, n); break;
    case PS__QUICK_GELU: floats_quick_gelu(x, n); break;
    case PS__RELU: floats_relu(x, n); break;
    default: floats_all_sigmoid(x, n); break;
    }
}

#endif
