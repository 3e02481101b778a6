/*
** The governor on a simulated device: its brakes over simulated hours, pauses that begin and end, and that it lets go when asked.
*/
#include <check.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/os.h"
#include "indexer/governor.h"
#include "tests/indexer/simulator.h"
#include "tests/suites.h"

#define WORKERS 4
#define LONGEST_NS (400 * INT64_C(1000000)) /* of the simulated photos */

/* ---- A device and its workers ------------------------------------------------------------------------------------------- */

static ps__power_reading (*script)(double second); /* how the device fares then */
static atomic_int reads;
static int64_t last_read, shortest_between; /* simulated nanoseconds */
static double end_second, cpu_ratio;        /* when workers stop; their CPU time for each second of work */
static int64_t photo_ns;                    /* 0: 50 to 400 ms */
static ps__governor *governor;
static atomic_int cancel;
static ps__error err;
static void (*at_start)(int worker, double second); /* told of each photo */

static void read_device(ps__power_reading *out, void *payload) {
    (void)payload;
    if (atomic_fetch_add(&reads, 1) > 0 && sim_now() - last_read < shortest_between) shortest_between = sim_now() - last_read;
    last_read = sim_now();
    *out = script(sim_seconds());
}

static const ps__power device = {read_device, NULL};

typedef struct worker {
    int number;
    unsigned seed;
    int64_t worked, used; /* nanoseconds of wall and CPU time */
    int64_t photos;
    int status;
} worker;

static void *work(void *payload) {
    worker *w = payload;
    while (w->status == PS__OK && sim_seconds() < end_second) {
        if ((w->status = ps__governor_enter(governor, w->number)) != PS__OK || sim_seconds() >= end_second) break;
        int64_t wall = photo_ns ? photo_ns : 50 * INT64_C(1000000) + rand_r(&w->seed) % (LONGEST_NS - 50 * INT64_C(1000000));
        int64_t cpu = (int64_t)((double)wall * cpu_ratio);
        if (at_start) at_start(w->number, sim_seconds());
        sim_sleep(wall);
        w->worked += wall;
        w->used += cpu;
        w->photos++;
        w->status = ps__governor_leave(governor, w->number, wall, cpu);
    }
    atomic_store(&cancel, 1); /* for those who would wait for their turn for ever */
    sim_leave();
    return NULL;
}

static void begin(const ps__policy *policy, int threads) {
    sim_begin(threads);
    shortest_between = INT64_MAX;
    ck_assert_msg(ps__governor_new(&governor, policy, &device, WORKERS, &cancel, NULL, &err) == PS__OK, "%s", err.text);
}

/* WORKERS workers until end_second; the sums. `boss` (may be NULL) runs as one more thread. */
static worker run(const ps__policy *policy, void *(*boss)(void *)) {
    worker workers[WORKERS], sum = {0};
    pthread_t threads[WORKERS + 1];
    begin(policy, WORKERS + (boss != NULL));
    for (int i = 0; i < WORKERS; i++) {
        workers[i] = (worker){.number = i, .seed = 7U * (unsigned)i + 1};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    if (boss) ck_assert_int_eq(pthread_create(&threads[WORKERS], NULL, boss, NULL), 0);
    for (int i = 0; i < WORKERS + (boss != NULL); i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < WORKERS; i++) {
        sum.worked += workers[i].worked;
        sum.used += workers[i].used;
        sum.photos += workers[i].photos;
        if (workers[i].status != PS__OK) sum.status = workers[i].status;
    }
    ps__governor_free(governor);
    return sum;
}

static void setup(void) {
    script = NULL;
    at_start = NULL;
    photo_ns = 0;
    cpu_ratio = 0.95;
    atomic_store(&reads, 0);
    atomic_store(&cancel, 0);
}

static ps__power_reading fine(double second) {
    (void)second;
    return (ps__power_reading){100, 1, 30, 50, 0, 3600};
}

static ps__power_reading on_battery(double second) {
    (void)second;
    return (ps__power_reading){80, 0, 30, 50, 0, 3600};
}

static void check_share(double is, double wanted, const char *what) {
    ck_assert_msg(fabs(is - wanted) <= 0.02 * wanted, "%s: %.4f instead of %.4f", what, is, wanted);
}

/* ---- Brakes ------------------------------------------------------------------------------------------------------------- */

START_TEST(nothing_brakes_without_a_reason) {
    ps__policy policy = PS__POLICY_DEFAULT;
    script = fine;
    end_second = 600;
    check_share((double)run(&policy, NULL).worked / 1e9 / end_second, WORKERS, "workers");
}
END_TEST

static const double duties[] = {0.05, 0.25, 0.5, 0.9};

START_TEST(the_duty_on_battery_holds) {
    ps__policy policy = PS__POLICY_DEFAULT;
    policy.battery_share = duties[_i];
    script = on_battery;
    end_second = 900;
    check_share((double)run(&policy, NULL).worked / 1e9 / end_second, WORKERS * duties[_i], "workers");
}
END_TEST

static const struct {
    double max_cpu, ratio; /* limit, and CPU time for each second of work: helpers may bring it above 1 */
    ps__power_reading (*script)(double);
    double wanted; /* processors' worth */
} limits[] = {
    {0.1, 0.95, fine, 0.1},       {0.5, 0.95, fine, 0.5}, {0.5, 1.4, fine, 0.5}, {1, 1.2, fine, 1}, {1.5, 0.95, fine, 1.5},
    {3, 1.3, fine, 3},            {3, 0.5, fine, 1.5}, /* three workers get no further */
    {0.25, 0.95, on_battery, 0.25}, /* the tighter of two brakes holds */
    {2, 0.95, on_battery, 0.95},
};

START_TEST(the_limit_on_processor_time_holds) {
    ps__policy policy = PS__POLICY_DEFAULT;
    policy.max_cpu = limits[_i].max_cpu;
    script = limits[_i].script;
    cpu_ratio = limits[_i].ratio;
    end_second = 900;
    check_share((double)run(&policy, NULL).used / 1e9 / end_second, limits[_i].wanted, "processors");
}
END_TEST

START_TEST(a_quiet_time_saves_up_no_burst) {
    ps__policy policy = PS__POLICY_DEFAULT;
    policy.max_cpu = 0.5;
    script = fine;
    begin(&policy, 1);
    sim_sleep(3600 * SIM_SECOND);
    int64_t start = sim_now();
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(ps__governor_enter(governor, 0), PS__OK);
        sim_sleep(SIM_SECOND);
        ck_assert_int_eq(ps__governor_leave(governor, 0, SIM_SECOND, SIM_SECOND), PS__OK);
    }
    ck_assert_int_eq(sim_now() - start, 40 * SIM_SECOND);
    ps__governor_free(governor);
}
END_TEST

