/*
** The failing layer: an SQLite VFS that hands everything to the real one, except what is to fail: writes and syncs from some point on,
** or any one call.
*/
#include "tests/store/faulty_vfs.h"

#include <sqlite3.h>
#include <stdatomic.h>
#include <string.h>

#include "tests/store/vfs_layer.h"

typedef struct layered { /* the real file lies behind it in the same memory */
    sqlite3_file base;
    sqlite3_file *real;
} layered;

static sqlite3_vfs layer, *real_vfs;
static atomic_long writes_done, writes_allowed = -1;
static atomic_int fail_code, no_syncs;
static atomic_long calls_done, failing_call = -1;
static _Atomic(const char *) failed_call;

static sqlite3_file *real_of(sqlite3_file *f) { return ((layered *)f)->real; }

static int turn(void) {
    long nth = atomic_fetch_add(&writes_done, 1), allowed = atomic_load(&writes_allowed);
    return allowed >= 0 && nth >= allowed ? atomic_load(&fail_code) : SQLITE_OK;
}

/* Is it the turn of this call, of any kind, to fail? */
static int one_fails(const char *name) {
    if (atomic_fetch_add(&calls_done, 1) != atomic_load(&failing_call)) return 0;
    atomic_store(&failed_call, name);
    return 1;
}

/* What is undone or told cannot fail; everything else can. */
#define CAN_FAIL(name, parameters, arguments, code)                                                                              \
    static int name parameters { return one_fails(#name) ? code : real_of(f)->pMethods->name arguments; }
CAN_FAIL(xRead, (sqlite3_file * f, void *p, int n, sqlite3_int64 at), (real_of(f), p, n, at), SQLITE_IOERR_READ)
CAN_FAIL(xTruncate, (sqlite3_file * f, sqlite3_int64 size), (real_of(f), size), SQLITE_IOERR_TRUNCATE)
CAN_FAIL(xFileSize, (sqlite3_file * f, sqlite3_int64 *size), (real_of(f), size), SQLITE_IOERR_FSTAT)
CAN_FAIL(xLock, (sqlite3_file * f, int kind), (real_of(f), kind), SQLITE_IOERR_LOCK)
CAN_FAIL(xCheckReservedLock, (sqlite3_file * f, int *out), (real_of(f), out), SQLITE_IOERR_CHECKRESERVEDLOCK)
CAN_FAIL(xShmMap, (sqlite3_file * f, int page, int size, int extend, void volatile **p), (real_of(f), page, size, extend, p),
         SQLITE_IOERR_SHMMAP)

static int xShmLock(sqlite3_file *f, int offset, int n, int flags) {
    if ((flags & SQLITE_SHM_LOCK) && one_fails("xShmLock")) return SQLITE_IOERR_SHMLOCK;
    return real_of(f)->pMethods->xShmLock(real_of(f), offset, n, flags);
}

#define PASS(name, parameters, arguments)                                                                                        \
    static int name parameters { return real_of(f)->pMethods->name arguments; }
PASS(xClose, (sqlite3_file * f), (real_of(f)))
PASS(xUnlock, (sqlite3_file * f, int kind), (real_of(f), kind))
PASS(xFileControl, (sqlite3_file * f, int op, void *p), (real_of(f), op, p))
PASS(xSectorSize, (sqlite3_file * f), (real_of(f)))
PASS(xDeviceCharacteristics, (sqlite3_file * f), (real_of(f)))
PASS(xShmUnmap, (sqlite3_file * f, int remove), (real_of(f), remove))

static void xShmBarrier(sqlite3_file *f) { real_of(f)->pMethods->xShmBarrier(real_of(f)); }

static int xWrite(sqlite3_file *f, const void *p, int n, sqlite3_int64 at) {
    int code = turn();
    if (!code && one_fails("xWrite")) code = SQLITE_FULL;
    return code ? code : real_of(f)->pMethods->xWrite(real_of(f), p, n, at);
}

static int xSync(sqlite3_file *f, int flags) {
    int code = turn();
    if (!code && one_fails("xSync")) code = SQLITE_IOERR_FSYNC;
    if (!code && atomic_load(&no_syncs)) return SQLITE_OK;
    return code ? code : real_of(f)->pMethods->xSync(real_of(f), flags);
}

static const sqlite3_io_methods methods = LAYER_METHODS;

static int open_layered(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out_flags) {
    (void)vfs;
    ((layered *)f)->real = (sqlite3_file *)(void *)((char *)f + sizeof(layered));
    real_of(f)->pMethods = NULL;
    f->pMethods = NULL;
    if (one_fails("xOpen")) return SQLITE_CANTOPEN;
    int rc = real_vfs->xOpen(real_vfs, name, real_of(f), flags, out_flags);
    f->pMethods = real_of(f)->pMethods ? &methods : NULL;
    return rc;
}

static int delete_layered(sqlite3_vfs *vfs, const char *name, int sync_folder) {
    (void)vfs;
    return one_fails("xDelete") ? SQLITE_IOERR_DELETE : real_vfs->xDelete(real_vfs, name, sync_folder);
}

static int access_layered(sqlite3_vfs *vfs, const char *name, int flags, int *out) {
    (void)vfs;
    return one_fails("xAccess") ? SQLITE_IOERR_ACCESS : real_vfs->xAccess(real_vfs, name, flags, out);
}

static int full_path_layered(sqlite3_vfs *vfs, const char *name, int size, char *out) {
    (void)vfs;
    return one_fails("xFullPathname") ? SQLITE_CANTOPEN : real_vfs->xFullPathname(real_vfs, name, size, out);
}

void faulty_vfs_install(void) {
    if (real_vfs) return;
    real_vfs = sqlite3_vfs_find(NULL);
    layer = *real_vfs;
    layer.zName = "faulty";
    layer.szOsFile = (int)sizeof(layered) + real_vfs->szOsFile;
    layer.xOpen = open_layered;
    layer.xDelete = delete_layered;
    layer.xAccess = access_layered;
    layer.xFullPathname = full_path_layered;
    sqlite3_vfs_register(&layer, 1);
}

void faulty_vfs_fail_after(long writes, int code) {
    atomic_store(&writes_done, 0);
    atomic_store(&fail_code, code);
    atomic_store(&writes_allowed, writes);
}

long faulty_vfs_count(void) { return atomic_load(&writes_done); }

void faulty_vfs_skip_syncs(void) { atomic_store(&no_syncs, 1); }

void faulty_vfs_fail_one(long nth) {
    atomic_store(&failed_call, NULL);
    atomic_store(&failing_call, nth);
    atomic_store(&calls_done, 0);
}

long faulty_vfs_calls(void) { return atomic_load(&calls_done); }

const char *faulty_vfs_failed(void) { return atomic_load(&failed_call); }
