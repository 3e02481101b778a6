/*
** The date in a file's name, as cameras, phones and messengers write it: for photos that have no EXIF, or lost it on their way.
*/
#ifndef PS_INDEXER_NAME_DATE_H
#define PS_INDEXER_NAME_DATE_H

#include <stdint.h>

enum { PS__DATE_DAY = 1, PS__DATE_CLOCK = 2 };

/* 1 when the last part of the path holds a date from 1990 to the end of next year: *taken_s is the local time, seconds since
** 1970-01-01T00:00:00 of the same clock (00:00:00 of the day when only that is known), *precision PS__DATE_*. Else 0, and both
** are 0. A clock time wins over a mere day, the first one over the others.
**
** Names that begin with PXL_ (Google's Pixel) and those that count the seconds since 1970 are in UTC: they are told in the
** system's zone as it was at that moment (ps__os.utc_offset), which is wrong for photos of a journey. Any bytes; any thread. */
int ps__name_date(int64_t *taken_s, int *precision, const char *path);

#endif
