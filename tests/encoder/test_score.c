/*
** Calibrated scores: the formula, the bank of background photos, and what a package may say wrong.
*/
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "encoder/package/package.h"
#include "encoder/score.h"
#include "encoder/towers.h"
#include "tests/encoder/packages.h"
#include "tests/store/library.h"
#include "tests/suites.h"

#define DIM 32
#define ROWS 7

static char path[LIBRARY_PATH + 64];
static float query[DIM];

static void setup(void) {
    double norm = 0;
    library_setup();
    snprintf(path, sizeof path, "%.4000s/m.safetensors", library_temp);
    for (int i = 0; i < DIM; i++) {
        query[i] = (float)((i * 7 + 3) % 11 - 5);
        norm += (double)query[i] * (double)query[i];
    }
    for (int i = 0; i < DIM; i++) query[i] /= (float)sqrt(norm);
}

static ps__package *write_and_open(const package_recipe *recipe) {
    ps__package *p;
    ps__error err = {0};
    packages_write(path, recipe);
    ck_assert_msg(ps__package_open(&p, path, &err) == PS__OK, "%s", err.text);
    return p;
}

/* What the statistics should be, the slow way. */
static void expect(double *mean, double *deviation, int is_int8) {
    double cosines[ROWS], sum = 0, squares = 0;
    for (int r = 0; r < ROWS; r++) {
        cosines[r] = 0;
        for (int i = 0; i < DIM; i++) cosines[r] += packages_bank(r, i) / 400.0 * (is_int8 ? r + 1 : 1) * (double)query[i];
        sum += cosines[r];
    }
    *mean = sum / ROWS;
    for (int r = 0; r < ROWS; r++) squares += (cosines[r] - *mean) * (cosines[r] - *mean);
    *deviation = sqrt(squares / ROWS);
}

START_TEST(statistics_are_those_of_all_cosines) {
    ps__background bank;
    ps__error err = {0};
    double mean, deviation, expected_mean, expected_deviation;
    ps__package *p = write_and_open(&(package_recipe){.keeps_image = 1, .bank = _i ? -ROWS : ROWS});
    ck_assert_msg(ps__background_read(&bank, p, DIM, &err) == PS__OK, "%s", err.text);
    ck_assert_int_eq(bank.count, ROWS);
    ps__background_statistics(&mean, &deviation, &bank, query);
    expect(&expected_mean, &expected_deviation, _i);
    ck_assert_msg(fabs(mean - expected_mean) < 1e-6, "%g %g", mean, expected_mean);
    ck_assert_msg(deviation > 0.01 && fabs(deviation - expected_deviation) < 1e-6, "%g %g", deviation, expected_deviation);
    ps__package_free(p);
}
END_TEST

START_TEST(a_bank_of_the_wrong_shape_is_refused_and_none_is_fine) {
    ps__background bank;
    ps__error err = {0};
    ps__package *p = write_and_open(&(package_recipe){.keeps_image = 1, .bank = -ROWS});
    ck_assert_int_eq(ps__background_read(&bank, p, 64, &err), PS__MODEL);
    ck_assert_msg(strstr(err.text, "image.background") && strstr(err.text, path), "%s", err.text);
    ck_assert_int_eq(bank.count, 0);
    ps__package_free(p);
    p = write_and_open(&(package_recipe){.keeps_image = 1});
    ck_assert_int_eq(ps__background_read(&bank, p, DIM, &err), PS__OK);
    ck_assert_int_eq(bank.count, 0);
    ps__package_free(p);
}
END_TEST

static double logistic(double x) { return 1 / (1 + exp(-x)); }

START_TEST(the_score_follows_the_formula) {
    const ps__calibration k = {.a = 12, .b = -3, .c = -4, .d = 2.5, .weak = 0.2, .good = 0.7};
    ps__background bank;
    ps__scorer with, without;
    double mean, deviation;
    ps__package *p = write_and_open(&(package_recipe){.keeps_image = 1, .bank = ROWS});
    ck_assert_int_eq(ps__background_read(&bank, p, DIM, NULL), PS__OK);
    ps__scorer_set(&with, &k, &bank, query);
    ps__scorer_set(&without, &k, NULL, query);
    expect(&mean, &deviation, 0);
    for (float cosine = -1; cosine <= 1; cosine += 0.25f) {
        double base = 12 * (double)cosine - 3;
        ck_assert(fabs(ps__scorer_score(&without, cosine) - logistic(base)) < 1e-12);
        ck_assert(fabs(ps__scorer_score(&with, cosine) - logistic(base - 4 * mean + 2.5 * deviation)) < 1e-6);
    }
    ck_assert(with.weak == 0.2 && with.good == 0.7);
    ps__package_free(p);
}
END_TEST

