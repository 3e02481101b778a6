/*
** Folding: a convolution made of branches computes what the branches compute one by one, and branches that do not fit together are refused.
*/
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "encoder/encoder.h"
#include "encoder/import/mobileone.h"
#include "encoder/package/package.h"
#include "tests/suites.h"

Suite *suite_fold(void);

enum { SIDE = 5 }; /* of the pictures that convolutions slide over */

static char source_path[4200], package_path[4300];
static ps__source source;
static ps__import import;
static ps__mapper mapper;
static ps__package *package;
static ps__error err;

/* ---- Checkpoints ---- */

typedef struct tensor {
    const char *name;
    int rank;
    int64_t shape[4];
    float middle, height; /* values are noise of this height around a middle */
} tensor;

static float noise(const tensor *t, int64_t i) {
    uint32_t h = 17;
    for (const char *p = t->name; *p; p++) h = h * 131 + (unsigned char)*p;
    h = (h + (uint32_t)i) * 2654435761u;
    h = (h ^ h >> 15) * 2246822519u;
    return t->middle + t->height * ((float)((h ^ h >> 13) % 20001) / 10000.0f - 1);
}

static int64_t count_of(const tensor *t) {
    int64_t count = 1;
    for (int i = 0; i < t->rank; i++) count *= t->shape[i];
    return count;
}

/* A safetensors file of them, opened as the source of an import. */
static void open_source(const tensor *tensors, size_t count) {
    json_t *header = json_object();
    int64_t at = 0;
    for (size_t i = 0; i < count; i++) {
        json_t *shape = json_array();
        int64_t bytes = count_of(&tensors[i]) * 4;
        for (int d = 0; d < tensors[i].rank; d++) json_array_append_new(shape, json_integer(tensors[i].shape[d]));
        json_object_set_new(header, tensors[i].name, json_pack("{s:s,s:o,s:[I,I]}", "dtype", "F32", "shape", shape, "data_offsets",
                                                               (json_int_t)at, (json_int_t)(at + bytes)));
        at += bytes;
    }
    char *text = json_dumps(header, JSON_COMPACT);
    uint64_t length = strlen(text);
    FILE *f = fopen(source_path, "wb");
    ck_assert_ptr_nonnull(f);
    fwrite(&length, 8, 1, f);
    fwrite(text, 1, length, f);
    for (size_t i = 0; i < count; i++)
        for (int64_t n = 0; n < count_of(&tensors[i]); n++) {
            float value = noise(&tensors[i], n);
            fwrite(&value, 4, 1, f);
        }
    ck_assert_int_eq(fclose(f), 0);
    free(text);
    json_decref(header);
    source = (ps__source){0};
    ck_assert_msg(ps__checkpoint_open(&source.checkpoint, source_path, &err) == PS__OK, "%s", err.text);
    import = (ps__import){.source = &source, .draft = ps__draft_new(), .image_config = json_object(), .text_config = json_object()};
    ps__mapper_init(&mapper, &import, 0, &err);
}

static void set_up(void) {
    const char *tmp = getenv("TMPDIR");
    snprintf(source_path, sizeof source_path, "%s/photosearch-fold-%ld.safetensors", tmp && *tmp ? tmp : "/tmp", (long)getpid());
    snprintf(package_path, sizeof package_path, "%s.made", source_path);
}

static void tear_down(void) {
    ps__mapper_clear(&mapper);
    ps__draft_free(import.draft);
    json_decref(import.image_config);
    json_decref(import.text_config);
    ps__checkpoint_free(source.checkpoint);
    ps__package_free(package);
    package = NULL;
    unlink(source_path);
    unlink(package_path);
}

static const float *made(const char *name) {
    if (!package) {
        ck_assert_msg(ps__draft_write(import.draft, package_path, PS__PRECISION_FLOAT, NULL, NULL, &err) == PS__OK, "%s", err.text);
        ck_assert_msg(ps__package_open(&package, package_path, &err) == PS__OK, "%s", err.text);
    }
    const ps__tensor *t = ps__package_find(package, name);
    ck_assert_msg(t != NULL, "%s", name);
    return t->data;
}

/* ---- The same, branch by branch ---- */

static const tensor *all;
static size_t all_count;

static const tensor *named(const char *prefix, const char *rest) {
    char name[120];
    snprintf(name, sizeof name, "%s%s", prefix, rest);
    for (size_t i = 0; i < all_count; i++)
        if (strcmp(all[i].name, name) == 0) return &all[i];
    return NULL;
}

static double value(const char *prefix, const char *rest, int64_t i) {
    const tensor *t = named(prefix, rest);
    ck_assert_msg(t != NULL, "%s%s", prefix, rest);
    return (double)noise(t, i);
}

