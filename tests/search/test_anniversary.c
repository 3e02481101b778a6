/*
** On this day: which days of other years are today's.
*/
#include <check.h>
#include <string.h>

#include "base/alloc.h"
#include "search/anniversary.h"
#include "store/calendar.h"

Suite *suite_anniversary(void);

static int64_t at(const char *text) {
    int64_t seconds;
    ck_assert_msg(ps__calendar_parse(&seconds, text), "%s", text);
    return seconds;
}

static const struct {
    const char *now;
    int days;
    const char *taken;
    int passes, years; /* years: ago; looked at where it passes */
} cases[] = {
    {"2026-11-24T12:00:00", 0, "2025-11-24T00:00:00", 1, 1},
    {"2026-11-24T12:00:00", 0, "2025-11-24T23:59:59", 1, 1},
    {"2026-11-24T12:00:00", 0, "2025-11-25T00:00:00", 0, 0},
    {"2026-11-24T12:00:00", 0, "2025-11-23T23:59:59", 0, 0},
    {"2026-11-24T12:00:00", 0, "1826-11-24T12:00:00", 1, 200},
    {"2026-11-24T12:00:00", 0, "1825-11-24T12:00:00", 0, 0},
    {"2026-11-24T00:00:00", 3, "2019-11-21T00:00:00", 1, 7},
    {"2026-11-24T23:59:59", 3, "2019-11-27T23:59:59", 1, 7},
    {"2026-11-24T12:00:00", 3, "2019-11-28T00:00:00", 0, 0},
    /* nothing of this year, or later */
    {"2026-11-24T12:00:00", 0, "2026-11-24T10:00:00", 0, 0},
    {"2026-11-24T12:00:00", 3, "2026-11-23T10:00:00", 0, 0},
    {"2026-11-24T12:00:00", 3, "2027-11-24T10:00:00", 0, 0},
    /* around New Year */
    {"2026-01-02T12:00:00", 3, "2024-12-30T00:00:00", 1, 1},
    {"2026-01-02T12:00:00", 3, "2024-12-29T23:59:59", 0, 0},
    {"2026-01-02T12:00:00", 3, "2025-12-31T12:00:00", 0, 0},
    {"2026-12-30T12:00:00", 3, "2025-01-02T12:00:00", 1, 2},
    {"2026-12-30T12:00:00", 3, "2026-01-02T12:00:00", 1, 1},
    /* 29 February: today */
    {"2024-02-29T12:00:00", 0, "2020-02-29T12:00:00", 1, 4},
    {"2024-02-29T12:00:00", 0, "2020-02-28T12:00:00", 0, 0},
    {"2024-02-29T12:00:00", 0, "2023-02-28T12:00:00", 1, 1},
    {"2024-02-29T12:00:00", 0, "2023-03-01T12:00:00", 0, 0},
    {"2024-02-29T12:00:00", 1, "2023-03-01T12:00:00", 1, 1},
    {"2024-02-29T12:00:00", 0, "1900-02-28T12:00:00", 1, 124},
    /* and then */
    {"2025-02-28T12:00:00", 0, "2024-02-29T12:00:00", 1, 1},
    {"2025-02-28T12:00:00", 0, "2024-02-28T12:00:00", 1, 1},
    {"2025-02-28T12:00:00", 0, "2024-03-01T00:00:00", 0, 0},
    {"2025-02-28T12:00:00", 1, "2024-03-01T12:00:00", 1, 1},
    {"2025-02-28T12:00:00", 0, "2023-02-28T12:00:00", 1, 2},
    {"2024-02-28T12:00:00", 0, "2020-02-29T12:00:00", 0, 0},
    {"2024-02-28T12:00:00", 0, "2020-02-28T12:00:00", 1, 4},
    {"2025-03-01T12:00:00", 0, "2024-02-29T12:00:00", 0, 0},
    {"2025-03-01T12:00:00", 1, "2024-02-29T12:00:00", 1, 1},
    {"2025-02-27T12:00:00", 0, "2024-02-29T12:00:00", 0, 0},
    /* other ends of months are what they are */
    {"2025-04-30T12:00:00", 0, "2024-05-01T12:00:00", 0, 0},
    {"1826-06-01T12:00:00", 3, "1826-06-01T12:00:00", 0, 0},
};

