/*
** Reading the text in photos that are in the library already: the last of all work, for when there is nothing else to do. Each photo's
** file is read and decoded again, larger than an encoder wants it; where the detector sees no writing, as in most, that is all, else the
** reader is asked (encoder/reading). What it says goes into `texts` and `words`, a few photos at a time. One photo after the other: this
** is not meant to be quick.
**
** The writer's lock of the library is not needed: writes are short, and somebody may index meanwhile.
*/
#ifndef PS_INDEXER_READING_H
#define PS_INDEXER_READING_H

#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "base/status.h"
#include "indexer/decoder.h"
#include "indexer/governor.h"

typedef struct ps__reading_progress {
    int64_t total;       /* photos of this run */
    int64_t done;        /* of them */
    int64_t with_text;   /* of these: text was found and kept */
    int64_t failed;      /* of these: could not be decoded or read */
    double seconds;      /* since the run began */
} ps__reading_progress;

typedef struct ps__reading_options {
    const char *library;                /* its folder */
    const int64_t *photos;              /* [count], in the order to read them in */
    size_t count;
    const ps__indexer_decoder *decoder;
    const char *program;                /* as in ps__reader_options, like the next two */
    const char *languages;
    double seconds;
    int background;                     /* 1: only what nobody else wants of processor and disk */
    ps__governor *governor;             /* NULL: full speed. Asked after each photo */
    const ps__log *log;                 /* NULL: silent */
    /* Asked ten times a second on the calling thread; not 0: the run ends at once, the photo at hand undone. NULL: never. */
    int (*stop)(void *payload);
    /* Called as often, on the same thread. NULL: none. */
    void (*progress)(const ps__reading_progress *progress, void *payload);
    void *payload;                      /* handed to both */
} ps__reading_options;

typedef struct ps__reading_result {
    int64_t read;        /* photos that are done: with_text, without any, and failed */
    int64_t with_text;   /* of these */
    int64_t looked_at;   /* of these: not seen to be without text by the detector, so that the reader was asked */
    int64_t failed;      /* of these: they are not tried again */
    int64_t left;        /* that were to be read, and were not: stopped, or their files are away or changed */
    double cpu_seconds;  /* with the decoder's and the reader's */
    double seconds;
    char first_failure[PS__ERROR_TEXT]; /* sentence; "" none */
} ps__reading_result;

/* *result is always filled. PS__OK; PS__CANCELLED: `stop` said so, and what was done is kept; PS__NOTFOUND: this build reads no text, or
** there are no data of the languages; else why the library, the decoder or the reader could not be used. Any thread; it waits for a thread
** of its own, that works. */
int ps__reading_run(ps__reading_result *result, const ps__reading_options *options, ps__error *err);

#endif
