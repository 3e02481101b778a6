/*
** The change log: what a cache of the vectors, or of what filters ask, must know to follow the library without reading it all
** again. Triggers write it (schema.c); here it is read, and cut short when it has grown longer than reading everything would be.
*/
#include "store/inside.h"

#define LOG_SLACK 65536

int ps__store_last_change(int64_t *change, ps__store *store, ps__error *err) {
    int status = ps__sql_int(change, store, err, "SELECT seq FROM sqlite_sequence WHERE name = 'changes'", "");
    if (status == PS__OK && *change < 0) return ps__store_damaged(store, "its change log makes no sense", err);
    return status == PS__NOTFOUND ? PS__OK : status;
}

static int read_floor(int64_t *floor, ps__store *store, ps__error *err) {
    int status = ps__sql_int(floor, store, err, "SELECT value FROM meta WHERE key = 'changes_floor'", "");
    if (status == PS__OK && *floor < 0) return ps__store_damaged(store, "its change log makes no sense", err);
    return status == PS__NOTFOUND ? ps__store_damaged(store, "it has no change log", err) : status;
}

static int check_reach(ps__store *store, int64_t after, ps__error *err) {
    int64_t floor, last;
    int status = read_floor(&floor, store, err);
    if (status == PS__OK) status = ps__store_last_change(&last, store, err);
    if (status != PS__OK) return status;
    if (after >= floor && after <= last) return PS__OK;
    return ps__fail(err, PS__NOTFOUND, "%s: the change log does not reach back to change %lld", store->db_path, (long long)after);
}

static int walk_changes(ps__store *store, int space, int64_t after, ps__change_fn *fn, void *payload, ps__error *err) {
    sqlite3_stmt *stmt;
    int rc, all = space == PS__EVERY_SPACE;
    int status = ps__sql_walk(&stmt, store, err,
                              all ? "SELECT number, kind, photo FROM changes WHERE number > ? ORDER BY number"
                                  : "SELECT number, kind, photo FROM changes WHERE number > ? AND space IN (0, ?) ORDER BY number",
                              all ? "i" : "ii", after, (int64_t)space);
    if (status != PS__OK) return status;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        int kind = sqlite3_column_int(stmt, 1);
        if (kind != PS__CHANGE_PUT && kind != PS__CHANGE_GONE && !(all && kind == PS__CHANGE_NOTED)) {
            status = ps__store_damaged(store, "its change log makes no sense", err);
            break;
        }
        if ((status = fn(sqlite3_column_int64(stmt, 0), kind, sqlite3_column_int64(stmt, 2), payload)) != 0) break;
    }
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) status = ps__sql_fail(store, rc, err);
    sqlite3_finalize(stmt);
    return status;
}

int ps__store_each_change(ps__store *store, int space, int64_t after, ps__change_fn *fn, void *payload, ps__error *err) {
    int status, own = sqlite3_get_autocommit(store->db);
    if (own && (status = ps__store_begin(store, err)) != PS__OK) return status;
    status = check_reach(store, after, err);
    if (status == PS__OK) status = walk_changes(store, space, after, fn, payload, err);
    if (own) ps__store_end(store);
    return status;
}

/* Inside a write: once the log is longer than twice the photos and some, only the newest half stays. */
static int shorten_log(ps__store *store, ps__error *err) {
    int64_t floor, last, photos;
    int status = read_floor(&floor, store, err);
    if (status == PS__OK) status = ps__store_last_change(&last, store, err);
    if (status == PS__OK) status = ps__sql_int(&photos, store, err, "SELECT count(*) FROM photos", "");
    if (status != PS__OK || last - floor <= LOG_SLACK + 2 * photos) return status;
    floor = last - (LOG_SLACK / 2 + photos);
    status = ps__sql_run(store, err, "DELETE FROM changes WHERE number <= ?", "i", floor);
    if (status == PS__OK) status = ps__sql_run(store, err, "UPDATE meta SET value = ? WHERE key = 'changes_floor'", "i", floor);
    return status;
}

int ps__store_sweep(ps__store *store, ps__error *err) {
    int status = ps__sql_run(store, err,
                             "DELETE FROM words WHERE rowid IN (SELECT photo FROM loose"
                             " WHERE NOT EXISTS (SELECT 1 FROM files WHERE files.photo = loose.photo))",
                             "");
    if (status == PS__OK)
        status = ps__sql_run(store, err,
                             "DELETE FROM photos WHERE id IN (SELECT photo FROM loose)"
                             " AND NOT EXISTS (SELECT 1 FROM files WHERE files.photo = photos.id)",
                             "");
    if (status == PS__OK) status = ps__sql_run(store, err, "DELETE FROM loose", "");
    return status == PS__OK ? shorten_log(store, err) : status;
}