static double norm(double x, const char *prefix, int64_t channel) {
    return (x - value(prefix, "running_mean", channel)) / sqrt(value(prefix, "running_var", channel) + 1e-5) *
               value(prefix, "weight", channel) + value(prefix, "bias", channel);
}

/* Entry [channel][y][x] of the picture, 0 outside. */
static double pixel(int64_t channel, int y, int x) {
    return y < 0 || x < 0 || y >= SIDE || x >= SIDE ? 0 : sin((double)(channel * 97 + y * 11 + x * 3));
}

/* Channel o at (y, x) of the convolution with this kernel; its input channels begin at `from`. */
static double convolve(const char *kernel, int64_t o, int64_t from, int y, int x) {
    const tensor *t = named(kernel, "");
    ck_assert_msg(t != NULL, "%s", kernel);
    int64_t in = t->shape[1], h = t->shape[2], w = t->shape[3];
    double sum = 0;
    for (int64_t i = 0; i < in; i++)
        for (int64_t ky = 0; ky < h; ky++)
            for (int64_t kx = 0; kx < w; kx++)
                sum += (double)noise(t, ((o * in + i) * h + ky) * w + kx) *
                       pixel(from + i, y + (int)ky - (int)h / 2, x + (int)kx - (int)w / 2);
    return sum;
}

#define NORM(prefix, n) \
    {prefix "weight", 1, {n}, 1, 0.5f}, {prefix "bias", 1, {n}, 0, 0.3f}, {prefix "running_mean", 1, {n}, 0, 0.5f}, \
        {prefix "running_var", 1, {n}, 1, 0.9f}

#define USE(tensors) (all = tensors, all_count = sizeof tensors / sizeof *tensors, open_source(all, all_count))

static void check_at(double there, double wanted) { ck_assert_double_eq_tol(there, wanted, 1e-5); }

START_TEST(dense_branches_become_one_layer_over_patches) {
    static const tensor tensors[] = {{"a.conv_kxk.0.conv.weight", 4, {4, 4, 3, 3}, 0, 1}, NORM("a.conv_kxk.0.bn.", 4),
                                     {"a.conv_kxk.1.conv.weight", 4, {4, 4, 3, 3}, 0, 1}, NORM("a.conv_kxk.1.bn.", 4),
                                     {"a.conv_scale.conv.weight", 4, {4, 4, 1, 1}, 0, 1}, NORM("a.conv_scale.bn.", 4),
                                     NORM("a.identity.", 4)};
    ps__fold f;
    USE(tensors);
    ck_assert_msg(ps__take_mobileone(&f, &mapper, "a.") == PS__OK, "%s", err.text);
    ck_assert_int_eq(ps__fold_layer(&import, "made", &f, &err), PS__OK);
    const float *weight = made("made.weight"), *bias = made("made.bias");
    for (int o = 0; o < 4; o++)
        for (int y = 0; y < SIDE; y++) {
            double sum = (double)bias[o];
            for (int t = 0; t < 9; t++)
                for (int i = 0; i < 4; i++) sum += (double)weight[o * 36 + t * 4 + i] * pixel(i, y + t / 3 - 1, 2 + t % 3 - 1);
            check_at(sum, norm(convolve("a.conv_kxk.0.conv.weight", o, 0, y, 2), "a.conv_kxk.0.bn.", o) +
                              norm(convolve("a.conv_kxk.1.conv.weight", o, 0, y, 2), "a.conv_kxk.1.bn.", o) +
                              norm(convolve("a.conv_scale.conv.weight", o, 0, y, 2), "a.conv_scale.bn.", o) +
                              norm(pixel(o, y, 2), "a.identity.", o));
        }
    ck_assert_int_eq(ps__mapper_finish(&mapper, (const char *const[]){"a.", NULL}, NULL), PS__OK);
}
END_TEST

/* In the authors' names: x + layer_scale * (mixer(x) - norm(x)). */
START_TEST(repmixer_becomes_one_depthwise_filter) {
    static const tensor tensors[] = {{"b.mixer.rbr_conv.0.conv.weight", 4, {3, 1, 3, 3}, 0, 1}, NORM("b.mixer.rbr_conv.0.bn.", 3),
                                     {"b.mixer.rbr_scale.conv.weight", 4, {3, 1, 1, 1}, 0, 1}, NORM("b.mixer.rbr_scale.bn.", 3),
                                     NORM("b.mixer.rbr_skip.", 3), NORM("b.norm.rbr_skip.", 3),
                                     {"b.layer_scale", 3, {3, 1, 1}, 0, 1}};
    ps__fold f;
    USE(tensors);
    ck_assert_msg(ps__take_repmixer(&f, &mapper, "b.") == PS__OK, "%s", err.text);
    ck_assert_int_eq(ps__fold_depthwise(&import, "made", &f, &err), PS__OK);
    const float *weight = made("made.weight"), *bias = made("made.bias");
    for (int o = 0; o < 3; o++)
        for (int x = 0; x < SIDE; x++) {
            double sum = (double)bias[o], inner;
            for (int t = 0; t < 9; t++) sum += (double)weight[t * 3 + o] * pixel(o, 1 + t / 3 - 1, x + t % 3 - 1);
            inner = norm(convolve("b.mixer.rbr_conv.0.conv.weight", o, o, 1, x), "b.mixer.rbr_conv.0.bn.", o) +
                    norm(convolve("b.mixer.rbr_scale.conv.weight", o, o, 1, x), "b.mixer.rbr_scale.bn.", o) +
                    norm(pixel(o, 1, x), "b.mixer.rbr_skip.", o) - norm(pixel(o, 1, x), "b.norm.rbr_skip.", o);
            check_at(sum, pixel(o, 1, x) + value("b.layer_scale", "", o) * inner);
        }
}
END_TEST

