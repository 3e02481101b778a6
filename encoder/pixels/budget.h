/*
** An allowance of memory for one call into a library that allocates through functions without a context (stb_image, libexif). It
** belongs to the thread: begin, call the library, end. Blocks that the library forgot, as stb_image does where it fails half-way, are
** freed at the end; the one that is kept may be given back by ps__budget_free on any thread.
*/
#ifndef PS_PIXELS_BUDGET_H
#define PS_PIXELS_BUDGET_H

#include <stddef.h>
#include <stdint.h>

void ps__budget_begin(uint64_t bytes);

/* Frees all blocks taken since begin but `keep` (may be NULL). PS__OK; PS__TOOBIG when an allocation since begin was refused because it went beyond the allowance; PS__NOMEM when memory was gone.
** The allowance is nothing until the next begin. */
int ps__budget_end(void *keep);

void *ps__budget_malloc(size_t size);
void *ps__budget_calloc(size_t size);
void *ps__budget_realloc(void *p, size_t size);
void ps__budget_free(void *p);

#endif
