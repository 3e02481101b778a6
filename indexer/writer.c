/*
** The writer: the only thread that writes to the library while photos are encoded. It gathers outcomes and files them in one short
** transaction when a batch is full, when the oldest has waited 2 seconds, or when nothing else is coming; so a kill costs little, and
** other writers (forget) never wait long. It keeps the caller's priority in background runs too: on a busy device an idle thread
** might not get to let go of the library's write lock.
*/
#include "indexer/pipeline.h"

#include <string.h>

#include "base/alloc.h"
#include "base/os.h"
#include "base/priority.h"
#include "base/utf8.h"

#define BATCH_MS 2000

typedef struct batch {
    ps__outcome *items[PS__BATCH];
    int count;        /* of items */
    int64_t since_ns; /* monotonic time at which the first came */
    int broken;       /* the library could not be written: nothing more is tried */
} batch;

/* A reason may quote a file name of any bytes; the library keeps text. */
static char *readable(const char *reason, int code) {
    ps__buf out = PS__BUF_INIT;
    size_t length = reason ? strlen(reason) : 0, used;
    if (!reason) return ps__strdup(ps__status_text(code));
    for (size_t i = 0; i < length; i += used) {
        uint32_t c;
        used = ps__utf8_decode(&c, reason + i, length - i);
        ps__utf8_append(&out, c < 0x20 || c == 0x7f ? 0xfffd : c);
    }
    return ps__buf_detach(&out);
}

static int write_one(ps__run *run, ps__outcome *o, ps__error *err) {
    const ps__indexer_encoder *e = run->options->encoder;
    if (o->kind == PS__OUTCOME_FAILED) {
        char *reason = readable(o->reason, o->code);
        int status =
            ps__store_file_failed(run->store, o->job.file, &o->stat, o->has_hash ? o->photo.hash : NULL, o->code, reason, err);
        ps__free(reason);
        return status;
    }
    if (o->kind == PS__OUTCOME_AWAY) return ps__store_file_gone(NULL, run->store, o->job.file, err);
    if (o->kind == PS__OUTCOME_CHANGED) return ps__store_file_changed(run->store, o->job.file, &o->stat, err);
    ps__file_done done = {.file = o->job.file, .stat = o->stat, .racy = o->racy, .photo = &o->photo, .halves = o->halves};
    if (o->kind == PS__OUTCOME_PREVIEW) return ps__store_file_previewed(run->store, run->space, e->model_id, e->dim, &done, err);
    if (o->kind == PS__OUTCOME_NEW) done.texts = &o->texts;
    int status = ps__store_file_done(run->store, run->space, e->model_id, e->dim, &done, err);
    if (status != PS__NOTFOUND) return status;
    o->kind = PS__OUTCOME_LEFT; /* somebody had the photo forgotten since the worker looked: encode it in the next run */
    return PS__OK;
}

static int write_all(ps__run *run, batch *b, ps__error *err) {
    int status = ps__store_write(run->store, err);
    if (status == PS__OK && run->options->flags & PS__INDEX_REENCODE) status = ps__reencode_check(run, err);
    for (int i = 0; i < b->count && status == PS__OK; i++) status = write_one(run, b->items[i], err);
    if (status == PS__OK) status = ps__store_commit(run->store, err);
    if (status != PS__OK) ps__store_rollback(run->store);
    return status;
}

static void flush(ps__pipeline *p, batch *b) {
    ps__error why = {0};
    if (b->count == 0) return;
    int status = b->broken ? PS__ERROR : write_all(p->run, b, &why);
    if (status != PS__OK && !b->broken) {
        b->broken = 1;
        ps__pipeline_stop(p, status, &why);
    }
    pthread_mutex_lock(&p->lock);
    for (int i = 0; i < b->count; i++) {
        if (status != PS__OK) b->items[i]->kind = PS__OUTCOME_LEFT;
        ps__pipeline_finish(p, b->items[i]);
    }
    pthread_mutex_unlock(&p->lock);
    b->count = 0;
}

static int batch_age_ms(const batch *b) {
    int64_t ms = b->count ? (ps__os.monotonic_ns() - b->since_ns) / 1000000 : 0;
    return ms > BATCH_MS ? BATCH_MS : ms < 0 ? 0 : (int)ms;
}

/* Moves what is there into the batch, waiting for more while that makes sense. Returns 0 once all is done. */
static int gather(ps__pipeline *p, batch *b) {
    pthread_mutex_lock(&p->lock);
    while (b->count < PS__BATCH) {
        if (p->outcome_count) {
            if (b->count == 0) b->since_ns = ps__os.monotonic_ns();
            b->items[b->count++] = p->outcomes[p->outcome_first];
            p->outcome_first = (p->outcome_first + 1) % PS__OUTCOMES;
            p->outcome_count--;
            pthread_cond_broadcast(&p->room);
            continue;
        }
        if (p->writer_closing || (b->count && (p->drain || batch_age_ms(b) >= BATCH_MS))) break;
        if (b->count)
            ps__wait_ms(&p->writer, &p->lock, BATCH_MS - batch_age_ms(b));
        else
            pthread_cond_wait(&p->writer, &p->lock);
    }
    int more = !p->writer_closing || p->outcome_count > 0;
    pthread_mutex_unlock(&p->lock);
    return more;
}

void *ps__writer(void *payload) {
    ps__pipeline *p = payload;
    batch b = {0};
    while (gather(p, &b)) flush(p, &b);
    flush(p, &b);
    pthread_mutex_lock(&p->lock);
    p->cpu_ns += ps__thread_cpu_ns();
    pthread_mutex_unlock(&p->lock);
    return NULL;
}
