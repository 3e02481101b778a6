/*
** The walls: rlimits, and a list of the system calls that are allowed (seccomp, through libseccomp); see
** cage.h.
**
** What is allowed is memory that is not executable, threads of this process, clocks, and the two pipes. All else is answered with
** EPERM and not with death: a library that asks for something in passing, such as the number of processors, copes with that, and
** a sentence about the photo is worth more than a dead process. There is no call on the list that opens, creates or names
** anything.
*/
#include "encoder/sandbox/cage.h"

#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "encoder/sandbox/child.h"

#define ROOM ((uint64_t)128 << 20)         /* stacks of threads and what allocation wastes */
#define UNKNOWN_SIZE ((uint64_t)512 << 20) /* taken for the address space in use where /proc does not tell */

/* When memory runs out on the machine, the kernel should end this process rather than the program that it works for. */
static void offer_to_die(void) {
    FILE *f = fopen("/proc/self/oom_score_adj", "we");
    if (!f) return;
    fputs("500", f);
    fclose(f);
}

/* Started by root, it would be free to raise its limits again. */
static void drop_capabilities(void) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0, 0, 0}};
    syscall(SYS_capset, &header, none);
}

int ps__cage_bind(pid_t parent) {
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) return -1; /* it may have died before the first call */
    offer_to_die();
    drop_capabilities();
    prctl(PR_SET_DUMPABLE, 0);
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/* Address space in use, in bytes. */
static uint64_t used_space(void) {
    unsigned long long pages;
    FILE *f = fopen("/proc/self/statm", "re");
    int got = f && fscanf(f, "%llu", &pages) == 1;
    if (f) fclose(f);
    return got ? pages * (uint64_t)sysconf(_SC_PAGESIZE) : UNKNOWN_SIZE;
}

static int limit(int what, uint64_t most) {
    struct rlimit now;
    if (getrlimit((__rlimit_resource_t)what, &now) != 0) return -1;
    if (now.rlim_max != RLIM_INFINITY && now.rlim_max < most) most = now.rlim_max;
    return setrlimit((__rlimit_resource_t)what, &(struct rlimit){most, most});
}

/* RLIMIT_NPROC is left alone: it counts all processes of the user, and some decoders need a thread. */
int ps__cage_limit(uint64_t max_bytes, uint64_t shared) {
    const uint64_t space = used_space() + shared + ROOM;
    if (max_bytes > UINT64_MAX / 2) max_bytes = UINT64_MAX / 2;
    if (!PS__SANITIZED && limit(RLIMIT_AS, space + max_bytes) != 0) return -1;
    if (limit(RLIMIT_CORE, 0) != 0 || limit(RLIMIT_FSIZE, 0) != 0) return -1;
    return limit(RLIMIT_NOFILE, 0); /* no new file, socket or pipe, whatever opens it; those that are open stay */
}

/* ---- System calls --------------------------------------------------------------------------------------------------------- */

typedef struct rule {
    int call;  /* SCMP_SYS */
    int count; /* conditions that must all hold: 0, 1 or 2 */
    struct scmp_arg_cmp when[2];
} rule;

/* Flags of clone(2) that make a thread of this process, and those that would give it another view of the system. */
#define THREAD_FLAGS (CLONE_VM | CLONE_SIGHAND | CLONE_THREAD)
#define SPACE_FLAGS (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

#define ALLOW(name)                                                                                                              \
    {                                                                                                                            \
        SCMP_SYS(name), 0, {                                                                                                     \
            { 0, 0, 0, 0 }                                                                                                       \
        }                                                                                                                        \
    }
#define ALLOW_IF(name, ...)                                                                                                      \
    {                                                                                                                            \
        SCMP_SYS(name), 1, { __VA_ARGS__ }                                                                                       \
    }

static int add_rules(scmp_filter_ctx filter) {
    const scmp_datum_t self = (scmp_datum_t)getpid();
    const rule rules[] = {
        /* the two pipes */
        ALLOW_IF(read, SCMP_A0(SCMP_CMP_EQ, PS__CHILD_REQUESTS, 0)),
        ALLOW_IF(write, SCMP_A0(SCMP_CMP_EQ, PS__CHILD_ANSWERS, 0)),
        /* memory, never executable */
        ALLOW_IF(mmap, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)),
        ALLOW_IF(mprotect, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)),
        ALLOW(munmap),
        ALLOW(mremap),
        ALLOW(madvise),
        ALLOW(brk),
        /* threads of this process */
        ALLOW_IF(clone, SCMP_A0(SCMP_CMP_MASKED_EQ, THREAD_FLAGS | SPACE_FLAGS, THREAD_FLAGS)),
        ALLOW(futex),
        ALLOW(set_robust_list),
        ALLOW(rseq),
        ALLOW(sched_yield),
        ALLOW(sched_getaffinity),
        ALLOW(gettid),
        ALLOW_IF(prctl, SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME, 0)),
        /* ending, also by abort() */
        ALLOW(exit),
        ALLOW(exit_group),
        ALLOW(rt_sigreturn),
        ALLOW(rt_sigprocmask),
        ALLOW(getpid),
        ALLOW_IF(tgkill, SCMP_A0(SCMP_CMP_EQ, self, 0)),
        /* clocks, and chance for hash tables */
        ALLOW(clock_gettime),
        ALLOW(clock_getres),
        ALLOW(gettimeofday),
        ALLOW(getrandom),
        ALLOW(restart_syscall),
#if PS__SANITIZED
        /* the sanitizers: stacks for their signal handlers, a thread of theirs that sleeps, and reports, which go to /dev/null */
        ALLOW(sigaltstack),
        ALLOW(rt_sigaction),
        ALLOW(nanosleep),
        ALLOW(clock_nanosleep),
        ALLOW_IF(write, SCMP_A0(SCMP_CMP_EQ, 2, 0)),
#endif
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, rules[i].call, (unsigned)rules[i].count, rules[i].when) != 0)
            return -1;
    /* The flags of clone3 lie in memory, where a filter cannot look; told that it does not exist, the C library takes clone. */
    return seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}

int ps__cage_close(void) {
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (!filter) return 0;
    int closed = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) == 0 && add_rules(filter) == 0 && seccomp_load(filter) == 0;
    seccomp_release(filter);
    return closed;
}
