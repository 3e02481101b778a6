/*
** From one model to the next without a moment in which nothing answers. The next model's vectors are filled in beside those of the
** current one; the switch changes a number in `meta`. Vectors that answer no more are removed a few thousand at a time, so that
** nobody waits for them; a space stays marked as retired until all are gone, whatever happens in between.
*/
#include "store/inside.h"

#include <string.h>

#define REMOVED_AT_ONCE 1000 /* vectors a transaction: some 10 ms */

/* Inside a write. Marks the space of the next model, unless the current one lives in it. */
static int retire_next(ps__store *store, ps__error *err) {
    return ps__sql_run(store, err,
                       "UPDATE spaces SET retired = 1 WHERE number = (SELECT m.space FROM models m, meta n WHERE n.key = 'next_model'"
                       " AND m.number = n.value) AND number IS NOT (SELECT m.space FROM models m, meta n WHERE n.key = 'model'"
                       " AND m.number = n.value)",
                       "");
}

static int put_next(ps__store *store, const char *model_id, int keep, ps__error *err) {
    int status = ps__sql_run(store, err,
                             "INSERT INTO meta VALUES('next_model', (SELECT number FROM models WHERE id = ?))"
                             " ON CONFLICT(key) DO UPDATE SET value = excluded.value",
                             "t", model_id);
    if (status == PS__OK)
        status = ps__sql_run(store, err, "INSERT INTO meta VALUES('next_keep', ?) ON CONFLICT(key) DO UPDATE SET value = excluded.value",
                             "i", (int64_t)keep);
    return status;
}

static int clear_next(ps__store *store, ps__error *err) {
    return ps__sql_run(store, err, "DELETE FROM meta WHERE key IN ('next_model', 'next_keep')", "");
}

static int set_next(ps__store *store, const char *model_id, const char *space_name, int dim, const char *path, int keep,
                    ps__error *err) {
    ps__store_model current;
    int space;
    int status = ps__store_current_model(&current, store, err);
    if (status == PS__OK) status = retire_next(store, err);
    if (status == PS__OK) status = ps__store_add_model(&space, store, model_id, space_name, dim, err);
    if (status == PS__OK && path) status = ps__store_put_model_path(store, model_id, path, err);
    if (status != PS__OK) return status;
    if (current.id[0] && current.space_number != space) {
        int64_t vectors;
        status = ps__store_vector_count(&vectors, store, current.space_number, err);
        if (status != PS__OK || vectors > 0) return status == PS__OK ? put_next(store, model_id, keep, err) : status;
    }
    status = clear_next(store, err);
    return status == PS__OK ? ps__store_put_current(store, model_id, space, err) : status;
}

int ps__store_set_next_model(ps__store *store, const char *model_id, const char *space_name, int dim, const char *path, int keep,
                             ps__error *err) {
    int status = ps__store_write(store, err);
    if (status != PS__OK) return status;
    status = set_next(store, model_id, space_name, dim, path, keep, err);
    if (status == PS__OK) status = ps__store_commit(store, err);
    if (status != PS__OK) ps__store_rollback(store);
    return status;
}

/* ---- How far it is ---------------------------------------------------------------------------------------------------------- */

#define LACKING " AND NOT EXISTS (SELECT 1 FROM vectors WHERE key = (?1 << 40 | photo))"

static int count_files(ps__store_change *out, ps__store *store, ps__error *err) {
    const int64_t space = out->next.space_number;
    int64_t photos;
    int status = ps__store_vector_count(&out->done, store, out->next.space_number, err);
    if (status == PS__OK) status = ps__sql_int(&photos, store, err, "SELECT count(*) FROM photos", "");
    if (status == PS__OK)
        status = ps__sql_int(&out->left, store, err,
                             "SELECT count(DISTINCT photo) FROM files WHERE photo IS NOT NULL AND state IN (0, 1, 5)" LACKING, "i", space);
    if (status == PS__OK)
        status = ps__sql_int(&out->waiting, store, err,
                             "SELECT count(DISTINCT photo) FROM files WHERE state > 0 AND state IN (1, 5) AND photo IS NOT NULL" LACKING,
                             "i", space);
    if (status == PS__OK) out->out_of_reach = photos > out->done + out->left ? photos - out->done - out->left : 0;
    return status;
}

