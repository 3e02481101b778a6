/*
** The files of the vector index beside the library: a roll, `<space>.faiss`, that names the segments which together hold every
** vector up to a certain change of the library, and the segments' own files, `<space>.<checksum>.faiss`.
**
** All of it is a cache. What cannot be read, belongs to another library or fails its checksum is as good as missing. A roll is
** replaced by rename, so that a reader sees the old or the new one; segments are never changed, only dropped when no roll names
** them.
*/
#ifndef PS_SEARCH_CACHE_H
#define PS_SEARCH_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define PS__CACHE_SEGMENTS ((size_t)8192) /* most segments of a roll: 500 million photos */
#define PS__CACHE_PATH 4096               /* bytes of a path with its 0 byte */

typedef struct ps__cache_key {
    const char *folder;   /* of the library */
    const char *identity; /* ps__store_identity */
    const char *space;    /* name of the space the vectors are of */
    int dim;              /* their length */
} ps__cache_key;

typedef struct ps__roll {
    int64_t change;      /* every vector put up to this change of the library is in one of the segments */
    int64_t touched;     /* some of the vectors may be as new as this change; >= change */
    uint64_t *checksums; /* [count] of the segments; owned */
    size_t count;        /* segments */
} ps__roll;

/* Path of a segment's file; of the roll itself with checksum 0. PS__INVALID when it is too long. */
int ps__cache_path(char path[PS__CACHE_PATH], const ps__cache_key *key, uint64_t checksum, ps__error *err);

/* PS__NOTFOUND: there is no roll; PS__CORRUPT: it is damaged, or of another library, space or length. Free with ps__roll_clear.
** */
int ps__roll_read(ps__roll *out, const ps__cache_key *key, ps__error *err);
int ps__roll_write(const ps__roll *roll, const ps__cache_key *key, ps__error *err);
void ps__roll_clear(ps__roll *roll);

/* Removes the space's segment files, and temp files of writers that died, that the roll does not name. Errors are of no
** consequence. Needs the lock. */
void ps__cache_sweep(const ps__roll *roll, const ps__cache_key *key);

/* Whoever builds for the cache and writes it holds its lock; the kernel drops it when the holder dies. Never waits: *lock is a
** descriptor, PS__CACHE_BUSY when another holds it, or PS__CACHE_CLOSED when there can be no lock (the folder cannot be written).
** Unlocking either of these is fine. */
enum { PS__CACHE_BUSY = -1, PS__CACHE_CLOSED = -2 };
void ps__cache_lock(int *lock, const ps__cache_key *key);
void ps__cache_unlock(int lock);

#endif
