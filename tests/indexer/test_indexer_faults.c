/*
** The indexer when the world goes wrong around it: killed, out of disk, out of memory, not alone.
*/
#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/os.h"
#include "tests/indexer/gallery.h"
#include "tests/store/faulty_vfs.h"

static void write_many(int count) {
    for (int i = 0; i < count; i++) {
        char name[64], content[64];
        snprintf(name, sizeof name, "%d/%04d.jpg", i % 7, i);
        snprintf(content, sizeof content, "photo number %d", i);
        gallery_write(name, content);
    }
}

static void sleep_ms(int ms) { nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000L}, NULL); }

static unsigned child_flags; /* for the runs of children */

static pid_t index_in_child(void) {
    pid_t pid = fork();
    if (pid == 0) {
        ps__error err = {0};
        ps__indexer_options o = gallery_options();
        o.flags = child_flags;
        int status = gallery_run_with(&o, &err);
        _exit(status == PS__OK ? 0 : status == PS__BUSY ? 2 : 1);
    }
    ck_assert_int_gt(pid, 0);
    return pid;
}

/* ---- Killed ------------------------------------------------------------------------------------------------------------------- */

static atomic_int *shared_encodes; /* counted across processes */
static int (*inner_encode)(float *, void *, const uint8_t *, ps__error *);
static int encode_shared(float *embedding, void *session, const uint8_t *rgb, ps__error *err) {
    int status = inner_encode(embedding, session, rgb, err);
    atomic_fetch_add(shared_encodes, 1);
    return status;
}

/* Photos in the library, 0 while there is none. A library may be in the making, which is no fault. */
static int64_t committed(void) {
    ps__store *store;
    ps__store_counts counts = {0};
    ps__error err;
    int status = ps__store_open(&store, library_dir, PS__STORE_READ, &err);
    if (status == PS__NOTFOUND) return 0;
    ck_assert_msg(status == PS__OK, "%s", err.text);
    ck_assert_msg(ps__store_count(&counts, store, &err) == PS__OK, "%s", err.text);
    ps__store_close(store);
    return counts.photos;
}

START_TEST(a_kill_at_any_moment_loses_no_committed_photo) {
    enum { PHOTOS = 1500, KILLS = 40 };
    unsigned seed = 12345;
    int64_t last = 0;
    int kills = 0;
    write_many(PHOTOS);
    shared_encodes = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    inner_encode = gallery_encoder.encode;
    gallery_encoder.encode = encode_shared;
    atomic_store(&gallery_encode_ms, 2);
    for (; kills < KILLS; kills++) {
        int status;
        atomic_store(shared_encodes, 0);
        pid_t child = index_in_child();
        sleep_ms(rand_r(&seed) % (kills % 2 ? 20 : 120));
        int64_t before = committed();
        kill(child, SIGKILL);
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        if (WIFEXITED(status)) break; /* all done, there is nothing left to kill */
        int64_t after = committed();
        ck_assert_int_ge(before, last);
        ck_assert_int_ge(after, before);
        ck_assert_msg(atomic_load(shared_encodes) - (after - last) <= 64, "%d encoded, %lld committed",
                      atomic_load(shared_encodes), (long long)(after - last));
        last = after;
        if (after > 0) gallery_check_library(); /* it may have died before there was a library */
    }
    ck_assert_int_ge(kills, 30);
    atomic_store(&gallery_encode_ms, 0);
    gallery_run();
    ck_assert_int_eq(gallery_result.found, PHOTOS);
    ck_assert_int_eq(gallery_result.failed, 0);
    ck_assert_int_eq(gallery_counts().photos, PHOTOS);
    ck_assert_int_eq(gallery_counts().pending, 0);
    gallery_check_library();
}
END_TEST

START_TEST(a_kill_during_removal_leaves_whole_rows) {
    unsigned seed = 99;
    child_flags = PS__INDEX_ALLOW_REMOVAL; /* towards the end it is more than a fifth at once */
    write_many(2000);
    gallery_run();
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 150; i++) {
            char name[64];
            int n = round * 150 + i;
            snprintf(name, sizeof name, "%d/%04d.jpg", n % 7, n);
            gallery_remove(name);
        }
        pid_t child = index_in_child();
        sleep_ms(rand_r(&seed) % 60);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        gallery_check_library();
    }
    ps__error err;
    ps__indexer_options rest = gallery_options();
    rest.flags = child_flags;
    ck_assert_int_eq(gallery_run_with(&rest, &err), PS__OK);
    ck_assert_int_eq(gallery_counts().files, 500);
    ck_assert_int_eq(gallery_counts().photos, 500);
    ck_assert_int_eq(gallery_counts().vectors, 500);
}
END_TEST

static int64_t seen_at_last;
static int look_at_last(float *embedding, void *session, const uint8_t *rgb, ps__error *err) {
    if (atomic_load(&gallery_encodes) == 4) seen_at_last = committed();
    return inner_encode(embedding, session, rgb, err);
}

