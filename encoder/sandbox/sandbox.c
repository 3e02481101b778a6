/*
** The library's side of the sandbox: what a decoder is asked, and what of its answers is believed; see sandbox.h.
*/
#include "encoder/sandbox/sandbox.h"

#include <string.h>

#include "base/alloc.h"
#include "encoder/sandbox/answer.h"
#include "encoder/sandbox/helper.h"
#include "encoder/sandbox/program.h"

#define ROOM ((uint64_t)64 << 20) /* beyond PS__MAX_DECODE_BYTES, for what the decoders' own estimates leave out */

struct ps__sandbox {
    ps__helper helper;           /* its input is the file's bytes; its output the answer and pixels */
    ps__decoder_request request; /* in work */
    ps__decoder_answer answer;   /* copied out of the helper's reach */
};

uint8_t *ps__sandbox_buffer(ps__sandbox *s, size_t size) {
    ps__shared *input = &s->helper.input;
    if (size > PS__MAX_FILE_BYTES) return NULL;
    if (size <= PS__SHARED_KEPT) ps__shared_release(input);
    return ps__shared_grow(input, size) == 0 ? input->bytes : NULL;
}

void ps__sandbox_release(ps__sandbox *s) {
    ps__shared_release(&s->helper.input);
    ps__shared_release(&s->helper.output);
}

int ps__sandbox_new(ps__sandbox **out, const ps__sandbox_options *options, ps__error *err) {
    static const ps__sandbox_options defaults;
    if (!options) options = &defaults;
    int status = PS__OK;
    *out = NULL;
    ps__sandbox *s = ps__calloc(1, sizeof *s);
    if (!s) return ps__fail_nomem(err);
    s->helper = (ps__helper){
        .who = "decoder",
        .doing = "decoding",
        .magic = PS__DECODER_MAGIC,
        .request_size = sizeof s->request,
        .answer_size = sizeof s->answer,
        .limit_ns = ps__helper_limit_ns(options->seconds),
        .max_bytes = options->max_bytes ? options->max_bytes : PS__MAX_DECODE_BYTES + ROOM,
        .log = options->log,
        .stop = options->stop,
        .payload = options->payload,
        .input = PS__SHARED_NONE,
        .output = PS__SHARED_NONE,
    };
    if (!options->program)
        status = ps__decoder_program(&s->helper.program, err);
    else if (!(s->helper.program = ps__strdup(options->program)))
        status = ps__fail_nomem(err);
    if (!status) status = ps__helper_open(&s->helper, err);
    if (status) {
        ps__sandbox_free(s);
        return status;
    }
    *out = s;
    return PS__OK;
}

void ps__sandbox_free(ps__sandbox *s) {
    if (!s) return;
    ps__helper_close(&s->helper);
    ps__free(s);
}

int ps__sandbox_is_down(const ps__sandbox *s) { return s->helper.down; }

int64_t ps__sandbox_cpu_ns(ps__sandbox *s) { return ps__helper_cpu_ns(&s->helper); }

/* ---- Requests ----------------------------------------------------------------------------------------------------------- */

/* A request for pixels that this sandbox can answer. */
static int prepare(ps__sandbox *s, uint32_t kind, size_t size, const char *name, const ps__pixels_options *options,
                   ps__error *err) {
    memset(&s->request, 0, sizeof s->request);
    s->helper.down = 0;
    s->request.kind = kind;
    s->request.size = size;
    if (size > s->helper.input.filled)
        return ps__fail(err, PS__INVALID, "%s: more bytes than the buffer holds were to be decoded", name);
    if (kind == PS__DECODER_FIND) return PS__OK;
    if (options) s->request.options = *options;
    const ps__pixels_options *o = &s->request.options;
    if (o->width < 1 || o->height < 1 || (uint64_t)o->width * (uint64_t)o->height > PS__DECODER_MAX_RGB / 3)
        return ps__fail(err, PS__INVALID, "%s: a size of %d x %d pixels was asked for", name, o->width, o->height);
    const char *unknown = ps__pixels_options_fault(o);
    if (unknown) return ps__fail(err, PS__INVALID, "%s: an unknown %s was asked for", name, unknown);
    s->request.room = (uint64_t)o->width * (uint64_t)o->height * 3;
    return PS__OK;
}

/* Sends the request and takes the answer, which can be relied upon after PS__OK: it is a success. */
static int ask(ps__sandbox *s, const char *name, ps__error *err) {
    ps__helper *h = &s->helper;
    int status = ps__helper_ask(h, &s->request, PS__DECODER_RGB_AT + (size_t)s->request.room, name, err);
    if (status) return status;
    memcpy(&s->answer, h->output.bytes, sizeof s->answer);
    const char *wrong = ps__answer_wrong(&s->answer, &s->request);
    if (wrong) return ps__helper_lied(h, name, wrong, err);
    ps__process_cpu_ns(&h->process);
    if (s->answer.status == PS__NOMEM)
        return ps__fail(err, PS__TOOBIG, "%s: needed more memory to decode than the %llu MB that one photo may take", name,
                        (unsigned long long)(h->max_bytes / 1000000));
    return s->answer.status ? ps__answer_fail(&s->answer, name, err) : PS__OK;
}

static int take_pixels(ps__pixels *out, ps__sandbox *s, ps__error *err) {
    const ps__decoder_answer *a = &s->answer;
    size_t bytes = (size_t)a->width * (size_t)a->height * 3;
    out->rgb = ps__malloc(bytes);
    if (!out->rgb) {
        s->helper.down = 1;
        return ps__fail_nomem(err);
    }
    memcpy(out->rgb, s->helper.output.bytes + PS__DECODER_RGB_AT, bytes);
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
