/*
** Operations over rows of float32, each against a plain loop over what its input was, in both precisions and on every instruction
** set, which must give the same bits; and the sizes that do not fit together, which a plan must refuse.
*/
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "encoder/encoder.h"
#include "encoder/plan/plan.h"
#include "tests/suites.h"

Suite *suite_rows(void);

static uint32_t state;

static uint32_t draw(uint32_t below) { /* xorshift32 (Marsaglia 2003) */
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state % below;
}

static void fill(float *x, size_t n, float low, float high) {
    for (size_t i = 0; i < n; i++) x[i] = low + (high - low) * (float)draw(100000) / 100000.0f;
}

/* ---- What a run wrote ----
** check writes a note to a file for each assertion, so that those on single values are made of wrong ones only. */

enum { MOST_RECORDS = 40 };

typedef struct record { /* the output of one operation */
    char name[48];
    float *values; /* [rows][features] */
    size_t rows, features;
} record;

typedef struct records { /* of one run */
    record each[MOST_RECORDS];
    int count;
} records;

static void keep(const char *name, const uint8_t *u8, float scale, int zero, const float *f32, size_t rows, size_t features,
                 void *payload) {
    records *all = payload;
    (void)scale, (void)zero;
    ck_assert_ptr_null(u8);
    ck_assert_int_lt(all->count, MOST_RECORDS);
    record *r = &all->each[all->count++];
    snprintf(r->name, sizeof r->name, "%s", name);
    r->rows = rows, r->features = features;
    r->values = malloc(rows * features * 4);
    ck_assert_ptr_nonnull(r->values);
    memcpy(r->values, f32, rows * features * 4);
}

static const record *find(const records *all, const char *name) {
    for (int i = 0; i < all->count; i++)
        if (strcmp(all->each[i].name, name) == 0) return &all->each[i];
    ck_abort_msg("no operation %s", name);
    return NULL;
}

static void forget(records *all) {
    for (int i = 0; i < all->count; i++) free(all->each[i].values);
    all->count = 0;
}

static void same_records(const records *a, const records *b, const char *kernels) {
    ck_assert_int_eq(a->count, b->count);
    for (int i = 0; i < a->count; i++) {
        size_t n = a->each[i].rows * a->each[i].features;
        ck_assert_uint_eq(n, b->each[i].rows * b->each[i].features);
        for (size_t j = 0; j < n; j++)
            if (memcmp(a->each[i].values + j, b->each[i].values + j, 4) != 0)
                ck_abort_msg("%s: %s differs at %zu: %.9g, not %.9g", kernels, a->each[i].name, j, (double)b->each[i].values[j],
                             (double)a->each[i].values[j]);
    }
}

static void close_to(const record *r, size_t row, size_t feature, double expected, double tolerance) {
    double got = (double)r->values[row * r->features + feature];
    if (!(fabs(got - expected) <= tolerance))
        ck_abort_msg("%s[%zu][%zu] is %.9g, not %.9g", r->name, row, feature, got, expected);
}

/* ---- Plans ---- */

typedef struct build { /* adds a case's operations; its result has `features` */
    int (*add)(ps__plan *plan, int *features);
    int max_rows, rows; /* of tokens */
    const void *input;  /* ids or pixels */
    int longest;        /* tokens of a run before this one, or 0 for as many */
} build;

static void run_with(records *all, const build *b, const ps__kernels *kernels, int precision) {
    ps__error err = {0};
    ps__workspace *space;
    float result[2048];
    int features = 0;
    ps__plan *plan = ps__plan_new(kernels, precision, b->max_rows);
    ck_assert_ptr_nonnull(plan);
    int out = b->add(plan, &features);
    ck_assert_msg(ps__plan_finish(plan, out, features, "a.safetensors", &err) == PS__OK, "%s", err.text);
    ck_assert_int_eq(ps__workspace_new(&space, plan, &err), PS__OK);
    for (int again = 0; again < 2; again++) { /* what a longer run leaves behind must not matter to the next */
        forget(all);
        ps__plan_run(result, plan, space, b->input, again || !b->longest ? b->rows : b->longest, keep, all);
    }
    ck_assert_mem_eq(result, all->each[all->count - 1].values, (size_t)features * 4);
    ps__workspace_free(space);
    ps__plan_free(plan);
}

/* The reference's run, after all others were found equal to it. */
static void run(records *all, const build *b, int precision) {
    const ps__kernels *k;
    records other = {.count = 0};
    run_with(all, b, &ps__kernels_reference, precision);
    for (int i = 1; (k = ps__kernels_at(i)) != NULL; i++) {
        run_with(&other, b, k, precision);
        same_records(all, &other, k->name);
    }
    forget(&other);
}

static int precision_of(int i) { return i % 2 ? PS__PRECISION_FLOAT : PS__PRECISION_INT8; }

/* Tables that any case may use; INPUTS tokens of WIDTH entries. */
enum { WIDTH = 48, INPUTS = 23, LONG = 9 };
static float table[INPUTS * WIDTH], zeros[64 * WIDTH], some[64 * WIDTH], others[4 * WIDTH * 3 * WIDTH], biases[6 * WIDTH];
static int8_t bytes[3 * WIDTH * WIDTH];
static float steps[3 * WIDTH];
static const int32_t ids[LONG] = {4, 22, 7, 7, 0, 19, 4, 21, 3};
static uint8_t picture[64 * 64 * 3];
static const float means[3] = {0.48f, 0.45f, 0.40f}, stds[3] = {0.26f, 0.27f, 0.28f};

