/*
** The eight orientations of EXIF (tag 0x0112, Exif 2.32 section 4.6.4): how a stored picture is turned and mirrored to stand upright.
*/
#ifndef PS_PIXELS_ORIENT_H
#define PS_PIXELS_ORIENT_H

#include <stddef.h>
#include <stdint.h>

/* 1 when width and height change places. */
int ps__orientation_turns(int orientation);

/* Copies u8 RGB in[height][stride] of width pixels a row to out, packed and upright: [height][width][3], or [width][height][3] when
** the orientation turns. orientation: 1..8, anything else counts as 1. */
void ps__orient(uint8_t *out, const uint8_t *in, int width, int height, size_t stride, int orientation);

#endif
