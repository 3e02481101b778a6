/*
** Leaving out near-duplicates of photos that come earlier in an answer: the same picture in another size or quality, or the next
** one of a series that shows the same.
*/
#ifndef PS_SEARCH_UNIQUE_H
#define PS_SEARCH_UNIQUE_H

#include "search/selection.h"
#include "search/segment.h"

#define PS__SAME_LOOK 6         /* bits in which the perceptual hashes of two copies differ at most */
#define PS__SAME_COSINE 0.985f /* of their vectors at least */

/* Keeps, in their order, the first `want` candidates that are like none of those kept before: by look or by vector. *count of
** them. The table (NULL: looks are not known) and the vectors are of the store's present view; photos without either are kept.
** The work is that of comparing each candidate with every one kept: 0.1 microseconds each. */
int ps__unique(ps__candidate *candidates, size_t *count, size_t want, const ps__table *table, ps__store *store, int space, int dim,
               ps__error *err);

#endif
