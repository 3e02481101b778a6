/*
** The watch: first with made-up runs, to see when it asks for which; then with the indexer and a make-believe encoder, where each thing
** that may happen to photos must end in the right library, without a run by hand finding anything left to do.
*/
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/os.h"
#include "indexer/watch.h"
#include "tests/indexer/gallery.h"

#define WAIT_MS 30000

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char told[1 << 16]; /* "\nWHAT\n": events, and runs as "run *" or "run a.jpg b.jpg" */
static ps__indexer_options run_options;
static ps__watch_options options;
static ps__watch_result result;
static ps__notify_calls calls;
static ps__error error;
static atomic_int cancel, status, running;
static pthread_t thread;

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void note(const char *format, ...) {
    va_list args;
    pthread_mutex_lock(&lock);
    size_t used = strlen(told);
    va_start(args, format);
    if (used == 0) told[used++] = '\n';
    int more = vsnprintf(told + used, sizeof told - used - 2, format, args);
    va_end(args);
    if (more > 0 && used + (size_t)more < sizeof told - 2) memcpy(told + used + more, "\n", 2);
    pthread_mutex_unlock(&lock);
}

static void on_event(const ps__watch_event *e, void *payload) {
    static const char *const kinds[] = {"", "started", "rescan", "scanning", "working", "paused", "resumed", "idle", "problem", "stopped"};
    (void)payload;
    if (e->kind == PS__WATCH_RESCAN)
        note("rescan %d", e->why);
    else if (e->kind == PS__WATCH_PROBLEM)
        note("problem %d in %.0f", e->code, e->seconds);
    else if (e->kind == PS__WATCH_STOPPED)
        note("stopped %d", e->code);
    else if (e->kind == PS__WATCH_PAUSED)
        note("paused %s", e->text);
    else
        note("%s", kinds[e->kind]);
}

static int count_told(const char *what) {
    char line[512];
    int count = 0;
    snprintf(line, sizeof line, "\n%s\n", what);
    pthread_mutex_lock(&lock);
    for (const char *at = told; (at = strstr(at, line)); at++) count++;
    pthread_mutex_unlock(&lock);
    return count;
}

static void sleep_ms(int ms) { nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000L}, NULL); }

#define expect(what, times) expect_at(__LINE__, what, times)
static void expect_at(int line, const char *what, int times) {
    for (int ms = 0; ms < WAIT_MS; ms += 5) {
        if (count_told(what) >= times) return;
        sleep_ms(5);
    }
    pthread_mutex_lock(&lock);
    ck_abort_msg("line %d: '%s' was not told %d times:%s", line, what, times, told);
}

static void forget(void) {
    pthread_mutex_lock(&lock);
    told[0] = 0;
    pthread_mutex_unlock(&lock);
}

static void *body(void *payload) {
    (void)payload;
    atomic_store(&status, ps__watch_run(&result, &options, &error));
    atomic_store(&running, 0);
    return NULL;
}

static void start(void) {
    atomic_store(&running, 1);
    ck_assert_int_eq(pthread_create(&thread, NULL, body, NULL), 0);
}

/* Waits for the end and returns the status. */
static int end(void) {
    for (int ms = 0; ms < WAIT_MS && atomic_load(&running); ms += 5) sleep_ms(5);
    ck_assert_msg(!atomic_load(&running), "it does not end:%s", told);
    pthread_join(thread, NULL);
    return atomic_load(&status);
}

static int stop(void) {
    atomic_store(&cancel, 1);
    return end();
}

static void setup(void) {
    gallery_setup();
    forget();
    gallery_log[0] = 0;
    atomic_store(&cancel, 0);
    run_options = gallery_options();
    run_options.cancel = &cancel;
    calls = ps__notify_system;
    options = (ps__watch_options){.indexer = &run_options, .settle_seconds = 0.1, .event = on_event, .calls = &calls};
}

/* ---- Made-up runs ------------------------------------------------------------------------------------------------------------- */

static struct {
    atomic_int status;       /* what the next runs return */
    atomic_int failures;     /* so many of them; then they are well */
    atomic_int work_ms;      /* so long a run pretends to encode, unless it is interrupted */
    atomic_int leave;        /* files that the next runs leave pending */
} script;

