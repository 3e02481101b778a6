/*
** BERT's tokenizer: clean, lower-case, strip accents, split at spaces, punctuation and Chinese characters, then the longest known
** pieces (Wu et al. 2016; Devlin et al. 2018). Same ids as Hugging Face's BertTokenizerFast, except that "[SEP]" and the like
** in the text are plain characters. Immutable once made: any thread.
*/
#ifndef PS_WORDPIECE_H
#define PS_WORDPIECE_H

#include "encoder/tokens/tokenizer.h"

/* vocab: the tokens in id order, a newline after each; borrowed, must outlive the tokenizer. PS__MODEL when [PAD], [UNK], [CLS] or
** [SEP] is missing; `name` is for the message. Free with ps__tokenizer_free. */
int ps__wordpiece_new(ps__tokenizer **out, const char *vocab, size_t bytes, int lowercase, const char *name, ps__error *err);

#endif
