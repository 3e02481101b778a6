/*
** Importing a published model: what its files say is turned into a draft of our package. One file a naming scheme: each *mapping* looks
** at the names of the tensors, and if it knows them, declares the tensors of one of our families and writes its configuration. The image
** and the text tower are mapped independently of each other.
**
** Nothing is guessed: what the files do not say is refused with a sentence that names the file and the field. One thread.
*/
#ifndef PS_IMPORT_H
#define PS_IMPORT_H

#include <jansson.h>

#include "base/status.h"
#include "encoder/import/checkpoint.h"
#include "encoder/import/draft.h"

typedef struct ps__source {                             /* what the user named; all belongs to the source */
    char *path;                                         /* the folder or file */
    char *folder;                                       /* where files beside it are looked for, without a slash at its end */
    ps__checkpoint *checkpoint;                         /* its weights */
    json_t *hf;                                         /* config.json of transformers, or NULL */
    json_t *open_clip;                                  /* open_clip_config.json, or NULL */
    json_t *preprocessor;                               /* preprocessor_config.json, or NULL */
    int is_named;                                       /* 1: that file was named, and goes before what lies beside the weights */
    char *hf_path, *open_clip_path, *preprocessor_path; /* for messages; NULL where the above are */
    char *tokenizer_path; /* file that was named for the tokenizer; NULL: looked for in the folder */
} ps__source;

typedef struct ps__import { /* one import */
    const ps__source *source;
    ps__draft *draft;
    json_t *image_config; /* becomes image.config; preprocessing is already in it */
    json_t *text_config;  /* becomes text.config */
    int dim;              /* set by the image mapping; the text mapping must agree */
} ps__import;

typedef struct ps__mapping {
    const char *name; /* of the naming scheme, for messages and `model info`: "open_clip ViT" */
    int is_text;
    int (*knows)(const ps__source *source); /* 1 if its tensors are there; cheap */
    /* Declares the tensors, sets image.family or text.family and the fields of image_config or text_config. */
    int (*map)(ps__import *import, ps__error *err);
} ps__mapping;

/* The list of all, in mappings.c. */
extern const ps__mapping *const ps__mappings[];

/* "PATH: reason" as PS__MODEL. */
int ps__import_refuse(const ps__import *import, ps__error *err, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The tensor of that name with this shape (a dimension of -1 takes any). PS__MODEL with a sentence that names it. */
int ps__import_need(const ps__weight **out, const ps__import *import, int rank, const int64_t *shape, ps__error *err,
                    const char *name_format, ...) __attribute__((format(printf, 6, 7)));

/* Declares `to` as rows [first, first + shape[0]) of the tensor `from`, whose entries after the first dimension are taken in their order
** (so [out][in][1][1] may become [out][in]). */
int ps__import_copy(ps__import *import, const char *to, int store, int rank, const int64_t *shape, const ps__weight *from,
                    int64_t first, ps__error *err);
/* Declares `to` [columns][rows] as the transpose of `from` [rows][columns]. */
int ps__import_transposed(ps__import *import, const char *to, int store, const ps__weight *from, ps__error *err);
/* Convolution weights [out][in][ky][kx] as [out][ky][kx][in], rows of patches. */
int ps__import_patches(ps__import *import, const char *to, int store, const ps__weight *from, ps__error *err);
/* `count` zeros: a bias that the checkpoint does not have. */
int ps__import_zeros(ps__import *import, const char *to, int64_t count, ps__error *err);
/* NAME.weight (PS__STORE_LAYER) [out][in] and NAME.bias from two tensors of those shapes; bias NULL: zeros. */
int ps__import_layer(ps__import *import, const char *to, const ps__weight *weight, const ps__weight *bias, ps__error *err);

/* The tokenizer of the source: finds and reads its files, adds its tensors, and sets "tokenizer", "lowercase", "pad"... in text_config. vocab:
** rows of the word table; every id is below it. tokens/import (tokenizer_import.c). */
int ps__import_tokenizer(ps__import *import, int64_t vocab, ps__error *err);

#endif
