/*
** Fuzzing of previews with libFuzzer: in any bytes a preview is found inside the file or none is, and decoding what was found gives
** pixels of the promised size or a clean failure. The last byte chooses the wanted size and fit and how much of the file the head is.
** Corpus to start from: tests/data/previews as it is.
*/
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "encoder/pixels/preview.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode(const ps__preview_place *place, const uint8_t *bytes, size_t size, const ps__pixels_options *options) {
    ps__pixels pixels;
    ps__error err = {0};
    int status = ps__preview_decode(&pixels, place, bytes, size, "fuzz", options, &err);
    if (status) {
        if (err.code != status || strncmp(err.text, "fuzz: ", 6) != 0 || pixels.rgb) abort();
        return;
    }
    uint64_t sum = 0; /* every pixel is looked at, so that one outside its memory is noticed */
    for (size_t i = 0; i < (size_t)pixels.width * (size_t)pixels.height * 3; i++) sum += pixels.rgb[i];
    if (!pixels.format || sum > UINT64_MAX / 2) abort();
    if (options->width && options->fit != PS__FIT_INSIDE && (pixels.width != options->width || pixels.height != options->height)) abort();
    ps__pixels_clear(&pixels);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const int sizes[][2] = {{32, 32}, {0, 0}, {224, 3}, {192, 192}};
    if (size < 1) return 0;
    const size_t file_size = size - 1;
    const uint8_t choice = data[file_size], *file = data;
    const int *wanted = sizes[choice & 3];
    const ps__pixels_options options = {.width = wanted[0],
                                        .height = wanted[1],
                                        .fit = choice & 32 ? PS__FIT_CROP : choice >> 2 & 1,
                                        .max_pixels = 1 << 20,
                                        .max_bytes = 64 << 20,
                                        .shorter = 200};
    const size_t head = choice & 16 ? file_size : file_size / 2;
    ps__preview_place place;
    ps__error err = {0};
    int status = ps__preview_find(&place, file, head, file_size, "fuzz", &err);
    if (status) {
        if (err.code != status || strncmp(err.text, "fuzz: ", 6) != 0 || place.kind != PS__PREVIEW_NONE) abort();
        return 0;
    }
    if (!place.length || place.offset > file_size || place.length > file_size - place.offset) abort();
    decode(&place, file + place.offset, (size_t)place.length, &options);
    return 0;
}
