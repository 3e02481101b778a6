/*
** Filters to photos: a gallery of a few photos of which this and that is known, and which of them each filter lets pass.
*/
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/half.h"
#include "search/filter.h"
#include "search/gallery.h"
#include "search/plain_words.h"
#include "search/unique.h"
#include "store/inside.h"
#include "store/words.h"
#include "tests/store/library.h"

Suite *suite_filter(void);

#define DAY(y, m, d) (ps__day(y, m, d) * PS__DAY_S)
#define HOUR 3600

static ps__store *store;
static ps__columns *columns;
static ps__table *table;
static ps__gazetteer *gazetteer;

/* Photos a, b, c ...: their contents are these letters. Each line sets what is known of one. */
static const struct {
    const char *path, *facts;
} photos[] = {
    /* a */ {"/home/ann/Pictures/2021 Summer/IMG_20210704_1.jpg",
             "taken = 1625407200, taken_source = 1, latitude = 38.71, longitude = -9.14, city = 2267057, region = 2267056, country = 'PT',"
             " make = 'NIKON CORPORATION', model = 'NIKON D750', lens = 'AF-S NIKKOR 50mm', flash = 0, rating = 5, width = 6016, height = 4016,"
             " bytes = 9000000, format = 'jpeg'"}, /* 2021-07-04 14:00, Sunday, Lisbon */
    /* b */ {"/home/ann/Pictures/2021 Summer/beach \xC3\xA9t\xC3\xA9.png",
             "taken = 1625443200, taken_source = 4, latitude = 38.69, longitude = -9.42, country = 'PT', region = 2267056, city = 2269594,"
             " make = 'Apple', model = 'iPhone 12', flash = 1, rating = 2, width = 3000, height = 4000, bytes = 2000000, format = 'png'"},
    /* 2021-07-05 00:00, Monday, Cascais */
    /* c */ {"/home/ann/Pictures/winter/IMG_0003.HEIC",
             "taken = 1609459200, taken_source = 5, make = 'Apple', model = 'iPhone 12', width = 4000, height = 1000, bytes = 3000000, format ="
             " 'heic', kinds = 2"}, /* 2021-01-01, by its name only */
    /* d */ {"/home/ann/Screens/Screenshot-2020.png",
             "taken = 1577880000, taken_source = 6, width = 1000, height = 1000, bytes = 100000, format = 'png', kinds = 1"},
    /* 2020-01-01 12:00, by the file's age */
    /* e */ {"/home/ann/\xE6\x97\x85\xE8\xA1\x8C\xE7\x85\xA7\xE7\x89\x87/\xE5\xB7\xB4\xE9\xBB\x8E.jpg",
             "latitude = 48.85, longitude = 2.35, country = 'FR', width = 100, height = 101, format = 'jpeg', bytes = 1"},
    /* f */ {"/home/ann/old/nothing", "width = 0, height = 0, format = '', bytes = 0"},
};
#define PHOTOS (sizeof photos / sizeof *photos)

static void sql(ps__store *to, const char *text) {
    ps__error err = {0};
    ck_assert_msg(ps__sql_exec(to, text, &err) == PS__OK, "%s: %s", text, err.text);
}

static void add_words(ps__store *writer, const char *content, const char *column, const char *text) {
    ps__buf folded = PS__BUF_INIT, statement = PS__BUF_INIT;
    ps__words_fold(&folded, text, strlen(text));
    ps__buf_printf(&statement, "INSERT INTO words(rowid, %s) VALUES(%d, '%s')", column, content[0] - 'a' + 1, folded.bytes);
    sql(writer, statement.bytes);
    ps__buf_free(&folded);
    ps__buf_free(&statement);
}

static void take_table(void) {
    ps__error err = {0};
    ps__table_put(table);
    ck_assert_int_eq(ps__store_begin(store, NULL), PS__OK);
    ck_assert_msg(ps__columns_take(&table, columns, store, &err) == PS__OK, "%s", err.text);
    ps__store_end(store);
}

