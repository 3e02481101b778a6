/*
** Tags: photos looked over with a vocabulary, and what came of it told.
**
** Tagging needs only vectors, so it takes no writer lock and no photo is opened: it reads a block of vectors, compares it with
** the labels outside of any transaction, and writes the tags in a short one, so that indexing at the same time is held up for
** moments. What was written to the library between the two is found by the change log and left for the next round.
*/
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "api/handles.h"
#include "api/last_error.h"
#include "api/lookup.h"
#include "base/alloc.h"
#include "base/half.h"
#include "base/os.h"
#include "search/tagger.h"
#include "search/vocabulary.h"
#include "store/files.h"
#include "store/tags.h"

#define BLOCK 256  /* photos of one transaction: some 20 ms */
#define ROUNDS 4   /* over photos that changed meanwhile; what is left then is left for the next call */
#define METHOD "1" /* of choosing tags: another one tags every photo anew */

/* One ps_tags_update under way. */
typedef struct job {
    ps_library *library;
    ps_tags_options options;
    ps_model *model;  /* the library's */
    ps__store *store; /* owned; may write */
    ps__vocabulary vocabulary;
    int64_t number; /* that stands for the vocabulary and the model */
    int space;
    size_t dim;
    ps__tagger *tagger; /* owned */
    int64_t started_ns;
    int64_t total, done; /* photos of this call */
    int64_t ids[BLOCK];  /* of the block at hand */
    float *vectors;      /* [BLOCK][dim] owned */
    size_t filled;
    int64_t changed[BLOCK]; /* of these, the ones that changed since they were read */
    size_t changed_count;
} job;

static double since(int64_t start_ns) { return (double)(ps__os.monotonic_ns() - start_ns) / 1e9; }

static int tell(const job *j, ps__error *err) {
    double seconds = since(j->started_ns);
    ps_progress p = {
        .version = PS_PROGRESS_VERSION,
        .phase = PS_PHASE_TAG,
        .found = (uint64_t)j->total,
        .total = (uint64_t)j->total,
        .done = (uint64_t)j->done,
        .seconds = seconds,
        .photos_per_second = seconds > 0 ? (double)j->done / seconds : 0,
        .seconds_left = j->done ? seconds / (double)j->done * (double)(j->total - j->done) : -1,
        .path = "",
    };
    if (j->options.progress && j->options.progress(&p, j->options.payload) != 0)
        return ps__fail(err, PS__CANCELLED, "tagging was stopped; what is done is kept");
    return PS__OK;
}

/* ---- The vocabulary ----------------------------------------------------------------------------------------------------- */

/* What makes another number makes every photo be looked at again. */
static int number_of(int64_t *number, const job *j, const char *text, size_t length, ps__error *err) {
    ps__buf all = PS__BUF_INIT;
    uint8_t hash[16];
    uint64_t bits = 0;
    ps__buf_printf(&all, METHOD " %s %s ", ps__model_info(j->model)->id, j->options.lang);
    ps__buf_append(&all, text, length);
    if (all.failed) return ps__fail_nomem(err);
    ps__store_hash(hash, all.bytes, all.length);
    ps__buf_free(&all);
    for (int i = 0; i < 8; i++) bits = bits << 8 | hash[i];
    *number = (int64_t)(bits >> 2) + 1; /* 0 is none */
    return PS__OK;
}

static int read_vocabulary(job *j, ps__error *err) {
    const char *path = j->options.vocabulary;
    uint8_t *bytes = NULL;
    size_t size = strlen(ps__vocabulary_text);
    int status = PS__OK;
    if (path) status = ps__read_file(&bytes, &size, NULL, path, PS__VOCABULARY_BYTES, err);
    if (status != PS__OK) return status;
    const char *text = path ? (const char *)bytes : ps__vocabulary_text;
    status = ps__vocabulary_parse(&j->vocabulary, text, size, path ? path : "the built-in vocabulary", err);
    if (status == PS__OK) status = number_of(&j->number, j, size ? text : "", size, err);
    ps__free(bytes);
    return status;
}

