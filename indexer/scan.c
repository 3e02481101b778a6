/*
** Phase 1: walk the roots and compare each image file with what the library knows. Only stat is called for files; none is opened.
**
** A file is unchanged when size and modification time are as recorded. The inode must agree too, but only where it can be trusted: on
** the same device, and when the modification time has a fraction of a second, as FAT cards (whole seconds) number their files anew
** at will. Files that were read within the clock's grain of their last change are *racy* and read again (the idea is git's).
**
** A new path whose inode, device, size and fractional modification time are those of an indexed file, is that file, moved or linked: it
** takes over the photo without being read. This is the trust that "unchanged" rests on, plus the inode; a different file would have
** to get a freed inode, the same size and the same nanosecond. Whole-second times do not qualify, those files are read and hashed.
**
** A run may be given the paths that changed: then only these are looked at, and what lies below them.
**
** Folders wait on a stack as path strings, one is open at a time, so depth costs no descriptors and no C stack. Each folder is walked
** once by device and inode, which ends loops and makes nested roots count once.
*/
#include "indexer/run.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/alloc.h"
#include "base/os.h"

enum { OP_ADD, OP_CHANGED, OP_TOUCHED, OP_BACK };

typedef struct entry {
    char *path;     /* owned until an ADD takes it */
    struct stat st; /* of the file behind it */
} entry;

typedef struct listing { /* image files of one folder */
    entry *items;
    size_t count, capacity;
} listing;

void ps__stat_of(ps__file_stat *out, const struct stat *st) {
    out->size = (int64_t)st->st_size;
    out->mtime_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
    out->inode = (int64_t)st->st_ino;
    out->device = (int64_t)st->st_dev;
}

int ps__fine_mtime(int64_t mtime_ns) { return mtime_ns % 10000000 != 0; /* exFAT counts in 10 ms */ }

/* Of a run over some paths: this row is to be worked on. */
static int list_work(ps__run *run, int64_t id, ps__error *err) {
    if (run->options->only_count == 0) return PS__OK;
    return ps__ids_push(&run->listed, id) == PS__OK ? PS__OK : ps__fail_nomem(err);
}

static int write_op(ps__run *run, const ps__scan_op *op, ps__error *err) {
    int64_t id;
    int status;
    if (op->kind == OP_CHANGED) return ps__store_file_changed(run->store, op->id, &op->stat, err);
    if (op->kind == OP_TOUCHED) return ps__store_file_touched(run->store, op->id, &op->stat, err);
    if (op->kind == OP_BACK) {
        status = ps__store_file_back(run->store, op->id, err);
        return status == PS__OK ? ps__store_file_touched(run->store, op->id, &op->stat, err) : status;
    }
    status = ps__store_file_add(&id, run->store, op->path, &op->stat, op->id, err);
    if (status == PS__OK && ps__idset_add(&run->seen, id) != PS__OK) status = ps__fail_nomem(err);
    if (status == PS__OK && op->id == 0) status = list_work(run, id, err);
    return status;
}

static void drop_ops(ps__run *run) {
    for (int i = 0; i < run->op_count; i++) ps__free(run->ops[i].path);
    run->op_count = 0;
}

static int flush_ops(ps__run *run, ps__error *err) {
    if (run->op_count == 0) return PS__OK;
    int status = ps__store_write(run->store, err);
    for (int i = 0; i < run->op_count && status == PS__OK; i++) status = write_op(run, &run->ops[i], err);
    if (status == PS__OK) status = ps__store_commit(run->store, err);
    if (status != PS__OK) ps__store_rollback(run->store);
    drop_ops(run);
    return status;
}

static int push_op(ps__run *run, int kind, int64_t id, char *path, const ps__file_stat *st, ps__error *err) {
    run->ops[run->op_count++] = (ps__scan_op){.kind = kind, .id = id, .path = path, .stat = *st};
    return run->op_count == PS__SCAN_OPS ? flush_ops(run, err) : PS__OK;
}

