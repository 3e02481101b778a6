/*
** Packages made for a test; see packages.h.
*/
#include "tests/encoder/packages.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/os.h"

#define BUCKETS 1024

int packages_bank(int r, int i) { return (r * 37 + i * 101 + r * i * 13) % 255 - 127; }

/* The file being written. */
typedef struct output {
    json_t *header;
    ps__buf data;
} output;

static void add_tensor(output *o, const char *name, const char *type, json_t *shape, const void *bytes, size_t size) {
    long long from = (long long)o->data.length;
    json_object_set_new(
        o->header, name,
        json_pack("{s:s, s:o, s:[I,I]}", "dtype", type, "shape", shape, "data_offsets", from, from + (long long)size));
    ps__buf_append(&o->data, bytes, size);
}

/* All F32 tensors of a package come before those of one byte, so that each is aligned: the bank's numbers stand first. */
static void add_bank(output *o, int bank, int dim, int last) {
    int rows = abs(bank);
    float *floats = calloc((size_t)rows * (size_t)dim, sizeof *floats);
    int8_t *levels = calloc((size_t)rows * (size_t)dim, 1);
    for (int r = 0; r < rows; r++)
        for (int i = 0; i < dim; i++) {
            levels[r * dim + i] = (int8_t)packages_bank(r, i);
            floats[r * dim + i] = (float)packages_bank(r, i) / 400;
        }
    if (bank > 0 && !last)
        add_tensor(o, "image.background", "F32", json_pack("[i,i]", rows, dim), floats, (size_t)rows * (size_t)dim * 4);
    for (int r = 0; r < rows; r++) floats[r] = (float)(r + 1) / 400;
    if (bank < 0 && !last) add_tensor(o, "image.background.scale", "F32", json_pack("[i]", rows), floats, (size_t)rows * 4);
    if (bank < 0 && last)
        add_tensor(o, "image.background", "I8", json_pack("[i,i]", rows, dim), levels, (size_t)rows * (size_t)dim);
    free(floats);
    free(levels);
}

/* All runs count 0 but the word itself. */
static void add_classifier(output *o, const char *word) {
    int8_t weight[BUCKETS] = {0};
    uint32_t hash = 2166136261u;
    for (const char *p = word; *p; p++) hash = (hash ^ (unsigned char)*p) * 16777619u;
    weight[hash % BUCKETS] = -127;
    add_tensor(o, "text.english.weight", "I8", json_pack("[i]", BUCKETS), weight, sizeof weight);
}

static int is_kept(const char *name, const package_recipe *r) {
    if (r->without && strcmp(name, r->without) == 0) return 0;
    return strncmp(name, "image.", 6) == 0 ? r->keeps_image : !r->drops_text;
}

static void copy_tensors(output *o, const json_t *from, const uint8_t *data, const package_recipe *r) {
    const char *name;
    json_t *entry;
    json_object_foreach((json_t *)from, name, entry) {
        if (strcmp(name, "__metadata__") == 0 || !is_kept(name, r)) continue;
        const json_t *offsets = json_object_get(entry, "data_offsets");
        size_t first = (size_t)json_integer_value(json_array_get(offsets, 0)),
               end = (size_t)json_integer_value(json_array_get(offsets, 1));
        char *bytes = malloc(end - first);
        memcpy(bytes, data + first, end - first);
        for (size_t i = 0; r->turned && strcmp(name, "text.proj.weight") == 0 && i < end - first; i += 2)
            bytes[i] = (char)-bytes[i];
        add_tensor(o, name, json_string_value(json_object_get(entry, "dtype")), json_incref(json_object_get(entry, "shape")),
                   bytes, end - first);
        free(bytes);
    }
}

static void set_text(json_t *meta, const char *key, const char *value) {
    if (value) json_object_set_new(meta, key, json_string(value));
}

static json_t *make_metadata(const json_t *from, const package_recipe *r) {
    json_t *meta = json_deep_copy(from);
    json_t *config = json_loads(json_string_value(json_object_get(from, "text.config")), 0, NULL);
    ck_assert_ptr_nonnull(config);
    set_text(config, "languages", r->languages);
    if (r->foreign) {
        json_object_set_new(config, "english_scale", json_real(1.0));
        json_object_set_new(config, "english_bias", json_real(0.5));
    }
    char *text = json_dumps(config, 0);
    set_text(meta, "text.config", text);
    set_text(meta, "name", r->name);
    set_text(meta, "space", r->space);
    set_text(meta, "calibration", r->calibration);
    if (!r->keeps_image) json_object_del(meta, "image.family");
    if (r->drops_text) json_object_del(meta, "text.family");
    free(text);
    json_decref(config);
    return meta;
}

void packages_write(const char *path, const package_recipe *recipe) {
    ps__error err = {0};
    uint8_t *bytes;
    size_t size;
    uint64_t length;
    ck_assert_msg(ps__read_file(&bytes, &size, NULL, PACKAGES_TINY, 1 << 20, &err) == PS__OK, "%s", err.text);
    memcpy(&length, bytes, 8);
    json_t *from = json_loadb((const char *)bytes + 8, (size_t)length, 0, NULL);
    ck_assert_ptr_nonnull(from);
    output o = {.header = json_object(), .data = PS__BUF_INIT};
    json_object_set_new(o.header, "__metadata__", make_metadata(json_object_get(from, "__metadata__"), recipe));
    if (recipe->bank) add_bank(&o, recipe->bank, 32, 0);
    copy_tensors(&o, from, bytes + 8 + length, recipe);
    if (recipe->bank) add_bank(&o, recipe->bank, 32, 1);
    if (recipe->foreign) add_classifier(&o, recipe->foreign);

    ps__buf file = PS__BUF_INIT;
    char *text = json_dumps(o.header, JSON_COMPACT);
    length = (strlen(text) + 8 + 63) / 64 * 64 - 8;
    ps__buf_append(&file, &length, 8);
    ps__buf_printf(&file, "%-*s", (int)length, text);
    ps__buf_append(&file, o.data.bytes, o.data.length);
    ck_assert_msg(ps__write_file(path, file.bytes, file.length, &err) == PS__OK, "%s", err.text);
    ps__buf_free(&file);
    ps__buf_free(&o.data);
    json_decref(o.header);
    json_decref(from);
    free(text);
    ps__free(bytes);
}
