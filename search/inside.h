/*
** What index.c (searching), update.c (what a search does to keep up) and maintain.c (building) share. Nobody else includes this.
*/
#ifndef PS_SEARCH_INSIDE_H
#define PS_SEARCH_INSIDE_H

#include <pthread.h>
#include <stdint.h>

#include "search/cache.h"
#include "search/index.h"
#include "search/tail.h"

#define PS__TAIL_HARD ((size_t)16384) /* vectors: a tail is never longer; reading so many takes some 50 ms, and 32 MB */

typedef struct ps__part {
    ps__segment *segment; /* owned */
    uint64_t checksum;    /* names its file; 0: only in memory */
} ps__part;

typedef struct ps__parts {
    ps__part *list; /* [count] owned; the last one is the one that grows */
    size_t count;
} ps__parts;

/* Where the tail stood when a replay was done. */
typedef struct ps__mark {
    size_t count;   /* the tail's first vectors ... */
    int64_t change; /* ... are all there is up to this change */
} ps__mark;

/* Which lock guards what: `update` is held for moments (at most while a tail's worth of vectors is read), never while something
** is built or written. Whoever set `building` is the only one who changes parts and rolled until it takes it back. */
struct ps__index {
    char *folder, *identity, *space_name; /* owned; what key points at */
    ps__cache_key key;
    int space; /* number of the space in the store */
    int dim;   /* length of the vectors */
    ps__log log;

    pthread_mutex_t update; /* guards all below against other updates; a search takes it when it notices changes */
    pthread_cond_t settled; /* building went back to 0 */
    int building;           /* 1: a thread builds, either the builder or a caller of ps__index_flush */
    int has_builder;        /* 1: builder is to be joined */
    pthread_t builder;      /* builds for searches; joined before the next one and by ps__index_free */
    int builder_lock;       /* of the cache, from who started the builder to the builder */
    int64_t retry_ns;       /* monotonic: no new builder before that, as the last one failed; 0: none did */
    int behind;             /* 1: the changes since `change` are too many for the tail, or not known: searches scan the store */
    int told;             /* 1: that the cache cannot be used was told; guarded by update */
    int64_t rolled;         /* change that the roll on disk, as we know it, stands for; -1: none */
    int64_t built;          /* change that parts alone stand for */
    ps__mark *marks;        /* [mark_count] owned; ascending in both */
    size_t mark_count, mark_room;

    pthread_rwlock_t lock; /* read: searching; write, with `update` held: the moment in which an update takes effect */
    int loaded;            /* 1: the cache was looked at; the rest means something */
    int64_t change;        /* change of the store that parts and tail together stand for */
    int64_t touched; /* some of the parts' vectors may be as new as this change */
    ps__parts parts;
    ps__tail *tail; /* owned, never NULL */
};

/* A growing list of photos. */
typedef struct ps__photo_list {
    int64_t *photos; /* owned */
    size_t count, capacity;
    size_t most; /* PS__TOOBIG instead of more */
    size_t gone; /* photos that were told to be gone */
} ps__photo_list;

int ps__photo_list_add(ps__photo_list *list, int64_t photo);
/* Ascending, each photo once. */
void ps__photo_list_sort(ps__photo_list *list);

/* Brings the index up to date, within a view (ps__store_begin) of the store, as far as that is quickly done; what takes longer is
** begun by the builder. *scan is 1 when the index does not hold everything and the store itself must be searched. *newer, which the
** caller frees, is NULL or holds what this search alone has read beyond the index. */
int ps__index_refresh(int *scan, ps__tail **newer, ps__index *index, ps__store *store, ps__error *err);

/* Holding `update`: looks at the cache for the first time. */
int ps__index_first_load(ps__index *index, int64_t now, ps__error *err);
/* Holding `update`, nobody building: takes what the cache has if it is newer than the roll that is known, and not newer than `now`.
** Whatever is wrong with it is no error here, but told if `tell`: *taken is 0. */
int ps__index_reload(int *taken, ps__index *index, int64_t now, int tell, ps__error *err);
/* Photos with vectors that are new since `change`. PS__NOTFOUND when the log does not reach back that far. */
int ps__index_gather(ps__photo_list *list, const ps__index *index, ps__store *store, int64_t change, ps__error *err);
/* 1 when so many vectors are better off in a segment. Holding `update`. */
int ps__index_is_long(const ps__index *index, size_t tail, int flush);
int ps__index_too_many_gone(int *result, const ps__index *index, ps__store *store, ps__error *err);

/* Holding `update`: the parts become `parts`, which is taken over (also on failure), and the first `used` vectors leave the tail,
** all of which are in `parts`, or not in the store. The parts stand for `change`; some of their vectors may be as new as `touched`.
** Segments that were parts and are none any more are freed. */
int ps__index_put_in_place(ps__index *index, ps__parts *parts, size_t used, int64_t change, int64_t touched, ps__error *err);

/* Holding `update`: starts the builder unless somebody is building, here or in another process. Unless it is urgent, that is also left
** to a process that indexes. Failing to is of no consequence. */
void ps__index_start_builder(ps__index *index, int urgent);

/* Number of vectors in all parts. */
size_t ps__parts_total(const ps__parts *parts);
/* Takes the segment over, also on failure. */
int ps__parts_add(ps__parts *parts, ps__segment *segment, uint64_t checksum, ps__error *err);
/* Frees the list and those of its segments that are not in `shared` (may be NULL). */
void ps__parts_clear(ps__parts *parts, const ps__parts *shared);

#endif
