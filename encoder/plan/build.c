/*
** Building a plan: operations are appended, weights packed for the kernels, and at the end each buffer gets a place such that two
** buffers share bytes only when their lives do not touch.
*/
#include "encoder/plan/internal.h"

#include <float.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "encoder/encoder.h"

/* Bytes of buffers a run may need: a hostile package of a few kilobytes may declare pictures and channels that ask for gigabytes. */
#define MAX_WORKSPACE ((size_t)256 << 20)

ps__plan *ps__plan_new(const ps__kernels *kernels, int precision, int max_rows) {
    ps__plan *plan = ps__calloc(1, sizeof *plan);
    if (!plan) return NULL;
    plan->kernels = kernels;
    plan->precision = precision;
    plan->max_rows = max_rows;
    plan->input_scale = 1;
    return plan;
}

void ps__plan_free(ps__plan *plan) {
    if (!plan) return;
    for (size_t i = 0; i < plan->op_count; i++) {
        ps__matrix_clear(&plan->ops[i].matrix);
        ps__filter_clear(&plan->ops[i].filter);
    }
    ps__free(plan->ops);
    ps__free(plan->buffers);
    ps__free(plan);
}

void ps__plan_input(ps__plan *plan, float scale, int zero) {
    plan->input_scale = scale;
    plan->input_zero = zero;
}

/* Doubles *array when it is full. */
static int grow(ps__plan *plan, void *array, size_t count, size_t *room, size_t size) {
    void *old, *bigger;
    if (count < *room) return 0;
    memcpy(&old, array, sizeof old);
    bigger = ps__realloc(old, (*room ? *room * 2 : 16) * size);
    if (!bigger) {
        plan->failed = PS__NOMEM;
        return -1;
    }
    memcpy(array, &bigger, sizeof bigger);
    *room = *room ? *room * 2 : 16;
    return 0;
}

static int add_buffer(ps__plan *plan, size_t rows, size_t features, int is_u8, float scale, int zero) {
    if (plan->failed || grow(plan, &plan->buffers, plan->buffer_count, &plan->buffer_room, sizeof *plan->buffers)) return 0;
    ps__buffer *b = &plan->buffers[plan->buffer_count];
    int u8 = is_u8 && plan->precision == PS__PRECISION_INT8;
    *b = (ps__buffer){.bytes = ps__align64(rows * features * (u8 ? 1 : 4)) + PS__SLACK,
                      .first = (int)plan->op_count,
                      .is_u8 = u8,
                      .scale = scale,
                      .zero = zero};
    return (int)plan->buffer_count++;
}

/* A new operation, or NULL once something failed. */
static ps__op *add_op(ps__plan *plan, int kind, const char *name, int in, int other, int out) {
    if (plan->failed || grow(plan, &plan->ops, plan->op_count, &plan->op_room, sizeof *plan->ops)) return NULL;
    ps__op *op = &plan->ops[plan->op_count];
    int touched[3] = {in, other, out};
    *op = (ps__op){.kind = kind, .in = in, .other = other, .out = out};
    snprintf(op->name, sizeof op->name, "%s", name);
    for (int i = 0; i < 3; i++)
        if (touched[i] >= 0 && (size_t)touched[i] < plan->buffer_count) plan->buffers[touched[i]].last = (int)plan->op_count;
    plan->op_count++;
    return op;
}

static void need_scratch(ps__plan *plan, size_t bytes) {
    if (bytes > plan->scratch_bytes) plan->scratch_bytes = bytes;
}

/* TensorFlow's SAME: output size and the padding before the first pixel. */
static int same_padding(int *pad, int size, int kernel, int stride) {
    int out = (size + stride - 1) / stride, total = (out - 1) * stride + kernel - size;
    *pad = total > 0 ? total / 2 : 0;
    return out;
}

