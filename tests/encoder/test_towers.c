/*
** The towers against PyTorch, layer by layer (train/make_golden.py made the numbers). INT8 convolutions must give the exact bytes of
** the format's arithmetic; the float path must match the float model over the same weights to rounding; embeddings end to end, on
** every instruction set. The tiny package exercises every operation; the shipped one is checked on a real photo and real sentences.
*/
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "encoder/encoder.h"
#include "encoder/kernels/kernels.h"
#include "encoder/package/package.h"
#include "encoder/plan/plan.h"
#include "tests/suites.h"

#define TINY "tests/data/golden/tiny.safetensors"
#define TINY_GOLDEN "tests/data/golden/tiny.golden.safetensors"
#define MANY "tests/data/golden/many.safetensors" /* text only, unigram, INT4 words */
#define MANY_GOLDEN "tests/data/golden/many.golden.safetensors"
#define SHIPPED "models/photosearch.safetensors"
#define SHIPPED_GOLDEN "tests/data/golden/shipped.golden.safetensors"

static ps__package *golden;

static const ps__tensor *need(const char *name) {
    const ps__tensor *t = ps__package_find(golden, name);
    ck_assert_msg(t != NULL, "the golden file has no %s", name);
    return t;
}

static void open_golden(const char *path) {
    ps__error err = {0};
    ck_assert_msg(ps__package_open(&golden, path, &err) == PS__OK, "%s", err.text);
}

static void close_golden(void) {
    ps__package_free(golden);
    golden = NULL;
}

static ps__encoder *open_encoder(const char *path, int precision, const char *isa) {
    ps__encoder *e;
    ps__error err = {0};
    ps__encoder_options options = {precision, isa};
    ck_assert_msg(ps__encoder_open(&e, path, &options, &err) == PS__OK, "%s", err.text);
    return e;
}

static const ps__plan *plan_of(ps__encoder *e, int is_text) {
    const ps__plan *plan;
    ps__error err = {0};
    ck_assert_msg(ps__encoder_plan(&plan, e, is_text, &err) == PS__OK, "%s", err.text);
    return plan;
}

static double cosine(const float *a, const float *b, int n) {
    double ab = 0, aa = 0, bb = 0;
    for (int i = 0; i < n; i++) {
        ab += (double)a[i] * (double)b[i];
        aa += (double)a[i] * (double)a[i];
        bb += (double)b[i] * (double)b[i];
    }
    return ab / sqrt(aa * bb);
}

static void run(float *out, ps__encoder *e, int is_text, const void *input, int rows, ps__tap_fn *tap, void *payload) {
    ps__workspace *space;
    ps__error err = {0};
    ck_assert_int_eq(ps__workspace_new(&space, plan_of(e, is_text), &err), PS__OK);
    ps__plan_run(out, plan_of(e, is_text), space, input, rows, tap, payload);
    ps__workspace_free(space);
}

/* INT8 layers: the same bytes. payload counts the layers seen. */
static void same_bytes(const char *name, const uint8_t *u8, float scale, int zero, const float *f32, size_t rows, size_t features,
                       void *payload) {
    (void)scale, (void)zero, (void)f32;
    if (!u8) return;
    const ps__tensor *t = need(name);
    ck_assert_int_eq(t->count, (int64_t)(rows * features));
    const uint8_t *expected = t->data;
    for (size_t i = 0; i < rows * features; i++)
        ck_assert_msg(u8[i] == expected[i], "%s: entry %zu is %d, not %d", name, i, u8[i], expected[i]);
    ++*(int *)payload;
}

START_TEST(int8_layers_of_the_image_tower_are_exact) {
    const ps__kernels *k;
    float v[32];
    for (int i = 0; (k = ps__kernels_at(i)) != NULL; i++) {
        int layers = 0;
        ps__encoder *e = open_encoder(TINY, PS__PRECISION_INT8, k->name);
        run(v, e, 0, need("input")->data, 1, same_bytes, &layers);
        ck_assert_int_eq(layers, 13);
        ck_assert_double_ge(cosine(v, need("image.embedding")->data, 32), 0.99999);
        ps__encoder_free(e);
    }
}
END_TEST

typedef struct float_check { /* what close_floats compares with */
    const char *prefix;      /* of the golden tensor's name */
    double tolerance;        /* of an entry, beside 1 */
    int layers;              /* compared */
} float_check;

