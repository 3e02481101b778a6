/*
** Plans that no honest package asks for are refused before anything of their size is allocated; convolutions of any size see zero
** points outside their input.
*/
#include <check.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "encoder/encoder.h"
#include "encoder/plan/plan.h"
#include "tests/suites.h"

Suite *suite_plan(void);

/* A plan of one operation over rows x 1024 floats, laid out. */
static int lay_out(size_t *bytes, int rows, ps__error *err) {
    const ps__word_table words = {.groups = 1};
    ps__plan *plan = ps__plan_new(ps__kernels_choose("reference"), PS__PRECISION_INT8, rows);
    ck_assert_ptr_nonnull(plan);
    int out = ps__plan_embed(plan, "words", &words, NULL, 1024);
    int status = ps__plan_finish(plan, out, 1024, "a.safetensors", err);
    *bytes = ps__plan_workspace_bytes(plan);
    ps__plan_free(plan);
    return status;
}

START_TEST(a_plan_that_asks_for_gigabytes_is_refused) {
    ps__error err = {0};
    size_t bytes;
    ck_assert_int_eq(lay_out(&bytes, 1000, &err), PS__OK);
    ck_assert_uint_ge(bytes, 1000 * 1024 * 4);
    ck_assert_int_eq(lay_out(&bytes, 1000000, &err), PS__MODEL);
    ck_assert_msg(strncmp(err.text, "a.safetensors: ", 15) == 0 && strstr(err.text, "cap"), "%s", err.text);
}
END_TEST

START_TEST(parts_that_cannot_stand_side_by_side_are_refused) {
    static const int8_t weights[64];
    static const float zeros[32];
    const ps__word_table words = {.weights = weights, .scale = zeros, .groups = 1};
    const ps__layer layer = {.weights = weights, .scale = zeros, .bias = zeros, .out_scale = 1}, layers[2] = {layer, layer};
    const int sizes[2] = {7, 7};
    ps__error err = {0};
    ps__plan *plan = ps__plan_new(ps__kernels_choose("reference"), PS__PRECISION_INT8, 4);
    ck_assert_ptr_nonnull(plan);
    int in = ps__plan_embed(plan, "words", &words, zeros, 8), out = ps__plan_linear(plan, "both", in, 8, 2, layers, sizes);
    ck_assert_int_eq(ps__plan_finish(plan, out, 14, "a.safetensors", &err), PS__MODEL);
    ck_assert_msg(strncmp(err.text, "a.safetensors: ", 15) == 0 && strstr(err.text, "16"), "%s", err.text);
    ps__plan_free(plan);
}
END_TEST

typedef struct row_check { /* what same_row expects */
    const float *row;
    int seen;
} row_check;

static void same_row(const char *name, const uint8_t *u8, float scale, int zero, const float *f32, size_t rows, size_t features,
                     void *payload) {
    row_check *c = payload;
    (void)name, (void)u8, (void)scale, (void)zero;
    ck_assert_uint_eq(rows, 1);
    for (size_t i = 0; i < features; i++)
        ck_assert_msg(f32[i] == c->row[i], "entry %zu is %g, not %g", i, (double)f32[i], (double)c->row[i]);
    c->seen++;
}

/* The second of two words of 32 entries, -8 to 7 and round again, with a scale for each half in the grouped cases. */
START_TEST(words_are_read_from_every_kind_of_table) {
    int is_int4 = _i < 4 && _i % 2, groups = 1 + _i / 2 % 2, is_fine = _i >= 4;
    int8_t weights[64] = {0}, fine[64] = {0};
    uint8_t pairs[32] = {0};
    float scale[4] = {7, 7, 7, 7}, position[32], expected[32], out[32];
    const int32_t id = 1;
    ps__error err = {0};
    ps__workspace *space;
    scale[groups] = 0.5f;
    scale[2 * groups - 1] = groups == 1 ? 0.5f : 3;
    for (int i = 0; i < 32; i++) {
        weights[32 + i] = (int8_t)(i % 16 - 8);
        pairs[16 + i / 2] = (uint8_t)(pairs[16 + i / 2] | i % 16 << (i % 2 * 4));
        position[i] = (float)i / 64;
        float step = groups == 2 && i >= 16 ? 3 : 0.5f;
        fine[32 + i] = (int8_t)(5 * i - 80);
        expected[i] = (float)weights[32 + i] * step + position[i];
        if (is_fine) expected[i] += (float)fine[32 + i] * (step / 254.0f);
    }
    const ps__word_table words = {.weights = is_int4 ? (void *)pairs : (void *)weights,
                                  .scale = scale,
                                  .is_int4 = is_int4,
                                  .groups = groups,
                                  .fine = is_fine ? fine : NULL};
    ps__plan *plan = ps__plan_new(ps__kernels_choose("reference"), PS__PRECISION_INT8, 1);
    int row = ps__plan_embed(plan, "words", &words, position, 32);
    ck_assert_int_eq(ps__plan_finish(plan, row, 32, "a.safetensors", &err), PS__OK);
    ck_assert_int_eq(ps__workspace_new(&space, plan, &err), PS__OK);
    row_check check = {expected, 0};
    ps__plan_run(out, plan, space, &id, 1, same_row, &check);
    ck_assert_int_eq(check.seen, 1);
    ps__workspace_free(space);
    ps__plan_free(plan);
}
END_TEST

