/*
** On this day: which photos belong to a day of earlier years, and their order.
*/
#include <check.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/photosearch.h"
#include "base/alloc.h"
#include "base/os.h"
#include "store/calendar.h"
#include "tests/store/faulty_vfs.h"
#include "tests/store/library.h"

Suite *suite_on_this_day(void);

static ps_library *library;

enum { BY_CAMERA = PS__TAKEN_EXIF, BY_NAME = PS__TAKEN_NAME_DAY, BY_FILE = PS__TAKEN_MTIME };

/* A photo called NAME, taken then. */
static void add(const char *name, const char *taken, int source) {
    char path[64], sql[192], db_path[LIBRARY_PATH + 16];
    int64_t seconds, id;
    sqlite3 *db;
    ps__store *store = library_open(PS__STORE_CREATE);
    snprintf(path, sizeof path, "/photos/%s.jpg", name);
    id = library_add(store, path, name);
    ps__store_close(store);
    ck_assert_int_eq(ps__calendar_parse(&seconds, taken), 1);
    snprintf(sql, sizeof sql, "UPDATE photos SET taken = %lld, taken_source = %d WHERE id = %lld", (long long)seconds, source,
             (long long)id);
    snprintf(db_path, sizeof db_path, "%.4000s/library.db", library_dir);
    ck_assert_int_eq(sqlite3_open(db_path, &db), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, "%s", sqlite3_errmsg(db));
    sqlite3_close(db);
}

static void setup(void) {
    library_setup();
    faulty_vfs_install();
    library = NULL;
}

static void teardown(void) {
    ps_library_close(library);
    ps__os_reset();
    library_teardown();
}

/* The names of what is found, in order. */
static const char *found(const char *date, int days, size_t limit) {
    static char text[1024];
    ps_day_options options = PS_DAY_OPTIONS_INIT;
    ps_results *results;
    options.date = date;
    options.days = days;
    if (limit) options.limit = limit;
    if (!library) ck_assert_int_eq(ps_library_open(&library, library_dir, NULL), PS_OK);
    ck_assert_msg(ps_on_this_day(&results, library, &options) == PS_OK, "%s", ps_last_error(library));
    text[0] = 0;
    for (size_t i = 0; i < ps_results_count(results); i++) {
        ps_hit hit = PS_HIT_INIT;
        ck_assert_int_eq(ps_results_hit(&hit, results, i), PS_OK);
        ck_assert(hit.score == 1.0 && hit.verdict == PS_VERDICT_GOOD && hit.taken);
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%.*s", i ? " " : "", (int)strcspn(hit.path + 8, "."),
                 hit.path + 8);
    }
    ck_assert_int_eq(ps_results_verdict(results), text[0] ? PS_VERDICT_GOOD : PS_VERDICT_NONE);
    ps_results_free(results);
    return text;
}

START_TEST(the_newest_year_comes_first_and_each_day_from_morning_to_night) {
    add("noon19", "2019-07-04T12:00:00", BY_CAMERA);
    add("morning19", "2019-07-04T00:00:00", BY_CAMERA);
    add("late19", "2019-07-04T23:59:59", BY_CAMERA);
    add("next19", "2019-07-05T00:00:00", BY_CAMERA);
    add("before19", "2019-07-03T23:59:59", BY_CAMERA);
    add("old", "1926-07-04T10:00:00", BY_NAME);
    add("new", "2025-07-04T10:00:00", BY_CAMERA);
    add("today", "2026-07-04T10:00:00", BY_CAMERA);
    add("later", "2027-07-04T10:00:00", BY_CAMERA);
    ck_assert_str_eq(found("2026-07-04", 0, 0), "new morning19 noon19 late19 old");
    ck_assert_str_eq(found("2026-07-04", 1, 0), "new before19 morning19 noon19 late19 next19 old");
    ck_assert_str_eq(found("2028-07-04", 0, 0), "later today new morning19 noon19 late19 old");
    ck_assert_str_eq(found("1900-07-04", 0, 0), "");
    ck_assert_str_eq(found("2026-07-06", 0, 0), "");
}
END_TEST

START_TEST(times_of_files_do_not_count) {
    add("copied", "2020-07-04T10:00:00", BY_FILE);
    ck_assert_str_eq(found("2026-07-04", 0, 0), "");
    add("named", "2020-07-04T10:00:00", BY_NAME);
    ck_assert_str_eq(found("2026-07-04", 0, 0), "named");
}
END_TEST

