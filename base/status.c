/*
** Status codes to words, and the filling of error records. Nothing here allocates, so it works when memory is gone.
**
** A sentence begins with a path and ends with the reason, and a path may be longer than the record: what is too long loses its
** middle, so that both ends are kept.
*/
#include "base/status.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define WHOLE_TEXT 16384 /* room for several paths of PATH_MAX, before the text is shortened */

/* A byte inside a UTF-8 sequence. */
static int continues(char c) { return ((unsigned char)c & 0xc0) == 0x80; }

/* Copies `length` bytes of text, without its middle where they do not fit. No UTF-8 sequence is cut in two; text that is not UTF-8
** may have many such bytes in a row, so at most three are given up. */
static void shorten(char *out, size_t size, const char *text, size_t length) {
    static const char gap[] = "...";
    if (length < size) {
        memcpy(out, text, length);
        out[length] = 0;
        return;
    }
    size_t keep = size - sizeof gap, head = keep / 2, tail = length - (keep - head);
    for (int i = 0; i < 3 && continues(text[head]); i++) head--;
    for (int i = 0; i < 3 && continues(text[tail]); i++) tail++;
    memcpy(out, text, head);
    memcpy(out + head, gap, sizeof gap - 1);
    memcpy(out + head + sizeof gap - 1, text + tail, length - tail);
    out[head + sizeof gap - 1 + length - tail] = 0;
}

/* reason may be NULL; otherwise it follows the text after ": ", whatever the length of the text. */
static void fill(ps__error *err, int code, const char *reason, const char *format, va_list args) {
    char whole[WHOLE_TEXT];
    if (!err) return;
    size_t room = sizeof whole - (reason ? strlen(reason) + 2 : 0);
    int wanted = vsnprintf(whole, room, format, args);
    size_t used = wanted < 0 ? 0 : (size_t)wanted < room ? (size_t)wanted : room - 1;
    if (reason) used += (size_t)snprintf(whole + used, sizeof whole - used, ": %s", reason);
    err->code = code;
    shorten(err->text, sizeof err->text, whole, used);
}

int ps__fail(ps__error *err, int code, const char *format, ...) {
    va_list args;
    va_start(args, format);
    fill(err, code, NULL, format, args);
    va_end(args);
    return code;
}

static int status_of_errno(int errno_value) {
    switch (errno_value) {
    case ENOENT:
    case ENOTDIR: return PS__NOTFOUND;
    case EACCES:
    case EPERM:
    case EROFS: return PS__ACCESS;
    case ENOSPC:
    case EDQUOT: return PS__FULL;
    case ENOMEM: return PS__NOMEM;
    default: return PS__IO;
    }
}

int ps__fail_errno(ps__error *err, int errno_value, const char *format, ...) {
    int code = status_of_errno(errno_value);
    char scratch[128];
    va_list args;
    va_start(args, format);
    /* strerror_r's GNU form returns the text; the buffer is only a scratch. */
    fill(err, code, strerror_r(errno_value, scratch, sizeof scratch), format, args);
    va_end(args);
    return code;
}

int ps__fail_nomem(ps__error *err) { return ps__fail(err, PS__NOMEM, "out of memory"); }

const char *ps__status_text(int code) {
    switch (code) {
    case PS__OK: return "ok";
    case PS__NOMEM: return "out of memory";
    case PS__INVALID: return "invalid argument";
    case PS__NOTFOUND: return "not found";
    case PS__IO: return "input/output error";
    case PS__FULL: return "no space left";
    case PS__ACCESS: return "permission denied";
    case PS__BUSY: return "library is busy";
    case PS__FORMAT: return "unknown format";
    case PS__CORRUPT: return "damaged file";
    case PS__TOOBIG: return "too big";
    case PS__NEWER: return "written by a newer version";
    case PS__MODEL: return "model refused";
    case PS__CANCELLED: return "cancelled";
    default: return "error";
    }
}
