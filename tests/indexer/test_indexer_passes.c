/*
** The indexer's two passes and its partial runs: previews before everything, the newest first, what changed and nothing else, files
** that go away and come back.
*/
#include <check.h>
#include <pthread.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/os.h"
#include "store/wanted.h"
#include "tests/indexer/gallery.h"

enum { BIG = 140000 /* bytes: more than a preview's head */ };

static pthread_mutex_t naming = PTHREAD_MUTEX_INITIALIZER; /* guards the next while encoders run */
static char named[1 << 14]; /* last parts of the paths that were decoded in full, each with a space behind */
static atomic_int interrupt_run, previews;
static _Thread_local uint8_t *buffer;
static uint8_t *(*inner_buffer)(void *, size_t);
static ps__decode_fn *inner_decode;

static int naming_decode(ps__pixels *out, const uint8_t *bytes, size_t size, const char *name, const ps__pixels_options *options,
                         ps__error *err) {
    pthread_mutex_lock(&naming);
    size_t used = strlen(named);
    snprintf(named + used, sizeof named - used, "%s ", strrchr(name, '/') + 1);
    pthread_mutex_unlock(&naming);
    if (size >= 9 && memcmp(bytes, "PREBROKEN", 9) == 0) return ps__fail(err, PS__CORRUPT, "%s: is broken further down", name);
    return inner_decode(out, bytes, size, name, options, err);
}

static uint8_t *remember_buffer(void *session, size_t size) { return buffer = inner_buffer(session, size); }

static int find_fake(ps__preview_place *out, void *session, size_t head, uint64_t file_size, const char *name, ps__error *err) {
    (void)session;
    memset(out, 0, sizeof *out);
    if (head < 3 || memcmp(buffer, "PRE", 3) != 0) return ps__fail(err, PS__NOTFOUND, "%s: has no preview", name);
    out->kind = PS__PREVIEW_JPEG;
    out->offset = file_size - 16;
    out->length = 16;
    return PS__OK;
}

static int preview_fake(ps__pixels *out, void *session, const ps__preview_place *place, size_t size, const char *name,
                        const ps__pixels_options *options, ps__error *err) {
    (void)session;
    (void)place;
    memset(out, 0, sizeof *out);
    atomic_fetch_add(&previews, 1);
    if (size != 16 || options->width != 2) return ps__fail(err, PS__INVALID, "%s: wrong part of the file", name);
    if (!(out->rgb = ps__calloc(12, 1))) return ps__fail_nomem(err);
    out->width = out->height = 2;
    out->original_width = 40;
    out->original_height = 30;
    out->format = "jpeg";
    return PS__OK;
}

static void setup(void) {
    gallery_setup();
    named[0] = 0;
    atomic_store(&interrupt_run, 0);
    atomic_store(&previews, 0);
    inner_decode = gallery_decode;
    gallery_decode = naming_decode;
    inner_buffer = gallery_decoder.buffer;
    gallery_decoder.buffer = remember_buffer;
    gallery_decoder.find_preview = find_fake;
    gallery_decoder.preview = preview_fake;
}

/* A file with a preview, large enough not to be read in full at once; `age` in seconds. */
static void write_big(const char *name, const char *content, int age) {
    char path[LIBRARY_PATH];
    gallery_write(name, content);
    gallery_path(path, name);
    ck_assert_int_eq(truncate(path, BIG), 0);
    gallery_age(name, age, 7654321 + age);
}

static void write_previewed(int count) {
    for (int i = 0; i < count; i++) {
        char name[64], content[64];
        snprintf(name, sizeof name, "p/%03d.jpg", i);
        snprintf(content, sizeof content, "PRE number %d", i);
        write_big(name, content, 1000 + i);
    }
}

static int stop_before_encoding(const ps__indexer_progress *progress, void *payload) {
    (void)payload;
    if (progress->phase == PS__PHASE_ENCODE) atomic_store(&interrupt_run, 1);
    return 0;
}

