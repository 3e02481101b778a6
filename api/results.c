/*
** Answers: filled from the store, then only read. After that they need neither library nor lock.
*/
#include "api/results.h"

#include <stddef.h>
#include <string.h>

#include "api/last_error.h"
#include "base/alloc.h"
#include "base/buf.h"

/* "make model", once if the model already begins with the make, as many cameras write it. */
static int camera_name(char **out, const ps__photo *photo) {
    ps__buf name = PS__BUF_INIT;
    size_t make = strlen(photo->make);
    *out = NULL;
    if (!photo->make[0] && !photo->model[0]) return PS__OK;
    if (make && strncasecmp(photo->make, photo->model, make) != 0) {
        ps__buf_puts(&name, photo->make);
        if (photo->model[0]) ps__buf_putc(&name, ' ');
    }
    ps__buf_puts(&name, photo->model);
    *out = ps__buf_detach(&name);
    return *out ? PS__OK : PS__NOMEM;
}

static int fill(ps__hit *hit, ps__store *store, int64_t photo, ps__error *err) {
    ps__buf paths = PS__BUF_INIT;
    size_t count = 0;
    int status = ps__store_photo(&hit->photo, store, photo, err);
    if (status == PS__OK) status = ps__store_paths(&paths, &count, store, photo, err);
    if (status == PS__OK && count == 0) status = PS__NOTFOUND;
    if (status == PS__OK && (!(hit->path = ps__strdup(paths.bytes)) || camera_name(&hit->camera, &hit->photo) != PS__OK))
        status = ps__fail_nomem(err);
    ps__buf_free(&paths);
    return status;
}

int ps__results_add(ps_results *results, ps__store *store, const ps__candidate *candidate, double score, int verdict,
                    ps__error *err) {
    ps__hit hit = {.score = score, .cosine = (double)candidate->cosine, .verdict = verdict};
    int status = fill(&hit, store, candidate->photo, err);
    ps__hit *more = status == PS__OK ? ps__realloc(results->hits, (results->count + 1) * sizeof *more) : NULL;
    if (more) {
        results->hits = more;
        results->hits[results->count++] = hit;
        return PS__OK;
    }
    ps__free(hit.path);
    ps__free(hit.camera);
    if (status == PS__OK) return ps__fail_nomem(err);
    return status == PS__NOTFOUND ? PS__OK : status;
}

void ps__results_clear(ps_results *results) {
    for (size_t i = 0; i < results->count; i++) {
        ps__free(results->hits[i].path);
        ps__free(results->hits[i].camera);
    }
    ps__free(results->hits);
    results->hits = NULL;
    results->count = 0;
}

void ps_results_free(ps_results *results) {
    if (!results) return;
    ps__results_clear(results);
    ps__query_clear(&results->query);
    ps__free(results);
}

size_t ps_results_count(const ps_results *results) { return results ? results->count : 0; }

const char *ps_results_path(const ps_results *results, size_t i) {
    return i < ps_results_count(results) ? results->hits[i].path : NULL;
}

double ps_results_score(const ps_results *results, size_t i) {
    return i < ps_results_count(results) ? results->hits[i].score : 0.0;
}

int ps_results_verdict(const ps_results *results) { return results ? results->verdict : PS_VERDICT_NONE; }

int ps_results_hit(ps_hit *out, const ps_results *results, size_t i) {
    if (!out || out->version < 1 || out->version > PS_HIT_VERSION || !results)
        return ps__refuse(NULL, PS_INVALID, "ps_results_hit was given no results or no place");
    if (i >= results->count) return ps__refuse(NULL, PS_NOTFOUND, "there are fewer results");
    const ps__hit *hit = &results->hits[i];
    const ps_hit full = {
        .version = out->version,
        .photo = hit->photo.id,
        .path = hit->path,
        .score = hit->score,
        .cosine = hit->cosine,
        .taken = hit->photo.taken[0] ? hit->photo.taken : NULL,
        .camera = hit->camera,
        .has_position = hit->photo.has_gps,
        .latitude = hit->photo.latitude,
        .longitude = hit->photo.longitude,
        .place = NULL,
        .width = hit->photo.width,
        .height = hit->photo.height,
        .verdict = hit->verdict,
        .preview = hit->photo.preview,
    };
    memcpy(out, &full, out->version == 1 ? offsetof(ps_hit, preview) : sizeof full);
    return ps__refuse(NULL, PS_OK, "");
}

int ps_results_understood(ps_understood *out, const ps_results *results) {
    if (!out || out->version != PS_UNDERSTOOD_VERSION || !results)
        return ps__refuse(NULL, PS_INVALID, "ps_results_understood was given no results or no place");
    const ps__query *query = &results->query;
    *out = (ps_understood){
        .version = PS_UNDERSTOOD_VERSION,
        .text = query->text ? query->text : "",
        .encode_ms = results->encode_ms,
        .search_ms = results->search_ms,
        .total_ms = results->total_ms,
    };
    return ps__refuse(NULL, PS_OK, "");
}
