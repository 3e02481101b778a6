/*
** PNG, GIF (first frame), BMP, TGA, PSD and Radiance HDR through stb_image, which is compiled into this file with these formats alone.
** structure.c has looked over the file before: sizes are within the caps and nothing is missing. stb_image's memory is counted as it
** is taken, against the cap and against what a file of these bytes and pixels can honestly need.
*/
#include "encoder/pixels/job.h"

#include <string.h>

#include "base/alloc.h"
#include "encoder/pixels/budget.h"
#include "encoder/pixels/metadata.h"
#include "encoder/pixels/structure.h"

#pragma GCC diagnostic ignored "-Wunused-function" /* for the whole file: gcc reports these at its end */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#ifdef __clang__ /* stb_image adds 0 to NULL where a PNG has an empty IDAT chunk: harmless, and defined in C2y */
#pragma clang attribute push(__attribute__((no_sanitize("pointer-overflow"))), apply_to = function)
#endif
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
#ifdef __clang__
#pragma clang attribute pop
#endif
#pragma GCC diagnostic pop

#define PALETTE_BYTES 768 /* 256 colours */

typedef struct stream { /* the file with some bytes replaced or left out, for stb_image to read through callbacks */
    struct {
        const uint8_t *bytes; /* in the file, or constant */
        size_t size;          /* in bytes */
    } pieces[5];
    int count, now; /* of pieces, and which is being read */
    size_t at;      /* bytes of that one which were read */
} stream;

static void add_piece(stream *s, const uint8_t *bytes, size_t size) {
    s->pieces[s->count].bytes = bytes;
    s->pieces[s->count++].size = size;
}

/* Takes up to `size` bytes; to NULL: only passes over them. */
static int stream_take(stream *s, char *to, int size) {
    int taken = 0;
    while (taken < size && s->now < s->count) {
        size_t n = s->pieces[s->now].size - s->at;
        if (n > (size_t)(size - taken)) n = (size_t)(size - taken);
        if (to && n) memcpy(to + taken, s->pieces[s->now].bytes + s->at, n);
        taken += (int)n;
        s->at += n;
        if (s->at < s->pieces[s->now].size) continue;
        s->now++;
        s->at = 0;
    }
    return taken;
}

static int stream_read(void *payload, char *to, int size) { return stream_take(payload, to, size); }
static void stream_skip(void *payload, int size) { stream_take(payload, NULL, size); }
static int stream_over(void *payload) { return ((stream *)payload)->now == ((stream *)payload)->count; }

/* A palette PNG in which the palette has all 256 colours, the missing ones black: stb_image would look up a pixel beyond a short
** palette in memory that it never wrote. The checksum no longer fits, but stb_image reads none. */
static void lengthen_palette(stream *s, const ps__job *job, const uint8_t *chunk) {
    static const uint8_t length[4] = {0, 0, PALETTE_BYTES >> 8, PALETTE_BYTES & 255}, black[PALETTE_BYTES];
    size_t before = (size_t)(chunk - job->bytes), had = (size_t)chunk[2] << 8 | chunk[3];
    add_piece(s, job->bytes, before);
    add_piece(s, length, sizeof length);
    add_piece(s, chunk + 4, 4 + had);
    add_piece(s, black, PALETTE_BYTES - had);
    add_piece(s, chunk + 8 + had, job->size - before - 8 - had);
}

/* A PSD without its channels beyond red, green and blue. The picture it holds for other programs is already laid over white; stb_image
** would take the white out again by the fourth channel, which may be any mask, only for us to put it back. */
static void drop_channels(stream *s, const ps__job *job, const ps__structure *structure) {
    static const uint8_t three[2] = {0, 3};
    size_t line = (size_t)structure->height * 2, rows = (size_t)structure->rows, dropped = line * (structure->channels - 3);
    add_piece(s, job->bytes, 12);
    add_piece(s, three, sizeof three);
    if (rows) add_piece(s, job->bytes + 14, rows + 3 * line - 14);
    size_t rest = rows ? rows + 3 * line + dropped : 14;
    add_piece(s, job->bytes + rest, job->size - rest);
}

