/*
** Cuts text into tokens; see lexer.h. One pass, each byte looked at a bounded number of times.
*/
#include "search/parse/lexer.h"

#include <string.h>
#include <utf8proc.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "store/gazetteer.h"

#define MAX_WORD 200 /* bytes; longer words are of no table and no place */

enum { CLASS_BLANK, CLASS_LETTER, CLASS_HAN, CLASS_DIGIT, CLASS_APOSTROPHE, CLASS_HYPHEN, CLASS_QUOTE, CLASS_PAUSE, CLASS_SIGN };

typedef struct cursor {
    const char *text;
    size_t length;
    ps__lexer *lexer;
} cursor;

/* The character at a byte, full-width forms as their plain ones; 0 at the end. */
static uint32_t at(const cursor *c, size_t i, size_t *next) {
    uint32_t code = 0;
    *next = i;
    if (i >= c->length) return 0;
    *next += ps__utf8_decode(&code, c->text + i, c->length - i);
    return code >= 0xFF01 && code <= 0xFF5E ? code - 0xFEE0 : code;
}

static int is_han(uint32_t code) {
    return (code >= 0x3400 && code <= 0x9FFF) || (code >= 0xF900 && code <= 0xFAFF) || (code >= 0x20000 && code <= 0x3FFFF) ||
           code == 0x3005 || code == 0x3007;
}

static int is_quote(uint32_t code) {
    return code == '"' || (code >= 0x201C && code <= 0x201F) || code == 0xAB || code == 0xBB ||
           (code >= 0x300C && code <= 0x300F);
}

static int class_of(uint32_t code) {
    if (code <= ' ') return CLASS_BLANK;
    if (code >= '0' && code <= '9') return CLASS_DIGIT;
    if (code < 0x80 && ((code | 32) >= 'a' && (code | 32) <= 'z')) return CLASS_LETTER;
    if (code == '_') return CLASS_LETTER;
    if (code == '\'' || code == 0x2018 || code == 0x2019 || code == 0x2BC || code == '`' || code == 0xB4) return CLASS_APOSTROPHE;
    if (code == '-' || (code >= 0x2010 && code <= 0x2015) || code == 0x2212 || code == '~' || code == 0x301C) return CLASS_HYPHEN;
    if (is_quote(code)) return CLASS_QUOTE;
    if (is_han(code)) return CLASS_HAN;
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)code);
    if (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_NO) return CLASS_LETTER;
    if (category >= UTF8PROC_CATEGORY_PC && category <= UTF8PROC_CATEGORY_PO)
        return code == '*' || code == '#' || code == '&' || code == '@' || code == '%' ? CLASS_SIGN : CLASS_PAUSE;
    if (category == UTF8PROC_CATEGORY_CF) return CLASS_LETTER; /* joiners lie inside words */
    return code == '|' ? CLASS_PAUSE : CLASS_SIGN;
}

static int class_at(const cursor *c, size_t i, size_t *next) {
    uint32_t code = at(c, i, next);
    return *next == i ? CLASS_BLANK : class_of(code);
}

static int is_word_class(int class) { return class == CLASS_LETTER || class == CLASS_DIGIT; }

static int is_capital(const cursor *c, size_t i) {
    size_t next;
    uint32_t code = at(c, i, &next);
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)code);
    return category == UTF8PROC_CATEGORY_LU || category == UTF8PROC_CATEGORY_LT ||
           (category == UTF8PROC_CATEGORY_LO && !is_han(code));
}

/* The folded form of a word; 0 when memory ran out. An apostrophe at one of its ends stays, as tables have it. */
static int fold(cursor *c, ps__token *t) {
    ps__buf *folds = &c->lexer->folds;
    const char *s = c->text + t->body_from;
    size_t n = t->body_to - t->body_from, skip;
    int plain = 1, first = 0, last = 0;
    t->fold = (uint32_t)folds->length;
    if (n > MAX_WORD) return 1;
    if (t->type == PS__TOKEN_HYPHEN) { /* whichever it is */
        s = "-";
        n = 1;
    }
    if (t->type != PS__TOKEN_HYPHEN && class_at(c, t->body_from, &skip) == CLASS_APOSTROPHE) {
        first = 1;
        s += skip - t->body_from;
        n -= skip - t->body_from;
    }
    for (size_t i = 0, next; t->type == PS__TOKEN_WORD && i < n; i = next) {
        int class = class_at(c, (size_t)(s - c->text) + i, &next);
        next -= (size_t)(s - c->text);
        if (class == CLASS_APOSTROPHE && next == n) {
            last = 1;
            n = i;
        }
    }
    for (size_t i = 0; i < n && plain; i++) plain = (unsigned char)s[i] < 0x80;
    if (first) ps__buf_putc(folds, '\'');
    if (plain) {
        for (size_t i = 0; i < n; i++) ps__buf_putc(folds, (char)(s[i] >= 'A' && s[i] <= 'Z' ? s[i] + 32 : s[i]));
    } else {
        char *folded;
        if (ps__gazetteer_fold(&folded, s, n, NULL) != PS__OK) return 0;
        ps__buf_puts(folds, folded);
        ps__free(folded);
    }
    if (last) ps__buf_putc(folds, '\'');
    t->fold_length = (uint32_t)(folds->length - t->fold);
    ps__buf_putc(folds, 0);
    return !folds->failed;
}

