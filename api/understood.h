/*
** How a sentence was read, made from the parsed query once and then only shown.
*/
#ifndef PS_API_UNDERSTOOD_H
#define PS_API_UNDERSTOOD_H

#include "api/photosearch.h"
#include "search/query.h"

typedef struct ps__understood {
    ps_understood_filter *filters; /* [filter_count] owned; their strings belong to the query */
    size_t filter_count;
    char **places;                 /* [place_count] owned, as are the strings: the gazetteer's may be gone before the results are */
    const char **nots;             /* [not_count] owned; the strings belong to the query */
    size_t place_count, not_count;
    char from[20], to[20];         /* "": open */
    char *reading;                 /* owned; NULL: the sentence is one content and nothing else */
} ps__understood;

/* The query must live as long. Free with ps__understood_clear, also after a failure. */
int ps__understood_make(ps__understood *out, const ps__query *query, ps__error *err);
void ps__understood_clear(ps__understood *understood);

#endif
