/*
** Several text towers in one space: which one reads a text, what is opened for it, and what becomes of files that are no
** companions.
*/
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/os.h"
#include "encoder/towers.h"
#include "tests/encoder/packages.h"
#include "tests/store/library.h"
#include "tests/suites.h"

static const package_recipe main_recipe = {.keeps_image = 1};
static const package_recipe multi = {.name = "multi",
                                     .turned = 1,
                                     .languages = "de fr zh pt",
                                     .calibration = "{\"a\":5,\"b\":1,\"weak\":0.4,\"good\":0.7}",
                                     .foreign = "hund"};

static char main_path[LIBRARY_PATH + 64];
static char lines[8][1024];
static atomic_int line_count;

static void listen(int level, const char *text, void *payload) {
    (void)payload;
    if (level > PS__LOG_WARNING) return;
    int i = atomic_fetch_add(&line_count, 1);
    if (i < 8) snprintf(lines[i], sizeof lines[i], "%s", text);
}

static const ps__log log_to_lines = {listen, PS__LOG_DEBUG, NULL};

static const char *path_of(const char *name) {
    static char path[LIBRARY_PATH + 64];
    snprintf(path, sizeof path, "%.4000s/%.60s", library_temp, name);
    return path;
}

static void setup(void) {
    library_setup();
    snprintf(main_path, sizeof main_path, "%s", path_of("m.safetensors"));
    packages_write(main_path, &main_recipe);
    atomic_store(&line_count, 0);
}

static void teardown(void) {
    ps__os_reset();
    library_teardown();
}

static ps__towers *open_towers(void) {
    ps__towers *t;
    ps__error err = {0};
    ck_assert_msg(ps__towers_open(&t, main_path, NULL, &log_to_lines, &err) == PS__OK, "%s", err.text);
    return t;
}

/* Name of the package that reads the text. */
static const char *reader(ps__towers *t, const char *lang, const char *text) {
    ps__tower *tower;
    ps__error err = {0};
    ck_assert_msg(ps__towers_choose(&tower, t, lang, text, strlen(text), &err) == PS__OK, "%s", err.text);
    return ps__encoder_about(ps__tower_encoder(tower))->name;
}

/* ---- Choosing ---- */

static const struct {
    const char *lang, *text, *name;
} CHOICES[] = {
    {"en", "hund", "tiny"},
    {"EN-gb", "hund", "tiny"},
    {"de", "a dog", "multi"},
    {"de-AT", "a dog", "multi"},
    {"pt_BR.UTF-8", "a dog", "multi"},
    {"ZH-Hant", "a dog", "multi"},
    {NULL, "a dog in the snow", "tiny"},
    {NULL, "hund", "multi"},
    {NULL, "HUND!", "multi"},
    {NULL, "two hunde", "multi"},
    {NULL, "狗", "multi"},
    {NULL, "a photo of 东京", "multi"},
    {NULL, "собака", "multi"},
    {NULL, "12 - 3 ☃ 😀", "tiny"},
    {NULL, "", "tiny"},
};

START_TEST(the_language_or_the_words_choose_the_tower) {
    packages_write(path_of("m-multi.safetensors"), &multi);
    ps__towers *t = open_towers();
    for (int twice = 0; twice < 2; twice++) ck_assert_str_eq(reader(t, CHOICES[_i].lang, CHOICES[_i].text), CHOICES[_i].name);
    ck_assert_int_eq(atomic_load(&line_count), 0);
    ps__towers_free(t);
}
END_TEST

START_TEST(an_unknown_language_is_refused_with_those_there_are) {
    static const char *const unknown[] = {"sw", "d", "", "-", "deu", "german", "de1", "a b", "日本"};
    packages_write(path_of("m-multi.safetensors"), &multi);
    ps__towers *t = open_towers();
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        ps__tower *tower;
        ps__error err = {0};
        ck_assert_int_eq(ps__towers_choose(&tower, t, unknown[i], "a dog", 5, &err), PS__INVALID);
        ck_assert_msg(strstr(err.text, "there are: en de fr zh pt") != NULL && strstr(err.text, unknown[i]), "%s", err.text);
    }
    ps__towers_free(t);
}
END_TEST

