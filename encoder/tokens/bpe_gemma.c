/*
** The symbols of Gemma's tokenizer: characters, or bytes. Spaces are U+2581, and nothing is put before the text. Words are not
** cut apart: what may be merged is what was learned.
*/
#include <string.h>

#include "base/utf8.h"
#include "encoder/tokens/bpe.h"
#include "encoder/tokens/characters.h"

#define SPACE 0x2581

static int32_t find_character(const ps__bpe *t, uint32_t c) {
    size_t low = 0, high = t->character_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        uint32_t there = (uint32_t)t->characters[2 * middle];
        if (there == c) return t->characters[2 * middle + 1];
        if (there < c)
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}

/* A run of unknown characters is one <unk>. */
static void add_unknown(ps__bpe_walk *w) {
    if (w->t->unknown < 0 || (w->symbol_count && w->symbols[w->symbol_count - 1] == w->t->unknown)) return;
    w->symbols[w->symbol_count++] = w->t->unknown;
}

static void add_character(ps__bpe_walk *w, uint32_t c) {
    char bytes[4];
    int32_t id = find_character(w->t, c);
    if (id >= 0) {
        w->symbols[w->symbol_count++] = id;
        return;
    }
    size_t size = ps__utf8_encode(bytes, c), known = 0;
    for (size_t i = 0; i < size; i++) known += w->t->bytes[(uint8_t)bytes[i]] >= 0;
    if (known < size)
        add_unknown(w);
    else
        for (size_t i = 0; i < size; i++) w->symbols[w->symbol_count++] = w->t->bytes[(uint8_t)bytes[i]];
}

/* Whether there is anything but white space: blank text has no symbols. */
static int is_blank(ps__cleaner *t) {
    while (ps__cleaner_next(t))
        for (int i = 0; i < t->count; i++)
            if (!ps__is_white_space((uint32_t)t->points[i])) return 0;
    return 1;
}

void ps__bpe_gemma(ps__bpe_walk *w, const char *text, size_t length) {
    int clean = w->t->clean, collapses = clean >= PS__CLEAN_PUNCTUATION, is_first = 1, has_space = 0;
    ps__cleaner *t = &w->text;
    ps__cleaner_start(t, text, length, clean, 0);
    if (is_blank(t)) return;
    ps__cleaner_start(t, text, length, clean, 0);
    while (w->count < w->max && ps__cleaner_next(t))
        for (int i = 0; i < t->count && w->count < w->max; i++) {
            uint32_t c = (uint32_t)t->points[i];
            if (collapses && c == ' ') { /* a run of spaces is one, between words only */
                has_space = !is_first;
                continue;
            }
            if (has_space) add_character(w, SPACE);
            add_character(w, c == ' ' ? SPACE : c);
            is_first = has_space = 0;
            if (w->symbol_count > PS__BPE_SYMBOLS - 8) ps__bpe_merge_all(w);
        }
    if (w->symbol_count) ps__bpe_merge_all(w);
}
