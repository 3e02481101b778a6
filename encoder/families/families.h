/*
** Model families: tensors and hyper-parameters in, plans out. Nothing else in the program knows a family's name.
*/
#ifndef PS_FAMILIES_H
#define PS_FAMILIES_H

#include "base/status.h"
#include "encoder/package/package.h"
#include "encoder/plan/plan.h"

typedef struct ps__tower_limits { /* what a caller must know of a tower before it is laid out */
    int image_size;               /* image towers: RGB of image_size x image_size */
    int fit, filter, shorter;     /* how a photo becomes that: as in ps__pixels_options */
    int max_tokens;               /* text towers */
    int dim;                      /* of the embedding */
} ps__tower_limits;

typedef struct ps__family {
    const char *name; /* as in image.family or text.family */
    int is_text;
    /* Checks the hyper-parameters and fills *limits; cheap, reads no weights. */
    int (*describe)(ps__tower_limits *limits, const ps__package *package, ps__error *err);
    /* Checks every tensor and lays the tower out. The plan borrows the package. */
    int (*build)(ps__plan **out, const ps__package *package, const ps__kernels *kernels, int precision, ps__error *err);
} ps__family;

extern const ps__family ps__family_efficientnet_lite, ps__family_vit, ps__family_fastvit; /* images */
extern const ps__family ps__family_bert, ps__family_transformer, ps__family_mct;         /* texts */

/* The family of that name, or NULL. */
const ps__family *ps__family_find(const char *name, int is_text);

/* The package's `dim`, 32 to 4096 and a multiple of 32. */
int ps__family_dim(int *dim, const ps__package *package, ps__error *err);

/* How photos are cut and resized, and what is done to their values; fields of image.config that all families of format 2 share. */
typedef struct ps__framing {
    int size;                 /* pixels a side */
    int fit, filter, shorter; /* as in ps__pixels_options */
    float mean[3], std[3];    /* of values 0..1; std > 0 */
} ps__framing;
int ps__family_framing(ps__framing *out, const ps__package *package, const json_t *config, ps__error *err);

/* `prefix`.weight, .scale and .bias of a layer with `rank`-dimensional weights, outputs first (or last for depthwise filters, with
** output_axis rank - 1). Where the weights are F32 there is no .scale, and the layer's floats are set: 2-dimensional weights only. */
int ps__family_layer(ps__layer *layer, const ps__package *package, const char *prefix, int rank, const int64_t *shape,
                     int output_axis, ps__error *err);

/* PREFIX.fine, I8 of that shape [2], which INT8 weights may have beside them; *fine is NULL where they have not. */
int ps__family_fine(const int8_t **fine, const ps__package *package, const char *prefix, const int64_t *shape, ps__error *err);

/* The table text.embed.word, whose rows have `width` entries, and its number of rows. */
int ps__family_words(ps__word_table *out, int64_t *vocab, const ps__package *package, int width, ps__error *err);

#endif
