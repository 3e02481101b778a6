/*
** The library as its readers see it: photos, paths, vectors, changes, filters, counts, forgetting.
*/
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/half.h"
#include "store/calendar.h"
#include "store/inside.h"
#include "tests/store/library.h"

START_TEST(creates_a_library_and_opens_it_again) {
    ps__store *store = library_open(PS__STORE_CREATE);
    char identity[33];
    ps__error err;
    ps__store_counts counts;
    snprintf(identity, sizeof identity, "%s", ps__store_identity(store));
    ck_assert_uint_eq(strlen(identity), 32);
    ck_assert_str_eq(ps__store_folder(store), library_dir);
    ck_assert_int_eq(ps__store_check(store, &err), PS__OK);
    ps__store_close(store);

    store = library_open(PS__STORE_READ);
    ck_assert_str_eq(ps__store_identity(store), identity);
    ck_assert_int_eq(ps__store_count(&counts, store, &err), PS__OK);
    ck_assert_int_eq(counts.photos + counts.files + counts.pending + counts.failed + counts.vectors + counts.last_run_s, 0);
    ck_assert_str_eq(counts.model.id, "");
    ck_assert_int_gt(counts.bytes, 0);
    ps__store_close(store);
    ps__store_close(NULL);
}
END_TEST

/* Permission bits of one of the library's files. */
static unsigned mode_of(const char *name) {
    char path[LIBRARY_PATH + 32];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", library_dir, name);
    ck_assert_msg(stat(path, &st) == 0, "%s", path);
    return st.st_mode & 0777;
}

START_TEST(a_new_library_is_readable_by_its_owner_alone_in_any_folder) {
    umask(022);
    ck_assert_int_eq(mkdir(library_dir, 0755), 0);
    ps__store *store = library_open(PS__STORE_CREATE);
    library_add(store, "/a", "a");
    ck_assert_uint_eq(mode_of(""), 0755);
    ck_assert_uint_eq(mode_of("library.db"), 0600);
    ck_assert_uint_eq(mode_of("library.db-wal"), 0600);
    ck_assert_uint_eq(mode_of("library.db-shm"), 0600);
    ps__store_close(store);
}
END_TEST

START_TEST(a_mode_that_the_owner_chose_is_kept) {
    char path[LIBRARY_PATH + 32];
    umask(022);
    ps__store_close(library_open(PS__STORE_CREATE));
    snprintf(path, sizeof path, "%s/library.db", library_dir);
    ck_assert_int_eq(chmod(path, 0640), 0);
    ps__store *store = library_open(PS__STORE_CREATE);
    library_add(store, "/a", "a");
    ck_assert_uint_eq(mode_of("library.db"), 0640);
    ck_assert_uint_eq(mode_of("library.db-wal"), 0640);
    ps__store_close(store);
}
END_TEST

START_TEST(reading_where_no_library_is_makes_none) {
    ps__store *store;
    ps__error err;
    ck_assert_int_eq(ps__store_open(&store, library_dir, PS__STORE_READ, &err), PS__NOTFOUND);
    ck_assert_ptr_null(store);
    ck_assert_msg(library_says(err.text, library_dir), "%s", err.text);
    ck_assert_int_eq(ps__store_open(&store, library_dir, PS__STORE_WRITE, &err), PS__NOTFOUND);
    ck_assert_int_ne(access(library_dir, F_OK), 0);
    ck_assert_int_eq(ps__store_open(&store, "", PS__STORE_CREATE, &err), PS__INVALID);
}
END_TEST

START_TEST(a_reading_handle_refuses_to_write) {
    ps__error err;
    int space;
    ps__store_close(library_open(PS__STORE_CREATE));
    ps__store *store = library_open(PS__STORE_READ);
    ck_assert_int_eq(ps__store_forget(NULL, store, "/a", &err), PS__INVALID);
    ck_assert_int_eq(ps__store_use_model(&space, store, "m", "s", 8, &err), PS__INVALID);
    ck_assert_int_eq(ps__store_lock(store, &err), PS__INVALID);
    ps__store_close(store);
}
END_TEST