static void close_floats(const char *name, const uint8_t *u8, float scale, int zero, const float *f32, size_t rows,
                         size_t features, void *payload) {
    float_check *c = payload;
    char full[96];
    (void)u8, (void)scale, (void)zero;
    snprintf(full, sizeof full, "%s%s", c->prefix, name);
    const ps__tensor *t = ps__package_find(golden, full);
    if (!t) return; /* some operations are halves of what PyTorch calls a layer */
    ck_assert_int_eq(t->count, (int64_t)(rows * features));
    const float *expected = t->data;
    for (size_t i = 0; i < rows * features; i++) {
        double off = fabs((double)f32[i] - (double)expected[i]);
        ck_assert_msg(off <= c->tolerance * (1 + fabs((double)expected[i])), "%s: entry %zu is %.7g, not %.7g", name, i,
                      (double)f32[i], (double)expected[i]);
    }
    c->layers++;
}

START_TEST(float_layers_of_the_image_tower_match_pytorch) {
    float v[32];
    float_check c = {"float.", 2e-5, 0};
    ps__encoder *e = open_encoder(TINY, PS__PRECISION_FLOAT, NULL);
    run(v, e, 0, need("input")->data, 1, close_floats, &c);
    ck_assert_int_ge(c.layers, 13);
    ck_assert_double_ge(cosine(v, need("float.image.embedding")->data, 32), 0.999999);
    ps__encoder_free(e);
}
END_TEST

static const ps__tensor *text_tensor(int sentence, const char *what) {
    char name[64];
    snprintf(name, sizeof name, "text%d.%s", sentence, what);
    return need(name);
}

static void check_float_layers(const char *package, int sentence) {
    char prefix[32];
    float v[32];
    int32_t ids[16];
    int count;
    ps__error err = {0};
    snprintf(prefix, sizeof prefix, "text%d.float.", sentence);
    float_check c = {prefix, 3e-5, 0};
    const ps__tensor *utf8 = text_tensor(sentence, "utf8"), *expected = text_tensor(sentence, "ids");
    ps__encoder *e = open_encoder(package, PS__PRECISION_FLOAT, NULL);
    ck_assert_int_eq(ps__encoder_tokens(ids, &count, e, utf8->data, (size_t)utf8->count, &err), PS__OK);
    ck_assert_int_eq(count, expected->count);
    ck_assert_mem_eq(ids, expected->data, (size_t)count * 4);
    run(v, e, 1, ids, count, close_floats, &c);
    ck_assert_int_ge(c.layers, 3);
    ck_assert_double_ge(cosine(v, text_tensor(sentence, "float.embedding")->data, 32), 0.99999);
    ps__encoder_free(e);
}

static void check_int8_embedding(const char *package, int sentence) {
    const ps__kernels *k;
    float first[32], v[32];
    const ps__tensor *ids = text_tensor(sentence, "ids");
    for (int i = 0; (k = ps__kernels_at(i)) != NULL; i++) {
        ps__encoder *e = open_encoder(package, PS__PRECISION_INT8, k->name);
        run(v, e, 1, ids->data, (int)ids->count, NULL, NULL);
        ck_assert_double_ge(cosine(v, text_tensor(sentence, "embedding")->data, 32), 0.9999);
        if (i == 0) memcpy(first, v, sizeof v);
        ck_assert_msg(memcmp(first, v, sizeof v) == 0, "%s gives other bits than the reference", k->name);
        ps__encoder_free(e);
    }
}

START_TEST(float_layers_of_the_text_tower_match_pytorch) { check_float_layers(TINY, _i); }
END_TEST

START_TEST(int8_text_embeddings_match_the_simulation_on_every_instruction_set) { check_int8_embedding(TINY, _i); }
END_TEST

START_TEST(float_layers_over_int4_words_match_pytorch) { check_float_layers(MANY, _i); }
END_TEST

START_TEST(embeddings_over_int4_words_match_the_simulation_on_every_instruction_set) { check_int8_embedding(MANY, _i); }
END_TEST

/* --- the shipped model ------------------------------------------------------------------------------------------------------ */

typedef struct mean_check { /* compares means over rows with the golden ones */
    const char *prefix;
    double worst; /* least cosine seen */
    int layers;
} mean_check;