static ps__indexer_options first_pass_only(void) {
    ps__indexer_options o = gallery_options();
    o.interrupt = &interrupt_run;
    o.progress = stop_before_encoding;
    return o;
}

static void run_with(const ps__indexer_options *o) {
    ps__error err = {0};
    ck_assert_msg(gallery_run_with(o, &err) == PS__OK, "%s", err.text);
}

static int64_t photo_of(const char *name) {
    char path[LIBRARY_PATH];
    int64_t photo = 0;
    ps__error err;
    ps__store *store = library_open(PS__STORE_READ);
    gallery_path(path, name);
    if (ps__store_photo_by_path(&photo, store, path, &err) != PS__OK) photo = 0;
    ps__store_close(store);
    return photo;
}

static int paths_shown(int64_t photo) {
    ps__buf paths = PS__BUF_INIT;
    size_t count = 0;
    ps__error err;
    ps__store *store = library_open(PS__STORE_READ);
    ck_assert_int_eq(ps__store_paths(&paths, &count, store, photo, &err), PS__OK);
    ps__buf_free(&paths);
    ps__store_close(store);
    return (int)count;
}

/* ---- Two passes ----------------------------------------------------------------------------------------------------------- */

START_TEST(previews_come_first_and_the_photos_keep_their_numbers) {
    write_previewed(40);
    ps__indexer_options o = first_pass_only();
    run_with(&o);
    ck_assert_int_eq(gallery_result.previewed, 40);
    ck_assert_int_eq(gallery_result.interrupted, 1);
    ck_assert_int_eq(gallery_result.pending, 40);
    ck_assert_str_eq(named, "");
    ps__store_counts counts = gallery_counts();
    ck_assert_int_eq(counts.photos, 40);
    ck_assert_int_eq(counts.vectors, 40);
    ck_assert_int_eq(counts.previewed, 40);
    ck_assert_int_eq(counts.pending, 40);
    int64_t photo = photo_of("p/007.jpg");
    ck_assert_int_gt(photo, 0);
    gallery_expect(40, 40, 40, 0, 0);
    ck_assert_int_eq(gallery_result.previewed, 0);
    ck_assert_int_eq(photo_of("p/007.jpg"), photo);
    counts = gallery_counts();
    ck_assert_int_eq(counts.photos, 40);
    ck_assert_int_eq(counts.previewed, 0);
    ck_assert_int_eq(counts.pending, 0);
    gallery_check_library();
    gallery_expect(40, 0, 0, 40, 0);
}
END_TEST

START_TEST(one_run_does_both_passes) {
    write_previewed(40);
    gallery_write("small.jpg", "read in full at once");
    write_big("none.jpg", "has no preview", 5);
    gallery_run();
    ck_assert_int_eq(gallery_result.found, 42);
    ck_assert_int_eq(gallery_result.indexed, 42);
    ck_assert_int_eq(gallery_result.previewed, 40);
    ck_assert_int_eq(gallery_counts().photos, 42);
    gallery_check_library();
}
END_TEST

START_TEST(a_few_new_photos_are_read_in_full_at_once) {
    write_previewed(5);
    gallery_run();
    ck_assert_int_eq(gallery_result.indexed, 5);
    ck_assert_int_eq(gallery_result.previewed, 0);
    ck_assert_int_eq(atomic_load(&previews), 0);
}
END_TEST

START_TEST(copies_share_a_preview_and_part_when_they_differ_further_down) {
    char path[LIBRARY_PATH];
    write_previewed(40);
    write_big("copy.jpg", "PRE number 3", 7);
    write_big("other.jpg", "PRE number 3", 8);
    gallery_path(path, "other.jpg");
    FILE *f = fopen(path, "r+");
    ck_assert(f && fseek(f, BIG - 20, SEEK_SET) == 0 && fputs("X", f) >= 0 && fclose(f) == 0);
    gallery_age("other.jpg", 8, 99);
    ps__indexer_options o = first_pass_only();
    run_with(&o);
    ck_assert_int_eq(gallery_counts().photos, 40);
    ck_assert_int_eq(paths_shown(photo_of("p/003.jpg")), 3);
    gallery_run();
    ck_assert_int_eq(gallery_counts().photos, 41);
    ck_assert_int_eq(photo_of("copy.jpg"), photo_of("p/003.jpg"));
    ck_assert_int_ne(photo_of("other.jpg"), photo_of("p/003.jpg"));
    gallery_check_library();
}
END_TEST

