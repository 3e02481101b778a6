/*
** photosearch watch and status --follow, as a person or a program starts them: what they print, what they notice, how they end.
*/
#include <check.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/cli/background.h"
#include "tests/cli/program.h"

Suite *suite_cli_watch(void);

enum { DECODERS = 64 };

/* So many different photos in $T/photos, named A1.jpg and so on. */
static void add_photos(const char *letter, int count) {
    ck_assert_int_eq(e2e_run(NULL,
                             "for i in $(seq %d); do { cat $R/tests/data/images/baseline.jpg; echo %s$i; } >$T/photos/%s$i.jpg;"
                             " done",
                             count, letter, letter),
                     0);
}

/* Watches $T/photos with its events in $T/events. */
static pid_t start_watch(const char *options) {
    return background_start("\"$PS\" watch --json %s $T/photos >$T/events 2>$T/errors", options);
}

/* A watch that has many photos to read and takes its time about it: on its return some are done, most are not. */
static pid_t start_slow_watch(void) {
    add_photos("a", 300);
    pid_t watch = start_watch("--no-previews --max-cpu 1 -j 2");
    background_find("events", 0, "phase", "encode", "done", 1);
    return watch;
}

static json_t *status_now(void) {
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" status --json"), 0);
    return cli_parse(cli_out);
}

static void expect_nobody(void) {
    json_t *status = status_now();
    ck_assert_str_eq(cli_string(status, "doing"), "nothing");
    ck_assert(json_is_false(json_object_get(status, "watching")));
    ck_assert(json_is_null(json_object_get(status, "pid")));
    json_decref(status);
}

/* The number that a line of events says. */
static long long number_at(const char *name, size_t at, const char *key) {
    json_t *lines = background_lines(name);
    long long number = cli_number(json_array_get(lines, at), key);
    json_decref(lines);
    return number;
}

/* ---- Once ------------------------------------------------------------------------------------------------------------------ */

START_TEST(once_indexes_and_ends) {
    add_photos("a", 3);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" watch --once $T/photos 2>&1"), 0);
    ck_assert_msg(cli_says("everything is done: 3 indexed, 0 failed, 0 removed"), "%s", cli_out);
    json_t *status = status_now();
    ck_assert_int_eq(cli_number(status, "files"), 3);
    ck_assert_int_eq(cli_number(status, "pending"), 0);
    json_decref(status);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" watch --once $T/photos 2>&1"), 0);
    ck_assert_msg(cli_says("photosearch: everything is done\n"), "%s", cli_out);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" watch --once -q $T/photos 2>&1"), 0);
    ck_assert_str_eq(cli_out, "");
}
END_TEST

START_TEST(once_says_that_some_failed) {
    add_photos("a", 2);
    ck_assert_int_eq(e2e_run(cli_out, "echo none >$T/photos/bad.jpg; \"$PS\" watch --once $T/photos 2>&1"), 4);
    ck_assert_msg(cli_says("bad.jpg: ") && cli_says("2 indexed, 1 failed"), "%s", cli_out);
}
END_TEST

START_TEST(once_that_is_stopped_is_not_done) {
    add_photos("a", 300);
    pid_t watch = background_start("\"$PS\" watch --once --json --no-previews --max-cpu 1 $T/photos >$T/events 2>/dev/null");
    background_find("events", 0, "phase", "encode", "done", 1);
    ck_assert_int_eq(background_stop(watch, SIGINT), 3);
    expect_nobody();
}
END_TEST

/* ---- Events ---------------------------------------------------------------------------------------------------------------- */

