/*
** The command line program, run as a person or a script would: its exit status, its JSON, and what it says about bad input.
*/
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/e2e/shell.h"

Suite *suite_cli(void);

static char out[E2E_OUTPUT];

static void setup(void) {
    char path[4200];
    ck_assert_int_eq(e2e_run(NULL, "mkdir -p $T/photos/sub"), 0);
    snprintf(path, sizeof path, "%s/library", e2e_folder());
    setenv("PHOTOSEARCH_LIBRARY", path, 1);
    snprintf(path, sizeof path, "%s/tests/data/golden/tiny.safetensors", getenv("R"));
    setenv("PHOTOSEARCH_MODEL", path, 1); /* random weights, but quick: what is found does not matter here */
    unsetenv("NO_COLOR");
}

static void teardown(void) { e2e_run(NULL, "chmod -R u+rwX $T; rm -rf $T"); }

/* A library of six photos. */
static void make_library(void) {
    ck_assert_int_eq(e2e_run(NULL,
                             "cd $R/tests/data/images && cp rgb.png grey.png rgb.tga palette.gif rgba.bmp $T/photos 2>/dev/null;"
                             " cp baseline.jpg progressive.jpg lossy.webp $T/photos/sub; true"),
                     0);
    ck_assert_int_eq(e2e_run(out, "\"$PS\" index $T/photos"), 0);
}

/* Parses one line of JSON. */
static json_t *parse(const char *line) {
    json_error_t error;
    json_t *json = json_loads(line, 0, &error);
    ck_assert_msg(json != NULL, "%s: %s", error.text, line);
    return json;
}

static const char *string(const json_t *json, const char *key) {
    const char *value = json_string_value(json_object_get(json, key));
    ck_assert_msg(value != NULL, "no string \"%s\"", key);
    return value;
}

static long long number(const json_t *json, const char *key) {
    const json_t *value = json_object_get(json, key);
    ck_assert_msg(json_is_number(value), "no number \"%s\"", key);
    return (long long)json_number_value(value);
}

static int says(const char *text) { return strstr(out, text) != NULL; }

/* One line, beginning with the program's name. */
static void expect_one_sentence(void) {
    size_t length = strlen(out);
    ck_assert_msg(strncmp(out, "photosearch: ", 13) == 0, "%s", out);
    ck_assert_msg(length > 15 && strchr(out, '\n') == out + length - 1, "%s", out);
}

/* ---- Usage ---- */

static const struct {
    const char *arguments;
    int status;
    const char *says; /* on stdout and stderr */
} USAGE[] = {
    {"", 2, "Commands:"},
    {"--help", 0, "Commands:"},
    {"help", 0, "Commands:"},
    {"help index", 0, "photosearch index PATH..."},
    {"help nonsense", 2, "no command \"nonsense\""},
    {"--version", 0, "photosearch 0."},
    {"version", 0, "photosearch 0."},
    {"index --help", 0, "--follow-links"},
    {"search --help", 0, "--queries"},
    {"similar -h", 0, "--print0"},
    {"status --help", 0, "photosearch status"},
    {"failures --help", 0, "photosearch failures"},
    {"forget --help", 0, "photosearch forget"},
    {"embed --help", 0, "--precision"},
    {"eval --help", 0, "tab"},
    {"bench --help", 0, "decode_ms"},
    {"model --help", 0, "verify"},
    {"index", 2, "index needs: PATH..."},
    {"search", 2, "search needs: QUERY"},
    {"similar", 2, "similar needs: IMAGE"},
    {"similar a b", 2, "\"b\""},
    {"status extra", 2, "\"extra\""},
    {"--nonsense cat", 2, "no option --nonsense"},
    {"-x cat", 2, "no option -x"},
    {"cat --limit", 2, "--limit needs a value"},
    {"cat -k", 2, "-k needs a value"},
    {"cat -k 0", 2, "from 1 to 10000"},
    {"cat -k 5x", 2, "from 1 to 10000"},
    {"cat --limit=99999999999999999999", 2, "from 1 to 10000"},
    {"cat --min-score 2", 2, "from 0 to 1"},
    {"cat --json=yes", 2, "takes no value"},
    {"cat --json --print0", 2, "exclude"},
    {"cat --color sometimes", 2, "does not know \"sometimes\""},
    {"status --limit 3", 2, "status does not know --limit"},
    {"index --literal x", 2, "index does not know --literal"},
    {"similar --lang de x", 2, "similar does not know --lang"},
    {"cat --lang", 2, "--lang needs a value"},
    {"search --help", 0, "--lang CODE"},
    {"search --queries x cat", 2, "exclude"},
    {"embed", 2, "either --text or --image"},
    {"embed --text a --image b", 2, "either --text or --image"},
    {"model", 2, "model needs: info|verify"},
    {"model eat", 2, "not \"eat\""},
};

START_TEST(usage_is_answered) {
    int status = e2e_run(out, "\"$PS\" %s 2>&1 </dev/null", USAGE[_i].arguments);
    ck_assert_msg(status == USAGE[_i].status, "`%s`: status %d: %s", USAGE[_i].arguments, status, out);
    ck_assert_msg(says(USAGE[_i].says), "`%s`: %s", USAGE[_i].arguments, out);
}
END_TEST

