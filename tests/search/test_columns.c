/*
** Columns: whatever happens to a library, a table says of every photo what the store says; tables that are held do not change;
** the cache beside the library costs time and never an answer.
*/
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/alloc.h"
#include "base/os.h"
#include "search/columns.h"
#include "search/plain_words.h"
#include "search/selection.h"
#include "store/facts.h"
#include "store/inside.h"
#include "tests/search/vectors.h"

Suite *suite_columns(void);

static ps__store *store;
static ps__columns *columns;
static int warnings;

static void count_warning(int level, const char *message, void *payload) {
    (void)level, (void)message, (void)payload;
    warnings++;
}

static void close_all(void) {
    ps__columns_free(columns);
    ps__store_close(store);
    columns = NULL;
    store = NULL;
}

static void teardown(void) {
    close_all();
    library_teardown();
}

/* A fresh look at the library, as another process would have. */
static void reopen(void) {
    const ps__log log = {count_warning, PS__LOG_WARNING, NULL};
    close_all();
    warnings = 0;
    store = library_open(PS__STORE_READ);
    ck_assert_int_eq(ps__columns_new(&columns, store, &log, NULL), PS__OK);
}

static ps__table *take(void) {
    ps__error err = {0};
    ps__table *table;
    ck_assert_int_eq(ps__store_begin(store, NULL), PS__OK);
    ck_assert_msg(ps__columns_take(&table, columns, store, &err) == PS__OK, "%s", err.text);
    ps__store_end(store);
    return table;
}

static void change(const char *sql) {
    ps__error err = {0};
    ps__store *writer = library_open(PS__STORE_WRITE);
    ck_assert_msg(ps__sql_exec(writer, sql, &err) == PS__OK, "%s", err.text);
    ps__store_close(writer);
}

/* ---- What a table must say ---- */

typedef struct comparison {
    const ps__table *table;
    size_t photos, shown;
} comparison;

static int same_row(const ps__facts *f, void *payload) {
    comparison *with = payload;
    char camera[140];
    int64_t row = ps__table_row(with->table, f->id);
    ck_assert_msg(row >= 0, "photo %lld has no row", (long long)f->id);
    const ps__chunk *c = ps__table_chunk(with->table, (size_t)row);
    const ps__names *names = with->table->names;
    size_t i = ps__chunk_row((size_t)row);
    ck_assert_int_eq(c->id[i], f->id);
    ck_assert_int_eq(c->flags[i], PS__ROW_THERE | (f->files > 0) * PS__ROW_SHOWN | f->has_taken * PS__ROW_TAKEN |
                                      f->has_gps * PS__ROW_GPS | f->has_look * PS__ROW_LOOK | (f->files > 1) * PS__ROW_FILES);
    if (f->files == 1) {
        ps__buf words = PS__BUF_INIT;
        ps__plain_folders(&words, f->path);
        ck_assert_str_eq(names->folders.names[c->folder[i]], words.bytes);
        ps__buf_free(&words);
    }
    ck_assert_int_eq(c->taken_s[i], f->taken_s);
    ck_assert_int_eq(c->taken_source[i], f->taken_source);
    ck_assert_int_eq(c->latitude[i], (int32_t)(f->latitude * 1e7 + (f->latitude < 0 ? -0.5 : 0.5)));
    ck_assert_int_eq(c->longitude[i], (int32_t)(f->longitude * 1e7 + (f->longitude < 0 ? -0.5 : 0.5)));
    ck_assert_int_eq(c->city[i], f->city);
    ck_assert_int_eq(c->region[i], f->region);
    ck_assert(memcmp(c->country[i], f->country, 2) == 0);
    ck_assert(c->width[i] == f->width && c->height[i] == f->height && c->bytes[i] == f->bytes && c->look[i] == f->look);
    ck_assert_int_eq(c->flash[i], f->flash < 0 ? PS__FLASH_UNKNOWN : f->flash);
    ck_assert(c->rating[i] == f->rating && c->kinds[i] == f->kinds);
    snprintf(camera, sizeof camera, "%s%s%s", f->make, f->make[0] && f->model[0] ? " " : "", f->model);
    ck_assert_str_eq(names->cameras.names[c->camera[i]], camera);
    ck_assert_str_eq(names->lenses.names[c->lens[i]], f->lens);
    ck_assert_str_eq(names->formats.names[c->format[i]], f->format);
    with->photos++;
    with->shown += f->files > 0;
    return 0;
}