START_TEST(large_and_small_kernel_become_one_filter) {
    static const tensor tensors[] = {{"c.lkb_origin.conv.weight", 4, {4, 1, 7, 7}, 0, 1}, NORM("c.lkb_origin.bn.", 4),
                                     {"c.small_conv.conv.weight", 4, {4, 1, 3, 3}, 0, 1}, NORM("c.small_conv.bn.", 4)};
    ps__fold f;
    USE(tensors);
    ck_assert_msg(ps__take_large_kernel(&f, &mapper, "c.") == PS__OK, "%s", err.text);
    ck_assert_int_eq(ps__fold_depthwise(&import, "made", &f, &err), PS__OK);
    const float *weight = made("made.weight"), *bias = made("made.bias");
    for (int o = 0; o < 4; o++) { /* two outputs of each of two channels */
        double sum = (double)bias[o];
        for (int t = 0; t < 49; t++) sum += (double)weight[t * 4 + o] * pixel(o / 2, 3 + t / 7 - 3, 1 + t % 7 - 3);
        check_at(sum, norm(convolve("c.lkb_origin.conv.weight", o, o / 2, 3, 1), "c.lkb_origin.bn.", o) +
                          norm(convolve("c.small_conv.conv.weight", o, o / 2, 3, 1), "c.small_conv.bn.", o));
    }
}
END_TEST

START_TEST(folded_modules_are_taken_as_they_are) {
    static const tensor tensors[] = {{"d.reparam_conv.weight", 4, {4, 1, 3, 3}, 0, 1}, {"d.reparam_conv.bias", 1, {4}, 0, 1}};
    ps__fold f;
    USE(tensors);
    ck_assert_msg(ps__take_repmixer(&f, &mapper, "d.") == PS__OK, "%s", err.text);
    ck_assert_int_eq(ps__fold_depthwise(&import, "made", &f, &err), PS__OK);
    for (int o = 0; o < 4; o++) {
        ck_assert_float_eq(made("made.bias")[o], noise(&tensors[1], o));
        for (int t = 0; t < 9; t++) ck_assert_float_eq(made("made.weight")[t * 4 + o], noise(&tensors[0], o * 9 + t));
    }
}
END_TEST

/* More rows than are made at once, so that batches must join. */
START_TEST(layers_of_many_rows_are_made_in_batches) {
    static const tensor tensors[] = {{"e.weight", 2, {300, 700}, 0, 1}, {"e.bias", 1, {300}, 0, 1}, {"e.scale.gamma", 1, {300}, 0, 1}};
    ps__fold f;
    USE(tensors);
    ck_assert_msg(ps__take_linear(&f, &mapper, "e.", ps__take_scale(&mapper, "e.scale")) == PS__OK, "%s", err.text);
    ck_assert_int_eq(ps__fold_layer(&import, "made", &f, &err), PS__OK);
    const float *weight = made("made.weight"), *bias = made("made.bias");
    for (int64_t o = 0; o < 300; o++) {
        double scale = (double)noise(&tensors[2], o);
        check_at((double)bias[o], scale * (double)noise(&tensors[1], o));
        for (int64_t i = 0; i < 700; i++) check_at((double)weight[o * 700 + i], scale * (double)noise(&tensors[0], o * 700 + i));
    }
}
END_TEST

START_TEST(a_norm_alone_becomes_factors) {
    static const tensor tensors[] = {NORM("g.", 5)};
    ps__fold f;
    USE(tensors);
    ck_assert_msg(ps__take_norm(&f, &mapper, "g.", 5) == PS__OK, "%s", err.text);
    ck_assert_int_eq(ps__fold_factors(&import, "made", &f, &err), PS__OK);
    for (int o = 0; o < 5; o++)
        check_at((double)made("made.weight")[o] * 1.7 + (double)made("made.bias")[o], norm(1.7, "g.", o));
}
END_TEST

