/*
** What is true of every query that the parser gives. The tests and the fuzz target check it; a broken rule aborts.
*/
#ifndef PS_TESTS_SEARCH_INVARIANTS_H
#define PS_TESTS_SEARCH_INVARIANTS_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "search/query.h"

static inline void require(int truth, const char *rule) {
    if (truth) return;
    fprintf(stderr, "a query breaks a rule: %s\n", rule);
    abort();
}
#define REQUIRE(truth) require(truth, #truth)

/* `tidy`: single blanks, none at the ends. */
static inline void check_text(const char *text, int tidy) {
    REQUIRE(text != NULL);
    size_t length = strlen(text);
    REQUIRE(ps__utf8_valid(text, length));
    for (size_t i = 0; i < length; i++) REQUIRE((unsigned char)text[i] >= 0x20 && text[i] != 0x7F);
    if (tidy) REQUIRE(length && text[0] != ' ' && text[length - 1] != ' ' && !strstr(text, "  "));
}

static inline void check_when(const ps__when *when) {
    for (size_t i = 0; i < when->count; i++) {
        REQUIRE(when->spans[i].from_s < when->spans[i].to_s);
        if (i) REQUIRE(when->spans[i - 1].to_s < when->spans[i].from_s);
    }
    REQUIRE(when->count >= 1);
    REQUIRE(when->weekdays >= 1 && when->weekdays <= PS__WEEK);
    REQUIRE(when->minute_from >= 0 && when->minute_from <= 1440 && when->minute_to >= 0 && when->minute_to <= 1440);
    REQUIRE(when->minute_from != when->minute_to);
}

static inline void check_filter(const ps__filter *f) {
    REQUIRE(f->kind >= PS__FILTER_WHEN && f->kind <= PS__FILTER_TAG);
    REQUIRE(!(f->negative && f->lenient));
    check_text(f->words, 1);
    check_text(f->meaning, 1);
    REQUIRE(f->low <= f->high);
    switch (f->kind) {
    case PS__FILTER_WHEN: check_when(&f->when); break;
    case PS__FILTER_WHERE:
        REQUIRE(f->where.place.name && f->where.place.kind >= PS__PLACE_CONTINENT && f->where.place.kind <= PS__PLACE_CITY);
        REQUIRE(!f->where.near || (f->where.radius_km > 0 && f->where.radius_km <= 20000));
        break;
    case PS__FILTER_CAMERA:
    case PS__FILTER_LENS:
    case PS__FILTER_TYPE:
    case PS__FILTER_FOLDER:
    case PS__FILTER_NAME:
    case PS__FILTER_WORDS:
    case PS__FILTER_TAG: check_text(f->text, 1); break;
    case PS__FILTER_SHAPE: REQUIRE(f->value >= PS__SHAPE_PORTRAIT && f->value <= PS__SHAPE_PANORAMA); break;
    case PS__FILTER_KIND:
        REQUIRE(f->value == PS__KIND_SCREENSHOT || f->value == PS__KIND_PANORAMA || f->value == PS__KIND_SELFIE);
        break;
    default: break;
    }
}

static inline void check_clause(const ps__clause *clause) {
    for (size_t i = 0; i < clause->filter_count; i++) {
        check_filter(&clause->filters[i]);
        if (i) REQUIRE(clause->filters[i].group >= clause->filters[i - 1].group);
        if (i && clause->filters[i].group == clause->filters[i - 1].group)
            REQUIRE(clause->filters[i].kind == clause->filters[i - 1].kind && !clause->filters[i].negative &&
                    !clause->filters[i - 1].negative);
    }
    for (size_t i = 0; i < clause->content_count; i++) {
        check_text(clause->contents[i].text, 1);
        REQUIRE(fabs(clause->contents[i].weight) >= 0.1 && fabs(clause->contents[i].weight) <= 10);
    }
}

static inline void check_query(const ps__query *query, const ps__query_context *context) {
    ps__buf dump = PS__BUF_INIT;
    int literal = !context || context->flags & PS__QUERY_LITERAL;
    REQUIRE(query->clause_count >= 1);
    REQUIRE(query->order >= PS__ORDER_RELEVANCE && query->order <= PS__ORDER_OLDEST);
    check_text(query->text, query->text && query->text[0]);
    for (size_t k = 0; k < query->clause_count; k++) {
        const ps__clause *clause = &query->clauses[k];
        check_clause(clause);
        REQUIRE(clause->filter_count || clause->content_count || query->order);
    }
    if (literal) REQUIRE(query->clause_count == 1 && !query->clauses[0].filter_count && query->clauses[0].content_count == 1);
    for (size_t i = 0; i < query->note_count; i++) check_text(query->notes[i], 1);
    ps__query_dump(&dump, query);
    REQUIRE(!dump.failed && ps__utf8_valid(dump.bytes, dump.length));
    ps__buf_free(&dump);
}

#endif