static void close_means(const char *name, const uint8_t *u8, float scale, int zero, const float *f32, size_t rows,
                        size_t features, void *payload) {
    mean_check *c = payload;
    char full[96];
    snprintf(full, sizeof full, "%s%s", c->prefix, name);
    const ps__tensor *t = ps__package_find(golden, full);
    if (!t) return;
    ck_assert_int_eq(t->count, (int64_t)features);
    float *mean = calloc(features, sizeof *mean);
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < features; i++) {
            size_t at = r * features + i;
            mean[i] += (u8 ? scale * (float)(u8[at] - zero) : f32[at]) / (float)rows;
        }
    double same = cosine(mean, t->data, (int)features);
    if (same < c->worst) c->worst = same;
    c->layers++;
    free(mean);
}

static const struct {
    int precision;
    const char *prefix;           /* of the golden tensors: float activations, or the INT8 arithmetic simulated */
    int image_layers, text_layers; /* golden ones there are at least */
    double least;                 /* cosine with them, layers and embedding, of the photo */
    double least_sentence;        /* the same for sentences: where the INT8 rounding of one entry falls the other way, by a last bit of a
                                     float sum, all that follows differs a little, as much as INT8 itself costs (0.998) */
    double least_tuned;        /* cosine of the embedding with that of the net as it was tuned, by PyTorch in float32 */
} shipped_runs[] = {
    {PS__PRECISION_FLOAT, "float.", 24, 7, 0.99999, 0.99999, 0.99},
    {PS__PRECISION_INT8, "", 24, 0, 0.9999, 0.997, 0.98},
};

START_TEST(shipped_image_tower_matches_pytorch_on_a_photo) {
    mean_check c = {shipped_runs[_i].prefix, 1, 0};
    char name[64];
    ps__encoder *e = open_encoder(SHIPPED, shipped_runs[_i].precision, NULL);
    int dim = ps__encoder_about(e)->dim;
    float *v = calloc((size_t)dim, sizeof *v);
    run(v, e, 0, need("input")->data, 1, close_means, &c);
    ck_assert_int_ge(c.layers, shipped_runs[_i].image_layers);
    ck_assert_double_ge(c.worst, shipped_runs[_i].least);
    snprintf(name, sizeof name, "%simage.embedding", c.prefix);
    ck_assert_double_ge(cosine(v, need(name)->data, dim), shipped_runs[_i].least);
    snprintf(name, sizeof name, "tuned.%simage.embedding", c.prefix);
    ck_assert_double_ge(cosine(v, need(name)->data, dim), shipped_runs[_i].least_tuned);
    free(v);
    ps__encoder_free(e);
}
END_TEST

static void check_sentence(ps__encoder *e, int run_index, int sentence, float *v) {
    char prefix[48], name[96];
    int32_t ids[1024];
    int count, dim = ps__encoder_about(e)->dim;
    ps__error err = {0};
    snprintf(prefix, sizeof prefix, "text%d.%s", sentence, shipped_runs[run_index].prefix);
    mean_check c = {prefix, 1, 0};
    const ps__tensor *utf8 = text_tensor(sentence, "utf8"), *expected = text_tensor(sentence, "ids");
    ck_assert_int_eq(ps__encoder_tokens(ids, &count, e, utf8->data, (size_t)utf8->count, &err), PS__OK);
    ck_assert_int_eq(count, expected->count);
    ck_assert_mem_eq(ids, expected->data, (size_t)count * 4);
    run(v, e, 1, ids, count, close_means, &c);
    ck_assert_int_ge(c.layers, shipped_runs[run_index].text_layers);
    ck_assert_double_ge(c.worst, shipped_runs[run_index].least_sentence);
    snprintf(name, sizeof name, "%sembedding", prefix);
    ck_assert_double_ge(cosine(v, need(name)->data, dim), shipped_runs[run_index].least_sentence);
    ck_assert_double_ge(cosine(v, text_tensor(sentence, "tuned.embedding")->data, dim), shipped_runs[run_index].least_tuned);
}

START_TEST(shipped_text_tower_matches_pytorch_on_sentences) {
    ps__encoder *e = open_encoder(SHIPPED, shipped_runs[_i].precision, NULL);
    float *v = calloc((size_t)ps__encoder_about(e)->dim, sizeof *v);
    for (int s = 0; s < 6; s++) check_sentence(e, _i, s, v);
    free(v);
    ps__encoder_free(e);
}
END_TEST

