/*
** The parsed query as people and programs are shown it; see understood.h.
*/
#include "api/understood.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "store/calendar.h"

static const char *kind_name(int kind) {
    static const char *const names[] = {
        [PS__FILTER_WHEN] = "time",   [PS__FILTER_WHERE] = "place", [PS__FILTER_CAMERA] = "camera", [PS__FILTER_LENS] = "lens",
        [PS__FILTER_FLASH] = "flash", [PS__FILTER_SHAPE] = "shape", [PS__FILTER_KIND] = "kind",     [PS__FILTER_TYPE] = "type",
        [PS__FILTER_FOLDER] = "folder", [PS__FILTER_NAME] = "name", [PS__FILTER_RATING] = "rating", [PS__FILTER_PIXELS] = "pixels",
        [PS__FILTER_BYTES] = "bytes", [PS__FILTER_WORDS] = "words", [PS__FILTER_TAG] = "tag",
    };
    return kind > 0 && (size_t)kind < sizeof names / sizeof *names && names[kind] ? names[kind] : "other";
}

static void count(ps__understood *out, size_t *nots, const ps__query *query) {
    for (size_t c = 0; c < query->clause_count; c++) {
        const ps__clause *clause = &query->clauses[c];
        out->filter_count += clause->filter_count;
        *nots += clause->filter_count + clause->content_count;
    }
}

static int add_place(ps__understood *out, const char *name, ps__error *err) {
    out->places[out->place_count] = ps__strdup(name);
    return out->places[out->place_count] ? (out->place_count++, PS__OK) : ps__fail_nomem(err);
}

static int add_filter(ps__understood *out, const ps__filter *f, size_t at, int group, ps__error *err) {
    const char *meaning = f->meaning ? f->meaning : "", *words = f->words ? f->words : "";
    out->filters[at] = (ps_understood_filter){kind_name(f->kind), words, meaning, f->negative, group};
    if (f->negative)
        out->nots[out->not_count++] = words[0] ? words : meaning;
    else if (f->kind == PS__FILTER_WHERE)
        return add_place(out, f->where.place.name ? f->where.place.name : words, err);
    return PS__OK;
}

/* The time that a group of filters spans. 0: it says nothing of it, or something that recurs. */
static int group_bounds(int64_t *from, int64_t *to, const ps__clause *clause, int group) {
    int found = 0;
    for (size_t i = 0; i < clause->filter_count; i++) {
        const ps__filter *f = &clause->filters[i];
        int64_t a, b;
        if (f->group != group) continue;
        if (f->kind != PS__FILTER_WHEN || f->negative || f->when.every[0] || !f->when.count) return 0;
        ps__when_bounds(&a, &b, &f->when);
        if (!found || a < *from) *from = a;
        if (!found || b > *to) *to = b;
        found = 1;
    }
    return found;
}

static void set_bounds(ps__understood *out, const ps__query *query) {
    int64_t from = PS__WHEN_FIRST, to = PS__WHEN_LAST, a = 0, b = 0;
    if (query->clause_count != 1) return;
    const ps__clause *clause = &query->clauses[0];
    for (size_t i = 0; i < clause->filter_count; i++) {
        if (!group_bounds(&a, &b, clause, clause->filters[i].group)) continue;
        if (a > from) from = a;
        if (b < to) to = b;
    }
    if (from != PS__WHEN_FIRST) ps__calendar_text(out->from, from);
    if (to != PS__WHEN_LAST) ps__calendar_text(out->to, to - 1);
}

/* ---- The reading ---- */

static void put_part(ps__buf *out, size_t start) {
    if (out->length > start) ps__buf_puts(out, "; ");
}

