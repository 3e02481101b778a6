/*
** Transformers as text towers: CLIP's (each row sees those before it; the row of the mark at the text's end is projected: Radford
** et al. 2021) and SigLIP's (all rows see each other; the last one is projected: Zhai et al. 2022).
*/
#include <stdio.h>
#include <string.h>

#include "encoder/families/blocks.h"

enum { POOL_EOT, POOL_LAST, POOL_FIRST };

typedef struct config { /* text.config; see docs/model-package.md */
    int max_tokens;
    int row;      /* that is pooled, as ps__plan_select takes it */
    int has_proj; /* else the pooled row is the embedding */
    int dim;      /* of the embedding */
} config;

static const char key[] = "text.config";

/* s->package and s->err are set. */
static int read_config(config *c, ps__stack *s) {
    static const char *const pools[] = {[POOL_EOT] = "eot", [POOL_LAST] = "last", [POOL_FIRST] = "first"};
    json_t *json = NULL;
    int pool = 0;
    *c = (config){0};
    int status = ps__package_config(&json, s->package, key, s->err);
    if (!status) status = ps__stack_read(s, json, key);
    if (!status) status = ps__config_int(&c->max_tokens, s->package, json, key, "max_tokens", 3, 1024, s->err);
    if (!status) status = ps__config_flag(&s->causal, s->package, json, key, "causal", s->err);
    if (!status) status = ps__config_flag(&c->has_proj, s->package, json, key, "proj", s->err);
    if (!status) status = ps__config_choice(&pool, s->package, json, key, "pool", pools, 3, s->err);
    c->row = pool == POOL_LAST ? PS__LAST_ROW : PS__FIRST_ROW;
    if (!status && pool == POOL_EOT) status = ps__config_int(&c->row, s->package, json, key, "eot", 0, INT32_MAX, s->err);
    if (!status) status = ps__family_dim(&c->dim, s->package, s->err);
    if (!status && !c->has_proj && c->dim != s->width)
        status = ps__fail(s->err, PS__MODEL, "%s: %s: without a projection, dim %d must be the width %d",
                          ps__package_path(s->package), key, c->dim, s->width);
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

static int add_tower(const ps__stack *s, const config *c) {
    int x = 0;
    int status = add_embedding(&x, s, c);
    for (int i = 0; i < s->layers && !status; i++) status = ps__stack_block(s, x, i);
    if (status) return status;
    int pooled = ps__plan_select(s->plan, "text.pooled", x, c->row, s->width);
    status = ps__stack_norm(NULL, s, "text.norm", pooled); /* a row's norm depends on no other row */
    if (!status && c->has_proj) status = ps__stack_linear(&pooled, s, "text.proj", pooled, s->width, c->dim);
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

const ps__family ps__family_transformer = {.name = "transformer", .is_text = 1, .describe = describe, .build = build};
