/*
** The library's side of the sandbox: shared memory, one request at a time, and what becomes of a helper that misbehaves; see
** sandbox.h.
*/
#include "encoder/sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/alloc.h"
#include "base/os.h"
#include "encoder/sandbox/answer.h"
#include "encoder/sandbox/process.h"
#include "encoder/sandbox/program.h"

#define DEFAULT_SECONDS 30.0
#define START_SECONDS 30.0             /* a machine may be busy, and we of the lowest priority */
#define MOST_SECONDS (7 * 24 * 3600.0) /* keeps the arithmetic with nanoseconds far from overflow */
#define ROOM ((uint64_t)64 << 20)      /* beyond PS__MAX_DECODE_BYTES, for what the decoders' own estimates leave out */
#define STEP ((size_t)1 << 20)         /* shared memory grows by whole steps */
#define KEPT ((size_t)8 << 20)         /* of it is kept from file to file */

typedef struct shared { /* a block of memory that the helper sees too */
    int fd;             /* -1: none */
    uint8_t *bytes;     /* NULL: none */
    size_t size;        /* mapped */
    size_t filled;      /* of it have pages; touching others could fail with a signal */
} shared;

struct ps__sandbox {
    char *program;               /* owned */
    int64_t limit_ns;            /* of one request */
    uint64_t max_bytes;          /* for decoding */
    const ps__log *log;          /* of the options */
    ps__stop_fn *stop;           /* of the options */
    void *payload;               /* of the options */
    shared input;                /* the file's bytes */
    shared output;               /* the answer and pixels */
    ps__process process;         /* pid 0 between two of them */
    ps__decoder_request request; /* in work */
    ps__decoder_answer answer;   /* copied out of the helper's reach */
    uint32_t number;             /* of the last request */
    int warned;                  /* the log has its warning */
    int down;                    /* see ps__sandbox_is_down */
    int64_t ended_ns;            /* CPU time of the processes before this one */
};

/* ---- Shared memory ------------------------------------------------------------------------------------------------------ */

/* Sealed, so that it cannot be cut short under our feet. */
static int shared_open(shared *m, const char *name) {
    *m = (shared){.fd = ps__os.memfd(name)};
    return m->fd >= 0 && ps__os.seal(m->fd, F_SEAL_SHRINK | F_SEAL_SEAL) == 0 ? 0 : -1;
}

static void shared_close(shared *m) {
    if (m->bytes) ps__os.munmap(m->bytes, m->size);
    if (m->fd >= 0) ps__os.close(m->fd);
    *m = (shared){.fd = -1};
}

/* 0, or -1 with errno. */
static int shared_grow(shared *m, size_t size) {
    size = (size + STEP - 1) / STEP * STEP;
    if (!size) size = STEP;
    if (size > m->filled) {
        if (ps__os.allocate(m->fd, size) != 0) return -1;
        m->filled = size;
    }
    if (size <= m->size) return 0;
    void *bytes = m->bytes ? ps__os.reshare(m->bytes, m->size, size) : ps__os.share(size, m->fd, PROT_READ | PROT_WRITE);
    if (bytes == MAP_FAILED) return -1;
    m->bytes = bytes;
    m->size = size;
    return 0;
}

static void shared_release(shared *m) {
    if (m->filled <= KEPT || m->size < m->filled) return;
    if (ps__os.madvise(m->bytes + KEPT, m->filled - KEPT, MADV_REMOVE) == 0) m->filled = KEPT;
}

uint8_t *ps__sandbox_buffer(ps__sandbox *s, size_t size) {
    if (size > PS__MAX_FILE_BYTES) return NULL;
    if (size <= KEPT) shared_release(&s->input);
    return shared_grow(&s->input, size) == 0 ? s->input.bytes : NULL;
}

void ps__sandbox_release(ps__sandbox *s) {
    shared_release(&s->input);
    shared_release(&s->output);
}

/* ---- The process -------------------------------------------------------------------------------------------------------- */

static void stop(ps__sandbox *s, ps__process_end *end) {
    ps__process_end own;
    if (!end) end = &own;
    ps__process_stop(&s->process, end);
    s->ended_ns += end->cpu_ns;
}

/* How the process ended, in words that follow "the decoder". */
static void describe(char *text, size_t size, const ps__process_end *end) {
    if (!end->known)
        snprintf(text, size, "ended, and somebody else was told how");
    else if (end->exited)
        snprintf(text, size, "ended by itself with status %d", end->value);
    else if (end->value == 9)
        snprintf(text, size, "was killed (signal 9); perhaps memory ran out");
    else
        snprintf(text, size, "crashed (signal %d, %s)", end->value,
                 sigdescr_np(end->value) ? sigdescr_np(end->value) : "unknown");
}

