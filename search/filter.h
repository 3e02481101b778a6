/*
** Filters of a sentence (query.h) over what is known of photos (columns.h), to the photos that pass.
**
** A photo passes when of each group one filter at least holds. A filter holds
**   positive            when it is known to be true of the photo;
**   lenient, positive   when it is not known to be false;
**   negative            when the filter without its "not" is not known to be true.
** So a photo without a date is neither "from 2019" nor kept out by "not from 2019". Hours of the day are known where the time
** came from a clock (the camera's, a GPS receiver's, a file name with a time), other times where any date is known. Photos of
** which no file can be seen never pass.
*/
#ifndef PS_SEARCH_FILTER_H
#define PS_SEARCH_FILTER_H

#include "search/query.h"
#include "search/selection.h"

/* Filters [count], in the order of their groups or not. store: in the view that the table was taken in; may be NULL where no
** filter asks for folders, names, words or tags (PS__INVALID otherwise). gazetteer: may be NULL; then nothing is known of places
** but distances. No filters select every photo that is shown. Some 0.6 ms a filter for 100,000 photos;
** 5 ms for areas with outlines; words cost 2 ms for 1,000 files that have them, and a pattern that begins with a wildcard 20 ms
** for 100,000 files. Clear with ps__selection_clear, also after a failure. */
int ps__filter_select(ps__selection *out, ps__table *table, ps__store *store, const ps__gazetteer *gazetteer, const ps__filter *filters,
                      size_t count, ps__error *err);

/* 1: the source of a time is a clock. */
int ps__taken_has_clock(int taken_source);

#endif
