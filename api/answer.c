/*
** Reading a sentence and getting its parts ready; see answer.h. The page is made by page.c.
*/
#include "api/answer.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/alloc.h"
#include "base/os.h"
#include "search/filter.h"
#include "search/gallery.h"
#include "store/calendar.h"

int ps__answer_table(ps__answer *a, ps__error *err) {
    ps__columns *columns;
    if (a->table) return PS__OK;
    int status = ps__library_columns(&columns, a->job->library, a->job->store, err);
    return status == PS__OK ? ps__columns_take(&a->table, columns, a->job->store, err) : status;
}

/* ---- The moment, and the place to go on from ---- */

static int64_t local_now(void) {
    time_t now = (time_t)ps__os.wall_seconds();
    struct tm local;
    if (!localtime_r(&now, &local)) return (int64_t)now;
    return (int64_t)now + local.tm_gmtoff;
}

static void hash_text(XXH3_state_t *state, const char *text) { XXH3_64bits_update(state, text ? text : "", (text ? strlen(text) : 0) + 1); }

/* Whatever decides which photos come in which order, but for the moment and the number wanted. */
static uint64_t fingerprint_of(const ps_search_options *o, const char *sentence) {
    XXH3_state_t state;
    const int64_t numbers[] = {(int64_t)o->flags, o->order, o->southern != 0, (int64_t)(o->least_score * 1e9), (int64_t)o->like_count};
    XXH3_64bits_reset(&state);
    hash_text(&state, sentence);
    hash_text(&state, o->lang);
    for (size_t i = 0; i < o->like_count; i++) hash_text(&state, o->like[i]);
    XXH3_64bits_update(&state, numbers, sizeof numbers);
    return XXH3_64bits_digest(&state);
}

static int set_moment(ps__answer *a, const char *sentence, ps__error *err) {
    const ps_search_options *o = &a->job->options;
    a->fingerprint = fingerprint_of(o, sentence);
    a->now_s = local_now();
    if (o->now && !ps__calendar_parse(&a->now_s, o->now))
        return ps__fail(err, PS__INVALID, "\"%.40s\" is no time such as 2026-11-24T12:00:00", o->now);
    if (!o->after) return PS__OK;
    int status = ps__cursor_read(&a->cursor, o->after, a->fingerprint, err);
    if (status != PS__OK) return status;
    a->has_cursor = 1;
    a->now_s = a->cursor.now_s;
    return PS__OK;
}

/* ---- The sentence ---- */

/* What the parser asks about the gallery is answered from a table, which is taken only when it asks. */
static ps__gallery_view *view_of(ps__answer *a) {
    ps__error ignored;
    if (ps__answer_table(a, &ignored) != PS__OK) return NULL;
    a->view = (ps__gallery_view){.table = a->table, .gazetteer = a->places, .store = a->job->store};
    if (!a->gallery.payload) ps__gallery_make(&a->gallery, &a->view);
    return &a->view;
}

static int64_t photos_at(const ps__where *where, void *payload) {
    ps__answer *a = payload;
    ps__gallery_view *view = view_of(a);
    return view ? a->gallery.photos_at(where, view) : -1;
}

static int64_t photos_when(const ps__when *when, int recurring, void *payload) {
    ps__answer *a = payload;
    ps__gallery_view *view = view_of(a);
    return view ? a->gallery.photos_when(when, recurring, view) : -1;
}

static int64_t photos_pass(const ps__filter *filter, void *payload) {
    ps__answer *a = payload;
    ps__gallery_view *view = view_of(a);
    return view ? a->gallery.photos_pass(filter, view) : -1;
}

static int has_camera(const char *words, void *payload) {
    ps__answer *a = payload;
    ps__gallery_view *view = view_of(a);
    return view && a->gallery.has_camera(words, view);
}

static int has_lens(const char *words, void *payload) {
    ps__answer *a = payload;
    ps__gallery_view *view = view_of(a);
    return view && a->gallery.has_lens(words, view);
}

static int has_hours(void *payload) {
    ps__answer *a = payload;
    ps__gallery_view *view = view_of(a);
    return view && a->gallery.has_hours(view);
}

/* A query without words: nothing but examples. */
static int empty_query(ps__query *out, ps__error *err) {
    memset(out, 0, sizeof *out);
    out->clauses = ps__calloc(1, sizeof *out->clauses);
    out->text = ps__strdup("");
    if (!out->clauses || !out->text) return ps__fail_nomem(err);
    out->clause_count = 1;
    return PS__OK;
}

