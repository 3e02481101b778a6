/*
** Tags through the public API: what is tagged when, and that nothing is lost or left half done.
*/
#include <check.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "api/photosearch.h"
#include "base/alloc.h"
#include "base/half.h"
#include "store/tags.h"
#include "tests/store/faulty_vfs.h"
#include "tests/store/library.h"

Suite *suite_tags(void);

#define MODEL "tests/data/golden/tiny.safetensors"
#define DIM 32 /* of that model */

static ps_library *library;
static char vocabulary[LIBRARY_PATH + 16];

/* Labels that lie far enough from each other in the tiny model; the words are all it knows. */
static const char *const LABELS[] = {"the cat", "a dog", "red", "house at night", "snow"};
#define LABEL_COUNT 5

static void write_vocabulary(int from) {
    FILE *f = fopen(vocabulary, "w");
    ck_assert_ptr_nonnull(f);
    for (int i = from; i < LABEL_COUNT; i++) fprintf(f, "label %c | %s\n", 'a' + i, LABELS[i]);
    ck_assert_int_eq(fclose(f), 0);
}

static void setup(void) {
    ps_library_options options = PS_LIBRARY_OPTIONS_INIT;
    library_setup();
    faulty_vfs_install();
    options.model = MODEL;
    ck_assert_msg(ps_library_open(&library, library_dir, &options) == PS_OK, "%s", ps_last_error(NULL));
    snprintf(vocabulary, sizeof vocabulary, "%.4000s/vocabulary", library_temp);
    write_vocabulary(0);
}

static void teardown(void) {
    ps_library_close(library);
    library_teardown();
}

/* ---- Photos whose vectors are those of labels ---- */

static ps_model *model;

static void path_of(char path[64], unsigned i) { snprintf(path, 64, "/photos/%u.jpg", i); }

/* Photo i looks exactly as label i % LABEL_COUNT says. */
static void put_photo(ps__store *store, int space, const char *id, unsigned i, unsigned label) {
    ps__error err = {0};
    char path[64];
    float x[DIM];
    uint16_t halves[DIM];
    ps__file known;
    ps__photo photo = {.bytes = 1, .width = 4, .height = 3, .format = "jpeg"};
    ps__file_done done = {.stat = {.size = 1, .mtime_ns = 1000000001}, .photo = &photo, .halves = halves};
    const char *text = LABELS[label];
    ck_assert_int_eq(ps_model_embed_text_in(x, model, "en", text, strlen(text)), PS_OK);
    ps__halves_from_floats(halves, x, DIM);
    path_of(path, i);
    ps__store_hash(photo.hash, &i, sizeof i);
    if (ps__store_file(&known, store, path, &err) == PS__OK)
        done.file = known.id;
    else
        ck_assert_int_eq(ps__store_file_add(&done.file, store, path, &done.stat, 0, &err), PS__OK);
    ck_assert_msg(ps__store_file_done(store, space, id, DIM, &done, &err) == PS__OK, "%s", err.text);
}

static void put_photos_as(unsigned from, unsigned to, unsigned shift) {
    ps__error err = {0};
    ps_model_info info = PS_MODEL_INFO_INIT;
    int space;
    ck_assert_int_eq(ps_model_open(&model, MODEL, NULL), PS_OK);
    ck_assert_int_eq(ps_model_about(&info, model), PS_OK);
    ps__store *store = library_open(PS__STORE_WRITE);
    ck_assert_int_eq(ps__store_use_model(&space, store, info.id, info.space, DIM, &err), PS__OK);
    ck_assert_int_eq(ps__store_write(store, &err), PS__OK);
    for (unsigned i = from; i < to; i++) put_photo(store, space, info.id, i, (i + shift) % LABEL_COUNT);
    ck_assert_int_eq(ps__store_commit(store, &err), PS__OK);
    ps__store_close(store);
    ps_model_free(model);
}

static void put_photos(unsigned from, unsigned to) { put_photos_as(from, to, 0); }

static ps_tags_result update(void) {
    ps_tags_options options = PS_TAGS_OPTIONS_INIT;
    ps_tags_result result = PS_TAGS_RESULT_INIT;
    options.vocabulary = vocabulary;
    ck_assert_msg(ps_tags_update(&result, library, &options) == PS_OK, "%s", ps_last_error(library));
    return result;
}

/* The best tag of photo i; "" when it has none. Static. */
static const char *best_tag(unsigned i) {
    static char name[64];
    ps_tags *tags;
    ps_tag tag = PS_TAG_INIT;
    char path[64];
    path_of(path, i);
    ck_assert_msg(ps_tags_open(&tags, library, path) == PS_OK, "%s", ps_last_error(library));
    snprintf(name, sizeof name, "%s", ps_tags_get(&tag, tags, 0) == PS_OK ? tag.name : "");
    ps_tags_free(tags);
    return name;
}

