/*
** Checking answers; see answer.h.
*/
#include "encoder/sandbox/answer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/utf8.h"
#include "encoder/pixels/clean.h"
#include "encoder/pixels/job.h"

/* ---- Texts -------------------------------------------------------------------------------------------------------------- */

static int is_control(uint32_t code) { return code < 0x20 || (code >= 0x7F && code < 0xA0); }

/* 1 for a text that ends within `size`, of UTF-8 that may be shown. What follows its end is cleared. */
static int is_text(char *text, size_t size) {
    size_t length = strnlen(text, size);
    if (length == size || !ps__utf8_valid(text, length)) return 0;
    for (size_t i = 0; i < length;) {
        uint32_t code;
        i += ps__utf8_decode(&code, text + i, length - i);
        if (!ps__is_printable(code)) return 0;
    }
    memset(text + length, 0, size - length);
    return 1;
}

/* 1 when text is made as the pattern says: '0' stands for any digit, anything else for itself. */
static int has_form(const char *text, const char *pattern) {
    for (; *pattern; text++, pattern++)
        if (*pattern == '0' ? *text < '0' || *text > '9' : *text != *pattern) return 0;
    return *text == 0;
}

static int number(const char *two_digits) { return (two_digits[0] - '0') * 10 + two_digits[1] - '0'; }

/* "" or a second of a real day: one that timegm does not move. */
static int is_date(char text[20]) {
    if (!is_text(text, 20)) return 0;
    if (!text[0]) return 1;
    if (!has_form(text, "0000-00-00T00:00:00")) return 0;
    struct tm day = {.tm_year = number(text) * 100 + number(text + 2) - 1900,
                     .tm_mon = number(text + 5) - 1,
                     .tm_mday = number(text + 8),
                     .tm_hour = number(text + 11),
                     .tm_min = number(text + 14),
                     .tm_sec = number(text + 17)};
    struct tm moved = day;
    timegm(&moved);
    return moved.tm_year == day.tm_year && moved.tm_mon == day.tm_mon && moved.tm_mday == day.tm_mday &&
           moved.tm_hour == day.tm_hour && moved.tm_min == day.tm_min && moved.tm_sec == day.tm_sec;
}

static int is_offset(char text[7]) {
    if (!is_text(text, 7)) return 0;
    if (!text[0]) return 1;
    return (has_form(text, "+00:00") || has_form(text, "-00:00")) && number(text + 1) <= 14 && number(text + 4) <= 59;
}

static const char *format_name(const char *format, size_t size) {
    static const char *const names[] = {"jpeg", "png", "gif", "bmp", "tga", "psd", "webp", "heif", "avif", "hdr"};
    if (strnlen(format, size) == size) return NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(names[i], format)) return names[i];
    return NULL;
}

const char *ps__answer_format(const ps__decoder_answer *answer) { return format_name(answer->format, sizeof answer->format); }

/* ---- Fields ------------------------------------------------------------------------------------------------------------- */

static const char *wrong_notes(ps__camera_notes *notes) {
    if (notes->orientation < 1 || notes->orientation > 8) return "its orientation";
    if (!is_date(notes->taken)) return "its date";
    if (!is_offset(notes->taken_offset)) return "its time zone";
    if (!is_date(notes->gps_time)) return "its GPS time";
    if (notes->has_gps != 0 && notes->has_gps != 1) return "its place";
    if (!notes->has_gps) notes->latitude = notes->longitude = 0;
    if (!isfinite(notes->latitude) || !isfinite(notes->longitude) || fabs(notes->latitude) > 90 || fabs(notes->longitude) > 180)
        return "its place";
    if (!is_text(notes->make, sizeof notes->make) || !is_text(notes->model, sizeof notes->model) ||
        !is_text(notes->lens, sizeof notes->lens))
        return "its camera";
    if (notes->flash < -1 || notes->flash > 1) return "its flash";
    if (notes->rating < 0 || notes->rating > 5) return "its rating";
    if (notes->kinds & ~(PS__PICTURE_SCREENSHOT | PS__PICTURE_PANORAMA | PS__PICTURE_SELFIE)) return "its kind";
    return NULL;
}

