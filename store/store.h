/*
** The library on disk: one folder, in it `library.db` (SQLite, WAL), which is the only truth about photos, their metadata, their
** vectors and the work still to do. This header is what everybody may use: opening, the writer lock, models, reading, forgetting.
** What only the indexer needs (recording files, batches of finished photos) is in store/files.h. The format itself is described in
** docs/library-format.md.
**
** A ps__store is one SQLite connection. Use a handle from one thread at a time; open as many on one folder as you like, from any
** number of threads and processes. Readers never wait for a writer and see the library as of their last commit; a call that
** writes waits up to 10 seconds for another writer's (short) transaction, then returns PS__BUSY.
**
** Every reading call is consistent in itself. For several calls that must agree, put them between ps__store_begin and
** ps__store_end.
**
** Errors that any call may return: PS__CORRUPT (library.db is damaged; the sentence says so and what to do), PS__IO, PS__FULL (no
** space left; what was committed before is kept), PS__ACCESS, PS__BUSY, PS__NOMEM.
**
** Callbacks get their payload last and return 0 to go on; any other value stops the walk, and the walking call returns it. They
** may read from the same handle, but not write.
*/
#ifndef PS_STORE_H
#define PS_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"

typedef struct ps__store ps__store;

/* ---- Opening ------------------------------------------------------------------------------------------------------------ */

enum {
    PS__STORE_READ = 0,  /* nothing is written; PS__NOTFOUND when there is no library in the folder */
    PS__STORE_WRITE = 1, /* as READ, and calls that write are allowed */
    PS__STORE_CREATE =
        3 /* as WRITE, and makes the folder (mode 0700, missing parents too) and an empty library (0600) when there is none */
};

/* Opens folder/library.db. A library of an older version is migrated first. PS__NEWER: written by a newer photosearch. PS__FORMAT: a
** SQLite database that is not a library. PS__CORRUPT: damaged. Close with ps__store_close (NULL is fine). */
int ps__store_open(ps__store **out, const char *folder, unsigned flags, ps__error *err);
void ps__store_close(ps__store *store);

/* The folder as it was given; belongs to the store. */
const char *ps__store_folder(const ps__store *store);

/* 32 hex digits that this library got when it was made: a cache beside it that names another identity, belongs to another (deleted)
** library and is to be thrown away. Belongs to the store. */
const char *ps__store_identity(const ps__store *store);

/* Reads every page and every row: PS__OK or PS__CORRUPT with the first fault. Takes seconds for large libraries. */
int ps__store_check(ps__store *store, ps__error *err);

/* One view of the library for all reading calls until ps__store_end. Not nested; not on a handle with a write open. */
int ps__store_begin(ps__store *store, ps__error *err);
void ps__store_end(ps__store *store);

/* The writer lock: whoever indexes holds it, so that one process at a time does. PS__BUSY with a sentence that names the pid of the
** holder. The kernel drops it when the holder dies, however that happens. Released by ps__store_unlock or ps__store_close. Short
** writes (forget) do not need it. Held by the handle: a second handle of the same process gets PS__BUSY too. */
int ps__store_lock(ps__store *store, ps__error *err);

/* The same kind of lock on another file of a library's folder. *fd is to be closed with ps__os.close. doing: "watched", for the
** sentence of PS__BUSY. */
int ps__folder_lock(int *fd, const char *folder, const char *name, const char *doing, ps__error *err);
void ps__store_unlock(ps__store *store);
/* 1 while somebody holds it for the library in `folder`; 0 also when that cannot be told. */
int ps__store_is_locked(const char *folder);

/* ---- Models and spaces -------------------------------------------------------------------------------------------------- */

/*
** A vector belongs to a photo and a *space* (models of one space make comparable vectors), and names the model that made it. Calls
** that read vectors take the number of a space, which is stable for the life of the library.
*/

/* Registers the model and its space where they are new, and makes it the library's current model (the one that answers, and what status
** counts against) at once, whatever vectors there are. Ends a change to a model of this space. PS__MODEL when the space is known with another dim. PS__INVALID: an empty or overlong (> 200 bytes) name, dim not in 1..8192. */
int ps__store_use_model(int *space, ps__store *store, const char *model_id, const char *space_name, int dim, ps__error *err);

