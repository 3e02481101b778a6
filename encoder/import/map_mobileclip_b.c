/*
** MobileCLIP-B's image tower (both generations) to our family `vit`: a vision transformer that looks at its patches through three
** convolutions, of which each takes what the one before it left, without overlap. The authors' names (image_encoder.model.*) and those of
** timm inside of open_clip (visual.trunk.*).
*/
#include <stdio.h>
#include <string.h>

#include "encoder/import/mobileone.h"

#define NAME 160
#define CONVOLUTIONS 3
#define HEAD_CHANNELS 64

typedef struct scheme {                         /* one naming */
    const char *prefix, *convolutions, *inside; /* the convolutions' number stands between these two */
    const char *position, *blocks, *norm;
    double eps; /* of all norms, as the code that belongs to the names has it: timm's 1e-6, PyTorch's own in Apple's */
    ps__block_names block;
} scheme;

static const scheme timm = {"visual.trunk.",
                            "visual.trunk.patch_embed.backbone.",
                            "",
                            "visual.trunk.pos_embed",
                            "visual.trunk.blocks.",
                            "visual.trunk.norm",
                            1e-6,
                            {.norm1 = "norm1",
                             .qkv_weight = "attn.qkv.weight",
                             .qkv_bias = "attn.qkv.bias",
                             .output = "attn.proj",
                             .norm2 = "norm2",
                             .fc1 = "mlp.fc1",
                             .fc2 = "mlp.fc2"}};
static const scheme own = {"image_encoder.model.",
                           "image_encoder.model.patch_emb.",
                           "block.",
                           "image_encoder.model.pos_embed.pos_embed.pos_embed",
                           "image_encoder.model.transformer.",
                           "image_encoder.model.post_transformer_norm",
                           1e-5,
                           {.norm1 = "pre_norm_mha.0",
                            .qkv_weight = "pre_norm_mha.1.qkv_proj.weight",
                            .qkv_bias = "pre_norm_mha.1.qkv_proj.bias",
                            .output = "pre_norm_mha.1.out_proj",
                            .norm2 = "pre_norm_ffn.0",
                            .fc1 = "pre_norm_ffn.1",
                            .fc2 = "pre_norm_ffn.4"}};

/* The convolutions, batch norms folded; strides are their sizes. *width: channels of the last. */
static int map_stem(int64_t *width, ps__mapper *m, const scheme *s) {
    json_t *stem = json_array();
    int64_t in = 3;
    int status = json_object_set_new(m->config, "stem", stem) ? ps__fail_nomem(m->err) : PS__OK;
    for (int i = 0; i < CONVOLUTIONS && !status; i++) {
        char name[NAME], to[32] = "image.patch";
        ps__fold f;
        int is_last = i == CONVOLUTIONS - 1;
        snprintf(name, sizeof name, "%s%d.%s", s->convolutions, i, s->inside);
        if (!is_last) snprintf(to, sizeof to, "image.stem.%d", i);
        status = ps__take_conv_norm(&f, m, name);
        if (!status && (f.in != in || f.height != f.width || f.height > 32 || f.out > 8192))
            status = ps__import_refuse(m->import, m->err, "tensor %sconv.weight is no square convolution of %lld channels", name,
                                       (long long)in);
        if (!status) status = ps__fold_layer(m->import, to, &f, m->err);
        if (!status && i == 0)
            status = ps__draft_keep_float(m->import->draft, to, m->err); /* of colours, on which all depends; little work */
        if (!status && is_last) status = ps__mapper_set_int(m, "patch", f.width);
        if (!status && !is_last && json_array_append_new(stem, json_pack("[i,i,i]", (int)f.width, (int)f.width, (int)f.out)))
            status = ps__fail_nomem(m->err);
        in = f.out;
    }
    *width = in;
    return status;
}

/* The class token, which has no position, and the positions of the patches. */
static int map_tokens(ps__mapper *m, const scheme *s, int64_t width) {
    const int64_t class_shape[3] = {1, 1, width};
    const ps__weight *token, *position;
    int status = ps__mapper_need(&token, m, 3, class_shape, "%scls_token", s->prefix);
    if (!status) status = ps__mapper_table(m, "image.class", 1, &width, token, 0, NULL);
    if (status) return status;
    if (!(position = ps__mapper_find(m, "%s", s->position)))
        return ps__import_refuse(m->import, m->err, "tensor %s is missing", s->position);
    if (position->rank < 2 || position->count % width || position->shape[position->rank - 1] != width)
        return ps__import_refuse(m->import, m->err, "tensor %s is no list of positions with %lld entries", s->position,
                                 (long long)width);
    const int64_t shape[2] = {position->count / width, width};
    return ps__mapper_table(m, "image.position", 2, shape, position, 0, NULL);
}

