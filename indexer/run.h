/*
** What the files of indexer/ share: the state of one run, and the small sets that it keeps in memory. A run's state belongs to the
** thread that called ps__indexer_run; what workers and writer share with it lives in pipeline.h.
*/
#ifndef PS_INDEXER_RUN_H
#define PS_INDEXER_RUN_H

#include <sys/stat.h>

#include "base/buf.h"
#include "indexer/indexer.h"
#include "store/files.h"
#include "store/gazetteer.h"

/* ---- Small sets --------------------------------------------------------------------------------------------------------- */

typedef struct ps__idset { /* ids of files that the scan met: one bit each */
    uint8_t *bits;         /* bit id%8 of byte id/8 */
    size_t size;           /* bytes */
} ps__idset;

int ps__idset_add(ps__idset *set, int64_t id); /* PS__OK, PS__NOMEM */
int ps__idset_has(const ps__idset *set, int64_t id);
void ps__idset_remove(ps__idset *set, int64_t id);
void ps__idset_free(ps__idset *set);

typedef struct ps__folderset { /* folders by device and inode */
    uint64_t *slots;           /* pairs; inode 0 is empty (no file system has it) */
    size_t capacity;           /* pairs, a power of 2, or 0 */
    size_t count;              /* pairs in use */
} ps__folderset;

int ps__folderset_add(ps__folderset *set, dev_t device, ino_t inode); /* 1 new, 0 known, PS__NOMEM */
void ps__folderset_free(ps__folderset *set);

typedef struct ps__strings { /* owned strings, used as a list or a stack */
    char **items;
    size_t count, capacity;
} ps__strings;

int ps__strings_push(ps__strings *list, char *owned); /* takes `owned`, also when it fails; PS__NOMEM, also for NULL */
void ps__strings_free(ps__strings *list);

typedef struct ps__ids {
    int64_t *items;         /* ids of file rows, owned */
    size_t count, capacity; /* of items */
} ps__ids;

int ps__ids_push(ps__ids *ids, int64_t id); /* PS__OK, PS__NOMEM */

/* ---- Roots -------------------------------------------------------------------------------------------------------------- */

enum { PS__ROOT_SKIPPED, PS__ROOT_FOLDER, PS__ROOT_FILE };

typedef struct ps__root {
    char *path;     /* absolute, symbolic links resolved where it exists */
    int kind;       /* PS__ROOT_* */
    int empty;      /* a folder without any entry */
    int looked_at;  /* something below it was compared in this run, so that entries may be removed */
    int covered;    /* lies below another root that was scanned: its entries are looked after there */
    struct stat st; /* of what path leads to */
} ps__root;

/* ---- The run ------------------------------------------------------------------------------------------------------------ */

#define PS__SCAN_OPS 512
#define PS__DEVICE_MOVES 64

typedef struct ps__scan_op { /* one change that the scan wants to make to the library */
    int kind;                /* of scan.c */
    int64_t id;              /* file row; of an ADD: the photo it is known to hold, or 0 */
    char *path;              /* ADD only; owned */
    ps__file_stat stat;      /* what stat said */
} ps__scan_op;

typedef struct ps__run {
    const ps__indexer_options *options;
    ps__indexer_result *result;    /* counted up as the run goes */
    ps__store *store;              /* the handle that writes: main thread in scan and remove, writer thread in encode */
    int space;                     /* where this encoder's vectors go */
    ps__root *roots;               /* [options->root_count] */
    ps__idset seen;                /* files met by the scan */
    ps__folderset visited;         /* folders walked, the library's own among them */
    ps__strings unreadable;        /* folders whose contents are unknown in this run */
    int64_t todo;                  /* files the scan found to be read; of a run that does not scan all, those that wait */
    ps__ids listed;                /* those files, when only some paths are looked at */
    int64_t unencoded;             /* unchanged files whose photo lacks a vector of this space */
    int64_t new_files;             /* of todo: without a photo yet */
    int64_t away;                  /* of a run that encodes anew: files found to be missing */
    ps__scan_op ops[PS__SCAN_OPS]; /* changes not written yet */
    int op_count;                  /* of ops */
    struct {
        int64_t from, to;
    } moves[PS__DEVICE_MOVES];     /* devices that came back under another number, proven by a file */
    int move_count;                /* of moves */
    ps__indexer_progress progress; /* as last told */
    int64_t start_ns;              /* monotonic */
    int64_t phase_start_ns;        /* monotonic; 0 before the preview and encode phases */
    int64_t told_ns;               /* when progress was last told */
    int skip_status;               /* why the first skipped root was skipped; 0 none was */
    int stopped;                   /* the progress function asked to cancel */
} ps__run;

/* Tells progress when it is time (or `now`), and returns PS__CANCELLED once the run is to stop. */
int ps__run_tick(ps__run *run, const char *path, int now);
int ps__run_cancelled(const ps__run *run);
/* 1 once options->interrupt asks to come to an end. */
int ps__run_interrupted(const ps__run *run);
int ps__run_enter_phase(ps__run *run, int phase);
/* Keeps the sentence of the first thing that went wrong, and logs each. */
void ps__run_note(ps__run *run, int level, const char *text);

/* Gives photos of an older library their places. PS__OK, PS__CANCELLED, or why the library could not be used. */
int ps__place_photos(ps__run *run, ps__error *err);
int ps__roots_resolve(ps__run *run, ps__error *err);
/* Phase 1, 2 and 3. Each returns PS__OK, PS__CANCELLED, or why the library could not be used. */
int ps__scan(ps__run *run, ps__error *err);
int ps__encode(ps__run *run, ps__error *err);
int ps__remove_vanished(ps__run *run, ps__error *err);

/* Of a run with PS__INDEX_REENCODE: sets run->space, PS__NOTFOUND when the library is not changing to this model, or not any more, as somebody
** chose another; and at its end, switches when nothing is left. */
int ps__reencode_check(ps__run *run, ps__error *err);
int ps__reencode_end(ps__run *run, ps__error *err);
/* Removes vectors that answer no more. */
int ps__remove_retired(ps__run *run, ps__error *err);

void ps__stat_of(ps__file_stat *out, const struct stat *st);
/* 1: the clock behind mtimes is finer than seconds on this file's volume, as far as this file shows. */
int ps__fine_mtime(int64_t mtime_ns);
/* 1 if path lies below folder, or is it. */
int ps__path_below(const char *path, const char *folder);
/* The scanned folder that `path` lies below, or NULL. */
ps__root *ps__root_of(ps__run *run, const char *path);

#endif
