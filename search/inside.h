/*
** What index.c (searching) and update.c (keeping up to date) share. Nobody else includes this.
*/
#ifndef PS_SEARCH_INSIDE_H
#define PS_SEARCH_INSIDE_H

#include <pthread.h>

#include "search/cache.h"
#include "search/index.h"
#include "search/tail.h"

typedef struct ps__part {
    ps__segment *segment; /* owned */
    uint64_t checksum;    /* names its file; 0: only in memory */
} ps__part;

typedef struct ps__parts {
    ps__part *list; /* [count] owned; the last one is the one that grows */
    size_t count;
} ps__parts;

struct ps__index {
    char *folder, *identity, *space_name; /* owned; what key points at */
    ps__cache_key key;
    int space; /* number of the space in the store */
    int dim;   /* length of the vectors */
    ps__log log;

    pthread_mutex_t update; /* held by the one thread that brings the index up to date; guards all below against other updates */
    int loaded;             /* 1: the cache was looked at; the rest means something. Also written under `lock` */
    int64_t rolled;         /* change that the roll on disk, as we know it, stands for; -1: none */

    pthread_rwlock_t lock; /* read: searching; write: the moment in which an update takes effect */
    int64_t change;        /* change of the store that parts and tail together stand for */
    ps__parts parts;
    ps__tail *tail; /* owned, never NULL */
};

/* Brings the index up to date, within a view (ps__store_begin) of the store. flush: write the cache even if only little is new.
** May leave the index as it was when another thread is at it. */
int ps__index_refresh(ps__index *index, ps__store *store, int flush, ps__error *err);

/* Number of vectors in all parts. */
size_t ps__parts_total(const ps__parts *parts);
void ps__parts_clear(ps__parts *parts);

#endif
