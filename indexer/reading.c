/*
** A run over photos to be read; see reading.h. The calling thread waits, tells progress and asks whether to stop; a thread of its own does
** the work, as background priority belongs to a thread and cannot be given back.
*/
#include "indexer/reading.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/os.h"
#include "base/priority.h"
#include "base/thread.h"
#include "encoder/reading/reader.h"
#include "store/files.h"
#include "store/readings.h"

#define BATCH 16                     /* photos that are written at once */
#define BATCH_NS INT64_C(2000000000) /* or after this time */
#define LOOK_NS INT64_C(100000000)

typedef struct reading { /* done, but not written */
    int64_t photo;
    char *text; /* owned; NULL: none */
} reading;

typedef struct job {
    const ps__reading_options *options;
    ps__reading_result *result; /* counters change under `lock` */
    ps__store *store;           /* these four are the working thread's */
    void *decoder;              /* session */
    ps__reader *reader;
    ps__buf text;               /* of the photo at hand */
    reading batch[BATCH];
    int batch_count;
    int64_t written_ns;         /* when the last batch was */
    int status;                 /* how it ended; read when the thread has */
    ps__error error;
    atomic_int stopping;        /* set by the calling thread */
    int ended;                  /* the next two are under `lock` */
    pthread_cond_t changed;     /* ended */
    pthread_mutex_t lock;
} job;

static int stopping(void *payload) { return atomic_load(&((job *)payload)->stopping); }

/* ---- Writing ------------------------------------------------------------------------------------------------------------ */

static int write_batch(job *j) {
    int status = ps__store_write(j->store, &j->error);
    for (int i = 0; i < j->batch_count && status == PS__OK; i++)
        status = ps__store_put_seen(j->store, j->batch[i].photo, j->batch[i].text, PS__READING_VERSION, &j->error);
    if (status == PS__OK)
        status = ps__store_commit(j->store, &j->error);
    else
        ps__store_rollback(j->store);
    return status;
}

/* Counts what is written, and only that. */
static int flush(job *j) {
    int status = j->batch_count ? write_batch(j) : PS__OK;
    pthread_mutex_lock(&j->lock);
    for (int i = 0; i < j->batch_count; i++) {
        if (status == PS__OK) j->result->read++;
        if (status == PS__OK && j->batch[i].text) j->result->with_text++;
        ps__free(j->batch[i].text);
    }
    pthread_mutex_unlock(&j->lock);
    j->batch_count = 0;
    j->written_ns = ps__os.monotonic_ns();
    return status;
}

static int put(job *j, int64_t photo) {
    char *text = j->text.length ? ps__strdup(j->text.bytes) : NULL;
    if (j->text.length && !text) return ps__fail_nomem(&j->error);
    j->batch[j->batch_count++] = (reading){photo, text};
    int due = j->batch_count == BATCH || ps__os.monotonic_ns() - j->written_ns >= BATCH_NS;
    return due ? flush(j) : PS__OK;
}

/* ---- One photo ---------------------------------------------------------------------------------------------------------- */

enum { DONE, LEFT, FAILED, FATAL }; /* what became of a photo; FATAL: see j->error, or the run was stopped */

/* Bytes of the file at `path` into the decoder's buffer, if they are the photo's. */
static int load(size_t *size, job *j, const char *path, const uint8_t hash[16]) {
    struct stat st;
    uint8_t own[16];
    int fd, loaded = 0;
    if (ps__open_file(&fd, &st, path, NULL) != PS__OK) return 0;
    if ((uint64_t)st.st_size <= PS__MAX_FILE_BYTES) {
        uint8_t *bytes = j->options->decoder->buffer(j->decoder, (size_t)st.st_size);
        ssize_t got = bytes ? ps__read_at(fd, bytes, (size_t)st.st_size, 0) : -1;
        if (got > 0) {
            ps__store_hash(own, bytes, (size_t)got);
            *size = (size_t)got;
            loaded = memcmp(own, hash, sizeof own) == 0;
        }
    }
    ps__os.close(fd);
    return loaded;
}

/* The first of the photo's files that is there and holds it. path: that file's, for sentences. */
static int find_file(size_t *size, ps__buf *path, job *j, int64_t photo) {
    ps__photo about;
    ps__buf paths = PS__BUF_INIT;
    ps__error why = {0}; /* a photo that is gone meanwhile is no trouble of the run */
    int status = ps__store_photo(&about, j->store, photo, &why);
    if (status == PS__OK) status = ps__store_paths(&paths, NULL, j->store, photo, &why);
    int found = status == PS__OK || status == PS__NOTFOUND ? LEFT : FATAL;
    if (found == FATAL) j->error = why;
    for (size_t i = 0; found == LEFT && status == PS__OK && i < paths.length; i += strlen(paths.bytes + i) + 1) {
        if (!load(size, j, paths.bytes + i, about.hash)) continue;
        ps__buf_puts(path, paths.bytes + i);
        found = DONE;
    }
    ps__buf_free(&paths);
    return found;
}

