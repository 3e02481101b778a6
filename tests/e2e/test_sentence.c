/*
** One sentence with content, time, place and the rest, from end to end: photographs that are given dates, positions and cameras (by the demo's
** stamp), asked for through the program as of one day.
*/
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/e2e/shell.h"
#include "tests/suites.h"

Suite *suite_sentence(void);

static char out[E2E_OUTPUT];

static const char ALBUM[] = "cat.jpg\\t2021-07-04T15:00:00\\t38.7139\\t-9.1334\\tNIKON D750\\n"
                            "galaxies.jpg\\t2021-07-10T23:30:00\\t38.7369\\t-9.1427\\tApple iPhone 12\\n"
                            "coffee.jpg\\t2026-11-23T08:30:00\\t48.2082\\t16.3738\\tApple iPhone 12\\n"
                            "cameraman.jpg\\t2025-12-26T12:00:00\\t47.2692\\t11.4041\\tNIKON D750\\n"
                            "dandelions.jpg\\t2024-05-10T18:00:00\\t48.8566\\t2.3522\\tCanon EOS R5\\n";

/* Five photos with notes and the rest without, changed last in 2010. */
static void index_album(void) {
    ck_assert_int_eq(e2e_run(NULL,
                             "mkdir -p $T/photos/holidays && cp $R/tests/data/photos/*.jpg $T/photos && printf '%s' >$T/album.tsv &&"
                             " \"$(dirname $(readlink -f \"$PS\"))\"/samples/demo/stamp $T/album.tsv $T/photos &&"
                             " mv $T/photos/dandelions.jpg $T/photos/holidays && find $T/photos -type f -exec touch -d 2010-03-01 {} +",
                             ALBUM),
                     0);
    ck_assert_int_eq(e2e_run(NULL, "\"$PS\" --library $T/library index --quiet --json $T/photos"), 0);
}

/* The names of the photos found, in their order, with a blank between: into `names`. Returns the exit status. */
static int ask(char names[1024], const char *sentence, const char *options) {
    int status = e2e_run(out, "\"$PS\" --library $T/library search --json --now 2026-11-24T12:00:00 %s \"%s\"", options, sentence);
    const char *at = out;
    names[0] = 0;
    while ((at = strstr(at, "{\"path\":\"")) != NULL) {
        const char *end = strchr(at += 9, '"'), *name = end;
        while (name > at && name[-1] != '/') name--;
        size_t used = strlen(names);
        snprintf(names + used, 1024 - used, "%s%.*s", used ? " " : "", (int)(end - name), name);
    }
    return status;
}

/* Conditions alone, or with content that each photo of the answer could be a guess for: which photos pass, in which order. */
static const struct {
    const char *sentence, *names;
    int status;
} CONDITIONS[] = {
    {"photos from 2021", "galaxies.jpg cat.jpg", 0},
    {"photos from yesterday", "coffee.jpg", 0},
    {"Fotos von gestern", "coffee.jpg", 0},
    {"photos of last winter", "cameraman.jpg", 0},
    {"in the Alps", "cameraman.jpg", 0},
    {"in Lisbon", "galaxies.jpg cat.jpg", 0},
    {"Fotos aus Lissabon", "galaxies.jpg cat.jpg", 0},
    {"在巴黎拍的照片", "dandelions.jpg", 0},
    {"photos in Austria", "coffee.jpg cameraman.jpg", 0},
    {"near Lisbon within 20 km but not at night", "cat.jpg", 0},
    {"taken with the Nikon", "cameraman.jpg cat.jpg", 0},
    {"in Lisbon or Paris", "dandelions.jpg galaxies.jpg cat.jpg", 0},
    {"photos in the folder holidays", "dandelions.jpg", 0},
    {"photos from 1990", "", 1},
    {"photos between 2021 and 2024 not in Lisbon", "dandelions.jpg", 0},
};

START_TEST(conditions_choose_the_photos_newest_first) {
    char names[1024];
    index_album();
    for (size_t i = 0; i < sizeof CONDITIONS / sizeof *CONDITIONS; i++) {
        int status = ask(names, CONDITIONS[i].sentence, "");
        ck_assert_msg(status == CONDITIONS[i].status && strcmp(names, CONDITIONS[i].names) == 0, "'%s' (%d): %s\n%s",
                      CONDITIONS[i].sentence, status, names, out);
    }
}
END_TEST

