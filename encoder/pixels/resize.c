/*
** Separable resampling with the cubic convolution kernel of Keys (1981), a = -0.5, or with a triangle, stretched by the scale when
** shrinking so that it averages everything an output pixel covers. Weights are fixed point with 22 fraction bits, as in Pillow: 8 bits for the pixel and
** 2 of headroom for sums that overshoot leave 22 of 32. The horizontal pass comes first and rounds to 8 bits; the vertical pass
** works on those. Where a photo loses more than twice as many rows as columns the vertical pass comes first, as in Pillow 13 (found by
** comparing 6,000 pairs of sizes; Pillow before that went across first always, at most a level away). The sums are integers, so neither
** vector code nor the order of additions can change a bit.
**
** Rows are resized horizontally only when the vertical pass first needs them and are kept in a ring of as many rows as the longest
** vertical window: memory does not grow with the height of the photo, and rows are still in the cache when they are summed. Of a part,
** only the weights and pixels of that part are made.
*/
#include "encoder/pixels/resize.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "encoder/pixels/pixels.h"

#ifdef __clang__
#pragma STDC FP_CONTRACT OFF /* a fused multiply-add would round a weight differently; gcc has it off under -std=c11 */
#endif

#define PRECISION 22

typedef struct kernel {
    double (*weight)(double x);
    double support; /* the weight is 0 beyond */
} kernel;

typedef struct window {
    int first; /* input index of the first weight */
    int count; /* how many inputs are weighed */
} window;

