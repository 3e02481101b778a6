/*
** Rows of `files`: one path each, with what is known of it. Used by the indexer's scan and when it removes what is gone.
*/
#include "store/inside.h"

#include <string.h>

#define COLUMNS "id, photo, state, racy, size, mtime_ns, inode, device"

static int read_file(ps__file *out, ps__store *store, sqlite3_stmt *stmt, ps__error *err) {
    out->id = sqlite3_column_int64(stmt, 0);
    out->photo = sqlite3_column_int64(stmt, 1);
    out->state = sqlite3_column_int(stmt, 2);
    out->racy = sqlite3_column_int(stmt, 3);
    out->stat.size = sqlite3_column_int64(stmt, 4);
    out->stat.mtime_ns = sqlite3_column_int64(stmt, 5);
    out->stat.inode = sqlite3_column_int64(stmt, 6);
    out->stat.device = sqlite3_column_int64(stmt, 7);
    if (out->id >= 1 && out->id < PS__FILE_IDS) return PS__OK;
    return ps__store_damaged(store, "the number of a file in it is impossible", err);
}

/* The one row that the statement gives, and hands the statement back. PS__NOTFOUND without a sentence when there is none. */
static int take_file(ps__file *out, ps__store *store, sqlite3_stmt *stmt, ps__error *err) {
    int status, rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW)
        status = read_file(out, store, stmt, err);
    else
        status = rc == SQLITE_DONE ? PS__NOTFOUND : ps__sql_fail(store, rc, err);
    ps__sql_done(stmt);
    return status;
}

int ps__store_file(ps__file *out, ps__store *store, const char *path, ps__error *err) {
    sqlite3_stmt *stmt;
    memset(out, 0, sizeof *out);
    int status = ps__sql_take(&stmt, store, err, "SELECT " COLUMNS " FROM files WHERE path = ?", "b", (const void *)path,
                              (int)strlen(path));
    return status == PS__OK ? take_file(out, store, stmt, err) : status;
}

int ps__store_file_twin(ps__file *out, ps__store *store, int space, const ps__file_stat *st, ps__error *err) {
    sqlite3_stmt *stmt;
    memset(out, 0, sizeof *out);
    int status =
        ps__sql_take(&stmt, store, err,
                     "SELECT " COLUMNS " FROM files WHERE inode = ? AND device = ? AND size = ? AND mtime_ns = ?"
                     " AND state = 0 AND racy = 0 AND EXISTS (SELECT 1 FROM vectors WHERE key = (? << 40 | photo)) LIMIT 1",
                     "iiiii", st->inode, st->device, st->size, st->mtime_ns, (int64_t)space);
    return status == PS__OK ? take_file(out, store, stmt, err) : status;
}

int ps__store_file_add(int64_t *id, ps__store *store, const char *path, const ps__file_stat *st, int64_t photo, ps__error *err) {
    int status =
        ps__sql_run(store, err,
                    "INSERT INTO files(path, photo, state, size, mtime_ns, inode, device)"
                    " VALUES(?1, (SELECT id FROM photos WHERE id = ?2), NOT EXISTS (SELECT 1 FROM photos WHERE id = ?2),"
                    " ?3, ?4, ?5, ?6)",
                    "biiiii", (const void *)path, (int)strlen(path), photo, st->size, st->mtime_ns, st->inode, st->device);
    if (status == PS__OK) *id = sqlite3_last_insert_rowid(store->db);
    return status;
}

int ps__store_file_changed(ps__store *store, int64_t id, const ps__file_stat *st, ps__error *err) {
    return ps__sql_run(store, err,
                       "UPDATE files SET state = 1, racy = 0, tries = 0, code = NULL, reason = NULL, tried = NULL, size = ?2,"
                       " mtime_ns = ?3, inode = ?4, device = ?5 WHERE id = ?1",
                       "iiiii", id, st->size, st->mtime_ns, st->inode, st->device);
}

int ps__store_file_touched(ps__store *store, int64_t id, const ps__file_stat *st, ps__error *err) {
    return ps__sql_run(store, err, "UPDATE files SET inode = ?2, device = ?3 WHERE id = ?1", "iii", id, st->inode, st->device);
}

int ps__store_file_removed(ps__store *store, int64_t id, ps__error *err) {
    return ps__sql_run(store, err, "DELETE FROM files WHERE id = ?", "i", id);
}

/* Runs a walk whose columns are COLUMNS and path. */
static int walk(ps__store *store, sqlite3_stmt *stmt, ps__file_fn *fn, void *payload, ps__error *err) {
    int rc;
    int status = PS__OK;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        ps__file file;
        const char *path;
        if ((status = read_file(&file, store, stmt, err)) != PS__OK) break;
        if ((status = ps__sql_path(&path, store, stmt, 8, err)) != PS__OK) break;
        if ((status = fn(&file, path, payload)) != 0) break;
    }
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) status = ps__sql_fail(store, rc, err);
    sqlite3_finalize(stmt);
    return status;
}

