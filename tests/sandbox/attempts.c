/*
** Misfortunes and attempts; see attempts.h.
*/
#include "tests/sandbox/attempts.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "encoder/sandbox/child.h"

extern char **environ;

__attribute__((no_sanitize("address", "undefined"))) void attempt_crash(void) {
    signal(SIGSEGV, SIG_DFL); /* refused but where a sanitizer has a handler */
    volatile int *volatile nowhere = NULL;
    *nowhere = 1;
}

void attempt_hang(void) {
    for (volatile unsigned i = 0;;) i = i + 1;
}

int attempt_eating(void) {
    int megabytes = 0;
    while (mmap(NULL, (size_t)1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED) megabytes++;
    return megabytes;
}

long attempt_call(const char *name, void *scratch) {
    static char program[] = "/bin/true", *const arguments[] = {program, NULL};
    if (!strcmp(name, "open")) return syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY);
    if (!strcmp(name, "create")) return syscall(SYS_openat, AT_FDCWD, "/tmp/photosearch-test", O_WRONLY | O_CREAT, 0600);
    if (!strcmp(name, "unlink")) return syscall(SYS_unlinkat, AT_FDCWD, "/tmp/photosearch-test-none", 0);
    if (!strcmp(name, "stat")) return syscall(SYS_newfstatat, AT_FDCWD, "/etc/passwd", scratch, 0);
    if (!strcmp(name, "socket")) return syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
    if (!strcmp(name, "pair")) return syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, scratch);
    if (!strcmp(name, "exec")) return syscall(SYS_execve, program, arguments, environ);
    if (!strcmp(name, "fork")) return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (!strcmp(name, "clone3")) return syscall(SYS_clone3, scratch, 64);
    if (!strcmp(name, "space")) return syscall(SYS_unshare, CLONE_NEWUSER);
    if (!strcmp(name, "kill")) return syscall(SYS_kill, getppid(), 0);
    if (!strcmp(name, "tgkill")) return syscall(SYS_tgkill, 1, 1, 0);
    if (!strcmp(name, "ptrace")) return syscall(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0);
    if (!strcmp(name, "peek")) return syscall(SYS_process_vm_readv, getppid(), scratch, 0, scratch, 0, 0);
    if (!strcmp(name, "limit")) return syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, scratch);
    if (!strcmp(name, "raise")) return syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &(struct rlimit){64, 64}, NULL);
    if (!strcmp(name, "dumpable")) return syscall(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0);
    if (!strcmp(name, "orphan")) return syscall(SYS_prctl, PR_SET_PDEATHSIG, 0, 0, 0, 0);
    if (!strcmp(name, "code")) return syscall(SYS_mmap, 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (!strcmp(name, "protect")) return syscall(SYS_mprotect, (uintptr_t)scratch & ~(uintptr_t)4095, 4096, PROT_READ | PROT_EXEC);
    if (!strcmp(name, "input")) return syscall(SYS_mmap, 0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, PS__CHILD_INPUT, 0);
    if (!strcmp(name, "cut")) return syscall(SYS_ftruncate, PS__CHILD_OUTPUT, 0);
    if (!strcmp(name, "cut-input")) return syscall(SYS_ftruncate, PS__CHILD_INPUT, 0);
    if (!strcmp(name, "close")) return syscall(SYS_close, PS__CHILD_OUTPUT);
    if (!strcmp(name, "memory")) return syscall(SYS_memfd_create, "x", 0);
    errno = EINVAL;
    return -1;
}
