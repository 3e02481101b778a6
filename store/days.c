/*
** Photos by time; see days.h.
*/
#include "store/days.h"

#include "store/inside.h"

_Static_assert(PS__TAKEN_MTIME == 6, "the statements below know it as 6");
#define TRUSTED " taken IS NOT NULL AND taken_source <> 6 "

int ps__store_each_taken(ps__store *store, int64_t from_s, int64_t to_s, ps__day_fn *fn, void *payload, ps__error *err) {
    sqlite3_stmt *stmt;
    int rc, status = ps__sql_walk(&stmt, store, err,
                                  "SELECT id, taken FROM photos WHERE" TRUSTED "AND taken >= ? AND taken < ? ORDER BY taken, id",
                                  "ii", from_s, to_s);
    if (status != PS__OK) return status;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
        if ((status = fn(sqlite3_column_int64(stmt, 0), sqlite3_column_int64(stmt, 1), payload)) != 0) break;
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) status = ps__sql_fail(store, rc, err);
    sqlite3_finalize(stmt);
    return status;
}

int ps__store_first_taken(int64_t *taken_s, ps__store *store, ps__error *err) {
    return ps__sql_int(taken_s, store, err, "SELECT taken FROM photos WHERE" TRUSTED "ORDER BY taken LIMIT 1", "");
}
