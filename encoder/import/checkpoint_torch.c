/*
** Checkpoints in the zip files of torch.save and torch.jit.save: ARCHIVE/data.pkl is a pickle in which storages stand by number,
** and ARCHIVE/data/NUMBER are their bytes. Of the pickle, tensors and what holds them is understood; all else beside them is left
** alone.
*/
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "encoder/import/checkpoint_inside.h"
#include "encoder/import/pickle.h"
#include "encoder/import/zip.h"

enum {
    MOST_PICKLE = 64 << 20,          /* bytes */
    MOST_STEPS = 1 << 22,            /* values walked through or looked at: they may be shared */
    LONGEST_NAME = 2 * PS__MOST_NAME /* of a value on the way; a longer one ends the walk */
};

typedef struct torch_file {
    ps__checkpoint *checkpoint;
    const ps__mapped *file;
    ps__zip zip;
    const char *archive; /* the name before "/data.pkl", archive_length bytes */
    int archive_length;
    ps__buf name; /* of the value that is looked at */
    long steps;   /* taken so far */
    ps__error *err;
} torch_file;

typedef struct storage {
    const uint8_t *data;
    uint64_t bytes;           /* that the archive has, at least what the pickle says */
    const ps__number *number; /* NULL: only bytes */
} storage;

/* ---- What a value is ---- */

/* "module.name" of what made an object; "" for what is none. */
static const char *maker(const ps__pickled *v) {
    return v->kind == PS__PICKLED_OBJECT && v->as.call.of->kind == PS__PICKLED_GLOBAL ? v->as.call.of->as.text.bytes : "";
}

static const ps__pickled *item(const ps__pickled *v, uint32_t i) {
    return v && (v->kind == PS__PICKLED_TUPLE || v->kind == PS__PICKLED_LIST) && i < v->count ? v->entries[i].value : NULL;
}

static int is_container(const ps__pickled *v) {
    if (v->kind == PS__PICKLED_DICT || v->kind == PS__PICKLED_LIST || v->kind == PS__PICKLED_TUPLE) return 1;
    if (v->kind != PS__PICKLED_OBJECT) return 0;
    return v->count || (v->as.call.state && v->as.call.state->kind == PS__PICKLED_DICT) ||
           !strcmp(maker(v), "collections.OrderedDict");
}

/* For messages. */
static const char *describe(const ps__pickled *v) {
    switch (v->kind) {
    case PS__PICKLED_GLOBAL: return v->as.text.bytes;
    case PS__PICKLED_OBJECT: return *maker(v) ? maker(v) : "an object";
    case PS__PICKLED_TEXT:
    case PS__PICKLED_BYTES: return "a string";
    case PS__PICKLED_PERSISTENT: return "a storage";
    case PS__PICKLED_NONE: return "None";
    case PS__PICKLED_DICT:
    case PS__PICKLED_LIST:
    case PS__PICKLED_TUPLE: return "a container";
    default: return "a number";
    }
}

typedef struct call { /* of one of torch's functions */
    const char *function;
    const ps__pickled *args;
} call;

/* What an object was made by, behind what only passes a tensor or a list on. function is "" for other values. *v: what is passed
** on. */
static call read_call(const ps__pickled **v) {
    static const char *const passing[] = {"torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state",
                                          "torch.jit._pickle.restore_type_tag", "torch.jit._pickle.build_tensorlist"};
    for (int hops = 0; hops < 8; hops++) {
        call c = {maker(*v), (*v)->kind == PS__PICKLED_OBJECT ? (*v)->as.call.args : NULL};
        const ps__pickled *inner = NULL;
        for (size_t i = 0; i < sizeof passing / sizeof *passing; i++)
            if (strcmp(c.function, passing[i]) == 0) inner = item(c.args, 0);
        if (inner) {
            *v = inner;
            continue;
        }
        const ps__pickled *function = item(c.args, 0);
        if (strcmp(c.function, "torch._tensor._rebuild_from_type_v2") == 0 && function && function->kind == PS__PICKLED_GLOBAL)
            return (call){function->as.text.bytes, item(c.args, 2)};
        return c;
    }
    return (call){"", NULL};
}

static int is_tensor(const ps__pickled *v) { return strncmp(read_call(&v).function, "torch._utils._rebuild_", 22) == 0; }

/* ---- Tensors ---- */

#define REFUSE_TENSOR(t, format, ...)                                                                                            \
    ps__checkpoint_refuse((t)->file, (t)->err, "tensor %.300s " format, (t)->name.bytes, __VA_ARGS__)