static void make_tables(int seed) {
    state = (uint32_t)seed * 2654435761u + 12345;
    fill(table, INPUTS * WIDTH, -2, 2);
    fill(some, 64 * WIDTH, -1, 1);
    fill(others, 4 * WIDTH * 3 * WIDTH, -0.3f, 0.3f);
    fill(biases, 6 * WIDTH, -1, 1);
    fill(steps, 3 * WIDTH, 0.001f, 0.01f);
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (int8_t)((int)draw(255) - 127);
    for (size_t i = 0; i < sizeof picture; i++) picture[i] = (uint8_t)draw(256);
}

/* Token rows f32 [WIDTH] of the float table. */
static int tokens(ps__plan *plan) {
    const ps__word_table words = {.weights = table, .is_float = 1, .groups = 1};
    return ps__plan_embed(plan, "tokens", &words, zeros, WIDTH);
}

static ps__layer float_layer(const float *weights) { return (ps__layer){.floats = weights, .bias = biases, .out_scale = 1}; }

/* A picture's pixels, brought to `channels` (at most WIDTH) by a float layer. */
static int channels_of(ps__plan *plan, int width, int height, int channels) {
    const ps__layer layer = float_layer(others);
    int in = ps__plan_pixels(plan, "pixels", width, height, means, stds);
    return ps__plan_linear(plan, "channels", in, 3, 1, &layer, &channels);
}

/* ---- Pictures ---- */

static int only_pixels(ps__plan *plan, int *features) {
    *features = 3;
    return ps__plan_select(plan, "last", ps__plan_pixels(plan, "pixels", 7, 5, means, stds), PS__LAST_ROW, 3);
}

START_TEST(pixels_are_less_their_mean_over_their_deviation) {
    const build b = {only_pixels, 1, 1, picture, 0};
    records all = {.count = 0};
    make_tables(_i);
    run(&all, &b, precision_of(_i));
    const record *pixels = find(&all, "pixels");
    ck_assert_uint_eq(pixels->rows, 35);
    ck_assert_uint_eq(pixels->features, 3);
    for (size_t i = 0; i < 35; i++)
        for (size_t c = 0; c < 3; c++)
            close_to(pixels, i, c, ((double)picture[i * 3 + c] / 255 - (double)means[c]) / (double)stds[c], 1e-6);
    ck_assert_mem_eq(find(&all, "last")->values, pixels->values + 34 * 3, 12);
    forget(&all);
}
END_TEST

static ps__window window;

static void draw_window(void) {
    static const int kernels[][2] = {{3, 3}, {7, 7}, {11, 1}, {1, 1}, {2, 5}, {8, 8}};
    int kind = (int)draw(6), apart = (int)draw(2);
    window = (ps__window){.width = 1 + (int)draw(24), .height = 1 + (int)draw(12), .channels = 1 + (int)draw(WIDTH / 2)};
    window.kernel_width = kernels[kind][0], window.kernel_height = kernels[kind][1];
    window.stride = apart ? window.kernel_width : 1 + (int)draw(3);
    window.pad_x = (int)draw((uint32_t)window.kernel_width), window.pad_y = (int)draw((uint32_t)window.kernel_height);
    window.out_width = 1 + (int)draw((uint32_t)((window.width - 1 + window.pad_x) / window.stride + 1));
    window.out_height = 1 + (int)draw((uint32_t)((window.height - 1 + window.pad_y) / window.stride + 1));
    window.multiplier = 1 + (int)draw(2);
}

/* What the window reads for output (x, y), tap (kx, ky), channel c. */
static double under(const record *in, int x, int y, int kx, int ky, int c) {
    int column = x * window.stride - window.pad_x + kx, line = y * window.stride - window.pad_y + ky;
    if (column < 0 || column >= window.width || line < 0 || line >= window.height) return 0;
    return (double)in->values[(line * window.width + column) * window.channels + c];
}

static int window_over_picture(ps__plan *plan, int *features) {
    int in = channels_of(plan, window.width, window.height, window.channels);
    *features = window.kernel_width * window.kernel_height * window.channels;
    int patches = ps__plan_patches(plan, "patches", in, &window);
    int deep = ps__plan_depthwise_float(plan, "depthwise", in, &window, others, biases);
    ps__plan_mean(plan, "mean", deep, window.channels * window.multiplier);
    return ps__plan_select(plan, "first", patches, PS__FIRST_ROW, *features);
}

static void check_window(const records *all, int x, int y) {
    const record *in = find(all, "channels"), *patches = find(all, "patches"), *deep = find(all, "depthwise");
    size_t row = (size_t)(y * window.out_width + x), outputs = deep->features;
    double sum[WIDTH] = {0};
    for (int ky = 0, at = 0, tap = 0; ky < window.kernel_height; ky++)
        for (int kx = 0; kx < window.kernel_width; kx++, tap++) {
            for (int c = 0; c < window.channels; c++, at++) close_to(patches, row, (size_t)at, under(in, x, y, kx, ky, c), 0);
            for (size_t o = 0; o < outputs; o++)
                sum[o] += (double)others[(size_t)tap * outputs + o] * under(in, x, y, kx, ky, (int)o / window.multiplier);
        }
    for (size_t o = 0; o < outputs; o++) close_to(deep, row, o, sum[o] + (double)biases[o], 2e-5);
}

