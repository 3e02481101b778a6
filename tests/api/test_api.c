/*
** The public C API: what the header promises.
*/
#include <check.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/photosearch.h"
#include "base/alloc.h"
#include "store/words.h"
#include "store/files.h"
#include "tests/store/library.h"

Suite *suite_api(void);

#define MODEL "tests/data/golden/tiny.safetensors"

static ps_library *library;
static char photos[LIBRARY_PATH];

static ps_library *open_with(unsigned flags) {
    ps_library_options options = PS_LIBRARY_OPTIONS_INIT;
    ps_library *opened = NULL;
    options.model = MODEL;
    options.flags = flags;
    ck_assert_msg(ps_library_open(&opened, library_dir, &options) == PS_OK, "%s", ps_last_error(NULL));
    return opened;
}

/* A PPM-like picture as BMP, so that no encoder is needed: 16 x 16, its colours made from `seed`. */
static void write_photo(const char *name, unsigned seed) {
    unsigned char bytes[54 + 16 * 16 * 3] = {'B', 'M'};
    char path[LIBRARY_PATH + 64];
    static const unsigned char header[] = {40, 0, 0, 0, 16, 0, 0, 0, 16, 0, 0, 0, 1, 0, 24, 0};
    bytes[2] = (unsigned char)(sizeof bytes & 255);
    bytes[3] = (unsigned char)(sizeof bytes >> 8);
    bytes[10] = 54;
    memcpy(bytes + 14, header, sizeof header);
    for (size_t i = 54; i < sizeof bytes; i++) bytes[i] = (unsigned char)((seed = seed * 1103515245u + 12345u) >> 24);
    snprintf(path, sizeof path, "%.3000s/%.60s", photos, name);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(bytes, 1, sizeof bytes, f), sizeof bytes);
    ck_assert_int_eq(fclose(f), 0);
}

static void write_photos(unsigned from, unsigned to) {
    char name[32];
    for (unsigned i = from; i < to; i++) {
        snprintf(name, sizeof name, "p%u.bmp", i);
        write_photo(name, i);
    }
}

static ps_index_result index_photos(void) {
    ps_index_result result = PS_INDEX_RESULT_INIT;
    const char *const paths[] = {photos};
    ck_assert_msg(ps_index(&result, library, paths, 1, NULL) == PS_OK, "%s", ps_last_error(library));
    return result;
}

static void setup(void) {
    library_setup();
    snprintf(photos, sizeof photos, "%.4000s/photos", library_temp);
    ck_assert_int_eq(mkdir(photos, 0700), 0);
    library = open_with(0);
}

static void teardown(void) {
    ps_library_close(library);
    library_teardown();
}

/* ---- The simple part ---- */

START_TEST(index_then_search) {
    ps_results *results;
    write_photos(0, 12);
    ps_index_result result = index_photos();
    ck_assert_uint_eq(result.found, 12);
    ck_assert_uint_eq(result.indexed, 12);
    ck_assert_uint_eq(result.failed, 0);
    ck_assert_int_eq(ps_search(&results, library, "the cat", NULL), PS_OK);
    ck_assert_uint_eq(ps_results_count(results), 12);
    for (size_t i = 0; i < 12; i++) {
        ps_hit hit = PS_HIT_INIT;
        ck_assert_int_eq(ps_results_hit(&hit, results, i), PS_OK);
        ck_assert_str_eq(hit.path, ps_results_path(results, i));
        ck_assert(hit.score == ps_results_score(results, i) && hit.score >= 0.0 && hit.score <= 1.0);
        ck_assert(hit.width == 16 && hit.height == 16 && hit.taken && !hit.camera && !hit.has_position);
        if (i) ck_assert(ps_results_score(results, i) <= ps_results_score(results, i - 1));
        /* The limits of the tiny model. */
        ck_assert_int_eq(hit.verdict, hit.score >= 0.6 ? PS_VERDICT_GOOD : hit.score >= 0.3 ? PS_VERDICT_WEAK : PS_VERDICT_NONE);
        if (i == 0) ck_assert_int_eq(hit.verdict, ps_results_verdict(results));
        ck_assert_int_eq(strncmp(hit.path, photos, strlen(photos)), 0);
    }
    ck_assert_ptr_null(ps_results_path(results, 12));
    ck_assert(ps_results_score(results, 12) == 0.0);
    ps_results_free(results);
}
END_TEST

START_TEST(results_outlive_the_library) {
    ps_results *results;
    ps_understood u = PS_UNDERSTOOD_INIT;
    write_photos(0, 3);
    index_photos();
    ck_assert_int_eq(ps_search(&results, library, "  the \t cat ", NULL), PS_OK);
    ps_library_close(library);
    library = NULL;
    ck_assert_uint_eq(ps_results_count(results), 3);
    ck_assert_ptr_nonnull(strstr(ps_results_path(results, 2), ".bmp"));
    ck_assert_int_eq(ps_results_understood(&u, results), PS_OK);
    ck_assert_str_eq(u.text, "the cat");
    ck_assert(u.total_ms >= u.encode_ms && u.encode_ms > 0.0);
    ck_assert(!u.from && !u.to && u.place_count == 0 && u.not_count == 0);
    ps_results_free(results);
}
END_TEST

