/*
** What the program that builds the gazetteer's file holds in memory while it does. It runs once, when the project is set up; every fault
** ends it with a sentence, and what it allocates is given back by its end.
*/
#ifndef GAZETTEER_H
#define GAZETTEER_H

#include <stddef.h>
#include <stdint.h>

#include "store/gazetteer.h"
#include "store/gazetteer_format.h"

enum { ENGLISH = PS__GZ_LANGUAGES, LANGUAGES = PS__GZ_LANGUAGES + 1 }; /* the others as in PS__GZ_LANGUAGE_NAMES */
extern const char *const language_names[LANGUAGES];

typedef struct entry {
    int kind;        /* PS__PLACE_* */
    int64_t id;      /* as in ps__place */
    char country[3]; /* or "" */
    char code[21];   /* of a region: GeoNames' admin1 code */
    char iso[8];     /* of a region: as CLDR writes it ("deby"); "" when nothing matched */
    double latitude, longitude;
    int64_t population;
    int section;                  /* of a city: a part of another one */
    int capital;                  /* of a city: of a country */
    struct entry *seat;           /* of a country: its capital; NULL */
    struct entry *region;         /* of a city; NULL */
    int belongs;                  /* of a section: there is a city around it */
    struct entry *lost;           /* of a city without a region: that of its neighbour */
    double lost_km;               /* how far that is */
    const char *label[LANGUAGES]; /* NULL: as in English */
    int chosen;                   /* its labels come from our own table, which goes before the others */
    int32_t *shape;
    uint32_t shape_words;
    uint32_t number;        /* in the file; set when the entries are ordered */
    const char *plain;      /* its English label, folded; set when names are written */
    double x, y, z, weight; /* sum over its cities, for the middle */
} entry;

typedef struct place_name {
    const char *folded;
    size_t length;
    const entry *place;
} place_name;

struct word {
    const char *folded;
    int never; /* no city and no region; else only small cities, and names that are not shown */
};

struct move {
    char country[3], code[9];        /* in the list of cities */
    double south, west, north, east; /* only cities in this box */
    entry *to;
};

typedef struct model {
    entry **entries; /* in the order in which they came */
    size_t count, room;
    place_name *names;
    size_t name_count, name_room;
    struct word *words; /* that are not to mean a place */
    size_t word_count;
    struct move *moves;
    size_t move_count;
} model;

/* Memory and faults. None of them returns without what was asked for. */
void *need(void *p);
__attribute__((noreturn, format(printf, 1, 2))) void die(const char *format, ...);
char *read_text(const char *path); /* ends in a 0 */
const char *keep(const char *text, size_t length);
char *next_line(char **at); /* the text is cut up in place; NULL at its end */

/* The model. */
entry *add_entry(model *m, int kind, int64_t id);
void add_name(model *m, const entry *place, const char *text, size_t length); /* folded; nothing when that is too short */
const char *fold(const char *text, size_t length);                            /* never NULL */
entry *find_country(const model *m, const char *code);
entry *find_region(const model *m, const char *country, const char *code); /* NULL: none */
entry *find_id(const model *m, int64_t id);                                /* a city's; NULL: none */
int32_t scaled(double degrees);

/* The sources; each adds to the model. */
void read_cldr(model *m, const char *folder);          /* cldr.c: countries */
void read_regions(model *m, const char *admin1_json);  /* regions.c */
void read_codes(model *m, const char *areas_table);    /* areas.c: its `iso` and `moved` lines */
void name_regions(model *m, const char *cldr_folder);  /* regions.c */
void read_cities(model *m, const char *cities500_txt); /* cities.c */
void read_catalogues(model *m, const char *folder);    /* catalogues.c: city names by language */
void read_areas(model *m, const char *areas_table);    /* areas.c: all other lines */

/* Chinese in traditional characters (chinese.c). The rules come from CLDR and must be read before the first text is simplified. */
void read_simplification(const char *cldr_folder);
const char *simplify(const char *text); /* in simplified characters; the text itself when it is already */

void finish(model *m, entry *const *old);                       /* model.c: middles, numbers of people, order of the entries */
void write_file(model *m, entry *const *old, const char *path); /* write.c; old: as for finish, the order before it */

#endif
