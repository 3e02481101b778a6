/*
** ps_watch: the indexer's watch with the device's state behind it, and what it does told to the caller and to whoever asks.
*/
#include <math.h>

#include "api/last_error.h"
#include "api/reading.h"
#include "api/work.h"
#include "base/cpu.h"
#include "base/os.h"
#include "indexer/watch.h"

/* One watch. */
typedef struct watcher {
    ps__work work;
    const ps_watch_options *options;
    ps__permit permit; /* whose words the watch is shown */
    int no_reader;     /* there is nothing to read text with: it was told */
    int64_t read_change; /* of the library, when all text was read; -1: it was not yet */
    int64_t refill_ns;   /* monotonic; before, nobody goes on with a change of the model that came no further */
} watcher;

static const char *paused(void *payload) {
    watcher *w = payload;
    ps__governor_permit(&w->permit, w->work.governor);
    return w->permit.pace == PS__PACE_PAUSED ? w->permit.why : NULL;
}

static void announce_event(watcher *w, const ps__watch_event *e) {
    if (e->kind == PS__WATCH_IDLE) ps__work_announce(&w->work, PS__DOING_IDLE, NULL);
    if (e->kind == PS__WATCH_PROBLEM) ps__work_announce(&w->work, PS__DOING_IDLE, e->text);
    if (e->kind == PS__WATCH_PAUSED) ps__work_announce(&w->work, PS__DOING_PAUSED, e->text);
}

static void pass_on(const ps__watch_event *e, void *payload) {
    watcher *w = payload;
    ps_progress progress;
    ps_index_result result = PS_INDEX_RESULT_INIT;
    announce_event(w, e);
    if (!w->options->event) return;
    if (e->progress) ps__fill_progress(&progress, e->progress);
    if (e->progress && w->work.refilling && progress.phase == PS_PHASE_ENCODE) progress.phase = PS_PHASE_REENCODE;
    if (e->last) ps__fill_result(&result, e->last);
    const ps_event event = {
        .version = PS_EVENT_VERSION,
        .kind = e->kind,
        .status = e->code,
        .text = e->text,
        .seconds = e->seconds,
        .paths = e->paths,
        .watched = e->watched.watched > 0 ? (uint64_t)e->watched.watched : 0,
        .polling = ps__notify_is_partial(&e->watched),
        .progress = e->progress ? &progress : NULL,
        .result = e->last ? &result : NULL,
    };
    w->options->event(&event, w->options->payload);
}

static int make_run(ps__indexer_result *result, const ps__indexer_options *options, ps__error *err, void *payload) {
    watcher *w = payload;
    w->refill_ns = 0; /* what it meets may be what was waited for */
    return ps__work_run(&w->work, result, options, err);
}

/* ---- Spare time ---- */

typedef struct spare_time {
    watcher *w;
    const ps__watch_spare *spare;
} spare_time;

/* Spare is what nobody else has a use for: not on battery, nobody there, not hot, not busy. */
static int is_idle(watcher *w) {
    ps__permit permit;
    ps__governor_permit(&permit, w->work.governor);
    return permit.pace == PS__PACE_FULL;
}

static int stop_reading(void *payload) {
    const spare_time *t = payload;
    return t->spare->stop(t->spare->payload) || !is_idle(t->w);
}

static void tell_reading(const ps__reading_progress *p, void *payload) {
    const spare_time *t = payload;
    double rate = p->seconds > 0 ? (double)p->done / p->seconds : 0;
    const ps__indexer_progress now = {.phase = PS__PHASE_READ_TEXT,
                                      .found = p->with_text,
                                      .total = p->total,
                                      .done = p->done,
                                      .failed = p->failed,
                                      .seconds = p->seconds,
                                      .per_second = rate,
                                      .left_seconds = rate > 0 ? (double)(p->total - p->done) / rate : -1,
                                      .path = ""};
    ps__work_announce_progress(&t->w->work, &now);
    t->spare->tell(&now, t->spare->payload);
}

