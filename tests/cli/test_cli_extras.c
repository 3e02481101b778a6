/*
** The commands beside searching: saved, tags, duplicates, on-this-day.
*/
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/cli/program.h"

Suite *suite_cli_extras(void);

/* ---- Usage ---- */

static const struct {
    const char *arguments;
    int status;
    const char *says; /* on stdout and stderr */
} USAGE[] = {
    {"saved --help", 0, "saved add NAME QUERY"},
    {"saved", 2, "saved needs: add|list|remove"},
    {"saved keep x y", 2, "saved knows add, list and remove, not \"keep\""},
    {"saved add x", 2, "saved add takes a name and a sentence"},
    {"saved add x y z", 2, "saved add takes a name and a sentence"},
    {"saved remove", 2, "saved remove takes a name"},
    {"saved list x", 2, "saved list takes no words"},
    {"saved list --queries x", 2, "saved does not know --queries"},
    {"tags --help", 0, "--vocabulary FILE"},
    {"tags", 2, "tags needs: update|list|show"},
    {"tags eat", 2, "tags knows update, list and show, not \"eat\""},
    {"tags show", 2, "tags show takes a photo"},
    {"tags update x", 2, "tags update takes no words"},
    {"tags list --vocabulary x", 2, "for tags update"},
    {"duplicates --help", 0, "--min-similarity"},
    {"duplicates x", 2, "\"x\""},
    {"duplicates --min-similarity 0", 2, "from 0.01 to 1"},
    {"duplicates --min-similarity 2", 2, "from 0.01 to 1"},
    {"duplicates --min-similarity nan", 2, "from 0.01 to 1"},
    {"duplicates --json --print0", 2, "exclude"},
    {"search --min-similarity 1 x", 2, "search does not know --min-similarity"},
    {"on-this-day --help", 0, "--date MM-DD"},
    {"on-this-day x", 2, "\"x\""},
    {"on-this-day --days 31", 2, "from 0 to 30"},
    {"on-this-day --min-score 1", 2, "on-this-day does not know --min-score"},
    {"search --days 3 x", 2, "search does not know --days"},
    {"on-this-day", 3, "there is no library"},
    {"saved list", 3, "there is no library"},
    {"tags list", 3, "there is no library"},
    {"duplicates", 3, "there is no library"},
};

START_TEST(usage_is_answered) {
    int status = e2e_run(cli_out, "\"$PS\" %s 2>&1 </dev/null", USAGE[_i].arguments);
    ck_assert_msg(status == USAGE[_i].status, "`%s`: status %d: %s", USAGE[_i].arguments, status, cli_out);
    ck_assert_msg(cli_says(USAGE[_i].says), "`%s`: %s", USAGE[_i].arguments, cli_out);
}
END_TEST

/* ---- Saved searches ---- */

START_TEST(searches_are_saved_told_and_removed) {
    cli_make_library();
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" saved list"), 1);
    ck_assert_str_eq(cli_out, "");
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" saved add 'our dogs' 'two \"dogs\"' --lang en --literal"), 0);
    ck_assert_str_eq(cli_out, "our dogs: saved\n");
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" saved add -q beach 'at the beach'"), 0);
    ck_assert_str_eq(cli_out, "");
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" saved list"), 0);
    ck_assert_str_eq(cli_out, "beach: at the beach\nour dogs: two \"dogs\"  --lang en  --literal\n");
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" saved list --json | tail -n 1"), 0);
    json_t *json = cli_parse(cli_out);
    ck_assert_str_eq(cli_string(json, "name"), "our dogs");
    ck_assert_str_eq(cli_string(json, "query"), "two \"dogs\"");
    ck_assert_str_eq(cli_string(json, "lang"), "en");
    ck_assert(json_is_true(json_object_get(json, "literal")));
    ck_assert_int_gt(cli_number(json, "made"), 1600000000);
    json_decref(json);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" saved add --json beach 'sand'"), 0);
    ck_assert_str_eq(cli_out, "{\"name\":\"beach\",\"replaced\":true}\n");
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" saved remove beach"), 0);
    ck_assert_str_eq(cli_out, "beach: removed\n");
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" saved remove beach 2>&1"), 1);
    cli_expect_one_sentence();
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" saved remove --json beach 2>/dev/null"), 1);
    ck_assert_str_eq(cli_out, "{\"removed\":0}\n");
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" saved add ' ' x 2>&1"), 3);
    cli_expect_one_sentence();
}
END_TEST

