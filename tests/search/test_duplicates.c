/*
** Duplicates: the index of looks against looking at all, what is one picture and what is not, and groups around their best
** copies.
*/
#include <check.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/photosearch.h"
#include "base/alloc.h"
#include "base/half.h"
#include "search/duplicates.h"
#include "search/looks.h"
#include "tests/search/vectors.h"
#include "tests/store/faulty_vfs.h"

Suite *suite_duplicates(void);

/* ---- The index of looks ---- */

static uint64_t state = 0x9E3779B97F4A7C15u;

/* xorshift64 (Marsaglia 2003) */
static uint64_t draw(void) {
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

/* The look with so many of its bits turned. */
static uint64_t turn(uint64_t look, int bits) {
    uint64_t turned = 0;
    while (__builtin_popcountll(turned) < bits) turned |= UINT64_C(1) << (draw() % 64);
    return look ^ turned;
}

START_TEST(all_near_looks_are_found_and_no_others) {
    enum { COUNT = 4000 };
    static uint64_t looks[COUNT];
    static ps__near found[COUNT];
    ps__looks *index;
    size_t seen[PS__LOOKS_RADIUS + 1] = {0};
    ck_assert_int_eq(ps__looks_new(&index, COUNT, NULL), PS__OK);
    for (size_t i = 0; i < COUNT; i++) {
        looks[i] = i % 20 ? turn(looks[i - i % 20], (int)(i % 20)) : draw();
        ps__looks_add(index, looks[i]);
    }
    for (size_t i = 0; i < 500; i++) {
        uint64_t look = turn(looks[draw() % COUNT], (int)(draw() % 8));
        size_t n = ps__looks_find(found, COUNT, index, look), near = 0;
        for (size_t k = 0; k < COUNT; k++) near += __builtin_popcountll(looks[k] ^ look) <= PS__LOOKS_RADIUS;
        ck_assert_uint_eq(n, near);
        for (size_t k = 0; k < n; k++) {
            ck_assert_int_eq(found[k].bits, __builtin_popcountll(looks[found[k].number] ^ look));
            if (k)
                ck_assert(found[k - 1].bits < found[k].bits ||
                          (found[k - 1].bits == found[k].bits && found[k - 1].number < found[k].number));
            seen[found[k].bits]++;
        }
    }
    for (int bits = 0; bits <= PS__LOOKS_RADIUS; bits++) ck_assert_uint_gt(seen[bits], 20);
    ps__looks_free(index);
}
END_TEST

/* Each way that the bits can lie in the bands. */
START_TEST(ten_bits_are_found_wherever_they_are) {
    for (int a = 0; a <= 10; a++)
        for (int b = 0; a + b <= 10; b++)
            for (int c = 0; a + b + c <= 10; c++) {
                ps__looks *index;
                ps__near near;
                int d = 10 - a - b - c;
                uint64_t mask = ((UINT64_C(1) << a) - 1) | ((UINT64_C(1) << b) - 1) << 16 | ((UINT64_C(1) << c) - 1) << 32 |
                                ((UINT64_C(1) << d) - 1) << 48;
                ck_assert_int_eq(ps__looks_new(&index, 1, NULL), PS__OK);
                ps__looks_add(index, 0x123456789ABCDEF0u);
                ck_assert_msg(ps__looks_find(&near, 1, index, 0x123456789ABCDEF0u ^ mask) == 1, "%d %d %d %d", a, b, c, d);
                ck_assert_int_eq(near.bits, 10);
                ps__looks_free(index);
            }
}
END_TEST

START_TEST(the_nearest_come_first_when_room_is_short) {
    ps__looks *index;
    ps__near near[3];
    ck_assert_int_eq(ps__looks_new(&index, 9, NULL), PS__OK);
    for (int i = 8; i >= 0; i--) ps__looks_add(index, turn(0x00FF00FF00FF00FFu, i));
    ck_assert_uint_eq(ps__looks_find(near, 3, index, 0x00FF00FF00FF00FFu), 3);
    for (int i = 0; i < 3; i++) ck_assert_int_eq(near[i].bits, i);
    ck_assert_uint_eq(ps__looks_find(near, 3, index, ~UINT64_C(0x00FF00FF00FF00FF)), 0);
    ps__looks_free(index);
    ps__looks_free(NULL);
}
END_TEST

/* ---- What is the same picture ---- */

static void run_sql(const char *sql) {
    char path[LIBRARY_PATH + 16];
    sqlite3 *db;
    snprintf(path, sizeof path, "%.4000s/library.db", library_dir);
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(db));
    sqlite3_close(db);
}

