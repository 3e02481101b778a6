/*
** Opens checkpoints: tells the formats apart, goes through the files of a sharded one, and takes off what is wrapped around the
** names.
*/
#include "encoder/import/checkpoint.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/os.h"
#include "base/utf8.h"
#include "encoder/import/checkpoint_inside.h"

enum { MOST_INDEX = 16 << 20 /* bytes of an index's JSON */, MOST_FILES = 256 };

int ps__checkpoint_refuse(const ps__mapped *file, ps__error *err, const char *format, ...) {
    char reason[900];
    va_list args;
    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    return ps__fail(err, PS__MODEL, "%s: %s", file->path, reason);
}

/* ---- Tensors ---- */

int ps__checkpoint_shape(ps__weight *w, const ps__mapped *file, const int64_t *shape, size_t rank, ps__error *err) {
    int64_t most = (int64_t)file->size, product = 1; /* product: of the dimensions that are not 0 */
    if (rank > PS__WEIGHT_RANK)
        return ps__checkpoint_refuse(file, err, "tensor %s has %zu dimensions, more than %d", w->name, rank, PS__WEIGHT_RANK);
    w->rank = (int)rank;
    w->count = 1;
    for (size_t i = 0; i < PS__WEIGHT_RANK; i++) {
        int64_t n = w->shape[i] = i < rank ? shape[i] : 1;
        if (n < 0 || n > most || (n && product > most / n))
            return ps__checkpoint_refuse(file, err, "tensor %s has an impossible shape", w->name);
        if (n) product *= n;
        w->count *= n;
    }
    return PS__OK;
}

void ps__checkpoint_strides(ps__stored *s) {
    int64_t stride = 1;
    for (int i = PS__WEIGHT_RANK - 1; i >= 0; i--) {
        s->stride[i] = stride;
        if (s->weight.shape[i]) stride *= s->weight.shape[i];
    }
}

static int check_name(const ps__mapped *file, const char *name, ps__error *err) {
    size_t length = strlen(name);
    int fine = length > 0 && length <= PS__MOST_NAME && ps__utf8_valid(name, length);
    for (size_t i = 0; i < length && fine; i++) fine = (unsigned char)name[i] >= 32 && name[i] != 127;
    return fine ? PS__OK
                : ps__checkpoint_refuse(file, err, "a tensor has a name that is no text of at most %d bytes", PS__MOST_NAME);
}

int ps__checkpoint_add(ps__checkpoint *c, const ps__stored *stored, ps__error *err) {
    const ps__mapped *file = &c->files[stored->file];
    int status = check_name(file, stored->weight.name, err);
    if (status) return status;
    if (c->count == c->room) {
        size_t room = c->room ? c->room * 2 : 256;
        if (room > PS__MOST_WEIGHTS) return ps__checkpoint_refuse(file, err, "has more than %d tensors", PS__MOST_WEIGHTS);
        ps__stored *all = ps__realloc(c->stored, room * sizeof *all);
        if (!all) return ps__fail_nomem(err);
        c->stored = all;
        c->room = room;
    }
    c->stored[c->count] = *stored;
    if (!(c->stored[c->count].weight.name = ps__strdup(stored->weight.name))) return ps__fail_nomem(err);
    c->count++;
    return PS__OK;
}

/* ---- Files ---- */

static int starts(const ps__mapped *file, size_t at, const char *bytes, size_t length) {
    return file->size >= at + length && memcmp(file->bytes + at, bytes, length) == 0;
}

/* What torch.save wrote before 1.6, or was told to write: pickles one after the other, of which the first is a magic number. */
static int is_old_torch(const ps__mapped *file) {
    static const char magic[] = "\x8A\x0A\x6C\xFC\x9C\x46\xF9\x20\x6A\xA8\x50\x19";
    return (starts(file, 0, "\x80", 1) && starts(file, 2, magic, sizeof magic - 1)) || starts(file, 257, "ustar", 5);
}

