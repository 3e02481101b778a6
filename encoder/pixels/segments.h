/*
** The header of a JPEG file, segment by segment (ITU-T T.81, B.1.1.3), without decoding anything.
*/
#ifndef PS_PIXELS_SEGMENTS_H
#define PS_PIXELS_SEGMENTS_H

#include <stddef.h>
#include <stdint.h>

typedef struct ps__segment {
    unsigned marker;     /* its second byte: 0xE1 for APP1 */
    const uint8_t *data; /* what follows the length field, inside the bytes that are walked */
    size_t size;         /* of data, at most 65,533 bytes */
} ps__segment;

/* The next segment; *at is 0 before the first. 0 when there is none: at the pixel data, at damage, or where the bytes end within a
** segment. */
int ps__segment_next(ps__segment *out, const uint8_t *bytes, size_t size, size_t *at);

/* 1 when it is an APP1 with EXIF, "Exif\0\0" at its start. */
int ps__segment_is_exif(const ps__segment *segment);

/* Pixels as stored, by the frame header. 0: none is found, or it leaves the height open. */
int ps__segments_picture_size(const uint8_t *bytes, size_t size, int *width, int *height);

#endif
