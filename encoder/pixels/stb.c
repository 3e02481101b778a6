/*
** PNG, GIF (first frame), BMP, TGA, PSD and Radiance HDR through stb_image, which is compiled into this file with these formats alone.
** structure.c has looked over the file before: sizes are within the caps and nothing is missing. stb_image's memory is counted
** against the cap as it is taken.
*/
#include "encoder/pixels/job.h"

#include <string.h>

#include "base/alloc.h"
#include "encoder/pixels/budget.h"
#include "encoder/pixels/exif.h"
#include "encoder/pixels/structure.h"

#pragma GCC diagnostic ignored "-Wunused-function" /* for the whole file: gcc reports these at its end */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_PNG
#define STBI_ONLY_GIF
#define STBI_ONLY_BMP
#define STBI_ONLY_TGA
#define STBI_ONLY_PSD
#define STBI_ONLY_HDR
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_MAX_DIMENSIONS PS__MAX_SIDE
#define STBI_MALLOC(size) ps__budget_malloc(size)
#define STBI_REALLOC(p, size) ps__budget_realloc(p, size)
#define STBI_FREE(p) ps__budget_free(p)
#define STBI_ASSERT(condition) ((void)0) /* a bad file must not end the process */
#include <stb/stb_image.h>
#pragma GCC diagnostic pop

#define PALETTE_BYTES 768 /* 256 colours */

/* A copy of a palette PNG in which the palette has all 256 colours, the missing ones black: stb_image would look up a pixel beyond a
** short palette in memory that it never wrote. Checksums do not matter any more: stb_image reads none. */
static uint8_t *lengthen_palette(size_t *size, const ps__job *job, const uint8_t *chunk) {
    size_t before = (size_t)(chunk - job->bytes), had = (size_t)chunk[2] << 8 | chunk[3], after = job->size - before - 8 - had;
    uint8_t *copy = ps__malloc(job->size + PALETTE_BYTES - had);
    if (!copy) return NULL;
    memcpy(copy, job->bytes, before + 8 + had);
    copy[before + 2] = PALETTE_BYTES >> 8;
    copy[before + 3] = PALETTE_BYTES & 255;
    memset(copy + before + 8 + had, 0, PALETTE_BYTES - had);
    memcpy(copy + before + 8 + PALETTE_BYTES, chunk + 8 + had, after);
    *size = job->size + PALETTE_BYTES - had;
    return copy;
}

/* Mirrors rows in place. */
static void mirror(uint8_t *pixels, int width, int height, int channels) {
    for (int y = 0; y < height; y++) {
        uint8_t *left = pixels + (size_t)y * (size_t)width * (size_t)channels, *right = left + (size_t)(width - 1) * (size_t)channels;
        for (; left < right; left += channels, right -= channels) {
            uint8_t keep[4];
            memcpy(keep, left, (size_t)channels);
            memcpy(left, right, (size_t)channels);
            memcpy(right, keep, (size_t)channels);
        }
    }
}

/* stb_image's pixels to RGB. Takes them over, whatever happens. */
static int finish(ps__raster *out, uint8_t *pixels, int width, int height, int channels, const ps__structure *structure, ps__error *err) {
    const size_t n = (size_t)width * (size_t)height;
    if (structure->mirrored) mirror(pixels, width, height, channels);
    for (size_t i = 0; structure->opaque && channels == 4 && i < n; i++) pixels[4 * i + 3] = 255;
    if (channels >= 3) {
        ps__over_white(pixels, pixels, n, channels);
        ps__raster_own(out, pixels, width, height);
        out->release = ps__budget_free;
    } else {
        uint8_t *rgb = ps__array(n, 3);
        if (rgb) ps__over_white(rgb, pixels, n, channels);
        ps__budget_free(pixels);
        if (!rgb) return ps__fail_nomem(err);
        ps__raster_own(out, rgb, width, height);
    }
    out->stored_width = width;
    out->stored_height = height;
    return PS__OK;
}

static int decode(ps__raster *out, const uint8_t *bytes, size_t size, const ps__structure *structure, const ps__job *job, ps__error *err) {
    int width = 0, height = 0, channels = 0;
    ps__budget_begin(job->max_bytes);
    uint8_t *pixels = stbi_load_from_memory(bytes, (int)size, &width, &height, &channels, 0);
    int status = ps__budget_end(pixels);
    if (pixels && (channels < 1 || channels > 4 || (uint64_t)width != structure->width || (uint64_t)height != structure->height)) {
        ps__budget_free(pixels);
        return ps__fail(err, PS__CORRUPT, "%s: was decoded to another size than it declared", job->name);
    }
    if (pixels) return finish(out, pixels, width, height, channels, structure, err);
    if (status == PS__NOMEM) return ps__fail_nomem(err);
    if (status == PS__TOOBIG)
        return ps__fail(err, status, "%s: needed more memory to decode than the cap of %llu bytes", job->name,
                        (unsigned long long)job->max_bytes);
    const char *reason = stbi_failure_reason();
    return ps__fail(err, PS__CORRUPT, "%s: could not be decoded: %s", job->name, reason ? reason : "unknown reason");
}

int ps__stb_decode(ps__raster *out, ps__camera_notes *notes, const ps__job *job, ps__error *err) {
    ps__structure structure;
    if (job->size > INT_MAX - PALETTE_BYTES) return ps__fail(err, PS__TOOBIG, "%s: was larger than 2 GiB", job->name);
    int status = ps__structure_check(&structure, ps__sniff(job->bytes, job->size), job, err);
    if (!status && structure.exif) status = ps__exif_read(notes, structure.exif, structure.exif_size, err);
    if (status) return status;
    if (!structure.palette) return decode(out, job->bytes, job->size, &structure, job, err);
    size_t size;
    uint8_t *copy = lengthen_palette(&size, job, structure.palette);
    if (!copy) return ps__fail_nomem(err);
    status = decode(out, copy, size, &structure, job, err);
    ps__free(copy);
    return status;
}
