/*
** Walking the segments of a JPEG's header; see segments.h. Each step goes forward by two bytes at least, so that every walk ends.
*/
#include "encoder/pixels/segments.h"

#include <string.h>

int ps__segment_next(ps__segment *out, const uint8_t *bytes, size_t size, size_t *at) {
    size_t p = *at;
    if (!p) {
        if (size < 2 || bytes[0] != 0xFF || bytes[1] != 0xD8) return 0;
        p = 2;
    }
    while (size - p >= 2 && bytes[p] == 0xFF && bytes[p + 1] == 0xFF) p++; /* filling */
    if (size - p < 4 || bytes[p] != 0xFF) return 0;
    unsigned marker = bytes[p + 1];
    if (marker == 0xDA || marker == 0xD9) return 0;
    size_t length = (size_t)bytes[p + 2] << 8 | bytes[p + 3];
    if (length < 2 || size - p < 2 + length) return 0;
    *out = (ps__segment){marker, bytes + p + 4, length - 2};
    *at = p + 2 + length;
    return 1;
}

int ps__segment_is_exif(const ps__segment *segment) {
    return segment->marker == 0xE1 && segment->size >= 6 && !memcmp(segment->data, "Exif\0", 6);
}

/* SOF0 to SOF15; DHT, JPG and DAC lie among them. */
static int is_frame(unsigned marker) {
    return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

int ps__segments_picture_size(const uint8_t *bytes, size_t size, int *width, int *height) {
    ps__segment segment;
    for (size_t at = 0; ps__segment_next(&segment, bytes, size, &at);) {
        if (!is_frame(segment.marker)) continue;
        if (segment.size < 5) return 0;
        *height = segment.data[1] << 8 | segment.data[2];
        *width = segment.data[3] << 8 | segment.data[4];
        return *height > 0 && *width > 0;
    }
    return 0;
}
