/*
** City names by language: the message catalogues (GNU gettext's .mo) of Debian's libgeonames-common, which translate a GeoNames id into
** the name in the catalogue's language.
*/
#include "tools/gazetteer/gazetteer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Little-endian, whatever the machine. */
static uint32_t word(const unsigned char *at) {
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

typedef struct catalogue {
    const unsigned char *bytes;
    size_t size;
    uint32_t count, originals, translations; /* strings, and where their tables of (length, offset) begin */
} catalogue;

static catalogue read_catalogue(const char *path) {
    catalogue c = {0};
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END)) die("%s: %s", path, strerror(errno));
    c.size = (size_t)ftell(file);
    rewind(file);
    unsigned char *bytes = need(malloc(c.size + 1));
    if (fread(bytes, 1, c.size, file) != c.size) die("%s: could not be read", path);
    fclose(file);
    bytes[c.size] = 0;
    if (c.size < 28 || word(bytes) != 0x950412DE) die("%s: is no message catalogue", path);
    c.bytes = bytes;
    c.count = word(bytes + 8);
    c.originals = word(bytes + 12);
    c.translations = word(bytes + 16);
    if (c.count > c.size / 16 || c.originals > c.size - 8 * c.count || c.translations > c.size - 8 * c.count)
        die("%s: is damaged", path);
    return c;
}

/* A string of one of the two tables; "" when it lies outside. */
static const char *text_of(const catalogue *c, uint32_t table, uint32_t i) {
    uint32_t length = word(c->bytes + table + 8 * i), offset = word(c->bytes + table + 8 * i + 4);
    if (offset > c->size || length > c->size - offset || c->bytes[offset + length]) return "";
    return (const char *)c->bytes + offset;
}

/* The bytes of a Chinese name before its words for "city"; all of it when less than two characters would stay. */
static size_t before_city(const char *text) {
    static const char *const ends[] = {"广域市", "特别市", "市"};
    size_t length = strlen(text);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        size_t end = strlen(ends[i]);
        if (length >= end + 6 && strcmp(text + length - end, ends[i]) == 0) return length - end;
    }
    return length;
}

/* 大阪市 is shown as 大阪, and 罗马市 too, as 罗马 is one of its names: cities.c has put the shortest there. But 胡志明市 has no other. */
static void set_chinese(model *m, entry *city, const char *text) {
    static const char *const countries[] = {"CN", "JP", "KR", "TW"};
    const char *shortest = city->label[0];
    size_t length = before_city(text);
    int shorten = shortest && strlen(shortest) == length && strncmp(text, shortest, length) == 0;
    for (size_t i = 0; i < sizeof countries / sizeof *countries; i++) shorten |= strcmp(city->country, countries[i]) == 0;
    city->label[0] = shorten ? keep(text, length) : text;
    if (shorten) add_name(m, city, text, length);
}

/* language -1: for finding only. */
static void read_names(model *m, const char *folder, const char *name, int language) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.mo", folder, name);
    catalogue c = read_catalogue(path);
    for (uint32_t i = 0; i < c.count; i++) {
        const char *text = text_of(&c, c.translations, i);
        entry *city = find_id(m, atoll(text_of(&c, c.originals, i)));
        if (!city || city->kind != PS__PLACE_CITY || !*text) continue;
        if (language == 0) set_chinese(m, city, simplify(text));
        if (language > 0) city->label[language] = text;
        add_name(m, city, text, strlen(text));
    }
}

void read_catalogues(model *m, const char *folder) {
    static const char *const more[] = {"zh_TW", "pt_BR", "it", "nl", "pl", "sv", "da", "cs"};
    for (int i = 0; i < LANGUAGES; i++) read_names(m, folder, language_names[i], i);
    read_names(m, folder, "zh_CN", 0);
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) read_names(m, folder, more[i], -1);
}
