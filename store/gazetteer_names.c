/*
** Looking names up. NAMES holds all folded names in the order of their bytes, in blocks of PS__GZ_BLOCK; BLOCKS says where each begins. A
** name is written as
**
**     bytes shared with the name before (1 byte; 0 in the first of a block), bytes that follow (1 byte), those bytes,
**     number of places (varint), the places' numbers (varints), the largest first
**
** so that a look-up is a binary search among the first names of the blocks and a walk through one block.
*/
#include "store/gazetteer_inside.h"

#include <string.h>

#include "base/utf8.h"

typedef struct cursor {
    const uint8_t *at, *end;
    uint8_t name[255];
    size_t length;
    const uint8_t *numbers; /* of the current name's places, still to be decoded */
    uint32_t count;
} cursor;

/* 0 when the bytes end before the number does, or it is larger than 32 bits. */
static int read_varint(uint32_t *value, const uint8_t **at, const uint8_t *end) {
    uint64_t v = 0;
    for (int shift = 0; *at < end && shift < 35; shift += 7) {
        uint8_t byte = *(*at)++;
        v |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80) {
            *value = (uint32_t)v;
            return v <= UINT32_MAX;
        }
    }
    return 0;
}

/* The next name. 0 at the end of the names or where they are damaged. */
static int next_name(cursor *c) {
    if (c->end - c->at < 2) return 0;
    size_t shared = *c->at++, added = *c->at++;
    if (shared > c->length || shared + added > sizeof c->name || (size_t)(c->end - c->at) < added) return 0;
    memcpy(c->name + shared, c->at, added);
    c->length = shared + added;
    c->at += added;
    if (!read_varint(&c->count, &c->at, c->end)) return 0;
    c->numbers = c->at;
    for (uint32_t i = 0; i < c->count; i++) {
        uint32_t number;
        if (!read_varint(&number, &c->at, c->end)) return 0;
    }
    return 1;
}

static int go_to_block(cursor *c, const ps__gazetteer *g, uint32_t block) {
    if (g->blocks[block] > g->name_bytes) return 0;
    c->at = g->names + g->blocks[block];
    c->end = g->names + g->name_bytes;
    c->length = 0;
    return 1;
}

static int compare(const cursor *c, const char *folded, size_t length) {
    size_t common = c->length < length ? c->length : length;
    int order = memcmp(c->name, folded, common);
    if (order) return order;
    return (c->length > length) - (c->length < length);
}

/* The first name that is not before the folded one. 0: none. */
static int seek(cursor *c, const ps__gazetteer *g, const char *folded, size_t length) {
    uint32_t low = 0, high = g->block_count; /* the last block that begins at or before the name */
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (!go_to_block(c, g, middle) || !next_name(c)) return 0;
        if (compare(c, folded, length) <= 0)
            low = middle;
        else
            high = middle;
    }
    if (!g->block_count || !go_to_block(c, g, low)) return 0;
    for (int i = 0; i <= PS__GZ_BLOCK; i++) {
        if (!next_name(c)) return 0;
        if (compare(c, folded, length) >= 0) return 1;
    }
    return 0;
}

/* Han and kana are written without blanks. */
static int runs_on(const char *folded, size_t length) {
    size_t i = length;
    uint32_t code = 0;
    while (i > 0 && ((unsigned char)folded[i - 1] & 0xC0) == 0x80) i--;
    if (i > 0) ps__utf8_decode(&code, folded + i - 1, length - i + 1);
    return (code >= 0x3040 && code <= 0x30FF) || (code >= 0x3400 && code <= 0x9FFF) || (code >= 0xF900 && code <= 0xFAFF) ||
           (code >= 0x20000 && code <= 0x3FFFF);
}

static int is_longer(const cursor *c, const char *folded, size_t length) {
    if (c->length <= length || memcmp(c->name, folded, length) != 0) return 0;
    return c->name[length] == ' ' || runs_on(folded, length);
}

size_t ps__gazetteer_find(ps__place *out, size_t room, int *prefix, const ps__gazetteer *g, const char *folded, size_t length) {
    cursor c;
    size_t found = 0;
    if (prefix) *prefix = 0;
    if (!length || length > sizeof c.name || !seek(&c, g, folded, length)) return 0;
    if (compare(&c, folded, length) == 0) {
        const uint8_t *at = c.numbers;
        for (uint32_t i = 0; i < c.count; i++) {
            ps__place place;
            uint32_t number;
            if (!read_varint(&number, &at, c.end) || !ps__gz_fill(&place, g, number)) break;
            if (found < room) out[found] = place;
            found++;
        }
        if (!prefix || !next_name(&c)) return found;
    }
    if (prefix) *prefix = is_longer(&c, folded, length);
    return found;
}
