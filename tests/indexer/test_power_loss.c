/*
** The power goes off while the library is written. Each scenario runs once on a disk that writes everything down; then, for many
** moments in it, disks are made as a device may have left them, and on each the library must open, be sound, hold exactly what was
** committed by then, answer searches, and be completed by the next run.
*/
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/os.h"
#include "search/index.h"
#include "store/inside.h"
#include "tests/indexer/gallery.h"
#include "tests/store/inspect.h"
#include "tests/store/write_log.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CUTS 25
#else
#define CUTS 100
#endif
#define LOST_WORK 64

static char device[LIBRARY_PATH], library_on_device[LIBRARY_PATH], image[LIBRARY_PATH], library_in_image[LIBRARY_PATH];
static int (*inner_encode)(float *, void *, const uint8_t *, ps__error *);

static int noted_encode(float *embedding, void *session, const uint8_t *rgb, ps__error *err) {
    int status = inner_encode(embedding, session, rgb, err);
    write_log_note();
    return status;
}

static int no_fsync(int fd) { return fd >= 0 ? 0 : -1; }

static void setup(void) {
    gallery_setup();
    ps__os.fsync = no_fsync; /* nothing in here has to last: only what is written down counts */
    inner_encode = gallery_encoder.encode;
    gallery_encoder.encode = noted_encode;
    snprintf(device, sizeof device, "%.2000s/device", library_temp);
    snprintf(library_on_device, sizeof library_on_device, "%.3000s/deep/library", device);
    snprintf(image, sizeof image, "%.2000s/image", library_temp);
    snprintf(library_in_image, sizeof library_in_image, "%.3000s/deep/library", image);
    ck_assert_int_eq(ps__make_folders(device, NULL), PS__OK);
    memcpy(library_dir, library_on_device, sizeof library_dir);
}

/* ---- Scenarios --------------------------------------------------------------------------------------------------------------- */

static void index_all(void) {
    ps__error err = {0};
    ps__indexer_options o = gallery_options();
    o.flags = PS__INDEX_ALLOW_REMOVAL;
    int status = gallery_run_with(&o, &err);
    ck_assert_msg(status == PS__OK, "%d %s", status, err.text);
}

static void with_index(void (*job)(ps__index *index, ps__store *store)) {
    int space;
    ps__index *index;
    ps__error err = {0};
    ps__store *store = library_open(PS__STORE_READ);
    if (ps__store_find_space(&space, store, gallery_encoder.space, LIBRARY_DIM, &err) == PS__OK) {
        ck_assert_int_eq(ps__index_new(&index, store, gallery_encoder.space, space, LIBRARY_DIM, NULL, &err), PS__OK);
        job(index, store);
        ps__index_free(index);
    }
    ps__store_close(store);
}

static void flush(ps__index *index, ps__store *store) {
    ps__error err = {0};
    ck_assert_msg(ps__index_flush(index, store, &err) == PS__OK, "%s", err.text);
}

static void nothing_before(void) { gallery_write_many("a", 150); }
static void indexed_before(void) {
    gallery_write_many("a", 150);
    index_all();
}

/* A library as version 1 made it, still empty. */
static void old_library_before(void) {
    char path[LIBRARY_PATH + 32];
    ps__error err = {0};
    struct ps__store old = {.lock_fd = -1, .writable = 1, .db_path = path};
    gallery_write_many("a", 60);
    ck_assert_int_eq(ps__make_folders(library_dir, &err), PS__OK);
    snprintf(path, sizeof path, "%s/library.db", library_dir);
    ck_assert_int_eq(sqlite3_open(path, &old.db), SQLITE_OK);
    ck_assert_int_eq(ps__sql_exec(&old, "PRAGMA journal_mode = WAL", &err), PS__OK);
    ck_assert_msg(ps__migrate(&old, ps__store_migrations, 1, &err) == PS__OK, "%s", err.text);
    ck_assert_int_eq(sqlite3_close(old.db), SQLITE_OK);
}

static void remove_and_change(void) {
    for (int i = 0; i < 90; i++) {
        char name[64], other[64];
        snprintf(name, sizeof name, "a/%03d.jpg", i);
        snprintf(other, sizeof other, "a/renamed-%03d.jpg", i);
        if (i % 3 == 0) gallery_remove(name);
        if (i % 3 == 1) gallery_move(name, other);
        if (i % 3 == 2) gallery_write(name, other);
    }
    index_all();
}

static void change_the_model(void) {
    gallery_encoder.model_id = "other-1";
    gallery_encoder.space = "other";
    index_all();
}

static void flush_and_index_and_flush(void) {
    with_index(flush);
    gallery_write_many("b", 50);
    gallery_write_many("c", 400);
    index_all();
    with_index(flush);
}

static const struct scenario {
    const char *name;
    void (*before)(void); /* what is on the disk for good */
    void (*run)(void);    /* during which the power may go off */
} scenarios[] = {
    {"first index", nothing_before, index_all},
    {"files removed, moved and changed", indexed_before, remove_and_change},
    {"another model", indexed_before, change_the_model},
    {"a library of version 1 is brought up to date", old_library_before, index_all},
    {"search cache", indexed_before, flush_and_index_and_flush},
};

/* ---- What was committed when ------------------------------------------------------------------------------------------------ */

/* The states of the library after each fsync of the log: commits are synced one by one. */
static struct {
    size_t at;  /* event */
    char *text; /* as inspect_text; owned */
} states[1000];
static int state_count;

static char *text_of_image(size_t cut, unsigned seed) {
    library_remove_tree(image);
    write_log_rebuild(image, cut, seed);
    return inspect_text(library_in_image, gallery_encoder.space);
}

