/*
** Encoding what a clause is about, and blending it; see asks.h and search/blend.h.
*/
#include "api/asks.h"

#include <string.h>

#include "base/alloc.h"
#include "search/blend.h"

/* Cosines between photos, as log-odds that they show the same kind of thing: even at 0.7, where of 7,091 photos of people's lives a photo's
** tenth neighbour lies. */
static const ps__scorer image_scorer = {.slope = 15, .offset = -10.5, .weak = 0.25, .good = 0.6};

/* What the making of asks needs. */
typedef struct maker {
    ps__asks *out;
    const ps__clause *clause;
    ps__ask *contents;    /* [clause->content_count] owned: each by itself */
    const float *images;  /* [image_count][dim] */
    size_t image_count;
    size_t *choice;       /* [clause->content_count] owned; of the groups' numbers: which of its members */
    ps__error *err;
} maker;

static int encode(ps__ask *ask, ps_model *model, const char *lang, const char *text, ps__error *err) {
    ps__tower *tower;
    ask->query = ps__array((size_t)ps__model_info(model)->dim, sizeof *ask->query);
    if (!ask->query) return ps__fail_nomem(err);
    int status = ps__model_text(ask->query, &tower, model, lang, text, strlen(text), err);
    return status == PS__OK ? ps__towers_scorer(&ask->scorer, model->towers, tower, ask->query, err) : status;
}

static int is_positive(const ps__content *content) { return content->weight > 0; }

/* 1 when the i-th content is the first of its group. */
static int begins_group(const ps__clause *clause, size_t i) {
    for (size_t k = 0; k < i; k++)
        if (is_positive(&clause->contents[k]) && clause->contents[k].group == clause->contents[i].group) return 0;
    return is_positive(&clause->contents[i]);
}

static size_t group_size(const ps__clause *clause, int group) {
    size_t size = 0;
    for (size_t i = 0; i < clause->content_count; i++) size += is_positive(&clause->contents[i]) && clause->contents[i].group == group;
    return size;
}

/* The choice-th member of a group. */
static size_t member(const ps__clause *clause, int group, size_t choice) {
    for (size_t i = 0; i < clause->content_count; i++)
        if (is_positive(&clause->contents[i]) && clause->contents[i].group == group && choice-- == 0) return i;
    return 0;
}

static int blend_choice(maker *m) {
    ps__blend blend;
    ps__ask *ask = &m->out->list[m->out->count];
    const ps__clause *clause = m->clause;
    ask->query = ps__array(m->out->dim, sizeof *ask->query);
    int status = ask->query ? PS__OK : ps__fail_nomem(m->err);
    if (status != PS__OK) return status;
    m->out->count++;
    status = ps__blend_begin(&blend, (int)m->out->dim, m->err);
    if (status == PS__OK) {
        for (size_t i = 0; i < clause->content_count; i++) {
            size_t which = begins_group(clause, i) ? member(clause, clause->contents[i].group, m->choice[i]) : i;
            if (is_positive(&clause->contents[i]) && !begins_group(clause, i)) continue;
            ps__blend_add(&blend, m->contents[which].query, &m->contents[which].scorer, clause->contents[which].weight);
        }
        for (size_t i = 0; i < m->image_count; i++)
            ps__blend_add(&blend, m->images + i * m->out->dim, &image_scorer, 1.0 / (double)m->image_count);
        status = ps__blend_end(ask->query, &ask->scorer, &blend, m->err);
    }
    ps__blend_clear(&blend);
    return status;
}

/* The next way to choose, as an odometer turns. 0: there is none. */
static int next_choice(maker *m) {
    for (size_t i = 0; i < m->clause->content_count; i++) {
        if (!begins_group(m->clause, i)) continue;
        if (++m->choice[i] < group_size(m->clause, m->clause->contents[i].group)) return 1;
        m->choice[i] = 0;
    }
    return 0;
}

static int count_ways(size_t *ways, const maker *m) {
    size_t positive = 0;
    *ways = 1;
    for (size_t i = 0; i < m->clause->content_count; i++) {
        if (!begins_group(m->clause, i)) continue;
        positive++;
        *ways *= group_size(m->clause, m->clause->contents[i].group);
        if (*ways > PS__ASKS_MOST) return ps__fail(m->err, PS__INVALID, "the query has more than %d alternatives", PS__ASKS_MOST);
    }
    if (positive + m->image_count == 0) *ways = 0;
    return PS__OK;
}

static int blend_all(maker *m) {
    size_t ways;
    int status = count_ways(&ways, m);
    if (status != PS__OK || ways == 0) return status;
    m->out->list = ps__calloc(ways, sizeof *m->out->list);
    if (!m->out->list) return ps__fail_nomem(m->err);
    do status = blend_choice(m);
    while (status == PS__OK && next_choice(m));
    return status;
}

/* What is not to be there is handed on as well. */
static int keep_nots(maker *m) {
    m->out->nots = ps__calloc(m->clause->content_count + 1, sizeof *m->out->nots);
    if (!m->out->nots) return ps__fail_nomem(m->err);
    for (size_t i = 0; i < m->clause->content_count; i++) {
        if (is_positive(&m->clause->contents[i])) continue;
        m->out->nots[m->out->not_count++] = m->contents[i];
        m->contents[i].query = NULL;
    }
    return PS__OK;
}

int ps__asks_make(ps__asks *out, ps_model *model, const ps__clause *clause, const char *lang, const float *images, size_t image_count,
                  ps__error *err) {
    size_t count = clause->content_count;
    memset(out, 0, sizeof *out);
    out->dim = (size_t)ps__model_info(model)->dim;
    maker m = {.out = out, .clause = clause, .images = images, .image_count = image_count, .err = err};
    m.contents = ps__calloc(count + 1, sizeof *m.contents);
    m.choice = ps__calloc(count + 1, sizeof *m.choice);
    int status = m.contents && m.choice ? PS__OK : ps__fail_nomem(err);
    for (size_t i = 0; status == PS__OK && i < count; i++)
        status = encode(&m.contents[i], model, lang, clause->contents[i].text, err);
    if (status == PS__OK) status = blend_all(&m);
    if (status == PS__OK) status = keep_nots(&m);
    for (size_t i = 0; m.contents && i < count; i++) ps__free(m.contents[i].query);
    ps__free(m.contents);
    ps__free(m.choice);
    return status;
}

static void clear(ps__ask *list, size_t count) {
    for (size_t i = 0; i < count; i++) ps__free(list[i].query);
    ps__free(list);
}

void ps__asks_clear(ps__asks *asks) {
    clear(asks->list, asks->count);
    clear(asks->nots, asks->not_count);
    memset(asks, 0, sizeof *asks);
}
