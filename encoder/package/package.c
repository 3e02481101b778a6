/*
** Reads the safetensors container. Everything in the file is taken for hostile: header length, JSON, names, types, shapes, offsets.
*/
#include "encoder/package/package.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/alloc.h"
#include "base/os.h"

#define MAX_HEADER ((uint64_t)16 << 20) /* bytes of JSON; the shipped package has 30 kB */
#define MAX_TENSORS 65536

struct ps__package {
    char *path;           /* as opened, for messages */
    const uint8_t *bytes; /* the mapping */
    size_t size;          /* bytes mapped */
    json_t *header;       /* owns the names and the metadata */
    ps__tensor *tensors;  /* sorted by name */
    size_t tensor_count;  /* entries of tensors */
};

static int refuse(const ps__package *p, ps__error *err, const char *format, ...) __attribute__((format(printf, 3, 4)));

static int refuse(const ps__package *p, ps__error *err, const char *format, ...) {
    char reason[400];
    va_list args;
    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    return ps__fail(err, PS__MODEL, "%s: %s", p->path, reason);
}

static int type_of(const char *name, int *type, size_t *bytes) {
    static const struct {
        const char *name;
        int type;
        size_t bytes;
    } types[] = {{"F32", PS__F32, 4}, {"I8", PS__I8, 1}, {"U8", PS__U8, 1}, {"I32", PS__I32, 4}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (strcmp(types[i].name, name) != 0) continue;
        *type = types[i].type;
        *bytes = types[i].bytes;
        return 1;
    }
    return 0;
}

/* Fills rank, shape and count; refuses what does not multiply within the file. */
static int read_shape(ps__tensor *t, const ps__package *p, const json_t *shape, ps__error *err) {
    t->rank = (int)json_array_size(shape);
    if (!json_is_array(shape) || t->rank > 4) return refuse(p, err, "tensor %s has no shape of at most 4 dimensions", t->name);
    t->count = 1;
    for (int i = 0; i < 4; i++) {
        t->shape[i] = 1;
        if (i >= t->rank) continue;
        const json_t *d = json_array_get(shape, (size_t)i);
        int64_t n = json_is_integer(d) ? json_integer_value(d) : -1;
        if (n < 1 || n > (int64_t)p->size || t->count > (int64_t)p->size / n)
            return refuse(p, err, "tensor %s has an impossible shape", t->name);
        t->shape[i] = n;
        t->count *= n;
    }
    return PS__OK;
}

static int read_tensor(ps__tensor *t, const ps__package *p, const char *name, const json_t *entry, size_t data_start,
                       ps__error *err) {
    size_t bytes = 0;
    t->name = name;
    const char *type = json_string_value(json_object_get(entry, "dtype"));
    if (!type || !type_of(type, &t->type, &bytes))
        return refuse(p, err, "tensor %s has type %s, which is not read", name, type ? type : "(none)");
    int status = read_shape(t, p, json_object_get(entry, "shape"), err);
    if (status) return status;
    const json_t *offsets = json_object_get(entry, "data_offsets");
    const json_t *begin = json_array_get(offsets, 0), *end = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(begin) || !json_is_integer(end))
        return refuse(p, err, "tensor %s has no two offsets", name);
    int64_t from = json_integer_value(begin), to = json_integer_value(end), room = (int64_t)(p->size - data_start);
    if (from < 0 || to < from || to > room)
        return refuse(p, err, "tensor %s lies outside the file (%lld to %lld of %lld bytes)", name, (long long)from,
                      (long long)to, (long long)room);
    if ((uint64_t)(to - from) != (uint64_t)t->count * bytes)
        return refuse(p, err, "tensor %s has %lld bytes, its shape needs %lld", name, (long long)(to - from),
                      (long long)(t->count * (int64_t)bytes));
    t->data = p->bytes + data_start + from;
    if ((uintptr_t)t->data % bytes) return refuse(p, err, "tensor %s is not aligned", name);
    return PS__OK;
}

static int by_name(const void *a, const void *b) { return strcmp(((const ps__tensor *)a)->name, ((const ps__tensor *)b)->name); }

static int by_place(const void *a, const void *b) {
    const uint8_t *x = (*(const ps__tensor *const *)a)->data, *y = (*(const ps__tensor *const *)b)->data;
    return x < y ? -1 : x > y;
}

