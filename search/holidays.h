/*
** Holidays as spans of days, of any year of the Gregorian calendar from PS__FIRST_YEAR to PS__LAST_YEAR. Sources of each rule
** are in holidays.c. Where a date depends on sighting the moon or on a country, the common reckoning is taken and said there.
*/
#ifndef PS_SEARCH_HOLIDAYS_H
#define PS_SEARCH_HOLIDAYS_H

#include "search/when.h"

/* Number of a holiday by its name in the tables ("christmas", "lunar-new-year"); -1: there is none. */
int ps__holiday_find(const char *name);
/* Names in order of their numbers; NULL at the end. */
const char *ps__holiday_name(int holiday);

/* The holiday's days in that year, as the time in which people take photos of it (Christmas: the 24th to the 26th). A year may
** hold two of some (Ramadan in 2030), in order; those of the lunar calendar are told for the year they begin in: *count is 0
** to 2. "new-year" is the one that the year begins with, from 31 December of the year before. Those that follow the moon are
** known for 1900 to 2100, some others since they are kept. PS__INVALID outside the years, or when there is no such holiday. */
int ps__holiday_spans(ps__span out[2], int *count, int holiday, int year, ps__error *err);

/* "12-24..12-27" when the holiday has the same days each year ("12-31..01-02" over the turn of the year), else "". Static. */
const char *ps__holiday_fixed(int holiday);

#endif
