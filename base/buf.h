/*
** A growable buffer of bytes. Its pointer is never NULL and always ends in a 0 byte that `length` does not count, so that it can
** be read as a C string at any moment. The first failed growth is remembered in `failed` and later appends do nothing: check
** once, at the end. One thread at a time.
*/
#ifndef PS_BASE_BUF_H
#define PS_BASE_BUF_H

#include <stddef.h>

typedef struct ps__buf {
    char *bytes; /* owned unless capacity is 0 */
    size_t length;
    size_t capacity; /* 0: bytes points at a shared empty string */
    int failed;      /* memory ran out: the contents are a prefix of what was asked for */
} ps__buf;

extern char ps__buf_empty[1];
#define PS__BUF_INIT                                                                                                             \
    { ps__buf_empty, 0, 0, 0 }

void ps__buf_append(ps__buf *b, const void *bytes, size_t length);
void ps__buf_puts(ps__buf *b, const char *s);
void ps__buf_putc(ps__buf *b, char c);
void ps__buf_printf(ps__buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void ps__buf_clear(ps__buf *b);   /* length 0, memory kept */
void ps__buf_free(ps__buf *b);    /* back to PS__BUF_INIT */
char *ps__buf_detach(ps__buf *b); /* the bytes, to be freed by ps__free; NULL when memory ran out; b is empty after */

#endif
