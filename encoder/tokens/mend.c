/*
** One pass over code points a rule; see mend.h.
*/
#include "encoder/tokens/mend.h"

#include <string.h>
#include <utf8proc.h>

#include "base/alloc.h"
#include "base/utf8.h"

#define GROWTH 4 /* code points that one may become */
#define ROOM (PS__MEND_BYTES * GROWTH)
#define MARKS_MOST 30 /* combining marks on one letter; more are dropped, as in words.c */
#define UNESCAPED 3   /* times: texts are often escaped twice */

typedef struct points {
    int count;
    int32_t at[ROOM];
} points;

typedef struct entity {
    const char *name;
    int32_t point;
} entity;

/* Those that captions have. What is not here stays as it is spelled. */
static const entity entities[] = {
    {"amp", '&'},      {"lt", '<'},       {"gt", '>'},       {"quot", '"'},      {"apos", '\''},    {"nbsp", 0xA0},
    {"iexcl", 0xA1},   {"cent", 0xA2},    {"pound", 0xA3},   {"yen", 0xA5},      {"sect", 0xA7},    {"copy", 0xA9},
    {"laquo", 0xAB},   {"reg", 0xAE},     {"deg", 0xB0},     {"plusmn", 0xB1},   {"micro", 0xB5},   {"middot", 0xB7},
    {"raquo", 0xBB},   {"frac14", 0xBC},  {"frac12", 0xBD},  {"frac34", 0xBE},   {"iquest", 0xBF},  {"Agrave", 0xC0},
    {"Aacute", 0xC1},  {"Acirc", 0xC2},   {"Atilde", 0xC3},  {"Auml", 0xC4},     {"Aring", 0xC5},   {"AElig", 0xC6},
    {"Ccedil", 0xC7},  {"Egrave", 0xC8},  {"Eacute", 0xC9},  {"Ecirc", 0xCA},    {"Euml", 0xCB},    {"Igrave", 0xCC},
    {"Iacute", 0xCD},  {"Icirc", 0xCE},   {"Iuml", 0xCF},    {"Ntilde", 0xD1},   {"Ograve", 0xD2},  {"Oacute", 0xD3},
    {"Ocirc", 0xD4},   {"Otilde", 0xD5},  {"Ouml", 0xD6},    {"times", 0xD7},    {"Oslash", 0xD8},  {"Ugrave", 0xD9},
    {"Uacute", 0xDA},  {"Ucirc", 0xDB},   {"Uuml", 0xDC},    {"szlig", 0xDF},    {"agrave", 0xE0},  {"aacute", 0xE1},
    {"acirc", 0xE2},   {"atilde", 0xE3},  {"auml", 0xE4},    {"aring", 0xE5},    {"aelig", 0xE6},   {"ccedil", 0xE7},
    {"egrave", 0xE8},  {"eacute", 0xE9},  {"ecirc", 0xEA},   {"euml", 0xEB},     {"igrave", 0xEC},  {"iacute", 0xED},
    {"icirc", 0xEE},   {"iuml", 0xEF},    {"ntilde", 0xF1},  {"ograve", 0xF2},   {"oacute", 0xF3},  {"ocirc", 0xF4},
    {"otilde", 0xF5},  {"ouml", 0xF6},    {"oslash", 0xF8},  {"ugrave", 0xF9},   {"uacute", 0xFA},  {"ucirc", 0xFB},
    {"uuml", 0xFC},    {"yuml", 0xFF},    {"OElig", 0x152},  {"oelig", 0x153},   {"ndash", 0x2013}, {"mdash", 0x2014},
    {"lsquo", 0x2018}, {"rsquo", 0x2019}, {"ldquo", 0x201C}, {"rdquo", 0x201D},  {"bull", 0x2022},  {"hellip", 0x2026},
    {"prime", 0x2032}, {"euro", 0x20AC},  {"trade", 0x2122}, {"hearts", 0x2665},
};

/* ---- Entities ---- */

static int digit_of(int32_t c) {
    int32_t low = c | 32;
    if (c >= '0' && c <= '9') return c - '0';
    return low >= 'a' && low <= 'f' ? low - 'a' + 10 : 99;
}

/* "&#NNN;" or "&#xHH;" at p, where the semicolon may be missing; code points used, 0 where there is none. */
static int read_number(int32_t *out, const int32_t *p, int left) {
    int at = 2, base = 10, digits = 0;
    int32_t value = 0;
    if (left > at && (p[at] | 32) == 'x') {
        base = 16;
        at++;
    }
    for (; at < left && digit_of(p[at]) < base; at++, digits++)
        if (value < 0x110000) value = value * base + digit_of(p[at]);
    if (!digits) return 0;
    *out = value > 0 && value < 0x110000 && (value < 0xD800 || value > 0xDFFF) ? value : 0xFFFD;
    return at < left && p[at] == ';' ? at + 1 : at;
}

static int read_name(int32_t *out, const int32_t *p, int left) {
    for (size_t i = 0; i < sizeof entities / sizeof *entities; i++) {
        int length = (int)strlen(entities[i].name), same = 0;
        if (left < length + 2 || p[length + 1] != ';') continue;
        while (same < length && p[same + 1] == (uint8_t)entities[i].name[same]) same++;
        if (same < length) continue;
        *out = entities[i].point;
        return length + 2;
    }
    return 0;
}

