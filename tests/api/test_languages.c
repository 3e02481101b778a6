/*
** Several languages, seen from outside: through the C API, and as a person uses the program.
*/
#include <check.h>
#include <jansson.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/photosearch.h"
#include "tests/e2e/shell.h"
#include "tests/encoder/packages.h"

Suite *suite_languages(void);

#define DIM 32

static const package_recipe multi = {.name = "multi",
                                     .turned = 1,
                                     .languages = "de pt",
                                     .calibration = "{\"a\":5,\"b\":1,\"weak\":0.99,\"good\":0.995}",
                                     .foreign = "hund"};

static char out[E2E_OUTPUT];
static ps_model *model;
static ps_library *library;
static char notes[4096];

static const char *path_of(const char *name) {
    static char paths[4][4200];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", e2e_folder(), name);
    return path;
}

static void note(int level, const char *line, void *payload) {
    (void)level, (void)payload;
    snprintf(notes + strlen(notes), sizeof notes - strlen(notes), "%s\n", line);
}

/* Photos, the package m.safetensors and one beside it. */
static void set_up(const package_recipe *companion) {
    packages_write(path_of("m.safetensors"), &(package_recipe){.keeps_image = 1});
    packages_write(path_of("m-multi.safetensors"), companion);
    setenv("PHOTOSEARCH_LIBRARY", path_of("library"), 1);
    setenv("PHOTOSEARCH_MODEL", path_of("m.safetensors"), 1);
    ck_assert_int_eq(
        e2e_run(NULL, "mkdir $T/photos; cp $R/tests/data/images/rgb.png $R/tests/data/images/baseline.jpg $T/photos"), 0);
}

static void setup(void) { set_up(&multi); }

static void teardown(void) {
    ps_model_free(model);
    ps_library_close(library);
    e2e_run(NULL, "rm -rf $T");
}

static void open_model(void) {
    ck_assert_msg(ps_model_open(&model, path_of("m.safetensors"), NULL) == PS_OK, "%s", ps_last_error(NULL));
}

static void open_library(void) {
    const char *const photos[] = {path_of("photos")};
    ps_library_options options = PS_LIBRARY_OPTIONS_INIT;
    options.log = note;
    options.log_level = PS_LOG_WARNING;
    notes[0] = 0;
    ck_assert_msg(ps_library_open(&library, NULL, &options) == PS_OK, "%s", ps_last_error(NULL));
    ck_assert_msg(ps_index(NULL, library, photos, 1, NULL) == PS_OK, "%s", ps_last_error(library));
}

/* ---- The C API ---- */

static void embed(float *v, const char *lang, const char *text) {
    ck_assert_msg(ps_model_embed_text_in(v, model, lang, text, strlen(text)) == PS_OK, "%s", ps_last_error(NULL));
}

START_TEST(a_text_is_embedded_in_its_language) {
    float english[DIM], german[DIM], v[DIM];
    open_model();
    embed(english, "en", "a dog");
    embed(german, "de", "a dog");
    ck_assert_mem_ne(english, german, sizeof english);
    embed(v, NULL, "a dog");
    ck_assert_mem_eq(v, english, sizeof v);
    ck_assert_int_eq(ps_model_embed_text(v, model, "a dog", 5), PS_OK);
    ck_assert_mem_eq(v, english, sizeof v);
    embed(v, "pt-BR", "a dog");
    ck_assert_mem_eq(v, german, sizeof v);
    embed(german, "de", "a hund");
    ck_assert_int_eq(ps_model_embed_text(v, model, "a hund", 6), PS_OK);
    ck_assert_mem_eq(v, german, sizeof v);
    ck_assert_int_eq(ps_model_embed_text_in(v, model, "ja", "a dog", 5), PS_INVALID);
    ck_assert_str_eq(ps_last_error(NULL), "no text tower of the model reads the language \"ja\"; there are: en de pt");
}
END_TEST

START_TEST(companions_are_listed) {
    ps_model_info about = PS_MODEL_INFO_INIT;
    ps_companion c = PS_COMPANION_INIT;
    open_model();
    ck_assert_int_eq(ps_model_about(&about, model), PS_OK);
    ck_assert_str_eq(about.languages, "en");
    ck_assert_uint_eq(ps_model_companion_count(model), 1);
    ck_assert_int_eq(ps_model_companion(&c, model, 0), PS_OK);
    ck_assert_ptr_null(c.refused);
    ck_assert_str_eq(c.name, "multi");
    ck_assert_str_eq(c.languages, "de pt");
    ck_assert_str_eq(c.space, about.space);
    ck_assert_str_eq(c.path, path_of("m-multi.safetensors"));
    ck_assert(c.bytes > 1000 && c.bytes < about.bytes);
    ck_assert_int_eq(ps_model_companion(&c, model, 1), PS_NOTFOUND);
    c.version = 9;
    ck_assert_int_eq(ps_model_companion(&c, model, 0), PS_INVALID);
    ck_assert_int_eq(ps_model_companion(NULL, model, 0), PS_INVALID);
    ck_assert_uint_eq(ps_model_companion_count(NULL), 0);
}
END_TEST

