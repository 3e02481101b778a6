/*
** Plans that no honest package asks for are refused before anything of their size is allocated.
*/
#include <check.h>
#include <string.h>

#include "encoder/encoder.h"
#include "encoder/plan/plan.h"
#include "tests/suites.h"

Suite *suite_plan(void);

/* A plan of one operation over rows x 1024 floats, laid out. */
static int lay_out(size_t *bytes, int rows, ps__error *err) {
    const ps__layer words = {.out_scale = 1};
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
    const ps__layer layer = {.weights = weights, .scale = zeros, .bias = zeros, .out_scale = 1}, layers[2] = {layer, layer};
    const int sizes[2] = {7, 7};
    ps__error err = {0};
    ps__plan *plan = ps__plan_new(ps__kernels_choose("reference"), PS__PRECISION_INT8, 4);
    ck_assert_ptr_nonnull(plan);
    int in = ps__plan_embed(plan, "words", &layer, zeros, 8), out = ps__plan_linear(plan, "both", in, 8, 2, layers, sizes);
    ck_assert_int_eq(ps__plan_finish(plan, out, 14, "a.safetensors", &err), PS__MODEL);
    ck_assert_msg(strncmp(err.text, "a.safetensors: ", 15) == 0 && strstr(err.text, "16"), "%s", err.text);
    ps__plan_free(plan);
}
END_TEST

Suite *suite_plan(void) {
    Suite *suite = suite_create("plan");
    TCase *tests = tcase_create("plan");
    tcase_add_test(tests, a_plan_that_asks_for_gigabytes_is_refused);
    tcase_add_test(tests, parts_that_cannot_stand_side_by_side_are_refused);
    suite_add_tcase(suite, tests);
    return suite;
}
