/*
** Normalisation for the unigram tokenizer. NFKC of a word (Unicode Standard Annex #15) is taken apart here: each character is
** decomposed as it is read, its marks are put in canonical order as they arrive, and utf8proc composes the finished word. Handing
** utf8proc the whole text would sort a long run of marks in quadratic time.
*/
#include "encoder/tokens/words.h"

#include <string.h>
#include <utf8proc.h>

#include "base/utf8.h"
#include "encoder/tokens/characters.h"

#define END (-1)
#define ZERO_WIDTH_JOINER 0x200D
#define WORD_JOINER 0x2060

void ps__words_start(ps__words *w, const char *text, size_t length, int lowercase, int clean, int keeps_joiners) {
    w->text = text;
    w->length = length;
    w->at = 0;
    w->lowercase = lowercase;
    w->clean = clean;
    w->keeps_joiners = keeps_joiners;
    w->cleaned = 0;
    ps__cleaner_start(&w->cleaner, text, length, clean, 0);
    w->part = w->part_count = 0;
    w->point_count = 0;
    w->word_length = 0;
    w->continued = 0;
}

/* nmt_nfkc's list: zero-width spaces and joiners, direction marks, the byte order mark, what was no character, and the sign that
** stands for a space itself. */
static int is_separator(uint32_t c) {
    return ps__is_white_space(c) || (c >= 0x200B && c <= 0x200F) || c == 0xFEFF || c == 0xFFFD || c == 0x2581;
}

static int is_dropped(uint32_t c) { /* the word joiner is as invisible as the zero-width joiners and separates nothing */
    return c == WORD_JOINER || utf8proc_category((utf8proc_int32_t)c) == UTF8PROC_CATEGORY_CC;
}

/* The next character of the text; 0 at its end. */
static int next_character(uint32_t *c, ps__words *w) {
    if (w->clean) {
        if (w->cleaned == w->cleaner.count) {
            w->cleaned = 0;
            if (!ps__cleaner_next(&w->cleaner)) return 0;
        }
        *c = (uint32_t)w->cleaner.points[w->cleaned++];
        return 1;
    }
    if (w->at == w->length) return 0;
    w->at += ps__utf8_decode(c, w->text + w->at, w->length - w->at);
    return 1;
}

/* Takes a character apart into parts; there may be none. */
static void take_apart(ps__words *w, uint32_t c) {
    int room = (int)(sizeof w->parts / sizeof *w->parts), boundary = 0;
    w->part = w->part_count = 0;
    if (w->keeps_joiners && (c == ZERO_WIDTH_JOINER || c == WORD_JOINER)) {
        w->parts[w->part_count++] = (int32_t)c;
    } else if (is_separator(c)) {
        w->parts[w->part_count++] = ' ';
    } else if ((c > ' ' && c < 0x7F) || c == 0xFF5E) { /* nmt_nfkc keeps the full-width tilde: in Japanese it is another sign */
        w->parts[w->part_count++] = (int32_t)c;
    } else if (!is_dropped(c)) {
        utf8proc_ssize_t n = utf8proc_decompose_char((utf8proc_int32_t)c, w->parts, room,
                                                     UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_DECOMPOSE, &boundary);
        w->part_count = n > 0 && n <= room ? (int)n : 0;
    }
}

/* The next decomposed code point, ' ' for all that separates words, or END; w->part is behind it once it is taken. */
static int32_t peek(ps__words *w) {
    uint32_t c;
    while (w->part == w->part_count) {
        if (!next_character(&c, w)) return END;
        take_apart(w, c);
    }
    return w->parts[w->part];
}

static int combining_class(int32_t point) { return utf8proc_get_property(point)->combining_class; }

/* Appends a mark in canonical order among those before it. */
static void add_mark(ps__words *w, int32_t point, int class) {
    int marks = 0, at = w->point_count;
    while (marks < at && combining_class(w->points[at - 1 - marks])) marks++;
    if (marks >= PS__WORD_MARKS) return;
    for (; marks && combining_class(w->points[at - 1]) > class; at--, marks--) w->points[at] = w->points[at - 1];
    w->points[at] = point;
    w->point_count++;
}

/* Composes points and writes them as UTF-8. */
static void write_word(ps__words *w) {
    static const char before[] = "\xE2\x96\x81"; /* U+2581 */
    utf8proc_ssize_t n = utf8proc_normalize_utf32(w->points, w->point_count, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    w->word_length = w->continued ? 0 : sizeof before - 1;
    memcpy(w->word, before, w->word_length);
    for (utf8proc_ssize_t i = 0; i < n; i++) {
        int32_t point = w->lowercase ? utf8proc_tolower(w->points[i]) : w->points[i];
        w->word_length += (size_t)utf8proc_encode_char(point, (utf8proc_uint8_t *)w->word + w->word_length);
    }
}

int ps__words_next(ps__words *w) {
    int32_t point = peek(w);
    w->continued = w->point_count >= PS__WORD_CHARS && point != ' ';
    for (w->point_count = 0; point == ' '; point = peek(w)) w->part++;
    for (; point != END && point != ' '; point = peek(w)) {
        int class = point < 0x80 ? 0 : combining_class(point);
        if (!class && w->point_count >= PS__WORD_CHARS) break;
        if (class)
            add_mark(w, point, class);
        else
            w->points[w->point_count++] = point;
        w->part++;
    }
    if (!w->point_count) return 0;
    write_word(w);
    return 1;
}