START_TEST(events_come_in_order) {
    add_photos("a", 3);
    pid_t watch = start_watch("");
    background_find("events", 0, "event", "idle", "indexed", 3);
    ck_assert_int_eq(background_stop(watch, SIGTERM), 0);
    json_t *lines = background_lines("events"), *line;
    size_t i, count = json_array_size(lines);
    const char *before = "";
    json_array_foreach(lines, i, line) {
        const char *event = cli_string(line, "event");
        if (i == 0) ck_assert_str_eq(event, "started");
        if (i == 1) ck_assert_str_eq(event, "scanning");
        if (strcmp(event, "working") == 0) ck_assert(strcmp(before, "scanning") == 0 || strcmp(before, "working") == 0);
        ck_assert_int_eq(strcmp(event, "stopped") == 0, i + 1 == count);
        ck_assert_int_ge(cli_number(line, "watched"), 1);
        ck_assert_int_gt(cli_number(line, "time"), 1700000000);
        before = event;
    }
    ck_assert_int_eq(cli_number(json_array_get(lines, count - 1), "status"), -40);
    json_decref(lines);
    ck_assert_int_eq(e2e_run(cli_out, "cat $T/errors"), 0);
    ck_assert_str_eq(cli_out, "");
}
END_TEST

START_TEST(what_changes_is_noticed) {
    add_photos("a", 3);
    pid_t watch = start_watch("");
    size_t at = background_find("events", 0, "event", "idle", "indexed", 3);
    ck_assert_int_eq(e2e_run(NULL, "mkdir $T/photos/new; cp $R/tests/data/images/rgb.png $T/photos/new"), 0);
    at = background_find("events", at + 1, "event", "idle", "indexed", 1);
    background_until("\"$PS\" similar --json $T/photos/a1.jpg | grep -q photos/new/rgb.png");
    ck_assert_int_eq(e2e_run(NULL, "mv $T/photos/new/rgb.png $T/photos/moved.png"), 0);
    background_until("\"$PS\" similar --json $T/photos/a1.jpg >$T/found; grep -q photos/moved.png $T/found &&"
                     " ! grep -q photos/new/ $T/found");
    ck_assert_int_eq(e2e_run(NULL, "rm $T/photos/moved.png"), 0);
    background_until("\"$PS\" similar --json $T/photos/a1.jpg >$T/found; test -s $T/found && ! grep -q photos/moved.png $T/found");
    background_find("events", at + 1, "event", "idle", "removed", 1);
    ck_assert_int_eq(background_stop(watch, SIGINT), 0);
    json_t *status = status_now();
    ck_assert_int_eq(cli_number(status, "files"), 3);
    json_decref(status);
}
END_TEST

START_TEST(people_are_told_in_sentences) {
    add_photos("a", 2);
    pid_t watch = background_start("\"$PS\" watch $T/photos >$T/printed 2>$T/errors");
    background_until("grep -q 'everything is done: 2 indexed' $T/errors");
    ck_assert_int_eq(background_stop(watch, SIGINT), 0);
    ck_assert_int_eq(e2e_run(cli_out, "cat $T/printed $T/errors"), 0);
    ck_assert_msg(strncmp(cli_out, "photosearch: watching 2 folders\n", 32) == 0, "%s", cli_out);
    ck_assert_msg(cli_says("photosearch: stopped\n") && !cli_says("\033"), "%s", cli_out);
}
END_TEST

/* A folder that is not there may be a drive that comes: it is told once, and the other folder is looked after. */
START_TEST(a_folder_that_is_missing_is_waited_for) {
    pid_t watch = background_start("\"$PS\" watch --json $T/drive >$T/events 2>$T/errors");
    size_t at = background_find("events", 0, "event", "problem", "status", -4);
    ck_assert_int_gt(number_at("events", at, "retry_seconds"), 0);
    ck_assert_int_eq(e2e_run(NULL, "mkdir $T/drive.new; cp $R/tests/data/images/rgb.png $T/drive.new; mv $T/drive.new $T/drive"), 0);
    background_find("events", at, "event", "idle", "indexed", 1);
    ck_assert_int_eq(background_stop(watch, SIGINT), 0);
    ck_assert_int_eq(e2e_run(cli_out, "grep -c 'drive: No such file' $T/errors"), 0);
    ck_assert_str_eq(cli_out, "1\n");
}
END_TEST

