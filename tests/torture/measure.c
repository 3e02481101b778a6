/*
** Two figures of durability, measured after the kills: how fast photos are committed, and how long it takes to open a library of
** TORTURE_PHOTOS (100,000) photos beside which a dead writer left a log of 64 MB.
*/
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/os.h"
#include "store/inside.h"
#include "tests/indexer/gallery.h"
#include "tests/store/inspect.h"
#include "tests/torture/torture.h"

#define MB (1024 * 1024)

static void commit_photos(ps__store *store, int space, int from, int to) {
    ps__error err = {0};
    uint16_t halves[LIBRARY_DIM] = {0};
    ck_assert_msg(ps__store_write(store, &err) == PS__OK, "%s", err.text);
    for (int i = from; i < to; i++) {
        char path[64];
        ps__photo photo = {.bytes = i, .width = 4000, .height = 3000, .format = "jpeg"};
        ps__file_done done = {.stat = {.size = i, .mtime_ns = i, .inode = i}, .photo = &photo, .halves = halves};
        snprintf(path, sizeof path, "/photos/%03d/IMG_%07d.jpg", i / 1000, i);
        ps__store_hash(photo.hash, &i, sizeof i);
        ck_assert_int_eq(ps__store_file_add(&done.file, store, path, &done.stat, 0, &err), PS__OK);
        ck_assert_msg(ps__store_file_done(store, space, "fake-1", LIBRARY_DIM, &done, &err) == PS__OK, "%s", err.text);
    }
    ck_assert_msg(ps__store_commit(store, &err) == PS__OK, "%s", err.text);
}

static long long log_bytes(void) {
    char path[LIBRARY_PATH + 32];
    struct stat st;
    snprintf(path, sizeof path, "%s/library.db-wal", library_dir);
    return stat(path, &st) == 0 ? (long long)st.st_size : 0;
}

/* In a child: a reader keeps the log from being copied back while photos are committed; then both die. */
static void leave_a_log(int photos) {
    ps__error err = {0};
    int space, next = photos;
    ps__store *writer = library_open(PS__STORE_WRITE), *reader = library_open(PS__STORE_READ);
    ps__store_counts counts;
    ck_assert_int_eq(ps__store_use_model(&space, writer, "fake-1", "fake", LIBRARY_DIM, &err), PS__OK);
    ck_assert_int_eq(ps__store_begin(reader, &err), PS__OK);
    ck_assert_int_eq(ps__store_count(&counts, reader, &err), PS__OK);
    for (; log_bytes() < 64 * MB; next += 1000) commit_photos(writer, space, next, next + 1000);
    kill(getpid(), SIGKILL);
}

void torture_measure(int photos) {
    ps__error err = {0};
    int space, status;
    gallery_setup();
    gallery_write_many("many", 2000);
    gallery_run();
    printf("torture: 2000 photos without encoding: %.2f s\n", gallery_result.seconds);
    library_remove_tree(library_dir);
    ps__store *store = library_open(PS__STORE_CREATE);
    ck_assert_int_eq(ps__store_use_model(&space, store, "fake-1", "fake", LIBRARY_DIM, &err), PS__OK);
    for (int i = 0; i < photos; i += 1000) commit_photos(store, space, i, i + 1000);
    ps__store_close(store);
    pid_t child = fork();
    if (child == 0) {
        leave_a_log(photos);
        _exit(1);
    }
    waitpid(child, &status, 0);
    ck_assert(WIFSIGNALED(status));
    long long bytes = log_bytes();
    ck_assert_int_ge(bytes, 64 * MB);
    double ms = inspect_reopen_ms(library_dir);
    printf("torture: a library of %d photos with a log of %lld MB was opened, counted and closed in %.0f ms\n", photos, bytes / MB, ms);
    if (ms > torture_sum.reopen_most_ms) torture_sum.reopen_most_ms = ms;
    store = library_open(PS__STORE_READ);
    ck_assert_msg(ps__store_check(store, &err) == PS__OK, "%s", err.text);
    ps__store_close(store);
    gallery_teardown();
}
