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

/* What a library may have open at once. */
enum {
    PS__MODEL_NAMED = 0, /* the one that ps_library_options names */
    PS__MODEL_OWN = 1,   /* the library's current one */
    PS__MODEL_NEXT = 2,  /* the one that it is being changed to */
    PS__MODELS = 3
};

typedef struct ps__slot {
    ps_model *model;        /* owned; NULL until needed */
    char id[PS__STORE_NAME]; /* of the library's model that it was opened for */
} ps__slot;

/* What searches that still run may use: freed with the library. */
typedef struct ps__outlived {
    ps_model *model;
    ps__index *index;
    struct ps__outlived *next;
} ps__outlived;

struct ps_library {
    char *folder;     /* owned; absolute */
    char *model_path; /* owned; NULL: the library's own */
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
    ps__slot models[PS__MODELS];
    ps__index *index;                 /* owned; NULL until needed */
    int index_space;                  /* that it is of */
    ps__outlived *outlived;           /* owned, and what it holds: models and indexes that others took the place of */
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

/* The model that questions are put to: the one that was named, else the library's own, else the usual one. Opened when first asked for,
** and anew when another program or thread has changed the library's model; what was there before lives as long as the library. */
int ps__library_model(ps_model **out, ps_library *library, ps__error *err);
/* The library's own, whatever was named: PS__NOTFOUND when its package is nowhere, PS__MODEL when there is none yet. */
int ps__library_own(ps_model **out, ps_library *library, ps__error *err);
/* The model that the library is being changed to; *out is NULL when it is not. */
int ps__library_next(ps_model **out, ps_library *library, ps__error *err);
/* What the store says of one of them: ps__store_current_model, ps__store_next_model. *out is all zero after a failure. */
typedef int ps__read_model_fn(ps__store_model *out, ps__store *store, ps__error *err);
int ps__library_read_model(ps__store_model *out, ps_library *library, ps__read_model_fn *read, ps__error *err);
/* Opens the package of one of the library's models, wherever it lies now. */
int ps__own_open(ps_model **out, const ps__store_model *model, const ps__log *log, ps__error *err);
/* With the lock held: puts something aside. */
void ps__outlive(ps_library *library, ps_model *model, ps__index *index);

/* The index of the model's space, opened when first asked for. *index is NULL, with PS__OK, while
** nothing was ever indexed; PS__MODEL: the library's photos were encoded in another space. Belongs to the library. */
int ps__library_index(ps__index **out, int *space, ps_library *library, ps__store *store, const ps__encoder_info *model,
                      ps__error *err);

/* What filters ask of the photos, made when first asked for. Belongs to the library. */
int ps__library_columns(ps__columns **out, ps_library *library, ps__store *store, ps__error *err);

/* The gazetteer, opened when first asked for; NULL: there is none, or it cannot be used, which the log was told once. Belongs to the
** library. */
const ps__gazetteer *ps__library_places(ps_library *library);

#endif
