/*
** Phase 3: entries whose files are gone.
**
** An entry goes only when all of this holds: its folder was read in this run, its path does not exist (asked again, one lstat), the
** root above it is not completely empty, and the nearest folder that does exist is on the device where the file was, or on one that
** is proven to be the same device under a new number (some other file is there, unchanged). An unplugged card fails one of the last
** two: its mount point is an empty folder, or gone from a folder of another device.
*/
#include "indexer/run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/os.h"

#define REMOVE_BATCH 1000

typedef struct removal {
    ps__run *run;
    const ps__root *root;   /* being looked at */
    int64_t *ids;           /* entries to remove */
    size_t count, capacity; /* of ids */
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

static int take_id(removal *r, int64_t id) {
    if (r->count == r->capacity) {
        size_t capacity = r->capacity ? r->capacity * 2 : 256;
        int64_t *grown = ps__realloc(r->ids, capacity * sizeof *grown);
        if (!grown) return PS__NOMEM;
        r->ids = grown;
        r->capacity = capacity;
    }
    r->ids[r->count++] = id;
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
    if (below_unreadable(run, path) || (r->root->empty && !force)) {
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
        if (!same_device(run, file->stat.device, device)) {
            run->result->kept++;
            r->elsewhere++;
            return 0;
        }
    }
    return take_id(r, file->id) == PS__OK ? 0 : ps__fail_nomem(r->err);
}

/* Entries, and photos that are left without a file, in one transaction. */
static int remove_batch(ps__run *run, const int64_t *ids, size_t count, ps__error *err) {
    int status = ps__store_write(run->store, err);
    for (size_t i = 0; i < count && status == PS__OK; i++) status = ps__store_file_removed(run->store, ids[i], err);
    if (status == PS__OK) status = ps__store_sweep(run->store, err);
    if (status == PS__OK) status = ps__store_commit(run->store, err);
    if (status != PS__OK) ps__store_rollback(run->store);
    if (status == PS__OK) run->result->removed += (int64_t)count;
    return status;
}

static int remove_all(removal *r, ps__error *err) {
    int status = PS__OK;
    for (size_t i = 0; i < r->count && status == PS__OK; i += REMOVE_BATCH) {
        size_t n = r->count - i < REMOVE_BATCH ? r->count - i : REMOVE_BATCH;
        status = remove_batch(r->run, r->ids + i, n, err);
        if (status == PS__OK) status = ps__run_tick(r->run, "", 0);
    }
    return status;
}

static void say_kept(removal *r, int64_t kept) {
    char text[PS__ERROR_TEXT];
    if (kept == 0) return;
    if (r->root->empty)
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

int ps__remove_vanished(ps__run *run, ps__error *err) {
    removal r = {.run = run, .err = err};
    int status = PS__OK;
    for (size_t i = 0; i < run->options->root_count && status == PS__OK; i++) {
        r.root = &run->roots[i];
        if (r.root->covered || r.root->kind == PS__ROOT_FILE) continue;
        /* A root that failed in the scan is among the unreadable folders; one that was missing is counted already. */
        if (r.root->kind == PS__ROOT_SKIPPED && !below_unreadable(run, r.root->path)) continue;
        int64_t kept = run->result->kept;
        r.elsewhere = 0;
        status = ps__store_each_file(run->store, r.root->path, look_at, &r, err);
        if (status == PS__OK) say_kept(&r, run->result->kept - kept);
    }
    if (status == PS__OK) status = remove_all(&r, err);
    /* Also without removals: edits and renames leave loose photos. */
    if (status == PS__OK) status = remove_batch(run, NULL, 0, err);
    ps__free(r.ids);
    ps__free(r.folder);
    return status;
}
