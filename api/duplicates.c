/*
** Duplicates: groups of files that hold the same picture, the best first.
*/
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "api/handles.h"
#include "api/last_error.h"
#include "base/alloc.h"
#include "search/duplicates.h"
#include "store/looks.h"

typedef struct group {
    ps_duplicate *files; /* [count] owned, and their strings */
    size_t count, capacity;
    uint64_t saves; /* bytes of the files that are not the best */
} group;

struct ps_duplicates {
    group *groups; /* [count] owned */
    size_t count;
};

/* What became a file of a group last, to know other names of one file by. */
typedef struct inode {
    int64_t number, device;
} inode;

/* A photo's files being added to a group. */
typedef struct adding {
    group *to;
    inode *inodes; /* [to->capacity] owned; of to->files */
    const ps__photo *photo;
    double similarity;
    ps__error *err;
} adding;

static int make_room(adding *a) {
    group *g = a->to;
    if (g->count < g->capacity) return PS__OK;
    size_t capacity = g->capacity ? g->capacity * 2 : 4;
    ps_duplicate *files = ps__realloc(g->files, capacity * sizeof *files);
    if (files) g->files = files;
    inode *inodes = files ? ps__realloc(a->inodes, capacity * sizeof *inodes) : NULL;
    if (!inodes) return ps__fail_nomem(a->err);
    a->inodes = inodes;
    g->capacity = capacity;
    return PS__OK;
}

/* 1: the group has this file under another name. */
static int is_linked(const adding *a, const ps__copy *copy) {
    for (size_t i = 0; i < a->to->count; i++)
        if (a->inodes[i].number == copy->inode && a->inodes[i].device == copy->device) return copy->inode != 0;
    return 0;
}

static int add_copy(const ps__copy *copy, void *payload) {
    adding *a = payload;
    group *g = a->to;
    if (make_room(a) != PS__OK) return PS__NOMEM;
    ps_duplicate d = {
        .version = PS_DUPLICATE_VERSION,
        .photo = a->photo->id,
        .path = ps__strdup(copy->path),
        .taken = a->photo->taken[0] ? ps__strdup(a->photo->taken) : NULL,
        .width = a->photo->width,
        .height = a->photo->height,
        .bytes = a->photo->bytes > 0 ? (uint64_t)a->photo->bytes : 0,
        .similarity = a->similarity > 1.0 ? 1.0 : a->similarity,
        .exact = g->count == 0 || g->files[0].photo == a->photo->id,
        .linked = is_linked(a, copy),
    };
    if (!d.path || (a->photo->taken[0] && !d.taken)) {
        ps__free((void *)(uintptr_t)d.path);
        ps__free((void *)(uintptr_t)d.taken);
        return ps__fail_nomem(a->err);
    }
    if (g->count && !d.linked) g->saves += d.bytes;
    a->inodes[g->count] = (inode){copy->inode, copy->device};
    g->files[g->count++] = d;
    return PS__OK;
}

static void clear_group(group *g) {
    for (size_t i = 0; i < g->count; i++) {
        ps__free((void *)(uintptr_t)g->files[i].path);
        ps__free((void *)(uintptr_t)g->files[i].taken);
    }
    ps__free(g->files);
    memset(g, 0, sizeof *g);
}

static int fill_group(group *g, ps__store *store, const ps__duplicate_group *found, ps__error *err) {
    adding a = {.to = g, .err = err};
    int status = PS__OK;
    for (size_t i = 0; i < found->count && status == PS__OK; i++) {
        ps__photo photo;
        status = ps__store_photo(&photo, store, found->list[i].photo, err);
        a.photo = &photo;
        a.similarity = found->list[i].similarity;
        if (status == PS__OK) status = ps__store_each_copy(store, photo.id, add_copy, &a, err);
    }
    ps__free(a.inodes);
    return status;
}

/* Several names of one file are no copies. */
static int has_copies(const group *g) {
    for (size_t i = 1; i < g->count; i++)
        if (!g->files[i].linked) return 1;
    return 0;
}