START_TEST(common_options_stand_before_or_after_the_command) {
    static char before[E2E_OUTPUT];
    ck_assert_int_eq(e2e_run(NULL, "cp $R/tests/data/images/rgb.png $T/photos; unset PHOTOSEARCH_LIBRARY;"
                                   " \"$PS\" --library $T/other index $T/photos 2>&1 >/dev/null"),
                     0);
    ck_assert_int_eq(e2e_run(before, "unset PHOTOSEARCH_LIBRARY; \"$PS\" --json --library $T/other status"), 0);
    ck_assert_int_eq(e2e_run(out, "unset PHOTOSEARCH_LIBRARY; \"$PS\" status --library=$T/other --json"), 0);
    ck_assert_str_eq(before, out);
    ck_assert_int_eq(e2e_run(out, "unset PHOTOSEARCH_LIBRARY; \"$PS\" --json status --library $T/other"), 0);
    ck_assert_str_eq(before, out);
}
END_TEST

START_TEST(two_dashes_end_the_options) {
    make_library();
    int status = e2e_run(out, "\"$PS\" --json -- -k 5");
    ck_assert_int_le(status, 1);
    json_t *json = parse(out);
    ck_assert_str_eq(string(json, "query"), "-k 5");
    json_decref(json);
}
END_TEST

/* ---- JSON ---- */

START_TEST(index_json) {
    ck_assert_int_eq(e2e_run(out, "cp $R/tests/data/images/rgb.png $R/tests/data/images/baseline.jpg $T/photos;"
                                  " echo text >$T/photos/bad.jpg; \"$PS\" index --json $T/photos 2>/dev/null"),
                     4);
    json_t *json = parse(out);
    ck_assert_int_eq(number(json, "found"), 3);
    ck_assert_int_eq(number(json, "indexed"), 2);
    ck_assert_int_eq(number(json, "unchanged"), 0);
    ck_assert_int_eq(number(json, "failed"), 1);
    ck_assert_int_eq(number(json, "removed"), 0);
    ck_assert(json_is_real(json_object_get(json, "seconds")) && json_is_real(json_object_get(json, "photos_per_second")));
    json_decref(json);
    ck_assert_int_eq(e2e_run(out, "rm $T/photos/bad.jpg $T/photos/rgb.png; \"$PS\" --json index $T/photos"), 0);
    json = parse(out);
    ck_assert_int_eq(number(json, "unchanged"), 1);
    ck_assert_int_eq(number(json, "removed"), 2);
    json_decref(json);
}
END_TEST

START_TEST(search_json) {
    make_library();
    int status = e2e_run(out, "\"$PS\" search --json -k 3 '  the \"cat\"  '");
    json_t *json = parse(out), *hit, *understood = json_object_get(json, "understood"), *ms = json_object_get(json, "ms");
    ck_assert_str_eq(string(json, "query"), "  the \"cat\"  ");
    ck_assert_str_eq(string(understood, "text"), "the \"cat\"");
    ck_assert(json_is_null(json_object_get(understood, "from")) && json_is_null(json_object_get(understood, "to")));
    ck_assert(json_is_array(json_object_get(understood, "places")) && json_is_array(json_object_get(understood, "not")));
    const char *verdict = string(json, "verdict");
    ck_assert(strcmp(verdict, "good") == 0 || strcmp(verdict, "weak") == 0 || strcmp(verdict, "none") == 0);
    ck_assert_int_eq(status, strcmp(verdict, "none") == 0 ? 1 : 0);
    ck_assert_uint_eq(json_array_size(json_object_get(json, "results")), 3);
    size_t i;
    json_array_foreach(json_object_get(json, "results"), i, hit) {
        ck_assert(string(hit, "path")[0] == '/');
        ck_assert(json_is_number(json_object_get(hit, "score")));
        ck_assert(json_object_get(hit, "taken") && json_object_get(hit, "place"));
    }
    ck_assert(json_is_number(json_object_get(ms, "encode")) && json_is_number(json_object_get(ms, "search")) &&
              json_is_number(json_object_get(ms, "total")));
    json_decref(json);
}
END_TEST

START_TEST(queries_of_a_file_get_one_line_each_in_order) {
    make_library();
    int status = e2e_run(
        out,
        "printf 'the cat\\n\\nzwei \"hunde\"\\r\\ncaf\\351\\nlast' >$T/q; \"$PS\" search --json --queries $T/q -k 1 2>/dev/null");
    ck_assert_int_eq(status, 3); /* the empty one failed */
    static const char *const queries[] = {"the cat", "", "zwei \"hunde\"", "caf\xEF\xBF\xBD", "last"};
    char *line = strtok(out, "\n");
    for (int i = 0; i < 5; i++, line = strtok(NULL, "\n")) {
        ck_assert_ptr_nonnull(line);
        json_t *json = parse(line);
        ck_assert_str_eq(string(json, "query"), queries[i]);
        ck_assert_uint_eq(json_array_size(json_object_get(json, "results")), i == 1 ? 0 : 1);
        ck_assert_int_eq(json_object_get(json, "error") != NULL, i == 1);
        json_decref(json);
    }
    ck_assert_ptr_null(line);
    status = e2e_run(out, "printf 'the cat\\n' | \"$PS\" --json --queries -");
    ck_assert_int_le(status, 1);
    json_decref(parse(out));
}
END_TEST

