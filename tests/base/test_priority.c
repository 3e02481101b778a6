/*
** Background priority: of the calling thread and what it starts, of nobody else.
*/
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/os.h"
#include "base/priority.h"
#include "tests/suites.h"

static int refuse(void) {
    errno = EPERM;
    return -1;
}
static int refuse_nice(int nice_value) {
    (void)nice_value;
    return refuse();
}

typedef struct seen {
    int got, policy, nice, io, child_policy;
} seen;

static int io_class(void) { return (int)syscall(SYS_ioprio_get, 1, 0) >> 13; }

static void *go_to_background(void *payload) {
    seen *s = payload;
    int status = 0;
    s->got = ps__priority_background();
    s->policy = sched_getscheduler(0);
    s->nice = getpriority(PRIO_PROCESS, 0);
    s->io = io_class();
    pid_t pid = fork();
    if (pid == 0) _exit(sched_getscheduler(0));
    waitpid(pid, &status, 0);
    s->child_policy = WEXITSTATUS(status);
    return NULL;
}

static seen in_thread(void) {
    pthread_t thread;
    seen s = {0};
    ck_assert_int_eq(pthread_create(&thread, NULL, go_to_background, &s), 0);
    pthread_join(thread, NULL);
    return s;
}

START_TEST(a_thread_goes_to_the_background_alone) {
    int policy = sched_getscheduler(0), nice_value = getpriority(PRIO_PROCESS, 0), io = io_class();
    seen s = in_thread();
    if (s.got & PS__PRIORITY_CPU_IDLE) ck_assert_int_eq(s.policy, SCHED_IDLE);
    if (s.got & PS__PRIORITY_IO_IDLE) ck_assert_int_eq(s.io, 3);
    ck_assert_int_eq(s.child_policy, s.policy);
    ck_assert_int_ne(s.got & (PS__PRIORITY_CPU_IDLE | PS__PRIORITY_NICE), 0);
    ck_assert_int_eq(sched_getscheduler(0), policy);
    ck_assert_int_eq(getpriority(PRIO_PROCESS, 0), nice_value);
    ck_assert_int_eq(io_class(), io);
}
END_TEST

START_TEST(what_is_refused_is_told_and_replaced) {
    int nice_value = getpriority(PRIO_PROCESS, 0);
    ps__os.thread_sched_idle = refuse;
    seen s = in_thread();
    ck_assert_int_eq(s.got & ~PS__PRIORITY_IO_IDLE, PS__PRIORITY_NICE);
    ck_assert_int_eq(s.nice, 19);
    ck_assert_int_eq(getpriority(PRIO_PROCESS, 0), nice_value);
    ps__os.thread_nice = refuse_nice;
    ps__os.thread_io_idle = refuse;
    ck_assert_int_eq(in_thread().got, 0);
}
END_TEST

START_TEST(a_threads_processor_time_grows_as_it_works) {
    int64_t start = ps__thread_cpu_ns();
    volatile unsigned work = 0;
    ck_assert_int_ge(start, 0);
    for (int rounds = 0; rounds < 10000 && ps__thread_cpu_ns() == start; rounds++)
        for (unsigned i = 0; i < 100000; i++) work += i;
    ck_assert_int_gt(ps__thread_cpu_ns(), start);
}
END_TEST

Suite *suite_priority(void) {
    Suite *suite = suite_create("priority");
    TCase *threads = tcase_create("threads");
    tcase_add_checked_fixture(threads, NULL, ps__os_reset);
    tcase_add_test(threads, a_thread_goes_to_the_background_alone);
    tcase_add_test(threads, what_is_refused_is_told_and_replaced);
    tcase_add_test(threads, a_threads_processor_time_grows_as_it_works);
    suite_add_tcase(suite, threads);
    return suite;
}
