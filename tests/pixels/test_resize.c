/*
** Resizing against pictures that Pillow resized, to the bit (tests/data/images/resized.bin).
*/
#include <check.h>
#include <string.h>

#include "base/alloc.h"
#include "encoder/pixels/resize.h"
#include "tests/pixels/samples.h"

/* The same bytes as noise() in tests/data/images/generate.py. */
static uint8_t *noise(int width, int height, size_t stride) {
    uint8_t *rgb = ps__calloc(stride, (size_t)height);
    uint32_t state = 12345;
    ck_assert_ptr_nonnull(rgb);
    for (int y = 0; y < height; y++)
        for (size_t x = 0; x < (size_t)width * 3; x++) {
            state = state * 1103515245u + 12345u;
            rgb[(size_t)y * stride + x] = (uint8_t)(state >> 24);
        }
    return rgb;
}

static int number(const uint8_t *p) { return (int)(p[0] | (unsigned)p[1] << 8 | (unsigned)p[2] << 16 | (unsigned)p[3] << 24); }

START_TEST(resizing_equals_pillow_to_the_bit) {
    size_t size;
    uint8_t *golden = sample_read("resized.bin", &size);
    int cases = 0;
    for (size_t at = 0; at < size; cases++) {
        int w = number(golden + at), h = number(golden + at + 4), ow = number(golden + at + 8), oh = number(golden + at + 12);
        size_t stride = (size_t)w * 3 + (size_t)_i, bytes = (size_t)ow * (size_t)oh * 3;
        uint8_t *in = noise(w, h, stride), *out = ps__malloc(bytes);
        ck_assert_int_eq(ps__resize(out, ow, oh, in, w, h, stride, NULL), PS__OK);
        ck_assert_msg(!memcmp(out, golden + at + 16, bytes), "%d x %d to %d x %d differs", w, h, ow, oh);
        ps__free(in);
        ps__free(out);
        at += 16 + bytes;
    }
    ck_assert_int_gt(cases, 10);
    ps__free(golden);
}
END_TEST

START_TEST(one_colour_stays_that_colour) {
    enum { W = 301, H = 7 };
    static uint8_t in[W * H * 3], out[20 * 90 * 3];
    memset(in, 255, sizeof in);
    ck_assert_int_eq(ps__resize(out, 20, 90, in, W, H, W * 3, NULL), PS__OK);
    for (size_t i = 0; i < sizeof out; i++) ck_assert_int_eq(out[i], 255);
}
END_TEST

Suite *suite_resize(void);
Suite *suite_resize(void) {
    Suite *suite = suite_create("resize");
    TCase *tests = tcase_create("resize");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, resizing_equals_pillow_to_the_bit, 0, 2); /* packed rows, and rows with a gap */
    tcase_add_test(tests, one_colour_stays_that_colour);
    suite_add_tcase(suite, tests);
    return suite;
}
