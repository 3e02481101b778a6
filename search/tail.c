/*
** The tail by FAISS's flat index; see tail.h.
*/
#include "search/tail.h"

#include <stdlib.h>
#include <string.h>

#include <faiss/c_api/IndexFlat_c.h>
#include <faiss/c_api/Index_c.h>

#include "base/alloc.h"
#include "search/faiss_error.h"

struct ps__tail {
    FaissIndexFlatIP *index; /* owned; its labels are positions in photos */
    int64_t *photos;         /* [capacity] owned */
    size_t count, capacity;  /* photos */
};

int ps__tail_new(ps__tail **out, int dim, ps__error *err) {
    *out = NULL;
    ps__tail *tail = ps__calloc(1, sizeof *tail);
    if (!tail) return ps__fail_nomem(err);
    if (faiss_IndexFlatIP_new_with(&tail->index, dim) != 0) {
        ps__free(tail);
        return ps__fail_faiss(err, "make a flat index");
    }
    *out = tail;
    return PS__OK;
}

void ps__tail_free(ps__tail *tail) {
    if (!tail) return;
    faiss_Index_free((FaissIndex *)tail->index);
    ps__free(tail->photos);
    ps__free(tail);
}

int ps__tail_add(ps__tail *tail, const int64_t *photos, const float *vectors, size_t n, ps__error *err) {
    if (tail->capacity - tail->count < n) {
        size_t capacity = (tail->count + n) * 2;
        int64_t *more = ps__realloc(tail->photos, capacity * sizeof *more);
        if (!more) return ps__fail_nomem(err);
        tail->photos = more;
        tail->capacity = capacity;
    }
    if (faiss_Index_add((FaissIndex *)tail->index, (idx_t)n, vectors) != 0) return ps__fail_faiss(err, "add vectors");
    memcpy(tail->photos + tail->count, photos, n * sizeof *photos);
    tail->count += n;
    return PS__OK;
}

int ps__tail_add_rest(ps__tail *tail, const ps__tail *from, size_t first, ps__error *err) {
    float *vectors;
    size_t numbers;
    if (first >= from->count) return PS__OK;
    faiss_IndexFlat_xb(from->index, &vectors, &numbers);
    return ps__tail_add(tail, from->photos + first, vectors + first * (numbers / from->count), from->count - first, err);
}

static int by_number(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

int ps__tail_bounds(ps__bounds *bounds, const ps__tail *tail, const ps__code_query *query, const int64_t *photos, size_t count,
                    ps__error *err) {
    float *vectors;
    size_t numbers;
    int status = PS__OK;
    if (tail->count == 0) return PS__OK;
    faiss_IndexFlat_xb(tail->index, &vectors, &numbers);
    size_t row = numbers / tail->count;
    for (size_t i = 0; status == PS__OK && i < tail->count; i++)
        if (!photos || (count && bsearch(&tail->photos[i], photos, count, sizeof *photos, by_number)))
            status = ps__bounds_add(bounds, tail->photos[i], ps__code_query_bound(query, vectors + i * row), err);
    return status;
}

size_t ps__tail_count(const ps__tail *tail) { return tail->count; }
const int64_t *ps__tail_photos(const ps__tail *tail) { return tail->photos; }

int ps__tail_search(ps__candidate *out, size_t *count, const ps__tail *tail, const float *query, size_t k, ps__error *err) {
    *count = 0;
    if (k > tail->count) k = tail->count;
    if (k == 0) return PS__OK;
    idx_t *positions = ps__array(k, sizeof *positions);
    float *cosines = ps__array(k, sizeof *cosines);
    int status = positions && cosines ? PS__OK : ps__fail_nomem(err);
    if (status == PS__OK && faiss_Index_search((const FaissIndex *)tail->index, 1, query, (idx_t)k, cosines, positions) != 0)
        status = ps__fail_faiss(err, "search the newest vectors");
    for (size_t i = 0; status == PS__OK && i < k; i++)
        if (positions[i] >= 0) out[(*count)++] = (ps__candidate){tail->photos[positions[i]], cosines[i]};
    ps__free(positions);
    ps__free(cosines);
    return status;
}
