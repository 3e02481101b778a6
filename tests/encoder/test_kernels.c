/*
** Every kernel of every instruction set against the portable one, bit for bit, over shapes that hit each edge: outputs and inputs that
** fill no vector, single rows, filters wider than the image, all zero points, values beyond every bound. The portable one itself
** against plain loops over row-major weights.
*/
#include <check.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "encoder/kernels/kernels.h"
#include "tests/suites.h"

static uint32_t state;

static uint32_t draw(uint32_t below) { /* xorshift32 (Marsaglia 2003) */
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state % below;
}

static void *fresh(size_t bytes) {
    void *p = aligned_alloc(64, (bytes + PS__SLACK + 63) / 64 * 64);
    ck_assert_ptr_nonnull(p);
    return p;
}

static uint8_t *random_bytes(size_t n) {
    uint8_t *p = fresh(n);
    for (size_t i = 0; i < n + PS__SLACK; i++) p[i] = (uint8_t)draw(256);
    return p;
}

static int8_t *random_weights(size_t n) {
    int8_t *p = fresh(n);
    for (size_t i = 0; i < n; i++) p[i] = (int8_t)((int)draw(255) - 127);
    return p;
}

static float *random_floats(size_t n, float low, float high) {
    float *p = fresh(n * 4);
    for (size_t i = 0; i < n; i++) p[i] = low + (high - low) * (float)draw(100000) / 100000.0f;
    return p;
}

typedef struct matrix_case { /* one random layer */
    int n, k, zero;          /* outputs, inputs of a run, zero point of the input */
    int runs;                /* of inputs */
    size_t rows, stride;     /* and bytes from row to row; runs are as far apart as all rows together */
    int8_t *weights;         /* [n][runs][k] */
    float *scale, *bias;     /* [n] */
    uint8_t *in, *residual;  /* [runs][rows][stride], [rows][n] */
    float *row_scale;       /* [rows] */
    ps__matrix matrix;
    ps__requant requant;
} matrix_case;

static void matrix_case_make(matrix_case *c, int seed) {
    state = (uint32_t)seed * 2654435761u + 1;
    c->n = 1 + (int)draw(150);
    c->k = 1 + (int)draw(200);
    c->rows = 1 + draw(40);
    if (seed % 10 == 0) c->rows = 300, c->n = 1 + (int)draw(40), c->k = 1 + (int)draw(40);
    c->runs = seed % 4 == 3 ? 2 + (int)draw(4) : 1;
    if (c->runs > 1) c->k = 1 + (int)draw(40);
    c->stride = (size_t)c->k;
    if (c->runs > 1 && c->k > 3) c->stride = (size_t)c->k * 2 / 3; /* windows overlap */
    c->zero = (int)draw(256);
    c->weights = random_weights((size_t)(c->n * c->runs * c->k));
    c->scale = random_floats((size_t)c->n, 1e-4f, 3e-3f);
    c->bias = random_floats((size_t)c->n, -2, 3);
    c->in = random_bytes((size_t)c->runs * c->rows * c->stride + (size_t)c->k);
    c->residual = random_bytes(c->rows * (size_t)c->n);
    c->row_scale = random_floats(c->rows, 0, 0.1f);
    ck_assert_int_eq(ps__matrix_pack(&c->matrix, c->weights, c->scale, c->bias, c->n, c->runs, c->rows * c->stride, c->k, c->zero,
                                     0.02f),
                     0);
    int relu6 = seed % 2;
    c->requant = (ps__requant){.low = relu6 ? 0.0f : -FLT_MAX,
                               .high = relu6 ? 6.0f : FLT_MAX,
                               .inverse = relu6 ? 42.5f : 11.0f,
                               .zero = relu6 ? (float)(seed % 4 * 5) : 117.0f,
                               .residual = seed % 3 ? c->residual : NULL,
                               .residual_scale = 0.031f,
                               .residual_zero = 77};
}

static void matrix_case_free(matrix_case *c) {
    void *owned[] = {c->weights, c->scale, c->bias, c->in, c->residual, c->row_scale};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
    ps__matrix_clear(&c->matrix);
}