START_TEST(windows_see_what_lies_under_them) {
    const build b = {window_over_picture, 1, 1, picture, 0};
    records all = {.count = 0};
    make_tables(_i);
    draw_window();
    run(&all, &b, precision_of(_i));
    ck_assert_uint_eq(find(&all, "patches")->rows, (size_t)(window.out_width * window.out_height));
    ck_assert_uint_eq(find(&all, "depthwise")->rows, (size_t)(window.out_width * window.out_height));
    for (int y = 0; y < window.out_height; y++)
        for (int x = 0; x < window.out_width; x++) check_window(&all, x, y);
    forget(&all);
}
END_TEST

static int window_over_tokens(ps__plan *plan, int *features) {
    *features = WIDTH;
    int deep = ps__plan_depthwise_float(plan, "depthwise", tokens(plan), &window, others, biases);
    ps__plan_activate(plan, "relu", deep, PS__RELU, WIDTH);
    return ps__plan_select(plan, "word", deep, 19, WIDTH);
}

/* Fewer words than the window is wide count as zeros behind them, whatever the run before left there. */
START_TEST(a_window_slides_over_words_as_over_a_line) {
    const int rows = _i < 2 ? LONG : 6;
    const build b = {window_over_tokens, LONG, rows, ids, LONG};
    records all = {.count = 0};
    make_tables(_i);
    window = (ps__window){LONG, 1, WIDTH, 11, 1, 1, 5, 0, LONG, 1, 1};
    run(&all, &b, precision_of(_i));
    const record *in = find(&all, "tokens"), *deep = find(&all, "depthwise"), *relu = find(&all, "relu");
    ck_assert_uint_eq(deep->rows, (size_t)rows);
    for (int x = 0; x < rows; x++)
        for (size_t o = 0; o < WIDTH; o++) {
            double sum = (double)biases[o];
            for (int kx = 0; kx < 11; kx++)
                if (x - 5 + kx < rows) sum += (double)others[(size_t)kx * WIDTH + o] * under(in, x, 0, kx, 0, (int)o);
            close_to(deep, (size_t)x, o, sum, 2e-5);
            close_to(relu, (size_t)x, o, sum > 0 ? sum : 0, 2e-5);
        }
    ck_assert_mem_eq(find(&all, "word")->values, relu->values + 5 * WIDTH, WIDTH * 4); /* 19 is the sixth word, still known there */
    forget(&all);
}
END_TEST

/* ---- Linear layers ---- */

enum { PART_FLOAT, PART_INT8 };
static int part_kinds[3], part_sizes[3];

static int three_parts(ps__plan *plan, int *features) {
    ps__layer layers[3];
    int in = channels_of(plan, 62, 61, 40); /* more rows than are quantised together */
    size_t at = 0;
    *features = 0;
    for (int p = 0; p < 3; p++) {
        layers[p] = (ps__layer){.bias = biases + at, .out_scale = 1};
        if (part_kinds[p] == PART_FLOAT)
            layers[p].floats = others + at * 40;
        else
            layers[p].weights = bytes + at * 40, layers[p].scale = steps + at;
        at += (size_t)part_sizes[p];
    }
    *features = (int)at;
    int out = ps__plan_linear(plan, "linear", in, 40, 3, layers, part_sizes);
    return ps__plan_mean(plan, "mean", out, (int)at);
}

/* An INT8 output of one row: docs/model-package.md, "Quantisation", of dynamic layers. */
static float quantised_output(const float *row, size_t o) {
    float top = 0;
    int32_t sum = 0;
    for (int i = 0; i < 40; i++) top = fabsf(row[i]) > top ? fabsf(row[i]) : top;
    for (int i = 0; i < 40; i++) sum += (int32_t)rintf(row[i] * (127.0f / top)) * bytes[o * 40 + (size_t)i];
    return (float)sum * (top / 127.0f * steps[o]) + biases[o];
}

static double real_output(const float *row, size_t o, int kind) {
    double sum = (double)biases[o];
    for (size_t i = 0; i < 40; i++)
        sum += (double)row[i] * (kind == PART_FLOAT ? (double)others[o * 40 + i] : (double)bytes[o * 40 + i] * (double)steps[o]);
    return sum;
}

START_TEST(parts_of_a_layer_are_int8_or_float_each) {
    const build b = {three_parts, 1, 1, picture, 0};
    records all = {.count = 0};
    make_tables(_i);
    for (int p = 0; p < 3; p++) part_kinds[p] = _i >> (p + 1) & 1, part_sizes[p] = p < 2 ? 16 + 16 * p : 21;
    run(&all, &b, precision_of(_i));
    const record *in = find(&all, "channels"), *out = find(&all, "linear");
    ck_assert_uint_eq(out->rows, 62 * 61);
    ck_assert_uint_eq(out->features, 69);
    for (size_t r = 0; r < out->rows; r += 1 + r / 40)
        for (size_t o = 0; o < 69; o++) {
            int kind = part_kinds[o < 16 ? 0 : o < 48 ? 1 : 2];
            if (kind == PART_INT8 && precision_of(_i) == PS__PRECISION_INT8)
                close_to(out, r, o, (double)quantised_output(in->values + r * 40, o), 0);
            else
                close_to(out, r, o, real_output(in->values + r * 40, o, kind), 5e-5);
        }
    forget(&all);
}
END_TEST