START_TEST(a_photo_is_read_back_as_it_was_filed) {
    ps__store *store = library_open(PS__STORE_CREATE);
    ps__error err;
    ps__photo in = {.bytes = 4,
                    .width = 4000,
                    .height = 3000,
                    .format = "heif",
                    .taken = "2021-07-04T15:32:10",
                    .taken_offset = "+02:00",
                    .has_gps = 1,
                    .latitude = -33.5,
                    .longitude = 151.25,
                    .make = "Ünï",
                    .model = "X-1",
                    .lens = "50 mm",
                    .taken_source = PS__TAKEN_NAME,
                    .flash = 0,
                    .rating = 5,
                    .kinds = 6,
                    .placed = 1,
                    .city = 2147714,
                    .region = 2155400,
                    .country = "AU",
                    .look = UINT64_C(0x7123456789ABCDEF)},
              out;
    uint16_t halves[LIBRARY_DIM] = {0};
    ps__file_done done = {.stat = {.size = 4, .mtime_ns = -1}, .photo = &in, .halves = halves};
    int space;
    ps__store_hash(in.hash, "data", 4);
    ck_assert_int_eq(ps__store_use_model(&space, store, "m", "s", LIBRARY_DIM, &err), PS__OK);
    ck_assert_int_eq(ps__store_write(store, &err), PS__OK);
    ck_assert_int_eq(ps__store_file_add(&done.file, store, "/p/\xff\xfe.heic", &done.stat, 0, &err), PS__OK);
    ck_assert_int_eq(ps__store_file_done(store, space, "m", LIBRARY_DIM, &done, &err), PS__OK);
    ck_assert_int_eq(ps__store_commit(store, &err), PS__OK);

    ck_assert_int_eq(ps__store_photo_by_path(&in.id, store, "/p/\xff\xfe.heic", &err), PS__OK);
    ck_assert_int_eq(ps__store_photo(&out, store, in.id, &err), PS__OK);
    ck_assert_mem_eq(out.hash, in.hash, 16);
    ck_assert_int_eq(out.bytes, 4);
    ck_assert_int_eq(out.width, 4000);
    ck_assert_int_eq(out.height, 3000);
    ck_assert_str_eq(out.format, "heif");
    ck_assert_str_eq(out.taken, "2021-07-04T15:32:10");
    ck_assert_int_eq(out.taken_s, 1625412730);
    ck_assert_str_eq(out.taken_offset, "+02:00");
    ck_assert_int_eq(out.has_gps, 1);
    ck_assert_double_eq(out.latitude, -33.5);
    ck_assert_double_eq(out.longitude, 151.25);
    ck_assert_str_eq(out.make, "Ünï");
    ck_assert_str_eq(out.model, "X-1");
    ck_assert_str_eq(out.lens, "50 mm");
    ck_assert_int_eq(out.taken_source, PS__TAKEN_NAME);
    ck_assert_int_eq(out.flash, 0);
    ck_assert_int_eq(out.rating, 5);
    ck_assert_int_eq(out.kinds, 6);
    ck_assert_int_eq(out.placed, 1);
    ck_assert_int_eq(out.city, 2147714);
    ck_assert_int_eq(out.region, 2155400);
    ck_assert_str_eq(out.country, "AU");
    ck_assert_uint_eq(out.look, UINT64_C(0x7123456789ABCDEF));
    ck_assert_int_eq(out.modified_s, -1);
    ck_assert_int_gt(out.added_s, 1600000000);

    ck_assert_int_eq(ps__store_photo(&out, store, in.id + 1, &err), PS__NOTFOUND);
    ck_assert_int_eq(ps__store_photo_by_path(&in.id, store, "/p", &err), PS__NOTFOUND);
    ps__store_close(store);
}
END_TEST

