/*
** The pipeline as a whole: its threads start and end here, and the books are kept on what becomes of each job. feed.c hands out the
** jobs, worker.c and process.c do them, writer.c commits.
*/
#include "indexer/pipeline.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/cpu.h"
#include "base/os.h"
#include "base/thread.h"

void ps__wait_ms(pthread_cond_t *condition, pthread_mutex_t *lock, int ms) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) until.tv_sec++, until.tv_nsec -= 1000000000;
    pthread_cond_timedwait(condition, lock, &until);
}

static void wake_all(ps__pipeline *p) {
    pthread_cond_broadcast(&p->feeder);
    pthread_cond_broadcast(&p->workers);
    pthread_cond_broadcast(&p->writer);
    pthread_cond_broadcast(&p->room);
    pthread_cond_broadcast(&p->budget);
}

static void stop_locked(ps__pipeline *p, int status, const ps__error *err) {
    if (!p->fatal) {
        p->fatal = status;
        p->fatal_error = *err;
    }
    wake_all(p);
}

void ps__pipeline_stop(ps__pipeline *p, int status, const ps__error *err) {
    pthread_mutex_lock(&p->lock);
    stop_locked(p, status, err);
    pthread_mutex_unlock(&p->lock);
}

void ps__check_workers(ps__pipeline *p) {
    if (p->worker_threads > 0 && p->workers_failed == p->worker_threads)
        stop_locked(p, p->session_error.code, &p->session_error);
}

int ps__pipeline_stopping(ps__pipeline *p) {
    pthread_mutex_lock(&p->lock);
    int stop = p->fatal;
    pthread_mutex_unlock(&p->lock);
    return stop || (p->run->options->cancel && atomic_load(p->run->options->cancel));
}

int ps__claim(ps__pipeline *p, const uint8_t hash[16]) {
    int free_to_take = 1;
    pthread_mutex_lock(&p->lock);
    for (int i = 0; i < p->claim_count && free_to_take; i++) free_to_take = memcmp(p->claims[i], hash, 16) != 0;
    if (free_to_take) memcpy(p->claims[p->claim_count++], hash, 16);
    pthread_mutex_unlock(&p->lock);
    return free_to_take;
}

void ps__release(ps__pipeline *p, const uint8_t hash[16]) {
    for (int i = 0; i < p->claim_count; i++) {
        if (memcmp(p->claims[i], hash, 16) != 0) continue;
        memmove(p->claims[i], p->claims[--p->claim_count], 16);
        return;
    }
}

void ps__note_broken(ps__pipeline *p, const uint8_t hash[16], int code, const char *why) {
    pthread_mutex_lock(&p->lock);
    if (!p->broken) p->broken = ps__array(PS__BROKEN, sizeof *p->broken);
    if (p->broken) { /* without memory copies are tried, too */
        ps__broken *b = &p->broken[p->broken_count++ % PS__BROKEN];
        memcpy(b->hash, hash, sizeof b->hash);
        b->code = code;
        snprintf(b->why, sizeof b->why, "%s", why);
    }
    pthread_mutex_unlock(&p->lock);
}

int ps__find_broken(ps__pipeline *p, const uint8_t hash[16], const char *path, ps__error *err) {
    int status = PS__OK;
    pthread_mutex_lock(&p->lock);
    size_t count = p->broken_count < PS__BROKEN ? p->broken_count : PS__BROKEN;
    for (size_t i = 0; i < count && status == PS__OK; i++)
        if (memcmp(p->broken[i].hash, hash, 16) == 0)
            status = ps__fail(err, p->broken[i].code, "%s: is a copy of a file that failed: %s", path, p->broken[i].why);
    pthread_mutex_unlock(&p->lock);
    return status;
}

void ps__outcome_free(ps__outcome *o) {
    if (!o) return;
    ps__free(o->job.path);
    ps__free(o->halves);
    ps__free(o->reason);
    ps__free(o);
}

/* Ids that are dropped for want of memory do no harm: such a row still says pending, and the next run finds it. */
void ps__pipeline_finish(ps__pipeline *p, ps__outcome *o) {
    ps__indexer_result *r = p->run->result;
    if (o->claimed) ps__release(p, o->photo.hash);
    switch (o->kind) {
    case PS__OUTCOME_NEW: r->indexed++, r->encoded++; break;
    case PS__OUTCOME_KNOWN:
        if (o->job.photo == o->photo.id)
            r->unchanged++;
        else
            r->indexed++;
        break;
    case PS__OUTCOME_FAILED: r->failed++; break;
    case PS__OUTCOME_PREVIEW: r->previewed++; break;
    case PS__OUTCOME_AWAY: r->found--, p->run->away++; break;
    case PS__OUTCOME_GONE: r->found--, ps__ids_push(&p->gone, o->job.file); break;
    case PS__OUTCOME_PUT_OFF: ps__ids_push(&p->put_off, o->job.file); break;
    default: break; /* NONE, LEFT: in no count, and so pending */
    }
    if (o->kind != PS__OUTCOME_PUT_OFF) p->finished++;
    if (o->job.preview && o->kind <= PS__OUTCOME_FAILED) {
        p->settled++;
        ps__idset_add(&p->fed, o->job.file); /* without memory a failed one gets a second try in this run */
    }
    p->outstanding--;
    pthread_cond_broadcast(&p->feeder);
    ps__outcome_free(o);
}

