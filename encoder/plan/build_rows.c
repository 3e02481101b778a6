/*
** Adding the operations over rows of float32. Each says how many rows its output has, and refuses what does not fit together: sizes
** come out of packages that anybody may have written.
*/
#include "base/alloc.h"
#include "encoder/plan/internal.h"

#include <string.h>

#include "base/alloc.h"
#include "encoder/encoder.h"

/* An operation with an output buffer of its own. */
static ps__op *add_op(ps__plan *plan, int kind, const char *name, int in, size_t rows, size_t features) {
    int out = ps__plan_buffer(plan, name, rows, features, 0, 0, 0);
    return ps__plan_op(plan, kind, name, in, PS__NO_BUFFER, out);
}

static int out_of(const ps__op *op) { return op ? op->out : 0; }

/* An operation that works on the buffer it reads, with another of as many rows or none. */
static ps__op *add_in_place(ps__plan *plan, int kind, const char *name, int in, int other, int features) {
    const ps__buffer *b = ps__plan_rows(plan, name, in, features);
    if (!b) return NULL;
    if (other != PS__NO_BUFFER) {
        const ps__buffer *added = ps__plan_rows(plan, name, other, features);
        if (added && added->rows != b->rows) ps__plan_complain(plan, name, "adds rows to another number of rows");
    }
    return ps__plan_op(plan, kind, name, in, other, in);
}

/* ---- Linear layers ---- */

/* The fine parts side by side, whose levels are 1/254 of the others'. */
static int pack_fine(ps__op *op) {
    int first = 0, total = 0;
    for (int p = 0; p < op->parts; p++) total += ps__is_fine(&op->layer[p]) ? op->part_features[p] : 0;
    if (!total) return 0;
    if (ps__matrix_new(&op->fine, total, 1, 0, (int)op->in_features)) return -1;
    for (int p = 0; p < op->parts; p++) {
        const ps__layer *l = &op->layer[p];
        if (!ps__is_fine(l)) continue;
        ps__matrix_fill(&op->fine, first, op->part_features[p], l->fine, l->scale, op->no_bias, 128, 1.0f / 254.0f);
        first += op->part_features[p];
    }
    return 0;
}

/* The INT8 parts side by side in one packed matrix. Dynamic layers quantise to s8 offset by 128, so the zero point is 128. */
static int pack_parts(ps__op *op) {
    int first = 0, total = 0;
    for (int p = 0; p < op->parts; p++) total += op->layer[p].floats ? 0 : op->part_features[p];
    if (!total) return 0;
    if (ps__matrix_new(&op->matrix, total, 1, 0, (int)op->in_features)) return -1;
    for (int p = 0; p < op->parts; p++) {
        const ps__layer *l = &op->layer[p];
        if (l->floats) continue;
        ps__matrix_fill(&op->matrix, first, op->part_features[p], l->weights, l->scale, l->bias, 128, 1.0f);
        first += op->part_features[p];
    }
    return pack_fine(op);
}

static size_t total_of(ps__plan *plan, const char *name, int parts, const int *out_features) {
    size_t total = 0;
    for (int p = 0; p < parts; p++) {
        if (p && out_features[p - 1] % 16) /* parts must begin a block of the packed matrix */
            ps__plan_complain(plan, name, "layers that run side by side must have a multiple of 16 outputs");
        if (out_features[p] < 1) ps__plan_complain(plan, name, "has a size that is out of range");
        total += (size_t)out_features[p];
    }
    return total;
}

void ps__plan_centre(ps__plan *plan) { plan->centres = 1; }

void ps__plan_refine(ps__plan *plan, int on) { plan->refines = on; }

/* Whether what the buffer holds now was given by an activation. */
static int is_activated(const ps__plan *plan, int buffer) {
    for (size_t i = plan->op_count; i-- > 0;)
        if (plan->ops[i].out == buffer) return plan->ops[i].kind == OP_ACTIVATE;
    return 0;
}

/* Whether what quantising leaves of rows is multiplied too: any part is fine, or all are plain INT8 in a plan that refines. */
static int has_rest(const ps__plan *plan, const ps__layer *layers, int parts) {
    int fine = 0, plain = 0;
    for (int p = 0; p < parts; p++) {
        fine += ps__is_fine(&layers[p]);
        plain += !layers[p].floats && !layers[p].fine;
    }
    return fine || (plan->refines && plain == parts);
}

static void add_no_bias(ps__plan *plan, ps__op *op) {
    size_t bytes = (op->out_features + 63) / 64 * 64 * sizeof *op->no_bias;
    if ((op->no_bias = ps__aligned(bytes)) != NULL)
        memset(op->no_bias, 0, bytes);
    else
        plan->failed = PS__NOMEM;
}

