/*
** What the end-to-end tests share: running commands as a person would, in a scratch folder of their own.
*/
#ifndef PS_TESTS_E2E_SHELL_H
#define PS_TESTS_E2E_SHELL_H

enum { E2E_OUTPUT = 1 << 20 /* bytes of output kept, with the 0 at the end */ };

/* A fresh folder under $TMPDIR; static, one a process. */
const char *e2e_folder(void);

/* The program under test: $PHOTOSEARCH_TEST_PROGRAM, else build/photosearch; an absolute path. Static. */
const char *e2e_program(void);

/* Runs a shell command made by printf, with $PS (the program), $T (the scratch folder) and $R (the root of the repository) set.
** Its standard output goes to `output` [E2E_OUTPUT] (may be NULL). Returns its exit status, or 128 + the signal that ended it. */
int e2e_run(char *output, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