/* The mean of the sentences' vectors, made 1 long again. */
static int label_vector(float *mean, ps__tower **tower, const ps__label *label, job *j, float *one, ps__error *err) {
    double sum = 0;
    int status = PS__OK;
    memset(mean, 0, j->dim * sizeof *mean);
    for (size_t i = 0; i < label->sentence_count && status == PS__OK; i++) {
        const char *sentence = label->sentences[i];
        status = ps__model_text(one, tower, j->model, j->options.lang, sentence, strlen(sentence), err);
        for (size_t k = 0; k < j->dim && status == PS__OK; k++) mean[k] += one[k];
    }
    for (size_t k = 0; k < j->dim; k++) sum += (double)mean[k] * (double)mean[k];
    for (size_t k = 0; k < j->dim && sum > 0; k++) mean[k] = (float)((double)mean[k] / sqrt(sum));
    return status;
}

static int encode_labels(job *j, ps__error *err) {
    float *mean = ps__array(j->dim, sizeof *mean), *one = ps__array(j->dim, sizeof *one);
    int status = mean && one ? PS__OK : ps__fail_nomem(err);
    if (status == PS__OK) status = ps__tagger_new(&j->tagger, j->vocabulary.count, (int)j->dim, err);
    for (size_t i = 0; i < j->vocabulary.count && status == PS__OK; i++) {
        const ps__label *label = &j->vocabulary.labels[i];
        ps__tower *tower;
        ps__scorer scorer;
        status = label_vector(mean, &tower, label, j, one, err);
        if (status == PS__OK) status = ps__towers_scorer(&scorer, j->model->towers, tower, mean, err);
        if (status != PS__OK) break;
        ps__tagger_set(j->tagger, i, mean, &scorer, label->competes);
        if (i % 16 == 0) status = tell(j, err);
    }
    ps__free(mean);
    ps__free(one);
    return status;
}

/* ---- The photos --------------------------------------------------------------------------------------------------------- */

static int take_vector(int64_t photo, const uint16_t *halves, void *payload) {
    job *j = payload;
    ps__halves_to_floats(j->vectors + j->filled * j->dim, halves, j->dim);
    j->ids[j->filled++] = photo;
    return PS__OK;
}

/* The next block behind `after`, and the change of the library that it is as of. */
static int read_block(job *j, int64_t after, int64_t *change, ps__error *err) {
    j->filled = 0;
    int status = ps__store_begin(j->store, err);
    if (status != PS__OK) return status;
    status = ps__store_last_change(change, j->store, err);
    if (status == PS__OK) status = ps__store_each_untagged(j->store, j->space, j->number, after, BLOCK, take_vector, j, err);
    ps__store_end(j->store);
    return status;
}

static int take_change(int64_t change, int kind, int64_t photo, void *payload) {
    job *j = payload;
    (void)change, (void)kind;
    for (size_t i = 0; i < j->filled; i++)
        if (j->ids[i] == photo && j->changed_count < BLOCK) j->changed[j->changed_count++] = photo;
    return PS__OK;
}

static int is_changed(const job *j, int64_t photo) {
    for (size_t i = 0; i < j->changed_count; i++)
        if (j->changed[i] == photo) return 1;
    return 0;
}

static int put_block(job *j, ps__tag tags[][PS__TAGS_MOST], const size_t *counts, int64_t change, ps__error *err) {
    int status = ps__store_write(j->store, err);
    if (status != PS__OK) return status;
    j->changed_count = 0;
    status = ps__store_each_change(j->store, j->space, change, take_change, j, err);
    if (status == PS__NOTFOUND) { /* the log was cut meanwhile: nothing is known of this block */
        ps__store_rollback(j->store);
        return PS__OK;
    }
    for (size_t i = 0; i < j->filled && status == PS__OK; i++) {
        if (is_changed(j, j->ids[i])) continue;
        status = ps__store_put_tags(j->store, j->ids[i], j->number, tags[i], counts[i], err);
        j->done++;
    }
    if (status == PS__OK) status = ps__store_commit(j->store, err);
    if (status != PS__OK) ps__store_rollback(j->store);
    return status;
}

