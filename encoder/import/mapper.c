/*
** Mapping the tensors of transformer towers; see mapper.h.
*/
#include "encoder/import/mapper.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define NAME 200
#define MAX_LAYERS 64

void ps__mapper_init(ps__mapper *m, ps__import *import, int is_text, ps__error *err) {
    *m = (ps__mapper){.import = import, .err = err};
    m->side = is_text ? "text" : "image";
    m->config = is_text ? import->text_config : import->image_config;
}

void ps__mapper_clear(ps__mapper *m) {
    ps__free(m->used);
    m->used = NULL;
}

/* ---- Tensors ---- */

static int remember(ps__mapper *m, const ps__weight *w) {
    if (m->used_count == m->used_room) {
        size_t room = m->used_room ? m->used_room * 2 : 256;
        const ps__weight **bigger = ps__realloc(m->used, room * sizeof *bigger);
        if (!bigger) return ps__fail_nomem(m->err);
        m->used = bigger;
        m->used_room = room;
    }
    m->used[m->used_count++] = w;
    return PS__OK;
}

const ps__weight *ps__mapper_find(ps__mapper *m, const char *name_format, ...) {
    char name[NAME];
    va_list args;
    va_start(args, name_format);
    vsnprintf(name, sizeof name, name_format, args);
    va_end(args);
    const ps__weight *w = ps__checkpoint_find(m->import->source->checkpoint, name);
    if (w && remember(m, w)) m->no_memory = 1;
    return w;
}

int ps__mapper_has(const ps__mapper *m, const char *prefix_format, ...) {
    char prefix[NAME];
    va_list args;
    va_start(args, prefix_format);
    vsnprintf(prefix, sizeof prefix, prefix_format, args);
    va_end(args);
    return ps__checkpoint_has(m->import->source->checkpoint, prefix);
}

int ps__mapper_need(const ps__weight **out, ps__mapper *m, int rank, const int64_t *shape, const char *name_format, ...) {
    char name[NAME];
    va_list args;
    va_start(args, name_format);
    vsnprintf(name, sizeof name, name_format, args);
    va_end(args);
    int status = ps__import_need(out, m->import, rank, shape, m->err, "%s", name);
    return status ? status : remember(m, *out);
}

static int is_used(const ps__mapper *m, const ps__weight *w) {
    for (size_t i = 0; i < m->used_count; i++)
        if (m->used[i] == w) return 1;
    return 0;
}

static int begins_with_one(const char *name, const char *const *prefixes) {
    for (; *prefixes; prefixes++)
        if (strncmp(name, *prefixes, strlen(*prefixes)) == 0) return 1;
    return 0;
}

static int ends_with_one(const char *name, const char *const *endings) {
    size_t length = strlen(name);
    for (; endings && *endings; endings++) {
        size_t size = strlen(*endings);
        if (length >= size && strcmp(name + length - size, *endings) == 0) return 1;
    }
    return 0;
}

int ps__mapper_finish(ps__mapper *m, const char *const *prefixes, const char *const *harmless) {
    const ps__weight *w;
    if (m->no_memory) return ps__fail_nomem(m->err);
    for (size_t i = 0; (w = ps__checkpoint_at(m->import->source->checkpoint, i)) != NULL; i++)
        if (begins_with_one(w->name, prefixes) && !ends_with_one(w->name, harmless) && !is_used(m, w))
            return ps__import_refuse(m->import, m->err, "tensor %s is not one of a model that is known", w->name);
    return PS__OK;
}

/* ---- Layers and norms ---- */

int ps__mapper_layer(ps__mapper *m, const char *to, const char *from, int64_t outputs, int64_t inputs) {
    const int64_t shape[2] = {outputs, inputs};
    const ps__weight *weight, *bias;
    int status = ps__mapper_need(&weight, m, 2, shape, "%s.weight", from);
    if (!status) status = ps__mapper_need(&bias, m, 1, shape, "%s.bias", from);
    return status ? status : ps__import_layer(m->import, to, weight, bias, m->err);
}

int ps__mapper_projection(ps__mapper *m, const char *to, const char *from, int64_t outputs, int64_t inputs) {
    const int64_t shape[2] = {outputs, inputs};
    const ps__weight *weight;
    if (ps__mapper_find(m, "%s.bias", from)) return ps__mapper_layer(m, to, from, outputs, inputs);
    int status = ps__mapper_need(&weight, m, 2, shape, "%s.weight", from);
    return status ? status : ps__import_layer(m->import, to, weight, NULL, m->err);
}

