/*
** Where photos are, by the gazetteer: rows that wait for it, and what it said. A city of NULL was never looked up, one of 0 is
** none: open sea, wilderness.
*/
#include "store/inside.h"

int ps__store_unplaced(ps__unplaced *out, size_t *count, size_t room, ps__store *store, ps__error *err) {
    sqlite3_stmt *stmt;
    int rc = SQLITE_DONE;
    *count = 0;
    int status = ps__sql_take(&stmt, store, err,
                              "SELECT id, latitude, longitude FROM photos INDEXED BY photos_unplaced"
                              " WHERE latitude IS NOT NULL AND city IS NULL LIMIT ?",
                              "i", (int64_t)room);
    if (status != PS__OK) return status;
    while (*count < room && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
        out[(*count)++] =
            (ps__unplaced){sqlite3_column_int64(stmt, 0), sqlite3_column_double(stmt, 1), sqlite3_column_double(stmt, 2)};
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) status = ps__sql_fail(store, rc, err);
    ps__sql_done(stmt);
    return status;
}

int ps__store_place(ps__store *store, int64_t photo, int64_t city, int64_t region, const char *country, ps__error *err) {
    return ps__sql_run(
        store, err, "UPDATE photos SET city = ?2, region = iif(?3 = 0, NULL, ?3), country = iif(?4 = '', NULL, ?4) WHERE id = ?1",
        "iiit", photo, city, region, country);
}