START_TEST(content_ranks_what_the_conditions_let_through) {
    char names[1024];
    index_album();
    ck_assert_int_le(ask(names, "a cat in Lisbon in 2021", ""), 1);
    ck_assert_str_eq(names, "cat.jpg galaxies.jpg");
    ck_assert_ptr_nonnull(strstr(out, "\"text\":\"a cat\",\"from\":\"2021-01-01T00:00:00\",\"to\":\"2021-12-31T23:59:59\",\"places\":[\"Lisbon\"]"));
    ck_assert_ptr_nonnull(strstr(out, "\"place\":\"Lisbon, Portugal\""));
    ck_assert_ptr_nonnull(strstr(out, "\"passed\":2"));
    ck_assert_int_le(ask(names, "stars in the sky or a cup of coffee", "-k 2"), 1);
    ck_assert_msg(strstr(names, "galaxies.jpg") && strstr(names, "coffee.jpg"), "%s", names);
}
END_TEST

START_TEST(literal_takes_every_word_as_content) {
    char names[1024];
    index_album();
    ask(names, "a cat in Lisbon in 2021", "--literal");
    ck_assert_ptr_nonnull(strstr(out, "\"text\":\"a cat in Lisbon in 2021\",\"from\":null,\"to\":null,\"places\":[],\"not\":[],\"filters\":[]"));
    ck_assert_ptr_nonnull(strstr(names, " ")); /* not only Lisbon's two */
    ck_assert_ptr_nonnull(strstr(out, "\"passed\":7"));
}
END_TEST

START_TEST(a_place_without_photos_is_content_and_that_is_said) {
    char names[1024];
    index_album();
    ask(names, "a cat in Tokyo", "");
    ck_assert_ptr_nonnull(strstr(out, "\"text\":\"a cat in Tokyo\""));
    ck_assert_ptr_nonnull(strstr(out, "Tokyo\\\":"));
    ck_assert_int_eq(strncmp(names, "cat.jpg", 7), 0);
}
END_TEST

START_TEST(pages_go_on_where_the_one_before_ended) {
    static const char *const sentences[] = {"a photo of something", "before 2027"};
    char names[1024], all[1024], first[4096], next[256];
    index_album();
    for (size_t s = 0; s < 2; s++) {
        ask(all, sentences[s], "--all");
        ask(first, sentences[s], "--all -k 3");
        for (;;) {
            const char *at = strstr(out, "\"next\":\"");
            if (!at) break;
            snprintf(next, sizeof next, "--all -k 3 --after %.*s", (int)strcspn(at + 8, "\""), at + 8);
            ask(names, sentences[s], next);
            if (!names[0]) break;
            strcat(strcat(first, " "), names); /* seven names at most */
        }
        ck_assert_str_eq(first, all);
        ck_assert_uint_gt(strlen(all), 55); /* all seven */
    }
    /* The place belongs to its search. */
    ck_assert_int_eq(ask(names, "another sentence", next), 3);
}
END_TEST

START_TEST(an_example_image_and_words_go_together) {
    char names[1024];
    index_album();
    ck_assert_int_le(ask(names, "", "--like $T/photos/cat.jpg -k 3"), 1);
    ck_assert_int_le(ask(names, "in Lisbon", "--like $R/tests/data/photos/coffee.jpg"), 1);
    ck_assert_msg(strcmp(names, "cat.jpg galaxies.jpg") == 0 || strcmp(names, "galaxies.jpg cat.jpg") == 0, "%s", names);
}
END_TEST

START_TEST(answers_can_be_sorted_by_time) {
    char names[1024];
    index_album();
    ck_assert_int_eq(ask(names, "before 2026", "--sort oldest -k 10"), 0);
    ck_assert_ptr_nonnull(strstr(names, "cat.jpg galaxies.jpg dandelions.jpg cameraman.jpg"));
    ck_assert_int_eq(ask(names, "newest photos from 2021", ""), 0);
    ck_assert_str_eq(names, "galaxies.jpg cat.jpg");
}
END_TEST

Suite *suite_sentence(void) {
    Suite *suite = suite_create("sentence");
    TCase *tc = tcase_create("sentence");
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, conditions_choose_the_photos_newest_first);
    tcase_add_test(tc, content_ranks_what_the_conditions_let_through);
    tcase_add_test(tc, literal_takes_every_word_as_content);
    tcase_add_test(tc, a_place_without_photos_is_content_and_that_is_said);
    tcase_add_test(tc, pages_go_on_where_the_one_before_ended);
    tcase_add_test(tc, an_example_image_and_words_go_together);
    tcase_add_test(tc, answers_can_be_sorted_by_time);
    suite_add_tcase(suite, tc);
    return suite;
}
