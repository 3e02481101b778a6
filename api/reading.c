/*
** ps_read_text: which photos are to be read, and in what order. A photo's vector knows whether it shows a page or a beach, so those that
** are nearest to a few sentences about writing come first: whoever reads for an hour a day has the receipts after the first.
*/
#include "api/reading.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "api/last_error.h"
#include "api/work.h"
#include "base/alloc.h"
#include "base/half.h"
#include "encoder/reading/reader.h"
#include "encoder/sandbox/program.h"
#include "store/readings.h"

#define AT_ONCE 512 /* vectors in memory */

/* ---- The order ------------------------------------------------------------------------------------------------------------ */

static const char *const PROMPTS[] = {"a screenshot of a phone", "a page of printed text", "a receipt", "a sign with words on it",
                                      "a poster with large letters", "a document"};
enum { PROMPT_COUNT = sizeof PROMPTS / sizeof *PROMPTS };

typedef struct ranked {
    int64_t photo;
    float score; /* the best cosine with a prompt; -2: it has no vector */
} ranked;

static int by_score(const void *a, const void *b) {
    const ranked *x = a, *y = b;
    if (x->score != y->score) return x->score < y->score ? 1 : -1;
    return x->photo < y->photo ? 1 : -1; /* else the newest first */
}

/* prompts: float [PROMPT_COUNT][dim] */
static float best_cosine(const float *prompts, const float *vector, size_t dim) {
    float best = -2;
    for (int p = 0; p < PROMPT_COUNT; p++) {
        float dot = 0;
        for (size_t i = 0; i < dim; i++) dot += prompts[(size_t)p * dim + i] * vector[i];
        if (dot > best) best = dot;
    }
    return best;
}

static int read_prompts(float *prompts, ps_model *model, size_t dim, ps__error *err) {
    ps__tower *tower;
    int status = PS__OK;
    for (size_t p = 0; p < PROMPT_COUNT && status == PS__OK; p++)
        status = ps__model_text(prompts + p * dim, &tower, model, "en", PROMPTS[p], strlen(PROMPTS[p]), err);
    return status;
}

static int score_all(ranked *list, const int64_t *ids, size_t count, ps__store *store, int space, const float *prompts, size_t dim,
                     ps__error *err) {
    uint16_t *halves = ps__array(AT_ONCE, dim * sizeof *halves);
    float *vector = ps__array(dim, sizeof *vector);
    uint8_t found[AT_ONCE];
    int status = halves && vector ? PS__OK : ps__fail_nomem(err);
    for (size_t from = 0; from < count && status == PS__OK; from += AT_ONCE) {
        size_t n = count - from < AT_ONCE ? count - from : AT_ONCE;
        status = ps__store_vectors(halves, found, store, space, ids + from, n, err);
        for (size_t i = 0; i < n && status == PS__OK; i++) {
            if (!found[i]) continue;
            ps__halves_to_floats(vector, halves + i * dim, dim);
            float score = best_cosine(prompts, vector, dim);
            if (isfinite(score)) list[from + i].score = score;
        }
    }
    ps__free(halves);
    ps__free(vector);
    return status;
}

static int rank(ranked *list, const int64_t *ids, size_t count, ps_library *library, ps__store *store, ps__error *err) {
    ps_model *model;
    int space;
    int status = ps__library_model(&model, library, err);
    if (status != PS__OK) return status;
    const ps__encoder_info *info = ps__model_info(model);
    size_t dim = (size_t)info->dim;
    float *prompts = ps__array(PROMPT_COUNT, dim * sizeof *prompts);
    status = prompts ? ps__store_find_space(&space, store, info->space, info->dim, err) : ps__fail_nomem(err);
    if (status == PS__OK) status = read_prompts(prompts, model, dim, err);
    if (status == PS__OK) status = score_all(list, ids, count, store, space, prompts, dim, err);
    ps__free(prompts);
    return status;
}

/* The order is a kindness: without a model, or with one that reads no text, the newest come first. */
static int put_in_order(int64_t *ids, size_t count, ps_library *library, ps__store *store, ps__error *err) {
    ps__error why;
    ranked *list = ps__array(count, sizeof *list);
    if (!list) return ps__fail_nomem(err);
    for (size_t i = 0; i < count; i++) list[i] = (ranked){ids[i], -2};
    int status = rank(list, ids, count, library, store, &why);
    if (status != PS__OK && status != PS__NOMEM)
        ps__logf(&library->log, PS__LOG_INFO, "text is read in the newest photos first: %s", why.text);
    qsort(list, count, sizeof *list, by_score);
    for (size_t i = 0; i < count; i++) ids[i] = list[i].photo;
    ps__free(list);
    return PS__OK;
}

