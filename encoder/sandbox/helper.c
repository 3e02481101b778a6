/*
** The library's side of a process that works for it, whatever that does; see helper.h.
*/
#include "encoder/sandbox/helper.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/os.h"

#define DEFAULT_SECONDS 30.0
#define START_SECONDS 30.0             /* a machine may be busy, and we of the lowest priority */
#define MOST_SECONDS (7 * 24 * 3600.0) /* keeps the arithmetic with nanoseconds far from overflow */

int64_t ps__helper_limit_ns(double seconds) {
    if (!(seconds > 0)) seconds = DEFAULT_SECONDS;
    return (int64_t)((seconds < MOST_SECONDS ? seconds : MOST_SECONDS) * 1e9);
}

static void stop(ps__helper *h, ps__process_end *end) {
    ps__process_end own;
    if (!end) end = &own;
    ps__process_stop(&h->process, end);
    h->ended_ns += end->cpu_ns;
}

/* ---- Starting ----------------------------------------------------------------------------------------------------------- */

static int check_hello(ps__helper *h, ps__child_hello *hello, ps__error *err) {
    if (hello->magic != h->magic || hello->request_size != h->request_size || hello->answer_size != h->answer_size)
        return ps__fail(err, PS__ERROR, "%s: is not of the same version as this library", h->program);
    hello->trouble[sizeof hello->trouble - 1] = 0;
    if (hello->trouble[0]) return ps__fail(err, PS__NOTFOUND, "%s: %s", h->program, hello->trouble);
    if (!hello->caged && !h->warned) {
        h->warned = 1;
        ps__logf(h->log, PS__LOG_WARNING,
                 "%s: the kernel cannot filter system calls (seccomp); %s is done in a process of its "
                 "own with limits, but without that wall",
                 h->program, h->doing);
    }
    return PS__OK;
}

static int start(ps__helper *h, ps__error *err) {
    ps__child_hello hello;
    ps__process_end end;
    char how[128];
    int status = ps__process_start(&h->process, h->program, h->max_bytes, h->input.fd, h->output.fd, h->setting, err);
    if (status) return status;
    int64_t deadline = ps__os.monotonic_ns() + (int64_t)(START_SECONDS * 1e9);
    switch (ps__process_hear(&h->process, &hello, sizeof hello, deadline, h->stop, h->payload)) {
    case PS__HEARD: status = check_hello(h, &hello, err); break;
    case PS__HEARD_STOP: status = ps__fail(err, PS__CANCELLED, "cancelled"); break;
    case PS__HEARD_FAILED: status = ps__fail_errno(err, errno, "%s: could not be spoken to", h->program); break;
    case PS__HEARD_NOTHING:
        status = ps__fail(err, PS__ERROR, "%s: was not ready after %.0f seconds", h->program, START_SECONDS);
        break;
    default:
        stop(h, &end);
        ps__process_describe(how, sizeof how, &end);
        return ps__fail(err, PS__ERROR, "%s: could not be started: it %s", h->program, how);
    }
    if (status) stop(h, NULL);
    return status;
}

int ps__helper_open(ps__helper *h, ps__error *err) {
    h->input = h->output = (ps__shared)PS__SHARED_NONE;
    if (ps__shared_open(&h->input, "photosearch-input") != 0 || ps__shared_open(&h->output, "photosearch-output") != 0 ||
        ps__shared_grow(&h->input, 0) != 0 || ps__shared_grow(&h->output, 0) != 0)
        return ps__fail_errno(err, errno, "shared memory for the %s", h->who);
    return start(h, err);
}

void ps__helper_close(ps__helper *h) {
    stop(h, NULL);
    ps__shared_close(&h->input);
    ps__shared_close(&h->output);
    ps__free(h->program);
    h->program = NULL;
}

int64_t ps__helper_cpu_ns(ps__helper *h) { return h->ended_ns + (h->process.pid ? ps__process_cpu_ns(&h->process) : 0); }

/* ---- Asking ------------------------------------------------------------------------------------------------------------- */

/* What comes before the request is looked at: a failure here is not its doing. */
static int make_ready(ps__helper *h, size_t room, ps__error *err) {
    int status = PS__OK;
    if (ps__shared_grow(&h->output, room) != 0) status = ps__fail_errno(err, errno, "shared memory for the %s", h->who);
    if (!status && !ps__process_is_ready(&h->process)) {
        stop(h, NULL);
        status = start(h, err);
    }
    if (status && status != PS__CANCELLED) h->down = 1;
    return status;
}

/* The process is of no further use. heard: why, as PS__HEARD_*. */
static int give_up(ps__helper *h, int heard, const char *name, ps__error *err) {
    ps__process_end end;
    char how[128];
    int e = errno;
    stop(h, &end);
    if (heard == PS__HEARD_FAILED) {
        h->down = 1;
        return ps__fail_errno(err, e, "%s: the %s could not be spoken to", name, h->who);
    }
    if (heard == PS__HEARD_STOP) return ps__fail(err, PS__CANCELLED, "%s: cancelled", name);
    if (heard == PS__HEARD_NOTHING)
        return ps__fail(err, PS__ERROR, "%s: %s took longer than %g seconds and was stopped", name, h->doing,
                        (double)h->limit_ns / 1e9);
    ps__process_describe(how, sizeof how, &end);
    return ps__fail(err, PS__ERROR, "%s: the %s %s", name, h->who, how);
}

int ps__helper_ask(ps__helper *h, void *request, size_t room, const char *name, ps__error *err) {
    uint32_t number = 0;
    h->down = 0;
    int status = make_ready(h, room, err);
    if (status) return status;
    h->number++;
    memcpy(request, &h->number, sizeof h->number);
    int64_t deadline = ps__os.monotonic_ns() + h->limit_ns;
    int heard = ps__process_tell(&h->process, request, h->request_size);
    if (heard == PS__HEARD) heard = ps__process_hear(&h->process, &number, sizeof number, deadline, h->stop, h->payload);
    if (heard != PS__HEARD) return give_up(h, heard, name, err);
    return number == h->number ? PS__OK : ps__helper_lied(h, name, "its number", err);
}

int ps__helper_lied(ps__helper *h, const char *name, const char *wrong, ps__error *err) {
    stop(h, NULL);
    return ps__fail(err, PS__ERROR, "%s: the %s gave an answer that makes no sense (%s)", name, h->who, wrong);
}
