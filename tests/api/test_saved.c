/*
** Saved searches: names for sentences, kept in the library.
*/
#include <check.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "api/photosearch.h"
#include "base/alloc.h"
#include "store/saved.h"
#include "tests/store/faulty_vfs.h"
#include "tests/store/library.h"

Suite *suite_saved(void);

static ps_library *library;

static void setup(void) {
    library_setup();
    faulty_vfs_install();
    ck_assert_msg(ps_library_open(&library, library_dir, NULL) == PS_OK, "%s", ps_last_error(NULL));
}

static void teardown(void) {
    ps_library_close(library);
    library_teardown();
}

static ps_saved_list *all(void) {
    ps_saved_list *list;
    ck_assert_msg(ps_saved_open(&list, library) == PS_OK, "%s", ps_last_error(library));
    return list;
}

START_TEST(what_is_saved_comes_back_by_name) {
    ps_search_options options = PS_SEARCH_OPTIONS_INIT;
    ps_saved saved = PS_SAVED_INIT;
    options.flags = PS_SEARCH_LITERAL;
    options.lang = "pt-BR";
    ck_assert_int_eq(ps_saved_add(NULL, library, "snow", "dogs in the snow", NULL), PS_OK);
    ck_assert_int_eq(ps_saved_add(NULL, library, "p\xC3\xA1ssaros, voando", "p\xC3\xA1ssaros \"voando\"", &options), PS_OK);
    ps_saved_list *list = all();
    ps_library_close(library); /* the list outlives it */
    library = NULL;
    ck_assert_uint_eq(ps_saved_count(list), 2);
    ck_assert_int_eq(ps_saved_get(&saved, list, 0), PS_OK);
    ck_assert_str_eq(saved.name, "p\xC3\xA1ssaros, voando");
    ck_assert_str_eq(saved.query, "p\xC3\xA1ssaros \"voando\"");
    ck_assert_str_eq(saved.lang, "pt-BR");
    ck_assert_uint_eq(saved.flags, PS_SEARCH_LITERAL);
    ck_assert_int_gt(saved.made, 1600000000);
    ck_assert_int_eq(ps_saved_find(&saved, list, "snow"), PS_OK);
    ck_assert_str_eq(saved.query, "dogs in the snow");
    ck_assert_ptr_null(saved.lang);
    ck_assert_uint_eq(saved.flags, 0);
    ck_assert_int_eq(ps_saved_find(&saved, list, "Snow"), PS_NOTFOUND);
    ck_assert_ptr_nonnull(strstr(ps_last_error(NULL), "\"Snow\""));
    ck_assert_int_eq(ps_saved_get(&saved, list, 2), PS_NOTFOUND);
    ps_saved_free(list);
}
END_TEST

START_TEST(a_name_is_replaced_and_removed) {
    ps_saved saved = PS_SAVED_INIT;
    int replaced = 9;
    ck_assert_int_eq(ps_saved_add(&replaced, library, "x", "one", NULL), PS_OK);
    ck_assert_int_eq(replaced, 0);
    ck_assert_int_eq(ps_saved_add(&replaced, library, "x", "two", NULL), PS_OK);
    ck_assert_int_eq(replaced, 1);
    ps_saved_list *list = all();
    ck_assert_uint_eq(ps_saved_count(list), 1);
    ck_assert_int_eq(ps_saved_find(&saved, list, "x"), PS_OK);
    ck_assert_str_eq(saved.query, "two");
    ps_saved_free(list);
    ck_assert_int_eq(ps_saved_remove(library, "x"), PS_OK);
    ck_assert_int_eq(ps_saved_remove(library, "x"), PS_NOTFOUND);
    ck_assert_ptr_nonnull(strstr(ps_last_error(library), "\"x\""));
    list = all();
    ck_assert_uint_eq(ps_saved_count(list), 0);
    ps_saved_free(list);
}
END_TEST

START_TEST(names_and_sentences_that_make_no_sense_are_refused) {
    static const char *const names[] = {"", " ", " a", "a ", "a\nb", "\x1B[2J", "\xFF", "\xED\xA0\x80", "a\x7F"};
    char longest[PS__SAVED_NAME + 2], sentence[PS__SAVED_QUERY + 2];
    ps_search_options options = PS_SEARCH_OPTIONS_INIT;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        ck_assert_int_eq(ps_saved_add(NULL, library, names[i], "x", NULL), PS_INVALID);
        ck_assert_ptr_nonnull(strstr(ps_last_error(library), "name"));
    }
    memset(longest, 'n', sizeof longest);
    longest[PS__SAVED_NAME + 1] = 0;
    ck_assert_int_eq(ps_saved_add(NULL, library, longest, "x", NULL), PS_INVALID);
    longest[PS__SAVED_NAME] = 0;
    ck_assert_int_eq(ps_saved_add(NULL, library, longest, "x", NULL), PS_OK);
    memset(sentence, 's', sizeof sentence);
    sentence[PS__SAVED_QUERY + 1] = 0;
    ck_assert_int_eq(ps_saved_add(NULL, library, "n", sentence, NULL), PS_INVALID);
    sentence[PS__SAVED_QUERY] = 0;
    ck_assert_int_eq(ps_saved_add(NULL, library, "n", sentence, NULL), PS_OK);
    ck_assert_int_eq(ps_saved_add(NULL, library, "n", " \t\n", NULL), PS_INVALID);
    ck_assert_int_eq(ps_saved_add(NULL, library, "n", "caf\xE9", NULL), PS_INVALID);
    options.lang = "";
    ck_assert_int_eq(ps_saved_add(NULL, library, "n", "x", &options), PS_INVALID);
    options.version = 99;
    ck_assert_int_eq(ps_saved_add(NULL, library, "n", "x", &options), PS_INVALID);
}
END_TEST

