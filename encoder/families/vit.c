/*
** Vision transformers (Dosovitskiy et al. 2020) as image towers: CLIP's (a class token, whose row is projected), SigLIP's (rows
** pooled by attention of one learnt query: Zhai et al. 2022), and MobileCLIP-B's, which looks at its patches through a few
** convolutions first.
*/
#include <stdio.h>
#include <string.h>

#include "encoder/families/blocks.h"

#define MAX_STEM 8
#define MAX_PATCHES 4096

enum { POOL_CLASS, POOL_ATTENTION };

typedef struct convolution { /* of the stem, without padding */
    int kernel, stride, out; /* as in image.config */
} convolution;

typedef struct config { /* image.config; see docs/model-package.md */
    ps__framing framing;
    int patch;    /* kernel and stride of the last convolution */
    int pool;     /* POOL_* */
    int pre_norm; /* the rows are normalised before the first block */
    int has_proj; /* else the pooled row is the embedding */
    int dim;      /* of the embedding */
    int stem_count;
    convolution stem[MAX_STEM];
} config;

typedef struct tower { /* one build */
    ps__stack s;
    const config *c;
    int buffer;         /* output of the last operation */
    int side, channels; /* of the picture it holds */
} tower;

static const char key[] = "image.config";

static int read_convolution(convolution *out, const json_t *row) {
    int *fields[3] = {&out->kernel, &out->stride, &out->out};
    static const int most[3] = {32, 32, 2048};
    if (json_array_size(row) != 3) return -1;
    for (size_t i = 0; i < 3; i++) {
        const json_t *value = json_array_get(row, i);
        json_int_t n = json_is_integer(value) ? json_integer_value(value) : 0;
        if (n < 1 || n > most[i]) return -1;
        *fields[i] = (int)n;
    }
    return 0;
}

static int read_stem(config *c, const json_t *json, const ps__package *package, ps__error *err) {
    const json_t *stem = json_object_get(json, "stem");
    size_t count = json_array_size(stem);
    if (stem && (!json_is_array(stem) || count > MAX_STEM))
        return ps__fail(err, PS__MODEL, "%s: %s: \"stem\" is not a list of at most %d convolutions", ps__package_path(package),
                        key, MAX_STEM);
    for (size_t i = 0; i < count; i++, c->stem_count++)
        if (read_convolution(&c->stem[i], json_array_get(stem, i)))
            return ps__fail(err, PS__MODEL, "%s: %s: convolution %zu of \"stem\" is not [kernel,stride,out]",
                            ps__package_path(package), key, i);
    return PS__OK;
}

/* Pixels a side of what the window leaves of `side`; 0 where it does not fit in. */
static int left_of(int side, int kernel, int stride) { return kernel > side ? 0 : (side - kernel) / stride + 1; }

static int check_grid(const config *c, const ps__package *package, ps__error *err) {
    int side = c->framing.size;
    for (int i = 0; i < c->stem_count; i++) side = left_of(side, c->stem[i].kernel, c->stem[i].stride);
    int grid = left_of(side, c->patch, c->patch);
    if (grid >= 1 && grid * grid <= MAX_PATCHES) return PS__OK;
    return ps__fail(err, PS__MODEL, "%s: %s: a picture of %d pixels a side has %d patches, not 1 to %d",
                    ps__package_path(package), key, c->framing.size, grid * grid, MAX_PATCHES);
}

/* s->package and s->err are set. */
static int read_config(config *c, ps__stack *s) {
    static const char *const pools[] = {[POOL_CLASS] = "class", [POOL_ATTENTION] = "attention"};
    json_t *json = NULL;
    *c = (config){0};
    int status = ps__package_config(&json, s->package, key, s->err);
    if (!status) status = ps__family_framing(&c->framing, s->package, json, s->err);
    if (!status) status = ps__stack_read(s, json, key);
    if (!status) status = ps__config_int(&c->patch, s->package, json, key, "patch", 1, 32, s->err);
    if (!status) status = ps__config_choice(&c->pool, s->package, json, key, "pool", pools, 2, s->err);
    if (!status) status = ps__config_flag(&c->pre_norm, s->package, json, key, "pre_norm", s->err);
    if (!status) status = ps__config_flag(&c->has_proj, s->package, json, key, "proj", s->err);
    if (!status) status = ps__family_dim(&c->dim, s->package, s->err);
    if (!status) status = read_stem(c, json, s->package, s->err);
    if (!status) status = check_grid(c, s->package, s->err);
    if (!status && !c->has_proj && c->dim != s->width)
        status = ps__fail(s->err, PS__MODEL, "%s: %s: without a projection, dim %d must be the width %d",
                          ps__package_path(s->package), key, c->dim, s->width);
    json_decref(json);
    return status;
}

static int describe(ps__tower_limits *limits, const ps__package *package, ps__error *err) {
    ps__stack s = {.package = package, .side = "image", .err = err};
    config c;
    int status = read_config(&c, &s);
    const ps__framing *f = &c.framing;
    if (!status)
        *limits =
            (ps__tower_limits){.image_size = f->size, .fit = f->fit, .filter = f->filter, .shorter = f->shorter, .dim = c.dim};
    return status;
}

