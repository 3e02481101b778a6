/*
** Cursors come back as they were, and nothing else is taken for one.
*/
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "api/cursor.h"
#include "tests/suites.h"

static const ps__cursor samples[] = {
    {.search = 1, .now_s = 1800000000, .order = 0, .photo = 7, .score = 0.731},
    {.search = UINT64_MAX, .now_s = -5, .order = 2, .photo = INT64_MAX, .has_taken = 1, .taken_s = INT64_MIN},
    {.search = 0, .order = 1, .photo = 1, .taken_s = 0, .score = 0},
};

START_TEST(a_cursor_comes_back) {
    char text[PS__CURSOR_TEXT];
    ps__cursor back;
    const ps__cursor *c = &samples[_i];
    ps__cursor_print(text, c);
    ck_assert_uint_lt(strlen(text), PS__CURSOR_TEXT - 1);
    ck_assert_int_eq(ps__cursor_read(&back, text, c->search, NULL), PS__OK);
    ck_assert(back.search == c->search && back.now_s == c->now_s && back.order == c->order && back.photo == c->photo &&
              back.score == c->score && back.has_taken == c->has_taken && back.taken_s == c->taken_s);
    ck_assert_int_eq(ps__cursor_read(&back, text, c->search + 1, NULL), PS__INVALID);
}
END_TEST

START_TEST(anything_else_is_refused) {
    static const char *const wrong[] = {"", ".", "1", "1.2.3.4.5.6.7", "x", "1.2.3.4.5.6.", "11111111111111111.2.3.4.5.6.7", "-1.2.3.4.5.6.7"};
    char text[PS__CURSOR_TEXT], changed[PS__CURSOR_TEXT];
    ps__cursor back;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_int_eq(ps__cursor_read(&back, wrong[i], 1, NULL), PS__INVALID);
    ps__cursor_print(text, &samples[0]);
    for (size_t i = 0; i < strlen(text); i++) {
        strcpy(changed, text);
        changed[i] = changed[i] == '3' ? '4' : '3';
        ck_assert_int_eq(ps__cursor_read(&back, changed, 1, NULL), PS__INVALID);
        changed[i] = 0;
        ck_assert_int_eq(ps__cursor_read(&back, changed, 1, NULL), PS__INVALID);
    }
}
END_TEST

Suite *suite_cursor(void);
Suite *suite_cursor(void) {
    Suite *suite = suite_create("cursor");
    TCase *tc = tcase_create("cursor");
    tcase_add_loop_test(tc, a_cursor_comes_back, 0, sizeof samples / sizeof *samples);
    tcase_add_test(tc, anything_else_is_refused);
    suite_add_tcase(suite, tc);
    return suite;
}
