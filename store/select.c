/*
** Filters as SQL: the ids of photos taken in a span of time, in a box on the map, in a folder. The text of the statement is put
** together from constant pieces; values are always bound.
*/
#include "store/inside.h"

#include "base/alloc.h"

/* Where each bound value stands: the same numbers in every combination. */
#define TAKEN " AND p.taken >= ?1 AND p.taken < ?2"
#define BOX " AND p.latitude BETWEEN ?3 AND ?4 AND p.longitude BETWEEN ?5 AND ?6"
#define BOX_WRAPPED " AND p.latitude BETWEEN ?3 AND ?4 AND (p.longitude >= ?5 OR p.longitude <= ?6)"
#define FOLDER                                                                                                                   \
    " AND p.id IN (SELECT photo FROM files WHERE path = ?7 UNION ALL SELECT photo FROM files WHERE path >= ?8 AND path < ?9)"

static void make_sql(ps__buf *sql, const ps__store_filter *f) {
    ps__buf_puts(sql, "SELECT p.id FROM photos p WHERE 1");
    if (f->use_taken) ps__buf_puts(sql, TAKEN);
    if (f->use_box) ps__buf_puts(sql, f->west <= f->east ? BOX : BOX_WRAPPED);
    if (f->folder) ps__buf_puts(sql, FOLDER);
    ps__buf_puts(sql, " ORDER BY p.id");
}

static void bind(sqlite3_stmt *stmt, const ps__store_filter *f, const ps__range *range) {
    /* Parameters that the statement lacks are refused by SQLite, which is what is wanted here. */
    sqlite3_bind_int64(stmt, 1, f->taken_from_s);
    sqlite3_bind_int64(stmt, 2, f->taken_to_s);
    sqlite3_bind_double(stmt, 3, f->south);
    sqlite3_bind_double(stmt, 4, f->north);
    sqlite3_bind_double(stmt, 5, f->west);
    sqlite3_bind_double(stmt, 6, f->east);
    if (!f->folder) return;
    sqlite3_bind_blob(stmt, 7, range->root, range->root_length, SQLITE_STATIC);
    sqlite3_bind_blob(stmt, 8, range->low, range->low_length, SQLITE_STATIC);
    sqlite3_bind_blob(stmt, 9, range->high, range->low_length, SQLITE_STATIC);
}

static int collect(int64_t **ids, size_t *count, ps__store *store, sqlite3_stmt *stmt, ps__error *err) {
    size_t capacity = 0;
    int rc;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        if (*count == capacity) {
            capacity = capacity ? capacity * 2 : 256;
            int64_t *grown = capacity <= SIZE_MAX / sizeof *grown ? ps__realloc(*ids, capacity * sizeof *grown) : NULL;
            if (!grown) return ps__fail_nomem(err);
            *ids = grown;
        }
        (*ids)[(*count)++] = sqlite3_column_int64(stmt, 0);
    }
    return rc == SQLITE_DONE ? PS__OK : ps__sql_fail(store, rc, err);
}

int ps__store_select(int64_t **ids, size_t *count, ps__store *store, const ps__store_filter *filter, ps__error *err) {
    ps__buf sql = PS__BUF_INIT;
    ps__range range = {0};
    sqlite3_stmt *stmt = NULL;
    int status = PS__OK;
    *ids = NULL;
    *count = 0;
    if (filter->folder && (status = ps__range_make(&range, filter->folder, err)) != PS__OK) return status;
    make_sql(&sql, filter);
    if (sql.failed) status = ps__fail_nomem(err);
    if (status == PS__OK) status = ps__sql_walk(&stmt, store, err, sql.bytes, "");
    if (status == PS__OK) {
        bind(stmt, filter, &range);
        status = collect(ids, count, store, stmt, err);
    }
    sqlite3_finalize(stmt);
    ps__buf_free(&sql);
    ps__range_clear(&range);
    if (status != PS__OK) {
        ps__free(*ids);
        *ids = NULL;
        *count = 0;
    }
    return status;
}
