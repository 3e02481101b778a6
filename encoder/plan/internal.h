/*
** What building a plan and running it share; nobody else includes it.
*/
#ifndef PS_PLAN_INTERNAL_H
#define PS_PLAN_INTERNAL_H

#include "encoder/plan/plan.h"

enum {
    OP_CONV,
    OP_DEPTHWISE,
    OP_POOL,
    OP_LINEAR,
    OP_ACTIVATE,
    OP_ADD,
    OP_EMBED,
    OP_NORM,
    OP_NORM_OF,
    OP_ATTENTION,
    OP_ATTEND_ONCE,
    OP_MEAN,
    OP_NORMALIZE,
    OP_PIXELS,
    OP_PATCHES,
    OP_DEPTHWISE_FLOAT,
    OP_ADD_SCALED,
    OP_GATE,
    OP_ADD_TABLE,
    OP_PREPEND,
    OP_SELECT
};

#define MAX_PARTS 3
#define NAME_BYTES 48

typedef struct ps__buffer {
    size_t rows;     /* as many always; 0: as many as the run has tokens */
    size_t features; /* a row */
    size_t bytes;    /* for max_rows rows, slack included */
    size_t offset;   /* in the workspace */
    int first, last; /* operations that write it first and touch it last */
    int is_map;      /* output of a static convolution: u8 in INT8, f32 in float precision; else f32 in both */
    int is_u8;       /* else f32 */
    float scale;     /* quantisation, when u8 */
    int zero;
} ps__buffer;

typedef struct ps__op {
    int kind;                         /* OP_* */
    char name[NAME_BYTES];            /* for taps */
    int in, other, out;               /* buffers; other: residual, or PS__NO_BUFFER */
    size_t in_features, out_features; /* a row */
    ps__geometry geometry;            /* static convolutions and pooling */
    int out_width, out_height;        /* of a static convolution */
    int pad_x, pad_y;                 /* left and top */
    ps__window window;                /* patches, depthwise in float32 */
    int heads, causal;                /* attention */
    int activation;                   /* PS__GELU... */
    int row;                          /* select: PS__FIRST_ROW... or a token */
    float eps;                        /* norm */
    float mean[3], std[3];            /* pixels */
    const float *weight, *bias;       /* f32 and borrowed: of a norm or window; means and stds of pixels; a scale, table, row, query or
                                         the position table in weight */
    int is_centred;                   /* linear, INT8: the middle of each row's range is taken off before it is quantised */
    int has_rest;                     /* linear, INT8: what quantising a row leaves is quantised and multiplied again */
    float *no_bias;                   /* owned; zeros [out_features padded to 64] of a layer that has a rest */
    int parts;                        /* layers used, linear */
    int part_features[MAX_PARTS];
    ps__layer layer[MAX_PARTS]; /* as given: the float path reads it */
    ps__word_table words;       /* embed */
    ps__matrix matrix;          /* packed: INT8 conv, and INT8 layers of linear, side by side */
    ps__matrix fine;            /* packed: what is fine of fine layers of linear, side by side */
    ps__filter filter;          /* packed: INT8 depthwise */
    ps__requant requant;        /* INT8 convolutions, without the residual pointer */
} ps__op;

struct ps__plan {
    const ps__kernels *kernels; /* the arithmetic */
    int precision;              /* PS__PRECISION_* */
    int max_rows;               /* tokens at most */
    float input_scale;          /* of an image input */
    int input_zero;
    int reads_ids; /* the input is token ids */
    int centres;   /* linear layers behind an activation are centred */
    int refines;   /* linear layers are refined */
    ps__op *ops;   /* the list */
    size_t op_count, op_room;
    ps__buffer *buffers; /* by number */
    size_t buffer_count, buffer_room;
    int failed;                /* PS__NOMEM or PS__INVALID while building */
    char complaint[128];       /* why invalid */
    int out;                   /* buffer copied to the caller */
    size_t out_features;
    size_t arena_bytes;   /* all buffers */
    size_t scratch_bytes; /* the largest scratch any operation needs */
};

