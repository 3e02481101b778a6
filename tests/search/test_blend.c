/*
** Blending contents into one query: the score is what the formula of blend.h gives.
*/
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "search/blend.h"
#include "tests/suites.h"

enum { DIM = 24 };

static void random_vector(float *v) {
    double squares = 0;
    for (int i = 0; i < DIM; i++) {
        v[i] = (float)(rand() % 2001 - 1000);
        squares += (double)v[i] * (double)v[i];
    }
    for (int i = 0; i < DIM; i++) v[i] = (float)((double)v[i] / sqrt(squares));
}

static double dot(const float *a, const float *b) {
    double sum = 0;
    for (int i = 0; i < DIM; i++) sum += (double)a[i] * (double)b[i];
    return sum;
}

START_TEST(one_content_is_as_without_blending) {
    float v[DIM], query[DIM], photo[DIM];
    const ps__scorer own = {.slope = 22, .offset = -10, .weak = 0.2, .good = 0.4};
    ps__scorer scorer;
    ps__blend blend;
    random_vector(v);
    random_vector(photo);
    ck_assert_int_eq(ps__blend_begin(&blend, DIM, NULL), PS__OK);
    ps__blend_add(&blend, v, &own, 1);
    ck_assert_int_eq(ps__blend_end(query, &scorer, &blend, NULL), PS__OK);
    ck_assert_double_eq_tol(dot(query, v), 1, 1e-6);
    ck_assert_double_eq_tol(ps__scorer_score(&scorer, (float)dot(query, photo)), ps__scorer_score(&own, (float)dot(v, photo)), 1e-6);
    ck_assert(scorer.weak == 0.2 && scorer.good == 0.4);
    ps__blend_clear(&blend);
}
END_TEST

START_TEST(log_odds_are_averaged_and_what_is_not_to_be_is_taken_off) {
    srand(4);
    for (int round = 0; round < 200; round++) {
        float a[DIM], b[DIM], n[DIM], query[DIM], photo[DIM];
        const ps__scorer first = {.slope = 22, .offset = -10, .weak = 0.2, .good = 0.4};
        const ps__scorer second = {.slope = 15, .offset = -11, .weak = 0.4, .good = 0.6};
        ps__scorer scorer;
        ps__blend blend;
        random_vector(a), random_vector(b), random_vector(n), random_vector(photo);
        ck_assert_int_eq(ps__blend_begin(&blend, DIM, NULL), PS__OK);
        ps__blend_add(&blend, a, &first, 2);
        ps__blend_add(&blend, b, &second, 1);
        ps__blend_add(&blend, n, &first, -1.5);
        ck_assert_int_eq(ps__blend_end(query, &scorer, &blend, NULL), PS__OK);
        float toward[DIM], away[DIM];
        for (int i = 0; i < DIM; i++) toward[i] = 2 * 22 * a[i] + 15 * b[i];
        double along = dot(n, toward) / dot(toward, toward);
        for (int i = 0; i < DIM; i++) away[i] = n[i] - (float)along * toward[i];
        double odds = (2 * (22 * dot(a, photo) - 10) + 15 * dot(b, photo) - 11) / 3 - 0.8 * 1.5 * 22 * dot(away, photo);
        ck_assert_double_eq_tol(ps__scorer_score(&scorer, (float)dot(query, photo)), 1 / (1 + exp(-odds)), 1e-5);
        ck_assert_double_eq_tol(dot(query, query), 1, 1e-5);
        ck_assert_double_eq_tol(scorer.weak, (2 * 0.2 + 0.4) / 3, 1e-12);
        ps__blend_clear(&blend);
    }
}
END_TEST

START_TEST(nothing_to_find_is_refused) {
    float v[DIM], query[DIM];
    const ps__scorer own = {.slope = 20, .offset = -10, .weak = 0.2, .good = 0.4};
    ps__scorer scorer;
    ps__blend blend;
    random_vector(v);
    ck_assert_int_eq(ps__blend_begin(&blend, DIM, NULL), PS__OK);
    ck_assert_int_eq(ps__blend_end(query, &scorer, &blend, NULL), PS__INVALID);
    ps__blend_add(&blend, v, &own, -1);
    ck_assert_int_eq(ps__blend_end(query, &scorer, &blend, NULL), PS__INVALID);
    ps__blend_add(&blend, v, &own, 1);
    for (int i = 0; i < DIM; i++) blend.toward[i] = 0;
    ck_assert_int_eq(ps__blend_end(query, &scorer, &blend, NULL), PS__INVALID);
    ps__blend_clear(&blend);
}
END_TEST

Suite *suite_blend(void);
Suite *suite_blend(void) {
    Suite *suite = suite_create("blend");
    TCase *tc = tcase_create("blend");
    tcase_add_test(tc, one_content_is_as_without_blending);
    tcase_add_test(tc, log_odds_are_averaged_and_what_is_not_to_be_is_taken_off);
    tcase_add_test(tc, nothing_to_find_is_refused);
    suite_add_tcase(suite, tc);
    return suite;
}
