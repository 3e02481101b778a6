/*
** Directories of a TIFF structure (TIFF 6.0, section 2), in which EXIF and the multi-picture format keep what they say. Looks up one
** entry at a time and never follows a chain by itself, so that directories that point at each other are no danger.
*/
#ifndef PS_PIXELS_TIFF_H
#define PS_PIXELS_TIFF_H

#include <stddef.h>
#include <stdint.h>

typedef struct ps__tiff {
    const uint8_t *bytes; /* from "II" or "MM"; not owned */
    size_t size;          /* of bytes */
    int big;              /* "MM": the most significant byte first */
    uint32_t first;       /* where the first directory lies, from bytes; it may be outside */
} ps__tiff;

/* 0: no TIFF header. */
int ps__tiff_open(ps__tiff *out, const uint8_t *bytes, size_t size);

uint32_t ps__tiff_u16(const ps__tiff *tiff, const uint8_t *p);
uint32_t ps__tiff_u32(const ps__tiff *tiff, const uint8_t *p);

/* The directory after the one at `directory`. 0: none. */
uint32_t ps__tiff_next(const ps__tiff *tiff, uint32_t directory);

/* The value of an entry of bytes of any kind (TIFF type 7). NULL: there is none, or it reaches outside. */
const uint8_t *ps__tiff_bytes(const ps__tiff *tiff, uint32_t directory, unsigned tag, size_t *size);

/* The value of an entry that is one SHORT or one LONG. 0: there is none. */
int ps__tiff_number(const ps__tiff *tiff, uint32_t directory, unsigned tag, uint32_t *value);

#endif