/* Score of the best photo, checked against its cosine and a calibration. */
static void expect_scored(const char *lang, const char *text, double a, double b, int verdict) {
    ps_search_options options = PS_SEARCH_OPTIONS_INIT;
    ps_results *results;
    ps_hit hit = PS_HIT_INIT;
    options.lang = lang;
    ck_assert_msg(ps_search(&results, library, text, &options) == PS_OK, "%s", ps_last_error(library));
    ck_assert_uint_eq(ps_results_count(results), 2);
    ck_assert_int_eq(ps_results_hit(&hit, results, 0), PS_OK);
    ck_assert_msg(fabs(hit.score - 1 / (1 + exp(-(a * hit.cosine + b)))) < 1e-6, "%g %g", hit.score, hit.cosine);
    if (verdict >= 0) ck_assert_int_eq(hit.verdict, verdict);
    ps_results_free(results);
}

START_TEST(a_search_is_scored_by_the_tower_that_read_it) {
    open_library();
    expect_scored(NULL, "a dog", 10, -2, -1);
    expect_scored("de", "a dog", 5, 1, PS_VERDICT_NONE);
    expect_scored(NULL, "a hund", 5, 1, PS_VERDICT_NONE);
    expect_scored("en-GB", "a hund", 10, -2, -1);
    ck_assert_str_eq(notes, "");
    ps_search_options options = PS_SEARCH_OPTIONS_INIT;
    ps_results *results;
    options.lang = "ja";
    ck_assert_int_eq(ps_search(&results, library, "a dog", &options), PS_INVALID);
    ck_assert_ptr_nonnull(strstr(ps_last_error(library), "there are: en de pt"));
    ck_assert_ptr_null(results);
}
END_TEST

/* As the header of version 1 had them: nothing behind their last field is read or written. */
START_TEST(structs_of_the_first_version_still_work) {
    struct {
        unsigned version, flags;
        size_t limit;
        double least_score;
    } *options = malloc(sizeof *options);
    ps_results *results;
    ck_assert_uint_eq(sizeof *options, offsetof(ps_search_options, lang));
    open_library();
    options->version = 1;
    options->flags = 0;
    options->limit = 1;
    options->least_score = 0.0;
    ck_assert_msg(ps_search(&results, library, "a dog", (const ps_search_options *)options) == PS_OK, "%s",
                  ps_last_error(library));
    ck_assert_uint_eq(ps_results_count(results), 1);
    ps_results_free(results);
    free(options);

    open_model();
    static const char behind[] = "not the library's";
    ps_model_info about = {.version = 1, .languages = behind};
    ck_assert_int_eq(ps_model_about(&about, model), PS_OK);
    ck_assert_str_eq(about.name, "tiny");
    ck_assert_uint_eq(about.version, 1);
    ck_assert_ptr_eq(about.languages, behind);
}
END_TEST

START_TEST(structs_of_no_version_are_refused) {
    ps_search_options options = PS_SEARCH_OPTIONS_INIT;
    ps_model_info about = PS_MODEL_INFO_INIT;
    ps_results *results;
    open_library();
    open_model();
    options.version = about.version = 0;
    ck_assert_int_eq(ps_search(&results, library, "a dog", &options), PS_INVALID);
    ck_assert_int_eq(ps_model_about(&about, model), PS_INVALID);
    options.version = PS_SEARCH_OPTIONS_VERSION + 1;
    about.version = PS_MODEL_INFO_VERSION + 1;
    ck_assert_int_eq(ps_search(&results, library, "a dog", &options), PS_INVALID);
    ck_assert_int_eq(ps_model_about(&about, model), PS_INVALID);
}
END_TEST

static void setup_other_space(void) {
    package_recipe recipe = multi;
    recipe.space = "elsewhere";
    set_up(&recipe);
}

START_TEST(a_companion_of_another_space_is_a_warning_not_an_error) {
    ps_companion c = PS_COMPANION_INIT;
    double cosine;
    open_library();
    ck_assert_str_eq(notes, "");
    expect_scored(NULL, "a dog", 10, -2, -1);
    expect_scored(NULL, "a hund", 10, -2, -1);
    const char *first = strstr(notes, "elsewhere");
    ck_assert_msg(first && !strstr(first + 1, "m-multi"), "%s", notes);
    open_model();
    ck_assert_int_eq(ps_model_companion(&c, model, 0), PS_OK);
    ck_assert_ptr_nonnull(strstr(c.refused, "elsewhere"));
    ck_assert_ptr_null(c.name);
    ck_assert_int_eq(ps_model_verify(&cosine, model), PS_MODEL);
    ck_assert_ptr_nonnull(strstr(ps_last_error(NULL), "elsewhere"));
}
END_TEST

