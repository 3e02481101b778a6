/*
** From the bytes of an image file to upright RGB of the wanted size: sniff, decode, turn, resize; see pixels.h.
*/
#include "encoder/pixels/pixels.h"

#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "encoder/pixels/exif.h"
#include "encoder/pixels/job.h"
#include "encoder/pixels/kinds.h"
#include "encoder/pixels/orient.h"
#include "encoder/pixels/resize.h"

#define MAX_WANTED 65535 /* pixels a side that may be asked for */

const char *const ps__pixels_endings[] = {".jpg", ".jpeg", ".jpe",  ".jfif", ".png", ".gif",  ".bmp", ".dib", ".tga",
                                          ".psd", ".webp", ".heic", ".heif", ".hif", ".avif", ".hdr", NULL};

int ps__pixels_is_image_name(const char *name) {
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && ps__pixels_endings[i]; i++)
        if (strcasecmp(dot, ps__pixels_endings[i]) == 0) return 1;
    return 0;
}

static ps__decoder *decoder_for(const char *format) {
    static const struct {
        const char *format;
        ps__decoder *decode;
    } decoders[] = {{"jpeg", ps__jpeg_decode}, {"webp", ps__webp_decode}, {"heif", ps__heif_decode}, {"avif", ps__heif_decode}};
    for (size_t i = 0; i < sizeof decoders / sizeof *decoders; i++)
        if (!strcmp(decoders[i].format, format)) return decoders[i].decode;
    return ps__stb_decode;
}

const char *ps__pixels_options_fault(const ps__pixels_options *options) {
    int crop = options->fit == PS__FIT_CROP || options->fit == PS__FIT_CROP_FLOOR;
    if (!crop && options->fit != PS__FIT_SQUASH && options->fit != PS__FIT_INSIDE) return "fit";
    if (crop && options->width > 0 && (options->shorter < 1 || options->shorter > MAX_WANTED)) return "shorter side";
    if (options->filter != PS__FILTER_BICUBIC && options->filter != PS__FILTER_BILINEAR) return "filter";
    return NULL;
}

int ps__job_make(ps__job *job, const uint8_t *bytes, size_t size, const char *name, const ps__pixels_options *options,
                 ps__error *err) {
    static const ps__pixels_options defaults;
    if (!options) options = &defaults;
    int whole = options->width == 0 && options->height == 0;
    if (!whole && (options->width < 1 || options->height < 1 || options->width > MAX_WANTED || options->height > MAX_WANTED))
        return ps__fail(err, PS__INVALID, "%s: a size of %d x %d pixels was asked for", name, options->width, options->height);
    const char *unknown = ps__pixels_options_fault(options);
    if (unknown) return ps__fail(err, PS__INVALID, "%s: an unknown %s was asked for", name, unknown);
    *job = (ps__job){.bytes = bytes,
                     .size = size,
                     .name = name,
                     .width = options->width,
                     .height = options->height,
                     .fit = options->fit,
                     .filter = options->filter,
                     .shorter = options->shorter,
                     .max_pixels = options->max_pixels,
                     .max_bytes = options->max_bytes};
    if (!job->max_pixels) job->max_pixels = PS__MAX_PIXELS;
    if (!job->max_bytes) job->max_bytes = PS__MAX_DECODE_BYTES;
    return PS__OK;
}

int ps__raster_turn(ps__raster *raster, int orientation, const ps__job *job, ps__error *err) {
    if (orientation == 1) return PS__OK;
    const size_t bytes = (size_t)raster->width * (size_t)raster->height * 3;
    int status = ps__job_check(job, (uint64_t)raster->width, (uint64_t)raster->height, 2 * (uint64_t)bytes, err);
    if (status) return status;
    uint8_t *rgb = ps__malloc(bytes);
    if (!rgb) return ps__fail_nomem(err);
    ps__orient(rgb, raster->rgb, raster->width, raster->height, raster->stride, orientation);
    ps__raster upright = {0};
    int turned = ps__orientation_turns(orientation);
    ps__raster_own(&upright, rgb, turned ? raster->height : raster->width, turned ? raster->width : raster->height);
    upright.stored_width = turned ? raster->stored_height : raster->stored_width;
    upright.stored_height = turned ? raster->stored_width : raster->stored_height;
    ps__raster_release(raster);
    *raster = upright;
    return PS__OK;
}

/* 1: the raster is what is wanted, and its memory can be handed on. */
static int is_fitting(const ps__raster *raster, const ps__target *t) {
    return t->left == 0 && t->top == 0 && t->whole_width == raster->width && t->whole_height == raster->height &&
           t->width == raster->width && t->height == raster->height && raster->release == ps__free && raster->owner == raster->rgb;
}

int ps__raster_fit(ps__pixels *out, ps__raster *raster, const ps__job *job, ps__error *err) {
    ps__target t;
    ps__job_target(&t, job, raster->stored_width, raster->stored_height);
    out->original_width = raster->stored_width;
    out->original_height = raster->stored_height;
    out->width = t.width;
    out->height = t.height;
    if (is_fitting(raster, &t)) {
        out->rgb = raster->rgb;
        memset(raster, 0, sizeof *raster);
        return PS__OK;
    }
    uint64_t bytes = (uint64_t)raster->stride * (uint64_t)raster->height + (uint64_t)t.width * (uint64_t)t.height * 3;
    int status = ps__job_check(job, 1, 1, bytes, err);
    if (status) return status;
    out->rgb = ps__array((size_t)t.width * 3, (size_t)t.height);
    if (!out->rgb) return ps__fail_nomem(err);
    const ps__resizing how = {job->filter, t.whole_width, t.whole_height, t.left, t.top, t.width, t.height};
    return ps__resize_part(out->rgb, &how, raster->rgb, raster->width, raster->height, raster->stride, err);
}

int ps__pixels_decode(ps__pixels *out, const uint8_t *bytes, size_t size, const char *name, const ps__pixels_options *options,
                      ps__error *err) {
    ps__job job;
    ps__raster raster = {0};
    memset(out, 0, sizeof *out);
    ps__exif_none(&out->notes);
    int status = ps__job_make(&job, bytes, size, name, options, err);
    if (status) return status;
    if (!size) return ps__fail(err, PS__CORRUPT, "%s: is an empty file", name);
    out->format = ps__sniff(bytes, size);
    if (!out->format) return ps__fail(err, PS__FORMAT, "%s: is in no image format that is read", name);
    status = decoder_for(out->format)(&raster, &out->notes, &out->texts, &job, err);
    if (!status) status = ps__raster_turn(&raster, out->notes.orientation, &job, err);
    if (!status) status = ps__raster_fit(out, &raster, &job, err);
    ps__raster_release(&raster);
    out->notes.kinds |= ps__kinds_of_size(&out->notes, out->original_width, out->original_height);
    if (status) ps__pixels_clear(out);
    return status;
}

void ps__pixels_clear(ps__pixels *pixels) {
    ps__free(pixels->rgb);
    memset(pixels, 0, sizeof *pixels);
}