/* A file that was recorded on one device and is met, otherwise the same, on another: the volume got a new number. */
static void note_move(ps__run *run, int64_t from, int64_t to) {
    for (int i = 0; i < run->move_count; i++) {
        if (run->moves[i].from == from && run->moves[i].to == to) return;
    }
    if (run->move_count == PS__DEVICE_MOVES) return;
    run->moves[run->move_count].from = from;
    run->moves[run->move_count++].to = to;
}

/* The photo of a moved or linked file, or 0; also 0 when another model's vector is all it has: the file must be read for its own. */
static int find_twin(int64_t *photo, ps__run *run, const ps__file_stat *st, ps__error *err) {
    ps__file twin;
    *photo = 0;
    if (!ps__fine_mtime(st->mtime_ns)) return PS__OK;
    int status = ps__store_file_twin(&twin, run->store, run->space, st, err);
    if (status == PS__OK) *photo = twin.photo;
    return status == PS__NOTFOUND ? PS__OK : status;
}

static int new_file(ps__run *run, entry *e, const ps__file_stat *st, ps__error *err) {
    int64_t photo;
    int status = find_twin(&photo, run, st, err);
    if (status != PS__OK) return status;
    if (photo)
        run->result->indexed++;
    else
        run->todo++;
    char *path = e->path;
    e->path = NULL;
    return push_op(run, OP_ADD, photo, path, st, err);
}

static int has_changed(const ps__file *known, const ps__file_stat *st) {
    if (known->stat.size != st->size || known->stat.mtime_ns != st->mtime_ns || known->racy) return 1;
    return known->stat.inode != st->inode && known->stat.device == st->device && ps__fine_mtime(st->mtime_ns);
}

/* GONE, and here again, unchanged: as good as what the library has of it. */
static int back_again(ps__run *run, const ps__file *known, const ps__file_stat *st, ps__error *err) {
    ps__photo photo;
    if (known->stat.device != st->device) note_move(run, known->stat.device, st->device);
    int status = known->photo ? ps__store_photo(&photo, run->store, known->photo, err) : PS__NOTFOUND;
    if (status != PS__OK && status != PS__NOTFOUND) return status;
    if (status == PS__OK && !photo.preview)
        run->result->unchanged++;
    else if (run->todo++, (status = list_work(run, known->id, err)) != PS__OK)
        return status;
    return push_op(run, OP_BACK, known->id, NULL, st, err);
}

static int known_file(ps__run *run, const ps__file *known, const ps__file_stat *st, ps__error *err) {
    int retry = known->state == PS__FILE_QUARANTINED && (run->options->flags & PS__INDEX_RETRY);
    int status = PS__OK;
    if (has_changed(known, st) || retry) {
        run->todo++;
        if ((status = list_work(run, known->id, err)) != PS__OK) return status;
        return push_op(run, OP_CHANGED, known->id, NULL, st, err);
    }
    if (known->state == PS__FILE_GONE) return back_again(run, known, st, err);
    if (known->state == PS__FILE_INDEXED)
        run->result->unchanged++;
    else if (known->state == PS__FILE_QUARANTINED || (known->state == PS__FILE_FAILED && run->options->only))
        run->result->quarantined++; /* a run over some paths does not use up the tries of what is as it was */
    else if (run->todo++, (status = list_work(run, known->id, err)) != PS__OK)
        return status;
    if (known->stat.inode == st->inode && known->stat.device == st->device) return PS__OK;
    if (known->stat.device != st->device) note_move(run, known->stat.device, st->device);
    return push_op(run, OP_TOUCHED, known->id, NULL, st, err);
}

static int compare(ps__run *run, entry *e, ps__error *err) {
    ps__file known;
    ps__file_stat st;
    ps__stat_of(&st, &e->st);
    int status = ps__store_file(&known, run->store, e->path, err);
    if (status != PS__OK && status != PS__NOTFOUND) return status;
    if (status == PS__OK && ps__idset_has(&run->seen, known.id)) return PS__OK;
    run->result->found++;
    if (status == PS__NOTFOUND) return new_file(run, e, &st, err);
    if (ps__idset_add(&run->seen, known.id) != PS__OK) return ps__fail_nomem(err);
    return known_file(run, &known, &st, err);
}