static int32_t plain_sum(const matrix_case *c, size_t row, int o) {
    int32_t sum = 0;
    for (int r = 0; r < c->runs; r++)
        for (int i = 0; i < c->k; i++)
            sum += (c->in[((size_t)r * c->rows + row) * c->stride + (size_t)i] - c->zero) *
                   c->weights[(o * c->runs + r) * c->k + i];
    return sum;
}

/* Packing sums in 16 bits for a while. */
START_TEST(long_rows_of_the_lowest_and_highest_weights_are_summed) {
    static const int lengths[] = {31, 32, 33, 8159, 8160, 8161, 24513};
    static const float one[2] = {1, 1};
    size_t k = (size_t)lengths[_i];
    int8_t *weights = fresh(2 * k);
    ps__matrix m;
    memset(weights, -128, k);
    memset(weights + k, 127, k);
    ck_assert_int_eq(ps__matrix_pack(&m, weights, one, one, 2, 1, 0, (int)k, 255, 1.0f), 0);
    ck_assert_int_eq(m.offset[0], 255 * 128 * (int)k);
    ck_assert_int_eq(m.offset[1], -255 * 127 * (int)k);
    ck_assert_float_ge(m.reach, 255.0f * 128.0f * (float)k);
    ps__matrix_clear(&m);
    free(weights);
}
END_TEST

START_TEST(reference_matrix_product_is_the_plain_sum) {
    matrix_case c;
    matrix_case_make(&c, _i);
    float *out = fresh(c.rows * (size_t)c.n * 4);
    ps__kernels_reference.gemm_f32(out, c.in, c.stride, c.row_scale, c.rows, &c.matrix);
    for (size_t r = 0; r < c.rows; r++)
        for (int o = 0; o < c.n; o++) {
            float step = 0.02f * c.scale[o];
            float expected = (float)plain_sum(&c, r, o) * (c.row_scale[r] * step) + c.bias[o];
            ck_assert_float_eq(out[r * (size_t)c.n + (size_t)o], expected);
        }
    free(out);
    matrix_case_free(&c);
}
END_TEST

START_TEST(reference_requantisation_follows_the_format) {
    matrix_case c;
    matrix_case_make(&c, _i);
    uint8_t *out = fresh(c.rows * (size_t)c.n);
    int seen[256] = {0}, different = 0;
    ps__kernels_reference.gemm_u8(out, c.in, c.stride, c.rows, &c.matrix, &c.requant);
    for (size_t r = 0; r < c.rows; r++)
        for (int o = 0; o < c.n; o++) {
            size_t at = r * (size_t)c.n + (size_t)o;
            double real = (double)plain_sum(&c, r, o) * (double)(0.02f * c.scale[o]) + (double)c.bias[o];
            if (c.requant.residual) real += (double)0.031f * (c.residual[at] - 77);
            if (c.requant.high < 7) real = real < 0 ? 0 : real > 6 ? 6 : real;
            double level = real * (double)c.requant.inverse + (double)c.requant.zero;
            level = level < 0 ? 0 : level > 255 ? 255 : level;
            ck_assert_double_le(fabs((double)out[at] - level), 0.5001);
            different += !seen[out[at]];
            seen[out[at]] = 1;
        }
    ck_assert_msg(c.rows * (size_t)c.n < 500 || different > 20, "the case uses only %d levels", different);
    free(out);
    matrix_case_free(&c);
}
END_TEST

/* Levels beyond int32, infinities and NaN, which no honest package brings about, must be what the portable kernels make of them. */
static void make_extreme(float *scale, float *bias, ps__requant *q, int seed) {
    static const float extremes[] = {1e30f, INFINITY, NAN, -1e30f, -INFINITY, 3e38f};
    if (seed % 3 == 0) scale[0] = extremes[draw(6)];
    if (seed % 3 == 1) bias[0] = extremes[draw(6)];
    q->inverse = seed % 2 ? 1e30f : 1e-38f;
}

