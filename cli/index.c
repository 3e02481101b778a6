/*
** photosearch index PATH...
*/
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/commands.h"

#define LINE 128    /* longest progress line, with its 0 */
#define BAR_MOST 24 /* characters between the brackets */
#define BAR_LEAST 4 /* less tells nothing: no bar */
#define BAR_FRAME 3 /* brackets and a blank */

/* "1:05", "2:03:10" */
static void format_duration(char *out, size_t size, double seconds) {
    unsigned long s = (unsigned long)(seconds + 0.5);
    if (s >= 3600)
        snprintf(out, size, "%lu:%02lu:%02lu", s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(out, size, "%lu:%02lu", s / 60, s % 60);
}

/* Asked for at each update, as windows change. */
static size_t terminal_width(void) {
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/* Adds a part to the line where there is room for all of it: half a number would be a wrong one. */
__attribute__((format(printf, 3, 4))) static void add_part(char *line, size_t room, const char *format, ...) {
    char part[LINE];
    va_list args;
    va_start(args, format);
    vsnprintf(part, sizeof part, format, args);
    va_end(args);
    if (strlen(line) + strlen(part) <= room) strcat(line, part);
}

static void encode_line(char *line, size_t room, const ps_progress *p) {
    char left[32];
    add_part(line, room, "%llu/%llu", (unsigned long long)p->done, (unsigned long long)p->total);
    if (p->seconds_left >= 0) {
        format_duration(left, sizeof left, p->seconds_left);
        add_part(line, room, "  %s left", left);
    }
    if (p->failed) add_part(line, room, "  %llu failed", (unsigned long long)p->failed);
    if (p->photos_per_second > 0) add_part(line, room, "  %.1f/s", p->photos_per_second);
}

/* The bar takes what room the text leaves. */
static void draw_bar(size_t room, const ps_progress *p) {
    char bar[BAR_MOST + 1];
    size_t width = room < BAR_MOST ? room : BAR_MOST, full = (size_t)(p->done * width / p->total);
    if (room < BAR_LEAST) return;
    memset(bar, '.', width);
    memset(bar, '#', full < width ? full : width);
    bar[width] = 0;
    fprintf(stderr, "[%s] ", bar);
}

static void draw_progress(const ps_progress *p) {
    char line[LINE] = "";
    size_t room = terminal_width() - 1; /* the cursor stands behind the text */
    if (room >= LINE) room = LINE - 1;
    fputs("\r\033[K", stderr);
    if (p->phase == PS_PHASE_SCAN) {
        add_part(line, room, "looking: %llu image%s found", (unsigned long long)p->found, plural(p->found));
        if (!line[0]) add_part(line, room, "%llu", (unsigned long long)p->found);
    } else if (p->phase == PS_PHASE_ENCODE && p->total) {
        encode_line(line, room, p);
        if (room > strlen(line) + BAR_FRAME) draw_bar(room - strlen(line) - BAR_FRAME, p);
    }
    fputs(line, stderr);
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
    format_duration(time, sizeof time, r->seconds);
    printf(" in %s", time);
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
    "told on stderr, and listed by `photosearch failures`. Ctrl-C stops cleanly and keeps what is done.\n"
    "In folders, only files with the ending of an image format are looked at; a file that is named is taken anyway.\n",
    TAKES_THREADS | TAKES_INDEX,
    1,
    -1,
    run,
};
