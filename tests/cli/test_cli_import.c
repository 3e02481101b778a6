/*
** photosearch model import: what it prints, what it leaves behind and what not.
*/
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/cli/program.h"

Suite *suite_cli_import(void);

#define CLIP "tests/data/import/hf-clip"
#define PHOTOS "tests/data/import/photos"

static void setup(void) {
    char path[4300];
    cli_setup();
    snprintf(path, sizeof path, "%s/data", e2e_folder());
    setenv("XDG_DATA_HOME", path, 1);
    ck_assert_int_eq(e2e_run(NULL, "mkdir -p $T/source && cp -r " CLIP "/. $T/source"), 0);
}

static int is_there(const char *name) {
    char line[200];
    snprintf(line, sizeof line, "test -e $T/data/photosearch/models/%s", name);
    return e2e_run(NULL, line) == 0;
}

/* How many files lie in the folder of models. */
static void expect_files(const char *count) {
    char line[200];
    snprintf(line, sizeof line, "test $(ls -A $T/data/photosearch/models 2>/dev/null | wc -l) = %s", count);
    ck_assert_int_eq(e2e_run(NULL, line), 0);
}

START_TEST(an_imported_model_is_used_by_its_name) {
    ck_assert_msg(e2e_run(cli_out, "\"$PS\" model import $T/source --name clip 2>&1") == 0, "%s", cli_out);
    ck_assert_msg(cli_says("transformers ViT") && cli_says("model use clip"), "%s", cli_out);
    expect_files("1");
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" embed --json --text 'a red kite' --model clip"), 0);
    json_t *json = cli_parse(cli_out);
    ck_assert_int_eq(cli_number(json, "dim"), 64);
    ck_assert_int_eq(strncmp(cli_string(json, "model"), "clip-1-", 7), 0);
    json_decref(json);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" model verify clip"), 0);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" model list"), 0);
    ck_assert_msg(cli_says("\n  clip "), "%s", cli_out);
}
END_TEST

START_TEST(the_report_tells_layers_and_cosines) {
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" model import $T/source --name clip --report --photos " PHOTOS " --json"), 0);
    json_t *json = cli_parse(cli_out), *report = json_object_get(json, "report");
    ck_assert_int_eq(cli_number(report, "images"), 3);
    ck_assert_double_gt(json_number_value(json_object_get(report, "image_mean")), 0.99);
    ck_assert_double_gt(json_number_value(json_object_get(report, "text_least")), 0.98);
    ck_assert_uint_gt(json_array_size(json_object_get(report, "layers")), 20);
    const json_t *first = json_array_get(json_object_get(report, "layers"), 0);
    ck_assert_str_eq(cli_string((json_t *)(uintptr_t)first, "name"), "image.pixels");
    ck_assert_double_eq(json_number_value(json_object_get(first, "error")), 0); /* no weights yet */
    json_decref(json);
    expect_files("1"); /* nothing of the float32 package is left */
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" model import $T/source --name again --report --photos " PHOTOS), 0);
    ck_assert_msg(cli_says("3 photos: INT8 and float32 agree to a cosine of"), "%s", cli_out);
}
END_TEST

START_TEST(the_licence_travels_along) {
    ck_assert_int_eq(e2e_run(NULL, "printf 'For tests only\\nAnd for nothing else.\\n' > $T/source/LICENSE"), 0);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" model import $T/source --name clip"), 0);
    ck_assert_msg(cli_says("licence: For tests only"), "%s", cli_out);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" model info clip"), 0);
    ck_assert_msg(cli_says("For tests only") && !cli_says("And for nothing else."), "%s", cli_out);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" model info clip --verbose"), 0);
    ck_assert_msg(cli_says("    And for nothing else."), "%s", cli_out);
}
END_TEST

START_TEST(names_that_begin_alike_are_different_models) {
    ck_assert_int_eq(e2e_run(NULL, "\"$PS\" model import $T/source --name clip -q"), 0);
    ck_assert_int_eq(e2e_run(NULL, "\"$PS\" model import tests/data/import/hf-siglip --name clip-two -q"), 0);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" model info clip 2>&1"), 0);
    ck_assert_msg(!cli_says("companion") && !cli_says("clip-two"), "%s", cli_out);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" embed --text x --model clip 2>&1 >/dev/null"), 0);
    ck_assert_str_eq(cli_out, ""); /* no warning */
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" model verify clip 2>&1"), 0);
}
END_TEST

