/*
** FastViT (Vasu et al. 2023) in the shape that MobileCLIP's image towers have (Vasu et al. 2024, MCi), after everything that folds is
** folded: a stem, a flat list of blocks, a last depthwise convolution, the mean over all pixels and a projection. The kinds of block:
**
**     down        a depthwise convolution of stride 2, squeeze-and-excitation and GELU where the block has them, a pointwise layer, GELU
**     position    a depthwise convolution (conditional positional encoding; the identity is in its filter)
**     mixer       a depthwise convolution (RepMixer; so is its identity), then a convolutional feed-forward part
**     attention   a norm, self-attention over all pixels, then a convolutional feed-forward part
**
** Everything between operations is rows of f32, one a pixel; what is pointwise is a dynamic linear layer.
*/
#include <stdio.h>
#include <string.h>

#include "encoder/families/families.h"

#define MAX_BLOCKS 256
#define MAX_CHANNELS 8192
#define MAX_KERNEL 15
#define MAX_FIELDS 4
#define MAX_ATTENDED 4096 /* pixels that see each other: the cost is their square */

enum { BLOCK_DOWN, BLOCK_POSITION, BLOCK_MIXER, BLOCK_ATTENTION, BLOCK_KINDS };
enum { NORM_AFFINE, NORM_LAYER }; /* of an attention block: a batch norm's factor and term, or a layer norm */

typedef struct block {
    int kind;          /* BLOCK_* */
    int n[MAX_FIELDS]; /* as in image.config: what `kinds` says */
} block;

typedef struct range { /* of a field */
    int least, most;
} range;

static const struct {
    const char *name, *fields; /* the first entry, and the others for messages */
    int count;                 /* of fields */
    range ranges[MAX_FIELDS];
} kinds[BLOCK_KINDS] = {
    [BLOCK_DOWN] = {"down", "kernel,out,squeeze,gelu", 4, {{1, MAX_KERNEL}, {1, MAX_CHANNELS}, {0, MAX_CHANNELS}, {0, 1}}},
    [BLOCK_POSITION] = {"position", "kernel", 1, {{1, MAX_KERNEL}}},
    [BLOCK_MIXER] = {"mixer", "kernel,ffn_kernel,ffn", 3, {{1, MAX_KERNEL}, {1, MAX_KERNEL}, {1, 2 * MAX_CHANNELS}}},
    [BLOCK_ATTENTION] = {"attention",
                         "heads,ffn_kernel,ffn,norm",
                         4,
                         {{1, 256}, {1, MAX_KERNEL}, {1, 2 * MAX_CHANNELS}, {NORM_AFFINE, NORM_LAYER}}}};

typedef struct config { /* image.config */
    ps__framing framing;
    int stem;    /* channels */
    int head[3]; /* kernel, channels, squeeze of the last convolution */
    int dim;     /* of the embedding */
    int block_count;
    block blocks[MAX_BLOCKS];
} config;

typedef struct tower { /* one build */
    const ps__package *package;
    const config *c;
    ps__plan *plan;
    int x;               /* buffer of the last operation */
    int width, channels; /* its size; images are square */
    ps__error *err;
} tower;

static const float eps = 1e-5f; /* of layer norms: PyTorch's own, which no model of the family changes */

/* Integers of a list from its entry `first` on. */
static int read_fields(int *out, const json_t *row, size_t first, int count, const range *ranges) {
    if (!json_is_array(row) || json_array_size(row) != first + (size_t)count) return -1;
    for (int i = 0; i < count; i++) {
        const json_t *value = json_array_get(row, first + (size_t)i);
        json_int_t n = json_is_integer(value) ? json_integer_value(value) : -1;
        if (n < ranges[i].least || n > ranges[i].most) return -1;
        out[i] = (int)n;
    }
    return 0;
}

/* What fields must be to each other. Filters are odd, so that they have a middle; an output channel of a depthwise filter belongs to one
** input channel. */
static int fits(const block *b, int channels) {
    switch (b->kind) {
    case BLOCK_DOWN: return b->n[0] % 2 && b->n[1] % channels == 0;
    case BLOCK_POSITION: return b->n[0] % 2;
    case BLOCK_MIXER: return b->n[0] % 2 && b->n[1] % 2;
    default: return channels % b->n[0] == 0 && b->n[1] % 2;
    }
}