/* Files a photo of content "data" once more; returns what is known of it then. */
static ps__photo file_again(ps__store *store, ps__photo *in) {
    ps__error err = {0};
    ps__photo out;
    ps__file file;
    uint16_t halves[LIBRARY_DIM] = {0};
    ps__file_done done = {.stat = {.size = 4}, .photo = in, .halves = halves};
    int space;
    int64_t id;
    ps__store_hash(in->hash, "data", 4);
    ck_assert_int_eq(ps__store_use_model(&space, store, "m", "s", LIBRARY_DIM, &err), PS__OK);
    ck_assert_int_eq(ps__store_write(store, &err), PS__OK);
    if (ps__store_file(&file, store, "/a.jpg", &err) == PS__OK)
        done.file = file.id;
    else
        ck_assert_int_eq(ps__store_file_add(&done.file, store, "/a.jpg", &done.stat, 0, &err), PS__OK);
    ck_assert_msg(ps__store_file_done(store, space, "m", LIBRARY_DIM, &done, &err) == PS__OK, "%s", err.text);
    ck_assert_int_eq(ps__store_commit(store, &err), PS__OK);
    ck_assert_int_eq(ps__store_photo_by_hash(&id, store, in->hash, &err), PS__OK);
    ck_assert_int_eq(ps__store_photo(&out, store, id, &err), PS__OK);
    return out;
}

START_TEST(a_photo_keeps_its_place_until_it_moves_or_is_placed_anew) {
    ps__store *store = library_open(PS__STORE_CREATE);
    ps__photo in = {.bytes = 4, .width = 1, .height = 1, .format = "png", .has_gps = 1, .latitude = 1, .longitude = 2, .placed = 1, .city = 5,
                    .region = 6, .country = "XX", .flash = -1};
    ps__photo out = file_again(store, &in);
    ck_assert_int_eq(out.city, 5);
    ck_assert_int_eq(out.flash, -1);
    in.placed = 0;
    in.city = in.region = 0;
    in.country[0] = 0;
    out = file_again(store, &in);
    ck_assert(out.placed && out.city == 5 && out.region == 6 && !strcmp(out.country, "XX"));
    in.placed = 1;
    out = file_again(store, &in);
    ck_assert(out.placed && out.city == 0 && out.region == 0 && out.country[0] == 0);
    in.city = 7;
    out = file_again(store, &in);
    ck_assert_int_eq(out.city, 7);
    in.placed = 0;
    in.longitude = 3;
    out = file_again(store, &in);
    ck_assert(!out.placed && out.city == 0 && out.region == 0 && out.country[0] == 0);
    in.has_gps = 0;
    out = file_again(store, &in);
    ck_assert(!out.has_gps && !out.placed);
    ps__store_close(store);
}
END_TEST

START_TEST(a_photo_is_known_when_its_notes_are_of_this_version) {
    ps__store *store = library_open(PS__STORE_CREATE);
    uint8_t hash[16];
    int known, space;
    int64_t photo, id = library_add(store, "/a.jpg", "a");
    ps__store_hash(hash, "a", 1);
    ck_assert_int_eq(ps__store_find_space(&space, store, "s", LIBRARY_DIM, NULL), PS__OK);
    ck_assert_int_eq(ps__store_known(&known, &photo, store, space, hash, NULL), PS__OK);
    ck_assert(known == 1 && photo == id);
    ck_assert_int_eq(ps__sql_exec(store, "UPDATE photos SET notes = notes - 1", NULL), PS__OK);
    ck_assert_int_eq(ps__store_known(&known, &photo, store, space, hash, NULL), PS__OK);
    ck_assert(known == 0 && photo == id);
    ps__store_close(store);
}
END_TEST

START_TEST(unknown_time_and_place_stay_unknown) {
    ps__store *store = library_open(PS__STORE_CREATE);
    ps__photo out;
    ps__error err;
    int64_t id = library_add(store, "/a.jpg", "a");
    ck_assert_int_eq(ps__store_photo(&out, store, id, &err), PS__OK);
    ck_assert_str_eq(out.taken, "");
    ck_assert_str_eq(out.make, "");
    ck_assert_int_eq(out.has_gps, 0);
    ps__store_close(store);
}
END_TEST

START_TEST(one_content_in_two_files_is_one_photo_with_two_paths) {
    ps__store *store = library_open(PS__STORE_CREATE);
    ps__buf paths = PS__BUF_INIT;
    size_t count;
    ps__error err;
    int64_t a = library_add(store, "/z/2.jpg", "same"), b = library_add(store, "/a/1.jpg", "same");
    ck_assert_int_eq(a, b);
    ck_assert_int_eq(ps__store_paths(&paths, &count, store, a, &err), PS__OK);
    ck_assert_uint_eq(count, 2);
    ck_assert_uint_eq(paths.length, 18);
    ck_assert_mem_eq(paths.bytes, "/a/1.jpg\0/z/2.jpg\0", 18);
    ps__buf_free(&paths);
    ps__store_close(store);
}
END_TEST

