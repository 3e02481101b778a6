/*
** Fuzzes library.db: a small library is made once, then each input damages a copy of it, and all of it is read, and written to. What
** comes out must keep the store's word (store/store.h), whatever is in the file; any status will do.
**
** An input is a first byte of flags and a list of changes. Plain bytes in the file mostly end in SQLite's own checks, so half of the
** inputs change cells by SQL instead, to values of any type: what a bug, a tool or an owner with a plan could have left there.
*/
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/half.h"
#include "base/os.h"
#include "base/utf8.h"
#include "store/files.h"
#include "store/inside.h"
#include "tests/fuzz/folder.h"

#define DIM 8
#define PHOTOS 9
#define CHANGES 16 /* most of an input */

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { BY_SQL = 1, WRITES = 2, CUTS = 4 }; /* flags */

static char db_path[600];
static uint8_t *whole; /* the sound library.db */
static size_t whole_size;

/* ---- The sound library ---- */

static int64_t fixed_clock(void) { return 1700000000; }

static int no_sync(int fd) {
    (void)fd;
    return 0;
}

static void add_photo(ps__store *store, int space, int i) {
    static const char *const formats[] = {"jpeg", "png", "heif"};
    char path[64];
    uint16_t halves[DIM];
    ps__error err;
    ps__photo photo = {.bytes = 1000 + i, .width = 40, .height = 30, .taken = "2021-07-04T15:32:10", .taken_offset = "+02:00"};
    photo.has_gps = i % 2;
    photo.latitude = 47 + i;
    photo.longitude = 11;
    snprintf(photo.format, sizeof photo.format, "%s", formats[i % 3]);
    snprintf(photo.make, sizeof photo.make, "Lumen");
    photo.taken_source = PS__TAKEN_EXIF;
    photo.flash = i % 3 - 1;
    photo.rating = i % 6;
    photo.look = 0x123456789u * (uint64_t)i;
    photo.placed = i % 4 == 1;
    photo.city = 2800000 + i;
    snprintf(photo.country, sizeof photo.country, "AT");
    ps__photo_texts texts = {"Lift", "Up the mountain", "snow, ski"};
    snprintf(path, sizeof path, "/photos/%c/IMG_%04d.jpg", 'a' + i % 3, i);
    ps__store_hash(photo.hash, path, strlen(path));
    for (int k = 0; k < DIM; k++) halves[k] = ps__half_from_float((float)(k + i) / 32);
    ps__file_done done = {.stat = {.size = photo.bytes, .mtime_ns = 1000000001, .inode = i}, .photo = &photo, .halves = halves,
                          .texts = i % 2 ? &texts : NULL};
    if (ps__store_write(store, &err) || ps__store_file_add(&done.file, store, path, &done.stat, 0, &err)) abort();
    if (i % 4 == 3 ? ps__store_file_failed(store, done.file, &done.stat, NULL, PS__CORRUPT, "truncated", &err)
                   : ps__store_file_done(store, space, "m-1", DIM, &done, &err))
        abort();
    if (ps__store_commit(store, &err)) abort();
}

static void exec(sqlite3 *db, const char *sql) {
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) abort();
}

/* Small pages, so that a change more often meets something; the identity is the only thing in it that is random. */
static void shrink(void) {
    sqlite3 *db;
    if (sqlite3_open(db_path, &db) != SQLITE_OK) abort();
    exec(db, "UPDATE meta SET value = '0123456789abcdef0123456789abcdef' WHERE key = 'identity';"
             "PRAGMA journal_mode = DELETE; PRAGMA page_size = 512; VACUUM; PRAGMA journal_mode = WAL");
    sqlite3_close(db);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    ps__store *store;
    ps__error err;
    int space;
    (void)argc, (void)argv;
    fuzz_folder_make();
    sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, 1, (sqlite3 *)0);
    snprintf(db_path, sizeof db_path, "%s/library.db", fuzz_folder);
    ps__os.fsync = no_sync;
    ps__os.wall_seconds = fixed_clock;
    if (ps__store_open(&store, fuzz_folder, PS__STORE_CREATE, &err)) abort();
    if (ps__store_use_model(&space, store, "m-1", "s", DIM, &err)) abort();
    for (int i = 0; i < PHOTOS; i++) add_photo(store, space, i);
    ps__store_close(store);
    shrink();
    if (ps__read_file(&whole, &whole_size, NULL, db_path, 1 << 24, &err)) abort();
    return 0;
}

/* ---- Damage ---- */

typedef struct changes { /* what is left of the input */
    const uint8_t *bytes;
    size_t size;
} changes;

static unsigned take(changes *c) {
    if (!c->size) return 0;
    c->size--;
    return *c->bytes++;
}

/* Changes of the file: where (3 bytes), how many bytes (1), the bytes. */
static void damage_bytes(uint8_t *db, size_t size, changes *c) {
    for (int i = 0; i < CHANGES && c->size; i++) {
        unsigned high = take(c), middle = take(c);
        size_t at = (high << 16 | middle << 8 | take(c)) % size, length = take(c) % 32 + 1;
        for (; length && at < size; length--, at++) db[at] = (uint8_t)take(c);
    }
}