START_TEST(an_empty_library_answers_with_nothing) {
    ps_results *results;
    ck_assert_int_eq(ps_search(&results, library, "cat", NULL), PS_OK);
    ck_assert_uint_eq(ps_results_count(results), 0);
    ck_assert_int_eq(ps_results_verdict(results), PS_VERDICT_NONE);
    ps_results_free(results);
}
END_TEST

START_TEST(the_limit_and_the_least_score_hold) {
    ps_search_options options = PS_SEARCH_OPTIONS_INIT;
    ps_results *results;
    write_photos(0, 9);
    index_photos();
    options.limit = 4;
    ck_assert_int_eq(ps_search(&results, library, "cat", &options), PS_OK);
    ck_assert_uint_eq(ps_results_count(results), 4);
    options.limit = 100;
    options.least_score = (ps_results_score(results, 1) + ps_results_score(results, 2)) / 2;
    ps_results_free(results);
    ck_assert_int_eq(ps_search(&results, library, "cat", &options), PS_OK);
    ck_assert_uint_eq(ps_results_count(results), 2);
    ps_results_free(results);
}
END_TEST

START_TEST(nothing_above_the_least_score_is_no_match) {
    ps_search_options options = PS_SEARCH_OPTIONS_INIT;
    ps_results *results;
    char path[LIBRARY_PATH + 64];
    write_photos(0, 9);
    index_photos();
    options.least_score = 1.0;
    ck_assert_int_eq(ps_search(&results, library, "cat", &options), PS_OK);
    ck_assert_uint_eq(ps_results_count(results), 0);
    ck_assert_int_eq(ps_results_verdict(results), PS_VERDICT_NONE);
    ps_results_free(results);
    snprintf(path, sizeof path, "%.3000s/p0.bmp", photos);
    ck_assert_int_eq(ps_similar(&results, library, path, &options), PS_OK);
    ck_assert_uint_eq(ps_results_count(results), 0);
    ck_assert_int_eq(ps_results_verdict(results), PS_VERDICT_NONE);
    ps_results_free(results);
}
END_TEST

START_TEST(a_photo_is_similar_to_its_twin_and_not_listed_itself) {
    ps_results *results;
    char path[LIBRARY_PATH + 16], other[LIBRARY_PATH + 16];
    write_photos(0, 8);
    index_photos();
    snprintf(path, sizeof path, "%s/p3.bmp", photos);
    ck_assert_int_eq(ps_similar(&results, library, path, NULL), PS_OK);
    ck_assert_uint_eq(ps_results_count(results), 7);
    for (size_t i = 0; i < 7; i++) ck_assert_str_ne(ps_results_path(results, i), path);
    ps_results_free(results);
    /* The same picture in other bytes, outside the library. */
    snprintf(other, sizeof other, "%s/copy.bmp", library_temp);
    ck_assert_int_eq(rename(path, other), 0);
    FILE *f = fopen(other, "a");
    ck_assert_ptr_nonnull(f);
    fputs("trailing bytes", f);
    fclose(f);
    ck_assert_int_eq(ps_similar(&results, library, other, NULL), PS_OK);
    ck_assert_uint_eq(ps_results_count(results), 8);
    ck_assert_str_eq(ps_results_path(results, 0), path);
    ck_assert(ps_results_score(results, 0) > 0.99);
    ck_assert_int_eq(ps_results_verdict(results), PS_VERDICT_GOOD);
    for (size_t i = 0; i < 8; i++) {
        ps_hit hit = PS_HIT_INIT;
        ck_assert_int_eq(ps_results_hit(&hit, results, i), PS_OK);
        ck_assert_int_eq(hit.verdict, hit.score >= 0.8 ? PS_VERDICT_GOOD : PS_VERDICT_WEAK);
    }
    ps_results_free(results);
}
END_TEST

START_TEST(the_same_photo_twice_is_one_result) {
    ps_results *results;
    ps_status s = PS_STATUS_INIT;
    write_photo("a.bmp", 1);
    write_photo("b.bmp", 1);
    index_photos();
    ck_assert_int_eq(ps_search(&results, library, "cat", NULL), PS_OK);
    ck_assert_uint_eq(ps_results_count(results), 1);
    ck_assert_ptr_nonnull(strstr(ps_results_path(results, 0), "/a.bmp"));
    ps_results_free(results);
    ck_assert_int_eq(ps_library_status(&s, library), PS_OK);
    ck_assert(s.photos == 1 && s.files == 2 && s.vectors == 1);
}
END_TEST

