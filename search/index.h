/*
** The vector index of one library and space: segments (from the cache beside the library, or built) and the tail of newer
** vectors, kept in step with the store by its change log. It is only a way to find candidates quickly: every answer is scored by
** the vectors in the store, in the same view of it, so photos that are gone cannot be found and a wrong cache can cost recall
** but not truth.
**
** Threads: any number may search one ps__index at once, each with its own ps__store. One of them brings the index up to date;
** the others meanwhile search what is there. Only the first load is waited for.
**
** Processes: whoever has the cache's lock at the moment writes the files; others keep what they built to themselves.
*/
#ifndef PS_SEARCH_INDEX_H
#define PS_SEARCH_INDEX_H

#include "base/log.h"
#include "search/segment.h"
#include "store/store.h"

typedef struct ps__index ps__index;

/* For the library that `store` is open on; `space` is the space's number there. Nothing is read yet. log may be NULL; it is
** copied. Free with ps__index_free (NULL is fine). */
int ps__index_new(ps__index **out, ps__store *store, const char *space_name, int space, int dim, const ps__log *log,
                  ps__error *err);
void ps__index_free(ps__index *index);

/* The `want` photos whose vectors are nearest to query (float [dim], of length 1) with their exact cosines, best first: *count
** of them. out has room for `want`. Brings the index up to date first. The store must have no ps__store_begin open. */
int ps__index_search(ps__candidate *out, size_t *count, ps__index *index, ps__store *store, const float *query, size_t want,
                     ps__error *err);

/* For whoever just indexed: brings the index up to date and writes the cache, so that other processes start quickly. A cache that
** cannot be written is a warning in the log, not a failure. */
int ps__index_flush(ps__index *index, ps__store *store, ps__error *err);

enum {
    PS__INDEX_MISSING = 0,
    PS__INDEX_STALE = 1 /* so old that the next search will rebuild some of it */,
    PS__INDEX_READY = 2
};

/* *state of the cache beside the library: PS__INDEX_*. Its segments are not read. */
int ps__index_state(int *state, ps__store *store, const char *space_name, int dim, ps__error *err);

#endif