START_TEST(what_is_broken_further_down_is_still_found_by_its_preview) {
    write_previewed(40);
    write_big("broken.jpg", "PREBROKEN", 9);
    gallery_run();
    ck_assert_int_eq(gallery_result.failed, 1);
    ck_assert_int_eq(gallery_result.indexed, 40);
    ck_assert_int_eq(paths_shown(photo_of("broken.jpg")), 1);
    ck_assert_int_eq(gallery_counts().failed, 1);
    gallery_run();
    gallery_run();
    ck_assert_int_eq(gallery_counts().quarantined, 1);
    ck_assert_int_eq(paths_shown(photo_of("broken.jpg")), 1);
}
END_TEST

START_TEST(small_files_that_fail_are_tried_once_a_run) {
    for (int i = 0; i < 40; i++) {
        char name[32], content[32];
        snprintf(name, sizeof name, "%02d.jpg", i);
        snprintf(content, sizeof content, "BAD %d", i);
        gallery_write(name, content);
    }
    gallery_run();
    ck_assert_int_eq(gallery_result.failed, 40);
    ck_assert_int_eq(atomic_load(&gallery_decodes), 40);
}
END_TEST

START_TEST(the_newest_are_read_first) {
    ps__indexer_options o = gallery_options();
    o.threads = 1;
    gallery_write("old.jpg", "an old one");
    gallery_write("new.jpg", "a new one");
    gallery_write("middle.jpg", "one between");
    gallery_age("old.jpg", 3000, 1);
    gallery_age("middle.jpg", 2000, 1);
    gallery_age("new.jpg", 1000, 1);
    run_with(&o);
    ck_assert_str_eq(named, "new.jpg middle.jpg old.jpg ");
}
END_TEST

START_TEST(what_somebody_waits_for_is_read_before_all) {
    write_previewed(40);
    ps__indexer_options o = first_pass_only();
    run_with(&o);
    int64_t photo = photo_of("p/033.jpg");
    ps__wanted_add(library_dir, &photo, 1);
    o = gallery_options();
    o.threads = 1;
    run_with(&o);
    ck_assert_msg(strncmp(named, "033.jpg 000.jpg ", 16) == 0, "%s", named);
    int64_t left[4];
    ck_assert_uint_eq(ps__wanted_take(left, 4, library_dir), 0);
}
END_TEST

START_TEST(the_list_of_those_who_wait_is_bounded) {
    int64_t photos[700], taken[2 * PS__WANTED_MOST];
    for (int i = 0; i < 700; i++) photos[i] = i + 1;
    gallery_run();
    for (int i = 0; i < 5; i++) ps__wanted_add(library_dir, photos, 700);
    ck_assert_uint_eq(ps__wanted_take(taken, 2 * PS__WANTED_MOST, library_dir), PS__WANTED_MOST);
    ck_assert_int_eq(taken[700], 1);
    ck_assert_uint_eq(ps__wanted_take(taken, 2 * PS__WANTED_MOST, library_dir), 0);
}
END_TEST

/* ---- Partial runs --------------------------------------------------------------------------------------------------------- */

static char only_paths[4][LIBRARY_PATH];

static void run_only(int count, const char *const *names) {
    const char *paths[4];
    ps__indexer_options o = gallery_options();
    for (int i = 0; i < count; i++) {
        gallery_path(only_paths[i], names[i]);
        paths[i] = only_paths[i];
    }
    o.only = paths;
    o.only_count = (size_t)count;
    run_with(&o);
}

