/*
** Outlines of areas and continents: circles, polygons, countries, regions, parts of countries. A position is inside when any item says
** so and no exception does.
*/
#include "store/gazetteer_inside.h"

#include <stdlib.h>

/* Crossings of a ray to the east with the polygon's sides; an odd number is inside. Sides are straight lines in degrees. */
static int in_polygon(const int32_t *v, uint32_t count, double latitude, double longitude) {
    int inside = 0;
    uint32_t corners = count / 2;
    for (uint32_t i = 0, j = corners ? corners - 1 : 0; i < corners; j = i++) {
        double y1 = v[2 * i], x1 = v[2 * i + 1], y2 = v[2 * j], x2 = v[2 * j + 1];
        if ((y1 > latitude) != (y2 > latitude) && longitude < (x2 - x1) * (latitude - y1) / (y2 - y1) + x1) inside = !inside;
    }
    return inside;
}

static int is_country(int32_t value, const ps__position *p) {
    return p->country[0] && value == (unsigned char)p->country[0] * 256 + (unsigned char)p->country[1];
}

static int in_box(const int32_t *v, double latitude, double longitude) {
    if (latitude < v[0] || latitude > v[2]) return 0;
    if (v[1] <= v[3]) return longitude >= v[1] && longitude <= v[3];
    return longitude >= v[1] || longitude <= v[3]; /* across the 180th meridian */
}

/* 1 inside, 0 not, -1 never. */
static int in_item(const ps__gazetteer *g, int32_t kind, const int32_t *v, uint32_t count, const ps__position *p) {
    double latitude = p->latitude * PS__GZ_SCALE, longitude = p->longitude * PS__GZ_SCALE;
    switch (kind) {
    case PS__GZ_CIRCLE:
        return count >= 3 &&
               ps__place_distance(p->latitude, p->longitude, v[0] / PS__GZ_SCALE, v[1] / PS__GZ_SCALE) * 1000 <= v[2];
    case PS__GZ_POLYGON:
        return in_polygon(v, count, latitude, longitude) || in_polygon(v, count, latitude, longitude + 360 * PS__GZ_SCALE);
    case PS__GZ_COUNTRY: return count >= 1 && is_country(v[0], p);
    case PS__GZ_REGION:
        return count >= 1 && p->region && v[0] >= 0 && (uint32_t)v[0] < g->place_count && g->places[v[0]].id == p->region;
    case PS__GZ_PART: return count >= 5 && is_country(v[0], p) && in_box(v + 1, latitude, longitude);
    case PS__GZ_EXCEPT: return count >= 1 && is_country(v[0], p) ? -1 : 0;
    default: return 0;
    }
}

int ps__gz_in_shape(const ps__gazetteer *g, const ps__gz_place *place, const ps__position *p) {
    int inside = 0;
    if (place->shape > g->shape_count || place->shape_words > g->shape_count - place->shape) return 0;
    const int32_t *at = g->shapes + place->shape, *end = at + place->shape_words;
    while (end - at >= 2) {
        int32_t kind = at[0], count = at[1];
        at += 2;
        if (count < 0 || count > end - at) return 0;
        int answer = in_item(g, kind, at, (uint32_t)count, p);
        if (answer < 0) return 0;
        inside |= answer;
        at += count;
    }
    return inside;
}

int ps__gz_by_country(const ps__gazetteer *g, const ps__gz_place *place, const char country[2]) {
    const ps__position anywhere = {.country = {country[0], country[1], 0}};
    int answer = 0, depends = 0;
    if (place->shape > g->shape_count || place->shape_words > g->shape_count - place->shape) return 0;
    const int32_t *at = g->shapes + place->shape, *end = at + place->shape_words;
    while (end - at >= 2) {
        int32_t kind = at[0], count = at[1];
        at += 2;
        if (count < 0 || count > end - at) return 0;
        if (kind == PS__GZ_EXCEPT && count >= 1 && is_country(at[0], &anywhere)) return 0;
        if (kind == PS__GZ_COUNTRY && count >= 1 && is_country(at[0], &anywhere)) answer = 1;
        depends |= kind == PS__GZ_CIRCLE || kind == PS__GZ_POLYGON || kind == PS__GZ_REGION ||
                   (kind == PS__GZ_PART && count >= 1 && is_country(at[0], &anywhere));
        at += count;
    }
    return answer ? 1 : depends ? -1 : 0;
}
