/*
** EfficientNet-Lite (Tan and Le 2019, the Lite variant without squeeze-and-excitation and with ReLU6): a stem, inverted-bottleneck
** blocks, a head, the mean over pixels and a projection into the shared space.
*/
#include <stdio.h>
#include <string.h>

#include "encoder/families/families.h"

#define MAX_BLOCKS 64
#define MAX_CHANNELS 8192

typedef struct block {                   /* one inverted bottleneck */
    int kernel, stride, expand, in, out; /* as in image.config */
} block;

typedef struct config {              /* image.config */
    int size, mean, std, stem, head; /* see docs/model-package.md */
    int dim;                         /* of the embedding */
    int block_count;
    block blocks[MAX_BLOCKS];
} config;

typedef struct tower { /* one build */
    const ps__package *package;
    const config *c;
    ps__plan *plan;
    int buffer;          /* output of the last operation */
    int width, channels; /* its size; images are square */
    ps__error *err;
} tower;

static int read_block(block *b, const config *c, const json_t *row, const ps__package *package, ps__error *err) {
    int *fields[5] = {&b->kernel, &b->stride, &b->expand, &b->in, &b->out};
    static const int least[5] = {3, 1, 1, 1, 1}, most[5] = {7, 2, 6, MAX_CHANNELS / 6, MAX_CHANNELS / 6};
    int good = json_is_array(row) && json_array_size(row) == 5;
    for (size_t i = 0; good && i < 5; i++) {
        const json_t *value = json_array_get(row, i);
        json_int_t n = json_is_integer(value) ? json_integer_value(value) : -1;
        good = n >= least[i] && n <= most[i];
        *fields[i] = (int)n;
    }
    int previous = c->block_count ? c->blocks[c->block_count - 1].out : c->stem;
    if (!good || b->kernel % 2 == 0 || b->in != previous)
        return ps__fail(err, PS__MODEL, "%s: image.config: block %d is not [kernel,stride,expand,in,out] with in = %d",
                        ps__package_path(package), c->block_count, previous);
    return PS__OK;
}

static int read_blocks(config *c, const json_t *json, const ps__package *package, ps__error *err) {
    const json_t *blocks = json_object_get(json, "blocks");
    size_t count = json_array_size(blocks);
    if (count < 1 || count > MAX_BLOCKS)
        return ps__fail(err, PS__MODEL, "%s: image.config: \"blocks\" is not a list of 1 to %d blocks", ps__package_path(package),
                        MAX_BLOCKS);
    for (size_t i = 0; i < count; i++) {
        int status = read_block(&c->blocks[i], c, json_array_get(blocks, i), package, err);
        if (status) return status;
        c->block_count++;
    }
    return PS__OK;
}

static int read_config(config *c, const ps__package *package, ps__error *err) {
    static const char key[] = "image.config";
    json_t *json = NULL;
    *c = (config){0};
    int status = ps__package_config(&json, package, key, err);
    if (!status) status = ps__config_int(&c->size, package, json, key, "size", 16, 1024, err);
    if (!status) status = ps__config_int(&c->mean, package, json, key, "mean", 0, 255, err);
    if (!status) status = ps__config_int(&c->std, package, json, key, "std", 1, 1024, err);
    if (!status) status = ps__config_int(&c->stem, package, json, key, "stem", 1, MAX_CHANNELS, err);
    if (!status) status = ps__config_int(&c->head, package, json, key, "head", 1, MAX_CHANNELS, err);
    if (!status) status = ps__family_dim(&c->dim, package, err);
    if (!status) status = read_blocks(c, json, package, err);
    const char *fit = json_string_value(json_object_get(json, "fit"));
    if (!status && (!fit || strcmp(fit, "squash") != 0))
        status =
            ps__fail(err, PS__MODEL, "%s: image.config: fit \"%.40s\" is not known", ps__package_path(package), fit ? fit : "");
    json_decref(json);
    return status;
}

static int describe(ps__tower_limits *limits, const ps__package *package, ps__error *err) {
    config c;
    int status = read_config(&c, package, err);
    if (!status) *limits = (ps__tower_limits){.image_size = c.size, .dim = c.dim};
    return status;
}

/* weight, scale, bias and the output's quantisation of a convolution. */
static int read_conv(ps__layer *layer, tower *t, const char *name, int rank, const int64_t *shape, int output_axis) {
    static const int64_t two[1] = {2};
    const ps__tensor *out;
    int status = ps__family_layer(layer, t->package, name, rank, shape, output_axis, t->err);
    if (!status) status = ps__package_need(&out, t->package, PS__F32, 1, two, t->err, "%s.out", name);
    if (status) return status;
    const float *q = out->data;
    if (!(q[0] > 1e-30f) || !(q[1] >= 0 && q[1] <= 255) || q[1] != (float)(int)q[1])
        return ps__fail(t->err, PS__MODEL, "%s: tensor %s.out is not a scale above 0 and a zero point from 0 to 255",
                        ps__package_path(t->package), name);
    layer->out_scale = q[0];
    layer->out_zero = (int)q[1];
    return PS__OK;
}

