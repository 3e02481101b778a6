/*
** Allocation in one place, so that a test can make the n-th allocation fail.
*/
#ifndef PS_BASE_ALLOC_H
#define PS_BASE_ALLOC_H

#include <stddef.h>

/* Like malloc, calloc and realloc; NULL when memory is gone. ps__array checks count * size for overflow and does not clear. */
void *ps__malloc(size_t size);
void *ps__calloc(size_t count, size_t size);
void *ps__array(size_t count, size_t size);
void *ps__realloc(void *p, size_t size);
void *ps__aligned(size_t size); /* 64-byte aligned, not cleared; freed by ps__free */
char *ps__strdup(const char *s);
char *ps__strndup(const char *s, size_t length);
void ps__free(void *p);

/* For tests: the allocation after `countdown` more fails, and all that follow while `sticky`; negative turns it off. */
void ps__alloc_fail_after(long countdown, int sticky);
/* Allocations to go until the one that fails; negative: it has failed, or none was to. */
long ps__alloc_fail_left(void);

#endif
