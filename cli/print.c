/*
** What goes to people: complaints, colours, and paths that cannot play tricks on a terminal.
*/
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

void complain(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fputs("photosearch: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

int complain_status(const ps_library *library) {
    if (was_noted(ps_last_error(library))) return EXIT_FAILED;
    fputs("photosearch: ", stderr);
    print_path(stderr, ps_last_error(library));
    fputc('\n', stderr);
    return EXIT_FAILED;
}

static const char *helpful; /* command whose help is named */

void name_help_of(const char *name) { helpful = name; }

int complain_usage(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fputs("photosearch: ", stderr);
    vfprintf(stderr, format, args);
    fprintf(stderr, "; see `photosearch %s%s--help`\n", helpful ? helpful : "", helpful ? " " : "");
    va_end(args);
    return EXIT_USAGE;
}

int is_terminal(FILE *stream) { return isatty(fileno(stream)); }

int use_color(const options *o, FILE *stream) {
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    if (o->color != COLOR_AUTO) return o->color == COLOR_ALWAYS;
    return is_terminal(stream) && !(no_color && no_color[0]) && !(term && strcmp(term, "dumb") == 0);
}

void style_on(FILE *to, int color, int style) {
    static const char *const codes[] = {
        [STYLE_DIM] = "\033[2m", [STYLE_GOOD] = "\033[32m", [STYLE_WEAK] = "\033[33m", [STYLE_BOLD] = "\033[1m"};
    if (color) fputs(codes[style], to);
}

void style_off(FILE *to, int color) {
    if (color) fputs("\033[0m", to);
}

const char *plural(unsigned long long count) { return count == 1 ? "" : "s"; }

/* Length of the control or other deceptive character at s; 0 if it may be printed. C1 controls are C2 80 to C2 9F in UTF-8;
** U+202A to U+202E and U+2066 to U+2069 turn the direction of what follows. */
static size_t trick(const unsigned char *s) {
    if (s[0] < 0x20 || s[0] == 0x7F) return 1;
    if (s[0] == 0xC2 && s[1] >= 0x80 && s[1] <= 0x9F) return 2;
    if (s[0] == 0xE2 && s[1] == 0x80 && s[2] >= 0xAA && s[2] <= 0xAE) return 3;
    if (s[0] == 0xE2 && s[1] == 0x81 && s[2] >= 0xA6 && s[2] <= 0xA9) return 3;
    return 0;
}

void print_path(FILE *to, const char *path) {
    int plain = is_utf8(path);
    for (const unsigned char *s = (const unsigned char *)path; *s;) {
        size_t n = plain ? trick(s) : (*s < 0x20 || *s >= 0x7F);
        if (n == 0) fputc(*s++, to);
        for (; n > 0; n--) fprintf(to, "\\x%02X", *s++);
    }
}

void *allocate(size_t count, size_t size) {
    void *p = calloc(count ? count : 1, size ? size : 1);
    if (p) return p;
    complain("out of memory");
    exit(EXIT_FAILED);
}