static char *join(const char *folder, const char *name) {
    ps__buf path = PS__BUF_INIT;
    ps__buf_puts(&path, folder);
    if (path.length == 0 || path.bytes[path.length - 1] != '/') ps__buf_putc(&path, '/');
    ps__buf_puts(&path, name);
    return ps__buf_detach(&path);
}

static int list_file(listing *files, const char *folder, const char *name, const struct stat *st) {
    if (files->count == files->capacity) {
        size_t capacity = files->capacity ? files->capacity * 2 : 64;
        entry *grown = ps__realloc(files->items, capacity * sizeof *grown);
        if (!grown) return PS__NOMEM;
        files->items = grown;
        files->capacity = capacity;
    }
    char *path = join(folder, name);
    if (!path) return PS__NOMEM;
    files->items[files->count++] = (entry){.path = path, .st = *st};
    return PS__OK;
}

/* Sorts one directory entry into files or folders. What cannot be looked at is left for the removal phase, which looks again. */
static int sort_entry(ps__run *run, listing *files, ps__strings *folders, const char *folder, int fd, const struct dirent *d) {
    struct stat st;
    int image = ps__pixels_is_image_name(d->d_name), follow = (run->options->flags & PS__INDEX_FOLLOW_LINKS) != 0;
    if (d->d_name[0] == '.' && !(run->options->flags & PS__INDEX_HIDDEN)) return PS__OK;
    if (d->d_type == DT_REG && !image) return PS__OK;
    if (d->d_type == DT_DIR) return ps__strings_push(folders, join(folder, d->d_name));
    if (d->d_type != DT_REG && d->d_type != DT_LNK && d->d_type != DT_UNKNOWN) return PS__OK;
    if (ps__os.fstatat(fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0) return PS__OK;
    int link = S_ISLNK(st.st_mode);
    if (link && ps__os.fstatat(fd, d->d_name, &st, 0) != 0) return PS__OK;
    if (S_ISREG(st.st_mode) && image) return list_file(files, folder, d->d_name, &st);
    if (S_ISDIR(st.st_mode) && (!link || follow)) return ps__strings_push(folders, join(folder, d->d_name));
    return PS__OK;
}

static int unreadable(ps__run *run, const char *folder, int errno_value, ps__error *err) {
    ps__error why;
    ps__fail_errno(&why, errno_value, "%s", folder);
    if (!run->skip_status) run->skip_status = why.code;
    ps__run_note(run, PS__LOG_WARNING, why.text);
    if (ps__strings_push(&run->unreadable, ps__strdup(folder)) != PS__OK) return ps__fail_nomem(err);
    return PS__OK;
}

/* Reads the names in an open folder (and closes it). *bad is the errno of a failed reading. */
static int list_folder(ps__run *run, listing *files, ps__strings *folders, const char *folder, int fd, int *entries, int *bad) {
    struct dirent *d;
    int status = PS__OK;
    DIR *dir = ps__os.fdopendir(fd);
    *entries = *bad = 0;
    if (!dir) {
        *bad = errno;
        ps__os.close(fd);
        return PS__OK;
    }
    while (status == PS__OK) {
        errno = 0;
        if (!(d = ps__os.readdir(dir))) {
            *bad = errno;
            break;
        }
        if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0) continue;
        ++*entries;
        status = sort_entry(run, files, folders, folder, fd, d);
    }
    ps__os.closedir(dir);
    return status;
}

static int compare_all(ps__run *run, listing *files, ps__error *err) {
    int status = ps__store_begin(run->store, err);
    for (size_t i = 0; i < files->count && status == PS__OK; i++) {
        /* A read view may not be open when the buffered changes are written. */
        if (run->op_count == PS__SCAN_OPS - 1) {
            ps__store_end(run->store);
            if ((status = flush_ops(run, err)) == PS__OK) status = ps__store_begin(run->store, err);
        }
        if (status == PS__OK) status = compare(run, &files->items[i], err);
        if (status == PS__OK && i % 64 == 63) status = ps__run_tick(run, files->items[i].path ? files->items[i].path : "", 0);
    }
    ps__store_end(run->store);
    return status;
}

