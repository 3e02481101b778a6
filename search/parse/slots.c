/*
** Items that tokens are by themselves: numbers, years, days, dates, times of the day, quoted text; and those that are looked up
** only where a pattern asks for them: any word, words up to an edge, cameras and lenses of the gallery.
*/
#include <string.h>

#include "search/parse/chart.h"

enum { ASKED_WORD = 1, ASKED_WORDS = 2, ASKED_CAMERA = 4, ASKED_LENS = 8 };

static void add(ps__parse *p, size_t token, size_t to, int symbol, double number) {
    ps__item item = {.from = (uint16_t)token, .to = (uint16_t)to, .symbol = (uint8_t)symbol, .rank = 2, .number = number};
    item.value = number < 1e9 ? (int32_t)number : INT32_MAX;
    ps__chart_add(p, &item);
}

static int is_fold(const ps__parse *p, size_t token, const char *word) {
    return token < p->lexer.count && p->lexer.tokens[token].fold_length && strcmp(ps__token_fold(p, token), word) == 0;
}

/* Joined to the token before, without a blank. */
static int is_tight(const ps__parse *p, size_t token) { return token < p->lexer.count && !p->lexer.tokens[token].space; }

/* "3pm", "3 p.m.", "15h30", "15h". */
static void add_clock(ps__parse *p, size_t token) {
    const ps__token *t = ps__token_at(p, token);
    int hour = t->number <= 24 ? (int)t->number : 25, minute = -1;
    size_t next = token + 1;
    if (t->type == PS__TOKEN_CLOCK) {
        hour = t->parts[0];
        minute = t->parts[1];
    } else if (!t->whole || t->number > 24 || t->digits > 2) {
        return;
    }
    int pm = is_fold(p, next, "pm") || (is_fold(p, next, "p") && is_fold(p, next + 1, "m"));
    int am = is_fold(p, next, "am") || (is_fold(p, next, "a") && is_fold(p, next + 1, "m") && is_tight(p, next + 1));
    if ((am || pm) && hour >= 1 && hour <= 12) {
        hour = hour % 12 + (pm ? 12 : 0);
        next += is_fold(p, next, "pm") || is_fold(p, next, "am") ? 1 : 2;
        if (is_fold(p, next, ".") && is_tight(p, next)) next++;
    } else if (t->type == PS__TOKEN_NUMBER) {
        if (!is_tight(p, next) || !is_fold(p, next, "h")) return;
        next++;
        if (is_tight(p, next) && p->lexer.tokens[next].type == PS__TOKEN_NUMBER && p->lexer.tokens[next].number < 60)
            minute = (int)p->lexer.tokens[next++].number;
    }
    add(p, token, next, PS__SYM_CLOCK, hour * 100 + (minute < 0 ? 0 : minute) + (minute < 0 ? 10000 : 0));
}

static int is_ending(const ps__parse *p, size_t token) {
    static const char *const ENDINGS[] = {"st", "nd", "rd", "th", "o", "a", "er", "e", "."};
    if (!is_tight(p, token)) return 0;
    for (size_t i = 0; i < sizeof ENDINGS / sizeof *ENDINGS; i++)
        if (is_fold(p, token, ENDINGS[i])) return 1;
    return 0;
}

void ps__slots_of_lexer(ps__parse *p, size_t token) {
    const ps__token *t = ps__token_at(p, token);
    if (t->weight != 1) return;
    switch (t->type) {
    case PS__TOKEN_NUMBER:
        add(p, token, token + 1, PS__SYM_N, t->number);
        if (t->whole && t->digits == 4 && t->number >= PS__FIRST_YEAR && t->number <= PS__LAST_YEAR)
            add(p, token, token + 1, PS__SYM_YEAR, t->number);
        if (t->whole && t->digits <= 2 && t->number >= 1 && t->number <= 31) {
            add(p, token, token + 1, PS__SYM_DAY, t->number);
            if (is_ending(p, token + 1)) add(p, token, token + 2, PS__SYM_DAY, t->number);
        }
        add_clock(p, token);
        break;
    case PS__TOKEN_CLOCK: add_clock(p, token); break;
    case PS__TOKEN_ISODATE: add(p, token, token + 1, PS__SYM_ISODATE, 0); break;
    case PS__TOKEN_LOCALDATE: add(p, token, token + 1, PS__SYM_LOCALDATE, 0); break;
    case PS__TOKEN_QUOTED: add(p, token, token + 1, PS__SYM_QUOTED, 0); break;
    default: break;
    }
}

void ps__slots_of_words(ps__parse *p, size_t token) {
    for (int32_t i = p->first[token]; i >= 0; i = p->items[i].next) {
        ps__item item = p->items[i];
        if (item.symbol == PS__SYM_ORDINAL && item.value >= 1 && item.value <= 31) {
            add(p, token, item.to, PS__SYM_DAY, item.value);
        } else if (item.symbol >= PS__SYM_RELNIGHT && item.symbol <= PS__SYM_RELYEAR) { /* a time by itself */
            ps__item time = {.from = item.from,
                             .to = item.to,
                             .symbol = PS__SYM_TIME,
                             .rank = item.rank,
                             .flags = item.flags & PS__ITEM_WEAK,
                             .kid_count = 1,
                             .value = PS__TIME_IS};
            time.kids[0] = i;
            ps__chart_add(p, &time);
        }
    }
}

