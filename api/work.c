/*
** Setting up the indexer for a library, and listening to it; see work.h.
*/
#include "api/work.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "api/lookup.h"
#include "api/tender.h"
#include "base/alloc.h"
#include "base/os.h"

#define IDLE_FILE_SECONDS 300.0 /* for one file in the background, where a busy device may let it wait */
#define TELL_NS 500000000 /* between two announcements of the same thing */

static uint64_t number(int64_t n) { return n > 0 ? (uint64_t)n : 0; }

void ps__fill_progress(ps_progress *out, const ps__indexer_progress *p) {
    *out = (ps_progress){
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
}

void ps__fill_result(ps_index_result *out, const ps__indexer_result *r) {
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
        .reencoded = number(r->reencoded),
        .switched = r->switched,
    };
    static const size_t sizes[] = {0, offsetof(ps_index_result, previewed), offsetof(ps_index_result, reencoded), sizeof full};
    memcpy(out, &full, sizes[out->version]);
}

/* ---- Telling ------------------------------------------------------------------------------------------------------------ */

void ps__work_announce(ps__work *w, int state, const char *why) {
    ps__activity *a = &w->activity;
    a->state = state;
    snprintf(a->why, sizeof a->why, "%s", why ? why : "");
    a->cpu_seconds_per_photo = w->encoded ? w->cpu_seconds / (double)w->encoded : 0;
    if (state == PS__DOING_IDLE) a->done = a->total = 0, a->per_second = 0, a->left_seconds = -1;
    w->told_ns = ps__os.monotonic_ns();
    if (w->announcer) ps__announce(w->announcer, a);
}

void ps__work_announce_progress(ps__work *w, const ps__indexer_progress *p) {
    static const int states[] = {[PS__PHASE_SCAN] = PS__DOING_SCAN,
                                 [PS__PHASE_ENCODE] = PS__DOING_ENCODE,
                                 [PS__PHASE_REMOVE] = PS__DOING_REMOVE,
                                 [PS__PHASE_DONE] = PS__DOING_REMOVE,
                                 [PS__PHASE_PREVIEW] = PS__DOING_PREVIEWS,
                                 [PS__PHASE_READ_TEXT] = PS__DOING_READ_TEXT};
    ps__permit permit = {0};
    int state = states[p->phase];
    int works = state == PS__DOING_ENCODE || state == PS__DOING_PREVIEWS;
    if (state == w->activity.state && ps__os.monotonic_ns() - w->told_ns < TELL_NS) return;
    if (w->governor) ps__governor_permit(&permit, w->governor);
    w->activity.done = p->done;
    w->activity.total = p->total;
    w->activity.failed = p->failed;
    w->activity.per_second = p->per_second;
    w->activity.left_seconds = p->left_seconds;
    if (works && permit.pace == PS__PACE_PAUSED) state = PS__DOING_PAUSED;
    ps__work_announce(w, state, works && permit.reason != PS__REASON_NONE ? permit.why : NULL);
}

static int on_progress(const ps__indexer_progress *p, void *payload) {
    ps__work *w = payload;
    ps_progress progress;
    ps__work_announce_progress(w, p);
    if (!w->progress) return 0;
    ps__fill_progress(&progress, p);
    if (w->refilling && p->phase == PS__PHASE_ENCODE) progress.phase = PS_PHASE_REENCODE;
    return w->progress(&progress, w->payload);
}

/* ---- Running ------------------------------------------------------------------------------------------------------------ */

int ps__check_work(const char *const *paths, size_t count, int threads, ps__error *err) {
    if (threads < 0 || threads > 256) return ps__fail(err, PS__INVALID, "%d threads are not in 1 to 256", threads);
    if (!paths || count == 0) return ps__fail(err, PS__INVALID, "nothing was named to be indexed");
    for (size_t i = 0; i < count; i++)
        if (!paths[i] || !paths[i][0]) return ps__fail(err, PS__INVALID, "the name of a path is empty");
    return PS__OK;
}

int ps__library_enter(ps_library *library, ps__error *err) {
    if (atomic_flag_test_and_set(&library->indexing))
        return ps__fail(err, PS__BUSY, "%s: another thread of this program is indexing or watching this library", library->folder);
    atomic_store(&library->cancel, 0);
    return PS__OK;
}

void ps__library_leave(ps_library *library) { atomic_flag_clear(&library->indexing); }

/* ---- Models ------------------------------------------------------------------------------------------------------------- */

