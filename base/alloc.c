/*
** Allocation with a switch that lets a test fail the n-th call. The counter is atomic because indexing allocates on many threads.
*/
#include "base/alloc.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static atomic_long fail_countdown = -1; /* < 0: off */
static atomic_int fail_sticky;

void ps__alloc_fail_after(long countdown, int sticky) {
    atomic_store(&fail_sticky, sticky);
    atomic_store(&fail_countdown, countdown);
}

long ps__alloc_fail_left(void) { return atomic_load(&fail_countdown); }

static int must_fail(void) {
    long left = atomic_load_explicit(&fail_countdown, memory_order_relaxed);
    if (left < 0) return 0;
    left = atomic_fetch_sub(&fail_countdown, 1);
    if (left > 0) return 0;
    if (atomic_load(&fail_sticky)) atomic_store(&fail_countdown, 0);
    return left == 0 || atomic_load(&fail_sticky);
}

void *ps__malloc(size_t size) { return must_fail() ? NULL : malloc(size ? size : 1); }

void *ps__calloc(size_t count, size_t size) { return must_fail() ? NULL : calloc(count ? count : 1, size ? size : 1); }

void *ps__array(size_t count, size_t size) {
    if (size && count > SIZE_MAX / size) return NULL;
    return ps__malloc(count * size);
}

void *ps__realloc(void *p, size_t size) { return must_fail() ? NULL : realloc(p, size ? size : 1); }

void *ps__aligned(size_t size) {
    void *p = NULL;
    if (must_fail() || size > SIZE_MAX - 64) return NULL;
    return posix_memalign(&p, 64, size ? (size + 63) / 64 * 64 : 64) ? NULL : p;
}

char *ps__strndup(const char *s, size_t length) {
    char *copy = length < SIZE_MAX ? ps__malloc(length + 1) : NULL;
    if (!copy) return NULL;
    if (length) memcpy(copy, s, length);
    copy[length] = 0;
    return copy;
}

char *ps__strdup(const char *s) { return ps__strndup(s, strlen(s)); }

void ps__free(void *p) { free(p); }
