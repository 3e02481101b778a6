/*
** JSON piece by piece: what is read, and texts that are not JSON, each refused once with its place. Every text lies in memory
** of just its size.
*/
#include <check.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "encoder/import/json_stream.h"
#include "tests/suites.h"

static char *copy; /* of the text */
static ps__error err;

static void start_with(ps__json_stream *s, const void *text, size_t size) {
    free(copy);
    copy = malloc(size ? size : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, text, size);
    memset(&err, 0, sizeof err);
    ps__json_start(s, size ? copy : NULL, size, "t.json", &err);
}

static void start(ps__json_stream *s, const char *text) { start_with(s, text, strlen(text)); }

static void finish(ps__json_stream *s) {
    ps__json_clear(s);
    free(copy);
    copy = NULL;
}

/* Writes what is read in short: strings in <>, numbers, t f n, objects {<key>value}, arrays []. */
static void write_value(ps__buf *out, ps__json_stream *s, int type) {
    switch (type) {
    case PS__JSON_STRING: ps__buf_printf(out, "<%s>", s->text.bytes); break;
    case PS__JSON_NUMBER: ps__buf_printf(out, "%g", s->number); break;
    case PS__JSON_TRUE: ps__buf_putc(out, 't'); break;
    case PS__JSON_FALSE: ps__buf_putc(out, 'f'); break;
    case PS__JSON_NULL: ps__buf_putc(out, 'n'); break;
    case PS__JSON_ARRAY:
        ps__buf_putc(out, '[');
        while ((type = ps__json_next(s)) != PS__JSON_CLOSE && type != PS__JSON_END && type != PS__JSON_BAD)
            write_value(out, s, type);
        ps__buf_putc(out, ']');
        break;
    case PS__JSON_OBJECT:
        ps__buf_putc(out, '{');
        while (ps__json_key(s)) {
            ps__buf_printf(out, "%s:", s->text.bytes);
            write_value(out, s, ps__json_next(s));
        }
        ps__buf_putc(out, '}');
        break;
    default: break;
    }
}

/* All of the text, in short; belongs to the caller. */
static char *read_all(ps__json_stream *s) {
    ps__buf out = PS__BUF_INIT;
    for (int type; (type = ps__json_next(s)) != PS__JSON_END && type != PS__JSON_BAD;) write_value(&out, s, type);
    ps__buf_putc(&out, s->failed ? '!' : '.');
    return ps__buf_detach(&out);
}

static const struct {
    const char *json, *wanted;
} texts[] = {
    {"", "."},
    {" \t\r\n ", "."},
    {"\xEF\xBB\xBF[1]", "[1]."},
    {"{}", "{}."},
    {"{\"a\": 1, \"b\":[true,false,null , \"x\"], \"c\":{\"d\":{}}}", "{a:1b:[tfn<x>]c:{d:{}}}."},
    {"[-1.5, 2e3,0]", "[-1.520000]."},
    {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "<\"\\/\b\f\n\r\t>."},
    {"\"\\u0041\\u00e9\\u4E2d\\ud83d\\uDE00\"", "<A\xC3\xA9\xE4\xB8\xAD\xF0\x9F\x98\x80>."},
    {"\"\xF0\x9F\x98\x80\"", "<\xF0\x9F\x98\x80>."},
};

START_TEST(values_come_one_by_one) {
    ps__json_stream s;
    start(&s, texts[_i].json);
    char *got = read_all(&s);
    ck_assert_msg(strcmp(got, texts[_i].wanted) == 0, "%s gives %s: %s", texts[_i].json, got, err.text);
    ps__free(got);
    finish(&s);
}
END_TEST

START_TEST(strings_may_hold_zeros) {
    ps__json_stream s;
    start(&s, "\"a\\u0000b\"");
    ck_assert_int_eq(ps__json_next(&s), PS__JSON_STRING);
    ck_assert_uint_eq(s.text.length, 3);
    ck_assert_mem_eq(s.text.bytes, "a\0b", 3);
    finish(&s);
}
END_TEST