/* ---- Vectors and changes ---------------------------------------------------------------------------------------------------- */

typedef struct seen {
    int64_t ids[64];
    int kinds[64];
    int count, stop_after;
    uint16_t first; /* half of the last vector */
} seen;

static int see_vector(int64_t photo, const uint16_t *halves, void *payload) {
    seen *s = payload;
    s->ids[s->count++] = photo;
    s->first = halves[0];
    return s->stop_after && s->count == s->stop_after ? 77 : 0;
}

static int see_change(int64_t change, int kind, int64_t photo, void *payload) {
    seen *s = payload;
    (void)change;
    s->kinds[s->count] = kind;
    s->ids[s->count++] = photo;
    return 0;
}

START_TEST(vectors_come_in_photo_order_and_by_id) {
    ps__store *store = library_open(PS__STORE_CREATE);
    ps__error err;
    seen s = {0};
    int space;
    int64_t count, a = library_add(store, "/1", "a"), b = library_add(store, "/2", "b"), c = library_add(store, "/3", "c");
    int64_t wanted[] = {c, 999, a, -5};
    uint16_t halves[4 * LIBRARY_DIM], expected[LIBRARY_DIM];
    uint8_t found[4];
    ck_assert_int_eq(ps__store_find_space(&space, store, "s", LIBRARY_DIM, &err), PS__OK);
    ck_assert_int_eq(ps__store_each_vector(store, space, 0, see_vector, &s, &err), PS__OK);
    ck_assert_int_eq(s.count, 3);
    ck_assert(s.ids[0] == a && s.ids[1] == b && s.ids[2] == c);
    s = (seen){.stop_after = 1};
    ck_assert_int_eq(ps__store_each_vector(store, space, a, see_vector, &s, &err), 77);
    ck_assert_int_eq(s.ids[0], b);
    ck_assert_int_eq(s.first, ps__half_from_float((float)'b' / 256));

    ck_assert_int_eq(ps__store_vectors(halves, found, store, space, wanted, 4, &err), PS__OK);
    ck_assert(found[0] && !found[1] && found[2] && !found[3]);
    library_vector(expected, "a");
    ck_assert_mem_eq(halves + 2 * LIBRARY_DIM, expected, sizeof expected);
    ck_assert_int_eq(ps__store_vector_count(&count, store, space, &err), PS__OK);
    ck_assert_int_eq(count, 3);
    ck_assert_int_eq(ps__store_vector_count(&count, store, space + 1, &err), PS__NOTFOUND);
    ps__store_close(store);
}
END_TEST

START_TEST(spaces_do_not_mix_and_keep_their_dim) {
    ps__store *store = library_open(PS__STORE_CREATE);
    ps__error err;
    seen s = {0};
    int one, two, three;
    ps__store_model model;
    library_add(store, "/1", "a");
    ck_assert_int_eq(ps__store_find_space(&one, store, "s", LIBRARY_DIM, &err), PS__OK);
    ck_assert_int_eq(ps__store_use_model(&two, store, "other-1", "t", LIBRARY_DIM, &err), PS__OK);
    ck_assert_int_ne(one, two);
    ck_assert_int_eq(ps__store_each_vector(store, two, 0, see_vector, &s, &err), PS__OK);
    ck_assert_int_eq(s.count, 0);
    ck_assert_int_eq(ps__store_current_model(&model, store, &err), PS__OK);
    ck_assert_str_eq(model.id, "other-1");
    ck_assert_str_eq(model.space, "t");
    ck_assert_int_eq(model.dim, LIBRARY_DIM);
    /* Another model of a known space shares its vectors. */
    ck_assert_int_eq(ps__store_use_model(&three, store, "m-german", "s", LIBRARY_DIM, &err), PS__OK);
    ck_assert_int_eq(three, one);
    ck_assert_int_eq(ps__store_use_model(&three, store, "m-2", "s", 16, &err), PS__MODEL);
    ck_assert_int_eq(ps__store_use_model(&three, store, "m-1", "t", LIBRARY_DIM, &err), PS__MODEL);
    ck_assert_int_eq(ps__store_use_model(&three, store, "", "t", LIBRARY_DIM, &err), PS__INVALID);
    ck_assert_int_eq(ps__store_find_space(&three, store, "s", 16, &err), PS__MODEL);
    ck_assert_int_eq(ps__store_find_space(&three, store, "nobody", 8, &err), PS__NOTFOUND);
    /* A refused model did not become the current one. */
    ck_assert_int_eq(ps__store_current_model(&model, store, &err), PS__OK);
    ck_assert_str_eq(model.id, "m-german");
    ps__store_close(store);
}
END_TEST