int ps__plan_linear(ps__plan *plan, const char *name, int in, int in_features, int parts, const ps__layer *layers,
                    const int *out_features) {
    const ps__buffer *b = ps__plan_rows(plan, name, in, in_features);
    if (!b) return 0;
    size_t rows = b->rows, most = ps__most_rows(plan, b), total = total_of(plan, name, parts, out_features);
    int is_centred = plan->centres && parts == 1 && is_activated(plan, in);
    ps__op *op = add_op(plan, OP_LINEAR, name, in, rows, total);
    if (!op) return 0;
    op->parts = parts;
    op->has_rest = plan->precision == PS__PRECISION_INT8 && has_rest(plan, layers, parts);
    op->is_centred = is_centred && (!op->has_rest || ps__is_fine(layers));
    if (op->has_rest) add_no_bias(plan, op);
    for (int p = 0; p < parts; p++) {
        op->layer[p] = layers[p];
        op->part_features[p] = out_features[p];
    }
    if (plan->precision == PS__PRECISION_INT8 && !plan->failed && pack_parts(op)) plan->failed = PS__NOMEM;
    ps__plan_need_scratch(plan, ps__linear_scratch(op, most));
    return op->out;
}

/* ---- Rows of tokens ---- */

int ps__plan_embed(ps__plan *plan, const char *name, const ps__word_table *words, const float *position, int features) {
    ps__op *op = add_op(plan, OP_EMBED, name, PS__PLAN_INPUT, 0, (size_t)features);
    if (!op) return 0;
    op->words = *words;
    op->weight = position;
    plan->reads_ids = 1;
    return op->out;
}

static int has_heads(ps__plan *plan, const char *name, int features, int heads) {
    if (features > 0 && heads > 0 && features % heads == 0) return 1;
    ps__plan_complain(plan, name, "heads do not divide the features");
    return 0;
}

int ps__plan_attention(ps__plan *plan, const char *name, int qkv, int features, int heads, int causal) {
    const ps__buffer *b = has_heads(plan, name, features, heads) ? ps__plan_rows(plan, name, qkv, 3 * features) : NULL;
    if (!b) return 0;
    size_t most = ps__most_rows(plan, b);
    ps__op *op = add_op(plan, OP_ATTENTION, name, qkv, b->rows, (size_t)features);
    if (!op) return 0;
    op->heads = heads;
    op->causal = causal;
    ps__plan_need_scratch(plan, ps__attention_scratch((int)most, features / heads) * 4);
    return op->out;
}

int ps__plan_attend_once(ps__plan *plan, const char *name, const float *query, int kv, int features, int heads) {
    const ps__buffer *b = has_heads(plan, name, features, heads) ? ps__plan_rows(plan, name, kv, 2 * features) : NULL;
    if (!b) return 0;
    size_t most = ps__most_rows(plan, b);
    ps__op *op = add_op(plan, OP_ATTEND_ONCE, name, kv, 1, (size_t)features);
    if (!op) return 0;
    op->heads = heads;
    op->weight = query;
    ps__plan_need_scratch(plan, ps__attention_scratch((int)most, features / heads) * 4);
    return op->out;
}

/* ---- Row by row ---- */

int ps__plan_activate(ps__plan *plan, const char *name, int in, int kind, int features) {
    ps__op *op = add_in_place(plan, OP_ACTIVATE, name, in, PS__NO_BUFFER, features);
    if (op) op->activation = kind;
    return in;
}

int ps__plan_add(ps__plan *plan, const char *name, int in, int other, int features) {
    add_in_place(plan, OP_ADD, name, in, other, features);
    return in;
}

static int set_norm(ps__op *op, const float *weight, const float *bias, float eps) {
    if (!op) return 0;
    op->weight = weight;
    op->bias = bias;
    op->eps = eps;
    return op->out;
}

int ps__plan_norm(ps__plan *plan, const char *name, int in, int residual, const float *weight, const float *bias, float eps,
                  int features) {
    set_norm(add_in_place(plan, OP_NORM, name, in, residual, features), weight, bias, eps);
    return in;
}

int ps__plan_norm_of(ps__plan *plan, const char *name, int in, const float *weight, const float *bias, float eps, int features) {
    const ps__buffer *b = ps__plan_rows(plan, name, in, features);
    return b ? set_norm(add_op(plan, OP_NORM_OF, name, in, b->rows, (size_t)features), weight, bias, eps) : 0;
}

int ps__plan_add_scaled(ps__plan *plan, const char *name, int in, int other, const float *scale, int features) {
    ps__op *op = add_in_place(plan, OP_ADD_SCALED, name, in, other, features);
    if (op) op->weight = scale;
    return in;
}

int ps__plan_gate(ps__plan *plan, const char *name, int in, int gate, int features) {
    const ps__buffer *b = ps__plan_rows(plan, name, in, features), *one = ps__plan_rows(plan, name, gate, features);
    if (b && one && one->rows != 1) ps__plan_complain(plan, name, "its gate is not one row");
    if (b && one) ps__plan_op(plan, OP_GATE, name, in, gate, in);
    return in;
}

int ps__plan_add_table(ps__plan *plan, const char *name, int in, const float *table, int features) {
    ps__op *op = add_in_place(plan, OP_ADD_TABLE, name, in, PS__NO_BUFFER, features);
    if (op) op->weight = table;
    return in;
}

