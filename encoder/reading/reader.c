/*
** The library's side of reading; see reader.h.
*/
#include "encoder/reading/reader.h"

#include <string.h>

#include "base/alloc.h"
#include "encoder/reading/keep.h"
#include "encoder/reading/reader_protocol.h"
#include "encoder/sandbox/helper.h"
#include "encoder/sandbox/program.h"

#define MEMORY ((uint64_t)512 << 20)
#define LANGUAGES_MOST 200 /* bytes */

struct ps__reader {
    ps__helper helper;          /* its input is the picture; its output the answer */
    char *languages;            /* owned; "" the usual ones */
    ps__reader_request request; /* in work; width and height as ps__reader_picture was asked */
    ps__reader_answer answer;   /* copied out of the helper's reach */
};

/* Names joined by '+': nothing that could be a path to elsewhere. */
static int are_languages(const char *text) {
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+/";
    return strspn(text, allowed) == strlen(text) && strlen(text) <= LANGUAGES_MOST && text[0] != '/';
}

int ps__reader_new(ps__reader **out, const ps__reader_options *options, ps__error *err) {
    static const ps__reader_options defaults;
    if (!options) options = &defaults;
    int status = PS__OK;
    *out = NULL;
    if (options->languages && !are_languages(options->languages))
        return ps__fail(err, PS__INVALID, "\"%.80s\" is no list of languages such as eng+deu", options->languages);
    ps__reader *r = ps__calloc(1, sizeof *r);
    if (!r) return ps__fail_nomem(err);
    r->languages = ps__strdup(options->languages ? options->languages : "");
    r->helper = (ps__helper){
        .who = "reader",
        .doing = "reading text",
        .magic = PS__READER_MAGIC,
        .request_size = sizeof r->request,
        .answer_size = sizeof r->answer,
        .setting = r->languages,
        .limit_ns = ps__helper_limit_ns(options->seconds),
        .max_bytes = options->max_bytes ? options->max_bytes : MEMORY,
        .log = options->log,
        .stop = options->stop,
        .payload = options->payload,
        .input = PS__SHARED_NONE,
        .output = PS__SHARED_NONE,
    };
    if (!options->program)
        status = ps__reader_program(&r->helper.program, err);
    else
        r->helper.program = ps__strdup(options->program);
    if (!status && (!r->languages || !r->helper.program)) status = ps__fail_nomem(err);
    if (!status) status = ps__helper_open(&r->helper, err);
    if (status) {
        ps__reader_free(r);
        return status;
    }
    *out = r;
    return PS__OK;
}

void ps__reader_free(ps__reader *r) {
    if (!r) return;
    ps__helper_close(&r->helper);
    ps__free(r->languages);
    ps__free(r);
}

int ps__reader_is_down(const ps__reader *r) { return r->helper.down; }

int64_t ps__reader_cpu_ns(ps__reader *r) { return ps__helper_cpu_ns(&r->helper); }

uint8_t *ps__reader_picture(ps__reader *r, int width, int height) {
    r->request.width = r->request.height = 0;
    if (width < 1 || height < 1 || (uint64_t)width * (uint64_t)height > PS__READER_MAX_PIXELS) return NULL;
    if (ps__shared_grow(&r->helper.input, (size_t)width * (size_t)height) != 0) return NULL;
    r->request.width = width;
    r->request.height = height;
    return r->helper.input.bytes;
}

int ps__reader_read(ps__buf *text, ps__reader *r, const ps__text_area *areas, int count, const char *name, ps__error *err) {
    ps__buf_clear(text);
    r->helper.down = 0;
    if (r->request.width == 0 || count < 0 || count > PS__TEXT_AREAS)
        return ps__fail(err, PS__INVALID, "%s: there is no picture to read", name);
    r->request.milliseconds = (int32_t)(r->helper.limit_ns / 1000000 * 3 / 4 < INT32_MAX ? r->helper.limit_ns / 1000000 * 3 / 4 : INT32_MAX);
    r->request.area_count = count;
    memcpy(r->request.areas, areas, (size_t)count * sizeof *areas);
    int status = ps__helper_ask(&r->helper, &r->request, sizeof r->answer, name, err);
    if (status) return status;
    memcpy(&r->answer, r->helper.output.bytes, sizeof r->answer);
    ps__process_cpu_ns(&r->helper.process);
    if (r->answer.number != r->request.number) return ps__helper_lied(&r->helper, name, "its number", err);
    if (r->answer.size > sizeof r->answer.words) return ps__helper_lied(&r->helper, name, "its size", err);
    ps__words_keep(text, r->answer.words, r->answer.size, PS__READING_MOST);
    return text->failed ? ps__fail_nomem(err) : PS__OK;
}
