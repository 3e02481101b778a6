/*
** What goes through a model: the greatest magnitudes of what its norms give, channel by channel, on pictures and sentences. Trained
** transformers have a few channels that are tens of times the others' size, in some rows only, and no weight tells which.
**
** Pictures are photos where some are given, and always a few drawn ones: the channels that matter are large whatever the picture.
*/
#ifndef PS_IMPORT_CALIBRATE_H
#define PS_IMPORT_CALIBRATE_H

#include <stddef.h>

#include "base/status.h"

typedef struct ps__sizes ps__sizes;

/* package: path of one that was written. photos: paths of image files; those that cannot be read are left out. Free with ps__sizes_free. */
int ps__sizes_measure(ps__sizes **out, const char *package, const char *const *photos, size_t photo_count, ps__error *err);
void ps__sizes_free(ps__sizes *sizes); /* NULL is fine */

/* Photos that were left out. */
int ps__sizes_unreadable(const ps__sizes *sizes);

/* The sizes of what the operation of that name gives, float [*count]; NULL: it is none that was measured. */
const float *ps__sizes_find(size_t *count, const ps__sizes *sizes, const char *name);

/* Sentences that models are measured on; NULL at the end. */
extern const char *const ps__import_sentences[];

#endif
