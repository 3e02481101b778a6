/*
** The list of writes, and disks made from a part of it.
*/
#include "tests/store/write_log.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/os.h"
#include "tests/store/vfs_layer.h"

#define SECTOR 512
#define NAMES 512
#define FDS 1024

enum { WRITE, SIZE, SYNC, CREATE, DELETE, RENAME, FOLDER, SYNC_FOLDER, NOTE };

typedef struct event {
    int kind;         /* as above */
    int file;         /* WRITE, SIZE, SYNC, CREATE: number of the file, which a rename does not change */
    char *name;       /* CREATE, DELETE, RENAME, FOLDER, SYNC_FOLDER: relative to the folder, "" itself; SYNC: what it was called */
    char *to;         /* RENAME */
    long long offset; /* WRITE; SIZE: the new size */
    size_t size;      /* WRITE */
    uint8_t *data;    /* WRITE */
} event;

typedef struct name { /* a name that exists now */
    char *text;
    int file; /* -1: a folder */
} name;

static event *events;
static size_t event_count, event_capacity;
static name names[NAMES];
static int name_count, file_count;
static char root[4096];
static int fd_files[FDS];   /* of ps__os descriptors: number of the file + 1, 0 none */
static char *fd_names[FDS]; /* what was opened, relative */
static int recording;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct ps__os before;

/* ---- Writing down ----------------------------------------------------------------------------------------------------------- */

/* The name below the folder, or NULL for what lies elsewhere or is not kept: -shm files are memory. */
static const char *below(const char *path) {
    size_t length = strlen(root), whole = path ? strlen(path) : 0;
    if (!recording || whole < length || strncmp(path, root, length) != 0 || (path[length] && path[length] != '/')) return NULL;
    if (whole > 4 && strcmp(path + whole - 4, "-shm") == 0) return NULL;
    return path[length] ? path + length + 1 : "";
}

static event *add(int kind, int file, const char *text) {
    if (event_count == event_capacity) {
        event_capacity = event_capacity ? event_capacity * 2 : 1024;
        events = realloc(events, event_capacity * sizeof *events);
        if (!events) abort();
    }
    event *e = &events[event_count++];
    *e = (event){.kind = kind, .file = file, .name = text ? strdup(text) : NULL};
    return e;
}

static int find_name(const char *text) {
    for (int i = 0; i < name_count; i++)
        if (strcmp(names[i].text, text) == 0) return i;
    return -1;
}

static void drop_name(name *list, int *count, int at) {
    if (at < 0) return;
    free(list[at].text);
    list[at] = list[--*count];
}

static int put_name(name *list, int *count, const char *text, int file) {
    if (*count == NAMES) abort();
    list[(*count)++] = (name){strdup(text), file};
    return file;
}

/* The number of the file of that name, which has just been opened; a new one is written down as made. */
static int file_of(const char *text) {
    int at = find_name(text);
    if (at >= 0) return names[at].file;
    add(CREATE, file_count, text);
    return put_name(names, &name_count, text, file_count++);
}

static void add_write(int file, const void *data, size_t size, long long offset) {
    event *e = add(WRITE, file, NULL);
    e->data = malloc(size ? size : 1);
    if (!e->data) abort();
    memcpy(e->data, data, size);
    e->size = size;
    e->offset = offset;
}

static void add_size(int file, long long size) { add(SIZE, file, NULL)->offset = size; }

static void folder_of(char out[4096], const char *text) {
    const char *slash = strrchr(text, '/');
    snprintf(out, 4096, "%.*s", slash ? (int)(slash - text) : 0, text);
}

static void add_delete(const char *text) {
    add(DELETE, -1, text);
    drop_name(names, &name_count, find_name(text));
}

/* ---- SQLite's files --------------------------------------------------------------------------------------------------------- */

typedef struct layered { /* the real file lies behind it in the same memory */
    sqlite3_file base;
    sqlite3_file *real;
    int file;       /* its number, or -1 when it is not followed */
    char *name;     /* owned */
    int new_log;    /* 1: a log whose folder is synced along with it the first time, as SQLite's Unix VFS does */
} layered;

static sqlite3_vfs layer, *real_vfs;

static layered *mine(sqlite3_file *f) { return (layered *)f; }
static sqlite3_file *real_of(sqlite3_file *f) { return mine(f)->real; }

