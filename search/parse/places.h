/*
** Places of a sentence: names in the gazetteer, and which of the places of one name is meant.
*/
#ifndef PS_SEARCH_PARSE_PLACES_H
#define PS_SEARCH_PARSE_PLACES_H

#include "search/parse/chart.h"

/* The place that an item (PS__SYM_WHERE, PS__SYM_PLACE or PS__SYM_DEMONYM) means, where the gallery has photos: 1. 0: it has none
** there; `out` is then the best known place of the name all the same. -1: there is no such place, or memory ran out. */
int ps__place_resolve(ps__where *out, ps__parse *p, const ps__item *item);

#endif