int ps__store_count_change(ps__store_change *out, ps__store *store, ps__error *err) {
    memset(out, 0, sizeof *out);
    int own = sqlite3_get_autocommit(store->db), status = own ? ps__store_begin(store, err) : PS__OK;
    if (status == PS__OK) status = ps__store_next_model(&out->next, store, err);
    if (status == PS__OK && out->next.id[0]) status = count_files(out, store, err);
    if (own) ps__store_end(store);
    return status;
}

int ps__store_each_awaited(ps__store *store, int space, ps__file_fn *fn, void *payload, ps__error *err) {
    sqlite3_stmt *stmt;
    int status = ps__sql_walk(&stmt, store, err,
                              "SELECT " PS__FILE_COLUMNS ", path FROM files WHERE state > 0 AND state IN (1, 5) AND photo IS NOT NULL" LACKING,
                              "i", (int64_t)space);
    return status == PS__OK ? ps__store_walk_files(store, stmt, fn, payload, err) : status;
}

/* ---- The switch --------------------------------------------------------------------------------------------------------------- */

static int switch_model(ps__store *store, const char *space, ps__error *err) {
    ps__store_model next;
    int status = ps__store_next_model(&next, store, err);
    if (status == PS__OK && strcmp(next.space, space) != 0)
        status = ps__fail(err, PS__NOTFOUND, "%s: its model is not being changed to one of the space %s", store->folder, space);
    if (status == PS__OK)
        status = ps__sql_run(store, err,
                             "UPDATE spaces SET retired = 1 WHERE number = (SELECT m.space FROM models m, meta n WHERE n.key = 'model'"
                             " AND m.number = n.value) AND number <> ? AND NOT coalesce((SELECT value FROM meta WHERE key = 'next_keep'), 0)",
                             "i", (int64_t)next.space_number);
    return status == PS__OK ? ps__store_put_current(store, next.id, next.space_number, err) : status;
}

int ps__store_switch_model(ps__store *store, const char *space, ps__error *err) {
    int status = ps__store_write(store, err);
    if (status != PS__OK) return status;
    status = switch_model(store, space, err);
    if (status == PS__OK) status = ps__store_commit(store, err);
    if (status != PS__OK) ps__store_rollback(store);
    return status;
}

static int remove_some(ps__store *store, int space, ps__error *err) {
    int status = ps__store_write(store, err);
    if (status != PS__OK) return status;
    status = ps__sql_run(store, err,
                         "DELETE FROM vectors WHERE key IN (SELECT key FROM vectors WHERE key > ?1 AND key <= ?2 LIMIT ?3)"
                         " AND (SELECT retired FROM spaces WHERE number = ?4)",
                         "iiii", ps__vector_key(space, 0), ps__vector_key(space, PS__PHOTO_MASK), (int64_t)REMOVED_AT_ONCE,
                         (int64_t)space);
    if (status == PS__OK) status = ps__store_commit(store, err);
    if (status != PS__OK) ps__store_rollback(store);
    return status;
}

int ps__store_remove_retired(int *more, ps__store *store, ps__error *err) {
    static const char sql[] = "SELECT number FROM spaces WHERE retired AND vectors > 0";
    int64_t space;
    *more = 0;
    int status = ps__sql_int(&space, store, err, sql, "");
    if (status == PS__NOTFOUND) return PS__OK;
    if (status == PS__OK) status = remove_some(store, (int)space, err);
    if (status == PS__OK) status = ps__sql_int(&space, store, err, sql, "");
    *more = status == PS__OK;
    return status == PS__NOTFOUND ? PS__OK : status;
}
