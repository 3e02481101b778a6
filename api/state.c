/*
** The state of a library: counts, failures, and forgetting.
*/
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "api/handles.h"
#include "api/last_error.h"
#include "api/lookup.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "store/activity.h"

static int64_t whole(int64_t n) { return n > 0 ? n : 0; }

/* What the strings of a status point at. */
typedef struct status_text {
    char model[PS__STORE_NAME], next[PS__STORE_NAME];
    char why[sizeof((ps__activity *)0)->why];
} status_text;

static void fill_counts(ps_status *out, status_text *text, const ps__store_counts *counts) {
    memcpy(text->model, counts->model.id, sizeof text->model);
    out->photos = (uint64_t)whole(counts->photos);
    out->files = (uint64_t)whole(counts->files);
    out->pending = (uint64_t)whole(counts->pending);
    out->failed = (uint64_t)whole(counts->failed);
    out->quarantined = (uint64_t)whole(counts->quarantined);
    out->vectors = (uint64_t)whole(counts->vectors);
    out->bytes = (uint64_t)whole(counts->bytes);
    out->last_indexed = counts->last_run_s;
    out->model = text->model[0] ? text->model : NULL;
    out->previewed = (uint64_t)whole(counts->previewed);
    out->missing = (uint64_t)whole(counts->missing);
}

static void fill_change(ps_status *out, status_text *text, const ps__store_change *change) {
    memcpy(text->next, change->next.id, sizeof text->next);
    out->next_model = text->next[0] ? text->next : NULL;
    out->reencoded = (uint64_t)whole(change->done);
    out->to_reencode = (uint64_t)whole(change->left);
    out->out_of_reach = (uint64_t)whole(change->out_of_reach);
}

static void fill_activity(ps_status *out, status_text *text, const char *folder) {
    ps__activity a;
    ps__activity_read(&a, folder);
    memcpy(text->why, a.why, sizeof text->why);
    out->doing = a.state;
    out->watching = a.watching;
    out->pid = a.pid;
    out->done = (uint64_t)whole(a.done);
    out->total = (uint64_t)whole(a.total);
    out->photos_per_second = a.per_second;
    out->seconds_left = a.state == PS__DOING_NOTHING ? -1 : a.left_seconds;
    out->cpu_seconds_per_photo = a.cpu_seconds_per_photo;
    out->why = text->why[0] ? text->why : NULL;
}

static int read_status(ps_status *out, status_text *text, ps__store *store, ps__error *err) {
    static const char *const names[] = {
        [PS__INDEX_MISSING] = "missing", [PS__INDEX_STALE] = "stale", [PS__INDEX_READY] = "ready"};
    ps__store_counts counts;
    int state = PS__INDEX_MISSING;
    int status = ps__store_count(&counts, store, err);
    if (status == PS__OK && counts.model.id[0])
        status = ps__index_state(&state, store, counts.model.space, counts.model.dim, err);
    if (status != PS__OK) return status;
    ps__store_change change;
    status = ps__store_count_change(&change, store, err);
    if (status != PS__OK) return status;
    ps_status full = {.version = out->version, .index = names[state]};
    fill_change(&full, text, &change);
    fill_counts(&full, text, &counts);
    fill_activity(&full, text, ps__store_folder(store));
    static const size_t sizes[] = {0, offsetof(ps_status, previewed), offsetof(ps_status, next_model), sizeof full};
    memcpy(out, &full, sizes[out->version]);
    return PS__OK;
}

int ps_library_status(ps_status *out, ps_library *library) {
    static _Thread_local status_text text;
    ps__error err = {0};
    ps__store *store;
    if (!library || !out || out->version < 1 || out->version > PS_STATUS_VERSION)
        return ps__refuse(library, PS_INVALID, "ps_library_status was given no library or no place");
    int status = ps__library_take_store(&store, library, &err);
    if (status == PS__OK) status = read_status(out, &text, store, &err);
    ps__library_put_store(library, store);
    return ps__remember(library, status, &err);
}

/* ---- Failures ---- */

struct ps_failures {
    ps_failure *list; /* [count] owned, and its strings */
    size_t count, capacity;
};

static int take_failure(const ps__failure *failure, void *payload) {
    ps_failures *to = payload;
    if (to->count == to->capacity) {
        size_t capacity = to->capacity ? to->capacity * 2 : 64;
        ps_failure *more = ps__realloc(to->list, capacity * sizeof *more);
        if (!more) return PS__NOMEM;
        to->list = more;
        to->capacity = capacity;
    }
    char *path = ps__strdup(failure->path), *reason = ps__strdup(failure->reason);
    if (!path || !reason) {
        ps__free(path);
        ps__free(reason);
        return PS__NOMEM;
    }
    to->list[to->count++] = (ps_failure){PS_FAILURE_VERSION, path, reason, failure->tries, failure->quarantined};
    return PS__OK;
}

int ps_failures_open(ps_failures **out, ps_library *library) {
    ps__error err = {0};
    ps__store *store;
    if (!library || !out) return ps__refuse(library, PS_INVALID, "ps_failures_open was given no library or no place");
    *out = NULL;
    ps_failures *failures = ps__calloc(1, sizeof *failures);
    if (!failures) return ps__refuse(library, PS_NOMEM, "out of memory");
    int status = ps__library_take_store(&store, library, &err);
    if (status == PS__OK) status = ps__store_each_failure(store, take_failure, failures, &err);
    ps__library_put_store(library, store);
    if (status == PS__OK)
        *out = failures;
    else
        ps_failures_free(failures);
    return ps__remember(library, status, &err);
}

void ps_failures_free(ps_failures *failures) {
    if (!failures) return;
    for (size_t i = 0; i < failures->count; i++) {
        ps__free((void *)(uintptr_t)failures->list[i].path);
        ps__free((void *)(uintptr_t)failures->list[i].reason);
    }
    ps__free(failures->list);
    ps__free(failures);
}

size_t ps_failures_count(const ps_failures *failures) { return failures ? failures->count : 0; }

int ps_failures_get(ps_failure *out, const ps_failures *failures, size_t i) {
    if (!out || out->version != PS_FAILURE_VERSION || !failures)
        return ps__refuse(NULL, PS_INVALID, "ps_failures_get was given no list or no place");
    if (i >= failures->count) return ps__refuse(NULL, PS_NOTFOUND, "there are fewer failures");
    *out = failures->list[i];
    return ps__refuse(NULL, PS_OK, "");
}

/* ---- Forgetting ---- */

static int forget_any(int64_t *removed, ps__store *store, const char *path, ps__error *err) {
    ps__path_forms forms;
    int status = ps__path_forms_make(&forms, path, err);
    if (status != PS__OK) return status;
    status = PS__NOTFOUND;
    for (size_t i = 0; status == PS__NOTFOUND && i < PS__PATH_FORMS; i++)
        if (forms.path[i]) status = ps__store_forget(removed, store, forms.path[i], err);
    ps__path_forms_clear(&forms);
    return status;
}

int ps_forget(uint64_t *removed, ps_library *library, const char *path) {
    ps__error err = {0};
    ps__store *store = NULL;
    int64_t count = 0;
    if (removed) *removed = 0;
    if (!library || !path || !path[0]) return ps__refuse(library, PS_INVALID, "ps_forget was given no library or no path");
    int status = ps__store_open(&store, library->folder, PS__STORE_WRITE, &err);
    if (status == PS__OK) status = forget_any(&count, store, path, &err);
    ps__store_close(store);
    if (removed && status == PS__OK) *removed = (uint64_t)whole(count);
    return ps__remember(library, status, &err);
}
