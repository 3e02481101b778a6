/*
** Cleaning and mending of texts: what Python's lower() and ftfy make of single signs, and texts that do not end.
*/
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "encoder/tokens/clean.h"
#include "tests/suites.h"

/* All parts of the text, one behind the other, as UTF-8. */
static const char *cleaned(const char *text, size_t length, int clean, int mends) {
    static char out[64 * 1024];
    static ps__cleaner t;
    size_t size = 0;
    ps__cleaner_start(&t, text, length, clean, mends);
    while (ps__cleaner_next(&t)) {
        ck_assert_int_le(t.count, PS__CLEAN_POINTS);
        for (int i = 0; i < t.count && size < sizeof out - 5; i++) size += ps__utf8_encode(out + size, (uint32_t)t.points[i]);
    }
    out[size] = 0;
    ck_assert_int_eq(ps__cleaner_next(&t), 0);
    return out;
}

enum { NONE = PS__CLEAN_NONE, LOWER = PS__CLEAN_LOWER, PUNCTUATION = PS__CLEAN_PUNCTUATION, CANONICAL = PS__CLEAN_CANONICAL };

static const struct {
    int clean, mends;
    const char *text, *wanted;
} cases[] = {
    {NONE, 0, "A_b. \t", "A_b. \t"},
    {NONE, 0, "\xFF", "\xEF\xBF\xBD"},
    {LOWER, 0, "ABZ[\x7F_ \xC3\x84\xD0\x96", "abz[\x7F_ \xC3\xA4\xD0\xB6"},
    {PUNCTUATION, 0, "A_b.\t!?c\xC2\xA0\x1C", "ab c  "},
    {CANONICAL, 0, "A_b.\t!?c", "a b c"},
    /* lower case that is two points; a sigma at the end of a word, before a mark, alone, within one */
    {LOWER, 0, "\xC4\xB0z", "i\xCC\x87z"},
    {PUNCTUATION, 0, "\xCE\x91\xCE\xA3 \xCE\xA3", "\xCE\xB1\xCF\x82 \xCF\x83"},
    {PUNCTUATION, 0, "\xCE\x91\xCE\xA3'\xCC\x81.", "\xCE\xB1\xCF\x82\xCC\x81"},
    {PUNCTUATION, 0, "\xCE\x91\xCE\xA3'\xCE\x91", "\xCE\xB1\xCF\x83\xCE\xB1"},
    {LOWER, 1, "\xCE\x91\xCE\xA3", "\xCE\xB1\xCF\x82"},
    {LOWER, 0, "\xCE\x91\xCE\xA3", "\xCE\xB1\xCF\x83"},
    /* quotes; ligatures and digraphs; forms of other widths; control characters; composition */
    {NONE, 1, "\xE2\x80\x98\xE2\x80\x9B\xCA\xBC\xE2\x80\x9C\xE2\x80\x9F", "'''\"\""},
    {NONE, 1, "\xEF\xAC\x81\xEF\xAC\x83\xC7\x84\xC5\x89\xEF\xAC\x85", "fiffiD\xC5\xBD'n\xC5\xBFt"},
    {NONE, 1, "\xEF\xBC\xA1\xE3\x80\x80\xEF\xBD\xB6\xEF\xBE\x9E", "A \xE3\x82\xAC"},
    {NONE, 1,
     "a\x01\x0B\x7F\xEF\xBB\xBF\xE2\x81\xAA"
     "b\t\n",
     "ab\t\n"},
    {NONE, 1, "e\xCC\x81", "\xC3\xA9"},
    {NONE, 0, "e\xCC\x81\xEF\xAC\x81", "e\xCC\x81\xEF\xAC\x81"},
    {CANONICAL, 0, "E\xCC\x81_\xE2\x80\x98\xEF\xAC\x81", "\xC3\xA9 fi"},
    {CANONICAL, 0, "...", ""},
    {CANONICAL, 0, "", ""},
};

START_TEST(texts_are_cleaned) {
    ck_assert_str_eq(cleaned(cases[_i].text, strlen(cases[_i].text), cases[_i].clean, cases[_i].mends), cases[_i].wanted);
}
END_TEST

START_TEST(zeros_are_characters_but_for_mending) {
    static ps__cleaner t;
    ps__cleaner_start(&t, "a\0b", 3, NONE, 0);
    ck_assert_int_eq(ps__cleaner_next(&t), 1);
    ck_assert_int_eq(t.count, 3);
    ck_assert_str_eq(cleaned("a\0b", 3, NONE, 1), "ab");
}
END_TEST

/* 3,000 of one sign: none is lost where parts meet, and none grows beyond the room. */
START_TEST(long_texts_come_in_parts) {
    static const char *const signs[][2] = {
        {"x", "x"}, {"\xEF\xAC\x83", "ffi"}, {"\xC4\xB0", "i\xCC\x87"}, {"\xEF\xB7\xBA", "\xEF\xB7\xBA"}};
    enum { COUNT = 3000 };
    static char text[4 * COUNT];
    size_t length = 0, size = strlen(signs[_i][1]);
    for (int i = 0; i < COUNT; i++, length += strlen(signs[_i][0])) memcpy(text + length, signs[_i][0], strlen(signs[_i][0]));
    const char *got = cleaned(text, length, LOWER, 1);
    ck_assert_uint_eq(strlen(got), size * COUNT);
    for (size_t i = 0; i < COUNT; i++) ck_assert_mem_eq(got + i * size, signs[_i][1], size);
}
END_TEST

/* What is dropped is passed over, however much of it there is. */
START_TEST(parts_of_nothing_are_passed_over) {
    static char text[5001];
    memset(text, '!', 5000);
    text[5000] = 'z';
    ck_assert_str_eq(cleaned(text, sizeof text, PUNCTUATION, 0), "z");
}
END_TEST

START_TEST(names_are_known) {
    ck_assert_int_eq(ps__clean_find(NULL), NONE);
    ck_assert_int_eq(ps__clean_find("none"), NONE);
    ck_assert_int_eq(ps__clean_find("lower"), LOWER);
    ck_assert_int_eq(ps__clean_find("punctuation"), PUNCTUATION);
    ck_assert_int_eq(ps__clean_find("canonicalize"), CANONICAL);
    ck_assert_int_eq(ps__clean_find("soap"), -1);
}
END_TEST

Suite *suite_clean(void) {
    Suite *s = suite_create("clean");
    TCase *t = tcase_create("clean");
    tcase_add_loop_test(t, texts_are_cleaned, 0, sizeof cases / sizeof *cases);
    tcase_add_test(t, zeros_are_characters_but_for_mending);
    tcase_add_loop_test(t, long_texts_come_in_parts, 0, 4);
    tcase_add_test(t, parts_of_nothing_are_passed_over);
    tcase_add_test(t, names_are_known);
    suite_add_tcase(s, t);
    return s;
}
