/*
** Sets of local times, against a bitmap of the hours of some weeks, and the calendar against the one of the store.
*/
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "search/when.h"
#include "store/calendar.h"

Suite *suite_when(void);

/* The tests' world: hours of four weeks around 1970-01-01, so that moments before it are met too. */
enum { HOURS = 28 * 24, BEFORE = 14 * 24, STEPS = HOURS + 2 };
#define HOUR_S INT64_C(3600)

static uint32_t seed;

static unsigned draw(unsigned below) { /* a small generator: the same numbers everywhere */
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % below;
}

/* Step 0 is long before the world, step 1 its first hour, the last one long after it. */
static int64_t moment_of(int step) {
    if (step == 0) return PS__WHEN_FIRST;
    if (step == STEPS - 1) return PS__WHEN_LAST - 1;
    return (step - 1 - BEFORE) * HOUR_S + 1800;
}

static int64_t edge_of(int step) {
    return step == 0 ? PS__WHEN_FIRST : step == STEPS ? PS__WHEN_LAST : (step - 1 - BEFORE) * HOUR_S;
}

typedef struct world {
    ps__when when;
    char has[STEPS];
} world;

static void random_set(world *w) {
    memset(w->has, 0, sizeof w->has);
    ck_assert_int_eq(ps__when_span(&w->when, 0, 0, NULL), PS__OK);
    for (unsigned n = draw(6); n > 0; n--) {
        int from = (int)draw(STEPS), to = draw(8) == 0 ? STEPS : from + (int)draw(draw(2) ? 100 : 4);
        if (draw(10) == 0) from = 0;
        if (to > STEPS) to = STEPS;
        ck_assert_int_eq(ps__when_add(&w->when, edge_of(from), edge_of(to), NULL), PS__OK);
        for (int i = from; i < to; i++) w->has[i] = 1;
    }
}

static void expect_sound(const ps__when *when) {
    for (size_t i = 0; i < when->count; i++) {
        ck_assert(when->spans[i].from_s < when->spans[i].to_s);
        if (i) ck_assert(when->spans[i - 1].to_s < when->spans[i].from_s);
    }
}

static void expect_same(const world *w) {
    int64_t from, to;
    int first = 0, last = STEPS;
    expect_sound(&w->when);
    for (int i = 0; i < STEPS; i++) /* an assertion costs more than the question */
        if (ps__when_has(&w->when, moment_of(i)) != w->has[i]) ck_abort_msg("step %d", i);
    while (first < STEPS && !w->has[first]) first++;
    while (last > 0 && !w->has[last - 1]) last--;
    ps__when_bounds(&from, &to, &w->when);
    if (first == STEPS) {
        ck_assert(from == 0 && to == 0 && w->when.count == 0);
    } else {
        ck_assert(from == edge_of(first) && to == edge_of(last));
    }
}

START_TEST(spans_added_in_any_order_are_a_set) {
    seed = 1;
    for (int round = 0; round < 300; round++) {
        world w;
        random_set(&w);
        expect_same(&w);
        ps__when_clear(&w.when);
    }
}
END_TEST

START_TEST(and_and_or_are_those_of_sets) {
    seed = 2;
    for (int round = 0; round < 300; round++) {
        world a, b, both, either;
        random_set(&a);
        random_set(&b);
        for (int i = 0; i < STEPS; i++) {
            both.has[i] = a.has[i] && b.has[i];
            either.has[i] = a.has[i] || b.has[i];
        }
        ck_assert_int_eq(ps__when_copy(&both.when, &a.when, NULL), PS__OK);
        ck_assert_int_eq(ps__when_copy(&either.when, &a.when, NULL), PS__OK);
        ck_assert_int_eq(ps__when_and(&both.when, &b.when, NULL), PS__OK);
        ck_assert_int_eq(ps__when_or(&either.when, &b.when, NULL), PS__OK);
        expect_same(&both);
        expect_same(&either);
        expect_same(&a);
        expect_same(&b);
        ps__when_clear(&a.when);
        ps__when_clear(&b.when);
        ps__when_clear(&both.when);
        ps__when_clear(&either.when);
    }
}
END_TEST

/* ---- Weekdays and hours ---- */

