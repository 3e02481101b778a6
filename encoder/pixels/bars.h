/*
** Black bars: cameras fill thumbnails of one fixed shape up with them when the photo has another.
*/
#ifndef PS_PIXELS_BARS_H
#define PS_PIXELS_BARS_H

#include "encoder/pixels/job.h"

/* Takes the middle of an upright raster, in the photo's shape, when the shapes differ by more than 2 % and what is to fall away on both
** sides is black. */
void ps__bars_cut(ps__raster *raster, int photo_width, int photo_height);

#endif
