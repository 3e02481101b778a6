/*
** Dates in file names: names as they are met, numbers that are no dates, and any bytes.
*/
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/os.h"
#include "indexer/name_date.h"
#include "store/calendar.h"

Suite *suite_name_date(void);

/* 24 November 2026; a zone that is 2 hours ahead in the northern summer of 2021, and 1 hour otherwise. */
static int64_t now(void) { return INT64_C(1795521600); }
static int64_t offset(int64_t utc_s) { return utc_s > 1617000000 && utc_s < 1635000000 ? 7200 : 3600; }

static void setup(void) {
    ps__os.wall_seconds = now;
    ps__os.utc_offset = offset;
}

static void teardown(void) { ps__os_reset(); }

static void expect(const char *path, const char *want) {
    int64_t seconds = -1;
    int precision = -1;
    char text[20] = "", got[32];
    int found = ps__name_date(&seconds, &precision, path);
    if (found) ps__calendar_text(text, seconds);
    snprintf(got, sizeof got, "%.*s", precision == PS__DATE_DAY ? 10 : 19, text);
    ck_assert_msg(strcmp(got, want) == 0, "%s: '%s', not '%s'", path, got, want);
    ck_assert_int_eq(found, want[0] != 0);
    if (!found) ck_assert(seconds == 0 && precision == 0);
    if (precision == PS__DATE_DAY) ck_assert_int_eq(seconds % 86400, 0);
}

