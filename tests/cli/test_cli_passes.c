/*
** What index and watch do about previews, files that go in numbers, decoders that do not work, and options out of range.
*/
#include <check.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>

#include "tests/cli/background.h"
#include "tests/cli/program.h"

Suite *suite_cli_passes(void);

static json_t *run_json(int expected, const char *arguments) {
    ck_assert_msg(e2e_run(cli_out, "\"$PS\" --json %s", arguments) == expected, "%s: %s", arguments, cli_out);
    return cli_parse(cli_out);
}

static long long number_of(const char *arguments, const char *key) {
    json_t *json = run_json(0, arguments);
    long long number = cli_number(json, key);
    json_decref(json);
    return number;
}

/* ---- Options --------------------------------------------------------------------------------------------------------------- */

static const char *const wrong[] = {
    "watch",
    "watch --max-cpu 0 $T/photos",
    "watch --max-cpu nan $T/photos",
    "watch --max-cpu -5 $T/photos",
    "watch --max-cpu half $T/photos",
    "watch --min-battery 101 $T/photos",
    "watch --min-battery -1 $T/photos",
    "watch --max-temperature 151 $T/photos",
    "watch --max-temperature warm $T/photos",
    "watch --threads 0 $T/photos",
    "watch --threads 257 $T/photos",
    "watch --log-level loud $T/photos",
    "watch --once=yes $T/photos",
    "watch --print0 $T/photos",
    "index --once $T/photos",
    "index --max-cpu 50 $T/photos",
    "status --once",
    "search --follow cat",
    "status here",
};

START_TEST(what_cannot_be_meant_is_a_usage_error) {
    ck_assert_msg(e2e_run(cli_out, "\"$PS\" %s 2>&1", wrong[_i]) == 2, "%s: %s", wrong[_i], cli_out);
    cli_expect_one_sentence();
    ck_assert_int_eq(e2e_run(NULL, "test ! -e $T/library"), 0);
}
END_TEST

/* ---- Decoders -------------------------------------------------------------------------------------------------------------- */

static const char *const decoders[] = {"/bin/false", "/nowhere/photosearch-decoder"};
static const char *const commands[] = {"index", "watch --once"};

START_TEST(without_a_decoder_nothing_is_lost) {
    const char *decoder = decoders[_i % 2], *command = commands[_i / 2];
    cli_make_library();
    long long files = number_of("status", "files");
    ck_assert_int_eq(e2e_run(cli_out,
                             "cp $R/tests/data/images/rgb16.png $T/photos/new.png;"
                             " PHOTOSEARCH_DECODER=%s \"$PS\" %s -q $T/photos 2>&1",
                             decoder, command),
                     3);
    cli_expect_one_sentence();
    ck_assert_msg(cli_says(decoder) && cli_says("could not be started"), "%s", cli_out);
    ck_assert_int_le(e2e_run(NULL, "\"$PS\" cat >/dev/null"), 1);
    json_t *status = run_json(0, "status");
    ck_assert_int_eq(cli_number(status, "vectors"), files);
    ck_assert_int_eq(cli_number(status, "failed") + cli_number(status, "quarantined"), 0);
    json_decref(status);
    ck_assert_int_eq(number_of("index $T/photos", "indexed"), 1);
}
END_TEST

/* The tests' decoder crashes when a file begins with these words. */
START_TEST(a_photo_that_crashes_its_decoder_fails_alone) {
    cli_make_library();
    ck_assert_int_eq(e2e_run(cli_out, "printf 'TEST crash' >$T/photos/crash.jpg;"
                                      " cp $R/tests/data/images/rgb16.png $T/photos/new.png;"
                                      " PHOTOSEARCH_DECODER=$PHOTOSEARCH_TEST_BUILD/tests/decoder \"$PS\" index --json $T/photos"),
                     4);
    json_t *result = cli_parse(cli_out);
    ck_assert_int_eq(cli_number(result, "failed"), 1);
    ck_assert_int_eq(cli_number(result, "indexed"), 1);
    json_decref(result);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" failures"), 0);
    ck_assert_msg(cli_says("crash.jpg"), "%s", cli_out);
}
END_TEST

/* ---- Files that go --------------------------------------------------------------------------------------------------------- */

static void make_forty(void) {
    ck_assert_int_eq(e2e_run(NULL, "for i in $(seq 40); do { cat $R/tests/data/images/baseline.jpg; echo $i; }"
                                   " >$T/photos/$i.jpg; done; \"$PS\" index -q $T/photos >/dev/null"),
                     0);
}

