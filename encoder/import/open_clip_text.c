/*
** Text towers under the names of OpenAI's CLIP, which open_clip has kept: transformer.resblocks, token_embedding,
** text_projection; under `text.` where open_clip's model holds the tower as a part of its own (SigLIP, MobileCLIP).
*/
#include <string.h>

#include "encoder/import/open_clip_config.h"

static const char *const prefixes[] = {"text.", "_text_encoder.", ""};

static const char *joined(char out[96], const char *prefix, const char *name) {
    size_t length = strlen(prefix);
    memcpy(out, prefix, length);
    strcpy(out + length, name);
    return out;
}

static const char *find_prefix(const ps__source *source) {
    char name[96];
    for (size_t i = 0; i < 3; i++)
        if (ps__checkpoint_find(source->checkpoint, joined(name, prefixes[i], "transformer.resblocks.0.ln_1.weight")) &&
            ps__checkpoint_find(source->checkpoint, joined(name, prefixes[i], "token_embedding.weight")))
            return prefixes[i];
    return NULL;
}

static int knows(const ps__source *source) { return find_prefix(source) != NULL; }

/* What the tower's object may say, beyond its blocks. */
static int check_text(const ps__fields *f) {
    static const char *const known[] = {"context_length",
                                        "vocab_size",
                                        "hf_tokenizer_name",
                                        "tokenizer_mode",
                                        "tokenizer_kwargs",
                                        "width",
                                        "heads",
                                        "layers",
                                        "mlp_ratio",
                                        "ls_init_value",
                                        "embed_cls",
                                        "pad_id",
                                        "eos_id",
                                        "no_causal_mask",
                                        "pool_type",
                                        "proj_bias",
                                        "final_ln_after_pool",
                                        "proj_type",
                                        "output_tokens",
                                        "act_kwargs",
                                        "norm_kwargs",
                                        "block_type",
                                        "qk_norm",
                                        "scaled_cosine_attn",
                                        "scale_heads",
                                        "scale_attn_inner",
                                        "scale_attn",
                                        "scale_fc",
                                        "hf_model_name",
                                        "hf_proj_type",
                                        "hf_pooler_type",
                                        "hf_model_pretrained",
                                        NULL};
    static const char *const unset[] = {"embed_cls", "hf_model_name", NULL};
    int status = ps__fields_only(f, known);
    return status ? status : ps__fields_unset(f, unset);
}

static int map_tables(int64_t *vocab, int64_t *width, ps__mapper *m, const ps__open_clip *c, const char *prefix) {
    const int64_t any[2] = {-1, -1};
    const ps__weight *words, *position;
    int status = ps__mapper_need(&words, m, 2, any, "%stoken_embedding.weight", prefix);
    if (status) return status;
    *vocab = words->shape[0];
    *width = words->shape[1];
    const int64_t table[2] = {-1, *width};
    status = ps__mapper_need(&position, m, 2, table, "%spositional_embedding", prefix);
    if (!status && !c->is_bare) status = ps__fields_agree(&c->text, "vocab_size", 49408, *vocab);
    if (!status && !c->is_bare) status = ps__fields_agree(&c->text, "context_length", 77, position->shape[0]);
    if (!status)
        status = ps__import_copy(m->import, "text.embed.word.weight", PS__STORE_LAYER, 2, words->shape, words, 0, m->err);
    if (!status)
        status = ps__import_copy(m->import, "text.embed.position", PS__STORE_FLOAT, 2, position->shape, position, 0, m->err);
    return status ? status : ps__mapper_set_int(m, "max_tokens", position->shape[0]);
}

static int map_blocks(ps__mapper *m, const ps__open_clip *c, const char *prefix, int64_t width) {
    ps__block_sizes z = {.width = width};
    const char *activation;
    char name[96];
    double eps;
    int64_t heads = width / 64;
    int status = ps__mapper_blocks(&z, m, &ps__open_clip_block_names, joined(name, prefix, "transformer.resblocks."));
    if (!status) status = ps__open_clip_blocks(c, &c->text, &z, 512);
    if (!status) status = ps__open_clip_numerics(&activation, &eps, c, &c->text);
    if (!status && !c->is_bare) status = ps__fields_int(&heads, &c->text, "heads", 8);
    if (!status) status = ps__mapper_set_stack(m, &z, heads, activation, eps);
    return status ? status : ps__mapper_norm(m, "text.norm", joined(name, prefix, "ln_final"), width);
}

