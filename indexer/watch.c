/*
** The loop of the watch: what is due, a run for it, what came of it. The notify thread only notes changes in `settle`, under the lock;
** everything else happens on the caller's thread, in the loop or in the progress calls of the run that it is in.
*/
#include "indexer/watch.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/os.h"
#include "indexer/run.h"

#define SECOND INT64_C(1000000000)
#define MAX_PATHS 4096
#define WRITING_S 600      /* a file whose writer says nothing for so long is taken as it is */
#define FOLDER_QUIETS 30   /* a folder below which it is never quiet is taken after so many quiet times */
#define LOOK_NS SECOND     /* `cancel` may be set by a signal handler on another thread, so it is looked at this often */
#define TELL_NS SECOND     /* PS__WATCH_WORKING comes this often */
#define BACK_OFF_S 1       /* the pause after the first failure; doubled up to the maximum */
#define BACK_OFF_MAX_S 300
#define SPARE_NS (30 * SECOND) /* after PS__SPARE_LATER */
#define FRUITLESS 3        /* with `once`: runs that may leave work behind before it is left for good */

typedef struct watch {
    const ps__watch_options *options;
    ps__watch_result *result;
    ps__indexer_options run;   /* the caller's, with absolute paths and what is the watch's own */
    ps__strings paths;         /* owns the absolute roots and, last, the library's folder */
    int lock_fd;               /* of watch.lock, -1 none */
    ps__notify *notify;        /* NULL: not started */
    atomic_int interrupt;      /* for the run in progress */
    int64_t quiet_ns;          /* settle_seconds */
    int64_t run_ns;            /* when the run in progress began */
    int64_t told_ns;           /* when PS__WATCH_WORKING was last told */
    int phase;                 /* of the run in progress, as last told */
    int paused;                /* as last told */
    ps__indexer_result since_idle; /* what was done since it was told */
    int idle;                  /* PS__WATCH_IDLE was told since the last run */
    int full;                  /* PS__RESCAN_*: everything is due; 0 it is not */
    int64_t full_ns;           /* when the last full run began */
    ps__settled due;           /* paths that are due */
    int work_left;             /* the last run left work behind */
    int fruitless;             /* runs in a row that ended by themselves and left work behind */
    int problem;               /* status of the last run; 0 it was well */
    int64_t not_before_ns;     /* no run starts earlier */
    double back_off_s;         /* the next pause */
    int spare;                 /* spare time may be filled */
    int64_t spare_ns;          /* but not earlier */
    pthread_mutex_t lock;      /* guards what follows */
    ps__settle *settle;        /* changed paths */
    int everything;            /* PS__RESCAN_*: told by notify; 0 nothing was */
    int64_t heard_ns;          /* when notify last told anything */
    int64_t asleep_until_ns;   /* the loop sleeps until then; 0 it does not */
    int wake;                  /* eventfd */
} watch;

static int cancelled(const watch *w) { return w->run.cancel && atomic_load(w->run.cancel); }

static void tell(watch *w, ps__watch_event *event) {
    if (!w->options->event) return;
    if (!event->text) event->text = "";
    if (w->notify) ps__notify_get_state(&event->watched, w->notify);
    w->options->event(event, w->options->payload);
}

/* ---- On the notify thread ------------------------------------------------------------------------------------------------------ */

/* The loop wakes only for what may be ready before it would look anyway: a file that is written for an hour does not keep it busy. */
static void wake_before(watch *w, int64_t ready_ns) {
    uint64_t one = 1;
    if (w->asleep_until_ns <= ready_ns) return;
    w->asleep_until_ns = 0;
    if (ps__os.write(w->wake, &one, sizeof one) < 0) return; /* full: it is on its way */
}

static void on_change(const char *path, ps__news news, void *payload) {
    watch *w = payload;
    int64_t now = ps__os.monotonic_ns();
    pthread_mutex_lock(&w->lock);
    ps__settle_note(w->settle, path, news, now);
    w->heard_ns = now;
    wake_before(w, news == PS__NEWS_ARRIVED ? now : now + w->quiet_ns);
    pthread_mutex_unlock(&w->lock);
}

static void on_everything(int why, void *payload) {
    watch *w = payload;
    pthread_mutex_lock(&w->lock);
    w->everything = why == PS__NOTIFY_MOUNT ? PS__RESCAN_MOUNT : PS__RESCAN_OVERFLOW;
    w->heard_ns = ps__os.monotonic_ns();
    wake_before(w, 0);
    pthread_mutex_unlock(&w->lock);
}

