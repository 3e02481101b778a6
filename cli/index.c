/*
** photosearch index PATH...
*/
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/commands.h"

#define BAR 24

/* "1:05", "2:03:10" */
static void print_duration(FILE *to, double seconds) {
    unsigned long s = (unsigned long)(seconds + 0.5);
    if (s >= 3600)
        fprintf(to, "%lu:%02lu:%02lu", s / 3600, s / 60 % 60, s % 60);
    else
        fprintf(to, "%lu:%02lu", s / 60, s % 60);
}

static void draw_progress(const ps_progress *p) {
    char bar[BAR + 1];
    size_t full = p->total ? (size_t)(p->done * BAR / p->total) : 0;
    fputs("\r\033[K", stderr);
    if (p->phase == PS_PHASE_SCAN) {
        fprintf(stderr, "looking: %llu images found", (unsigned long long)p->found);
    } else if (p->phase == PS_PHASE_ENCODE && p->total) {
        memset(bar, '.', BAR);
        memset(bar, '#', full < BAR ? full : BAR);
        bar[BAR] = 0;
        fprintf(stderr, "[%s] %llu/%llu", bar, (unsigned long long)p->done, (unsigned long long)p->total);
        if (p->photos_per_second > 0) fprintf(stderr, "  %.1f/s", p->photos_per_second);
        if (p->seconds_left >= 0) {
            fputs("  ", stderr);
            print_duration(stderr, p->seconds_left);
            fputs(" left", stderr);
        }
        if (p->failed) fprintf(stderr, "  %llu failed", (unsigned long long)p->failed);
    }
    fflush(stderr);
}

/* payload: int, 1 when there is a terminal to draw on */
static int on_progress(const ps_progress *progress, void *payload) {
    if (*(const int *)payload) draw_progress(progress);
    return was_stopped();
}

static void print_json(const ps_index_result *r) {
    printf("{\"found\":%llu,\"indexed\":%llu,\"unchanged\":%llu,\"failed\":%llu,\"removed\":%llu,", (unsigned long long)r->found,
           (unsigned long long)r->indexed, (unsigned long long)r->unchanged, (unsigned long long)r->failed,
           (unsigned long long)r->removed);
    json_number("seconds", r->seconds, 3);
    putchar(',');
    json_number("photos_per_second", r->photos_per_second, 2);
    printf(",\"quarantined\":%llu,\"pending\":%llu,\"kept\":%llu,\"skipped\":%llu}\n", (unsigned long long)r->quarantined,
           (unsigned long long)r->pending, (unsigned long long)r->kept, (unsigned long long)r->skipped);
}

static void print_plain(const ps_index_result *r) {
    printf("%llu images: %llu indexed, %llu unchanged, %llu failed", (unsigned long long)r->found, (unsigned long long)r->indexed,
           (unsigned long long)r->unchanged, (unsigned long long)r->failed);
    if (r->quarantined) printf(", %llu given up", (unsigned long long)r->quarantined);
    if (r->pending) printf(", %llu put off", (unsigned long long)r->pending);
    if (r->removed) printf("; %llu entries of files that are gone removed", (unsigned long long)r->removed);
    if (r->kept) printf("; %llu entries of missing files kept", (unsigned long long)r->kept);
    fputs(" in ", stdout);
    print_duration(stdout, r->seconds);
    if (r->photos_per_second > 0) printf(", %.1f a second", r->photos_per_second);
    putchar('\n');
}

static int run(options *o) {
    ps_index_options settings = PS_INDEX_OPTIONS_INIT;
    ps_index_result result = PS_INDEX_RESULT_INIT;
    int draw = !o->quiet && is_terminal(stderr);
    ps_library *library = open_library(o, LIBRARY_MAKE);
    if (!library) return EXIT_FAILED;
    settings.flags = o->index_flags;
    settings.threads = o->threads;
    settings.progress = on_progress;
    settings.payload = &draw;
    stop_on_signals(library);
    int status = ps_index(&result, library, (const char *const *)o->words, (size_t)o->word_count, &settings);
    stop_on_signals(NULL);
    if (draw) fputs("\r\033[K", stderr);
    if (status == PS_OK || status == PS_CANCELLED) {
        if (o->json)
            print_json(&result);
        else
            print_plain(&result);
    }
    int code = result.failed || result.skipped ? EXIT_SOME_FAILED : EXIT_FOUND;
    if (status == PS_CANCELLED) {
        complain("stopped; what was done is kept, and the next run goes on from there");
        code = EXIT_FAILED;
    } else if (status != PS_OK) {
        code = complain_status(library);
    }
    ps_library_close(library);
    return code;
}

const command command_index = {
    "index",
    "PATH...",
    "Bring the library up to date with folders and files",
    "New and changed photos are encoded, moved ones found again, entries of deleted ones removed. Files that fail are\n"
    "told on stderr, and listed by `photosearch failures`. Ctrl-C stops cleanly and keeps what is done.\n",
    TAKES_THREADS | TAKES_INDEX,
    1,
    -1,
    run,
};