/* Fine parts between others; what is given is far nearer to float32 than plain parts are. */
enum { FINE_PLAIN, FINE_FINE, FINE_FLOAT };
static int fine_kinds[3];
static int8_t fines[3 * WIDTH * WIDTH];

static int fine_parts(ps__plan *plan, int *features) {
    static const int sizes[3] = {16, 32, 21};
    ps__layer layers[3];
    size_t at = 0;
    int in = channels_of(plan, 62, 61, 40);
    for (int p = 0; p < 3; at += (size_t)sizes[p++]) {
        layers[p] = (ps__layer){.weights = bytes + at * 40, .scale = steps + at, .bias = biases + at, .out_scale = 1};
        if (fine_kinds[p] == FINE_FINE) layers[p].fine = fines + at * 40;
        if (fine_kinds[p] == FINE_FLOAT) layers[p] = (ps__layer){.floats = others + at * 40, .bias = biases + at, .out_scale = 1};
    }
    *features = 69;
    return ps__plan_mean(plan, "mean", ps__plan_linear(plan, "linear", in, 40, 3, layers, sizes), 69);
}

static int fine_centred(ps__plan *plan, int *features) {
    const ps__layer layer = {.weights = bytes, .fine = fines, .scale = steps, .bias = biases, .out_scale = 1};
    const int outputs = *features = 69;
    int in = channels_of(plan, 62, 61, 40);
    ps__plan_centre(plan);
    ps__plan_activate(plan, "gelu", in, PS__GELU, 40);
    return ps__plan_mean(plan, "mean", ps__plan_linear(plan, "linear", in, 40, 1, &layer, &outputs), 69);
}

/* How far outputs [first, last) are from exact ones, relative to these without the bias. */
static double fine_error(const record *in, const record *out, size_t first, size_t last, int kind) {
    double wrong = 0, right = 0;
    for (size_t r = 0; r < out->rows; r += 37)
        for (size_t o = first; o < last; o++) {
            double sum = 0;
            for (size_t i = 0, at = o * 40; i < 40; i++, at++) {
                double level = bytes[at] + (kind == FINE_FINE ? fines[at] / 254.0 : 0);
                sum += (double)in->values[r * 40 + i] * (kind == FINE_FLOAT ? (double)others[at] : level * (double)steps[o]);
            }
            wrong += pow((double)out->values[r * 69 + o] - sum - (double)biases[o], 2);
            right += sum * sum;
        }
    return sqrt(wrong / right);
}

static void check_fine(const record *in, const record *out, size_t first, size_t last, int kind, int precision) {
    double error = fine_error(in, out, first, last, kind);
    ck_assert_msg(error < (kind == FINE_PLAIN && precision == PS__PRECISION_INT8 ? 3e-2 : 1e-4), "kind %d: %g", kind, error);
    if (kind == FINE_PLAIN && precision == PS__PRECISION_INT8) ck_assert_double_gt(error, 5e-4);
}

START_TEST(fine_layers_are_near_to_float) {
    const build b = {fine_parts, 1, 1, picture, 0};
    records all = {.count = 0};
    make_tables(_i);
    for (size_t i = 0; i < sizeof fines; i++) fines[i] = (int8_t)((int)draw(255) - 127);
    for (int p = 0, n = _i / 2; p < 3; p++, n /= 3) fine_kinds[p] = n % 3;
    run(&all, &b, precision_of(_i));
    const record *in = find(&all, "channels"), *out = find(&all, "linear");
    check_fine(in, out, 0, 16, fine_kinds[0], precision_of(_i));
    check_fine(in, out, 16, 48, fine_kinds[1], precision_of(_i));
    check_fine(in, out, 48, 69, fine_kinds[2], precision_of(_i));
    forget(&all);
}
END_TEST

START_TEST(fine_layers_may_be_centred) {
    const build b = {fine_centred, 1, 1, picture, 0};
    records all = {.count = 0};
    make_tables(_i);
    for (size_t i = 0; i < sizeof fines; i++) fines[i] = (int8_t)((int)draw(255) - 127);
    run(&all, &b, precision_of(_i));
    check_fine(find(&all, "gelu"), find(&all, "linear"), 0, 69, FINE_FINE, precision_of(_i));
    forget(&all);
}
END_TEST

/* ---- Row by row ---- */

static int row_by_row(ps__plan *plan, int *features) {
    *features = WIDTH;
    int x = tokens(plan);
    int y = ps__plan_norm_of(plan, "norm_of", x, some, biases, 1e-5f, WIDTH);
    ps__plan_norm(plan, "norm", x, y, some + WIDTH, biases + WIDTH, 1e-5f, WIDTH);
    ps__plan_add(plan, "add", x, y, WIDTH);
    ps__plan_add_scaled(plan, "add_scaled", x, y, some + 2 * WIDTH, WIDTH);
    ps__plan_add_table(plan, "add_table", x, others, WIDTH);
    int one = ps__plan_select(plan, "gate_row", y, PS__FIRST_ROW, WIDTH);
    ps__plan_activate(plan, "sigmoid", one, PS__SIGMOID, WIDTH);
    ps__plan_gate(plan, "gate", x, one, WIDTH);
    int mean = ps__plan_mean(plan, "mean", x, WIDTH);
    ps__plan_normalize(plan, "normalize", mean, WIDTH);
    return mean;
}

