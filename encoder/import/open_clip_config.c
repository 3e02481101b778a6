/*
** open_clip's model_cfg; see open_clip_config.h. Its dataclasses define a value for each field that may be missing
** (CLIPVisionCfg, CLIPTextCfg): those are the `missing` values here and in the mappings.
*/
#include "encoder/import/open_clip_config.h"

#include <string.h>

const ps__block_names ps__open_clip_block_names = {.norm1 = "ln_1",
                                                   .qkv_weight = "attn.in_proj_weight",
                                                   .qkv_bias = "attn.in_proj_bias",
                                                   .output = "attn.out_proj",
                                                   .norm2 = "ln_2",
                                                   .fc1 = "mlp.c_fc",
                                                   .fc2 = "mlp.c_proj"};

/* OpenAI's checkpoints, and only they, keep three numbers beside the weights. */
static int is_openai(const ps__source *source) {
    return ps__checkpoint_find(source->checkpoint, "input_resolution") &&
           ps__checkpoint_find(source->checkpoint, "context_length") && ps__checkpoint_find(source->checkpoint, "vocab_size");
}

/* The image tower of Chinese-CLIP's authors has OpenAI's names and is built as OpenAI's is. */
static int is_chinese(const ps__source *source) {
    return ps__checkpoint_find(source->checkpoint, "bert.embeddings.word_embeddings.weight") != NULL;
}

int ps__open_clip_read(ps__open_clip *out, const ps__import *im, ps__error *err) {
    static const char *const known[] = {
        "embed_dim",        "vision_cfg", "text_cfg", "quick_gelu", "custom_text", "init_logit_bias", "nonscalar_logit_scale",
        "init_logit_scale", NULL};
    const ps__source *source = im->source;
    *out = (ps__open_clip){.quick_gelu = 1};
    if (!source->open_clip && (is_openai(source) || is_chinese(source))) {
        out->is_bare = 1;
        out->is_chinese = is_chinese(source);
        out->vision = out->text = out->model = (ps__fields){NULL, ps__checkpoint_path(source->checkpoint), "", err};
        return PS__OK;
    }
    if (!source->open_clip)
        return ps__import_refuse(im, err, "nothing beside it says its heads and its activation (open_clip_config.json)");
    const ps__fields file = {source->open_clip, source->open_clip_path, "", err};
    int status = ps__fields_inner(&out->model, &file, "model_cfg");
    if (!status) status = ps__fields_inner(&out->vision, &out->model, "vision_cfg");
    if (!status) status = ps__fields_inner(&out->text, &out->model, "text_cfg");
    if (!status) status = ps__fields_only(&out->model, known);
    if (!status) status = ps__fields_flag(&out->quick_gelu, &out->model, "quick_gelu", is_openai(source));
    return status;
}

int ps__open_clip_numerics(const char **activation, double *eps, const ps__open_clip *c, const ps__fields *tower) {
    static const char *const act_known[] = {"approximate", NULL}, *const norm_known[] = {"eps", NULL};
    ps__fields act, norm;
    const char *approximate;
    *activation = c->quick_gelu ? "quick-gelu" : "gelu";
    *eps = 1e-5;
    if (c->is_bare) return PS__OK;
    int status = ps__fields_inner(&act, tower, "act_kwargs");
    if (!status) status = ps__fields_inner(&norm, tower, "norm_kwargs");
    if (!status) status = ps__fields_only(&act, act_known);
    if (!status) status = ps__fields_only(&norm, norm_known);
    if (!status) status = ps__fields_string(&approximate, &act, "approximate", "none");
    if (!status) status = ps__fields_real(eps, &norm, "eps", 1e-5);
    if (status || strcmp(approximate, "none") == 0) return status;
    if (strcmp(approximate, "tanh") != 0 || c->quick_gelu)
        return ps__fields_refuse(&act, "approximate", "is not known%s", c->quick_gelu ? " with quick_gelu" : "");
    *activation = "gelu-tanh";
    return PS__OK;
}

int ps__open_clip_blocks(const ps__open_clip *c, const ps__fields *tower, const ps__block_sizes *z, int64_t usual_width) {
    static const char *const unset[] = {"ls_init_value",    "qk_norm",    "scaled_cosine_attn", "scale_heads",
                                        "scale_attn_inner", "scale_attn", "scale_fc",           NULL};
    double ratio;
    const char *type;
    if (c->is_bare) return PS__OK;
    int status = ps__fields_unset(tower, unset);
    if (!status) status = ps__fields_string(&type, tower, "block_type", "default");
    if (!status && strcmp(type, "default") != 0) status = ps__fields_refuse(tower, "block_type", "is not default");
    if (!status) status = ps__fields_agree(tower, "width", usual_width, z->width);
    if (!status) status = ps__fields_agree(tower, "layers", 12, z->layers);
    if (!status) status = ps__fields_real(&ratio, tower, "mlp_ratio", 4);
    if (!status && !(ratio > 0 && ratio < 100 && (int64_t)((double)z->width * ratio) == z->ffn))
        status = ps__fields_refuse(tower, "mlp_ratio", "is %g, but the tensors have %lld units for a width of %lld", ratio,
                                   (long long)z->ffn, (long long)z->width);
    return status;
}