START_TEST(saved_names_cannot_command_the_terminal) {
    cli_make_library();
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" saved add x \"$(printf 'a\\033]0;x\\007')\""), 0);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" saved list"), 0);
    ck_assert(cli_says("a\\x1B]0;x\\x07") && !cli_says("\033"));
}
END_TEST

/* ---- Tags ---- */

/* A vocabulary of words that the small model, whose weights are random, scores differently, and that model with a lower limit
** for what is good. */
static void write_vocabulary(void) {
    char path[4200];
    ck_assert_int_eq(e2e_run(NULL, "sed '1s/\\(weak[^:]*: 0\\).3/\\1.1/; 1s/\\(good[^:]*: 0\\).6/\\1.1/' $PHOTOSEARCH_MODEL"
                                   " >$T/easy.safetensors; ! cmp -s $PHOTOSEARCH_MODEL $T/easy.safetensors"),
                     0);
    snprintf(path, sizeof path, "%s/easy.safetensors", e2e_folder());
    setenv("PHOTOSEARCH_MODEL", path, 1);
    ck_assert_int_eq(e2e_run(NULL, "printf '%%s\\n' 'cat | the cat' 'dog | a dog' 'red' 'night | at night' 'snow' 'beach' 'two'"
                                   " 'red house' >$T/words"),
                     0);
}

START_TEST(tags_are_given_told_and_shown) {
    write_vocabulary();
    cli_make_library();
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" tags list 2>&1"), 1);
    ck_assert(cli_says("tags update"));
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" tags update --vocabulary $T/words --json"), 0);
    json_t *json = cli_parse(cli_out);
    ck_assert_int_eq(cli_number(json, "labels"), 8);
    long long photos = cli_number(json, "photos");
    ck_assert_int_ge(photos, 6);
    json_decref(json);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" tags update --vocabulary $T/words"), 0);
    ck_assert_msg(strncmp(cli_out, "0 photos looked at with 8 labels in ", 36) == 0, "%s", cli_out);
    /* What the list counts is what the photos show. */
    ck_assert_int_eq(e2e_run(cli_out, "cd $T; \"$PS\" tags list | awk '{ n += $1 } END { print n }' >sum;"
                                      " find photos -type f | while read -r f; do \"$PS\" tags show $f; done | wc -l >each;"
                                      " cat sum each; test $(cat sum) -gt 0"),
                     0);
    long long sum = 0, each = -1;
    ck_assert_int_eq(sscanf(cli_out, "%lld %lld", &sum, &each), 2);
    ck_assert_int_eq(sum, each);
    int status = e2e_run(cli_out, "\"$PS\" tags show --json $T/photos/rgb.png");
    json = cli_parse(cli_out);
    ck_assert(strstr(cli_string(json, "path"), "/photos/rgb.png"));
    ck_assert_int_eq(status, json_array_size(json_object_get(json, "tags")) ? 0 : 1);
    json_decref(json);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" tags show $T/photos/none.png 2>&1"), 3);
    cli_expect_one_sentence();
}
END_TEST

START_TEST(a_wrong_vocabulary_is_one_sentence) {
    cli_make_library();
    ck_assert_int_eq(e2e_run(cli_out, "printf 'dog\\ndog |\\n' >$T/words; \"$PS\" tags update --vocabulary $T/words 2>&1"), 3);
    cli_expect_one_sentence();
    ck_assert(cli_says("words, line 2: a sentence is empty"));
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" tags update --vocabulary $T/none 2>&1"), 3);
    cli_expect_one_sentence();
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" tags update --lang xx 2>&1"), 3);
    cli_expect_one_sentence();
}
END_TEST

/* ---- Duplicates ---- */

