/*
** Boxes of HEIF; see heif_boxes.h. The declarations lie in the meta box, nearly always before the pictures: iref names what is a
** thumbnail ("thmb") of what, ipco lists properties, and ipma says which item has which. Readers turn a thumbnail by its own irot and
** imir properties alone, so that one without the photo's would stand on its head.
*/
#include "encoder/pixels/heif_boxes.h"

#include <string.h>

typedef struct box { /* a stretch of bytes that is read from its start */
    const uint8_t *p;
    size_t left;
} box;

enum {
    MOST_THUMBNAILS = 8,
    MOST_PROPERTIES = 8 /* that turn an item; real ones have at most two */,
    MOST_INDEX = 1024 /* of a property; real files have some ten */
};

typedef struct turns { /* the irot and imir properties of an item, in the order in which they apply */
    int count;
    uint8_t kind[MOST_PROPERTIES], value[MOST_PROPERTIES]; /* 'r' or 'm', and quarter turns or axis */
} turns;

/* Big-endian, 0 behind the end. */
static uint32_t take(box *b, int bytes) {
    uint32_t value = 0;
    for (; bytes && b->left; bytes--, b->left--) value = value << 8 | *b->p++;
    return bytes ? 0 : value;
}

/* The next box inside b. 0: the end, or the box reaches beyond it; then *cut is set, which may be NULL. */
static int next_box(box *inner, char type[4], box *b, int *cut) {
    if (b->left < 8) return 0;
    uint64_t length = take(b, 4), header = 8;
    memcpy(type, b->p, 4);
    take(b, 4);
    if (length == 1 && b->left >= 8) {
        length = (uint64_t)take(b, 4) << 32;
        length |= take(b, 4);
        header = 16;
    }
    if (length == 0) length = header + b->left;
    if (length < header || length - header > b->left) {
        if (cut) *cut = length >= header;
        return 0;
    }
    *inner = (box){b->p, (size_t)(length - header)};
    b->p += inner->left;
    b->left -= inner->left;
    return 1;
}

/* The first box of a type inside b. */
static int find_box(box *inner, box b, const char *wanted, int *cut) {
    char type[4];
    while (next_box(inner, type, &b, cut))
        if (!memcmp(type, wanted, 4)) return 1;
    return 0;
}

/* Items that are thumbnails of `primary`. iref: version 0 has item numbers of 16 bits, 1 of 32. */
static int thumbnails_of(uint32_t *items, uint32_t primary, box iref) {
    box reference;
    char type[4];
    int count = 0, width = take(&iref, 4) >> 24 ? 4 : 2;
    while (count < MOST_THUMBNAILS && next_box(&reference, type, &iref, NULL)) {
        if (memcmp(type, "thmb", 4) != 0) continue;
        uint32_t from = take(&reference, width);
        for (uint32_t left = take(&reference, 2); left && reference.left; left--) {
            if (take(&reference, width) != primary) continue;
            items[count++] = from;
            break;
        }
    }
    return count;
}

/* Adds property number `index`, which counts from 1, when it turns or mirrors. */
static void add_turn(turns *t, uint32_t index, box ipco) {
    box property;
    char type[4];
    for (; index && next_box(&property, type, &ipco, NULL); index--) {
        if (index > 1 || t->count == MOST_PROPERTIES) continue;
        int turning = !memcmp(type, "irot", 4);
        if (!turning && memcmp(type, "imir", 4) != 0) continue;
        t->kind[t->count] = turning ? 'r' : 'm';
        t->value[t->count++] = (uint8_t)(take(&property, 1) & 3);
    }
}

static turns turns_of(uint32_t item, box ipco, box ipma) {
    turns t;
    memset(&t, 0, sizeof t);
    uint32_t flags = take(&ipma, 4);
    int item_width = flags >> 24 ? 4 : 2, index_width = flags & 1 ? 2 : 1;
    for (uint32_t left = take(&ipma, 4); left && ipma.left; left--) {
        uint32_t id = take(&ipma, item_width);
        for (uint32_t k = take(&ipma, 1); k; k--) {
            uint32_t index = take(&ipma, index_width) & (index_width == 2 ? 0x7FFFu : 0x7Fu);
            if (id == item && index <= MOST_INDEX) add_turn(&t, index, ipco);
        }
        if (id == item) break; /* an item stands there once; so the work is bounded, too */
    }
    return t;
}

int ps__heif_may_hold_thumbnail(const uint8_t *head, size_t size) {
    box meta, pitm, iref, iprp, ipco, ipma;
    uint32_t items[MOST_THUMBNAILS];
    int cut = 0;
    if (!find_box(&meta, (box){head, size}, "meta", &cut)) return cut;
    take(&meta, 4);
    if (!find_box(&pitm, meta, "pitm", NULL) || !find_box(&iref, meta, "iref", NULL)) return 0;
    uint32_t primary = take(&pitm, take(&pitm, 4) >> 24 ? 4 : 2);
    int count = thumbnails_of(items, primary, iref);
    if (!count || !find_box(&iprp, meta, "iprp", NULL)) return 0;
    if (!find_box(&ipco, iprp, "ipco", NULL) || !find_box(&ipma, iprp, "ipma", NULL)) return 0;
    turns photo = turns_of(primary, ipco, ipma);
    for (int i = 0; i < count; i++) { /* any of them may be chosen */
        turns its = turns_of(items[i], ipco, ipma);
        if (memcmp(&photo, &its, sizeof its) != 0) return 0;
    }
    return 1;
}
