/*
** The true best photos, by the vectors in the store: from upper bounds of the scores, from a list of photos, or from every vector
** there is. What is asked for are probes (codes.h); a score is a sum of exact cosines, and equal scores are ordered by photo id.
*/
#ifndef PS_SEARCH_EXACT_H
#define PS_SEARCH_EXACT_H

#include "search/segment.h"
#include "store/store.h"

typedef struct ps__asked {
    const ps__probe *probes; /* [count >= 1] */
    size_t count;
    size_t want; /* best photos */
    int space, dim;
} ps__asked;

/* Each with *count results in out, which has room for asked->want; ps__candidate.cosine is the score. */

/* Every photo that counts has at least one bound that holds for its vector in the store's present view. The list is used up. */
int ps__exact_from_bounds(ps__candidate *out, size_t *count, const ps__asked *asked, ps__store *store, ps__bounds *bounds,
                          ps__error *err);
/* 2 ms for 1,000 photos. */
int ps__exact_from_photos(ps__candidate *out, size_t *count, const ps__asked *asked, ps__store *store, const int64_t *photos, size_t n,
                          ps__error *err);
/* Of all vectors of the space; as slow. */
int ps__exact_from_store(ps__candidate *out, size_t *count, const ps__asked *asked, ps__store *store, ps__error *err);

#endif
