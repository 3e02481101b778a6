/*
** The gazetteer's file as it lies on disk and in memory (docs/gazetteer.md explains it). tools/gazetteer writes it, store/gazetteer*.c
** read it. Little-endian, every section at a multiple of 8 bytes.
**
** A place's number is its index in PLACES or, beyond those, in CITIES: continents first, then countries, areas, regions, cities.
*/
#ifndef PS_STORE_GAZETTEER_FORMAT_H
#define PS_STORE_GAZETTEER_FORMAT_H

#include <stdint.h>

#define PS__GZ_MAGIC "PSPLACES"
#define PS__GZ_VERSION 1
#define PS__GZ_NONE 0xFFFFFFFFu
#define PS__GZ_SCALE 100000.0 /* stored degrees are this many times the real ones */

enum {
    PS__GZ_ROWS_A_DEGREE = 10,
    PS__GZ_ROWS = 180 * PS__GZ_ROWS_A_DEGREE, /* of cities, from south to north */
    PS__GZ_BLOCK = 16,                        /* names a block */
    PS__GZ_LANGUAGES = 6                      /* that have labels of their own: all but English */
};

#define PS__GZ_LANGUAGE_NAMES                                                                                                    \
    { "zh", "de", "pt", "id", "es", "fr" }

enum { /* sections; the count is of elements */
       PS__GZ_S_PLACES,
       PS__GZ_S_CITIES,  /* by row, then longitude */
       PS__GZ_S_STARTS,  /* uint32_t [ROWS + 1]: the first city of each row, then the number of cities */
       PS__GZ_S_IDS,     /* uint32_t: indices of the cities, by their ids */
       PS__GZ_S_STRINGS, /* bytes: UTF-8 texts, each with a 0 behind it */
       PS__GZ_S_BLOCKS,  /* uint32_t: where in NAMES each block of names begins */
       PS__GZ_S_NAMES,   /* bytes: see store/gazetteer_names.c */
       PS__GZ_S_SHAPES,  /* int32_t: outlines, see store/gazetteer_shape.c */
       PS__GZ_S_LABELS,  /* ps__gz_label, one section a language, by number */
       PS__GZ_SECTIONS = PS__GZ_S_LABELS + PS__GZ_LANGUAGES
};

typedef struct ps__gz_section {
    uint64_t offset; /* in the file */
    uint64_t count;
} ps__gz_section;

typedef struct ps__gz_header {
    char magic[8];
    uint32_t version;
    uint32_t countries;  /* places [continents, continents + countries) are countries */
    uint32_t continents; /* the first places */
    uint32_t unused;
    uint64_t size;      /* of the file */
    uint64_t body_hash; /* XXH3 of everything behind the header; not looked at when the file is opened */
    ps__gz_section sections[PS__GZ_SECTIONS];
    uint64_t hash; /* XXH3 of the header up to here */
} ps__gz_header;

typedef struct ps__gz_place { /* all but cities */
    int64_t id;
    int64_t population;
    int32_t latitude, longitude;
    uint32_t name;        /* offset in STRINGS */
    uint32_t shape;       /* index in SHAPES, of a country the number of its capital; PS__GZ_NONE */
    uint32_t shape_words; /* elements of SHAPES */
    char country[2];      /* zeros: none */
    uint8_t kind;         /* PS__PLACE_* */
    uint8_t unused;
} ps__gz_place;

enum { PS__GZ_SECTION = 1 }; /* flags of a city: a part of another one, never the nearest place */

typedef struct ps__gz_city {
    int32_t latitude, longitude;
    uint32_t id;
    uint32_t name;
    uint32_t population;
    uint16_t region; /* number of a place; 0xFFFF: none */
    uint8_t country; /* counted from the first country */
    uint8_t flags;
} ps__gz_city;

typedef struct ps__gz_label {
    uint32_t number; /* of a place */
    uint32_t name;   /* offset in STRINGS */
} ps__gz_label;

/* Outlines are one item after the other: a kind, the number of values, the values (positions are latitude, longitude, scaled). */
enum {
    PS__GZ_CIRCLE = 1,  /* latitude, longitude, metres */
    PS__GZ_POLYGON = 2, /* latitude and longitude of each corner; longitudes may run beyond 180 */
    PS__GZ_COUNTRY = 3, /* first letter * 256 + second */
    PS__GZ_REGION = 4,  /* number of a place */
    PS__GZ_PART = 5,    /* a country as above, then south, west, north, east: only what of it lies in that box */
    PS__GZ_EXCEPT = 6   /* a country as above: never, whatever else says so */
};

#endif
