/*
** A page of an answer: candidates of all clauses in one order, as many as it takes to fill the page behind the place where the one before ended.
*/
#include <string.h>

#include "api/answer.h"
#include "base/alloc.h"
#include "base/half.h"
#include "search/unique.h"
#include "store/find.h"

#define SAID_MOST 1024 /* photos of the selection whose words fit best, which are looked at */
#define SAID 0.8      /* how sure it is that words in a photo's texts tell what it shows */
#define SEARCHED_MOST ((size_t)PS__LIMIT_MOST + 1) /* ranked photos that are looked at, at most */

/* What is found out while a page is made. */
typedef struct page {
    ps__answer *answer;
    ps__ranking ranking;
    size_t want; /* of each clause and alternative */
    int all;     /* 1: every photo that counts is in the ranking */
    double unseen; /* else: what a photo that is not can score at most */
    int more;    /* 1: photos follow behind those shown */
    ps__error *err;
} page;

static int is_left_out(const ps__answer *a, int64_t photo) {
    for (size_t i = 0; i < a->job->options.like_count; i++)
        if (a->left_out[i] == photo) return 1;
    return 0;
}

static int date_row(ps__ranked *one, ps__answer *a, ps__error *err) {
    if (a->order == PS__ORDER_RELEVANCE) return PS__OK;
    int status = ps__answer_table(a, err);
    int64_t row = status == PS__OK ? ps__table_row(a->table, one->photo) : -1;
    if (row < 0) return status;
    const ps__chunk *chunk = ps__table_chunk(a->table, (size_t)row);
    size_t i = ps__chunk_row((size_t)row);
    one->has_taken = (chunk->flags[i] & PS__ROW_TAKEN) != 0;
    one->taken_s = one->has_taken ? chunk->taken_s[i] : 0;
    return PS__OK;
}

/* What the contents that are not to be there leave of each candidate's score: factors [count]. */
static int weigh_nots(double *factors, page *p, const ps__answer_part *part, const ps__candidate *found, size_t count) {
    const ps__asks *asks = &part->asks;
    size_t dim = asks->dim;
    for (size_t i = 0; i < count; i++) factors[i] = 1;
    if (asks->not_count == 0 || count == 0) return PS__OK;
    int64_t *photos = ps__array(count, sizeof *photos);
    uint8_t *has = ps__calloc(count, 1);
    uint16_t *halves = ps__array(count, dim * sizeof *halves);
    float *vector = ps__array(dim, sizeof *vector);
    int status = photos && has && halves && vector ? PS__OK : ps__fail_nomem(p->err);
    for (size_t i = 0; status == PS__OK && i < count; i++) photos[i] = found[i].photo;
    if (status == PS__OK) status = ps__store_vectors(halves, has, p->answer->job->store, p->answer->space, photos, count, p->err);
    for (size_t i = 0; status == PS__OK && i < count; i++) {
        if (!has[i]) continue;
        ps__halves_to_floats(vector, halves + i * dim, dim);
        for (size_t n = 0; n < asks->not_count; n++) {
            double cosine = 0;
            for (size_t k = 0; k < dim; k++) cosine += (double)vector[k] * (double)asks->nots[n].query[k];
            factors[i] *= 1 - ps__scorer_score(&asks->nots[n].scorer, (float)cosine);
        }
    }
    ps__free(photos);
    ps__free(has);
    ps__free(halves);
    ps__free(vector);
    return status;
}

static int add_one(page *p, const ps__candidate *candidate, double score, const ps__ask *ask) {
    ps__answer *a = p->answer;
    ps__ranked one = {.photo = candidate->photo, .cosine = candidate->cosine, .score = score};
    one.verdict = ps__rank_score_verdict(score, &ask->scorer);
    if (score < a->job->options.least_score || is_left_out(a, one.photo)) return PS__OK;
    if (a->order != PS__ORDER_RELEVANCE && one.verdict == PS__VERDICT_NONE) return PS__OK;
    int status = date_row(&one, a, p->err);
    return status == PS__OK ? ps__ranking_add(&p->ranking, &one, p->err) : status;
}