/* Photo by photo: another way than that by which most of a table is read. */
static int look_up(const ps__facts *f, void *payload) {
    comparison *with = payload;
    return ps__store_facts(store, &f->id, 1, same_row, with, NULL);
}

/* The table says what the store does now, and nothing else. Returns the number of photos that are shown. */
static size_t expect_same(ps__table *table) {
    ps__error err = {0};
    comparison with = {table, 0, 0};
    size_t there = 0, gone = 0;
    int64_t now;
    ck_assert_msg(ps__store_each_facts(store, look_up, &with, &err) == PS__OK, "%s", err.text);
    for (size_t i = 0; i < table->chunk_count; i++)
        for (size_t k = 0; k < table->chunks[i]->count; k++)
            *(table->chunks[i]->flags[k] & PS__ROW_THERE ? &there : &gone) += 1;
    ck_assert_uint_eq(there, with.photos);
    ck_assert_uint_eq(gone, table->gone);
    ck_assert_uint_eq(there + gone, table->rows);
    ck_assert_int_eq(ps__store_last_change(&now, store, NULL), PS__OK);
    ck_assert_int_eq(table->change, now);
    ps__selection all;
    ck_assert_int_eq(ps__selection_all(&all, table, NULL), PS__OK);
    ck_assert_uint_eq(all.count, with.shown);
    ps__selection_clear(&all);
    return with.shown;
}

static size_t check_now(void) {
    ps__table *table = take();
    size_t shown = expect_same(table);
    ps__table_put(table);
    return shown;
}

static const char notes[] =
    "UPDATE photos SET taken = 1500000000 + id * 3600, taken_source = id % 7, latitude = (id % 170) - 85.1234567, longitude ="
    " id % 360 - 179.5, city = id * 11, region = id * 13, country = 'PT', flash = id % 2, rating = id % 6, kinds = id % 8, look = id * 77,"
    " make = 'Make' || id % 5, model = 'M' || id % 9, lens = 'L ' || id % 3, width = id, height = 2 * id, format = 'f' || id % 4"
    " WHERE id % 4 <> 0;"
    "UPDATE photos SET taken = NULL, latitude = 91, look = NULL, rating = 77, flash = NULL WHERE id % 9 = 5";

START_TEST(an_empty_library_has_an_empty_table) {
    vectors_add(0, 0);
    reopen();
    ck_assert_uint_eq(check_now(), 0);
}
END_TEST

START_TEST(tables_follow_whatever_changes) {
    vectors_add(0, 300);
    change(notes);
    reopen();
    ck_assert_uint_eq(check_now(), 300);
    ck_assert_uint_eq(check_now(), 300);
    vectors_add(300, 340);
    ck_assert_uint_eq(check_now(), 340);
    change("UPDATE photos SET make = 'Another', model = 'One', lens = NULL, taken = 5 WHERE id BETWEEN 20 AND 30");
    ck_assert_uint_eq(check_now(), 340);
    vectors_forget(10, 60);
    ck_assert_uint_eq(check_now(), 290);
    vectors_add(10, 20); /* the same contents are new photos */
    ck_assert_uint_eq(check_now(), 300);
    change("UPDATE files SET state = 4 WHERE id % 3 = 0");
    ck_assert_uint_lt(check_now(), 250);
    change("UPDATE files SET state = 0 WHERE state > 0 AND state = 4 AND id % 2 = 0");
    check_now();
    change("INSERT INTO files(path, photo, state, size, mtime_ns, inode, device)"
           " SELECT '/twin' || id, photo, 0, 1, 1, 1, 1 FROM files WHERE state > 0 AND state = 4 AND id < 100");
    check_now();
    change("DELETE FROM files WHERE path > '/twin' AND id % 2");
    check_now();
    change("UPDATE files SET photo = 77 WHERE id IN (80, 81)"); /* their photos are without a file, until a sweep */
    check_now();
    reopen();
    check_now();
}
END_TEST