START_TEST(the_change_log_tells_what_was_put_and_what_is_gone) {
    ps__store *store = library_open(PS__STORE_CREATE);
    ps__error err;
    seen s = {0};
    int space;
    int64_t start, then, a = library_add(store, "/d/1", "a"), b = library_add(store, "/d/2", "b");
    ck_assert_int_eq(ps__store_find_space(&space, store, "s", LIBRARY_DIM, &err), PS__OK);
    ck_assert_int_eq(ps__store_each_change(store, space, 0, see_change, &s, &err), PS__OK);
    ck_assert_int_eq(s.count, 2);
    ck_assert(s.kinds[0] == PS__CHANGE_PUT && s.ids[0] == a && s.ids[1] == b);
    ck_assert_int_eq(ps__store_last_change(&start, store, &err), PS__OK);

    ck_assert_int_eq(ps__store_forget(NULL, store, "/d/1", &err), PS__OK);
    int64_t c = library_add(store, "/d/3", "c");
    ck_assert_int_gt(c, b); /* ids are not used again */
    s = (seen){0};
    ck_assert_int_eq(ps__store_each_change(store, space, start, see_change, &s, &err), PS__OK);
    ck_assert_int_eq(s.count, 2);
    ck_assert(s.kinds[0] == PS__CHANGE_GONE && s.ids[0] == a);
    ck_assert(s.kinds[1] == PS__CHANGE_PUT && s.ids[1] == c);
    ck_assert_int_eq(ps__store_last_change(&then, store, &err), PS__OK);
    ck_assert_int_eq(then, start + 4);
    /* For who follows what is known of photos: also that a file left the first one, and came to the other. */
    s = (seen){0};
    ck_assert_int_eq(ps__store_each_change(store, PS__EVERY_SPACE, start, see_change, &s, &err), PS__OK);
    ck_assert_int_eq(s.count, 4);
    ck_assert(s.kinds[0] == PS__CHANGE_NOTED && s.ids[0] == a && s.kinds[1] == PS__CHANGE_GONE && s.ids[1] == a);
    ck_assert(s.kinds[2] == PS__CHANGE_PUT && s.ids[2] == c && s.kinds[3] == PS__CHANGE_NOTED && s.ids[3] == c);
    /* A cache from the future belongs to some other state of this library. */
    ck_assert_int_eq(ps__store_each_change(store, space, then + 1, see_change, &s, &err), PS__NOTFOUND);
    ps__store_close(store);
}
END_TEST

START_TEST(a_long_change_log_is_cut_and_says_so) {
    ps__store *store = library_open(PS__STORE_CREATE);
    ps__error err;
    seen s = {0};
    int64_t rows, last;
    int space;
    library_add(store, "/1", "a");
    ck_assert_int_eq(ps__store_find_space(&space, store, "s", LIBRARY_DIM, &err), PS__OK);
    ck_assert_int_eq(ps__sql_exec(store,
                                  "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 70000)"
                                  " INSERT INTO changes(kind, photo, space) SELECT 1, 1, 1 FROM n",
                                  &err),
                     PS__OK);
    ck_assert_int_eq(ps__store_write(store, &err), PS__OK);
    ck_assert_int_eq(ps__store_sweep(store, &err), PS__OK);
    ck_assert_int_eq(ps__store_commit(store, &err), PS__OK);
    ck_assert_int_eq(ps__sql_int(&rows, store, &err, "SELECT count(*) FROM changes", ""), PS__OK);
    ck_assert_int_lt(rows, 40000);
    ck_assert_int_eq(ps__store_each_change(store, space, 0, see_change, &s, &err), PS__NOTFOUND);
    ck_assert_int_eq(ps__store_last_change(&last, store, &err), PS__OK);
    ck_assert_int_eq(ps__store_each_change(store, space, last - 3, see_change, &s, &err), PS__OK);
    ck_assert_int_eq(s.count, 3);
    ps__store_close(store);
}
END_TEST

