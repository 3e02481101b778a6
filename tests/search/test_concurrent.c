/*
** Searching while the library changes: eight threads of one index, or eight processes, search while somebody else adds
** photos, removes some, encodes some for another model, and builds and loses the cache. What is checked needs no clock: a photo
** that was there from before a search until after it must be found, with its exact cosine, and one that was gone before must not;
** a search among some of the photos must give what comparing all vectors of the same view gives.
*/
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/half.h"
#include "search/cache.h"
#include "search/columns.h"
#include "search/rank.h"
#include "tests/search/vectors.h"

Suite *suite_concurrent(void);

enum { SEARCHERS = 8, FIRST = 2000, STAYING = 300, ROUNDS = 40, ADDED = 60, REMOVED = 12, ALL = FIRST + ROUNDS * ADDED, WANT = 5 };

/* What everybody may know of the library. Photos below STAYING and from `doomed` to `added` are there, those from STAYING to
** `gone` are not; the others are just coming or going. */
typedef struct shared {
    atomic_uint added, doomed, gone;
    atomic_int stop, searches;
    char wrong[320];      /* the first wrong answer */
    atomic_int has_wrong; /* 1: somebody writes `wrong`, 2: it is written */
    int64_t ids[ALL];     /* in the store; of photos below `added` */
} shared;

static shared *common;

