/*
** The time a photo was taken at, from whatever is known.
*/
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/os.h"
#include "indexer/camera_time.h"
#include "store/calendar.h"

Suite *suite_camera_time(void);

static int64_t now(void) { return INT64_C(1795521600); } /* 24 November 2026 */
static int64_t offset(int64_t utc_s) {
    (void)utc_s;
    return 2 * 3600;
}

static void setup(void) {
    ps__os.wall_seconds = now;
    ps__os.utc_offset = offset;
}

static void teardown(void) { ps__os_reset(); }

static int64_t utc(const char *text) {
    int64_t seconds;
    if (!text) return 0;
    ck_assert_msg(ps__calendar_parse(&seconds, text), "%s", text);
    return seconds;
}

#define NAME "/p/IMG_20200102_030405.jpg"
#define DAY "/p/IMG-20200102-WA0001.jpg"

static const struct {
    const char *taken, *offset, *gps; /* gps: UTC, NULL: none */
    double longitude;                 /* 999: none */
    const char *path, *modified;      /* UTC, NULL: unknown */
    const char *want, *want_offset;
    int source;
} cases[] = {
    /* EXIF has the word */
    {"2021-07-04T15:32:10", "+02:00", NULL, 999, NAME, "2022-01-01T00:00:00", "2021-07-04T15:32:10", "+02:00", PS__TAKEN_EXIF},
    {"2021-07-04T15:32:10", "-09:30", "2021-07-04T13:32:10", 10, NAME, NULL, "2021-07-04T15:32:10", "-09:30", PS__TAKEN_EXIF},
    {"2021-07-04T15:32:10", "", NULL, 999, NAME, NULL, "2021-07-04T15:32:10", "", PS__TAKEN_EXIF},
    {"2021-07-04T15:32:10", NULL, NULL, 10, NULL, NULL, "2021-07-04T15:32:10", "", PS__TAKEN_EXIF},
    /* its zone by the satellites */
    {"2021-07-04T15:32:10", "", "2021-07-04T13:32:12", 10, NULL, NULL, "2021-07-04T15:32:10", "+02:00", PS__TAKEN_EXIF_GPS},
    {"2021-07-04T15:32:10", "", "2021-07-04T13:28:00", 999, NULL, NULL, "2021-07-04T15:32:10", "+02:00", PS__TAKEN_EXIF_GPS},
    {"2021-07-04T15:32:10", "", "2021-07-04T15:32:10", 0, NULL, NULL, "2021-07-04T15:32:10", "+00:00", PS__TAKEN_EXIF_GPS},
    {"2021-07-04T15:32:10", "", "2021-07-04T15:35:10", 0, NULL, NULL, "2021-07-04T15:32:10", "+00:00", PS__TAKEN_EXIF_GPS},
    {"2021-07-04T15:32:10", "", "2021-07-04T09:47:10", 85, NULL, NULL, "2021-07-04T15:32:10", "+05:45", PS__TAKEN_EXIF_GPS},
    {"2021-07-04T15:32:10", "", "2021-07-04T10:02:30", 77, NULL, NULL, "2021-07-04T15:32:10", "+05:30", PS__TAKEN_EXIF_GPS},
    {"2021-07-04T15:32:10", "", "2021-07-05T01:02:10", -140, NULL, NULL, "2021-07-04T15:32:10", "-09:30", PS__TAKEN_EXIF_GPS},
    {"2021-07-04T00:32:10", "", "2021-07-03T10:32:10", -157, NULL, NULL, "2021-07-04T00:32:10", "+14:00", PS__TAKEN_EXIF_GPS},
    {"2021-07-04T15:32:10", "", "2021-07-05T05:47:10", 0, NULL, NULL, "2021-07-04T15:32:10", "-14:15", PS__TAKEN_EXIF_GPS},
    {"2021-07-04T15:32:10", "", "2021-07-04T01:17:10", 0, NULL, NULL, "2021-07-04T15:32:10", "+14:15", PS__TAKEN_EXIF_GPS},
    {"2021-07-04T15:32:10", "bad", "2021-07-04T13:32:12", 10, NULL, NULL, "2021-07-04T15:32:10", "+02:00", PS__TAKEN_EXIF_GPS},
    {"2021-07-04T15:32:10", "+25:00", "2021-07-04T13:32:12", 10, NULL, NULL, "2021-07-04T15:32:10", "+02:00", PS__TAKEN_EXIF_GPS},
    /* too far away to be a zone */
    {"2021-07-04T15:32:10", "", "2021-07-05T05:47:11", 0, NULL, NULL, "2021-07-04T15:32:10", "", PS__TAKEN_EXIF},
    {"2021-07-04T15:32:10", "", "2021-07-04T01:17:09", 0, NULL, NULL, "2021-07-04T15:32:10", "", PS__TAKEN_EXIF},
    {"2021-07-04T15:32:10", "", "1980-01-06T00:00:00", 0, NULL, NULL, "2021-07-04T15:32:10", "", PS__TAKEN_EXIF},
    {"1980-01-06T15:32:10", "", "1980-01-06T15:32:10", 0, NULL, NULL, "1980-01-06T15:32:10", "", PS__TAKEN_EXIF},
    /* the satellites alone */
    {"", "", "2021-07-04T13:32:10", 10, NAME, "2022-01-01T00:00:00", "2021-07-04T14:32:10", "+01:00", PS__TAKEN_GPS},
    {NULL, NULL, "2021-07-04T13:32:10", -118.2, NULL, NULL, "2021-07-04T05:32:10", "-08:00", PS__TAKEN_GPS},
    {"0000-00-00T00:00:00", "", "2021-07-04T13:32:10", 179.9, NULL, NULL, "2021-07-05T01:32:10", "+12:00", PS__TAKEN_GPS},
    {"", "", "2021-07-04T13:32:10", -7.4, NULL, NULL, "2021-07-04T13:32:10", "+00:00", PS__TAKEN_GPS},
    {"", "", "2021-07-04T13:32:10", 999, NULL, NULL, "2021-07-04T15:32:10", "+02:00", PS__TAKEN_GPS},
    /* the name, then the file */
    {"", "+02:00", NULL, 10, NAME, "2022-01-01T00:00:00", "2020-01-02T03:04:05", "", PS__TAKEN_NAME},
    {"", "", "1980-01-06T00:00:00", 10, NAME, "2022-01-01T00:00:00", "2020-01-02T03:04:05", "", PS__TAKEN_NAME},
    {"2021-02-30T00:00:00", "", NULL, 999, DAY, "2022-01-01T00:00:00", "2020-01-02T00:00:00", "", PS__TAKEN_NAME_DAY},
    {"", "", NULL, 999, "/p/DSC_0042.JPG", "2022-01-01T23:00:00", "2022-01-02T01:00:00", "", PS__TAKEN_MTIME},
    {"", "", NULL, 999, NULL, "2022-01-01T23:00:00", "2022-01-02T01:00:00", "", PS__TAKEN_MTIME},
    /* nothing */
    {"", "", NULL, 10, "/p/DSC_0042.JPG", NULL, "", "", PS__TAKEN_UNKNOWN},
    {NULL, NULL, NULL, 999, NULL, NULL, "", "", PS__TAKEN_UNKNOWN},
    {"", "", "2150-01-01T00:00:00", 10, NULL, "1980-01-01T00:00:00", "", "", PS__TAKEN_UNKNOWN},
    {"", "", NULL, 10, NULL, "2028-06-01T00:00:00", "", "", PS__TAKEN_UNKNOWN},
};

