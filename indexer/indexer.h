/*
** The indexer: walks folders, finds what is new, changed or gone, and brings the library up to date with it. One call is one run,
** from the scan to the last commit; it blocks, with its own worker threads inside, and leaves nothing running.
**
** A run has four phases: *scan* (compare folders with the library: only stat calls for what is unchanged), *preview* (new photos
** become searchable by the small pictures that cameras put into their files, read from the first kilobytes of each), *encode*
** (workers read, hash, decode and encode everything in full, the newest first, what somebody waits for before all; one writer thread
** commits at least every 40 photos or 2 seconds), *remove* (entries whose files are gone). It may be cancelled or killed at any
** moment: what was committed stays, the next run goes on from there.
**
** Nothing is removed on doubt: not below a root or folder that is missing or could not be read, not when a root that had files is now
** completely empty, not when the files were on another device than what is mounted there now (an unplugged card), and not when more
** than a fifth of a root's entries, and more than 10, would go at once. Such entries are counted in `kept`, told to the log, and
** stay in the library as GONE: not shown, but known as soon as their files are back. PS__INDEX_ALLOW_REMOVAL or ps__store_forget
** override that.
*/
#ifndef PS_INDEXER_H
#define PS_INDEXER_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "base/status.h"
#include "encoder/encoder.h"
#include "encoder/pixels/pixels.h"
#include "indexer/decoder.h"
#include "indexer/governor.h"
#include "store/gazetteer.h"

/* The encoder as the pipeline sees it: tests put a fake here. Strings and payload stay the caller's and must outlive the run. */
typedef struct ps__indexer_encoder {
    const char *model_id; /* what vectors are filed under */
    const char *path;     /* absolute, of its package, to be noted in the library; NULL: not to be */
    const char *space;    /* what they are comparable in */
    const char *instead_of; /* id of the library's model ("": none) when this one was chosen: PS__BUSY if it is another now; or NULL */
    int dim;              /* floats an embedding */
    int image_size;       /* the model wants RGB of image_size x image_size */
    int fit, filter, shorter; /* how a photo becomes that: as in ps__pixels_options */
    /* One session a worker thread; called from that thread. */
    int (*session_new)(void **session, void *payload, ps__error *err);
    void (*session_free)(void *session);
    /* embedding: float [dim]; rgb: u8 [image_size][image_size][3] */
    int (*encode)(float *embedding, void *session, const uint8_t *rgb, ps__error *err);
    void *payload; /* handed to session_new */
} ps__indexer_encoder;

/* Fills *out so that it runs `encoder`, which must outlive it. PS__MODEL: the package has no image tower. */
int ps__indexer_encoder_from(ps__indexer_encoder *out, ps__encoder *encoder, ps__error *err);

enum {                                   /* flags */
       PS__INDEX_HIDDEN = 1 << 0,        /* also files and folders whose names begin with a dot */
       PS__INDEX_FOLLOW_LINKS = 1 << 1,  /* also folders behind symbolic links (each folder once); links to files always count */
       PS__INDEX_ALLOW_REMOVAL = 1 << 2, /* remove entries even when a root is suddenly empty or on another device */
       PS__INDEX_RETRY = 1 << 3,         /* try quarantined files again */
       PS__INDEX_NO_PREVIEWS = 1 << 4,   /* leave the preview phase out */
       PS__INDEX_BACKGROUND = 1 << 5,    /* threads (and the decoders they start) take only what nobody else wants of CPU and disk */
       PS__INDEX_REENCODE = 1 << 12      /* of ps__indexer_reencode */
};

enum { PS__PHASE_SCAN = 1, PS__PHASE_ENCODE = 2, PS__PHASE_REMOVE = 3, PS__PHASE_DONE = 4, PS__PHASE_PREVIEW = 5,
       PS__PHASE_READ_TEXT = 6 /* told by a watch in its spare time, not by a run */ };

typedef struct ps__indexer_progress {
    int phase;           /* PS__PHASE_* */
    int64_t found;       /* image files seen so far */
    int64_t total;       /* files to work on in this phase; final once PS__PHASE_PREVIEW or PS__PHASE_ENCODE has begun */
    int64_t done;        /* of total: previewed or found to have no preview; indexed, failed or put off */
    int64_t failed;      /* in this run */
    double seconds;      /* since the run began */
    double per_second;   /* done a second since the phase began; 0 before */
    double left_seconds; /* estimate for the rest of the phase; negative: unknown */
    const char *path;    /* folder or file at hand, raw bytes, never NULL; valid during the call */
} ps__indexer_progress;

/* Called from the thread that runs ps__indexer_run, about ten times a second and at each change of phase. Non-zero cancels. */
typedef int ps__indexer_progress_fn(const ps__indexer_progress *progress, void *payload);