static void setup(void) {
    library_setup();
    common = mmap(NULL, sizeof *common, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(common, MAP_FAILED);
}

static void teardown(void) {
    munmap(common, sizeof *common);
    library_teardown();
}

/* ---- The library changes ---- */

static void add(unsigned from, unsigned to) {
    vectors_add(from, to);
    ps__store *store = library_open(PS__STORE_READ);
    for (unsigned i = from; i < to; i++) common->ids[i] = vectors_photo(store, i);
    ps__store_close(store);
    atomic_store(&common->added, to);
}

static void forget(unsigned count) {
    unsigned from = atomic_load(&common->doomed);
    atomic_store(&common->doomed, from + count);
    vectors_forget(from, from + count);
    atomic_store(&common->gone, from + count);
}

/* Another model encodes photos of the first ones; their vectors lie in a space of their own. */
static void encode_anew(unsigned round) {
    ps__error err = {0};
    int space;
    float x[VECTORS_DIM];
    uint16_t halves[VECTORS_DIM];
    ps__store *store = library_open(PS__STORE_WRITE);
    int status = ps__store_use_model(&space, store, "test-2", "other-space", VECTORS_DIM, &err);
    if (status == PS__OK) status = ps__store_write(store, &err);
    for (unsigned i = round * 5; status == PS__OK && i < round * 5 + 5; i++) {
        ps__photo photo = {.bytes = 1, .width = 4, .height = 3, .format = "jpeg"};
        ps__file_done done = {.stat = {.size = 1, .mtime_ns = 1000000001}, .photo = &photo, .halves = halves};
        ps__file file;
        char path[64];
        snprintf(path, sizeof path, "/photos/%u/%u.jpg", i / 1000, i);
        ps__store_hash(photo.hash, &i, sizeof i);
        vectors_make(x, halves, i + 500000);
        status = ps__store_file(&file, store, path, &err);
        done.file = file.id;
        if (status == PS__OK) status = ps__store_file_done(store, space, "test-2", VECTORS_DIM, &done, &err);
    }
    if (status == PS__OK) status = ps__store_commit(store, &err);
    ck_assert_msg(status == PS__OK, "%s", err.text);
    ps__store_close(store);
}

static void lose_cache(void) {
    char path[LIBRARY_PATH];
    while (vectors_files(path, ".faiss")) unlink(path);
}

/* All of it, with an index that belongs to the searching threads or to nobody else. */
static void change_library(ps__index *index) {
    ps__error err = {0};
    ps__store *store = library_open(PS__STORE_READ);
    for (unsigned round = 0; round < ROUNDS; round++) {
        int status = PS__OK;
        add(FIRST + round * ADDED, FIRST + (round + 1) * ADDED);
        forget(REMOVED);
        if (round % 8 == 2) encode_anew(round);
        if (round % 4 == 3) status = ps__index_tend(index, store, &err);
        if (round % 16 == 9) status = ps__index_flush(index, store, &err);
        if (round == ROUNDS / 2) lose_cache();
        ck_assert_msg(status == PS__OK, "%s", err.text);
    }
    ps__store_close(store);
}

/* ---- Searchers ---- */

static void tell_wrong(const char *what, unsigned photo, unsigned other) {
    int none = 0;
    if (!atomic_compare_exchange_strong(&common->has_wrong, &none, 1)) return;
    snprintf(common->wrong, sizeof common->wrong, "photo %u: %.200s (%u)", photo, what, other);
    atomic_store(&common->has_wrong, 2);
}

/* As it is stored, in double, in this order: what an exact cosine is. */
static float exact_cosine(const float *query, unsigned photo) {
    float x[VECTORS_DIM];
    uint16_t halves[VECTORS_DIM];
    double sum = 0;
    vectors_make(x, halves, photo);
    ps__halves_to_floats(x, halves, VECTORS_DIM);
    for (int i = 0; i < VECTORS_DIM; i++) sum += (double)query[i] * (double)x[i];
    return (float)sum;
}

/* gone and added: from before the search. */
static void check_one(unsigned query_of, const float *query, const ps__candidate *found, unsigned gone, unsigned added) {
    unsigned photo = 0;
    while (photo < added && common->ids[photo] != found->photo) photo++;
    if (photo == added) return; /* came meanwhile */
    if (photo >= STAYING && photo < gone) tell_wrong("a photo that was gone was found", query_of, photo);
    if (found->cosine != exact_cosine(query, photo)) tell_wrong("a cosine was not exact", query_of, photo);
}

static void search_one(ps__index *index, ps__store *store, unsigned pick) {
    ps__error err = {0};
    ps__candidate found[WANT];
    float query[VECTORS_DIM];
    size_t count = 0;
    unsigned gone = atomic_load(&common->gone), added = atomic_load(&common->added);
    unsigned photo = pick % 3 ? pick % added : added - 1 - pick % ADDED; /* the newest ones more often */
    vectors_make(query, NULL, photo);
    if (ps__index_search(found, &count, index, store, query, WANT, &err) != PS__OK) {
        tell_wrong(err.text, photo, 0);
        return;
    }
    int there = photo < STAYING || photo >= atomic_load(&common->doomed);
    if (count != WANT) tell_wrong("not as many answers as wanted", photo, (unsigned)count);
    if (there && (count == 0 || found[0].photo != common->ids[photo])) tell_wrong("it was not found", photo, added);
    for (size_t i = 0; i < count; i++) check_one(photo, query, &found[i], gone, added);
    atomic_fetch_add(&common->searches, 1);
}

/* ---- Exact search among some of the photos: within one view of the store, compared with all of its vectors ---- */

typedef struct among {
    const ps__selection *selection;
    const ps__probe *probes; /* 2 */
    ps__candidate all[ALL];
    size_t count;
} among;

static int take_vector(int64_t photo, const uint16_t *halves, void *payload) {
    among *a = payload;
    float x[VECTORS_DIM];
    double cosines[2] = {0};
    if (!ps__selection_has(a->selection, photo) || a->count == ALL) return 0;
    ps__halves_to_floats(x, halves, VECTORS_DIM);
    for (int p = 0; p < 2; p++) {
        for (int i = 0; i < VECTORS_DIM; i++) cosines[p] += (double)a->probes[p].vector[i] * (double)x[i];
        cosines[p] = (double)(float)cosines[p];
    }
    a->all[a->count++] = (ps__candidate){photo, (float)ps__probes_score(a->probes, cosines, 2)};
    return 0;
}

static void compare_among(ps__index *index, ps__store *store, const ps__selection *selection, const ps__probe probes[2], unsigned photo) {
    ps__candidate found[WANT];
    ps__error err = {0};
    size_t count = 0;
    int space;
    among *a = calloc(1, sizeof *a);
    if (!a) return;
    a->selection = selection;
    a->probes = probes;
    int status = ps__index_search_many(found, &count, index, store, selection, probes, 2, WANT, &err);
    if (status == PS__OK) status = ps__store_find_space(&space, store, VECTORS_SPACE, VECTORS_DIM, &err);
    if (status == PS__OK) status = ps__store_each_vector(store, space, 0, take_vector, a, &err);
    ps__rank_sort(a->all, a->count);
    if (status != PS__OK) tell_wrong(err.text, photo, 0);
    if (count != (a->count < WANT ? a->count : WANT)) tell_wrong("not as many of the selected ones as there are", photo, (unsigned)count);
    for (size_t i = 0; i < count; i++)
        if (found[i].photo != a->all[i].photo || found[i].cosine != a->all[i].cosine) tell_wrong("not the true best of a selection", photo, (unsigned)i);
    free(a);
}

static void search_among(ps__index *index, ps__columns *columns, ps__store *store, unsigned pick) {
    float x[2][VECTORS_DIM];
    ps__table *table = NULL;
    ps__selection s = {0};
    ps__error err = {0};
    unsigned photo = pick % atomic_load(&common->added);
    vectors_make(x[0], NULL, photo);
    vectors_make(x[1], NULL, photo + 77);
    const ps__probe probes[2] = {{x[0], 1, 0}, {x[1], -0.3, 1}};
    int status = ps__store_begin(store, &err);
    if (status == PS__OK) status = ps__columns_take(&table, columns, store, &err);
    if (status == PS__OK) status = ps__selection_all(&s, table, &err);
    for (size_t row = pick % 3; status == PS__OK && row < table->rows; row += 3) {
        s.count -= s.bits[row / 64] >> row % 64 & 1;
        s.bits[row / 64] &= ~(UINT64_C(1) << row % 64);
    }
    if (status == PS__OK) compare_among(index, store, &s, probes, photo);
    if (status != PS__OK) tell_wrong(err.text, photo, 0);
    ps__store_end(store);
    ps__selection_clear(&s);
    ps__table_put(table);
}

typedef struct searcher {
    ps__index *index; /* NULL: its own, like columns */
    ps__columns *columns;
    unsigned number;
} searcher;

static void *search_on(void *payload) {
    const searcher *s = payload;
    ps__store *store = library_open(PS__STORE_READ);
    ps__index *own = s->index ? NULL : vectors_index(store);
    ps__columns *columns = s->columns;
    if (!columns && ps__columns_new(&columns, store, NULL, NULL) != PS__OK) tell_wrong("no columns", 0, 0);
    unsigned state = s->number * 7919 + 1;
    while (!atomic_load(&common->stop) && !atomic_load(&common->has_wrong)) {
        state = state * 1664525u + 1013904223u;
        search_one(own ? own : s->index, store, state >> 8);
        if (state >> 8 & 4) search_among(own ? own : s->index, columns, store, state >> 8);
    }
    ps__index_free(own);
    if (!s->columns) ps__columns_free(columns);
    ps__store_close(store);
    return NULL;
}

static void begin(void) {
    atomic_store(&common->doomed, STAYING);
    atomic_store(&common->gone, STAYING);
    add(0, FIRST);
}

static void expect_right(void) {
    ck_assert_msg(!atomic_load(&common->has_wrong), "%s", common->wrong);
    ck_assert_int_ge(atomic_load(&common->searches), SEARCHERS);
}

START_TEST(eight_threads_search_while_the_library_changes) {
    pthread_t threads[SEARCHERS];
    searcher searchers[SEARCHERS];
    begin();
    ps__store *store = library_open(PS__STORE_READ);
    ps__index *index = vectors_index(store);
    ps__columns *columns;
    ck_assert_int_eq(ps__columns_new(&columns, store, NULL, NULL), PS__OK);
    for (unsigned i = 0; i < SEARCHERS; i++) {
        searchers[i] = (searcher){index, columns, i};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, search_on, &searchers[i]), 0);
    }
    change_library(index);
    atomic_store(&common->stop, 1);
    for (int i = 0; i < SEARCHERS; i++) pthread_join(threads[i], NULL);
    ps__columns_free(columns);
    ps__index_free(index);
    ps__store_close(store);
    expect_right();
}
END_TEST