int ps__mapper_transposed(ps__mapper *m, const char *to, const char *from, int64_t outputs, int64_t inputs) {
    const int64_t shape[2] = {inputs, outputs};
    const ps__weight *weight;
    char name[NAME];
    int status = ps__mapper_need(&weight, m, 2, shape, "%s", from);
    snprintf(name, sizeof name, "%s.weight", to);
    if (!status) status = ps__import_transposed(m->import, name, PS__STORE_LAYER, weight, m->err);
    snprintf(name, sizeof name, "%s.bias", to);
    return status ? status : ps__import_zeros(m->import, name, outputs, m->err);
}

int ps__mapper_rows(ps__mapper *m, const char *to, const ps__weight *weight, const ps__weight *bias, int64_t first,
                    int64_t width) {
    const int64_t shape[2] = {width, width};
    char name[NAME];
    snprintf(name, sizeof name, "%s.weight", to);
    int status = ps__import_copy(m->import, name, PS__STORE_LAYER, 2, shape, weight, first, m->err);
    if (status) return status;
    snprintf(name, sizeof name, "%s.bias", to);
    if (!bias) return ps__import_zeros(m->import, name, width, m->err);
    return ps__import_copy(m->import, name, PS__STORE_FLOAT, 1, shape, bias, first, m->err);
}

int ps__mapper_norm(ps__mapper *m, const char *to, const char *from, int64_t width) {
    static const char *const parts[] = {"weight", "bias"};
    char name[NAME];
    int status = PS__OK;
    for (size_t i = 0; i < 2 && !status; i++) {
        const ps__weight *w;
        status = ps__mapper_need(&w, m, 1, &width, "%s.%s", from, parts[i]);
        snprintf(name, sizeof name, "%s.%s", to, parts[i]);
        if (!status) status = ps__import_copy(m->import, name, PS__STORE_FLOAT, 1, &width, w, 0, m->err);
    }
    return status;
}

/* ---- Tables ---- */

typedef struct table {
    const ps__checkpoint *checkpoint;
    const ps__weight *from, *add; /* add: NULL, or its first `width` entries are added to each row */
    int64_t first;                /* entry that row 0 begins with */
    int64_t row;                  /* entries of what is declared as a row */
    int64_t width;
} table;

static int fill_table(float *out, int64_t first, int64_t count, void *ctx, ps__error *err) {
    const table *t = ctx;
    int64_t at = first * t->row, n = count * t->row;
    int status = ps__checkpoint_read(out, t->checkpoint, t->from, t->first + at, n, err);
    if (status || !t->add) return status;
    float *add = ps__array((size_t)t->width, sizeof *add);
    if (!add) return ps__fail_nomem(err);
    status = ps__checkpoint_read(add, t->checkpoint, t->add, 0, t->width, err);
    for (int64_t i = 0; i < n && !status; i++) out[i] += add[(at + i) % t->width];
    ps__free(add);
    return status;
}

int ps__mapper_table(ps__mapper *m, const char *to, int rank, const int64_t *shape, const ps__weight *from, int64_t first,
                     const ps__weight *add) {
    table t = {m->import->source->checkpoint, from, add, first, rank == 2 ? shape[1] : 1, shape[rank - 1]};
    if (t.first + shape[0] * t.row > from->count || (add && add->count < t.width))
        return ps__import_refuse(m->import, m->err, "tensor %s has fewer entries than %s needs", from->name, to);
    return ps__draft_add(m->import->draft, to, PS__STORE_FLOAT, rank, shape, fill_table, &t, sizeof t, m->err);
}

typedef struct projection { /* one row through a layer */
    const ps__checkpoint *checkpoint;
    const ps__weight *row, *weight, *bias; /* bias may be NULL */
    int64_t width;
} projection;

static int fill_projection(float *out, int64_t first, int64_t count, void *ctx, ps__error *err) {
    const projection *p = ctx;
    int64_t n = p->width;
    float *row = ps__array((size_t)n * 2, sizeof *row), *weights = row ? row + n : NULL;
    if (!row) return ps__fail_nomem(err);
    int status = ps__checkpoint_read(row, p->checkpoint, p->row, 0, n, err);
    for (int64_t o = 0; o < count && !status; o++) {
        float bias = 0;
        double sum = 0;
        status = ps__checkpoint_read(weights, p->checkpoint, p->weight, (first + o) * n, n, err);
        if (!status && p->bias) status = ps__checkpoint_read(&bias, p->checkpoint, p->bias, first + o, 1, err);
        for (int64_t i = 0; i < n && !status; i++) sum += (double)weights[i] * (double)row[i];
        out[o] = (float)(sum + (double)bias);
    }
    ps__free(row);
    return status;
}

