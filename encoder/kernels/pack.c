/*
** Row-major weights to the layout that four-way dot products want, once, when a tower is laid out.
*/
#include "encoder/kernels/kernels.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"

/* The three per-output arrays, zeroed to a multiple of 64 entries so that vector loads never leave them. */
static int outputs_new(int32_t **offset, float **scale, float **bias, int n) {
    size_t bytes = (size_t)ps__pad_to(n, 64) * 4;
    *offset = ps__aligned(bytes);
    *scale = ps__aligned(bytes);
    *bias = ps__aligned(bytes);
    if (!*offset || !*scale || !*bias) return -1;
    memset(*offset, 0, bytes);
    memset(*scale, 0, bytes);
    memset(*bias, 0, bytes);
    return 0;
}

int ps__matrix_new(ps__matrix *m, int n, int runs, size_t run_stride, int k) {
    *m = (ps__matrix){.n = n, .k = k, .k4 = (k + 3) / 4, .runs = runs, .run_stride = run_stride};
    m->weights = ps__aligned((size_t)ps__pad_to(n, 16) * (size_t)(runs * m->k4) * 4);
    if (outputs_new(&m->offset, &m->scale, &m->bias, n) || !m->weights) {
        ps__matrix_clear(m);
        return -1;
    }
    return 0;
}

/* A real value that no output of so many weights exceeds, whatever these are. 1.01: the kernels round a few times. */
static float reach_of(size_t weights, float scale, float bias) {
    return (255.0f * 128.0f * (float)weights * fabsf(scale) + fabsf(bias)) * 1.01f;
}

/* NaN is greater than all. */
static float greater(float a, float b) { return a >= b || isnan(a) ? a : b; }

/* Two rows' next eight weights to where they stand in two groups of four. Little-endian, as the format is. */
static inline void turn_pair(int8_t *to, const int8_t *even, const int8_t *odd) {
    const uint64_t low_half = 0xFFFFFFFF;
    uint64_t a, b;
    memcpy(&a, even, 8);
    memcpy(&b, odd, 8);
    uint64_t first = (a & low_half) | b << 32, second = a >> 32 | (b & ~low_half);
    memcpy(to, &first, 8);
    memcpy(to + 64, &second, 8);
}

/* One run of 16 rows side by side, four inputs at a time: the writes run straight on. */
static void fill_whole(int8_t *to, const int8_t *rows, size_t row, size_t groups) {
    size_t i = 0;
    for (; i + 2 <= groups; i += 2, to += 128, rows += 8)
        for (size_t r = 0; r < 16; r += 2) turn_pair(to + 4 * r, rows + r * row, rows + (r + 1) * row);
    for (; i < groups; i++, to += 64, rows += 4)
        for (size_t r = 0; r < 16; r++) memcpy(to + 4 * r, rows + r * row, 4);
}

/* The same of fewer rows; the rest are zero. */
static void fill_part(int8_t *to, const int8_t *rows, size_t row, size_t count, size_t groups) {
    memset(to, 0, groups * 64);
    for (size_t i = 0; i < groups; i++, to += 64, rows += 4)
        for (size_t r = 0; r < count; r++) memcpy(to + 4 * r, rows + r * row, 4);
}

static void fill_run(int8_t *to, const int8_t *rows, size_t row, size_t count, size_t k) {
    size_t groups = k / 4, rest = k % 4;
    if (count == 16)
        fill_whole(to, rows, row, groups);
    else
        fill_part(to, rows, row, count, groups);
    if (rest == 0) return;
    to += groups * 64;
    memset(to, 0, 64);
    for (size_t r = 0; r < count; r++) memcpy(to + 4 * r, rows + r * row + 4 * groups, rest);
}

static void fill_block(const ps__matrix *m, int first, const int8_t *rows, size_t count) {
    size_t k = (size_t)m->k, groups = (size_t)m->k4, runs = (size_t)m->runs;
    for (size_t r = 0; r < runs; r++)
        fill_run(m->weights + ((size_t)(first / 16) * runs + r) * groups * 64, rows + r * k, runs * k, count, k);
}

