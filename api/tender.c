/*
** The thread that tends the search index and the columns; see tender.h.
*/
#include "api/tender.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/os.h"
#include "base/thread.h"

#define EVERY_NS INT64_C(3000000000)

struct ps__tender {
    ps_library *library;
    ps_model *model;
    pthread_t thread;
    int started; /* 1: there is a thread */
    pthread_mutex_t lock;
    pthread_cond_t wake; /* stopping changed */
    int stopping;        /* guarded by lock */
};

typedef int tend_fn(ps__index *index, ps__store *store, ps__error *err);

/* A cache that cannot be brought up to date costs time later, not the run. */
static void tend(ps__tender *t, tend_fn *fn) {
    ps__store *store;
    ps__index *index = NULL;
    ps__columns *columns;
    ps__error why;
    int space, status = ps__library_take_store(&store, t->library, &why);
    if (status == PS__OK) status = ps__library_index(&index, &space, t->library, store, ps__model_info(t->model), &why);
    if (status == PS__OK && index) status = fn(index, store, &why);
    if (status == PS__OK) status = ps__library_columns(&columns, t->library, store, &why);
    if (status == PS__OK) status = ps__columns_tend(columns, store, &why);
    if (status != PS__OK)
        ps__logf(&t->library->log, PS__LOG_WARNING, "what speeds searches up was not brought up to date: %s", why.text);
    ps__library_put_store(t->library, store);
}

static void *body(void *payload) {
    ps__tender *t = payload;
    pthread_mutex_lock(&t->lock);
    while (!t->stopping) {
        int64_t until = ps__os.monotonic_ns() + EVERY_NS;
        while (!t->stopping && ps__os.wait_until(&t->wake, &t->lock, until) != ETIMEDOUT) continue;
        if (t->stopping) break;
        pthread_mutex_unlock(&t->lock);
        tend(t, ps__index_tend);
        pthread_mutex_lock(&t->lock);
    }
    pthread_mutex_unlock(&t->lock);
    return NULL;
}

ps__tender *ps__tender_start(ps_library *library, ps_model *model) {
    ps__tender *t = ps__calloc(1, sizeof *t);
    if (!t) return NULL;
    t->library = library;
    t->model = model;
    ps__condition_init(&t->wake);
    pthread_mutex_init(&t->lock, NULL);
    t->started = ps__thread_start(&t->thread, body, t) == 0;
    return t;
}

void ps__tender_stop(ps__tender *t, int finish) {
    if (!t) return;
    pthread_mutex_lock(&t->lock);
    t->stopping = 1;
    pthread_cond_signal(&t->wake);
    pthread_mutex_unlock(&t->lock);
    if (t->started) pthread_join(t->thread, NULL);
    if (finish) tend(t, ps__index_flush);
    pthread_cond_destroy(&t->wake);
    pthread_mutex_destroy(&t->lock);
    ps__free(t);
}
