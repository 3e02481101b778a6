/*
** Filling in the vectors of a library's next model, and the switch.
*/
#include <check.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/os.h"
#include "tests/indexer/gallery.h"

static ps__indexer_encoder other; /* of the space "other" */

static void set_next(const char *id, const char *space) {
    ps__error err = {0};
    ps__store *store = library_open(PS__STORE_WRITE);
    ck_assert_msg(ps__store_set_next_model(store, id, space, LIBRARY_DIM, NULL, 0, &err) == PS__OK, "%s", err.text);
    ps__store_close(store);
    other = gallery_encoder;
    other.model_id = id;
    other.space = space;
}

static int reencode_with(ps__indexer_options *o, ps__error *err) {
    o->encoder = &other;
    gallery_log[0] = 0;
    atomic_store(&gallery_encodes, 0);
    return ps__indexer_reencode(&gallery_result, o, err);
}

static void reencode(int encoded, int switched) {
    ps__error err = {0};
    ps__indexer_options o = gallery_options();
    int status = reencode_with(&o, &err);
    ck_assert_msg(status == PS__OK, "%s", err.text);
    ck_assert_msg(gallery_result.encoded == encoded && gallery_result.switched == switched, "encoded %lld, switched %d\n%s",
                  (long long)gallery_result.encoded, gallery_result.switched, gallery_log);
}

static void expect_model(const char *id, int64_t vectors) {
    ps__store_counts counts = gallery_counts();
    ck_assert_str_eq(counts.model.id, id);
    ck_assert_int_eq(counts.vectors, vectors);
}

static int64_t count_in(const char *space) {
    int number;
    int64_t count;
    ps__error err = {0};
    ps__store *store = library_open(PS__STORE_READ);
    ck_assert_int_eq(ps__store_find_space(&number, store, space, LIBRARY_DIM, &err), PS__OK);
    ck_assert_int_eq(ps__store_vector_count(&count, store, number, &err), PS__OK);
    ps__store_close(store);
    return count;
}

static int stop_after_some(const ps__indexer_progress *p, void *payload) { return p->done >= *(const int *)payload; }

START_TEST(known_photos_are_encoded_and_the_model_switched) {
    gallery_write_many("a", 50);
    gallery_write("copy.jpg", "photo a/003.jpg");
    gallery_run();
    set_next("other-1", "other");
    expect_model("fake-1", 50);
    reencode(50, 1);
    expect_model("other-1", 50);
    ck_assert_int_eq(count_in("fake"), 0);
    gallery_encoder = other;
    gallery_expect(51, 0, 0, 51, 0);
}
END_TEST

START_TEST(what_is_done_is_kept_when_it_is_stopped) {
    ps__error err = {0};
    int some = 60;
    ps__indexer_options o = gallery_options();
    gallery_write_many("a", 200);
    gallery_run();
    set_next("other-1", "other");
    o.progress = stop_after_some;
    o.payload = &some;
    atomic_store(&gallery_encode_ms, 2);
    ck_assert_int_eq(reencode_with(&o, &err), PS__CANCELLED);
    atomic_store(&gallery_encode_ms, 0);
    int64_t done = count_in("other");
    ck_assert_int_ge(done, 40);
    ck_assert_int_lt(done, 200);
    expect_model("fake-1", 200); /* answers as before */
    reencode((int)(200 - done), 1);
    expect_model("other-1", 200);
}
END_TEST

/* New photos come by an ordinary run, with vectors that answer; the filling takes them along. */
START_TEST(photos_that_come_meanwhile_are_found_before_and_after) {
    gallery_write_many("a", 10);
    gallery_run();
    set_next("other-1", "other");
    gallery_write_many("b", 5);
    gallery_expect(15, 5, 5, 10, 0);
    expect_model("fake-1", 15);
    reencode(15, 1);
    expect_model("other-1", 15);
}
END_TEST

START_TEST(a_file_that_was_edited_waits_for_an_ordinary_run) {
    gallery_write_many("a", 10);
    gallery_run();
    set_next("other-1", "other");
    gallery_write("a/004.jpg", "edited");
    reencode(9, 0);
    expect_model("fake-1", 10);
    gallery_expect(10, 1, 1, 9, 0);
    reencode(1, 1);
    expect_model("other-1", 10);
}
END_TEST

