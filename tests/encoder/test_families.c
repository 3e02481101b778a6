/*
** Towers of transformer blocks: small packages of made-up weights, whose embeddings are compared with plain loops in double over
** the same weights; and configurations and tensors that do not fit together, which a family must refuse by name.
*/
#include <check.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "encoder/encoder.h"
#include "encoder/families/families.h"
#include "encoder/import/draft.h"
#include "encoder/package/package.h"
#include "encoder/plan/plan.h"
#include "tests/suites.h"

Suite *suite_families(void);

enum {
    SIZE = 17,
    PATCH = 4,
    GRID = 4,
    WIDTH = 32,
    HEADS = 2,
    FFN = 48,
    LAYERS = 2,
    VOCAB = 40,
    TOKENS = 9,
    DIM = 64,
    EOT = 39,
    MOST = 32
};

#define EPS 1e-5

/* ---- Packages ---- */

static char path[4200];
static ps__package *package;

static void make_path(void) {
    const char *tmp = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/photosearch-families-%ld.safetensors", tmp && *tmp ? tmp : "/tmp", (long)getpid());
}

static void remove_package(void) {
    ps__package_free(package);
    package = NULL;
    unlink(path);
}

typedef struct values { /* of a tensor: noise of this height around a middle */
    uint32_t seed;
    float middle, height;
    int64_t columns;
} values;

static int fill(float *out, int64_t first, int64_t count, void *ctx, ps__error *err) {
    const values *v = ctx;
    (void)err;
    for (int64_t i = 0; i < count * v->columns; i++) {
        uint32_t h = (v->seed + (uint32_t)(first * v->columns + i)) * 2654435761u;
        h = (h ^ h >> 15) * 2246822519u;
        out[i] = v->middle + v->height * ((float)((h ^ h >> 13) % 20001) / 10000.0f - 1);
    }
    return PS__OK;
}

static void add(ps__draft *d, int store, float middle, float height, int64_t rows, int64_t columns /* 0: one dimension */,
                const char *format, ...) {
    char name[64];
    va_list args;
    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    values v = {.middle = middle, .height = height, .columns = columns ? columns : 1};
    for (const char *p = name; *p; p++) v.seed = v.seed * 131 + (unsigned char)*p;
    const int64_t shape[2] = {rows, columns};
    ck_assert_int_eq(ps__draft_add(d, name, store, columns ? 2 : 1, shape, fill, &v, sizeof v, NULL), PS__OK);
}

static void add_layer(ps__draft *d, const char *name, int64_t out, int64_t in) {
    add(d, PS__STORE_LAYER, 0, 2.0f / sqrtf((float)in), out, in, "%s.weight", name);
    add(d, PS__STORE_FLOAT, 0, 0.3f, out, 0, "%s.bias", name);
}

static void add_norm(ps__draft *d, const char *name) {
    add(d, PS__STORE_FLOAT, 1, 0.5f, WIDTH, 0, "%s.weight", name);
    add(d, PS__STORE_FLOAT, 0, 0.3f, WIDTH, 0, "%s.bias", name);
}

/* Layers and norms of a block, or of an attention pool. */
static void add_parts(ps__draft *d, const char *prefix, const char *const *square, const char *const *norms) {
    char name[48];
    for (; *square; square++) snprintf(name, sizeof name, "%s%s", prefix, *square), add_layer(d, name, WIDTH, WIDTH);
    for (; *norms; norms++) snprintf(name, sizeof name, "%s%s", prefix, *norms), add_norm(d, name);
    snprintf(name, sizeof name, "%sfc1", prefix);
    add_layer(d, name, FFN, WIDTH);
    snprintf(name, sizeof name, "%sfc2", prefix);
    add_layer(d, name, WIDTH, FFN);
}

static void add_blocks(ps__draft *d, const char *side) {
    static const char *const square[] = {"query", "key", "value", "output", NULL}, *const norms[] = {"norm1", "norm2", NULL};
    char prefix[32];
    for (int i = 0; i < LAYERS; i++) {
        snprintf(prefix, sizeof prefix, "%s.%d.", side, i);
        add_parts(d, prefix, square, norms);
    }
}

