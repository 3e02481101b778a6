/*
** The watching thread: waits for inotify, for mounts and for its owner, and never for the indexer.
*/
#include "indexer/notify_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/os.h"
#include "base/thread.h"
#include "indexer/mounts.h"

#define LOOSE_NS 100000000 /* the two halves of a rename come together; this is a long time */

static int real_init(void) { return inotify_init1(IN_NONBLOCK | IN_CLOEXEC); }
static int real_eventfd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

const ps__notify_calls ps__notify_system = {.init = real_init,
                                            .add = inotify_add_watch,
                                            .remove = inotify_rm_watch,
                                            .read = read,
                                            .poll = poll,
                                            .statfs = statfs,
                                            .eventfd = real_eventfd,
                                            .mounts = "/proc/self/mountinfo"};

/* ---- The thread --------------------------------------------------------------------------------------------------------------- */

static void publish(ps__notify *n, uint64_t done) {
    ps__notify_state state = {.watched = n->tree.count,
                              .remote = n->remote,
                              .limited = n->limited,
                              .off = n->fd < 0,
                              .bytes = ps__watchtree_bytes(&n->tree)};
    for (size_t i = 0; i < n->options.root_count; i++) state.missing += !n->roots[i].there;
    pthread_mutex_lock(&n->lock);
    n->state = state;
    if (done != n->done) {
        n->done = done;
        pthread_cond_broadcast(&n->walked);
    }
    pthread_mutex_unlock(&n->lock);
}

/* Too many instances are a reason to try again at the next walk. */
static void open_inotify(ps__notify *n) {
    int was_off = n->state.off;
    n->fd = n->calls->init();
    if (n->fd >= 0 || was_off) return;
    ps__error why;
    ps__fail_errno(&why, errno, "inotify");
    ps__logf(n->options.log, PS__LOG_WARNING,
             "%s; changes are found by rescans. `sysctl fs.inotify.max_user_instances=1024` raises the number of programs that may "
             "watch, `ulimit -n` that of open files",
             why.text);
}

static const char **resolved_roots(const ps__notify *n) {
    const char **paths = ps__array(n->options.root_count, sizeof *paths);
    for (size_t i = 0; paths && i < n->options.root_count; i++) paths[i] = n->roots[i].path;
    return paths;
}

static uint64_t read_mounts(ps__notify *n) {
    const char **paths = resolved_roots(n);
    uint64_t hash = paths ? ps__mounts_read(n->calls->mounts, paths, n->options.root_count) : 0;
    ps__free(paths);
    return hash;
}

static void walk_if_asked(ps__notify *n) {
    pthread_mutex_lock(&n->lock);
    uint64_t asked = n->asked, done = n->done;
    pthread_mutex_unlock(&n->lock);
    if (asked == done) return;
    if (n->fd < 0) open_inotify(n);
    if (!n->first_walk_done) n->mounts_hash = read_mounts(n);
    ps__notify_walk_all(n);
    publish(n, asked);
}

static void check_mounts(ps__notify *n) {
    uint64_t hash = read_mounts(n);
    if (hash == n->mounts_hash && hash != 0) return;
    n->mounts_hash = hash; /* as it was before the walk: what comes during it is another change */
    ps__notify_walk_all(n);
    n->options.everything(PS__NOTIFY_MOUNT, n->options.payload);
}

static void drop_loose(ps__notify *n) {
    if (!n->loose_ns || ps__os.monotonic_ns() - n->loose_ns < LOOSE_NS) return;
    while (n->tree.lists[1] >= 0) ps__notify_drop(n, n->tree.lists[1], 0);
    n->loose_ns = 0;
}

static void tidy(ps__notify *n) {
    drop_loose(n);
    /* Twice: what is found above a root may end, too. */
    for (int i = 0; i < 2 && n->rearm; i++) ps__notify_rearm(n);
    if (!n->lost_memory) return;
    n->lost_memory = 0;
    n->options.everything(PS__NOTIFY_OVERFLOW, n->options.payload);
}

static void wait_for_news(ps__notify *n) {
    struct pollfd fds[3] = {{.fd = n->wake, .events = POLLIN}, {.fd = n->mounts, .events = POLLPRI}, {.fd = n->fd, .events = POLLIN}};
    uint64_t count;
    if (n->calls->poll(fds, 3, n->loose_ns ? (int)(LOOSE_NS / 1000000) : -1) <= 0) return;
    if (fds[0].revents) ps__os.read(n->wake, &count, sizeof count);
    if (fds[1].revents & (POLLPRI | POLLERR)) check_mounts(n);
    if (fds[2].revents) ps__notify_read(n);
}