/* What fails is told, and left until the library changes; a reader that is missing, for good. */
static int read_text(const ps__watch_spare *spare, watcher *w) {
    ps_library *library = w->work.library;
    spare_time t = {w, spare};
    ps__reading_result result;
    ps__error why = {0};
    if (w->no_reader) return PS__SPARE_DONE;
    if (!is_idle(w)) return PS__SPARE_LATER;
    ps__reading_options options = {.decoder = &w->work.decoder,
                                   .background = (w->options->flags & PS_INDEX_BACKGROUND) != 0,
                                   .governor = w->work.governor,
                                   .stop = stop_reading,
                                   .progress = tell_reading,
                                   .payload = &t};
    int status = ps__read_text(&result, library, &options, 0, 0, &why);
    if (result.read)
        ps__logf(&library->log, PS__LOG_INFO, "read text in %lld of %lld photos", (long long)result.with_text, (long long)result.read);
    ps__work_announce(&w->work, PS__DOING_IDLE, NULL);
    if (status == PS__CANCELLED) return PS__SPARE_LATER;
    if (status != PS__OK) ps__logf(&library->log, PS__LOG_WARNING, "%s", why.text);
    w->no_reader = status == PS__NOTFOUND;
    return PS__SPARE_DONE;
}

/* ---- Another model ---- */

#define STUCK_NS INT64_C(600000000000) /* a change that waits for photos to be read, or a package to be there, is not tried every moment */

typedef struct refilling { /* stands for the work's own progress function meanwhile */
    const ps__watch_spare *spare;
    watcher *w;
} refilling;

static int tell_refill(const ps__indexer_progress *p, void *payload) {
    const refilling *r = payload;
    ps__work_announce_progress(&r->w->work, p);
    r->spare->tell(p, r->spare->payload);
    return r->spare->stop(r->spare->payload);
}

/* Goes at the governor's pace, and stops for whatever else there is to do: what is done is kept. */
static int refill(const ps__watch_spare *spare, watcher *w) {
    refilling r = {spare, w};
    ps__work *work = &w->work;
    const ps__indexer_options before = work->options;
    ps__indexer_result result = {0};
    ps__error why = {0};
    if (work->named || ps__os.monotonic_ns() < w->refill_ns || !ps__work_is_changing(work)) return PS__SPARE_DONE;
    work->options.progress = tell_refill;
    work->options.payload = &r;
    int status = ps__work_refill(work, &result, &why);
    work->options = before;
    ps__work_announce(work, PS__DOING_IDLE, NULL);
    if (status != PS__OK && status != PS__CANCELLED) ps__logf(&work->library->log, PS__LOG_WARNING, "%s", why.text);
    if (status == PS__CANCELLED) return PS__SPARE_LATER;
    if (!result.switched) w->refill_ns = ps__os.monotonic_ns() + STUCK_NS;
    return PS__SPARE_DONE;
}

static int64_t last_change(ps_library *library) {
    ps__store *store;
    ps__error ignored;
    int64_t change = -1;
    if (ps__library_take_store(&store, library, &ignored) == PS__OK) ps__store_last_change(&change, store, &ignored);
    ps__library_put_store(library, store);
    return change;
}

/* A watch goes on asking: another program may change the library's model at any time. */
static int fill_spare_time(const ps__watch_spare *spare, void *payload) {
    watcher *w = payload;
    if (refill(spare, w) == PS__SPARE_LATER) return PS__SPARE_LATER;
    int64_t change = last_change(w->work.library);
    if (w->options->flags & PS_WATCH_READ_TEXT && (w->read_change < 0 || change != w->read_change)) {
        if (read_text(spare, w) == PS__SPARE_LATER) return PS__SPARE_LATER;
        w->read_change = last_change(w->work.library);
    }
    return w->options->once ? PS__SPARE_DONE : PS__SPARE_LATER;
}

static ps__policy policy_of(const ps_watch_options *o) {
    ps__policy p = PS__POLICY_DEFAULT;
    p.min_battery_percent = o->min_battery;
    p.max_temperature_c = o->max_temperature > 0 ? o->max_temperature : NAN;
    p.only_when_charging = o->only_when_charging;
    p.max_cpu = o->max_cpu;
    p.threads = o->threads;
    p.active_threads = o->active_threads;
    p.battery_share = o->battery_share;
    return p;
}

