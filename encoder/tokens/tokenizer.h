/*
** Tokenizers: UTF-8 to token ids. One file a kind; a package names its kind in text.config and nobody else asks which it is.
** A tokenizer is immutable once made: any thread.
*/
#ifndef PS_TOKENIZER_H
#define PS_TOKENIZER_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "encoder/package/package.h"

typedef struct ps__tokenizer ps__tokenizer;

typedef struct ps__tokenizer_kind {
    const char *name; /* "tokenizer" of text.config */
    /* Checks the package's vocabulary and makes a tokenizer that borrows it. PS__MODEL with a sentence, PS__NOMEM. */
    int (*open)(ps__tokenizer **out, const ps__package *package, int lowercase, ps__error *err);
    int (*encode)(int32_t *ids, int *count, const ps__tokenizer *tokenizer, const char *text, size_t length, int max_ids,
                  ps__error *err);
    void (*free)(ps__tokenizer *tokenizer);
} ps__tokenizer_kind;

struct ps__tokenizer { /* what each kind's own struct begins with */
    const ps__tokenizer_kind *kind;
    size_t size; /* tokens in the vocabulary: every id is below it */
    int marks;   /* ids that a blank text gives, 1 or 2 */
};

extern const ps__tokenizer_kind ps__tokenizer_wordpiece, ps__tokenizer_unigram, ps__tokenizer_bpe;

/* The kind of that name, or NULL. */
const ps__tokenizer_kind *ps__tokenizer_find(const char *name);

/* Fills ids with the mark that comes first where there is one, the text's tokens and the last mark, and *count with their number, at most max_ids (>= 2): tokens beyond are
** dropped, the last mark is not. Blank text gives the marks alone. Text is any bytes; time grows with its length, memory does not, and
** reading stops once max_ids are full. PS__NOMEM only. */
int ps__tokenizer_encode(int32_t *ids, int *count, const ps__tokenizer *tokenizer, const char *text, size_t length, int max_ids,
                         ps__error *err);

void ps__tokenizer_free(ps__tokenizer *tokenizer); /* NULL is fine */

#endif
