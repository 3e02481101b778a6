/*
** Forgetting: taking entries out of the library on request. One transaction: entries, photos without files, vectors, change log.
*/
#include "store/inside.h"

static int forget_range(int64_t *files, ps__store *store, const ps__range *r, ps__error *err) {
    int status = ps__store_write(store, err);
    if (status != PS__OK) return status;
    status = ps__path_words_drop_range(store, r, err);
    if (status == PS__OK)
        status = ps__sql_run(store, err, "DELETE FROM files WHERE path = ?1 OR (path >= ?2 AND path < ?3)", "bbb", (const void *)r->root,
                    r->root_length, (const void *)r->low, r->low_length, (const void *)r->high, r->low_length);
    *files = status == PS__OK ? sqlite3_changes(store->db) : 0;
    if (status == PS__OK && *files > 0) status = ps__store_sweep(store, err);
    if (status == PS__OK) status = ps__store_commit(store, err);
    if (status != PS__OK) ps__store_rollback(store);
    return status;
}

int ps__store_forget(int64_t *files, ps__store *store, const char *path, ps__error *err) {
    int64_t count = 0;
    ps__range range;
    if (files) *files = 0;
    int status = ps__range_make(&range, path, err);
    if (status != PS__OK) return status;
    status = forget_range(&count, store, &range, err);
    ps__range_clear(&range);
    if (status != PS__OK) return status;
    if (files) *files = count;
    if (count == 0) return ps__fail(err, PS__NOTFOUND, "%s: is not in the library", path);
    return PS__OK;
}
