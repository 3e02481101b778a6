/*
** Exact search; see exact.h.
**
** From bounds: photos are scored exactly in the order of their bounds, the greatest first. Once as many are found as are wanted,
** and the last of these has a score above every bound that is left, no other photo can be among the best: its score is at most
** its bound. That holds whatever else the list has in it (bounds of vectors that were replaced, photos that are gone), as these
** only cost time.
*/
#include "search/exact.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/half.h"
#include "search/rank.h"

#define BATCH ((size_t)256)      /* photos that are scored at once */
#define FIRST_MORE ((size_t)32) /* the first batch beyond what is wanted */

/* The best so far. */
typedef struct best {
    const ps__asked *asked;
    ps__store *store;
    ps__candidate *list; /* [want + batch] owned; the first `kept` are the best, sorted */
    size_t kept, room;
    ps__error *err;
} best;

static int begin(best *b, const ps__asked *asked, size_t batch, ps__store *store, ps__error *err) {
    *b = (best){.asked = asked, .store = store, .room = asked->want + batch, .err = err};
    b->list = ps__array(b->room, sizeof *b->list);
    return b->list ? PS__OK : ps__fail_nomem(err);
}

static void sort_kept(best *b, size_t n) {
    b->kept += n;
    ps__rank_unique(b->list, &b->kept);
    if (b->kept > b->asked->want) b->kept = b->asked->want;
}

/* Scores photos that stand behind the best ones, unscored, and lets them join. */
static int join(best *b, size_t n) {
    int status = ps__rank_probes(b->list + b->kept, &n, b->store, b->asked->space, b->asked->probes, b->asked->count, b->asked->dim,
                                 b->err);
    if (status == PS__OK) sort_kept(b, n);
    return status;
}

static int end(ps__candidate *out, size_t *count, best *b, int status) {
    *count = 0;
    if (status == PS__OK) {
        *count = b->kept;
        memcpy(out, b->list, b->kept * sizeof *out);
    }
    ps__free(b->list);
    return status;
}

/* 1 when nothing with this bound can be among the best any more. */
static int settled(const best *b, double most) {
    return b->kept == b->asked->want && (double)b->list[b->kept - 1].cosine > most;
}

int ps__exact_from_bounds(ps__candidate *out, size_t *count, const ps__asked *asked, ps__store *store, ps__bounds *bounds,
                          ps__error *err) {
    best b;
    size_t batch = asked->want + FIRST_MORE;
    int status = begin(&b, asked, batch > BATCH ? batch : BATCH, store, err);
    if (status == PS__OK) ps__bounds_heap(bounds);
    while (status == PS__OK && bounds->count) {
        size_t n = 0;
        while (n < batch && bounds->count && !settled(&b, bounds->list[0].most))
            b.list[b.kept + n++] = (ps__candidate){ps__bounds_pop(bounds).photo, 0};
        if (n == 0) break;
        status = join(&b, n);
        batch = BATCH;
    }
    return end(out, count, &b, status);
}

int ps__exact_from_photos(ps__candidate *out, size_t *count, const ps__asked *asked, ps__store *store, const int64_t *photos, size_t n,
                          ps__error *err) {
    best b;
    int status = begin(&b, asked, BATCH, store, err);
    for (size_t i = 0; status == PS__OK && i < n;) {
        size_t batch = 0;
        while (batch < BATCH && i < n) b.list[b.kept + batch++] = (ps__candidate){photos[i++], 0};
        status = join(&b, batch);
    }
    return end(out, count, &b, status);
}

/* ---- Every vector of the store ---- */

typedef struct scan {
    best b;
    size_t waiting; /* scored photos behind the best ones */
    float *vector;  /* [dim] */
} scan;

static int take_vector(int64_t photo, const uint16_t *halves, void *payload) {
    scan *s = payload;
    float score;
    ps__halves_to_floats(s->vector, halves, (size_t)s->b.asked->dim);
    int status = ps__rank_score(&score, s->b.asked->probes, s->b.asked->count, s->vector, s->b.asked->dim, s->b.err);
    if (status != PS__OK || !isfinite(score) || settled(&s->b, (double)score)) return status;
    s->b.list[s->b.kept + s->waiting++] = (ps__candidate){photo, score};
    if (s->b.kept + s->waiting < s->b.room) return PS__OK;
    sort_kept(&s->b, s->waiting);
    s->waiting = 0;
    return PS__OK;
}

int ps__exact_from_store(ps__candidate *out, size_t *count, const ps__asked *asked, ps__store *store, ps__error *err) {
    scan s = {0};
    int status = begin(&s.b, asked, asked->want + BATCH, store, err);
    s.vector = ps__array((size_t)asked->dim, sizeof *s.vector);
    if (status == PS__OK && !s.vector) status = ps__fail_nomem(err);
    if (status == PS__OK) status = ps__store_each_vector(store, asked->space, 0, take_vector, &s, err);
    if (status == PS__OK) sort_kept(&s.b, s.waiting);
    ps__free(s.vector);
    return end(out, count, &s.b, status);
}
