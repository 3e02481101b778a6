/*
** The look of a picture in 64 bits, a perceptual hash: copies of one photo that were made smaller, compressed again, brightened
** or cut a little have looks that differ in few bits, other photos' differ in about half of them.
*/
#ifndef PS_PIXELS_LOOK_H
#define PS_PIXELS_LOOK_H

#include <stdint.h>

/* rgb: u8 [height][width][3], sizes at least 1, upright, squeezed to whatever shape. The top bit is never set. 0: the picture is
** too plain (one colour all over) to be told from others. Looks are compared by the number of bits that differ: at most 10 for
** copies, and about 31 for other photos; docs/duplicates.md has how well that works. Pure: any thread. */
uint64_t ps__look(const uint8_t *rgb, int width, int height);

#endif
