/*
** Rows of weights to INT8; see quantise.h.
*/
#include "encoder/import/quantise.h"

#include <math.h>
#include <string.h>

float ps__quantise_row(int8_t *levels, const float *row, int64_t n) {
    const float shifter = 12582912.0f; /* 1.5 * 2^23: adding it rounds to an integer, ties to even */
    float top = 0;
    for (int64_t i = 0; i < n; i++) top = fabsf(row[i]) > top ? fabsf(row[i]) : top;
    float scale = top / 127.0f;
    if (!(scale > 1e-30f)) { /* zeros, or too small to divide by */
        memset(levels, 0, (size_t)n);
        return 0;
    }
    for (int64_t i = 0; i < n; i++) {
        float level = row[i] * (127.0f / top);
        level = level < 127.0f ? level : 127.0f;
        level = level > -127.0f ? level : -127.0f;
        levels[i] = (int8_t)((level + shifter) - shifter);
    }
    return scale;
}

float ps__quantise_row_fine(int8_t *levels, int8_t *fine, const float *row, int64_t n) {
    float scale = ps__quantise_row(levels, row, n);
    for (int64_t i = 0; i < n; i++) {
        float rest = scale > 0 ? rintf((row[i] / scale - (float)levels[i]) * 254.0f) : 0;
        rest = rest < 127.0f ? rest : 127.0f;
        fine[i] = (int8_t)(rest > -127.0f ? rest : -127.0f);
    }
    return scale;
}
