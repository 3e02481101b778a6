/*
** Looking for lines of writing; see detector.h.
**
** The picture is looked at in columns of half a block, HALF pixels wide. For each row of each the strokes are counted: how often it
** gets clearly darker and clearly lighter in turn. Two neighbours make a block, and a block's rows are searched for lines. A line is
** a piece of writing when the block next to it has one at the same height. Then the picture is halved and looked at again, which
** finds lines of twice the size. Pieces near each other make an area.
*/
#include "encoder/reading/detector.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define HALF 24         /* pixels */
#define STEP 28         /* of 255: how much darker or lighter a stroke's side is, within two pixels */
#define STROKES 4       /* sides of strokes in a row of a block that may be of a line */
#define LEAST_HEIGHT 5  /* rows of a line, of the small letters' bodies */
#define MOST_HEIGHT 26
#define SMALLEST 48     /* a picture of fewer rows or columns is not looked at */
#define LINES 64        /* that are kept of one block at most */
#define PIECES 1024     /* of one picture */
#define LEAST_PIECES 2  /* of an area that is told */
#define PAGE_PIECES 64  /* of an area that is a page when it also is a quarter of the picture */

typedef struct line { /* the rows from..to - 1 */
    int from, to;
} line;

typedef struct lines {
    line at[LINES];
    int count;
} lines;

/* ---- Strokes -------------------------------------------------------------------------------------------------------------- */

/* counts: u8 [halves][height] */
static void count_strokes(uint8_t *counts, const uint8_t *grey, int width, int height, int halves) {
    for (int y = 0; y < height; y++) {
        const uint8_t *row = grey + (size_t)y * (size_t)width;
        int last = 0;
        for (int k = 0; k < halves; k++) {
            int n = 0, end = (k + 1) * HALF < width - 2 ? (k + 1) * HALF : width - 2;
            for (int x = k * HALF; x < end; x++) {
                int step = row[x + 2] - row[x];
                int sign = step >= STEP ? 1 : step <= -STEP ? -1 : 0;
                if (sign && sign != last) n++, last = sign;
            }
            counts[(size_t)k * (size_t)height + (size_t)y] = (uint8_t)n;
        }
    }
}

/* ---- Lines ---------------------------------------------------------------------------------------------------------------- */

/* One block: the strokes of its two halves, by row. */
typedef struct block {
    const uint8_t *left, *right;
    int height;
} block;

static int strokes(const block *b, int y) { return b->left[y] + b->right[y]; }

/* The first row behind those of a line that begins at `from`: single rows with fewer strokes are of it, three are not. */
static int end_of_line(const block *b, int from) {
    int end = from + 1;
    for (int y = from + 1; y < b->height && y < end + 3; y++)
        if (strokes(b, y) >= STROKES) end = y + 1;
    return end;
}

/* 1 if within `reach` rows from y on (or back, with step -1) there are quiet ones, or the picture ends. */
static int is_quiet_from(const block *b, int y, int step, int reach, int most) {
    int quiet = 0, need = reach / 4 > 1 ? reach / 4 : 1;
    for (int i = 0; i < reach; i++, y += step) {
        if (y < 0 || y >= b->height) return 1;
        quiet = strokes(b, y) <= most ? quiet + 1 : 0;
        if (quiet >= need) return 1;
    }
    return 0;
}

static int is_line(const block *b, int from, int to) {
    int sum = 0, height = to - from;
    if (height < LEAST_HEIGHT || height > MOST_HEIGHT) return 0;
    for (int y = from; y < to; y++) sum += strokes(b, y);
    int most = sum / height / 4;
    return is_quiet_from(b, from - 1, -1, height, most) && is_quiet_from(b, to, 1, height, most);
}

static void find_lines(lines *out, const block *b) {
    out->count = 0;
    for (int y = 0; y < b->height && out->count < LINES;) {
        if (strokes(b, y) < STROKES) {
            y++;
            continue;
        }
        int end = end_of_line(b, y);
        if (is_line(b, y, end)) out->at[out->count++] = (line){y, end};
        y = end;
    }
}

/* About the same rows: a line may rise a little, and letters differ. */
static int go_on(line a, line b) {
    int low = a.from > b.from ? a.from : b.from, high = a.to < b.to ? a.to : b.to;
    int x = a.to - a.from, y = b.to - b.from, less = x < y ? x : y, more = x < y ? y : x;
    return (high - low) * 5 >= less * 3 && more * 2 <= less * 3;
}

/* Where pieces were found, with room around them; then, joined, areas. `shrink` is the sum of the sizes they were found at. */
typedef struct found {
    ps__text_area at[PIECES];
    int count;
    int width, height; /* of the whole picture */
} found;

/* A piece that begins in the half block `k` of a picture that is `size` times smaller. Beginnings and ends of words and what stands out
** above and below are beside it. */
static void note(found *f, int k, line l, int size) {
    int tall = l.to - l.from, x0 = (k * HALF - 2 * tall) * size, x1 = ((k + 4) * HALF + 2 * tall) * size;
    int y0 = (l.from - tall) * size, y1 = (l.to + tall) * size;
    if (f->count == PIECES) return;
    if (x0 < 0) x0 = 0;
    if (y0 < 0) y0 = 0;
    if (x1 > f->width) x1 = f->width;
    if (y1 > f->height) y1 = f->height;
    f->at[f->count++] = (ps__text_area){x0, y0, x1 - x0, y1 - y0, 1, size};
}