/* What a photo of these tests is. */
typedef struct picture {
    const char *name;   /* of the file, without its ending */
    unsigned look_of;   /* pictures of one number have one look ... */
    int turned;         /* ... but for so many bits; -1: the look is not known */
    unsigned vector_of; /* pictures of one number have one vector ... */
    double angle;       /* ... but for this angle, in degrees */
    int width, height;
    long long bytes;
    long long taken; /* the camera says so; 0: it does not */
} picture;

static uint64_t look_of(const picture *p) {
    state = 0x9E3779B97F4A7C15u * (p->look_of + 1);
    uint64_t look = draw() >> 1;
    return p->turned < 0 ? 0 : turn(look, p->turned) & (UINT64_MAX >> 1);
}

/* Turned towards a vector of its own, which is at a right angle to the other. */
static void vector_of(uint16_t *halves, const picture *p) {
    float a[VECTORS_DIM], b[VECTORS_DIM];
    double along = 0, length = 0, angle = p->angle * 3.14159265358979323846 / 180;
    vectors_make(a, NULL, p->vector_of);
    vectors_make(b, NULL, p->vector_of + 25);
    for (int i = 0; i < VECTORS_DIM; i++) along += (double)a[i] * (double)b[i];
    for (int i = 0; i < VECTORS_DIM; i++) b[i] -= (float)along * a[i];
    for (int i = 0; i < VECTORS_DIM; i++) length += (double)b[i] * (double)b[i];
    for (int i = 0; i < VECTORS_DIM; i++) a[i] = (float)(cos(angle) * (double)a[i] + sin(angle) * (double)b[i] / sqrt(length));
    ps__halves_from_floats(halves, a, VECTORS_DIM);
}

static void add(ps__store *store, int space, const picture *p, long inode) {
    ps__error err = {0};
    char path[64], sql[256];
    uint16_t halves[VECTORS_DIM];
    int64_t id;
    ps__photo photo = {.bytes = p->bytes, .width = p->width, .height = p->height, .format = "jpeg"};
    ps__file_done done = {.stat = {p->bytes, 1000000001 + inode, inode, 1}, .photo = &photo, .halves = halves};
    snprintf(path, sizeof path, "/photos/%s.jpg", p->name);
    ps__store_hash(photo.hash, p->name, strlen(p->name));
    vector_of(halves, p);
    int status = ps__store_write(store, &err);
    if (status == PS__OK) status = ps__store_file_add(&done.file, store, path, &done.stat, 0, &err);
    if (status == PS__OK) status = ps__store_file_done(store, space, "test-1", VECTORS_DIM, &done, &err);
    if (status == PS__OK) status = ps__store_commit(store, &err);
    if (status == PS__OK) status = ps__store_photo_by_path(&id, store, path, &err);
    ck_assert_msg(status == PS__OK, "%s", err.text);
    snprintf(sql, sizeof sql, "UPDATE photos SET look = %lld, taken = nullif(%lld, 0), taken_source = %d WHERE id = %lld",
             (long long)look_of(p), p->taken, p->taken != 0 ? PS__TAKEN_EXIF : PS__TAKEN_UNKNOWN, (long long)id);
    run_sql(sql);
    if (p->turned < 0) run_sql("UPDATE photos SET look = NULL WHERE look = 0");
}

