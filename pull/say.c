/*
** Saying; see say.h.
*/
#include "pull/say.h"

#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "base/utf8.h"

/* 1 for what a terminal would obey instead of showing: C0 and C1 controls, and marks that turn the direction of what follows. */
static int is_trick(uint32_t code) {
    return code < 0x20 || (code >= 0x7F && code <= 0x9F) || (code >= 0x202A && code <= 0x202E) ||
           (code >= 0x2066 && code <= 0x2069);
}

void pull_print(FILE *to, const char *text, int keep_lines) {
    for (size_t left = strlen(text), n; left > 0; text += n, left -= n) {
        uint32_t code;
        n = ps__utf8_decode(&code, text, left);
        int broken = code == 0xFFFD && n == 1;
        if (!broken && (!is_trick(code) || (keep_lines && (code == '\n' || code == '\t'))))
            fwrite(text, 1, n, to);
        else
            for (size_t i = 0; i < n; i++) fprintf(to, "\\x%02X", (unsigned char)text[i]);
    }
}

static void say(const char *format, va_list args, const char *end) {
    char line[2048];
    vsnprintf(line, sizeof line, format, args);
    if (isatty(STDERR_FILENO)) fputs("\r\033[K", stderr); /* a progress bar may stand in the line */
    fputs("photosearch: ", stderr);
    pull_print(stderr, line, 0);
    fputs(end, stderr);
}

int pull_complain(const char *format, ...) {
    va_list args;
    va_start(args, format);
    say(format, args, "\n");
    va_end(args);
    return PULL_EXIT_FAILED;
}

int pull_complain_usage(const char *format, ...) {
    va_list args;
    va_start(args, format);
    say(format, args, "; see `photosearch model pull --help`\n");
    va_end(args);
    return PULL_EXIT_USAGE;
}

void pull_note(int quiet, const char *format, ...) {
    va_list args;
    if (quiet) return;
    va_start(args, format);
    say(format, args, "\n");
    va_end(args);
}

void pull_json(ps__buf *out, const char *text) {
    if (!text) {
        ps__buf_puts(out, "null");
        return;
    }
    ps__buf_putc(out, '"');
    for (size_t left = strlen(text), n; left > 0; text += n, left -= n) {
        uint32_t code;
        n = ps__utf8_decode(&code, text, left);
        if (code == '"' || code == '\\')
            ps__buf_printf(out, "\\%c", (int)code);
        else if (code < 0x20 || code == 0x7F)
            ps__buf_printf(out, "\\u%04x", code);
        else
            ps__utf8_append(out, code);
    }
    ps__buf_putc(out, '"');
}
