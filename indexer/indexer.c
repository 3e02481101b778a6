/*
** One run from beginning to end: options, the library and its lock, the three phases, the result.
*/
#include "indexer/run.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/os.h"
#include "base/priority.h"

#define TELL_NS 100000000

int ps__run_cancelled(const ps__run *run) { return run->stopped || (run->options->cancel && atomic_load(run->options->cancel)); }

static void estimate(ps__run *run, int64_t now) {
    ps__indexer_progress *g = &run->progress;
    double working = run->phase_start_ns ? (double)(now - run->phase_start_ns) / 1e9 : 0;
    g->seconds = (double)(now - run->start_ns) / 1e9;
    g->per_second = working > 0 ? (double)g->done / working : 0;
    g->left_seconds = g->phase == PS__PHASE_DONE ? 0 : -1;
    if ((g->phase == PS__PHASE_ENCODE || g->phase == PS__PHASE_PREVIEW) && g->per_second > 0)
        g->left_seconds = (double)(g->total > g->done ? g->total - g->done : 0) / g->per_second;
}

int ps__run_tick(ps__run *run, const char *path, int now) {
    int64_t ns = ps__os.monotonic_ns();
    if (run->options->progress && (now || ns - run->told_ns >= TELL_NS)) {
        run->told_ns = ns;
        run->progress.path = path;
        if (run->progress.phase == PS__PHASE_SCAN) {
            run->progress.found = run->result->found;
            run->progress.total = run->todo;
        }
        estimate(run, ns);
        if (run->options->progress(&run->progress, run->options->payload) != 0) run->stopped = 1;
    }
    return ps__run_cancelled(run) ? PS__CANCELLED : PS__OK;
}

void ps__run_note(ps__run *run, int level, const char *text) {
    if (!run->result->first_failure[0]) snprintf(run->result->first_failure, sizeof run->result->first_failure, "%s", text);
    ps__logf(run->options->log, level, "%s", text);
}

static int check_options(const ps__indexer_options *o, ps__error *err) {
    const ps__indexer_encoder *e = o->encoder;
    if (!o->library || !*o->library) return ps__fail(err, PS__INVALID, "the library's folder is empty");
    if (!o->roots || o->root_count == 0) return ps__fail(err, PS__INVALID, "no folder to index was given");
    if (!e || !e->session_new || !e->session_free || !e->encode || e->image_size < 1 || e->dim < 1)
        return ps__fail(err, PS__INVALID, "no encoder for images was given");
    if (o->only_count && !o->only) return ps__fail(err, PS__INVALID, "no paths to look at were given");
    if (o->threads < 0 || o->threads > 256)
        return ps__fail(err, PS__INVALID, "%d threads are out of range (1 to 256)", o->threads);
    return PS__OK;
}

int ps__run_interrupted(const ps__run *run) { return run->options->interrupt && atomic_load(run->options->interrupt); }

int ps__run_enter_phase(ps__run *run, int phase) {
    run->progress.phase = phase;
    return ps__run_tick(run, "", 1);
}

static int count_kind(int64_t *total, ps__run *run, int kind, ps__error *err) {
    *total = 0;
    for (size_t i = 0; i < run->options->root_count; i++) {
        int64_t count;
        if (run->roots[i].kind == PS__ROOT_SKIPPED || run->roots[i].covered) continue;
        int status = ps__store_count_work(&count, run->store, kind, run->space, run->roots[i].path, err);
        if (status != PS__OK) return status;
        *total += count;
    }
    return PS__OK;
}

/* A whole scan has counted what it met; what only waits is counted in the library. Unencoded: another model indexed them. */
static int count_work(ps__run *run, ps__error *err) {
    static const int waiting[] = {PS__WORK_PENDING, PS__WORK_PREVIEWED};
    int64_t count;
    if (run->options->flags & PS__INDEX_REENCODE) return count_kind(&run->unencoded, run, PS__WORK_UNENCODED, err);
    if (run->options->only_count > 0) { /* the scan has listed it */
        run->new_files = run->todo = (int64_t)run->listed.count;
        return PS__OK;
    }
    int status = count_kind(&run->unencoded, run, PS__WORK_UNENCODED, err);
    if (status == PS__OK) status = count_kind(&run->new_files, run, PS__WORK_NEW, err);
    if (status != PS__OK || !run->options->only) return status;
    run->todo = 0;
    for (size_t i = 0; i < sizeof waiting / sizeof *waiting && status == PS__OK; i++) {
        status = count_kind(&count, run, waiting[i], err);
        if (status == PS__OK) run->todo += count;
    }
    return status;
}

/* What a run over some paths has left alone. */
static int count_waiting(ps__run *run, ps__error *err) {
    int64_t pending, previewed;
    int status = count_kind(&pending, run, PS__WORK_PENDING, err);
    if (status == PS__OK) status = count_kind(&previewed, run, PS__WORK_PREVIEWED, err);
    if (status == PS__OK) run->result->waiting = pending + previewed;
    return status;
}

