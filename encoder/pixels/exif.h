/*
** EXIF: what the camera noted down about a photo. Damaged or absurd values are left out one by one; they never refuse the photo.
*/
#ifndef PS_PIXELS_EXIF_H
#define PS_PIXELS_EXIF_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "encoder/pixels/pixels.h"

/* No notes: orientation 1, flash unknown and all else empty. */
void ps__exif_none(ps__camera_notes *notes);

/* Reads an EXIF block: a TIFF header ("II*" or "MM*") and what follows, with or without "Exif\0\0" before it. texts (may be NULL)
** get a caption where they have none. PS__NOMEM or PS__OK. */
int ps__exif_read(ps__camera_notes *notes, ps__camera_texts *texts, const uint8_t *bytes, size_t size, ps__error *err);

#endif
