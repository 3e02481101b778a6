/*
** Scaled dot-product attention of one head, for some tens to some hundreds of rows, some queries at a time. Keys are turned so that
** a vector holds the scores of neighbouring rows, each the dot product of 16 lanes that floats_dot says, with no sum across a vector.
** Compiled for each instruction set by floats.h.
*/
#ifndef PS_KERNEL_ATTENTION_H
#define PS_KERNEL_ATTENTION_H

#include <math.h>
#include <string.h>

#include "encoder/kernels/activations.h"
#include "encoder/kernels/kernels.h"
#include "encoder/kernels/lanes.h"

/* Queries that share what is loaded. */
#if VEC == 16
enum { QUERIES = 4, WEIGHED = 4 /* vectors of an output */ };
#else
enum { QUERIES = 2, WEIGHED = VEC == 8 ? 4 : 2 };
#endif

/* Where entry d of a row stands in turned keys and queries: lane after lane, `steps` entries each, in the order in which a sum pairs
** its lanes, the number's four bits reversed. */
static inline size_t turned_place(size_t d, size_t steps) {
    size_t j = d % LANES;
    return ((j & 1) << 3 | (j & 2) << 1 | (j & 4) >> 1 | (j & 8) >> 3) * steps + d / LANES;
}

typedef struct lane_sums { /* of each query with VEC neighbouring keys: some lanes */
    vec q[QUERIES];
} lane_sums;

typedef struct turned {   /* what scores are made of */
    const float *keys;    /* of VEC rows: [LANES][steps][VEC] */
    const float *queries; /* [LANES][steps][QUERIES] */
} turned;

/* The lane that stands at `place`. A loop, as the compiler would load all lanes' keys first otherwise, for which there are no
** registers. */
ALWAYS lane_sums lane_at(const turned *t, int place, const int steps, const int queries) {
    lane_sums s;
    const float *key = t->keys + place * steps * VEC, *query = t->queries + place * steps * QUERIES;
    UNROLL for (int q = 0; q < queries; q++) s.q[q] = (vec){0};
    STAY_LOOP for (int i = 0; i < steps; i++) {
        vec k = vec_load(key + i * VEC);
        UNROLL for (int q = 0; q < queries; q++) s.q[q] += vec_fill(query[i * QUERIES + q]) * k;
    }
    return s;
}

/* Sums of neighbouring places, which are the pairs. */
#define PAIR_OF(NAME, OF, HALF)                                                                                                  \
    ALWAYS lane_sums NAME(const turned *t, int place, const int steps, const int queries) {                                      \
        lane_sums a = OF(t, place, steps, queries), b = OF(t, place + HALF, steps, queries);                                     \
        UNROLL for (int q = 0; q < queries; q++) a.q[q] += b.q[q];                                                               \
        return a;                                                                                                                \
    }
PAIR_OF(lanes_2, lane_at, 1)
PAIR_OF(lanes_4, lanes_2, 2)
PAIR_OF(lanes_8, lanes_4, 4)
PAIR_OF(lanes_16, lanes_8, 8)
#undef PAIR_OF

/* Scores of `queries` with `blocks` times VEC keys: out [queries][padded]. */
ALWAYS void score_blocks(float *out, size_t padded, turned t, float factor, size_t blocks, const int steps, const int queries) {
    for (size_t b = 0; b < blocks; b++, t.keys += LANES * steps * VEC) {
        lane_sums s = lanes_16(&t, 0, steps, queries);
        UNROLL for (int q = 0; q < queries; q++) vec_store(out + (size_t)q * padded + b * VEC, s.q[q] * factor);
    }
}

/* The same of any number of steps, one query at a time. */
static void score_plainly(float *out, size_t padded, turned t, float factor, size_t blocks, int steps, int queries) {
    for (size_t b = 0; b < blocks; b++, t.keys += LANES * steps * VEC)
        for (int q = 0; q < queries; q++) {
            vec lane[LANES];
            const float *query = t.queries + q, *key = t.keys;
            for (int j = 0; j < LANES; j++) {
                lane[j] = (vec){0};
                for (int i = 0; i < steps; i++, query += QUERIES, key += VEC) lane[j] += vec_fill(*query) * vec_load(key);
            }
            for (int width = 1; width < LANES; width *= 2)
                for (int j = 0; j < LANES; j += 2 * width) lane[j] += lane[j + width];
            vec_store(out + (size_t)q * padded + b * VEC, lane[0] * factor);
        }
}

