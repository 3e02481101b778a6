/*
** Other calendars. The arithmetic ones are computed: Easter by J. Meeus, Astronomical Algorithms (2nd edition), chapter 8; the
** Hebrew calendar by its four postponements, in the form of N. Dershowitz and E. Reingold, Calendrical Calculations, chapter 8.
** Those that follow the moon are tables (moon_years.h), of our own computation:
**
** - China: the rules of GB/T 33661-2017. They give each New Year from 1900 on as it was kept.
** - Islamic: the rule of Umm al-Qura, the civil calendar of Saudi Arabia, since 1423 (2002): a month begins after the first
**   evening on which the new moon is past and the moon sets after the sun at Mecca. All but 2 of 936 months of 1423 to 1500 are
**   the official ones. Before that the official ones are a day off in a third of the months, and countries that wait until the
**   moon is seen often are.
** - India: months by the new moon, named by the sign of the stars' zodiac that the sun enters in them (Lahiri).
*/
#include "search/calendars.h"

#include <stddef.h>

#include "search/moon_years.h"
#include "search/when.h"

/* ---- Christian ---- */

int64_t ps__easter(int year) {
    int a = year % 19, b = year / 100, c = year % 100, f = (b + 8) / 25, g = (b - f + 1) / 3;
    int h = (19 * a + b - b / 4 - g + 15) % 30, l = (32 + 2 * (b % 4) + 2 * (c / 4) - h - c % 4) % 7,
        m = (a + 11 * h + 22 * l) / 451;
    int sum = h + l - 7 * m + 114;
    return ps__day(year, sum / 31, sum % 31 + 1);
}

int64_t ps__orthodox_easter(int year) {
    int d = (19 * (year % 19) + 15) % 30, e = (2 * (year % 4) + 4 * (year % 7) - d + 34) % 7, sum = d + e + 114;
    int behind = year / 100 - year / 400 - 2; /* days by which the Julian calendar is behind, from March on */
    return ps__day(year, sum / 31, sum % 31 + 1) + behind;
}

/* ---- Hebrew ---- */

/* Days from the calendar's beginning to the new moon of Tishri, put off where it would fall on a Sunday, Wednesday or Friday,
** or is late in the day. */
static int64_t molad_day(int year) {
    int64_t months = (235 * (int64_t)year - 234) / 19, parts = 12084 + 13753 * months, day = 29 * months + parts / 25920;
    return day + (3 * (day + 1) % 7 < 3);
}

int64_t ps__hebrew_new_year(int year) {
    int64_t before = molad_day(year - 1), here = molad_day(year), after = molad_day(year + 1);
    int put_off = after - here == 356 ? 2 : here - before == 382 ? 1 : 0; /* no year may have such a length */
    return here + put_off - 2092590;
}

/* ---- Chinese ---- */

static const uint32_t *row_of(const uint32_t *rows, int year, int first, int last) {
    return year < first || year > last ? NULL : rows + (year - first);
}

int ps__chinese_day(int64_t *day, int year, int month, int of_month) {
    const uint32_t *row = row_of(ps__chinese_years, year, PS__MOON_FIRST, PS__MOON_LAST);
    if (!row) return 0;
    int leap = (int)(*row >> 19 & 15), before = month - 1 + (leap && month > leap);
    *day = ps__day(year, 1, 1) + (*row & 63) + of_month - 1;
    for (int i = 0; i < before; i++) *day += 29 + (*row >> (6 + i) & 1);
    return 1;
}

int ps__chinese_qingming(int64_t *day, int year) {
    const uint32_t *row = row_of(ps__chinese_years, year, PS__MOON_FIRST, PS__MOON_LAST);
    if (row) *day = ps__day(year, 4, 4) + (*row >> 23 & 3);
    return row != NULL;
}

int ps__chinese_solstice(int64_t *day, int year) {
    const uint32_t *row = row_of(ps__chinese_years, year, PS__MOON_FIRST, PS__MOON_LAST);
    if (row) *day = ps__day(year, 12, 21) + (*row >> 25 & 3);
    return row != NULL;
}

/* ---- Islamic ---- */

int ps__islamic_day(int64_t *day, int year, int month, int of_month) {
    const uint32_t *row = row_of(ps__islamic_years, year, PS__HIJRA_FIRST, PS__HIJRA_LAST);
    if (!row) return 0;
    *day = (int64_t)(*row >> 12) - 30000 + of_month - 1;
    for (int i = 0; i < month - 1; i++) *day += 29 + (*row >> i & 1);
    return 1;
}

/* ---- India ---- */

static int hindu(int64_t *day, int year, int month, int first, int bit) {
    const uint32_t *row = row_of(ps__hindu_years, year, PS__MOON_FIRST, PS__MOON_LAST);
    if (row) *day = ps__day(year, month, first) + (*row >> bit & 63);
    return row != NULL;
}

int ps__hindu_diwali(int64_t *day, int year) { return hindu(day, year, 10, 1, 0); }
int ps__hindu_holi(int64_t *day, int year) { return hindu(day, year, 2, 15, 6); }
int ps__hindu_vesak(int64_t *day, int year) { return hindu(day, year, 4, 1, 12); }
