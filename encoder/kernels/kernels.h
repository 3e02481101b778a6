/*
** The arithmetic of the towers: fused INT8 operations and the float ones around them, one file an instruction set, chosen once at
** run time. reference.c is the truth: every other file must give the same bits. INT32 sums are exact, so their order is free;
** float operations are written so that each result is one fixed sequence of IEEE operations (no contraction, sums in 16 lanes).
**
** All functions are pure: any thread. Arrays named *_padded may be read up to the next multiple of 64 entries.
*/
#ifndef PS_KERNELS_H
#define PS_KERNELS_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that may be read (not written) past the end of every activation row handed to a kernel. */
#define PS__SLACK 64

/* A matrix of s8 weights [n][runs][k], laid out for four-way dot products: [ceil(n/16)][runs][ceil(k/4)][16][4], padding zero.
** The inputs of a row come in runs of k bytes, as the lines under a convolution's window do; most matrices have one run. */
typedef struct ps__matrix {
    int n, k;          /* outputs, inputs of a run */
    int k4;            /* ceil(k / 4) */
    int runs;          /* of inputs */
    size_t run_stride; /* bytes from one run to the next */
    int8_t *weights; /* 64-byte aligned, owned */
    int32_t *offset; /* [n padded to 64]: -zero_in * sum of all w, where every sum starts */
    float *scale;    /* [n padded]: real value of one step of the sum (for dynamic layers: of the weight alone) */
    float *bias;     /* [n padded] */
    float reach;     /* no real value is greater than this */
} ps__matrix;

/* A depthwise filter of s8 [k][k][channels], in blocks of 64 channels: [c/64][kx][ceil(k/4)][4][16][4]. The four taps of a group
** run down a column (ky); quarter j, lane 4L+i holds channel 16L+4j+i, the order in which 128-bit unpacking leaves them. offset,
** scale and bias are in the same order, [c/64][4][16]. */
typedef struct ps__filter {
    int channels, k, stride; /* k is 3, 5 or 7, stride 1 or 2 */
    int8_t *weights;         /* 64-byte aligned, owned */
    int32_t *offset;         /* as in ps__matrix, permuted */
    float *scale, *bias;     /* permuted */
    float reach;             /* as in ps__matrix */
} ps__filter;

typedef struct ps__picture {    /* what a depthwise convolution reads */
    const uint8_t *pixels;      /* u8 [height][width][channels] */
    const uint8_t *outside;     /* u8 [width][channels] of zero points: any line above or below */
    int width, height;
    int out_width, out_height;  /* output (x, y) reads columns x*stride-pad_x .. +k-1, lines y*stride-pad_y .. +k-1 */
    int pad_x, pad_y;
    int zero;                   /* what columns outside count as */
} ps__picture;

/* How a sum becomes a u8 activation; docs/model-package.md, "Quantisation". */
typedef struct ps__requant {
    float low, high; /* clamp of the real value: 0 and 6, or -FLT_MAX and FLT_MAX */
    float inverse;   /* 1 / scale of the output */
    float zero;      /* zero point of the output, as a float: added before the clamp to 0..255 (exact: integers below 2^24) */
    const uint8_t *residual; /* [rows][n] added to the real value, or NULL */
    float residual_scale;    /* real value of one step of it */
    int residual_zero;       /* its zero point */
} ps__requant;

/* The same clamps as levels: rounding and adding the zero point rise with the value, so the bounds may be carried past them. */
typedef struct ps__levels {
    float top;  /* greatest level, less the zero point */
    int bottom; /* least level */
    int zero;   /* the zero point */
} ps__levels;

static inline ps__levels ps__levels_of(const ps__requant *q) {
    float top = rintf(q->high * q->inverse), bottom = rintf(q->low * q->inverse) + q->zero;
    top = top < 255.0f - q->zero ? top : 255.0f - q->zero;
    bottom = bottom > 0.0f ? bottom : 0.0f;
    return (ps__levels){.top = top, .bottom = bottom < 255.0f ? (int)bottom : 255, .zero = (int)q->zero};
}

/* Whether the format's clamps can be left to packing: the value is cut off at 0, nothing is added to it, and no level is beyond
** int32. */
static inline int ps__is_plain(const ps__requant *q, float reach) {
    return !q->residual && q->low == 0.0f && q->high >= 0.0f && reach * q->inverse < 1e9f;
}

