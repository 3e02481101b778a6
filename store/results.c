/*
** What became of a file: filed with its photo and vector, or one more failed try. Each runs inside the indexer's transaction.
*/
#include <string.h>

#include "base/os.h"
#include "store/calendar.h"
#include "store/inside.h"

int ps__store_known(int *known, int64_t *photo, ps__store *store, int space, const uint8_t hash[16], ps__error *err) {
    int64_t one;
    *known = 0;
    int status = ps__sql_int(photo, store, err, "SELECT id FROM photos WHERE hash = ?", "b", (const void *)hash, 16);
    if (status == PS__NOTFOUND) return PS__OK;
    if (status != PS__OK) return status;
    status =
        ps__sql_int(&one, store, err,
                    "SELECT 1 FROM vectors WHERE key = ?1 AND (SELECT NOT preview AND notes >= ?3 FROM photos WHERE id = ?2)",
                    "iii", ps__vector_key(space, *photo), *photo, (int64_t)PS__NOTES_VERSION);
    if (status == PS__OK) *known = 1;
    return status == PS__NOTFOUND ? PS__OK : status;
}

static void bind_taken(sqlite3_stmt *stmt, const ps__photo *p) {
    int64_t seconds;
    sqlite3_bind_int(stmt, 16, 0);
    if (p->taken_offset[0]) sqlite3_bind_text(stmt, 7, p->taken_offset, -1, SQLITE_STATIC);
    if (!ps__calendar_parse(&seconds, p->taken)) return;
    sqlite3_bind_int64(stmt, 6, seconds);
    sqlite3_bind_int(stmt, 16, p->taken_source);
}

static void bind_place(sqlite3_stmt *stmt, const ps__photo *p) {
    if (!p->has_gps) return;
    sqlite3_bind_double(stmt, 8, p->latitude);
    sqlite3_bind_double(stmt, 9, p->longitude);
    if (p->placed) sqlite3_bind_int64(stmt, 20, p->city);
    if (p->region) sqlite3_bind_int64(stmt, 21, p->region);
    if (p->country[0]) sqlite3_bind_text(stmt, 22, p->country, -1, SQLITE_STATIC);
}

static void bind_camera(sqlite3_stmt *stmt, const ps__photo *p) {
    if (p->make[0]) sqlite3_bind_text(stmt, 10, p->make, -1, SQLITE_STATIC);
    if (p->model[0]) sqlite3_bind_text(stmt, 11, p->model, -1, SQLITE_STATIC);
    if (p->lens[0]) sqlite3_bind_text(stmt, 12, p->lens, -1, SQLITE_STATIC);
    if (p->flash >= 0) sqlite3_bind_int(stmt, 17, p->flash);
    if (p->rating > 0) sqlite3_bind_int(stmt, 18, p->rating);
    sqlite3_bind_int(stmt, 19, p->kinds);
    if (p->look) sqlite3_bind_int64(stmt, 23, (int64_t)p->look);
}

/* Without a gazetteer at hand a photo that has not moved keeps its place. */
#define STAYS(column)                                                                                                            \
#column " = iif(excluded.city IS NULL AND excluded.latitude IS latitude AND excluded.longitude IS longitude, " #column       \
            ", excluded." #column ")"
#define ANEW(column) #column " = excluded." #column

