/*
** The vector index of one library and space: segments (from the cache beside the library, or built) and the tail of newer
** vectors, kept in step with the store by its change log. It is only a way to find candidates quickly: every answer is scored by
** the vectors in the store, in the same view of it, so photos that are gone cannot be found and a wrong cache can cost recall
** but not truth.
**
** Threads: any number may search one ps__index at once, each with its own ps__store. What is new since the last search is read by
** one of them for all; others that come meanwhile read a little for themselves, and wait only for much. Nobody waits for the
** building of segments: that is done by who calls ps__index_flush or by a thread of the index, and until it is done searches
** compare what has no segment yet one by one. Every search knows every photo that was committed before it began.
**
** Processes: whoever has the cache's lock at the moment builds and writes the files; others take these when they are there.
*/
#ifndef PS_SEARCH_INDEX_H
#define PS_SEARCH_INDEX_H

#include "base/log.h"
#include "search/segment.h"
#include "search/selection.h"
#include "store/store.h"

typedef struct ps__index ps__index;

/* For the library that `store` is open on; `space` is the space's number there. Nothing is read yet. log may be NULL; it is
** copied. Free with ps__index_free (NULL is fine), which waits for a building that a search began. */
int ps__index_new(ps__index **out, ps__store *store, const char *space_name, int space, int dim, const ps__log *log,
                  ps__error *err);
void ps__index_free(ps__index *index);

/* The `want` photos whose vectors are nearest to query (float [dim], of length 1) with their exact cosines, best first: *count
** of them. out has room for `want`. Knows what is in the store now. The store must have no ps__store_begin open. */
int ps__index_search(ps__candidate *out, size_t *count, ps__index *index, ps__store *store, const float *query, size_t want,
                     ps__error *err);

/*
** Exact search among some of the photos: the `want` best of the selection, which are the true best by the vectors in the store,
** at any size of the selection. NULL selects every photo. The store's view must be open (ps__store_begin) in which the selection
** was made.
**
** Codes of 8 bits a number (codes.h) give every selected photo an upper bound, 3 ms for 100,000 photos and probe; those that
** could be among the best are scored by the store's vectors. While the index is behind, the store is read instead (250 ms for
** 100,000).
*/
int ps__index_search_in(ps__candidate *out, size_t *count, ps__index *index, ps__store *store, const ps__selection *selection,
                        const float *query, size_t want, ps__error *err);

/* The same for several things at once: ps__candidate.cosine is ps__probes_score of the exact cosines, which may lie outside
** -1..1. PS__INVALID: no probes. One probe of weight 1 without a selection is searched as by ps__index_search, quickly, and with
** a recall of nearly 1; everything else is exact. */
int ps__index_search_many(ps__candidate *out, size_t *count, ps__index *index, ps__store *store, const ps__selection *selection,
                          const ps__probe *probes, size_t probe_count, size_t want, ps__error *err);

/* For whoever indexes, every few seconds meanwhile, on a thread that may take its time: builds what has become worth it and
** writes the cache, so that searches need not. Mostly there is nothing to do, which takes a millisecond; else up to two seconds
** for each segment, and one that is being built is waited for. Searches go on, with the same ps__index or others. The store must
** have no ps__store_begin open. A cache that cannot be written is a warning in the log, not a failure. */
int ps__index_tend(ps__index *index, ps__store *store, ps__error *err);
/* The same at the end, when nothing more is to come for a while: also little things are built, so that other processes start
** quickly. */
int ps__index_flush(ps__index *index, ps__store *store, ps__error *err);

/* Waits until nothing is being built for searches. */
void ps__index_settle(ps__index *index);

/* Deletes the cache of a space that answers no more, unless somebody writes it at the moment. Errors are of no consequence. */
void ps__index_drop_cache(const ps__store *store, const char *space_name, int dim);

enum {
    PS__INDEX_MISSING = 0,
    PS__INDEX_STALE = 1 /* so old that some of it will be built anew */,
    PS__INDEX_READY = 2
};

/* *state of the cache beside the library: PS__INDEX_*. Its segments are not read. */
int ps__index_state(int *state, ps__store *store, const char *space_name, int dim, ps__error *err);

#endif