static int read_block(block *b, int channels, int index, const json_t *row, const ps__package *package, ps__error *err) {
    const char *name = json_string_value(json_array_get(row, 0));
    for (int k = 0; k < BLOCK_KINDS; k++) {
        if (!name || strcmp(name, kinds[k].name) != 0) continue;
        b->kind = k;
        if (read_fields(b->n, row, 1, kinds[k].count, kinds[k].ranges) == 0 && fits(b, channels)) return PS__OK;
        return ps__fail(err, PS__MODEL, "%s: image.config: block %d is not [\"%s\",%s] that fits %d channels",
                        ps__package_path(package), index, name, kinds[k].fields, channels);
    }
    return ps__fail(err, PS__MODEL, "%s: image.config: block %d is of a kind that is not known, \"%.40s\"",
                    ps__package_path(package), index, name ? name : "");
}

static int read_blocks(config *c, const json_t *json, const ps__package *package, ps__error *err) {
    static const range of_head[3] = {{1, MAX_KERNEL}, {1, MAX_CHANNELS}, {0, MAX_CHANNELS}};
    const json_t *blocks = json_object_get(json, "blocks");
    size_t count = json_array_size(blocks);
    int channels = c->stem;
    if (count < 1 || count > MAX_BLOCKS)
        return ps__fail(err, PS__MODEL, "%s: image.config: \"blocks\" is not a list of 1 to %d blocks", ps__package_path(package),
                        MAX_BLOCKS);
    for (size_t i = 0; i < count; i++) {
        block *b = &c->blocks[i];
        int status = read_block(b, channels, (int)i, json_array_get(blocks, i), package, err);
        if (status) return status;
        if (b->kind == BLOCK_DOWN) channels = b->n[1];
        c->block_count++;
    }
    if (read_fields(c->head, json_object_get(json, "head"), 0, 3, of_head) || c->head[0] % 2 == 0 || c->head[1] % channels)
        return ps__fail(err, PS__MODEL, "%s: image.config: \"head\" is not [kernel,out,squeeze] that fits %d channels",
                        ps__package_path(package), channels);
    return PS__OK;
}

static int read_config(config *c, const ps__package *package, ps__error *err) {
    static const char key[] = "image.config";
    json_t *json = NULL;
    *c = (config){0};
    int status = ps__package_config(&json, package, key, err);
    if (!status) status = ps__family_framing(&c->framing, package, json, err);
    if (!status) status = ps__config_int(&c->stem, package, json, key, "stem", 1, MAX_CHANNELS, err);
    if (!status) status = ps__family_dim(&c->dim, package, err);
    if (!status) status = read_blocks(c, json, package, err);
    json_decref(json);
    return status;
}

static int describe(ps__tower_limits *limits, const ps__package *package, ps__error *err) {
    config c;
    int status = read_config(&c, package, err);
    const ps__framing *f = &c.framing;
    if (!status)
        *limits =
            (ps__tower_limits){.image_size = f->size, .fit = f->fit, .filter = f->filter, .shorter = f->shorter, .dim = c.dim};
    return status;
}

/* Rows to rows through the layer called prefix + name. */
static int add_linear(int *out, tower *t, const char *prefix, const char *name, int in, int in_features, int out_features) {
    int64_t shape[2] = {out_features, in_features};
    char full[48];
    ps__layer layer;
    snprintf(full, sizeof full, "%s%s", prefix, name);
    int status = ps__family_layer(&layer, t->package, full, 2, shape, 0, t->err);
    if (!status) *out = ps__plan_linear(t->plan, full, in, in_features, 1, &layer, &out_features);
    return status;
}

static void add_activation(tower *t, const char *prefix, const char *name, int in, int kind, int features) {
    char full[48];
    snprintf(full, sizeof full, "%s%s", prefix, name);
    ps__plan_activate(t->plan, full, in, kind, features);
}

/* A window that keeps its output centred on its input, as odd filters with padding of half their size do. */
static ps__window window_of(const tower *t, int kernel, int stride, int multiplier) {
    int out = (t->width + 2 * (kernel / 2) - kernel) / stride + 1;
    return (ps__window){.width = t->width,
                        .height = t->width,
                        .channels = t->channels,
                        .kernel_width = kernel,
                        .kernel_height = kernel,
                        .stride = stride,
                        .pad_x = kernel / 2,
                        .pad_y = kernel / 2,
                        .out_width = out,
                        .out_height = out,
                        .multiplier = multiplier};
}

