/*
** Facts of photos for a cache; see facts.h.
**
** Whether a photo is shown is asked of `files` only where the answer may be no: of photos that no file holds (`loose`), and of photos
** with a file that is away. Asking it of every photo would double the time of the walk.
*/
#include "store/facts.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "store/inside.h"

#define COLUMNS                                                                                                                  \
    "id, taken, taken_source, latitude, longitude, city, region, country, width, height, bytes, format, flash, rating, kinds,"     \
    " look, make, model, lens"
#define SHOWN "EXISTS (SELECT 1 FROM files WHERE photo = photos.id AND state <> 4)"

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

/* ---- Photos that are not shown ---- */

typedef struct hidden {
    int64_t *photos; /* [count] owned; ascending */
    size_t count, room;
} hidden;

static int read_hidden(hidden *out, ps__store *store, ps__error *err) {
    sqlite3_stmt *stmt;
    int rc;
    int status = ps__sql_walk(&stmt, store, err,
                              "SELECT h.photo FROM (SELECT photo FROM loose"
                              " UNION SELECT photo FROM files WHERE state > 0 AND state = 4 AND photo IS NOT NULL) AS h"
                              " WHERE NOT EXISTS (SELECT 1 FROM files WHERE files.photo = h.photo AND state <> 4) ORDER BY h.photo",
                              "");
    if (status != PS__OK) return status;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        if (out->count == out->room) {
            size_t room = out->room ? out->room * 2 : 256;
            int64_t *more = ps__realloc(out->photos, room * sizeof *more);
            if (!more) break;
            out->photos = more;
            out->room = room;
        }
        out->photos[out->count++] = sqlite3_column_int64(stmt, 0);
    }
    status = rc == SQLITE_DONE ? PS__OK : rc == SQLITE_ROW ? ps__fail_nomem(err) : ps__sql_fail(store, rc, err);
    sqlite3_finalize(stmt);
    return status;
}

int ps__store_each_facts(ps__store *store, ps__facts_fn *fn, void *payload, ps__error *err) {
    sqlite3_stmt *stmt = NULL;
    hidden away = {0};
    size_t next = 0;
    ps__facts facts;
    int rc = SQLITE_DONE, status, own = sqlite3_get_autocommit(store->db);
    if (own && (status = ps__store_begin(store, err)) != PS__OK) return status;
    status = read_hidden(&away, store, err);
    if (status == PS__OK) status = ps__sql_walk(&stmt, store, err, "SELECT " COLUMNS " FROM photos ORDER BY id", "");
    while (status == PS__OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        read_facts(&facts, stmt);
        while (next < away.count && away.photos[next] < facts.id) next++;
        facts.shown = !(next < away.count && away.photos[next] == facts.id);
        status = fn(&facts, payload);
    }
    if (status == PS__OK && rc != SQLITE_DONE) status = ps__sql_fail(store, rc, err);
    sqlite3_finalize(stmt);
    ps__free(away.photos);
    if (own) ps__store_end(store);
    return status;
}

int ps__store_facts(ps__store *store, const int64_t *photos, size_t count, ps__facts_fn *fn, void *payload, ps__error *err) {
    sqlite3_stmt *stmt;
    ps__facts facts;
    int status = ps__sql_walk(&stmt, store, err, "SELECT " COLUMNS ", " SHOWN " FROM photos WHERE id = ?", "");
    for (size_t i = 0; status == PS__OK && i < count; i++) {
        sqlite3_bind_int64(stmt, 1, photos[i]);
        int rc = sqlite3_step(stmt);
        if (rc == SQLITE_ROW) {
            read_facts(&facts, stmt);
            facts.shown = sqlite3_column_int(stmt, 19);
            status = fn(&facts, payload);
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
