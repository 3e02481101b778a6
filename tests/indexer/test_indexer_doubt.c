/*
** Files that are gone, or seem to be; and names, links and roots of all kinds. Nothing is removed on doubt.
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

/* ---- Removal and doubt ---------------------------------------------------------------------------------------------------------- */

START_TEST(removed_files_and_folders_leave_the_library) {
    gallery_write_many("keep", 4);
    gallery_write_many("gone", 6);
    gallery_expect(10, 10, 10, 0, 0);
    gallery_remove("keep/001.jpg");
    char path[LIBRARY_PATH];
    gallery_path(path, "gone");
    library_remove_tree(path);
    gallery_expect(3, 0, 0, 3, 7);
    ck_assert_int_eq(gallery_counts().files, 3);
    ck_assert_int_eq(gallery_counts().photos, 3);
    ck_assert_int_eq(gallery_counts().vectors, 3);
    gallery_check_library();
}
END_TEST

START_TEST(a_missing_root_deletes_nothing_and_is_said) {
    char away[LIBRARY_PATH + 8];
    ps__error err = {0};
    gallery_write_many("a", 5);
    gallery_expect(5, 5, 5, 0, 0);
    snprintf(away, sizeof away, "%s.away", gallery_dir);
    ck_assert_int_eq(rename(gallery_dir, away), 0);
    ps__indexer_options o = gallery_options();
    ck_assert_int_eq(gallery_run_with(&o, &err), PS__NOTFOUND);
    ck_assert_msg(library_says(err.text, gallery_dir) && library_says(err.text, "5 entries were kept"), "%s", err.text);
    ck_assert_int_eq(gallery_result.roots_skipped, 1);
    ck_assert_int_eq(gallery_result.kept, 5);
    ck_assert_int_eq(gallery_counts().photos, 5);
    ck_assert_int_eq(rename(away, gallery_dir), 0);
    gallery_expect(5, 0, 0, 5, 0);
}
END_TEST

START_TEST(a_missing_root_does_not_stop_the_others) {
    gallery_write_many("a", 2);
    const char *roots[] = {"/nowhere/at/all", gallery_dir};
    ps__indexer_options o = gallery_options();
    o.roots = roots;
    o.root_count = 2;
    ck_assert_int_eq(gallery_run_with(&o, NULL), PS__OK);
    ck_assert_int_eq(gallery_result.indexed, 2);
    ck_assert_int_eq(gallery_result.roots_skipped, 1);
    ck_assert_msg(library_says(gallery_log, "/nowhere/at/all"), "%s", gallery_log);
}
END_TEST

START_TEST(a_suddenly_empty_root_deletes_nothing_unless_told) {
    char away[LIBRARY_PATH + 8];
    gallery_write_many("a", 5);
    gallery_expect(5, 5, 5, 0, 0);
    snprintf(away, sizeof away, "%s.away", gallery_dir);
    ck_assert_int_eq(rename(gallery_dir, away), 0);
    ck_assert_int_eq(mkdir(gallery_dir, 0700), 0); /* the mount point of a card that is not plugged in */
    gallery_expect(0, 0, 0, 0, 0);
    ck_assert_int_eq(gallery_result.kept, 5);
    ck_assert_msg(library_says(gallery_log, "empty, maybe not mounted; its 5 entries were kept"), "%s", gallery_log);
    ck_assert_int_eq(gallery_counts().photos, 5);
    ps__indexer_options o = gallery_options();
    o.flags = PS__INDEX_ALLOW_REMOVAL;
    ck_assert_int_eq(gallery_run_with(&o, NULL), PS__OK);
    ck_assert_int_eq(gallery_result.removed, 5);
    ck_assert_int_eq(gallery_counts().photos, 0);
}
END_TEST

