/*
** The command line program, run as a person or a script would: its exit status, its JSON, and what it says about bad input.
*/
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/cli/program.h"

Suite *suite_cli(void);

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
    {"embed", 2, "embed takes one of --text"},
    {"embed --text a --image b", 2, "embed takes one of --text"},
    {"model", 2, "model needs: list | use NAME"},
    {"model eat", 2, "not \"eat\""},
};

START_TEST(usage_is_answered) {
    int status = e2e_run(cli_out, "\"$PS\" %s 2>&1 </dev/null", USAGE[_i].arguments);
    ck_assert_msg(status == USAGE[_i].status, "`%s`: status %d: %s", USAGE[_i].arguments, status, cli_out);
    ck_assert_msg(cli_says(USAGE[_i].says), "`%s`: %s", USAGE[_i].arguments, cli_out);
}
END_TEST

START_TEST(common_options_stand_before_or_after_the_command) {
    static char before[E2E_OUTPUT];
    ck_assert_int_eq(e2e_run(NULL, "cp $R/tests/data/images/rgb.png $T/photos; unset PHOTOSEARCH_LIBRARY;"
                                   " \"$PS\" --library $T/other index $T/photos 2>&1 >/dev/null"),
                     0);
    ck_assert_int_eq(e2e_run(before, "unset PHOTOSEARCH_LIBRARY; \"$PS\" --json --library $T/other status"), 0);
    ck_assert_int_eq(e2e_run(cli_out, "unset PHOTOSEARCH_LIBRARY; \"$PS\" status --library=$T/other --json"), 0);
    ck_assert_str_eq(before, cli_out);
    ck_assert_int_eq(e2e_run(cli_out, "unset PHOTOSEARCH_LIBRARY; \"$PS\" --json status --library $T/other"), 0);
    ck_assert_str_eq(before, cli_out);
}
END_TEST

START_TEST(two_dashes_end_the_options) {
    cli_make_library();
    int status = e2e_run(cli_out, "\"$PS\" --json -- -k 5");
    ck_assert_int_le(status, 1);
    json_t *json = cli_parse(cli_out);
    ck_assert_str_eq(cli_string(json, "query"), "-k 5");
    json_decref(json);
}
END_TEST

START_TEST(unquoted_words_are_one_query) {
    cli_make_library();
    e2e_run(cli_out, "\"$PS\" red car --json at beach -k 1");
    json_t *json = cli_parse(cli_out);
    ck_assert_str_eq(cli_string(json, "query"), "red car at beach");
    json_decref(json);
}
END_TEST

START_TEST(a_mistyped_command_gets_a_hint) {
    cli_make_library();
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" indx $T/photos 2>&1 >/dev/null | grep -c 'did you mean \"index\"'"), 0);
    ck_assert_str_eq(cli_out, "1\n");
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" seach two dogs 2>&1 >/dev/null | grep -c 'did you mean \"search\"'"), 0);
    e2e_run(cli_out,
            "\"$PS\" beach ball 2>&1; \"$PS\" beach 2>&1; \"$PS\" -q indx $T/photos 2>&1; cd $T; \"$PS\" red photos 2>&1");
    ck_assert_msg(!cli_says("did you mean"), "%s", cli_out);
}
END_TEST

/* ---- JSON ---- */

START_TEST(index_json) {
    ck_assert_int_eq(e2e_run(cli_out, "cp $R/tests/data/images/rgb.png $R/tests/data/images/baseline.jpg $T/photos;"
                                      " echo text >$T/photos/bad.jpg; \"$PS\" index --json $T/photos 2>/dev/null"),
                     4);
    json_t *json = cli_parse(cli_out);
    ck_assert_int_eq(cli_number(json, "found"), 3);
    ck_assert_int_eq(cli_number(json, "indexed"), 2);
    ck_assert_int_eq(cli_number(json, "unchanged"), 0);
    ck_assert_int_eq(cli_number(json, "failed"), 1);
    ck_assert_int_eq(cli_number(json, "removed"), 0);
    ck_assert(json_is_real(json_object_get(json, "seconds")) && json_is_real(json_object_get(json, "photos_per_second")));
    json_decref(json);
    ck_assert_int_eq(e2e_run(cli_out, "rm $T/photos/bad.jpg $T/photos/rgb.png; \"$PS\" --json index $T/photos"), 0);
    json = cli_parse(cli_out);
    ck_assert_int_eq(cli_number(json, "unchanged"), 1);
    ck_assert_int_eq(cli_number(json, "removed"), 2);
    json_decref(json);
}
END_TEST

