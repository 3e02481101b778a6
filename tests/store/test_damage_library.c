/*
** Libraries that are not what they should be: damaged, newer, older, foreign, locked. Each gives one sentence, and nothing is lost.
*/
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/os.h"
#include "store/inside.h"
#include "tests/store/library.h"

static char db_path[LIBRARY_PATH + 32];

static void make_library(int photos) {
    ps__store *store = library_open(PS__STORE_CREATE);
    for (int i = 0; i < photos; i++) {
        char path[64];
        snprintf(path, sizeof path, "/photos/%04d-with-a-rather-long-name.jpg", i);
        library_add(store, path, path);
    }
    ps__store_close(store); /* the last handle: everything is in library.db now */
    snprintf(db_path, sizeof db_path, "%s/library.db", library_dir);
}

/* Every reading call there is, so that damage anywhere is met. Returns the first status that is no success. */
static int stop_never_vector(int64_t photo, const uint16_t *halves, void *payload) {
    (void)photo, (void)halves, (void)payload;
    return 0;
}
static int stop_never_note(const ps__photo_note *note, void *payload) {
    (void)note, (void)payload;
    return 0;
}
static int stop_never_file(const ps__file *file, const char *path, void *payload) {
    (void)file, (void)path, (void)payload;
    return 0;
}
static int stop_never_change(int64_t change, int kind, int64_t photo, void *payload) {
    (void)change, (void)kind, (void)photo, (void)payload;
    return 0;
}

static int read_everything(ps__error *err) {
    ps__store *store;
    ps__store_counts counts;
    ps__photo photo;
    ps__buf paths = PS__BUF_INIT;
    int space, status = ps__store_open(&store, library_dir, PS__STORE_READ, err);
    if (status != PS__OK) return status;
    status = ps__store_count(&counts, store, err);
    if (status == PS__OK) status = ps__store_find_space(&space, store, "s", LIBRARY_DIM, err);
    if (status == PS__OK) status = ps__store_each_vector(store, space, 0, stop_never_vector, NULL, err);
    if (status == PS__OK) status = ps__store_each_note(store, 0, stop_never_note, NULL, err);
    if (status == PS__OK) status = ps__store_each_file(store, "/", stop_never_file, NULL, err);
    if (status == PS__OK) status = ps__store_each_change(store, space, 0, stop_never_change, NULL, err);
    for (int64_t id = 1; id <= 40 && status == PS__OK; id++) {
        status = ps__store_photo(&photo, store, id, err);
        if (status == PS__OK) status = ps__store_paths(&paths, NULL, store, id, err);
        ps__buf_clear(&paths);
    }
    if (status == PS__OK) status = ps__store_check(store, err);
    ps__buf_free(&paths);
    ps__store_close(store);
    return status;
}

/* All of the file, without the syncs of ps__write_file: this is done hundreds of times. */
static void replace(const void *bytes, size_t size) {
    int fd = open(db_path, O_WRONLY | O_TRUNC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, bytes, size), (ssize_t)size);
    close(fd);
}

static void overwrite(off_t at, const void *bytes, size_t size) {
    int fd = open(db_path, O_WRONLY);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pwrite(fd, bytes, size, at), (ssize_t)size);
    close(fd);
}

START_TEST(a_file_of_random_bytes_is_called_damaged) {
    char noise[20000];
    ps__error err = {0};
    make_library(1);
    for (size_t i = 0; i < sizeof noise; i++) noise[i] = (char)(i * 2654435761u >> 13);
    replace(noise, sizeof noise);
    ck_assert_int_eq(read_everything(&err), PS__CORRUPT);
    ck_assert_msg(library_says(err.text, db_path) && library_says(err.text, "damaged"), "%s", err.text);
    ck_assert_ptr_null(strchr(err.text, '\n'));
}
END_TEST

