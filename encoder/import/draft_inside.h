/*
** What declaring a draft and writing it share; nobody else includes it.
*/
#ifndef PS_IMPORT_DRAFT_INSIDE_H
#define PS_IMPORT_DRAFT_INSIDE_H

#include <jansson.h>

#include "encoder/import/draft.h"

typedef struct ps__item { /* one tensor that was declared */
    char *name;           /* owned; whole */
    int type;             /* PS__F32, or with bytes also PS__U8, PS__I32 */
    int is_layer;         /* PS__STORE_LAYER */
    int keeps_float;      /* a layer that is not quantised */
    int keeps_fine;       /* one that is quantised in two steps */
    int groups;           /* equal parts of a row, each with a scale of its own */
    int rank;
    int64_t shape[4];
    int64_t count;     /* entries */
    ps__fill_fn *fill; /* NULL: bytes */
    void *ctx;         /* owned: the copy of what was declared, or the bytes */
    float *columns;    /* owned; [count / shape[0]] factors of the columns, or NULL */
    float *divisor;    /* owned; [last dimension] of a float tensor, or NULL */
    int64_t place, scale_place,
        fine_place; /* while writing: offsets of the data, and of an INT8 layer's scales and fine, in the data section */
} ps__item;

struct ps__draft {
    json_t *meta;       /* strings */
    ps__item *items;    /* owned */
    size_t count, room; /* of them */
};

#endif
