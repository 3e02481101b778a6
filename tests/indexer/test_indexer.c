/*
** What a run does to the library, scenario by scenario: new, unchanged, renamed, edited, removed, doubtful.
*/
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/os.h"
#include "base/utf8.h"
#include "tests/indexer/gallery.h"

/* ---- The plain way -------------------------------------------------------------------------------------------------------------- */

START_TEST(a_first_run_indexes_every_image_and_nothing_else) {
    gallery_write_many("holiday", 150);
    gallery_write("UPPER.JPG", "upper");
    gallery_write("notes.txt", "no image");
    gallery_write("noending", "no image");
    gallery_write(".hidden.jpg", "hidden");
    gallery_write(".thumbs/x.jpg", "hidden");
    gallery_expect(151, 151, 151, 0, 0);
    ps__store_counts c = gallery_counts();
    ck_assert_int_eq(c.photos, 151);
    ck_assert_int_eq(c.files, 151);
    ck_assert_int_eq(c.vectors, 151);
    ck_assert_int_eq(c.pending + c.failed + c.quarantined, 0);
    ck_assert_int_gt(c.last_run_s, 1600000000);
    ck_assert_str_eq(c.model.id, "fake-1");
    ck_assert_double_gt(gallery_result.photos_per_second, 0);
    gallery_check_library();
}
END_TEST

START_TEST(hidden_ones_are_indexed_when_asked_for) {
    gallery_write(".hidden.jpg", "hidden");
    gallery_write(".folder/x.jpg", "too");
    ps__indexer_options o = gallery_options();
    o.flags = PS__INDEX_HIDDEN;
    ck_assert_int_eq(gallery_run_with(&o, NULL), PS__OK);
    ck_assert_int_eq(gallery_result.indexed, 2);
    /* A run that does not see them does not take them for gone. */
    gallery_expect(0, 0, 0, 0, 0);
    ck_assert_int_eq(gallery_counts().files, 2);
}
END_TEST

static int opened_images;
static int counting_open(const char *path, int flags, mode_t mode) {
    const char *dot = strrchr(path, '.');
    if (dot && strcmp(dot, ".jpg") == 0) opened_images++;
    return open(path, flags | O_CLOEXEC, mode);
}

START_TEST(a_second_run_opens_no_photo) {
    gallery_write_many("a/b/c", 20);
    gallery_expect(20, 20, 20, 0, 0);
    ps__os.open = counting_open;
    gallery_expect(20, 0, 0, 20, 0);
    ck_assert_int_eq(opened_images, 0);
    ck_assert_int_eq(gallery_result.bytes_read, 0);
}
END_TEST

START_TEST(an_edited_photo_is_encoded_again_and_its_old_self_is_gone) {
    gallery_write_many("a", 3);
    gallery_expect(3, 3, 3, 0, 0);
    gallery_write("a/001.jpg", "another picture, of another length");
    gallery_expect(3, 1, 1, 2, 0);
    ck_assert_int_eq(gallery_counts().photos, 3);
    ck_assert_int_eq(gallery_counts().vectors, 3);
    gallery_check_library();
}
END_TEST

START_TEST(an_edit_that_keeps_the_size_is_seen_by_its_time) {
    gallery_write("1.jpg", "aaaa");
    gallery_expect(1, 1, 1, 0, 0);
    gallery_write("1.jpg", "bbbb");
    gallery_expect(1, 1, 1, 0, 0);
}
END_TEST

START_TEST(a_touched_photo_is_read_but_not_encoded) {
    gallery_write("1.jpg", "same");
    gallery_expect(1, 1, 1, 0, 0);
    gallery_age("1.jpg", 60, 5);
    gallery_expect(1, 0, 0, 1, 0);
    ck_assert_int_eq(gallery_result.bytes_read, 4);
    gallery_expect(1, 0, 0, 1, 0);
    ck_assert_int_eq(gallery_result.bytes_read, 0);
}
END_TEST

