/*
** Opens a checkpoint and reads all that is in it; for the fuzz programs only.
*/
#ifndef PS_FUZZ_WEIGHTS_H
#define PS_FUZZ_WEIGHTS_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "encoder/import/checkpoint.h"

/* Whatever is refused must be so as a model, with a sentence; and what is read is finite. */
static inline void fuzz_read_weights(const char *path) {
    enum { PIECE = 1000, MOST = 64 };
    static float x[PIECE];
    ps__checkpoint *c;
    ps__error err = {0};
    int status = ps__checkpoint_open(&c, path, &err);
    if (status) {
        if (status != PS__MODEL || !err.text[0] || c) abort();
        return;
    }
    const ps__weight *w;
    for (size_t i = 0; (w = ps__checkpoint_at(c, i)) != NULL; i++) {
        if (ps__checkpoint_find(c, w->name) != w) abort();
        if (i >= MOST) continue;
        for (int64_t first = 0; first < w->count && first < 5 * PIECE; first += PIECE) {
            int64_t n = w->count - first < PIECE ? w->count - first : PIECE;
            status = ps__checkpoint_read(x, c, w, first, n, &err);
            if (status && status != PS__MODEL) abort();
            for (int64_t k = 0; k < n && !status; k++)
                if (!isfinite(x[k])) abort();
        }
    }
    ps__checkpoint_free(c);
}

#endif
