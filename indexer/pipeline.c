/*
** Phase 2: hands the library's open work to the workers, and keeps the books on what becomes of it. Threads start and end here.
*/
#include "indexer/pipeline.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/cpu.h"
#include "base/os.h"

#define PAGE 128 /* rows fetched at once */

typedef struct page { /* collected from the library, fed to the workers */
    ps__job jobs[PAGE];
    int count;       /* of jobs */
    int rows;        /* looked at: fewer than PAGE means that this root is done */
    int64_t last_id; /* where the next page begins */
    ps__run *run;
    int *reencode; /* [PAGE]: the row is INDEXED, only its vector is missing */
} page;

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

void ps__pipeline_stop(ps__pipeline *p, int status, const ps__error *err) {
    pthread_mutex_lock(&p->lock);
    if (!p->fatal) {
        p->fatal = status;
        p->fatal_error = *err;
    }
    wake_all(p);
    pthread_mutex_unlock(&p->lock);
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

void ps__outcome_free(ps__outcome *o) {
    if (!o) return;
    ps__free(o->job.path);
    ps__free(o->halves);
    ps__free(o->reason);
    ps__free(o);
}

/* Without memory the id is dropped: its row still says pending, and the next run finds it. */
static void remember(ps__ids *ids, int64_t id) {
    if (ids->count == ids->capacity) {
        size_t capacity = ids->capacity ? ids->capacity * 2 : 64;
        int64_t *grown = ps__realloc(ids->items, capacity * sizeof *grown);
        if (!grown) return;
        ids->items = grown;
        ids->capacity = capacity;
    }
    ids->items[ids->count++] = id;
}

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
    case PS__OUTCOME_GONE: r->found--, remember(&p->gone, o->job.file); break;
    case PS__OUTCOME_PUT_OFF: remember(&p->put_off, o->job.file); break;
    default: break; /* LEFT: in no count, and so pending */
    }
    if (o->kind != PS__OUTCOME_PUT_OFF) p->finished++;
    p->outstanding--;
    pthread_cond_broadcast(&p->feeder);
    ps__outcome_free(o);
}

/* ---- Feeding ------------------------------------------------------------------------------------------------------------ */

static void copy_progress(ps__pipeline *p) {
    p->run->progress.done = p->finished;
    p->run->progress.failed = p->run->result->failed;
}

/* Lets the caller see progress while the lock is free, and says whether to go on. The run's own counters stay the workers'. */
static int tick(ps__pipeline *p, const char *path) {
    pthread_mutex_lock(&p->lock);
    copy_progress(p);
    int fatal = p->fatal;
    pthread_mutex_unlock(&p->lock);
    return fatal ? fatal : ps__run_tick(p->run, path, 0);
}

/* Takes over job->path on success. */
static int push_job(ps__pipeline *p, const ps__job *job, int reencode) {
    int status;
    for (;;) {
        if ((status = tick(p, job->path)) != PS__OK) return status;
        pthread_mutex_lock(&p->lock);
        if (p->job_count == PS__QUEUE) ps__wait_ms(&p->feeder, &p->lock, 100);
        if (p->job_count < PS__QUEUE) break;
        pthread_mutex_unlock(&p->lock);
    }
    p->jobs[(p->job_first + p->job_count++) % PS__QUEUE] = *job;
    p->outstanding++;
    if (reencode) p->run->result->unchanged--; /* counted so by the scan; becomes what its outcome says */
    pthread_cond_signal(&p->workers);
    pthread_mutex_unlock(&p->lock);
    return PS__OK;
}

static int collect(const ps__file *file, const char *path, void *payload) {
    page *g = payload;
    g->rows++;
    g->last_id = file->id;
    /* Only what this run's scan met: the rest may be on a card that is not plugged in. */
    if (!ps__idset_has(&g->run->seen, file->id)) return 0;
    char *copy = ps__strdup(path);
    if (!copy) return PS__NOMEM;
    g->reencode[g->count] = file->state == PS__FILE_INDEXED;
    g->jobs[g->count++] = (ps__job){.file = file->id, .photo = file->photo, .size = file->stat.size, .path = copy};
    return 0;
}

static int feed_page(ps__pipeline *p, page *g) {
    int status = PS__OK;
    for (int i = 0; i < g->count; i++) {
        if (status == PS__OK) status = push_job(p, &g->jobs[i], g->reencode[i]);
        if (status != PS__OK) ps__free(g->jobs[i].path);
    }
    return status;
}

