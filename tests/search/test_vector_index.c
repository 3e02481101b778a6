/*
** The vector index: it follows the library, and whatever happens to its files costs time and never an answer.
*/
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/os.h"
#include "search/cache.h"
#include "tests/search/vectors.h"

Suite *suite_vector_index(void);

static ps__store *store;
static ps__index *my_index;

static void teardown(void) {
    ps__index_free(my_index);
    ps__store_close(store);
    library_teardown();
}

/* A fresh look at the library, as another process would have. */
static void reopen(void) {
    ps__index_free(my_index);
    ps__store_close(store);
    store = library_open(PS__STORE_READ);
    my_index = vectors_index(store);
}

static int state(void) {
    int s;
    ck_assert_int_eq(ps__index_state(&s, store, VECTORS_SPACE, VECTORS_DIM, NULL), PS__OK);
    return s;
}

static void flush(void) {
    ps__error err = {0};
    ck_assert_msg(ps__index_flush(my_index, store, &err) == PS__OK, "%s", err.text);
}

START_TEST(an_empty_library_finds_nothing) {
    float x[VECTORS_DIM];
    ps__candidate found[3];
    size_t count = 9;
    vectors_add(0, 0);
    reopen();
    vectors_make(x, NULL, 1);
    ck_assert_int_eq(ps__index_search(found, &count, my_index, store, x, 3, NULL), PS__OK);
    ck_assert_uint_eq(count, 0);
}
END_TEST

START_TEST(the_first_search_builds_and_writes_the_cache) {
    vectors_add(0, 200);
    reopen();
    ck_assert_int_eq(state(), PS__INDEX_MISSING);
    vectors_expect_found(my_index, store, 0, 200);
    ps__index_settle(my_index);
    ck_assert_int_eq(state(), PS__INDEX_READY);
    ck_assert_int_eq(vectors_files(NULL, ".faiss"), 2);
    reopen();
    vectors_expect_found(my_index, store, 0, 200);
}
END_TEST

START_TEST(a_library_of_one_photo_is_searched) {
    vectors_add(7, 8);
    reopen();
    vectors_expect_found(my_index, store, 7, 8);
}
END_TEST

START_TEST(cosines_are_exact_and_recall_is_near_one) {
    vectors_add(0, 3000);
    reopen();
    ck_assert(vectors_recall(my_index, store, 0, 3000, 10, 40) >= 0.99);
    reopen();
    ck_assert(vectors_recall(my_index, store, 0, 3000, 10, 40) >= 0.99);
}
END_TEST

START_TEST(new_photos_are_found_at_once_and_without_a_rebuild) {
    char first[LIBRARY_PATH], second[LIBRARY_PATH];
    vectors_add(0, 100);
    reopen();
    vectors_expect_found(my_index, store, 0, 100);
    ps__index_settle(my_index);
    vectors_files(first, ".faiss");
    vectors_add(100, 150);
    vectors_expect_found(my_index, store, 90, 150);
    reopen();
    vectors_expect_found(my_index, store, 0, 150);
    vectors_files(second, ".faiss");
    ck_assert_str_eq(first, second);
}
END_TEST

START_TEST(many_new_photos_become_a_segment) {
    vectors_add(0, 100);
    reopen();
    vectors_expect_found(my_index, store, 0, 5);
    ps__index_settle(my_index);
    vectors_add(100, 2000);
    vectors_expect_found(my_index, store, 1995, 2000);
    ps__index_settle(my_index);
    ck_assert_int_eq(vectors_files(NULL, ".faiss"), 2); /* the old segment is swept away */
    reopen();
    vectors_expect_found(my_index, store, 0, 5);
    vectors_expect_found(my_index, store, 1995, 2000);
}
END_TEST

START_TEST(forgotten_photos_are_not_found) {
    float x[VECTORS_DIM];
    ps__candidate found[100];
    size_t count;
    vectors_add(0, 100);
    reopen();
    vectors_expect_found(my_index, store, 0, 100);
    vectors_forget(10, 95);
    vectors_make(x, NULL, 10);
    for (int again = 0; again < 2; again++) {
        ck_assert_int_eq(ps__index_search(found, &count, my_index, store, x, 100, NULL), PS__OK);
        ck_assert_uint_eq(count, 15);
        ck_assert_int_eq(ps__index_search(found, &count, my_index, store, x, 12, NULL), PS__OK);
        ck_assert_uint_eq(count, 12);
        reopen();
    }
    vectors_expect_found(my_index, store, 0, 10);
    vectors_expect_found(my_index, store, 95, 100);
}
END_TEST