static const struct {
    const char *name, *taken;
} names[] = {
    /* phones */
    {"IMG_20210704_153210.jpg", "2021-07-04T15:32:10"},
    {"VID_20210704_153210.mp4", "2021-07-04T15:32:10"},
    {"PANO_20210704_153210.jpg", "2021-07-04T15:32:10"},
    {"MVIMG_20210704_153210.jpg", "2021-07-04T15:32:10"},
    {"20210704_153210.jpg", "2021-07-04T15:32:10"},
    {"20210704_153210(0).jpg", "2021-07-04T15:32:10"},
    {"IMG_20210704_153210_1.jpg", "2021-07-04T15:32:10"},
    {"IMG_20210704_153210123.jpg", "2021-07-04T15:32:10"},
    {"IMG20210704153210.jpg", "2021-07-04T15:32:10"},
    {"00100lPORTRAIT_00100_BURST20210704153210123_COVER.jpg", "2021-07-04T15:32:10"},
    {"C360_2021-07-04-15-32-10-123.jpg", "2021-07-04T15:32:10"},
    {"WIN_20210704_15_32_10_Pro.jpg", "2021-07-04T15:32:10"},
    {"DJI_20210704153210_0001_D.JPG", "2021-07-04T15:32:10"},
    {"DSC_20210704.jpg", "2021-07-04"},
    /* UTC */
    {"PXL_20210704_153210123.jpg", "2021-07-04T17:32:10"},
    {"PXL_20210704_153210123.MP.jpg", "2021-07-04T17:32:10"},
    {"PXL_20210704_233210123.NIGHT.jpg", "2021-07-05T01:32:10"},
    {"PXL_20210104_153210123.PORTRAIT-01.COVER.jpg", "2021-01-04T16:32:10"},
    {"FB_IMG_1625412730123.jpg", "2021-07-04T17:32:10"},
    {"FB_IMG_1625412730.jpg", "2021-07-04T17:32:10"},
    {"mmexport1625412730123.jpg", "2021-07-04T17:32:10"},
    {"1625412730123.jpg", "2021-07-04T17:32:10"},
    {"1625412730.jpg", "2021-07-04T17:32:10"},
    {"wx_camera_1625412730123.jpg", "2021-07-04T17:32:10"},
    /* pictures of the screen */
    {"Screenshot_2021-07-04-15-32-10.png", "2021-07-04T15:32:10"},
    {"Screenshot_2021-07-04-15-32-10-123_com.example.app.png", "2021-07-04T15:32:10"},
    {"Screenshot_20210704-153210_Browser.jpg", "2021-07-04T15:32:10"},
    {"Screenshot 2021-07-04 at 15.32.10.png", "2021-07-04T15:32:10"},
    {"Screenshot 2021-07-04 at 3.32.10 PM.png", "2021-07-04T15:32:10"},
    {"Screenshot 2021-07-04 at 3.32.10\xe2\x80\xafPM.png", "2021-07-04T15:32:10"},
    {"Screenshot 2021-07-04 at 12.05.10 AM (2).png", "2021-07-04T00:05:10"},
    {"Screen Shot 2021-07-04 at 12.05.10 pm.png", "2021-07-04T12:05:10"},
    {"Bildschirmfoto 2021-07-04 um 15.32.10.png", "2021-07-04T15:32:10"},
    {"Captura de pantalla 2021-07-04 a las 15.32.10.png", "2021-07-04T15:32:10"},
    {"Capture d\xe2\x80\x99\xc3\xa9"
     "cran 2021-07-04 \xc3\xa0 15.32.10.png",
     "2021-07-04T15:32:10"},
    {"\xe6\x88\xaa\xe5\xb1\x8f"
     "2021-07-04 15.32.10.png",
     "2021-07-04T15:32:10"},
    {"\xe6\x88\xaa\xe5\xb1\x8f"
     "2021-07-04 \xe4\xb8\x8b\xe5\x8d\x88"
     "3.32.10.png",
     "2021-07-04T15:32:10"},
    {"\xe6\x88\xaa\xe5\xb1\x8f"
     "2021-07-04 \xe4\xb8\x8a\xe5\x8d\x88"
     "12.32.10.png",
     "2021-07-04T00:32:10"},
    /* messengers and clouds */
    {"IMG-20210704-WA0001.jpg", "2021-07-04"},
    {"VID-20210704-WA0012.mp4", "2021-07-04"},
    {"WhatsApp Image 2021-07-04 at 15.32.10.jpeg", "2021-07-04T15:32:10"},
    {"WhatsApp Image 2021-07-04 at 3.32.10 PM (1).jpeg", "2021-07-04T15:32:10"},
    {"signal-2021-07-04-153210.jpg", "2021-07-04T15:32:10"},
    {"signal-2021-07-04-153210_002.jpg", "2021-07-04T15:32:10"},
    {"signal-2021-07-04-15-32-10-123.jpg", "2021-07-04T15:32:10"},
    {"photo_2021-07-04_15-32-10.jpg", "2021-07-04T15:32:10"},
    {"2021-07-04 15.32.10.jpg", "2021-07-04T15:32:10"},
    {"2021-07-04 15.32.10-1.jpg", "2021-07-04T15:32:10"},
    {"\xe5\xbe\xae\xe4\xbf\xa1\xe5\x9b\xbe\xe7\x89\x87_20210704153210.jpg", "2021-07-04T15:32:10"},
    /* by hand */
    {"2021-07-04 Sommerfest.jpg", "2021-07-04"},
    {"2021_07_04.jpg", "2021-07-04"},
    {"2021.07.04 beach 12.jpg", "2021-07-04"},
    {"20210704.jpg", "2021-07-04"},
    {"/photos/1999-01-01/trip 20210704-153210.jpg", "2021-07-04T15:32:10"},
    {"2021-07-04T15:32:10.png", "2021-07-04T15:32:10"},
    {"20210704T153210.png", "2021-07-04T15:32:10"},
    {"20210704 copy of 2020-01-02 03.04.05.jpg", "2020-01-02T03:04:05"},
    {"19900101_000000.jpg", "1990-01-01T00:00:00"},
    {"20271231.jpg", "2027-12-31"},
    {"20200229.jpg", "2020-02-29"},
    /* a date whose clock time is none */
    {"20210704_253210.jpg", "2021-07-04"},
    {"20210704_156010.jpg", "2021-07-04"},
    {"20210704_0012.jpg", "2021-07-04"},
    {"20210704_IMG_153210.jpg", "2021-07-04"},
    {"2021-07-04 15.32.jpg", "2021-07-04"},
    {"2021-07-04 at 15.32-10.jpg", "2021-07-04"},
    {"2021-07-04 at 25.32.10.jpg", "2021-07-04"},
    /* nothing */
    {"DSC_0042.JPG", ""},
    {"DSC01234.JPG", ""},
    {"IMG_1234.HEIC", ""},
    {"P1010042.JPG", ""},
    {"12345678.jpg", ""},
    {"20211345.jpg", ""},
    {"20210231.jpg", ""},
    {"20210229.jpg", ""},
    {"20210700.jpg", ""},
    {"19891231.jpg", ""},
    {"20280101.jpg", ""},
    {"99999999.jpg", ""},
    {"00000000.jpg", ""},
    {"202107041.jpg", ""},
    {"2021070.jpg", ""},
    {"2021.jpg", ""},
    {"2021-07.jpg", ""},
    {"04-07-2021.jpg", ""},
    {"2021-07_04.jpg", ""},
    {"2021-7-4.jpg", ""},
    {"2021-07-041.jpg", ""},
    {"20219904153210.jpg", ""},
    {"20210704253210.jpg", ""},
    {"FB_IMG_9625412730123.jpg", ""},
    {"9625412730123.jpg", ""},
    {"0162541273.jpg", ""},
    {"cat 1625412730.jpg", ""},
    {"1625412730_3f2a.jpg", ""},
    {"received_1029384756102938.jpeg", ""},
    {"20101231-89ab-4def-8123-456789abcdef.jpg", ""},
    {"b20101231c4f.jpg", ""},
    {"/photos/2021-07-04/IMG_1234.jpg", ""},
    {"/20210704/", ""},
    {"", ""},
    {"/", ""},
};

