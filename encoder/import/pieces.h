/*
** A vocabulary while it is imported: pieces of text with ids, their scores, and which pairs merge into which piece. Readers of published
** files fill it, whatever their format; tokenizer_import.c writes it into a draft.
*/
#ifndef PS_IMPORT_PIECES_H
#define PS_IMPORT_PIECES_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"

#define PS__PIECES_MOST (1 << 21) /* ids: published vocabularies have up to 262,144 */

enum { PS__MODEL_NONE, PS__MODEL_BPE, PS__MODEL_UNIGRAM, PS__MODEL_WORDPIECE };

typedef struct ps__piece_entry {
    uint32_t place, length; /* in text; length 0: no piece has this id */
    float score;
} ps__piece_entry;

typedef struct ps__pair {
    int32_t left, right, result;
} ps__pair;

typedef struct ps__pieces {
    int model;                /* PS__MODEL_* */
    ps__buf text;             /* all pieces */
    ps__piece_entry *entries; /* [count] owned, by id */
    size_t count, room;
    uint32_t *slots; /* owned: hash table of id + 1; 0 is empty */
    size_t slot_mask;
    ps__pair *pairs; /* [pair_count] owned: BPE's merges, the first learned first */
    size_t pair_count, pair_room;
    int byte_fallback;                 /* 1: characters that are no piece are spelled with <0xNN> */
    int has_dummy_space;               /* 1: a space is put before the text (unigram) */
    int keeps_joiners;                 /* 1: texts keep zero-width joiners (unigram) */
    int lowercase;                     /* 1: the files themselves ask for it */
    int is_clip;                       /* 1: byte letters, </w> and CLIP's rule for words */
    int32_t first, last, pad, unknown; /* marks; -1: none, or not said */
} ps__pieces;

void ps__pieces_init(ps__pieces *p);
void ps__pieces_clear(ps__pieces *p);

/* Gives the id to the piece. PS__NOMEM; PS__MODEL for a piece or id that is there already, an id beyond PS__PIECES_MOST or an empty piece; path
** is for the message. */
int ps__pieces_add(ps__pieces *p, const char *text, size_t length, int64_t id, float score, const char *path, ps__error *err);
/* Its id, or -1. */
int32_t ps__pieces_find(const ps__pieces *p, const char *text, size_t length);
/* The piece of an id; *length 0: there is none. */
const char *ps__pieces_text(size_t *length, const ps__pieces *p, int32_t id);
/* Adds the merge of the pieces left and right into the piece that is spelled like both. PS__MODEL when one of the three is no piece. */
int ps__pieces_merge(ps__pieces *p, const char *left, size_t left_length, const char *right, size_t right_length,
                     const char *path, ps__error *err);

#endif
