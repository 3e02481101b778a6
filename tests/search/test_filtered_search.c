/*
** Exact search among some of the photos: the same photos with the same scores as comparing every vector that is stored, at any
** size of the selection, with photos put and gone meanwhile, and while the index is behind.
*/
#include <check.h>
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/half.h"
#include "base/os.h"
#include "search/cache.h"
#include "search/columns.h"
#include "search/rank.h"
#include "tests/search/vectors.h"

Suite *suite_filtered_search(void);

#define WANT 10

static ps__store *store;
static ps__index *my_index;
static ps__columns *columns;
static ps__table *table;
static unsigned state;

static void close_all(void) {
    ps__table_put(table);
    ps__columns_free(columns);
    ps__index_free(my_index);
    ps__store_close(store);
    table = NULL;
    columns = NULL;
    my_index = NULL;
    store = NULL;
}

static void setup(void) {
    library_setup();
    state = 12345;
}

static void teardown(void) {
    close_all();
    library_teardown();
}

/* A fresh look at the library, as another process would have. */
static void reopen(void) {
    close_all();
    store = library_open(PS__STORE_READ);
    my_index = vectors_index(store);
    ck_assert_int_eq(ps__columns_new(&columns, store, NULL, NULL), PS__OK);
}

static unsigned pick(unsigned n) {
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % n;
}

/* What the selection is made of: every photo, but with a chance of `part` in 1,000; `some` more of the first ones are left
** out. */
static void select_part(ps__selection *out, unsigned part) {
    ps__error err = {0};
    ck_assert_msg(ps__selection_all(out, table, &err) == PS__OK, "%s", err.text);
    for (size_t row = 0; row < table->rows; row++) {
        uint64_t bit = UINT64_C(1) << row % 64;
        if (!(out->bits[row / 64] & bit) || pick(1000) < part) continue;
        out->bits[row / 64] &= ~bit;
        out->count--;
    }
}

/* Leaves only `count` photos from the front, or takes out the last one. */
static void select_few(ps__selection *out, size_t count, int all_but_one) {
    size_t seen = 0, total;
    select_part(out, 1000);
    total = out->count;
    for (size_t row = 0; row < table->rows; row++) {
        uint64_t bit = UINT64_C(1) << row % 64;
        if (!(out->bits[row / 64] & bit)) continue;
        seen++;
        if (all_but_one ? seen < total : seen <= count) continue;
        out->bits[row / 64] &= ~bit;
        out->count--;
    }
}

typedef struct brute {
    const ps__selection *selection;
    const ps__probe *probes;
    size_t probe_count, count;
    ps__candidate *all;
} brute;

static int take_vector(int64_t photo, const uint16_t *halves, void *payload) {
    brute *b = payload;
    float x[VECTORS_DIM];
    double total = 0;
    if (b->selection && !ps__selection_has(b->selection, photo)) return 0;
    ps__halves_to_floats(x, halves, VECTORS_DIM);
    for (size_t i = 0; i < b->probe_count;) {
        double best = -INFINITY, weight = b->probes[i].weight;
        int group = b->probes[i].group;
        for (; i < b->probe_count && b->probes[i].group == group; i++) {
            double sum = 0;
            for (int k = 0; k < VECTORS_DIM; k++) sum += (double)b->probes[i].vector[k] * (double)x[k];
            if ((double)(float)sum > best) best = (double)(float)sum;
        }
        total += weight * best;
    }
    b->all[b->count++] = (ps__candidate){photo, (float)total};
    return 0;
}

/* The open view's answer must be that of comparing everything. */
static void expect_exact(const ps__selection *selection, const ps__probe *probes, size_t probe_count, size_t want) {
    ps__error err = {0};
    brute b = {selection, probes, probe_count, 0, calloc(table->rows + 1, sizeof(ps__candidate))};
    ps__candidate *found = calloc(want + 1, sizeof *found);
    size_t count = 77;
    int space;
    ck_assert(b.all && found);
    ck_assert_int_eq(ps__store_find_space(&space, store, VECTORS_SPACE, VECTORS_DIM, NULL), PS__OK);
    ck_assert_int_eq(ps__store_each_vector(store, space, 0, take_vector, &b, NULL), PS__OK);
    ps__rank_sort(b.all, b.count);
    int status = ps__index_search_many(found, &count, my_index, store, selection, probes, probe_count, want, &err);
    ck_assert_msg(status == PS__OK, "%s", err.text);
    ck_assert_uint_eq(count, b.count < want ? b.count : want);
    for (size_t i = 0; i < count; i++)
        ck_assert_msg(found[i].photo == b.all[i].photo && found[i].cosine == b.all[i].cosine,
                      "place %zu of %zu: photo %lld, score %.9g instead of %lld, %.9g", i, count, (long long)found[i].photo,
                      (double)found[i].cosine, (long long)b.all[i].photo, (double)b.all[i].cosine);
    free(b.all);
    free(found);
}

