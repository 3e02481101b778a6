/*
** What the command line program shows to people and hands to scripts: names, colours, progress, the viewer.
*/
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/cli/program.h"

Suite *suite_cli_output(void);

START_TEST(names_that_are_not_utf8_come_with_their_bytes) {
    ck_assert_int_eq(
        e2e_run(NULL, "cp $R/tests/data/images/rgb.png \"$T/photos/$(printf 'b\\377d').png\"; \"$PS\" index -q $T/photos"), 0);
    e2e_run(cli_out, "\"$PS\" --json cat");
    json_t *json = cli_parse(cli_out), *hit = json_array_get(json_object_get(json, "results"), 0);
    ck_assert_ptr_nonnull(strstr(cli_string(hit, "path"), "b\xEF\xBF\xBD"
                                                          "d.png"));
    char base64[8192];
    snprintf(base64, sizeof base64, "%s", cli_string(hit, "path_base64"));
    json_decref(json);
    ck_assert_int_eq(e2e_run(cli_out, "test -f \"$(echo %s | base64 -d)\"", base64), 0);
    ck_assert_int_le(e2e_run(cli_out, "\"$PS\" cat 2>/dev/null"), 1);
    ck_assert(cli_says("b\\xFFd.png"));
}
END_TEST

START_TEST(names_cannot_command_the_terminal) {
    ck_assert_int_eq(
        e2e_run(NULL,
                "cp $R/tests/data/images/rgb.png \"$T/photos/$(printf 'a\\033]0;x\\007\\nb').png\"; \"$PS\" index -q $T/photos"),
        0);
    ck_assert_int_le(e2e_run(cli_out, "\"$PS\" cat 2>/dev/null"), 1);
    ck_assert(cli_says("a\\x1B]0;x\\x07\\x0Ab.png"));
    ck_assert(!cli_says("\033"));
    e2e_run(cli_out, "\"$PS\" similar -0 $R/tests/data/images/baseline.jpg | xargs -0 -n 1 test -f && echo all there");
    ck_assert_str_eq(cli_out, "all there\n");
}
END_TEST

START_TEST(print0_lists_paths_only) {
    cli_make_library();
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" similar -0 -k 4 $T/photos/rgb.png | tr '\\0' '\\n'"), 0);
    int lines = 0;
    for (char *line = strtok(cli_out, "\n"); line; line = strtok(NULL, "\n"), lines++) ck_assert(line[0] == '/');
    ck_assert_int_eq(lines, 4);
}
END_TEST

/* A model whose limits part the answers to "sunset": some photos match, some do not. */
static void make_parting_model(void) {
    ck_assert_int_eq(e2e_run(NULL, "sed '1s/\\(weak[^:]*: 0\\).3/\\1.1/' $PHOTOSEARCH_MODEL >$T/parting.safetensors;"
                                   " ! cmp -s $PHOTOSEARCH_MODEL $T/parting.safetensors"),
                     0);
    char path[4200];
    snprintf(path, sizeof path, "%s/parting.safetensors", e2e_folder());
    setenv("PHOTOSEARCH_MODEL", path, 1);
    cli_make_library();
}

/* How many of the photos that a search for "sunset" lists score at least 0.1; *all is how many it lists. */
static size_t count_matches(size_t *all) {
    size_t i, matches = 0;
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" --json sunset"), 0);
    json_t *json = cli_parse(cli_out), *hit;
    *all = json_array_size(json_object_get(json, "results"));
    json_array_foreach(json_object_get(json, "results"), i, hit) matches +=
        json_number_value(json_object_get(hit, "score")) >= 0.1;
    json_decref(json);
    ck_assert(matches > 0 && matches < *all);
    return matches;
}

START_TEST(print0_and_the_viewer_get_only_what_matches_by_itself) {
    size_t all, matches;
    make_parting_model();
    matches = count_matches(&all);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" -0 sunset | tr -cd '\\0' | wc -c"), 0);
    ck_assert_uint_eq((size_t)atoi(cli_out), matches);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" -0 --min-score 0 sunset | tr -cd '\\0' | wc -c"), 0);
    ck_assert_uint_eq((size_t)atoi(cli_out), all);
    /* With a least score that alone decides, the status too. */
    ck_assert_int_eq(e2e_run(NULL, "\"$PS\" -0 --min-score 0 zzzz qqqq >/dev/null"), 0);
    ck_assert_int_eq(e2e_run(NULL, "\"$PS\" -0 --min-score 1 zzzz qqqq >/dev/null"), 1);
    ck_assert_int_eq(e2e_run(NULL, "printf '#!/bin/sh\\necho $# >$T/viewed\\n' >$T/viewer; chmod +x $T/viewer;"
                                   " PHOTOSEARCH_VIEWER=$T/viewer \"$PS\" --open sunset >/dev/null"),
                     0);
    ck_assert_int_eq(e2e_run(cli_out, "cat $T/viewed"), 0);
    ck_assert_uint_eq((size_t)atoi(cli_out), matches);
}
END_TEST