START_TEST(search_json) {
    cli_make_library();
    int status = e2e_run(cli_out, "\"$PS\" search --json -k 3 '  the \"cat\"  '");
    json_t *json = cli_parse(cli_out), *hit, *understood = json_object_get(json, "understood"), *ms = json_object_get(json, "ms");
    ck_assert_str_eq(cli_string(json, "query"), "  the \"cat\"  ");
    ck_assert_str_eq(cli_string(understood, "text"), "the \"cat\"");
    ck_assert(json_is_null(json_object_get(understood, "from")) && json_is_null(json_object_get(understood, "to")));
    ck_assert(json_is_array(json_object_get(understood, "places")) && json_is_array(json_object_get(understood, "not")));
    const char *verdict = cli_string(json, "verdict");
    ck_assert(strcmp(verdict, "good") == 0 || strcmp(verdict, "weak") == 0 || strcmp(verdict, "none") == 0);
    ck_assert_int_eq(status, strcmp(verdict, "none") == 0 ? 1 : 0);
    ck_assert_uint_eq(json_array_size(json_object_get(json, "results")), 3);
    size_t i;
    json_array_foreach(json_object_get(json, "results"), i, hit) {
        ck_assert(cli_string(hit, "path")[0] == '/');
        ck_assert(json_is_number(json_object_get(hit, "score")));
        ck_assert(json_object_get(hit, "taken") && json_object_get(hit, "place"));
    }
    ck_assert(json_is_number(json_object_get(ms, "encode")) && json_is_number(json_object_get(ms, "search")) &&
              json_is_number(json_object_get(ms, "total")));
    json_decref(json);
}
END_TEST

START_TEST(queries_of_a_file_get_one_line_each_in_order) {
    cli_make_library();
    int status = e2e_run(
        cli_out,
        "printf 'the cat\\n\\nzwei \"hunde\"\\r\\ncaf\\351\\nlast' >$T/q; \"$PS\" search --json --queries $T/q -k 1 2>/dev/null");
    ck_assert_int_eq(status, 3); /* the empty one failed */
    static const char *const queries[] = {"the cat", "", "zwei \"hunde\"", "caf\xEF\xBF\xBD", "last"};
    char *line = strtok(cli_out, "\n");
    for (int i = 0; i < 5; i++, line = strtok(NULL, "\n")) {
        ck_assert_ptr_nonnull(line);
        json_t *json = cli_parse(line);
        ck_assert_str_eq(cli_string(json, "query"), queries[i]);
        ck_assert_uint_eq(json_array_size(json_object_get(json, "results")), i == 1 ? 0 : 1);
        ck_assert_int_eq(json_object_get(json, "error") != NULL, i == 1);
        json_decref(json);
    }
    ck_assert_ptr_null(line);
    status = e2e_run(cli_out, "printf 'the cat\\n' | \"$PS\" --json --queries -");
    ck_assert_int_le(status, 1);
    json_decref(cli_parse(cli_out));
}
END_TEST

START_TEST(status_json) {
    cli_make_library();
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" status --json"), 0);
    json_t *json = cli_parse(cli_out);
    ck_assert_int_gt(cli_number(json, "photos"), 4);
    ck_assert_int_eq(cli_number(json, "photos"), cli_number(json, "vectors"));
    ck_assert_int_eq(cli_number(json, "pending") + cli_number(json, "failed"), 0);
    ck_assert_int_gt(cli_number(json, "bytes"), 0);
    ck_assert_int_eq(strncmp(cli_string(json, "model"), "tiny-1", 6), 0);
    ck_assert_str_eq(cli_string(json, "index"), "ready");
    json_decref(json);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" status"), 0);
    ck_assert(cli_says("photos") && cli_says("ready"));
}
END_TEST

START_TEST(failures_are_listed) {
    ck_assert_int_eq(
        e2e_run(NULL, "echo text >\"$T/photos/a b.jpg\"; : >$T/photos/empty.png; \"$PS\" index -q $T/photos 2>/dev/null"), 4);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" failures --json"), 0);
    char *line = strtok(cli_out, "\n");
    for (int i = 0; i < 2; i++, line = strtok(NULL, "\n")) {
        json_t *json = cli_parse(line);
        ck_assert_ptr_nonnull(strstr(cli_string(json, "path"), i ? "empty.png" : "a b.jpg"));
        ck_assert_int_eq(cli_number(json, "tries"), 1);
        ck_assert(json_is_false(json_object_get(json, "quarantined")));
        cli_string(json, "reason");
        json_decref(json);
    }
    ck_assert_ptr_null(line);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" failures --print0 | xargs -0 ls"), 0);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" failures"), 0);
    ck_assert(cli_says("1 try"));
}
END_TEST

