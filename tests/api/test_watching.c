/*
** ps_watch and what else came with it: events, pausing, what somebody looks at, status, and callers of the header's first version.
*/
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "api/photosearch.h"
#include "store/wanted.h"
#include "tests/store/library.h"

#define MODEL "tests/data/golden/tiny.safetensors"
#define PATIENCE_MS 20000

static ps_library *library;
static char photos[LIBRARY_PATH];
static const char *roots[1];
static atomic_int seen[PS_EVENT_STOPPED + 1]; /* how often each event came */
static atomic_int stopped_with;               /* status of PS_EVENT_STOPPED */
static atomic_ullong indexed;                 /* of all PS_EVENT_IDLE */

static void write_photo(const char *name, const char *source) {
    char path[LIBRARY_PATH + 64], bytes[1 << 16];
    FILE *in = fopen(source, "rb");
    ck_assert_ptr_nonnull(in);
    size_t size = fread(bytes, 1, sizeof bytes, in);
    fclose(in);
    snprintf(path, sizeof path, "%.3000s/%.60s", photos, name);
    FILE *out = fopen(path, "wb");
    ck_assert(out && fwrite(bytes, 1, size, out) == size && fprintf(out, "%s", name) > 0 && fclose(out) == 0);
}

static void write_photos(int from, int to) {
    for (int i = from; i < to; i++) {
        char name[32];
        snprintf(name, sizeof name, "p%d.jpg", i);
        write_photo(name, "tests/data/images/rgb.jpg");
    }
}

static void setup(void) {
    ps_library_options options = PS_LIBRARY_OPTIONS_INIT;
    library_setup();
    snprintf(photos, sizeof photos, "%.4000s/photos", library_temp);
    ck_assert_int_eq(mkdir(photos, 0700), 0);
    roots[0] = photos;
    options.model = MODEL;
    ck_assert_msg(ps_library_open(&library, library_dir, &options) == PS_OK, "%s", ps_last_error(NULL));
    memset(seen, 0, sizeof seen);
    atomic_store(&indexed, 0);
}

static void teardown(void) {
    ps_library_close(library);
    library_teardown();
}

static void on_event(const ps_event *e, void *payload) {
    (void)payload;
    if (e->version != PS_EVENT_VERSION || e->kind < PS_EVENT_STARTED || e->kind > PS_EVENT_STOPPED || !e->text)
        ck_abort_msg("an event that makes no sense");
    if ((e->kind == PS_EVENT_IDLE) != (e->result != NULL)) ck_abort_msg("a result with an event of kind %d", e->kind);
    if (e->result) atomic_fetch_add(&indexed, e->result->indexed);
    if (e->kind == PS_EVENT_STOPPED) atomic_store(&stopped_with, e->status);
    atomic_fetch_add(&seen[e->kind], 1);
}

static ps_watch_options watch_options(void) {
    ps_watch_options options = PS_WATCH_OPTIONS_INIT;
    options.settle_seconds = 0.1;
    options.event = on_event;
    return options;
}

static void *watch(void *payload) {
    ps_watch_options options = watch_options();
    *(int *)payload = ps_watch(library, roots, 1, &options);
    return NULL;
}

#define wait_for(condition)                                                                                                      \
    do {                                                                                                                         \
        int waited_ms = 0;                                                                                                       \
        while (!(condition) && waited_ms < PATIENCE_MS) {                                                                        \
            nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);                                                            \
            waited_ms += 10;                                                                                                     \
        }                                                                                                                        \
        ck_assert_msg(condition, "this never came: %s", #condition);                                                             \
    } while (0)

static ps_status state(void) {
    ps_status s = PS_STATUS_INIT;
    ck_assert_int_eq(ps_library_status(&s, library), PS_OK);
    return s;
}

