/*
** The words of files' paths, for finding photos by names of files and folders. SQLite lets no trigger of a schema that is not
** trusted write to a virtual table, so whoever adds or removes rows of `files` says so here, in the same transaction.
**
** Paths are folded as all words are (words.h), by a function of SQL: what is taken out of a full-text table without contents must
** be told again exactly as it was put in.
*/
#include <string.h>

#include "base/buf.h"
#include "store/inside.h"
#include "store/words.h"

static void fold(sqlite3_context *context, int count, sqlite3_value **values) {
    (void)count;
    const char *text = (const char *)sqlite3_value_text(values[0]);
    ps__buf folded = PS__BUF_INIT;
    if (text) ps__words_fold(&folded, text, (size_t)sqlite3_value_bytes(values[0]));
    if (folded.failed)
        sqlite3_result_error_nomem(context);
    else
        sqlite3_result_text(context, folded.bytes, (int)folded.length, SQLITE_TRANSIENT);
    ps__buf_free(&folded);
}

int ps__path_words_prepare(ps__store *store, ps__error *err) {
    int rc = sqlite3_create_function_v2(store->db, "words_fold", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, NULL, fold,
                                        NULL, NULL, NULL);
    return rc == SQLITE_OK ? PS__OK : ps__sql_fail(store, rc, err);
}

int ps__path_words_put(ps__store *store, int64_t file, const char *path, ps__error *err) {
    return ps__sql_run(store, err, "INSERT INTO path_words(rowid, path) VALUES(?1, words_fold(CAST(?2 AS TEXT)))", "ib", file, (const void *)path,
                       (int)strlen(path));
}

int ps__path_words_drop(ps__store *store, int64_t file, ps__error *err) {
    return ps__sql_run(store, err,
                       "INSERT INTO path_words(path_words, rowid, path)"
                       " SELECT 'delete', id, words_fold(CAST(path AS TEXT)) FROM files WHERE id = ?",
                       "i", file);
}

int ps__path_words_drop_range(ps__store *store, const ps__range *r, ps__error *err) {
    return ps__sql_run(store, err,
                       "INSERT INTO path_words(path_words, rowid, path)"
                       " SELECT 'delete', id, words_fold(CAST(path AS TEXT)) FROM files WHERE path = ?1 OR (path >= ?2 AND path < ?3)",
                       "bbb", (const void *)r->root, r->root_length, (const void *)r->low, r->low_length, (const void *)r->high,
                       r->low_length);
}
