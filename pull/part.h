/*
** A file that is still on its way: FILE.part holds the bytes that came, and FILE.state what is known of them, so that a later
** run can ask the server for the rest, and notice when the file there is another one by now. No network in here.
*/
#ifndef PS_PULL_PART_H
#define PS_PULL_PART_H

#include <stdint.h>

#include "base/status.h"
#include "pull/sha256.h"

enum { PULL_TAG = 256 };

typedef struct pull_seen {   /* what the server said; "" where it said nothing, or nothing plain */
    char etag[PULL_TAG];     /* with its quotes */
    char modified[PULL_TAG]; /* Last-Modified */
    char linked[PULL_TAG];   /* X-Linked-ETag of Hugging Face without quotes: of large files the SHA-256 */
} pull_seen;

typedef struct pull_part {
    char *path, *part, *state; /* FILE, FILE.part and FILE.state; owned */
    int fd;                    /* of FILE.part; -1 closed */
    int64_t length;            /* bytes in it */
    char *url;                 /* where they came from; owned; NULL not known */
    pull_seen seen;
    char sha256[PULL_SHA256_HEX]; /* of the whole file once it was complete, else "" */
} pull_part;

/* Opens FILE.part, which may be new, and reads FILE.state. Frees and closes by pull_part_close, whatever was returned. */
int pull_part_open(pull_part *p, const char *path, ps__error *err);
void pull_part_close(pull_part *p);

/* Back to no bytes. */
int pull_part_restart(pull_part *p, ps__error *err);
/* Adds bytes. PS__FULL and the like name the file. */
int pull_part_add(pull_part *p, const void *bytes, size_t size, ps__error *err);
/* Writes FILE.state; url is where the bytes come from. */
int pull_part_remember(pull_part *p, const char *url, const pull_seen *seen, const char *sha256, ps__error *err);
/* 1 if the ETag is one that If-Range may name (RFC 9110, section 13.1.5): a strong one. */
int pull_part_has_tag(const pull_part *p);
/* Syncs FILE.part and gives it its name. FILE.state stays, for a later run that finds FILE. */
int pull_part_finish(pull_part *p, ps__error *err);
/* Takes FILE.part and FILE.state away. */
void pull_part_drop(pull_part *p);

#endif
