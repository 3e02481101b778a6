/*
** What the gazetteer's files share. Nothing that a record says is believed before it is compared with what the file holds: a damaged
** file may give wrong answers, but no read outside its mapping.
*/
#ifndef PS_STORE_GAZETTEER_INSIDE_H
#define PS_STORE_GAZETTEER_INSIDE_H

#include "store/gazetteer.h"
#include "store/gazetteer_format.h"

struct ps__gazetteer {
    const uint8_t *bytes; /* the mapping */
    size_t size;
    const ps__gz_header *header;
    const ps__gz_place *places;
    const ps__gz_city *cities;
    const uint32_t *starts; /* [PS__GZ_ROWS + 1] */
    const uint32_t *ids;    /* [city_count] */
    const char *strings;    /* ends in a 0 */
    const uint32_t *blocks;
    const uint8_t *names;
    const int32_t *shapes;
    const ps__gz_label *labels[PS__GZ_LANGUAGES];
    uint32_t place_count, city_count, block_count, shape_count;
    uint32_t label_count[PS__GZ_LANGUAGES];
    size_t string_bytes, name_bytes;
};

/* A text of STRINGS; "" of an offset beyond them. */
const char *ps__gz_string(const ps__gazetteer *gazetteer, uint32_t offset);

/* The place of a number. 0 when there is none. */
int ps__gz_fill(ps__place *out, const ps__gazetteer *gazetteer, uint32_t number);

/* Kilometres from a city's middle that are built up, by its people (docs/gazetteer.md). */
double ps__gz_edge_km(uint32_t population);

/* 1 when a position lies in the outline of a place that is no city. */
int ps__gz_in_shape(const ps__gazetteer *gazetteer, const ps__gz_place *place, const ps__position *position);
/* 1: every position in the country (two letters) lies in the shape, 0: none does, -1: it depends on the position. */
int ps__gz_by_country(const ps__gazetteer *g, const ps__gz_place *place, const char country[2]);

#endif
