/*
** The machinery of the preview and encode phases: the calling thread feeds jobs, workers turn each into an outcome, one writer thread commits outcomes.
**
**     feeder --jobs[]--> workers --outcomes[]--> writer
**
** One mutex guards it all: a job takes tens of milliseconds, so nobody waits for the mutex, and one lock has no order to get wrong.
** Both queues are short and an outcome is a few kilobytes; what is large, files' bytes, is rationed by `budget_used`.
*/
#ifndef PS_INDEXER_PIPELINE_H
#define PS_INDEXER_PIPELINE_H

#include <pthread.h>

#include "indexer/run.h"

#define PS__QUEUE 64
/* What a kill may cost is what is encoded and not committed: a full batch, the queue behind it, and one photo a worker. With up to 8
** workers that makes 64. */
#define PS__BATCH 40
#define PS__OUTCOMES 16
#define PS__MAX_THREADS 256
#define PS__CLAIMS (PS__MAX_THREADS + PS__OUTCOMES + PS__BATCH)

typedef struct ps__job {
    int64_t file;  /* its row */
    int64_t photo; /* what the row pointed at, or 0 */
    int64_t size;  /* bytes, as the scan saw it */
    int preview;   /* 1: only its preview is wanted, unless all of the file is as quickly read */
    char *path;    /* owned */
} ps__job;

enum {
    PS__OUTCOME_NEW,     /* has a vector */
    PS__OUTCOME_KNOWN,   /* the content has its vector already */
    PS__OUTCOME_FAILED,  /* see code and reason */
    PS__OUTCOME_PREVIEW, /* has a vector of its preview */
    PS__OUTCOME_CHANGED, /* is not what was indexed: waits for an ordinary run, as this one only encodes anew */
    PS__OUTCOME_AWAY,    /* the same as GONE in a run that encodes anew: noted, as no scan comes */
    PS__OUTCOME_GONE,    /* the file is not there any more */
    PS__OUTCOME_PUT_OFF, /* the same content is in another worker's hands: again, once that is committed */
    PS__OUTCOME_NONE,    /* has no preview that could be read: waits for its turn in full */
    PS__OUTCOME_LEFT     /* changed while being read, or the run stops: the next run's */
};

typedef struct ps__outcome {
    int kind;           /* PS__OUTCOME_* */
    ps__job job;        /* taken over from the queue */
    ps__file_stat stat; /* of what was read */
    int racy;           /* as in ps__file */
    int has_hash;       /* 1: photo.hash is meaningful */
    int claimed;        /* 1: photo.hash is among the claims */
    ps__photo photo;    /* hash, bytes, size and camera notes */
    ps__photo_texts texts; /* NEW only */
    uint16_t *halves;   /* u16 [dim], owned; NEW only */
    int code;           /* FAILED: status */
    char *reason;       /* FAILED: sentence, UTF-8, owned; NULL when memory was short */
} ps__outcome;

#define PS__BROKEN 256 /* contents that failed in this run, of which copies need not be tried */

typedef struct ps__broken {
    uint8_t hash[16];
    int code;                  /* status */
    char why[PS__ERROR_TEXT / 4]; /* sentence about the first of them */
} ps__broken;