static void add_image(ps__draft *d, const json_t *config) {
    static const char *const square[] = {"key", "value", "output", NULL}, *const norms[] = {"norm", NULL};
    const json_t *stem = json_object_get(config, "stem");
    int64_t in = 3;
    char name[32];
    for (size_t i = 0; i < json_array_size(stem); i++) {
        int64_t kernel = json_integer_value(json_array_get(json_array_get(stem, i), 0));
        snprintf(name, sizeof name, "image.stem.%zu", i);
        add_layer(d, name, 8, kernel * kernel * in);
        in = 8;
    }
    int64_t patch = json_integer_value(json_object_get(config, "patch"));
    add_layer(d, "image.patch", WIDTH, patch ? patch * patch * in : 1);
    add(d, PS__STORE_FLOAT, 0, 0.5f, GRID * GRID, WIDTH, "image.position");
    add(d, PS__STORE_FLOAT, 0, 1, WIDTH, 0, "image.class");
    add_norm(d, "image.pre_norm");
    add_blocks(d, "image");
    add_norm(d, "image.norm");
    add(d, PS__STORE_FLOAT, 0, 1, WIDTH, 0, "image.pool.query");
    add_parts(d, "image.pool.", square, norms);
    add_layer(d, "image.proj", DIM, WIDTH);
}

static void add_text(ps__draft *d) {
    add(d, PS__STORE_LAYER, 0, 1, VOCAB, WIDTH, "text.embed.word.weight");
    add(d, PS__STORE_FLOAT, 0, 0.5f, TOKENS, WIDTH, "text.embed.position");
    add_blocks(d, "text");
    add_norm(d, "text.norm");
    add_layer(d, "text.proj", DIM, WIDTH);
}

#define STACK "\"layers\":2,\"width\":32,\"heads\":2,\"ffn\":48,\"eps\":1e-5,"
#define FRAMING "\"size\":17,\"fit\":\"squash\",\"filter\":\"bicubic\",\"mean\":[0.5,0.4,0.3],\"std\":[0.2,0.3,0.4],"

/* changes: NULL, or an object whose fields replace those of the configuration; null takes one away. */
static json_t *changed(const char *text, const char *changes) {
    json_t *config = json_loads(text, 0, NULL), *other = changes ? json_loads(changes, 0, NULL) : json_object(), *value;
    const char *field;
    ck_assert_ptr_nonnull(config);
    ck_assert_ptr_nonnull(other);
    json_object_foreach(other, field, value) {
        if (json_is_null(value))
            json_object_del(config, field);
        else
            json_object_set(config, field, value);
    }
    json_decref(other);
    return config;
}

/* Writes a package of both towers and opens it. */
static const char *fine_layer, *cut_layer; /* of the next package made, or NULL */

static void make(const char *image, const char *image_changes, const char *text, const char *text_changes, int dim,
                 int precision) {
    json_t *configs[2] = {changed(image, image_changes), changed(text, text_changes)};
    ps__draft *d = ps__draft_new();
    ps__error err = {0};
    char number[16];
    snprintf(number, sizeof number, "%d", dim);
    ck_assert_int_eq(ps__draft_meta(d, "dim", number, NULL), PS__OK);
    for (int i = 0; i < 2; i++) {
        char *json = json_dumps(configs[i], JSON_COMPACT);
        ck_assert_int_eq(ps__draft_meta(d, i ? "text.config" : "image.config", json, NULL), PS__OK);
        free(json);
    }
    add_image(d, configs[0]);
    add_text(d);
    if (fine_layer) ck_assert_int_eq(ps__draft_keep_fine(d, fine_layer, NULL), PS__OK);
    if (cut_layer) ck_assert_int_eq(ps__draft_cut_rows(d, cut_layer, 16, NULL), PS__OK);
    ck_assert_msg(ps__draft_write(d, path, precision, NULL, NULL, &err) == PS__OK, "%s", err.text);
    ck_assert_msg(ps__package_open(&package, path, &err) == PS__OK, "%s", err.text);
    ps__draft_free(d);
    json_decref(configs[0]);
    json_decref(configs[1]);
}