/* ---- Other numbers of rows ---- */

int ps__plan_prepend(ps__plan *plan, const char *name, int in, const float *row, int features) {
    const ps__buffer *b = ps__plan_rows(plan, name, in, features);
    if (!b) return 0;
    if (!b->rows) ps__plan_complain(plan, name, "stands before rows whose number is not known");
    ps__op *op = add_op(plan, OP_PREPEND, name, in, b->rows + 1, (size_t)features);
    if (op) op->weight = row;
    return out_of(op);
}

int ps__plan_select(ps__plan *plan, const char *name, int in, int row, int features) {
    const ps__buffer *b = ps__plan_rows(plan, name, in, features);
    if (!b) return 0;
    if (row >= 0 && (b->rows || !plan->reads_ids)) ps__plan_complain(plan, name, "looks for a token where there are none");
    if (row < PS__LAST_ROW) ps__plan_complain(plan, name, "takes a row that is not known");
    ps__op *op = add_op(plan, OP_SELECT, name, in, 1, (size_t)features);
    if (op) op->row = row;
    return out_of(op);
}

int ps__plan_mean(ps__plan *plan, const char *name, int in, int features) {
    if (!ps__plan_rows(plan, name, in, features)) return 0;
    return out_of(add_op(plan, OP_MEAN, name, in, 1, (size_t)features));
}

int ps__plan_normalize(ps__plan *plan, const char *name, int in, int features) {
    const ps__buffer *b = ps__plan_rows(plan, name, in, features);
    if (b && b->rows != 1) ps__plan_complain(plan, name, "is not one row");
    add_in_place(plan, OP_NORMALIZE, name, in, PS__NO_BUFFER, features);
    return in;
}

/* ---- Pictures ---- */

#define MAX_PICTURE 16384 /* pixels a side */

int ps__plan_pixels(ps__plan *plan, const char *name, int width, int height, const float *mean, const float *std) {
    if (width < 1 || height < 1 || width > MAX_PICTURE || height > MAX_PICTURE || plan->reads_ids)
        ps__plan_complain(plan, name, "has a size that is out of range");
    if (plan->failed) return 0;
    ps__op *op = add_op(plan, OP_PIXELS, name, PS__PLAN_INPUT, (size_t)width * (size_t)height, 3);
    if (!op) return 0;
    memcpy(op->mean, mean, sizeof op->mean);
    memcpy(op->std, std, sizeof op->std);
    return op->out;
}

/* Whether windows along one side lie within bounds, and each at least in part in the picture. */
static int side_fits(int size, int kernel, int stride, int pad, int out) {
    if (size < 1 || size > MAX_PICTURE || out < 1 || out > MAX_PICTURE || kernel < 1 || kernel > 32) return 0;
    return stride >= 1 && stride <= 32 && pad >= 0 && pad < kernel && (out - 1) * stride - pad < size;
}

/* Rows of the output, 0 for as many as tokens; sets *rows. Returns 0 where the window does not fit what it slides over. */
static int window_fits(size_t *rows, ps__plan *plan, const char *name, int in, const ps__window *w) {
    const ps__buffer *b = ps__plan_rows(plan, name, in, w->channels);
    if (!b) return 0;
    int fits = side_fits(w->width, w->kernel_width, w->stride, w->pad_x, w->out_width) &&
               side_fits(w->height, w->kernel_height, w->stride, w->pad_y, w->out_height);
    size_t pixels = fits ? (size_t)w->width * (size_t)w->height : 0, most = ps__most_rows(plan, b);
    if (!fits || pixels != most || (!b->rows && w->height != 1)) {
        ps__plan_complain(plan, name, "its window does not fit the rows under it");
        return 0;
    }
    *rows = (size_t)w->out_width * (size_t)w->out_height;
    if (!b->rows && *rows == pixels) *rows = 0;
    return 1;
}

int ps__plan_patches(ps__plan *plan, const char *name, int in, const ps__window *window) {
    size_t rows;
    if (!window_fits(&rows, plan, name, in, window)) return 0;
    size_t features = (size_t)window->kernel_height * (size_t)window->kernel_width * (size_t)window->channels;
    ps__op *op = add_op(plan, OP_PATCHES, name, in, rows, features);
    if (op) op->window = *window;
    return out_of(op);
}

int ps__plan_depthwise_float(ps__plan *plan, const char *name, int in, const ps__window *window, const float *weight,
                             const float *bias) {
    size_t rows;
    if (!window_fits(&rows, plan, name, in, window)) return 0;
    if (window->multiplier < 1 || window->multiplier > 1024) {
        ps__plan_complain(plan, name, "has a size that is out of range");
        return 0;
    }
    ps__op *op = add_op(plan, OP_DEPTHWISE_FLOAT, name, in, rows, (size_t)window->channels * (size_t)window->multiplier);
    if (!op) return 0;
    op->window = *window;
    op->weight = weight;
    op->bias = bias;
    ps__plan_need_scratch(plan, ps__depthwise_float_scratch(window) * 4);
    return op->out;
}
