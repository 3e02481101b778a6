/*
** Text read in photos; see readings.h.
*/
#include "store/readings.h"

#include <string.h>

#include "base/alloc.h"
#include "store/files.h"
#include "store/inside.h"
#include "store/words.h"

int ps__store_unread(int64_t **ids, size_t *count, ps__store *store, int version, int all, ps__error *err) {
    sqlite3_stmt *stmt;
    size_t capacity = 0;
    int rc;
    *ids = NULL;
    *count = 0;
    int status = ps__sql_walk(&stmt, store, err,
                              "SELECT id FROM photos LEFT JOIN texts ON texts.photo = photos.id"
                              " WHERE preview = 0 AND (?1 OR seen_by IS NULL OR seen_by < ?2)"
                              " AND EXISTS (SELECT 1 FROM files WHERE files.photo = photos.id AND state <> 4) ORDER BY id",
                              "ii", (int64_t)all, (int64_t)version);
    if (status != PS__OK) return status;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        if (*count == capacity) {
            capacity = capacity ? capacity * 2 : 1024;
            int64_t *more = ps__realloc(*ids, capacity * sizeof *more);
            if (!more) {
                status = ps__fail_nomem(err);
                break;
            }
            *ids = more;
        }
        (*ids)[(*count)++] = sqlite3_column_int64(stmt, 0);
    }
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) status = ps__sql_fail(store, rc, err);
    sqlite3_finalize(stmt);
    if (status == PS__OK) return PS__OK;
    ps__free(*ids);
    *ids = NULL;
    *count = 0;
    return status;
}

static int put_folded(ps__store *store, int64_t photo, const char *text, ps__error *err) {
    ps__buf folded = PS__BUF_INIT;
    int64_t there;
    int status = ps__sql_int(&there, store, err, "SELECT count(*) FROM words WHERE rowid = ?", "i", photo);
    ps__words_fold(&folded, text, strlen(text));
    if (status == PS__OK && folded.failed) status = ps__fail_nomem(err);
    if (status == PS__OK && there)
        status = ps__sql_run(store, err, "UPDATE words SET seen = ?2 WHERE rowid = ?1", "it", photo, folded.bytes);
    else if (status == PS__OK && folded.length)
        status = ps__sql_run(store, err, "INSERT INTO words(rowid, seen) VALUES(?1, ?2)", "it", photo, folded.bytes);
    ps__buf_free(&folded);
    return status;
}

int ps__store_put_seen(ps__store *store, int64_t photo, const char *text, int version, ps__error *err) {
    int64_t there;
    int status = ps__sql_int(&there, store, err, "SELECT count(*) FROM photos WHERE id = ?", "i", photo);
    if (status != PS__OK || !there) return status;
    if (!text) text = "";
    status = ps__sql_run(store, err,
                         "INSERT INTO texts(photo, seen, seen_by) VALUES(?1, ?2, ?3) ON CONFLICT(photo) DO UPDATE SET"
                         " seen = excluded.seen, seen_by = excluded.seen_by",
                         "iti", photo, text[0] ? text : (const char *)NULL, (int64_t)version);
    return status == PS__OK ? put_folded(store, photo, text, err) : status;
}

int ps__store_seen(ps__buf *text, int *version, ps__store *store, int64_t photo, ps__error *err) {
    sqlite3_stmt *stmt;
    if (version) *version = 0;
    int status = ps__sql_take(&stmt, store, err, "SELECT seen, seen_by FROM texts WHERE photo = ?", "i", photo);
    if (status != PS__OK) return status;
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        const char *seen = (const char *)sqlite3_column_text(stmt, 0);
        if (seen) ps__buf_puts(text, seen);
        if (version) *version = sqlite3_column_int(stmt, 1);
    } else if (rc != SQLITE_DONE) {
        status = ps__sql_fail(store, rc, err);
    }
    ps__sql_done(stmt);
    return status == PS__OK && text->failed ? ps__fail_nomem(err) : status;
}
