/*
** Chinese-CLIP's text tower: BERT, whose first row is projected. Under transformers' names it has transformers' configuration;
** under those of its authors (bert., text_projection) nothing lies beside it, and their code says the rest: heads of 64, GELU by
** erf, eps 1e-12.
*/
#include <stdio.h>
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

static int knows_own(const ps__source *source) {
    return ps__checkpoint_find(source->checkpoint, "bert.embeddings.word_embeddings.weight") != NULL;
}

typedef struct tower {  /* what is mapped */
    const char *prefix; /* of BERT's own names */
    ps__transformers t; /* its kind is NULL where there is no configuration */
    int64_t vocab, width;
} tower;

/* Texts are cut at so many tokens by the authors' own code, and none were longer in training; the position table is BERT's, of
** 512 rows, and no file of the published models says it. */
#define CONTEXT 52

/* Words and positions; the row of token type 0 is added to every position, as a query has no other type. */
static int map_tables(ps__mapper *m, tower *w) {
    const ps__transformers_kind *kind = w->t.kind;
    const int64_t any[2] = {-1, -1};
    const ps__weight *words, *position, *type;
    char norm[64];
    int status = ps__mapper_need(&words, m, 2, any, "%sembeddings.word_embeddings.weight", w->prefix);
    if (status) return status;
    w->vocab = words->shape[0];
    w->width = words->shape[1];
    const int64_t table[2] = {-1, w->width};
    int64_t places[2] = {CONTEXT, w->width};
    status = ps__mapper_need(&position, m, 2, table, "%sembeddings.position_embeddings.weight", w->prefix);
    if (!status) status = ps__mapper_need(&type, m, 2, table, "%sembeddings.token_type_embeddings.weight", w->prefix);
    if (!status && kind) status = ps__fields_agree(&w->t.tower, "vocab_size", kind->text_vocab, w->vocab);
    if (!status && kind)
        status = ps__fields_agree(&w->t.tower, "max_position_embeddings", kind->text_positions, position->shape[0]);
    if (!status)
        status = ps__import_copy(m->import, "text.embed.word.weight", PS__STORE_LAYER, 2, words->shape, words, 0, m->err);
    if (!status && position->shape[0] < CONTEXT) places[0] = position->shape[0];
    if (!status) status = ps__mapper_table(m, "text.embed.position", 2, places, position, 0, type);
    snprintf(norm, sizeof norm, "%sembeddings.LayerNorm", w->prefix);
    if (!status) status = ps__mapper_norm(m, "text.embed.norm", norm, w->width);
    return status ? status : ps__mapper_set_int(m, "max_tokens", places[0]);
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

/* heads and eps, of the configuration */
static int read_numbers(int64_t *heads, double *eps, const ps__transformers *t, const ps__block_sizes *z) {
    const char *activation, *position;
    int status = ps__transformers_blocks(&t->tower, z, t->kind->text_width, t->kind->text_ffn);
    if (!status) status = ps__transformers_activation(&activation, &t->tower, t->kind->text_act);
    if (!status && strcmp(activation, "gelu") != 0) status = ps__fields_refuse(&t->tower, "hidden_act", "is not gelu");
    if (!status) status = ps__fields_string(&position, &t->tower, "position_embedding_type", "absolute");
    if (!status && strcmp(position, "absolute") != 0)
        status = ps__fields_refuse(&t->tower, "position_embedding_type", "\"%.30s\" is not supported", position);
    if (!status) status = ps__fields_int(heads, &t->tower, "num_attention_heads", t->kind->text_heads);
    return status ? status : ps__fields_real(eps, &t->tower, "layer_norm_eps", t->kind->text_eps);
}

static int map_blocks(ps__mapper *m, const tower *w) {
    ps__block_sizes z = {.width = w->width};
    double eps = 1e-12;
    int64_t heads = w->width / 64;
    char prefix[64];
    snprintf(prefix, sizeof prefix, "%sencoder.layer.", w->prefix);
    int status = ps__mapper_blocks(&z, m, &block_names, prefix);
    if (!status && w->t.kind) status = read_numbers(&heads, &eps, &w->t, &z);
    return status ? status : set_config(m, &z, heads, eps);
}

/* The authors keep the matrix as [width][dim]. */
static int map_own_projection(ps__mapper *m, int64_t width) {
    const int64_t any[2] = {width, -1};
    const ps__weight *proj;
    int status = ps__mapper_need(&proj, m, 2, any, "text_projection");
    if (!status) status = ps__mapper_dim(m, proj->shape[1]);
    return status ? status : ps__mapper_transposed(m, "text.proj", "text_projection", proj->shape[1], width);
}

static int map_projection(ps__mapper *m, const ps__transformers *t, int64_t width) {
    const int64_t any[2] = {-1, width};
    const ps__weight *proj;
    int status = ps__mapper_need(&proj, m, 2, any, "text_projection.weight");
    if (!status) status = ps__fields_agree(&t->top, "projection_dim", 512, proj->shape[0]);
    if (!status) status = ps__mapper_dim(m, proj->shape[0]);
    return status ? status : ps__mapper_projection(m, "text.proj", "text_projection", proj->shape[0], width);
}

static int map_tower(ps__mapper *m, tower *w) {
    static const char *const harmless[] = {".position_ids", ".token_type_ids", "pooler.dense.weight", "pooler.dense.bias", NULL};
    const char *const prefixes[] = {w->prefix, "text_projection", NULL};
    int status = map_tables(m, w);
    if (!status) status = map_blocks(m, w);
    if (!status) status = w->t.kind ? map_projection(m, &w->t, w->width) : map_own_projection(m, w->width);
    if (!status) status = ps__mapper_set_family(m, "bert");
    if (!status) status = ps__mapper_finish(m, prefixes, harmless);
    if (!status) status = ps__import_tokenizer(m->import, w->vocab, m->err);
    if (status) return status;
    json_object_del(m->config, "pad"); /* the reference masks padding, so texts are as long as they are */
    json_object_del(m->config, "eot");
    return PS__OK;
}

static int map(ps__import *import, ps__error *err) {
    tower w = {.prefix = "text_model."};
    ps__mapper m;
    ps__mapper_init(&m, import, 1, err);
    int status = ps__transformers_read(&w.t, import, 1, err);
    if (!status && !w.t.kind->has_bert)
        status =
            ps__fields_refuse(&w.t.top, "model_type", "is %s, but the text tower's tensors are BERT's", w.t.kind->model_type);
    if (!status) status = map_tower(&m, &w);
    ps__mapper_clear(&m);
    return status;
}

static int map_own(ps__import *import, ps__error *err) {
    tower w = {.prefix = "bert."};
    ps__mapper m;
    ps__mapper_init(&m, import, 1, err);
    int status = map_tower(&m, &w);
    ps__mapper_clear(&m);
    return status;
}

const ps__mapping ps__mapping_chinese_clip_text = {
    .name = "transformers Chinese-CLIP text", .is_text = 1, .knows = knows, .map = map};
const ps__mapping ps__mapping_chinese_clip_own = {.name = "Chinese-CLIP text", .is_text = 1, .knows = knows_own, .map = map_own};