/* Candidates, best first. What is not to be there only lowers a score: photos that are not among them score at most what the last one
** would without it. */
static int add_candidates(page *p, const ps__answer_part *part, const ps__candidate *found, size_t count, const ps__ask *ask) {
    ps__answer *a = p->answer;
    double score = 0, *factors = ps__array(count + 1, sizeof *factors);
    int status = factors ? weigh_nots(factors, p, part, found, count) : ps__fail_nomem(p->err);
    size_t i = 0;
    for (; status == PS__OK && i < count; i++) {
        score = ps__scorer_score(&ask->scorer, found[i].cosine);
        if (score < a->job->options.least_score) break;
        if (a->order != PS__ORDER_RELEVANCE && ps__rank_score_verdict(score, &ask->scorer) == PS__VERDICT_NONE) break;
        status = add_one(p, &found[i], score * factors[i], ask);
    }
    if (i == count && count == p->want) {
        p->all = 0;
        if (score > p->unseen) p->unseen = score;
    }
    ps__free(factors);
    return status;
}

enum { ENOUGH = 1 };

/* Photos that say in words what is looked for. */
typedef struct said {
    const ps__answer_part *part;
    ps__candidate *list; /* [count] of SAID_MOST */
    size_t count;
} said;

static int take_said(int64_t photo, void *payload) {
    said *s = payload;
    if (!s->part->filtered || ps__selection_has(&s->part->selection, photo)) s->list[s->count++] = (ps__candidate){photo, 0};
    return s->count == SAID_MOST ? ENOUGH : 0;
}

/* What a photo's title, caption, keywords or text says counts beside its look: the odds that both are wrong are multiplied. */
static int add_said(page *p, const ps__answer_part *part, const char *text, const ps__ask *ask) {
    ps__answer *a = p->answer;
    ps__candidate list[SAID_MOST];
    said s = {part, list, 0};
    int status = ps__store_find_sentence(a->job->store, text, take_said, &s, p->err);
    if (status == ENOUGH) status = PS__OK;
    if (status == PS__OK && s.count)
        status = ps__rank_exact(list, &s.count, a->job->store, a->space, ask->query, ps__model_info(a->job->model)->dim, p->err);
    double factors[SAID_MOST];
    if (status == PS__OK) status = weigh_nots(factors, p, part, list, s.count);
    for (size_t i = 0; status == PS__OK && i < s.count; i++)
        status = add_one(p, &list[i], (1 - (1 - ps__scorer_score(&ask->scorer, list[i].cosine)) * (1 - SAID)) * factors[i], ask);
    return status;
}

static int rank_ask(page *p, ps__answer_part *part, const ps__ask *ask) {
    ps__answer *a = p->answer;
    size_t count = 0;
    if (!a->index) return PS__OK;
    ps__candidate *found = ps__array(p->want, sizeof *found);
    if (!found) return ps__fail_nomem(p->err);
    const ps__probe probe = {.vector = ask->query, .weight = 1, .group = 0};
    int status = part->filtered ? ps__index_search_in(found, &count, a->index, a->job->store, &part->selection, ask->query, p->want, p->err)
                                : ps__index_search_many(found, &count, a->index, a->job->store, NULL, &probe, 1, p->want, p->err);
    if (status == PS__OK) status = add_candidates(p, part, found, count, ask);
    ps__free(found);
    return status;
}

/* Photos that filters alone chose, by time. */
static int rank_dated(page *p, ps__answer_part *part) {
    ps__answer *a = p->answer;
    /* Among others' scores all of them come first, in an order that is not that of time. */
    size_t count, want = a->order == PS__ORDER_RELEVANCE ? SEARCHED_MOST : p->want;
    ps__dated *found = ps__array(want, sizeof *found);
    if (!found) return ps__fail_nomem(p->err);
    const ps__dated end = {.photo = a->cursor.photo, .has_taken = a->cursor.has_taken, .taken_s = a->cursor.taken_s};
    int skip = a->has_cursor && a->order != PS__ORDER_RELEVANCE && !(a->job->options.flags & PS_SEARCH_UNIQUE);
    int status = ps__selection_by_date(found, &count, &part->selection, a->order == PS__ORDER_OLDEST, skip ? &end : NULL, want, p->err);
    for (size_t i = 0; status == PS__OK && i < count; i++) {
        const ps__ranked one = {.photo = found[i].photo,
                                .score = 1,
                                .verdict = PS_VERDICT_GOOD,
                                .has_taken = found[i].has_taken,
                                .taken_s = found[i].taken_s};
        status = ps__ranking_add(&p->ranking, &one, p->err);
    }
    if (status == PS__OK && count == want) p->all = 0;
    ps__free(found);
    return status;
}

static int rank_part(page *p, ps__answer_part *part) {
    const ps__clause *clause = part->clause;
    int status = PS__OK;
    if (part->asks.count == 0) return rank_dated(p, part);
    for (size_t i = 0; status == PS__OK && i < part->asks.count; i++) status = rank_ask(p, part, &part->asks.list[i]);
    for (size_t i = 0; status == PS__OK && p->answer->index && i < clause->content_count; i++)
        if (clause->contents[i].weight > 0) status = add_said(p, part, clause->contents[i].text, &part->asks.list[0]);
    return status;
}

