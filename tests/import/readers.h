/*
** What the tests of tokenizers' readers share: a file of given bytes, read; refused with a sentence; cut at every byte; read
** while memory runs out. A file is "mapped" by a copy of just its size, so that ASan sees a byte read behind it.
*/
#ifndef PS_TESTS_READERS_H
#define PS_TESTS_READERS_H

#include "encoder/import/pieces.h"

typedef int readers_fn(ps__pieces *out, const char *path, ps__error *err);

void readers_set_up(void); /* of each test: crafted_path, and the copies */
void readers_tear_down(void);

/* Fills out, which the caller clears. */
void readers_read(ps__pieces *out, readers_fn *read, const void *bytes, size_t size);
/* Refused (PS__MODEL) with a sentence that begins with the path and has `complaint`. */
void readers_refuse(readers_fn *read, const void *bytes, size_t size, const char *complaint);
/* The first n bytes for each n below size: refused with a sentence, but where is_whole says that it is a file too (NULL:
** nowhere). */
void readers_cut(readers_fn *read, const void *bytes, size_t size, int (*is_whole)(size_t n));
/* Each allocation fails once, until none does. */
void readers_lack_memory(readers_fn *read, const void *bytes, size_t size);

/* Appends a table of normalisation as SentencePiece compiles them, in which U+200D has an entry or has not. */
void readers_charsmap(ps__buf *out, int has_joiner);

/* The piece of this text has this id. */
void readers_expect(const ps__pieces *p, const char *text, int32_t id);

#endif