/* New photo, or one whose notes are read anew: by another model, in full after its preview, or because more is read now. */
static int put_photo(int64_t *id, ps__store *store, const ps__photo *p, int preview, ps__error *err) {
    sqlite3_stmt *stmt;
    static const char sql[] =
        "INSERT INTO photos(hash, bytes, width, height, format, taken, taken_offset, latitude, longitude, make, model, lens,"
        " added, preview, notes, taken_source, flash, rating, kinds, city, region, country, look) VALUES(?1, ?2, ?3, ?4, ?5, ?6,"
        " ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23) ON CONFLICT(hash) DO UPDATE SET "
        /* clang-format off */
        ANEW(width) ", " ANEW(height) ", " ANEW(format) ", " ANEW(taken) ", " ANEW(taken_offset) ", " ANEW(latitude) ", "
        ANEW(longitude) ", " ANEW(make) ", " ANEW(model) ", " ANEW(lens) ", " ANEW(preview) ", " ANEW(notes) ", "
        ANEW(taken_source) ", " ANEW(flash) ", " ANEW(rating) ", " ANEW(kinds) ", " ANEW(look) ", "
        STAYS(city) ", " STAYS(region) ", " STAYS(country);
    /* clang-format on */
    int status = ps__sql_take(&stmt, store, err, sql, "biiit", (const void *)p->hash, 16, p->bytes, (int64_t)p->width,
                              (int64_t)p->height, p->format);
    if (status != PS__OK) return status;
    bind_taken(stmt, p);
    bind_place(stmt, p);
    bind_camera(stmt, p);
    sqlite3_bind_int64(stmt, 13, ps__os.wall_seconds());
    sqlite3_bind_int(stmt, 14, preview);
    sqlite3_bind_int(stmt, 15, PS__NOTES_VERSION);
    int rc = sqlite3_step(stmt);
    if (rc != SQLITE_DONE) status = ps__sql_fail(store, rc, err);
    ps__sql_done(stmt);
    if (status == PS__OK)
        status = ps__sql_int(id, store, err, "SELECT id FROM photos WHERE hash = ?", "b", (const void *)p->hash, 16);
    return status;
}

/* The photo that the row has from its preview gets the hash of the content, so that put_photo finds it and its number stays. */
static int adopt_preview(ps__store *store, int64_t file, const uint8_t hash[16], ps__error *err) {
    return ps__sql_run(store, err,
                       "UPDATE photos SET hash = ?1 WHERE id = (SELECT photo FROM files WHERE id = ?2) AND preview"
                       " AND NOT EXISTS (SELECT 1 FROM photos WHERE hash = ?1)",
                       "bi", (const void *)hash, 16, file);
}

static int put_vector(ps__store *store, int space, int64_t photo, const char *model, int dim, const uint16_t *halves,
                      ps__error *err) {
    if (photo > PS__PHOTO_MASK) return ps__fail(err, PS__TOOBIG, "%s: has no photo numbers left", store->db_path);
    return ps__sql_run(store, err,
                       "INSERT INTO vectors(key, model, halves) VALUES(?1, (SELECT number FROM models WHERE id = ?2), ?3)"
                       " ON CONFLICT(key) DO UPDATE SET model = excluded.model, halves = excluded.halves",
                       "itb", ps__vector_key(space, photo), model, (const void *)halves, dim * (int)sizeof *halves);
}

/* Points the row at its photo. */
static int put_file(ps__store *store, const ps__file_done *done, int64_t photo, int state, ps__error *err) {
    int status = ps__sql_run(store, err,
                             "UPDATE files SET photo = ?2, state = ?8, racy = ?3, tries = 0, code = NULL, reason = NULL,"
                             " tried = NULL, size = ?4, mtime_ns = ?5, inode = ?6, device = ?7 WHERE id = ?1",
                             "iiiiiiii", done->file, photo, (int64_t)done->racy, done->stat.size, done->stat.mtime_ns,
                             done->stat.inode, done->stat.device, (int64_t)state);
    if (status != PS__OK || sqlite3_changes(store->db) > 0) return status;
    /* The row was forgotten while the file was at work: the next sweep takes the photo too, unless another file holds it. */
    return ps__sql_run(store, err, "INSERT OR IGNORE INTO loose VALUES(?)", "i", photo);
}

