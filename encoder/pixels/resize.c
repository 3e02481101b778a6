/*
** Separable resampling with the cubic convolution kernel of Keys (1981), a = -0.5, stretched by the scale when shrinking so that
** it averages everything an output pixel covers. Weights are fixed point with 22 fraction bits, as in Pillow: 8 bits for the pixel and
** 2 of headroom for sums that overshoot leave 22 of 32. The horizontal pass comes first and rounds to 8 bits; the vertical pass
** works on those. Where a photo loses more than twice as many rows as columns the vertical pass comes first, as in Pillow 13 (found by
** comparing 6,000 pairs of sizes; Pillow before that went across first always, at most a level away). The sums are integers, so neither vector code nor the order of additions can change a bit.
**
** Rows are resized horizontally only when the vertical pass first needs them and are kept in a ring of as many rows as the longest
** vertical window: memory does not grow with the height of the photo, and rows are still in the cache when they are summed.
*/
#include "encoder/pixels/resize.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"

#ifdef __clang__
#pragma STDC FP_CONTRACT OFF /* a fused multiply-add would round a weight differently; gcc has it off under -std=c11 */
#endif

#define PRECISION 22
#define SUPPORT 2.0 /* the kernel is 0 beyond */

typedef struct window {
    int first; /* input index of the first weight */
    int count; /* how many inputs are weighed */
} window;

typedef struct axis {
    int in, out;      /* sizes */
    int longest;      /* weights a window has room for */
    window *windows;  /* [out] */
    int32_t *weights; /* [out][longest], fixed point */
    void *memory;     /* holds both */
} axis;

static double cubic(double x) {
    const double a = -0.5;
    if (x < 0) x = -x;
    if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
    return 0;
}

/* Fills the window and the weights of output index i. real: scratch of `longest` doubles. */
static void weigh(axis *a, int i, double *real) {
    const double scale = (double)a->in / a->out, stretch = scale < 1 ? 1 : scale, support = SUPPORT * stretch;
    const double center = (i + 0.5) * scale, shrink = 1 / stretch;
    int first = (int)(center - support + 0.5), end = (int)(center + support + 0.5);
    if (first < 0) first = 0;
    if (end > a->in) end = a->in;
    double total = 0;
    for (int k = 0; k < end - first; k++) {
        real[k] = cubic((k + first - center + 0.5) * shrink);
        total += real[k];
    }
    int32_t *weights = a->weights + (size_t)i * (size_t)a->longest;
    for (int k = 0; k < end - first; k++) {
        double weight = (total != 0 ? real[k] / total : real[k]) * (1 << PRECISION);
        weights[k] = (int32_t)(weight < 0 ? weight - 0.5 : weight + 0.5);
    }
    a->windows[i] = (window){first, end - first};
}

static int axis_make(axis *a, int in, int out, ps__error *err) {
    const double scale = (double)in / out;
    memset(a, 0, sizeof *a);
    a->in = in;
    a->out = out;
    if (in == out) return PS__OK;
    a->longest = (int)ceil(SUPPORT * (scale < 1 ? 1 : scale)) * 2 + 1;
    double *real = ps__array((size_t)a->longest, sizeof *real);
    a->memory = ps__array((size_t)out, sizeof(window) + (size_t)a->longest * sizeof(int32_t));
    if (!real || !a->memory) {
        ps__free(real);
        ps__free(a->memory);
        a->memory = NULL;
        return ps__fail_nomem(err);
    }
    a->windows = a->memory;
    a->weights = (int32_t *)(a->windows + out);
    for (int i = 0; i < out; i++) weigh(a, i, real);
    ps__free(real);
    return PS__OK;
}