START_TEST(extreme_matrix_products_agree_bit_for_bit) {
    const ps__kernels *k;
    matrix_case c;
    matrix_case_make(&c, _i);
    make_extreme(c.scale, c.bias, &c.requant, _i);
    ps__matrix_clear(&c.matrix);
    ck_assert_int_eq(ps__matrix_pack(&c.matrix, c.weights, c.scale, c.bias, c.n, c.runs, c.rows * c.stride, c.k, c.zero,
                                     0.02f),
                     0);
    size_t cells = c.rows * (size_t)c.n;
    uint8_t *bytes = fresh(cells), *other_bytes = fresh(cells);
    ps__kernels_reference.gemm_u8(bytes, c.in, c.stride, c.rows, &c.matrix, &c.requant);
    for (int i = 1; (k = ps__kernels_at(i)) != NULL; i++) {
        k->gemm_u8(other_bytes, c.in, c.stride, c.rows, &c.matrix, &c.requant);
        ck_assert_msg(memcmp(bytes, other_bytes, cells) == 0, "%s: [%zu][%d] differs", k->name, c.rows, c.n);
    }
    free(bytes);
    free(other_bytes);
    matrix_case_free(&c);
}
END_TEST

START_TEST(matrix_products_agree_bit_for_bit) {
    const ps__kernels *k;
    matrix_case c;
    matrix_case_make(&c, _i);
    size_t cells = c.rows * (size_t)c.n;
    uint8_t *bytes = fresh(cells), *other_bytes = fresh(cells);
    float *floats = fresh(cells * 4), *other_floats = fresh(cells * 4);
    memset(bytes, 7, cells + PS__SLACK);
    ps__kernels_reference.gemm_u8(bytes, c.in, c.stride, c.rows, &c.matrix, &c.requant);
    ps__kernels_reference.gemm_f32(floats, c.in, c.stride, c.row_scale, c.rows, &c.matrix);
    for (int i = 1; (k = ps__kernels_at(i)) != NULL; i++) {
        memset(other_bytes, 7, cells + PS__SLACK); /* what lies behind the output must stay */
        k->gemm_u8(other_bytes, c.in, c.stride, c.rows, &c.matrix, &c.requant);
        ck_assert_msg(memcmp(bytes, other_bytes, cells + PS__SLACK) == 0, "%s: u8 [%zu][%d] from %d differs", k->name, c.rows,
                      c.n, c.k);
        k->gemm_f32(other_floats, c.in, c.stride, c.row_scale, c.rows, &c.matrix);
        ck_assert_msg(memcmp(floats, other_floats, cells * 4) == 0, "%s: f32 [%zu][%d] from %d differs", k->name, c.rows, c.n,
                      c.k);
    }
    void *owned[] = {bytes, other_bytes, floats, other_floats};
    for (size_t i = 0; i < 4; i++) free(owned[i]);
    matrix_case_free(&c);
}
END_TEST

typedef struct filter_case { /* one random depthwise convolution */
    int channels, k, stride;
    int8_t *weights;     /* [k][k][channels] */
    float *scale, *bias; /* [channels] */
    uint8_t *pixels, *outside;
    ps__picture in;
    ps__filter filter;
    ps__requant requant;
    uint8_t *scratch;
} filter_case;

static int same_padding(int *pad, int size, int k, int stride) {
    int out = (size + stride - 1) / stride, total = (out - 1) * stride + k - size;
    *pad = total > 0 ? total / 2 : 0;
    return out;
}

static void filter_case_make(filter_case *c, int seed) {
    state = (uint32_t)seed * 2246822519u + 3;
    c->k = 3 + 2 * (int)draw(3);
    c->channels = 1 + (int)draw(200);
    c->stride = 1 + (int)draw(2);
    c->in = (ps__picture){.width = 1 + (int)draw(seed % 8 ? 20 : 60), .height = 1 + (int)draw(12), .zero = (int)draw(256)};
    c->in.out_width = same_padding(&c->in.pad_x, c->in.width, c->k, c->stride);
    c->in.out_height = same_padding(&c->in.pad_y, c->in.height, c->k, c->stride);
    c->weights = random_weights((size_t)(c->k * c->k * c->channels));
    c->scale = random_floats((size_t)c->channels, 1e-3f, 1e-2f);
    c->bias = random_floats((size_t)c->channels, -2, 3);
    c->pixels = random_bytes((size_t)(c->in.height * c->in.width * c->channels));
    c->outside = fresh((size_t)(c->in.width * c->channels));
    memset(c->outside, c->in.zero, (size_t)(c->in.width * c->channels));
    c->in.pixels = c->pixels;
    c->in.outside = c->outside;
    ck_assert_int_eq(
        ps__filter_pack(&c->filter, c->weights, c->scale, c->bias, c->channels, c->k, c->stride, c->in.zero, 0.02f), 0);
    c->requant = (ps__requant){.low = 0, .high = 6, .inverse = 42.5f};
    c->scratch = fresh(ps__depthwise_scratch(c->in.width, c->k));
}