START_TEST(the_surest_time_is_taken) {
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ps__time_notes notes = {.taken = cases[i].taken,
                                .offset = cases[i].offset,
                                .has_gps_time = cases[i].gps != NULL,
                                .gps_utc_s = utc(cases[i].gps),
                                .has_place = cases[i].longitude < 900,
                                .longitude = cases[i].longitude,
                                .path = cases[i].path,
                                .modified_s = utc(cases[i].modified)};
        ps__time_taken out;
        memset(&out, 77, sizeof out);
        ps__camera_time(&out, &notes);
        ck_assert_msg(strcmp(out.taken, cases[i].want) == 0, "case %zu: '%s'", i, out.taken);
        ck_assert_msg(strcmp(out.offset, cases[i].want_offset) == 0, "case %zu: '%s'", i, out.offset);
        ck_assert_msg(out.source == cases[i].source, "case %zu: source %d", i, out.source);
        ck_assert_int_eq(out.taken_s, out.taken[0] ? utc(out.taken) : 0);
    }
}
END_TEST

START_TEST(every_difference_is_rounded_to_the_nearest_quarter) {
    int64_t taken = utc("2021-07-04T15:32:10");
    for (int ahead = -60000; ahead <= 60000; ahead += 7) {
        ps__time_notes notes = {.taken = "2021-07-04T15:32:10", .has_gps_time = 1, .gps_utc_s = taken - ahead};
        ps__time_taken out;
        ps__camera_time(&out, &notes);
        ck_assert_int_eq(out.taken_s, taken);
        if (abs(ahead) > 14 * 3600 + 900) {
            ck_assert(out.source == PS__TAKEN_EXIF && !out.offset[0]);
            continue;
        }
        ck_assert_int_eq(out.source, PS__TAKEN_EXIF_GPS);
        int got = (atoi(out.offset + 1) * 60 + atoi(out.offset + 4)) * (out.offset[0] == '-' ? -60 : 60);
        ck_assert_msg(abs(got - ahead) <= 450 && got % 900 == 0, "%d: %s", ahead, out.offset);
    }
}
END_TEST

START_TEST(absurd_numbers_are_passed_over) {
    static const int64_t far[] = {INT64_MIN, INT64_MAX, INT64_MIN + 86400, INT64_MAX - 86400, -1, 0};
    for (size_t i = 0; i < sizeof far / sizeof *far; i++) {
        ps__time_notes notes = {.has_gps_time = 1, .gps_utc_s = far[i], .has_place = 1, .longitude = 10, .modified_s = far[i]};
        ps__time_taken out;
        ps__camera_time(&out, &notes);
        ck_assert_int_eq(out.source, PS__TAKEN_UNKNOWN);
        notes.taken = "2021-07-04T15:32:10";
        ps__camera_time(&out, &notes);
        ck_assert_int_eq(out.source, PS__TAKEN_EXIF);
    }
}
END_TEST

START_TEST(the_modification_time_is_in_the_systems_zone) {
    ps__os_reset();
    setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
    ps__time_taken out;
    ps__camera_time(&out, &(ps__time_notes){.modified_s = utc("2021-07-04T22:30:00")});
    ck_assert_str_eq(out.taken, "2021-07-05T00:30:00");
    ps__camera_time(&out, &(ps__time_notes){.modified_s = utc("2021-01-04T22:30:00")});
    ck_assert_str_eq(out.taken, "2021-01-04T23:30:00");
    ck_assert_int_eq(out.source, PS__TAKEN_MTIME);
}
END_TEST

Suite *suite_camera_time(void) {
    Suite *suite = suite_create("camera_time");
    TCase *all = tcase_create("times");
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, the_surest_time_is_taken);
    tcase_add_test(all, every_difference_is_rounded_to_the_nearest_quarter);
    tcase_add_test(all, absurd_numbers_are_passed_over);
    tcase_add_test(all, the_modification_time_is_in_the_systems_zone);
    suite_add_tcase(suite, all);
    return suite;
}