/* ---- Refusals ---- */

static void expect(int status, const char *complaint) {
    ck_assert_msg(status == PS__MODEL && strstr(err.text, complaint), "%d %s", status, err.text);
}

START_TEST(branches_that_do_not_fit_are_refused) {
    static const tensor tensors[] = {
        {"a.conv_kxk.0.conv.weight", 4, {4, 4, 3, 3}, 0, 1}, {"a.conv_scale.conv.weight", 4, {4, 3, 1, 1}, 0, 1},
        {"b.conv_kxk.0.conv.weight", 4, {4, 1, 3, 3}, 0, 1}, NORM("b.identity.", 2),
        {"c.conv_kxk.0.conv.weight", 4, {4, 4, 2, 2}, 0, 1}, NORM("c.identity.", 4),
        {"d.reparam_conv.weight", 3, {4, 4, 3}, 0, 1},       {"d.reparam_conv.bias", 1, {4}, 0, 1},
        {"e.reparam_conv.weight", 4, {4, 4, 1, 1}, 0, 1},    {"e.reparam_conv.bias", 1, {3}, 0, 1},
        {"f.conv_kxk.0.conv.weight", 4, {4, 4, 1, 1}, 0, 1}, {"f.conv_kxk.0.bn.weight", 1, {4}, 0, 1},
        {"h.identity.weight", 2, {4, 1}, 0, 1}};
    ps__fold f;
    USE(tensors);
    expect(ps__take_mobileone(&f, &mapper, "a."), "tensor a.conv_scale.conv.weight does not fit the branches beside it");
    expect(ps__take_mobileone(&f, &mapper, "b."), "tensor b.identity.weight has 2 entries where 4 were expected");
    expect(ps__take_mobileone(&f, &mapper, "c."), "has no middle");
    expect(ps__take_mobileone(&f, &mapper, "d."), "tensor d.reparam_conv.weight is no convolution's");
    expect(ps__take_mobileone(&f, &mapper, "e."), "tensor e.reparam_conv.bias has 3 entries");
    expect(ps__take_mobileone(&f, &mapper, "f."), "tensor f.conv_kxk.0.bn.bias is missing");
    expect(ps__take_mobileone(&f, &mapper, "h."), "tensor h.identity.weight has the shape [4,1]");
    expect(ps__take_mobileone(&f, &mapper, "none."), "tensor none.reparam_conv.weight, or the branches it is made of, is missing");
    expect(ps__take_linear(&f, &mapper, "none.", NULL), "tensor none.weight is missing");
}
END_TEST

START_TEST(a_negative_variance_is_refused) {
    static const tensor tensors[] = {{"a.weight", 1, {3}, 1, 0}, {"a.bias", 1, {3}, 0, 1}, {"a.running_mean", 1, {3}, 0, 1},
                                     {"a.running_var", 1, {3}, -1, 0.5f}};
    ps__fold f;
    USE(tensors);
    ck_assert_int_eq(ps__take_norm(&f, &mapper, "a.", 3), PS__OK);
    ck_assert_int_eq(ps__fold_factors(&import, "made", &f, &err), PS__OK);
    expect(ps__draft_write(import.draft, package_path, PS__PRECISION_FLOAT, NULL, NULL, &err), "tensor a.running_var holds a negative variance");
}
END_TEST

START_TEST(more_branches_than_are_held_are_refused) {
    static char names[PS__FOLD_BRANCHES + 1][48];
    static tensor tensors[PS__FOLD_BRANCHES + 1];
    ps__fold f;
    for (int i = 0; i <= PS__FOLD_BRANCHES; i++) {
        snprintf(names[i], sizeof names[i], "a.rbr_conv.%d.conv.weight", i);
        tensors[i] = (tensor){names[i], 4, {1, 1, 1, 1}, 0, 1};
    }
    USE(tensors);
    expect(ps__take_mobileone(&f, &mapper, "a."), "a convolution has more than 12 branches");
}
END_TEST

Suite *suite_fold(void) {
    Suite *s = suite_create("fold");
    TCase *t = tcase_create("fold");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, dense_branches_become_one_layer_over_patches);
    tcase_add_test(t, repmixer_becomes_one_depthwise_filter);
    tcase_add_test(t, large_and_small_kernel_become_one_filter);
    tcase_add_test(t, folded_modules_are_taken_as_they_are);
    tcase_add_test(t, layers_of_many_rows_are_made_in_batches);
    tcase_add_test(t, a_norm_alone_becomes_factors);
    tcase_add_test(t, branches_that_do_not_fit_are_refused);
    tcase_add_test(t, a_negative_variance_is_refused);
    tcase_add_test(t, more_branches_than_are_held_are_refused);
    suite_add_tcase(s, t);
    return s;
}