typedef struct ps__pipeline {
    ps__run *run;         /* options and result; counters in it change under `lock` */
    ps__store *reader;    /* for lookups of workers and feeder, under `reader_lock` */
    pthread_mutex_t lock; /* guards everything below */
    pthread_mutex_t reader_lock;
    pthread_cond_t feeder;               /* room in jobs, an outcome is finished, or a fatal error */
    pthread_cond_t workers;              /* a job, or closing */
    pthread_cond_t writer;               /* an outcome, or closing */
    pthread_cond_t room;                 /* for workers: space in outcomes */
    pthread_cond_t budget;               /* for workers: bytes or a turn */
    ps__job jobs[PS__QUEUE];             /* ring */
    int job_first, job_count;            /* of jobs */
    ps__outcome *outcomes[PS__OUTCOMES]; /* ring */
    int outcome_first, outcome_count;    /* of outcomes */
    int closing;                         /* no more jobs will come */
    int writer_closing;                  /* no more outcomes will come */
    int drain;                           /* the feeder waits for the rest: commit without waiting for a full batch */
    int64_t outstanding;                 /* jobs handed out and not finished */
    int64_t finished;                    /* jobs of this phase finished, put-off ones not counted */
    int64_t settled;                     /* of those that wanted a preview: done in full */
    size_t budget_used;                  /* bytes of files in workers' hands */
    uint64_t next_turn, turn;       /* workers get bytes in the order they asked, so that a large file is not passed by forever */
    uint8_t claims[PS__CLAIMS][16]; /* contents in work or not committed */
    int claim_count;                /* of claims */
    ps__broken *broken;             /* [PS__BROKEN] ring, owned; NULL while nothing has failed */
    size_t broken_count;            /* that were ever put in */
    ps__idset fed;                  /* rows handed out to be read in full: each once a run */
    ps__indexer_stop stop;          /* for decoders; payload is the pipeline */
    int worker_count;               /* numbers given to workers so far: those that could open their sessions */
    int worker_threads;             /* that were started; 0: not all are yet */
    int workers_failed;             /* that could not open their sessions */
    ps__error session_error;        /* of the last of these */
    int64_t cpu_ns;                 /* of threads that have ended, and their decoders */
    int64_t wanted_ns;              /* when it was last looked who waits; the feeder's own */
    ps__indexer_decoder decoder;    /* the table in use */
    ps__ids put_off;                /* rows to feed again */
    ps__ids gone;                   /* rows whose files left since the scan: for the removal phase */
    int fatal;                      /* status that stops the run */
    ps__error fatal_error;          /* its sentence */
} ps__pipeline;

/* Thread bodies; payload is the pipeline. */
void *ps__worker(void *payload);
void *ps__writer(void *payload);

/* Stops the run when no worker at all could open its sessions; fewer than wished will do. With the lock held. */
void ps__check_workers(ps__pipeline *p);

/* Under the lock or not: stops everything with this status, the first one wins. */
void ps__pipeline_stop(ps__pipeline *p, int status, const ps__error *err);
/* Is everything to stop? Without the lock. */
int ps__pipeline_stopping(ps__pipeline *p);
/* Feeds everything there is to do, from the calling thread. PS__OK also when the run was interrupted. */
int ps__feed(ps__pipeline *p, ps__error *err);

/* Books a finished outcome and frees it. With the lock held. */
void ps__pipeline_finish(ps__pipeline *p, ps__outcome *outcome);
void ps__outcome_free(ps__outcome *outcome);

/* Remembers a content that failed; and says whether it did: PS__OK, or the status with a sentence about `path`. Without the lock. */
void ps__note_broken(ps__pipeline *p, const uint8_t hash[16], int code, const char *why);
int ps__find_broken(ps__pipeline *p, const uint8_t hash[16], const char *path, ps__error *err);

/* 0 when the content is in another worker's hands. */
int ps__claim(ps__pipeline *p, const uint8_t hash[16]);
void ps__release(ps__pipeline *p, const uint8_t hash[16]); /* with the lock held */

/* Waits at most `ms` for the condition, with the lock held. Conditions use the monotonic clock. */
void ps__wait_ms(pthread_cond_t *condition, pthread_mutex_t *lock, int ms);

/* What one worker thread has for itself. */
typedef struct ps__sessions {
    void *encoder; /* of the encoder's table */
    void *decoder; /* of the decoder's table */
} ps__sessions;

/* One job's way from path to outcome: process.c. */
void ps__process(ps__pipeline *p, const ps__sessions *sessions, ps__outcome *o);

#endif
