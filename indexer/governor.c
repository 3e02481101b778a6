/*
** Waiting and sleeping for the policy. One mutex guards all; it is let go while the device is read and while a line goes to the
** log, so that neither holds up a worker. Time and waiting go through ps__os: a test runs hours in milliseconds.
**
** Two brakes act after a photo. The duty: a worker that worked for w then sleeps for w * (1 / duty - 1). The limit on CPU time:
** each photo's CPU time, divided by max_cpu, is the time it takes up on a line that all workers share, and none goes on before
** that line's end is past. What is not used is lost rather than saved up: no burst follows a long quiet.
*/
#include "indexer/governor.h"

#include <pthread.h>

#include "base/alloc.h"
#include "base/os.h"
#include "base/thread.h"

#define MOST_NS INT64_C(3600000000000) /* of one photo: an hour; whatever claims more is mistaken */

struct ps__governor {
    ps__policy policy;
    ps__power power; /* read NULL: nothing is read */
    int processors;
    const atomic_int *cancel;
    atomic_int closed;
    const ps__log *log;
    pthread_mutex_t lock; /* guards everything below */
    pthread_cond_t changed;
    ps__permit decided;   /* by the last reading */
    ps__permit permit;    /* that, or the pause on request */
    int paused;           /* on request */
    int reading;          /* a thread is at it */
    int64_t next_read_ns; /* monotonic */
    int64_t booked_ns;    /* monotonic: the end of the line of CPU time */
};

static int cancelled(const ps__governor *g) { return atomic_load(&g->closed) || (g->cancel && atomic_load(g->cancel)); }

/* With the lock held. Returns 1 when the pace or its reason is another now. */
static int settle(ps__governor *g) {
    int pace = g->permit.pace, reason = g->permit.reason;
    g->permit = g->decided;
    if (g->paused) ps__policy_request_pause(&g->permit);
    pthread_cond_broadcast(&g->changed);
    return g->permit.pace != pace || g->permit.reason != reason;
}

/* With the lock held, which is let go for the time of writing. */
static void tell(ps__governor *g) {
    ps__permit now = g->permit;
    pthread_mutex_unlock(&g->lock);
    ps__logf(g->log, PS__LOG_INFO, "indexing %s", now.why);
    pthread_mutex_lock(&g->lock);
}

/* Reads and decides when it is time. With the lock held, which is let go meanwhile; others go on with the old permit. */
static void refresh(ps__governor *g) {
    ps__power_reading reading = PS__POWER_UNKNOWN;
    if (g->reading || !g->power.read || ps__os.monotonic_ns() < g->next_read_ns) return;
    g->reading = 1;
    pthread_mutex_unlock(&g->lock);
    g->power.read(&reading, g->power.payload);
    pthread_mutex_lock(&g->lock);
    g->next_read_ns = ps__os.monotonic_ns() + PS__GOVERNOR_READ_NS;
    ps__policy_decide(&g->decided, &g->policy, &reading, &g->decided, g->processors);
    if (settle(g)) tell(g);
    g->reading = 0;
}

/* With the lock held: until then, a change, or a look at cancel is due. */
static void nap(ps__governor *g, int64_t until_ns) {
    int64_t look = ps__os.monotonic_ns() + PS__GOVERNOR_LOOK_NS;
    ps__os.wait_until(&g->changed, &g->lock, until_ns < look ? until_ns : look);
}

int ps__governor_new(ps__governor **out, const ps__policy *policy, const ps__power *power, int processors,
                     const atomic_int *cancel, const ps__log *log, ps__error *err) {
    const ps__power_reading unknown = PS__POWER_UNKNOWN;
    *out = NULL;
    ps__governor *g = ps__calloc(1, sizeof *g);
    if (!g) return ps__fail_nomem(err);
    g->policy = *policy;
    if (power) g->power = *power;
    g->processors = processors;
    g->cancel = cancel;
    g->log = log;
    ps__condition_init(&g->changed);
    pthread_mutex_init(&g->lock, NULL);
    ps__policy_decide(&g->decided, policy, &unknown, NULL, processors);
    pthread_mutex_lock(&g->lock);
    settle(g);
    g->next_read_ns = ps__os.monotonic_ns();
    refresh(g);
    pthread_mutex_unlock(&g->lock);
    *out = g;
    return PS__OK;
}

void ps__governor_free(ps__governor *g) {
    if (!g) return;
    pthread_cond_destroy(&g->changed);
    pthread_mutex_destroy(&g->lock);
    ps__free(g);
}

int ps__governor_enter(ps__governor *g, int worker) {
    int status = PS__CANCELLED;
    pthread_mutex_lock(&g->lock);
    while (!cancelled(g)) {
        refresh(g);
        if (worker < g->permit.threads) {
            status = cancelled(g) ? PS__CANCELLED : PS__OK;
            break;
        }
        nap(g, INT64_MAX);
    }
    pthread_mutex_unlock(&g->lock);
    return status;
}

static int64_t sane(int64_t ns) { return ns < 0 ? 0 : ns > MOST_NS ? MOST_NS : ns; }

/* When this worker may go on. With the lock held. */
static int64_t book(ps__governor *g, int64_t now, int64_t wall_ns, int64_t cpu_ns) {
    const ps__permit *p = &g->permit;
    int64_t until = now;
    if (p->duty > 0 && p->duty < 1) until = now + (int64_t)((double)wall_ns * (1 / p->duty - 1));
    if (p->max_cpu > 0) {
        if (g->booked_ns < now - wall_ns) g->booked_ns = now - wall_ns;
        g->booked_ns += (int64_t)((double)cpu_ns / p->max_cpu);
        if (until < g->booked_ns) until = g->booked_ns;
    }
    return until;
}

int ps__governor_leave(ps__governor *g, int worker, int64_t wall_ns, int64_t cpu_ns) {
    (void)worker; /* no brake tells them apart */
    pthread_mutex_lock(&g->lock);
    int64_t until = book(g, ps__os.monotonic_ns(), sane(wall_ns), sane(cpu_ns));
    while (!cancelled(g) && ps__os.monotonic_ns() < until) nap(g, until);
    pthread_mutex_unlock(&g->lock);
    return cancelled(g) ? PS__CANCELLED : PS__OK;
}

void ps__governor_pause(ps__governor *g, int paused) {
    pthread_mutex_lock(&g->lock);
    g->paused = paused != 0;
    if (settle(g)) tell(g);
    pthread_mutex_unlock(&g->lock);
}

void ps__governor_close(ps__governor *g, int closed) {
    atomic_store(&g->closed, closed);
    ps__governor_wake(g);
}

void ps__governor_wake(ps__governor *g) {
    pthread_mutex_lock(&g->lock);
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->lock);
}

void ps__governor_permit(ps__permit *out, ps__governor *g) {
    pthread_mutex_lock(&g->lock);
    refresh(g);
    *out = g->permit;
    pthread_mutex_unlock(&g->lock);
}
