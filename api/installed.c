/*
** The packages on this device, and what a library knows of them; removing one.
*/
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/handles.h"
#include "api/last_error.h"
#include "api/lookup.h"
#include "api/packages.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/os.h"
#include "encoder/import/importer.h"

#define ENDING ".safetensors"

typedef struct item {
    ps_package about; /* its strings point into the rest */
    ps__package_note note;
    char *path, *name; /* owned */
    size_t place, model; /* by name; of the model it is a companion of, else its own */
} item;

struct ps_packages {
    item *list; /* [count] owned */
    size_t count, room;
};

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static item *add(ps_packages *p, const char *path) {
    if (p->count == p->room) {
        size_t room = p->room ? p->room * 2 : 16;
        item *more = ps__realloc(p->list, room * sizeof *more);
        if (!more) return NULL;
        p->list = more;
        p->room = room;
    }
    item *it = &p->list[p->count];
    memset(it, 0, sizeof *it);
    if (!(it->path = ps__strdup(path))) return NULL;
    p->count++;
    return it;
}

static int add_imported(const char *path, void *payload) {
    ps_packages *p = payload;
    item *it = add(p, path);
    const char *file = base_name(path);
    if (!it || !(it->name = ps__strndup(file, strlen(file) - (sizeof ENDING - 1)))) return PS__NOMEM;
    ps__package_note_read(&it->note, path);
    return 0;
}

/* 1 if the package is one for more languages of that model. */
static int belongs(const ps__package_note *note, const char *path, const ps__package_note *model, const char *model_path) {
    return note->id[0] && !note->has_images && model->has_images && note->dim == model->dim &&
           strcmp(note->space, model->space) == 0 && ps__is_companion_name(base_name(path), base_name(model_path));
}

static int by_model(const void *a, const void *b) {
    const item *x = a, *y = b;
    if (x->model != y->model) return x->model < y->model ? -1 : 1;
    return (x->place > y->place) - (x->place < y->place);
}

/* Puts companions, each with the first model it belongs to, behind it: a model's name comes before theirs. */
static void place_companions(ps_packages *p) {
    for (size_t i = 0; i < p->count; i++) {
        item *it = &p->list[i];
        it->model = it->place = i;
        for (size_t j = 0; j < i && it->model == i; j++)
            if (!p->list[j].about.usual && belongs(&it->note, it->path, &p->list[j].note, p->list[j].path)) it->model = j;
        it->about.companion = it->model != i;
    }
    if (p->count) qsort(p->list, p->count, sizeof *p->list, by_model); /* the usual one's companions lie beside it, not here */
}

/* ---- What the library knows ---- */

/* 1 if a listed package is that model, or another of its space, which does as well. */
static int stands_for(const item *it, const ps__store_model *model, int by_id) {
    return by_id ? strcmp(it->note.id, model->id) == 0
                 : it->note.has_images && it->note.dim == model->dim && strcmp(it->note.space, model->space) == 0;
}

static int is_listed(const ps_packages *p, const ps__store_model *model, int by_id) {
    for (size_t i = 0; i < p->count; i++)
        if (stands_for(&p->list[i], model, by_id)) return 1;
    return 0;
}

/* Models that are not here any more are told only where the library still has vectors of theirs. */
static int add_known(const ps__store_model *model, int64_t vectors, void *payload) {
    ps_packages *p = payload;
    for (size_t i = 0; i < p->count; i++)
        if (strcmp(p->list[i].note.space, model->space) == 0) p->list[i].about.vectors = (uint64_t)(vectors > 0 ? vectors : 0);
    if (vectors <= 0 || is_listed(p, model, 1) || is_listed(p, model, 0)) return 0;
    item *it = add(p, "");
    if (!it) return PS__NOMEM;
    snprintf(it->note.id, sizeof it->note.id, "%s", model->id);
    snprintf(it->note.space, sizeof it->note.space, "%s", model->space);
    it->note.dim = model->dim;
    it->about.vectors = (uint64_t)vectors;
    return 0;
}

static void mark(ps_packages *p, const ps__store_model *model, int next) {
    int by_id = is_listed(p, model, 1);
    for (size_t i = 0; i < p->count && model->id[0]; i++) {
        if (!stands_for(&p->list[i], model, by_id)) continue;
        if (next)
            p->list[i].about.next = 1;
        else
            p->list[i].about.own = 1;
    }
}

static int ask_library(ps_packages *p, ps_library *library, ps__error *err) {
    ps__store *store;
    ps__store_model current, next;
    int status = ps__library_take_store(&store, library, err);
    if (status == PS__OK) status = ps__store_each_model(store, add_known, p, err);
    if (status == PS__NOMEM) ps__fail_nomem(err);
    if (status == PS__OK) status = ps__store_current_model(&current, store, err);
    if (status == PS__OK) status = ps__store_next_model(&next, store, err);
    ps__library_put_store(library, store);
    if (status != PS__OK) return status;
    mark(p, &current, 0);
    mark(p, &next, 1);
    return PS__OK;
}

/* ---- The list ---- */

static const char *or_null(const char *text) { return text && text[0] ? text : NULL; }

/* The list does not move any more. */
static void set_strings(ps_packages *p) {
    for (size_t i = 0; i < p->count; i++) {
        item *it = &p->list[i];
        it->about.version = PS_PACKAGE_VERSION;
        it->about.name = it->name;
        it->about.path = it->path;
        it->about.id = or_null(it->note.id);
        it->about.space = or_null(it->note.space);
        it->about.licence = or_null(it->note.licence);
        it->about.dim = it->note.dim;
        it->about.bytes = it->note.bytes;
    }
}

