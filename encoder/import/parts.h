/*
** Looking tensors up by their names, keeping account: a mapping that has left a tensor of its tower unread has not understood the model, and
** must refuse it.
*/
#ifndef PS_IMPORT_PARTS_H
#define PS_IMPORT_PARTS_H

#include "encoder/import/import.h"

typedef struct ps__parts { /* one mapping; start it with {.import, .err}, clear it with ps__parts_clear */
    ps__import *import;
    ps__error *err;
    const ps__weight **taken; /* what was found so far */
    size_t count, room;
    int failed; /* PS__NOMEM once memory was gone */
} ps__parts;

void ps__parts_clear(ps__parts *parts);

/* The tensor of that name, which counts as read; NULL: there is none. */
const ps__weight *ps__parts_find(ps__parts *parts, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* PREFIX with one of two endings: the authors' own name or timm's. NULL: neither. */
const ps__weight *ps__parts_either(ps__parts *parts, const char *prefix, const char *one, const char *other);
/* The same where it must be there, with this shape (a dimension of -1 takes any). PS__MODEL. */
int ps__parts_need(const ps__weight **out, ps__parts *parts, int rank, const int64_t *shape, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* 1 if a tensor's name begins so; it does not count as read. */
int ps__parts_has(const ps__parts *parts, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* PS__MODEL that names the first tensor under the prefix which was not read; counters of batch norms are no weights. */
int ps__parts_finish(const ps__parts *parts, const char *prefix);

#endif
