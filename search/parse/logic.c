/*
** Not, or, weights: which segments belong together, and the clauses made of them. A sentence is one clause unless both sides of
** an "or" have filters and content of their own.
*/
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "search/parse/build.h"

enum { UNIT_CONTENT, UNIT_FILTER, UNIT_NOT_CONTENT, UNIT_OR, UNIT_WEIGHT };

typedef struct unit {
    int type;
    int negative;
    int joined; /* a filter: one of the alternatives that the filter before it begins */
    const ps__segment *segment;
    size_t from, to; /* tokens */
} unit;

typedef struct units {
    unit *items; /* [count] owned */
    size_t count, room;
} units;

static int add(units *list, const unit *u) {
    if (list->count == list->room) {
        size_t room = list->room ? list->room * 2 : 16;
        unit *grown = ps__realloc(list->items, room * sizeof *grown);
        if (!grown) return 0;
        list->items = grown;
        list->room = room;
    }
    list->items[list->count++] = *u;
    return 1;
}

/* ---- Not ---- */

static int is_small_only(const ps__parse *p, size_t from, size_t to) {
    for (size_t i = from, n; i < to; i += n) {
        n = ps__small_at(p, i);
        if (!n) n = ps__noise_at(p, i);
        if (!n) return 0;
    }
    return 1;
}

static int is_fold(const ps__parse *p, size_t token, const char *word) {
    return p->lexer.tokens[token].fold_length && strcmp(ps__token_fold(p, token), word) == 0;
}

/* Where a "not" before content stops within it: at a pause, at an "and" or "but" with something behind, and in Han script, after
** what says "without" of a noun that follows ("没有人的海滩"), at what links it to that noun. */
static size_t reach(const ps__parse *p, size_t from, size_t to) {
    int named = 0; /* 1: there was an ordinary word */
    int relative = from > 0 && (is_fold(p, from - 1, "有") || is_fold(p, from - 1, "带"));
    for (size_t i = from; i < to; i++) {
        if (ps__is_pause(p, i)) return i;
        if (i > from && i + 1 < to && (ps__chart_longest(p, i, PS__SYM_AND) >= 0 || ps__chart_longest(p, i, PS__SYM_BUT) >= 0))
            return i;
        /* "no shirt on climbing rocks": what is not there is told, and a preposition or a verb begins something else. */
        size_t small = ps__small_at(p, i);
        if (small && named && ps__chart_longest(p, i, PS__SYM_ARTICLE) < 0 && ps__chart_longest(p, i, PS__SYM_LINK) < 0) return i;
        named |= !small;
        if (relative && i > from && i + 1 < to && ps__chart_longest(p, i, PS__SYM_LINK) >= 0) return i;
    }
    return to;
}

/* What a minus sign belongs to: a word with all that is joined to it, Han up to a blank. */
static size_t minus_reach(const ps__parse *p, size_t from, size_t to) {
    size_t i = from + 1;
    while (i < to && !p->lexer.tokens[i].space && !ps__is_pause(p, i)) i++;
    return i;
}

typedef struct negation {
    const ps__parse *p;
    const ps__segment *segments;
    size_t count;
    units *out;
} negation;

/* A negated stretch of content; the rest of the segment stays content. */
static int negate_content(negation *n, const ps__segment *s, int minus) {
    size_t end = minus ? minus_reach(n->p, s->from, s->to) : reach(n->p, s->from, s->to);
    unit no = {.type = UNIT_NOT_CONTENT, .segment = s, .from = s->from, .to = end};
    unit rest = {.type = UNIT_CONTENT, .segment = s, .from = end, .to = s->to};
    return add(n->out, &no) && (end == s->to || add(n->out, &rest));
}

