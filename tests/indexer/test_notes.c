/*
** What the library keeps of what files say, of their names and their times: through runs of the indexer with a decoder that says
** what a test wants, and with the real one.
*/
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/os.h"
#include "indexer/notes.h"
#include "store/inside.h"
#include "tests/indexer/gallery.h"
#include "tests/store/library.h"

static ps__camera_notes said;
static ps__camera_texts said_texts;

static int telling_decode(ps__pixels *out, const uint8_t *bytes, size_t size, const char *name, const ps__pixels_options *options,
                          ps__error *err) {
    (void)name, (void)options;
    memset(out, 0, sizeof *out);
    out->rgb = ps__malloc(12);
    if (!out->rgb) return ps__fail_nomem(err);
    for (size_t i = 0; i < 12; i++) out->rgb[i] = bytes[i % size];
    out->width = out->height = 2;
    out->original_width = 4000;
    out->original_height = 3000;
    out->format = "jpeg";
    out->notes = said;
    out->texts = said_texts;
    atomic_fetch_add(&gallery_decodes, 1);
    return PS__OK;
}

static void setup(void) {
    gallery_setup();
    gallery_decode = telling_decode;
    ps__indexer_decoder_here(&gallery_decoder, &gallery_decode);
    said = (ps__camera_notes){.orientation = 1, .flash = -1};
    memset(&said_texts, 0, sizeof said_texts);
}

static ps__photo photo_of(const char *name) {
    char path[LIBRARY_PATH];
    ps__photo photo;
    int64_t id;
    ps__store *store = library_open(PS__STORE_READ);
    gallery_path(path, name);
    ck_assert_int_eq(ps__store_photo_by_path(&id, store, path, NULL), PS__OK);
    ck_assert_int_eq(ps__store_photo(&photo, store, id, NULL), PS__OK);
    ps__store_close(store);
    return photo;
}

static ps__photo_texts texts_of(int64_t photo) {
    ps__photo_texts texts;
    ps__store *store = library_open(PS__STORE_READ);
    ck_assert_int_eq(ps__store_texts(&texts, store, photo, NULL), PS__OK);
    ps__store_close(store);
    return texts;
}

/* Runs SQL on the library as somebody else might have left it. */
static void change(const char *sql) {
    ps__error err = {0};
    ps__store *store = library_open(PS__STORE_WRITE);
    ck_assert_msg(ps__sql_exec(store, sql, &err) == PS__OK, "%s", err.text);
    ps__store_close(store);
}

/* ---- Kinds by name ---- */

