/*
** Looking up entries of TIFF directories; see tiff.h.
*/
#include "encoder/pixels/tiff.h"

#include <string.h>

enum { SHORT = 3, LONG = 4, UNDEFINED = 7, ENTRY = 12 /* bytes */ };

int ps__tiff_open(ps__tiff *out, const uint8_t *bytes, size_t size) {
    if (size < 8 || (memcmp(bytes, "II*\0", 4) && memcmp(bytes, "MM\0*", 4))) return 0;
    *out = (ps__tiff){bytes, size, bytes[0] == 'M', 0};
    out->first = ps__tiff_u32(out, bytes + 4);
    return 1;
}

uint32_t ps__tiff_u16(const ps__tiff *tiff, const uint8_t *p) {
    return tiff->big ? (uint32_t)p[0] << 8 | p[1] : (uint32_t)p[1] << 8 | p[0];
}

uint32_t ps__tiff_u32(const ps__tiff *tiff, const uint8_t *p) {
    uint32_t left = ps__tiff_u16(tiff, p), right = ps__tiff_u16(tiff, p + 2);
    return tiff->big ? left << 16 | right : right << 16 | left;
}

/* How many entries of the directory lie inside, and the first of them. */
static size_t entries_of(const ps__tiff *tiff, uint32_t directory, const uint8_t **entries) {
    if (directory < 8 || directory > tiff->size - 2) return 0;
    size_t count = ps__tiff_u16(tiff, tiff->bytes + directory), room = (tiff->size - directory - 2) / ENTRY;
    *entries = tiff->bytes + directory + 2;
    return count < room ? count : room;
}

static const uint8_t *find(const ps__tiff *tiff, uint32_t directory, unsigned tag) {
    const uint8_t *entry = NULL;
    for (size_t left = entries_of(tiff, directory, &entry); left; left--, entry += ENTRY)
        if (ps__tiff_u16(tiff, entry) == tag) return entry;
    return NULL;
}

uint32_t ps__tiff_next(const ps__tiff *tiff, uint32_t directory) {
    if (directory < 8 || directory > tiff->size - 2) return 0;
    size_t at = directory + 2 + (size_t)ENTRY * ps__tiff_u16(tiff, tiff->bytes + directory);
    return at <= tiff->size - 4 ? ps__tiff_u32(tiff, tiff->bytes + at) : 0;
}

const uint8_t *ps__tiff_bytes(const ps__tiff *tiff, uint32_t directory, unsigned tag, size_t *size) {
    const uint8_t *entry = find(tiff, directory, tag);
    if (!entry || ps__tiff_u16(tiff, entry + 2) != UNDEFINED) return NULL;
    *size = ps__tiff_u32(tiff, entry + 4);
    if (*size <= 4) return entry + 8;
    size_t at = ps__tiff_u32(tiff, entry + 8);
    return at <= tiff->size && *size <= tiff->size - at ? tiff->bytes + at : NULL;
}

int ps__tiff_number(const ps__tiff *tiff, uint32_t directory, unsigned tag, uint32_t *value) {
    const uint8_t *entry = find(tiff, directory, tag);
    if (!entry || ps__tiff_u32(tiff, entry + 4) != 1) return 0;
    unsigned kind = ps__tiff_u16(tiff, entry + 2);
    if (kind != SHORT && kind != LONG) return 0;
    *value = kind == SHORT ? ps__tiff_u16(tiff, entry + 8) : ps__tiff_u32(tiff, entry + 8);
    return 1;
}
