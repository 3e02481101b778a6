/*
** `make torture`: a process that indexes is killed at random moments, a thousand times and more, while its photos come, go and move;
** each time the library must be sound and whole. TORTURE_KILLS and TORTURE_SEED say how often and in which order; tests/e2e runs
** it with fewer kills. Not part of the test program, as it takes minutes.
**
** Exit status 1: something was lost or damaged. With TORTURE_MEASURE=1 also when a measured time is beyond its limit.
*/
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/store/inspect.h"
#include "tests/torture/torture.h"
#include "tests/torture/world.h"

#define REOPEN_LIMIT_MS 1000.0

torture_tally torture_sum;

int torture_number(const char *name, int otherwise) {
    const char *text = getenv(name);
    return text && *text ? atoi(text) : otherwise;
}

void torture_sleep_us(int us) {
    struct timespec left = {us / 1000000, us % 1000000 * 1000L};
    if (us > 0) nanosleep(&left, NULL);
}

int torture_kill(pid_t child) {
    int status, only_wait = child < 0;
    if (only_wait)
        child = -child;
    else
        kill(child, SIGKILL);
    while (waitpid(child, &status, 0) < 0) ck_assert_int_eq(errno, EINTR);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) return 1;
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a child ended with wait status 0x%x", (unsigned)status);
    return 0;
}

void torture_reopen(const char *folder) {
    double ms = inspect_reopen_ms(folder);
    torture_sum.reopen_sum_ms += ms;
    if (ms > torture_sum.reopen_most_ms) torture_sum.reopen_most_ms = ms;
}

/* One kill in twenty hits the real program: it takes longer to start than all of a make-believe run. */
static int program_kills(int kills) { return torture_number("TORTURE_PROGRAM_KILLS", kills / 20); }

START_TEST(make_believe_photos) {
    int kills = torture_number("TORTURE_KILLS", 1000);
    torture_rounds(kills - program_kills(kills));
}
END_TEST

START_TEST(the_program) { torture_program(program_kills(torture_number("TORTURE_KILLS", 1000))); }
END_TEST

START_TEST(measures) {
    if (torture_number("TORTURE_MEASURE", 0)) torture_measure(torture_number("TORTURE_PHOTOS", 100000));
}
END_TEST

static int summary(void) {
    const torture_tally *t = &torture_sum;
    int opened = t->kills + t->survivors;
    printf("torture: %d kills (%d children were done before), %ld committed photos looked for and found, at most %d photos' work "
           "lost by a kill, at most %d temp files, reopened in %.1f ms (most %.1f ms)\n",
           t->kills, t->survivors, t->checked, t->lost_work_most, t->temp_files_most, opened ? t->reopen_sum_ms / opened : 0,
           t->reopen_most_ms);
    if (t->reopen_most_ms <= REOPEN_LIMIT_MS || !torture_number("TORTURE_MEASURE", 0)) return 0;
    printf("torture: MEASUREMENT FAILED: reopening took more than %.0f ms\n", REOPEN_LIMIT_MS);
    return 1;
}

int main(void) {
    int seed = torture_number("TORTURE_SEED", (int)(time(NULL) % 1000000));
    Suite *suite = suite_create("torture");
    TCase *tc = tcase_create("torture");
    tcase_add_test(tc, make_believe_photos);
    tcase_add_test(tc, the_program);
    tcase_add_test(tc, measures);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    fprintf(stderr, "torture: %d kills, seed %d\n", torture_number("TORTURE_KILLS", 1000), seed);
    world_seed((unsigned)seed);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    int slow = summary();
    if (failed) printf("torture: FAILED with TORTURE_SEED=%d\n", seed);
    return failed || slow;
}
