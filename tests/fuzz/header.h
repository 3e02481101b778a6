/*
** Mutations of safetensors files, for packages and checkpoints. A change among the weights shows little, and one in the header's JSON mostly
** ends in the JSON parser. So most mutations put another value in the place of one of the header's numbers, and leave the file sound otherwise.
** For the fuzz programs only.
*/
#ifndef PS_FUZZ_HEADER_H
#define PS_FUZZ_HEADER_H

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FUZZ_MOST_HEADER 65536 /* bytes of JSON that are mutated by number */

size_t LLVMFuzzerMutate(uint8_t *bytes, size_t size, size_t room);

static inline unsigned fuzz_draw(unsigned *state, unsigned below) {
    *state = *state * 1103515245u + 12345u;
    return (*state >> 8) % below;
}

/* Where the n-th run of digits begins, and where it ends; NULL when there are fewer. */
static inline const char *fuzz_find_number(const char *text, unsigned n, const char **end) {
    for (; *text; text = *end) {
        while (*text && !isdigit((unsigned char)*text)) text++;
        for (*end = text; isdigit((unsigned char)**end);) ++*end;
        if (*text && n-- == 0) return text;
    }
    return NULL;
}

static inline void fuzz_draw_value(char value[32], const char *old, unsigned *state) {
    static const char *const values[] = {"0",   "1",   "2",     "3",     "4",          "7",          "8",
                                         "15",  "16",  "31",    "32",    "33",         "64",         "127",
                                         "128", "255", "65535", "65536", "2147483647", "4294967295", "9223372036854775807",
                                         "-1",  "0.5", "1e300", "null",  "[]",         "{}",         "99999999999999999999"};
    if (fuzz_draw(state, 2))
        snprintf(value, 32, "%llu", strtoull(old, NULL, 10) + fuzz_draw(state, 5) - 2);
    else
        snprintf(value, 32, "%s", values[fuzz_draw(state, sizeof values / sizeof *values)]);
}

/* The text in out, with another value in the place of one number and padded to whole eights, as the data behind must stay aligned.
** Returns its length. */
static inline size_t fuzz_change_number(char *out, const char *text, unsigned *state) {
    unsigned numbers = 0;
    const char *end, *at;
    char value[32];
    for (at = text; (at = fuzz_find_number(at, 0, &end)) != NULL; at = end) numbers++;
    if (!numbers) return (size_t)sprintf(out, "%s", text);
    at = fuzz_find_number(text, fuzz_draw(state, numbers), &end);
    fuzz_draw_value(value, at, state);
    int used = sprintf(out, "%.*s%s%s", (int)(at - text), text, value, end);
    while (used > 0 && out[used - 1] == ' ') used--;
    while (used % 8) out[used++] = ' ';
    return (size_t)used;
}

static inline size_t fuzz_mutate_header(uint8_t *bytes, size_t size, size_t room, unsigned seed) {
    static char text[FUZZ_MOST_HEADER + 1], changed[FUZZ_MOST_HEADER + 64];
    unsigned state = seed;
    uint64_t header = 0;
    if (size > 8) memcpy(&header, bytes, 8);
    if (seed % 4 == 0 || header < 2 || header > FUZZ_MOST_HEADER || header > size - 8) return LLVMFuzzerMutate(bytes, size, room);
    memcpy(text, bytes + 8, (size_t)header);
    text[header] = 0;
    uint64_t length = fuzz_change_number(changed, text, &state);
    size_t data = size - 8 - (size_t)header;
    if (8 + length + data > room) return LLVMFuzzerMutate(bytes, size, room);
    memmove(bytes + 8 + length, bytes + 8 + header, data);
    memcpy(bytes + 8, changed, (size_t)length);
    memcpy(bytes, &length, 8);
    return 8 + (size_t)length + data;
}

#endif
