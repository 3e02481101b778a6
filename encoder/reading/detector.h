/*
** Does a picture look as if there were writing in it? Cheap enough to be asked of every photo (about 5 ms), so that the
** reader, which takes a hundred times as long, is asked only about those that may have some.
**
** Writing is what has lines: a band of rows with many strokes side by side, dark and light in turn, between two bands with few,
** and the same again to the left and right of it. Leaves, gravel and fur have the strokes, but not the bands.
*/
#ifndef PS_READING_DETECTOR_H
#define PS_READING_DETECTOR_H

#include <stdint.h>

#include "base/status.h"

#define PS__TEXT_AREAS 24 /* that are told at most */

typedef struct ps__text_area {
    int x, y, width, height; /* pixels, inside the picture */
    int pieces;              /* of lines that were found there: how sure it is */
    int shrink;              /* its letters are so large that they are read better when this many pixels become one; a power of 2 */
} ps__text_area;

/* Where writing may be, the surest first: areas with some room around them, which do not overlap. *count: 0 in most photos. areas:
** [PS__TEXT_AREAS]. grey: u8 [height][width], at least 1 x 1. PS__NOMEM. Any thread. */
int ps__text_find(ps__text_area *areas, int *count, const uint8_t *grey, int width, int height, ps__error *err);

#endif