static void set_geometry(ps__op *op, const ps__geometry *g) {
    op->geometry = *g;
    op->out_width = same_padding(&op->pad_x, g->width, g->kernel, g->stride);
    op->out_height = same_padding(&op->pad_y, g->height, g->kernel, g->stride);
    op->out_features = (size_t)g->out_channels;
}

static ps__requant requant_of(const ps__plan *plan, const ps__geometry *g, const ps__layer *layer, int residual) {
    ps__requant q = {.low = g->relu6 ? 0.0f : -FLT_MAX,
                     .high = g->relu6 ? 6.0f : FLT_MAX,
                     .inverse = 1.0f / layer->out_scale,
                     .zero = (float)layer->out_zero};
    if (residual >= 0) {
        q.residual_scale = plan->buffers[residual].scale;
        q.residual_zero = plan->buffers[residual].zero;
    }
    return q;
}

static void input_quantisation(const ps__plan *plan, int in, float *scale, int *zero) {
    *scale = in == PS__PLAN_INPUT ? plan->input_scale : plan->buffers[in].scale;
    *zero = in == PS__PLAN_INPUT ? plan->input_zero : plan->buffers[in].zero;
}

/* What both kinds of convolution share: the output buffer, and an operation with its geometry, weights and requantisation. NULL once
** something failed. */
static ps__op *add_convolution(ps__plan *plan, int kind, const char *name, int in, int residual, const ps__geometry *g,
                               const ps__layer *layer) {
    ps__op shape = {0};
    set_geometry(&shape, g);
    int out = add_buffer(plan, (size_t)shape.out_width * (size_t)shape.out_height, (size_t)g->out_channels, 1, layer->out_scale,
                         layer->out_zero);
    ps__op *op = add_op(plan, kind, name, in, residual, out);
    if (!op) return NULL;
    set_geometry(op, g);
    op->layer[0] = *layer;
    op->requant = requant_of(plan, g, layer, residual);
    return op;
}

int ps__plan_conv(ps__plan *plan, const char *name, int in, int residual, const ps__geometry *g, const ps__layer *layer) {
    ps__op *op = add_convolution(plan, OP_CONV, name, in, residual, g, layer);
    if (!op) return 0;
    size_t k = (size_t)g->kernel * (size_t)g->kernel * (size_t)g->channels;
    if (plan->precision == PS__PRECISION_FLOAT) {
        need_scratch(plan, ((size_t)op->out_width * (size_t)op->out_height + 1) * k * 4);
        return op->out;
    }
    float scale;
    int zero;
    input_quantisation(plan, in, &scale, &zero);
    size_t line = ps__line_bytes(op);
    need_scratch(plan, line * (size_t)g->kernel + PS__SLACK);
    if (ps__matrix_pack(&op->matrix, layer->weights, layer->scale, layer->bias, g->out_channels, g->kernel, line,
                        g->kernel * g->channels, zero, scale))
        plan->failed = PS__NOMEM;
    return op->out;
}

int ps__plan_depthwise(ps__plan *plan, const char *name, int in, const ps__geometry *g, const ps__layer *layer) {
    ps__op *op = add_convolution(plan, OP_DEPTHWISE, name, in, PS__NO_BUFFER, g, layer);
    if (!op) return 0;
    if (plan->precision == PS__PRECISION_FLOAT) return op->out;
    float scale;
    int zero;
    input_quantisation(plan, in, &scale, &zero);
    need_scratch(plan,
                 ps__align64((size_t)g->width * (size_t)g->channels + PS__SLACK) + ps__depthwise_scratch(g->width, g->kernel));
    if (ps__filter_pack(&op->filter, layer->weights, layer->scale, layer->bias, g->channels, g->kernel, g->stride, zero,
                        scale))
        plan->failed = PS__NOMEM;
    return op->out;
}