/* ---- Threads ------------------------------------------------------------------------------------------------------------ */

static int start_threads(pthread_t *threads, int *count, ps__pipeline *p, int workers, ps__error *err) {
    int e = 0;
    if (p->run->options->governor) ps__governor_close(p->run->options->governor, 0);
    for (*count = 0; *count < workers + 1; ++*count) {
        e = ps__thread_start(&threads[*count], *count == 0 ? ps__writer : ps__worker, p);
        if (e) break;
    }
    if (e && *count < 2) return ps__fail_errno(err, e, "a thread could not be started");
    pthread_mutex_lock(&p->lock);
    p->worker_threads = *count - 1;
    ps__check_workers(p);
    pthread_mutex_unlock(&p->lock);
    return PS__OK; /* fewer workers than wished will do */
}

static void join_threads(const pthread_t *threads, int count, ps__pipeline *p) {
    if (p->run->options->governor) ps__governor_close(p->run->options->governor, 1);
    pthread_mutex_lock(&p->lock);
    p->closing = 1;
    wake_all(p);
    pthread_mutex_unlock(&p->lock);
    for (int i = 1; i < count; i++) pthread_join(threads[i], NULL);
    pthread_mutex_lock(&p->lock);
    p->writer_closing = 1;
    wake_all(p);
    pthread_mutex_unlock(&p->lock);
    if (count > 0) pthread_join(threads[0], NULL);
}

static int is_stopping(void *payload) { return ps__pipeline_stopping(payload); }

static void init_locks(ps__pipeline *p) {
    pthread_cond_t *all[] = {&p->feeder, &p->workers, &p->writer, &p->room, &p->budget};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) ps__condition_init(all[i]);
    pthread_mutex_init(&p->lock, NULL);
    pthread_mutex_init(&p->reader_lock, NULL);
}

static void destroy(ps__pipeline *p) {
    pthread_cond_t *all[] = {&p->feeder, &p->workers, &p->writer, &p->room, &p->budget};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) pthread_cond_destroy(all[i]);
    pthread_mutex_destroy(&p->lock);
    pthread_mutex_destroy(&p->reader_lock);
    for (int i = 0; i < p->job_count; i++) ps__free(p->jobs[(p->job_first + i) % PS__QUEUE].path);
    for (size_t i = 0; i < p->gone.count; i++) ps__idset_remove(&p->run->seen, p->gone.items[i]);
    ps__idset_free(&p->fed);
    ps__free(p->broken);
    ps__free(p->put_off.items);
    ps__free(p->gone.items);
    ps__store_close(p->reader);
    ps__free(p);
}

/* What was to be done and is in no other count. */
static void count_pending(ps__indexer_result *r) {
    int64_t rest = r->found - r->indexed - r->unchanged - r->failed - r->quarantined;
    r->pending = rest > 0 ? rest : 0;
}

static int worker_count(const ps__indexer_options *o) {
    int n = o->threads > 0 ? o->threads : ps__cpu_count();
    return n < 1 ? 1 : n > PS__MAX_THREADS ? PS__MAX_THREADS : n;
}

static int run_pipeline(ps__pipeline *p, ps__error *err) {
    pthread_t threads[PS__MAX_THREADS + 1];
    int count = 0;
    int status = start_threads(threads, &count, p, worker_count(p->run->options), err);
    if (status == PS__OK) status = ps__feed(p, err);
    if (status != PS__OK) ps__pipeline_stop(p, status, err);
    join_threads(threads, count, p);
    if (p->fatal) {
        *err = p->fatal_error;
        return p->fatal;
    }
    return status;
}

int ps__encode(ps__run *run, ps__error *err) {
    ps__pipeline *p = ps__calloc(1, sizeof *p);
    if (!p) return ps__fail_nomem(err);
    p->run = run;
    p->stop = (ps__indexer_stop){is_stopping, p};
    if (run->options->decoder)
        p->decoder = *run->options->decoder;
    else
        ps__indexer_decoder_here(&p->decoder, NULL);
    init_locks(p);
    int status = ps__store_open(&p->reader, run->options->library, PS__STORE_READ, err);
    if (status == PS__OK) status = run_pipeline(p, err);
    run->result->cpu_seconds += (double)p->cpu_ns / 1e9;
    destroy(p);
    count_pending(run->result);
    return status;
}
