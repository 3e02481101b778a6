/*
** MobileCLIP's families, fastvit and mct: small packages of made-up weights are laid out and run alike in both precisions, and
** configurations and tensors that do not fit together are refused by name. Whether the towers compute what they should is tested with the
** golden models.
*/
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "encoder/encoder.h"
#include "encoder/families/families.h"
#include "encoder/import/draft.h"
#include "tests/suites.h"

Suite *suite_mobileclip(void);

enum { SIZE = 48, STEM = 8, WIDE = 32, FFN = 16, SQUEEZE = 4, LAST = 64, DIM = 64, VOCAB = 40, TOKENS = 9, EOT = 39 };

static char path[4200];
static ps__package *package;

static void make_path(void) {
    const char *tmp = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/photosearch-mobileclip-%ld.safetensors", tmp && *tmp ? tmp : "/tmp", (long)getpid());
}

static void remove_package(void) {
    ps__package_free(package);
    package = NULL;
    unlink(path);
}

/* ---- Packages ---- */

typedef struct values { /* of a tensor: noise of this height around a middle */
    uint32_t seed;
    float middle, height;
    int64_t row;
} values;

static int fill(float *out, int64_t first, int64_t count, void *ctx, ps__error *err) {
    const values *v = ctx;
    (void)err;
    for (int64_t i = 0; i < count * v->row; i++) {
        uint32_t h = (v->seed + (uint32_t)(first * v->row + i)) * 2654435761u;
        h = (h ^ h >> 15) * 2246822519u;
        out[i] = v->middle + v->height * ((float)((h ^ h >> 13) % 20001) / 10000.0f - 1);
    }
    return PS__OK;
}

static void add(ps__draft *d, const char *prefix, const char *rest, int rank, const int64_t *shape, int store, float middle, float height) {
    char name[64];
    values v = {.middle = middle, .height = height, .row = 1};
    snprintf(name, sizeof name, "%s%s", prefix, rest);
    for (const char *p = name; *p; p++) v.seed = v.seed * 131 + (unsigned char)*p;
    for (int i = 1; i < rank; i++) v.row *= shape[i];
    ck_assert_int_eq(ps__draft_add(d, name, store, rank, shape, fill, &v, sizeof v, NULL), PS__OK);
}

static void add_layer(ps__draft *d, const char *name, int64_t out, int64_t in) {
    const int64_t shape[2] = {out, in};
    add(d, name, ".weight", 2, shape, PS__STORE_LAYER, 0, 1.7f / sqrtf((float)in));
    add(d, name, ".bias", 1, shape, PS__STORE_FLOAT, 0, 0.2f);
}

static void add_filter(ps__draft *d, const char *name, int64_t height, int64_t width, int64_t channels) {
    const int64_t shape[3] = {height, width, channels};
    add(d, name, ".weight", 3, shape, PS__STORE_FLOAT, 0.05f, 0.3f);
    add(d, name, ".bias", 1, &shape[2], PS__STORE_FLOAT, 0, 0.2f);
}

static void add_norm(ps__draft *d, const char *name, int64_t width) {
    add(d, name, ".weight", 1, &width, PS__STORE_FLOAT, 1, 0.3f);
    add(d, name, ".bias", 1, &width, PS__STORE_FLOAT, 0, 0.2f);
}

static void add_ffn(ps__draft *d, const char *prefix, int64_t height, int64_t channels) {
    char name[48];
    snprintf(name, sizeof name, "%s.ffn", prefix);
    add_filter(d, name, height, 7, channels);
    snprintf(name, sizeof name, "%s.fc1", prefix);
    add_layer(d, name, FFN, channels);
    snprintf(name, sizeof name, "%s.fc2", prefix);
    add_layer(d, name, channels, FFN);
}

#define FRAMING "\"size\":48,\"fit\":\"crop\",\"shorter\":48,\"filter\":\"bilinear\",\"mean\":[0,0,0],\"std\":[1,1,1],"
#define BLOCKS "[[\"mixer\",3,7,16],[\"down\",7,32,4,1],[\"position\",7],[\"attention\",2,7,16,0],[\"attention\",1,7,16,1]]"
#define IMAGE "{" FRAMING "\"stem\":8,\"head\":[3,64,4],\"blocks\":" BLOCKS "}"
#define TEXT \
    "{\"max_tokens\":9,\"layers\":2,\"width\":32,\"heads\":2,\"ffn\":48,\"activation\":\"gelu\",\"eps\":1e-5,\"causal\":false," \
    "\"eot\":39,\"pad\":0,\"mixers\":[[0,5,7,16]]}"

