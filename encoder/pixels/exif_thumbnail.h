/*
** The thumbnail that cameras keep in the second directory of a photo's EXIF (Exif 2.32, section 4.5.5): a JPEG stream, mostly of
** 160 x 120 pixels, inside the same APP1 segment and thus near the start of the file.
*/
#ifndef PS_PIXELS_EXIF_THUMBNAIL_H
#define PS_PIXELS_EXIF_THUMBNAIL_H

#include <stddef.h>
#include <stdint.h>

typedef struct ps__exif_thumbnail {
    size_t offset, length;         /* of the JPEG stream, from the start of the block; 0, 0: there is none that is read */
    int photo_width, photo_height; /* of the photo as stored, as EXIF has it; 0: it does not say */
} ps__exif_thumbnail;

/* block: an EXIF block with "Exif\0\0" at its start. Uncompressed thumbnails, streams that reach outside the block, and pictures that
** are smaller than least_side on their longer side are none. Any thread. */
void ps__exif_thumbnail_find(ps__exif_thumbnail *out, const uint8_t *block, size_t size, int least_side);

#endif
