/*
** MobileCLIP's hybrid text tower (Vasu et al. 2024, MCt): transformer blocks, of which some are in truth convolutions along the text: a
** depthwise one that mixes neighbouring tokens, then a feed-forward part with another (RepMixer, folded, as in fastvit.c). Rows are a picture
** of one line. Convolutions see what a text is filled up with, so the tower always runs on max_tokens rows.
*/
#include <stdio.h>

#include "encoder/families/blocks.h"

#define MAX_MIXERS 64
#define MAX_KERNEL 31

typedef struct mixer {
    int index;              /* of the block it stands for */
    int kernel, ffn_kernel; /* tokens, odd */
    int ffn;                /* hidden features */
} mixer;

typedef struct config { /* text.config; see docs/model-package.md */
    int max_tokens;
    int eot; /* id of the token whose row is pooled */
    int dim; /* of the embedding */
    int mixer_count;
    mixer mixers[MAX_MIXERS]; /* rising */
} config;

static const char key[] = "text.config";

static int read_mixer(mixer *m, int least, int layers, const json_t *row) {
    int *fields[4] = {&m->index, &m->kernel, &m->ffn_kernel, &m->ffn};
    const int low[4] = {least, 1, 1, 1}, high[4] = {layers - 1, MAX_KERNEL, MAX_KERNEL, 16384};
    if (json_array_size(row) != 4) return -1;
    for (size_t i = 0; i < 4; i++) {
        const json_t *value = json_array_get(row, i);
        json_int_t n = json_is_integer(value) ? json_integer_value(value) : -1;
        if (n < low[i] || n > high[i]) return -1;
        *fields[i] = (int)n;
    }
    return m->kernel % 2 && m->ffn_kernel % 2 ? 0 : -1;
}

static int read_mixers(config *c, const json_t *json, const ps__stack *s) {
    const json_t *list = json_object_get(json, "mixers");
    size_t count = json_array_size(list);
    if (!json_is_array(list) || count > MAX_MIXERS)
        return ps__fail(s->err, PS__MODEL, "%s: %s: \"mixers\" is not a list of at most %d blocks", ps__package_path(s->package),
                        key, MAX_MIXERS);
    for (size_t i = 0; i < count; i++) {
        int least = i ? c->mixers[i - 1].index + 1 : 0;
        if (read_mixer(&c->mixers[i], least, s->layers, json_array_get(list, i)))
            return ps__fail(s->err, PS__MODEL,
                            "%s: %s: entry %zu of \"mixers\" is not [block,kernel,ffn_kernel,ffn] with rising blocks below %d",
                            ps__package_path(s->package), key, i, s->layers);
        c->mixer_count++;
    }
    return PS__OK;
}

/* s->package and s->err are set. */
static int read_config(config *c, ps__stack *s) {
    json_t *json = NULL;
    int pad;
    *c = (config){0};
    int status = ps__package_config(&json, s->package, key, s->err);
    if (!status) status = ps__stack_read(s, json, key);
    if (!status) status = ps__config_int(&c->max_tokens, s->package, json, key, "max_tokens", 3, 1024, s->err);
    if (!status) status = ps__config_flag(&s->causal, s->package, json, key, "causal", s->err);
    if (!status) status = ps__config_int(&c->eot, s->package, json, key, "eot", 0, INT32_MAX, s->err);
    if (!status)
        status = ps__config_int(&pad, s->package, json, key, "pad", 0, INT32_MAX, s->err); /* so that all runs are full */
    if (!status) status = ps__family_dim(&c->dim, s->package, s->err);
    if (!status) status = read_mixers(c, json, s);
    json_decref(json);
    return status;
}

static int describe(ps__tower_limits *limits, const ps__package *package, ps__error *err) {
    ps__stack s = {.package = package, .side = "text", .err = err};
    config c;
    int status = read_config(&c, &s);
    if (!status) *limits = (ps__tower_limits){.max_tokens = c.max_tokens, .dim = c.dim};
    return status;
}

