/*
** Models and the spaces their vectors live in. A space gets a small number once and keeps it; the current model is the one that
** answers. Changing it over time is in change.c.
*/
#include "store/inside.h"

#include <string.h>

static int check_names(const char *model_id, const char *space_name, int dim, ps__error *err) {
    size_t a = model_id ? strlen(model_id) : 0, b = space_name ? strlen(space_name) : 0;
    if (a == 0 || a >= PS__STORE_NAME) return ps__fail(err, PS__INVALID, "the model's id is empty or too long");
    if (b == 0 || b >= PS__STORE_NAME) return ps__fail(err, PS__INVALID, "the name of the model's space is empty or too long");
    if (dim < 1 || dim > 8192) return ps__fail(err, PS__INVALID, "%s: %d is no length for a vector", model_id, dim);
    return PS__OK;
}

int ps__store_find_space(int *space, ps__store *store, const char *space_name, int dim, ps__error *err) {
    int64_t number;
    int have;
    *space = 0;
    int status = check_names("-", space_name, dim, err);
    if (status == PS__OK) status = ps__sql_int(&number, store, err, "SELECT number FROM spaces WHERE name = ?", "t", space_name);
    if (status == PS__NOTFOUND)
        return ps__fail(err, PS__NOTFOUND, "%s: no photo is indexed for the space %s", store->folder, space_name);
    if (status != PS__OK) return status;
    if (number < 1 || number > 1000000) return ps__store_damaged(store, "the number of a space is impossible", err);
    if ((status = ps__store_space_dim(&have, store, (int)number, err)) != PS__OK) return status;
    if (have != dim)
        return ps__fail(err, PS__MODEL, "%s: vectors of the space %s have %d numbers in this library, the model makes %d",
                        store->folder, space_name, have, dim);
    *space = (int)number;
    return PS__OK;
}

int ps__store_space_dim(int *dim, ps__store *store, int space, ps__error *err) {
    int64_t value;
    int status = ps__sql_int(&value, store, err, "SELECT dim FROM spaces WHERE number = ?", "i", (int64_t)space);
    *dim = 0;
    if (status != PS__OK) return status;
    if (value < 1 || value > 8192) return ps__store_damaged(store, "the dim of a space is impossible", err);
    *dim = (int)value;
    return PS__OK;
}

int ps__store_add_model(int *space, ps__store *store, const char *model_id, const char *space_name, int dim, ps__error *err) {
    int64_t known;
    *space = 0;
    int status = check_names(model_id, space_name, dim, err);
    if (status == PS__OK)
        status = ps__sql_run(store, err, "INSERT INTO spaces(name, dim) VALUES(?, ?) ON CONFLICT(name) DO NOTHING", "ti",
                             space_name, (int64_t)dim);
    if (status == PS__OK) status = ps__store_find_space(space, store, space_name, dim, err);
    if (status == PS__OK)
        status = ps__sql_run(store, err, "UPDATE spaces SET retired = 0 WHERE number = ? AND retired", "i", (int64_t)*space);
    if (status == PS__OK)
        status = ps__sql_run(store, err, "INSERT INTO models(id, space) VALUES(?, ?) ON CONFLICT(id) DO NOTHING", "ti", model_id,
                             (int64_t)*space);
    if (status == PS__OK) status = ps__sql_int(&known, store, err, "SELECT space FROM models WHERE id = ?", "t", model_id);
    if (status == PS__OK && known != *space)
        status = ps__fail(err, PS__MODEL, "%s: the model %s was in another space than %s when it indexed before", store->folder,
                          model_id, space_name);
    return status;
}

int ps__store_put_current(ps__store *store, const char *model_id, int space, ps__error *err) {
    int status = ps__sql_run(store, err,
                             "INSERT INTO meta VALUES('model', (SELECT number FROM models WHERE id = ?))"
                             " ON CONFLICT(key) DO UPDATE SET value = excluded.value",
                             "t", model_id);
    if (status == PS__OK)
        status = ps__sql_run(store, err,
                             "DELETE FROM meta WHERE key IN ('next_model', 'next_keep') AND EXISTS (SELECT 1 FROM meta n JOIN models m"
                             " ON m.number = n.value WHERE n.key = 'next_model' AND m.space = ?)",
                             "i", (int64_t)space);
    return status;
}

