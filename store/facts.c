/*
** Facts of photos for a cache; see facts.h. Files are walked by themselves where everything is read: asking for those of each
** photo would take four times as long.
*/
#include "store/facts.h"

#include <limits.h>
#include <string.h>

#include "store/inside.h"

#define COLUMNS                                                                                                                  \
    "id, taken, taken_source, latitude, longitude, city, region, country, width, height, bytes, format, flash, rating, kinds,"     \
    " look, make, model, lens"
#define FILES                                                                                                                    \
    "(SELECT count(*) FROM files WHERE photo = photos.id AND state <> 4),"                                                         \
    " (SELECT path FROM files WHERE photo = photos.id AND state <> 4 LIMIT 1)"

static int column_int(sqlite3_stmt *stmt, int column) {
    int64_t v = sqlite3_column_int64(stmt, column);
    return v < 0 ? 0 : v > INT_MAX ? INT_MAX : (int)v;
}

static int is_null(sqlite3_stmt *stmt, int column) { return sqlite3_column_type(stmt, column) == SQLITE_NULL; }

/* A position counts only when both numbers are there and on Earth. */
static void read_position(ps__facts *out, sqlite3_stmt *stmt, int column) {
    if (is_null(stmt, column) || is_null(stmt, column + 1)) return;
    double a = sqlite3_column_double(stmt, column), b = sqlite3_column_double(stmt, column + 1);
    out->has_gps = a >= -90 && a <= 90 && b >= -180 && b <= 180;
    if (!out->has_gps) return;
    out->latitude = a;
    out->longitude = b;
}

/* The row's first columns are COLUMNS. */
static void read_facts(ps__facts *out, sqlite3_stmt *stmt) {
    memset(out, 0, sizeof *out);
    out->files = -1;
    out->id = sqlite3_column_int64(stmt, 0);
    out->has_taken = !is_null(stmt, 1);
    out->taken_s = sqlite3_column_int64(stmt, 1);
    out->taken_source = column_int(stmt, 2);
    read_position(out, stmt, 3);
    out->city = sqlite3_column_int64(stmt, 5);
    out->region = sqlite3_column_int64(stmt, 6);
    if (!is_null(stmt, 7)) ps__sql_text(out->country, sizeof out->country, stmt, 7);
    out->width = column_int(stmt, 8);
    out->height = column_int(stmt, 9);
    out->bytes = sqlite3_column_int64(stmt, 10);
    ps__sql_text(out->format, sizeof out->format, stmt, 11);
    out->flash = is_null(stmt, 12) ? -1 : sqlite3_column_int(stmt, 12) != 0;
    int rating = column_int(stmt, 13);
    out->rating = rating <= 5 ? rating : 0;
    out->kinds = column_int(stmt, 14);
    out->has_look = sqlite3_column_int64(stmt, 15) != 0;
    out->look = sqlite3_column_int64(stmt, 15);
    if (!is_null(stmt, 16)) ps__sql_text(out->make, sizeof out->make, stmt, 16);
    if (!is_null(stmt, 17)) ps__sql_text(out->model, sizeof out->model, stmt, 17);
    if (!is_null(stmt, 18)) ps__sql_text(out->lens, sizeof out->lens, stmt, 18);
}

int ps__store_each_facts(ps__store *store, ps__facts_fn *fn, void *payload, ps__error *err) {
    sqlite3_stmt *stmt;
    ps__facts facts;
    int rc, status = ps__sql_walk(&stmt, store, err, "SELECT " COLUMNS " FROM photos ORDER BY id", "");
    if (status != PS__OK) return status;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        read_facts(&facts, stmt);
        if ((status = fn(&facts, payload)) != 0) break;
    }
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) status = ps__sql_fail(store, rc, err);
    sqlite3_finalize(stmt);
    return status;
}

int ps__store_each_shown(ps__store *store, ps__shown_fn *fn, void *payload, ps__error *err) {
    sqlite3_stmt *stmt;
    int status = ps__sql_walk(&stmt, store, err, "SELECT photo, path FROM files WHERE photo IS NOT NULL AND state <> 4", "");
    return status == PS__OK ? ps__sql_walk_paths(store, stmt, fn, payload, err) : status;
}

/* Behind COLUMNS: FILES. */
static int read_files(ps__facts *out, ps__store *store, sqlite3_stmt *stmt, ps__error *err) {
    out->files = column_int(stmt, 19);
    return out->files ? ps__sql_path(&out->path, store, stmt, 20, err) : PS__OK;
}

int ps__store_facts(ps__store *store, const int64_t *photos, size_t count, ps__facts_fn *fn, void *payload, ps__error *err) {
    sqlite3_stmt *stmt;
    ps__facts facts;
    int status = ps__sql_walk(&stmt, store, err, "SELECT " COLUMNS ", " FILES " FROM photos WHERE id = ?", "");
    for (size_t i = 0; status == PS__OK && i < count; i++) {
        sqlite3_bind_int64(stmt, 1, photos[i]);
        int rc = sqlite3_step(stmt);
        if (rc == SQLITE_ROW) {
            read_facts(&facts, stmt);
            status = read_files(&facts, store, stmt, err);
            if (status == PS__OK) status = fn(&facts, payload);
        } else if (rc != SQLITE_DONE) {
            status = ps__sql_fail(store, rc, err);
        }
        sqlite3_reset(stmt);
    }
    sqlite3_finalize(stmt);
    return status;
}

int ps__store_photo_count(int64_t *count, ps__store *store, ps__error *err) {
    return ps__sql_int(count, store, err, "SELECT count(*) FROM photos", "");
}