int ps__mapper_project_row(ps__mapper *m, const char *to, const ps__weight *row, const ps__weight *weight, const ps__weight *bias,
                           int64_t width) {
    projection p = {m->import->source->checkpoint, row, weight, bias, width};
    return ps__draft_add(m->import->draft, to, PS__STORE_FLOAT, 1, &width, fill_projection, &p, sizeof p, m->err);
}

/* ---- Patches ---- */

/* What the position table says of a picture's size must be what the configurations say. Nothing is interpolated. */
static int check_size(ps__mapper *m, const ps__weight *position, int64_t patches, int64_t patch, int64_t size) {
    const json_t *prepared = json_object_get(m->config, "size");
    int64_t grid = size / patch;
    if (grid * grid != patches)
        return ps__import_refuse(m->import, m->err, "tensor %s is of %lld patches, but pictures of %lld pixels a side have %lld",
                                 position->name, (long long)patches, (long long)size, (long long)(grid * grid));
    if (prepared && json_integer_value(prepared) != size)
        return ps__import_refuse(m->import, m->err, "photos are resized to %lld pixels a side, but the image tower looks at %lld",
                                 (long long)json_integer_value(prepared), (long long)size);
    return PS__OK;
}

static int compare_patches(ps__mapper *m, const ps__weight *position, int64_t patches, int64_t patch, const ps__fields *f,
                           int64_t usual_size, int64_t usual_patch) {
    int64_t size, stated;
    int status = ps__fields_square(&size, f, "image_size", usual_size);
    if (!status) status = ps__fields_square(&stated, f, "patch_size", usual_patch);
    if (!status && stated != patch)
        status = ps__fields_refuse(f, "patch_size", "is %lld, but the tensors say %lld", (long long)stated, (long long)patch);
    return status ? status : check_size(m, position, patches, patch, size);
}

static int declare_patches(ps__mapper *m, const ps__weight *conv, const ps__weight *bias, const ps__weight *position,
                           const ps__weight *class) {
    int64_t w = conv->shape[0], rows = position->count / w;
    const int64_t places[2] = {rows - (class != NULL), w};
    int status = ps__import_patches(m->import, "image.patch.weight", PS__STORE_LAYER, conv, m->err);
    if (!status && bias) status = ps__mapper_table(m, "image.patch.bias", 1, &w, bias, 0, NULL);
    if (!status && !bias) status = ps__import_zeros(m->import, "image.patch.bias", w, m->err);
    if (!status && class) status = ps__mapper_table(m, "image.class", 1, &w, class, 0, position);
    if (!status) status = ps__mapper_table(m, "image.position", 2, places, position, class ? w : 0, NULL);
    return status ? status : ps__mapper_set_int(m, "patch", conv->shape[2]);
}

int ps__mapper_patches(ps__mapper *m, const ps__weight *conv, const ps__weight *bias, const ps__weight *position,
                       const ps__weight *class, const ps__fields *f, int64_t usual_size, int64_t usual_patch) {
    int64_t patch = conv->shape[2], w = conv->shape[0], patches = w ? position->count / w - (class != NULL) : 0;
    const json_t *prepared = json_object_get(m->config, "size");
    int status = PS__OK;
    if (patch < 1 || patch != conv->shape[3] || conv->shape[1] != 3)
        return ps__import_refuse(m->import, m->err, "tensor %s is not of square patches of three colours", conv->name);
    if (patches < 1) return ps__import_refuse(m->import, m->err, "tensor %s has no row for a patch", position->name);
    if (usual_size != PS__REQUIRED || usual_patch != PS__REQUIRED)
        status = compare_patches(m, position, patches, patch, f, usual_size, usual_patch);
    else if (prepared)
        status = check_size(m, position, patches, patch, json_integer_value(prepared));
    return status ? status : declare_patches(m, conv, bias, position, class);
}

/* ---- Blocks ---- */

/* "image.3.query" and, of the published block, "visual.blocks.3.attn.q" */
typedef struct pair {
    char to[NAME], from[NAME];
} pair;

