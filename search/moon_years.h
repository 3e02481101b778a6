/*
** Years of the calendars that follow the moon, as tables: no one needs astronomy to search for photos. The rows were computed by
** tests/search/sky.c, and the tests compute them all again.
*/
#ifndef PS_SEARCH_MOON_YEARS_H
#define PS_SEARCH_MOON_YEARS_H

#include <stdint.h>

#define PS__MOON_FIRST 1900 /* Gregorian years of the tables */
#define PS__MOON_LAST 2100
#define PS__HIJRA_FIRST 1317 /* Islamic years that meet them */
#define PS__HIJRA_LAST 1525

/* Bits 0..5: the day of the New Year, counted from 1 January. 6..18: one a month, in order, leap month included: 1 has 30
** days, 0 has 29. 19..22: the month that is followed by a leap month of its number; 0: none. 23..24: Qingming, from 4 April.
** 25..26: the winter solstice, from 21 December. */
extern const uint32_t ps__chinese_years[PS__MOON_LAST - PS__MOON_FIRST + 1];

/* Bits 0..11: one a month, 1 has 30 days. 12..31: the first day of the year, in days since 1970-01-01, plus 30,000. */
extern const uint32_t ps__islamic_years[PS__HIJRA_LAST - PS__HIJRA_FIRST + 1];

/* Bits 0..5: the evening of Diwali's lamps, from 1 October. 6..11: the evening of Holi's fire, from 15 February. 12..17: the
** full moon of Vaisakha, from 1 April. */
extern const uint32_t ps__hindu_years[PS__MOON_LAST - PS__MOON_FIRST + 1];

#endif
