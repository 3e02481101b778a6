/*
** MobileCLIP's FastViT image towers (S0 to S4 of both generations) to our family `fastvit`, from the authors' names (image_encoder.model.*)
** and from those of timm inside of open_clip (visual.trunk.*). Depths, widths, filters, squeeze-and-excitation and the kinds of norms are
** read from the tensors; heads of 32 channels and strides of 2 are the architecture's.
*/
#include <stdio.h>
#include <string.h>

#include "encoder/import/mobileone.h"

#define NAME 160
#define MAX_CHANNELS 8192
#define PARTS_MOST 64 /* stages, or entries of the network */
#define HEAD_CHANNELS 32

typedef struct trunk { /* one mapping */
    ps__mapper m;
    json_t *blocks;   /* of image_config */
    int64_t channels; /* of the last block */
    int count;        /* of blocks */
} trunk;

static const char timm[] = "visual.trunk.", own[] = "image_encoder.model.";

/* Adds a block to the list; takes row over. */
static int add_row(trunk *t, json_t *row) {
    t->count++;
    return row && json_array_append_new(t->blocks, row) == 0 ? PS__OK : ps__fail_nomem(t->m.err);
}

/* A depthwise fold over the channels that there are. `to`: what it makes of them. */
static int map_depthwise(trunk *t, const ps__fold *f, int64_t to, const char *name) {
    if (f->out != to || f->out % t->channels || f->out > MAX_CHANNELS || f->height != f->width || f->height % 2 == 0)
        return ps__import_refuse(t->m.import, t->m.err, "%s: %lld x %lld filters of %lld channels cannot follow %lld channels",
                                 name, (long long)f->height, (long long)f->width, (long long)f->out, (long long)t->channels);
    t->channels = to;
    return ps__fold_depthwise(t->m.import, name, f, t->m.err);
}

/* A layer on the way that everything goes, with nothing beside it. What INT8 takes there is lost for all that follows, and these layers are a
** twentieth of the work: they stay in float32. (Measured on MobileCLIP2-S0: the mean cosine to float is 0.984 without this, 0.997 with it.) */
static int map_narrow(trunk *t, const ps__fold *f, const char *name) {
    int status = ps__fold_layer(t->m.import, name, f, t->m.err);
    return status ? status : ps__draft_keep_float(t->m.import->draft, name, t->m.err);
}

/* A pointwise fold that keeps the number of channels. */
static int check_pointwise(const trunk *t, const ps__fold *f, const char *name) {
    if (f->in == t->channels && f->out == t->channels && f->height == 1 && f->width == 1) return PS__OK;
    return ps__import_refuse(t->m.import, t->m.err, "%s: is no pointwise layer of %lld channels", name, (long long)t->channels);
}

static int map_stem(trunk *t, const char *prefix) {
    ps__mapper *m = &t->m;
    ps__fold f;
    char name[NAME];
    ps__module_name(name, sizeof name, prefix, "0.");
    int status = ps__take_mobileone(&f, m, name);
    if (!status && (f.in != 3 || f.height != 3 || f.width != 3 || f.out > MAX_CHANNELS))
        status = ps__import_refuse(m->import, m->err, "%s* is no 3 x 3 convolution of red, green and blue", name);
    if (!status) status = map_narrow(t, &f, "image.stem.conv");
    t->channels = f.out;
    ps__module_name(name, sizeof name, prefix, "1.");
    if (!status) status = ps__take_mobileone(&f, m, name);
    if (!status && f.height != 3) status = ps__import_refuse(m->import, m->err, "%s* is no 3 x 3 convolution", name);
    if (!status) status = map_depthwise(t, &f, t->channels, "image.stem.depthwise");
    ps__module_name(name, sizeof name, prefix, "2.");
    if (!status) status = ps__take_mobileone(&f, m, name);
    if (!status) status = check_pointwise(t, &f, "image.stem.pointwise");
    return status ? status : map_narrow(t, &f, "image.stem.pointwise");
}

