/*
** Looks and copies; see looks.h. A file's row counts in state 0 (INDEXED) only: in any other the path may hold something else by
** now.
*/
#include "store/looks.h"

#include <limits.h>

#include "store/inside.h"

/* What the camera itself notes; other sources may be hours off, or of another file. */
static int is_by_camera(int64_t source) { return source == PS__TAKEN_EXIF || source == PS__TAKEN_EXIF_GPS; }

static int size_of(sqlite3_stmt *stmt, int column) {
    int64_t v = sqlite3_column_int64(stmt, column);
    return v < 0 ? 0 : v > INT_MAX ? INT_MAX : (int)v;
}

int ps__store_each_look(ps__store *store, ps__look_fn *fn, void *payload, ps__error *err) {
    sqlite3_stmt *stmt;
    int rc,
        status =
            ps__sql_walk(&stmt, store, err,
                         "SELECT p.id, p.look, p.width, p.height, p.bytes, p.taken, p.taken_source, min(f.mtime_ns), count(*),"
                         " p.notes"
                         " FROM photos p CROSS JOIN files f ON f.photo = p.id WHERE f.state = 0 AND NOT p.preview"
                         " GROUP BY p.id ORDER BY p.id",
                         "");
    if (status != PS__OK) return status;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        ps__look_row row = {
            .photo = sqlite3_column_int64(stmt, 0),
            .has_look = sqlite3_column_int64(stmt, 1) != 0,
            .was_read = sqlite3_column_int64(stmt, 9) > 0,
            .look = (uint64_t)sqlite3_column_int64(stmt, 1),
            .width = size_of(stmt, 2),
            .height = size_of(stmt, 3),
            .bytes = sqlite3_column_int64(stmt, 4),
            .has_time = sqlite3_column_type(stmt, 5) != SQLITE_NULL && is_by_camera(sqlite3_column_int64(stmt, 6)),
            .taken_s = sqlite3_column_int64(stmt, 5),
            .modified_ns = sqlite3_column_int64(stmt, 7),
            .files = sqlite3_column_int64(stmt, 8),
        };
        if ((status = fn(&row, payload)) != 0) break;
    }
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) status = ps__sql_fail(store, rc, err);
    sqlite3_finalize(stmt);
    return status;
}

int ps__store_each_copy(ps__store *store, int64_t photo, ps__copy_fn *fn, void *payload, ps__error *err) {
    sqlite3_stmt *stmt;
    int rc,
        status = ps__sql_take(&stmt, store, err,
                              "SELECT path, inode, device FROM files WHERE photo = ? AND state = 0 ORDER BY path", "i", photo);
    if (status != PS__OK) return status;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        ps__copy copy = {.inode = sqlite3_column_int64(stmt, 1), .device = sqlite3_column_int64(stmt, 2)};
        if ((status = ps__sql_path(&copy.path, store, stmt, 0, err)) != PS__OK) break;
        if ((status = fn(&copy, payload)) != 0) break;
    }
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) status = ps__sql_fail(store, rc, err);
    ps__sql_done(stmt);
    return status;
}
