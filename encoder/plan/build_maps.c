/*
** Adding the operations with static quantisation: convolutions from u8 maps to u8 maps.
*/
#include "encoder/plan/internal.h"

#include <float.h>

#include "encoder/encoder.h"

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

/* Whether a convolution's input, or what is added to it, is a map of so many pixels and channels. */
static int is_map(ps__plan *plan, const char *name, int in, size_t pixels, int channels) {
    const ps__buffer *b = ps__plan_source(plan, name, in);
    if (b && b->is_map && b->rows == pixels && b->features == (size_t)channels) return 1;
    ps__plan_complain(plan, name, "reads a map of another size than was written");
    return 0;
}

/* What both kinds of convolution share: the output buffer, and an operation with its geometry, weights and requantisation. NULL once
** something failed. */
static ps__op *add_convolution(ps__plan *plan, int kind, const char *name, int in, int residual, const ps__geometry *g,
                               const ps__layer *layer) {
    ps__op shape = {0};
    set_geometry(&shape, g);
    size_t pixels = (size_t)shape.out_width * (size_t)shape.out_height;
    if (in != PS__PLAN_INPUT && !is_map(plan, name, in, (size_t)g->width * (size_t)g->height, g->channels)) return NULL;
    if (residual != PS__NO_BUFFER && !is_map(plan, name, residual, pixels, g->out_channels)) return NULL;
    int out = ps__plan_buffer(plan, name, pixels, (size_t)g->out_channels, 1, layer->out_scale, layer->out_zero);
    ps__op *op = ps__plan_op(plan, kind, name, in, residual, out);
    if (!op) return NULL;
    set_geometry(op, g);
    op->layer[0] = *layer;
    op->requant = requant_of(plan, g, layer, residual);
    return op;
}

int ps__plan_conv(ps__plan *plan, const char *name, int in, int residual, const ps__geometry *g, const ps__layer *layer) {
    ps__op *op = add_convolution(plan, OP_CONV, name, in, residual, g, layer);
    if (!op) return 0;
    if (plan->precision == PS__PRECISION_FLOAT) {
        ps__plan_need_scratch(plan, ps__float_conv_scratch(op));
        return op->out;
    }
    float scale;
    int zero;
    input_quantisation(plan, in, &scale, &zero);
    size_t line = ps__line_bytes(op);
    ps__plan_need_scratch(plan, line * (size_t)g->kernel + PS__SLACK);
    if (ps__matrix_pack(&op->matrix, layer->weights, layer->scale, layer->bias, g->out_channels, g->kernel, line,
                        g->kernel * g->channels, zero, scale))
        plan->failed = PS__NOMEM;
    return op->out;
}

int ps__plan_depthwise(ps__plan *plan, const char *name, int in, const ps__geometry *g, const ps__layer *layer) {
    ps__op *op = add_convolution(plan, OP_DEPTHWISE, name, in, PS__NO_BUFFER, g, layer);
    if (!op) return 0;
    if (plan->precision == PS__PRECISION_FLOAT) {
        ps__plan_need_scratch(plan, ps__float_depthwise_scratch(op));
        return op->out;
    }
    float scale;
    int zero;
    input_quantisation(plan, in, &scale, &zero);
    ps__plan_need_scratch(plan,
                 ps__align64((size_t)g->width * (size_t)g->channels + PS__SLACK) + ps__depthwise_scratch(g->width, g->kernel));
    if (ps__filter_pack(&op->filter, layer->weights, layer->scale, layer->bias, g->channels, g->kernel, g->stride, zero,
                        scale))
        plan->failed = PS__NOMEM;
    return op->out;
}

int ps__plan_pool(ps__plan *plan, const char *name, int in, int pixels, int channels) {
    if (!is_map(plan, name, in, (size_t)pixels, channels)) return 0;
    int out = ps__plan_buffer(plan, name, 1, (size_t)channels, 0, 0, 0);
    ps__op *op = ps__plan_op(plan, OP_POOL, name, in, PS__NO_BUFFER, out);
    if (!op) return 0;
    op->geometry = (ps__geometry){.width = pixels, .height = 1, .channels = channels};
    ps__plan_need_scratch(plan, (size_t)channels * 4);
    return out;
}
