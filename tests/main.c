/*
** The one test program. Each test runs in a process of its own (check's fork mode), so that a crash or a leak costs only itself.
** Run from the root of the repository: tests find their data by relative paths.
*/
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/suites.h"

static int usage(FILE *to, int status) {
    fputs("usage: check [--list] [--no-fork] [--verbose] [--suite NAME]... [NAME]...\n"
          "Runs all test suites, or the named ones. CK_RUN_CASE=NAME runs one test case of them.\n",
          to);
    return status;
}

static int list(void) {
    for (const ps__test_suite *s = ps__test_suites; s->name; s++) puts(s->name);
    return 0;
}

static const ps__test_suite *find(const char *name) {
    for (const ps__test_suite *s = ps__test_suites; s->name; s++)
        if (strcmp(s->name, name) == 0) return s;
    return NULL;
}

int main(int argc, char **argv) {
    SRunner *runner = srunner_create(NULL);
    enum print_output output = CK_NORMAL;
    int added = 0, failed, run;

    srunner_set_fork_status(runner, CK_FORK_GETENV);
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i];
        const ps__test_suite *suite;
        if (strcmp(name, "--help") == 0) return usage(stdout, 0);
        if (strcmp(name, "--list") == 0) return list();
        if (strcmp(name, "--no-fork") == 0) {
            srunner_set_fork_status(runner, CK_NOFORK);
            continue;
        }
        if (strcmp(name, "--verbose") == 0) {
            output = CK_VERBOSE;
            continue;
        }
        if (strcmp(name, "--suite") == 0 && ++i < argc) name = argv[i];
        suite = find(name);
        if (!suite) {
            fprintf(stderr, "check: no suite is called '%s'\n", name);
            return usage(stderr, 2);
        }
        srunner_add_suite(runner, suite->make());
        added++;
    }
    if (!added)
        for (const ps__test_suite *s = ps__test_suites; s->name; s++) srunner_add_suite(runner, s->make());

    srunner_run_all(runner, output);
    failed = srunner_ntests_failed(runner);
    run = srunner_ntests_run(runner);
    srunner_free(runner);
    if (run == 0) fputs("check: no test was run\n", stderr);
    return failed || run == 0;
}