/* Digits from i: their value and count; returns the byte behind them. */
static size_t digits(const cursor *c, size_t i, int *count, double *value) {
    *count = 0;
    *value = 0;
    for (;;) {
        size_t next;
        uint32_t code = at(c, i, &next);
        if (next == i || code < '0' || code > '9' || *count == 15) return i;
        *value = *value * 10 + (code - '0');
        ++*count;
        i = next;
    }
}

static int letter_or_digit_at(const cursor *c, size_t i) {
    size_t next;
    return is_word_class(class_at(c, i, &next));
}

/* A date or time of the day whose first digits end at `i`; returns the byte behind it, or 0 when there is none. */
static size_t composite(const cursor *c, ps__token *t, size_t i, int count, double first) {
    size_t next, end;
    double second, third;
    int n;
    uint32_t separator = at(c, i, &next);
    if (next == i || (separator != '-' && separator != '.' && separator != '/' && separator != ':')) return 0;
    end = digits(c, next, &n, &second);
    if (n < 1 || n > 4) return 0;
    if (n > 2 && (separator != '/' || count > 2)) return 0;
    t->parts[0] = (int16_t)(first < 30000 ? first : 0);
    t->parts[1] = (int16_t)second;
    t->parts[2] = 0;
    if (separator == ':') {
        if (count > 2 || n != 2 || first > 24 || second > 59 || letter_or_digit_at(c, end)) return 0;
        t->type = PS__TOKEN_CLOCK;
        return end;
    }
    if (count == 4) {
        size_t after;
        if (second < 1 || second > 12) return 0;
        if (at(c, end, &after) == separator && after > end) {
            size_t last = digits(c, after, &n, &third);
            if (n >= 1 && n <= 2 && third >= 1 && third <= 31) {
                size_t behind;
                if (at(c, last, &behind) != 'T' && letter_or_digit_at(c, last)) return 0;
                t->type = PS__TOKEN_ISODATE;
                t->parts[2] = (int16_t)third;
                return last;
            }
        }
        if (separator == '.' || n != 2 || letter_or_digit_at(c, end)) return 0;
        t->type = PS__TOKEN_ISODATE; /* a month */
        return end;
    }
    if (count <= 2 && n == 4 && separator == '/' && first >= 1 && first <= 12 && !letter_or_digit_at(c, end)) { /* "07/2019" */
        t->type = PS__TOKEN_ISODATE;
        t->parts[0] = (int16_t)second;
        t->parts[1] = (int16_t)first;
        return end;
    }
    if (count > 2 || n > 2 || first < 1 || first > 31 || second < 1 || second > 31) return 0;
    if (at(c, end, &next) != separator || next == end) return 0;
    i = digits(c, next, &n, &third);
    if (n == 0 && separator == '.' && !letter_or_digit_at(c, next)) { /* "4.7." */
        t->type = PS__TOKEN_LOCALDATE;
        t->separator = '.';
        t->parts[2] = -1;
        return next;
    }
    if ((n != 4 && n != 2) || letter_or_digit_at(c, i)) return 0;
    t->type = PS__TOKEN_LOCALDATE;
    t->separator = (uint8_t)separator;
    t->parts[2] = (int16_t)(n == 4 ? third : third + (third < 50 ? 2000 : 1900));
    return i;
}

static size_t lex_number(const cursor *c, ps__token *t, size_t i) {
    int count, n;
    double value, fraction;
    size_t end = digits(c, i, &count, &value), next, whole;
    t->type = PS__TOKEN_NUMBER;
    t->digits = (uint8_t)count;
    t->number = value;
    t->whole = 1;
    whole = composite(c, t, end, count, value);
    if (whole) return whole;
    if (count == 8 && !letter_or_digit_at(c, end)) { /* 20190704; whether there is such a day is found out later */
        int year = (int)value / 10000, month = (int)value / 100 % 100, day = (int)value % 100;
        if (year >= 1826 && year <= 2100 && month >= 1 && month <= 12 && day >= 1 && day <= 31) {
            t->type = PS__TOKEN_ISODATE;
            t->parts[0] = (int16_t)year;
            t->parts[1] = (int16_t)month;
            t->parts[2] = (int16_t)day;
            return end;
        }
    }
    uint32_t point = at(c, end, &next);
    if ((point == '.' || point == ',') && next > end) {
        size_t behind = digits(c, next, &n, &fraction);
        if (n == 3 && point == ',' && count <= 3) { /* 12,000 */
            t->number = value * 1000 + fraction;
            return behind;
        }
        if (n >= 1 && n <= 6) {
            for (int k = 0; k < n; k++) fraction /= 10;
            t->number += fraction;
            t->whole = 0;
            return behind;
        }
    }
    return end;
}

