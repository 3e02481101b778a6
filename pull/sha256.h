/*
** SHA-256 (FIPS 180-4), a little at a time: what checkpoints are published with. Our own, so that a build against any flavour of
** libcurl needs no library of cryptography beside it. One thread an object.
*/
#ifndef PS_PULL_SHA256_H
#define PS_PULL_SHA256_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum { PULL_SHA256_HEX = 65 /* 64 digits and the 0 */ };

typedef struct pull_sha256 {
    uint32_t state[8];
    uint64_t length;   /* bytes so far */
    uint8_t block[64]; /* the first length % 64 are waiting */
} pull_sha256;

void pull_sha256_start(pull_sha256 *s);
void pull_sha256_add(pull_sha256 *s, const void *bytes, size_t size);
/* 64 lower-case digits. The object must be started anew after. */
void pull_sha256_end(pull_sha256 *s, char hex[PULL_SHA256_HEX]);

/* Of a whole file, by its path. */
int pull_sha256_file(char hex[PULL_SHA256_HEX], const char *path, ps__error *err);

/* Copies 64 hexadecimal digits of either case as lower case; 0 when `text` is anything else. */
int pull_sha256_parse(char hex[PULL_SHA256_HEX], const char *text);

#endif
