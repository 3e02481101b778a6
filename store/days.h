/*
** Photos by the time they were taken at. See store.h for errors and the thread rule.
*/
#ifndef PS_STORE_DAYS_H
#define PS_STORE_DAYS_H

#include "store/store.h"

typedef int ps__day_fn(int64_t photo, int64_t taken_s, void *payload);

/* Photos taken at from_s <= time < to_s (local camera time, as ps__photo.taken_s), the first first. Photos of which only the
** file's time is known are left out: it may be that of a copy. Uses an index: cost goes with the number of photos told. */
int ps__store_each_taken(ps__store *store, int64_t from_s, int64_t to_s, ps__day_fn *fn, void *payload, ps__error *err);

/* The earliest such time of all photos. PS__NOTFOUND without a sentence: there is none. */
int ps__store_first_taken(int64_t *taken_s, ps__store *store, ps__error *err);

#endif
