/*
** One process that works for the library (a decoder, a reader): started, spoken to through two pipes, stopped and reaped. The library lives in programs of others, so
** nothing here forks without exec, touches signals, or relies on the program leaving its children alone.
**
** The process ends by itself with the thread that started it (the kernel's rule for "parent death" goes by thread), or when its
** pipe closes.
*/
#ifndef PS_SANDBOX_PROCESS_H
#define PS_SANDBOX_PROCESS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/status.h"
#include "encoder/sandbox/child.h"

typedef struct ps__process {
    pid_t pid;        /* 0: none */
    int pidfd;        /* -1: the kernel has none */
    int requests;     /* pipe to it, write */
    int requests_end; /* the other end of the same, held open so that writing never raises SIGPIPE */
    int answers;      /* pipe from it, read */
    pid_t thread;     /* that started it */
    int64_t seen_ns;  /* its CPU time when it was last looked at */
} ps__process;

typedef struct ps__process_end { /* how it ended */
    int known;                   /* 0: somebody else reaped it */
    int exited;                  /* 1: value is an exit status, 0: a signal */
    int value;
    int64_t cpu_ns; /* used in all */
} ps__process_end;

/* What waiting came to. */
enum {
    PS__HEARD = 0,         /* what was waited for */
    PS__HEARD_END = 1,     /* it ended, or closed its pipe */
    PS__HEARD_NOTHING = 2, /* in time */
    PS__HEARD_STOP = 3,    /* `stop` said so */
    PS__HEARD_FAILED = 4   /* the system refused to read or write, errno says why: not the process's doing */
};

/* Asked ten times a second while waiting; not 0: give up. */
typedef int ps__stop_fn(void *payload);

/* Starts the program with the two blocks of shared memory, and no other file of ours. It has said nothing yet. setting: one more
** argument, or NULL. */
int ps__process_start(ps__process *p, const char *program, uint64_t max_bytes, int input, int output, const char *setting,
                      ps__error *err);

/* Kills the process if it still runs, reaps it and closes its pipes. end may be NULL. Nothing happens when there is none. */
void ps__process_stop(ps__process *p, ps__process_end *end);

/* How it ended, in words that follow "the decoder". */
void ps__process_describe(char *text, size_t size, const ps__process_end *end);

/* 1 if it runs, has nothing to say unasked, and was started by this thread, with which alone it ends. */
int ps__process_is_ready(const ps__process *p);

/* CPU time so far, nanoseconds. */
int64_t ps__process_cpu_ns(ps__process *p);

/* PS__HEARD or PS__HEARD_FAILED. */
int ps__process_tell(const ps__process *p, const void *bytes, size_t size);

/* Reads exactly `size` bytes; PS__HEARD... deadline_ns: of ps__os.monotonic_ns. stop may be NULL. */
int ps__process_hear(const ps__process *p, void *bytes, size_t size, int64_t deadline_ns, ps__stop_fn *stop, void *payload);

#endif