/* ---- What is due --------------------------------------------------------------------------------------------------------------- */

static double or_default(double seconds, double standard) { return seconds > 0 ? seconds : standard; }

static int64_t next_full_ns(watch *w) {
    ps__notify_state state;
    ps__notify_get_state(&state, w->notify);
    double seconds = ps__notify_is_partial(&state) ? or_default(w->options->poll_seconds, 300)
                                                   : or_default(w->options->rescan_seconds, 3600);
    return w->full_ns + (int64_t)(seconds * 1e9);
}

/* Has something come up that a run in progress should make way for? */
static int is_news(watch *w, int64_t now) {
    pthread_mutex_lock(&w->lock);
    int news = w->everything || ps__settle_next_ns(w->settle) <= now;
    pthread_mutex_unlock(&w->lock);
    return news || now >= next_full_ns(w);
}

/* Adds `more` to what is due; too much of it is everything. Takes it over. */
static void add_due(watch *w, ps__settled *more) {
    size_t count = w->due.count + more->count;
    if (more->everything || count > MAX_PATHS) {
        if (!w->full) w->full = PS__RESCAN_MANY;
    } else if (w->due.count == 0) {
        w->due = *more;
        *more = (ps__settled){0};
    } else if (more->count) {
        char **grown = ps__realloc(w->due.paths, count * sizeof *grown);
        if (grown) {
            memcpy(grown + w->due.count, more->paths, more->count * sizeof *grown);
            w->due.paths = grown;
            w->due.count = count;
            more->count = 0;
        } else if (!w->full) {
            w->full = PS__RESCAN_MANY;
        }
    }
    ps__settled_free(more);
}

/* By name, with what lies below a folder right behind it. */
static int by_path(const void *a, const void *b) {
    const char *x = *(const char *const *)a, *y = *(const char *const *)b;
    while (*x && *x == *y) x++, y++;
    int m = *x == '/' ? 1 : (unsigned char)*x * 2, n = *y == '/' ? 1 : (unsigned char)*y * 2;
    return m - n;
}

/* Leaves out what lies below another path that is due, and doubles. */
static void prune(ps__settled *due) {
    size_t kept = 0;
    if (due->count) qsort(due->paths, due->count, sizeof *due->paths, by_path);
    for (size_t i = 0; i < due->count; i++) {
        if (kept && ps__path_below(due->paths[i], due->paths[kept - 1]))
            ps__free(due->paths[i]);
        else
            due->paths[kept++] = due->paths[i];
    }
    due->count = kept;
}

/* A root that was not there may be what came. */
static int may_pass_by_news(int problem) { return problem == PS__NOTFOUND || problem == PS__ACCESS || problem == PS__IO; }

static void collect(watch *w, int64_t now) {
    ps__settled more;
    pthread_mutex_lock(&w->lock);
    int why = w->everything;
    w->everything = 0;
    int status = ps__settle_take(&more, w->settle, now, NULL); /* without memory it stays where it is, until later */
    pthread_mutex_unlock(&w->lock);
    if (status == PS__OK && (why || more.everything || more.count) && may_pass_by_news(w->problem)) w->not_before_ns = now;
    if (why) w->full = why;
    if (status == PS__OK) add_due(w, &more);
    if (!w->full && now >= next_full_ns(w)) w->full = PS__RESCAN_TIMER;
}

/* ---- A run --------------------------------------------------------------------------------------------------------------------- */

static void tell_pause(watch *w) {
    const char *why = w->options->paused ? w->options->paused(w->options->payload) : NULL;
    if (!why == !w->paused) return;
    w->paused = why != NULL;
    tell(w, &(ps__watch_event){.kind = why ? PS__WATCH_PAUSED : PS__WATCH_RESUMED, .text = why});
}

static int on_progress(const ps__indexer_progress *g, void *payload) {
    watch *w = payload;
    const ps__indexer_options *own = w->options->indexer;
    int working = g->phase == PS__PHASE_PREVIEW || g->phase == PS__PHASE_ENCODE;
    int64_t now = ps__os.monotonic_ns();
    if (working && w->phase != PS__PHASE_PREVIEW && w->phase != PS__PHASE_ENCODE) w->run_ns = now; /* the scan does not count */
    if (working) {
        tell_pause(w);
        if (g->phase != w->phase || now - w->told_ns >= TELL_NS) {
            w->told_ns = now;
            tell(w, &(ps__watch_event){.kind = PS__WATCH_WORKING, .progress = g});
        }
        /* A stream of news may not cut the work into pieces that are all beginning. */
        if (now - w->run_ns >= 2 * w->quiet_ns && is_news(w, now)) atomic_store(&w->interrupt, 1);
    }
    w->phase = g->phase;
    return own->progress ? own->progress(g, own->payload) : 0;
}

