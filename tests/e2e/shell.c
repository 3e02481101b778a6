/*
** Running commands for the end-to-end tests.
*/
#include "tests/e2e/shell.h"

#include <check.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

const char *e2e_folder(void) {
    static char folder[PATH_MAX];
    if (!folder[0]) {
        const char *base = getenv("TMPDIR");
        snprintf(folder, sizeof folder, "%s/ps-e2e-XXXXXX", base ? base : "/tmp");
        ck_assert_msg(mkdtemp(folder) != NULL, "no scratch folder could be made in %s", base ? base : "/tmp");
    }
    return folder;
}

const char *e2e_program(void) {
    static char path[PATH_MAX];
    const char *given = getenv("PHOTOSEARCH_TEST_PROGRAM");
    ck_assert_msg(realpath(given ? given : "build/photosearch", path) != NULL, "the program is not built");
    return path;
}

static int status_of(int raw) {
    if (WIFEXITED(raw)) return WEXITSTATUS(raw);
    return WIFSIGNALED(raw) ? 128 + WTERMSIG(raw) : -1;
}

int e2e_run(char *output, const char *format, ...) {
    char command[8192], root[PATH_MAX], waste[4096];
    va_list args;
    FILE *pipe;
    size_t n = 0, got;

    va_start(args, format);
    vsnprintf(command, sizeof command, format, args);
    va_end(args);
    setenv("PS", e2e_program(), 1);
    setenv("T", e2e_folder(), 1);
    setenv("R", getcwd(root, sizeof root), 1);
    pipe = popen(command, "re");
    ck_assert_ptr_nonnull(pipe);
    while ((got = fread(output && n < E2E_OUTPUT - 1 ? output + n : waste, 1,
                        output && n < E2E_OUTPUT - 1 ? E2E_OUTPUT - 1 - n : sizeof waste, pipe)) > 0)
        if (output && n < E2E_OUTPUT - 1) n += got;
    if (output) output[n] = 0;
    return status_of(pclose(pipe));
}
