/*
** A growable buffer of bytes; see buf.h.
*/
#include "base/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

char ps__buf_empty[1];

/* Room for `more` bytes and the closing 0. */
static int reserve(ps__buf *b, size_t more) {
    if (b->failed) return 0;
    if (more < b->capacity && b->length < b->capacity - more) return 1;
    if (more > SIZE_MAX / 4 || b->length > SIZE_MAX / 4) {
        b->failed = 1;
        return 0;
    }
    size_t capacity = b->capacity ? b->capacity * 2 : 64;
    if (capacity < b->length + more + 1) capacity = b->length + more + 1;
    char *bytes = ps__realloc(b->capacity ? b->bytes : NULL, capacity);
    if (!bytes) {
        b->failed = 1;
        return 0;
    }
    b->bytes = bytes;
    b->capacity = capacity;
    b->bytes[b->length] = 0;
    return 1;
}

void ps__buf_append(ps__buf *b, const void *bytes, size_t length) {
    if (!length || !reserve(b, length)) return;
    memcpy(b->bytes + b->length, bytes, length);
    b->length += length;
    b->bytes[b->length] = 0;
}

void ps__buf_puts(ps__buf *b, const char *s) { ps__buf_append(b, s, strlen(s)); }

void ps__buf_putc(ps__buf *b, char c) { ps__buf_append(b, &c, 1); }

void ps__buf_printf(ps__buf *b, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length > 0 && reserve(b, (size_t)length)) {
        vsnprintf(b->bytes + b->length, (size_t)length + 1, format, again);
        b->length += (size_t)length;
    }
    va_end(again);
}

void ps__buf_clear(ps__buf *b) {
    b->length = 0;
    b->failed = 0;
    if (b->capacity) b->bytes[0] = 0;
}

void ps__buf_free(ps__buf *b) {
    if (b->capacity) ps__free(b->bytes);
    *b = (ps__buf)PS__BUF_INIT;
}

char *ps__buf_detach(ps__buf *b) {
    char *bytes = NULL;
    if (!b->failed) bytes = b->capacity ? b->bytes : ps__strdup("");
    if (!b->failed && b->capacity) b->capacity = 0;
    ps__buf_free(b);
    return bytes;
}