static int read_whole(int64_t *out, const ps__pickled *v) {
    if (!v || v->kind != PS__PICKLED_INT) return 0;
    *out = v->as.number;
    return 1;
}

/* ("storage", torch.FloatStorage, "0", "cpu", numbers) */
static int find_storage(storage *out, torch_file *t, const ps__pickled *v, ps__zip_entry const **entry) {
    const ps__pickled *id = v->kind == PS__PICKLED_PERSISTENT ? v->as.call.args : NULL;
    const ps__pickled *class = item(id, 1), *key = item(id, 2);
    char name[1200];
    int64_t count;
    if (!id) return REFUSE_TENSOR(t, "has %.200s where its storage should be", describe(v));
    if (!class || !key || !ps__pickled_is(item(id, 0), PS__PICKLED_TEXT, "storage") || key->kind != PS__PICKLED_TEXT ||
        key->as.text.length > 64 || !read_whole(&count, item(id, 4)) || count < 0)
        return REFUSE_TENSOR(t, "has a storage that is %s", "not described as torch does");
    if (class->kind != PS__PICKLED_GLOBAL) return REFUSE_TENSOR(t, "has a storage of the class %.200s", describe(class));
    const char *type = class->as.text.bytes;
    out->number = strncmp(type, "torch.", 6) == 0 ? ps__number_of_storage(type + 6) : NULL;
    if (!out->number && strcmp(type, "torch.storage.UntypedStorage") != 0)
        return REFUSE_TENSOR(t, "has a storage of the class %.200s, which is not read", type);
    snprintf(name, sizeof name, "%.*s/data/%.*s", t->archive_length, t->archive, (int)key->as.text.length, key->as.text.bytes);
    if (!(*entry = ps__zip_find(&t->zip, name))) return REFUSE_TENSOR(t, "has its storage in %.200s, which is missing", name);
    size_t size = out->number ? out->number->bytes : 1;
    if (!(*entry)->data) return ps__zip_check(&t->zip, *entry, 0, t->err);
    if ((uint64_t)count > (*entry)->size / size)
        return REFUSE_TENSOR(t, "has a storage of %lld entries of %zu bytes in %.200s, which has %llu bytes", (long long)count,
                             size, name, (unsigned long long)(*entry)->size);
    out->data = (*entry)->data;
    out->bytes = (uint64_t)count * size;
    return PS__OK;
}

/* Fills shape and strides; offset + the last entry must lie in the storage. */
static int place(ps__stored *s, torch_file *t, const storage *in, const ps__pickled *args) {
    const ps__pickled *sizes = item(args, 2), *strides = item(args, 3);
    int64_t shape[PS__WEIGHT_RANK] = {0}, offset, last, reach;
    if (!read_whole(&offset, item(args, 1)) || offset < 0 || !sizes || !strides || sizes->kind != PS__PICKLED_TUPLE ||
        strides->kind != PS__PICKLED_TUPLE || sizes->count != strides->count)
        return REFUSE_TENSOR(t, "has %s", "no proper offset, sizes and strides");
    for (uint32_t i = 0; i < sizes->count && i < PS__WEIGHT_RANK; i++)
        if (!read_whole(&shape[i], item(sizes, i)) || !read_whole(&s->stride[i], item(strides, i)) || s->stride[i] < 0)
            return REFUSE_TENSOR(t, "has %s", "no proper sizes and strides");
    int status = ps__checkpoint_shape(&s->weight, t->file, shape, sizes->count, t->err);
    if (status) return status;
    last = offset;
    for (int i = 0; i < s->weight.rank && s->weight.count; i++)
        if (__builtin_mul_overflow(s->weight.shape[i] - 1, s->stride[i], &reach) || __builtin_add_overflow(last, reach, &last))
            last = INT64_MAX;
    if (s->weight.count && (uint64_t)last >= in->bytes / s->number->bytes)
        return REFUSE_TENSOR(t, "lies outside of its storage of %llu entries",
                             (unsigned long long)(in->bytes / s->number->bytes));
    s->data = s->weight.count ? in->data + (size_t)offset * s->number->bytes : in->data;
    return PS__OK;
}