START_TEST(a_partial_run_looks_at_what_it_is_given_and_nothing_else) {
    gallery_write_many("a", 5);
    gallery_write_many("b", 5);
    gallery_run();
    gallery_write("a/new.jpg", "new in a");
    gallery_write("b/new.jpg", "new in b");
    gallery_write("a/000.jpg", "rewritten");
    gallery_write("b/000.jpg", "rewritten too");
    gallery_remove("a/001.jpg");
    gallery_remove("b/001.jpg");
    run_only(3, (const char *const[]){"a/new.jpg", "a/000.jpg", "a/001.jpg"});
    ck_assert_int_eq(gallery_result.indexed, 2);
    ck_assert_int_eq(gallery_result.removed, 1);
    ck_assert_int_eq(gallery_counts().files, 10);
    run_only(2, (const char *const[]){"b", "b/001.jpg"});
    ck_assert_int_eq(gallery_result.indexed, 2);
    ck_assert_int_eq(gallery_result.removed, 1);
    gallery_expect(10, 0, 0, 10, 0);
}
END_TEST

START_TEST(a_partial_run_does_not_use_up_the_tries_of_what_failed) {
    gallery_write("bad.jpg", "BAD");
    gallery_run();
    for (int i = 0; i < 5; i++) run_only(1, (const char *const[]){"other.jpg"});
    ck_assert_int_eq(atomic_load(&gallery_decodes), 0);
    ck_assert_int_eq(gallery_counts().failed, 1);
    gallery_run();
    ck_assert_int_eq(atomic_load(&gallery_decodes), 1);
}
END_TEST

START_TEST(paths_of_a_partial_run_may_lie_in_each_other) {
    gallery_write_many("a", 1);
    gallery_run();
    gallery_write_many("new/deep", 3);
    run_only(4, (const char *const[]){"new/deep/001.jpg", "new", "new/deep/002.jpg", "new"});
    ck_assert_int_eq(gallery_result.indexed, 3);
    gallery_expect(4, 0, 0, 4, 0);
}
END_TEST

START_TEST(a_partial_run_finds_a_moved_folder_without_reading) {
    gallery_write_many("a", 30);
    gallery_run();
    gallery_move("a", "b");
    run_only(2, (const char *const[]){"a", "b"});
    ck_assert_int_eq(atomic_load(&gallery_encodes), 0);
    ck_assert_int_eq(gallery_result.removed, 30);
    ck_assert_int_eq(gallery_result.indexed, 30);
    gallery_expect(30, 0, 0, 30, 0);
}
END_TEST

START_TEST(a_partial_run_does_the_work_that_is_left) {
    write_previewed(40);
    ps__indexer_options o = first_pass_only();
    run_with(&o);
    run_only(0, (const char *const[]){NULL});
    ck_assert_int_eq(gallery_result.indexed, 40);
    ck_assert_int_eq(gallery_counts().pending, 0);
    gallery_check_library();
}
END_TEST

START_TEST(a_partial_run_leaves_hidden_files_and_other_endings_alone) {
    gallery_write_many("a", 2);
    gallery_run();
    gallery_write("a/.hidden.jpg", "hidden");
    gallery_write(".cache/x.jpg", "hidden by its folder");
    gallery_write("a/text.txt", "no image");
    run_only(4, (const char *const[]){"a/.hidden.jpg", ".cache/x.jpg", "a/text.txt", ".cache"});
    ck_assert_int_eq(gallery_result.found, 0);
    ck_assert_int_eq(gallery_counts().files, 2);
}
END_TEST

START_TEST(a_partial_run_keeps_what_lay_below_a_folder_that_lost_everything) {
    gallery_write_many("a", 3);
    gallery_run();
    for (int i = 0; i < 3; i++) {
        char name[32];
        snprintf(name, sizeof name, "a/%03d.jpg", i);
        gallery_remove(name);
    }
    char path[LIBRARY_PATH];
    gallery_path(path, "a");
    ck_assert_int_eq(rmdir(path), 0);
    run_only(1, (const char *const[]){"a"});
    ck_assert_int_eq(gallery_result.removed, 0); /* the root is empty now, as an unplugged card would be */
    ck_assert_int_eq(gallery_result.kept, 3);
    ck_assert_int_eq(gallery_counts().missing, 3);
}
END_TEST

