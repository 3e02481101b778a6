/*
** Running a plan: one loop, one call an operation.
*/
#include "encoder/plan/internal.h"

#include <math.h>
#include <string.h>

#include "encoder/encoder.h"

typedef struct run {      /* one call of ps__plan_run */
    const ps__plan *plan; /* what runs */
    ps__workspace *space; /* where */
    const void *input;    /* the caller's */
    size_t rows;          /* tokens */
} run;

static void *at(const run *r, int buffer) { return buffer < 0 ? NULL : r->space->arena + r->plan->buffers[buffer].offset; }

static const void *source(const run *r, int buffer) { return buffer == PS__PLAN_INPUT ? r->input : at(r, buffer); }

/* Input line number `line` with the zero points that stand for the pixels outside of it. */
static void pad_line(uint8_t *to, const ps__op *op, const uint8_t *in, int line, int zero) {
    const ps__geometry *g = &op->geometry;
    size_t pixel = (size_t)g->channels, left = (size_t)op->pad_x * pixel, row = (size_t)g->width * pixel;
    size_t bytes = ps__line_bytes(op), inside = bytes - left < row ? bytes - left : row;
    if (line < 0 || line >= g->height) {
        memset(to, zero, bytes);
        return;
    }
    memset(to, zero, left);
    memcpy(to + left, in + (size_t)line * row, inside);
    memset(to + left + inside, zero, bytes - left - inside);
}

static void run_conv(const run *r, const ps__op *op) {
    const ps__geometry *g = &op->geometry;
    const uint8_t *in = source(r, op->in);
    uint8_t *out = at(r, op->out);
    ps__requant q = op->requant;
    q.residual = at(r, op->other);
    size_t width = (size_t)op->out_width, n = op->out_features;
    if (g->kernel == 1 && g->stride == 1) {
        r->plan->kernels->gemm_u8(out, in, (size_t)g->channels, width * (size_t)op->out_height, &op->matrix, &q);
        return;
    }
    int zero = op->in == PS__PLAN_INPUT ? r->plan->input_zero : r->plan->buffers[op->in].zero;
    uint8_t *lines = r->space->scratch;
    for (int y = 0; y < op->out_height; y++) {
        for (int ky = 0; ky < g->kernel; ky++)
            pad_line(lines + (size_t)ky * op->matrix.run_stride, op, in, y * g->stride - op->pad_y + ky, zero);
        r->plan->kernels->gemm_u8(out + (size_t)y * width * n, lines, (size_t)(g->stride * g->channels), width, &op->matrix, &q);
        if (q.residual) q.residual += width * n;
    }
}

static void run_depthwise(const run *r, const ps__op *op) {
    const ps__geometry *g = &op->geometry;
    size_t line = (size_t)g->width * (size_t)g->channels;
    uint8_t *outside = r->space->scratch, *scratch = outside + ps__align64(line + PS__SLACK);
    ps__picture in = {.pixels = at(r, op->in),
                      .outside = outside,
                      .width = g->width,
                      .height = g->height,
                      .out_width = op->out_width,
                      .out_height = op->out_height,
                      .pad_x = op->pad_x,
                      .pad_y = op->pad_y,
                      .zero = r->plan->buffers[op->in].zero};
    memset(outside, in.zero, line);
    r->plan->kernels->depthwise_u8(at(r, op->out), &in, &op->filter, &op->requant, scratch);
}

static void run_pool(const run *r, const ps__op *op) {
    const ps__buffer *b = &r->plan->buffers[op->in];
    float *out = at(r, op->out);
    size_t pixels = (size_t)op->geometry.width, channels = op->out_features;
    if (b->is_u8) {
        uint32_t *sum = (uint32_t *)(void *)r->space->scratch;
        memset(sum, 0, channels * 4);
        r->plan->kernels->sum_u8(sum, at(r, op->in), pixels, (int)channels);
        float factor = b->scale / (float)pixels, shift = (float)b->zero * (float)pixels;
        for (size_t c = 0; c < channels; c++) out[c] = ((float)sum[c] - shift) * factor;
        return;
    }
    const float *in = at(r, op->in);
    for (size_t c = 0; c < channels; c++) {
        double sum = 0;
        for (size_t p = 0; p < pixels; p++) sum += (double)in[p * channels + c];
        out[c] = (float)(sum / (double)pixels);
    }
}

