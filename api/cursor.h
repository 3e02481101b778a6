/*
** Where one page of an answer ended, as text that a program hands back for the next one. It names what the last photo shown was sorted by, so
** that photos which come or go meanwhile move nothing.
*/
#ifndef PS_API_CURSOR_H
#define PS_API_CURSOR_H

#include <stdint.h>

#include "base/status.h"

typedef struct ps__cursor {
    uint64_t search;   /* fingerprint of the sentence and of what else decides the answer */
    int64_t now_s;     /* the moment that the first page was seen from: "yesterday" stays what it was */
    int order;         /* PS__ORDER_* of the answer */
    int64_t photo;     /* the last photo shown */
    double score;      /* its score, when the order is that of relevance */
    int has_taken;     /* when it is that of time: 1 when taken_s is known */
    int64_t taken_s;
} ps__cursor;

#define PS__CURSOR_TEXT 128 /* bytes with the 0 byte */

void ps__cursor_print(char text[PS__CURSOR_TEXT], const ps__cursor *cursor);
/* PS__INVALID: not what ps__cursor_print gives, or of another search than `search`. */
int ps__cursor_read(ps__cursor *out, const char *text, uint64_t search, ps__error *err);

#endif
