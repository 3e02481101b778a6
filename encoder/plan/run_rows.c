/*
** Operations over rows of float32, the same in both precisions.
*/
#include "encoder/plan/internal.h"

#include <math.h>
#include <string.h>

static void run_pixels(const ps__run *r, const ps__op *op) {
    const uint8_t *in = r->input;
    float *out = ps__run_at(r, op->out), value[3][256];
    size_t pixels = ps__run_rows(r, op->out);
    for (int c = 0; c < 3; c++)
        for (int v = 0; v < 256; v++) value[c][v] = ((float)v / 255.0f - op->mean[c]) / op->std[c];
    for (size_t i = 0; i < pixels; i++, in += 3, out += 3) {
        out[0] = value[0][in[0]];
        out[1] = value[1][in[1]];
        out[2] = value[2][in[2]];
    }
}

/* What a window slides over: where these are fewer tokens than it is wide, zeros follow, as outside of a picture. */
static const float *slid_over(const ps__run *r, const ps__op *op) {
    float *in = ps__run_at(r, op->in);
    size_t rows = ps__run_rows(r, op->in), all = (size_t)op->window.width * (size_t)op->window.height;
    if (rows < all) memset(in + rows * op->in_features, 0, (all - rows) * op->in_features * 4);
    return in;
}

/* One line under a window, of which `column` may lie outside of the picture. */
static void copy_line(float *to, const float *line, const ps__window *w, int column) {
    size_t channels = (size_t)w->channels;
    int begin = column < 0 ? -column : 0, end = w->width - column < w->kernel_width ? w->width - column : w->kernel_width;
    if (begin) memset(to, 0, (size_t)begin * channels * 4);
    memcpy(to + (size_t)begin * channels, line + (size_t)(column + begin) * channels, (size_t)(end - begin) * channels * 4);
    if (end < w->kernel_width) memset(to + (size_t)end * channels, 0, (size_t)(w->kernel_width - end) * channels * 4);
}

static void run_patches(const ps__run *r, const ps__op *op) {
    const ps__window *w = &op->window;
    const float *in = slid_over(r, op);
    float *out = ps__run_at(r, op->out);
    size_t line = (size_t)w->width * (size_t)w->channels, run = (size_t)w->kernel_width * (size_t)w->channels;
    for (int y = 0; y < w->out_height; y++)
        for (int x = 0; x < w->out_width; x++)
            for (int ky = 0; ky < w->kernel_height; ky++, out += run) {
                int at = y * w->stride - w->pad_y + ky;
                if (at < 0 || at >= w->height)
                    memset(out, 0, run * 4);
                else
                    copy_line(out, in + (size_t)at * line, w, x * w->stride - w->pad_x);
            }
}

static void run_attention(const ps__run *r, const ps__op *op) {
    const float *qkv = ps__run_at(r, op->in);
    float *out = ps__run_at(r, op->out), *scratch = (float *)(void *)r->space->scratch;
    size_t n = op->out_features, width = n / (size_t)op->heads;
    int rows = (int)ps__run_rows(r, op->in);
    ps__heads heads = {.query_stride = 3 * n, .stride = 3 * n, .queries = rows, .tokens = rows, .head_dim = (int)width};
    heads.causal = op->causal;
    for (size_t at = 0; at < n; at += width) {
        heads.query = qkv + at, heads.key = qkv + n + at, heads.value = qkv + 2 * n + at;
        r->plan->kernels->attention(out + at, n, &heads, scratch);
    }
}

static void run_attend_once(const ps__run *r, const ps__op *op) {
    const float *kv = ps__run_at(r, op->in);
    float *out = ps__run_at(r, op->out), *scratch = (float *)(void *)r->space->scratch;
    size_t n = op->out_features, width = n / (size_t)op->heads;
    ps__heads heads = {.stride = 2 * n, .queries = 1, .tokens = (int)ps__run_rows(r, op->in), .head_dim = (int)width};
    for (size_t at = 0; at < n; at += width) {
        heads.query = op->weight + at, heads.key = kv + at, heads.value = kv + n + at;
        r->plan->kernels->attention(out + at, n, &heads, scratch);
    }
}

static void run_norm(const ps__run *r, const ps__op *op) {
    const float *in = ps__run_at(r, op->in), *other = ps__run_at(r, op->other);
    float *out = ps__run_at(r, op->out);
    size_t n = op->out_features, rows = ps__run_rows(r, op->in);
    for (size_t t = 0; t < rows; t++, out += n, in += n) {
        if (op->kind == OP_NORM_OF) memcpy(out, in, n * 4);
        r->plan->kernels->layer_norm(out, other ? other + t * n : NULL, op->weight, op->bias, op->eps, (int)n);
    }
}

static void run_normalize(const ps__run *r, const ps__op *op) {
    float *x = ps__run_at(r, op->out);
    float norm = sqrtf(r->plan->kernels->dot(x, x, (int)op->out_features));
    for (size_t i = 0; i < op->out_features; i++) x[i] /= norm;
}

static void run_prepend(const ps__run *r, const ps__op *op) {
    float *out = ps__run_at(r, op->out);
    size_t n = op->out_features;
    memcpy(out, op->weight, n * 4);
    memcpy(out + n, ps__run_at(r, op->in), ps__run_rows(r, op->in) * n * 4);
}

static void run_select(const ps__run *r, const ps__op *op) {
    const float *in = ps__run_at(r, op->in);
    const int32_t *ids = r->input;
    size_t n = op->out_features, rows = ps__run_rows(r, op->in), row = op->row == PS__LAST_ROW ? rows - 1 : 0;
    if (op->row >= 0) {
        while (row < rows && ids[row] != op->row) row++;
        if (row == rows) row = 0;
    }
    memcpy(ps__run_at(r, op->out), in + row * n, n * 4);
}

void ps__run_row_op(const ps__run *r, const ps__op *op) {
    const ps__kernels *k = r->plan->kernels;
    float *x = ps__run_at(r, op->out);
    const float *in = ps__run_at(r, op->in), *other = ps__run_at(r, op->other);
    size_t n = op->out_features, rows = ps__run_rows(r, op->out);
    switch (op->kind) {
    case OP_PIXELS: run_pixels(r, op); break;
    case OP_PATCHES: run_patches(r, op); break;
    case OP_DEPTHWISE_FLOAT:
        k->depthwise_float(x, slid_over(r, op), &op->window, op->weight, op->bias, (float *)(void *)r->space->scratch);
        break;
    case OP_ACTIVATE: k->activate(x, rows * n, op->activation); break;
    case OP_ADD: k->add(x, other, rows * n); break;
    case OP_ADD_SCALED: k->add_scaled(x, other, op->weight, rows, n); break;
    case OP_ADD_TABLE: k->add(x, op->weight, rows * n); break;
    case OP_GATE: k->gate(x, other, rows, n); break;
    case OP_NORM:
    case OP_NORM_OF: run_norm(r, op); break;
    case OP_ATTENTION: run_attention(r, op); break;
    case OP_ATTEND_ONCE: run_attend_once(r, op); break;
    case OP_MEAN: k->mean(x, in, ps__run_rows(r, op->in), n); break;
    case OP_NORMALIZE: run_normalize(r, op); break;
    case OP_PREPEND: run_prepend(r, op); break;
    case OP_SELECT: run_select(r, op); break;
    default: break;
    }
}