static void embed(float *out, const char *family, int is_text, int precision, const void *input, int rows) {
    const ps__family *f = ps__family_find(family, is_text);
    ps__error err = {0};
    ps__plan *plan;
    ps__workspace *space;
    ck_assert_ptr_nonnull(f);
    ck_assert_msg(f->build(&plan, package, ps__kernels_choose(NULL), precision, &err) == PS__OK, "%s", err.text);
    ck_assert_int_eq(ps__workspace_new(&space, plan, &err), PS__OK);
    ps__plan_run(out, plan, space, input, rows, NULL, NULL);
    ps__workspace_free(space);
    ps__plan_free(plan);
}

/* ---- The same in plain loops ---- */

static const float *tensor(const char *format, ...) {
    char name[64];
    va_list args;
    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    const ps__tensor *t = ps__package_find(package, name);
    ck_assert_msg(t && t->type == PS__F32, "%s", name);
    return t->data;
}

static void linear(double *out, const double *in, int rows, const char *name, int inputs, int outputs) {
    const float *w = tensor("%s.weight", name), *b = tensor("%s.bias", name);
    for (int r = 0; r < rows; r++)
        for (int o = 0; o < outputs; o++) {
            double sum = (double)b[o];
            for (int i = 0; i < inputs; i++) sum += (double)w[o * inputs + i] * in[r * inputs + i];
            out[r * outputs + o] = sum;
        }
}

static void normalize(double *out, const double *in, int rows, const char *name) {
    const float *w = tensor("%s.weight", name), *b = tensor("%s.bias", name);
    for (int r = 0; r < rows; r++) {
        const double *x = in + r * WIDTH;
        double mean = 0, variance = 0;
        for (int i = 0; i < WIDTH; i++) mean += x[i] / WIDTH;
        for (int i = 0; i < WIDTH; i++) variance += (x[i] - mean) * (x[i] - mean) / WIDTH;
        for (int i = 0; i < WIDTH; i++) out[r * WIDTH + i] = (x[i] - mean) / sqrt(variance + EPS) * (double)w[i] + (double)b[i];
    }
}

static double activated(double x, const char *kind) {
    if (strcmp(kind, "quick-gelu") == 0) return x / (1 + exp(-1.702 * x));
    if (strcmp(kind, "gelu") == 0) return x * 0.5 * (1 + erf(x / sqrt(2)));
    return x * 0.5 * (1 + tanh(sqrt(2 / 3.14159265358979) * (x + 0.044715 * x * x * x)));
}

/* What query row q gives over `seen` rows of keys and values. */
static void attend(double *out, const double *q, const double *k, const double *v, int seen) {
    const int size = WIDTH / HEADS;
    for (int h = 0; h < HEADS; h++) {
        double weight[MOST], sum = 0;
        for (int r = 0; r < seen; r++) {
            double dot = 0;
            for (int i = h * size; i < (h + 1) * size; i++) dot += q[i] * k[r * WIDTH + i];
            sum += weight[r] = exp(dot / sqrt(size));
        }
        for (int i = h * size; i < (h + 1) * size; i++) {
            out[i] = 0;
            for (int r = 0; r < seen; r++) out[i] += weight[r] / sum * v[r * WIDTH + i];
        }
    }
}

static const char *part(const char *prefix, const char *name) {
    static char out[2][64];
    static int turn;
    turn = !turn;
    snprintf(out[turn], sizeof out[turn], "%s%s", prefix, name);
    return out[turn];
}

