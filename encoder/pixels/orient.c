/*
** Turning and mirroring by EXIF orientation; see orient.h.
*/
#include "encoder/pixels/orient.h"

#include <string.h>

int ps__orientation_turns(int orientation) { return orientation >= 5 && orientation <= 8; }

/* The picture is walked in blocks of rows, so that a quarter turn, whose writes go down a column, stays within the cache. */
#define BLOCK 32

void ps__orient(uint8_t *out, const uint8_t *in, int width, int height, size_t stride, int orientation) {
    const ptrdiff_t w = width, h = height;
    ptrdiff_t origin = 0, across = 3,
              down = 3 * w; /* where (0, 0) goes; steps in out for one pixel right and one row down in in */
    switch (orientation) {
    case 2: origin = 3 * (w - 1), across = -3; break;
    case 3: origin = 3 * (w * h - 1), across = -3, down = -3 * w; break;
    case 4: origin = 3 * w * (h - 1), down = -3 * w; break;
    case 5: across = 3 * h, down = 3; break;
    case 6: origin = 3 * (h - 1), across = 3 * h, down = -3; break;
    case 7: origin = 3 * (w * h - 1), across = -3 * h, down = -3; break;
    case 8: origin = 3 * h * (w - 1), across = -3 * h, down = 3; break;
    default: break;
    }
    for (ptrdiff_t top = 0; top < h; top += BLOCK) {
        ptrdiff_t bottom = top + BLOCK < h ? top + BLOCK : h;
        for (ptrdiff_t left = 0; left < w; left += BLOCK) {
            ptrdiff_t right = left + BLOCK < w ? left + BLOCK : w;
            for (ptrdiff_t y = top; y < bottom; y++) {
                const uint8_t *from = in + (size_t)y * stride + 3 * left;
                uint8_t *to = out + origin + y * down + left * across;
                for (ptrdiff_t x = left; x < right; x++, from += 3, to += across) memcpy(to, from, 3);
            }
        }
    }
}