static void note_failure(job *j, const ps__error *why) {
    pthread_mutex_lock(&j->lock);
    j->result->failed++;
    if (!j->result->first_failure[0]) snprintf(j->result->first_failure, sizeof j->result->first_failure, "%s", why->text);
    pthread_mutex_unlock(&j->lock);
    ps__logf(j->options->log, PS__LOG_WARNING, "%s", why->text);
}

/* What a failed call means: down: the system is to blame, so that the next photo would fail as well. */
static int judge(job *j, int status, int down, const ps__error *why) {
    if (status == PS__OK) return DONE;
    if (status == PS__CANCELLED || stopping(j)) return FATAL;
    if (!down && status != PS__NOMEM) {
        note_failure(j, why);
        return FAILED;
    }
    j->error = *why;
    return FATAL;
}

/* Luma as of JPEG: green most, blue least. */
static void make_grey(uint8_t *grey, const uint8_t *rgb, size_t pixels) {
    for (size_t i = 0; i < pixels; i++, rgb += 3) grey[i] = (uint8_t)((rgb[0] * 77 + rgb[1] * 151 + rgb[2] * 28) >> 8);
}

static int read_grey(job *j, const ps__pixels *pixels, const char *path) {
    ps__text_area areas[PS__TEXT_AREAS];
    ps__error why = {0};
    size_t count = (size_t)pixels->width * (size_t)pixels->height;
    int found;
    uint8_t *grey = ps__reader_picture(j->reader, pixels->width, pixels->height);
    if (!grey) {
        j->error.code = ps__fail_nomem(&j->error);
        return FATAL;
    }
    make_grey(grey, pixels->rgb, count);
    int status = ps__text_find(areas, &found, grey, pixels->width, pixels->height, &why);
    if (status != PS__OK || !found) return judge(j, status, 1, &why);
    pthread_mutex_lock(&j->lock);
    j->result->looked_at++;
    pthread_mutex_unlock(&j->lock);
    status = ps__reader_read(&j->text, j->reader, areas, found, path, &why);
    if (status != PS__OK) ps__buf_clear(&j->text);
    return judge(j, status, ps__reader_is_down(j->reader), &why);
}

static int read_file(job *j, size_t size, const char *path) {
    static const ps__pixels_options wanted = {.width = PS__READING_SIDE, .height = PS__READING_SIDE, .fit = PS__FIT_INSIDE};
    const ps__indexer_decoder *d = j->options->decoder;
    ps__pixels pixels = {0};
    ps__error why = {0};
    int status = d->decode(&pixels, j->decoder, size, path, &wanted, &why);
    int became = judge(j, status, d->is_down && d->is_down(j->decoder), &why);
    if (became == DONE) became = read_grey(j, &pixels, path);
    ps__pixels_clear(&pixels);
    return became;
}

/* A photo that fails is not tried again: its content stays what it is. */
static int read_photo(job *j, int64_t photo) {
    ps__buf path = PS__BUF_INIT;
    size_t size = 0;
    ps__buf_clear(&j->text);
    int became = find_file(&size, &path, j, photo);
    if (became == DONE) became = read_file(j, size, path.bytes);
    ps__buf_free(&path);
    if (became == FATAL) return j->error.code ? j->error.code : PS__CANCELLED;
    if (became == LEFT) return PS__OK;
    return put(j, photo);
}

/* ---- The working thread --------------------------------------------------------------------------------------------------- */

static int64_t cpu_ns(job *j) {
    const ps__indexer_decoder *d = j->options->decoder;
    return ps__thread_cpu_ns() + (d->cpu_ns && j->decoder ? d->cpu_ns(j->decoder) : 0) + (j->reader ? ps__reader_cpu_ns(j->reader) : 0);
}

static int read_all(job *j) {
    int status = PS__OK;
    for (size_t i = 0; i < j->options->count && status == PS__OK; i++) {
        int64_t start_ns = ps__os.monotonic_ns(), start_cpu_ns = cpu_ns(j);
        if (stopping(j)) return PS__CANCELLED;
        status = read_photo(j, j->options->photos[i]);
        if (status != PS__OK || !j->options->governor) continue;
        ps__governor_leave(j->options->governor, 0, ps__os.monotonic_ns() - start_ns, cpu_ns(j) - start_cpu_ns);
    }
    return status;
}

