/*
** From segments to the query: filters, contents, clauses.
*/
#ifndef PS_SEARCH_PARSE_BUILD_H
#define PS_SEARCH_PARSE_BUILD_H

#include "search/parse/select.h"
#include "search/parse/times.h"

/* attributes.c: the filter that a segment is; its group is 0. Free with ps__query_filter_clear. */
int ps__filter_of(ps__filter *out, const ps__parse *p, const ps__segment *segment, int southern, ps__error *err);
void ps__query_filter_clear(ps__filter *filter);
/* meaning.c: what a filter says, in English. */
int ps__filter_meaning(char **out, const ps__filter *filter, const ps__gazetteer *gazetteer, ps__error *err);

/* content.c */
typedef struct ps__run { /* tokens that are content */
    size_t from, to;
    int hours; /* 1: of a part of the day, which is content only beside other content */
} ps__run;
/* The text of runs, joined. `bare` keeps small words and words for photos. *out is "" when nothing is left. */
int ps__content_text(char **out, const ps__parse *p, const ps__run *runs, size_t count, int bare, ps__error *err);

/* logic.c: fills clauses and notes of an empty query. */
int ps__logic_build(ps__query *out, ps__parse *p, const ps__segments *segments, ps__error *err);

#endif