/* "'21": a year, when nothing but a blank lies before and no digit behind. */
static size_t lex_short_year(const cursor *c, ps__token *t, size_t i, int spaced) {
    int count;
    double value;
    size_t end = digits(c, i, &count, &value);
    if (!spaced || count != 2 || letter_or_digit_at(c, end)) return 0;
    t->type = PS__TOKEN_NUMBER;
    t->whole = 1;
    t->digits = 4;
    t->number = value + (value < 50 ? 2000 : 1900);
    return end;
}

static size_t lex_word(const cursor *c, ps__token *t, size_t i) {
    size_t next;
    t->type = PS__TOKEN_WORD;
    while (is_word_class(class_at(c, i, &next))) i = next;
    if (class_at(c, i, &next) == CLASS_APOSTROPHE) {
        size_t behind, end;
        uint32_t code = at(c, next, &behind);
        int letter = behind > next && class_of(code) == CLASS_LETTER;
        end = behind;
        if (letter && (code | 32) == 's' && !letter_or_digit_at(c, end)) return i; /* 's is a word of its own */
        if (letter) return next;
    }
    return i;
}

/* Closing quotation mark behind i, any kind for any; 0: there is none. */
static size_t closing_quote(cursor *c, size_t i, size_t *behind) {
    ps__lexer *lexer = c->lexer;
    if (lexer->no_quote) return 0;
    for (size_t next; i < c->length; i = next) {
        uint32_t code = at(c, i, &next);
        lexer->steps++;
        if (!is_quote(code)) continue;
        *behind = next;
        return i;
    }
    lexer->no_quote = 1;
    return 0;
}

static size_t lex_quote(cursor *c, ps__token *t, size_t i) {
    size_t next, behind = 0, close;
    at(c, i, &next);
    close = closing_quote(c, next, &behind);
    t->type = PS__TOKEN_PUNCTUATION;
    if (!close) return next;
    t->body_from = (uint32_t)next;
    t->body_to = (uint32_t)close;
    while (t->body_from < t->body_to && c->text[t->body_from] == ' ') t->body_from++;
    while (t->body_to > t->body_from && c->text[t->body_to - 1] == ' ') t->body_to--;
    if (t->body_to > t->body_from) t->type = PS__TOKEN_QUOTED;
    return behind;
}

/* ":2", ":-1.5" up to a blank or the end. */
static size_t lex_weight(const cursor *c, ps__token *t, size_t i) {
    size_t next, end;
    int count, n = 0, negative = 0;
    double value, fraction = 0;
    if (at(c, i, &next) != ':' || next == i) return i;
    if (next < c->length && c->text[next] == '-') {
        negative = 1;
        next++;
    }
    end = digits(c, next, &count, &value);
    if (!count || count > 2) return i;
    if (end < c->length && c->text[end] == '.') {
        size_t behind = digits(c, end + 1, &n, &fraction);
        if (n >= 1 && n <= 3) {
            for (int k = 0; k < n; k++) fraction /= 10;
            value += fraction;
            end = behind;
        }
    }
    if (end < c->length && c->text[end] != ' ') return i;
    if (value < 0.1 || value > 10) return i;
    t->weight = negative ? -value : value;
    return end;
}

static size_t lex_token(cursor *c, ps__token *t, size_t i, int spaced) {
    size_t next, end;
    uint32_t code = at(c, i, &next);
    int class = class_of(code);
    t->body_from = (uint32_t)i;
    end = next;
    switch (class) {
    case CLASS_LETTER: end = lex_word(c, t, i); break;
    case CLASS_HAN: t->type = PS__TOKEN_HAN; break;
    case CLASS_DIGIT: end = lex_number(c, t, i); break;
    case CLASS_APOSTROPHE:
        t->type = PS__TOKEN_PUNCTUATION;
        if (lex_short_year(c, t, next, spaced)) {
            end = lex_short_year(c, t, next, spaced);
        } else if (!spaced && i > 0 && letter_or_digit_at(c, next)) { /* the 's of lex_word */
            end = lex_word(c, t, next);
        }
        break;
    case CLASS_HYPHEN: t->type = PS__TOKEN_HYPHEN; break;
    case CLASS_QUOTE: end = lex_quote(c, t, i); break;
    case CLASS_PAUSE: t->type = PS__TOKEN_PUNCTUATION; break;
    default: t->type = PS__TOKEN_SIGN; break;
    }
    if (t->type != PS__TOKEN_QUOTED) t->body_to = (uint32_t)end;
    if (t->type == PS__TOKEN_WORD || t->type == PS__TOKEN_HAN || t->type == PS__TOKEN_QUOTED) end = lex_weight(c, t, end);
    return end;
}

