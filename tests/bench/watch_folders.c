/*
** What watching costs: watch_folders DIR COUNT SECONDS makes COUNT folders in DIR (100 in each, three deep), unless they are there, watches
** them with runs that do nothing, and says how long setting the watches took, what memory they cost, and how much processor time SECONDS
** of idling used. DIR stays.
*/
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/os.h"
#include "indexer/watch.h"

static atomic_int cancel;
static double began, idle_began, cpu_began;
static long switches_began;
static int seconds;

static double now(void) { return (double)ps__os.monotonic_ns() / 1e9; }

static double cpu(long *switches) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    *switches = u.ru_nvcsw + u.ru_nivcsw;
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static long resident_kb(void) {
    long pages = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%ld %ld", &pages, &resident) != 2) resident = 0;
    if (f) fclose(f);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static int make_folders(const char *dir, int count) {
    char path[4096];
    for (int i = 0; i < count; i++) {
        int length = snprintf(path, sizeof path, "%s/f%03d/f%03d/folder-%06d", dir, i / 10000, i / 100 % 100, i);
        if (length >= (int)sizeof path || ps__make_folders(path, NULL) != PS__OK) return -1;
    }
    return 0;
}

static int no_run(ps__indexer_result *result, const ps__indexer_options *options, ps__error *err, void *payload) {
    (void)payload;
    (void)options, (void)err;
    memset(result, 0, sizeof *result);
    return PS__OK;
}

static void on_event(const ps__watch_event *e, void *payload) {
    long before = *(long *)payload;
    if (e->kind == PS__WATCH_STARTED) {
        printf("{\"watched\":%lld,\"seconds\":%.3f,\"bytes_a_folder\":%.1f,\"resident_kb\":%ld,\"limited\":%d}\n",
               (long long)e->watched.watched, now() - began, (double)e->watched.bytes / (double)(e->watched.watched + 1),
               resident_kb() - before, e->watched.limited);
    } else if (e->kind == PS__WATCH_IDLE) {
        idle_began = now();
        cpu_began = cpu(&switches_began);
        alarm((unsigned)seconds);
    }
}

static void on_alarm(int signal) {
    (void)signal;
    atomic_store(&cancel, 1);
}

int main(int argc, char **argv) {
    ps__error err = {0};
    ps__watch_result result;
    long before, switches;
    if (argc != 4 || atoi(argv[2]) < 1 || atoi(argv[3]) < 1) return fputs("usage: watch_folders DIR COUNT SECONDS\n", stderr), 2;
    seconds = atoi(argv[3]);
    if (make_folders(argv[1], atoi(argv[2])) != 0) return fputs("the folders could not be made\n", stderr), 1;
    char library[4096];
    snprintf(library, sizeof library, "%.4000s/.library", argv[1]);
    const char *roots[] = {argv[1]};
    ps__indexer_options run = {.library = library, .roots = roots, .root_count = 1, .cancel = &cancel};
    ps__watch_options options = {.indexer = &run, .event = on_event, .payload = &before, .run = no_run};
    signal(SIGALRM, on_alarm);
    before = resident_kb();
    began = now();
    if (ps__watch_run(&result, &options, &err) != PS__CANCELLED) return fprintf(stderr, "%s\n", err.text), 1;
    double used = cpu(&switches) - cpu_began;
    printf("{\"idle_seconds\":%.1f,\"cpu_seconds\":%.4f,\"context_switches\":%ld}\n", now() - idle_began, used,
           switches - switches_began);
    return 0;
}
