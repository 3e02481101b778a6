/*
** Where the library's notes go: to a function that the caller gave, or nowhere. The library itself never prints.
*/
#ifndef PS_BASE_LOG_H
#define PS_BASE_LOG_H

enum { PS__LOG_ERROR = 0, PS__LOG_WARNING = 1, PS__LOG_INFO = 2, PS__LOG_DEBUG = 3 };

/* One line, without newline. May be called from any thread, several at once. */
typedef void ps__log_fn(int level, const char *text, void *payload);

typedef struct ps__log {
    ps__log_fn *write; /* NULL: silent */
    int level;         /* lines above it are not made */
    void *payload;     /* handed to write */
} ps__log;

/* log may be NULL. */
void ps__logf(const ps__log *log, int level, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
