/*
** The gazetteer: names to places and positions to names, from a file that tools/gazetteer makes of GeoNames' data when the project is
** set up (docs/gazetteer.md has its format). The file is memory-mapped and checked when it is opened.
**
** A ps__gazetteer is immutable: any number of threads may use one at once. Strings belong to it.
*/
#ifndef PS_STORE_GAZETTEER_H
#define PS_STORE_GAZETTEER_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct ps__gazetteer ps__gazetteer;

enum { /* from large to small */
    PS__PLACE_CONTINENT = 1,
    PS__PLACE_COUNTRY = 2,
    PS__PLACE_AREA = 3,   /* of our own table: mountains, coasts, islands, groups of countries (Alps, Scandinavia, Mallorca) */
    PS__PLACE_REGION = 4, /* first administrative level: Bavaria, California */
    PS__PLACE_CITY = 5    /* a populated place */
};

typedef struct ps__place {
    int kind;                   /* PS__PLACE_* */
    uint32_t number;            /* in this gazetteer */
    int64_t id;                 /* GeoNames' of a city; of others our own, negative; stable over gazetteers */
    const char *name;           /* the usual English one, UTF-8 */
    char country[3];            /* "PT"; "" of a continent or an area of several countries */
    int64_t region;             /* id of its first administrative level; 0: none known */
    double latitude, longitude; /* degrees, of its middle */
    int64_t population;         /* 0: unknown */
    double radius_km;           /* of the circle around the middle that "in" means for a city; 0 for others */
} ps__place;

/* PS__NOTFOUND: no such file. PS__CORRUPT: damaged, with the fault. PS__NEWER: of another version. Free with ps__gazetteer_free (NULL is
** fine). */
int ps__gazetteer_open(ps__gazetteer **out, const char *path, ps__error *err);
void ps__gazetteer_free(ps__gazetteer *gazetteer);

/* Reads all of the file and compares its checksum, which opening does not. PS__CORRUPT with a sentence. */
int ps__gazetteer_verify(const ps__gazetteer *gazetteer, ps__error *err);

/* A name as it is looked up: NFKC, case folded, Latin diacritics stripped, hyphens, apostrophes and dots made blanks, single blanks; Han
** and kana kept as they are. *out is the caller's, freed with ps__free. */
int ps__gazetteer_fold(char **out, const char *name, size_t length, ps__error *err);

/* Places of this folded name in whatever language, the largest (kind, then population) first, but a region after its own large city of that
** name (docs/gazetteer.md): up to `room` of them in out; returns how many there are. `prefix` (may be NULL) becomes 1 when longer names begin
** with this one and a blank (or, in Han and kana, with it alone). */
size_t ps__gazetteer_find(ps__place *out, size_t room, int *prefix, const ps__gazetteer *gazetteer, const char *folded, size_t length);

/* By id. PS__NOTFOUND without a sentence. */
int ps__gazetteer_place(ps__place *out, const ps__gazetteer *gazetteer, int64_t id);

/* A country by its two letters, capitals. PS__NOTFOUND without a sentence. */
int ps__gazetteer_country(ps__place *out, const ps__gazetteer *gazetteer, const char *code);
/* Its capital. PS__NOTFOUND without a sentence, also where it has none. */
int ps__gazetteer_capital(ps__place *out, const ps__gazetteer *gazetteer, const char *code);

/* The populated place at or nearest to a position, within 50 km (larger ones reach farther: a position at a city's edge is the city's, not a
** hamlet's). PS__NOTFOUND without a sentence: open sea, wilderness. At most 20 microseconds. */
int ps__gazetteer_nearest(ps__place *out, const ps__gazetteer *gazetteer, double latitude, double longitude);

/* 1 when a position, whose nearest city, region and country are given (0, 0, "": unknown), lies in the place: a city by its circle or by being
** the nearest, regions and countries by theirs, continents by their countries, areas by their outline. */
typedef struct ps__position {
    double latitude, longitude;
    int64_t city, region;
    char country[3];
} ps__position;
int ps__place_has(const ps__gazetteer *gazetteer, const ps__place *place, const ps__position *position);

/* What ps__place_has answers of every position in a country (two letters): 1, 0, or -1: that depends on the position. For asking of many. */
int ps__place_by_country(const ps__gazetteer *gazetteer, const ps__place *place, const char country[2]);

/* Kilometres between two positions on the globe (haversine, mean radius 6371.0088 km). */
double ps__place_distance(double latitude1, double longitude1, double latitude2, double longitude2);

/* "Lisbon, Portugal" of a city, "Bavaria, Germany", "Austria", in a language ("de"; NULL or unknown: English) as far as names in it are known.
** *out is the caller's, freed with ps__free. */
int ps__gazetteer_label(char **out, const ps__gazetteer *gazetteer, const ps__place *place, const char *lang, ps__error *err);

#endif
