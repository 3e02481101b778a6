/*
** Starting and stopping processes that work for the library; see process.h.
*/
#include "encoder/sandbox/process.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/os.h"

enum { STOP_MS = 100 /* between two questions to `stop` */, NAMES = 3, SETTINGS = NAMES + 2 /* environment variables at most, and the NULL */ };

static pid_t this_thread(void) { return (pid_t)syscall(SYS_gettid); }

static void close_if_open(int *fd) {
    if (*fd >= 0) ps__os.close(*fd);
    *fd = -1;
}

/* ---- Starting ----------------------------------------------------------------------------------------------------------- */

/* The only settings that they may need: where their libraries and data are; and one thread is enough for what uses OpenMP. */
static void make_environment(char *settings[SETTINGS], char texts[NAMES][4096]) {
    static const char *const names[NAMES] = {"LD_LIBRARY_PATH", "LIBHEIF_PLUGIN_PATH", "TESSDATA_PREFIX"};
    static char one_thread[] = "OMP_THREAD_LIMIT=1";
    int n = 0;
    for (int i = 0; i < NAMES; i++) {
        const char *value = getenv(names[i]);
        if (!value || snprintf(texts[i], sizeof texts[i], "%s=%s", names[i], value) >= (int)sizeof texts[i]) continue;
        settings[n++] = texts[i];
    }
    settings[n++] = one_thread;
    settings[n] = NULL;
}

/* Files of ours of which the child gets copies. */
typedef struct handed {
    int requests, answers, input, output;
} handed;

/* The child's files: the numbers of child.h, and nothing above. Whatever is handed over lies above them, so no step undoes
** another. */
static int set_files(posix_spawn_file_actions_t *actions, const handed *files) {
    const int numbers[][2] = {{0, 1},
                             {0, 2},
                             {files->requests, PS__CHILD_REQUESTS},
                             {files->answers, PS__CHILD_ANSWERS},
                             {files->input, PS__CHILD_INPUT},
                             {files->output, PS__CHILD_OUTPUT}};
    int failed = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDWR, 0);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers && !failed; i++)
        failed = posix_spawn_file_actions_adddup2(actions, numbers[i][0], numbers[i][1]);
    return failed ? failed : posix_spawn_file_actions_addclosefrom_np(actions, PS__CHILD_FIRST_FREE);
}

/* All signals as they are by default, and a session of its own: Ctrl-C is for the program, which stops when its photo is done. */
static int set_attributes(posix_spawnattr_t *attributes) {
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    int failed = posix_spawnattr_setsigdefault(attributes, &all);
    if (!failed) failed = posix_spawnattr_setsigmask(attributes, &none);
    if (!failed)
        failed = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID);
    return failed;
}

