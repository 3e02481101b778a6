/*
** What mappings of transformer towers share: tensors are looked up by their published names, declared under ours, and remembered,
** so that a tensor which nothing used, and which may change what the model computes, is refused by name at the end.
**
** Every function but the last two returns PS__OK, PS__NOMEM, or PS__MODEL with a sentence that names the tensor.
*/
#ifndef PS_IMPORT_MAPPER_H
#define PS_IMPORT_MAPPER_H

#include "encoder/import/fields.h"
#include "encoder/import/import.h"

typedef struct ps__mapper { /* one tower that is being mapped */
    ps__import *import;
    ps__error *err;
    const char *side;        /* "image" or "text": what our names begin with */
    json_t *config;          /* image.config or text.config */
    const ps__weight **used; /* tensors that were found; owned */
    size_t used_count, used_room;
    int no_memory; /* 1: not all of them could be kept */
} ps__mapper;

/* Cannot fail. Free what it holds with ps__mapper_clear. */
void ps__mapper_init(ps__mapper *m, ps__import *import, int is_text, ps__error *err);
void ps__mapper_clear(ps__mapper *m);

/* The tensor of that name; NULL: it is not there. That memory is gone is told by ps__mapper_finish. */
const ps__weight *ps__mapper_find(ps__mapper *m, const char *name_format, ...) __attribute__((format(printf, 2, 3)));
/* 1 if a tensor's name begins so; it does not count as used. */
int ps__mapper_has(const ps__mapper *m, const char *prefix_format, ...) __attribute__((format(printf, 2, 3)));
/* As ps__import_need. */
int ps__mapper_need(const ps__weight **out, ps__mapper *m, int rank, const int64_t *shape, const char *name_format, ...)
    __attribute__((format(printf, 5, 6)));

/* Layer `to` [outputs][inputs] of FROM.weight and FROM.bias. */
int ps__mapper_layer(ps__mapper *m, const char *to, const char *from, int64_t outputs, int64_t inputs);
/* The same where FROM.bias may be missing, as of CLIP's projections: zeros. */
int ps__mapper_projection(ps__mapper *m, const char *to, const char *from, int64_t outputs, int64_t inputs);
/* The same with weights [inputs][outputs] in the tensor `from` itself, and no bias. */
int ps__mapper_transposed(ps__mapper *m, const char *to, const char *from, int64_t outputs, int64_t inputs);
/* to.weight and to.bias [width] of FROM.weight and .bias. */
int ps__mapper_norm(ps__mapper *m, const char *to, const char *from, int64_t width);
/* `to` F32 of this shape: entries of `from` from entry `first` on, in their order whatever its shape; where add is not NULL, each
** row of `width` entries plus the first such row of add. */
int ps__mapper_table(ps__mapper *m, const char *to, int rank, const int64_t *shape, const ps__weight *from, int64_t first,
                     const ps__weight *add);

/* Published names of a transformer block's parts, each after the block's own prefix. */
typedef struct ps__block_names {
    const char *norm1, *query, *key, *value, *output, *norm2, *fc1, *fc2;
    const char *qkv_weight, *qkv_bias; /* query, key and value in one tensor each; NULL: apart */
} ps__block_names;

typedef struct ps__block_sizes { /* what the tensors of blocks say */
    int64_t layers, width, ffn;
} ps__block_sizes;

/* All blocks whose prefixes are prefix + "0.", "1."...: `sizes` gives the width, and gets the number of blocks and of what their
** first perceptron layer puts out, which is one for all. */
int ps__mapper_blocks(ps__block_sizes *sizes, ps__mapper *m, const ps__block_names *names, const char *prefix);
/* Block number index alone, with all of sizes but layers given. */
int ps__mapper_block(ps__mapper *m, const ps__block_names *names, const char *prefix, int64_t index,
                     const ps__block_sizes *sizes);
/* Layer `to` [width][width] of rows [first, first + width) of weight [..][width] and of bias [..] (NULL: zeros). */
int ps__mapper_rows(ps__mapper *m, const char *to, const ps__weight *weight, const ps__weight *bias, int64_t first,
                    int64_t width);
/* `to` F32 [width] = W row + b, where W and b are the first `width` rows of weight [..][width] and of bias [..]. */
int ps__mapper_project_row(ps__mapper *m, const char *to, const ps__weight *row, const ps__weight *weight, const ps__weight *bias,
                           int64_t width);

/* The patches of a vision transformer: layer image.patch of the convolution weight [width][3][patch][patch] (bias NULL: zeros),
** and image.position and, where class is not NULL, image.class, of the position table's entries; then its first row is the class
** token's. Sets "patch". The table must be that of pictures of the size and patches that the configuration has: image_size and
** patch_size of f, which are usual_size and usual_patch where they are missing; PS__REQUIRED for both: only the size that photos
** are resized to is compared. */
int ps__mapper_patches(ps__mapper *m, const ps__weight *conv, const ps__weight *bias, const ps__weight *position,
                       const ps__weight *class, const ps__fields *f, int64_t usual_size, int64_t usual_patch);

/* Fields of the configuration. */
int ps__mapper_set_int(ps__mapper *m, const char *field, int64_t value);
int ps__mapper_set_real(ps__mapper *m, const char *field, double value);
int ps__mapper_set_flag(ps__mapper *m, const char *field, int value);
int ps__mapper_set_string(ps__mapper *m, const char *field, const char *value);
/* layers, width, ffn, heads, activation, eps: those that all stacks have. */
int ps__mapper_set_stack(ps__mapper *m, const ps__block_sizes *sizes, int64_t heads, const char *activation, double eps);

/* SIDE.family, and the temperature and bias of the published model's scores, where it has them, as strings `logit_scale` (e
** raised to the tensor's value, what cosines are multiplied by) and `logit_bias` of the metadata. */
int ps__mapper_set_family(ps__mapper *m, const char *family);

/* The last of a `transformer` text tower: max_tokens is set. Imports the tokenizer and sets causal and pool ("eot", "last" or
** "first"); eot, with the pool of that name, is the id whose row is pooled, which must be the tokenizer's end mark where that is
** known; PS__REQUIRED: the greatest id of a text, which is that mark, or where it is not known the last id of the vocabulary.
** Padding stays in the configuration only where it counts: where rows see what follows them, or the last one is pooled; then the
** tokenizer must have it. */
int ps__mapper_set_text(ps__mapper *m, int64_t vocab, int causal, const char *pool, int64_t eot);

/* Refuses a tensor that begins with one of the prefixes, that nothing used, and whose name does not end in one of the harmless
** ones (both lists end with NULL; harmless may be NULL). */
int ps__mapper_finish(ps__mapper *m, const char *const *prefixes, const char *const *harmless);

/* The embedding's length: sets import->dim, or, where the other tower has set it, compares. */
int ps__mapper_dim(ps__mapper *m, int64_t dim);

#endif