static void add_image(ps__draft *d) {
    add_layer(d, "image.stem.conv", STEM, 27);
    add_filter(d, "image.stem.depthwise", 3, 3, STEM);
    add_layer(d, "image.stem.pointwise", STEM, STEM);
    add_filter(d, "image.0.depthwise", 3, 3, STEM);
    add_ffn(d, "image.0", 7, STEM);
    add_filter(d, "image.1.depthwise", 7, 7, WIDE);
    add_layer(d, "image.1.squeeze", SQUEEZE, WIDE);
    add_layer(d, "image.1.excite", WIDE, SQUEEZE);
    add_layer(d, "image.1.pointwise", WIDE, WIDE);
    add_filter(d, "image.2.depthwise", 7, 7, WIDE);
    for (int i = 3; i < 5; i++) {
        char prefix[32], name[40];
        snprintf(prefix, sizeof prefix, "image.%d", i);
        snprintf(name, sizeof name, "image.%d.norm", i);
        add_norm(d, name, WIDE);
        snprintf(name, sizeof name, "image.%d.qkv", i);
        add_layer(d, name, (int64_t)3 * WIDE, WIDE);
        snprintf(name, sizeof name, "image.%d.output", i);
        add_layer(d, name, WIDE, WIDE);
        add_ffn(d, prefix, 7, WIDE);
    }
    add_filter(d, "image.head", 3, 3, LAST);
    add_layer(d, "image.head.squeeze", SQUEEZE, LAST);
    add_layer(d, "image.head.excite", LAST, SQUEEZE);
    add_layer(d, "image.proj", DIM, LAST);
}

static void add_text(ps__draft *d) {
    static const char *const square[] = {"text.1.query", "text.1.key", "text.1.value", "text.1.output"};
    const int64_t words[2] = {VOCAB, WIDE}, places[2] = {TOKENS, WIDE};
    add(d, "text.embed.word", ".weight", 2, words, PS__STORE_LAYER, 0, 1);
    add(d, "text.embed.position", "", 2, places, PS__STORE_FLOAT, 0, 0.5f);
    add_filter(d, "text.0.depthwise", 1, 5, WIDE);
    add_ffn(d, "text.0", 1, WIDE);
    for (size_t i = 0; i < 4; i++) add_layer(d, square[i], WIDE, WIDE);
    add_norm(d, "text.1.norm1", WIDE);
    add_norm(d, "text.1.norm2", WIDE);
    add_layer(d, "text.1.fc1", 48, WIDE);
    add_layer(d, "text.1.fc2", WIDE, 48);
    add_norm(d, "text.norm", WIDE);
    add_layer(d, "text.proj", DIM, WIDE);
}

static void set(ps__draft *d, const char *key, const char *value) { ck_assert_int_eq(ps__draft_meta(d, key, value, NULL), PS__OK); }

/* Writes a package of both towers and opens it. */
static void make(const char *image, const char *text, int precision) {
    ps__draft *d = ps__draft_new();
    ps__error err = {0};
    set(d, "dim", "64");
    set(d, "image.config", image);
    set(d, "text.config", text);
    add_image(d);
    add_text(d);
    ck_assert_msg(ps__draft_write(d, path, precision, NULL, NULL, &err) == PS__OK, "%s", err.text);
    ck_assert_msg(ps__package_open(&package, path, &err) == PS__OK, "%s", err.text);
    ps__draft_free(d);
}

/* ---- Running ---- */

static void embed(float *out, const char *family, int is_text, int precision, const void *input, int rows) {
    ps__error err = {0};
    ps__plan *plan;
    ps__workspace *space;
    ck_assert_msg(ps__family_find(family, is_text)->build(&plan, package, ps__kernels_choose(NULL), precision, &err) == PS__OK, "%s",
                  err.text);
    ck_assert_int_eq(ps__workspace_new(&space, plan, &err), PS__OK);
    ps__plan_run(out, plan, space, input, rows, NULL, NULL);
    ps__workspace_free(space);
    ps__plan_free(plan);
}

