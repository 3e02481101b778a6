/*
** Text towers under transformers' names: CLIP's (text_projection beside the tower), and SigLIP's (text_model.head).
*/
#include <string.h>

#include "encoder/import/transformers_config.h"

static int knows(const ps__source *source) {
    return ps__checkpoint_find(source->checkpoint, "text_model.embeddings.token_embedding.weight") != NULL;
}

static int map_tables(int64_t *vocab, int64_t *width, ps__mapper *m, const ps__transformers *t) {
    static const char prefix[] = "text_model.embeddings.";
    const int64_t any[2] = {-1, -1};
    const ps__weight *words, *position;
    int status = ps__mapper_need(&words, m, 2, any, "%stoken_embedding.weight", prefix);
    if (status) return status;
    *vocab = words->shape[0];
    *width = words->shape[1];
    const int64_t table[2] = {-1, *width};
    status = ps__mapper_need(&position, m, 2, table, "%sposition_embedding.weight", prefix);
    if (!status) status = ps__fields_agree(&t->tower, "vocab_size", t->kind->text_vocab, *vocab);
    if (!status) status = ps__fields_agree(&t->tower, "max_position_embeddings", t->kind->text_positions, position->shape[0]);
    if (!status)
        status = ps__import_copy(m->import, "text.embed.word.weight", PS__STORE_LAYER, 2, words->shape, words, 0, m->err);
    if (!status)
        status = ps__import_copy(m->import, "text.embed.position", PS__STORE_FLOAT, 2, position->shape, position, 0, m->err);
    return status ? status : ps__mapper_set_int(m, "max_tokens", position->shape[0]);
}

static int map_blocks(ps__mapper *m, const ps__transformers *t, int64_t width) {
    ps__block_sizes z = {.width = width};
    const char *activation;
    double eps;
    int64_t heads;
    int status = ps__mapper_blocks(&z, m, &ps__transformers_block_names, "text_model.encoder.layers.");
    if (!status) status = ps__transformers_blocks(&t->tower, &z, t->kind->text_width, t->kind->text_ffn);
    if (!status) status = ps__transformers_activation(&activation, &t->tower, t->kind->text_act);
    if (!status) status = ps__fields_int(&heads, &t->tower, "num_attention_heads", t->kind->text_heads);
    if (!status) status = ps__fields_real(&eps, &t->tower, "layer_norm_eps", t->kind->text_eps);
    if (!status) status = ps__mapper_set_stack(m, &z, heads, activation, eps);
    return status ? status : ps__mapper_norm(m, "text.norm", "text_model.final_layer_norm", width);
}

static int map_projection(ps__mapper *m, const ps__transformers *t, int64_t width) {
    const char *name = t->kind->is_clip ? "text_projection" : "text_model.head";
    const int64_t any[2] = {-1, width};
    const ps__weight *proj;
    int status = ps__mapper_need(&proj, m, 2, any, "%s.weight", name);
    if (!status && t->kind->is_clip) status = ps__fields_agree(&t->top, "projection_dim", 512, proj->shape[0]);
    if (!status && !t->kind->is_clip) status = ps__fields_agree(&t->tower, "projection_size", width, proj->shape[0]);
    if (!status) status = ps__mapper_dim(m, proj->shape[0]);
    if (!status) status = ps__mapper_projection(m, "text.proj", name, proj->shape[0], width);
    return status ? status : ps__mapper_set_flag(m, "proj", 1);
}

/* CLIP takes the first row of eos_token_id; in files from before that was right it is 2, which stands for the row of the greatest
** id. SigLIP takes the last row, whatever it is, and lets padding count. */
static int map_pooling(ps__mapper *m, const ps__transformers *t, int64_t vocab) {
    int64_t eot = 0;
    if (!t->kind->is_clip) return ps__mapper_set_text(m, vocab, 0, "last", 0);
    int status = ps__fields_int(&eot, &t->tower, "eos_token_id", 49407);
    return status ? status : ps__mapper_set_text(m, vocab, 1, "eot", eot == 2 ? PS__REQUIRED : eot);
}

static int map_tower(ps__mapper *m) {
    static const char *const prefixes[] = {"text_model.", "text_projection.", NULL}, *const harmless[] = {".position_ids", NULL};
    ps__transformers t;
    int64_t vocab = 0, width = 0;
    int status = ps__transformers_read(&t, m->import, 1, m->err);
    if (!status && t.kind->has_bert)
        status =
            ps__fields_refuse(&t.top, "model_type", "is %s, but the text tower's tensors are not BERT's", t.kind->model_type);
    if (!status) status = map_tables(&vocab, &width, m, &t);
    if (!status) status = map_blocks(m, &t, width);
    if (!status) status = map_projection(m, &t, width);
    if (!status) status = ps__mapper_set_family(m, "transformer");
    if (!status) status = ps__mapper_finish(m, prefixes, harmless);
    return status ? status : map_pooling(m, &t, vocab);
}

static int map(ps__import *import, ps__error *err) {
    ps__mapper m;
    ps__mapper_init(&m, import, 1, err);
    int status = map_tower(&m);
    ps__mapper_clear(&m);
    return status;
}

const ps__mapping ps__mapping_transformers_text = {
    .name = "transformers text transformer", .is_text = 1, .knows = knows, .map = map};