static void filter_case_free(filter_case *c) {
    void *owned[] = {c->weights, c->scale, c->bias, c->pixels, c->outside, c->scratch};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
    ps__filter_clear(&c->filter);
}

static double plain_depthwise(const filter_case *c, int y, int x, int channel) {
    int32_t sum = 0;
    for (int ky = 0; ky < c->k; ky++)
        for (int kx = 0; kx < c->k; kx++) {
            int line = y * c->stride - c->in.pad_y + ky, column = x * c->stride - c->in.pad_x + kx;
            if (line < 0 || line >= c->in.height || column < 0 || column >= c->in.width) continue;
            sum += (c->pixels[(line * c->in.width + column) * c->channels + channel] - c->in.zero) *
                   c->weights[(ky * c->k + kx) * c->channels + channel];
        }
    double real = (double)sum * (double)(0.02f * c->scale[channel]) + (double)c->bias[channel];
    return real < 0 ? 0 : real > 6 ? 6 : real;
}

static size_t run_depthwise(uint8_t *out, const ps__kernels *k, const filter_case *c) {
    size_t cells = (size_t)(c->in.out_height * c->in.out_width * c->channels);
    memset(out, 9, cells + PS__SLACK); /* what lies behind the output must stay */
    k->depthwise_u8(out, &c->in, &c->filter, &c->requant, c->scratch);
    return cells + PS__SLACK;
}

static uint8_t *depthwise_room(const filter_case *c) {
    return fresh((size_t)(c->in.out_height * c->in.out_width * c->channels));
}

START_TEST(reference_depthwise_is_the_plain_sum) {
    filter_case c;
    filter_case_make(&c, _i);
    uint8_t *out = depthwise_room(&c), *next = out;
    run_depthwise(out, &ps__kernels_reference, &c);
    for (int y = 0; y < c.in.out_height; y++)
        for (int x = 0; x < c.in.out_width; x++)
            for (int ch = 0; ch < c.channels; ch++)
                ck_assert_double_le(fabs((double)*next++ - plain_depthwise(&c, y, x, ch) * 42.5), 0.5001);
    free(out);
    filter_case_free(&c);
}
END_TEST

static void compare_depthwise(const filter_case *c) {
    const ps__kernels *k;
    uint8_t *expected = depthwise_room(c), *got = depthwise_room(c);
    size_t bytes = run_depthwise(expected, &ps__kernels_reference, c);
    for (int i = 1; (k = ps__kernels_at(i)) != NULL; i++) {
        run_depthwise(got, k, c);
        ck_assert_msg(memcmp(expected, got, bytes) == 0, "%s: %d channels, %d x %d, filter %d, stride %d differs", k->name,
                      c->channels, c->in.width, c->in.height, c->k, c->stride);
    }
    free(expected);
    free(got);
}

START_TEST(depthwise_convolutions_agree_bit_for_bit) {
    filter_case c;
    filter_case_make(&c, _i);
    compare_depthwise(&c);
    c.requant.zero = 31; /* with another zero point, and without ReLU6 */
    compare_depthwise(&c);
    c.requant.low = -FLT_MAX, c.requant.high = FLT_MAX;
    compare_depthwise(&c);
    filter_case_free(&c);
}
END_TEST

START_TEST(extreme_depthwise_convolutions_agree_bit_for_bit) {
    filter_case c;
    filter_case_make(&c, _i);
    make_extreme(c.scale, c.bias, &c.requant, _i);
    ps__filter_clear(&c.filter);
    ck_assert_int_eq(
        ps__filter_pack(&c.filter, c.weights, c.scale, c.bias, c.channels, c.k, c.stride, c.in.zero, 0.02f), 0);
    compare_depthwise(&c);
    filter_case_free(&c);
}
END_TEST

