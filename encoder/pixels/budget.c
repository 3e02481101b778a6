/*
** Memory of context-free libraries, counted a thread; see budget.h.
*/
#include "encoder/pixels/budget.h"

#include <string.h>

#include "base/alloc.h"
#include "base/status.h"

typedef struct header { /* before each block, as large as the strictest alignment */
    _Alignas(16) uint64_t size; /* bytes of the block after it */
} header;

static _Thread_local uint64_t left;  /* bytes that may still be taken */
static _Thread_local int refused;    /* status of the first refusal since begin */

void ps__budget_begin(uint64_t bytes) {
    left = bytes;
    refused = PS__OK;
}

int ps__budget_end(void) {
    left = 0;
    return refused;
}

void *ps__budget_malloc(size_t size) {
    return ps__budget_realloc(NULL, size);
}

void *ps__budget_calloc(size_t size) {
    void *p = ps__budget_malloc(size);
    if (p) memset(p, 0, size);
    return p;
}

void *ps__budget_realloc(void *p, size_t size) {
    header *old = p ? (header *)p - 1 : NULL;
    uint64_t had = old ? old->size : 0;
    if (size > had && size - had > left) {
        if (!refused) refused = PS__TOOBIG;
        return NULL;
    }
    header *block = size < SIZE_MAX - sizeof *block ? ps__realloc(old, sizeof *block + size) : NULL;
    if (!block) {
        if (!refused) refused = PS__NOMEM;
        return NULL;
    }
    block->size = size;
    left += had;
    left -= size;
    return block + 1;
}

void ps__budget_free(void *p) {
    if (!p) return;
    header *block = (header *)p - 1;
    left += block->size;
    ps__free(block);
}