/* A convolution as a linear layer over patches. */
static int add_convolution(tower *t, const char *name, int kernel, int stride, int out) {
    int side = left_of(t->side, kernel, stride);
    const ps__window window = {.width = t->side,
                               .height = t->side,
                               .channels = t->channels,
                               .kernel_width = kernel,
                               .kernel_height = kernel,
                               .stride = stride,
                               .out_width = side,
                               .out_height = side};
    char patches[48];
    snprintf(patches, sizeof patches, "%s.patches", name);
    int rows = ps__plan_patches(t->s.plan, patches, t->buffer, &window);
    int status = ps__stack_linear(&t->buffer, &t->s, name, rows, kernel * kernel * t->channels, out);
    t->side = side;
    t->channels = out;
    return status;
}

static int add_stem(tower *t) {
    char name[48];
    int status = PS__OK;
    for (int i = 0; i < t->c->stem_count && !status; i++) {
        const convolution *c = &t->c->stem[i];
        snprintf(name, sizeof name, "image.stem.%d", i);
        status = add_convolution(t, name, c->kernel, c->stride, c->out);
        snprintf(name, sizeof name, "image.stem.%d.gelu", i);
        if (!status) ps__plan_activate(t->s.plan, name, t->buffer, t->s.activation, c->out);
    }
    return status;
}

/* Pixels to the rows that the blocks see. */
static int add_rows(tower *t) {
    const config *c = t->c;
    const ps__tensor *position, *class = NULL;
    t->buffer = ps__plan_pixels(t->s.plan, "image.pixels", c->framing.size, c->framing.size, c->framing.mean, c->framing.std);
    int status = add_stem(t);
    if (!status) status = add_convolution(t, "image.patch", c->patch, c->patch, t->s.width);
    const int64_t places[2] = {(int64_t)t->side * t->side, t->s.width};
    if (!status) status = ps__package_need(&position, t->s.package, PS__F32, 2, places, t->s.err, "image.position");
    if (!status && c->pool == POOL_CLASS)
        status = ps__package_need(&class, t->s.package, PS__F32, 1, &places[1], t->s.err, "image.class");
    if (status) return status;
    ps__plan_add_table(t->s.plan, "image.rows", t->buffer, position->data, t->s.width);
    if (class) t->buffer = ps__plan_prepend(t->s.plan, "image.rows.class", t->buffer, class->data, t->s.width);
    return c->pre_norm ? ps__stack_norm(NULL, &t->s, "image.pre_norm", t->buffer) : PS__OK;
}

/* The class token's row, normalised: a row's norm depends on no other row. */
static int pool_class(tower *t) {
    t->buffer = ps__plan_select(t->s.plan, "image.pooled", t->buffer, PS__FIRST_ROW, t->s.width);
    return ps__stack_norm(NULL, &t->s, "image.norm", t->buffer);
}

/* y = output(attention(query, rows)); y += fc2(activation(fc1(norm(y)))), with rows normalised first. */
static int pool_attention(tower *t) {
    static const char *const names[] = {"key", "value"};
    const ps__tensor *query;
    const int64_t shape[1] = {t->s.width};
    int kv = 0, y = 0, normed = 0, back = 0;
    int status = ps__stack_norm(NULL, &t->s, "image.norm", t->buffer);
    if (!status) status = ps__package_need(&query, t->s.package, PS__F32, 1, shape, t->s.err, "image.pool.query");
    if (!status) status = ps__stack_parts(&kv, &t->s, "image.pool.", names, 2, t->buffer, t->s.width, t->s.width);
    if (status) return status;
    int attended = ps__plan_attend_once(t->s.plan, "image.pool.attention", query->data, kv, t->s.width, t->s.heads);
    status = ps__stack_linear(&y, &t->s, "image.pool.output", attended, t->s.width, t->s.width);
    if (!status) status = ps__stack_norm(&normed, &t->s, "image.pool.norm", y);
    if (!status) status = ps__stack_perceptron(&back, &t->s, "image.pool.", normed);
    if (status) return status;
    t->buffer = ps__plan_add(t->s.plan, "image.pooled", y, back, t->s.width);
    return PS__OK;
}

static int add_tower(tower *t) {
    int status = add_rows(t);
    for (int i = 0; i < t->s.layers && !status; i++) status = ps__stack_block(&t->s, t->buffer, i);
    if (!status) status = t->c->pool == POOL_CLASS ? pool_class(t) : pool_attention(t);
    if (!status && t->c->has_proj) status = ps__stack_linear(&t->buffer, &t->s, "image.proj", t->buffer, t->s.width, t->c->dim);
    if (status) return status;
    ps__plan_normalize(t->s.plan, "image.embedding", t->buffer, t->c->dim);
    return ps__plan_finish(t->s.plan, t->buffer, t->c->dim, ps__package_path(t->s.package), t->s.err);
}

static int build(ps__plan **out, const ps__package *package, const ps__kernels *kernels, int precision, ps__error *err) {
    config c;
    tower t = {.s = {.package = package, .side = "image", .err = err}, .c = &c};
    *out = NULL;
    int status = read_config(&c, &t.s);
    if (status) return status;
    t.side = c.framing.size;
    t.channels = 3;
    if (!(t.s.plan = ps__plan_new(kernels, precision, 1))) return ps__fail_nomem(err);
    ps__plan_centre(t.s.plan);
    status = add_tower(&t);
    if (status)
        ps__plan_free(t.s.plan);
    else
        *out = t.s.plan;
    return status;
}

const ps__family ps__family_vit = {.name = "vit", .is_text = 0, .describe = describe, .build = build};
