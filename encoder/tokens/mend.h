/*
** What open_clip does to a text before it is cleaned (it asks ftfy and Python's html for it), as far as captions need it: HTML entities are
** spelled out, curly quotes made straight, ligatures and forms of full or half width made plain, invisible controls dropped, accents
** composed. And the few letters whose lower case is not another letter, for references that do no more than that.
*/
#ifndef PS_MEND_H
#define PS_MEND_H

#include <stddef.h>

#include "base/buf.h"
#include "base/status.h"

#define PS__MEND_BYTES 32768 /* of a text that needs mending; what lies beyond is not read */

enum {
    PS__MEND_LOWER = 1, /* the dotted capital I becomes i with a dot above it, as lower case does */
    PS__MEND_SIGMA = 2, /* capital sigma at the end of a word becomes the final small one */
    PS__MEND_ALL = 4    /* all that ftfy and html do */
};

/* *needed 1: the mended text is appended to out; 0: the text is good as it is, and out is untouched. how: PS__MEND_*, 0 nothing. text: UTF-8
** of `length` bytes, any bytes allowed. PS__NOMEM. Any thread. */
int ps__mend(ps__buf *out, int *needed, const char *text, size_t length, int how, ps__error *err);

#endif
