/*
** Ranking: exact cosines, a fixed order, and an honest verdict.
*/
#include <check.h>
#include <math.h>
#include <string.h>

#include "base/half.h"
#include "search/rank.h"
#include "tests/search/vectors.h"

Suite *suite_rank(void);

static const ps__scorer scorer = {.slope = 10.0, .offset = -2.0, .weak = 0.3, .good = 0.6};

START_TEST(equal_cosines_are_ordered_by_photo) {
    ps__candidate c[] = {{9, 0.5f}, {3, 0.5f}, {7, 0.9f}, {1, 0.5f}, {8, -0.1f}};
    const int64_t order[] = {7, 1, 3, 9, 8};
    ps__rank_sort(c, 5);
    for (int i = 0; i < 5; i++) ck_assert_int_eq(c[i].photo, order[i]);
}
END_TEST

START_TEST(each_photo_counts_once_with_its_best) {
    ps__candidate c[] = {{2, 0.1f}, {1, 0.3f}, {2, 0.9f}, {1, 0.2f}, {2, 0.5f}};
    size_t count = 5;
    ps__rank_unique(c, &count);
    ck_assert_uint_eq(count, 2);
    ck_assert(c[0].photo == 2 && c[0].cosine == 0.9f && c[1].photo == 1 && c[1].cosine == 0.3f);
    count = 0;
    ps__rank_unique(c, &count);
    ck_assert_uint_eq(count, 0);
}
END_TEST

START_TEST(approximate_cosines_are_replaced_and_missing_photos_dropped) {
    float query[VECTORS_DIM];
    int space = vectors_add(0, 20);
    ps__store *store = library_open(PS__STORE_READ);
    ps__candidate c[] = {{vectors_photo(store, 4), 0.1f}, {123456, 0.99f}, {vectors_photo(store, 11), 0.7f}};
    size_t count = 3;
    vectors_make(query, NULL, 4);
    ck_assert_int_eq(ps__rank_exact(c, &count, store, space, query, VECTORS_DIM, NULL), PS__OK);
    ck_assert_uint_eq(count, 2);
    ck_assert_int_eq(c[0].photo, vectors_photo(store, 4));
    ck_assert(fabsf(c[0].cosine - 1.0f) < 0.001f);
    ck_assert(c[1].cosine < 0.95f && c[1].cosine != 0.7f);
    ps__store_close(store);
}
END_TEST

/* The cosine that gets this score. */
static float cosine_of(double score) { return (float)((log(score / (1 - score)) - scorer.offset) / scorer.slope); }

START_TEST(the_verdict_follows_the_calibration) {
    ck_assert_int_eq(ps__rank_score_verdict(scorer.good + 0.001, &scorer), PS__VERDICT_GOOD);
    ck_assert_int_eq(ps__rank_score_verdict(scorer.good - 0.001, &scorer), PS__VERDICT_WEAK);
    ck_assert_int_eq(ps__rank_score_verdict(scorer.weak + 0.001, &scorer), PS__VERDICT_WEAK);
    ck_assert_int_eq(ps__rank_score_verdict(scorer.weak - 0.001, &scorer), PS__VERDICT_NONE);
}
END_TEST

START_TEST(limit_and_least_score_cut) {
    ps__candidate c[] = {{1, cosine_of(0.9)}, {2, cosine_of(0.6)}, {3, cosine_of(0.4)}, {4, cosine_of(0.1)}};
    ck_assert_uint_eq(ps__rank_cut(c, 4, &scorer, 10, 0.0), 4);
    ck_assert_uint_eq(ps__rank_cut(c, 4, &scorer, 3, 0.0), 3);
    ck_assert_uint_eq(ps__rank_cut(c, 4, &scorer, 10, 0.5), 2);
    ck_assert_uint_eq(ps__rank_cut(c, 4, &scorer, 10, 1.0), 0);
    ck_assert_uint_eq(ps__rank_cut(c, 0, &scorer, 10, 0.5), 0);
}
END_TEST

Suite *suite_rank(void) {
    Suite *suite = suite_create("rank");
    TCase *ranking = tcase_create("ranking");
    tcase_add_checked_fixture(ranking, library_setup, library_teardown);
    tcase_add_test(ranking, equal_cosines_are_ordered_by_photo);
    tcase_add_test(ranking, each_photo_counts_once_with_its_best);
    tcase_add_test(ranking, approximate_cosines_are_replaced_and_missing_photos_dropped);
    tcase_add_test(ranking, the_verdict_follows_the_calibration);
    tcase_add_test(ranking, limit_and_least_score_cut);
    suite_add_tcase(suite, ranking);
    return suite;
}