START_TEST(a_slow_gallery_is_committed_every_two_seconds) {
    write_many(5);
    inner_encode = gallery_encoder.encode;
    gallery_encoder.encode = look_at_last;
    atomic_store(&gallery_encode_ms, 900);
    ps__indexer_options o = gallery_options();
    o.threads = 1;
    ck_assert_int_eq(gallery_run_with(&o, NULL), PS__OK);
    ck_assert_int_gt(seen_at_last, 0); /* when the fifth began, 3.6 seconds in, the first were in the library */
}
END_TEST

/* ---- The disk ----------------------------------------------------------------------------------------------------------------- */

/* Fails all writes from the n-th on, for many n; afterwards nothing committed may be missing and the next run completes. */
static void fill_the_disk(int code, int expected) {
    write_many(90);
    faulty_vfs_install();
    faulty_vfs_fail_after(-1, 0);
    gallery_run();
    long writes = faulty_vfs_count();
    ck_assert_int_gt(writes, 50);
    for (long n = 0; n < writes; n += n < 20 ? 1 : 1 + writes / 40) {
        ps__error err = {0};
        ps__indexer_options o = gallery_options();
        library_remove_tree(library_dir);
        faulty_vfs_fail_after(n, code);
        int status = gallery_run_with(&o, &err);
        int64_t indexed = gallery_result.indexed;
        faulty_vfs_fail_after(-1, 0);
        if (status != PS__OK) {
            ck_assert_msg(status == expected, "write %ld: %d %s", n, status, err.text);
            ck_assert_msg(library_says(err.text, "library.db"), "%s", err.text);
        }
        if (indexed > 0) ck_assert_int_ge(committed(), indexed);
        gallery_run();
        ck_assert_int_eq(gallery_counts().photos, 90);
        ck_assert_int_eq(gallery_counts().pending, 0);
        gallery_check_library();
    }
}

START_TEST(a_full_disk_at_any_write_leaves_a_good_library) { fill_the_disk(SQLITE_FULL, PS__FULL); }
END_TEST

START_TEST(a_failing_disk_at_any_write_leaves_a_good_library) { fill_the_disk(SQLITE_IOERR_WRITE, PS__IO); }
END_TEST

START_TEST(a_file_size_limit_is_an_error_and_not_a_crash) {
    ps__error err = {0};
    write_many(300);
    pid_t child = fork();
    if (child == 0) {
        struct rlimit limit = {240000, 240000};
        signal(SIGXFSZ, SIG_IGN);
        if (setrlimit(RLIMIT_FSIZE, &limit) != 0) _exit(9);
        ps__indexer_options o = gallery_options();
        int status = gallery_run_with(&o, &err);
        _exit(status == PS__IO && library_says(err.text, "library.db") ? 0 : 1);
    }
    int status;
    waitpid(child, &status, 0);
    ck_assert_int_eq(status, 0);
    gallery_check_library();
    gallery_run();
    ck_assert_int_eq(gallery_counts().photos, 300);
}
END_TEST

/* ---- Memory ------------------------------------------------------------------------------------------------------------------- */

START_TEST(memory_that_runs_out_costs_nothing_but_this_run) {
    int failed = 0;
    write_many(6);
    gallery_write("twin.jpg", "photo number 3");
    for (int nth = 0; nth < 150; nth++) {
        ps__error err = {0};
        ps__indexer_options o = gallery_options();
        library_remove_tree(library_dir);
        ps__alloc_fail_after(nth, 0);
        int status = gallery_run_with(&o, &err);
        ps__alloc_fail_after(-1, 0);
        ck_assert_msg(status == PS__OK || status == PS__NOMEM, "allocation %d: %d %s", nth, status, err.text);
        failed += status != PS__OK || gallery_result.failed > 0;
        gallery_run();
        ck_assert_int_eq(gallery_counts().photos, 6);
        ck_assert_int_eq(gallery_counts().files, 7);
        gallery_check_library();
    }
    ck_assert_int_gt(failed, 20);
}
END_TEST

START_TEST(sqlite_without_memory_is_an_error_and_not_a_crash) {
    write_many(40);
    for (int64_t kib = 100; kib <= 1600; kib += kib < 400 ? 20 : 150) {
        ps__error err = {0};
        ps__indexer_options o = gallery_options();
        sqlite3_hard_heap_limit64(kib * 1024);
        int status = gallery_run_with(&o, &err);
        sqlite3_hard_heap_limit64(0);
        ck_assert_msg(status == PS__OK || status == PS__NOMEM, "%lld KiB: %d %s", (long long)kib, status, err.text);
    }
    gallery_run();
    ck_assert_int_eq(gallery_counts().photos, 40);
    gallery_check_library();
}
END_TEST

