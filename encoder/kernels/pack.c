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

/* The greatest real value that an output can have whose weights' absolute sum is given. 1.01: the kernels round a few times. */
static float reach_of(int32_t absolute, float scale, float bias) {
    return (255.0f * (float)absolute * fabsf(scale) + fabsf(bias)) * 1.01f;
}

/* NaN is greater than all. */
static float greater(float a, float b) { return a >= b || isnan(a) ? a : b; }

/* One run of 16 rows (fewer at the end, the rest are zero) side by side, four inputs at a time: the writes run straight on. */
static void fill_run(int8_t *to, const int8_t *rows, size_t row, int count, int k) {
    int whole = k / 4;
    for (int i = 0; i < whole; i++, to += 64)
        for (int r = 0; r < 16; r++) {
            if (r < count)
                memcpy(to + 4 * r, rows + (size_t)r * row + 4 * (size_t)i, 4);
            else
                memset(to + 4 * r, 0, 4);
        }
    if (k % 4 == 0) return;
    memset(to, 0, 64);
    for (int r = 0; r < count; r++) memcpy(to + 4 * r, rows + (size_t)r * row + 4 * (size_t)whole, (size_t)(k % 4));
}

static void fill_block(const ps__matrix *m, int first, const int8_t *rows, int count) {
    size_t k = (size_t)m->k, groups = (size_t)m->k4, runs = (size_t)m->runs;
    for (size_t r = 0; r < runs; r++)
        fill_run(m->weights + ((size_t)(first / 16) * runs + r) * groups * 64, rows + r * k, runs * k, count, m->k);
}

void ps__matrix_fill(ps__matrix *m, int first, int rows, const int8_t *weights, const float *scale, const float *bias,
                     int zero_in, float in_scale) {
    for (int o = 0; o < rows; o++) {
        const int8_t *row = weights + (size_t)o * (size_t)(m->runs * m->k);
        int32_t sum = 0, absolute = 0;
        for (int i = 0; i < m->runs * m->k; i++) sum += row[i], absolute += row[i] < 0 ? -row[i] : row[i];
        m->offset[first + o] = -zero_in * sum;
        m->scale[first + o] = in_scale * scale[o];
        m->bias[first + o] = bias[o];
        m->reach = greater(m->reach, reach_of(absolute, m->scale[first + o], bias[o]));
        if (o % 16 == 0)
            fill_block(m, first + o, row, rows - o < 16 ? rows - o : 16);
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

/* The weights of one channel. Returns the sum of their absolute values. */
static int32_t fill_filter(ps__filter *f, const int8_t *weights, int c, int32_t *sum) {
    size_t place = ps__filter_place(c), k = (size_t)f->k, groups = (k + 3) / 4;
    int8_t *to = f->weights + place / 64 * k * groups * 256 + place % 64 * 4;
    int32_t absolute = 0;
    *sum = 0;
    for (size_t ky = 0; ky < k; ky++)
        for (size_t kx = 0; kx < k; kx++) {
            int8_t w = weights[(ky * k + kx) * (size_t)f->channels + (size_t)c];
            to[(kx * groups + ky / 4) * 256 + ky % 4] = w;
            *sum += w;
            absolute += w < 0 ? -w : w;
        }
    return absolute;
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
        int32_t sum, absolute = fill_filter(f, weights, c, &sum);
        f->offset[place] = -zero_in * sum;
        f->scale[place] = in_scale * scale[c];
        f->bias[place] = bias[c];
        f->reach = greater(f->reach, reach_of(absolute, f->scale[place], bias[c]));
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