/* Nothing that can be found may become unfindable: what waits to be read is awaited, if it is there. */
START_TEST(photos_that_wait_to_be_read_are_awaited) {
    gallery_write_many("a", 10);
    gallery_run();
    ps__error err = {0};
    ps__file file;
    char path[LIBRARY_PATH];
    gallery_path(path, "a/004.jpg");
    ps__store *store = library_open(PS__STORE_WRITE);
    ck_assert_int_eq(ps__store_file(&file, store, path, &err), PS__OK);
    ck_assert_int_eq(ps__store_file_changed(store, file.id, &file.stat, &err), PS__OK);
    ps__store_close(store);
    set_next("other-1", "other");
    reencode(9, 0);
    gallery_remove("a/004.jpg"); /* gone for good: no reason to wait, once that is known */
    reencode(0, 0);
    reencode(0, 1);
    expect_model("other-1", 9);
}
END_TEST

static int (*true_stat)(const char *path, struct stat *st);

static int unreadable_stat(const char *path, struct stat *st) {
    if (!strstr(path, "/a/004")) return true_stat(path, st);
    errno = EIO;
    return -1;
}

/* A disk or a network that fails for a moment is no proof that a photo is gone. */
START_TEST(files_that_cannot_be_looked_at_are_awaited) {
    gallery_write_many("a", 10);
    gallery_run();
    gallery_write("a/004.jpg", "edited");
    set_next("other-1", "other");
    reencode(9, 0); /* noted as edited */
    true_stat = ps__os.stat;
    ps__os.stat = unreadable_stat;
    reencode(0, 0);
    ps__os.stat = true_stat;
    ck_assert_int_eq(gallery_result.away, 0);
    ck_assert_int_eq(gallery_counts().missing, 0);
}
END_TEST

START_TEST(files_that_are_away_do_not_keep_it_up) {
    gallery_write_many("a", 10);
    gallery_write_many("b", 3);
    gallery_run();
    set_next("other-1", "other");
    gallery_move("b", "../elsewhere");
    reencode(10, 0); /* they may have been moved */
    ck_assert_int_eq(gallery_result.away, 3);
    expect_model("fake-1", 13);
    reencode(0, 1);
    ck_assert_ptr_nonnull(strstr(gallery_log, "3 photos could not be encoded by the new model"));
    expect_model("other-1", 10);
    gallery_move("../elsewhere", "b");
    gallery_encoder = other;
    gallery_run(); /* back: encoded by the model of now */
    expect_model("other-1", 13);
}
END_TEST

START_TEST(moved_files_are_not_left_out) {
    gallery_write_many("a", 10);
    gallery_run();
    set_next("other-1", "other");
    gallery_move("a/003.jpg", "moved.jpg");
    reencode(9, 0);
    gallery_run();
    expect_model("fake-1", 10);
    reencode(1, 1);
    expect_model("other-1", 10);
}
END_TEST

START_TEST(where_much_fails_the_old_model_goes_on) {
    gallery_write_many("a", 30);
    gallery_run();
    set_next("other-1", "other");
    ps__os.open = gallery_denying_open;
    gallery_denied = "/a/0";
    reencode(0, 0);
    ck_assert_int_eq(gallery_result.failed, 30);
    ck_assert_ptr_nonnull(strstr(gallery_log, "the old one goes on answering"));
    expect_model("fake-1", 30);
    reencode(0, 0); /* though now nothing fails: what did is not tried again */
    expect_model("fake-1", 30);
    gallery_denied = NULL;
    gallery_run();
    reencode(30, 1);
    expect_model("other-1", 30);
}
END_TEST

static int refuse_to_encode(float *embedding, void *session, const uint8_t *rgb, ps__error *err) {
    (void)embedding, (void)session, (void)rgb;
    return ps__fail(err, PS__MODEL, "m.safetensors: is damaged");
}

START_TEST(a_model_that_cannot_encode_ends_the_run_and_fails_no_photo) {
    ps__error err = {0};
    ps__indexer_options o = gallery_options();
    gallery_write_many("a", 30);
    gallery_run();
    set_next("other-1", "other");
    other.encode = refuse_to_encode;
    ck_assert_int_eq(reencode_with(&o, &err), PS__MODEL);
    ck_assert_str_eq(err.text, "m.safetensors: is damaged");
    ck_assert_int_eq(gallery_counts().failed, 0);
    expect_model("fake-1", 30);
    other.encode = gallery_encoder.encode;
    reencode(30, 1);
}
END_TEST