/* Two different pictures, and copies of one of them: of its bytes, and a link. */
static void make_copies(void) {
    ck_assert_int_eq(e2e_run(cli_out,
                             "cd $T/photos; cp $R/tests/data/images/rgb.png .; cp $R/tests/data/previews/vga.jpg other.jpg;"
                             " cp rgb.png 'a copy.png'; cp rgb.png sub/rgb2.png; ln rgb.png linked.png;"
                             " \"$PS\" index -q $T/photos"),
                     0);
}

START_TEST(exact_copies_are_grouped) {
    make_copies();
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" duplicates --json"), 0);
    json_t *json = cli_parse(cli_out), *files = json_object_get(json, "files"), *file;
    size_t i;
    int linked = 0;
    ck_assert_uint_eq(json_array_size(files), 4);
    json_array_foreach(files, i, file) {
        ck_assert(json_is_true(json_object_get(file, "exact")));
        linked += json_is_true(json_object_get(file, "linked"));
        ck_assert_int_gt(cli_number(file, "width"), 0);
    }
    ck_assert_int_eq(linked, 1);
    ck_assert_int_eq(cli_number(json, "saves"), 2 * cli_number(json_array_get(files, 0), "bytes"));
    json_decref(json);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" duplicates 2>&1"), 0);
    ck_assert(cli_says("best   /") && cli_says("exact  /") && cli_says("link   /") && cli_says("would be saved"));
}
END_TEST

START_TEST(files_that_are_handed_on_can_go) {
    make_copies();
    ck_assert_int_eq(e2e_run(cli_out,
                             "cd $T/photos; contents() { find . -type f -exec sha1sum {} + | cut -d' ' -f1 | sort -u; };"
                             " contents >$T/before; \"$PS\" duplicates -0 | xargs -0 rm --; contents | cmp - $T/before &&"
                             " find . -type f | wc -l"),
                     0);
    ck_assert_str_eq(cli_out, "3\n"); /* the other picture, and the best copy with its link */
}
END_TEST

START_TEST(copies_in_other_formats_are_grouped) {
    /* These hold the same picture, as tests/data/images/generate.py made it. */
    ck_assert_int_eq(e2e_run(cli_out, "cd $R/tests/data/images; cp rgb.tga baseline.jpg progressive.jpg $T/photos;"
                                      " cp $R/tests/data/previews/vga.jpg $T/photos; \"$PS\" index -q $T/photos"),
                     0);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" duplicates --json"), 0);
    json_t *json = cli_parse(cli_out), *files = json_object_get(json, "files");
    ck_assert_uint_eq(json_array_size(files), 3);
    ck_assert(strstr(cli_string(json_array_get(files, 0), "path"), "/rgb.tga")); /* the biggest */
    for (size_t i = 0; i < 3; i++) ck_assert_int_eq(json_is_true(json_object_get(json_array_get(files, i), "exact")), i == 0);
    json_decref(json);
}
END_TEST

START_TEST(copies_of_a_best_one_that_is_gone_are_not_handed_on) {
    cli_make_library();
    ck_assert_int_eq(e2e_run(cli_out,
                             "cd $T/photos; rm -rf sub *; cp $R/tests/data/images/rgb.png a.png; cp a.png b.png; cp a.png c.png;"
                             " \"$PS\" index -q --allow-removal $T/photos >/dev/null; \"$PS\" duplicates -0 | tr '\\0' '\\n' | "
                             "sed 's/.*photos/./'"),
                     0);
    ck_assert_str_eq(cli_out, "./b.png\n./c.png\n");
    ck_assert_int_eq(
        e2e_run(cli_out, "cd $T/photos; echo x >>b.png; \"$PS\" duplicates -0 | tr '\\0' '\\n' | sed 's/.*photos/./'"), 0);
    ck_assert_str_eq(cli_out, "./c.png\n"); /* b changed */
    ck_assert_int_eq(e2e_run(cli_out, "cd $T/photos; rm a.png; \"$PS\" duplicates -q -0 2>&1"), 0);
    cli_expect_one_sentence();
    ck_assert(cli_says("a.png: is not as it was"));
}
END_TEST

