/*
** Memory of context-free libraries, counted a thread; see budget.h.
*/
#include "encoder/pixels/budget.h"

#include <string.h>

#include "base/alloc.h"
#include "base/status.h"

typedef struct header header;
struct header {                         /* before each block, as large as the strictest alignment */
    _Alignas(16) header *next, *before; /* the thread's live blocks; NULL at the ends, and both in a block that was kept */
    uint64_t size;                      /* bytes of the block after it */
};

static _Thread_local header *first; /* live blocks */
static _Thread_local uint64_t left; /* bytes that may still be taken */
static _Thread_local int refused;   /* status of the first refusal since begin */

static void link_block(header *block) {
    block->before = NULL;
    block->next = first;
    if (first) first->before = block;
    first = block;
}

static void unlink_block(header *block) {
    if (block->next) block->next->before = block->before;
    if (block->before) block->before->next = block->next;
    if (block == first) first = block->next;
    block->next = block->before = NULL;
}

void ps__budget_begin(uint64_t bytes) {
    first = NULL;
    left = bytes;
    refused = PS__OK;
}

int ps__budget_end(void *keep) {
    if (keep) unlink_block((header *)keep - 1);
    while (first) ps__budget_free(first + 1);
    left = 0;
    return refused;
}

void *ps__budget_malloc(size_t size) { return ps__budget_realloc(NULL, size); }

void *ps__budget_calloc(size_t size) {
    void *p = ps__budget_malloc(size);
    if (p) memset(p, 0, size);
    return p;
}

static void *refuse(int status) {
    if (!refused) refused = status;
    return NULL;
}

void *ps__budget_realloc(void *p, size_t size) {
    header *old = p ? (header *)p - 1 : NULL;
    uint64_t had = old ? old->size : 0;
    if (size > had && size - had > left) return refuse(PS__TOOBIG);
    if (size > SIZE_MAX / 2) return refuse(PS__NOMEM);
    if (old) unlink_block(old);
    header *block = ps__realloc(old, sizeof *block + size);
    if (!block) {
        if (old) link_block(old);
        return refuse(PS__NOMEM);
    }
    block->size = size;
    link_block(block);
    left += had;
    left -= size;
    return block + 1;
}

void ps__budget_free(void *p) {
    if (!p) return;
    header *block = (header *)p - 1;
    unlink_block(block);
    left += block->size;
    ps__free(block);
}
