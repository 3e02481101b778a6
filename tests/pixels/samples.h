/*
** The pictures of tests/data/images and what the tests of pixels/ ask of them.
*/
#ifndef PS_TESTS_SAMPLES_H
#define PS_TESTS_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

#include "encoder/pixels/pixels.h"

enum { SCENE_WIDTH = 64, SCENE_HEIGHT = 48, SCENE_BYTES = SCENE_WIDTH * SCENE_HEIGHT * 3 };

/* What a sample must show: the scene of scene.rgb... */
enum {
    SHOWS_SCENE,
    SHOWS_GREY /* ...as luma */,
    SHOWS_FADED /* ...under alpha rising from left to right, over white */,
    SHOWS_GREY_FADED,
    SHOWS_BITS /* ...in black and white */,
    SHOWS_OTHER /* none of these */
};

typedef struct sample {
    const char *name;   /* in tests/data/images; NULL ends the table */
    const char *format; /* as in ps__pixels.format */
    int shows;          /* SHOWS_* */
    int tolerance;      /* mean difference allowed, in hundredths of a level */
    int orientation;    /* EXIF orientation that is applied */
} sample;

extern const sample pixel_samples[];

/* A file of tests/data/images; fails the test when it cannot be read. Freed by ps__free. */
uint8_t *sample_read(const char *name, size_t *size);

/* The upright scene as a sample shows it; u8 RGB [48][64][3]. */
void sample_scene(uint8_t rgb[SCENE_BYTES], int shows);

/* Mean absolute difference of n bytes, in hundredths of a level. */
int sample_difference(const uint8_t *a, const uint8_t *b, size_t n);

#endif