typedef struct conv_case { /* one convolution over a picture of 3 channels, and what it should give */
    ps__geometry g;
    int8_t weights[5 * 5 * 5 * 3]; /* [5][kernel][kernel][3] */
    uint8_t picture[13 * 13 * 3];
    int seen; /* levels compared */
} conv_case;

enum { INPUT_ZERO = 90 };

static int first_tap(int at, int size, int out, const ps__geometry *g) {
    int total = (out - 1) * g->stride + g->kernel - size;
    return at * g->stride - (total > 0 ? total / 2 : 0);
}

static int plain_convolution(const conv_case *c, int x, int y, int out_width, int out_height, int o) {
    const ps__geometry *g = &c->g;
    int sum = 0, left = first_tap(x, g->width, out_width, g), top = first_tap(y, g->height, out_height, g);
    for (int ky = 0; ky < g->kernel; ky++)
        for (int kx = 0; kx < g->kernel; kx++)
            for (int i = 0; i < 3; i++) {
                if (left + kx < 0 || left + kx >= g->width || top + ky < 0 || top + ky >= g->height) continue;
                sum += (c->picture[((top + ky) * g->width + left + kx) * 3 + i] - INPUT_ZERO) *
                       c->weights[((o * g->kernel + ky) * g->kernel + kx) * 3 + i];
            }
    return sum;
}

static void compare_convolution(const char *name, const uint8_t *u8, float scale, int zero, const float *f32, size_t rows,
                                size_t features, void *payload) {
    conv_case *c = payload;
    (void)scale, (void)f32;
    if (strcmp(name, "conv") != 0) return;
    int width = (c->g.width + c->g.stride - 1) / c->g.stride, height = (c->g.height + c->g.stride - 1) / c->g.stride;
    ck_assert_uint_eq(rows, (size_t)(width * height));
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int o = 0; o < 5; o++, c->seen++) {
                float level = rintf((float)plain_convolution(c, x, y, width, height, o) * 0x1p-9f) + (float)zero;
                level = level < 0 ? 0 : level > 255 ? 255 : level;
                ck_assert_int_eq(u8[(size_t)(y * width + x) * features + (size_t)o], (int)level);
            }
}

static void run_convolution(conv_case *c, const ps__kernels *kernels) {
    static const float scale[5] = {0x1p-9f, 0x1p-9f, 0x1p-9f, 0x1p-9f, 0x1p-9f}, bias[5] = {0};
    const ps__layer layer = {.weights = c->weights, .scale = scale, .bias = bias, .out_scale = 1, .out_zero = 128};
    int width = (c->g.width + c->g.stride - 1) / c->g.stride, height = (c->g.height + c->g.stride - 1) / c->g.stride;
    float pooled[5];
    ps__error err = {0};
    ps__workspace *space;
    ps__plan *plan = ps__plan_new(kernels, PS__PRECISION_INT8, 1);
    ck_assert_ptr_nonnull(plan);
    ps__plan_input(plan, 1, INPUT_ZERO);
    int out = ps__plan_conv(plan, "conv", PS__PLAN_INPUT, PS__NO_BUFFER, &c->g, &layer);
    out = ps__plan_pool(plan, "pool", out, width * height, 5);
    ck_assert_int_eq(ps__plan_finish(plan, out, 5, "a.safetensors", &err), PS__OK);
    ck_assert_int_eq(ps__workspace_new(&space, plan, &err), PS__OK);
    ps__plan_run(pooled, plan, space, c->picture, 1, compare_convolution, c);
    ps__workspace_free(space);
    ps__plan_free(plan);
}

START_TEST(convolutions_of_any_size_see_zero_points_outside) {
    conv_case c = {.g = {.channels = 3, .out_channels = 5}};
    const ps__kernels *k;
    srand((unsigned)_i + 1);
    c.g.width = 1 + rand() % 13;
    c.g.height = 1 + rand() % 13;
    c.g.kernel = 1 + _i % 3 * 2;
    c.g.stride = 1 + rand() % 2;
    for (size_t i = 0; i < sizeof c.weights; i++) c.weights[i] = (int8_t)(rand() % 255 - 127);
    for (size_t i = 0; i < sizeof c.picture; i++) c.picture[i] = (uint8_t)(rand() % 256);
    for (int i = 0; (k = ps__kernels_at(i)) != NULL; i++) {
        c.seen = 0;
        run_convolution(&c, k);
        ck_assert_int_ge(c.seen, 5);
    }
}
END_TEST

Suite *suite_plan(void) {
    Suite *suite = suite_create("plan");
    TCase *tests = tcase_create("plan");
    tcase_add_test(tests, a_plan_that_asks_for_gigabytes_is_refused);
    tcase_add_test(tests, parts_that_cannot_stand_side_by_side_are_refused);
    tcase_add_loop_test(tests, words_are_read_from_every_kind_of_table, 0, 8); /* INT8 and INT4, one group and two; fine INT8 */
    tcase_add_loop_test(tests, convolutions_of_any_size_see_zero_points_outside, 0, 60);
    suite_add_tcase(suite, tests);
    return suite;
}
