/*
** What the search for duplicates asks of the library: every photo's look, and the files that hold a photo. See store.h for errors
** and the thread rule.
*/
#ifndef PS_STORE_LOOKS_H
#define PS_STORE_LOOKS_H

#include "store/store.h"

/* A photo that was read in full, and that a file which is there holds. */
typedef struct ps__look_row {
    int64_t photo;
    int has_look;        /* 1: look is known, and not of a picture too plain to be told from others */
    int was_read;        /* 1: by a version that knows looks */
    uint64_t look;       /* perceptual hash, see encoder/pixels/look.h */
    int width, height;   /* pixels of the upright photo */
    int64_t bytes;       /* size of its files */
    int has_time;        /* 1: the camera itself says when it was taken */
    int64_t taken_s;     /* then, as in ps__photo */
    int64_t modified_ns; /* earliest modification time of its files, nanoseconds since 1970, UTC */
    int64_t files;       /* how many */
} ps__look_row;

typedef int ps__look_fn(const ps__look_row *row, void *payload);
/* In photo order. */
int ps__store_each_look(ps__store *store, ps__look_fn *fn, void *payload, ps__error *err);

/* A file that holds exactly what is known of the photo: not one that changed, failed or is away. */
typedef struct ps__copy {
    const char *path;      /* valid during the call */
    int64_t inode, device; /* the bits of st_ino and st_dev when it was read; the same in names of one file */
} ps__copy;

typedef int ps__copy_fn(const ps__copy *copy, void *payload);
/* In path order. */
int ps__store_each_copy(ps__store *store, int64_t photo, ps__copy_fn *fn, void *payload, ps__error *err);

#endif
