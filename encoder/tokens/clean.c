/*
** Mending and cleaning of texts; see clean.h. HTML entities, terminal escapes and text that was decoded wrongly are left as
** they are.
*/
#include "encoder/tokens/clean.h"

#include <string.h>
#include <utf8proc.h>

#include "base/utf8.h"
#include "encoder/tokens/characters.h"

#define MOST 4 /* points that mending makes of a character */
#define SIGMA 0x3A3
#define CAPITAL_I_DOT 0x130

int ps__clean_find(const char *name) {
    static const char *const names[] = {"none", "lower", "punctuation", "canonicalize"};
    if (!name) return PS__CLEAN_NONE;
    for (int i = 0; i < 4; i++)
        if (strcmp(names[i], name) == 0) return i;
    return -1;
}

void ps__cleaner_start(ps__cleaner *t, const char *text, size_t length, int clean, int mends) {
    t->text = text;
    t->length = length;
    t->at = 0;
    t->clean = clean;
    t->mends = mends || clean == PS__CLEAN_CANONICAL;
    t->count = 0;
}

/* ---- Mending ---- */

static int is_control(uint32_t c) { /* but for line ends and tabs */
    return c < 9 || c == 0x0B || (c >= 0x0E && c <= 0x1F) || c == 0x7F || (c >= 0x206A && c <= 0x206F) || c == 0xFEFF ||
           (c >= 0xFFF9 && c <= 0xFFFC);
}

static uint32_t straighten(uint32_t c) {
    if (c == 0x02BC || (c >= 0x2018 && c <= 0x201B)) return '\'';
    if (c >= 0x201C && c <= 0x201F) return '"';
    return c == 0x3000 ? ' ' : c;
}

/* Latin ligatures and digraphs, full-width and half-width forms. */
static int is_form(uint32_t c) {
    return c == 0x132 || c == 0x133 || c == 0x149 || (c >= 0x1C4 && c <= 0x1CC) || (c >= 0x1F1 && c <= 0x1F3) ||
           (c >= 0xFB00 && c <= 0xFB06) || (c >= 0xFF01 && c <= 0xFFEF);
}

/* Returns how many points it became. */
static int mend(uint32_t out[MOST], uint32_t c) {
    int32_t parts[32];
    int boundary = 0;
    utf8proc_ssize_t n = 1;
    if (is_control(c)) return 0;
    parts[0] = (int32_t)c;
    if (c == 0xFB05) { /* its long s stays */
        parts[0] = 0x17F;
        parts[n++] = 't';
    } else if (is_form(c)) {
        n = utf8proc_decompose_char((utf8proc_int32_t)c, parts, 32, UTF8PROC_COMPAT | UTF8PROC_DECOMPOSE, &boundary);
    }
    if (n < 0 || n > MOST) return 0; /* no form is so long */
    for (int i = 0; i < n; i++) out[i] = straighten((uint32_t)parts[i]);
    return (int)n;
}

/* ---- Cleaning ---- */

static int is_punctuation(uint32_t c) { /* ASCII's */
    return (c > ' ' && c < '0') || (c > '9' && c < 'A') || (c > 'Z' && c < 'a') || (c > 'z' && c < 0x7F);
}

static int is_cased(int32_t c) {
    utf8proc_category_t category = utf8proc_category(c);
    return category == UTF8PROC_CATEGORY_LU || category == UTF8PROC_CATEGORY_LL || category == UTF8PROC_CATEGORY_LT;
}

static int is_ignored(int32_t c) { /* Unicode's Case_Ignorable, as far as it stands in words */
    utf8proc_category_t category = utf8proc_category(c);
    return category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_ME || category == UTF8PROC_CATEGORY_CF ||
           category == UTF8PROC_CATEGORY_LM || category == UTF8PROC_CATEGORY_SK || c == '\'' || c == '.' || c == ':' ||
           c == 0xB7 || c == 0x2019;
}

/* Whether a capital sigma ends a word: a letter before it and none behind. */
static int is_final(const int32_t *points, int at, int count) {
    int before = at - 1, after = at + 1;
    while (before >= 0 && is_ignored(points[before])) before--;
    while (after < count && is_ignored(points[after])) after++;
    return before >= 0 && is_cased(points[before]) && (after == count || !is_cased(points[after]));
}

/* Returns how many points it became, at most two. */
static int clean_one(int32_t out[2], const ps__cleaner *t, const int32_t *points, int at, int count) {
    uint32_t c = (uint32_t)points[at];
    out[0] = (int32_t)c;
    if (t->clean == PS__CLEAN_NONE) return 1;
    if (t->clean >= PS__CLEAN_PUNCTUATION) {
        if (c == '_' && t->clean == PS__CLEAN_CANONICAL) out[0] = ' ';
        if (out[0] != ' ' && is_punctuation(c)) return 0;
        if (ps__is_white_space(c) || (c >= 0x1C && c <= 0x1F)) out[0] = ' ';
    }
    if (c == CAPITAL_I_DOT) { /* the one letter whose lower case is two points */
        out[0] = 'i';
        out[1] = 0x307;
        return 2;
    }
    if (c == SIGMA && (t->mends || t->clean != PS__CLEAN_LOWER) && is_final(points, at, count))
        out[0] = 0x3C2;
    else
        out[0] = utf8proc_tolower(out[0]);
    return 1;
}

/* ---- Parts ---- */

/* The next characters, mended and composed; returns the number of points, at most PS__CLEAN_POINTS. */
static int read_mended(int32_t *points, ps__cleaner *t) {
    char text[4 * MOST * PS__CLEAN_CHARS];
    utf8proc_ssize_t size = 0;
    for (int n = 0; n < PS__CLEAN_CHARS && t->at < t->length; n++) {
        uint32_t c, parts[MOST];
        t->at += ps__utf8_decode(&c, t->text + t->at, t->length - t->at);
        for (int i = 0, count = mend(parts, c); i < count; i++) size += (utf8proc_ssize_t)ps__utf8_encode(text + size, parts[i]);
    }
    utf8proc_ssize_t count =
        utf8proc_decompose((const utf8proc_uint8_t *)text, size, points, PS__CLEAN_POINTS, UTF8PROC_STABLE | UTF8PROC_DECOMPOSE);
    if (count > PS__CLEAN_POINTS) count = PS__CLEAN_POINTS; /* four a character are enough for all but made-up text */
    if (count > 0) count = utf8proc_normalize_utf32(points, count, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    return count > 0 ? (int)count : 0;
}

static int read_plain(int32_t *points, ps__cleaner *t) {
    int count = 0;
    while (count < PS__CLEAN_CHARS && t->at < t->length) {
        uint32_t c;
        t->at += ps__utf8_decode(&c, t->text + t->at, t->length - t->at);
        points[count++] = (int32_t)c;
    }
    return count;
}

int ps__cleaner_next(ps__cleaner *t) {
    int32_t points[PS__CLEAN_POINTS], out[2];
    t->count = 0;
    while (!t->count && t->at < t->length) {
        int count = t->mends ? read_mended(points, t) : read_plain(points, t);
        for (int i = 0; i < count; i++)
            for (int n = 0, made = clean_one(out, t, points, i, count); n < made && t->count < PS__CLEAN_POINTS; n++)
                t->points[t->count++] = out[n];
    }
    return t->count > 0;
}