/* Device numbers as the test wants them: what lies below a folder called "card" is on device `card_device`. */
static dev_t card_device;
static int on_card(const char *path) { return strstr(path, "/card") != NULL; }
static int card_stat(const char *path, struct stat *st) {
    int result = stat(path, st);
    if (result == 0 && card_device && on_card(path)) st->st_dev = card_device;
    return result;
}
static void put_on_card(int fd, struct stat *st) {
    char link[64], path[LIBRARY_PATH] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    if (readlink(link, path, sizeof path - 1) > 0 && card_device && on_card(path)) st->st_dev = card_device;
}
static int card_fstatat(int dir, const char *name, struct stat *st, int flags) {
    int result = fstatat(dir, name, st, flags);
    if (result == 0) put_on_card(dir, st);
    return result;
}
static int card_fstat(int fd, struct stat *st) {
    int result = fstat(fd, st);
    if (result == 0) put_on_card(fd, st);
    return result;
}

START_TEST(an_unplugged_card_inside_a_root_loses_nothing) {
    char card[LIBRARY_PATH];
    ps__os.stat = card_stat;
    ps__os.fstat = card_fstat;
    ps__os.fstatat = card_fstatat;
    card_device = 4711;
    gallery_write_many("card/dcim", 5);
    gallery_write_many("disk", 3);
    gallery_expect(8, 8, 8, 0, 0);
    gallery_path(card, "card");
    /* Unmounted, the mount point stays, an empty folder of the outer disk ... */
    gallery_move("card", "../away");
    ck_assert_int_eq(mkdir(card, 0700), 0);
    card_device = 0;
    gallery_expect(3, 0, 0, 3, 0);
    ck_assert_int_eq(gallery_result.kept, 5);
    ck_assert_msg(library_says(gallery_log, "another device"), "%s", gallery_log);
    /* ... or goes with it. */
    ck_assert_int_eq(rmdir(card), 0);
    gallery_expect(3, 0, 0, 3, 0);
    ck_assert_int_eq(gallery_result.kept, 5);
    /* Plugged in again, under another number, with one photo deleted meanwhile: that one goes, nothing is read. */
    gallery_move("../away", "card");
    gallery_remove("card/dcim/002.jpg");
    card_device = 4712;
    gallery_expect(7, 0, 0, 7, 1);
    ck_assert_int_eq(gallery_result.kept, 0);
    ck_assert_int_eq(gallery_result.bytes_read, 0);
    gallery_check_library();
}
END_TEST

START_TEST(a_folder_that_cannot_be_read_loses_nothing) {
    gallery_write_many("locked", 4);
    gallery_write_many("open", 3);
    gallery_expect(7, 7, 7, 0, 0);
    gallery_remove("locked/001.jpg");
    ps__os.open = gallery_denying_open;
    gallery_denied = "/locked";
    gallery_expect(3, 0, 0, 3, 0);
    ck_assert_int_eq(gallery_result.folders_skipped, 1);
    ck_assert_int_eq(gallery_result.kept, 4);
    ck_assert_int_eq(gallery_counts().photos, 7);
    gallery_denied = NULL;
    gallery_expect(6, 0, 0, 6, 1);
}
END_TEST

static int readdir_calls_left;
static struct dirent *failing_readdir(DIR *dir) {
    if (readdir_calls_left-- > 0) return readdir(dir);
    errno = EIO;
    return NULL;
}

START_TEST(a_listing_that_breaks_off_loses_nothing) {
    gallery_write_many("a", 20);
    gallery_expect(20, 20, 20, 0, 0);
    ps__os.readdir = failing_readdir;
    readdir_calls_left = 12;
    gallery_run();
    ck_assert_int_lt(gallery_result.found, 20);
    ck_assert_int_eq(gallery_result.removed, 0);
    ck_assert_int_eq(gallery_counts().photos, 20);
}
END_TEST

