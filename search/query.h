/*
** A sentence to what is searched for: conditions that photos must meet, and content for the encoder. For now every word is
** content.
*/
#ifndef PS_SEARCH_QUERY_H
#define PS_SEARCH_QUERY_H

#include <stddef.h>

#include "base/status.h"

typedef struct ps__query {
    char *text;      /* content: valid UTF-8, single spaces, none at the ends; owned, never NULL after parsing */
    char *from, *to; /* local times "2021-07-04T00:00:00" that photos were taken between; NULL: no condition; owned */
    char **places;   /* [place_count] names; owned */
    size_t place_count;
    char **nots; /* [not_count] contents that must not be; owned */
    size_t not_count;
} ps__query;

enum { PS__QUERY_LITERAL = 1 /* every word is content */ };

/* `sentence` has `length` bytes, any bytes. PS__INVALID: nothing is left of it. Free with ps__query_clear. */
int ps__query_parse(ps__query *out, const char *sentence, size_t length, unsigned flags, ps__error *err);
void ps__query_clear(ps__query *query);

#endif