START_TEST(what_the_sentence_says_helps) {
    char noise[20000], log[LIBRARY_PATH + 64], aside[LIBRARY_PATH + 64];
    ps__error err = {0};
    make_library(1);
    memset(noise, 'n', sizeof noise);
    replace(noise, sizeof noise);
    ck_assert_int_eq(read_everything(&err), PS__CORRUPT);
    ck_assert_msg(library_says(err.text, "move the file away and index again"), "%s", err.text);
    snprintf(aside, sizeof aside, "%s.aside", db_path);
    snprintf(log, sizeof log, "%s-wal", db_path);
    ck_assert_int_eq(rename(db_path, aside), 0);
    /* A log that is left of the old one must not get into the new one. */
    ck_assert_int_eq(ps__write_file(log, noise, sizeof noise, &err), PS__OK);
    make_library(40);
    ck_assert_msg(read_everything(&err) == PS__OK, "%s", err.text);
}
END_TEST

START_TEST(a_library_cut_short_anywhere_is_called_damaged) {
    struct stat st;
    ps__error err;
    uint8_t *bytes;
    size_t size;
    make_library(40);
    ck_assert_int_eq(ps__read_file(&bytes, &size, &st, db_path, 1 << 26, &err), PS__OK);
    for (size_t keep = 1; keep <= size - 4096; keep += size / 37 + 1) { /* SQLite takes a part of the last page for a whole one */
        replace(bytes, keep);
        int status = read_everything(&err);
        ck_assert_msg(status == PS__CORRUPT, "%zu of %zu bytes: %d %s", keep, size, status, err.text);
    }
    ps__free(bytes);
}
END_TEST

START_TEST(an_empty_file_is_no_library_yet) {
    ps__error err;
    make_library(0);
    ck_assert_int_eq(truncate(db_path, 0), 0);
    ck_assert_int_eq(read_everything(&err), PS__NOTFOUND);
    ps__store_close(library_open(PS__STORE_CREATE));
}
END_TEST

START_TEST(flipped_pages_never_crash_and_are_told_by_the_check) {
    struct stat st;
    ps__error err;
    uint8_t *bytes, page[4096];
    size_t size;
    int damaged = 0, rounds = 0;
    make_library(40);
    ck_assert_int_eq(ps__read_file(&bytes, &size, &st, db_path, 1 << 26, &err), PS__OK);
    ck_assert_uint_eq(size % sizeof page, 0);
    for (size_t at = sizeof page; at < size; at += sizeof page, rounds++) {
        for (size_t i = 0; i < sizeof page; i++) page[i] = (uint8_t)(bytes[at + i] ^ (0x5a + i));
        replace(bytes, size);
        overwrite((off_t)at, page, sizeof page);
        int status = read_everything(&err);
        if (status == PS__OK) continue; /* a free page holds nothing that could be missed */
        ck_assert_msg(status == PS__CORRUPT, "page %zu: %d %s", at / sizeof page, status, err.text);
        damaged++;
    }
    ck_assert_int_gt(rounds, 10);
    ck_assert_int_ge(damaged, rounds - 2);
    ps__free(bytes);
}
END_TEST

START_TEST(single_flipped_bytes_never_crash) {
    struct stat st;
    ps__error err;
    uint8_t *bytes;
    size_t size;
    make_library(40);
    ck_assert_int_eq(ps__read_file(&bytes, &size, &st, db_path, 1 << 26, &err), PS__OK);
    for (size_t at = 0; at<size; at += at> 200 ? 97 + at % 199 : 1) {
        uint8_t flipped = (uint8_t)(bytes[at] ^ (1u << at % 8 | 0x40));
        overwrite((off_t)at, &flipped, 1);
        int status = read_everything(&err); /* any status will do: text that changed is still text */
        if (status != PS__OK) ck_assert_msg(err.text[0], "no sentence at %zu", at);
        overwrite((off_t)at, &bytes[at], 1);
    }
    ck_assert_msg(read_everything(&err) == PS__OK, "%s", err.text);
    ps__free(bytes);
}
END_TEST