static void setup(void) {
    char text[1000];
    ps__error err = {0};
    library_setup();
    ps__store *writer = library_open(PS__STORE_CREATE);
    for (size_t i = 0; i < PHOTOS; i++) {
        const char content[2] = {(char)('a' + i), 0};
        ck_assert_int_eq(library_add(writer, photos[i].path, content), (int64_t)i + 1);
        snprintf(text, sizeof text, "UPDATE photos SET %s WHERE id = %zu", photos[i].facts, i + 1);
        sql(writer, text);
    }
    add_words(writer, "a", "caption", "Sunset over the \xC3\x85ngstr\xC3\xB6m bridge. AND NOT today");
    add_words(writer, "b", "keywords", "beach, Crab");
    add_words(writer, "c", "seen", "EXIT \"left\" only");
    add_words(writer, "d", "title", "\xE9\x95\xBF\xE5\x9F\x8E\xE7\x9A\x84\xE5\xA4\x8F\xE5\xA4\xA9");
    add_words(writer, "e", "tags", "red car");
    ps__store_close(writer);
    store = library_open(PS__STORE_READ);
    ck_assert_int_eq(ps__columns_new(&columns, store, NULL, NULL), PS__OK);
    const char *build = getenv("PHOTOSEARCH_TEST_BUILD");
    snprintf(text, sizeof text, "%.900s/../places.gazetteer", build ? build : "build/plain");
    ck_assert_msg(ps__gazetteer_open(&gazetteer, text, &err) == PS__OK, "%s", err.text);
    take_table();
}

static void teardown(void) {
    ps__table_put(table);
    table = NULL;
    ps__columns_free(columns);
    ps__store_close(store);
    ps__gazetteer_free(gazetteer);
    library_teardown();
}

/* ---- One filter, or several ---- */

static void expect(const ps__filter *filters, size_t count, const char *expected, const char *what) {
    ps__error err = {0};
    ps__selection s;
    char found[PHOTOS + 1];
    size_t n = 0;
    int status = ps__filter_select(&s, table, store, gazetteer, filters, count, &err);
    ck_assert_msg(status == PS__OK, "%s: %s", what, err.text);
    for (size_t i = 0; i < PHOTOS; i++)
        if (ps__selection_has(&s, (int64_t)i + 1)) found[n++] = (char)('a' + i);
    found[n] = 0;
    ck_assert_msg(strcmp(found, expected) == 0, "%s: '%s' instead of '%s'", what, found, expected);
    ck_assert_uint_eq(s.count, n);
    ps__selection_clear(&s);
}

/* The filter, its negative, and its lenient form. */
static void expect_three(ps__filter filter, const char *yes, const char *no, const char *lenient, const char *what) {
    expect(&filter, 1, yes, what);
    filter.negative = 1;
    expect(&filter, 1, no, what);
    filter.negative = 0;
    filter.lenient = 1;
    expect(&filter, 1, lenient, what);
}

static ps__filter when(int64_t from, int64_t to) {
    ps__filter f = {.kind = PS__FILTER_WHEN};
    ck_assert_int_eq(ps__when_span(&f.when, from, to, NULL), PS__OK);
    return f;
}

START_TEST(no_filter_lets_every_photo_pass) {
    expect(NULL, 0, "abcdef", "nothing");
    ps__store *writer = library_open(PS__STORE_WRITE);
    sql(writer, "UPDATE files SET state = 4 WHERE id IN (2, 5)");
    ps__store_close(writer);
    take_table();
    expect(NULL, 0, "acdf", "files that are away");
}
END_TEST

