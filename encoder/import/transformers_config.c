/*
** transformers' config.json; see transformers_config.h. Published files leave out what equals the defaults of the library's
** classes (google/siglip-base-patch16-224 leaves out all), which are those of CLIPTextConfig, CLIPVisionConfig, SiglipTextConfig,
** SiglipVisionConfig, ChineseCLIPTextConfig and ChineseCLIPVisionConfig. All of them have 12 layers and 12 heads, but for CLIP's
** text tower, which has 8 heads; pictures of 224 pixels a side; and a vision tower of 768, with perceptrons of 3072.
*/
#include "encoder/import/transformers_config.h"

#include <string.h>

static const ps__transformers_kind kinds[] = {{.model_type = "clip",
                                               .is_clip = 1,
                                               .vision_act = "quick_gelu",
                                               .text_act = "quick_gelu",
                                               .vision_eps = 1e-5,
                                               .text_eps = 1e-5,
                                               .vision_patch = 32,
                                               .text_width = 512,
                                               .text_vocab = 49408,
                                               .text_heads = 8,
                                               .text_ffn = 2048,
                                               .text_positions = 77},
                                              {.model_type = "siglip",
                                               .vision_act = "gelu_pytorch_tanh",
                                               .text_act = "gelu_pytorch_tanh",
                                               .vision_eps = 1e-6,
                                               .text_eps = 1e-6,
                                               .vision_patch = 16,
                                               .text_width = 768,
                                               .text_vocab = 32000,
                                               .text_heads = 12,
                                               .text_ffn = 3072,
                                               .text_positions = 64},
                                              {.model_type = "chinese_clip",
                                               .is_clip = 1,
                                               .has_bert = 1,
                                               .vision_act = "quick_gelu",
                                               .text_act = "gelu",
                                               .vision_eps = 1e-5,
                                               .text_eps = 1e-12,
                                               .vision_patch = 32,
                                               .text_width = 768,
                                               .text_vocab = 30522,
                                               .text_heads = 12,
                                               .text_ffn = 3072,
                                               .text_positions = 512}};

const ps__block_names ps__transformers_block_names = {.norm1 = "layer_norm1",
                                                      .query = "self_attn.q_proj",
                                                      .key = "self_attn.k_proj",
                                                      .value = "self_attn.v_proj",
                                                      .output = "self_attn.out_proj",
                                                      .norm2 = "layer_norm2",
                                                      .fc1 = "mlp.fc1",
                                                      .fc2 = "mlp.fc2"};

/* An older form has the object a second time under another name, which counts alone where it is there. */
static int find_tower(ps__transformers *out, int is_text) {
    const char *older = is_text ? "text_config_dict" : "vision_config_dict", *usual = is_text ? "text_config" : "vision_config";
    int is_older = out->kind->is_clip && json_is_object(json_object_get(out->top.json, older));
    return ps__fields_inner(&out->tower, &out->top, is_older ? older : usual);
}

int ps__transformers_read(ps__transformers *out, const ps__import *im, int is_text, ps__error *err) {
    const ps__source *source = im->source;
    const char *type;
    if (!source->hf)
        return ps__import_refuse(im, err, "has the tensors of a transformers model, but config.json is not beside it");
    *out = (ps__transformers){.top = {source->hf, source->hf_path, "", err}};
    int status = ps__fields_string(&type, &out->top, "model_type", NULL);
    if (status) return status;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].model_type, type) == 0) out->kind = &kinds[i];
    if (strcmp(type, "siglip2") == 0)
        return ps__fields_refuse(&out->top, "model_type",
                                 "is siglip2, whose pictures have no fixed size (NaFlex); models of a fixed size are siglip");
    if (!out->kind) return ps__fields_refuse(&out->top, "model_type", "\"%.40s\" is not known", type);
    return find_tower(out, is_text);
}

int ps__transformers_activation(const char **out, const ps__fields *tower, const char *missing) {
    static const char *const names[][2] = {{"quick_gelu", "quick-gelu"},
                                           {"gelu", "gelu"},
                                           {"gelu_python", "gelu"},
                                           {"gelu_pytorch_tanh", "gelu-tanh"},
                                           {"gelu_new", "gelu-tanh"}};
    const char *name;
    int status = ps__fields_string(&name, tower, "hidden_act", missing);
    if (status) return status;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i][0], name) == 0) {
            *out = names[i][1];
            return PS__OK;
        }
    return ps__fields_refuse(tower, "hidden_act", "\"%.30s\" is not known", name);
}

int ps__transformers_blocks(const ps__fields *tower, const ps__block_sizes *z, int64_t usual_width, int64_t usual_ffn) {
    int status = ps__fields_agree(tower, "hidden_size", usual_width, z->width);
    if (!status) status = ps__fields_agree(tower, "num_hidden_layers", 12, z->layers);
    return status ? status : ps__fields_agree(tower, "intermediate_size", usual_ffn, z->ffn);
}