static void add_all(const picture *pictures, size_t count) {
    ps__error err = {0};
    int space;
    ps__store *store = library_open(PS__STORE_CREATE);
    ck_assert_int_eq(ps__store_use_model(&space, store, "test-1", VECTORS_SPACE, VECTORS_DIM, &err), PS__OK);
    for (size_t i = 0; i < count; i++) add(store, space, &pictures[i], (long)i + 1);
    ps__store_close(store);
}

static ps_library *library;

static ps_duplicates *find(double least) {
    ps_duplicates_options options = PS_DUPLICATES_OPTIONS_INIT;
    ps_duplicates *d;
    options.least_similarity = least;
    if (!library) ck_assert_int_eq(ps_library_open(&library, library_dir, NULL), PS_OK);
    ck_assert_msg(ps_duplicates_open(&d, library, &options) == PS_OK, "%s", ps_last_error(library));
    return d;
}

/* The groups as text: "a b | c d", the groups by the name of their best copy. */
static const char *groups(double least) {
    static char text[1024];
    char list[16][128] = {{0}};
    ps_duplicates *d = find(least);
    size_t count = ps_duplicates_count(d);
    ck_assert_uint_le(count, 16);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < ps_duplicates_files(d, i); k++) {
            ps_duplicate f = PS_DUPLICATE_INIT;
            ck_assert_int_eq(ps_duplicates_get(&f, d, i, k), PS_OK);
            size_t length = strlen(list[i]);
            snprintf(list[i] + length, sizeof list[i] - length, "%s%.*s", k ? " " : "", (int)strcspn(f.path + 8, "."),
                     f.path + 8);
        }
    qsort(list, count, sizeof *list, (int (*)(const void *, const void *))strcmp);
    text[0] = 0;
    for (size_t i = 0; i < count; i++) {
        if (i) strcat(text, " | ");
        strcat(text, list[i]);
    }
    ps_duplicates_free(d);
    return text;
}

static void setup(void) {
    library_setup();
    faulty_vfs_install();
    library = NULL;
}

static void teardown(void) {
    ps_library_close(library);
    library_teardown();
}

START_TEST(copies_are_grouped_with_the_best_first) {
    static const picture pictures[] = {
        {"a", 1, 2, 1, 10, 2000, 1500, 900, 0}, {"b", 1, 0, 1, 0, 4000, 3000, 2000, 0}, {"c", 1, 4, 1, 30, 400, 300, 90, 0},
        {"d", 2, 0, 2, 0, 800, 600, 100, 0},    {"e", 2, 0, 2, 1, 800, 600, 200, 0},    {"f", 3, 0, 3, 0, 800, 600, 100, 0},
    };
    add_all(pictures, 6);
    ck_assert_str_eq(groups(0), "b a c | e d");
    ps_duplicates *d = find(0);
    ps_duplicate f = PS_DUPLICATE_INIT;
    ck_assert_uint_eq(ps_duplicates_count(d), 2); /* b a c first: 990 bytes against 100 */
    ck_assert_uint_eq(ps_duplicates_saves(d, 0), 990);
    ck_assert_uint_eq(ps_duplicates_saves(d, 1), 100);
    ck_assert_int_eq(ps_duplicates_get(&f, d, 0, 0), PS_OK);
    ck_assert(f.similarity == 1.0 && f.exact && !f.linked && f.width == 4000 && f.height == 3000 && f.bytes == 2000 && !f.taken);
    ck_assert_int_eq(ps_duplicates_get(&f, d, 0, 2), PS_OK);
    ck_assert(fabs(f.similarity - cos(30 * 3.14159265 / 180)) < 0.002 && !f.exact);
    ck_assert_int_eq(ps_duplicates_get(&f, d, 0, 3), PS_NOTFOUND);
    ck_assert_int_eq(ps_duplicates_get(&f, d, 2, 0), PS_NOTFOUND);
    ps_duplicates_free(d);
}
END_TEST

