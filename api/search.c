/*
** Searching by words and by example: a query becomes a vector, the index gives its neighbours, the store what they are.
*/
#include <stddef.h>
#include <string.h>

#include "api/last_error.h"
#include "api/results.h"
#include "base/alloc.h"
#include "base/half.h"
#include "base/os.h"
#include "encoder/pixels/pixels.h"
#include "store/wanted.h"

#define LIMIT_MOST 10000
#define SEARCHED_MOST ((size_t)LIMIT_MOST + 1) /* candidates that are asked for at most */
#define LOOKED_AT 20 /* results that somebody will look at: these are read in full first */
#define SIMILAR_GOOD 0.8 /* cosine of two photos from which on they show the same thing */

/* One search under way. */
typedef struct job {
    ps_library *library;
    ps_search_options options;
    ps__store *store;    /* taken from the library's pool */
    ps_model *model;     /* the library's */
    float *query;        /* [dim] owned */
    int64_t left_out;    /* photo that is not to be among the answers; 0: none */
    ps_results *results; /* owned until it is handed out */
    int more;            /* see show_fn */
    int64_t started_ns;
} job;

static double since_ms(int64_t start_ns) { return (double)(ps__os.monotonic_ns() - start_ns) / 1e6; }

static int check_options(ps_search_options *out, const ps_search_options *options, ps__error *err) {
    *out = (ps_search_options)PS_SEARCH_OPTIONS_INIT;
    if (options && (options->version < 1 || options->version > PS_SEARCH_OPTIONS_VERSION))
        return ps__fail(err, PS__INVALID, "ps_search_options has an unknown version");
    if (options) memcpy(out, options, options->version == 1 ? offsetof(ps_search_options, lang) : sizeof *out);
    if (out->limit < 1 || out->limit > LIMIT_MOST)
        return ps__fail(err, PS__INVALID, "a limit of %zu is not in 1 to %d", out->limit, LIMIT_MOST);
    return PS__OK;
}

static int begin(job *j, ps_library *library, const ps_search_options *options, ps__error *err) {
    memset(j, 0, sizeof *j);
    j->library = library;
    j->started_ns = ps__os.monotonic_ns();
    int status = check_options(&j->options, options, err);
    if (status == PS__OK && !(j->results = ps__calloc(1, sizeof *j->results))) status = ps__fail_nomem(err);
    if (status == PS__OK) status = ps__library_take_store(&j->store, library, err);
    if (status == PS__OK) status = ps__library_model(&j->model, library, err);
    if (status == PS__OK) j->query = ps__array((size_t)ps__model_info(j->model)->dim, sizeof *j->query);
    return status == PS__OK && !j->query ? ps__fail_nomem(err) : status;
}

static int end(ps_results **out, job *j, int status) {
    if (j->results) j->results->total_ms = since_ms(j->started_ns);
    ps__library_put_store(j->library, j->store);
    ps__free(j->query);
    if (status == PS__OK)
        *out = j->results;
    else
        ps_results_free(j->results);
    return status;
}

/* The `want` photos nearest to the job's query: *count of them in *out, which the caller frees. */
static int find(ps__candidate **out, size_t *count, size_t want, job *j, ps__error *err) {
    ps__index *index;
    int space;
    size_t n = 0, kept = 0;
    *count = 0;
    *out = ps__array(want, sizeof **out);
    if (!*out) return ps__fail_nomem(err);
    int status = ps__library_index(&index, &space, j->library, j->store, ps__model_info(j->model), err);
    if (status == PS__OK && index) status = ps__index_search(*out, &n, index, j->store, j->query, want, err);
    for (size_t i = 0; i < n; i++)
        if ((*out)[i].photo != j->left_out) (*out)[kept++] = (*out)[i];
    *count = kept;
    return status;
}

/* Turns candidates into results until there are as many as are wanted. j->more: all were taken, and that was not enough. */
typedef int show_fn(job *j, ps__candidate *found, size_t count, const void *payload, ps__error *err);

/* Photos whose files are all away are passed over: then more are looked for, until there are enough or no more. */
static int find_and_show(job *j, show_fn *show, const void *payload, ps__error *err) {
    size_t want = j->options.limit + (j->left_out != 0);
    for (;;) {
        ps__candidate *found = NULL;
        size_t count = 0;
        int status = find(&found, &count, want, j, err);
        int all = count + 1 < want; /* one may have been left out */
        ps__results_clear(j->results);
        if (status == PS__OK) status = show(j, found, count, payload, err);
        ps__free(found);
        if (status != PS__OK || all || !j->more || want >= SEARCHED_MOST) return status;
        want = want * 4 < SEARCHED_MOST ? want * 4 : SEARCHED_MOST;
    }
}

/* Photos that are shown by their previews are waited for: the indexer reads these first. */
static void want_previews(const job *j) {
    int64_t photos[LOOKED_AT];
    size_t count = 0;
    for (size_t i = 0; i < j->results->count && count < LOOKED_AT; i++)
        if (j->results->hits[i].photo.preview) photos[count++] = j->results->hits[i].photo.id;
    ps__wanted_add(j->library->folder, photos, count);
}

