/*
** The failing layer: an SQLite VFS that hands everything to the real one, except writes and syncs when it is their turn to fail.
*/
#include "tests/store/faulty_vfs.h"

#include <sqlite3.h>
#include <stdatomic.h>
#include <string.h>

typedef struct layered { /* the real file lies behind it in the same memory */
    sqlite3_file base;
    sqlite3_file *real;
} layered;

static sqlite3_vfs layer, *real_vfs;
static atomic_long writes_done, writes_allowed = -1;
static atomic_int fail_code;

static sqlite3_file *real_of(sqlite3_file *f) { return ((layered *)f)->real; }

static int turn(void) {
    long nth = atomic_fetch_add(&writes_done, 1), allowed = atomic_load(&writes_allowed);
    return allowed >= 0 && nth >= allowed ? atomic_load(&fail_code) : SQLITE_OK;
}

#define PASS(name, parameters, arguments)                                                                                        \
    static int name parameters { return real_of(f)->pMethods->name arguments; }
PASS(xClose, (sqlite3_file * f), (real_of(f)))
PASS(xRead, (sqlite3_file * f, void *p, int n, sqlite3_int64 at), (real_of(f), p, n, at))
PASS(xTruncate, (sqlite3_file * f, sqlite3_int64 size), (real_of(f), size))
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

static int xWrite(sqlite3_file *f, const void *p, int n, sqlite3_int64 at) {
    int code = turn();
    return code ? code : real_of(f)->pMethods->xWrite(real_of(f), p, n, at);
}

static int xSync(sqlite3_file *f, int flags) {
    int code = turn();
    return code ? code : real_of(f)->pMethods->xSync(real_of(f), flags);
}

static const sqlite3_io_methods methods = {.iVersion = 2,
                                           .xClose = xClose,
                                           .xRead = xRead,
                                           .xWrite = xWrite,
                                           .xTruncate = xTruncate,
                                           .xSync = xSync,
                                           .xFileSize = xFileSize,
                                           .xLock = xLock,
                                           .xUnlock = xUnlock,
                                           .xCheckReservedLock = xCheckReservedLock,
                                           .xFileControl = xFileControl,
                                           .xSectorSize = xSectorSize,
                                           .xDeviceCharacteristics = xDeviceCharacteristics,
                                           .xShmMap = xShmMap,
                                           .xShmLock = xShmLock,
                                           .xShmBarrier = xShmBarrier,
                                           .xShmUnmap = xShmUnmap};

static int open_layered(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out_flags) {
    (void)vfs;
    ((layered *)f)->real = (sqlite3_file *)(void *)((char *)f + sizeof(layered));
    real_of(f)->pMethods = NULL;
    int rc = real_vfs->xOpen(real_vfs, name, real_of(f), flags, out_flags);
    f->pMethods = real_of(f)->pMethods ? &methods : NULL;
    return rc;
}

void faulty_vfs_install(void) {
    if (real_vfs) return;
    real_vfs = sqlite3_vfs_find(NULL);
    layer = *real_vfs;
    layer.zName = "faulty";
    layer.szOsFile = (int)sizeof(layered) + real_vfs->szOsFile;
    layer.xOpen = open_layered;
    sqlite3_vfs_register(&layer, 1);
}

void faulty_vfs_fail_after(long writes, int code) {
    atomic_store(&writes_done, 0);
    atomic_store(&fail_code, code);
    atomic_store(&writes_allowed, writes);
}

long faulty_vfs_count(void) { return atomic_load(&writes_done); }
