/*
** "On this day": the days around today's date in the years before this one.
*/
#ifndef PS_SEARCH_ANNIVERSARY_H
#define PS_SEARCH_ANNIVERSARY_H

#include "search/when.h"

#define PS__ANNIVERSARY_DAYS 182 /* beyond, the years would run into each other */

/* The date of now_s (local time) in every year from PS__FIRST_YEAR to the last one, with `days` days before and after it.
** Around New Year these may lie in the year beside; nothing of them is later than today a year ago plus `days`. 29 February is
** 28 February in years without one, and what was on it is remembered on 28 February where this year has none. `every` is left
** empty. PS__INVALID: days outside 0 to PS__ANNIVERSARY_DAYS, or a year outside PS__FIRST_YEAR to PS__LAST_YEAR. Free with
** ps__when_clear. */
int ps__anniversary(ps__when *out, int64_t now_s, int days, ps__error *err);

/* How many years before now_s the anniversary was that a photo of those days is nearest to: on 2 January 2026 it is 1 for one
** of 30 December 2024. */
int ps__anniversary_years(int64_t taken_s, int64_t now_s);

#endif