static int show_words(job *j, ps__candidate *found, size_t count, const void *payload, ps__error *err) {
    const ps__scorer *scorer = payload;
    size_t shown = ps__rank_cut(found, count, scorer, count, j->options.least_score);
    int status = PS__OK;
    for (size_t i = 0; status == PS__OK && i < shown && j->results->count < j->options.limit; i++) {
        double score = ps__scorer_score(scorer, found[i].cosine);
        status = ps__results_add(j->results, j->store, &found[i], score, ps__rank_score_verdict(score, scorer), err);
    }
    j->more = shown == count && j->results->count < j->options.limit;
    j->results->verdict = j->results->count ? j->results->hits[0].verdict : PS_VERDICT_NONE; /* of what is shown */
    return status;
}

static int answer_words(job *j, ps__error *err) {
    ps__tower *tower;
    ps__scorer scorer;
    const char *text = j->results->query.text;
    int64_t start = ps__os.monotonic_ns();
    int status = ps__model_text(j->query, &tower, j->model, j->options.lang, text, strlen(text), err);
    if (status == PS__OK) status = ps__towers_scorer(&scorer, j->model->towers, tower, j->query, err);
    j->results->encode_ms = since_ms(start);
    start = ps__os.monotonic_ns();
    if (status == PS__OK) status = find_and_show(j, show_words, &scorer, err);
    if (status == PS__OK) want_previews(j);
    j->results->search_ms = since_ms(start);
    return status;
}

int ps_search(ps_results **out, ps_library *library, const char *text, const ps_search_options *options) {
    ps__error err = {0};
    job j;
    if (!out || !library || !text)
        return ps__refuse(library, PS_INVALID, "ps_search was given no library, no text or no place for the results");
    *out = NULL;
    int status = begin(&j, library, options, &err);
    if (status == PS__OK) status = ps__query_parse(&j.results->query, text, strlen(text), NULL, &err);
    if (status == PS__OK) status = answer_words(&j, &err);
    return ps__remember(library, end(out, &j, status), &err);
}

/* The vector the library already has of this content. *known is 0 when it has none. */
static int stored_vector(int *known, job *j, const uint8_t *bytes, size_t size, ps__error *err) {
    const ps__encoder_info *model = ps__model_info(j->model);
    uint8_t hash[16], found = 0;
    int space;
    *known = 0;
    int status = ps__store_find_space(&space, j->store, model->space, model->dim, err);
    if (status == PS__NOTFOUND) return PS__OK;
    ps__store_hash(hash, bytes, size);
    if (status == PS__OK) status = ps__store_photo_by_hash(&j->left_out, j->store, hash, err);
    if (status != PS__OK) {
        j->left_out = 0;
        return status == PS__NOTFOUND ? PS__OK : status;
    }
    uint16_t *halves = ps__array((size_t)model->dim, sizeof *halves);
    if (!halves) return ps__fail_nomem(err);
    status = ps__store_vectors(halves, &found, j->store, space, &j->left_out, 1, err);
    if (status == PS__OK && found) ps__halves_to_floats(j->query, halves, (size_t)model->dim);
    *known = found;
    ps__free(halves);
    return status;
}

static int show_images(job *j, ps__candidate *found, size_t count, const void *payload, ps__error *err) {
    size_t i = 0;
    int status = PS__OK;
    (void)payload;
    for (; status == PS__OK && i < count && j->results->count < j->options.limit; i++) {
        double score = found[i].cosine > 0 ? (double)found[i].cosine : 0.0;
        if (score < j->options.least_score) break;
        int verdict = score >= SIMILAR_GOOD ? PS_VERDICT_GOOD : PS_VERDICT_WEAK;
        status = ps__results_add(j->results, j->store, &found[i], score > 1.0 ? 1.0 : score, verdict, err);
    }
    j->more = i == count && j->results->count < j->options.limit;
    j->results->verdict = j->results->count ? j->results->hits[0].verdict : PS_VERDICT_NONE;
    return status;
}

static int answer_image(job *j, const char *path, ps__error *err) {
    uint8_t *bytes;
    size_t size;
    int known;
    int64_t start = ps__os.monotonic_ns();
    int status = ps__read_file(&bytes, &size, NULL, path, PS__MAX_FILE_BYTES, err);
    if (status != PS__OK) return status;
    status = stored_vector(&known, j, bytes, size, err);
    if (status == PS__OK && !known) status = ps__model_image(j->query, j->model, bytes, size, path, err);
    ps__free(bytes);
    j->results->encode_ms = since_ms(start);
    start = ps__os.monotonic_ns();
    if (status == PS__OK) status = find_and_show(j, show_images, NULL, err);
    if (status == PS__OK) want_previews(j);
    j->results->search_ms = since_ms(start);
    return status;
}

int ps_similar(ps_results **out, ps_library *library, const char *path, const ps_search_options *options) {
    ps__error err = {0};
    job j;
    if (!out || !library || !path)
        return ps__refuse(library, PS_INVALID, "ps_similar was given no library, no path or no place for the results");
    *out = NULL;
    int status = begin(&j, library, options, &err);
    if (status == PS__OK) status = answer_image(&j, path, &err);
    return ps__remember(library, end(out, &j, status), &err);
}
