/*
** Holidays: days that are known to have been kept, the tables against the sky, and what holds for every holiday of every year.
*/
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "search/calendars.h"
#include "search/holidays.h"
#include "search/moon_years.h"
#include "tests/search/sky.h"
#include "tests/search/sky_calendars.h"

Suite *suite_holidays(void);

static int64_t day_of(const char *text) { /* "2021-07-04" */
    int year, month, day;
    ck_assert_int_eq(sscanf(text, "%d-%d-%d", &year, &month, &day), 3);
    return ps__day(year, month, day);
}

static int spans_of(ps__span out[2], const char *name, int year) {
    int count, number = ps__holiday_find(name);
    ck_assert_msg(number >= 0, "%s", name);
    ck_assert_int_eq(ps__holiday_spans(out, &count, number, year, NULL), PS__OK);
    return count;
}

/* Does `day` lie in a span of its year, or of the next one (which New Year is)? *from is that span's first day. */
static int is_in(int64_t *from, int *days, const char *name, int64_t day) {
    int year, month, of_month;
    ps__day_parts(&year, &month, &of_month, day);
    for (int y = year; y <= year + 1 && y <= PS__LAST_YEAR; y++) {
        ps__span spans[2];
        int count = spans_of(spans, name, y);
        for (int i = 0; i < count; i++) {
            if (day * PS__DAY_S < spans[i].from_s || day * PS__DAY_S >= spans[i].to_s) continue;
            *from = spans[i].from_s / PS__DAY_S;
            *days = (int)((spans[i].to_s - spans[i].from_s) / PS__DAY_S);
            return 1;
        }
    }
    return 0;
}

/* ---- Known days ---- */

