/*
** What the decoder process costs: build/plain/tests/bench/sandbox RUNS PHOTO... decodes each photo to the encoder's input here
** and in a sandbox, one after the other, and prints medians, the time to start a process, and the memory of one.
*/
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/os.h"
#include "encoder/sandbox/sandbox.h"

enum { SIDE = 192 /* what the shipped model takes */, MOST_RUNS = 1000 };

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts the times and returns the middle one. */
static double median(double *times, int count) {
    qsort(times, (size_t)count, sizeof *times, ascending);
    return times[count / 2];
}

static double now_ms(void) { return (double)ps__os.monotonic_ns() / 1e6; }

static void fail(const ps__error *err) {
    fprintf(stderr, "sandbox: %s\n", err->text);
    exit(1);
}

static void measure_start(int runs) {
    double times[MOST_RUNS];
    ps__error err;
    for (int i = -1; i < runs; i++) { /* the first is dropped */
        ps__sandbox *s;
        double start = now_ms();
        if (ps__sandbox_new(&s, NULL, &err)) fail(&err);
        if (i >= 0) times[i] = now_ms() - start;
        ps__sandbox_free(s);
    }
    double middle = median(times, runs);
    printf("%-44s %8.2f ms, best %.2f\n", "starting a decoder process", middle, times[0]);
}

/* CPU time of this process, and of the sandbox's where there is one. */
static double cpu_ms(ps__sandbox *s) {
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec * 1e3 + (double)used.tv_nsec / 1e6 + (s ? (double)ps__sandbox_cpu_ns(s) / 1e6 : 0);
}

static const ps__pixels_options wanted = {.width = SIDE, .height = SIDE, .fit = PS__FIT_SQUASH};

typedef struct times {
    double wall[MOST_RUNS]; /* ms */
    double cpu;             /* ms, of all runs */
} times;

static void decode_here(times *t, int run, const uint8_t *bytes, size_t size, const char *path) {
    ps__pixels pixels;
    ps__error err;
    double start = now_ms(), cpu = cpu_ms(NULL);
    if (ps__pixels_decode(&pixels, bytes, size, path, &wanted, &err)) fail(&err);
    ps__pixels_clear(&pixels);
    if (run < 0) return;
    t->wall[run] = now_ms() - start;
    t->cpu += cpu_ms(NULL) - cpu;
}

/* The caller reads a file into the buffer, as it would into its own memory; so the copy is not counted. */
static void decode_there(times *t, int run, ps__sandbox *s, const uint8_t *bytes, size_t size, const char *path) {
    ps__pixels pixels;
    ps__error err;
    uint8_t *buffer = ps__sandbox_buffer(s, size);
    if (!buffer) exit(1);
    memcpy(buffer, bytes, size);
    double start = now_ms(), cpu = cpu_ms(s);
    if (ps__sandbox_decode(&pixels, s, size, path, &wanted, &err)) fail(&err);
    ps__pixels_clear(&pixels);
    if (run < 0) return;
    t->wall[run] = now_ms() - start;
    t->cpu += cpu_ms(s) - cpu;
}

static void measure_photo(ps__sandbox *s, const char *path, int runs) {
    static times here, there;
    uint8_t *bytes;
    size_t size;
    ps__error err;
    here.cpu = there.cpu = 0;
    if (ps__read_file(&bytes, &size, NULL, path, PS__MAX_FILE_BYTES, &err)) fail(&err);
    for (int i = -1; i < runs; i++) { /* the first is dropped */
        decode_here(&here, i, bytes, size, path);
        decode_there(&there, i, s, bytes, size, path);
    }
    const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    double in = median(here.wall, runs), out = median(there.wall, runs);
    printf("%-32.32s here %8.3f ms, best %8.3f, CPU %8.3f    there %8.3f ms, best %8.3f, CPU %8.3f\n", name, in, here.wall[0],
           here.cpu / runs, out, there.wall[0], there.cpu / runs);
    ps__free(bytes);
}

/* The lines of /proc/PID/FILE that begin with one of the words. */
static void print_lines(long pid, const char *file, const char *const words[]) {
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/%ld/%s", pid, file);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f))
        for (int i = 0; words[i]; i++)
            if (!strncmp(line, words[i], strlen(words[i]))) printf("  %s", line);
    if (f) fclose(f);
}

/* Memory of the children of this process. */
static void print_memory(void) {
    static const char *const status[] = {"VmHWM", "VmRSS", "RssAnon", "RssFile", "RssShmem", NULL}, *const smaps[] = {"Pss:",
                                                                                                                      NULL};
    DIR *dir = opendir("/proc");
    for (struct dirent *d; dir && (d = readdir(dir)) != NULL;) {
        char path[300];
        long parent = 0;
        snprintf(path, sizeof path, "/proc/%s/stat", d->d_name);
        FILE *f = d->d_name[0] >= '1' && d->d_name[0] <= '9' ? fopen(path, "r") : NULL;
        if (f && fscanf(f, "%*d (%*[^)]) %*c %ld", &parent) == 1 && parent == (long)getpid()) {
            puts("memory of the decoder process:");
            print_lines(strtol(d->d_name, NULL, 10), "status", status);
            print_lines(strtol(d->d_name, NULL, 10), "smaps_rollup", smaps);
        }
        if (f) fclose(f);
    }
    if (dir) closedir(dir);
}

int main(int argc, char **argv) {
    int runs = argc > 1 ? atoi(argv[1]) : 0;
    ps__sandbox *s;
    ps__error err;
    if (argc < 3 || runs < 1 || runs > MOST_RUNS) {
        fputs("usage: sandbox RUNS PHOTO...\n", stderr);
        return 2;
    }
    measure_start(runs);
    if (ps__sandbox_new(&s, NULL, &err)) fail(&err);
    print_memory();
    for (int i = 2; i < argc; i++) measure_photo(s, argv[i], runs);
    print_memory();
    printf("CPU time of the decoder process: %.1f ms\n", (double)ps__sandbox_cpu_ns(s) / 1e6);
    ps__sandbox_free(s);
    return 0;
}