static ps__when at(unsigned weekdays, int from_hour, int to_hour) {
    ps__when when;
    ck_assert_int_eq(ps__when_always(&when, NULL), PS__OK);
    when.weekdays = weekdays;
    when.minute_from = from_hour * 60;
    when.minute_to = to_hour * 60;
    return when;
}

/* The same in other words: the hour lies in the part of the day of a day of the week. 1970-01-01 was a Thursday. */
static int brute(unsigned weekdays, int from_hour, int to_hour, int hour) {
    for (int begin = -BEFORE / 24 - 2; begin < HOURS / 24; begin++) {
        int weekday = (begin + 70 + 3) % 7, from = begin * 24 + from_hour, to = begin * 24 + to_hour;
        if (from_hour > to_hour) to += 24;
        if (weekdays >> weekday & 1 && hour >= from && hour < to) return 1;
    }
    return 0;
}

START_TEST(hours_over_midnight_belong_to_the_day_before) {
    seed = 3;
    for (int round = 0; round < 200; round++) {
        unsigned weekdays = draw(128);
        int from = (int)draw(24), to = (int)draw(25);
        ps__when when = at(weekdays, from, to);
        for (int hour = -BEFORE; hour < HOURS - BEFORE; hour++) {
            int want = brute(weekdays, from, to, hour);
            if (ps__when_has(&when, hour * HOUR_S) != want || ps__when_has(&when, hour * HOUR_S + 3599) != want)
                ck_abort_msg("%u %d..%d at %d", weekdays, from, to, hour);
        }
        ps__when_clear(&when);
    }
}
END_TEST

START_TEST(parts_of_the_day_are_joined_when_one_part_is_left) {
    int joined = 0, refused = 0;
    seed = 4;
    for (int round = 0; round < 600; round++) {
        unsigned aw = draw(2) ? PS__WEEK : draw(128), bw = draw(2) ? PS__WEEK : draw(128);
        int af = (int)draw(24), at_ = (int)draw(25), bf = (int)draw(24), bt = (int)draw(25);
        if ((af == 0 && at_ == 24) || (bf == 0 && bt == 24)) continue;
        ps__when a = at(aw, af, at_), b = at(bw, bf, bt);
        int status = ps__when_and(&a, &b, NULL);
        if (status == PS__OK) {
            joined++;
            for (int hour = 24 - BEFORE; hour < HOURS - BEFORE - 24; hour++) {
                int want = brute(aw, af, at_, hour) && brute(bw, bf, bt, hour);
                if (ps__when_has(&a, hour * HOUR_S) != want)
                    ck_abort_msg("%u %d..%d and %u %d..%d at %d", aw, af, at_, bw, bf, bt, hour);
            }
        } else {
            ck_assert_int_eq(status, PS__INVALID);
            ck_assert(a.weekdays == aw && a.minute_from == af * 60 && a.minute_to == at_ * 60 && a.count == 1);
            refused++;
        }
        ps__when_clear(&a);
        ps__when_clear(&b);
    }
    ck_assert_int_gt(joined, 300);
    ck_assert_int_gt(refused, 15);
}
END_TEST

START_TEST(a_weekday_and_a_night_are_the_nights_of_that_weekday) {
    ps__when saturday = at(1u << 5, 0, 24), night = at(PS__WEEK, 22, 6);
    ck_assert_int_eq(ps__when_and(&saturday, &night, NULL), PS__OK);
    ck_assert(saturday.weekdays == 1u << 5 && saturday.minute_from == 22 * 60 && saturday.minute_to == 6 * 60);
    int64_t sunday = ps__day(2021, 7, 4) * PS__DAY_S;
    ck_assert(ps__when_has(&saturday, sunday + 3 * HOUR_S));
    ck_assert(ps__when_has(&saturday, sunday - 2 * HOUR_S));
    ck_assert(!ps__when_has(&saturday, sunday - 21 * HOUR_S));
    ck_assert(!ps__when_has(&saturday, sunday + 23 * HOUR_S));
    ps__when_clear(&saturday);
    ps__when_clear(&night);
}
END_TEST

