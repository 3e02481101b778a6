/*
** A worker: takes a job, makes an outcome of it, hands that to the writer. The stages of one file are read, hash, look up, decode,
** encode; between them the worker looks at the clock, at the cancel flag and, after reading, whether the file is still what it was.
*/
#include "indexer/pipeline.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/half.h"
#include "base/os.h"
#include "base/utf8.h"

#define DEFAULT_MEMORY ((size_t)32 << 20)
#define DEFAULT_SECONDS 30.0

/* ---- The ration of memory ------------------------------------------------------------------------------------------------- */

/* Waits until `size` bytes are free, in the order of asking; a file larger than all of the ration gets it when nobody has any. */
static void take_budget(ps__pipeline *p, size_t size) {
    size_t limit = p->run->options->memory_bytes ? p->run->options->memory_bytes : DEFAULT_MEMORY;
    pthread_mutex_lock(&p->lock);
    uint64_t mine = p->next_turn++;
    while (p->turn != mine || (p->budget_used && (size > limit || p->budget_used > limit - size)))
        pthread_cond_wait(&p->budget, &p->lock);
    p->turn++;
    p->budget_used += size;
    pthread_cond_broadcast(&p->budget);
    pthread_mutex_unlock(&p->lock);
}

static void give_budget(ps__pipeline *p, size_t size) {
    pthread_mutex_lock(&p->lock);
    p->budget_used -= size;
    pthread_cond_broadcast(&p->budget);
    pthread_mutex_unlock(&p->lock);
}

/* ---- Reading ------------------------------------------------------------------------------------------------------------ */

/* Was the file read so soon after its last change that a further one might carry the same time? The kernel's clock for files ticks
** every 1 to 10 ms; FAT's every 2 seconds. Times in the future are somebody's invention and prove nothing either way. */
static int is_racy(const ps__file_stat *st, const struct timespec *read_at) {
    int64_t age = (int64_t)read_at->tv_sec * 1000000000 + read_at->tv_nsec - st->mtime_ns;
    int64_t grain = ps__fine_mtime(st->mtime_ns) ? 30000000 : 2100000000;
    return age < grain && age > -grain;
}

static void fail(ps__outcome *o, const ps__error *why) {
    o->kind = PS__OUTCOME_FAILED;
    o->code = why->code;
    o->reason = ps__strdup(why->text);
}

static int read_failed(ps__outcome *o, int status, const ps__error *why) {
    /* A size over the cap or a strange kind of file is the file's state; ENOENT means it left since the scan. */
    if (status == PS__NOTFOUND)
        o->kind = PS__OUTCOME_GONE;
    else
        fail(o, why);
    return 0;
}

/* 1 and the bytes, or 0 with the outcome decided. */
static int read_job(uint8_t **bytes, size_t *size, ps__pipeline *p, ps__outcome *o) {
    const ps__indexer_options *options = p->run->options;
    struct stat before, after;
    struct timespec read_at;
    ps__error why;
    memset(&before, 0, sizeof before);
    clock_gettime(CLOCK_REALTIME, &read_at);
    if (ps__os.stat(o->job.path, &before) == 0) ps__stat_of(&o->stat, &before);
    int status = ps__read_file(bytes, size, &before, o->job.path,
                               options->max_file_bytes ? options->max_file_bytes : PS__MAX_FILE_BYTES, &why);
    if (status != PS__OK) return read_failed(o, status, &why);
    ps__stat_of(&o->stat, &before);
    o->racy = is_racy(&o->stat, &read_at);
    ps__file_stat now = {0};
    if (ps__os.stat(o->job.path, &after) == 0) ps__stat_of(&now, &after);
    if (memcmp(&now, &o->stat, sizeof now) != 0 || (int64_t)*size != o->stat.size) {
        o->kind = PS__OUTCOME_LEFT;
        ps__logf(options->log, PS__LOG_INFO, "%s: changed while it was read; left to the next run", o->job.path);
        return 0;
    }
    pthread_mutex_lock(&p->lock);
    p->run->result->bytes_read += o->stat.size;
    pthread_mutex_unlock(&p->lock);
    if (*size > 0) return 1;
    ps__fail(&why, PS__CORRUPT, "%s: is empty (0 bytes)", o->job.path);
    fail(o, &why);
    return 0;
}

/* 1 when the photo has to be encoded, 0 with the outcome decided. */
static int look_up(ps__pipeline *p, ps__outcome *o, const uint8_t *bytes, size_t size) {
    ps__error why;
    int known;
    ps__store_hash(o->photo.hash, bytes, size);
    o->photo.bytes = (int64_t)size;
    o->has_hash = 1;
    if (!ps__claim(p, o->photo.hash)) {
        o->kind = PS__OUTCOME_PUT_OFF;
        return 0;
    }
    o->claimed = 1;
    pthread_mutex_lock(&p->reader_lock);
    int status = ps__store_known(&known, &o->photo.id, p->reader, p->run->space, o->photo.hash, &why);
    pthread_mutex_unlock(&p->reader_lock);
    if (status != PS__OK) {
        o->kind = PS__OUTCOME_LEFT;
        ps__pipeline_stop(p, status, &why);
        return 0;
    }
    if (known) o->kind = PS__OUTCOME_KNOWN;
    return !known;
}