/* Two photos, and whether they are one picture. */
static const struct {
    picture a, b;
    double least;
    int same;
} PAIRS[] = {
    {{"a", 1, 0, 1, 0, 40, 30, 9, 0},
     {"b", 1, 4, 1, 52, 40, 30, 8, 0},
     0,
     1}, /* looks nearly the same: broad agreement is enough */
    {{"a", 1, 0, 1, 0, 40, 30, 9, 0}, {"b", 1, 4, 1, 67, 40, 30, 8, 0}, 0, 0}, /* 0.97 * 0.42 = cos 66 */
    {{"a", 1, 0, 1, 0, 40, 30, 9, 0}, {"b", 1, 5, 1, 13, 40, 30, 8, 0}, 0, 1}, /* cos 13 = 0.974 */
    {{"a", 1, 0, 1, 0, 40, 30, 9, 0}, {"b", 1, 5, 1, 15, 40, 30, 8, 0}, 0, 0}, /* cos 15 = 0.966 */
    {{"a", 1, 0, 1, 0, 40, 30, 9, 0}, {"b", 1, 5, 1, 15, 40, 30, 8, 0}, 0.96, 1},
    {{"a", 1, 0, 1, 0, 40, 30, 9, 0}, {"b", 1, 10, 1, 0, 40, 30, 8, 0}, 0, 1},
    {{"a", 1, 0, 1, 0, 40, 30, 9, 0}, {"b", 1, 11, 1, 0, 40, 30, 8, 0}, 0, 0},
    {{"a", 1, 0, 1, 0, 40, 30, 9, 0}, {"b", 2, 0, 1, 0, 40, 30, 8, 0}, 0, 0},   /* the vector alone does not do */
    {{"a", 1, 0, 1, 0, 40, 30, 9, 0}, {"b", 1, 0, 2, 0, 40, 30, 8, 0}, 0, 0},   /* nor does the look */
    {{"a", 1, 0, 1, 0, 40, 30, 9, 77}, {"b", 1, 2, 1, 2, 40, 30, 8, 78}, 0, 0}, /* a burst */
    {{"a", 1, 0, 1, 0, 40, 30, 9, 77}, {"b", 1, 2, 1, 2, 40, 30, 8, 77}, 0, 1},
    {{"a", 1, 0, 1, 0, 40, 30, 9, 77}, {"b", 1, 2, 1, 2, 40, 30, 8, 0}, 0, 1}, /* an edit that lost its time */
    {{"a", 1, 0, 1, 0, 40, 33, 9, 0}, {"b", 1, 0, 1, 0, 40, 30, 8, 0}, 0, 1},
    {{"a", 1, 0, 1, 0, 40, 35, 9, 0}, {"b", 1, 0, 1, 0, 40, 30, 8, 0}, 0, 0},  /* of other proportions */
    {{"a", 1, 0, 1, 0, 40, 30, 9, 0}, {"b", 1, -1, 1, 0, 40, 30, 8, 0}, 0, 0}, /* nothing is known */
};

START_TEST(both_look_and_vector_must_agree) {
    const picture pair[2] = {PAIRS[_i].a, PAIRS[_i].b};
    add_all(pair, 2);
    ck_assert_str_eq(groups(PAIRS[_i].least), PAIRS[_i].same ? "a b" : "");
}
END_TEST

START_TEST(plain_pictures_are_told_by_content_only) {
    static const picture pictures[] = {{"a", 1, 0, 1, 0, 40, 30, 9, 0}, {"b", 1, 0, 1, 0, 40, 30, 8, 0}};
    add_all(pictures, 2);
    ck_assert_str_eq(groups(0), "a b");
    run_sql("UPDATE photos SET look = 0");
    ck_assert_str_eq(groups(0), "");
}
END_TEST