static void collect_states(void) {
    for (state_count = 0; state_count > 0;) ps__free(states[--state_count].text);
    states[state_count].at = 0;
    states[state_count++].text = text_of_image(0, 0);
    for (size_t i = 0; i < write_log_count(); i++) {
        if (!write_log_is_sync(i, "library.db-wal")) continue;
        char *text = text_of_image(i + 1, 0);
        if (strcmp(text, states[state_count - 1].text) == 0) { /* a checkpoint, or a change that the text does not show */
            ps__free(text);
            continue;
        }
        ck_assert_int_lt(state_count, (int)(sizeof states / sizeof *states));
        states[state_count].at = i + 1;
        states[state_count++].text = text;
    }
}

/* ---- A cut --------------------------------------------------------------------------------------------------------------------- */

static ps__candidate found[20];
static size_t found_count;

static void search(ps__index *index, ps__store *store) {
    ps__error err = {0};
    const float query[LIBRARY_DIM] = {0.9f, 0.1f, 0.5f, 0.3f, 0.7f, 0.2f, 0.4f, 0.6f};
    int status = ps__index_search(found, &found_count, index, store, query, 20, &err);
    ck_assert_msg(status == PS__OK, "%d %s", status, err.text);
}

static void drop_caches(void) {
    char path[LIBRARY_PATH + 300];
    struct dirent *entry;
    DIR *dir = opendir(library_dir);
    ck_assert_ptr_nonnull(dir);
    while ((entry = readdir(dir))) {
        snprintf(path, sizeof path, "%s/%s", library_dir, entry->d_name);
        if (strstr(entry->d_name, ".faiss")) unlink(path);
    }
    closedir(dir);
}

/* With the caches that the power cut left, and without any: the same answer. */
static void compare_searches(const char *where) {
    ps__candidate with[20];
    found_count = 0;
    with_index(search);
    size_t with_count = found_count;
    memcpy(with, found, sizeof with);
    drop_caches();
    found_count = 0;
    with_index(search);
    ck_assert_msg(found_count == with_count, "%s: %zu photos are found with the cache, %zu without", where, with_count, found_count);
    for (size_t i = 0; i < with_count; i++)
        ck_assert_msg(with[i].photo == found[i].photo, "%s: hit %zu differs with and without the cache", where, i);
}

static void cut_the_power(const struct scenario *s, size_t cut, unsigned seed, int64_t start_change, const char *last) {
    char where[256];
    ps__error err = {0};
    ps__store *store;
    int state = 0;
    while (state + 1 < state_count && states[state + 1].at <= cut) state++;
    snprintf(where, sizeof where, "%s, event %zu of %zu, seed %u", s->name, cut, write_log_count(), seed);
    library_remove_tree(image);
    write_log_rebuild(image, cut, seed);
    memcpy(library_dir, library_in_image, sizeof library_dir);
    int status = ps__store_open(&store, library_dir, PS__STORE_CREATE, &err);
    ck_assert_msg(status == PS__OK, "%s: %d %s", where, status, err.text);
    status = ps__store_check(store, &err);
    ck_assert_msg(status == PS__OK, "%s: %d %s", where, status, err.text);
    ps__store_close(store);
    inspect_sound(library_dir);
    char *text = inspect_text(library_dir, gallery_encoder.space);
    int committed = strcmp(text, states[state].text) == 0;
    if (!committed && state + 1 < state_count) committed = strcmp(text, states[state + 1].text) == 0; /* all written, not yet synced */
    ck_assert_msg(committed, "%s: the library is not as it was committed. It holds %zu bytes, the last commit %zu\n%.200s", where,
                  strlen(text), strlen(states[state].text), text);
    ps__free(text);
    int lost = write_log_notes(cut) - (int)inspect_puts(library_dir, start_change);
    ck_assert_msg(lost <= LOST_WORK, "%s: the work on %d photos is lost", where, lost);
    compare_searches(where);
    index_all();
    text = inspect_text(library_dir, gallery_encoder.space);
    ck_assert_msg(strcmp(text, last) == 0, "%s: the next run does not complete the library", where);
    ps__free(text);
    compare_searches(where);
}

START_TEST(a_power_cut_at_any_moment_loses_no_committed_photo) {
    const struct scenario *s = &scenarios[_i];
    unsigned random = 4711 + (unsigned)_i;
    inspect_photos start;
    s->before();
    inspect_photos_of(&start, library_dir, NULL);
    write_log_start(device);
    s->run();
    write_log_stop();
    ck_assert_uint_gt(write_log_count(), 20);
    collect_states();
    ck_assert_int_ge(state_count, 3);
    char *last = text_of_image(write_log_count(), 0);
    ck_assert_str_eq(last, states[state_count - 1].text);
    for (int i = 0; i < CUTS; i++) {
        size_t cut = (size_t)rand_r(&random) % (write_log_count() + 1);
        cut_the_power(s, cut, (unsigned)i + 1, start.last_change, last);
    }
    ps__free(last);
    inspect_free(&start);
}
END_TEST

Suite *suite_power_loss(void);
Suite *suite_power_loss(void) {
    Suite *suite = suite_create("power_loss");
    TCase *tc = tcase_create("power loss");
    tcase_add_checked_fixture(tc, setup, gallery_teardown);
    tcase_set_timeout(tc, 300);
    tcase_add_loop_test(tc, a_power_cut_at_any_moment_loses_no_committed_photo, 0, (int)(sizeof scenarios / sizeof *scenarios));
    suite_add_tcase(suite, tc);
    return suite;
}
