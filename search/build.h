/*
** Making segments out of vectors in the store.
*/
#ifndef PS_SEARCH_BUILD_H
#define PS_SEARCH_BUILD_H

#include "search/segment.h"
#include "store/store.h"

typedef int ps__build_fn(const int64_t *photos, const float *vectors /* [n][dim] */, size_t n, void *payload, ps__error *err);

/* Reads the vectors of photos [count] in batches and hands them to fn, as floats. Photos without a vector and damaged vectors
** (not finite) are left out. What fn returns other than PS__OK ends it. */
int ps__build_fetch(ps__store *store, int space, int dim, const int64_t *photos, size_t count, ps__build_fn *fn, void *payload,
                    ps__error *err);

/* A segment of photos [count], 1..PS__SEGMENT_MAX. *out is NULL, with PS__OK, when none of them has a vector. */
int ps__build_segment(ps__segment **out, ps__store *store, int space, int dim, const int64_t *photos, size_t count,
                      ps__error *err);

#endif