/* Each is nearly the one before, but the last is far from the first. */
START_TEST(chains_do_not_join) {
    static const picture pictures[] = {
        {"a", 1, 0, 1, 0, 80, 60, 9, 0},  {"b", 1, 0, 1, 12, 70, 52, 8, 0}, {"c", 1, 0, 1, 24, 60, 45, 7, 0},
        {"d", 1, 0, 1, 36, 50, 38, 6, 0}, {"e", 1, 0, 1, 70, 40, 30, 5, 0}, {"f", 1, 0, 1, 82, 30, 23, 4, 0},
    };
    add_all(pictures, 6);
    ck_assert_str_eq(groups(0), "a b c d | e f"); /* e is 70 degrees off a, though 34 off d */
}
END_TEST

START_TEST(a_copy_joins_the_best_copy_it_agrees_with_most) {
    static const picture pictures[] = {
        {"a", 1, 0, 1, 0, 80, 60, 9, 0},
        {"b", 1, 2, 1, 80, 70, 52, 8, 0},
        {"c", 1, 1, 1, 45, 60, 45, 7, 0},
        {"d", 1, 1, 1, 36, 50, 38, 6, 0},
    };
    add_all(pictures, 4);
    ck_assert_str_eq(groups(0), "a d | b c");
}
END_TEST

/* c looks nearly like a, and is b but for a few bits of the look. */
START_TEST(nearly_the_same_look_goes_before_a_nearer_vector) {
    static const picture pictures[] = {
        {"a", 1, 0, 1, 0, 80, 60, 9, 0},
        {"b", 1, 7, 1, 40, 70, 52, 8, 0},
        {"c", 1, 2, 1, 38, 60, 45, 7, 0},
    };
    add_all(pictures, 3);
    ck_assert_str_eq(groups(0), "a c");
    run_sql("DELETE FROM files WHERE path = CAST('/photos/a.jpg' AS BLOB)");
    ck_assert_str_eq(groups(0), "b c");
}
END_TEST

START_TEST(files_of_one_content_are_exact_copies) {
    static const picture pictures[] = {
        {"a", 1, 0, 1, 0, 40, 30, 9, 0}, {"b", 1, 0, 1, 20, 30, 22, 7, 0}, {"c", 2, 0, 2, 0, 40, 30, 9, 0}};
    add_all(pictures, 3);
    run_sql(
        "INSERT INTO files(path, photo, state, size, mtime_ns, inode, device)"
        " SELECT CAST('/photos/a2.jpg' AS BLOB), photo, 0, 9, 2, 50, 1 FROM files WHERE path = CAST('/photos/a.jpg' AS BLOB);"
        "INSERT INTO files(path, photo, state, size, mtime_ns, inode, device)"
        " SELECT CAST('/photos/c2.jpg' AS BLOB), photo, 0, 9, 2, inode, 1 FROM files WHERE path = CAST('/photos/c.jpg' AS BLOB);"
        "INSERT INTO files(path, photo, state, size, mtime_ns, inode, device)"
        " SELECT CAST('/photos/b2.jpg' AS BLOB), photo, 0, 7, 2, inode, 1 FROM files WHERE path = CAST('/photos/b.jpg' AS BLOB)");
    ck_assert_str_eq(groups(0), "a a2 b b2"); /* c and c2 are two names of one file */
    ps_duplicates *d = find(0);
    ps_duplicate f[4] = {PS_DUPLICATE_INIT, PS_DUPLICATE_INIT, PS_DUPLICATE_INIT, PS_DUPLICATE_INIT};
    for (size_t i = 0; i < 4; i++) ck_assert_int_eq(ps_duplicates_get(&f[i], d, 0, i), PS_OK);
    ck_assert(f[0].photo == f[1].photo && f[1].exact && !f[1].linked && f[1].similarity == 1.0);
    ck_assert(!f[2].exact && !f[2].linked && !f[3].exact && f[3].linked);
    ck_assert_uint_eq(ps_duplicates_saves(d, 0), 16);
    ps_duplicates_free(d);
}
END_TEST