static int feed_root(ps__pipeline *p, const char *root, ps__error *err) {
    int reencode[PAGE], status;
    page g = {.run = p->run, .reencode = reencode};
    do {
        g.count = g.rows = 0;
        pthread_mutex_lock(&p->reader_lock);
        status = ps__store_each_work(p->reader, p->run->space, root, g.last_id, PAGE, collect, &g, err);
        pthread_mutex_unlock(&p->reader_lock);
        if (status != PS__OK) {
            while (g.count) ps__free(g.jobs[--g.count].path);
            return status == PS__NOMEM ? ps__fail_nomem(err) : status;
        }
        status = feed_page(p, &g);
    } while (status == PS__OK && g.rows == PAGE);
    return status;
}

static int wait_for_rest(ps__pipeline *p) {
    int status = PS__OK;
    pthread_mutex_lock(&p->lock);
    p->drain = 1;
    pthread_cond_signal(&p->writer);
    while (p->outstanding > 0 && !p->fatal && status == PS__OK) {
        ps__wait_ms(&p->feeder, &p->lock, 100);
        pthread_mutex_unlock(&p->lock);
        status = tick(p, "");
        pthread_mutex_lock(&p->lock);
    }
    if (p->fatal) status = p->fatal;
    p->drain = 0;
    pthread_mutex_unlock(&p->lock);
    return status;
}

/* Files that had to wait for a twin's vector. Each round finishes at least one of every content, so the rounds come to an end. */
static int feed_put_off(ps__pipeline *p, ps__error *err) {
    int status = wait_for_rest(p);
    while (status == PS__OK && p->put_off.count) {
        ps__ids ids = p->put_off; /* nobody else is at work now */
        p->put_off = (ps__ids){0};
        for (size_t i = 0; i < ids.count && status == PS__OK; i++) {
            int reencode[1];
            page g = {.run = p->run, .reencode = reencode};
            pthread_mutex_lock(&p->reader_lock);
            status = ps__store_one_work(p->reader, ids.items[i], collect, &g, err);
            pthread_mutex_unlock(&p->reader_lock);
            reencode[0] = 0; /* counted when it was fed first */
            if (status == PS__OK)
                status = feed_page(p, &g);
            else if (status == PS__NOTFOUND)
                status = PS__OK;
            else if (status == PS__NOMEM)
                ps__fail_nomem(err);
        }
        ps__free(ids.items);
        if (status == PS__OK) status = wait_for_rest(p);
    }
    return status;
}

static int root_is_listed(const ps__run *run, size_t i) {
    const ps__root *root = &run->roots[i];
    if (root->kind == PS__ROOT_SKIPPED || root->covered) return 0;
    for (size_t k = 0; k < i; k++) { /* a file below a scanned folder, or a root given twice */
        if (run->roots[k].kind != PS__ROOT_SKIPPED && ps__path_below(root->path, run->roots[k].path)) return 0;
    }
    return 1;
}

static int feed(ps__pipeline *p, ps__error *err) {
    int status = PS__OK;
    for (size_t i = 0; i < p->run->options->root_count && status == PS__OK; i++) {
        if (root_is_listed(p->run, i)) status = feed_root(p, p->run->roots[i].path, err);
    }
    return status == PS__OK ? feed_put_off(p, err) : status;
}

/* ---- Threads ------------------------------------------------------------------------------------------------------------ */

/* Signals are for the program's own threads; only those that a fault raises stay open, as blocking them is undefined. */
static void block_signals(sigset_t *old) {
    static const int open_ones[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
    sigset_t set;
    sigfillset(&set);
    for (size_t i = 0; i < sizeof open_ones / sizeof *open_ones; i++) sigdelset(&set, open_ones[i]);
    pthread_sigmask(SIG_SETMASK, &set, old);
}

static int start_threads(pthread_t *threads, int *count, ps__pipeline *p, int workers, ps__error *err) {
    sigset_t old;
    int e = 0;
    block_signals(&old);
    for (*count = 0; *count < workers + 1; ++*count) {
        e = ps__os.thread(&threads[*count], *count == 0 ? ps__writer : ps__worker, p);
        if (e) break;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (e && *count < 2) return ps__fail_errno(err, e, "a thread could not be started");
    return PS__OK; /* fewer workers than wished will do */
}

static void join_threads(const pthread_t *threads, int count, ps__pipeline *p) {
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

static void init_locks(ps__pipeline *p) {
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_t *all[] = {&p->feeder, &p->workers, &p->writer, &p->room, &p->budget};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) pthread_cond_init(all[i], &monotonic);
    pthread_condattr_destroy(&monotonic);
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
    if (status == PS__OK) status = feed(p, err);
    if (status != PS__OK) ps__pipeline_stop(p, status, err);
    join_threads(threads, count, p);
    copy_progress(p);
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
    init_locks(p);
    int status = ps__store_open(&p->reader, run->options->library, PS__STORE_READ, err);
    if (status == PS__OK) status = run_pipeline(p, err);
    destroy(p);
    count_pending(run->result);
    return status;
}