static void add_up(watch *w, const ps__indexer_result *r, int full) {
    ps__watch_result *sum = w->result;
    sum->runs++;
    sum->full_runs += full;
    sum->interrupted += r->interrupted;
    sum->indexed += r->indexed;
    sum->failed += r->failed;
    sum->removed += r->removed;
}

/* What IDLE tells: the last run, with what was done since the IDLE before, as runs may have been ended early for news. */
static void add_since_idle(watch *w, const ps__indexer_result *r) {
    ps__indexer_result *sum = &w->since_idle, before = *sum;
    *sum = *r;
    sum->indexed += before.indexed;
    sum->encoded += before.encoded;
    sum->previewed += before.previewed;
    sum->failed += before.failed;
    sum->removed += before.removed;
    sum->cpu_seconds += before.cpu_seconds;
    sum->seconds += before.seconds;
}

static void after_well(watch *w, const ps__indexer_result *r, int64_t now) {
    add_up(w, r, w->full != 0);
    add_since_idle(w, r);
    w->full = w->problem = 0;
    w->spare = w->options->spare != NULL;
    w->spare_ns = 0;
    ps__settled_free(&w->due);
    w->back_off_s = BACK_OFF_S;
    w->not_before_ns = 0;
    w->work_left = r->interrupted || r->pending > 0 || r->waiting > 0;
    w->fruitless = r->pending > 0 && !r->interrupted ? w->fruitless + 1 : 0;
    if (w->fruitless == 0) return;
    /* Files that changed while they were read: they want a moment, and more of it each time. */
    if (w->options->once && w->fruitless >= FRUITLESS) w->work_left = 0;
    double pause_s = (double)w->quiet_ns / 1e9 * (double)(1 << (w->fruitless < 12 ? w->fruitless - 1 : 11));
    w->not_before_ns = now + (int64_t)((pause_s < BACK_OFF_MAX_S ? pause_s : BACK_OFF_MAX_S) * 1e9);
}

static int passes(const watch *w, int status) {
    if (w->options->once) return status == PS__BUSY;
    switch (status) {
    case PS__CANCELLED:
    case PS__CORRUPT:
    case PS__NEWER:
    case PS__FORMAT:
    case PS__MODEL:
    case PS__INVALID: return 0;
    default: return 1;
    }
}

static void after_failure(watch *w, int status, const ps__error *why, int64_t now) {
    w->result->problems++;
    if (status != w->problem) {
        w->back_off_s = BACK_OFF_S;
        ps__logf(w->run.log, PS__LOG_INFO, "%s; it is tried again", why->text); /* the event tells it, and mostly the run did */
    }
    w->problem = status;
    w->not_before_ns = now + (int64_t)(w->back_off_s * 1e9);
    tell(w, &(ps__watch_event){.kind = PS__WATCH_PROBLEM, .code = status, .text = why->text, .seconds = w->back_off_s});
    w->back_off_s = w->back_off_s * 2 < BACK_OFF_MAX_S ? w->back_off_s * 2 : BACK_OFF_MAX_S;
}

/* The safety net also looks after the watches. */
static void renew_watches(watch *w) {
    if (w->full == PS__RESCAN_TIMER) ps__notify_rewalk(w->notify);
    while (!cancelled(w) && !ps__notify_ready(w->notify, 200)) continue;
}

static int make_run(watch *w, ps__error *err) {
    static const char *const none[1] = {NULL};
    ps__error why = {0};
    if (w->full) {
        renew_watches(w);
        w->full_ns = ps__os.monotonic_ns();
        if (w->full != PS__RESCAN_FIRST) tell(w, &(ps__watch_event){.kind = PS__WATCH_RESCAN, .why = w->full});
    }
    prune(&w->due);
    w->run.only = w->full ? NULL : w->due.count ? (const char *const *)w->due.paths : none;
    w->run.only_count = w->full ? 0 : w->due.count;
    w->run_ns = ps__os.monotonic_ns();
    w->phase = w->idle = 0;
    atomic_store(&w->interrupt, 0);
    tell(w, &(ps__watch_event){.kind = PS__WATCH_SCANNING, .paths = w->run.only_count});
    const ps__watch_options *o = w->options;
    int status = o->run ? o->run(&w->result->last, &w->run, &why, o->payload) : ps__indexer_run(&w->result->last, &w->run, &why);
    int64_t now = ps__os.monotonic_ns();
    if (w->paused) tell_pause(w); /* the rest of a short run may have been done before anybody looked */
    if (status == PS__OK)
        after_well(w, &w->result->last, now);
    else if (passes(w, status))
        after_failure(w, status, &why, now);
    else
        return ps__fail(err, status, "%s", why.text);
    return PS__OK;
}

