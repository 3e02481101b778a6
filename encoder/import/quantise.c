/*
** Rows of weights to INT8; see quantise.h.
*/
#include "encoder/import/quantise.h"

#include <math.h>
#include <string.h>

static float greatest(const float *row, int64_t n) {
    float top = 0;
    for (int64_t i = 0; i < n; i++) top = fabsf(row[i]) > top ? fabsf(row[i]) : top;
    return top;
}

static float level_of(float value, float inverse) {
    const float shifter = 12582912.0f; /* 1.5 * 2^23: adding it rounds to an integer, ties to even */
    float level = value * inverse;
    level = level < 127.0f ? level : 127.0f;
    level = level > -127.0f ? level : -127.0f;
    return (level + shifter) - shifter;
}

static double squared_error(const float *row, int64_t n, float scale) {
    float lane[16] = {0}, inverse = 1.0f / scale;
    int64_t i = 0;
    for (; i + 16 <= n; i += 16)
        for (int j = 0; j < 16; j++) {
            float off = row[i + j] - scale * level_of(row[i + j], inverse);
            lane[j] += off * off;
        }
    for (; i < n; i++) {
        float off = row[i] - scale * level_of(row[i], inverse);
        lane[0] += off * off;
    }
    double sum = 0;
    for (int j = 0; j < 16; j++) sum += (double)lane[j];
    return sum;
}

float ps__quantise_row(int8_t *levels, const float *row, int64_t n) {
    static const float bounds[] = {0.95f, 0.9f, 0.82f, 0.72f, 0.6f};
    float top = greatest(row, n), scale = top / 127.0f;
    if (!(scale > 1e-30f)) { /* zeros, or too small to divide by */
        memset(levels, 0, (size_t)n);
        return 0;
    }
    double least = squared_error(row, n, scale);
    for (size_t b = 0; b < sizeof bounds / sizeof *bounds; b++) {
        double error = squared_error(row, n, top * bounds[b] / 127.0f);
        if (error >= least) break; /* it only gets worse from here on: one valley, but for noise */
        least = error;
        scale = top * bounds[b] / 127.0f;
    }
    for (int64_t i = 0; i < n; i++) levels[i] = (int8_t)level_of(row[i], 1.0f / scale);
    return scale;
}