static const pair *name_part(pair *p, const ps__mapper *m, const char *prefix, int64_t index, const char *ours,
                             const char *theirs) {
    snprintf(p->to, sizeof p->to, "%s.%d.%s", m->side, (int)index, ours);
    snprintf(p->from, sizeof p->from, "%s%d.%s", prefix, (int)index, theirs);
    return p;
}

static int map_layer(ps__mapper *m, const char *prefix, int64_t index, const char *ours, const char *theirs, int64_t outputs,
                     int64_t inputs) {
    pair p;
    name_part(&p, m, prefix, index, ours, theirs);
    return ps__mapper_layer(m, p.to, p.from, outputs, inputs);
}

static int map_norm(ps__mapper *m, const char *prefix, int64_t index, const char *ours, const char *theirs, int64_t width) {
    pair p;
    name_part(&p, m, prefix, index, ours, theirs);
    return ps__mapper_norm(m, p.to, p.from, width);
}

static const char *const qkv_names[] = {"query", "key", "value"};

static int map_joined(ps__mapper *m, const ps__block_names *names, const char *prefix, int64_t index, int64_t width) {
    const int64_t shape[2] = {3 * width, width};
    const ps__weight *weight, *bias;
    pair p;
    int status = ps__mapper_need(&weight, m, 2, shape, "%s%d.%s", prefix, (int)index, names->qkv_weight);
    if (!status) status = ps__mapper_need(&bias, m, 1, shape, "%s%d.%s", prefix, (int)index, names->qkv_bias);
    for (int i = 0; i < 3 && !status; i++) {
        name_part(&p, m, prefix, index, qkv_names[i], "");
        status = ps__mapper_rows(m, p.to, weight, bias, i * width, width);
    }
    return status;
}

int ps__mapper_block(ps__mapper *m, const ps__block_names *names, const char *prefix, int64_t i, const ps__block_sizes *z) {
    const char *const apart[] = {names->query, names->key, names->value};
    int status = map_norm(m, prefix, i, "norm1", names->norm1, z->width);
    if (!status && names->qkv_weight) status = map_joined(m, names, prefix, i, z->width);
    for (int p = 0; p < 3 && !status && !names->qkv_weight; p++)
        status = map_layer(m, prefix, i, qkv_names[p], apart[p], z->width, z->width);
    if (!status) status = map_layer(m, prefix, i, "output", names->output, z->width, z->width);
    if (!status) status = map_norm(m, prefix, i, "norm2", names->norm2, z->width);
    if (!status) status = map_layer(m, prefix, i, "fc1", names->fc1, z->ffn, z->width);
    if (!status) status = map_layer(m, prefix, i, "fc2", names->fc2, z->width, z->ffn);
    return status;
}

int ps__mapper_blocks(ps__block_sizes *z, ps__mapper *m, const ps__block_names *names, const char *prefix) {
    const int64_t shape[2] = {-1, z->width};
    const ps__weight *fc1;
    z->layers = 0;
    int status = ps__mapper_need(&fc1, m, 2, shape, "%s0.%s.weight", prefix, names->fc1);
    if (status) return status;
    z->ffn = fc1->shape[0];
    while (!status && z->layers < MAX_LAYERS && ps__mapper_find(m, "%s%d.%s.weight", prefix, (int)z->layers, names->fc1))
        status = ps__mapper_block(m, names, prefix, z->layers++, z);
    return status; /* a block beyond a gap is found by ps__mapper_finish */
}

/* ---- Configuration ---- */

static int set(ps__mapper *m, const char *field, json_t *value) {
    return json_object_set_new(m->config, field, value) ? ps__fail_nomem(m->err) : PS__OK;
}

int ps__mapper_set_int(ps__mapper *m, const char *field, int64_t value) { return set(m, field, json_integer(value)); }
int ps__mapper_set_real(ps__mapper *m, const char *field, double value) { return set(m, field, json_real(value)); }
int ps__mapper_set_flag(ps__mapper *m, const char *field, int value) { return set(m, field, json_boolean(value)); }
int ps__mapper_set_string(ps__mapper *m, const char *field, const char *value) { return set(m, field, json_string(value)); }