/* With a model named whose vectors cannot be compared with those that answer now, the library changes to it: nothing is to become
** unfindable meanwhile. Where its own model is nowhere, nothing answers anyway. *own is then NULL, and the named one is used at once. */
static int change_to_named(ps_model **own, ps_library *library, const ps_model *model, const char *path, ps__error *err) {
    const ps__encoder_info *info = ps__model_info(model);
    ps__store_model current, next;
    ps__store *store;
    ps__error ignored;
    *own = NULL;
    int status = ps__library_take_store(&store, library, err);
    if (status == PS__OK) status = ps__store_current_model(&current, store, err);
    if (status == PS__OK) status = ps__store_next_model(&next, store, err);
    ps__library_put_store(library, store);
    if (status != PS__OK || !current.id[0] || strcmp(current.space, info->space) == 0) return status;
    if (ps__library_own(own, library, &ignored) != PS__OK || strcmp(next.id, info->id) == 0) return PS__OK;
    status = ps__store_open(&store, library->folder, PS__STORE_WRITE, err);
    if (status == PS__OK) status = ps__store_set_next_model(store, info->id, info->space, info->dim, path, 0, err);
    ps__store_close(store);
    return status;
}

/* Which model the next run encodes with: the library's may have changed since the last one. */
static int choose_model(ps__work *w, ps__error *err) {
    ps_library *library = w->library;
    ps_model *own = NULL;
    int status = ps__library_read_model(&w->current, library, ps__store_current_model, err);
    if (status == PS__OK) status = ps__library_model(&w->model, library, err);
    w->named = library->model_path != NULL;
    if (status == PS__OK && w->named && !w->model_path) status = ps__absolute_path(&w->model_path, library->model_path, err);
    if (status == PS__OK && w->named) status = change_to_named(&own, library, w->model, w->model_path, err);
    if (status == PS__OK && own) {
        w->model = own;
        w->named = 0;
    }
    if (status == PS__OK) status = ps__indexer_encoder_from(&w->encoder, ps__model_encoder(w->model), err);
    if (status == PS__OK && w->named) w->encoder.path = w->model_path;
    /* The library's model may have been replaced by another of its space, which is to be found again, too. */
    if (status == PS__OK && !w->named && w->current.path[0] && ps__model_info(w->model)->path[0] == '/')
        w->encoder.path = ps__model_info(w->model)->path;
    w->encoder.instead_of = w->current.id;
    return status;
}

int ps__work_begin(ps__work *w, ps_library *library, const char *const *paths, size_t count, unsigned flags, int threads,
                   ps__error *err) {
    ps__error why;
    memset(w, 0, sizeof *w);
    w->library = library;
    w->activity.left_seconds = -1;
    int status = choose_model(w, err);
    if (status != PS__OK) {
        ps__free(w->model_path);
        return status;
    }
    w->sandbox.log = &library->log;
    if (flags & PS_INDEX_BACKGROUND) w->sandbox.seconds = IDLE_FILE_SECONDS;
    if (flags & PS_INDEX_IN_PROCESS)
        ps__indexer_decoder_here(&w->decoder, NULL);
    else
        ps__indexer_decoder_sandboxed(&w->decoder, &w->sandbox);
    w->options = (ps__indexer_options){
        .library = library->folder,
        .roots = paths,
        .root_count = count,
        .encoder = &w->encoder,
        .decoder = &w->decoder,
        .gazetteer = ps__library_places(library),
        .version = PS_VERSION_STRING,
        .threads = threads,
        .file_seconds = flags & PS_INDEX_BACKGROUND ? IDLE_FILE_SECONDS : 0,
        .flags = flags & ~(unsigned)(PS_INDEX_IN_PROCESS | PS_WATCH_READ_TEXT | PS__INDEX_REENCODE),
        .cancel = &library->cancel,
        .log = &library->log,
        .progress = on_progress,
        .payload = w,
    };
    if (ps__announcer_new(&w->announcer, library->folder, &why) != PS__OK && why.code != PS__BUSY)
        ps__logf(&library->log, PS__LOG_INFO, "what is being done will not show in the status: %s", why.text);
    return PS__OK;
}

void ps__work_end(ps__work *w) {
    ps__announcer_free(w->announcer);
    ps__free(w->model_path);
}

static int run_tended(ps__work *w, ps__indexer_result *result, const ps__indexer_options *options, ps__error *err) {
    ps__tender *tender = ps__tender_start(w->library, w->model);
    int status = ps__indexer_run(result, options, err);
    ps__tender_stop(tender, status == PS__OK);
    w->cpu_seconds += result->cpu_seconds;
    w->encoded += result->encoded;
    return status;
}

int ps__work_run(ps__work *w, ps__indexer_result *result, const ps__indexer_options *options, ps__error *err) {
    enum { CHOICES_MOST = 8 };
    int status;
    for (int i = 0;; i++) {
        ps__store_model now;
        ps__error ignored;
        memset(result, 0, sizeof *result);
        if ((status = choose_model(w, err)) != PS__OK) return status;
        status = run_tended(w, result, options, err);
        if (status != PS__BUSY || i == CHOICES_MOST) return status;
        if (ps__library_read_model(&now, w->library, ps__store_current_model, &ignored) != PS__OK ||
            strcmp(now.id, w->current.id) == 0)
            return status;
    }
}

