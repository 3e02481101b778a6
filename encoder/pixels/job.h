/*
** What the decoders of the single formats share: the job (bytes in, caps, wanted size) and the raster (pixels out, as stored in the
** file: turning them upright and resizing comes after, in decode.c). One decoder a format; sniff.c says which one to call.
*/
#ifndef PS_PIXELS_JOB_H
#define PS_PIXELS_JOB_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "encoder/pixels/pixels.h"

#define PS__MAX_SIDE (1 << 20) /* pixels a row or column: keeps every size and resize weight table far from overflow */

typedef struct ps__job {
    const uint8_t *bytes;          /* the whole file */
    size_t size;                   /* of bytes */
    const char *name;              /* for messages */
    int width, height;             /* wanted size of the upright photo, 0 x 0: as it is */
    int fit;                       /* PS__FIT_* */
    int filter, shorter;           /* as in ps__pixels_options */
    uint64_t max_pixels;           /* never 0 */
    uint64_t max_bytes;            /* never 0 */
    const ps__camera_notes *notes; /* JPEG: used in place of what the bytes say themselves, as for a preview. NULL: none */
} ps__job;

typedef struct ps__raster {
    int width, height;               /* of rgb */
    int stored_width, stored_height; /* what the file holds: larger than width x height after scaled decoding */
    size_t stride;                   /* bytes from row to row, at least width * 3 */
    uint8_t *rgb;                    /* points into owner */
    void *owner;                     /* what release takes; NULL: nothing to release */
    void (*release)(void *owner);    /* how owner is given back */
} ps__raster;

/* Decoders. Each fills *out, *notes and *texts (NULL: not wanted) or fails with a sentence; out holds nothing after a failure. */
typedef int ps__decoder(ps__raster *out, ps__camera_notes *notes, ps__camera_texts *texts, const ps__job *job, ps__error *err);
ps__decoder ps__jpeg_decode, ps__webp_decode, ps__heif_decode, ps__stb_decode;

/* What goes around a decoder, in decode.c. ps__job_make: bytes, name and options as in ps__pixels_decode; PS__INVALID. */
int ps__job_make(ps__job *job, const uint8_t *bytes, size_t size, const char *name, const ps__pixels_options *options,
                 ps__error *err);

/* Replaces the raster by an upright one. */
int ps__raster_turn(ps__raster *raster, int orientation, const ps__job *job, ps__error *err);

/* Fills sizes and rgb of *out from an upright raster, and takes the raster's own memory where it is already what is wanted. */
int ps__raster_fit(ps__pixels *out, ps__raster *raster, const ps__job *job, ps__error *err);

/* The thumbnail of the primary picture of a HEIF or AVIF file: the smallest that covers what the job wants, else the largest.
** photo_width, photo_height: of the upright photo. PS__NOTFOUND: there is none that lies as the photo does and has least_side pixels
** or more on its longer side. */
int ps__heif_decode_thumbnail(ps__raster *out, ps__camera_notes *notes, int *photo_width, int *photo_height, int least_side,
                              const ps__job *job, ps__error *err);

/* Format by content. NULL: none that is read. Otherwise a static name as in ps__pixels.format. */
const char *ps__sniff(const uint8_t *bytes, size_t size);

void ps__raster_release(ps__raster *raster);

/* Lets the raster own a block of ps__malloc that holds width x height packed RGB pixels. */
void ps__raster_own(ps__raster *raster, uint8_t *rgb, int width, int height);

/* PS__CORRUPT for an empty photo, PS__TOOBIG when width x height or the bytes that decoding needs are above the job's caps. */
int ps__job_check(const ps__job *job, uint64_t width, uint64_t height, uint64_t bytes, ps__error *err);

typedef struct ps__target { /* what the job makes of a photo */
    int64_t whole_width, whole_height; /* the whole upright photo, resized */
    int64_t left, top;                 /* the pixel of it that is the first of the result; negative: black comes before it */
    int width, height;                 /* of the result */
} ps__target;

/* For an upright photo of width x height. */
void ps__job_target(ps__target *out, const ps__job *job, int width, int height);

/* The smallest m in 1..8 for which a stored photo of width x height at m/8 still covers the whole target in both directions; 8 when
** none does. turned: the photo lies on its side, so width and height change places. */
int ps__job_eighths(const ps__job *job, int width, int height, int turned);

/* PS__CORRUPT: "NAME: truncated after N of M bytes"; total 0: unknown. */
int ps__fail_truncated(const ps__job *job, uint64_t total, ps__error *err);

/* Lays n pixels of `channels` bytes (1 grey, 2 grey and alpha, 3 RGB, 4 RGBA, alpha not multiplied in) over white as RGB. out and in
** may be the same place when channels >= 3. */
void ps__over_white(uint8_t *out, const uint8_t *in, size_t n, int channels);

#endif