static void begin(void) {
    ps__error err = {0};
    ps__table_put(table);
    table = NULL;
    ck_assert_int_eq(ps__store_begin(store, NULL), PS__OK);
    ck_assert_msg(ps__columns_take(&table, columns, store, &err) == PS__OK, "%s", err.text);
}

/* One selection, with queries of one and of several probes. */
static void check_selection(ps__selection *s) {
    float x[5][VECTORS_DIM];
    for (int i = 0; i < 5; i++) vectors_make(x[i], NULL, 1000000u + pick(100000));
    const ps__probe one[] = {{x[0], 1, 0}};
    const ps__probe heavy[] = {{x[0], 2.5, 3}};
    const ps__probe either[] = {{x[0], 1, 0}, {x[1], 1, 0}};
    const ps__probe but[] = {{x[0], 1, 0}, {x[1], -0.6, 1}};
    const ps__probe all[] = {{x[0], 1, 0}, {x[1], 1, 0}, {x[2], 0.5, 1}, {x[3], -0.7, 2}, {x[4], -0.7, 2}};
    expect_exact(s, one, 1, WANT);
    expect_exact(s, one, 1, 700);
    expect_exact(s, heavy, 1, WANT);
    expect_exact(s, either, 2, WANT);
    expect_exact(s, but, 2, WANT);
    expect_exact(s, all, 5, WANT);
}

static void check_every_size(void) {
    static const unsigned parts[] = {1, 5, 30, 300, 500, 999};
    ps__selection s;
    begin();
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        select_part(&s, parts[i]);
        check_selection(&s);
        ps__selection_clear(&s);
    }
    static const size_t few[] = {0, 1, 2, 11, 511, 512, 513, 1u << 20};
    for (size_t i = 0; i < sizeof few / sizeof *few; i++) {
        select_few(&s, few[i], 0);
        check_selection(&s);
        ps__selection_clear(&s);
    }
    select_few(&s, 0, 1);
    check_selection(&s);
    ps__selection_clear(&s);
    ps__store_end(store);
}

static void flush(void) {
    ps__error err = {0};
    ck_assert_msg(ps__index_flush(my_index, store, &err) == PS__OK, "%s", err.text);
}

START_TEST(every_selection_of_a_built_index_is_exact) {
    vectors_add(0, 4000);
    reopen();
    flush(); /* from memory, then from the files */
    check_every_size();
    reopen();
    check_every_size();
}
END_TEST

START_TEST(several_segments_and_a_tail_are_exact) {
    vectors_add(0, 1500);
    reopen();
    flush();
    vectors_add(1500, 2300);
    check_every_size();
    vectors_forget(100, 160);
    vectors_forget(1490, 1510);
    vectors_add(100, 130); /* the same contents as new photos */
    check_every_size();
    flush();
    vectors_add(5000, 5020);
    check_every_size();
}
END_TEST

/* Photos get other vectors, as when a preview was looked at first. */
static void replace_vectors(unsigned count, unsigned step, unsigned seed) {
    ps__error err = {0};
    ps__store *writer = library_open(PS__STORE_WRITE);
    int space;
    ck_assert_int_eq(ps__store_use_model(&space, writer, "test-1", VECTORS_SPACE, VECTORS_DIM, NULL), PS__OK);
    ck_assert_int_eq(ps__store_write(writer, NULL), PS__OK);
    for (unsigned i = 0; i < count; i += step) {
        float x[VECTORS_DIM];
        uint16_t halves[VECTORS_DIM];
        char path[64];
        ps__file file;
        ps__photo photo = {.bytes = 1, .width = 4, .height = 3, .format = "jpeg"};
        ps__file_done done = {.stat = {.size = 1, .mtime_ns = 1000000001}, .photo = &photo, .halves = halves};
        snprintf(path, sizeof path, "/photos/%u/%u.jpg", i / 1000, i);
        ps__store_hash(photo.hash, &i, sizeof i);
        vectors_make(x, halves, i + seed);
        ck_assert_int_eq(ps__store_file(&file, writer, path, NULL), PS__OK);
        done.file = file.id;
        ck_assert_msg(ps__store_file_done(writer, space, "test-1", VECTORS_DIM, &done, &err) == PS__OK, "%s", err.text);
    }
    ck_assert_int_eq(ps__store_commit(writer, NULL), PS__OK);
    ps__store_close(writer);
}