/* Heads of 32, 64 and up to 80 entries are what towers have. */
static void score(float *out, size_t padded, turned t, float factor, size_t blocks, int steps, int queries) {
    if (steps == 4 && queries == QUERIES)
        score_blocks(out, padded, t, factor, blocks, 4, QUERIES);
    else if (steps == 4)
        score_blocks(out, padded, t, factor, blocks, 4, 1);
    else if (steps == 2 && queries == QUERIES)
        score_blocks(out, padded, t, factor, blocks, 2, QUERIES);
    else if (steps == 5 && queries == QUERIES)
        score_blocks(out, padded, t, factor, blocks, 5, QUERIES);
    else
        score_plainly(out, padded, t, factor, blocks, steps, queries);
}

/* The greatest of x[0..n); what is not a number is greater than nothing, but x[0] stays if it is none. */
static inline float greatest(const float *x, int n) {
    vec top = vec_fill(x[0]);
    float lane[VEC];
    int i = 0;
    for (; i + VEC <= n; i += VEC) {
        vec v = vec_load(x + i);
        top = vec_choose(v > top, v, top);
    }
    vec_store(lane, top);
    for (; i < n; i++) lane[0] = x[i] > lane[0] ? x[i] : lane[0];
    for (int j = 1; j < VEC; j++) lane[0] = lane[j] > lane[0] ? lane[j] : lane[0];
    return lane[0];
}

/* x has room up to a multiple of 16. */
static void floats_softmax(float *x, int n) {
    const float top = greatest(x, n);
    const int room = (n + LANES - 1) / LANES * LANES;
    vec lane[PARTS];
    UNROLL for (int p = 0; p < PARTS; p++) lane[p] = (vec){0};
    for (int i = n; i < room; i++) x[i] = top;
    for (int i = 0; i < room; i += VEC) vec_store(x + i, vec_exp(vec_load(x + i) - top));
    for (int i = n; i < room; i++) x[i] = 0;
    for (int i = 0; i < room; i += LANES)
        UNROLL for (int p = 0; p < PARTS; p++) lane[p] += vec_load(x + i + p * VEC);
    const float factor = 1.0f / lanes_sum(lane);
    for (int i = 0; i < room; i += VEC) vec_store(x + i, vec_load(x + i) * factor);
}

typedef struct weighing { /* weighted sums of values */
    const float *weight;  /* [queries][padded] */
    size_t padded;
    const float *values; /* [tokens][head_dim] */
    size_t head_dim;
    float *out; /* [queries][out_stride] */
    size_t out_stride;
} weighing;

/* Entries d to d + count * VEC of `queries` outputs, over values from the first row on. */
ALWAYS void weigh_some(const weighing *w, size_t d, int tokens, const int queries, const int count) {
    vec sum[QUERIES][WEIGHED];
    const float *value = w->values + d, *weight[QUERIES];
    UNROLL for (int q = 0; q < queries; q++) weight[q] = w->weight + (size_t)q * w->padded;
    UNROLL for (int q = 0; q < queries; q++)
        UNROLL for (int c = 0; c < count; c++) sum[q][c] = (vec){0};
    for (int u = 0; u < tokens; u++, value += w->head_dim) {
        vec v[WEIGHED];
        UNROLL for (int c = 0; c < count; c++) v[c] = vec_load(value + c * VEC);
        UNROLL for (int q = 0; q < queries; q++) {
            vec x = vec_fill(weight[q][u]);
            UNROLL for (int c = 0; c < count; c++) sum[q][c] += x * v[c];
        }
    }
    UNROLL for (int q = 0; q < queries; q++)
        UNROLL for (int c = 0; c < count; c++) vec_store(w->out + (size_t)q * w->out_stride + d + c * VEC, sum[q][c]);
}