START_TEST(dates_need_a_date_and_hours_a_clock) {
    ps__filter f = when(DAY(2021, 1, 1), DAY(2022, 1, 1));
    expect_three(f, "abc", "def", "abcef", "2021");
    ps__when_clear(&f.when);
    f = when(PS__WHEN_FIRST, DAY(2021, 1, 1));
    expect_three(f, "d", "abcef", "def", "before 2021");
    ps__when_clear(&f.when);
    f = when(PS__WHEN_FIRST, PS__WHEN_LAST);
    f.when.minute_from = 12 * 60;
    f.when.minute_to = 18 * 60;
    expect_three(f, "a", "bcdef", "acdef", "in the afternoon");
    f.when.minute_from = 21 * 60;
    f.when.minute_to = 5 * 60;
    expect_three(f, "b", "acdef", "bcdef", "at night");
    ps__when_clear(&f.when);
    f = when(DAY(2021, 1, 1), DAY(2022, 1, 1)); /* hours and days in one: d is known not to pass */
    f.when.minute_from = 21 * 60;
    f.when.minute_to = 5 * 60;
    expect_three(f, "b", "acdef", "bcef", "at night in 2021");
    ps__when_clear(&f.when);
    f = when(PS__WHEN_FIRST, PS__WHEN_LAST);
    f.when.weekdays = 1u << 6;
    expect_three(f, "a", "bcdef", "adef", "on Sundays");
    ps__when_clear(&f.when);
}
END_TEST

START_TEST(places_need_a_position) {
    ps__filter near = {.kind = PS__FILTER_WHERE, .where = {.near = 1, .radius_km = 25}};
    near.where.place.latitude = 38.72;
    near.where.place.longitude = -9.14;
    expect_three(near, "ab", "cdef", "abcdf", "near Lisbon 25 km");
    near.where.radius_km = 10;
    expect_three(near, "a", "bcdef", "acdf", "near Lisbon 10 km");
    near.where.radius_km = 1452;
    expect(&near, 1, "ab", "near Lisbon 1452 km");
    near.where.radius_km = 1457;
    expect(&near, 1, "abe", "near Lisbon 1457 km");
    ps__filter in = {.kind = PS__FILTER_WHERE};
    ck_assert_uint_ge(ps__gazetteer_find(&in.where.place, 1, NULL, gazetteer, "portugal", 8), 1);
    expect_three(in, "ab", "cdef", "abcdf", "in Portugal");
    ck_assert_uint_ge(ps__gazetteer_find(&in.where.place, 1, NULL, gazetteer, "france", 6), 1);
    expect_three(in, "e", "abcdf", "cdef", "in France");
    ck_assert_uint_ge(ps__gazetteer_find(&in.where.place, 1, NULL, gazetteer, "europe", 6), 1);
    ck_assert_int_eq(in.where.place.kind, PS__PLACE_CONTINENT);
    expect_three(in, "abe", "cdf", "abcdef", "in Europe");
    ck_assert_uint_ge(ps__gazetteer_find(&in.where.place, 1, NULL, gazetteer, "lisbon", 6), 1);
    ck_assert_int_eq(in.where.place.kind, PS__PLACE_CITY);
    expect(&in, 1, "a", "in Lisbon");
    ps__selection s; /* without a gazetteer nothing is known */
    ck_assert_int_eq(ps__filter_select(&s, table, store, NULL, &in, 1, NULL), PS__OK);
    ck_assert_uint_eq(s.count, 0);
    ps__selection_clear(&s);
}
END_TEST

/* The table by countries says what looking at each position does. */
START_TEST(whole_countries_agree_with_their_positions) {
    static const char *const names[] = {"europe", "asia", "africa", "alps", "scandinavia", "balkans", "middle east", "mallorca", "portugal"};
    static const struct {
        const char country[3];
        double latitude, longitude;
    } positions[] = {{"PT", 38.7, -9.1}, {"AT", 47.3, 11.4}, {"FR", 48.8, 2.3}, {"FR", 45.9, 6.9}, {"RU", 55.7, 37.6}, {"RU", 56, 93}, {"TR", 41, 28.9},
                     {"TR", 39.9, 32.8}, {"ES", 39.6, 2.9}, {"ES", 28.3, -16.5}, {"SE", 59.3, 18}, {"EG", 30, 31.2}, {"ID", -6.2, 106.8}, {"JP", 35, 139}};
    int known = 0, depends = 0;
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        ps__place place;
        if (!ps__gazetteer_find(&place, 1, NULL, gazetteer, names[n], strlen(names[n]))) continue;
        for (size_t i = 0; i < sizeof positions / sizeof *positions; i++) {
            ps__position p = {positions[i].latitude, positions[i].longitude, 0, 0, {positions[i].country[0], positions[i].country[1], 0}};
            int all = ps__place_by_country(gazetteer, &place, positions[i].country);
            ck_assert_msg(all < 0 || all == ps__place_has(gazetteer, &place, &p), "%s, %s", names[n], positions[i].country);
            *(all < 0 ? &depends : &known) += 1;
        }
    }
    ck_assert_int_gt(known, 20);
    ck_assert_int_gt(depends, 0);
}
END_TEST

