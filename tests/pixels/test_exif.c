/*
** EXIF blocks made here, tag by tag, with values that cameras and attackers write.
*/
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "encoder/pixels/exif.h"

enum { BYTE = 1, ASCII = 2, SHORT = 3, RATIONAL = 5 };

typedef struct block { /* a TIFF structure: IFD 0, the Exif IFD and the GPS IFD, at most 8 entries each */
    uint8_t bytes[2048];
    size_t used;  /* bytes, where the next long value goes */
    int big;      /* "MM" instead of "II" */
    int count[3]; /* entries of each directory */
} block;

enum { ROOT, EXIF, GPS, DIRECTORY_ROOM = 8 };

static const size_t directory_at[3] = {8, 8 + 2 + 12 * DIRECTORY_ROOM + 4, 8 + 2 * (2 + 12 * DIRECTORY_ROOM + 4)};

static void put(block *b, size_t at, uint32_t value, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) b->bytes[at + i] = (uint8_t)(value >> 8 * (b->big ? bytes - 1 - i : i));
}

/* Adds an entry; data in the file's byte order. */
static void add(block *b, int directory, unsigned tag, unsigned format, uint32_t count, const void *data, size_t size) {
    size_t at = directory_at[directory] + 2 + 12 * (size_t)b->count[directory]++;
    put(b, directory_at[directory], (uint32_t)b->count[directory], 2);
    put(b, at, tag, 2);
    put(b, at + 2, format, 2);
    put(b, at + 4, count, 4);
    if (size <= 4) {
        if (size) memcpy(b->bytes + at + 8, data, size);
        return;
    }
    put(b, at + 8, (uint32_t)b->used, 4);
    memcpy(b->bytes + b->used, data, size);
    b->used += size;
}

static void add_text(block *b, int directory, unsigned tag, const char *text) {
    add(b, directory, tag, ASCII, (uint32_t)strlen(text) + 1, text, strlen(text) + 1);
}

static void add_number(block *b, int directory, unsigned tag, unsigned value, int bytes) {
    block small = {.big = b->big};
    put(&small, 0, value, (size_t)bytes);
    add(b, directory, tag, bytes == 2 ? SHORT : 4 /* LONG */, 1, small.bytes, (size_t)bytes);
}

static void add_degrees(block *b, unsigned tag, const uint32_t fractions[6]) {
    block small = {.big = b->big};
    for (size_t i = 0; i < 6; i++) put(&small, 4 * i, fractions[i], 4);
    add(b, GPS, tag, RATIONAL, 3, small.bytes, 24);
}

static void start(block *b, int big) {
    memset(b, 0, sizeof *b);
    b->big = big;
    b->used = 8 + 3 * (2 + 12 * DIRECTORY_ROOM + 4);
    memcpy(b->bytes, big ? "MM\0*" : "II*\0", 4);
    put(b, 4, 8, 4);
    add_number(b, ROOT, 0x8769, (unsigned)directory_at[EXIF], 4);
    add_number(b, ROOT, 0x8825, (unsigned)directory_at[GPS], 4);
}

static ps__camera_notes read_block(const block *b) {
    ps__camera_notes notes;
    ck_assert_int_eq(ps__exif_read(&notes, NULL, b->bytes, b->used, NULL), PS__OK);
    return notes;
}

START_TEST(orientations_out_of_range_count_as_upright) {
    for (unsigned value = 0; value < 300; value += value < 12 ? 1 : 50) {
        block b;
        start(&b, _i);
        add_number(&b, ROOT, 0x0112, value, 2);
        ck_assert_int_eq(read_block(&b).orientation, value >= 1 && value <= 8 ? (int)value : 1);
    }
}
END_TEST

