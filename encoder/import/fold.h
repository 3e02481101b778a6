/*
** Folding: networks that are trained with several branches side by side, each a convolution with a batch norm after it (RepVGG, Ding et
** al. 2021; MobileOne, Vasu et al. 2023), compute one convolution. Here the branches of a checkpoint become the weights of that one, in
** float64, while the package is written; what is held is some rows of one branch.
**
**     y = scale * (sum of sign * norm(kernel * x + bias)) + x        norm(v) = (v - mean) * gamma / sqrt(variance + 1e-5) + beta
*/
#ifndef PS_IMPORT_FOLD_H
#define PS_IMPORT_FOLD_H

#include "encoder/import/import.h"

typedef struct ps__fold_branch {
    const ps__weight *kernel;                         /* [out][in][ky][kx] or [out][in]; NULL: the identity */
    const ps__weight *bias;                           /* [out]; NULL: none */
    const ps__weight *gamma, *beta, *mean, *variance; /* of the batch norm after it, [out]; all NULL: there is none */
    double sign;                                      /* 1 or -1 */
} ps__fold_branch;

#define PS__FOLD_BRANCHES 12

typedef struct ps__fold {
    ps__fold_branch branches[PS__FOLD_BRANCHES];
    int count;                        /* of branches, 1 or more */
    const ps__weight *scale;          /* layer scale, `out` entries; NULL: 1 */
    int residual;                     /* the input itself is added */
    int64_t out, in;                  /* channels; `in` of one group: 1 for depthwise filters */
    int64_t height, width;            /* of the whole filter; smaller ones lie in its middle */
    const ps__checkpoint *checkpoint; /* set by the functions below */
} ps__fold;

/* Sets out, in, height and width from the branches' kernels (the largest says the channels), and checks that all fit: PS__MODEL with
** the tensor's name. A fold of the identity alone keeps what is set. */
int ps__fold_measure(ps__fold *fold, const ps__import *import, ps__error *err);

/* Each declares NAME.weight and NAME.bias (F32 [out]) and copies the fold. ps__fold_measure has been called. */

/* A linear layer [out][height * width * in] over patches (ky, kx, channel): PS__STORE_LAYER. */
int ps__fold_layer(ps__import *import, const char *to, const ps__fold *fold, ps__error *err);
/* A depthwise filter, F32 [height][width][out]; in is 1. */
int ps__fold_depthwise(ps__import *import, const char *to, const ps__fold *fold, ps__error *err);
/* A factor a channel, F32 [out]: of filters of one pixel, in 1. */
int ps__fold_factors(ps__import *import, const char *to, const ps__fold *fold, ps__error *err);

#endif