/* An apostrophe that ends a word without beginning another ("the dogs' house"). */
static int is_trailing_apostrophe(const cursor *c, const ps__token *before, size_t i) {
    size_t next;
    return before && before->type == PS__TOKEN_WORD && before->body_to == i && class_at(c, i, &next) == CLASS_APOSTROPHE &&
           !letter_or_digit_at(c, next);
}

/* A weight in Han script belongs to all characters up to the blank before. */
static void join_weighted(ps__lexer *lexer) {
    ps__token *last = &lexer->tokens[lexer->count - 1];
    size_t first = lexer->count - 1;
    while (first > 0 && lexer->tokens[first].type == PS__TOKEN_HAN && !lexer->tokens[first].space &&
           lexer->tokens[first - 1].type == PS__TOKEN_HAN && lexer->tokens[first - 1].weight == 1)
        first--;
    last->from = lexer->tokens[first].from;
    last->body_from = lexer->tokens[first].body_from;
    last->space = lexer->tokens[first].space;
    last->fold_length = 0;
    lexer->tokens[first] = *last;
    lexer->count = first + 1;
}

/* A dot behind a word of one or two letters ends an abbreviation ("St. Moritz", "a.m."): it is no pause. */
static int is_abbreviation(const cursor *c, const ps__token *before, size_t i) {
    return before && before->type == PS__TOKEN_WORD && before->body_to == i && c->text[i] == '.' &&
           before->body_to - before->body_from <= 2 && i + 1 < c->length && c->text[before->body_from] != '\'';
}

static ps__token *add_token(ps__lexer *lexer) {
    if (lexer->count == lexer->room) {
        size_t room = lexer->room ? lexer->room * 2 : 32;
        ps__token *grown = ps__realloc(lexer->tokens, room * sizeof *grown);
        if (!grown) return NULL;
        lexer->tokens = grown;
        lexer->room = room;
    }
    ps__token *t = &lexer->tokens[lexer->count];
    memset(t, 0, sizeof *t);
    t->word = -1;
    t->weight = 1;
    return t;
}

int ps__lex(ps__lexer *out, const char *text, size_t length) {
    cursor c = {text, length, out};
    int spaced = 1;
    memset(out, 0, sizeof *out);
    out->folds = (ps__buf)PS__BUF_INIT;
    for (size_t i = 0; i < length && out->count < PS__MAX_TOKENS;) {
        size_t next;
        ps__token *before = out->count ? &out->tokens[out->count - 1] : NULL;
        uint32_t code = at(&c, i, &next);
        out->steps++;
        if (class_of(code) == CLASS_BLANK || is_abbreviation(&c, before, i) || is_trailing_apostrophe(&c, before, i)) {
            spaced = class_of(code) == CLASS_BLANK;
            i = next;
            out->end = i;
            continue;
        }
        ps__token *t = add_token(out);
        if (!t) return 0;
        t->from = (uint32_t)i;
        t->space = (uint8_t)spaced;
        i = lex_token(&c, t, i, spaced);
        t->to = (uint32_t)i;
        t->capital = (uint8_t)is_capital(&c, t->body_from);
        out->steps += t->to - t->from;
        if (t->type != PS__TOKEN_QUOTED && t->type != PS__TOKEN_SIGN && !fold(&c, t)) return 0;
        spaced = 0;
        out->count++;
        if (t->type == PS__TOKEN_HAN && t->weight != 1) join_weighted(out);
        out->end = i;
    }
    return 1;
}

void ps__lexer_free(ps__lexer *lexer) {
    ps__free(lexer->tokens);
    ps__buf_free(&lexer->folds);
    memset(lexer, 0, sizeof *lexer);
}

int ps__token_joins(const ps__lexer *lexer, size_t token) {
    const ps__token *t = &lexer->tokens[token];
    if (t->type != PS__TOKEN_HYPHEN || t->space || token == 0 || token + 1 >= lexer->count) return 0;
    const ps__token *before = t - 1, *behind = t + 1;
    if (behind->space || before->to != t->from) return 0;
    return before->type <= PS__TOKEN_CLOCK && behind->type <= PS__TOKEN_CLOCK;
}
