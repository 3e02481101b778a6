/*
** HEIC, HEIF and AVIF through libheif: the primary picture at full size, or its thumbnail alone, which is for previews. libheif applies the
** container's own rotation, mirroring and cropping (irot, imir, clap); an EXIF orientation only repeats those, so it is not applied
** again and reads as 1 in the notes.
*/
#include "encoder/pixels/job.h"

#include <limits.h>
#include <pthread.h>
#include <string.h>

#include <libheif/heif.h>

#include "base/alloc.h"
#include "encoder/pixels/heif_boxes.h"
#include "encoder/pixels/heif_check.h"
#include "encoder/pixels/metadata.h"

#define MAX_METADATA (1u << 20) /* longer blocks are ignored */
#define MAX_MIME 16             /* items that are looked at for XMP */
#define MAX_THUMBNAILS 8        /* that are looked at; files have one, at most two */

/* Plug-ins are registered once, and stay for the life of the process. */
static void load_plugins(void) { heif_init(NULL); }

static int fail_heif(struct heif_error error, const ps__job *job, ps__error *err) {
    switch (error.code) {
    case heif_error_Memory_allocation_error:
        if (error.subcode == heif_suberror_Security_limit_exceeded)
            return ps__fail(err, PS__TOOBIG, "%s: was above a limit of libheif: %s", job->name, error.message);
        return ps__fail_nomem(err);
    case heif_error_Unsupported_filetype:
    case heif_error_Unsupported_feature: return ps__fail(err, PS__FORMAT, "%s: could not be read: %s", job->name, error.message);
    default:
        if (error.subcode == heif_suberror_End_of_data) return ps__fail_truncated(job, 0, err);
        return ps__fail(err, PS__CORRUPT, "%s: could not be decoded: %s", job->name, error.message);
    }
}

/* *bytes is freed by the caller; NULL where the block cannot be had. */
static int copy_block(uint8_t **bytes, size_t *size, const struct heif_image_handle *handle, heif_item_id id, ps__error *err) {
    *bytes = NULL;
    *size = heif_image_handle_get_metadata_size(handle, id);
    if (*size < 1 || *size > MAX_METADATA) return PS__OK;
    *bytes = ps__malloc(*size);
    if (!*bytes) return ps__fail_nomem(err);
    if (!heif_image_handle_get_metadata(handle, id, *bytes).code) return PS__OK;
    ps__free(*bytes);
    *bytes = NULL;
    return PS__OK;
}

/* The Exif item: four bytes that say where the TIFF header starts, then the block (ISO/IEC 23008-12, A.2.1). */
static int find_exif(ps__block *out, uint8_t **bytes, const struct heif_image_handle *handle, ps__error *err) {
    heif_item_id id;
    size_t size;
    if (heif_image_handle_get_list_of_metadata_block_IDs(handle, "Exif", &id, 1) != 1) return PS__OK;
    int status = copy_block(bytes, &size, handle, id, err);
    const uint8_t *b = *bytes;
    if (!b || size < 4) return status;
    size_t start = (size_t)b[0] << 24 | (size_t)b[1] << 16 | (size_t)b[2] << 8 | b[3];
    if (start < size - 4) *out = (ps__block){b + 4 + start, size - 4 - start};
    return status;
}

static int find_xmp(ps__block *out, uint8_t **bytes, const struct heif_image_handle *handle, ps__error *err) {
    heif_item_id ids[MAX_MIME];
    size_t size = 0;
    int status = PS__OK, count = heif_image_handle_get_list_of_metadata_block_IDs(handle, "mime", ids, MAX_MIME);
    for (int i = 0; i < count && !*bytes && !status; i++) {
        const char *type = heif_image_handle_get_metadata_content_type(handle, ids[i]);
        if (type && !strcmp(type, "application/rdf+xml")) status = copy_block(bytes, &size, handle, ids[i], err);
    }
    if (*bytes) *out = (ps__block){*bytes, size};
    return status;
}

