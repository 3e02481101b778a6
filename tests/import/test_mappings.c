/*
** Mappings of transformer towers: configurations that contradict the tensors, or say something that changes what a model computes
** and is not known, are refused by name. What is accepted and gives the right embeddings is tested with the golden models.
*/
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "encoder/import/import.h"
#include "encoder/import/source.h"
#include "tests/suites.h"

Suite *suite_mappings(void);

static char folder[4000];

static void run_in(const char *format, const char *a, const char *b) {
    char command[1200], line[6000];
    snprintf(command, sizeof command, format, a, b);
    snprintf(line, sizeof line, "F='%s'; %s", folder, command);
    ck_assert_int_eq(system(line), 0);
}

static void make_folder(void) {
    const char *tmp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/photosearch-mappings-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void remove_folder(void) { run_in("rm -r \"$F\"", "", ""); }

static const char *inside(const char *name) {
    static char path[4200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* The golden model, in a folder where it may be changed. */
static void copy_model(const char *name) { run_in("cp tests/data/import/%s/* \"$F\" && chmod u+w \"$F\"/*", name, ""); }

/* Sets the field at "a/b/c" of the file to a JSON value; NULL takes it away. */
static void change(const char *file, const char *field, const char *value) {
    char names[120], *name = names, *slash;
    json_t *json = json_load_file(inside(file), 0, NULL), *object = json;
    ck_assert_ptr_nonnull(json);
    snprintf(names, sizeof names, "%s", field);
    for (; (slash = strchr(name, '/')) != NULL; name = slash + 1) {
        *slash = 0;
        object = json_object_get(object, name);
        ck_assert_msg(json_is_object(object), "%s", field);
    }
    if (value) {
        json_t *new = json_loads(value, JSON_DECODE_ANY, NULL);
        ck_assert_msg(new != NULL, "%s", value);
        json_object_set_new(object, name, new);
    } else {
        ck_assert_int_eq(json_object_del(object, name), 0);
    }
    ck_assert_int_eq(json_dump_file(json, inside(file), 0), 0);
    json_decref(json);
}

static int prepared; /* pixels a side that photos are resized to; 0: not said */

/* Maps one tower of what is in the folder; config gets its configuration where that is asked for. */
static int map_tower(json_t **config, const char *path, int is_text, ps__error *err) {
    const ps__source_files files = {.path = path};
    ps__source source;
    ps__import import = {
        .source = &source, .draft = ps__draft_new(), .image_config = json_object(), .text_config = json_object()};
    int status = ps__source_open(&source, &files, err), known = 0;
    if (prepared) json_object_set_new(import.image_config, "size", json_integer(prepared));
    for (const ps__mapping *const *m = ps__mappings; !status && *m && !known; m++) {
        known = (*m)->is_text == is_text && (*m)->knows(&source);
        if (known) status = (*m)->map(&import, err);
    }
    ck_assert_msg(status || known, "no mapping knows it");
    if (config) *config = json_incref(is_text ? import.text_config : import.image_config);
    json_decref(import.image_config);
    json_decref(import.text_config);
    ps__draft_free(import.draft);
    ps__source_clear(&source);
    return status;
}

#define V "model_cfg/vision_cfg/"
#define T "model_cfg/text_cfg/"

static const struct {
    const char *model, *file;
    int is_text;
    const char *field, *value, *sentence;
} refusals[] = {
    {"openclip-clip", "open_clip_config.json", 0, V "attentional_pool", "true", "vision_cfg.attentional_pool is set"},
    {"openclip-clip", "open_clip_config.json", 0, V "ls_init_value", "0.1", "vision_cfg.ls_init_value is set"},
    {"openclip-clip", "open_clip_config.json", 0, V "qk_norm", "true", "vision_cfg.qk_norm is set"},
    {"openclip-clip", "open_clip_config.json", 0, V "block_type", "\"custom\"", "vision_cfg.block_type"},
    {"openclip-clip", "open_clip_config.json", 0, V "pool_type", "\"avg\"", "vision_cfg.pool_type \"avg\""},
    {"openclip-clip", "open_clip_config.json", 0, V "pos_embed_type", "\"rope\"", "vision_cfg.pos_embed_type \"rope\""},
    {"openclip-clip", "open_clip_config.json", 0, V "novelty", "1", "vision_cfg.novelty is not known"},
    {"openclip-clip", "open_clip_config.json", 0, V "width", "768", "vision_cfg.width is 768, but the tensors say"},
    {"openclip-clip", "open_clip_config.json", 0, V "width", "\"64\"", "vision_cfg.width is not a whole number"},
    {"openclip-clip", "open_clip_config.json", 0, V "layers", "7", "vision_cfg.layers is 7"},
    {"openclip-clip", "open_clip_config.json", 0, V "mlp_ratio", "3.5", "vision_cfg.mlp_ratio is 3.5"},
    {"openclip-clip", "open_clip_config.json", 0, V "patch_size", "5", "vision_cfg.patch_size is 5"},
    {"openclip-clip", "open_clip_config.json", 0, V "image_size", "480", "pictures of 480 pixels a side"},
    {"openclip-clip", "open_clip_config.json", 0, V "image_size", "[32,64]", "vision_cfg.image_size is not the side of a square"},
    {"openclip-clip", "open_clip_config.json", 0, V "head_width", "7", "not a multiple of its head width 7"},
    {"openclip-clip", "open_clip_config.json", 0, V "act_kwargs", "{\"approximate\":\"sinh\"}", "act_kwargs.approximate"},
    {"openclip-clip", "open_clip_config.json", 0, V "norm_kwargs", "{\"momentum\":1}", "norm_kwargs.momentum is not known"},
    {"openclip-clip", "open_clip_config.json", 0, "model_cfg/embed_dim", NULL, "model_cfg.embed_dim is missing"},
    {"openclip-clip", "open_clip_config.json", 0, "model_cfg/embed_dim", "96", "model_cfg.embed_dim is 96"},
    {"openclip-clip", "open_clip_config.json", 0, "model_cfg/multimodal_cfg", "{}", "model_cfg.multimodal_cfg is not known"},
    {"openclip-clip", "open_clip_config.json", 1, "model_cfg/embed_dim", "96", "model_cfg.embed_dim is 96"},
    {"openclip-clip", "open_clip_config.json", 1, T "embed_cls", "true", "text_cfg.embed_cls is set"},
    {"openclip-clip", "open_clip_config.json", 1, T "hf_model_name", "\"xlm\"", "text_cfg.hf_model_name is set"},
    {"openclip-clip", "open_clip_config.json", 1, T "vocab_size", "5", "text_cfg.vocab_size is 5"},
    {"openclip-clip", "open_clip_config.json", 1, T "context_length", NULL, "text_cfg.context_length is 77"},
    {"openclip-clip", "open_clip_config.json", 1, T "pool_type", "\"mean\"", "text_cfg.pool_type \"mean\""},
    {"openclip-clip", "open_clip_config.json", 1, T "proj_type", "\"none\"", "text_cfg.proj_type"},
    {"openclip-clip", "open_clip_config.json", 1, T "heads", "5", "of its 5 heads"},
    {"openclip-clip", "open_clip_config.json", 1, T "heads", "0", "of its 0 heads"},
    {"openclip-clip", "open_clip_config.json", 1, T "scale_fc", "true", "text_cfg.scale_fc is set"},
    {"openclip-quickgelu-bin", "open_clip_config.json", 0, V "act_kwargs", "{\"approximate\":\"tanh\"}", "with quick_gelu"},
    {"openclip-siglip", "open_clip_config.json", 0, V "timm_model_name", "\"vit_base_patch16_siglip_gap_224\"",
     "timm_model_name"},
    {"openclip-siglip", "open_clip_config.json", 0, V "timm_model_name", "\"vit_huge_patch16_siglip_224\"", "timm_model_name"},
    {"openclip-siglip", "open_clip_config.json", 0, V "timm_model_name", NULL, "vision_cfg.timm_model_name is missing"},
    {"openclip-siglip", "open_clip_config.json", 0, V "timm_model_name", "\"vit_so400m_patch14_siglip_224\"",
     "its head width 72"},
    {"openclip-siglip", "open_clip_config.json", 0, V "timm_pool", "\"avg\"", "vision_cfg.timm_pool is not map"},
    {"openclip-siglip", "open_clip_config.json", 0, V "timm_proj", "\"mlp\"", "vision_cfg.timm_proj \"mlp\""},
    {"openclip-siglip", "open_clip_config.json", 0, V "timm_proj", "\"linear\"", "visual.head.proj.weight is missing"},
    {"openclip-siglip", "open_clip_config.json", 0, V "timm_proj", "null", "visual.trunk.head.weight is missing"},
    {"openclip-siglip", "open_clip_config.json", 0, V "image_size", NULL, "pictures of 224 pixels a side"},
    {"openclip-mobileclip2-s0", "open_clip_config.json", 0, V "timm_model_name", NULL, "(timm_model_name)"},
    {"openclip-mobileclip2-s0", "open_clip_config.json", 0, V "timm_model_name", "\"fastvit_sa12\"", "\"fastvit_sa12\", which is no"},
    {"openclip-mobileclip2-s3", "open_clip_config.json", 0, V "timm_model_name", "3", "(timm_model_name)"},
    {"openclip-mobileclip-b", "open_clip_config.json", 0, V "timm_model_name", "\"vit_base_mci_384\"", "it says \"vit_base_mci_384\""},
    {"openclip-mobileclip-b", "open_clip_config.json", 0, V "timm_model_name", NULL, "it says \"\""},
    {"hf-clip", "config.json", 0, "vision_config/hidden_act", "\"relu6\"", "vision_config.hidden_act \"relu6\""},
    {"hf-clip", "config.json", 0, "vision_config/num_attention_heads", "5", "of its 5 heads"},
    {"hf-clip", "config.json", 0, "vision_config/num_attention_heads", NULL, "of its 12 heads"},
    {"hf-clip", "config.json", 0, "vision_config/patch_size", NULL, "vision_config.patch_size is 32"},
    {"hf-clip", "config.json", 0, "vision_config/image_size", "64", "pictures of 64 pixels a side"},
    {"hf-clip", "config.json", 0, "vision_config/intermediate_size", "1", "vision_config.intermediate_size is 1"},
    {"hf-clip", "config.json", 0, "vision_config", "3", "vision_config is not an object"},
    {"hf-clip", "config.json", 0, "projection_dim", "32", "projection_dim is 32"},
    {"hf-clip", "config.json", 0, "model_type", "\"blip\"", "model_type \"blip\" is not known"},
    {"hf-clip", "config.json", 0, "model_type", "\"siglip2\"", "NaFlex"},
    {"hf-clip", "config.json", 0, "model_type", NULL, "model_type is missing"},
    {"hf-clip", "config.json", 1, "model_type", "\"chinese_clip\"", "are not BERT's"},
    {"hf-clip", "config.json", 1, "text_config/vocab_size", "575", "text_config.vocab_size is 575"},
    {"hf-clip", "config.json", 1, "text_config/hidden_size", NULL, "text_config.hidden_size is 512"},
    {"hf-clip", "config.json", 1, "text_config_dict", "{}", "text_config_dict.vocab_size is 49408"},
    {"hf-siglip", "config.json", 0, "vision_config/vision_use_head", "false", "vision_config.vision_use_head is false"},
    {"hf-siglip", "config.json", 0, "vision_config", "{}", "vision_config.patch_size is 16"},
    {"hf-siglip", "config.json", 1, "text_config/projection_size", "48", "text_config.projection_size is 48"},
    {"chinese-clip", "config.json", 1, "text_config/hidden_act", "\"gelu_new\"", "text_config.hidden_act is not gelu"},
    {"chinese-clip", "config.json", 1, "text_config/position_embedding_type", "\"relative_key\"", "relative_key"},
    {"chinese-clip", "config.json", 1, "text_config/num_attention_heads", "3", "of its 3 heads"},
    {"chinese-clip", "config.json", 1, "model_type", "\"clip\"", "are BERT's"},
};

START_TEST(a_configuration_that_does_not_fit_is_refused_by_name) {
    ps__error err = {0};
    copy_model(refusals[_i].model);
    change(refusals[_i].file, refusals[_i].field, refusals[_i].value);
    int status = map_tower(NULL, folder, refusals[_i].is_text, &err);
    ck_assert_msg(status == PS__MODEL, "%s %s: status %d: %s", refusals[_i].model, refusals[_i].field, status, err.text);
    ck_assert_msg(strncmp(err.text, folder, strlen(folder)) == 0 && strstr(err.text, refusals[_i].sentence), "%s", err.text);
}
END_TEST

START_TEST(without_a_configuration_nothing_is_guessed) {
    ps__error err = {0};
    copy_model(_i ? "hf-clip" : "openclip-clip");
    run_in("rm \"$F/%s\"", _i ? "config.json" : "open_clip_config.json", "");
    ck_assert_int_eq(map_tower(NULL, folder, 0, &err), PS__MODEL);
    ck_assert_msg(strstr(err.text, _i ? "config.json" : "open_clip_config.json") != NULL, "%s", err.text);
}
END_TEST

/* Its published code tells what its files do not. */
START_TEST(openais_own_checkpoint_needs_no_configuration) {
    ps__error err = {0};
    json_t *config;
    copy_model("openai-jit");
    ck_assert_msg(map_tower(&config, inside("model.pt"), 0, &err) == PS__OK, "%s", err.text);
    ck_assert_str_eq(json_string_value(json_object_get(config, "activation")), "quick-gelu");
    ck_assert_int_eq(json_integer_value(json_object_get(config, "heads")) * 64,
                     json_integer_value(json_object_get(config, "width")));
    json_decref(config);
}
END_TEST

/* No position table is interpolated. */
START_TEST(photos_of_another_size_than_the_towers_are_refused) {
    static const char *const models[][3] = {{"openai-jit", "model.pt", "pictures of 64 pixels a side have 64"},
                                            {"hf-clip", "model.safetensors", "resized to 64 pixels a side, but the image tower"},
                                            {"openclip-siglip", "open_clip_model.safetensors", "resized to 64 pixels a side"}};
    ps__error err = {0};
    copy_model(models[_i][0]);
    prepared = 32;
    ck_assert_msg(map_tower(NULL, inside(models[_i][1]), 0, &err) == PS__OK, "%s", err.text);
    prepared = 64;
    ck_assert_int_eq(map_tower(NULL, inside(models[_i][1]), 0, &err), PS__MODEL);
    ck_assert_msg(strstr(err.text, models[_i][2]) != NULL, "%s", err.text);
}
END_TEST

/* What no tensor of MobileCLIP's own text tower shows must be said beside it. */
START_TEST(mobileclips_own_text_tower_needs_a_configuration) {
    static const struct {
        const char *field, *value, *sentence;
    } cases[] = {{NULL, NULL, "no configuration beside it says how many heads"},
                 {"text_cfg", NULL, "text_cfg.heads is missing"},
                 {"text_cfg/n_heads_per_layer", "5", "of its 5 heads"},
                 {"text_cfg/n_heads_per_layer", "\"2\"", "text_cfg.n_heads_per_layer is not a whole number"},
                 {"text_cfg/causal_masking", NULL, "text_cfg.causal_masking is missing"},
                 {"text_cfg/causal_masking", "true", "convolutions in it see what follows"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ps__error err = {0};
        copy_model("apple-mobileclip-s0");
        if (cases[i].field) run_in("mv \"$F/model_config.json\" \"$F/config.json\"", "", "");
        if (cases[i].field) change("config.json", cases[i].field, cases[i].value);
        int status = map_tower(NULL, inside("apple-mobileclip-s0.pt"), 1, &err);
        ck_assert_msg(status == PS__MODEL && strstr(err.text, cases[i].sentence), "%zu: %d %s", i, status, err.text);
    }
}
END_TEST

/* Names of tensors in the header of a safetensors file, changed to others of the same length. */
static const struct {
    const char *model, *file, *from, *to;
    int is_text;
    const char *sentence;
} renamings[] = {
    {"openclip-clip", "open_clip_model.safetensors", "\"logit_scale\"", "\"visual.more\"", 0, "tensor visual.more is not one of"},
    {"openclip-clip", "open_clip_model.safetensors", "visual.ln_post.bias", "visual.ln_past.bias", 0,
     "tensor visual.ln_post.bias is missing"},
    {"openclip-clip", "open_clip_model.safetensors", "\"ln_final.weight", "\"ln_finas.weight", 1,
     "tensor ln_final.weight is missing"},
    {"openclip-siglip", "open_clip_model.safetensors", "\"logit_scale\"", "\"text.clsemb\"", 1,
     "tensor text.clsemb is not one of"},
    {"openclip-siglip", "open_clip_model.safetensors", "attn_pool.q.bias", "attn_pool.q.bits", 0, "attn_pool.q.bias is missing"},
    {"openclip-mobileclip2-s0", "open_clip_model.safetensors", "stem.0.conv_scale.conv.weight", "stem.0.conv_scals.conv.weight", 0,
     "tensor visual.trunk.stem.0.conv_scale.bn.bias is not one of"},
    {"openclip-mobileclip2-s0", "open_clip_model.safetensors", "stem.0.conv_scale.bn.running_mean", "stem.0.conv_scale.bn.running_meam",
     0, "tensor visual.trunk.stem.0.conv_scale.bn.running_mean is missing"},
    {"openclip-mobileclip2-s0", "open_clip_model.safetensors", "blocks.0.mlp.fc2.weight", "blocks.0.mlp.fc3.weight", 0,
     "mlp.fc2.weight is missing"},
    {"openclip-mobileclip2-s0", "open_clip_model.safetensors", "\"logit_scale\"", "\"visual.more\"", 0, "tensor visual.more is not one of"},
    {"openclip-mobileclip2-s0", "open_clip_model.safetensors", "visual.trunk.head.fc.weight", "visual.trunk.hand.fc.weight", 0,
     "tensor visual.trunk.head.fc.weight is missing"},
    {"openclip-mobileclip-b", "open_clip_model.safetensors", "visual.trunk.pos_embed", "visual.trunk.pos_embad", 0,
     "tensor visual.trunk.pos_embed is missing"},
    {"openclip-mobileclip-b", "open_clip_model.safetensors", "visual.trunk.cls_token", "visual.trunk.cls_taken", 0,
     "tensor visual.trunk.cls_token is missing"},
    {"hf-clip", "model.safetensors", "vision_model.encoder.layers.1.mlp.fc1.weight",
     "vision_model.encoder.layers.3.mlp.fc1.weight", 0, "num_hidden_layers is 2, but the tensors say 1"},
    {"hf-clip", "model.safetensors", "vision_model.encoder.layers.0.mlp.fc2.bias", "vision_model.encoder.layers.9.mlp.fc2.bias",
     0, "vision_model.encoder.layers.0.mlp.fc2.bias is missing"},
};

/* Rewrites the first place of the file where `from` stands. */
static void rename_in(const char *file, const char *from, const char *to) {
    FILE *f = fopen(inside(file), "r+b");
    static char bytes[1 << 20];
    size_t size, length = strlen(from);
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(length, strlen(to));
    size = fread(bytes, 1, sizeof bytes, f);
    char *at = memmem(bytes, size, from, length);
    ck_assert_msg(at != NULL, "%s", from);
    ck_assert_int_eq(fseek(f, at - bytes, SEEK_SET), 0);
    ck_assert_uint_eq(fwrite(to, 1, length, f), length);
    fclose(f);
}

START_TEST(tensors_that_nothing_uses_or_that_are_missing_are_named) {
    ps__error err = {0};
    copy_model(renamings[_i].model);
    rename_in(renamings[_i].file, renamings[_i].from, renamings[_i].to);
    ck_assert_int_eq(map_tower(NULL, folder, renamings[_i].is_text, &err), PS__MODEL);
    ck_assert_msg(strstr(err.text, renamings[_i].sentence) != NULL, "%s", err.text);
}
END_TEST

/* MobileCLIP-B's tensors under its authors' names in place of timm's. */
static void take_authors_names(const char *file) {
    static const char *const names[][2] = {{"visual.trunk.patch_embed.backbone.0.conv.", "image_encoder.model.patch_emb.0.block.conv."},
                                           {"visual.trunk.patch_embed.backbone.0.bn.", "image_encoder.model.patch_emb.0.block.norm."},
                                           {"visual.trunk.patch_embed.backbone.1.conv.", "image_encoder.model.patch_emb.1.block.conv."},
                                           {"visual.trunk.patch_embed.backbone.1.bn.", "image_encoder.model.patch_emb.1.block.norm."},
                                           {"visual.trunk.patch_embed.backbone.2.", "image_encoder.model.patch_emb.2.block."},
                                           {"visual.trunk.blocks.", "image_encoder.model.transformer."},
                                           {".norm1.", ".pre_norm_mha.0."},
                                           {".attn.qkv.", ".pre_norm_mha.1.qkv_proj."},
                                           {".attn.proj.", ".pre_norm_mha.1.out_proj."},
                                           {".norm2.", ".pre_norm_ffn.0."},
                                           {".mlp.fc1.", ".pre_norm_ffn.1."},
                                           {".mlp.fc2.", ".pre_norm_ffn.4."},
                                           {"visual.trunk.norm.", "image_encoder.model.post_transformer_norm."},
                                           {"visual.trunk.cls_token", "image_encoder.model.cls_token"},
                                           {"visual.trunk.pos_embed", "image_encoder.model.pos_embed.pos_embed.pos_embed"},
                                           {"visual.trunk.head.weight", "image_encoder.model.classifier.proj"}};
    static char bytes[1 << 20];
    uint64_t length;
    const char *name;
    json_t *tensor, *renamed = json_object();
    FILE *f = fopen(inside(file), "rb");
    ck_assert_ptr_nonnull(f);
    size_t size = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    memcpy(&length, bytes, 8);
    json_t *header = json_loadb(bytes + 8, (size_t)length, 0, NULL);
    json_object_foreach(header, name, tensor) {
        char text[300];
        snprintf(text, sizeof text, "%s", name);
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            char *at = strstr(text, names[i][0]), rest[300];
            if (!at) continue;
            snprintf(rest, sizeof rest, "%s%s", names[i][1], at + strlen(names[i][0]));
            snprintf(at, sizeof text - (size_t)(at - text), "%s", rest);
        }
        json_object_set(renamed, text, tensor);
    }
    char *text = json_dumps(renamed, JSON_COMPACT);
    uint64_t new_length = strlen(text);
    f = fopen(inside(file), "wb");
    ck_assert_ptr_nonnull(f);
    fwrite(&new_length, 1, 8, f);
    fwrite(text, 1, new_length, f);
    fwrite(bytes + 8 + length, 1, size - 8 - length, f);
    ck_assert_int_eq(fclose(f), 0);
    free(text);
    json_decref(renamed);
    json_decref(header);
}

/* The norms of the authors' code add PyTorch's own eps to the variance, those of timm's another. */
START_TEST(mobileclip_bs_eps_is_that_of_the_names) {
    ps__error err = {0};
    for (int is_own = 0; is_own < 2; is_own++) {
        json_t *config = NULL;
        copy_model("openclip-mobileclip-b");
        if (is_own) take_authors_names("open_clip_model.safetensors");
        ck_assert_msg(map_tower(&config, folder, 0, &err) == PS__OK, "%s", err.text);
        ck_assert_double_eq(json_number_value(json_object_get(config, "eps")), is_own ? 1e-5 : 1e-6);
        json_decref(config);
    }
}
END_TEST

/* Each allocation fails once. */
START_TEST(a_lack_of_memory_is_told_as_such) {
    static const char *const models[] = {"openclip-clip", "openclip-siglip", "hf-siglip", "openclip-mobileclip2-s0", "openclip-mobileclip-b"};
    int status = PS__NOMEM;
    copy_model(models[_i]);
    const ps__source_files files = {.path = folder};
    ps__source source;
    ps__error err = {0};
    ck_assert_int_eq(ps__source_open(&source, &files, &err), PS__OK);
    for (long n = 0; status == PS__NOMEM; n++) {
        ps__import import = {
            .source = &source, .draft = ps__draft_new(), .image_config = json_object(), .text_config = json_object()};
        const ps__mapping *const *m = ps__mappings;
        while ((*m)->is_text || !(*m)->knows(&source)) m++;
        ps__alloc_fail_after(n, 0);
        status = (*m)->map(&import, &err);
        int failed = ps__alloc_fail_left() < 0;
        ps__alloc_fail_after(-1, 0);
        ck_assert_msg(status == PS__NOMEM || !failed, "allocation %ld: status %d, %s", n, status, err.text);
        json_decref(import.image_config);
        json_decref(import.text_config);
        ps__draft_free(import.draft);
    }
    ck_assert_msg(status == PS__OK, "%s", err.text);
    ps__source_clear(&source);
}
END_TEST

Suite *suite_mappings(void) {
    Suite *s = suite_create("mappings");
    TCase *t = tcase_create("transformers");
    tcase_add_checked_fixture(t, make_folder, remove_folder);
    tcase_add_loop_test(t, a_configuration_that_does_not_fit_is_refused_by_name, 0, (int)(sizeof refusals / sizeof *refusals));
    tcase_add_loop_test(t, without_a_configuration_nothing_is_guessed, 0, 2);
    tcase_add_loop_test(t, photos_of_another_size_than_the_towers_are_refused, 0, 3);
    tcase_add_test(t, openais_own_checkpoint_needs_no_configuration);
    tcase_add_test(t, mobileclips_own_text_tower_needs_a_configuration);
    tcase_add_loop_test(t, tensors_that_nothing_uses_or_that_are_missing_are_named, 0,
                        (int)(sizeof renamings / sizeof *renamings));
    tcase_add_test(t, mobileclip_bs_eps_is_that_of_the_names);
    tcase_add_loop_test(t, a_lack_of_memory_is_told_as_such, 0, 5);
    suite_add_tcase(s, t);
    return s;
}