static int most_saved_first(const void *a, const void *b) {
    const group *x = a, *y = b;
    if (x->saves != y->saves) return x->saves < y->saves ? 1 : -1;
    return strcmp(x->files[0].path, y->files[0].path);
}

static int fill(ps_duplicates *out, ps__store *store, const ps__duplicates *found, ps__error *err) {
    int status = PS__OK;
    if (found->count == 0) return PS__OK;
    if (!(out->groups = ps__calloc(found->count, sizeof *out->groups))) return ps__fail_nomem(err);
    for (size_t i = 0; i < found->count && status == PS__OK; i++) {
        group *g = &out->groups[out->count];
        status = fill_group(g, store, &found->groups[i], err);
        if (status == PS__OK && has_copies(g))
            out->count++;
        else
            clear_group(g);
    }
    if (out->count > 1) qsort(out->groups, out->count, sizeof *out->groups, most_saved_first);
    return status;
}

/* All of it in one view of the library. */
static int find(ps_duplicates *out, ps_library *library, ps__store *store, double least, ps__error *err) {
    ps__store_model model;
    ps__duplicates found = {0};
    int status = ps__store_begin(store, err);
    if (status != PS__OK) return status;
    status = ps__store_current_model(&model, store, err);
    if (status == PS__OK) status = ps__duplicates_find(&found, store, model.space_number, model.dim, least, err);
    if (status == PS__OK) status = fill(out, store, &found, err);
    ps__store_end(store);
    if (status == PS__OK && found.unknown)
        ps__logf(&library->log, PS__LOG_WARNING,
                 "%zu photo%s compared by content only, as %s indexed by an older version; index the folders again",
                 found.unknown, found.unknown == 1 ? " was" : "s were", found.unknown == 1 ? "it was" : "they were");
    ps__duplicates_clear(&found);
    return status;
}

int ps_duplicates_open(ps_duplicates **out, ps_library *library, const ps_duplicates_options *options) {
    ps__error err = {0};
    ps__store *store;
    double least = options ? options->least_similarity : 0;
    if (!library || !out) return ps__refuse(library, PS_INVALID, "ps_duplicates_open was given no library or no place");
    *out = NULL;
    if (options && options->version != PS_DUPLICATES_OPTIONS_VERSION)
        return ps__refuse(library, PS_INVALID, "ps_duplicates_options has an unknown version");
    if (!(least >= 0 && least <= 1)) return ps__refuse(library, PS_INVALID, "a least similarity is from 0 to 1");
    ps_duplicates *d = ps__calloc(1, sizeof *d);
    if (!d) return ps__refuse(library, PS_NOMEM, "out of memory");
    int status = ps__library_take_store(&store, library, &err);
    if (status == PS__OK) status = find(d, library, store, least > 0 ? least : PS__DUPLICATES_LEAST, &err);
    ps__library_put_store(library, store);
    if (status == PS__OK)
        *out = d;
    else
        ps_duplicates_free(d);
    return ps__remember(library, status, &err);
}

void ps_duplicates_free(ps_duplicates *d) {
    if (!d) return;
    for (size_t i = 0; i < d->count; i++) clear_group(&d->groups[i]);
    ps__free(d->groups);
    ps__free(d);
}

size_t ps_duplicates_count(const ps_duplicates *d) { return d ? d->count : 0; }

size_t ps_duplicates_files(const ps_duplicates *d, size_t i) { return i < ps_duplicates_count(d) ? d->groups[i].count : 0; }

uint64_t ps_duplicates_saves(const ps_duplicates *d, size_t i) { return i < ps_duplicates_count(d) ? d->groups[i].saves : 0; }

int ps_duplicates_get(ps_duplicate *out, const ps_duplicates *d, size_t i, size_t file) {
    if (!out || out->version != PS_DUPLICATE_VERSION || !d)
        return ps__refuse(NULL, PS_INVALID, "ps_duplicates_get was given no list or no place");
    if (file >= ps_duplicates_files(d, i)) return ps__refuse(NULL, PS_NOTFOUND, "there are fewer duplicates");
    *out = d->groups[i].files[file];
    return ps__refuse(NULL, PS_OK, "");
}
