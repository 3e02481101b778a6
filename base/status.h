/*
** Status codes and the error record that carries a sentence with them.
**
** Every function that can fail returns a status (0 or a negative code) and takes a `ps__error *` last, where it leaves one
** past-tense sentence with the path and the reason. The codes are those of photosearch.h; api/status.c asserts that they agree.
*/
#ifndef PS_BASE_STATUS_H
#define PS_BASE_STATUS_H

#include <stdarg.h>

enum {
    PS__OK = 0,
    PS__ERROR = -1,     /* none of the below */
    PS__NOMEM = -2,     /* memory ran out, or a file asked for more than its cap */
    PS__INVALID = -3,   /* an argument is out of range */
    PS__NOTFOUND = -4,  /* no such file, photo or name */
    PS__IO = -10,       /* the system refused a read or write */
    PS__FULL = -11,     /* no space left on the device */
    PS__ACCESS = -12,   /* permission denied */
    PS__BUSY = -13,     /* another process holds the library's writer lock */
    PS__FORMAT = -20,   /* not a format that is read */
    PS__CORRUPT = -21,  /* a file is damaged: truncated, wrong checksum, impossible values */
    PS__TOOBIG = -22,   /* more pixels or bytes than the caps allow */
    PS__NEWER = -23,    /* a library or model package of a newer version */
    PS__MODEL = -30,    /* a model package was refused, or vectors of another model are asked for */
    PS__CANCELLED = -40 /* the caller asked to stop */
};

#define PS__ERROR_TEXT 1024

typedef struct ps__error {
    int code;                  /* the status returned along with it */
    char text[PS__ERROR_TEXT]; /* one sentence, UTF-8, never with a newline at its end; "" when code is 0 */
} ps__error;

/* Fills *err (which may be NULL) and returns code, so that `return ps__fail(err, PS__IO, ...)` reads well. Too long: loses its middle. */
int ps__fail(ps__error *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same from errno: maps ENOENT, EACCES, ENOSPC, ENOMEM... to a status; the text is "<format...>: <strerror>". */
int ps__fail_errno(ps__error *err, int errno_value, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* "out of memory" with nothing allocated. */
int ps__fail_nomem(ps__error *err);

/* A few plain words for a status code, for example "permission denied". Never NULL. */
const char *ps__status_text(int code);

#endif