START_TEST(forget_json_and_status) {
    cli_make_library();
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" forget --json $T/photos/sub"), 0);
    json_t *json = cli_parse(cli_out);
    ck_assert_int_eq(cli_number(json, "removed"), 3);
    json_decref(json);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" forget --json $T/photos/sub 2>/dev/null"), 1);
    json = cli_parse(cli_out);
    ck_assert_int_eq(cli_number(json, "removed"), 0);
    json_decref(json);
    ck_assert_int_eq(e2e_run(cli_out, "cd $T/photos && \"$PS\" forget ./rgb.png"), 0);
}
END_TEST

START_TEST(embed_json) {
    double sum = 0;
    size_t i;
    json_t *x;
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" embed --json --text 'the cat'"), 0);
    json_t *json = cli_parse(cli_out);
    ck_assert_int_eq(cli_number(json, "dim"), 32);
    ck_assert_uint_eq(json_array_size(json_object_get(json, "embedding")), 32);
    json_array_foreach(json_object_get(json, "embedding"), i, x) sum += json_number_value(x) * json_number_value(x);
    ck_assert(sum > 0.9999 && sum < 1.0001);
    json_decref(json);
    static char with_float[E2E_OUTPUT];
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" embed --json --image $R/tests/data/images/rgb.png"), 0);
    ck_assert_int_eq(e2e_run(with_float, "\"$PS\" --json embed --precision float --image $R/tests/data/images/rgb.png"), 0);
    ck_assert_str_ne(cli_out, with_float);
    json_decref(cli_parse(with_float));
    ck_assert_int_eq(e2e_run(with_float, "\"$PS\" --json embed --isa reference --image $R/tests/data/images/rgb.png"), 0);
    ck_assert_str_eq(cli_out, with_float);
}
END_TEST

START_TEST(model_json) {
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" model info --json"), 0);
    json_t *json = cli_parse(cli_out);
    ck_assert_int_eq(cli_number(json, "dim"), 32);
    ck_assert_str_eq(cli_string(json, "name"), "tiny");
    json_decref(json);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" model verify --json"), 0);
    json = cli_parse(cli_out);
    ck_assert(json_is_true(json_object_get(json, "ok")));
    json_decref(json);
    ck_assert_int_eq(
        e2e_run(cli_out, "unset PHOTOSEARCH_MODEL; \"$PS\" model info --model $R/tests/data/golden/tiny.safetensors"), 0);
    ck_assert(cli_says("tiny"));
    ck_assert_int_eq(e2e_run(cli_out,
                             "unset PHOTOSEARCH_MODEL; export XDG_DATA_HOME=$T/data; mkdir -p $T/data/photosearch/models &&"
                             " cp $R/tests/data/golden/tiny.safetensors $T/data/photosearch/models/mine.safetensors &&"
                             " \"$PS\" model info --model mine"),
                     0);
    ck_assert(cli_says("mine.safetensors"));
}
END_TEST

START_TEST(bench_json) {
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" bench --json --threads 2 --image $R/tests/data/images/baseline.jpg"), 0);
    json_t *json = cli_parse(cli_out);
    static const char *const keys[] = {"image_ms", "text_ms", "decode_ms", "images_per_second"};
    for (int i = 0; i < 4; i++) ck_assert(json_number_value(json_object_get(json, keys[i])) > 0.0);
    ck_assert_int_eq(cli_number(json, "threads"), 2);
    cli_string(json, "isa");
    cli_string(json, "model");
    json_decref(json);
}
END_TEST

