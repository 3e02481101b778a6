/*
** The tables `tags` and `tagged`, and the column `tags` of `words`; see tags.h.
*/
#include "store/tags.h"

#include <string.h>

#include "base/utf8.h"
#include "store/inside.h"
#include "store/words.h"

#define UNTAGGED                                                                                                                 \
    " FROM photos p CROSS JOIN vectors v ON v.key = (?1 << 40 | p.id) WHERE p.id > ?3"                                           \
    " AND NOT EXISTS (SELECT 1 FROM tagged t WHERE t.photo = p.id AND t.vocabulary = ?2)"

static int space_dim(int *dim, ps__store *store, int space, ps__error *err) {
    int status = ps__store_space_dim(dim, store, space, err);
    if (status == PS__NOTFOUND) return ps__fail(err, PS__NOTFOUND, "%s: has no space number %d", store->db_path, space);
    return status;
}

int ps__store_count_untagged(int64_t *count, ps__store *store, int space, int64_t vocabulary, ps__error *err) {
    return ps__sql_int(count, store, err, "SELECT count(*)" UNTAGGED, "iii", (int64_t)space, vocabulary, (int64_t)0);
}

int ps__store_each_untagged(ps__store *store, int space, int64_t vocabulary, int64_t after, int limit, ps__vector_fn *fn,
                            void *payload, ps__error *err) {
    sqlite3_stmt *stmt;
    int dim, rc, status = space_dim(&dim, store, space, err);
    if (status == PS__OK)
        status = ps__sql_walk(&stmt, store, err, "SELECT p.id, v.halves" UNTAGGED " ORDER BY p.id LIMIT ?4", "iiii",
                              (int64_t)space, vocabulary, after, (int64_t)limit);
    if (status != PS__OK) return status;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        const uint16_t *halves = sqlite3_column_blob(stmt, 1);
        if (!halves && sqlite3_errcode(store->db) == SQLITE_NOMEM)
            status = ps__fail_nomem(err);
        else if (!halves || sqlite3_column_bytes(stmt, 1) != dim * (int)sizeof *halves)
            status = ps__store_damaged(store, "a vector in it has a wrong length", err);
        else
            status = fn(sqlite3_column_int64(stmt, 0), halves, payload);
        if (status != 0) break;
    }
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) status = ps__sql_fail(store, rc, err);
    sqlite3_finalize(stmt);
    return status;
}

/* The names as one text, as words are looked up. */
static int join(ps__buf *out, const ps__tag *tags, size_t count, ps__error *err) {
    for (size_t i = 0; i < count; i++) {
        if (i) ps__buf_puts(out, ", ");
        ps__words_fold(out, tags[i].name, strlen(tags[i].name));
    }
    return out->failed ? ps__fail_nomem(err) : PS__OK;
}

/* Most runs change the tags of few photos, and a row of `words` is dear to write. */
static int put_words(ps__store *store, int64_t photo, const char *names, ps__error *err) {
    int64_t same;
    int status = ps__sql_int(&same, store, err, "SELECT coalesce(tags, '') = ?2 FROM words WHERE rowid = ?1", "it", photo, names);
    if (status == PS__OK && same) return PS__OK;
    if (status == PS__OK) return ps__sql_run(store, err, "UPDATE words SET tags = ?2 WHERE rowid = ?1", "it", photo, names);
    if (status != PS__NOTFOUND || !names[0]) return status == PS__NOTFOUND ? PS__OK : status;
    return ps__sql_run(store, err, "INSERT INTO words(rowid, tags) VALUES(?1, ?2)", "it", photo, names);
}

int ps__store_put_tags(ps__store *store, int64_t photo, int64_t vocabulary, const ps__tag *tags, size_t count, ps__error *err) {
    ps__buf names = PS__BUF_INIT;
    int status = join(&names, tags, count, err);
    if (status == PS__OK) status = ps__sql_run(store, err, "DELETE FROM tags WHERE photo = ?", "i", photo);
    for (size_t i = 0; i < count && status == PS__OK; i++)
        status = ps__sql_run(store, err, "INSERT OR REPLACE INTO tags(photo, tag, score) VALUES(?, ?, ?)", "itd", photo,
                             tags[i].name, tags[i].score);
    if (status == PS__OK) status = put_words(store, photo, names.bytes, err);
    if (status == PS__OK)
        status = ps__sql_run(
            store, err, "INSERT INTO tagged VALUES(?1, ?2) ON CONFLICT(photo) DO UPDATE SET vocabulary = excluded.vocabulary",
            "ii", photo, vocabulary);
    ps__buf_free(&names);
    return status;
}

/* Rows of tag, photos, score. */
static int walk(ps__store *store, sqlite3_stmt *stmt, ps__tag_fn *fn, void *payload, ps__error *err) {
    int rc, status = PS__OK;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(stmt, 0);
        if (!name && sqlite3_errcode(store->db) == SQLITE_NOMEM)
            status = ps__fail_nomem(err);
        else if (!name || !ps__utf8_valid(name, strlen(name)))
            status = ps__store_damaged(store, "a tag in it makes no sense", err);
        else
            status = fn(name, sqlite3_column_int64(stmt, 1), sqlite3_column_double(stmt, 2), payload);
        if (status != 0) break;
    }
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) status = ps__sql_fail(store, rc, err);
    sqlite3_finalize(stmt);
    return status;
}

int ps__store_each_tag(ps__store *store, ps__tag_fn *fn, void *payload, ps__error *err) {
    sqlite3_stmt *stmt;
    int status = ps__sql_walk(&stmt, store, err,
                              "SELECT tag, count(*) AS photos, max(score) FROM tags"
                              " WHERE EXISTS (SELECT 1 FROM files WHERE files.photo = tags.photo AND state <> 4)"
                              " GROUP BY tag ORDER BY photos DESC, tag",
                              "");
    return status == PS__OK ? walk(store, stmt, fn, payload, err) : status;
}

int ps__store_each_tag_of(ps__store *store, int64_t photo, ps__tag_fn *fn, void *payload, ps__error *err) {
    sqlite3_stmt *stmt;
    int status =
        ps__sql_walk(&stmt, store, err, "SELECT tag, 1, score FROM tags WHERE photo = ? ORDER BY score DESC, tag", "i", photo);
    return status == PS__OK ? walk(store, stmt, fn, payload, err) : status;
}
