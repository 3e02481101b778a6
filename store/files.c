/*
** Rows of `files`: one path each, with what is known of it. Used by the indexer's scan and when it removes what is gone.
*/
#include "store/inside.h"

#include <string.h>

#define COLUMNS PS__FILE_COLUMNS

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
    if (status != PS__OK) return status;
    *id = sqlite3_last_insert_rowid(store->db);
    return ps__path_words_put(store, *id, path, err);
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

/* What waited to be read is marked as racy: when the file is back, it is read whatever its size and time say. */
#define GONE "UPDATE files SET racy = racy OR state <> 0, state = 4 WHERE "

int ps__store_file_gone(int *changed, ps__store *store, int64_t id, ps__error *err) {
    int status = ps__sql_run(store, err, GONE "id = ? AND state IN (0, 1, 5)", "i", id);
    if (status == PS__OK && changed) *changed = sqlite3_changes(store->db) > 0;
    return status;
}

int ps__store_files_gone(int64_t *changed, ps__store *store, const char *root, ps__error *err) {
    ps__range r;
    int status = ps__range_make(&r, root, err);
    if (status != PS__OK) return status;
    status = ps__sql_run(store, err,
                         GONE "(path = ?1 OR (path >= ?2 AND path < ?3)) AND state IN (0, 1, 5)",
                         "bbb", (const void *)r.root, r.root_length, (const void *)r.low, r.low_length, (const void *)r.high,
                         r.low_length);
    if (status == PS__OK) *changed = sqlite3_changes(store->db);
    ps__range_clear(&r);
    return status;
}

int ps__store_file_back(ps__store *store, int64_t id, ps__error *err) {
    return ps__sql_run(store, err,
                       "UPDATE files SET state = coalesce((SELECT iif(preview, 5, 0) FROM photos WHERE id = files.photo), 1)"
                       " WHERE id = ? AND state = 4",
                       "i", id);
}

int ps__store_file_removed(ps__store *store, int64_t id, ps__error *err) {
    int status = ps__path_words_drop(store, id, err);
    return status == PS__OK ? ps__sql_run(store, err, "DELETE FROM files WHERE id = ?", "i", id) : status;
}

int ps__store_walk_files(ps__store *store, sqlite3_stmt *stmt, ps__file_fn *fn, void *payload, ps__error *err) {
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
    if (status == PS__OK) status = ps__store_walk_files(store, stmt, fn, payload, err);
    ps__range_clear(&r);
    return status;
}