/* x += fc2(activation(fc1(norm(x)))) */
static void perceptron(double *x, int rows, const char *prefix, const char *norm, const char *activation) {
    double n[MOST * WIDTH], hidden[MOST * FFN], back[MOST * WIDTH];
    normalize(n, x, rows, part(prefix, norm));
    linear(hidden, n, rows, part(prefix, "fc1"), WIDTH, FFN);
    for (int i = 0; i < rows * FFN; i++) hidden[i] = activated(hidden[i], activation);
    linear(back, hidden, rows, part(prefix, "fc2"), FFN, WIDTH);
    for (int i = 0; i < rows * WIDTH; i++) x[i] += back[i];
}

static void blocks(double *x, int rows, const char *side, const char *activation, int causal) {
    double n[MOST * WIDTH], q[MOST * WIDTH], k[MOST * WIDTH], v[MOST * WIDTH], a[MOST * WIDTH], o[MOST * WIDTH];
    char prefix[32];
    for (int b = 0; b < LAYERS; b++) {
        snprintf(prefix, sizeof prefix, "%s.%d.", side, b);
        normalize(n, x, rows, part(prefix, "norm1"));
        linear(q, n, rows, part(prefix, "query"), WIDTH, WIDTH);
        linear(k, n, rows, part(prefix, "key"), WIDTH, WIDTH);
        linear(v, n, rows, part(prefix, "value"), WIDTH, WIDTH);
        for (int r = 0; r < rows; r++) attend(a + r * WIDTH, q + r * WIDTH, k, v, causal ? r + 1 : rows);
        linear(o, a, rows, part(prefix, "output"), WIDTH, WIDTH);
        for (int i = 0; i < rows * WIDTH; i++) x[i] += o[i];
        perceptron(x, rows, prefix, "norm2", activation);
    }
}

/* A convolution without padding over a picture of side x side pixels; returns the side of what it gives. */
static int convolve(double *out, const double *in, int side, int channels, const char *name, int kernel, int outputs) {
    int left = (side - kernel) / kernel + 1;
    double under[32 * 32];
    for (int y = 0; y < left; y++)
        for (int x = 0; x < left; x++) {
            for (int ky = 0; ky < kernel; ky++)
                memcpy(under + ky * kernel * channels, in + ((y * kernel + ky) * side + x * kernel) * channels,
                       (size_t)(kernel * channels) * sizeof *under);
            linear(out + (y * left + x) * outputs, under, 1, name, kernel * kernel * channels, outputs);
        }
    return left;
}

static void scale_to_one(double *v, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++) sum += v[i] * v[i];
    for (int i = 0; i < n; i++) v[i] /= sqrt(sum);
}

typedef struct image_case {
    const char *changes, *activation;
    int has_class, pre_norm, has_proj, has_stem;
} image_case;

static void pool_rows(double *y, const double *x, int rows, const char *activation) {
    double n[MOST * WIDTH], k[MOST * WIDTH], v[MOST * WIDTH], q[WIDTH], a[WIDTH];
    const float *query = tensor("image.pool.query");
    for (int i = 0; i < WIDTH; i++) q[i] = (double)query[i];
    normalize(n, x, rows, "image.norm");
    linear(k, n, rows, "image.pool.key", WIDTH, WIDTH);
    linear(v, n, rows, "image.pool.value", WIDTH, WIDTH);
    attend(a, q, k, v, rows);
    linear(y, a, 1, "image.pool.output", WIDTH, WIDTH);
    perceptron(y, 1, "image.pool.", "norm", activation);
}

