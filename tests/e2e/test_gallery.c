/*
** The main job from end to end, through the program alone: index a folder of real photographs, then find them by words, and keep up
** with what happens to the folder.
*/
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/e2e/shell.h"
#include "tests/suites.h"

Suite *suite_gallery(void);

static char out[E2E_OUTPUT];

static const struct {
    const char *query, *photo; /* the photo that must come first */
} QUESTIONS[] = {
    {"a cup of coffee", "coffee.jpg"},
    {"a cat", "cat.jpg"},
    {"a man with a camera on a tripod", "cameraman.jpg"},
    {"dandelion flowers in a meadow", "dandelions.jpg"},
    {"stars in the night sky", "galaxies.jpg"},
};

/* Copies the photos to $T/photos and indexes them into $T/library. */
static void index_photos(void) {
    ck_assert_int_eq(e2e_run(NULL, "mkdir $T/photos && cp $R/tests/data/photos/*.jpg $T/photos"), 0);
    ck_assert_int_eq(e2e_run(out, "\"$PS\" --library $T/library index --json $T/photos"), 0);
}

/* The number after "key": in one line of JSON; -1 when it is not there. */
static long number(const char *json, const char *key) {
    char quoted[64];
    const char *found;
    snprintf(quoted, sizeof quoted, "\"%s\":", key);
    found = strstr(json, quoted);
    return found ? strtol(found + strlen(quoted), NULL, 10) : -1;
}

START_TEST(finds_each_photo_by_what_it_shows) {
    index_photos();
    ck_assert_int_eq(number(out, "found"), 7);
    ck_assert_int_eq(number(out, "indexed"), 7);
    for (size_t i = 0; i < sizeof QUESTIONS / sizeof *QUESTIONS; i++) {
        char *first, *end;
        /* Whether it calls its answer sure is the model's calibration, not this test's matter: 1 is fine too. */
        ck_assert_int_le(e2e_run(out, "\"$PS\" --library $T/library search --json '%s'", QUESTIONS[i].query), 1);
        first = strstr(out, "\"path\":\"");
        ck_assert_msg(first != NULL, "'%s' found nothing: %s", QUESTIONS[i].query, out);
        end = strchr(first + 8, '"');
        ck_assert_ptr_nonnull(end);
        *end = 0;
        ck_assert_msg(strcmp(strrchr(first, '/') + 1, QUESTIONS[i].photo) == 0, "'%s' found %s first", QUESTIONS[i].query,
                      first + 8);
    }
}
END_TEST

START_TEST(the_bare_form_is_search) {
    static char bare[E2E_OUTPUT];
    index_photos();
    ck_assert_int_eq(e2e_run(out, "\"$PS\" --library $T/library search 'a cat'"),
                     e2e_run(bare, "\"$PS\" --library $T/library 'a cat'"));
    ck_assert_str_eq(out, bare);
}
END_TEST

START_TEST(a_second_run_finds_nothing_to_do) {
    index_photos();
    ck_assert_int_eq(e2e_run(out, "\"$PS\" --library $T/library index --json $T/photos"), 0);
    ck_assert_int_eq(number(out, "unchanged"), 7);
    ck_assert_int_eq(number(out, "indexed"), 0);
}
END_TEST

START_TEST(a_renamed_photo_is_found_under_its_new_name_and_a_deleted_one_is_gone) {
    index_photos();
    ck_assert_int_eq(e2e_run(NULL, "mv $T/photos/cat.jpg $T/photos/zzz.jpg && rm $T/photos/coffee.jpg"), 0);
    ck_assert_int_eq(e2e_run(out, "\"$PS\" --library $T/library index --json $T/photos"), 0);
    ck_assert_int_le(e2e_run(out, "\"$PS\" --library $T/library search --json -k 1 'a cat'"), 1);
    ck_assert_ptr_nonnull(strstr(out, "zzz.jpg"));
    ck_assert_int_eq(e2e_run(out, "\"$PS\" --library $T/library search --json 'a cup of coffee'; true"), 0);
    ck_assert_ptr_null(strstr(out, "coffee.jpg"));
    ck_assert_int_eq(e2e_run(out, "\"$PS\" --library $T/library status --json"), 0);
    ck_assert_int_eq(number(out, "photos"), 6);
}
END_TEST

START_TEST(bad_files_cost_only_themselves) {
    index_photos();
    ck_assert_int_eq(e2e_run(NULL, "cd $T/photos && head -c 9000 cat.jpg >half.jpg && : >empty.jpg && echo text >text.jpg"), 0);
    ck_assert_int_eq(e2e_run(out, "\"$PS\" --library $T/library index --json $T/photos 2>/dev/null"), 4);
    ck_assert_int_ge(number(out, "failed"), 2);
    ck_assert_int_eq(e2e_run(out, "\"$PS\" --library $T/library failures"), 0);
    ck_assert_ptr_nonnull(strstr(out, "empty.jpg"));
    ck_assert_int_le(e2e_run(out, "\"$PS\" --library $T/library search --json 'a rocket'"), 1);
    ck_assert_ptr_nonnull(strstr(out, "rocket.jpg"));
}
END_TEST

START_TEST(searching_works_while_another_process_indexes) {
    index_photos();
    /* Many copies with different bytes keep the indexing process busy; every search in the meantime must succeed. */
    ck_assert_int_eq(e2e_run(NULL, "mkdir $T/more && for i in $(seq 300); do"
                                   " { cat $R/tests/data/photos/galaxies.jpg; echo $i; } >$T/more/$i.jpg; done"),
                     0);
    ck_assert_int_eq(e2e_run(out,
                             "\"$PS\" --library $T/library index --json $T/more >$T/index.json & job=$!; n=0;"
                             " while kill -0 $job 2>/dev/null; do"
                             "   \"$PS\" --library $T/library search -q 'a cup of coffee' >$T/answer || [ $? = 1 ] || exit 9;"
                             "   grep -q coffee.jpg $T/answer || exit 8; n=$((n+1));"
                             " done; wait $job || exit 7; echo searches $n"),
                     0);
    ck_assert_int_eq(e2e_run(out, "\"$PS\" --library $T/library status --json"), 0);
    ck_assert_int_eq(number(out, "photos"), 307);
}
END_TEST

Suite *suite_gallery(void) {
    Suite *suite = suite_create("gallery");
    TCase *tests = tcase_create("gallery");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, finds_each_photo_by_what_it_shows);
    tcase_add_test(tests, the_bare_form_is_search);
    tcase_add_test(tests, a_second_run_finds_nothing_to_do);
    tcase_add_test(tests, a_renamed_photo_is_found_under_its_new_name_and_a_deleted_one_is_gone);
    tcase_add_test(tests, bad_files_cost_only_themselves);
    tcase_add_test(tests, searching_works_while_another_process_indexes);
    suite_add_tcase(suite, tests);
    return suite;
}
