/*
** A worker thread: takes a job, has an outcome made of it (process.c), hands that to the writer.
*/
#include "indexer/pipeline.h"

#include <stdio.h>

#include "base/alloc.h"

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
    status = p->decoder.session_new(&s->decoder, p->decoder.payload, err);
    if (status != PS__OK) e->session_free(s->encoder);
    return status;
}

void *ps__worker(void *payload) {
    ps__pipeline *p = payload;
    ps__sessions sessions;
    ps__error why = {0};
    ps__job job;
    int status = open_sessions(&sessions, p, &why);
    if (status != PS__OK) {
        ps__pipeline_stop(p, status, &why);
        return NULL;
    }
    while (status == PS__OK && take_job(p, &job)) status = work(p, &sessions, &job);
    p->decoder.session_free(sessions.decoder);
    p->run->options->encoder->session_free(sessions.encoder);
    return NULL;
}
