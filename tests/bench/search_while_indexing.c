/*
** What a search waits for while the library is being indexed: search_while_indexing FOLDER [PHOTOS [SECONDS]]. Makes a library of
** made-up vectors in FOLDER (a new one), then, for threads of one process and for processes of their own, lets 8 searchers ask every
** 30 ms while another process adds photos in batches of 40, removes some, encodes some anew for another model and freshens the
** cache every 5 seconds.
**
** On a machine with other work the clock tells little, so besides each search's time what it spent asleep is counted: time less
** what it ran and less what it waited for a processor (/proc/thread-self/schedstat). That is waiting for locks, for another's
** building and for the disk. Building that a search does itself shows as processor time.
*/
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/half.h"
#include "search/index.h"
#include "store/files.h"

enum { SEARCHERS = 8, DIM = 512, CENTRES = 1000, BATCH = 40, FILL_BATCH = 5000, SEARCHES_MOST = 20000, WANT = 20, FLUSH_S = 5 };
#define PAUSE_NS 30000000
#define LIMIT_MS 50.0
#define SPACE "bench-space"

typedef struct search_time {
    double wall, ran, asleep; /* ms */
} search_time;

typedef struct searcher {
    const char *folder;
    ps__index *index; /* shared by threads; NULL: this process makes its own */
    int number;
    int space;
    size_t count;
    long peak_kb;
    search_time first;
    search_time times[SEARCHES_MOST];
} searcher;

/* In memory that all processes share. */
typedef struct shared {
    atomic_int stop;
    atomic_long added;
    searcher searchers[SEARCHERS];
} shared;

static shared *common;
static float *centres;

static void fail(const char *what, const ps__error *err) {
    fprintf(stderr, "search_while_indexing: %s: %s\n", what, err->text);
    exit(3);
}

static float noise(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (float)(int32_t)(*state >> 32) / 2147483648.0f;
}

static void make_vector(float *v, uint16_t *halves, uint64_t *state, long i) {
    const float *centre = centres + (size_t)(i * 7919 % CENTRES) * DIM;
    float sum = 0.0f;
    for (int k = 0; k < DIM; k++) {
        v[k] = centre[k] + 0.7f * noise(state);
        sum += v[k] * v[k];
    }
    for (int k = 0; k < DIM; k++) v[k] /= sqrtf(sum);
    if (halves) ps__halves_from_floats(halves, v, DIM);
}

/* ---- The indexing side ---- */

static int add(ps__store *store, int space, const char *model, uint64_t *state, long i, ps__error *err) {
    float v[DIM];
    uint16_t halves[DIM];
    ps__photo photo = {.bytes = 3000000, .width = 4000, .height = 3000, .format = "jpeg"};
    ps__file_stat st = {3000000, 1000000000 + i, i + 1, 1};
    ps__file_done done = {.stat = st, .photo = &photo, .halves = halves};
    ps__file known;
    char path[64];
    snprintf(path, sizeof path, "/nowhere/photos/%03ld/IMG_%07ld.jpg", i / 1000, i);
    ps__store_hash(photo.hash, &i, sizeof i);
    make_vector(v, halves, state, i);
    int rc = ps__store_file(&known, store, path, NULL);
    done.file = known.id;
    if (rc == PS__NOTFOUND) rc = ps__store_file_add(&done.file, store, path, &st, 0, err);
    return rc == PS__OK ? ps__store_file_done(store, space, model, DIM, &done, err) : rc;
}

static void add_many(ps__store *store, int space, const char *model, uint64_t *state, long from, long to) {
    ps__error err = {0};
    int rc = ps__store_write(store, &err);
    for (long i = from; rc == PS__OK && i < to; i++) rc = add(store, space, model, state, i, &err);
    if (rc == PS__OK) rc = ps__store_commit(store, &err);
    if (rc != PS__OK) fail("adding", &err);
}

static void remove_many(ps__store *store, long from, long to) {
    ps__error err = {0};
    char path[64];
    int rc = ps__store_write(store, &err);
    for (long i = from; rc == PS__OK && i < to; i++) {
        ps__file file;
        snprintf(path, sizeof path, "/nowhere/photos/%03ld/IMG_%07ld.jpg", i / 1000, i);
        if ((rc = ps__store_file(&file, store, path, &err)) == PS__OK) rc = ps__store_file_removed(store, file.id, &err);
    }
    if (rc == PS__OK) rc = ps__store_sweep(store, &err);
    if (rc == PS__OK) rc = ps__store_commit(store, &err);
    if (rc != PS__OK) fail("removing", &err);
}

static double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

static ps__store *open_store(const char *folder, unsigned flags) {
    ps__error err = {0};
    ps__store *store;
    if (ps__store_open(&store, folder, flags, &err) != PS__OK) fail("opening", &err);
    return store;
}

static ps__index *open_index(const char *folder, int space) {
    ps__error err = {0};
    ps__index *index;
    ps__store *store = open_store(folder, PS__STORE_READ);
    if (ps__index_new(&index, store, SPACE, space, DIM, NULL, &err) != PS__OK) fail("the index", &err);
    ps__store_close(store);
    return index;
}