START_TEST(attributes_of_the_photo) {
    static const struct {
        ps__filter filter;
        const char *yes, *no, *lenient;
    } table_of[] = {
        {{.kind = PS__FILTER_CAMERA, .text = "nikon"}, "a", "bcdef", "adef"},
        {{.kind = PS__FILTER_CAMERA, .text = "d750 nikon"}, "a", "bcdef", "adef"},
        {{.kind = PS__FILTER_CAMERA, .text = "iPhone-12"}, "bc", "adef", "bcdef"},
        {{.kind = PS__FILTER_CAMERA, .text = "iphone 1"}, "", "abcdef", "def"},
        {{.kind = PS__FILTER_CAMERA, .text = "!"}, "", "abcdef", "def"},
        {{.kind = PS__FILTER_LENS, .text = "nikkor 50mm"}, "a", "bcdef", "abcdef"},
        {{.kind = PS__FILTER_FLASH, .value = 1}, "b", "acdef", "bcdef"},
        {{.kind = PS__FILTER_FLASH, .value = 0}, "a", "bcdef", "acdef"},
        {{.kind = PS__FILTER_SHAPE, .value = PS__SHAPE_PORTRAIT}, "b", "acdef", "bf"},
        {{.kind = PS__FILTER_SHAPE, .value = PS__SHAPE_LANDSCAPE}, "ac", "bdef", "acf"},
        {{.kind = PS__FILTER_SHAPE, .value = PS__SHAPE_SQUARE}, "de", "abcf", "def"},
        {{.kind = PS__FILTER_SHAPE, .value = PS__SHAPE_PANORAMA}, "c", "abdef", "cf"},
        {{.kind = PS__FILTER_KIND, .value = PS__KIND_SCREENSHOT}, "d", "abcef", "d"},
        {{.kind = PS__FILTER_KIND, .value = PS__KIND_PANORAMA | PS__KIND_SCREENSHOT}, "cd", "abef", "cd"},
        {{.kind = PS__FILTER_TYPE, .text = "png"}, "bd", "acef", "bdf"},
        {{.kind = PS__FILTER_RATING, .low = 4, .high = INFINITY}, "a", "bcdef", "acdef"},
        {{.kind = PS__FILTER_RATING, .low = 2, .high = 2}, "b", "acdef", "bcdef"},
        {{.kind = PS__FILTER_PIXELS, .low = 12e6, .high = INFINITY}, "ab", "cdef", "abf"},
        {{.kind = PS__FILTER_PIXELS, .low = -INFINITY, .high = 4e6}, "cde", "abf", "cdef"},
        {{.kind = PS__FILTER_BYTES, .low = 2e6, .high = 3e6}, "bc", "adef", "bc"},
    };
    for (size_t i = 0; i < sizeof table_of / sizeof *table_of; i++) {
        char what[60];
        snprintf(what, sizeof what, "line %zu (%s)", i, table_of[i].filter.text ? table_of[i].filter.text : "");
        expect_three(table_of[i].filter, table_of[i].yes, table_of[i].no, table_of[i].lenient, what);
    }
}
END_TEST

