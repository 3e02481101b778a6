/*
** Photos: what is known of a content, found by id, path or content.
**
** The camera's time is stored as seconds since 1970 as if its local time were UTC: comparable and small. The text that EXIF gave is
** made again from it.
*/
#include "store/inside.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "store/calendar.h"

void ps__store_hash(uint8_t hash[16], const void *bytes, size_t size) {
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits(size ? bytes : "", size));
    memcpy(hash, canonical.digest, 16);
}

static int column_int(sqlite3_stmt *stmt, int column) {
    int64_t v = sqlite3_column_int64(stmt, column);
    return v < 0 ? 0 : v > INT_MAX ? INT_MAX : (int)v;
}

/* A position counts only when both numbers are there and on Earth. */
static void read_place(int *has, double *latitude, double *longitude, sqlite3_stmt *stmt, int column) {
    *has = 0;
    *latitude = *longitude = 0;
    if (sqlite3_column_type(stmt, column) == SQLITE_NULL || sqlite3_column_type(stmt, column + 1) == SQLITE_NULL) return;
    double a = sqlite3_column_double(stmt, column), b = sqlite3_column_double(stmt, column + 1);
    if (!(a >= -90 && a <= 90 && b >= -180 && b <= 180)) return;
    *latitude = a;
    *longitude = b;
    *has = 1;
}

/* What version 3 of the schema added; from column 16 on. */
static void read_more(ps__photo *out, sqlite3_stmt *stmt) {
    out->taken_source = column_int(stmt, 16);
    out->flash = sqlite3_column_type(stmt, 17) == SQLITE_NULL ? -1 : sqlite3_column_int(stmt, 17) != 0;
    int rating = column_int(stmt, 18);
    out->rating = rating <= 5 ? rating : 0;
    out->kinds = column_int(stmt, 19);
    out->placed = sqlite3_column_type(stmt, 20) != SQLITE_NULL;
    out->city = sqlite3_column_int64(stmt, 20);
    out->region = sqlite3_column_int64(stmt, 21);
    ps__sql_text(out->country, sizeof out->country, stmt, 22);
    out->look = (uint64_t)sqlite3_column_int64(stmt, 23);
}

static int read_photo(ps__photo *out, ps__store *store, sqlite3_stmt *stmt, ps__error *err) {
    const void *hash = sqlite3_column_blob(stmt, 1);
    if (!hash || sqlite3_column_bytes(stmt, 1) != 16) return ps__store_damaged(store, "a photo in it has no hash", err);
    out->id = sqlite3_column_int64(stmt, 0);
    memcpy(out->hash, hash, 16);
    out->bytes = sqlite3_column_int64(stmt, 2);
    out->width = column_int(stmt, 3);
    out->height = column_int(stmt, 4);
    ps__sql_text(out->format, sizeof out->format, stmt, 5);
    if (sqlite3_column_type(stmt, 6) != SQLITE_NULL) {
        out->taken_s = sqlite3_column_int64(stmt, 6);
        ps__calendar_text(out->taken, out->taken_s);
    }
    ps__sql_text(out->taken_offset, sizeof out->taken_offset, stmt, 7);
    read_place(&out->has_gps, &out->latitude, &out->longitude, stmt, 8);
    ps__sql_text(out->make, sizeof out->make, stmt, 10);
    ps__sql_text(out->model, sizeof out->model, stmt, 11);
    ps__sql_text(out->lens, sizeof out->lens, stmt, 12);
    out->added_s = sqlite3_column_int64(stmt, 13);
    int64_t ns = sqlite3_column_int64(stmt, 14);
    out->modified_s = ns / 1000000000 - (ns % 1000000000 < 0);
    out->preview = sqlite3_column_int(stmt, 15) != 0;
    read_more(out, stmt);
    return PS__OK;
}

int ps__store_photo(ps__photo *out, ps__store *store, int64_t photo, ps__error *err) {
    sqlite3_stmt *stmt;
    memset(out, 0, sizeof *out);
    int status = ps__sql_take(
        &stmt, store, err,
        "SELECT id, hash, bytes, width, height, format, taken, taken_offset, latitude, longitude, make, model,"
        " lens, added, (SELECT min(mtime_ns) FROM files WHERE photo = photos.id), preview, taken_source, flash, rating,"
        " kinds, city, region, country, look FROM photos WHERE id = ?",
        "i", photo);
    if (status != PS__OK) return status;
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW)
        status = read_photo(out, store, stmt, err);
    else if (rc == SQLITE_DONE)
        status = ps__fail(err, PS__NOTFOUND, "%s: has no photo number %lld", store->db_path, (long long)photo);
    else
        status = ps__sql_fail(store, rc, err);
    ps__sql_done(stmt);
    return status;
}

int ps__store_paths(ps__buf *out, size_t *count, ps__store *store, int64_t photo, ps__error *err) {
    sqlite3_stmt *stmt;
    size_t n = 0;
    int rc;
    int status =
        ps__sql_take(&stmt, store, err, "SELECT path FROM files WHERE photo = ? AND state <> 4 ORDER BY path", "i", photo);
    if (status != PS__OK) return status;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        const char *path;
        if ((status = ps__sql_path(&path, store, stmt, 0, err)) != PS__OK) break;
        ps__buf_append(out, path, strlen(path) + 1);
        n++;
    }
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) status = ps__sql_fail(store, rc, err);
    ps__sql_done(stmt);
    if (count) *count = n;
    if (status == PS__OK && out->failed) return ps__fail_nomem(err);
    return status;
}

int ps__store_photo_by_path(int64_t *photo, ps__store *store, const char *path, ps__error *err) {
    int status = ps__sql_int(photo, store, err, "SELECT photo FROM files WHERE path = ? AND photo IS NOT NULL", "b",
                             (const void *)path, (int)strlen(path));
    if (status == PS__NOTFOUND) return ps__fail(err, PS__NOTFOUND, "%s: is not in the library", path);
    return status;
}

int ps__store_photo_by_hash(int64_t *photo, ps__store *store, const uint8_t hash[16], ps__error *err) {
    int status = ps__sql_int(photo, store, err, "SELECT id FROM photos WHERE hash = ?", "b", (const void *)hash, 16);
    if (status == PS__NOTFOUND) return ps__fail(err, PS__NOTFOUND, "%s: no photo has this content", store->db_path);
    return status;
}

int ps__store_each_note(ps__store *store, int64_t after, ps__photo_note_fn *fn, void *payload, ps__error *err) {
    sqlite3_stmt *stmt;
    int rc;
    int status =
        ps__sql_walk(&stmt, store, err, "SELECT id, taken, latitude, longitude FROM photos WHERE id > ? ORDER BY id", "i", after);
    if (status != PS__OK) return status;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        ps__photo_note note = {.id = sqlite3_column_int64(stmt, 0)};
        note.has_taken = sqlite3_column_type(stmt, 1) != SQLITE_NULL;
        note.taken_s = sqlite3_column_int64(stmt, 1);
        read_place(&note.has_gps, &note.latitude, &note.longitude, stmt, 2);
        if ((status = fn(&note, payload)) != 0) break;
    }
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) status = ps__sql_fail(store, rc, err);
    sqlite3_finalize(stmt);
    return status;
}
