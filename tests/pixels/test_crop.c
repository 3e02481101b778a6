/*
** The middle of a resized photo, as models of other makers are fed: to the bit what Pillow resizes and torchvision, or transformers, cuts out.
** The sums below were made with Pillow 13 and torchvision 0.29 from the same noise.
*/
#include <check.h>
#include <string.h>

#include "base/alloc.h"
#include "encoder/pixels/job.h"
#include "encoder/pixels/pixels.h"
#include "tests/pixels/samples.h"

/* A BMP of 24 bits, rows from the top, of reproducible noise. */
static uint8_t *noise_bmp(int width, int height, size_t *size) {
    const size_t row = ((size_t)width * 3 + 3) / 4 * 4;
    *size = 54 + row * (size_t)height;
    uint8_t *bmp = ps__calloc(*size, 1);
    ck_assert_ptr_nonnull(bmp);
    const uint32_t head[] = {(uint32_t)*size, 0, 54, 40, (uint32_t)width, 0u - (uint32_t)height};
    memcpy(bmp, "BM", 2);
    memcpy(bmp + 2, head, sizeof head);
    bmp[26] = 1;
    bmp[28] = 24;
    uint32_t state = 12345;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width * 3; x++) {
            state = state * 1103515245u + 12345u;
            bmp[54 + (size_t)y * row + (size_t)(x / 3 * 3 + 2 - x % 3)] = (uint8_t)(state >> 24);
        }
    return bmp;
}

/* FNV-1a of 32 bits. */
static uint32_t sum_of(const uint8_t *bytes, size_t size) {
    uint32_t sum = 2166136261u;
    for (size_t i = 0; i < size; i++) sum = (sum ^ bytes[i]) * 16777619u;
    return sum;
}

static const struct {
    int width, height; /* of the photo */
    int shorter;
    int crop_height, crop_width;
    int filter, fit;
    uint32_t sum; /* of all bytes of the result */
} cases[] = {
    {61, 40, 24, 24, 24, PS__FILTER_BICUBIC, PS__FIT_CROP, 0xd62ffc0a},
    {61, 40, 24, 24, 24, PS__FILTER_BICUBIC, PS__FIT_CROP_FLOOR, 0xd62ffc0a}, /* an even rest: both agree */
    {61, 40, 24, 24, 24, PS__FILTER_BILINEAR, PS__FIT_CROP, 0xd7092cf8},
    {40, 61, 24, 23, 20, PS__FILTER_BILINEAR, PS__FIT_CROP, 0xc077adcb},
    {40, 61, 24, 23, 20, PS__FILTER_BICUBIC, PS__FIT_CROP_FLOOR, 0xdd3b7c13},
    {40, 61, 24, 21, 20, PS__FILTER_BICUBIC, PS__FIT_CROP, 0x1e83db7b}, /* 7.5 pixels before it: 8 by the one, 7 by the other */
    {40, 61, 24, 21, 20, PS__FILTER_BICUBIC, PS__FIT_CROP_FLOOR, 0x2320e626},
    {61, 40, 24, 21, 21, PS__FILTER_BILINEAR, PS__FIT_CROP, 0x7dfd5793},
    {61, 40, 24, 21, 21, PS__FILTER_BILINEAR, PS__FIT_CROP_FLOOR, 0xbc128a30},
    {13, 90, 16, 16, 16, PS__FILTER_BICUBIC, PS__FIT_CROP, 0x963bd5fc},  /* enlarged */
    {90, 13, 16, 16, 16, PS__FILTER_BILINEAR, PS__FIT_CROP_FLOOR, 0x0d826b31},
    {30, 30, 48, 48, 48, PS__FILTER_BICUBIC, PS__FIT_CROP, 0x941931c9},
    {20, 31, 16, 19, 25, PS__FILTER_BICUBIC, PS__FIT_CROP, 0x083f7c17}, /* black on both sides */
    {20, 31, 16, 19, 25, PS__FILTER_BILINEAR, PS__FIT_CROP_FLOOR, 0x8f1d6e72},
    {17, 100, 5, 5, 5, PS__FILTER_BICUBIC, PS__FIT_CROP, 0x7c281d60}, /* columns first */
};

START_TEST(crops_equal_the_references_to_the_bit) {
    size_t size;
    uint8_t *bmp = noise_bmp(cases[_i].width, cases[_i].height, &size);
    const ps__pixels_options options = {.width = cases[_i].crop_width,
                                        .height = cases[_i].crop_height,
                                        .fit = cases[_i].fit,
                                        .filter = cases[_i].filter,
                                        .shorter = cases[_i].shorter};
    ps__pixels pixels;
    ps__error err = {0};
    ck_assert_msg(!ps__pixels_decode(&pixels, bmp, size, "noise.bmp", &options, &err), "%s", err.text);
    ck_assert_int_eq(pixels.width, cases[_i].crop_width);
    ck_assert_int_eq(pixels.height, cases[_i].crop_height);
    ck_assert_int_eq(pixels.original_width, cases[_i].width);
    ck_assert_uint_eq(sum_of(pixels.rgb, (size_t)pixels.width * (size_t)pixels.height * 3), cases[_i].sum);
    ps__pixels_clear(&pixels);
    ps__free(bmp);
}
END_TEST

