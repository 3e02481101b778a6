/*
** Making the weights of folded convolutions; see fold.h.
*/
#include "encoder/import/fold.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

#define EPS 1e-5                   /* PyTorch's own of batch norms */
#define AT_ONCE ((int64_t)1 << 16) /* entries of a branch that are held, or one row */

/* ---- Measuring ---- */

static int64_t tall(const ps__weight *k) { return k->rank == 4 ? k->shape[2] : 1; }
static int64_t wide(const ps__weight *k) { return k->rank == 4 ? k->shape[3] : 1; }

/* A vector of a branch, which may be missing. */
static int check_vector(const ps__fold *f, const ps__weight *v, const ps__import *im, ps__error *err) {
    if (!v || v->count == f->out) return PS__OK;
    return ps__import_refuse(im, err, "tensor %s has %lld entries where %lld were expected", v->name, (long long)v->count,
                             (long long)f->out);
}

static int check_kernel(const ps__fold *f, const ps__weight *k, const ps__import *im, ps__error *err) {
    if (k->shape[0] == f->out && k->shape[1] == f->in && (f->height - tall(k)) % 2 == 0 && (f->width - wide(k)) % 2 == 0)
        return PS__OK;
    return ps__import_refuse(im, err, "tensor %s does not fit the branches beside it: %lld outputs of %lld inputs, %lld x %lld",
                             k->name, (long long)f->out, (long long)f->in, (long long)f->height, (long long)f->width);
}

static int check_branch(const ps__fold *f, const ps__fold_branch *b, const ps__import *im, ps__error *err) {
    const ps__weight *vectors[] = {b->bias, b->gamma, b->beta, b->mean, b->variance};
    int status = b->kernel ? check_kernel(f, b->kernel, im, err) : PS__OK;
    for (size_t i = 0; i < 5 && !status; i++) status = check_vector(f, vectors[i], im, err);
    return status;
}

int ps__fold_measure(ps__fold *f, const ps__import *im, ps__error *err) {
    const ps__weight *largest = NULL;
    int identity = f->residual, status = PS__OK;
    for (int i = 0; i < f->count; i++) {
        const ps__weight *k = f->branches[i].kernel;
        identity |= !k;
        if (!k) continue;
        if (k->rank != 4 && k->rank != 2) return ps__import_refuse(im, err, "tensor %s is no convolution's", k->name);
        if (!largest || k->count > largest->count) largest = k;
        f->out = largest->shape[0];
        f->in = largest->shape[1];
        if (tall(k) > f->height) f->height = tall(k);
        if (wide(k) > f->width) f->width = wide(k);
    }
    for (int i = 0; i < f->count && !status; i++) status = check_branch(f, &f->branches[i], im, err);
    if (!status) status = check_vector(f, f->scale, im, err);
    if (!status && identity && (f->height % 2 == 0 || f->width % 2 == 0 || (f->in != 1 && f->in != f->out)))
        status = ps__import_refuse(im, err,
                                   "a branch without a convolution stands beside a filter of %lld x %lld that has no middle or "
                                   "changes the number of channels",
                                   (long long)f->height, (long long)f->width);
    return status;
}

/* ---- Factors ---- */

typedef struct vectors {   /* of one branch, some channels; double [count] each */
    double *factor, *term; /* y = factor * (kernel * x) + term; sign and scale included */
} vectors;

/* Entries [first, first + count) of v as doubles; `missing` where there is no v. */
static int read_vector(double *out, float *buffer, const ps__fold *f, const ps__weight *v, double missing, int64_t first,
                       int64_t count, ps__error *err) {
    int status = v ? ps__checkpoint_read(buffer, f->checkpoint, v, first, count, err) : PS__OK;
    for (int64_t i = 0; i < count && !status; i++) out[i] = v ? (double)buffer[i] : missing;
    return status;
}

static int check_variance(const double *v, int64_t count, const ps__fold *f, const ps__weight *tensor, ps__error *err) {
    for (int64_t i = 0; i < count; i++)
        if (!(v[i] + EPS > 0))
            return ps__fail(err, PS__MODEL, "%s: tensor %s holds a negative variance", ps__checkpoint_path(f->checkpoint),
                            tensor->name);
    return PS__OK;
}

