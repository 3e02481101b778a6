/*
** What filters ask of every photo, in memory: some 75 bytes a photo, in columns, kept in step with the store by its change log.
**
** A ps__columns belongs to a library; a ps__table is what it knew at one moment, and never changes. Tables share the chunks of
** rows that are the same in both, so that a change costs the chunks that it touches, not the library.
**
** Threads: any number may use one ps__columns at once, each with its own ps__store, and one ps__table as well. Whoever finds
** changes takes them in for all, while others wait: some 6 microseconds a change.
**
** Reading 100,000 photos from the store takes 130 ms, from the cache beside the library (`photos.columns`) 5 ms. It is a cache as
** the files of the vector index are: checked when it is read, and whatever is wrong with it costs time only.
*/
#ifndef PS_SEARCH_COLUMNS_H
#define PS_SEARCH_COLUMNS_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/log.h"
#include "store/store.h"

#define PS__CHUNK_BITS 12
#define PS__CHUNK_ROWS ((size_t)1 << PS__CHUNK_BITS)

enum { /* bits of ps__chunk.flags */
    PS__ROW_THERE = 1, /* clear: the photo is gone */
    PS__ROW_SHOWN = 2, /* a file that is not away holds it */
    PS__ROW_TAKEN = 4, /* taken_s is meaningful */
    PS__ROW_GPS = 8,   /* latitude and longitude are */
    PS__ROW_LOOK = 16, /* look is */
    PS__ROW_FILES = 32 /* several files hold it; folder is of one of them */
};
#define PS__FLASH_UNKNOWN 255

/* Rows, column by column. The first ps__chunk.count ones are meaningful. */
typedef struct ps__chunk {
    int64_t id[PS__CHUNK_ROWS];           /* ascending, also over chunks */
    int64_t taken_s[PS__CHUNK_ROWS];      /* as in ps__photo */
    int64_t bytes[PS__CHUNK_ROWS];        /* size of the file */
    int64_t look[PS__CHUNK_ROWS];         /* perceptual hash */
    int32_t latitude[PS__CHUNK_ROWS];     /* 1e-7 degrees */
    int32_t longitude[PS__CHUNK_ROWS];    /* 1e-7 degrees */
    int32_t city[PS__CHUNK_ROWS];         /* ids of the gazetteer; 0 unknown */
    int32_t region[PS__CHUNK_ROWS];
    int32_t width[PS__CHUNK_ROWS];        /* pixels */
    int32_t height[PS__CHUNK_ROWS];
    uint32_t folder[PS__CHUNK_ROWS];      /* number in ps__names.folders */
    char country[PS__CHUNK_ROWS][2];      /* "PT"; 0, 0 unknown */
    uint16_t camera[PS__CHUNK_ROWS];      /* number in ps__names.cameras */
    uint16_t lens[PS__CHUNK_ROWS];
    uint8_t format[PS__CHUNK_ROWS];
    uint8_t flags[PS__CHUNK_ROWS];        /* PS__ROW_* */
    uint8_t taken_source[PS__CHUNK_ROWS]; /* PS__TAKEN_* */
    uint8_t flash[PS__CHUNK_ROWS];        /* 0, 1, PS__FLASH_UNKNOWN */
    uint8_t rating[PS__CHUNK_ROWS];       /* stars; 0 none */
    uint8_t kinds[PS__CHUNK_ROWS];        /* PS__KIND_* */
    uint32_t count;                       /* rows */
    atomic_uint holders;                  /* tables that have this chunk */
} ps__chunk;

/* Distinct strings; number 0 is "", what is unknown. */
typedef struct ps__name_list {
    char **names; /* [count] owned; valid UTF-8 */
    size_t count, room;
    uint32_t *slots; /* [slot_count] owned: a hash table of numbers and 1; 0: empty */
    size_t slot_count; /* a power of 2 */
} ps__name_list;

typedef struct ps__names {
    ps__name_list cameras, lenses, formats; /* "make model" as they are in the photos, lens, "jpeg" */
    ps__name_list folders;                  /* of files, as ps__plain_folders makes them */
    atomic_uint holders;
} ps__names;

typedef struct ps__table {
    int64_t change;      /* of the library, which this stands for */
    size_t rows;         /* photos, those that are gone included */
    size_t gone;         /* of them */
    ps__chunk **chunks;  /* [chunk_count] all full but the last */
    size_t chunk_count;
    ps__names *names;
    atomic_uint holders;
} ps__table;

typedef struct ps__columns ps__columns;

/* For the library that `store` is open on. Nothing is read yet. log may be NULL; it is copied. Free with ps__columns_free (NULL
** is fine) when no table of it is held any more. */
int ps__columns_new(ps__columns **out, ps__store *store, const ps__log *log, ps__error *err);
void ps__columns_free(ps__columns *columns);

/* A table that knows at least what the store's present view does, which must be open (ps__store_begin). Give it back with
** ps__table_put (NULL is fine). */
int ps__columns_take(ps__table **out, ps__columns *columns, ps__store *store, ps__error *err);
void ps__table_put(ps__table *table);

/* For whoever indexes, now and then and at the end, with no ps__store_begin open: writes the cache beside the library when it
** lags far behind. A cache that cannot be written is a warning in the log, not a failure. Small libraries get none. */
int ps__columns_tend(ps__columns *columns, ps__store *store, ps__error *err);

/* The row of a photo; -1: it has none. */
int64_t ps__table_row(const ps__table *table, int64_t photo);
static inline const ps__chunk *ps__table_chunk(const ps__table *table, size_t row) { return table->chunks[row >> PS__CHUNK_BITS]; }
static inline size_t ps__chunk_row(size_t row) { return row & (PS__CHUNK_ROWS - 1); }

#endif