START_TEST(names_as_they_are_met) {
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[512];
        expect(names[i].name, names[i].taken);
        snprintf(path, sizeof path, "/home/photos.d/2001-02-03 04.05.06/%s", names[i].name);
        if (names[i].name[0] != '/') expect(path, names[i].taken);
    }
}
END_TEST

START_TEST(years_go_to_the_end_of_the_next_one) {
    int64_t seconds;
    int precision, found = 0;
    for (int year = 1900; year < 2200; year++) {
        char name[64];
        snprintf(name, sizeof name, "IMG_%04d0615_120000.jpg", year);
        found += ps__name_date(&seconds, &precision, name);
    }
    ck_assert_int_eq(found, 2027 - 1990 + 1);
}
END_TEST

START_TEST(the_systems_zone_is_that_of_the_moment) {
    ps__os_reset();
    setenv("TZ", "EST5EDT,M3.2.0,M11.1.0", 1);
    expect("PXL_20210704_013210123.jpg", "2021-07-03T21:32:10");
    expect("PXL_20210104_013210123.jpg", "2021-01-03T20:32:10");
    ck_assert_int_eq(ps__os.utc_offset(1625412730), -4 * 3600);
    ck_assert_int_eq(ps__os.utc_offset(1609740730), -5 * 3600);
}
END_TEST

START_TEST(any_bytes_are_a_name) {
    static const char alphabet[] = "0123456789012345678920212021-__.. atAPMpm/TPXL\xe4\xb8\x8b\xe5\x8d\x88\xff\x01";
    uint32_t seed = 7;
    int found = 0;
    for (int round = 0; round < 200000; round++) {
        char name[64];
        size_t length = 0, wanted = (seed >> 16) % sizeof name;
        for (; length < wanted; length++) {
            seed = seed * 1664525u + 1013904223u;
            name[length] = round % 8 ? alphabet[(seed >> 16) % (sizeof alphabet - 1)] : (char)(seed >> 16 & 255);
        }
        seed = seed * 1664525u + 1013904223u;
        char *exact = malloc(length + 1); /* so that a byte too many is seen */
        ck_assert_ptr_nonnull(exact);
        memcpy(exact, name, length);
        exact[length] = 0;
        int64_t seconds;
        int precision;
        if (ps__name_date(&seconds, &precision, exact)) {
            char text[20];
            found++;
            ps__calendar_text(text, seconds);
            ck_assert(strncmp(text, "1989-12-31", 10) >= 0 &&
                      strncmp(text, "2028-01-01", 10) <= 0); /* UTC may be across the year */
            ck_assert(precision == PS__DATE_DAY || precision == PS__DATE_CLOCK);
        } else {
            ck_assert(seconds == 0 && precision == 0);
        }
        free(exact);
    }
    ck_assert_int_gt(found, 0);
}
END_TEST

START_TEST(half_a_name_is_no_trouble) {
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        for (size_t length = 0; length <= strlen(names[i].name); length++) {
            int64_t seconds;
            int precision;
            char *part = strndup(names[i].name, length);
            ck_assert_ptr_nonnull(part);
            ck_assert_int_eq(ps__name_date(&seconds, &precision, part), precision != 0);
            free(part);
        }
    }
}
END_TEST

Suite *suite_name_date(void) {
    Suite *suite = suite_create("name_date");
    TCase *all = tcase_create("names");
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, names_as_they_are_met);
    tcase_add_test(all, years_go_to_the_end_of_the_next_one);
    tcase_add_test(all, the_systems_zone_is_that_of_the_moment);
    tcase_add_test(all, any_bytes_are_a_name);
    tcase_add_test(all, half_a_name_is_no_trouble);
    suite_add_tcase(suite, all);
    return suite;
}