/* A depthwise convolution of `in`, whose size is the tower's; the tower's size becomes the output's. */
static int add_depthwise(int *out, tower *t, const char *prefix, const char *name, int in, int kernel, int stride, int channels) {
    ps__window w = window_of(t, kernel, stride, channels / t->channels);
    int64_t shape[3] = {kernel, kernel, channels};
    const ps__tensor *weight, *bias;
    char full[48];
    snprintf(full, sizeof full, "%s%s", prefix, name);
    int status = ps__package_need(&weight, t->package, PS__F32, 3, shape, t->err, "%s.weight", full);
    if (!status) status = ps__package_need(&bias, t->package, PS__F32, 1, &shape[2], t->err, "%s.bias", full);
    if (status) return status;
    *out = ps__plan_depthwise_float(t->plan, full, in, &w, weight->data, bias->data);
    t->width = w.out_width;
    t->channels = channels;
    return PS__OK;
}

/* Squeeze-and-excitation (Hu et al. 2018): x times sigmoid(fc2(relu(fc1(mean of x)))). */
static int add_squeeze(tower *t, const char *prefix, int squeeze) {
    char name[48];
    int hidden = 0, gate = 0;
    if (!squeeze) return PS__OK;
    snprintf(name, sizeof name, "%smean", prefix);
    int mean = ps__plan_mean(t->plan, name, t->x, t->channels);
    int status = add_linear(&hidden, t, prefix, "squeeze", mean, t->channels, squeeze);
    if (status) return status;
    add_activation(t, prefix, "relu", hidden, PS__RELU, squeeze);
    status = add_linear(&gate, t, prefix, "excite", hidden, squeeze, t->channels);
    if (status) return status;
    add_activation(t, prefix, "sigmoid", gate, PS__SIGMOID, t->channels);
    snprintf(name, sizeof name, "%sgate", prefix);
    ps__plan_gate(t->plan, name, t->x, gate, t->channels);
    return PS__OK;
}

/* Three convolutions, each with GELU: 3x3 of stride 2, depthwise 3x3 of stride 2, pointwise. */
static int add_stem(tower *t) {
    const ps__framing *f = &t->c->framing;
    int stem = t->c->stem;
    ps__window w = window_of(t, 3, 2, 1);
    int pixels = ps__plan_pixels(t->plan, "image.pixels", f->size, f->size, f->mean, f->std);
    int patches = ps__plan_patches(t->plan, "image.stem.patches", pixels, &w);
    int status = add_linear(&t->x, t, "image.stem.", "conv", patches, 27, stem);
    if (status) return status;
    t->width = w.out_width;
    t->channels = stem;
    add_activation(t, "image.stem.", "gelu1", t->x, PS__GELU, stem);
    status = add_depthwise(&t->x, t, "image.stem.", "depthwise", t->x, 3, 2, stem);
    if (status) return status;
    add_activation(t, "image.stem.", "gelu2", t->x, PS__GELU, stem);
    status = add_linear(&t->x, t, "image.stem.", "pointwise", t->x, stem, stem);
    if (!status) add_activation(t, "image.stem.", "gelu3", t->x, PS__GELU, stem);
    return status;
}

static int add_down(tower *t, const block *b, const char *prefix) {
    int out = b->n[1], status = add_depthwise(&t->x, t, prefix, "depthwise", t->x, b->n[0], 2, out);
    if (!status) status = add_squeeze(t, prefix, b->n[2]);
    if (status) return status;
    if (b->n[3]) add_activation(t, prefix, "gelu1", t->x, PS__GELU, out);
    status = add_linear(&t->x, t, prefix, "pointwise", t->x, out, out);
    if (!status) add_activation(t, prefix, "gelu2", t->x, PS__GELU, out);
    return status;
}

/* x += fc2(gelu(fc1(depthwise(x)))) */
static int add_ffn(tower *t, const char *prefix, int kernel, int ffn) {
    char name[48];
    int mixed = 0, hidden = 0, back = 0;
    int status = add_depthwise(&mixed, t, prefix, "ffn", t->x, kernel, 1, t->channels);
    if (!status) status = add_linear(&hidden, t, prefix, "fc1", mixed, t->channels, ffn);
    if (status) return status;
    add_activation(t, prefix, "gelu", hidden, PS__GELU, ffn);
    status = add_linear(&back, t, prefix, "fc2", hidden, ffn, t->channels);
    if (status) return status;
    snprintf(name, sizeof name, "%ssum", prefix);
    ps__plan_add(t->plan, name, t->x, back, t->channels);
    return PS__OK;
}

static int add_mixer(tower *t, const block *b, const char *prefix) {
    int status = add_depthwise(&t->x, t, prefix, "depthwise", t->x, b->n[0], 1, t->channels);
    return status ? status : add_ffn(t, prefix, b->n[1], b->n[2]);
}