START_TEST(paths_tell_kinds) {
    enum { S = PS__PICTURE_SCREENSHOT, P = PS__PICTURE_PANORAMA, F = PS__PICTURE_SELFIE };
    static const struct {
        const char *path;
        int has_camera, kinds;
    } table[] = {
        {"/p/Screenshot_20210704-153210.png", 0, S},
        {"/p/Screen Shot 2021-07-04 at 15.32.10.png", 0, S},
        {"/p/Bildschirmfoto vom 2021-07-04.png", 0, S},
        {"/p/\xE6\x88\xAA\xE5\xB1\x8F_2021.jpg", 0, S},
        {"/p/Screenshots/2021.png", 0, S},
        {"/p/Screenshots/2021.jpg", 1, 0}, /* somebody keeps photos there */
        {"/p/Screenshots/more/2021.jpg", 0, 0},
        {"/p/PANO_20210704.jpg", 1, P},
        {"/p/PXL_20210704_153210.PANO.jpg", 1, P},
        {"/p/panoramic.jpg", 1, 0},
        {"/p/Japano.jpg", 1, 0},
        {"/p/Selfie_01.jpg", 1, F},
        {"/selfies/01.jpg", 1, 0},
        {"Screenshot.png", 0, S},
        {"/p/\xFF\xFE.jpg", 0, 0},
        {"/", 0, 0},
        {"", 0, 0},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        ck_assert_msg(ps__kinds_of_path(table[i].path, table[i].has_camera) == table[i].kinds, "%s: %d", table[i].path,
                      ps__kinds_of_path(table[i].path, table[i].has_camera));
}
END_TEST

/* ---- Through a run ---- */

START_TEST(what_the_file_says_is_kept) {
    said.has_gps = 1;
    said.latitude = 38.72;
    said.longitude = -9.14;
    said.flash = 1;
    said.rating = 4;
    said.kinds = PS__PICTURE_SELFIE;
    strcpy(said.taken, "2021-07-04T15:32:10");
    strcpy(said.taken_offset, "+01:00");
    strcpy(said_texts.title, "Harbour");
    strcpy(said_texts.caption, "At dawn");
    strcpy(said_texts.keywords, "boat, gull");
    gallery_write("PANO_1.jpg", "pixels of the first");
    gallery_run();
    ps__photo photo = photo_of("PANO_1.jpg");
    ck_assert_str_eq(photo.taken, "2021-07-04T15:32:10");
    ck_assert_str_eq(photo.taken_offset, "+01:00");
    ck_assert_int_eq(photo.taken_source, PS__TAKEN_EXIF);
    ck_assert_int_eq(photo.flash, 1);
    ck_assert_int_eq(photo.rating, 4);
    ck_assert_int_eq(photo.kinds, PS__PICTURE_SELFIE | PS__PICTURE_PANORAMA);
    ck_assert_uint_ne(photo.look, 0);
    ck_assert_int_eq(photo.placed, 0); /* no gazetteer was at hand */
    ps__photo_texts texts = texts_of(photo.id);
    ck_assert_str_eq(texts.title, "Harbour");
    ck_assert_str_eq(texts.caption, "At dawn");
    ck_assert_str_eq(texts.keywords, "boat, gull");
}
END_TEST

START_TEST(what_it_does_not_say_is_unknown) {
    gallery_write("a.jpg", "the same letters");
    gallery_age("a.jpg", 3600, 7000000);
    gallery_run();
    ps__photo photo = photo_of("a.jpg");
    ck_assert_int_eq(photo.flash, -1);
    ck_assert_int_eq(photo.rating, 0);
    ck_assert_int_eq(photo.kinds, 0);
    ck_assert_int_eq(photo.has_gps, 0);
    ck_assert_int_eq(photo.city, 0);
    ck_assert_str_eq(photo.country, "");
}
END_TEST

static int64_t two_hours_ahead(int64_t utc_s) {
    (void)utc_s;
    return 7200;
}

START_TEST(times_come_from_what_is_surest) {
    ps__os.utc_offset = two_hours_ahead;
    strcpy(said.taken, "2021-07-04T15:32:10");
    strcpy(said.gps_time, "2021-07-04T13:32:08");
    gallery_write("IMG_20190101_000000.jpg", "one");
    gallery_run();
    said.taken[0] = 0;
    gallery_write("IMG_20190102_000000.jpg", "two");
    gallery_run();
    said.gps_time[0] = 0;
    gallery_write("IMG_20190103_101112.jpg", "three");
    gallery_write("IMG-20190104-WA0007.jpg", "four");
    gallery_write("five.jpg", "five");
    gallery_run();
    ps__photo photo = photo_of("IMG_20190101_000000.jpg");
    ck_assert_int_eq(photo.taken_source, PS__TAKEN_EXIF_GPS);
    ck_assert_str_eq(photo.taken_offset, "+02:00");
    photo = photo_of("IMG_20190102_000000.jpg");
    ck_assert_int_eq(photo.taken_source, PS__TAKEN_GPS);
    ck_assert_str_eq(photo.taken, "2021-07-04T15:32:08");
    photo = photo_of("IMG_20190103_101112.jpg");
    ck_assert_int_eq(photo.taken_source, PS__TAKEN_NAME);
    ck_assert_str_eq(photo.taken, "2019-01-03T10:11:12");
    photo = photo_of("IMG-20190104-WA0007.jpg");
    ck_assert_int_eq(photo.taken_source, PS__TAKEN_NAME_DAY);
    ck_assert_str_eq(photo.taken, "2019-01-04T00:00:00");
    photo = photo_of("five.jpg");
    ck_assert_int_eq(photo.taken_source, PS__TAKEN_MTIME);
    ck_assert_int_eq(photo.taken_s, photo.modified_s + 7200);
}
END_TEST

/* ---- Again ---- */

/* How often the decoder was asked since the last time. */
static int decodes(void) { return atomic_exchange(&gallery_decodes, 0); }

START_TEST(photos_with_older_notes_are_read_again_and_keep_the_words_of_others) {
    gallery_write("a.jpg", "first");
    gallery_write("b.jpg", "second");
    gallery_run();
    ck_assert_int_eq(decodes(), 2);
    ps__photo before = photo_of("a.jpg");
    change("UPDATE photos SET notes = 0 WHERE rowid = (SELECT min(id) FROM photos); UPDATE files SET state = 1;"
           "INSERT OR REPLACE INTO words(rowid, tags, seen) SELECT id, 'street', 'exit' FROM photos");
    strcpy(said_texts.title, "New");
    gallery_run();
    ck_assert_int_eq(decodes(), 1);
    ck_assert_int_eq(photo_of("a.jpg").id, before.id);
    ps__store *store = library_open(PS__STORE_READ);
    int64_t count;
    ck_assert_int_eq(ps__sql_int(&count, store, NULL,
                                 "SELECT count(*) FROM words WHERE words MATCH 'title : new AND tags : street AND seen : exit'",
                                 ""),
                     PS__OK);
    ck_assert_int_eq(count, 1);
    ps__store_close(store);
    ps__store_counts counts = gallery_counts();
    ck_assert_int_eq(counts.pending, 0);
    ck_assert_int_eq(counts.photos, 2);
    gallery_run();
    ck_assert_int_eq(decodes(), 0);
}
END_TEST

START_TEST(another_version_of_the_program_reads_older_notes_again) {
    ps__indexer_options o = gallery_options();
    ps__error err = {0};
    o.version = "1";
    gallery_write("a.jpg", "first");
    gallery_write("b.jpg", "second");
    ck_assert_int_eq(gallery_run_with(&o, &err), PS__OK);
    ck_assert_int_eq(decodes(), 2);
    change("UPDATE photos SET notes = 0 WHERE rowid = (SELECT min(id) FROM photos)");
    ck_assert_int_eq(gallery_run_with(&o, &err), PS__OK);
    ck_assert_int_eq(decodes(), 0);
    o.version = "2";
    ck_assert_int_eq(gallery_run_with(&o, &err), PS__OK);
    ck_assert_int_eq(decodes(), 1);
    ck_assert_int_eq(gallery_run_with(&o, &err), PS__OK);
    ck_assert_int_eq(decodes(), 0);
}
END_TEST

/* A library as version 2 left it, with one photo at gallery_dir/a.jpg: its vector is of model "fake-1" in space "fake". */
static void make_old_library(const char *content) {
    char path[LIBRARY_PATH + 32], file[LIBRARY_PATH];
    struct ps__store old = {.lock_fd = -1, .writable = 1, .db_path = path};
    struct stat st;
    uint8_t hash[16];
    ps__error err = {0};
    gallery_path(file, "a.jpg");
    ck_assert_int_eq(stat(file, &st), 0);
    ps__store_hash(hash, content, strlen(content));
    ck_assert_int_eq(ps__make_folders(library_dir, &err), PS__OK);
    snprintf(path, sizeof path, "%s/library.db", library_dir);
    ck_assert_int_eq(sqlite3_open(path, &old.db), SQLITE_OK);
    ck_assert_int_eq(ps__sql_exec(&old, "PRAGMA journal_mode = WAL", &err), PS__OK);
    ck_assert_msg(ps__migrate(&old, ps__store_migrations, 2, &err) == PS__OK, "%s", err.text);
    ck_assert_int_eq(
        ps__sql_exec(&old,
                     "INSERT INTO spaces(number, name, dim) VALUES(1, 'fake', 8); INSERT INTO models VALUES(1, 'fake-1', 1);"
                     "INSERT INTO vectors VALUES(1 << 40 | 41, 1, zeroblob(16))",
                     &err),
        PS__OK);
    ck_assert_msg(ps__sql_run(&old, &err,
                              "INSERT INTO photos(id, hash, bytes, width, height, format, taken, latitude, longitude, added)"
                              " VALUES(41, ?, ?, 4000, 3000, 'jpeg', 1625412730, 38.7223, -9.1393, 1700000000)",
                              "bi", (const void *)hash, 16, (int64_t)st.st_size) == PS__OK,
                  "%s", err.text);
    ck_assert_msg(ps__sql_run(&old, &err,
                              "INSERT INTO files(path, photo, state, size, mtime_ns, inode, device) VALUES(?, 41, 0, ?, ?, ?, ?)",
                              "biiii", (const void *)file, (int)strlen(file), (int64_t)st.st_size,
                              (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec, (int64_t)st.st_ino,
                              (int64_t)st.st_dev) == PS__OK,
                  "%s", err.text);
    while (old.statement_count) sqlite3_finalize(old.statements[--old.statement_count].stmt);
    ck_assert_int_eq(sqlite3_close(old.db), SQLITE_OK);
}

START_TEST(photos_of_an_older_library_are_found_as_before_and_read_once_more) {
    gallery_write("a.jpg", "content");
    make_old_library("content");
    ps__store_close(library_open(PS__STORE_WRITE));
    ps__photo photo = photo_of("a.jpg");
    ck_assert_int_eq(photo.id, 41);
    ck_assert_int_eq(photo.taken_source, PS__TAKEN_EXIF);
    ck_assert(!photo.placed && photo.flash == -1 && photo.look == 0);
    ps__store_counts counts = gallery_counts();
    ck_assert_int_eq(counts.photos, 1);
    ck_assert_int_eq(counts.pending, 1);
    said.flash = 0;
    strcpy(said.taken, "2021-07-04T15:32:10");
    gallery_expect(1, 1, 1, 0, 0);
    photo = photo_of("a.jpg");
    ck_assert_int_eq(photo.id, 41);
    ck_assert(photo.flash == 0 && photo.look != 0);
    ck_assert_int_eq(gallery_counts().pending, 0);
    gallery_expect(1, 0, 0, 1, 0);
}
END_TEST

/* ---- Places ---- */

static ps__gazetteer *open_gazetteer(void) {
    ps__gazetteer *gazetteer;
    ps__error err = {0};
    int status = ps__gazetteer_open(&gazetteer, "build/places.gazetteer", &err);
    ck_assert_msg(status == PS__OK, "%s", err.text);
    return gazetteer;
}

static void run_with(const ps__gazetteer *gazetteer) {
    ps__indexer_options o = gallery_options();
    ps__error err = {0};
    o.gazetteer = gazetteer;
    ck_assert_msg(gallery_run_with(&o, &err) == PS__OK, "%s", err.text);
}

static void check_lisbon(const ps__gazetteer *gazetteer, const ps__photo *photo) {
    ps__place place;
    ck_assert_int_eq(photo->placed, 1);
    ck_assert_int_eq(ps__gazetteer_place(&place, gazetteer, photo->city), PS__OK);
    ck_assert_str_eq(place.name, "Lisbon");
    ck_assert_int_eq(photo->region, place.region);
    ck_assert_str_eq(photo->country, "PT");
}

START_TEST(positions_get_their_places) {
    ps__gazetteer *gazetteer = open_gazetteer();
    said.has_gps = 1;
    said.latitude = 38.7223;
    said.longitude = -9.1393;
    gallery_write("lisbon.jpg", "lisbon");
    run_with(gazetteer);
    said.latitude = -45; /* nowhere near land */
    said.longitude = -120;
    gallery_write("sea.jpg", "sea");
    run_with(gazetteer);
    ps__photo photo = photo_of("lisbon.jpg");
    check_lisbon(gazetteer, &photo);
    photo = photo_of("sea.jpg");
    ck_assert(photo.placed && photo.city == 0 && photo.country[0] == 0);
    ps__gazetteer_free(gazetteer);
}
END_TEST

START_TEST(photos_from_before_the_gazetteer_get_theirs_once) {
    ps__gazetteer *gazetteer = open_gazetteer();
    int64_t before, after;
    said.has_gps = 1;
    said.latitude = 38.7223;
    said.longitude = -9.1393;
    gallery_write_many("lisbon", 10);
    run_with(NULL);
    ck_assert_int_eq(photo_of("lisbon/000.jpg").placed, 0);
    change("UPDATE photos SET latitude = 1e300 WHERE id = 7;" /* and more photos than one transaction takes */
           "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) INSERT INTO photos(hash, bytes, "
           "width, height,"
           " format, latitude, longitude, added) SELECT randomblob(16), 1, 1, 1, 'png', 38.7223, -9.1393, 0 FROM n");
    run_with(gazetteer);
    ps__store *store = library_open(PS__STORE_READ);
    ck_assert_int_eq(ps__sql_int(&before, store, NULL, "SELECT count(*) FROM photos WHERE country = 'PT'", ""), PS__OK);
    ck_assert_int_eq(before, 5009);
    ck_assert_int_eq(ps__store_last_change(&before, store, NULL), PS__OK);
    ps__store_close(store);
    run_with(gazetteer);
    store = library_open(PS__STORE_READ);
    ck_assert_int_eq(ps__store_last_change(&after, store, NULL), PS__OK);
    ck_assert_int_eq(after, before);
    ps__store_close(store);
    ps__photo photo = photo_of("lisbon/000.jpg");
    check_lisbon(gazetteer, &photo);
    change("UPDATE photos SET notes = 0; UPDATE files SET state = 1");
    run_with(NULL); /* read again without a gazetteer: the place stays */
    photo = photo_of("lisbon/000.jpg");
    check_lisbon(gazetteer, &photo);
    ps__gazetteer_free(gazetteer);
}
END_TEST

/* ---- With the real decoder ---- */

START_TEST(a_real_file_is_read_in_full) {
    uint8_t *bytes;
    size_t size;
    char path[LIBRARY_PATH];
    ck_assert_int_eq(ps__read_file(&bytes, &size, NULL, "tests/data/images/notes.jpg", 1 << 20, NULL), PS__OK);
    gallery_path(path, "Selfie.jpg");
    ck_assert_int_eq(ps__write_file(path, bytes, size, NULL), PS__OK);
    ps__free(bytes);
    gallery_decode = NULL;
    ps__indexer_decoder_here(&gallery_decoder, NULL);
    gallery_run();
    ps__photo photo = photo_of("Selfie.jpg");
    ps__photo_texts texts = texts_of(photo.id);
    ck_assert_int_eq(photo.rating, 3);
    ck_assert_int_eq(photo.flash, 1);
    ck_assert_int_eq(photo.kinds, PS__PICTURE_SELFIE);
    ck_assert_int_eq(photo.taken_source, PS__TAKEN_GPS);
    ck_assert_str_eq(texts.title, "Kitchen");
    ck_assert_str_eq(texts.keywords, "pan, pot");
}
END_TEST

Suite *suite_notes(void);
Suite *suite_notes(void) {
    Suite *suite = suite_create("notes");
    TCase *names = tcase_create("names"), *runs = tcase_create("runs");
    tcase_add_test(names, paths_tell_kinds);
    tcase_add_checked_fixture(runs, setup, gallery_teardown);
    tcase_set_timeout(runs, 120);
    tcase_add_test(runs, what_the_file_says_is_kept);
    tcase_add_test(runs, what_it_does_not_say_is_unknown);
    tcase_add_test(runs, times_come_from_what_is_surest);
    tcase_add_test(runs, photos_with_older_notes_are_read_again_and_keep_the_words_of_others);
    tcase_add_test(runs, another_version_of_the_program_reads_older_notes_again);
    tcase_add_test(runs, photos_of_an_older_library_are_found_as_before_and_read_once_more);
    tcase_add_test(runs, positions_get_their_places);
    tcase_add_test(runs, photos_from_before_the_gazetteer_get_theirs_once);
    tcase_add_test(runs, a_real_file_is_read_in_full);
    suite_add_tcase(suite, names);
    suite_add_tcase(suite, runs);
    return suite;
}