int ps__store_file_done(ps__store *store, int space, const char *model, int dim, const ps__file_done *done, ps__error *err) {
    int64_t photo;
    int status;
    if (done->halves) {
        status = adopt_preview(store, done->file, done->photo->hash, err);
        if (status == PS__OK) status = put_photo(&photo, store, done->photo, 0, err);
        if (status == PS__OK && done->texts) status = ps__store_put_texts(store, photo, done->texts, err);
        if (status == PS__OK) status = put_vector(store, space, photo, model, dim, done->halves, err);
    } else {
        status =
            ps__sql_int(&photo, store, err, "SELECT id FROM photos WHERE hash = ?", "b", (const void *)done->photo->hash, 16);
    }
    return status == PS__OK ? put_file(store, done, photo, PS__FILE_INDEXED, err) : status;
}

int ps__store_file_previewed(ps__store *store, int space, const char *model, int dim, const ps__file_done *done, ps__error *err) {
    int64_t photo;
    int status = ps__sql_int(&photo, store, err, "SELECT id FROM photos WHERE hash = ? AND NOT preview", "b",
                             (const void *)done->photo->hash, 16);
    if (status != PS__NOTFOUND) return status;
    status = put_photo(&photo, store, done->photo, 1, err);
    if (status == PS__OK) status = put_vector(store, space, photo, model, dim, done->halves, err);
    return status == PS__OK ? put_file(store, done, photo, PS__FILE_PREVIEWED, err) : status;
}

/* Lack of permission, memory or descriptors, and disks and networks that fail, are not the file's fault. */
static int never_quarantined(int code) { return code == PS__ACCESS || code == PS__NOMEM || code == PS__IO; }

int ps__store_file_failed(ps__store *store, int64_t id, const ps__file_stat *st, const uint8_t *hash, int code,
                          const char *reason, ps__error *err) {
    /* With the content known, the row points at the photo of that content (it may have an older model's vector), at what its
    ** preview gave, or at none. */
    return ps__sql_run(
        store, err,
        "UPDATE files SET photo = iif(?2 IS NULL, photo, coalesce((SELECT id FROM photos WHERE hash = ?2),"
        " (SELECT id FROM photos WHERE id = files.photo AND preview))),"
        " tries = iif(size = ?3 AND mtime_ns = ?4, tries, 0) + 1,"
        " state = iif(iif(size = ?3 AND mtime_ns = ?4, tries, 0) + 1 >= ?10, 3, 2),"
        " racy = 0, size = ?3, mtime_ns = ?4, inode = ?5, device = ?6, code = ?7, reason = ?8, tried = ?9 WHERE id = ?1",
        "ibiiiiitii", id, (const void *)hash, hash ? 16 : 0, st->size, st->mtime_ns, st->inode, st->device, (int64_t)code, reason,
        ps__os.wall_seconds(), never_quarantined(code) ? INT64_MAX : (int64_t)PS__STORE_TRIES);
}

int ps__store_note_version(ps__store *store, const char *version, ps__error *err) {
    int64_t same;
    int status = ps__sql_int(&same, store, err, "SELECT value = ? FROM meta WHERE key = 'version'", "t", version);
    if (status == PS__OK && same) return PS__OK;
    if (status == PS__OK)
        status = ps__sql_run(store, err, "UPDATE files SET state = 2, tries = 0 WHERE state > 0 AND state = 3", "");
    if (status == PS__OK)
        status = ps__sql_run(store, err,
                             "UPDATE files SET state = 1 WHERE state = 0 AND photo IN (SELECT id FROM photos WHERE notes < ?)",
                             "i", (int64_t)PS__NOTES_VERSION);
    if (status != PS__OK && status != PS__NOTFOUND) return status;
    return ps__sql_run(store, err, "INSERT INTO meta VALUES('version', ?) ON CONFLICT(key) DO UPDATE SET value = excluded.value",
                       "t", version);
}

int ps__store_set_last_run(ps__store *store, int64_t when_s, ps__error *err) {
    return ps__sql_run(store, err, "INSERT INTO meta VALUES('last_run', ?) ON CONFLICT(key) DO UPDATE SET value = excluded.value",
                       "i", when_s);
}
