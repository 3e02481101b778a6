/*
** Orders of answers, and pages that join without a gap.
*/
#include <check.h>
#include <stdlib.h>

#include "api/ranked.h"
#include "tests/suites.h"

static void fill(ps__ranking *ranking, int count) {
    srand(7);
    for (int i = 0; i < count; i++) {
        const ps__ranked one = {.photo = rand() % (count / 2) + 1,
                                .score = (double)(rand() % 8) / 8,
                                .has_taken = rand() % 4 != 0,
                                .taken_s = rand() % 5};
        ck_assert_int_eq(ps__ranking_add(ranking, &one, NULL), PS__OK);
    }
}

START_TEST(each_photo_is_there_once_with_its_best_score) {
    ps__ranking ranking = {0};
    static const ps__ranked some[] = {{.photo = 3, .score = 0.2}, {.photo = 1, .score = 0.5}, {.photo = 3, .score = 0.9}, {.photo = 2, .score = 0.5}};
    for (int i = 0; i < 4; i++) ck_assert_int_eq(ps__ranking_add(&ranking, &some[i], NULL), PS__OK);
    ps__ranking_settle(&ranking, PS__ORDER_RELEVANCE);
    ck_assert_uint_eq(ranking.count, 3);
    ck_assert(ranking.list[0].photo == 3 && ranking.list[0].score == 0.9);
    ck_assert(ranking.list[1].photo == 1 && ranking.list[2].photo == 2);
    ps__ranking_clear(&ranking);
}
END_TEST

START_TEST(time_orders_put_what_has_no_time_last) {
    ps__ranking ranking = {0};
    static const ps__ranked some[] = {{.photo = 1}, {.photo = 2, .has_taken = 1, .taken_s = 50}, {.photo = 3, .has_taken = 1, .taken_s = 70}};
    for (int i = 0; i < 3; i++) ck_assert_int_eq(ps__ranking_add(&ranking, &some[i], NULL), PS__OK);
    ps__ranking_settle(&ranking, PS__ORDER_NEWEST);
    ck_assert(ranking.list[0].photo == 3 && ranking.list[1].photo == 2 && ranking.list[2].photo == 1);
    ps__ranking_settle(&ranking, PS__ORDER_OLDEST);
    ck_assert(ranking.list[0].photo == 2 && ranking.list[1].photo == 3 && ranking.list[2].photo == 1);
    ps__ranking_clear(&ranking);
}
END_TEST

/* Behind each photo as the end of a page come exactly those that stand behind it. */
START_TEST(pages_join_without_a_gap) {
    ps__ranking ranking = {0};
    fill(&ranking, 120);
    ps__ranking_settle(&ranking, _i);
    for (size_t end = 0; end < ranking.count; end++) {
        const ps__ranked *last = &ranking.list[end];
        const ps__cursor cursor = {
            .order = _i, .photo = last->photo, .score = last->score, .has_taken = last->has_taken, .taken_s = last->taken_s};
        for (size_t i = 0; i < ranking.count; i++) ck_assert_int_eq(ps__ranked_is_after(&ranking.list[i], &cursor), i > end);
    }
    ps__ranking_clear(&ranking);
}
END_TEST

Suite *suite_ranked(void);
Suite *suite_ranked(void) {
    Suite *suite = suite_create("ranked");
    TCase *tc = tcase_create("ranked");
    tcase_add_test(tc, each_photo_is_there_once_with_its_best_score);
    tcase_add_test(tc, time_orders_put_what_has_no_time_last);
    tcase_add_loop_test(tc, pages_join_without_a_gap, 0, 3);
    suite_add_tcase(suite, tc);
    return suite;
}