START_TEST(a_table_that_is_held_stays_as_it_was) {
    vectors_add(0, 50);
    reopen();
    ps__table *before = take(), *same = take();
    ck_assert_ptr_eq(before, same);
    ps__table_put(same);
    vectors_add(50, 60);
    vectors_forget(0, 5);
    change("UPDATE photos SET make = 'New', taken = 9 WHERE id > 20");
    ps__table *after = take();
    expect_same(after);
    ck_assert_uint_eq(before->rows, 50);
    ck_assert_uint_eq(before->gone, 0);
    ck_assert_uint_eq(before->names->cameras.count, 1);
    for (size_t i = 0; i < 50; i++)
        ck_assert((before->chunks[0]->flags[i] & PS__ROW_THERE) && !(before->chunks[0]->flags[i] & PS__ROW_TAKEN));
    ps__table_put(after);
    ps__table_put(before);
}
END_TEST

static void cache_path(char path[LIBRARY_PATH]) { snprintf(path, LIBRARY_PATH, "%.4000s/photos.columns", library_dir); }

START_TEST(a_large_table_is_kept_beside_the_library) {
    char path[LIBRARY_PATH];
    cache_path(path);
    vectors_add(0, 5000);
    change(notes);
    reopen();
    ck_assert_uint_eq(check_now(), 5000);
    ck_assert_int_eq(access(path, R_OK), 0);
    change("UPDATE photos SET taken = 5, make = 'Changed' WHERE id % 50 = 0");
    vectors_add(5000, 5010);
    vectors_forget(100, 120);
    reopen();
    ck_assert_uint_eq(check_now(), 4990);
    ck_assert_int_eq(warnings, 0);
    for (int all = 0; all < 2; all++) { /* few changes are not worth a new file; many are */
        struct stat before, after;
        if (all) change("UPDATE photos SET rating = 3");
        ck_assert_int_eq(stat(path, &before), 0);
        ck_assert_int_eq(ps__columns_tend(columns, store, NULL), PS__OK);
        ck_assert_int_eq(stat(path, &after), 0);
        ck_assert_int_eq(before.st_ino != after.st_ino, all);
    }
    reopen();
    ck_assert_uint_eq(check_now(), 4990);
    ck_assert_int_eq(warnings, 0);
}
END_TEST

START_TEST(a_small_library_gets_no_file) {
    char path[LIBRARY_PATH];
    cache_path(path);
    vectors_add(0, 100);
    reopen();
    check_now();
    ck_assert_int_eq(ps__columns_tend(columns, store, NULL), PS__OK);
    ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(a_damaged_or_foreign_file_is_read_anew) {
    char path[LIBRARY_PATH];
    uint8_t *bytes;
    size_t size;
    cache_path(path);
    vectors_add(0, 4200);
    change(notes);
    reopen();
    check_now();
    ck_assert_int_eq(ps__read_file(&bytes, &size, NULL, path, 1 << 26, NULL), PS__OK);
    const size_t places[] = {0, 9, 20, 60, 70, 100, 130, 5000, size / 2, size - 9, size - 1};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        bytes[places[i]] ^= 0x10;
        ck_assert_int_eq(ps__write_file(path, bytes, size, NULL), PS__OK);
        bytes[places[i]] ^= 0x10;
        reopen();
        ck_assert_uint_eq(check_now(), 4200);
        ck_assert_int_eq(warnings, 1);
    }
    const size_t lengths[] = {0, 7, 130, 1000, size / 2, size - 1};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        ck_assert_int_eq(ps__write_file(path, bytes, lengths[i], NULL), PS__OK);
        reopen();
        ck_assert_uint_eq(check_now(), 4200);
        ck_assert_int_eq(warnings, 1);
    }
    /* Of another library, with a good checksum. */
    ck_assert_int_eq(ps__write_file(path, bytes, size, NULL), PS__OK);
    change("UPDATE meta SET value = '0123456789abcdef0123456789abcdef' WHERE key = 'identity'");
    reopen();
    ck_assert_uint_eq(check_now(), 4200);
    ck_assert_int_eq(warnings, 1);
    reopen();
    check_now();
    ck_assert_int_eq(warnings, 0); /* it was written anew */
    ps__free(bytes);
}
END_TEST