/* ---- Pauses ------------------------------------------------------------------------------------------------------------- */

static const double SLACK = 5.0; /* a reading's age */
static double quiet_from, quiet_until, last_before, first_after;
static atomic_int trespasses;
static pthread_mutex_t note_lock = PTHREAD_MUTEX_INITIALIZER;

static void note_start(int number, double second) {
    (void)number;
    pthread_mutex_lock(&note_lock);
    if (second > quiet_from + SLACK && second < quiet_until) atomic_fetch_add(&trespasses, 1);
    if (second < quiet_until && second > last_before) last_before = second;
    if (second >= quiet_until && second < first_after) first_after = second;
    pthread_mutex_unlock(&note_lock);
}

/* 1 % less a minute from 25 % on, from minute 15 on 1 % more, by a charger that does not tell. */
static ps__power_reading drain_and_fill(double second) {
    double minute = floor(second / 60);
    return (ps__power_reading){(int)(minute < 15 ? 25 - minute : minute - 5), minute < 15 ? 0 : -1, 30, 50, 0, 3600};
}

/* 35 C, a degree more a minute up to 50 C, then back down. */
static ps__power_reading heat_and_cool(double second) {
    double minute = floor(second / 60);
    return (ps__power_reading){100, 1, minute < 15 ? 35 + minute : 65 - minute, 50, 0, 3600};
}

static const struct {
    ps__power_reading (*script)(double);
    double from, until; /* seconds that the pause is to last, exactly known */
} pauses[] = {
    {drain_and_fill, 6 * 60, 27 * 60}, /* 19 % .. 22 % */
    {heat_and_cool, 8 * 60, 26 * 60},  /* 43 C .. 39 C */
};

START_TEST(a_pause_begins_within_a_photo_and_ends_by_itself) {
    ps__policy policy = PS__POLICY_DEFAULT;
    script = pauses[_i].script;
    quiet_from = pauses[_i].from;
    quiet_until = pauses[_i].until;
    last_before = 0;
    first_after = 1e9;
    atomic_store(&trespasses, 0);
    at_start = note_start;
    end_second = 3000;
    worker sum = run(&policy, NULL);
    ck_assert_int_eq(atomic_load(&trespasses), 0);
    ck_assert_msg(last_before > quiet_from - 1, "worked until %.1f s only, not %.1f s", last_before, quiet_from);
    ck_assert_msg(first_after < quiet_until + SLACK + 0.3, "went on at %.1f s instead of %.1f s", first_after, quiet_until);
    ck_assert_int_gt(sum.photos, 1000);
    ck_assert_int_ge(shortest_between, PS__GOVERNOR_READ_NS);
    ck_assert_int_ge(atomic_load(&reads), 3000 / 6); /* five seconds and the rest of a photo */
}
END_TEST