START_TEST(an_unreadable_root_is_an_error_and_loses_nothing) {
    ps__error err = {0};
    gallery_write_many("a", 3);
    gallery_expect(3, 3, 3, 0, 0);
    ps__os.open = gallery_denying_open;
    gallery_denied = gallery_dir;
    ps__indexer_options o = gallery_options();
    ck_assert_int_eq(gallery_run_with(&o, &err), PS__ACCESS);
    ck_assert_int_eq(gallery_result.kept, 3);
    ck_assert_int_eq(gallery_counts().photos, 3);
}
END_TEST

/* ---- Odd names, links, roots ---------------------------------------------------------------------------------------------------- */

START_TEST(links_loops_and_pipes_do_no_harm) {
    char path[LIBRARY_PATH];
    gallery_write("a/1.jpg", "one");
    gallery_path(path, "a/loop");
    ck_assert_int_eq(symlink("..", path), 0);
    gallery_path(path, "a/self.jpg");
    ck_assert_int_eq(symlink("self.jpg", path), 0);
    gallery_path(path, "dangling.jpg");
    ck_assert_int_eq(symlink("nothing", path), 0);
    gallery_path(path, "linked.jpg");
    ck_assert_int_eq(symlink("a/1.jpg", path), 0);
    gallery_path(path, "pipe.jpg");
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    gallery_path(path, "folder.jpg");
    ck_assert_int_eq(mkdir(path, 0700), 0);
    gallery_write("../outside/2.jpg", "two");
    gallery_path(path, "door");
    ck_assert_int_eq(symlink("../outside", path), 0);

    gallery_expect(2, 2, 1, 0, 0);
    ck_assert_int_eq(gallery_twins("linked.jpg"), 2);
    ps__indexer_options o = gallery_options();
    o.flags = PS__INDEX_FOLLOW_LINKS;
    ck_assert_int_eq(gallery_run_with(&o, NULL), PS__OK);
    ck_assert_int_eq(gallery_result.found, 3);
    ck_assert_int_eq(gallery_twins("door/2.jpg"), 1);
}
END_TEST

static int see_text(const ps__failure *f, void *payload) {
    (void)payload;
    ck_assert(!ps__utf8_valid(f->path, strlen(f->path)));
    ck_assert(ps__utf8_valid(f->reason, strlen(f->reason)));
    ck_assert_msg(library_says(f->reason, ".jpg: is bad"), "%s", f->reason);
    return 1;
}

START_TEST(names_of_any_bytes_are_indexed_and_found) {
    static const char *const names[] = {"\xff\xfe\x80.jpg",  "new\nline.jpg",   "quo'te\".jpg", "100%s%n.jpg",
                                        "wei\xc3\xb1rd.jpg", "back\\slash.jpg", " .jpg"};
    int count = (int)(sizeof names / sizeof *names);
    for (int i = 0; i < count; i++) gallery_write(names[i], names[i]);
    gallery_write("bad\xff.jpg", "BAD");
    gallery_run();
    ck_assert_int_eq(gallery_result.indexed, count);
    ck_assert_int_eq(gallery_result.failed, 1);
    for (int i = 0; i < count; i++) ck_assert_int_eq(gallery_twins(names[i]), 1);
    /* The reason, unlike the path, is text that any terminal or JSON can show. */
    ps__error err;
    ps__store *store = library_open(PS__STORE_READ);
    ck_assert_int_eq(ps__store_each_failure(store, see_text, NULL, &err), 1);
    ps__store_close(store);
}
END_TEST

START_TEST(very_deep_folders_are_walked_as_far_as_paths_go) {
    char path[LIBRARY_PATH];
    int depth = 0;
    snprintf(path, sizeof path, "%s", gallery_dir);
    while (strlen(path) + 20 < sizeof path) {
        strcat(path, "/d");
        ck_assert_int_eq(mkdir(path, 0700), 0);
        depth++;
    }
    ck_assert_int_gt(depth, 1500);
    strcat(path, "/deep.jpg");
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    ck_assert_int_eq(write(fd, "deep", 4), 4);
    close(fd);
    struct timespec old[2] = {{1600000000, 7}, {1600000000, 7}};
    ck_assert_int_eq(utimensat(AT_FDCWD, path, old, 0), 0);
    gallery_expect(1, 1, 1, 0, 0);
}
END_TEST

