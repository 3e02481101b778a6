/*
** What changes below some folders, as inotify tells it: a thread of its own that watches every folder, keeps the watches right while
** folders come, go and are renamed, and hands each change to a sink at once, however long the indexer is busy.
**
** It never fails as a whole. What cannot be watched (the kernel's limit is reached, a network or FUSE file system where others change
** files unseen, no inotify at all) is counted in the state, said once to the log, and left to the caller, who looks at it by rescans.
** When something may have been missed (the queue overflowed, a mount came or went) the sink hears that everything may have changed.
**
** Hidden folders, links to folders and the library's own folder are left out as in a scan. Files count when their ending is that of an
** image, or when they are roots themselves. A folder that can be watched only after things were put into it is told as a whole.
*/
#ifndef PS_INDEXER_NOTIFY_H
#define PS_INDEXER_NOTIFY_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/vfs.h>

#include "base/log.h"
#include "base/status.h"
#include "indexer/settle.h"

/* The system calls that this part makes besides those of base/os.h, so that a test can replace them. They set errno. */
typedef struct ps__notify_calls {
    int (*init)(void);                                    /* inotify_init1, not blocking, closed on exec */
    int (*add)(int fd, const char *path, uint32_t mask);  /* inotify_add_watch */
    int (*remove)(int fd, int wd);                        /* inotify_rm_watch */
    ssize_t (*read)(int fd, void *events, size_t size);   /* of the inotify descriptor only */
    int (*poll)(struct pollfd *fds, nfds_t count, int ms);
    int (*statfs)(const char *path, struct statfs *st);
    int (*eventfd)(void);                                 /* not blocking, closed on exec */
    const char *mounts;                                   /* path of mountinfo, polled for POLLPRI */
} ps__notify_calls;

extern const ps__notify_calls ps__notify_system;

enum { PS__NOTIFY_OVERFLOW = 1, PS__NOTIFY_MOUNT = 2 };

typedef struct ps__notify_options {
    const char *const *roots; /* [root_count] absolute; they may be missing, come and go */
    size_t root_count;
    const char *library; /* its folder is not watched; NULL: none */
    unsigned flags;      /* PS__INDEX_HIDDEN, PS__INDEX_FOLLOW_LINKS */
    const ps__log *log;  /* NULL: silent */
    /* Both are called on the watching thread; path is valid during the call. */
    void (*change)(const char *path, ps__news change, void *payload);
    void (*everything)(int why, void *payload); /* PS__NOTIFY_* */
    void *payload;
    const ps__notify_calls *calls; /* NULL: the real ones */
} ps__notify_options;

typedef struct ps__notify_state {
    int64_t watched;   /* folders */
    int64_t remote;    /* folders that begin a file system whose changes are not all told */
    int64_t missing;   /* roots that are not there */
    int limited;       /* 1: the kernel's limit was reached, some folders are not watched */
    int off;           /* 1: no inotify at all */
    size_t bytes;      /* memory for the folders */
} ps__notify_state;

typedef struct ps__notify ps__notify;

/* Starts the thread, which begins to walk the roots. Options are used until ps__notify_stop; strings and all. PS__NOMEM, PS__IO (no
** thread or descriptor to wake it). */
int ps__notify_start(ps__notify **notify, const ps__notify_options *options, ps__error *err);
/* 1 once all walks that were asked for are done; waits at most `ms` for that. */
int ps__notify_ready(ps__notify *notify, int ms);
/* Asks to walk all roots again: what is not watched yet is added and told, what is not there any more is dropped. Returns at once. */
void ps__notify_rewalk(ps__notify *notify);
void ps__notify_get_state(ps__notify_state *state, ps__notify *notify);
/* 1: rescans are the only way to hear of some changes. */
int ps__notify_is_partial(const ps__notify_state *state);
void ps__notify_stop(ps__notify *notify); /* ends the thread and frees; NULL is fine */

#endif
