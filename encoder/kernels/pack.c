/*
** Row-major weights to the layout that four-way dot products want, once, when a tower is laid out.
*/
#include "encoder/kernels/kernels.h"

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

int ps__matrix_new(ps__matrix *m, int n, int k) {
    *m = (ps__matrix){.n = n, .k = k, .k4 = (k + 3) / 4};
    m->weights = ps__aligned((size_t)ps__pad_to(n, 16) * (size_t)m->k4 * 4);
    if (outputs_new(&m->offset, &m->scale, &m->bias, n) || !m->weights) {
        ps__matrix_clear(m);
        return -1;
    }
    return 0;
}

/* 16 rows (fewer at the end, the rest are zero) side by side, four inputs at a time: the writes run straight on. */
static void fill_block(int8_t *to, const int8_t *rows, int count, int k) {
    int whole = k / 4;
    for (int i = 0; i < whole; i++, to += 64)
        for (int r = 0; r < 16; r++) {
            if (r < count)
                memcpy(to + 4 * r, rows + (size_t)r * (size_t)k + 4 * (size_t)i, 4);
            else
                memset(to + 4 * r, 0, 4);
        }
    if (k % 4 == 0) return;
    memset(to, 0, 64);
    for (int r = 0; r < count; r++) memcpy(to + 4 * r, rows + (size_t)r * (size_t)k + 4 * (size_t)whole, (size_t)(k % 4));
}

void ps__matrix_fill(ps__matrix *m, int first, int rows, const int8_t *weights, const float *scale, const float *bias,
                     int zero_in, float in_scale) {
    for (int o = 0; o < rows; o++) {
        const int8_t *row = weights + (size_t)o * (size_t)m->k;
        int32_t sum = 0;
        for (int i = 0; i < m->k; i++) sum += row[i];
        m->offset[first + o] = -zero_in * sum;
        m->scale[first + o] = in_scale * scale[o];
        m->bias[first + o] = bias[o];
        if (o % 16 == 0)
            fill_block(m->weights + (size_t)((first + o) / 16) * (size_t)m->k4 * 64, row, rows - o < 16 ? rows - o : 16, m->k);
    }
}

int ps__matrix_pack(ps__matrix *m, const int8_t *weights, const float *scale, const float *bias, int n, int k, int zero_in,
                    float in_scale) {
    if (ps__matrix_new(m, n, k)) return -1;
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

int ps__filter_pack(ps__filter *f, const int8_t *weights, const float *scale, const float *bias, int channels, int k, int zero_in,
                    float in_scale) {
    *f = (ps__filter){.channels = channels, .k = k};
    size_t groups = (size_t)((k + 3) / 4), bytes = (size_t)ps__pad_to(channels, 64) * (size_t)k * groups * 4;
    f->weights = ps__aligned(bytes);
    if (outputs_new(&f->offset, &f->scale, &f->bias, channels) || !f->weights) {
        ps__filter_clear(f);
        return -1;
    }
    memset(f->weights, 0, bytes);
    for (int c = 0; c < channels; c++) {
        size_t place = ps__filter_place(c), block = place / 64, in_block = place % 64;
        int32_t sum = 0;
        for (int ky = 0; ky < k; ky++) {
            for (int kx = 0; kx < k; kx++) {
                int8_t w = weights[((size_t)ky * (size_t)k + (size_t)kx) * (size_t)channels + (size_t)c];
                f->weights[((block * (size_t)k + (size_t)kx) * groups + (size_t)(ky / 4)) * 256 + in_block * 4 +
                           (size_t)(ky % 4)] = w;
                sum += w;
            }
        }
        f->offset[place] = -zero_in * sum;
        f->scale[place] = in_scale * scale[c];
        f->bias[place] = bias[c];
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