/* A value of any type: kind (1 byte), then up to 8 bytes of number, or a length (1 byte) and text or blob. */
static void bind_value(sqlite3_stmt *stmt, changes *c) {
    unsigned kind = take(c) % 6;
    uint64_t bits = 0;
    double real;
    if (kind == 0) return; /* NULL */
    if (kind >= 4) {
        size_t length = take(c);
        if (length > c->size) length = c->size;
        if (kind == 4)
            sqlite3_bind_text(stmt, 1, (const char *)c->bytes, (int)length, SQLITE_TRANSIENT);
        else
            sqlite3_bind_blob(stmt, 1, c->size ? (const void *)c->bytes : "", (int)length, SQLITE_TRANSIENT);
        c->bytes += length;
        c->size -= length;
        return;
    }
    for (int i = 0; i < (kind == 1 ? 1 : 8); i++) bits = bits << 8 | take(c);
    memcpy(&real, &bits, sizeof real);
    if (kind == 3)
        sqlite3_bind_double(stmt, 1, real);
    else
        sqlite3_bind_int64(stmt, 1, kind == 1 ? (int8_t)bits : (int64_t)bits);
}

/* Changes of cells: which statement, which row (1 byte each), the value. */
static void damage_cells(changes *c) {
    static const char *const tables[] = {"meta value",        "spaces number",    "spaces name",   "spaces dim",
                                         "spaces vectors",    "models id",        "models space",  "photos id",
                                         "photos hash",       "photos bytes",     "photos width",  "photos height",
                                         "photos format",     "photos taken",     "photos taken_offset",
                                         "photos latitude",   "photos longitude", "photos make",   "photos model",
                                         "photos lens",       "photos added",     "files id",      "files path",
                                         "files photo",       "files state",      "files racy",    "files size",
                                         "files mtime_ns",    "files inode",      "files device",  "files tries",
                                         "files code",        "files reason",     "files tried",   "vectors key",
                                         "vectors model",     "vectors halves",   "changes number", "changes kind",
                                         "changes photo",     "changes space",    "loose photo",   "sqlite_sequence seq"};
    sqlite3 *db;
    if (sqlite3_open(db_path, &db) != SQLITE_OK) abort();
    exec(db, "PRAGMA synchronous = OFF; PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF; BEGIN");
    for (int i = 0; i < CHANGES && c->size; i++) {
        char sql[200], table[32], column[32];
        sqlite3_stmt *stmt;
        unsigned which = take(c) % (sizeof tables / sizeof *tables), row = take(c);
        if (sscanf(tables[which], "%31s %31s", table, column) != 2) abort();
        const char *key = !strcmp(table, "meta") ? "key" : "rowid";
        snprintf(sql, sizeof sql, "UPDATE OR IGNORE %s SET %s = ?1 WHERE %s = (SELECT %s FROM %s LIMIT 1 OFFSET %u)", table,
                 column, key, key, table, row % 12);
        if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK) abort();
        bind_value(stmt, c);
        sqlite3_step(stmt); /* may be refused, by a NOT NULL for one */
        sqlite3_finalize(stmt);
    }
    exec(db, "COMMIT");
    sqlite3_close(db);
}

static void damage(unsigned flags, changes *c) {
    static uint8_t *copy;
    size_t size = whole_size;
    if (!copy && !(copy = malloc(whole_size))) abort();
    memcpy(copy, whole, whole_size);
    if (flags & CUTS) {
        size_t high = take(c);
        size = (high << 8 | take(c)) % whole_size;
    }
    if (!(flags & BY_SQL) && size) damage_bytes(copy, size, c);
    fuzz_folder_empty();
    fuzz_write(db_path, copy, size);
    if (flags & BY_SQL && !(flags & CUTS)) damage_cells(c);
}

/* ---- The target ---- */

static void check_text(const char *text, size_t room) {
    size_t length = strnlen(text, room);
    if (length == room || !ps__utf8_valid(text, length)) abort();
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7F) abort();
}

static void check_place(int has, double latitude, double longitude) {
    if (has && !(fabs(latitude) <= 90 && fabs(longitude) <= 180)) abort();
}

static int see_vector(int64_t photo, const uint16_t *halves, void *payload) {
    (void)photo;
    for (int i = 0; i < DIM; i++) *(unsigned *)payload += halves[i];
    return 0;
}

static int see_note(const ps__photo_note *note, void *payload) {
    (void)payload;
    check_place(note->has_gps, note->latitude, note->longitude);
    return 0;
}

static int see_file(const ps__file *file, const char *path, void *payload) {
    (void)payload;
    if (file->id < 1 || file->id >= PS__FILE_IDS || path[0] != '/') abort();
    return 0;
}

static int see_change(int64_t change, int kind, int64_t photo, void *payload) {
    (void)change, (void)photo, (void)payload;
    if (kind != PS__CHANGE_PUT && kind != PS__CHANGE_GONE) abort();
    return 0;
}

