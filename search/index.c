/*
** Searching the index; see index.h. How it is kept up to date is in update.c and maintain.c; all three share inside.h.
*/
#include "search/index.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "search/exact.h"
#include "search/inside.h"
#include "search/rank.h"
#include "search/scan.h"

int ps__index_new(ps__index **out, ps__store *store, const char *space_name, int space, int dim, const ps__log *log,
                  ps__error *err) {
    *out = NULL;
    ps__index *index = ps__calloc(1, sizeof *index);
    if (!index) return ps__fail_nomem(err);
    pthread_rwlockattr_t attributes;
    pthread_mutex_init(&index->update, NULL);
    pthread_cond_init(&index->settled, NULL);
    /* Searches that keep coming must not keep an update out, which other searches wait for. */
    pthread_rwlockattr_init(&attributes);
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&index->lock, &attributes);
    pthread_rwlockattr_destroy(&attributes);
    index->folder = ps__strdup(ps__store_folder(store));
    index->identity = ps__strdup(ps__store_identity(store));
    index->space_name = ps__strdup(space_name);
    index->key = (ps__cache_key){index->folder, index->identity, index->space_name, dim};
    index->space = space;
    index->dim = dim;
    if (log) index->log = *log;
    int status =
        index->folder && index->identity && index->space_name ? ps__tail_new(&index->tail, dim, err) : ps__fail_nomem(err);
    if (status != PS__OK) {
        ps__index_free(index);
        return status;
    }
    *out = index;
    return PS__OK;
}

void ps__index_free(ps__index *index) {
    if (!index) return;
    if (index->has_builder) pthread_join(index->builder, NULL);
    ps__parts_clear(&index->parts, NULL);
    ps__tail_free(index->tail);
    ps__free(index->marks);
    pthread_mutex_destroy(&index->update);
    pthread_cond_destroy(&index->settled);
    pthread_rwlock_destroy(&index->lock);
    ps__free(index->folder);
    ps__free(index->identity);
    ps__free(index->space_name);
    ps__free(index);
}

/* The k best of each segment, of the tail and of `newer` (may be NULL), together, unsorted. *total is how many vectors there are
** at all. */
static int gather(ps__candidate **out, size_t *count, size_t *total, ps__index *index, const ps__tail *newer, const float *query,
                  size_t k, ps__error *err) {
    int status = PS__OK;
    size_t n = 0, got;
    pthread_rwlock_rdlock(&index->lock);
    *total = ps__parts_total(&index->parts) + ps__tail_count(index->tail) + (newer ? ps__tail_count(newer) : 0);
    *out = ps__array((index->parts.count + 2) * k, sizeof **out);
    if (!*out) status = ps__fail_nomem(err);
    for (size_t i = 0; status == PS__OK && i < index->parts.count; i++, n += got)
        status = ps__segment_search(*out + n, &got, index->parts.list[i].segment, query, k, err);
    if (status == PS__OK) {
        status = ps__tail_search(*out + n, &got, index->tail, query, k, err);
        n += got;
    }
    pthread_rwlock_unlock(&index->lock);
    if (status == PS__OK && newer) {
        status = ps__tail_search(*out + n, &got, newer, query, k, err);
        n += got;
    }
    *count = n;
    return status;
}

/* One attempt with k candidates. *enough is 0 when more candidates could bring more photos. */
static int search_once(ps__candidate *out, size_t *count, int *enough, ps__index *index, const ps__tail *newer, ps__store *store,
                       const float *query, size_t want, size_t k, ps__error *err) {
    ps__candidate *candidates = NULL;
    size_t n, total;
    int status = gather(&candidates, &n, &total, index, newer, query, k, err);
    if (status == PS__OK) {
        ps__rank_unique(candidates, &n);
        if (n > k) n = k;
        status = ps__rank_exact(candidates, &n, store, index->space, query, index->dim, err);
    }
    if (status == PS__OK) {
        *enough = n >= want || k >= total;
        *count = n < want ? n : want;
        memcpy(out, candidates, *count * sizeof *out);
    }
    ps__free(candidates);
    return status;
}

/* Without the index, which does not hold everything yet. */
static int search_store(ps__candidate *out, size_t *count, const ps__index *index, ps__store *store, const float *query, size_t want,
                        ps__error *err) {
    size_t n, k = want + 32; /* float32 sums are off by a millionth */
    ps__candidate *candidates = ps__array(k, sizeof *candidates);
    if (!candidates) return ps__fail_nomem(err);
    int status = ps__scan_store(candidates, &n, store, index->space, index->dim, query, k, err);
    if (status == PS__OK) status = ps__rank_exact(candidates, &n, store, index->space, query, index->dim, err);
    if (status == PS__OK) {
        *count = n < want ? n : want;
        memcpy(out, candidates, *count * sizeof *out);
    }
    ps__free(candidates);
    return status;
}