/* ---- State ---- */

START_TEST(status_tells_what_is_there) {
    ps_status s = PS_STATUS_INIT;
    ck_assert_int_eq(ps_library_status(&s, library), PS_OK);
    ck_assert(s.photos == 0 && s.vectors == 0 && s.last_indexed == 0);
    ck_assert_ptr_null(s.model);
    ck_assert_str_eq(s.index, "missing");
    write_photos(0, 5);
    write_photo("bad.bmp", 0);
    char path[LIBRARY_PATH + 16];
    snprintf(path, sizeof path, "%s/bad.bmp", photos);
    ck_assert_int_eq(truncate(path, 30), 0);
    ps_index_result result = index_photos();
    ck_assert_uint_eq(result.failed, 1);
    ck_assert_int_eq(ps_library_status(&s, library), PS_OK);
    ck_assert(s.photos == 5 && s.failed == 1 && s.quarantined == 0 && s.pending == 0 && s.bytes > 0 && s.last_indexed > 0);
    ck_assert_int_eq(strncmp(s.model, "tiny-1", 6), 0);
    ck_assert_str_eq(s.index, "ready");
}
END_TEST

START_TEST(failures_are_listed_with_their_reason) {
    ps_failures *failures;
    ps_failure f = PS_FAILURE_INIT;
    char path[LIBRARY_PATH + 16];
    write_photos(0, 2);
    snprintf(path, sizeof path, "%s/p1.bmp", photos);
    ck_assert_int_eq(truncate(path, 40), 0);
    index_photos();
    ck_assert_int_eq(ps_failures_open(&failures, library), PS_OK);
    ck_assert_uint_eq(ps_failures_count(failures), 1);
    ck_assert_int_eq(ps_failures_get(&f, failures, 0), PS_OK);
    ck_assert_str_eq(f.path, path);
    ck_assert_str_ne(f.reason, "");
    ck_assert(f.tries == 1 && !f.quarantined);
    ck_assert_int_eq(ps_failures_get(&f, failures, 1), PS_NOTFOUND);
    ps_failures_free(failures);
}
END_TEST

START_TEST(forgotten_photos_are_gone_until_indexed_again) {
    ps_results *results;
    uint64_t removed = 9;
    char path[LIBRARY_PATH + 16];
    write_photos(0, 4);
    index_photos();
    snprintf(path, sizeof path, "%s/./x/../p2.bmp", photos);
    ck_assert_msg(ps_forget(&removed, library, path) == PS_OK, "%s", ps_last_error(library));
    ck_assert_uint_eq(removed, 1);
    ck_assert_int_eq(ps_search(&results, library, "cat", NULL), PS_OK);
    ck_assert_uint_eq(ps_results_count(results), 3);
    ps_results_free(results);
    ck_assert_int_eq(ps_forget(&removed, library, path), PS_NOTFOUND);
    ck_assert_uint_eq(removed, 0);
    ck_assert_str_ne(ps_last_error(library), "");
    ck_assert_int_eq(ps_forget(&removed, library, photos), PS_OK);
    ck_assert_uint_eq(removed, 3);
    ck_assert_uint_eq(index_photos().indexed, 4);
}
END_TEST

/* ---- Models ---- */

START_TEST(embeddings_have_length_one_and_repeat) {
    ps_model *model;
    ps_model_info about = PS_MODEL_INFO_INIT;
    float a[32], b[32];
    double sum = 0, cosine;
    ck_assert_int_eq(ps_model_open(&model, MODEL, NULL), PS_OK);
    ck_assert_int_eq(ps_model_about(&about, model), PS_OK);
    ck_assert_int_eq(about.dim, 32);
    ck_assert_str_eq(about.path, MODEL);
    ck_assert_int_eq(ps_model_embed_text(a, model, "the cat", 7), PS_OK);
    ck_assert_int_eq(ps_model_embed_text(b, model, " the  cat\n", 10), PS_OK);
    ck_assert_mem_eq(a, b, sizeof a);
    for (int i = 0; i < 32; i++) sum += (double)a[i] * (double)a[i];
    ck_assert(fabs(sum - 1.0) < 1e-5);
    ck_assert_int_eq(ps_model_embed_image(a, model, "tests/data/images/rgb.png"), PS_OK);
    ck_assert_int_eq(ps_model_verify(&cosine, model), PS_OK);
    ck_assert(cosine > 0.99 && cosine <= 1.0001);
    ps_model_free(model);
}
END_TEST

