/*
** Sentences: whatever is typed or pasted becomes tidy UTF-8, or is refused as empty.
*/
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "search/query.h"

Suite *suite_query(void);

static const struct {
    const char *sentence, *text; /* text NULL: refused */
} CASES[] = {
    {"red car", "red car"},
    {"  red \t car\r\n", "red car"},
    {"\xC2\xA0red\xE3\x80\x80"
     "car\xE2\x80\x8B",
     "red car"},                        /* no-break, ideographic and zero-width spaces */
    {"\xEF\xBB\xBFred car", "red car"}, /* byte order mark */
    {"Stra\xC3\x9F"
     "e",
     "Stra\xC3\x9F"
     "e"},
    {"\xE5\xB7\xB4\xE9\xBB\x8E", "\xE5\xB7\xB4\xE9\xBB\x8E"},
    {"\xFFred", "\xEF\xBF\xBDred"}, /* not UTF-8 */
    {"red\x1B[31m", "red [31m"},    /* no controls get through */
    {"", NULL},
    {" \t\n", NULL},
    {"\xE2\x80\x8B", NULL},
};

START_TEST(sentences_are_tidied) {
    ps__query query;
    ps__error err = {0};
    const char *sentence = CASES[_i].sentence;
    int status = ps__query_parse(&query, sentence, strlen(sentence), NULL, &err);
    if (!CASES[_i].text) {
        ck_assert_int_eq(status, PS__INVALID);
        ck_assert_str_eq(err.text, "the query is empty");
    } else {
        ck_assert_int_eq(status, PS__OK);
        ck_assert_str_eq(query.text, CASES[_i].text);
        ck_assert(query.clause_count == 0 && query.note_count == 0);
    }
    ps__query_clear(&query);
    ps__query_clear(&query);
}
END_TEST

START_TEST(any_bytes_give_valid_text_or_are_refused) {
    ps__query query;
    char bytes[64];
    srand(7);
    for (int n = 0; n < 20000; n++) {
        size_t length = (size_t)(rand() % 64);
        for (size_t i = 0; i < length; i++) bytes[i] = (char)rand();
        if (ps__query_parse(&query, bytes, length, NULL, NULL) != PS__OK) continue;
        ck_assert(ps__utf8_valid(query.text, strlen(query.text)));
        ck_assert(query.text[0] != ' ' && query.text[strlen(query.text) - 1] != ' ');
        ck_assert_ptr_null(strstr(query.text, "  "));
        ps__query_clear(&query);
    }
}
END_TEST

START_TEST(a_megabyte_is_taken) {
    ps__query query;
    size_t size = 1 << 20;
    char *bytes = malloc(size);
    ck_assert_ptr_nonnull(bytes);
    memset(bytes, 'a', size);
    ck_assert_int_eq(ps__query_parse(&query, bytes, size, NULL, NULL), PS__OK);
    ck_assert_uint_eq(strlen(query.text), size);
    ps__query_clear(&query);
    free(bytes);
}
END_TEST

Suite *suite_query(void) {
    Suite *suite = suite_create("query");
    TCase *sentences = tcase_create("sentences");
    tcase_add_loop_test(sentences, sentences_are_tidied, 0, sizeof CASES / sizeof *CASES);
    tcase_add_test(sentences, any_bytes_give_valid_text_or_are_refused);
    tcase_add_test(sentences, a_megabyte_is_taken);
    suite_add_tcase(suite, sentences);
    return suite;
}