START_TEST(many_that_go_at_once_are_asked_about) {
    make_forty();
    ck_assert_int_eq(e2e_run(NULL, "mkdir $T/away; mv $T/photos/1?.jpg $T/photos/2?.jpg $T/away"), 0);
    json_t *result = run_json(0, "index $T/photos");
    ck_assert_int_eq(cli_number(result, "asked"), 20);
    ck_assert_int_eq(cli_number(result, "kept"), 20);
    ck_assert_int_eq(cli_number(result, "removed"), 0);
    json_decref(result);
    ck_assert_int_eq(number_of("status", "missing"), 20);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" status"), 0);
    ck_assert_msg(cli_says("missing       20: hidden until their files are back; `photosearch index --allow-removal PATH`"), "%s",
                  cli_out);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" similar --json -k 100 $T/photos/1.jpg | grep -c 'photos/1[0-9].jpg'"), 1);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" index $T/photos 2>/dev/null"), 0);
    ck_assert_msg(cli_says("20 entries of missing files kept (--allow-removal drops them)"), "%s", cli_out);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" watch --once $T/photos 2>&1"), 0);
    ck_assert_msg(cli_says("20 files are gone at once: `photosearch index --allow-removal PATH`"), "%s", cli_out);
    ck_assert_int_eq(number_of("index --allow-removal $T/photos", "removed"), 20);
    ck_assert_int_eq(number_of("status", "missing"), 0);
    ck_assert_int_eq(number_of("status", "files"), 20);
}
END_TEST

START_TEST(what_comes_back_is_no_longer_missing) {
    make_forty();
    ck_assert_int_eq(e2e_run(NULL, "mkdir $T/away; mv $T/photos/1?.jpg $T/photos/2?.jpg $T/away;"
                                   " \"$PS\" index -q $T/photos >/dev/null"),
                     0);
    ck_assert_int_eq(number_of("status", "missing"), 20);
    ck_assert_int_eq(e2e_run(NULL, "mv $T/away/* $T/photos; \"$PS\" index -q $T/photos >/dev/null"), 0);
    ck_assert_int_eq(number_of("status", "missing"), 0);
    ck_assert_int_eq(number_of("status", "files"), 40);
}
END_TEST

/* ---- Previews -------------------------------------------------------------------------------------------------------------- */

enum { PREVIEWS = 64 };

/* Photos with previews as cameras make them, long enough that reading the preview alone pays. */
static void add_previews(void) {
    ck_assert_int_eq(e2e_run(NULL,
                             "for i in $(seq %d); do { cat $R/tests/data/previews/vga.jpg; head -c 150000 /dev/zero; echo $i; }"
                             " >$T/photos/$i.jpg; done",
                             PREVIEWS),
                     0);
}

START_TEST(previews_come_first_where_there_are_some) {
    add_previews();
    json_t *result = run_json(0, "index $T/photos");
    ck_assert_int_eq(cli_number(result, "previewed"), PREVIEWS);
    ck_assert_int_eq(cli_number(result, "indexed"), PREVIEWS);
    json_decref(result);
    result = run_json(0, "--library $T/other index --no-previews $T/photos");
    ck_assert_int_eq(cli_number(result, "previewed"), 0);
    ck_assert_int_eq(cli_number(result, "indexed"), PREVIEWS);
    json_decref(result);
}
END_TEST

static size_t count_previews(const char *arguments, size_t *all) {
    size_t i, previews = 0;
    ck_assert_int_le(e2e_run(cli_out, "\"$PS\" --json %s", arguments), 1);
    json_t *json = cli_parse(cli_out), *hit;
    *all = json_array_size(json_object_get(json, "results"));
    json_array_foreach(json_object_get(json, "results"), i, hit) {
        ck_assert(json_is_boolean(json_object_get(hit, "preview")));
        previews += json_is_true(json_object_get(hit, "preview"));
    }
    json_decref(json);
    return previews;
}

START_TEST(a_search_between_the_passes_finds_previews) {
    size_t all;
    add_previews();
    pid_t watch = background_start("\"$PS\" watch --json --max-cpu 3 -j 1 $T/photos >$T/events 2>/dev/null");
    background_find("events", 0, "phase", "encode", NULL, 0);
    ck_assert_int_eq(background_stop(watch, SIGINT), 0);
    json_t *status = run_json(0, "status");
    ck_assert_int_gt(cli_number(status, "previewed"), 0);
    ck_assert_int_le(cli_number(status, "previewed"), cli_number(status, "pending"));
    json_decref(status);
    ck_assert_uint_gt(count_previews("search -k 100 cat", &all), 0); /* files of one preview are one photo until they are read */
    ck_assert_int_eq(e2e_run(NULL, "\"$PS\" index -q $T/photos >/dev/null"), 0);
    ck_assert_uint_eq(count_previews("search -k 100 cat", &all), 0);
    ck_assert_uint_eq(all, PREVIEWS);
}
END_TEST

Suite *suite_cli_passes(void) {
    Suite *suite = suite_create("cli_passes");
    TCase *passes = tcase_create("passes");
    tcase_add_checked_fixture(passes, cli_setup, cli_teardown);
    tcase_set_timeout(passes, 120);
    suite_add_tcase(suite, passes);
    tcase_add_loop_test(passes, what_cannot_be_meant_is_a_usage_error, 0, sizeof wrong / sizeof *wrong);
    tcase_add_loop_test(passes, without_a_decoder_nothing_is_lost, 0, 4);
    tcase_add_test(passes, a_photo_that_crashes_its_decoder_fails_alone);
    tcase_add_test(passes, many_that_go_at_once_are_asked_about);
    tcase_add_test(passes, what_comes_back_is_no_longer_missing);
    tcase_add_test(passes, previews_come_first_where_there_are_some);
    tcase_add_test(passes, a_search_between_the_passes_finds_previews);
    return suite;
}
