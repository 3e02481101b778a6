/*
** Antialiased bicubic resizing, to the bit what Pillow's Image.resize((w, h), Image.BICUBIC) gives for 8-bit RGB, because that is what
** the encoder was trained on.
*/
#ifndef PS_PIXELS_RESIZE_H
#define PS_PIXELS_RESIZE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* in: u8 RGB [height][stride], width pixels a row; out: u8 [out_height][out_width][3]. All sizes at least 1. Same size: a copy.
** PS__NOMEM. Any thread. */
int ps__resize(uint8_t *out, int out_width, int out_height, const uint8_t *in, int width, int height, size_t stride,
               ps__error *err);

#endif
