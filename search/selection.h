/*
** A selection: some of the photos of a table (columns.h), such as those that pass a sentence's filters.
**
** It may be read by any number of threads at once.
*/
#ifndef PS_SEARCH_SELECTION_H
#define PS_SEARCH_SELECTION_H

#include "search/columns.h"

typedef struct ps__selection {
    ps__table *table; /* held */
    uint64_t *bits;   /* [ps__selection_words] owned; bit i of word w is row 64 w + i */
    size_t count;     /* photos: bits that are set */
} ps__selection;

static inline size_t ps__selection_words(const ps__table *table) { return (table->rows + 63) / 64; }

/* Every photo of the table that is shown. The table stays the caller's as well. Clear with ps__selection_clear (a zeroed one is
** fine). */
int ps__selection_all(ps__selection *out, ps__table *table, ps__error *err);
void ps__selection_clear(ps__selection *selection);

/* 1 when the photo is in it. */
int ps__selection_has(const ps__selection *selection, int64_t photo);

/* Takes the photo out, if it is in it. */
void ps__selection_drop(ps__selection *selection, int64_t photo);

/* The photos in ascending order: [selection->count], the caller's, freed with ps__free. */
int ps__selection_photos(int64_t **out, const ps__selection *selection, ps__error *err);

typedef struct ps__dated {
    int64_t photo;
    int has_taken;   /* 0: when it was taken is unknown */
    int64_t taken_s; /* as in ps__photo */
} ps__dated;

/* Photos of the selection by the time they were taken, the newest first (the oldest with oldest_first), those of unknown time
** last, equal ones by id: `want` of them at most, that come after *after (NULL: from the first on), which need not be in it any
** more. *count of them in out, which has room for `want`. */
int ps__selection_by_date(ps__dated *out, size_t *count, const ps__selection *selection, int oldest_first, const ps__dated *after,
                          size_t want, ps__error *err);

#endif
