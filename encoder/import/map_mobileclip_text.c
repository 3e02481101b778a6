/*
** MobileCLIP's text towers by the authors' names (text_encoder.*): a plain transformer to our family `transformer`, and the hybrid one of S0,
** some of whose blocks are convolutions along the text, to `mct`. How many heads there are, and whether a token sees those behind it, is in no
** tensor: a configuration, of the authors or of open_clip, must say it.
*/
#include <stdio.h>
#include <string.h>

#include "encoder/import/mobileone.h"

#define NAME 160
#define MAX_BLOCKS 64
#define EPS 1e-5

static const char blocks[] = "text_encoder.transformer.";
static const ps__block_names names = {.norm1 = "pre_norm_mha.0",
                                      .qkv_weight = "pre_norm_mha.1.qkv_proj.weight",
                                      .qkv_bias = "pre_norm_mha.1.qkv_proj.bias",
                                      .output = "pre_norm_mha.1.out_proj",
                                      .norm2 = "pre_norm_ffn.0",
                                      .fc1 = "pre_norm_ffn.1",
                                      .fc2 = "pre_norm_ffn.4"};

typedef struct tower { /* one mapping */
    ps__mapper m;
    ps__block_sizes sizes;
    json_t *mixers; /* of text.config; NULL until there is one */
} tower;

/* ---- The configuration ---- */

typedef struct facts {
    int64_t heads;
    int causal;
} facts;

/* text_cfg of the authors, {"n_heads_per_layer","causal_masking"}, or of open_clip, {"heads","no_causal_mask"}. */
static int read_facts(facts *out, const ps__import *import, ps__error *err) {
    const ps__source *s = import->source;
    ps__fields file = {s->hf, s->hf_path, "", err}, text;
    if (!s->open_clip && !s->hf)
        return ps__import_refuse(
            import, err,
            "no configuration beside it says how many heads its text tower has, and whether it is causal (name "
            "one with text_cfg)");
    if (s->open_clip) file = (ps__fields){json_object_get(s->open_clip, "model_cfg"), s->open_clip_path, "", err};
    int status = ps__fields_inner(&text, &file, "text_cfg");
    if (status) return status;
    if (json_object_get(text.json, "n_heads_per_layer")) {
        status = ps__fields_int(&out->heads, &text, "n_heads_per_layer", PS__REQUIRED);
        return status ? status : ps__fields_flag(&out->causal, &text, "causal_masking", PS__REQUIRED);
    }
    int free_sight = 0;
    status = ps__fields_int(&out->heads, &text, "heads", PS__REQUIRED);
    if (!status) status = ps__fields_flag(&free_sight, &text, "no_causal_mask", 0);
    out->causal = !free_sight;
    return status;
}

/* ---- Blocks ---- */

/* A block of convolutions, number i. */
static int map_mixer(tower *t, const char *prefix, int i) {
    ps__mapper *m = &t->m;
    ps__fold f;
    char name[NAME], to[32], layer[48];
    int kernel, ffn_kernel, ffn;
    snprintf(to, sizeof to, "text.%d", i);
    snprintf(layer, sizeof layer, "text.%d.depthwise", i);
    ps__module_name(name, sizeof name, prefix, "token_mixer.");
    int status = ps__take_repmixer(&f, m, name);
    if (!status && (f.out != t->sizes.width || f.height != 1 || f.width % 2 == 0))
        status = ps__import_refuse(m->import, m->err, "%s* is no filter along a text of %lld channels", name,
                                   (long long)t->sizes.width);
    if (!status) status = ps__fold_depthwise(m->import, layer, &f, m->err);
    kernel = (int)f.width;
    ps__module_name(name, sizeof name, prefix, "layer_scale");
    if (!status) status = ps__map_conv_ffn(&ffn_kernel, &ffn, m, prefix, to, t->sizes.width, ps__take_scale(m, name));
    if (status) return status;
    if (json_array_append_new(t->mixers, json_pack("[i,i,i,i]", i, kernel, ffn_kernel, ffn))) return ps__fail_nomem(m->err);
    return PS__OK;
}

/* Whether any block is made of convolutions decides the family. */
static int has_mixers(const tower *t) {
    for (int i = 0; i < MAX_BLOCKS; i++)
        if (ps__mapper_has(&t->m, "%s%d.token_mixer.", blocks, i)) return 1;
    return 0;
}

