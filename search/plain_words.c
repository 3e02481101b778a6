/*
** Words without the full-text search; see plain_words.h.
*/
#include "search/plain_words.h"

#include <string.h>
#include <utf8proc.h>

#include "base/utf8.h"
#include "store/words.h"

/* A letter, digit or other number, or private: what the tokenizer unicode61 takes for part of a word. */
static int is_of_word(uint32_t code) {
    utf8proc_category_t c = utf8proc_category((utf8proc_int32_t)code);
    return (c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_LO) || (c >= UTF8PROC_CATEGORY_ND && c <= UTF8PROC_CATEGORY_NO) ||
           c == UTF8PROC_CATEGORY_CO;
}

static int is_mark(uint32_t code) {
    utf8proc_category_t c = utf8proc_category((utf8proc_int32_t)code);
    return c >= UTF8PROC_CATEGORY_MN && c <= UTF8PROC_CATEGORY_ME;
}

/* A Latin letter with a diacritic becomes the letter. */
static uint32_t bare(uint32_t code) {
    utf8proc_int32_t parts[8];
    int boundary = 0;
    if (code < 128) return code;
    utf8proc_ssize_t n = utf8proc_decompose_char((utf8proc_int32_t)code, parts, 8, UTF8PROC_DECOMPOSE, &boundary);
    return n >= 1 && n <= 8 && parts[0] < 128 ? (uint32_t)parts[0] : code;
}

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c; }

static int is_ascii(const char *text, size_t length) {
    unsigned char all = 0;
    for (size_t i = 0; i < length; i++) all |= (unsigned char)text[i];
    return all < 128;
}

/* The same as below for most names there are, thirty times as fast. */
static void put_ascii(ps__buf *out, const char *text, size_t length) {
    int between = 1;
    ps__buf_putc(out, ' ');
    for (size_t i = 0; i < length; i++) {
        char c = lower(text[i]);
        int of_word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (of_word || !between) ps__buf_putc(out, of_word ? c : ' ');
        between = !of_word;
    }
    if (!between) ps__buf_putc(out, ' ');
}

void ps__plain_words(ps__buf *out, const char *text, size_t length) {
    ps__buf folded = PS__BUF_INIT;
    if (is_ascii(text, length)) {
        put_ascii(out, text, length);
        return;
    }
    ps__words_fold(&folded, text, length);
    int between = 1;
    ps__buf_putc(out, ' ');
    for (size_t i = 0; i < folded.length;) {
        uint32_t code;
        i += ps__utf8_decode(&code, folded.bytes + i, folded.length - i);
        if (is_mark(code)) continue;
        if (is_of_word(code)) {
            ps__utf8_append(out, bare(code));
            between = 0;
        } else if (!between) {
            ps__buf_putc(out, ' ');
            between = 1;
        }
    }
    if (!between) ps__buf_putc(out, ' ');
    if (folded.failed) out->failed = 1;
    ps__buf_free(&folded);
}

int ps__plain_words_phrase(const char *text, const char *words) { return words[0] && words[1] && strstr(text, words) != NULL; }

int ps__plain_words_all(const char *text, const char *words) {
    char word[256];
    if (!words[0] || !words[1]) return 0;
    for (const char *from = words, *end; from[1]; from = end) {
        end = strchr(from + 1, ' ');
        if (!end) return 0;
        size_t length = (size_t)(end - from) + 1; /* with the blanks at either end */
        if (length >= sizeof word) return 0;
        memcpy(word, from, length);
        word[length] = 0;
        if (!strstr(text, word)) return 0;
    }
    return 1;
}

void ps__plain_folders(ps__buf *out, const char *path) {
    const char *name = strrchr(path, '/');
    for (const char *from = path, *slash; name && from < name; from = slash) {
        from++;
        slash = strchr(from, '/');
        ps__plain_words(out, from, (size_t)(slash - from));
    }
}

/* To the next character of UTF-8; of bytes that are none, to the next byte. */
static const char *next_character(const char *s) {
    uint32_t code;
    return s + ps__utf8_decode(&code, s, strlen(s));
}

int ps__name_fits(const char *name, const char *pattern) {
    const char *star = NULL, *again = NULL; /* the last `*`, and where in the name what follows it is tried */
    while (*name) {
        if (*pattern == '*') {
            star = ++pattern;
            again = name;
        } else if (*pattern == '?') {
            pattern++;
            name = next_character(name);
        } else if (*pattern && lower(*pattern) == lower(*name)) {
            pattern++;
            name++;
        } else if (star) {
            pattern = star;
            name = ++again;
        } else {
            return 0;
        }
    }
    while (*pattern == '*') pattern++;
    return *pattern == 0;
}
