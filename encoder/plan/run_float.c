/*
** The float32 path: the same operations over dequantised weights and unquantised activations. It exists to be compared with, so it
** is written to be read; `embed --precision float` and the numeric tests run it.
*/
#include "encoder/plan/internal.h"

#include "encoder/encoder.h"

static float clamp_relu6(float x, const ps__geometry *g) {
    if (!g->relu6) return x;
    return x < 0 ? 0 : x > 6 ? 6 : x;
}

/* Real values of the input pixels under output (x, y); outside is 0. */
static void gather_real(float *patch, const ps__plan *plan, const ps__op *op, const void *in, int x, int y) {
    const ps__geometry *g = &op->geometry;
    const uint8_t *pixels = op->in == PS__PLAN_INPUT ? in : NULL;
    const float *reals = pixels ? NULL : in;
    for (int ky = 0; ky < g->kernel; ky++)
        for (int kx = 0; kx < g->kernel; kx++)
            for (int c = 0; c < g->channels; c++) {
                int line = y * g->stride - op->pad_y + ky, column = x * g->stride - op->pad_x + kx;
                int inside = line >= 0 && line < g->height && column >= 0 && column < g->width;
                size_t from = inside ? ((size_t)line * (size_t)g->width + (size_t)column) * (size_t)g->channels + (size_t)c : 0;
                float value = pixels ? plan->input_scale * (float)((int)pixels[from] - plan->input_zero) : reals[from];
                *patch++ = inside ? value : 0;
            }
}

void ps__run_float_conv(const ps__plan *plan, const ps__op *op, float *out, const void *in, const float *residual,
                        uint8_t *scratch) {
    const ps__geometry *g = &op->geometry;
    size_t pixels = (size_t)op->out_width * (size_t)op->out_height, n = op->out_features;
    size_t k = (size_t)g->kernel * (size_t)g->kernel * (size_t)g->channels;
    float *weights = (float *)(void *)scratch, *patches = weights + k;
    for (size_t p = 0; p < pixels; p++)
        gather_real(patches + p * k, plan, op, in, (int)(p % (size_t)op->out_width), (int)(p / (size_t)op->out_width));
    for (size_t o = 0; o < n; o++) {
        for (size_t i = 0; i < k; i++) weights[i] = (float)op->layer[0].weights[o * k + i] * op->layer[0].scale[o];
        for (size_t p = 0; p < pixels; p++) {
            float real = plan->kernels->dot(weights, patches + p * k, (int)k) + op->layer[0].bias[o];
            if (residual) real += residual[p * n + o];
            out[p * n + o] = clamp_relu6(real, g);
        }
    }
}

void ps__run_float_depthwise(const ps__op *op, float *out, const float *in) {
    const ps__geometry *g = &op->geometry;
    const ps__layer *l = &op->layer[0];
    size_t n = op->out_features;
    for (int y = 0; y < op->out_height; y++)
        for (int x = 0; x < op->out_width; x++)
            for (size_t c = 0; c < n; c++) {
                float sum = 0;
                for (int ky = 0; ky < g->kernel; ky++)
                    for (int kx = 0; kx < g->kernel; kx++) {
                        int line = y * g->stride - op->pad_y + ky, column = x * g->stride - op->pad_x + kx;
                        if (line < 0 || line >= g->height || column < 0 || column >= g->width) continue;
                        float w = (float)l->weights[((size_t)ky * (size_t)g->kernel + (size_t)kx) * n + c] * l->scale[c];
                        sum += w * in[((size_t)line * (size_t)g->width + (size_t)column) * n + c];
                    }
                out[((size_t)y * (size_t)op->out_width + (size_t)x) * n + c] = clamp_relu6(sum + l->bias[c], g);
            }
}

void ps__run_float_linear(const ps__op *op, float *out, const float *in, size_t rows, uint8_t *scratch,
                          const ps__kernels *kernels) {
    float *weights = (float *)(void *)scratch;
    size_t k = op->in_features, first = 0;
    for (int p = 0; p < op->parts; p++) {
        for (size_t o = 0; o < (size_t)op->part_features[p]; o++) {
            for (size_t i = 0; i < k; i++) weights[i] = (float)op->layer[p].weights[o * k + i] * op->layer[p].scale[o];
            for (size_t r = 0; r < rows; r++)
                out[r * op->out_features + first + o] = kernels->dot(weights, in + r * k, (int)k) + op->layer[p].bias[o];
        }
        first += (size_t)op->part_features[p];
    }
}