START_TEST(a_package_is_not_replaced_unasked) {
    ck_assert_int_eq(e2e_run(NULL, "\"$PS\" model import $T/source --name clip -q"), 0);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" model import $T/source --name clip 2>&1"), 3);
    ck_assert_msg(cli_says("is there already"), "%s", cli_out);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" model import $T/source --name clip --replace 2>&1"), 0);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" model import $T/source --name clip --to $T/elsewhere.safetensors 2>&1"), 0);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" embed --text x --model $T/elsewhere.safetensors"), 0);
    expect_files("1");
}
END_TEST

START_TEST(photos_that_cannot_be_read_are_told) {
    ck_assert_int_eq(e2e_run(NULL, "mkdir $T/bad && echo x > $T/bad/a.jpg"), 0);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" model import $T/source --name clip --photos $T/bad 2>&1"), 0);
    ck_assert_msg(cli_says("1 of 1 photos could not be read"), "%s", cli_out);
}
END_TEST

START_TEST(a_model_in_use_is_not_replaced) {
    ck_assert_int_eq(e2e_run(NULL, "\"$PS\" model import $T/source --name clip -q && \"$PS\" index " PHOTOS " -q --model clip"),
                     0);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" model import $T/source --name clip --replace 2>&1"), 3);
    ck_assert_msg(cli_says("--force"), "%s", cli_out);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" model import $T/source --name clip --replace --force 2>&1"), 0);
    ck_assert_int_le(e2e_run(cli_out, "\"$PS\" search cat 2>&1"), 1); /* of the same space: it goes on answering */
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" model list"), 0);
    ck_assert_msg(cli_says("* clip") && !cli_says("(removed)"), "%s", cli_out);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" embed --text dog | wc -w"), 0); /* by the library's own model */
    ck_assert_str_eq(cli_out, "64\n");
}
END_TEST

START_TEST(other_preprocessing_is_another_space) {
    ck_assert_int_eq(
        e2e_run(NULL, "\"$PS\" model import $T/source --name one -q && \"$PS\" model import $T/source --name two -q"), 0);
    ck_assert_int_eq(e2e_run(NULL, "sed -i 's/\"image_std\": *\\[/&0.9,0.9,0.9],\"old\":[/' $T/source/preprocessor_config.json"),
                     0);
    ck_assert_int_eq(e2e_run(NULL, "\"$PS\" model import $T/source --name three -q"), 0);
    ck_assert_int_eq(e2e_run(cli_out,
                             "for m in one two three; do \"$PS\" model info $m | sed -n 's/^space *//p'; done | sort | uniq -c | "
                             "sed 's/^ *//; s/ .*//' | tr '\\n' ' '"),
                     0);
    ck_assert_msg(strcmp(cli_out, "1 2 ") == 0 || strcmp(cli_out, "2 1 ") == 0, "%s", cli_out);
}
END_TEST

START_TEST(what_killed_imports_left_goes_away) {
    ck_assert_int_eq(
        e2e_run(NULL, "mkdir -p $T/data/photosearch/models && cd $T/data/photosearch/models && (exit 0) & p=$!; wait; "
                      "cd $T/data/photosearch/models && touch -d '1 hour ago' a.safetensors.precise.$p.tmp.$p "
                      "a.safetensors.new.$p b.safetensors.new.1 c.safetensors d.safetensors.$p && touch e.safetensors.new.$p"),
        0);
    ck_assert_int_eq(e2e_run(NULL, "\"$PS\" model import $T/source --name clip -q"), 0);
    /* Left are: of a process that lives (1), what is no leftover, and what is young. */
    ck_assert_int_eq(e2e_run(cli_out, "ls $T/data/photosearch/models | sed 's/[0-9][0-9]*$/N/' | tr '\\n' ' '"), 0);
    ck_assert_str_eq(cli_out, "b.safetensors.new.N c.safetensors clip.safetensors d.safetensors.N e.safetensors.new.N ");
}
END_TEST