START_TEST(shipped_embeddings_have_the_same_bits_on_every_instruction_set) {
    const ps__kernels *k;
    float *first = NULL, *v = NULL;
    for (int i = 0; (k = ps__kernels_at(i)) != NULL; i++) {
        ps__encoder *e = open_encoder(SHIPPED, PS__PRECISION_INT8, k->name);
        ps__session *s;
        ps__error err = {0};
        int dim = ps__encoder_about(e)->dim;
        if (!v) first = calloc((size_t)dim, 8), v = calloc((size_t)dim, 8);
        ck_assert_int_eq(ps__session_new(&s, e, &err), PS__OK);
        ck_assert_int_eq(ps__encode_image(v, s, need("input")->data, &err), PS__OK);
        ck_assert_int_eq(ps__encode_text(v + dim, s, "two dogs running in the snow", 28, &err), PS__OK);
        if (i == 0) memcpy(first, v, (size_t)dim * 8);
        ck_assert_msg(memcmp(first, v, (size_t)dim * 8) == 0, "%s gives other bits than the reference", k->name);
        ps__session_free(s);
        ps__encoder_free(e);
    }
    free(first);
    free(v);
}
END_TEST

/* Bytes of all sorts, a word of a megabyte, half a million words. */
START_TEST(text_of_any_bytes_is_encoded_and_blank_text_is_refused) {
    ps__session *s;
    ps__error err = {0};
    float v[32];
    char *long_text = malloc(1 << 20);
    ps__encoder *e = open_encoder(_i ? MANY : TINY, PS__PRECISION_INT8, NULL);
    ck_assert_int_eq(ps__session_new(&s, e, &err), PS__OK);
    ck_assert_int_eq(ps__encode_text(v, s, "", 0, &err), PS__INVALID);
    ck_assert_int_eq(ps__encode_text(v, s, " \t\n", 3, &err), PS__INVALID);
    ck_assert_int_eq(ps__encode_text(v, s, "dog \xFF\xFE\x80 \0 dog", 13, &err), PS__OK);
    memset(long_text, 'a', 1 << 20);
    ck_assert_int_eq(ps__encode_text(v, s, long_text, 1 << 20, &err), PS__OK);
    for (int i = 0; i < 1 << 20; i += 2) long_text[i] = ' ';
    ck_assert_int_eq(ps__encode_text(v, s, long_text, 1 << 20, &err), PS__OK);
    ps__session_free(s);
    ps__encoder_free(e);
    free(long_text);
}
END_TEST

static void open_tiny(void) { open_golden(TINY_GOLDEN); }
static void open_many(void) { open_golden(MANY_GOLDEN); }
static void open_shipped(void) { open_golden(SHIPPED_GOLDEN); }

Suite *suite_towers(void) {
    Suite *s = suite_create("towers");
    TCase *t = tcase_create("tiny");
    tcase_add_checked_fixture(t, open_tiny, close_golden);
    tcase_add_test(t, int8_layers_of_the_image_tower_are_exact);
    tcase_add_test(t, float_layers_of_the_image_tower_match_pytorch);
    tcase_add_loop_test(t, float_layers_of_the_text_tower_match_pytorch, 0, 7);
    tcase_add_loop_test(t, int8_text_embeddings_match_the_simulation_on_every_instruction_set, 0, 7);
    tcase_add_loop_test(t, text_of_any_bytes_is_encoded_and_blank_text_is_refused, 0, 2);
    suite_add_tcase(s, t);
    t = tcase_create("many");
    tcase_add_checked_fixture(t, open_many, close_golden);
    tcase_add_loop_test(t, float_layers_over_int4_words_match_pytorch, 0, 6);
    tcase_add_loop_test(t, embeddings_over_int4_words_match_the_simulation_on_every_instruction_set, 0, 6);
    suite_add_tcase(s, t);
    t = tcase_create("shipped");
    tcase_add_checked_fixture(t, open_shipped, close_golden);
    tcase_set_timeout(t, 300); /* the float path under sanitizers */
    tcase_add_loop_test(t, shipped_image_tower_matches_pytorch_on_a_photo, 0, 2);
    tcase_add_loop_test(t, shipped_text_tower_matches_pytorch_on_sentences, 0, 2);
    tcase_add_test(t, shipped_embeddings_have_the_same_bits_on_every_instruction_set);
    suite_add_tcase(s, t);
    return s;
}
