/*
** Antialiased resizing, to the bit what Pillow's Image.resize((w, h), Image.BICUBIC or Image.BILINEAR) gives for 8-bit RGB, because that
** is what encoders were trained on.
*/
#ifndef PS_PIXELS_RESIZE_H
#define PS_PIXELS_RESIZE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct ps__resizing {
    int filter;                        /* PS__FILTER_* of pixels.h */
    int64_t whole_width, whole_height; /* what the picture is resized to, 1..2^40... */
    int64_t left, top;                 /* ...and the part of that which is made: it may reach beyond, where it is black */
    int width, height;                 /* of the part, at least 1 */
} ps__resizing;

/* in: u8 RGB [height][stride], width pixels a row; out: u8 [how->height][how->width][3]. Costs memory and time for the part only, but
** for photos that lose more rows than columns, where whole columns are made. PS__NOMEM. Any thread. */
int ps__resize_part(uint8_t *out, const ps__resizing *how, const uint8_t *in, int width, int height, size_t stride, ps__error *err);

/* All of it, bicubic. in: u8 RGB [height][stride], width pixels a row; out: u8 [out_height][out_width][3]. All sizes at least 1. Same size: a copy.
** PS__NOMEM. Any thread. */
int ps__resize(uint8_t *out, int out_width, int out_height, const uint8_t *in, int width, int height, size_t stride,
               ps__error *err);

#endif
