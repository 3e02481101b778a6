/*
** Which of the readings in the chart a sentence is taken to have: it is cut into segments of content, filters and operators.
*/
#ifndef PS_SEARCH_PARSE_SELECT_H
#define PS_SEARCH_PARSE_SELECT_H

#include "search/parse/chart.h"

enum {
    PS__SEGMENT_CONTENT = 1,
    PS__SEGMENT_FILTER = 2,
    PS__SEGMENT_NOT = 3,
    PS__SEGMENT_MINUS = 4, /* not, of the one word or filter that follows */
    PS__SEGMENT_OR = 5,
    PS__SEGMENT_WEIGHT = 6 /* one word or quoted text with a weight */
};

typedef struct ps__segment {
    int type;        /* PS__SEGMENT_* */
    size_t from, to; /* tokens */
    int32_t item;    /* of a filter */
    ps__where where; /* of a filter that is a place */
} ps__segment;

typedef struct ps__segments {
    ps__segment *items; /* [count] owned */
    size_t count, room;
    ps__buf notes; /* sentences, each with a 0 at its end */
} ps__segments;

/* Decides from the right which filters could begin where, while the chart is filled. */
void ps__select_token(ps__parse *p, size_t token);
/* 0 when memory ran out. */
int ps__select(ps__segments *out, ps__parse *p);
void ps__segments_free(ps__segments *segments);

/* The longest item of small words, operators between words included, or of words that mean "photo" (`noise`); the tokens it has,
** or 0. */
size_t ps__small_at(const ps__parse *p, size_t token);
size_t ps__noise_at(const ps__parse *p, size_t token);
int ps__is_pause(const ps__parse *p, size_t token); /* punctuation, not a hyphen within a word */

#endif