int ps__plan_pool(ps__plan *plan, const char *name, int in, int pixels, int channels) {
    int out = add_buffer(plan, 1, (size_t)channels, 0, 0, 0);
    ps__op *op = add_op(plan, OP_POOL, name, in, PS__NO_BUFFER, out);
    if (!op) return 0;
    op->one_row = 1;
    op->geometry = (ps__geometry){.width = pixels, .height = 1, .channels = channels};
    op->in_features = op->out_features = (size_t)channels;
    need_scratch(plan, (size_t)channels * 4);
    return out;
}

/* Parts side by side in one packed matrix. Dynamic layers quantise to s8 offset by 128, so the zero point is 128. */
static int pack_parts(ps__op *op, int k) {
    int first = 0;
    if (ps__matrix_new(&op->matrix, (int)op->out_features, 1, 0, k)) return -1;
    for (int p = 0; p < op->parts; first += op->part_features[p++])
        ps__matrix_fill(&op->matrix, first, op->part_features[p], op->layer[p].weights, op->layer[p].scale, op->layer[p].bias,
                        128, 1.0f);
    return 0;
}

static int is_one_row(const ps__plan *plan, int in) {
    for (size_t i = 0; i < plan->op_count; i++)
        if (plan->ops[i].out == in) return plan->ops[i].one_row;
    return 0;
}

int ps__plan_linear(ps__plan *plan, const char *name, int in, int in_features, int parts, const ps__layer *layers,
                    const int *out_features) {
    size_t total = 0, rows = (size_t)plan->max_rows;
    for (int p = 0; p < parts; p++) {
        if (p && out_features[p - 1] % 16) plan->failed = PS__INVALID; /* parts must begin a block of the packed matrix */
        total += (size_t)out_features[p];
    }
    int out = add_buffer(plan, rows, total, 0, 0, 0);
    ps__op *op = add_op(plan, OP_LINEAR, name, in, PS__NO_BUFFER, out);
    if (!op) return 0;
    op->one_row = is_one_row(plan, in);
    op->in_features = (size_t)in_features;
    op->out_features = total;
    op->parts = parts;
    for (int p = 0; p < parts; p++) {
        op->layer[p] = layers[p];
        op->part_features[p] = out_features[p];
    }
    need_scratch(plan, rows * ps__align64((size_t)in_features) + PS__SLACK + rows * 4 + (size_t)in_features * 4);
    if (plan->precision == PS__PRECISION_INT8 && pack_parts(op, in_features)) plan->failed = PS__NOMEM;
    return out;
}

/* An operation that works on the buffer it reads. */
static ps__op *add_in_place(ps__plan *plan, int kind, const char *name, int in, int other, int features) {
    ps__op *op = add_op(plan, kind, name, in, other, in);
    if (!op) return NULL;
    op->one_row = is_one_row(plan, in);
    op->in_features = op->out_features = (size_t)features;
    return op;
}

int ps__plan_activate(ps__plan *plan, const char *name, int in, int kind, int features) {
    (void)kind;
    add_in_place(plan, OP_GELU, name, in, PS__NO_BUFFER, features);
    return in;
}

int ps__plan_add(ps__plan *plan, const char *name, int in, int other, int features) {
    add_in_place(plan, OP_ADD, name, in, other, features);
    return in;
}

int ps__plan_embed(ps__plan *plan, const char *name, const ps__word_table *words, const float *position, int features) {
    int out = add_buffer(plan, (size_t)plan->max_rows, (size_t)features, 0, 0, 0);
    ps__op *op = add_op(plan, OP_EMBED, name, PS__PLAN_INPUT, PS__NO_BUFFER, out);
    if (!op) return 0;
    op->words = *words;
    op->weight = position;
    op->out_features = (size_t)features;
    return out;
}

int ps__plan_norm(ps__plan *plan, const char *name, int in, int residual, const float *weight, const float *bias, float eps,
                  int features) {
    ps__op *op = add_in_place(plan, OP_NORM, name, in, residual, features);
    if (!op) return in;
    op->weight = weight;
    op->bias = bias;
    op->eps = eps;
    return in;
}

