/*
** A library seen from outside: by SQL of its own rather than by the calls that are under test.
*/
#include "tests/store/inspect.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/os.h"
#include "store/inside.h"

static ps__store *open_there(const char *folder) {
    ps__store *store;
    ps__error err = {0};
    int status = ps__store_open(&store, folder, PS__STORE_READ, &err);
    if (status == PS__NOTFOUND) return NULL;
    ck_assert_msg(status == PS__OK, "%d %s", status, err.text);
    return store;
}

static sqlite3_stmt *ask(ps__store *store, const char *sql) {
    sqlite3_stmt *stmt;
    int rc = sqlite3_prepare_v2(store->db, sql, -1, &stmt, NULL);
    ck_assert_msg(rc == SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(store->db));
    return stmt;
}

static int64_t ask_number(ps__store *store, const char *sql) {
    sqlite3_stmt *stmt = ask(store, sql);
    int64_t value = sqlite3_step(stmt) == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
    sqlite3_finalize(stmt);
    return value;
}

void inspect_photos_of(inspect_photos *out, const char *folder, const char *without) {
    ps__error err = {0};
    size_t capacity = 0;
    memset(out, 0, sizeof *out);
    ps__store *store = open_there(folder);
    if (!store) return;
    ck_assert_int_eq(ps__store_begin(store, &err), PS__OK);
    ck_assert_int_eq(ps__store_last_change(&out->last_change, store, &err), PS__OK);
    sqlite3_stmt *stmt = ask(store, "SELECT hash FROM photos WHERE EXISTS (SELECT 1 FROM spaces s, vectors v"
                                    " WHERE v.key = s.number << 40 | photos.id) AND (?1 IS NULL OR EXISTS"
                                    " (SELECT 1 FROM files WHERE photo = photos.id AND substr(path, 1, length(?1)) <> ?1))");
    if (without) sqlite3_bind_blob(stmt, 1, without, (int)strlen(without), SQLITE_STATIC);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        if (out->count == capacity) {
            capacity = capacity ? capacity * 2 : 256;
            out->hashes = realloc(out->hashes, capacity * sizeof *out->hashes);
            ck_assert_ptr_nonnull(out->hashes);
        }
        memcpy(out->hashes[out->count++], sqlite3_column_blob(stmt, 0), 16);
    }
    sqlite3_finalize(stmt);
    ps__store_end(store);
    ps__store_close(store);
}

void inspect_free(inspect_photos *photos) {
    free(photos->hashes);
    memset(photos, 0, sizeof *photos);
}

int inspect_has(const inspect_photos *photos, const uint8_t hash[16]) {
    for (size_t i = 0; i < photos->count; i++)
        if (memcmp(photos->hashes[i], hash, 16) == 0) return 1;
    return 0;
}

int64_t inspect_puts(const char *folder, int64_t after) {
    char sql[96];
    ps__store *store = open_there(folder);
    if (!store) return 0;
    snprintf(sql, sizeof sql, "SELECT count(*) FROM changes WHERE kind = 1 AND number > %lld", (long long)after);
    int64_t puts = ask_number(store, sql);
    ps__store_close(store);
    return puts;
}

/* Each must give 0. */
static const struct {
    const char *what, *sql;
} rules[] = {
    {"contents that are there twice", "SELECT count(*) - count(DISTINCT hash) FROM photos NOT INDEXED"},
    {"paths that are there twice", "SELECT count(*) - count(DISTINCT path) FROM files NOT INDEXED"},
    {"files of photos that do not exist", "SELECT count(*) FROM files WHERE photo IS NOT NULL AND photo NOT IN (SELECT id FROM photos)"},
    {"indexed files without a photo", "SELECT count(*) FROM files WHERE state = 0 AND photo IS NULL"},
    {"vectors of photos that do not exist", "SELECT count(*) FROM vectors WHERE key & 1099511627775 NOT IN (SELECT id FROM photos)"},
    {"vectors of models that do not exist", "SELECT count(*) FROM vectors WHERE model NOT IN (SELECT number FROM models)"},
    {"spaces that count their vectors wrongly",
     "SELECT count(*) FROM spaces s WHERE vectors <> (SELECT count(*) FROM vectors WHERE key >> 40 = s.number)"},
    {"photos without a file that no sweep will find", "SELECT count(*) FROM photos WHERE id NOT IN (SELECT photo FROM loose)"
                                                      " AND id NOT IN (SELECT photo FROM files WHERE photo IS NOT NULL)"},
    {"vectors that the change log does not know",
     "SELECT count(*) FROM vectors WHERE (SELECT value FROM meta WHERE key = 'changes_floor') = 0 AND NOT EXISTS"
     " (SELECT 1 FROM changes c WHERE c.kind = 1 AND c.photo = key & 1099511627775 AND c.space = key >> 40)"}};

void inspect_sound(const char *folder) {
    ps__error err = {0};
    ps__store *store = open_there(folder);
    if (!store) return;
    ck_assert_msg(ps__store_check(store, &err) == PS__OK, "%s", err.text);
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        int64_t count = ask_number(store, rules[i].sql);
        ck_assert_msg(count == 0, "%s: %lld %s", folder, (long long)count, rules[i].what);
    }
    ps__store_close(store);
}

static void append_rows(ps__buf *text, ps__store *store, const char *sql) {
    sqlite3_stmt *stmt = ask(store, sql);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(stmt); i++) {
            const char *value = (const char *)sqlite3_column_text(stmt, i);
            ps__buf_printf(text, "%s ", value ? value : "-");
        }
        ps__buf_putc(text, '\n');
    }
    sqlite3_finalize(stmt);
}

char *inspect_text(const char *folder, const char *space) {
    char sql[512];
    ps__buf text = PS__BUF_INIT;
    ps__store *store = open_there(folder);
    if (!store) return ps__strdup("");
    snprintf(sql, sizeof sql,
             "SELECT path, f.size, f.mtime_ns, min(f.state, 2), hex(p.hash), hex(v.halves) FROM files f LEFT JOIN photos p"
             " ON p.id = f.photo LEFT JOIN vectors v ON v.key = (SELECT number FROM spaces WHERE name = '%s') << 40 | p.id"
             " ORDER BY path",
             space);
    append_rows(&text, store, sql);
    append_rows(&text, store, "SELECT hex(hash), bytes, width, height, format, taken FROM photos ORDER BY hash");
    ps__store_close(store);
    return ps__buf_detach(&text);
}

int inspect_temp_files(const char *folder) {
    struct dirent *entry;
    int count = 0;
    DIR *dir = opendir(folder);
    if (!dir) return 0;
    while ((entry = readdir(dir))) {
        const char *name = entry->d_name, *dot = strrchr(name, '.');
        int known = strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strncmp(name, "library.db", 10) == 0 ||
                    (dot && (strcmp(dot, ".lock") == 0 || strcmp(dot, ".faiss") == 0));
        count += !known;
    }
    closedir(dir);
    return count;
}

double inspect_reopen_ms(const char *folder) {
    ps__store *store;
    ps__store_counts counts;
    ps__error err = {0};
    int64_t start = ps__os.monotonic_ns();
    int status = ps__store_open(&store, folder, PS__STORE_WRITE, &err);
    if (status == PS__NOTFOUND) return 0;
    ck_assert_msg(status == PS__OK, "%d %s", status, err.text);
    ck_assert_msg(ps__store_count(&counts, store, &err) == PS__OK, "%s", err.text);
    ps__store_close(store);
    return (double)(ps__os.monotonic_ns() - start) / 1e6;
}