/* What a file with a good checksum says of itself may be impossible all the same. */
START_TEST(impossible_files_are_read_anew) {
    char path[LIBRARY_PATH];
    uint8_t *bytes;
    size_t size, chunk = offsetof(ps__chunk, holders), accepted = 0, refused = 0;
    cache_path(path);
    vectors_add(0, 4200);
    change(notes);
    reopen();
    check_now();
    ck_assert_int_eq(ps__read_file(&bytes, &size, NULL, path, 1 << 26, NULL), PS__OK);
    size_t first = size - 8 - 2 * chunk; /* of two chunks */
    const size_t places[] = {first + offsetof(ps__chunk, id) + 7, first + offsetof(ps__chunk, camera) + 1, first + offsetof(ps__chunk, lens) + 11,
                             first + offsetof(ps__chunk, format) + 99, first + offsetof(ps__chunk, folder) + 3, first + offsetof(ps__chunk, count),
                             size - 8 - 4, first + chunk + offsetof(ps__chunk, id) + 1};
    size_t header = first < 400 ? first : 400, all = header + sizeof places / sizeof *places;
    for (size_t i = 0; i < all; i++) {
        ps__table *table;
        size_t at = i < header ? i : places[i - header];
        bytes[at] ^= 0xC1;
        uint64_t checksum = XXH3_64bits(bytes, size - sizeof checksum);
        memcpy(bytes + size - sizeof checksum, &checksum, sizeof checksum);
        ck_assert_int_eq(ps__write_file(path, bytes, size, NULL), PS__OK);
        bytes[at] ^= 0xC1;
        reopen();
        table = take();
        accepted += warnings == 0;
        refused += warnings != 0;
        if (i >= header) ck_assert_msg(warnings == 1, "place %zu", i - header);
        ps__table_put(table);
    }
    ck_assert_uint_gt(refused, 100); /* a name in the lists may as well be another */
    ck_assert_uint_eq(accepted + refused, all);
    ps__free(bytes);
}
END_TEST

START_TEST(a_log_that_was_cut_is_read_anew) {
    vectors_add(0, 20);
    reopen();
    check_now();
    change("UPDATE photos SET rating = 4; DELETE FROM changes;"
           "UPDATE meta SET value = (SELECT seq FROM sqlite_sequence WHERE name = 'changes') WHERE key = 'changes_floor'");
    ck_assert_uint_eq(check_now(), 20);
    /* Far more changes than photos. */
    for (int i = 0; i < 200; i++) change("UPDATE photos SET rating = 5 - rating % 5");
    ck_assert_uint_eq(check_now(), 20);
}
END_TEST

START_TEST(a_file_that_cannot_be_written_is_a_warning) {
    vectors_add(0, 4200);
    reopen();
    char path[LIBRARY_PATH];
    cache_path(path);
    ck_assert_int_eq(mkdir(path, 0700), 0); /* in the way */
    ck_assert_uint_eq(check_now(), 4200);
    ck_assert_int_ge(warnings, 1);
    int before = warnings;
    ck_assert_uint_eq(check_now(), 4200);
    ck_assert_int_eq(warnings, before);
    ck_assert_int_eq(rmdir(path), 0);
}
END_TEST