START_TEST(a_library_that_lost_most_photos_gets_a_new_cache) {
    float x[VECTORS_DIM];
    ps__candidate found[30];
    size_t count;
    struct stat st;
    char path[LIBRARY_PATH];
    vectors_add(0, 2500);
    reopen();
    vectors_expect_found(my_index, store, 0, 3);
    ps__index_settle(my_index);
    vectors_forget(20, 2500);
    vectors_make(x, NULL, 10);
    ck_assert_int_eq(ps__index_search(found, &count, my_index, store, x, 30, NULL), PS__OK);
    ck_assert_uint_eq(count, 20);
    ps__index_settle(my_index);
    /* Roll and segment, one after the other. */
    for (int n = 0; n < 2; n++) {
        vectors_files(path, ".faiss");
        ck_assert_int_eq(stat(path, &st), 0);
        ck_assert_int_lt(st.st_size, 2500 * VECTORS_DIM / 4);
        ck_assert_int_eq(unlink(path), 0);
    }
}
END_TEST

static void damage(const char *path, size_t at) {
    uint8_t *bytes;
    size_t size;
    ck_assert_int_eq(ps__read_file(&bytes, &size, NULL, path, 1 << 24, NULL), PS__OK);
    bytes[at % size] ^= 0x10;
    ck_assert_int_eq(ps__write_file(path, bytes, size, NULL), PS__OK);
    ps__free(bytes);
}

/* The roll's path; the segments' names are longer. */
static void roll_path(char path[LIBRARY_PATH]) { snprintf(path, LIBRARY_PATH, "%.3000s/" VECTORS_SPACE ".faiss", library_dir); }

START_TEST(a_damaged_cache_is_rebuilt) {
    char path[LIBRARY_PATH];
    vectors_add(0, 60);
    reopen();
    flush();
    for (size_t at = 0; at < 3000; at += at < 150 ? 1 : 97) {
        roll_path(path);
        if (at % 2) vectors_files(path, ".faiss"); /* either of the two, as the folder lists them */
        damage(path, at);
        reopen();
        vectors_expect_found(my_index, store, 3, 5);
        ps__index_settle(my_index);
    }
    reopen();
    ck_assert_int_eq(state(), PS__INDEX_READY);
}
END_TEST

START_TEST(files_of_the_cache_may_vanish_or_be_empty) {
    char path[LIBRARY_PATH];
    vectors_add(0, 60);
    for (int round = 0; round < 4; round++) {
        reopen();
        flush();
        roll_path(path);
        if (round < 2)
            while (vectors_files(path, round ? ".faiss" : "1.faiss") || vectors_files(path, ".faiss")) unlink(path);
        else if (round == 2)
            ck_assert_int_eq(truncate(path, 0), 0);
        else
            ck_assert_int_eq(truncate(path, 50), 0);
        reopen();
        vectors_expect_found(my_index, store, 0, 10);
    }
}
END_TEST

START_TEST(a_cache_of_another_library_is_thrown_away) {
    char path[LIBRARY_PATH], kept[LIBRARY_PATH + 8];
    vectors_add(0, 60);
    reopen();
    flush();
    roll_path(path);
    snprintf(kept, sizeof kept, "%s.old", path);
    ck_assert_int_eq(rename(path, kept), 0);
    ps__index_free(my_index);
    ps__store_close(store);
    my_index = NULL;
    store = NULL;
    char db[LIBRARY_PATH];
    while (vectors_files(db, ".db") || vectors_files(db, "-wal") || vectors_files(db, "-shm")) ck_assert_int_eq(unlink(db), 0);
    vectors_add(500, 560);
    ck_assert_int_eq(rename(kept, path), 0);
    reopen();
    ck_assert_int_eq(state(), PS__INDEX_MISSING);
    vectors_expect_found(my_index, store, 500, 560);
}
END_TEST

START_TEST(a_cache_newer_than_the_library_is_not_trusted) {
    ps__cache_key key;
    ps__roll roll;
    vectors_add(0, 60);
    reopen();
    flush();
    key = (ps__cache_key){library_dir, ps__store_identity(store), VECTORS_SPACE, VECTORS_DIM};
    ck_assert_int_eq(ps__roll_read(&roll, &key, NULL), PS__OK);
    roll.change += 1000; /* as after restoring library.db from a backup */
    roll.touched += 1000;
    ck_assert_int_eq(ps__roll_write(&roll, &key, NULL), PS__OK);
    ps__roll_clear(&roll);
    vectors_add(60, 70);
    reopen();
    ck_assert_int_eq(state(), PS__INDEX_STALE);
    vectors_expect_found(my_index, store, 0, 70);
}
END_TEST