static const struct {
    const char *name;
    int nth, days; /* each known day is that one (0 the first) of a span of so many days; nth -1: any, days 0: however many */
    const char *known;
} kept[] = {
    {"new-year", 1, 2, "1900-01-01 2021-01-01 2026-01-01"},
    {"new-years-eve", 0, 1, "1999-12-31 2021-12-31"},
    {"christmas", 0, 3, "1826-12-24 2021-12-24"},
    {"german-unity", 0, 1, "2021-10-03"},
    {"easter", 2, 4,
     "1886-04-25 1900-04-15 1913-03-23 1943-04-25 1954-04-18 1961-04-02 1981-04-19 1999-04-04 2000-04-23 2008-03-23 2010-04-04 "
     "2011-04-24 "
     "2014-04-20 2015-04-05 2016-03-27 2017-04-16 2018-04-01 2019-04-21 2020-04-12 2021-04-04 2022-04-17 2023-04-09 2024-03-31 "
     "2025-04-20 "
     "2026-04-05 2027-03-28 2038-04-25"},
    {"orthodox-easter", 2, 4,
     "2010-04-04 2011-04-24 2015-04-12 2016-05-01 2017-04-16 2018-04-08 2019-04-28 2020-04-19 2021-05-02 2022-04-24 2023-04-16 "
     "2024-05-05 "
     "2025-04-20 2026-04-12"},
    {"carnival", 4, 6, "2019-03-04 2020-02-24 2023-02-20 2024-02-12 2025-03-03"}, /* Rose Monday */
    {"ash-wednesday", 0, 1, "2020-02-26 2024-02-14"},
    {"good-friday", 0, 1, "2021-04-02 2024-03-29"},
    {"ascension", 0, 1, "2021-05-13 2022-05-26 2024-05-09"},
    {"pentecost", 0, 2, "2021-05-23 2022-06-05 2024-05-19"},
    {"corpus-christi", 0, 1, "2021-06-03 2024-05-30"},
    {"maslenitsa", 6, 7, "2021-03-14 2023-02-26 2024-03-17"},
    {"mothers-day", 0, 1, "2021-05-09 2022-05-08 2023-05-14 2024-05-12"},
    {"fathers-day", 0, 1, "2021-06-20 2022-06-19 2023-06-18 2024-06-16"},
    {"thanksgiving", 0, 1,
     "1863-11-26 1939-11-23 1940-11-21 1941-11-20 1942-11-26 2019-11-28 2020-11-26 2021-11-25 2022-11-24 2023-11-23 2024-11-28"},
    {"thanksgiving-ca", 0, 1, "2021-10-11 2022-10-10 2023-10-09 2024-10-14"},
    {"memorial-day", 0, 1, "2021-05-31 2022-05-30 2023-05-29 2024-05-27"},
    {"labor-day-us", 0, 1, "2021-09-06 2022-09-05 2025-09-01"},
    {"martin-luther-king", 0, 1, "2021-01-18 2024-01-15"},
    {"midsummer", 0, 2, "2021-06-25 2022-06-24 2023-06-23 2024-06-21"},
    {"oktoberfest", 0, 0, "2019-09-21 2022-09-17 2023-09-16 2024-09-21 2025-09-20"},
    {"oktoberfest", 15, 16, "2024-10-06 2025-10-05 2019-10-06"},
    {"oktoberfest", 16, 17, "2022-10-03"},
    {"oktoberfest", 17, 18, "2023-10-03"},
    {"advent", 0, 0, "2021-11-28 2022-11-27 2023-12-03 2024-12-01"},
    {"lunar-new-year", 1, 8,
     "1900-01-31 1912-02-18 1929-02-10 1938-01-31 1949-01-29 1950-02-17 1960-01-28 1966-01-21 1970-02-06 1976-01-31 1978-02-07 "
     "1979-01-28 "
     "1980-02-16 1984-02-02 1985-02-20 1988-02-17 1990-01-27 1997-02-07 2000-02-05 2001-01-24 2003-02-01 2004-01-22 2005-02-09 "
     "2006-01-29 "
     "2007-02-18 2008-02-07 2009-01-26 2010-02-14 2011-02-03 2012-01-23 2013-02-10 2014-01-31 2015-02-19 2016-02-08 2017-01-28 "
     "2018-02-16 "
     "2019-02-05 2020-01-25 2021-02-12 2022-02-01 2023-01-22 2024-02-10 2025-01-29 2026-02-17 2027-02-06 2028-01-26 2029-02-13 "
     "2030-02-03 "
     "2033-01-31 2034-02-19"},
    {"lantern-festival", 0, 1, "2021-02-26 2022-02-15 2023-02-05 2024-02-24 2025-02-12"},
    {"qingming", 0, 1, "2019-04-05 2020-04-04 2021-04-04 2022-04-05 2023-04-05 2024-04-04 2025-04-04"},
    {"dragon-boat", 0, 1,
     "2012-06-23 2015-06-20 2016-06-09 2017-05-30 2018-06-18 2019-06-07 2020-06-25 2021-06-14 2022-06-03 2023-06-22 2024-06-10 "
     "2025-05-31"},
    {"qixi", 0, 1, "2020-08-25 2021-08-14 2022-08-04 2023-08-22 2024-08-10 2025-08-29"},
    {"mid-autumn", 0, 1,
     "1978-09-17 2010-09-22 2011-09-12 2012-09-30 2013-09-19 2014-09-08 2015-09-27 2016-09-15 2017-10-04 2018-09-24 2019-09-13 "
     "2020-10-01 "
     "2021-09-21 2022-09-10 2023-09-29 2024-09-17 2025-10-06 2026-09-25"},
    {"double-ninth", 0, 1, "2020-10-25 2021-10-14 2022-10-04 2023-10-23 2024-10-11"},
    {"laba", 0, 1, "2020-01-02 2021-01-20 2022-01-10 2022-12-30 2024-01-18 2025-01-07"},
    {"winter-solstice", 0, 1, "2019-12-22 2020-12-21 2021-12-21 2022-12-22 2023-12-22 2024-12-21"},
    {"tet", 1, 8, "1968-01-29 1985-01-21 2007-02-17 2021-02-12 2023-01-22 2024-02-10 2030-02-02"},
    {"seollal", 1, 3, "1988-02-18 1997-02-08 2021-02-12 2024-02-10"},
    {"chuseok", 1, 3, "2021-09-21 2022-09-10 2023-09-29 2024-09-17"},
    {"rosh-hashanah", 1, 3,
     "2015-09-14 2016-10-03 2017-09-21 2018-09-10 2019-09-30 2020-09-19 2021-09-07 2022-09-26 2023-09-16 2024-10-03 2025-09-23 "
     "2026-09-12"},
    {"yom-kippur", 1, 2, "2021-09-16 2022-10-05 2023-09-25 2024-10-12 2025-10-02"},
    {"sukkot", 1, 8, "2021-09-21 2023-09-30 2024-10-17"},
    {"hanukkah", 1, 9,
     "2016-12-25 2017-12-13 2018-12-03 2019-12-23 2020-12-11 2021-11-29 2022-12-19 2023-12-08 2024-12-26 2025-12-15"},
    {"purim", 1, 2, "2019-03-21 2020-03-10 2021-02-26 2022-03-17 2023-03-07 2024-03-24 2025-03-14"},
    {"passover", 1, 9,
     "2015-04-04 2016-04-23 2017-04-11 2018-03-31 2019-04-20 2020-04-09 2021-03-28 2022-04-16 2023-04-06 2024-04-23 2025-04-13 "
     "2026-04-02"},
    {"shavuot", 1, 3, "2021-05-17 2023-05-26 2024-06-12"},
    {"diwali", 2, 5,
     "2010-11-05 2011-10-26 2012-11-13 2014-10-23 2015-11-11 2016-10-30 2017-10-19 2018-11-07 2019-10-27 2020-11-14 2021-11-04 "
     "2022-10-24 2023-11-12 2024-10-31 2025-10-20 2026-11-08"},
    {"diwali", 3, 5, "2013-11-03"}, /* by minutes: the moon was new at 18:20 there, and at 18:17 on 1 November 2024 */
    {"holi", -1, 3,
     "2010-03-01 2011-03-20 2012-03-08 2013-03-27 2014-03-17 2015-03-06 2016-03-24 2017-03-13 2018-03-02 2019-03-21 2020-03-10 "
     "2021-03-29 "
     "2022-03-18 2023-03-08 2024-03-25 2025-03-14 2026-03-04"},
    {"vesak", -1, 0,
     "2015-05-03 2015-06-01 2015-06-02 2017-05-10 2018-05-29 2019-05-19 2020-05-07 2021-05-26 2022-05-16 2023-05-05 2023-06-02 "
     "2023-06-04 "
     "2024-05-22 2024-05-23 2025-05-12"},
    {"nyepi", 1, 2,
     "2004-03-22 2008-03-07 2012-03-23 2014-03-31 2015-03-21 2016-03-09 2017-03-28 2018-03-17 2019-03-07 2020-03-25 2021-03-14 "
     "2022-03-03 "
     "2023-03-22 2024-03-11 2025-03-29 2026-03-19"},
    {"galungan", 1, 3, "2021-04-14 2021-11-10 2022-06-08 2023-01-04 2023-08-02 2024-02-28 2024-09-25 2025-04-23 2025-11-19"},
};

