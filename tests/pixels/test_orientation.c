/*
** The eight EXIF orientations, on photos: eighteen JPEGs that must all look upright and alike, whole and by scaled decoding.
*/
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "encoder/pixels/orient.h"
#include "encoder/pixels/pixels.h"
#include "tests/pixels/samples.h"

static ps__pixels decoded(const char *kind, int orientation, int width, int height) {
    char name[64];
    size_t size;
    ps__pixels pixels;
    ps__error err = {0};
    const ps__pixels_options options = {width, height, PS__FIT_SQUASH, 0, 0, 0, 0};
    snprintf(name, sizeof name, "orientation/%s_%d.jpg", kind, orientation);
    uint8_t *bytes = sample_read(name, &size);
    ck_assert_msg(!ps__pixels_decode(&pixels, bytes, size, name, &options, &err), "%s", err.text);
    ps__free(bytes);
    ck_assert_int_eq(pixels.notes.orientation, orientation ? orientation : 1);
    return pixels;
}

static void all_alike(const char *kind, int width, int height, int original_width, int original_height, int tolerance) {
    ps__pixels first = decoded(kind, 1, width, height);
    for (int orientation = 0; orientation <= 8; orientation++) {
        ps__pixels pixels = decoded(kind, orientation, width, height);
        ck_assert_int_eq(pixels.original_width, original_width);
        ck_assert_int_eq(pixels.original_height, original_height);
        ck_assert_int_eq(pixels.width, first.width);
        ck_assert_int_eq(pixels.height, first.height);
        int difference = sample_difference(first.rgb, pixels.rgb, (size_t)first.width * (size_t)first.height * 3);
        ck_assert_msg(difference < tolerance, "%s_%d differs by %d/100", kind, orientation, difference);
        ps__pixels_clear(&pixels);
    }
    ps__pixels_clear(&first);
}

START_TEST(photos_of_all_orientations_look_alike) {
    all_alike("Landscape", 0, 0, 270, 180, 600);
    all_alike("Portrait", 0, 0, 180, 270, 600);
}
END_TEST

START_TEST(photos_of_all_orientations_look_alike_after_scaled_decoding) {
    all_alike("Landscape", 48, 48, 270, 180, 1200);
    all_alike("Portrait", 48, 48, 180, 270, 1200);
    all_alike("Landscape", 160, 20, 270, 180, 1200); /* wide and flat: which side is which must be known before decoding */
    all_alike("Portrait", 20, 160, 180, 270, 1200);
}
END_TEST

START_TEST(orientations_put_each_corner_where_it_belongs) {
    /* 2 x 3 pixels named a to f from the top left; the upright picture by Exif 2.32's "0th row, 0th column" */
    static const struct {
        int orientation;
        const char *upright;
    } table[] = {{1, "abcdef"}, {2, "badcfe"}, {3, "fedcba"}, {4, "efcdab"}, {5, "acebdf"},
                 {6, "ecafdb"}, {7, "fdbeca"}, {8, "bdface"}, {0, "abcdef"}, {9, "abcdef"}};
    uint8_t in[3][8], out[18];
    for (int i = 0; i < 6; i++) memset(&in[i / 2][i % 2 * 3], 'a' + i, 3);
    for (size_t t = 0; t < sizeof table / sizeof *table; t++) {
        ps__orient(out, &in[0][0], 2, 3, 8, table[t].orientation);
        for (int i = 0; i < 18; i++) ck_assert_int_eq(out[i], table[t].upright[i / 3]);
    }
}
END_TEST

Suite *suite_orientation(void);
Suite *suite_orientation(void) {
    Suite *suite = suite_create("orientation");
    TCase *tests = tcase_create("orientation");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, photos_of_all_orientations_look_alike);
    tcase_add_test(tests, photos_of_all_orientations_look_alike_after_scaled_decoding);
    tcase_add_test(tests, orientations_put_each_corner_where_it_belongs);
    suite_add_tcase(suite, tests);
    return suite;
}