START_TEST(earlier_years_have_this_day) {
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ps__when when;
        int64_t now = at(cases[i].now), taken = at(cases[i].taken);
        ck_assert_int_eq(ps__anniversary(&when, now, cases[i].days, NULL), PS__OK);
        ck_assert_msg(ps__when_has(&when, taken) == cases[i].passes, "%s on %s", cases[i].taken, cases[i].now);
        if (cases[i].passes) ck_assert_int_eq(ps__anniversary_years(taken, now), cases[i].years);
        ck_assert_str_eq(when.every, "");
        ps__when_clear(&when);
    }
}
END_TEST

START_TEST(in_a_year_every_photo_is_remembered_once) { /* with 0 days, also those of 29 February */
    static const int this_years[] = {2024, 2025};
    for (size_t i = 0; i < 2; i++) {
        int64_t first = ps__day(this_years[i], 1, 1), end = ps__day(this_years[i] + 1, 1, 1);
        for (int year = 2020; year < 2022; year++) {
            for (int64_t day = ps__day(year, 1, 1); day < ps__day(year + 1, 1, 1); day++) {
                int times = 0, y, month, of_month;
                ps__day_parts(&y, &month, &of_month, day);
                int64_t near = ps__day(this_years[i], month, of_month); /* no use to look far from it */
                for (int64_t today = near - 2 < first ? first : near - 2; today <= near + 2 && today < end; today++) {
                    ps__when when;
                    ck_assert_int_eq(ps__anniversary(&when, today * PS__DAY_S + 3600, 0, NULL), PS__OK);
                    times += ps__when_has(&when, day * PS__DAY_S + 7200);
                    ps__when_clear(&when);
                }
                int twice = this_years[i] == 2024 && year != 2020 && month == 2 && of_month == 28; /* on the 28th and the 29th */
                ck_assert_msg(times == 1 + twice, "%d-%02d-%02d in %d: %d times", year, month, of_month, this_years[i], times);
            }
        }
    }
}
END_TEST

START_TEST(the_widest_window_holds_every_day_of_the_past_but_this_year) {
    ps__when when;
    int64_t now = at("2026-07-02T12:00:00"), from, to;
    ck_assert_int_eq(ps__anniversary(&when, now, PS__ANNIVERSARY_DAYS, NULL), PS__OK);
    ps__when_bounds(&from, &to, &when);
    ck_assert(to == ps__day(2026, 1, 1) * PS__DAY_S || to == ps__day(2025, 12, 31) * PS__DAY_S + PS__DAY_S);
    ck_assert_int_eq(from, ps__day(1826, 1, 1) * PS__DAY_S);
    ps__when_clear(&when);
}
END_TEST

START_TEST(absurd_days_and_years_are_refused) {
    ps__when when;
    ps__error err;
    static const int days[] = {-1, PS__ANNIVERSARY_DAYS + 1, INT32_MAX, INT32_MIN};
    static const int64_t nows[] = {INT64_MIN, INT64_MAX, INT64_C(-4544208000) - PS__DAY_S, INT64_C(5000000000)};
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(ps__anniversary(&when, 0, days[i], &err), PS__INVALID);
        ck_assert_str_ne(err.text, "");
        ck_assert_int_eq(ps__anniversary(&when, nows[i], 0, &err), PS__INVALID);
        ck_assert(when.spans == NULL && when.count == 0);
    }
}
END_TEST

START_TEST(memory_that_runs_out_is_an_error) {
    ps__when when;
    int over = 0;
    for (long n = 0; !over; n++) {
        ps__alloc_fail_after(n, 0);
        int status = ps__anniversary(&when, at("2026-11-24T12:00:00"), 1, NULL);
        over = ps__alloc_fail_left() >= 0;
        ps__alloc_fail_after(-1, 0);
        ck_assert_int_eq(status, over ? PS__OK : PS__NOMEM);
        ck_assert_uint_eq(when.count, over ? 200 : 0);
        if (!over) ck_assert_ptr_null(when.spans);
        ps__when_clear(&when);
    }
}
END_TEST

Suite *suite_anniversary(void) {
    Suite *suite = suite_create("anniversary");
    TCase *days = tcase_create("days");
    tcase_add_test(days, earlier_years_have_this_day);
    tcase_add_test(days, in_a_year_every_photo_is_remembered_once);
    tcase_add_test(days, the_widest_window_holds_every_day_of_the_past_but_this_year);
    tcase_add_test(days, absurd_days_and_years_are_refused);
    tcase_add_test(days, memory_that_runs_out_is_an_error);
    suite_add_tcase(suite, days);
    return suite;
}
