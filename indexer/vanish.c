/*
** The last phase: entries whose files are gone.
**
** An entry goes only when all of this holds: its folder was read in this run, its path does not exist (asked again, one lstat), the
** root above it is not completely empty, the nearest folder that does exist is on the device where the file was, or on one that
** is proven to be the same device under a new number (some other file is there, unchanged), and not too many would go with it. An
** unplugged card fails one of the first: its mount point is an empty folder, or gone from a folder of another device.
**
** What is kept although its file is gone becomes GONE: it is not shown, and comes back by itself with the file.
*/
#include "indexer/run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/os.h"

#define REMOVE_BATCH 1000
#define FEW 10       /* so many may always go */
#define MOST_SHARE 5 /* more than one in this many of a root may not go at once */

typedef struct going_file {
    int64_t id, photo; /* row, and what it holds; photo 0: nothing */
} going_file;

typedef struct file_list {
    going_file *items;      /* owned */
    size_t count, capacity; /* of items */
} file_list;

typedef struct removal {
    ps__run *run;
    const ps__root *root;   /* being looked at */
    file_list going;         /* entries to remove */
    file_list away;          /* entries to be kept as GONE */
    size_t going_before;    /* of going.count: of roots before this one */
    int64_t elsewhere;      /* entries kept because they were on another device */
    char *folder;           /* the last folder looked up, owned */
    int64_t folder_device;  /* device of it, or of the nearest folder above it that exists */
    int ticks;              /* rows looked at, for progress */
    ps__error *err;         /* of ps__remove_vanished */
} removal;

/* Device of the nearest existing folder at or above `path`, which is cut down on the way. */
static int64_t nearest_device(char *path) {
    struct stat st;
    while (ps__os.stat(path, &st) != 0) {
        char *slash = strrchr(path, '/');
        if (!slash || slash == path) return ps__os.stat("/", &st) == 0 ? (int64_t)st.st_dev : 0;
        *slash = 0;
    }
    return (int64_t)st.st_dev;
}

static int device_around(int64_t *device, removal *r, const char *path) {
    size_t length = (size_t)(strrchr(path, '/') - path);
    if (length == 0) length = 1;
    if (!r->folder || strncmp(r->folder, path, length) != 0 || r->folder[length] != 0) {
        ps__free(r->folder);
        r->folder = ps__strndup(path, length);
        char *scratch = ps__strndup(path, length);
        if (!r->folder || !scratch) {
            ps__free(scratch);
            return PS__NOMEM;
        }
        r->folder_device = nearest_device(scratch);
        ps__free(scratch);
    }
    *device = r->folder_device;
    return PS__OK;
}

static int same_device(const ps__run *run, int64_t recorded, int64_t now) {
    if (recorded == now) return 1;
    for (int i = 0; i < run->move_count; i++) {
        if (run->moves[i].from == recorded && run->moves[i].to == now) return 1;
    }
    return 0;
}

static int below_unreadable(const ps__run *run, const char *path) {
    for (size_t i = 0; i < run->unreadable.count; i++) {
        if (ps__path_below(path, run->unreadable.items[i])) return 1;
    }
    return 0;
}

static int take(file_list *list, going_file file, ps__error *err) {
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 256;
        going_file *grown = ps__realloc(list->items, capacity * sizeof *grown);
        if (!grown) return ps__fail_nomem(err);
        list->items = grown;
        list->capacity = capacity;
    }
    list->items[list->count++] = file;
    return PS__OK;
}

