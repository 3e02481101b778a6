/*
** Scaled dot-product attention of one head, for some tens to some hundreds of rows. Keys are turned so that one vector holds the
** scores of neighbouring rows, each the dot product of 16 lanes that floats_dot says, with no sum across a vector. Compiled for each
** instruction set by floats.h.
*/
#ifndef PS_KERNEL_ATTENTION_H
#define PS_KERNEL_ATTENTION_H

#include <math.h>
#include <string.h>

#include "encoder/kernels/activations.h"
#include "encoder/kernels/kernels.h"
#include "encoder/kernels/lanes.h"

/* Vectors of scores made at once. */
#if VEC == 16
enum { SCORE_VECTORS = 4 };
#else
enum { SCORE_VECTORS = 2 };
#endif

typedef struct scores { /* some lanes of the dot products of one query with neighbouring keys */
    vec v[SCORE_VECTORS];
} scores;

/* Lane j. keys: turned, [head_dim][padded]. */
ALWAYS scores score_lane(const float *query, const float *keys, size_t padded, int head_dim, int j, const int count) {
    scores s;
    UNROLL for (int u = 0; u < count; u++) s.v[u] = (vec){0};
    for (int i = j; i < head_dim; i += LANES) {
        vec x = vec_fill(query[i]);
        UNROLL for (int u = 0; u < count; u++) s.v[u] += x * vec_load(keys + (size_t)i * padded + u * VEC);
    }
    return s;
}

/* Lanes in the order in which sums pair them: j and j + 8, then those of j and j + 4... */
#define PAIR_OF(NAME, OF, STEP)                                                                                                  \
    ALWAYS scores NAME(const float *query, const float *keys, size_t padded, int head_dim, int j, const int count) {             \
        scores a = OF(query, keys, padded, head_dim, j, count), b = OF(query, keys, padded, head_dim, j + STEP, count);          \
        UNROLL for (int u = 0; u < count; u++) a.v[u] += b.v[u];                                                                 \
        return a;                                                                                                                \
    }
PAIR_OF(score_2_lanes, score_lane, 8)
PAIR_OF(score_4_lanes, score_2_lanes, 4)
PAIR_OF(score_8_lanes, score_4_lanes, 2)
PAIR_OF(score_all_lanes, score_8_lanes, 1)
#undef PAIR_OF

ALWAYS void score_some(float *out, const float *query, const float *keys, size_t padded, int head_dim, float factor,
                       const int count) {
    scores s = score_all_lanes(query, keys, padded, head_dim, 0, count);
    UNROLL for (int u = 0; u < count; u++) vec_store(out + u * VEC, s.v[u] * vec_fill(factor));
}

/* Scores of one query with the first `tokens` keys, and some more up to the next vector. */
static void score_row(float *out, const float *query, const float *keys, size_t padded, int head_dim, int tokens) {
    const float factor = 1.0f / sqrtf((float)head_dim);
    int u = 0;
    for (; u + SCORE_VECTORS * VEC <= (int)padded && u < tokens; u += SCORE_VECTORS * VEC)
        score_some(out + u, query, keys + u, padded, head_dim, factor, SCORE_VECTORS);
    for (; u < tokens; u += VEC) score_some(out + u, query, keys + u, padded, head_dim, factor, 1);
}

/* The greatest of 16 lanes; what is not a number is greater than nothing, but x[0] stays if it is none. */
static inline float greatest(const float *x, int n) {
    float lane[LANES], top = x[0];
    int i = 0;
    for (int j = 0; j < LANES; j++) lane[j] = x[0];
    for (; i + LANES <= n; i += LANES)
        for (int j = 0; j < LANES; j++) lane[j] = x[i + j] > lane[j] ? x[i + j] : lane[j];
    for (int j = 0; i < n; i++, j++) lane[j] = x[i] > lane[j] ? x[i] : lane[j];
    for (int j = 0; j < LANES; j++) top = lane[j] > top ? lane[j] : top;
    return top;
}

static void floats_softmax(float *x, int n) {
    float rest[LANES], top = greatest(x, n);
    vec lane[PARTS];
    int i = 0;
    for (; i < n; i++) x[i] = floats_exp(x[i] - top);
    for (int p = 0; p < PARTS; p++) lane[p] = (vec){0};
    for (i = 0; i + LANES <= n; i += LANES)
        for (int p = 0; p < PARTS; p++) lane[p] += vec_load(x + i + p * VEC);
    lanes_rest(rest, x + i, n - i);
    for (int p = 0; p < PARTS; p++) lane[p] += vec_load(rest + p * VEC);
    float factor = 1.0f / lanes_sum(lane);
    for (i = 0; i < n; i++) x[i] *= factor;
}

/* Entries [0, count * VEC) of the weighted sum of values, which are head_dim apart, from the first row on. */
ALWAYS void weigh_some(float *out, const float *weight, const float *values, size_t head_dim, int tokens, const int count) {
    vec sum[8];
    UNROLL for (int c = 0; c < count; c++) sum[c] = (vec){0};
    for (int u = 0; u < tokens; u++, values += head_dim) {
        vec w = vec_fill(weight[u]);
        UNROLL for (int c = 0; c < count; c++) sum[c] += w * vec_load(values + c * VEC);
    }
    UNROLL for (int c = 0; c < count; c++) vec_store(out + c * VEC, sum[c]);
}

static void weigh_row(float *out, const float *weight, const float *values, size_t head_dim, int tokens) {
    enum { MANY = VEC == 16 ? 4 : 8 };
    size_t d = 0;
    for (; d + MANY * VEC <= head_dim; d += MANY * VEC) weigh_some(out + d, weight, values + d, head_dim, tokens, MANY);
    for (; d + VEC <= head_dim; d += VEC) weigh_some(out + d, weight, values + d, head_dim, tokens, 1);
    for (; d < head_dim; d++) {
        float sum = 0;
        for (int u = 0; u < tokens; u++) sum += weight[u] * values[(size_t)u * head_dim + d];
        out[d] = sum;
    }
}

/* keys: [head_dim][padded], values: [tokens][head_dim], close together whatever lies between the rows of a head. */
static void lay_out_head(float *keys, float *values, const ps__heads *h, size_t padded) {
    size_t width = (size_t)h->head_dim, tokens = (size_t)h->tokens;
    for (size_t d = 0; d < width; d++)
        for (size_t u = tokens; u < padded; u++) keys[d * padded + u] = 0;
    for (size_t u = 0; u < tokens; u++) {
        for (size_t d = 0; d < width; d++) keys[d * padded + u] = h->key[u * h->stride + d];
        memcpy(values + u * width, h->value + u * h->stride, width * 4);
    }
}

static void floats_attention(float *out, size_t out_stride, const ps__heads *h, float *scratch) {
    size_t padded = ((size_t)h->tokens + 15) / 16 * 16, width = (size_t)h->head_dim;
    float *row = scratch, *keys = row + padded, *values = keys + padded * width;
    lay_out_head(keys, values, h, padded);
    for (int t = 0; t < h->queries; t++) {
        int seen = h->causal ? t + 1 : h->tokens;
        score_row(row, h->query + (size_t)t * h->query_stride, keys, padded, h->head_dim, seen);
        floats_softmax(row, seen);
        weigh_row(out + (size_t)t * out_stride, row, values, width, seen);
    }
}

#endif