static void *freshen(void *payload) {
    const searcher *any = payload;
    ps__error err = {0};
    ps__index *index = open_index(any->folder, any->space);
    ps__store *store = open_store(any->folder, PS__STORE_READ);
    while (!atomic_load(&common->stop)) {
        double until = now_ms() + FLUSH_S * 1e3;
        while (!atomic_load(&common->stop) && now_ms() < until) usleep(100000);
        int stop = atomic_load(&common->stop);
        if ((stop ? ps__index_flush : ps__index_tend)(index, store, &err) != PS__OK) fail("freshening", &err);
    }
    ps__index_free(index);
    ps__store_close(store);
    return NULL;
}

/* Adds `rate` photos a second (0: as fast as it can) from photo `from` on; of the next old ones some go and some are encoded anew. */
static void index_photos(const char *folder, long from, long rate, int niceness, int freshens) {
    ps__error err = {0};
    ps__store *store = open_store(folder, PS__STORE_WRITE);
    int space, other;
    long old = from / 2, added = 0;
    uint64_t state = 88172645463325252u + (uint64_t)from;
    pthread_t flusher;
    setpriority(PRIO_PROCESS, 0, niceness);
    if (ps__store_lock(store, &err) != PS__OK) fail("locking", &err);
    if (ps__store_use_model(&other, store, "other", "other-space", DIM, &err) != PS__OK) fail("the other model", &err);
    if (ps__store_use_model(&space, store, "bench", SPACE, DIM, &err) != PS__OK) fail("the model", &err);
    searcher any = {.folder = folder, .space = space};
    if (freshens && pthread_create(&flusher, NULL, freshen, &any) != 0) abort();
    double start = now_ms();
    for (long n = 0; !atomic_load(&common->stop); n++) {
        add_many(store, space, "bench", &state, from + added, from + added + BATCH);
        added += BATCH;
        atomic_store(&common->added, added);
        if (n % 10 == 9) remove_many(store, from + added - BATCH, from + added - BATCH / 2);
        if (n % 10 == 4) add_many(store, other, "other", &state, old, old + BATCH);
        old += n % 10 == 4 ? BATCH : 0;
        double due = rate ? start + 1e3 * (double)added / (double)rate : 0;
        while (now_ms() < due && !atomic_load(&common->stop)) usleep(2000);
    }
    if (freshens) pthread_join(flusher, NULL);
    ps__store_close(store);
}

/* ---- The searching side ---- */

/* What this thread has run and waited for a processor so far, ms. */
static void scheduled(double *ran, double *queued) {
    char text[128] = "";
    unsigned long long a = 0, b = 0;
    int fd = open("/proc/thread-self/schedstat", O_RDONLY);
    if (fd >= 0 && read(fd, text, sizeof text - 1) > 0) sscanf(text, "%llu %llu", &a, &b);
    if (fd >= 0) close(fd);
    *ran = (double)a / 1e6;
    *queued = (double)b / 1e6;
}

static search_time search_once(searcher *s, ps__index *index, ps__store *store, uint64_t *state) {
    ps__error err = {0};
    ps__candidate found[WANT];
    size_t count;
    float query[DIM];
    double ran, queued, ran_then, queued_then;
    make_vector(query, NULL, state, (long)(*state % 100003));
    scheduled(&ran, &queued);
    double start = now_ms();
    if (ps__index_search(found, &count, index, store, query, WANT, &err) != PS__OK) fail("searching", &err);
    double wall = now_ms() - start;
    scheduled(&ran_then, &queued_then);
    double asleep = wall - (ran_then - ran) - (queued_then - queued);
    if (count != WANT) fprintf(stderr, "searcher %d found only %zu\n", s->number, count);
    return (search_time){wall, ran_then - ran, asleep > 0 ? asleep : 0};
}

static void *search_on(void *payload) {
    searcher *s = payload;
    ps__index *own = s->index ? NULL : open_index(s->folder, s->space);
    ps__store *store = open_store(s->folder, PS__STORE_READ);
    uint64_t state = 1234567 + (uint64_t)s->number * 7919;
    struct rusage usage;
    s->count = 0;
    s->first = search_once(s, own ? own : s->index, store, &state);
    while (!atomic_load(&common->stop) && s->count < SEARCHES_MOST) {
        const struct timespec pause = {0, PAUSE_NS};
        nanosleep(&pause, NULL);
        s->times[s->count++] = search_once(s, own ? own : s->index, store, &state);
    }
    getrusage(RUSAGE_SELF, &usage);
    s->peak_kb = usage.ru_maxrss;
    ps__store_close(store);
    ps__index_free(own);
    return NULL;
}

/* ---- Putting it together ---- */

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_line(const char *what, double *values, size_t n) {
    size_t above = 0;
    qsort(values, n, sizeof *values, by_value);
    for (size_t i = 0; i < n; i++) above += values[i] > LIMIT_MS;
    printf("    %-7s median %7.2f  p99 %8.2f  max %8.2f ms, above 50 ms: %zu\n", what, n ? values[n / 2] : 0,
           n ? values[n * 99 / 100] : 0, n ? values[n - 1] : 0, above);
}