START_TEST(nothing_above_the_least_score_is_nothing_found) {
    cli_make_library();
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" --min-score 1 cat 2>&1"), 1);
    cli_expect_one_sentence();
    ck_assert_msg(cli_says("nothing found"), "%s", cli_out);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" --json --min-score 1 cat"), 1);
    json_t *json = cli_parse(cli_out);
    ck_assert_str_eq(cli_string(json, "verdict"), "none");
    json_decref(json);
}
END_TEST

START_TEST(lines_of_guesses_are_dim) {
    size_t all, matches, dim = 0;
    make_parting_model();
    matches = count_matches(&all);
    e2e_run(cli_out, "\"$PS\" --all --color always sunset");
    for (char *line = strtok(cli_out, "\n"); line; line = strtok(NULL, "\n"))
        dim += strncmp(line, "\033[2m", 4) == 0 && strcmp(line + strlen(line) - 4, "\033[0m") == 0;
    ck_assert_uint_eq(dim, all - matches);
}
END_TEST

START_TEST(colours_only_where_they_are_wanted) {
    cli_make_library();
    e2e_run(cli_out, "\"$PS\" cat 2>&1");
    ck_assert(!cli_says("\033["));
    e2e_run(cli_out, "\"$PS\" --color always cat 2>&1");
    ck_assert(cli_says("\033["));
    e2e_run(cli_out, "\"$PS\" --color=never cat 2>&1");
    ck_assert(!cli_says("\033["));
    /* On a terminal, as script(1) makes one; where it is not installed there is nothing to see. */
    if (e2e_run(NULL, "script -qec true /dev/null </dev/null >/dev/null 2>&1") == 0) {
        e2e_run(cli_out, "TERM=xterm script -qec '\"$PS\" cat' /dev/null </dev/null");
        ck_assert(cli_says("\033["));
        e2e_run(cli_out, "TERM=xterm NO_COLOR=1 script -qec '\"$PS\" cat' /dev/null </dev/null");
        ck_assert(!cli_says("\033["));
    }
}
END_TEST

START_TEST(the_viewer_gets_the_paths_without_a_shell) {
    cli_make_library();
    ck_assert_int_eq(e2e_run(NULL,
                             "printf '#!/bin/sh\\nfor f; do echo \"$f\"; done >$T/viewed\\n' >$T/viewer; chmod +x $T/viewer;"
                             " cp $R/tests/data/images/rgb16.png \"$T/photos/; touch boo.png\"; \"$PS\" index -q $T/photos"),
                     0);
    ck_assert_int_eq(e2e_run(NULL, "PHOTOSEARCH_VIEWER=$T/viewer \"$PS\" similar --open -k 20 $T/photos/rgb.png >/dev/null 2>&1"),
                     0);
    ck_assert_int_eq(e2e_run(cli_out, "cat $T/viewed"), 0);
    ck_assert(cli_says("/photos/; touch boo.png\n"));
    ck_assert_int_eq(e2e_run(cli_out, "PHOTOSEARCH_VIEWER=$T/none \"$PS\" similar --open $T/photos/rgb.png 2>&1 >/dev/null"), 3);
    ck_assert(cli_says("none: No such file"));
    cli_expect_one_sentence();
}
END_TEST

START_TEST(a_viewer_that_fails_is_one_sentence) {
    cli_make_library();
    ck_assert_int_eq(e2e_run(cli_out, "PHOTOSEARCH_VIEWER=false \"$PS\" similar --open $T/photos/rgb.png 2>&1 >/dev/null"), 3);
    cli_expect_one_sentence();
    ck_assert_msg(cli_says("false failed with status 1"), "%s", cli_out);
    ck_assert_int_eq(e2e_run(NULL, "printf '#!/bin/sh\\nkill -TERM $$\\n' >$T/viewer; chmod +x $T/viewer"), 0);
    ck_assert_int_eq(e2e_run(cli_out, "PHOTOSEARCH_VIEWER=$T/viewer \"$PS\" similar --open $T/photos/rgb.png 2>&1 >/dev/null"),
                     3);
    cli_expect_one_sentence();
    ck_assert_msg(cli_says("ended by signal 15"), "%s", cli_out);
}
END_TEST