static int see_failure(const ps__failure *failure, void *payload) {
    (void)payload;
    if (failure->path[0] != '/' || !ps__utf8_valid(failure->reason, strlen(failure->reason))) abort();
    return 0;
}

static void read_photo(ps__store *store, int64_t id) {
    ps__photo photo;
    ps__error err;
    ps__buf paths = PS__BUF_INIT;
    if (ps__store_photo(&photo, store, id, &err) == PS__OK) {
        check_text(photo.format, sizeof photo.format);
        check_text(photo.taken, sizeof photo.taken);
        check_text(photo.taken_offset, sizeof photo.taken_offset);
        check_text(photo.make, sizeof photo.make);
        check_text(photo.model, sizeof photo.model);
        check_text(photo.lens, sizeof photo.lens);
        check_place(photo.has_gps, photo.latitude, photo.longitude);
        check_text(photo.country, sizeof photo.country);
        if (photo.width < 0 || photo.height < 0) abort();
        if (photo.flash < -1 || photo.flash > 1 || photo.rating < 0 || photo.rating > 5) abort();
    }
    ps__photo_texts texts;
    if (ps__store_texts(&texts, store, id, &err) == PS__OK) {
        check_text(texts.title, sizeof texts.title);
        check_text(texts.caption, sizeof texts.caption);
        check_text(texts.keywords, sizeof texts.keywords);
    }
    ps__store_paths(&paths, NULL, store, id, &err);
    ps__buf_free(&paths);
}

static void read_all(ps__store *store) {
    static const ps__store_filter filter = {.use_taken = 1,
                                            .taken_to_s = INT64_MAX,
                                            .use_box = 1,
                                            .south = -90,
                                            .north = 90,
                                            .west = 170,
                                            .east = 20,
                                            .folder = "/photos"};
    static const int64_t photos[4] = {1, 2, 5, 1000};
    ps__error err;
    ps__store_counts counts;
    int64_t *ids, number;
    size_t count;
    uint16_t halves[4 * DIM];
    uint8_t found[4];
    unsigned sum = 0;
    int space;
    ps__store_count(&counts, store, &err);
    if (ps__store_find_space(&space, store, "s", DIM, &err) == PS__OK) {
        ps__store_each_vector(store, space, 0, see_vector, &sum, &err);
        ps__store_vectors(halves, found, store, space, photos, 4, &err);
        ps__store_each_change(store, space, 0, see_change, NULL, &err);
        for (int kind = 0; kind < PS__WORK_KINDS; kind++) {
            ps__work_place place = {0};
            ps__store_each_work(store, kind, space, "/photos", &place, 100, see_file, NULL, &err);
            ps__store_count_work(&number, store, kind, space, "/photos", &err);
        }
        ps__store_vector_count(&number, store, space, &err);
    }
    ps__unplaced unplaced[4];
    if (ps__store_unplaced(unplaced, &count, 4, store, &err) == PS__OK && count > 4) abort();
    ps__store_each_note(store, 0, see_note, NULL, &err);
    ps__store_each_file(store, "/", see_file, NULL, &err);
    ps__store_each_failure(store, see_failure, NULL, &err);
    ps__store_last_change(&number, store, &err);
    if (ps__store_select(&ids, &count, store, &filter, &err) == PS__OK) ps__free(ids);
    for (int64_t id = 1; id <= PHOTOS; id++) read_photo(store, id);
    ps__store_check(store, &err);
}

static void write_some(ps__store *store) {
    static const ps__file_stat st = {.size = 5, .mtime_ns = 7};
    static const ps__photo_texts texts = {"New", "", "a"};
    ps__error err;
    int64_t id;
    int space;
    ps__store_use_model(&space, store, "m-2", "s", DIM, &err);
    if (ps__store_write(store, &err) == PS__OK) {
        ps__store_file_add(&id, store, "/photos/new.jpg", &st, 3, &err);
        ps__store_file_changed(store, 2, &st, &err);
        ps__store_file_failed(store, 3, &st, NULL, PS__CORRUPT, "again", &err);
        ps__store_file_removed(store, 5, &err);
        ps__store_place(store, 2, 7, 0, "AT", &err);
        ps__store_put_texts(store, 2, &texts, &err);
        if (ps__store_sweep(store, &err) || ps__store_commit(store, &err)) ps__store_rollback(store);
    }
    ps__store_forget(NULL, store, "/photos/a", &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    changes c = {bytes, size};
    unsigned flags = take(&c);
    ps__store *store;
    ps__error err = {0};
    damage(flags, &c);
    int status = ps__store_open(&store, fuzz_folder, flags & WRITES ? PS__STORE_WRITE : PS__STORE_READ, &err);
    if (status) {
        if (err.code != status || !err.text[0] || store) abort();
        return 0;
    }
    if (flags & WRITES) write_some(store);
    read_all(store);
    ps__store_close(store);
    return 0;
}