static int add_embedding(int *out, const ps__stack *s, const config *c) {
    ps__word_table words;
    const ps__tensor *position;
    int64_t vocab = 0;
    const int64_t places[2] = {c->max_tokens, s->width};
    int status = ps__family_words(&words, &vocab, s->package, s->width, s->err);
    if (!status) status = ps__package_need(&position, s->package, PS__F32, 2, places, s->err, "text.embed.position");
    if (!status) *out = ps__plan_embed(s->plan, "text.embed", &words, position->data, s->width);
    return status;
}

/* Over neighbouring rows: filter F32 [1][kernel][width]. */
static int add_depthwise(int *out, const ps__stack *s, const config *c, const char *name, int in, int kernel) {
    const ps__window w = {.width = c->max_tokens,
                          .height = 1,
                          .channels = s->width,
                          .kernel_width = kernel,
                          .kernel_height = 1,
                          .stride = 1,
                          .pad_x = kernel / 2,
                          .out_width = c->max_tokens,
                          .out_height = 1,
                          .multiplier = 1};
    const int64_t shape[3] = {1, kernel, s->width};
    const ps__tensor *weight, *bias;
    int status = ps__package_need(&weight, s->package, PS__F32, 3, shape, s->err, "%s.weight", name);
    if (!status) status = ps__package_need(&bias, s->package, PS__F32, 1, &shape[2], s->err, "%s.bias", name);
    if (!status) *out = ps__plan_depthwise_float(s->plan, name, in, &w, weight->data, bias->data);
    return status;
}

/* x = depthwise(x); x += fc2(gelu(fc1(ffn(x)))) */
static int add_mixer(int *x, const ps__stack *s, const config *c, const mixer *m) {
    char name[48];
    int mixed = 0, hidden = 0, back = 0;
    snprintf(name, sizeof name, "text.%d.depthwise", m->index);
    int status = add_depthwise(x, s, c, name, *x, m->kernel);
    snprintf(name, sizeof name, "text.%d.ffn", m->index);
    if (!status) status = add_depthwise(&mixed, s, c, name, *x, m->ffn_kernel);
    snprintf(name, sizeof name, "text.%d.fc1", m->index);
    if (!status) status = ps__stack_linear(&hidden, s, name, mixed, s->width, m->ffn);
    if (status) return status;
    snprintf(name, sizeof name, "text.%d.gelu", m->index);
    ps__plan_activate(s->plan, name, hidden, s->activation, m->ffn);
    snprintf(name, sizeof name, "text.%d.fc2", m->index);
    if ((status = ps__stack_linear(&back, s, name, hidden, m->ffn, s->width)) != PS__OK) return status;
    snprintf(name, sizeof name, "text.%d", m->index);
    ps__plan_add(s->plan, name, *x, back, s->width);
    ps__package_release(s->package); /* its weights are packed now */
    return PS__OK;
}

static int add_tower(const ps__stack *s, const config *c) {
    int x = 0, m = 0;
    int status = add_embedding(&x, s, c);
    for (int i = 0; i < s->layers && !status; i++)
        if (m < c->mixer_count && c->mixers[m].index == i)
            status = add_mixer(&x, s, c, &c->mixers[m++]);
        else
            status = ps__stack_block(s, x, i);
    if (status) return status;
    int pooled = ps__plan_select(s->plan, "text.pooled", x, c->eot, s->width);
    status = ps__stack_norm(NULL, s, "text.norm", pooled); /* a row's norm depends on no other row */
    if (!status) status = ps__stack_linear(&pooled, s, "text.proj", pooled, s->width, c->dim);
    if (status) return status;
    ps__plan_normalize(s->plan, "text.embedding", pooled, c->dim);
    return ps__plan_finish(s->plan, pooled, c->dim, ps__package_path(s->package), s->err);
}

static int build(ps__plan **out, const ps__package *package, const ps__kernels *kernels, int precision, ps__error *err) {
    ps__stack s = {.package = package, .side = "text", .err = err};
    config c;
    *out = NULL;
    int status = read_config(&c, &s);
    if (status) return status;
    if (!(s.plan = ps__plan_new(kernels, precision, c.max_tokens))) return ps__fail_nomem(err);
    ps__plan_centre(s.plan);
    status = add_tower(&s, &c);
    if (status)
        ps__plan_free(s.plan);
    else
        *out = s.plan;
    return status;
}

const ps__family ps__family_mct = {.name = "mct", .is_text = 1, .describe = describe, .build = build};