static size_t tensor_bytes(const ps__tensor *t) { return (size_t)t->count * (t->type == PS__F32 || t->type == PS__I32 ? 4 : 1); }

/* Two tensors over the same bytes are no honest file. */
static int check_overlaps(const ps__package *p, ps__error *err) {
    const ps__tensor **order = ps__array(p->tensor_count, sizeof *order);
    int status = PS__OK;
    if (!order) return ps__fail_nomem(err);
    for (size_t i = 0; i < p->tensor_count; i++) order[i] = &p->tensors[i];
    qsort(order, p->tensor_count, sizeof *order, by_place);
    for (size_t i = 1; i < p->tensor_count && !status; i++)
        if ((const uint8_t *)order[i - 1]->data + tensor_bytes(order[i - 1]) > (const uint8_t *)order[i]->data)
            status = refuse(p, err, "tensors %s and %s overlap", order[i - 1]->name, order[i]->name);
    ps__free(order);
    return status;
}

static int read_header(ps__package *p, ps__error *err) {
    uint64_t length;
    json_error_t why;
    if (p->size < 8) return refuse(p, err, "is not a model package: %zu bytes", p->size);
    memcpy(&length, p->bytes, 8);
    if (length > MAX_HEADER || length > p->size - 8)
        return refuse(p, err, "is not a model package, or is truncated: header of %llu bytes in a file of %zu",
                      (unsigned long long)length, p->size);
    p->header = json_loadb((const char *)p->bytes + 8, (size_t)length, JSON_REJECT_DUPLICATES, &why);
    if (!json_is_object(p->header))
        return refuse(p, err, "its header is not a JSON object: %s", p->header ? "another value" : why.text);
    size_t entries = json_object_size(p->header);
    if (entries > MAX_TENSORS) return refuse(p, err, "has %zu tensors, more than %d", entries, MAX_TENSORS);
    if (!(p->tensors = ps__calloc(entries, sizeof *p->tensors))) return ps__fail_nomem(err);
    const char *name;
    json_t *entry;
    json_object_foreach(p->header, name, entry) {
        if (strcmp(name, "__metadata__") == 0) continue;
        int status = read_tensor(&p->tensors[p->tensor_count], p, name, entry, (size_t)length + 8, err);
        if (status) return status;
        p->tensor_count++;
    }
    qsort(p->tensors, p->tensor_count, sizeof *p->tensors, by_name);
    return check_overlaps(p, err);
}

int ps__package_open(ps__package **out, const char *path, ps__error *err) {
    *out = NULL;
    ps__package *p = ps__calloc(1, sizeof *p);
    if (!p || !(p->path = ps__strdup(path))) {
        ps__free(p);
        return ps__fail_nomem(err);
    }
    int status = ps__map_file(&p->bytes, &p->size, path, err);
    if (!status) status = read_header(p, err);
    if (status) {
        ps__package_free(p);
        return status;
    }
    *out = p;
    return PS__OK;
}

void ps__package_free(ps__package *p) {
    if (!p) return;
    json_decref(p->header);
    ps__unmap_file(p->bytes, p->size);
    ps__free(p->tensors);
    ps__free(p->path);
    ps__free(p);
}

const char *ps__package_path(const ps__package *p) { return p->path; }
size_t ps__package_size(const ps__package *p) { return p->size; }

uint64_t ps__package_fingerprint(const ps__package *p) {
    enum { SAMPLES = 64, PAGE = 4096 };
    uint64_t header, digest;
    memcpy(&header, p->bytes, 8);
    digest = XXH3_64bits(p->bytes, (size_t)header + 8);
    if (ps__package_meta(p, "checksum")) return digest;
    for (size_t i = 0; i < SAMPLES; i++) {
        size_t at = p->size / SAMPLES * i, left = p->size - at;
        digest = XXH3_64bits_withSeed(p->bytes + at, left < PAGE ? left : PAGE, digest);
    }
    return digest;
}

