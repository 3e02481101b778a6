/*
** Programs that run while a test goes on; see background.h.
*/
#include "tests/cli/background.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/cli/program.h"

#define LIMIT_S 60
#define LOOK_MS 20

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void look_again_later(void) { nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * 1000000L}, NULL); }

/* 1 if a program that a test still counts on has ended. */
static int has_lost_one(void) {
    siginfo_t info = {0};
    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0;
}

static int status_of(int raw) { return WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw); }

pid_t background_start(const char *format, ...) {
    char command[4096] = "exec ";
    va_list args;
    va_start(args, format);
    vsnprintf(command + 5, sizeof command - 5, format, args);
    va_end(args);
    ck_assert_int_eq(e2e_run(NULL, "true"), 0); /* sets $PS, $T and $R */
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid > 0) return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a failed test leaves nothing behind */
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

int background_wait(pid_t pid) {
    int raw = 0;
    pid_t ended = 0;
    for (double end = now_s() + LIMIT_S; ended == 0 && now_s() < end;) {
        ended = waitpid(pid, &raw, WNOHANG);
        if (ended == 0) look_again_later();
    }
    ck_assert_msg(ended == pid, "process %d does not end", (int)pid);
    return status_of(raw);
}

int background_stop(pid_t pid, int signal_number) {
    ck_assert_int_eq(kill(pid, signal_number), 0);
    return background_wait(pid);
}

void background_until(const char *format, ...) {
    char command[4096];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof command, format, args);
    va_end(args);
    int lost = 0;
    for (double end = now_s() + LIMIT_S; !lost && now_s() < end; look_again_later()) {
        lost = has_lost_one();
        if (e2e_run(NULL, "%s", command) == 0) return;
    }
    ck_abort_msg("this did not come true: %s", command);
}

json_t *background_lines(const char *name) {
    static char text[E2E_OUTPUT];
    char *line = text, *end;
    json_t *lines = json_array();
    e2e_run(text, "cat $T/%s 2>/dev/null", name); /* right after the start there may be none */
    for (; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = 0;
        json_array_append_new(lines, cli_parse(line));
    }
    return lines;
}

static int fits(const json_t *line, const char *key, const char *value, const char *number, long long least) {
    const char *text = json_string_value(json_object_get(line, key));
    if (!text || strcmp(text, value) != 0) return 0;
    return !number || cli_number(line, number) >= least;
}

size_t background_find(const char *name, size_t at, const char *key, const char *value, const char *number, long long least) {
    int lost = 0;
    for (double end = now_s() + LIMIT_S; !lost && now_s() < end; look_again_later()) {
        lost = has_lost_one();
        json_t *lines = background_lines(name);
        size_t count = json_array_size(lines), i = at;
        while (i < count && !fits(json_array_get(lines, i), key, value, number, least)) i++;
        json_decref(lines);
        if (i < count) return i;
    }
    e2e_run(cli_out, "tail -n 20 $T/%s", name);
    ck_abort_msg("%sno line has %s \"%s\" and %s from %lld on:\n%s",
                 lost ? "the program has ended, and " : "", key, value, number ? number : "nothing", least, cli_out);
}

/* 1 if the process is a decoder; *parent is whose. Its command's name is cut to 15 characters by the system. */
static int is_decoder(pid_t pid, pid_t *parent) {
    char path[64], text[256] = "", state;
    int ppid = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "r");
    if (!file) return 0;
    if (!fgets(text, sizeof text, file)) text[0] = 0;
    fclose(file);
    if (!strstr(text, "(photosearch-dec)") || sscanf(strrchr(text, ')') + 1, " %c %d", &state, &ppid) != 2) return 0;
    *parent = ppid;
    return state != 'Z'; /* one that has ended, and waits in a container where nobody reaps it, is gone */
}

size_t background_decoders(pid_t *out, size_t most, pid_t parent) {
    size_t count = 0;
    pid_t its_parent;
    DIR *folder = opendir("/proc");
    ck_assert_ptr_nonnull(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        pid_t pid = (pid_t)atoi(entry->d_name);
        if (pid > 0 && is_decoder(pid, &its_parent) && its_parent == parent && count < most) out[count++] = pid;
    }
    closedir(folder);
    return count;
}

void background_no_decoders(const pid_t *pids, size_t count) {
    pid_t parent;
    double end = now_s() + LIMIT_S;
    for (size_t i = 0; i < count; i++) {
        while (is_decoder(pids[i], &parent) && now_s() < end) look_again_later();
        ck_assert_msg(!is_decoder(pids[i], &parent), "decoder %d was left behind", (int)pids[i]);
    }
}
