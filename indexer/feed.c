/*
** Handing out the work: first new photos for their previews, then everything in full, kind by kind and the newest first. What
** somebody waits for (search results that show a preview, photos that an app named) goes before everything else.
*/
#include "indexer/pipeline.h"

#include "base/alloc.h"
#include "base/os.h"
#include "store/wanted.h"

#define PAGE 128       /* rows fetched at once */
#define PREVIEWS_FROM 32 /* fewer new photos are read in full at once */
#define WANTED_NS 500000000 /* how often to look who waits */

typedef struct page { /* collected from the library, fed to the workers */
    ps__job jobs[PAGE];
    int reencode[PAGE]; /* the row is INDEXED, only its vector is missing */
    int count;          /* of jobs */
    int rows;           /* looked at: fewer than PAGE means that this root is done */
    int preview;        /* the jobs are for previews */
    int again;          /* the rows were fed before and put off */
    int wanted;         /* somebody waits for these: they go before what is in the queue */
    ps__pipeline *p;
} page;

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

/* Takes over job->path on success. PS__CANCELLED also when the run is interrupted. */
static int push_job(ps__pipeline *p, const ps__job *job, int reencode, int first) {
    int status;
    for (;;) {
        if ((status = tick(p, job->path)) != PS__OK) return status;
        if (ps__run_interrupted(p->run)) return PS__CANCELLED;
        pthread_mutex_lock(&p->lock);
        if (p->job_count == PS__QUEUE) ps__wait_ms(&p->feeder, &p->lock, 100);
        if (p->job_count < PS__QUEUE) break;
        pthread_mutex_unlock(&p->lock);
    }
    if (first) p->job_first = (p->job_first + PS__QUEUE - 1) % PS__QUEUE;
    p->jobs[(p->job_first + (first ? 0 : p->job_count)) % PS__QUEUE] = *job;
    p->job_count++;
    p->outstanding++;
    if (reencode) p->run->result->unchanged--; /* counted so by the scan; becomes what its outcome says */
    pthread_cond_signal(&p->workers);
    pthread_mutex_unlock(&p->lock);
    return PS__OK;
}

/* 1: this row is to be fed; 0: not in this run. A scan of everything has met what is there: the rest may be on a card that is not
** plugged in. Otherwise the worker finds out. */
static int is_for_now(page *g, const ps__file *file) {
    ps__run *run = g->p->run;
    pthread_mutex_lock(&g->p->lock);
    int fed = ps__idset_has(&g->p->fed, file->id);
    pthread_mutex_unlock(&g->p->lock);
    if (fed && !g->again) return 0;
    if (ps__idset_has(&run->seen, file->id)) return 1;
    if (!run->options->only) return 0;
    if (ps__idset_add(&run->seen, file->id) != PS__OK) return PS__NOMEM;
    pthread_mutex_lock(&g->p->lock);
    run->result->found++;
    if (file->state == PS__FILE_INDEXED) run->result->unchanged++; /* as a scan would have counted it */
    pthread_mutex_unlock(&g->p->lock);
    return 1;
}

static int collect(const ps__file *file, const char *path, void *payload) {
    page *g = payload;
    g->rows++;
    int take = g->count < PAGE ? is_for_now(g, file) : 0;
    if (take <= 0) return take;
    char *copy = ps__strdup(path);
    if (!copy) return PS__NOMEM;
    g->reencode[g->count] = file->state == PS__FILE_INDEXED && !g->again; /* counted when it was fed first */
    g->jobs[g->count++] = (ps__job){
        .file = file->id, .photo = file->photo, .size = file->stat.size, .preview = g->preview, .path = copy};
    return 0;
}

static void drop_page(page *g) {
    while (g->count) ps__free(g->jobs[--g->count].path);
}

/* 1: it is this page's to feed; 0: it went before, because somebody waits for it. */
static int note_fed(page *g, int64_t file) {
    pthread_mutex_lock(&g->p->lock);
    int mine = g->again || !ps__idset_has(&g->p->fed, file);
    if (ps__idset_add(&g->p->fed, file) != PS__OK) mine = PS__NOMEM;
    pthread_mutex_unlock(&g->p->lock);
    return mine;
}

static int feed_wanted(ps__pipeline *p, ps__error *err);

