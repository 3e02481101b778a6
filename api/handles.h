/*
** What stands behind the public handles, shared by the files of api/.
**
** Threads: a library keeps a pool of read connections and a model pools of sessions. Each call takes one of each for itself and
** puts it back, so that any number of calls run at once and none waits for another, except for the opening of the model, of
** a companion and of the index, which happens once each.
*/
#ifndef PS_API_HANDLES_H
#define PS_API_HANDLES_H

#include <pthread.h>
#include <stdatomic.h>

#include "api/photosearch.h"
#include "base/log.h"
#include "encoder/towers.h"
#include "indexer/governor.h"
#include "search/columns.h"
#include "search/index.h"
#include "store/gazetteer.h"
#include "store/store.h"

#define PS__STORES_MOST 64 /* idle connections that are kept; more are closed */

struct ps_model {
    ps__towers *towers; /* owned */
};

struct ps_library {
    char *folder;     /* owned; absolute */
    char *model_path; /* owned; NULL: the default */
    ps__log log;      /* write is NULL when nobody listens */
    ps_log_fn log_fn; /* where log passes lines on to */
    void *log_payload;
    atomic_int cancel;                /* set: a running ps_index or ps_watch is to stop */
    atomic_flag indexing;             /* one of them runs on this handle */
    pthread_mutex_t watch_lock;       /* guards the next three */
    int paused;                       /* as ps_watch_pause said last */
    ps__governor *governor;           /* of a running ps_watch, else NULL */
    ps__power_system *power;          /* the same */
    pthread_mutex_t lock;             /* guards all below */
    ps_model *model;                  /* owned; NULL until needed */
    ps__index *index;                 /* owned; NULL until needed */
    ps__columns *columns;             /* owned; NULL until needed */
    ps__gazetteer *places;            /* owned; NULL until needed, or when there is none */
    int places_tried;                 /* 1: it was looked for */
    ps__store *idle[PS__STORES_MOST]; /* connections for reading that nobody uses */
    size_t idle_count;
};

/* Opens the model without touching ps_last_error. log may be NULL; it must outlive the model. */
int ps__model_open(ps_model **out, const char *path, const ps_model_options *options, const ps__log *log, ps__error *err);

/* The encoder of the main package, and what it says of itself; both belong to the model. */
ps__encoder *ps__model_encoder(const ps_model *model);
const ps__encoder_info *ps__model_info(const ps_model *model);

/* float [dim]. text has `length` bytes; lang NULL: by the words. *tower is the one that read it. */
int ps__model_text(float *embedding, ps__tower **tower, ps_model *model, const char *lang, const char *text, size_t length,
                   ps__error *err);
/* bytes: an image file's contents; path is for messages. */
int ps__model_image(float *embedding, ps_model *model, const uint8_t *bytes, size_t size, const char *path, ps__error *err);

/* A connection for reading, for the calling thread alone, until it is put back. */
int ps__library_take_store(ps__store **out, ps_library *library, ps__error *err);
void ps__library_put_store(ps_library *library, ps__store *store);

/* The library's model and the index of that model's space, both opened when first asked for. *index is NULL, with PS__OK, while
** nothing was ever indexed; PS__MODEL: the library's photos were encoded in another space. Both belong to the library. */
int ps__library_model(ps_model **out, ps_library *library, ps__error *err);
int ps__library_index(ps__index **out, int *space, ps_library *library, ps__store *store, const ps__encoder_info *model,
                      ps__error *err);

/* What filters ask of the photos, made when first asked for. Belongs to the library. */
int ps__library_columns(ps__columns **out, ps_library *library, ps__store *store, ps__error *err);

/* The gazetteer, opened when first asked for; NULL: there is none, or it cannot be used, which the log was told once. Belongs to the
** library. */
const ps__gazetteer *ps__library_places(ps_library *library);

#endif