START_TEST(status_json) {
    make_library();
    ck_assert_int_eq(e2e_run(out, "\"$PS\" status --json"), 0);
    json_t *json = parse(out);
    ck_assert_int_gt(number(json, "photos"), 4);
    ck_assert_int_eq(number(json, "photos"), number(json, "vectors"));
    ck_assert_int_eq(number(json, "pending") + number(json, "failed"), 0);
    ck_assert_int_gt(number(json, "bytes"), 0);
    ck_assert_int_eq(strncmp(string(json, "model"), "tiny-1", 6), 0);
    ck_assert_str_eq(string(json, "index"), "ready");
    json_decref(json);
    ck_assert_int_eq(e2e_run(out, "\"$PS\" status"), 0);
    ck_assert(says("photos") && says("ready"));
}
END_TEST

START_TEST(failures_are_listed) {
    ck_assert_int_eq(
        e2e_run(NULL, "echo text >\"$T/photos/a b.jpg\"; : >$T/photos/empty.png; \"$PS\" index -q $T/photos 2>/dev/null"), 4);
    ck_assert_int_eq(e2e_run(out, "\"$PS\" failures --json"), 0);
    char *line = strtok(out, "\n");
    for (int i = 0; i < 2; i++, line = strtok(NULL, "\n")) {
        json_t *json = parse(line);
        ck_assert_ptr_nonnull(strstr(string(json, "path"), i ? "empty.png" : "a b.jpg"));
        ck_assert_int_eq(number(json, "tries"), 1);
        ck_assert(json_is_false(json_object_get(json, "quarantined")));
        string(json, "reason");
        json_decref(json);
    }
    ck_assert_ptr_null(line);
    ck_assert_int_eq(e2e_run(out, "\"$PS\" failures --print0 | xargs -0 ls"), 0);
    ck_assert_int_eq(e2e_run(out, "\"$PS\" failures"), 0);
    ck_assert(says("1 try"));
}
END_TEST

START_TEST(forget_json_and_status) {
    make_library();
    ck_assert_int_eq(e2e_run(out, "\"$PS\" forget --json $T/photos/sub"), 0);
    json_t *json = parse(out);
    ck_assert_int_eq(number(json, "removed"), 3);
    json_decref(json);
    ck_assert_int_eq(e2e_run(out, "\"$PS\" forget --json $T/photos/sub 2>/dev/null"), 1);
    json = parse(out);
    ck_assert_int_eq(number(json, "removed"), 0);
    json_decref(json);
    ck_assert_int_eq(e2e_run(out, "cd $T/photos && \"$PS\" forget ./rgb.png"), 0);
}
END_TEST

START_TEST(embed_json) {
    double sum = 0;
    size_t i;
    json_t *x;
    ck_assert_int_eq(e2e_run(out, "\"$PS\" embed --json --text 'the cat'"), 0);
    json_t *json = parse(out);
    ck_assert_int_eq(number(json, "dim"), 32);
    ck_assert_uint_eq(json_array_size(json_object_get(json, "embedding")), 32);
    json_array_foreach(json_object_get(json, "embedding"), i, x) sum += json_number_value(x) * json_number_value(x);
    ck_assert(sum > 0.9999 && sum < 1.0001);
    json_decref(json);
    static char with_float[E2E_OUTPUT];
    ck_assert_int_eq(e2e_run(out, "\"$PS\" embed --json --image $R/tests/data/images/rgb.png"), 0);
    ck_assert_int_eq(e2e_run(with_float, "\"$PS\" --json embed --precision float --image $R/tests/data/images/rgb.png"), 0);
    ck_assert_str_ne(out, with_float);
    json_decref(parse(with_float));
    ck_assert_int_eq(e2e_run(with_float, "\"$PS\" --json embed --isa reference --image $R/tests/data/images/rgb.png"), 0);
    ck_assert_str_eq(out, with_float);
}
END_TEST

START_TEST(model_json) {
    ck_assert_int_eq(e2e_run(out, "\"$PS\" model info --json"), 0);
    json_t *json = parse(out);
    ck_assert_int_eq(number(json, "dim"), 32);
    ck_assert_str_eq(string(json, "name"), "tiny");
    json_decref(json);
    ck_assert_int_eq(e2e_run(out, "\"$PS\" model verify --json"), 0);
    json = parse(out);
    ck_assert(json_is_true(json_object_get(json, "ok")));
    json_decref(json);
    ck_assert_int_eq(e2e_run(out, "unset PHOTOSEARCH_MODEL; \"$PS\" model info --model $R/tests/data/golden/tiny.safetensors"),
                     0);
    ck_assert(says("tiny"));
    ck_assert_int_eq(e2e_run(out, "unset PHOTOSEARCH_MODEL; export XDG_DATA_HOME=$T/data; mkdir -p $T/data/photosearch/models &&"
                                  " cp $R/tests/data/golden/tiny.safetensors $T/data/photosearch/models/mine.safetensors &&"
                                  " \"$PS\" model info --model mine"),
                     0);
    ck_assert(says("mine.safetensors"));
}
END_TEST

START_TEST(bench_json) {
    ck_assert_int_eq(e2e_run(out, "\"$PS\" bench --json --threads 2 --image $R/tests/data/images/baseline.jpg"), 0);
    json_t *json = parse(out);
    static const char *const keys[] = {"image_ms", "text_ms", "decode_ms", "images_per_second"};
    for (int i = 0; i < 4; i++) ck_assert(json_number_value(json_object_get(json, keys[i])) > 0.0);
    ck_assert_int_eq(number(json, "threads"), 2);
    string(json, "isa");
    string(json, "model");
    json_decref(json);
}
END_TEST