START_TEST(words_are_text_and_never_syntax) {
    static const struct {
        int kind;
        const char *text, *yes;
    } table_of[] = {
        {PS__FILTER_WORDS, "sunset", "a"},
        {PS__FILTER_WORDS, "SUNSET over", "a"},
        {PS__FILTER_WORDS, "over sunset", ""},
        {PS__FILTER_WORDS, "angstrom BRIDGE", "a"},
        {PS__FILTER_WORDS, "and not today", "a"},
        {PS__FILTER_WORDS, "sunset OR exit", ""},
        {PS__FILTER_WORDS, "sun*", ""},
        {PS__FILTER_WORDS, "caption:sunset", ""},
        {PS__FILTER_WORDS, "NEAR(sunset bridge)", ""},
        {PS__FILTER_WORDS, "\"", ""},
        {PS__FILTER_WORDS, "exit \"left", "c"},
        {PS__FILTER_WORDS, "\" OR \"left", ""},
        {PS__FILTER_WORDS, "", ""},
        {PS__FILTER_WORDS, "\xFF", ""},
        {PS__FILTER_WORDS, "beach", "b"},
        {PS__FILTER_WORDS, "winter", "c"}, /* of its path */
        {PS__FILTER_WORDS, "red car", ""},
        {PS__FILTER_WORDS, "\xE5\xA4\x8F\xE5\xA4\xA9", "d"},
        {PS__FILTER_WORDS, "\xE5\xA4\xA9\xE5\xA4\x8F", ""},
        {PS__FILTER_WORDS, "\xE6\x97\x85\xE8\xA1\x8C", "e"}, /* of its path */
        {PS__FILTER_TAG, "crab", "b"},
        {PS__FILTER_TAG, "red car", "e"},
        {PS__FILTER_TAG, "sunset", ""},
        {PS__FILTER_FOLDER, "summer", "ab"},
        {PS__FILTER_FOLDER, "2021 summer", "ab"},
        {PS__FILTER_FOLDER, "2021 SUMMER!", "ab"},
        {PS__FILTER_FOLDER, "pictures", "abc"},
        {PS__FILTER_FOLDER, "pictures winter", ""}, /* not of one folder */
        {PS__FILTER_FOLDER, "ann", "abcdef"},
        {PS__FILTER_FOLDER, "beach", ""}, /* a file's name */
        {PS__FILTER_FOLDER, "\xE6\x97\x85\xE8\xA1\x8C", "e"},
        {PS__FILTER_FOLDER, "", ""},
        {PS__FILTER_NAME, "beach", "b"},
        {PS__FILTER_NAME, "beach ete", "b"},
        {PS__FILTER_NAME, "winter", ""}, /* a folder */
        {PS__FILTER_NAME, "\xE5\xB7\xB4\xE9\xBB\x8E", "e"},
        {PS__FILTER_NAME, "screenshot", "d"},
        {PS__FILTER_NAME, "img_*", "ac"},
        {PS__FILTER_NAME, "IMG_????.heic", "c"},
        {PS__FILTER_NAME, "IMG_???.heic", ""},
        {PS__FILTER_NAME, "*.png", "bd"},
        {PS__FILTER_NAME, "*shot*", "d"},
        {PS__FILTER_NAME, "*", "abcdef"},
        {PS__FILTER_NAME, "beach ?t?.png", "b"},
        {PS__FILTER_NAME, "??.jpg", "e"},
        {PS__FILTER_NAME, "2021*", ""},
        {PS__FILTER_NAME, "*2021*", "a"},
        {PS__FILTER_NAME, "*\"*", ""},
    };
    for (size_t i = 0; i < sizeof table_of / sizeof *table_of; i++) {
        ps__filter f = {.kind = table_of[i].kind, .text = (char *)(uintptr_t)table_of[i].text};
        char rest[PHOTOS + 1];
        size_t n = 0;
        for (char c = 'a'; c < 'a' + (int)PHOTOS; c++)
            if (!strchr(table_of[i].yes, c)) rest[n++] = c;
        rest[n] = 0;
        expect_three(f, table_of[i].yes, rest, table_of[i].yes, table_of[i].text);
    }
    ps__selection s;
    ps__filter f = {.kind = PS__FILTER_TAG, .text = (char *)(uintptr_t)"crab"};
    ck_assert_int_eq(ps__filter_select(&s, table, NULL, gazetteer, &f, 1, NULL), PS__INVALID);
    f.kind = 99;
    ck_assert_int_eq(ps__filter_select(&s, table, store, gazetteer, &f, 1, NULL), PS__INVALID);
}
END_TEST