static void report(const char *kind, long rate, int niceness, int freshens) {
    static double wall[SEARCHERS * SEARCHES_MOST], ran[SEARCHERS * SEARCHES_MOST], asleep[SEARCHERS * SEARCHES_MOST];
    double first = 0;
    long peak = 0;
    size_t n = 0;
    char speed[32] = "at full speed";
    for (int i = 0; i < SEARCHERS; i++) {
        const searcher *s = &common->searchers[i];
        if (s->first.wall > first) first = s->first.wall;
        if (s->peak_kb > peak) peak = s->peak_kb;
        for (size_t k = 0; k < s->count; k++, n++) {
            wall[n] = s->times[k].wall;
            ran[n] = s->times[k].ran;
            asleep[n] = s->times[k].asleep;
        }
    }
    if (rate) snprintf(speed, sizeof speed, "%ld a second", rate);
    printf("%d %s, indexing %s (%ld added), nice %d, %s: %zu searches; slowest first one %.0f ms; peak %ld MB\n", SEARCHERS, kind,
           speed, atomic_load(&common->added), niceness, freshens ? "cache freshened" : "cache left alone", n, first, peak / 1024);
    print_line("clock", wall, n);
    print_line("ran", ran, n);
    print_line("asleep", asleep, n);
    fflush(stdout);
}

static pid_t start_searchers(const char *folder, int space, int processes, pid_t children[SEARCHERS]) {
    int single = !processes;
    for (int i = 0; i < SEARCHERS; i++) {
        searcher *s = &common->searchers[i];
        memset(s, 0, sizeof *s);
        s->folder = folder;
        s->number = i;
        s->space = space;
    }
    for (int i = 0; i < (single ? 1 : SEARCHERS); i++) {
        if ((children[i] = fork()) != 0) continue;
        if (single) {
            pthread_t threads[SEARCHERS];
            ps__index *index = open_index(folder, space);
            for (int k = 0; k < SEARCHERS; k++) common->searchers[k].index = index;
            for (int k = 0; k < SEARCHERS; k++)
                if (pthread_create(&threads[k], NULL, search_on, &common->searchers[k]) != 0) abort();
            for (int k = 0; k < SEARCHERS; k++) pthread_join(threads[k], NULL);
            ps__index_free(index);
        } else {
            search_on(&common->searchers[i]);
        }
        _exit(0);
    }
    return children[0];
}

static long run(const char *folder, int space, long from, int processes, long rate, int niceness, int freshens, int seconds) {
    pid_t children[SEARCHERS], indexer;
    atomic_store(&common->stop, 0);
    atomic_store(&common->added, 0);
    start_searchers(folder, space, processes, children);
    usleep(500000);
    if ((indexer = fork()) == 0) {
        index_photos(folder, from, rate, niceness, freshens);
        _exit(0);
    }
    sleep((unsigned)seconds);
    atomic_store(&common->stop, 1);
    for (int i = 0; i < (processes ? SEARCHERS : 1); i++) waitpid(children[i], NULL, 0);
    waitpid(indexer, NULL, 0);
    report(processes ? "processes" : "threads", rate, niceness, freshens);
    return from + atomic_load(&common->added);
}

int main(int argc, char **argv) {
    long photos = argc > 2 ? atol(argv[2]) : 100000, next = photos;
    int seconds = argc > 3 ? atoi(argv[3]) : 15, space;
    uint64_t state = 88172645463325252u;
    ps__error err = {0};
    if (argc < 2 || photos < WANT || seconds < 1) {
        fputs("usage: search_while_indexing FOLDER [PHOTOS [SECONDS]]\n", stderr);
        return 2;
    }
    common = mmap(NULL, sizeof *common, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    centres = calloc((size_t)CENTRES * DIM, sizeof *centres);
    if (common == MAP_FAILED || !centres) abort();
    for (long i = 0; i < (long)CENTRES * DIM; i++) centres[i] = noise(&state);
    ps__store *store = open_store(argv[1], PS__STORE_CREATE);
    if (ps__store_use_model(&space, store, "bench", SPACE, DIM, &err) != PS__OK) fail("the model", &err);
    for (long i = 0; i < photos; i += FILL_BATCH)
        add_many(store, space, "bench", &state, i, i + FILL_BATCH < photos ? i + FILL_BATCH : photos);
    ps__store_close(store);
    static const struct {
        long rate;
        int niceness, freshens;
    } ways[] = {{400, 10, 1}, {400, 0, 1}, {400, 10, 0}, {0, 10, 1}, {0, 0, 1}};
    /* The very first round also finds a library without any cache. */
    for (int processes = 0; processes < 2; processes++)
        for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
            next = run(argv[1], space, next, processes, ways[i].rate, ways[i].niceness, ways[i].freshens, seconds);
    free(centres);
    return 0;
}
