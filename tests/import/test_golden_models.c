/*
** Published models against their reference implementations: small models of random weights in every form that is read (train/verify/
** make_small.py made them with open_clip, timm and transformers), imported, and their embeddings of photos and sentences compared, in
** float32 and in INT8. What the tokenizer gives is compared id by id, so that a fault there is told from one in a tower.
*/
#include <check.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/os.h"
#include "encoder/encoder.h"
#include "encoder/import/importer.h"
#include "encoder/pixels/pixels.h"
#include "tests/suites.h"

#define FOLDER "tests/data/import/"
#define MAX_IDS 128

typedef struct golden { /* a model; file names within its folder */
    const char *name;
    const char *weights; /* NULL: the folder is named, and its files are found */
    int has_config;      /* model_config.json is named; else the tensors say it all */
    double int8;         /* cosines are at least this with every layer in INT8: 32 and 64 channels have little to average over */
} golden;

static const golden models[] = {
    {"openclip-clip", NULL, 0, 0.99},
    {"openclip-quickgelu-bin", NULL, 0, 0.99},
    {"openai-jit", "model.pt", 1, 0.99},
    {"hf-clip", NULL, 0, 0.99},
    {"hf-tinyclip-bin", NULL, 0, 0.96},
    {"hf-siglip", NULL, 0, 0.99},
    {"hf-siglip2", NULL, 0, 0.985},
    {"openclip-siglip", NULL, 0, 0.99},
    {"openclip-siglip2", NULL, 0, 0.99},
    {"chinese-clip", NULL, 0, 0.99},
    {"cn-clip", "cn-clip.pt", 0, 0.99},
    {"openclip-mobileclip2-s0", NULL, 0, 0.99},
    {"openclip-mobileclip2-s3", NULL, 0, 0.99},
    {"openclip-mobileclip-s1-fused", NULL, 0, 0.99},
    {"openclip-mobileclip-b", NULL, 0, 0.99},
    {"apple-mobileclip-s0", "apple-mobileclip-s0.pt", 1, 0.99},
};

typedef struct trial { /* one model, imported */
    const golden *model;
    char package[512];
    ps__encoder *encoder;
    ps__session *session;
    const ps__encoder_info *about;
    double least; /* cosine that is asked for */
} trial;

/* ---- Importing ---- */

/* The folder, or a bare file and whatever of the rest its folder holds. */
static void import(const golden *model, const char *package, int precision, int is_prepared) {
    static const char *const photos[] = {FOLDER "photos/wide.png", FOLDER "photos/tall.png", FOLDER "photos/tiny.png"};
    char weights[128], config[128], preprocess[128], tokenizer[128], scratch[600];
    ps__error err = {0};
    snprintf(weights, sizeof weights, FOLDER "%s%s%s", model->name, model->weights ? "/" : "", model->weights ? model->weights : "");
    snprintf(config, sizeof config, FOLDER "%s/model_config.json", model->name);
    snprintf(preprocess, sizeof preprocess, FOLDER "%s/preprocess.json", model->name);
    snprintf(tokenizer, sizeof tokenizer, FOLDER "%s/bpe_simple_vocab_16e6.txt.gz", model->name);
    snprintf(scratch, sizeof scratch, "%s.scratch", package);
    ps__source_files files = {.path = weights};
    if (model->weights) files.preprocess = preprocess;
    if (model->has_config) files.config = config, files.tokenizer = tokenizer;
    ps__importer *importer;
    ck_assert_msg(ps__importer_open(&importer, &files, model->name, NULL, &err) == PS__OK, "%s", err.text);
    int status = is_prepared ? ps__importer_prepare(importer, scratch, photos, 3, NULL, NULL, &err) : PS__OK;
    if (status == PS__OK) status = ps__importer_write(importer, package, precision, NULL, NULL, &err);
    ck_assert_msg(status == PS__OK, "%s: %s", model->name, err.text);
    ps__importer_free(importer);
}