/* A window that slides over rows which are the pixels of a picture, line by line, f32 [height * width][channels]. What lies outside
** of the picture is 0. Output (x, y) reads columns x*stride-pad_x .. +kernel_width-1, lines y*stride-pad_y .. +kernel_height-1. */
typedef struct ps__window {
    int width, height, channels;     /* input */
    int kernel_width, kernel_height; /* 1 to 32 */
    int stride;                      /* both ways, 1 to 32 */
    int pad_x, pad_y;                /* left and top */
    int out_width, out_height;
    int multiplier; /* depthwise only: outputs a channel, 1 or more; output o reads channel o / multiplier */
} ps__window;

/* Activations. */
enum { PS__GELU, PS__GELU_TANH /* its approximation by tanh */, PS__QUICK_GELU /* x * sigmoid(1.702 x) */, PS__RELU, PS__SIGMOID };

typedef struct ps__heads { /* where attention finds its rows: of each head, head_dim entries */
    const float *query, *key, *value;
    size_t query_stride, stride; /* entries from row to row: of queries, of keys and values */
    int queries, tokens;         /* rows of queries, of keys and values */
    int head_dim;
    int causal; /* query t sees keys 0 to t; there are as many queries as tokens */
} ps__heads;

typedef struct ps__kernels {
    const char *name; /* "reference", "avx2", "avx512vnni" */

    /* out u8 [rows][n] from in u8 [rows][in_stride bytes], requantised. */
    void (*gemm_u8)(uint8_t *out, const uint8_t *in, size_t in_stride, size_t rows, const ps__matrix *m, const ps__requant *q);

    /* out f32 [rows][n] from in u8 [rows][in_stride]: y = sum * (row_scale[r] * scale[n]) + bias[n]. */
    void (*gemm_f32)(float *out, const uint8_t *in, size_t in_stride, const float *row_scale, size_t rows, const ps__matrix *m);

    /* A depthwise convolution: out u8 [out_height][out_width][channels]. scratch: ps__depthwise_scratch(width, k) bytes, 64-byte
    ** aligned. */
    void (*depthwise_u8)(uint8_t *out, const ps__picture *in, const ps__filter *f, const ps__requant *q, uint8_t *scratch);

    /* Symmetric quantisation of one row, offset by 128: q = rint(x / s) + 128, s = max|x| / 127. Returns s; a zero row gives
    ** 128s. */
    float (*quantize_row)(uint8_t *out, const float *x, int n);

    /* What quantize_row left of x over n entries, in steps of scale / 254: q = rint((x - scale * (level - 128)) * 254 / scale) + 128. levels and
    ** scale are what it gave. */
    void (*quantize_rest)(uint8_t *out, const float *x, const uint8_t *levels, float scale, int n);

    /* out = x - middle over n >= 1 entries, where middle, which is returned, lies half-way between the least and the greatest. */
    float (*centre_row)(float *out, const float *x, int n);

    /* x += factor * y over n entries. */
    void (*add_multiple)(float *x, const float *y, float factor, int n);

    /* sum[c] += over pixels of in u8 [pixels][channels]. */
    void (*sum_u8)(uint32_t *sum, const uint8_t *in, size_t pixels, int channels);

    /* x = (x + residual - mean) / sqrt(variance + eps) * weight + bias over n entries; residual may be NULL. */
    void (*layer_norm)(float *x, const float *residual, const float *weight, const float *bias, float eps, int n);

    /* A PS__GELU... in place. GELU is x * (1 + erf(x / sqrt 2)) / 2, erf to 1.5e-7 (Abramowitz and Stegun 7.1.26); the others rest on
    ** an exponential to 2e-7. */
    void (*activate)(float *x, size_t n, int kind);

    /* Scaled dot-product attention (Vaswani et al. 2017, 3.2.1) of one head. out f32 [queries][out_stride]. scratch:
    ** ps__attention_scratch(tokens, head_dim) floats, 64-byte aligned. */
    void (*attention)(float *out, size_t out_stride, const ps__heads *heads, float *scratch);

    /* out f32 [rows][out_stride]: out[r][o] = dot(weights[o], in[r]) + bias[o], of in f32 [rows][k] and weights f32 [n][k]. */
    void (*gemm_float)(float *out, size_t out_stride, const float *in, size_t rows, const float *weights, const float *bias, int n,
                       int k);

    /* A depthwise convolution, as ps__plan_depthwise_float says. A sum goes over lines, then columns; the bias comes last. scratch:
    ** ps__depthwise_float_scratch floats, 64-byte aligned. */
    void (*depthwise_float)(float *out, const float *in, const ps__window *w, const float *weight, const float *bias, float *scratch);

    /* x[i] += y[i]; x[r][i] += scale[i] * y[r][i]; x[r][i] *= gate[i]. */
    void (*add)(float *x, const float *y, size_t n);
    void (*add_scaled)(float *x, const float *y, const float *scale, size_t rows, size_t n);
    void (*gate)(float *x, const float *gate, size_t rows, size_t n);

    /* out[i]: the mean of x[r][i] over rows, added from the first on. */
    void (*mean)(float *out, const float *x, size_t rows, size_t n);

    /* Dot product in 16 lanes. */
    float (*dot)(const float *a, const float *b, int n);
} ps__kernels;