START_TEST(a_photo_of_several_files_is_in_the_folders_of_each) {
    ps__filter f = {.kind = PS__FILTER_FOLDER, .text = (char *)(uintptr_t)"summer"};
    ps__store *writer = library_open(PS__STORE_WRITE);
    sql(writer, "INSERT INTO files(path, photo, state, size, mtime_ns, inode, device) VALUES('/copies/the Summer-days/x.jpg', 3, 0, 1, 1, 1, 1),"
                " ('/copies/y.jpg', 1, 0, 1, 1, 1, 1), ('/summer/z.jpg', 4, 4, 1, 1, 1, 1)"); /* the last one is away */
    ps__store_close(writer);
    take_table();
    expect(&f, 1, "abc", "in folder summer");
    f.text = (char *)(uintptr_t)"copies";
    expect(&f, 1, "ac", "in folder copies");
    f.text = (char *)(uintptr_t)"days";
    expect(&f, 1, "c", "in folder days");
}
END_TEST

START_TEST(groups_are_met_by_any_of_theirs_and_all_must_be_met) {
    ps__filter png = {.kind = PS__FILTER_TYPE, .text = (char *)(uintptr_t)"png", .group = 4};
    ps__filter jpeg = {.kind = PS__FILTER_TYPE, .text = (char *)(uintptr_t)"jpeg", .group = 4};
    ps__filter apple = {.kind = PS__FILTER_CAMERA, .text = (char *)(uintptr_t)"apple", .group = 2};
    ps__filter square = {.kind = PS__FILTER_SHAPE, .value = PS__SHAPE_SQUARE, .group = 2};
    ps__filter no_screenshot = {.kind = PS__FILTER_KIND, .value = PS__KIND_SCREENSHOT, .negative = 1, .group = 9};
    const ps__filter either[] = {png, jpeg};
    expect(either, 2, "abde", "png or jpeg");
    const ps__filter both[] = {png, apple, jpeg, square};
    expect(both, 4, "bde", "png or jpeg, and apple or square");
    const ps__filter three[] = {no_screenshot, png, apple, jpeg, square};
    expect(three, 5, "be", "the same, and no screenshot");
    const ps__filter none[] = {png, {.kind = PS__FILTER_TYPE, .text = (char *)(uintptr_t)"heic", .group = 5}};
    expect(none, 2, "", "png and heic");
}
END_TEST

START_TEST(memory_that_runs_out_is_an_error) {
    ps__filter f[] = {{.kind = PS__FILTER_NAME, .text = (char *)(uintptr_t)"beach"},
                      {.kind = PS__FILTER_CAMERA, .text = (char *)(uintptr_t)"apple", .group = 1},
                      {.kind = PS__FILTER_WORDS, .text = (char *)(uintptr_t)"beach", .group = 2}};
    int failed = 0;
    for (long n = 0;; n++) {
        ps__selection s;
        ps__alloc_fail_after(n, 1);
        int status = ps__filter_select(&s, table, store, gazetteer, f, 3, NULL);
        ps__alloc_fail_after(-1, 0);
        if (status == PS__OK) {
            ck_assert_uint_eq(s.count, 1);
            ps__selection_clear(&s);
            break;
        }
        ck_assert_int_eq(status, PS__NOMEM);
        failed++;
    }
    ck_assert_int_gt(failed, 5);
}
END_TEST

/* ---- The parser's questions ---- */