/* The number of a space, for reading. PS__NOTFOUND: nothing was ever indexed in it. PS__MODEL: it has another dim. */
int ps__store_find_space(int *space, ps__store *store, const char *space_name, int dim, ps__error *err);

#define PS__STORE_NAME 201
#define PS__STORE_PATH 4097

typedef struct ps__store_model {
    char id[PS__STORE_NAME];    /* "" when nothing was ever indexed */
    char space[PS__STORE_NAME]; /* name of its space */
    int space_number;           /* 0 when id is "" */
    int dim;                    /* length of its vectors */
    char path[PS__STORE_PATH];  /* of its package, absolute; "": nobody chose it, it was the usual one */
} ps__store_model;

/* The model whose vectors answer. */
int ps__store_current_model(ps__store_model *out, ps__store *store, ps__error *err);

/* Notes where the package of a registered model lies. PS__INVALID: not absolute, or too long. */
int ps__store_set_model_path(ps__store *store, const char *model_id, const char *path, ps__error *err);

/*
** Changing the model: beside its current model a library may have a *next* one. Photos get vectors of both until none is left without
** one of the next; then the next becomes the current model, in one transaction. Until then the old vectors answer.
*/

/* Registers the model and makes it the next one, in place of another that may be so; with the current model's space it becomes the
** current one at once. path (may be NULL): of its package. keep: 1: the vectors of today stay when they answer no more. */
int ps__store_set_next_model(ps__store *store, const char *model_id, const char *space_name, int dim, const char *path, int keep,
                             ps__error *err);

/* id is "" when there is none. */
int ps__store_next_model(ps__store_model *out, ps__store *store, ps__error *err);

typedef struct ps__store_change {
    ps__store_model next; /* id "": no change is going on, and all below is 0 */
    int64_t done;         /* photos with a vector of the next model's space */
    int64_t left;         /* photos without one, a file of which waits to be read or can be */
    int64_t waiting;      /* of these: that wait to be read by the current model first */
    int64_t out_of_reach; /* photos without one whose files are all away or could not be read: the change does not wait for them */
} ps__store_change;

/* Looks at every file while a change is going on. */
int ps__store_count_change(ps__store_change *out, ps__store *store, ps__error *err);

/* Makes the next model the current one. Its vectors are not counted: who calls this has seen to it that there is nothing left. Those of
** the old one are retired, or kept when that was asked for. PS__NOTFOUND: the next model lives in another space by now, or there is none. */
int ps__store_switch_model(ps__store *store, const char *space, ps__error *err);

/* Removes some of the vectors that are retired, in a transaction of its own: *more tells whether there are others. */
int ps__store_remove_retired(int *more, ps__store *store, ps__error *err);

/* Every model that the library knows, with the vectors of its space. */
typedef int ps__store_model_fn(const ps__store_model *model, int64_t vectors, void *payload);
int ps__store_each_model(ps__store *store, ps__store_model_fn *fn, void *payload, ps__error *err);

/* ---- Photos ------------------------------------------------------------------------------------------------------------- */

/* Where the time in which a photo was taken is from (photos.taken_source); the surest first. Of 5 and 6 the clock time says nothing. */
enum {
    PS__TAKEN_UNKNOWN = 0,  /* there is none */
    PS__TAKEN_EXIF = 1,     /* the camera's notes, with their zone or without any */
    PS__TAKEN_EXIF_GPS = 2, /* the camera's notes, their zone by the time of the satellites */
    PS__TAKEN_GPS = 3,      /* the time of the satellites; the zone is guessed by the longitude, an hour or two off at worst */
    PS__TAKEN_NAME = 4,     /* date and clock time in the file's name */
    PS__TAKEN_NAME_DAY = 5, /* a date in the file's name */
    PS__TAKEN_MTIME = 6     /* when the file was last written */
};