START_TEST(an_interrupted_run_ends_well_and_the_next_goes_on) {
    gallery_write_many("a", 30);
    ps__indexer_options o = gallery_options();
    atomic_store(&interrupt_run, 1);
    o.interrupt = &interrupt_run;
    run_with(&o);
    ck_assert_int_eq(gallery_result.interrupted, 1);
    ck_assert_int_eq(gallery_result.found, 30);
    ck_assert_int_lt(gallery_result.indexed, 30);
    int done = (int)gallery_result.indexed;
    gallery_run();
    ck_assert_int_eq(gallery_result.interrupted, 0);
    ck_assert_int_eq(gallery_result.indexed, 30 - done);
    ck_assert_int_eq(gallery_result.unchanged, done);
}
END_TEST

/* ---- Away and back -------------------------------------------------------------------------------------------------------- */

static void move_many(const char *folder, int from, int to, const char *target) {
    char path[LIBRARY_PATH];
    gallery_path(path, target);
    ck_assert_int_eq(ps__make_folders(path, NULL), PS__OK);
    for (int i = from; i < to; i++) {
        char a[64], b[64];
        snprintf(a, sizeof a, "%s/%03d.jpg", folder, i);
        snprintf(b, sizeof b, "%s/%03d.jpg", target, i);
        gallery_move(a, b);
    }
}

START_TEST(more_than_a_fifth_at_once_is_kept_until_allowed) {
    gallery_write_many("a", 50);
    gallery_run();
    int64_t photo = photo_of("a/000.jpg");
    move_many("a", 0, 11, "../elsewhere");
    gallery_expect(39, 0, 0, 39, 0);
    ck_assert_int_eq(gallery_result.kept, 11);
    ck_assert_int_eq(gallery_result.asked, 11);
    ck_assert_int_eq(gallery_counts().missing, 11);
    ck_assert_int_eq(paths_shown(photo), 0); /* not shown, but known */
    move_many("../elsewhere", 0, 11, "a");
    gallery_expect(50, 0, 0, 50, 0);
    ck_assert_int_eq(gallery_counts().missing, 0);
    ck_assert_int_eq(paths_shown(photo), 1);
    move_many("a", 0, 11, "../elsewhere");
    gallery_expect(39, 0, 0, 39, 0);
    ps__indexer_options o = gallery_options();
    o.flags = PS__INDEX_ALLOW_REMOVAL;
    run_with(&o);
    ck_assert_int_eq(gallery_result.removed, 11);
    ck_assert_int_eq(gallery_counts().photos, 39);
}
END_TEST

START_TEST(a_fifth_and_less_goes) {
    gallery_write_many("a", 60);
    gallery_run();
    move_many("a", 0, 12, "../elsewhere");
    gallery_expect(48, 0, 0, 48, 12);
    ck_assert_int_eq(gallery_counts().missing, 0);
}
END_TEST

START_TEST(deleted_copies_are_no_loss) {
    for (int i = 0; i < 30; i++) {
        char name[64], content[64];
        snprintf(content, sizeof content, "the same %d", i);
        snprintf(name, sizeof name, "a/%03d.jpg", i);
        gallery_write(name, content);
        snprintf(name, sizeof name, "b/%03d.jpg", i);
        gallery_write(name, content);
    }
    gallery_run();
    move_many("b", 0, 30, "../elsewhere");
    gallery_run();
    ck_assert_int_eq(gallery_result.removed, 30);
    ck_assert_int_eq(gallery_counts().photos, 30);
}
END_TEST

