/*
** What mappings share: finding tensors, and declaring copies of them in another order.
*/
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "encoder/import/import.h"
#include "encoder/package/package.h"

int ps__import_refuse(const ps__import *im, ps__error *err, const char *format, ...) {
    char reason[600];
    va_list args;
    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    return ps__fail(err, PS__MODEL, "%s: %s", ps__checkpoint_path(im->source->checkpoint), reason);
}

/* "[49408,512]" */
static void print_shape(char *out, size_t size, int rank, const int64_t *shape) {
    size_t at = (size_t)snprintf(out, size, "[");
    for (int i = 0; i < rank && at < size; i++)
        at += (size_t)snprintf(out + at, size - at, shape[i] < 0 ? "%sany" : "%s%lld", i ? "," : "", (long long)shape[i]);
    if (at < size) snprintf(out + at, size - at, "]");
}

int ps__import_need(const ps__weight **out, const ps__import *im, int rank, const int64_t *shape, ps__error *err,
                    const char *name_format, ...) {
    char name[200], there[120], wanted[120];
    va_list args;
    va_start(args, name_format);
    vsnprintf(name, sizeof name, name_format, args);
    va_end(args);
    const ps__weight *w = *out = ps__checkpoint_find(im->source->checkpoint, name);
    if (!w) return ps__import_refuse(im, err, "tensor %s is missing", name);
    int fits = w->rank == rank;
    for (int i = 0; fits && i < rank; i++) fits = shape[i] < 0 || shape[i] == w->shape[i];
    if (fits) return PS__OK;
    print_shape(there, sizeof there, w->rank, w->shape);
    print_shape(wanted, sizeof wanted, rank, shape);
    return ps__import_refuse(im, err, "tensor %s has the shape %s where %s was expected", name, there, wanted);
}

/* ---- Copies in the same order ---- */

typedef struct copy {
    const ps__checkpoint *checkpoint;
    const ps__weight *from;
    int64_t first; /* entry that row 0 begins with */
    int64_t row;   /* entries a row */
} copy;

static int fill_copy(float *out, int64_t first, int64_t count, void *ctx, ps__error *err) {
    const copy *c = ctx;
    return ps__checkpoint_read(out, c->checkpoint, c->from, c->first + first * c->row, count * c->row, err);
}

int ps__import_copy(ps__import *im, const char *to, int store, int rank, const int64_t *shape, const ps__weight *from,
                    int64_t first, ps__error *err) {
    int64_t row = 1, from_row = from->rank && from->shape[0] ? from->count / from->shape[0] : 1;
    for (int i = 1; i < rank; i++) row *= shape[i];
    if (row < 1 || first < 0 || first > from->shape[0] || shape[0] > (from->count - first * from_row) / row)
        return ps__import_refuse(im, err, "tensor %s has fewer rows than %s needs", from->name, to);
    copy c = {im->source->checkpoint, from, first * from_row, row};
    return ps__draft_add(im->draft, to, store, rank, shape, fill_copy, &c, sizeof c, err);
}

/* ---- Transposed ---- */

/* Rows of the transpose are columns of the source, which lie all over it: as many of them as are asked for are picked out of one pass
** over its rows, some at a time. */
static int fill_transposed(float *out, int64_t first, int64_t count, void *ctx, ps__error *err) {
    const copy *c = ctx;
    int64_t rows = c->from->shape[0], columns = c->from->shape[1], step = ((int64_t)1 << 18) / columns;
    if (step < 1) step = 1;
    if (step > rows) step = rows;
    float *block = ps__array((size_t)(step * columns), sizeof *block);
    if (!block) return ps__fail_nomem(err);
    int status = PS__OK;
    for (int64_t r = 0; r < rows && !status; r += step) {
        int64_t n = rows - r < step ? rows - r : step;
        status = ps__checkpoint_read(block, c->checkpoint, c->from, r * columns, n * columns, err);
        for (int64_t i = 0; i < n && !status; i++)
            for (int64_t o = 0; o < count; o++) out[o * rows + r + i] = block[i * columns + first + o];
    }
    ps__free(block);
    return status;
}

int ps__import_transposed(ps__import *im, const char *to, int store, const ps__weight *from, ps__error *err) {
    const int64_t shape[2] = {from->shape[1], from->shape[0]};
    copy c = {im->source->checkpoint, from, 0, from->shape[0]};
    if (from->rank != 2) return ps__import_refuse(im, err, "tensor %s is no matrix", from->name);
    return ps__draft_add(im->draft, to, store, 2, shape, fill_transposed, &c, sizeof c, err);
}

/* ---- Patches ---- */

static int fill_patches(float *out, int64_t first, int64_t count, void *ctx, ps__error *err) {
    const copy *c = ctx;
    int64_t in = c->from->shape[1], taps = c->from->shape[2] * c->from->shape[3];
    float *row = ps__array((size_t)(in * taps), sizeof *row);
    if (!row) return ps__fail_nomem(err);
    int status = PS__OK;
    for (int64_t o = 0; o < count && !status; o++, out += in * taps) {
        status = ps__checkpoint_read(row, c->checkpoint, c->from, (first + o) * in * taps, in * taps, err);
        for (int64_t i = 0; i < in && !status; i++)
            for (int64_t t = 0; t < taps; t++) out[t * in + i] = row[i * taps + t];
    }
    ps__free(row);
    return status;
}

int ps__import_patches(ps__import *im, const char *to, int store, const ps__weight *from, ps__error *err) {
    const int64_t shape[2] = {from->shape[0], from->shape[1] * from->shape[2] * from->shape[3]};
    copy c = {im->source->checkpoint, from, 0, shape[1]};
    if (from->rank != 4) return ps__import_refuse(im, err, "tensor %s is no convolution's", from->name);
    return ps__draft_add(im->draft, to, store, 2, shape, fill_patches, &c, sizeof c, err);
}

/* ---- Layers ---- */

static int fill_zeros(float *out, int64_t first, int64_t count, void *ctx, ps__error *err) {
    (void)first, (void)ctx, (void)err;
    memset(out, 0, (size_t)count * sizeof *out);
    return PS__OK;
}

int ps__import_zeros(ps__import *im, const char *to, int64_t count, ps__error *err) {
    return ps__draft_add(im->draft, to, PS__STORE_FLOAT, 1, &count, fill_zeros, NULL, 0, err);
}

int ps__import_layer(ps__import *im, const char *to, const ps__weight *weight, const ps__weight *bias, ps__error *err) {
    char name[160];
    int64_t out = weight->shape[0], shape[2] = {out, out ? weight->count / out : 0};
    snprintf(name, sizeof name, "%s.weight", to);
    int status = ps__import_copy(im, name, PS__STORE_LAYER, 2, shape, weight, 0, err);
    if (status) return status;
    snprintf(name, sizeof name, "%s.bias", to);
    if (!bias) return ps__import_zeros(im, name, out, err);
    return ps__import_copy(im, name, PS__STORE_FLOAT, 1, &out, bias, 0, err);
}
