/*
** What the files of the watching thread share. All but `lock` and what it guards belongs to that thread.
*/
#ifndef PS_INDEXER_NOTIFY_INSIDE_H
#define PS_INDEXER_NOTIFY_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "indexer/notify.h"
#include "indexer/watchtree.h"

typedef struct ps__notify_root {
    char *path;  /* what the given one leads to, or the given one while it leads nowhere; owned */
    int there;   /* 1: a folder that was walked, or a file whose folder is watched */
    int is_file; /* of what is there */
    int slot;    /* of its folder, -1: not watched, or a file */
} ps__notify_root;

struct ps__notify {
    ps__notify_options options;
    const ps__notify_calls *calls;
    int fd;                 /* inotify, -1: off */
    int wake;               /* eventfd: stop or rewalk was asked for */
    int mounts;             /* descriptor of mountinfo, -1: none */
    uint64_t mounts_hash;   /* what it said last about the roots */
    ps__watchtree tree;
    const char **given;     /* [options.root_count] the caller's roots, outer folders before those inside them */
    ps__notify_root *roots; /* [options.root_count] in that order */
    uint8_t generation;     /* of the walk at hand */
    int first_walk_done;    /* before that, nothing that a walk meets is news */
    int rearm;              /* a root may have come or gone */
    int lost_memory;        /* something could not be noted: everything is to be looked at */
    int64_t loose_ns;       /* since when there are loose folders; 0 none */
    int64_t remote;         /* counted by the walk at hand */
    int limited;            /* as in the state */
    int limit_said;         /* 1: the log knows, until a walk finds room for all */
    int walking_all;        /* 1: ps__notify_walk_all is at work */
    dev_t library_device;   /* of the library's folder */
    ino_t library_inode;    /* 0: there is none yet */
    pthread_t thread;
    pthread_mutex_t lock;   /* guards what follows */
    pthread_cond_t walked;  /* `done` has changed; monotonic clock */
    ps__notify_state state; /* as told to others */
    uint64_t asked, done;   /* walks */
    atomic_int stop;
};

/* ---- notify_walk.c ---- */

/* Walks a folder and what is below it. `parent` is a slot or PS__TREE_TOP; the path is then the whole name. With `tell`, folders that
** were not watched before are told to the sink. Returns the folder's slot, -1: it is not watched at this path. */
int ps__notify_walk(ps__notify *n, int parent, const char *path, int tell);
/* All roots, and drops what was not met. */
void ps__notify_walk_all(ps__notify *n);
/* Looks again for the roots that are not there. */
void ps__notify_rearm(ps__notify *n);
/* Ends the watches of a folder and of those below it. `known_gone`: the kernel has ended the folder's own already. */
void ps__notify_drop(ps__notify *n, int slot, int known_gone);
/* Roots at or below this path are to be looked for again. */
void ps__notify_doubt(ps__notify *n, const char *path);

/* ---- notify_events.c ---- */

/* Reads and handles all that inotify has. */
void ps__notify_read(ps__notify *n);

#endif
