/*
** ps_index: runs the indexer with the library's model, then leaves a fresh search cache behind.
*/
#include <stddef.h>
#include <string.h>

#include "api/handles.h"
#include "api/last_error.h"
#include "base/alloc.h"
#include "indexer/indexer.h"

/* Where the indexer's progress goes. */
typedef struct listener {
    ps_progress_fn fn;
    void *payload;
} listener;

static uint64_t number(int64_t n) { return n > 0 ? (uint64_t)n : 0; }

static int pass_on(const ps__indexer_progress *p, void *payload) {
    const listener *to = payload;
    const ps_progress progress = {
        .version = PS_PROGRESS_VERSION,
        .phase = p->phase,
        .found = number(p->found),
        .total = number(p->total),
        .done = number(p->done),
        .failed = number(p->failed),
        .seconds = p->seconds,
        .photos_per_second = p->per_second,
        .seconds_left = p->left_seconds,
        .path = p->path,
    };
    return to->fn(&progress, to->payload);
}

static void fill_result(ps_index_result *out, const ps__indexer_result *r) {
    const ps_index_result full = {
        .version = out->version,
        .found = number(r->found),
        .indexed = number(r->indexed),
        .unchanged = number(r->unchanged),
        .failed = number(r->failed),
        .quarantined = number(r->quarantined),
        .pending = number(r->pending),
        .removed = number(r->removed),
        .kept = number(r->kept),
        .skipped = number(r->roots_skipped) + number(r->folders_skipped),
        .seconds = r->seconds,
        .photos_per_second = r->photos_per_second,
        .previewed = number(r->previewed),
        .asked = number(r->asked),
        .cpu_seconds = r->cpu_seconds,
    };
    memcpy(out, &full, out->version == 1 ? offsetof(ps_index_result, previewed) : sizeof full);
}

/* A cache that cannot be brought up to date costs time later, not the run. */
static void freshen_cache(ps_library *library, const ps__encoder_info *model) {
    ps__store *store;
    ps__index *index = NULL;
    ps__error why;
    int space, status = ps__library_take_store(&store, library, &why);
    if (status == PS__OK) status = ps__library_index(&index, &space, library, store, model, &why);
    if (status == PS__OK && index) status = ps__index_flush(index, store, &why);
    if (status != PS__OK)
        ps__logf(&library->log, PS__LOG_WARNING, "the index for searching was not brought up to date: %s", why.text);
    ps__library_put_store(library, store);
}

static int run(ps__indexer_result *result, ps_library *library, const char *const *paths, size_t count,
               const ps_index_options *options, ps__error *err) {
    ps_model *model;
    ps__indexer_encoder encoder;
    listener to = {options->progress, options->payload};
    int status = ps__library_model(&model, library, err);
    if (status == PS__OK) status = ps__indexer_encoder_from(&encoder, ps__model_encoder(model), err);
    if (status != PS__OK) return status;
    const ps__indexer_options inner = {
        .library = library->folder,
        .roots = paths,
        .root_count = count,
        .encoder = &encoder,
        .threads = options->threads,
        .flags = options->flags,
        .version = PS_VERSION_STRING,
        .cancel = &library->cancel,
        .log = &library->log,
        .progress = to.fn ? pass_on : NULL,
        .payload = &to,
    };
    status = ps__indexer_run(result, &inner, err);
    if (status == PS__OK) freshen_cache(library, ps__model_info(model));
    return status;
}

static int check(const char *const *paths, size_t count, const ps_index_options *options, ps__error *err) {
    if (options->version != PS_INDEX_OPTIONS_VERSION)
        return ps__fail(err, PS__INVALID, "ps_index_options has an unknown version");
    if (options->threads < 0 || options->threads > 256)
        return ps__fail(err, PS__INVALID, "%d threads are not in 1 to 256", options->threads);
    if (!paths || count == 0) return ps__fail(err, PS__INVALID, "nothing was named to be indexed");
    for (size_t i = 0; i < count; i++)
        if (!paths[i] || !paths[i][0]) return ps__fail(err, PS__INVALID, "the name of a path is empty");
    return PS__OK;
}

int ps_index(ps_index_result *result, ps_library *library, const char *const *paths, size_t count,
             const ps_index_options *options) {
    static const ps_index_options usual = PS_INDEX_OPTIONS_INIT;
    ps__indexer_result inner = {0};
    ps__error err = {0};
    if (!library || (result && (result->version < 1 || result->version > PS_INDEX_RESULT_VERSION)))
        return ps__refuse(library, PS_INVALID, "ps_index was given no library, or a result of an unknown version");
    if (!options) options = &usual;
    int status = check(paths, count, options, &err);
    if (status == PS__OK && atomic_flag_test_and_set(&library->indexing)) {
        status = ps__fail(&err, PS__BUSY, "%s: another thread of this program is indexing this library", library->folder);
    } else if (status == PS__OK) {
        atomic_store(&library->cancel, 0);
        status = run(&inner, library, paths, count, options, &err);
        atomic_flag_clear(&library->indexing);
    }
    if (result) fill_result(result, &inner);
    return ps__remember(library, status, &err);
}

void ps_cancel(ps_library *library) {
    if (library) atomic_store(&library->cancel, 1);
}
