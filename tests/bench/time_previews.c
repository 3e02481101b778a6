/*
** Times previews: time_previews RUNS FILE... reads, finds and decodes the preview of each file to 192 x 192 as indexing does, and prints
** the median of each step in milliseconds of processor time, with the file in the page cache. A warm-up run is dropped.
*/
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "encoder/pixels/preview.h"

enum { READ_HEAD, FIND, READ_PREVIEW, DECODE, WHOLE, STEPS };

static double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Bytes read. */
static size_t read_part(const char *path, uint8_t *to, uint64_t offset, size_t size) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : pread(fd, to, size, (off_t)offset);
    if (fd >= 0) close(fd);
    return got < 0 ? 0 : (size_t)got;
}

/* One run; 0 when the file has no preview that can be decoded. */
static int run(const char *path, uint8_t *buffer, size_t room, double step_ms[STEPS], uint64_t *length) {
    static const ps__pixels_options options = {192, 192, PS__FIT_SQUASH, 0, 0, 0, 0};
    struct stat st;
    ps__preview_place place;
    ps__pixels pixels;
    ps__error err = {0};
    if (stat(path, &st)) return 0;
    double start = now_ms(), t[STEPS];
    size_t got = read_part(path, buffer, 0, PS__PREVIEW_HEAD);
    t[READ_HEAD] = now_ms();
    int status = ps__preview_find(&place, buffer, got, (uint64_t)st.st_size, path, &err);
    t[FIND] = now_ms();
    got = status || place.length > room ? 0 : read_part(path, buffer, place.offset, (size_t)place.length);
    t[READ_PREVIEW] = now_ms();
    if (!status) status = ps__preview_decode(&pixels, &place, buffer, got, path, &options, &err);
    t[DECODE] = now_ms();
    step_ms[WHOLE] = t[DECODE] - start;
    for (int i = READ_HEAD; i <= DECODE; i++) step_ms[i] = t[i] - (i ? t[i - 1] : start);
    *length = place.length;
    if (status) {
        fprintf(stderr, "%s\n", err.text);
        return 0;
    }
    ps__pixels_clear(&pixels);
    return 1;
}

int main(int argc, char **argv) {
    const size_t room = (size_t)64 << 20;
    int runs = argc > 2 ? atoi(argv[1]) : 0, missing = 0;
    if (runs < 1) {
        fputs("usage: time_previews RUNS FILE...\n", stderr);
        return 2;
    }
    uint8_t *buffer = malloc(room);
    double *ms[STEPS], all[STEPS] = {0};
    for (int s = 0; s < STEPS; s++) ms[s] = calloc((size_t)runs, sizeof *ms[s]);
    if (!buffer || !ms[WHOLE]) return 3;
    printf("%9s %9s %9s %9s %9s  %9s  %s\n", "head", "find", "read", "decode", "all ms", "bytes", "file");
    for (int f = 2; f < argc; f++) {
        double step[STEPS];
        uint64_t length = 0;
        int good = 1;
        for (int i = -1; i < runs && good; i++) {
            good = run(argv[f], buffer, room, step, &length);
            for (int s = 0; s < STEPS && i >= 0; s++) ms[s][i] = step[s];
        }
        if (!good) {
            missing++;
            continue;
        }
        for (int s = 0; s < STEPS; s++) {
            qsort(ms[s], (size_t)runs, sizeof **ms, by_value);
            printf("%9.3f ", ms[s][runs / 2]);
            all[s] += ms[s][runs / 2];
        }
        printf(" %9llu  %s\n", (unsigned long long)length, argv[f]);
    }
    for (int s = 0; s < STEPS && argc - 2 > missing; s++) printf("%9.3f ", all[s] / (argc - 2 - missing));
    printf("%12smean of %d files; %d without a preview\n", "", argc - 2 - missing, missing);
    return 0;
}