/* "PREFIX0." a large-kernel convolution, "PREFIX1." a pointwise MobileOne block. */
static int map_down(trunk *t, const char *prefix) {
    ps__mapper *m = &t->m;
    ps__fold f;
    char name[NAME], to[48], layer[64];
    int squeeze = 0, kernel;
    snprintf(to, sizeof to, "image.%d", t->count);
    ps__module_name(layer, sizeof layer, to, ".depthwise");
    ps__module_name(name, sizeof name, prefix, "0.");
    int status = ps__take_large_kernel(&f, m, name);
    kernel = (int)f.width;
    if (!status) status = map_depthwise(t, &f, f.out, layer);
    if (!status) status = ps__map_squeeze(&squeeze, m, name, to, t->channels);
    ps__module_name(name, sizeof name, prefix, "1.");
    ps__module_name(layer, sizeof layer, to, ".pointwise");
    if (!status) status = ps__take_mobileone(&f, m, name);
    if (!status) status = check_pointwise(t, &f, layer);
    if (!status) status = map_narrow(t, &f, layer);
    return status ? status : add_row(t, json_pack("[s,i,i,i,i]", "down", kernel, (int)t->channels, squeeze, 1 /* GELU */));
}

/* Conditional positional encoding; folded or not. */
static int map_position(trunk *t, const char *trained, const char *folded) {
    ps__mapper *m = &t->m;
    ps__fold f;
    char layer[64];
    int is_folded = ps__mapper_has(m, "%s", folded);
    snprintf(layer, sizeof layer, "image.%d.depthwise", t->count);
    int status = ps__take_linear(&f, m, is_folded ? folded : trained, NULL);
    f.residual = !is_folded;
    if (!status) status = map_depthwise(t, &f, t->channels, layer);
    return status ? status : add_row(t, json_pack("[s,i]", "position", (int)f.width));
}

static int map_mixer(trunk *t, const char *prefix) {
    ps__mapper *m = &t->m;
    ps__fold f;
    char name[NAME], to[48], layer[64];
    int kernel, ffn_kernel, ffn;
    snprintf(to, sizeof to, "image.%d", t->count);
    ps__module_name(layer, sizeof layer, to, ".depthwise");
    ps__module_name(name, sizeof name, prefix, "token_mixer.");
    int status = ps__take_repmixer(&f, m, name);
    if (!status) status = map_depthwise(t, &f, t->channels, layer);
    kernel = (int)f.width;
    ps__module_name(name, sizeof name, prefix, "layer_scale");
    if (!status) status = ps__map_conv_ffn(&ffn_kernel, &ffn, m, prefix, to, t->channels, ps__take_scale(m, name));
    return status ? status : add_row(t, json_pack("[s,i,i,i]", "mixer", kernel, ffn_kernel, ffn));
}

/* A batch norm becomes a factor and a term, a layer norm (the one without a running mean) stays. */
static int map_norm(int *is_layer_norm, trunk *t, const char *prefix, const char *to) {
    ps__mapper *m = &t->m;
    const int64_t shape[1] = {t->channels};
    const ps__weight *weight, *bias;
    ps__fold f;
    char name[64];
    *is_layer_norm = !ps__mapper_has(m, "%srunning_mean", prefix);
    if (!*is_layer_norm) {
        int status = ps__take_norm(&f, m, prefix, t->channels);
        return status ? status : ps__fold_factors(m->import, to, &f, m->err);
    }
    int status = ps__mapper_need(&weight, m, 1, shape, "%sweight", prefix);
    if (!status) status = ps__mapper_need(&bias, m, 1, shape, "%sbias", prefix);
    ps__module_name(name, sizeof name, to, ".weight");
    if (!status) status = ps__import_copy(m->import, name, PS__STORE_FLOAT, 1, shape, weight, 0, m->err);
    ps__module_name(name, sizeof name, to, ".bias");
    return status ? status : ps__import_copy(m->import, name, PS__STORE_FLOAT, 1, shape, bias, 0, m->err);
}