int ps__store_each_file(ps__store *store, const char *root, ps__file_fn *fn, void *payload, ps__error *err) {
    ps__range r;
    sqlite3_stmt *stmt;
    int status = ps__range_make(&r, root, err);
    if (status != PS__OK) return status;
    status = ps__sql_walk(&stmt, store, err,
                          "SELECT " COLUMNS ", path FROM files WHERE path = ?1"
                          " UNION ALL SELECT " COLUMNS ", path FROM files WHERE path > ?2 AND path < ?3",
                          "bbb", (const void *)r.root, r.root_length, (const void *)r.low, r.low_length, (const void *)r.high,
                          r.low_length);
    if (status == PS__OK) status = walk(store, stmt, fn, payload, err);
    ps__range_clear(&r);
    return status;
}

/* Two questions: what waits (few rows in a quiet library; `state > 0` is what lets SQLite use the partial index), and what has no
** vector in this space (asked only when there are fewer vectors than photos, as it looks at every file). */
#define IN_RANGE "(f.path = ?2 OR (f.path >= ?3 AND f.path < ?4))"
#define UNENCODED "f.state = 0 AND NOT EXISTS (SELECT 1 FROM vectors WHERE key = (?5 << 40 | f.photo))"
#define F_COLUMNS "f.id, f.photo, f.state, f.racy, f.size, f.mtime_ns, f.inode, f.device, f.path"

int ps__store_each_work(ps__store *store, int space, const char *root, int64_t after, int limit, ps__file_fn *fn, void *payload,
                        ps__error *err) {
    ps__range r;
    sqlite3_stmt *stmt;
    int64_t lacking;
    int status =
        ps__sql_int(&lacking, store, err, "SELECT (SELECT count(*) FROM photos) > (SELECT vectors FROM spaces WHERE number = ?)",
                    "i", (int64_t)space);
    if (status == PS__OK) status = ps__range_make(&r, root, err);
    if (status != PS__OK) return status;
    status = ps__sql_walk(&stmt, store, err,
                          lacking ? "SELECT " F_COLUMNS " FROM files f WHERE f.id > ?1 AND " IN_RANGE
                                    " AND (f.state IN (1, 2) OR (" UNENCODED ")) ORDER BY f.id LIMIT ?6"
                                  : "SELECT * FROM (SELECT " F_COLUMNS
                                    " FROM files f WHERE f.state > 0 AND f.state = 1 AND f.id > ?1 AND " IN_RANGE
                                    " AND ?5 IS NOT NULL ORDER BY f.id LIMIT ?6)"
                                    " UNION ALL SELECT * FROM (SELECT " F_COLUMNS
                                    " FROM files f WHERE f.state > 0 AND f.state = 2 AND f.id > ?1 AND " IN_RANGE
                                    " ORDER BY f.id LIMIT ?6) ORDER BY 1 LIMIT ?6",
                          "ibbbii", after, (const void *)r.root, r.root_length, (const void *)r.low, r.low_length,
                          (const void *)r.high, r.low_length, (int64_t)space, (int64_t)limit);
    if (status == PS__OK) status = walk(store, stmt, fn, payload, err);
    ps__range_clear(&r);
    return status;
}

int ps__store_one_work(ps__store *store, int64_t id, ps__file_fn *fn, void *payload, ps__error *err) {
    ps__file file;
    sqlite3_stmt *stmt;
    const char *path;
    int status = ps__sql_walk(&stmt, store, err, "SELECT " COLUMNS ", path FROM files WHERE id = ?", "i", id);
    if (status != PS__OK) return status;
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        status = read_file(&file, store, stmt, err);
        if (status == PS__OK) status = ps__sql_path(&path, store, stmt, 8, err);
        if (status == PS__OK) status = fn(&file, path, payload);
    } else {
        status = rc == SQLITE_DONE ? PS__NOTFOUND : ps__sql_fail(store, rc, err);
    }
    sqlite3_finalize(stmt);
    return status;
}

int ps__store_count_unencoded(int64_t *count, ps__store *store, int space, const char *root, ps__error *err) {
    ps__range r;
    int64_t lacking;
    *count = 0;
    int status =
        ps__sql_int(&lacking, store, err, "SELECT (SELECT count(*) FROM photos) > (SELECT vectors FROM spaces WHERE number = ?)",
                    "i", (int64_t)space);
    if (status != PS__OK || !lacking) return status;
    if ((status = ps__range_make(&r, root, err)) != PS__OK) return status;
    status = ps__sql_int(count, store, err, "SELECT count(*) FROM files f WHERE ?1 IS NULL AND " IN_RANGE " AND " UNENCODED,
                         "nbbbi", (const void *)r.root, r.root_length, (const void *)r.low, r.low_length, (const void *)r.high,
                         r.low_length, (int64_t)space);
    ps__range_clear(&r);
    return status;
}