/* Room for count channels: 6 rows of doubles and one of floats, in one block. */
static double *vector_room(int64_t count) { return ps__array((size_t)count, 7 * sizeof(double)); }

/* factor and term of the branch for channels [first, first + count); room as from vector_room. */
static int read_vectors(vectors *out, double *room, const ps__fold *f, const ps__fold_branch *b, int64_t first, int64_t count,
                        ps__error *err) {
    double *gamma = room, *beta = room + count, *mean = beta + count, *variance = mean + count, *bias = variance + count,
           *scale = bias + count;
    float *buffer = (float *)(scale + count);
    int has_norm = b->variance != NULL;
    int status = read_vector(gamma, buffer, f, b->gamma, 1, first, count, err);
    if (!status) status = read_vector(beta, buffer, f, b->beta, 0, first, count, err);
    if (!status) status = read_vector(mean, buffer, f, b->mean, 0, first, count, err);
    if (!status) status = read_vector(variance, buffer, f, b->variance, 0, first, count, err);
    if (!status) status = read_vector(bias, buffer, f, b->bias, 0, first, count, err);
    if (!status) status = read_vector(scale, buffer, f, f->scale, 1, first, count, err);
    if (!status && has_norm) status = check_variance(variance, count, f, b->variance, err);
    for (int64_t i = 0; i < count && !status; i++) {
        double factor = has_norm ? gamma[i] / sqrt(variance[i] + EPS) : 1, outer = b->sign * scale[i];
        gamma[i] = outer * factor;
        beta[i] = outer * (beta[i] + (bias[i] - mean[i]) * factor);
    }
    *out = (vectors){gamma, beta};
    return status;
}

/* ---- Filling ---- */

typedef struct batch { /* some output channels that are made together */
    const ps__fold *f;
    int64_t first, count; /* channels */
    double *sum;          /* [count][in][height][width] */
    float *kernel;        /* of one branch, as many entries */
    double *room;
    ps__error *err;
} batch;

static int64_t row_of(const ps__fold *f) { return f->in * f->height * f->width; }

/* The identity as a filter: 1 in the middle of the channel's own plane. */
static double *middle(const batch *b, int64_t o) {
    const ps__fold *f = b->f;
    int64_t plane = f->in == 1 ? 0 : b->first + o;
    return b->sum + o * row_of(f) + (plane * f->height + f->height / 2) * f->width + f->width / 2;
}

static int add_kernel(const batch *b, const ps__weight *k, const double *factor) {
    const ps__fold *f = b->f;
    int64_t h = tall(k), w = wide(k), row = f->in * h * w, top = (f->height - h) / 2, left = (f->width - w) / 2;
    int status = ps__checkpoint_read(b->kernel, f->checkpoint, k, b->first * row, b->count * row, b->err);
    for (int64_t o = 0; o < b->count && !status; o++)
        for (int64_t line = 0; line < f->in * h; line++) {
            const float *from = b->kernel + o * row + line * w;
            double *to = b->sum + o * row_of(f) + ((line / h) * f->height + top + line % h) * f->width + left;
            for (int64_t x = 0; x < w; x++) to[x] += factor[o] * (double)from[x];
        }
    return status;
}

static int sum_branches(const batch *b) {
    const ps__fold *f = b->f;
    int status = PS__OK;
    memset(b->sum, 0, (size_t)(b->count * row_of(f)) * sizeof *b->sum);
    for (int i = 0; i < f->count && !status; i++) {
        vectors v;
        status = read_vectors(&v, b->room, f, &f->branches[i], b->first, b->count, b->err);
        if (!status && f->branches[i].kernel) status = add_kernel(b, f->branches[i].kernel, v.factor);
        for (int64_t o = 0; o < b->count && !status && !f->branches[i].kernel; o++) *middle(b, o) += v.factor[o];
    }
    for (int64_t o = 0; o < b->count && !status && f->residual; o++) *middle(b, o) += 1;
    return status;
}

