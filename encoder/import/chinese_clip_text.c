/*
** Chinese-CLIP's text tower under transformers' names: BERT, whose first row is projected.
*/
#include <string.h>

#include "encoder/import/transformers_config.h"

static const ps__block_names block_names = {.norm1 = "attention.output.LayerNorm",
                                            .query = "attention.self.query",
                                            .key = "attention.self.key",
                                            .value = "attention.self.value",
                                            .output = "attention.output.dense",
                                            .norm2 = "output.LayerNorm",
                                            .fc1 = "intermediate.dense",
                                            .fc2 = "output.dense"};

static int knows(const ps__source *source) {
    return ps__checkpoint_find(source->checkpoint, "text_model.embeddings.word_embeddings.weight") != NULL;
}

/* Words and positions; the row of token type 0 is added to every position, as a query has no other type. */
static int map_tables(int64_t *vocab, int64_t *width, ps__mapper *m, const ps__transformers *t) {
    static const char prefix[] = "text_model.embeddings.";
    const int64_t any[2] = {-1, -1};
    const ps__weight *words, *position, *type;
    int status = ps__mapper_need(&words, m, 2, any, "%sword_embeddings.weight", prefix);
    if (status) return status;
    *vocab = words->shape[0];
    *width = words->shape[1];
    const int64_t table[2] = {-1, *width};
    status = ps__mapper_need(&position, m, 2, table, "%sposition_embeddings.weight", prefix);
    if (!status) status = ps__mapper_need(&type, m, 2, table, "%stoken_type_embeddings.weight", prefix);
    if (!status) status = ps__fields_agree(&t->tower, "vocab_size", t->kind->text_vocab, *vocab);
    if (!status) status = ps__fields_agree(&t->tower, "max_position_embeddings", t->kind->text_positions, position->shape[0]);
    if (!status) status = ps__import_copy(m->import, "text.embed.word.weight", PS__STORE_LAYER, 2, words->shape, words, 0, m->err);
    if (!status) status = ps__mapper_table(m, "text.embed.position", 2, position->shape, position, 0, type);
    if (!status) status = ps__mapper_norm(m, "text.embed.norm", "text_model.embeddings.LayerNorm", *width);
    return status ? status : ps__mapper_set_int(m, "max_tokens", position->shape[0]);
}

/* The family's names of these fields are older than those of the other ones. */
static int set_config(ps__mapper *m, const ps__block_sizes *z, int64_t heads, double eps) {
    if (heads < 1 || z->width % heads)
        return ps__import_refuse(m->import, m->err, "the text tower's width %lld is not a multiple of its %lld heads",
                                 (long long)z->width, (long long)heads);
    int status = ps__mapper_set_int(m, "layers", z->layers);
    if (!status) status = ps__mapper_set_int(m, "hidden", z->width);
    if (!status) status = ps__mapper_set_int(m, "heads", heads);
    if (!status) status = ps__mapper_set_int(m, "ffn", z->ffn);
    if (!status) status = ps__mapper_set_real(m, "eps", eps);
    return status ? status : ps__mapper_set_string(m, "pool", "first");
}

static int map_blocks(ps__mapper *m, const ps__transformers *t, int64_t width) {
    ps__block_sizes z = {.width = width};
    const char *activation, *position;
    double eps;
    int64_t heads;
    int status = ps__mapper_blocks(&z, m, &block_names, "text_model.encoder.layer.");
    if (!status) status = ps__transformers_blocks(&t->tower, &z, t->kind->text_width, t->kind->text_ffn);
    if (!status) status = ps__transformers_activation(&activation, &t->tower, t->kind->text_act);
    if (!status && strcmp(activation, "gelu") != 0) status = ps__fields_refuse(&t->tower, "hidden_act", "is not gelu");
    if (!status) status = ps__fields_string(&position, &t->tower, "position_embedding_type", "absolute");
    if (!status && strcmp(position, "absolute") != 0)
        status = ps__fields_refuse(&t->tower, "position_embedding_type", "\"%.30s\" is not supported", position);
    if (!status) status = ps__fields_int(&heads, &t->tower, "num_attention_heads", t->kind->text_heads);
    if (!status) status = ps__fields_real(&eps, &t->tower, "layer_norm_eps", t->kind->text_eps);
    return status ? status : set_config(m, &z, heads, eps);
}

static int map_projection(ps__mapper *m, const ps__transformers *t, int64_t width) {
    const int64_t any[2] = {-1, width};
    const ps__weight *proj;
    int status = ps__mapper_need(&proj, m, 2, any, "text_projection.weight");
    if (!status) status = ps__fields_agree(&t->top, "projection_dim", 512, proj->shape[0]);
    if (!status) status = ps__mapper_dim(m, proj->shape[0]);
    return status ? status : ps__mapper_layer(m, "text.proj", "text_projection", proj->shape[0], width);
}

static int map_tower(ps__mapper *m) {
    static const char *const prefixes[] = {"text_model.", "text_projection.", NULL},
                             *const harmless[] = {".position_ids", ".token_type_ids", "pooler.dense.weight", "pooler.dense.bias", NULL};
    ps__transformers t;
    int64_t vocab = 0, width = 0;
    int status = ps__transformers_read(&t, m->import, 1, m->err);
    if (!status && !t.kind->has_bert)
        status = ps__fields_refuse(&t.top, "model_type", "is %s, but the text tower's tensors are BERT's", t.kind->model_type);
    if (!status) status = map_tables(&vocab, &width, m, &t);
    if (!status) status = map_blocks(m, &t, width);
    if (!status) status = map_projection(m, &t, width);
    if (!status) status = ps__mapper_set_family(m, "bert");
    if (!status) status = ps__mapper_finish(m, prefixes, harmless);
    if (!status) status = ps__import_tokenizer(m->import, vocab, m->err);
    if (status) return status;
    json_object_del(m->config, "pad"); /* the reference masks padding, so texts are as long as they are */
    json_object_del(m->config, "eot");
    return PS__OK;
}

static int map(ps__import *import, ps__error *err) {
    ps__mapper m;
    ps__mapper_init(&m, import, 1, err);
    int status = map_tower(&m);
    ps__mapper_clear(&m);
    return status;
}

const ps__mapping ps__mapping_chinese_clip_text = {.name = "transformers Chinese-CLIP text", .is_text = 1, .knows = knows, .map = map};