static void check_norm(const record *out, const record *a, const record *b, const float *weight, const float *bias) {
    for (size_t r = 0; r < out->rows; r++) {
        double sum = 0, square = 0;
        const float *x = a->values + r * WIDTH, *y = b ? b->values + r * WIDTH : zeros;
        for (size_t i = 0; i < WIDTH; i++) sum += (double)(x[i] + y[i]);
        for (size_t i = 0; i < WIDTH; i++) square += pow((double)(x[i] + y[i]) - sum / WIDTH, 2);
        for (size_t i = 0; i < WIDTH; i++)
            close_to(out, r, i,
                     ((double)(x[i] + y[i]) - sum / WIDTH) / sqrt(square / WIDTH + 1e-5) * (double)weight[i] + (double)bias[i],
                     1e-5);
    }
}

static void check_sums(const records *all) {
    const record *y = find(all, "norm_of"), *norm = find(all, "norm"), *add = find(all, "add");
    const record *scaled = find(all, "add_scaled"), *with_table = find(all, "add_table"), *gate = find(all, "gate");
    const record *sigmoid = find(all, "sigmoid"), *row = find(all, "gate_row");
    for (size_t r = 0; r < LONG; r++)
        for (size_t i = 0; i < WIDTH; i++) {
            size_t at = r * WIDTH + i;
            close_to(add, r, i, (double)(norm->values[at] + y->values[at]), 0);
            close_to(scaled, r, i, (double)(add->values[at] + some[2 * WIDTH + i] * y->values[at]), 0);
            close_to(with_table, r, i, (double)(scaled->values[at] + others[at]), 0);
            close_to(gate, r, i, (double)(with_table->values[at] * sigmoid->values[i]), 0);
        }
    ck_assert_mem_eq(row->values, y->values, WIDTH * 4);
    for (size_t i = 0; i < WIDTH; i++) close_to(sigmoid, 0, i, 1 / (1 + exp(-(double)row->values[i])), 1e-6);
}

static void check_ends(const records *all) {
    const record *gate = find(all, "gate"), *mean = find(all, "mean"), *unit = find(all, "normalize");
    double square = 0;
    for (size_t i = 0; i < WIDTH; i++) {
        double sum = 0;
        for (size_t r = 0; r < LONG; r++) sum += (double)gate->values[r * WIDTH + i];
        close_to(mean, 0, i, sum / LONG, 1e-6);
        square += (double)mean->values[i] * (double)mean->values[i];
    }
    for (size_t i = 0; i < WIDTH; i++) close_to(unit, 0, i, (double)mean->values[i] / sqrt(square), 1e-6);
}

START_TEST(sums_norms_and_gates_are_the_plain_ones) {
    const build b = {row_by_row, LONG + 3, LONG, ids, 0};
    records all = {.count = 0};
    make_tables(_i);
    run(&all, &b, precision_of(_i));
    const record *in = find(&all, "tokens"), *y = find(&all, "norm_of");
    for (size_t r = 0; r < LONG; r++) ck_assert_mem_eq(in->values + r * WIDTH, table + (size_t)ids[r] * WIDTH, WIDTH * 4);
    check_norm(y, in, NULL, some, biases);
    check_norm(find(&all, "norm"), in, y, some + WIDTH, biases + WIDTH);
    check_sums(&all);
    check_ends(&all);
    ck_assert_uint_eq(find(&all, "gate")->rows, LONG);
    ck_assert_uint_eq(find(&all, "normalize")->rows, 1);
    forget(&all);
}
END_TEST

static int wanted; /* PS__FIRST_ROW..., a token */

static int selected(ps__plan *plan, int *features) {
    *features = WIDTH;
    int x = tokens(plan);
    ps__plan_add_table(plan, "placed", x, some, WIDTH);
    return ps__plan_select(plan, "selected", x, wanted, WIDTH);
}

START_TEST(a_row_is_selected_by_its_place_or_its_token) {
    static const int cases[][2] = {{PS__FIRST_ROW, 0}, {PS__LAST_ROW, LONG - 1}, {7, 2}, {4, 0}, {3, LONG - 1}, {19, 5}, {1, 0}};
    const build b = {selected, LONG + 1, LONG, ids, 0};
    records all = {.count = 0};
    make_tables(_i);
    wanted = cases[_i][0];
    run(&all, &b, precision_of(_i));
    ck_assert_mem_eq(find(&all, "selected")->values, find(&all, "placed")->values + cases[_i][1] * WIDTH, WIDTH * 4);
    forget(&all);
}
END_TEST

/* ---- Attention ---- */

static int causal;

