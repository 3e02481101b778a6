/*
** Text to tokens. The tool that reads the word tables cuts words with this file too, so that tables and sentences meet in one
** form.
**
**   - a word is a run of letters, marks and digits that begins with no digit; in Han script each character is one
**   - an apostrophe ends the word before it and stays with it ("l'" "hiver"); of "'s" it begins the word
**   - a hyphen is a token of its own, whether it joins words or stands alone
**   - digits are a number, which may be a whole date (2021-07-04, 4.7.2021) or a time of the day (15:30)
**   - quoted text is one token
*/
#ifndef PS_SEARCH_PARSE_LEXER_H
#define PS_SEARCH_PARSE_LEXER_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define PS__MAX_TOKENS 4096 /* what lies behind them is not parsed */

enum {
    PS__TOKEN_WORD = 1,
    PS__TOKEN_HAN = 2,
    PS__TOKEN_NUMBER = 3,
    PS__TOKEN_ISODATE = 4,   /* parts: year, month, day (0: none) */
    PS__TOKEN_LOCALDATE = 5, /* parts as they stand; the last, a year, may be -1 */
    PS__TOKEN_CLOCK = 6,     /* parts: hour, minute */
    PS__TOKEN_QUOTED = 7,
    PS__TOKEN_HYPHEN = 8,
    PS__TOKEN_PUNCTUATION = 9,
    PS__TOKEN_SIGN = 10 /* of no word and no pause: emoji, currency */
};

typedef struct ps__token {
    uint32_t from, to;           /* bytes of the text; with a weight, up to its end */
    uint32_t body_from, body_to; /* without quotes and weight */
    uint32_t fold, fold_length;  /* of the folded form in the lexer's `folds`; length 0: has none */
    int32_t word;                /* in the tables; -1: in none */
    int16_t parts[3];
    uint8_t type;
    uint8_t space;     /* a blank stands before it */
    uint8_t capital;   /* begins with a capital letter, or in a script that has none */
    uint8_t whole;     /* a number without a fraction */
    uint8_t digits;    /* of a number */
    uint8_t separator; /* of a local date: '.', '/' or '-' */
    double number;
    double weight; /* 1: none is given */
} ps__token;

typedef struct ps__lexer {
    ps__token *tokens; /* [count] owned */
    size_t count, room;
    size_t end;      /* bytes that became tokens; what follows is not parsed */
    ps__buf folds;   /* folded forms, each with a 0 at its end */
    size_t no_quote; /* PRIVATE: no closing quotation mark lies behind this byte; 0: not known */
    size_t steps;
} ps__lexer;

/* `text` is valid UTF-8 of less than 4 GB. 0 when memory ran out. Free with ps__lexer_free in any case. */
int ps__lex(ps__lexer *out, const char *text, size_t length);
void ps__lexer_free(ps__lexer *lexer);

/* 1: a hyphen that joins what stands on both sides. */
int ps__token_joins(const ps__lexer *lexer, size_t token);

#endif
