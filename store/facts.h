/*
** What filters ask of a photo, read for many photos at once: for a cache of it (search/columns.h).
*/
#ifndef PS_STORE_FACTS_H
#define PS_STORE_FACTS_H

#include "store/store.h"

typedef struct ps__facts {
    int64_t id;
    int files;                  /* that hold it and are not known to be away; -1: not looked for */
    const char *path;           /* of one of them, raw bytes; NULL when there is none, or it was not looked for */
    int has_taken;              /* 1: taken_s is meaningful */
    int64_t taken_s;            /* as in ps__photo */
    int taken_source;           /* PS__TAKEN_*; 0 unknown */
    int has_gps;                /* 1: latitude and longitude are meaningful */
    double latitude, longitude; /* degrees, WGS 84 */
    int64_t city, region;       /* ids of the gazetteer; 0 unknown */
    char country[3];            /* "PT"; "" unknown */
    int width, height;          /* pixels of the upright photo */
    int64_t bytes;              /* size of the file */
    char format[9];             /* "jpeg" */
    int flash;                  /* 0 off, 1 on, -1 unknown */
    int rating;                 /* stars 1..5; 0 none */
    int kinds;                  /* PS__KIND_* */
    int has_look;               /* 1: look is meaningful */
    int64_t look;               /* perceptual hash; never 0 */
    char make[64], model[64], lens[64]; /* "" unknown */
} ps__facts;

/* `facts` is valid during the call. */
typedef int ps__facts_fn(const ps__facts *facts, void *payload);

/* Every photo, in id order, without its files: these are told by ps__store_each_shown. */
int ps__store_each_facts(ps__store *store, ps__facts_fn *fn, void *payload, ps__error *err);

typedef int ps__shown_fn(int64_t photo, const char *path, void *payload);
/* Every file that is not known to be away and its photo, in no order. path: raw bytes, valid during the call, like
** facts->path. */
int ps__store_each_shown(ps__store *store, ps__shown_fn *fn, void *payload, ps__error *err);

/* The given photos, in the given order, with their files; those that are gone are left out. */
int ps__store_facts(ps__store *store, const int64_t *photos, size_t count, ps__facts_fn *fn, void *payload, ps__error *err);

/* How many photos there are at all: what ps__store_each_facts will tell. */
int ps__store_photo_count(int64_t *count, ps__store *store, ps__error *err);

#endif
