/*
** Pickles, read without Python: a small stack machine that rebuilds numbers, strings and containers. Classes and functions stay
** names, and what a pickle wants to call stays a record of the call: nothing is run, whatever the pickle says. One that names
** what can only do harm (posix.system, builtins.eval...) is refused for it.
**
** Protocols 2 to 5, as torch and transformers write them. Time and memory are bounded, and what comes out has no cycles and is no
** more than PS__PICKLE_DEPTH deep; but values may be shared, so a walk must still bound its steps.
*/
#ifndef PS_IMPORT_PICKLE_H
#define PS_IMPORT_PICKLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define PS__PICKLE_DEPTH 256

enum {
    PS__PICKLED_NONE,
    PS__PICKLED_BOOL,      /* number */
    PS__PICKLED_INT,       /* number */
    PS__PICKLED_BIG,       /* an integer of more than 64 bits; nothing of it is kept */
    PS__PICKLED_REAL,      /* real */
    PS__PICKLED_TEXT,      /* text: valid UTF-8 */
    PS__PICKLED_BYTES,     /* text: any bytes */
    PS__PICKLED_LIST,      /* entries; lists, sets */
    PS__PICKLED_TUPLE,     /* entries */
    PS__PICKLED_DICT,      /* entries with keys */
    PS__PICKLED_GLOBAL,    /* text: "module.name" of a class or a function */
    PS__PICKLED_OBJECT,    /* what call.of made or would have made of call.args; entries: what was put into it */
    PS__PICKLED_PERSISTENT /* call.args: something outside of the pickle, by its id */
};

typedef struct ps__pickled ps__pickled;

typedef struct ps__pickled_entry {
    ps__pickled *key; /* NULL in lists and tuples */
    ps__pickled *value;
} ps__pickled_entry;

struct ps__pickled {
    uint8_t kind;         /* PS__PICKLED_* */
    uint8_t state;        /* of the search for cycles */
    uint16_t height;      /* of the values in it: 0 holds none */
    uint32_t count, room; /* entries used and allocated */
    ps__pickled_entry *entries;
    union {
        int64_t number;
        double real;
        struct {
            const char *bytes; /* in the pickle, or the pickle's own */
            size_t length;
        } text;
        struct {
            ps__pickled *of;    /* a global or an object */
            ps__pickled *args;  /* a tuple as a rule, but may be anything */
            ps__pickled *state; /* given to it later (__setstate__), or NULL */
        } call;
    } as;
};

typedef struct ps__pickle ps__pickle; /* owns all values */

/* Reads one pickle. name: for messages, "PATH: ENTRY". bytes must outlive the pickle. *root belongs to the pickle. PS__MODEL with
** a sentence that names the fault. Free with ps__pickle_free (NULL is fine). */
int ps__pickle_read(ps__pickle **out, ps__pickled **root, const char *name, const uint8_t *bytes, size_t size, ps__error *err);
void ps__pickle_free(ps__pickle *pickle);

/* 1 if value is text or a global of just these bytes. */
int ps__pickled_is(const ps__pickled *value, int kind, const char *text);

/* The value behind a key that is this text, in a dict, or in an object's entries or state; NULL: none. */
ps__pickled *ps__pickled_get(const ps__pickled *value, const char *key);

#endif