/* Built from a state of the library that is partly later than what is there. */
START_TEST(a_cache_with_vectors_newer_than_the_library_is_not_trusted) {
    ps__cache_key key;
    ps__roll roll;
    vectors_add(0, 60);
    reopen();
    flush();
    key = (ps__cache_key){library_dir, ps__store_identity(store), VECTORS_SPACE, VECTORS_DIM};
    ck_assert_int_eq(ps__roll_read(&roll, &key, NULL), PS__OK);
    ck_assert_int_ge(roll.touched, roll.change);
    roll.touched += 1000;
    ck_assert_int_eq(ps__roll_write(&roll, &key, NULL), PS__OK);
    ps__roll_clear(&roll);
    reopen();
    vectors_expect_found(my_index, store, 0, 60);
    ps__index_settle(my_index);
    key.identity = ps__store_identity(store);
    ck_assert_int_eq(ps__roll_read(&roll, &key, NULL), PS__OK); /* built anew */
    ck_assert_int_lt(roll.touched, 1000);
    ps__roll_clear(&roll);
}
END_TEST

START_TEST(a_cache_of_an_impossible_change_is_no_cache) {
    ps__cache_key key;
    ps__roll roll;
    ps__error err = {0};
    vectors_add(0, 60);
    reopen();
    flush();
    key = (ps__cache_key){library_dir, ps__store_identity(store), VECTORS_SPACE, VECTORS_DIM};
    ck_assert_int_eq(ps__roll_read(&roll, &key, NULL), PS__OK);
    roll.change = INT64_MIN;
    ck_assert_int_eq(ps__roll_write(&roll, &key, NULL), PS__OK);
    ps__roll_clear(&roll);
    ck_assert_int_eq(ps__roll_read(&roll, &key, &err), PS__CORRUPT);
    reopen();
    ck_assert_int_eq(state(), PS__INDEX_MISSING);
    vectors_expect_found(my_index, store, 0, 60);
}
END_TEST

START_TEST(spaces_have_caches_of_their_own) {
    ps__cache_key a = {library_dir, "id", "a/b", 32}, b = {library_dir, "id", "a_b", 32}, c = {library_dir, "id", "../../x", 32};
    char pa[PS__CACHE_PATH], pb[PS__CACHE_PATH], pc[PS__CACHE_PATH];
    ck_assert_int_eq(ps__cache_path(pa, &a, 0, NULL), PS__OK);
    ck_assert_int_eq(ps__cache_path(pb, &b, 0, NULL), PS__OK);
    ck_assert_int_eq(ps__cache_path(pc, &c, 0, NULL), PS__OK);
    ck_assert_str_ne(pa, pb);
    ck_assert_ptr_null(strstr(pc, ".."));
    ck_assert_ptr_eq(strrchr(pc, '/'), pc + strlen(library_dir));
}
END_TEST

START_TEST(two_searchers_of_one_library_do_not_disturb_each_other) {
    vectors_add(0, 100);
    reopen();
    ps__store *other_store = library_open(PS__STORE_READ);
    ps__index *other = vectors_index(other_store);
    for (unsigned n = 100; n < 4000; n += 700) {
        vectors_add(n, n + 700);
        vectors_expect_found(my_index, store, n, n + 3);
        vectors_expect_found(other, other_store, n, n + 3);
        vectors_expect_found(other, other_store, 0, 3);
    }
    ps__index_free(other);
    ps__store_close(other_store);
    reopen();
    vectors_expect_found(my_index, store, 0, 3);
}
END_TEST

START_TEST(while_another_holds_the_cache_lock_nothing_is_written) {
    char path[LIBRARY_PATH];
    ps__cache_key key = {library_dir, "", VECTORS_SPACE, VECTORS_DIM};
    int lock, second;
    vectors_add(0, 100);
    ps__cache_lock(&lock, &key);
    ck_assert_int_ge(lock, 0);
    ps__cache_lock(&second, &key);
    ck_assert_int_lt(second, 0);
    reopen();
    vectors_expect_found(my_index, store, 0, 100);
    ck_assert_int_eq(vectors_files(path, ".faiss"), 0);
    ps__cache_unlock(lock);
    flush();
    ck_assert_int_eq(vectors_files(path, ".faiss"), 2);
}
END_TEST

static int fail_rename(const char *from, const char *to) {
    (void)from, (void)to;
    errno = ENOSPC;
    return -1;
}

