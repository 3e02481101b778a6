/*
** A query as one line, for tests and for people who look for a fault. docs/queries.md describes the form.
*/
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "search/query.h"

static void part(ps__buf *out, size_t start, const char *name) {
    if (out->length > start) ps__buf_puts(out, "; ");
    ps__buf_printf(out, "%s: ", name);
}

/* ---- Content ---- */

static void dump_contents(ps__buf *out, size_t start, const ps__clause *clause) {
    int put = 0;
    for (size_t i = 0; i < clause->content_count; i++) {
        const ps__content *c = &clause->contents[i];
        if (c->weight != 1) continue;
        if (put)
            ps__buf_puts(out, " | ");
        else
            part(out, start, "text");
        ps__buf_puts(out, c->text);
        put = 1;
    }
    for (int negative = 0; negative < 2; negative++)
        for (size_t i = 0; i < clause->content_count; i++) {
            const ps__content *c = &clause->contents[i];
            char name[32];
            if (c->weight == 1 || (c->weight < 0) != negative) continue;
            if (c->weight == -1)
                snprintf(name, sizeof name, "not");
            else
                snprintf(name, sizeof name, "%s^%.4g", negative ? "not" : "text", fabs(c->weight));
            part(out, start, name);
            ps__buf_puts(out, c->text);
        }
}

/* ---- Filters ---- */

static int is_all(const ps__when *w) {
    return !w->every[0] && w->count == 1 && w->spans[0].from_s == PS__WHEN_FIRST && w->spans[0].to_s == PS__WHEN_LAST;
}

static void dump_days(ps__buf *out, unsigned days) {
    static const char *const NAMES[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    int put = 0;
    for (int d = 0; d < 7; d++)
        if (days >> d & 1) ps__buf_printf(out, "%s%s", put++ ? " " : "", NAMES[d]);
}

/* Spans, days and hours, each as a part of its own; of a negative filter, and of alternatives, they stay together. */
static void dump_when(ps__buf *out, size_t start, const ps__filter *f, int first) {
    const ps__when *w = &f->when;
    int days = w->weekdays != PS__WEEK, hours = w->minute_from != 0 || w->minute_to != 1440,
        spans = !is_all(w) || (!days && !hours);
    const char *not = f->negative && first ? "not " : "";
    const char *names[3] = {"when", "days", f->lenient ? "hours~" : "hours"};
    int holds[3] = {spans, days, hours}, put = 0;
    for (int i = 0; i < 3; i++) {
        char name[16];
        if (!holds[i]) continue;
        snprintf(name, sizeof name, "%s%s", put ? "" : not, names[i]);
        if (put && (f->negative || !first))
            ps__buf_printf(out, " and %s: ", name);
        else if (!put && !first)
            ps__buf_puts(out, "");
        else
            part(out, start, name);
        if (i == 0) ps__when_print(out, w);
        if (i == 1) dump_days(out, w->weekdays);
        if (i == 2)
            ps__buf_printf(out, "%02d:%02d..%02d:%02d", w->minute_from / 60, w->minute_from % 60, w->minute_to / 60,
                           w->minute_to % 60);
        put = 1;
    }
}

static void dump_where(ps__buf *out, const ps__where *w) {
    ps__buf_printf(out, "%s %s", w->near ? "near" : "in", w->place.name);
    if (w->place.kind >= PS__PLACE_REGION && w->place.country[0]) ps__buf_printf(out, ", %s", w->place.country);
    if (w->near) ps__buf_printf(out, " %.4g km", w->radius_km);
}

static void dump_range(ps__buf *out, double low, double high) {
    if (low != -INFINITY) ps__buf_printf(out, "%.15g", low);
    ps__buf_puts(out, "..");
    if (high != INFINITY) ps__buf_printf(out, "%.15g", high);
}

static const char *filter_name(int kind) {
    static const char *const NAMES[] = {"",     "when",   "where", "camera", "lens",   "flash", "shape", "kind",
                                        "type", "folder", "name",  "rating", "pixels", "bytes", "words", "tag"};
    return NAMES[kind];
}

static void dump_value(ps__buf *out, const ps__filter *f) {
    static const char *const SHAPES[] = {"", "portrait", "landscape", "square", "panorama"};
    static const char *const KINDS[] = {"", "screenshot", "panorama", "", "selfie"};
    switch (f->kind) {
    case PS__FILTER_WHERE: dump_where(out, &f->where); break;
    case PS__FILTER_FLASH: ps__buf_puts(out, f->value ? "on" : "off"); break;
    case PS__FILTER_SHAPE: ps__buf_puts(out, SHAPES[f->value]); break;
    case PS__FILTER_KIND: ps__buf_puts(out, KINDS[f->value]); break;
    case PS__FILTER_RATING:
    case PS__FILTER_PIXELS:
    case PS__FILTER_BYTES: dump_range(out, f->low, f->high); break;
    default: ps__buf_puts(out, f->text); break;
    }
}

static void dump_filter(ps__buf *out, size_t start, const ps__filter *f, const ps__filter *before) {
    int first = !before || before->group != f->group;
    char name[32];
    if (!first) ps__buf_puts(out, " | ");
    if (f->kind == PS__FILTER_WHEN) {
        dump_when(out, start, f, first);
        return;
    }
    snprintf(name, sizeof name, "%s%s", f->negative ? "not " : "", filter_name(f->kind));
    if (first) part(out, start, name);
    dump_value(out, f);
}

void ps__query_dump(ps__buf *out, const ps__query *query) {
    size_t start = out->length;
    for (size_t k = 0; k < query->clause_count; k++) {
        const ps__clause *clause = &query->clauses[k];
        if (k) ps__buf_puts(out, " OR ");
        size_t from = out->length;
        dump_contents(out, from, clause);
        for (size_t i = 0; i < clause->filter_count; i++)
            dump_filter(out, from, &clause->filters[i], i ? &clause->filters[i - 1] : NULL);
    }
    if (query->order != PS__ORDER_RELEVANCE) {
        part(out, start, "sort");
        ps__buf_puts(out, query->order == PS__ORDER_NEWEST ? "newest" : "oldest");
    }
}
