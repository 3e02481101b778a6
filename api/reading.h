/*
** Reading text in a library's photos: what ps_read_text and the spare time of ps_watch share.
*/
#ifndef PS_API_READING_H
#define PS_API_READING_H

#include "api/handles.h"
#include "indexer/reading.h"

/* Reads the photos that were not read yet (all: every one), those first that look most like writing, at most `limit` (0: no limit).
** options: photos and count are filled in here. Errors as of ps__reading_run; result->left counts also those beyond the limit. */
int ps__read_text(ps__reading_result *result, ps_library *library, ps__reading_options *options, int all, size_t limit,
                  ps__error *err);

#endif
