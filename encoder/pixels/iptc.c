/*
** Reading IPTC-IIM; see iptc.h. A data set is a marker, record and number, a length, and its value; lengths of 32 KiB and more
** are written in another way. 1:90 says which characters are used: UTF-8 by one escape sequence; everything else that is met in
** practice says nothing and is the writer's own.
*/
#include "encoder/pixels/iptc.h"

#include <string.h>

#include "encoder/pixels/clean.h"
#include "encoder/pixels/texts.h"

enum {
    MARKER = 0x1C,
    CHARSET = 1 << 8 | 90,
    TITLE = 2 << 8 | 5,
    KEYWORD = 2 << 8 | 25,
    HEADLINE = 2 << 8 | 105,
    CAPTION = 2 << 8 | 120
};

typedef struct data_set {
    unsigned number; /* record << 8 | data set */
    const uint8_t *value;
    size_t length;
} data_set;

/* The set at *at, which moves behind it. 0: none, or it reaches outside. */
static int next_set(data_set *out, const uint8_t *bytes, size_t size, size_t *at) {
    size_t left = size - *at;
    const uint8_t *p = bytes + *at;
    if (left < 5 || p[0] != MARKER) return 0;
    size_t head = 5, length = (size_t)p[3] << 8 | p[4];
    if (length & 0x8000) { /* so many bytes of length follow */
        size_t count = length & 0x7FFF;
        if (count > 4 || left - head < count) return 0;
        length = 0;
        for (size_t i = 0; i < count; i++) length = length << 8 | p[head + i];
        head += count;
    }
    if (length > left - head) return 0;
    *out = (data_set){(unsigned)p[1] << 8 | p[2], p + head, length};
    *at += head + length;
    return 1;
}

static void take(char *out, size_t room, const data_set *set, int utf8) {
    if (out[0]) return;
    if (utf8)
        ps__clean_text(out, room, (const char *)set->value, set->length);
    else
        ps__clean_bytes(out, room, set->value, set->length);
}

static void add_keyword(ps__camera_texts *texts, const data_set *set, int utf8) {
    char word[sizeof texts->title] = "";
    take(word, sizeof word, set, utf8);
    ps__texts_add_keyword(texts, word);
}

void ps__iptc_read(ps__camera_texts *texts, const uint8_t *bytes, size_t size) {
    char headline[sizeof texts->title] = "";
    data_set set;
    int utf8 = 0;
    for (size_t at = 0; next_set(&set, bytes, size, &at);) {
        switch (set.number) {
        case CHARSET: utf8 = set.length >= 3 && !memcmp(set.value, "\x1B%G", 3); break;
        case TITLE: take(texts->title, sizeof texts->title, &set, utf8); break;
        case HEADLINE: take(headline, sizeof headline, &set, utf8); break;
        case CAPTION: take(texts->caption, sizeof texts->caption, &set, utf8); break;
        case KEYWORD: add_keyword(texts, &set, utf8); break;
        default: break;
        }
    }
    if (!texts->title[0]) memcpy(texts->title, headline, sizeof headline);
}