START_TEST(files_that_are_not_as_known_do_not_count) {
    static const picture pictures[] = {{"a", 1, 0, 1, 0, 40, 30, 9, 0}, {"b", 1, 0, 1, 0, 40, 30, 8, 0}};
    add_all(pictures, 2);
    for (int state_of = 1; state_of <= 5; state_of++) { /* pending, failed, given up, gone, previewed */
        char sql[128];
        snprintf(sql, sizeof sql, "UPDATE files SET state = %d WHERE path = CAST('/photos/a.jpg' AS BLOB)", state_of);
        run_sql(sql);
        ck_assert_str_eq(groups(0), "");
    }
    run_sql("UPDATE files SET state = 0; UPDATE photos SET preview = 1 WHERE bytes = 9");
    ck_assert_str_eq(groups(0), "");
    run_sql("UPDATE photos SET preview = 0");
    ck_assert_str_eq(groups(0), "a b");
}
END_TEST

static void take_note(int level, const char *line, void *payload) {
    ck_assert_int_eq(level, PS_LOG_WARNING);
    snprintf(payload, 256, "%s", line);
}

START_TEST(photos_without_a_look_are_told_of) {
    static const picture pictures[] = {{"a", 1, 0, 1, 0, 40, 30, 9, 0}, {"b", 1, -1, 1, 0, 40, 30, 8, 0}};
    ps_library_options options = PS_LIBRARY_OPTIONS_INIT;
    char note[256] = "";
    add_all(pictures, 2);
    run_sql("UPDATE photos SET notes = 0");
    options.log = take_note;
    options.log_payload = note;
    ck_assert_int_eq(ps_library_open(&library, library_dir, &options), PS_OK);
    ps_duplicates_free(find(0));
    ck_assert_msg(strstr(note, "1 photo was compared by content only") != NULL, "%s", note);
    note[0] = 0;
    run_sql("UPDATE photos SET notes = 1"); /* it was read: it is too plain to have a look */
    ps_duplicates_free(find(0));
    ck_assert_str_eq(note, "");
}
END_TEST

START_TEST(an_empty_library_and_wrong_arguments) {
    ps_duplicates_options options = PS_DUPLICATES_OPTIONS_INIT;
    ps_duplicates *d;
    ps_duplicate f = PS_DUPLICATE_INIT;
    ck_assert_int_eq(ps_library_open(&library, library_dir, NULL), PS_OK);
    ck_assert_str_eq(groups(0), "");
    ck_assert_int_eq(ps_duplicates_open(NULL, library, NULL), PS_INVALID);
    ck_assert_int_eq(ps_duplicates_open(&d, NULL, NULL), PS_INVALID);
    static const double wrong[] = {-0.1, 1.1, NAN};
    for (int i = 0; i < 3; i++) {
        options.least_similarity = wrong[i];
        ck_assert_int_eq(ps_duplicates_open(&d, library, &options), PS_INVALID);
        ck_assert_ptr_null(d);
    }
    options.version = 99;
    ck_assert_int_eq(ps_duplicates_open(&d, library, &options), PS_INVALID);
    ck_assert_int_eq(ps_duplicates_get(&f, NULL, 0, 0), PS_INVALID);
    ck_assert_uint_eq(ps_duplicates_count(NULL) + ps_duplicates_files(NULL, 0) + ps_duplicates_saves(NULL, 0), 0);
    ps_duplicates_free(NULL);
}
END_TEST

/* Many photos of one look must not take forever, nor be lost. */
START_TEST(very_many_photos_of_one_look_are_managed) {
    enum { COUNT = 6000 };
    int space = vectors_add(0, COUNT);
    (void)space;
    run_sql("UPDATE photos SET look = 255, width = 40, height = 30, bytes = 1000000 - id");
    ps_duplicates *d = find(0);
    size_t files = 0;
    for (size_t i = 0; i < ps_duplicates_count(d); i++) files += ps_duplicates_files(d, i);
    ck_assert_uint_gt(files, COUNT * 9 / 10); /* the vectors lie around 50 centres */
    ps_duplicates_free(d);
}
END_TEST

