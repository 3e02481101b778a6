/*
** Choosing and decoding the preview of a photo; see preview.h.
**
** A preview of VGA class covers what the encoder looks at, which the thumbnail of EXIF falls a little short of, and is decoded at half
** its size. One of full HD class costs several times the time of both, and is taken only where there is nothing else.
*/
#include "encoder/pixels/preview.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "encoder/pixels/bars.h"
#include "encoder/pixels/exif.h"
#include "encoder/pixels/exif_thumbnail.h"
#include "encoder/pixels/heif_boxes.h"
#include "encoder/pixels/job.h"
#include "encoder/pixels/kinds.h"
#include "encoder/pixels/mpf.h"
#include "encoder/pixels/orient.h"
#include "encoder/pixels/segments.h"

#define MOST_PIXELS ((uint64_t)16 << 20) /* a JPEG preview that declares more would cost what the photo does */
#define MOST_NAME 4200                   /* bytes of a path and the words after it */

typedef struct jpeg_head { /* what the header of a JPEG holds for us */
    ps__segment exif;      /* the first of its kind; data is NULL: none */
    ps__segment mpf;
    ps__exif_thumbnail thumbnail;
    ps__mpf pictures;
} jpeg_head;

static void read_head(jpeg_head *out, const uint8_t *head, size_t size, uint64_t file_size) {
    ps__segment segment;
    memset(out, 0, sizeof *out);
    for (size_t at = 0; ps__segment_next(&segment, head, size, &at);) {
        if (!out->exif.data && ps__segment_is_exif(&segment)) out->exif = segment;
        if (!out->mpf.data && ps__segment_is_mpf(&segment)) out->mpf = segment;
    }
    if (out->exif.data) ps__exif_thumbnail_find(&out->thumbnail, out->exif.data, out->exif.size, PS__PREVIEW_LEAST);
    if (out->mpf.data) ps__mpf_read(&out->pictures, &out->mpf, (uint64_t)(out->mpf.data - head), file_size, PS__PREVIEW_MOST);
}

/* 0: nothing. */
static int choose(ps__preview_place *out, const jpeg_head *in, const uint8_t *head) {
    ps__mpf_picture chosen = in->pictures.vga;
    if (!chosen.length && in->thumbnail.length)
        chosen = (ps__mpf_picture){(uint64_t)(in->exif.data - head) + in->thumbnail.offset, in->thumbnail.length};
    if (!chosen.length) chosen = in->pictures.full_hd;
    out->kind = PS__PREVIEW_JPEG;
    out->offset = chosen.offset;
    out->length = chosen.length;
    return chosen.length > 0;
}

/* The frame header is right about what the file holds; EXIF is asked where it lies further back. */
static void set_original_size(ps__preview_place *out, const jpeg_head *in, const uint8_t *head, size_t size) {
    int width = in->thumbnail.photo_width, height = in->thumbnail.photo_height;
    int declared_width, declared_height;
    if (ps__segments_picture_size(head, size, &declared_width, &declared_height)) {
        width = declared_width;
        height = declared_height;
    }
    int turned = ps__orientation_turns(out->notes.orientation);
    out->original_width = turned ? height : width;
    out->original_height = turned ? width : height;
}

static int find_in_jpeg(ps__preview_place *out, const uint8_t *head, size_t size, uint64_t file_size, const char *name,
                        ps__error *err) {
    jpeg_head in;
    read_head(&in, head, size, file_size);
    if (!choose(out, &in, head)) return ps__fail(err, PS__NOTFOUND, "%s: holds no preview", name);
    int status = in.exif.data ? ps__exif_read(&out->notes, NULL, in.exif.data, in.exif.size, err) : PS__OK;
    if (!status) set_original_size(out, &in, head, size);
    return status;
}

static int find_in_container(ps__preview_place *out, const uint8_t *head, size_t size, uint64_t file_size, const char *name,
                             ps__error *err) {
    if (!ps__heif_may_hold_thumbnail(head, size))
        return ps__fail(err, PS__NOTFOUND, "%s: holds no thumbnail that stands as it does", name);
    if (file_size > PS__MAX_FILE_BYTES) return ps__fail(err, PS__NOTFOUND, "%s: is too long to be read for its thumbnail", name);
    out->kind = PS__PREVIEW_WHOLE;
    out->length = file_size;
    return PS__OK;
}

/* The formats of photos that have previews; the index tells them apart. */
static const char *const formats[] = {"jpeg", "heif", "avif", NULL};

static const char *known_format(const char *name) {
    for (int i = 0; name && formats[i]; i++)
        if (!strcmp(name, formats[i])) return formats[i];
    return NULL;
}

static void nowhere(ps__preview_place *out) {
    memset(out, 0, sizeof *out);
    ps__exif_none(&out->notes);
}