START_TEST(a_root_that_goes_and_comes_back_costs_nothing) {
    char away[LIBRARY_PATH + 8];
    gallery_write_many("a", 5);
    gallery_run();
    int64_t photo = photo_of("a/002.jpg");
    snprintf(away, sizeof away, "%s.away", gallery_dir);
    ck_assert_int_eq(rename(gallery_dir, away), 0);
    ps__error err;
    ps__indexer_options o = gallery_options();
    ck_assert_int_eq(gallery_run_with(&o, &err), PS__NOTFOUND);
    ck_assert_int_eq(gallery_counts().missing, 5);
    ck_assert_int_eq(paths_shown(photo), 0);
    ck_assert_int_eq(rename(away, gallery_dir), 0);
    gallery_expect(5, 0, 0, 5, 0);
    ck_assert_int_eq(paths_shown(photo), 1);
}
END_TEST

START_TEST(a_previewed_file_that_was_away_still_waits_for_its_turn) {
    char away[LIBRARY_PATH + 8];
    write_previewed(40);
    ps__indexer_options o = first_pass_only();
    run_with(&o);
    snprintf(away, sizeof away, "%s.away", gallery_dir);
    ck_assert_int_eq(rename(gallery_dir, away), 0);
    ps__error err;
    ps__indexer_options plain = gallery_options();
    ck_assert_int_eq(gallery_run_with(&plain, &err), PS__NOTFOUND);
    ck_assert_int_eq(rename(away, gallery_dir), 0);
    gallery_expect(40, 40, 40, 0, 0);
    gallery_check_library();
}
END_TEST

START_TEST(another_version_tries_again_what_was_given_up) {
    ps__indexer_options o = gallery_options();
    gallery_write("bad.jpg", "BAD");
    o.version = "1";
    for (int i = 0; i < PS__STORE_TRIES; i++) run_with(&o);
    run_with(&o);
    ck_assert_int_eq(gallery_result.quarantined, 1);
    ck_assert_int_eq(atomic_load(&gallery_decodes), 0);
    o.version = "2";
    run_with(&o);
    ck_assert_int_eq(gallery_result.failed, 1);
    ck_assert_int_eq(atomic_load(&gallery_decodes), 1);
    ck_assert_int_eq(gallery_counts().quarantined, 0);
}
END_TEST

/* ---- What went wrong once ---------------------------------------------------------------------------------------------------- */

/* The gallery's folder goes, a run takes notice, and it comes back. */
static void go_and_come_back(void) {
    char away[LIBRARY_PATH + 8];
    ps__error err;
    ps__indexer_options o = gallery_options();
    snprintf(away, sizeof away, "%s.away", gallery_dir);
    ck_assert_int_eq(rename(gallery_dir, away), 0);
    ck_assert_int_eq(gallery_run_with(&o, &err), PS__NOTFOUND);
    ck_assert_int_eq(rename(away, gallery_dir), 0);
}

START_TEST(a_changed_file_that_went_before_it_was_read_is_read_when_it_is_back) {
    gallery_write("a.jpg", "first");
    gallery_write("b.jpg", "other");
    gallery_run();
    gallery_write("a.jpg", "changed content");
    ps__indexer_options o = first_pass_only();
    run_with(&o); /* the scan notes the change, the reading is interrupted */
    ck_assert_int_eq(gallery_counts().pending, 1);
    go_and_come_back();
    gallery_run();
    ck_assert_int_eq(gallery_result.encoded, 1);
    ck_assert_int_eq(gallery_counts().photos, 2);
    gallery_check_library();
}
END_TEST

START_TEST(a_file_that_shared_its_preview_and_went_is_read_when_it_is_back) {
    char path[LIBRARY_PATH];
    write_previewed(40);
    write_big("x.jpg", "PRE same", 1);
    write_big("y.jpg", "PRE same", 100000);
    gallery_path(path, "y.jpg");
    FILE *f = fopen(path, "r+");
    ck_assert(f && fseek(f, BIG - 16, SEEK_SET) == 0 && fputs("DIFFERENT", f) >= 0 && fclose(f) == 0);
    gallery_age("y.jpg", 100000, 7654321);
    ps__indexer_options o = first_pass_only();
    run_with(&o);
    ck_assert_int_eq(photo_of("x.jpg"), photo_of("y.jpg"));
    gallery_path(path, "x.jpg");
    const char *root[] = {path};
    o = gallery_options();
    o.roots = root;
    run_with(&o); /* only x is read in full */
    go_and_come_back();
    gallery_run();
    ck_assert_int_ne(photo_of("x.jpg"), photo_of("y.jpg"));
    gallery_check_library();
}
END_TEST

