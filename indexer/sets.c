/*
** The sets a run keeps in memory, sized for millions of files: a bit a file, 16 bytes a folder.
*/
#include "indexer/run.h"

#include <string.h>

#include "base/alloc.h"

int ps__idset_add(ps__idset *set, int64_t id) {
    if (id < 0 || id >= PS__FILE_IDS) return PS__NOMEM;
    size_t byte = (size_t)id / 8;
    if (byte >= set->size) {
        size_t size = byte + byte / 2 + 1024;
        uint8_t *grown = ps__realloc(set->bits, size);
        if (!grown) return PS__NOMEM;
        memset(grown + set->size, 0, size - set->size);
        set->bits = grown;
        set->size = size;
    }
    set->bits[byte] = (uint8_t)(set->bits[byte] | 1u << (id % 8));
    return PS__OK;
}

int ps__idset_has(const ps__idset *set, int64_t id) {
    return id >= 0 && (uint64_t)id / 8 < set->size && (set->bits[id / 8] >> (id % 8) & 1);
}

void ps__idset_remove(ps__idset *set, int64_t id) {
    if (ps__idset_has(set, id)) set->bits[id / 8] = (uint8_t)(set->bits[id / 8] & ~(1u << (id % 8)));
}

void ps__idset_free(ps__idset *set) {
    ps__free(set->bits);
    memset(set, 0, sizeof *set);
}

/* Where the pair is, or the empty slot where it belongs. */
static uint64_t *find_slot(const ps__folderset *set, uint64_t device, uint64_t inode) {
    uint64_t mixed = (inode ^ device * UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0xff51afd7ed558ccd);
    size_t at = (size_t)(mixed >> 20) & (set->capacity - 1);
    while (set->slots[2 * at + 1] && (set->slots[2 * at] != device || set->slots[2 * at + 1] != inode))
        at = (at + 1) & (set->capacity - 1);
    return &set->slots[2 * at];
}

static int grow(ps__folderset *set) {
    ps__folderset bigger = {.capacity = set->capacity ? set->capacity * 2 : 256, .count = set->count};
    bigger.slots = ps__calloc(bigger.capacity, 2 * sizeof *bigger.slots);
    if (!bigger.slots) return PS__NOMEM;
    for (size_t i = 0; i < set->capacity; i++) {
        if (!set->slots[2 * i + 1]) continue;
        uint64_t *slot = find_slot(&bigger, set->slots[2 * i], set->slots[2 * i + 1]);
        slot[0] = set->slots[2 * i];
        slot[1] = set->slots[2 * i + 1];
    }
    ps__free(set->slots);
    *set = bigger;
    return PS__OK;
}

int ps__folderset_add(ps__folderset *set, dev_t device, ino_t inode) {
    if (inode == 0) return 1; /* a file system without inode numbers: walk it, and trust depth to end */
    if (set->count * 2 >= set->capacity && grow(set) != PS__OK) return PS__NOMEM;
    uint64_t *slot = find_slot(set, (uint64_t)device, (uint64_t)inode);
    if (slot[1]) return 0;
    slot[0] = (uint64_t)device;
    slot[1] = (uint64_t)inode;
    set->count++;
    return 1;
}

void ps__folderset_free(ps__folderset *set) {
    ps__free(set->slots);
    memset(set, 0, sizeof *set);
}

int ps__strings_push(ps__strings *list, char *owned) {
    if (!owned) return PS__NOMEM;
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 32;
        char **grown = ps__realloc(list->items, capacity * sizeof *grown);
        if (!grown) {
            ps__free(owned);
            return PS__NOMEM;
        }
        list->items = grown;
        list->capacity = capacity;
    }
    list->items[list->count++] = owned;
    return PS__OK;
}

void ps__strings_free(ps__strings *list) {
    for (size_t i = 0; i < list->count; i++) ps__free(list->items[i]);
    ps__free(list->items);
    memset(list, 0, sizeof *list);
}

int ps__ids_push(ps__ids *ids, int64_t id) {
    if (ids->count == ids->capacity) {
        size_t capacity = ids->capacity ? ids->capacity * 2 : 64;
        int64_t *grown = ps__realloc(ids->items, capacity * sizeof *grown);
        if (!grown) return PS__NOMEM;
        ids->items = grown;
        ids->capacity = capacity;
    }
    ids->items[ids->count++] = id;
    return PS__OK;
}
