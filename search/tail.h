/*
** The tail of the vector index: vectors that are newer than the segments, in memory, scanned exactly. Bounded to a few thousand
** by the index, which has a long tail turned into a segment. Reading from several threads is fine; a change needs the index's write
** lock.
*/
#ifndef PS_SEARCH_TAIL_H
#define PS_SEARCH_TAIL_H

#include "search/segment.h"

typedef struct ps__tail ps__tail;

/* Free with ps__tail_free (NULL is fine). */
int ps__tail_new(ps__tail **out, int dim, ps__error *err);
void ps__tail_free(ps__tail *tail);

/* Adds vectors [n][dim], all finite. A photo may be added again; its older vectors then stay, and are for ranking to drop. */
int ps__tail_add(ps__tail *tail, const int64_t *photos, const float *vectors, size_t n, ps__error *err);

/* How many there are, and of which photos [count]; belongs to the tail. */
size_t ps__tail_count(const ps__tail *tail);
const int64_t *ps__tail_photos(const ps__tail *tail);

/* Adds what `from` holds from position `first` on. */
int ps__tail_add_rest(ps__tail *tail, const ps__tail *from, size_t first, ps__error *err);

/* As ps__segment_bounds; the query is one for this dim. */
int ps__tail_bounds(ps__bounds *bounds, const ps__tail *tail, const ps__code_query *query, const int64_t *photos, size_t count,
                    ps__error *err);

/* As ps__segment_search, exact. */
int ps__tail_search(ps__candidate *out, size_t *count, const ps__tail *tail, const float *query, size_t k, ps__error *err);

#endif