START_TEST(a_model_of_another_space_is_refused_with_a_reason) {
    ps_results *results;
    ps__store *store = library_open(PS__STORE_WRITE);
    library_add(store, "/photos/a.jpg", "as if encoded by another model");
    ps__store_close(store);
    ck_assert_int_eq(ps_search(&results, library, "cat", NULL), PS_MODEL);
    ck_assert_ptr_nonnull(strstr(ps_last_error(library), "m-1"));
    ck_assert_ptr_nonnull(strstr(ps_last_error(library), "tiny-1"));
    write_photos(0, 2);
    index_photos();
    ck_assert_int_eq(ps_search(&results, library, "cat", NULL), PS_OK);
    ck_assert_uint_eq(ps_results_count(results), 2);
    ps_results_free(results);
}
END_TEST

/* ---- Errors ---- */

START_TEST(null_is_refused_everywhere) {
    ps_status s = PS_STATUS_INIT;
    ps_model_info info = PS_MODEL_INFO_INIT;
    ps_hit hit = PS_HIT_INIT;
    ps_failure failure = PS_FAILURE_INIT;
    ps_understood u = PS_UNDERSTOOD_INIT;
    ps_results *results;
    ps_failures *failures;
    ps_model *model;
    float x[32];
    double cosine;
    const char *const none[] = {NULL};
    ck_assert_int_eq(ps_library_open(NULL, library_dir, NULL), PS_INVALID);
    ps_library_close(library);
    ck_assert_int_eq(ps_library_open(&library, "", NULL), PS_INVALID);
    ck_assert_ptr_null(library);
    library = open_with(0);
    ck_assert_int_eq(ps_index(NULL, NULL, none, 1, NULL), PS_INVALID);
    ck_assert_int_eq(ps_index(NULL, library, NULL, 1, NULL), PS_INVALID);
    ck_assert_int_eq(ps_index(NULL, library, none, 0, NULL), PS_INVALID);
    ck_assert_int_eq(ps_index(NULL, library, none, 1, NULL), PS_INVALID);
    ck_assert_int_eq(ps_search(NULL, library, "x", NULL), PS_INVALID);
    ck_assert_int_eq(ps_search(&results, NULL, "x", NULL), PS_INVALID);
    ck_assert_int_eq(ps_search(&results, library, NULL, NULL), PS_INVALID);
    ck_assert_int_eq(ps_similar(&results, library, NULL, NULL), PS_INVALID);
    ck_assert_int_eq(ps_results_hit(&hit, NULL, 0), PS_INVALID);
    ck_assert_int_eq(ps_results_understood(&u, NULL), PS_INVALID);
    ck_assert_int_eq(ps_library_status(&s, NULL), PS_INVALID);
    ck_assert_int_eq(ps_library_status(NULL, library), PS_INVALID);
    ck_assert_int_eq(ps_failures_open(&failures, NULL), PS_INVALID);
    ck_assert_int_eq(ps_failures_get(&failure, NULL, 0), PS_INVALID);
    ck_assert_int_eq(ps_forget(NULL, library, NULL), PS_INVALID);
    ck_assert_int_eq(ps_model_open(NULL, MODEL, NULL), PS_INVALID);
    ck_assert_int_eq(ps_model_about(&info, NULL), PS_INVALID);
    ck_assert_int_eq(ps_model_verify(&cosine, NULL), PS_INVALID);
    ck_assert_int_eq(ps_model_open(&model, MODEL, NULL), PS_OK);
    ck_assert_int_eq(ps_model_embed_text(x, model, NULL, 0), PS_INVALID);
    ck_assert_int_eq(ps_model_embed_text(NULL, model, "x", 1), PS_INVALID);
    ck_assert_int_eq(ps_model_embed_image(x, model, NULL), PS_INVALID);
    ps_model_free(model);
    ck_assert_uint_eq(ps_results_count(NULL) + ps_failures_count(NULL), 0);
    ck_assert_ptr_null(ps_results_path(NULL, 0));
    ck_assert_ptr_null(ps_library_folder(NULL));
    ck_assert_int_eq(ps_results_verdict(NULL), PS_VERDICT_NONE);
    ps_results_free(NULL);
    ps_failures_free(NULL);
    ps_model_free(NULL);
    ps_library_close(NULL);
    ps_cancel(NULL);
}
END_TEST

START_TEST(structs_of_an_unknown_version_are_refused) {
    ps_library *other;
    ps_model *model;
    ps_results *results;
    ps_library_options l = PS_LIBRARY_OPTIONS_INIT;
    ps_search_options s = PS_SEARCH_OPTIONS_INIT;
    ps_model_options m = PS_MODEL_OPTIONS_INIT;
    ps_index_options i = PS_INDEX_OPTIONS_INIT;
    ps_index_result r = PS_INDEX_RESULT_INIT;
    ps_status st = PS_STATUS_INIT;
    const char *const paths[] = {photos};
    l.version = s.version = m.version = i.version = r.version = st.version = 99;
    ck_assert_int_eq(ps_library_open(&other, library_dir, &l), PS_INVALID);
    ck_assert_int_eq(ps_search(&results, library, "x", &s), PS_INVALID);
    ck_assert_int_eq(ps_model_open(&model, MODEL, &m), PS_INVALID);
    ck_assert_int_eq(ps_index(NULL, library, paths, 1, &i), PS_INVALID);
    ck_assert_int_eq(ps_index(&r, library, paths, 1, NULL), PS_INVALID);
    ck_assert_int_eq(ps_library_status(&st, library), PS_INVALID);
}
END_TEST