int ps__preview_find(ps__preview_place *out, const uint8_t *head, size_t size, uint64_t file_size, const char *name,
                     ps__error *err) {
    nowhere(out);
    const char *format = size ? known_format(ps__sniff(head, size)) : NULL;
    if (!format) return ps__fail(err, PS__NOTFOUND, "%s: is in no format that previews are read of", name);
    strcpy(out->format, format);
    int status = !strcmp(format, "jpeg") ? find_in_jpeg(out, head, size, file_size, name, err)
                                         : find_in_container(out, head, size, file_size, name, err);
    if (status) nowhere(out);
    return status;
}

static int is_text(const char *text, size_t room) { return memchr(text, 0, room) != NULL; }

static int notes_are_sound(const ps__camera_notes *n) {
    return n->orientation >= 1 && n->orientation <= 8 && is_text(n->taken, sizeof n->taken) &&
           is_text(n->taken_offset, sizeof n->taken_offset) && is_text(n->gps_time, sizeof n->gps_time) &&
           is_text(n->make, sizeof n->make) && is_text(n->model, sizeof n->model) && is_text(n->lens, sizeof n->lens) &&
           (n->has_gps == 0 || n->has_gps == 1) && fabs(n->latitude) <= 90 && fabs(n->longitude) <= 180;
}

static int place_is_sound(const ps__preview_place *p) {
    if (!is_text(p->format, sizeof p->format) || !known_format(p->format)) return 0;
    int jpeg = !strcmp(p->format, "jpeg");
    if (p->kind != (jpeg ? PS__PREVIEW_JPEG : PS__PREVIEW_WHOLE)) return 0;
    return p->original_width >= 0 && p->original_width <= PS__MAX_SIDE && p->original_height >= 0 &&
           p->original_height <= PS__MAX_SIDE && notes_are_sound(&p->notes);
}

static int decode_jpeg(ps__raster *out, ps__camera_notes *notes, ps__job *job, ps__error *err) {
    if (job->max_pixels > MOST_PIXELS) job->max_pixels = MOST_PIXELS;
    const char *format = job->size ? ps__sniff(job->bytes, job->size) : NULL;
    if (!format || strcmp(format, "jpeg") != 0) return ps__fail(err, PS__CORRUPT, "%s: is no JPEG stream", job->name);
    int status = ps__jpeg_decode(out, notes, NULL, job, err);
    if (status || out->stored_width >= PS__PREVIEW_LEAST || out->stored_height >= PS__PREVIEW_LEAST) return status;
    return ps__fail(err, PS__NOTFOUND, "%s: has only %d x %d pixels", job->name, out->stored_width, out->stored_height);
}

/* Cuts bars off an upright preview. */
static int fit_shape(ps__raster *raster, int photo_width, int photo_height, const ps__job *job, ps__error *err) {
    if (!photo_width || !photo_height) return PS__OK;
    ps__bars_cut(raster, photo_width, photo_height);
    int across = raster->width > raster->height && photo_width < photo_height;
    int upright = raster->width < raster->height && photo_width > photo_height;
    if (!across && !upright) return PS__OK;
    return ps__fail(err, PS__NOTFOUND, "%s: lies on its side against the photo", job->name);
}

static int decode_upright(ps__pixels *out, ps__job *job, const ps__preview_place *place, ps__error *err) {
    ps__raster raster = {0};
    int width = place->original_width, height = place->original_height;
    int status = place->kind == PS__PREVIEW_JPEG
                     ? decode_jpeg(&raster, &out->notes, job, err)
                     : ps__heif_decode_thumbnail(&raster, &out->notes, &width, &height, PS__PREVIEW_LEAST, job, err);
    if (!status) status = ps__raster_turn(&raster, out->notes.orientation, job, err);
    if (!status) status = fit_shape(&raster, width, height, job, err);
    if (!status) status = ps__raster_fit(out, &raster, job, err);
    ps__raster_release(&raster);
    out->original_width = width;
    out->original_height = height;
    out->notes.kinds |= ps__kinds_of_size(&out->notes, width, height);
    return status;
}

int ps__preview_decode(ps__pixels *out, const ps__preview_place *place, const uint8_t *bytes, size_t size, const char *name,
                       const ps__pixels_options *options, ps__error *err) {
    char its[MOST_NAME];
    ps__job job;
    memset(out, 0, sizeof *out);
    ps__exif_none(&out->notes);
    snprintf(its, sizeof its, "%s: its preview", name);
    if (!place_is_sound(place)) return ps__fail(err, PS__INVALID, "%s was said to be in an impossible place", its);
    if (size > (place->kind == PS__PREVIEW_JPEG ? PS__PREVIEW_MOST : PS__MAX_FILE_BYTES))
        return ps__fail(err, PS__TOOBIG, "%s is too long", its);
    int status = ps__job_make(&job, bytes, size, its, options, err);
    if (status) return status;
    job.notes = &place->notes;
    out->format = known_format(place->format);
    status = decode_upright(out, &job, place, err);
    if (status) ps__pixels_clear(out);
    return status;
}