START_TEST(a_photo_read_right_after_its_last_change_is_read_once_more) {
    gallery_write("1.jpg", "one!");
    gallery_age("1.jpg", 0, 0); /* this very second, of a clock that counts in seconds */
    gallery_expect(1, 1, 1, 0, 0);
    struct stat st;
    char path[LIBRARY_PATH];
    gallery_path(path, "1.jpg");
    ck_assert_int_eq(stat(path, &st), 0);
    /* An edit within the same tick: size and time are as before. */
    gallery_write("1.jpg", "two!");
    struct timespec times[2] = {st.st_mtim, st.st_mtim};
    ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
    gallery_expect(1, 1, 1, 0, 0);
    gallery_check_library();
}
END_TEST

/* ---- Renames -------------------------------------------------------------------------------------------------------------------- */

START_TEST(a_renamed_photo_keeps_its_vector_and_is_not_read) {
    gallery_write_many("a", 5);
    gallery_expect(5, 5, 5, 0, 0);
    gallery_move("a/002.jpg", "a/renamed.jpg");
    gallery_expect(5, 1, 0, 4, 1);
    ck_assert_int_eq(gallery_result.bytes_read, 0);
    ck_assert_int_eq(gallery_twins("a/renamed.jpg"), 1);
    ck_assert_int_eq(gallery_twins("a/002.jpg"), 0);
    gallery_check_library();
}
END_TEST

START_TEST(a_hard_link_is_the_same_photo_and_is_not_read) {
    char a[LIBRARY_PATH], b[LIBRARY_PATH];
    gallery_write("a.jpg", "linked");
    gallery_expect(1, 1, 1, 0, 0);
    gallery_path(a, "a.jpg");
    gallery_path(b, "b.jpg");
    ck_assert_int_eq(link(a, b), 0);
    gallery_expect(2, 1, 0, 1, 0);
    ck_assert_int_eq(gallery_result.bytes_read, 0);
    ck_assert_int_eq(gallery_twins("a.jpg"), 2);
}
END_TEST

START_TEST(a_moved_photo_of_whole_seconds_is_read_and_known_by_its_content) {
    gallery_write("a/1.jpg", "one");
    gallery_age("a/1.jpg", 7200, 0);
    gallery_expect(1, 1, 1, 0, 0);
    gallery_write("b/other.jpg", "other");
    gallery_move("a/1.jpg", "b/1.jpg");
    gallery_expect(2, 2, 1, 0, 1);
    ck_assert_int_eq(gallery_result.bytes_read, 8);
}
END_TEST

START_TEST(a_renamed_folder_keeps_all_vectors) {
    gallery_write_many("old", 30);
    gallery_expect(30, 30, 30, 0, 0);
    gallery_move("old", "new");
    gallery_expect(30, 30, 0, 0, 30);
    ck_assert_int_eq(gallery_counts().photos, 30);
    gallery_check_library();
}
END_TEST

START_TEST(a_chain_of_renames_encodes_nothing) {
    gallery_write_many("a", 10);
    gallery_expect(10, 10, 10, 0, 0);
    for (int i = 9; i >= 0; i--) {
        char from[32], to[32];
        snprintf(from, sizeof from, "a/%03d.jpg", i);
        snprintf(to, sizeof to, "a/%03d.jpg", i + 1);
        gallery_move(from, to);
    }
    gallery_run();
    ck_assert_int_eq(gallery_result.encoded, 0);
    ck_assert_int_eq(gallery_counts().photos, 10);
    ck_assert_int_eq(gallery_twins("a/000.jpg"), 0);
    ck_assert_int_eq(gallery_twins("a/010.jpg"), 1);
    gallery_check_library();
}
END_TEST

START_TEST(swapped_photos_encode_nothing) {
    gallery_write("1.jpg", "one");
    gallery_write("2.jpg", "the second");
    gallery_expect(2, 2, 2, 0, 0);
    gallery_move("1.jpg", "tmp");
    gallery_move("2.jpg", "1.jpg");
    gallery_move("tmp", "2.jpg");
    gallery_expect(2, 2, 0, 0, 0);
    gallery_check_library();
}
END_TEST

