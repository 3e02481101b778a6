/*
** A plan: a flat list of fused operations over buffers that are laid out once. It knows no model family; families/ builds plans, and
** running one is a loop over its operations. Two precisions share one list: INT8, the product, and float32 over dequantised
** weights, against which INT8 is verified.
**
** Building is done by one thread; a finished plan is immutable and may be run by many threads at once, each with its own workspace.
** Weights are borrowed from the package and must outlive the plan.
*/
#ifndef PS_PLAN_H
#define PS_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "encoder/kernels/kernels.h"

typedef struct ps__plan ps__plan;
typedef struct ps__workspace ps__workspace;

/* The input, in place of a buffer number: u8 RGB of an image, or int32 token ids of a text. */
#define PS__PLAN_INPUT (-1)
#define PS__NO_BUFFER (-2)

typedef struct ps__layer { /* weights of one layer, borrowed */
    const int8_t *weights; /* [out][in] or [out][ky][kx][in]; depthwise: [ky][kx][channels]; NULL: floats is used */
    const float *scale;    /* [out]; of INT8 */
    const float *bias;     /* [out] */
    float out_scale;       /* of the u8 output; convolutions only */
    int out_zero;          /* zero point of it */
    const int8_t *fine;    /* linear INT8 layers only: [out][in], 1/254 of a level each, added to weights; NULL: none */
    const float *floats;   /* linear layers only: [out][in] kept in float32, computed so in both precisions; NULL: INT8 */
} ps__layer;

typedef struct ps__word_table { /* quantised word vectors, borrowed */
    const void *weights; /* int8_t [vocab][features]; INT4: uint8_t [vocab][features / 2], the first of two values in the low four
                            bits, each 8 more than it stands for */
    const float *scale;  /* [vocab][groups] */
    int is_int4;
    int groups; /* equal parts of a row, each with its scale; they divide features */
    int is_float;       /* weights is float [vocab][features], and there is no scale */
    const int8_t *fine; /* [vocab][features] beside int8_t weights, 1/254 of a level each, added to them; NULL: none */
} ps__word_table;

typedef struct ps__geometry {    /* of a convolution; padding is TensorFlow's SAME */
    int width, height, channels; /* input */
    int out_channels;            /* output; a depthwise convolution has as many as input channels */
    int kernel, stride;          /* square */
    int relu6;                   /* clamp the real value to 0..6 */
} ps__geometry;

/* Which row ps__plan_select takes, or a token's id, 0 or more: the first row that this token stands in (row 0 where none does). */
enum { PS__FIRST_ROW = -1, PS__LAST_ROW = -2 };

/* precision: PS__PRECISION_* of encoder.h. max_rows: token rows a run may have at most (1 for images). NULL when memory is gone. */
ps__plan *ps__plan_new(const ps__kernels *kernels, int precision, int max_rows);
void ps__plan_free(ps__plan *plan);

/* The quantisation of PS__PLAN_INPUT for images: real = scale * (q - zero). */
void ps__plan_input(ps__plan *plan, float scale, int zero);

/* Each adds one operation and returns the number of its output buffer; errors are remembered and told by ps__plan_finish. name is
** what taps see and must be a string of at most 47 bytes (copied). residual: a buffer or PS__NO_BUFFER. */
int ps__plan_conv(ps__plan *plan, const char *name, int in, int residual, const ps__geometry *g, const ps__layer *layer);
int ps__plan_depthwise(ps__plan *plan, const char *name, int in, const ps__geometry *g, const ps__layer *layer);
int ps__plan_pool(ps__plan *plan, const char *name, int in, int pixels, int channels); /* mean over pixels, f32 [channels] */

/* From now on linear layers that read what an activation gave quantise it centred: GELU gives hardly anything below 0, so half of the
** symmetric levels would go unused. */
void ps__plan_centre(ps__plan *plan);

/* on: from now on linear layers without parts in float multiply what quantising a row leaves too, quantised by itself: for twice the products the rows
** count as if they had 16 bits. */
void ps__plan_refine(ps__plan *plan, int on);

/* Rows of f32 [in_features] to rows of f32 [out_features of all parts], parts side by side (query, key, value are one operation). */
int ps__plan_linear(ps__plan *plan, const char *name, int in, int in_features, int parts, const ps__layer *layers,
                    const int *out_features);
int ps__plan_add(ps__plan *plan, const char *name, int in, int other, int features); /* in place: in += other; returns in */

/* Token ids (PS__PLAN_INPUT) to rows of word + position vectors. */
int ps__plan_embed(ps__plan *plan, const char *name, const ps__word_table *words,
                   const float *position /* [max_rows][features] */, int features);
