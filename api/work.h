/*
** What ps_index and ps_watch share: the indexer set up for a library, its progress passed on, told to others who ask for the status,
** and used to keep the search index fresh during long runs.
*/
#ifndef PS_API_WORK_H
#define PS_API_WORK_H

#include "api/handles.h"
#include "indexer/indexer.h"
#include "store/activity.h"

typedef struct ps__work {
    ps_library *library;
    ps_model *model;             /* that ordinary runs encode with */
    ps__store_model current;     /* the library's when that was chosen */
    int named;                   /* 1: it is the one that was named for this handle: who wants that one does not change to another */
    char *model_path;            /* owned: where that lies, absolute; NULL: not to be noted */
    int everywhere;              /* 1: options name no folders to look at, but the whole disk */
    int refilling;               /* 1: what is told is about the next model */
    ps_progress_fn progress;     /* the caller's; NULL: none */
    void *payload;               /* handed to it */
    ps__indexer_encoder encoder; /* these three are what options point at */
    ps__indexer_decoder decoder;
    ps__sandbox_options sandbox;
    ps__indexer_options options;
    ps__announcer *announcer;   /* NULL: somebody else is announced, or it cannot be written */
    ps__activity activity;      /* as last announced */
    int64_t told_ns;            /* when that was */
    double cpu_seconds;         /* of all runs so far */
    int64_t encoded;            /* photos, of all runs so far */
    ps__governor *governor;     /* NULL: none */
} ps__work;

/* flags: PS_INDEX_*. Must stay where it is until ps__work_end. */
int ps__work_begin(ps__work *work, ps_library *library, const char *const *paths, size_t count, unsigned flags, int threads,
                   ps__error *err);
void ps__work_end(ps__work *work);

/* One run with work->options or a variant of them, after which the search index is fresh. */
int ps__work_run(ps__work *work, ps__indexer_result *result, const ps__indexer_options *options, ps__error *err);

/* While the library's model is being changed: reads what waits, wherever it is, then gives photos vectors of the next model; adds to
** *result. Does nothing else. */
int ps__work_refill(ps__work *work, ps__indexer_result *result, ps__error *err);
/* Reads what waits to be read, or lacks a vector of the model that answers, wherever it is. */
int ps__work_read_waiting(ps__work *work, ps__indexer_result *result, ps__error *err);
/* 1: there is something to refill. */
int ps__work_is_changing(ps__work *work);

/* Tells what is being done, now. */
void ps__work_announce(ps__work *work, int state, const char *why);
/* The same for work in progress, about twice a second. */
void ps__work_announce_progress(ps__work *work, const ps__indexer_progress *progress);

void ps__fill_progress(ps_progress *out, const ps__indexer_progress *p);
/* version: of *out, which keeps it */
void ps__fill_result(ps_index_result *out, const ps__indexer_result *r);

/* PS__INVALID for paths that are no paths, and threads that are no number of threads. */
int ps__check_work(const char *const *paths, size_t count, int threads, ps__error *err);

/* The one ps_index or ps_watch of this handle. PS__BUSY: there is one already. */
int ps__library_enter(ps_library *library, ps__error *err);
void ps__library_leave(ps_library *library);

#endif
