/*
** Changing a library's model: what is noted, counted, switched and removed.
*/
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "store/inside.h"
#include "tests/store/library.h"

static ps__store *store;
static ps__error err;

/* n photos with vectors of "m-1" in "s". */
static void setup(void) {
    library_setup();
    store = library_open(PS__STORE_CREATE);
    for (int i = 0; i < 5; i++) {
        char path[32], content[32];
        snprintf(path, sizeof path, "/p/%d.jpg", i);
        snprintf(content, sizeof content, "content %d", i);
        library_add(store, path, content);
    }
}

static void teardown(void) {
    ps__store_close(store);
    library_teardown();
}

static void change_to(const char *id, const char *space, int keep) {
    int status = ps__store_set_next_model(store, id, space, LIBRARY_DIM, "/models/new.safetensors", keep, &err);
    ck_assert_msg(status == PS__OK, "%s", err.text);
}

static ps__store_change change_now(void) {
    ps__store_change change;
    ck_assert_int_eq(ps__store_count_change(&change, store, &err), PS__OK);
    return change;
}

static const char *current_id(void) {
    static ps__store_model model;
    ck_assert_int_eq(ps__store_current_model(&model, store, &err), PS__OK);
    return model.id;
}

static int64_t vectors_in(const char *space) {
    int number;
    int64_t count;
    ck_assert_int_eq(ps__store_find_space(&number, store, space, LIBRARY_DIM, &err), PS__OK);
    ck_assert_int_eq(ps__store_vector_count(&count, store, number, &err), PS__OK);
    return count;
}

/* Photo i gets a vector of the next model. */
static void fill(int i) {
    char sql[200];
    snprintf(sql, sizeof sql,
             "INSERT INTO vectors SELECT (SELECT number FROM spaces WHERE name = 't') << 40 | photo, 1, zeroblob(%d) FROM files"
             " WHERE path = CAST('/p/%d.jpg' AS BLOB)",
             2 * LIBRARY_DIM, i);
    ck_assert_msg(ps__sql_exec(store, sql, &err) == PS__OK, "%s", err.text);
}

static void set_state(int i, int state) {
    char sql[120];
    snprintf(sql, sizeof sql, "UPDATE files SET state = %d WHERE path = CAST('/p/%d.jpg' AS BLOB)", state, i);
    ck_assert_int_eq(ps__sql_exec(store, sql, &err), PS__OK);
}

static int remove_all_retired(void) {
    int more = 1, rounds = 0;
    for (; more; rounds++) ck_assert_int_eq(ps__store_remove_retired(&more, store, &err), PS__OK);
    return rounds;
}

START_TEST(the_old_model_answers_until_the_switch) {
    ck_assert_str_eq(change_now().next.id, "");
    change_to("m-2", "t", 0);
    ck_assert_str_eq(current_id(), "m-1");
    ps__store_change c = change_now();
    ck_assert_str_eq(c.next.id, "m-2");
    ck_assert_str_eq(c.next.path, "/models/new.safetensors");
    ck_assert_int_eq(c.done, 0);
    ck_assert_int_eq(c.left, 5);
    for (int i = 0; i < 5; i++) fill(i);
    ck_assert_int_eq(change_now().left, 0);
    ck_assert_int_eq(change_now().done, 5);
    ck_assert_int_eq(vectors_in("s"), 5);
    ck_assert_int_eq(ps__store_switch_model(store, "u", &err), PS__NOTFOUND);
    ck_assert_str_eq(current_id(), "m-1");
    ck_assert_int_eq(ps__store_switch_model(store, "t", &err), PS__OK);
    ck_assert_str_eq(current_id(), "m-2");
    ck_assert_str_eq(change_now().next.id, "");
    ck_assert_int_eq(vectors_in("s"), 5); /* removed afterwards, at leisure */
    remove_all_retired();
    ck_assert_int_eq(vectors_in("s"), 0);
    ck_assert_int_eq(vectors_in("t"), 5);
    ck_assert_int_eq(ps__store_check(store, &err), PS__OK);
}
END_TEST

START_TEST(old_vectors_stay_where_that_was_asked_for) {
    change_to("m-2", "t", 1);
    for (int i = 0; i < 5; i++) fill(i);
    ck_assert_int_eq(ps__store_switch_model(store, "t", &err), PS__OK);
    remove_all_retired();
    ck_assert_int_eq(vectors_in("s"), 5);
    change_to("m-1", "s", 0); /* and going back has nothing to do */
    ck_assert_int_eq(change_now().left, 0);
}
END_TEST