static void expect_tagged(unsigned from, unsigned to, unsigned shift) {
    for (unsigned i = from; i < to; i++) {
        char want[16];
        snprintf(want, sizeof want, "label %c", 'a' + (int)((i + shift) % LABEL_COUNT));
        ck_assert_str_eq(best_tag(i), want);
    }
}

static int64_t ask(const char *sql) {
    char path[LIBRARY_PATH + 16];
    sqlite3 *db;
    sqlite3_stmt *stmt;
    snprintf(path, sizeof path, "%.4000s/library.db", library_dir);
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_msg(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK, "%s", sqlite3_errmsg(db));
    int rc = sqlite3_step(stmt);
    int64_t n = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
    ck_assert_msg(rc == SQLITE_ROW || rc == SQLITE_DONE, "%s", sqlite3_errmsg(db));
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return n;
}

/* ---- What is tagged ---- */

START_TEST(photos_get_the_labels_they_look_like) {
    put_photos(0, 12);
    ps_tags_result result = update();
    ck_assert_uint_eq(result.labels, LABEL_COUNT);
    ck_assert_uint_eq(result.photos, 12);
    expect_tagged(0, 12, 0);
    ps_tags *tags;
    ps_tag tag = PS_TAG_INIT, last = PS_TAG_INIT;
    ck_assert_int_eq(ps_tags_open(&tags, library, NULL), PS_OK);
    ck_assert_uint_eq(ps_tags_count(tags), LABEL_COUNT);
    for (size_t i = 0; i < LABEL_COUNT; i++) {
        ck_assert_int_eq(ps_tags_get(&tag, tags, i), PS_OK);
        ck_assert(tag.score >= 0.6 && tag.score <= 1.0); /* good, by the tiny model's limits */
        if (i) ck_assert_uint_le(tag.photos, last.photos);
        last = tag;
    }
    ck_assert_int_eq(ps_tags_get(&tag, tags, LABEL_COUNT), PS_NOTFOUND);
    ps_tags_free(tags);
}
END_TEST

START_TEST(only_what_is_new_is_looked_at) {
    put_photos(0, 300); /* more than a block */
    ck_assert_uint_eq(update().photos, 300);
    ck_assert_uint_eq(update().photos, 0);
    put_photos(300, 310);
    ck_assert_uint_eq(update().photos, 10);
    expect_tagged(295, 310, 0);
}
END_TEST

START_TEST(another_vocabulary_replaces_the_tags) {
    put_photos(0, 10);
    update();
    write_vocabulary(1);
    ps_tags_result result = update();
    ck_assert_uint_eq(result.labels, LABEL_COUNT - 1);
    ck_assert_uint_eq(result.photos, 10);
    ck_assert_str_ne(best_tag(0), "label a");
    ck_assert_str_eq(best_tag(1), "label b");
    ck_assert_int_eq(ask("SELECT count(*) FROM tags WHERE tag = 'label a'"), 0);
    ck_assert_int_eq(ask("SELECT count(*) FROM words WHERE words MATCH 'tags:a'"), 0);
}
END_TEST

START_TEST(a_photo_that_changed_is_tagged_anew) {
    put_photos(0, 10);
    update();
    put_photos_as(4, 6, 1); /* the same contents, looked at by a better model as it were */
    ck_assert_uint_eq(update().photos, 2);
    expect_tagged(4, 6, 1);
    expect_tagged(6, 10, 0);
}
END_TEST

START_TEST(photos_that_go_take_their_tags_along) {
    put_photos(0, 10);
    update();
    ck_assert_int_eq(ps_forget(NULL, library, "/photos/0.jpg"), PS_OK);
    ck_assert_int_eq(ps_forget(NULL, library, "/photos/5.jpg"), PS_OK);
    ps_tags *tags;
    ck_assert_int_eq(ps_tags_open(&tags, library, "/photos/0.jpg"), PS_NOTFOUND);
    ck_assert_ptr_nonnull(strstr(ps_last_error(library), "/photos/0.jpg"));
    ck_assert_int_eq(ask("SELECT count(*) FROM tagged"), 8);
    ck_assert_int_eq(ask("SELECT count(*) FROM tags WHERE tag = 'label a'"), 0);
    ck_assert_int_eq(ask("SELECT count(*) FROM words WHERE words MATCH 'tags:a'"), 0);
}
END_TEST

