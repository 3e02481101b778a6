/*
** What filtered search takes, in process: filtered LIBRARY MODEL WORDS. For selections of several sizes, made by spans of time,
** and for other kinds of filters: milliseconds for the columns, the filters and the exact search of 50 photos, the median of 41
** searches for words and for photos of the library in turns (RAW=1 in the environment prints each). LIBRARY is one of
** fill_library. On a machine that is busy with other things, CPU=1 in the environment gives processor time instead; all of it is
** spent on one thread.
*/
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/half.h"
#include "encoder/encoder.h"
#include "search/filter.h"
#include "search/index.h"

enum { ROUNDS = 41, WARM = 3, WANT = 50, MOST_QUERIES = 64 };

typedef struct bench {
    ps__store *store;
    ps__columns *columns;
    ps__index *index;
    ps__gazetteer *gazetteer; /* NULL: there is none */
    int space, dim, queries;
    float *query; /* [queries][dim] */
    int raw;
} bench;

static void fail(const char *what, const ps__error *err) {
    fprintf(stderr, "filtered: %s: %s\n", what, err->text);
    exit(3);
}

static clockid_t used_clock = CLOCK_MONOTONIC;

static double now_ms(void) {
    struct timespec t;
    clock_gettime(used_clock, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(const bench *b, const char *what, double *ms) {
    if (b->raw) {
        printf("    %s:", what);
        for (int i = 0; i < ROUNDS; i++) printf(" %.2f", ms[i]);
        puts("");
    }
    qsort(ms, ROUNDS, sizeof *ms, by_size);
    return ms[ROUNDS / 2];
}

/* The lines of WORDS as vectors, and as many of photos. */
static void make_queries(bench *b, ps__encoder *encoder, const char *words) {
    ps__error err = {0};
    ps__session *session;
    char line[256];
    FILE *file = fopen(words, "r");
    if (!file) {
        perror(words);
        exit(2);
    }
    if (ps__session_new(&session, encoder, &err)) fail("a session", &err);
    while (b->queries < MOST_QUERIES && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = 0;
        if (!line[0] || line[0] == '#') continue;
        if (ps__encode_text(b->query + b->queries * b->dim, session, line, strlen(line), &err)) fail("encoding", &err);
        b->queries++;
    }
    fclose(file);
    ps__session_free(session);
    for (int64_t photo = 17, n = b->queries; n > 0 && b->queries < MOST_QUERIES; n--, photo += 1237) {
        uint16_t *halves = calloc((size_t)b->dim, sizeof *halves);
        uint8_t found = 0;
        if (!halves || ps__store_vectors(halves, &found, b->store, b->space, &photo, 1, &err)) fail("a vector", &err);
        if (found) ps__halves_to_floats(b->query + b->queries++ * b->dim, halves, (size_t)b->dim);
        free(halves);
    }
}

/* One line of figures. */
static void measure(const bench *b, const char *name, const ps__filter *filters, size_t filter_count) {
    double take[ROUNDS], select[ROUNDS], search[ROUNDS], dates[ROUNDS], all[ROUNDS];
    ps__candidate found[WANT];
    ps__dated dated[WANT];
    ps__error err = {0};
    size_t selected = 0, count;
    if (b->raw) printf("  %s\n", name);
    for (int i = -WARM; i < ROUNDS; i++) {
        const float *query = b->query + (i + WARM) % b->queries * b->dim;
        ps__table *table;
        ps__selection s;
        double t0 = now_ms();
        if (ps__store_begin(b->store, &err) || ps__columns_take(&table, b->columns, b->store, &err)) fail("columns", &err);
        double t1 = now_ms();
        if (ps__filter_select(&s, table, b->store, b->gazetteer, filters, filter_count, &err)) fail("filters", &err);
        double t2 = now_ms();
        if (ps__index_search_in(found, &count, b->index, b->store, &s, query, WANT, &err)) fail("searching", &err);
        double t3 = now_ms();
        if (ps__selection_by_date(dated, &count, &s, 0, NULL, WANT, &err)) fail("dates", &err);
        double t4 = now_ms();
        selected = s.count;
        ps__store_end(b->store);
        ps__selection_clear(&s);
        ps__table_put(table);
        if (i < 0) continue;
        take[i] = t1 - t0;
        select[i] = t2 - t1;
        search[i] = t3 - t2;
        dates[i] = t4 - t3;
        all[i] = t3 - t0;
    }
    double ta = median(b, "columns", take), se = median(b, "filters", select), sr = median(b, "search", search);
    double da = median(b, "by date", dates), al = median(b, "all", all);
    printf("%-34s %8zu %9.3f %9.3f %9.3f %9.3f %9.3f\n", name, selected, ta, se, sr, al, da);
}

static void measure_spans(const bench *b) {
    static const struct {
        const char *name;
        int days;
    } spans[] = {{"0.01 % (a day)", 1}, {"1 % (100 days)", 100}, {"10 % (1,000 days)", 1000}, {"50 % (5,000 days)", 5000}};
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) {
        ps__error err = {0};
        ps__filter f = {.kind = PS__FILTER_WHEN};
        int64_t from = (int64_t)(10957 + 2003) * 86400, days = spans[i].days * 10 / 9 + (spans[i].days == 1 ? 0 : 1);
        if (ps__when_span(&f.when, from, from + days * 86400, &err)) fail("a span", &err);
        measure(b, spans[i].name, &f, 1);
        ps__when_clear(&f.when);
    }
    measure(b, "100 %", NULL, 0);
}

static void measure_kinds(const bench *b) {
    ps__filter night = {.kind = PS__FILTER_WHEN, .lenient = 1}, near = {.kind = PS__FILTER_WHERE, .where = {.near = 1, .radius_km = 50}};
    ps__filter camera = {.kind = PS__FILTER_CAMERA, .text = (char *)(uintptr_t)"nikon", .group = 1};
    ps__filter words = {.kind = PS__FILTER_WORDS, .text = (char *)(uintptr_t)"sunset number"};
    ps__filter folder = {.kind = PS__FILTER_FOLDER, .text = (char *)(uintptr_t)"042"};
    ps__filter everywhere = {.kind = PS__FILTER_FOLDER, .text = (char *)(uintptr_t)"photos"};
    ps__filter name = {.kind = PS__FILTER_NAME, .text = (char *)(uintptr_t)"IMG_00421*"};
    ps__filter any = {.kind = PS__FILTER_NAME, .text = (char *)(uintptr_t)"*421*"};
    ps__error err = {0};
    if (ps__when_span(&night.when, PS__WHEN_FIRST, PS__WHEN_LAST, &err)) fail("a span", &err);
    night.when.minute_from = 21 * 60;
    night.when.minute_to = 5 * 60;
    near.where.place.latitude = 47.27;
    near.where.place.longitude = 11.39;
    measure(b, "at night (lenient)", &night, 1);
    measure(b, "within 50 km", &near, 1);
    if (b->gazetteer) {
        static const char *const places[] = {"austria", "innsbruck", "europe", "alps"};
        for (size_t i = 0; i < 4; i++) {
            ps__filter in = {.kind = PS__FILTER_WHERE};
            char label[64];
            snprintf(label, sizeof label, "in %s", places[i]);
            if (ps__gazetteer_find(&in.where.place, 1, NULL, b->gazetteer, places[i], strlen(places[i]))) measure(b, label, &in, 1);
        }
    }
    const ps__filter both[] = {night, camera};
    measure(b, "at night, with the Nikon", both, 2);
    measure(b, "with the text \"sunset number\"", &words, 1);
    measure(b, "in folder 042", &folder, 1);
    measure(b, "in folder photos (all)", &everywhere, 1);
    measure(b, "named IMG_00421*", &name, 1);
    measure(b, "named *421*", &any, 1);
    ps__when_clear(&night.when);
}

/* What a process pays once: the table from its file, and opening the index. */
static void measure_first(const bench *b) {
    double cached[ROUNDS], first[ROUNDS];
    ps__error err = {0};
    for (int i = 0; i < ROUNDS; i++) {
        ps__columns *columns;
        ps__index *index;
        ps__table *table;
        ps__selection s;
        ps__candidate found[WANT];
        size_t count;
        ps__filter f = {.kind = PS__FILTER_KIND, .value = PS__KIND_SCREENSHOT, .negative = 1};
        double t0 = now_ms();
        if (ps__columns_new(&columns, b->store, NULL, &err) || ps__store_begin(b->store, &err)) fail("columns", &err);
        if (ps__columns_take(&table, columns, b->store, &err)) fail("columns", &err);
        double t1 = now_ms();
        if (ps__index_new(&index, b->store, "lite2-384-b", b->space, b->dim, NULL, &err)) fail("index", &err);
        if (ps__filter_select(&s, table, b->store, NULL, &f, 1, &err)) fail("filter", &err);
        if (ps__index_search_in(found, &count, index, b->store, &s, b->query, WANT, &err)) fail("searching", &err);
        ps__store_end(b->store);
        first[i] = now_ms() - t1;
        cached[i] = t1 - t0;
        ps__selection_clear(&s);
        ps__table_put(table);
        ps__columns_free(columns);
        ps__index_free(index);
    }
    double c = median(b, "columns from their file", cached), f = median(b, "first search", first);
    printf("once a process: columns from their file %.2f ms; a first search with 97 %% selected, index opened %.2f ms\n", c, f);
}

int main(int argc, char **argv) {
    ps__error err = {0};
    ps__encoder *encoder;
    bench b = {.raw = getenv("RAW") != NULL};
    double load[1] = {0};
    if (argc != 4) {
        fputs("usage: filtered LIBRARY MODEL WORDS\n", stderr);
        return 2;
    }
    if (ps__encoder_open(&encoder, argv[2], NULL, &err)) fail(argv[2], &err);
    const ps__encoder_info *about = ps__encoder_about(encoder);
    b.dim = about->dim;
    b.query = calloc(MOST_QUERIES * (size_t)b.dim, sizeof *b.query);
    if (!b.query) return 3;
    if (ps__store_open(&b.store, argv[1], PS__STORE_READ, &err) ||
        ps__store_find_space(&b.space, b.store, about->space, b.dim, &err) ||
        ps__index_new(&b.index, b.store, about->space, b.space, b.dim, NULL, &err) ||
        ps__columns_new(&b.columns, b.store, NULL, &err) || ps__columns_tend(b.columns, b.store, &err) ||
        ps__index_flush(b.index, b.store, &err))
        fail(argv[1], &err);
    if (ps__gazetteer_open(&b.gazetteer, "build/places.gazetteer", &err)) b.gazetteer = NULL;
    make_queries(&b, encoder, argv[3]);
    if (getenv("CPU")) used_clock = CLOCK_PROCESS_CPUTIME_ID;
    getloadavg(load, 1);
    printf("%d queries, %d results, load %.2f, ms %s\n", b.queries, WANT, load[0],
           used_clock == CLOCK_MONOTONIC ? "by the clock" : "of processor time");
    printf("%-34s %8s %9s %9s %9s %9s %9s\n", "filter", "photos", "columns", "filters", "search", "all, ms", "by date");
    measure_spans(&b);
    measure_kinds(&b);
    measure_first(&b);
    ps__gazetteer_free(b.gazetteer);
    ps__columns_free(b.columns);
    ps__index_free(b.index);
    ps__store_close(b.store);
    ps__encoder_free(encoder);
    free(b.query);
    return 0;
}