struct ps__workspace {
    uint8_t *arena;   /* buffers, at their offsets */
    uint8_t *scratch; /* of the running operation */
};

typedef struct ps__run {   /* one call of ps__plan_run */
    const ps__plan *plan;  /* what runs */
    ps__workspace *space;  /* where */
    const void *input;     /* the caller's */
    size_t rows;           /* tokens */
} ps__run;

/* ---- Building; build.c. Once something failed each does nothing. ---- */

/* Remembers the first reason why a plan is refused: "name: reason". */
void ps__plan_complain(ps__plan *plan, const char *name, const char *reason);

/* A buffer to read, or NULL where there is none of that number. */
const ps__buffer *ps__plan_source(ps__plan *plan, const char *name, int in);

/* The same, of f32 rows of so many features. */
const ps__buffer *ps__plan_rows(ps__plan *plan, const char *name, int in, int features);

/* A new buffer that the next operation writes; its number. rows: 0 for as many as tokens. */
int ps__plan_buffer(ps__plan *plan, const char *name, size_t rows, size_t features, int is_map, float scale, int zero);

/* A new operation, its features those of the buffers. NULL once something failed. */
ps__op *ps__plan_op(ps__plan *plan, int kind, const char *name, int in, int other, int out);

void ps__plan_need_scratch(ps__plan *plan, size_t bytes);

/* Rows of a buffer at most. */
static inline size_t ps__most_rows(const ps__plan *plan, const ps__buffer *b) { return b->rows ? b->rows : (size_t)plan->max_rows; }

/* ---- Running ---- */

/* A buffer's bytes; NULL for none. */
static inline void *ps__run_at(const ps__run *r, int buffer) {
    return buffer < 0 ? NULL : r->space->arena + r->plan->buffers[buffer].offset;
}

static inline size_t ps__run_rows(const ps__run *r, int buffer) {
    size_t fixed = r->plan->buffers[buffer].rows;
    return fixed ? fixed : r->rows;
}

/* Operations over rows of float32; run_rows.c. */
void ps__run_row_op(const ps__run *r, const ps__op *op);

/* A linear layer, in either precision, and the scratch it needs; run_linear.c. */
void ps__run_linear(const ps__run *r, const ps__op *op);
size_t ps__linear_scratch(const ps__op *op, size_t rows);

/* Rows of word + position vectors; run_embed.c. */
void ps__run_embed(const ps__op *op, float *out, const int32_t *ids, size_t rows);

/* The static convolutions in float32 over dequantised weights; run_float.c. */
void ps__run_float_conv(const ps__plan *plan, const ps__op *op, float *out, const void *in, const float *residual,
                        uint8_t *scratch);
void ps__run_float_depthwise(const ps__plan *plan, const ps__op *op, float *out, const float *in, uint8_t *scratch);

/* Scratch bytes of these. */
size_t ps__float_conv_scratch(const ps__op *op);
size_t ps__float_depthwise_scratch(const ps__op *op);

/* A static depthwise convolution as a window. */
static inline ps__window ps__window_of(const ps__op *op) {
    const ps__geometry *g = &op->geometry;
    return (ps__window){.width = g->width,
                        .height = g->height,
                        .channels = g->channels,
                        .kernel_width = g->kernel,
                        .kernel_height = g->kernel,
                        .stride = g->stride,
                        .pad_x = op->pad_x,
                        .pad_y = op->pad_y,
                        .out_width = op->out_width,
                        .out_height = op->out_height,
                        .multiplier = 1};
}

/* Bytes of one input line of a convolution with the padding at its ends. */
static inline size_t ps__line_bytes(const ps__op *op) {
    const ps__geometry *g = &op->geometry;
    return ((size_t)(op->out_width - 1) * (size_t)g->stride + (size_t)g->kernel) * (size_t)g->channels;
}

static inline int ps__is_fine(const ps__layer *l) { return !l->floats && l->fine; }

static inline size_t ps__align64(size_t n) { return (n + 63) / 64 * 64; }

#endif