static int by_name(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

static void note_run(const ps__indexer_options *o) {
    char line[400] = "run";
    const char *paths[64];
    size_t n = strlen(gallery_dir), count = o->only_count < 64 ? o->only_count : 64;
    for (size_t i = 0; i < count; i++) paths[i] = o->only[i];
    qsort(paths, count, sizeof *paths, by_name);
    for (size_t i = 0; i < count; i++)
        snprintf(line + strlen(line), sizeof line - strlen(line), " %.60s", paths[i][n] ? paths[i] + n + 1 : ".");
    note("%s", o->only ? line : "run *");
}

static int work(ps__indexer_result *r, const ps__indexer_options *o, int ms) {
    for (int at = 0; at < ms; at += 5) {
        ps__indexer_progress g = {.phase = PS__PHASE_ENCODE, .path = "", .total = ms, .done = at};
        if (o->progress(&g, o->payload) != 0 || atomic_load(o->cancel)) return PS__CANCELLED;
        if (atomic_load(o->interrupt)) {
            r->interrupted = 1;
            note("interrupted");
            return PS__OK;
        }
        sleep_ms(5);
    }
    atomic_store(&script.work_ms, 0);
    return PS__OK;
}

static int made_up_run(ps__indexer_result *r, const ps__indexer_options *o, ps__error *err, void *payload) {
    (void)payload;
    ps__indexer_progress g = {.phase = PS__PHASE_SCAN, .path = ""};
    *r = (ps__indexer_result){0};
    note_run(o);
    o->progress(&g, o->payload);
    if (atomic_load(&script.failures) > 0) {
        atomic_fetch_sub(&script.failures, 1);
        return ps__fail(err, atomic_load(&script.status), "made up");
    }
    if (atomic_load(&script.leave) > 0) {
        atomic_fetch_sub(&script.leave, 1);
        r->pending = 1;
    }
    return work(r, o, atomic_load(&script.work_ms));
}

static void setup_made_up(void) {
    setup();
    options.run = made_up_run;
    atomic_store(&script.failures, 0);
    atomic_store(&script.work_ms, 0);
    atomic_store(&script.leave, 0);
}

START_TEST(everything_comes_first_then_only_what_changed) {
    gallery_write("old.jpg", "x");
    start();
    expect("idle", 1);
    ck_assert_int_eq(count_told("run *"), 1);
    gallery_write("a.jpg", "x");
    expect("run a.jpg", 1);
    expect("idle", 2);
    gallery_write("b/c/d.jpg", "x");
    expect("idle", 3);
    ck_assert_ptr_nonnull(strstr(told, "\nrun b"));
    ck_assert_int_eq(count_told("run *"), 1);
    ck_assert_int_eq(stop(), PS__CANCELLED);
    ck_assert_int_eq(result.full_runs, 1);
    ck_assert_int_ge(result.runs, 3);
    expect("stopped -40", 1);
}
END_TEST

START_TEST(what_happens_together_is_one_run) {
    char path[LIBRARY_PATH];
    options.settle_seconds = 1;
    gallery_write("b.jpg", "x");
    start();
    expect("idle", 1);
    gallery_path(path, "a.jpg");
    gallery_write("a.jpg", "x");
    gallery_remove("b.jpg");
    unlink(path);
    gallery_write("a.jpg", "y");
    expect("run a.jpg b.jpg", 1);
    expect("idle", 2);
    ck_assert_int_eq(stop(), PS__CANCELLED);
    ck_assert_int_eq(result.runs, 2);
}
END_TEST

START_TEST(news_interrupt_long_work_and_come_first) {
    atomic_store(&script.work_ms, 60000);
    start();
    expect("working", 1);
    gallery_write("a.jpg", "x");
    expect("run a.jpg", 1);
    ck_assert_int_eq(count_told("interrupted"), 1);
    gallery_write("b.jpg", "x");
    expect("run b.jpg", 1);
    atomic_store(&script.work_ms, 0);
    gallery_write("c.jpg", "x");
    expect("run c.jpg", 1);
    expect("idle", 1);
    ck_assert_int_eq(stop(), PS__CANCELLED);
    ck_assert_int_eq(result.interrupted, 3);
}
END_TEST

START_TEST(what_an_interrupted_run_left_is_done_without_news) {
    atomic_store(&script.leave, 2);
    start();
    expect("idle", 1);
    ck_assert_int_eq(count_told("run *"), 1);
    ck_assert_int_eq(count_told("run"), 2);
    ck_assert_int_eq(stop(), PS__CANCELLED);
}
END_TEST

START_TEST(a_failure_that_passes_is_told_and_waited_out) {
    static const int codes[] = {PS__BUSY, PS__FULL, PS__IO, PS__NOMEM, PS__ERROR};
    atomic_store(&script.status, codes[_i]);
    const int failures = codes[_i] == PS__BUSY ? 2 : 1;
    atomic_store(&script.failures, failures);
    start();
    for (int i = 1; i <= failures; i++) {
        char problem[64];
        snprintf(problem, sizeof problem, "problem %d in %d", codes[_i], i);
        expect(problem, 1);
    }
    /* Nothing that happens meanwhile is lost. */
    gallery_write("a.jpg", "x");
    expect("run *", 1 + failures);
    expect("idle", 1);
    ck_assert_int_eq(stop(), PS__CANCELLED);
    ck_assert_int_eq(result.problems, failures);
    ck_assert_ptr_nonnull(strstr(gallery_log, "made up"));
}
END_TEST

START_TEST(paths_of_a_failed_run_are_tried_again) {
    start();
    expect("idle", 1);
    atomic_store(&script.status, PS__FULL);
    atomic_store(&script.failures, 1);
    gallery_write("a.jpg", "x");
    expect("run a.jpg", 1);
    gallery_write("b.jpg", "x");
    expect("run a.jpg b.jpg", 1);
    ck_assert_int_eq(stop(), PS__CANCELLED);
}
END_TEST

START_TEST(a_failure_that_does_not_pass_ends_it) {
    static const int codes[] = {PS__CORRUPT, PS__MODEL, PS__NEWER, PS__INVALID};
    atomic_store(&script.status, codes[_i]);
    atomic_store(&script.failures, 1);
    start();
    ck_assert_int_eq(end(), codes[_i]);
    ck_assert_str_eq(error.text, "made up");
    ck_assert_int_eq(error.code, codes[_i]);
}
END_TEST

START_TEST(once_ends_when_all_is_done) {
    options.once = 1;
    gallery_write("a.jpg", "x");
    atomic_store(&script.leave, 1);
    start();
    ck_assert_int_eq(end(), PS__OK);
    ck_assert_int_eq(result.runs, 2);
    expect("stopped 0", 1);
}
END_TEST

START_TEST(once_waits_for_what_is_being_written) {
    char path[LIBRARY_PATH];
    options.once = 1;
    options.settle_seconds = 0.3;
    atomic_store(&script.work_ms, 500);
    start();
    expect("working", 1);
    gallery_path(path, "a.jpg");
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    ck_assert_int_eq(write(fd, "x", 1), 1);
    expect("idle", 1);
    sleep_ms(600);
    ck_assert(atomic_load(&running));
    close(fd);
    ck_assert_int_eq(end(), PS__OK);
    expect("run a.jpg", 1);
}
END_TEST

START_TEST(once_does_not_wait_for_ever) {
    options.once = 1;
    atomic_store(&script.leave, 1000);
    start();
    ck_assert_int_eq(end(), PS__OK);
    forget();
    atomic_store(&script.leave, 0);
    atomic_store(&script.status, PS__NOTFOUND);
    atomic_store(&script.failures, 1);
    start();
    ck_assert_int_eq(end(), PS__NOTFOUND);
    /* A busy library is another matter. */
    atomic_store(&script.status, PS__BUSY);
    atomic_store(&script.failures, 1);
    start();
    ck_assert_int_eq(end(), PS__OK);
}
END_TEST

START_TEST(everything_is_compared_now_and_then) {
    options.rescan_seconds = 0.2;
    start();
    expect("rescan 4", 3);
    expect("run *", 4);
    ck_assert_int_eq(stop(), PS__CANCELLED);
}
END_TEST

static int no_watches(int fd, const char *path, uint32_t mask) {
    (void)fd, (void)path, (void)mask;
    errno = ENOSPC;
    return -1;
}

START_TEST(what_cannot_be_watched_is_polled) {
    calls.add = no_watches;
    options.poll_seconds = 0.2;
    start();
    expect("rescan 4", 2);
    ck_assert_int_eq(stop(), PS__CANCELLED);
}
END_TEST

static atomic_int overflow;
static ssize_t lying_read(int fd, void *events, size_t size) {
    struct inotify_event e = {.wd = -1, .mask = IN_Q_OVERFLOW};
    if (!atomic_exchange(&overflow, 0)) return read(fd, events, size);
    memcpy(events, &e, sizeof e);
    return sizeof e;
}

START_TEST(an_overflow_compares_everything_even_in_the_middle_of_work) {
    calls.read = lying_read;
    atomic_store(&script.work_ms, 60000);
    start();
    expect("working", 1);
    atomic_store(&overflow, 1);
    gallery_write("a.jpg", "x");
    expect("rescan 2", 1);
    expect("interrupted", 1);
    expect("run *", 2);
    ck_assert_int_eq(stop(), PS__CANCELLED);
}
END_TEST

static atomic_int is_paused;
static const char *paused(void *payload) {
    (void)payload;
    return atomic_load(&is_paused) ? "battery low" : NULL;
}

START_TEST(pauses_are_told) {
    options.paused = paused;
    atomic_store(&is_paused, 1);
    atomic_store(&script.work_ms, 60000);
    start();
    expect("paused battery low", 1);
    atomic_store(&is_paused, 0);
    expect("resumed", 1);
    ck_assert_int_eq(stop(), PS__CANCELLED);
}
END_TEST

START_TEST(a_second_watcher_is_told_who_watches) {
    ps__watch_result second;
    ps__error err = {0};
    char pid[32];
    start();
    expect("idle", 1);
    ck_assert_int_eq(ps__watch_run(&second, &options, &err), PS__BUSY);
    snprintf(pid, sizeof pid, "process %ld", (long)getpid());
    ck_assert_msg(library_says(err.text, pid), "%s", err.text);
    ck_assert_int_eq(stop(), PS__CANCELLED);
    atomic_store(&cancel, 0);
    options.once = 1;
    ck_assert_int_eq(ps__watch_run(&second, &options, &err), PS__OK);
}
END_TEST

START_TEST(the_lock_dies_with_its_process) {
    int fds[2], fd;
    char byte;
    ck_assert_int_eq(pipe(fds), 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (ps__watch_lock(&fd, library_dir, NULL) != PS__OK || write(fds[1], "x", 1) != 1) _exit(1);
        for (;;) pause();
    }
    ck_assert_int_eq(read(fds[0], &byte, 1), 1);
    ck_assert_int_eq(ps__watch_lock(&fd, library_dir, &error), PS__BUSY);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    ck_assert_int_eq(ps__watch_lock(&fd, library_dir, &error), PS__OK);
    close(fd);
    close(fds[0]);
    close(fds[1]);
}
END_TEST

START_TEST(senseless_options_are_refused) {
    ps__watch_result r;
    const char *empty[] = {""};
    options.indexer = NULL;
    ck_assert_int_eq(ps__watch_run(&r, &options, &error), PS__INVALID);
    options.indexer = &run_options;
    run_options.root_count = 0;
    ck_assert_int_eq(ps__watch_run(&r, &options, &error), PS__INVALID);
    run_options.root_count = 1;
    run_options.roots = empty;
    ck_assert_int_eq(ps__watch_run(&r, &options, &error), PS__INVALID);
    run_options = gallery_options();
    run_options.library = NULL;
    ck_assert_int_eq(ps__watch_run(&r, &options, &error), PS__INVALID);
}
END_TEST

/* ---- The indexer's runs ------------------------------------------------------------------------------------------------------- */

static int twins_of(const char *name) {
    ps__store *store;
    if (ps__store_open(&store, library_dir, PS__STORE_READ, NULL) != PS__OK) return 0;
    ps__store_close(store);
    return gallery_twins(name);
}

/* Waits until these names, and no more files than these, are in the library with so many files to each photo. */
typedef struct state {
    const char *name;
    int twins; /* 0: not there */
} state;

static int holds(const state *states, int files) {
    for (int i = 0; states[i].name; i++) {
        if (twins_of(states[i].name) != states[i].twins) return 0;
    }
    return gallery_counts().files == files;
}

#define expect_library(files, ...) expect_library_at(__LINE__, files, (const state[]){__VA_ARGS__, {NULL, 0}})
static void expect_library_at(int line, int files, const state *states) {
    for (int ms = 0; ms < WAIT_MS; ms += 20) {
        if (holds(states, files)) return;
        sleep_ms(20);
    }
    fprintf(stderr, "%s%s", told, gallery_log);
    for (int i = 0; states[i].name; i++) fprintf(stderr, "%s: %d\n", states[i].name, twins_of(states[i].name));
    ck_abort_msg("line %d: the library holds %d files, not %d, or others", line, (int)gallery_counts().files, files);
}

static void start_with(int photos) {
    gallery_write_many("a", photos);
    start();
    expect("idle", 1);
    atomic_store(&gallery_encodes, 0);
}

/* Ends the watch; a run by hand then finds nothing to do, and the photos were encoded so often since the first idle. */
static void stop_with(int files, int encodes) {
    ck_assert_int_eq(stop(), PS__CANCELLED);
    ck_assert_msg(atomic_load(&gallery_encodes) == encodes, "%d photos were encoded, not %d:%s", atomic_load(&gallery_encodes), encodes, told);
    gallery_expect(files, 0, 0, files, 0);
    gallery_check_library();
}

START_TEST(a_new_photo_is_indexed) {
    start_with(3);
    gallery_write("new.jpg", "new");
    expect_library(4, {"new.jpg", 1});
    stop_with(4, 1);
}
END_TEST

START_TEST(a_photo_that_is_written_slowly_is_read_once) {
    char path[LIBRARY_PATH];
    start_with(3);
    gallery_path(path, "slow.jpg");
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    for (int i = 0; i < 10; i++) {
        ck_assert_int_eq(write(fd, "part of it", 10), 10);
        sleep_ms(100);
    }
    ck_assert_int_eq(twins_of("slow.jpg"), 0);
    close(fd);
    gallery_age("slow.jpg", 3600, 777777);
    expect_library(4, {"slow.jpg", 1});
    stop_with(4, 1);
}
END_TEST

START_TEST(renames_and_moves_encode_nothing) {
    start_with(6);
    gallery_write("b/x.jpg", "x");
    expect_library(7, {"b/x.jpg", 1});
    atomic_store(&gallery_encodes, 0);
    gallery_move("a/000.jpg", "a/renamed.jpg");
    gallery_move("a/001.jpg", "b/moved.jpg");
    gallery_move("a/002.jpg", "a/002.JPG");
    expect_library(7, {"a/000.jpg", 0}, {"a/renamed.jpg", 1}, {"a/001.jpg", 0}, {"b/moved.jpg", 1}, {"a/002.jpg", 0},
                   {"a/002.JPG", 1});
    gallery_move("a", "b/a");
    expect_library(7, {"a/003.jpg", 0}, {"b/a/003.jpg", 1}, {"b/a/renamed.jpg", 1});
    stop_with(7, 0);
}
END_TEST

START_TEST(a_photo_that_leaves_and_comes_back_is_known_again) {
    char inside[LIBRARY_PATH], outside[LIBRARY_PATH];
    start_with(3);
    gallery_path(inside, "a/001.jpg");
    snprintf(outside, sizeof outside, "%.4000s/outside.jpg", library_temp);
    ck_assert_int_eq(rename(inside, outside), 0);
    expect_library(2, {"a/001.jpg", 0});
    ck_assert_int_eq(rename(outside, inside), 0);
    expect_library(3, {"a/001.jpg", 1});
    stop_with(3, 1);
}
END_TEST

START_TEST(deletions_links_and_copies_are_right) {
    char from[LIBRARY_PATH], to[LIBRARY_PATH];
    start_with(4);
    gallery_remove("a/000.jpg");
    gallery_path(from, "a/001.jpg");
    gallery_path(to, "a/link.jpg");
    ck_assert_int_eq(link(from, to), 0);
    gallery_write("a/copy.jpg", "photo a/002.jpg");
    expect_library(5, {"a/000.jpg", 0}, {"a/001.jpg", 2}, {"a/link.jpg", 2}, {"a/copy.jpg", 2}, {"a/002.jpg", 2});
    stop_with(5, 0);
}
END_TEST

START_TEST(a_photo_deleted_and_written_again_at_once_is_encoded_no_more) {
    options.settle_seconds = 1;
    start_with(3);
    gallery_remove("a/001.jpg");
    gallery_write("a/001.jpg", "photo a/001.jpg");
    expect("idle", 2);
    expect_library(3, {"a/001.jpg", 1});
    stop_with(3, 0);
}
END_TEST

START_TEST(overwritten_and_replaced_photos_are_encoded_again) {
    start_with(4);
    gallery_write("a/000.jpg", "overwritten in place");
    gallery_write("a/tmp", "written beside");
    gallery_move("a/001.jpg", "a/001.jpg~");
    gallery_move("a/tmp", "a/001.jpg");
    /* A restored backup has an old time, and may have the size of what it replaces. */
    gallery_write("a/002.jpg", "photo a/00X.jpg");
    gallery_age("a/002.jpg", 86400 * 400, 5555555);
    for (int ms = 0; ms < WAIT_MS && atomic_load(&gallery_encodes) < 3; ms += 5) sleep_ms(5);
    expect_library(4, {"a/000.jpg", 1}, {"a/001.jpg", 1}, {"a/002.jpg", 1});
    expect("idle", 2);
    stop_with(4, 3);
}
END_TEST

START_TEST(a_tree_that_is_copied_in_is_indexed_whole) {
    start_with(3);
    for (int i = 0; i < 40; i++) {
        char name[64], content[64];
        snprintf(name, sizeof name, "card/%d/deep/%d.jpg", i % 10, i);
        snprintf(content, sizeof content, "content %d", i);
        gallery_write(name, content);
    }
    expect_library(43, {"card/0/deep/0.jpg", 1}, {"card/9/deep/39.jpg", 1});
    stop_with(43, 40);
}
END_TEST

START_TEST(a_folder_that_is_deleted_leaves_the_library) {
    char path[LIBRARY_PATH];
    start_with(30);
    gallery_write_many("few", 4);
    expect_library(34, {"few/003.jpg", 1});
    gallery_path(path, "few");
    library_remove_tree(path);
    expect_library(30, {"few/003.jpg", 0});
    stop_with(30, 4);
}
END_TEST

START_TEST(a_root_that_comes_late_is_indexed_at_once) {
    char away[LIBRARY_PATH + 8];
    gallery_write_many("a", 3);
    snprintf(away, sizeof away, "%s.away", gallery_dir);
    ck_assert_int_eq(rename(gallery_dir, away), 0);
    start();
    expect("problem -4 in 2", 1);
    ck_assert_int_eq(rename(away, gallery_dir), 0);
    expect("idle", 1);
    expect_library(3, {"a/000.jpg", 1});
    /* And gone again, and back. */
    atomic_store(&gallery_encodes, 0);
    ck_assert_int_eq(rename(gallery_dir, away), 0);
    expect("problem -4 in 1", 2);
    ck_assert_int_eq(gallery_counts().photos, 3);
    ck_assert_int_eq(rename(away, gallery_dir), 0);
    expect("idle", 2);
    expect_library(3, {"a/000.jpg", 1});
    stop_with(3, 0);
}
END_TEST

START_TEST(new_photos_do_not_wait_for_a_long_first_run) {
    gallery_write_many("a", 400);
    atomic_store(&gallery_encode_ms, 50);
    start();
    expect("working", 1);
    gallery_write("new.jpg", "new");
    for (int ms = 0; ms < WAIT_MS && twins_of("new.jpg") == 0; ms += 20) sleep_ms(20);
    ck_assert_int_eq(twins_of("new.jpg"), 1);
    ck_assert_int_lt(atomic_load(&gallery_encodes), 400);
    atomic_store(&gallery_encode_ms, 0);
    expect_library(401, {"new.jpg", 1}, {"a/000.jpg", 1}, {"a/399.jpg", 1});
    expect("idle", 1);
    stop_with(401, 401);
}
END_TEST

START_TEST(indexing_by_hand_works_while_a_watch_idles) {
    start_with(3);
    char mark[64];
    snprintf(mark, sizeof mark, "stopped %d", PS__BUSY);
    gallery_expect(3, 0, 0, 3, 0);
    gallery_write("new.jpg", "new");
    expect_library(4, {"new.jpg", 1});
    expect("idle", 2);
    gallery_expect(4, 0, 0, 4, 0);
    ck_assert_int_eq(count_told(mark), 0);
    ck_assert_int_eq(stop(), PS__CANCELLED);
}
END_TEST

START_TEST(a_busy_library_is_waited_for) {
    ps__store *store = library_open(PS__STORE_CREATE);
    ck_assert_int_eq(ps__store_lock(store, &error), PS__OK);
    gallery_write_many("a", 3);
    start();
    expect("problem -13 in 1", 1);
    ps__store_close(store);
    expect("idle", 1);
    expect_library(3, {"a/002.jpg", 1});
    ck_assert_int_eq(stop(), PS__CANCELLED);
}
END_TEST

START_TEST(a_cancel_ends_it_in_the_middle_of_work) {
    gallery_write_many("a", 400);
    atomic_store(&gallery_encode_ms, 50);
    start();
    expect("working", 1);
    ck_assert_int_eq(stop(), PS__CANCELLED);
    ck_assert_int_lt(atomic_load(&gallery_encodes), 400);
    atomic_store(&gallery_encode_ms, 0);
    gallery_check_library();
}
END_TEST

Suite *suite_watch(void);
Suite *suite_watch(void) {
    const TTest *const made_up[] = {everything_comes_first_then_only_what_changed,
                                    what_happens_together_is_one_run,
                                    news_interrupt_long_work_and_come_first,
                                    what_an_interrupted_run_left_is_done_without_news,
                                    paths_of_a_failed_run_are_tried_again,
                                    once_ends_when_all_is_done,
                                    once_waits_for_what_is_being_written,
                                    once_does_not_wait_for_ever,
                                    everything_is_compared_now_and_then,
                                    what_cannot_be_watched_is_polled,
                                    an_overflow_compares_everything_even_in_the_middle_of_work,
                                    pauses_are_told,
                                    a_second_watcher_is_told_who_watches,
                                    the_lock_dies_with_its_process,
                                    senseless_options_are_refused};
    const TTest *const real[] = {a_new_photo_is_indexed,
                                 a_photo_that_is_written_slowly_is_read_once,
                                 renames_and_moves_encode_nothing,
                                 a_photo_that_leaves_and_comes_back_is_known_again,
                                 deletions_links_and_copies_are_right,
                                 a_photo_deleted_and_written_again_at_once_is_encoded_no_more,
                                 overwritten_and_replaced_photos_are_encoded_again,
                                 a_tree_that_is_copied_in_is_indexed_whole,
                                 a_folder_that_is_deleted_leaves_the_library,
                                 a_root_that_comes_late_is_indexed_at_once,
                                 new_photos_do_not_wait_for_a_long_first_run,
                                 indexing_by_hand_works_while_a_watch_idles,
                                 a_busy_library_is_waited_for,
                                 a_cancel_ends_it_in_the_middle_of_work};
    Suite *suite = suite_create("watch");
    TCase *tc = tcase_create("made-up runs");
    tcase_add_checked_fixture(tc, setup_made_up, gallery_teardown);
    tcase_set_timeout(tc, 120);
    for (size_t i = 0; i < sizeof made_up / sizeof *made_up; i++) tcase_add_test(tc, made_up[i]);
    tcase_add_loop_test(tc, a_failure_that_passes_is_told_and_waited_out, 0, 5);
    tcase_add_loop_test(tc, a_failure_that_does_not_pass_ends_it, 0, 4);
    suite_add_tcase(suite, tc);
    tc = tcase_create("the indexer's runs");
    tcase_add_checked_fixture(tc, setup, gallery_teardown);
    tcase_set_timeout(tc, 120);
    for (size_t i = 0; i < sizeof real / sizeof *real; i++) tcase_add_test(tc, real[i]);
    suite_add_tcase(suite, tc);
    return suite;
}
