/*
** SigLIP's image towers as open_clip holds them, in timm's vision transformer: visual.trunk.blocks, visual.trunk.attn_pool. The
** number of heads and the kind of GELU are in no file: timm's code has them by the name of the model, and so has the table here.
*/
#include <string.h>

#include "encoder/import/open_clip_config.h"

static const ps__block_names block_names = {.norm1 = "norm1",
                                            .qkv_weight = "attn.qkv.weight",
                                            .qkv_bias = "attn.qkv.bias",
                                            .output = "attn.proj",
                                            .norm2 = "norm2",
                                            .fc1 = "mlp.fc1",
                                            .fc2 = "mlp.fc2"};

#define EPS 1e-6 /* of all norms of timm's vision transformers */

typedef struct variant {    /* of timm's models */
    const char *name;       /* what the model's name begins with, before the number of pixels a side */
    int head_width;         /* entries a head */
    const char *activation; /* as in image.config */
} variant;

/* The first that fits counts. */
static const variant variants[] = {
    {"vit_base_patch32_siglip_", 64, "gelu-tanh"},     {"vit_base_patch16_siglip_", 64, "gelu"},
    {"vit_large_patch16_siglip_512", 64, "gelu-tanh"}, {"vit_large_patch16_siglip_", 64, "gelu"},
    {"vit_so400m_patch14_siglip_", 72, "gelu"},        {"vit_so400m_patch16_siglip_", 72, "gelu-tanh"},
    {"vit_giantopt_patch16_siglip_", 96, "gelu-tanh"}};

static int knows(const ps__source *source) {
    return ps__checkpoint_find(source->checkpoint, "visual.trunk.attn_pool.latent") != NULL;
}

/* NULL where the name is none of the table's. After its beginning there is a number, and maybe a dot and the name of the weights.
** */
static const variant *find_variant(const char *name) {
    for (size_t i = 0; i < sizeof variants / sizeof *variants; i++) {
        size_t length = strlen(variants[i].name);
        if (strncmp(name, variants[i].name, length) != 0) continue;
        size_t digits = strspn(name + length, "0123456789");
        if (name[length + digits] == 0 || name[length + digits] == '.') return &variants[i];
    }
    return NULL;
}

static int check_vision(const variant **out, const ps__open_clip *c) {
    const char *name, *pool;
    int status = ps__fields_string(&name, &c->vision, "timm_model_name", NULL);
    if (!status) status = ps__fields_string(&pool, &c->vision, "timm_pool", "avg");
    if (status) return status;
    if (!(*out = find_variant(name)))
        return ps__fields_refuse(&c->vision, "timm_model_name", "\"%.60s\" is none whose heads and activation are known", name);
    if (strcmp(pool, "map") != 0)
        return ps__fields_refuse(&c->vision, "timm_pool", "is not map, but the tensors have an attention pool");
    return PS__OK;
}

/* The side of a patch is not a field of its own here: the model's name has it. */
static int map_rows(int64_t *width, ps__mapper *m, const ps__open_clip *c) {
    const int64_t any[4] = {-1, 3, -1, -1};
    const ps__weight *conv, *bias, *position;
    int status = ps__mapper_need(&conv, m, 4, any, "visual.trunk.patch_embed.proj.weight");
    if (status) return status;
    const int64_t w = *width = conv->shape[0], table[3] = {1, -1, w};
    status = ps__mapper_need(&bias, m, 1, &w, "visual.trunk.patch_embed.proj.bias");
    if (!status) status = ps__mapper_need(&position, m, 3, table, "visual.trunk.pos_embed");
    return status ? status : ps__mapper_patches(m, conv, bias, position, NULL, &c->vision, 224, conv->shape[2]);
}