static int read_file(ps__checkpoint *c, const ps__mapped *file, ps__error *err) {
    if (starts(file, 0, "PK\3\4", 4) || starts(file, 0, "PK\5\6", 4)) return ps__checkpoint_add_torch(c, file, err);
    if (is_old_torch(file))
        return ps__checkpoint_refuse(
            file, err,
            "is in the format of PyTorch before 1.6, which is not read: load it in PyTorch and save it again with "
            "torch.save or as safetensors");
    if (starts(file, 0, "\x80\x02", 2) || starts(file, 0, "\x80\x03", 2) || starts(file, 0, "\x80\x04", 2) ||
        starts(file, 0, "\x80\x05", 2))
        return ps__checkpoint_refuse(file, err, "is a bare pickle, not a file of torch.save: not read");
    if (starts(file, 0, "version https://git-lfs", 23))
        return ps__checkpoint_refuse(file, err, "is a placeholder of Git LFS: the weights themselves were not downloaded");
    if (starts(file, 0, "\x89HDF", 4) || starts(file, 0, "<!DOCTYPE", 9) || starts(file, 0, "<html", 5))
        return ps__checkpoint_refuse(file, err, "is neither a safetensors nor a PyTorch zip file");
    return ps__checkpoint_add_safetensors(c, file, err);
}

/* Takes the path. */
static int add_file(ps__checkpoint *c, char *path, ps__error *err) {
    ps__mapped *files = path ? ps__realloc(c->files, (c->file_count + 1) * sizeof *files) : NULL;
    if (!files) {
        ps__free(path);
        return ps__fail_nomem(err);
    }
    c->files = files;
    ps__mapped *file = &files[c->file_count++];
    *file = (ps__mapped){.path = path};
    int status = ps__map_file(&file->bytes, &file->size, path, err);
    if (!status && !file->size) status = ps__checkpoint_refuse(file, err, "is empty");
    return status ? status : read_file(c, file, err);
}

/* ---- Names ---- */

static int by_name(const void *a, const void *b) {
    return strcmp(((const ps__stored *)a)->weight.name, ((const ps__stored *)b)->weight.name);
}

/* Cuts the prefix off all names if all have it, and something behind it. */
static int cut_prefix(ps__checkpoint *c, const char *prefix) {
    size_t length = strlen(prefix);
    for (size_t i = 0; i < c->count; i++)
        if (strncmp(c->stored[i].weight.name, prefix, length) != 0 || !c->stored[i].weight.name[length]) return 0;
    for (size_t i = 0; i < c->count; i++) {
        char *name = (char *)(uintptr_t)c->stored[i].weight.name;
        memmove(name, name + length, strlen(name) - length + 1);
    }
    return c->count > 0;
}

static int finish(ps__checkpoint *c, ps__error *err) {
    ps__mapped whole = {.path = c->path};
    if (!c->count) return ps__checkpoint_refuse(&whole, err, "holds no tensors");
    while (cut_prefix(c, "module.") || cut_prefix(c, "_orig_mod.") || cut_prefix(c, "model.")) continue;
    qsort(c->stored, c->count, sizeof *c->stored, by_name);
    for (size_t i = 1; i < c->count; i++)
        if (by_name(&c->stored[i - 1], &c->stored[i]) == 0)
            return ps__checkpoint_refuse(&whole, err, "tensor %s is there twice", c->stored[i].weight.name);
    return PS__OK;
}

/* ---- Indexes of sharded checkpoints ---- */

static int ends(const char *text, const char *end) {
    size_t length = strlen(text), n = strlen(end);
    return length >= n && strcmp(text + length - n, end) == 0;
}

/* Only a plain file name: an index may not reach out of its folder. */
static int is_plain_name(const char *name) { return *name && *name != '.' && !strchr(name, '/') && !ends(name, ".json"); }

static char *beside(const char *path, const char *name) {
    ps__buf b = PS__BUF_INIT;
    const char *slash = strrchr(path, '/');
    if (slash) ps__buf_append(&b, path, (size_t)(slash - path) + 1);
    ps__buf_puts(&b, name);
    return ps__buf_detach(&b);
}

/* The files of weight_map as a set (an object whose keys they are). */
static int list_files(json_t *names, const json_t *map, const ps__mapped *index, ps__error *err) {
    const char *tensor;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)map, tensor, value) {
        const char *name = json_string_value(value);
        if (!name || !is_plain_name(name))
            return ps__checkpoint_refuse(index, err, "names the file \"%.100s\" for tensor %.100s, which is no file beside it",
                                         name ? name : "", tensor);
        if (json_object_set_new(names, name, json_true())) return ps__fail_nomem(err);
    }
    if (json_object_size(names) > MOST_FILES) return ps__checkpoint_refuse(index, err, "names more than %d files", MOST_FILES);
    return json_object_size(names) ? PS__OK : ps__checkpoint_refuse(index, err, "has no \"weight_map\" that names files");
}

