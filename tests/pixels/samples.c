/*
** The table of sample pictures; see samples.h.
*/
#include "tests/pixels/samples.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/os.h"

const sample pixel_samples[] = {
    {"baseline.jpg", "jpeg", SHOWS_SCENE, 500, 1},
    {"progressive.jpg", "jpeg", SHOWS_SCENE, 500, 1},
    {"sampling444.jpg", "jpeg", SHOWS_SCENE, 200, 1},
    {"arithmetic.jpg", "jpeg", SHOWS_SCENE, 500, 1},
    {"arithmetic_progressive.jpg", "jpeg", SHOWS_SCENE, 500, 1},
    {"restart.jpg", "jpeg", SHOWS_SCENE, 500, 1},
    {"scans.jpg", "jpeg", SHOWS_SCENE, 500, 1},
    {"rgb.jpg", "jpeg", SHOWS_SCENE, 200, 1},
    {"cmyk.jpg", "jpeg", SHOWS_SCENE, 200, 1},
    {"ycck.jpg", "jpeg", SHOWS_SCENE, 500, 1},
    {"exif.jpg", "jpeg", SHOWS_SCENE, 500, 1},
    {"notes.jpg", "jpeg", SHOWS_SCENE, 500, 1},
    {"grey.jpg", "jpeg", SHOWS_GREY, 200, 1},
    {"rgb.png", "png", SHOWS_SCENE, 0, 6},
    {"rgba.png", "png", SHOWS_FADED, 0, 1},
    {"grey.png", "png", SHOWS_GREY, 0, 1},
    {"grey_alpha.png", "png", SHOWS_GREY_FADED, 0, 1},
    {"palette.png", "png", SHOWS_SCENE, 500, 1},
    {"short_palette.png", "png", SHOWS_OTHER, 0, 1},
    {"bits1.png", "png", SHOWS_BITS, 0, 1},
    {"rgb16.png", "png", SHOWS_SCENE, 0, 1},
    {"grey16.png", "png", SHOWS_GREY, 0, 1},
    {"interlaced.png", "png", SHOWS_SCENE, 0, 1},
    {"still.gif", "gif", SHOWS_SCENE, 400, 1},
    {"animated.gif", "gif", SHOWS_SCENE, 400, 1},
    {"rgb.bmp", "bmp", SHOWS_SCENE, 0, 1},
    {"rgba.bmp", "bmp", SHOWS_FADED, 0, 1},
    {"palette.bmp", "bmp", SHOWS_SCENE, 100, 1},
    {"bits1.bmp", "bmp", SHOWS_OTHER, 0, 1},
    {"rgb.tga", "tga", SHOWS_SCENE, 0, 1},
    {"rgba.tga", "tga", SHOWS_FADED, 0, 1},
    {"packed.tga", "tga", SHOWS_SCENE, 0, 1},
    {"palette.tga", "tga", SHOWS_SCENE, 400, 1},
    {"grey.tga", "tga", SHOWS_GREY, 0, 1},
    {"raw.psd", "psd", SHOWS_SCENE, 0, 1},
    {"packed.psd", "psd", SHOWS_SCENE, 0, 1},
    {"bits16.psd", "psd", SHOWS_SCENE, 0, 1},
    {"alpha.psd", "psd", SHOWS_FADED, 100, 1},
    {"flat.hdr", "hdr", SHOWS_SCENE, 150, 1},
    {"packed.hdr", "hdr", SHOWS_SCENE, 150, 1},
    {"lossy.webp", "webp", SHOWS_SCENE, 400, 3},
    {"lossless.webp", "webp", SHOWS_SCENE, 0, 1},
    {"alpha.webp", "webp", SHOWS_FADED, 0, 1},
    {"animated.webp", "webp", SHOWS_SCENE, 0, 1},
    {"exif.heic", "heif", SHOWS_SCENE, 500, 1},
    {"xmp.heic", "heif", SHOWS_SCENE, 500, 1},
    {"alpha.heic", "heif", SHOWS_FADED, 500, 1},
    {"turned1.avif", "avif", SHOWS_SCENE, 400, 1},
    {"turned2.avif", "avif", SHOWS_SCENE, 400, 1},
    {"turned3.avif", "avif", SHOWS_SCENE, 400, 1},
    {"turned4.avif", "avif", SHOWS_SCENE, 400, 1},
    {"turned5.avif", "avif", SHOWS_SCENE, 400, 1},
    {"turned6.avif", "avif", SHOWS_SCENE, 400, 1},
    {"turned7.avif", "avif", SHOWS_SCENE, 400, 1},
    {"turned8.avif", "avif", SHOWS_SCENE, 400, 1},
    {"alpha.avif", "avif", SHOWS_FADED, 400, 1},
    {NULL, NULL, 0, 0, 0},
};

uint8_t *sample_read(const char *name, size_t *size) {
    char path[256];
    uint8_t *bytes;
    ps__error err = {0};
    snprintf(path, sizeof path, "tests/data/images/%s", name);
    ck_assert_msg(!ps__read_file(&bytes, size, NULL, path, 1 << 20, &err), "%s", err.text);
    return bytes;
}

void sample_scene(uint8_t rgb[SCENE_BYTES], int shows) {
    size_t size;
    uint8_t *scene = sample_read("scene.rgb", &size);
    ck_assert_uint_eq(size, SCENE_BYTES);
    for (size_t i = 0; i < SCENE_BYTES; i += 3) {
        /* luma as Pillow computes it, ITU-R BT.601 in 16-bit fixed point */
        uint32_t luma = (scene[i] * 19595u + scene[i + 1] * 38470u + scene[i + 2] * 7471u + 0x8000) >> 16;
        unsigned alpha = (unsigned)(i / 3 % SCENE_WIDTH) * 255 / (SCENE_WIDTH - 1);
        for (size_t c = 0; c < 3; c++) {
            unsigned value = scene[i + c];
            if (shows == SHOWS_GREY || shows == SHOWS_GREY_FADED) value = luma;
            if (shows == SHOWS_BITS) value = luma > 128 ? 255 : 0;
            if (shows == SHOWS_FADED || shows == SHOWS_GREY_FADED) value = (value * alpha + 255 * (255 - alpha) + 127) / 255;
            rgb[i + c] = (uint8_t)value;
        }
    }
    ps__free(scene);
}

int sample_difference(const uint8_t *a, const uint8_t *b, size_t n) {
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) sum += (uint64_t)abs(a[i] - b[i]);
    return (int)(sum * 100 / n);
}