static void note_pairs(found *f, int k, const lines *left, const lines *right, int size) {
    for (int i = 0; i < left->count; i++)
        for (int j = 0; j < right->count; j++)
            if (go_on(left->at[i], right->at[j])) {
                note(f, k, left->at[i], size);
                break;
            }
}

/* All blocks of one size of the picture. */
static void find_in(found *f, uint8_t *counts, const uint8_t *grey, int width, int height, int size) {
    int halves = width / HALF;
    lines last[3]; /* of this block and the two before */
    count_strokes(counts, grey, width, height, halves);
    for (int k = 0; k + 1 < halves; k++) {
        const uint8_t *left = counts + (size_t)k * (size_t)height;
        const block b = {left, left + height, height};
        find_lines(&last[k % 3], &b);
        if (k >= 2) note_pairs(f, k - 2, &last[(k - 2) % 3], &last[k % 3], size);
    }
}

/* ---- Areas ---------------------------------------------------------------------------------------------------------------- */

static int touch(const ps__text_area *a, const ps__text_area *b) {
    return a->x < b->x + b->width && b->x < a->x + a->width && a->y < b->y + b->height && b->y < a->y + a->height;
}

static void join(ps__text_area *a, const ps__text_area *b) {
    int x1 = a->x + a->width > b->x + b->width ? a->x + a->width : b->x + b->width;
    int y1 = a->y + a->height > b->y + b->height ? a->y + a->height : b->y + b->height;
    if (b->x < a->x) a->x = b->x;
    if (b->y < a->y) a->y = b->y;
    a->width = x1 - a->x;
    a->height = y1 - a->y;
    a->pieces += b->pieces;
    a->shrink += b->shrink;
}

/* Until no two touch. What was joined may touch others that were passed by. */
static void join_all(found *f) {
    for (int i = 0; i < f->count; i++)
        for (int j = 0; j < f->count; j++) {
            if (i == j || !touch(&f->at[i], &f->at[j])) continue;
            join(&f->at[i], &f->at[j]);
            f->at[j] = f->at[--f->count];
            if (i == f->count) i = j;
            j = -1;
        }
}

static int surest_first(const void *a, const void *b) {
    const ps__text_area *x = a, *y = b;
    return x->pieces != y->pieces ? y->pieces - x->pieces : x->y != y->y ? x->y - y->y : x->x - y->x;
}

/* A page is best read with its margins, even those that are not in the area. */
static void widen_page(found *f) {
    ps__text_area *a = f->at; /* the surest */
    if (f->count == 0 || a->pieces < PAGE_PIECES) return;
    if ((int64_t)a->width * a->height * 4 < (int64_t)f->width * f->height) return;
    *a = (ps__text_area){0, 0, f->width, f->height, a->pieces, a->shrink};
    f->count = 1;
}

/* From the sum of sizes to a factor that leaves letters twice as tall as the ones that were found. */
static int shrink_of(const ps__text_area *a) {
    int shrink = 1;
    while (shrink * 4 * a->pieces <= a->shrink) shrink *= 2;
    return shrink;
}

/* ---- Sizes ---------------------------------------------------------------------------------------------------------------- */

/* Into the same or another place: u8 [height / 2][width / 2]. */
static void halve(uint8_t *out, const uint8_t *grey, int width, int height) {
    for (int y = 0; y + 1 < height; y += 2) {
        const uint8_t *a = grey + (size_t)y * (size_t)width, *b = a + width;
        for (int x = 0; x + 1 < width; x += 2) *out++ = (uint8_t)((a[x] + a[x + 1] + b[x] + b[x + 1] + 2) / 4);
    }
}

int ps__text_find(ps__text_area *areas, int *count, const uint8_t *grey, int width, int height, ps__error *err) {
    *count = 0;
    if (width < SMALLEST || height < SMALLEST) return PS__OK;
    uint8_t *counts = ps__array((size_t)(width / HALF), (size_t)height);
    uint8_t *half = ps__array((size_t)(width / 2), (size_t)(height / 2));
    found *f = ps__malloc(sizeof *f);
    if (f) f->count = 0, f->width = width, f->height = height;
    int status = counts && half && f ? PS__OK : ps__fail_nomem(err), size = 1;
    for (const uint8_t *now = grey; status == PS__OK && width >= SMALLEST && height >= SMALLEST; now = half) {
        find_in(f, counts, now, width, height, size);
        halve(half, now, width, height);
        width /= 2;
        height /= 2;
        size *= 2;
    }
    if (status == PS__OK) {
        join_all(f);
        if (f->count) qsort(f->at, (size_t)f->count, sizeof *f->at, surest_first);
        widen_page(f);
        while (*count < f->count && *count < PS__TEXT_AREAS && f->at[*count].pieces >= LEAST_PIECES) *count += 1;
        memcpy(areas, f->at, (size_t)*count * sizeof *areas);
        for (int i = 0; i < *count; i++) areas[i].shrink = shrink_of(&areas[i]);
    }
    ps__free(counts);
    ps__free(half);
    ps__free(f);
    return status;
}