START_TEST(a_change_that_is_given_up_leaves_no_vectors) {
    change_to("m-2", "t", 0);
    fill(0);
    fill(1);
    change_to("m-1", "s", 0);
    ck_assert_str_eq(change_now().next.id, "");
    ck_assert_str_eq(current_id(), "m-1");
    remove_all_retired();
    ck_assert_int_eq(vectors_in("t"), 0);
    ck_assert_int_eq(vectors_in("s"), 5);
    /* Taken up again before all was removed: what is left counts. */
    change_to("m-2", "t", 0);
    fill(3);
    change_to("m-3", "u", 0);
    change_to("m-2", "t", 0);
    remove_all_retired();
    ck_assert_int_eq(vectors_in("t"), 1);
}
END_TEST

START_TEST(photos_out_of_reach_are_counted_apart) {
    change_to("m-2", "t", 0);
    fill(0);
    set_state(1, PS__FILE_GONE);
    set_state(2, PS__FILE_QUARANTINED);
    set_state(3, PS__FILE_PREVIEWED);
    ps__store_change c = change_now();
    ck_assert_int_eq(c.done, 1);
    ck_assert_int_eq(c.left, 2);
    ck_assert_int_eq(c.waiting, 1);
    ck_assert_int_eq(c.out_of_reach, 2);
}
END_TEST

START_TEST(a_model_of_the_same_space_answers_at_once) {
    change_to("m-1-german", "s", 0);
    ck_assert_str_eq(current_id(), "m-1-german");
    ck_assert_str_eq(change_now().next.id, "");
    ck_assert_int_eq(vectors_in("s"), 5);
}
END_TEST

START_TEST(without_vectors_there_is_nothing_to_wait_for) {
    ck_assert_int_eq(ps__store_forget(NULL, store, "/p", &err), PS__OK);
    change_to("m-2", "t", 0);
    ck_assert_str_eq(current_id(), "m-2");
}
END_TEST

START_TEST(using_a_model_at_once_ends_a_change_to_it) {
    int space;
    change_to("m-2", "t", 0);
    ck_assert_int_eq(ps__store_use_model(&space, store, "m-1", "s", LIBRARY_DIM, &err), PS__OK);
    ck_assert_str_eq(change_now().next.id, "m-2"); /* as any run does */
    ck_assert_int_eq(ps__store_use_model(&space, store, "m-2", "t", LIBRARY_DIM, &err), PS__OK);
    ck_assert_str_eq(change_now().next.id, "");
    ck_assert_int_eq(ps__store_switch_model(store, "t", &err), PS__NOTFOUND);
}
END_TEST

START_TEST(many_vectors_go_in_several_steps) {
    change_to("m-2", "t", 0);
    ck_assert_int_eq(ps__sql_exec(store,
                                  "WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 2600)"
                                  " INSERT INTO vectors SELECT (SELECT number FROM spaces WHERE name = 't') << 40 | i, 1, x'00' FROM n",
                                  &err),
                     PS__OK);
    change_to("m-1", "s", 0);
    ck_assert_int_gt(remove_all_retired(), 2);
    ck_assert_int_eq(vectors_in("t"), 0);
}
END_TEST

START_TEST(paths_of_packages_are_kept) {
    static char path[PS__STORE_PATH + 1] = "/";
    ps__store_model model;
    ck_assert_int_eq(ps__store_set_model_path(store, "m-1", "/x/\xff.safetensors", &err), PS__OK);
    ck_assert_int_eq(ps__store_current_model(&model, store, &err), PS__OK);
    ck_assert_str_eq(model.path, "/x/\xff.safetensors");
    ck_assert_int_eq(ps__store_set_model_path(store, "m-1", "relative", &err), PS__INVALID);
    memset(path + 1, 'a', sizeof path - 2);
    ck_assert_int_eq(ps__store_set_model_path(store, "m-1", path, &err), PS__INVALID);
    ck_assert_int_eq(ps__store_set_next_model(store, "", "t", LIBRARY_DIM, NULL, 0, &err), PS__INVALID);
    ck_assert_int_eq(ps__store_set_next_model(store, "m-1", "t", LIBRARY_DIM, NULL, 0, &err), PS__MODEL);
    ck_assert_str_eq(change_now().next.id, "");
}
END_TEST

Suite *suite_change(void);
Suite *suite_change(void) {
    Suite *suite = suite_create("change");
    TCase *tests = tcase_create("change");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, the_old_model_answers_until_the_switch);
    tcase_add_test(tests, old_vectors_stay_where_that_was_asked_for);
    tcase_add_test(tests, a_change_that_is_given_up_leaves_no_vectors);
    tcase_add_test(tests, photos_out_of_reach_are_counted_apart);
    tcase_add_test(tests, a_model_of_the_same_space_answers_at_once);
    tcase_add_test(tests, without_vectors_there_is_nothing_to_wait_for);
    tcase_add_test(tests, using_a_model_at_once_ends_a_change_to_it);
    tcase_add_test(tests, many_vectors_go_in_several_steps);
    tcase_add_test(tests, paths_of_packages_are_kept);
    suite_add_tcase(suite, tests);
    return suite;
}
