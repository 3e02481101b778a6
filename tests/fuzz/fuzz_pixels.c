/*
** Fuzzing of the image decoders: any bytes must give pixels of the promised size or a clean failure. One target a format, by the
** name the program is started with (fuzz_jpeg, fuzz_png... are links to it; fuzz_pixels takes every format).
**
** An input is an image file as it is, so that any program can show it: what is asked for (size, fit) comes from its length. After
** each mutation the format's signature is put back, and the checksums of a PNG are made right again, as otherwise nearly every input
** would end there.
*/
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "encoder/pixels/job.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t room, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *bytes, size_t size, size_t room);

static const struct signature {
    const char *format; /* as ps__sniff calls it, and the target's name */
    size_t at, length;  /* in bytes */
    const char *bytes;
} signatures[] = {{"jpeg", 0, 3, "\xFF\xD8\xFF"},
                  {"png", 0, 16, "\x89PNG\r\n\x1A\n\0\0\0\rIHDR"},
                  {"gif", 0, 6, "GIF89a"},
                  {"bmp", 0, 2, "BM"},
                  {"tga", 0, 0, ""},
                  {"psd", 0, 4, "8BPS"},
                  {"hdr", 0, 11, "#?RADIANCE\n"},
                  {"webp", 8, 4, "WEBP"},
                  {"heif", 4, 8, "ftypheic"},
                  {"avif", 4, 8, "ftypavif"}};

static const struct signature *target; /* NULL: any format */

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc;
    for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++) {
        const char *end = strstr((*argv)[0], "fuzz_");
        for (const char *next; end && (next = strstr(end + 1, "fuzz_")) != NULL;) end = next;
        if (end && !strcmp(end + 5, signatures[i].format)) target = &signatures[i];
    }
    return 0;
}

/* ---- Mutation ---- */

static void put32(uint8_t *p, uint32_t value) {
    for (int i = 0; i < 4; i++) p[i] = (uint8_t)(value >> (24 - 8 * i));
}

static uint32_t get32(const uint8_t *p) { return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]; }

/* A chunk that runs beyond the file keeps its checksum: the walk ends there. */
static void mend_png(uint8_t *bytes, size_t size) {
    for (size_t at = 8; size - at >= 12;) {
        size_t length = get32(bytes + at);
        if (length > size - at - 12) break;
        uint32_t crc = 0xFFFFFFFF;
        for (const uint8_t *p = bytes + at + 4; p < bytes + at + 8 + length; p++) {
            crc ^= *p;
            for (int k = 0; k < 8; k++) crc = crc & 1 ? 0xEDB88320 ^ crc >> 1 : crc >> 1;
        }
        put32(bytes + at + 8 + length, ~crc);
        at += 12 + length;
    }
}

/* The length in a WebP's container must not go beyond the file. */
static void mend_webp(uint8_t *bytes, size_t size) {
    memcpy(bytes, "RIFF", 4);
    for (int i = 0; i < 4; i++) bytes[4 + i] = (uint8_t)((size - 8) >> 8 * i);
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t room, unsigned seed) {
    size = LLVMFuzzerMutate(bytes, size, room);
    if (!target || seed % 32 == 0 || size < target->at + target->length) return size;
    memcpy(bytes + target->at, target->bytes, target->length);
    if (!strcmp(target->format, "png")) mend_png(bytes, size);
    if (!strcmp(target->format, "webp") && seed % 4) mend_webp(bytes, size);
    return size;
}

/* ---- The target ---- */

static void check_text(const char *text, size_t room) {
    size_t length = strnlen(text, room);
    if (length == room || !ps__utf8_valid(text, length)) abort();
}

static void check_pixels(const ps__pixels *pixels, const ps__pixels_options *options) {
    const ps__camera_notes *notes = &pixels->notes;
    uint64_t sum = 0; /* every pixel is looked at, so that one outside its memory is noticed */
    for (size_t i = 0; i < (size_t)pixels->width * (size_t)pixels->height * 3; i++) sum += pixels->rgb[i];
    if (!pixels->format || sum > UINT64_MAX / 2) abort();
    const int exact = options->fit != PS__FIT_INSIDE;
    if (options->width && exact && (pixels->width != options->width || pixels->height != options->height)) abort();
    if (options->width && (pixels->width > options->width || pixels->height > options->height)) abort();
    if ((uint64_t)pixels->original_width * (uint64_t)pixels->original_height > options->max_pixels) abort();
    if (notes->orientation < 1 || notes->orientation > 8) abort();
    check_text(notes->make, sizeof notes->make);
    check_text(notes->model, sizeof notes->model);
    check_text(notes->lens, sizeof notes->lens);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static const int sizes[][3] = {{32, 32, PS__FIT_SQUASH}, {0, 0, PS__FIT_SQUASH},   {16, 16, PS__FIT_SQUASH},
                                   {224, 3, PS__FIT_SQUASH}, {9, 17, PS__FIT_INSIDE}, {1, 1, PS__FIT_SQUASH},
                                   {20, 17, PS__FIT_CROP},   {17, 20, PS__FIT_CROP_FLOOR}};
    const int *wanted = sizes[size % (sizeof sizes / sizeof *sizes)];
    const ps__pixels_options options = {.width = wanted[0],
                                        .height = wanted[1],
                                        .fit = wanted[2],
                                        .max_pixels = 1 << 16,
                                        .max_bytes = 16 << 20,
                                        .filter = size % 3 == 0 ? PS__FILTER_BILINEAR : PS__FILTER_BICUBIC,
                                        .shorter = size % 5 ? 18 : 200};
    ps__pixels pixels;
    ps__error err = {0};
    const char *format = ps__sniff(bytes, size);
    if (target && format && strcmp(format, target->format)) return 0; /* another target's */
    int status = ps__pixels_decode(&pixels, bytes, size, "fuzz", &options, &err);
    if (status) {
        if (err.code != status || strncmp(err.text, "fuzz: ", 6) != 0 || pixels.rgb) abort();
        return 0;
    }
    check_pixels(&pixels, &options);
    ps__pixels_clear(&pixels);
    return 0;
}
