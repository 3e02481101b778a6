/*
** The folders that inotify watches, by watch descriptor. Only names are kept, each below its parent, so that a renamed folder with a
** hundred thousand folders in it is one change, and paths are put together when they are asked for.
**
** A folder costs 32 bytes, its name as allocated (32 bytes up to 24 letters) and 4 to 8 bytes of table; the kernel's part, about 1 kB
** for each pinned inode and its mark, is not counted. No I/O; one thread.
*/
#ifndef PS_INDEXER_WATCHTREE_H
#define PS_INDEXER_WATCHTREE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum {
    PS__TREE_TOP = -1,  /* as a parent: the name is a whole path */
    PS__TREE_LOOSE = -2 /* as a parent: renamed away, to where is not known yet */
};

enum { PS__TREE_NARROW = 1 }; /* flag: watched only for what may become of roots in it or below it */

typedef struct ps__watchnode {
    char *name;         /* owned; NULL: this slot is free and `next` is the next free one */
    int wd;             /* watch descriptor */
    int parent;         /* slot, PS__TREE_TOP or PS__TREE_LOOSE */
    int child;          /* first one, -1 none */
    int next, prev;     /* with the same parent, -1 none */
    uint8_t generation; /* of the walk that last met it */
    uint8_t flags;      /* PS__TREE_NARROW */
} ps__watchnode;

typedef struct ps__watchtree {
    ps__watchnode *nodes; /* [capacity]; a slot is an index and stays the same */
    int capacity;         /* of nodes */
    int used;             /* slots that were ever in use */
    int free;             /* first free slot below `used`, -1 none */
    int count;            /* folders */
    int lists[2];         /* first of the top ones, first of the loose ones; -1 none */
    int *table;           /* slot + 1 by wd, 0 empty; [mask + 1] */
    size_t mask;          /* a power of 2 less 1; 0: no table yet */
    size_t name_bytes;    /* of all names */
} ps__watchtree;

void ps__watchtree_init(ps__watchtree *tree);
void ps__watchtree_free(ps__watchtree *tree);

/* Slots, or -1: there is none; of add: memory ran out. A wd is added once. */
int ps__watchtree_find(const ps__watchtree *tree, int wd);
int ps__watchtree_child(const ps__watchtree *tree, int parent, const char *name);
int ps__watchtree_add(ps__watchtree *tree, int wd, int parent, const char *name);

/* Puts a folder, with what is below it, elsewhere. -1: memory ran out, nothing moved. Never to a place below itself. */
int ps__watchtree_move(ps__watchtree *tree, int slot, int parent, const char *name);
void ps__watchtree_loosen(ps__watchtree *tree, int slot); /* to PS__TREE_LOOSE; its name stays */
/* The slot, if a folder lies at or below `above`. */
int ps__watchtree_below(const ps__watchtree *tree, int slot, int above);

/* Takes one folder out; it must have no children. */
void ps__watchtree_remove(ps__watchtree *tree, int slot);
/* A folder at or below `slot` that has no children: what to remove first. */
int ps__watchtree_leaf(const ps__watchtree *tree, int slot);

/* Appends the path. -1: it is loose, or below one that is. */
int ps__watchtree_path(ps__buf *path, const ps__watchtree *tree, int slot);

size_t ps__watchtree_bytes(const ps__watchtree *tree); /* memory in use, without malloc's own */

#endif
