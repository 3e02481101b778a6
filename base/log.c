/*
** Notes of the library, made only when somebody listens.
*/
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

void ps__logf(const ps__log *log, int level, const char *format, ...) {
    char line[1024];
    if (!log || !log->write || level > log->level) return;
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    log->write(level, line, log->payload);
}
