/*
** JPEG through libjpeg-turbo: baseline, progressive, arithmetic-coded; grey, YCbCr, RGB, CMYK and YCCK. The decoder is told to
** produce the smallest size, in eighths, that still covers what is wanted: the inverse transform of a 1:8 picture takes one
** coefficient a block, and most of the pixels of a phone photo are never made.
**
** What is refused, beyond what libjpeg refuses:
** - pixel data that end early, by the end of the file or a marker that is no restart marker: a picture that is half grey would be found
**   for the wrong words. A photo of 50 rows of blocks or more that breaks off within the last one is kept: nothing is lost to see.
**   A missing end marker alone is no fault. Arithmetic-coded data may end early by design (ITU-T T.81, D.1.8), so there only the end
**   of the file counts.
** - more scans than a progressive photo ever has, as each scan of a few bytes walks over the whole picture (a "scan bomb").
** Other damage is decoded as every viewer does, since the photo can still be recognised.
*/
#include "encoder/pixels/job.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

#include "base/alloc.h"
#include "encoder/pixels/metadata.h"
#include "encoder/pixels/orient.h"

#define MAX_SCANS 100                   /* real files have about 10 */
#define FREE_SCANS 16                   /* this many are fine at any size... */
#define MAX_SCANNED ((uint64_t)4 << 30) /* ...beyond, scans x pixels is limited: seconds of work */
#define MANY_ROWS 50                    /* rows of blocks from which losing a part of the last is overlooked */

typedef struct decoder {
    struct jpeg_decompress_struct info;
    struct jpeg_error_mgr errors;
    struct jpeg_source_mgr source;
    struct jpeg_progress_mgr progress;
    jmp_buf escape; /* where fatal errors go */
    const ps__job *job;
    ps__raster *out;
    ps__camera_notes *notes;
    ps__camera_texts *texts;
    ps__error *err;
    uint8_t *rgb;  /* owned until it is handed to out */
    uint8_t *line; /* owned: one row of CMYK; NULL for other colours */
    int status;    /* what to return after an escape */
    int ended;     /* the decoder asked for bytes behind the end of the file */
} decoder;

static decoder *decoder_of(j_common_ptr info) { return (decoder *)info->client_data; }

_Noreturn static void escape(decoder *d, int status) {
    d->status = status;
    longjmp(d->escape, 1);
}

static int status_of_error(int code) {
    switch (code) {
    case JERR_OUT_OF_MEMORY: return PS__NOMEM;
    case JERR_NO_BACKING_STORE:
    case JERR_IMAGE_TOO_BIG:
    case JERR_WIDTH_OVERFLOW: return PS__TOOBIG;
    case JERR_SOF_UNSUPPORTED:
    case JERR_BAD_PRECISION:
    case JERR_ARITH_NOTIMPL:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_NOTIMPL:
    case JERR_COMPONENT_COUNT:
    case JERR_CCIR601_NOTIMPL:
    case JERR_FRACT_SAMPLE_NOTIMPL:
    case JERR_NOT_COMPILED: return PS__FORMAT;
    default: return PS__CORRUPT;
    }
}

_Noreturn static void on_error(j_common_ptr info) {
    decoder *d = decoder_of(info);
    int status = status_of_error(info->err->msg_code);
    char text[JMSG_LENGTH_MAX];
    if (status == PS__CORRUPT && d->ended) escape(d, ps__fail_truncated(d->job, 0, d->err));
    if (status == PS__NOMEM) escape(d, ps__fail_nomem(d->err));
    info->err->format_message(info, text);
    escape(d, ps__fail(d->err, status, "%s: could not be decoded: %s", d->job->name, text));
}

