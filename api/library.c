/*
** Libraries: opening, the pool of connections, and the model and index that are opened when first needed.
*/
#include <string.h>

#include "api/handles.h"
#include "api/last_error.h"
#include "api/lookup.h"
#include "base/alloc.h"

static void pass_on(int level, const char *text, void *payload) {
    ps_library *library = payload;
    library->log_fn(level, text, library->log_payload);
}

static int set_up(ps_library *library, const char *folder, const ps_library_options *options, ps__error *err) {
    char *named = NULL;
    int status = folder ? PS__OK : ps__default_library(&named, err);
    if (status == PS__OK) status = ps__absolute_path(&library->folder, folder ? folder : named, err);
    ps__free(named);
    if (status != PS__OK || !options) return status;
    if (options->model && !(library->model_path = ps__strdup(options->model))) return ps__fail_nomem(err);
    library->log_fn = options->log;
    library->log_payload = options->log_payload;
    if (options->log) library->log = (ps__log){pass_on, options->log_level, library};
    return PS__OK;
}

/* Makes or migrates the library, and keeps the connection for the first reader. */
static int open_store(ps_library *library, unsigned flags, ps__error *err) {
    ps__store *store;
    int status = ps__store_open(&store, library->folder, PS__STORE_READ, err);
    if (status == PS__NOTFOUND && !(flags & PS_OPEN_EXISTING)) {
        if ((status = ps__store_open(&store, library->folder, PS__STORE_CREATE, err)) != PS__OK) return status;
        ps__store_close(store);
        status = ps__store_open(&store, library->folder, PS__STORE_READ, err);
    }
    if (status == PS__OK) ps__library_put_store(library, store);
    return status;
}

int ps_library_open(ps_library **out, const char *folder, const ps_library_options *options) {
    ps__error err = {0};
    if (!out) return ps__refuse(NULL, PS_INVALID, "ps_library_open was given no place for the library");
    *out = NULL;
    if (folder && !folder[0]) return ps__refuse(NULL, PS_INVALID, "the name of the library's folder is empty");
    if (options && options->version != PS_LIBRARY_OPTIONS_VERSION)
        return ps__refuse(NULL, PS_INVALID, "ps_library_options has an unknown version");
    ps_library *library = ps__calloc(1, sizeof *library);
    if (!library) return ps__refuse(NULL, PS_NOMEM, "out of memory");
    pthread_mutex_init(&library->lock, NULL);
    pthread_mutex_init(&library->watch_lock, NULL);
    atomic_flag_clear(&library->indexing);
    int status = set_up(library, folder, options, &err);
    if (status == PS__OK) status = open_store(library, options ? options->flags : 0, &err);
    if (status == PS__OK)
        *out = library;
    else
        ps_library_close(library);
    return ps__remember(NULL, status, &err);
}

static void free_outlived(ps_library *library) {
    while (library->outlived) {
        ps__outlived *o = library->outlived;
        library->outlived = o->next;
        ps__index_free(o->index);
        ps_model_free(o->model);
        ps__free(o);
    }
}

void ps_library_close(ps_library *library) {
    if (!library) return;
    for (size_t i = 0; i < library->idle_count; i++) ps__store_close(library->idle[i]);
    ps__index_free(library->index);
    ps__columns_free(library->columns);
    ps__gazetteer_free(library->places);
    for (size_t i = 0; i < PS__MODELS; i++) ps_model_free(library->models[i].model);
    free_outlived(library);
    pthread_mutex_destroy(&library->lock);
    pthread_mutex_destroy(&library->watch_lock);
    ps__free(library->folder);
    ps__free(library->model_path);
    ps__free(library);
}

const char *ps_library_folder(const ps_library *library) { return library ? library->folder : NULL; }

int ps__library_take_store(ps__store **out, ps_library *library, ps__error *err) {
    *out = NULL;
    pthread_mutex_lock(&library->lock);
    if (library->idle_count) *out = library->idle[--library->idle_count];
    pthread_mutex_unlock(&library->lock);
    return *out ? PS__OK : ps__store_open(out, library->folder, PS__STORE_READ, err);
}

void ps__library_put_store(ps_library *library, ps__store *store) {
    if (!store) return;
    pthread_mutex_lock(&library->lock);
    if (library->idle_count < PS__STORES_MOST) {
        library->idle[library->idle_count++] = store;
        store = NULL;
    }
    pthread_mutex_unlock(&library->lock);
    ps__store_close(store);
}

/* What a search in an unknown space means: an empty library, or one that another model made. */
static int no_space(ps__store *store, const ps__encoder_info *model, ps__error *err) {
    ps__store_model current;
    int status = ps__store_current_model(&current, store, err);
    if (status != PS__OK || !current.id[0]) return status;
    return ps__fail(err, PS__MODEL,
                    "%s: its photos were encoded by the model %s, which %s cannot be compared with; index again with this model",
                    ps__store_folder(store), current.id, model->id);
}

int ps__library_index(ps__index **out, int *space, ps_library *library, ps__store *store, const ps__encoder_info *model,
                      ps__error *err) {
    *out = NULL;
    int status = ps__store_find_space(space, store, model->space, model->dim, err);
    if (status == PS__NOTFOUND) return no_space(store, model, err);
    if (status != PS__OK) return status;
    pthread_mutex_lock(&library->lock);
    if (library->index && library->index_space != *space) {
        ps__outlive(library, NULL, library->index);
        library->index = NULL;
    }
    if (!library->index) status = ps__index_new(&library->index, store, model->space, *space, model->dim, &library->log, err);
    library->index_space = *space;
    *out = library->index;
    pthread_mutex_unlock(&library->lock);
    return status;
}

int ps__library_columns(ps__columns **out, ps_library *library, ps__store *store, ps__error *err) {
    int status = PS__OK;
    pthread_mutex_lock(&library->lock);
    if (!library->columns) status = ps__columns_new(&library->columns, store, &library->log, err);
    *out = library->columns;
    pthread_mutex_unlock(&library->lock);
    return status;
}

const ps__gazetteer *ps__library_places(ps_library *library) {
    ps__error err = {0};
    char *path = NULL;
    pthread_mutex_lock(&library->lock);
    if (!library->places_tried) {
        library->places_tried = 1;
        int status = ps__default_places(&path, &err);
        if (status == PS__OK) status = ps__gazetteer_open(&library->places, path, &err);
        if (status != PS__OK)
            ps__logf(&library->log, PS__LOG_WARNING, "%s; names of places are not understood", err.text);
        ps__free(path);
    }
    const ps__gazetteer *places = library->places;
    pthread_mutex_unlock(&library->lock);
    return places;
}