static void run_linear(const run *r, const ps__op *op, size_t rows) {
    const ps__kernels *k = r->plan->kernels;
    const float *in = at(r, op->in);
    if (r->plan->precision == PS__PRECISION_FLOAT) {
        ps__run_float_linear(op, at(r, op->out), in, rows, r->space->scratch, k);
        return;
    }
    size_t stride = ps__align64(op->in_features);
    uint8_t *quantized = r->space->scratch;
    float *scale = (float *)(void *)(quantized + rows * stride + PS__SLACK);
    for (size_t i = 0; i < rows; i++)
        scale[i] = k->quantize_row(quantized + i * stride, in + i * op->in_features, (int)op->in_features);
    k->gemm_f32(at(r, op->out), quantized, stride, scale, rows, &op->matrix);
}

static void run_attention(const run *r, const ps__op *op, size_t rows) {
    const float *qkv = at(r, op->in);
    float *out = at(r, op->out);
    size_t n = op->out_features, width = n / (size_t)op->heads;
    for (size_t h = 0; h < (size_t)op->heads; h++)
        r->plan->kernels->attention(out + h * width, n, qkv + h * width, qkv + n + h * width, qkv + 2 * n + h * width, 3 * n,
                                    (int)rows, (int)width, (float *)(void *)r->space->scratch);
}

static void run_mean(const run *r, const ps__op *op, size_t rows) {
    const float *in = at(r, op->in);
    float *out = at(r, op->out);
    size_t n = op->out_features;
    for (size_t i = 0; i < n; i++) {
        float sum = 0;
        for (size_t t = 0; t < rows; t++) sum += in[t * n + i];
        out[i] = sum / (float)rows;
    }
}

static void run_normalize(const run *r, const ps__op *op) {
    float *x = at(r, op->out);
    float norm = sqrtf(r->plan->kernels->dot(x, x, (int)op->out_features));
    for (size_t i = 0; i < op->out_features; i++) x[i] /= norm;
}

static void run_rows(const run *r, const ps__op *op, size_t rows) {
    const ps__kernels *k = r->plan->kernels;
    float *x = at(r, op->out), *other = at(r, op->other);
    size_t n = op->out_features;
    switch (op->kind) {
    case OP_GELU: k->gelu(x, rows * n); break;
    case OP_ADD:
        for (size_t i = 0; i < rows * n; i++) x[i] += other[i];
        break;
    case OP_NORM:
        for (size_t t = 0; t < rows; t++)
            k->layer_norm(x + t * n, other ? other + t * n : NULL, op->weight, op->bias, op->eps, (int)n);
        break;
    default: break;
    }
}

static void run_op(const run *r, const ps__op *op) {
    size_t rows = op->one_row ? 1 : r->rows;
    int is_float = r->plan->precision == PS__PRECISION_FLOAT;
    switch (op->kind) {
    case OP_CONV:
        if (is_float)
            ps__run_float_conv(r->plan, op, at(r, op->out), source(r, op->in), at(r, op->other), r->space->scratch);
        else
            run_conv(r, op);
        break;
    case OP_DEPTHWISE:
        if (is_float)
            ps__run_float_depthwise(op, at(r, op->out), at(r, op->in));
        else
            run_depthwise(r, op);
        break;
    case OP_POOL: run_pool(r, op); break;
    case OP_LINEAR: run_linear(r, op, rows); break;
    case OP_EMBED: ps__run_embed(op, at(r, op->out), r->input, rows); break;
    case OP_ATTENTION: run_attention(r, op, rows); break;
    case OP_MEAN: run_mean(r, op, r->rows); break;
    case OP_NORMALIZE: run_normalize(r, op); break;
    default: run_rows(r, op, rows); break;
    }
}

static void tell_tap(const run *r, const ps__op *op, ps__tap_fn *tap, void *payload) {
    const ps__buffer *b = &r->plan->buffers[op->out];
    size_t rows = op->one_row ? 1 : r->rows;
    if (op->kind == OP_CONV || op->kind == OP_DEPTHWISE) rows = (size_t)op->out_width * (size_t)op->out_height;
    const void *data = at(r, op->out);
    tap(op->name, b->is_u8 ? data : NULL, b->scale, b->zero, b->is_u8 ? NULL : data, rows, op->out_features, payload);
}

void ps__plan_run(float *out, const ps__plan *plan, ps__workspace *workspace, const void *input, int rows, ps__tap_fn *tap,
                  void *payload) {
    run r = {plan, workspace, input, (size_t)rows};
    for (size_t i = 0; i < plan->op_count; i++) {
        run_op(&r, &plan->ops[i]);
        if (tap) tell_tap(&r, &plan->ops[i], tap, payload);
    }
    memcpy(out, at(&r, plan->out), plan->out_features * 4);
}