START_TEST(options_out_of_range_are_refused) {
    ps_search_options s = PS_SEARCH_OPTIONS_INIT;
    ps_index_options i = PS_INDEX_OPTIONS_INIT;
    ps_results *results;
    const char *const paths[] = {photos};
    s.limit = 0;
    ck_assert_int_eq(ps_search(&results, library, "x", &s), PS_INVALID);
    ck_assert_ptr_nonnull(strstr(ps_last_error(library), "limit"));
    s.limit = 10001;
    ck_assert_int_eq(ps_search(&results, library, "x", &s), PS_INVALID);
    i.threads = 300;
    ck_assert_int_eq(ps_index(NULL, library, paths, 1, &i), PS_INVALID);
    i.threads = -1;
    ck_assert_int_eq(ps_index(NULL, library, paths, 1, &i), PS_INVALID);
    ps_model_options m = PS_MODEL_OPTIONS_INIT;
    ps_model *model;
    m.precision = 2;
    ck_assert_int_eq(ps_model_open(&model, MODEL, &m), PS_INVALID);
    ck_assert_ptr_nonnull(strstr(ps_last_error(NULL), "precision"));
    ck_assert_ptr_null(model);
}
END_TEST

START_TEST(each_failure_has_a_sentence) {
    ps_library *other;
    ps_model *model;
    ps_results *results;
    ps_library_options l = PS_LIBRARY_OPTIONS_INIT;
    char missing[LIBRARY_PATH + 16];
    snprintf(missing, sizeof missing, "%s/missing", library_temp);
    l.flags = PS_OPEN_EXISTING;
    ck_assert_int_eq(ps_library_open(&other, missing, &l), PS_NOTFOUND);
    ck_assert_ptr_nonnull(strstr(ps_last_error(NULL), missing));
    ck_assert_str_eq(ps_last_error(library), "");
    ck_assert_int_eq(ps_model_open(&model, missing, NULL), PS_NOTFOUND);
    ck_assert_ptr_nonnull(strstr(ps_last_error(NULL), missing));
    ck_assert_int_eq(ps_model_open(&model, "tests/data/images/rgb.png", NULL), PS_MODEL);
    ck_assert_str_ne(ps_last_error(NULL), "");
    ck_assert_int_eq(ps_search(&results, library, " \n", NULL), PS_INVALID);
    ck_assert_str_eq(ps_last_error(library), "the query is empty");
    ck_assert_str_eq(ps_last_error(NULL), "");
    ck_assert_int_eq(ps_similar(&results, library, missing, NULL), PS_NOTFOUND);
    ck_assert_ptr_nonnull(strstr(ps_last_error(library), missing));
    ck_assert_ptr_null(strchr(ps_last_error(library), '\n'));
    ck_assert_int_eq(ps_similar(&results, library, "tests/main.c", NULL), PS_FORMAT);
    const char *const paths[] = {missing};
    ck_assert_int_eq(ps_index(NULL, library, paths, 1, NULL), PS_NOTFOUND);
    ck_assert_ptr_nonnull(strstr(ps_last_error(library), "missing"));
    ck_assert_int_eq(ps_search(&results, library, "cat", NULL), PS_OK);
    ck_assert_str_eq(ps_last_error(library), "");
    ps_results_free(results);
}
END_TEST

START_TEST(a_damaged_library_is_refused) {
    ps_library *other = NULL;
    char path[LIBRARY_PATH + 16];
    ps_library_close(library);
    library = NULL;
    snprintf(path, sizeof path, "%s/library.db", library_dir);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    for (int i = 0; i < 5000; i++) fputc(i * 7 & 255, f);
    fclose(f);
    int status = ps_library_open(&other, library_dir, NULL);
    ck_assert_msg(status == PS_CORRUPT || status == PS_FORMAT, "%d", status);
    ck_assert_ptr_null(other);
    ck_assert_ptr_nonnull(strstr(ps_last_error(NULL), "library.db"));
}
END_TEST

START_TEST(status_texts_are_never_null) {
    for (int i = -100; i < 5; i++) ck_assert_str_ne(ps_status_text(i), "");
    ck_assert_str_eq(ps_version(), PS_VERSION_STRING);
}
END_TEST

/* ---- Progress, cancelling, threads ---- */

struct seen {
    int calls, last_phase, stop_after;
    uint64_t done;
};