static int shown_during;
static int64_t gone_photo;
static int look_while_encoding(const ps__indexer_progress *progress, void *payload) {
    (void)payload;
    if (progress->phase == PS__PHASE_ENCODE && progress->done > 0) shown_during = paths_shown(gone_photo);
    return 0;
}

START_TEST(a_deletion_does_not_wait_for_other_work) {
    char path[LIBRARY_PATH];
    gallery_write("a.jpg", "first");
    gallery_write("b.jpg", "other");
    gallery_run();
    gone_photo = photo_of("a.jpg");
    gallery_write_many("m", 20);
    ps__indexer_options o = first_pass_only();
    run_with(&o);
    gallery_remove("a.jpg");
    gallery_path(path, "a.jpg");
    const char *only[] = {path};
    o = gallery_options();
    o.only = only;
    o.only_count = 1;
    o.progress = look_while_encoding;
    run_with(&o);
    ck_assert_int_eq(gallery_result.removed, 1);
    ck_assert_int_eq(gallery_result.indexed, 0);
    ck_assert_int_gt(gallery_result.waiting, 0);
    ck_assert_int_eq(shown_during, 0);
    gallery_run();
    ck_assert_int_eq(gallery_counts().pending, 0);
    ck_assert_int_eq(gallery_counts().photos, 21);
}
END_TEST

START_TEST(many_new_files_of_a_partial_run_are_previewed_first) {
    gallery_run();
    write_previewed(40);
    run_only(1, (const char *const[]){"p"});
    ck_assert_int_eq(gallery_result.previewed, 40);
    ck_assert_int_eq(gallery_result.indexed, 40);
    ck_assert_int_eq(gallery_result.waiting, 0);
    gallery_check_library();
}
END_TEST

static int without_descriptors(const char *path, int flags, mode_t mode) {
    if (!strstr(path, ".jpg")) return open(path, flags | O_CLOEXEC, mode);
    errno = EMFILE;
    return -1;
}

static int failing_disk(const char *path, int flags, mode_t mode) {
    if (!strstr(path, ".jpg")) return open(path, flags | O_CLOEXEC, mode);
    errno = EIO;
    return -1;
}

START_TEST(lack_of_descriptors_and_a_failing_disk_are_not_the_photos_fault) {
    ps__error err;
    ps__indexer_options o = gallery_options();
    gallery_write_many("m", 20);
    ps__os.open = without_descriptors;
    for (int i = 0; i < 4; i++) ck_assert_int_ne(gallery_run_with(&o, &err), PS__OK);
    ck_assert_int_eq(gallery_counts().failed, 0);
    ps__os.open = failing_disk;
    for (int i = 0; i < 4; i++) gallery_run();
    ck_assert_int_eq(gallery_counts().failed, 20);
    ck_assert_int_eq(gallery_counts().quarantined, 0);
    ps__os.open = gallery_denying_open;
    gallery_run();
    ck_assert_int_eq(gallery_result.indexed, 20);
}
END_TEST

START_TEST(a_file_that_was_named_is_looked_at_by_partial_runs) {
    char path[LIBRARY_PATH];
    gallery_write("a.dat", "first");
    gallery_path(path, "a.dat");
    const char *root[] = {path};
    ps__indexer_options o = gallery_options();
    o.roots = root;
    run_with(&o);
    gallery_write("a.dat", "second thing");
    o.only = root;
    o.only_count = 1;
    run_with(&o);
    ck_assert_int_eq(gallery_result.indexed, 1);
}
END_TEST

START_TEST(copies_of_a_broken_file_are_not_all_tried) {
    for (int i = 0; i < 60; i++) {
        char name[32];
        snprintf(name, sizeof name, "%02d.jpg", i);
        gallery_write(name, "BAD, all the same");
    }
    gallery_run();
    ck_assert_int_eq(gallery_result.failed, 60);
    ck_assert_int_eq(atomic_load(&gallery_decodes), 1);
    ck_assert_ptr_nonnull(strstr(gallery_log, "is a copy of a file that failed"));
}
END_TEST