START_TEST(eval_json) {
    ck_assert_int_eq(
        e2e_run(out,
                "cp $R/tests/data/images/rgb.png $R/tests/data/images/baseline.jpg $T/photos;"
                " printf 'photos/rgb.png\\tthe cat\\nphotos/baseline.jpg\\ta dog\\nphotos/rgb.png\\tthe other cat\\n' >$T/e.tsv;"
                " cd / && \"$PS\" eval --json --threads 2 $T/e.tsv"),
        0);
    json_t *json = parse(out);
    ck_assert_int_eq(number(json, "photos"), 2);
    ck_assert_int_eq(number(json, "captions"), 3);
    ck_assert_int_eq(number(json, "failed"), 0);
    ck_assert(json_number_value(json_object_get(json, "R@5")) == 100.0);
    ck_assert(json_number_value(json_object_get(json, "MRR")) >= 0.5);
    ck_assert(json_number_value(json_object_get(json, "median_rank")) >= 1.0);
    json_decref(json);
}
END_TEST

START_TEST(eval_counts_ties_against_the_model_and_failed_files_apart) {
    ck_assert_int_eq(e2e_run(out, "cp $R/tests/data/images/rgb.png $T/photos/a.png; cp $T/photos/a.png $T/photos/b.png;"
                                  " printf 'photos/a.png\\tcat\\nphotos/b.png\\tcat\\nphotos/none.png\\tcat\\n' >$T/e.tsv;"
                                  " \"$PS\" eval --json $T/e.tsv 2>$T/err"),
                     4);
    json_t *json = parse(out);
    ck_assert_int_eq(number(json, "captions"), 2);
    ck_assert_int_eq(number(json, "failed"), 1);
    ck_assert(json_number_value(json_object_get(json, "R@1")) == 0.0);
    ck_assert(json_number_value(json_object_get(json, "median_rank")) == 2.0);
    json_decref(json);
    ck_assert_int_eq(e2e_run(out, "cat $T/err"), 0);
    expect_one_sentence();
    ck_assert(says("none.png"));
}
END_TEST

/* ---- Output for people and scripts ---- */

START_TEST(names_that_are_not_utf8_come_with_their_bytes) {
    ck_assert_int_eq(
        e2e_run(NULL, "cp $R/tests/data/images/rgb.png \"$T/photos/$(printf 'b\\377d').png\"; \"$PS\" index -q $T/photos"), 0);
    e2e_run(out, "\"$PS\" --json cat");
    json_t *json = parse(out), *hit = json_array_get(json_object_get(json, "results"), 0);
    ck_assert_ptr_nonnull(strstr(string(hit, "path"), "b\xEF\xBF\xBD"
                                                      "d.png"));
    char base64[8192];
    snprintf(base64, sizeof base64, "%s", string(hit, "path_base64"));
    json_decref(json);
    ck_assert_int_eq(e2e_run(out, "test -f \"$(echo %s | base64 -d)\"", base64), 0);
    ck_assert_int_le(e2e_run(out, "\"$PS\" cat 2>/dev/null"), 1);
    ck_assert(says("b\\xFFd.png"));
}
END_TEST

START_TEST(names_cannot_command_the_terminal) {
    ck_assert_int_eq(
        e2e_run(NULL,
                "cp $R/tests/data/images/rgb.png \"$T/photos/$(printf 'a\\033]0;x\\007\\nb').png\"; \"$PS\" index -q $T/photos"),
        0);
    ck_assert_int_le(e2e_run(out, "\"$PS\" cat 2>/dev/null"), 1);
    ck_assert(says("a\\x1B]0;x\\x07\\x0Ab.png"));
    ck_assert(!says("\033"));
    e2e_run(out, "\"$PS\" similar -0 $R/tests/data/images/baseline.jpg | xargs -0 -n 1 test -f && echo all there");
    ck_assert_str_eq(out, "all there\n");
}
END_TEST

START_TEST(print0_lists_paths_only) {
    make_library();
    ck_assert_int_eq(e2e_run(out, "\"$PS\" similar -0 -k 4 $T/photos/rgb.png | tr '\\0' '\\n'"), 0);
    int lines = 0;
    for (char *line = strtok(out, "\n"); line; line = strtok(NULL, "\n"), lines++) ck_assert(line[0] == '/');
    ck_assert_int_eq(lines, 4);
}
END_TEST

/* A model whose limits part the answers to "sunset": some photos match, some do not. */
static void make_parting_model(void) {
    ck_assert_int_eq(e2e_run(NULL, "sed '1s/\\(weak[^:]*: 0\\).3/\\1.1/' $PHOTOSEARCH_MODEL >$T/parting.safetensors;"
                                   " ! cmp -s $PHOTOSEARCH_MODEL $T/parting.safetensors"),
                     0);
    char path[4200];
    snprintf(path, sizeof path, "%s/parting.safetensors", e2e_folder());
    setenv("PHOTOSEARCH_MODEL", path, 1);
    make_library();
}

/* How many of the photos that a search for "sunset" lists score at least 0.1; *all is how many it lists. */
static size_t count_matches(size_t *all) {
    size_t i, matches = 0;
    ck_assert_int_eq(e2e_run(out, "\"$PS\" --json sunset"), 0);
    json_t *json = parse(out), *hit;
    *all = json_array_size(json_object_get(json, "results"));
    json_array_foreach(json_object_get(json, "results"), i, hit) matches +=
        json_number_value(json_object_get(hit, "score")) >= 0.1;
    json_decref(json);
    ck_assert(matches > 0 && matches < *all);
    return matches;
}