static int map_attention(trunk *t, const char *prefix) {
    ps__mapper *m = &t->m;
    const int64_t shape[2] = {3 * t->channels, t->channels};
    const ps__weight *qkv;
    ps__fold f;
    char name[NAME], to[48], layer[64];
    int is_layer_norm, ffn_kernel, ffn;
    if (t->channels % HEAD_CHANNELS)
        return ps__import_refuse(m->import, m->err, "%s: %lld channels are no heads of %d", prefix, (long long)t->channels,
                                 HEAD_CHANNELS);
    snprintf(to, sizeof to, "image.%d", t->count);
    ps__module_name(layer, sizeof layer, to, ".norm");
    ps__module_name(name, sizeof name, prefix, "norm.");
    int status = map_norm(&is_layer_norm, t, name, layer);
    ps__module_name(layer, sizeof layer, to, ".qkv");
    if (!status) status = ps__mapper_need(&qkv, m, 2, shape, "%stoken_mixer.qkv.weight", prefix);
    if (!status) status = ps__import_layer(m->import, layer, qkv, ps__mapper_find(m, "%stoken_mixer.qkv.bias", prefix), m->err);
    ps__module_name(name, sizeof name, prefix, "layer_scale_1");
    const ps__weight *scale = ps__take_scale(m, name);
    ps__module_name(name, sizeof name, prefix, "token_mixer.proj.");
    ps__module_name(layer, sizeof layer, to, ".output");
    if (!status) status = ps__take_linear(&f, m, name, scale);
    if (!status) status = check_pointwise(t, &f, layer);
    if (!status) status = ps__fold_layer(m->import, layer, &f, m->err);
    ps__module_name(name, sizeof name, prefix, "layer_scale_2");
    if (!status) status = ps__map_conv_ffn(&ffn_kernel, &ffn, m, prefix, to, t->channels, ps__take_scale(m, name));
    return status ? status
                  : add_row(t, json_pack("[s,i,i,i,i]", "attention", (int)t->channels / HEAD_CHANNELS, ffn_kernel, ffn,
                                         is_layer_norm));
}

/* Blocks "PREFIX0.", "PREFIX1."... */
static int map_blocks(trunk *t, const char *prefix) {
    char name[NAME];
    int status = PS__OK;
    for (int i = 0; !status; i++) {
        snprintf(name, sizeof name, "%s%d.", prefix, i);
        if (!ps__mapper_has(&t->m, "%s", name)) break;
        status = ps__mapper_has(&t->m, "%stoken_mixer.qkv.", name) ? map_attention(t, name) : map_mixer(t, name);
    }
    return status;
}

/* timm: stages, each of which may begin with a patch embedding and a positional encoding. */
static int map_stages(trunk *t) {
    char down[NAME], trained[NAME], folded[NAME], blocks[NAME];
    int status = PS__OK;
    for (int s = 0; s < PARTS_MOST && !status && ps__mapper_has(&t->m, "%sstages.%d.", timm, s); s++) {
        snprintf(down, sizeof down, "%sstages.%d.downsample.proj.", timm, s);
        snprintf(trained, sizeof trained, "%sstages.%d.pos_emb.pos_enc.", timm, s);
        snprintf(folded, sizeof folded, "%sstages.%d.pos_emb.reparam_conv.", timm, s);
        snprintf(blocks, sizeof blocks, "%sstages.%d.blocks.", timm, s);
        if (ps__mapper_has(&t->m, "%s", down)) status = map_down(t, down);
        if (!status && ps__mapper_has(&t->m, "%sstages.%d.pos_emb.", timm, s)) status = map_position(t, trained, folded);
        if (!status) status = map_blocks(t, blocks);
    }
    return status;
}

/* The authors': one flat list, whose entries are a patch embedding, a positional encoding or a stage's blocks. */
static int map_network(trunk *t) {
    char name[NAME], part[NAME], folded[NAME];
    int status = PS__OK;
    for (int i = 0; i < PARTS_MOST && !status; i++) {
        snprintf(name, sizeof name, "%snetwork.%d.", own, i);
        if (!ps__mapper_has(&t->m, "%s", name)) break;
        ps__module_name(part, sizeof part, name, "proj.");
        if (ps__mapper_has(&t->m, "%s", part)) {
            status = map_down(t, part);
            continue;
        }
        ps__module_name(part, sizeof part, name, "pe.");
        ps__module_name(folded, sizeof folded, name, "reparam_conv.");
        if (ps__mapper_has(&t->m, "%s", part) || ps__mapper_has(&t->m, "%s", folded))
            status = map_position(t, part, folded);
        else
            status = map_blocks(t, name);
    }
    return status;
}

/* The last convolution, with its squeeze-and-excitation. */
static int map_last(trunk *t, const char *prefix) {
    ps__mapper *m = &t->m;
    ps__fold f;
    int squeeze = 0, status = ps__take_mobileone(&f, m, prefix);
    if (!status) status = map_depthwise(t, &f, f.out, "image.head");
    if (!status) status = ps__map_squeeze(&squeeze, m, prefix, "image.head", t->channels);
    if (status) return status;
    json_t *head = json_pack("[i,i,i]", (int)f.width, (int)t->channels, squeeze);
    return json_object_set_new(m->import->image_config, "head", head) ? ps__fail_nomem(m->err) : PS__OK;
}