START_TEST(running_out_of_memory_loses_nothing) {
    vectors_add(0, 4100);
    change(notes);
    reopen();
    check_now();
    vectors_add(4100, 4200);
    change("UPDATE photos SET make = 'Other' WHERE id % 100 = 0");
    int failed = 0;
    for (long n = 0;; n++) { /* with the cache file, and following from it */
        ps__table *table = NULL;
        ps__columns *fresh;
        ck_assert_int_eq(ps__columns_new(&fresh, store, NULL, NULL), PS__OK);
        ck_assert_int_eq(ps__store_begin(store, NULL), PS__OK);
        ps__alloc_fail_after(n, 1);
        int status = ps__columns_take(&table, fresh, store, NULL);
        ps__alloc_fail_after(-1, 0);
        ps__store_end(store);
        if (status == PS__OK) {
            expect_same(table);
            ps__table_put(table);
        } else {
            ck_assert_int_eq(status, PS__NOMEM);
            ck_assert_ptr_null(table);
            failed++;
        }
        ps__columns_free(fresh);
        if (status == PS__OK) break;
    }
    ck_assert_int_gt(failed, 10);
}
END_TEST

/* ---- Threads ---- */

enum { TAKERS = 6, START = 400, ROUNDS = 40, STEP = 20 };

static atomic_uint added;
static atomic_int stop, taken, wrong;
static int64_t ids[START + ROUNDS * STEP];

static void add(unsigned from, unsigned to) {
    vectors_add(from, to);
    ps__store *reader = library_open(PS__STORE_READ);
    for (unsigned i = from; i < to; i++) ids[i] = vectors_photo(reader, i);
    ps__store_close(reader);
    atomic_store(&added, to);
}

static void *take_on(void *payload) {
    ps__columns *shared = payload;
    ps__store *own = library_open(PS__STORE_READ);
    unsigned pick = 1;
    while (!atomic_load(&stop)) {
        ps__table *table;
        ps__selection all;
        unsigned known = atomic_load(&added);
        if (ps__store_begin(own, NULL) != PS__OK || ps__columns_take(&table, shared, own, NULL) != PS__OK) {
            atomic_fetch_add(&wrong, 1);
            break;
        }
        ps__store_end(own);
        pick = pick * 1664525u + 1013904223u;
        if (ps__selection_all(&all, table, NULL) != PS__OK || !ps__selection_has(&all, ids[(pick >> 8) % known]) ||
            !ps__selection_has(&all, ids[known - 1]) || all.count < known)
            atomic_fetch_add(&wrong, 1);
        ps__selection_clear(&all);
        ps__table_put(table);
        atomic_fetch_add(&taken, 1);
    }
    ps__store_close(own);
    return NULL;
}

START_TEST(threads_see_what_was_committed_before) {
    pthread_t threads[TAKERS];
    atomic_store(&stop, 0);
    add(0, START);
    reopen();
    for (int i = 0; i < TAKERS; i++) ck_assert_int_eq(pthread_create(&threads[i], NULL, take_on, columns), 0);
    for (unsigned round = 0; round < ROUNDS; round++) {
        add(START + round * STEP, START + (round + 1) * STEP);
        if (round % 5 == 2) change("UPDATE photos SET rating = (coalesce(rating, 0) + 1) % 6, make = 'M' || (id + rating) % 50");
        if (round % 8 == 7) ck_assert_int_eq(ps__columns_tend(columns, store, NULL), PS__OK);
    }
    atomic_store(&stop, 1);
    for (int i = 0; i < TAKERS; i++) pthread_join(threads[i], NULL);
    ck_assert_int_eq(atomic_load(&wrong), 0);
    ck_assert_int_ge(atomic_load(&taken), TAKERS);
    check_now();
}
END_TEST

/* ---- By date ---- */

