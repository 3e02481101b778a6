/*
** What the indexer records in the library: the files it has seen, what became of each, and the work that is left. Everything here
** works on a handle opened with PS__STORE_WRITE; what changes rows runs between ps__store_write and ps__store_commit (one
** transaction, all or nothing). See store.h for errors and the thread rule.
**
** A row of `files` is one path. Its state says what is known of it: the content belongs to a photo (INDEXED), it waits to be read
** (PENDING; it may still point at the photo that the path held before), its preview was looked at and the rest waits (PREVIEWED),
** reading failed (FAILED, QUARANTINED), or the file is away and nobody knows whether for good (GONE). A photo that no file points at any more is *loose*: it stays, with its vector, until ps__store_sweep at the end of a run, so that a chain of
** renames (1.jpg to 2.jpg to 3.jpg) finds every content still known, in whatever order the paths come.
*/
#ifndef PS_STORE_FILES_H
#define PS_STORE_FILES_H

#include "store/store.h"
#include "store/words.h"

/* Of the reading of what files say about their photos (photos.notes). Photos of an older reading are not known, and so read again: raise it
** when more is read. */
#define PS__NOTES_VERSION 1

enum {
    PS__FILE_INDEXED = 0,
    PS__FILE_PENDING = 1,
    PS__FILE_FAILED = 2,     /* tried again by every run over everything */
    PS__FILE_QUARANTINED = 3, /* tried again when the file changes */
    PS__FILE_GONE = 4,        /* away; kept with its photo, which is not shown meanwhile */
    PS__FILE_PREVIEWED = 5    /* can be found by its preview, and waits to be read in full */
};

#define PS__FILE_IDS ((int64_t)1 << 36) /* far beyond any gallery; a run keeps a bit for each */

typedef struct ps__file_stat {
    int64_t size;     /* bytes */
    int64_t mtime_ns; /* nanoseconds since 1970, UTC */
    int64_t inode;    /* the bits of st_ino */
    int64_t device;   /* the bits of st_dev */
} ps__file_stat;

typedef struct ps__file {
    int64_t id;    /* 1..PS__FILE_IDS - 1, never used again */
    int64_t photo; /* 0: none */
    int state;     /* PS__FILE_* */
    int racy; /* 1: read so soon after its last change that an edit within the clock's grain would go unseen: read it again */
    ps__file_stat stat; /* when it was last read or seen changed */
} ps__file;

/* ---- Transactions ------------------------------------------------------------------------------------------------------- */

/* Starts a write; keep it short, others wait for it. On any error until commit, call ps__store_rollback. */
int ps__store_write(ps__store *store, ps__error *err);
int ps__store_commit(ps__store *store, ps__error *err);
void ps__store_rollback(ps__store *store);

/* ---- The scan ----------------------------------------------------------------------------------------------------------- */

/* PS__NOTFOUND: the path is new. */
int ps__store_file(ps__file *out, ps__store *store, const char *path, ps__error *err);

/* An INDEXED row of another path with exactly this inode, device, size and modification time, whose photo has its vector in `space`:
** the file before it was moved, or another link to it. PS__NOTFOUND: none. */
int ps__store_file_twin(ps__file *out, ps__store *store, int space, const ps__file_stat *st, ps__error *err);

/* A new path: INDEXED as that photo, PENDING when photo is 0 or gone meanwhile. */
int ps__store_file_add(int64_t *id, ps__store *store, const char *path, const ps__file_stat *st, int64_t photo, ps__error *err);
/* The file is not what was recorded: PENDING, with all its tries again. */
int ps__store_file_changed(ps__store *store, int64_t id, const ps__file_stat *st, ps__error *err);
/* Only inode and device are new: the volume was mounted anew. */
int ps__store_file_touched(ps__store *store, int64_t id, const ps__file_stat *st, ps__error *err);
int ps__store_file_removed(ps__store *store, int64_t id, ps__error *err);
/* The file is away: GONE, unless it failed before (those stay what they are). *changed (may be NULL): 1 if it was not so yet. */
int ps__store_file_gone(int *changed, ps__store *store, int64_t id, ps__error *err);
/* The same for all files at or below `root`; *changed counts those that were not so yet. */
int ps__store_files_gone(int64_t *changed, ps__store *store, const char *root, ps__error *err);
/* A GONE file is back as it was: INDEXED, PREVIEWED or PENDING, by what is known of it. */
int ps__store_file_back(ps__store *store, int64_t id, ps__error *err);

/* Rows at or below `root` in path order: fn gets the row and its path (valid during the call). */
typedef int ps__file_fn(const ps__file *file, const char *path, void *payload);
int ps__store_each_file(ps__store *store, const char *root, ps__file_fn *fn, void *payload, ps__error *err);

/* ---- The work --------------------------------------------------------------------------------------------------------------- */

