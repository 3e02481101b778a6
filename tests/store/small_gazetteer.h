/*
** A gazetteer of a handful of places, written by hand, for tests of damage and for the fuzz program: everything the format knows, in 9 KB.
*/
#ifndef PS_TESTS_SMALL_GAZETTEER_H
#define PS_TESTS_SMALL_GAZETTEER_H

#define XXH_INLINE_ALL
#include <stddef.h>
#include <string.h>
#include <xxhash.h>

#include "store/gazetteer.h"
#include "store/gazetteer_format.h"

enum { SMALL_GAZETTEER_ROOM = 12 * 1024 };

/* Makes the header's checksums right again after a change. */
static inline void small_gazetteer_seal(unsigned char *bytes, size_t size) {
    ps__gz_header h;
    if (size < sizeof h) return;
    memcpy(&h, bytes, sizeof h);
    h.body_hash = XXH3_64bits(bytes + sizeof h, size - sizeof h);
    h.hash = XXH3_64bits(&h, offsetof(ps__gz_header, hash));
    memcpy(bytes, &h, sizeof h);
}

static inline void small_gazetteer_put(unsigned char *bytes, size_t *size, int section, const void *data, size_t count,
                                       size_t element) {
    ps__gz_header *h = (ps__gz_header *)(void *)bytes;
    *size = (*size + 7) / 8 * 8;
    h->sections[section].offset = *size;
    h->sections[section].count = count;
    memcpy(bytes + *size, data, count * element);
    *size += count * element;
}

/* Fills bytes (SMALL_GAZETTEER_ROOM, aligned like a mapping) and returns how many are used. Places: 0 Europe, 1 Germany, 2 Fiji, 3 the
** Rhine (an area), 4 Bavaria; cities from 5: Suva, Taveuni at 179.99 degrees, Munich, Munich's Schwabing (a section), Bonn. */
static inline size_t small_gazetteer(unsigned char *bytes) {
    static const char strings[] =
        "\0Europe\0Germany\0Fiji\0Rhine\0Bavaria\0Suva\0Taveuni\0Munich\0Schwabing\0Bonn\0M\xC3\xBCnchen\0Deutschland";
    enum {
        EUROPE = 1,
        GERMANY = 8,
        FIJI = 16,
        RHINE = 21,
        BAVARIA = 27,
        SUVA = 35,
        TAVEUNI = 40,
        MUNICH = 48,
        SCHWABING = 55,
        BONN = 65,
        MUENCHEN = 70,
        DEUTSCHLAND = 79
    };
    static const ps__gz_place places[] = {
        {-1, 600000000, 5000000, 1000000, EUROPE, 0, 6, "", PS__PLACE_CONTINENT, 0},
        {-10082, 83000000, 5100000, 1000000, GERMANY, 9, 0, "DE", PS__PLACE_COUNTRY, 0},
        {-10100, 900000, -1800000, 17800000, FIJI, PS__GZ_NONE, 0, "FJ", PS__PLACE_COUNTRY, 0},
        {-200, 0, 5000000, 700000, RHINE, 6, 25, "", PS__PLACE_AREA, 0},
        {-700000, 13000000, 4900000, 1150000, BAVARIA, PS__GZ_NONE, 0, "DE", PS__PLACE_REGION, 0},
    };
    static const ps__gz_city cities[] = {
        {-1814000, 17844000, 100, SUVA, 77000, 0xFFFF, 1, 0}, {-1680000, 17999000, 101, TAVEUNI, 9000, 0xFFFF, 1, 0},
        {4813000, 1157000, 102, MUNICH, 1500000, 4, 0, 0},    {4817000, 1158000, 103, SCHWABING, 60000, 4, 0, PS__GZ_SECTION},
        {5073000, 710000, 104, BONN, 330000, 0xFFFF, 0, 0},
    };
    static const uint32_t ids[] = {0, 1, 2, 3, 4}, blocks[] = {0};
    static const unsigned char names[] = "\0\4bonn\1\11"
                                         "\0\7munchen\1\7"
                                         "\3\3ich\1\7"
                                         "\0\11schwabing\1\10"
                                         "\0\4suva\1\5";
    static const int32_t shapes[] = {PS__GZ_COUNTRY,
                                     1,
                                     'D' * 256 + 'E',
                                     PS__GZ_EXCEPT,
                                     1,
                                     'F' * 256 + 'J', /* Europe */
                                     PS__GZ_CIRCLE,
                                     3,
                                     5073000,
                                     710000,
                                     30000,
                                     PS__GZ_POLYGON,
                                     6,
                                     5000000,
                                     700000,
                                     5100000,
                                     800000,
                                     5100000,
                                     700000,
                                     PS__GZ_REGION,
                                     1,
                                     4,
                                     PS__GZ_PART,
                                     5,
                                     'D' * 256 + 'E',
                                     4700000,
                                     700000,
                                     4800000,
                                     800000,
                                     PS__GZ_COUNTRY,
                                     0};
    static const ps__gz_label german[] = {{1, DEUTSCHLAND}, {7, MUENCHEN}};
    uint32_t starts[PS__GZ_ROWS + 1];
    ps__gz_header h = {.magic = PS__GZ_MAGIC, .version = PS__GZ_VERSION, .countries = 2, .continents = 1};
    size_t size = sizeof h, n = 0;
    memset(bytes, 0, SMALL_GAZETTEER_ROOM);
    memcpy(bytes, &h, sizeof h);
    for (int row = 0; row <= PS__GZ_ROWS; row++) {
        while (n < 5 && cities[n].latitude < (row - 900) * 10000) n++;
        starts[row] = (uint32_t)n;
    }
    starts[PS__GZ_ROWS] = 5;
    small_gazetteer_put(bytes, &size, PS__GZ_S_PLACES, places, 5, sizeof *places);
    small_gazetteer_put(bytes, &size, PS__GZ_S_CITIES, cities, 5, sizeof *cities);
    small_gazetteer_put(bytes, &size, PS__GZ_S_STARTS, starts, PS__GZ_ROWS + 1, 4);
    small_gazetteer_put(bytes, &size, PS__GZ_S_IDS, ids, 5, 4);
    small_gazetteer_put(bytes, &size, PS__GZ_S_STRINGS, strings, sizeof strings, 1);
    small_gazetteer_put(bytes, &size, PS__GZ_S_BLOCKS, blocks, 1, 4);
    small_gazetteer_put(bytes, &size, PS__GZ_S_NAMES, names, sizeof names - 1, 1);
    small_gazetteer_put(bytes, &size, PS__GZ_S_SHAPES, shapes, sizeof shapes / sizeof *shapes, 4);
    for (int i = 0; i < PS__GZ_LANGUAGES; i++)
        small_gazetteer_put(bytes, &size, PS__GZ_S_LABELS + i, german, i == 1 ? 2 : 0, sizeof *german);
    ((ps__gz_header *)(void *)bytes)->size = size;
    small_gazetteer_seal(bytes, size);
    return size;
}

#endif