/* Everything that a "not" at segment i is about, onto the list; returns the segment behind it, i itself when there is nothing to
** negate, or count + 1 when memory ran out. */
static size_t negate(negation *n, size_t i) {
    int minus = n->segments[i].type == PS__SEGMENT_MINUS;
    size_t at = i + 1, count = n->count;
    for (;;) {
        if (!minus && at + 1 < count && n->segments[at].type == PS__SEGMENT_CONTENT &&
            n->segments[at + 1].type == PS__SEGMENT_FILTER && is_small_only(n->p, n->segments[at].from, n->segments[at].to))
            at++; /* "not the ones from 2019" */
        const ps__segment *s = at < count ? &n->segments[at] : NULL;
        if (!s || (s->type != PS__SEGMENT_FILTER && s->type != PS__SEGMENT_CONTENT && s->type != PS__SEGMENT_WEIGHT)) return i;
        if (s->type == PS__SEGMENT_CONTENT) {
            if (!minus && reach(n->p, s->from, s->to) == s->from) return i; /* "not, ..." */
            if (!negate_content(n, s, minus)) return count + 1;
            if (n->out->items[n->out->count - 1].type == UNIT_CONTENT) return at + 1;
        } else {
            int quoted =
                minus && s->type == PS__SEGMENT_FILTER && n->p->items[s->item].symbol == PS__SYM_QUOTED; /* -"red umbrella" */
            unit u = {.type = s->type == PS__SEGMENT_FILTER && !quoted ? UNIT_FILTER : UNIT_WEIGHT,
                      .negative = 1,
                      .segment = s,
                      .from = s->from,
                      .to = s->to};
            if (!add(n->out, &u)) return count + 1;
        }
        at++;
        int more = !minus && at + 1 < count && n->segments[at].type == PS__SEGMENT_OR && n->segments[at + 1].type == s->type;
        if (!more) return at;
        i = at; /* "without dogs or cats": neither */
        at++;
    }
}

static int list_units(units *out, const ps__parse *p, const ps__segments *segments) {
    negation n = {p, segments->items, segments->count, out};
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < segments->count;) {
        const ps__segment *s = &segments->items[i];
        unit u = {.type = UNIT_CONTENT, .segment = s, .from = s->from, .to = s->to};
        if (s->type == PS__SEGMENT_NOT || s->type == PS__SEGMENT_MINUS) {
            size_t behind = negate(&n, i);
            if (behind > segments->count) return 0;
            if (behind > i) {
                i = behind;
                continue;
            }
        }
        if (s->type == PS__SEGMENT_FILTER) u.type = UNIT_FILTER;
        if (s->type == PS__SEGMENT_WEIGHT) u.type = UNIT_WEIGHT;
        if (s->type == PS__SEGMENT_OR && i > 0 && i + 1 < segments->count) u.type = UNIT_OR;
        unit *last = out->count ? &out->items[out->count - 1] : NULL;
        if (u.type == UNIT_CONTENT && last && last->type == UNIT_CONTENT && last->to == u.from)
            last->to = u.to;
        else if (!add(out, &u))
            return 0;
        i++;
    }
    return 1;
}

/* ---- Or ---- */

static int kind_of(const ps__parse *p, const unit *u) {
    if (u->type != UNIT_FILTER) return -u->type - 1;
    switch (p->items[u->segment->item].symbol) {
    case PS__SYM_TIME:
    case PS__SYM_WHEN: return PS__SYM_WHEN;
    case PS__SYM_PLACE:
    case PS__SYM_DEMONYM:
    case PS__SYM_WHERE: return PS__SYM_WHERE;
    default: return p->items[u->segment->item].symbol;
    }
}

static int is_only_and(const ps__parse *p, const unit *u) {
    size_t from = u->from;
    if (u->type != UNIT_CONTENT) return 0;
    if (ps__is_pause(p, from) && from + 1 < u->to) from++;
    int32_t item = ps__chart_longest(p, from, PS__SYM_AND);
    return item >= 0 && p->items[item].to == u->to;
}