/* What there is to do, in this order. */
enum {
    PS__WORK_NEW = 0,       /* PENDING without any photo: a preview would make them known */
    PS__WORK_PENDING = 1,   /* all PENDING ones */
    PS__WORK_PREVIEWED = 2, /* to be read in full */
    PS__WORK_UNENCODED = 3, /* INDEXED, but the photo has no vector in `space`; by id, as they have no index by age */
    PS__WORK_FAILED = 4,    /* one more try */
    PS__WORK_KINDS = 5
};

typedef struct ps__work_place { /* where a walk over one kind of work stands; zero: nothing was seen yet */
    int begun;                  /* 1: the next two are meaningful */
    int64_t mtime_ns, id;       /* of the last row */
} ps__work_place;

/* The next `limit` rows at most of one kind of work at or below `root`, newest modification time first; `place` moves along. Rows
** may change their state between two calls. fn as above. */
int ps__store_each_work(ps__store *store, int kind, int space, const char *root, ps__work_place *place, int limit, ps__file_fn *fn,
                        void *payload, ps__error *err);
/* One row by id, for work that was put off. PS__NOTFOUND when it is gone. fn's value is returned. */
int ps__store_one_work(ps__store *store, int64_t id, ps__file_fn *fn, void *payload, ps__error *err);
/* The rows of one photo. */
int ps__store_photo_work(ps__store *store, int64_t photo, ps__file_fn *fn, void *payload, ps__error *err);
/* How many rows of this kind there are at or below `root`. */
int ps__store_count_work(int64_t *count, ps__store *store, int kind, int space, const char *root, ps__error *err);
/* How many rows there are at or below `root`. */
int ps__store_count_below(int64_t *count, ps__store *store, const char *root, ps__error *err);

/* 1 in *known when a photo with this content has a vector in `space` that is of all of it, and notes of this version; its id in *photo
** (0: no such photo). */
int ps__store_known(int *known, int64_t *photo, ps__store *store, int space, const uint8_t hash[16], ps__error *err);

/* Files that wait to be read, PENDING or PREVIEWED, whose photos answer now and have no vector in `space`. fn as above. */
int ps__store_each_awaited(ps__store *store, int space, ps__file_fn *fn, void *payload, ps__error *err);

/* ---- Results ------------------------------------------------------------------------------------------------------------ */

typedef struct ps__file_done {
    int64_t file;           /* id of its row */
    ps__file_stat stat;     /* of the bytes that were read */
    int racy;               /* as in ps__file */
    const ps__photo *photo; /* hash, bytes, width .. look are used; only hash when halves is NULL */
    const ps__photo_texts *texts; /* what the file says in words; NULL: not read, what was known stays */
    const uint16_t *halves; /* the vector, u16 [dim]; NULL: content and vector are known already */
} ps__file_done;

/* Files the result: photo and vector where they are new, and the row as INDEXED. A photo that the row had from its preview becomes
** this one, with its number, unless the content has a photo already. `model` is the model's id. PS__NOTFOUND when halves
** is NULL and the photo is gone meanwhile (the transaction is still good; the row is left as it was). */
int ps__store_file_done(ps__store *store, int space, const char *model, int dim, const ps__file_done *done, ps__error *err);

/* Files what the preview showed: a photo that is marked so, and the row as PREVIEWED. photo->hash is of the content or, where not all
** of it was read, of head and size; files that agree in it share the photo. A photo that is known in full stays as it is, and the
** row still waits to be read. */
int ps__store_file_previewed(ps__store *store, int space, const char *model, int dim, const ps__file_done *done, ps__error *err);

/* One more try of the file failed. hash: of its bytes, or NULL when they could not be read: then the photo it held before stays, as
** the trouble may pass. So does a photo that its preview gave. Lack of permission or memory, and failing reads, are
** never quarantined: the file itself is not to blame. */
int ps__store_file_failed(ps__store *store, int64_t id, const ps__file_stat *st, const uint8_t *hash, int code,
                          const char *reason, ps__error *err);

/* ---- Places ---------------------------------------------------------------------------------------------------------------- */

typedef struct ps__unplaced {
    int64_t id;
    double latitude, longitude; /* degrees; from a damaged library any numbers */
} ps__unplaced;

/* Up to `room` photos with a position that was never looked up in the gazetteer. Costs nothing when there are none. */
int ps__store_unplaced(ps__unplaced *out, size_t *count, size_t room, ps__store *store, ps__error *err);

/* Sets where a photo is, by the gazetteer: 0, 0, "" where it knows nothing. Inside a write. */
int ps__store_place(ps__store *store, int64_t photo, int64_t city, int64_t region, const char *country, ps__error *err);

/* Removes all loose photos with their vectors, and shortens the change log when it has grown long. */
int ps__store_sweep(ps__store *store, ps__error *err);

/* Notes which version of the program indexes; when that is another than before, quarantined files get all their tries again, and files whose
** photos have notes of an older version wait to be read again. */
int ps__store_note_version(ps__store *store, const char *version, ps__error *err);

/* Notes the end of a run (seconds since 1970, UTC) for status. */
int ps__store_set_last_run(ps__store *store, int64_t when_s, ps__error *err);

#endif
