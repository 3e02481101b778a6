/*
** The text of a cursor: fields in hexadecimal, and a checksum, so that what was cut or mistyped is told.
*/
#include "api/cursor.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#define FIELDS 7

static void to_words(uint64_t out[FIELDS], const ps__cursor *c) {
    out[0] = c->search;
    out[1] = (uint64_t)c->now_s;
    out[2] = (uint64_t)c->order << 1 | (uint64_t)(c->has_taken != 0);
    out[3] = (uint64_t)c->photo;
    memcpy(&out[4], &c->score, sizeof out[4]);
    out[5] = (uint64_t)c->taken_s;
    out[6] = XXH3_64bits(out, 6 * sizeof *out) & 0xFFFFFFFF;
}

void ps__cursor_print(char text[PS__CURSOR_TEXT], const ps__cursor *cursor) {
    uint64_t words[FIELDS];
    size_t used = 0;
    to_words(words, cursor);
    for (int i = 0; i < FIELDS; i++)
        used += (size_t)snprintf(text + used, PS__CURSOR_TEXT - used, "%s%llx", i ? "." : "", (unsigned long long)words[i]);
}

/* One field of at most 16 lower-case digits; NULL when there is none. */
static const char *read_word(uint64_t *out, const char *text) {
    static const char digits[] = "0123456789abcdef";
    int length = 0;
    *out = 0;
    for (const char *d; *text && (d = strchr(digits, *text)) && length < 16; text++, length++) *out = *out << 4 | (uint64_t)(d - digits);
    return length ? text : NULL;
}

int ps__cursor_read(ps__cursor *out, const char *text, uint64_t search, ps__error *err) {
    uint64_t words[FIELDS], again[FIELDS];
    const char *at = text;
    for (int i = 0; at && i < FIELDS; i++) {
        if (i && *at++ != '.')
            at = NULL;
        else
            at = read_word(&words[i], at);
    }
    if (!at || *at) return ps__fail(err, PS__INVALID, "this is no place that an answer ended at");
    *out = (ps__cursor){.search = words[0],
                        .now_s = (int64_t)words[1],
                        .order = (int)(words[2] >> 1 & 3),
                        .has_taken = (int)(words[2] & 1),
                        .photo = (int64_t)words[3],
                        .taken_s = (int64_t)words[5]};
    memcpy(&out->score, &words[4], sizeof out->score);
    to_words(again, out);
    int in_calendar = out->now_s > -62135596800 && out->now_s < 253402300800; /* years 1 to 9999 */
    if (memcmp(words, again, sizeof words) != 0 || isnan(out->score) || !in_calendar)
        return ps__fail(err, PS__INVALID, "this is no place that an answer ended at");
    if (out->search != search) return ps__fail(err, PS__INVALID, "the place to go on from belongs to another search");
    return PS__OK;
}
