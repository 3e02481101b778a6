/*
** The files of a published model: which of them hold the weights and the configurations, and what they say of preprocessing.
*/
#ifndef PS_IMPORT_SOURCE_H
#define PS_IMPORT_SOURCE_H

#include "encoder/import/import.h"

typedef struct ps__source_files { /* what the user named; NULL: looked for */
    const char *path;             /* a folder, or the file with the weights */
    const char *config;           /* config.json, open_clip_config.json, or one of open_clip's model_configs */
    const char *preprocess;       /* preprocessor_config.json, or open_clip's preprocess_cfg */
    const char *tokenizer;
} ps__source_files;

/* Finds and opens them. PS__NOTFOUND, PS__MODEL with a sentence. Clear with ps__source_clear, also after a failure. */
int ps__source_open(ps__source *out, const ps__source_files *files, ps__error *err);
void ps__source_clear(ps__source *source);

/* Sets size, fit, shorter, filter, mean and std of image_config from the files; preprocess.c. PS__MODEL that names what is missing or
** not known. */
int ps__source_preprocess(json_t *image_config, const ps__source *source, ps__error *err);

#endif