static int add_tensor(torch_file *t, const ps__pickled *v) {
    call c = read_call(&v);
    ps__stored s = {.file = t->checkpoint->file_count - 1, .weight.name = t->name.bytes};
    const ps__zip_entry *entry = NULL;
    storage in = {0};
    int typed = strcmp(c.function, "torch._utils._rebuild_tensor_v3") == 0;
    if (!typed && strcmp(c.function, "torch._utils._rebuild_tensor_v2") != 0 &&
        strcmp(c.function, "torch._utils._rebuild_tensor") != 0)
        return REFUSE_TENSOR(t, "is made by %.200s, which is not read", c.function);
    if (!item(c.args, 3)) return REFUSE_TENSOR(t, "is made without %s", "a storage");
    int status = find_storage(&in, t, item(c.args, 0), &entry);
    if (status) return status;
    const ps__pickled *dtype = typed ? item(c.args, 6) : NULL;
    s.number = in.number;
    if (dtype && dtype->kind == PS__PICKLED_GLOBAL && strncmp(dtype->as.text.bytes, "torch.", 6) == 0)
        s.number = ps__number_of_dtype(dtype->as.text.bytes + 6);
    if (!s.number) return REFUSE_TENSOR(t, "has the type %.200s, which is not read", dtype ? describe(dtype) : "(none)");
    s.weight.type = s.number->name;
    if ((status = place(&s, t, &in, c.args)) != PS__OK) return status;
    return ps__checkpoint_add(t->checkpoint, &s, t->err);
}

/* ---- Names ---- */

/* Adds ".KEY" to the name; 0: the key is no part of a name. */
static int enter(torch_file *t, const ps__pickled *key, uint32_t position) {
    if (key && key->kind != PS__PICKLED_TEXT && key->kind != PS__PICKLED_INT) return 0;
    if (key && key->kind == PS__PICKLED_TEXT && key->as.text.length <= LONGEST_NAME &&
        memchr(key->as.text.bytes, 0, key->as.text.length))
        return 0;
    if (t->name.length) ps__buf_putc(&t->name, '.');
    if (!key)
        ps__buf_printf(&t->name, "%u", (unsigned)position);
    else if (key->kind == PS__PICKLED_INT)
        ps__buf_printf(&t->name, "%lld", (long long)key->as.number);
    else
        ps__buf_append(&t->name, key->as.text.bytes, key->as.text.length);
    return 1;
}

static void leave(torch_file *t, size_t length) {
    if (t->name.length == length) return;
    t->name.length = length;
    t->name.bytes[length] = 0;
}

static int walk(torch_file *t, const ps__pickled *v, int depth);

static int walk_entries(torch_file *t, const ps__pickled *v, int depth) {
    size_t length = t->name.length;
    int status = PS__OK;
    for (uint32_t i = 0; i < v->count && !status; i++) {
        if (!enter(t, v->entries[i].key, i)) continue;
        if (t->name.failed) return ps__fail_nomem(t->err);
        status = walk(t, v->entries[i].value, depth + 1);
        leave(t, length);
    }
    return status;
}

/* A module of PyTorch that was pickled whole: only these three of its attributes have weights, and their own names are not in
** those. */
static int walk_module(torch_file *t, const ps__pickled *v, int depth) {
    static const char *const parts[] = {"_parameters", "_buffers", "_modules"};
    int status = PS__OK;
    for (int i = 0; i < 3 && !status; i++) {
        const ps__pickled *part = ps__pickled_get(v, parts[i]);
        if (part && is_container(part)) status = walk(t, part, depth + 1);
    }
    return status;
}

/* What a visit of v costs: all of its entries and of its state's are looked at, also those that are no part of a name. */
static long steps_of(const ps__pickled *v) {
    const ps__pickled *state = v->kind == PS__PICKLED_OBJECT ? v->as.call.state : NULL;
    return 1 + (long)v->count + (state ? (long)state->count : 0);
}

/* Adds all tensors in v. The depth of the walk is bounded, and so is the recursion. */
static int walk(torch_file *t, const ps__pickled *v, int depth) {
    const int has_tensor = is_tensor(v);
    if (!has_tensor) read_call(&v);
    t->steps += steps_of(v);
    if (t->steps > MOST_STEPS || depth > PS__PICKLE_DEPTH || t->name.length > LONGEST_NAME)
        return ps__checkpoint_refuse(t->file, t->err, "is a checkpoint whose containers hold each other without end");
    if (has_tensor) return add_tensor(t, v);
    if (!is_container(v)) return PS__OK;
    if (v->kind != PS__PICKLED_OBJECT) return walk_entries(t, v, depth);
    if (ps__pickled_get(v, "_modules")) return walk_module(t, v, depth);
    int status = walk_entries(t, v, depth);
    const ps__pickled *state = v->as.call.state;
    return status || !state || state->kind != PS__PICKLED_DICT ? status : walk_entries(t, state, depth);
}