/* In pieces whose pages are given back at once: a package may be larger than what a device has to spare. */
static int digest_data(uint64_t *out, const ps__package *p, size_t start) {
    static const size_t piece = (size_t)8 << 20; /* a multiple of any page's size */
    XXH3_state_t *state = XXH3_createState();
    if (!state) return -1;
    XXH3_64bits_reset(state);
    for (size_t at = start, next; at < p->size; at = next) {
        next = at / piece * piece + piece;
        if (next > p->size) next = p->size;
        XXH3_64bits_update(state, p->bytes + at, next - at);
        ps__release_file(p->bytes + at / piece * piece, next - at / piece * piece);
    }
    *out = XXH3_64bits_digest(state);
    XXH3_freeState(state);
    return 0;
}

int ps__package_check(const ps__package *p, ps__error *err) {
    const char *expected = ps__package_meta(p, "checksum");
    uint64_t header, digest;
    char found[17];
    if (!expected) return PS__OK;
    memcpy(&header, p->bytes, 8);
    if (digest_data(&digest, p, (size_t)header + 8)) return ps__fail_nomem(err);
    snprintf(found, sizeof found, "%016llx", (unsigned long long)digest);
    if (strcmp(found, expected) == 0) return PS__OK;
    return refuse(p, err, "is damaged: its data have the checksum %s, not %.16s", found, expected);
}

void ps__package_release(const ps__package *p) { ps__release_file(p->bytes, p->size); }

const char *ps__package_meta(const ps__package *p, const char *key) {
    return json_string_value(json_object_get(json_object_get(p->header, "__metadata__"), key));
}

const ps__tensor *ps__package_find(const ps__package *p, const char *name) {
    ps__tensor key = {.name = name};
    return p->tensor_count ? bsearch(&key, p->tensors, p->tensor_count, sizeof key, by_name) : NULL;
}

static int check_finite(const ps__package *p, const ps__tensor *t, ps__error *err) {
    const float *x = t->data;
    for (int64_t i = 0; i < t->count; i++)
        if (!isfinite(x[i])) return refuse(p, err, "tensor %s holds a value that is not a finite number", t->name);
    return PS__OK;
}

int ps__package_need(const ps__tensor **out, const ps__package *p, int type, int rank, const int64_t *shape, ps__error *err,
                     const char *name_format, ...) {
    static const char *const type_names[] = {"F32", "I8", "U8", "I32"};
    char name[128];
    va_list args;
    va_start(args, name_format);
    vsnprintf(name, sizeof name, name_format, args);
    va_end(args);
    const ps__tensor *t = ps__package_find(p, name);
    if (!t) return refuse(p, err, "tensor %s is missing", name);
    if (t->type != type)
        return refuse(p, err, "tensor %s has type %s, %s was expected", name, type_names[t->type], type_names[type]);
    int fits = t->rank == rank;
    for (int i = 0; fits && i < rank; i++) fits = shape[i] < 0 || shape[i] == t->shape[i];
    if (!fits)
        return refuse(p, err, "tensor %s has shape [%lld,%lld,%lld,%lld] (rank %d), which does not fit the architecture", name,
                      (long long)t->shape[0], (long long)t->shape[1], (long long)t->shape[2], (long long)t->shape[3], t->rank);
    *out = t;
    return type == PS__F32 ? check_finite(p, t, err) : PS__OK;
}

int ps__package_config(json_t **out, const ps__package *p, const char *key, ps__error *err) {
    json_error_t why;
    const char *text = ps__package_meta(p, key);
    *out = NULL;
    if (!text) return refuse(p, err, "%s is missing", key);
    json_t *config = json_loads(text, JSON_REJECT_DUPLICATES, &why);
    if (!json_is_object(config)) {
        json_decref(config);
        return refuse(p, err, "%s is not a JSON object", key);
    }
    *out = config;
    return PS__OK;
}

int ps__config_int(int *out, const ps__package *p, const json_t *config, const char *key, const char *field, int least, int most,
                   ps__error *err) {
    const json_t *value = json_object_get(config, field);
    if (!json_is_integer(value)) return refuse(p, err, "%s has no whole number \"%s\"", key, field);
    json_int_t n = json_integer_value(value);
    if (n < least || n > most)
        return refuse(p, err, "%s: \"%s\" is %lld, outside %d to %d", key, field, (long long)n, least, most);
    *out = (int)n;
    return PS__OK;
}