START_TEST(a_package_alone_reads_everything) {
    ps__towers *t = open_towers();
    ps__tower *tower;
    ps__error err = {0};
    ck_assert_uint_eq(ps__towers_companions(t), 0);
    ck_assert_str_eq(reader(t, NULL, "狗"), "tiny");
    ck_assert_str_eq(reader(t, NULL, "hund"), "tiny");
    ck_assert_str_eq(reader(t, "en", "hund"), "tiny");
    ck_assert_int_eq(ps__towers_choose(&tower, t, "de", "hund", 4, &err), PS__INVALID);
    ck_assert_ptr_nonnull(strstr(err.text, "there are: en"));
    ps__towers_free(t);
}
END_TEST

START_TEST(without_a_classifier_only_letters_tell) {
    package_recipe recipe = multi;
    recipe.foreign = NULL;
    packages_write(path_of("m-multi.safetensors"), &recipe);
    ps__towers *t = open_towers();
    ck_assert_str_eq(reader(t, NULL, "hund"), "tiny");
    ck_assert_str_eq(reader(t, NULL, "狗"), "multi");
    ps__towers_free(t);
}
END_TEST

START_TEST(a_main_package_without_words_leaves_all_to_its_companion) {
    const package_recipe images = {.keeps_image = 1, .drops_text = 1};
    packages_write(main_path, &images);
    packages_write(path_of("m-multi.safetensors"), &multi);
    ps__towers *t = open_towers();
    ck_assert_str_eq(reader(t, NULL, "a dog"), "multi");
    ck_assert_str_eq(reader(t, "fr", "a dog"), "multi");
    ps__towers_free(t);
}
END_TEST

START_TEST(companions_are_the_files_named_after_the_package_in_order) {
    static const char *const names[] = {"m-b.safetensors", "m-a.safetensors",     "mx-c.safetensors", "m.safetensors.new",
                                        "m-.safetensors",  "m-d.safetensors.bak", "n-e.safetensors",  "M-f.safetensors"};
    package_recipe recipe = multi;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        recipe.name = names[i];
        packages_write(path_of(names[i]), &recipe);
    }
    ps__towers *t = open_towers();
    ck_assert_uint_eq(ps__towers_companions(t), 2);
    ck_assert_str_eq(ps__towers_companion_path(t, 0), path_of("m-a.safetensors"));
    ck_assert_str_eq(ps__towers_companion_path(t, 1), path_of("m-b.safetensors"));
    ck_assert_str_eq(reader(t, "de", "x"), "m-a.safetensors");
    ps__towers_free(t);
}
END_TEST

START_TEST(a_relative_path_without_a_folder_has_companions_too) {
    char here[4096];
    packages_write(path_of("m-multi.safetensors"), &multi);
    ck_assert_ptr_nonnull(getcwd(here, sizeof here));
    ck_assert_int_eq(chdir(library_temp), 0);
    strcpy(main_path, "m.safetensors");
    ps__towers *t = open_towers();
    ck_assert_str_eq(reader(t, "de", "x"), "multi");
    ck_assert_int_eq(chdir(here), 0);
    ps__towers_free(t);
}
END_TEST

/* ---- What is opened ---- */

static int maps;

static void *count_map(size_t size, int fd) {
    struct ps__os counting = ps__os;
    ps__os_reset();
    void *address = ps__os.mmap(size, fd);
    ps__os = counting;
    maps++;
    return address;
}

START_TEST(nothing_is_opened_that_is_not_needed) {
    packages_write(path_of("m-multi.safetensors"), &multi);
    maps = 0;
    ps__os.mmap = count_map;
    ps__towers *t = open_towers();
    ck_assert_int_eq(maps, 1);
    reader(t, "en", "a dog");
    ck_assert_int_eq(maps, 1);
    reader(t, NULL, "a dog");
    ck_assert_int_eq(maps, 2); /* its classifier was asked */
    reader(t, NULL, "hund");
    reader(t, NULL, "hund");
    reader(t, "de", "hund");
    ck_assert_int_eq(maps, 2);
    ps__towers_free(t);
}
END_TEST

