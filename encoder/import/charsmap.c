/*
** The table is a double array trie (Aoe 1989): bytes of it as 32 bits, its units, and the texts that entries become. A unit has
** its byte in the low bits, whether an entry ends there in bit 8, and where its children are in the rest.
*/
#include "encoder/import/charsmap.h"

#include <string.h>

#include "base/alloc.h"

static uint32_t unit_at(const uint8_t *units, uint32_t place) {
    const uint8_t *u = units + (size_t)place * 4;
    return (uint32_t)u[0] | (uint32_t)u[1] << 8 | (uint32_t)u[2] << 16 | (uint32_t)u[3] << 24;
}

static uint32_t offset_of(uint32_t unit) { return unit >> 10 << (unit & 1u << 9 ? 8 : 0); }

int ps__charsmap_has(const uint8_t *table, size_t size, const char *text) {
    if (size < 8) return -1;
    uint32_t bytes = unit_at(table, 0), count = bytes / 4, place = 0;
    if (bytes % 4 || bytes < 4 || bytes > size - 4) return -1;
    const uint8_t *units = table + 4;
    uint32_t unit = unit_at(units, 0);
    for (; *text; text++) {
        uint8_t byte = (uint8_t)*text;
        place ^= offset_of(unit) ^ byte;
        if (place >= count) return 0;
        unit = unit_at(units, place);
        if ((unit & (1u << 31 | 0xFF)) != byte) return 0;
    }
    return unit >> 8 & 1;
}

static int digit_of(char c) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *found = c ? strchr(digits, c) : NULL;
    return found ? (int)(found - digits) : -1;
}

int ps__charsmap_base64_has(const char *table, const char *text) {
    size_t length = strlen(table), size = 0;
    uint8_t *bytes = ps__malloc(length / 4 * 3 + 3);
    uint32_t held = 0;
    if (!bytes) return -2;
    for (size_t i = 0; i < length && digit_of(table[i]) >= 0; i++) {
        held = held << 6 | (uint32_t)digit_of(table[i]);
        if (i % 4) bytes[size++] = (uint8_t)(held >> (6 - i % 4 * 2)); /* 4, 2, 0 bits are left over */
    }
    int has = ps__charsmap_has(bytes, size, text);
    ps__free(bytes);
    return has;
}
