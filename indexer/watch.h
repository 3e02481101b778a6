/*
** Watching: what changes below the roots becomes runs of the indexer, for weeks. One full run comes first; then paths that changed and
** came to rest are compared, each time only those. Full runs come again when something may have been missed, and now and then in any
** case: once an hour, or every five minutes while there are folders whose changes nobody tells (network file systems, the kernel's limit
** of watches).
**
** A long run does not make new photos wait: when something has come to rest, the run in progress is ended early but well, and the next
** one takes the news first and goes on with what is left.
**
** Between runs neither the writer's lock nor any handle of the library is held: anybody may index by hand, and while somebody does,
** this one waits. A second watcher of the same library is refused, by a lock of its own on watch.lock in the library's folder.
**
** What passes (library busy, disk full, a root that is not there) is told, waited out with growing pauses, and never ends the watch.
*/
#ifndef PS_INDEXER_WATCH_H
#define PS_INDEXER_WATCH_H

#include "indexer/indexer.h"
#include "indexer/notify.h"

enum { /* kinds of events */
       PS__WATCH_STARTED = 1,  /* folders are watched: see `watched` */
       PS__WATCH_RESCAN = 2,   /* everything is compared with the library: see `why` */
       PS__WATCH_SCANNING = 3, /* a run has begun; `paths` were changed, 0: everything */
       PS__WATCH_WORKING = 4,  /* about once a second while photos are read: see `progress` */
       PS__WATCH_PAUSED = 5,   /* see `text` */
       PS__WATCH_RESUMED = 6,
       PS__WATCH_IDLE = 7,    /* all is done; `last` is the last run's result, with what was done since the IDLE before added up */
       PS__WATCH_PROBLEM = 8, /* a run failed, see `code` and `text`; the next try is in `seconds` */
       PS__WATCH_STOPPED = 9  /* see `code` and `text` */
};

enum { /* why everything is compared */
       PS__RESCAN_FIRST = 1,
       PS__RESCAN_OVERFLOW = 2, /* inotify's queue was too short */
       PS__RESCAN_MOUNT = 3,    /* a mount came or went */
       PS__RESCAN_TIMER = 4,    /* the safety net */
       PS__RESCAN_MANY = 5      /* more paths changed than are kept apart */
};

typedef struct ps__watch_event {
    int kind;                             /* PS__WATCH_* */
    int why;                              /* of RESCAN: PS__RESCAN_*; else 0 */
    int code;                             /* of PROBLEM and STOPPED: status */
    const char *text;                     /* sentence, UTF-8, never NULL; valid during the call, like all pointers here */
    double seconds;                       /* of PROBLEM: until the next try; of IDLE: until the next full run */
    size_t paths;                         /* of SCANNING */
    const ps__indexer_progress *progress; /* of WORKING; else NULL */
    const ps__indexer_result *last;       /* of IDLE; else NULL */
    ps__notify_state watched;             /* as it is now */
} ps__watch_event;

/* What spare time is filled with gets this: both are called on the watching thread. */
typedef struct ps__watch_spare {
    int (*stop)(void *payload);                                         /* not 0: there is other work; come to an end at once */
    void (*tell)(const ps__indexer_progress *progress, void *payload);  /* passed on as PS__WATCH_WORKING, about once a second */
    void *payload;                                                      /* handed to both */
} ps__watch_spare;

enum { PS__SPARE_DONE = 0, /* nothing is left to do, until the library changes */
       PS__SPARE_LATER = 1 /* to be asked again in half a minute, or after other work */ };

/* Called on the thread that called ps__watch_run, which waits for it. */
typedef void ps__watch_event_fn(const ps__watch_event *event, void *payload);
typedef int ps__watch_run_fn(ps__indexer_result *result, const ps__indexer_options *options, ps__error *err, void *payload);

typedef struct ps__watch_options {
    /* How runs are made: library, roots, encoder, flags, threads, cancel, log and so on. `only` and `interrupt` are the watch's own;
    ** `progress` is called as well. Must stay as it is until ps__watch_run returns. */
    const ps__indexer_options *indexer;
    int once;               /* 1: end when all work is done and nothing more is heard */
    double settle_seconds;  /* a path is taken when it was quiet for so long; 0: 2 */
    double rescan_seconds;  /* between full runs while all is watched; 0: 3600 */
    double poll_seconds;    /* between full runs while it is not; 0: 300 */
    /* Why work is paused right now, valid until the next call; NULL: it is not. Asked on the watching thread. NULL: never. */
    const char *(*paused)(void *payload);
    ps__watch_event_fn *event; /* NULL: none */
    void *payload;             /* handed to paused, event, run and spare */
    ps__watch_run_fn *run;     /* makes a run; NULL: ps__indexer_run */
    /* Called when all is done and told: work that can wait for ever. Returns PS__SPARE_*. NULL: none. */
    int (*spare)(const ps__watch_spare *spare, void *payload);
    const ps__notify_calls *calls; /* NULL: the real ones */
} ps__watch_options;

typedef struct ps__watch_result {
    int64_t runs;         /* that ended well */
    int64_t full_runs;    /* of those: over everything */
    int64_t interrupted;  /* of those: ended early for news */
    int64_t problems;     /* runs that failed and were tried again */
    int64_t indexed;      /* sums over all runs, as in ps__indexer_result */
    int64_t failed;
    int64_t removed;
    ps__indexer_result last; /* of the last run */
} ps__watch_result;

/* Blocks until indexer->cancel is set (PS__CANCELLED, noticed within a second), with `once` until there is nothing more to do (PS__OK;
** then only a busy library is waited for), or until something that does not pass: PS__BUSY: another process watches this library, the
** sentence says which; PS__CORRUPT, PS__NEWER: the library; PS__MODEL: the encoder; PS__INVALID: options. *result is always filled.
** Any thread; one call a library at a time. */
int ps__watch_run(ps__watch_result *result, const ps__watch_options *options, ps__error *err);

/* The lock on the library's folder (made when missing) that says who watches. *fd is to be closed with ps__os.close. PS__BUSY. */
int ps__watch_lock(int *fd, const char *library, ps__error *err);

#endif