/* ---- Wrappers ---- */

/* From what a training run saves to the weights in it. Modules are no wrappers, even where an attribute has such a name. */
static int unwrap(torch_file *t, const ps__pickled **v) {
    static const char *const wrappers[] = {"state_dict", "model_state_dict", "model", "module"};
    for (int hops = 0; hops < 8; hops++) {
        const ps__pickled *inner = NULL;
        if (strncmp(maker(*v), "__torch__.", 10) == 0 || ps__pickled_get(*v, "_modules")) return PS__OK;
        for (size_t i = 0; i < sizeof wrappers / sizeof *wrappers && !inner; i++) {
            inner = ps__pickled_get(*v, wrappers[i]);
            if (!inner || is_tensor(inner)) {
                inner = NULL;
            } else if (!is_container(inner)) {
                if (inner->kind == PS__PICKLED_OBJECT || inner->kind == PS__PICKLED_GLOBAL)
                    return ps__checkpoint_refuse(t->file, t->err, "its \"%s\" is %.200s, not tensors by name", wrappers[i],
                                                 describe(inner));
                inner = NULL;
            }
        }
        if (!inner) return PS__OK;
        *v = inner;
    }
    return PS__OK;
}

static int add_tensors(torch_file *t, const ps__pickled *root) {
    if (is_tensor(root)) return ps__checkpoint_refuse(t->file, t->err, "holds a single tensor without a name");
    if (!is_container(root)) return ps__checkpoint_refuse(t->file, t->err, "holds %.200s, not tensors by name", describe(root));
    int status = unwrap(t, &root);
    return status ? status : walk(t, root, 0);
}

/* ---- The archive ---- */

/* ARCHIVE/data.pkl, where ARCHIVE is one name. */
static int find_pickle(torch_file *t, const ps__zip_entry **pickle) {
    static const char end[] = "/data.pkl";
    size_t length = sizeof end - 1;
    *pickle = NULL;
    for (size_t i = 0; i < t->zip.count; i++) {
        const ps__zip_entry *e = &t->zip.entries[i];
        if (e->name_length <= length || memcmp(e->name + e->name_length - length, end, length) != 0) continue;
        if (memchr(e->name, '/', e->name_length) != e->name + e->name_length - length) continue;
        if (*pickle) return ps__checkpoint_refuse(t->file, t->err, "is a zip file with two data.pkl");
        *pickle = e;
        t->archive = e->name;
        t->archive_length = (int)(e->name_length - length);
    }
    if (!*pickle) return ps__checkpoint_refuse(t->file, t->err, "is a zip file without a data.pkl: PyTorch did not write it");
    if ((*pickle)->data && (*pickle)->size > MOST_PICKLE)
        return ps__checkpoint_refuse(t->file, t->err, "has a pickle of %llu bytes, more than %d",
                                     (unsigned long long)(*pickle)->size, MOST_PICKLE);
    return ps__zip_check(&t->zip, *pickle, 1, t->err);
}

static int check_byte_order(torch_file *t) {
    char name[1200];
    snprintf(name, sizeof name, "%.*s/byteorder", t->archive_length, t->archive);
    const ps__zip_entry *e = ps__zip_find(&t->zip, name);
    int status = e ? ps__zip_check(&t->zip, e, 1, t->err) : PS__OK;
    if (!e || status || (e->size == 6 && memcmp(e->data, "little", 6) == 0)) return status;
    return ps__checkpoint_refuse(t->file, t->err, "was written on a big-endian machine, which is not read");
}

static int read_archive(torch_file *t) {
    const ps__zip_entry *entry = NULL;
    ps__pickle *pickle = NULL;
    ps__pickled *root = NULL;
    int status = find_pickle(t, &entry);
    if (!status) status = check_byte_order(t);
    if (!status) status = ps__pickle_read(&pickle, &root, t->file->path, entry->data, (size_t)entry->size, t->err);
    if (status) return status;
    status = add_tensors(t, root);
    ps__pickle_free(pickle);
    return status;
}

int ps__checkpoint_add_torch(ps__checkpoint *c, const ps__mapped *file, ps__error *err) {
    torch_file t = {.checkpoint = c, .file = file, .name = PS__BUF_INIT, .err = err};
    int status = ps__zip_open(&t.zip, file->path, file->bytes, file->size, err);
    if (!status) status = read_archive(&t);
    ps__zip_close(&t.zip);
    ps__buf_free(&t.name);
    return status;
}
