/*
** China: the rules of GB/T 33661-2017 (the month with the winter solstice is the 11th; of 13 months between two such, the first
** one without a major solar term is the leap month). The Islamic calendar: a month begins after the first evening on which the
** new moon is past and the moon sets after the sun at Mecca. India: the sidereal months of the amanta reckoning, as in
** Chatterjee, Indian Calendric System (1988).
*/
#include "tests/search/sky_calendars.h"

#include <math.h>
#include <string.h>

#include "search/when.h"
#include "tests/search/sky.h"

#define IST (5.5 / 24) /* India's clock, in days */

static double january(int year) { return (double)ps__day(year, 1, 1); }

/* ---- China ---- */

static double clock_of(double moment, int zone) {
    if (zone == 8 && moment < (double)ps__day(1929, 1, 1)) return (7 + 45.0 / 60 + 40.0 / 3600) / 24;
    return zone / 24.0;
}

static int day_of(double moment, int zone) { return (int)floor(moment + clock_of(moment, zone)); }
static int solstice(int year, int zone) { return day_of(sky_sun_at(270, january(year) + 354), zone); }
static int moon_day(int moon, int zone) { return day_of(sky_new_moon(moon), zone); }

/* The moon with which the 11th month before the end of this year begins. */
static int eleventh(int year, int zone) {
    int day = solstice(year, zone), moon = sky_moon_before(day + 1);
    while (moon_day(moon, zone) > day) moon--;
    return moon;
}

/* The sun is in the same twelfth of its way when the month begins and when the next one does. */
static int has_no_major_term(int moon, int zone) {
    double from = moon_day(moon, zone), to = moon_day(moon + 1, zone);
    return floor(sky_sun(from - clock_of(from, zone)) / 30) == floor(sky_sun(to - clock_of(to, zone)) / 30);
}

typedef struct chinese {
    int first, length[13], months, leap;
} chinese;

static chinese chinese_year(int year, int zone) {
    chinese c;
    int moon = eleventh(year - 1, zone), started = 0;
    memset(&c, 0, sizeof c);
    for (int winter = year; winter <= year + 1; winter++) { /* from one winter solstice to the next */
        int base = moon, end = eleventh(winter, zone), leap_to_come = end - base == 13;
        for (int number = 11; moon < end; moon++) {
            int leap = leap_to_come && moon > base && has_no_major_term(moon, zone);
            if (leap)
                leap_to_come = 0;
            else if (moon > base)
                number = number % 12 + 1;
            if (number == 1 && !leap) {
                if (started) return c;
                started = 1;
                c.first = moon_day(moon, zone);
            }
            if (!started) continue;
            if (leap) c.leap = number;
            c.length[c.months++] = moon_day(moon + 1, zone) - moon_day(moon, zone);
        }
    }
    return c;
}

uint32_t sky_chinese_row(int year, int zone) {
    chinese c = chinese_year(year, zone);
    int row = c.first - (int)ps__day(year, 1, 1);
    for (int i = 0; i < c.months; i++) row |= (c.length[i] - 29) << (6 + i);
    row |= c.leap << 19;
    row |= (day_of(sky_sun_at(15, january(year) + 94), zone) - (int)ps__day(year, 4, 4)) << 23;
    row |= (solstice(year, zone) - (int)ps__day(year, 12, 21)) << 25;
    return (uint32_t)row;
}

int sky_chinese_new_year(int year, int zone) { return chinese_year(year, zone).first; }

int sky_chinese_mid_autumn(int year, int zone) {
    chinese c = chinese_year(year, zone);
    int day = c.first + 14, before = 7 + (c.leap > 0 && c.leap < 8);
    for (int i = 0; i < before; i++) day += c.length[i];
    return day;
}

/* ---- Islamic ---- */

#define MECCA 21.4225, 39.8262 /* degrees north and east */
#define HORIZON -1.1           /* altitude of the middle of sun and moon when the last of them sets */

/* The moment of sunset at Mecca on a day, by halving the time from noon to three hours before midnight (UTC+3). */
static double sunset(int day) {
    double up = day + 9.0 / 24, down = day + 18.0 / 24;
    for (int i = 0; i < 24; i++) {
        double middle = (up + down) / 2;
        if (sky_sun_altitude(middle, MECCA) > HORIZON)
            up = middle;
        else
            down = middle;
    }
    return up;
}

/* The first day of a month; the moon of 17 July 2023 began the year 1445. */
static int islamic_month(int year, int month) {
    int moon = sky_moon_before((double)ps__day(2023, 7, 19)) + (year - 1445) * 12 + month - 1;
    double born = sky_new_moon(moon);
    for (int day = (int)floor(born + 3.0 / 24);; day++) {
        double evening = sunset(day);
        if (evening > born && sky_moon_altitude(evening, MECCA) > HORIZON) return day + 1;
    }
}

uint32_t sky_islamic_row(int year) {
    int row = (islamic_month(year, 1) + 30000) << 12;
    for (int month = 1; month <= 12; month++)
        row |= (islamic_month(year, month + 1) - islamic_month(year, month) - 29) << (month - 1);
    return (uint32_t)row;
}

/* ---- India ---- */

/* The last new moon before the sun enters a sign of the stars' zodiac. */
static int moon_before_sign(double sidereal, double near) {
    return sky_moon_before(sky_sun_at(fmod(sidereal + sky_ayanamsa(near), 360), near));
}

/* The day on whose evening the moon has not yet come to its new or full moment, but will within a day. */
static int evening_before(double moment) {
    double clock = moment + IST, day = floor(clock);
    return (int)day - (clock - day < 18.5 / 24);
}

uint32_t sky_hindu_row(int year) {
    double jan = january(year);
    int diwali = evening_before(sky_new_moon(moon_before_sign(180, jan + 290) + 1)) - (int)ps__day(year, 10, 1);
    int holi = evening_before(sky_full_moon(moon_before_sign(330, jan + 73))) - (int)ps__day(year, 2, 15);
    int vesak = (int)floor(sky_full_moon(moon_before_sign(30, jan + 134)) + 7.0 / 24) - (int)ps__day(year, 4, 1);
    return (uint32_t)(diwali | holi << 6 | vesak << 12);
}