static int run_phases(ps__run *run, ps__error *err) {
    int status = ps__run_enter_phase(run, PS__PHASE_SCAN);
    if (status == PS__OK) status = ps__roots_resolve(run, err);
    if (status == PS__OK) status = ps__scan(run, err);
    if (status == PS__OK) status = count_work(run, err);
    if (status != PS__OK) return status;
    run->progress.found = run->result->found;
    if (run->todo + run->unencoded > 0) status = ps__encode(run, err);
    if (status == PS__OK) status = ps__run_enter_phase(run, PS__PHASE_REMOVE);
    if (status == PS__OK) status = ps__remove_vanished(run, err);
    if (status == PS__OK && run->options->only_count > 0) status = count_waiting(run, err);
    return status;
}

/* Also after a cancel: the time of the last run is when the library was last looked after. */
static int note_end(ps__run *run, ps__error *err) {
    int status = ps__store_write(run->store, err);
    if (status == PS__OK) status = ps__store_set_last_run(run->store, ps__os.wall_seconds(), err);
    if (status == PS__OK) status = ps__store_commit(run->store, err);
    if (status != PS__OK) ps__store_rollback(run->store);
    return status;
}

static int no_root_was_there(const ps__run *run) { return run->result->roots_skipped == (int64_t)run->options->root_count; }

/* A model that was chosen before the lock was had may be that of yesterday: its vectors may be gone. */
static int check_choice(ps__run *run, ps__error *err) {
    const char *expected = run->options->encoder->instead_of;
    ps__store_model current;
    int status = expected ? ps__store_current_model(&current, run->store, err) : PS__OK;
    if (status != PS__OK || !expected || strcmp(current.id, expected) == 0) return status;
    return ps__fail(err, PS__BUSY, "%s: its model was changed to %s meanwhile", run->options->library, current.id);
}

/* Which program and which model are at work. */
static int introduce(ps__run *run, ps__error *err) {
    const ps__indexer_encoder *e = run->options->encoder;
    if (run->options->flags & PS__INDEX_REENCODE) return ps__reencode_check(run, err);
    int status = check_choice(run, err);
    if (status == PS__OK) status = ps__store_use_model(&run->space, run->store, e->model_id, e->space, e->dim, err);
    if (status == PS__OK && e->path) status = ps__store_set_model_path(run->store, e->model_id, e->path, err);
    if (status != PS__OK || !run->options->version) return status;
    status = ps__store_write(run->store, err);
    if (status == PS__OK) status = ps__store_note_version(run->store, run->options->version, err);
    if (status == PS__OK) status = ps__store_commit(run->store, err);
    if (status != PS__OK) ps__store_rollback(run->store);
    return status;
}

static int run_locked(ps__run *run, ps__error *err) {
    int status = introduce(run, err);
    if (status == PS__OK) status = ps__place_photos(run, err);
    if (status == PS__OK) status = run_phases(run, err);
    if (status == PS__OK && run->options->flags & PS__INDEX_REENCODE) status = ps__reencode_end(run, err);
    if (status == PS__OK) status = ps__remove_retired(run, err);
    if (status == PS__OK || status == PS__CANCELLED) {
        int end = note_end(run, err);
        if (status == PS__OK) status = end;
    }
    if (status == PS__CANCELLED) return ps__fail(err, PS__CANCELLED, "indexing was stopped on request");
    if (status == PS__OK && no_root_was_there(run)) return ps__fail(err, run->skip_status, "%s", run->result->first_failure);
    if (status == PS__OK) ps__run_enter_phase(run, PS__PHASE_DONE);
    return status;
}

static void free_run(ps__run *run) {
    if (!run) return;
    if (run->roots) {
        for (size_t i = 0; i < run->options->root_count; i++) ps__free(run->roots[i].path);
    }
    ps__free(run->roots);
    ps__idset_free(&run->seen);
    ps__folderset_free(&run->visited);
    ps__strings_free(&run->unreadable);
    ps__free(run->listed.items);
    ps__store_close(run->store);
    ps__free(run);
}

int ps__indexer_run(ps__indexer_result *result, const ps__indexer_options *options, ps__error *err) {
    ps__error own = {0};
    memset(result, 0, sizeof *result);
    if (!err) err = &own;
    int status = check_options(options, err);
    if (status != PS__OK) return status;
    int64_t start_ns = ps__os.monotonic_ns(), start_cpu_ns = ps__thread_cpu_ns();
    ps__run *run = ps__calloc(1, sizeof *run);
    if (!run) return ps__fail_nomem(err);
    run->options = options;
    run->result = result;
    run->start_ns = start_ns;
    run->progress.path = "";
    run->roots = ps__calloc(options->root_count, sizeof *run->roots);
    status = run->roots ? ps__store_open(&run->store, options->library, PS__STORE_CREATE, err) : ps__fail_nomem(err);
    if (status == PS__OK) status = ps__store_lock(run->store, err);
    if (status == PS__OK) status = run_locked(run, err);
    free_run(run);
    result->cpu_seconds += (double)(ps__thread_cpu_ns() - start_cpu_ns) / 1e9;
    result->seconds = (double)(ps__os.monotonic_ns() - start_ns) / 1e9;
    if (result->seconds > 0) result->photos_per_second = (double)result->indexed / result->seconds;
    return status;
}
