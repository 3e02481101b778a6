/*
** WebP through libwebp: lossy, lossless, with alpha, and the first frame of animations. libwebp shrinks while it decodes, so that the
** full picture is never held for lossy files; the sizes asked for are the same eighths as for JPEG.
*/
#include "encoder/pixels/job.h"

#include <string.h>

#include <webp/decode.h>

#include "base/alloc.h"
#include "encoder/pixels/metadata.h"
#include "encoder/pixels/orient.h"

typedef struct contents {   /* what the RIFF container holds */
    const uint8_t *picture; /* for WebPDecode: the whole file, or the inner chunks of the first animation frame */
    size_t picture_size;    /* in bytes */
    ps__metadata found;
    int canvas_width, canvas_height; /* of the VP8X chunk; 0: none */
} contents;

static uint32_t le24(const uint8_t *p) { return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16; }

static uint32_t le32(const uint8_t *p) { return le24(p) | (uint32_t)p[3] << 24; }

/* Walks the chunks (RFC 9649, section 2.3) and checks that all of them are there. */
static int read_container(contents *c, const ps__job *job, ps__error *err) {
    const uint64_t total = (uint64_t)8 + le32(job->bytes + 4);
    memset(c, 0, sizeof *c);
    c->picture = job->bytes;
    c->picture_size = job->size;
    if (total > job->size) return ps__fail_truncated(job, total, err);
    int animated = 0;
    for (uint64_t at = 12; at + 8 <= total;) {
        const uint8_t *chunk = job->bytes + at;
        uint64_t length = le32(chunk + 4), next = at + 8 + length + (length & 1);
        if (at + 8 + length > total) return ps__fail_truncated(job, at + 8 + length, err);
        if (!memcmp(chunk, "VP8X", 4) && length >= 10) {
            c->canvas_width = (int)le24(chunk + 12) + 1;
            c->canvas_height = (int)le24(chunk + 15) + 1;
        } else if (!memcmp(chunk, "ANMF", 4) && length > 16 && !animated) {
            animated = 1;
            c->picture = chunk + 8 + 16;
            c->picture_size = (size_t)length - 16;
        } else if (!memcmp(chunk, "EXIF", 4) && !c->found.exif.bytes) {
            c->found.exif = (ps__block){chunk + 8, (size_t)length};
        } else if (!memcmp(chunk, "XMP ", 4) && !c->found.xmp.bytes) {
            c->found.xmp = (ps__block){chunk + 8, (size_t)length};
        }
        at = next;
    }
    return PS__OK;
}

static int fail_status(VP8StatusCode code, const ps__job *job, ps__error *err) {
    switch (code) {
    case VP8_STATUS_OUT_OF_MEMORY: return ps__fail_nomem(err);
    case VP8_STATUS_NOT_ENOUGH_DATA:
    case VP8_STATUS_SUSPENDED: return ps__fail_truncated(job, 0, err);
    case VP8_STATUS_UNSUPPORTED_FEATURE:
        return ps__fail(err, PS__FORMAT, "%s: used a feature of WebP that is not read", job->name);
    default: return ps__fail(err, PS__CORRUPT, "%s: held damaged WebP data", job->name);
    }
}

static int decode(ps__raster *out, WebPDecoderConfig *config, const contents *c, const ps__camera_notes *notes,
                  const ps__job *job, ps__error *err) {
    const int width = config->input.width, height = config->input.height, alpha = config->input.has_alpha;
    const uint64_t pixels = (uint64_t)width * (uint64_t)height;
    int eighths = ps__job_eighths(job, width, height, ps__orientation_turns(notes->orientation));
    int w = (width * eighths + 7) / 8, h = (height * eighths + 7) / 8, channels = alpha ? 4 : 3;
    uint64_t bytes =
        (uint64_t)w * (uint64_t)h * (uint64_t)channels + (config->input.format == 1 ? pixels * (alpha != 0) : pixels * 4);
    int status = ps__job_check(job, (uint64_t)width, (uint64_t)height, bytes, err);
    if (status) return status;
    size_t stride = (size_t)w * (size_t)channels, size = stride * (size_t)h;
    uint8_t *pixel_bytes = ps__malloc(size);
    if (!pixel_bytes) return ps__fail_nomem(err);
    config->options.use_scaling = eighths < 8;
    config->options.scaled_width = w;
    config->options.scaled_height = h;
    config->output.colorspace = alpha ? MODE_RGBA : MODE_RGB;
    config->output.is_external_memory = 1;
    config->output.u.RGBA.rgba = pixel_bytes;
    config->output.u.RGBA.stride = (int)stride;
    config->output.u.RGBA.size = size;
    VP8StatusCode code = WebPDecode(c->picture, c->picture_size, config);
    WebPFreeDecBuffer(&config->output);
    if (code != VP8_STATUS_OK) {
        ps__free(pixel_bytes);
        return fail_status(code, job, err);
    }
    ps__over_white(pixel_bytes, pixel_bytes, (size_t)w * (size_t)h, channels);
    ps__raster_own(out, pixel_bytes, w, h);
    out->stored_width = width;
    out->stored_height = height;
    return PS__OK;
}

int ps__webp_decode(ps__raster *out, ps__camera_notes *notes, ps__camera_texts *texts, const ps__job *job, ps__error *err) {
    contents c;
    WebPDecoderConfig config;
    int status = read_container(&c, job, err);
    if (!status && c.canvas_width) status = ps__job_check(job, (uint64_t)c.canvas_width, (uint64_t)c.canvas_height, 0, err);
    if (!status) status = ps__metadata_read(notes, texts, &c.found, err);
    if (status) return status;
    if (!WebPInitDecoderConfig(&config)) return ps__fail(err, PS__ERROR, "libwebp is not the version this was built for");
    VP8StatusCode code = WebPGetFeatures(c.picture, c.picture_size, &config.input);
    if (code != VP8_STATUS_OK) return fail_status(code, job, err);
    return decode(out, &config, &c, notes, job, err);
}