static const struct {
    const char *json, *complaint;
} refused[] = {
    {"\"abc", "ends within a string"},
    {"\"abc\\", "not JSON's"},
    {"\"\\x\"", "not JSON's (byte 3)"},
    {"\"\\u12\"", "not JSON's"},
    {"\"\\u12g4\"", "not JSON's"},
    {"\"\\ud800\"", "not JSON's"},
    {"\"\\ud800\\n\"", "not JSON's"},
    {"\"\\ud800\\u0041\"", "not JSON's"},
    {"\"\\ud800\\ue000\"", "not JSON's"},
    {"\"\\udc00\"", "not JSON's"},
    {"\"a\nb\"", "not JSON's"},
    {"\"\xFF\"", "not UTF-8"},
    {"\"\xED\xA0\x80\"", "not UTF-8"},
    {"-", "number that is not JSON's"},
    {"1.2.3", "number that is not JSON's"},
    {"1e", "number that is not JSON's"},
    {"1.", "number that is not JSON's"},
    {"01", "number that is not JSON's"},
    {"1e999", "number that is not JSON's"},
    {"1111111111222222222233333333334444444444555555555566666666667777", "number that is not JSON's"},
    {"nul", "is not JSON (byte 0)"},
    {"truth", "is not JSON"},
    {"<html>", "is not JSON"},
    {"{1:2}", "object without a key"},
    {"{[", "object without a key"},
    {"{\"a\"", "key without a value"},
    {"{\"a\",", "key without a value"},
    {"{", "object without a key"},
};

START_TEST(what_is_not_json_is_told) {
    ps__json_stream s;
    start(&s, refused[_i].json);
    ps__free(read_all(&s));
    ck_assert_int_eq(s.failed, PS__MODEL);
    ck_assert_msg(strstr(err.text, refused[_i].complaint) && strncmp(err.text, "t.json: ", 8) == 0, "%s: \"%s\"",
                  refused[_i].json, err.text);
    finish(&s);
}
END_TEST

START_TEST(a_zero_byte_is_not_json) {
    ps__json_stream s;
    start_with(&s, "[1\0]", 4);
    ps__free(read_all(&s));
    ck_assert_int_eq(s.failed, PS__MODEL);
    finish(&s);
}
END_TEST

START_TEST(the_first_fault_counts) {
    ps__json_stream s;
    start(&s, "[\"\\x\", 1]");
    ck_assert_int_eq(ps__json_next(&s), PS__JSON_ARRAY);
    ck_assert_int_eq(ps__json_next(&s), PS__JSON_BAD);
    ck_assert_int_eq(ps__json_fail(&s, "of meaning"), PS__MODEL);
    ck_assert_ptr_null(strstr(err.text, "of meaning"));
    ck_assert_int_eq(ps__json_next(&s), PS__JSON_BAD);
    ck_assert_int_eq(ps__json_key(&s), 0);
    ps__json_skip(&s);
    ck_assert_ptr_null(ps__json_tree(&s));
    finish(&s);
}
END_TEST

static const struct {
    const char *json;
    int is_whole;
    int64_t value;
} numbers[] = {
    {"0", 1, 0},
    {"-7", 1, -7},
    {"1e3", 1, 1000},
    {"999999999", 1, 999999999},
    {"-999999999", 1, -999999999},
    {"1000000000", 0, 0},
    {"1.5", 0, 1},
    {"1e300", 0, 0},
    {"-1e9", 0, 0},
    {"18446744073709551617", 0, 0},
};

START_TEST(whole_numbers_are_told_from_others) {
    ps__json_stream s;
    int64_t value = -1;
    start(&s, numbers[_i].json);
    ck_assert_int_eq(ps__json_next(&s), PS__JSON_NUMBER);
    ck_assert_int_eq(ps__json_whole(&value, &s), numbers[_i].is_whole);
    ck_assert_int_eq(value, numbers[_i].value);
    finish(&s);
}
END_TEST