static void expect_image(double *out, const uint8_t *rgb, const image_case *c) {
    static const double mean[3] = {0.5, 0.4, 0.3}, std[3] = {0.2, 0.3, 0.4};
    double pixels[SIZE * SIZE * 3], stem[8 * 8 * 8], rows[MOST * WIDTH], pooled[WIDTH];
    int n = GRID * GRID + c->has_class;
    double *patches = rows + c->has_class * WIDTH;
    for (int i = 0; i < SIZE * SIZE * 3; i++) pixels[i] = (rgb[i] / 255.0 - mean[i % 3]) / std[i % 3];
    if (c->has_stem) {
        int side = convolve(stem, pixels, SIZE, 3, "image.stem.0", 2, 8);
        for (int i = 0; i < side * side * 8; i++) stem[i] = activated(stem[i], c->activation);
        ck_assert_int_eq(convolve(patches, stem, side, 8, "image.patch", 2, WIDTH), GRID);
    } else {
        ck_assert_int_eq(convolve(patches, pixels, SIZE, 3, "image.patch", PATCH, WIDTH), GRID);
    }
    for (int i = 0; i < GRID * GRID * WIDTH; i++) patches[i] += (double)tensor("image.position")[i];
    for (int i = 0; i < WIDTH && c->has_class; i++) rows[i] = (double)tensor("image.class")[i];
    if (c->pre_norm) normalize(rows, rows, n, "image.pre_norm");
    blocks(rows, n, "image", c->activation, 0);
    if (c->has_class)
        normalize(pooled, rows, 1, "image.norm");
    else
        pool_rows(pooled, rows, n, c->activation);
    if (c->has_proj)
        linear(out, pooled, 1, "image.proj", WIDTH, DIM);
    else
        memcpy(out, pooled, sizeof pooled);
    scale_to_one(out, c->has_proj ? DIM : WIDTH);
}

static double cosine(const double *a, const float *b, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++) sum += a[i] * (double)b[i];
    return sum;
}

#define VIT "{" FRAMING STACK "\"patch\":4,\"activation\":\"gelu\",\"pool\":\"class\",\"pre_norm\":true,\"proj\":true}"
#define TEXT "{" STACK "\"max_tokens\":9,\"activation\":\"gelu\",\"causal\":true,\"pool\":\"eot\",\"eot\":39,\"proj\":true}"

static const image_case image_cases[] = {
    {NULL, "gelu", 1, 1, 1, 0},
    {"{\"activation\":\"quick-gelu\",\"pre_norm\":false}", "quick-gelu", 1, 0, 1, 0},
    {"{\"activation\":\"gelu-tanh\",\"pool\":\"attention\",\"pre_norm\":false,\"proj\":false}", "gelu-tanh", 0, 0, 0, 0},
    {"{\"pool\":\"attention\"}", "gelu", 0, 1, 1, 0},
    {"{\"stem\":[[2,2,8]],\"patch\":2}", "gelu", 1, 1, 1, 1},
};

START_TEST(a_vision_transformer_computes_what_plain_loops_do) {
    const image_case *c = &image_cases[_i];
    int dim = c->has_proj ? DIM : WIDTH;
    uint8_t rgb[2][SIZE * SIZE * 3];
    double expected[DIM], other[DIM];
    float out[DIM];
    make(VIT, c->changes, TEXT, c->has_proj ? NULL : "{\"proj\":false}", dim, PS__PRECISION_FLOAT);
    for (int i = 0; i < SIZE * SIZE * 3; i++) {
        rgb[0][i] = (uint8_t)(i * i * 7 + i * 31);
        rgb[1][i] = (uint8_t)(255 - rgb[0][i]);
    }
    expect_image(expected, rgb[0], c);
    expect_image(other, rgb[1], c);
    embed(out, "vit", 0, PS__PRECISION_FLOAT, rgb[0], 1);
    ck_assert_double_gt(cosine(expected, out, dim), 0.999999);
    ck_assert_double_lt(cosine(other, out, dim), 0.999); /* the picture counts */
}
END_TEST

typedef struct text_case {
    const char *changes;
    int causal, row, has_proj; /* row: that is pooled */
} text_case;

static const text_case text_cases[] = {
    {NULL, 1, 3, 1},
    {"{\"eot\":38}", 1, 0, 1}, /* there is none: the first row */
    {"{\"causal\":false,\"pool\":\"last\",\"eot\":null}", 0, 6, 1},
    {"{\"causal\":false,\"pool\":\"first\",\"proj\":false}", 0, 0, 0},
};

