/*
** Finding photos by words: of their texts, tags, and files' names. What is asked for is any text; it is folded as what is kept
** was (words.h), and never read as syntax of the full-text search.
**
** Of a text of more than PS__FIND_BYTES no photo is found, of a sentence the words up to there count.
** Photos may be told several times, and ones whose files are all away too, unless paths are told. A text without a letter or
** digit finds nothing.
*/
#ifndef PS_STORE_FIND_H
#define PS_STORE_FIND_H

#include "store/store.h"

#define PS__FIND_BYTES 4096

enum { /* where words are looked for */
    PS__FIND_TEXTS = 1, /* title, caption, keywords, and text seen in the photo */
    PS__FIND_TAGS = 2   /* keywords, and tags from a vocabulary */
};

typedef int ps__find_fn(int64_t photo, void *payload);
/* Photos in whose texts these words stand one after the other. where: one of PS__FIND_*. */
int ps__store_find_words(ps__store *store, int where, const char *words, ps__find_fn *fn, void *payload, ps__error *err);

/* Photos in whose texts all of the words stand, in whatever order, the fittest (BM25) first. Words of one or
** two letters and the commonest ones of a sentence do not count; characters of Han that follow one another must do so in the
** text. */
int ps__store_find_sentence(ps__store *store, const char *sentence, ps__find_fn *fn, void *payload, ps__error *err);

/* path: raw bytes, valid during the call. */
typedef int ps__find_path_fn(int64_t photo, const char *path, void *payload);
/* Files, not known to be away, in whose path (folders and name) these words stand one after the other; each with its photo. */
int ps__store_find_paths(ps__store *store, const char *words, ps__find_path_fn *fn, void *payload, ps__error *err);
/* Files whose name fits the pattern, or may: fn is to look itself. Words that must be in such a name narrow the search; where the
** pattern has none, every file is told. */
int ps__store_find_names(ps__store *store, const char *pattern, ps__find_path_fn *fn, void *payload, ps__error *err);

#endif
