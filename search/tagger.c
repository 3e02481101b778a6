/*
** Choosing tags; see tagger.h.
**
** The labels' vectors are kept in blocks of LANES, element by element, so that the cosines of a block grow side by side and the
** compiler may compute them side by side, too: sums in a fixed order, and the same on every machine.
*/
#include "search/tagger.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"

#define LANES ((size_t)16)
#define LEAST_ODDS (1.0 / 3.0) /* of the best label's, that a tag must have */

struct ps__tagger {
    size_t labels, blocks, dim;
    float *vectors;      /* [blocks][dim][LANES] owned */
    ps__scorer *scorers; /* [labels] owned */
    char *competes;      /* [labels] owned */
};

int ps__tagger_new(ps__tagger **out, size_t labels, int dim, ps__error *err) {
    *out = NULL;
    ps__tagger *t = ps__calloc(1, sizeof *t);
    if (!t) return ps__fail_nomem(err);
    t->labels = labels;
    t->blocks = (labels + LANES - 1) / LANES;
    t->dim = (size_t)dim;
    t->vectors = ps__calloc(t->blocks * t->dim * LANES, sizeof *t->vectors);
    t->scorers = ps__calloc(labels, sizeof *t->scorers);
    t->competes = ps__calloc(labels, 1);
    if (!t->vectors || !t->scorers || !t->competes) {
        ps__tagger_free(t);
        return ps__fail_nomem(err);
    }
    *out = t;
    return PS__OK;
}

void ps__tagger_free(ps__tagger *t) {
    if (!t) return;
    ps__free(t->vectors);
    ps__free(t->scorers);
    ps__free(t->competes);
    ps__free(t);
}

void ps__tagger_set(ps__tagger *t, size_t label, const float *vector, const ps__scorer *scorer, int competes) {
    float *block = t->vectors + label / LANES * t->dim * LANES;
    for (size_t i = 0; i < t->dim; i++) block[i * LANES + label % LANES] = vector[i];
    t->scorers[label] = *scorer;
    t->competes[label] = (char)competes;
}

static void block_cosines(float cosines[LANES], const float *block, const float *vector, size_t dim) {
    float sums[LANES] = {0};
    for (size_t i = 0; i < dim; i++)
        for (size_t k = 0; k < LANES; k++) sums[k] += vector[i] * block[i * LANES + k];
    memcpy(cosines, sums, sizeof sums);
}

/* Puts the choice where it belongs among the best ones so far; equal ones in the order of the vocabulary. */
static size_t insert(ps__tag_choice *best, size_t count, ps__tag_choice choice) {
    size_t at = count;
    while (at > 0 && best[at - 1].score < choice.score) at--;
    if (at == PS__TAGS_MOST) return count;
    if (count < PS__TAGS_MOST) count++;
    memmove(best + at + 1, best + at, (count - 1 - at) * sizeof *best);
    best[at] = choice;
    return count;
}

static double odds(double score) { return score < 1.0 ? score / (1.0 - score) : INFINITY; }

size_t ps__tagger_choose(ps__tag_choice out[PS__TAGS_MOST], const ps__tagger *t, const float *vector) {
    size_t count = 0, kept = 0;
    double top = 0.0;
    for (size_t b = 0; b < t->blocks; b++) {
        float cosines[LANES];
        block_cosines(cosines, t->vectors + b * t->dim * LANES, vector, t->dim);
        for (size_t label = b * LANES; label < t->labels && label < (b + 1) * LANES; label++) {
            const ps__scorer *scorer = &t->scorers[label];
            double score = ps__scorer_score(scorer, cosines[label % LANES]);
            if (!isfinite(cosines[label % LANES])) return 0;
            if (score > top) top = score;
            if (score >= scorer->good && !t->competes[label]) count = insert(out, count, (ps__tag_choice){label, score});
        }
    }
    while (kept < count && odds(out[kept].score) >= odds(top) * LEAST_ODDS) kept++;
    return kept;
}