START_TEST(a_photo_saved_over_by_rename_is_encoded_again) {
    gallery_write("1.jpg", "one");
    gallery_expect(1, 1, 1, 0, 0);
    gallery_move("1.jpg", "backup.jpg");
    gallery_write("1.jpg", "two");
    gallery_expect(2, 2, 1, 0, 0);
    ck_assert_int_eq(gallery_counts().photos, 2);
    gallery_check_library();
}
END_TEST

/* ---- Copies --------------------------------------------------------------------------------------------------------------------- */

START_TEST(copies_are_one_photo_with_several_files) {
    for (int i = 0; i < 40; i++) {
        char name[32];
        snprintf(name, sizeof name, "copy%02d.jpg", i);
        gallery_write(name, "the same");
    }
    gallery_write("different.jpg", "different");
    gallery_expect(41, 41, 2, 0, 0);
    ck_assert_int_eq(gallery_twins("copy07.jpg"), 40);
    ck_assert_int_eq(gallery_counts().photos, 2);
    gallery_remove("copy07.jpg");
    gallery_expect(40, 0, 0, 40, 1);
    ck_assert_int_eq(gallery_twins("copy08.jpg"), 39);
}
END_TEST

START_TEST(copies_of_a_bad_file_all_fail_and_the_run_ends) {
    for (int i = 0; i < 20; i++) {
        char name[32];
        snprintf(name, sizeof name, "copy%02d.jpg", i);
        gallery_write(name, "BAD");
    }
    gallery_run();
    ck_assert_int_eq(gallery_result.failed, 20);
}
END_TEST

/* ---- Failures ------------------------------------------------------------------------------------------------------------------- */

static int see_failure(const ps__failure *f, void *payload) {
    *(ps__failure *)payload = *f;
    ck_assert_msg(library_says(f->reason, f->path), "%s", f->reason);
    return 0;
}

static ps__failure only_failure(void) {
    ps__failure f = {0};
    ps__error err;
    ps__store *store = library_open(PS__STORE_READ);
    ck_assert_int_eq(ps__store_each_failure(store, see_failure, &f, &err), PS__OK);
    ps__store_close(store);
    f.path = f.reason = NULL;
    return f;
}

START_TEST(a_bad_file_costs_itself_only_and_is_quarantined_after_three_tries) {
    gallery_write_many("a", 10);
    gallery_write("a/bad.jpg", "BAD");
    gallery_expect(11, 10, 10, 0, 0);
    ck_assert_int_eq(gallery_result.failed, 1);
    ck_assert_msg(library_says(gallery_result.first_failure, "bad.jpg: is bad"), "%s", gallery_result.first_failure);
    for (int tries = 2; tries <= 3; tries++) {
        gallery_run();
        ck_assert_int_eq(gallery_result.failed, 1);
        ck_assert_int_eq(only_failure().tries, tries);
        ck_assert_int_eq(only_failure().quarantined, tries == 3);
    }
    ck_assert_int_eq(gallery_counts().quarantined, 1);
    gallery_run();
    ck_assert_int_eq(gallery_result.failed, 0);
    ck_assert_int_eq(gallery_result.quarantined, 1);
    ck_assert_int_eq(gallery_decodes, 0);
    /* Asked for, it is tried again; changed, it is tried again from the start. */
    ps__indexer_options o = gallery_options();
    o.flags = PS__INDEX_RETRY;
    ck_assert_int_eq(gallery_run_with(&o, NULL), PS__OK);
    ck_assert_int_eq(gallery_result.failed, 1);
    ck_assert_int_eq(only_failure().tries, 1);
    gallery_write("a/bad.jpg", "good now");
    gallery_expect(11, 1, 1, 10, 0);
    ck_assert_int_eq(gallery_counts().failed, 0);
}
END_TEST

