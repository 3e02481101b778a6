/*
** photosearch index PATH...
*/
#include "cli/commands.h"

static void print_json(const ps_index_result *r) {
    printf("{\"found\":%llu,\"indexed\":%llu,\"unchanged\":%llu,\"failed\":%llu,\"removed\":%llu,", (unsigned long long)r->found,
           (unsigned long long)r->indexed, (unsigned long long)r->unchanged, (unsigned long long)r->failed,
           (unsigned long long)r->removed);
    json_number("seconds", r->seconds, 3);
    putchar(',');
    json_number("photos_per_second", r->photos_per_second, 2);
    printf(",\"quarantined\":%llu,\"pending\":%llu,\"kept\":%llu,\"skipped\":%llu,", (unsigned long long)r->quarantined,
           (unsigned long long)r->pending, (unsigned long long)r->kept, (unsigned long long)r->skipped);
    printf("\"previewed\":%llu,\"asked\":%llu,", (unsigned long long)r->previewed, (unsigned long long)r->asked);
    json_number("cpu_seconds", r->cpu_seconds, 3);
    printf(",\"reencoded\":%llu,\"switched\":%s}\n", (unsigned long long)r->reencoded, r->switched ? "true" : "false");
}

static void print_plain(const ps_index_result *r) {
    char time[32];
    printf("%llu image%s: %llu indexed, %llu unchanged, %llu failed", (unsigned long long)r->found, plural(r->found),
           (unsigned long long)r->indexed, (unsigned long long)r->unchanged, (unsigned long long)r->failed);
    if (r->quarantined) printf(", %llu given up", (unsigned long long)r->quarantined);
    if (r->pending) printf(", %llu put off", (unsigned long long)r->pending);
    if (r->removed)
        printf("; %llu %s removed", (unsigned long long)r->removed,
               r->removed == 1 ? "entry of a file that is gone" : "entries of files that are gone");
    if (r->kept)
        printf("; %llu %s kept", (unsigned long long)r->kept,
               r->kept == 1 ? "entry of a missing file" : "entries of missing files");
    if (r->asked) fputs(" (--allow-removal drops them)", stdout);
    format_duration(time, sizeof time, r->seconds);
    printf(" in %s", time);
    if (r->photos_per_second > 0) printf(", %.1f a second", r->photos_per_second);
    if (r->indexed && r->cpu_seconds > 0) printf(", %.0f ms of processor time each", 1e3 * r->cpu_seconds / (double)r->indexed);
    if (r->reencoded) printf("; %llu encoded by the library's next model", (unsigned long long)r->reencoded);
    if (r->switched) fputs("; the library is used with its new model now", stdout);
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
    settings.progress = draw_run;
    settings.payload = &draw;
    stop_on_signals(library);
    int status = ps_index(&result, library, (const char *const *)o->words, (size_t)o->word_count, &settings);
    stop_on_signals(NULL);
    if (draw) clear_progress();
    if (status == PS_OK || status == PS_CANCELLED) {
        if (o->json)
            print_json(&result);
        else
            print_plain(&result);
    }
    return end_run(library, status, result.failed || result.skipped);
}

const command command_index = {
    "index",
    "PATH...",
    "Bring the library up to date with folders and files",
    "New and changed photos are encoded, moved ones found again, entries of deleted ones removed. Files that fail are\n"
    "told on stderr, and listed by `photosearch failures`. Ctrl-C stops cleanly and keeps what is done.\n"
    "In folders, only files with the ending of an image format are looked at; a file that is named is taken anyway.\n",
    TAKES_THREADS | TAKES_INDEX,
    1,
    -1,
    run,
};