START_TEST(print0_and_the_viewer_get_only_what_matches_by_itself) {
    size_t all, matches;
    make_parting_model();
    matches = count_matches(&all);
    ck_assert_int_eq(e2e_run(out, "\"$PS\" -0 sunset | tr -cd '\\0' | wc -c"), 0);
    ck_assert_uint_eq((size_t)atoi(out), matches);
    ck_assert_int_eq(e2e_run(out, "\"$PS\" -0 --min-score 0 sunset | tr -cd '\\0' | wc -c"), 0);
    ck_assert_uint_eq((size_t)atoi(out), all);
    ck_assert_int_eq(e2e_run(NULL, "printf '#!/bin/sh\\necho $# >$T/viewed\\n' >$T/viewer; chmod +x $T/viewer;"
                                   " PHOTOSEARCH_VIEWER=$T/viewer \"$PS\" --open sunset >/dev/null"),
                     0);
    ck_assert_int_eq(e2e_run(out, "cat $T/viewed"), 0);
    ck_assert_uint_eq((size_t)atoi(out), matches);
}
END_TEST

START_TEST(lines_of_guesses_are_dim) {
    size_t all, matches, dim = 0;
    make_parting_model();
    matches = count_matches(&all);
    e2e_run(out, "\"$PS\" --color always sunset");
    for (char *line = strtok(out, "\n"); line; line = strtok(NULL, "\n"))
        dim += strncmp(line, "\033[2m", 4) == 0 && strcmp(line + strlen(line) - 4, "\033[0m") == 0;
    ck_assert_uint_eq(dim, all - matches);
}
END_TEST

START_TEST(colours_only_where_they_are_wanted) {
    make_library();
    e2e_run(out, "\"$PS\" cat 2>&1");
    ck_assert(!says("\033["));
    e2e_run(out, "\"$PS\" --color always cat 2>&1");
    ck_assert(says("\033["));
    e2e_run(out, "\"$PS\" --color=never cat 2>&1");
    ck_assert(!says("\033["));
    /* On a terminal, as script(1) makes one; where it is not installed there is nothing to see. */
    if (e2e_run(NULL, "script -qec true /dev/null </dev/null >/dev/null 2>&1") == 0) {
        e2e_run(out, "TERM=xterm script -qec '\"$PS\" cat' /dev/null </dev/null");
        ck_assert(says("\033["));
        e2e_run(out, "TERM=xterm NO_COLOR=1 script -qec '\"$PS\" cat' /dev/null </dev/null");
        ck_assert(!says("\033["));
    }
}
END_TEST

START_TEST(the_viewer_gets_the_paths_without_a_shell) {
    make_library();
    ck_assert_int_eq(e2e_run(NULL,
                             "printf '#!/bin/sh\\nfor f; do echo \"$f\"; done >$T/viewed\\n' >$T/viewer; chmod +x $T/viewer;"
                             " cp $R/tests/data/images/rgb16.png \"$T/photos/; touch boo.png\"; \"$PS\" index -q $T/photos"),
                     0);
    ck_assert_int_eq(e2e_run(NULL, "PHOTOSEARCH_VIEWER=$T/viewer \"$PS\" similar --open -k 20 $T/photos/rgb.png >/dev/null 2>&1"),
                     0);
    ck_assert_int_eq(e2e_run(out, "cat $T/viewed"), 0);
    ck_assert(says("/photos/; touch boo.png\n"));
    ck_assert_int_eq(e2e_run(out, "PHOTOSEARCH_VIEWER=$T/none \"$PS\" similar --open $T/photos/rgb.png 2>&1 >/dev/null"), 3);
    ck_assert(says("none: No such file"));
    expect_one_sentence();
}
END_TEST

START_TEST(a_viewer_that_fails_is_one_sentence) {
    make_library();
    ck_assert_int_eq(e2e_run(out, "PHOTOSEARCH_VIEWER=false \"$PS\" similar --open $T/photos/rgb.png 2>&1 >/dev/null"), 3);
    expect_one_sentence();
    ck_assert_msg(says("false failed with status 1"), "%s", out);
    ck_assert_int_eq(e2e_run(NULL, "printf '#!/bin/sh\\nkill -TERM $$\\n' >$T/viewer; chmod +x $T/viewer"), 0);
    ck_assert_int_eq(e2e_run(out, "PHOTOSEARCH_VIEWER=$T/viewer \"$PS\" similar --open $T/photos/rgb.png 2>&1 >/dev/null"), 3);
    expect_one_sentence();
    ck_assert_msg(says("ended by signal 15"), "%s", out);
}
END_TEST

START_TEST(what_the_viewer_prints_stays_out_of_the_results) {
    make_library();
    ck_assert_int_eq(
        e2e_run(out, "PHOTOSEARCH_VIEWER=echo \"$PS\" similar --json --open $T/photos/rgb.png 2>$T/viewed && test -s $T/viewed"),
        0);
    json_decref(parse(out));
}
END_TEST

START_TEST(a_progress_bar_needs_a_terminal) {
    make_library();
    ck_assert_int_eq(e2e_run(out, "cp $R/tests/data/images/rgb16.png $T/photos; \"$PS\" index $T/photos 2>&1 >/dev/null"), 0);
    ck_assert_str_eq(out, "");
    if (e2e_run(NULL, "script -qec true /dev/null </dev/null >/dev/null 2>&1") == 0) {
        e2e_run(out, "cp $R/tests/data/images/grey16.png $T/photos; script -qec '\"$PS\" index $T/photos' /dev/null </dev/null");
        ck_assert(says("looking: "));
    }
}
END_TEST

