/*
** What the files of store/ share: the handle itself, prepared statements, and the way from SQLite's codes to ours.
*/
#ifndef PS_STORE_INSIDE_H
#define PS_STORE_INSIDE_H

#include <sqlite3.h>

#include "store/files.h"
#include "store/store.h"

#define PS__APPLICATION_ID 0x50534c31 /* "PSL1" in the database header */
#define PS__STORE_STATEMENTS 128

typedef struct ps__statement {
    const char *sql;    /* text, compared by address: always a string constant */
    sqlite3_stmt *stmt; /* prepared, reset, ready for the next use */
} ps__statement;

struct ps__store {
    sqlite3 *db;                                    /* the connection */
    char *folder;                                   /* as given to ps__store_open */
    char *db_path;                                  /* folder/library.db */
    char identity[33];                              /* hex digits from meta */
    int writable;                                   /* opened with PS__STORE_WRITE */
    int lock_fd;                                    /* writer.lock while its lock is held, else -1 */
    int log_tried;                                  /* pages of the log at the last try to begin it anew */
    int statement_count;                            /* of statements */
    ps__statement statements[PS__STORE_STATEMENTS]; /* prepared when first used, kept until close */
};

/* One step of a migration: from version i to i + 1 runs steps[i]. */
typedef struct ps__migration {
    const char *sql; /* statements that make the step, ';' between */
} ps__migration;

extern const ps__migration ps__store_migrations[];
extern const int ps__store_version; /* number of steps = version this program writes */

/* Takes a database from its version to `version`, step by step, in one transaction. Also makes an empty database a library. */
int ps__migrate(ps__store *store, const ps__migration *steps, int version, ps__error *err);
int ps__store_read_version(int *version, ps__store *store, ps__error *err);

/* Turns SQLite's result code into a status and a sentence. */
int ps__sql_fail(ps__store *store, int rc, ps__error *err);

/* A kept statement for `sql` (a string constant), bound with the values that `format` names: i int64_t, d double, t const char *
** (NULL gives NULL), b const void * and int (length), n nothing (NULL). Hand it back with ps__sql_done, on every way out. */
int ps__sql_take(sqlite3_stmt **out, ps__store *store, ps__error *err, const char *sql, const char *format, ...);
void ps__sql_done(sqlite3_stmt *stmt);
/* The same, prepared for one walk and not kept, so that walks may be nested. End with sqlite3_finalize. */
int ps__sql_walk(sqlite3_stmt **out, ps__store *store, ps__error *err, const char *sql, const char *format, ...);
/* Runs a statement that gives no rows. */
int ps__sql_run(ps__store *store, ps__error *err, const char *sql, const char *format, ...);
/* The first column of the first row; PS__NOTFOUND without a sentence when there is none. NULL reads as 0. */
int ps__sql_int(int64_t *out, ps__store *store, ps__error *err, const char *sql, const char *format, ...);
/* Statements without parameters, not kept. */
int ps__sql_exec(ps__store *store, const char *sql, ps__error *err);

/* Copies a text column into a fixed field; what is too long, not UTF-8 or holds control characters reads as "". */
void ps__sql_text(char *out, size_t size, sqlite3_stmt *stmt, int column);
/* A path column: 0-terminated bytes without inner 0 that begin with '/', else PS__CORRUPT. Valid until the next step. */
int ps__sql_path(const char **path, ps__store *store, sqlite3_stmt *stmt, int column, ps__error *err);

/* Runs a statement with the columns photo and path, hands each row to fn, and finalizes it. */
int ps__sql_walk_paths(ps__store *store, sqlite3_stmt *stmt, int (*fn)(int64_t photo, const char *path, void *payload), void *payload,
                       ps__error *err);

/* "damaged" sentence for a row that does not make sense. */
int ps__store_damaged(ps__store *store, const char *what, ps__error *err);
/* PS__INVALID on a handle that may not write. */
int ps__store_must_write(ps__store *store, ps__error *err);

/* The rows at or below a path are those with path = root, or low <= path < high. */
typedef struct ps__range {
    char *root;      /* without trailing slashes, except "/" itself */
    int root_length; /* bytes */
    char *low;       /* root and '/' */
    char *high;      /* root and the byte after '/' */
    int low_length;  /* bytes of low, and of high */
} ps__range;

int ps__range_make(ps__range *out, const char *path, ps__error *err);
void ps__range_clear(ps__range *range);

/* The words of paths: a new row of `files`, and before one, or all at or below a path, go. Inside a write. */
int ps__path_words_prepare(ps__store *store, ps__error *err); /* once a handle, before all else */
int ps__path_words_put(ps__store *store, int64_t file, const char *path, ps__error *err);
int ps__path_words_drop(ps__store *store, int64_t file, ps__error *err);
int ps__path_words_drop_range(ps__store *store, const ps__range *range, ps__error *err);

/* Columns of `files` as ps__store_walk_files reads them, with the path behind. */
#define PS__FILE_COLUMNS "id, photo, state, racy, size, mtime_ns, inode, device"

/* Runs the statement, whose columns are PS__FILE_COLUMNS and path, hands each row to fn, and finalizes it. */
int ps__store_walk_files(ps__store *store, sqlite3_stmt *stmt, ps__file_fn *fn, void *payload, ps__error *err);

/* Vectors are keyed by space and photo in one integer: in photo order within a space, in one b-tree without a second index. */
#define PS__PHOTO_BITS 40
#define PS__PHOTO_MASK ((INT64_C(1) << PS__PHOTO_BITS) - 1)
static inline int64_t ps__vector_key(int space, int64_t photo) { return (int64_t)space << PS__PHOTO_BITS | photo; }

/* Inside a write: registers a model; makes a registered one current, and ends a change to its space; notes where its package lies. */
int ps__store_add_model(int *space, ps__store *store, const char *model_id, const char *space_name, int dim, ps__error *err);
int ps__store_put_current(ps__store *store, const char *model_id, int space, ps__error *err);
int ps__store_put_model_path(ps__store *store, const char *model_id, const char *path, ps__error *err);

/* Length of a space's vectors; PS__NOTFOUND without a sentence for an unknown number. */
int ps__store_space_dim(int *dim, ps__store *store, int space, ps__error *err);

#endif