static int look_at(const ps__file *file, const char *path, void *payload) {
    removal *r = payload;
    ps__run *run = r->run;
    struct stat st;
    int64_t device;
    int force = (run->options->flags & PS__INDEX_ALLOW_REMOVAL) != 0;
    if (++r->ticks % 256 == 0 && ps__run_tick(run, path, 0) != PS__OK)
        return ps__fail(r->err, PS__CANCELLED, "stopped on request");
    if (ps__idset_has(&run->seen, file->id)) return 0;
    if (below_unreadable(run, path)) {
        run->result->kept++;
        return 0;
    }
    if (ps__os.lstat(path, &st) == 0) return 0; /* there, but not for this walk: hidden, behind a link, newly come */
    if (errno != ENOENT && errno != ENOTDIR) {
        run->result->kept++;
        return 0;
    }
    if (!force) {
        if (device_around(&device, r, path) != PS__OK) return ps__fail_nomem(r->err);
        int elsewhere = !r->root->empty && !same_device(run, file->stat.device, device);
        if (r->root->empty || elsewhere) {
            run->result->kept++;
            r->elsewhere += elsewhere;
            return file->state == PS__FILE_GONE ? 0 : take(&r->away, (going_file){file->id, file->photo}, r->err);
        }
    }
    /* Paths of a partial run may lie in each other: once is enough. */
    if (ps__idset_add(&run->seen, file->id) != PS__OK) return ps__fail_nomem(r->err);
    return take(&r->going, (going_file){file->id, file->photo}, r->err);
}

/* 1 in *there if another file holds the same photo: the entry is of a file that was moved, or was one of several copies. */
static int is_elsewhere(int *there, ps__run *run, int64_t photo, ps__error *err) {
    ps__buf paths = PS__BUF_INIT;
    struct stat st;
    size_t count;
    *there = 0;
    if (!photo) return PS__OK;
    int status = ps__store_paths(&paths, &count, run->store, photo, err);
    const char *path = paths.bytes;
    for (size_t i = 0; status == PS__OK && i < count && !*there; i++, path += strlen(path) + 1)
        *there = ps__os.lstat(path, &st) == 0;
    ps__buf_free(&paths);
    return status;
}

/* How many of the root's entries that are to go hold a photo that goes with them. */
static int count_lost(int64_t *lost, removal *r, ps__error *err) {
    int status = PS__OK, there = 0;
    int64_t asked = -1; /* photo that `there` is about: copies often go together */
    *lost = 0;
    for (size_t i = r->going_before; i < r->going.count && status == PS__OK; i++) {
        int64_t photo = r->going.items[i].photo;
        if (photo != asked) status = is_elsewhere(&there, r->run, photo, err);
        asked = photo;
        if (status == PS__OK && !there) ++*lost;
    }
    return status;
}

/* Too many at once: moved to those that are kept. */
static int ask_first(int64_t *asked, removal *r, ps__error *err) {
    int64_t all, lost;
    size_t going = r->going.count - r->going_before;
    *asked = 0;
    if (going <= FEW || (r->run->options->flags & PS__INDEX_ALLOW_REMOVAL)) return PS__OK;
    int status = ps__store_count_below(&all, r->run->store, r->root->path, err);
    if (status == PS__OK) status = count_lost(&lost, r, err);
    if (status != PS__OK || lost <= FEW || lost * MOST_SHARE <= all) return status;
    for (size_t i = r->going_before; i < r->going.count && status == PS__OK; i++) status = take(&r->away, r->going.items[i], err);
    r->going.count = r->going_before;
    *asked = (int64_t)going;
    r->run->result->kept += (int64_t)going;
    r->run->result->asked += (int64_t)going;
    return status;
}

/* Entries, and photos that are left without a file, in one transaction. */
static int remove_batch(ps__run *run, const going_file *files, size_t count, ps__error *err) {
    int status = ps__store_write(run->store, err);
    for (size_t i = 0; i < count && status == PS__OK; i++) status = ps__store_file_removed(run->store, files[i].id, err);
    if (status == PS__OK) status = ps__store_sweep(run->store, err);
    if (status == PS__OK) status = ps__store_commit(run->store, err);
    if (status != PS__OK) ps__store_rollback(run->store);
    if (status == PS__OK) run->result->removed += (int64_t)count;
    return status;
}