START_TEST(rows_that_make_no_sense_are_called_damaged) {
    static const char *const harm[] = {"UPDATE vectors SET halves = x'00' WHERE key & 1",
                                       "UPDATE files SET path = 'relative' WHERE id = 2",
                                       "UPDATE files SET path = CAST(x'2f6100' || path AS BLOB) WHERE id = 2",
                                       "DELETE FROM meta WHERE key = 'identity'",
                                       "UPDATE files SET id = -id",
                                       "UPDATE spaces SET dim = 9",
                                       "UPDATE spaces SET vectors = -9223372036854775807",
                                       "UPDATE changes SET kind = 17",
                                       "UPDATE meta SET value = -9223372036854775807 WHERE key = 'changes_floor'",
                                       "UPDATE sqlite_sequence SET seq = -2 WHERE name = 'changes'",
                                       "UPDATE meta SET value = 'x' WHERE key = 'identity'"};
    for (size_t i = 0; i < sizeof harm / sizeof *harm; i++) {
        ps__error err = {0};
        library_remove_tree(library_dir);
        make_library(3);
        ps__store *store = library_open(PS__STORE_WRITE);
        ck_assert_msg(ps__sql_exec(store, harm[i], &err) == PS__OK, "%s: %s", harm[i], err.text);
        ps__store_close(store);
        int status = read_everything(&err);
        ck_assert_msg(status == PS__CORRUPT || status == PS__MODEL, "%s: %d %s", harm[i], status, err.text);
    }
}
END_TEST

static int count_file(const ps__file *file, const char *path, void *payload) {
    (void)file, (void)path;
    ++*(int *)payload;
    return 0;
}

START_TEST(a_file_in_the_place_of_the_root_is_seen_once) {
    ps__error err;
    int seen = 0;
    ps__store *store = library_open(PS__STORE_CREATE);
    library_add(store, "/", "a row that no scan makes");
    library_add(store, "/a.jpg", "a photo");
    ck_assert_int_eq(ps__store_each_file(store, "/", count_file, &seen, &err), PS__OK);
    ck_assert_int_eq(seen, 2);
    ps__store_close(store);
}
END_TEST

START_TEST(a_library_of_a_newer_version_is_refused_and_left_alone) {
    ps__error err;
    ps__store *store;
    make_library(1);
    store = library_open(PS__STORE_WRITE);
    ck_assert_int_eq(ps__sql_exec(store, "PRAGMA user_version = 4711", &err), PS__OK);
    ps__store_close(store);
    for (unsigned flags = 0; flags <= PS__STORE_CREATE; flags++) {
        if (flags == 2) continue;
        ck_assert_int_eq(ps__store_open(&store, library_dir, flags, &err), PS__NEWER);
        ck_assert_ptr_null(store);
        ck_assert_msg(library_says(err.text, "newer") && library_says(err.text, "4711"), "%s", err.text);
    }
}
END_TEST

