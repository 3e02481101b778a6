/*
** Folding for the full-text tables, matches through it, and the words of photos' files beside those of others.
*/
#include <check.h>
#include <sqlite3.h>
#include <string.h>

#include "base/alloc.h"
#include "store/inside.h"
#include "store/words.h"
#include "tests/store/library.h"

START_TEST(text_folds_to_what_is_looked_up) {
    static const struct {
        const char *text, *folded;
    } table[] = {
        {"", ""},
        {"Red CAR", "red car"},
        {"Stra\xC3\x9F"
         "e",
         "strasse"},
        {"\xEF\xAC\x81sh", "fish"},                                                /* the ligature fi */
        {"\xEF\xBC\xA2\xEF\xBC\xA5\xEF\xBC\xA1\xEF\xBC\xA3\xEF\xBC\xA8", "beach"}, /* full width */
        {"Cafe\xCC\x81", "caf\xC3\xA9"},
        {"\xE5\xB7\xB4\xE9\xBB\x8E", "\xE5\xB7\xB4  \xE9\xBB\x8E "},
        {"2021\xE5\xB9\xB4", "2021 \xE5\xB9\xB4 "},
        {"\xE3\x83\x91\xE3\x83\xAA", "\xE3\x83\x91  \xE3\x83\xAA "},
        {"\xEF\xBE\x8A\xEF\xBE\x9F", "\xE3\x83\x91 "},            /* half-width kana with its mark */
        {"\xED\x95\x9C\xEA\xB5\xAD", "\xED\x95\x9C\xEA\xB5\xAD"}, /* Hangul has blanks of its own */
        {"a\nb\tc\x7F", "a b c "},
        {"a\xFF"
         "b",
         "a b"},
        {"soft\xC2\xADhyphen", "softhyphen"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        ps__buf out = PS__BUF_INIT, single = PS__BUF_INIT;
        ps__words_fold(&out, table[i].text, strlen(table[i].text));
        for (size_t k = 0; k < out.length; k++) /* two blanks or one are the same to everybody */
            if (out.bytes[k] != ' ' || k == 0 || out.bytes[k - 1] != ' ') ps__buf_putc(&single, out.bytes[k]);
        ps__buf expected = PS__BUF_INIT;
        for (size_t k = 0; table[i].folded[k]; k++)
            if (table[i].folded[k] != ' ' || k == 0 || table[i].folded[k - 1] != ' ') ps__buf_putc(&expected, table[i].folded[k]);
        ck_assert_str_eq(single.bytes, expected.bytes);
        ps__buf_free(&out);
        ps__buf_free(&single);
        ps__buf_free(&expected);
    }
}
END_TEST

START_TEST(folding_reports_missing_memory) {
    int failures = 0, failed = 1;
    for (long n = 0; failed; n++) {
        ps__buf out = PS__BUF_INIT;
        ck_assert_int_lt(n, 100);
        ps__alloc_fail_after(n, (int)(n % 2));
        ps__words_fold(&out, "Gr\xC3\xBC\xC3\x9F", 6);
        ps__alloc_fail_after(-1, 0);
        failed = out.failed;
        failures += failed;
        ps__buf_free(&out);
    }
    ck_assert_int_gt(failures, 1);
}
END_TEST

static void put(ps__store *store, int64_t photo, const char *title, const char *caption, const char *keywords) {
    ps__photo_texts texts = {{0}, {0}, {0}};
    strcpy(texts.title, title);
    strcpy(texts.caption, caption);
    strcpy(texts.keywords, keywords);
    ck_assert_int_eq(ps__store_write(store, NULL), PS__OK);
    ck_assert_int_eq(ps__store_put_texts(store, photo, &texts, NULL), PS__OK);
    ck_assert_int_eq(ps__store_commit(store, NULL), PS__OK);
}

/* Number of the only photo that matches; 0: none. */
static int64_t match(ps__store *store, const char *query) {
    ps__buf folded = PS__BUF_INIT;
    int64_t photo, count;
    ps__words_fold(&folded, query, strlen(query));
    ck_assert_int_eq(ps__sql_int(&count, store, NULL, "SELECT count(*) FROM words WHERE words MATCH ?", "t", folded.bytes),
                     PS__OK);
    ck_assert_int_le(count, 1);
    int status = ps__sql_int(&photo, store, NULL, "SELECT rowid FROM words WHERE words MATCH ?", "t", folded.bytes);
    ps__buf_free(&folded);
    return status == PS__OK ? photo : 0;
}

START_TEST(words_of_a_photo_are_found_and_read_back) {
    ps__store *store = library_open(PS__STORE_CREATE);
    int64_t a = library_add(store, "/p/a.jpg", "a"), b = library_add(store, "/p/b.jpg", "b");
    put(store, a,
        "Sommer am Stra\xC3\x9F"
        "enrand",
        "",
        "Br\xC3\xBC"
        "cke, R\xC3\xA9mi");
    put(store, b, "", "\xE5\x9C\xA8\xE5\xB7\xB4\xE9\xBB\x8E\xE6\x8B\x8D\xE7\x9A\x84", "");
    ck_assert_int_eq(match(store, "\"STRASSENRAND\""), a);
    ck_assert_int_eq(match(store, "\"brucke\""), a);
    ck_assert_int_eq(match(store, "\"remi\""), a);
    ck_assert_int_eq(match(store, "\"\xE5\xB7\xB4\xE9\xBB\x8E\""), b);
    ck_assert_int_eq(match(store, "\"\xE9\xBB\x8E\""), b);
    ck_assert_int_eq(match(store, "\"\xE9\xBB\x8E\xE5\xB7\xB4\""), 0);
    ps__photo_texts texts;
    ck_assert_int_eq(ps__store_texts(&texts, store, a, NULL), PS__OK);
    ck_assert_str_eq(texts.title, "Sommer am Stra\xC3\x9F"
                                  "enrand");
    ck_assert_str_eq(texts.caption, "");
    ck_assert_str_eq(texts.keywords, "Br\xC3\xBC"
                                     "cke, R\xC3\xA9mi");
    ck_assert_int_eq(ps__store_texts(&texts, store, 999, NULL), PS__OK);
    ck_assert_str_eq(texts.title, "");
    ps__store_close(store);
}
END_TEST

START_TEST(words_of_others_survive) {
    ps__store *store = library_open(PS__STORE_CREATE);
    int64_t a = library_add(store, "/p/a.jpg", "a");
    ck_assert_int_eq(ps__sql_run(store, NULL, "INSERT INTO words(rowid, seen, tags) VALUES(?, 'exit sign', 'street')", "i", a),
                     PS__OK);
    ck_assert_int_eq(ps__sql_run(store, NULL, "INSERT INTO texts(photo, seen, seen_by) VALUES(?, 'EXIT sign', 7)", "i", a),
                     PS__OK);
    put(store, a, "Night", "", "");
    ck_assert_int_eq(match(store, "\"exit sign\""), a);
    ck_assert_int_eq(match(store, "street night"), a);
    put(store, a, "", "", "");
    ck_assert_int_eq(match(store, "night"), 0);
    ck_assert_int_eq(match(store, "\"exit sign\""), a);
    int64_t by;
    ck_assert_int_eq(ps__sql_int(&by, store, NULL,
                                 "SELECT seen_by FROM texts WHERE photo = ? AND seen = 'EXIT sign' AND title IS NULL", "i", a),
                     PS__OK);
    ck_assert_int_eq(by, 7);
    ps__store_close(store);
}
END_TEST

START_TEST(a_photo_without_words_has_no_rows) {
    ps__store *store = library_open(PS__STORE_CREATE);
    int64_t count, a = library_add(store, "/p/a.jpg", "a");
    put(store, a, "", "", "");
    ck_assert_int_eq(ps__sql_int(&count, store, NULL, "SELECT (SELECT count(*) FROM words) + (SELECT count(*) FROM texts)", ""),
                     PS__OK);
    ck_assert_int_eq(count, 0);
    ps__store_close(store);
}
END_TEST

Suite *suite_photo_words(void);
Suite *suite_photo_words(void) {
    Suite *suite = suite_create("photo_words");
    TCase *pure = tcase_create("fold"), *tests = tcase_create("library");
    tcase_add_test(pure, text_folds_to_what_is_looked_up);
    tcase_add_test(pure, folding_reports_missing_memory);
    tcase_add_checked_fixture(tests, library_setup, library_teardown);
    tcase_add_test(tests, words_of_a_photo_are_found_and_read_back);
    tcase_add_test(tests, words_of_others_survive);
    tcase_add_test(tests, a_photo_without_words_has_no_rows);
    suite_add_tcase(suite, pure);
    suite_add_tcase(suite, tests);
    return suite;
}
