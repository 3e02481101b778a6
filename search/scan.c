/*
** The whole library in blocks: each becomes a tail, whose best are kept; see scan.h.
*/
#include "search/scan.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/half.h"
#include "search/rank.h"
#include "search/tail.h"

#define BLOCK ((size_t)1024) /* vectors */

typedef struct scan {
    const float *query; /* [dim] */
    size_t dim, k;
    int64_t *photos;     /* [BLOCK] owned */
    float *vectors;      /* [BLOCK][dim] owned */
    size_t filled;       /* of the block */
    ps__candidate *best; /* [2 k] owned; the first `kept` are the best so far */
    size_t kept;
    ps__error *err;
} scan;

/* The block's best join the best of all. */
static int end_block(scan *s) {
    ps__tail *tail;
    size_t n = 0;
    if (s->filled == 0) return PS__OK;
    int status = ps__tail_new(&tail, (int)s->dim, s->err);
    if (status != PS__OK) return status;
    status = ps__tail_add(tail, s->photos, s->vectors, s->filled, s->err);
    if (status == PS__OK) status = ps__tail_search(s->best + s->kept, &n, tail, s->query, s->k, s->err);
    ps__tail_free(tail);
    s->kept += n;
    s->filled = 0;
    ps__rank_sort(s->best, s->kept);
    if (s->kept > s->k) s->kept = s->k;
    return status;
}

static int take_vector(int64_t photo, const uint16_t *halves, void *payload) {
    scan *s = payload;
    float *vector = s->vectors + s->filled * s->dim;
    ps__halves_to_floats(vector, halves, s->dim);
    for (size_t i = 0; i < s->dim; i++)
        if (!isfinite(vector[i])) return PS__OK;
    s->photos[s->filled++] = photo;
    return s->filled == BLOCK ? end_block(s) : PS__OK;
}

int ps__scan_store(ps__candidate *out, size_t *count, ps__store *store, int space, int dim, const float *query, size_t k,
             ps__error *err) {
    scan s = {.query = query, .dim = (size_t)dim, .k = k, .err = err};
    s.photos = ps__array(BLOCK, sizeof *s.photos);
    s.vectors = ps__array(BLOCK, s.dim * sizeof *s.vectors);
    s.best = ps__array(k, 2 * sizeof *s.best);
    *count = 0;
    int status = s.photos && s.vectors && s.best ? PS__OK : ps__fail_nomem(err);
    if (status == PS__OK) status = ps__store_each_vector(store, space, 0, take_vector, &s, err);
    if (status == PS__OK) status = end_block(&s);
    if (status == PS__OK) {
        memcpy(out, s.best, s.kept * sizeof *out);
        *count = s.kept;
    }
    ps__free(s.photos);
    ps__free(s.vectors);
    ps__free(s.best);
    return status;
}
