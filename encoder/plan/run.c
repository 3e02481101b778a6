/*
** Running a plan: one loop, one call an operation.
*/
#include "encoder/plan/internal.h"

#include <string.h>

#include "encoder/encoder.h"

static const void *source(const ps__run *r, int buffer) { return buffer == PS__PLAN_INPUT ? r->input : ps__run_at(r, buffer); }

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

static void run_conv(const ps__run *r, const ps__op *op) {
    const ps__geometry *g = &op->geometry;
    const uint8_t *in = source(r, op->in);
    uint8_t *out = ps__run_at(r, op->out);
    ps__requant q = op->requant;
    q.residual = ps__run_at(r, op->other);
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

static void run_depthwise(const ps__run *r, const ps__op *op) {
    const ps__geometry *g = &op->geometry;
    size_t line = (size_t)g->width * (size_t)g->channels;
    uint8_t *outside = r->space->scratch, *scratch = outside + ps__align64(line + PS__SLACK);
    ps__picture in = {.pixels = ps__run_at(r, op->in),
                      .outside = outside,
                      .width = g->width,
                      .height = g->height,
                      .out_width = op->out_width,
                      .out_height = op->out_height,
                      .pad_x = op->pad_x,
                      .pad_y = op->pad_y,
                      .zero = r->plan->buffers[op->in].zero};
    memset(outside, in.zero, line);
    r->plan->kernels->depthwise_u8(ps__run_at(r, op->out), &in, &op->filter, &op->requant, scratch);
}

static void run_pool(const ps__run *r, const ps__op *op) {
    const ps__buffer *b = &r->plan->buffers[op->in];
    float *out = ps__run_at(r, op->out);
    size_t pixels = (size_t)op->geometry.width, channels = op->out_features;
    if (b->is_u8) {
        uint32_t *sum = (uint32_t *)(void *)r->space->scratch;
        memset(sum, 0, channels * 4);
        r->plan->kernels->sum_u8(sum, ps__run_at(r, op->in), pixels, (int)channels);
        float factor = b->scale / (float)pixels, shift = (float)b->zero * (float)pixels;
        for (size_t c = 0; c < channels; c++) out[c] = ((float)sum[c] - shift) * factor;
        return;
    }
    const float *in = ps__run_at(r, op->in);
    for (size_t c = 0; c < channels; c++) {
        double sum = 0;
        for (size_t p = 0; p < pixels; p++) sum += (double)in[p * channels + c];
        out[c] = (float)(sum / (double)pixels);
    }
}

static void run_op(const ps__run *r, const ps__op *op) {
    int is_float = r->plan->precision == PS__PRECISION_FLOAT;
    switch (op->kind) {
    case OP_CONV:
        if (is_float)
            ps__run_float_conv(r->plan, op, ps__run_at(r, op->out), source(r, op->in), ps__run_at(r, op->other),
                               r->space->scratch);
        else
            run_conv(r, op);
        break;
    case OP_DEPTHWISE:
        if (is_float)
            ps__run_float_depthwise(r->plan, op, ps__run_at(r, op->out), ps__run_at(r, op->in), r->space->scratch);
        else
            run_depthwise(r, op);
        break;
    case OP_POOL: run_pool(r, op); break;
    case OP_LINEAR: ps__run_linear(r, op); break;
    case OP_EMBED: ps__run_embed(op, ps__run_at(r, op->out), r->input, r->rows); break;
    default: ps__run_row_op(r, op); break;
    }
}

static void tell_tap(const ps__run *r, const ps__op *op, ps__tap_fn *tap, void *payload) {
    const ps__buffer *b = &r->plan->buffers[op->out];
    const void *data = ps__run_at(r, op->out);
    tap(op->name, b->is_u8 ? data : NULL, b->scale, b->zero, b->is_u8 ? NULL : data, ps__run_rows(r, op->out), op->out_features,
        payload);
}

void ps__plan_run(float *out, const ps__plan *plan, ps__workspace *workspace, const void *input, int rows, ps__tap_fn *tap,
                  void *payload) {
    ps__run r = {plan, workspace, input, (size_t)rows};
    for (size_t i = 0; i < plan->op_count; i++) {
        run_op(&r, &plan->ops[i]);
        if (tap) tell_tap(&r, &plan->ops[i], tap, payload);
    }
    memcpy(out, ps__run_at(&r, plan->out), plan->out_features * 4);
}
