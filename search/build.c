/*
** Store to segment, in two passes: a sample to train on, then everything. See build.h.
*/
#include "search/build.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/half.h"

#define BATCH ((size_t)512) /* photos: what is in memory as halves and floats at once */

static int all_finite(const float *x, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i])) return 0;
    return 1;
}

/* The buffers of one batch. */
typedef struct batch {
    uint16_t *halves; /* [BATCH][dim] */
    float *vectors;   /* [BATCH][dim] */
    uint8_t *found;   /* [BATCH] */
    int64_t *photos;  /* [BATCH] those with a vector */
} batch;

static int fetch_batch(batch *b, ps__store *store, int space, size_t dim, const int64_t *photos, size_t n, ps__build_fn *fn,
                       void *payload, ps__error *err) {
    size_t kept = 0;
    int status = ps__store_vectors(b->halves, b->found, store, space, photos, n, err);
    for (size_t i = 0; status == PS__OK && i < n; i++) {
        float *vector = b->vectors + kept * dim;
        if (!b->found[i]) continue;
        ps__halves_to_floats(vector, b->halves + i * dim, dim);
        if (all_finite(vector, dim)) b->photos[kept++] = photos[i];
    }
    return status != PS__OK || kept == 0 ? status : fn(b->photos, b->vectors, kept, payload, err);
}

int ps__build_fetch(ps__store *store, int space, int dim, const int64_t *photos, size_t count, ps__build_fn *fn, void *payload,
                    ps__error *err) {
    size_t row = (size_t)dim, most = count < BATCH ? count : BATCH;
    batch b = {ps__array(most, row * sizeof(uint16_t)), ps__array(most, row * sizeof(float)), ps__calloc(most, 1),
               ps__array(most, sizeof(int64_t))};
    int status = b.halves && b.vectors && b.found && b.photos ? PS__OK : ps__fail_nomem(err);
    for (size_t i = 0; status == PS__OK && i < count; i += BATCH)
        status = fetch_batch(&b, store, space, row, photos + i, count - i < BATCH ? count - i : BATCH, fn, payload, err);
    ps__free(b.halves);
    ps__free(b.vectors);
    ps__free(b.found);
    ps__free(b.photos);
    return status;
}

/* Where training vectors are gathered. */
typedef struct sample {
    float *vectors; /* [room][dim] */
    size_t count, dim;
} sample;

static int take_sample(const int64_t *photos, const float *vectors, size_t n, void *payload, ps__error *err) {
    sample *s = payload;
    (void)photos, (void)err;
    memcpy(s->vectors + s->count * s->dim, vectors, n * s->dim * sizeof *vectors);
    s->count += n;
    return PS__OK;
}

static int add_to_segment(const int64_t *photos, const float *vectors, size_t n, void *payload, ps__error *err) {
    return ps__segment_add(payload, photos, vectors, n, err);
}

/* Trains on photos spread evenly over the list. *trained is 0 when none of them had a vector. */
static int train(int *trained, ps__segment *segment, ps__store *store, int space, int dim, const int64_t *photos, size_t count,
                 ps__error *err) {
    size_t wanted = ps__segment_sample(segment);
    int64_t *chosen = ps__array(wanted, sizeof *chosen);
    sample s = {ps__array(wanted, (size_t)dim * sizeof(float)), 0, (size_t)dim};
    int status = chosen && s.vectors ? PS__OK : ps__fail_nomem(err);
    /* The second round, and more, are for a list of which nearly all photos are gone. */
    for (size_t shift = 0; status == PS__OK && s.count == 0 && shift <= (count - 1) / wanted; shift++) {
        for (size_t i = 0; i < wanted; i++) chosen[i] = photos[(i * count / wanted + shift) % count];
        status = ps__build_fetch(store, space, dim, chosen, wanted, take_sample, &s, err);
    }
    *trained = s.count > 0;
    if (status == PS__OK && s.count > 0) status = ps__segment_train(segment, s.vectors, s.count, err);
    ps__free(chosen);
    ps__free(s.vectors);
    return status;
}

int ps__build_segment(ps__segment **out, ps__store *store, int space, int dim, const int64_t *photos, size_t count,
                      ps__error *err) {
    int trained = 0;
    int status = ps__segment_new(out, dim, count, err);
    if (status == PS__OK) status = train(&trained, *out, store, space, dim, photos, count, err);
    if (status == PS__OK && trained) status = ps__build_fetch(store, space, dim, photos, count, add_to_segment, *out, err);
    if (status != PS__OK || !trained) {
        ps__segment_free(*out);
        *out = NULL;
    }
    return status;
}