#define PASS(method, parameters, arguments)                                                                                      \
    static int method parameters { return real_of(f)->pMethods->method arguments; }
PASS(xRead, (sqlite3_file * f, void *p, int n, sqlite3_int64 at), (real_of(f), p, n, at))
PASS(xFileSize, (sqlite3_file * f, sqlite3_int64 *size), (real_of(f), size))
PASS(xLock, (sqlite3_file * f, int kind), (real_of(f), kind))
PASS(xUnlock, (sqlite3_file * f, int kind), (real_of(f), kind))
PASS(xCheckReservedLock, (sqlite3_file * f, int *out), (real_of(f), out))
PASS(xFileControl, (sqlite3_file * f, int op, void *p), (real_of(f), op, p))
PASS(xSectorSize, (sqlite3_file * f), (real_of(f)))
PASS(xDeviceCharacteristics, (sqlite3_file * f), (real_of(f)))
PASS(xShmMap, (sqlite3_file * f, int page, int size, int extend, void volatile **p), (real_of(f), page, size, extend, p))
PASS(xShmLock, (sqlite3_file * f, int offset, int n, int flags), (real_of(f), offset, n, flags))
PASS(xShmUnmap, (sqlite3_file * f, int remove), (real_of(f), remove))

static void xShmBarrier(sqlite3_file *f) { real_of(f)->pMethods->xShmBarrier(real_of(f)); }

static int xClose(sqlite3_file *f) {
    free(mine(f)->name);
    return real_of(f)->pMethods->xClose(real_of(f));
}

static int xWrite(sqlite3_file *f, const void *p, int n, sqlite3_int64 at) {
    pthread_mutex_lock(&lock);
    if (recording && mine(f)->file >= 0) add_write(mine(f)->file, p, (size_t)n, at);
    int rc = real_of(f)->pMethods->xWrite(real_of(f), p, n, at);
    pthread_mutex_unlock(&lock);
    return rc;
}

static int xTruncate(sqlite3_file *f, sqlite3_int64 size) {
    pthread_mutex_lock(&lock);
    if (recording && mine(f)->file >= 0) add_size(mine(f)->file, size);
    int rc = real_of(f)->pMethods->xTruncate(real_of(f), size);
    pthread_mutex_unlock(&lock);
    return rc;
}

static int xSync(sqlite3_file *f, int flags) {
    char folder[4096];
    (void)flags;
    if (!recording || mine(f)->file < 0) return SQLITE_OK; /* nothing in a test has to last */
    pthread_mutex_lock(&lock);
    add(SYNC, mine(f)->file, mine(f)->name);
    if (mine(f)->new_log) {
        folder_of(folder, mine(f)->name);
        add(SYNC_FOLDER, -1, folder);
        mine(f)->new_log = 0;
    }
    pthread_mutex_unlock(&lock);
    return SQLITE_OK;
}

static const sqlite3_io_methods methods = LAYER_METHODS;

static int open_layered(sqlite3_vfs *vfs, const char *path, sqlite3_file *f, int flags, int *out_flags) {
    (void)vfs;
    pthread_mutex_lock(&lock);
    const char *text = below(path);
    *mine(f) = (layered){.real = (sqlite3_file *)(void *)((char *)f + sizeof(layered)), .file = -1};
    int rc = real_vfs->xOpen(real_vfs, path, real_of(f), flags, out_flags);
    f->pMethods = real_of(f)->pMethods ? &methods : NULL;
    if (rc == SQLITE_OK && text) {
        int is_new = find_name(text) < 0;
        mine(f)->file = file_of(text);
        mine(f)->name = strdup(text);
        mine(f)->new_log = is_new && (flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL));
    }
    pthread_mutex_unlock(&lock);
    return rc;
}

static int delete_layered(sqlite3_vfs *vfs, const char *path, int sync_folder) {
    char folder[4096];
    (void)vfs;
    pthread_mutex_lock(&lock);
    const char *text = below(path);
    int rc = real_vfs->xDelete(real_vfs, path, text ? 0 : sync_folder);
    if (rc == SQLITE_OK && text) {
        add_delete(text);
        folder_of(folder, text);
        if (sync_folder) add(SYNC_FOLDER, -1, folder);
    }
    pthread_mutex_unlock(&lock);
    return rc;
}