START_TEST(values_are_left_out) {
    static const char *const values[] = {"1", "\"x\"", "null", "{\"a\":[1,{\"b\":2}],\"c\":\"]\"}", "[[],[{}]]"};
    ps__json_stream s;
    char text[200];
    snprintf(text, sizeof text, "{\"skipped\":%s,\"next\":7}", values[_i]);
    start(&s, text);
    ck_assert_int_eq(ps__json_next(&s), PS__JSON_OBJECT);
    ck_assert_int_eq(ps__json_key(&s), 1);
    ps__json_skip(&s);
    ck_assert_int_eq(ps__json_key(&s), 1);
    ck_assert_str_eq(s.text.bytes, "next");
    ck_assert_int_eq(ps__json_next(&s), PS__JSON_NUMBER);
    ck_assert_int_eq(ps__json_key(&s), 0);
    ck_assert_int_eq(ps__json_next(&s), PS__JSON_END);
    finish(&s);
}
END_TEST

static const struct {
    const char *json, *complaint; /* NULL: none */
} skipped[] = {{"]", "is not JSON"},
               {"", "ends within a value"},
               {"[1,[2]", "ends within a value"},
               {"{\"a\":\"", "ends within a string"},
               {"[1]", NULL}};

START_TEST(what_cannot_be_left_out_is_told) {
    ps__json_stream s;
    start(&s, skipped[_i].json);
    ps__json_skip(&s);
    ck_assert_int_eq(s.failed, skipped[_i].complaint ? PS__MODEL : PS__OK);
    if (skipped[_i].complaint) ck_assert_msg(strstr(err.text, skipped[_i].complaint) != NULL, "%s", err.text);
    finish(&s);
}
END_TEST

START_TEST(nesting_is_bounded) {
    static char text[100000];
    ps__json_stream s;
    for (int depth = 64; depth <= 65; depth++) {
        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        start_with(&s, text, 2 * (size_t)depth);
        ps__json_skip(&s);
        ck_assert_int_eq(s.failed, depth == 64 ? PS__OK : PS__MODEL);
        finish(&s);
    }
    ck_assert_ptr_nonnull(strstr(err.text, "nested too deeply"));
    memset(text, '[', sizeof text); /* 100,000 deep, which a reader that calls itself would not survive */
    start_with(&s, text, sizeof text);
    ck_assert_ptr_null(ps__json_tree(&s));
    ck_assert_ptr_nonnull(strstr(err.text, "nested too deeply"));
    finish(&s);
}
END_TEST

START_TEST(parts_come_as_trees) {
    ps__json_stream s;
    start(&s, "{\"a\": {\"b\":[1,\"x\"]}, \"c\":3}");
    ck_assert_int_eq(ps__json_next(&s), PS__JSON_OBJECT);
    ck_assert_int_eq(ps__json_key(&s), 1);
    json_t *tree = ps__json_tree(&s);
    ck_assert_uint_eq(json_array_size(json_object_get(tree, "b")), 2);
    json_decref(tree);
    ck_assert_int_eq(ps__json_key(&s), 1);
    tree = ps__json_tree(&s);
    ck_assert_int_eq(json_integer_value(tree), 3);
    json_decref(tree);
    finish(&s);
}
END_TEST

START_TEST(trees_that_are_none_are_told) {
    static const char *const bad[] = {"[1 2]", "{\"a\" 1}", "[1}", "{\"a\":1,}",
                                      "[01]"}; /* which reading piece by piece lets pass */
    ps__json_stream s;
    start(&s, bad[_i]);
    ck_assert_ptr_null(ps__json_tree(&s));
    ck_assert_int_eq(s.failed, PS__MODEL);
    ck_assert_int_eq(strncmp(err.text, "t.json: ", 8), 0);
    finish(&s);
}
END_TEST