static int attending(ps__plan *plan, int *features) {
    static const int three[3] = {WIDTH, WIDTH, WIDTH}, two[2] = {WIDTH, WIDTH};
    const ps__layer layer = float_layer(others);
    const ps__layer layers[3] = {layer, float_layer(others + WIDTH * WIDTH), float_layer(others + 2 * WIDTH * WIDTH)};
    *features = WIDTH;
    int x = tokens(plan);
    int qkv = ps__plan_linear(plan, "qkv", x, WIDTH, 3, layers, three);
    int mixed = ps__plan_attention(plan, "attention", qkv, WIDTH, 3, causal);
    int kv = ps__plan_linear(plan, "kv", mixed, WIDTH, 2, layers, two);
    return ps__plan_attend_once(plan, "once", some, kv, WIDTH, 2);
}

/* Head h of width entries of one query over rows of keys and values that are `stride` apart. */
static void check_head(const record *out, size_t row, const float *query, const float *keys, const float *values, size_t stride,
                       size_t rows, size_t width, size_t at) {
    double score[LONG], sum = 0;
    for (size_t u = 0; u < rows; u++) {
        score[u] = 0;
        for (size_t d = 0; d < width; d++) score[u] += (double)query[at + d] * (double)keys[u * stride + at + d];
        sum += score[u] = exp(score[u] / sqrt((double)width));
    }
    for (size_t d = 0; d < width; d++) {
        double expected = 0;
        for (size_t u = 0; u < rows; u++) expected += score[u] / sum * (double)values[u * stride + at + d];
        close_to(out, row, at + d, expected, 1e-5);
    }
}

START_TEST(attention_is_attention) {
    const build b = {attending, LONG + 2, LONG, ids, 0};
    records all = {.count = 0};
    make_tables(_i);
    causal = _i / 2;
    run(&all, &b, precision_of(_i));
    const record *qkv = find(&all, "qkv"), *kv = find(&all, "kv"), *mixed = find(&all, "attention"), *once = find(&all, "once");
    ck_assert_uint_eq(mixed->rows, LONG);
    ck_assert_uint_eq(once->rows, 1);
    for (size_t t = 0; t < LONG; t++)
        for (size_t at = 0; at < WIDTH; at += WIDTH / 3)
            check_head(mixed, t, qkv->values + t * 3 * WIDTH, qkv->values + WIDTH, qkv->values + 2 * WIDTH, 3 * WIDTH,
                       causal ? t + 1 : LONG, WIDTH / 3, at);
    for (size_t at = 0; at < WIDTH; at += WIDTH / 2)
        check_head(once, 0, some, kv->values, kv->values + WIDTH, 2 * WIDTH, LONG, WIDTH / 2, at);
    forget(&all);
}
END_TEST

/* ---- Fixed rows and rows of tokens in one plan ---- */

static int image_tower(ps__plan *plan, int *features) {
    static const int three[3] = {WIDTH, WIDTH, WIDTH}, one[1] = {WIDTH};
    const ps__window patch = {24, 16, 3, 4, 4, 4, 0, 0, 6, 4, 1};
    const ps__layer layer = float_layer(others), quantised = {.weights = bytes, .scale = steps, .bias = biases, .out_scale = 1};
    const ps__layer layers[3] = {quantised, layer, quantised};
    *features = WIDTH;
    int x = ps__plan_patches(plan, "patches", ps__plan_pixels(plan, "pixels", 24, 16, means, stds), &patch);
    x = ps__plan_linear(plan, "embed", x, WIDTH, 1, &quantised, one);
    x = ps__plan_prepend(plan, "prepend", x, some, WIDTH);
    ps__plan_add_table(plan, "positions", x, some + WIDTH, WIDTH);
    int qkv = ps__plan_linear(plan, "qkv", x, WIDTH, 3, layers, three);
    ps__plan_add(plan, "residual", x, ps__plan_attention(plan, "attention", qkv, WIDTH, 4, 0), WIDTH);
    x = ps__plan_select(plan, "class", x, PS__FIRST_ROW, WIDTH);
    x = ps__plan_linear(plan, "project", x, WIDTH, 1, &quantised, one);
    return ps__plan_normalize(plan, "normalize", x, WIDTH);
}

START_TEST(taps_are_told_how_many_rows_there_are) {
    static const struct {
        const char *name;
        size_t rows;
    } expected[] = {{"pixels", 384}, {"patches", 24},  {"embed", 24}, {"prepend", 25}, {"positions", 25}, {"qkv", 25},
                    {"attention", 25}, {"residual", 25}, {"class", 1},  {"project", 1},  {"normalize", 1}};
    const build b = {image_tower, 1, 1, picture, 0};
    records all = {.count = 0};
    make_tables(_i);
    run(&all, &b, precision_of(_i));
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        ck_assert_uint_eq(find(&all, expected[i].name)->rows, expected[i].rows);
    ck_assert_mem_eq(find(&all, "prepend")->values, some, WIDTH * 4);
    ck_assert_mem_eq(find(&all, "prepend")->values + WIDTH, find(&all, "embed")->values, 24 * WIDTH * 4);
    forget(&all);
}
END_TEST