/* ---- What may fail ---- */

static const picture LIFE[] = {
    {"a", 1, 2, 1, 10, 2000, 1500, 900, 5},
    {"b", 1, 0, 1, 0, 4000, 3000, 2000, 5},
    {"c", 2, 0, 2, 0, 800, 600, 100, 0},
    {"d", 2, 0, 2, 1, 800, 600, 200, 0},
};

START_TEST(every_allocation_may_fail) {
    int status = PS_NOMEM;
    long n = 0;
    add_all(LIFE, 4);
    ck_assert_str_eq(groups(0), "b a | d c");
    for (; status != PS_OK; n++) {
        ps_duplicates *d;
        ck_assert_int_lt(n, 200);
        ps__alloc_fail_after(n, 0);
        status = ps_duplicates_open(&d, library, NULL);
        ps__alloc_fail_after(-1, 0);
        ck_assert_msg(status == PS_OK || status == PS_NOMEM, "%ld: %d %s", n, status, ps_last_error(library));
        ck_assert(status == PS_OK || !d);
        ps_duplicates_free(d);
    }
    ck_assert_int_gt(n, 20);
}
END_TEST

START_TEST(every_call_of_sqlite_may_fail) {
    int reached = 1, errors = 0;
    add_all(LIFE, 4);
    for (long n = 0; reached; n++) {
        ps_duplicates *d;
        ps_library_close(library); /* so that pages are read anew */
        ck_assert_int_eq(ps_library_open(&library, library_dir, NULL), PS_OK);
        faulty_vfs_fail_one(n);
        int status = ps_duplicates_open(&d, library, NULL);
        reached = faulty_vfs_failed() != NULL;
        faulty_vfs_fail_one(-1);
        errors += status != PS_OK;
        if (status == PS_OK) ck_assert_uint_eq(ps_duplicates_count(d), 2);
        ps_duplicates_free(d);
    }
    ck_assert_int_gt(errors, 2);
}
END_TEST

Suite *suite_duplicates(void) {
    Suite *suite = suite_create("duplicates");
    TCase *looks = tcase_create("looks"), *groups_of = tcase_create("groups"), *faults = tcase_create("faults");
    tcase_add_test(looks, all_near_looks_are_found_and_no_others);
    tcase_add_test(looks, ten_bits_are_found_wherever_they_are);
    tcase_add_test(looks, the_nearest_come_first_when_room_is_short);
    tcase_add_checked_fixture(groups_of, setup, teardown);
    tcase_add_checked_fixture(faults, setup, teardown);
    tcase_set_timeout(faults, 120);
    tcase_set_timeout(groups_of, 120);
    tcase_add_test(groups_of, copies_are_grouped_with_the_best_first);
    tcase_add_loop_test(groups_of, both_look_and_vector_must_agree, 0, sizeof PAIRS / sizeof *PAIRS);
    tcase_add_test(groups_of, plain_pictures_are_told_by_content_only);
    tcase_add_test(groups_of, chains_do_not_join);
    tcase_add_test(groups_of, a_copy_joins_the_best_copy_it_agrees_with_most);
    tcase_add_test(groups_of, nearly_the_same_look_goes_before_a_nearer_vector);
    tcase_add_test(groups_of, files_of_one_content_are_exact_copies);
    tcase_add_test(groups_of, files_that_are_not_as_known_do_not_count);
    tcase_add_test(groups_of, photos_without_a_look_are_told_of);
    tcase_add_test(groups_of, an_empty_library_and_wrong_arguments);
    tcase_add_test(groups_of, very_many_photos_of_one_look_are_managed);
    tcase_add_test(faults, every_allocation_may_fail);
    tcase_add_test(faults, every_call_of_sqlite_may_fail);
    suite_add_tcase(suite, looks);
    suite_add_tcase(suite, groups_of);
    suite_add_tcase(suite, faults);
    return suite;
}
