/*
** SQLite's log beside the library: readers never hold up the writer, a long reader lets the log grow only while it reads, and readers
** that are always there do not keep it growing for ever.
*/
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "store/inside.h"
#include "tests/store/faulty_vfs.h"
#include "tests/store/library.h"

#define MB (1024 * 1024)

static void setup(void) {
    library_setup();
    faulty_vfs_install();
    faulty_vfs_fail_after(-1, 0);
    faulty_vfs_fail_one(-1);
    faulty_vfs_skip_syncs();
}

static long long log_bytes(void) {
    char path[LIBRARY_PATH + 32];
    struct stat st;
    snprintf(path, sizeof path, "%s/library.db-wal", library_dir);
    return stat(path, &st) == 0 ? (long long)st.st_size : 0;
}

/* One commit of `kib` KiB, at most 256. Any waiting for a reader is an error: see writer_without_waiting. */
static void commit_kib(ps__store *store, int kib) {
    static char block[256 * 1024];
    ps__error err = {0};
    memset(block, 'x', sizeof block);
    ck_assert_msg(ps__store_write(store, &err) == PS__OK, "%s", err.text);
    int status = ps__sql_run(store, &err, "INSERT INTO filler(value) VALUES(?)", "b", (const void *)block, kib * 1024);
    ck_assert_msg(status == PS__OK, "%s", err.text);
    ck_assert_msg(ps__store_commit(store, &err) == PS__OK, "%s", err.text);
}

static ps__store *writer_without_waiting(void) {
    ps__store *store = library_open(PS__STORE_CREATE);
    ps__error err;
    sqlite3_busy_timeout(store->db, 0);
    ck_assert_int_eq(ps__sql_exec(store, "CREATE TABLE filler(key INTEGER PRIMARY KEY, value BLOB)", &err), PS__OK);
    return store;
}

static int64_t count_photos(ps__store *store) {
    ps__store_counts counts;
    ps__error err = {0};
    ck_assert_msg(ps__store_count(&counts, store, &err) == PS__OK, "%s", err.text);
    return counts.photos;
}

START_TEST(a_long_reader_holds_up_nobody_and_sees_one_state) {
    ps__error err;
    ps__store *writer = writer_without_waiting();
    library_add(writer, "/p/0.jpg", "photo 0");
    ps__store *reader = library_open(PS__STORE_READ);
    ck_assert_int_eq(ps__store_begin(reader, &err), PS__OK);
    ck_assert_int_eq(count_photos(reader), 1);
    for (int i = 1; i < 200; i++) {
        char path[32];
        snprintf(path, sizeof path, "/p/%d.jpg", i);
        library_add(writer, path, path);
        commit_kib(writer, 64); /* enough for checkpoints to be tried */
        if (i % 50 == 0) ck_assert_int_eq(count_photos(reader), 1);
    }
    ps__store_end(reader);
    ck_assert_int_eq(count_photos(reader), 200);
    ps__store_close(reader);
    ps__store_close(writer);
}
END_TEST

START_TEST(a_log_grown_under_a_long_reader_shrinks_to_the_limit) {
    ps__error err;
    ps__store *writer = writer_without_waiting();
    commit_kib(writer, 256);
    ps__store *reader = library_open(PS__STORE_READ);
    ck_assert_int_eq(ps__store_begin(reader, &err), PS__OK);
    count_photos(reader);
    while (log_bytes() < 80 * MB) commit_kib(writer, 256);
    ps__store_end(reader);
    for (int i = 0; i < 40; i++) commit_kib(writer, 256); /* a checkpoint that reaches the end, then a log begun anew */
    ck_assert_int_le(log_bytes(), 64 * MB);
    long long settled = log_bytes();
    for (int i = 0; i < 40; i++) commit_kib(writer, 256);
    ck_assert_int_le(log_bytes(), settled);
    ps__store_close(reader);
    ps__store_close(writer);
    ck_assert_int_eq(log_bytes(), 0);
}
END_TEST

/* Several readers whose views overlap, so that there is never a moment without one. */
typedef struct crowd {
    atomic_int stop, failed, views;
} crowd;

static void *read_always(void *payload) {
    crowd *c = payload;
    ps__store *store;
    ps__error err;
    if (ps__store_open(&store, library_dir, PS__STORE_READ, &err) != PS__OK) {
        atomic_store(&c->failed, 1);
        return NULL;
    }
    while (!atomic_load(&c->stop)) {
        ps__store_counts counts;
        if (ps__store_begin(store, &err) != PS__OK || ps__store_count(&counts, store, &err) != PS__OK) atomic_store(&c->failed, 1);
        sqlite3_sleep(3);
        ps__store_end(store);
        atomic_fetch_add(&c->views, 1);
    }
    ps__store_close(store);
    return NULL;
}

START_TEST(readers_that_are_always_there_do_not_let_the_log_grow_for_ever) {
    enum { READERS = 4 };
    crowd c = {0};
    pthread_t threads[READERS];
    long long most = 0;
    ps__store *writer = writer_without_waiting();
    commit_kib(writer, 64);
    for (int i = 0; i < READERS; i++) ck_assert_int_eq(pthread_create(&threads[i], NULL, read_always, &c), 0);
    for (int i = 0; i < 800; i++) {
        commit_kib(writer, 256);
        if (log_bytes() > most) most = log_bytes();
    }
    atomic_store(&c.stop, 1);
    for (int i = 0; i < READERS; i++) pthread_join(threads[i], NULL);
    ck_assert_int_eq(atomic_load(&c.failed), 0);
    ck_assert_int_gt(atomic_load(&c.views), READERS);
    ck_assert_msg(most <= 80 * MB, "the log grew to %lld MB, for 200 MB of writes", most / MB);
    if (getenv("WAL_TELL")) fprintf(stderr, "most %lld MB views %d\n", most / MB, atomic_load(&c.views));
    ps__store_close(writer);
}
END_TEST

Suite *suite_wal(void);
Suite *suite_wal(void) {
    Suite *suite = suite_create("wal");
    TCase *tc = tcase_create("wal");
    tcase_add_checked_fixture(tc, setup, library_teardown);
    tcase_set_timeout(tc, 200);
    tcase_add_test(tc, a_long_reader_holds_up_nobody_and_sees_one_state);
    tcase_add_test(tc, a_log_grown_under_a_long_reader_shrinks_to_the_limit);
    tcase_add_test(tc, readers_that_are_always_there_do_not_let_the_log_grow_for_ever);
    suite_add_tcase(suite, tc);
    return suite;
}