static void spell_entities(points *p) {
    int to = 0, used;
    for (int i = 0; i < p->count; i += used) {
        int left = p->count - i;
        int32_t c = p->at[i];
        used = 0;
        if (c == '&' && left > 2) used = p->at[i + 1] == '#' ? read_number(&c, p->at + i, left) : read_name(&c, p->at + i, left);
        if (!used) used = 1;
        p->at[to++] = c;
    }
    p->count = to;
}

/* ---- Characters ---- */

static int is_dropped(int32_t c) {
    return c < 9 || c == 0x0B || (c >= 0x0E && c < 0x20) || c == 0x7F || (c >= 0x206A && c <= 0x206F) || c == 0xFEFF ||
           (c >= 0xFFF9 && c <= 0xFFFC);
}

static int32_t straighten(int32_t c) {
    if (c == 0x2BC || (c >= 0x2018 && c <= 0x201B)) return '\'';
    return c >= 0x201C && c <= 0x201F ? '"' : c;
}

static int is_spelled_out(int32_t c) { /* Latin ligatures, forms of full and half width */
    return c == 0x132 || c == 0x133 || (c >= 0x1C4 && c <= 0x1CC) || (c >= 0x1F1 && c <= 0x1F3) || (c >= 0xFB00 && c <= 0xFB06) ||
           (c >= 0xFF01 && c <= 0xFFEE) || c == 0x3000;
}

static int class_of(int32_t c) { return c < 0x300 ? 0 : utf8proc_get_property(c)->combining_class; }

/* Appends a decomposed code point, a mark in its canonical place among those before it. */
static void append(points *p, int32_t c) {
    int class = class_of(c), at = p->count, marks = 0;
    if (p->count == ROOM) return;
    while (class && marks < at && class_of(p->at[at - 1 - marks])) marks++;
    if (marks >= MARKS_MOST) return;
    for (; marks && class_of(p->at[at - 1]) > class; at--, marks--) p->at[at] = p->at[at - 1];
    p->at[at] = c;
    p->count++;
}

static void mend_characters(points *to, const points *from) {
    to->count = 0;
    for (int i = 0; i < from->count; i++) {
        int32_t parts[32], c = straighten(from->at[i]);
        int boundary = 0, options = UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | (is_spelled_out(c) ? UTF8PROC_COMPAT : 0);
        if (is_dropped(c)) continue;
        utf8proc_ssize_t n = utf8proc_decompose_char(c, parts, 32, (utf8proc_option_t)options, &boundary);
        for (utf8proc_ssize_t k = 0; k < n && n <= 32; k++) append(to, parts[k]);
    }
    utf8proc_ssize_t n = utf8proc_normalize_utf32(to->at, to->count, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    to->count = n > 0 ? (int)n : 0;
}

static int is_letter(int32_t c) {
    utf8proc_category_t category = utf8proc_category(c);
    return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
}

static int is_final(const points *p, int i) {
    return i > 0 && is_letter(p->at[i - 1]) && (i + 1 == p->count || !is_letter(p->at[i + 1]));
}

static void write_points(ps__buf *out, const points *p, int how) {
    for (int i = 0; i < p->count; i++) {
        int32_t c = p->at[i];
        if (c == 0x3A3 && (how & PS__MEND_SIGMA) && is_final(p, i)) c = 0x3C2;
        if (c == 0x130 && (how & PS__MEND_LOWER)) {
            ps__buf_putc(out, 'i');
            c = 0x307;
        }
        ps__utf8_append(out, (uint32_t)c);
    }
}

/* Plain ASCII has nothing to mend but entities and controls, and most texts are it. */
static int is_good(const char *text, size_t length, int how) {
    for (size_t i = 0; i < length; i++) {
        uint8_t c = (uint8_t)text[i];
        if (c >= 0x80 || ((how & PS__MEND_ALL) && (c == '&' || is_dropped(c)))) return 0;
    }
    return 1;
}

static void read_points(points *p, const char *text, size_t length) {
    uint32_t c;
    p->count = 0;
    for (size_t at = 0; at < length;) {
        at += ps__utf8_decode(&c, text + at, length - at);
        p->at[p->count++] = (int32_t)c;
    }
}

int ps__mend(ps__buf *out, int *needed, const char *text, size_t length, int how, ps__error *err) {
    *needed = how && !is_good(text, length, how);
    if (!*needed) return PS__OK;
    points *p = ps__malloc(2 * sizeof *p), *result = p; /* of which a short text touches the first pages */
    if (!p) return ps__fail_nomem(err);
    read_points(p, text, length < PS__MEND_BYTES ? length : PS__MEND_BYTES);
    if (how & PS__MEND_ALL) {
        for (int i = 0; i < UNESCAPED; i++) spell_entities(p);
        mend_characters(result = p + 1, p);
    }
    write_points(out, result, how);
    ps__free(p);
    return out->failed ? ps__fail_nomem(err) : PS__OK;
}