static void *run(void *payload) {
    ps__notify *n = payload;
    while (!atomic_load(&n->stop)) {
        walk_if_asked(n);
        tidy(n);
        publish(n, n->done);
        if (!atomic_load(&n->stop)) wait_for_news(n);
    }
    return NULL;
}

/* ---- For others --------------------------------------------------------------------------------------------------------------- */

static void wake(ps__notify *n) {
    uint64_t one = 1;
    if (ps__os.write(n->wake, &one, sizeof one) < 0) return; /* it is awake already */
}

static int by_length(const void *a, const void *b) {
    size_t m = strlen(*(const char *const *)a), k = strlen(*(const char *const *)b);
    return (m > k) - (m < k);
}

static int copy_roots(ps__notify *n, ps__error *err) {
    size_t count = n->options.root_count;
    n->given = ps__array(count, sizeof *n->given);
    n->roots = ps__calloc(count, sizeof *n->roots);
    if (!n->given || !n->roots) return ps__fail_nomem(err);
    memcpy(n->given, n->options.roots, count * sizeof *n->given);
    qsort(n->given, count, sizeof *n->given, by_length);
    for (size_t i = 0; i < count; i++) {
        char *real = ps__os.realpath(n->given[i]);
        n->roots[i].slot = -1;
        n->roots[i].path = ps__strdup(real ? real : n->given[i]);
        free(real);
        if (!n->roots[i].path) return ps__fail_nomem(err);
    }
    return PS__OK;
}

static void release(ps__notify *n) {
    for (size_t i = 0; n->roots && i < n->options.root_count; i++) ps__free(n->roots[i].path);
    ps__free(n->roots);
    ps__free(n->given);
    ps__watchtree_free(&n->tree);
    if (n->fd >= 0) ps__os.close(n->fd);
    if (n->wake >= 0) ps__os.close(n->wake);
    if (n->mounts >= 0) ps__os.close(n->mounts);
    pthread_mutex_destroy(&n->lock);
    pthread_cond_destroy(&n->walked);
    ps__free(n);
}

int ps__notify_start(ps__notify **notify, const ps__notify_options *options, ps__error *err) {
    ps__notify *n = ps__calloc(1, sizeof *n);
    *notify = NULL;
    if (!n) return ps__fail_nomem(err);
    n->options = *options;
    n->calls = options->calls ? options->calls : &ps__notify_system;
    n->fd = n->mounts = -1;
    n->asked = 1;
    ps__watchtree_init(&n->tree);
    pthread_mutex_init(&n->lock, NULL);
    ps__condition_init(&n->walked);
    n->wake = n->calls->eventfd();
    int status = n->wake < 0 ? ps__fail_errno(err, errno, "the watching thread could not be started") : copy_roots(n, err);
    if (status == PS__OK) {
        n->mounts = ps__os.open(n->calls->mounts, O_RDONLY, 0); /* without it, mounts are found by rescans */
        int e = ps__thread_start(&n->thread, run, n);
        if (e) status = ps__fail_errno(err, e, "the watching thread could not be started");
    }
    if (status == PS__OK)
        *notify = n;
    else
        release(n);
    return status;
}

int ps__notify_ready(ps__notify *notify, int ms) {
    struct timespec until;
    int e = 0;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * 1000000L;
    if (until.tv_nsec >= 1000000000) until.tv_sec++, until.tv_nsec -= 1000000000;
    pthread_mutex_lock(&notify->lock);
    while (notify->done != notify->asked && e == 0) e = pthread_cond_timedwait(&notify->walked, &notify->lock, &until);
    int ready = notify->done == notify->asked;
    pthread_mutex_unlock(&notify->lock);
    return ready;
}

void ps__notify_rewalk(ps__notify *notify) {
    pthread_mutex_lock(&notify->lock);
    notify->asked++;
    pthread_mutex_unlock(&notify->lock);
    wake(notify);
}

void ps__notify_get_state(ps__notify_state *state, ps__notify *notify) {
    pthread_mutex_lock(&notify->lock);
    *state = notify->state;
    pthread_mutex_unlock(&notify->lock);
}

int ps__notify_is_partial(const ps__notify_state *state) { return state->off || state->limited || state->remote > 0; }

void ps__notify_stop(ps__notify *notify) {
    if (!notify) return;
    atomic_store(&notify->stop, 1);
    wake(notify);
    pthread_join(notify->thread, NULL);
    release(notify);
}
