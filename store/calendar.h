/*
** Local times as text and as seconds since 1970-01-01T00:00:00 of the same clock. No time zones, no leap seconds; Gregorian calendar
** for all years 1 to 9999.
*/
#ifndef PS_STORE_CALENDAR_H
#define PS_STORE_CALENDAR_H

#include <stdint.h>

/* "2021-07-04T15:32:10" to seconds. 0 and *seconds = 0 when the text is not exactly that or no real date; else 1. */
int ps__calendar_parse(int64_t *seconds, const char *text);

/* The other way; "" for years beyond 1..9999. */
void ps__calendar_text(char text[20], int64_t seconds);

#endif
