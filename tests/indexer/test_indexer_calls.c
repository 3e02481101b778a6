/*
** A small life of a library - two folders indexed, files renamed and removed, indexed again, asked for its state, searched - in which
** every system call, every call of SQLite's into the system and every allocation fails once, one by one. Each time the failure is
** told or overcome, nothing crashes, no descriptor leaks (memory is ASan's to watch), and the next run makes a right library.
*/
#include <check.h>
#include <dirent.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/os.h"
#include "search/index.h"
#include "tests/base/failing_calls.h"
#include "tests/indexer/gallery.h"
#include "tests/store/faulty_vfs.h"
#include "tests/store/inspect.h"

/* Under sanitizers each life takes longer and only some failures are tried; FAIL_EVERY=1 tries all of them everywhere. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STEP 7
#else
#define STEP 1
#endif

static long step_of(long otherwise) {
    const char *text = getenv("FAIL_EVERY");
    return text && atol(text) > 0 ? atol(text) : otherwise;
}

static int no_fsync(int fd) { return fd >= 0 ? 0 : -1; }

static void setup(void) {
    gallery_setup();
    ps__os.fsync = no_fsync;
    faulty_vfs_install();
    faulty_vfs_skip_syncs();
    faulty_vfs_fail_after(-1, 0);
    faulty_vfs_fail_one(-1);
}

/* ---- The life ---------------------------------------------------------------------------------------------------------------- */

enum { LIFE_PHOTOS = 5, LIFE_FILES = 7 }; /* at its end: a twin, and a file that does not decode */

static void begin_life(void) {
    library_remove_tree(library_dir);
    library_remove_tree(gallery_dir);
    gallery_write("a/1.jpg", "first photo");
    gallery_write("a/2.jpg", "second photo");
    gallery_write("a/3.jpg", "third photo");
    gallery_write("b/4.jpg", "fourth photo");
    gallery_write("b/5.jpg", "fifth photo");
    gallery_write("b/6.jpg", "sixth photo");
    gallery_write("b/twin.jpg", "third photo");
    gallery_write("b/bad.jpg", "BAD photo");
}

/* An error is one sentence, and never that the library is damaged: it is not. */
static int clean(int status, const ps__error *err, const char *what, const char *failed) {
    if (status == PS__OK) return 1;
    ck_assert_msg(err->code == status && err->text[0] && !strchr(err->text, '\n'), "%s, %s failed: status %d, \"%s\"", what, failed,
                  status, err->text);
    ck_assert_msg(status != PS__CORRUPT && status != PS__FORMAT && status != PS__NEWER, "%s, %s failed: %d %s", what, failed, status,
                  err->text);
    return 0;
}

static int run(ps__error *err) {
    ps__indexer_options o = gallery_options();
    o.threads = 1;
    return gallery_run_with(&o, err);
}

static int ask_state(ps__error *err) {
    ps__store *store;
    ps__store_counts counts;
    int status = ps__store_open(&store, library_dir, PS__STORE_READ, err);
    if (status != PS__OK) return status;
    status = ps__store_count(&counts, store, err);
    ps__store_close(store);
    return status;
}

static int search(size_t *count, ps__error *err) {
    static const float query[LIBRARY_DIM] = {1};
    ps__candidate hits[LIFE_FILES];
    ps__index *index = NULL;
    ps__store *store;
    int space, status = ps__store_open(&store, library_dir, PS__STORE_READ, err);
    *count = 0;
    if (status != PS__OK) return status;
    status = ps__store_find_space(&space, store, "fake", LIBRARY_DIM, err);
    if (status == PS__OK) status = ps__index_new(&index, store, "fake", space, LIBRARY_DIM, NULL, err);
    if (status == PS__OK) status = ps__index_search(hits, count, index, store, query, LIFE_FILES, err);
    if (status == PS__OK) status = ps__index_flush(index, store, err);
    ps__index_free(index);
    ps__store_close(store);
    return status;
}

/* 1 when nothing in it returned an error. `failed` tells what had failed so far. */
static int live(const char *(*failed)(void)) {
    ps__error err = {0};
    size_t hits;
    int well = clean(run(&err), &err, "first run", failed());
    gallery_move("a/1.jpg", "b/moved.jpg");
    gallery_remove("a/2.jpg");
    well &= clean(run(&err), &err, "second run", failed());
    well &= clean(ask_state(&err), &err, "state", failed());
    well &= clean(search(&hits, &err), &err, "search", failed());
    return well;
}

static void expect_right_library(const char *failed) {
    ps__error err = {0};
    size_t hits;
    int status = run(&err);
    ck_assert_msg(status == PS__OK, "after %s failed: %d %s", failed, status, err.text);
    inspect_sound(library_dir);
    gallery_check_library();
    ps__store_counts c = gallery_counts();
    ck_assert_msg(c.photos == LIFE_PHOTOS && c.files == LIFE_FILES && c.vectors == LIFE_PHOTOS && c.failed + c.quarantined == 1 &&
                      c.pending == 0,
                  "after %s failed: %lld photos, %lld files, %lld vectors, %lld failed, %lld pending\n%s", failed,
                  (long long)c.photos, (long long)c.files, (long long)c.vectors, (long long)(c.failed + c.quarantined),
                  (long long)c.pending, gallery_log);
    status = search(&hits, &err);
    ck_assert_msg(status == PS__OK && hits == LIFE_PHOTOS, "after %s failed: %zu found, %d %s", failed, hits, status, err.text);
    ck_assert_msg(gallery_twins("b/twin.jpg") == 2, "after %s failed: the twin is lost", failed);
}

