/*
** photosearch model pull: hands over to photosearch-pull, a program of its own, so that this one has no network code. It is not
** in every build. PS_LIBEXECDIR (libexec/ of the installed prefix) comes from the Makefile, for what is installed.
*/
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

#define NAME "photosearch-pull"

/* 1 for an option before the command that has a value behind it. */
static int has_value(const char *argument) {
    static const char *const names[] = {"--library", "--model", "--color", "--log-level"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(argument, names[i]) == 0) return 1;
    return 0;
}

/* Index of the next word at or behind `i`, argc when there is none. */
static int next_word(int i, int argc, char **argv) {
    for (; i < argc; i++) {
        if (strcmp(argv[i], "--") == 0) return argc;
        if (argv[i][0] != '-' || !argv[i][1]) return i;
        if (has_value(argv[i])) i++;
    }
    return argc;
}

/* Into path[PATH_MAX], as the library looks for its own programs: $PHOTOSEARCH_PULL, beside this program,
** ../libexec/photosearch/ from there, the prefix. 0 when it is at none of them. */
static int find_program(char *path, char *own) {
    const char *named = getenv("PHOTOSEARCH_PULL");
    ssize_t length = readlink("/proc/self/exe", own, PATH_MAX - 1);
    own[length > 0 ? length : 0] = 0;
    int folder = strrchr(own, '/') ? (int)(strrchr(own, '/') - own) : 0;
    if (named && named[0]) return snprintf(path, PATH_MAX, "%s", named) < PATH_MAX;
    if (snprintf(path, PATH_MAX, "%.*s/" NAME, folder, own) < PATH_MAX && access(path, X_OK) == 0) return 1;
    if (snprintf(path, PATH_MAX, "%.*s/../libexec/photosearch/" NAME, folder, own) < PATH_MAX && access(path, X_OK) == 0)
        return 1;
#ifdef PS_LIBEXECDIR
    if (access(PS_LIBEXECDIR "/photosearch/" NAME, X_OK) == 0) return strcpy(path, PS_LIBEXECDIR "/photosearch/" NAME) != NULL;
#endif
    return 0;
}

int run_model_pull(int argc, char **argv) {
    static char path[PATH_MAX], own[PATH_MAX], option[] = "--photosearch";
    int model = next_word(1, argc, argv), pull = next_word(model + 1, argc, argv), count = 0;
    if (pull >= argc || strcmp(argv[model], "model") != 0 || strcmp(argv[pull], "pull") != 0) return -1;
    if (!find_program(path, own)) {
        complain("this build pulls no models: it was made without libcurl, or its program " NAME " is missing");
        return EXIT_FAILED;
    }
    char **arguments = allocate((size_t)argc + 3, sizeof *arguments);
    arguments[count++] = path;
    if (own[0]) arguments[count++] = option, arguments[count++] = own;
    for (int i = 1; i < argc; i++)
        if (i != model && i != pull) arguments[count++] = argv[i];
    execv(path, arguments);
    complain("%s could not be started: %s", path, strerror(errno));
    free(arguments);
    return EXIT_FAILED;
}