static void expect_text(double *out, const int32_t *ids, int rows, const text_case *c) {
    double x[MOST * WIDTH], pooled[WIDTH];
    const float *words = tensor("text.embed.word.weight"), *position = tensor("text.embed.position");
    for (int i = 0; i < rows * WIDTH; i++) x[i] = (double)words[ids[i / WIDTH] * WIDTH + i % WIDTH] + (double)position[i];
    blocks(x, rows, "text", "gelu", c->causal);
    normalize(pooled, x + c->row * WIDTH, 1, "text.norm");
    if (c->has_proj)
        linear(out, pooled, 1, "text.proj", WIDTH, DIM);
    else
        memcpy(out, pooled, sizeof pooled);
    scale_to_one(out, c->has_proj ? DIM : WIDTH);
}

START_TEST(a_text_transformer_computes_what_plain_loops_do) {
    const text_case *c = &text_cases[_i];
    static const int32_t ids[7] = {1, 12, 30, EOT, 5, EOT, 7}; /* the first mark of the end counts */
    int dim = c->has_proj ? DIM : WIDTH;
    double expected[DIM];
    float out[DIM];
    make(VIT, c->has_proj ? NULL : "{\"proj\":false}", TEXT, c->changes, dim, PS__PRECISION_FLOAT);
    expect_text(expected, ids, 7, c);
    embed(out, "transformer", 1, PS__PRECISION_FLOAT, ids, 7);
    ck_assert_double_gt(cosine(expected, out, dim), 0.999999);
}
END_TEST

/* Where each row sees only those before it, what follows the mark of the end does not count. */
START_TEST(padding_behind_the_mark_counts_only_where_rows_see_it) {
    static const int32_t ids[2][6] = {{1, 12, 30, EOT, 0, 0}, {1, 12, 30, EOT, 9, 17}};
    float a[DIM], b[DIM];
    make(VIT, NULL, TEXT, _i ? "{\"causal\":false}" : NULL, DIM, PS__PRECISION_FLOAT);
    embed(a, "transformer", 1, PS__PRECISION_FLOAT, ids[0], 6);
    embed(b, "transformer", 1, PS__PRECISION_FLOAT, ids[1], 6);
    ck_assert_int_eq(memcmp(a, b, sizeof a) == 0, !_i);
}
END_TEST

/* The words' table in INT8 and the layers too. */
START_TEST(int8_packages_stay_near_to_float_ones) {
    static const int32_t ids[4] = {1, 12, 30, EOT};
    uint8_t rgb[SIZE * SIZE * 3];
    float out[2][2][DIM];
    for (int i = 0; i < SIZE * SIZE * 3; i++) rgb[i] = (uint8_t)(i * i * 7 + i * 31);
    for (int p = 0; p < 2; p++) {
        int precision = p ? PS__PRECISION_INT8 : PS__PRECISION_FLOAT;
        make(VIT, NULL, TEXT, NULL, DIM, precision);
        ck_assert_int_eq(ps__package_find(package, "text.embed.word.weight")->type, p ? PS__I8 : PS__F32);
        embed(out[0][p], "vit", 0, precision, rgb, 1);
        embed(out[1][p], "transformer", 1, precision, ids, 4);
        remove_package();
    }
    for (int tower = 0; tower < 2; tower++) {
        double sum = 0;
        for (int i = 0; i < DIM; i++) sum += (double)out[tower][0][i] * (double)out[tower][1][i];
        ck_assert_double_gt(sum, 0.99);
        ck_assert_double_lt(sum, 0.9999999);
    }
}
END_TEST

static float word_entry(const ps__word_table *t, int64_t at) {
    int64_t part = at / (WIDTH / t->groups);
    if (t->is_float) return ((const float *)t->weights)[at];
    return t->scale[part] * ((float)((const int8_t *)t->weights)[at] + (t->fine ? (float)t->fine[at] / 254 : 0));
}