START_TEST(dates_are_real_calendar_dates) {
    static const struct {
        const char *text, *taken;
    } table[] = {
        {"2021:07:04 15:32:10", "2021-07-04T15:32:10"},
        {"2020:02:29 00:00:00", "2020-02-29T00:00:00"},
        {"2000:02:29 23:59:59", "2000-02-29T23:59:59"},
        {"2021:02:29 12:00:00", ""},
        {"1900:02:29 12:00:00", ""},
        {"2021:04:31 12:00:00", ""},
        {"2021:13:01 12:00:00", ""},
        {"2021:00:10 12:00:00", ""},
        {"2021:01:00 12:00:00", ""},
        {"2021:01:01 24:00:00", ""},
        {"2021:01:01 12:60:00", ""},
        {"2021:01:01 12:00:60", ""},
        {"0000:00:00 00:00:00", ""},
        {"    :  :     :  :  ", ""},
        {"2021-07-04T15:32:10", "2021-07-04T15:32:10"},
        {"2021:07:04", "2021-07-04T00:00:00"},
        {"2021:7:4 1:2:3", ""},
        {"yesterday evening..", ""},
        {"", ""},
        {"9999:12:31 23:59:59", "9999-12-31T23:59:59"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        block b;
        start(&b, _i);
        add_text(&b, EXIF, 0x9003, table[i].text);
        ck_assert_str_eq(read_block(&b).taken, table[i].taken);
    }
}
END_TEST

START_TEST(the_first_good_date_counts_with_its_own_offset) {
    block b;
    start(&b, _i);
    add_text(&b, ROOT, 0x0132, "2023:03:03 03:03:03");
    add_text(&b, EXIF, 0x9003, "0000:00:00 00:00:00");
    add_text(&b, EXIF, 0x9004, "2022:02:02 02:02:02");
    add_text(&b, EXIF, 0x9011, "+01:00");
    add_text(&b, EXIF, 0x9012, "-09:30");
    ps__camera_notes notes = read_block(&b);
    ck_assert_str_eq(notes.taken, "2022-02-02T02:02:02");
    ck_assert_str_eq(notes.taken_offset, "-09:30");
}
END_TEST

START_TEST(offsets_that_no_clock_has_are_left_out) {
    static const char *const bad[] = {"+15:00", "+01:60", "01:00", "+1:00", "+01-00", "", "+01:000", "Z"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        block b;
        start(&b, _i);
        add_text(&b, EXIF, 0x9003, "2022:02:02 02:02:02");
        add_text(&b, EXIF, 0x9011, bad[i]);
        ck_assert_str_eq(read_block(&b).taken_offset, "");
    }
}
END_TEST

START_TEST(positions_are_on_the_globe) {
    static const struct {
        const char *north, *east;
        uint32_t latitude[6], longitude[6];
        int has;
        double degrees_north, degrees_east;
    } table[] = {
        {"N", "E", {47, 1, 15, 1, 4500, 100}, {11, 1, 24, 1, 0, 1}, 1, 47.2625, 11.4},
        {"S", "W", {33, 1, 5154, 100, 0, 1}, {151, 1, 12, 1, 36, 1}, 1, -33.859, -151.21},
        {"N", "E", {90, 1, 0, 1, 0, 1}, {180, 1, 0, 1, 0, 1}, 1, 90, 180},
        {"N", "E", {4726250, 100000, 0, 0, 0, 0}, {11, 1, 0, 1, 0, 0}, 1, 47.2625, 11},
        {"N", "E", {90, 1, 0, 1, 1, 1}, {11, 1, 0, 1, 0, 1}, 0, 0, 0},
        {"N", "E", {10, 1, 0, 1, 0, 1}, {180, 1, 1, 1, 0, 1}, 0, 0, 0},
        {"N", "E", {10, 0, 0, 1, 0, 1}, {18, 1, 1, 1, 0, 1}, 0, 0, 0},
        {"N", "E", {0, 0, 0, 0, 0, 0}, {0, 0, 0, 0, 0, 0}, 0, 0, 0},
        {"N", "E", {0, 1, 0, 1, 0, 1}, {0, 1, 0, 1, 0, 1}, 0, 0, 0},
        {"N", "E", {10, 1, 61, 1, 0, 1}, {18, 1, 1, 1, 0, 1}, 0, 0, 0},
        {"N", "E", {4294967295u, 1, 0, 1, 0, 1}, {18, 1, 1, 1, 0, 1}, 0, 0, 0},
        {"X", "E", {10, 1, 1, 1, 0, 1}, {18, 1, 1, 1, 0, 1}, 0, 0, 0},
        {"N", "", {10, 1, 1, 1, 0, 1}, {18, 1, 1, 1, 0, 1}, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        block b;
        start(&b, _i);
        add_text(&b, GPS, 1, table[i].north);
        add_degrees(&b, 2, table[i].latitude);
        add_text(&b, GPS, 3, table[i].east);
        add_degrees(&b, 4, table[i].longitude);
        ps__camera_notes notes = read_block(&b);
        ck_assert_msg(notes.has_gps == table[i].has, "row %zu", i);
        if (!table[i].has) continue;
        ck_assert_double_eq_tol(notes.latitude, table[i].degrees_north, 1e-9);
        ck_assert_double_eq_tol(notes.longitude, table[i].degrees_east, 1e-9);
    }
}
END_TEST

START_TEST(names_come_out_clean) {
    static const struct {
        const char *text, *clean;
    } table[] = {
        {"Canon", "Canon"},
        {"  Apple  ", "Apple"},
        {"A\x1B[31mB\r\n", "A[31mB"},
        {"M\xC3\xBCller", "M\xC3\xBCller"},
        {"M\xFCller", "M\xEF\xBF\xBDller"},
        {"\xE2\x80\xAE"
         "evil",
         "evil"},
        {"\xC2\x9B"
         "1m",
         "1m"},
        {"   ", ""},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        block b;
        start(&b, _i);
        add_text(&b, ROOT, 0x010F, table[i].text);
        add_text(&b, EXIF, 0xA434, table[i].text);
        ck_assert_str_eq(read_block(&b).make, table[i].clean);
        ck_assert_str_eq(read_block(&b).lens, table[i].clean);
    }
}
END_TEST

START_TEST(long_names_are_cut_between_characters) {
    char text[200] = "x";
    for (size_t i = 1; i + 3 < sizeof text; i += 3) memcpy(text + i, "\xE2\x82\xAC", 4);
    block b;
    start(&b, _i);
    add_text(&b, ROOT, 0x0110, text);
    ps__camera_notes notes = read_block(&b);
    ck_assert_uint_eq(strlen(notes.model), 61);
    ck_assert(ps__utf8_valid(notes.model, strlen(notes.model)));
}
END_TEST

START_TEST(a_text_tag_of_another_type_is_left_out) {
    block b;
    start(&b, _i);
    add_number(&b, ROOT, 0x010F, 77, 2);
    add(&b, EXIF, 0x9003, BYTE, 19, "2021:07:04 15:32:10", 19);
    ps__camera_notes notes = read_block(&b);
    ck_assert_str_eq(notes.make, "");
    ck_assert_str_eq(notes.taken, "");
}
END_TEST

START_TEST(the_flash_is_told_by_its_first_bit) {
    static const struct {
        unsigned value;
        int flash;
    } table[] = {{0, 0}, {1, 1}, {0x10, 0}, {0x18, 0}, {0x19, 1}, {0x20, 0}, {0x4D, 1}};
    block b;
    start(&b, _i);
    ck_assert_int_eq(read_block(&b).flash, -1);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        start(&b, _i);
        add_number(&b, EXIF, 0x9209, table[i].value, 2);
        ck_assert_int_eq(read_block(&b).flash, table[i].flash);
    }
    start(&b, _i);
    add_number(&b, EXIF, 0x9209, 1, 4);
    ck_assert_int_eq(read_block(&b).flash, -1);
}
END_TEST

START_TEST(ratings_are_one_to_five_stars) {
    for (unsigned value = 0; value < 8; value++) {
        block b;
        start(&b, _i);
        add_number(&b, ROOT, 0x4746, value, 2);
        ck_assert_int_eq(read_block(&b).rating, value <= 5 ? (int)value : 0);
    }
}
END_TEST

START_TEST(satellites_tell_the_time_when_they_tell_the_day) {
    static const struct {
        const char *day;
        uint32_t time[6];
        const char *expected;
    } table[] = {
        {"2021:07:04", {13, 1, 32, 1, 10, 1}, "2021-07-04T13:32:10"},
        {"2021:07:04", {13, 1, 32, 1, 10999, 1000}, "2021-07-04T13:32:10"},
        {"2021:07:04", {0, 1, 0, 1, 0, 1}, "2021-07-04T00:00:00"},
        {"2021:02:30", {13, 1, 32, 1, 10, 1}, ""},
        {"", {13, 1, 32, 1, 10, 1}, ""},
        {"2021:07:04", {24, 1, 0, 1, 0, 1}, ""},
        {"2021:07:04", {13, 1, 60, 1, 0, 1}, ""},
        {"2021:07:04", {13, 1, 59, 1, 60, 1}, ""},
        {"2021:07:04", {13, 0, 59, 1, 50, 1}, ""},
        {"2021:07:04", {4294967295u, 1, 59, 1, 50, 1}, ""},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        block b;
        start(&b, _i);
        add_text(&b, GPS, 0x1D, table[i].day);
        add_degrees(&b, 7, table[i].time);
        ck_assert_str_eq(read_block(&b).gps_time, table[i].expected);
    }
}
END_TEST

/* Description and comment, the first that somebody may have written. */
static void read_caption(const block *b, ps__camera_notes *notes, ps__camera_texts *texts) {
    memset(texts, 0, sizeof *texts);
    ck_assert_int_eq(ps__exif_read(notes, texts, b->bytes, b->used, NULL), PS__OK);
}

START_TEST(captions_are_what_people_wrote) {
    static const struct {
        const char *description, *comment;
        size_t comment_size;
        const char *caption;
        int kinds;
    } table[] = {
        {"Our garden", "", 0, "Our garden", 0},
        {"Gr\xFC\xDF" "e", "", 0, "Gr\xC3\xBC\xC3\x9F" "e", 0},
        {"OLYMPUS DIGITAL CAMERA         ", "ASCII\0\0\0In June", 15, "In June", 0},
        {"", "\0\0\0\0\0\0\0\0In June", 15, "In June", 0},
        {"", "ASCII\0\0\0Screenshot", 18, "", PS__PICTURE_SCREENSHOT},
        {"Screenshot", "", 0, "", PS__PICTURE_SCREENSHOT},
        {"", "ASCII\0\0\0                        ", 32, "", 0},
        {"", "JIS\0\0\0\0\0\x1B$B", 11, "", 0},
        {"", "plain text without a name", 25, "plain text without a name", 0},
        {"", "ASCII", 5, "", 0},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        ps__camera_notes notes;
        ps__camera_texts texts;
        block b;
        start(&b, _i);
        if (table[i].description[0]) add_text(&b, ROOT, 0x010E, table[i].description);
        if (table[i].comment_size) add(&b, EXIF, 0x9286, 7, (uint32_t)table[i].comment_size, table[i].comment, table[i].comment_size);
        read_caption(&b, &notes, &texts);
        ck_assert_str_eq(texts.caption, table[i].caption);
        ck_assert_int_eq(notes.kinds, table[i].kinds);
    }
}
END_TEST

START_TEST(comments_of_two_bytes_a_character_are_in_the_blocks_order) {
    static const uint16_t units[] = {0xFEFF, 'O', 0x00DF, 0x5DF4, 0xD83C, 0xDFD6, 0xDC00};
    for (size_t mark = 0; mark < 2; mark++) { /* with a byte order mark, and without */
        uint8_t comment[8 + sizeof units] = "UNICODE";
        ps__camera_notes notes;
        ps__camera_texts texts;
        size_t count = sizeof units / sizeof *units - mark;
        block b;
        start(&b, _i);
        for (size_t i = 0; i < count; i++) {
            comment[8 + 2 * i] = (uint8_t)(units[i + mark] >> (_i ? 8 : 0));
            comment[9 + 2 * i] = (uint8_t)(units[i + mark] >> (_i ? 0 : 8));
        }
        add(&b, EXIF, 0x9286, 7, (uint32_t)(8 + 2 * count), comment, 8 + 2 * count);
        read_caption(&b, &notes, &texts);
        ck_assert_str_eq(texts.caption, "O\xC3\x9F\xE5\xB7\xB4\xF0\x9F\x8F\x96\xEF\xBF\xBD");
    }
}
END_TEST

START_TEST(a_front_camera_makes_selfies) {
    block b;
    start(&b, _i);
    add_text(&b, EXIF, 0xA434, "iPhone 13 front TrueDepth camera 2.71mm f/2.2");
    ck_assert_int_eq(read_block(&b).kinds, PS__PICTURE_SELFIE);
    start(&b, _i);
    add_text(&b, ROOT, 0x0131, "Greenshot");
    ck_assert_int_eq(read_block(&b).kinds, PS__PICTURE_SCREENSHOT);
}
END_TEST

START_TEST(any_damage_leaves_plain_notes) {
    block b;
    start(&b, _i);
    add_number(&b, ROOT, 0x0112, 6, 2);
    add_text(&b, ROOT, 0x010F, "Lumen");
    add_text(&b, EXIF, 0x9003, "2021:07:04 15:32:10");
    add(&b, EXIF, 0x9286, 7, 16, "UNICODE\0a\0b\0c\0d", 16);
    for (size_t length = 0; length < b.used; length++) {
        ps__camera_notes notes;
        ps__camera_texts texts = {{0}, {0}, {0}};
        ck_assert_int_eq(ps__exif_read(&notes, &texts, b.bytes, length, NULL), PS__OK);
        ck_assert(notes.orientation >= 1 && notes.orientation <= 8);
    }
    uint32_t state = 7;
    for (int round = 0; round < 3000; round++) {
        block copy = b;
        state = state * 1664525u + 1013904223u;
        copy.bytes[(state >> 8) % copy.used] = (uint8_t)(state >> 24);
        ps__camera_notes notes = read_block(&copy);
        ck_assert(notes.orientation >= 1 && notes.orientation <= 8);
        ck_assert(strlen(notes.taken) == 0 || strlen(notes.taken) == 19);
    }
}
END_TEST

/* 5,000 entries that all claim the same 60,000 bytes: 300 MB if each were kept. */
START_TEST(entries_that_share_their_bytes_do_not_multiply_memory) {
    static uint8_t bytes[65536];
    const size_t entries = 5000;
    memcpy(bytes, "II*\0\10\0\0", 8);
    bytes[8] = entries & 255, bytes[9] = entries >> 8;
    for (size_t i = 0; i < entries; i++) {
        static const uint8_t entry[12] = {0x0F, 0x01, 2, 0, 0x60, 0xEA, 0, 0, 8, 0, 0, 0};
        memcpy(bytes + 10 + 12 * i, entry, 12);
    }
    ps__camera_notes notes;
    ck_assert_int_eq(ps__exif_read(&notes, NULL, bytes, sizeof bytes, NULL), PS__OK);
    ck_assert_int_eq(notes.orientation, 1);
}
END_TEST

Suite *suite_exif(void);
Suite *suite_exif(void) {
    Suite *suite = suite_create("exif");
    TCase *tests = tcase_create("exif"); /* each in both byte orders */
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, orientations_out_of_range_count_as_upright, 0, 2);
    tcase_add_loop_test(tests, dates_are_real_calendar_dates, 0, 2);
    tcase_add_loop_test(tests, the_first_good_date_counts_with_its_own_offset, 0, 2);
    tcase_add_loop_test(tests, offsets_that_no_clock_has_are_left_out, 0, 2);
    tcase_add_loop_test(tests, positions_are_on_the_globe, 0, 2);
    tcase_add_loop_test(tests, names_come_out_clean, 0, 2);
    tcase_add_loop_test(tests, long_names_are_cut_between_characters, 0, 2);
    tcase_add_loop_test(tests, a_text_tag_of_another_type_is_left_out, 0, 2);
    tcase_add_loop_test(tests, the_flash_is_told_by_its_first_bit, 0, 2);
    tcase_add_loop_test(tests, ratings_are_one_to_five_stars, 0, 2);
    tcase_add_loop_test(tests, satellites_tell_the_time_when_they_tell_the_day, 0, 2);
    tcase_add_loop_test(tests, captions_are_what_people_wrote, 0, 2);
    tcase_add_loop_test(tests, comments_of_two_bytes_a_character_are_in_the_blocks_order, 0, 2);
    tcase_add_loop_test(tests, a_front_camera_makes_selfies, 0, 2);
    tcase_add_loop_test(tests, any_damage_leaves_plain_notes, 0, 2);
    tcase_add_test(tests, entries_that_share_their_bytes_do_not_multiply_memory);
    suite_add_tcase(suite, tests);
    return suite;
}
