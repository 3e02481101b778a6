/*
** The policy: a table of readings and what follows from them, margins on the way back, and that nothing can get it stuck.
*/
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "indexer/policy.h"
#include "tests/suites.h"

#define U NAN
static const ps__policy defaults = PS__POLICY_DEFAULT;
static const ps__power_reading unknown = PS__POWER_UNKNOWN;

/* ---- The defaults, on a device of 4 processors -------------------------------------------------------------------------- */

static const struct {
    ps__power_reading reading; /* battery, charging, skin, processor, load, idle */
    int threads;
    double duty;
    int pace, reason;
    const char *why;
} cases[] = {
    /* nothing known, and a desktop */
    {{-1, -1, U, U, U, -1}, 4, 1, PS__PACE_FULL, PS__REASON_NONE, "at full speed"},
    {{-1, 1, U, 55, 0.05, 3600}, 4, 1, PS__PACE_FULL, PS__REASON_NONE, "at full speed"},
    /* battery: pause below 20 % */
    {{100, 1, 30, 50, 0, 600}, 4, 1, PS__PACE_FULL, PS__REASON_NONE, "at full speed"},
    {{20, 0, U, U, U, -1}, 4, 0.5, PS__PACE_SLOW, PS__REASON_ON_BATTERY, "slow: on battery at 20 %"},
    {{19, 0, U, U, U, -1}, 0, 0, PS__PACE_PAUSED, PS__REASON_BATTERY_LOW, "paused: battery at 19 %, below 20 %"},
    {{14, -1, U, U, U, -1}, 0, 0, PS__PACE_PAUSED, PS__REASON_BATTERY_LOW, "paused: battery at 14 %, below 20 %"},
    {{0, 0, U, U, U, -1}, 0, 0, PS__PACE_PAUSED, PS__REASON_BATTERY_LOW, "paused: battery at 0 %, below 20 %"},
    {{3, 1, U, U, U, -1}, 4, 1, PS__PACE_FULL, PS__REASON_NONE, "at full speed"},
    /* slow on battery, however full */
    {{100, 0, U, U, U, -1}, 4, 0.5, PS__PACE_SLOW, PS__REASON_ON_BATTERY, "slow: on battery at 100 %"},
    {{-1, 0, U, U, U, -1}, 4, 0.5, PS__PACE_SLOW, PS__REASON_ON_BATTERY, "slow: on battery"},
    /* heat: pause above 42 C */
    {{80, 1, 42, U, U, -1}, 4, 1, PS__PACE_FULL, PS__REASON_NONE, "at full speed"},
    {{80, 1, 42.1, U, U, -1}, 0, 0, PS__PACE_PAUSED, PS__REASON_HOT, "paused: device at 42.1 C, above 42 C"},
    {{-1, 1, 60, U, U, -1}, 0, 0, PS__PACE_PAUSED, PS__REASON_HOT, "paused: device at 60.0 C, above 42 C"},
    {{-1, 1, U, 70, U, -1}, 4, 1, PS__PACE_FULL, PS__REASON_NONE, "at full speed"},
    {{-1, 1, 35, 86, U, -1}, 0, 0, PS__PACE_PAUSED, PS__REASON_HOT, "paused: processor at 86.0 C, above 85 C"},
    /* somebody uses it: one worker */
    {{-1, 1, U, U, U, 0}, 1, 1, PS__PACE_SLOW, PS__REASON_USER_ACTIVE, "slow: the device is in use"},
    {{-1, 1, U, U, U, 59.9}, 1, 1, PS__PACE_SLOW, PS__REASON_USER_ACTIVE, "slow: the device is in use"},
    {{-1, 1, U, U, U, 60}, 4, 1, PS__PACE_FULL, PS__REASON_NONE, "at full speed"},
    {{64, 0, U, U, U, 5}, 1, 0.5, PS__PACE_SLOW, PS__REASON_USER_ACTIVE, "slow: the device is in use, on battery at 64 %"},
    /* others need the processors: one worker */
    {{-1, 1, U, U, 0.5, -1}, 4, 1, PS__PACE_FULL, PS__REASON_NONE, "at full speed"},
    {{-1, 1, U, U, 0.73, -1}, 1, 1, PS__PACE_SLOW, PS__REASON_BUSY, "slow: other programs use 73 % of the processors"},
    {{50, 0, U, U, 0.9, 1}, 1, 0.5, PS__PACE_SLOW, PS__REASON_USER_ACTIVE,
     "slow: the device is in use, on battery at 50 %, other programs use 90 % of the processors"},
    /* the first pause is the one that is told */
    {{10, 0, 50, 99, 1, 0}, 0, 0, PS__PACE_PAUSED, PS__REASON_BATTERY_LOW, "paused: battery at 10 %, below 20 %"},
};