START_TEST(another_language_does_not_need_the_english_tower) {
    const package_recipe broken = {.keeps_image = 1, .without = "text.1.fc2.bias"};
    float v[32];
    ps__tower *tower;
    ps__session *s;
    ps__error err = {0};
    packages_write(main_path, &broken);
    packages_write(path_of("m-multi.safetensors"), &multi);
    ps__towers *t = open_towers();
    for (int english = 0; english < 2; english++) {
        ck_assert_int_eq(ps__towers_choose(&tower, t, english ? "en" : "de", "dog", 3, &err), PS__OK);
        ck_assert_int_eq(ps__tower_take_session(&s, tower, &err), PS__OK);
        ck_assert_int_eq(ps__encode_text(v, s, "dog", 3, &err), english ? PS__MODEL : PS__OK);
        ps__tower_put_session(tower, s);
    }
    ps__towers_free(t);
}
END_TEST

/* ---- Files that cannot be used ---- */

static const struct {
    package_recipe recipe;
    const char *why;
} REFUSED[] = {
    {{.name = "x", .languages = "de", .foreign = "hund", .space = "other"}, "space other"},
    {{.name = "x", .languages = "de", .foreign = "hund", .keeps_image = 1}, "image tower"},
    {{.name = "x", .languages = "de", .foreign = "hund", .drops_text = 1}, "no text tower"},
    {{.name = "x", .languages = "de;rm -rf", .foreign = "hund"}, "languages"},
    {{.name = "x", .languages = "de", .foreign = "hund", .without = "text.vocab"}, "text.vocab is missing"},
    {{.name = "x", .languages = "de", .foreign = "hund", .without = "text.1.fc2.bias"}, "text.1.fc2.bias is missing"},
    {{.name = "x", .languages = "de", .foreign = "hund", .calibration = "{\"a\":-1}"}, "calibration"},
};

static void expect_refused(ps__towers *t, const char *why) {
    ps__tower *tower;
    const char *refused;
    ps__error err = {0};
    ck_assert_str_eq(reader(t, NULL, "a dog"), "tiny");
    ck_assert_str_eq(reader(t, NULL, "hund"), "tiny");
    ck_assert_str_eq(reader(t, NULL, "狗"), "tiny");
    ck_assert_str_eq(reader(t, "en", "hund"), "tiny");
    ck_assert_int_eq(ps__towers_choose(&tower, t, "de", "hund", 4, &err), PS__INVALID);
    ck_assert_ptr_nonnull(strstr(err.text, "there are: en"));
    ck_assert_ptr_null(strstr(err.text, "de fr"));
    ck_assert_int_eq(ps__towers_companion(&tower, &refused, t, 0, &err), PS__OK);
    ck_assert_ptr_null(tower);
    ck_assert_ptr_nonnull(strstr(refused, why));
    ck_assert_int_eq(atomic_load(&line_count), 2); /* and that nobody is left to read Chinese */
    ck_assert_ptr_nonnull(strstr(lines[1], "only English is understood"));
    ck_assert_msg(strstr(lines[0], why) && strstr(lines[0], "m-x.safetensors") && strstr(lines[0], "not used"), "%s", lines[0]);
}

START_TEST(a_companion_that_cannot_be_used_is_told_once_and_left_out) {
    packages_write(path_of("m-x.safetensors"), &REFUSED[_i].recipe);
    ps__towers *t = open_towers();
    expect_refused(t, REFUSED[_i].why);
    ps__towers_free(t);
}
END_TEST

START_TEST(a_file_that_is_no_package_is_told_once_and_left_out) {
    FILE *f = fopen(path_of("m-x.safetensors"), "w");
    fputs("not a package at all", f);
    fclose(f);
    ps__towers *t = open_towers();
    expect_refused(t, "not a model package");
    ps__towers_free(t);
}
END_TEST

START_TEST(the_next_companion_takes_the_place_of_a_damaged_one) {
    packages_write(path_of("m-x.safetensors"), &REFUSED[5].recipe);
    packages_write(path_of("m-y.safetensors"), &multi);
    ps__towers *t = open_towers();
    ck_assert_str_eq(reader(t, _i ? "de" : NULL, "hund"), "multi");
    ck_assert_int_eq(atomic_load(&line_count), 1);
    ps__towers_free(t);
}
END_TEST

/* ---- Memory and threads ---- */