/* ---- Ending ---------------------------------------------------------------------------------------------------------------- */

static const struct {
    int number, status;
} endings[] = {{SIGINT, 0}, {SIGTERM, 0}, {SIGKILL, 128 + SIGKILL}};

START_TEST(a_signal_at_work_leaves_nothing_behind) {
    pid_t decoders[DECODERS], watch = start_slow_watch();
    size_t count = background_decoders(decoders, DECODERS, watch);
    ck_assert_uint_ge(count, 1);
    ck_assert_int_eq(background_stop(watch, endings[_i].number), endings[_i].status);
    background_no_decoders(decoders, count);
    expect_nobody();
    json_t *status = status_now();
    ck_assert_int_gt(cli_number(status, "pending"), 0);
    json_decref(status);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" index --json $T/photos"), 0);
    json_t *result = cli_parse(cli_out);
    ck_assert_int_eq(cli_number(result, "indexed") + cli_number(result, "unchanged"), 300);
    json_decref(result);
}
END_TEST

START_TEST(a_signal_at_rest_leaves_nothing_behind) {
    pid_t decoders[DECODERS];
    add_photos("a", 2);
    pid_t watch = start_watch("");
    background_find("events", 0, "event", "idle", "indexed", 2);
    ck_assert_uint_eq(background_decoders(decoders, DECODERS, watch), 0); /* none waits for work that may never come */
    ck_assert_int_eq(background_stop(watch, endings[_i].number), endings[_i].status);
    expect_nobody();
    ck_assert_int_eq(e2e_run(NULL, "\"$PS\" watch -q --once $T/photos"), 0); /* no lock is left */
}
END_TEST

/* ---- Several programs ------------------------------------------------------------------------------------------------------ */

START_TEST(a_second_watch_is_refused) {
    char who[64];
    pid_t watch = start_watch("");
    snprintf(who, sizeof who, "watched by process %d\n", (int)watch);
    background_find("events", 0, "event", "idle", NULL, 0);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" watch $T/photos 2>&1"), 3);
    cli_expect_one_sentence();
    ck_assert_msg(cli_says(who), "%s", cli_out);
    ck_assert_int_eq(background_stop(watch, SIGINT), 0);
}
END_TEST

START_TEST(status_tells_who_does_what) {
    pid_t watch = start_slow_watch();
    json_t *status = status_now();
    ck_assert_str_eq(cli_string(status, "doing"), "encode");
    ck_assert(json_is_true(json_object_get(status, "watching")));
    ck_assert_int_eq(cli_number(status, "pid"), watch);
    ck_assert_int_ge(cli_number(status, "total"), 200);
    ck_assert_int_lt(cli_number(status, "done"), cli_number(status, "total"));
    json_decref(status);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" status"), 0);
    ck_assert_msg(cli_says("now           reading photos, "), "%s", cli_out);
    ck_assert_int_eq(background_stop(watch, SIGINT), 0);
    expect_nobody();
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" status"), 0);
    ck_assert_msg(cli_says("now           nobody watches or indexes\n"), "%s", cli_out);
}
END_TEST

START_TEST(index_says_who_is_writing) {
    char who[64];
    pid_t watch = start_slow_watch();
    snprintf(who, sizeof who, " by process %d\n", (int)watch);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" index $T/photos 2>&1"), 3);
    cli_expect_one_sentence();
    ck_assert_msg(cli_says(who), "%s", cli_out);
    ck_assert_int_eq(background_stop(watch, SIGINT), 0);
}
END_TEST

START_TEST(index_works_while_a_watch_rests) {
    add_photos("a", 2);
    pid_t watch = start_watch("");
    background_find("events", 0, "event", "idle", "indexed", 2);
    ck_assert_int_eq(e2e_run(cli_out, "mkdir $T/others; cp $R/tests/data/images/rgb.png $T/others; \"$PS\" index $T/others"), 0);
    ck_assert_msg(cli_says("1 indexed"), "%s", cli_out);
    add_photos("b", 1);
    background_find("events", 0, "event", "idle", "indexed", 1);
    ck_assert_int_eq(background_stop(watch, SIGINT), 0);
}
END_TEST

