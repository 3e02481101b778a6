/*
** Setting watches: walking folders so that nothing falls between two. A folder is watched first and read then, so that what comes later
** is an event and what came before is in the listing.
**
** inotify knows a folder by its inode and answers a second watch with the first one's descriptor. That is how a folder is walked once
** only, and how one that was renamed is found again: its old path leads nowhere, or elsewhere.
*/
#include "indexer/notify_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>

#include "base/alloc.h"
#include "base/os.h"
#include "indexer/indexer.h"
#include "indexer/run.h"

#define MASK                                                                                                                     \
    (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE_SELF |             \
     IN_MOVE_SELF | IN_ONLYDIR | IN_EXCL_UNLINK)

typedef struct step { /* a folder to be walked */
    char *path;       /* owned */
    int parent;       /* slot, or PS__TREE_TOP */
    dev_t device;     /* of the folder above; 0 unknown */
    int tell;         /* to be told when it is new */
} step;

typedef struct steps {
    step *items;
    size_t count, capacity;
} steps;

/* Takes the path over. */
static void push(ps__notify *n, steps *stack, char *path, int parent, dev_t device, int tell) {
    if (path && stack->count == stack->capacity) {
        size_t capacity = stack->capacity ? 2 * stack->capacity : 64;
        step *grown = ps__realloc(stack->items, capacity * sizeof *grown);
        if (grown) {
            stack->items = grown;
            stack->capacity = capacity;
        } else {
            ps__free(path);
            path = NULL;
        }
    }
    if (!path) {
        n->lost_memory = 1;
        return;
    }
    stack->items[stack->count++] = (step){path, parent, device, tell};
}

/* ---- Dropping ----------------------------------------------------------------------------------------------------------------- */

void ps__notify_doubt(ps__notify *n, const char *path) {
    for (size_t i = 0; i < n->options.root_count; i++) {
        ps__notify_root *root = &n->roots[i];
        if (!ps__path_below(root->path, path)) continue;
        if (root->there) n->options.change(root->path, root->is_file ? PS__NEWS_GONE : PS__NEWS_FOLDER, n->options.payload);
        root->there = 0;
        root->slot = -1;
        n->rearm = 1;
    }
}

void ps__notify_drop(ps__notify *n, int slot, int known_gone) {
    for (int last = -1; last != slot;) {
        last = ps__watchtree_leaf(&n->tree, slot);
        for (size_t i = 0; i < n->options.root_count; i++) {
            if (n->roots[i].slot != last) continue;
            n->roots[i].slot = -1;
            n->roots[i].there = 0;
            n->rearm = 1;
        }
        if (n->tree.nodes[last].flags & PS__TREE_NARROW) n->rearm = 1;
        if (last != slot || !known_gone) n->calls->remove(n->fd, n->tree.nodes[last].wd);
        ps__watchtree_remove(&n->tree, last);
    }
}

/* ---- One folder --------------------------------------------------------------------------------------------------------------- */

/* File systems whose files others may change without this kernel's knowledge (statfs(2); linux/magic.h). */
static int is_remote(const ps__notify *n, const char *path) {
    static const uint32_t magic[] = {
        0x6969 /* NFS */,      0x517b /* SMB */,   0xff534d42 /* CIFS */,   0xfe534d42 /* SMB2 */, 0x65735546 /* FUSE */,
        0x01021997 /* 9P */,   0x5346414f /* AFS */, 0x6b414653 /* AFS */,  0x00c36400 /* Ceph */, 0x73757245 /* Coda */,
        0x01161970 /* GFS2 */, 0x7461636f /* OCFS2 */, 0x0bd00bd0 /* Lustre */, 0x786f4256 /* VirtualBox */};
    struct statfs st;
    if (n->calls->statfs(path, &st) != 0) return 0;
    for (size_t i = 0; i < sizeof magic / sizeof *magic; i++) {
        if ((uint32_t)st.f_type == magic[i]) return 1;
    }
    return 0;
}

static void say_limit(ps__notify *n) {
    n->limited = 1;
    if (n->limit_said) return;
    n->limit_said = 1;
    ps__logf(n->options.log, PS__LOG_WARNING,
             "the kernel's limit of watched folders was reached after %d of them; changes in the others are found by rescans. "
             "`sysctl fs.inotify.max_user_watches=524288` raises it",
             n->tree.count);
}

static int leads_to(const char *path, const struct stat *st) {
    struct stat now;
    return ps__os.stat(path, &now) == 0 && now.st_dev == st->st_dev && now.st_ino == st->st_ino;
}

static const char *name_in(const step *s) { return s->parent == PS__TREE_TOP ? s->path : strrchr(s->path, '/') + 1; }