static void install_vfs(void) {
    if (real_vfs) return;
    real_vfs = sqlite3_vfs_find(NULL);
    layer = *real_vfs;
    layer.zName = "write log";
    layer.szOsFile = (int)sizeof(layered) + real_vfs->szOsFile;
    layer.xOpen = open_layered;
    layer.xDelete = delete_layered;
    sqlite3_vfs_register(&layer, 1);
}

/* ---- The library's own files ------------------------------------------------------------------------------------------------ */

static int log_open(const char *path, int flags, mode_t mode) {
    pthread_mutex_lock(&lock);
    const char *text = below(path);
    int fd = before.open(path, flags, mode), e = errno;
    if (fd >= 0 && fd < FDS && text) {
        free(fd_names[fd]);
        fd_names[fd] = strdup(text);
        fd_files[fd] = (flags & O_DIRECTORY) ? 0 : file_of(text) + 1;
        if (flags & O_TRUNC) add_size(fd_files[fd] - 1, 0);
    }
    pthread_mutex_unlock(&lock);
    errno = e;
    return fd;
}

static int log_close(int fd) {
    pthread_mutex_lock(&lock);
    if (fd >= 0 && fd < FDS) {
        free(fd_names[fd]);
        fd_names[fd] = NULL;
        fd_files[fd] = 0;
    }
    int result = before.close(fd);
    pthread_mutex_unlock(&lock);
    return result;
}

static ssize_t log_write(int fd, const void *bytes, size_t size) {
    pthread_mutex_lock(&lock);
    off_t at = lseek(fd, 0, SEEK_CUR);
    ssize_t n = before.write(fd, bytes, size);
    if (recording && n > 0 && fd < FDS && fd_files[fd]) add_write(fd_files[fd] - 1, bytes, (size_t)n, at);
    pthread_mutex_unlock(&lock);
    return n;
}

static int log_fsync(int fd) {
    pthread_mutex_lock(&lock);
    if (recording && fd < FDS && fd_names[fd]) add(fd_files[fd] ? SYNC : SYNC_FOLDER, fd_files[fd] - 1, fd_names[fd]);
    pthread_mutex_unlock(&lock);
    return 0;
}

static int log_ftruncate(int fd, off_t size) {
    pthread_mutex_lock(&lock);
    if (recording && fd < FDS && fd_files[fd]) add_size(fd_files[fd] - 1, size);
    int result = before.ftruncate(fd, size);
    pthread_mutex_unlock(&lock);
    return result;
}

static int log_rename(const char *from, const char *to) {
    pthread_mutex_lock(&lock);
    const char *a = below(from), *b = below(to);
    int result = before.rename(from, to), e = errno;
    int at = a && b ? find_name(a) : -1;
    if (result == 0 && at >= 0) {
        int file = names[at].file;
        add(RENAME, -1, a)->to = strdup(b);
        drop_name(names, &name_count, at);
        drop_name(names, &name_count, find_name(b));
        put_name(names, &name_count, b, file);
    }
    pthread_mutex_unlock(&lock);
    errno = e;
    return result;
}

static int log_unlink(const char *path) {
    pthread_mutex_lock(&lock);
    const char *text = below(path);
    int result = before.unlink(path), e = errno;
    if (result == 0 && text && find_name(text) >= 0) add_delete(text);
    pthread_mutex_unlock(&lock);
    errno = e;
    return result;
}

static int log_mkdir(const char *path, mode_t mode) {
    pthread_mutex_lock(&lock);
    const char *text = below(path);
    int result = before.mkdir(path, mode), e = errno;
    if (result == 0 && text) {
        add(FOLDER, -1, text);
        put_name(names, &name_count, text, -1);
    }
    pthread_mutex_unlock(&lock);
    errno = e;
    return result;
}

static int log_mknod(const char *path, mode_t mode) {
    pthread_mutex_lock(&lock);
    const char *text = below(path);
    int result = before.mknod(path, mode), e = errno;
    if (result == 0 && text) file_of(text);
    pthread_mutex_unlock(&lock);
    errno = e;
    return result;
}

/* ---- Start and end ---------------------------------------------------------------------------------------------------------- */

