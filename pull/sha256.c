/*
** SHA-256; see sha256.h. Names of variables are those of FIPS 180-4, section 6.2.
*/
#include "pull/sha256.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/os.h"

static const uint32_t K[64] = {0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
                               0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
                               0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
                               0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
                               0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
                               0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
                               0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
                               0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotr(uint32_t x, int n) { return x >> n | x << (32 - n); }

static void digest_block(uint32_t H[8], const uint8_t *M) {
    uint32_t W[64], v[8]; /* v: a to h */
    for (int t = 0; t < 16; t++)
        W[t] = (uint32_t)M[4 * t] << 24 | (uint32_t)M[4 * t + 1] << 16 | (uint32_t)M[4 * t + 2] << 8 | M[4 * t + 3];
    for (int t = 16; t < 64; t++) {
        uint32_t s0 = rotr(W[t - 15], 7) ^ rotr(W[t - 15], 18) ^ W[t - 15] >> 3;
        uint32_t s1 = rotr(W[t - 2], 17) ^ rotr(W[t - 2], 19) ^ W[t - 2] >> 10;
        W[t] = W[t - 16] + s0 + W[t - 7] + s1;
    }
    memcpy(v, H, sizeof v);
    for (int t = 0; t < 64; t++) {
        uint32_t ch = (v[4] & v[5]) ^ (~v[4] & v[6]), maj = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
        uint32_t T1 = v[7] + (rotr(v[4], 6) ^ rotr(v[4], 11) ^ rotr(v[4], 25)) + ch + K[t] + W[t];
        uint32_t T2 = (rotr(v[0], 2) ^ rotr(v[0], 13) ^ rotr(v[0], 22)) + maj;
        memmove(v + 1, v, 7 * sizeof *v);
        v[4] += T1;
        v[0] = T1 + T2;
    }
    for (int i = 0; i < 8; i++) H[i] += v[i];
}

void pull_sha256_start(pull_sha256 *s) {
    static const uint32_t first[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    memcpy(s->state, first, sizeof first);
    s->length = 0;
}

void pull_sha256_add(pull_sha256 *s, const void *bytes, size_t size) {
    const uint8_t *from = bytes;
    while (size > 0) {
        size_t used = (size_t)(s->length % 64), room = 64 - used, n = size < room ? size : room;
        if (used == 0 && n == 64) {
            digest_block(s->state, from);
        } else {
            memcpy(s->block + used, from, n);
            if (used + n == 64) digest_block(s->state, s->block);
        }
        s->length += n;
        from += n;
        size -= n;
    }
}

void pull_sha256_end(pull_sha256 *s, char hex[PULL_SHA256_HEX]) {
    static const uint8_t one = 0x80, zero = 0;
    uint64_t bits = s->length * 8;
    uint8_t length[8];
    for (int i = 0; i < 8; i++) length[i] = (uint8_t)(bits >> (56 - 8 * i));
    pull_sha256_add(s, &one, 1);
    while (s->length % 64 != 56) pull_sha256_add(s, &zero, 1);
    pull_sha256_add(s, length, sizeof length);
    for (int i = 0; i < 8; i++) snprintf(hex + 8 * i, 9, "%08x", s->state[i]);
}

int pull_sha256_file(char hex[PULL_SHA256_HEX], const char *path, ps__error *err) {
    static uint8_t buffer[1 << 16];
    pull_sha256 s;
    struct stat st;
    ssize_t got;
    int fd, status = ps__open_file(&fd, &st, path, err);
    if (status != PS__OK) return status;
    pull_sha256_start(&s);
    while ((got = ps__os.read(fd, buffer, sizeof buffer)) != 0) {
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            status = ps__fail_errno(err, errno, "%s", path);
            break;
        }
        pull_sha256_add(&s, buffer, (size_t)got);
    }
    ps__os.close(fd);
    pull_sha256_end(&s, hex);
    return status;
}

int pull_sha256_parse(char hex[PULL_SHA256_HEX], const char *text) {
    if (strlen(text) != 64 || strspn(text, "0123456789abcdefABCDEF") != 64) return 0;
    for (int i = 0; i <= 64; i++) hex[i] = (char)(text[i] >= 'A' && text[i] <= 'F' ? text[i] + 32 : text[i]);
    return 1;
}