START_TEST(a_database_of_another_program_is_refused_and_left_alone) {
    ps__error err;
    ps__store *store;
    sqlite3 *db;
    struct stat before, after;
    make_library(0);
    unlink(db_path);
    ck_assert_int_eq(sqlite3_open(db_path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, "CREATE TABLE theirs(x)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    ck_assert_int_eq(stat(db_path, &before), 0);
    ck_assert_int_eq(ps__store_open(&store, library_dir, PS__STORE_CREATE, &err), PS__FORMAT);
    ck_assert_int_eq(stat(db_path, &after), 0);
    ck_assert_int_eq(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
    ck_assert_int_eq(before.st_size, after.st_size);
}
END_TEST

START_TEST(a_folder_in_the_place_of_the_database_is_refused) {
    ps__error err;
    ps__store *store;
    make_library(0);
    unlink(db_path);
    ck_assert_int_eq(mkdir(db_path, 0700), 0);
    ck_assert_int_eq(ps__store_open(&store, library_dir, PS__STORE_CREATE, &err), PS__FORMAT);
    ck_assert_int_eq(rmdir(db_path), 0);
    ck_assert_int_eq(mkfifo(db_path, 0600), 0);
    ck_assert_int_eq(ps__store_open(&store, library_dir, PS__STORE_READ, &err), PS__FORMAT);
}
END_TEST

/* What a process leaves behind that died in the middle of making the library, before it was in WAL mode. */
static void leave_hot_journal(void) {
    sqlite3 *db;
    if (sqlite3_open(db_path, &db) != SQLITE_OK) _exit(1);
    int rc = sqlite3_exec(db,
                          "PRAGMA journal_mode = DELETE; PRAGMA cache_size = 2; PRAGMA synchronous = FULL; CREATE TABLE half(x);"
                          "BEGIN; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)"
                          " INSERT INTO half SELECT randomblob(500) FROM n; DROP TABLE half",
                          NULL, NULL, NULL);
    _exit(rc == SQLITE_OK ? 0 : 1);
}

START_TEST(a_making_that_was_cut_off_is_rolled_back_by_the_next_one) {
    ps__error err;
    ps__store *store;
    char journal[LIBRARY_PATH + 64];
    int status;
    make_library(0);
    unlink(db_path);
    pid_t child = fork();
    if (child == 0) leave_hot_journal();
    waitpid(child, &status, 0);
    ck_assert_int_eq(status, 0);
    snprintf(journal, sizeof journal, "%s-journal", db_path);
    ck_assert_int_eq(access(journal, F_OK), 0);
    /* After the roll-back it is a database with somebody's table in it: the sentence is about that, not about rights. */
    ck_assert_int_eq(ps__store_open(&store, library_dir, PS__STORE_READ, &err), PS__FORMAT);
    ck_assert_int_ne(access(journal, F_OK), 0);
}
END_TEST

START_TEST(migrations_run_in_order_once_and_wholly_or_not_at_all) {
    ps__error err;
    int64_t value;
    int version;
    make_library(2);
    ps__store *store = library_open(PS__STORE_WRITE);
    enum { NOW = 4 }; /* steps a library of today has behind it */
    ps__migration steps[NOW + 3] = {ps__store_migrations[0],
                                    ps__store_migrations[1],
                                    ps__store_migrations[2],
                                    ps__store_migrations[3],
                                    {"CREATE TABLE extra(x); INSERT INTO extra VALUES(2)"},
                                    {"UPDATE extra SET x = x * 10"},
                                    {"UPDATE extra SET x = 99; INSERT INTO nowhere VALUES(1)"}};
    ck_assert_int_eq(ps__store_version, NOW);
    ck_assert_int_eq(ps__migrate(store, steps, NOW + 2, &err), PS__OK);
    ck_assert_int_eq(ps__migrate(store, steps, NOW + 2, &err), PS__OK);
    ck_assert_int_eq(ps__sql_int(&value, store, &err, "SELECT x FROM extra", ""), PS__OK);
    ck_assert_int_eq(value, 20);
    ck_assert_int_ne(ps__migrate(store, steps, NOW + 3, &err), PS__OK);
    ck_assert_int_eq(ps__store_read_version(&version, store, &err), PS__OK);
    ck_assert_int_eq(version, NOW + 2);
    ck_assert_int_eq(ps__sql_int(&value, store, &err, "SELECT x FROM extra", ""), PS__OK);
    ck_assert_int_eq(value, 20);
    ck_assert_int_eq(ps__sql_int(&value, store, &err, "SELECT count(*) FROM photos", ""), PS__OK);
    ck_assert_int_eq(value, 2);
    ck_assert_int_eq(ps__migrate(store, steps, NOW + 1, &err), PS__NEWER);
    ps__store_close(store);
}
END_TEST

/* ---- The writer lock -------------------------------------------------------------------------------------------------------- */

/* A child that takes the lock, says so, and sleeps until it is killed. */
static pid_t start_holder(void) {
    int ready[2];
    char byte;
    ck_assert_int_eq(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        ps__store *store;
        ps__error err;
        if (ps__store_open(&store, library_dir, PS__STORE_WRITE, &err) != PS__OK || ps__store_lock(store, &err) != PS__OK)
            _exit(1);
        if (write(ready[1], "x", 1) != 1) _exit(1);
        for (;;) pause();
    }
    close(ready[1]);
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return pid;
}

START_TEST(a_second_process_is_told_who_holds_the_lock) {
    ps__error err;
    char pid_text[32];
    make_library(1);
    pid_t holder = start_holder();
    ps__store *store = library_open(PS__STORE_WRITE);
    ck_assert_int_eq(ps__store_lock(store, &err), PS__BUSY);
    snprintf(pid_text, sizeof pid_text, "process %ld", (long)holder);
    ck_assert_msg(library_says(err.text, pid_text), "%s", err.text);
    /* Reading and short writes go on. */
    ck_assert_int_eq(ps__store_forget(NULL, store, "/photos", &err), PS__OK);
    kill(holder, SIGKILL);
    waitpid(holder, NULL, 0);
    ck_assert_msg(ps__store_lock(store, &err) == PS__OK, "%s", err.text);
    ck_assert_int_eq(ps__store_lock(store, &err), PS__OK); /* held already */
    ps__store_close(store);
}
END_TEST

START_TEST(two_handles_of_one_process_exclude_each_other) {
    ps__error err;
    make_library(0);
    ps__store *a = library_open(PS__STORE_WRITE), *b = library_open(PS__STORE_WRITE);
    ck_assert_int_eq(ps__store_lock(a, &err), PS__OK);
    ck_assert_int_eq(ps__store_lock(b, &err), PS__BUSY);
    ps__store_unlock(a);
    ck_assert_int_eq(ps__store_lock(b, &err), PS__OK);
    ps__store_close(b);
    ck_assert_int_eq(ps__store_lock(a, &err), PS__OK);
    ps__store_close(a);
}
END_TEST

Suite *suite_damage_library(void);
Suite *suite_damage_library(void) {
    Suite *suite = suite_create("damage_library");
    TCase *damage = tcase_create("damage"), *lock = tcase_create("lock");
    tcase_add_checked_fixture(damage, library_setup, library_teardown);
    tcase_set_timeout(damage, 300);
    tcase_add_test(damage, a_file_of_random_bytes_is_called_damaged);
    tcase_add_test(damage, what_the_sentence_says_helps);
    tcase_add_test(damage, a_library_cut_short_anywhere_is_called_damaged);
    tcase_add_test(damage, an_empty_file_is_no_library_yet);
    tcase_add_test(damage, flipped_pages_never_crash_and_are_told_by_the_check);
    tcase_add_test(damage, single_flipped_bytes_never_crash);
    tcase_add_test(damage, rows_that_make_no_sense_are_called_damaged);
    tcase_add_test(damage, a_file_in_the_place_of_the_root_is_seen_once);
    tcase_add_test(damage, a_library_of_a_newer_version_is_refused_and_left_alone);
    tcase_add_test(damage, a_database_of_another_program_is_refused_and_left_alone);
    tcase_add_test(damage, a_folder_in_the_place_of_the_database_is_refused);
    tcase_add_test(damage, a_making_that_was_cut_off_is_rolled_back_by_the_next_one);
    tcase_add_test(damage, migrations_run_in_order_once_and_wholly_or_not_at_all);
    suite_add_tcase(suite, damage);
    tcase_add_checked_fixture(lock, library_setup, library_teardown);
    tcase_set_timeout(lock, 60);
    tcase_add_test(lock, a_second_process_is_told_who_holds_the_lock);
    tcase_add_test(lock, two_handles_of_one_process_exclude_each_other);
    suite_add_tcase(suite, lock);
    return suite;
}
