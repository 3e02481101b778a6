/*
** Finding the thumbnail of EXIF; see exif_thumbnail.h. libexif would copy it but does not say where it was.
*/
#include "encoder/pixels/exif_thumbnail.h"

#include <string.h>

#include "encoder/pixels/job.h"
#include "encoder/pixels/segments.h"
#include "encoder/pixels/tiff.h"

enum {
    NAME = 6, /* bytes of "Exif\0\0" */
    COMPRESSION = 0x0103,
    STREAM_OFFSET = 0x0201,
    STREAM_LENGTH = 0x0202,
    EXIF_DIRECTORY = 0x8769,
    PIXEL_WIDTH = 0xA002,
    PIXEL_HEIGHT = 0xA003,
    COMPRESSION_JPEG = 6
};

static void read_photo_size(ps__exif_thumbnail *out, const ps__tiff *tiff) {
    uint32_t directory, width, height;
    if (!ps__tiff_number(tiff, tiff->first, EXIF_DIRECTORY, &directory)) return;
    if (!ps__tiff_number(tiff, directory, PIXEL_WIDTH, &width) || !ps__tiff_number(tiff, directory, PIXEL_HEIGHT, &height))
        return;
    if (!width || !height || width > PS__MAX_SIDE || height > PS__MAX_SIDE) return;
    out->photo_width = (int)width;
    out->photo_height = (int)height;
}

void ps__exif_thumbnail_find(ps__exif_thumbnail *out, const uint8_t *block, size_t size, int least_side) {
    ps__tiff tiff;
    uint32_t compression, offset, length;
    int width, height;
    memset(out, 0, sizeof *out);
    if (size < NAME || !ps__tiff_open(&tiff, block + NAME, size - NAME)) return;
    read_photo_size(out, &tiff);
    uint32_t second = ps__tiff_next(&tiff, tiff.first);
    if (!second || second == tiff.first) return;
    if (ps__tiff_number(&tiff, second, COMPRESSION, &compression) && compression != COMPRESSION_JPEG) return;
    if (!ps__tiff_number(&tiff, second, STREAM_OFFSET, &offset) || !ps__tiff_number(&tiff, second, STREAM_LENGTH, &length))
        return;
    if (offset > tiff.size || length > tiff.size - offset) return;
    if (!ps__segments_picture_size(tiff.bytes + offset, length, &width, &height)) return;
    if (width < least_side && height < least_side) return;
    out->offset = NAME + offset;
    out->length = length;
}
