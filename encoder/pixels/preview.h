/*
** Previews: the smaller picture that a camera puts into a photo's file beside the photo itself, found in the first bytes of the file.
** Nothing in the file is trusted. No state is kept: any thread, any number at once.
*/
#ifndef PS_PIXELS_PREVIEW_H
#define PS_PIXELS_PREVIEW_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "encoder/pixels/pixels.h"

enum { PS__PREVIEW_NONE, PS__PREVIEW_JPEG /* a JPEG stream at offset, length */, PS__PREVIEW_WHOLE /* the container must be given whole (HEIF) */ };

typedef struct ps__preview_place { /* plain data without pointers: travels between processes */
    int kind;                            /* PS__PREVIEW_* */
    uint64_t offset, length;             /* in the file */
    int original_width, original_height; /* of the upright photo; 0 unknown */
    char format[9];                      /* of the photo: "jpeg", "heif" */
    ps__camera_notes notes;
} ps__preview_place;

/* head: the first bytes of the file. PS__NOTFOUND: no preview. */
int ps__preview_find(ps__preview_place *out, const uint8_t *head, size_t size, uint64_t file_size, const char *name,
                     ps__error *err);

/* bytes: the stream (PS__PREVIEW_JPEG) or the whole file (PS__PREVIEW_WHOLE). As ps__pixels_decode for the rest. */
int ps__preview_decode(ps__pixels *out, const ps__preview_place *place, const uint8_t *bytes, size_t size, const char *name,
                       const ps__pixels_options *options, ps__error *err);

#endif
