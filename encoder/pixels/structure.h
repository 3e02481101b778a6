/*
** The structure of the formats that stb_image reads, checked before it reads them. stb_image takes the end of a file for zeros, so
** that a photo cut in half comes out half black without a word, and it learns sizes only by allocating them; here every part is
** counted first. Nothing is allocated.
*/
#ifndef PS_PIXELS_STRUCTURE_H
#define PS_PIXELS_STRUCTURE_H

#include <stddef.h>
#include <stdint.h>

#include "encoder/pixels/job.h"

typedef struct ps__structure {
    uint64_t width, height; /* pixels */
    uint64_t bytes;         /* memory that the declared picture takes to decode, roughly */
    const uint8_t *palette; /* PNG: the PLTE chunk of a palette picture, from its length field; NULL: none */
    uint64_t resources;     /* PSD: where the image resources start */
    uint64_t resources_size; /* PSD: bytes of them, within the file */
    uint64_t rows;          /* PSD: where the table of row lengths starts; 0: not compressed */
    unsigned channels;      /* PSD: in the file */
    int opaque;             /* alpha is declared meaningless */
    int mirrored;           /* rows run from right to left */
} ps__structure;

/* format: "png", "gif", "bmp", "tga", "psd" or "hdr". PS__CORRUPT: truncated or damaged; PS__FORMAT: a kind that is not read;
** PS__TOOBIG. */
int ps__structure_check(ps__structure *out, const char *format, const ps__job *job, ps__error *err);

#endif
