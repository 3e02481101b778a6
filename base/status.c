/*
** Status codes to words, and the filling of error records. Nothing here allocates, so it works when memory is gone.
*/
#include "base/status.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void fill(ps__error *err, int code, const char *format, va_list args) {
    if (!err) return;
    err->code = code;
    vsnprintf(err->text, sizeof err->text, format, args);
}

int ps__fail(ps__error *err, int code, const char *format, ...) {
    va_list args;
    va_start(args, format);
    fill(err, code, format, args);
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
    va_list args;
    va_start(args, format);
    fill(err, code, format, args);
    va_end(args);
    if (err) {
        size_t used = strlen(err->text);
        char reason[128];
        /* strerror_r's GNU form returns the text; the buffer is only a scratch. */
        const char *words = strerror_r(errno_value, reason, sizeof reason);
        snprintf(err->text + used, sizeof err->text - used, ": %s", words);
    }
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
