/*
** Times the gazetteer: time_gazetteer FILE prints the medians of opening it, of the nearest place (positions near cities, positions
** anywhere on the globe) and of finding names, in microseconds of processor time, with the file in the page cache; and what the first
** answers cost in a process that has touched no page of it.
*/
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "store/gazetteer_inside.h"

enum { RUNS = 20000, OPENINGS = 200 };

static double now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e6 * (double)t.tv_sec + 1e-3 * (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void tell(const char *what, double *us, size_t count) {
    qsort(us, count, sizeof *us, by_value);
    printf("%-32s median %8.2f us   99 %% %8.2f us   most %8.2f us\n", what, us[count / 2], us[count * 99 / 100], us[count - 1]);
}

static double draw(void) {
    static uint64_t state = 88172645463325252ULL;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (double)(state >> 11) / 9007199254740992.0;
}

static void near(const ps__gazetteer *g, const char *what, int near_cities) {
    static double us[RUNS];
    int found = 0;
    for (int i = 0; i < RUNS; i++) {
        double latitude = draw() * 180 - 90, longitude = draw() * 360 - 180;
        if (near_cities) {
            const ps__gz_city *c = &g->cities[(uint32_t)(draw() * g->city_count)];
            latitude = c->latitude / PS__GZ_SCALE + draw() * 0.2 - 0.1;
            longitude = c->longitude / PS__GZ_SCALE + draw() * 0.2 - 0.1;
        }
        ps__place place;
        double start = now_us();
        found += ps__gazetteer_nearest(&place, g, latitude, longitude) == PS__OK;
        us[i] = now_us() - start;
    }
    tell(what, us, RUNS);
    printf("%-32s %d of %d found\n", "", found, RUNS);
}

static void names(const ps__gazetteer *g, int with_fold) {
    static double us[RUNS];
    for (int i = 0; i < RUNS; i++) {
        const char *name = ps__gz_string(g, g->cities[(uint32_t)(draw() * g->city_count)].name);
        ps__place places[16];
        ps__error err;
        char *folded;
        int prefix;
        double start = now_us();
        if (ps__gazetteer_fold(&folded, name, strlen(name), &err)) return;
        if (!with_fold) start = now_us();
        ps__gazetteer_find(places, 16, &prefix, g, folded, strlen(folded));
        us[i] = now_us() - start;
        ps__free(folded);
    }
    tell(with_fold ? "fold and find" : "find", us, RUNS);
}

int main(int argc, char **argv) {
    static double us[OPENINGS];
    ps__gazetteer *g = NULL;
    ps__place place;
    ps__error err;
    if (argc != 2) {
        fputs("usage: time_gazetteer FILE\n", stderr);
        return 2;
    }
    for (int i = 0; i < OPENINGS; i++) {
        ps__gazetteer_free(g);
        double start = now_us();
        if (ps__gazetteer_open(&g, argv[1], &err)) {
            fprintf(stderr, "%s\n", err.text);
            return 3;
        }
        us[i] = now_us() - start;
        if (i == 0) printf("first opening %.0f us\n", us[0]);
    }
    double start = now_us();
    ps__gazetteer_find(&place, 1, NULL, g, "lisbon", 6);
    printf("first name %.0f us, ", now_us() - start);
    start = now_us();
    ps__gazetteer_nearest(&place, g, 38.7, -9.1);
    printf("first position %.0f us, size %.1f MB\n", now_us() - start, (double)g->size / 1e6);
    tell("open", us, OPENINGS);
    near(g, "nearest, within 11 km of a city", 1);
    near(g, "nearest, anywhere", 0);
    names(g, 0);
    names(g, 1);
    ps__gazetteer_free(g);
    return 0;
}