static const char *wrong_texts(ps__camera_texts *texts) {
    if (is_text(texts->title, sizeof texts->title) && is_text(texts->caption, sizeof texts->caption) &&
        is_text(texts->keywords, sizeof texts->keywords))
        return NULL;
    return "its words";
}

/* least: 1, or 0 where a size may be unknown. */
static int is_photo_size(int width, int height, int least) {
    return width >= least && height >= least && width <= PS__MAX_SIDE && height <= PS__MAX_SIDE;
}

static const char *wrong_place(ps__preview_place *place, const ps__decoder_request *request) {
    if (place->kind != PS__PREVIEW_JPEG && place->kind != PS__PREVIEW_WHOLE) return "its kind of preview";
    if (place->offset > request->file_size || place->length > request->file_size - place->offset) return "where its preview is";
    if (place->kind == PS__PREVIEW_JPEG && place->length == 0) return "the length of its preview";
    if (!is_photo_size(place->original_width, place->original_height, 0)) return "its original size";
    if (!format_name(place->format, sizeof place->format) || !is_text(place->format, sizeof place->format)) return "its format";
    return wrong_notes(&place->notes);
}

static const char *wrong_pixels(ps__decoder_answer *answer, const ps__decoder_request *request) {
    const ps__pixels_options *wanted = &request->options;
    const uint64_t most = wanted->max_pixels ? wanted->max_pixels : PS__MAX_PIXELS;
    if (answer->width < 1 || answer->height < 1 || answer->width > wanted->width || answer->height > wanted->height)
        return "its size";
    if (wanted->fit != PS__FIT_INSIDE && (answer->width != wanted->width || answer->height != wanted->height)) return "its size";
    if ((uint64_t)answer->width * (uint64_t)answer->height * 3 > request->room) return "its size";
    if (!is_photo_size(answer->original_width, answer->original_height, request->kind == PS__DECODER_DECODE) ||
        (uint64_t)answer->original_width * (uint64_t)answer->original_height > most)
        return "its original size";
    if (!ps__answer_format(answer)) return "its format";
    const char *wrong = wrong_texts(&answer->texts);
    return wrong ? wrong : wrong_notes(&answer->notes);
}

static int is_failure(int status, uint32_t kind) {
    switch (status) {
    case PS__ERROR:
    case PS__NOMEM:
    case PS__INVALID:
    case PS__FORMAT:
    case PS__CORRUPT:
    case PS__TOOBIG: return 1;
    case PS__NOTFOUND: return kind != PS__DECODER_DECODE;
    default: return 0;
    }
}

const char *ps__answer_wrong(ps__decoder_answer *answer, const ps__decoder_request *request) {
    if (answer->number != request->number) return "its number";
    if (answer->status != PS__OK) {
        if (!is_failure(answer->status, request->kind)) return "its status";
        size_t length = strnlen(answer->text, sizeof answer->text);
        return length == 0 || length == sizeof answer->text ? "its sentence" : NULL;
    }
    return request->kind == PS__DECODER_FIND ? wrong_place(&answer->place, request) : wrong_pixels(answer, request);
}

int ps__answer_fail(const ps__decoder_answer *answer, const char *name, ps__error *err) {
    char clean[PS__ERROR_TEXT];
    size_t length = strnlen(answer->text, sizeof answer->text - 1), n = 0;
    for (size_t i = 0; i < length;) {
        uint32_t code;
        size_t used = ps__utf8_decode(&code, answer->text + i, length - i);
        if (is_control(code) || (used == 1 && code == 0xFFFD))
            clean[n++] = '?';
        else
            memcpy(clean + n, answer->text + i, used), n += used;
        i += used;
    }
    clean[n] = 0;
    if (answer->named) return ps__fail(err, answer->status, "%s: %s", name, clean);
    return ps__fail(err, answer->status, "%s", clean);
}