static int watch(const ps_progress *p, void *payload) {
    struct seen *seen = payload;
    ck_assert_uint_eq(p->version, PS_PROGRESS_VERSION);
    ck_assert_int_ge(p->phase, seen->last_phase);
    ck_assert(p->done <= p->total || p->phase == PS_PHASE_SCAN);
    ck_assert_ptr_nonnull(p->path);
    seen->last_phase = p->phase;
    seen->done = p->done;
    return ++seen->calls > seen->stop_after;
}

START_TEST(progress_goes_forward_to_the_end) {
    ps_index_options options = PS_INDEX_OPTIONS_INIT;
    struct seen seen = {.stop_after = 1 << 20};
    const char *const paths[] = {photos};
    write_photos(0, 20);
    options.progress = watch;
    options.payload = &seen;
    options.threads = 2;
    ck_assert_int_eq(ps_index(NULL, library, paths, 1, &options), PS_OK);
    ck_assert_int_ge(seen.calls, 2);
    ck_assert_int_eq(seen.last_phase, PS_PHASE_DONE);
}
END_TEST

START_TEST(a_callback_may_cancel_and_a_second_run_goes_on) {
    ps_index_options options = PS_INDEX_OPTIONS_INIT;
    struct seen seen = {0};
    const char *const paths[] = {photos};
    write_photos(0, 20);
    options.progress = watch;
    options.payload = &seen;
    ck_assert_int_eq(ps_index(NULL, library, paths, 1, &options), PS_CANCELLED);
    ck_assert_int_eq(seen.calls, 1);
    ps_index_result result = index_photos();
    ck_assert_uint_eq(result.indexed + result.unchanged, 20);
}
END_TEST

static int cancel_from_inside(const ps_progress *p, void *payload) {
    (void)p, (void)payload;
    ps_cancel(library);
    return 0;
}

START_TEST(ps_cancel_stops_a_run_and_only_that_run) {
    ps_index_options options = PS_INDEX_OPTIONS_INIT;
    const char *const paths[] = {photos};
    write_photos(0, 20);
    ps_cancel(library);
    options.progress = cancel_from_inside;
    ck_assert_int_eq(ps_index(NULL, library, paths, 1, &options), PS_CANCELLED);
    ck_assert_uint_eq(index_photos().found, 20);
}
END_TEST

static int busy_inside(const ps_progress *p, void *payload) {
    const char *const paths[] = {photos};
    (void)p;
    if (!*(int *)payload) *(int *)payload = ps_index(NULL, library, paths, 1, NULL);
    return 0;
}

START_TEST(a_second_run_at_the_same_time_is_refused) {
    ps_index_options options = PS_INDEX_OPTIONS_INIT;
    const char *const paths[] = {photos};
    int second = 0;
    write_photos(0, 5);
    options.progress = busy_inside;
    options.payload = &second;
    ck_assert_int_eq(ps_index(NULL, library, paths, 1, &options), PS_OK);
    ck_assert_int_eq(second, PS_BUSY);
}
END_TEST

static atomic_int indexing;

static void *search_meanwhile(void *payload) {
    long *searches = payload;
    do {
        ps_results *results;
        ck_assert_msg(ps_search(&results, library, "the cat", NULL) == PS_OK, "%s", ps_last_error(library));
        ck_assert_uint_ge(ps_results_count(results), 10);
        ps_results_free(results);
        ps_status s = PS_STATUS_INIT;
        ck_assert_int_eq(ps_library_status(&s, library), PS_OK);
        ++*searches;
    } while (atomic_load(&indexing));
    return NULL;
}

START_TEST(threads_search_one_handle_while_it_indexes) {
    pthread_t threads[4];
    long searches[4] = {0};
    write_photos(0, 20);
    index_photos();
    write_photos(20, 220);
    atomic_store(&indexing, 1);
    for (int i = 0; i < 4; i++) ck_assert_int_eq(pthread_create(&threads[i], NULL, search_meanwhile, &searches[i]), 0);
    ck_assert_uint_eq(index_photos().indexed, 200);
    atomic_store(&indexing, 0);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        ck_assert_int_gt(searches[i], 0);
    }
    ps_search_options options = PS_SEARCH_OPTIONS_INIT;
    ps_results *results;
    options.limit = 500;
    ck_assert_int_eq(ps_search(&results, library, "cat", &options), PS_OK);
    ck_assert_uint_eq(ps_results_count(results), 220);
    ps_results_free(results);
}
END_TEST

static void *fail_elsewhere(void *payload) {
    ps_results *results;
    (void)payload;
    ck_assert_int_eq(ps_similar(&results, library, "/no/such/file", NULL), PS_NOTFOUND);
    return NULL;
}

START_TEST(last_errors_of_threads_do_not_mix) {
    ps_results *results;
    pthread_t thread;
    ck_assert_int_eq(ps_search(&results, library, "", NULL), PS_INVALID);
    ck_assert_int_eq(pthread_create(&thread, NULL, fail_elsewhere, NULL), 0);
    pthread_join(thread, NULL);
    ck_assert_str_eq(ps_last_error(library), "the query is empty");
}
END_TEST