static atomic_int started[WORKERS];
static ps__power_reading used_for_ten_minutes(double second) {
    return (ps__power_reading){-1, 1, NAN, NAN, NAN, second < 600 ? 1 : second - 600};
}
static void count_users(int number, double second) {
    if (second > 0.5 && second < 650) atomic_fetch_add(&started[number], 1);
}

START_TEST(one_worker_works_while_somebody_uses_the_device) {
    ps__policy policy = PS__POLICY_DEFAULT;
    script = used_for_ten_minutes;
    at_start = count_users;
    end_second = 900;
    worker sum = run(&policy, NULL);
    ck_assert_int_gt(atomic_load(&started[0]), 1000);
    for (int i = 1; i < WORKERS; i++) ck_assert_int_eq(atomic_load(&started[i]), 0);
    ck_assert_double_gt((double)sum.worked / 1e9, 650 + 230 * WORKERS);
    ck_assert_double_lt((double)sum.worked / 1e9, 662 + 240 * WORKERS);
}
END_TEST

/* ---- Requests ----------------------------------------------------------------------------------------------------------- */

static void *request_two_pauses(void *unused) {
    sim_sleep_until(SIM_START + 100 * SIM_SECOND);
    ps__governor_pause(governor, 1);
    ps__governor_pause(governor, 1);
    sim_sleep_until(SIM_START + 400 * SIM_SECOND);
    ps__governor_pause(governor, 0);
    sim_leave();
    return unused;
}

START_TEST(a_pause_on_request_lasts_until_it_is_taken_back) {
    ps__policy policy = PS__POLICY_DEFAULT;
    script = fine;
    end_second = 500;
    check_share((double)run(&policy, request_two_pauses).worked / 1e9 / WORKERS, 200, "seconds of work");
}
END_TEST

static double left_second;
static void *cancel_later(void *unused) {
    sim_sleep_until(SIM_START + 1000 * SIM_SECOND + 1);
    atomic_store(&cancel, 1);
    sim_sleep(PS__GOVERNOR_LOOK_NS);
    left_second = sim_seconds();
    sim_leave();
    return unused;
}

static ps__power_reading empty(double second) {
    (void)second;
    return (ps__power_reading){1, 0, NAN, NAN, NAN, -1};
}

START_TEST(cancel_ends_a_pause_and_a_long_sleep) {
    ps__policy policy = PS__POLICY_DEFAULT;
    end_second = 1e6;
    script = _i == 0 ? empty : fine;
    if (_i == 1) { /* one photo, then a sleep of 100 minutes */
        policy.max_cpu = 0.01;
        photo_ns = 60 * SIM_SECOND;
    }
    worker sum = run(&policy, cancel_later);
    ck_assert_int_eq(sum.status, PS__CANCELLED);
    ck_assert_int_eq(sum.photos, _i);
    ck_assert_double_le(sim_seconds(), 1000 + 0.2 + 1e-6); /* the clock stands where the last one left */
}
END_TEST

static char logged[512];
static void log_line(int level, const char *text, void *payload) {
    ck_assert_int_eq(level, PS__LOG_INFO);
    ck_assert_ptr_eq(payload, logged);
    strncat(logged, text, sizeof logged - strlen(logged) - 2);
    strcat(logged, "\n");
}

static ps__power_reading a_day(double second) {
    return second < 60 ? fine(second) : second < 120 ? on_battery(second) : second < 180 ? empty(second) : fine(second);
}

START_TEST(each_change_of_pace_is_one_line) {
    const ps__policy policy = PS__POLICY_DEFAULT;
    const ps__log log = {log_line, PS__LOG_INFO, logged};
    ps__permit permit;
    script = a_day;
    sim_begin(1);
    ck_assert_int_eq(ps__governor_new(&governor, &policy, &device, 2, NULL, &log, &err), PS__OK);
    for (int i = 0; i < 300; i++) {
        sim_sleep(SIM_SECOND);
        ps__governor_permit(&permit, governor);
        if (i == 200 || i == 210) ps__governor_pause(governor, i == 200);
        if (i == 205) ck_assert_int_eq(permit.reason, PS__REASON_REQUEST);
    }
    ck_assert_str_eq(logged, "indexing slow: on battery at 80 %\nindexing paused: battery at 1 %, below 20 %\n"
                             "indexing at full speed\nindexing paused: on request\nindexing at full speed\n");
    ps__governor_free(governor);
}
END_TEST

/* ---- Anything at all ---------------------------------------------------------------------------------------------------- */

