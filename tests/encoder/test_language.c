/*
** Which language a text is in: the classifier against its Python twin (tests/data/golden/language.tsv), scripts, and codes.
*/
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "encoder/language.h"
#include "tests/encoder/packages.h"
#include "tests/store/library.h"
#include "tests/suites.h"

#define GOLDEN_BUCKETS 4096

static int8_t weight[GOLDEN_BUCKETS];
static const ps__english english = {weight, GOLDEN_BUCKETS - 1, 0.0625, -0.5};

static void make_weights(void) {
    for (uint32_t i = 0; i < GOLDEN_BUCKETS; i++) weight[i] = (int8_t)((i * 2654435761u) >> 24);
}

static double score_of(const char *text, size_t length) {
    double score;
    ps__error err = {0};
    ck_assert_int_eq(ps__english_score(&score, &english, text, length, &err), PS__OK);
    return score;
}

START_TEST(scores_equal_the_reference_to_the_bit) {
    static char line[1 << 17];
    int count = 0;
    FILE *f = fopen("tests/data/golden/language.tsv", "r");
    ck_assert_ptr_nonnull(f);
    for (; fgets(line, sizeof line, f); count++) {
        char *other = strrchr(line, '\t'), *number;
        *other++ = 0;
        number = strrchr(line, '\t');
        *number++ = 0;
        json_t *text = json_loads(line, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        ck_assert_msg(json_is_string(text), "line %d is no JSON string: %s", count + 1, line);
        const char *utf8 = json_string_value(text);
        size_t length = json_string_length(text);
        double expected = strtod(number, NULL), got = score_of(utf8, length);
        ck_assert_msg(got == expected, "%.60s: %.17g, not %.17g", line, got, expected);
        ck_assert_msg(ps__has_other_script(utf8, length) == atoi(other), "%.60s: script", line);
        json_decref(text);
    }
    fclose(f);
    ck_assert_int_gt(count, 100);
}
END_TEST

START_TEST(any_bytes_have_a_score) {
    uint32_t state = 5;
    char bytes[8192];
    for (int round = 0; round < 50; round++) {
        size_t length = (size_t)round * 160;
        for (size_t i = 0; i < length; i++) bytes[i] = (char)((state = state * 1664525u + 1013904223u) >> 24);
        score_of(bytes, length);
        ps__has_other_script(bytes, length);
    }
    for (size_t i = 0; i + 1 < sizeof bytes; i += 2)
        memcpy(bytes + i, i % 4 ? "\xCC\x80" : "\xCC\xA3", 2); /* marks out of order */
    score_of(bytes, sizeof bytes);
    ck_assert(score_of(" .,!\xFF\xFE", 6) == 0.0);
}
END_TEST

START_TEST(a_lack_of_memory_is_reported) {
    double score;
    ps__error err = {0};
    int status = PS__NOMEM;
    for (long n = 0; status != PS__OK; n++) {
        ck_assert_int_lt(n, 20);
        ps__alloc_fail_after(n, 0);
        status = ps__english_score(&score, &english, "ein Hund", 8, &err);
        ps__alloc_fail_after(-1, 0);
        ck_assert(status == PS__OK ? n > 0 : status == PS__NOMEM);
    }
}
END_TEST

static const struct {
    const char *tag, *code;
} TAGS[] = {
    {"de", "de"}, {"DE", "de"},  {"pt-BR", "pt"}, {"zh_CN.UTF-8", "zh"},    {"fil-PH", "fil"}, {"", ""},
    {"-", ""},    {"pt BR", ""}, {"d3", ""},      {"abcdefgh", "abcdefgh"}, {"abcdefghi", ""}, {"d\xC3\xA9", ""},
};

START_TEST(the_code_stands_before_the_region) {
    char code[PS__LANGUAGE_CODE];
    ck_assert_int_eq(ps__language_code(code, TAGS[_i].tag), TAGS[_i].code[0] != 0);
    ck_assert_str_eq(code, TAGS[_i].code);
}
END_TEST

START_TEST(codes_are_found_whole) {
    ck_assert(ps__languages_have("en", "en") && ps__languages_have("de en fr", "en") && ps__languages_have("fil fi", "fi"));
    ck_assert(!ps__languages_have("fil", "fi") && !ps__languages_have("afi", "fi") && !ps__languages_have("", "en"));
    ck_assert(!ps__languages_have("en de", "") && !ps__languages_have("en de", "n d"));
}
END_TEST

/* ---- What a package says ---- */

static void read_package(const package_recipe *recipe, int expected, const char *languages, const char *complaint) {
    char path[LIBRARY_PATH + 16], *list = NULL;
    ps__package *p;
    ps__english read;
    ps__error err = {0};
    snprintf(path, sizeof path, "%s/p", library_temp);
    packages_write(path, recipe);
    ck_assert_int_eq(ps__package_open(&p, path, &err), PS__OK);
    int status = ps__languages_read(&list, p, &err);
    if (status == PS__OK) status = ps__english_read(&read, p, &err);
    ck_assert_msg(status == expected, "%d: %s", status, err.text);
    if (complaint) ck_assert_msg(strstr(err.text, complaint) && strstr(err.text, path), "%s", err.text);
    if (languages) ck_assert_str_eq(list, languages);
    if (status == PS__OK) ck_assert_int_eq(read.weight != NULL, recipe->foreign != NULL);
    ps__free(list);
    ps__package_free(p);
}

START_TEST(a_package_tells_its_languages_and_has_a_classifier_or_not) {
    read_package(&(package_recipe){.keeps_image = 1}, PS__OK, "en", NULL);
    read_package(&(package_recipe){.keeps_image = 1, .drops_text = 1}, PS__OK, "", NULL);
    read_package(&(package_recipe){.languages = "zh de", .foreign = "hund"}, PS__OK, "zh de", NULL);
}
END_TEST

static const char *const BAD_LISTS[] = {"",      "d",     "deu", "DE",    "de ",     " de",
                                        "de-fr", "de,fr", "d e", "de  f", "de fr z", "de\x1b[1m"};

START_TEST(what_is_no_list_of_codes_is_refused) {
    read_package(&(package_recipe){.languages = BAD_LISTS[_i]}, PS__MODEL, NULL, "languages");
}
END_TEST

START_TEST(a_list_has_200_codes_at_most) {
    char list[201 * 3 + 1];
    for (int i = 0; i < 201; i++) memcpy(list + 3 * i, "de ", 4);
    list[200 * 3 - 1] = 0;
    read_package(&(package_recipe){.languages = list}, PS__OK, list, NULL);
    list[200 * 3 - 1] = ' ';
    list[201 * 3 - 1] = 0;
    read_package(&(package_recipe){.languages = list}, PS__MODEL, NULL, "languages");
}
END_TEST

static const struct {
    const char *from, *to, *complaint; /* as long as each other */
} DAMAGES[] = {
    {"\"shape\":[1024]", "\"shape\":[1023]", "shape needs"},
    {"\\\"english_scale\\\"", "\\\"english_scala\\\"", "english_scale"},
    {"\\\"english_bias\\\": 0.5", "\\\"english_bias\\\": nul", "not a JSON object"},
    {"\"dtype\":\"I8\",\"shape\":[1024]", "\"dtype\":\"U8\",\"shape\":[1024]", "type U8"},
};

START_TEST(a_damaged_classifier_is_refused) {
    char path[LIBRARY_PATH + 16];
    static char bytes[1 << 19];
    ps__package *p = NULL;
    ps__english read;
    ps__error err = {0};
    snprintf(path, sizeof path, "%s/p", library_temp);
    packages_write(path, &(package_recipe){.languages = "de", .foreign = "hund"});
    FILE *f = fopen(path, "r+");
    size_t size = fread(bytes, 1, sizeof bytes, f);
    char *at = memmem(bytes, size, DAMAGES[_i].from, strlen(DAMAGES[_i].from));
    ck_assert_ptr_nonnull(at);
    memcpy(at, DAMAGES[_i].to, strlen(DAMAGES[_i].to));
    rewind(f);
    fwrite(bytes, 1, size, f);
    fclose(f);
    int status = ps__package_open(&p, path, &err);
    if (status == PS__OK) status = ps__english_read(&read, p, &err);
    ck_assert_int_eq(status, PS__MODEL);
    ck_assert_msg(strstr(err.text, DAMAGES[_i].complaint) != NULL, "%s", err.text);
    ps__package_free(p);
}
END_TEST

Suite *suite_language(void) {
    Suite *s = suite_create("language");
    TCase *words = tcase_create("words"), *packages = tcase_create("packages");
    tcase_add_checked_fixture(words, make_weights, NULL);
    tcase_add_checked_fixture(packages, library_setup, library_teardown);
    tcase_add_test(words, scores_equal_the_reference_to_the_bit);
    tcase_add_test(words, any_bytes_have_a_score);
    tcase_add_test(words, a_lack_of_memory_is_reported);
    tcase_add_loop_test(words, the_code_stands_before_the_region, 0, sizeof TAGS / sizeof *TAGS);
    tcase_add_test(words, codes_are_found_whole);
    tcase_add_test(packages, a_package_tells_its_languages_and_has_a_classifier_or_not);
    tcase_add_loop_test(packages, what_is_no_list_of_codes_is_refused, 0, sizeof BAD_LISTS / sizeof *BAD_LISTS);
    tcase_add_test(packages, a_list_has_200_codes_at_most);
    tcase_add_loop_test(packages, a_damaged_classifier_is_refused, 0, sizeof DAMAGES / sizeof *DAMAGES);
    suite_add_tcase(s, words);
    suite_add_tcase(s, packages);
    return s;
}
