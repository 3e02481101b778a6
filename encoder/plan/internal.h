/*
** What building a plan and running it share; nobody else includes it.
*/
#ifndef PS_PLAN_INTERNAL_H
#define PS_PLAN_INTERNAL_H

#include "encoder/plan/plan.h"

enum { OP_CONV, OP_DEPTHWISE, OP_POOL, OP_LINEAR, OP_GELU, OP_ADD, OP_EMBED, OP_NORM, OP_ATTENTION, OP_MEAN, OP_NORMALIZE };

#define MAX_PARTS 3
#define NAME_BYTES 48

typedef struct ps__buffer {
    size_t bytes;    /* for max_rows rows, slack included */
    size_t offset;   /* in the workspace */
    int first, last; /* operations that write it first and touch it last */
    int is_u8;       /* else f32 */
    float scale;     /* quantisation, when u8 */
    int zero;
} ps__buffer;

typedef struct ps__op {
    int kind;                         /* OP_* */
    char name[NAME_BYTES];            /* for taps */
    int in, other, out;               /* buffers; other: residual, or PS__NO_BUFFER */
    int one_row;                      /* runs on one row whatever the number of tokens */
    size_t in_features, out_features; /* a row */
    ps__geometry geometry;            /* convolutions and pooling */
    int out_width, out_height;        /* of a convolution */
    int pad_x, pad_y;                 /* left and top */
    int heads;                        /* attention */
    float eps;                        /* norm */
    const float *weight, *bias;       /* norm; weight is the position table for embed */
    int parts;                        /* layers used, linear */
    int part_features[MAX_PARTS];
    ps__layer layer[MAX_PARTS]; /* as given: the float path reads it */
    ps__word_table words;       /* embed */
    ps__matrix matrix;          /* packed: INT8 conv and linear */
    ps__filter filter;          /* packed: INT8 depthwise */
    ps__requant requant;        /* INT8 convolutions, without the residual pointer */
} ps__op;

struct ps__plan {
    const ps__kernels *kernels; /* the arithmetic */
    int precision;              /* PS__PRECISION_* */
    int max_rows;               /* tokens at most */
    float input_scale;          /* of an image input */
    int input_zero;
    ps__op *ops; /* the list */
    size_t op_count, op_room;
    ps__buffer *buffers; /* by number */
    size_t buffer_count, buffer_room;
    int failed; /* PS__NOMEM or PS__INVALID while building */
    int out;    /* buffer copied to the caller */
    size_t out_features;
    size_t arena_bytes;   /* all buffers */
    size_t scratch_bytes; /* the largest scratch any operation needs */
};

struct ps__workspace {
    uint8_t *arena;   /* buffers, at their offsets */
    uint8_t *scratch; /* of the running operation */
};

/* Rows of word + position vectors; run_embed.c. */
void ps__run_embed(const ps__op *op, float *out, const int32_t *ids, size_t rows);

/* A convolution in float32 over dequantised weights, and the other operations that differ; run_float.c. */
void ps__run_float_conv(const ps__plan *plan, const ps__op *op, float *out, const void *in, const float *residual,
                        uint8_t *scratch);
void ps__run_float_depthwise(const ps__op *op, float *out, const float *in);
void ps__run_float_linear(const ps__op *op, float *out, const float *in, size_t rows, uint8_t *scratch,
                          const ps__kernels *kernels);

/* Bytes of one input line of a convolution with the padding at its ends. */
static inline size_t ps__line_bytes(const ps__op *op) {
    const ps__geometry *g = &op->geometry;
    return ((size_t)(op->out_width - 1) * (size_t)g->stride + (size_t)g->kernel) * (size_t)g->channels;
}

static inline size_t ps__align64(size_t n) { return (n + 63) / 64 * 64; }

#endif