/* ---- Spare time ---------------------------------------------------------------------------------------------------------------- */

static int spare_stop(void *payload) {
    watch *w = payload;
    return cancelled(w) || is_news(w, ps__os.monotonic_ns());
}

static void spare_tell(const ps__indexer_progress *progress, void *payload) {
    watch *w = payload;
    int64_t now = ps__os.monotonic_ns();
    if (w->phase == progress->phase && now - w->told_ns < TELL_NS) return;
    w->phase = progress->phase;
    w->told_ns = now;
    tell(w, &(ps__watch_event){.kind = PS__WATCH_WORKING, .progress = progress});
}

static void use_spare_time(watch *w) {
    const ps__watch_spare spare = {spare_stop, spare_tell, w};
    w->spare = w->options->spare(&spare, w->options->payload) != PS__SPARE_DONE;
    w->spare_ns = ps__os.monotonic_ns() + SPARE_NS;
}

/* ---- The loop ------------------------------------------------------------------------------------------------------------------ */

/* Sleeps until something may be due. Any signal ends the sleep as well. */
static void sleep_until_due(watch *w, int64_t now, int has_work) {
    const ps__notify_calls *calls = w->options->calls ? w->options->calls : &ps__notify_system;
    struct pollfd fd = {.events = POLLIN};
    uint64_t count;
    int64_t until = next_full_ns(w);
    if (has_work && w->not_before_ns < until) until = w->not_before_ns;
    if (!has_work && w->spare && w->spare_ns < until) until = w->spare_ns;
    pthread_mutex_lock(&w->lock);
    int64_t settled = ps__settle_next_ns(w->settle);
    if (settled < until) until = settled;
    if (w->options->once && !has_work && w->heard_ns + w->quiet_ns < until) until = w->heard_ns + w->quiet_ns;
    if (w->run.cancel && now + LOOK_NS < until) until = now + LOOK_NS;
    w->asleep_until_ns = w->everything ? 0 : until;
    if (w->everything) until = now;
    fd.fd = w->wake;
    pthread_mutex_unlock(&w->lock);
    int64_t ms = until > now ? (until - now + 999999) / 1000000 : 0;
    int ready = calls->poll(&fd, 1, ms < INT_MAX ? (int)ms : INT_MAX);
    pthread_mutex_lock(&w->lock);
    w->asleep_until_ns = 0;
    pthread_mutex_unlock(&w->lock);
    if (ready > 0) ps__os.read(w->wake, &count, sizeof count);
}

static void tell_idle(watch *w, int64_t now) {
    if (w->idle) return;
    w->idle = 1;
    tell(w, &(ps__watch_event){.kind = PS__WATCH_IDLE, .last = &w->since_idle, .seconds = (double)(next_full_ns(w) - now) / 1e9});
    w->since_idle = (ps__indexer_result){0};
}

/* With `once`: nothing waits, and for one quiet time nothing was heard. */
static int is_done(watch *w, int64_t now) {
    pthread_mutex_lock(&w->lock);
    int done = !w->everything && ps__settle_count(w->settle) == 0 && now - w->heard_ns >= w->quiet_ns;
    pthread_mutex_unlock(&w->lock);
    return done;
}

static int loop(watch *w, ps__error *err) {
    while (!cancelled(w)) {
        int64_t now = ps__os.monotonic_ns();
        collect(w, now);
        int has_work = w->full || w->due.count || w->work_left;
        if (has_work && now >= w->not_before_ns) {
            int status = make_run(w, err);
            if (status != PS__OK) return status;
            continue;
        }
        if (!has_work) {
            tell_idle(w, now);
            if (w->spare && now >= w->spare_ns) {
                use_spare_time(w);
                continue;
            }
            if (w->options->once && !w->spare && is_done(w, now)) return PS__OK;
        }
        sleep_until_due(w, now, has_work);
    }
    return ps__fail(err, PS__CANCELLED, "watching was stopped on request");
}

/* ---- Beginning and end --------------------------------------------------------------------------------------------------------- */

