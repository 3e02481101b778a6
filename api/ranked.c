/*
** Ordering answers; see ranked.h. Every order is total, so that pages join without a gap.
*/
#include "api/ranked.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

int ps__ranking_add(ps__ranking *ranking, const ps__ranked *one, ps__error *err) {
    if (ranking->count == ranking->room) {
        size_t room = ranking->room ? 2 * ranking->room : 64;
        ps__ranked *grown = room <= SIZE_MAX / sizeof *grown ? ps__realloc(ranking->list, room * sizeof *grown) : NULL;
        if (!grown) return ps__fail_nomem(err);
        ranking->list = grown;
        ranking->room = room;
    }
    ranking->list[ranking->count++] = *one;
    return PS__OK;
}

void ps__ranking_clear(ps__ranking *ranking) {
    ps__free(ranking->list);
    memset(ranking, 0, sizeof *ranking);
}

static int by_number(int64_t a, int64_t b) { return a < b ? -1 : a > b; }

static int by_photo(const ps__ranked *a, const ps__ranked *b) {
    if (a->photo != b->photo) return by_number(a->photo, b->photo);
    return a->score > b->score ? -1 : a->score < b->score;
}

static int by_score(const ps__ranked *a, const ps__ranked *b) {
    if (a->score != b->score) return a->score > b->score ? -1 : 1;
    return by_number(a->photo, b->photo);
}

/* sign -1: newest first. */
static int by_time(const ps__ranked *a, const ps__ranked *b, int sign) {
    if (a->has_taken != b->has_taken) return a->has_taken ? -1 : 1;
    if (a->has_taken && a->taken_s != b->taken_s) return sign * by_number(a->taken_s, b->taken_s);
    return by_number(a->photo, b->photo);
}

static int compare(const ps__ranked *a, const ps__ranked *b, int order) {
    return order == PS__ORDER_NEWEST ? by_time(a, b, -1) : order == PS__ORDER_OLDEST ? by_time(a, b, 1) : by_score(a, b);
}

static int photo_fn(const void *a, const void *b) { return by_photo(a, b); }
static int score_fn(const void *a, const void *b) { return by_score(a, b); }
static int newest_fn(const void *a, const void *b) { return by_time(a, b, -1); }
static int oldest_fn(const void *a, const void *b) { return by_time(a, b, 1); }

void ps__ranking_settle(ps__ranking *ranking, int order) {
    size_t kept = 0;
    if (ranking->count == 0) return;
    qsort(ranking->list, ranking->count, sizeof *ranking->list, photo_fn);
    for (size_t i = 0; i < ranking->count; i++)
        if (kept == 0 || ranking->list[kept - 1].photo != ranking->list[i].photo) ranking->list[kept++] = ranking->list[i];
    ranking->count = kept;
    qsort(ranking->list, kept, sizeof *ranking->list,
          order == PS__ORDER_NEWEST ? newest_fn : order == PS__ORDER_OLDEST ? oldest_fn : score_fn);
}

int ps__ranked_is_after(const ps__ranked *one, const ps__cursor *cursor) {
    const ps__ranked end = {.photo = cursor->photo, .score = cursor->score, .has_taken = cursor->has_taken, .taken_s = cursor->taken_s};
    return compare(one, &end, cursor->order) > 0;
}