/* Filters of one kind on both sides of an "or", or of an "and" that cannot be met by both (two places, two times), are
** alternatives; the word between them goes. */
static void join_filters(units *list, const ps__parse *p) {
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        unit *u = &list->items[i], *last = kept ? &list->items[kept - 1] : NULL;
        unit *next = i + 1 < list->count ? &list->items[i + 1] : NULL;
        int links = u->type == UNIT_OR || is_only_and(p, u);
        if (links && last && next && last->type == UNIT_FILTER && next->type == UNIT_FILTER && !last->negative &&
            !next->negative) {
            int kind = kind_of(p, next), same = kind_of(p, last) == kind;
            if (same && (u->type == UNIT_OR || kind == PS__SYM_WHERE || kind == PS__SYM_WHEN)) {
                next->joined = u->type == UNIT_OR ? 1 : 2;
                continue;
            }
        }
        list->items[kept++] = *u;
    }
    list->count = kept;
}

/* 1: content, 2: filters, in units from i up to the next "or". */
static int holds(const units *list, size_t i, size_t *end) {
    int what = 0;
    for (; i < list->count && list->items[i].type != UNIT_OR; i++) what |= list->items[i].type == UNIT_FILTER ? 2 : 1;
    *end = i;
    return what;
}

/* 1: the "or" at a unit parts clauses; 0: contents that share the filters around them. */
static int parts_clauses(const units *list, size_t start, size_t at) {
    size_t end, i;
    int left = 0, right = holds(list, at + 1, &end);
    for (i = start; i < at; i++)
        if (list->items[i].type != UNIT_OR) left |= list->items[i].type == UNIT_FILTER ? 2 : 1;
    int contents =
        at > 0 && list->items[at - 1].type != UNIT_FILTER && at + 1 < list->count && list->items[at + 1].type != UNIT_FILTER;
    if (contents) return left == 3 && right == 3;
    return left != 0 && right != 0;
}

/* ---- Clauses ---- */

typedef struct building {
    ps__parse *p;
    const unit *units;
    size_t count;
    ps__clause *clause;
    ps__run *runs; /* [count] owned */
    int group;
} building;

static int add_content(ps__clause *clause, char *text, double weight, int group, ps__error *err) {
    ps__content *grown = ps__realloc(clause->contents, (clause->content_count + 1) * sizeof *grown);
    if (!grown) {
        ps__free(text);
        return ps__fail_nomem(err);
    }
    clause->contents = grown;
    grown[clause->content_count++] = (ps__content){text, weight, group};
    return PS__OK;
}

/* Hemisphere of the first place that the clause is in. */
static int is_southern(const building *b) {
    for (size_t i = 0; i < b->count; i++)
        if (b->units[i].type == UNIT_FILTER && !b->units[i].negative && kind_of(b->p, &b->units[i]) == PS__SYM_WHERE)
            return b->units[i].segment->where.place.latitude < 0;
    return b->p->context->southern;
}

/* "January or February": 01-01..02-01 and 02-01..03-01 are one. */
static int merge_recurring(ps__when *a, const ps__when *b) {
    char both[sizeof a->every];
    if (strlen(a->every) != 12 || strlen(b->every) != 12 || memcmp(a->every + 7, b->every, 5) != 0) return 0;
    snprintf(both, sizeof both, "%.5s..%s", a->every, b->every + 7);
    if (ps__when_or(a, b, NULL) != PS__OK) return 0;
    memcpy(a->every, both, sizeof both);
    return 1;
}

/* What two times allow together, as one filter. */
static int merge_times(ps__filter *into, const ps__filter *other) {
    ps__when *a = &into->when;
    const ps__when *b = &other->when;
    int hours_differ = a->minute_from != b->minute_from || a->minute_to != b->minute_to;
    int all_a = a->count == 1 && a->spans[0].from_s == PS__WHEN_FIRST && a->spans[0].to_s == PS__WHEN_LAST;
    int all_b = b->count == 1 && b->spans[0].from_s == PS__WHEN_FIRST && b->spans[0].to_s == PS__WHEN_LAST;
    if (into->kind != PS__FILTER_WHEN || other->kind != PS__FILTER_WHEN || hours_differ || into->lenient != other->lenient)
        return 0;
    if (all_a && all_b && a->weekdays != PS__WEEK && b->weekdays != PS__WEEK) {
        a->weekdays |= b->weekdays;
        return 1;
    }
    if (a->every[0] && b->every[0]) return merge_recurring(a, b);
    if (a->every[0] || b->every[0]) return 0;
    return ps__when_or(a, b, NULL) == PS__OK;
}