/* The segments hold the old vectors. */
START_TEST(replaced_vectors_are_exact) {
    vectors_add(0, 1200);
    reopen();
    flush();
    replace_vectors(1200, 3, 700000);
    check_every_size();
    flush();
    check_every_size();
}
END_TEST

/* While a search looks at the library as it was, another thread has built segments of what is newer. */
START_TEST(segments_that_are_newer_than_the_view_are_not_trusted) {
    ps__error err = {0};
    ps__selection s;
    vectors_add(0, 1200);
    reopen();
    flush();
    begin();
    ps__store *other = library_open(PS__STORE_READ);
    replace_vectors(1200, 1, 800000);
    ck_assert_msg(ps__index_flush(my_index, other, &err) == PS__OK, "%s", err.text);
    ps__store_close(other);
    select_part(&s, 900);
    check_selection(&s);
    ps__selection_clear(&s);
    ps__store_end(store);
    check_every_size(); /* as it is now */
}
END_TEST

START_TEST(an_index_that_is_behind_is_exact) {
    ps__cache_key key = {library_dir, "", VECTORS_SPACE, VECTORS_DIM};
    int lock;
    ps__selection s;
    vectors_add(0, 17000); /* more than a tail may hold */
    reopen();
    ps__cache_lock(&lock, &key); /* so that nothing is built */
    ck_assert_int_ge(lock, 0);
    begin();
    select_part(&s, 200);
    check_selection(&s);
    ps__selection_clear(&s);
    select_few(&s, 1u << 20, 0);
    check_selection(&s);
    ps__selection_clear(&s);
    ps__store_end(store);
    ps__cache_unlock(lock);
}
END_TEST

START_TEST(everything_is_searched_exactly_for_several_things) {
    float x[2][VECTORS_DIM];
    vectors_add(0, 3000);
    reopen();
    flush();
    begin();
    vectors_make(x[0], NULL, 1000001);
    vectors_make(x[1], NULL, 1000002);
    const ps__probe probes[] = {{x[0], 1, 0}, {x[1], -0.5, 1}};
    expect_exact(NULL, probes, 2, 20);
    expect_exact(NULL, probes + 1, 1, 20);
    ps__candidate found[3];
    size_t count;
    ck_assert_int_eq(ps__index_search_many(found, &count, my_index, store, NULL, probes, 1, 3, NULL), PS__OK); /* as unfiltered */
    ck_assert_uint_eq(count, 3);
    ck_assert_int_eq(ps__index_search_many(found, &count, my_index, store, NULL, probes, 0, 3, NULL), PS__INVALID);
    ps__store_end(store);
}
END_TEST

/* 900 photos around one vector, which differ by `spread` of its length. */
static void add_alike(float spread) {
    ps__error err = {0};
    uint16_t halves[VECTORS_DIM];
    float x[VECTORS_DIM], off[VECTORS_DIM];
    int space;
    ps__store *writer = library_open(PS__STORE_CREATE);
    ck_assert_int_eq(ps__store_use_model(&space, writer, "test-1", VECTORS_SPACE, VECTORS_DIM, NULL), PS__OK);
    ck_assert_int_eq(ps__store_write(writer, NULL), PS__OK);
    for (unsigned i = 0; i < 900; i++) {
        char path[64];
        ps__photo photo = {.bytes = 1, .width = 4, .height = 3, .format = "jpeg"};
        ps__file_done done = {.stat = {.size = 1, .mtime_ns = 1000000001}, .photo = &photo, .halves = halves};
        vectors_make(x, NULL, 1);
        vectors_make(off, NULL, i);
        for (int k = 0; k < VECTORS_DIM; k++) x[k] += spread * off[k];
        ps__halves_from_floats(halves, x, VECTORS_DIM);
        snprintf(path, sizeof path, "/same/%u.jpg", i);
        ps__store_hash(photo.hash, &i, sizeof i);
        ck_assert_int_eq(ps__store_file_add(&done.file, writer, path, &done.stat, 0, NULL), PS__OK);
        ck_assert_msg(ps__store_file_done(writer, space, "test-1", VECTORS_DIM, &done, &err) == PS__OK, "%s", err.text);
    }
    ck_assert_int_eq(ps__store_commit(writer, NULL), PS__OK);
    ps__store_close(writer);
}

