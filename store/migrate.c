/*
** Brings a database to the version that this program writes. All steps run in one exclusive transaction: a crash in the middle leaves
** the old version, and two processes that open an old library at once migrate it once.
*/
#include "store/inside.h"

#include <stdio.h>

static int read_pragma(int64_t *value, ps__store *store, const char *sql, ps__error *err) {
    sqlite3_stmt *stmt;
    int status = ps__sql_walk(&stmt, store, err, sql, "");
    if (status != PS__OK) return status;
    int rc = sqlite3_step(stmt);
    *value = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
    sqlite3_finalize(stmt);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? PS__OK : ps__sql_fail(store, rc, err);
}

/* *version is 0 for a database without any table: a new file, or one whose making was interrupted. The three answers must come from
** one view: another process may be making the library right now. */
int ps__store_read_version(int *version, ps__store *store, ps__error *err) {
    int64_t id = 0, number = 0, tables = 0;
    int own = sqlite3_get_autocommit(store->db);
    int status = own ? ps__store_begin(store, err) : PS__OK;
    if (status == PS__OK) status = read_pragma(&id, store, "PRAGMA application_id", err);
    if (status == PS__OK) status = read_pragma(&number, store, "PRAGMA user_version", err);
    if (status == PS__OK) status = read_pragma(&tables, store, "SELECT count(*) FROM sqlite_schema", err);
    if (own) ps__store_end(store);
    if (status != PS__OK) return status;
    *version = 0;
    if (id == 0 && number == 0 && tables == 0) return PS__OK;
    if (id != PS__APPLICATION_ID)
        return ps__fail(err, PS__FORMAT, "%s: is a database of another program, not a photosearch library", store->db_path);
    if (number < 1 || number > INT32_MAX) return ps__store_damaged(store, "its version number is impossible", err);
    *version = (int)number;
    return PS__OK;
}

static int run_steps(ps__store *store, const ps__migration *steps, int version, ps__error *err) {
    char pragma[96];
    int have, status;
    /* Another process may have done it while this one waited for the lock. */
    if ((status = ps__store_read_version(&have, store, err)) != PS__OK) return status;
    if (have > version)
        return ps__fail(err, PS__NEWER, "%s: was written by a newer photosearch (library version %d, this one reads up to %d)",
                        store->db_path, have, version);
    for (int i = have; i < version; i++) {
        if ((status = ps__sql_exec(store, steps[i].sql, err)) != PS__OK) return status;
    }
    snprintf(pragma, sizeof pragma, "PRAGMA user_version = %d; PRAGMA application_id = %d", version, PS__APPLICATION_ID);
    return ps__sql_exec(store, pragma, err);
}

int ps__migrate(ps__store *store, const ps__migration *steps, int version, ps__error *err) {
    int status = ps__sql_exec(store, "BEGIN EXCLUSIVE", err);
    if (status != PS__OK) return status;
    status = run_steps(store, steps, version, err);
    if (status == PS__OK) status = ps__sql_exec(store, "COMMIT", err);
    if (status != PS__OK) ps__store_rollback(store);
    return status;
}
