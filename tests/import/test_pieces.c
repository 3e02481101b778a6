/*
** A vocabulary that is being read: pieces are found again, and nothing is there twice, empty, too long, or of an id that is none.
*/
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "base/alloc.h"
#include "encoder/import/pieces.h"
#include "tests/import/readers.h"
#include "tests/suites.h"

static ps__pieces p;

static void set_up(void) { ps__pieces_init(&p); }
static void tear_down(void) { ps__pieces_clear(&p); }

static int add(const char *text, int64_t id, ps__error *err) { return ps__pieces_add(&p, text, strlen(text), id, -2, "f", err); }

START_TEST(nothing_is_found_in_nothing) {
    size_t length = 7;
    ck_assert_int_eq(ps__pieces_find(&p, "a", 1), -1);
    ck_assert_str_eq(ps__pieces_text(&length, &p, 0), "");
    ck_assert_uint_eq(length, 0);
    ck_assert_int_eq(p.first, -1);
    ck_assert_int_eq(p.unknown, -1);
}
END_TEST

START_TEST(pieces_are_found_again) {
    enum { COUNT = 5000 }; /* the tables grow twice */
    char text[16];
    for (int i = 0; i < COUNT; i++) {
        snprintf(text, sizeof text, "p%d", i * 7 % COUNT);
        ck_assert_int_eq(add(text, i, NULL), PS__OK);
    }
    ck_assert_uint_eq(p.count, COUNT);
    for (int i = 0; i < COUNT; i++) {
        snprintf(text, sizeof text, "p%d", i * 7 % COUNT);
        readers_expect(&p, text, i);
    }
    readers_expect(&p, "p", -1);
    readers_expect(&p, "p5000", -1);
    ck_assert_int_eq(ps__pieces_find(&p, "", 0), -1);
}
END_TEST

/* Pieces whose hashes fall on a sixteenth of the table: each would be looked for behind all before it. */
START_TEST(pieces_that_fall_on_each_other_are_refused) {
    enum { SLOTS = 1 << 14 };
    char text[16];
    ps__error err = {0};
    int status = PS__OK;
    ck_assert_int_eq(add("last", SLOTS / 2 - 1, NULL), PS__OK); /* so that the table has its size */
    for (int i = 0, id = 0; status == PS__OK && id < SLOTS / 4; i++) {
        snprintf(text, sizeof text, "%x", (unsigned)i);
        if (XXH3_64bits(text, strlen(text)) % SLOTS < SLOTS / 16) status = add(text, id++, &err);
    }
    ck_assert_int_eq(status, PS__MODEL);
    ck_assert_ptr_nonnull(strstr(err.text, "to make reading them slow"));
}
END_TEST

START_TEST(ids_may_have_gaps) {
    size_t length;
    ck_assert_int_eq(add("last", PS__PIECES_MOST - 1, NULL), PS__OK);
    ck_assert_int_eq(add("a", 3, NULL), PS__OK);
    ck_assert_uint_eq(p.count, PS__PIECES_MOST);
    readers_expect(&p, "last", PS__PIECES_MOST - 1);
    readers_expect(&p, "a", 3);
    ps__pieces_text(&length, &p, 4);
    ck_assert_uint_eq(length, 0);
    ps__pieces_text(&length, &p, -1);
    ck_assert_uint_eq(length, 0);
    ps__pieces_text(&length, &p, PS__PIECES_MOST);
    ck_assert_uint_eq(length, 0);
}
END_TEST

START_TEST(pieces_may_hold_any_bytes) {
    ck_assert_int_eq(ps__pieces_add(&p, "a\0b", 3, 0, 0, "f", NULL), PS__OK);
    ck_assert_int_eq(ps__pieces_add(&p, "a\0c", 3, 1, 0, "f", NULL), PS__OK);
    ck_assert_int_eq(ps__pieces_find(&p, "a\0c", 3), 1);
    ck_assert_int_eq(ps__pieces_find(&p, "a", 1), -1);
}
END_TEST

START_TEST(a_piece_told_twice_is_one) {
    ck_assert_int_eq(add("a", 1, NULL), PS__OK);
    ck_assert_int_eq(add("a", 1, NULL), PS__OK);
    ck_assert_uint_eq(p.text.length, 1);
}
END_TEST

static char long_piece[1026];

static const struct {
    const char *text;
    int64_t id;
    const char *complaint;
} refused[] = {
    {"", 5, "f: piece 5 is empty or too long"},
    {long_piece, 5, "f: piece 5 is empty or too long"},
    {"x", -1, "id is out of range"},
    {"x", PS__PIECES_MOST, "id is out of range"},
    {"x", INT64_MAX, "id is out of range"},
    {"x", INT64_MIN, "id is out of range"},
    {"a", 2, "f: piece \"a\" or its id 2 is there twice"},
    {"x", 1, "f: piece \"x\" or its id 1 is there twice"},
};

START_TEST(what_is_no_piece_is_refused) {
    ps__error err = {0};
    memset(long_piece, 'l', 1025);
    ck_assert_int_eq(add("a", 1, NULL), PS__OK);
    ck_assert_int_eq(add(refused[_i].text, refused[_i].id, &err), PS__MODEL);
    ck_assert_msg(strstr(err.text, refused[_i].complaint) != NULL, "%s", err.text);
    ck_assert_uint_eq(p.count, 2);
    readers_expect(&p, "a", 1);
    readers_expect(&p, "x", -1);
}
END_TEST

