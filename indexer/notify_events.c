/*
** What an event means: one call of the sink, and the watches kept right.
**
** A renamed folder is an event at its old place and one at its new. At the first it is put aside ("loose"), at the second the walk finds
** it by its descriptor and puts it there with all that is below it. One that is still loose a moment later has left the tree.
*/
#include "indexer/notify_inside.h"

#include <errno.h>
#include <string.h>
#include <sys/inotify.h>

#include "base/os.h"
#include "encoder/pixels/pixels.h"
#include "indexer/indexer.h"
#include "indexer/run.h"

static int is_file_root(const ps__notify *n, const char *path) {
    for (size_t i = 0; i < n->options.root_count; i++) {
        if (n->roots[i].is_file && strcmp(n->roots[i].path, path) == 0) return 1;
    }
    return 0;
}

static void tell(ps__notify *n, const char *path, ps__news change) { n->options.change(path, change, n->options.payload); }

/* A root that is not there may be on its way when this appears; one that was there may have gone with it. */
static void look_at_roots(ps__notify *n, const char *path, uint32_t mask) {
    for (size_t i = 0; i < n->options.root_count; i++) {
        int below = ps__path_below(n->roots[i].path, path) || ps__path_below(n->given[i], path);
        if (!below) continue;
        if (mask & (IN_DELETE | IN_MOVED_FROM)) ps__notify_doubt(n, path);
        if (!n->roots[i].there) n->rearm = 1;
    }
}

static ps__news change_of_file(const char *path, uint32_t mask) {
    struct stat st;
    if (mask & (IN_DELETE | IN_MOVED_FROM)) return PS__NEWS_GONE;
    if (mask & IN_MOVED_TO) return PS__NEWS_ARRIVED;
    if (mask & IN_CLOSE_WRITE) return PS__NEWS_CLOSED;
    if (mask & IN_MODIFY) return PS__NEWS_WRITING;
    /* A new empty file is one that somebody has just opened; a link to a whole one is not empty. */
    if ((mask & IN_CREATE) && ps__os.lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0) return PS__NEWS_WRITING;
    return PS__NEWS_TOUCHED;
}

static void put_aside(ps__notify *n, int slot) {
    ps__watchtree_loosen(&n->tree, slot);
    if (!n->loose_ns) n->loose_ns = ps__os.monotonic_ns();
}

static void folder_event(ps__notify *n, int slot, const char *path, const char *name, uint32_t mask) {
    int child = mask & (IN_MOVED_FROM | IN_ATTRIB) ? ps__watchtree_child(&n->tree, slot, name) : -1;
    if (mask & IN_ATTRIB) {
        /* Permission may have been given back. */
        if (child >= 0 || ps__notify_walk(n, slot, path, 0) < 0) return;
    } else if (mask & (IN_CREATE | IN_MOVED_TO)) {
        ps__notify_walk(n, slot, path, 0);
    } else if (mask & IN_MOVED_FROM) {
        if (child >= 0) put_aside(n, child);
    } else if (!(mask & IN_DELETE)) {
        return;
    }
    tell(n, path, PS__NEWS_FOLDER);
}

/* With links followed, a link to a folder counts as the folder. */
static int is_folder(const ps__notify *n, int slot, const char *path, const char *name, uint32_t mask) {
    struct stat st;
    if (mask & IN_ISDIR) return 1;
    if (!(n->options.flags & PS__INDEX_FOLLOW_LINKS)) return 0;
    if (mask & (IN_DELETE | IN_MOVED_FROM)) return ps__watchtree_child(&n->tree, slot, name) >= 0;
    return (mask & (IN_CREATE | IN_MOVED_TO)) && ps__os.stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static void drop_link(ps__notify *n, int slot, const char *name) {
    int child = ps__watchtree_child(&n->tree, slot, name);
    if (child >= 0) ps__notify_drop(n, child, 0);
}

static void named_event(ps__notify *n, int slot, const char *name, uint32_t mask) {
    ps__buf path = PS__BUF_INIT;
    if (ps__watchtree_path(&path, &n->tree, slot) != 0) {
        if (path.failed) n->lost_memory = 1; /* else loose: what it becomes is told as a whole */
        ps__buf_free(&path);
        return;
    }
    if (path.length && path.bytes[path.length - 1] != '/') ps__buf_putc(&path, '/');
    ps__buf_puts(&path, name);
    if (path.failed) n->lost_memory = 1;
    int narrow = n->tree.nodes[slot].flags & PS__TREE_NARROW;
    int hidden = name[0] == '.' && !(n->options.flags & PS__INDEX_HIDDEN);
    if (mask & (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO)) look_at_roots(n, path.bytes, mask);
    if (is_file_root(n, path.bytes)) {
        tell(n, path.bytes, change_of_file(path.bytes, mask));
    } else if (narrow || hidden) {
        /* Somebody else's. */
    } else if (is_folder(n, slot, path.bytes, name, mask)) {
        if (!(mask & IN_ISDIR) && (mask & (IN_DELETE | IN_MOVED_FROM))) drop_link(n, slot, name);
        folder_event(n, slot, path.bytes, name, mask);
    } else if (ps__pixels_is_image_name(name)) {
        tell(n, path.bytes, change_of_file(path.bytes, mask));
    }
    ps__buf_free(&path);
}

/* The root's own folder was renamed or deleted: what is known of it is void. */
static void lose_top(ps__notify *n, int slot, int known_gone) {
    for (size_t i = 0; i < n->options.root_count; i++) {
        if (n->roots[i].slot == slot) tell(n, n->roots[i].path, PS__NEWS_FOLDER);
    }
    ps__notify_drop(n, slot, known_gone);
}

static void handle(ps__notify *n, const struct inotify_event *e) {
    if (e->mask & IN_Q_OVERFLOW) {
        ps__logf(n->options.log, PS__LOG_WARNING, "more changed at once than inotify could tell; all folders are compared again");
        ps__notify_walk_all(n);
        n->options.everything(PS__NOTIFY_OVERFLOW, n->options.payload);
        return;
    }
    int slot = ps__watchtree_find(&n->tree, e->wd);
    if (slot < 0) return; /* of a watch that was ended */
    if (e->mask & IN_UNMOUNT) {
        n->options.everything(PS__NOTIFY_MOUNT, n->options.payload);
    } else if (e->mask & IN_IGNORED) {
        lose_top(n, slot, 1);
    } else if (e->mask & IN_MOVE_SELF) {
        if (n->tree.nodes[slot].parent == PS__TREE_TOP) lose_top(n, slot, 0);
    } else if (e->len) {
        named_event(n, slot, e->name, e->mask);
    }
}

void ps__notify_read(ps__notify *n) {
    union {
        struct inotify_event aligned;
        char bytes[32768];
    } buffer;
    ssize_t got;
    while (!atomic_load(&n->stop) && (got = n->calls->read(n->fd, buffer.bytes, sizeof buffer.bytes)) > 0) {
        for (ssize_t at = 0; at + (ssize_t)sizeof(struct inotify_event) <= got;) {
            const struct inotify_event *e = (const struct inotify_event *)(const void *)(buffer.bytes + at);
            handle(n, e);
            at += (ssize_t)(sizeof *e + e->len);
        }
    }
}