typedef struct axis {
    int in;           /* pixels there are */
    int64_t whole;    /* pixels that they become, of which are made... */
    int64_t first;    /* ...those from here on */
    int out;          /* so many */
    int same;         /* 1: in == whole, nothing is weighed */
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

static double triangle(double x) {
    if (x < 0) x = -x;
    return x < 1 ? 1 - x : 0;
}

static const kernel kernels[] = {[PS__FILTER_BICUBIC] = {cubic, 2}, [PS__FILTER_BILINEAR] = {triangle, 1}};

/* Fills the window and the weights of the i-th output that is made. real: scratch of `longest` doubles. */
static void weigh(axis *a, int i, const kernel *by, double *real) {
    const double scale = (double)a->in / (double)a->whole, stretch = scale < 1 ? 1 : scale, support = by->support * stretch;
    const double center = ((double)(a->first + i) + 0.5) * scale, shrink = 1 / stretch;
    int first = (int)(center - support + 0.5), end = (int)(center + support + 0.5);
    if (first < 0) first = 0;
    if (end > a->in) end = a->in;
    double total = 0;
    for (int k = 0; k < end - first; k++) {
        real[k] = by->weight((k + first - center + 0.5) * shrink);
        total += real[k];
    }
    int32_t *weights = a->weights + (size_t)i * (size_t)a->longest;
    for (int k = 0; k < end - first; k++) {
        double weight = (total != 0 ? real[k] / total : real[k]) * (1 << PRECISION);
        weights[k] = (int32_t)(weight < 0 ? weight - 0.5 : weight + 0.5);
    }
    a->windows[i] = (window){first, end - first};
}

static int axis_make(axis *a, int in, int64_t whole, int64_t first, int out, const kernel *by, ps__error *err) {
    const double scale = (double)in / (double)whole;
    *a = (axis){.in = in, .whole = whole, .first = first, .out = out, .same = in == whole};
    if (a->same) return PS__OK;
    a->longest = (int)ceil(by->support * (scale < 1 ? 1 : scale)) * 2 + 1;
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
    for (int i = 0; i < out; i++) weigh(a, i, by, real);
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
    const uint8_t *in;  /* the picture, from the first column that is made where columns stay as they are */
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

typedef struct picture { /* what is written to */
    uint8_t *rgb;
    size_t stride;
} picture;

static void resize_rows(const picture *out, source *s, const axis *down, int32_t *sums) {
    const size_t n = (size_t)s->across->out * 3;
    for (int i = 0; i < down->out; i++) {
        uint8_t *to = out->rgb + (size_t)i * out->stride;
        const window *w = &down->windows[i];
        const int32_t *weights = down->weights + (size_t)i * (size_t)down->longest;
        for (size_t x = 0; x < n; x++) sums[x] = 1 << (PRECISION - 1);
        for (int k = 0; k < w->count; k++) add_row(sums, row_of(s, w->first + k), n, weights[k]);
        for (size_t x = 0; x < n; x++) to[x] = clip(sums[x]);
    }
}

/* Rows that stay as many as they are. */
static void copy_rows(const picture *out, source *s, const axis *down) {
    for (int i = 0; i < down->out; i++) {
        uint8_t *to = out->rgb + (size_t)i * out->stride;
        const uint8_t *row = s->in + (size_t)(down->first + i) * s->stride;
        if (s->across->same)
            memcpy(to, row, (size_t)s->across->out * 3);
        else
            shrink_row(to, row, s->across);
    }
}

static int across_first(const picture *out, const axis *across, const axis *down, const uint8_t *in, size_t stride, ps__error *err) {
    const size_t length = (size_t)across->out * 3;
    source rows = {across->same ? in + 3 * (size_t)across->first : in, stride, across, NULL, down->longest, 0};
    if (down->same) {
        copy_rows(out, &rows, down);
        return PS__OK;
    }
    int32_t *sums = ps__array(length, sizeof *sums);
    if (!across->same) rows.ring = ps__array((size_t)down->longest, length);
    int status = sums && (across->same || rows.ring) ? PS__OK : ps__fail_nomem(err);
    if (!status) resize_rows(out, &rows, down, sums);
    ps__free(sums);
    ps__free(rows.ring);
    return status;
}

static int down_first(const picture *out, const axis *across, const axis *down, const uint8_t *in, size_t stride, ps__error *err) {
    const axis all = {.in = across->in, .whole = across->in, .out = across->in, .same = 1};
    const axis ready = {.in = down->out, .whole = down->out, .out = down->out, .same = 1};
    const size_t length = (size_t)across->in * 3;
    picture between = {ps__array(length, (size_t)down->out), length};
    if (!between.rgb) return ps__fail_nomem(err);
    int status = across_first(&between, &all, down, in, stride, err);
    if (!status) status = across_first(out, across, &ready, between.rgb, length, err);
    ps__free(between.rgb);
    return status;
}

/* All of the part lies in the picture. */
static int resize_inside(const picture *out, const ps__resizing *how, const uint8_t *in, int width, int height, size_t stride,
                         ps__error *err) {
    const kernel *by = &kernels[how->filter];
    axis across, down = {0};
    int status = axis_make(&across, width, how->whole_width, how->left, how->width, by, err);
    if (!status) status = axis_make(&down, height, how->whole_height, how->top, how->height, by, err);
    if (!status) {
        int first = height > how->whole_height && !across.same && height - how->whole_height > 2 * (width - how->whole_width);
        status = first ? down_first(out, &across, &down, in, stride, err) : across_first(out, &across, &down, in, stride, err);
    }
    ps__free(down.memory);
    ps__free(across.memory);
    return status;
}

int ps__resize_part(uint8_t *out, const ps__resizing *how, const uint8_t *in, int width, int height, size_t stride, ps__error *err) {
    const size_t length = (size_t)how->width * 3;
    const int64_t left = how->left > 0 ? how->left : 0, top = how->top > 0 ? how->top : 0;
    int64_t right = how->left + how->width, bottom = how->top + how->height;
    if (right > how->whole_width) right = how->whole_width;
    if (bottom > how->whole_height) bottom = how->whole_height;
    const ps__resizing shown = {how->filter, how->whole_width, how->whole_height, left, top, (int)(right - left), (int)(bottom - top)};
    const int everything = shown.width == how->width && shown.height == how->height;
    if (!everything) memset(out, 0, length * (size_t)how->height);
    if (right <= left || bottom <= top) return PS__OK;
    const picture to = {out + (size_t)(top - how->top) * length + 3 * (size_t)(left - how->left), length};
    return resize_inside(&to, &shown, in, width, height, stride, err);
}

int ps__resize(uint8_t *out, int out_width, int out_height, const uint8_t *in, int width, int height, size_t stride,
               ps__error *err) {
    const ps__resizing how = {PS__FILTER_BICUBIC, out_width, out_height, 0, 0, out_width, out_height};
    return ps__resize_part(out, &how, in, width, height, stride, err);
}