/* A folder that was not watched before. */
static int add_node(ps__notify *n, const step *s, int wd) {
    int slot = ps__watchtree_add(&n->tree, wd, s->parent, name_in(s));
    if (slot >= 0) return slot;
    n->calls->remove(n->fd, wd);
    n->lost_memory = 1;
    return -1;
}

/* One that is watched, but not at this place: it was renamed. 0: it stays where it is. */
static int move_node(ps__notify *n, const step *s, int slot) {
    if (s->parent >= 0 && ps__watchtree_below(&n->tree, s->parent, slot)) return 0; /* a loop of mounts */
    if (ps__watchtree_move(&n->tree, slot, s->parent, name_in(s)) == 0) return 1;
    n->lost_memory = 1;
    return 0;
}

/* Finds or makes the place in the tree for a folder that has this descriptor now. The slot, or -1: it is not to be walked, as it is
** watched under another path that leads to it as well (a link, a second mount). *fresh: it is new at this place. */
static int settle_slot(ps__notify *n, const step *s, int wd, const struct stat *st, int *fresh) {
    ps__buf path = PS__BUF_INIT;
    int slot = ps__watchtree_find(&n->tree, wd);
    *fresh = 1;
    if (slot < 0) return add_node(n, s, wd);
    ps__watchnode *node = &n->tree.nodes[slot];
    int has_path = ps__watchtree_path(&path, &n->tree, slot) == 0;
    int here = has_path && strcmp(path.bytes, s->path) == 0;
    int elsewhere = has_path && !here && !(node->flags & PS__TREE_NARROW) && leads_to(path.bytes, st);
    ps__buf_free(&path);
    if (elsewhere) return -1;
    if (here && !(node->flags & PS__TREE_NARROW))
        *fresh = 0;
    else if (!move_node(n, s, slot))
        return -1;
    n->tree.nodes[slot].flags = 0;
    return slot;
}

static void push_child(ps__notify *n, steps *stack, const step *s, int slot, int tell, int fd, const struct dirent *d,
                       dev_t device) {
    struct stat st;
    ps__buf path = PS__BUF_INIT;
    int follow = (n->options.flags & PS__INDEX_FOLLOW_LINKS) != 0;
    if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0) return;
    if (d->d_name[0] == '.' && !(n->options.flags & PS__INDEX_HIDDEN)) return;
    if (d->d_type != DT_DIR && d->d_type != DT_UNKNOWN && !(d->d_type == DT_LNK && follow)) return;
    if (d->d_type != DT_DIR &&
        (ps__os.fstatat(fd, d->d_name, &st, follow ? 0 : AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(st.st_mode)))
        return;
    ps__buf_puts(&path, s->path);
    if (path.length && path.bytes[path.length - 1] != '/') ps__buf_putc(&path, '/');
    ps__buf_puts(&path, d->d_name);
    push(n, stack, ps__buf_detach(&path), slot, device, tell);
}

/* Closes fd. */
static void read_folders(ps__notify *n, steps *stack, const step *s, int slot, int tell, int fd, dev_t device) {
    struct dirent *d;
    DIR *dir = ps__os.fdopendir(fd);
    if (!dir) {
        ps__os.close(fd);
        return;
    }
    while ((d = ps__os.readdir(dir))) push_child(n, stack, s, slot, tell, fd, d, device);
    ps__os.closedir(dir);
}

static int is_library(const ps__notify *n, const struct stat *st) {
    return n->library_inode && st->st_ino == n->library_inode && st->st_dev == n->library_device;
}

static int watch(ps__notify *n, const char *path) {
    int wd = n->calls->add(n->fd, path, MASK);
    if (wd < 0 && (errno == ENOSPC || errno == ENOMEM)) say_limit(n);
    return wd;
}

/* Can this open folder be watched at all? */
static int is_watchable(ps__notify *n, const step *s, int fd, struct stat *st) {
    if (ps__os.fstat(fd, st) != 0 || is_library(n, st)) return 0;
    if (st->st_dev == s->device || !is_remote(n, s->path)) return 1;
    n->remote++;
    return 0;
}

/* The slot of the folder, -1: it is not watched at this path. */
static int walk_one(ps__notify *n, steps *stack, const step *s) {
    struct stat st;
    int fresh = 0, slot = -1, follow = s->parent == PS__TREE_TOP || (n->options.flags & PS__INDEX_FOLLOW_LINKS);
    int fd = ps__os.open(s->path, O_RDONLY | O_DIRECTORY | O_NONBLOCK | (follow ? 0 : O_NOFOLLOW), 0);
    if (fd < 0) return -1; /* gone, or not to be read by the indexer either */
    if (is_watchable(n, s, fd, &st)) {
        int wd = watch(n, s->path);
        if (wd >= 0) slot = settle_slot(n, s, wd, &st, &fresh);
    }
    /* A root inside another one has been walked. */
    if (slot < 0 || (n->walking_all && !fresh && n->tree.nodes[slot].generation == n->generation)) {
        ps__os.close(fd);
        return slot;
    }
    n->tree.nodes[slot].generation = n->generation;
    if (fresh && s->tell) n->options.change(s->path, PS__NEWS_FOLDER, n->options.payload);
    read_folders(n, stack, s, slot, s->tell && !fresh, fd, st.st_dev);
    return slot;
}