static void count_lines(int level, const char *line, void *payload) {
    ck_assert_int_le(level, PS_LOG_WARNING);
    ck_assert_ptr_null(strchr(line, '\n'));
    atomic_fetch_add((atomic_int *)payload, 1);
}

START_TEST(failed_files_are_told_to_the_log) {
    ps_library_options options = PS_LIBRARY_OPTIONS_INIT;
    static atomic_int lines;
    char path[LIBRARY_PATH + 16];
    write_photos(0, 3);
    snprintf(path, sizeof path, "%s/p1.bmp", photos);
    ck_assert_int_eq(truncate(path, 40), 0);
    ps_library_close(library);
    options.model = MODEL;
    options.log = count_lines;
    options.log_payload = &lines;
    ck_assert_int_eq(ps_library_open(&library, library_dir, &options), PS_OK);
    index_photos();
    ck_assert_int_eq(atomic_load(&lines), 1);
}
END_TEST

/* ---- Sentences ---- */

/* Photos with a date in their names: p0 of 2019, p1 of 2020, p2 of 2021, and so on. */
static void write_dated(unsigned count) {
    char name[48];
    for (unsigned i = 0; i < count; i++) {
        snprintf(name, sizeof name, "IMG_%u0704_1200%02u.bmp", 2019 + i, i);
        write_photo(name, i);
    }
}

START_TEST(conditions_and_content_are_told_and_kept_apart) {
    ps_results *results;
    ps_understood how = PS_UNDERSTOOD_INIT;
    write_dated(6);
    index_photos();
    ck_assert_int_eq(ps_search(&results, library, "red flowers between 2020 and 2022 but not in 2021", NULL), PS_OK);
    ck_assert_uint_eq(ps_results_count(results), 2);
    ck_assert_uint_eq(ps_results_passed(results), 2);
    ck_assert_int_eq(ps_results_understood(&how, results), PS_OK);
    ck_assert_str_eq(how.text, "red flowers");
    ck_assert_str_eq(how.from, "2020-01-01T00:00:00");
    ck_assert_str_eq(how.to, "2022-12-31T23:59:59");
    ck_assert_uint_eq(how.filter_count, 2);
    ck_assert_int_eq(how.filters[1].negative, 1);
    ck_assert_uint_eq(how.not_count, 1);
    ck_assert_ptr_nonnull(strstr(how.reading, "\"red flowers\"; "));
    /* What was found is good without the library. */
    ps_library_close(library);
    library = NULL;
    ck_assert_int_eq(ps_results_understood(&how, results), PS_OK);
    ck_assert_str_eq(how.filters[0].kind, "time");
    ps_results_free(results);
}
END_TEST

/* Far more photos bear the words than are looked at for them; those that the conditions let through are found all the same. */
START_TEST(a_caption_counts_for_whatever_photos_the_conditions_let_through) {
    enum { OTHERS = 1100, WANTED = 3 };
    ps_results *results;
    char name[48];
    ps__error err = {0};
    for (unsigned i = 0; i < OTHERS + WANTED; i++) {
        snprintf(name, sizeof name, "IMG_%u0101_%02u%02u%02u.bmp", i < OTHERS ? 2020 : 2019, i / 3600, i / 60 % 60, i % 60);
        write_photo(name, i);
    }
    index_photos();
    ps__store *store = library_open(PS__STORE_WRITE);
    ps__photo_texts texts = {.caption = "zanzibaria picnic"};
    ck_assert_int_eq(ps__store_write(store, &err), PS__OK);
    for (int64_t id = 1; id <= OTHERS + WANTED; id++) ck_assert_int_eq(ps__store_put_texts(store, id, &texts, &err), PS__OK);
    ck_assert_int_eq(ps__store_commit(store, &err), PS__OK);
    ps__store_close(store);
    ck_assert_int_eq(ps_search(&results, library, "zanzibaria ... picnic in 2019", NULL), PS_OK);
    ck_assert_uint_eq(ps_results_count(results), WANTED);
    for (size_t i = 0; i < WANTED; i++) ck_assert_double_ge(ps_results_score(results, i), 0.8);
    ps_results_free(results);
}
END_TEST

static const char *const SENTENCES[] = {"photos from 2020 or 2022", "red flowers or a dog, not a cat, before 2023", "\"IMG 2019\" in Lisbon",
                                        "without people", "newest photos named IMG*"};