START_TEST(an_impossible_and_is_never) {
    ps__when day = at(PS__WEEK, 8, 12), late = at(PS__WEEK, 14, 18), monday = at(1, 0, 24), sunday = at(64, 0, 24);
    ck_assert_int_eq(ps__when_and(&day, &late, NULL), PS__OK);
    ck_assert_int_eq(ps__when_and(&monday, &sunday, NULL), PS__OK);
    const ps__when *never[] = {&day, &monday};
    for (int i = 0; i < 2; i++)
        ck_assert(never[i]->count == 0 && never[i]->weekdays == PS__WEEK && never[i]->minute_from == 0 &&
                  never[i]->minute_to == 1440);
    /* and gives way in an "or" */
    ck_assert_int_eq(ps__when_or(&day, &late, NULL), PS__OK);
    ck_assert(day.count == 1 && day.minute_from == 14 * 60);
    ck_assert_int_eq(ps__when_or(&late, &monday, NULL), PS__OK);
    ck_assert(late.count == 1 && late.minute_from == 14 * 60);
    ps__when_clear(&day);
    ps__when_clear(&late);
    ps__when_clear(&monday);
    ps__when_clear(&sunday);
}
END_TEST

START_TEST(an_or_of_other_weekdays_or_hours_is_refused) {
    ps__error err;
    ps__when all = at(PS__WEEK, 0, 24), saturday = at(32, 0, 24), night = at(PS__WEEK, 22, 6);
    ck_assert_int_eq(ps__when_or(&all, &saturday, &err), PS__INVALID);
    ck_assert_str_ne(err.text, "");
    ck_assert_int_eq(ps__when_or(&all, &night, NULL), PS__INVALID);
    ck_assert(all.count == 1 && all.weekdays == PS__WEEK);
    ps__when_clear(&all);
    ps__when_clear(&saturday);
    ps__when_clear(&night);
}
END_TEST

START_TEST(what_recurs_is_kept_where_both_agree) {
    static const struct {
        const char *a, *b;
        int b_always;
        const char *both, *either;
    } cases[] = {{"easter", "easter", 0, "easter", "easter"},
                 {"easter", "holi", 0, "", ""},
                 {"easter", "", 0, "", ""},
                 {"", "easter", 0, "", ""},
                 {"easter", "", 1, "easter", ""},
                 {"", "", 0, "", ""}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int swap = 0; swap < 2; swap++)
            for (int either = 0; either < 2; either++) {
                ps__when a, b;
                ck_assert_int_eq(ps__when_span(&a, 0, 100, NULL), PS__OK);
                ck_assert_int_eq(cases[i].b_always ? ps__when_always(&b, NULL) : ps__when_span(&b, 50, 150, NULL), PS__OK);
                strcpy(a.every, cases[i].a);
                strcpy(b.every, cases[i].b);
                ps__when *to = swap ? &b : &a, *other = swap ? &a : &b;
                ck_assert_int_eq(either ? ps__when_or(to, other, NULL) : ps__when_and(to, other, NULL), PS__OK);
                ck_assert_str_eq(to->every, either ? cases[i].either : cases[i].both);
                ps__when_clear(&a);
                ps__when_clear(&b);
            }
    }
}
END_TEST

/* ---- Text ---- */

static void expect_text(const ps__when *when, const char *text) {
    ps__buf out = PS__BUF_INIT;
    ps__when_print(&out, when);
    ck_assert_str_eq(out.bytes, text);
    ps__buf_free(&out);
}

