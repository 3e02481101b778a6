/*
** The float32 path of static convolutions: the same operations over dequantised weights and unquantised activations. It exists to
** be compared with; `embed --precision float` and the numeric tests run it.
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

enum { OUTPUTS_AT_ONCE = 24 }; /* whose weights are dequantised together */

static size_t inputs_of(const ps__op *op) {
    const ps__geometry *g = &op->geometry;
    return (size_t)g->kernel * (size_t)g->kernel * (size_t)g->channels;
}

static size_t pixels_of(const ps__op *op) { return (size_t)op->out_width * (size_t)op->out_height; }

size_t ps__float_conv_scratch(const ps__op *op) { return (pixels_of(op) + OUTPUTS_AT_ONCE) * inputs_of(op) * 4; }

void ps__run_float_conv(const ps__plan *plan, const ps__op *op, float *out, const void *in, const float *residual,
                        uint8_t *scratch) {
    const ps__layer *l = &op->layer[0];
    size_t pixels = pixels_of(op), n = op->out_features, k = inputs_of(op);
    float *weights = (float *)(void *)scratch, *patches = weights + OUTPUTS_AT_ONCE * k;
    for (size_t p = 0; p < pixels; p++)
        gather_real(patches + p * k, plan, op, in, (int)(p % (size_t)op->out_width), (int)(p / (size_t)op->out_width));
    for (size_t first = 0, count; first < n; first += count) {
        count = n - first < OUTPUTS_AT_ONCE ? n - first : OUTPUTS_AT_ONCE;
        for (size_t o = 0; o < count; o++)
            for (size_t i = 0; i < k; i++) weights[o * k + i] = (float)l->weights[(first + o) * k + i] * l->scale[first + o];
        plan->kernels->gemm_float(out + first, n, patches, pixels, weights, l->bias + first, (int)count, (int)k);
    }
    for (size_t i = 0; i < pixels * n; i++) out[i] = clamp_relu6(residual ? out[i] + residual[i] : out[i], &op->geometry);
}

/* Weights, then what the window needs. */
static size_t filter_floats(const ps__op *op) {
    return ps__align64((size_t)op->geometry.kernel * (size_t)op->geometry.kernel * op->out_features);
}

size_t ps__float_depthwise_scratch(const ps__op *op) {
    ps__window window = ps__window_of(op);
    return (filter_floats(op) + ps__depthwise_float_scratch(&window)) * 4;
}

void ps__run_float_depthwise(const ps__plan *plan, const ps__op *op, float *out, const float *in, uint8_t *scratch) {
    const ps__layer *l = &op->layer[0];
    ps__window window = ps__window_of(op);
    size_t n = op->out_features, taps = (size_t)op->geometry.kernel * (size_t)op->geometry.kernel;
    float *weights = (float *)(void *)scratch;
    for (size_t t = 0; t < taps; t++)
        for (size_t c = 0; c < n; c++) weights[t * n + c] = (float)l->weights[t * n + c] * l->scale[c];
    plan->kernels->depthwise_float(out, in, &window, weights, l->bias, weights + filter_floats(op));
    for (size_t i = 0; i < pixels_of(op) * n; i++) out[i] = clamp_relu6(out[i], &op->geometry);
}