/* Contents of one group, the alternatives with "or" between; of each group when its first one is met. */
static void put_contents(ps__buf *out, const ps__clause *clause, size_t start) {
    for (size_t i = 0; i < clause->content_count; i++) {
        const ps__content *c = &clause->contents[i];
        int met = 0;
        for (size_t k = 0; k < i; k++) met |= c->weight > 0 && clause->contents[k].weight > 0 && clause->contents[k].group == c->group;
        if (met) continue;
        put_part(out, start);
        ps__buf_printf(out, c->weight < 0 ? "without \"%s\"" : "\"%s\"", c->text);
        for (size_t k = i + 1; c->weight > 0 && k < clause->content_count; k++)
            if (clause->contents[k].weight > 0 && clause->contents[k].group == c->group) ps__buf_printf(out, " or \"%s\"", clause->contents[k].text);
        if (c->weight != 1 && c->weight != -1) ps__buf_printf(out, " (weight %g)", fabs(c->weight));
    }
}

static void put_filters(ps__buf *out, const ps__clause *clause, size_t start) {
    for (size_t i = 0; i < clause->filter_count; i++) {
        const ps__filter *f = &clause->filters[i];
        if (i && f->group == clause->filters[i - 1].group)
            ps__buf_puts(out, " or ");
        else
            put_part(out, start);
        ps__buf_puts(out, f->meaning ? f->meaning : "");
    }
}

/* 1: there is more to it than one content of the usual weight. */
static int is_special(const ps__query *query) {
    const ps__clause *first = &query->clauses[0];
    return query->clause_count != 1 || query->order || first->filter_count || first->content_count != 1 || first->contents[0].weight != 1;
}

static int put_reading(ps__understood *out, const ps__query *query, ps__error *err) {
    ps__buf text = PS__BUF_INIT;
    if (query->clause_count == 0 || !is_special(query)) return PS__OK;
    for (size_t c = 0; c < query->clause_count; c++) {
        if (c) ps__buf_puts(&text, " -- or ");
        size_t start = text.length;
        put_contents(&text, &query->clauses[c], start);
        put_filters(&text, &query->clauses[c], start);
    }
    if (query->order) {
        put_part(&text, 0);
        ps__buf_puts(&text, query->order == PS__ORDER_NEWEST ? "newest first" : "oldest first");
    }
    int empty = text.length == 0;
    out->reading = ps__buf_detach(&text);
    if (!out->reading) return ps__fail_nomem(err);
    if (empty) {
        ps__free(out->reading);
        out->reading = NULL;
    }
    return PS__OK;
}

int ps__understood_make(ps__understood *out, const ps__query *query, ps__error *err) {
    size_t nots = 0, at = 0;
    memset(out, 0, sizeof *out);
    count(out, &nots, query);
    out->filters = ps__array(out->filter_count + 1, sizeof *out->filters);
    out->places = ps__array(out->filter_count + 1, sizeof *out->places);
    out->nots = ps__array(nots + 1, sizeof *out->nots);
    if (!out->filters || !out->places || !out->nots) return ps__fail_nomem(err);
    int status = PS__OK, groups = 0; /* numbers of groups are those of one clause */
    for (size_t c = 0; status == PS__OK && c < query->clause_count; c++) {
        const ps__clause *clause = &query->clauses[c];
        int most = -1;
        for (size_t i = 0; status == PS__OK && i < clause->filter_count; i++) {
            status = add_filter(out, &clause->filters[i], at++, groups + clause->filters[i].group, err);
            if (clause->filters[i].group > most) most = clause->filters[i].group;
        }
        for (size_t i = 0; i < clause->content_count; i++)
            if (clause->contents[i].weight < 0) out->nots[out->not_count++] = clause->contents[i].text;
        groups += most + 1;
    }
    set_bounds(out, query);
    return status == PS__OK ? put_reading(out, query, err) : status;
}

void ps__understood_clear(ps__understood *understood) {
    for (size_t i = 0; i < understood->place_count; i++) ps__free(understood->places[i]);
    ps__free(understood->filters);
    ps__free(understood->places);
    ps__free(understood->nots);
    ps__free(understood->reading);
    memset(understood, 0, sizeof *understood);
}