static int read_notes(ps__camera_notes *notes, ps__camera_texts *texts, const struct heif_image_handle *handle, ps__error *err) {
    ps__metadata found = {0};
    uint8_t *exif = NULL, *xmp = NULL;
    int status = find_exif(&found.exif, &exif, handle, err);
    if (!status) status = find_xmp(&found.xmp, &xmp, handle, err);
    if (!status) status = ps__metadata_read(notes, texts, &found, err);
    ps__free(exif);
    ps__free(xmp);
    notes->orientation = 1;
    return status;
}

static void release(void *image) { heif_image_release(image); }

/* Alpha is laid over white in place, row by row; RGB takes less room than RGBA, so the rows only get looser. */
static void flatten(uint8_t *plane, size_t stride, int width, int height, int premultiplied) {
    for (int y = 0; y < height; y++) {
        uint8_t *row = plane + (size_t)y * stride;
        for (int x = 0; premultiplied && x < width; x++) {
            uint8_t *p = row + 4 * x;
            for (int c = 0; c < 3; c++) p[c] = (uint8_t)(p[c] + 255 - p[3] > 255 ? 255 : p[c] + 255 - p[3]);
            p[3] = 255;
        }
        ps__over_white(row, row, (size_t)width, 4);
    }
}

static int take_image(ps__raster *out, struct heif_image *image, const struct heif_image_handle *handle, int alpha,
                      const ps__job *job, ps__error *err) {
    int stride = 0, width = heif_image_get_width(image, heif_channel_interleaved);
    int height = heif_image_get_height(image, heif_channel_interleaved);
    uint8_t *plane = heif_image_get_plane(image, heif_channel_interleaved, &stride);
    if (!plane || width < 1 || height < 1 || stride / (alpha ? 4 : 3) < width) {
        heif_image_release(image);
        return ps__fail(err, PS__CORRUPT, "%s: was decoded to nothing", job->name);
    }
    int status = ps__job_check(job, (uint64_t)width, (uint64_t)height, 0, err); /* it may be another size than the one declared */
    if (status) {
        heif_image_release(image);
        return status;
    }
    if (alpha) flatten(plane, (size_t)stride, width, height, heif_image_handle_is_premultiplied_alpha(handle));
    *out = (ps__raster){width, height, width, height, (size_t)stride, plane, image, release};
    return PS__OK;
}

static int decode(ps__raster *out, const struct heif_image_handle *handle, const ps__job *job, ps__error *err) {
    struct heif_decoding_options *options = heif_decoding_options_alloc();
    struct heif_image *image = NULL;
    int alpha = heif_image_handle_has_alpha_channel(handle);
    if (!options) return ps__fail_nomem(err);
    options->convert_hdr_to_8bit = 1;
    struct heif_error error = heif_decode_image(handle, &image, heif_colorspace_RGB,
                                                alpha ? heif_chroma_interleaved_RGBA : heif_chroma_interleaved_RGB, options);
    heif_decoding_options_free(options);
    if (error.code) return fail_heif(error, job, err);
    return take_image(out, image, handle, alpha, job, err);
}

/* The caller gives back both, also after a failure. */
static int open_file(struct heif_context **context, struct heif_image_handle **primary, const ps__job *job, ps__error *err) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load_plugins);
    *primary = NULL;
    *context = NULL;
    int status = ps__heif_check(job, err);
    if (status) return status;
    *context = heif_context_alloc();
    if (!*context) return ps__fail_nomem(err);
    heif_context_set_max_decoding_threads(*context, 0); /* indexing has its own threads, one a photo */
    struct heif_error error = heif_context_read_from_memory_without_copy(*context, job->bytes, job->size, NULL);
    if (!error.code) error = heif_context_get_primary_image_handle(*context, primary);
    return error.code ? fail_heif(error, job, err) : PS__OK;
}

static void close_file(struct heif_context *context, struct heif_image_handle *primary) {
    if (primary) heif_image_handle_release(primary);
    if (context) heif_context_free(context);
}

