/*
** BERT's tokenizer: clean, lower-case, strip accents, split at spaces, punctuation and Chinese characters, then the longest known
** pieces (Wu et al. 2016; Devlin et al. 2018). Same ids as Hugging Face's BertTokenizerFast, except that "[SEP]" and the like
** in the text are plain characters. Immutable once made: any thread.
*/
#ifndef PS_WORDPIECE_H
#define PS_WORDPIECE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct ps__wordpiece ps__wordpiece;

/* vocab: the tokens in id order, a newline after each; borrowed, must outlive the tokenizer. PS__MODEL when [PAD], [UNK], [CLS] or
** [SEP] is missing; `name` is for the message. Free with ps__wordpiece_free. */
int ps__wordpiece_new(ps__wordpiece **out, const char *vocab, size_t bytes, int lowercase, const char *name, ps__error *err);
void ps__wordpiece_free(ps__wordpiece *tokenizer);

size_t ps__wordpiece_size(const ps__wordpiece *tokenizer); /* tokens in the vocabulary */

/* Fills ids with [CLS] pieces [SEP] and *count with their number, at most max_ids (>= 2): pieces beyond are dropped. Blank text
** gives a count of 2. Text is any bytes; reading stops once max_ids are full. PS__NOMEM only. */
int ps__wordpiece_encode(int32_t *ids, int *count, const ps__wordpiece *tokenizer, const char *text, size_t length, int max_ids,
                         ps__error *err);

#endif