START_TEST(a_photo_overwritten_by_garbage_leaves_the_library) {
    gallery_write("1.jpg", "good");
    gallery_expect(1, 1, 1, 0, 0);
    gallery_write("1.jpg", "BAD garbage");
    gallery_run();
    ck_assert_int_eq(gallery_result.failed, 1);
    ck_assert_int_eq(gallery_counts().photos, 0);
    ck_assert_int_eq(gallery_counts().vectors, 0);
}
END_TEST

START_TEST(empty_late_and_unencodable_files_fail_with_their_reason) {
    gallery_write("empty.jpg", "");
    gallery_run();
    ck_assert_msg(library_says(gallery_result.first_failure, "empty (0 bytes)"), "%s", gallery_result.first_failure);
    gallery_remove("empty.jpg");
    gallery_write("late.jpg", "LATE");
    gallery_run();
    ck_assert_msg(library_says(gallery_result.first_failure, "more than the limit of 30.0"), "%s", gallery_result.first_failure);
    ck_assert_int_eq(gallery_encodes, 0);
    gallery_remove("late.jpg");
    gallery_write("nan.jpg", "NAN");
    gallery_run();
    ck_assert_msg(library_says(gallery_result.first_failure, "not finite"), "%s", gallery_result.first_failure);
    ck_assert_int_eq(gallery_counts().photos, 0);
}
END_TEST

START_TEST(a_file_without_permission_keeps_its_old_photo_and_is_never_quarantined) {
    gallery_write("1.jpg", "one");
    gallery_expect(1, 1, 1, 0, 0);
    gallery_age("1.jpg", 100, 7);
    ps__os.open = gallery_denying_open;
    gallery_denied = "1.jpg";
    for (int i = 0; i < 5; i++) {
        gallery_run();
        ck_assert_int_eq(gallery_result.failed, 1);
        ck_assert_int_eq(gallery_twins("1.jpg"), 1);
    }
    ck_assert_int_eq(only_failure().code, PS__ACCESS);
    ck_assert_int_eq(only_failure().quarantined, 0);
    gallery_denied = NULL;
    gallery_expect(1, 0, 0, 1, 0);
    ck_assert_int_eq(gallery_counts().failed, 0);
}
END_TEST

static atomic_int growing;
static int growing_fstat(int fd, struct stat *st) {
    int result = fstat(fd, st);
    if (result == 0 && S_ISREG(st->st_mode) && atomic_load(&growing)) st->st_size -= 1; /* one byte came after this look */
    return result;
}

START_TEST(a_file_that_changes_while_it_is_read_waits_for_the_next_run) {
    gallery_write("1.jpg", "growing");
    ps__os.fstat = growing_fstat;
    atomic_store(&growing, 1);
    gallery_run();
    ck_assert_int_eq(gallery_result.pending, 1);
    ck_assert_int_eq(gallery_result.failed, 0);
    ck_assert_int_eq(gallery_counts().pending, 1);
    ck_assert_int_eq(gallery_counts().photos, 0);
    atomic_store(&growing, 0);
    gallery_expect(1, 1, 1, 0, 0);
}
END_TEST

static int vanish_on_open(const char *path, int flags, mode_t mode) {
    if (strstr(path, "2.jpg")) unlink(path);
    return open(path, flags | O_CLOEXEC, mode);
}

START_TEST(a_file_that_vanishes_between_scan_and_reading_is_no_failure) {
    gallery_write("1.jpg", "one");
    gallery_write("2.jpg", "two");
    ps__os.open = vanish_on_open;
    gallery_expect(1, 1, 1, 0, 1);
    ck_assert_int_eq(gallery_result.failed, 0);
    ck_assert_int_eq(gallery_counts().files, 1);
}
END_TEST

/* ---- Models --------------------------------------------------------------------------------------------------------------------- */

START_TEST(a_photo_renamed_before_another_model_comes_is_encoded_and_counted_once) {
    gallery_write("a.jpg", "photo");
    gallery_run();
    gallery_move("a.jpg", "b.jpg");
    gallery_encoder.model_id = "fake-2";
    gallery_encoder.space = "other";
    gallery_expect(1, 1, 1, 0, 1);
    ck_assert_int_eq(gallery_counts().photos, 1);
    ck_assert_int_eq(gallery_counts().vectors, 1);
    gallery_expect(1, 0, 0, 1, 0);
}
END_TEST

