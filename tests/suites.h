/*
** The table of test suites, which the build makes from the names of the files: tests/PART/test_NAME.c holds suite_NAME.
*/
#ifndef PS_TESTS_SUITES_H
#define PS_TESTS_SUITES_H

#include <check.h>

typedef struct ps__test_suite {
    const char *name;     /* NAME of the file, what --suite takes */
    Suite *(*make)(void); /* the suite, owned by the runner it is added to */
} ps__test_suite;

extern const ps__test_suite ps__test_suites[]; /* ends with a name of NULL */

#endif