START_TEST(the_gallery_knows_its_places_cameras_and_clocks) {
    ps__gallery gallery;
    ps__gallery_view view = {table, gazetteer, NULL};
    ps__gallery_make(&gallery, &view);
    ps__where where = {0};
    ck_assert_uint_ge(ps__gazetteer_find(&where.place, 1, NULL, gazetteer, "portugal", 8), 1);
    ck_assert_int_eq(gallery.photos_at(&where, gallery.payload), 2);
    ck_assert_uint_ge(ps__gazetteer_find(&where.place, 1, NULL, gazetteer, "japan", 5), 1);
    ck_assert_int_eq(gallery.photos_at(&where, gallery.payload), 0);
    ck_assert(gallery.has_camera("nikon", gallery.payload) && gallery.has_camera("iphone 12", gallery.payload));
    ck_assert(!gallery.has_camera("canon", gallery.payload) && !gallery.has_camera("", gallery.payload));
    ck_assert(gallery.has_lens("nikkor", gallery.payload) && !gallery.has_lens("apple", gallery.payload));
    ck_assert(gallery.has_hours(gallery.payload));
    ps__store *writer = library_open(PS__STORE_WRITE);
    sql(writer, "UPDATE photos SET taken_source = 6");
    ps__store_close(writer);
    take_table();
    view.table = table;
    ck_assert(!gallery.has_hours(gallery.payload));
}
END_TEST

/* ---- Words and names by themselves ---- */

START_TEST(plain_words_are_folded_words) {
    static const struct {
        const char *text, *words;
    } table_of[] = {
        {"", " "},
        {" -- ", " "},
        {"NIKON D750", " nikon d750 "},
        {"SM-G991B", " sm g991b "},
        {"a\x01" "b\x7F" "C_d.E", " a b c d e "},
        {"\xC3\x89t\xC3\xA9 e\xCC\x81t\xC3\xA9!", " ete ete "},
        {"\xE5\xB7\xB4\xE9\xBB\x8E""2021", " \xE5\xB7\xB4 \xE9\xBB\x8E 2021 "},
        {"\xFF" "a\xFE", " a "},
    };
    for (size_t i = 0; i < sizeof table_of / sizeof *table_of; i++) {
        ps__buf out = PS__BUF_INIT;
        ps__plain_words(&out, table_of[i].text, strlen(table_of[i].text));
        ck_assert_str_eq(out.bytes, table_of[i].words);
        ps__buf_free(&out);
    }
    ck_assert(ps__plain_words_all(" a bc d ", " d a ") && !ps__plain_words_all(" a bc d ", " b ") && !ps__plain_words_all(" a ", " "));
    ck_assert(ps__plain_words_phrase(" a bc d ", " bc d ") && !ps__plain_words_phrase(" a bc d ", " d a ") &&
              !ps__plain_words_phrase(" a ", " "));
}
END_TEST

START_TEST(names_fit_patterns) {
    ck_assert(ps__name_fits("", "") && ps__name_fits("", "*") && !ps__name_fits("", "?") && !ps__name_fits("a", ""));
    ck_assert(ps__name_fits("abcabd", "*abd") && ps__name_fits("ABC", "a?c") && !ps__name_fits("abc", "a?"));
    ck_assert(ps__name_fits("a*b", "a*b") && ps__name_fits("mississippi", "m*iss*ppi") && !ps__name_fits("mississippi", "m*iss*ppx"));
    ck_assert(ps__name_fits("\xE5\xB7\xB4.x", "?.x") && ps__name_fits("\xFF.x", "?.x") && !ps__name_fits("\xE5\xB7\xB4.x", "??.x"));
}
END_TEST

/* ---- Near-duplicates ---- */

static void put_vector(ps__store *writer, int64_t photo, float x, float y) {
    float v[LIBRARY_DIM] = {x, y};
    uint16_t halves[LIBRARY_DIM];
    char text[200], hex[2 * sizeof halves + 1];
    ps__halves_from_floats(halves, v, LIBRARY_DIM);
    for (size_t i = 0; i < sizeof halves; i++) snprintf(hex + 2 * i, 3, "%02x", ((const uint8_t *)halves)[i]);
    snprintf(text, sizeof text, "UPDATE vectors SET halves = x'%s' WHERE key & 1099511627775 = %lld", hex, (long long)photo);
    sql(writer, text);
}