START_TEST(a_piece_may_have_1024_bytes) {
    memset(long_piece, 'l', 1024);
    long_piece[1024] = 0;
    ck_assert_int_eq(add(long_piece, 0, NULL), PS__OK);
    readers_expect(&p, long_piece, 0);
}
END_TEST

static int merge(const char *left, const char *right, ps__error *err) {
    return ps__pieces_merge(&p, left, strlen(left), right, strlen(right), "f", err);
}

START_TEST(merges_name_three_pieces) {
    static const char *const pieces[] = {"a", "b", "ab", "abb"};
    for (int i = 0; i < 4; i++) ck_assert_int_eq(add(pieces[i], 10 + i, NULL), PS__OK);
    ck_assert_int_eq(merge("a", "b", NULL), PS__OK);
    ck_assert_int_eq(merge("ab", "b", NULL), PS__OK);
    ck_assert_uint_eq(p.pair_count, 2);
    ck_assert_int_eq(p.pairs[1].left, 12);
    ck_assert_int_eq(p.pairs[1].right, 11);
    ck_assert_int_eq(p.pairs[1].result, 13);
}
END_TEST

static const struct {
    const char *left, *right, *complaint;
} no_merges[] = {
    {"a", "x", "f: merge 0, \"a\" and \"x\", is of what is not in the vocabulary"},
    {"x", "a", "not in the vocabulary"},
    {"b", "a", "not in the vocabulary"}, /* "ba" */
    {"", "a", "not in the vocabulary"},
    {"a", "", "not in the vocabulary"},
    {long_piece, "a", "too long"},
    {"a", long_piece, "too long"},
};

START_TEST(merges_of_what_is_no_piece_are_refused) {
    static const char *const pieces[] = {"a", "b", "ab"};
    ps__error err = {0};
    memset(long_piece, 'l', 1025);
    for (int i = 0; i < 3; i++) ck_assert_int_eq(add(pieces[i], i, NULL), PS__OK);
    ck_assert_int_eq(merge(no_merges[_i].left, no_merges[_i].right, &err), PS__MODEL);
    ck_assert_msg(strstr(err.text, no_merges[_i].complaint) != NULL, "%s", err.text);
    ck_assert_uint_eq(p.pair_count, 0);
}
END_TEST

START_TEST(merges_may_be_many) {
    ck_assert_int_eq(add("a", 0, NULL), PS__OK);
    ck_assert_int_eq(add("aa", 1, NULL), PS__OK);
    for (int i = 0; i < 9000; i++) ck_assert_int_eq(merge("a", "a", NULL), PS__OK);
    ck_assert_uint_eq(p.pair_count, 9000);
    ck_assert_int_eq(p.pairs[8999].result, 1);
}
END_TEST

/* A few of everything, which needs each table and their growth. */
static int fill(ps__pieces *out, const char *path, ps__error *err) {
    char text[16];
    int status = ps__pieces_add(out, "aa", 2, 2100, 0, path, err);
    for (int i = 0; i < 1100 && !status; i++) {
        snprintf(text, sizeof text, "%d", i);
        status = ps__pieces_add(out, text, strlen(text), i, 0, path, err);
    }
    if (!status) status = ps__pieces_add(out, "a", 1, 1100, 0, path, err);
    for (int i = 0; i < 4100 && !status; i++) status = ps__pieces_merge(out, "a", 1, "a", 1, path, err);
    return status;
}

START_TEST(a_lack_of_memory_is_told) { readers_lack_memory(fill, "", 0); }
END_TEST

/* What could not be kept is not there. */
START_TEST(a_piece_that_failed_is_none) {
    size_t length;
    int status = PS__OK, i;
    char text[16];
    ck_assert_int_eq(add("last", 1000, NULL), PS__OK); /* all others lie below it */
    for (i = 0; i < 900 && !status; i++) {
        snprintf(text, sizeof text, "p%d", i);
        ps__alloc_fail_after(0, 0);
        status = add(text, i, NULL);
        ps__alloc_fail_after(-1, 0);
    }
    ck_assert_int_eq(status, PS__NOMEM);
    ps__pieces_text(&length, &p, i - 1);
    ck_assert_uint_eq(length, 0);
    ck_assert_int_eq(ps__pieces_find(&p, text, strlen(text)), -1);
    readers_expect(&p, "p0", 0);
}
END_TEST

#define COUNT(list) ((int)(sizeof(list) / sizeof *(list)))

Suite *suite_pieces(void) {
    Suite *s = suite_create("pieces");
    TCase *t = tcase_create("pieces");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, nothing_is_found_in_nothing);
    tcase_add_test(t, pieces_are_found_again);
    tcase_add_test(t, pieces_that_fall_on_each_other_are_refused);
    tcase_add_test(t, ids_may_have_gaps);
    tcase_add_test(t, pieces_may_hold_any_bytes);
    tcase_add_test(t, a_piece_told_twice_is_one);
    tcase_add_test(t, a_piece_may_have_1024_bytes);
    tcase_add_loop_test(t, what_is_no_piece_is_refused, 0, COUNT(refused));
    tcase_add_test(t, merges_name_three_pieces);
    tcase_add_loop_test(t, merges_of_what_is_no_piece_are_refused, 0, COUNT(no_merges));
    tcase_add_test(t, merges_may_be_many);
    tcase_add_test(t, a_piece_that_failed_is_none);
    suite_add_tcase(s, t);
    t = tcase_create("memory");
    tcase_add_checked_fixture(t, readers_set_up, readers_tear_down);
    tcase_add_test(t, a_lack_of_memory_is_told);
    suite_add_tcase(s, t);
    return s;
}