static int tag_block(job *j, int64_t change, ps__error *err) {
    ps__tag(*tags)[PS__TAGS_MOST] = ps__calloc(BLOCK, sizeof *tags);
    size_t counts[BLOCK];
    if (!tags) return ps__fail_nomem(err);
    for (size_t i = 0; i < j->filled; i++) {
        ps__tag_choice chosen[PS__TAGS_MOST];
        counts[i] = ps__tagger_choose(chosen, j->tagger, j->vectors + i * j->dim);
        for (size_t k = 0; k < counts[i]; k++)
            tags[i][k] = (ps__tag){j->vocabulary.labels[chosen[k].label].name, chosen[k].score};
    }
    int status = put_block(j, tags, counts, change, err);
    ps__free(tags);
    return status;
}

static int tag_all(job *j, ps__error *err) {
    int64_t after = 0, change;
    int status = PS__OK;
    for (;;) {
        status = read_block(j, after, &change, err);
        if (status != PS__OK || j->filled == 0) return status;
        after = j->ids[j->filled - 1];
        status = tag_block(j, change, err);
        if (status == PS__OK) status = tell(j, err);
        if (status != PS__OK) return status;
    }
}

static int run(job *j, ps__error *err) {
    int64_t left = 0;
    const ps__encoder_info *about = ps__model_info(j->model);
    int status = ps__store_find_space(&j->space, j->store, about->space, about->dim, err);
    if (status == PS__NOTFOUND) return PS__OK; /* nothing was ever indexed with it */
    if (status == PS__OK) status = ps__store_count_untagged(&j->total, j->store, j->space, j->number, err);
    if (status != PS__OK || j->total == 0) return status;
    j->dim = (size_t)about->dim;
    if (!(j->vectors = ps__array((size_t)BLOCK * j->dim, sizeof *j->vectors))) return ps__fail_nomem(err);
    status = encode_labels(j, err);
    left = j->total;
    for (int round = 0; round < ROUNDS && status == PS__OK && left > 0; round++) {
        status = tag_all(j, err);
        if (status == PS__OK) status = ps__store_count_untagged(&left, j->store, j->space, j->number, err);
    }
    return status;
}

static int check(const ps_tags_result *result, const ps_library *library, const ps_tags_options *options) {
    if (!library) return ps__refuse(library, PS_INVALID, "ps_tags_update was given no library");
    if (result && result->version != PS_TAGS_RESULT_VERSION)
        return ps__refuse(library, PS_INVALID, "ps_tags_result has an unknown version");
    if (options && options->version != PS_TAGS_OPTIONS_VERSION)
        return ps__refuse(library, PS_INVALID, "ps_tags_options has an unknown version");
    return PS_OK;
}