START_TEST(holidays_are_on_the_days_they_were_kept) {
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        for (const char *known = kept[i].known; known[0]; known += strcspn(known, " "), known += *known == ' ') {
            int64_t day = day_of(known), from = 0;
            int days = 0;
            ck_assert_msg(is_in(&from, &days, kept[i].name, day), "%s is not on %.10s", kept[i].name, known);
            if (kept[i].nth >= 0)
                ck_assert_msg(day - from == kept[i].nth, "%s: %.10s is day %d", kept[i].name, known, (int)(day - from));
            if (kept[i].days) ck_assert_msg(days == kept[i].days, "%s: %d days in %.4s", kept[i].name, days, known);
        }
    }
}
END_TEST

/* As Saudi Arabia announced them: its calendar, or the moon as it was seen, which may be a day off ours. */
static const struct {
    const char *name, *known;
} islamic[] = {
    {"ramadan",
     "2015-06-18 2016-06-06 2017-05-27 2018-05-17 2019-05-06 2020-04-24 2021-04-13 2022-04-02 2023-03-23 2024-03-11 2025-03-01 "
     "2026-02-18"},
    {"eid-al-fitr",
     "2015-07-17 2016-07-06 2017-06-25 2018-06-15 2019-06-04 2020-05-24 2021-05-13 2022-05-02 2023-04-21 2024-04-10 "
     "2025-03-30 2026-03-20"},
    {"eid-al-adha",
     "2015-09-24 2016-09-12 2017-09-01 2018-08-21 2019-08-11 2020-07-31 2021-07-20 2022-07-09 2023-06-28 2024-06-16 "
     "2025-06-06 2026-05-27"},
    {"islamic-new-year", "2019-08-31 2020-08-20 2021-08-09 2022-07-30 2023-07-19 2024-07-07 2025-06-26"},
    {"mawlid", "2019-11-09 2020-10-29 2021-10-18 2022-10-08 2023-09-27 2024-09-15"},
};