START_TEST(eval_json) {
    ck_assert_int_eq(
        e2e_run(cli_out,
                "cp $R/tests/data/images/rgb.png $R/tests/data/images/baseline.jpg $T/photos;"
                " printf 'photos/rgb.png\\tthe cat\\nphotos/baseline.jpg\\ta dog\\nphotos/rgb.png\\tthe other cat\\n' >$T/e.tsv;"
                " cd / && \"$PS\" eval --json --threads 2 $T/e.tsv"),
        0);
    json_t *json = cli_parse(cli_out);
    ck_assert_int_eq(cli_number(json, "photos"), 2);
    ck_assert_int_eq(cli_number(json, "captions"), 3);
    ck_assert_int_eq(cli_number(json, "failed"), 0);
    ck_assert(json_number_value(json_object_get(json, "R@5")) == 100.0);
    ck_assert(json_number_value(json_object_get(json, "MRR")) >= 0.5);
    ck_assert(json_number_value(json_object_get(json, "median_rank")) >= 1.0);
    json_decref(json);
}
END_TEST

START_TEST(eval_counts_ties_against_the_model_and_failed_files_apart) {
    ck_assert_int_eq(e2e_run(cli_out, "cp $R/tests/data/images/rgb.png $T/photos/a.png; cp $T/photos/a.png $T/photos/b.png;"
                                      " printf 'photos/a.png\\tcat\\nphotos/b.png\\tcat\\nphotos/none.png\\tcat\\n' >$T/e.tsv;"
                                      " \"$PS\" eval --json $T/e.tsv 2>$T/err"),
                     4);
    json_t *json = cli_parse(cli_out);
    ck_assert_int_eq(cli_number(json, "captions"), 2);
    ck_assert_int_eq(cli_number(json, "failed"), 1);
    ck_assert(json_number_value(json_object_get(json, "R@1")) == 0.0);
    ck_assert(json_number_value(json_object_get(json, "median_rank")) == 2.0);
    json_decref(json);
    ck_assert_int_eq(e2e_run(cli_out, "cat $T/err"), 0);
    cli_expect_one_sentence();
    ck_assert(cli_says("none.png"));
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
    cli_make_library();
    if (strncmp(BAD[_i].says, "$T", 2) == 0)
        snprintf(expected, sizeof expected, "%s%s", e2e_folder(), BAD[_i].says + 2);
    else
        snprintf(expected, sizeof expected, "%s", BAD[_i].says);
    int status = e2e_run(cli_out, "{ %s; } 2>&1 >/dev/null", BAD[_i].command);
    ck_assert_msg(status == BAD[_i].status, "%s: status %d: %s", BAD[_i].command, status, cli_out);
    ck_assert_msg(cli_says(expected), "%s: %s", BAD[_i].command, cli_out);
    cli_expect_one_sentence();
}
END_TEST

START_TEST(a_line_that_cannot_be_answered_is_named) {
    cli_make_library();
    ck_assert_int_eq(e2e_run(cli_out, "printf 'cat\\n\\ndog\\n' >$T/q; \"$PS\" --json --queries $T/q 2>&1 >/dev/null"), 3);
    cli_expect_one_sentence();
    ck_assert_msg(cli_says("/q, line 2: the query is empty"), "%s", cli_out);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" --json --queries - <$T/q 2>&1 >/dev/null"), 3);
    ck_assert_msg(cli_says("standard input, line 2: the query is empty"), "%s", cli_out);
}
END_TEST

START_TEST(a_megabyte_of_query_is_answered) {
    cli_make_library();
    int status = e2e_run(
        cli_out, "{ head -c 1000000 /dev/zero | tr '\\0' a; echo; } >$T/q; \"$PS\" search --json --queries $T/q | tail -c 200");
    ck_assert_int_le(status, 1);
    ck_assert(cli_says("\"ms\""));
    status = e2e_run(cli_out, "\"$PS\" -q \"$(head -c 100000 $T/q)\" 2>&1 >/dev/null");
    ck_assert_msg(status <= 1, "%d %s", status, cli_out);
}
END_TEST

START_TEST(a_damaged_library_is_one_sentence) {
    cli_make_library();
    ck_assert_int_eq(
        e2e_run(NULL, "rm -f $PHOTOSEARCH_LIBRARY/*-wal $PHOTOSEARCH_LIBRARY/*-shm; seq 9999 >$PHOTOSEARCH_LIBRARY/library.db"),
        0);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" cat 2>&1 >/dev/null"), 3);
    cli_expect_one_sentence();
    ck_assert(cli_says("library.db"));
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" index $T/photos 2>&1 >/dev/null"), 3);
    cli_expect_one_sentence();
}
END_TEST