/* Warnings: only data that end early matter here. */
static void on_message(j_common_ptr info, int level) {
    decoder *d = decoder_of(info);
    if (level >= 0 || info->err->msg_code != JWRN_HIT_MARKER) return;
    if (d->info.unread_marker >= JPEG_RST0 && d->info.unread_marker <= JPEG_RST0 + 7) return;
    if (!jpeg_has_multiple_scans(&d->info) && d->info.total_iMCU_rows >= MANY_ROWS &&
        d->info.input_iMCU_row + 1 >= d->info.total_iMCU_rows)
        return;
    if (d->ended) escape(d, ps__fail_truncated(d->job, 0, d->err));
    escape(d, ps__fail(d->err, PS__CORRUPT, "%s: its pixel data ended too early", d->job->name));
}

static void on_output(j_common_ptr info) { (void)info; }

static void on_progress(j_common_ptr info) {
    decoder *d = decoder_of(info);
    uint64_t scans = d->info.input_scan_number > 0 ? (uint64_t)d->info.input_scan_number : 0;
    uint64_t scanned = scans * d->info.image_width * d->info.image_height;
    if (scans <= FREE_SCANS || (scans <= MAX_SCANS && scanned <= MAX_SCANNED)) return;
    escape(d, ps__fail(d->err, PS__TOOBIG, "%s: asked for more than %d scans over the picture", d->job->name, (int)scans - 1));
}

static void source_nothing(j_decompress_ptr info) { (void)info; }

/* The file is over: an end marker is made up, and the entropy decoder warns when it needed more than that. */
static boolean source_fill(j_decompress_ptr info) {
    static const JOCTET end[2] = {0xFF, JPEG_EOI};
    decoder_of((j_common_ptr)info)->ended = 1;
    info->src->next_input_byte = end;
    info->src->bytes_in_buffer = 2;
    return TRUE;
}

static void source_skip(j_decompress_ptr info, long count) {
    if (count <= 0) return;
    if ((size_t)count > info->src->bytes_in_buffer) {
        source_fill(info);
        return;
    }
    info->src->next_input_byte += count;
    info->src->bytes_in_buffer -= (size_t)count;
}

/* The blocks are found by hand, as libjpeg would keep a copy of every segment there is. */
static int read_notes(decoder *d) {
    ps__metadata found = {0};
    if (d->job->notes) {
        *d->notes = *d->job->notes;
        return PS__OK;
    }
    ps__metadata_of_jpeg(&found, d->job->bytes, d->job->size);
    return ps__metadata_read(d->notes, d->texts, &found, d->err);
}

/* Bytes that decoding takes: the output, and for photos of several scans all coefficients. */
static uint64_t memory_needed(decoder *d) {
    struct jpeg_decompress_struct *info = &d->info;
    uint64_t bytes = (uint64_t)info->output_width * info->output_height * 3;
    bytes += (uint64_t)info->image_width * (uint64_t)info->num_components * 64; /* a few rows of blocks */
    if (!jpeg_has_multiple_scans(info)) return bytes;
    for (int i = 0; i < info->num_components; i++)
        bytes += (uint64_t)info->comp_info[i].width_in_blocks * info->comp_info[i].height_in_blocks * sizeof(JBLOCK);
    return bytes;
}

static void start(decoder *d) {
    struct jpeg_decompress_struct *info = &d->info;
    int width = (int)info->image_width, height = (int)info->image_height;
    int status = ps__job_check(d->job, info->image_width, info->image_height, 0, d->err);
    if (status) escape(d, status);
    info->scale_num = (unsigned)ps__job_eighths(d->job, width, height, ps__orientation_turns(d->notes->orientation));
    info->scale_denom = 8;
    int inks = info->jpeg_color_space == JCS_CMYK || info->jpeg_color_space == JCS_YCCK;
    if (info->jpeg_color_space == JCS_UNKNOWN)
        escape(d, ps__fail(d->err, PS__FORMAT, "%s: has %d colour components, which is no known kind of JPEG", d->job->name,
                           info->num_components));
    info->out_color_space = inks ? JCS_CMYK : JCS_RGB;
    jpeg_calc_output_dimensions(info);
    uint64_t bytes = memory_needed(d);
    status = ps__job_check(d->job, info->image_width, info->image_height, bytes, d->err);
    if (status) escape(d, status);
    info->mem->max_memory_to_use = (long)(d->job->max_bytes > INT64_MAX ? INT64_MAX : d->job->max_bytes);
    d->rgb = ps__array((size_t)info->output_width * 3, info->output_height);
    if (inks) d->line = ps__array(info->output_width, 4);
    if (!d->rgb || (inks && !d->line)) escape(d, ps__fail_nomem(d->err));
}