static unsigned seed = 99;
static ps__power_reading at_random(double second) {
    (void)second;
    return (ps__power_reading){rand_r(&seed) % 102 - 1,          rand_r(&seed) % 3 - 1,          rand_r(&seed) % 60,
                               rand_r(&seed) % 100,              (rand_r(&seed) % 12) / 10.0,    rand_r(&seed) % 200 - 1};
}

START_TEST(a_worker_always_comes_through_in_the_end) {
    const ps__policy policy = {.min_battery_percent = 20, .max_temperature_c = 42, .max_processor_c = 85, .active_threads = 1,
                               .active_seconds = 60, .battery_share = 0.5, .busy_load = 0.5, .max_cpu = 1.5};
    script = at_random;
    begin(&policy, 1);
    for (int i = 0; i < 100000; i++) {
        int64_t wall = rand_r(&seed) % 1000 * INT64_C(1000000), before = sim_waits(), start;
        int64_t cpu = (int64_t)rand_r(&seed) - RAND_MAX / 4;
        ck_assert_int_eq(ps__governor_enter(governor, 0), PS__OK);
        ck_assert_int_lt(sim_waits() - before, 25 * 200); /* 200 readings in a row that all pause */
        if (i % 1000 == 0) wall = -wall, cpu = INT64_MIN;
        sim_sleep(wall > 0 ? wall : 0);
        start = sim_now();
        ck_assert_int_eq(ps__governor_leave(governor, 0, wall, cpu), PS__OK);
        ck_assert_int_le(sim_now() - start, SIM_SECOND * 3); /* 2 s of CPU time at the most, 1 s of wall time */
    }
    ck_assert_int_gt(atomic_load(&reads), 10000);
    ps__governor_free(governor);
}
END_TEST

/* ---- On the real clock -------------------------------------------------------------------------------------------------- */

static void *enter_and_leave(void *status) {
    *(int *)status = ps__governor_enter(governor, 0);
    if (*(int *)status == PS__OK) *(int *)status = ps__governor_leave(governor, 0, 1000, 1000);
    return NULL;
}

START_TEST(a_waiting_worker_is_woken) {
    const ps__policy policy = PS__POLICY_DEFAULT;
    pthread_t thread;
    int status = 1;
    ck_assert_int_eq(ps__governor_new(&governor, &policy, NULL, 2, &cancel, NULL, &err), PS__OK);
    ps__governor_pause(governor, 1);
    ck_assert_int_eq(pthread_create(&thread, NULL, enter_and_leave, &status), 0);
    if (_i == 0) {
        ps__governor_pause(governor, 0);
    } else {
        atomic_store(&cancel, 1); /* as a signal handler does: nobody is told */
        if (_i == 2) ps__governor_wake(governor);
    }
    pthread_join(thread, NULL);
    ck_assert_int_eq(status, _i == 0 ? PS__OK : PS__CANCELLED);
    ps__governor_free(governor);
}
END_TEST

START_TEST(memory_that_runs_out_is_said) {
    const ps__policy policy = PS__POLICY_DEFAULT;
    ps__alloc_fail_after(0, 1);
    ck_assert_int_eq(ps__governor_new(&governor, &policy, NULL, 2, NULL, NULL, &err), PS__NOMEM);
    ps__alloc_fail_after(-1, 0);
    ck_assert_ptr_null(governor);
    ps__governor_free(NULL);
}
END_TEST

Suite *suite_governor(void) {
    Suite *suite = suite_create("governor");
    TCase *brakes = tcase_create("brakes"), *pause = tcase_create("pauses"), *asked = tcase_create("requests");
    TCase *all[] = {brakes, pause, asked};
    tcase_add_test(brakes, nothing_brakes_without_a_reason);
    tcase_add_loop_test(brakes, the_duty_on_battery_holds, 0, sizeof duties / sizeof *duties);
    tcase_add_loop_test(brakes, the_limit_on_processor_time_holds, 0, sizeof limits / sizeof *limits);
    tcase_add_test(brakes, a_quiet_time_saves_up_no_burst);
    tcase_add_loop_test(pause, a_pause_begins_within_a_photo_and_ends_by_itself, 0, sizeof pauses / sizeof *pauses);
    tcase_add_test(pause, one_worker_works_while_somebody_uses_the_device);
    tcase_add_test(pause, a_worker_always_comes_through_in_the_end);
    tcase_add_test(asked, a_pause_on_request_lasts_until_it_is_taken_back);
    tcase_add_loop_test(asked, cancel_ends_a_pause_and_a_long_sleep, 0, 2);
    tcase_add_test(asked, each_change_of_pace_is_one_line);
    tcase_add_loop_test(asked, a_waiting_worker_is_woken, 0, 3);
    tcase_add_test(asked, memory_that_runs_out_is_said);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        tcase_add_checked_fixture(all[i], setup, ps__os_reset);
        suite_add_tcase(suite, all[i]);
    }
    return suite;
}