START_TEST(a_reader_keeps_its_view_while_another_writes) {
    ps__store *writer = library_open(PS__STORE_CREATE);
    ps__error err;
    seen s = {0};
    int space;
    library_add(writer, "/1", "a");
    ps__store *reader = library_open(PS__STORE_READ);
    ck_assert_int_eq(ps__store_find_space(&space, reader, "s", LIBRARY_DIM, &err), PS__OK);
    ck_assert_int_eq(ps__store_begin(reader, &err), PS__OK);
    ck_assert_int_eq(ps__store_each_vector(reader, space, 0, see_vector, &s, &err), PS__OK);
    library_add(writer, "/2", "b");
    ck_assert_int_eq(ps__store_each_vector(reader, space, 0, see_vector, &s, &err), PS__OK);
    ck_assert_int_eq(s.count, 2); /* one, twice */
    ps__store_end(reader);
    s.count = 0;
    ck_assert_int_eq(ps__store_each_vector(reader, space, 0, see_vector, &s, &err), PS__OK);
    ck_assert_int_eq(s.count, 2);
    ps__store_close(reader);
    ps__store_close(writer);
}
END_TEST

/* ---- Forgetting ------------------------------------------------------------------------------------------------------------- */

START_TEST(forgetting_a_folder_takes_just_what_is_below_it) {
    ps__store *store = library_open(PS__STORE_CREATE);
    ps__error err;
    ps__store_counts counts;
    int64_t files, id;
    library_add(store, "/a/b/1", "1");
    library_add(store, "/a/b/c/2", "2");
    library_add(store, "/a/b0", "3");
    library_add(store, "/a/b-c/4", "4");
    int64_t twin = library_add(store, "/a/b/5", "5");
    library_add(store, "/elsewhere/5", "5");
    ck_assert_int_eq(ps__store_forget(&files, store, "/a/b//", &err), PS__OK);
    ck_assert_int_eq(files, 3);
    ck_assert_int_eq(ps__store_count(&counts, store, &err), PS__OK);
    ck_assert_int_eq(counts.files, 3);
    ck_assert_int_eq(counts.photos, 3);
    ck_assert_int_eq(counts.vectors, 3);
    ck_assert_int_eq(ps__store_photo_by_path(&id, store, "/elsewhere/5", &err), PS__OK);
    ck_assert_int_eq(id, twin);
    ck_assert_int_eq(ps__store_forget(&files, store, "/a/b", &err), PS__NOTFOUND);
    ck_assert_int_eq(ps__store_forget(&files, store, "a/b", &err), PS__INVALID);
    ck_assert_int_eq(ps__store_forget(&files, store, "/", &err), PS__OK);
    ck_assert_int_eq(files, 3);
    ck_assert_int_eq(ps__store_check(store, &err), PS__OK);
    ps__store_close(store);
}
END_TEST

/* ---- Filters ---------------------------------------------------------------------------------------------------------------- */

static int64_t add_noted(ps__store *store, const char *path, const char *taken, double latitude, double longitude) {
    ps__error err;
    int64_t seconds, id = library_add(store, path, path);
    if (ps__calendar_parse(&seconds, taken))
        ck_assert_int_eq(ps__sql_run(store, &err, "UPDATE photos SET taken = ? WHERE id = ?", "ii", seconds, id), PS__OK);
    if (latitude < 91)
        ck_assert_int_eq(ps__sql_run(store, &err, "UPDATE photos SET latitude = ?, longitude = ? WHERE id = ?", "ddi", latitude,
                                     longitude, id),
                         PS__OK);
    return id;
}

