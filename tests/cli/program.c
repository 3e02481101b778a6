/*
** What tests of the command line program share; see program.h.
*/
#include "tests/cli/program.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char cli_out[E2E_OUTPUT];

void cli_setup(void) {
    char path[4200];
    ck_assert_int_eq(e2e_run(NULL, "mkdir -p $T/photos/sub"), 0);
    snprintf(path, sizeof path, "%s/library", e2e_folder());
    setenv("PHOTOSEARCH_LIBRARY", path, 1);
    snprintf(path, sizeof path, "%s/tests/data/golden/tiny.safetensors", getenv("R"));
    setenv("PHOTOSEARCH_MODEL", path, 1); /* random weights, but quick: what is found does not matter here */
    unsetenv("NO_COLOR");
}

void cli_teardown(void) { e2e_run(NULL, "chmod -R u+rwX $T; rm -rf $T"); }

void cli_make_library(void) {
    ck_assert_int_eq(e2e_run(NULL,
                             "cd $R/tests/data/images && cp rgb.png grey.png rgb.tga palette.gif rgba.bmp $T/photos 2>/dev/null;"
                             " cp baseline.jpg progressive.jpg lossy.webp $T/photos/sub; true"),
                     0);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" index $T/photos"), 0);
}

json_t *cli_parse(const char *line) {
    json_error_t error;
    json_t *json = json_loads(line, 0, &error);
    ck_assert_msg(json != NULL, "%s: %s", error.text, line);
    return json;
}

const char *cli_string(const json_t *json, const char *key) {
    const char *value = json_string_value(json_object_get(json, key));
    ck_assert_msg(value != NULL, "no string \"%s\"", key);
    return value;
}

long long cli_number(const json_t *json, const char *key) {
    const json_t *value = json_object_get(json, key);
    ck_assert_msg(json_is_number(value), "no number \"%s\"", key);
    return (long long)json_number_value(value);
}

int cli_says(const char *text) { return strstr(cli_out, text) != NULL; }

void cli_expect_one_sentence(void) {
    size_t length = strlen(cli_out);
    ck_assert_msg(strncmp(cli_out, "photosearch: ", 13) == 0, "%s", cli_out);
    ck_assert_msg(length > 15 && strchr(cli_out, '\n') == cli_out + length - 1, "%s", cli_out);
}
