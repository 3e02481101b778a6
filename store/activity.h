/*
** What the process that watches or indexes a library is doing, told to everybody who asks for its status: a small file `activity`
** beside the library, written in place and locked as long as the process lives. Like all such files it is no record: it may be
** deleted, and what cannot be written is not told.
**
** The lock also says that somebody watches already: one at a time. The kernel drops it when the process dies.
*/
#ifndef PS_STORE_ACTIVITY_H
#define PS_STORE_ACTIVITY_H

#include <stdint.h>

#include "base/status.h"

enum { /* ps__activity.state */
       PS__DOING_NOTHING = 0, /* nobody is there */
       PS__DOING_IDLE = 1,    /* everything is done; waits for changes */
       PS__DOING_SCAN = 2,
       PS__DOING_PREVIEWS = 3,
       PS__DOING_ENCODE = 4,
       PS__DOING_REMOVE = 5,
       PS__DOING_PAUSED = 6, /* see why */
       PS__DOING_READ_TEXT = 7
};

typedef struct ps__activity {
    int64_t pid;
    int64_t updated_s;            /* seconds since 1970, UTC */
    int32_t state;                /* PS__DOING_* */
    int32_t watching;             /* 1: goes on after this work, waiting for changes */
    int64_t done, total, failed;  /* as in ps__indexer_progress */
    double per_second;            /* photos */
    double left_seconds;          /* negative: unknown */
    double cpu_seconds_per_photo; /* of the last runs; 0 unknown */
    char why[160];                /* why it is paused or slow, or what cannot be done at the moment; "" nothing */
} ps__activity;

typedef struct ps__announcer ps__announcer;

/* For the one who works, from one thread at a time. PS__BUSY: another process (its number is in the sentence) is announced already. */
int ps__announcer_new(ps__announcer **out, const char *folder, ps__error *err);
/* pid and updated_s are filled in. */
void ps__announce(ps__announcer *announcer, const ps__activity *activity);
void ps__announcer_free(ps__announcer *announcer); /* NULL is fine */

/* For the one who asks. state is PS__DOING_NOTHING, and the rest zero, when nobody is there or the file makes no sense. */
void ps__activity_read(ps__activity *out, const char *folder);

#endif