START_TEST(a_cache_that_cannot_be_written_is_no_failure) {
    vectors_add(0, 100);
    reopen();
    ps__os.rename = fail_rename;
    vectors_expect_found(my_index, store, 0, 100);
    flush();
    ps__os_reset();
    ck_assert_int_eq(state(), PS__INDEX_MISSING);
    ck_assert_int_eq(vectors_files(NULL, ".tmp"), 0);
    flush();
    ck_assert_int_eq(state(), PS__INDEX_READY);
    vectors_expect_found(my_index, store, 0, 100);
}
END_TEST

START_TEST(every_allocation_may_fail) {
    float x[VECTORS_DIM];
    ps__candidate found[3];
    size_t count;
    int failures = 0, status = PS__NOMEM;
    vectors_add(0, 100);
    vectors_make(x, NULL, 5);
    for (long n = 0; status != PS__OK; n++) {
        ps__error err = {0};
        char path[LIBRARY_PATH];
        while (vectors_files(path, ".faiss")) unlink(path);
        reopen();
        ps__alloc_fail_after(n, 1);
        status = ps__index_search(found, &count, my_index, store, x, 3, &err);
        ps__alloc_fail_after(-1, 0);
        ck_assert_msg(status == PS__OK || status == PS__NOMEM, "%d %s", status, err.text);
        failures += status != PS__OK;
        ck_assert_int_lt(n, 1000);
        vectors_expect_found(my_index, store, 5, 6); /* and nothing is broken after it */
    }
    ck_assert_int_gt(failures, 5);
}
END_TEST

/* ---- Threads ---- */

static atomic_int done;

static void *search_on(void *payload) {
    ps__store *own = library_open(PS__STORE_READ);
    unsigned seed = (unsigned)(uintptr_t)payload;
    while (!atomic_load(&done)) vectors_expect_found(my_index, own, seed, seed + 3);
    ps__store_close(own);
    return NULL;
}

START_TEST(threads_search_one_index_while_the_library_grows) {
    pthread_t threads[4];
    vectors_add(0, 100);
    reopen();
    for (uintptr_t i = 0; i < 4; i++) ck_assert_int_eq(pthread_create(&threads[i], NULL, search_on, (void *)(i * 10)), 0);
    for (unsigned n = 100; n < 4100; n += 500) vectors_add(n, n + 500);
    vectors_forget(50, 90);
    atomic_store(&done, 1);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    vectors_expect_found(my_index, store, 4090, 4100);
}
END_TEST

Suite *suite_vector_index(void) {
    Suite *suite = suite_create("vector_index");
    TCase *following = tcase_create("following"), *files = tcase_create("files"), *sharing = tcase_create("sharing");
    TCase *const cases[] = {following, files, sharing};
    for (int i = 0; i < 3; i++) {
        tcase_add_checked_fixture(cases[i], library_setup, teardown);
        suite_add_tcase(suite, cases[i]);
    }
    tcase_add_test(following, an_empty_library_finds_nothing);
    tcase_add_test(following, the_first_search_builds_and_writes_the_cache);
    tcase_add_test(following, a_library_of_one_photo_is_searched);
    tcase_add_test(following, cosines_are_exact_and_recall_is_near_one);
    tcase_add_test(following, new_photos_are_found_at_once_and_without_a_rebuild);
    tcase_add_test(following, many_new_photos_become_a_segment);
    tcase_add_test(following, forgotten_photos_are_not_found);
    tcase_add_test(following, a_library_that_lost_most_photos_gets_a_new_cache);
    tcase_add_test(files, a_damaged_cache_is_rebuilt);
    tcase_add_test(files, files_of_the_cache_may_vanish_or_be_empty);
    tcase_add_test(files, a_cache_of_another_library_is_thrown_away);
    tcase_add_test(files, a_cache_newer_than_the_library_is_not_trusted);
    tcase_add_test(files, a_cache_with_vectors_newer_than_the_library_is_not_trusted);
    tcase_add_test(files, a_cache_of_an_impossible_change_is_no_cache);
    tcase_add_test(files, spaces_have_caches_of_their_own);
    tcase_add_test(files, a_cache_that_cannot_be_written_is_no_failure);
    tcase_add_test(files, every_allocation_may_fail);
    tcase_add_test(sharing, two_searchers_of_one_library_do_not_disturb_each_other);
    tcase_add_test(sharing, while_another_holds_the_cache_lock_nothing_is_written);
    tcase_add_test(sharing, threads_search_one_index_while_the_library_grows);
    return suite;
}
