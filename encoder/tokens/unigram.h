/*
** SentencePiece's unigram tokenizer (Kudo 2018) as multilingual models such as XLM-R use it: of all ways to cut a word into known
** pieces, the one whose log probabilities have the greatest sum. Same ids as Hugging Face's Unigram over the same pieces, except
** that "<s>" and the like in the text are plain characters.
**
** The pieces are sorted, so that those which begin like the text are found in the vocabulary itself by narrowing a range: opening
** one builds no table beyond 257 numbers.
*/
#ifndef PS_UNIGRAM_H
#define PS_UNIGRAM_H

#include "encoder/tokens/tokenizer.h"

#define PS__PIECE_BYTES 128 /* a longer piece is refused: it bounds the work a byte of text can cost */

typedef struct ps__unigram_vocab { /* borrowed from the package; docs/model-package.md */
    const char *text;              /* pieces in id order, a newline after each */
    size_t bytes;                  /* of text */
    const int32_t *start;          /* [pieces + 1]: where each begins; the last is `bytes` */
    const float *score;            /* [pieces]: log probabilities */
    size_t pieces;
    const int32_t *id; /* [pieces]: ids, where the pieces were sorted apart from the rows of the word table; the marks are not among them.
                       ** NULL: a piece's place is its id, and the first four are the marks */
    int32_t last, unknown; /* with id: the mark at the end (there is none at the start), and what no piece covers */
    int clean;             /* with id: PS__CLEAN_* of clean.h */
    int keeps_joiners;     /* with id: as in words.h */
} ps__unigram_vocab;

/* Checks vocab as what it is, bytes from anywhere: PS__MODEL with a sentence that begins with `name` when offsets, order, spelling or
** scores are not as the format says. Its arrays must outlive the tokenizer. Free with ps__tokenizer_free. */
int ps__unigram_new(ps__tokenizer **out, const ps__unigram_vocab *vocab, int lowercase, const char *name, ps__error *err);

#endif
