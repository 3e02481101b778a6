/*
** A worker thread: takes a job, has an outcome made of it (process.c), hands that to the writer.
*/
#include "indexer/pipeline.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/os.h"
#include "base/priority.h"

static int take_job(ps__pipeline *p, ps__job *job) {
    pthread_mutex_lock(&p->lock);
    while (p->job_count == 0 && !p->closing) pthread_cond_wait(&p->workers, &p->lock);
    int got = p->job_count > 0;
    if (got) {
        *job = p->jobs[p->job_first];
        p->job_first = (p->job_first + 1) % PS__QUEUE;
        p->job_count--;
        pthread_cond_broadcast(&p->feeder);
    }
    pthread_mutex_unlock(&p->lock);
    return got;
}

static void hand_over(ps__pipeline *p, ps__outcome *o) {
    pthread_mutex_lock(&p->lock);
    if (o->kind >= PS__OUTCOME_GONE) { /* nothing to write */
        ps__pipeline_finish(p, o);
    } else {
        while (p->outcome_count == PS__OUTCOMES) pthread_cond_wait(&p->room, &p->lock);
        p->outcomes[(p->outcome_first + p->outcome_count++) % PS__OUTCOMES] = o;
        pthread_cond_signal(&p->writer);
    }
    pthread_mutex_unlock(&p->lock);
}

static void say_failure(ps__pipeline *p, const ps__outcome *o) {
    const char *text = o->reason ? o->reason : ps__status_text(o->code);
    pthread_mutex_lock(&p->lock);
    if (!p->run->result->first_failure[0])
        snprintf(p->run->result->first_failure, sizeof p->run->result->first_failure, "%s", text);
    pthread_mutex_unlock(&p->lock);
    ps__logf(p->run->options->log, PS__LOG_WARNING, "%s", text);
}

static int work(ps__pipeline *p, const ps__sessions *sessions, ps__job *job) {
    ps__outcome *o = ps__calloc(1, sizeof *o);
    if (!o) {
        ps__error why;
        ps__free(job->path);
        ps__pipeline_stop(p, ps__fail_nomem(&why), &why);
        return PS__NOMEM;
    }
    o->job = *job;
    ps__process(p, sessions, o);
    if (o->kind == PS__OUTCOME_FAILED) say_failure(p, o);
    hand_over(p, o);
    return PS__OK;
}

static int open_sessions(ps__sessions *s, ps__pipeline *p, ps__error *err) {
    const ps__indexer_encoder *e = p->run->options->encoder;
    int status = e->session_new(&s->encoder, e->payload, err);
    if (status != PS__OK) return status;
    status = p->decoder.session_new(&s->decoder, p->decoder.payload, &p->stop, err);
    if (status != PS__OK) e->session_free(s->encoder);
    return status;
}

/* Processor time of this thread and of its decoder. */
static int64_t cpu_ns(const ps__pipeline *p, const ps__sessions *s) {
    return ps__thread_cpu_ns() + (p->decoder.cpu_ns ? p->decoder.cpu_ns(s->decoder) : 0);
}

/* One file, when and as the governor lets it. 0: no more. */
static int work_governed(ps__pipeline *p, const ps__sessions *sessions, int worker) {
    ps__governor *governor = p->run->options->governor;
    ps__job job;
    if (governor && ps__governor_enter(governor, worker) != PS__OK) return 0;
    if (!take_job(p, &job)) return 0;
    int64_t start_ns = ps__os.monotonic_ns(), start_cpu_ns = governor ? cpu_ns(p, sessions) : 0;
    int status = work(p, sessions, &job);
    if (governor && status == PS__OK)
        ps__governor_leave(governor, worker, ps__os.monotonic_ns() - start_ns, cpu_ns(p, sessions) - start_cpu_ns);
    return status == PS__OK;
}

void *ps__worker(void *payload) {
    ps__pipeline *p = payload;
    ps__sessions sessions;
    ps__error why = {0};
    if (p->run->options->flags & PS__INDEX_BACKGROUND) ps__priority_background(); /* before decoders are started, which inherit it */
    int status = open_sessions(&sessions, p, &why);
    pthread_mutex_lock(&p->lock);
    int worker = status == PS__OK ? p->worker_count++ : -1;
    if (status != PS__OK) {
        p->session_error = why;
        p->workers_failed++;
        ps__check_workers(p);
    }
    pthread_mutex_unlock(&p->lock);
    if (status != PS__OK) {
        ps__logf(p->run->options->log, PS__LOG_INFO, "a worker could not begin: %s", why.text);
        return NULL;
    }
    while (work_governed(p, &sessions, worker)) {}
    int64_t used = cpu_ns(p, &sessions);
    p->decoder.session_free(sessions.decoder);
    p->run->options->encoder->session_free(sessions.encoder);
    pthread_mutex_lock(&p->lock);
    p->cpu_ns += used;
    pthread_mutex_unlock(&p->lock);
    return NULL;
}