START_TEST(a_limit_is_one_of_each_year_and_costs_other_days_first) {
    add("a", "2020-07-02T10:00:00", BY_CAMERA);
    add("b", "2020-07-04T11:00:00", BY_CAMERA);
    add("c", "2020-07-05T10:00:00", BY_CAMERA);
    add("d", "2021-07-05T10:00:00", BY_CAMERA);
    add("e", "2021-07-03T10:00:00", BY_CAMERA);
    ck_assert_str_eq(found("2026-07-04", 3, 1), "e b");
    ck_assert_str_eq(found("2026-07-04", 3, 2), "e d b c");
    ck_assert_str_eq(found("2026-07-04", 3, 9), "e d a b c");
}
END_TEST

START_TEST(leap_days_and_turns_of_the_year) {
    add("leap", "2020-02-29T10:00:00", BY_CAMERA);
    add("feb28", "2021-02-28T10:00:00", BY_CAMERA);
    add("mar1", "2021-03-01T10:00:00", BY_CAMERA);
    add("eve", "2019-12-31T22:00:00", BY_CAMERA);
    add("newyear", "2020-01-01T01:00:00", BY_CAMERA);
    ck_assert_str_eq(found("2024-02-29", 0, 0), "feb28 leap");
    ck_assert_str_eq(found("2024-02-28", 1, 0), "feb28 mar1 leap");
    ck_assert_str_eq(found("2026-02-28", 0, 0), "feb28 leap"); /* a year without a 29th remembers it on the 28th */
    ck_assert_str_eq(found("2024-02-28", 0, 0), "feb28");
    ck_assert_str_eq(found("2026-02-28", 1, 0), "feb28 mar1 leap");
    ck_assert_str_eq(found("2026-01-01", 1, 0), "eve newyear");
    ck_assert_str_eq(found("2020-12-31", 1, 0), "eve newyear");
    ck_assert_str_eq(found("2026-12-31", 0, 0), "eve");
}
END_TEST

static int64_t on_a_summer_day(void) { return INT64_C(1783166400); } /* 2026-07-04T12:00:00 */

START_TEST(today_is_the_clocks) {
    add("then", "2024-07-04T10:00:00", BY_CAMERA);
    add("not", "2024-07-05T10:00:00", BY_CAMERA);
    ps__os.wall_seconds = on_a_summer_day;
    ck_assert_str_eq(found(NULL, 0, 0), "then");
    ck_assert_str_eq(found("07-05", 0, 0), "not");
    add("leap", "2024-02-29T10:00:00", BY_CAMERA);
    ck_assert_str_eq(found("02-29", 0, 0), "leap"); /* though 2026 has none */
    ps_results *results;
    ck_assert_int_eq(ps_on_this_day(&results, library, NULL), PS_OK);
    ck_assert_uint_eq(ps_results_count(results), 1);
    ps_results_free(results);
}
END_TEST

START_TEST(photos_that_are_away_are_not_shown) {
    add("a", "2024-07-04T10:00:00", BY_CAMERA);
    add("b", "2024-07-04T11:00:00", BY_CAMERA);
    ps__store *store = library_open(PS__STORE_WRITE);
    ps__error err = {0};
    ps__file file;
    ck_assert_int_eq(ps__store_file(&file, store, "/photos/a.jpg", &err), PS__OK);
    ck_assert_int_eq(ps__store_write(store, &err), PS__OK);
    ck_assert_int_eq(ps__store_file_gone(NULL, store, file.id, &err), PS__OK);
    ck_assert_int_eq(ps__store_commit(store, &err), PS__OK);
    ps__store_close(store);
    ck_assert_str_eq(found("2026-07-04", 0, 1), "b");
}
END_TEST

static const char *const NO_DAYS[] = {"",      "today",      "7-4",       "13-01",      "00-10",       "02-30",
                                      "04-31", "2026-02-29", "2026-7-04", "0000-01-01", "2026-07-04x", "07-04 ",
                                      "-1-01", "+1-01",      " 1-01",     "20260704-1", "2026-07--4"};

START_TEST(what_is_no_day_is_refused) {
    ps_day_options options = PS_DAY_OPTIONS_INIT;
    ps_results *results;
    ck_assert_int_eq(ps_library_open(&library, library_dir, NULL), PS_OK);
    options.date = NO_DAYS[_i];
    ck_assert_msg(ps_on_this_day(&results, library, &options) == PS_INVALID, "\"%s\"", NO_DAYS[_i]);
    ck_assert_ptr_null(results);
    ck_assert_ptr_nonnull(strstr(ps_last_error(library), "is no day"));
}
END_TEST

