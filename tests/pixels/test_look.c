/*
** The look of pictures: copies stay near, other photos far, whatever size they are looked at.
*/
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/os.h"
#include "encoder/pixels/look.h"
#include "encoder/pixels/pixels.h"
#include "encoder/pixels/resize.h"

enum { SIDE = 240, NEAR = 10 };

static const char *const photos[] = {"astronaut", "cameraman", "cat", "coffee", "dandelions"};
enum { PHOTOS = sizeof photos / sizeof *photos };

static uint8_t *read_photo(const char *name, int width, int height) {
    char path[200];
    uint8_t *bytes;
    size_t size;
    ps__pixels pixels;
    ps__pixels_options options = {.width = width, .height = height};
    snprintf(path, sizeof path, "tests/data/photos/%s.jpg", name);
    ck_assert_int_eq(ps__read_file(&bytes, &size, NULL, path, PS__MAX_FILE_BYTES, NULL), PS__OK);
    ck_assert_int_eq(ps__pixels_decode(&pixels, bytes, size, path, &options, NULL), PS__OK);
    ps__free(bytes);
    return pixels.rgb;
}

static int difference(uint64_t a, uint64_t b) { return __builtin_popcountll(a ^ b); }

static uint64_t look_of(const char *name, int width, int height) {
    uint8_t *rgb = read_photo(name, width, height);
    uint64_t look = ps__look(rgb, width, height);
    ps__free(rgb);
    return look;
}

START_TEST(other_photos_look_different) {
    uint64_t looks[PHOTOS];
    for (int i = 0; i < PHOTOS; i++) looks[i] = look_of(photos[i], SIDE, SIDE);
    for (int i = 0; i < PHOTOS; i++)
        for (int j = 0; j < i; j++) ck_assert_int_gt(difference(looks[i], looks[j]), 2 * NEAR);
}
END_TEST

START_TEST(the_same_photo_in_another_size_looks_the_same) {
    static const int sizes[][2] = {{120, 120}, {97, 61}, {40, 200}, {480, 320}};
    uint64_t look = look_of(photos[_i], SIDE, SIDE);
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
        ck_assert_int_le(difference(look, look_of(photos[_i], sizes[k][0], sizes[k][1])), NEAR / 2);
}
END_TEST

START_TEST(a_brighter_coarser_or_slightly_cut_copy_looks_nearly_the_same) {
    uint8_t *rgb = read_photo(photos[_i], SIDE, SIDE), *copy = ps__malloc(SIDE * SIDE * 3);
    uint64_t look = ps__look(rgb, SIDE, SIDE);
    for (int i = 0; i < SIDE * SIDE * 3; i++) copy[i] = (uint8_t)(rgb[i] * 7 / 8 + 32);
    ck_assert_int_le(difference(look, ps__look(copy, SIDE, SIDE)), NEAR);
    for (int i = 0; i < SIDE * SIDE * 3; i++) copy[i] = rgb[i] & 0xE0;
    ck_assert_int_le(difference(look, ps__look(copy, SIDE, SIDE)), NEAR);
    const int cut = SIDE / 50; /* off each side */
    ck_assert_int_eq(ps__resize(copy, SIDE, SIDE, rgb + 3 * (SIDE * cut + cut), SIDE - 2 * cut, SIDE - 2 * cut, SIDE * 3, NULL),
                     PS__OK);
    ck_assert_int_le(difference(look, ps__look(copy, SIDE, SIDE)), NEAR);
    ps__free(rgb);
    ps__free(copy);
}
END_TEST

START_TEST(a_plain_picture_has_no_look) {
    uint8_t rgb[64 * 48 * 3];
    for (int level = 0; level < 256; level += 51) {
        memset(rgb, level, sizeof rgb);
        ck_assert_uint_eq(ps__look(rgb, 64, 48), 0);
        ck_assert_uint_eq(ps__look(rgb, 1, 1), 0);
    }
    rgb[0] = rgb[1] = rgb[2] = 0; /* one pixel is not enough */
    ck_assert_uint_eq(ps__look(rgb, 64, 48), 0);
}
END_TEST

/* A ramp of 1 x 8 is the same ramp at 16 x 64: each pixel was made a block. Half of the bits are above their median. */
START_TEST(blocks_of_pixels_look_as_the_pixels_do) {
    uint8_t small[8 * 3], large[16 * 64 * 3];
    for (int y = 0; y < 8; y++)
        for (int c = 0; c < 3; c++) small[3 * y + c] = (uint8_t)(y * y * 4 + c);
    for (int i = 0; i < 16 * 64; i++) memcpy(large + 3 * i, small + 3 * (i / 16 / 8), 3);
    uint64_t look = ps__look(small, 1, 8);
    ck_assert_uint_ne(look, 0);
    ck_assert_uint_eq(look >> 63, 0);
    ck_assert_int_le(__builtin_popcountll(look), 31);
    ck_assert_int_le(difference(look, ps__look(large, 16, 64)), 0);
}
END_TEST

Suite *suite_look(void);
Suite *suite_look(void) {
    Suite *suite = suite_create("look");
    TCase *group = tcase_create("look");
    tcase_add_test(group, other_photos_look_different);
    tcase_add_loop_test(group, the_same_photo_in_another_size_looks_the_same, 0, PHOTOS);
    tcase_add_loop_test(group, a_brighter_coarser_or_slightly_cut_copy_looks_nearly_the_same, 0, PHOTOS);
    tcase_add_test(group, a_plain_picture_has_no_look);
    tcase_add_test(group, blocks_of_pixels_look_as_the_pixels_do);
    suite_add_tcase(suite, group);
    return suite;
}