static int parse(ps__answer *a, const char *sentence, ps__error *err) {
    const ps_search_options *o = &a->job->options;
    ps__query *query = &a->job->results->query;
    if (o->like_count && sentence[strspn(sentence, " \t\r\n")] == 0) return empty_query(query, err);
    ps__query_context context = {.flags = o->flags & PS_SEARCH_LITERAL ? PS__QUERY_LITERAL : 0,
                                 .lang = o->lang,
                                 .now_s = a->now_s,
                                 .southern = o->southern,
                                 .gazetteer = a->places,
                                 .gallery = {photos_at, has_camera, has_lens, has_hours, photos_when, photos_pass, a}};
    return ps__query_parse(query, sentence, strlen(sentence), &context, err);
}

/* ---- The parts ---- */

#define DROPPED_AT_ONCE ((size_t)1024)

/* A photo that matches what is not to be there leaves the selection; sorted out so where nothing else is looked for. */
static int drop_matches(ps__answer *a, ps__answer_part *part, const ps__ask *not, ps__error *err) {
    size_t count, i;
    ps__candidate *found = ps__array(DROPPED_AT_ONCE, sizeof *found);
    if (!found) return ps__fail_nomem(err);
    int status;
    do {
        count = i = 0;
        status = ps__index_search_in(found, &count, a->index, a->job->store, &part->selection, not->query, DROPPED_AT_ONCE, err);
        for (; status == PS__OK && i < count && ps__scorer_score(&not->scorer, found[i].cosine) >= not->scorer.good; i++)
            ps__selection_drop(&part->selection, found[i].photo);
    } while (status == PS__OK && i == DROPPED_AT_ONCE); /* all of them matched: more may */
    ps__free(found);
    return status;
}

static int prepare_part(ps__answer *a, ps__answer_part *part, ps__error *err) {
    const ps__clause *clause = part->clause;
    size_t images = a->job->options.like_count;
    int status = PS__OK;
    if (clause->content_count || images)
        status = ps__asks_make(&part->asks, a->job->model, clause, a->lang, a->images, images, err);
    part->filtered = clause->filter_count || part->asks.count == 0;
    if (status != PS__OK || !part->filtered) return status;
    status = ps__answer_table(a, err);
    if (status == PS__OK)
        status = ps__filter_select(&part->selection, a->table, a->job->store, a->places, clause->filters, clause->filter_count, err);
    for (size_t i = 0; status == PS__OK && part->asks.count == 0 && a->index && i < part->asks.not_count; i++)
        status = drop_matches(a, part, &part->asks.nots[i], err);
    return status;
}

/* Photos of which no clock time is known pass "at night" where content goes on to judge them; where conditions alone choose, they do not. */
static void set_strict(ps__query *query) {
    for (size_t i = 0; i < query->clause_count; i++) {
        ps__clause *clause = &query->clauses[i];
        for (size_t k = 0; clause->content_count == 0 && k < clause->filter_count; k++) clause->filters[k].lenient = 0;
    }
}

/* Conditions can only be held against what is known: that some of it is still to be read is told beside the answer. */
static int note_stale(ps__answer *a, ps__error *err) {
    ps__query *query = &a->job->results->query;
    int64_t stale = 0;
    int conditions = 0;
    char text[128];
    for (size_t i = 0; i < query->clause_count; i++) conditions |= query->clauses[i].filter_count != 0 || query->note_count != 0;
    int status = conditions ? ps__store_count_stale(&stale, a->job->store, err) : PS__OK;
    if (status != PS__OK || stale == 0) return status;
    char **notes = ps__realloc(query->notes, (query->note_count + 1) * sizeof *notes);
    if (!notes) return ps__fail_nomem(err);
    query->notes = notes;
    snprintf(text, sizeof text, "%lld file%s to be read once more, by the next index run: until then dates and places may be missing",
             (long long)stale, stale == 1 ? " is" : "s are");
    if (!(notes[query->note_count] = ps__strdup(text))) return ps__fail_nomem(err);
    query->note_count++;
    return PS__OK;
}

static int has_content(const ps__query *query) {
    for (size_t i = 0; i < query->clause_count; i++)
        if (query->clauses[i].content_count) return 1;
    return 0;
}

static int encode_images(ps__answer *a, ps__error *err) {
    const ps_search_options *o = &a->job->options;
    size_t dim = (size_t)ps__model_info(a->job->model)->dim;
    int status = PS__OK;
    a->images = ps__array(o->like_count + 1, dim * sizeof *a->images);
    if (!a->images) return ps__fail_nomem(err);
    for (size_t i = 0; status == PS__OK && i < o->like_count; i++)
        status = o->like[i] ? ps__job_image(a->images + i * dim, &a->left_out[i], a->job, o->like[i], err)
                            : ps__fail(err, PS__INVALID, "an example image has no path");
    return status;
}