static void check_select(ps__store *store, const ps__store_filter *f, size_t count, int64_t first, int64_t second) {
    ps__error err = {0};
    int64_t *ids;
    size_t n;
    ck_assert_msg(ps__store_select(&ids, &n, store, f, &err) == PS__OK, "%s", err.text);
    ck_assert_uint_eq(n, count);
    if (n > 0) ck_assert_int_eq(ids[0], first);
    if (n > 1) ck_assert_int_eq(ids[1], second);
    ps__free(ids);
}

START_TEST(filters_select_by_time_place_and_folder) {
    ps__store *store = library_open(PS__STORE_CREATE);
    ps__store_filter f = {0};
    int64_t a = add_noted(store, "/in/a", "2020-06-01T00:00:00", 48, 11),
            b = add_noted(store, "/in/b", "2021-06-01T00:00:00", -17, 179);
    int64_t c = add_noted(store, "/out/c", "", -17, -179), d = add_noted(store, "/out/d", "2020-12-31T23:59:59", 99, 0);
    check_select(store, &f, 4, a, b);
    f.use_taken = 1;
    ck_assert(ps__calendar_parse(&f.taken_from_s, "2020-06-01T00:00:00"));
    ck_assert(ps__calendar_parse(&f.taken_to_s, "2021-01-01T00:00:00"));
    check_select(store, &f, 2, a, d);
    f.taken_to_s = f.taken_from_s;
    check_select(store, &f, 0, 0, 0);
    f = (ps__store_filter){.use_box = 1, .south = -20, .north = -10, .west = 170, .east = -170};
    check_select(store, &f, 2, b, c);
    f = (ps__store_filter){.use_box = 1, .south = 40, .north = 50, .west = 0, .east = 20};
    check_select(store, &f, 1, a, 0);
    f = (ps__store_filter){.folder = "/out/"};
    check_select(store, &f, 2, c, d);
    f = (ps__store_filter){.folder = "/in/b"};
    check_select(store, &f, 1, b, 0);
    f.use_box = 1, f.south = -90, f.north = 0, f.west = -180, f.east = 180;
    check_select(store, &f, 1, b, 0);
    ps__store_close(store);
}
END_TEST

static int see_note(const ps__photo_note *note, void *payload) {
    seen *s = payload;
    s->ids[s->count++] = note->id;
    s->kinds[s->count - 1] = note->has_taken + 2 * note->has_gps;
    return 0;
}

START_TEST(notes_tell_what_is_known_and_what_is_not) {
    ps__store *store = library_open(PS__STORE_CREATE);
    ps__error err;
    seen s = {0};
    int64_t a = add_noted(store, "/a", "2020-06-01T00:00:00", 99, 0);
    add_noted(store, "/b", "", 1, 2);
    add_noted(store, "/c", "", 1, 500); /* not on Earth: as if unknown */
    ck_assert_int_eq(ps__store_each_note(store, 0, see_note, &s, &err), PS__OK);
    ck_assert_int_eq(s.count, 3);
    ck_assert_int_eq(s.ids[0], a);
    ck_assert_int_eq(s.kinds[0], 1);
    ck_assert_int_eq(s.kinds[1], 2);
    ck_assert_int_eq(s.kinds[2], 0);
    ps__store_close(store);
}
END_TEST

/* ---- Calendar --------------------------------------------------------------------------------------------------------------- */

START_TEST(every_day_of_the_calendar_goes_there_and_back) {
    int64_t first, last, s, next;
    char text[20];
    ck_assert(ps__calendar_parse(&first, "0001-01-01T00:00:00"));
    ck_assert(ps__calendar_parse(&last, "9999-12-31T00:00:00"));
    ck_assert_int_eq((last - first) / 86400, 3652058); /* days of 9,999 Gregorian years, less one */
    for (s = first; s <= last; s += 86400) {
        ps__calendar_text(text, s + 3661);
        if (!ps__calendar_parse(&next, text) || next != s + 3661) ck_abort_msg("%lld %s", (long long)s, text);
    }
    ps__calendar_text(text, 951782400);
    ck_assert_str_eq(text, "2000-02-29T00:00:00");
    ps__calendar_text(text, last + 86400);
    ck_assert_str_eq(text, "");
    ps__calendar_text(text, INT64_MIN);
    ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(impossible_dates_are_refused) {
    static const char *const bad[] = {"",
                                      "2021-02-29T00:00:00",
                                      "1900-02-29T00:00:00",
                                      "2021-13-01T00:00:00",
                                      "2021-00-01T00:00:00",
                                      "2021-01-32T00:00:00",
                                      "2021-01-01T24:00:00",
                                      "2021-01-01 00:00:00",
                                      "2021-01-01T00:00:00Z",
                                      "0000-01-01T00:00:00",
                                      "2021-1-1T0:0:0",
                                      "\xff"};
    int64_t s;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) ck_assert_msg(!ps__calendar_parse(&s, bad[i]), "%s", bad[i]);
}
END_TEST

