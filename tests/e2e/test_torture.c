/*
** A short torture: the program of tests/torture, with fewer kills than `make torture` has. Always in the same order of changes and
** waits; where a kill hits is chance all the same.
*/
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/e2e/shell.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define KILLS 40
#else
#define KILLS 200
#endif

static char out[E2E_OUTPUT];

START_TEST(no_kill_costs_a_committed_photo) {
    const char *build = getenv("PHOTOSEARCH_TEST_BUILD");
    int status = e2e_run(out, "TORTURE_KILLS=%d TORTURE_SEED=%d '%s/tests/torture/torture' 2>&1", KILLS, 20240229,
                         build ? build : "build/plain");
    ck_assert_msg(status == 0, "status %d:\n%s", status, out);
    ck_assert_msg(strstr(out, "kills (") != NULL, "%s", out);
}
END_TEST

Suite *suite_torture(void);
Suite *suite_torture(void) {
    Suite *suite = suite_create("torture");
    TCase *tc = tcase_create("torture");
    tcase_set_timeout(tc, 300);
    tcase_add_test(tc, no_kill_costs_a_committed_photo);
    suite_add_tcase(suite, tc);
    return suite;
}
