/*
** transformers' config.json, as far as mappings of its towers share it.
*/
#ifndef PS_IMPORT_TRANSFORMERS_CONFIG_H
#define PS_IMPORT_TRANSFORMERS_CONFIG_H

#include "encoder/import/mapper.h"

/* What a tower has where its object does not say. Sizes of which transformers has one value are literals in the mappings. */
typedef struct ps__transformers_kind {
    const char *model_type; /* of the whole configuration: "clip" */
    int is_clip;            /* class token and pre-norm, projections beside the towers; else SigLIP's */
    int has_bert;           /* the text tower is BERT's */
    const char *vision_act, *text_act;
    double vision_eps, text_eps;
    int64_t vision_patch;
    int64_t text_width, text_vocab, text_heads, text_ffn, text_positions;
} ps__transformers_kind;

typedef struct ps__transformers {
    const ps__transformers_kind *kind;
    ps__fields top, tower; /* the file's own object, and the tower's */
} ps__transformers;

/* The file and its object for the tower. PS__MODEL where there is no config.json, or one of another kind of model. */
int ps__transformers_read(ps__transformers *out, const ps__import *import, int is_text, ps__error *err);

/* hidden_act as one of our activations; missing: transformers' name of it. */
int ps__transformers_activation(const char **out, const ps__fields *tower, const char *missing);

/* What the tensors say of hidden_size, num_hidden_layers and intermediate_size must be what the object says, or the defaults. */
int ps__transformers_blocks(const ps__fields *tower, const ps__block_sizes *sizes, int64_t usual_width, int64_t usual_ffn);

extern const ps__block_names ps__transformers_block_names; /* of CLIP and SigLIP, both towers */

#endif
