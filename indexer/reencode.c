/*
** Filling a library with the vectors of its next model, and the switch to it.
**
** It is a run that scans nothing: its work are files whose photos have no vector of the next model's space. Nothing new enters the
** library by it, as a photo that had a vector of the next model only could not be found meanwhile: such files are marked, and an ordinary
** run, with the current model, reads them.
*/
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/os.h"
#include "indexer/run.h"

#define LACKING_FEW 10 /* photos that may stay without a vector, if they are not half of those */
#define LACKING_PART 5 /* a fifth of those that are found now */

int ps__reencode_check(ps__run *run, ps__error *err) {
    const ps__indexer_encoder *e = run->options->encoder;
    ps__store_model next;
    int status = ps__store_next_model(&next, run->store, err);
    if (status != PS__OK) return status;
    if (strcmp(next.id, e->model_id) != 0 || next.dim != e->dim)
        return ps__fail(err, PS__NOTFOUND, "%s: its model is not being changed to %s", run->options->library, e->model_id);
    run->space = next.space_number;
    return PS__OK;
}

typedef struct awaited {
    ps__ids missing;
    int there; /* one is there to be read: the walk stops */
} awaited;

static int look_for(const ps__file *file, const char *path, void *payload) {
    struct stat st;
    awaited *a = payload;
    a->there = ps__os.stat(path, &st) == 0 || (errno != ENOENT && errno != ENOTDIR); /* on doubt it is */
    if (a->there) return 1;
    return ps__ids_push(&a->missing, file->id);
}

static int note_missing(ps__run *run, const ps__ids *missing, ps__error *err) {
    if (missing->count == 0) return PS__OK;
    int status = ps__store_write(run->store, err);
    for (size_t i = 0; i < missing->count && status == PS__OK; i++)
        status = ps__store_file_gone(NULL, run->store, missing->items[i], err);
    if (status == PS__OK) status = ps__store_commit(run->store, err);
    if (status != PS__OK) ps__store_rollback(run->store);
    run->away += (int64_t)missing->count;
    return status;
}

/* 1 in *wait: photos that answer now are still to be read. */
static int look_for_awaited(int *wait, ps__run *run, ps__error *err) {
    awaited a = {0};
    int status = ps__store_each_awaited(run->store, run->space, look_for, &a, err);
    *wait = a.there;
    if (a.there) status = PS__OK;
    if (status == PS__NOMEM) ps__fail_nomem(err);
    if (status == PS__OK) status = note_missing(run, &a.missing, err);
    ps__free(a.missing.items);
    return status;
}

/* Where much of what is found now would not be found any more, whenever and why ever it could not be encoded, the model or the machine is at
** fault rather than the photos, or a drive is away: the old vectors go on answering. */
static int lacks_much(int *much, ps__run *run, const ps__store_change *change, ps__error *err) {
    ps__store_model current;
    int64_t vectors = 0;
    int status = ps__store_current_model(&current, run->store, err);
    if (status == PS__OK && current.id[0]) status = ps__store_vector_count(&vectors, run->store, current.space_number, err);
    int64_t lacking = vectors - change->done;
    *much =
        status == PS__OK && lacking > 0 && lacking >= vectors / LACKING_PART && (lacking > LACKING_FEW || 2 * lacking >= vectors);
    if (*much)
        ps__logf(run->options->log, PS__LOG_WARNING,
                 "%lld of %lld photos could not be encoded by the new model, as their files are away or could not be read, so the old one goes on"
                 " answering%s%s",
                 (long long)lacking, (long long)vectors, run->result->first_failure[0] ? ": " : "", run->result->first_failure);
    return status;
}

static int switch_model(ps__run *run, const ps__store_change *change, ps__error *err) {
    const int64_t lacking = change->out_of_reach + change->left;
    int status = ps__store_switch_model(run->store, run->options->encoder->space, err);
    if (status != PS__OK) return status;
    run->result->switched = 1;
    ps__logf(run->options->log, PS__LOG_INFO, "the library's model is %s now", change->next.id);
    if (lacking > 0)
        ps__logf(run->options->log, PS__LOG_WARNING,
                 "%lld photo%s could not be encoded by the new model, as the files are away or could not be read: they are when "
                 "these are back",
                 (long long)lacking, lacking == 1 ? "" : "s");
    return PS__OK;
}

int ps__reencode_end(ps__run *run, ps__error *err) {
    const ps__indexer_result *r = run->result;
    ps__store_change change;
    int wait = 0, much = 0;
    if (r->interrupted || r->found - r->indexed - r->unchanged - r->failed - r->quarantined > 0) return PS__OK;
    int status = look_for_awaited(&wait, run, err);
    run->result->away = run->away;
    if (wait || (status == PS__OK && run->away)) return PS__OK; /* they may only have been moved: a scan tells */
    if (status == PS__OK) status = ps__store_count_change(&change, run->store, err);
    if (status == PS__OK) status = lacks_much(&much, run, &change, err);
    return status != PS__OK || much ? status : switch_model(run, &change, err);
}

int ps__remove_retired(ps__run *run, ps__error *err) {
    int more = 1, status = PS__OK;
    while (status == PS__OK && more) {
        status = ps__store_remove_retired(&more, run->store, err);
        if (status == PS__OK) status = ps__run_tick(run, "", 0);
    }
    return status;
}

int ps__indexer_reencode(ps__indexer_result *result, const ps__indexer_options *options, ps__error *err) {
    static const char *const everywhere[] = {"/"}, *const nothing[1] = {NULL};
    ps__indexer_options o = *options;
    o.roots = everywhere;
    o.root_count = 1;
    o.only = nothing;
    o.only_count = 0;
    o.flags |= PS__INDEX_REENCODE;
    return ps__indexer_run(result, &o, err);
}
