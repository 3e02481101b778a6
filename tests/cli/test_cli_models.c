/*
** photosearch model list, use and remove.
*/
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/cli/program.h"
#include "tests/encoder/packages.h"

Suite *suite_cli_models(void);

static void setup(void) {
    char path[4300];
    cli_setup();
    cli_make_library();
    snprintf(path, sizeof path, "%s/data", e2e_folder());
    setenv("XDG_DATA_HOME", path, 1);
    ck_assert_int_eq(e2e_run(NULL, "mkdir -p $T/data/photosearch/models"), 0);
    snprintf(path, sizeof path, "%s/data/photosearch/models/beta.safetensors", e2e_folder());
    packages_write(path, &(package_recipe){.keeps_image = 1, .turned = 1, .name = "beta", .space = "space-b"});
}

static json_t *status_json(void) {
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" status --json"), 0);
    return cli_parse(cli_out);
}

static void expect_status(const char *model, const char *next, int left) {
    json_t *json = status_json();
    const char *id = cli_string(json, "model"), *coming = json_string_value(json_object_get(json, "next_model"));
    ck_assert_msg(strncmp(id, model, strlen(model)) == 0, "%s", id);
    ck_assert(next ? coming && strncmp(coming, next, strlen(next)) == 0 : !coming);
    ck_assert_int_eq(cli_number(json, "to_reencode"), left);
    json_decref(json);
}

START_TEST(use_encodes_and_switches) {
    expect_status("tiny-", NULL, 0);
    ck_assert_msg(e2e_run(cli_out, "\"$PS\" model use beta 2>&1") == 0, "%s", cli_out);
    ck_assert_msg(cli_says("the library is used with beta-"), "%s", cli_out);
    expect_status("beta-", NULL, 0);
    ck_assert_int_le(e2e_run(cli_out, "\"$PS\" --json cat"), 1);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" model use default --json"), 0);
    json_t *json = cli_parse(cli_out);
    ck_assert_int_gt(cli_number(json, "reencoded"), 3);
    json_decref(json);
    expect_status("tiny-", NULL, 0);
}
END_TEST

START_TEST(later_leaves_it_to_index) {
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" model use beta --later"), 0);
    ck_assert_msg(cli_says("the library changes to beta-"), "%s", cli_out);
    json_t *json = status_json();
    ck_assert_int_gt(cli_number(json, "to_reencode"), 3);
    json_decref(json);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" status"), 0);
    ck_assert_msg(cli_says("changing to   beta-"), "%s", cli_out);
    ck_assert_int_le(e2e_run(cli_out, "\"$PS\" --json cat"), 1);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" index $T/photos"), 0);
    ck_assert_msg(cli_says("with its new model now"), "%s", cli_out);
    expect_status("beta-", NULL, 0);
}
END_TEST

START_TEST(a_watch_does_it_too) {
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" model use beta --later"), 0);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" watch --once --json $T/photos 2>&1"), 0);
    expect_status("beta-", NULL, 0);
}
END_TEST

START_TEST(list_tells_what_there_is) {
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" model list"), 0);
    ck_assert_msg(cli_says("* default"), "%s", cli_out);
    ck_assert_msg(cli_says("\n  beta "), "%s", cli_out);
    ck_assert_int_eq(e2e_run(NULL, "\"$PS\" model use beta --later"), 0);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" model list"), 0);
    ck_assert_msg(cli_says("\n> beta "), "%s", cli_out);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" model list --json | sed -n 2p"), 0);
    json_t *json = cli_parse(cli_out);
    ck_assert_str_eq(cli_string(json, "name"), "beta");
    ck_assert_str_eq(cli_string(json, "space"), "space-b");
    ck_assert(json_is_true(json_object_get(json, "next")));
    ck_assert_int_eq(cli_number(json, "vectors"), 0);
    json_decref(json);
    ck_assert_int_eq(e2e_run(cli_out, "unset PHOTOSEARCH_LIBRARY; \"$PS\" model list"), 0); /* without a library */
}
END_TEST

START_TEST(remove_asks_the_library) {
    ck_assert_int_eq(e2e_run(NULL, "\"$PS\" model use beta --quiet"), 0);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" model remove beta 2>&1"), 3);
    ck_assert_msg(cli_says("--force"), "%s", cli_out);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" model remove beta --force"), 0);
    ck_assert_int_eq(e2e_run(NULL, "test -e $T/data/photosearch/models/beta.safetensors"), 1);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" model remove beta 2>&1"), 1);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" cat 2>&1"), 3); /* the package is named */
    ck_assert_msg(cli_says("beta.safetensors") && cli_says("model use NAME"), "%s", cli_out);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" model use default 2>&1"), 0);
    ck_assert_msg(cli_says("is used with tiny-"), "%s", cli_out);
}
END_TEST

START_TEST(wrong_words_are_refused) {
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" model use 2>&1"), 2);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" model use nobody 2>&1"), 3);
    ck_assert_msg(cli_says("model list"), "%s", cli_out);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" model use beta --model x 2>&1"), 2);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" model remove 2>&1"), 2);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" model remove ../x 2>&1"), 3);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" model list x 2>&1"), 2);
    expect_status("tiny-", NULL, 0);
}
END_TEST

Suite *suite_cli_models(void) {
    Suite *suite = suite_create("cli_models");
    TCase *tests = tcase_create("models");
    tcase_add_checked_fixture(tests, setup, cli_teardown);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, use_encodes_and_switches);
    tcase_add_test(tests, later_leaves_it_to_index);
    tcase_add_test(tests, a_watch_does_it_too);
    tcase_add_test(tests, list_tells_what_there_is);
    tcase_add_test(tests, remove_asks_the_library);
    tcase_add_test(tests, wrong_words_are_refused);
    suite_add_tcase(suite, tests);
    return suite;
}