START_TEST(defaults_decide_as_the_table_says) {
    ps__permit p;
    ps__policy_decide(&p, &defaults, &cases[_i].reading, NULL, 4);
    ck_assert_str_eq(p.why, cases[_i].why);
    ck_assert_int_eq(p.threads, cases[_i].threads);
    ck_assert_double_eq(p.duty, cases[_i].duty);
    ck_assert_int_eq(p.pace, cases[_i].pace);
    ck_assert_int_eq(p.reason, cases[_i].reason);
}
END_TEST

/* ---- Everything can be set ---------------------------------------------------------------------------------------------- */

static ps__permit decide(const ps__policy *policy, ps__power_reading reading, const ps__permit *before) {
    ps__permit p;
    ps__policy_decide(&p, policy, &reading, before, 8);
    return p;
}

START_TEST(every_limit_can_be_set) {
    const ps__power_reading used_on_battery = {55, 0, 41, 70, 0.6, 30};
    ps__policy policy = defaults;
    policy.threads = 6;
    ck_assert_int_eq(decide(&policy, unknown, NULL).threads, 6);
    policy.max_cpu = 2.5;
    ck_assert_int_eq(decide(&policy, unknown, NULL).threads, 3);
    ck_assert_double_eq(decide(&policy, unknown, NULL).max_cpu, 2.5);
    policy.max_cpu = 1e-9;
    ck_assert_double_eq(decide(&policy, unknown, NULL).max_cpu, 0.01);

    policy = defaults;
    policy.active_threads = 3;
    policy.busy_load = 1;
    policy.battery_share = 0.25;
    ps__permit p = decide(&policy, used_on_battery, NULL);
    ck_assert_int_eq(p.threads, 3);
    ck_assert_double_eq(p.duty, 0.25);
    policy.active_threads = 0;
    ck_assert_str_eq(decide(&policy, used_on_battery, NULL).why, "paused: the device is in use");
    policy.active_seconds = 0;
    policy.battery_share = 1;
    ck_assert_int_eq(decide(&policy, used_on_battery, NULL).pace, PS__PACE_FULL);
    policy.max_temperature_c = 40;
    ck_assert_int_eq(decide(&policy, used_on_battery, NULL).reason, PS__REASON_HOT);
    policy.max_temperature_c = 0;
    policy.max_processor_c = 60;
    ck_assert_int_eq(decide(&policy, used_on_battery, NULL).reason, PS__REASON_HOT);
    policy.max_processor_c = NAN;
    policy.min_battery_percent = 56;
    ck_assert_int_eq(decide(&policy, used_on_battery, NULL).reason, PS__REASON_BATTERY_LOW);
    policy.min_battery_percent = 0;
    policy.only_when_charging = 1;
    ck_assert_int_eq(decide(&policy, used_on_battery, NULL).reason, PS__REASON_NOT_CHARGING);
    ck_assert_int_eq(decide(&policy, unknown, NULL).pace, PS__PACE_FULL);
}
END_TEST

/* ---- Margins ------------------------------------------------------------------------------------------------------------ */

static const struct {
    double value;
    int paused;
} battery_way[] = {{21, 0}, {20, 0}, {19, 1}, {20, 1}, {21, 1}, {19, 1}, {22, 0}, {21, 0}, {20, 0}, {19, 1}},
  heat_way[] = {{41, 0}, {42, 0}, {42.5, 1}, {42, 1}, {39.1, 1}, {43, 1}, {39, 0}, {41, 0}, {42, 0}, {44, 1}};