/* Mirrors rows in place. */
static void mirror(uint8_t *pixels, int width, int height, int channels) {
    for (int y = 0; y < height; y++) {
        uint8_t *left = pixels + (size_t)y * (size_t)width * (size_t)channels,
                *right = left + (size_t)(width - 1) * (size_t)channels;
        for (; left < right; left += channels, right -= channels) {
            uint8_t keep[4];
            memcpy(keep, left, (size_t)channels);
            memcpy(left, right, (size_t)channels);
            memcpy(right, keep, (size_t)channels);
        }
    }
}

/* stb_image's pixels to RGB. Takes them over, whatever happens. */
static int finish(ps__raster *out, uint8_t *pixels, int width, int height, int channels, const ps__structure *structure,
                  ps__error *err) {
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

static stbi_uc *load(int size[3], const ps__structure *structure, const ps__job *job) {
    static const stbi_io_callbacks callbacks = {stream_read, stream_skip, stream_over};
    stream s = {.count = 0};
    if (structure->palette) lengthen_palette(&s, job, structure->palette);
    if (structure->channels > 3) drop_channels(&s, job, structure);
    if (!s.count) return stbi_load_from_memory(job->bytes, (int)job->size, &size[0], &size[1], &size[2], 0);
    return stbi_load_from_callbacks(&callbacks, &s, &size[0], &size[1], &size[2], 0);
}

/* A PNG may inflate a thousandfold, whatever size it declares: so the cap alone would grant a small file all of it. Four times covers
** every depth, interlacing and transparency. */
static uint64_t allowance(const ps__structure *structure, const ps__job *job) {
    uint64_t honest = 4 * structure->bytes + 4 * (uint64_t)job->size + (1 << 20);
    return honest < job->max_bytes ? honest : job->max_bytes;
}

static int decode(ps__raster *out, const ps__structure *structure, const ps__job *job, ps__error *err) {
    int size[3] = {0, 0, 0}; /* width, height, channels */
    const uint64_t most = allowance(structure, job);
    ps__budget_begin(most);
    uint8_t *pixels = load(size, structure, job);
    int status = ps__budget_end(pixels);
    if (pixels &&
        (size[2] < 1 || size[2] > 4 || (uint64_t)size[0] != structure->width || (uint64_t)size[1] != structure->height)) {
        ps__budget_free(pixels);
        return ps__fail(err, PS__CORRUPT, "%s: was decoded to another size than it declared", job->name);
    }
    if (pixels) return finish(out, pixels, size[0], size[1], size[2], structure, err);
    if (status == PS__NOMEM) return ps__fail_nomem(err);
    if (status == PS__TOOBIG)
        return ps__fail(err, status, "%s: needed more than %llu bytes of memory to decode", job->name, (unsigned long long)most);
    const char *reason = stbi_failure_reason();
    return ps__fail(err, PS__CORRUPT, "%s: could not be decoded: %s", job->name, reason ? reason : "unknown reason");
}

static int read_notes(ps__camera_notes *notes, ps__camera_texts *texts, const ps__structure *structure, const char *format,
                      const ps__job *job, ps__error *err) {
    ps__metadata found = {0};
    if (!strcmp(format, "png")) ps__metadata_of_png(&found, job->bytes, job->size);
    if (structure->resources_size)
        ps__metadata_of_resources(&found, job->bytes + structure->resources, (size_t)structure->resources_size);
    return ps__metadata_read(notes, texts, &found, err);
}

int ps__stb_decode(ps__raster *out, ps__camera_notes *notes, ps__camera_texts *texts, const ps__job *job, ps__error *err) {
    ps__structure structure;
    if (job->size > INT_MAX - PALETTE_BYTES) return ps__fail(err, PS__TOOBIG, "%s: was larger than 2 GiB", job->name);
    const char *format = ps__sniff(job->bytes, job->size);
    int status = ps__structure_check(&structure, format, job, err);
    if (!status) status = read_notes(notes, texts, &structure, format, job, err);
    return status ? status : decode(out, &structure, job, err);
}
