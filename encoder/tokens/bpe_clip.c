/*
** CLIP's words (Radford et al. 2021): of the text, mended and in lower case (clean.h), contractions, runs of letters, single
** digits, and runs of other characters; each word's bytes are symbols.
*/
#include <string.h>
#include <utf8proc.h>

#include "base/utf8.h"
#include "encoder/tokens/bpe.h"
#include "encoder/tokens/characters.h"

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

void ps__bpe_clip(ps__bpe_walk *w, const char *text, size_t length) {
    ps__cleaner *t = &w->text;
    ps__cleaner_start(t, text, length, w->t->clean, 1);
    while (w->count < w->max && ps__cleaner_next(t))
        for (int i = 0; i < t->count && w->count < w->max;) {
            int word = is_space((uint32_t)t->points[i]) ? 0 : word_length(t->points + i, t->count - i);
            if (word) add_word(w, t->points + i, word);
            i += word ? word : 1;
        }
}