/* Writes a package whose words are kept as the globals say, and reads them. */
static void read_words(float *words, int precision, int groups, int is_fine) {
    ps__word_table table;
    ps__error err = {0};
    int64_t vocab;
    make(VIT, NULL, TEXT, NULL, DIM, precision);
    ck_assert_msg(ps__family_words(&table, &vocab, package, WIDTH, &err) == PS__OK, "%s", err.text);
    ck_assert_int_eq(vocab, VOCAB);
    ck_assert_int_eq(table.groups, groups);
    ck_assert_int_eq(table.fine != NULL, is_fine);
    for (int64_t i = 0; i < VOCAB * WIDTH; i++) words[i] = word_entry(&table, i);
    remove_package();
}

static double words_error(const float *a, const float *b) {
    double sum = 0;
    for (int i = 0; i < VOCAB * WIDTH; i++) sum += pow((double)a[i] - (double)b[i], 2);
    return sqrt(sum);
}

START_TEST(words_may_be_fine_or_have_scales_for_parts) {
    static float exact[VOCAB * WIDTH], plain[VOCAB * WIDTH], cut[VOCAB * WIDTH], fine[VOCAB * WIDTH];
    read_words(exact, PS__PRECISION_FLOAT, 1, 0);
    read_words(plain, PS__PRECISION_INT8, 1, 0);
    cut_layer = "text.embed.word";
    read_words(cut, PS__PRECISION_INT8, 2, 0);
    cut_layer = NULL, fine_layer = "text.embed.word";
    read_words(fine, PS__PRECISION_INT8, 1, 1);
    fine_layer = NULL;
    double error = words_error(plain, exact);
    ck_assert_double_gt(error, 0);
    ck_assert_double_lt(words_error(cut, exact), 0.98 * error);
    ck_assert_double_lt(words_error(fine, exact), 0.01 * error);
}
END_TEST

/* ---- What is refused ---- */

typedef struct hostile {
    int is_text;
    const char *changes;  /* of the tower's configuration */
    const char *sentence; /* what the error has in it */
} hostile;

static const hostile hostiles[] = {
    {0, "{\"layers\":0}", "layers"},
    {0, "{\"layers\":65}", "layers"},
    {0, "{\"layers\":3}", "image.2.norm1.weight"},
    {0, "{\"width\":4096}", "width"},
    {0, "{\"width\":40}", "multiple of 16"},
    {0, "{\"heads\":3}", "multiple of 16 and of the 3 heads"},
    {0, "{\"heads\":0}", "heads"},
    {0, "{\"ffn\":64}", "image.0.fc1"},
    {0, "{\"ffn\":-1}", "ffn"},
    {0, "{\"eps\":2}", "eps"},
    {0, "{\"eps\":null}", "eps"},
    {0, "{\"activation\":\"swish\"}", "swish"},
    {0, "{\"pool\":\"mean\"}", "mean"},
    {0, "{\"pre_norm\":1}", "pre_norm"},
    {0, "{\"proj\":null}", "proj"},
    {0, "{\"proj\":false}", "must be the width 32"},
    {0, "{\"patch\":0}", "patch"},
    {0, "{\"patch\":33}", "patch"},
    {0, "{\"patch\":3}", "image.position"},
    {0, "{\"patch\":18}", "0 patches"},
    {0, "{\"size\":1024,\"patch\":1}", "1048576 patches"},
    {0, "{\"size\":16,\"patch\":4,\"fit\":\"melt\"}", "fit"},
    {0, "{\"size\":24}", "image.position"},
    {0, "{\"stem\":{}}", "stem"},
    {0, "{\"stem\":[[2,2]]}", "[kernel,stride,out]"},
    {0, "{\"stem\":[[2,2,4096]]}", "[kernel,stride,out]"},
    {0, "{\"stem\":[[2,0,8]]}", "[kernel,stride,out]"},
    {0, "{\"stem\":[[32,32,8]]}", "patches"},
    {1, "{\"width\":64}", "text.embed.word.weight"},
    {1, "{\"max_tokens\":2}", "max_tokens"},
    {1, "{\"max_tokens\":1025}", "max_tokens"},
    {1, "{\"max_tokens\":10}", "text.embed.position"},
    {1, "{\"causal\":\"yes\"}", "causal"},
    {1, "{\"pool\":\"argmax\"}", "argmax"},
    {1, "{\"eot\":null}", "eot"},
    {1, "{\"eot\":-1}", "eot"},
    {1, "{\"proj\":false}", "must be the width 32"},
    {1, "{\"layers\":1000000000000}", "layers"},
};

