/*
** Beginning and ending a search, and images as queries; see job.h.
*/
#include "api/job.h"

#include <stddef.h>
#include <string.h>

#include "base/alloc.h"
#include "base/half.h"
#include "base/os.h"
#include "encoder/pixels/pixels.h"
#include "store/wanted.h"

#define TRIES 3      /* changes of the model within one search */
#define LOOKED_AT 20 /* results that somebody will look at: these are read in full first */

double ps__since_ms(int64_t start_ns) { return (double)(ps__os.monotonic_ns() - start_ns) / 1e6; }

static int check_options(ps_search_options *out, const ps_search_options *options, ps__error *err) {
    static const size_t sizes[] = {0, offsetof(ps_search_options, lang), offsetof(ps_search_options, order), sizeof *out};
    *out = (ps_search_options)PS_SEARCH_OPTIONS_INIT;
    if (options && (options->version < 1 || options->version > PS_SEARCH_OPTIONS_VERSION))
        return ps__fail(err, PS__INVALID, "ps_search_options has an unknown version");
    if (options) memcpy(out, options, sizes[options->version]);
    if (out->limit < 1 || out->limit > PS__LIMIT_MOST)
        return ps__fail(err, PS__INVALID, "a limit of %zu is not in 1 to %d", out->limit, PS__LIMIT_MOST);
    if (out->order < PS_ORDER_AUTO || out->order > PS_ORDER_OLDEST)
        return ps__fail(err, PS__INVALID, "there is no order %d", out->order);
    if (!(out->least_score >= 0 && out->least_score <= 1))
        return ps__fail(err, PS__INVALID, "a least score of %g is not in 0 to 1", out->least_score);
    if (out->like_count > PS_LIKE_MOST || (out->like_count && !out->like))
        return ps__fail(err, PS__INVALID, "there may be up to %d example images", PS_LIKE_MOST);
    return PS__OK;
}

/* Checks the options and takes a store. end must follow, also after a failure. */
static int begin(ps__job *out, ps_library *library, const ps_search_options *options, ps__error *err) {
    memset(out, 0, sizeof *out);
    out->library = library;
    out->started_ns = ps__os.monotonic_ns();
    int status = check_options(&out->options, options, err);
    if (status == PS__OK && !(out->results = ps__calloc(1, sizeof *out->results))) status = ps__fail_nomem(err);
    if (status != PS__OK) return status;
    out->results->places = ps__library_places(library);
    out->results->lang = out->options.lang;
    return ps__library_take_store(&out->store, library, err);
}

/* Hands the results out if status is PS__OK, and returns it. */
static int end(ps_results **out, ps__job *job, int status) {
    if (job->results) job->results->total_ms = ps__since_ms(job->started_ns);
    ps__library_put_store(job->library, job->store);
    if (status == PS__OK)
        *out = job->results;
    else
        ps_results_free(job->results);
    return status;
}

/* Vectors are removed only once another model answers: where the one that was asked still does, all of them were there. */
static int has_changed_model(const ps__job *job) {
    ps__store_model now;
    ps__error ignored;
    if (!job->model || job->library->model_path || ps__store_current_model(&now, job->store, &ignored) != PS__OK) return 0;
    return now.id[0] && strcmp(now.space, ps__model_info(job->model)->space) != 0;
}

int ps__job_run(ps_results **out, ps_library *library, const ps_search_options *options, ps__job_fn *fn, const char *question,
                ps__error *err) {
    for (int tries = 1;; tries++) {
        ps__job job;
        *out = NULL;
        int status = begin(&job, library, options, err);
        if (status == PS__OK) status = fn(&job, question, err);
        int again = status == PS__OK && tries < TRIES && has_changed_model(&job);
        status = end(out, &job, status);
        if (!again) return status;
        ps_results_free(*out);
    }
}

int ps__job_model(ps__job *job, ps__error *err) { return job->model ? PS__OK : ps__library_model(&job->model, job->library, err); }

/* The vector the library already has of this content. *known is 0 when it has none. */
static int stored_vector(int *known, float *vector, int64_t *photo, ps__job *job, const uint8_t *bytes, size_t size, ps__error *err) {
    const ps__encoder_info *model = ps__model_info(job->model);
    uint8_t hash[16], found = 0;
    int space;
    *known = 0;
    *photo = 0;
    int status = ps__store_find_space(&space, job->store, model->space, model->dim, err);
    if (status == PS__NOTFOUND) return PS__OK;
    ps__store_hash(hash, bytes, size);
    if (status == PS__OK) status = ps__store_photo_by_hash(photo, job->store, hash, err);
    if (status != PS__OK) {
        *photo = 0;
        return status == PS__NOTFOUND ? PS__OK : status;
    }
    uint16_t *halves = ps__array((size_t)model->dim, sizeof *halves);
    if (!halves) return ps__fail_nomem(err);
    status = ps__store_vectors(halves, &found, job->store, space, photo, 1, err);
    if (status == PS__OK && found) ps__halves_to_floats(vector, halves, (size_t)model->dim);
    *known = found;
    ps__free(halves);
    return status;
}

int ps__job_image(float *vector, int64_t *photo, ps__job *job, const char *path, ps__error *err) {
    uint8_t *bytes;
    size_t size;
    int known;
    int status = ps__read_file(&bytes, &size, NULL, path, PS__MAX_FILE_BYTES, err);
    if (status != PS__OK) return status;
    status = stored_vector(&known, vector, photo, job, bytes, size, err);
    if (status == PS__OK && !known) status = ps__model_image(vector, job->model, bytes, size, path, err);
    ps__free(bytes);
    return status;
}

void ps__job_want_previews(const ps__job *job) {
    int64_t photos[LOOKED_AT];
    size_t count = 0;
    for (size_t i = 0; i < job->results->count && count < LOOKED_AT; i++)
        if (job->results->hits[i].photo.preview) photos[count++] = job->results->hits[i].photo.id;
    ps__wanted_add(job->library->folder, photos, count);
}
