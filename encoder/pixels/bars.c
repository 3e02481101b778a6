/*
** Cutting black bars off; see bars.h. A preview of another shape without bars was squeezed or cut to that shape, or is left from before
** the photo was edited; its margins are a part of the picture, and stay.
*/
#include "encoder/pixels/bars.h"

#define TOLERANCE 0.02
#define BLACK 24 /* mean level: video black is 16, and JPEG rings a little beside the picture */

/* Sum of the levels of all three colours in rows of `width` pixels. */
static uint64_t sum_of(const uint8_t *rgb, size_t stride, int width, int height) {
    uint64_t sum = 0;
    for (int y = 0; y < height; y++)
        for (size_t x = 0; x < (size_t)width * 3; x++) sum += rgb[(size_t)y * stride + x];
    return sum;
}

static int is_black(const uint8_t *rgb, size_t stride, int width, int height) {
    return sum_of(rgb, stride, width, height) <= (uint64_t)BLACK * 3 * (uint64_t)width * (uint64_t)height;
}

/* What the file holds shrinks as the raster, which may have been decoded at a part of that size. */
static int scaled(int value, int part, int whole) { return (int)(((int64_t)value * part + whole / 2) / whole); }

void ps__bars_cut(ps__raster *raster, int photo_width, int photo_height) {
    const int width = raster->width, height = raster->height;
    const double shape = (double)width / height, photo = (double)photo_width / photo_height;
    double beside = 0, above = 0; /* thickness of the bars */
    if (shape > photo * (1 + TOLERANCE)) beside = (width - height * photo) / 2;
    if (shape * (1 + TOLERANCE) < photo) above = (height - width / photo) / 2;
    /* a row that is half bar, half picture is not asked whether it is black, but cut off */
    const int black_width = beside > 0 ? (int)beside : width, black_height = above > 0 ? (int)above : height;
    const int x = (int)(beside + 0.5), y = (int)(above + 0.5);
    if ((!x && !y) || !black_width || !black_height || 2 * x >= width || 2 * y >= height) return;
    const uint8_t *far = raster->rgb + (size_t)(height - black_height) * raster->stride + (size_t)(width - black_width) * 3;
    if (!is_black(raster->rgb, raster->stride, black_width, black_height)) return;
    if (!is_black(far, raster->stride, black_width, black_height)) return;
    raster->rgb += (size_t)y * raster->stride + (size_t)x * 3;
    raster->width -= 2 * x;
    raster->height -= 2 * y;
    raster->stored_width = scaled(raster->stored_width, raster->width, width);
    raster->stored_height = scaled(raster->stored_height, raster->height, height);
}