static int words_then_one(ps__plan *plan, int *features) {
    static const int one[1] = {WIDTH};
    const ps__layer layer = float_layer(others);
    *features = WIDTH;
    int x = tokens(plan), last = ps__plan_select(plan, "last", x, PS__LAST_ROW, WIDTH);
    ps__plan_gate(plan, "gate", x, last, WIDTH);
    int before = ps__plan_prepend(plan, "two", last, some, WIDTH);
    return ps__plan_mean(plan, "mean", ps__plan_linear(plan, "pair", before, WIDTH, 1, &layer, one), WIDTH);
}

START_TEST(fixed_rows_do_not_grow_with_the_tokens) {
    records all = {.count = 0};
    make_tables(_i);
    for (int rows = 1; rows <= LONG; rows++) {
        const build b = {words_then_one, LONG, rows, ids, LONG};
        run(&all, &b, precision_of(_i));
        ck_assert_uint_eq(find(&all, "tokens")->rows, (size_t)rows);
        ck_assert_uint_eq(find(&all, "gate")->rows, (size_t)rows);
        ck_assert_uint_eq(find(&all, "two")->rows, 2);
        ck_assert_uint_eq(find(&all, "pair")->rows, 2);
        ck_assert_mem_eq(find(&all, "last")->values, table + (size_t)ids[rows - 1] * WIDTH, WIDTH * 4);
        forget(&all);
    }
}
END_TEST

/* ---- What does not fit together ---- */

static int refuse_window(ps__plan *plan, ps__window w) {
    return ps__plan_patches(plan, "w", ps__plan_pixels(plan, "pixels", 8, 6, means, stds), &w);
}

static int refuse_deep(ps__plan *plan, ps__window w) {
    return ps__plan_depthwise_float(plan, "w", ps__plan_pixels(plan, "pixels", 8, 6, means, stds), &w, others, biases);
}

static int refused_plan(ps__plan *plan, int which) {
    static const int width[1] = {WIDTH}, nothing[1] = {0};
    const ps__layer layer = float_layer(others);
    switch (which) {
    case 0: return refuse_window(plan, (ps__window){9, 6, 3, 3, 3, 1, 1, 1, 9, 6, 1}); /* wider than the picture */
    case 1: return refuse_window(plan, (ps__window){8, 6, 4, 3, 3, 1, 1, 1, 8, 6, 1}); /* other channels */
    case 2: return refuse_window(plan, (ps__window){8, 6, 3, 33, 3, 1, 1, 1, 8, 6, 1});
    case 3: return refuse_window(plan, (ps__window){8, 6, 3, 3, 3, 0, 1, 1, 8, 6, 1});
    case 4: return refuse_window(plan, (ps__window){8, 6, 3, 3, 3, 1, 3, 1, 8, 6, 1}); /* a window wholly left of it */
    case 5: return refuse_window(plan, (ps__window){8, 6, 3, 3, 3, 1, 1, -1, 8, 6, 1});
    case 6: return refuse_window(plan, (ps__window){8, 6, 3, 3, 3, 2, 1, 1, 6, 3, 1}); /* the last wholly right of it */
    case 7: return refuse_window(plan, (ps__window){8, 6, 3, 3, 3, 1, 1, 1, 8, 8, 1}); /* wholly below it */
    case 8: return refuse_window(plan, (ps__window){8, 6, 3, 3, 3, 1, 1, 1, 0, 6, 1});
    case 9: return refuse_window(plan, (ps__window){48, 1, 3, 3, 0, 1, 1, 0, 48, 1, 1});
    case 10: return refuse_window(plan, (ps__window){1 << 16, 1 << 16, 3, 3, 3, 1, 1, 1, 8, 6, 1}); /* whose area is 0 in 32 bits */
    case 11: return refuse_deep(plan, (ps__window){8, 6, 3, 3, 3, 1, 1, 1, 8, 6, 0});
    case 12: return refuse_deep(plan, (ps__window){8, 6, 3, 3, 3, 1, 1, 1, 8, 6, 1 << 20});
    case 13: return ps__plan_patches(plan, "w", tokens(plan), &(ps__window){LONG + 1, 1, WIDTH, 3, 1, 1, 1, 0, LONG + 1, 1, 1});
    case 14: return ps__plan_patches(plan, "w", tokens(plan), &(ps__window){3, LONG / 3, WIDTH, 1, 1, 1, 0, 0, 3, 3, 1});
    case 15: return ps__plan_linear(plan, "l", tokens(plan), WIDTH + 1, 1, &layer, width);
    case 16: return ps__plan_linear(plan, "l", tokens(plan), WIDTH, 1, &layer, nothing);
    case 17: return ps__plan_linear(plan, "l", 5, WIDTH, 1, &layer, width); /* a buffer that is not there */
    case 18: return ps__plan_attention(plan, "a", tokens(plan), WIDTH, 3, 0);
    case 19: return ps__plan_attention(plan, "a", tokens(plan), WIDTH / 3, 3, 0); /* 3 heads do divide 16 not */
    case 20: return ps__plan_attend_once(plan, "a", some, tokens(plan), WIDTH, 2);
    case 21: return ps__plan_add(plan, "a", tokens(plan), ps__plan_mean(plan, "m", tokens(plan), WIDTH), WIDTH);
    case 22: return ps__plan_gate(plan, "g", tokens(plan), tokens(plan), WIDTH);
    case 23: return ps__plan_prepend(plan, "p", tokens(plan), some, WIDTH);
    case 24: return ps__plan_select(plan, "s", tokens(plan), -3, WIDTH);
    case 25: return ps__plan_select(plan, "s", channels_of(plan, 8, 6, WIDTH), 2, WIDTH);
    case 26: return ps__plan_normalize(plan, "n", tokens(plan), WIDTH);
    case 27: return ps__plan_pixels(plan, "p", 1 << 20, 1 << 20, means, stds);
    case 28: return ps__plan_activate(plan, "a", tokens(plan), PS__GELU, 2 * WIDTH);
    case 29: return ps__plan_norm_of(plan, "n", tokens(plan), some, biases, 0, WIDTH / 2);
    case 30: return ps__plan_add_scaled(plan, "a", tokens(plan), channels_of(plan, 8, 6, WIDTH), some, WIDTH);
    case 31: return ps__plan_add_table(plan, "a", tokens(plan), some, 0);
    case 32: return ps__plan_mean(plan, "m", tokens(plan), WIDTH + 1);
    case 33: return ps__plan_norm(plan, "n", tokens(plan), ps__plan_mean(plan, "m", 0, WIDTH), some, biases, 0, WIDTH);
    case 34: return ps__plan_mean(plan, "m", PS__PLAN_INPUT, WIDTH);
    case 35: return ps__plan_pixels(plan, "p", 8, 6, means, stds); /* not as long as the embedding */
    case 36: return PS__PLAN_INPUT;                                 /* nothing at all */
    default: return 7;
    }
}
enum { REFUSED = 38 };