/* A photo is its content; the files that hold this content are found by ps__store_paths. Photo ids are positive, grow, and are
** never used again after a photo is gone. All strings are 0-terminated, valid UTF-8 and without control characters. */
typedef struct ps__photo {
    int64_t id;
    uint8_t hash[16];           /* XXH3, 128 bits, of the file's bytes, in canonical (big-endian) order; see preview */
    int preview;                /* 1: only the preview in the file was looked at yet; hash may be of the file's head and size */
    int64_t bytes;              /* size of the file */
    int width, height;          /* pixels of the upright photo */
    char format[9];             /* "jpeg", "png"... as ps__pixels.format */
    char taken[20];             /* local time where it was taken "2021-07-04T15:32:10"; "" unknown */
    int taken_source;           /* PS__TAKEN_*: who says so; 0 unknown */
    int64_t taken_s;            /* the same as seconds since 1970-01-01T00:00:00 local time; meaningful when taken[0] != 0 */
    char taken_offset[7];       /* "+02:00" or "" */
    int has_gps;                /* 1: the next two are meaningful */
    double latitude, longitude; /* degrees, WGS 84 */
    int placed;                 /* 1: the position was looked up in the gazetteer, whatever it said */
    int64_t city, region;       /* its ids in the gazetteer; 0 unknown */
    char country[3];            /* "PT"; "" unknown */
    char make[64], model[64], lens[64]; /* camera; "" unknown */
    int flash;                  /* 1 fired, 0 did not, -1 unknown */
    int rating;                 /* stars 1..5; 0 not rated */
    int kinds;                  /* bits: 1 screenshot, 2 panorama, 4 selfie */
    uint64_t look;              /* perceptual hash of 63 bits; 0 unknown, or too plain for one */
    int64_t added_s;                    /* when it entered the library, seconds since 1970, UTC */
    int64_t modified_s;                 /* earliest modification time of its files, seconds since 1970, UTC; 0 when it has none */
} ps__photo;

/* PS__NOTFOUND: there is no such photo. */
int ps__store_photo(ps__photo *out, ps__store *store, int64_t photo, ps__error *err);

/* Appends to `out` the path of each file that holds the photo, absolute, raw bytes (often but not always UTF-8), each followed by a 0
** byte, in byte order; *count (may be NULL) says how many. Files that are known to be away (on a drive that is not there) are left
** out. None is not an error. A file may have vanished since the last index. */
int ps__store_paths(ps__buf *out, size_t *count, ps__store *store, int64_t photo, ps__error *err);

/* PS__NOTFOUND: the path (absolute, as ps__store_paths gives it) is not in the library or has no photo yet. */
int ps__store_photo_by_path(int64_t *photo, ps__store *store, const char *path, ps__error *err);
/* PS__NOTFOUND: no photo has this content. ps__store_hash makes the key from a file's bytes. */
int ps__store_photo_by_hash(int64_t *photo, ps__store *store, const uint8_t hash[16], ps__error *err);
void ps__store_hash(uint8_t hash[16], const void *bytes, size_t size);

/* When and where, of every photo: what a filter needs to be kept in memory. */
typedef struct ps__photo_note {
    int64_t id;
    int has_taken;              /* 1: taken_s is meaningful */
    int has_gps;                /* 1: latitude and longitude are */
    int64_t taken_s;            /* as in ps__photo */
    double latitude, longitude; /* degrees */
} ps__photo_note;

typedef int ps__photo_note_fn(const ps__photo_note *note, void *payload);
/* Photos with id > after, in id order. */
int ps__store_each_note(ps__store *store, int64_t after, ps__photo_note_fn *fn, void *payload, ps__error *err);

typedef struct ps__store_filter {
    int use_taken;                    /* 1: only photos with a known time taken_from_s <= taken_s < taken_to_s */
    int64_t taken_from_s, taken_to_s; /* local camera time, as ps__photo.taken_s */
    int use_box;                      /* 1: only photos with a position inside the box */
    double south, north;              /* degrees, south <= north */
    double west, east;                /* degrees; west > east: the box crosses the 180th meridian */
    const char *folder; /* NULL, or an absolute path: only photos with a file below this folder (or that file itself) */
} ps__store_filter;

/* Ids of the photos that pass, in increasing order; the caller frees *ids with ps__free (NULL when *count is 0). Uses indexes: cost
** goes with the number of hits. */
int ps__store_select(int64_t **ids, size_t *count, ps__store *store, const ps__store_filter *filter, ps__error *err);

/* ---- Vectors ------------------------------------------------------------------------------------------------------------ */

/* halves: IEEE binary16 [dim], valid during the call. */
typedef int ps__vector_fn(int64_t photo, const uint16_t *halves, void *payload);
/* Vectors of a space with photo > after, in photo order. A row of a wrong length is PS__CORRUPT. */
int ps__store_each_vector(ps__store *store, int space, int64_t after, ps__vector_fn *fn, void *payload, ps__error *err);