static void expect_dates(const ps__dated *list, size_t count, const char *expected) {
    char text[400] = "";
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(text);
        snprintf(text + length, sizeof text - length, "%s%lld", i ? " " : "", (long long)list[i].photo);
    }
    ck_assert_str_eq(text, expected);
}

START_TEST(selections_come_by_date_from_any_place_on) {
    ps__selection all;
    ps__dated list[20];
    size_t count;
    vectors_add(0, 8); /* photos 1 to 8 */
    change("UPDATE photos SET taken = CASE id WHEN 1 THEN 50 WHEN 2 THEN 10 WHEN 3 THEN NULL WHEN 4 THEN -90 WHEN 5 THEN 50 WHEN 6 THEN"
           " NULL WHEN 7 THEN 70 ELSE 20 END");
    reopen();
    ps__table *table = take();
    ck_assert_int_eq(ps__selection_all(&all, table, NULL), PS__OK);
    ck_assert_int_eq(ps__selection_by_date(list, &count, &all, 0, NULL, 20, NULL), PS__OK);
    expect_dates(list, count, "7 1 5 8 2 4 3 6");
    ck_assert_int_eq(ps__selection_by_date(list, &count, &all, 1, NULL, 20, NULL), PS__OK);
    expect_dates(list, count, "4 2 8 1 5 7 3 6");
    for (int oldest = 0; oldest < 2; oldest++) /* in pages, which together are the whole */
        for (size_t page = 1; page < 9; page++) {
            char text[100] = "";
            ps__dated last, *after = NULL;
            do {
                ck_assert_int_eq(ps__selection_by_date(list, &count, &all, oldest, after, page, NULL), PS__OK);
                ck_assert_uint_le(count, page);
                for (size_t i = 0; i < count; i++) snprintf(text + strlen(text), 4, "%lld ", (long long)list[i].photo);
                if (count) last = list[count - 1];
                after = &last;
            } while (count);
            ck_assert_str_eq(text, oldest ? "4 2 8 1 5 7 3 6 " : "7 1 5 8 2 4 3 6 ");
        }
    const ps__dated gone = {99, 1, 20}; /* a place whose photo is gone */
    ck_assert_int_eq(ps__selection_by_date(list, &count, &all, 0, &gone, 2, NULL), PS__OK);
    expect_dates(list, count, "2 4");
    ps__selection_clear(&all);
    ps__table_put(table);
}
END_TEST

Suite *suite_columns(void) {
    Suite *suite = suite_create("columns");
    TCase *following = tcase_create("following"), *cache = tcase_create("cache"), *threads = tcase_create("threads");
    tcase_add_checked_fixture(following, library_setup, teardown);
    tcase_add_checked_fixture(cache, library_setup, teardown);
    tcase_add_checked_fixture(threads, library_setup, teardown);
    tcase_set_timeout(cache, 120);
    tcase_set_timeout(threads, 120);
    suite_add_tcase(suite, following);
    suite_add_tcase(suite, cache);
    suite_add_tcase(suite, threads);
    tcase_add_test(following, an_empty_library_has_an_empty_table);
    tcase_add_test(following, tables_follow_whatever_changes);
    tcase_add_test(following, a_table_that_is_held_stays_as_it_was);
    tcase_add_test(following, a_log_that_was_cut_is_read_anew);
    tcase_add_test(following, selections_come_by_date_from_any_place_on);
    tcase_add_test(cache, a_large_table_is_kept_beside_the_library);
    tcase_add_test(cache, a_small_library_gets_no_file);
    tcase_add_test(cache, a_damaged_or_foreign_file_is_read_anew);
    tcase_add_test(cache, impossible_files_are_read_anew);
    tcase_add_test(cache, a_file_that_cannot_be_written_is_a_warning);
    tcase_add_test(cache, running_out_of_memory_loses_nothing);
    tcase_add_test(threads, threads_see_what_was_committed_before);
    return suite;
}
