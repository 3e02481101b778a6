/*
** photosearch read-text, with the tests' reader, which reads "hello" wherever it is told that there may be writing.
*/
#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "api/photosearch.h"
#include "tests/cli/program.h"

Suite *suite_cli_reading(void);

/* The reader is found by $PHOTOSEARCH_READER; a sign, two photos, and a file that is broken, in the library. */
static void setup(void) {
    const char *build = getenv("PHOTOSEARCH_TEST_BUILD");
    char *reader = realpath(build ? build : "build/plain", NULL);
    char path[4096];
    ck_assert_ptr_nonnull(reader);
    snprintf(path, sizeof path, "%s/tests/reader", reader);
    free(reader);
    cli_setup();
    setenv("PHOTOSEARCH_READER", path, 1);
    ck_assert_int_eq(e2e_run(NULL, "cp $R/tests/data/reading/sign.png $R/tests/data/photos/cat.jpg $R/tests/data/photos/coffee.jpg $T/photos;"
                                   " echo none > $T/photos/broken.jpg; \"$PS\" --quiet index $T/photos >$T/out"),
                     4);
}

static void teardown(void) {
    unsetenv("PHOTOSEARCH_READER");
    cli_teardown();
}

static json_t *read_json(const char *arguments) {
    ck_assert_msg(e2e_run(cli_out, "\"$PS\" --json read-text %s", arguments) == 0, "%s: %s", arguments, cli_out);
    return cli_parse(cli_out);
}

static void expect(const char *arguments, long long read, long long with_text, long long left) {
    json_t *json = read_json(arguments);
    ck_assert_int_eq(cli_number(json, "read"), read);
    ck_assert_int_eq(cli_number(json, "with_text"), with_text);
    ck_assert_int_eq(cli_number(json, "left"), left);
    ck_assert_int_eq(cli_number(json, "failed"), 0);
    json_decref(json);
}

START_TEST(each_photo_is_read_once) {
    expect("", 3, 1, 0);
    expect("", 0, 0, 0);
    expect("--all", 3, 1, 0);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" read-text"), 0);
    ck_assert_str_eq(cli_out, "text was read in all photos already\n");
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" read-text --all --background"), 0);
    ck_assert_msg(strncmp(cli_out, "3 photos read: 1 with text, 0 failed in 0:", 42) == 0, "%s", cli_out);
}
END_TEST

START_TEST(a_limit_leaves_the_rest) {
    json_t *json = read_json("-k 1");
    long long found = cli_number(json, "with_text");
    ck_assert_int_eq(cli_number(json, "read"), 1);
    ck_assert_int_eq(cli_number(json, "left"), 2);
    json_decref(json);
    expect("-k 5", 2, 1 - found, 0);
}
END_TEST

START_TEST(what_is_missing_is_named) {
    static const struct {
        const char *before, *arguments, *sentence;
        int code;
    } table[] = {
        {"PHOTOSEARCH_READER=/nowhere/reader", "", "/nowhere/reader: could not be started: No such file", 3},
        {"", "--languages none", "no data for reading none is installed", 3},
        {"", "--languages ../x", "is no list of languages", 3},
        {"", "--library $T/none", "make one with", 3},
        {"", "here", "does not know what to do with", 2},
        {"", "-k 0", "--limit takes a number", 2},
        {"", "--once", "does not know --once", 2},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        int status = e2e_run(cli_out, "%s \"$PS\" read-text %s 2>&1", table[i].before, table[i].arguments);
        ck_assert_msg(status == table[i].code && cli_says(table[i].sentence), "%s: %d, %s", table[i].arguments, status, cli_out);
        cli_expect_one_sentence();
    }
    expect("", 3, 1, 0); /* nothing was held against the photos */
}
END_TEST

START_TEST(the_call_refuses_what_makes_no_sense) {
    ps_read_text_options options = PS_READ_TEXT_OPTIONS_INIT;
    ps_read_text_result result = PS_READ_TEXT_RESULT_INIT;
    ps_library_options quiet = PS_LIBRARY_OPTIONS_INIT;
    ps_library *library;
    ck_assert_int_eq(ps_read_text(&result, NULL, NULL), PS_INVALID);
    ck_assert_int_eq(ps_library_open(&library, NULL, &quiet), PS_OK);
    result.version = 9;
    ck_assert_int_eq(ps_read_text(&result, library, NULL), PS_INVALID);
    result.version = PS_READ_TEXT_RESULT_VERSION;
    options.version = 9;
    ck_assert_int_eq(ps_read_text(&result, library, &options), PS_INVALID);
    ck_assert_str_eq(ps_last_error(library), "ps_read_text_options has an unknown version");
    options.version = PS_READ_TEXT_OPTIONS_VERSION;
    options.limit = 2;
    ck_assert_int_eq(ps_read_text(&result, library, &options), PS_OK);
    ck_assert_uint_eq(result.read, 2);
    ck_assert_uint_eq(result.left, 1);
    ck_assert_int_eq(ps_read_text(NULL, library, NULL), PS_OK);
    ps_library_close(library);
}
END_TEST

Suite *suite_cli_reading(void) {
    Suite *suite = suite_create("cli_reading");
    TCase *tests = tcase_create("read-text");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, each_photo_is_read_once);
    tcase_add_test(tests, a_limit_leaves_the_rest);
    tcase_add_test(tests, what_is_missing_is_named);
    tcase_add_test(tests, the_call_refuses_what_makes_no_sense);
    suite_add_tcase(suite, tests);
    return suite;
}