static int check_hello(ps__sandbox *s, const ps__decoder_hello *hello, ps__error *err) {
    if (hello->magic != PS__DECODER_MAGIC || hello->request_size != sizeof s->request || hello->answer_size != sizeof s->answer)
        return ps__fail(err, PS__ERROR, "%s: is not of the same version as this library", s->program);
    if (!hello->caged && !s->warned) {
        s->warned = 1;
        ps__logf(s->log, PS__LOG_WARNING,
                 "%s: the kernel cannot filter system calls (seccomp); photos are decoded in a process of their "
                 "own with limits, but without that wall",
                 s->program);
    }
    return PS__OK;
}

static int start(ps__sandbox *s, ps__error *err) {
    ps__decoder_hello hello;
    ps__process_end end;
    char how[128];
    int status = ps__process_start(&s->process, s->program, s->max_bytes, s->input.fd, s->output.fd, err);
    if (status) return status;
    int64_t deadline = ps__os.monotonic_ns() + (int64_t)(START_SECONDS * 1e9);
    switch (ps__process_hear(&s->process, &hello, sizeof hello, deadline, s->stop, s->payload)) {
    case PS__HEARD: status = check_hello(s, &hello, err); break;
    case PS__HEARD_STOP: status = ps__fail(err, PS__CANCELLED, "cancelled"); break;
    case PS__HEARD_FAILED: status = ps__fail_errno(err, errno, "%s: could not be spoken to", s->program); break;
    case PS__HEARD_NOTHING:
        status = ps__fail(err, PS__ERROR, "%s: was not ready after %.0f seconds", s->program, START_SECONDS);
        break;
    default:
        stop(s, &end);
        describe(how, sizeof how, &end);
        return ps__fail(err, PS__ERROR, "%s: could not be started: it %s", s->program, how);
    }
    if (status) stop(s, NULL);
    return status;
}

int ps__sandbox_new(ps__sandbox **out, const ps__sandbox_options *options, ps__error *err) {
    static const ps__sandbox_options defaults;
    if (!options) options = &defaults;
    int status = PS__OK;
    *out = NULL;
    ps__sandbox *s = ps__calloc(1, sizeof *s);
    if (!s) return ps__fail_nomem(err);
    s->input.fd = s->output.fd = -1;
    double seconds = options->seconds > 0 ? options->seconds : DEFAULT_SECONDS;
    s->limit_ns = (int64_t)((seconds < MOST_SECONDS ? seconds : MOST_SECONDS) * 1e9);
    s->max_bytes = options->max_bytes ? options->max_bytes : PS__MAX_DECODE_BYTES + ROOM;
    s->log = options->log;
    s->stop = options->stop;
    s->payload = options->payload;
    if (!options->program)
        status = ps__decoder_program(&s->program, err);
    else if (!(s->program = ps__strdup(options->program)))
        status = ps__fail_nomem(err);
    if (!status && (shared_open(&s->input, "photosearch-input") != 0 || shared_open(&s->output, "photosearch-output") != 0 ||
                    shared_grow(&s->input, 0) != 0 || shared_grow(&s->output, 0) != 0))
        status = ps__fail_errno(err, errno, "shared memory for the decoder");
    if (!status) status = start(s, err);
    if (status) {
        ps__sandbox_free(s);
        return status;
    }
    *out = s;
    return PS__OK;
}

void ps__sandbox_free(ps__sandbox *s) {
    if (!s) return;
    stop(s, NULL);
    shared_close(&s->input);
    shared_close(&s->output);
    ps__free(s->program);
    ps__free(s);
}

int ps__sandbox_is_down(const ps__sandbox *s) { return s->down; }

int64_t ps__sandbox_cpu_ns(ps__sandbox *s) { return s->ended_ns + (s->process.pid ? ps__process_cpu_ns(&s->process) : 0); }

/* ---- Requests ----------------------------------------------------------------------------------------------------------- */

/* A request for pixels that this sandbox can answer. */
static int prepare(ps__sandbox *s, uint32_t kind, size_t size, const char *name, const ps__pixels_options *options,
                   ps__error *err) {
    memset(&s->request, 0, sizeof s->request);
    s->down = 0;
    s->request.kind = kind;
    s->request.size = size;
    if (size > s->input.filled)
        return ps__fail(err, PS__INVALID, "%s: more bytes than the buffer holds were to be decoded", name);
    if (kind == PS__DECODER_FIND) return PS__OK;
    if (options) s->request.options = *options;
    const ps__pixels_options *o = &s->request.options;
    if (o->width < 1 || o->height < 1 || (uint64_t)o->width * (uint64_t)o->height > PS__DECODER_MAX_RGB / 3)
        return ps__fail(err, PS__INVALID, "%s: a size of %d x %d pixels was asked for", name, o->width, o->height);
    if (o->fit != PS__FIT_SQUASH && o->fit != PS__FIT_INSIDE)
        return ps__fail(err, PS__INVALID, "%s: an unknown fit was asked for", name);
    s->request.room = (uint64_t)o->width * (uint64_t)o->height * 3;
    return PS__OK;
}

