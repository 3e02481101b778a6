/*
** The portable kernels: plain loops that say what every other file must reproduce bit for bit.
*/
#include "encoder/kernels/kernels.h"

#include <math.h>

#include "encoder/kernels/floats.h"

/* One sum to one u8: docs/model-package.md, "Quantisation". rintf rounds ties to even in the default rounding mode. */
static uint8_t requantize(int32_t sum, float scale, float bias, const ps__requant *q, size_t residual_at) {
    float real = (float)sum * scale + bias;
    if (q->residual) real = real + q->residual_scale * (float)(q->residual[residual_at] - q->residual_zero);
    real = real > q->low ? real : q->low;
    real = real < q->high ? real : q->high;
    float level = rintf(real * q->inverse) + q->zero;
    level = level > 0.0f ? level : 0.0f;
    level = level < 255.0f ? level : 255.0f;
    return (uint8_t)(int32_t)level;
}

/* Sum over all inputs of in * w[o], read from the packed layout. */
static int32_t sum_of(const uint8_t *in, const ps__matrix *m, int o) {
    const int8_t *w = m->weights + ((size_t)(o / 16) * (size_t)(m->runs * m->k4) * 16 + (size_t)(o % 16)) * 4;
    int32_t sum = m->offset[o];
    for (int r = 0; r < m->runs; r++, in += m->run_stride, w += (size_t)m->k4 * 64)
        for (int i = 0; i < m->k; i++) sum += (int32_t)in[i] * w[(size_t)(i / 4) * 64 + (size_t)(i % 4)];
    return sum;
}

static void gemm_u8(uint8_t *out, const uint8_t *in, size_t in_stride, size_t rows, const ps__matrix *m, const ps__requant *q) {
    for (size_t r = 0; r < rows; r++)
        for (int o = 0; o < m->n; o++) {
            size_t at = r * (size_t)m->n + (size_t)o;
            out[at] = requantize(sum_of(in + r * in_stride, m, o), m->scale[o], m->bias[o], q, at);
        }
}

static void gemm_f32(float *out, const uint8_t *in, size_t in_stride, const float *row_scale, size_t rows, const ps__matrix *m) {
    for (size_t r = 0; r < rows; r++)
        for (int o = 0; o < m->n; o++)
            out[r * (size_t)m->n + (size_t)o] =
                (float)sum_of(in + r * in_stride, m, o) * (row_scale[r] * m->scale[o]) + m->bias[o];
}

static void depthwise_row(uint8_t *out, const uint8_t *const *lines, const ps__picture *in, const ps__filter *f,
                          const ps__requant *q) {
    size_t channels = (size_t)f->channels, groups = (size_t)((f->k + 3) / 4);
    for (int x = 0; x < in->out_width; x++)
        for (size_t c = 0; c < channels; c++) {
            size_t place = ps__filter_place((int)c);
            const int8_t *w = f->weights + place / 64 * (size_t)f->k * groups * 256 + place % 64 * 4;
            int32_t sum = f->offset[place];
            for (int kx = 0; kx < f->k; kx++)
                for (int ky = 0; ky < f->k; ky++) {
                    int column = x * f->stride - in->pad_x + kx;
                    int value = column < 0 || column >= in->width ? in->zero : lines[ky][(size_t)column * channels + c];
                    sum += value * w[((size_t)kx * groups + (size_t)(ky / 4)) * 256 + (size_t)(ky % 4)];
                }
            out[(size_t)x * channels + c] = requantize(sum, f->scale[place], f->bias[place], q, 0);
        }
}

static void depthwise_u8(uint8_t *out, const ps__picture *in, const ps__filter *f, const ps__requant *q, uint8_t *scratch) {
    const uint8_t *lines[7];
    (void)scratch;
    for (int y = 0; y < in->out_height; y++) {
        ps__picture_lines(lines, in, f->channels, y * f->stride - in->pad_y, f->k);
        depthwise_row(out + (size_t)y * (size_t)in->out_width * (size_t)f->channels, lines, in, f, q);
    }
}

const ps__kernels ps__kernels_reference = {
    .name = "reference", .gemm_u8 = gemm_u8, .gemm_f32 = gemm_f32, .depthwise_u8 = depthwise_u8, PS__FLOAT_KERNELS};
