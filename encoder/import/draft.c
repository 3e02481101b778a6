/*
** Declaring what a package is to hold; draft_write.c writes it.
*/
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "encoder/import/draft_inside.h"
#include "encoder/package/package.h"

ps__draft *ps__draft_new(void) {
    ps__draft *d = ps__calloc(1, sizeof *d);
    if (d && !(d->meta = json_object())) {
        ps__free(d);
        d = NULL;
    }
    return d;
}

static void clear_item(ps__item *i) {
    ps__free(i->name);
    ps__free(i->ctx);
    ps__free(i->columns);
    ps__free(i->divisor);
}

void ps__draft_free(ps__draft *d) {
    if (!d) return;
    for (size_t i = 0; i < d->count; i++) clear_item(&d->items[i]);
    ps__free(d->items);
    json_decref(d->meta);
    ps__free(d);
}

int ps__draft_meta(ps__draft *d, const char *key, const char *value, ps__error *err) {
    json_t *text = json_string(value);
    if (!text) return ps__fail(err, PS__MODEL, "the value of %s is not UTF-8", key);
    return json_object_set_new(d->meta, key, text) ? ps__fail_nomem(err) : PS__OK;
}

const char *ps__draft_get(const ps__draft *d, const char *key) { return json_string_value(json_object_get(d->meta, key)); }

static ps__item *find(const ps__draft *d, const char *name) {
    for (size_t i = 0; i < d->count; i++)
        if (strcmp(d->items[i].name, name) == 0) return &d->items[i];
    return NULL;
}

/* The layer whose weights are "NAME.weight", or NULL. */
static ps__item *find_layer(const ps__draft *d, const char *name) {
    size_t length = strlen(name);
    for (size_t i = 0; i < d->count; i++) {
        ps__item *item = &d->items[i];
        if (item->is_layer && strncmp(item->name, name, length) == 0 && strcmp(item->name + length, ".weight") == 0) return item;
    }
    return NULL;
}

/* Room for one more item of that name, all zero; NULL with a status. */
static int new_item(ps__item **out, ps__draft *d, const char *name, const void *ctx, size_t bytes, ps__error *err) {
    if (find(d, name)) return ps__fail(err, PS__MODEL, "tensor %s was to be written twice", name);
    if (d->count == d->room) {
        size_t room = d->room ? d->room * 2 : 256;
        ps__item *more = ps__realloc(d->items, room * sizeof *more);
        if (!more) return ps__fail_nomem(err);
        d->items = more;
        d->room = room;
    }
    ps__item *item = *out = &d->items[d->count];
    *item = (ps__item){.name = ps__strdup(name), .ctx = ps__malloc(bytes ? bytes : 1)};
    if (!item->name || !item->ctx) {
        clear_item(item);
        return ps__fail_nomem(err);
    }
    if (bytes) memcpy(item->ctx, ctx, bytes);
    d->count++;
    return PS__OK;
}

static int has_ending(const char *name, const char *ending) {
    size_t length = strlen(name), size = strlen(ending);
    return length > size && strcmp(name + length - size, ending) == 0;
}

int ps__draft_add(ps__draft *d, const char *name, int store, int rank, const int64_t *shape, ps__fill_fn *fill, const void *ctx,
                  size_t ctx_bytes, ps__error *err) {
    ps__item *item;
    int64_t count = 1;
    if (rank < 1 || rank > 4 || (store == PS__STORE_LAYER && (rank != 2 || !has_ending(name, ".weight"))))
        return ps__fail(err, PS__MODEL, "tensor %s was declared with a shape that the package does not take", name);
    for (int i = 0; i < rank; i++) {
        if (shape[i] < 1 || shape[i] > INT64_C(1) << 32 || count > (INT64_C(1) << 36) / shape[i])
            return ps__fail(err, PS__MODEL, "tensor %s has an impossible shape", name);
        count *= shape[i];
    }
    if (count / shape[0] > PS__DRAFT_PIECE) /* a row is made at once */
        return ps__fail(err, PS__MODEL, "tensor %s has rows of %lld entries, which is too long", name, (long long)(count / shape[0]));
    int status = new_item(&item, d, name, ctx, ctx_bytes, err);
    if (status) return status;
    item->type = PS__F32;
    item->is_layer = store == PS__STORE_LAYER;
    item->groups = 1;
    item->rank = rank;
    memcpy(item->shape, shape, (size_t)rank * sizeof *shape);
    item->count = count;
    item->fill = fill;
    return PS__OK;
}

int ps__draft_add_bytes(ps__draft *d, const char *name, int type, int64_t count, const void *data, ps__error *err) {
    ps__item *item;
    int status = new_item(&item, d, name, data, (size_t)count * (type == PS__U8 ? 1 : 4), err);
    if (status) return status;
    item->type = type;
    item->rank = 1;
    item->shape[0] = item->count = count;
    return PS__OK;
}

int ps__draft_has_layer(const ps__draft *d, const char *name) { return find_layer(d, name) != NULL; }

int ps__draft_keep_float(ps__draft *d, const char *name, ps__error *err) {
    ps__item *item = find_layer(d, name);
    if (!item) return ps__fail(err, PS__INVALID, "there is no layer %s", name);
    item->keeps_float = 1;
    return PS__OK;
}

int ps__draft_keep_fine(ps__draft *d, const char *name, ps__error *err) {
    ps__item *item = find_layer(d, name);
    if (!item) return ps__fail(err, PS__INVALID, "there is no layer %s", name);
    item->keeps_fine = 1;
    return PS__OK;
}

int ps__draft_cut_rows(ps__draft *d, const char *name, int width, ps__error *err) {
    ps__item *item = find_layer(d, name);
    if (!item) return ps__fail(err, PS__INVALID, "there is no layer %s", name);
    item->groups = item->shape[1] % width ? 1 : (int)(item->shape[1] / width);
    return PS__OK;
}

static int set_copy(float **to, const float *from, int64_t count, ps__error *err) {
    float *copy = ps__array((size_t)count, sizeof *copy);
    if (!copy) return ps__fail_nomem(err);
    memcpy(copy, from, (size_t)count * sizeof *copy);
    ps__free(*to);
    *to = copy;
    return PS__OK;
}

int ps__draft_scale_columns(ps__draft *d, const char *name, const float *factor, int64_t in, ps__error *err) {
    ps__item *item = find_layer(d, name);
    if (!item || item->shape[1] != in)
        return ps__fail(err, PS__INVALID, "there is no layer %s of %lld columns", name, (long long)in);
    return set_copy(&item->columns, factor, in, err);
}

int ps__draft_divide(ps__draft *d, const char *name, const float *factor, int64_t count, ps__error *err) {
    ps__item *item = find(d, name);
    if (!item || item->is_layer || !item->fill || item->shape[item->rank - 1] != count)
        return ps__fail(err, PS__INVALID, "there is no tensor %s of %lld entries", name, (long long)count);
    return set_copy(&item->divisor, factor, count, err);
}