START_TEST(every_allocation_of_a_search_may_fail) {
    ps_search_options options = PS_SEARCH_OPTIONS_INIT;
    ps_results *results;
    int status = PS_NOMEM;
    write_dated(4);
    index_photos();
    options.flags = PS_SEARCH_UNIQUE;
    ck_assert_int_eq(ps_search(&results, library, SENTENCES[_i], &options), PS_OK); /* what is opened once is open */
    size_t count = ps_results_count(results);
    ps_results_free(results);
    for (long n = 0; status != PS_OK; n++) {
        ck_assert_int_lt(n, 20000);
        ps__alloc_fail_after(n, 0);
        status = ps_search(&results, library, SENTENCES[_i], &options);
        int reached = ps__alloc_fail_left() < 0;
        ps__alloc_fail_after(-1, 0);
        ck_assert_msg(status == PS_OK || status == PS_NOMEM, "%ld: %d %s", n, status, ps_last_error(library));
        ck_assert(status == PS_OK || !results);
        if (status == PS_OK && !reached) ck_assert_uint_eq(ps_results_count(results), count);
        if (status == PS_OK && reached) status = PS_NOMEM; /* something to be done without */
        ps_results_free(results);
    }
}
END_TEST

START_TEST(pages_join_also_when_photos_come_between) {
    ps_search_options options = PS_SEARCH_OPTIONS_INIT;
    ps_results *first, *second;
    write_dated(6);
    index_photos();
    options.limit = 3;
    ck_assert_int_eq(ps_search(&first, library, "photos before 2100", &options), PS_OK);
    ck_assert_uint_eq(ps_results_count(first), 3);
    ck_assert_ptr_nonnull(ps_results_next(first));
    write_photo("IMG_20300101_120000.bmp", 77); /* newer than all: it belongs to the first page */
    index_photos();
    options.after = ps_results_next(first);
    ck_assert_int_eq(ps_search(&second, library, "photos before 2100", &options), PS_OK);
    ck_assert_uint_eq(ps_results_count(second), 3);
    for (size_t i = 0; i < 3; i++)
        for (size_t k = 0; k < 3; k++) ck_assert_str_ne(ps_results_path(first, i), ps_results_path(second, k));
    ck_assert_ptr_nonnull(strstr(ps_results_path(second, 0), "IMG_2021"));
    ck_assert_ptr_null(ps_results_next(second));
    ps_results_free(second);
    ck_assert_int_eq(ps_search(&second, library, "photos before 2101", &options), PS_INVALID);
    ps_results_free(first);
}
END_TEST

Suite *suite_api(void) {
    Suite *suite = suite_create("api");
    TCase *use = tcase_create("use"), *errors = tcase_create("errors"), *runs = tcase_create("runs");
    TCase *const cases[] = {use, errors, runs};
    for (int i = 0; i < 3; i++) {
        tcase_add_checked_fixture(cases[i], setup, teardown);
        suite_add_tcase(suite, cases[i]);
    }
    tcase_add_test(use, index_then_search);
    tcase_add_test(use, conditions_and_content_are_told_and_kept_apart);
    tcase_add_test(use, a_caption_counts_for_whatever_photos_the_conditions_let_through);
    tcase_add_loop_test(use, every_allocation_of_a_search_may_fail, 0, sizeof SENTENCES / sizeof *SENTENCES);
    tcase_add_test(use, pages_join_also_when_photos_come_between);
    tcase_add_test(use, results_outlive_the_library);
    tcase_add_test(use, an_empty_library_answers_with_nothing);
    tcase_add_test(use, the_limit_and_the_least_score_hold);
    tcase_add_test(use, nothing_above_the_least_score_is_no_match);
    tcase_add_test(use, a_photo_is_similar_to_its_twin_and_not_listed_itself);
    tcase_add_test(use, the_same_photo_twice_is_one_result);
    tcase_add_test(use, status_tells_what_is_there);
    tcase_add_test(use, failures_are_listed_with_their_reason);
    tcase_add_test(use, forgotten_photos_are_gone_until_indexed_again);
    tcase_add_test(use, embeddings_have_length_one_and_repeat);
    tcase_add_test(errors, a_model_of_another_space_is_refused_with_a_reason);
    tcase_add_test(errors, null_is_refused_everywhere);
    tcase_add_test(errors, structs_of_an_unknown_version_are_refused);
    tcase_add_test(errors, options_out_of_range_are_refused);
    tcase_add_test(errors, each_failure_has_a_sentence);
    tcase_add_test(errors, a_damaged_library_is_refused);
    tcase_add_test(errors, status_texts_are_never_null);
    tcase_add_test(runs, progress_goes_forward_to_the_end);
    tcase_add_test(runs, a_callback_may_cancel_and_a_second_run_goes_on);
    tcase_add_test(runs, ps_cancel_stops_a_run_and_only_that_run);
    tcase_add_test(runs, a_second_run_at_the_same_time_is_refused);
    tcase_add_test(runs, threads_search_one_handle_while_it_indexes);
    tcase_add_test(runs, last_errors_of_threads_do_not_mix);
    tcase_add_test(runs, failed_files_are_told_to_the_log);
    return suite;
}