/* The sum of a row's weights: in 16 bits as long as these hold it, which is several times as fast. */
static int32_t sum_of(const int8_t *row, size_t count) {
    enum { LANES = 32, LINES = 255 /* 255 * 128 is below 2^15 */ };
    int32_t sum = 0;
    while (count >= LANES) {
        int16_t lane[LANES] = {0};
        size_t lines = count / LANES < LINES ? count / LANES : LINES;
        for (size_t i = 0; i < lines; i++, row += LANES)
            for (int j = 0; j < LANES; j++) lane[j] = (int16_t)(lane[j] + row[j]);
        for (int j = 0; j < LANES; j++) sum += lane[j];
        count -= lines * LANES;
    }
    for (size_t i = 0; i < count; i++) sum += row[i];
    return sum;
}

void ps__matrix_fill(ps__matrix *m, int first, int rows, const int8_t *weights, const float *scale, const float *bias,
                     int zero_in, float in_scale) {
    size_t inputs = (size_t)m->runs * (size_t)m->k;
    for (int o = 0; o < rows; o++) {
        const int8_t *row = weights + (size_t)o * inputs;
        m->offset[first + o] = -zero_in * sum_of(row, inputs);
        m->scale[first + o] = in_scale * scale[o];
        m->bias[first + o] = bias[o];
        m->reach = greater(m->reach, reach_of(inputs, m->scale[first + o], bias[o]));
        if (o % 16 == 0) fill_block(m, first + o, row, rows - o < 16 ? (size_t)(rows - o) : 16);
    }
}

int ps__matrix_pack(ps__matrix *m, const int8_t *weights, const float *scale, const float *bias, int n, int runs,
                    size_t run_stride, int k, int zero_in, float in_scale) {
    if (ps__matrix_new(m, n, runs, run_stride, k)) return -1;
    ps__matrix_fill(m, 0, n, weights, scale, bias, zero_in, in_scale);
    return 0;
}

void ps__matrix_clear(ps__matrix *m) {
    ps__free(m->weights);
    ps__free(m->offset);
    ps__free(m->scale);
    ps__free(m->bias);
    *m = (ps__matrix){0};
}

/* The weights of one channel. Returns their sum. */
static int32_t fill_filter(ps__filter *f, const int8_t *weights, int c) {
    size_t place = ps__filter_place(c), k = (size_t)f->k, groups = (k + 3) / 4;
    int8_t *to = f->weights + place / 64 * k * groups * 256 + place % 64 * 4;
    int32_t sum = 0;
    for (size_t ky = 0; ky < k; ky++)
        for (size_t kx = 0; kx < k; kx++) {
            int8_t w = weights[(ky * k + kx) * (size_t)f->channels + (size_t)c];
            to[(kx * groups + ky / 4) * 256 + ky % 4] = w;
            sum += w;
        }
    return sum;
}

int ps__filter_pack(ps__filter *f, const int8_t *weights, const float *scale, const float *bias, int channels, int k, int stride,
                    int zero_in, float in_scale) {
    *f = (ps__filter){.channels = channels, .k = k, .stride = stride};
    size_t groups = (size_t)((k + 3) / 4), bytes = (size_t)ps__pad_to(channels, 64) * (size_t)k * groups * 4;
    f->weights = ps__aligned(bytes);
    if (outputs_new(&f->offset, &f->scale, &f->bias, channels) || !f->weights) {
        ps__filter_clear(f);
        return -1;
    }
    memset(f->weights, 0, bytes);
    for (int c = 0; c < channels; c++) {
        size_t place = ps__filter_place(c);
        f->offset[place] = -zero_in * fill_filter(f, weights, c);
        f->scale[place] = in_scale * scale[c];
        f->bias[place] = bias[c];
        f->reach = greater(f->reach, reach_of((size_t)k * (size_t)k, f->scale[place], bias[c]));
    }
    return 0;
}

void ps__filter_clear(ps__filter *f) {
    ps__free(f->weights);
    ps__free(f->offset);
    ps__free(f->scale);
    ps__free(f->bias);
    *f = (ps__filter){0};
}
