/*
** The lowest priorities, best effort: a container or a seccomp filter may refuse any of these calls, and work goes on without.
*/
#include "base/priority.h"

#include "base/os.h"

int ps__priority_background(void) {
    int got = 0;
    if (ps__os.thread_sched_idle() == 0)
        got |= PS__PRIORITY_CPU_IDLE;
    else if (ps__os.thread_nice(19) == 0)
        got |= PS__PRIORITY_NICE;
    if (ps__os.thread_io_idle() == 0) got |= PS__PRIORITY_IO_IDLE;
    return got;
}

int64_t ps__thread_cpu_ns(void) { return ps__os.thread_cpu_ns(); }