START_TEST(words_of_tags_are_found_beside_other_words) {
    put_photos(0, 5);
    ps__store *store = library_open(PS__STORE_READ);
    int64_t photo;
    ck_assert_int_eq(ps__store_photo_by_path(&photo, store, "/photos/2.jpg", NULL), PS__OK);
    ps__store_close(store);
    char sql[128];
    snprintf(sql, sizeof sql, "INSERT INTO words(rowid, caption, seen) VALUES(%lld, 'birthday at home', 'EXIT')",
             (long long)photo);
    ask(sql);
    update();
    ck_assert_int_eq(ask("SELECT count(*) FROM words WHERE words MATCH 'label'"), 5);
    ck_assert_int_eq(ask("SELECT rowid FROM words WHERE words MATCH 'tags:c AND caption:birthday AND seen:exit'"), photo);
    write_vocabulary(1);
    update();
    ck_assert_int_eq(ask("SELECT rowid FROM words WHERE words MATCH 'caption:birthday AND seen:exit'"), photo);
    ck_assert_int_eq(ask("SELECT count(*) FROM (SELECT rowid FROM words GROUP BY rowid HAVING count(*) > 1)"), 0);
}
END_TEST

START_TEST(an_empty_library_and_a_vocabulary_that_is_none) {
    ps_tags_options options = PS_TAGS_OPTIONS_INIT;
    ps_tags_result result = PS_TAGS_RESULT_INIT;
    ps_tags *tags;
    ck_assert_int_eq(ps_tags_update(&result, library, NULL), PS_OK);
    ck_assert(result.photos == 0 && result.labels >= 200);
    ck_assert_int_eq(ps_tags_open(&tags, library, NULL), PS_OK);
    ck_assert_uint_eq(ps_tags_count(tags), 0);
    ps_tags_free(tags);
    options.vocabulary = "/no/such/file";
    ck_assert_int_eq(ps_tags_update(&result, library, &options), PS_NOTFOUND);
    ck_assert_ptr_nonnull(strstr(ps_last_error(library), "/no/such/file"));
    FILE *f = fopen(vocabulary, "w");
    ck_assert_ptr_nonnull(f);
    fputs("dog\ncat |", f);
    fclose(f);
    options.vocabulary = vocabulary;
    ck_assert_int_eq(ps_tags_update(&result, library, &options), PS_INVALID);
    ck_assert_ptr_nonnull(strstr(ps_last_error(library), "line 2"));
    options.vocabulary = NULL;
    options.lang = "zz";
    put_photos(0, 1);
    ck_assert_int_eq(ps_tags_update(&result, library, &options), PS_INVALID);
    ck_assert_int_eq(ps_tags_update(NULL, NULL, NULL), PS_INVALID);
    options.version = 99;
    ck_assert_int_eq(ps_tags_update(NULL, library, &options), PS_INVALID);
    ck_assert_int_eq(ps_tags_open(NULL, library, NULL), PS_INVALID);
    ck_assert_int_eq(ps_tags_open(&tags, library, ""), PS_INVALID);
    ck_assert_int_eq(ps_tags_get(NULL, NULL, 0), PS_INVALID);
    ck_assert_uint_eq(ps_tags_count(NULL), 0);
    ps_tags_free(NULL);
}
END_TEST

/* ---- What may come between ---- */

struct stop {
    uint64_t at, done;
    int calls;
};

static int stop_at(const ps_progress *p, void *payload) {
    struct stop *s = payload;
    ck_assert_int_eq(p->phase, PS_PHASE_TAG);
    ck_assert_uint_eq(p->total, 600);
    ck_assert_uint_ge(p->done, s->done);
    s->done = p->done;
    s->calls++;
    return p->done >= s->at;
}

START_TEST(stopping_keeps_what_is_done) {
    ps_tags_options options = PS_TAGS_OPTIONS_INIT;
    ps_tags_result result = PS_TAGS_RESULT_INIT;
    struct stop s = {.at = 1};
    put_photos(0, 600);
    options.vocabulary = vocabulary;
    options.progress = stop_at;
    options.payload = &s;
    ck_assert_int_eq(ps_tags_update(&result, library, &options), PS_CANCELLED);
    ck_assert(result.photos > 0 && result.photos < 600);
    ck_assert_int_eq(ask("SELECT count(*) FROM tagged"), (int64_t)result.photos);
    ck_assert_uint_eq(update().photos, 600 - result.photos);
    expect_tagged(0, 600, 0);
}
END_TEST

/* Between the reading of vectors and the writing of tags there is nothing to hook into, but between two blocks there is. */
static int change_photos(const ps_progress *p, void *payload) {
    int *changes = payload;
    if (p->done > 0 && ++*changes == 1) {
        put_photos_as(2, 4, 1);
        put_photos(600, 620);
        ck_assert_int_eq(ps_forget(NULL, library, "/photos/599.jpg"), PS_OK);
    }
    return 0;
}