static int add_filter(building *b, const unit *u, int southern, ps__error *err) {
    ps__clause *clause = b->clause;
    ps__filter filter, *grown;
    int status = ps__filter_of(&filter, b->p, u->segment, southern, err);
    if (status != PS__OK) return status;
    filter.negative = u->negative;
    if (u->negative) filter.lenient = 0; /* a photo of which nothing is known is not what is to be left out */
    if (u->joined && clause->filter_count) {
        ps__filter *last = &clause->filters[clause->filter_count - 1];
        uint32_t from = b->p->lexer.tokens[u[-1].from].from, to = b->p->lexer.tokens[u->to - 1].to;
        if (merge_times(last, &filter)) {
            char *words = ps__strndup(b->p->text + from, to - from);
            ps__query_filter_clear(&filter);
            if (!words) return ps__fail_nomem(err);
            ps__free(last->words);
            last->words = words;
            return PS__OK;
        }
        filter.group = last->group;
    } else {
        filter.group = b->group++;
    }
    grown = ps__realloc(clause->filters, (clause->filter_count + 1) * sizeof *grown);
    if (!grown) {
        ps__query_filter_clear(&filter);
        return ps__fail_nomem(err);
    }
    clause->filters = grown;
    grown[clause->filter_count++] = filter;
    return PS__OK;
}

static int is_hours(const ps__parse *p, const unit *u) {
    if (u->type != UNIT_FILTER || u->negative) return 0;
    const ps__item *item = &p->items[u->segment->item];
    if (item->symbol != PS__SYM_WHEN && item->symbol != PS__SYM_TIME) return 0;
    const ps__item *time = ps__item_part(p, item, PS__SYM_TIME);
    return ((time ? time : item)->flags & PS__ITEM_DAYPART) != 0;
}

/* The texts to be found: one, or alternatives parted by "or". */
static int add_texts(building *b, int bare, ps__error *err) {
    size_t runs = 0;
    int status = PS__OK;
    for (size_t i = 0; i <= b->count && status == PS__OK; i++) {
        const unit *u = i < b->count ? &b->units[i] : NULL;
        if (u && u->type == UNIT_CONTENT) b->runs[runs++] = (ps__run){u->from, u->to, 0};
        if (u && is_hours(b->p, u)) b->runs[runs++] = (ps__run){u->from, u->to, 1};
        if (u && u->type != UNIT_OR) continue;
        char *text;
        status = ps__content_text(&text, b->p, b->runs, runs, bare, err);
        runs = 0;
        if (status != PS__OK) break;
        if (text[0])
            status = add_content(b->clause, text, 1, 0, err);
        else
            ps__free(text);
    }
    return status;
}

static int add_other(building *b, const unit *u, ps__error *err) {
    const ps__parse *p = b->p;
    const ps__token *t = ps__token_at(p, u->from);
    ps__run run = {u->from, u->to, 0};
    double weight = -1;
    char *text;
    int status = PS__OK;
    if (u->type == UNIT_WEIGHT) {
        weight = u->negative ? -t->weight : t->weight;
        text = ps__strndup(p->text + t->body_from, t->body_to - t->body_from);
        if (!text) status = ps__fail_nomem(err);
    } else {
        status = ps__content_text(&text, p, &run, 1, 0, err);
        if (status == PS__OK && !text[0]) {
            ps__free(text);
            status = ps__content_text(&text, p, &run, 1, 1, err);
        }
    }
    return status == PS__OK ? add_content(b->clause, text, weight, b->group++, err) : status;
}

