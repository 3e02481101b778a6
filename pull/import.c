/*
** Running the import; see import.h.
*/
#include "pull/import.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pull/say.h"

/* Into path[PATH_MAX]: the program that belongs to this one, "photosearch" when there is none. */
static void find_program(char *path) {
    static const char *const places[] = {"photosearch", "../../bin/photosearch"};
    char own[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", own, sizeof own - 1);
    own[length > 0 ? length : 0] = 0;
    char *slash = strrchr(own, '/');
    if (slash) *slash = 0;
    for (size_t i = 0; slash && i < sizeof places / sizeof *places; i++)
        if (snprintf(path, PATH_MAX, "%s/%s", own, places[i]) < PATH_MAX && access(path, X_OK) == 0) return;
    strcpy(path, "photosearch");
}

static void run(const pull_options *o, const char *folder, const char *name) {
    char found[PATH_MAX];
    const char *program = o->program;
    if (!program) find_program(found), program = found;
    const char *arguments[10] = {program, "model", "import", folder, "--name", name};
    int count = 6;
    if (o->replace) arguments[count++] = "--replace";
    if (o->json) arguments[count++] = "--json";
    if (o->quiet) arguments[count++] = "--quiet";
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    execvp(program, (char *const *)arguments);
    pull_complain("%s could not be started: %s", program, strerror(errno));
    _exit(PULL_EXIT_FAILED);
}

int pull_import(const pull_options *o, const char *folder, const char *name) {
    int raw = 0;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) run(o, folder, name);
    if (child < 0) return pull_complain("the import could not be started: %s", strerror(errno));
    while (waitpid(child, &raw, 0) < 0)
        if (errno != EINTR) return pull_complain("the import was lost: %s", strerror(errno));
    if (WIFEXITED(raw)) return WEXITSTATUS(raw);
    return pull_complain("the import was ended by signal %d", WTERMSIG(raw));
}