START_TEST(a_damaged_index_cache_is_mended_in_silence) {
    static char before[E2E_OUTPUT];
    cli_make_library();
    ck_assert_int_le(e2e_run(before, "\"$PS\" -q cat"), 1);
    ck_assert_int_le(e2e_run(cli_out, "for f in $PHOTOSEARCH_LIBRARY/*.faiss; do seq 50 >$f; done; \"$PS\" -q cat 2>&1"), 1);
    ck_assert_str_eq(before, cli_out);
    ck_assert_int_le(e2e_run(cli_out, "rm $PHOTOSEARCH_LIBRARY/*.faiss; \"$PS\" -q cat 2>&1"), 1);
    ck_assert_str_eq(before, cli_out);
    ck_assert_int_eq(e2e_run(NULL, "ls $PHOTOSEARCH_LIBRARY/*.faiss >/dev/null"), 0);
}
END_TEST

START_TEST(a_damaged_index_cache_is_told_once_to_those_who_want_to_know) {
    cli_make_library();
    ck_assert_int_eq(e2e_run(NULL, "for f in $PHOTOSEARCH_LIBRARY/*.faiss; do seq 50 >$f; done"), 0);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" cat 2>&1 >/dev/null | grep -c 'the index is rebuilt: .*\\.faiss'"), 0);
    ck_assert_str_eq(cli_out, "1\n");
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
        e2e_run(cli_out, LONG_RUN("") " \"$PS\" index $T/photos 2>&1 >/dev/null; second=$?;"
                                      " \"$PS\" --json cat >$T/search; search=$?; kill -KILL $job; echo $job $second $search");
    ck_assert_int_eq(status, 0);
    char *last = strrchr(cli_out, '\n');
    ck_assert_ptr_nonnull(last);
    *last = 0;
    last = strrchr(cli_out, '\n');
    ck_assert_ptr_nonnull(last);
    int job, second, search;
    ck_assert_int_eq(sscanf(last, "%d %d %d", &job, &second, &search), 3);
    last[1] = 0;
    cli_expect_one_sentence();
    char pid[32];
    snprintf(pid, sizeof pid, "%d", job);
    ck_assert_msg(second == 3 && cli_says(pid), "%d %s", second, cli_out);
    ck_assert_int_le(search, 1);
}
END_TEST

START_TEST(an_interrupted_run_keeps_what_is_done) {
    int status = e2e_run(cli_out, LONG_RUN("env --default-signal=INT") " kill -INT $job; kill -CONT $job; wait $job; echo $?;"
                                                                       " cat $T/first");
    ck_assert_int_eq(status, 0);
    ck_assert_msg(strncmp(cli_out, "3\n", 2) == 0 && cli_says("stopped"), "%s", cli_out);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" index --json $T/photos"), 0);
    json_t *json = cli_parse(cli_out);
    ck_assert_int_eq(cli_number(json, "indexed") + cli_number(json, "unchanged"), 500);
    json_decref(json);
}
END_TEST

START_TEST(an_interrupt_that_was_ignored_from_the_start_stops_nothing) {
    int status = e2e_run(cli_out, LONG_RUN("") " kill -INT $job; kill -CONT $job; wait $job; echo $?; cat $T/first");
    ck_assert_int_eq(status, 0);
    ck_assert_msg(strncmp(cli_out, "0\n500 images: 500 indexed", 25) == 0, "%s", cli_out);
}
END_TEST

Suite *suite_cli(void) {
    Suite *suite = suite_create("cli");
    TCase *usage = tcase_create("usage"), *json = tcase_create("json"), *bad = tcase_create("bad");
    TCase *const cases[] = {usage, json, bad};
    for (int i = 0; i < 3; i++) {
        tcase_add_checked_fixture(cases[i], cli_setup, cli_teardown);
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
    tcase_add_loop_test(bad, bad_input_gets_one_sentence, 0, sizeof BAD / sizeof *BAD);
    tcase_add_test(bad, a_line_that_cannot_be_answered_is_named);
    tcase_add_test(bad, a_megabyte_of_query_is_answered);
    tcase_add_test(bad, a_damaged_library_is_one_sentence);
    tcase_add_test(bad, a_damaged_index_cache_is_mended_in_silence);
    tcase_add_test(bad, a_damaged_index_cache_is_told_once_to_those_who_want_to_know);
    tcase_add_test(bad, a_second_indexing_process_is_told_who_is_first);
    tcase_add_test(bad, an_interrupted_run_keeps_what_is_done);
    tcase_add_test(bad, an_interrupt_that_was_ignored_from_the_start_stops_nothing);
    return suite;
}