START_TEST(sets_are_printed_as_short_as_they_are_exact) {
    int64_t day = ps__day(2021, 7, 4) * PS__DAY_S;
    const struct {
        int64_t from, to;
        const char *text;
    } cases[] = {
        {day, day + PS__DAY_S, "2021-07-04..2021-07-05"},
        {day + 18 * HOUR_S, PS__WHEN_LAST, "2021-07-04T18:00.."},
        {PS__WHEN_FIRST, day, "..2021-07-04"},
        {PS__WHEN_FIRST, PS__WHEN_LAST, ".."},
        {0, 0, "never"},
        {5, 4, "never"},
        {-1, 1, "1969-12-31T23:59:59..1970-01-01T00:00:01"},
        {ps__day(1826, 6, 1) * PS__DAY_S, ps__day(2100, 12, 31) * PS__DAY_S + 60, "1826-06-01..2100-12-31T00:01"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ps__when when;
        ck_assert_int_eq(ps__when_span(&when, cases[i].from, cases[i].to, NULL), PS__OK);
        expect_text(&when, cases[i].text);
        ps__when_clear(&when);
    }
    ps__when when;
    ck_assert_int_eq(ps__when_span(&when, day, day + PS__DAY_S, NULL), PS__OK);
    ck_assert_int_eq(ps__when_add(&when, day - 31 * PS__DAY_S, day - 30 * PS__DAY_S, NULL), PS__OK);
    expect_text(&when, "2021-06-03..2021-06-04 | 2021-07-04..2021-07-05");
    ck_assert_int_eq(ps__when_add(&when, PS__WHEN_FIRST, INT64_MIN + 1, NULL), PS__OK);
    ck_assert_int_eq(ps__when_add(&when, INT64_MAX - 1, PS__WHEN_LAST, NULL), PS__OK);
    expect_sound(&when); /* and the far ends are printed somehow */
    ps__buf out = PS__BUF_INIT;
    ps__when_print(&out, &when);
    ck_assert(out.length > 20 && !out.failed);
    ps__buf_free(&out);
    strcpy(when.every, "06-01..07-01");
    expect_text(&when, "every 06-01..07-01");
    ps__when_clear(&when);
}
END_TEST

/* ---- Memory ---- */

static int everything(ps__when *out, const ps__when *odd, const ps__when *even) {
    int status = ps__when_copy(out, odd, NULL);
    if (status == PS__OK) status = ps__when_or(out, even, NULL);
    if (status == PS__OK) status = ps__when_and(out, odd, NULL);
    if (status == PS__OK) status = ps__when_add(out, 1000, 1001, NULL);
    return status;
}

START_TEST(memory_that_runs_out_is_an_error_and_leaves_the_set_sound) {
    ps__when odd, even, out;
    int failed = 0;
    ck_assert_int_eq(ps__when_span(&odd, 0, 0, NULL), PS__OK);
    ck_assert_int_eq(ps__when_span(&even, 0, 0, NULL), PS__OK);
    for (int i = 0; i < 40; i += 4) {
        ck_assert_int_eq(ps__when_add(&odd, i, i + 1, NULL), PS__OK);
        ck_assert_int_eq(ps__when_add(&even, i + 2, i + 3, NULL), PS__OK);
    }
    for (long n = 0;; n++) {
        memset(&out, 0, sizeof out);
        ps__alloc_fail_after(n, 0);
        int status = everything(&out, &odd, &even);
        int over = ps__alloc_fail_left() >= 0;
        ps__alloc_fail_after(-1, 0);
        expect_sound(&out);
        ck_assert_uint_eq(odd.count, 10);
        if (over) {
            ck_assert_int_eq(status, PS__OK);
            ck_assert_uint_eq(out.count, 11);
        } else {
            ck_assert_int_eq(status, PS__NOMEM);
            failed++;
        }
        ps__when_clear(&out);
        if (over) break;
    }
    ck_assert_int_ge(failed, 4);
    ps__alloc_fail_after(0, 1);
    ck_assert_int_eq(ps__when_always(&out, NULL), PS__NOMEM);
    ck_assert_int_eq(ps__when_span(&out, 1, 2, NULL), PS__NOMEM);
    ps__alloc_fail_after(-1, 0);
    ps__when_clear(&out);
    ps__when_clear(&odd);
    ps__when_clear(&even);
}
END_TEST

/* ---- The calendar ---- */

START_TEST(days_are_those_of_the_stores_calendar) {
    for (int64_t day = ps__day(1, 1, 1); day <= ps__day(9999, 12, 31); day += day > -60000 && day < 60000 ? 1 : 37) {
        char text[20], want[48];
        int year, month, of_month;
        ps__calendar_text(text, day * PS__DAY_S);
        ps__day_parts(&year, &month, &of_month, day);
        snprintf(want, sizeof want, "%04d-%02d-%02dT00:00:00", year, month, of_month);
        ck_assert_str_eq(text, want);
        ck_assert_int_eq(ps__day(year, month, of_month), day);
        ck_assert_int_le(of_month, ps__days_in_month(year, month));
    }
}
END_TEST

START_TEST(days_and_months_beyond_their_ends_go_on) {
    ck_assert_int_eq(ps__day(2021, 1, 32), ps__day(2021, 2, 1));
    ck_assert_int_eq(ps__day(2021, 3, 0), ps__day(2021, 2, 28));
    ck_assert_int_eq(ps__day(2020, 3, 0), ps__day(2020, 2, 29));
    ck_assert_int_eq(ps__day(2021, 13, 1), ps__day(2022, 1, 1));
    ck_assert_int_eq(ps__day(2021, 0, 31), ps__day(2020, 12, 31));
    ck_assert_int_eq(ps__day(2021, -11, 1), ps__day(2020, 1, 1));
    ck_assert_int_eq(ps__day(1970, 1, 1), 0);
    ck_assert_int_eq(ps__day(0, 3, 1), -719468);
}
END_TEST

START_TEST(weekdays_and_lengths_of_months) {
    static const struct {
        int year, month, day, weekday;
    } cases[] = {{1970, 1, 1, 3}, {1969, 12, 31, 2}, {2026, 11, 24, 1}, {2000, 2, 29, 1},
                 {1900, 1, 1, 0}, {1826, 6, 1, 3},   {2100, 12, 31, 4}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_int_eq(ps__day_weekday(ps__day(cases[i].year, cases[i].month, cases[i].day)), cases[i].weekday);
    for (int64_t day = -1000; day < 1000; day++) ck_assert_int_eq(ps__day_weekday(day + 1), (ps__day_weekday(day) + 1) % 7);
    static const int february[][2] = {{1900, 28}, {2000, 29}, {2020, 29}, {2021, 28}, {2100, 28}};
    for (size_t i = 0; i < sizeof february / sizeof *february; i++)
        ck_assert_int_eq(ps__days_in_month(february[i][0], 2), february[i][1]);
    ck_assert_int_eq(ps__days_in_month(2021, 12), 31);
    ck_assert_int_eq(ps__days_in_month(2021, 4), 30);
}
END_TEST

START_TEST(the_farthest_days_do_not_overflow) {
    static const int64_t far[] = {INT64_MIN, INT64_MIN / 86400, INT64_MAX / 86400, INT64_MAX};
    for (int i = 0; i < 4; i++) {
        int year, month, day;
        ps__day_parts(&year, &month, &day, far[i]);
        ck_assert(month >= 1 && month <= 12 && day >= 1 && day <= 31);
        ck_assert((year < 0) == (far[i] < 0));
        int weekday = ps__day_weekday(far[i]);
        ck_assert(weekday >= 0 && weekday < 7);
        ps__when when = at(127u >> 1, 22, 6); /* nor does asking for them */
        ck_assert(ps__when_has(&when, far[i]) >= 0);
        ps__when_clear(&when);
    }
}
END_TEST

Suite *suite_when(void) {
    Suite *suite = suite_create("when");
    TCase *sets = tcase_create("sets"), *calendar = tcase_create("calendar");
    tcase_add_test(sets, spans_added_in_any_order_are_a_set);
    tcase_add_test(sets, and_and_or_are_those_of_sets);
    tcase_add_test(sets, hours_over_midnight_belong_to_the_day_before);
    tcase_add_test(sets, parts_of_the_day_are_joined_when_one_part_is_left);
    tcase_add_test(sets, a_weekday_and_a_night_are_the_nights_of_that_weekday);
    tcase_add_test(sets, an_impossible_and_is_never);
    tcase_add_test(sets, an_or_of_other_weekdays_or_hours_is_refused);
    tcase_add_test(sets, what_recurs_is_kept_where_both_agree);
    tcase_add_test(sets, sets_are_printed_as_short_as_they_are_exact);
    tcase_add_test(sets, memory_that_runs_out_is_an_error_and_leaves_the_set_sound);
    tcase_add_test(calendar, days_are_those_of_the_stores_calendar);
    tcase_add_test(calendar, days_and_months_beyond_their_ends_go_on);
    tcase_add_test(calendar, weekdays_and_lengths_of_months);
    tcase_add_test(calendar, the_farthest_days_do_not_overflow);
    suite_add_tcase(suite, sets);
    suite_add_tcase(suite, calendar);
    return suite;
}