int ps__store_use_model(int *space, ps__store *store, const char *model_id, const char *space_name, int dim, ps__error *err) {
    *space = 0;
    int status = ps__store_write(store, err);
    if (status != PS__OK) return status;
    status = ps__store_add_model(space, store, model_id, space_name, dim, err);
    if (status == PS__OK) status = ps__store_put_current(store, model_id, *space, err);
    if (status == PS__OK) status = ps__store_commit(store, err);
    if (status != PS__OK) ps__store_rollback(store);
    return status;
}

#define MODELS "SELECT m.id, s.name, s.number, s.dim, m.path, s.vectors FROM models m JOIN spaces s ON s.number = m.space"

/* A row of MODELS. */
static int take_model(ps__store_model *out, ps__store *store, sqlite3_stmt *stmt, ps__error *err) {
    memset(out, 0, sizeof *out);
    ps__sql_text(out->id, sizeof out->id, stmt, 0);
    ps__sql_text(out->space, sizeof out->space, stmt, 1);
    out->space_number = sqlite3_column_int(stmt, 2);
    out->dim = sqlite3_column_int(stmt, 3);
    if (!out->id[0] || !out->space[0] || out->space_number < 1 || out->dim < 1 || out->dim > 8192)
        return ps__store_damaged(store, "one of its models makes no sense", err);
    const void *path = sqlite3_column_blob(stmt, 4);
    size_t length = (size_t)sqlite3_column_bytes(stmt, 4);
    if (path && length > 0 && length < sizeof out->path && *(const char *)path == '/' && !memchr(path, 0, length))
        memcpy(out->path, path, length);
    return PS__OK;
}

static int read_one(ps__store_model *out, ps__store *store, const char *key, ps__error *err) {
    sqlite3_stmt *stmt;
    memset(out, 0, sizeof *out);
    int status = ps__sql_take(&stmt, store, err, MODELS " WHERE m.number = (SELECT value FROM meta WHERE key = ?)", "t", key);
    if (status != PS__OK) return status;
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW)
        status = take_model(out, store, stmt, err);
    else if (rc != SQLITE_DONE)
        status = ps__sql_fail(store, rc, err);
    ps__sql_done(stmt);
    if (status != PS__OK) memset(out, 0, sizeof *out);
    return status;
}

int ps__store_current_model(ps__store_model *out, ps__store *store, ps__error *err) { return read_one(out, store, "model", err); }

int ps__store_next_model(ps__store_model *out, ps__store *store, ps__error *err) { return read_one(out, store, "next_model", err); }

int ps__store_each_model(ps__store *store, ps__store_model_fn *fn, void *payload, ps__error *err) {
    sqlite3_stmt *stmt;
    ps__store_model model;
    int rc, status = ps__sql_walk(&stmt, store, err, MODELS " ORDER BY m.number", "");
    if (status != PS__OK) return status;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        status = take_model(&model, store, stmt, err);
        if (status == PS__OK) status = fn(&model, sqlite3_column_int64(stmt, 5), payload);
        if (status != PS__OK) break;
    }
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) status = ps__sql_fail(store, rc, err);
    sqlite3_finalize(stmt);
    return status;
}

int ps__store_put_model_path(ps__store *store, const char *model_id, const char *path, ps__error *err) {
    size_t length = strlen(path);
    if (path[0] != '/' || length >= PS__STORE_PATH) return ps__fail(err, PS__INVALID, "%.200s: is no path of a model", path);
    return ps__sql_run(store, err, "UPDATE models SET path = ?2 WHERE id = ?1 AND path IS NOT ?2", "tb", model_id, (const void *)path,
                       (int)length);
}

int ps__store_set_model_path(ps__store *store, const char *model_id, const char *path, ps__error *err) {
    int status = ps__store_write(store, err);
    if (status != PS__OK) return status;
    status = ps__store_put_model_path(store, model_id, path, err);
    if (status == PS__OK) status = ps__store_commit(store, err);
    if (status != PS__OK) ps__store_rollback(store);
    return status;
}