START_TEST(islamic_days_are_a_day_off_at_most_and_mostly_exact) {
    int exact = 0, all = 0;
    for (size_t i = 0; i < sizeof islamic / sizeof *islamic; i++) {
        for (const char *known = islamic[i].known; known[0]; known += strcspn(known, " "), known += *known == ' ') {
            int64_t day = day_of(known);
            ps__span spans[2];
            ck_assert_int_eq(spans_of(spans, islamic[i].name, atoi(known)), 1);
            int64_t off = spans[0].from_s / PS__DAY_S - day;
            ck_assert_msg(off >= -1 && off <= 1, "%s: %d days off in %.4s", islamic[i].name, (int)off, known);
            exact += off == 0;
            all++;
        }
    }
    ck_assert_msg(exact * 10 >= all * 9, "%d of %d", exact, all);
}
END_TEST

START_TEST(two_may_begin_in_one_year) {
    ps__span spans[2];
    ck_assert_int_eq(spans_of(spans, "ramadan", 2030), 2);
    ck_assert(spans[0].from_s < ps__day(2030, 1, 10) * PS__DAY_S && spans[1].from_s > ps__day(2030, 12, 20) * PS__DAY_S);
    ck_assert(spans[1].to_s > ps__day(2031, 1, 1) * PS__DAY_S); /* it ends in the next one */
    ck_assert_int_eq(spans_of(spans, "ramadan", 2031), 1);
    ck_assert_int_eq(spans_of(spans, "galungan", 2021), 2);
    ck_assert_int_eq(spans_of(spans, "laba", 2022), 2);
    ck_assert_int_eq(spans_of(spans, "laba", 2023), 0);
}
END_TEST

/* ---- The tables ---- */

START_TEST(the_tables_are_those_of_the_sky) {
    for (int y = PS__MOON_FIRST; y <= PS__MOON_LAST; y++) {
        uint32_t chinese = sky_chinese_row(y, 8), hindu = sky_hindu_row(y);
        ck_assert_msg(ps__chinese_years[y - PS__MOON_FIRST] == chinese, "Chinese year %d: 0x%08x", y, chinese);
        ck_assert_msg(ps__hindu_years[y - PS__MOON_FIRST] == hindu, "Hindu days of %d: 0x%08x", y, hindu);
    }
    for (int y = PS__HIJRA_FIRST; y <= PS__HIJRA_LAST; y++) {
        uint32_t row = sky_islamic_row(y);
        ck_assert_msg(ps__islamic_years[y - PS__HIJRA_FIRST] == row, "Islamic year %d: 0x%08x", y, row);
    }
}
END_TEST

