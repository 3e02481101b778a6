/*
** Text as SentencePiece's rule "nmt_nfkc" normalises it, word by word: NFKC, white space and invisible characters between words,
** control characters dropped. One word is held at a time, so text of any length takes linear time and no memory.
*/
#ifndef PS_WORDS_H
#define PS_WORDS_H

#include <stddef.h>
#include <stdint.h>

#include "encoder/tokens/clean.h"

#define PS__WORD_CHARS 1024 /* a longer word comes in several parts */
#define PS__WORD_MARKS 30   /* combining marks on one letter; more are dropped (the limit of UAX #15, "stream-safe") */
#define PS__WORD_POINTS (PS__WORD_CHARS + PS__WORD_MARKS + 2)
#define PS__WORD_BYTES (PS__WORD_POINTS * 4 + 4)

typedef struct ps__words {
    const char *text;                /* all of it: any bytes, invalid UTF-8 reads as white space */
    size_t length, at;               /* bytes in it; bytes read */
    int lowercase;                   /* by simple case mapping, after NFKC */
    int clean;                       /* PS__CLEAN_*, before all else */
    int keeps_joiners;               /* 1: zero-width joiner and word joiner are characters of a word */
    int32_t parts[32];               /* the last character read, decomposed; of which */
    int part, part_count;            /* these are still to be taken */
    int32_t points[PS__WORD_POINTS]; /* the word, as code points */
    int point_count;
    ps__cleaner cleaner; /* of the text, where it is cleaned */
    int cleaned;         /* of the cleaner's points, those that were taken */

    char word[PS__WORD_BYTES]; /* out: the word in UTF-8, U+2581 before it */
    size_t word_length;        /* out: bytes */
    int continued;             /* out: this is more of the word before, without U+2581 */
} ps__words;

/* Reads text (borrowed) from its start. clean: PS__CLEAN_*. */
void ps__words_start(ps__words *words, const char *text, size_t length, int lowercase, int clean, int keeps_joiners);

/* The next word, never empty; 0 when there is none. */
int ps__words_next(ps__words *words);

#endif
