/*
** A package that is being made: strings of the metadata, and tensors with a function each that makes their values when the file is written.
** So a checkpoint flows through in pieces: what is held is one piece of one tensor, and the tensors that were declared.
**
** One thread at a time.
*/
#ifndef PS_IMPORT_DRAFT_H
#define PS_IMPORT_DRAFT_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct ps__draft ps__draft;

enum {
    PS__STORE_FLOAT, /* F32 as it is, in every package: norms, biases, tables, depthwise filters */
    PS__STORE_LAYER /* NAME.weight [out][in]: I8 with one scale a row in NAME.scale (F32 [out]); F32 without a scale in a float package, and
                     ** where the draft says that the layer keeps its floats */
};

/* Makes rows [first, first + count) of the outermost dimension. ctx is the draft's copy of what was declared. Pieces are asked for in
** order, from row 0, and may be asked for again from row 0. A tensor of at most PS__DRAFT_PIECE entries comes in one piece. */
typedef int ps__fill_fn(float *out, int64_t first, int64_t count, void *ctx, ps__error *err);
#define PS__DRAFT_PIECE ((int64_t)4 << 20)

/* NULL when memory is gone. Free with ps__draft_free (NULL is fine). */
ps__draft *ps__draft_new(void);
void ps__draft_free(ps__draft *draft);

/* Sets a string of `__metadata__`; the last value counts. PS__NOMEM. */
int ps__draft_meta(ps__draft *draft, const char *key, const char *value, ps__error *err);
const char *ps__draft_get(const ps__draft *draft, const char *key); /* NULL: not set */

/* Declares a tensor; rank 1 to 4. name: of the whole tensor ("image.norm.bias"); of a PS__STORE_LAYER it must end in ".weight". ctx_bytes of
** ctx are copied. PS__NOMEM; PS__MODEL for a name that is there already. */
int ps__draft_add(ps__draft *draft, const char *name, int store, int rank, const int64_t *shape, ps__fill_fn *fill,
                  const void *ctx, size_t ctx_bytes, ps__error *err);
/* The same with bytes that are there: type PS__U8, PS__I32 or PS__F32 of package.h, rank 1; copied. */
int ps__draft_add_bytes(ps__draft *draft, const char *name, int type, int64_t count, const void *data, ps__error *err);
/* 1 if a layer of that name (without ".weight") was declared. */
int ps__draft_has_layer(const ps__draft *draft, const char *name);
/* The layer NAME (without ".weight") keeps its floats in an INT8 package too: for layers that INT8 does not suit. */
int ps__draft_keep_float(ps__draft *draft, const char *name, ps__error *err);
/* The layer is quantised in two steps of 8 bits in an INT8 package: NAME.fine I8 [out][in] beside the levels, docs/model-package.md. A layer
** that keeps its floats has none. */
int ps__draft_keep_fine(ps__draft *draft, const char *name, ps__error *err);

/* Each row of the layer is quantised in parts of `width` columns, NAME.scale becomes F32 [out][in / width]: for tables of words. Rows that
** cannot be cut so stay whole. */
int ps__draft_cut_rows(ps__draft *draft, const char *name, int width, ps__error *err);

/* factor f32 [in] (copied): columns of the layer's weights are multiplied by it before they are quantised; what feeds the layer is divided
** by it elsewhere (see smooth.h). */
int ps__draft_scale_columns(ps__draft *draft, const char *name, const float *factor, int64_t in, ps__error *err);
/* Entries of a float tensor are divided by factor f32 [count] (copied), of which there is one for each place of the last dimension. */
int ps__draft_divide(ps__draft *draft, const char *name, const float *factor, int64_t count, ps__error *err);

/* Not 0 ends the writing with PS__CANCELLED. */
typedef int ps__draft_progress_fn(double done /* 0..1 */, void *payload);

/* Writes the package to path: a temporary file beside it, synced, renamed. precision: PS__PRECISION_INT8, or PS__PRECISION_FLOAT for a
** package that only runs in float32. Adds photosearch.format and checksum. The draft may be written again. progress may be NULL. What fills
** return, or what writing gives. */
int ps__draft_write(ps__draft *draft, const char *path, int precision, ps__draft_progress_fn *progress, void *payload,
                    ps__error *err);

#endif
