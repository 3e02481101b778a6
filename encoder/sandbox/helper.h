/*
** A process that works for one thread of the library, with the two blocks of memory that both see: what the decoders' sandbox and the
** reader of texts have in common. It is started when first needed, asked one thing at a time, and replaced when it crashed, hung, lied or
** went away. One thread at a time; see process.h for whom it ends with.
*/
#ifndef PS_SANDBOX_HELPER_H
#define PS_SANDBOX_HELPER_H

#include "base/log.h"
#include "base/status.h"
#include "encoder/sandbox/process.h"
#include "encoder/sandbox/shared.h"

typedef struct ps__helper {
    /* Set before ps__helper_open. */
    const char *who;      /* "decoder", for sentences; static, as the next */
    const char *doing;    /* "decoding" */
    uint32_t magic;       /* these three are what its hello must say */
    size_t request_size;
    size_t answer_size;
    char *program;        /* path; owned */
    const char *setting;  /* as for ps__process_start; outlives the helper */
    int64_t limit_ns;     /* wall time that one request may take */
    uint64_t max_bytes;   /* memory that one request may take */
    const ps__log *log;   /* may be NULL; outlives the helper */
    ps__stop_fn *stop;    /* may be NULL */
    void *payload;        /* handed to stop */
    /* Its own. */
    ps__shared input;     /* the helper can only read it */
    ps__shared output;
    ps__process process;  /* pid 0 between two of them */
    uint32_t number;      /* of the last request */
    int warned;           /* the log has its warning about the missing filter */
    int down;             /* 1: the last request failed for a reason that lies with the system, not with what was asked */
    int64_t ended_ns;     /* CPU time of the processes before this one */
} ps__helper;

/* Seconds as a limit: 0 and less give the usual 30, and what is beyond a week, a week. */
int64_t ps__helper_limit_ns(double seconds);

/* Makes the blocks of memory and starts the process. ps__helper_close in any case, also instead of this. */
int ps__helper_open(ps__helper *h, ps__error *err);
void ps__helper_close(ps__helper *h);

/* Sends a request of h->request_size bytes that begins with a uint32_t for its number, which is filled in, and waits for the answer.
** The output has `room` bytes then. PS__OK: an answer with the right number is there, not looked at yet. A failure's sentence begins
** with `name`. */
int ps__helper_ask(ps__helper *h, void *request, size_t room, const char *name, ps__error *err);

/* The answer could not be honest: ends the process. wrong: what about it, "its size". Returns PS__ERROR. */
int ps__helper_lied(ps__helper *h, const char *name, const char *wrong, ps__error *err);

/* CPU time that its processes used so far, nanoseconds. */
int64_t ps__helper_cpu_ns(ps__helper *h);

#endif