static int feed_page(page *g, ps__error *err) {
    int status = PS__OK;
    for (int i = 0; i < g->count; i++) {
        int mine = 0;
        if (status == PS__OK && !g->wanted && !g->preview) status = feed_wanted(g->p, err);
        if (status == PS__OK) mine = g->preview ? 1 : note_fed(g, g->jobs[i].file);
        if (mine < 0) status = mine;
        if (status == PS__OK && mine == 1) status = push_job(g->p, &g->jobs[i], g->reencode[i], g->wanted);
        if (status != PS__OK || mine != 1) ps__free(g->jobs[i].path);
    }
    g->count = 0;
    return status;
}

/* What the walk or the feeding said, with a sentence. */
static int explain(int status, ps__error *err) { return status == PS__NOMEM ? ps__fail_nomem(err) : status; }

/* heed: PS__CANCELLED when the run is interrupted. */
static int wait_for_rest(ps__pipeline *p, int heed) {
    int status = PS__OK;
    pthread_mutex_lock(&p->lock);
    p->drain = 1;
    pthread_cond_signal(&p->writer);
    while (p->outstanding > 0 && !p->fatal && status == PS__OK) {
        ps__wait_ms(&p->feeder, &p->lock, 100);
        pthread_mutex_unlock(&p->lock);
        status = tick(p, "");
        if (status == PS__OK && heed && ps__run_interrupted(p->run)) status = PS__CANCELLED;
        pthread_mutex_lock(&p->lock);
    }
    if (p->fatal) status = p->fatal;
    p->drain = 0;
    pthread_mutex_unlock(&p->lock);
    return status;
}

/* ---- What somebody waits for ---------------------------------------------------------------------------------------------- */

static int collect_waiting(const ps__file *file, const char *path, void *payload) {
    return file->state == PS__FILE_PENDING || file->state == PS__FILE_PREVIEWED ? collect(file, path, payload) : 0;
}

/* The rows of one photo, or one row; a row that is not there any more is nothing to feed. */
typedef int rows_fn(ps__store *store, int64_t number, ps__file_fn *fn, void *payload, ps__error *err);

static int feed_rows(page *g, rows_fn *rows, int64_t number, ps__file_fn *fn, ps__error *err) {
    pthread_mutex_lock(&g->p->reader_lock);
    int status = rows(g->p->reader, number, fn, g, err);
    pthread_mutex_unlock(&g->p->reader_lock);
    if (status == PS__OK) return feed_page(g, err);
    drop_page(g);
    return status == PS__NOTFOUND ? PS__OK : status;
}

static int feed_one_wanted(ps__pipeline *p, int64_t number, ps__error *err) {
    page g = {.p = p, .wanted = 1};
    return number < 0 ? feed_rows(&g, ps__store_one_work, -number, collect_waiting, err)
                      : feed_rows(&g, ps__store_photo_work, number, collect_waiting, err);
}

static int feed_wanted(ps__pipeline *p, ps__error *err) {
    int64_t numbers[PS__WANTED_MOST], now = ps__os.monotonic_ns();
    if (now - p->wanted_ns < WANTED_NS || p->run->options->flags & PS__INDEX_REENCODE) return PS__OK;
    p->wanted_ns = now;
    size_t count = ps__wanted_take(numbers, PS__WANTED_MOST, p->run->options->library);
    int status = PS__OK;
    for (size_t i = 0; i < count && status == PS__OK; i++)
        if (numbers[i] > INT64_MIN) status = feed_one_wanted(p, numbers[i], err);
    return explain(status, err);
}

/* ---- Everything ------------------------------------------------------------------------------------------------------------ */

static int feed_root(ps__pipeline *p, int kind, const char *root, ps__error *err) {
    ps__work_place place = {0};
    page g = {.p = p, .preview = kind == PS__WORK_NEW};
    int status;
    do {
        g.rows = 0;
        pthread_mutex_lock(&p->reader_lock);
        status = ps__store_each_work(p->reader, kind, p->run->space, root, &place, PAGE, collect, &g, err);
        pthread_mutex_unlock(&p->reader_lock);
        if (status == PS__OK)
            status = feed_page(&g, err);
        else
            drop_page(&g);
    } while (status == PS__OK && g.rows == PAGE);
    return explain(status, err);
}

/* Files that had to wait for a twin's vector. Each round finishes at least one of every content, so the rounds come to an end. */
static int feed_put_off(ps__pipeline *p, ps__error *err) {
    int status = wait_for_rest(p, 1);
    while (status == PS__OK && p->put_off.count) {
        ps__ids ids = p->put_off; /* nobody else is at work now */
        p->put_off = (ps__ids){0};
        for (size_t i = 0; i < ids.count && status == PS__OK; i++) {
            page g = {.p = p, .again = 1};
            status = feed_rows(&g, ps__store_one_work, ids.items[i], collect, err);
        }
        ps__free(ids.items);
        if (status == PS__OK) status = wait_for_rest(p, 1);
    }
    return explain(status, err);
}

