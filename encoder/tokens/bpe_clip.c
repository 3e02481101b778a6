/*
** CLIP's words (Radford et al. 2021): of the text in lower case, contractions, runs of letters, single digits, and runs of other
** characters; each word's bytes are symbols. What the reference does before is done here as far as it matters to a sentence: canonical
** composition, straight quotes for curly ones, ASCII for its full-width forms. HTML entities are not expanded.
*/
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/utf8.h"
#include "encoder/tokens/bpe.h"
#include "encoder/tokens/characters.h"

static uint32_t straighten(uint32_t c) {
    if (c >= 0x2018 && c <= 0x201B) return '\'';
    if (c >= 0x201C && c <= 0x201F) return '"';
    if (c >= 0xFF01 && c <= 0xFF5E) return c - 0xFEE0;
    return c;
}

static int is_space(uint32_t c) { return ps__is_white_space(c) || (c >= 0x1C && c <= 0x1F); }

enum { SPACE, LETTER, DIGIT, OTHER };

static int class_of(int32_t c) {
    if (is_space((uint32_t)c)) return SPACE;
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO: return LETTER;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO: return DIGIT;
    default: return OTHER;
    }
}

/* Characters of the contraction that begins at p; 0: none does. */
static int contraction(const int32_t *p, int left) {
    static const char *const all[] = {"s", "t", "re", "ve", "m", "ll", "d"};
    if (p[0] != '\'') return 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        int size = (int)strlen(all[i]), same = size < left;
        for (int n = 0; same && n < size; n++) same = p[1 + n] == all[i][n];
        if (same) return size + 1;
    }
    return 0;
}

/* Characters of the word at p, which is no space. */
static int word_length(const int32_t *p, int left) {
    int length = contraction(p, left), class = class_of(p[0]);
    if (length) return length;
    if (class == DIGIT) return 1;
    for (length = 1; length < left && class_of(p[length]) == class;) length++;
    return length;
}

static void add_word(ps__bpe_walk *w, const int32_t *p, int length) {
    char bytes[4];
    for (int i = 0; i < length; i++) {
        size_t size = ps__utf8_encode(bytes, (uint32_t)p[i]);
        for (size_t n = 0; n < size; n++) {
            const int32_t *symbols = i + 1 == length && n + 1 == size ? w->t->last_bytes : w->t->bytes;
            int32_t id = symbols[(uint8_t)bytes[n]];
            if (id >= 0 && w->symbol_count < PS__BPE_SYMBOLS) w->symbols[w->symbol_count++] = id;
        }
    }
    if (w->symbol_count) ps__bpe_merge_all(w);
}

/* Up to PS__BPE_CHARS characters of the text, as UTF-8 that is well-formed; returns the bytes of text they take. */
static size_t take_part(char *out, size_t *size, const char *text, size_t length) {
    size_t at = 0;
    uint32_t c;
    *size = 0;
    for (int n = 0; n < PS__BPE_CHARS && at < length; n++) {
        at += ps__utf8_decode(&c, text + at, length - at);
        c = straighten(c);
        if (c) *size += ps__utf8_encode(out + *size, c);
    }
    return at;
}

/* Composed and in lower case; returns the number of points. More than PS__BPE_SYMBOLS, which composing cannot give, are cut off. */
static int compose(int32_t *points, const char *part, size_t size, int clean) {
    utf8proc_uint8_t *composed = NULL;
    utf8proc_ssize_t length =
        utf8proc_map((const utf8proc_uint8_t *)part, (utf8proc_ssize_t)size, &composed, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    int count = 0;
    uint32_t c;
    if (length < 0) return -1;
    for (size_t at = 0; at < (size_t)length && count < PS__BPE_SYMBOLS;) {
        at += ps__utf8_decode(&c, (const char *)composed + at, (size_t)length - at);
        c = ps__clean_character(c, clean);
        if (c) points[count++] = (int32_t)c;
    }
    free(composed);
    return count;
}

int ps__bpe_clip(ps__bpe_walk *w, const char *text, size_t length, ps__error *err) {
    char part[4 * PS__BPE_CHARS];
    int32_t points[PS__BPE_SYMBOLS];
    for (size_t at = 0, size; at < length && w->count < w->max;) {
        at += take_part(part, &size, text + at, length - at);
        int count = compose(points, part, size, w->t->clean);
        if (count < 0) return ps__fail_nomem(err);
        for (int i = 0; i < count && w->count < w->max;) {
            int word = is_space((uint32_t)points[i]) ? 0 : word_length(points + i, count - i);
            if (word) add_word(w, points + i, word);
            i += word ? word : 1;
        }
    }
    return PS__OK;
}
