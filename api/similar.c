/*
** Searching by example: an image becomes a vector, the index gives its neighbours, the store what they are.
*/
#include <string.h>

#include "api/job.h"
#include "api/last_error.h"
#include "base/alloc.h"
#include "base/os.h"

#define SEARCHED_MOST ((size_t)PS__LIMIT_MOST + 1) /* candidates that are asked for at most */
#define SIMILAR_GOOD 0.8 /* cosine of two photos from which on they show the same thing */

/* The `want` photos nearest to the vector, without `left_out`: *count of them in *out, which the caller frees. */
static int find(ps__candidate **out, size_t *count, size_t want, ps__job *job, const float *vector, int64_t left_out, ps__error *err) {
    ps__index *index;
    int space;
    size_t n = 0, kept = 0;
    *count = 0;
    *out = ps__array(want, sizeof **out);
    if (!*out) return ps__fail_nomem(err);
    int status = ps__library_index(&index, &space, job->library, job->store, ps__model_info(job->model), err);
    if (status == PS__OK && index) status = ps__index_search(*out, &n, index, job->store, vector, want, err);
    int64_t all = 0;
    if (status == PS__OK && index) status = ps__store_vector_count(&all, job->store, space, err);
    job->results->passed = (uint64_t)all;
    for (size_t i = 0; i < n; i++)
        if ((*out)[i].photo != left_out) (*out)[kept++] = (*out)[i];
    *count = kept;
    return status;
}

/* *more: all candidates were taken, and that was not enough, as files of some are away. */
static int show(int *more, ps__job *job, const ps__candidate *found, size_t count, ps__error *err) {
    ps_results *results = job->results;
    size_t i = 0;
    int status = PS__OK;
    ps__results_clear(results);
    for (; status == PS__OK && i < count && results->count < job->options.limit; i++) {
        double score = found[i].cosine > 0 ? (double)found[i].cosine : 0.0;
        if (score < job->options.least_score) break;
        int verdict = score >= SIMILAR_GOOD ? PS_VERDICT_GOOD : PS_VERDICT_WEAK;
        status = ps__results_add(results, job->store, &found[i], score > 1.0 ? 1.0 : score, verdict, err);
    }
    *more = i == count && results->count < job->options.limit;
    results->verdict = results->count ? results->hits[0].verdict : PS_VERDICT_NONE;
    return status;
}

static int find_and_show(ps__job *job, const float *vector, int64_t left_out, ps__error *err) {
    size_t want = job->options.limit + (left_out != 0);
    for (;;) {
        ps__candidate *found = NULL;
        size_t count = 0;
        int more = 0;
        int status = find(&found, &count, want, job, vector, left_out, err);
        int all = count + 1 < want; /* one may have been left out */
        if (status == PS__OK) status = show(&more, job, found, count, err);
        ps__free(found);
        if (status != PS__OK || all || !more || want >= SEARCHED_MOST) return status;
        want = want * 4 < SEARCHED_MOST ? want * 4 : SEARCHED_MOST;
    }
}

static int answer(ps__job *job, const char *path, ps__error *err) {
    int64_t photo, start = ps__os.monotonic_ns();
    int status = ps__job_model(job, err);
    if (status != PS__OK) return status;
    float *vector = ps__array((size_t)ps__model_info(job->model)->dim, sizeof *vector);
    if (!vector) return ps__fail_nomem(err);
    status = ps__job_image(vector, &photo, job, path, err);
    job->results->encode_ms = ps__since_ms(start);
    start = ps__os.monotonic_ns();
    if (status == PS__OK) status = find_and_show(job, vector, photo, err);
    if (status == PS__OK) ps__job_want_previews(job);
    job->results->search_ms = ps__since_ms(start);
    ps__free(vector);
    return status;
}

int ps_similar(ps_results **out, ps_library *library, const char *path, const ps_search_options *options) {
    ps__error err = {0};
    if (!out || !library || !path)
        return ps__refuse(library, PS_INVALID, "ps_similar was given no library, no path or no place for the results");
    return ps__remember(library, ps__job_run(out, library, options, answer, path, &err), &err);
}
