/*
** Checkpoints in the safetensors container. Unlike a model package (encoder/package), a foreign file may hold more types, holes
** between tensors, and data at any alignment.
*/
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "encoder/import/checkpoint_inside.h"

static const uint64_t MOST_HEADER = (uint64_t)16 << 20; /* bytes of JSON */

static int read_dims(ps__weight *w, const ps__mapped *file, const json_t *list, ps__error *err) {
    int64_t shape[PS__WEIGHT_RANK] = {0};
    size_t rank = json_array_size(list);
    if (!json_is_array(list)) return ps__checkpoint_refuse(file, err, "tensor %s has no shape", w->name);
    for (size_t i = 0; i < rank && i < PS__WEIGHT_RANK; i++) {
        const json_t *d = json_array_get(list, i);
        shape[i] = json_is_integer(d) ? json_integer_value(d) : -1;
    }
    return ps__checkpoint_shape(w, file, shape, rank, err);
}

/* start: where the data begin in the file. */
static int read_tensor(ps__stored *s, const ps__mapped *file, const char *name, const json_t *entry, size_t start,
                       ps__error *err) {
    s->weight.name = name;
    const char *type = json_string_value(json_object_get(entry, "dtype"));
    if (!type || !(s->number = ps__number_of(type)))
        return ps__checkpoint_refuse(file, err, "tensor %s has type %.40s, which is not read", name, type ? type : "(none)");
    s->weight.type = s->number->name;
    int status = read_dims(&s->weight, file, json_object_get(entry, "shape"), err);
    if (status) return status;
    const json_t *offsets = json_object_get(entry, "data_offsets");
    const json_t *begin = json_array_get(offsets, 0), *end = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(begin) || !json_is_integer(end))
        return ps__checkpoint_refuse(file, err, "tensor %s has no two offsets", name);
    int64_t from = json_integer_value(begin), to = json_integer_value(end), room = (int64_t)(file->size - start);
    if (from < 0 || to < from || to > room)
        return ps__checkpoint_refuse(file, err, "tensor %s lies outside the file (%lld to %lld of %lld bytes)", name,
                                     (long long)from, (long long)to, (long long)room);
    if ((uint64_t)(to - from) != (uint64_t)s->weight.count * s->number->bytes)
        return ps__checkpoint_refuse(file, err, "tensor %s has %lld bytes, its shape needs %llu", name, (long long)(to - from),
                                     (unsigned long long)((uint64_t)s->weight.count * s->number->bytes));
    s->data = file->bytes + start + from;
    ps__checkpoint_strides(s);
    return PS__OK;
}

static int by_place(const void *a, const void *b) {
    const ps__stored *x = *(const ps__stored *const *)a, *y = *(const ps__stored *const *)b;
    return x->data < y->data ? -1 : x->data > y->data;
}

/* Two tensors over the same bytes are no honest file: safetensors has no shared weights. */
static int check_overlaps(const ps__stored *stored, size_t count, const ps__mapped *file, ps__error *err) {
    const ps__stored **order = ps__array(count + 1, sizeof *order);
    size_t used = 0;
    int status = PS__OK;
    if (!order) return ps__fail_nomem(err);
    for (size_t i = 0; i < count; i++)
        if (stored[i].weight.count) order[used++] = &stored[i];
    qsort(order, used, sizeof *order, by_place);
    for (size_t i = 1; i < used && !status; i++)
        if (order[i - 1]->data + (size_t)order[i - 1]->weight.count * order[i - 1]->number->bytes > order[i]->data)
            status =
                ps__checkpoint_refuse(file, err, "tensors %s and %s overlap", order[i - 1]->weight.name, order[i]->weight.name);
    ps__free(order);
    return status;
}

static int read_header(json_t **header, uint64_t *length, const ps__mapped *file, ps__error *err) {
    json_error_t why;
    if (file->size < 8) return ps__checkpoint_refuse(file, err, "is no checkpoint: %zu bytes", file->size);
    *length = 0;
    for (int i = 0; i < 8; i++) *length |= (uint64_t)file->bytes[i] << 8 * i;
    if (*length > MOST_HEADER || *length > file->size - 8)
        return ps__checkpoint_refuse(
            file, err, "is neither a safetensors nor a PyTorch zip file, or is truncated: header of %llu bytes in a file of %zu",
            (unsigned long long)*length, file->size);
    *header = json_loadb((const char *)file->bytes + 8, (size_t)*length, JSON_REJECT_DUPLICATES, &why);
    if (*header && json_is_object(*header)) return PS__OK;
    return ps__checkpoint_refuse(file, err, "its header is not a JSON object: %s", *header ? "another value" : why.text);
}

static int read_tensors(ps__checkpoint *c, const ps__mapped *file, json_t *header, size_t start, ps__error *err) {
    const char *name;
    json_t *entry;
    size_t before = c->count;
    json_object_foreach(header, name, entry) {
        ps__stored s = {.file = c->file_count - 1};
        if (strcmp(name, "__metadata__") == 0) continue;
        int status = read_tensor(&s, file, name, entry, start, err);
        if (!status) status = ps__checkpoint_add(c, &s, err);
        if (status) return status;
    }
    return check_overlaps(c->stored + before, c->count - before, file, err);
}

int ps__checkpoint_add_safetensors(ps__checkpoint *c, const ps__mapped *file, ps__error *err) {
    json_t *header = NULL;
    uint64_t length;
    int status = read_header(&header, &length, file, err);
    if (!status) status = read_tensors(c, file, header, (size_t)length + 8, err);
    json_decref(header);
    return status;
}