/* In place over in: layer_norm(in + residual); returns in. */
int ps__plan_norm(ps__plan *plan, const char *name, int in, int residual, const float *weight, const float *bias, float eps,
                  int features);
/* Self-attention over the rows of qkv. causal: a row sees itself and those before it. */
int ps__plan_attention(ps__plan *plan, const char *name, int qkv, int features, int heads, int causal);
/* Attention of one query (f32 [features], borrowed, its projection done) over rows of kv, key and value side by side, f32 [rows][2 *
** features]: one row. */
int ps__plan_attend_once(ps__plan *plan, const char *name, const float *query, int kv, int features, int heads);

/* ---- Rows of float32, for the towers whose layers are all dynamic. A buffer has as many rows as the run has tokens, or a fixed
** number that the operation which made it says; whatever reads it has as many. Weights and tables are f32 and borrowed. ---- */

/* The image input, u8 RGB [height][width][3], to rows of f32 [3]: (u8 / 255 - mean) / std. */
int ps__plan_pixels(ps__plan *plan, const char *name, int width, int height, const float *mean, const float *std);
/* What lies under the window, as rows f32 [kernel_height * kernel_width * channels] in the order ky, kx, channel: a convolution is this
** and a linear layer. */
int ps__plan_patches(ps__plan *plan, const char *name, int in, const ps__window *window);
/* A depthwise convolution in float32. weight: [kernel_height][kernel_width][channels * multiplier]; bias: [channels * multiplier]. Rows
** of text count as a picture one line high and max_rows wide, whose end is 0 where a run has fewer: so texts are padded by their caller
** where the model pads them. */
int ps__plan_depthwise_float(ps__plan *plan, const char *name, int in, const ps__window *window, const float *weight,
                             const float *bias);
int ps__plan_activate(ps__plan *plan, const char *name, int in, int kind /* PS__GELU... */, int features); /* in place: returns in */
/* layer_norm(in) in a buffer of its own. */
int ps__plan_norm_of(ps__plan *plan, const char *name, int in, const float *weight, const float *bias, float eps, int features);
/* In place: in += scale * other; scale f32 [features]. */
int ps__plan_add_scaled(ps__plan *plan, const char *name, int in, int other, const float *scale, int features);
/* In place: each row of in times the one row `gate`. */
int ps__plan_gate(ps__plan *plan, const char *name, int in, int gate, int features);
/* In place: in += table, f32 [rows][features]; [max_rows][features] where there are as many rows as tokens. */
int ps__plan_add_table(ps__plan *plan, const char *name, int in, const float *table, int features);
/* Row f32 [features] before all rows of in (fixed in number), in a new buffer. */
int ps__plan_prepend(ps__plan *plan, const char *name, int in, const float *row, int features);
/* One row of them: PS__FIRST_ROW..., or a token's id where there are as many rows as tokens. */
int ps__plan_select(ps__plan *plan, const char *name, int in, int row, int features);
int ps__plan_mean(ps__plan *plan, const char *name, int in, int features); /* mean over the rows: one row */
int ps__plan_normalize(ps__plan *plan, const char *name, int in,
                       int features); /* one row over its L2 norm, in place; returns in */

/* Lays the buffers out; out is the buffer that ps__plan_run copies to its caller. After it nothing may be added. name is the package's,
** for messages. PS__NOMEM; PS__MODEL when an operation reads what no operation wrote or of another size than was written, when a window does not fit
** the rows under it, or when a run would need more than 256 MiB. */
int ps__plan_finish(ps__plan *plan, int out, int out_features, const char *name, ps__error *err);

/* Bytes of buffers a run needs. */
size_t ps__plan_workspace_bytes(const ps__plan *plan);

/* Buffers for one run at a time. Free with ps__workspace_free. */
int ps__workspace_new(ps__workspace **out, const ps__plan *plan, ps__error *err);
void ps__workspace_free(ps__workspace *workspace);

/* Called after each operation with what it wrote: u8 [rows][features] with its quantisation, or f32 when u8 is NULL. */
typedef void ps__tap_fn(const char *name, const uint8_t *u8, float scale, int zero, const float *f32, size_t rows,
                        size_t features, void *payload);

/* input: u8 [height][width][3], or int32 [rows]. out: f32 [out_features]. tap may be NULL. */
void ps__plan_run(float *out, const ps__plan *plan, ps__workspace *workspace, const void *input, int rows, ps__tap_fn *tap,
                  void *payload);

#endif