ALWAYS void weigh(const weighing *w, int tokens, const int queries) {
    size_t d = 0;
    for (; d + WEIGHED * VEC <= w->head_dim; d += WEIGHED * VEC) weigh_some(w, d, tokens, queries, WEIGHED);
    for (; d + VEC <= w->head_dim; d += VEC) weigh_some(w, d, tokens, queries, 1);
    for (; d < w->head_dim; d++)
        for (int q = 0; q < queries; q++) {
            float sum = 0;
            for (int u = 0; u < tokens; u++) sum += w->weight[(size_t)q * w->padded + (size_t)u] * w->values[(size_t)u * w->head_dim + d];
            w->out[(size_t)q * w->out_stride + d] = sum;
        }
}

static void weigh_many(const weighing *w, int tokens) { weigh(w, tokens, QUERIES); }

static void weigh_one(const weighing *w, int tokens) { weigh(w, tokens, 1); }

/* Goes on with values that query q sees and some before it do not. */
static void weigh_rest(const weighing *w, int q, int first, int tokens) {
    float *out = w->out + (size_t)q * w->out_stride;
    for (int u = first; u < tokens; u++)
        for (size_t d = 0; d < w->head_dim; d++)
            out[d] += w->weight[(size_t)q * w->padded + (size_t)u] * w->values[(size_t)u * w->head_dim + d];
}

/* keys: [padded / VEC][LANES][steps][VEC], zeros where there is no row or entry; values: [tokens][head_dim], close together whatever
** lies between the rows of a head. */
static void lay_out_head(float *keys, float *values, const ps__heads *h, size_t padded, size_t steps) {
    size_t width = (size_t)h->head_dim, tokens = (size_t)h->tokens, block = LANES * steps * VEC;
    if (width % LANES || tokens % VEC) memset(keys, 0, padded * LANES * steps * 4);
    for (size_t d = 0; d < width; d++) {
        const float *from = h->key + d;
        float *to = keys + turned_place(d, steps) * VEC;
        for (size_t u = 0; u < tokens; u += VEC, to += block)
            for (size_t i = 0; i < VEC && u + i < tokens; i++, from += h->stride) to[i] = *from;
    }
    for (size_t u = 0; u < tokens; u++) memcpy(values + u * width, h->value + u * h->stride, width * 4);
}

static void turn_queries(float *to, const float *from, const ps__heads *h, size_t steps, int queries) {
    memset(to, 0, LANES * steps * QUERIES * 4);
    for (size_t d = 0; d < (size_t)h->head_dim; d++)
        for (size_t q = 0; q < (size_t)queries; q++) to[turned_place(d, steps) * QUERIES + q] = from[q * h->query_stride + d];
}

static void floats_attention(float *out, size_t out_stride, const ps__heads *h, float *scratch) {
    size_t padded = ((size_t)h->tokens + LANES - 1) / LANES * LANES, width = (size_t)h->head_dim;
    size_t steps = (width + LANES - 1) / LANES;
    float *weights = scratch, *queries = weights + QUERIES * padded, *keys = queries + QUERIES * LANES * steps;
    const float factor = 1.0f / sqrtf((float)width);
    weighing w = {weights, padded, keys + padded * LANES * steps, width, out, out_stride};
    lay_out_head(keys, keys + padded * LANES * steps, h, padded, steps);
    for (int t = 0, count; t < h->queries; t += count, w.out += (size_t)count * out_stride) {
        count = h->queries - t < QUERIES ? 1 : QUERIES;
        int shared = h->causal ? t + 1 : h->tokens, most = h->causal ? t + count : h->tokens;
        turn_queries(queries, h->query + (size_t)t * h->query_stride, h, steps, count);
        score(weights, padded, (turned){keys, queries}, factor, ((size_t)most + VEC - 1) / VEC, (int)steps, count);
        for (int q = 0; q < count; q++) floats_softmax(weights + (size_t)q * padded, h->causal ? shared + q : shared);
        (count == 1 ? weigh_one : weigh_many)(&w, shared);
        for (int q = 1; q < count && h->causal; q++) weigh_rest(&w, q, shared, shared + q);
    }
}

#endif