static double cosine(const float *a, const float *b) {
    double sum = 0;
    for (int i = 0; i < DIM; i++) sum += (double)a[i] * (double)b[i];
    return sum;
}

/* Of a picture (or a text) in both precisions, and of another one. */
static void check_embeddings(float out[3][DIM]) {
    for (int i = 0; i < 3; i++) ck_assert_double_eq_tol(cosine(out[i], out[i]), 1, 1e-5);
    ck_assert_double_ge(cosine(out[0], out[1]), 0.98);
    ck_assert_double_lt(cosine(out[0], out[1]), 1 - 1e-9); /* INT8 is not float32 */
    ck_assert_double_lt(cosine(out[0], out[2]), 1 - 1e-6);
}

START_TEST(fastvit_embeds_alike_in_both_precisions) {
    static uint8_t picture[2][SIZE * SIZE * 3];
    float out[3][DIM];
    for (int i = 0; i < SIZE * SIZE * 3; i++) {
        picture[0][i] = (uint8_t)(i * 7 % 251);
        picture[1][i] = (uint8_t)(i / SIZE * 3 + i % 40);
    }
    make(IMAGE, TEXT, PS__PRECISION_FLOAT);
    embed(out[0], "fastvit", 0, PS__PRECISION_FLOAT, picture[0], 1);
    embed(out[2], "fastvit", 0, PS__PRECISION_FLOAT, picture[1], 1);
    remove_package();
    make(IMAGE, TEXT, PS__PRECISION_INT8);
    embed(out[1], "fastvit", 0, PS__PRECISION_INT8, picture[0], 1);
    check_embeddings(out);
}
END_TEST

START_TEST(mct_embeds_alike_in_both_precisions) {
    static const int32_t ids[2][TOKENS] = {{1, 5, 7, 9, EOT, 0, 0, 0, 0}, {1, 30, EOT, 0, 0, 0, 0, 0, 0}};
    float out[3][DIM];
    make(IMAGE, TEXT, PS__PRECISION_FLOAT);
    embed(out[0], "mct", 1, PS__PRECISION_FLOAT, ids[0], TOKENS);
    embed(out[2], "mct", 1, PS__PRECISION_FLOAT, ids[1], TOKENS);
    remove_package();
    make(IMAGE, TEXT, PS__PRECISION_INT8);
    embed(out[1], "mct", 1, PS__PRECISION_INT8, ids[0], TOKENS);
    check_embeddings(out);
}
END_TEST

/* ---- Refusals ---- */

typedef struct refusal {
    const char *field, *value; /* put in place of what the configuration has; NULL: taken away */
    const char *complaint;
} refusal;

static const refusal of_images[] = {
    {"stem", "0", "stem"},
    {"stem", "16", "tensor image.stem.conv.weight has shape"},
    {"blocks", "[]", "\"blocks\""},
    {"blocks", "7", "\"blocks\""},
    {"blocks", "[[\"fold\",1]]", "block 0 is of a kind that is not known, \"fold\""},
    {"blocks", "[7]", "block 0 is of a kind"},
    {"blocks", "[[\"mixer\",3,7]]", "block 0 is not [\"mixer\",kernel,ffn_kernel,ffn]"},
    {"blocks", "[[\"mixer\",3,7,16,1]]", "block 0 is not [\"mixer\""},
    {"blocks", "[[\"mixer\",4,7,16]]", "block 0 is not [\"mixer\""},
    {"blocks", "[[\"mixer\",3,7,1.5]]", "block 0 is not [\"mixer\""},
    {"blocks", "[[\"mixer\",3,7,99999999999]]", "block 0 is not [\"mixer\""},
    {"blocks", "[[\"mixer\",17,7,16]]", "block 0 is not [\"mixer\""},
    {"blocks", "[[\"down\",7,12,0,1]]", "that fits 8 channels"},
    {"blocks", "[[\"down\",7,32,0,2]]", "block 0 is not [\"down\""},
    {"blocks", "[[\"attention\",3,7,16,0]]", "that fits 8 channels"},
    {"blocks", "[[\"attention\",2,7,16,2]]", "block 0 is not [\"attention\""},
    {"blocks", "[[\"position\",-1]]", "block 0 is not [\"position\""},
    {"blocks", "[[\"mixer\",3,7,24]]", "tensor image.0.fc1.weight has shape"},
    {"blocks", "[[\"mixer\",5,7,16]]", "tensor image.0.depthwise.weight has shape"},
    {"blocks", "[[\"mixer\",3,7,16],[\"down\",7,32,0,1],[\"mixer\",3,7,16]]", "tensor image.2.depthwise.weight has shape"},
    {"blocks", "[[\"mixer\",3,7,16],[\"down\",7,32,5,1]]", "tensor image.1.squeeze.weight has shape"},
    {"head", "[3,64]", "\"head\""},
    {"head", "[3,48,4]", "\"head\""},
    {"head", "[2,64,4]", "\"head\""},
    {"head", "[3,64,8]", "tensor image.head.squeeze.weight has shape"},
    {"head", NULL, "\"head\""},
    {"size", "5000", "size"},
    {"size", NULL, "size"},
    {"std", "[0,1,1]", "\"std\""},
};