/* ---- Changing the model -------------------------------------------------------------------------------------------------- */

/* Its id is "" where the library is not changing. */
static ps__store_model next_model(ps__work *w) {
    ps__store_model next;
    ps__error ignored;
    ps__library_read_model(&next, w->library, ps__store_next_model, &ignored);
    return next;
}

int ps__work_is_changing(ps__work *w) { return next_model(w).id[0] != 0; }

int ps__work_read_waiting(ps__work *w, ps__indexer_result *result, ps__error *err) {
    static const char *const everywhere[] = {"/"}, *const nothing[1] = {NULL};
    ps__indexer_options o = w->options;
    o.roots = everywhere;
    o.root_count = 1;
    o.only = nothing;
    o.only_count = 0;
    ps__indexer_result inner = {0};
    int status = ps__work_run(w, &inner, &o, err);
    result->indexed += inner.indexed;
    result->failed += inner.failed;
    result->seconds += inner.seconds;
    result->cpu_seconds += inner.cpu_seconds;
    return status;
}

/* The index of what answers now, ready before somebody asks; that of what answered before goes with its vectors. */
static void freshen_index(ps__work *w, const ps__store_model *before) {
    ps__store *store;
    ps__error ignored;
    int space;
    int64_t vectors = -1;
    if (before->id[0] && ps__library_take_store(&store, w->library, &ignored) == PS__OK) {
        if (ps__store_find_space(&space, store, before->space, before->dim, &ignored) == PS__OK)
            ps__store_vector_count(&vectors, store, space, &ignored);
        if (vectors == 0) ps__index_drop_cache(store, before->space, before->dim);
        ps__library_put_store(w->library, store);
    }
    if (choose_model(w, &ignored) == PS__OK) ps__tender_stop(ps__tender_start(w->library, w->model), 1);
}

static int reencode_once(ps__work *w, ps__indexer_result *result, ps__error *err) {
    ps__indexer_encoder encoder;
    ps__indexer_result inner = {0};
    ps__indexer_options o = w->options;
    ps__store_model before = {0}, wanted = {0};
    ps__store *store;
    ps_model *next;
    int status = ps__library_next(&next, w->library, err);
    if (status != PS__OK || !next) return status;
    status = ps__library_take_store(&store, w->library, err);
    if (status == PS__OK) status = ps__store_current_model(&before, store, err);
    if (status == PS__OK) status = ps__store_next_model(&wanted, store, err);
    ps__library_put_store(w->library, store);
    if (status != PS__OK) return status;
    status = ps__indexer_encoder_from(&encoder, ps__model_encoder(next), err);
    if (status != PS__OK) return status;
    /* A package that was replaced by another of its space does as well, under the name that the library knows. */
    if (strcmp(wanted.space, encoder.space) == 0) encoder.model_id = wanted.id;
    o.encoder = &encoder;
    w->refilling = 1;
    status = ps__indexer_reencode(&inner, &o, err);
    w->refilling = 0;
    w->cpu_seconds += inner.cpu_seconds;
    w->encoded += inner.encoded;
    result->reencoded += inner.encoded;
    result->failed += inner.failed;
    result->seconds += inner.seconds;
    result->cpu_seconds += inner.cpu_seconds;
    result->switched |= inner.switched;
    result->away = inner.away;
    if (!result->first_failure[0]) memcpy(result->first_failure, inner.first_failure, sizeof result->first_failure);
    if (inner.switched) freshen_index(w, &before);
    return status;
}

/* Where somebody chooses another model meanwhile, the work goes on with that. */
static int reencode(ps__work *w, ps__indexer_result *result, ps__error *err) {
    ps__store_model next = next_model(w), tried;
    int status = PS__OK;
    while (next.id[0]) {
        tried = next;
        status = reencode_once(w, result, err);
        if (status != PS__NOTFOUND) return status;
        next = next_model(w);
        if (strcmp(next.id, tried.id) == 0) return status;
        ps__logf(w->options.log, PS__LOG_INFO, "%s", err->text);
    }
    return PS__OK;
}

int ps__work_refill(ps__work *w, ps__indexer_result *result, ps__error *err) {
    if (!ps__work_is_changing(w)) return PS__OK;
    int status = ps__work_read_waiting(w, result, err);
    if (status == PS__OK) status = reencode(w, result, err);
    if (status != PS__OK || !result->away) return status;
    /* Files were missing: a look at the folders tells which were only moved. Then nothing more is to be waited for. */
    ps__indexer_result look = {0};
    if (!w->everywhere) status = ps__work_run(w, &look, &w->options, err);
    return status == PS__OK ? reencode(w, result, err) : status;
}
