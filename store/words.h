/*
** Words that photos can be found by: how text is laid down in the tables `words`, and how a query's text must look to match it.
*/
#ifndef PS_STORE_WORDS_H
#define PS_STORE_WORDS_H

#include <stddef.h>

#include "base/buf.h"
#include "store/store.h"

/* Appends text (any bytes) as it is looked up: NFKC, case folded, control characters as blanks, and each Han or kana character
** set off by blanks, so that a single one matches and several match as a phrase. Diacritics stay: the table's tokenizer takes
** them away. out->failed says when memory ran out. Pure: any thread. */
void ps__words_fold(ps__buf *out, const char *text, size_t length);

/* What a photo's file says in words; "" where it says nothing. Valid UTF-8 without control characters. */
typedef struct ps__photo_texts {
    char title[201];
    char caption[2001];
    char keywords[1001]; /* with ", " between them */
} ps__photo_texts;

/* Empty texts when there are none, or no such photo. */
int ps__store_texts(ps__photo_texts *out, ps__store *store, int64_t photo, ps__error *err);

/* Sets them, in `texts` as they are and in `words` folded, and leaves alone what else is known in words (seen, tags). Inside a
** write. */
int ps__store_put_texts(ps__store *store, int64_t photo, const ps__photo_texts *texts, ps__error *err);

#endif