static int map_head(ps__mapper *m, const scheme *s, int64_t width) {
    const int64_t rows[2] = {-1, width}, columns[2] = {width, -1};
    const ps__weight *weight;
    int status;
    if (s == &timm) {
        status = ps__mapper_need(&weight, m, 2, rows, "visual.trunk.head.weight");
        if (!status) status = ps__mapper_dim(m, weight->shape[0]);
        return status ? status : ps__mapper_layer(m, "image.proj", "visual.trunk.head", weight->shape[0], width);
    }
    status = ps__mapper_need(&weight, m, 2, columns, "image_encoder.model.classifier.proj");
    if (!status) status = ps__mapper_dim(m, weight->shape[1]);
    return status ? status
                  : ps__mapper_transposed(m, "image.proj", "image_encoder.model.classifier.proj", weight->shape[1], width);
}

static int set_config(ps__mapper *m, const ps__block_sizes *sizes, double eps) {
    int status = ps__mapper_set_stack(m, sizes, sizes->width / HEAD_CHANNELS, "gelu", eps);
    if (!status) status = ps__mapper_set_string(m, "pool", "class");
    if (!status) status = ps__mapper_set_flag(m, "pre_norm", 0);
    if (!status) status = ps__mapper_set_flag(m, "proj", 1);
    return status ? status : ps__mapper_set_family(m, "vit");
}

static int map(ps__import *import, const scheme *s, const char *root, ps__error *err) {
    static const char *const harmless[] = {".num_batches_tracked", NULL}; /* batches that a norm saw in training */
    const char *const prefixes[] = {root, NULL};
    ps__block_sizes sizes = {0};
    ps__mapper m;
    ps__mapper_init(&m, import, 0, err);
    int status = map_stem(&sizes.width, &m, s);
    if (!status) status = map_tokens(&m, s, sizes.width);
    if (!status) status = ps__mapper_blocks(&sizes, &m, &s->block, s->blocks);
    if (!status) status = ps__mapper_norm(&m, "image.norm", s->norm, sizes.width);
    if (!status) status = map_head(&m, s, sizes.width);
    if (!status) status = set_config(&m, &sizes, s->eps);
    if (!status) status = ps__mapper_finish(&m, prefixes, harmless);
    ps__mapper_clear(&m);
    return status;
}

/* How many heads there are, and that the class token has no position, is the model's alone. */
static int check_name(const ps__import *import, ps__error *err) {
    const json_t *vision = json_object_get(json_object_get(import->source->open_clip, "model_cfg"), "vision_cfg");
    const char *name = json_string_value(json_object_get(vision, "timm_model_name"));
    if (name && strcmp(name, "vit_base_mci_224") == 0) return PS__OK;
    return ps__import_refuse(import, err,
                             "a configuration of open_clip beside it must say that visual.trunk.* is vit_base_mci_224 "
                             "(timm_model_name); it says \"%.40s\"",
                             name ? name : "");
}

static int map_timm(ps__import *import, ps__error *err) {
    int status = check_name(import, err);
    return status ? status : map(import, &timm, "visual.", err);
}

static int map_own(ps__import *import, ps__error *err) { return map(import, &own, "image_encoder.", err); }

static int knows_timm(const ps__source *s) {
    return ps__checkpoint_find(s->checkpoint, "visual.trunk.patch_embed.backbone.0.conv.weight") != NULL;
}

static int knows_own(const ps__source *s) {
    return ps__checkpoint_find(s->checkpoint, "image_encoder.model.patch_emb.0.block.conv.weight") != NULL;
}

const ps__mapping ps__mapping_mobileclip_b_timm = {"open_clip with timm's MobileCLIP-B", 0, knows_timm, map_timm};
const ps__mapping ps__mapping_mobileclip_b = {"MobileCLIP-B", 0, knows_own, map_own};
