/*
** Reads golden token ids and compares.
*/
#include "tests/encoder/golden_ids.h"

#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int read_ids(int32_t *ids, const char *text) {
    int count = 0;
    for (char *end; *text && *text != '\n'; text = end) {
        ids[count++] = (int32_t)strtol(text, &end, 10);
        ck_assert_ptr_ne(end, text);
        while (*end == ' ') end++;
    }
    return count;
}

static int is_skipped(const char *line, const char *const *skipped) {
    for (; *skipped; skipped++)
        if (strstr(line, *skipped)) return 1;
    return 0;
}

static void check_line(const char *line, const char *wanted_ids, const ps__tokenizer *tokenizer) {
    static int32_t expected[1024], got[1024];
    int wanted = read_ids(expected, wanted_ids), count;
    ps__error err = {0};
    json_t *text = json_loads(line, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    ck_assert_msg(json_is_string(text), "not a JSON string: %s", line);
    ck_assert_int_eq(ps__tokenizer_encode(got, &count, tokenizer, json_string_value(text), json_string_length(text),
                                          wanted < 64 ? 64 : wanted + 1, &err),
                     PS__OK);
    ck_assert_msg(count == wanted && memcmp(expected, got, (size_t)count * 4) == 0, "%s: %d ids, %d expected, or others", line,
                  count, wanted);
    json_decref(text);
}

int golden_ids_check(const char *path, const ps__tokenizer *tokenizer, const char *const *skipped) {
    static char line[1 << 16];
    int lines = 0;
    FILE *f = fopen(path, "r");
    ck_assert_ptr_nonnull(f);
    while (fgets(line, sizeof line, f)) {
        char *tab = strrchr(line, '\t');
        ck_assert_ptr_nonnull(tab);
        *tab = 0;
        if (is_skipped(line, skipped)) continue;
        check_line(line, tab + 1, tokenizer);
        lines++;
    }
    fclose(f);
    return lines;
}
