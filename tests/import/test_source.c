/*
** The files of a published model: which are found, what they say of preprocessing, and the sentences where they say nothing or too much.
*/
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "encoder/import/licence.h"
#include "encoder/import/source.h"
#include "tests/suites.h"

static char folder[4000];

static void run_in(const char *command) {
    char line[8200];
    snprintf(line, sizeof line, "cd '%s' && %s", folder, command);
    ck_assert_int_eq(system(line), 0);
}

static void make_folder(void) {
    const char *tmp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/photosearch-source-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void remove_folder(void) { run_in("rm -r \"$PWD\""); }

static const char *inside(const char *name) {
    static char path[8200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void put(const char *name, const void *bytes, size_t size) {
    FILE *f = fopen(inside(name), "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(bytes, 1, size, f), size);
    fclose(f);
}

static void put_text(const char *name, const char *text) { put(name, text, strlen(text)); }

/* Weights of one tensor, "x", of two numbers. */
static void put_weights(const char *name) {
    static const char header[] = "{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}";
    char file[8 + sizeof header - 1 + 8] = {0};
    uint64_t length = sizeof header - 1;
    memcpy(file, &length, 8);
    memcpy(file + 8, header, sizeof header - 1);
    put(name, file, sizeof file);
}

#define HF_CLIP                                                                                                                  \
    "{\"do_resize\":true,\"size\":{\"shortest_edge\":224},\"resample\":3,\"do_center_crop\":true,\"crop_size\":{\"height\":224," \
    "\"width\":224},\"do_rescale\":true,\"rescale_factor\":0.00392156862745098,\"do_normalize\":true,"                           \
    "\"image_mean\":[0.48,0.46,0.41],\"image_std\":[0.27,0.26,0.28]}"
#define HF_SIGLIP                                                                                                                \
    "{\"do_resize\":true,\"size\":{\"height\":256,\"width\":256},\"resample\":2,\"do_rescale\":true,\"do_normalize\":true,"      \
    "\"image_mean\":[0.5,0.5,0.5],\"image_std\":[0.5,0.5,0.5],\"do_center_crop\":null}"
#define OPEN_CLIP(preprocess) "{\"model_cfg\":{\"embed_dim\":512},\"preprocess_cfg\":" preprocess "}"
#define OPEN_SHORTEST                                                                                                            \
    "{\"size\":[256,256],\"mode\":\"RGB\",\"mean\":[0,0,0],\"std\":[1,1,1],\"interpolation\":\"bilinear\",\"resize_mode\":"      \
    "\"shortest\"}"
#define OPEN_SQUASH                                                                                                              \
    "{\"size\":224,\"mean\":[0.5,0.5,0.5],\"std\":[0.5,0.5,0.5],\"interpolation\":\"bicubic\",\"resize_mode\":\"squash\"}"

static int opened(ps__source *s, ps__error *err) {
    const ps__source_files files = {.path = folder};
    return ps__source_open(s, &files, err);
}

/* image.config of what lies in the folder, as text with sorted keys. */
static char *preprocessing(ps__error *err) {
    ps__source s;
    json_t *config = json_object();
    char *text = NULL;
    ck_assert_msg(opened(&s, err) == PS__OK, "%s", err->text);
    if (ps__source_preprocess(config, &s, err) == PS__OK)
        text = json_dumps(config, JSON_SORT_KEYS | JSON_COMPACT | JSON_REAL_PRECISION(4));
    json_decref(config);
    ps__source_clear(&s);
    return text;
}

static const struct {
    const char *name, *json; /* a file */
    const char *config;      /* what it says */
} known[] = {
    {"preprocessor_config.json", HF_CLIP,
     "{\"filter\":\"bicubic\",\"fit\":\"crop-floor\",\"mean\":[0.48,0.46,0.41],\"shorter\":224,\"size\":224,\"std\":[0.27,0.26,0."
     "28]}"},
    {"processor_config.json", "{\"image_processor\":" HF_CLIP "}",
     "{\"filter\":\"bicubic\",\"fit\":\"crop-floor\",\"mean\":[0.48,0.46,0.41],\"shorter\":224,\"size\":224,\"std\":[0.27,0.26,0."
     "28]}"},
    {"preprocessor_config.json", HF_SIGLIP,
     "{\"filter\":\"bilinear\",\"fit\":\"squash\",\"mean\":[0.5,0.5,0.5],\"size\":256,\"std\":[0.5,0.5,0.5]}"},
    {"open_clip_config.json", OPEN_CLIP(OPEN_SHORTEST),
     "{\"filter\":\"bilinear\",\"fit\":\"crop\",\"mean\":[0.0,0.0,0.0],\"shorter\":256,\"size\":256,\"std\":[1.0,1.0,1.0]}"},
    {"open_clip_config.json", OPEN_CLIP(OPEN_SQUASH),
     "{\"filter\":\"bicubic\",\"fit\":\"squash\",\"mean\":[0.5,0.5,0.5],\"size\":224,\"std\":[0.5,0.5,0.5]}"},
};

START_TEST(preprocessing_comes_from_the_files) {
    ps__error err = {0};
    put_weights("model.safetensors");
    put_text(known[_i].name, known[_i].json);
    char *text = preprocessing(&err);
    ck_assert_msg(text != NULL, "%s", err.text);
    ck_assert_str_eq(text, known[_i].config);
    free(text);
}
END_TEST

static const struct {
    const char *name, *json;
    const char *complaint; /* a part of the sentence */
} unknown[] = {
    {"other.json", "{}", "nothing beside it says how photos are resized"},
    {"preprocessor_config.json", "{}", "size"},
    {"preprocessor_config.json", "{\"size\":224,\"resample\":1,\"image_mean\":0.5,\"image_std\":0.5}", "resample"},
    {"preprocessor_config.json", "{\"size\":224,\"resample\":3,\"image_std\":0.5}", "image_mean"},
    {"preprocessor_config.json", "{\"size\":224,\"resample\":3,\"image_mean\":0.5,\"image_std\":[1,2]}", "image_std"},
    {"preprocessor_config.json", "{\"size\":224,\"resample\":3,\"image_mean\":0.5,\"image_std\":[1,0,1]}", "image_std"},
    {"preprocessor_config.json", "{\"size\":224,\"resample\":3,\"image_mean\":0.5,\"image_std\":1,\"rescale_factor\":1}",
     "rescale_factor"},
    {"preprocessor_config.json", "{\"size\":{\"shortest_edge\":224},\"resample\":3}", "no square"},
    {"preprocessor_config.json", "{\"size\":{\"height\":224,\"width\":200},\"resample\":3}", "square"},
    {"preprocessor_config.json", "{\"do_resize\":false,\"size\":224}", "do_resize"},
    {"preprocessor_config.json", "{\"size\":{\"shortest_edge\":100},\"crop_size\":224}", "smaller than crop_size"},
    {"open_clip_config.json", OPEN_CLIP("{\"size\":224,\"interpolation\":\"nearest\",\"mean\":[0,0,0],\"std\":[1,1,1]}"),
     "interpolation"},
    {"open_clip_config.json", OPEN_CLIP("{\"size\":224,\"interpolation\":\"bicubic\",\"resize_mode\":\"longest\"}"),
     "resize_mode"},
    {"open_clip_config.json", OPEN_CLIP("{\"size\":224,\"interpolation\":\"bicubic\",\"mean\":[0,0,0]}"), "std"},
    {"open_clip_config.json", OPEN_CLIP("{\"interpolation\":\"bicubic\"}"), "preprocess_cfg.size"},
    {"open_clip_config.json", OPEN_CLIP("{\"size\":224,\"mode\":\"L\"}"), "preprocess_cfg.mode"},
};

START_TEST(what_is_missing_or_unknown_is_named) {
    ps__error err = {0};
    put_weights("model.safetensors");
    put_text(unknown[_i].name, unknown[_i].json);
    ck_assert_ptr_null(preprocessing(&err));
    ck_assert_int_eq(err.code, PS__MODEL);
    ck_assert_msg(strstr(err.text, unknown[_i].complaint) != NULL, "%s", err.text);
}
END_TEST

START_TEST(weights_are_found_in_the_folder) {
    ps__source s;
    ps__error err = {0};
    ck_assert_int_eq(opened(&s, &err), PS__NOTFOUND);
    ck_assert_ptr_nonnull(strstr(err.text, "holds no weights"));
    ps__source_clear(&s);
    put_weights("one.safetensors");
    ck_assert_msg(opened(&s, &err) == PS__OK, "%s", err.text);
    ck_assert_str_eq(ps__checkpoint_path(s.checkpoint), inside("one.safetensors"));
    ps__source_clear(&s);
    put_weights("two.safetensors");
    ck_assert_int_eq(opened(&s, &err), PS__MODEL); /* which of them? */
    ck_assert_ptr_nonnull(strstr(err.text, "one.safetensors"));
    ck_assert_ptr_nonnull(strstr(err.text, "two.safetensors"));
    ps__source_clear(&s);
    put_weights("open_clip_model.safetensors"); /* the usual name decides */
    ck_assert_msg(opened(&s, &err) == PS__OK, "%s", err.text);
    ck_assert_str_eq(ps__checkpoint_path(s.checkpoint), inside("open_clip_model.safetensors"));
    ps__source_clear(&s);
}
END_TEST

START_TEST(a_file_is_taken_with_what_lies_beside_it) {
    ps__source s;
    ps__error err = {0};
    char path[8200];
    put_weights("two.safetensors");
    put_weights("model.safetensors");
    put_text("config.json", "{\"model_type\":\"clip\"}");
    put_text("preprocessor_config.json", HF_CLIP);
    snprintf(path, sizeof path, "%s", inside("two.safetensors"));
    const ps__source_files files = {.path = path};
    ck_assert_msg(ps__source_open(&s, &files, &err) == PS__OK, "%s", err.text);
    ck_assert_str_eq(ps__checkpoint_path(s.checkpoint), path);
    ck_assert_str_eq(json_string_value(json_object_get(s.hf, "model_type")), "clip");
    ck_assert_ptr_nonnull(s.preprocessor);
    ck_assert_ptr_null(s.open_clip);
    ps__source_clear(&s);
}
END_TEST

START_TEST(named_files_come_before_those_beside) {
    ps__source s;
    ps__error err = {0};
    char path[8200], config[8200];
    put_weights("model.safetensors");
    put_text("open_clip_config.json", OPEN_CLIP(OPEN_SQUASH));
    put_text("mine.json", "{\"embed_dim\":256,\"vision_cfg\":{},\"text_cfg\":{}}"); /* as open_clip's model_configs are */
    snprintf(path, sizeof path, "%s", folder);
    snprintf(config, sizeof config, "%s", inside("mine.json"));
    const ps__source_files files = {.path = path, .config = config};
    ck_assert_msg(ps__source_open(&s, &files, &err) == PS__OK, "%s", err.text);
    ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(s.open_clip, "model_cfg"), "embed_dim")), 256);
    ck_assert_str_eq(s.open_clip_path, config);
    ps__source_clear(&s);
}
END_TEST

/* Also where it has another form than what open_clip's configuration holds. */
START_TEST(named_preprocessing_goes_first) {
    ps__source s;
    ps__error err = {0};
    char path[8200], named[8200];
    json_t *config = json_object();
    put_weights("model.safetensors");
    put_text("open_clip_config.json", OPEN_CLIP(OPEN_SQUASH));
    put_text("mine.json", "{\"size\":96,\"resample\":2,\"image_mean\":0.25,\"image_std\":0.75}");
    snprintf(path, sizeof path, "%s", folder);
    snprintf(named, sizeof named, "%s", inside("mine.json"));
    const ps__source_files files = {.path = path, .preprocess = named};
    ck_assert_msg(ps__source_open(&s, &files, &err) == PS__OK, "%s", err.text);
    ck_assert_msg(ps__source_preprocess(config, &s, &err) == PS__OK, "%s", err.text);
    ck_assert_int_eq(json_integer_value(json_object_get(config, "size")), 96);
    ck_assert_str_eq(json_string_value(json_object_get(config, "filter")), "bilinear");
    json_decref(config);
    ps__source_clear(&s);
}
END_TEST

START_TEST(a_configuration_that_is_no_json_is_told) {
    ps__source s;
    ps__error err = {0};
    put_weights("model.safetensors");
    put_text("config.json", "{\"model_type\":");
    ck_assert_int_eq(opened(&s, &err), PS__MODEL);
    ck_assert_ptr_nonnull(strstr(err.text, "config.json"));
    ps__source_clear(&s);
    put_text("config.json", "[1]");
    ck_assert_int_eq(opened(&s, &err), PS__MODEL);
    ps__source_clear(&s);
}
END_TEST

/* ---- Licences ---- */

#define TEN "éééééééééé"

static const struct {
    const char *card, *text, *given; /* README.md, LICENSE; NULL: none */
    const char *name;                /* what is kept */
    int has_text;                    /* 2: not as it stands there, as it is no UTF-8 */
} licences[] = {
    {NULL, NULL, NULL, "not stated", 0},
    {"---\ntags: [x]\nlicense: apache-2.0\n---\n# Model\nlicense: mit\n", NULL, NULL, "apache-2.0", 0},
    {"---\nlicense: other\nlicense_name: \"research-only\"\n---\n", NULL, NULL, "research-only", 0},
    {"# No header\nlicense: mit\n", "\n# Our Licence\nfull words\n", NULL, "Our Licence", 1},
    {NULL, "Our Licence\nfull words\n", "by hand", "by hand", 1},
    {NULL, "Licence of Caf\xe9\nwords\n", NULL, "Licence of Caf\uFFFD", 2}, /* Latin-1 */
    {NULL, "x" TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "\n", NULL, "x" TEN TEN TEN TEN TEN TEN TEN TEN TEN "éééééééé", 1},
    {NULL, NULL, "b\xff", "b\uFFFD", 0},
};

START_TEST(licences_travel_along) {
    ps__source s;
    ps__error err = {0};
    char *name = NULL;
    ps__draft *draft = ps__draft_new();
    put_weights("model.safetensors");
    if (licences[_i].card) put_text("README.md", licences[_i].card);
    if (licences[_i].text) put_text("LICENSE", licences[_i].text);
    ck_assert_int_eq(opened(&s, &err), PS__OK);
    ck_assert_int_eq(ps__licence_read(&name, draft, &s, licences[_i].given, &err), PS__OK);
    ck_assert_str_eq(name, licences[_i].name);
    ck_assert_str_eq(ps__draft_get(draft, "licence"), licences[_i].name);
    const char *text = ps__draft_get(draft, "licence.text");
    ck_assert_int_eq(text != NULL, licences[_i].has_text > 0);
    if (text) ck_assert_int_eq(strcmp(text, licences[_i].text) == 0, licences[_i].has_text == 1);
    ps__free(name);
    ps__draft_free(draft);
    ps__source_clear(&s);
}
END_TEST

#define COUNT(list) ((int)(sizeof(list) / sizeof *(list)))

Suite *suite_source(void) {
    Suite *s = suite_create("source");
    TCase *t = tcase_create("files");
    tcase_add_checked_fixture(t, make_folder, remove_folder);
    tcase_add_loop_test(t, preprocessing_comes_from_the_files, 0, COUNT(known));
    tcase_add_loop_test(t, what_is_missing_or_unknown_is_named, 0, COUNT(unknown));
    tcase_add_test(t, weights_are_found_in_the_folder);
    tcase_add_test(t, a_file_is_taken_with_what_lies_beside_it);
    tcase_add_test(t, named_files_come_before_those_beside);
    tcase_add_test(t, named_preprocessing_goes_first);
    tcase_add_test(t, a_configuration_that_is_no_json_is_told);
    tcase_add_loop_test(t, licences_travel_along, 0, COUNT(licences));
    suite_add_tcase(s, t);
    return s;
}
