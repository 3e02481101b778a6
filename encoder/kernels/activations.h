/*
** Activations, each from one exponential; compiled for each instruction set by floats.h.
*/
#ifndef PS_KERNEL_ACTIVATIONS_H
#define PS_KERNEL_ACTIVATIONS_H

#include <string.h>

#include "encoder/kernels/kernels.h"
#include "encoder/kernels/lanes.h"

/* e^x for x <= 0, relative error below 2e-7: 2^n times a degree-6 Taylor polynomial on [-ln2/2, ln2/2]. */
ALWAYS vec vec_exp(vec x) {
    const float shifter = 12582912.0f;                  /* 1.5 * 2^23: adding it rounds to an integer */
    x = vec_choose(x > -87.0f, x, vec_fill(-87.0f));    /* NaN, from a hostile model, becomes -87 too */
    vec n = (x * 1.44269504f + shifter) - shifter;
    vec r = x - n * 0.693359375f; /* ln 2 in two parts, the first exact in 10 bits (Cody and Waite) */
    r = r - n * -2.12194440e-4f;
    vec p = vec_fill(1.0f / 720);
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    return p * (vec)((__builtin_convertvector(n, ivec) + 127) << 23);
}

/* 1 / (1 + e^-x), by the exponential of what is not above 0. */
ALWAYS vec vec_sigmoid(vec x) {
    vec e = vec_exp(-vec_abs(x));
    return vec_choose(x >= 0.0f, vec_fill(1.0f), e) / (1.0f + e);
}

/* x * (1 + erf(x / sqrt 2)) / 2. */
ALWAYS vec vec_gelu(vec x) {
    vec z = x * 0.70710678f, a = vec_abs(z);
    vec t = 1.0f / (1.0f + 0.3275911f * a);
    vec poly = vec_fill(1.061405429f);
    poly = poly * t + -1.453152027f;
    poly = poly * t + 1.421413741f;
    poly = poly * t + -0.284496736f;
    poly = poly * t + 0.254829592f;
    vec erf_a = 1.0f - poly * t * vec_exp(-a * a);
    return 0.5f * x * (1.0f + vec_choose(z < 0.0f, -erf_a, erf_a));
}

/* x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))): (1 + tanh y) / 2 is the sigmoid of 2 y. */
ALWAYS vec vec_gelu_tanh(vec x) { return x * vec_sigmoid(1.59576912f * (x + 0.044715f * (x * x * x))); }

ALWAYS vec vec_quick_gelu(vec x) { return x * vec_sigmoid(1.702f * x); }

ALWAYS vec vec_relu(vec x) { return vec_choose(x > 0.0f, x, vec_fill(0.0f)); }

#define ACTIVATION(NAME, OF)                                                                                                     \
    static void NAME(float *x, size_t n) {                                                                                       \
        float rest[VEC] = {0};                                                                                                   \
        size_t i = 0;                                                                                                            \
        for (; i + VEC <= n; i += VEC) vec_store(x + i, OF(vec_load(x + i)));                                                    \
        memcpy(rest, x + i, (n - i) * 4);                                                                                        \
        vec_store(rest, OF(vec_load(rest)));                                                                                     \
        memcpy(x + i, rest, (n - i) * 4);                                                                                        \
    }
ACTIVATION(floats_gelu, vec_gelu)
ACTIVATION(floats_gelu_tanh, vec_gelu_tanh)
ACTIVATION(floats_quick_gelu, vec_quick_gelu)
ACTIVATION(floats_relu, vec_relu)
ACTIVATION(floats_sigmoid, vec_sigmoid)
#undef ACTIVATION

static void floats_activate(float *x, size_t n, int kind) {
    switch (kind) {
    case PS__GELU: floats_gelu(x, n); break;
    case PS__GELU_TANH: floats_gelu_tanh(x, n); break;
    case PS__QUICK_GELU: floats_quick_gelu(x, n); break;
    case PS__RELU: floats_relu(x, n); break;
    default: floats_sigmoid(x, n); break;
    }
}

#endif
