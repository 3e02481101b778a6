/*
** Progress; see progress.h.
*/
#include "pull/progress.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/os.h"

enum { LINE = 160, BAR = 20, DRAW_NS = 200000000 };

void pull_format_bytes(char out[32], int64_t bytes) {
    static const char *const units[] = {"kB", "MB", "GB", "TB"};
    double value = (double)bytes / 1e3;
    size_t unit = 0;
    while (value >= 999.95 && unit < 3) value /= 1e3, unit++;
    if (bytes < 1000)
        snprintf(out, 32, "%lld bytes", (long long)bytes);
    else
        snprintf(out, 32, "%.1f %s", value, units[unit]);
}

void pull_progress_start(pull_progress *p, int on, const char *label, int64_t from) {
    *p = (pull_progress){on && isatty(STDERR_FILENO), label, from, ps__os.monotonic_ns(), 0};
}

static size_t width(void) {
    struct winsize size;
    size_t columns = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col - 1u : 79;
    return columns < LINE ? columns : LINE - 1;
}

/* Adds a part where there is room for all of it. */
static void add(char *line, size_t room, const char *part) {
    if (strlen(line) + strlen(part) <= room) strcat(line, part);
}

static void add_bar(char *line, size_t room, int64_t done, int64_t total) {
    char bar[BAR + 5] = "  [";
    int full = (int)(done * BAR / total);
    memset(bar + 3, '.', BAR);
    memset(bar + 3, '#', full < BAR ? (size_t)full : BAR);
    strcpy(bar + 3 + BAR, "]");
    add(line, room, bar);
}

static void add_speed(char *line, size_t room, const pull_progress *p, int64_t now, int64_t done, int64_t total) {
    char number[32], part[64];
    double seconds = (double)(now - p->start_ns) / 1e9, speed = seconds > 0.2 ? (double)(done - p->from) / seconds : 0;
    if (speed < 1) return;
    pull_format_bytes(number, (int64_t)speed);
    snprintf(part, sizeof part, "  %s/s", number);
    add(line, room, part);
    if (total < done) return;
    unsigned long left = (unsigned long)((double)(total - done) / speed + 0.5);
    if (left >= 3600)
        snprintf(part, sizeof part, "  %lu:%02lu:%02lu left", left / 3600, left / 60 % 60, left % 60);
    else
        snprintf(part, sizeof part, "  %lu:%02lu left", left / 60, left % 60);
    add(line, room, part);
}

void pull_progress_draw(pull_progress *p, int64_t done, int64_t total) {
    char line[LINE] = "", number[32], part[96];
    int64_t now = p->on ? ps__os.monotonic_ns() : 0;
    size_t room = width();
    if (!p->on || (now - p->drawn_ns < DRAW_NS && done != total)) return;
    p->drawn_ns = now;
    add(line, room, p->label);
    if (total > 0) add_bar(line, room, done, total);
    pull_format_bytes(number, done);
    snprintf(part, sizeof part, "  %s", number);
    add(line, room, part);
    if (total > 0) {
        pull_format_bytes(number, total);
        snprintf(part, sizeof part, " of %s", number);
        add(line, room, part);
    }
    add_speed(line, room, p, now, done, total);
    fprintf(stderr, "\r\033[K%s", line); /* the label is a checked name: nothing in it moves the cursor */
    fflush(stderr);
}

void pull_progress_end(pull_progress *p) {
    if (p->on && p->drawn_ns) fputs("\r\033[K", stderr);
}