/* A layer norm; or a factor and a term a channel, which is a depthwise filter of one pixel. */
static int add_norm(int *out, tower *t, const char *prefix, int kind) {
    ps__window w = window_of(t, 1, 1, 1);
    int64_t shape[1] = {t->channels};
    const ps__tensor *weight, *bias;
    char name[48];
    snprintf(name, sizeof name, "%snorm", prefix);
    int status = ps__package_need(&weight, t->package, PS__F32, 1, shape, t->err, "%s.weight", name);
    if (!status) status = ps__package_need(&bias, t->package, PS__F32, 1, shape, t->err, "%s.bias", name);
    if (status) return status;
    if (kind == NORM_LAYER)
        *out = ps__plan_norm_of(t->plan, name, t->x, weight->data, bias->data, eps, t->channels);
    else
        *out = ps__plan_depthwise_float(t->plan, name, t->x, &w, weight->data, bias->data);
    return PS__OK;
}

static int add_attention(tower *t, const block *b, const char *prefix) {
    char name[48];
    int normed = 0, qkv = 0, back = 0, channels = t->channels;
    if (t->width * t->width > MAX_ATTENDED)
        return ps__fail(t->err, PS__MODEL, "%s: image.config: attention over %d x %d pixels, more than %d in all",
                        ps__package_path(t->package), t->width, t->width, MAX_ATTENDED);
    int status = add_norm(&normed, t, prefix, b->n[3]);
    if (!status) status = add_linear(&qkv, t, prefix, "qkv", normed, channels, 3 * channels);
    if (status) return status;
    snprintf(name, sizeof name, "%sattention", prefix);
    int mixed = ps__plan_attention(t->plan, name, qkv, channels, b->n[0], 0);
    status = add_linear(&back, t, prefix, "output", mixed, channels, channels);
    if (status) return status;
    snprintf(name, sizeof name, "%sadd", prefix);
    ps__plan_add(t->plan, name, t->x, back, channels);
    return add_ffn(t, prefix, b->n[1], b->n[2]);
}

static int add_block(tower *t, int index) {
    const block *b = &t->c->blocks[index];
    char prefix[32];
    int status;
    snprintf(prefix, sizeof prefix, "image.%d.", index);
    switch (b->kind) {
    case BLOCK_DOWN: status = add_down(t, b, prefix); break;
    case BLOCK_POSITION: status = add_depthwise(&t->x, t, prefix, "depthwise", t->x, b->n[0], 1, t->channels); break;
    case BLOCK_MIXER: status = add_mixer(t, b, prefix); break;
    default: status = add_attention(t, b, prefix); break;
    }
    ps__package_release(t->package); /* its weights are packed now */
    return status;
}

static int add_head(tower *t) {
    const int *head = t->c->head;
    int status = add_depthwise(&t->x, t, "image.", "head", t->x, head[0], 1, head[1]);
    if (!status) status = add_squeeze(t, "image.head.", head[2]);
    if (status) return status;
    ps__plan_activate(t->plan, "image.head.gelu", t->x, PS__GELU, head[1]);
    int mean = ps__plan_mean(t->plan, "image.mean", t->x, head[1]);
    return add_linear(&t->x, t, "image.", "proj", mean, head[1], t->c->dim);
}

static int build(ps__plan **out, const ps__package *package, const ps__kernels *kernels, int precision, ps__error *err) {
    config c;
    *out = NULL;
    int status = read_config(&c, package, err);
    if (status) return status;
    tower t = {.package = package,
               .c = &c,
               .plan = ps__plan_new(kernels, precision, 1),
               .width = c.framing.size,
               .channels = 3,
               .err = err};
    if (!t.plan) return ps__fail_nomem(err);
    ps__plan_refine(t.plan, 1); /* convolutions give channels of very different sizes, which rows of 8 bits do not hold */
    status = add_stem(&t);
    for (int i = 0; i < c.block_count && !status; i++) status = add_block(&t, i);
    if (!status) status = add_head(&t);
    if (!status) {
        ps__plan_normalize(t.plan, "image.embedding", t.x, c.dim);
        status = ps__plan_finish(t.plan, t.x, c.dim, ps__package_path(package), err);
    }
    if (status)
        ps__plan_free(t.plan);
    else
        *out = t.plan;
    return status;
}

const ps__family ps__family_fastvit = {.name = "fastvit", .is_text = 0, .describe = describe, .build = build};