START_TEST(a_root_given_twice_nested_or_by_a_link_counts_once) {
    char nested[LIBRARY_PATH], link[LIBRARY_PATH], file[LIBRARY_PATH], slash[LIBRARY_PATH + 16];
    gallery_write_many("a/b", 5);
    gallery_write("a/odd.name", "odd");
    gallery_path(nested, "a/b");
    gallery_path(file, "a/odd.name");
    snprintf(link, sizeof link, "%.4000s/link", library_temp);
    ck_assert_int_eq(symlink(gallery_dir, link), 0);
    snprintf(slash, sizeof slash, "%s//./a/..///", gallery_dir);
    const char *roots[] = {nested, gallery_dir, link, slash, gallery_dir, file, file};
    ps__indexer_options o = gallery_options();
    o.roots = roots;
    o.root_count = 7;
    for (int round = 0; round < 3; round++) {
        ck_assert_int_eq(gallery_run_with(&o, NULL), PS__OK);
        ck_assert_int_eq(gallery_result.found, 6);
        ck_assert_int_eq(gallery_result.indexed, round ? 0 : 6);
        ck_assert_int_eq(gallery_result.removed, 0);
        ck_assert_int_eq(gallery_counts().files, 6);
    }
    /* The file that only its name brought in stays when just the folder is indexed. */
    gallery_expect(5, 0, 0, 5, 0);
    ck_assert_int_eq(gallery_counts().files, 6);
}
END_TEST

START_TEST(the_librarys_own_folder_is_not_indexed) {
    snprintf(library_dir, sizeof library_dir, "%.4000s/library", gallery_dir);
    gallery_write("1.jpg", "one");
    gallery_write("library/thumbs/1.jpg", "thumb");
    gallery_expect(1, 1, 1, 0, 0);
}
END_TEST

START_TEST(roots_outside_the_run_are_left_alone) {
    char a[LIBRARY_PATH];
    gallery_write_many("a", 3);
    gallery_write_many("ab", 3);
    gallery_expect(6, 6, 6, 0, 0);
    gallery_remove("ab/001.jpg");
    gallery_path(a, "a");
    const char *roots[] = {a};
    ps__indexer_options o = gallery_options();
    o.roots = roots;
    ck_assert_int_eq(gallery_run_with(&o, NULL), PS__OK);
    ck_assert_int_eq(gallery_result.found, 3);
    ck_assert_int_eq(gallery_counts().files, 6);
}
END_TEST

Suite *suite_indexer_doubt(void);
Suite *suite_indexer_doubt(void) {
    const TTest *const tests[] = {removed_files_and_folders_leave_the_library,
                                  a_missing_root_deletes_nothing_and_is_said,
                                  a_missing_root_does_not_stop_the_others,
                                  a_suddenly_empty_root_deletes_nothing_unless_told,
                                  an_unplugged_card_inside_a_root_loses_nothing,
                                  a_folder_that_cannot_be_read_loses_nothing,
                                  a_listing_that_breaks_off_loses_nothing,
                                  an_unreadable_root_is_an_error_and_loses_nothing,
                                  links_loops_and_pipes_do_no_harm,
                                  names_of_any_bytes_are_indexed_and_found,
                                  very_deep_folders_are_walked_as_far_as_paths_go,
                                  a_root_given_twice_nested_or_by_a_link_counts_once,
                                  the_librarys_own_folder_is_not_indexed,
                                  roots_outside_the_run_are_left_alone};
    Suite *suite = suite_create("indexer_doubt");
    TCase *tc = tcase_create("doubt");
    tcase_add_checked_fixture(tc, gallery_setup, gallery_teardown);
    tcase_set_timeout(tc, 120);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) tcase_add_test(tc, tests[i]);
    suite_add_tcase(suite, tc);
    return suite;
}