int ps_tags_update(ps_tags_result *result, ps_library *library, const ps_tags_options *options) {
    ps__error err = {0};
    if (check(result, library, options) != PS_OK) return PS_INVALID;
    job *j = ps__calloc(1, sizeof *j);
    if (!j) return ps__refuse(library, PS_NOMEM, "out of memory");
    j->library = library;
    j->options = options ? *options : (ps_tags_options)PS_TAGS_OPTIONS_INIT;
    if (!j->options.lang) j->options.lang = "en";
    j->started_ns = ps__os.monotonic_ns();
    int status = ps__library_model(&j->model, library, &err);
    if (status == PS__OK) status = read_vocabulary(j, &err);
    if (status == PS__OK) status = ps__store_open(&j->store, library->folder, PS__STORE_WRITE, &err);
    if (status == PS__OK) status = run(j, &err);
    if (result) {
        *result = (ps_tags_result){.version = PS_TAGS_RESULT_VERSION,
                                   .labels = j->vocabulary.count,
                                   .photos = (uint64_t)j->done,
                                   .seconds = since(j->started_ns)};
        for (size_t i = 0; i < j->vocabulary.count; i++) result->labels -= (uint64_t)(j->vocabulary.labels[i].competes);
    }
    ps__store_close(j->store);
    ps__tagger_free(j->tagger);
    ps__vocabulary_clear(&j->vocabulary);
    ps__free(j->vectors);
    ps__free(j);
    return ps__remember(library, status, &err);
}

/* ---- Telling ------------------------------------------------------------------------------------------------------------ */

struct ps_tags {
    ps_tag *list; /* [count] owned, and its names */
    size_t count, capacity;
};

static int take_tag(const char *name, int64_t photos, double score, void *payload) {
    ps_tags *to = payload;
    if (to->count == to->capacity) {
        size_t capacity = to->capacity ? to->capacity * 2 : 64;
        ps_tag *more = ps__realloc(to->list, capacity * sizeof *more);
        if (!more) return PS__NOMEM;
        to->list = more;
        to->capacity = capacity;
    }
    char *own = ps__strdup(name);
    if (!own) return PS__NOMEM;
    to->list[to->count++] = (ps_tag){PS_TAG_VERSION, own, (uint64_t)(photos > 0 ? photos : 0), score};
    return PS__OK;
}

static int tags_of_path(ps_tags *tags, ps__store *store, const char *path, ps__error *err) {
    ps__path_forms forms;
    int64_t photo = 0;
    int status = ps__path_forms_make(&forms, path, err);
    if (status != PS__OK) return status;
    status = PS__NOTFOUND;
    for (size_t i = 0; status == PS__NOTFOUND && i < PS__PATH_FORMS; i++)
        if (forms.path[i]) status = ps__store_photo_by_path(&photo, store, forms.path[i], err);
    ps__path_forms_clear(&forms);
    return status == PS__OK ? ps__store_each_tag_of(store, photo, take_tag, tags, err) : status;
}

int ps_tags_open(ps_tags **out, ps_library *library, const char *path) {
    ps__error err = {0};
    ps__store *store;
    if (!library || !out || (path && !path[0]))
        return ps__refuse(library, PS_INVALID, "ps_tags_open was given no library, no place or an empty path");
    *out = NULL;
    ps_tags *tags = ps__calloc(1, sizeof *tags);
    if (!tags) return ps__refuse(library, PS_NOMEM, "out of memory");
    int status = ps__library_take_store(&store, library, &err);
    if (status == PS__OK) status = path ? tags_of_path(tags, store, path, &err) : ps__store_each_tag(store, take_tag, tags, &err);
    ps__library_put_store(library, store);
    if (status == PS__OK)
        *out = tags;
    else
        ps_tags_free(tags);
    return ps__remember(library, status, &err);
}

void ps_tags_free(ps_tags *tags) {
    if (!tags) return;
    for (size_t i = 0; i < tags->count; i++) ps__free((void *)(uintptr_t)tags->list[i].name);
    ps__free(tags->list);
    ps__free(tags);
}

size_t ps_tags_count(const ps_tags *tags) { return tags ? tags->count : 0; }

int ps_tags_get(ps_tag *out, const ps_tags *tags, size_t i) {
    if (!out || out->version != PS_TAG_VERSION || !tags)
        return ps__refuse(NULL, PS_INVALID, "ps_tags_get was given no list or no place");
    if (i >= tags->count) return ps__refuse(NULL, PS_NOTFOUND, "there are fewer tags");
    *out = tags->list[i];
    return ps__refuse(NULL, PS_OK, "");
}