static int search_in_view(ps__candidate *out, size_t *count, ps__index *index, ps__store *store, const float *query, size_t want,
                          ps__error *err) {
    ps__tail *newer = NULL;
    int enough = 0, scan = 0;
    *count = 0;
    int status = ps__index_refresh(&scan, &newer, index, store, err);
    if (status == PS__OK && scan) {
        status = search_store(out, count, index, store, query, want, err);
        enough = 1;
    }
    /* 8-bit cosines are off by a few thousandths: twice as many candidates as wanted hold the true best. More only where many
    ** candidates turn out to be gone. */
    for (size_t k = 2 * want + 32; status == PS__OK && !enough; k *= 4)
        status = search_once(out, count, &enough, index, newer, store, query, want, k, err);
    ps__tail_free(newer);
    return status;
}

int ps__index_search(ps__candidate *out, size_t *count, ps__index *index, ps__store *store, const float *query, size_t want,
                     ps__error *err) {
    *count = 0;
    int status = ps__store_begin(store, err);
    if (status != PS__OK) return status;
    status = search_in_view(out, count, index, store, query, want, err);
    ps__store_end(store);
    return status;
}

/* ---- Exact search ---- */

#define FEW ((size_t)512) /* selected photos: their vectors are read from the store sooner than codes are looked up */

/* Bounds of all photos asked for. *behind is 1 when the segments hold vectors that are newer than the store's view, whose bounds
** say nothing about those in it: a building has ended since the search began. */
static int gather_bounds(ps__bounds *bounds, int *behind, ps__index *index, const ps__tail *newer, ps__store *store,
                         const ps__code_query *query, const int64_t *photos, size_t count, ps__error *err) {
    int64_t now;
    int status = ps__store_last_change(&now, store, err);
    if (status != PS__OK) return status;
    pthread_rwlock_rdlock(&index->lock);
    *behind = index->touched > now;
    for (size_t i = 0; !*behind && status == PS__OK && i < index->parts.count; i++)
        status = ps__segment_bounds(bounds, index->parts.list[i].segment, query, photos, count, err);
    if (!*behind && status == PS__OK) status = ps__tail_bounds(bounds, index->tail, query, photos, count, err);
    pthread_rwlock_unlock(&index->lock);
    if (!*behind && status == PS__OK && newer) status = ps__tail_bounds(bounds, newer, query, photos, count, err);
    return status;
}

/* photos [n], ascending; NULL: every photo. */
static int search_exactly(ps__candidate *out, size_t *count, ps__index *index, ps__store *store, const int64_t *photos, size_t n,
                          const ps__asked *asked, ps__error *err) {
    ps__code_query *query = NULL;
    ps__tail *newer = NULL;
    ps__bounds bounds = {0};
    int behind = 0;
    int status = ps__index_refresh(&behind, &newer, index, store, err);
    if (status == PS__OK && !behind) status = ps__code_query_new(&query, asked->probes, asked->count, asked->dim, err);
    if (status == PS__OK && !behind) status = gather_bounds(&bounds, &behind, index, newer, store, query, photos, n, err);
    if (status == PS__OK)
        status = !behind  ? ps__exact_from_bounds(out, count, asked, store, &bounds, err)
                 : photos ? ps__exact_from_photos(out, count, asked, store, photos, n, err)
                          : ps__exact_from_store(out, count, asked, store, err);
    ps__tail_free(newer);
    ps__code_query_free(query);
    ps__free(bounds.list);
    return status;
}

int ps__index_search_many(ps__candidate *out, size_t *count, ps__index *index, ps__store *store, const ps__selection *selection,
                          const ps__probe *probes, size_t probe_count, size_t want, ps__error *err) {
    int64_t *photos = NULL;
    const ps__asked asked = {probes, probe_count, want, index->space, index->dim};
    *count = 0;
    if (probe_count == 0) return ps__fail(err, PS__INVALID, "nothing was asked for");
    if (want == 0 || (selection && selection->count == 0)) return PS__OK;
    if (!selection && probe_count == 1 && probes->weight == 1.0)
        return search_in_view(out, count, index, store, probes->vector, want, err);
    if (!selection) return search_exactly(out, count, index, store, NULL, 0, &asked, err);
    int status = ps__selection_photos(&photos, selection, err);
    if (status == PS__OK)
        status = selection->count <= FEW ? ps__exact_from_photos(out, count, &asked, store, photos, selection->count, err)
                                         : search_exactly(out, count, index, store, photos, selection->count, &asked, err);
    ps__free(photos);
    return status;
}

int ps__index_search_in(ps__candidate *out, size_t *count, ps__index *index, ps__store *store, const ps__selection *selection,
                        const float *query, size_t want, ps__error *err) {
    const ps__probe probe = {query, 1.0, 0};
    return ps__index_search_many(out, count, index, store, selection, &probe, 1, want, err);
}
