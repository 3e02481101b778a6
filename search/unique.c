/*
** Near-duplicates; see unique.h.
*/
#include "search/unique.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/half.h"

#define BATCH ((size_t)128) /* candidates whose vectors are read at once */

/* What was kept. */
typedef struct kept {
    size_t count, room, dim;
    float *vectors;    /* [room][dim] owned */
    int64_t *looks;    /* [room] owned */
    uint8_t *has_look; /* [room] owned */
    uint8_t *has_vector; /* [room] owned */
} kept;

/* In eight sums, which the compiler can make lanes of. */
static float dot(const float *a, const float *b, size_t dim) {
    float sums[8] = {0}, sum = 0;
    size_t i = 0;
    for (; i + 8 <= dim; i += 8)
        for (size_t lane = 0; lane < 8; lane++) sums[lane] += a[i + lane] * b[i + lane];
    for (; i < dim; i++) sum += a[i] * b[i];
    for (size_t lane = 0; lane < 8; lane++) sum += sums[lane];
    return sum;
}

static int is_like(const kept *k, size_t at, int has_look, int64_t look, const float *vector) {
    if (has_look && k->has_look[at] && __builtin_popcountll((uint64_t)(look ^ k->looks[at])) <= PS__SAME_LOOK) return 1;
    return vector && k->has_vector[at] && dot(vector, k->vectors + at * k->dim, k->dim) >= PS__SAME_COSINE;
}

static int make_room(kept *k, ps__error *err) {
    if (k->count < k->room) return PS__OK;
    size_t room = k->room ? k->room * 2 : BATCH;
    float *vectors = ps__realloc(k->vectors, room * k->dim * sizeof *vectors);
    if (vectors) k->vectors = vectors;
    int64_t *looks = ps__realloc(k->looks, room * sizeof *looks);
    if (looks) k->looks = looks;
    uint8_t *has_look = ps__realloc(k->has_look, room), *has_vector = ps__realloc(k->has_vector, room);
    if (has_look) k->has_look = has_look;
    if (has_vector) k->has_vector = has_vector;
    if (!vectors || !looks || !has_look || !has_vector) return ps__fail_nomem(err);
    k->room = room;
    return PS__OK;
}

/* vector: [dim], of length 1, or NULL. */
static int offer(int *is_new, kept *k, const ps__table *table, int64_t photo, const float *vector, ps__error *err) {
    int64_t row = table ? ps__table_row(table, photo) : -1;
    const ps__chunk *c = row >= 0 ? ps__table_chunk(table, (size_t)row) : NULL;
    size_t i = ps__chunk_row((size_t)(row < 0 ? 0 : row));
    int has_look = c && (c->flags[i] & PS__ROW_LOOK);
    int64_t look = has_look ? c->look[i] : 0;
    *is_new = 0;
    for (size_t at = 0; at < k->count; at++)
        if (is_like(k, at, has_look, look, vector)) return PS__OK;
    int status = make_room(k, err);
    if (status != PS__OK) return status;
    if (vector) memcpy(k->vectors + k->count * k->dim, vector, k->dim * sizeof *vector);
    k->has_vector[k->count] = vector != NULL;
    k->has_look[k->count] = (uint8_t)has_look;
    k->looks[k->count++] = look;
    *is_new = 1;
    return PS__OK;
}

/* 0: it has no length. */
static int normalise(float *vector, const uint16_t *halves, size_t dim) {
    ps__halves_to_floats(vector, halves, dim);
    float length = sqrtf(dot(vector, vector, dim));
    if (!(length > 0) || !isfinite(length)) return 0;
    for (size_t i = 0; i < dim; i++) vector[i] /= length;
    return 1;
}

int ps__unique(ps__candidate *candidates, size_t *count, size_t want, const ps__table *table, ps__store *store, int space, int dim,
               ps__error *err) {
    size_t n = *count, left = 0, row = (size_t)dim;
    kept k = {.dim = row};
    int64_t photos[BATCH];
    uint8_t found[BATCH];
    uint16_t *halves = ps__array(BATCH, row * sizeof *halves);
    float *vector = ps__array(row, sizeof *vector);
    int status = halves && vector ? PS__OK : ps__fail_nomem(err);
    for (size_t from = 0; status == PS__OK && from < n && left < want; from += BATCH) {
        size_t batch = n - from < BATCH ? n - from : BATCH;
        for (size_t i = 0; i < batch; i++) photos[i] = candidates[from + i].photo;
        status = ps__store_vectors(halves, found, store, space, photos, batch, err);
        for (size_t i = 0; status == PS__OK && i < batch && left < want; i++) {
            int is_new, has = found[i] && normalise(vector, halves + i * row, row);
            status = offer(&is_new, &k, table, photos[i], has ? vector : NULL, err);
            if (status == PS__OK && is_new) candidates[left++] = candidates[from + i];
        }
    }
    if (status == PS__OK) *count = left;
    ps__free(k.vectors);
    ps__free(k.looks);
    ps__free(k.has_look);
    ps__free(k.has_vector);
    ps__free(halves);
    ps__free(vector);
    return status;
}
