/*
** Linear layers. INT8 parts quantise their rows as these come; parts that are kept in float32, and all parts on the float path, are
** products of float32. A layer may have parts of all kinds.
**
** A fine part has nearly 16 bits out of three INT8 products: what quantising leaves of a row is quantised again, to 1/254 of a step, and
** rest of the row times weights and rounded row times fine weights are added. Rest times fine is below 1/64516: left out.
*/
#include "encoder/plan/internal.h"

#include <string.h>

#include "encoder/encoder.h"

enum { OUTPUTS_AT_ONCE = 24 }; /* whose weights are dequantised together */

/* Rows that are quantised together: where weights are few, so many that they stay in the second-level cache. */
static size_t rows_at_once(const ps__op *op, size_t rows) {
    size_t stride = ps__align64(op->in_features) * (op->has_rest ? 2 : 1), few = (192 << 10) / stride / 12 * 12;
    if (op->in_features * op->out_features > 512 << 10 && few < 1024) few = 1024;
    if (few < 48) few = 48;
    return rows < few ? rows : few;
}

static int has_mixed_parts(const ps__op *op) { return op->matrix.n && (size_t)op->matrix.n != op->out_features; }

/* Quantised rows (each with its rest behind it, where that is needed), their scales, those of the rests and a further product, sums of some
** parts; of a centred layer the rows' middles, a centred row and the sums of weights; dequantised weights: one after another. */
typedef struct spaces {
    size_t half;   /* where the rest of a row lies */
    size_t stride; /* of quantised rows */
    size_t scales, rest, more, sums, middles, row, weights, bytes;
} spaces;

static spaces spaces_of(const ps__op *op, size_t rows) {
    spaces s = {.half = ps__align64(op->in_features)};
    s.stride = s.half * (op->has_rest ? 2 : 1);
    s.scales = ps__align64(rows * s.stride + PS__SLACK);
    s.rest = s.scales + ps__align64(rows * 4);
    s.more = s.rest + (op->has_rest ? ps__align64(rows * 4) : 0);
    s.sums = s.more + (op->has_rest ? ps__align64(rows * (size_t)op->matrix.n * 4) : 0);
    s.bytes = s.middles = s.sums + (has_mixed_parts(op) ? ps__align64(rows * (size_t)op->matrix.n * 4) : 0);
    if (!op->is_centred) return s;
    s.row = s.middles + ps__align64(rows * 4);
    s.weights = s.row + ps__align64(op->in_features * 4 + PS__SLACK);
    s.bytes = s.weights + op->out_features * 4;
    return s;
}

size_t ps__linear_scratch(const ps__op *op, size_t rows) {
    size_t weights = OUTPUTS_AT_ONCE * op->in_features * 4, bytes = spaces_of(op, rows_at_once(op, rows)).bytes;
    return weights > bytes ? weights : bytes;
}

/* Outputs [first, first + outputs) of a layer. */
static void dequantize(float *to, const ps__layer *l, size_t first, size_t outputs, size_t k) {
    const int8_t *weights = l->weights + first * k, *fine = l->fine ? l->fine + first * k : NULL;
    for (size_t o = 0; o < outputs; o++, weights += k, to += k) {
        for (size_t i = 0; i < k; i++) to[i] = (float)weights[i] * l->scale[first + o];
        for (size_t i = 0; i < k && fine; i++) to[i] += (float)fine[o * k + i] * (l->scale[first + o] / 254.0f);
    }
}

static void run_float_part(const ps__run *r, const ps__op *op, int part, size_t first) {
    const ps__kernels *kernels = r->plan->kernels;
    const ps__layer *l = &op->layer[part];
    const float *in = ps__run_at(r, op->in);
    float *out = (float *)ps__run_at(r, op->out) + first, *weights = (float *)(void *)r->space->scratch;
    size_t k = op->in_features, n = (size_t)op->part_features[part], rows = ps__run_rows(r, op->in);
    if (l->floats) {
        kernels->gemm_float(out, op->out_features, in, rows, l->floats, l->bias, (int)n, (int)k);
        return;
    }
    for (size_t o = 0, count; o < n; o += count) {
        count = n - o < OUTPUTS_AT_ONCE ? n - o : OUTPUTS_AT_ONCE;
        dequantize(weights, l, o, count, k);
        kernels->gemm_float(out + o, op->out_features, in, rows, weights, l->bias + o, (int)count, (int)k);
    }
}

/* INT8 parts, whose sums stand side by side, to where they belong beside others. */
static void spread(float *out, const ps__op *op, const float *sums, size_t rows) {
    size_t first = 0, n = (size_t)op->matrix.n;
    for (int p = 0; p < op->parts; first += (size_t)op->part_features[p++]) {
        size_t part = (size_t)op->part_features[p];
        if (op->layer[p].floats) continue;
        for (size_t row = 0; row < rows; row++) memcpy(out + row * op->out_features + first, sums + row * n, part * 4);
        sums += part;
    }
}

/* Sums of one part, of rows of n, added to the first outputs of out's rows. */
static void add_part(const ps__run *r, const ps__op *op, float *out, const float *more, size_t n, size_t part, size_t rows) {
    for (size_t row = 0; row < rows; row++) r->plan->kernels->add(out + row * op->out_features, more + row * n, part);
}