static void check_same(const char *what, const ps__kernels *k, const float *a, const float *b, size_t n) {
    for (size_t i = 0; i < n; i++)
        ck_assert_msg(memcmp(a + i, b + i, 4) == 0, "%s %s: entry %zu is %.9g, not %.9g", k->name, what, i, (double)b[i],
                      (double)a[i]);
}

static const struct { /* each activation, and what it is in double */
    int kind;
    const char *name;
    double bound; /* on the error, of values up to 9 */
} activations[] = {{PS__GELU, "gelu", 2e-6},
                   {PS__GELU_TANH, "gelu_tanh", 3e-6},
                   {PS__QUICK_GELU, "quick_gelu", 3e-6},
                   {PS__RELU, "relu", 0},
                   {PS__SIGMOID, "sigmoid", 4e-7}};
enum { ACTIVATIONS = sizeof activations / sizeof *activations };

static double activation_in_double(int kind, double x) {
    switch (kind) {
    case PS__GELU: return x * 0.5 * (1 + erf(x / sqrt(2)));
    case PS__GELU_TANH: return x * 0.5 * (1 + tanh(sqrt(2 / acos(-1)) * (x + 0.044715 * x * x * x)));
    case PS__QUICK_GELU: return x / (1 + exp(-1.702 * x));
    case PS__RELU: return x > 0 ? x : 0;
    default: return 1 / (1 + exp(-x));
    }
}

START_TEST(float_operations_agree_bit_for_bit) {
    const ps__kernels *ref = &ps__kernels_reference, *k;
    state = (uint32_t)_i + 1;
    int n = 1 + (int)draw(400);
    float *x = random_floats((size_t)n, -6, 6), *y = random_floats((size_t)n, -3, 3), *w = random_floats((size_t)n, -1, 2);
    float a[400], b[400];
    uint8_t qa[400], qb[400];
    for (int i = 1; (k = ps__kernels_at(i)) != NULL; i++) {
        memcpy(a, x, (size_t)n * 4), memcpy(b, x, (size_t)n * 4);
        ref->layer_norm(a, y, w, x, 1e-12f, n), k->layer_norm(b, y, w, x, 1e-12f, n);
        check_same("layer_norm", k, a, b, (size_t)n);
        for (int kind = 0; kind < ACTIVATIONS; kind++) {
            memcpy(a, x, (size_t)n * 4), memcpy(b, x, (size_t)n * 4);
            ref->activate(a, (size_t)n, activations[kind].kind), k->activate(b, (size_t)n, activations[kind].kind);
            check_same(activations[kind].name, k, a, b, (size_t)n);
        }
        a[0] = ref->dot(x, y, n), b[0] = k->dot(x, y, n);
        check_same("dot", k, a, b, 1);
        a[0] = ref->quantize_row(qa, x, n), b[0] = k->quantize_row(qb, x, n);
        check_same("quantize_row", k, a, b, 1);
        ck_assert_mem_eq(qa, qb, (size_t)n);
    }
    void *owned[] = {x, y, w};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}
END_TEST

/* 16 lanes, added pairwise: what kernels.h says a dot product is. */
static float plain_dot(const float *a, const float *b, int n) {
    float lane[16] = {0};
    for (int i = 0; i < n; i++) lane[i % 16] += a[i] * b[i];
    for (int width = 8; width; width /= 2)
        for (int i = 0; i < width; i++) lane[i] += lane[i + width];
    return lane[0];
}

START_TEST(float_products_are_dot_products_of_16_lanes) {
    const ps__kernels *k;
    state = (uint32_t)_i * 747796405u + 1;
    int n = 1 + (int)draw(40), inputs = 1 + (int)draw(130), rows = 1 + (int)draw(11), stride = n + (int)draw(9);
    float *w = random_floats((size_t)(n * inputs), -1, 1), *in = random_floats((size_t)(rows * inputs), -2, 2);
    float *bias = random_floats((size_t)n, -1, 1), *out = fresh((size_t)(rows * stride) * 4);
    for (int i = 0; (k = ps__kernels_at(i)) != NULL; i++) {
        for (int j = 0; j < rows * stride; j++) out[j] = 77;
        k->gemm_float(out, (size_t)stride, in, (size_t)rows, w, bias, n, inputs);
        for (int r = 0; r < rows; r++)
            for (int o = 0; o < stride; o++) {
                float expected = o < n ? plain_dot(w + o * inputs, in + r * inputs, inputs) + bias[o] : 77;
                ck_assert_msg(memcmp(&out[r * stride + o], &expected, 4) == 0, "%s: [%d][%d] from %d: %.9g, not %.9g", k->name, r,
                              o, inputs, (double)out[r * stride + o], (double)expected);
            }
        ck_assert_float_eq(k->dot(w, in, inputs), plain_dot(w, in, inputs));
    }
    void *owned[] = {w, in, bias, out};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}