START_TEST(a_passed_limit_is_held_until_the_margin) {
    ps__permit battery, heat;
    for (int i = 0; i < 10; i++) {
        ps__power_reading r = unknown;
        r.battery_percent = (int)battery_way[i].value;
        ps__policy_decide(&battery, &defaults, &r, i ? &battery : NULL, 2);
        ck_assert_msg((battery.pace == PS__PACE_PAUSED) == battery_way[i].paused, "step %d: %s", i, battery.why);
        r = unknown;
        r.temperature_c = heat_way[i].value;
        ps__policy_decide(&heat, &defaults, &r, i ? &heat : NULL, 2);
        ck_assert_msg((heat.pace == PS__PACE_PAUSED) == heat_way[i].paused, "step %d: %s", i, heat.why);
    }
}
END_TEST

START_TEST(a_held_limit_says_where_it_ends_and_survives_another_reason) {
    ps__permit p = decide(&defaults, (ps__power_reading){15, 0, 45, U, U, -1}, NULL);
    ck_assert_str_eq(p.why, "paused: battery at 15 %, below 20 %");
    p = decide(&defaults, (ps__power_reading){21, 0, 45, U, U, -1}, &p);
    ck_assert_str_eq(p.why, "paused: battery at 21 %, goes on at 22 %");
    p = decide(&defaults, (ps__power_reading){30, 0, 40.5, U, U, -1}, &p);
    ck_assert_str_eq(p.why, "paused: device at 40.5 C, goes on at 39 C");
    p = decide(&defaults, (ps__power_reading){30, 1, 38.9, U, U, -1}, &p);
    ck_assert_str_eq(p.why, "at full speed");
    p = decide(&defaults, (ps__power_reading){15, 0, U, U, U, -1}, &p); /* plugged in, it goes on whatever was held */
    p = decide(&defaults, (ps__power_reading){15, 1, U, U, U, -1}, &p);
    ck_assert_int_eq(p.pace, PS__PACE_FULL);
    p = decide(&defaults, (ps__power_reading){-1, 1, U, U, 0.6, -1}, NULL);
    ck_assert_int_eq(decide(&defaults, (ps__power_reading){-1, 1, U, U, 0.45, -1}, &p).reason, PS__REASON_BUSY);
    ck_assert_int_eq(decide(&defaults, (ps__power_reading){-1, 1, U, U, 0.39, -1}, &p).pace, PS__PACE_FULL);
}
END_TEST

START_TEST(a_limit_near_the_top_can_still_be_left) {
    ps__policy policy = defaults;
    policy.min_battery_percent = 100;
    ps__permit p = decide(&policy, (ps__power_reading){99, 0, U, U, U, -1}, NULL);
    ck_assert_int_eq(p.pace, PS__PACE_PAUSED);
    ck_assert_int_ne(decide(&policy, (ps__power_reading){100, 0, U, U, U, -1}, &p).pace, PS__PACE_PAUSED);
}
END_TEST

START_TEST(a_request_pauses_and_keeps_what_is_held) {
    ps__permit p = decide(&defaults, (ps__power_reading){15, 0, U, U, U, -1}, NULL);
    ps__policy_request_pause(&p);
    ck_assert_str_eq(p.why, "paused: on request");
    ck_assert_str_eq(ps__reason_name(p.reason), "request");
    ck_assert_str_eq(ps__pace_name(p.pace), "paused");
    ck_assert_int_eq(p.threads, 0);
    p = decide(&defaults, (ps__power_reading){21, 0, U, U, U, -1}, &p);
    ck_assert_int_eq(p.reason, PS__REASON_BATTERY_LOW);
}
END_TEST

/* ---- Anything at all ---------------------------------------------------------------------------------------------------- */

static unsigned seed = 20240229;
static double chance(void) { return (double)rand_r(&seed) / RAND_MAX; }

