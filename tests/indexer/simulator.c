/*
** The simulated clock.
*/
#include "tests/indexer/simulator.h"

#include <errno.h>
#include <pthread.h>

#include "base/os.h"

typedef struct sleeper {
    int64_t until;
    int asleep;
    struct sleeper *next;
} sleeper;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t jumped = PTHREAD_COND_INITIALIZER;
static sleeper *sleepers; /* asleep, on their own stacks */
static int sleeping, living;
static int64_t now_ns, waits;

/* Jumps when all are asleep. With the lock held. */
static void jump(void) {
    if (sleeping < living || !sleepers) return;
    int64_t first = INT64_MAX;
    for (sleeper *s = sleepers; s; s = s->next)
        if (s->until < first) first = s->until;
    if (first > now_ns) now_ns = first;
    for (sleeper **at = &sleepers; *at;) {
        sleeper *s = *at;
        if (s->until > now_ns) {
            at = &s->next;
            continue;
        }
        *at = s->next;
        s->asleep = 0;
        sleeping--;
    }
    pthread_cond_broadcast(&jumped);
}

void sim_sleep_until(int64_t until) {
    pthread_mutex_lock(&lock);
    sleeper me = {.until = until, .asleep = 1, .next = sleepers};
    sleepers = &me;
    sleeping++;
    jump();
    while (me.asleep) pthread_cond_wait(&jumped, &lock);
    pthread_mutex_unlock(&lock);
}

int64_t sim_now(void) {
    pthread_mutex_lock(&lock);
    int64_t now = now_ns;
    pthread_mutex_unlock(&lock);
    return now;
}

int64_t sim_waits(void) {
    pthread_mutex_lock(&lock);
    int64_t n = waits;
    pthread_mutex_unlock(&lock);
    return n;
}

double sim_seconds(void) { return (double)(sim_now() - SIM_START) / 1e9; }
void sim_sleep(int64_t ns) { sim_sleep_until(sim_now() + ns); }

void sim_leave(void) {
    pthread_mutex_lock(&lock);
    living--;
    jump();
    pthread_mutex_unlock(&lock);
}

static int wait_until(pthread_cond_t *condition, pthread_mutex_t *held, int64_t until_ns) {
    (void)condition;
    pthread_mutex_lock(&lock);
    waits++;
    pthread_mutex_unlock(&lock);
    pthread_mutex_unlock(held);
    sim_sleep_until(until_ns);
    pthread_mutex_lock(held);
    return ETIMEDOUT;
}

void sim_begin(int threads) {
    now_ns = SIM_START;
    waits = 0;
    sleepers = NULL;
    sleeping = 0;
    living = threads;
    ps__os.monotonic_ns = sim_now;
    ps__os.wait_until = wait_until;
}