static const struct {
    const char *prepare; /* a command on the source */
    const char *arguments;
    int status;
    const char *sentence; /* a part of it */
} refusals[] = {
    {"true", "--name ../x", 3, "cannot be a model's name"},
    {"true", "--name default", 3, "cannot be a model's name"},
    {"true", "", 2, "--name NAME"},
    {"rm $T/source/config.json", "--name x", 3, "config"},
    {"rm $T/source/preprocessor_config.json", "--name x", 3, "how photos are resized"},
    {"rm $T/source/tokenizer.json", "--name x", 3, "tokenizer"},
    {"rm $T/source/model.safetensors", "--name x", 3, "holds no weights"},
    {"truncate -s 1000 $T/source/model.safetensors", "--name x", 3, "model.safetensors"},
    {"echo '<html>' > $T/source/model.safetensors", "--name x", 3, "model.safetensors"},
    {"echo '{\"normalizer\":{\"type\":\"Magic\"},\"model\":{\"type\":\"BPE\"}}' > $T/source/tokenizer.json", "--name x", 3,
     "Magic"},
    {"true", "--name x --photos $T/nowhere", 3, "nowhere"},
    {"true", "--name x --to $T/source --replace", 3, "is not a regular file"},
    {"cd $T/source && n=$(($(od -An -t u8 -N8 model.safetensors) + 8)) && s=$(wc -c <model.safetensors) && "
     "head -c $n model.safetensors >w && head -c $((s - n)) /dev/zero >>w && mv w model.safetensors",
     "--name x", 3, "the image tower gives an embedding that is not a direction"},
};

START_TEST(what_cannot_be_imported_is_told_and_leaves_nothing) {
    char line[400];
    ck_assert_int_eq(e2e_run(NULL, refusals[_i].prepare), 0);
    snprintf(line, sizeof line, "\"$PS\" model import $T/source %s 2>&1", refusals[_i].arguments);
    int status = e2e_run(cli_out, line);
    ck_assert_msg(status == refusals[_i].status && cli_says(refusals[_i].sentence), "%d %s", status, cli_out);
    ck_assert(!is_there("x.safetensors"));
    expect_files("0");
}
END_TEST

START_TEST(lists_are_embedded_line_by_line) {
    ck_assert_int_eq(e2e_run(NULL, "\"$PS\" model import $T/source --name clip -q"), 0);
    ck_assert_int_eq(e2e_run(cli_out, "printf 'one\\n\\ntwo\\n' | \"$PS\" embed --json --texts - --model clip 2>/dev/null"), 4);
    ck_assert_int_eq(
        e2e_run(NULL,
                "printf 'one\\n\\ntwo\\n' | \"$PS\" embed --json --texts - --model clip 2>/dev/null | sed -n 2p | grep -qx null"),
        0);
    ck_assert_int_eq(
        e2e_run(NULL, "ls " PHOTOS "/*.png > $T/list; test $(\"$PS\" embed --json --images $T/list --model clip | wc -l) = 3"),
        0);
}
END_TEST

Suite *suite_cli_import(void) {
    Suite *suite = suite_create("cli_import");
    TCase *tests = tcase_create("import");
    tcase_add_checked_fixture(tests, setup, cli_teardown);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, an_imported_model_is_used_by_its_name);
    tcase_add_test(tests, the_report_tells_layers_and_cosines);
    tcase_add_test(tests, the_licence_travels_along);
    tcase_add_test(tests, names_that_begin_alike_are_different_models);
    tcase_add_test(tests, a_package_is_not_replaced_unasked);
    tcase_add_test(tests, photos_that_cannot_be_read_are_told);
    tcase_add_test(tests, a_model_in_use_is_not_replaced);
    tcase_add_test(tests, other_preprocessing_is_another_space);
    tcase_add_test(tests, what_killed_imports_left_goes_away);
    tcase_add_loop_test(tests, what_cannot_be_imported_is_told_and_leaves_nothing, 0, (int)(sizeof refusals / sizeof *refusals));
    tcase_add_test(tests, lists_are_embedded_line_by_line);
    suite_add_tcase(suite, tests);
    return suite;
}