static void search_from_note(int level, const char *line, void *payload) {
    ps_search_options options = PS_SEARCH_OPTIONS_INIT;
    ps_results *results;
    (void)level, (void)line;
    options.lang = "en";
    if (ps_search(&results, library, "a dog", &options) == PS_OK) ++*(int *)payload;
    ps_results_free(results);
}

START_TEST(who_is_told_of_a_companion_may_search) {
    ps_library_options options = PS_LIBRARY_OPTIONS_INIT;
    ps_results *results;
    int searches = 0;
    open_library();
    ps_library_close(library);
    options.log = search_from_note;
    options.log_payload = &searches;
    ck_assert_int_eq(ps_library_open(&library, NULL, &options), PS_OK);
    ck_assert_int_eq(ps_search(&results, library, "a dog", NULL), PS_OK);
    ck_assert_int_eq(searches, 1);
    ps_results_free(results);
}
END_TEST

/* ---- The program ---- */

static json_t *run_json(const char *arguments) {
    int status = e2e_run(out, "\"$PS\" --json %s", arguments);
    ck_assert_msg(status <= 1, "%s: %d: %s", arguments, status, out);
    json_t *json = json_loads(out, 0, NULL);
    ck_assert_msg(json != NULL, "%s", out);
    return json;
}

static int same_embedding(const char *one, const char *other) {
    json_t *a = run_json(one), *b = run_json(other);
    int same = json_equal(json_object_get(a, "embedding"), json_object_get(b, "embedding"));
    json_decref(a);
    json_decref(b);
    return same;
}

START_TEST(commands_take_a_language) {
    ck_assert(!same_embedding("embed --text 'a dog' --lang de", "embed --text 'a dog'"));
    ck_assert(same_embedding("embed --text 'a dog' --lang=pt_BR", "--json embed --lang de --text 'a dog'"));
    ck_assert(same_embedding("embed --text 'hund'", "embed --lang de --text 'hund'"));
    ck_assert_int_eq(e2e_run(NULL, "\"$PS\" index -q $T/photos"), 0);
    static const char *const searches[] = {"search --lang de hund", "hund --lang de", "hund", "--lang en hund"};
    double scores[4];
    for (int i = 0; i < 4; i++) {
        json_t *json = run_json(searches[i]);
        scores[i] = json_number_value(json_object_get(json_array_get(json_object_get(json, "results"), 0), "score"));
        json_decref(json);
    }
    ck_assert(scores[0] == scores[1] && scores[1] == scores[2] && scores[2] != scores[3]);
}
END_TEST

START_TEST(eval_and_bench_take_a_language) {
    ck_assert_int_eq(e2e_run(NULL, "printf 'photos/rgb.png\\ta hund\\nphotos/baseline.jpg\\ta dog\\n' >$T/e.tsv"), 0);
    static const char *const runs[] = {"eval $T/e.tsv", "eval --lang de $T/e.tsv", "eval $T/e.tsv --lang en"};
    for (int i = 0; i < 3; i++) {
        json_t *json = run_json(runs[i]);
        ck_assert_int_eq(json_integer_value(json_object_get(json, "captions")), 2);
        json_decref(json);
    }
    json_decref(run_json("bench --lang de --threads 1 --image $R/tests/data/images/baseline.jpg"));
    ck_assert_int_eq(e2e_run(out, "\"$PS\" eval --lang ja $T/e.tsv 2>&1"), 3);
    ck_assert_ptr_nonnull(strstr(out, "there are: en de pt\n"));
    ck_assert_ptr_eq(strchr(out, '\n'), out + strlen(out) - 1);
    ck_assert_int_eq(e2e_run(out, "\"$PS\" bench --lang ja 2>&1"), 3);
}
END_TEST

START_TEST(a_language_that_is_not_there_is_one_sentence) {
    ck_assert_int_eq(e2e_run(NULL, "\"$PS\" index -q $T/photos"), 0);
    ck_assert_int_eq(e2e_run(out, "\"$PS\" --lang xx a dog 2>&1 >/dev/null"), 3);
    ck_assert_str_eq(out, "photosearch: no text tower of the model reads the language \"xx\"; there are: en de pt\n");
    ck_assert_int_eq(e2e_run(out, "\"$PS\" status --lang de 2>&1"), 2);
    ck_assert_ptr_nonnull(strstr(out, "status does not know --lang"));
}
END_TEST