START_TEST(another_model_encodes_everything_again_and_keeps_the_old_vectors) {
    int fake, other;
    int64_t count;
    ps__error err;
    gallery_write_many("a", 70);
    gallery_write("copy.jpg", "photo a/003.jpg");
    gallery_expect(71, 71, 70, 0, 0);
    gallery_encoder.model_id = "fake-2";
    gallery_encoder.space = "other";
    gallery_run();
    ck_assert_int_eq(gallery_result.encoded, 70);
    ck_assert_int_eq(gallery_counts().pending, 0);
    ck_assert_str_eq(gallery_counts().model.id, "fake-2");
    gallery_expect(71, 0, 0, 71, 0);
    ps__store *store = library_open(PS__STORE_READ);
    ck_assert_int_eq(ps__store_find_space(&fake, store, "fake", LIBRARY_DIM, &err), PS__OK);
    ck_assert_int_eq(ps__store_find_space(&other, store, "other", LIBRARY_DIM, &err), PS__OK);
    ck_assert_int_eq(ps__store_vector_count(&count, store, fake, &err), PS__OK);
    ck_assert_int_eq(count, 70);
    ck_assert_int_eq(ps__store_vector_count(&count, store, other, &err), PS__OK);
    ck_assert_int_eq(count, 70);
    ps__store_close(store);
    /* A model of a space that is known has nothing to do. */
    gallery_encoder.model_id = "fake-german-1";
    gallery_encoder.space = "fake";
    gallery_expect(71, 0, 0, 71, 0);
}
END_TEST

/* ---- Cancelling and progress ---------------------------------------------------------------------------------------------------- */

typedef struct watch {
    int phases;      /* bit i: phase i was told */
    int64_t stop_at; /* cancel when that many are done; 0 never */
    int64_t total;
} watch;

static int watch_progress(const ps__indexer_progress *g, void *payload) {
    watch *w = payload;
    w->phases |= 1 << g->phase;
    w->total = g->total;
    ck_assert_ptr_nonnull(g->path);
    return w->stop_at && g->done >= w->stop_at;
}

START_TEST(progress_tells_every_phase_and_the_total) {
    watch w = {0};
    gallery_write_many("a", 30);
    ps__indexer_options o = gallery_options();
    o.progress = watch_progress;
    o.payload = &w;
    ck_assert_int_eq(gallery_run_with(&o, NULL), PS__OK);
    ck_assert_int_eq(w.phases, 1 << PS__PHASE_SCAN | 1 << PS__PHASE_ENCODE | 1 << PS__PHASE_REMOVE | 1 << PS__PHASE_DONE);
    ck_assert_int_eq(w.total, 30);
}
END_TEST

START_TEST(a_cancelled_run_keeps_what_is_done_and_the_next_goes_on) {
    watch w = {.stop_at = 1};
    ps__error err;
    gallery_write_many("a", 400);
    ps__indexer_options o = gallery_options();
    o.progress = watch_progress;
    o.payload = &w;
    gallery_encode_ms = 5;
    ck_assert_int_eq(gallery_run_with(&o, &err), PS__CANCELLED);
    int64_t done = gallery_result.indexed;
    ck_assert_int_gt(done, 0);
    ck_assert_int_lt(done, 400);
    ck_assert_int_eq(gallery_result.pending, 400 - done);
    ck_assert_int_eq(gallery_counts().photos, done);
    ck_assert_int_eq(gallery_counts().pending, 400 - done);
    gallery_encode_ms = 0;
    gallery_expect(400, (int)(400 - done), (int)(400 - done), (int)done, 0);
    gallery_check_library();
}
END_TEST