/* Vectors of the given photos: halves is u16 [count][dim], found is u8 [count], set to 1 where the photo has a vector in this space
** and to 0 (its row left alone) elsewhere. photos may be in any order. */
int ps__store_vectors(uint16_t *halves, uint8_t *found, ps__store *store, int space, const int64_t *photos, size_t count,
                      ps__error *err);

/* How many vectors the space has; a counter is kept, nothing is scanned. */
int ps__store_vector_count(int64_t *count, ps__store *store, int space, ps__error *err);

/*
** The change log, for caches of the vectors and of what is known of photos. Every vector written, every photo removed and every photo
** of which something else became known (its notes, or whether a file shows it) gets the next number; numbers are never used again. A
** cache remembers the number it is up to date with (read in the same ps__store_begin ... end as the vectors) and
** later asks for what came after.
*/
enum {
    PS__CHANGE_PUT = 1,  /* photo has a new vector */
    PS__CHANGE_GONE = 2, /* photo is gone, with its vectors */
    PS__CHANGE_NOTED = 3 /* what is known of the photo changed, or which files hold it; told with PS__EVERY_SPACE only */
};
#define PS__EVERY_SPACE (-1)

typedef int ps__change_fn(int64_t change, int kind, int64_t photo, void *payload);

/* The last number given out; 0 in a new library. */
int ps__store_last_change(int64_t *change, ps__store *store, ps__error *err);

/* Changes of one space, or of PS__EVERY_SPACE, with number > after, in order; photos that are gone are told for every space. The last event of a photo
** counts: after PUT its vector may be fetched; a photo that is put and gone appears twice. PS__NOTFOUND: the log does not reach back
** that far (it is kept short), or `after` lies in the future: rebuild the cache from ps__store_each_vector. */
int ps__store_each_change(ps__store *store, int space, int64_t after, ps__change_fn *fn, void *payload, ps__error *err);

/* Files that were known to an older version and wait to be read once more, or changed since they were read: what is known of their photos may
** be less than there is. */
int ps__store_count_stale(int64_t *count, ps__store *store, ps__error *err);

/* ---- Status and housekeeping -------------------------------------------------------------------------------------------- */

typedef struct ps__store_counts {
    int64_t photos;        /* different contents */
    int64_t files;         /* paths known, whatever their state */
    int64_t pending;       /* files waiting to be read in full, plus photos without a vector in the current model's space */
    int64_t previewed;     /* of those files, the ones that can be found already, by their preview */
    int64_t missing;       /* entries of files that are away and were kept on doubt */
    int64_t failed;        /* files that failed and will be tried again, quarantined ones left out */
    int64_t quarantined;   /* files that failed PS__STORE_TRIES times and wait until they change */
    int64_t vectors;       /* in the current model's space */
    int64_t bytes;         /* disk space of all files in the library's folder, caches included */
    int64_t last_run_s;    /* end of the last index run, seconds since 1970, UTC; 0 never */
    ps__store_model model; /* the current model */
} ps__store_counts;

int ps__store_count(ps__store_counts *out, ps__store *store, ps__error *err);

#define PS__STORE_TRIES 3

typedef struct ps__failure {
    const char *path;   /* raw bytes, 0-terminated; valid during the callback, like reason */
    const char *reason; /* one sentence */
    int code;           /* PS__* status of the failure */
    int tries;          /* how often it failed in this state of the file */
    int quarantined;    /* 1: left alone until the file changes */
    int64_t size;       /* bytes, when it was tried */
    int64_t mtime_ns;   /* its modification time then, nanoseconds since 1970, UTC */
    int64_t when_s;     /* time of the last try, seconds since 1970, UTC */
} ps__failure;

typedef int ps__failure_fn(const ps__failure *failure, void *payload);
/* In path order. */
int ps__store_each_failure(ps__store *store, ps__failure_fn *fn, void *payload, ps__error *err);

/* Removes what is known of one file, or of all files below a folder: the entries, the photos that no other file holds, their vectors.
** path: absolute; it need not exist any more; trailing slashes are ignored. *files (may be NULL) counts removed entries; 0 of
** them is PS__NOTFOUND. Photos on disk are never touched; the next `index` over the folder brings them back. */
int ps__store_forget(int64_t *files, ps__store *store, const char *path, ps__error *err);

#endif