/* ---- Memory ----------------------------------------------------------------------------------------------------------------- */

START_TEST(memory_that_runs_out_is_an_error_and_leaks_nothing) {
    ps__error err;
    ps__store *first = library_open(PS__STORE_CREATE);
    library_add(first, "/a", "a");
    ps__store_close(first);
    for (int nth = 0; nth < 40; nth++) {
        ps__store *store;
        ps__buf paths = PS__BUF_INIT;
        int64_t *ids = NULL;
        size_t n;
        ps__store_filter f = {.folder = "/"};
        ps__alloc_fail_after(nth, 0);
        int status = ps__store_open(&store, library_dir, PS__STORE_WRITE, &err);
        if (status == PS__OK) status = ps__store_paths(&paths, NULL, store, 1, &err);
        if (status == PS__OK) status = ps__store_select(&ids, &n, store, &f, &err);
        if (status == PS__OK) status = ps__store_lock(store, &err);
        ps__alloc_fail_after(-1, 0);
        ck_assert_msg(status == PS__OK || status == PS__NOMEM, "%d %s", status, err.text);
        if (nth < 4) ck_assert_int_eq(status, PS__NOMEM);
        ps__free(ids);
        ps__buf_free(&paths);
        ps__store_close(store);
    }
}
END_TEST

Suite *suite_store(void);
Suite *suite_store(void) {
    Suite *suite = suite_create("store");
    TCase *plain = tcase_create("calendar"), *disk = tcase_create("library");
    tcase_add_test(plain, every_day_of_the_calendar_goes_there_and_back);
    tcase_add_test(plain, impossible_dates_are_refused);
    tcase_set_timeout(plain, 60);
    suite_add_tcase(suite, plain);
    tcase_add_checked_fixture(disk, library_setup, library_teardown);
    tcase_set_timeout(disk, 60);
    tcase_add_test(disk, creates_a_library_and_opens_it_again);
    tcase_add_test(disk, a_new_library_is_readable_by_its_owner_alone_in_any_folder);
    tcase_add_test(disk, a_mode_that_the_owner_chose_is_kept);
    tcase_add_test(disk, reading_where_no_library_is_makes_none);
    tcase_add_test(disk, a_reading_handle_refuses_to_write);
    tcase_add_test(disk, a_photo_is_read_back_as_it_was_filed);
    tcase_add_test(disk, unknown_time_and_place_stay_unknown);
    tcase_add_test(disk, a_photo_keeps_its_place_until_it_moves_or_is_placed_anew);
    tcase_add_test(disk, a_photo_is_known_when_its_notes_are_of_this_version);
    tcase_add_test(disk, one_content_in_two_files_is_one_photo_with_two_paths);
    tcase_add_test(disk, vectors_come_in_photo_order_and_by_id);
    tcase_add_test(disk, spaces_do_not_mix_and_keep_their_dim);
    tcase_add_test(disk, the_change_log_tells_what_was_put_and_what_is_gone);
    tcase_add_test(disk, a_long_change_log_is_cut_and_says_so);
    tcase_add_test(disk, a_reader_keeps_its_view_while_another_writes);
    tcase_add_test(disk, forgetting_a_folder_takes_just_what_is_below_it);
    tcase_add_test(disk, filters_select_by_time_place_and_folder);
    tcase_add_test(disk, notes_tell_what_is_known_and_what_is_not);
    tcase_add_test(disk, memory_that_runs_out_is_an_error_and_leaks_nothing);
    suite_add_tcase(suite, disk);
    return suite;
}