static int no_session(void **session, void *payload, ps__error *err) {
    (void)payload;
    *session = NULL;
    return ps__fail(err, PS__MODEL, "the model has no legs");
}

START_TEST(an_encoder_that_does_not_start_stops_the_run_with_its_sentence) {
    ps__error err = {0};
    write_many(200);
    ps__indexer_options o = gallery_options();
    gallery_encoder.session_new = no_session;
    ck_assert_int_eq(gallery_run_with(&o, &err), PS__MODEL);
    ck_assert_str_eq(err.text, "the model has no legs");
    ck_assert_int_eq(gallery_counts().failed, 0);
    ck_assert_int_eq(gallery_counts().pending, 200);
}
END_TEST

/* ---- Company ------------------------------------------------------------------------------------------------------------------ */

START_TEST(of_two_processes_one_indexes_and_the_other_is_told) {
    int first, second;
    write_many(300);
    atomic_store(&gallery_encode_ms, 2);
    pid_t a = index_in_child(), b = index_in_child();
    waitpid(a, &first, 0);
    waitpid(b, &second, 0);
    ck_assert(WIFEXITED(first) && WIFEXITED(second));
    ck_assert_int_eq(WEXITSTATUS(first) + WEXITSTATUS(second), 2); /* 0 and "busy" */
    ck_assert_int_eq(gallery_counts().photos, 300);
    gallery_check_library();
}
END_TEST

START_TEST(readers_read_while_another_process_indexes) {
    int status, rounds = 0;
    int64_t last = 0;
    write_many(500);
    atomic_store(&gallery_encode_ms, 2);
    pid_t child = index_in_child();
    while (waitpid(child, &status, WNOHANG) == 0) {
        int64_t now = committed();
        ck_assert_int_ge(now, last);
        last = now;
        if (now > 0) gallery_check_library();
        rounds++;
    }
    ck_assert_int_eq(status, 0);
    ck_assert_int_gt(rounds, 3);
    ck_assert_int_eq(committed(), 500);
}
END_TEST

static void *forget_often(void *payload) {
    atomic_int *stop = payload;
    char path[LIBRARY_PATH];
    ps__store *store = NULL;
    ps__error err;
    gallery_path(path, "3");
    while (!atomic_load(stop)) {
        if (!store && ps__store_open(&store, library_dir, PS__STORE_WRITE, &err) != PS__OK) store = NULL;
        int status = store ? ps__store_forget(NULL, store, path, &err) : PS__OK;
        if (status != PS__OK && status != PS__NOTFOUND) atomic_store(stop, 2);
        sleep_ms(3);
    }
    ps__store_close(store);
    return NULL;
}

START_TEST(forgetting_while_indexing_disturbs_neither) {
    atomic_int stop = 0;
    pthread_t thread;
    ps__error err = {0};
    write_many(700);
    atomic_store(&gallery_encode_ms, 1);
    ck_assert_int_eq(pthread_create(&thread, NULL, forget_often, &stop), 0);
    ps__indexer_options o = gallery_options();
    int status = gallery_run_with(&o, &err);
    int forget_failed = atomic_exchange(&stop, 1) == 2;
    pthread_join(thread, NULL);
    ck_assert_msg(status == PS__OK, "%d %s", status, err.text);
    ck_assert(!forget_failed);
    gallery_check_library();
    gallery_run();
    ck_assert_int_eq(gallery_counts().photos, 700);
    ck_assert_int_eq(gallery_counts().files, 700);
}
END_TEST

Suite *suite_indexer_faults(void);
Suite *suite_indexer_faults(void) {
    Suite *suite = suite_create("indexer_faults");
    TCase *tc = tcase_create("faults");
    tcase_add_checked_fixture(tc, gallery_setup, gallery_teardown);
    tcase_set_timeout(tc, 300);
    tcase_add_test(tc, a_kill_at_any_moment_loses_no_committed_photo);
    tcase_add_test(tc, a_kill_during_removal_leaves_whole_rows);
    tcase_add_test(tc, a_slow_gallery_is_committed_every_two_seconds);
    tcase_add_test(tc, a_full_disk_at_any_write_leaves_a_good_library);
    tcase_add_test(tc, a_failing_disk_at_any_write_leaves_a_good_library);
    tcase_add_test(tc, a_file_size_limit_is_an_error_and_not_a_crash);
    tcase_add_test(tc, memory_that_runs_out_costs_nothing_but_this_run);
    tcase_add_test(tc, sqlite_without_memory_is_an_error_and_not_a_crash);
    tcase_add_test(tc, an_encoder_that_does_not_start_stops_the_run_with_its_sentence);
    tcase_add_test(tc, of_two_processes_one_indexes_and_the_other_is_told);
    tcase_add_test(tc, readers_read_while_another_process_indexes);
    tcase_add_test(tc, forgetting_while_indexing_disturbs_neither);
    suite_add_tcase(suite, tc);
    return suite;
}