START_TEST(a_library_without_copies_says_so_by_its_status) {
    ck_assert_int_eq(
        e2e_run(
            cli_out,
            "cp $R/tests/data/images/rgb.png $T/photos; \"$PS\" index -q $T/photos >/dev/null; \"$PS\" duplicates 2>/dev/null"),
        1);
    ck_assert_str_eq(cli_out, "");
}
END_TEST

/* ---- On this day ---- */

START_TEST(photos_of_a_day_are_told_by_year) {
    /* Its camera says 2021-07-04T15:32:10. */
    ck_assert_int_eq(e2e_run(cli_out, "cp $R/tests/data/previews/vga.jpg $T/photos/july.jpg; \"$PS\" index -q $T/photos"), 0);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" on-this-day --date 2026-07-04 | sed 's/ .*photos/ ./; s/jpg .*/jpg/'"), 0);
    ck_assert_str_eq(cli_out, "2021, 5 years ago\n ./july.jpg\n");
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" on-this-day --date 2022-07-03 --days 1"), 0);
    ck_assert_msg(strncmp(cli_out, "2021, 1 year ago\n  2021-07-04T15:32  /", 38) == 0, "%s", cli_out);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" on-this-day --date 2026-07-04 -0 | tr '\\0' '\\n' | sed 's/.*photos/./'"), 0);
    ck_assert_str_eq(cli_out, "./july.jpg\n");
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" on-this-day --date 2026-07-04 --json"), 0);
    json_t *json = cli_parse(cli_out), *results = json_object_get(json, "results");
    ck_assert_int_eq(cli_number(json, "year"), 2021);
    ck_assert_int_eq(cli_number(json, "years_ago"), 5);
    ck_assert_uint_eq(json_array_size(results), 1);
    ck_assert_str_eq(cli_string(json_array_get(results, 0), "taken"), "2021-07-04T15:32:10");
    json_decref(json);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" on-this-day --date 07-04 --json"), 0); /* of the clock's year */
    json = cli_parse(cli_out);
    ck_assert_int_ge(cli_number(json, "years_ago"), 1);
    json_decref(json);
}
END_TEST

START_TEST(a_day_without_photos_says_so) {
    ck_assert_int_eq(e2e_run(cli_out, "cp $R/tests/data/previews/vga.jpg $T/photos/july.jpg; \"$PS\" index -q $T/photos"), 0);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" on-this-day --date 2026-07-05 2>&1"), 1);
    cli_expect_one_sentence();
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" on-this-day --date 2026-07-05 --json 2>&1"), 1);
    ck_assert_str_eq(cli_out, "");
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" on-this-day --date 2021-07-04 -q 2>&1"),
                     1); /* that very day is not an earlier year's */
    ck_assert_str_eq(cli_out, "");
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" on-this-day --date yesterday 2>&1"), 3);
    cli_expect_one_sentence();
}
END_TEST

Suite *suite_cli_extras(void) {
    Suite *suite = suite_create("cli_extras");
    TCase *usage = tcase_create("usage"), *use = tcase_create("use");
    tcase_add_checked_fixture(usage, cli_setup, cli_teardown);
    tcase_add_checked_fixture(use, cli_setup, cli_teardown);
    tcase_set_timeout(usage, 60);
    tcase_set_timeout(use, 120);
    tcase_add_loop_test(usage, usage_is_answered, 0, sizeof USAGE / sizeof *USAGE);
    tcase_add_test(use, searches_are_saved_told_and_removed);
    tcase_add_test(use, saved_names_cannot_command_the_terminal);
    tcase_add_test(use, tags_are_given_told_and_shown);
    tcase_add_test(use, a_wrong_vocabulary_is_one_sentence);
    tcase_add_test(use, exact_copies_are_grouped);
    tcase_add_test(use, files_that_are_handed_on_can_go);
    tcase_add_test(use, copies_in_other_formats_are_grouped);
    tcase_add_test(use, copies_of_a_best_one_that_is_gone_are_not_handed_on);
    tcase_add_test(use, a_library_without_copies_says_so_by_its_status);
    tcase_add_test(use, photos_of_a_day_are_told_by_year);
    tcase_add_test(use, a_day_without_photos_says_so);
    suite_add_tcase(suite, usage);
    suite_add_tcase(suite, use);
    return suite;
}