/* Channels [first, first + count), a batch at a time: out[o * channel + tap * step + i], o from 0. */
static int fill(float *out, const ps__fold *f, int64_t first, int64_t count, int64_t channel, int64_t step, ps__error *err) {
    int64_t row = row_of(f), taps = f->height * f->width, at_once = row < AT_ONCE ? AT_ONCE / row : 1;
    if (at_once > count) at_once = count;
    batch b = {.f = f,
               .sum = ps__array((size_t)(at_once * row), sizeof *b.sum),
               .kernel = ps__array((size_t)(at_once * row), sizeof *b.kernel),
               .room = vector_room(at_once),
               .err = err};
    int status = b.sum && b.kernel && b.room ? PS__OK : ps__fail_nomem(err);
    for (int64_t o = 0; o < count && !status; o += at_once) {
        b.first = first + o;
        b.count = count - o < at_once ? count - o : at_once;
        status = sum_branches(&b);
        for (int64_t n = 0; n < b.count * row && !status; n++)
            out[(o + n / row) * channel + n % taps * step + n % row / taps] = (float)b.sum[n];
    }
    ps__free(b.sum);
    ps__free(b.kernel);
    ps__free(b.room);
    return status;
}

static int fill_layer(float *out, int64_t first, int64_t count, void *ctx, ps__error *err) {
    const ps__fold *f = ctx;
    return fill(out, f, first, count, row_of(f), f->in, err);
}

/* In one piece: rows are lines of the filter, and each needs all channels. */
static int fill_depthwise(float *out, int64_t first, int64_t count, void *ctx, ps__error *err) {
    const ps__fold *f = ctx;
    (void)first, (void)count;
    return fill(out, f, 0, f->out, 1, f->out, err);
}

static int fill_bias(float *out, int64_t first, int64_t count, void *ctx, ps__error *err) {
    const ps__fold *f = ctx;
    double *room = vector_room(count), *sum = ps__calloc((size_t)count, sizeof *sum);
    int status = room && sum ? PS__OK : ps__fail_nomem(err);
    for (int i = 0; i < f->count && !status; i++) {
        vectors v;
        status = read_vectors(&v, room, f, &f->branches[i], first, count, err);
        for (int64_t o = 0; o < count && !status; o++) sum[o] += v.term[o];
    }
    for (int64_t o = 0; o < count && !status; o++) out[o] = (float)sum[o];
    ps__free(room);
    ps__free(sum);
    return status;
}

/* ---- Declaring ---- */

static int declare(ps__import *im, const char *to, const ps__fold *fold, int store, int rank, const int64_t *shape,
                   ps__fill_fn *weights, ps__error *err) {
    char name[160];
    ps__fold f = *fold;
    f.checkpoint = im->source->checkpoint;
    snprintf(name, sizeof name, "%s.weight", to);
    int status = ps__draft_add(im->draft, name, store, rank, shape, weights, &f, sizeof f, err);
    snprintf(name, sizeof name, "%s.bias", to);
    return status ? status : ps__draft_add(im->draft, name, PS__STORE_FLOAT, 1, &f.out, fill_bias, &f, sizeof f, err);
}

int ps__fold_layer(ps__import *im, const char *to, const ps__fold *f, ps__error *err) {
    const int64_t shape[2] = {f->out, row_of(f)};
    return declare(im, to, f, PS__STORE_LAYER, 2, shape, fill_layer, err);
}

int ps__fold_depthwise(ps__import *im, const char *to, const ps__fold *f, ps__error *err) {
    const int64_t shape[3] = {f->height, f->width, f->out};
    if (f->in != 1 || f->height > 32 || f->width > 32 || f->height * f->width * f->out > PS__DRAFT_PIECE)
        return ps__import_refuse(im, err, "%s is no depthwise filter of at most 32 x 32", to);
    return declare(im, to, f, PS__STORE_FLOAT, 3, shape, fill_depthwise, err);
}

int ps__fold_factors(ps__import *im, const char *to, const ps__fold *f, ps__error *err) {
    if (f->in != 1 || f->height != 1 || f->width != 1) return ps__import_refuse(im, err, "%s is no factor a channel", to);
    return declare(im, to, f, PS__STORE_FLOAT, 1, &f->out, fill_depthwise, err);
}
