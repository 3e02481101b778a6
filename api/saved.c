/*
** Saved searches: names for sentences, kept in the library.
*/
#include <stddef.h>
#include <string.h>

#include "api/handles.h"
#include "api/last_error.h"
#include "base/alloc.h"
#include "store/saved.h"

struct ps_saved_list {
    ps_saved *list; /* [count] owned, and its strings */
    size_t count, capacity;
};

/* A handle that may write, for one call. */
static int open_writer(ps__store **out, ps_library *library, ps__error *err) {
    return ps__store_open(out, library->folder, PS__STORE_WRITE, err);
}

int ps_saved_add(int *replaced, ps_library *library, const char *name, const char *query, const ps_search_options *options) {
    ps__error err = {0};
    ps__store *store = NULL;
    if (replaced) *replaced = 0;
    if (!library || !name || !query)
        return ps__refuse(library, PS_INVALID, "ps_saved_add was given no library, no name or no sentence");
    if (options && (options->version < 1 || options->version > PS_SEARCH_OPTIONS_VERSION))
        return ps__refuse(library, PS_INVALID, "ps_search_options has an unknown version");
    ps__saved saved = {.name = name, .query = query};
    if (options) saved.flags = options->flags;
    if (options && options->version > 1) saved.lang = options->lang;
    int status = open_writer(&store, library, &err);
    if (status == PS__OK) status = ps__store_save(replaced, store, &saved, &err);
    ps__store_close(store);
    return ps__remember(library, status, &err);
}

int ps_saved_remove(ps_library *library, const char *name) {
    ps__error err = {0};
    ps__store *store = NULL;
    if (!library || !name) return ps__refuse(library, PS_INVALID, "ps_saved_remove was given no library or no name");
    int status = open_writer(&store, library, &err);
    if (status == PS__OK) status = ps__store_unsave(store, name, &err);
    ps__store_close(store);
    return ps__remember(library, status, &err);
}

static void free_one(ps_saved *s) {
    ps__free((void *)(uintptr_t)s->name);
    ps__free((void *)(uintptr_t)s->query);
    ps__free((void *)(uintptr_t)s->lang);
}

static int make_room(ps_saved_list *to) {
    if (to->count < to->capacity) return PS__OK;
    size_t capacity = to->capacity ? to->capacity * 2 : 16;
    ps_saved *more = ps__realloc(to->list, capacity * sizeof *more);
    if (!more) return PS__NOMEM;
    to->list = more;
    to->capacity = capacity;
    return PS__OK;
}

static int take(const ps__saved *saved, void *payload) {
    ps_saved_list *to = payload;
    if (make_room(to) != PS__OK) return PS__NOMEM;
    ps_saved s = {
        .version = PS_SAVED_VERSION,
        .name = ps__strdup(saved->name),
        .query = ps__strdup(saved->query),
        .lang = saved->lang ? ps__strdup(saved->lang) : NULL,
        .flags = (unsigned)saved->flags,
        .made = saved->made_s,
    };
    if (!s.name || !s.query || (saved->lang && !s.lang)) {
        free_one(&s);
        return PS__NOMEM;
    }
    to->list[to->count++] = s;
    return PS__OK;
}

int ps_saved_open(ps_saved_list **out, ps_library *library) {
    ps__error err = {0};
    ps__store *store;
    if (!library || !out) return ps__refuse(library, PS_INVALID, "ps_saved_open was given no library or no place");
    *out = NULL;
    ps_saved_list *list = ps__calloc(1, sizeof *list);
    if (!list) return ps__refuse(library, PS_NOMEM, "out of memory");
    int status = ps__library_take_store(&store, library, &err);
    if (status == PS__OK) status = ps__store_each_saved(store, take, list, &err);
    ps__library_put_store(library, store);
    if (status == PS__OK)
        *out = list;
    else
        ps_saved_free(list);
    return ps__remember(library, status, &err);
}

void ps_saved_free(ps_saved_list *list) {
    if (!list) return;
    for (size_t i = 0; i < list->count; i++) free_one(&list->list[i]);
    ps__free(list->list);
    ps__free(list);
}

size_t ps_saved_count(const ps_saved_list *list) { return list ? list->count : 0; }

int ps_saved_get(ps_saved *out, const ps_saved_list *list, size_t i) {
    if (!out || out->version != PS_SAVED_VERSION || !list)
        return ps__refuse(NULL, PS_INVALID, "ps_saved_get was given no list or no place");
    if (i >= list->count) return ps__refuse(NULL, PS_NOTFOUND, "there are fewer saved searches");
    *out = list->list[i];
    return ps__refuse(NULL, PS_OK, "");
}

int ps_saved_find(ps_saved *out, const ps_saved_list *list, const char *name) {
    if (!out || out->version != PS_SAVED_VERSION || !list || !name)
        return ps__refuse(NULL, PS_INVALID, "ps_saved_find was given no list, no name or no place");
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->list[i].name, name) == 0) return ps_saved_get(out, list, i);
    ps__error err;
    ps__fail(&err, PS__NOTFOUND, "no search is saved under the name \"%.100s\"", name);
    return ps__remember(NULL, PS_NOTFOUND, &err);
}
