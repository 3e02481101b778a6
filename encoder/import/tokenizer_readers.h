/*
** Readers of the files that tokenizers are published in; each fills a vocabulary (pieces.h). PS__MODEL with a sentence that names the file
** and what is missing or not known there.
*/
#ifndef PS_IMPORT_TOKENIZER_READERS_H
#define PS_IMPORT_TOKENIZER_READERS_H

#include "encoder/import/pieces.h"

/* tokenizer.json of transformers; tokenizer_json.c. */
int ps__read_tokenizer_json(ps__pieces *out, const char *path, ps__error *err);
/* spiece.model or tokenizer.model: SentencePiece's protocol buffer; tokenizer_spm.c. */
int ps__read_sentencepiece(ps__pieces *out, const char *path, ps__error *err);
/* CLIP's vocab.json and merges.txt; tokenizer_clip.c. */
int ps__read_vocab_merges(ps__pieces *out, const char *vocab, const char *merges, ps__error *err);
/* bpe_simple_vocab_16e6.txt, packed with gzip or not: CLIP's merges, from which its vocabulary follows. vocab: ids that the model has, which
** say how many of the merges count. */
int ps__read_clip_merges(ps__pieces *out, const char *path, int64_t vocab, ps__error *err);
/* BERT's vocab.txt: a piece a line; tokenizer_clip.c. */
int ps__read_vocab_lines(ps__pieces *out, const char *path, ps__error *err);

/* What stands in CLIP's and GPT-2's vocabularies for a byte: a letter, 1 or 2 bytes of UTF-8; returns how many. Printable bytes stand for
** themselves, the others for U+0100 and up, in order. */
int ps__byte_letter(char out[2], int byte);

#endif
