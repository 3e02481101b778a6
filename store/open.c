/*
** Opening and closing a library: one SQLite connection, set up the same way every time.
**
** synchronous=FULL: each commit is synced, so a power cut costs at most the batch that was on its way. NORMAL would sync only before
** a checkpoint: up to 4 MB of commits, some thousand photos, could be gone, and with them numbers that were given out already (of
** changes, of photos); a cache that was written and synced after those commits would then speak of other photos under the same
** numbers. The price is one fsync a batch of 40 photos.
*/
#include "store/inside.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/os.h"

#define BUSY_MS 10000
#define LOG_CHECKPOINT 1000 /* pages of the log from which on each commit copies what it may into library.db */
#define LOG_LONG 8192       /* and from which on the writer waits a moment for readers, to begin the log anew: 32 MB */
#define LOG_PATIENCE_MS 200

static int configure(ps__store *store, ps__error *err) {
    sqlite3_busy_timeout(store->db, BUSY_MS);
    sqlite3_extended_result_codes(store->db, 1);
    /* The file is not trusted: no functions with side effects from its schema, no writable schema, no oversized values. */
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_limit(store->db, SQLITE_LIMIT_LENGTH, 1 << 20);
    return ps__sql_exec(store, "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0; PRAGMA foreign_keys = ON", err);
}

/* After each commit. SQLite by itself begins the log anew only when it happens to meet no reader, so with readers whose views overlap
** it would grow for ever. Here the writer, once the log is long, waits a moment: readers that start meanwhile read library.db and do
** not count. They are not held up; after a try that failed (somebody reads for long) the next one waits for more pages. */
static int look_after_log(void *payload, sqlite3 *db, const char *name, int pages) {
    ps__store *store = payload;
    if (pages < store->log_tried) store->log_tried = 0;
    if (pages < LOG_LONG || pages < store->log_tried + LOG_CHECKPOINT) {
        if (pages >= LOG_CHECKPOINT) sqlite3_wal_checkpoint_v2(db, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
        return SQLITE_OK;
    }
    sqlite3_busy_timeout(db, LOG_PATIENCE_MS);
    store->log_tried = sqlite3_wal_checkpoint_v2(db, name, SQLITE_CHECKPOINT_RESTART, NULL, NULL) == SQLITE_OK ? 0 : pages;
    sqlite3_busy_timeout(db, BUSY_MS);
    return SQLITE_OK;
}

static int prepare_writer(ps__store *store, ps__error *err) {
    sqlite3_wal_hook(store->db, look_after_log, store);
    return ps__sql_exec(store,
                        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864;"
                        "PRAGMA cache_size = -8000",
                        err);
}

/* A handle that may only read still has to bring an old library up to date: by a second one that may write. */
static int migrate_by_writer(ps__store *store, ps__error *err) {
    ps__store *writer;
    int status = ps__store_open(&writer, store->folder, PS__STORE_WRITE, err);
    if (status == PS__OK) ps__store_close(writer);
    return status;
}

/* A writer that died while it made the library leaves a journal that only a writer may roll back. */
static int read_version(int *version, ps__store *store, ps__error *err) {
    int status = ps__store_read_version(version, store, err);
    if (status != PS__ACCESS || store->writable) return status;
    status = migrate_by_writer(store, err);
    return status == PS__OK ? ps__store_read_version(version, store, err) : status;
}

static int bring_up_to_date(ps__store *store, unsigned flags, ps__error *err) {
    int version;
    int status = read_version(&version, store, err);
    if (status != PS__OK) return status;
    if (version > ps__store_version)
        return ps__fail(err, PS__NEWER, "%s: was written by a newer photosearch (library version %d, this one reads up to %d)",
                        store->db_path, version, ps__store_version);
    if (version == 0 && flags != PS__STORE_CREATE) return ps__fail(err, PS__NOTFOUND, "%s: holds no library yet", store->db_path);
    if (!store->writable) return version < ps__store_version ? migrate_by_writer(store, err) : PS__OK;
    if ((status = prepare_writer(store, err)) != PS__OK) return status;
    if (version == ps__store_version) return PS__OK;
    return ps__migrate(store, ps__store_migrations, ps__store_version, err);
}

static int read_identity(ps__store *store, ps__error *err) {
    sqlite3_stmt *stmt;
    int status = ps__sql_walk(&stmt, store, err, "SELECT value FROM meta WHERE key = 'identity'", "");
    if (status != PS__OK) return status;
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) ps__sql_text(store->identity, sizeof store->identity, stmt, 0);
    sqlite3_finalize(stmt);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) return ps__sql_fail(store, rc, err);
    if (strlen(store->identity) != 32 || strspn(store->identity, "0123456789abcdef") != 32)
        return ps__store_damaged(store, "it has no identity", err);
    return PS__OK;
}