START_TEST(once_does_everything_and_returns) {
    ps_watch_options options = watch_options();
    options.once = 1;
    write_photos(0, 5);
    ck_assert_msg(ps_watch(library, roots, 1, &options) == PS_OK, "%s", ps_last_error(library));
    ck_assert_int_eq(atomic_load(&seen[PS_EVENT_STARTED]), 1);
    ck_assert_int_eq(atomic_load(&seen[PS_EVENT_STOPPED]), 1);
    ck_assert_int_eq(atomic_load(&stopped_with), PS_OK);
    ck_assert_uint_eq(atomic_load(&indexed), 5);
    ck_assert_uint_eq(state().photos, 5);
    ck_assert_int_eq(state().doing, PS_DOING_NOTHING);
    ck_assert_int_eq((int)state().pid, 0);
}
END_TEST

START_TEST(a_watch_brings_news_until_it_is_cancelled) {
    pthread_t thread;
    int status = 1;
    write_photos(0, 3);
    ck_assert_int_eq(pthread_create(&thread, NULL, watch, &status), 0);
    wait_for(state().photos == 3 && state().doing == PS_DOING_IDLE);
    ck_assert_int_eq(state().watching, 1);
    ck_assert_int_eq((int)state().pid, (int)getpid());
    ck_assert(state().cpu_seconds_per_photo > 0);
    write_photos(3, 5);
    wait_for(state().photos == 5);
    /* Meanwhile nobody else indexes by this handle, and searching goes on. */
    ck_assert_int_eq(ps_index(NULL, library, roots, 1, NULL), PS_BUSY);
    ps_results *results;
    ck_assert_int_eq(ps_search(&results, library, "the cat", NULL), PS_OK);
    ck_assert_uint_eq(ps_results_count(results), 5);
    ps_results_free(results);
    ps_cancel(library);
    pthread_join(thread, NULL);
    ck_assert_int_eq(status, PS_CANCELLED);
    ck_assert_int_eq(state().doing, PS_DOING_NOTHING);
    ck_assert_int_eq(ps_index(NULL, library, roots, 1, NULL), PS_OK);
}
END_TEST

START_TEST(a_second_watch_is_told_who_watches) {
    pthread_t thread;
    int status = 1;
    char pid[32];
    ps_library *other;
    ps_library_options options = PS_LIBRARY_OPTIONS_INIT;
    options.model = MODEL;
    ck_assert_int_eq(pthread_create(&thread, NULL, watch, &status), 0);
    wait_for(atomic_load(&seen[PS_EVENT_STARTED]) == 1);
    ck_assert_int_eq(ps_library_open(&other, library_dir, &options), PS_OK);
    ck_assert_int_eq(ps_watch(other, roots, 1, NULL), PS_BUSY);
    snprintf(pid, sizeof pid, "%ld", (long)getpid());
    ck_assert_ptr_nonnull(strstr(ps_last_error(other), pid));
    ps_library_close(other);
    ps_cancel(library);
    pthread_join(thread, NULL);
}
END_TEST

START_TEST(a_pause_holds_until_it_is_taken_back) {
    pthread_t thread;
    int status = 1;
    ck_assert_int_eq(pthread_create(&thread, NULL, watch, &status), 0);
    wait_for(atomic_load(&seen[PS_EVENT_IDLE]) >= 1);
    ps_watch_pause(library, 1);
    write_photos(0, 4);
    wait_for(atomic_load(&seen[PS_EVENT_PAUSED]) >= 1);
    wait_for(state().doing == PS_DOING_PAUSED && state().why != NULL);
    ck_assert_uint_eq(state().photos, 0);
    ps_user_active(library);
    ps_watch_pause(library, 0);
    wait_for(state().photos == 4);
    wait_for(atomic_load(&seen[PS_EVENT_RESUMED]) >= 1);
    /* A paused watch can be cancelled, too. */
    ps_watch_pause(library, 1);
    write_photos(4, 6);
    wait_for(atomic_load(&seen[PS_EVENT_PAUSED]) >= 2);
    ps_cancel(library);
    pthread_join(thread, NULL);
    ck_assert_int_eq(status, PS_CANCELLED);
    ck_assert_uint_eq(state().photos, 4);
}
END_TEST