START_TEST(a_flag_set_beforehand_cancels_at_once_and_removes_nothing) {
    atomic_int cancel = 0;
    gallery_write_many("a", 3);
    gallery_expect(3, 3, 3, 0, 0);
    gallery_remove("a/001.jpg");
    ps__indexer_options o = gallery_options();
    o.cancel = &cancel;
    atomic_store(&cancel, 1);
    ck_assert_int_eq(gallery_run_with(&o, NULL), PS__CANCELLED);
    ck_assert_int_eq(gallery_counts().files, 3);
}
END_TEST

START_TEST(senseless_options_are_refused) {
    ps__error err;
    const char *empty[] = {""};
    ps__indexer_options o = gallery_options();
    o.root_count = 0;
    ck_assert_int_eq(gallery_run_with(&o, &err), PS__INVALID);
    o = gallery_options();
    o.threads = 1000;
    ck_assert_int_eq(gallery_run_with(&o, &err), PS__INVALID);
    o = gallery_options();
    o.encoder = NULL;
    ck_assert_int_eq(gallery_run_with(&o, &err), PS__INVALID);
    o = gallery_options();
    o.roots = empty;
    ck_assert_int_eq(gallery_run_with(&o, &err), PS__INVALID);
    o = gallery_options();
    o.library = "";
    ck_assert_int_eq(gallery_run_with(&o, &err), PS__INVALID);
}
END_TEST

START_TEST(many_threads_and_little_memory_still_end) {
    gallery_write_many("a", 200);
    ps__indexer_options o = gallery_options();
    o.threads = 32;
    o.memory_bytes = 10; /* every file is larger than that: one at a time */
    ck_assert_int_eq(gallery_run_with(&o, NULL), PS__OK);
    ck_assert_int_eq(gallery_result.indexed, 200);
    gallery_check_library();
}
END_TEST

Suite *suite_indexer(void);
Suite *suite_indexer(void) {
    const TTest *const tests[] = {a_first_run_indexes_every_image_and_nothing_else,
                                  hidden_ones_are_indexed_when_asked_for,
                                  a_second_run_opens_no_photo,
                                  an_edited_photo_is_encoded_again_and_its_old_self_is_gone,
                                  an_edit_that_keeps_the_size_is_seen_by_its_time,
                                  a_touched_photo_is_read_but_not_encoded,
                                  a_photo_read_right_after_its_last_change_is_read_once_more,
                                  a_renamed_photo_keeps_its_vector_and_is_not_read,
                                  a_hard_link_is_the_same_photo_and_is_not_read,
                                  a_moved_photo_of_whole_seconds_is_read_and_known_by_its_content,
                                  a_renamed_folder_keeps_all_vectors,
                                  a_chain_of_renames_encodes_nothing,
                                  swapped_photos_encode_nothing,
                                  a_photo_saved_over_by_rename_is_encoded_again,
                                  copies_are_one_photo_with_several_files,
                                  copies_of_a_bad_file_all_fail_and_the_run_ends,
                                  a_bad_file_costs_itself_only_and_is_quarantined_after_three_tries,
                                  a_photo_overwritten_by_garbage_leaves_the_library,
                                  empty_late_and_unencodable_files_fail_with_their_reason,
                                  a_file_without_permission_keeps_its_old_photo_and_is_never_quarantined,
                                  a_file_that_changes_while_it_is_read_waits_for_the_next_run,
                                  a_file_that_vanishes_between_scan_and_reading_is_no_failure,
                                  a_photo_renamed_before_another_model_comes_is_encoded_and_counted_once,
                                  another_model_encodes_everything_again_and_keeps_the_old_vectors,
                                  progress_tells_every_phase_and_the_total,
                                  a_cancelled_run_keeps_what_is_done_and_the_next_goes_on,
                                  a_flag_set_beforehand_cancels_at_once_and_removes_nothing,
                                  senseless_options_are_refused,
                                  many_threads_and_little_memory_still_end};
    Suite *suite = suite_create("indexer");
    TCase *tc = tcase_create("scenarios");
    tcase_add_checked_fixture(tc, gallery_setup, gallery_teardown);
    tcase_set_timeout(tc, 120);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) tcase_add_test(tc, tests[i]);
    suite_add_tcase(suite, tc);
    return suite;
}