/* No update of the progress line is as wide as the terminal. */
START_TEST(the_progress_line_fits_the_terminal) {
    static const int widths[] = {40, 24, 1};
    size_t most = 0, updates = 0;
    if (e2e_run(NULL, "script -qec true /dev/null </dev/null >/dev/null 2>&1") != 0) return;
    ck_assert_int_eq(e2e_run(NULL, "for i in $(seq 800); do { cat $R/tests/data/photos/coffee.jpg; echo $i; } >$T/photos/$i.jpg;"
                                   " done; echo text >$T/photos/bad.jpg"),
                     0);
    e2e_run(out, "script -qec 'stty cols %d; \"$PS\" --library $T/library%d index --threads 1 $T/photos' /dev/null </dev/null",
            widths[_i], widths[_i]);
    for (char *at = out; (at = strstr(at, "\r\033[K")) != NULL; updates++) {
        size_t length = strcspn(at += 4, "\r\n");
        if (strncmp(at, "photosearch: ", 13) != 0 && at[length] == '\r' && at[length + 1] == '\033' && length > most)
            most = length;
    }
    ck_assert_uint_gt(updates, 1);
    ck_assert_msg(most < (size_t)widths[_i], "%zu in %d columns: %s", most, widths[_i], out);
}
END_TEST

START_TEST(one_of_a_kind_is_told_in_the_singular) {
    ck_assert_int_eq(e2e_run(out, "cp $R/tests/data/images/rgb.png $T/photos/a.png; cp $R/tests/data/images/grey.png $T/photos;"
                                  " \"$PS\" index -q $T/photos; rm $T/photos/a.png; \"$PS\" index $T/photos"),
                     0);
    ck_assert_msg(says("1 image: ") && says("; 1 entry of a file that is gone removed"), "%s", out);
    ck_assert_int_eq(e2e_run(out, "\"$PS\" status"), 0);
    ck_assert_msg(says("1 in 1 file\n"), "%s", out);
    ck_assert_int_eq(e2e_run(out, "rm -r $T/photos/*; \"$PS\" index -q $T/photos 2>/dev/null"), 0);
    ck_assert_msg(says("0 images: ") && says("; 1 entry of a missing file kept"), "%s", out);
    ck_assert_int_eq(e2e_run(out, "\"$PS\" forget $T/photos"), 0);
    ck_assert_str_eq(out, "1 entry removed\n");
}
END_TEST

START_TEST(a_line_that_cannot_be_answered_is_named) {
    make_library();
    ck_assert_int_eq(e2e_run(out, "printf 'cat\\n\\ndog\\n' >$T/q; \"$PS\" --json --queries $T/q 2>&1 >/dev/null"), 3);
    expect_one_sentence();
    ck_assert_msg(says("/q, line 2: the query is empty"), "%s", out);
    ck_assert_int_eq(e2e_run(out, "\"$PS\" --json --queries - <$T/q 2>&1 >/dev/null"), 3);
    ck_assert_msg(says("standard input, line 2: the query is empty"), "%s", out);
}
END_TEST

START_TEST(a_mistyped_command_gets_a_hint) {
    make_library();
    ck_assert_int_eq(e2e_run(out, "\"$PS\" indx $T/photos 2>&1 >/dev/null | grep -c 'did you mean \"index\"'"), 0);
    ck_assert_str_eq(out, "1\n");
    ck_assert_int_eq(e2e_run(out, "\"$PS\" seach two dogs 2>&1 >/dev/null | grep -c 'did you mean \"search\"'"), 0);
    e2e_run(out, "\"$PS\" beach ball 2>&1; \"$PS\" beach 2>&1; \"$PS\" -q indx $T/photos 2>&1; cd $T; \"$PS\" red photos 2>&1");
    ck_assert_msg(!says("did you mean"), "%s", out);
}
END_TEST

START_TEST(unquoted_words_are_one_query) {
    make_library();
    e2e_run(out, "\"$PS\" red car --json at beach -k 1");
    json_t *json = parse(out);
    ck_assert_str_eq(string(json, "query"), "red car at beach");
    json_decref(json);
}
END_TEST

/* ---- Bad input: one clear sentence and the documented status ---- */

static const struct {
    const char *command;
    int status;
    const char *says;
} BAD[] = {
    {"\"$PS\" --library $T/none cat", 3, "$T/none"},
    {"\"$PS\" --library $T/none status", 3, "$T/none"},
    {"\"$PS\" --library $T/none cat", 3, "make one with: photosearch index FOLDER"},
    {"\"$PS\" search ''", 3, "the query is empty"},
    {"\"$PS\" search '  '", 3, "the query is empty"},
    {"\"$PS\" similar $T/none.jpg", 3, "none.jpg"},
    {"\"$PS\" similar $R/Makefile", 3, "Makefile"},
    {"\"$PS\" similar $T", 3, "is a folder"},
    {"\"$PS\" index $T/none", 3, "none"},
    {"\"$PS\" index ''", 3, "empty"},
    {"\"$PS\" forget $T/none", 1, "none"},
    {"\"$PS\" search --queries $T/none", 3, "$T/none: No such file"},
    {"\"$PS\" eval $T/none.tsv", 3, "$T/none.tsv: No such file"},
    {"\"$PS\" eval $T", 3, "Is a directory"},
    {"echo no tab here >$T/x.tsv; \"$PS\" eval $T/x.tsv", 3, "line 1"},
    {": >$T/x.tsv; \"$PS\" eval $T/x.tsv", 3, "no captions"},
    {"\"$PS\" --model $T/none cat", 3, "$T/none"},
    {"\"$PS\" --model none embed --text cat", 3, "none"},
    {"\"$PS\" embed --text ' '", 3, "the query is empty"},
    {"\"$PS\" embed --image $T/none.png", 3, "none.png"},
    {"\"$PS\" embed --isa z80 --text cat", 3, "z80"},
    {"head -c 1000 $PHOTOSEARCH_MODEL >$T/m; \"$PS\" --model $T/m model info", 3, "$T/m"},
    {"cp $PHOTOSEARCH_MODEL $T/m; printf '\\377' | dd of=$T/m bs=1 seek=100 conv=notrunc 2>/dev/null; \"$PS\" --model $T/m model "
     "verify",
     3, "$T/m"},
    {"\"$PS\" -q cat >/dev/full", 3, "could not be written"},
};