END_TEST

/* Scores are dot products of 16 lanes, softmax and weighted sums are in double. */
static void plain_attention(double *out, const ps__heads *h, int t) {
    double score[700], sum = 0, top = -INFINITY;
    int seen = h->causal ? t + 1 : h->tokens;
    const float *query = h->query + (size_t)t * h->query_stride;
    for (int u = 0; u < seen; u++) {
        score[u] = (double)plain_dot(query, h->key + (size_t)u * h->stride, h->head_dim) / sqrt(h->head_dim);
        top = score[u] > top ? score[u] : top;
    }
    for (int u = 0; u < seen; u++) sum += score[u] = exp(score[u] - top);
    for (int d = 0; d < h->head_dim; d++) {
        out[d] = 0;
        for (int u = 0; u < seen; u++) out[d] += score[u] / sum * (double)h->value[(size_t)u * h->stride + (size_t)d];
    }
}

START_TEST(attention_is_attention_and_agrees_bit_for_bit) {
    const ps__kernels *k;
    state = (uint32_t)_i * 2891336453u + 1;
    int tokens = 1 + (int)draw(_i % 8 ? 100 : 600), width = _i % 3 ? 16 * (1 + (int)draw(5)) : 1 + (int)draw(90);
    size_t head = (size_t)width, stride = 3 * head + draw(5), cells = (size_t)tokens * head;
    float *qkv = random_floats((size_t)tokens * stride, -2, 2), *first = fresh(cells * 4), *out = fresh(cells * 4);
    float *scratch = fresh(ps__attention_scratch(tokens, width) * 4);
    ps__heads h = {qkv, qkv + head, qkv + 2 * head, stride, stride, tokens, tokens, width, _i % 2};
    if (_i % 5 == 0) h.queries = 1, h.causal = 0;
    for (int i = 0; (k = ps__kernels_at(i)) != NULL; i++) {
        k->attention(i ? out : first, head, &h, scratch);
        if (i) check_same("attention", k, first, out, (size_t)h.queries * head);
    }
    for (int t = 0; t < h.queries; t++) {
        double expected[100];
        plain_attention(expected, &h, t);
        for (int d = 0; d < width; d++) ck_assert_double_eq_tol((double)first[t * width + d], expected[d], 5e-6);
    }
    void *owned[] = {qkv, first, out, scratch};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}
END_TEST

static void draw_window(ps__window *w) {
    static const int kernels[][2] = {{3, 3}, {7, 7}, {11, 1}, {1, 1}, {2, 5}};
    int kind = (int)draw(5);
    *w = (ps__window){.width = 1 + (int)draw(30), .height = 1 + (int)draw(9), .channels = 1 + (int)draw(70)};
    w->kernel_width = kernels[kind][0], w->kernel_height = kernels[kind][1];
    w->stride = 1 + (int)draw(3);
    w->pad_x = (int)draw((uint32_t)w->kernel_width), w->pad_y = (int)draw((uint32_t)w->kernel_height);
    w->out_width = 1 + (int)draw((uint32_t)((w->width - 1 + w->pad_x) / w->stride + 1));
    w->out_height = 1 + (int)draw((uint32_t)((w->height - 1 + w->pad_y) / w->stride + 1));
    w->multiplier = 1 + (int)draw(2);
}

static float plain_window(const ps__window *w, const float *in, const float *weight, int x, int y, int o) {
    float sum = 0;
    int outputs = w->channels * w->multiplier;
    for (int ky = 0; ky < w->kernel_height; ky++)
        for (int kx = 0; kx < w->kernel_width; kx++) {
            int line = y * w->stride - w->pad_y + ky, column = x * w->stride - w->pad_x + kx;
            if (line < 0 || line >= w->height || column < 0 || column >= w->width) continue;
            sum += weight[(ky * w->kernel_width + kx) * outputs + o] *
                   in[(line * w->width + column) * w->channels + o / w->multiplier];
        }
    return sum;
}