static int work(job *j) {
    const ps__reading_options *o = j->options;
    const ps__indexer_stop stop = {stopping, j};
    int status = ps__store_open(&j->store, o->library, PS__STORE_WRITE, &j->error);
    if (status == PS__OK)
        status = ps__reader_new(&j->reader,
                                &(ps__reader_options){.program = o->program,
                                                      .languages = o->languages,
                                                      .seconds = o->seconds,
                                                      .log = o->log,
                                                      .stop = stopping,
                                                      .payload = j},
                                &j->error);
    if (status == PS__OK) status = o->decoder->session_new(&j->decoder, o->decoder->payload, &stop, &j->error);
    if (status == PS__OK) {
        j->written_ns = ps__os.monotonic_ns();
        status = read_all(j);
        ps__error first = j->error;
        int written = flush(j); /* also after a failure: what is done is done */
        if (status != PS__OK) j->error = first;
        if (status == PS__OK) status = written;
    }
    j->result->cpu_seconds = (double)cpu_ns(j) / 1e9;
    if (j->decoder) o->decoder->session_free(j->decoder);
    ps__reader_free(j->reader);
    ps__store_close(j->store);
    return status;
}

static void *body(void *payload) {
    job *j = payload;
    if (j->options->background) ps__priority_background(); /* before processes are started, which inherit it */
    int status = work(j);
    pthread_mutex_lock(&j->lock);
    j->status = status;
    j->ended = 1;
    pthread_cond_signal(&j->changed);
    pthread_mutex_unlock(&j->lock);
    return NULL;
}

/* ---- The calling thread ----------------------------------------------------------------------------------------------------- */

static void tell(job *j, int64_t start_ns) {
    const ps__reading_options *o = j->options;
    if (!o->progress) return;
    pthread_mutex_lock(&j->lock);
    const ps__reading_progress now = {.total = (int64_t)o->count,
                                      .done = j->result->read,
                                      .with_text = j->result->with_text,
                                      .failed = j->result->failed,
                                      .seconds = (double)(ps__os.monotonic_ns() - start_ns) / 1e9};
    pthread_mutex_unlock(&j->lock);
    o->progress(&now, o->payload);
}

/* Once it is to stop, nobody waits in the governor either. */
static void stop_it(job *j) {
    atomic_store(&j->stopping, 1);
    if (j->options->governor) ps__governor_close(j->options->governor, 1);
}

static void wait_for_end(job *j, int64_t start_ns) {
    for (int ended = 0; !ended;) {
        pthread_mutex_lock(&j->lock);
        if (!j->ended) ps__os.wait_until(&j->changed, &j->lock, ps__os.monotonic_ns() + LOOK_NS);
        ended = j->ended;
        pthread_mutex_unlock(&j->lock);
        tell(j, start_ns);
        if (!ended && !stopping(j) && j->options->stop && j->options->stop(j->options->payload)) stop_it(j);
    }
}

int ps__reading_run(ps__reading_result *result, const ps__reading_options *options, ps__error *err) {
    int64_t start_ns = ps__os.monotonic_ns();
    pthread_t thread;
    memset(result, 0, sizeof *result);
    job *j = ps__calloc(1, sizeof *j);
    if (!j) return ps__fail_nomem(err);
    j->options = options;
    j->result = result;
    j->text = (ps__buf)PS__BUF_INIT;
    pthread_mutex_init(&j->lock, NULL);
    ps__condition_init(&j->changed);
    int failed = ps__thread_start(&thread, body, j);
    if (failed) {
        j->status = ps__fail_errno(&j->error, failed, "a thread to read text could not be started");
    } else {
        wait_for_end(j, start_ns);
        pthread_join(thread, NULL);
        if (stopping(j) && options->governor) ps__governor_close(options->governor, 0);
    }
    result->left = (int64_t)options->count - result->read;
    result->seconds = (double)(ps__os.monotonic_ns() - start_ns) / 1e9;
    int status = j->status == PS__OK && stopping(j) && result->left ? PS__CANCELLED : j->status;
    if (status == PS__CANCELLED)
        ps__fail(err, status, "reading text was stopped on request");
    else if (status != PS__OK)
        ps__fail(err, status, "%s", j->error.text);
    ps__buf_free(&j->text);
    pthread_cond_destroy(&j->changed);
    pthread_mutex_destroy(&j->lock);
    ps__free(j);
    return status;
}