static int take_in(const char *path, const struct stat *st, int kind, struct FTW *where) {
    (void)st, (void)where;
    uint8_t *bytes;
    size_t size;
    const char *text = below(path);
    if (!text || !*text) return 0;
    if (kind == FTW_D) {
        add(FOLDER, -1, text);
        put_name(names, &name_count, text, -1);
        return 0;
    }
    int file = file_of(text);
    ck_assert_int_eq(ps__read_file(&bytes, &size, NULL, path, (size_t)1 << 30, NULL), PS__OK);
    add_write(file, bytes, size, 0);
    add(SYNC, file, "");
    ps__free(bytes);
    return 0;
}

/* What is there already is written and synced by the first events. */
static size_t first_events;

static void clear(void) {
    for (size_t i = 0; i < event_count; i++) {
        free(events[i].name);
        free(events[i].to);
        free(events[i].data);
    }
    while (name_count) drop_name(names, &name_count, 0);
    event_count = 0;
    file_count = 0;
}

void write_log_start(const char *folder) {
    install_vfs();
    clear();
    snprintf(root, sizeof root, "%s", folder);
    recording = 1;
    nftw(folder, take_in, 16, FTW_PHYS);
    size_t count = event_count;
    for (size_t i = 0; i < count; i++) {
        char parent[4096];
        if (events[i].kind != FOLDER && events[i].kind != CREATE) continue;
        folder_of(parent, events[i].name);
        add(SYNC_FOLDER, -1, parent);
    }
    first_events = event_count;
    before = ps__os;
    ps__os.open = log_open;
    ps__os.close = log_close;
    ps__os.write = log_write;
    ps__os.fsync = log_fsync;
    ps__os.ftruncate = log_ftruncate;
    ps__os.rename = log_rename;
    ps__os.unlink = log_unlink;
    ps__os.mkdir = log_mkdir;
    ps__os.mknod = log_mknod;
}

void write_log_stop(void) {
    recording = 0;
    ps__os = before;
}

size_t write_log_count(void) { return event_count - first_events; }

int write_log_is_sync(size_t i, const char *ending) {
    const event *e = &events[first_events + i];
    size_t length = e->kind == SYNC ? strlen(e->name) : 0;
    return length >= strlen(ending) && strcmp(e->name + length - strlen(ending), ending) == 0;
}

size_t write_log_syncs(void) {
    size_t count = 0;
    for (size_t i = first_events; i < event_count; i++) count += events[i].kind == SYNC || events[i].kind == SYNC_FOLDER;
    return count;
}

void write_log_note(void) {
    pthread_mutex_lock(&lock);
    if (recording) add(NOTE, -1, NULL);
    pthread_mutex_unlock(&lock);
}

int write_log_notes(size_t cut) {
    int count = 0;
    for (size_t i = first_events; i < first_events + cut; i++) count += events[i].kind == NOTE;
    return count;
}

/* ---- A disk from the list --------------------------------------------------------------------------------------------------- */

typedef struct disk_file {
    uint8_t *bytes;
    size_t size, capacity;
    size_t synced; /* all events of it before this one are on the disk */
} disk_file;

typedef struct disk {
    disk_file *files;
    name names[NAMES];
    int name_count;
    unsigned random;       /* 0: everything arrives */
    int data_chance;       /* in percent, that a sector that was not synced arrived */
    int name_chance;       /* and a name */
    size_t cut;            /* events */
} disk;

static int arrives(disk *d, int chance) { return !d->random || (int)(rand_r(&d->random) / 7 % 100) < chance; }

static void set_size(disk_file *f, size_t size) {
    if (size > f->capacity) {
        f->capacity = size + size / 2 + 4096;
        f->bytes = realloc(f->bytes, f->capacity);
        if (!f->bytes) abort();
    }
    if (size > f->size) memset(f->bytes + f->size, 0, size - f->size);
    f->size = size;
}

static void put_bytes(disk_file *f, const event *e, size_t from, size_t n) {
    size_t at = (size_t)e->offset + from;
    if (at + n > f->size) set_size(f, at + n);
    if (n) memcpy(f->bytes + at, e->data + from, n);
}

static void write_torn(disk *d, disk_file *f, const event *e) {
    if (arrives(d, d->data_chance / 3) && (size_t)e->offset + e->size > f->size) set_size(f, (size_t)e->offset + e->size);
    for (size_t from = 0; from < e->size;) {
        size_t n = SECTOR - ((size_t)e->offset + from) % SECTOR;
        if (n > e->size - from) n = e->size - from;
        if (arrives(d, d->data_chance)) put_bytes(f, e, from, n);
        from += n;
    }
}

