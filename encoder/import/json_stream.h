/*
** JSON (RFC 8259) read piece by piece: a published tokenizer.json has 34 MB, which as a tree would need ten times that. The text is taken
** for hostile: nesting is bounded, strings are checked, and what is not JSON is told once with its place.
*/
#ifndef PS_IMPORT_JSON_STREAM_H
#define PS_IMPORT_JSON_STREAM_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"

enum {
    PS__JSON_END,
    PS__JSON_OBJECT,
    PS__JSON_ARRAY,
    PS__JSON_CLOSE,
    PS__JSON_STRING,
    PS__JSON_NUMBER,
    PS__JSON_TRUE,
    PS__JSON_FALSE,
    PS__JSON_NULL,
    PS__JSON_BAD
};

typedef struct ps__json_stream { /* fields are for the functions below, but for text and number */
    const char *bytes;           /* borrowed */
    size_t size, at;
    const char *path; /* for messages; borrowed */
    ps__buf text;     /* out: of a string or a key, UTF-8; may hold zeros */
    double number;    /* out */
    int failed;       /* PS__MODEL or PS__NOMEM; err says it */
    ps__error *err;
} ps__json_stream;

void ps__json_start(ps__json_stream *s, const char *bytes, size_t size, const char *path, ps__error *err);
void ps__json_clear(ps__json_stream *s);

/* The next value's beginning, PS__JSON_*: a whole string, number or word, or that an object or array begins, or that the one it is in ends
** (PS__JSON_CLOSE). In an object the key is read by ps__json_key first. PS__JSON_BAD after a fault. */
int ps__json_next(ps__json_stream *s);
/* In an object: reads the next key to text and returns 1; 0 at the object's end or after a fault. */
int ps__json_key(ps__json_stream *s);
/* Whether the number read last is a whole one of at most nine digits, in *out. */
int ps__json_whole(int64_t *out, const ps__json_stream *stream);
/* Leaves out the value that comes next. */
void ps__json_skip(ps__json_stream *s);
/* The value that comes next as a tree, which the caller owns; NULL after a fault. At most 8 MB of text. */
json_t *ps__json_tree(ps__json_stream *s);
/* Tells a fault of meaning at this place; returns PS__MODEL. */
int ps__json_fail(ps__json_stream *s, const char *what);

#endif
