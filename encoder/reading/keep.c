/*
** Choosing among what was read; see keep.h. The limits are measured: docs/reading-text.md.
*/
#include "encoder/reading/keep.h"

#include <string.h>
#include <utf8proc.h>

#include "base/utf8.h"

#define LONGEST 64   /* characters of a word */
#define SAME_MOST 3  /* of one letter in a row */
#define HAN_LEAST 2  /* Han characters, beside those that a stroke or a box looks like, of a photo of which any are kept */

/* How sure the reader must be, in percent, of a word of so many characters. */
static int sure_enough(int length, int digits, int han) {
    if (han) return 85;
    if (digits == length) return length > 2 ? 80 : 90;
    return length > 3 ? 60 : length > 2 ? 75 : 90;
}

typedef struct word {
    const char *bytes; /* trimmed */
    size_t size;
    int confidence;    /* 0..100 */
    int length;        /* letters and digits */
    int digits;        /* of these */
    int han;           /* of these */
    int firm;          /* of these: not what any stroke may be taken for */
    int others;        /* characters in between: apostrophes, dots */
    int same;          /* longest run of one letter */
} word;

static int is_han(uint32_t c) { return (c >= 0x3400 && c <= 0x9FFF) || (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x20000 && c <= 0x323AF); }

/* One or few strokes, or a box: U+4E00, 4E28, 4E36, 4E3F, 4E8C, 4E09, 516B, 5341, 4EBA, 5165, 53E3, 56D7, 65E5, 5DE5. */
static int is_stroke(uint32_t c) {
    static const uint32_t strokes[] = {0x4E00, 0x4E28, 0x4E36, 0x4E3F, 0x4E8C, 0x4E09, 0x516B,
                                       0x5341, 0x4EBA, 0x5165, 0x53E3, 0x56D7, 0x65E5, 0x5DE5};
    for (size_t i = 0; i < sizeof strokes / sizeof *strokes; i++)
        if (strokes[i] == c) return 1;
    return 0;
}

enum { OTHER, LETTER, DIGIT, MARK, CONTROL };

static int kind_of(uint32_t c) {
    switch (utf8proc_category((utf8proc_int32_t)c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO: return LETTER;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO: return DIGIT;
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC: return MARK;
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP: return CONTROL;
    default: return OTHER;
    }
}

/* What stands around the letters goes. 0: there is something in it that no word holds. */
static int trim(word *w) {
    const char *begin = NULL, *end = NULL;
    for (size_t i = 0; i < w->size;) {
        uint32_t c;
        size_t used = ps__utf8_decode(&c, w->bytes + i, w->size - i);
        int kind = kind_of(c);
        if (kind == CONTROL || c == 0xFFFD || c == ' ') return 0;
        if (kind != OTHER && !begin) begin = w->bytes + i;
        i += used;
        if (kind != OTHER) end = w->bytes + i;
    }
    if (!begin) return 0;
    w->bytes = begin;
    w->size = (size_t)(end - begin);
    return 1;
}

static void measure(word *w) {
    uint32_t last = 0;
    int run = 0;
    for (size_t i = 0; i < w->size;) {
        uint32_t c;
        i += ps__utf8_decode(&c, w->bytes + i, w->size - i);
        int kind = kind_of(c);
        run = c == last && kind == LETTER ? run + 1 : 1;
        last = c;
        if (run > w->same) w->same = run;
        w->length += kind == LETTER || kind == DIGIT;
        w->digits += kind == DIGIT;
        w->others += kind == OTHER;
        w->han += is_han(c);
        w->firm += is_han(c) && !is_stroke(c);
    }
}

/* 1 with a word that may be kept. record: [size] without the '\n'. */
static int take(word *w, const char *record, size_t size) {
    if (size < 2 || size > 4 * LONGEST) return 0;
    *w = (word){.bytes = record + 1, .size = size - 1, .confidence = (unsigned char)record[0] - ' '};
    if (!trim(w)) return 0;
    measure(w);
    if (w->length > LONGEST || w->others * 3 > w->length || w->confidence < sure_enough(w->length, w->digits, w->han)) return 0;
    return w->han ? 1 : w->length > 1 && (w->same <= SAME_MOST || w->digits == w->length) && w->same < w->length;
}

typedef int word_fn(const word *w, void *payload);

/* Until fn returns 1. */
static void each_word(const char *records, size_t size, word_fn *fn, void *payload) {
    for (size_t i = 0; i < size;) {
        word w;
        const char *end = memchr(records + i, '\n', size - i);
        size_t length = end ? (size_t)(end - records) - i : size - i;
        if (take(&w, records + i, length) && fn(&w, payload)) return;
        i += length + 1;
    }
}

static int count_firm(const word *w, void *payload) {
    *(int *)payload += w->firm;
    return 0;
}

typedef struct keeper {
    ps__buf *text;
    size_t end;   /* of what may be kept, as text->length */
    int with_han; /* 1: Han characters are kept */
    int after_han; /* 1: the last word ended in one */
} keeper;

static int first_is_han(const word *w) {
    uint32_t c;
    ps__utf8_decode(&c, w->bytes, w->size);
    return is_han(c);
}

static int last_is_han(const word *w) {
    uint32_t c = 0;
    for (size_t i = 0; i < w->size;) i += ps__utf8_decode(&c, w->bytes + i, w->size - i);
    return is_han(c);
}

static int keep(const word *w, void *payload) {
    keeper *k = payload;
    if (w->han && !k->with_han) return 0;
    int blank = k->text->length > 0 && !(k->after_han && first_is_han(w));
    if (k->text->length + (size_t)blank + w->size > k->end) return 1;
    if (blank) ps__buf_putc(k->text, ' ');
    ps__buf_append(k->text, w->bytes, w->size);
    k->after_han = last_is_han(w);
    return k->text->failed;
}

void ps__words_keep(ps__buf *text, const char *records, size_t size, size_t most) {
    int firm = 0;
    each_word(records, size, count_firm, &firm);
    keeper k = {.text = text, .end = text->length + most, .with_han = firm >= HAN_LEAST};
    each_word(records, size, keep, &k);
}
