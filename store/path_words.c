/*
** The words of files' paths, for finding photos by names of files and folders. SQLite lets no trigger of a schema that is not trusted write
** to a virtual table, so whoever adds or removes rows of `files` says so here, in the same transaction.
*/
#include <string.h>

#include "store/inside.h"

int ps__path_words_put(ps__store *store, int64_t file, const char *path, ps__error *err) {
    return ps__sql_run(store, err, "INSERT INTO path_words(rowid, path) VALUES(?1, CAST(?2 AS TEXT))", "ib", file, (const void *)path,
                       (int)strlen(path));
}

int ps__path_words_drop(ps__store *store, int64_t file, ps__error *err) {
    return ps__sql_run(store, err,
                       "INSERT INTO path_words(path_words, rowid, path)"
                       " SELECT 'delete', id, CAST(path AS TEXT) FROM files WHERE id = ?",
                       "i", file);
}

int ps__path_words_drop_range(ps__store *store, const ps__range *r, ps__error *err) {
    return ps__sql_run(store, err,
                       "INSERT INTO path_words(path_words, rowid, path)"
                       " SELECT 'delete', id, CAST(path AS TEXT) FROM files WHERE path = ?1 OR (path >= ?2 AND path < ?3)",
                       "bbb", (const void *)r->root, r->root_length, (const void *)r->low, r->low_length, (const void *)r->high,
                       r->low_length);
}
