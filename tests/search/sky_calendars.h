/*
** The calendars that follow sun and moon, computed anew from tests/search/sky.h in the form of the rows of search/moon_years.h.
*/
#ifndef PS_TESTS_SKY_CALENDARS_H
#define PS_TESTS_SKY_CALENDARS_H

#include <stdint.h>

/* zone: hours by which the clock of the land is ahead of UTC; 8 is China, whose clock before 1929 was Beijing's own. */
uint32_t sky_chinese_row(int year, int zone);
/* Days since 1970-01-01 of the first day of the year, and of the 15th of the 8th month. */
int sky_chinese_new_year(int year, int zone);
int sky_chinese_mid_autumn(int year, int zone);

uint32_t sky_islamic_row(int year); /* of the Hijra */
uint32_t sky_hindu_row(int year);

#endif
