/*
** The world in which the tests read sentences: now is Tuesday 2026-11-24T12:00, places are the real gazetteer's, the gallery has
** photos everywhere (or nowhere) and five cameras.
*/
#ifndef PS_TESTS_SEARCH_CONTEXT_H
#define PS_TESTS_SEARCH_CONTEXT_H

#include "search/query.h"

#define QUERY_NOW ((int64_t)20781 * 86400 + 12 * 3600) /* 2026-11-24T12:00 */

typedef struct query_world {
    ps__query_context context;
    ps__gazetteer *gazetteer; /* owned */
    int64_t photos;           /* at every place */
    int hours;                /* what has_hours says */
    int64_t times, words;     /* photos of any time that recurs, with any words */
    int64_t attributes;       /* photos that fit any other filter */
    int questions;            /* how often the gallery was asked */
} query_world;

/* Fails the test where there is no gazetteer. */
void query_world_open(query_world *out);
void query_world_close(query_world *world);

#endif
