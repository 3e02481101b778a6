/*
** What is left to be done: rows of `files` that wait, kind by kind, the newest first, a page at a time. A page begins behind the last
** row of the one before, by modification time and number, so that rows may change their state meanwhile without one being skipped.
**
** `state > 0` is what lets SQLite use the partial index, whose order is the order wanted. Photos without a vector are looked for only
** when there are fewer vectors than photos, as that looks at every file.
*/
#include "store/inside.h"

#define IN_RANGE "(path = ?1 OR (path >= ?2 AND path < ?3))"
#define BY_NUMBER "(+path = ?1 OR (+path >= ?2 AND +path < ?3))" /* not by the path's index: each page would see all files */
#define OF_STATE(n) "state > 0 AND state = " #n
#define UNENCODED "state = 0 AND NOT EXISTS (SELECT 1 FROM vectors WHERE key = (?4 << 40 | photo))"
#define SELECT_FILES "SELECT " PS__FILE_COLUMNS ", path FROM files WHERE "
#define NEWEST_FIRST " AND " IN_RANGE " AND ?4 IS NOT NULL AND (mtime_ns, id) < (?5, ?6) ORDER BY mtime_ns DESC, id DESC LIMIT ?7"

static const char *const pages[PS__WORK_KINDS] = {
    [PS__WORK_NEW] = SELECT_FILES OF_STATE(1) " AND photo IS NULL" NEWEST_FIRST,
    [PS__WORK_PENDING] = SELECT_FILES OF_STATE(1) NEWEST_FIRST,
    [PS__WORK_PREVIEWED] = SELECT_FILES OF_STATE(5) NEWEST_FIRST,
    [PS__WORK_UNENCODED] = SELECT_FILES UNENCODED " AND " BY_NUMBER " AND ?5 IS NOT NULL AND id < ?6 ORDER BY id DESC LIMIT ?7",
    [PS__WORK_FAILED] = SELECT_FILES OF_STATE(2) NEWEST_FIRST,
};

#define COUNT_FILES "SELECT count(*) FROM files WHERE "
#define ALL_OF_IT " AND " IN_RANGE " AND ?4 IS NOT NULL"

static const char *const counts[PS__WORK_KINDS] = {
    [PS__WORK_NEW] = COUNT_FILES OF_STATE(1) " AND photo IS NULL" ALL_OF_IT,
    [PS__WORK_PENDING] = COUNT_FILES OF_STATE(1) ALL_OF_IT,
    [PS__WORK_PREVIEWED] = COUNT_FILES OF_STATE(5) ALL_OF_IT,
    [PS__WORK_UNENCODED] = COUNT_FILES UNENCODED " AND " IN_RANGE,
    [PS__WORK_FAILED] = COUNT_FILES OF_STATE(2) ALL_OF_IT,
};

/* 1 in *some: there may be work of this kind. */
static int may_be_some(int *some, ps__store *store, int kind, int space, ps__error *err) {
    int64_t lacking = 1;
    int status = PS__OK;
    if (kind == PS__WORK_UNENCODED)
        status = ps__sql_int(&lacking, store, err,
                             "SELECT (SELECT count(*) FROM photos) > (SELECT vectors FROM spaces WHERE number = ?)", "i",
                             (int64_t)space);
    *some = lacking != 0;
    return status;
}

typedef struct walk { /* passes rows on, and remembers the last */
    ps__work_place *place;
    ps__file_fn *fn;
    void *payload;
} walk;

static int pass_on(const ps__file *file, const char *path, void *payload) {
    walk *w = payload;
    *w->place = (ps__work_place){1, file->stat.mtime_ns, file->id};
    return w->fn(file, path, w->payload);
}

int ps__store_each_work(ps__store *store, int kind, int space, const char *root, ps__work_place *place, int limit, ps__file_fn *fn,
                        void *payload, ps__error *err) {
    walk w = {place, fn, payload};
    ps__range r;
    sqlite3_stmt *stmt;
    int some;
    int status = may_be_some(&some, store, kind, space, err);
    if (status != PS__OK || !some || (status = ps__range_make(&r, root, err)) != PS__OK) return status;
    status = ps__sql_walk(&stmt, store, err, pages[kind], "bbbiiii", (const void *)r.root, r.root_length, (const void *)r.low,
                          r.low_length, (const void *)r.high, r.low_length, (int64_t)space,
                          place->begun ? place->mtime_ns : INT64_MAX, place->begun ? place->id : INT64_MAX, (int64_t)limit);
    if (status == PS__OK) status = ps__store_walk_files(store, stmt, pass_on, &w, err);
    ps__range_clear(&r);
    return status;
}

int ps__store_one_work(ps__store *store, int64_t id, ps__file_fn *fn, void *payload, ps__error *err) {
    ps__work_place place = {0};
    walk w = {&place, fn, payload};
    sqlite3_stmt *stmt;
    int status = ps__sql_walk(&stmt, store, err, SELECT_FILES "id = ?", "i", id);
    if (status == PS__OK) status = ps__store_walk_files(store, stmt, pass_on, &w, err);
    return status == PS__OK && !place.begun ? PS__NOTFOUND : status;
}

int ps__store_photo_work(ps__store *store, int64_t photo, ps__file_fn *fn, void *payload, ps__error *err) {
    sqlite3_stmt *stmt;
    int status = ps__sql_walk(&stmt, store, err, SELECT_FILES "photo = ?", "i", photo);
    return status == PS__OK ? ps__store_walk_files(store, stmt, fn, payload, err) : status;
}

static int count_in_range(int64_t *count, ps__store *store, const char *sql, int space, const char *root, ps__error *err) {
    ps__range r;
    int status = ps__range_make(&r, root, err);
    if (status != PS__OK) return status;
    status = ps__sql_int(count, store, err, sql, "bbbi", (const void *)r.root, r.root_length, (const void *)r.low, r.low_length,
                         (const void *)r.high, r.low_length, (int64_t)space);
    ps__range_clear(&r);
    return status;
}

int ps__store_count_work(int64_t *count, ps__store *store, int kind, int space, const char *root, ps__error *err) {
    int some;
    *count = 0;
    int status = may_be_some(&some, store, kind, space, err);
    return status == PS__OK && some ? count_in_range(count, store, counts[kind], space, root, err) : status;
}

int ps__store_count_below(int64_t *count, ps__store *store, const char *root, ps__error *err) {
    return count_in_range(count, store, COUNT_FILES IN_RANGE " AND ?4 IS NOT NULL", 0, root, err);
}