static void free_listing(listing *files) {
    for (size_t i = 0; i < files->count; i++) ps__free(files->items[i].path);
    ps__free(files->items);
}

/* One folder: *entries counts what is in it (0 also when it was not read); *bad is errno when it could not be read. */
static int scan_folder(ps__run *run, ps__strings *folders, const char *folder, int flags, int *entries, int *bad,
                       ps__error *err) {
    listing files = {0};
    struct stat st;
    *entries = *bad = 0;
    int fd = ps__os.open(folder, O_RDONLY | O_DIRECTORY | O_NONBLOCK | flags, 0);
    if (fd < 0 || ps__os.fstat(fd, &st) != 0) {
        *bad = errno;
        if (fd >= 0) ps__os.close(fd);
        return PS__OK;
    }
    int fresh = ps__folderset_add(&run->visited, st.st_dev, st.st_ino);
    if (fresh != 1) {
        ps__os.close(fd);
        *entries = 1;
        return fresh == 0 ? PS__OK : ps__fail_nomem(err);
    }
    int status = list_folder(run, &files, folders, folder, fd, entries, bad);
    if (status != PS__OK) status = ps__fail_nomem(err);
    if (status == PS__OK) status = compare_all(run, &files, err);
    free_listing(&files);
    if (status == PS__OK) status = ps__run_tick(run, folder, 0);
    return status;
}

static int scan_below(ps__run *run, ps__strings *folders, ps__error *err) {
    int status = PS__OK, entries, bad;
    int flags = run->options->flags & PS__INDEX_FOLLOW_LINKS ? 0 : O_NOFOLLOW;
    while (folders->count && status == PS__OK) {
        char *folder = folders->items[--folders->count];
        status = scan_folder(run, folders, folder, flags, &entries, &bad, err);
        /* A folder that vanished since its name was read is not unreadable, just gone; the removal phase checks for itself. */
        if (status == PS__OK && bad && bad != ENOENT) {
            run->result->folders_skipped++;
            status = unreadable(run, folder, bad, err);
        }
        ps__free(folder);
    }
    return status;
}

static int scan_root(ps__run *run, size_t index, ps__error *err) {
    ps__root *root = &run->roots[index];
    ps__strings folders = {0};
    int entries, bad;
    int status = scan_folder(run, &folders, root->path, 0, &entries, &bad, err);
    if (status == PS__OK && bad) {
        root->kind = PS__ROOT_SKIPPED;
        run->result->roots_skipped++;
        status = unreadable(run, root->path, bad, err);
    }
    root->empty = !bad && entries == 0;
    root->looked_at = 1;
    for (size_t i = 0; i < index && root->kind == PS__ROOT_FOLDER; i++) {
        if (run->roots[i].kind == PS__ROOT_FOLDER && ps__path_below(root->path, run->roots[i].path)) root->covered = 1;
    }
    if (status == PS__OK) status = scan_below(run, &folders, err);
    ps__strings_free(&folders);
    return status;
}

static int scan_one_file(ps__run *run, const char *path, const struct stat *st, ps__error *err) {
    entry e = {.path = ps__strdup(path), .st = *st};
    if (!e.path) return ps__fail_nomem(err);
    int status = compare(run, &e, err);
    ps__free(e.path);
    return status;
}

/* A file given by name is taken whatever its name ends in: its content decides. */
static int scan_file_root(ps__run *run, ps__root *root, ps__error *err) {
    int status = scan_one_file(run, root->path, &root->st, err);
    return status == PS__OK ? flush_ops(run, err) : status;
}

/* ---- Only what changed -------------------------------------------------------------------------------------------------- */

/* 1 if a part of the path below its root begins with a dot. */
static int is_hidden(const char *path, const char *root) {
    return strstr(path + (strlen(root) == 1 ? 0 : strlen(root)), "/.") != NULL;
}

