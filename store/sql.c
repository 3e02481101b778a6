/*
** Prepared statements, bound and checked in one place, and SQLite's result codes made into statuses with a sentence.
**
** SQLite is handed untrusted files: the sentence for a damaged one says what is lost (nothing but time) and what to do.
*/
#include "store/inside.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"

int ps__store_damaged(ps__store *store, const char *what, ps__error *err) {
    return ps__fail(err, PS__CORRUPT, "%s: is damaged (%s); no photo is lost: move the file away and index again", store->db_path,
                    what);
}

static int io_failed(ps__store *store, int rc, ps__error *err) {
    int e = sqlite3_system_errno(store->db);
    if (rc == SQLITE_IOERR_NOMEM) return ps__fail_nomem(err);
    if (rc == SQLITE_IOERR_SHORT_READ) return ps__store_damaged(store, "it is shorter than it says", err);
    if (e == ENOSPC || e == EDQUOT) return ps__fail(err, PS__FULL, "%s: no space was left on the device", store->db_path);
    /* The number may be left over from an earlier call that did not matter: it is quoted, not trusted with the status. */
    char words[128];
    return ps__fail(err, PS__IO, "%s: could not be read or written (%s)", store->db_path,
                    e ? strerror_r(e, words, sizeof words) : sqlite3_errmsg(store->db));
}

int ps__sql_fail(ps__store *store, int rc, ps__error *err) {
    const char *path = store->db_path;
    const char *words = store->db ? sqlite3_errmsg(store->db) : sqlite3_errstr(rc);
    switch (rc & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return ps__store_damaged(store, words, err);
    case SQLITE_FULL: return ps__fail(err, PS__FULL, "%s: no space was left on the device", path);
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return ps__fail(err, PS__BUSY, "%s: another process was writing to it for more than 10 seconds", path);
    case SQLITE_IOERR: return store->db ? io_failed(store, rc, err) : ps__fail(err, PS__IO, "%s: %s", path, words);
    case SQLITE_NOMEM: return ps__fail_nomem(err);
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH: return ps__fail(err, PS__ACCESS, "%s: may not be written", path);
    case SQLITE_CANTOPEN: return ps__fail(err, PS__ACCESS, "%s: could not be opened (%s)", path, words);
    case SQLITE_TOOBIG: return ps__fail(err, PS__TOOBIG, "%s: a value was too big for it", path);
    default: return ps__fail(err, PS__ERROR, "%s: %s", path, words);
    }
}

static int bind_all(sqlite3_stmt *stmt, const char *format, va_list values) {
    int rc = SQLITE_OK;
    for (int i = 1; *format && rc == SQLITE_OK; format++, i++) {
        switch (*format) {
        case 'i': rc = sqlite3_bind_int64(stmt, i, va_arg(values, int64_t)); break;
        case 'd': rc = sqlite3_bind_double(stmt, i, va_arg(values, double)); break;
        case 't': rc = sqlite3_bind_text(stmt, i, va_arg(values, const char *), -1, SQLITE_STATIC); break;
        case 'b': {
            const void *bytes = va_arg(values, const void *);
            rc = sqlite3_bind_blob(stmt, i, bytes, va_arg(values, int), SQLITE_STATIC);
            break;
        }
        default: rc = sqlite3_bind_null(stmt, i); break;
        }
    }
    return rc;
}

static int find_statement(ps__statement **out, ps__store *store, const char *sql) {
    for (int i = 0; i < store->statement_count; i++) {
        if (store->statements[i].sql != sql) continue;
        *out = &store->statements[i];
        return SQLITE_OK;
    }
    if (store->statement_count == PS__STORE_STATEMENTS) return SQLITE_MISUSE;
    ps__statement *s = &store->statements[store->statement_count];
    int rc = sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &s->stmt, NULL);
    if (rc != SQLITE_OK) return rc;
    s->sql = sql;
    store->statement_count++;
    *out = s;
    return SQLITE_OK;
}