/* ---- status --follow ------------------------------------------------------------------------------------------------------- */

START_TEST(following_prints_lines_until_it_is_stopped) {
    pid_t watch = start_slow_watch();
    pid_t follower = background_start("\"$PS\" status --follow --json >$T/states");
    background_find("states", 0, "doing", "encode", "done", number_at("events", 0, "watched"));
    size_t at = background_find("states", 1, "doing", "encode", NULL, 0);
    ck_assert_int_eq(background_stop(watch, SIGTERM), 0);
    background_find("states", at, "doing", "nothing", NULL, 0);
    ck_assert_int_eq(background_stop(follower, SIGINT), 0);
}
END_TEST

START_TEST(following_ends_when_nobody_reads) {
    ck_assert_int_eq(e2e_run(NULL, "\"$PS\" watch -q --once $T/photos"), 0);
    pid_t follower = background_start("sh -c '\"$PS\" status --follow | head -n 1 >$T/line'");
    ck_assert_int_eq(background_wait(follower), 0);
    ck_assert_int_eq(e2e_run(cli_out, "cat $T/line"), 0);
    ck_assert_str_eq(cli_out, "nobody watches or indexes\n");
}
END_TEST

/* On a terminal, one line is drawn again and again, never wider than the window. */
START_TEST(following_fits_the_terminal) {
    size_t drawn = 0;
    if (e2e_run(NULL, "script -qec true /dev/null </dev/null >/dev/null 2>&1") != 0) return;
    pid_t watch = start_slow_watch();
    pid_t follower = background_start("script -qefc 'stty cols 30; exec \"$PS\" status --follow' $T/typescript >/dev/null </dev/null");
    background_until("test $(tr '\\r' '\\n' <$T/typescript | grep -c 'reading photos, ') -ge 2");
    ck_assert_int_eq(background_stop(watch, SIGTERM), 0);
    background_until("grep -q 'nobody watches' $T/typescript");
    background_stop(follower, SIGTERM);
    ck_assert_int_eq(e2e_run(cli_out, "cat $T/typescript"), 0);
    for (char *at = cli_out; (at = strstr(at, "\r\033[K")) != NULL; drawn++) {
        at += 4;
        ck_assert_msg(strcspn(at, "\r\n") < 30, "wider than 30 columns: %s", at);
    }
    ck_assert_uint_ge(drawn, 3);
}
END_TEST

Suite *suite_cli_watch(void) {
    Suite *suite = suite_create("cli_watch");
    TCase *watching = tcase_create("watching");
    tcase_add_checked_fixture(watching, cli_setup, cli_teardown);
    tcase_set_timeout(watching, 240);
    suite_add_tcase(suite, watching);
    tcase_add_test(watching, once_indexes_and_ends);
    tcase_add_test(watching, once_says_that_some_failed);
    tcase_add_test(watching, once_that_is_stopped_is_not_done);
    tcase_add_test(watching, events_come_in_order);
    tcase_add_test(watching, what_changes_is_noticed);
    tcase_add_test(watching, people_are_told_in_sentences);
    tcase_add_test(watching, a_folder_that_is_missing_is_waited_for);
    tcase_add_loop_test(watching, a_signal_at_work_leaves_nothing_behind, 0, 3);
    tcase_add_loop_test(watching, a_signal_at_rest_leaves_nothing_behind, 0, 3);
    tcase_add_test(watching, a_second_watch_is_refused);
    tcase_add_test(watching, status_tells_who_does_what);
    tcase_add_test(watching, index_says_who_is_writing);
    tcase_add_test(watching, index_works_while_a_watch_rests);
    tcase_add_test(watching, following_prints_lines_until_it_is_stopped);
    tcase_add_test(watching, following_ends_when_nobody_reads);
    tcase_add_test(watching, following_fits_the_terminal);
    return suite;
}