/* 1 when the folder of the name was synced between the event and the cut. */
static int name_is_synced(const disk *d, size_t i, const char *text) {
    char folder[4096];
    folder_of(folder, text);
    for (size_t k = i + 1; k < d->cut; k++)
        if (events[k].kind == SYNC_FOLDER && strcmp(events[k].name, folder) == 0) return 1;
    return 0;
}

static int disk_find(const disk *d, const char *text) {
    for (int i = 0; i < d->name_count; i++)
        if (strcmp(d->names[i].text, text) == 0) return i;
    return -1;
}

static void apply_name(disk *d, size_t i) {
    const event *e = &events[i];
    int at = disk_find(d, e->name);
    if (!name_is_synced(d, i, e->name) && !arrives(d, d->name_chance)) return;
    if (e->kind == CREATE || e->kind == FOLDER) {
        drop_name(d->names, &d->name_count, at);
        put_name(d->names, &d->name_count, e->name, e->kind == CREATE ? e->file : -1);
    } else if (e->kind == DELETE) {
        drop_name(d->names, &d->name_count, at);
    } else if (at >= 0) {
        int file = d->names[at].file;
        drop_name(d->names, &d->name_count, disk_find(d, e->to));
        drop_name(d->names, &d->name_count, disk_find(d, e->name));
        put_name(d->names, &d->name_count, e->to, file);
    }
}

static void apply(disk *d, size_t i) {
    const event *e = &events[i];
    disk_file *f = e->file >= 0 ? &d->files[e->file] : NULL;
    int synced = f && i < f->synced;
    switch (e->kind) {
    case WRITE:
        if (synced || !d->random)
            put_bytes(f, e, 0, e->size);
        else
            write_torn(d, f, e);
        break;
    case SIZE:
        if (synced || arrives(d, d->data_chance)) set_size(f, (size_t)e->offset);
        break;
    case CREATE:
    case DELETE:
    case RENAME:
    case FOLDER: apply_name(d, i); break;
    default: break;
    }
}

static int by_text(const void *a, const void *b) { return strcmp(((const name *)a)->text, ((const name *)b)->text); }

/* Folders come before what is in them; a file in a folder whose own name did not arrive is lost with it. */
static void write_out(disk *d, const char *to) {
    qsort(d->names, (size_t)d->name_count, sizeof *d->names, by_text);
    ck_assert_int_eq(mkdir(to, 0700), 0);
    for (int i = 0; i < d->name_count; i++) {
        char path[8192];
        snprintf(path, sizeof path, "%s/%s", to, d->names[i].text);
        if (d->names[i].file < 0) {
            mkdir(path, 0700);
            continue;
        }
        const disk_file *f = &d->files[d->names[i].file];
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        if (fd < 0) continue;
        ck_assert_int_eq(write(fd, f->bytes ? (const void *)f->bytes : "", f->size), (ssize_t)f->size);
        close(fd);
        if (d->random && d->random % 2 && strstr(path, "library.db-wal")) { /* -shm is left as it happens to be */
            memcpy(strstr(path, "-wal"), "-shm", 4);
            fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
            for (int k = 0; fd >= 0 && k < 4096; k++) {
                uint64_t noise = (uint64_t)rand_r(&d->random) * 2654435761u;
                if (write(fd, &noise, sizeof noise) < 0) break;
            }
            close(fd);
        }
    }
}

void write_log_rebuild(const char *to, size_t cut, unsigned seed) {
    static const int chances[] = {0, 10, 50, 90, 100};
    disk d = {.random = seed, .cut = first_events + cut};
    if (seed) {
        d.data_chance = chances[rand_r(&d.random) / 7 % 5];
        d.name_chance = chances[rand_r(&d.random) / 7 % 5];
    }
    d.files = calloc((size_t)file_count + 1, sizeof *d.files);
    if (!d.files) abort();
    for (size_t i = 0; i < d.cut; i++)
        if (events[i].kind == SYNC) d.files[events[i].file].synced = i;
    for (size_t i = 0; i < d.cut; i++) apply(&d, i);
    write_out(&d, to);
    while (d.name_count) drop_name(d.names, &d.name_count, 0);
    for (int i = 0; i < file_count; i++) free(d.files[i].bytes);
    free(d.files);
}