START_TEST(what_does_not_fit_together_is_refused) {
    ps__error err = {0};
    make_tables(_i);
    ps__plan *plan = ps__plan_new(ps__kernels_choose(NULL), precision_of(_i), LONG);
    ck_assert_ptr_nonnull(plan);
    int out = refused_plan(plan, _i / 2);
    ps__plan_activate(plan, "after", out, PS__RELU, WIDTH); /* adding to a failed plan does nothing */
    ck_assert_int_eq(ps__plan_finish(plan, out, WIDTH, "a.safetensors", &err), PS__MODEL);
    ck_assert_msg(strncmp(err.text, "a.safetensors: ", 15) == 0 && strlen(err.text) > 25, "%s", err.text);
    ps__plan_free(plan);
}
END_TEST

static int maps_and_rows(ps__plan *plan, int which) {
    const ps__geometry g = {8, 6, 3, 5, 3, 1, 1}, wrong = {8, 6, 4, 5, 3, 1, 1};
    const ps__layer layer = {.weights = bytes, .scale = steps, .bias = biases, .out_scale = 0.1f};
    if (which == 4) return ps__plan_conv(plan, "c", ps__plan_pixels(plan, "p", 8, 6, means, stds), PS__NO_BUFFER, &g, &layer);
    int map = ps__plan_conv(plan, "c", PS__PLAN_INPUT, PS__NO_BUFFER, &g, &layer);
    switch (which) {
    case 0: return ps__plan_mean(plan, "m", map, 5); /* levels are no rows of float32 */
    case 1: return ps__plan_depthwise(plan, "d", map, &wrong, &layer);
    case 2: return ps__plan_pool(plan, "p", map, 49, 5);
    case 3: return ps__plan_conv(plan, "c", map, map, &g, &layer);
    default: return map;
    }
}

START_TEST(maps_of_levels_and_rows_are_not_taken_for_each_other) {
    ps__error err = {0};
    make_tables(_i);
    ps__plan *plan = ps__plan_new(ps__kernels_choose(NULL), precision_of(_i), 1);
    ck_assert_ptr_nonnull(plan);
    ck_assert_int_eq(ps__plan_finish(plan, maps_and_rows(plan, _i / 2), 5, "a.safetensors", &err), PS__MODEL);
    ps__plan_free(plan);
}
END_TEST

Suite *suite_rows(void) {
    Suite *suite = suite_create("rows");
    TCase *t = tcase_create("rows");
    tcase_add_loop_test(t, pixels_are_less_their_mean_over_their_deviation, 0, 2);
    tcase_add_loop_test(t, windows_see_what_lies_under_them, 0, 60);
    tcase_add_loop_test(t, a_window_slides_over_words_as_over_a_line, 0, 4);
    tcase_add_loop_test(t, parts_of_a_layer_are_int8_or_float_each, 0, 16);
    tcase_add_loop_test(t, fine_layers_are_near_to_float, 0, 54);
    tcase_add_loop_test(t, fine_layers_may_be_centred, 0, 4);
    tcase_add_loop_test(t, sums_norms_and_gates_are_the_plain_ones, 0, 2);
    tcase_add_loop_test(t, a_row_is_selected_by_its_place_or_its_token, 0, 7);
    tcase_add_loop_test(t, attention_is_attention, 0, 4);
    tcase_add_loop_test(t, taps_are_told_how_many_rows_there_are, 0, 2);
    tcase_add_loop_test(t, fixed_rows_do_not_grow_with_the_tokens, 0, 2);
    tcase_add_loop_test(t, what_does_not_fit_together_is_refused, 0, 2 * REFUSED);
    tcase_add_loop_test(t, maps_of_levels_and_rows_are_not_taken_for_each_other, 0, 12);
    suite_add_tcase(suite, t);
    return suite;
}