START_TEST(eight_processes_search_while_the_library_changes) {
    pid_t children[SEARCHERS];
    int status;
    begin();
    for (unsigned i = 0; i < SEARCHERS; i++) {
        children[i] = fork();
        ck_assert_int_ge(children[i], 0);
        if (children[i] == 0) {
            searcher s = {NULL, NULL, i};
            search_on(&s);
            _exit(0);
        }
    }
    ps__store *store = library_open(PS__STORE_READ);
    ps__index *index = vectors_index(store);
    change_library(index);
    atomic_store(&common->stop, 1);
    for (int i = 0; i < SEARCHERS; i++) {
        ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
        ck_assert_int_eq(status, 0);
    }
    ps__index_free(index);
    ps__store_close(store);
    expect_right();
}
END_TEST

/* ---- More that is new than a tail holds ---- */

#define MANY 20000u /* more than a tail may hold */

START_TEST(a_library_without_a_cache_is_searched_before_it_is_built) {
    ps__cache_key key = {library_dir, "", VECTORS_SPACE, VECTORS_DIM};
    int lock;
    vectors_add(0, MANY);
    ps__store *store = library_open(PS__STORE_READ);
    ps__index *index = vectors_index(store);
    ps__cache_lock(&lock, &key); /* so that nothing is built */
    ck_assert_int_ge(lock, 0);
    vectors_expect_found(index, store, MANY - 3, MANY);
    ck_assert(vectors_recall(index, store, 0, MANY, 10, 3) == 1.0);
    vectors_forget(5, 6);
    vectors_add(MANY, MANY + 2);
    vectors_expect_found(index, store, 0, 3);
    vectors_expect_found(index, store, MANY, MANY + 2);
    ck_assert_int_eq(vectors_files(NULL, ".faiss"), 0);
    ps__cache_unlock(lock);
    vectors_expect_found(index, store, MANY, MANY + 1); /* now it may be built, and is */
    ps__index_settle(index);
    ck_assert_int_eq(vectors_files(NULL, ".faiss"), 2);
    vectors_expect_found(index, store, MANY - 3, MANY + 2);
    ps__index_free(index);
    ps__store_close(store);
}
END_TEST