static int take(sqlite3_stmt **out, ps__store *store, ps__error *err, const char *sql, const char *format, va_list values) {
    ps__statement *s;
    *out = NULL;
    int rc = find_statement(&s, store, sql);
    if (rc == SQLITE_OK) rc = bind_all(s->stmt, format, values);
    if (rc != SQLITE_OK) return ps__sql_fail(store, rc, err);
    *out = s->stmt;
    return PS__OK;
}

int ps__sql_take(sqlite3_stmt **out, ps__store *store, ps__error *err, const char *sql, const char *format, ...) {
    va_list values;
    va_start(values, format);
    int status = take(out, store, err, sql, format, values);
    va_end(values);
    return status;
}

void ps__sql_done(sqlite3_stmt *stmt) {
    if (!stmt) return;
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
}

int ps__sql_walk(sqlite3_stmt **out, ps__store *store, ps__error *err, const char *sql, const char *format, ...) {
    va_list values;
    *out = NULL;
    int rc = sqlite3_prepare_v2(store->db, sql, -1, out, NULL);
    va_start(values, format);
    if (rc == SQLITE_OK) rc = bind_all(*out, format, values);
    va_end(values);
    if (rc == SQLITE_OK) return PS__OK;
    int status = ps__sql_fail(store, rc, err);
    sqlite3_finalize(*out);
    *out = NULL;
    return status;
}

int ps__sql_run(ps__store *store, ps__error *err, const char *sql, const char *format, ...) {
    sqlite3_stmt *stmt;
    va_list values;
    va_start(values, format);
    int status = take(&stmt, store, err, sql, format, values);
    va_end(values);
    if (status != PS__OK) return status;
    int rc = sqlite3_step(stmt);
    if (rc != SQLITE_DONE && rc != SQLITE_ROW) status = ps__sql_fail(store, rc, err);
    ps__sql_done(stmt);
    return status;
}

int ps__sql_int(int64_t *out, ps__store *store, ps__error *err, const char *sql, const char *format, ...) {
    sqlite3_stmt *stmt;
    va_list values;
    *out = 0;
    va_start(values, format);
    int status = take(&stmt, store, err, sql, format, values);
    va_end(values);
    if (status != PS__OK) return status;
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW)
        *out = sqlite3_column_int64(stmt, 0);
    else
        status = rc == SQLITE_DONE ? PS__NOTFOUND : ps__sql_fail(store, rc, err);
    ps__sql_done(stmt);
    return status;
}

int ps__sql_exec(ps__store *store, const char *sql, ps__error *err) {
    int rc = sqlite3_exec(store->db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? PS__OK : ps__sql_fail(store, rc, err);
}

void ps__sql_text(char *out, size_t size, sqlite3_stmt *stmt, int column) {
    const char *text = (const char *)sqlite3_column_text(stmt, column);
    size_t length = text ? (size_t)sqlite3_column_bytes(stmt, column) : 0;
    out[0] = 0;
    if (length >= size || !ps__utf8_valid(text ? text : "", length)) return;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 0x20 || c == 0x7f) return;
    }
    if (length) memcpy(out, text, length);
    out[length] = 0;
}

int ps__sql_path(const char **path, ps__store *store, sqlite3_stmt *stmt, int column, ps__error *err) {
    /* column_text on a BLOB adds the final 0 and changes no byte: the database's encoding is UTF-8. */
    const char *text = (const char *)sqlite3_column_text(stmt, column);
    size_t length = (size_t)sqlite3_column_bytes(stmt, column);
    *path = NULL;
    if (!text && sqlite3_errcode(store->db) == SQLITE_NOMEM) return ps__fail_nomem(err);
    if (!text || text[0] != '/' || strlen(text) != length) return ps__store_damaged(store, "a path in it makes no sense", err);
    *path = text;
    return PS__OK;
}

int ps__sql_walk_paths(ps__store *store, sqlite3_stmt *stmt, int (*fn)(int64_t photo, const char *path, void *payload), void *payload,
                       ps__error *err) {
    int rc, status = PS__OK;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        const char *path;
        if ((status = ps__sql_path(&path, store, stmt, 1, err)) != PS__OK) break;
        if ((status = fn(sqlite3_column_int64(stmt, 0), path, payload)) != 0) break;
    }
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) status = ps__sql_fail(store, rc, err);
    sqlite3_finalize(stmt);
    return status;
}