static int map_timm_projection(trunk *t) {
    ps__mapper *m = &t->m;
    const int64_t shape[2] = {-1, t->channels};
    const ps__weight *weight;
    int status = ps__mapper_need(&weight, m, 2, shape, "%shead.fc.weight", timm);
    if (status) return status;
    status = ps__mapper_dim(m, weight->shape[0]);
    return status ? status
                  : ps__import_layer(m->import, "image.proj", weight, ps__mapper_find(m, "%shead.fc.bias", timm), m->err);
}

/* A matrix that rows are multiplied by from the left, without a bias. */
static int map_own_projection(trunk *t) {
    ps__mapper *m = &t->m;
    const int64_t shape[2] = {t->channels, -1};
    const ps__weight *weight;
    int status = ps__mapper_need(&weight, m, 2, shape, "%shead.proj", own);
    if (status) return status;
    status = ps__mapper_dim(m, weight->shape[1]);
    if (!status) status = ps__import_transposed(m->import, "image.proj.weight", PS__STORE_LAYER, weight, m->err);
    return status ? status : ps__import_zeros(m->import, "image.proj.bias", weight->shape[1], m->err);
}

static int start(trunk *t, ps__import *import, ps__error *err) {
    *t = (trunk){.blocks = json_array()};
    ps__mapper_init(&t->m, import, 0, err);
    if (json_object_set_new(import->image_config, "blocks", t->blocks)) return ps__fail_nomem(err);
    return ps__mapper_set_family(&t->m, "fastvit");
}

static int finish(trunk *t, const char *prefix) {
    static const char *const harmless[] = {".num_batches_tracked", NULL}; /* batches that a norm saw in training */
    const char *const prefixes[] = {prefix, NULL};
    return ps__mapper_finish(&t->m, prefixes, harmless);
}

/* What the tensors do not show: whether a GELU follows the large-kernel convolutions. It does in all of MobileCLIP's (fastvit_mci*), not in
** timm's other FastViTs. */
static int check_name(const ps__import *import, ps__error *err) {
    const json_t *vision = json_object_get(json_object_get(import->source->open_clip, "model_cfg"), "vision_cfg");
    const char *name = json_string_value(json_object_get(vision, "timm_model_name"));
    if (name && strncmp(name, "fastvit_mci", 11) == 0) return PS__OK;
    if (!name)
        return ps__import_refuse(import, err,
                                 "no configuration of open_clip beside it says which model visual.trunk.* is (timm_model_name)");
    return ps__import_refuse(
        import, err, "its configuration calls visual.trunk.* \"%.40s\", which is no MobileCLIP image tower (fastvit_mci*)", name);
}

static int map_timm(ps__import *import, ps__error *err) {
    trunk t;
    int status = check_name(import, err);
    if (status) return status;
    status = start(&t, import, err);
    if (!status) status = map_stem(&t, "visual.trunk.stem.");
    if (!status) status = ps__mapper_set_int(&t.m, "stem", t.channels);
    if (!status) status = map_stages(&t);
    if (!status) status = map_last(&t, "visual.trunk.final_conv.");
    if (!status) status = map_timm_projection(&t);
    if (!status) status = finish(&t, "visual.");
    ps__mapper_clear(&t.m);
    return status;
}

static int map_own(ps__import *import, ps__error *err) {
    trunk t;
    int status = start(&t, import, err);
    if (!status) status = map_stem(&t, "image_encoder.model.patch_embed.");
    if (!status) status = ps__mapper_set_int(&t.m, "stem", t.channels);
    if (!status) status = map_network(&t);
    if (!status) status = map_last(&t, "image_encoder.model.conv_exp.");
    if (!status) status = map_own_projection(&t);
    if (!status) status = finish(&t, "image_encoder.");
    ps__mapper_clear(&t.m);
    return status;
}

static int has_either(const ps__source *s, const char *one, const char *other) {
    return ps__checkpoint_find(s->checkpoint, one) || ps__checkpoint_find(s->checkpoint, other);
}

static int knows_timm(const ps__source *s) {
    return has_either(s, "visual.trunk.stem.0.conv_kxk.0.conv.weight", "visual.trunk.stem.0.reparam_conv.weight");
}

static int knows_own(const ps__source *s) {
    return has_either(s, "image_encoder.model.patch_embed.0.rbr_conv.0.conv.weight",
                      "image_encoder.model.patch_embed.0.reparam_conv.weight");
}

const ps__mapping ps__mapping_fastvit_timm = {"open_clip with timm's FastViT", 0, knows_timm, map_timm};
const ps__mapping ps__mapping_fastvit_own = {"MobileCLIP's FastViT", 0, knows_own, map_own};