/* The process may change its folder while it watches. */
static int add_absolute(watch *w, const char *path, ps__error *err) {
    ps__buf out = PS__BUF_INIT;
    if (!path || !*path) return ps__fail(err, PS__INVALID, "a folder to watch has an empty name");
    if (path[0] != '/') {
        char *cwd = ps__os.getcwd();
        if (!cwd) return ps__fail_errno(err, errno, "%s", path);
        ps__buf_puts(&out, cwd);
        free(cwd);
        ps__buf_putc(&out, '/');
    }
    ps__buf_puts(&out, path);
    while (out.length > 1 && out.bytes[out.length - 1] == '/') out.bytes[--out.length] = 0;
    return ps__strings_push(&w->paths, ps__buf_detach(&out)) == PS__OK ? PS__OK : ps__fail_nomem(err);
}

static int set_paths(watch *w, ps__error *err) {
    const ps__indexer_options *o = w->options->indexer;
    if (!o || !o->roots || o->root_count == 0) return ps__fail(err, PS__INVALID, "no folder to watch was given");
    int status = PS__OK;
    for (size_t i = 0; i < o->root_count && status == PS__OK; i++) status = add_absolute(w, o->roots[i], err);
    if (status == PS__OK) status = add_absolute(w, o->library, err);
    if (status != PS__OK) return status;
    w->run = *o;
    w->run.roots = (const char *const *)w->paths.items;
    w->run.library = w->paths.items[o->root_count];
    w->run.interrupt = &w->interrupt;
    w->run.progress = on_progress;
    w->run.payload = w;
    return PS__OK;
}

static int start_settling(watch *w, ps__error *err) {
    const ps__notify_calls *calls = w->options->calls ? w->options->calls : &ps__notify_system;
    ps__settle_options o = {.quiet_ns = w->quiet_ns, .writing_ns = WRITING_S * SECOND, .max = MAX_PATHS};
    o.folder_ns = FOLDER_QUIETS * w->quiet_ns;
    w->heard_ns = ps__os.monotonic_ns();
    w->wake = calls->eventfd();
    if (w->wake < 0) return ps__fail_errno(err, errno, "watching could not be started");
    return ps__settle_new(&w->settle, &o, err);
}

static int start_notify(watch *w, ps__error *err) {
    ps__notify_options o = {.roots = w->run.roots,
                            .root_count = w->run.root_count,
                            .library = w->run.library,
                            .flags = w->run.flags,
                            .log = w->run.log,
                            .change = on_change,
                            .everything = on_everything,
                            .payload = w,
                            .calls = w->options->calls};
    int status = ps__notify_start(&w->notify, &o, err);
    if (status != PS__OK) return status;
    /* What is put into a folder after the scan and before its watch would be missed. */
    while (!cancelled(w) && !ps__notify_ready(w->notify, 200)) continue;
    tell(w, &(ps__watch_event){.kind = PS__WATCH_STARTED});
    return PS__OK;
}

static int watch_locked(watch *w, ps__error *err) {
    int status = start_settling(w, err);
    if (status == PS__OK) status = start_notify(w, err);
    if (status == PS__OK) status = loop(w, err);
    tell(w, &(ps__watch_event){.kind = PS__WATCH_STOPPED, .code = status, .text = status == PS__OK ? "" : err->text});
    return status;
}

static void release(watch *w) {
    ps__notify_stop(w->notify);
    ps__settle_free(w->settle);
    ps__settled_free(&w->due);
    ps__strings_free(&w->paths);
    if (w->wake >= 0) ps__os.close(w->wake);
    if (w->lock_fd >= 0) ps__os.close(w->lock_fd);
    pthread_mutex_destroy(&w->lock);
}

int ps__watch_run(ps__watch_result *result, const ps__watch_options *options, ps__error *err) {
    ps__error own = {0};
    memset(result, 0, sizeof *result);
    if (!err) err = &own;
    watch w = {.options = options, .result = result, .lock_fd = -1, .wake = -1, .full = PS__RESCAN_FIRST, .back_off_s = BACK_OFF_S};
    w.quiet_ns = (int64_t)(or_default(options->settle_seconds, 2) * 1e9);
    w.full_ns = ps__os.monotonic_ns();
    pthread_mutex_init(&w.lock, NULL);
    int status = set_paths(&w, err);
    if (status == PS__OK) status = ps__watch_lock(&w.lock_fd, w.run.library, err);
    if (status == PS__OK) status = watch_locked(&w, err);
    release(&w);
    return status;
}