START_TEST(options_out_of_range_are_refused) {
    ps_results *results;
    ps_day_options options = PS_DAY_OPTIONS_INIT;
    ck_assert_int_eq(ps_library_open(&library, library_dir, NULL), PS_OK);
    ck_assert_int_eq(ps_on_this_day(&results, library, &options), PS_OK); /* an empty library */
    ck_assert_uint_eq(ps_results_count(results), 0);
    ps_results_free(results);
    ck_assert_int_eq(ps_on_this_day(NULL, library, &options), PS_INVALID);
    ck_assert_int_eq(ps_on_this_day(&results, NULL, &options), PS_INVALID);
    options.days = 31;
    ck_assert_int_eq(ps_on_this_day(&results, library, &options), PS_INVALID);
    options.days = -1;
    ck_assert_int_eq(ps_on_this_day(&results, library, &options), PS_INVALID);
    options.days = 0;
    options.limit = 0;
    ck_assert_int_eq(ps_on_this_day(&results, library, &options), PS_INVALID);
    options.limit = 10001;
    ck_assert_int_eq(ps_on_this_day(&results, library, &options), PS_INVALID);
    options.limit = 1;
    options.version = 99;
    ck_assert_int_eq(ps_on_this_day(&results, library, &options), PS_INVALID);
}
END_TEST

START_TEST(every_allocation_may_fail) {
    int status = PS_NOMEM;
    ps_day_options options = PS_DAY_OPTIONS_INIT;
    options.date = "2026-07-04";
    options.days = 2;
    add("a", "2024-07-04T10:00:00", BY_CAMERA);
    add("b", "2023-07-05T11:00:00", BY_CAMERA);
    ck_assert_str_eq(found("2026-07-04", 2, 0), "a b");
    for (long n = 0; status != PS_OK; n++) {
        ps_results *results;
        ck_assert_int_lt(n, 3000);
        ps__alloc_fail_after(n, 0);
        status = ps_on_this_day(&results, library, &options);
        ps__alloc_fail_after(-1, 0);
        ck_assert_msg(status == PS_OK || status == PS_NOMEM, "%ld: %d %s", n, status, ps_last_error(library));
        ck_assert(status == PS_OK || !results);
        ck_assert_uint_eq(ps_results_count(results), status == PS_OK ? 2 : 0);
        ps_results_free(results);
    }
}
END_TEST

START_TEST(every_call_of_sqlite_may_fail) {
    int reached = 1, errors = 0;
    ps_day_options options = PS_DAY_OPTIONS_INIT;
    options.date = "2026-07-04";
    add("a", "2024-07-04T10:00:00", BY_CAMERA);
    for (long n = 0; reached; n++) {
        ps_results *results;
        ps_library_close(library); /* so that pages are read anew */
        ck_assert_int_eq(ps_library_open(&library, library_dir, NULL), PS_OK);
        faulty_vfs_fail_one(n);
        int status = ps_on_this_day(&results, library, &options);
        reached = faulty_vfs_failed() != NULL;
        faulty_vfs_fail_one(-1);
        errors += status != PS_OK;
        ck_assert_uint_eq(ps_results_count(results), status == PS_OK ? 1 : 0);
        ps_results_free(results);
    }
    ck_assert_int_gt(errors, 2);
}
END_TEST

Suite *suite_on_this_day(void) {
    Suite *suite = suite_create("on_this_day");
    TCase *tests = tcase_create("on_this_day");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, the_newest_year_comes_first_and_each_day_from_morning_to_night);
    tcase_add_test(tests, times_of_files_do_not_count);
    tcase_add_test(tests, a_limit_is_one_of_each_year_and_costs_other_days_first);
    tcase_add_test(tests, leap_days_and_turns_of_the_year);
    tcase_add_test(tests, today_is_the_clocks);
    tcase_add_test(tests, photos_that_are_away_are_not_shown);
    tcase_add_loop_test(tests, what_is_no_day_is_refused, 0, sizeof NO_DAYS / sizeof *NO_DAYS);
    tcase_add_test(tests, options_out_of_range_are_refused);
    tcase_add_test(tests, every_allocation_may_fail);
    tcase_add_test(tests, every_call_of_sqlite_may_fail);
    suite_add_tcase(suite, tests);
    return suite;
}
