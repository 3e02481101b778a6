/*
** Searching the index; see index.h. How it is kept up to date is in update.c and maintain.c; all three share inside.h.
*/
#include "search/index.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
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

/* The k best of each segment, of the tail and of `newer` (may be NULL), together, unsorted. *total is how many vectors there are at
** all. */
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

int ps__index_search(ps__candidate *out, size_t *count, ps__index *index, ps__store *store, const float *query, size_t want,
                     ps__error *err) {
    ps__tail *newer = NULL;
    int enough = 0, scan = 0;
    *count = 0;
    int status = ps__store_begin(store, err);
    if (status != PS__OK) return status;
    status = ps__index_refresh(&scan, &newer, index, store, err);
    if (status == PS__OK && scan) {
        status = search_store(out, count, index, store, query, want, err);
        enough = 1;
    }
    /* 8-bit cosines are off by a few thousandths: twice as many candidates as wanted hold the true best. More only where many
    ** candidates turn out to be gone. */
    for (size_t k = 2 * want + 32; status == PS__OK && !enough; k *= 4)
        status = search_once(out, count, &enough, index, newer, store, query, want, k, err);
    ps__tail_free(newer);
    ps__store_end(store);
    return status;
}