static double odd(double usual) {
    static const double values[] = {NAN, INFINITY, -INFINITY, 0, -1, 1e300, -1e300};
    return chance() < 0.7 ? chance() * usual : values[rand_r(&seed) % 7];
}

static int odd_int(int usual) {
    static const int values[] = {0, -1, 1, 2147483647, -2147483647 - 1};
    return chance() < 0.7 ? (int)(chance() * usual) : values[rand_r(&seed) % 5];
}

static void random_policy(ps__policy *p) {
    *p = (ps__policy){.min_battery_percent = odd_int(100),
                      .max_temperature_c = odd(60),
                      .max_processor_c = odd(100),
                      .only_when_charging = chance() < 0.2,
                      .max_cpu = odd(8),
                      .threads = odd_int(16),
                      .active_threads = odd_int(4),
                      .active_seconds = odd(120),
                      .battery_share = odd(1),
                      .busy_load = odd(1)};
}

static void check_permit(const ps__permit *p) {
    ck_assert_msg(p->pace >= PS__PACE_FULL && p->pace <= PS__PACE_PAUSED, "pace %d", p->pace);
    ck_assert_msg((p->reason == PS__REASON_NONE) == (p->pace == PS__PACE_FULL), "pace %d for %d", p->pace, p->reason);
    ck_assert_msg((p->threads == 0) == (p->pace == PS__PACE_PAUSED) && p->threads >= 0, "%d threads, %s", p->threads, p->why);
    ck_assert_msg(p->pace == PS__PACE_PAUSED ? p->duty == 0 : p->duty >= 0.05 && p->duty <= 1, "duty %g, %s", p->duty, p->why);
    ck_assert_msg(p->max_cpu == 0 || p->max_cpu >= 0.01, "max_cpu %g", p->max_cpu);
    ck_assert_uint_lt(strnlen(p->why, sizeof p->why), sizeof p->why);
    ck_assert_uint_gt(strlen(p->why), 5);
    ck_assert_str_ne(ps__reason_name(p->reason), "unknown");
}

START_TEST(no_sequence_of_readings_gets_it_stuck) {
    const ps__power_reading good = {100, 1, 10, 10, 0, 1e9};
    ps__policy policy = defaults;
    ps__permit p, after;
    int paces[3] = {0};
    for (int i = 0; i < 100000; i++) {
        if (i % 100 == 0) random_policy(&policy);
        if (i % 1000 == 0) policy = defaults;
        ps__power_reading r = {odd_int(100), rand_r(&seed) % 3 - 1, odd(60), odd(100), odd(1), odd(200)};
        ps__policy_decide(&p, &policy, &r, i ? &p : NULL, odd_int(16));
        check_permit(&p);
        paces[p.pace]++;
        ps__policy_decide(&after, &policy, &unknown, &p, 4);
        ck_assert_msg(after.pace == PS__PACE_FULL, "the unknown pauses: %s", after.why);
        ps__policy_decide(&after, &defaults, &good, &p, 4);
        ck_assert_msg(after.pace == PS__PACE_FULL && after.threads == 4, "stuck: %s", after.why);
    }
    for (int i = 0; i < 3; i++) ck_assert_int_gt(paces[i], 1000);
}
END_TEST

Suite *suite_policy(void) {
    Suite *suite = suite_create("policy");
    TCase *table = tcase_create("table"), *margins = tcase_create("margins"), *anything = tcase_create("anything");
    tcase_add_loop_test(table, defaults_decide_as_the_table_says, 0, sizeof cases / sizeof *cases);
    tcase_add_test(table, every_limit_can_be_set);
    tcase_add_test(margins, a_passed_limit_is_held_until_the_margin);
    tcase_add_test(margins, a_held_limit_says_where_it_ends_and_survives_another_reason);
    tcase_add_test(margins, a_limit_near_the_top_can_still_be_left);
    tcase_add_test(margins, a_request_pauses_and_keeps_what_is_held);
    tcase_add_test(anything, no_sequence_of_readings_gets_it_stuck);
    suite_add_tcase(suite, table);
    suite_add_tcase(suite, margins);
    suite_add_tcase(suite, anything);
    return suite;
}