START_TEST(those_who_want_to_know_are_told_who_reads) {
    ck_assert_int_eq(e2e_run(NULL, "\"$PS\" index -q $T/photos"), 0);
    e2e_run(out, "\"$PS\" -v hund 2>&1 >/dev/null");
    ck_assert_msg(strstr(out, "read by multi") != NULL, "%s", out);
    e2e_run(out, "\"$PS\" --json hund 2>&1 >/dev/null");
    ck_assert_str_eq(out, "");
}
END_TEST

START_TEST(model_tells_and_checks_companions) {
    json_t *json = run_json("model info"), *list = json_object_get(json, "companions"), *c = json_array_get(list, 0);
    ck_assert_str_eq(json_string_value(json_object_get(json, "languages")), "en");
    ck_assert_uint_eq(json_array_size(list), 1);
    ck_assert_str_eq(json_string_value(json_object_get(c, "name")), "multi");
    ck_assert_str_eq(json_string_value(json_object_get(c, "languages")), "de pt");
    ck_assert_str_eq(json_string_value(json_object_get(c, "space")), "tiny-32");
    ck_assert(json_is_null(json_object_get(c, "refused")) && json_integer_value(json_object_get(c, "bytes")) > 0);
    json_decref(json);
    ck_assert_int_eq(e2e_run(out, "\"$PS\" model info"), 0);
    ck_assert_msg(strstr(out, "companion  multi-1") && strstr(out, "de pt"), "%s", out);
    ck_assert_int_eq(e2e_run(out, "\"$PS\" model verify"), 0);
    ck_assert_msg(strstr(out, "with 1 companion is sound") != NULL, "%s", out);
}
END_TEST

START_TEST(a_damaged_companion_is_told_by_model_and_does_not_stop_a_search) {
    ck_assert_int_eq(
        e2e_run(NULL, "\"$PS\" index -q $T/photos; head -c 3000 $T/m-multi.safetensors >$T/x; mv $T/x $T/m-multi.safetensors"),
        0);
    ck_assert_int_le(e2e_run(out, "\"$PS\" --json a dog 2>&1 >/dev/null"), 1);
    ck_assert_msg(strstr(out, "m-multi.safetensors") && strchr(out, '\n') == out + strlen(out) - 1, "%s", out);
    ck_assert_int_le(e2e_run(out, "\"$PS\" --json --lang en a dog 2>&1 >/dev/null"), 1);
    ck_assert_str_eq(out, "");
    ck_assert_int_eq(e2e_run(out, "\"$PS\" model info"), 0);
    ck_assert_msg(strstr(out, "not used") && strstr(out, "m-multi.safetensors"), "%s", out);
    json_t *json = run_json("model info"), *c = json_array_get(json_object_get(json, "companions"), 0);
    ck_assert(json_is_string(json_object_get(c, "refused")) && json_is_null(json_object_get(c, "name")));
    json_decref(json);
    ck_assert_int_eq(e2e_run(out, "\"$PS\" model verify 2>&1"), 3);
    ck_assert_ptr_nonnull(strstr(out, "m-multi.safetensors"));
}
END_TEST

Suite *suite_languages(void) {
    Suite *s = suite_create("languages");
    TCase *api = tcase_create("api"), *program = tcase_create("program"), *other = tcase_create("other space");
    tcase_add_checked_fixture(api, setup, teardown);
    tcase_add_checked_fixture(program, setup, teardown);
    tcase_add_checked_fixture(other, setup_other_space, teardown);
    tcase_add_test(api, a_text_is_embedded_in_its_language);
    tcase_add_test(api, companions_are_listed);
    tcase_add_test(api, a_search_is_scored_by_the_tower_that_read_it);
    tcase_add_test(api, structs_of_the_first_version_still_work);
    tcase_add_test(api, structs_of_no_version_are_refused);
    tcase_add_test(other, a_companion_of_another_space_is_a_warning_not_an_error);
    tcase_add_test(other, who_is_told_of_a_companion_may_search);
    tcase_add_test(program, commands_take_a_language);
    tcase_add_test(program, eval_and_bench_take_a_language);
    tcase_add_test(program, a_language_that_is_not_there_is_one_sentence);
    tcase_add_test(program, those_who_want_to_know_are_told_who_reads);
    tcase_add_test(program, model_tells_and_checks_companions);
    tcase_add_test(program, a_damaged_companion_is_told_by_model_and_does_not_stop_a_search);
    suite_add_tcase(s, api);
    suite_add_tcase(s, program);
    suite_add_tcase(s, other);
    return s;
}