/* The same weights over what was left of the rows. Where there are fine parts, the others do without. */
static void add_rest(const ps__run *r, const ps__op *op, const spaces *s, float *out, size_t rows) {
    uint8_t *scratch = r->space->scratch;
    const float *scale = (const float *)(void *)(scratch + s->scales);
    float *rest = (float *)(void *)(scratch + s->rest), *more = (float *)(void *)(scratch + s->more);
    ps__matrix unbiased = op->matrix;
    unbiased.bias = op->no_bias;
    for (size_t i = 0; i < rows; i++) rest[i] = scale[i] / 254.0f;
    r->plan->kernels->gemm_f32(more, scratch + s->half, s->stride, rest, rows, &unbiased);
    for (int p = 0; p < op->parts; out += op->part_features[p++]) {
        if (op->layer[p].floats) continue;
        if (ps__is_fine(&op->layer[p]) || !op->fine.n)
            add_part(r, op, out, more, (size_t)op->matrix.n, (size_t)op->part_features[p], rows);
        more += op->part_features[p];
    }
}

/* What is fine of the weights over the rows. */
static void add_fine(const ps__run *r, const ps__op *op, const spaces *s, float *out, size_t rows) {
    const float *scale = (const float *)(void *)(r->space->scratch + s->scales);
    float *more = (float *)(void *)(r->space->scratch + s->more);
    r->plan->kernels->gemm_f32(more, r->space->scratch, s->stride, scale, rows, &op->fine);
    for (int p = 0; p < op->parts; out += op->part_features[p++]) {
        if (!ps__is_fine(&op->layer[p])) continue;
        add_part(r, op, out, more, (size_t)op->fine.n, (size_t)op->part_features[p], rows);
        more += op->part_features[p];
    }
}

/* One row, and its rest where that is needed. */
static float quantize(const ps__run *r, const ps__op *op, const spaces *s, uint8_t *to, const float *x) {
    const ps__kernels *k = r->plan->kernels;
    float scale = k->quantize_row(to, x, (int)op->in_features);
    if (op->has_rest) k->quantize_rest(to + s->half, to, x, scale, (int)op->in_features);
    return scale;
}

/* A row x is quantised as x - middle, so that middle * (sum of an output's weights) is missing from each output. */
static void quantize_centred(const ps__run *r, const ps__op *op, const spaces *s, const float *in, size_t count) {
    const ps__kernels *k = r->plan->kernels;
    uint8_t *scratch = r->space->scratch;
    float *scale = (float *)(void *)(scratch + s->scales), *middle = (float *)(void *)(scratch + s->middles);
    float *row = (float *)(void *)(scratch + s->row);
    for (size_t i = 0; i < count; i++) {
        middle[i] = k->centre_row(row, in + i * op->in_features, (int)op->in_features);
        scale[i] = quantize(r, op, s, scratch + i * s->stride, row);
    }
}

static void add_middles(const ps__run *r, const ps__op *op, const spaces *s, float *out, size_t count) {
    uint8_t *scratch = r->space->scratch;
    const float *middle = (const float *)(void *)(scratch + s->middles);
    float *weights = (float *)(void *)(scratch + s->weights);
    for (size_t n = 0; n < op->out_features; n++) /* the offset is -128 times the sum of the levels */
        weights[n] = (float)(op->matrix.offset[n] / -128) * op->matrix.scale[n];
    for (size_t n = 0; n < (size_t)op->fine.n; n++) weights[n] += (float)(op->fine.offset[n] / -128) * op->fine.scale[n];
    for (size_t i = 0; i < count; i++)
        r->plan->kernels->add_multiple(out + i * op->out_features, weights, middle[i], (int)op->out_features);
}

static void run_int8_parts(const ps__run *r, const ps__op *op) {
    const ps__kernels *k = r->plan->kernels;
    size_t rows = ps__run_rows(r, op->in), block = rows_at_once(op, rows);
    spaces s = spaces_of(op, block);
    uint8_t *quantized = r->space->scratch;
    float *scale = (float *)(void *)(quantized + s.scales), *sums = (float *)(void *)(quantized + s.sums);
    for (size_t first = 0, count; first < rows; first += count) {
        count = rows - first < block ? rows - first : block;
        const float *in = (const float *)ps__run_at(r, op->in) + first * op->in_features;
        float *out = (float *)ps__run_at(r, op->out) + first * op->out_features;
        if (op->is_centred) quantize_centred(r, op, &s, in, count);
        for (size_t i = 0; i < count && !op->is_centred; i++)
            scale[i] = quantize(r, op, &s, quantized + i * s.stride, in + i * op->in_features);
        k->gemm_f32(has_mixed_parts(op) ? sums : out, quantized, s.stride, scale, count, &op->matrix);
        if (has_mixed_parts(op)) spread(out, op, sums, count);
        if (op->has_rest) add_rest(r, op, &s, out, count);
        if (op->fine.n) add_fine(r, op, &s, out, count);
        if (op->is_centred && op->matrix.n) add_middles(r, op, &s, out, count);
    }
}

void ps__run_linear(const ps__run *r, const ps__op *op) {
    size_t first = 0;
    for (int p = 0; p < op->parts; first += (size_t)op->part_features[p++])
        if (op->layer[p].floats || r->plan->precision == PS__PRECISION_FLOAT) run_float_part(r, op, p, first);
    if (op->matrix.n) run_int8_parts(r, op);
}