static int map_pool(ps__mapper *m, const ps__block_sizes *z) {
    static const char prefix[] = "visual.trunk.attn_pool.";
    const int64_t latent[3] = {1, 1, z->width}, square[2] = {z->width, z->width}, both[2] = {2 * z->width, z->width};
    const ps__weight *row, *query, *query_bias, *kv, *kv_bias;
    int status = ps__mapper_need(&row, m, 3, latent, "%slatent", prefix);
    if (!status) status = ps__mapper_need(&query, m, 2, square, "%sq.weight", prefix);
    if (!status) status = ps__mapper_need(&query_bias, m, 1, square, "%sq.bias", prefix);
    if (!status) status = ps__mapper_need(&kv, m, 2, both, "%skv.weight", prefix);
    if (!status) status = ps__mapper_need(&kv_bias, m, 1, both, "%skv.bias", prefix);
    if (!status) status = ps__mapper_project_row(m, "image.pool.query", row, query, query_bias, z->width);
    if (!status) status = ps__mapper_rows(m, "image.pool.key", kv, kv_bias, 0, z->width);
    if (!status) status = ps__mapper_rows(m, "image.pool.value", kv, kv_bias, z->width, z->width);
    if (!status) status = ps__mapper_layer(m, "image.pool.output", "visual.trunk.attn_pool.proj", z->width, z->width);
    if (!status) status = ps__mapper_norm(m, "image.pool.norm", "visual.trunk.attn_pool.norm", z->width);
    if (!status) status = ps__mapper_layer(m, "image.pool.fc1", "visual.trunk.attn_pool.mlp.fc1", z->ffn, z->width);
    if (!status) status = ps__mapper_layer(m, "image.pool.fc2", "visual.trunk.attn_pool.mlp.fc2", z->width, z->ffn);
    return status ? status : ps__mapper_set_string(m, "pool", "attention");
}

/* timm_proj: "none": the pooled row is the embedding; "linear", also where it is missing: open_clip's own layer; null: timm's. */
static int map_projection(ps__mapper *m, const ps__open_clip *c, int64_t width) {
    const json_t *field = json_object_get(c->vision.json, "timm_proj");
    const char *kind = "linear";
    int status = json_is_null(field) ? PS__OK : ps__fields_string(&kind, &c->vision, "timm_proj", "linear");
    if (status) return status;
    int has = strcmp(kind, "none") != 0;
    if (has && strcmp(kind, "linear") != 0) return ps__fields_refuse(&c->vision, "timm_proj", "\"%.30s\" is not supported", kind);
    const char *name = json_is_null(field) ? "visual.trunk.head" : "visual.head.proj";
    const ps__weight *weight = has ? ps__mapper_find(m, "%s.weight", name) : NULL;
    if (has && !weight) return ps__import_refuse(m->import, m->err, "tensor %s.weight is missing", name);
    int64_t dim = weight ? weight->shape[0] : width;
    status = ps__fields_agree(&c->model, "embed_dim", PS__REQUIRED, dim);
    if (!status) status = ps__mapper_dim(m, dim);
    if (!status && has) status = ps__mapper_projection(m, "image.proj", name, dim, width);
    return status ? status : ps__mapper_set_flag(m, "proj", has);
}

static int map_tower(ps__mapper *m) {
    static const char *const prefixes[] = {"visual.", NULL};
    const variant *v = NULL;
    ps__open_clip c;
    ps__block_sizes z = {0};
    int status = ps__open_clip_read(&c, m->import, m->err);
    if (!status && c.is_bare) status = ps__import_refuse(m->import, m->err, "is not of OpenAI's models");
    if (!status) status = check_vision(&v, &c);
    if (!status) status = map_rows(&z.width, m, &c);
    if (!status) status = ps__mapper_blocks(&z, m, &block_names, "visual.trunk.blocks.");
    if (!status) status = ps__mapper_norm(m, "image.norm", "visual.trunk.norm", z.width);
    if (!status) status = map_pool(m, &z);
    if (!status && z.width % v->head_width)
        status = ps__import_refuse(m->import, m->err, "the width %lld of the image tower is not a multiple of its head width %d",
                                   (long long)z.width, v->head_width);
    if (!status) status = ps__mapper_set_stack(m, &z, z.width / v->head_width, v->activation, EPS);
    if (!status) status = ps__mapper_set_flag(m, "pre_norm", 0);
    if (!status) status = map_projection(m, &c, z.width);
    if (!status) status = ps__mapper_set_family(m, "vit");
    return status ? status : ps__mapper_finish(m, prefixes, NULL);
}

static int map(ps__import *import, ps__error *err) {
    ps__mapper m;
    ps__mapper_init(&m, import, 0, err);
    int status = map_tower(&m);
    ps__mapper_clear(&m);
    return status;
}

const ps__mapping ps__mapping_timm_siglip = {.name = "open_clip SigLIP (timm)", .is_text = 0, .knows = knows, .map = map};
