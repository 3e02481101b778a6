/*
** Outliers of norms, shared with the layers that read them; see smooth.h.
*/
#include "encoder/import/smooth.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "encoder/import/draft_inside.h"

#define READERS_MOST 3
#define RANGE 1e4f /* a factor stays within 1 / RANGE to RANGE */

typedef struct norm {                  /* one of them, and who reads it */
    char prefix[120];                  /* "image.3." */
    const char *readers[READERS_MOST]; /* layers, after the prefix; NULL at the end if there are fewer */
    ps__item *gain, *bias;
} norm;

static ps__item *find_item(ps__draft *d, const char *prefix, const char *name, const char *ending) {
    char whole[200];
    snprintf(whole, sizeof whole, "%s%s%s", prefix, name, ending);
    for (size_t i = 0; i < d->count; i++)
        if (strcmp(d->items[i].name, whole) == 0) return &d->items[i];
    return NULL;
}

/* Families whose norms come before their layers: behind them, as in BERT, a norm is also what is added to. which: 0 and 1 for norm1 and norm2,
** 2 for the one norm of fastvit's blocks, 3 for the filters before feed-forward layers of the families that have convolutions. */
static int is_pre_norm(const ps__draft *d, const char *item, size_t which) {
    int is_text = strncmp(item, "text.", 5) == 0;
    const char *family = ps__draft_get(d, is_text ? "text.family" : "image.family");
    if (!family) return 0;
    if (which == 2) return strcmp(family, "fastvit") == 0;
    if (which == 3) return strcmp(family, "fastvit") == 0 || strcmp(family, "mct") == 0;
    return is_text ? strcmp(family, "transformer") == 0 || strcmp(family, "mct") == 0 : strcmp(family, "vit") == 0;
}

static int64_t width_of(const ps__item *item) { return item->shape[item->rank - 1]; }

/* 1 if the item is the gain of a norm, or a depthwise filter, that nothing but layers read. */
static int read_norm(norm *out, ps__draft *d, ps__item *item) {
    static const char *const endings[] = {".norm1.weight", ".norm2.weight", ".norm.weight", ".ffn.weight"};
    static const char *const readers[][READERS_MOST] = {{"query", "key", "value"}, {"fc1"}, {"qkv"}, {"fc1"}};
    static const char *const names[] = {"norm1", "norm2", "norm", "ffn"};
    size_t length = strlen(item->name);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t size = strlen(endings[i]) - 1;
        if (length <= size || length - size >= sizeof out->prefix || strcmp(item->name + length - size - 1, endings[i]) != 0)
            continue;
        *out = (norm){.gain = item};
        memcpy(out->prefix, item->name, length - size);
        memcpy(out->readers, readers[i], sizeof out->readers);
        out->bias = find_item(d, out->prefix, names[i], ".bias");
        return out->bias && (i == 3 || item->rank == 1) && !item->is_layer && item->fill && out->bias->fill &&
               out->bias->count == width_of(item) && is_pre_norm(d, item->name, i);
    }
    return 0;
}

/* top[j] becomes the greatest magnitude of column j where that is more. */
static int add_columns(float *top, const ps__item *layer, ps__error *err) {
    int64_t columns = layer->shape[1], step = ((int64_t)1 << 18) / columns;
    if (layer->count <= PS__DRAFT_PIECE) step = layer->shape[0];
    if (step < 1) step = 1;
    float *piece = ps__array((size_t)(step * columns), sizeof *piece);
    int status = piece ? PS__OK : ps__fail_nomem(err);
    for (int64_t first = 0; first < layer->shape[0] && !status; first += step) {
        int64_t rows = layer->shape[0] - first < step ? layer->shape[0] - first : step;
        status = layer->fill(piece, first, rows, layer->ctx, err);
        for (int64_t r = 0; r < rows && !status; r++)
            for (int64_t c = 0; c < columns; c++) top[c] = fmaxf(top[c], fabsf(piece[r * columns + c]));
    }
    ps__free(piece);
    return status;
}

static float factor_of(float size, float top) {
    if (!(size > 1e-12f) || !(top > 1e-12f)) return 1; /* a channel that is dead on either side */
    float s = sqrtf(size / top);
    return s < 1 / RANGE ? 1 / RANGE : s > RANGE ? RANGE : s;
}

static int set_factors(const norm *n, ps__draft *d, const float *factor, ps__error *err) {
    char name[200];
    int64_t count = width_of(n->gain);
    int status = ps__draft_divide(d, n->gain->name, factor, count, err);
    if (!status) status = ps__draft_divide(d, n->bias->name, factor, count, err);
    for (size_t i = 0; i < READERS_MOST && n->readers[i] && !status; i++) {
        snprintf(name, sizeof name, "%s%s", n->prefix, n->readers[i]);
        status = ps__draft_scale_columns(d, name, factor, count, err);
    }
    return status;
}

/* Those of the norm's output, whose name is that of its tensors; NULL: not measured. */
static const float *measured_sizes(const norm *n, const ps__sizes *sizes) {
    char name[200];
    size_t count = 0;
    snprintf(name, sizeof name, "%.*s", (int)(strlen(n->gain->name) - strlen(".weight")), n->gain->name);
    const float *found = sizes ? ps__sizes_find(&count, sizes, name) : NULL;
    return count == (size_t)width_of(n->gain) ? found : NULL;
}

static int smooth(const norm *n, ps__draft *d, const ps__sizes *sizes, ps__error *err) {
    size_t count = (size_t)width_of(n->gain);
    const float *measured = measured_sizes(n, sizes);
    if (n->gain->rank > 1 && !measured) return PS__OK; /* a filter's weights do not say what it gives */
    float *gain = ps__array(3 * count, sizeof *gain), *bias = gain + count, *top = bias + count;
    if (!gain) return ps__fail_nomem(err);
    memset(top, 0, count * sizeof *top);
    int status = measured ? PS__OK : n->gain->fill(gain, 0, (int64_t)count, n->gain->ctx, err);
    if (!status && !measured) status = n->bias->fill(bias, 0, (int64_t)count, n->bias->ctx, err);
    for (size_t i = 0; i < READERS_MOST && n->readers[i] && !status; i++) {
        const ps__item *layer = find_item(d, n->prefix, n->readers[i], ".weight");
        if (!layer || !layer->is_layer || layer->shape[1] != (int64_t)count)
            status = ps__fail(err, PS__MODEL, "layer %s%s does not fit the norm before it", n->prefix, n->readers[i]);
        else
            status = add_columns(top, layer, err);
    }
    for (size_t i = 0; i < count && !status; i++)
        gain[i] = factor_of(measured ? measured[i] : fabsf(bias[i]) + 3 * fabsf(gain[i]), top[i]);
    if (!status) status = set_factors(n, d, gain, err);
    ps__free(gain);
    return status;
}

int ps__smooth(ps__draft *d, const ps__sizes *sizes, ps__error *err) {
    norm n;
    int status = PS__OK;
    for (size_t i = 0; i < d->count && !status; i++)
        if (read_norm(&n, d, &d->items[i])) status = smooth(&n, d, sizes, err);
    return status;
}
