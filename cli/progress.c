/*
** Progress in one line of the terminal.
*/
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>

#include "cli/cli.h"

#define LINE 128    /* longest progress line, with its 0 */
#define BAR_MOST 24 /* characters between the brackets */
#define BAR_LEAST 4 /* less tells nothing: no bar */
#define BAR_FRAME 3 /* brackets and a blank */

/* "1:05", "2:03:10" */
void format_duration(char *out, size_t size, double seconds) {
    unsigned long s = (unsigned long)(seconds + 0.5);
    if (s >= 3600)
        snprintf(out, size, "%lu:%02lu:%02lu", s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(out, size, "%lu:%02lu", s / 60, s % 60);
}

size_t terminal_width(FILE *stream) {
    struct winsize size;
    return ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
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

void clear_progress(void) { fputs("\r\033[K", stderr); }

void draw_progress(const char *label, const ps_progress *p) {
    char line[LINE] = "";
    size_t room = terminal_width(stderr) - 1; /* the cursor stands behind the text */
    if (room >= LINE) room = LINE - 1;
    clear_progress();
    add_part(line, room, "%s", label);
    if (p->phase == PS_PHASE_SCAN) {
        add_part(line, room, "looking: %llu image%s found", (unsigned long long)p->found, plural(p->found));
        if (!line[0]) add_part(line, room, "%llu", (unsigned long long)p->found);
    } else if ((p->phase == PS_PHASE_ENCODE || p->phase == PS_PHASE_PREVIEW || p->phase == PS_PHASE_READ_TEXT ||
                p->phase == PS_PHASE_REENCODE) &&
               p->total) {
        if (p->phase == PS_PHASE_PREVIEW) add_part(line, room, "previews ");
        if (p->phase == PS_PHASE_REENCODE) add_part(line, room, "new model ");
        if (p->phase == PS_PHASE_READ_TEXT) add_part(line, room, "text ");
        encode_line(line, room, p);
        if (room > strlen(line) + BAR_FRAME) draw_bar(room - strlen(line) - BAR_FRAME, p);
    }
    fputs(line, stderr);
    fflush(stderr);
}

void draw_fraction(const char *label, double done) {
    char line[LINE] = "";
    size_t room = terminal_width(stderr) - 1;
    const ps_progress bar = {.done = (uint64_t)(done * 1000), .total = 1000};
    if (room >= LINE) room = LINE - 1;
    clear_progress();
    add_part(line, room, "%s %3.0f %%", label, done * 100);
    if (room > strlen(line) + BAR_FRAME) draw_bar(room - strlen(line) - BAR_FRAME, &bar);
    fputs(line, stderr);
    fflush(stderr);
}