static int add_pointwise(tower *t, const char *name, int out_channels, int residual, int relu6) {
    ps__geometry g = {t->width, t->width, t->channels, out_channels, 1, 1, relu6};
    int64_t shape[2] = {out_channels, t->channels};
    ps__layer layer;
    int status = read_conv(&layer, t, name, 2, shape, 0);
    if (status) return status;
    t->buffer = ps__plan_conv(t->plan, name, t->buffer, residual, &g, &layer);
    t->channels = out_channels;
    return PS__OK;
}

static int add_stem(tower *t) {
    ps__geometry g = {t->width, t->width, 3, t->c->stem, 3, 2, 1};
    int64_t shape[4] = {t->c->stem, 3, 3, 3};
    ps__layer layer;
    int status = read_conv(&layer, t, "image.stem", 4, shape, 0);
    if (status) return status;
    t->buffer = ps__plan_conv(t->plan, "image.stem", PS__PLAN_INPUT, PS__NO_BUFFER, &g, &layer);
    t->width = (t->width + 1) / 2;
    t->channels = t->c->stem;
    return PS__OK;
}

static int add_block(tower *t, int index) {
    const block *b = &t->c->blocks[index];
    int in = t->buffer, status = PS__OK;
    char name[48];
    if (b->expand > 1) {
        snprintf(name, sizeof name, "image.%d.expand", index);
        status = add_pointwise(t, name, b->in * b->expand, PS__NO_BUFFER, 1);
    }
    if (status) return status;
    snprintf(name, sizeof name, "image.%d.depthwise", index);
    ps__geometry g = {t->width, t->width, t->channels, t->channels, b->kernel, b->stride, 1};
    int64_t shape[3] = {b->kernel, b->kernel, t->channels};
    ps__layer layer;
    if ((status = read_conv(&layer, t, name, 3, shape, 2)) != PS__OK) return status;
    t->buffer = ps__plan_depthwise(t->plan, name, t->buffer, &g, &layer);
    t->width = (t->width + b->stride - 1) / b->stride;
    snprintf(name, sizeof name, "image.%d.project", index);
    status = add_pointwise(t, name, b->out, b->stride == 1 && b->in == b->out ? in : PS__NO_BUFFER, 0);
    ps__package_release(t->package); /* its weights are packed now */
    return status;
}

static int add_linear(int *buffer, tower *t, const char *name, int in, int in_features, int out_features) {
    int64_t shape[2] = {out_features, in_features};
    ps__layer layer;
    int status = ps__family_layer(&layer, t->package, name, 2, shape, 0, t->err);
    if (!status) *buffer = ps__plan_linear(t->plan, name, in, in_features, 1, &layer, &out_features);
    return status;
}

/* Pooled features to the embedding: a projection, and beside it a small perceptron when the package has one. */
static int add_projection(tower *t) {
    int pooled = ps__plan_pool(t->plan, "image.pooled", t->buffer, t->width * t->width, t->channels), embedding = 0, hidden = 0,
        more = 0;
    int status = add_linear(&embedding, t, "image.proj", pooled, t->channels, t->c->dim);
    const ps__tensor *fc1 = ps__package_find(t->package, "image.mlp.fc1.weight");
    if (!status && fc1) {
        int width = fc1->rank == 2 && fc1->shape[0] <= MAX_CHANNELS ? (int)fc1->shape[0] : 1;
        status = add_linear(&hidden, t, "image.mlp.fc1", pooled, t->channels, width);
        if (!status) {
            ps__plan_activate(t->plan, "image.mlp.gelu", hidden, PS__GELU, width);
            status = add_linear(&more, t, "image.mlp.fc2", hidden, width, t->c->dim);
        }
        if (!status) ps__plan_add(t->plan, "image.mlp.add", embedding, more, t->c->dim);
    }
    t->buffer = embedding;
    return status;
}

static int build(ps__plan **out, const ps__package *package, const ps__kernels *kernels, int precision, ps__error *err) {
    config c;
    *out = NULL;
    int status = read_config(&c, package, err);
    if (status) return status;
    tower t = {
        .package = package, .c = &c, .plan = ps__plan_new(kernels, precision, 1), .width = c.size, .channels = 3, .err = err};
    if (!t.plan) return ps__fail_nomem(err);
    ps__plan_input(t.plan, 1.0f / (float)c.std, c.mean);
    status = add_stem(&t);
    for (int i = 0; i < c.block_count && !status; i++) status = add_block(&t, i);
    if (!status) status = add_pointwise(&t, "image.head", c.head, PS__NO_BUFFER, 1);
    if (!status) status = add_projection(&t);
    if (!status) {
        ps__plan_normalize(t.plan, "image.embedding", t.buffer, c.dim);
        status = ps__plan_finish(t.plan, t.buffer, c.dim, ps__package_path(package), err);
    }
    if (status)
        ps__plan_free(t.plan);
    else
        *out = t.plan;
    return status;
}

const ps__family ps__family_efficientnet_lite = {.name = "efficientnet-lite", .is_text = 0, .describe = describe, .build = build};