START_TEST(near_duplicates_of_earlier_photos_are_left_out) {
    const ps__candidate all[] = {{1, 0.9f}, {2, 0.8f}, {3, 0.7f}, {4, 0.6f}, {5, 0.5f}, {6, 0.4f}, {77, 0.3f}};
    ps__candidate c[7];
    size_t count = 7;
    int space;
    ps__store *writer = library_open(PS__STORE_WRITE);
    for (int i = 1; i <= 6; i++) put_vector(writer, i, cosf((float)i), sinf((float)i)); /* 57 degrees apart */
    put_vector(writer, 3, cosf(1.15f), sinf(1.15f));                                   /* 8.6 degrees from 1: 0.9888 */
    put_vector(writer, 4, cosf(1.2f), sinf(1.2f));                                     /* 11.5 degrees: 0.980; 2.9 degrees from 3 */
    sql(writer, "UPDATE photos SET look = 255 WHERE id = 2; UPDATE photos SET look = 1023 + 4096 WHERE id = 5;" /* 3 bits from 2 */
                "UPDATE photos SET look = 1023 + 63488 WHERE id = 6");                                          /* 7 bits from 2 */
    ps__store_close(writer);
    take_table();
    ck_assert_int_eq(ps__store_find_space(&space, store, "s", LIBRARY_DIM, NULL), PS__OK);
    memcpy(c, all, sizeof c);
    ck_assert_int_eq(ps__unique(c, &count, 100, table, store, space, LIBRARY_DIM, NULL), PS__OK);
    ck_assert_uint_eq(count, 5);
    ck_assert(c[0].photo == 1 && c[1].photo == 2 && c[2].photo == 4 && c[3].photo == 6 && c[4].photo == 77);
    ck_assert(c[2].cosine == 0.6f);
    memcpy(c, all, sizeof c);
    count = 7;
    ck_assert_int_eq(ps__unique(c, &count, 3, table, store, space, LIBRARY_DIM, NULL), PS__OK);
    ck_assert_uint_eq(count, 3);
    memcpy(c, all, sizeof c);
    count = 7;
    ck_assert_int_eq(ps__unique(c, &count, 100, NULL, store, space, LIBRARY_DIM, NULL), PS__OK); /* looks are not known */
    ck_assert_uint_eq(count, 6);
    ck_assert_int_eq(c[3].photo, 5);
}
END_TEST

Suite *suite_filter(void) {
    Suite *suite = suite_create("filter");
    TCase *gallery = tcase_create("gallery"), *alone = tcase_create("alone");
    tcase_add_checked_fixture(gallery, setup, teardown);
    suite_add_tcase(suite, gallery);
    suite_add_tcase(suite, alone);
    tcase_add_test(gallery, no_filter_lets_every_photo_pass);
    tcase_add_test(gallery, dates_need_a_date_and_hours_a_clock);
    tcase_add_test(gallery, places_need_a_position);
    tcase_add_test(gallery, whole_countries_agree_with_their_positions);
    tcase_add_test(gallery, attributes_of_the_photo);
    tcase_add_test(gallery, words_are_text_and_never_syntax);
    tcase_add_test(gallery, a_photo_of_several_files_is_in_the_folders_of_each);
    tcase_add_test(gallery, groups_are_met_by_any_of_theirs_and_all_must_be_met);
    tcase_add_test(gallery, memory_that_runs_out_is_an_error);
    tcase_add_test(gallery, the_gallery_knows_its_places_cameras_and_clocks);
    tcase_add_test(gallery, near_duplicates_of_earlier_photos_are_left_out);
    tcase_add_test(alone, plain_words_are_folded_words);
    tcase_add_test(alone, names_fit_patterns);
    return suite;
}
