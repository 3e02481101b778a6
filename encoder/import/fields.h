/*
** Fields of a published model's configuration. A field that is missing or null has the value that its library gives it then,
** which the caller says; where no library defines one, the field must be there. All answers are PS__MODEL with a sentence that
** names file and field.
*/
#ifndef PS_IMPORT_FIELDS_H
#define PS_IMPORT_FIELDS_H

#include <jansson.h>
#include <stdint.h>

#include "base/status.h"

typedef struct ps__fields { /* one object of a configuration */
    const json_t *json;     /* NULL: empty */
    const char *path;       /* of the file */
    const char *name;       /* of the object in it: "vision_cfg"; "": the file's own */
    ps__error *err;
} ps__fields;

#define PS__REQUIRED (-1) /* as `missing`: no library defines a value */

/* The object `name` of the same file; empty where it is missing. */
int ps__fields_inner(ps__fields *out, const ps__fields *f, const char *name);

/* A whole number from 0 to 2^31-1. missing: its value where the field is not there, or PS__REQUIRED. */
int ps__fields_int(int64_t *out, const ps__fields *f, const char *field, int64_t missing);
int ps__fields_real(double *out, const ps__fields *f, const char *field, double missing);
int ps__fields_flag(int *out, const ps__fields *f, const char *field, int missing);
/* Borrowed from the configuration; missing may be NULL, and then the field must be there. */
int ps__fields_string(const char **out, const ps__fields *f, const char *field, const char *missing);

/* The whole number that the field has, or is `missing`, must be what the tensors say. */
int ps__fields_agree(const ps__fields *f, const char *field, int64_t missing, int64_t tensors);
/* The side of a square, 1 to 4096, which may be a number or two equal ones in a list. */
int ps__fields_square(int64_t *out, const ps__fields *f, const char *field, int64_t missing);

/* The object must have no fields but these, as others may change what the model computes. The list ends with NULL. */
int ps__fields_only(const ps__fields *f, const char *const *known);
/* Fields that only count when they are set: each must be missing, null, false, 0 or an empty string. */
int ps__fields_unset(const ps__fields *f, const char *const *names);

/* "PATH: NAME.FIELD reason" as PS__MODEL. */
int ps__fields_refuse(const ps__fields *f, const char *field, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
