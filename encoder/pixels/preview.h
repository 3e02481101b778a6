#ifndef PS_PIXELS_PREVIEW_H
#define PS_PIXELS_PREVIEW_H

#include "encoder/pixels/pixels.h"

#define PS__PREVIEW_HEAD ((size_t)128 << 10)
#define PS__PREVIEW_MOST ((uint64_t)4 << 20)

enum { PS__PREVIEW_NONE, PS__PREVIEW_JPEG, PS__PREVIEW_WHOLE };

typedef struct ps__preview_place {
    int kind;
    uint64_t offset, length;
    int original_width, original_height;
    char format[9];
    ps__camera_notes notes;
} ps__preview_place;

int ps__preview_find(ps__preview_place *out, const uint8_t *head, size_t size, uint64_t file_size, const char *name,
                     ps__error *err);
int ps__preview_decode(ps__pixels *out, const ps__preview_place *place, const uint8_t *bytes, size_t size, const char *name,
                       const ps__pixels_options *options, ps__error *err);

#endif