START_TEST(float_windows_are_the_plain_sum) {
    const ps__kernels *k;
    ps__window w;
    state = (uint32_t)_i * 277803737u + 1;
    draw_window(&w);
    int outputs = w.channels * w.multiplier, cells = w.out_width * w.out_height * outputs;
    float *in = random_floats((size_t)(w.width * w.height * w.channels), -2, 2), *bias = random_floats((size_t)outputs, -1, 1);
    float *weight = random_floats((size_t)(w.kernel_width * w.kernel_height * outputs), -1, 1), *out = fresh((size_t)cells * 4 + 4);
    float *scratch = fresh(ps__depthwise_float_scratch(&w) * 4);
    for (int i = 0; (k = ps__kernels_at(i)) != NULL; i++) {
        out[cells] = 77;
        k->depthwise_float(out, in, &w, weight, bias, scratch);
        ck_assert_float_eq(out[cells], 77);
        for (int y = 0, at = 0; y < w.out_height; y++)
            for (int x = 0; x < w.out_width; x++)
                for (int o = 0; o < outputs; o++, at++)
                    ck_assert_msg(out[at] == plain_window(&w, in, weight, x, y, o) + bias[o], "%s: (%d, %d) %d differs", k->name, x,
                                  y, o);
    }
    void *owned[] = {in, bias, weight, out, scratch};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}
END_TEST

START_TEST(sums_of_rows_are_the_plain_ones) {
    const ps__kernels *k;
    enum { ROWS = 5, MOST = 150 };
    state = (uint32_t)_i + 77;
    int n = 1 + (int)draw(MOST);
    float *x = random_floats(ROWS * MOST, -2, 2), *y = random_floats(ROWS * MOST, -2, 2), *s = random_floats(MOST, -2, 2);
    float out[ROWS * MOST];
    for (int i = 0; (k = ps__kernels_at(i)) != NULL; i++) {
        memcpy(out, x, sizeof out), k->add(out, y, (size_t)(ROWS * n));
        for (int j = 0; j < ROWS * n; j++) ck_assert_float_eq(out[j], x[j] + y[j]);
        memcpy(out, x, sizeof out), k->add_scaled(out, y, s, ROWS, (size_t)n);
        for (int j = 0; j < ROWS * n; j++) ck_assert_float_eq(out[j], x[j] + s[j % n] * y[j]);
        memcpy(out, x, sizeof out), k->gate(out, s, ROWS, (size_t)n);
        for (int j = 0; j < ROWS * n; j++) ck_assert_float_eq(out[j], x[j] * s[j % n]);
        k->mean(out, x, ROWS, (size_t)n);
        for (int j = 0; j < n; j++)
            ck_assert_float_eq(out[j], (0 + x[j] + x[j + n] + x[j + 2 * n] + x[j + 3 * n] + x[j + 4 * n]) / ROWS);
    }
    void *owned[] = {x, y, s};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}
END_TEST

START_TEST(activations_are_accurate) {
    for (double v = -9; v <= 9; v += 0.01) {
        float x = (float)v;
        ps__kernels_reference.activate(&x, 1, activations[_i].kind);
        double expected = activation_in_double(activations[_i].kind, (double)(float)v);
        ck_assert_msg(fabs((double)x - expected) <= activations[_i].bound, "%s(%g) is %.9g, not %.9g", activations[_i].name, v,
                      (double)x, expected);
    }
}
END_TEST

START_TEST(activations_of_extreme_values_are_their_limits) {
    static const float extremes[] = {1e38f, 3e4f, 200, 88, INFINITY};
    for (size_t i = 0; i < sizeof extremes / sizeof *extremes; i++) {
        float above = extremes[i], below = -extremes[i];
        ps__kernels_reference.activate(&above, 1, activations[_i].kind);
        ps__kernels_reference.activate(&below, 1, activations[_i].kind);
        ck_assert_float_eq(above, activations[_i].kind == PS__SIGMOID ? 1 : extremes[i]);
        ck_assert_msg(fabsf(below) <= 1e-30f * (isinf(extremes[i]) ? 1 : extremes[i]) || isinf(extremes[i]), "%s(%g) is %g",
                      activations[_i].name, (double)-extremes[i], (double)below);
    }
}
END_TEST