/* Makes an empty file for SQLite, which would make it readable by everybody, and gives the -wal and -shm beside it the mode it finds.
** A library tells where its owner was and when. mknod, as closing a descriptor would drop the locks that another thread, opening the
** same library, may have got on it by then. */
static int make_private_file(const char *path, ps__error *err) {
    if (ps__os.mknod(path, 0600) == 0 || errno == EEXIST) return PS__OK;
    return ps__fail_errno(err, errno, "%s", path);
}

static int connect_file(ps__store *store, unsigned flags, ps__error *err) {
    struct stat st;
    int create = flags == PS__STORE_CREATE, status;
    if (create && (status = ps__make_folders(store->folder, err)) != PS__OK) return status;
    if (ps__os.stat(store->db_path, &st) != 0) {
        if (errno != ENOENT && errno != ENOTDIR) return ps__fail_errno(err, errno, "%s", store->db_path);
        if (!create) return ps__fail(err, PS__NOTFOUND, "%s: there is no library in this folder", store->folder);
        if ((status = make_private_file(store->db_path, err)) != PS__OK) return status;
    } else if (!S_ISREG(st.st_mode)) {
        return ps__fail(err, PS__FORMAT, "%s: is not a regular file", store->db_path);
    } else if (st.st_size > 0 && st.st_size < 512) { /* SQLite takes less than a page for an empty database */
        return ps__store_damaged(store, "it is cut short", err);
    }
    int mode = store->writable ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
    int rc = sqlite3_open_v2(store->db_path, &store->db, mode | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc != SQLITE_OK) return ps__sql_fail(store, rc, err);
    if ((status = configure(store, err)) != PS__OK) return status;
    if ((status = ps__path_words_prepare(store, err)) != PS__OK) return status;
    if ((status = bring_up_to_date(store, flags, err)) != PS__OK) return status;
    return read_identity(store, err);
}

int ps__store_open(ps__store **out, const char *folder, unsigned flags, ps__error *err) {
    ps__buf path = PS__BUF_INIT;
    *out = NULL;
    if (!folder || !*folder || flags > PS__STORE_CREATE || flags == 2)
        return ps__fail(err, PS__INVALID, "the library's folder is empty");
    ps__store *store = ps__calloc(1, sizeof *store);
    if (!store) return ps__fail_nomem(err);
    store->lock_fd = -1;
    store->writable = (flags & PS__STORE_WRITE) != 0;
    store->folder = ps__strdup(folder);
    ps__buf_printf(&path, "%s/library.db", folder);
    store->db_path = ps__buf_detach(&path);
    int status = store->folder && store->db_path ? connect_file(store, flags, err) : ps__fail_nomem(err);
    if (status != PS__OK) {
        ps__store_close(store);
        return status;
    }
    *out = store;
    return PS__OK;
}

void ps__store_close(ps__store *store) {
    if (!store) return;
    ps__store_unlock(store);
    for (int i = 0; i < store->statement_count; i++) sqlite3_finalize(store->statements[i].stmt);
    sqlite3_close(store->db);
    ps__free(store->folder);
    ps__free(store->db_path);
    ps__free(store);
}

const char *ps__store_folder(const ps__store *store) { return store->folder; }

const char *ps__store_identity(const ps__store *store) { return store->identity; }

int ps__store_check(ps__store *store, ps__error *err) {
    sqlite3_stmt *stmt;
    char fault[300];
    int status = ps__sql_walk(&stmt, store, err, "PRAGMA integrity_check(1)", "");
    if (status != PS__OK) return status;
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(stmt, 0);
        snprintf(fault, sizeof fault, "%s", text ? text : "no answer");
        if (strcmp(fault, "ok") != 0) {
            fault[strcspn(fault, "\n")] = 0;
            status = ps__store_damaged(store, fault, err);
        }
    } else {
        status = ps__sql_fail(store, rc, err);
    }
    sqlite3_finalize(stmt);
    return status;
}

int ps__store_begin(ps__store *store, ps__error *err) { return ps__sql_run(store, err, "BEGIN", ""); }

void ps__store_end(ps__store *store) {
    if (!sqlite3_get_autocommit(store->db)) sqlite3_exec(store->db, "COMMIT", NULL, NULL, NULL);
}

int ps__store_must_write(ps__store *store, ps__error *err) {
    return store->writable ? PS__OK : ps__fail(err, PS__INVALID, "%s: was opened for reading only", store->db_path);
}

int ps__store_write(ps__store *store, ps__error *err) {
    int status = ps__store_must_write(store, err);
    return status == PS__OK ? ps__sql_run(store, err, "BEGIN IMMEDIATE", "") : status;
}

int ps__store_commit(ps__store *store, ps__error *err) { return ps__sql_run(store, err, "COMMIT", ""); }

void ps__store_rollback(ps__store *store) {
    if (!sqlite3_get_autocommit(store->db)) sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
}