int ps__fold_tokens(ps__buf *out, const ps__parse *p, size_t from, size_t to) {
    ps__buf_clear(out);
    for (size_t i = from; i < to; i++) {
        const ps__token *t = ps__token_at(p, i);
        const char *fold = ps__token_fold(p, i);
        size_t n = t->fold_length;
        if (ps__token_joins(&p->lexer, i)) continue;
        if (n && fold[0] == '\'') {
            fold++;
            n--;
        }
        if (n && fold[n - 1] == '\'') n--;
        if (!n || t->weight != 1 || t->type > PS__TOKEN_NUMBER) return 0;
        if (out->length && !(t->type == PS__TOKEN_HAN && !t->space)) ps__buf_putc(out, ' ');
        ps__buf_append(out, fold, n);
    }
    return out->length > 0 && !out->failed;
}

/* Up to the next blank, as names of files stand: "IMG_2021*.jpg". */
static void add_word(ps__parse *p, size_t token) {
    size_t end = token + 1;
    const ps__token *t = ps__token_at(p, token);
    if (t->type == PS__TOKEN_PUNCTUATION) return;
    if (t->type != PS__TOKEN_HAN)
        while (end < p->lexer.count && end - token < 24 && is_tight(p, end) && p->lexer.tokens[end].type != PS__TOKEN_HAN) end++;
    else
        while (end < p->lexer.count && end - token < 24 && is_tight(p, end) && p->lexer.tokens[end].type == PS__TOKEN_HAN &&
               ps__chart_longest(p, end, PS__SYM_SMALL) < 0 && ps__chart_longest(p, end, PS__SYM_PHOTO) < 0)
            end++;
    while (end > token + 1 && p->lexer.tokens[end - 1].type == PS__TOKEN_PUNCTUATION) end--;
    add(p, token, end, PS__SYM_WORD, 0);
}

static int is_word_type(int type) { return type == PS__TOKEN_WORD || type == PS__TOKEN_HAN || type == PS__TOKEN_NUMBER; }

/* Words up to punctuation, a filter or an operator. */
static void add_words(ps__parse *p, size_t token) {
    size_t end = token;
    if (p->lexer.tokens[token].type == PS__TOKEN_QUOTED) {
        add(p, token, token + 1, PS__SYM_WORDS, 0);
        return;
    }
    while (end < p->lexer.count && end - token < 12) {
        const ps__token *t = ps__token_at(p, end);
        if (!is_word_type(t->type) && !ps__token_joins(&p->lexer, end)) break;
        if (end > token && p->begins[end]) break;
        int operator= ps__chart_longest(p, end, PS__SYM_NOT) >= 0 || ps__chart_longest(p, end, PS__SYM_OR) >= 0 ||
            ps__chart_longest(p, end, PS__SYM_BUT) >= 0 || ps__chart_longest(p, end, PS__SYM_AND) >= 0;
        if (operator) break;
        end++;
    }
    if (end > token) add(p, token, end, PS__SYM_WORDS, 0);
}

static void add_known(ps__parse *p, size_t token, int symbol, int (*has)(const char *words, void *payload)) {
    ps__buf name = PS__BUF_INIT;
    for (size_t end = token + 1; end <= token + 4 && end <= p->lexer.count && has; end++) {
        if (!is_word_type(p->lexer.tokens[end - 1].type)) {
            if (end > token + 1 && ps__token_joins(&p->lexer, end - 1)) continue;
            break;
        }
        if (p->asks_left <= 0) break;
        p->asks_left--;
        if (!ps__fold_tokens(&name, p, token, end)) break;
        if (!has(name.bytes, p->context->gallery.payload)) break;
        int plain =
            p->lexer.tokens[token].type == PS__TOKEN_NUMBER || ps__chart_longest(p, token, PS__SYM_SMALL) >= 0 || name.length < 3;
        if (end == token + 1 && plain) continue;
        int ambiguous = ps__chart_longest(p, token, PS__SYM_AMBIGUOUS_CAMERA) >= 0 && !p->lexer.tokens[token].capital;
        if (end == token + 1 && ambiguous) continue;
        add(p, token, end, symbol, 0);
    }
    if (name.failed) p->failed = 1;
    ps__buf_free(&name);
}

void ps__slots_when_asked(ps__parse *p, size_t token, int symbol) {
    int bit = symbol == PS__SYM_WORD     ? ASKED_WORD
              : symbol == PS__SYM_WORDS  ? ASKED_WORDS
              : symbol == PS__SYM_CAMERA ? ASKED_CAMERA
              : symbol == PS__SYM_LENS   ? ASKED_LENS
                                         : 0;
    if (!bit || token >= p->lexer.count || p->asked[token] & bit) return;
    p->asked[token] |= (uint8_t)bit;
    switch (symbol) {
    case PS__SYM_WORD: add_word(p, token); break;
    case PS__SYM_WORDS: add_words(p, token); break;
    case PS__SYM_CAMERA: add_known(p, token, symbol, p->context->gallery.has_camera); break;
    case PS__SYM_LENS: add_known(p, token, symbol, p->context->gallery.has_lens); break;
    default: break;
    }
}