/* What comes before the photo is looked at: a failure here is not its doing. */
static int make_ready(ps__sandbox *s, ps__error *err) {
    int status = PS__OK;
    if (shared_grow(&s->output, PS__DECODER_RGB_AT + (size_t)s->request.room) != 0)
        status = ps__fail_errno(err, errno, "shared memory for the decoder");
    if (!status && !ps__process_is_ready(&s->process)) {
        stop(s, NULL);
        status = start(s, err);
    }
    if (status && status != PS__CANCELLED) s->down = 1;
    return status;
}

/* The helper is of no further use. heard: why, as PS__HEARD_*. */
static int give_up(ps__sandbox *s, int heard, const char *name, ps__error *err) {
    ps__process_end end;
    char how[128];
    int e = errno;
    stop(s, &end);
    if (heard == PS__HEARD_FAILED) {
        s->down = 1;
        return ps__fail_errno(err, e, "%s: the decoder could not be spoken to", name);
    }
    if (heard == PS__HEARD_STOP) return ps__fail(err, PS__CANCELLED, "%s: cancelled", name);
    if (heard == PS__HEARD_NOTHING)
        return ps__fail(err, PS__ERROR, "%s: decoding took longer than %g seconds and was stopped", name,
                        (double)s->limit_ns / 1e9);
    describe(how, sizeof how, &end);
    return ps__fail(err, PS__ERROR, "%s: the decoder %s", name, how);
}

/* Sends the request and takes the answer, which can be relied upon after PS__OK: it is a success. */
static int ask(ps__sandbox *s, const char *name, ps__error *err) {
    uint32_t number = 0;
    int status = make_ready(s, err);
    if (status) return status;
    s->request.number = ++s->number;
    int64_t deadline = ps__os.monotonic_ns() + s->limit_ns;
    int heard = ps__process_tell(&s->process, &s->request, sizeof s->request);
    if (heard == PS__HEARD) heard = ps__process_hear(&s->process, &number, sizeof number, deadline, s->stop, s->payload);
    if (heard != PS__HEARD) return give_up(s, heard, name, err);
    memcpy(&s->answer, s->output.bytes, sizeof s->answer);
    const char *wrong = number == s->request.number ? ps__answer_wrong(&s->answer, &s->request) : "its number";
    if (wrong) {
        stop(s, NULL);
        return ps__fail(err, PS__ERROR, "%s: the decoder gave an answer that makes no sense (%s)", name, wrong);
    }
    ps__process_cpu_ns(&s->process);
    if (s->answer.status == PS__NOMEM)
        return ps__fail(err, PS__TOOBIG, "%s: needed more memory to decode than the %llu MB that one photo may take", name,
                        (unsigned long long)(s->max_bytes / 1000000));
    return s->answer.status ? ps__answer_fail(&s->answer, name, err) : PS__OK;
}

static int take_pixels(ps__pixels *out, ps__sandbox *s, ps__error *err) {
    const ps__decoder_answer *a = &s->answer;
    size_t bytes = (size_t)a->width * (size_t)a->height * 3;
    out->rgb = ps__malloc(bytes);
    if (!out->rgb) {
        s->down = 1;
        return ps__fail_nomem(err);
    }
    memcpy(out->rgb, s->output.bytes + PS__DECODER_RGB_AT, bytes);
    out->width = a->width;
    out->height = a->height;
    out->original_width = a->original_width;
    out->original_height = a->original_height;
    out->format = ps__answer_format(a);
    out->notes = a->notes;
    out->texts = a->texts;
    return PS__OK;
}

int ps__sandbox_decode(ps__pixels *out, ps__sandbox *s, size_t size, const char *name, const ps__pixels_options *options,
                       ps__error *err) {
    memset(out, 0, sizeof *out);
    int status = prepare(s, PS__DECODER_DECODE, size, name, options, err);
    if (!status) status = ask(s, name, err);
    return status ? status : take_pixels(out, s, err);
}

int ps__sandbox_find_preview(ps__preview_place *out, ps__sandbox *s, size_t head_size, uint64_t file_size, const char *name,
                             ps__error *err) {
    memset(out, 0, sizeof *out);
    int status = prepare(s, PS__DECODER_FIND, head_size, name, NULL, err);
    s->request.file_size = file_size;
    if (!status) status = ask(s, name, err);
    if (!status) *out = s->answer.place;
    return status;
}

int ps__sandbox_preview(ps__pixels *out, ps__sandbox *s, const ps__preview_place *place, size_t size, const char *name,
                        const ps__pixels_options *options, ps__error *err) {
    memset(out, 0, sizeof *out);
    int status = prepare(s, PS__DECODER_PREVIEW, size, name, options, err);
    s->request.place = *place;
    if (!status) status = ask(s, name, err);
    return status ? status : take_pixels(out, s, err);
}
