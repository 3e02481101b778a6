/*
** A block of memory that the library and a process of its own both see.
*/
#ifndef PS_SANDBOX_SHARED_H
#define PS_SANDBOX_SHARED_H

#include <stddef.h>
#include <stdint.h>

#define PS__SHARED_KEPT ((size_t)8 << 20) /* bytes that are kept by ps__shared_release */

typedef struct ps__shared {
    int fd;         /* -1: none */
    uint8_t *bytes; /* NULL: none */
    size_t size;    /* mapped */
    size_t filled;  /* of it have pages; touching others could fail with a signal */
} ps__shared;

#define PS__SHARED_NONE                                                                                                          \
    { -1, 0, 0, 0 }

/* An empty block, sealed, so that it cannot be cut short under our feet. 0, or -1 with errno; ps__shared_close in any case. */
int ps__shared_open(ps__shared *m, const char *name);
void ps__shared_close(ps__shared *m);

/* At least `size` bytes, the first ones as they were; it may move. 0, or -1 with errno. */
int ps__shared_grow(ps__shared *m, size_t size);

/* Gives back what there is beyond PS__SHARED_KEPT, with its contents. */
void ps__shared_release(ps__shared *m);

#endif