/* The kernels of that name, or the best this processor runs when name is NULL. NULL: unknown, or not for this processor. */
const ps__kernels *ps__kernels_choose(const char *name);

/* i-th of all kernels that this processor runs (0 is the reference), or NULL past the end: for tests and `bench`. */
const ps__kernels *ps__kernels_at(int i);

/* Columns of four-tap groups, and copies of a block's weights. */
static inline size_t ps__depthwise_scratch(int width, int k) {
    return (size_t)(width + 2 * k + 4 * k) * (size_t)((k + 3) / 4) * 256;
}

/* Four rows of scores, four queries, keys and values, each padded. */
static inline size_t ps__attention_scratch(int tokens, int head_dim) {
    size_t padded = ((size_t)tokens + 15) / 16 * 16, width = ((size_t)head_dim + 15) / 16 * 16;
    return padded * (4 + 2 * width) + 4 * width;
}

/* Columns of an input line under a window, those outside of the picture too. */
static inline int ps__window_columns(const ps__window *w) { return (w->out_width - 1) * w->stride + w->kernel_width; }

static inline size_t ps__depthwise_float_scratch(const ps__window *w) {
    return (size_t)ps__window_columns(w) * (size_t)w->kernel_height * (size_t)w->channels * (size_t)w->multiplier;
}

/* Input lines first to first + count - 1 of a picture. */
static inline void ps__picture_lines(const uint8_t **lines, const ps__picture *in, int channels, int first, int count) {
    for (int i = 0; i < count; i++)
        lines[i] = first + i < 0 || first + i >= in->height
                       ? in->outside
                       : in->pixels + (size_t)(first + i) * (size_t)in->width * (size_t)channels;
}

/* Output rows that a depthwise convolution makes of all channels before it goes on: a multiple of 4 whose input lines stay in the
** second-level cache while one block of channels after another is taken from them. */
static inline int ps__depthwise_band(const ps__picture *in, const ps__filter *f) {
    int lines = (128 << 10) / (in->width * f->channels + 1);
    return lines / f->stride < 4 ? 4 : lines / f->stride / 4 * 4;
}

static inline int ps__pad_to(int n, int multiple) { return (n + multiple - 1) / multiple * multiple; }

/* Where channel c of a ps__filter's per-channel arrays stands. */
static inline size_t ps__filter_place(int c) {
    int in_block = c % 64;
    return (size_t)(c / 64 * 64 + (in_block % 16 / 4) * 16 + in_block / 16 * 4 + in_block % 4);
}

/* Weights row-major [n][k] (or [k][k][channels]) to the kernels' layout. scale, bias: float [n]; real value of a sum's step is
** in_scale * scale. Returns 0, or -1 when memory runs out; freed by the clear of each, which takes NULL members. */
/* run_stride matters only with more than one run. */
int ps__matrix_pack(ps__matrix *m, const int8_t *weights, const float *scale, const float *bias, int n, int runs,
                    size_t run_stride, int k, int zero_in, float in_scale);
/* The same in steps: a matrix of zeros, then rows [first, first + rows), first a multiple of 16. */
int ps__matrix_new(ps__matrix *m, int n, int runs, size_t run_stride, int k);
void ps__matrix_fill(ps__matrix *m, int first, int rows, const int8_t *weights, const float *scale, const float *bias,
                     int zero_in, float in_scale);
void ps__matrix_clear(ps__matrix *m);
int ps__filter_pack(ps__filter *f, const int8_t *weights, const float *scale, const float *bias, int channels, int k, int stride,
                    int zero_in, float in_scale);
void ps__filter_clear(ps__filter *f);

extern const ps__kernels ps__kernels_reference;
#if defined(__x86_64__)
extern const ps__kernels ps__kernels_avx2, ps__kernels_avx512vnni;
#endif

#endif
