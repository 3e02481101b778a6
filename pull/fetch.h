/*
** Fetching one file over HTTP, by libcurl, into FILE.part and then FILE. The only file of this project that uses the network.
** One thread.
**
** A transfer that breaks off is tried again from where it stopped: Range with If-Range where the server gave a strong ETag,
** Range alone where a checksum will tell in the end. When the server sends the whole file instead, or says that it is another
** one by now, it begins anew. Nothing gets the name FILE before size and checksum agree with what is expected.
*/
#ifndef PS_PULL_FETCH_H
#define PS_PULL_FETCH_H

#include <signal.h>
#include <stdint.h>

#include "base/status.h"
#include "pull/part.h"

typedef struct pull_network {             /* how, for all files */
    unsigned allow;                       /* PULL_HTTP_* */
    int tries;                            /* without progress, before giving up */
    double retry_wait;                    /* seconds; doubles */
    int timeout;                          /* seconds without a byte */
    int quiet;                            /* 1: no notes, no progress */
    const volatile sig_atomic_t *stopped; /* 1: the user wants no more */
} pull_network;

typedef struct pull_wish { /* what */
    const char *name;      /* for people */
    const char *url;       /* checked */
    const char *path;      /* FILE */
    int64_t size;          /* bytes; -1 not known */
    int64_t most;          /* more is refused */
    const char *sha256;    /* 64 digits, or "" */
} pull_wish;

typedef struct pull_got {
    int64_t bytes;
    int64_t resumed; /* of them, bytes that an earlier run had brought */
    char sha256[PULL_SHA256_HEX];
    pull_seen seen;
} pull_got;

/* Brings FILE. One that is there already, and is what is wanted, is taken as it is. PS__CANCELLED when stopped: what came stays
** in FILE.part, as for all failures but wrong bytes. PS__CORRUPT for wrong bytes, PS__TOOBIG, PS__NOTFOUND, PS__IO and so on. */
int pull_fetch(pull_got *got, const pull_wish *wish, const pull_network *network, ps__error *err);

/* Once, before and after everything. */
int pull_fetch_start(ps__error *err);
void pull_fetch_end(void);

#endif
