/*
** Image towers under transformers' names: CLIP's and Chinese-CLIP's (a class token, visual_projection beside the tower), and
** SigLIP's (an attention pool, vision_model.head).
*/
#include "encoder/import/transformers_config.h"

static int knows(const ps__source *source) {
    return ps__checkpoint_find(source->checkpoint, "vision_model.embeddings.patch_embedding.weight") != NULL;
}

static int map_rows(int64_t *width, ps__mapper *m, const ps__transformers *t) {
    static const char prefix[] = "vision_model.embeddings.";
    const int64_t any[4] = {-1, 3, -1, -1};
    const ps__weight *conv, *bias = NULL, *class = NULL, *position;
    int status = ps__mapper_need(&conv, m, 4, any, "%spatch_embedding.weight", prefix);
    if (status) return status;
    const int64_t w = *width = conv->shape[0], table[2] = {-1, w};
    if (t->kind->is_clip)
        status = ps__mapper_need(&class, m, 1, &w, "%sclass_embedding", prefix);
    else
        status = ps__mapper_need(&bias, m, 1, &w, "%spatch_embedding.bias", prefix);
    if (!status) status = ps__mapper_need(&position, m, 2, table, "%sposition_embedding.weight", prefix);
    return status ? status : ps__mapper_patches(m, conv, bias, position, class, &t->tower, 224, t->kind->vision_patch);
}

static int map_blocks(ps__block_sizes *z, ps__mapper *m, const ps__transformers *t) {
    const char *activation;
    double eps;
    int64_t heads;
    int status = ps__mapper_blocks(z, m, &ps__transformers_block_names, "vision_model.encoder.layers.");
    if (!status) status = ps__transformers_blocks(&t->tower, z, 768, 3072);
    if (!status) status = ps__transformers_activation(&activation, &t->tower, t->kind->vision_act);
    if (!status) status = ps__fields_int(&heads, &t->tower, "num_attention_heads", 12);
    if (!status) status = ps__fields_real(&eps, &t->tower, "layer_norm_eps", t->kind->vision_eps);
    if (!status) status = ps__mapper_set_stack(m, z, heads, activation, eps);
    return status ? status : ps__mapper_norm(m, "image.norm", "vision_model.post_layernorm", z->width);
}

/* The class token's row through visual_projection. The names of the norms are transformers' own. */
static int map_clip(ps__mapper *m, const ps__transformers *t, const ps__block_sizes *z) {
    const int64_t any[2] = {-1, z->width};
    const ps__weight *proj;
    int status = ps__mapper_norm(m, "image.pre_norm", "vision_model.pre_layrnorm", z->width);
    if (!status) status = ps__mapper_need(&proj, m, 2, any, "visual_projection.weight");
    if (!status) status = ps__fields_agree(&t->top, "projection_dim", 512, proj->shape[0]);
    if (!status) status = ps__mapper_dim(m, proj->shape[0]);
    if (!status) status = ps__mapper_projection(m, "image.proj", "visual_projection", proj->shape[0], z->width);
    if (!status) status = ps__mapper_set_string(m, "pool", "class");
    if (!status) status = ps__mapper_set_flag(m, "pre_norm", 1);
    return status ? status : ps__mapper_set_flag(m, "proj", 1);
}

/* torch.nn.MultiheadAttention's layers: query, key and value in one tensor. */
static int map_attention_pool(ps__mapper *m, const ps__block_sizes *z) {
    static const char prefix[] = "vision_model.head.";
    int64_t w = z->width;
    const int64_t probe[3] = {1, 1, w}, joined[2] = {3 * w, w};
    const ps__weight *row, *weight, *bias;
    int status = ps__mapper_need(&row, m, 3, probe, "%sprobe", prefix);
    if (!status) status = ps__mapper_need(&weight, m, 2, joined, "%sattention.in_proj_weight", prefix);
    if (!status) status = ps__mapper_need(&bias, m, 1, joined, "%sattention.in_proj_bias", prefix);
    if (!status) status = ps__mapper_project_row(m, "image.pool.query", row, weight, bias, w);
    if (!status) status = ps__mapper_rows(m, "image.pool.key", weight, bias, w, w);
    if (!status) status = ps__mapper_rows(m, "image.pool.value", weight, bias, 2 * w, w);
    if (!status) status = ps__mapper_layer(m, "image.pool.output", "vision_model.head.attention.out_proj", w, w);
    if (!status) status = ps__mapper_norm(m, "image.pool.norm", "vision_model.head.layernorm", w);
    if (!status) status = ps__mapper_layer(m, "image.pool.fc1", "vision_model.head.mlp.fc1", z->ffn, w);
    return status ? status : ps__mapper_layer(m, "image.pool.fc2", "vision_model.head.mlp.fc2", w, z->ffn);
}

static int map_siglip(ps__mapper *m, const ps__transformers *t, const ps__block_sizes *z) {
    int has_head;
    int status = ps__fields_flag(&has_head, &t->tower, "vision_use_head", 1);
    if (!status && !has_head)
        status = ps__fields_refuse(&t->tower, "vision_use_head", "is false: without it there is no embedding");
    if (!status) status = map_attention_pool(m, z);
    if (!status) status = ps__mapper_dim(m, z->width);
    if (!status) status = ps__mapper_set_string(m, "pool", "attention");
    if (!status) status = ps__mapper_set_flag(m, "pre_norm", 0);
    return status ? status : ps__mapper_set_flag(m, "proj", 0);
}

static int map_tower(ps__mapper *m) {
    static const char *const prefixes[] = {"vision_model.", "visual_projection.", NULL}, *const harmless[] = {".position_ids",
                                                                                                              NULL};
    ps__transformers t;
    ps__block_sizes z = {0};
    int status = ps__transformers_read(&t, m->import, 0, m->err);
    if (!status) status = map_rows(&z.width, m, &t);
    if (!status) status = map_blocks(&z, m, &t);
    if (!status) status = t.kind->is_clip ? map_clip(m, &t, &z) : map_siglip(m, &t, &z);
    if (!status) status = ps__mapper_set_family(m, "vit");
    return status ? status : ps__mapper_finish(m, prefixes, harmless);
}

static int map(ps__import *import, ps__error *err) {
    ps__mapper m;
    ps__mapper_init(&m, import, 0, err);
    int status = map_tower(&m);
    ps__mapper_clear(&m);
    return status;
}

const ps__mapping ps__mapping_transformers_vision = {.name = "transformers ViT", .is_text = 0, .knows = knows, .map = map};