/* ---- Reading ------------------------------------------------------------------------------------------------------------ */

static int find_unread(int64_t **ids, size_t *count, ps_library *library, int all, ps__error *err) {
    ps__store *store;
    int status = ps__library_take_store(&store, library, err);
    *ids = NULL;
    *count = 0;
    if (status == PS__OK) status = ps__store_unread(ids, count, store, PS__READING_VERSION, all, err);
    if (status == PS__OK && *count) status = put_in_order(*ids, *count, library, store, err);
    ps__library_put_store(library, store);
    return status;
}

int ps__read_text(ps__reading_result *result, ps_library *library, ps__reading_options *options, int all, size_t limit,
                  ps__error *err) {
    int64_t *ids = NULL;
    char *program = NULL;
    size_t count = 0;
    memset(result, 0, sizeof *result);
    int status = ps__reader_program(&program, err); /* it is told also where there is nothing to read */
    if (status == PS__OK) status = find_unread(&ids, &count, library, all, err);
    if (status == PS__OK && count) {
        options->library = library->folder;
        options->log = &library->log;
        options->program = program;
        options->photos = ids;
        options->count = limit && limit < count ? limit : count;
        status = ps__reading_run(result, options, err);
        result->left += (int64_t)(count - options->count);
    }
    ps__free(ids);
    ps__free(program);
    return status;
}

/* ---- ps_read_text --------------------------------------------------------------------------------------------------------- */

typedef struct reader {
    ps_library *library;
    const ps_read_text_options *options;
    int stopped; /* the progress function asked for it */
} reader;

static int stop(void *payload) {
    const reader *r = payload;
    return r->stopped || atomic_load(&r->library->cancel);
}

static void progress(const ps__reading_progress *p, void *payload) {
    reader *r = payload;
    if (!r->options->progress) return;
    double rate = p->seconds > 0 ? (double)p->done / p->seconds : 0;
    const ps_progress now = {.version = PS_PROGRESS_VERSION,
                             .phase = PS_PHASE_READ_TEXT,
                             .found = (uint64_t)p->with_text,
                             .total = (uint64_t)p->total,
                             .done = (uint64_t)p->done,
                             .failed = (uint64_t)p->failed,
                             .seconds = p->seconds,
                             .photos_per_second = rate,
                             .seconds_left = rate > 0 ? (double)(p->total - p->done) / rate : -1,
                             .path = ""};
    if (r->options->progress(&now, r->options->payload)) r->stopped = 1;
}

static int run(ps__reading_result *result, ps_library *library, const ps_read_text_options *o, ps__error *err) {
    reader r = {library, o, 0};
    ps__sandbox_options sandbox = {.log = &library->log};
    ps__indexer_decoder decoder;
    ps__indexer_decoder_sandboxed(&decoder, &sandbox);
    ps__reading_options options = {.decoder = &decoder,
                                   .languages = o->languages,
                                   .background = (o->flags & PS_READ_TEXT_BACKGROUND) != 0,
                                   .stop = stop,
                                   .progress = progress,
                                   .payload = &r};
    return ps__read_text(result, library, &options, (o->flags & PS_READ_TEXT_ALL) != 0, o->limit, err);
}

int ps_read_text(ps_read_text_result *result, ps_library *library, const ps_read_text_options *options) {
    static const ps_read_text_options usual = PS_READ_TEXT_OPTIONS_INIT;
    ps__reading_result inner = {0};
    ps__error err = {0};
    if (!library || (result && result->version != PS_READ_TEXT_RESULT_VERSION))
        return ps__refuse(library, PS_INVALID, "ps_read_text was given no library, or a result of an unknown version");
    if (!options) options = &usual;
    int status = options->version == PS_READ_TEXT_OPTIONS_VERSION
                     ? ps__library_enter(library, &err)
                     : ps__fail(&err, PS__INVALID, "ps_read_text_options has an unknown version");
    if (status == PS__OK) {
        status = run(&inner, library, options, &err);
        ps__library_leave(library);
    }
    if (result)
        *result = (ps_read_text_result){.version = PS_READ_TEXT_RESULT_VERSION,
                                        .read = (uint64_t)inner.read,
                                        .with_text = (uint64_t)inner.with_text,
                                        .looked_at = (uint64_t)inner.looked_at,
                                        .failed = (uint64_t)inner.failed,
                                        .left = (uint64_t)inner.left,
                                        .seconds = inner.seconds,
                                        .cpu_seconds = inner.cpu_seconds};
    return ps__remember(library, status, &err);
}