START_TEST(the_sky_is_where_it_was_seen) { /* moments from almanacs, to the minute */
    static const struct {
        int year, month, day, hour, minute;
        char what; /* new or full moon, or where the sun gets to */
        int longitude;
    } seen[] = {{2000, 1, 6, 18, 14, 'n', 0},   {2017, 8, 21, 18, 30, 'n', 0},   {2024, 4, 8, 18, 21, 'n', 0},
                {1999, 8, 11, 11, 9, 'n', 0},   {2000, 1, 21, 4, 41, 'f', 0},    {2018, 1, 31, 13, 27, 'f', 0},
                {2021, 5, 26, 11, 14, 'f', 0},  {2024, 3, 20, 3, 6, 's', 0},     {2024, 6, 20, 20, 51, 's', 90},
                {2023, 9, 23, 6, 50, 's', 180}, {2023, 12, 22, 3, 27, 's', 270}, {2000, 12, 21, 13, 37, 's', 270}};
    for (size_t i = 0; i < sizeof seen / sizeof *seen; i++) {
        double at = (double)ps__day(seen[i].year, seen[i].month, seen[i].day) + (seen[i].hour * 60 + seen[i].minute) / 1440.0,
               moment;
        if (seen[i].what == 's')
            moment = sky_sun_at(seen[i].longitude, at - 5);
        else if (seen[i].what == 'n')
            moment = sky_new_moon(sky_moon_before(at + 1));
        else
            moment = sky_full_moon(sky_moon_before(at));
        double off = (moment - at) * 1440;
        ck_assert_msg(off > -2 && off < 2, "%d-%02d-%02d: %f minutes off", seen[i].year, seen[i].month, seen[i].day, off);
    }
}
END_TEST

START_TEST(other_clocks_than_chinas_give_the_days_of_tet_seollal_and_chuseok) {
    for (int y = 1962; y <= PS__MOON_LAST; y++) {
        ps__span spans[2];
        ck_assert_int_eq(spans_of(spans, "tet", y), 1);
        ck_assert_msg(spans[0].from_s / PS__DAY_S + 1 == sky_chinese_new_year(y, y < 1968 ? 8 : 7), "%d", y);
        ck_assert_int_eq(spans_of(spans, "seollal", y), 1);
        ck_assert_msg(spans[0].from_s / PS__DAY_S + 1 == sky_chinese_new_year(y, 9), "%d", y);
        ck_assert_int_eq(spans_of(spans, "chuseok", y), 1);
        ck_assert_msg(spans[0].from_s / PS__DAY_S + 1 == sky_chinese_mid_autumn(y, 9), "%d", y);
    }
}
END_TEST

START_TEST(chinese_years_and_leap_months_hang_together) {
    static const int leaps[][2] = {{2001, 4}, {2004, 2}, {2006, 7}, {2009, 5},  {2012, 4},  {2014, 9}, {2017, 6}, {2020, 4},
                                   {2023, 2}, {2025, 6}, {2028, 5}, {2033, 11}, {1984, 10}, {1990, 5}, {2021, 0}, {2022, 0}};
    for (size_t i = 0; i < sizeof leaps / sizeof *leaps; i++)
        ck_assert_int_eq(ps__chinese_years[leaps[i][0] - PS__MOON_FIRST] >> 19 & 15, (unsigned)leaps[i][1]);
    for (int y = PS__MOON_FIRST; y < PS__MOON_LAST; y++) {
        int64_t last, next;
        uint32_t row = ps__chinese_years[y - PS__MOON_FIRST];
        ck_assert(ps__chinese_day(&last, y, 12, 1) && ps__chinese_day(&next, y + 1, 1, 1));
        int length = 29 + (int)(row >> (6 + 11 + ((row >> 19 & 15) > 0)) & 1);
        if ((row >> 19 & 15) == 12) continue; /* a month of its own comes after the 12th */
        ck_assert_msg(last + length == next, "%d", y);
    }
    for (int y = PS__HIJRA_FIRST; y < PS__HIJRA_LAST; y++) {
        int64_t end, next;
        ck_assert(ps__islamic_day(&end, y, 13, 1) && ps__islamic_day(&next, y + 1, 1, 1));
        ck_assert_msg(end == next, "%d", y);
    }
}
END_TEST