static atomic_int sessions;
static int (*inner_session)(void **, void *, ps__error *);
static int first_session_only(void **session, void *payload, ps__error *err) {
    if (atomic_fetch_add(&sessions, 1) > 0) return ps__fail(err, PS__IO, "no more sessions");
    return inner_session(session, payload, err);
}

START_TEST(one_worker_will_do) {
    ps__indexer_options o = gallery_options();
    o.threads = 4;
    atomic_store(&sessions, 0);
    inner_session = gallery_encoder.session_new;
    gallery_encoder.session_new = first_session_only;
    gallery_write_many("a", 20);
    run_with(&o);
    ck_assert_int_eq(gallery_result.indexed, 20);
}
END_TEST

Suite *suite_indexer_passes(void);
Suite *suite_indexer_passes(void) {
    Suite *suite = suite_create("indexer_passes");
    TCase *tc = tcase_create("passes");
    tcase_add_checked_fixture(tc, setup, gallery_teardown);
    tcase_add_test(tc, previews_come_first_and_the_photos_keep_their_numbers);
    tcase_add_test(tc, one_run_does_both_passes);
    tcase_add_test(tc, a_few_new_photos_are_read_in_full_at_once);
    tcase_add_test(tc, copies_share_a_preview_and_part_when_they_differ_further_down);
    tcase_add_test(tc, what_is_broken_further_down_is_still_found_by_its_preview);
    tcase_add_test(tc, small_files_that_fail_are_tried_once_a_run);
    tcase_add_test(tc, the_newest_are_read_first);
    tcase_add_test(tc, what_somebody_waits_for_is_read_before_all);
    tcase_add_test(tc, the_list_of_those_who_wait_is_bounded);
    tcase_add_test(tc, a_partial_run_looks_at_what_it_is_given_and_nothing_else);
    tcase_add_test(tc, a_partial_run_does_not_use_up_the_tries_of_what_failed);
    tcase_add_test(tc, paths_of_a_partial_run_may_lie_in_each_other);
    tcase_add_test(tc, a_partial_run_finds_a_moved_folder_without_reading);
    tcase_add_test(tc, a_partial_run_does_the_work_that_is_left);
    tcase_add_test(tc, a_partial_run_leaves_hidden_files_and_other_endings_alone);
    tcase_add_test(tc, a_partial_run_keeps_what_lay_below_a_folder_that_lost_everything);
    tcase_add_test(tc, an_interrupted_run_ends_well_and_the_next_goes_on);
    tcase_add_test(tc, more_than_a_fifth_at_once_is_kept_until_allowed);
    tcase_add_test(tc, a_fifth_and_less_goes);
    tcase_add_test(tc, deleted_copies_are_no_loss);
    tcase_add_test(tc, a_root_that_goes_and_comes_back_costs_nothing);
    tcase_add_test(tc, a_previewed_file_that_was_away_still_waits_for_its_turn);
    tcase_add_test(tc, another_version_tries_again_what_was_given_up);
    tcase_add_test(tc, a_changed_file_that_went_before_it_was_read_is_read_when_it_is_back);
    tcase_add_test(tc, a_file_that_shared_its_preview_and_went_is_read_when_it_is_back);
    tcase_add_test(tc, a_deletion_does_not_wait_for_other_work);
    tcase_add_test(tc, many_new_files_of_a_partial_run_are_previewed_first);
    tcase_add_test(tc, lack_of_descriptors_and_a_failing_disk_are_not_the_photos_fault);
    tcase_add_test(tc, a_file_that_was_named_is_looked_at_by_partial_runs);
    tcase_add_test(tc, copies_of_a_broken_file_are_not_all_tried);
    tcase_add_test(tc, one_worker_will_do);
    suite_add_tcase(suite, tc);
    return suite;
}