/* Every tensor is where the index says, and nowhere else; what the index does not know is kept too. */
static int check_map(const ps__checkpoint *c, const json_t *map, const ps__mapped *index, ps__error *err) {
    const char *tensor;
    json_t *value;
    json_t *there = json_object();
    int status = there ? PS__OK : ps__fail_nomem(err);
    for (size_t i = 0; i < c->count && !status; i++) {
        const char *slash = strrchr(c->files[c->stored[i].file].path, '/'),
                   *name = slash ? slash + 1 : c->files[c->stored[i].file].path;
        if (json_object_get(there, c->stored[i].weight.name))
            status = ps__checkpoint_refuse(index, err, "tensor %s is there twice: in %.200s too", c->stored[i].weight.name, name);
        else if (json_object_set_new(there, c->stored[i].weight.name, json_string(name)))
            status = ps__fail_nomem(err);
    }
    json_object_foreach((json_t *)(uintptr_t)map, tensor, value) {
        if (!status && !json_equal(json_object_get(there, tensor), value))
            status = ps__checkpoint_refuse(index, err, "says that tensor %.200s is in %.100s, where it is not", tensor,
                                           json_string_value(value));
    }
    json_decref(there);
    return status;
}

static int open_files(ps__checkpoint *c, const json_t *root, const ps__mapped *index, ps__error *err) {
    const json_t *map = json_object_get(root, "weight_map");
    json_t *names = json_object(), *unused;
    const char *name;
    int status = names ? list_files(names, map, index, err) : ps__fail_nomem(err);
    json_object_foreach(names, name, unused) {
        if (!status) status = add_file(c, beside(index->path, name), err);
    }
    json_decref(names);
    return status ? status : check_map(c, map, index, err);
}

static int open_index(ps__checkpoint *c, ps__error *err) {
    ps__mapped index = {.path = c->path};
    uint8_t *bytes;
    json_error_t why;
    int status = ps__read_file(&bytes, &index.size, NULL, c->path, MOST_INDEX, err);
    if (status) return status;
    json_t *root = json_loadb((const char *)bytes, index.size, JSON_REJECT_DUPLICATES, &why);
    ps__free(bytes);
    status = root ? open_files(c, root, &index, err) : ps__checkpoint_refuse(&index, err, "is not JSON: %s", why.text);
    json_decref(root);
    return status;
}

/* ---- Use ---- */

int ps__checkpoint_open(ps__checkpoint **out, const char *path, ps__error *err) {
    *out = NULL;
    ps__checkpoint *c = ps__calloc(1, sizeof *c);
    if (!c || !(c->path = ps__strdup(path))) {
        ps__free(c);
        return ps__fail_nomem(err);
    }
    int status = ends(path, ".index.json") ? open_index(c, err) : add_file(c, ps__strdup(path), err);
    if (!status) status = finish(c, err);
    for (size_t i = 0; i < c->file_count; i++) ps__release_file(c->files[i].bytes, c->files[i].size);
    if (status) {
        ps__checkpoint_free(c);
        return status;
    }
    *out = c;
    return PS__OK;
}

void ps__checkpoint_free(ps__checkpoint *c) {
    if (!c) return;
    for (size_t i = 0; i < c->count; i++) ps__free((char *)(uintptr_t)c->stored[i].weight.name);
    for (size_t i = 0; i < c->file_count; i++) {
        ps__unmap_file(c->files[i].bytes, c->files[i].size);
        ps__free(c->files[i].path);
    }
    ps__free(c->stored);
    ps__free(c->files);
    ps__free(c->path);
    ps__free(c);
}

const char *ps__checkpoint_path(const ps__checkpoint *c) { return c->path; }

const ps__weight *ps__checkpoint_at(const ps__checkpoint *c, size_t i) { return i < c->count ? &c->stored[i].weight : NULL; }

int ps__checkpoint_has(const ps__checkpoint *c, const char *prefix) {
    size_t low = 0, high = c->count;
    while (low < high) { /* to the first name that is not below the prefix */
        size_t middle = low + (high - low) / 2;
        if (strcmp(c->stored[middle].weight.name, prefix) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < c->count && strncmp(c->stored[low].weight.name, prefix, strlen(prefix)) == 0;
}

const ps__weight *ps__checkpoint_find(const ps__checkpoint *c, const char *name) {
    ps__stored key = {.weight.name = name};
    const ps__stored *found = bsearch(&key, c->stored, c->count, sizeof key, by_name);
    return found ? &found->weight : NULL;
}