static int fill(ps_packages *p, ps_library *library, ps__error *err) {
    char *usual;
    ps__error ignored;
    if (ps__default_model(&usual, &ignored) == PS__OK) {
        item *it = add(p, usual);
        ps__free(usual);
        if (!it) return ps__fail_nomem(err);
        it->about.usual = 1;
        ps__package_note_read(&it->note, it->path);
    }
    int status = ps__each_imported(add_imported, p, err);
    if (status == PS__NOMEM) ps__fail_nomem(err);
    place_companions(p);
    if (status == PS__OK && library) status = ask_library(p, library, err);
    set_strings(p);
    return status;
}

int ps_packages_open(ps_packages **out, ps_library *library) {
    ps__error err = {0};
    if (!out) return ps__refuse(library, PS_INVALID, "ps_packages_open was given no place");
    *out = NULL;
    ps_packages *p = ps__calloc(1, sizeof *p);
    if (!p) return ps__refuse(library, PS_NOMEM, "out of memory");
    int status = fill(p, library, &err);
    if (status == PS__OK)
        *out = p;
    else
        ps_packages_free(p);
    return ps__remember(library, status, &err);
}

void ps_packages_free(ps_packages *packages) {
    if (!packages) return;
    for (size_t i = 0; i < packages->count; i++) {
        ps__free(packages->list[i].path);
        ps__free(packages->list[i].name);
    }
    ps__free(packages->list);
    ps__free(packages);
}

size_t ps_packages_count(const ps_packages *packages) { return packages ? packages->count : 0; }

int ps_packages_get(ps_package *out, const ps_packages *packages, size_t i) {
    if (!out || out->version != PS_PACKAGE_VERSION || !packages)
        return ps__refuse(NULL, PS_INVALID, "ps_packages_get was given no list or no place");
    if (i >= packages->count) return ps__refuse(NULL, PS_NOTFOUND, "there are fewer packages");
    *out = packages->list[i].about;
    return ps__refuse(NULL, PS_OK, "");
}

/* ---- Removing ---- */

typedef struct removal {
    const char *path;      /* of the package */
    ps__package_note note; /* of it; all zero where it cannot be read */
    int found;             /* it was there */
    ps__buf paths;    /* what goes, each with its 0 byte: the package last, so that a try that failed can be made again */
} removal;

static int note_removal(const char *path, void *payload) {
    removal *r = payload;
    ps__package_note note;
    if (strcmp(path, r->path) == 0) r->found = 1;
    /* "clip-large" beside "clip" may be a model of its own. */
    if (!ps__is_companion_name(base_name(path), base_name(r->path)) || ps__package_note_read(&note, path) != PS__OK) return 0;
    if (!belongs(&note, path, &r->note, r->path)) return 0;
    ps__buf_append(&r->paths, path, strlen(path) + 1);
    return r->paths.failed ? PS__NOMEM : 0;
}

/* PS__BUSY where the library needs this package. */
static int check_unused(const char *path, ps_library *library, ps__error *err) {
    ps__package_note note;
    ps__store *store;
    ps__store_model models[2];
    if (ps__package_note_read(&note, path) != PS__OK) return PS__OK; /* nobody can use it */
    int status = ps__library_take_store(&store, library, err);
    if (status == PS__OK) status = ps__store_current_model(&models[0], store, err);
    if (status == PS__OK) status = ps__store_next_model(&models[1], store, err);
    ps__library_put_store(library, store);
    for (int i = 0; i < 2 && status == PS__OK; i++)
        if (strcmp(models[i].id, note.id) == 0)
            return ps__fail(err, PS__BUSY, "%s: the library %s %s it", path, library->folder, i ? "is changing to" : "is used with");
    return status;
}

static int remove_all(removal *r, ps__error *err) {
    for (size_t at = 0; at < r->paths.length; at += strlen(r->paths.bytes + at) + 1)
        if (ps__os.unlink(r->paths.bytes + at) != 0) return ps__fail_errno(err, errno, "%s", r->paths.bytes + at);
    return PS__OK;
}

static int remove_package(const char *name, ps_library *library, int force, ps__error *err) {
    char *folder;
    ps__buf file = PS__BUF_INIT, path = PS__BUF_INIT;
    int status = ps__models_folder(&folder, err);
    if (status != PS__OK) return status;
    ps__buf_printf(&file, "%s" ENDING, name);
    ps__buf_printf(&path, "%s/%s", folder, file.bytes);
    removal r = {.path = path.bytes, .paths = PS__BUF_INIT};
    status = file.failed || path.failed ? ps__fail_nomem(err) : PS__OK;
    if (status == PS__OK) ps__package_note_read(&r.note, path.bytes);
    if (status == PS__OK) status = ps__each_imported(note_removal, &r, err);
    if (status == PS__OK && !r.found) status = ps__fail(err, PS__NOTFOUND, "%s: there is no imported model of this name", path.bytes);
    if (status == PS__OK && library && !force) status = check_unused(path.bytes, library, err);
    ps__buf_append(&r.paths, path.bytes, path.length + 1);
    if (status == PS__OK) status = r.paths.failed ? ps__fail_nomem(err) : remove_all(&r, err);
    ps__buf_free(&r.paths);
    ps__buf_free(&path);
    ps__buf_free(&file);
    ps__free(folder);
    return status;
}

int ps_package_remove(const char *name, ps_library *library, int force) {
    ps__error err = {0};
    if (!name) return ps__refuse(NULL, PS_INVALID, "ps_package_remove was given no name");
    int status = ps__is_model_name(name) ? remove_package(name, library, force, &err)
                                         : ps__fail(&err, PS__INVALID, "\"%.80s\" is not the name of an imported model", name);
    return ps__remember(NULL, status, &err);
}
