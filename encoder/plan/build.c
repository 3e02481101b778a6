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
        ps__free(plan->ops[i].no_bias);
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

void ps__plan_complain(ps__plan *plan, const char *name, const char *reason) {
    if (plan->failed) return;
    plan->failed = PS__INVALID;
    snprintf(plan->complaint, sizeof plan->complaint, "%.47s: %s", name, reason);
}

const ps__buffer *ps__plan_source(ps__plan *plan, const char *name, int in) {
    if (plan->failed) return NULL;
    if (in >= 0 && (size_t)in < plan->buffer_count) return &plan->buffers[in];
    ps__plan_complain(plan, name, "reads what nothing has written");
    return NULL;
}

const ps__buffer *ps__plan_rows(ps__plan *plan, const char *name, int in, int features) {
    const ps__buffer *b = ps__plan_source(plan, name, in);
    if (b && !b->is_map && features > 0 && b->features == (size_t)features) return b;
    ps__plan_complain(plan, name, "reads rows of another size than were written");
    return NULL;
}

/* Sizes below this, two of which may be multiplied without a thought. */
#define MAX_SIDE ((size_t)1 << 24)

int ps__plan_buffer(ps__plan *plan, const char *name, size_t rows, size_t features, int is_map, float scale, int zero) {
    if (rows > MAX_SIDE || features > MAX_SIDE || !features) ps__plan_complain(plan, name, "has a size that is out of range");
    if (plan->failed || grow(plan, &plan->buffers, plan->buffer_count, &plan->buffer_room, sizeof *plan->buffers)) return 0;
    ps__buffer *b = &plan->buffers[plan->buffer_count];
    int u8 = is_map && plan->precision == PS__PRECISION_INT8;
    *b = (ps__buffer){.rows = rows,
                      .features = features,
                      .first = (int)plan->op_count,
                      .last = (int)plan->op_count,
                      .is_map = is_map,
                      .is_u8 = u8,
                      .scale = scale,
                      .zero = zero};
    b->bytes = ps__align64(ps__most_rows(plan, b) * features * (u8 ? 1 : 4)) + PS__SLACK;
    return (int)plan->buffer_count++;
}

ps__op *ps__plan_op(ps__plan *plan, int kind, const char *name, int in, int other, int out) {
    if (plan->failed || grow(plan, &plan->ops, plan->op_count, &plan->op_room, sizeof *plan->ops)) return NULL;
    ps__op *op = &plan->ops[plan->op_count];
    int touched[3] = {in, other, out};
    *op = (ps__op){.kind = kind, .in = in, .other = other, .out = out};
    snprintf(op->name, sizeof op->name, "%s", name);
    for (int i = 0; i < 3; i++)
        if (touched[i] >= 0) plan->buffers[touched[i]].last = (int)plan->op_count;
    if (in >= 0) op->in_features = plan->buffers[in].features;
    op->out_features = plan->buffers[out].features;
    plan->op_count++;
    return op;
}

void ps__plan_need_scratch(ps__plan *plan, size_t bytes) {
    if (bytes > plan->scratch_bytes) plan->scratch_bytes = bytes;
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
    const ps__buffer *result = ps__plan_source(plan, "embedding", out);
    if (result && (result->is_map || result->features != (size_t)out_features))
        ps__plan_complain(plan, "embedding", "is not as long as the space has dimensions");
    if (plan->failed) return ps__fail(err, PS__MODEL, "%s: %s", name, plan->complaint);
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
