/*
** What `status` and `failures` show.
*/
#include "store/inside.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>

#include "base/os.h"

#define DEPTH 2
#define MODELS "models" /* of all libraries, in the folder of the usual one */

/* Blocks that the folder's files take on disk, with folders of caches. */
static int64_t disk_bytes(int folder, int depth) {
    struct stat st;
    struct dirent *entry;
    int64_t total = 0;
    DIR *dir = folder < 0 ? NULL : ps__os.fdopendir(folder);
    if (!dir) {
        if (folder >= 0) ps__os.close(folder);
        return 0;
    }
    while ((entry = ps__os.readdir(dir))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        if (depth == DEPTH && strcmp(entry->d_name, MODELS) == 0) continue;
        if (ps__os.fstatat(folder, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0) continue;
        if (S_ISREG(st.st_mode)) total += (int64_t)st.st_blocks * 512;
        if (S_ISDIR(st.st_mode) && depth > 0)
            total += disk_bytes(ps__os.openat(folder, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW), depth - 1);
    }
    ps__os.closedir(dir);
    return total;
}

static int count_rows(ps__store_counts *out, ps__store *store, ps__error *err) {
    int64_t waiting = 0;
    int status = ps__sql_int(&out->photos, store, err, "SELECT count(*) FROM photos", "");
    if (status == PS__OK) status = ps__sql_int(&out->files, store, err, "SELECT count(*) FROM files", "");
    if (status == PS__OK)
        status = ps__sql_int(&waiting, store, err, "SELECT count(*) FROM files WHERE state > 0 AND state IN (1, 5)", "");
    if (status == PS__OK)
        status = ps__sql_int(&out->previewed, store, err, "SELECT count(*) FROM files WHERE state > 0 AND state = 5", "");
    if (status == PS__OK)
        status = ps__sql_int(&out->missing, store, err, "SELECT count(*) FROM files WHERE state > 0 AND state = 4", "");
    if (status == PS__OK)
        status = ps__sql_int(&out->failed, store, err, "SELECT count(*) FROM files WHERE state > 0 AND state = 2", "");
    if (status == PS__OK)
        status = ps__sql_int(&out->quarantined, store, err, "SELECT count(*) FROM files WHERE state > 0 AND state = 3", "");
    if (status == PS__OK) status = ps__sql_int(&out->last_run_s, store, err, "SELECT value FROM meta WHERE key = 'last_run'", "");
    if (status == PS__NOTFOUND) status = PS__OK;
    if (status == PS__OK) status = ps__store_current_model(&out->model, store, err);
    if (status != PS__OK || out->model.space_number == 0) {
        out->pending = waiting;
        return status;
    }
    status = ps__store_vector_count(&out->vectors, store, out->model.space_number, err);
    if (status != PS__OK) return status;
    out->pending = waiting + (out->photos > out->vectors ? out->photos - out->vectors : 0);
    return PS__OK;
}

int ps__store_count(ps__store_counts *out, ps__store *store, ps__error *err) {
    int status, own = sqlite3_get_autocommit(store->db);
    memset(out, 0, sizeof *out);
    if (own && (status = ps__store_begin(store, err)) != PS__OK) return status;
    status = count_rows(out, store, err);
    if (own) ps__store_end(store);
    out->bytes = disk_bytes(ps__os.open(store->folder, O_RDONLY | O_DIRECTORY, 0), DEPTH);
    return status;
}

int ps__store_each_failure(ps__store *store, ps__failure_fn *fn, void *payload, ps__error *err) {
    sqlite3_stmt *stmt;
    int rc;
    int status =
        ps__sql_walk(&stmt, store, err,
                     "SELECT path, reason, code, tries, state, size, mtime_ns, tried FROM files WHERE state > 0 AND state IN (2, 3)"
                     " ORDER BY +path", /* by the state's index, then sorted: failures are few */
                     "");
    if (status != PS__OK) return status;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        ps__failure f = {0};
        char reason[PS__ERROR_TEXT];
        if ((status = ps__sql_path(&f.path, store, stmt, 0, err)) != PS__OK) break;
        ps__sql_text(reason, sizeof reason, stmt, 1);
        f.reason = reason[0] ? reason : "failed for a reason that was not kept";
        f.code = sqlite3_column_int(stmt, 2);
        f.tries = sqlite3_column_int(stmt, 3);
        f.quarantined = sqlite3_column_int(stmt, 4) == PS__FILE_QUARANTINED;
        f.size = sqlite3_column_int64(stmt, 5);
        f.mtime_ns = sqlite3_column_int64(stmt, 6);
        f.when_s = sqlite3_column_int64(stmt, 7);
        if ((status = fn(&f, payload)) != 0) break;
    }
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) status = ps__sql_fail(store, rc, err);
    sqlite3_finalize(stmt);
    return status;
}

int ps__store_count_stale(int64_t *count, ps__store *store, ps__error *err) {
    return ps__sql_int(count, store, err, "SELECT count(*) FROM files WHERE state > 0 AND state = 1 AND photo IS NOT NULL", "");
}
