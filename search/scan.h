/*
** Searching without an index: every vector of the library, read from the store and compared. For the time in which the index is
** still being built: slower (some 2 ms for 1,000 photos), but complete, and nobody has to wait for the building.
*/
#ifndef PS_SEARCH_SCAN_H
#define PS_SEARCH_SCAN_H

#include "search/segment.h"
#include "store/store.h"

/* The k photos nearest to query [dim] in the store's present view, in no order; out has room for k, *count <= k. Memory does not
** depend on the size of the library. */
int ps__scan_store(ps__candidate *out, size_t *count, ps__store *store, int space, int dim, const float *query, size_t k,
             ps__error *err);

#endif