static int root_is_listed(const ps__run *run, size_t i) {
    const ps__root *root = &run->roots[i];
    if (root->kind == PS__ROOT_SKIPPED || root->covered) return 0;
    for (size_t k = 0; k < i; k++) { /* a file below a scanned folder, or a root given twice */
        if (run->roots[k].kind != PS__ROOT_SKIPPED && ps__path_below(root->path, run->roots[k].path)) return 0;
    }
    return 1;
}

static int feed_kind(ps__pipeline *p, int kind, ps__error *err) {
    int status = PS__OK;
    for (size_t i = 0; i < p->run->options->root_count && status == PS__OK; i++) {
        if (root_is_listed(p->run, i)) status = feed_root(p, kind, p->run->roots[i].path, err);
    }
    return status;
}

static int collect_new(const ps__file *file, const char *path, void *payload) {
    return file->state == PS__FILE_PENDING && !file->photo ? collect(file, path, payload) : 0;
}

/* What the scan of some paths has found. */
static int feed_listed(ps__pipeline *p, int preview, ps__error *err) {
    const ps__ids *ids = &p->run->listed;
    int status = PS__OK;
    for (size_t i = 0; i < ids->count && status == PS__OK; i++) {
        page g = {.p = p, .preview = preview};
        status = feed_rows(&g, ps__store_one_work, ids->items[i], preview ? collect_new : collect_waiting, err);
    }
    return explain(status, err);
}

static int begin_phase(ps__pipeline *p, int phase, int64_t total) {
    pthread_mutex_lock(&p->lock);
    p->finished = 0;
    copy_progress(p);
    pthread_mutex_unlock(&p->lock);
    p->run->progress.total = total;
    p->run->phase_start_ns = ps__os.monotonic_ns();
    return ps__run_enter_phase(p->run, phase);
}

/* New photos, as far as they have previews; those that are so small that they were read in full are done with. */
static int feed_previews(ps__pipeline *p, ps__error *err) {
    const ps__run *run = p->run;
    if (run->new_files < PREVIEWS_FROM || (run->options->flags & PS__INDEX_NO_PREVIEWS) || !p->decoder.preview) return PS__OK;
    int status = begin_phase(p, PS__PHASE_PREVIEW, run->new_files);
    if (status == PS__OK)
        status = run->options->only_count > 0 ? feed_listed(p, 1, err) : feed_kind(p, PS__WORK_NEW, err);
    return status == PS__OK ? feed_put_off(p, err) : status;
}

static int feed_all(ps__pipeline *p, ps__error *err) {
    int status = feed_previews(p, err);
    if (status == PS__OK) status = begin_phase(p, PS__PHASE_ENCODE, p->run->todo + p->run->unencoded - p->settled);
    if (status == PS__OK && p->run->options->only_count > 0) {
        status = feed_listed(p, 0, err);
        return status == PS__OK ? feed_put_off(p, err) : status;
    }
    /* Partial runs may follow each other within seconds: what failed is tried again when everything is compared. */
    int kinds = p->run->options->only ? PS__WORK_FAILED : PS__WORK_KINDS;
    int first = p->run->options->flags & PS__INDEX_REENCODE ? PS__WORK_UNENCODED : PS__WORK_PENDING;
    for (int kind = first; kind < kinds && status == PS__OK; kind++) status = feed_kind(p, kind, err);
    return status == PS__OK ? feed_put_off(p, err) : status;
}

/* Jobs that nobody has begun stay pending. */
static void drop_queue(ps__pipeline *p) {
    pthread_mutex_lock(&p->lock);
    for (; p->job_count; p->job_count--, p->outstanding--) {
        ps__free(p->jobs[p->job_first].path);
        p->job_first = (p->job_first + 1) % PS__QUEUE;
    }
    pthread_mutex_unlock(&p->lock);
}

int ps__feed(ps__pipeline *p, ps__error *err) {
    int status = feed_all(p, err);
    if (status == PS__CANCELLED && ps__run_interrupted(p->run) && !ps__run_cancelled(p->run)) {
        p->run->result->interrupted = 1;
        drop_queue(p);
        status = wait_for_rest(p, 0);
    }
    pthread_mutex_lock(&p->lock);
    copy_progress(p);
    pthread_mutex_unlock(&p->lock);
    return status;
}
