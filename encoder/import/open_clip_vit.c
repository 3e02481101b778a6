/*
** Image towers under the names of OpenAI's CLIP, which open_clip, MetaCLIP, DFN and TinyCLIP have kept: visual.conv1,
** visual.transformer.resblocks.
*/
#include <string.h>

#include "encoder/import/open_clip_config.h"

static const char *find_prefix(const ps__source *source) {
    if (ps__checkpoint_find(source->checkpoint, "visual.class_embedding")) return "visual.";
    if (ps__checkpoint_find(source->checkpoint, "_image_encoder.visual.class_embedding")) return "_image_encoder.visual.";
    return NULL;
}

static int knows(const ps__source *source) { return find_prefix(source) != NULL; }

static const char *joined(char out[96], const char *prefix, const char *name) {
    size_t length = strlen(prefix);
    memcpy(out, prefix, length);
    strcpy(out + length, name);
    return out;
}

/* What the tower's object may say, beyond its blocks. */
static int check_vision(const ps__fields *f) {
    static const char *const known[] = {"layers",
                                        "width",
                                        "head_width",
                                        "mlp_ratio",
                                        "patch_size",
                                        "image_size",
                                        "patch_dropout",
                                        "pool_type",
                                        "act_kwargs",
                                        "norm_kwargs",
                                        "no_ln_pre",
                                        "block_type",
                                        "pos_embed_type",
                                        "final_ln_after_pool",
                                        "qk_norm",
                                        "scale_heads",
                                        "scaled_cosine_attn",
                                        "scale_attn",
                                        "scale_fc",
                                        "scale_attn_inner",
                                        "ls_init_value",
                                        "timm_pool",
                                        "timm_proj",
                                        "timm_model_name",
                                        "timm_drop",
                                        "timm_drop_path",
                                        "timm_proj_bias",
                                        "timm_model_pretrained",
                                        "output_tokens",
                                        "attentional_pool",
                                        "attn_pooler_heads",
                                        "attn_pooler_queries",
                                        NULL};
    static const char *const unset[] = {"attentional_pool", "timm_model_name", NULL};
    const char *pool, *position;
    int status = ps__fields_only(f, known);
    if (!status) status = ps__fields_unset(f, unset);
    if (!status) status = ps__fields_string(&pool, f, "pool_type", "tok");
    if (!status && strcmp(pool, "tok") != 0)
        status = ps__fields_refuse(f, "pool_type", "\"%.30s\" is not supported, only tok is", pool);
    /* either kind is a table in the checkpoint */
    if (!status) status = ps__fields_string(&position, f, "pos_embed_type", "learnable");
    if (!status && strcmp(position, "learnable") != 0 && strcmp(position, "sin_cos_2d") != 0)
        status = ps__fields_refuse(f, "pos_embed_type", "\"%.30s\" is not known", position);
    return status;
}

/* Convolution, position table and class token. */
static int map_rows(int64_t *width, ps__mapper *m, const ps__open_clip *c, const char *prefix) {
    const int64_t any[4] = {-1, 3, -1, -1};
    const ps__weight *conv, *class, *position;
    int status = ps__mapper_need(&conv, m, 4, any, "%sconv1.weight", prefix);
    if (status) return status;
    const int64_t w = *width = conv->shape[0], table[2] = {-1, w};
    status = ps__mapper_need(&class, m, 1, &w, "%sclass_embedding", prefix);
    if (!status) status = ps__mapper_need(&position, m, 2, table, "%spositional_embedding", prefix);
    if (status) return status;
    return ps__mapper_patches(m, conv, NULL, position, class, &c->vision, c->is_bare ? PS__REQUIRED : 224,
                              c->is_bare ? PS__REQUIRED : 16);
}

static int map_norms(ps__mapper *m, const ps__open_clip *c, const char *prefix, int64_t width) {
    char name[96];
    int without = 0;
    int status = ps__fields_flag(&without, &c->vision, "no_ln_pre", 0);
    if (!status) status = ps__mapper_set_flag(m, "pre_norm", !without);
    if (!status && !without) status = ps__mapper_norm(m, "image.pre_norm", joined(name, prefix, "ln_pre"), width);
    if (!status) status = ps__mapper_norm(m, "image.norm", joined(name, prefix, "ln_post"), width);
    return status;
}

static int map_projection(ps__mapper *m, const ps__open_clip *c, const char *prefix, int64_t width) {
    const int64_t any[2] = {width, -1};
    const ps__weight *proj;
    char name[96];
    int status = ps__mapper_need(&proj, m, 2, any, "%sproj", prefix);
    if (!status && !c->is_bare) status = ps__fields_agree(&c->model, "embed_dim", PS__REQUIRED, proj->shape[1]);
    if (!status) status = ps__mapper_dim(m, proj->shape[1]);
    if (!status) status = ps__mapper_transposed(m, "image.proj", joined(name, prefix, "proj"), proj->shape[1], width);
    return status ? status : ps__mapper_set_flag(m, "proj", 1);
}

static int map_blocks(ps__mapper *m, const ps__open_clip *c, const char *prefix, int64_t width) {
    ps__block_sizes z = {.width = width};
    const char *activation;
    char name[96];
    double eps;
    int64_t head_width, usual = c->is_chinese && width == 1280 ? 80 : 64; /* 80: of Chinese-CLIP's ViT-H */
    int status = ps__mapper_blocks(&z, m, &ps__open_clip_block_names, joined(name, prefix, "transformer.resblocks."));
    if (!status) status = ps__open_clip_blocks(c, &c->vision, &z, 768);
    if (!status) status = ps__open_clip_numerics(&activation, &eps, c, &c->vision);
    if (!status) status = ps__fields_int(&head_width, &c->vision, "head_width", usual);
    if (!status && (head_width < 1 || width % head_width))
        status =
            ps__import_refuse(m->import, m->err, "the width %lld of the image tower is not a multiple of its head width %lld",
                              (long long)width, (long long)head_width);
    return status ? status : ps__mapper_set_stack(m, &z, width / head_width, activation, eps);
}

static int map_tower(ps__mapper *m, const char *prefix) {
    const char *const prefixes[] = {prefix, NULL};
    ps__open_clip c;
    int64_t width = 0;
    int status = ps__open_clip_read(&c, m->import, m->err);
    if (!status && !c.is_bare) status = check_vision(&c.vision);
    if (!status) status = map_rows(&width, m, &c, prefix);
    if (!status) status = map_norms(m, &c, prefix, width);
    if (!status) status = map_blocks(m, &c, prefix, width);
    if (!status) status = map_projection(m, &c, prefix, width);
    if (!status) status = ps__mapper_set_string(m, "pool", "class");
    if (!status) status = ps__mapper_set_family(m, "vit");
    return status ? status : ps__mapper_finish(m, prefixes, NULL);
}

static int map(ps__import *import, ps__error *err) {
    ps__mapper m;
    ps__mapper_init(&m, import, 0, err);
    int status = map_tower(&m, find_prefix(import->source));
    ps__mapper_clear(&m);
    return status;
}

const ps__mapping ps__mapping_open_clip_vit = {.name = "open_clip ViT", .is_text = 0, .knows = knows, .map = map};