/* The library's folder may be made at any time. */
static void find_library(ps__notify *n) {
    struct stat st;
    n->library_inode = 0;
    if (!n->options.library || ps__os.stat(n->options.library, &st) != 0) return;
    n->library_inode = st.st_ino;
    n->library_device = st.st_dev;
}

int ps__notify_walk(ps__notify *n, int parent, const char *path, int tell) {
    steps stack = {0};
    int first = 1, top = -1;
    if (n->fd < 0) return -1;
    find_library(n);
    push(n, &stack, ps__strdup(path), parent, 0, tell);
    while (stack.count) {
        step s = stack.items[--stack.count];
        int slot = atomic_load(&n->stop) ? -1 : walk_one(n, &stack, &s);
        if (first) top = slot;
        first = 0;
        ps__free(s.path);
    }
    ps__free(stack.items);
    return top;
}

/* ---- Roots -------------------------------------------------------------------------------------------------------------------- */

/* Watches the nearest folder above `path` that is there, for what may come. */
static void watch_above(ps__notify *n, const char *path) {
    struct stat st;
    char *above = ps__strdup(path);
    if (!above) n->lost_memory = 1;
    while (above && n->fd >= 0) {
        char *slash = strrchr(above, '/');
        if (!slash) break;
        slash[slash == above] = 0;
        if (ps__os.stat(above, &st) != 0 || !S_ISDIR(st.st_mode)) {
            if (strcmp(above, "/") == 0) break;
            continue;
        }
        int wd = watch(n, above);
        int slot = wd < 0 ? -1 : ps__watchtree_find(&n->tree, wd);
        if (wd >= 0 && slot < 0) {
            slot = ps__watchtree_add(&n->tree, wd, PS__TREE_TOP, above);
            if (slot >= 0) n->tree.nodes[slot].flags = PS__TREE_NARROW;
        }
        if (slot >= 0) n->tree.nodes[slot].generation = n->generation;
        break;
    }
    ps__free(above);
}

/* 0: it leads nowhere. The root's path becomes what it leads to. */
static int resolve(ps__notify *n, ps__notify_root *root, const char *given, struct stat *st) {
    char *real = ps__os.realpath(given);
    char *path = ps__strdup(real ? real : given);
    int there = real && ps__os.stat(real, st) == 0;
    free(real);
    if (!path) {
        n->lost_memory = 1;
        return 0;
    }
    ps__free(root->path);
    root->path = path;
    return there;
}

static void arm(ps__notify *n, size_t index) {
    ps__notify_root *root = &n->roots[index];
    const char *given = n->given[index];
    struct stat st;
    root->there = root->is_file = 0;
    root->slot = -1;
    if (!resolve(n, root, given, &st)) {
        watch_above(n, given);
        /* It may have come just before that watch was there. */
        if (!resolve(n, root, given, &st)) return;
    }
    root->there = 1;
    root->is_file = !S_ISDIR(st.st_mode);
    if (root->is_file) {
        watch_above(n, root->path);
        return;
    }
    root->slot = ps__notify_walk(n, PS__TREE_TOP, root->path, n->walking_all && n->first_walk_done);
}

static void tell_root(ps__notify *n, const ps__notify_root *root) {
    n->options.change(root->path, root->is_file ? PS__NEWS_TOUCHED : PS__NEWS_FOLDER, n->options.payload);
}

void ps__notify_rearm(ps__notify *n) {
    n->rearm = 0;
    for (size_t i = 0; i < n->options.root_count; i++) {
        if (n->roots[i].there) continue;
        arm(n, i);
        if (n->roots[i].there) tell_root(n, &n->roots[i]);
    }
}

void ps__notify_walk_all(ps__notify *n) {
    n->generation++;
    n->remote = 0;
    n->limited = 0;
    n->walking_all = 1;
    for (size_t i = 0; i < n->options.root_count; i++) {
        int was_there = n->roots[i].there;
        arm(n, i);
        if (n->first_walk_done && n->roots[i].there != was_there) tell_root(n, &n->roots[i]);
    }
    n->walking_all = 0;
    for (int i = 0; i < n->tree.used && !atomic_load(&n->stop); i++) {
        if (n->tree.nodes[i].name && n->tree.nodes[i].generation != n->generation) ps__notify_drop(n, i, 0);
    }
    if (!n->limited) n->limit_said = 0;
    n->rearm = 0;
    n->first_walk_done = 1;
}
