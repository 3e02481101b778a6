/*
** Positions to places. Cities lie in rows of a tenth of a degree from south to north and by longitude in each row, so what may be near a
** position is one short run (two at the 180th meridian) of each of a few rows.
**
** Which city a position belongs to is decided by the cities' edges: a city counts as a disc that its people fill (ps__gz_edge_km). Inside
** of discs, it is the one whose middle is nearest in terms of its radius, so that a town keeps its own centre beside a large city;
** outside of all, it is the nearest edge.
*/
#include "store/gazetteer_inside.h"

#include <math.h>

#define MEAN_RADIUS_KM 6371.0088
#define KM_A_DEGREE (MEAN_RADIUS_KM * RADIANS)
#define RADIANS (3.14159265358979323846 / 180)
#define FARTHEST_KM 50.0 /* from an edge */
#define LARGEST_EDGE_KM 40.0

double ps__place_distance(double latitude1, double longitude1, double latitude2, double longitude2) {
    double a = sin((latitude2 - latitude1) * RADIANS / 2), b = sin((longitude2 - longitude1) * RADIANS / 2);
    double h = a * a + cos(latitude1 * RADIANS) * cos(latitude2 * RADIANS) * b * b;
    return 2 * MEAN_RADIUS_KM * asin(sqrt(fmin(fmax(h, 0), 1)));
}

typedef struct search {
    double latitude, longitude; /* scaled */
    double best;                /* below 0: inside a disc, by radii; else km from the edge */
    uint32_t index;             /* of the best city; PS__GZ_NONE */
} search;

/* Where the cities of a row that lie at or east of a longitude begin. */
static uint32_t first_at(const ps__gazetteer *g, uint32_t low, uint32_t high, double longitude) {
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (g->cities[middle].longitude < longitude)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The cities of one row between two longitudes; `turn` is 360 degrees where the 180th meridian lies between. */
static void look(search *s, const ps__gazetteer *g, int row, double west, double east, double turn) {
    uint32_t low = g->starts[row], high = g->starts[row + 1];
    if (high > g->city_count || low >= high) return;
    double middle = ((row + 0.5) / PS__GZ_ROWS_A_DEGREE - 90 + s->latitude / PS__GZ_SCALE) / 2;
    double east_km = cos(middle * RADIANS) * KM_A_DEGREE / PS__GZ_SCALE, north_km = KM_A_DEGREE / PS__GZ_SCALE;
    for (uint32_t i = first_at(g, low, high, west + turn); i < high && g->cities[i].longitude <= east + turn; i++) {
        const ps__gz_city *c = &g->cities[i];
        if (c->flags & PS__GZ_SECTION) continue;
        double x = (c->longitude - turn - s->longitude) * east_km, y = (c->latitude - s->latitude) * north_km;
        double km = sqrt(x * x + y * y), edge = ps__gz_edge_km(c->population);
        double rank = km < edge ? km / edge - 1 : km - edge;
        if (rank < s->best) {
            s->best = rank;
            s->index = i;
        }
    }
}

/* All cities whose middle lies within km. */
static void look_within(search *s, const ps__gazetteer *g, double km) {
    double degrees = km / KM_A_DEGREE, latitude = s->latitude / PS__GZ_SCALE;
    int first = (int)floor((latitude - degrees + 90) * PS__GZ_ROWS_A_DEGREE),
        last = (int)floor((latitude + degrees + 90) * PS__GZ_ROWS_A_DEGREE);
    if (first < 0) first = 0;
    if (last >= PS__GZ_ROWS) last = PS__GZ_ROWS - 1;
    double thinnest = cos(fmin(fabs(latitude) + degrees, 90) * RADIANS);
    double half = thinnest > degrees / 180 ? fmin(degrees / thinnest, 180) : 180;
    double west = s->longitude - half * PS__GZ_SCALE, east = s->longitude + half * PS__GZ_SCALE, full = 360 * PS__GZ_SCALE;
    for (int row = first; row <= last; row++) {
        look(s, g, row, west, east, 0);
        if (west < -full / 2) look(s, g, row, west, east, full);
        if (east > full / 2) look(s, g, row, west, east, -full);
    }
}

int ps__gazetteer_nearest(ps__place *out, const ps__gazetteer *g, double latitude, double longitude) {
    if (!(latitude >= -90 && latitude <= 90 && longitude >= -180 && longitude <= 180)) return PS__NOTFOUND;
    search s = {latitude * PS__GZ_SCALE, longitude * PS__GZ_SCALE, FARTHEST_KM, PS__GZ_NONE};
    look_within(&s, g, LARGEST_EDGE_KM + 5);
    if (s.best > 5) look_within(&s, g, LARGEST_EDGE_KM + FARTHEST_KM);
    if (s.index == PS__GZ_NONE) return PS__NOTFOUND;
    return ps__gz_fill(out, g, g->place_count + s.index) ? PS__OK : PS__NOTFOUND;
}

int ps__place_has(const ps__gazetteer *g, const ps__place *place, const ps__position *position) {
    switch (place->kind) {
    case PS__PLACE_CITY:
        if (place->id == position->city) return 1;
        return ps__place_distance(place->latitude, place->longitude, position->latitude, position->longitude) <= place->radius_km;
    case PS__PLACE_REGION: return place->id == position->region;
    case PS__PLACE_COUNTRY:
        return position->country[0] && place->country[0] == position->country[0] && place->country[1] == position->country[1];
    default: return place->number < g->place_count && ps__gz_in_shape(g, &g->places[place->number], position);
    }
}

int ps__place_by_country(const ps__gazetteer *g, const ps__place *place, const char country[2]) {
    if (place->kind == PS__PLACE_CITY || place->kind == PS__PLACE_REGION) return -1;
    if (place->kind == PS__PLACE_COUNTRY) return place->country[0] == country[0] && place->country[1] == country[1];
    return place->number < g->place_count ? ps__gz_by_country(g, &g->places[place->number], country) : 0;
}
