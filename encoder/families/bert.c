/*
** BERT (Devlin et al. 2018) with a projection of the mean of its rows, the shape of sentence encoders such as MiniLM, or of the
** first row, that of Chinese-CLIP's text tower.
*/
#include <stdio.h>
#include <string.h>

#include "encoder/families/blocks.h"

typedef struct config {                         /* text.config */
    int layers, hidden, heads, ffn, max_tokens; /* see docs/model-package.md */
    float eps;                                  /* of every LayerNorm */
    int is_first;                               /* the first row is projected, not the mean of all */
    int dim;                                    /* of the embedding */
} config;

typedef struct tower { /* one build */
    const ps__package *package;
    const config *c;
    ps__plan *plan;
    ps__error *err;
} tower;

static int read_config(config *c, const ps__package *package, ps__error *err) {
    static const char key[] = "text.config", *const pools[] = {"mean", "first"};
    json_t *json = NULL;
    *c = (config){0};
    int status = ps__package_config(&json, package, key, err);
    if (!status) status = ps__config_int(&c->layers, package, json, key, "layers", 1, 64, err);
    if (!status) status = ps__config_int(&c->hidden, package, json, key, "hidden", 8, 4096, err);
    if (!status) status = ps__config_int(&c->heads, package, json, key, "heads", 1, 64, err);
    if (!status) status = ps__config_int(&c->ffn, package, json, key, "ffn", 8, 16384, err);
    if (!status) status = ps__config_int(&c->max_tokens, package, json, key, "max_tokens", 3, 1024, err);
    if (!status) status = ps__family_dim(&c->dim, package, err);
    if (!status) status = ps__config_choice(&c->is_first, package, json, key, "pool", pools, 2, err);
    double eps = json_number_value(json_object_get(json, "eps"));
    if (!status && (c->hidden % c->heads || !(eps >= 0 && eps <= 1)))
        status = ps__fail(err, PS__MODEL, "%s: text.config: heads do not divide hidden, or eps is not from 0 to 1",
                          ps__package_path(package));
    c->eps = (float)eps;
    json_decref(json);
    return status;
}

static int describe(ps__tower_limits *limits, const ps__package *package, ps__error *err) {
    config c;
    int status = read_config(&c, package, err);
    if (!status) *limits = (ps__tower_limits){.max_tokens = c.max_tokens, .dim = c.dim};
    return status;
}

static int add_embedding(int *out, tower *t) {
    ps__word_table words;
    const ps__tensor *position;
    int64_t vocab, places[2] = {t->c->max_tokens, t->c->hidden};
    int status = ps__family_words(&words, &vocab, t->package, t->c->hidden, t->err);
    if (!status) status = ps__package_need(&position, t->package, PS__F32, 2, places, t->err, "text.embed.position");
    if (!status) *out = ps__plan_embed(t->plan, "text.embed.sum", &words, position->data, t->c->hidden);
    return status;
}

static int add_norm(tower *t, const char *tensor, const char *name, int in, int residual) {
    const ps__tensor *weight, *bias;
    int64_t shape[1] = {t->c->hidden};
    int status = ps__package_need(&weight, t->package, PS__F32, 1, shape, t->err, "%s.weight", tensor);
    if (!status) status = ps__package_need(&bias, t->package, PS__F32, 1, shape, t->err, "%s.bias", tensor);
    if (!status) ps__plan_norm(t->plan, name, in, residual, weight->data, bias->data, t->c->eps, t->c->hidden);
    return status;
}

/* parts layers that read the same rows, side by side. */
static int add_linear(int *out, tower *t, const char *prefix, const char *const *names, int parts, int in, int in_features,
                      int out_features) {
    ps__layer layers[3];
    int sizes[3], status = PS__OK;
    int64_t shape[2] = {out_features, in_features};
    char name[48];
    for (int p = 0; p < parts && !status; p++) {
        snprintf(name, sizeof name, "%s%s", prefix, names[p]);
        sizes[p] = out_features;
        status = ps__family_layer(&layers[p], t->package, name, 2, shape, 0, t->err);
    }
    if (!status) *out = ps__plan_linear(t->plan, name, in, in_features, parts, layers, sizes);
    return status;
}

/* Post-LayerNorm: x = norm1(x + attention(x)); x = norm2(x + ffn(x)). */
static int add_layer(int *x, tower *t, int index) {
    static const char *const qkv_names[] = {"query", "key", "value"}, *const output[] = {"output"}, *const fc1[] = {"fc1"},
                             *const fc2[] = {"fc2"};
    const config *c = t->c;
    char prefix[32], norm1[48], norm2[48], name[48];
    int qkv = 0, mixed = 0, hidden = 0, back = 0;
    snprintf(prefix, sizeof prefix, "text.%d.", index);
    snprintf(norm1, sizeof norm1, "text.%d.norm1", index);
    snprintf(norm2, sizeof norm2, "text.%d.norm2", index);
    int status = add_linear(&qkv, t, prefix, qkv_names, 3, *x, c->hidden, c->hidden);
    if (status) return status;
    snprintf(name, sizeof name, "text.%d.attention", index);
    int attended = ps__plan_attention(t->plan, name, qkv, c->hidden, c->heads, 0);
    status = add_linear(&mixed, t, prefix, output, 1, attended, c->hidden, c->hidden);
    if (!status) status = add_norm(t, norm1, norm1, mixed, *x);
    if (!status) status = add_linear(&hidden, t, prefix, fc1, 1, mixed, c->hidden, c->ffn);
    if (status) return status;
    snprintf(name, sizeof name, "text.%d.gelu", index);
    ps__plan_activate(t->plan, name, hidden, PS__GELU, c->ffn);
    status = add_linear(&back, t, prefix, fc2, 1, hidden, c->ffn, c->hidden);
    snprintf(name, sizeof name, "text.%d", index);
    if (!status) status = add_norm(t, norm2, name, back, mixed);
    *x = back;
    ps__package_release(t->package); /* its weights are packed now */
    return status;
}

static int add_projection(int *embedding, tower *t, int x) {
    static const char *const proj[] = {"proj"};
    int pooled = t->c->is_first ? ps__plan_select(t->plan, "text.first", x, PS__FIRST_ROW, t->c->hidden)
                                : ps__plan_mean(t->plan, "text.mean", x, t->c->hidden);
    return add_linear(embedding, t, "text.", proj, 1, pooled, t->c->hidden, t->c->dim);
}

static int build(ps__plan **out, const ps__package *package, const ps__kernels *kernels, int precision, ps__error *err) {
    config c;
    int x = 0, embedding = 0;
    *out = NULL;
    int status = read_config(&c, package, err);
    if (status) return status;
    tower t = {.package = package, .c = &c, .plan = ps__plan_new(kernels, precision, c.max_tokens), .err = err};
    if (!t.plan) return ps__fail_nomem(err);
    status = add_embedding(&x, &t);
    if (!status) status = add_norm(&t, "text.embed.norm", "text.embed", x, PS__NO_BUFFER);
    for (int i = 0; i < c.layers && !status; i++) status = add_layer(&x, &t, i);
    if (!status) status = add_projection(&embedding, &t, x);
    if (!status) {
        ps__plan_normalize(t.plan, "text.embedding", embedding, c.dim);
        status = ps__plan_finish(t.plan, embedding, c.dim, ps__package_path(package), err);
    }
    if (status)
        ps__plan_free(t.plan);
    else
        *out = t.plan;
    return status;
}

const ps__family ps__family_bert = {.name = "bert", .is_text = 1, .describe = describe, .build = build};