/* ---- Encoding ----------------------------------------------------------------------------------------------------------- */

static void take_notes(ps__photo *photo, const ps__pixels *pixels) {
    const ps__camera_notes *n = &pixels->notes;
    photo->width = pixels->original_width;
    photo->height = pixels->original_height;
    snprintf(photo->format, sizeof photo->format, "%s", pixels->format ? pixels->format : "");
    snprintf(photo->taken, sizeof photo->taken, "%s", n->taken);
    snprintf(photo->taken_offset, sizeof photo->taken_offset, "%s", n->taken_offset);
    photo->has_gps = n->has_gps;
    photo->latitude = n->latitude;
    photo->longitude = n->longitude;
    snprintf(photo->make, sizeof photo->make, "%s", n->make);
    snprintf(photo->model, sizeof photo->model, "%s", n->model);
    snprintf(photo->lens, sizeof photo->lens, "%s", n->lens);
}

static int encode_pixels(ps__pipeline *p, void *session, ps__outcome *o, const ps__pixels *pixels, ps__error *why) {
    const ps__indexer_encoder *e = p->run->options->encoder;
    size_t dim = (size_t)e->dim;
    float *embedding = ps__array(dim, sizeof *embedding);
    o->halves = ps__array(dim, sizeof *o->halves);
    int status = embedding && o->halves ? e->encode(embedding, session, pixels->rgb, why) : ps__fail_nomem(why);
    for (size_t i = 0; i < dim && status == PS__OK; i++) {
        if (!isfinite(embedding[i]))
            status = ps__fail(why, PS__ERROR, "%s: the encoder gave a number that is not finite", o->job.path);
    }
    if (status == PS__OK) ps__halves_from_floats(o->halves, embedding, dim);
    ps__free(embedding);
    return status;
}

static int check_time(ps__pipeline *p, const ps__outcome *o, int64_t start_ns, ps__error *why) {
    double limit = p->run->options->file_seconds > 0 ? p->run->options->file_seconds : DEFAULT_SECONDS;
    double took = (double)(ps__os.monotonic_ns() - start_ns) / 1e9;
    if (took <= limit) return PS__OK;
    return ps__fail(why, PS__ERROR, "%s: took %.1f seconds to read and decode, more than the limit of %.1f", o->job.path, took,
                    limit);
}

static void decode_and_encode(ps__pipeline *p, void *session, ps__outcome *o, uint8_t **bytes, size_t size, int64_t start_ns) {
    const ps__indexer_encoder *e = p->run->options->encoder;
    ps__pixels_options wanted = {.width = e->image_size, .height = e->image_size, .fit = PS__FIT_SQUASH};
    ps__pixels pixels = {0};
    ps__error why = {0};
    int status = (e->decode ? e->decode : ps__pixels_decode)(&pixels, *bytes, size, o->job.path, &wanted, &why);
    if (status == PS__OK) {
        ps__free(*bytes); /* the rest needs only the pixels */
        *bytes = NULL;
        take_notes(&o->photo, &pixels);
        status = check_time(p, o, start_ns, &why);
        if (status == PS__OK && ps__pipeline_stopping(p)) status = PS__CANCELLED;
        if (status == PS__OK) status = encode_pixels(p, session, o, &pixels, &why);
        ps__pixels_clear(&pixels);
    }
    if (status == PS__OK)
        o->kind = PS__OUTCOME_NEW;
    else if (status == PS__CANCELLED)
        o->kind = PS__OUTCOME_LEFT;
    else
        fail(o, &why);
}

void ps__process(ps__pipeline *p, void *session, ps__outcome *o) {
    uint8_t *bytes = NULL;
    size_t size = 0, budget = o->job.size > 0 ? (size_t)o->job.size : 0;
    int64_t start_ns = ps__os.monotonic_ns();
    o->kind = PS__OUTCOME_LEFT;
    o->stat.size = o->job.size;
    if (ps__pipeline_stopping(p)) return;
    take_budget(p, budget);
    if (read_job(&bytes, &size, p, o) && !ps__pipeline_stopping(p) && look_up(p, o, bytes, size))
        decode_and_encode(p, session, o, &bytes, size, start_ns);
    ps__free(bytes);
    give_budget(p, budget);
}

/* ---- The thread --------------------------------------------------------------------------------------------------------- */

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

static int work(ps__pipeline *p, void *session, ps__job *job) {
    ps__outcome *o = ps__calloc(1, sizeof *o);
    if (!o) {
        ps__error why;
        ps__free(job->path);
        ps__pipeline_stop(p, ps__fail_nomem(&why), &why);
        return PS__NOMEM;
    }
    o->job = *job;
    ps__process(p, session, o);
    if (o->kind == PS__OUTCOME_FAILED) say_failure(p, o);
    hand_over(p, o);
    return PS__OK;
}

void *ps__worker(void *payload) {
    ps__pipeline *p = payload;
    const ps__indexer_encoder *e = p->run->options->encoder;
    void *session = NULL;
    ps__error why = {0};
    ps__job job;
    int status = e->session_new(&session, e->payload, &why);
    if (status != PS__OK) {
        ps__pipeline_stop(p, status, &why);
        return NULL;
    }
    while (status == PS__OK && take_job(p, &job)) status = work(p, session, &job);
    e->session_free(session);
    return NULL;
}