static void show_governor(ps_library *library, ps__governor *governor, ps__power_system *power) {
    pthread_mutex_lock(&library->watch_lock);
    library->governor = governor;
    if (governor) ps__governor_pause(governor, library->paused);
    library->power = power;
    pthread_mutex_unlock(&library->watch_lock);
}

static int watch_governed(watcher *w, ps__power_system *system, ps__error *err) {
    ps_library *library = w->work.library;
    const ps__policy policy = policy_of(w->options);
    ps__power power;
    ps__watch_result result;
    ps__power_system_table(&power, system);
    int status = ps__governor_new(&w->work.governor, &policy, &power, ps__cpu_count(), &library->cancel, &library->log, err);
    if (status != PS__OK) return status;
    w->work.options.governor = w->work.governor;
    w->work.activity.watching = 1;
    const ps__watch_options inner = {
        .indexer = &w->work.options,
        .once = w->options->once,
        .settle_seconds = w->options->settle_seconds,
        .rescan_seconds = w->options->rescan_seconds,
        .poll_seconds = w->options->poll_seconds,
        .paused = paused,
        .event = pass_on,
        .payload = w,
        .run = make_run,
        .spare = fill_spare_time,
    };
    show_governor(library, w->work.governor, system);
    status = ps__watch_run(&result, &inner, err);
    show_governor(library, NULL, NULL);
    ps__governor_free(w->work.governor);
    return status;
}

static int watch(ps_library *library, const char *const *paths, size_t count, const ps_watch_options *options, ps__error *err) {
    watcher w = {.options = options, .read_change = -1};
    ps__power_system *system;
    int status = ps__work_begin(&w.work, library, paths, count, options->flags, options->threads, err);
    if (status != PS__OK) return status;
    status = ps__power_system_new(&system, NULL, err);
    if (status == PS__OK) status = watch_governed(&w, system, err);
    ps__power_system_free(system);
    ps__work_end(&w.work);
    return status;
}

static int check(const ps_watch_options *o, ps__error *err) {
    if (o->version != PS_WATCH_OPTIONS_VERSION) return ps__fail(err, PS__INVALID, "ps_watch_options has an unknown version");
    const double seconds[] = {o->settle_seconds, o->rescan_seconds, o->poll_seconds};
    for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++)
        if (!(seconds[i] >= 0 && seconds[i] <= 1e9)) return ps__fail(err, PS__INVALID, "a time in ps_watch_options is out of range");
    if (o->min_battery < 0 || o->min_battery > 100) return ps__fail(err, PS__INVALID, "min_battery is not in 0 to 100");
    if (!(o->max_cpu >= 0 && o->max_cpu <= 1e4)) return ps__fail(err, PS__INVALID, "max_cpu is out of range");
    if (!(o->battery_share >= 0 && o->battery_share <= 1)) return ps__fail(err, PS__INVALID, "battery_share is not in 0 to 1");
    if (o->active_threads < 0) return ps__fail(err, PS__INVALID, "active_threads is negative");
    return PS__OK;
}

int ps_watch(ps_library *library, const char *const *paths, size_t count, const ps_watch_options *options) {
    static const ps_watch_options usual = PS_WATCH_OPTIONS_INIT;
    ps__error err = {0};
    if (!library) return ps__refuse(NULL, PS_INVALID, "ps_watch was given no library");
    if (!options) options = &usual;
    int status = check(options, &err);
    if (status == PS__OK) status = ps__check_work(paths, count, options->threads, &err);
    if (status == PS__OK) status = ps__library_enter(library, &err);
    if (status == PS__OK) {
        status = watch(library, paths, count, options, &err);
        ps__library_leave(library);
    }
    return ps__remember(library, status, &err);
}

void ps_watch_pause(ps_library *library, int is_paused) {
    if (!library) return;
    pthread_mutex_lock(&library->watch_lock);
    library->paused = is_paused;
    if (library->governor) ps__governor_pause(library->governor, is_paused);
    pthread_mutex_unlock(&library->watch_lock);
}

void ps_user_active(ps_library *library) {
    if (!library) return;
    pthread_mutex_lock(&library->watch_lock);
    if (library->power) ps__power_user_active(library->power);
    pthread_mutex_unlock(&library->watch_lock);
}