static int check_size(const struct heif_image_handle *handle, const ps__job *job, ps__error *err) {
    int width = heif_image_handle_get_width(handle), height = heif_image_handle_get_height(handle);
    uint64_t w = width > 0 ? (uint64_t)width : 0, h = height > 0 ? (uint64_t)height : 0;
    /* planes of the codec, its reference copy, and RGB: at 8 bits 1.5 + 1.5 + 3 bytes a pixel, twice the planes at 10 bits */
    uint64_t each = heif_image_handle_get_luma_bits_per_pixel(handle) > 8 ? 10 : 6;
    if (heif_image_handle_has_alpha_channel(handle)) each += 3;
    int status = ps__job_check(job, w, h, 0, err);
    return status ? status : ps__job_check(job, w, h, w * h * each, err);
}

int ps__heif_decode(ps__raster *out, ps__camera_notes *notes, ps__camera_texts *texts, const ps__job *job, ps__error *err) {
    struct heif_context *context;
    struct heif_image_handle *primary;
    int status = open_file(&context, &primary, job, err);
    if (!status) status = check_size(primary, job, err);
    if (!status) status = read_notes(notes, texts, primary, err);
    if (!status) status = decode(out, primary, job, err);
    close_file(context, primary);
    return status;
}

/* 1 when the first thumbnail serves the job better: it covers what is wanted and is smaller, or is larger where neither covers it. */
static int serves_better(const struct heif_image_handle *a, const struct heif_image_handle *b, const ps__job *job) {
    int width[2] = {heif_image_handle_get_width(a), heif_image_handle_get_width(b)};
    int height[2] = {heif_image_handle_get_height(a), heif_image_handle_get_height(b)}, covers[2];
    int crop = job->fit == PS__FIT_CROP || job->fit == PS__FIT_CROP_FLOOR;
    int across = crop ? job->shorter : job->width, down = crop ? job->shorter : job->height;
    for (int i = 0; i < 2; i++) covers[i] = job->width && width[i] >= across && height[i] >= down;
    if (covers[0] != covers[1]) return covers[0];
    return covers[0] ? width[0] < width[1] : width[0] > width[1];
}

/* NULL: none. Released by the caller. */
static struct heif_image_handle *best_thumbnail(const struct heif_image_handle *primary, int least_side, const ps__job *job) {
    heif_item_id ids[MAX_THUMBNAILS];
    struct heif_image_handle *best = NULL;
    int count = heif_image_handle_get_list_of_thumbnail_IDs(primary, ids, MAX_THUMBNAILS);
    for (int i = 0; i < count; i++) {
        struct heif_image_handle *next = NULL;
        if (heif_image_handle_get_thumbnail(primary, ids[i], &next).code || !next) continue;
        int width = heif_image_handle_get_width(next), height = heif_image_handle_get_height(next);
        int large_enough = width >= least_side || height >= least_side;
        if (!large_enough || (best && !serves_better(next, best, job))) {
            heif_image_handle_release(next);
            continue;
        }
        if (best) heif_image_handle_release(best);
        best = next;
    }
    return best;
}

int ps__heif_decode_thumbnail(ps__raster *out, ps__camera_notes *notes, int *photo_width, int *photo_height, int least_side,
                              const ps__job *job, ps__error *err) {
    struct heif_context *context;
    struct heif_image_handle *primary, *thumbnail = NULL;
    if (!ps__heif_may_hold_thumbnail(job->bytes, job->size))
        return ps__fail(err, PS__NOTFOUND, "%s: holds no thumbnail that is turned as the photo is", job->name);
    int status = open_file(&context, &primary, job, err);
    if (!status) thumbnail = best_thumbnail(primary, least_side, job);
    if (!status && !thumbnail) status = ps__fail(err, PS__NOTFOUND, "%s: holds no thumbnail that is large enough", job->name);
    if (!status) status = check_size(thumbnail, job, err);
    if (!status) status = read_notes(notes, NULL, primary, err);
    if (!status) status = decode(out, thumbnail, job, err);
    if (!status) {
        *photo_width = heif_image_handle_get_width(primary);
        *photo_height = heif_image_handle_get_height(primary);
    }
    if (thumbnail) heif_image_handle_release(thumbnail);
    close_file(context, primary);
    return status;
}