START_TEST(what_the_viewer_prints_stays_out_of_the_results) {
    cli_make_library();
    ck_assert_int_eq(
        e2e_run(cli_out,
                "PHOTOSEARCH_VIEWER=echo \"$PS\" similar --json --open $T/photos/rgb.png 2>$T/viewed && test -s $T/viewed"),
        0);
    json_decref(cli_parse(cli_out));
}
END_TEST

START_TEST(a_progress_bar_needs_a_terminal) {
    cli_make_library();
    ck_assert_int_eq(e2e_run(cli_out, "cp $R/tests/data/images/rgb16.png $T/photos; \"$PS\" index $T/photos 2>&1 >/dev/null"), 0);
    ck_assert_str_eq(cli_out, "");
    if (e2e_run(NULL, "script -qec true /dev/null </dev/null >/dev/null 2>&1") == 0) {
        e2e_run(cli_out,
                "cp $R/tests/data/images/grey16.png $T/photos; script -qec '\"$PS\" index $T/photos' /dev/null </dev/null");
        ck_assert(cli_says("looking: "));
    }
}
END_TEST

/* No update of the progress line is as wide as the terminal. */
START_TEST(the_progress_line_fits_the_terminal) {
    static const int widths[] = {40, 24, 1};
    size_t most = 0, updates = 0;
    if (e2e_run(NULL, "script -qec true /dev/null </dev/null >/dev/null 2>&1") != 0) return;
    ck_assert_int_eq(e2e_run(NULL, "for i in $(seq 800); do { cat $R/tests/data/photos/coffee.jpg; echo $i; } >$T/photos/$i.jpg;"
                                   " done; echo text >$T/photos/bad.jpg"),
                     0);
    e2e_run(cli_out,
            "script -qec 'stty cols %d; \"$PS\" --library $T/library%d index --threads 1 $T/photos' /dev/null </dev/null",
            widths[_i], widths[_i]);
    for (char *at = cli_out; (at = strstr(at, "\r\033[K")) != NULL; updates++) {
        size_t length = strcspn(at += 4, "\r\n");
        if (strncmp(at, "photosearch: ", 13) != 0 && at[length] == '\r' && at[length + 1] == '\033' && length > most)
            most = length;
    }
    ck_assert_uint_gt(updates, 1);
    ck_assert_msg(most < (size_t)widths[_i], "%zu in %d columns: %s", most, widths[_i], cli_out);
}
END_TEST

START_TEST(one_of_a_kind_is_told_in_the_singular) {
    ck_assert_int_eq(e2e_run(cli_out,
                             "cp $R/tests/data/images/rgb.png $T/photos/a.png; cp $R/tests/data/images/grey.png $T/photos;"
                             " \"$PS\" index -q $T/photos; rm $T/photos/a.png; \"$PS\" index $T/photos"),
                     0);
    ck_assert_msg(cli_says("1 image: ") && cli_says("; 1 entry of a file that is gone removed"), "%s", cli_out);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" status"), 0);
    ck_assert_msg(cli_says("1 in 1 file\n"), "%s", cli_out);
    ck_assert_int_eq(e2e_run(cli_out, "rm -r $T/photos/*; \"$PS\" index -q $T/photos 2>/dev/null"), 0);
    ck_assert_msg(cli_says("0 images: ") && cli_says("; 1 entry of a missing file kept"), "%s", cli_out);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" forget $T/photos"), 0);
    ck_assert_str_eq(cli_out, "1 entry removed\n");
}
END_TEST

Suite *suite_cli_output(void) {
    Suite *suite = suite_create("cli_output");
    TCase *output = tcase_create("output");
    tcase_add_checked_fixture(output, cli_setup, cli_teardown);
    suite_add_tcase(suite, output);
    tcase_add_test(output, names_that_are_not_utf8_come_with_their_bytes);
    tcase_add_test(output, names_cannot_command_the_terminal);
    tcase_add_test(output, print0_lists_paths_only);
    tcase_add_test(output, print0_and_the_viewer_get_only_what_matches_by_itself);
    tcase_add_test(output, nothing_above_the_least_score_is_nothing_found);
    tcase_add_test(output, lines_of_guesses_are_dim);
    tcase_add_test(output, colours_only_where_they_are_wanted);
    tcase_add_test(output, the_viewer_gets_the_paths_without_a_shell);
    tcase_add_test(output, a_viewer_that_fails_is_one_sentence);
    tcase_add_test(output, what_the_viewer_prints_stays_out_of_the_results);
    tcase_add_test(output, a_progress_bar_needs_a_terminal);
    tcase_add_loop_test(output, the_progress_line_fits_the_terminal, 0, 3);
    tcase_add_test(output, one_of_a_kind_is_told_in_the_singular);
    return suite;
}