START_TEST(the_library_may_change_meanwhile) {
    ps_tags_options options = PS_TAGS_OPTIONS_INIT;
    int changes = 0;
    put_photos(0, 600);
    options.vocabulary = vocabulary;
    options.progress = change_photos;
    options.payload = &changes;
    ck_assert_msg(ps_tags_update(NULL, library, &options) == PS_OK, "%s", ps_last_error(library));
    ck_assert_int_ge(changes, 2);
    expect_tagged(2, 4, 1);
    expect_tagged(4, 599, 0);
    expect_tagged(600, 620, 0);
    ck_assert_uint_eq(update().photos, 0);
}
END_TEST

static void *update_too(void *payload) {
    (void)payload;
    update();
    return NULL;
}

START_TEST(two_at_once_agree) {
    pthread_t threads[3];
    put_photos(0, 600);
    for (int i = 0; i < 3; i++) ck_assert_int_eq(pthread_create(&threads[i], NULL, update_too, NULL), 0);
    for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
    expect_tagged(0, 600, 0);
    ck_assert_uint_eq(update().photos, 0);
    ck_assert_int_eq(ask("SELECT count(*) FROM (SELECT rowid FROM words GROUP BY rowid HAVING count(*) > 1)"), 0);
}
END_TEST

static int update_and_list(void) {
    ps_tags_options options = PS_TAGS_OPTIONS_INIT;
    ps_tags *tags;
    options.vocabulary = vocabulary;
    int status = ps_tags_update(NULL, library, &options);
    if (status == PS_OK && (status = ps_tags_open(&tags, library, NULL)) == PS_OK) {
        ck_assert_uint_eq(ps_tags_count(tags), LABEL_COUNT);
        ps_tags_free(tags);
    }
    return status;
}

START_TEST(every_allocation_may_fail) {
    int status = PS_NOMEM;
    long n = 0;
    put_photos(0, 10);
    for (; status != PS_OK; n++) {
        ck_assert_int_lt(n, 2000);
        ps__alloc_fail_after(n, 0);
        status = update_and_list();
        ps__alloc_fail_after(-1, 0);
        ck_assert_msg(status == PS_OK || status == PS_NOMEM || status == PS_MODEL, "%ld: %d %s", n, status,
                      ps_last_error(library));
        ck_assert_msg(status == PS_OK || ps_last_error(library)[0], "%ld", n);
    }
    ck_assert_int_gt(n, 10);
    expect_tagged(0, 10, 0);
}
END_TEST

START_TEST(every_call_of_sqlite_may_fail) {
    int reached = 1, errors = 0;
    faulty_vfs_skip_syncs();
    put_photos(0, 10);
    update();
    for (long n = 0; reached; n++) {
        write_vocabulary(n % 2 ? 0 : 1); /* so that there is something to do */
        faulty_vfs_fail_one(n);
        ps_tags_options options = PS_TAGS_OPTIONS_INIT;
        options.vocabulary = vocabulary;
        errors += ps_tags_update(NULL, library, &options) != PS_OK;
        reached = faulty_vfs_failed() != NULL;
        faulty_vfs_fail_one(-1);
        int64_t numbers = ask("SELECT count(DISTINCT vocabulary) FROM tagged");
        ck_assert_msg(numbers == 1, "%lld vocabularies after one transaction", (long long)numbers);
    }
    ck_assert_int_gt(errors, 5);
    write_vocabulary(0);
    update();
    expect_tagged(0, 10, 0);
}
END_TEST

Suite *suite_tags(void) {
    Suite *suite = suite_create("tags");
    TCase *what = tcase_create("what"), *between = tcase_create("between");
    tcase_add_checked_fixture(what, setup, teardown);
    tcase_add_checked_fixture(between, setup, teardown);
    tcase_set_timeout(between, 120);
    tcase_add_test(what, photos_get_the_labels_they_look_like);
    tcase_add_test(what, only_what_is_new_is_looked_at);
    tcase_add_test(what, another_vocabulary_replaces_the_tags);
    tcase_add_test(what, a_photo_that_changed_is_tagged_anew);
    tcase_add_test(what, photos_that_go_take_their_tags_along);
    tcase_add_test(what, words_of_tags_are_found_beside_other_words);
    tcase_add_test(what, an_empty_library_and_a_vocabulary_that_is_none);
    tcase_add_test(between, stopping_keeps_what_is_done);
    tcase_add_test(between, the_library_may_change_meanwhile);
    tcase_add_test(between, two_at_once_agree);
    tcase_add_test(between, every_allocation_may_fail);
    tcase_add_test(between, every_call_of_sqlite_may_fail);
    suite_add_tcase(suite, what);
    suite_add_tcase(suite, between);
    return suite;
}
