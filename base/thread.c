/*
** Starting threads; see thread.h.
*/
#include "base/thread.h"

#include <signal.h>
#include <time.h>

#include "base/os.h"

int ps__thread_start(pthread_t *thread, void *(*body)(void *), void *payload) {
    static const int of_faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
    sigset_t set, old;
    sigfillset(&set);
    for (size_t i = 0; i < sizeof of_faults / sizeof *of_faults; i++) sigdelset(&set, of_faults[i]);
    pthread_sigmask(SIG_SETMASK, &set, &old); /* a new thread has the mask of the one that starts it */
    int e = ps__os.thread(thread, body, payload);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return e;
}

void ps__condition_init(pthread_cond_t *condition) {
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &monotonic);
    pthread_condattr_destroy(&monotonic);
}