/* Equal scores: photos with the same vector come in the order of their ids. */
START_TEST(ties_are_ordered_by_photo) {
    add_alike(0);
    reopen();
    flush();
    check_every_size();
}
END_TEST

START_TEST(what_codes_cannot_tell_apart_is_told_apart) {
    add_alike(0.004f);
    reopen();
    flush();
    check_every_size();
}
END_TEST

START_TEST(memory_that_runs_out_is_an_error) {
    float x[VECTORS_DIM];
    ps__candidate found[WANT];
    size_t count;
    int failed = 0, done = 0;
    vectors_add(0, 1500);
    reopen();
    flush();
    vectors_add(1500, 1520);
    begin();
    vectors_make(x, NULL, 3);
    for (int few = 0; few < 2; few++) {
        ps__selection s;
        select_part(&s, few ? 100 : 900);
        expect_exact(&s, &(ps__probe){x, 1, 0}, 1, WANT);
        for (long n = 0, ok = 0; !ok; n++) {
            ps__alloc_fail_after(n, 1);
            int status = ps__index_search_in(found, &count, my_index, store, &s, x, WANT, NULL);
            ps__alloc_fail_after(-1, 0);
            ok = status == PS__OK;
            ck_assert(ok || (status == PS__NOMEM && count == 0));
            *(ok ? &done : &failed) += 1;
        }
        ps__selection_clear(&s);
    }
    ck_assert_int_eq(done, 2);
    ck_assert_int_gt(failed, 12);
    ps__store_end(store);
}
END_TEST

static void segment_file(char path[LIBRARY_PATH]) {
    DIR *dir = opendir(library_dir);
    ck_assert_ptr_nonnull(dir);
    path[0] = 0;
    for (struct dirent *d; (d = readdir(dir)) != NULL;)
        if (strstr(d->d_name, ".faiss") && strlen(d->d_name) > strlen(VECTORS_SPACE ".faiss"))
            snprintf(path, LIBRARY_PATH, "%.3000s/%.255s", library_dir, d->d_name);
    closedir(dir);
}

/* A segment's codes are damaged in its file: slower, and as exact. */
START_TEST(damaged_codes_cost_no_answer) {
    char path[LIBRARY_PATH];
    uint8_t *bytes;
    size_t size;
    vectors_add(0, 1500);
    reopen();
    flush();
    segment_file(path);
    ck_assert_int_eq(ps__read_file(&bytes, &size, NULL, path, 1 << 24, NULL), PS__OK);
    size_t trailer = 64, codes = 1500 * VECTORS_DIM, infos = 1500 * 12;
    ck_assert_uint_gt(size, trailer + codes + infos);
    memset(bytes + size - trailer - codes - infos, 0, infos); /* scales and errors: every bound would be the same */
    ck_assert_int_eq(ps__write_file(path, bytes, size, NULL), PS__OK);
    ps__free(bytes);
    reopen();
    check_every_size();
}
END_TEST

Suite *suite_filtered_search(void) {
    Suite *suite = suite_create("filtered_search");
    TCase *exact = tcase_create("exact");
    tcase_add_checked_fixture(exact, setup, teardown);
    tcase_set_timeout(exact, 120);
    suite_add_tcase(suite, exact);
    tcase_add_test(exact, every_selection_of_a_built_index_is_exact);
    tcase_add_test(exact, several_segments_and_a_tail_are_exact);
    tcase_add_test(exact, replaced_vectors_are_exact);
    tcase_add_test(exact, segments_that_are_newer_than_the_view_are_not_trusted);
    tcase_add_test(exact, an_index_that_is_behind_is_exact);
    tcase_add_test(exact, everything_is_searched_exactly_for_several_things);
    tcase_add_test(exact, ties_are_ordered_by_photo);
    tcase_add_test(exact, what_codes_cannot_tell_apart_is_told_apart);
    tcase_add_test(exact, memory_that_runs_out_is_an_error);
    tcase_add_test(exact, damaged_codes_cost_no_answer);
    return suite;
}
