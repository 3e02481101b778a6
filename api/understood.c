/*
** The parsed query as people and programs are shown it; see understood.h.
*/
#include "api/understood.h"

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
    return status;
}

void ps__understood_clear(ps__understood *understood) {
    for (size_t i = 0; i < understood->place_count; i++) ps__free(understood->places[i]);
    ps__free(understood->filters);
    ps__free(understood->places);
    ps__free(understood->nots);
    memset(understood, 0, sizeof *understood);
}
