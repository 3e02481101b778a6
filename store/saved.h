/*
** Saved searches: a name and the sentence it stands for, kept in the library. A sentence is kept as it was written and read anew
** each time, so that "last week" goes on meaning the last week.
**
** Writes are short and need no writer lock; see store.h for errors and the thread rule.
*/
#ifndef PS_STORE_SAVED_H
#define PS_STORE_SAVED_H

#include "store/store.h"

#define PS__SAVED_NAME 100   /* bytes of a name at most */
#define PS__SAVED_QUERY 4096 /* of a sentence */
#define PS__SAVED_LANG 35    /* of a language tag (RFC 5646 asks for room for so many) */

typedef struct ps__saved {
    const char *name;  /* 1..PS__SAVED_NAME bytes of UTF-8 without control characters, no blank at its ends */
    const char *query; /* the sentence: 1..PS__SAVED_QUERY bytes of UTF-8 */
    const char *lang;  /* tag of its language; NULL: by the words */
    int64_t flags;     /* PS__QUERY_* of search/query.h, of no meaning here */
    int64_t made_s;    /* seconds since 1970, UTC; when saving, now is taken instead */
} ps__saved;

/* Keeps the search under its name; one of that name is replaced, with 1 in *replaced (may be NULL). PS__INVALID: the name, the
** sentence or the language is not what it must be, as above. */
int ps__store_save(int *replaced, ps__store *store, const ps__saved *saved, ps__error *err);

/* PS__NOTFOUND: there is no search of that name. */
int ps__store_unsave(ps__store *store, const char *name, ps__error *err);

/* All of them by name, in byte order; strings are valid during the call. */
typedef int ps__saved_fn(const ps__saved *saved, void *payload);
int ps__store_each_saved(ps__store *store, ps__saved_fn *fn, void *payload, ps__error *err);

#endif