static int spawn(ps__process *p, const char *program, uint64_t max_bytes, const char *setting, const handed *files) {
    char pid[24], bytes[24], texts[NAMES][4096], *settings[SETTINGS];
    char *name = (char *)(uintptr_t)program, *last = (char *)(uintptr_t)setting; /* never written to */
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    snprintf(pid, sizeof pid, "%ld", (long)getpid());
    snprintf(bytes, sizeof bytes, "%" PRIu64, max_bytes);
    make_environment(settings, texts);
    char *arguments[] = {name, pid, bytes, last, NULL};
    int failed = posix_spawn_file_actions_init(&actions);
    if (failed) return failed;
    failed = posix_spawnattr_init(&attributes);
    if (!failed) {
        failed = set_files(&actions, files);
        if (!failed) failed = set_attributes(&attributes);
        if (!failed) failed = ps__os.spawn(&p->pid, program, &actions, &attributes, arguments, settings);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

/* The input once more, read-only: so that a decoder can neither change what the library is about to look at nor cut it short.
** Without /proc it gets what there is; the seal keeps the memory in its place. */
static int read_only(int fd) {
    char path[40];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int low = ps__os.open(path, O_RDONLY, 0);
    if (low < 0) return ps__os.duplicate(fd);
    int high = ps__os.duplicate(low), e = errno;
    ps__os.close(low);
    errno = e;
    return high;
}

int ps__process_start(ps__process *p, const char *program, uint64_t max_bytes, int input, int output, const char *setting,
                      ps__error *err) {
    int to[2] = {-1, -1}, from[2] = {-1, -1}, shown = -1, failed = 0;
    memset(p, 0, sizeof *p);
    p->pidfd = -1;
    if (ps__os.pipe(to) != 0 || ps__os.pipe(from) != 0 || (shown = read_only(input)) < 0)
        failed = errno;
    else
        failed = spawn(p, program, max_bytes, setting, &(handed){to[0], from[1], shown, output});
    close_if_open(&shown);
    close_if_open(&from[1]);
    if (failed) {
        close_if_open(&to[0]);
        close_if_open(&to[1]);
        close_if_open(&from[0]);
        p->pid = 0;
        return ps__fail_errno(err, failed, "%s: could not be started", program);
    }
    p->thread = this_thread();
    p->pidfd = ps__os.pidfd(p->pid);
    p->requests = to[1];
    p->requests_end = to[0];
    p->answers = from[0];
    return PS__OK;
}

/* ---- Stopping ----------------------------------------------------------------------------------------------------------- */

/* A program may ignore SIGCHLD or reap whatever ends: then ECHILD says that the process is gone, and not how. */
static void reap(ps__process *p, ps__process_end *end) {
    siginfo_t info;
    struct rusage used;
    int result;
    while ((result = ps__os.reap(p->pid, p->pidfd, &info, &used)) != 0 && errno == EINTR) {
    }
    end->cpu_ns = p->seen_ns;
    if (result != 0) return;
    end->known = 1;
    end->exited = info.si_code == CLD_EXITED;
    end->value = info.si_status;
    end->cpu_ns = ((int64_t)used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000000 +
                  ((int64_t)used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1000;
}

void ps__process_stop(ps__process *p, ps__process_end *end) {
    ps__process_end own;
    if (!end) end = &own;
    memset(end, 0, sizeof *end);
    if (!p->pid) return;
    ps__process_cpu_ns(p);
    ps__os.kill(p->pid, p->pidfd); /* does nothing to one that ended, and does not change how it ended */
    reap(p, end);
    close_if_open(&p->requests);
    close_if_open(&p->requests_end);
    close_if_open(&p->answers);
    close_if_open(&p->pidfd);
    p->pid = 0;
}

void ps__process_describe(char *text, size_t size, const ps__process_end *end) {
    if (!end->known)
        snprintf(text, size, "ended, and somebody else was told how");
    else if (end->exited)
        snprintf(text, size, "ended by itself with status %d", end->value);
    else if (end->value == 9)
        snprintf(text, size, "was killed (signal 9); perhaps memory ran out");
    else
        snprintf(text, size, "crashed (signal %d, %s)", end->value,
                 sigdescr_np(end->value) ? sigdescr_np(end->value) : "unknown");
}

/* ---- While it runs ------------------------------------------------------------------------------------------------------ */

/* Waits until it says something (PS__HEARD), ends, or the time is over. What it said before its end comes first. */
static int await(const ps__process *p, int timeout_ms) {
    struct pollfd fds[] = {{p->answers, POLLIN, 0}, {p->pidfd, POLLIN, 0}};
    int count = ps__os.poll(fds, 2, timeout_ms);
    if (count < 0) return errno == EINTR || errno == EAGAIN ? PS__HEARD_NOTHING : PS__HEARD_FAILED;
    if (fds[0].revents & POLLIN) return PS__HEARD;
    return count ? PS__HEARD_END : PS__HEARD_NOTHING;
}

int ps__process_is_ready(const ps__process *p) {
    return p->pid && p->thread == this_thread() && await(p, 0) == PS__HEARD_NOTHING;
}

int64_t ps__process_cpu_ns(ps__process *p) {
    struct pollfd ended = {p->pidfd, POLLIN, 0};
    if (!p->pid || (p->pidfd >= 0 && ps__os.poll(&ended, 1, 0) != 0)) return p->seen_ns; /* its number may be another's by now */
    int64_t now = ps__os.cpu_ns(p->pid);
    if (now > p->seen_ns) p->seen_ns = now;
    return p->seen_ns;
}

/* The pipe is empty, and has room for a request, whenever the decoder is ready. */
int ps__process_tell(const ps__process *p, const void *bytes, size_t size) {
    ssize_t n;
    while ((n = ps__os.write(p->requests, bytes, size)) < 0 && errno == EINTR) {
    }
    return n == (ssize_t)size ? PS__HEARD : PS__HEARD_FAILED;
}

int ps__process_hear(const ps__process *p, void *bytes, size_t size, int64_t deadline_ns, ps__stop_fn *stop, void *payload) {
    for (size_t got = 0; got < size;) {
        int64_t left_ms = (deadline_ns - ps__os.monotonic_ns() + 999999) / 1000000;
        if (stop && stop(payload)) return PS__HEARD_STOP;
        if (left_ms <= 0) return PS__HEARD_NOTHING;
        int heard = await(p, (int)(left_ms < STOP_MS ? left_ms : STOP_MS));
        if (heard == PS__HEARD_NOTHING) continue;
        if (heard != PS__HEARD) return heard;
        ssize_t n = ps__os.read(p->answers, (uint8_t *)bytes + got, size - got);
        if (n == 0) return PS__HEARD_END;
        if (n < 0 && errno != EINTR) return PS__HEARD_FAILED;
        if (n > 0) got += (size_t)n;
    }
    return PS__HEARD;
}