START_TEST(a_tree_is_bounded) {
    enum { SIZE = (8 << 20) + 3 };
    ps__json_stream s;
    char *text = malloc(SIZE);
    ck_assert_ptr_nonnull(text);
    memset(text, 'x', SIZE);
    text[0] = text[SIZE - 1] = '"';
    start_with(&s, text, SIZE);
    ck_assert_ptr_null(ps__json_tree(&s));
    ck_assert_ptr_nonnull(strstr(err.text, "too large"));
    finish(&s);
    free(text);
}
END_TEST

START_TEST(a_text_that_is_cut_is_no_value) {
    static const char text[] = "{\"a\":[1.5,\"\\ud83d\\ude00\xC3\xA9\",{\"b\":null}],\"c\":true}";
    ps__json_stream s;
    for (size_t n = 0; n < sizeof text - 1; n++) {
        start_with(&s, text, n);
        ps__json_skip(&s);
        ck_assert_msg(s.failed == PS__MODEL, "cut to %zu bytes", n);
        finish(&s);
        start_with(&s, text, n);
        ps__free(read_all(&s));
        ck_assert_int_eq(s.failed, n ? PS__MODEL : PS__OK);
        finish(&s);
    }
}
END_TEST

/* Where such a locale is installed. */
START_TEST(numbers_have_a_point_where_a_comma_is_usual) {
    static const char *const locales[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "pt_BR.UTF-8", "ru_RU.UTF-8"};
    ps__json_stream s;
    for (size_t i = 0; i < sizeof locales / sizeof *locales; i++)
        if (setlocale(LC_NUMERIC, locales[i])) break;
    start(&s, "-2.5e1");
    ck_assert_int_eq(ps__json_next(&s), PS__JSON_NUMBER);
    setlocale(LC_NUMERIC, "C");
    ck_assert_double_eq(s.number, -25);
    finish(&s);
}
END_TEST

START_TEST(a_lack_of_memory_is_told) {
    ps__json_stream s;
    start(&s, "[\"a string that needs memory\"]");
    ck_assert_int_eq(ps__json_next(&s), PS__JSON_ARRAY);
    ps__alloc_fail_after(0, 1);
    int type = ps__json_next(&s);
    ps__alloc_fail_after(-1, 0);
    ck_assert_int_eq(type, PS__JSON_BAD);
    ck_assert_int_eq(s.failed, PS__NOMEM);
    ck_assert_int_eq(ps__json_fail(&s, "no"), PS__NOMEM);
    finish(&s);
}
END_TEST

#define COUNT(list) ((int)(sizeof(list) / sizeof *(list)))

Suite *suite_json_stream(void) {
    Suite *s = suite_create("json_stream");
    TCase *t = tcase_create("reading");
    tcase_add_loop_test(t, values_come_one_by_one, 0, COUNT(texts));
    tcase_add_test(t, strings_may_hold_zeros);
    tcase_add_loop_test(t, whole_numbers_are_told_from_others, 0, COUNT(numbers));
    tcase_add_test(t, numbers_have_a_point_where_a_comma_is_usual);
    tcase_add_loop_test(t, values_are_left_out, 0, 5);
    tcase_add_test(t, parts_come_as_trees);
    suite_add_tcase(s, t);
    t = tcase_create("refusing");
    tcase_add_loop_test(t, what_is_not_json_is_told, 0, COUNT(refused));
    tcase_add_test(t, a_zero_byte_is_not_json);
    tcase_add_test(t, the_first_fault_counts);
    tcase_add_loop_test(t, what_cannot_be_left_out_is_told, 0, COUNT(skipped));
    tcase_add_test(t, nesting_is_bounded);
    tcase_add_loop_test(t, trees_that_are_none_are_told, 0, 5);
    tcase_add_test(t, a_tree_is_bounded);
    tcase_add_test(t, a_text_that_is_cut_is_no_value);
    tcase_add_test(t, a_lack_of_memory_is_told);
    suite_add_tcase(s, t);
    return s;
}
