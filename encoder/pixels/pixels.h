/*
** Bytes of an image file in, upright RGB of the wanted size out, with what the camera noted down. Nothing in the file is trusted.
** No state is kept: any thread, any number at once.
*/
#ifndef PS_PIXELS_H
#define PS_PIXELS_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum {
    PS__FIT_SQUASH = 0, /* exactly width x height, whatever the shape */
    PS__FIT_INSIDE = 1, /* shape kept, never enlarged */
    PS__FIT_CROP = 2,   /* the shorter side becomes `shorter`, up or down, the longer one floor(longer * shorter / its size); of that the
                        ** middle width x height (from column (width there - width) / 2, rounded to the nearest, ties to even), black
                        ** where it is smaller: as torchvision does it with Pillow */
    PS__FIT_CROP_FLOOR = 3 /* the same from column floor((width there - width) / 2), as transformers does it */
};
enum { PS__FILTER_BICUBIC = 0, PS__FILTER_BILINEAR = 1 /* both Pillow's antialiased ones to the bit */ };

typedef struct ps__pixels_options {
    int width, height;   /* wanted size; 0 x 0: as the photo is */
    int fit;             /* PS__FIT_* */
    uint64_t max_pixels; /* 0: PS__MAX_PIXELS. A file that declares more is PS__TOOBIG before anything is decoded */
    uint64_t max_bytes;  /* 0: PS__MAX_DECODE_BYTES. Memory that decoding may take */
    int filter;          /* PS__FILTER_* */
    int shorter;         /* PS__FIT_CROP and PS__FIT_CROP_FLOOR only */
} ps__pixels_options;

#define PS__MAX_PIXELS ((uint64_t)400 * 1000 * 1000)
#define PS__MAX_DECODE_BYTES ((uint64_t)1536 << 20)
#define PS__MAX_FILE_BYTES ((size_t)512 << 20) /* for whoever reads the file */

enum { /* bits: what kind of picture it is. The library keeps them as they are. */
       PS__PICTURE_SCREENSHOT = 1,
       PS__PICTURE_PANORAMA = 2,
       PS__PICTURE_SELFIE = 4
};

typedef struct ps__camera_notes { /* EXIF and XMP; all strings are 0-terminated, valid UTF-8 and without control characters */
    int orientation; /* 1..8, as applied; 1 when the file says nothing or nonsense, and for HEIF and AVIF, which turn themselves */
    char taken[20];  /* "2021-07-04T15:32:10", local time of the camera; "" unknown. Always a real calendar date */
    char taken_offset[7]; /* "+02:00" or "" */
    char gps_time[20];    /* the same moment by the GPS receiver, UTC, whole seconds; "" unknown */
    int has_gps;
    double latitude, longitude; /* degrees, WGS 84, -90..90 and -180..180; meaningful when has_gps */
    char make[64], model[64], lens[64];
    int flash;  /* 1 fired, 0 did not, -1 unknown */
    int rating; /* stars 1..5; 0: not rated, or rejected */
    int kinds;  /* PS__PICTURE_* bits */
} ps__camera_notes;

typedef struct ps__camera_texts { /* what people wrote about the photo, by XMP, IPTC or EXIF, in this order; strings as in the notes; "" none */
    char title[201];
    char caption[2001];
    char keywords[1001]; /* with ", " between them, none twice */
} ps__camera_texts;

typedef struct ps__pixels {
    int width, height;                   /* of rgb */
    int original_width, original_height; /* of the upright photo before resizing */
    uint8_t *rgb;                        /* u8 [height][width][3], sRGB as stored, alpha laid over white; owned by the caller */
    const char *format;                  /* "jpeg", "png", "gif", "bmp", "tga", "psd", "webp", "heif", "avif", "hdr"; static */
    ps__camera_notes notes;
    ps__camera_texts texts; /* none of a preview */
} ps__pixels;

/* Decodes bytes[0..size). `name` is only for messages. The format is told by content, never by name. On success *out owns rgb:
** ps__pixels_clear. After a failure *out holds nothing. options may be NULL.
**
** Of animations the first picture is read, of HEIF the primary one. JPEG and WebP are decoded at the smallest size in eighths that
** covers what is wanted (the whole of it, before a crop); the rest of the way, and all of it for other formats, is Pillow's antialiased
** filter to the bit.
** Colour profiles are not applied.
**
** PS__FORMAT: not an image, or a kind of it that is not read (12-bit and lossless JPEG, CMYK PSD, compressed BMP...). PS__CORRUPT:
** damaged, or truncated so that a part of the picture is missing: nothing is ever filled up with grey. PS__TOOBIG: above the caps;
** sizes are taken from headers before anything is decoded. PS__INVALID: absurd options. PS__NOMEM. */
int ps__pixels_decode(ps__pixels *out, const uint8_t *bytes, size_t size, const char *name, const ps__pixels_options *options,
                      ps__error *err);
void ps__pixels_clear(ps__pixels *pixels);

/* What of fit, filter and shorter is absurd, in a word or two; NULL: nothing. */
const char *ps__pixels_options_fault(const ps__pixels_options *options);

/* Name endings (".jpg") that indexing looks at when it walks folders, lower case, NULL at the end. */
extern const char *const ps__pixels_endings[];
/* 1 if the name or path ends in one of them, in whatever case. */
int ps__pixels_is_image_name(const char *name);

#endif
