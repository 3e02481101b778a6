/*
** What tests of the command line program share: a library in a folder of their own, and looks at what the program printed.
*/
#ifndef PS_TESTS_PROGRAM_H
#define PS_TESTS_PROGRAM_H

#include <jansson.h>

#include "tests/e2e/shell.h"

extern char cli_out[E2E_OUTPUT]; /* where tests put what the program printed */

/* The fixture: an empty $T/photos, a library of its own, and the small model of random weights. */
void cli_setup(void);
void cli_teardown(void);

/* A library of six photos. */
void cli_make_library(void);

/* One line of JSON; the caller frees it with json_decref. */
json_t *cli_parse(const char *line);
/* The member of that name, which must be of that type. */
const char *cli_string(const json_t *json, const char *key);
long long cli_number(const json_t *json, const char *key);

/* 1 if cli_out holds the text. */
int cli_says(const char *text);
/* cli_out is one line, beginning with the program's name. */
void cli_expect_one_sentence(void);

#endif