int ps__plan_attention(ps__plan *plan, const char *name, int qkv, int features, int heads, int causal) {
    (void)causal;
    int out = add_buffer(plan, (size_t)plan->max_rows, (size_t)features, 0, 0, 0);
    ps__op *op = add_op(plan, OP_ATTENTION, name, qkv, PS__NO_BUFFER, out);
    if (!op) return 0;
    op->in_features = 3 * (size_t)features;
    op->out_features = (size_t)features;
    op->heads = heads;
    need_scratch(plan, (size_t)plan->max_rows * 4);
    return out;
}

int ps__plan_mean(ps__plan *plan, const char *name, int in, int features) {
    int out = add_buffer(plan, 1, (size_t)features, 0, 0, 0);
    ps__op *op = add_op(plan, OP_MEAN, name, in, PS__NO_BUFFER, out);
    if (!op) return 0;
    op->one_row = 1;
    op->in_features = op->out_features = (size_t)features;
    return out;
}

int ps__plan_normalize(ps__plan *plan, const char *name, int in, int features) {
    add_in_place(plan, OP_NORMALIZE, name, in, PS__NO_BUFFER, features);
    return in;
}

static int lives_touch(const ps__buffer *a, const ps__buffer *b) { return a->first <= b->last && b->first <= a->last; }

/* The lowest place where b fits beside the buffers before it in the list. Quadratic, over some hundred buffers, once. */
static void place(ps__plan *plan, size_t index) {
    ps__buffer *b = &plan->buffers[index];
    b->offset = 0;
    for (size_t i = 0; i < index; i++) {
        const ps__buffer *a = &plan->buffers[i];
        if (!lives_touch(a, b) || a->offset >= b->offset + b->bytes || b->offset >= a->offset + a->bytes) continue;
        b->offset = ps__align64(a->offset + a->bytes);
        i = (size_t)-1; /* start again: an earlier one may be in the way now */
    }
    if (b->offset + b->bytes > plan->arena_bytes) plan->arena_bytes = b->offset + b->bytes;
}

int ps__plan_finish(ps__plan *plan, int out, int out_features, const char *name, ps__error *err) {
    if (plan->failed == PS__NOMEM) return ps__fail_nomem(err);
    if (plan->failed)
        return ps__fail(err, PS__MODEL, "%s: layers that run side by side must have a multiple of 16 outputs", name);
    plan->out = out;
    plan->out_features = (size_t)out_features;
    plan->buffers[out].last = (int)plan->op_count;
    for (size_t i = 0; i < plan->buffer_count; i++) place(plan, i);
    if (ps__plan_workspace_bytes(plan) <= MAX_WORKSPACE) return PS__OK;
    return ps__fail(err, PS__MODEL, "%s: a run needs %zu bytes of buffers, more than the cap of %zu", name,
                    ps__plan_workspace_bytes(plan), MAX_WORKSPACE);
}

size_t ps__plan_workspace_bytes(const ps__plan *plan) { return plan->arena_bytes + plan->scratch_bytes; }

int ps__workspace_new(ps__workspace **out, const ps__plan *plan, ps__error *err) {
    ps__workspace *w = *out = ps__calloc(1, sizeof *w);
    if (w) {
        /* Slack bytes are read (times zero weights), so everything starts at a known value. */
        w->arena = ps__aligned(plan->arena_bytes);
        w->scratch = ps__aligned(plan->scratch_bytes);
        if (w->arena && w->scratch) {
            memset(w->arena, 0, plan->arena_bytes);
            memset(w->scratch, 0, plan->scratch_bytes);
            return PS__OK;
        }
    }
    ps__workspace_free(w);
    *out = NULL;
    return ps__fail_nomem(err);
}

void ps__workspace_free(ps__workspace *w) {
    if (!w) return;
    ps__free(w->arena);
    ps__free(w->scratch);
    ps__free(w);
}
