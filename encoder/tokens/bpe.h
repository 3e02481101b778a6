/*
** Byte-pair encoding (Sennrich et al. 2016) as published models use it: symbols of a text are merged pair by pair, the pair that was
** learned first before all others, until no pair is left that was learned. Two styles differ in what the symbols are:
**
**   clip     words by CLIP's rule (bpe_clip.c), of which each byte is a symbol and the last one says that the word ends
**   gemma    the whole text, of which each character is a symbol, or its bytes where the vocabulary lacks it; a space is U+2581
**
** Nothing is built on opening: pairs and characters are sorted in the package and found by halving.
*/
#ifndef PS_BPE_H
#define PS_BPE_H

#include "encoder/tokens/clean.h"
#include "encoder/tokens/tokenizer.h"

#define PS__BPE_SYMBOLS 4096 /* that are merged at once; a longer word comes in several parts */

enum { PS__BPE_CLIP, PS__BPE_GEMMA };

typedef struct ps__bpe_merge { /* a row of the tensor text.merges */
    int32_t left, right;       /* the pair */
    int32_t rank;              /* the lower, the earlier */
    int32_t result;            /* what it becomes */
} ps__bpe_merge;

typedef struct ps__bpe { /* all arrays borrowed from the package, checked */
    ps__tokenizer base;
    int style, clean; /* PS__BPE_*, PS__CLEAN_* */
    const ps__bpe_merge *merges; /* [merge_count] by left, then right, strictly rising */
    size_t merge_count;
    const int32_t *bytes;      /* [256]: symbols of bytes; -1: none */
    const int32_t *last_bytes; /* [256] of those that end a word; clip only */
    const int32_t *characters; /* [character_count][2]: code point, symbol; rising; gemma only */
    size_t character_count;
    int32_t first, last, unknown; /* marks, and what no symbol covers; -1: none */
} ps__bpe;

typedef struct ps__bpe_walk { /* one call of encode */
    const ps__bpe *t;
    int32_t *ids;                     /* out */
    int count, max;                   /* ids written; room less the last mark */
    int32_t symbols[PS__BPE_SYMBOLS]; /* of what is being merged */
    int32_t ranks[PS__BPE_SYMBOLS],
        results[PS__BPE_SYMBOLS]; /* of the pair that begins there; rank INT32_MAX: it was not learned */
    int symbol_count;
    ps__cleaner text; /* what is being read */
} ps__bpe_walk;

/* Merges the walk's symbols and writes their ids while there is room. */
void ps__bpe_merge_all(ps__bpe_walk *walk);

/* Cut the text and merge its parts; bpe_clip.c, bpe_gemma.c. */
void ps__bpe_clip(ps__bpe_walk *walk, const char *text, size_t length);
void ps__bpe_gemma(ps__bpe_walk *walk, const char *text, size_t length);

#endif
