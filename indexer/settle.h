/*
** Which changed paths have come to rest. A file that is still being copied is not worth reading, and a file that vanishes is often on its
** way to another name: so a path waits here until it has been quiet for a while. Pure: no I/O, no threads, no clock of its own; every
** call is told the time (nanoseconds of a clock that never goes back).
**
** Bounded: beyond `max` paths, files of one folder become that folder ("something below it changed"), and when even the folders are too
** many, everything has changed. No note is ever lost by that, it only gets coarser; memory that runs out has the same effect.
**
** One thread at a time: the caller locks.
*/
#ifndef PS_INDEXER_SETTLE_H
#define PS_INDEXER_SETTLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef enum ps__news {
    PS__NEWS_TOUCHED, /* there, and something about it is new: created whole, linked, attributes */
    PS__NEWS_WRITING, /* somebody has it open and writes; a CLOSED is to come */
    PS__NEWS_CLOSED,  /* the writer has closed it */
    PS__NEWS_ARRIVED, /* a file was renamed to this name: whole, so it is taken at once */
    PS__NEWS_GONE,    /* deleted or renamed away */
    PS__NEWS_FOLDER   /* a folder with everything below it: made, moved here, moved away, deleted */
} ps__news;

typedef struct ps__settle_options {
    int64_t quiet_ns;   /* a path is ready when it was quiet for so long */
    int64_t writing_ns; /* one that is being written, when nothing was heard of it for so long: its writer hangs, or its end was missed */
    int64_t folder_ns;  /* a folder is ready after so long, even when files below it go on changing; they have waits of their own */
    size_t max;         /* paths kept apart, at least 4 */
} ps__settle_options;

typedef struct ps__settle ps__settle;

int ps__settle_new(ps__settle **settle, const ps__settle_options *options, ps__error *err); /* PS__NOMEM */
void ps__settle_free(ps__settle *settle);                                                    /* NULL is fine */

/* path is absolute. */
void ps__settle_note(ps__settle *settle, const char *path, ps__news change, int64_t now_ns);
/* Everything may have changed; it is ready like a folder. */
void ps__settle_note_everything(ps__settle *settle, int64_t now_ns);

size_t ps__settle_count(const ps__settle *settle); /* paths that wait, ready or not; "everything" counts as one */
/* When the next path will be ready unless more happens to it; not after now_ns: one is. INT64_MAX: nothing waits. */
int64_t ps__settle_next_ns(const ps__settle *settle);

typedef struct ps__settled {
    char **paths;   /* [count], each owned, as the array is */
    size_t count;   /* paths that are ready */
    int everything; /* 1: everything changed, count is 0 */
} ps__settled;

/* Takes out what is ready. PS__NOMEM: nothing was taken. Free with ps__settled_free. */
int ps__settle_take(ps__settled *out, ps__settle *settle, int64_t now_ns, ps__error *err);
void ps__settled_free(ps__settled *settled); /* leaves it empty */

#endif
