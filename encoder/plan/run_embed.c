/*
** Word vectors out of their table. One way for both precisions and all instruction sets: the values are the table's own,
** and a query's few rows cost nothing beside the first layer.
*/
#include "encoder/plan/internal.h"

static void add_int8(float *out, const int8_t *w, float scale, const float *position, size_t n) {
    for (size_t i = 0; i < n; i++) out[i] = (float)w[i] * scale + position[i];
}

static void add_fine(float *out, const int8_t *fine, float scale, size_t n) {
    for (size_t i = 0; i < n; i++) out[i] += (float)fine[i] * (scale / 254.0f);
}

static void add_int4(float *out, const uint8_t *w, float scale, const float *position, size_t n) {
    for (size_t i = 0; i < n; i += 2) {
        out[i] = (float)((w[i / 2] & 15) - 8) * scale + position[i];
        out[i + 1] = (float)((w[i / 2] >> 4) - 8) * scale + position[i + 1];
    }
}

static void add_float(float *out, const float *w, const float *position, size_t n) {
    for (size_t i = 0; i < n; i++) out[i] = w[i] + position[i];
}

static void embed_floats(const ps__op *op, float *out, const int32_t *ids, size_t rows) {
    size_t n = op->out_features;
    for (size_t t = 0; t < rows; t++) add_float(out + t * n, (const float *)op->words.weights + (size_t)ids[t] * n, op->weight + t * n, n);
}

void ps__run_embed(const ps__op *op, float *out, const int32_t *ids, size_t rows) {
    const ps__word_table *words = &op->words;
    if (words->is_float) {
        embed_floats(op, out, ids, rows);
        return;
    }
    size_t groups = (size_t)words->groups, group = op->out_features / groups;
    const float *position = op->weight;
    for (size_t t = 0; t < rows; t++)
        for (size_t g = 0; g < groups; g++, out += group, position += group) {
            size_t at = (size_t)ids[t] * groups + g; /* groups before this one in the table */
            if (words->is_int4)
                add_int4(out, (const uint8_t *)words->weights + at * group / 2, words->scale[at], position, group);
            else
                add_int8(out, (const int8_t *)words->weights + at * group, words->scale[at], position, group);
            if (words->fine) add_fine(out, words->fine + at * group, words->scale[at], group);
        }
}
