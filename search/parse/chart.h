/*
** What stands where in a sentence: the chart. An item says that the tokens from..to can be read as a symbol (a month, a time, a
** whole filter). The chart is filled from the last token to the first, so that what an item is made of is there before the item;
** at each token the work is bounded, and with it the work for a sentence grows with its length only.
**
** A ps__parse is one sentence being read, used by one thread.
*/
#ifndef PS_SEARCH_PARSE_CHART_H
#define PS_SEARCH_PARSE_CHART_H

#include "search/parse/lexer.h"
#include "search/parse/tables.h"
#include "search/query.h"

#define PS__ITEM_KIDS 6

enum {
    PS__ITEM_WEAK = 1,      /* of one weak word */
    PS__ITEM_SOFT = 2,      /* a time without a number or a relative word: content where an ordinary word follows */
    PS__ITEM_YEAR = 4,      /* a bare year */
    PS__ITEM_DAYPART = 8,   /* nothing but a part of the day */
    PS__ITEM_CLOCK = 16,    /* nothing but a time of the day */
    PS__ITEM_CAPITAL = 32,  /* a place whose first word begins with a capital */
    PS__ITEM_AMBIGUOUS = 64 /* a place of a name that is an ordinary word too */
};

typedef struct ps__item {
    uint16_t from, to; /* tokens, from <= t < to */
    uint8_t symbol;    /* PS__SYM_* */
    uint8_t rank;      /* of two readings of the same tokens the higher one is taken */
    uint8_t kid_count;
    uint8_t flags;               /* PS__ITEM_* */
    uint8_t depth;               /* of times within times that begin at the same token */
    int32_t value;               /* of the pattern */
    double number;               /* of PS__SYM_N; of a place, its people */
    int32_t kids[PS__ITEM_KIDS]; /* items that filled its slots, in their order */
    int32_t next;                /* item at the same token; -1 */
} ps__item;

typedef struct ps__parse {
    const ps__query_context *context;
    const ps__tables *tables;
    const char *text; /* tidy, valid UTF-8 */
    size_t length;
    ps__lexer lexer;
    int lang, english; /* in tables->languages; -1 */
    uint16_t langs;    /* bits of both */
    ps__item *items;   /* [item_count] owned */
    size_t item_count, item_room;
    int32_t *first, *last; /* [tokens] owned; items at a token; -1 */
    uint16_t *per_token;   /* [tokens] owned; how many */
    uint8_t *asked;        /* [tokens] owned; bits of what was looked up at a token when it was needed */
    uint8_t *begins;       /* [tokens + 1] owned; 1: a filter is read from here (select.c) */
    int asks_left;         /* questions to the gallery */
    size_t steps;          /* work done; all of it is counted */
    size_t steps_here;     /* at the token that is filled */
    int failed;            /* memory ran out */
} ps__parse;

static inline const ps__token *ps__token_at(const ps__parse *p, size_t i) { return &p->lexer.tokens[i]; }
static inline const char *ps__token_fold(const ps__parse *p, size_t i) { return p->lexer.folds.bytes + p->lexer.tokens[i].fold; }

/* The item itself if it is of the symbol, else the first such that filled one of its slots; NULL. */
static inline const ps__item *ps__item_part(const ps__parse *p, const ps__item *item, int symbol) {
    if (item->symbol == symbol) return item;
    for (int k = 0; k < item->kid_count; k++)
        if (p->items[item->kids[k]].symbol == symbol) return &p->items[item->kids[k]];
    return NULL;
}

/* Numbers of the words in the tables, and the languages in play. */
void ps__lexicon_apply(ps__parse *p);

/* Adds an item; -1 when memory ran out, the token has too many, or it is there already. */
int32_t ps__chart_add(ps__parse *p, const ps__item *item);
/* Longest item of a symbol at a token, of equally long ones the highest; -1: none. */
int32_t ps__chart_longest(const ps__parse *p, size_t token, int symbol);

/* Fills the chart at one token; those behind it are filled. */
void ps__match_token(ps__parse *p, size_t token);

/* Items that no pattern makes. */
void ps__slots_of_lexer(ps__parse *p, size_t token);               /* numbers, years, days, dates, clocks, quotes */
void ps__slots_of_words(ps__parse *p, size_t token);               /* days from ordinals; times from relative words */
void ps__slots_when_asked(ps__parse *p, size_t token, int symbol); /* {word}, {words}, {camera}, {lens} */
void ps__places_at(ps__parse *p, size_t token);                    /* {place} */

/* Joins the folded forms of tokens with blanks, as names of places and cameras are looked up. 0: they are no name. */
int ps__fold_tokens(ps__buf *out, const ps__parse *p, size_t from, size_t to);

#endif