START_TEST(what_another_process_built_is_taken_and_the_tail_keeps_what_is_newer) {
    vectors_add(0, 1500);
    ps__store *store = library_open(PS__STORE_READ);
    ps__index *index = vectors_index(store), *builder = vectors_index(store);
    ck_assert_int_eq(ps__index_flush(builder, store, NULL), PS__OK);
    vectors_expect_found(index, store, 0, 3);
    vectors_add(1500, 2400);
    vectors_expect_found(index, store, 2397, 2400); /* in the tail */
    ck_assert_int_eq(ps__index_flush(builder, store, NULL), PS__OK);
    ps__cache_key key = {library_dir, "", VECTORS_SPACE, VECTORS_DIM};
    int lock;
    ps__cache_lock(&lock, &key); /* the one that searches may not build */
    vectors_add(2400, 2450);
    vectors_expect_found(index, store, 2440, 2443); /* in the tail, and newer than the cache */
    vectors_add(2450, 2700);
    vectors_expect_found(index, store, 1500, 1503);
    vectors_expect_found(index, store, 2397, 2403);
    vectors_expect_found(index, store, 2697, 2700);
    ck_assert(vectors_recall(index, store, 0, 2700, 10, 10) >= 0.99);
    ps__cache_unlock(lock);
    ps__index_free(builder);
    ps__index_free(index);
    ps__store_close(store);
}
END_TEST

Suite *suite_concurrent(void) {
    Suite *suite = suite_create("concurrent");
    TCase *changing = tcase_create("changing"), *building = tcase_create("building");
    tcase_add_checked_fixture(changing, setup, teardown);
    tcase_add_checked_fixture(building, library_setup, library_teardown);
    tcase_set_timeout(changing, 120);
    suite_add_tcase(suite, changing);
    suite_add_tcase(suite, building);
    tcase_add_test(changing, eight_threads_search_while_the_library_changes);
    tcase_add_test(changing, eight_processes_search_while_the_library_changes);
    tcase_add_test(building, a_library_without_a_cache_is_searched_before_it_is_built);
    tcase_add_test(building, what_another_process_built_is_taken_and_the_tail_keeps_what_is_newer);
    return suite;
}
