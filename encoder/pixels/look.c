/*
** The 63 lowest waves of a cosine transform of the grey picture at 32 x 32, each a bit: above the median of them or not. Fine
** detail, which compression and scaling change, lies in higher waves; brightness lies in the constant one, which is left out.
*/
#include "encoder/pixels/look.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 32 /* of the small grey picture */, WAVES = 8 /* in each direction */, BITS = WAVES * WAVES - 1 };

#define PLAIN 0.25 /* grey levels of 0..255: in a plain picture no wave is as high */

typedef struct
    span {       /* walks over the cells of a line: pixel i of n covers [i * SIDE, (i + 1) * SIDE), cell c [c * n, (c + 1) * n) */
    uint64_t at; /* where the next part begins, of SIDE * n */
    int cell;
} span;

/* The next part of the pixel that ends at `end`, which lies in cell s->cell before the call. Returns its length. */
static uint64_t step(span *s, uint64_t end, int n) {
    uint64_t border = ((uint64_t)s->cell + 1) * (uint64_t)n, to = end < border ? end : border, length = to - s->at;
    s->at = to;
    if (to == border) s->cell++;
    return length;
}

/* One row of pixels as the sums of SIDE cells, each of `width` parts of a luma of 0..255,000. */
static void sum_row(uint64_t cells[SIDE], const uint8_t *row, int width) {
    span s = {0, 0};
    memset(cells, 0, SIDE * sizeof *cells);
    for (int x = 0; x < width; x++, row += 3) {
        uint64_t grey = 299u * row[0] + 587u * row[1] + 114u * row[2], end = ((uint64_t)x + 1) * SIDE;
        while (s.at < end) {
            int cell = s.cell;
            cells[cell] += grey * step(&s, end, width);
        }
    }
}

/* The mean of each cell, 0..255. Whole numbers until the last step, so that the order of adding is of no matter. */
static void shrink(double grey[SIDE][SIDE], const uint8_t *rgb, int width, int height) {
    uint64_t sums[SIDE][SIDE] = {{0}}, row[SIDE];
    span s = {0, 0};
    for (int y = 0; y < height; y++) {
        uint64_t end = ((uint64_t)y + 1) * SIDE;
        sum_row(row, rgb + (size_t)y * (size_t)width * 3, width);
        while (s.at < end) {
            int cell = s.cell;
            uint64_t length = step(&s, end, height);
            for (int x = 0; x < SIDE; x++) sums[cell][x] += row[x] * length;
        }
    }
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) grey[y][x] = (double)sums[y][x] / (1000.0 * width * height);
}

/* The lowest waves of the two-dimensional DCT-II, row by row and without the constant one, in grey levels. */
static void transform(double waves[BITS], double grey[SIDE][SIDE]) {
    double basis[WAVES][SIDE], across[SIDE][WAVES];
    const double pi = 3.14159265358979323846;
    for (int u = 0; u < WAVES; u++)
        for (int x = 0; x < SIDE; x++) basis[u][x] = cos(pi * (2 * x + 1) * u / (2.0 * SIDE)) / SIDE;
    for (int y = 0; y < SIDE; y++)
        for (int u = 0; u < WAVES; u++) {
            across[y][u] = 0;
            for (int x = 0; x < SIDE; x++) across[y][u] += grey[y][x] * basis[u][x];
        }
    for (int i = 1; i <= BITS; i++) {
        waves[i - 1] = 0;
        for (int y = 0; y < SIDE; y++) waves[i - 1] += across[y][i % WAVES] * basis[i / WAVES][y];
    }
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

uint64_t ps__look(const uint8_t *rgb, int width, int height) {
    double grey[SIDE][SIDE], waves[BITS], sorted[BITS];
    uint64_t look = 0;
    shrink(grey, rgb, width, height);
    transform(waves, grey);
    memcpy(sorted, waves, sizeof sorted);
    qsort(sorted, BITS, sizeof *sorted, compare);
    if (sorted[0] > -PLAIN && sorted[BITS - 1] < PLAIN) return 0;
    for (int i = 0; i < BITS; i++) look = look << 1 | (waves[i] > sorted[BITS / 2]);
    return look;
}
