/*
** Dates of other calendars as days since 1970-01-01, for the holidays that move. Any thread.
*/
#ifndef PS_SEARCH_CALENDARS_H
#define PS_SEARCH_CALENDARS_H

#include <stdint.h>

/* Easter Sunday of a Gregorian year, and that of the churches that reckon by the Julian calendar. */
int64_t ps__easter(int year);
int64_t ps__orthodox_easter(int year);

/* 1 Tishri of a Hebrew year from 5300 on. */
int64_t ps__hebrew_new_year(int year);

/* A day of a Chinese month (not of a leap month); 0 outside the years 1900 to 2100, which are those of the New Year's day. */
int ps__chinese_day(int64_t *day, int year, int month, int of_month);
/* Qingming and the winter solstice of a Gregorian year, by China's clock; 0 outside those years. */
int ps__chinese_qingming(int64_t *day, int year);
int ps__chinese_solstice(int64_t *day, int year);

/* A day of an Islamic month; 0 outside the years 1317 to 1525 of the Hijra. */
int ps__islamic_day(int64_t *day, int year, int month, int of_month);

/* The evening of Diwali's lamps and of Holi's fire, and the full moon of Vaisakha, in a Gregorian year; 0 outside 1900 to 2100. */
int ps__hindu_diwali(int64_t *day, int year);
int ps__hindu_holi(int64_t *day, int year);
int ps__hindu_vesak(int64_t *day, int year);

#endif