START_TEST(null_is_refused) {
    ps_saved saved = PS_SAVED_INIT;
    ps_saved_list *list = all();
    ck_assert_int_eq(ps_saved_add(NULL, NULL, "n", "x", NULL), PS_INVALID);
    ck_assert_int_eq(ps_saved_add(NULL, library, NULL, "x", NULL), PS_INVALID);
    ck_assert_int_eq(ps_saved_add(NULL, library, "n", NULL, NULL), PS_INVALID);
    ck_assert_int_eq(ps_saved_remove(library, NULL), PS_INVALID);
    ck_assert_int_eq(ps_saved_remove(NULL, "n"), PS_INVALID);
    ck_assert_int_eq(ps_saved_open(NULL, library), PS_INVALID);
    ck_assert_int_eq(ps_saved_get(NULL, list, 0), PS_INVALID);
    ck_assert_int_eq(ps_saved_get(&saved, NULL, 0), PS_INVALID);
    ck_assert_int_eq(ps_saved_find(&saved, list, NULL), PS_INVALID);
    saved.version = 99;
    ck_assert_int_eq(ps_saved_get(&saved, list, 0), PS_INVALID);
    ck_assert_uint_eq(ps_saved_count(NULL), 0);
    ps_saved_free(list);
    ps_saved_free(NULL);
}
END_TEST

static void write_to_table(const char *sql) {
    char path[LIBRARY_PATH + 16];
    sqlite3 *db;
    snprintf(path, sizeof path, "%.4000s/library.db", library_dir);
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, "%s", sqlite3_errmsg(db));
    sqlite3_close(db);
}

START_TEST(rows_that_nobody_could_have_saved_are_damage) {
    ps_saved_list *list;
    write_to_table("INSERT INTO saved(name, query, made) VALUES('a' || char(10), 'x', 1)");
    ck_assert_int_eq(ps_saved_open(&list, library), PS_CORRUPT);
    ck_assert_ptr_null(list);
    ck_assert_ptr_nonnull(strstr(ps_last_error(library), "saved search"));
}
END_TEST

/* Saves one, lists, removes another; how many are there at the end is 1 or, when a call failed, what was there before. */
static int use_all(void) {
    ps_saved_list *list;
    ps_saved saved = PS_SAVED_INIT;
    int status = ps_saved_add(NULL, library, "b", "bees", NULL);
    if (status == PS_OK) status = ps_saved_open(&list, library);
    if (status != PS_OK) return status;
    status = ps_saved_find(&saved, list, "b");
    if (status == PS_OK) ck_assert_str_eq(saved.query, "bees");
    ps_saved_free(list);
    return status == PS_OK ? ps_saved_remove(library, "b") : status;
}

START_TEST(every_allocation_may_fail) {
    int status = PS_NOMEM;
    ck_assert_int_eq(ps_saved_add(NULL, library, "a", "ants", NULL), PS_OK);
    for (long n = 0; status != PS_OK; n++) {
        ck_assert_int_lt(n, 500);
        ps__alloc_fail_after(n, 0);
        status = use_all();
        ps__alloc_fail_after(-1, 0);
        ck_assert_msg(status == PS_OK || status == PS_NOMEM, "%ld: %d", n, status);
        if (status != PS_OK) ps_saved_remove(library, "b");
    }
}
END_TEST

START_TEST(every_call_of_sqlite_may_fail_and_costs_nothing_saved) {
    ps_saved saved = PS_SAVED_INIT;
    int reached = 1, errors = 0;
    faulty_vfs_skip_syncs();
    ck_assert_int_eq(ps_saved_add(NULL, library, "a", "ants", NULL), PS_OK);
    for (long n = 0; reached; n++) {
        faulty_vfs_fail_one(n);
        errors += use_all() != PS_OK;
        reached = faulty_vfs_failed() != NULL;
        faulty_vfs_fail_one(-1);
        ps_saved_remove(library, "b");
        ps_saved_list *list = all();
        ck_assert_uint_eq(ps_saved_count(list), 1);
        ck_assert_int_eq(ps_saved_find(&saved, list, "a"), PS_OK);
        ck_assert_str_eq(saved.query, "ants");
        ps_saved_free(list);
    }
    ck_assert_int_gt(errors, 5);
}
END_TEST

Suite *suite_saved(void) {
    Suite *suite = suite_create("saved");
    TCase *tests = tcase_create("saved");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, what_is_saved_comes_back_by_name);
    tcase_add_test(tests, a_name_is_replaced_and_removed);
    tcase_add_test(tests, names_and_sentences_that_make_no_sense_are_refused);
    tcase_add_test(tests, null_is_refused);
    tcase_add_test(tests, rows_that_nobody_could_have_saved_are_damage);
    tcase_add_test(tests, every_allocation_may_fail);
    tcase_add_test(tests, every_call_of_sqlite_may_fail_and_costs_nothing_saved);
    suite_add_tcase(suite, tests);
    return suite;
}