START_TEST(bad_input_gets_one_sentence) {
    char expected[5000];
    make_library();
    if (strncmp(BAD[_i].says, "$T", 2) == 0)
        snprintf(expected, sizeof expected, "%s%s", e2e_folder(), BAD[_i].says + 2);
    else
        snprintf(expected, sizeof expected, "%s", BAD[_i].says);
    int status = e2e_run(out, "{ %s; } 2>&1 >/dev/null", BAD[_i].command);
    ck_assert_msg(status == BAD[_i].status, "%s: status %d: %s", BAD[_i].command, status, out);
    ck_assert_msg(says(expected), "%s: %s", BAD[_i].command, out);
    expect_one_sentence();
}
END_TEST

START_TEST(a_megabyte_of_query_is_answered) {
    make_library();
    int status = e2e_run(
        out, "{ head -c 1000000 /dev/zero | tr '\\0' a; echo; } >$T/q; \"$PS\" search --json --queries $T/q | tail -c 200");
    ck_assert_int_le(status, 1);
    ck_assert(says("\"ms\""));
    status = e2e_run(out, "\"$PS\" -q \"$(head -c 100000 $T/q)\" 2>&1 >/dev/null");
    ck_assert_msg(status <= 1, "%d %s", status, out);
}
END_TEST

START_TEST(a_damaged_library_is_one_sentence) {
    make_library();
    ck_assert_int_eq(
        e2e_run(NULL, "rm -f $PHOTOSEARCH_LIBRARY/*-wal $PHOTOSEARCH_LIBRARY/*-shm; seq 9999 >$PHOTOSEARCH_LIBRARY/library.db"),
        0);
    ck_assert_int_eq(e2e_run(out, "\"$PS\" cat 2>&1 >/dev/null"), 3);
    expect_one_sentence();
    ck_assert(says("library.db"));
    ck_assert_int_eq(e2e_run(out, "\"$PS\" index $T/photos 2>&1 >/dev/null"), 3);
    expect_one_sentence();
}
END_TEST

START_TEST(a_damaged_index_cache_is_mended_in_silence) {
    static char before[E2E_OUTPUT];
    make_library();
    ck_assert_int_le(e2e_run(before, "\"$PS\" -q cat"), 1);
    ck_assert_int_le(e2e_run(out, "for f in $PHOTOSEARCH_LIBRARY/*.faiss; do seq 50 >$f; done; \"$PS\" -q cat 2>&1"), 1);
    ck_assert_str_eq(before, out);
    ck_assert_int_le(e2e_run(out, "rm $PHOTOSEARCH_LIBRARY/*.faiss; \"$PS\" -q cat 2>&1"), 1);
    ck_assert_str_eq(before, out);
    ck_assert_int_eq(e2e_run(NULL, "ls $PHOTOSEARCH_LIBRARY/*.faiss >/dev/null"), 0);
}
END_TEST

START_TEST(a_damaged_index_cache_is_told_once_to_those_who_want_to_know) {
    make_library();
    ck_assert_int_eq(e2e_run(NULL, "for f in $PHOTOSEARCH_LIBRARY/*.faiss; do seq 50 >$f; done"), 0);
    ck_assert_int_eq(e2e_run(out, "\"$PS\" cat 2>&1 >/dev/null | grep -c 'the index is rebuilt: .*\\.faiss'"), 0);
    ck_assert_str_eq(out, "1\n");
}
END_TEST

/* Starts a long index run in the background as $job, stopped (SIGSTOP) while it holds the library. A shell starts what runs in the
** background with SIGINT ignored; START, "env --default-signal=INT" or nothing, says whether that is undone. */
#define LONG_RUN(START)                                                                                                          \
    "for i in $(seq 500); do { cat $R/tests/data/photos/coffee.jpg; echo $i; } >$T/photos/$i.jpg; done;"                         \
    " " START " \"$PS\" index -q --threads 1 $T/photos >$T/first 2>&1 & job=$!;"                                                 \
    " while ! test -s $PHOTOSEARCH_LIBRARY/writer.lock; do kill -0 $job || exit 90; done; kill -STOP $job;"