START_TEST(nonsense_is_refused) {
    ps_watch_options options = watch_options();
    ck_assert_int_eq(ps_watch(NULL, roots, 1, NULL), PS_INVALID);
    ck_assert_int_eq(ps_watch(library, NULL, 0, NULL), PS_INVALID);
    options.version = 99;
    ck_assert_int_eq(ps_watch(library, roots, 1, &options), PS_INVALID);
    options = watch_options();
    options.settle_seconds = -1;
    ck_assert_int_eq(ps_watch(library, roots, 1, &options), PS_INVALID);
    options = watch_options();
    options.min_battery = 101;
    ck_assert_int_eq(ps_watch(library, roots, 1, &options), PS_INVALID);
    ps_watch_pause(NULL, 1);
    ps_watch_pause(library, 1); /* there is no watch */
    ps_watch_pause(library, 0);
    ps_user_active(NULL);
    ps_user_active(library);
}
END_TEST

START_TEST(what_is_preferred_is_left_for_the_indexer) {
    char path[LIBRARY_PATH + 64];
    int64_t taken[4];
    write_photos(0, 2);
    ck_assert_int_eq(ps_index(NULL, library, roots, 1, NULL), PS_OK);
    snprintf(path, sizeof path, "%.3000s/p1.jpg", photos);
    const char *const paths[] = {path, "/nowhere.jpg"};
    ck_assert_int_eq(ps_prefer(library, paths, 2), PS_OK);
    ck_assert_uint_eq(ps__wanted_take(taken, 4, library_dir), 1);
    ck_assert(taken[0] < 0); /* a row of files */
    ck_assert_int_eq(ps_prefer(library, NULL, 1), PS_INVALID);
    ck_assert_int_eq(ps_prefer(NULL, paths, 1), PS_INVALID);
    ck_assert_int_eq(ps_prefer(library, NULL, 0), PS_OK);
}
END_TEST

/* Room of today's struct, of which a program of the first version knows the beginning only. */
#define check_old(type, first_new, call)                                                                                         \
    do {                                                                                                                         \
        union {                                                                                                                  \
            type now;                                                                                                            \
            unsigned char bytes[sizeof(type)];                                                                                   \
        } room;                                                                                                                  \
        memset(&room, 0xA5, sizeof room);                                                                                        \
        type *old = &room.now;                                                                                                   \
        old->version = 1;                                                                                                        \
        ck_assert_int_eq(call, PS_OK);                                                                                           \
        ck_assert_uint_eq(old->version, 1);                                                                                      \
        for (size_t i = offsetof(type, first_new); i < sizeof(type); i++) ck_assert_uint_eq(room.bytes[i], 0xA5);                \
    } while (0)

START_TEST(programs_of_the_first_version_go_on) {
    ps_results *results;
    write_photos(0, 2);
    check_old(ps_index_result, previewed, ps_index(old, library, roots, 1, NULL));
    check_old(ps_status, previewed, ps_library_status(old, library));
    ck_assert_int_eq(ps_search(&results, library, "the cat", NULL), PS_OK);
    check_old(ps_hit, preview, ps_results_hit(old, results, 0));
    ps_results_free(results);
}
END_TEST

Suite *suite_watching(void);
Suite *suite_watching(void) {
    Suite *suite = suite_create("watching");
    TCase *tc = tcase_create("watching");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, once_does_everything_and_returns);
    tcase_add_test(tc, a_watch_brings_news_until_it_is_cancelled);
    tcase_add_test(tc, a_second_watch_is_told_who_watches);
    tcase_add_test(tc, a_pause_holds_until_it_is_taken_back);
    tcase_add_test(tc, nonsense_is_refused);
    tcase_add_test(tc, what_is_preferred_is_left_for_the_indexer);
    tcase_add_test(tc, programs_of_the_first_version_go_on);
    suite_add_tcase(suite, tc);
    return suite;
}