typedef struct ps__indexer_options {
    const char *library; /* folder of the library; made when missing */
    const char *const
        *roots; /* files and folders; relative ones are taken from the process's folder; doubles and nested ones count once */
    size_t root_count; /* at least 1 */
    /* NULL: all of the roots. Else [only_count] absolute paths at or below roots, without symbolic links as the walk gives them,
    ** files or folders, there or gone: only these are compared with the library (folders with everything below), and only entries at
    ** or below them may be removed, and only what is new or changed among them is read; `waiting` of the result tells of other
    ** work. With only_count 0 nothing is compared, and what waits is read, but for what failed. */
    const char *const *only;
    size_t only_count;
    const ps__indexer_encoder *encoder;
    const ps__indexer_decoder *decoder; /* NULL: ps__indexer_decoder_here */
    const ps__gazetteer *gazetteer; /* tells where photos are; outlives the run. NULL: those with a position wait for a run that has one */
    const char *version; /* of the program; where it is not the one that indexed before, quarantined files get their tries again */
    int threads;              /* workers, 1..256; 0: one a processor */
    size_t memory_bytes;      /* files' bytes held at once by all workers; a larger single file goes alone. 0: 32 MiB */
    size_t max_file_bytes;    /* larger files fail as PS__TOOBIG; 0: PS__MAX_FILE_BYTES */
    double file_seconds;      /* a file that takes longer before it is encoded has failed (checked between stages); 0: 30 */
    unsigned flags;           /* PS__INDEX_* */
    const atomic_int *cancel; /* NULL, or set to non-zero (any thread, a signal handler too) to stop within one photo's time */
    const atomic_int *interrupt; /* NULL, or set to non-zero to end the run early but well: what is in work is finished and committed,
                                 ** the rest stays pending, and the result says `interrupted` */
    ps__governor *governor;   /* NULL: full speed. Asked before and after each file; of one run at a time */
    const ps__log *log;       /* NULL: silent. Each failed, skipped or kept thing is a line. Called from several threads */
    ps__indexer_progress_fn *progress; /* NULL: none */
    void *payload;                     /* handed to progress */
} ps__indexer_options;

typedef struct ps__indexer_result {
    int64_t found;           /* image files seen by the scan = indexed + unchanged + failed + quarantined + pending */
    int64_t indexed;         /* files newly recorded or updated in this run, renamed and re-read ones with new content included */
    int64_t encoded;         /* of those, photos that went through the encoder; the others' content was known */
    int64_t previewed;       /* files that became searchable by their preview in this run; many of them are in `indexed` too */
    int64_t unchanged;       /* files that are as they were */
    int64_t failed;          /* files that were tried in this run and failed */
    int64_t quarantined;     /* files left alone because they failed PS__STORE_TRIES times, or before, in a run over some paths */
    int64_t pending;         /* files put off to the next run: changed while being read, or the run was stopped */
    int64_t waiting;         /* of a run over some paths: files, these or others, that are still to be read */
    int64_t removed;         /* entries removed because their files are gone */
    int64_t kept;            /* entries of files that are gone, kept on doubt */
    int64_t asked;           /* of those: kept because they are too many at once */
    int64_t reencoded;       /* not of a run: whoever makes several may add up here what ps__indexer_reencode encoded */
    int interrupted;         /* 1: ended early by options->interrupt */
    int64_t away;            /* files that ps__indexer_reencode found missing, for the first time; then there is no switch */
    int switched;            /* 1: the library answers with its next model now; of ps__indexer_reencode */
    int64_t roots_skipped;   /* roots that are missing or could not be read */
    int64_t folders_skipped; /* folders below roots that could not be read */
    int64_t bytes_read;      /* of image files */
    double cpu_seconds;      /* processor time of the run's threads and of the decoders they started */
    double seconds;          /* the whole run */
    double photos_per_second;           /* indexed / seconds */
    char first_failure[PS__ERROR_TEXT]; /* the sentence of the first file, folder or root that failed; "" none */
} ps__indexer_result;

/*
** Gives photos that are known already, wherever they are, vectors of the library's next model (store.h), which `encoder` must be; `roots` and
** `only` of the options are not used. Files that are not what they were when they were indexed are left to an ordinary run: those
** that changed wait for it from now on. When nothing is left, the next model becomes the current one, and `switched` is 1; it is put off while
** photos that can be found wait to be read (whose files are there), so that each of them can be found afterwards, too. Files that are missing
** are noted as such, and may have been moved: the switch is left to the next call, before which a run ought to look. Photos whose files are
** known to be away, or cannot be read, do not keep it up; they are encoded when they can be. Last, the old vectors are removed.
**
** Otherwise as ps__indexer_run. PS__NOTFOUND: the encoder's model is not the next one.
*/
int ps__indexer_reencode(ps__indexer_result *result, const ps__indexer_options *options, ps__error *err);

/* *result is always filled. PS__OK: done, whatever single files did (see failed). PS__CANCELLED: stopped on request. PS__NOTFOUND,
** PS__ACCESS or PS__IO: no root could be read. PS__BUSY: another process indexes this library. PS__FULL, PS__CORRUPT...: the
** library could not be written; what was committed is kept. Any thread. */
int ps__indexer_run(ps__indexer_result *result, const ps__indexer_options *options, ps__error *err);

#endif