/* Fills p->ranking with what comes first in the answer's order. Sorted by time, all that matches must be known before the first is. */
static int rank(page *p) {
    ps__answer *a = p->answer;
    int by_time = a->content && a->order != PS__ORDER_RELEVANCE;
    int status;
    do {
        p->ranking.count = 0;
        p->all = 1;
        p->unseen = 0;
        status = PS__OK;
        for (size_t i = 0; status == PS__OK && i < a->part_count; i++) status = rank_part(p, &a->parts[i]);
        if (status != PS__OK || !by_time || p->all || p->want >= SEARCHED_MOST) break;
        p->want = p->want * 4 < SEARCHED_MOST ? p->want * 4 : SEARCHED_MOST;
    } while (1);
    ps__ranking_settle(&p->ranking, a->order);
    int open = !p->all && a->order == PS__ORDER_RELEVANCE && p->want < SEARCHED_MOST;
    while (open && p->ranking.count > 0 && p->ranking.list[p->ranking.count - 1].score < p->unseen)
        p->ranking.count--; /* others may come between */
    return status;
}

/* Drops photos that are nearly the same as one before, on whatever page that was. */
static int drop_alike(page *p) {
    ps__answer *a = p->answer;
    ps__ranking *r = &p->ranking;
    size_t count = r->count, kept = 0;
    ps__store_model model; /* whose vectors tell; conditions alone need no model to be open */
    if (!(a->job->options.flags & PS_SEARCH_UNIQUE) || count < 2) return PS__OK;
    int status = ps__store_current_model(&model, a->job->store, p->err);
    if (status == PS__OK) status = ps__answer_table(a, p->err);
    if (status != PS__OK || !model.id[0]) return status;
    ps__candidate *list = ps__array(count, sizeof *list);
    if (!list) return ps__fail_nomem(p->err);
    for (size_t i = 0; i < count; i++) list[i] = (ps__candidate){r->list[i].photo, r->list[i].cosine};
    status = ps__unique(list, &count, count, a->table, a->job->store, model.space_number, model.dim, p->err);
    for (size_t i = 0; status == PS__OK && i < r->count && kept < count; i++)
        if (r->list[i].photo == list[kept].photo) r->list[kept++] = r->list[i];
    if (status == PS__OK) r->count = kept;
    ps__free(list);
    return status;
}

static void set_next(page *p, const ps__ranked *last) {
    ps__answer *a = p->answer;
    ps__cursor cursor = {.search = a->fingerprint,
                         .now_s = a->now_s,
                         .order = a->order,
                         .photo = last->photo,
                         .score = last->score,
                         .has_taken = last->has_taken,
                         .taken_s = last->taken_s};
    ps__cursor_print(a->job->results->next, &cursor);
}

static int show(page *p) {
    ps__answer *a = p->answer;
    ps_results *results = a->job->results;
    const ps__ranked *last = NULL;
    size_t limit = a->job->options.limit, i = 0;
    int status = PS__OK;
    ps__results_clear(results);
    for (; status == PS__OK && i < p->ranking.count && results->count < limit; i++) {
        const ps__ranked *one = &p->ranking.list[i];
        if (a->has_cursor && !ps__ranked_is_after(one, &a->cursor)) continue;
        const ps__candidate candidate = {one->photo, one->cosine};
        status = ps__results_add(results, a->job->store, &candidate, one->score, one->verdict, p->err);
        last = one;
    }
    p->more = i < p->ranking.count || !p->all;
    results->next[0] = 0;
    if (status == PS__OK && last && p->more && results->count == limit) set_next(p, last);
    results->verdict = PS_VERDICT_NONE;
    for (i = 0; i < results->count; i++)
        if (results->hits[i].verdict > results->verdict) results->verdict = results->hits[i].verdict;
    return status;
}

int ps__answer_page(ps__answer *answer, ps__error *err) {
    page p = {.answer = answer, .want = answer->job->options.limit + answer->job->options.like_count + 1, .err = err};
    int status;
    for (;;) {
        status = rank(&p);
        if (status == PS__OK) status = drop_alike(&p);
        if (status == PS__OK) status = show(&p);
        if (status != PS__OK || p.all || answer->job->results->count == answer->job->options.limit || p.want >= SEARCHED_MOST) break;
        p.want = p.want * 4 < SEARCHED_MOST ? p.want * 4 : SEARCHED_MOST;
    }
    ps__ranking_clear(&p.ranking);
    return status;
}
