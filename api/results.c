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

/* The name of where it was taken, as far as the gazetteer knows the town that the indexer noted. */
static int name_place(ps__hit *hit, const ps_results *results, ps__error *err) {
    ps__place place;
    if (!results->places || !hit->photo.city || ps__gazetteer_place(&place, results->places, hit->photo.city) != PS__OK) return PS__OK;
    return ps__gazetteer_label(&hit->place, results->places, &place, results->lang, err);
}

static void clear_hit(ps__hit *hit) {
    ps__free(hit->path);
    ps__free(hit->camera);
    ps__free(hit->place);
}

int ps__results_add(ps_results *results, ps__store *store, const ps__candidate *candidate, double score, int verdict,
                    ps__error *err) {
    ps__hit hit = {.score = score, .cosine = (double)candidate->cosine, .verdict = verdict};
    int status = fill(&hit, store, candidate->photo, err);
    if (status == PS__OK) status = name_place(&hit, results, err);
    ps__hit *more = status == PS__OK ? ps__realloc(results->hits, (results->count + 1) * sizeof *more) : NULL;
    if (more) {
        results->hits = more;
        results->hits[results->count++] = hit;
        return PS__OK;
    }
    clear_hit(&hit);
    if (status == PS__OK) return ps__fail_nomem(err);
    return status == PS__NOTFOUND ? PS__OK : status;
}

void ps__results_clear(ps_results *results) {
    for (size_t i = 0; i < results->count; i++) clear_hit(&results->hits[i]);
    ps__free(results->hits);
    results->hits = NULL;
    results->count = 0;
}

void ps_results_free(ps_results *results) {
    if (!results) return;
    ps__results_clear(results);
    ps__understood_clear(&results->understood);
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

uint64_t ps_results_passed(const ps_results *results) { return results ? results->passed : 0; }

const char *ps_results_next(const ps_results *results) { return results && results->next[0] ? results->next : NULL; }

static const char *taken_by(int source) {
    static const char *const names[] = {
        [PS__TAKEN_EXIF] = "camera", [PS__TAKEN_EXIF_GPS] = "camera, zone by gps", [PS__TAKEN_GPS] = "gps",
        [PS__TAKEN_NAME] = "name",   [PS__TAKEN_NAME_DAY] = "name, day only",      [PS__TAKEN_MTIME] = "file",
    };
    return source > 0 && (size_t)source < sizeof names / sizeof *names ? names[source] : NULL;
}

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
        .place = hit->place,
        .width = hit->photo.width,
        .height = hit->photo.height,
        .verdict = hit->verdict,
        .preview = hit->photo.preview,
        .taken_by = hit->photo.taken[0] ? taken_by(hit->photo.taken_source) : NULL,
    };
    static const size_t sizes[] = {0, offsetof(ps_hit, preview), offsetof(ps_hit, taken_by), sizeof full};
    memcpy(out, &full, sizes[out->version]);
    return ps__refuse(NULL, PS_OK, "");
}

int ps_results_understood(ps_understood *out, const ps_results *results) {
    static const int orders[] = {
        [PS__ORDER_RELEVANCE] = PS_ORDER_RELEVANCE, [PS__ORDER_NEWEST] = PS_ORDER_NEWEST, [PS__ORDER_OLDEST] = PS_ORDER_OLDEST};
    if (!out || out->version < 1 || out->version > PS_UNDERSTOOD_VERSION || !results)
        return ps__refuse(NULL, PS_INVALID, "ps_results_understood was given no results or no place");
    const ps__query *query = &results->query;
    const ps__understood *u = &results->understood;
    const ps_understood full = {
        .version = out->version,
        .text = query->text ? query->text : "",
        .from = u->from[0] ? u->from : NULL,
        .to = u->to[0] ? u->to : NULL,
        .places = (const char *const *)u->places,
        .place_count = u->place_count,
        .nots = u->nots,
        .not_count = u->not_count,
        .encode_ms = results->encode_ms,
        .search_ms = results->search_ms,
        .total_ms = results->total_ms,
        .filters = u->filters,
        .filter_count = u->filter_count,
        .notes = (const char *const *)query->notes,
        .note_count = query->note_count,
        .order = orders[results->order],
        .reading = u->reading,
    };
    memcpy(out, &full, out->version == 1 ? offsetof(ps_understood, filters) : sizeof full);
    return ps__refuse(NULL, PS_OK, "");
}