/* A folder that has lost all its entries is no reason to remove any: it may be a mount point. */
static void look_at_root(ps__root *root) {
    struct dirent *d;
    int entries = 0;
    if (root->looked_at) return;
    root->looked_at = 1;
    int fd = ps__os.open(root->path, O_RDONLY | O_DIRECTORY | O_NONBLOCK, 0);
    DIR *dir = fd < 0 ? NULL : ps__os.fdopendir(fd);
    while (dir && !entries && (d = ps__os.readdir(dir)))
        entries = strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0;
    if (dir)
        ps__os.closedir(dir);
    else if (fd >= 0)
        ps__os.close(fd);
    root->empty = entries == 0;
}

static int scan_path(ps__run *run, const char *path, ps__error *err) {
    struct stat st;
    ps__strings folders = {0};
    ps__root *root = ps__root_of(run, path);
    for (size_t i = 0; i < run->options->root_count; i++) /* a file that was named counts whatever its name */
        if (run->roots[i].kind == PS__ROOT_FILE && strcmp(run->roots[i].path, path) == 0)
            return ps__os.stat(path, &st) == 0 && S_ISREG(st.st_mode) ? scan_one_file(run, path, &st, err) : PS__OK;
    if (!root || (is_hidden(path, root->path) && !(run->options->flags & PS__INDEX_HIDDEN))) return PS__OK;
    look_at_root(root);
    if (ps__os.lstat(path, &st) != 0) return PS__OK; /* gone: the removal phase's affair */
    int link = S_ISLNK(st.st_mode);
    if (link && ps__os.stat(path, &st) != 0) return PS__OK;
    if (S_ISREG(st.st_mode) && ps__pixels_is_image_name(path)) return scan_one_file(run, path, &st, err);
    if (!S_ISDIR(st.st_mode) || (link && !(run->options->flags & PS__INDEX_FOLLOW_LINKS))) return PS__OK;
    if (ps__strings_push(&folders, ps__strdup(path)) != PS__OK) return ps__fail_nomem(err);
    int status = scan_below(run, &folders, err);
    ps__strings_free(&folders);
    return status;
}

/* 1 if the path is given twice, or lies in a folder that is given too: a new file must not be added twice. */
static int is_covered(const ps__indexer_options *o, size_t i) {
    for (size_t k = 0; k < o->only_count; k++)
        if (k != i && ps__path_below(o->only[i], o->only[k]) && (k < i || strcmp(o->only[i], o->only[k]) != 0)) return 1;
    return 0;
}

static int scan_only(ps__run *run, ps__error *err) {
    int status = PS__OK;
    for (size_t i = 0; i < run->options->only_count && status == PS__OK; i++) {
        if (is_covered(run->options, i)) continue;
        status = scan_path(run, run->options->only[i], err);
        if (status == PS__OK && run->op_count == PS__SCAN_OPS - 1) status = flush_ops(run, err);
    }
    return status == PS__OK ? flush_ops(run, err) : status;
}

/* ---- All of it ------------------------------------------------------------------------------------------------------------- */

static int scan_all(ps__run *run, ps__error *err) {
    int status = PS__OK;
    size_t count = run->options->root_count;
    for (size_t i = 0; i < count && status == PS__OK; i++) {
        if (run->roots[i].kind == PS__ROOT_FOLDER) status = scan_root(run, i, err);
    }
    if (status == PS__OK) status = flush_ops(run, err);
    for (size_t i = 0; i < count && status == PS__OK; i++) {
        if (run->roots[i].kind == PS__ROOT_FILE) status = scan_file_root(run, &run->roots[i], err);
    }
    return status;
}

int ps__scan(ps__run *run, ps__error *err) {
    struct stat st;
    /* The library may lie inside a root; its thumbnails are no photos. */
    if (ps__os.stat(run->options->library, &st) == 0 && ps__folderset_add(&run->visited, st.st_dev, st.st_ino) < 0)
        return ps__fail_nomem(err);
    int status = run->options->only ? scan_only(run, err) : scan_all(run, err);
    ps__store_end(run->store);
    /* What was found before a cancel is worth keeping: the next run need not compare it again. */
    if (status == PS__CANCELLED && flush_ops(run, err) != PS__OK) status = err ? err->code : PS__ERROR;
    drop_ops(run);
    return status;
}