/* ---- All ---- */

START_TEST(every_holiday_of_every_year_is_some_whole_days_of_it) {
    int number = 0;
    for (; ps__holiday_name(number); number++) {
        const char *name = ps__holiday_name(number), *fixed = ps__holiday_fixed(number);
        int64_t last = INT64_MIN;
        ck_assert_int_eq(ps__holiday_find(name), number);
        ck_assert_uint_lt(strlen(name), sizeof((ps__when *)0)->every);
        for (int year = PS__FIRST_YEAR; year <= PS__LAST_YEAR; year++) {
            ps__span spans[2];
            int count = spans_of(spans, name, year);
            ck_assert(count >= 0 && count <= 2);
            if (fixed[0]) ck_assert_int_eq(count, 1);
            for (int i = 0; i < count; i++) {
                int64_t from = spans[i].from_s / PS__DAY_S, to = spans[i].to_s / PS__DAY_S;
                int y, month, day, end_month, end_day;
                ps__day_parts(&y, &month, &day, from);
                ck_assert(from * PS__DAY_S == spans[i].from_s && to * PS__DAY_S == spans[i].to_s);
                ck_assert_msg(y == year || (strcmp(name, "new-year") == 0 && y == year - 1), "%s %d", name, year);
                ck_assert_msg(from > last && to > from && to - from <= 31, "%s %d", name, year);
                last = to;
                ps__day_parts(&y, &end_month, &end_day, to);
                char text[64];
                snprintf(text, sizeof text, "%02d-%02d..%02d-%02d", month, day, end_month, end_day);
                if (fixed[0]) ck_assert_str_eq(text, fixed);
            }
        }
    }
    ck_assert_int_gt(number, 60);
    ck_assert_ptr_null(ps__holiday_name(-1));
    ck_assert_ptr_null(ps__holiday_name(number + 1));
    ck_assert_str_eq(ps__holiday_fixed(-1), "");
    ck_assert_str_eq(ps__holiday_fixed(number), "");
}
END_TEST

START_TEST(holidays_by_the_moon_are_known_for_two_centuries_and_end_there) {
    static const char *const names[] = {
        "lunar-new-year", "lantern-festival", "qingming",    "dragon-boat", "qixi",    "mid-autumn",
        "double-ninth",   "winter-solstice",  "tet",         "seollal",     "chuseok", "islamic-new-year",
        "mawlid",         "ramadan",          "eid-al-fitr", "eid-al-adha", "diwali",  "holi",
        "vesak"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        ps__span spans[2];
        for (int year = PS__FIRST_YEAR; year < PS__MOON_FIRST; year++)
            ck_assert_msg(spans_of(spans, names[i], year) == 0, "%s %d", names[i], year);
        for (int year = PS__MOON_FIRST; year <= PS__MOON_LAST; year++)
            ck_assert_msg(spans_of(spans, names[i], year) >= 1, "%s %d", names[i], year);
    }
}
END_TEST

START_TEST(an_islamic_year_follows_the_other) {
    int64_t before = 0;
    for (int year = PS__MOON_FIRST; year <= PS__MOON_LAST; year++) {
        ps__span spans[2];
        int count = spans_of(spans, "ramadan", year);
        for (int i = 0; i < count; i++) {
            int64_t from = spans[i].from_s / PS__DAY_S, days = (spans[i].to_s - spans[i].from_s) / PS__DAY_S;
            ck_assert(days == 29 || days == 30);
            if (before) ck_assert_msg(from - before >= 353 && from - before <= 356, "%d", year);
            before = from;
        }
    }
}
END_TEST