START_TEST(a_photo_as_it_is_wanted_is_not_touched) {
    size_t size;
    uint8_t *bmp = noise_bmp(32, 32, &size);
    ps__pixels whole, pixels;
    ps__error err = {0};
    const ps__pixels_options options = {.width = 32, .height = 32, .fit = PS__FIT_CROP, .shorter = 32};
    ck_assert_int_eq(ps__pixels_decode(&whole, bmp, size, "noise.bmp", NULL, &err), PS__OK);
    ck_assert_int_eq(ps__pixels_decode(&pixels, bmp, size, "noise.bmp", &options, &err), PS__OK);
    ck_assert_mem_eq(whole.rgb, pixels.rgb, 32 * 32 * 3);
    ps__pixels_clear(&whole);
    ps__pixels_clear(&pixels);
    ps__free(bmp);
}
END_TEST

START_TEST(absurd_framing_is_refused) {
    static const ps__pixels_options bad[] = {{.width = 8, .height = 8, .fit = PS__FIT_CROP},
                                             {.width = 8, .height = 8, .fit = PS__FIT_CROP_FLOOR, .shorter = -1},
                                             {.width = 8, .height = 8, .fit = PS__FIT_CROP, .shorter = 1 << 20},
                                             {.width = 8, .height = 8, .fit = PS__FIT_CROP_FLOOR + 1, .shorter = 8},
                                             {.width = 8, .height = 8, .filter = PS__FILTER_BILINEAR + 1},
                                             {.width = 8, .height = 8, .filter = -1}};
    size_t size;
    uint8_t *bmp = noise_bmp(8, 8, &size);
    ps__pixels pixels;
    ps__error err = {0};
    ck_assert_int_eq(ps__pixels_decode(&pixels, bmp, size, "noise.bmp", &bad[_i], &err), PS__INVALID);
    ck_assert_ptr_nonnull(strstr(err.text, "was asked for"));
    ps__free(bmp);
}
END_TEST

/* A strip so long that the whole of it resized would be gigabytes. */
START_TEST(only_the_middle_of_a_long_strip_is_made) {
    size_t size;
    uint8_t *bmp = noise_bmp(20000, 1, &size);
    const ps__pixels_options options = {
        .width = 64, .height = 64, .fit = PS__FIT_CROP, .shorter = 4096, .max_bytes = (uint64_t)1 << 20};
    ps__pixels pixels;
    ps__error err = {0};
    ck_assert_msg(!ps__pixels_decode(&pixels, bmp, size, "strip.bmp", &options, &err), "%s", err.text);
    const size_t row = 64 * 3; /* one pixel, or two, enlarged: all rows are the same */
    for (size_t y = 1; y < 64; y++) ck_assert_mem_eq(pixels.rgb, pixels.rgb + y * row, row);
    ps__pixels_clear(&pixels);
    ps__free(bmp);
}
END_TEST

START_TEST(scaled_decoding_covers_the_whole_resized_photo) {
    ps__job job = {.width = 224, .height = 224, .fit = PS__FIT_CROP, .shorter = 256};
    /* 4000 x 3000 becomes 341 x 256: an eighth is 500 x 375 */
    ck_assert_int_eq(ps__job_eighths(&job, 4000, 3000, 0), 1);
    ck_assert_int_eq(ps__job_eighths(&job, 3000, 4000, 1), 1);
    /* 2000 x 1500: an eighth is 250 x 188, of which 188 would be enlarged */
    ck_assert_int_eq(ps__job_eighths(&job, 2000, 1500, 0), 2);
    /* 2400 x 1800 at an eighth covers the crop, but not what it is cut from */
    ck_assert_int_eq(ps__job_eighths(&job, 2400, 1800, 0), 2);
    ck_assert_int_eq(ps__job_eighths(&job, 300, 200, 0), 8);
    ps__target target;
    ps__job_target(&target, &job, 4000, 3000);
    ck_assert_int_eq(target.whole_width, 341);
    ck_assert_int_eq(target.whole_height, 256);
    ck_assert_int_eq(target.left, 58); /* 58.5, to the even one */
    ck_assert_int_eq(target.top, 16);
}
END_TEST

/* Every format, and a turned one, gives the size. */
START_TEST(each_sample_is_cropped) {
    size_t size;
    uint8_t *bytes = sample_read(pixel_samples[_i].name, &size);
    const ps__pixels_options options = {.width = 24, .height = 20, .fit = PS__FIT_CROP, .shorter = 24};
    ps__pixels pixels;
    ps__error err = {0};
    ck_assert_msg(!ps__pixels_decode(&pixels, bytes, size, pixel_samples[_i].name, &options, &err), "%s", err.text);
    ck_assert_int_eq(pixels.width, 24);
    ck_assert_int_eq(pixels.height, 20);
    ps__pixels_clear(&pixels);
    ps__free(bytes);
}
END_TEST

Suite *suite_crop(void);
Suite *suite_crop(void) {
    Suite *suite = suite_create("crop");
    int samples = 0;
    while (pixel_samples[samples].name) samples++;
    TCase *tests = tcase_create("crop");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, crops_equal_the_references_to_the_bit, 0, (int)(sizeof cases / sizeof *cases));
    tcase_add_test(tests, a_photo_as_it_is_wanted_is_not_touched);
    tcase_add_loop_test(tests, absurd_framing_is_refused, 0, 6);
    tcase_add_test(tests, only_the_middle_of_a_long_strip_is_made);
    tcase_add_test(tests, scaled_decoding_covers_the_whole_resized_photo);
    tcase_add_loop_test(tests, each_sample_is_cropped, 0, samples);
    suite_add_tcase(suite, tests);
    return suite;
}