static int map_block(tower *t, int i) {
    const int64_t shape[2] = {-1, t->sizes.width};
    const ps__weight *fc1;
    if (!t->sizes.ffn) { /* the first transformer block says it for all */
        int status = ps__mapper_need(&fc1, &t->m, 2, shape, "%s%d.%s.weight", blocks, i, names.fc1);
        if (status) return status;
        t->sizes.ffn = fc1->shape[0];
    }
    return ps__mapper_block(&t->m, &names, blocks, i, &t->sizes);
}

static int map_blocks(tower *t) {
    char prefix[NAME];
    int status = PS__OK;
    for (int i = 0; i < MAX_BLOCKS && !status; i++) {
        snprintf(prefix, sizeof prefix, "%s%d.", blocks, i);
        if (!ps__mapper_has(&t->m, "%s", prefix)) break;
        status = ps__mapper_has(&t->m, "%stoken_mixer.", prefix) ? map_mixer(t, prefix, i) : map_block(t, i);
        t->sizes.layers++;
    }
    if (!status && !t->sizes.ffn)
        status = ps__import_refuse(t->m.import, t->m.err, "tensors %s* hold no transformer block", blocks);
    return status;
}

/* ---- The rest ---- */

static int map_embedding(tower *t, int64_t *vocab) {
    ps__mapper *m = &t->m;
    const int64_t any[2] = {-1, -1};
    const ps__weight *words, *position;
    int status = ps__mapper_need(&words, m, 2, any, "text_encoder.embedding_layer.weight");
    if (status) return status;
    *vocab = words->shape[0];
    t->sizes.width = words->shape[1];
    const int64_t position_shape[4] = {1, 1, -1, words->shape[1]};
    status = ps__mapper_need(&position, m, 4, position_shape, "text_encoder.positional_embedding.pos_embed.pos_embed");
    if (!status)
        status = ps__import_copy(m->import, "text.embed.word.weight", PS__STORE_LAYER, 2, words->shape, words, 0, m->err);
    if (!status) status = ps__mapper_table(m, "text.embed.position", 2, &position->shape[2], position, 0, NULL);
    return status ? status : ps__mapper_set_int(m, "max_tokens", position->shape[2]);
}

static int map_projection(tower *t) {
    ps__mapper *m = &t->m;
    const int64_t shape[2] = {t->sizes.width, -1};
    const ps__weight *weight;
    int status = ps__mapper_norm(m, "text.norm", "text_encoder.final_layer_norm", t->sizes.width);
    if (!status) status = ps__mapper_need(&weight, m, 2, shape, "text_encoder.projection_layer");
    if (!status) status = ps__mapper_dim(m, weight->shape[1]);
    return status ? status
                  : ps__mapper_transposed(m, "text.proj", "text_encoder.projection_layer", weight->shape[1], t->sizes.width);
}

/* The mark that every text ends with has the greatest id. */
static int set_config(tower *t, const facts *known, int64_t vocab) {
    ps__mapper *m = &t->m;
    if (known->causal && t->mixers)
        return ps__import_refuse(m->import, m->err, "its text tower is causal, but convolutions in it see what follows");
    int status = ps__mapper_set_stack(m, &t->sizes, known->heads, "gelu", EPS);
    if (!status) status = ps__mapper_set_text(m, vocab, known->causal, "eot", vocab - 1);
    if (!status) status = ps__mapper_set_flag(m, "proj", 1);
    return status ? status : ps__mapper_set_family(m, t->mixers ? "mct" : "transformer");
}

static int map_tower(tower *t) {
    static const char *const prefixes[] = {"text_encoder.", NULL}, *const harmless[] = {".num_batches_tracked", NULL};
    ps__mapper *m = &t->m;
    facts known = {0};
    int64_t vocab = 0;
    int status = read_facts(&known, m->import, m->err);
    if (!status && has_mixers(t) && json_object_set_new(m->config, "mixers", t->mixers = json_array()))
        status = ps__fail_nomem(m->err);
    if (!status) status = map_embedding(t, &vocab);
    if (!status) status = map_blocks(t);
    if (!status) status = map_projection(t);
    if (!status) status = set_config(t, &known, vocab);
    return status ? status : ps__mapper_finish(m, prefixes, harmless);
}

static int map(ps__import *import, ps__error *err) {
    tower t = {0};
    ps__mapper_init(&t.m, import, 1, err);
    int status = map_tower(&t);
    ps__mapper_clear(&t.m);
    return status;
}

static int knows(const ps__source *s) {
    return ps__checkpoint_find(s->checkpoint, "text_encoder.embedding_layer.weight") != NULL;
}

const ps__mapping ps__mapping_mobileclip_text = {"MobileCLIP's text tower", 1, knows, map};