/* After all scans have been read: a file that stopped between two of them lacks a component or the fine detail. */
static void check_scans(decoder *d) {
    struct jpeg_decompress_struct *info = &d->info;
    if (!jpeg_has_multiple_scans(info)) return;
    for (int i = 0; i < info->num_components; i++) {
        int whole = info->comp_info[i].quant_table != NULL;
        for (int k = 0; whole && d->ended && info->progressive_mode && info->coef_bits && k < DCTSIZE2; k++)
            whole = info->coef_bits[i][k] == 0;
        if (whole) continue;
        if (d->ended) escape(d, ps__fail_truncated(d->job, 0, d->err));
        escape(d, ps__fail(d->err, PS__CORRUPT, "%s: lacks the scan of a colour component", d->job->name));
    }
}

/* Inks as Adobe writes them, 255 for none; so do Pillow and the browsers take every CMYK JPEG. */
static void rgb_from_inks(uint8_t *rgb, const uint8_t *cmyk, size_t width) {
    for (size_t x = 0; x < width; x++, rgb += 3, cmyk += 4)
        for (int c = 0; c < 3; c++) rgb[c] = (uint8_t)((cmyk[c] * cmyk[3] + 127) / 255);
}

static void read_rows(decoder *d) {
    struct jpeg_decompress_struct *info = &d->info;
    const size_t stride = (size_t)info->output_width * 3;
    while (info->output_scanline < info->output_height) {
        uint8_t *row = d->rgb + stride * info->output_scanline;
        JSAMPROW rows[1] = {d->line ? d->line : row};
        if (jpeg_read_scanlines(info, rows, 1) == 1 && d->line) rgb_from_inks(row, d->line, info->output_width);
    }
    if (info->arith_code && d->ended) escape(d, ps__fail_truncated(d->job, 0, d->err));
}

/* Everything that may escape. Nothing of this function's own changes after setjmp. */
static int run(decoder *d) {
    struct jpeg_decompress_struct *info = &d->info;
    if (setjmp(d->escape)) return d->status;
    jpeg_create_decompress(info);
    info->client_data = d;
    info->src = &d->source;
    d->progress.progress_monitor = on_progress;
    info->progress = &d->progress;
    jpeg_read_header(info, TRUE);
    int status = read_notes(d);
    if (status) return status;
    start(d);
    jpeg_start_decompress(info);
    check_scans(d);
    read_rows(d);
    d->out->stored_width = (int)info->image_width;
    d->out->stored_height = (int)info->image_height;
    ps__raster_own(d->out, d->rgb, (int)info->output_width, (int)info->output_height);
    d->rgb = NULL;
    return PS__OK;
}

int ps__jpeg_decode(ps__raster *out, ps__camera_notes *notes, ps__camera_texts *texts, const ps__job *job, ps__error *err) {
    decoder d;
    memset(&d, 0, sizeof d);
    d.job = job;
    d.out = out;
    d.notes = notes;
    d.texts = texts;
    d.err = err;
    d.info.err = jpeg_std_error(&d.errors);
    d.info.client_data = &d;
    d.errors.error_exit = on_error;
    d.errors.emit_message = on_message;
    d.errors.output_message = on_output;
    d.source.next_input_byte = job->bytes;
    d.source.bytes_in_buffer = job->size;
    d.source.init_source = source_nothing;
    d.source.fill_input_buffer = source_fill;
    d.source.skip_input_data = source_skip;
    d.source.resync_to_restart = jpeg_resync_to_restart;
    d.source.term_source = source_nothing;
    int status = run(&d);
    jpeg_destroy_decompress(&d.info);
    ps__free(d.rgb);
    ps__free(d.line);
    return status;
}
