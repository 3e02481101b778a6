/*
** Caps, target sizes and the small steps that several decoders need; see job.h.
*/
#include "encoder/pixels/job.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

#define GROUPED 28 /* bytes of the longest grouped number, 18,446,744,073,709,551,615, and its 0 */

/* 12288 as "12,288". */
static const char *grouped(char text[GROUPED], uint64_t number) {
    char digits[21];
    int count = snprintf(digits, sizeof digits, "%llu", (unsigned long long)number);
    char *to = text;
    for (int i = 0; i < count; i++) {
        if (i && (count - i) % 3 == 0) *to++ = ',';
        *to++ = digits[i];
    }
    *to = 0;
    return text;
}

void ps__raster_release(ps__raster *raster) {
    if (raster->owner) raster->release(raster->owner);
    memset(raster, 0, sizeof *raster);
}

void ps__raster_own(ps__raster *raster, uint8_t *rgb, int width, int height) {
    raster->width = width;
    raster->height = height;
    raster->stride = (size_t)width * 3;
    raster->rgb = rgb;
    raster->owner = rgb;
    raster->release = ps__free;
}

int ps__job_check(const ps__job *job, uint64_t width, uint64_t height, uint64_t bytes, ps__error *err) {
    char a[GROUPED], b[GROUPED], c[GROUPED];
    if (!width || !height) return ps__fail(err, PS__CORRUPT, "%s: declared an empty picture", job->name);
    if (width > job->max_pixels / height || width > PS__MAX_SIDE || height > PS__MAX_SIDE)
        return ps__fail(err, PS__TOOBIG, "%s: declared %s x %s pixels, more than the cap of %s (%d a side)", job->name,
                        grouped(a, width), grouped(b, height), grouped(c, job->max_pixels), PS__MAX_SIDE);
    if (bytes > job->max_bytes)
        return ps__fail(err, PS__TOOBIG, "%s: needed %s bytes of memory to decode, more than the cap of %s", job->name,
                        grouped(a, bytes), grouped(b, job->max_bytes));
    return PS__OK;
}

/* Where the middle `part` of `whole` pixels begins. */
static int64_t middle(int64_t whole, int64_t part, int fit) {
    int64_t twice = whole - part, half = twice / 2;
    if (twice % 2 == 0) return half;
    if (twice < 0) return half; /* what is missing is split as (missing / 2) before, and the rest behind, by all */
    return fit == PS__FIT_CROP ? half + half % 2 : half;
}

static void crop_target(ps__target *t, const ps__job *job, int width, int height) {
    int64_t shorter = job->shorter;
    t->whole_width = width <= height ? shorter : shorter * width / height;
    t->whole_height = width <= height ? shorter * height / width : shorter;
    t->left = middle(t->whole_width, job->width, job->fit);
    t->top = middle(t->whole_height, job->height, job->fit);
    t->width = job->width;
    t->height = job->height;
}

static void inside_target(ps__target *t, const ps__job *job, int width, int height) {
    double across = (double)job->width / width, down = (double)job->height / height;
    double scale = across < down ? across : down;
    if (scale >= 1) return;
    t->width = (int)fmax(1, fmin(job->width, floor(width * scale + 0.5)));
    t->height = (int)fmax(1, fmin(job->height, floor(height * scale + 0.5)));
}

void ps__job_target(ps__target *out, const ps__job *job, int width, int height) {
    *out = (ps__target){.width = width, .height = height};
    if (job->width && (job->fit == PS__FIT_CROP || job->fit == PS__FIT_CROP_FLOOR)) {
        crop_target(out, job, width, height);
        return;
    }
    if (job->width && job->fit == PS__FIT_SQUASH) {
        out->width = job->width;
        out->height = job->height;
    } else if (job->width) {
        inside_target(out, job, width, height);
    }
    out->whole_width = out->width;
    out->whole_height = out->height;
}

int ps__job_eighths(const ps__job *job, int width, int height, int turned) {
    ps__target t;
    ps__job_target(&t, job, turned ? height : width, turned ? width : height);
    int64_t across = turned ? t.whole_height : t.whole_width, down = turned ? t.whole_width : t.whole_height;
    for (int64_t m = 1; m < 8; m++)
        if ((width * m + 7) / 8 >= across && (height * m + 7) / 8 >= down) return (int)m;
    return 8;
}

int ps__fail_truncated(const ps__job *job, uint64_t total, ps__error *err) {
    char a[GROUPED], b[GROUPED];
    if (total > job->size)
        return ps__fail(err, PS__CORRUPT, "%s: truncated after %s of %s bytes", job->name, grouped(a, job->size),
                        grouped(b, total));
    return ps__fail(err, PS__CORRUPT, "%s: truncated after %s bytes", job->name, grouped(a, job->size));
}

static uint8_t over(unsigned value, unsigned alpha) { return (uint8_t)((value * alpha + 255 * (255 - alpha) + 127) / 255); }

void ps__over_white(uint8_t *out, const uint8_t *in, size_t n, int channels) {
    if (channels == 3 && out == in) return;
    for (size_t i = 0; i < n; i++, in += channels, out += 3) {
        unsigned alpha = channels == 2 ? in[1] : channels == 4 ? in[3] : 255;
        int step = channels >= 3; /* 0: the one grey value three times */
        uint8_t r = over(in[0], alpha), g = over(in[step], alpha), b = over(in[2 * step], alpha);
        out[0] = r;
        out[1] = g;
        out[2] = b;
    }
}
