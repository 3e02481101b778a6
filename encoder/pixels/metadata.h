/*
** Where a file keeps what is known about the photo: blocks of EXIF, XMP and IPTC, and a few words. Decoders find them, each in
** its container; here they are read, in the order of how far they can be trusted.
*/
#ifndef PS_PIXELS_METADATA_H
#define PS_PIXELS_METADATA_H

#include "encoder/pixels/pixels.h"

typedef struct ps__block { /* bytes within the file, or NULL */
    const uint8_t *bytes;
    size_t size;
} ps__block;

typedef struct ps__metadata {
    ps__block exif, xmp, iptc;
    ps__block title, caption, comment, software; /* text that the container holds itself; encoding unsaid */
} ps__metadata;

/* Fills notes and texts (NULL: not wanted). Damaged or absurd values are left out. PS__NOMEM or PS__OK. */
int ps__metadata_read(ps__camera_notes *notes, ps__camera_texts *texts, const ps__metadata *found, ps__error *err);

/* The blocks of a JPEG, by its header's segments; of a PNG, by its chunks; of the image resources of a PSD. The first of each
** kind counts. *found is added to. */
void ps__metadata_of_jpeg(ps__metadata *found, const uint8_t *bytes, size_t size);
void ps__metadata_of_png(ps__metadata *found, const uint8_t *bytes, size_t size);
void ps__metadata_of_resources(ps__metadata *found, const uint8_t *resources, size_t size);

#endif
