/*
** Previews: the small pictures that cameras put into their files. They show the photo well enough to find it by, at a small part of
** what the photo itself costs to read and decode. Looking for one and decoding it are two steps, so that only the bytes of the preview
** need to be read. Nothing in the file is trusted, nor is a place that another process found. No state is kept: any thread.
**
** Taken are, in this order: a large thumbnail of VGA class from the multi-picture format, the thumbnail in EXIF, a large thumbnail of
** full HD class; and of HEIF and AVIF the thumbnail of the primary picture.
*/
#ifndef PS_PIXELS_PREVIEW_H
#define PS_PIXELS_PREVIEW_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "encoder/pixels/pixels.h"

enum {
    PS__PREVIEW_NONE = 0,
    PS__PREVIEW_JPEG = 1, /* a JPEG stream at offset, length bytes long */
    PS__PREVIEW_WHOLE = 2 /* the container must be given whole: HEIF and AVIF; offset 0, length that of the file */
};

#define PS__PREVIEW_HEAD ((size_t)128 << 10) /* bytes of a file's head that are enough to find its preview */
#define PS__PREVIEW_MOST ((size_t)4 << 20)   /* bytes of the longest JPEG stream; a container may be PS__MAX_FILE_BYTES long */
#define PS__PREVIEW_LEAST 96                 /* pixels on the longer side; smaller ones show too little */

typedef struct ps__preview_place {       /* plain data without pointers, so that it can travel between processes */
    int kind;                            /* PS__PREVIEW_* */
    uint64_t offset, length;             /* in the file */
    int original_width, original_height; /* of the upright photo; 0: unknown, as always for PS__PREVIEW_WHOLE */
    char format[9];                      /* of the photo: "jpeg", "heif", "avif" */
    ps__camera_notes notes;              /* orientation as to be applied to the preview; none for PS__PREVIEW_WHOLE */
} ps__preview_place;

/* Looks for a preview in the head of a file of file_size bytes: min(file_size, PS__PREVIEW_HEAD) bytes, or more. `name` is only for
** messages. PS__NOTFOUND: none that is read, for a reason that the sentence gives. PS__NOMEM. *out is PS__PREVIEW_NONE after a
** failure. */
int ps__preview_find(ps__preview_place *out, const uint8_t *head, size_t size, uint64_t file_size, const char *name,
                     ps__error *err);

/* Decodes a preview from the bytes that place names, to the size that options (may be NULL) ask for, as ps__pixels_decode would the
** photo. format, notes and original size are the photo's; the original size is 0 x 0 where it is not known. Black bars that fill the
** preview up to another shape than the photo's are cut off. On success *out owns rgb: ps__pixels_clear.
**
** PS__NOTFOUND: the preview is too small, or lies on its side against the photo. PS__INVALID: absurd options or place. The others as
** for ps__pixels_decode. All of them say something about the preview, nothing about the photo. */
int ps__preview_decode(ps__pixels *out, const ps__preview_place *place, const uint8_t *bytes, size_t size, const char *name,
                       const ps__pixels_options *options, ps__error *err);

#endif