static int descriptors(void) {
    int count = 0;
    DIR *dir = opendir("/proc/self/fd");
    ck_assert_ptr_nonnull(dir);
    while (readdir(dir)) count++;
    closedir(dir);
    return count;
}

/* ---- What fails ---------------------------------------------------------------------------------------------------------------- */

static long nth;
static char failed_words[600];

static const char *failed_call(void) {
    const char *words = failing_calls_failed();
    snprintf(failed_words, sizeof failed_words, "call %ld, %s,", nth, words ? words : "none");
    return failed_words;
}

static const char *failed_vfs(void) {
    const char *words = faulty_vfs_failed();
    snprintf(failed_words, sizeof failed_words, "SQLite's call %ld, %s,", nth, words ? words : "none");
    return failed_words;
}

static const char *failed_allocation(void) {
    snprintf(failed_words, sizeof failed_words, "allocation %ld", nth);
    return failed_words;
}

static void check_life(const char *(*failed)(void), int open_before) {
    char words[600];
    snprintf(words, sizeof words, "%s", failed());
    ck_assert_msg(descriptors() == open_before, "%s failed: %d descriptors were left open", words, descriptors() - open_before);
    expect_right_library(words);
}

START_TEST(every_system_call_may_fail) {
    int reached = 1, errors = 0;
    long lives = 0;
    begin_life();
    live(failed_call); /* whatever is made once a process, is made */
    int open_before = descriptors();
    failing_calls_install();
    for (nth = _i % step_of(STEP); reached; nth += step_of(STEP)) {
        begin_life();
        failing_calls_arm(nth, _i);
        errors += !live(failed_call);
        reached = failing_calls_failed() != NULL;
        failing_calls_arm(-1, 0);
        check_life(failed_call, open_before);
        lives++;
    }
    failing_calls_remove();
    ck_assert_int_ge(lives, 100 / step_of(STEP));
    ck_assert_int_gt(errors, 5);
}
END_TEST

START_TEST(every_call_of_sqlite_may_fail) {
    int reached = 1, errors = 0;
    long lives = 0;
    begin_life();
    live(failed_vfs);
    int open_before = descriptors();
    for (nth = 0; reached; nth += step_of(STEP * 2)) {
        begin_life();
        faulty_vfs_fail_one(nth);
        errors += !live(failed_vfs);
        reached = faulty_vfs_failed() != NULL;
        faulty_vfs_fail_one(-1);
        check_life(failed_vfs, open_before);
        lives++;
    }
    ck_assert_int_ge(lives, 100 / step_of(STEP));
    ck_assert_int_gt(errors, 5);
}
END_TEST

START_TEST(every_allocation_may_fail) {
    int reached = 1, errors = 0;
    long lives = 0;
    begin_life();
    live(failed_allocation);
    int open_before = descriptors();
    for (nth = 0; reached; nth += step_of(STEP)) {
        begin_life();
        ps__alloc_fail_after(nth, 0);
        errors += !live(failed_allocation);
        reached = ps__alloc_fail_left() < 0;
        ps__alloc_fail_after(-1, 0);
        check_life(failed_allocation, open_before);
        lives++;
    }
    ck_assert_int_ge(lives, 100 / step_of(STEP));
    ck_assert_int_gt(errors, 5);
}
END_TEST

/* ---- SQLite's allocations ------------------------------------------------------------------------------------------------------ */

static sqlite3_mem_methods real_memory;
static atomic_long memory_calls, memory_failing = -1;

static int memory_fails(void) { return atomic_fetch_add(&memory_calls, 1) == atomic_load(&memory_failing); }
static void *failing_malloc(int size) { return memory_fails() ? NULL : real_memory.xMalloc(size); }
static void *failing_realloc(void *p, int size) { return memory_fails() ? NULL : real_memory.xRealloc(p, size); }

/* There are thousands: some are tried, at another distance for each call of the test; FAIL_EVERY=1 tries them all. */
START_TEST(every_allocation_of_sqlite_may_fail) {
    int reached = 1, errors = 0;
    sqlite3_mem_methods memory;
    sqlite3_shutdown();
    ck_assert_int_eq(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory), SQLITE_OK);
    memory = real_memory;
    memory.xMalloc = failing_malloc;
    memory.xRealloc = failing_realloc;
    ck_assert_int_eq(sqlite3_config(SQLITE_CONFIG_MALLOC, &memory), SQLITE_OK);
    begin_life();
    live(failed_allocation);
    int open_before = descriptors();
    for (nth = 0; reached; nth += step_of(STEP * (nth < 60 ? 1 : 23))) {
        begin_life();
        atomic_store(&memory_failing, nth);
        atomic_store(&memory_calls, 0);
        errors += !live(failed_allocation);
        reached = atomic_load(&memory_calls) > nth;
        atomic_store(&memory_failing, -1);
        check_life(failed_allocation, open_before);
    }
    ck_assert_int_gt(errors, 5);
}
END_TEST

Suite *suite_indexer_calls(void);
Suite *suite_indexer_calls(void) {
    Suite *suite = suite_create("indexer_calls");
    TCase *tc = tcase_create("calls");
    tcase_add_checked_fixture(tc, setup, gallery_teardown);
    tcase_set_timeout(tc, 600);
    tcase_add_loop_test(tc, every_system_call_may_fail, 0, FAILING_CALLS_ERRORS);
    tcase_add_test(tc, every_call_of_sqlite_may_fail);
    tcase_add_test(tc, every_allocation_may_fail);
    tcase_add_test(tc, every_allocation_of_sqlite_may_fail);
    suite_add_tcase(suite, tc);
    return suite;
}