static uint8_t clip(int32_t sum) {
    int32_t value = sum >> PRECISION;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

static void shrink_row(uint8_t *out, const uint8_t *row, const axis *a) {
    for (int i = 0; i < a->out; i++, out += 3) {
        const int32_t *weight = a->weights + (size_t)i * (size_t)a->longest;
        const uint8_t *in = row + 3 * (size_t)a->windows[i].first;
        int32_t r = 1 << (PRECISION - 1), g = r, b = r;
        for (int k = 0; k < a->windows[i].count; k++, in += 3) {
            r += in[0] * weight[k];
            g += in[1] * weight[k];
            b += in[2] * weight[k];
        }
        out[0] = clip(r);
        out[1] = clip(g);
        out[2] = clip(b);
    }
}

static void add_row(int32_t *restrict sums, const uint8_t *restrict row, size_t n, int32_t weight) {
    for (size_t i = 0; i < n; i++) sums[i] += row[i] * weight;
}

typedef struct source { /* rows after the horizontal pass, made when asked for, in rising order */
    const uint8_t *in;  /* the picture */
    size_t stride;      /* of in */
    const axis *across;
    uint8_t *ring; /* [ring_rows][out width][3]; NULL: the rows of `in` are used as they are */
    int ring_rows; /* at least the longest vertical window */
    int made;      /* rows below this have been made */
} source;

static const uint8_t *row_of(source *s, int y) {
    if (!s->ring) return s->in + (size_t)y * s->stride;
    const size_t length = (size_t)s->across->out * 3;
    if (s->made < y) s->made = y; /* rows that no window needs are never made */
    for (; s->made <= y; s->made++)
        shrink_row(s->ring + (size_t)(s->made % s->ring_rows) * length, s->in + (size_t)s->made * s->stride, s->across);
    return s->ring + (size_t)(y % s->ring_rows) * length;
}

static void resize_rows(uint8_t *out, source *s, const axis *down, int32_t *sums) {
    const size_t n = (size_t)s->across->out * 3;
    for (int i = 0; i < down->out; i++, out += n) {
        const window *w = &down->windows[i];
        const int32_t *weights = down->weights + (size_t)i * (size_t)down->longest;
        for (size_t x = 0; x < n; x++) sums[x] = 1 << (PRECISION - 1);
        for (int k = 0; k < w->count; k++) add_row(sums, row_of(s, w->first + k), n, weights[k]);
        for (size_t x = 0; x < n; x++) out[x] = clip(sums[x]);
    }
}

static int resize_across_first(uint8_t *out, int out_width, int out_height, const uint8_t *in, int width, int height,
                               size_t stride, ps__error *err) {
    const size_t length = (size_t)out_width * 3;
    axis across, down;
    uint8_t *ring = NULL;
    int32_t *sums = NULL;
    int status = axis_make(&across, width, out_width, err);
    if (status) return status;
    status = axis_make(&down, height, out_height, err);
    if (status) goto done;
    if (height == out_height) {
        for (int y = 0; y < height; y++) {
            const uint8_t *row = in + (size_t)y * stride;
            if (width == out_width)
                memcpy(out + (size_t)y * length, row, length);
            else
                shrink_row(out + (size_t)y * length, row, &across);
        }
        goto done;
    }
    sums = ps__array(length, sizeof *sums);
    if (width != out_width) ring = ps__array((size_t)down.longest, length);
    if (!sums || (width != out_width && !ring)) {
        status = ps__fail_nomem(err);
        goto done;
    }
    source rows = {in, stride, &across, ring, down.longest, 0};
    resize_rows(out, &rows, &down, sums);
done:
    ps__free(sums);
    ps__free(ring);
    ps__free(down.memory);
    ps__free(across.memory);
    return status;
}

int ps__resize(uint8_t *out, int out_width, int out_height, const uint8_t *in, int width, int height, size_t stride,
               ps__error *err) {
    int down_first = height > out_height && width != out_width && height - out_height > 2 * ((int64_t)width - out_width);
    if (!down_first) return resize_across_first(out, out_width, out_height, in, width, height, stride, err);
    uint8_t *between = ps__array((size_t)width * 3, (size_t)out_height);
    if (!between) return ps__fail_nomem(err);
    int status = resize_across_first(between, width, out_height, in, width, height, stride, err);
    if (!status) status = resize_across_first(out, out_width, out_height, between, width, out_height, (size_t)width * 3, err);
    ps__free(between);
    return status;
}