START_TEST(a_second_indexing_process_is_told_who_is_first) {
    int status =
        e2e_run(out, LONG_RUN("") " \"$PS\" index $T/photos 2>&1 >/dev/null; second=$?;"
                                  " \"$PS\" --json cat >$T/search; search=$?; kill -KILL $job; echo $job $second $search");
    ck_assert_int_eq(status, 0);
    char *last = strrchr(out, '\n');
    ck_assert_ptr_nonnull(last);
    *last = 0;
    last = strrchr(out, '\n');
    ck_assert_ptr_nonnull(last);
    int job, second, search;
    ck_assert_int_eq(sscanf(last, "%d %d %d", &job, &second, &search), 3);
    last[1] = 0;
    expect_one_sentence();
    char pid[32];
    snprintf(pid, sizeof pid, "%d", job);
    ck_assert_msg(second == 3 && says(pid), "%d %s", second, out);
    ck_assert_int_le(search, 1);
}
END_TEST

START_TEST(an_interrupted_run_keeps_what_is_done) {
    int status = e2e_run(out, LONG_RUN("env --default-signal=INT") " kill -INT $job; kill -CONT $job; wait $job; echo $?;"
                                                                   " cat $T/first");
    ck_assert_int_eq(status, 0);
    ck_assert_msg(strncmp(out, "3\n", 2) == 0 && says("stopped"), "%s", out);
    ck_assert_int_eq(e2e_run(out, "\"$PS\" index --json $T/photos"), 0);
    json_t *json = parse(out);
    ck_assert_int_eq(number(json, "indexed") + number(json, "unchanged"), 500);
    json_decref(json);
}
END_TEST

START_TEST(an_interrupt_that_was_ignored_from_the_start_stops_nothing) {
    int status = e2e_run(out, LONG_RUN("") " kill -INT $job; kill -CONT $job; wait $job; echo $?; cat $T/first");
    ck_assert_int_eq(status, 0);
    ck_assert_msg(strncmp(out, "0\n500 images: 500 indexed", 25) == 0, "%s", out);
}
END_TEST

START_TEST(nothing_above_the_least_score_is_nothing_found) {
    make_library();
    ck_assert_int_eq(e2e_run(out, "\"$PS\" --min-score 1 cat 2>&1"), 1);
    expect_one_sentence();
    ck_assert_msg(says("nothing found"), "%s", out);
    ck_assert_int_eq(e2e_run(out, "\"$PS\" --json --min-score 1 cat"), 1);
    json_t *json = parse(out);
    ck_assert_str_eq(string(json, "verdict"), "none");
    json_decref(json);
}
END_TEST

Suite *suite_cli(void) {
    Suite *suite = suite_create("cli");
    TCase *usage = tcase_create("usage"), *json = tcase_create("json"), *output = tcase_create("output"),
          *bad = tcase_create("bad");
    TCase *const cases[] = {usage, json, output, bad};
    for (int i = 0; i < 4; i++) {
        tcase_add_checked_fixture(cases[i], setup, teardown);
        suite_add_tcase(suite, cases[i]);
    }
    tcase_add_loop_test(usage, usage_is_answered, 0, sizeof USAGE / sizeof *USAGE);
    tcase_add_test(usage, common_options_stand_before_or_after_the_command);
    tcase_add_test(usage, two_dashes_end_the_options);
    tcase_add_test(usage, unquoted_words_are_one_query);
    tcase_add_test(usage, a_mistyped_command_gets_a_hint);
    tcase_add_test(json, index_json);
    tcase_add_test(json, search_json);
    tcase_add_test(json, queries_of_a_file_get_one_line_each_in_order);
    tcase_add_test(json, status_json);
    tcase_add_test(json, failures_are_listed);
    tcase_add_test(json, forget_json_and_status);
    tcase_add_test(json, embed_json);
    tcase_add_test(json, model_json);
    tcase_add_test(json, bench_json);
    tcase_add_test(json, eval_json);
    tcase_add_test(json, eval_counts_ties_against_the_model_and_failed_files_apart);
    tcase_add_test(output, names_that_are_not_utf8_come_with_their_bytes);
    tcase_add_test(output, names_cannot_command_the_terminal);
    tcase_add_test(output, print0_lists_paths_only);
    tcase_add_test(output, nothing_above_the_least_score_is_nothing_found);
    tcase_add_test(output, colours_only_where_they_are_wanted);
    tcase_add_test(output, the_viewer_gets_the_paths_without_a_shell);
    tcase_add_test(output, a_progress_bar_needs_a_terminal);
    tcase_add_loop_test(output, the_progress_line_fits_the_terminal, 0, 3);
    tcase_add_test(output, print0_and_the_viewer_get_only_what_matches_by_itself);
    tcase_add_test(output, lines_of_guesses_are_dim);
    tcase_add_test(output, a_viewer_that_fails_is_one_sentence);
    tcase_add_test(output, what_the_viewer_prints_stays_out_of_the_results);
    tcase_add_test(output, one_of_a_kind_is_told_in_the_singular);
    tcase_add_test(output, a_line_that_cannot_be_answered_is_named);
    tcase_add_loop_test(bad, bad_input_gets_one_sentence, 0, sizeof BAD / sizeof *BAD);
    tcase_add_test(bad, a_megabyte_of_query_is_answered);
    tcase_add_test(bad, a_damaged_library_is_one_sentence);
    tcase_add_test(bad, a_damaged_index_cache_is_mended_in_silence);
    tcase_add_test(bad, a_damaged_index_cache_is_told_once_to_those_who_want_to_know);
    tcase_add_test(bad, a_second_indexing_process_is_told_who_is_first);
    tcase_add_test(bad, an_interrupted_run_keeps_what_is_done);
    tcase_add_test(bad, an_interrupt_that_was_ignored_from_the_start_stops_nothing);
    return suite;
}