static int build_clause(ps__clause *out, ps__parse *p, const unit *list, size_t count, ps__error *err) {
    building b = {.p = p, .units = list, .count = count, .clause = out, .group = 1};
    int southern = is_southern(&b), status = PS__OK;
    b.runs = ps__array(count + 1, sizeof *b.runs);
    if (!b.runs) return ps__fail_nomem(err);
    for (size_t i = 0; i < count && status == PS__OK; i++) {
        if (list[i].type != UNIT_FILTER) continue;
        if (p->items[list[i].segment->item].symbol != PS__SYM_SORT) status = add_filter(&b, &list[i], southern, err);
    }
    if (status == PS__OK) status = add_texts(&b, 0, err);
    for (size_t i = 0; i < count && status == PS__OK; i++)
        if (list[i].type == UNIT_NOT_CONTENT || list[i].type == UNIT_WEIGHT) status = add_other(&b, &list[i], err);
    for (size_t i = 0; i < out->filter_count && status == PS__OK; i++)
        status = ps__filter_meaning(&out->filters[i].meaning, &out->filters[i], p->context->gazetteer, err);
    ps__free(b.runs);
    return status;
}

static int add_clause(ps__query *out, ps__parse *p, const unit *list, size_t count, ps__error *err) {
    ps__clause *grown = ps__realloc(out->clauses, (out->clause_count + 1) * sizeof *grown);
    if (!grown) return ps__fail_nomem(err);
    out->clauses = grown;
    memset(&grown[out->clause_count], 0, sizeof *grown);
    return build_clause(&grown[out->clause_count++], p, list, count, err);
}

static void take_order(ps__query *out, const ps__parse *p, const units *list) {
    for (size_t i = 0; i < list->count; i++) {
        const unit *u = &list->items[i];
        if (u->type == UNIT_FILTER && p->items[u->segment->item].symbol == PS__SYM_SORT)
            out->order = p->items[u->segment->item].value;
    }
}

static int add_notes(ps__query *out, const ps__buf *notes, ps__error *err) {
    for (size_t i = 0; i < notes->length; i += strlen(notes->bytes + i) + 1) {
        char **grown = ps__realloc(out->notes, (out->note_count + 1) * sizeof *grown);
        if (!grown) return ps__fail_nomem(err);
        out->notes = grown;
        grown[out->note_count] = ps__strdup(notes->bytes + i);
        if (!grown[out->note_count]) return ps__fail_nomem(err);
        out->note_count++;
    }
    return PS__OK;
}

/* Sides of an "or" of which nothing is left ("photos or cats in Paris"); the first stays when all are so. */
static void drop_empty(ps__query *out) {
    size_t kept = 0, full = 0;
    for (size_t i = 0; i < out->clause_count; i++) full += out->clauses[i].filter_count || out->clauses[i].content_count;
    for (size_t i = 0; i < out->clause_count; i++) {
        int empty = !out->clauses[i].filter_count && !out->clauses[i].content_count;
        if (empty && (full || i > 0)) {
            ps__free(out->clauses[i].filters);
            ps__free(out->clauses[i].contents);
        } else {
            out->clauses[kept++] = out->clauses[i];
        }
    }
    out->clause_count = kept;
}

int ps__logic_build(ps__query *out, ps__parse *p, const ps__segments *segments, ps__error *err) {
    units list;
    int status = PS__OK;
    size_t start = 0;
    if (!list_units(&list, p, segments)) {
        ps__free(list.items);
        return ps__fail_nomem(err);
    }
    join_filters(&list, p);
    take_order(out, p, &list);
    for (size_t i = 0; i <= list.count && status == PS__OK; i++) {
        if (i < list.count && !(list.items[i].type == UNIT_OR && parts_clauses(&list, start, i))) continue;
        status = add_clause(out, p, list.items + start, i - start, err);
        start = i + 1;
    }
    if (status == PS__OK) drop_empty(out);
    if (status == PS__OK) status = add_notes(out, &segments->notes, err);
    ps__free(list.items);
    return status;
}
