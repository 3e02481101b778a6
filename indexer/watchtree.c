/*
** Slots in one array, linked to parents, children and siblings by index; an open-addressed table leads from a watch descriptor to its
** slot. The kernel hands out descriptors one after the other, so that they spread well as they are.
*/
#include "indexer/watchtree.h"

#include <string.h>

#include "base/alloc.h"

void ps__watchtree_init(ps__watchtree *tree) {
    memset(tree, 0, sizeof *tree);
    tree->free = tree->lists[0] = tree->lists[1] = -1;
}

void ps__watchtree_free(ps__watchtree *tree) {
    for (int i = 0; i < tree->used; i++) ps__free(tree->nodes[i].name);
    ps__free(tree->nodes);
    ps__free(tree->table);
    ps__watchtree_init(tree);
}

/* Where the descriptor is in the table, or the empty place where it belongs. */
static size_t place_of(const ps__watchtree *t, int wd) {
    size_t at = (size_t)wd & t->mask;
    while (t->table[at] && t->nodes[t->table[at] - 1].wd != wd) at = (at + 1) & t->mask;
    return at;
}

int ps__watchtree_find(const ps__watchtree *tree, int wd) { return tree->mask ? tree->table[place_of(tree, wd)] - 1 : -1; }

static int grow_table(ps__watchtree *t) {
    size_t size = t->mask ? 2 * (t->mask + 1) : 64;
    int *table = ps__calloc(size, sizeof *table);
    if (!table) return -1;
    ps__free(t->table);
    t->table = table;
    t->mask = size - 1;
    for (int i = 0; i < t->used; i++) {
        if (t->nodes[i].name) t->table[place_of(t, t->nodes[i].wd)] = i + 1;
    }
    return 0;
}

/* Taking one out of an open-addressed table moves back those that it had pushed on. */
static void forget_wd(ps__watchtree *t, int wd) {
    size_t hole = place_of(t, wd);
    for (size_t at = (hole + 1) & t->mask; t->table[at]; at = (at + 1) & t->mask) {
        size_t home = (size_t)t->nodes[t->table[at] - 1].wd & t->mask;
        if (((at - home) & t->mask) < ((at - hole) & t->mask)) continue;
        t->table[hole] = t->table[at];
        hole = at;
    }
    t->table[hole] = 0;
}

static int *list_of(ps__watchtree *t, int parent) { return parent >= 0 ? &t->nodes[parent].child : &t->lists[-1 - parent]; }

static void link_in(ps__watchtree *t, int slot, int parent) {
    int *first = list_of(t, parent);
    ps__watchnode *n = &t->nodes[slot];
    n->parent = parent;
    n->prev = -1;
    n->next = *first;
    if (*first >= 0) t->nodes[*first].prev = slot;
    *first = slot;
}

static void link_out(ps__watchtree *t, int slot) {
    ps__watchnode *n = &t->nodes[slot];
    if (n->prev >= 0)
        t->nodes[n->prev].next = n->next;
    else
        *list_of(t, n->parent) = n->next;
    if (n->next >= 0) t->nodes[n->next].prev = n->prev;
}

static int take_slot(ps__watchtree *t) {
    if (t->free >= 0) {
        int slot = t->free;
        t->free = t->nodes[slot].next;
        return slot;
    }
    if (t->used == t->capacity) {
        int capacity = t->capacity ? t->capacity + t->capacity / 2 : 64;
        ps__watchnode *grown = ps__realloc(t->nodes, (size_t)capacity * sizeof *grown);
        if (!grown) return -1;
        t->nodes = grown;
        t->capacity = capacity;
    }
    return t->used++;
}

int ps__watchtree_add(ps__watchtree *tree, int wd, int parent, const char *name) {
    if ((size_t)tree->count * 4 >= tree->mask * 3 && grow_table(tree) != 0) return -1;
    char *copy = ps__strdup(name);
    int slot = copy ? take_slot(tree) : -1;
    if (slot < 0) {
        ps__free(copy);
        return -1;
    }
    tree->nodes[slot] = (ps__watchnode){.name = copy, .wd = wd, .child = -1};
    link_in(tree, slot, parent);
    tree->table[place_of(tree, wd)] = slot + 1;
    tree->count++;
    tree->name_bytes += strlen(name) + 1;
    return slot;
}

int ps__watchtree_child(const ps__watchtree *tree, int parent, const char *name) {
    for (int i = tree->nodes[parent].child; i >= 0; i = tree->nodes[i].next) {
        if (strcmp(tree->nodes[i].name, name) == 0) return i;
    }
    return -1;
}

int ps__watchtree_move(ps__watchtree *tree, int slot, int parent, const char *name) {
    char *copy = ps__strdup(name);
    if (!copy) return -1;
    tree->name_bytes += strlen(name) - strlen(tree->nodes[slot].name);
    ps__free(tree->nodes[slot].name);
    tree->nodes[slot].name = copy;
    link_out(tree, slot);
    link_in(tree, slot, parent);
    return 0;
}

void ps__watchtree_loosen(ps__watchtree *tree, int slot) {
    link_out(tree, slot);
    link_in(tree, slot, PS__TREE_LOOSE);
}

int ps__watchtree_below(const ps__watchtree *tree, int slot, int above) {
    for (; slot >= 0; slot = tree->nodes[slot].parent) {
        if (slot == above) return 1;
    }
    return 0;
}

void ps__watchtree_remove(ps__watchtree *tree, int slot) {
    ps__watchnode *n = &tree->nodes[slot];
    forget_wd(tree, n->wd);
    link_out(tree, slot);
    tree->name_bytes -= strlen(n->name) + 1;
    tree->count--;
    ps__free(n->name);
    *n = (ps__watchnode){.next = tree->free};
    tree->free = slot;
}

int ps__watchtree_leaf(const ps__watchtree *tree, int slot) {
    while (tree->nodes[slot].child >= 0) slot = tree->nodes[slot].child;
    return slot;
}

int ps__watchtree_path(ps__buf *path, const ps__watchtree *tree, int slot) {
    int chain[2048], depth = 0; /* a path of PATH_MAX has no more parts; what is deeper cannot be opened by its path either */
    for (; slot >= 0; slot = tree->nodes[slot].parent) {
        if (depth == 2048) return -1;
        chain[depth++] = slot;
    }
    if (slot == PS__TREE_LOOSE) return -1;
    while (depth-- > 0) {
        if (path->length && path->bytes[path->length - 1] != '/') ps__buf_putc(path, '/');
        ps__buf_puts(path, tree->nodes[chain[depth]].name);
    }
    return path->failed ? -1 : 0;
}

size_t ps__watchtree_bytes(const ps__watchtree *tree) {
    return (size_t)tree->capacity * sizeof *tree->nodes + (tree->mask ? tree->mask + 1 : 0) * sizeof *tree->table +
           tree->name_bytes;
}
