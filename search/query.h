/*
** A sentence to what is searched for: filters that photos must pass, and content for the encoder. The parser is search/parse/; it knows no
** model and is deterministic: the same sentence, moment and gallery give the same query.
*/
#ifndef PS_SEARCH_QUERY_H
#define PS_SEARCH_QUERY_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "search/when.h"
#include "store/gazetteer.h"

enum {
    PS__FILTER_WHEN = 1,    /* when */
    PS__FILTER_WHERE = 2,   /* where */
    PS__FILTER_CAMERA = 3,  /* text: words that the camera's make and model hold, folded */
    PS__FILTER_LENS = 4,    /* text */
    PS__FILTER_FLASH = 5,   /* value: 0 off, 1 on */
    PS__FILTER_SHAPE = 6,   /* value: PS__SHAPE_* */
    PS__FILTER_KIND = 7,    /* value: PS__KIND_* */
    PS__FILTER_TYPE = 8,    /* text: "jpeg", as ps__photo.format */
    PS__FILTER_FOLDER = 9,  /* text: words of the name of a folder above the file */
    PS__FILTER_NAME = 10,   /* text: words of the file's name, or a pattern with * and ? */
    PS__FILTER_RATING = 11, /* low..high, stars 1..5 */
    PS__FILTER_PIXELS = 12, /* low..high */
    PS__FILTER_BYTES = 13,  /* low..high */
    PS__FILTER_WORDS = 14,  /* text: exact words in caption, keywords, title, text seen in the photo, or its path */
    PS__FILTER_TAG = 15     /* text */
};

enum { PS__SHAPE_PORTRAIT = 1, PS__SHAPE_LANDSCAPE = 2, PS__SHAPE_SQUARE = 3, PS__SHAPE_PANORAMA = 4 /* twice as wide as high, or more */ };
enum { PS__KIND_SCREENSHOT = 1, PS__KIND_PANORAMA = 2, PS__KIND_SELFIE = 4 }; /* bits of photos.kinds */

typedef struct ps__where {
    ps__place place;   /* its strings belong to the gazetteer */
    int near;          /* 1: within radius_km of its middle; 0: in it */
    double radius_km;
} ps__where;

typedef struct ps__filter {
    int kind;         /* PS__FILTER_* */
    int negative;     /* 1: photos must not pass */
    int lenient;      /* 1: photos of which nothing is known pass (parts of the day, where the clock time is unknown) */
    int group;        /* filters of one group are alternatives; all groups must be met */
    ps__when when;
    ps__where where;
    double low, high; /* -INFINITY, INFINITY: open; both ends belong to it */
    int value;
    char *text;       /* owned; NULL where the kind has none */
    char *words;      /* as they stand in the sentence; owned */
    char *meaning;    /* plain, in English, for people: "2021", "near Lisbon, Portugal (20 km)", "not at night"; owned */
} ps__filter;

typedef struct ps__content {
    char *text;    /* valid UTF-8, single spaces, none at the ends; owned */
    double weight; /* 1 mostly; below 0: is to be avoided */
    int group;     /* contents of one group are alternatives (the best one counts); groups are added up */
} ps__content;

typedef struct ps__clause { /* filters and contents that belong together */
    ps__filter *filters;    /* [filter_count] owned, in the order of the sentence */
    size_t filter_count;
    ps__content *contents; /* [content_count] owned */
    size_t content_count;
} ps__clause;

enum { PS__ORDER_RELEVANCE = 0, PS__ORDER_NEWEST = 1, PS__ORDER_OLDEST = 2 };

typedef struct ps__query {
    ps__clause *clauses; /* [clause_count >= 1] owned; alternatives */
    size_t clause_count;
    int order; /* PS__ORDER_*, as the words ask for */
    char **notes; /* [note_count] owned: sentences about what was taken otherwise than it may be meant ("no photo is known to be in Paris") */
    size_t note_count;
    char lang[8]; /* of the sentence, as its words told: "de"; "": they told nothing */
    char *text; /* all content to be found, for people and programs that know one text: alternatives joined by " or "; owned, never NULL */
    size_t steps; /* work that reading it took, for tests: it grows with the length of the sentence, not faster */
} ps__query;

enum { PS__QUERY_LITERAL = 1 /* every word is content */ };

/* What the parser may ask about the gallery; all may be NULL: then every place has photos, and no camera is known. */
typedef struct ps__gallery {
    /* Photos at a place; negative: not known. */
    int64_t (*photos_at)(const ps__where *where, void *payload);
    /* 1 when there is a photo by a camera (or lens) whose name holds these folded words. */
    int (*has_camera)(const char *words, void *payload);
    int (*has_lens)(const char *words, void *payload);
    /* 1 when there are photos with a trusted clock time. */
    int (*has_hours)(void *payload);
    /* Photos taken then; negative: not known. recurring: times of files' last change do not count, which tell a day, but no season. */
    int64_t (*photos_when)(const ps__when *when, int recurring, void *payload);
    /* Photos that pass one filter; negative: not known. */
    int64_t (*photos_pass)(const ps__filter *filter, void *payload);
    void *payload;
} ps__gallery;

typedef struct ps__query_context {
    unsigned flags;                 /* PS__QUERY_* */
    const char *lang;               /* of the sentence, "de" or "pt-BR"; NULL: by the words */
    int64_t now_s;                  /* local time of whoever asks, seconds since 1970-01-01T00:00:00 of the same clock */
    int southern;                   /* 1: seasons are those of the southern hemisphere where no place says so */
    const ps__gazetteer *gazetteer; /* NULL: no places are known */
    ps__gallery gallery;
} ps__query_context;

/* `sentence` has `length` bytes, any bytes. `context` may be NULL: every word is content. PS__INVALID: nothing is left of it. Free with
** ps__query_clear. Any thread. */
int ps__query_parse(ps__query *out, const char *sentence, size_t length, const ps__query_context *context, ps__error *err);
void ps__query_clear(ps__query *query);

/* The canonical one-line form that the tests compare; docs/queries.md describes it. */
void ps__query_dump(ps__buf *out, const ps__query *query);

#endif