int ps__mapper_set_stack(ps__mapper *m, const ps__block_sizes *z, int64_t heads, const char *activation, double eps) {
    if (heads < 1 || z->width % heads || z->width % 16)
        return ps__import_refuse(m->import, m->err, "the %s tower's width %lld is not a multiple of 16 and of its %lld heads",
                                 m->side, (long long)z->width, (long long)heads);
    int status = ps__mapper_set_int(m, "layers", z->layers);
    if (!status) status = ps__mapper_set_int(m, "width", z->width);
    if (!status) status = ps__mapper_set_int(m, "heads", heads);
    if (!status) status = ps__mapper_set_int(m, "ffn", z->ffn);
    if (!status) status = ps__mapper_set_string(m, "activation", activation);
    if (!status && !(eps >= 0 && eps <= 1))
        status = ps__import_refuse(m->import, m->err, "the eps of its norms is %g, not 0 to 1", eps);
    return status ? status : ps__mapper_set_real(m, "eps", eps);
}

/* The number in the first of these tensors that is there; 0: none is. */
static int read_scalar(float *out, ps__mapper *m, const char *const *names, int *found) {
    const ps__checkpoint *checkpoint = m->import->source->checkpoint;
    const ps__weight *w = NULL;
    for (; *names && !w; names++) w = ps__checkpoint_find(checkpoint, *names);
    *found = w != NULL;
    if (!w) return PS__OK;
    if (w->count != 1) return ps__import_refuse(m->import, m->err, "tensor %s is not one number", w->name);
    return ps__checkpoint_read(out, checkpoint, w, 0, 1, m->err);
}

/* As JSON has numbers, with a decimal point whatever the locale. */
static int set_number(ps__mapper *m, const char *key, double value) {
    json_t *number = json_real(value);
    char *text = json_dumps(number, JSON_ENCODE_ANY | JSON_REAL_PRECISION(9));
    int status = text ? ps__draft_meta(m->import->draft, key, text, m->err) : ps__fail_nomem(m->err);
    free(text);
    json_decref(number);
    return status;
}

int ps__mapper_set_family(ps__mapper *m, const char *family) {
    static const char *const scales[] = {"logit_scale", "_logit_scale.logit_scale", NULL}, *const biases[] = {"logit_bias", NULL};
    char key[32];
    float value = 0;
    int found;
    snprintf(key, sizeof key, "%s.family", m->side);
    int status = ps__draft_meta(m->import->draft, key, family, m->err);
    if (!status) status = read_scalar(&value, m, scales, &found);
    if (!status && found && !(value > -20 && value < 20))
        status = ps__import_refuse(m->import, m->err, "tensor logit_scale is %g, not from -20 to 20", (double)value);
    if (!status && found) status = set_number(m, "logit_scale", exp((double)value));
    if (!status) status = read_scalar(&value, m, biases, &found);
    if (!status && found) status = set_number(m, "logit_bias", (double)value);
    return status;
}

static int set_eot(ps__mapper *m, int64_t eot, int64_t vocab) {
    const json_t *own = json_object_get(m->config, "eot");
    if (eot == PS__REQUIRED) eot = json_is_integer(own) ? json_integer_value(own) : vocab - 1;
    if (json_is_integer(own) && json_integer_value(own) != eot)
        return ps__import_refuse(m->import, m->err, "the text tower pools at token %lld, but its tokenizer ends texts with %lld",
                                 (long long)eot, (long long)json_integer_value(own));
    return ps__mapper_set_int(m, "eot", eot);
}

int ps__mapper_set_text(ps__mapper *m, int64_t vocab, int causal, const char *pool, int64_t eot) {
    int pads = !causal || strcmp(pool, "last") == 0, is_eot = strcmp(pool, "eot") == 0;
    int status = ps__mapper_set_flag(m, "causal", causal);
    if (!status) status = ps__mapper_set_string(m, "pool", pool);
    if (!status) status = ps__import_tokenizer(m->import, vocab, m->err);
    if (status) return status;
    if (!pads) json_object_del(m->config, "pad");
    if (!is_eot) json_object_del(m->config, "eot");
    if (pads && !json_object_get(m->config, "pad"))
        return ps__import_refuse(m->import, m->err, "its texts are padded, but the tokenizer's files do not say with what");
    return is_eot ? set_eot(m, eot, vocab) : PS__OK;
}

int ps__mapper_dim(ps__mapper *m, int64_t dim) {
    if (dim < 32 || dim > 4096 || dim % 32)
        return ps__import_refuse(m->import, m->err,
                                 "embeddings of the %s tower have %lld numbers, not a multiple of 32 from 32 to 4096", m->side,
                                 (long long)dim);
    if (m->import->dim && m->import->dim != dim)
        return ps__import_refuse(m->import, m->err, "embeddings of the %s tower have %lld numbers, those of the other one %d",
                                 m->side, (long long)dim, m->import->dim);
    m->import->dim = (int)dim;
    return PS__OK;
}