static int use_all(ps__error *err) {
    ps__towers *t;
    ps__tower *tower;
    ps__session *s;
    float v[32];
    int status = ps__towers_open(&t, main_path, NULL, NULL, err);
    if (status) return status;
    status = ps__towers_choose(&tower, t, NULL, "ein hund", 8, err);
    if (!status) {
        ck_assert_str_eq(ps__encoder_about(ps__tower_encoder(tower))->name, "multi"); /* no lack of memory counts against it */
        status = ps__tower_take_session(&s, tower, err);
        if (!status) status = ps__encode_text(v, s, "ein hund", 8, err);
        ps__tower_put_session(tower, s);
    }
    if (!status) status = ps__towers_choose(&tower, t, "xx", "x", 1, err) == PS__INVALID ? PS__OK : err->code;
    ps__towers_free(t);
    return status;
}

START_TEST(every_failed_allocation_is_reported) {
    ps__error err = {0};
    int status = PS__NOMEM;
    packages_write(path_of("m-multi.safetensors"), &multi);
    for (long n = 0; status != PS__OK; n++) {
        ck_assert_int_lt(n, 2000);
        ps__alloc_fail_after(n, 0);
        status = use_all(&err);
        ps__alloc_fail_after(-1, 0);
        ck_assert_msg(status == PS__OK || status == PS__NOMEM, "%ld: %d %s", n, status, err.text);
    }
}
END_TEST

static void *choose_and_encode(void *payload) {
    static const char *const texts[] = {"a dog", "hund", "狗", "the cat"};
    ps__towers *t = payload;
    float v[32];
    for (int i = 0; i < 40; i++) {
        ps__tower *tower;
        ps__session *s;
        ps__scorer scorer;
        ps__error err = {0};
        const char *text = texts[i % 4];
        ck_assert_int_eq(ps__towers_choose(&tower, t, NULL, text, strlen(text), &err), PS__OK);
        ck_assert_int_eq(ps__tower_take_session(&s, tower, &err), PS__OK);
        ck_assert_int_eq(ps__encode_text(v, s, text, strlen(text), &err), PS__OK);
        ck_assert_int_eq(ps__towers_scorer(&scorer, t, tower, v, &err), PS__OK);
        ck_assert(scorer.weak == (i % 4 == 1 || i % 4 == 2 ? 0.4 : 0.3));
        ps__tower_put_session(tower, s);
    }
    return NULL;
}

START_TEST(threads_share_the_towers) {
    pthread_t threads[4];
    const package_recipe banked = {
        .keeps_image = 1, .bank = 5, .calibration = "{\"a\":10,\"b\":-2,\"c\":1,\"weak\":0.3,\"good\":0.6}"};
    packages_write(main_path, &banked);
    packages_write(path_of("m-multi.safetensors"), &multi);
    ps__towers *t = open_towers();
    for (int i = 0; i < 4; i++) ck_assert_int_eq(pthread_create(&threads[i], NULL, choose_and_encode, t), 0);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    ps__towers_free(t);
}
END_TEST

Suite *suite_companions(void) {
    Suite *s = suite_create("companions");
    TCase *t = tcase_create("companions");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, the_language_or_the_words_choose_the_tower, 0, sizeof CHOICES / sizeof *CHOICES);
    tcase_add_test(t, an_unknown_language_is_refused_with_those_there_are);
    tcase_add_test(t, a_package_alone_reads_everything);
    tcase_add_test(t, without_a_classifier_only_letters_tell);
    tcase_add_test(t, a_main_package_without_words_leaves_all_to_its_companion);
    tcase_add_test(t, companions_are_the_files_named_after_the_package_in_order);
    tcase_add_test(t, a_relative_path_without_a_folder_has_companions_too);
    tcase_add_test(t, nothing_is_opened_that_is_not_needed);
    tcase_add_test(t, another_language_does_not_need_the_english_tower);
    tcase_add_loop_test(t, a_companion_that_cannot_be_used_is_told_once_and_left_out, 0, sizeof REFUSED / sizeof *REFUSED);
    tcase_add_test(t, a_file_that_is_no_package_is_told_once_and_left_out);
    tcase_add_loop_test(t, the_next_companion_takes_the_place_of_a_damaged_one, 0, 2);
    tcase_add_test(t, every_failed_allocation_is_reported);
    tcase_add_test(t, threads_share_the_towers);
    suite_add_tcase(s, t);
    return s;
}
