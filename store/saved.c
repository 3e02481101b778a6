/*
** The table `saved`; see saved.h.
*/
#include "store/saved.h"

#include <string.h>

#include "base/os.h"
#include "base/utf8.h"
#include "store/inside.h"

static int has_controls(const char *text) {
    for (const unsigned char *s = (const unsigned char *)text; *s; s++)
        if (*s < 0x20 || *s == 0x7F) return 1;
    return 0;
}

static int is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/* 1 if the text is `most` bytes of UTF-8 at most, and not only blanks. */
static int is_text(const char *text, size_t most) {
    size_t length = strlen(text), blanks = 0;
    while (is_blank(text[blanks])) blanks++;
    return length > blanks && length <= most && ps__utf8_valid(text, length);
}

static int check(const ps__saved *s, ps__error *err) {
    size_t length = strlen(s->name);
    if (!is_text(s->name, PS__SAVED_NAME) || has_controls(s->name) || is_blank(s->name[0]) || is_blank(s->name[length - 1]))
        return ps__fail(err, PS__INVALID,
                        "the name of a saved search is 1 to %d bytes of UTF-8, without control characters and blanks at its ends",
                        PS__SAVED_NAME);
    if (!is_text(s->query, PS__SAVED_QUERY))
        return ps__fail(err, PS__INVALID, "a search that is saved is 1 to %d bytes of UTF-8, not only blanks", PS__SAVED_QUERY);
    if (s->lang && (!is_text(s->lang, PS__SAVED_LANG) || has_controls(s->lang)))
        return ps__fail(err, PS__INVALID, "a language is named by a tag such as de or pt-BR");
    return PS__OK;
}

static int put(int *replaced, ps__store *store, const ps__saved *s, ps__error *err) {
    int64_t there = 0;
    int status = ps__sql_int(&there, store, err, "SELECT 1 FROM saved WHERE name = ?", "t", s->name);
    if (status != PS__OK && status != PS__NOTFOUND) return status;
    *replaced = status == PS__OK;
    return ps__sql_run(
        store, err,
        "INSERT INTO saved(name, query, lang, flags, made) VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT(name) DO UPDATE SET"
        " query = excluded.query, lang = excluded.lang, flags = excluded.flags, made = excluded.made",
        "tttii", s->name, s->query, s->lang, s->flags, ps__os.wall_seconds());
}

int ps__store_save(int *replaced, ps__store *store, const ps__saved *saved, ps__error *err) {
    int there = 0;
    if (replaced) *replaced = 0;
    int status = check(saved, err);
    if (status == PS__OK) status = ps__store_write(store, err);
    if (status != PS__OK) return status;
    status = put(&there, store, saved, err);
    if (status == PS__OK) status = ps__store_commit(store, err);
    if (status != PS__OK)
        ps__store_rollback(store);
    else if (replaced)
        *replaced = there;
    return status;
}

int ps__store_unsave(ps__store *store, const char *name, ps__error *err) {
    int status = ps__store_must_write(store, err);
    if (status == PS__OK) status = ps__sql_run(store, err, "DELETE FROM saved WHERE name = ?", "t", name);
    if (status == PS__OK && sqlite3_changes(store->db) == 0)
        status = ps__fail(err, PS__NOTFOUND, "no search is saved under the name \"%.100s\"", name);
    return status;
}

/* What a row says; 0: nothing that could have been saved. The strings are the statement's. */
static int read_row(ps__saved *out, sqlite3_stmt *stmt) {
    *out = (ps__saved){
        .name = (const char *)sqlite3_column_text(stmt, 0),
        .query = (const char *)sqlite3_column_text(stmt, 1),
        .lang = (const char *)sqlite3_column_text(stmt, 2),
        .flags = sqlite3_column_int64(stmt, 3),
        .made_s = sqlite3_column_int64(stmt, 4),
    };
    return out->name && out->query && check(out, NULL) == PS__OK;
}

int ps__store_each_saved(ps__store *store, ps__saved_fn *fn, void *payload, ps__error *err) {
    sqlite3_stmt *stmt;
    int rc, status = ps__sql_walk(&stmt, store, err, "SELECT name, query, lang, flags, made FROM saved ORDER BY name", "");
    if (status != PS__OK) return status;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        ps__saved saved;
        if (!read_row(&saved, stmt)) {
            status = sqlite3_errcode(store->db) == SQLITE_NOMEM ? ps__fail_nomem(err)
                                                                : ps__store_damaged(store, "a saved search makes no sense", err);
            break;
        }
        if ((status = fn(&saved, payload)) != 0) break;
    }
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) status = ps__sql_fail(store, rc, err);
    sqlite3_finalize(stmt);
    return status;
}
