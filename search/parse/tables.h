/*
** The form that the word tables (search/languages) have in the program: constant arrays, which tools/words makes when the project
** is built. Nothing is computed at start, nothing is written, any thread may read.
**
** A pattern is a rule's alternative written out: a row of elements, each a word or a symbol. Symbols are what a `{slot}` may
** stand for and what a rule makes; docs/queries.md describes the tables as a translator sees them.
*/
#ifndef PS_SEARCH_PARSE_TABLES_H
#define PS_SEARCH_PARSE_TABLES_H

#include <stdint.h>

enum { /* what patterns are made of, and make */
       PS__SYM_NONE = 0,
       PS__SYM_N, /* number: digits or a number word */
       PS__SYM_YEAR,
       PS__SYM_DAY, /* of the month */
       PS__SYM_CLOCK,
       PS__SYM_ISODATE,
       PS__SYM_LOCALDATE,
       PS__SYM_WORD,  /* any one word */
       PS__SYM_WORDS, /* words up to an edge */
       PS__SYM_CAMERA,
       PS__SYM_LENS,
       PS__SYM_PLACE,
       PS__SYM_QUOTED,
       PS__SYM_ORDINAL,
       PS__SYM_MONTH,
       PS__SYM_WEEKDAY,
       PS__SYM_WEEKEND,
       PS__SYM_SEASON,
       PS__SYM_DAYPART,
       PS__SYM_HOLIDAY,
       PS__SYM_UNIT,
       PS__SYM_RELDAY, /* yesterday: -1; likewise the nights, weeks, months and years */
       PS__SYM_RELNIGHT,
       PS__SYM_RELWEEK,
       PS__SYM_RELMONTH,
       PS__SYM_RELYEAR,
       PS__SYM_LENGTH,
       PS__SYM_DECADE, /* nineties: 90 */
       PS__SYM_PHOTO,
       PS__SYM_NOISE,
       PS__SYM_SMALL,
       PS__SYM_LINK,    /* the small words that go with a filter before them: "of" */
       PS__SYM_ARTICLE, /* the small words that belong to what follows them */
       PS__SYM_MELTED,  /* prepositions that hold an article: im, du, al, no */
       PS__SYM_CONTENT, /* phrases that only look like something else */
       PS__SYM_DEMONYM,
       PS__SYM_PLACELIKE,
       PS__SYM_AMBIGUOUS_PLACE,
       PS__SYM_AMBIGUOUS_CAMERA,
       PS__SYM_NOT,
       PS__SYM_OR,
       PS__SYM_AND,
       PS__SYM_BUT,
       PS__SYM_TIME,
       PS__SYM_WHEN,
       PS__SYM_WHERE,
       PS__SYM_KIND,
       PS__SYM_SHAPE,
       PS__SYM_FLASH,
       PS__SYM_TYPE,
       PS__SYM_OF_CAMERA, /* the rules "camera" and "lens", with their prepositions */
       PS__SYM_OF_LENS,
       PS__SYM_FOLDER,
       PS__SYM_NAME,
       PS__SYM_RATING,
       PS__SYM_FAVOURITE,
       PS__SYM_LARGER,
       PS__SYM_SMALLER,
       PS__SYM_TAG,
       PS__SYM_TEXT,
       PS__SYM_SORT,
       PS__SYM_COUNT
};

/* Patterns are matched in stages, each of which sees what the ones before found. */
enum { PS__STAGE_NONE = 0, PS__STAGE_WORDS = 1, PS__STAGE_TIME = 2, PS__STAGE_PHRASE = 3 };

enum { PS__VALUE_NONE = 0, PS__VALUE_NUMBER = 1, PS__VALUE_NAME = 2, PS__VALUE_COUNTRY = 3, PS__VALUE_TEXT = 4 };

typedef struct ps__symbol {
    const char *slot;         /* as `{slot}`; NULL: never in a pattern */
    const char *rule;         /* as the name of a rule; NULL: made by the program only */
    int stage;                /* PS__STAGE_* of its rules */
    int value;                /* PS__VALUE_* that its rules take */
    int low, high;            /* of a number */
    const char *const *names; /* of a name, in order of their values from 0; NULL-terminated */
} ps__symbol;

extern const ps__symbol ps__symbols[PS__SYM_COUNT];

/* Values of rules whose value is a name, in the order of symbols.c. */
enum { PS__SPRING, PS__SUMMER, PS__AUTUMN, PS__WINTER };
enum { PS__MORNING, PS__NOON, PS__AFTERNOON, PS__EVENING, PS__NIGHT, PS__MIDNIGHT };
enum { PS__MINUTE, PS__HOUR, PS__DAY, PS__WEEK_UNIT, PS__WEEKEND, PS__MONTH, PS__YEAR, PS__DECADE };
enum { PS__METRE, PS__KILOMETRE, PS__MILE };
enum {
    PS__TIME_IS,
    PS__TIME_THIS,
    PS__TIME_LAST,
    PS__TIME_NEXT,
    PS__TIME_LAST_N,
    PS__TIME_AGO,
    PS__TIME_BEFORE,
    PS__TIME_AFTER,
    PS__TIME_SINCE,
    PS__TIME_UNTIL,
    PS__TIME_BETWEEN,
    PS__TIME_AROUND,
    PS__TIME_BEGIN,
    PS__TIME_MIDDLE,
    PS__TIME_END,
    PS__TIME_DECADE,
    PS__TIME_OLDER,
    PS__TIME_EVERY,
    PS__TIME_RECENT,
    PS__TIME_AGO_TODAY, /* "a year ago today": that very day */
    PS__TIME_OLDER_THAN /* "older than two years" */
};
enum { PS__WHEN_IN, PS__WHEN_OF };
enum { PS__WHERE_IN, PS__WHERE_NEAR, PS__WHERE_WITHIN, PS__WHERE_OF };
enum { PS__SIZE_MP, PS__SIZE_MB, PS__SIZE_KB };

/* Elements of a pattern. */
#define PS__ELEMENT_SYMBOL 0x80000000u /* the low bits are a PS__SYM_* */
#define PS__ELEMENT_WEAK 0x40000000u   /* a word that alone means nothing */
#define PS__ELEMENT_NUMBER 0x00FFFFFFu

typedef struct ps__pattern {
    uint32_t elements; /* its first in `elements` */
    uint8_t count;     /* >= 1 */
    uint8_t lang;      /* in `languages` */
    uint8_t symbol;    /* PS__SYM_* that it makes */
    uint8_t stage;
    int32_t value; /* a number, the number of a name, a country's two letters (first * 256 + second), or a place in `texts` */
} ps__pattern;

typedef struct ps__tables {
    uint32_t word_count;
    const char *words;           /* folded, each with a 0 at its end */
    const uint32_t *word_at;     /* [word_count] in `words`, in order of the bytes */
    const uint16_t *word_langs;  /* [word_count] bit l: the word occurs in languages[l] */
    const uint16_t *name_langs;  /* [word_count] bit l: it does so in a name, of a place or a holiday */
    const uint32_t *of_word;     /* [word_count + 1] patterns that begin with the word, ordered by stage */
    const uint32_t *of_symbol;   /* [PS__SYM_COUNT + 1] patterns that begin with the symbol, ordered by stage */
    const ps__pattern *patterns; /* those of words, then those of symbols */
    const uint32_t *elements;
    const char *texts;            /* each with a 0 at its end */
    const char *const *languages; /* "en", "de"; NULL at the end; at most 16 */
} ps__tables;

extern const ps__tables ps__word_tables;

#endif