static int change_mind(const ps__indexer_progress *p, void *payload) {
    ps__error err = {0};
    int *after = payload;
    if (p->done < *after) return 0;
    *after = INT_MAX;
    ps__store *store = library_open(PS__STORE_WRITE);
    ck_assert_int_eq(ps__store_set_next_model(store, "third-1", "third", LIBRARY_DIM, NULL, 0, &err), PS__OK);
    ps__store_close(store);
    return 0;
}

START_TEST(few_photos_are_not_lost_either) {
    gallery_write_many("a", 3);
    gallery_run();
    set_next("other-1", "other");
    ps__os.open = gallery_denying_open;
    gallery_denied = "/a/0";
    reencode(0, 0);
    expect_model("fake-1", 3);
}
END_TEST

START_TEST(a_change_of_mind_ends_the_filling) {
    ps__error err = {0};
    ps__indexer_options o = gallery_options();
    int after = 40;
    gallery_write_many("a", 200);
    gallery_run();
    set_next("other-1", "other");
    o.progress = change_mind;
    o.payload = &after;
    atomic_store(&gallery_encode_ms, 2);
    ck_assert_int_eq(reencode_with(&o, &err), PS__NOTFOUND);
    ck_assert_ptr_nonnull(strstr(err.text, "is not being changed to other-1"));
    ck_assert_int_eq(after, INT_MAX);
    atomic_store(&gallery_encode_ms, 0);
    expect_model("fake-1", 200);
    set_next("other-1", "other");
    int done = (int)count_in("other");
    ck_assert_int_ge(done, 40);
    ck_assert_int_lt(done, 200);
    reencode(200 - done, 1);
    expect_model("other-1", 200);
}
END_TEST

START_TEST(one_of_three_may_fail) {
    gallery_write_many("a", 3);
    gallery_run();
    set_next("other-1", "other");
    ps__os.open = gallery_denying_open;
    gallery_denied = "/a/001";
    reencode(2, 1);
    gallery_denied = NULL;
    expect_model("other-1", 2);
}
END_TEST

START_TEST(only_the_next_model_may_fill) {
    ps__error err = {0};
    ps__indexer_options o = gallery_options();
    gallery_write_many("a", 3);
    gallery_run();
    other = gallery_encoder;
    ck_assert_int_eq(reencode_with(&o, &err), PS__NOTFOUND);
    set_next("other-1", "other");
    other.model_id = "other-2";
    ck_assert_int_eq(reencode_with(&o, &err), PS__NOTFOUND);
    expect_model("fake-1", 3);
}
END_TEST

Suite *suite_reencode(void);
Suite *suite_reencode(void) {
    Suite *suite = suite_create("reencode");
    TCase *tests = tcase_create("reencode");
    tcase_add_checked_fixture(tests, gallery_setup, gallery_teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, known_photos_are_encoded_and_the_model_switched);
    tcase_add_test(tests, what_is_done_is_kept_when_it_is_stopped);
    tcase_add_test(tests, photos_that_come_meanwhile_are_found_before_and_after);
    tcase_add_test(tests, a_file_that_was_edited_waits_for_an_ordinary_run);
    tcase_add_test(tests, photos_that_wait_to_be_read_are_awaited);
    tcase_add_test(tests, files_that_cannot_be_looked_at_are_awaited);
    tcase_add_test(tests, files_that_are_away_do_not_keep_it_up);
    tcase_add_test(tests, moved_files_are_not_left_out);
    tcase_add_test(tests, where_much_fails_the_old_model_goes_on);
    tcase_add_test(tests, few_photos_are_not_lost_either);
    tcase_add_test(tests, a_change_of_mind_ends_the_filling);
    tcase_add_test(tests, a_model_that_cannot_encode_ends_the_run_and_fails_no_photo);
    tcase_add_test(tests, one_of_three_may_fail);
    tcase_add_test(tests, only_the_next_model_may_fill);
    suite_add_tcase(suite, tests);
    return suite;
}
