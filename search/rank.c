/*
** Exact scores and order; see rank.h.
*/
#include "search/rank.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/half.h"

static int by_cosine(const void *a, const void *b) {
    const ps__candidate *x = a, *y = b;
    if (x->cosine != y->cosine) return x->cosine < y->cosine ? 1 : -1;
    return x->photo < y->photo ? -1 : x->photo > y->photo;
}

static int by_photo(const void *a, const void *b) {
    const ps__candidate *x = a, *y = b;
    if (x->photo != y->photo) return x->photo < y->photo ? -1 : 1;
    return by_cosine(a, b);
}

void ps__rank_sort(ps__candidate *candidates, size_t count) {
    if (count > 1) qsort(candidates, count, sizeof *candidates, by_cosine);
}

void ps__rank_unique(ps__candidate *candidates, size_t *count) {
    size_t kept = 0;
    if (*count > 1) qsort(candidates, *count, sizeof *candidates, by_photo);
    for (size_t i = 0; i < *count; i++)
        if (kept == 0 || candidates[kept - 1].photo != candidates[i].photo) candidates[kept++] = candidates[i];
    *count = kept;
    ps__rank_sort(candidates, kept);
}

/* In double and in this order, so that a score does not depend on the compiler's taste. */
static float dot(const float *a, const float *b, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++) sum += (double)a[i] * (double)b[i];
    return (float)sum;
}

#define PROBES_FEW 16

int ps__rank_score(float *score, const ps__probe *probes, size_t probe_count, const float *vector, int dim, ps__error *err) {
    double few[PROBES_FEW] = {0}, *cosines = few;
    if (probe_count > PROBES_FEW && !(cosines = ps__array(probe_count, sizeof *cosines))) return ps__fail_nomem(err);
    for (size_t i = 0; i < probe_count; i++) cosines[i] = (double)dot(probes[i].vector, vector, dim);
    *score = (float)ps__probes_score(probes, cosines, probe_count);
    if (cosines != few) ps__free(cosines);
    return PS__OK;
}

int ps__rank_probes(ps__candidate *candidates, size_t *count, ps__store *store, int space, const ps__probe *probes, size_t probe_count,
                    int dim, ps__error *err) {
    size_t n = *count, kept = 0, row = (size_t)dim;
    if (n == 0) return PS__OK;
    int64_t *photos = ps__array(n, sizeof *photos);
    uint16_t *halves = ps__array(n, row * sizeof *halves);
    uint8_t *found = ps__calloc(n, 1);
    float *vector = ps__array(row, sizeof *vector);
    int status = PS__OK;
    if (!photos || !halves || !found || !vector) {
        status = ps__fail_nomem(err);
        goto out;
    }
    for (size_t i = 0; i < n; i++) photos[i] = candidates[i].photo;
    if ((status = ps__store_vectors(halves, found, store, space, photos, n, err)) != PS__OK) goto out;
    for (size_t i = 0; i < n && status == PS__OK; i++) {
        float score;
        if (!found[i]) continue;
        ps__halves_to_floats(vector, halves + i * row, row);
        status = ps__rank_score(&score, probes, probe_count, vector, dim, err);
        if (status == PS__OK && isfinite(score)) candidates[kept++] = (ps__candidate){photos[i], score};
    }
    if (status != PS__OK) goto out;
    *count = kept;
    ps__rank_sort(candidates, kept);
out:
    ps__free(photos);
    ps__free(halves);
    ps__free(found);
    ps__free(vector);
    return status;
}

int ps__rank_exact(ps__candidate *candidates, size_t *count, ps__store *store, int space, const float *query, int dim,
                   ps__error *err) {
    const ps__probe probe = {query, 1.0, 0};
    return ps__rank_probes(candidates, count, store, space, &probe, 1, dim, err);
}

size_t ps__rank_cut(const ps__candidate *candidates, size_t count, const ps__scorer *scorer, size_t limit, double least_score) {
    size_t n = count < limit ? count : limit;
    while (n > 0 && ps__scorer_score(scorer, candidates[n - 1].cosine) < least_score) n--;
    return n;
}

int ps__rank_score_verdict(double score, const ps__scorer *scorer) {
    return score >= scorer->good ? PS__VERDICT_GOOD : score >= scorer->weak ? PS__VERDICT_WEAK : PS__VERDICT_NONE;
}
