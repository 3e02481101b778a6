/*
** Vectors: one BLOB of IEEE halves (little-endian, as in memory on every machine this builds for) a photo and space. The key packs
** both, so a walk over a space is one walk over one b-tree in photo order.
*/
#include "store/inside.h"

#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "vectors are stored little-endian and are not swapped here"
#endif

static int check_space(int *dim, ps__store *store, int space, ps__error *err) {
    int status = ps__store_space_dim(dim, store, space, err);
    if (status == PS__NOTFOUND) return ps__fail(err, PS__NOTFOUND, "%s: has no space number %d", store->db_path, space);
    return status;
}

/* Points *halves into the row, which must hold exactly dim of them. */
static int take_row(const uint16_t **halves, ps__store *store, sqlite3_stmt *stmt, int column, int dim, ps__error *err) {
    *halves = sqlite3_column_blob(stmt, column);
    if (*halves && sqlite3_column_bytes(stmt, column) == dim * (int)sizeof **halves) return PS__OK;
    if (sqlite3_errcode(store->db) == SQLITE_NOMEM) return ps__fail_nomem(err);
    return ps__store_damaged(store, "a vector in it has a wrong length", err);
}

int ps__store_each_vector(ps__store *store, int space, int64_t after, ps__vector_fn *fn, void *payload, ps__error *err) {
    sqlite3_stmt *stmt;
    int dim, rc, status = check_space(&dim, store, space, err);
    if (status != PS__OK) return status;
    if (after < 0) after = 0;
    if (after >= PS__PHOTO_MASK) return PS__OK;
    status = ps__sql_walk(&stmt, store, err, "SELECT key, halves FROM vectors WHERE key > ? AND key <= ? ORDER BY key", "ii",
                          ps__vector_key(space, after), ps__vector_key(space, PS__PHOTO_MASK));
    if (status != PS__OK) return status;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        const uint16_t *halves;
        if ((status = take_row(&halves, store, stmt, 1, dim, err)) != PS__OK) break;
        if ((status = fn(sqlite3_column_int64(stmt, 0) & PS__PHOTO_MASK, halves, payload)) != 0) break;
    }
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) status = ps__sql_fail(store, rc, err);
    sqlite3_finalize(stmt);
    return status;
}

static int fetch_one(uint16_t *halves, uint8_t *found, ps__store *store, sqlite3_stmt *stmt, int64_t key, int dim,
                     ps__error *err) {
    const uint16_t *row;
    int status = PS__OK;
    sqlite3_bind_int64(stmt, 1, key);
    int rc = sqlite3_step(stmt);
    *found = 0;
    if (rc == SQLITE_ROW) {
        status = take_row(&row, store, stmt, 0, dim, err);
        if (status == PS__OK) {
            memcpy(halves, row, (size_t)dim * sizeof *halves);
            *found = 1;
        }
    } else if (rc != SQLITE_DONE) {
        status = ps__sql_fail(store, rc, err);
    }
    sqlite3_reset(stmt);
    return status;
}

int ps__store_vectors(uint16_t *halves, uint8_t *found, ps__store *store, int space, const int64_t *photos, size_t count,
                      ps__error *err) {
    sqlite3_stmt *stmt;
    int dim, own, status = check_space(&dim, store, space, err);
    if (status != PS__OK) return status;
    /* One snapshot for all rows, unless the caller has one open. */
    own = sqlite3_get_autocommit(store->db);
    if (own && (status = ps__store_begin(store, err)) != PS__OK) return status;
    status = ps__sql_take(&stmt, store, err, "SELECT halves FROM vectors WHERE key = ?", "");
    for (size_t i = 0; i < count && status == PS__OK; i++) {
        found[i] = 0;
        if (photos[i] < 1 || photos[i] > PS__PHOTO_MASK) continue;
        status = fetch_one(halves + i * (size_t)dim, &found[i], store, stmt, ps__vector_key(space, photos[i]), dim, err);
    }
    ps__sql_done(stmt);
    if (own) ps__store_end(store);
    return status;
}

int ps__store_vector_count(int64_t *count, ps__store *store, int space, ps__error *err) {
    int status = ps__sql_int(count, store, err, "SELECT vectors FROM spaces WHERE number = ?", "i", (int64_t)space);
    if (status == PS__NOTFOUND) return ps__fail(err, PS__NOTFOUND, "%s: has no space number %d", store->db_path, space);
    if (status == PS__OK && *count < 0) return ps__store_damaged(store, "its number of vectors is impossible", err);
    return status;
}