/* Files of a missing folder are not shown until they are back. */
static int hide_batch(ps__run *run, const going_file *files, size_t count, ps__error *err) {
    int status = ps__store_write(run->store, err);
    for (size_t i = 0; i < count && status == PS__OK; i++) status = ps__store_file_gone(NULL, run->store, files[i].id, err);
    if (status == PS__OK) status = ps__store_commit(run->store, err);
    if (status != PS__OK) ps__store_rollback(run->store);
    return status;
}

typedef int batch_fn(ps__run *run, const going_file *files, size_t count, ps__error *err);

static int in_batches(ps__run *run, batch_fn *fn, const file_list *list, ps__error *err) {
    int status = PS__OK;
    for (size_t i = 0; i < list->count && status == PS__OK; i += REMOVE_BATCH) {
        size_t n = list->count - i < REMOVE_BATCH ? list->count - i : REMOVE_BATCH;
        status = fn(run, list->items + i, n, err);
        if (status == PS__OK) status = ps__run_tick(run, "", 0);
    }
    return status;
}

static void say_kept(removal *r, int64_t kept, int64_t asked) {
    char text[PS__ERROR_TEXT];
    if (kept == 0) return;
    if (asked)
        snprintf(text, sizeof text,
                 "%.700s: %lld files are gone at once, more than a fifth of all; their entries were kept, and go when removal is "
                 "allowed",
                 r->root->path, (long long)asked);
    else if (r->root->empty)
        snprintf(text, sizeof text, "%.800s: the folder is empty, maybe not mounted; its %lld entries were kept", r->root->path,
                 (long long)kept);
    else if (r->elsewhere)
        snprintf(text, sizeof text,
                 "%.800s: %lld entries were kept: their files were on another device, which may not be mounted", r->root->path,
                 (long long)r->elsewhere);
    else
        snprintf(text, sizeof text, "%.800s: %lld entries were kept: their folders could not be read", r->root->path,
                 (long long)kept);
    ps__run_note(r->run, PS__LOG_WARNING, text);
}

/* Everything below the root, or below those paths of a partial run that are the root's. */
static int look_below(removal *r, ps__error *err) {
    const ps__indexer_options *o = r->run->options;
    int status = PS__OK;
    if (!o->only) return ps__store_each_file(r->run->store, r->root->path, look_at, r, err);
    for (size_t i = 0; i < o->only_count && status == PS__OK; i++) {
        if (r->root->looked_at && ps__root_of(r->run, o->only[i]) == r->root)
            status = ps__store_each_file(r->run->store, o->only[i], look_at, r, err);
    }
    return status;
}

static int remove_of_root(removal *r, ps__error *err) {
    int64_t kept = r->run->result->kept, asked;
    r->elsewhere = 0;
    r->going_before = r->going.count;
    int status = look_below(r, err);
    if (status == PS__OK) status = ask_first(&asked, r, err);
    if (status == PS__OK) say_kept(r, r->run->result->kept - kept, asked);
    return status;
}

int ps__remove_vanished(ps__run *run, ps__error *err) {
    removal r = {.run = run, .err = err};
    int status = PS__OK;
    for (size_t i = 0; i < run->options->root_count && status == PS__OK; i++) {
        r.root = &run->roots[i];
        if (r.root->covered || r.root->kind == PS__ROOT_FILE) continue;
        /* A root that failed in the scan is among the unreadable folders; one that was missing is counted already. */
        if (r.root->kind == PS__ROOT_SKIPPED && !below_unreadable(run, r.root->path)) continue;
        status = remove_of_root(&r, err);
    }
    if (status == PS__OK) status = in_batches(run, hide_batch, &r.away, err);
    if (status == PS__OK) status = in_batches(run, remove_batch, &r.going, err);
    /* Also without removals: edits and renames leave loose photos. */
    if (status == PS__OK) status = remove_batch(run, NULL, 0, err);
    ps__free(r.away.items);
    ps__free(r.going.items);
    ps__free(r.folder);
    return status;
}