static void open_trial(trial *t, const golden *model, int precision, int is_prepared) {
    ps__error err = {0};
    ps__encoder_options options = {precision, NULL};
    *t = (trial){.model = model, .least = precision == PS__PRECISION_FLOAT ? 0.9999 : is_prepared ? 0.99 : model->int8};
    snprintf(t->package, sizeof t->package, "%s/golden-%ld.safetensors", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp", (long)getpid());
    import(model, t->package, precision, is_prepared);
    ck_assert_msg(ps__encoder_open(&t->encoder, t->package, &options, &err) == PS__OK, "%s", err.text);
    ck_assert_msg(ps__session_new(&t->session, t->encoder, &err) == PS__OK, "%s", err.text);
    t->about = ps__encoder_about(t->encoder);
}

static void close_trial(trial *t) {
    ps__session_free(t->session);
    ps__encoder_free(t->encoder);
    unlink(t->package);
}

/* ---- Comparing ---- */

static void compare(const trial *t, const float *got, const json_t *line, const char *what) {
    const json_t *wanted = json_object_get(line, "embedding");
    double ab = 0, aa = 0, bb = 0;
    ck_assert_int_eq((int)json_array_size(wanted), t->about->dim);
    for (size_t i = 0; i < json_array_size(wanted); i++) {
        double a = (double)got[i], b = json_number_value(json_array_get(wanted, i));
        ab += a * b;
        aa += a * a;
        bb += b * b;
    }
    double cosine = ab / sqrt(aa * bb);
    ck_assert_msg(cosine >= t->least, "%s, %s: the cosine with the reference is %.6f, below %.4f", t->model->name, what, cosine, t->least);
}

static void check_photo(trial *t, const json_t *line, const char *name, float *embedding) {
    char path[128];
    uint8_t *bytes;
    size_t size;
    ps__pixels pixels;
    ps__error err = {0};
    const ps__encoder_info *a = t->about;
    ps__pixels_options options = {
        .width = a->image_size, .height = a->image_size, .fit = a->fit, .filter = a->filter, .shorter = a->shorter};
    snprintf(path, sizeof path, FOLDER "photos/%s", name);
    ck_assert_msg(ps__read_file(&bytes, &size, NULL, path, PS__MAX_FILE_BYTES, &err) == PS__OK, "%s", err.text);
    ck_assert_msg(ps__pixels_decode(&pixels, bytes, size, path, &options, &err) == PS__OK, "%s", err.text);
    ck_assert_msg(ps__encode_image(embedding, t->session, pixels.rgb, &err) == PS__OK, "%s", err.text);
    compare(t, embedding, line, name);
    ps__pixels_clear(&pixels);
    ps__free(bytes);
}

/* What the reference's tower is fed, filled up to its full length with one id; ours may be shorter where that does not count. */
static void check_ids(trial *t, const json_t *line, const char *text) {
    int32_t ids[MAX_IDS];
    int count;
    ps__error err = {0};
    const json_t *wanted = json_object_get(line, "ids");
    size_t length = json_array_size(wanted);
    ck_assert_int_le(t->about->max_tokens, MAX_IDS);
    ck_assert_msg(ps__encoder_tokens(ids, &count, t->encoder, text, strlen(text), &err) == PS__OK, "%s", err.text);
    ck_assert_msg((size_t)count <= length, "%s, \"%s\": %d ids, not %zu", t->model->name, text, count, length);
    for (size_t i = 0; i < length; i++) {
        json_int_t id = json_integer_value(json_array_get(wanted, i));
        if (i < (size_t)count)
            ck_assert_msg(id == ids[i], "%s, \"%s\": id %zu is %d, not %d", t->model->name, text, i, (int)ids[i], (int)id);
        else
            ck_assert_msg(id == json_integer_value(json_array_get(wanted, length - 1)), "%s, \"%s\": %d ids are too few", t->model->name,
                          text, count);
    }
}

static void check_text(trial *t, const json_t *line, const char *text, float *embedding) {
    ps__error err = {0};
    check_ids(t, line, text);
    ck_assert_msg(ps__encode_text(embedding, t->session, text, strlen(text), &err) == PS__OK, "%s", err.text);
    compare(t, embedding, line, text);
}

static void check_lines(trial *t) {
    char path[128], *line = NULL;
    size_t room = 0;
    int photos = 0, texts = 0;
    float *embedding = calloc((size_t)t->about->dim, sizeof *embedding);
    snprintf(path, sizeof path, FOLDER "%s/expected.jsonl", t->model->name);
    FILE *f = fopen(path, "r");
    ck_assert_msg(f && embedding, "%s", path);
    while (getline(&line, &room, f) > 0) {
        json_t *json = json_loads(line, 0, NULL);
        const char *photo = json_string_value(json_object_get(json, "photo")), *text = json_string_value(json_object_get(json, "text"));
        ck_assert(photo || text);
        if (photo) check_photo(t, json, photo, embedding), photos++;
        if (text) check_text(t, json, text, embedding), texts++;
        json_decref(json);
    }
    ck_assert_int_eq(photos, 3);
    ck_assert_int_eq(texts, 9);
    free(line);
    free(embedding);
    fclose(f);
}

static void run(const golden *model, int precision, int is_prepared) {
    trial t;
    open_trial(&t, model, precision, is_prepared);
    check_lines(&t);
    close_trial(&t);
}

START_TEST(golden_models__float_is_the_reference) {
    run(&models[_i], PS__PRECISION_FLOAT, 0);
}
END_TEST

START_TEST(golden_models__int8_is_near_the_reference) {
    run(&models[_i], PS__PRECISION_INT8, 1);
}
END_TEST

/* What preparing keeps in float32 is much of so small a model: here every layer is INT8, with its outliers where they are. */
START_TEST(golden_models__int8_unprepared_is_not_far_from_the_reference) {
    run(&models[_i], PS__PRECISION_INT8, 0);
}
END_TEST

Suite *suite_golden_models(void) {
    Suite *s = suite_create("golden_models");
    TCase *tc = tcase_create("golden_models");
    int count = (int)(sizeof models / sizeof *models);
    tcase_add_loop_test(tc, golden_models__float_is_the_reference, 0, count);
    tcase_add_loop_test(tc, golden_models__int8_is_near_the_reference, 0, count);
    tcase_add_loop_test(tc, golden_models__int8_unprepared_is_not_far_from_the_reference, 0, count);
    suite_add_tcase(s, tc);
    return s;
}
