/*
** What towers made of transformer blocks share: reading a layer, a norm or a choice of the configuration, and the block itself,
** which normalises before it computes (pre-LayerNorm) and adds what comes out to a stream of rows: Vaswani et al. 2017, with the
** order of Radford et al. 2019; CLIP's and SigLIP's both towers are stacks of it.
**
** A stack belongs to one build of one plan.
*/
#ifndef PS_FAMILIES_BLOCKS_H
#define PS_FAMILIES_BLOCKS_H

#include "encoder/families/families.h"

typedef struct ps__stack {
    const ps__package *package;
    ps__plan *plan;
    ps__error *err;
    const char *side; /* "image" or "text": what the names of tensors begin with */
    int layers, width, heads, ffn;
    int activation; /* PS__GELU... of plan.h */
    int causal;     /* a row sees itself and those before it */
    float eps;      /* of every LayerNorm */
} ps__stack;

/* Which of `count` names the string `field` of config is. PS__MODEL where it is none; key names the object in messages. */
int ps__config_choice(int *out, const ps__package *package, const json_t *config, const char *key, const char *field,
                      const char *const *names, int count, ps__error *err);
/* The boolean `field` of config, which must be there. */
int ps__config_flag(int *out, const ps__package *package, const json_t *config, const char *key, const char *field,
                    ps__error *err);

/* layers, width, heads, ffn, activation and eps from config, with their limits; width is a multiple of 16 and of heads. package,
** side and err are set before. */
int ps__stack_read(ps__stack *stack, const json_t *config, const char *key);

/* The layer `name` over rows of in. */
int ps__stack_linear(int *out, const ps__stack *stack, const char *name, int in, int in_features, int out_features);
/* Two or three layers prefix + names[p], each [out_features][in_features], side by side; out_features is a multiple of 16. */
int ps__stack_parts(int *out, const ps__stack *stack, const char *prefix, const char *const *names, int parts, int in,
                    int in_features, int out_features);
/* The norm `name` over rows of stack->width, in place; or, where out is not NULL, in a buffer of its own. */
int ps__stack_norm(int *out, const ps__stack *stack, const char *name, int in);
/* fc2(activation(fc1(in))) with layers prefix + "fc1" and "fc2"; prefix as in "image.0.". */
int ps__stack_perceptron(int *out, const ps__stack *stack, const char *prefix, int in);

/* Block number index, over the rows x, in place. Gives the memory of its weights back. */
int ps__stack_block(const ps__stack *stack, int x, int index);

#endif