static const struct {
    const char *json;
    int status;
    double c, d;
} CALIBRATIONS[] = {
    {"{\"a\":3,\"b\":1,\"weak\":0.1,\"good\":0.2}", PS__OK, 0, 0},
    {"{\"a\":3,\"b\":1,\"c\":-7.5,\"d\":2,\"weak\":0.1,\"good\":0.2}", PS__OK, -7.5, 2},
    {"{\"a\":3,\"b\":1,\"c\":\"x\",\"weak\":0.1,\"good\":0.2}", PS__MODEL, 0, 0},
    {"{}", PS__OK, 0, 0},
    {"{\"a\":0}", PS__MODEL, 0, 0},
    {"{\"weak\":0.9,\"good\":0.5}", PS__MODEL, 0, 0},
    {"[1]", PS__MODEL, 0, 0},
};

START_TEST(calibrations_are_read_and_checked) {
    ps__calibration k;
    ps__error err = {0};
    ps__package *p = write_and_open(&(package_recipe){.keeps_image = 1, .calibration = CALIBRATIONS[_i].json});
    ck_assert_int_eq(ps__calibration_read(&k, p, &err), CALIBRATIONS[_i].status);
    if (CALIBRATIONS[_i].status == PS__OK)
        ck_assert(k.c == CALIBRATIONS[_i].c && k.d == CALIBRATIONS[_i].d);
    else
        ck_assert_ptr_nonnull(strstr(err.text, "calibration"));
    ps__package_free(p);
}
END_TEST

/* Each tower has its own calibration; the bank is the main package's for both. */
START_TEST(each_text_tower_scores_by_its_own_calibration) {
    char companion[LIBRARY_PATH + 64];
    ps__towers *t;
    ps__error err = {0};
    double mean, deviation;
    snprintf(companion, sizeof companion, "%.4000s/m-x.safetensors", library_temp);
    packages_write(
        path, &(package_recipe){.keeps_image = 1, .bank = ROWS, .calibration = "{\"a\":9,\"b\":0,\"weak\":0.1,\"good\":0.3}"});
    packages_write(companion, &(package_recipe){.name = "x",
                                                .languages = "de",
                                                .calibration = "{\"a\":4,\"b\":1,\"c\":3,\"d\":5,\"weak\":0.2,\"good\":0.4}"});
    ck_assert_msg(ps__towers_open(&t, path, NULL, NULL, &err) == PS__OK, "%s", err.text);
    expect(&mean, &deviation, 0);
    for (int german = 0; german < 2; german++) {
        ps__tower *tower;
        ps__scorer s;
        ck_assert_int_eq(ps__towers_choose(&tower, t, german ? "de" : "en", "a", 1, &err), PS__OK);
        ck_assert_int_eq(ps__towers_scorer(&s, t, tower, query, &err), PS__OK);
        ck_assert(s.slope == (german ? 4 : 9) && s.weak == (german ? 0.2 : 0.1) && s.good == (german ? 0.4 : 0.3));
        ck_assert(fabs(s.offset - (german ? 1 + 3 * mean + 5 * deviation : 0)) < 1e-5);
    }
    ps__towers_free(t);
}
END_TEST

Suite *suite_score(void) {
    Suite *s = suite_create("score");
    TCase *t = tcase_create("score");
    tcase_add_checked_fixture(t, setup, library_teardown);
    tcase_add_loop_test(t, statistics_are_those_of_all_cosines, 0, 2);
    tcase_add_test(t, a_bank_of_the_wrong_shape_is_refused_and_none_is_fine);
    tcase_add_test(t, the_score_follows_the_formula);
    tcase_add_loop_test(t, calibrations_are_read_and_checked, 0, sizeof CALIBRATIONS / sizeof *CALIBRATIONS);
    tcase_add_test(t, each_text_tower_scores_by_its_own_calibration);
    suite_add_tcase(s, t);
    return s;
}