START_TEST(what_does_not_fit_together_is_refused_by_name) {
    const hostile *h = &hostiles[_i];
    const ps__family *f = ps__family_find(h->is_text ? "transformer" : "vit", h->is_text);
    ps__error err = {0};
    ps__plan *plan;
    make(VIT, h->is_text ? NULL : h->changes, TEXT, h->is_text ? h->changes : NULL, DIM, PS__PRECISION_FLOAT);
    ck_assert_int_eq(f->build(&plan, package, ps__kernels_choose(NULL), PS__PRECISION_FLOAT, &err), PS__MODEL);
    ck_assert_ptr_null(plan);
    ck_assert_msg(strncmp(err.text, path, strlen(path)) == 0 && strstr(err.text + strlen(path), h->sentence), "%s: %s",
                  h->changes, err.text);
}
END_TEST

/* Another name of the same length in the file's header. */
static void rename_tensor(const char *from, const char *to) {
    static char head[64 << 10];
    FILE *f = fopen(path, "r+b");
    ck_assert_ptr_nonnull(f);
    size_t size = fread(head, 1, sizeof head, f);
    char *at = memmem(head, size, from, strlen(from));
    ck_assert_ptr_nonnull(at);
    ck_assert_int_eq(fseek(f, (long)(at - head), SEEK_SET), 0);
    ck_assert_uint_eq(fwrite(to, 1, strlen(from), f), strlen(from));
    ck_assert_int_eq(fclose(f), 0);
}

START_TEST(fine_weights_of_a_wrong_shape_are_refused_by_name) {
    const ps__family *f = ps__family_find("transformer", 1);
    ps__error err = {0};
    ps__plan *plan;
    fine_layer = "text.0.fc1";
    make(VIT, NULL, TEXT, NULL, DIM, PS__PRECISION_INT8);
    ck_assert_msg(f->build(&plan, package, ps__kernels_choose(NULL), PS__PRECISION_INT8, &err) == PS__OK, "%s", err.text);
    ps__plan_free(plan);
    ps__package_free(package);
    rename_tensor("\"text.0.fc1.fine\"", "\"text.0.fc2.fine\"");
    ck_assert_msg(ps__package_open(&package, path, &err) == PS__OK, "%s", err.text);
    ck_assert_int_eq(f->build(&plan, package, ps__kernels_choose(NULL), PS__PRECISION_INT8, &err), PS__MODEL);
    ck_assert_ptr_null(plan);
    ck_assert_msg(strstr(err.text, "text.0.fc2.fine has shape"), "%s", err.text);
    fine_layer = NULL;
}
END_TEST

Suite *suite_families(void) {
    Suite *s = suite_create("families");
    TCase *t = tcase_create("transformers");
    tcase_add_checked_fixture(t, make_path, remove_package);
    tcase_add_loop_test(t, a_vision_transformer_computes_what_plain_loops_do, 0, (int)(sizeof image_cases / sizeof *image_cases));
    tcase_add_loop_test(t, a_text_transformer_computes_what_plain_loops_do, 0, (int)(sizeof text_cases / sizeof *text_cases));
    tcase_add_loop_test(t, padding_behind_the_mark_counts_only_where_rows_see_it, 0, 2);
    tcase_add_test(t, int8_packages_stay_near_to_float_ones);
    tcase_add_test(t, words_may_be_fine_or_have_scales_for_parts);
    tcase_add_test(t, fine_weights_of_a_wrong_shape_are_refused_by_name);
    tcase_add_loop_test(t, what_does_not_fit_together_is_refused_by_name, 0, (int)(sizeof hostiles / sizeof *hostiles));
    suite_add_tcase(s, t);
    return s;
}
