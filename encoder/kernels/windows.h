/*
** Depthwise convolutions in float32. The lines under the window are kept with what lies outside of the picture as zeros, and each
** channel once for every output that reads it, so that the sums know no edges. Compiled for each instruction set by floats.h.
*/
#ifndef PS_KERNEL_WINDOWS_H
#define PS_KERNEL_WINDOWS_H

#include <string.h>

#include "encoder/kernels/kernels.h"
#include "encoder/kernels/lanes.h"

/* Neighbouring pixels made at once. */
#if VEC == 16
enum { PIXELS = 8 };
#else
enum { PIXELS = 4 };
#endif

typedef struct sliding { /* a depthwise convolution at one output line */
    const float *lines[32]; /* under the window: [columns][outputs] */
    const float *weight, *bias;
    size_t outputs;         /* a pixel */
    size_t step;            /* entries of a line from one output pixel to the next */
    int height, width;      /* of the window */
} sliding;

/* Input line `line`, or zeros. */
static void fill_line(float *to, const float *in, const ps__window *w, int line) {
    size_t channels = (size_t)w->channels, times = (size_t)w->multiplier, outputs = channels * times;
    int columns = ps__window_columns(w);
    for (int x = 0; x < columns; x++, to += outputs) {
        int column = x - w->pad_x;
        if (line < 0 || line >= w->height || column < 0 || column >= w->width) {
            memset(to, 0, outputs * 4);
            continue;
        }
        const float *from = in + ((size_t)line * (size_t)w->width + (size_t)column) * channels;
        if (times == 1)
            memcpy(to, from, channels * 4);
        else
            for (size_t c = 0, o = 0; c < channels; c++)
                for (size_t i = 0; i < times; i++) to[o++] = from[c];
    }
}

/* VEC channels of `count` neighbouring pixels, of which at is the first entry. */
ALWAYS void slide_some(float *out, const sliding *s, size_t at, size_t channel, const int count) {
    vec sum[PIXELS];
    const float *w = s->weight + channel;
    UNROLL for (int i = 0; i < count; i++) sum[i] = (vec){0};
    for (int ky = 0; ky < s->height; ky++) {
        const float *in = s->lines[ky] + at + channel;
        for (int kx = 0; kx < s->width; kx++, w += s->outputs, in += s->outputs) {
            vec weight = vec_load(w);
            UNROLL for (int i = 0; i < count; i++) sum[i] += weight * vec_load(in + (size_t)i * s->step);
        }
    }
    vec bias = vec_load(s->bias + channel);
    UNROLL for (int i = 0; i < count; i++) vec_store(out + (size_t)i * s->outputs + channel, sum[i] + bias);
}

static float slide_one(const sliding *s, size_t at, size_t channel) {
    float sum = 0;
    const float *w = s->weight + channel;
    for (int ky = 0; ky < s->height; ky++)
        for (int kx = 0; kx < s->width; kx++, w += s->outputs) sum += *w * s->lines[ky][at + (size_t)kx * s->outputs + channel];
    return sum + s->bias[channel];
}

/* One output line of VEC channels. The last pixels may be made twice. */
ALWAYS void slide_line(float *out, const sliding *s, int pixels, size_t channel) {
    const int step = pixels >= PIXELS ? PIXELS : pixels >= PIXELS / 2 ? PIXELS / 2 : 1;
    for (int next = 0; next < pixels; next += step) {
        size_t x = (size_t)(next + step <= pixels ? next : pixels - step);
        if (step == PIXELS)
            slide_some(out + x * s->outputs, s, x * s->step, channel, PIXELS);
        else if (step == PIXELS / 2)
            slide_some(out + x * s->outputs, s, x * s->step, channel, PIXELS / 2);
        else
            slide_some(out + x * s->outputs, s, x * s->step, channel, 1);
    }
}

static void floats_depthwise(float *out, const float *in, const ps__window *w, const float *weight, const float *bias,
                             float *scratch) {
    sliding s = {.weight = weight, .bias = bias, .height = w->kernel_height, .width = w->kernel_width};
    s.outputs = (size_t)w->channels * (size_t)w->multiplier;
    s.step = s.outputs * (size_t)w->stride;
    size_t line = (size_t)ps__window_columns(w) * s.outputs;
    /* Lines count from the first one under the first window, and lie where their number modulo the window's height says. */
    for (int y = 0, filled = 0; y < w->out_height; y++, out += (size_t)w->out_width * s.outputs) {
        int first = y * w->stride;
        for (filled = filled > first ? filled : first; filled < first + s.height; filled++)
            fill_line(scratch + (size_t)(filled % s.height) * line, in, w, filled - w->pad_y);
        for (int ky = 0; ky < s.height; ky++) s.lines[ky] = scratch + (size_t)((first + ky) % s.height) * line;
        size_t c = 0;
        for (; c + VEC <= s.outputs; c += VEC) slide_line(out, &s, w->out_width, c);
        for (; c < s.outputs; c++)
            for (size_t x = 0; x < (size_t)w->out_width; x++) out[x * s.outputs + c] = slide_one(&s, x * s.step, c);
    }
}

#endif