static void set_order(ps__answer *a) {
    int asked = a->job->options.order, words = a->job->results->query.order;
    int positive = a->job->options.like_count != 0;
    for (size_t i = 0; i < a->part_count; i++) positive |= a->parts[i].asks.count != 0;
    a->content = positive;
    a->order = asked == PS_ORDER_NEWEST      ? PS__ORDER_NEWEST
               : asked == PS_ORDER_OLDEST    ? PS__ORDER_OLDEST
               : asked == PS_ORDER_RELEVANCE ? PS__ORDER_RELEVANCE
                                             : words;
    if (!positive && a->order == PS__ORDER_RELEVANCE) a->order = PS__ORDER_NEWEST;
    a->job->results->order = a->order;
}

/* The text tower of the language that the sentence was read in, if there is one: content alone may be too short to tell ("Fotos vom Strand").
** English is not told this way, as words of no table are more often foreign than the parser's words of English are wrong. */
static void set_lang(ps__answer *a) {
    const char *told = a->job->results->query.lang;
    ps__tower *tower;
    ps__error ignored;
    a->lang = a->job->options.lang;
    if (a->lang || !told[0] || strcmp(told, "en") == 0) return;
    if (ps__towers_choose(&tower, a->job->model->towers, told, "", 0, &ignored) == PS__OK) a->lang = told;
}

static int prepare(ps__answer *a, ps__error *err) {
    ps__query *query = &a->job->results->query;
    int content = has_content(query) || a->job->options.like_count;
    a->parts = ps__calloc(query->clause_count, sizeof *a->parts);
    if (!a->parts) return ps__fail_nomem(err);
    a->part_count = query->clause_count;
    int64_t start = ps__os.monotonic_ns();
    int status = content ? ps__job_model(a->job, err) : PS__OK;
    if (status == PS__OK && content) status = encode_images(a, err);
    if (status == PS__OK && content)
        status = ps__library_index(&a->index, &a->space, a->job->library, a->job->store, ps__model_info(a->job->model), err);
    if (status == PS__OK && content) set_lang(a);
    for (size_t i = 0; status == PS__OK && i < a->part_count; i++) {
        a->parts[i].clause = &query->clauses[i];
        status = prepare_part(a, &a->parts[i], err);
    }
    a->job->results->encode_ms = ps__since_ms(start);
    if (status == PS__OK) set_order(a);
    return status;
}

/* Photos that pass the filters of any clause. */
static int count_passed(ps__answer *a, ps__error *err) {
    int64_t all = 0;
    uint64_t *passed = &a->job->results->passed;
    for (size_t i = 0; i < a->part_count; i++)
        if (!a->parts[i].filtered) {
            if (!a->index) return PS__OK;
            int status = ps__store_vector_count(&all, a->job->store, a->space, err);
            *passed = (uint64_t)all;
            return status;
        }
    size_t words = a->table ? ps__selection_words(a->table) : 0;
    for (size_t w = 0; w < words; w++) {
        uint64_t bits = 0;
        for (size_t i = 0; i < a->part_count; i++) bits |= a->parts[i].selection.bits[w];
        *passed += (uint64_t)__builtin_popcountll(bits);
    }
    return PS__OK;
}

static void clear(ps__answer *a) {
    for (size_t i = 0; i < a->part_count; i++) {
        ps__selection_clear(&a->parts[i].selection);
        ps__asks_clear(&a->parts[i].asks);
    }
    ps__free(a->parts);
    ps__free(a->images);
    ps__table_put(a->table);
}

int ps__answer_sentence(ps__job *job, const char *sentence, ps__error *err) {
    ps__answer a = {.job = job};
    a.places = job->results->places;
    int status = ps__store_begin(job->store, err);
    if (status != PS__OK) return status;
    status = set_moment(&a, sentence, err);
    if (status == PS__OK) status = parse(&a, sentence, err);
    set_strict(&job->results->query);
    if (status == PS__OK) status = note_stale(&a, err);
    if (status == PS__OK) status = ps__understood_make(&job->results->understood, &job->results->query, err);
    if (status == PS__OK) status = prepare(&a, err);
    int64_t start = ps__os.monotonic_ns();
    if (status == PS__OK) status = count_passed(&a, err);
    if (status == PS__OK) status = ps__answer_page(&a, err);
    job->results->search_ms = ps__since_ms(start);
    clear(&a);
    ps__store_end(job->store);
    return status;
}
