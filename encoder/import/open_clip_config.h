/*
** open_clip's configuration of a model (model_cfg), as far as towers share it, and what OpenAI's own checkpoints stand for
** without one.
*/
#ifndef PS_IMPORT_OPEN_CLIP_CONFIG_H
#define PS_IMPORT_OPEN_CLIP_CONFIG_H

#include "encoder/import/mapper.h"

typedef struct ps__open_clip {
    int is_bare;    /* 1: OpenAI's checkpoint, or one of Chinese-CLIP's authors, which have no configuration: their code tells */
    int is_chinese; /* the latter */
    ps__fields model, vision, text; /* empty when bare */
    int quick_gelu;
} ps__open_clip;

/* PS__MODEL where there is neither a configuration nor a checkpoint of OpenAI's, or where it has fields that are not known. */
int ps__open_clip_read(ps__open_clip *out, const ps__import *import, ps__error *err);

/* The activation of a tower ("gelu"...) from quick_gelu and its act_kwargs, and the eps of its norms. */
int ps__open_clip_numerics(const char **activation, double *eps, const ps__open_clip *c, const ps__fields *tower);

/* Width, layers and the ratio of the perceptrons must be what the tensors say; nothing may be set that changes what a block
** computes. */
int ps__open_clip_blocks(const ps__open_clip *c, const ps__fields *tower, const ps__block_sizes *sizes, int64_t usual_width);

extern const ps__block_names ps__open_clip_block_names;

#endif
