/*
** Fuzzing of the image decoders with libFuzzer: any bytes must give pixels of the promised size or a clean failure.
** The first byte chooses the wanted size. Corpus to start from: tests/data/images, each file behind one byte.
*/
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "encoder/pixels/pixels.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const int sizes[][2] = {{32, 32}, {0, 0}, {224, 3}, {1, 1}};
    if (size < 1) return 0;
    const int *wanted = sizes[data[0] & 3];
    const ps__pixels_options options = {wanted[0], wanted[1], data[0] >> 2 & 1, 1 << 20, 64 << 20};
    ps__pixels pixels;
    ps__error err = {0};
    int status = ps__pixels_decode(&pixels, data + 1, size - 1, "fuzz", &options, &err);
    if (status) {
        if (err.code != status || strncmp(err.text, "fuzz: ", 6) != 0) abort();
        return 0;
    }
    uint64_t sum = 0; /* every pixel is looked at, so that one outside its memory is noticed */
    for (size_t i = 0; i < (size_t)pixels.width * (size_t)pixels.height * 3; i++) sum += pixels.rgb[i];
    if (!pixels.format || sum > UINT64_MAX / 2) abort();
    if (wanted[0] && !options.fit && (pixels.width != wanted[0] || pixels.height != wanted[1])) abort();
    ps__pixels_clear(&pixels);
    return 0;
}