static const refusal of_texts[] = {
    {"pad", NULL, "pad"},
    {"eot", NULL, "eot"},
    {"mixers", NULL, "\"mixers\""},
    {"mixers", "[[0,5,7]]", "entry 0 of \"mixers\""},
    {"mixers", "[[2,5,7,16]]", "entry 0 of \"mixers\""},
    {"mixers", "[[0,5,7,16],[0,5,7,16]]", "entry 1 of \"mixers\""},
    {"mixers", "[[0,4,7,16]]", "entry 0 of \"mixers\""},
    {"mixers", "[[0,33,7,16]]", "entry 0 of \"mixers\""},
    {"mixers", "[[0,5,7,20]]", "tensor text.0.fc1.weight has shape"},
    {"mixers", "[[0,7,7,16]]", "tensor text.0.depthwise.weight has shape"},
    {"mixers", "[[1,5,7,16]]", "text.0.norm1.weight"},
    {"max_tokens", "10", "tensor text.embed.position has shape"},
    {"causal", "0", "causal"},
};

static char *changed(const char *text, const refusal *r) {
    json_t *config = json_loads(text, 0, NULL);
    if (r->value)
        json_object_set_new(config, r->field, json_loads(r->value, JSON_DECODE_ANY, NULL));
    else
        json_object_del(config, r->field);
    char *json = json_dumps(config, JSON_COMPACT);
    json_decref(config);
    return json;
}

static void expect_refusal(const char *family, int is_text, const refusal *r) {
    ps__error err = {0};
    ps__plan *plan;
    char *config = changed(is_text ? TEXT : IMAGE, r);
    make(is_text ? IMAGE : config, is_text ? config : TEXT, PS__PRECISION_INT8);
    int status = ps__family_find(family, is_text)->build(&plan, package, ps__kernels_choose(NULL), PS__PRECISION_INT8, &err);
    ck_assert_msg(status == PS__MODEL && strncmp(err.text, path, strlen(path)) == 0 && strstr(err.text, r->complaint), "%s %s: %d %s",
                  r->field, r->value ? r->value : "", status, err.text);
    ck_assert_ptr_null(plan);
    free(config);
}

START_TEST(fastvit_refuses_what_does_not_fit) { expect_refusal("fastvit", 0, &of_images[_i]); }
END_TEST

START_TEST(mct_refuses_what_does_not_fit) { expect_refusal("mct", 1, &of_texts[_i]); }
END_TEST

START_TEST(attention_over_a_large_picture_is_refused) {
    const refusal r = {"size", "1024", "attention over 128 x 128 pixels"};
    expect_refusal("fastvit", 0, &r);
}
END_TEST

Suite *suite_mobileclip(void) {
    Suite *s = suite_create("mobileclip");
    TCase *t = tcase_create("families");
    tcase_add_checked_fixture(t, make_path, remove_package);
    tcase_add_test(t, fastvit_embeds_alike_in_both_precisions);
    tcase_add_test(t, mct_embeds_alike_in_both_precisions);
    tcase_add_loop_test(t, fastvit_refuses_what_does_not_fit, 0, (int)(sizeof of_images / sizeof *of_images));
    tcase_add_loop_test(t, mct_refuses_what_does_not_fit, 0, (int)(sizeof of_texts / sizeof *of_texts));
    tcase_add_test(t, attention_over_a_large_picture_is_refused);
    suite_add_tcase(s, t);
    return s;
}
