/*
** Which model a library is used with: the one that was named, else its own, which may change while it is open, else the usual one.
*/
#include <dirent.h>
#include <fcntl.h>
#include <string.h>

#include "api/handles.h"
#include "api/lookup.h"
#include "api/packages.h"
#include "base/alloc.h"

void ps__outlive(ps_library *library, ps_model *model, ps__index *index) {
    ps__outlived *o = model || index ? ps__calloc(1, sizeof *o) : NULL;
    if (!o) return; /* without memory it is lost, rather than taken from under a search */
    *o = (ps__outlived){model, index, library->outlived};
    library->outlived = o;
}

/* ---- Finding the package ---------------------------------------------------------------------------------------------------- */

typedef struct hunt {
    const ps__store_model *wanted;
    const ps__log *log;
    int by_id;       /* 1: only the very model will do; 0: any of its space */
    ps_model *found; /* owned */
    ps__error trouble; /* of a package that could be the one, and may open in a moment: code PS__OK, none */
} hunt;

/* Want of memory, of descriptors, of permission: who knows what that package is. */
static int is_trouble(int status) { return status == PS__NOMEM || status == PS__IO || status == PS__ACCESS || status == PS__ERROR; }

/* A package that is none is not the one. */
static void try_package(hunt *h, const char *path) {
    ps_model *model;
    ps__error why = {0};
    if (h->found || !path || !path[0]) return;
    int status = ps__model_open(&model, path, NULL, h->log, &why);
    if (is_trouble(status)) h->trouble = why;
    if (status != PS__OK) return;
    const ps__encoder_info *info = ps__model_info(model);
    int fits = h->by_id ? strcmp(info->id, h->wanted->id) == 0 : info->dim == h->wanted->dim;
    if (fits && strcmp(info->space, h->wanted->space) == 0)
        h->found = model;
    else
        ps_model_free(model);
}

static int try_imported(const char *path, void *payload) {
    hunt *h = payload;
    ps__package_note note;
    if (ps__package_note_read(&note, path) != PS__OK) return 0;
    if (note.has_images && strcmp(note.space, h->wanted->space) == 0 && (!h->by_id || strcmp(note.id, h->wanted->id) == 0))
        try_package(h, path);
    return h->found != NULL;
}

int ps__own_open(ps_model **out, const ps__store_model *model, const ps__log *log, ps__error *err) {
    hunt h = {.wanted = model, .log = log};
    ps__error ignored;
    char *usual = NULL;
    ps__default_model(&usual, &ignored);
    for (h.by_id = 1; h.by_id >= 0 && !h.found; h.by_id--) { /* first the very same, then one of its space */
        try_package(&h, model->path);
        try_package(&h, usual);
        if (!h.found) ps__each_imported(try_imported, &h, &ignored);
    }
    ps__free(usual);
    *out = h.found;
    if (h.found) return PS__OK;
    if (h.trouble.code) { /* nowhere is a strong word: who hears it may go on without the model */
        *err = h.trouble;
        return err->code;
    }
    if (model->path[0])
        return ps__fail(
            err, PS__NOTFOUND,
            "%s: is not there, is damaged, or is another model now than %s, which the library is used with or changes to; put it"
            " back, or choose another with: photosearch model use NAME",
            model->path, model->id);
    return ps__fail(err, PS__NOTFOUND, "the model %s, which the library is used with or changes to, is not there", model->id);
}

/* ---- The models of an open library --------------------------------------------------------------------------------------------- */

int ps__library_read_model(ps__store_model *out, ps_library *library, ps__read_model_fn *read, ps__error *err) {
    ps__store *store;
    memset(out, 0, sizeof *out);
    int status = ps__library_take_store(&store, library, err);
    if (status == PS__OK) status = read(out, store, err);
    ps__library_put_store(library, store);
    return status;
}

/* With the lock held. */
static void fill_slot(ps_library *library, ps__slot *slot, ps_model *model, const char *id) {
    ps__outlive(library, slot->model, NULL);
    slot->model = model;
    memcpy(slot->id, id, strlen(id) + 1);
}

/* 1 if what is open serves for this model: it is the one, or was the best there was for it. */
static int serves(const ps__slot *slot, const ps__store_model *model) {
    return slot->model && (strcmp(slot->id, model->id) == 0 || strcmp(ps__model_info(slot->model)->id, model->id) == 0);
}

/* or_usual: the usual model will do where the library's is nowhere, or there is none yet, and nobody chose it. */
static int take_slot(ps_model **out, ps_library *library, int which, const ps__store_model *model, int or_usual, ps__error *err) {
    ps__slot *slot = &library->models[which];
    ps_model *opened = NULL;
    int status = PS__OK;
    pthread_mutex_lock(&library->lock);
    if (!serves(slot, model)) {
        status = model->id[0] ? ps__own_open(&opened, model, &library->log, err) : PS__NOTFOUND;
        if (status == PS__NOTFOUND && or_usual && !model->path[0]) status = ps__model_open(&opened, NULL, NULL, &library->log, err);
        if (status == PS__OK) fill_slot(library, slot, opened, model->id);
    }
    *out = status == PS__OK ? slot->model : NULL;
    pthread_mutex_unlock(&library->lock);
    return status;
}

static int named(ps_model **out, ps_library *library, ps__error *err) {
    ps__slot *slot = &library->models[PS__MODEL_NAMED];
    int status = PS__OK;
    pthread_mutex_lock(&library->lock);
    if (!slot->model) status = ps__model_open(&slot->model, library->model_path, NULL, &library->log, err);
    *out = slot->model;
    pthread_mutex_unlock(&library->lock);
    return status;
}

int ps__library_model(ps_model **out, ps_library *library, ps__error *err) {
    ps__store_model current;
    *out = NULL;
    if (library->model_path) return named(out, library, err);
    int status = ps__library_read_model(&current, library, ps__store_current_model, err);
    return status == PS__OK ? take_slot(out, library, PS__MODEL_OWN, &current, 1, err) : status;
}

int ps__library_own(ps_model **out, ps_library *library, ps__error *err) {
    ps__store_model current;
    *out = NULL;
    int status = ps__library_read_model(&current, library, ps__store_current_model, err);
    if (status == PS__OK && !current.id[0]) return ps__fail(err, PS__MODEL, "%s: has no model yet", library->folder);
    return status == PS__OK ? take_slot(out, library, PS__MODEL_OWN, &current, 0, err) : status;
}

int ps__library_next(ps_model **out, ps_library *library, ps__error *err) {
    ps__store_model next;
    *out = NULL;
    int status = ps__library_read_model(&next, library, ps__store_next_model, err);
    if (status != PS__OK || !next.id[0]) return status;
    return take_slot(out, library, PS__MODEL_NEXT, &next, 0, err);
}