START_TEST(float_operations_are_accurate) {
    float q[2] = {0.5f, 0}, k[2] = {1, 0}, v[2] = {1, 10}, out[2], scratch[640] __attribute__((aligned(64)));
    const ps__heads one = {.query = q, .key = k, .value = v, .query_stride = 2, .stride = 2, .queries = 1, .tokens = 1, .head_dim = 2};
    ps__kernels_reference.attention(out, 2, &one, scratch);
    ck_assert_float_eq_tol(out[0], 1, 1e-6f); /* one token attends to itself alone */
    float x[4] = {1, 2, 3, 4}, weight[4] = {1, 1, 1, 2}, bias[4] = {0, 0, 0, 5};
    ps__kernels_reference.layer_norm(x, NULL, weight, bias, 0, 4);
    ck_assert_float_eq_tol(x[0], -1.3416408f, 1e-5f);
    ck_assert_float_eq_tol(x[3], 2 * 1.3416408f + 5, 1e-5f);
}
END_TEST

START_TEST(rows_quantise_symmetrically) {
    float x[5] = {-2, 1, 0, 0.5f, 2};
    uint8_t q[5];
    ck_assert_float_eq_tol(ps__kernels_reference.quantize_row(q, x, 5), 2.0f / 127, 1e-9f);
    uint8_t expected[5] = {1, 192, 128, 160, 255}; /* 63.5 rounds to even: 64 */
    ck_assert_mem_eq(q, expected, 5);
    memset(x, 0, sizeof x);
    ck_assert_float_eq(ps__kernels_reference.quantize_row(q, x, 5), 0);
    for (int i = 0; i < 5; i++) ck_assert_uint_eq(q[i], 128);
}
END_TEST

START_TEST(kernels_are_chosen_by_name) {
    ck_assert_str_eq(ps__kernels_choose("reference")->name, "reference");
    ck_assert_ptr_null(ps__kernels_choose("mmx"));
    ck_assert_ptr_nonnull(ps__kernels_choose(NULL));
    ck_assert_ptr_eq(ps__kernels_at(0), &ps__kernels_reference);
}
END_TEST

Suite *suite_kernels(void) {
    Suite *s = suite_create("kernels");
    TCase *t = tcase_create("int8");
    tcase_add_loop_test(t, long_rows_of_the_lowest_and_highest_weights_are_summed, 0, 7);
    tcase_add_loop_test(t, reference_matrix_product_is_the_plain_sum, 0, 12);
    tcase_add_loop_test(t, reference_requantisation_follows_the_format, 0, 12);
    tcase_add_loop_test(t, matrix_products_agree_bit_for_bit, 0, 80);
    tcase_add_loop_test(t, reference_depthwise_is_the_plain_sum, 0, 24);
    tcase_add_loop_test(t, depthwise_convolutions_agree_bit_for_bit, 0, 160);
    tcase_add_loop_test(t, extreme_matrix_products_agree_bit_for_bit, 0, 60);
    tcase_add_loop_test(t, extreme_depthwise_convolutions_agree_bit_for_bit, 0, 60);
    tcase_add_test(t, kernels_are_chosen_by_name);
    suite_add_tcase(s, t);
    t = tcase_create("float");
    tcase_add_loop_test(t, float_operations_agree_bit_for_bit, 0, 40);
    tcase_add_loop_test(t, float_products_are_dot_products_of_16_lanes, 0, 40);
    tcase_add_loop_test(t, attention_is_attention_and_agrees_bit_for_bit, 0, 40);
    tcase_add_loop_test(t, float_windows_are_the_plain_sum, 0, 60);
    tcase_add_loop_test(t, sums_of_rows_are_the_plain_ones, 0, 10);
    tcase_add_loop_test(t, activations_are_accurate, 0, ACTIVATIONS);
    tcase_add_loop_test(t, activations_of_extreme_values_are_their_limits, 0, ACTIVATIONS);
    tcase_add_test(t, float_operations_are_accurate);
    tcase_add_test(t, rows_quantise_symmetrically);
    suite_add_tcase(s, t);
    return s;
}