START_TEST(names_that_sentences_use_are_there) {
    static const char *const names[] = {"christmas",
                                        "christmas-eve",
                                        "new-year",
                                        "valentine",
                                        "carnival",
                                        "easter",
                                        "orthodox-easter",
                                        "ascension",
                                        "pentecost",
                                        "mothers-day",
                                        "fathers-day",
                                        "halloween",
                                        "thanksgiving",
                                        "thanksgiving-ca",
                                        "independence-day",
                                        "bastille-day",
                                        "german-unity",
                                        "labour-day",
                                        "saint-nicholas",
                                        "saint-patrick",
                                        "epiphany",
                                        "all-saints",
                                        "lunar-new-year",
                                        "lantern-festival",
                                        "qingming",
                                        "dragon-boat",
                                        "mid-autumn",
                                        "china-national-day",
                                        "singles-day",
                                        "qixi",
                                        "double-ninth",
                                        "winter-solstice",
                                        "ramadan",
                                        "eid-al-fitr",
                                        "eid-al-adha",
                                        "islamic-new-year",
                                        "mawlid",
                                        "diwali",
                                        "holi",
                                        "vesak",
                                        "nyepi",
                                        "indonesia-independence",
                                        "hanukkah",
                                        "passover",
                                        "rosh-hashanah",
                                        "yom-kippur",
                                        "purim",
                                        "songkran",
                                        "tet",
                                        "golden-week",
                                        "hanami"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) ck_assert_msg(ps__holiday_find(names[i]) >= 0, "%s", names[i]);
    ck_assert_int_eq(ps__holiday_find("festivus"), -1);
    ck_assert_int_eq(ps__holiday_find(""), -1);
}
END_TEST

START_TEST(absurd_holidays_and_years_are_refused) {
    static const int years[] = {INT32_MIN, -1, 0, PS__FIRST_YEAR - 1, PS__LAST_YEAR + 1, INT32_MAX};
    ps__error err;
    ps__span spans[2];
    int count = 7;
    for (size_t i = 0; i < sizeof years / sizeof *years; i++) {
        ck_assert_int_eq(ps__holiday_spans(spans, &count, 0, years[i], &err), PS__INVALID);
        ck_assert_int_eq(count, 0);
        ck_assert_str_ne(err.text, "");
    }
    ck_assert_int_eq(ps__holiday_spans(spans, &count, -1, 2021, &err), PS__INVALID);
    ck_assert_int_eq(ps__holiday_spans(spans, &count, 100000, 2021, NULL), PS__INVALID);
}
END_TEST

Suite *suite_holidays(void) {
    Suite *suite = suite_create("holidays");
    TCase *days = tcase_create("days"), *tables = tcase_create("tables"), *all = tcase_create("all");
    tcase_add_test(days, holidays_are_on_the_days_they_were_kept);
    tcase_add_test(days, islamic_days_are_a_day_off_at_most_and_mostly_exact);
    tcase_add_test(days, two_may_begin_in_one_year);
    tcase_add_test(tables, the_tables_are_those_of_the_sky);
    tcase_add_test(tables, the_sky_is_where_it_was_seen);
    tcase_add_test(tables, other_clocks_than_chinas_give_the_days_of_tet_seollal_and_chuseok);
    tcase_add_test(tables, chinese_years_and_leap_months_hang_together);
    tcase_add_test(all, every_holiday_of_every_year_is_some_whole_days_of_it);
    tcase_add_test(all, holidays_by_the_moon_are_known_for_two_centuries_and_end_there);
    tcase_add_test(all, an_islamic_year_follows_the_other);
    tcase_add_test(all, names_that_sentences_use_are_there);
    tcase_add_test(all, absurd_holidays_and_years_are_refused);
    suite_add_tcase(suite, days);
    suite_add_tcase(suite, tables);
    suite_add_tcase(suite, all);
    return suite;
}