/* A matrix [width][dim], or a linear layer with a bias, or (proj_type none) nothing. */
static int map_projection(ps__mapper *m, const ps__open_clip *c, const char *prefix, int64_t width) {
    const ps__weight *proj = ps__mapper_find(m, "%stext_projection", prefix),
                     *layer = ps__mapper_find(m, "%stext_projection.weight", prefix);
    const char *type;
    char name[96];
    int64_t dim = proj && proj->rank == 2 ? proj->shape[1] : layer ? layer->shape[0] : width;
    int status = ps__fields_string(&type, &c->text, "proj_type", "linear");
    int is_linear = !status && strcmp(type, "linear") == 0;
    if (!status && is_linear != (proj || layer))
        status = ps__fields_refuse(&c->text, "proj_type", "is \"%.30s\", and tensor %stext_projection is %s", type, prefix,
                                   proj || layer ? "there" : "missing");
    joined(name, prefix, "text_projection");
    if (!status && !c->is_bare) status = ps__fields_agree(&c->model, "embed_dim", PS__REQUIRED, dim);
    if (!status) status = ps__mapper_dim(m, dim);
    if (!status && proj) status = ps__mapper_transposed(m, "text.proj", name, dim, width);
    if (!status && layer) status = ps__mapper_layer(m, "text.proj", name, dim, width);
    return status ? status : ps__mapper_set_flag(m, "proj", is_linear);
}

/* argmax takes the row of the greatest id. */
static int map_pooling(ps__mapper *m, const ps__open_clip *c, int64_t vocab) {
    const char *pool;
    int no_mask;
    int64_t eot = PS__REQUIRED;
    int status = ps__fields_string(&pool, &c->text, "pool_type", "argmax");
    if (!status) status = ps__fields_flag(&no_mask, &c->text, "no_causal_mask", 0);
    if (!status && strcmp(pool, "eos") == 0) status = ps__fields_int(&eot, &c->text, "eos_id", 2);
    if (status) return status;
    int is_eot = strcmp(pool, "argmax") == 0 || strcmp(pool, "eos") == 0;
    if (!is_eot && strcmp(pool, "last") != 0 && strcmp(pool, "first") != 0)
        return ps__fields_refuse(&c->text, "pool_type", "\"%.30s\" is not supported", pool);
    return ps__mapper_set_text(m, vocab, !no_mask, is_eot ? "eot" : pool, eot);
}

static int map_tower(ps__mapper *m, const char *prefix) {
    static const char *const top[] =
        {"transformer.", "token_embedding", "positional_embedding", "ln_final", "text_projection", "cls_emb", NULL},
                             *const harmless[] = {"attn_mask", NULL};
    const char *const own[] = {prefix, NULL};
    ps__open_clip c;
    int64_t vocab = 0, width = 0;
    int status = ps__open_clip_read(&c, m->import, m->err);
    if (!status && !c.is_bare) status = check_text(&c.text);
    if (!status) status = map_tables(&vocab, &width, m, &c, prefix);
    if (!status) status = map_blocks(m, &c, prefix, width);
    if (!status) status = map_projection(m, &c, prefix, width);
    if (!status) status = ps__mapper_set_family(m, "transformer");
    if (!status) status = ps__mapper_finish(m, prefix[0] ? own : top, harmless);
    return status ? status : map_pooling(m, &c, vocab);
}

static int map(ps__import *import, ps__error *err) {
    ps__mapper m;
    ps__mapper_init(&m, import, 1, err);
    int status = map_tower(&m, find_prefix(import->source));
    ps__mapper_clear(&m);
    return status;
}

const ps__mapping ps__mapping_open_clip_text = {.name = "open_clip text transformer", .is_text = 1, .knows = knows, .map = map};
