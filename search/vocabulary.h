/*
** Vocabularies: the labels that photos may be tagged with, each with the sentences that stand for it before the encoder. A text
** file, a label a line:
**
**     # a comment
**     label
**     label | sentence | sentence ...
**     - label | sentence ...
**
** A label without a sentence stands for itself. One behind a dash only competes: no photo is tagged with it, but a photo that is
** nearer to it than to others is not tagged with those either.
*/
#ifndef PS_SEARCH_VOCABULARY_H
#define PS_SEARCH_VOCABULARY_H

#include <stddef.h>

#include "base/status.h"

#define PS__VOCABULARY_BYTES ((size_t)1 << 20) /* of a file at most */
#define PS__VOCABULARY_MOST ((size_t)10000)    /* labels */
#define PS__LABEL_BYTES 60                     /* of a label */

typedef struct ps__label {
    const char *name;       /* 1..PS__LABEL_BYTES bytes of UTF-8, without control characters */
    const char **sentences; /* [sentence_count >= 1] UTF-8, without control characters */
    size_t sentence_count;
    int competes; /* 1: only competes */
} ps__label;

typedef struct ps__vocabulary {
    ps__label *labels; /* [count] owned, in the order of the file; their names are all different */
    size_t count;
    char *text;             /* what the strings point into; owned */
    const char **sentences; /* of all labels; owned */
} ps__vocabulary;

/* `text` has `length` bytes, any bytes; path is for messages ("path, line 7: ..."). PS__INVALID: a line makes no sense, or
** there is no label. Free with ps__vocabulary_clear. Any thread. */
int ps__vocabulary_parse(ps__vocabulary *out, const char *text, size_t length, const char *path, ps__error *err);
void ps__vocabulary_clear(ps__vocabulary *vocabulary); /* a zeroed one is fine */

/* search/vocabulary.txt, as the library was built with it; ends in a 0 byte. */
extern const char ps__vocabulary_text[];

#endif
