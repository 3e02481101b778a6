/*
** photosearch: find photos by what you say about them, on the device that holds them.
**
** This header is the manual of the C library. It is ordered from simple to special:
**
**   1. Simple         open a library, index folders, search, close.
**   2. Control        options, progress, watching, cancelling, similar photos, status, failures, forgetting.
**   3. Models         embeddings of texts and images without a library.
**   4. Experimental   measuring; only with PS_EXPERIMENTAL defined, may change in any release.
**
** The whole of the simple part:
**
**     ps_library *library;
**     ps_results *results;
**     if (ps_library_open(&library, NULL, NULL) != PS_OK) { puts(ps_last_error(NULL)); return 1; }
**     const char *folders[] = {"/home/me/Pictures"};
**     ps_index(NULL, library, folders, 1, NULL);
**     if (ps_search(&results, library, "two dogs in the snow", NULL) == PS_OK) {
**         for (size_t i = 0; i < ps_results_count(results); i++) puts(ps_results_path(results, i));
**         ps_results_free(results);
**     }
**     ps_library_close(library);
**
** LIBRARY. A library is a folder that photosearch makes and owns; the photos stay where they are and are only read. It holds
** `library.db` (the truth) and caches beside it, which may be deleted at any time. Programs may share a library: any number may
** search while one indexes.
**
** MODEL. Texts and photos are turned into vectors ("embeddings") by a model package, one `.safetensors` file. A library knows by which
** model its photos were encoded, and is used with that one (ps_library_use_model changes it). Where there is no library, or it has none
** yet, and no option names one, $PHOTOSEARCH_MODEL does, else the first of these that exists is taken:
** ../share/photosearch/photosearch.safetensors, seen from the folder of the running program; the same in share of the prefix
** that photosearch was installed to; models/photosearch.safetensors of the source tree it was built from. Beside the package
** X.safetensors, every X-*.safetensors is a companion: a text-only package of the same space, for more languages. One that
** cannot be used (another space, not readable, an image tower) is left out with a warning to the log; ps_model_companion tells why.
**
** LANGUAGES. The package itself reads English; with the companion that comes with it, texts may also be Chinese, German,
** Portuguese, Indonesian, Spanish, French, Japanese, Korean, Italian, Russian, Arabic and Hindi. Which of them a text is in
** need not be said: the words tell whether the English tower or the companion is to read them. Where it is known, a language
** code ("de", "pt-BR") decides. All languages share one index: nothing is encoded again for another language.
**
** ERRORS. Functions that can fail return a status: PS_OK (0) or one of the negative codes below, which never change their
** meaning. ps_last_error() has a sentence with the path and the reason.
**
** THREADS. Every function may be called from any thread, several at once on one handle, and searching while indexing is always
** allowed, unless its comment says otherwise. Closing or freeing a handle must be the last call on it.
**
** STRINGS. Texts are UTF-8. Paths are bytes, exactly as the system gives them: a file name need not be UTF-8. NULL is refused
** with PS_INVALID where a comment does not allow it. All strings end in a 0 byte.
**
** STRUCTS. Option and result structs begin with a `version`; set them up with their _INIT macro, so that a program built against
** an older header keeps working with a newer library.
**
** MANNERS. The library never prints, exits, installs signal handlers, changes the locale, the environment or the process's
** folder, and opens no network connection. While it indexes or watches, photos are decoded in processes of their own,
** `photosearch-decoder`, which can neither open files nor reach the network. That program is looked for at $PHOTOSEARCH_DECODER, beside
** the running program, and in the prefix's libexec/photosearch. Only where photos are decoded in the calling process (ps_similar,
** ps_model_embed_image, ps_model_import's photos, PS_INDEX_IN_PROCESS), libde265 and dav1d, which read HEIC and AVIF, may tell stderr about damaged files.
*/
#ifndef PHOTOSEARCH_H
#define PHOTOSEARCH_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define PS_API __attribute__((visibility("default")))
#else
#define PS_API
#endif

/* ---- Version ---- */

#define PS_VERSION_MAJOR 0
#define PS_VERSION_MINOR 4
#define PS_VERSION_PATCH 0
#define PS_VERSION_STRING "0.4.0"

/* Version of the library that is running, for example "0.2.0"; static. Since 0.1. */
PS_API const char *ps_version(void);

/* ---- Status codes ---- */

enum {
    PS_OK = 0,
    PS_ERROR = -1,     /* none of the below */
    PS_NOMEM = -2,     /* memory ran out */
    PS_INVALID = -3,   /* an argument is out of range, or a query is empty */
    PS_NOTFOUND = -4,  /* no such file, library, photo or model */
    PS_IO = -10,       /* the system refused a read or write */
    PS_FULL = -11,     /* no space left on the device */
    PS_ACCESS = -12,   /* permission denied */
    PS_BUSY = -13,     /* another process or thread is indexing this library */
    PS_FORMAT = -20,   /* not an image format that is read */
    PS_CORRUPT = -21,  /* a file is damaged */
    PS_TOOBIG = -22,   /* an image of more pixels or bytes than the limits allow */
    PS_NEWER = -23,    /* the library or the model package is of a newer version than this one reads */
    PS_MODEL = -30,    /* the model package was refused, or does not fit what was asked */
    PS_CANCELLED = -40 /* ps_cancel was called, or a callback asked to stop */
};

/* A few plain words for a status code, for example "permission denied". Static, never NULL. Since 0.1. */
PS_API const char *ps_status_text(int status);

/*
** 1. Simple
*/

/* An open library. */
typedef struct ps_library ps_library;
typedef struct ps_library_options ps_library_options;
typedef struct ps_index_options ps_index_options;
typedef struct ps_index_result ps_index_result;
typedef struct ps_search_options ps_search_options;

/* The answer to one search. */
typedef struct ps_results ps_results;

/* Opens the library in `folder`, making it if there is none. NULL: $PHOTOSEARCH_LIBRARY, else $XDG_DATA_HOME/photosearch, else
** ~/.local/share/photosearch. `options` may be NULL. No model is needed until something is encoded.
** @return PS_OK; PS_NOTFOUND (there is none and PS_OPEN_EXISTING was given), PS_NEWER, PS_CORRUPT, PS_ACCESS, ...; on failure
** *out is NULL and ps_last_error(NULL) has the sentence. Free with ps_library_close. Since 0.1. */
PS_API int ps_library_open(ps_library **out, const char *folder, const ps_library_options *options);

/* Closes the library; NULL is fine. No other call on it may be running. Results stay valid. Since 0.1. */
PS_API void ps_library_close(ps_library *library);

/* The sentence of the calling thread's last failed call on `library`; with NULL, of its last failed call that had no library:
** opening one, and every ps_model_* function. "" when that did not fail. Never NULL, without a newline; valid until this
** thread's next call of a function that can fail. Since 0.1. */
PS_API const char *ps_last_error(const ps_library *library);

/* Brings the library up to date with the folders and files in `paths` [count]: new and changed photos are encoded, moved ones
** found again, deleted ones dropped. First, new photos become searchable by the previews that cameras put into their files; then
** all are read in full, the newest first. Nothing is dropped below a folder named in `paths` that is missing, or empty where it was
** not, nor below a folder that could not be read, nor of files last seen on another device, nor when more than a fifth of a folder's
** photos (and more than 10) would go at once: such entries are only hidden until the files are back (see PS_INDEX_ALLOW_REMOVAL). In folders,
** only files with the ending of an image format are looked at; a file named in `paths` is taken whatever its name. A file that
** can no longer be read keeps its last known content in the library until it is deleted or can be read again. What is done is
** kept if this is cancelled or fails half-way, and a second run goes on from there. One call at a time for each library, in all
** programs. `result` (may be NULL) is set up with PS_INDEX_RESULT_INIT and filled on success and on failure. `options` may be
** NULL.
** @return PS_OK, also if single photos failed (see result->failed and ps_failures_open); PS_NOTFOUND (none of the paths exists),
** PS_BUSY, PS_FULL, PS_MODEL, PS_CANCELLED, ... Since 0.1. */
PS_API int ps_index(ps_index_result *result, ps_library *library, const char *const *paths, size_t count,
                    const ps_index_options *options);

/* Finds photos by a sentence: "red car at the beach in 2021 but not at night". Words for times, places, cameras and the like become
** filters; the rest is matched with what the photos show (see QUERIES below, and ps_results_understood for how it was read). Best first;
** a sentence of nothing but filters gives all photos that pass, newest first. `options` may be NULL. Free *out with ps_results_free;
** it is NULL on failure.
** @return PS_OK, also if nothing matched (see ps_results_verdict); PS_INVALID (nothing but blanks, or options->lang is a language
** that no text tower reads), PS_MODEL, ... Since 0.1. */
PS_API int ps_search(ps_results **out, ps_library *library, const char *text, const ps_search_options *options);

/* Frees results; NULL is fine. Since 0.1. */
PS_API void ps_results_free(ps_results *results);

/* Number of photos found, at most the limit asked for; 0 for NULL. Since 0.1. */
PS_API size_t ps_results_count(const ps_results *results);

/* Path of the i-th photo, belonging to the results; NULL if there is no such photo. Since 0.1. */
PS_API const char *ps_results_path(const ps_results *results, size_t i);

/* How the photo fits the words, 0 to 1, calibrated by the model so that different queries, also in different languages, may be
** compared; 0 if there is no such photo. Since 0.1. */
PS_API double ps_results_score(const ps_results *results, size_t i);

/*
** 2. Control
*/

/* ---- Opening ---- */

/* Levels of notes, see ps_log_fn. */
enum { PS_LOG_ERROR = 0, PS_LOG_WARNING = 1, PS_LOG_INFO = 2, PS_LOG_DEBUG = 3 };

/* Receives one line without newline, for example for each file that could not be indexed. Called from any of the library's
** threads, several at once. */
typedef void (*ps_log_fn)(int level, const char *line, void *payload);

/* Flags of ps_library_options. */
enum {
    PS_OPEN_EXISTING = 1 /* do not make a library where there is none: PS_NOTFOUND */
};

#define PS_LIBRARY_OPTIONS_VERSION 1
struct ps_library_options {
    unsigned version;  /* PS_LIBRARY_OPTIONS_VERSION */
    unsigned flags;    /* PS_OPEN_* */
    const char *model; /* path of the model package; NULL: the library's own, as described at the top. Indexing with another one than
                       ** the library's changes the library's model as ps_library_use_model does */
    ps_log_fn log;     /* NULL: no notes */
    int log_level;     /* notes above this level are not made */
    void *log_payload; /* handed to log */
};
#define PS_LIBRARY_OPTIONS_INIT                                                                                                  \
    { PS_LIBRARY_OPTIONS_VERSION, 0, NULL, NULL, PS_LOG_WARNING, NULL }

/* The folder of an open library; belongs to it. Since 0.1. */
PS_API const char *ps_library_folder(const ps_library *library);

/* ---- Indexing ---- */

/* Values of ps_progress.phase, in this order but for the last. */
enum {
    PS_PHASE_SCAN = 1,   /* folders are compared with the library */
    PS_PHASE_ENCODE = 2, /* new and changed photos are encoded */
    PS_PHASE_REMOVE = 3, /* entries of files that are gone are dropped */
    PS_PHASE_DONE = 4,
    PS_PHASE_PREVIEW = 5, /* between scan and encode: new photos become searchable by the previews in their files. Since 0.2 */
    PS_PHASE_TAG = 6,      /* the only one of ps_tags_update. Since 0.3 */
    PS_PHASE_REENCODE = 8, /* after ENCODE: known photos are encoded by the model that the library changes to. Since 0.4 */
    PS_PHASE_READ_TEXT = 7 /* text in photos is read; `found` counts those that have some. Since 0.3 */
};

#define PS_PROGRESS_VERSION 1
typedef struct ps_progress {  /* filled by the library; `path` is valid during the call */
    unsigned version;         /* PS_PROGRESS_VERSION */
    int phase;                /* PS_PHASE_* */
    uint64_t found;           /* images seen so far */
    uint64_t total;           /* files to work on in this phase; final once PS_PHASE_PREVIEW or PS_PHASE_ENCODE has begun */
    uint64_t done;            /* of total: previewed, indexed or failed */
    uint64_t failed;          /* in this run */
    double seconds;           /* since the start */
    double photos_per_second; /* rate of the phase; 0 before PS_PHASE_PREVIEW */
    double seconds_left;      /* estimate for the phase; negative: unknown */
    const char *path;         /* folder or file at hand */
} ps_progress;

/* Called some ten times a second from the thread that runs ps_index. Anything but 0 cancels the run. */
typedef int (*ps_progress_fn)(const ps_progress *progress, void *payload);

/* Flags of ps_index_options. */
enum {
    PS_INDEX_HIDDEN = 1 << 0,        /* also files and folders whose names begin with a dot */
    PS_INDEX_FOLLOW_LINKS = 1 << 1,  /* also folders behind symbolic links */
    PS_INDEX_ALLOW_REMOVAL = 1 << 2, /* drop entries also on doubt: see ps_index */
    PS_INDEX_RETRY = 1 << 3,         /* try files again that were given up */
    PS_INDEX_NO_PREVIEWS = 1 << 4,   /* leave out PS_PHASE_PREVIEW. Since 0.2 */
    PS_INDEX_BACKGROUND = 1 << 5,    /* take only what nobody else wants of processor and disk. Since 0.2 */
    PS_INDEX_IN_PROCESS = 1 << 6     /* decode in the calling process, not in sandboxed ones of their own: faster to start, but a file
                                     ** that crashes a decoder then crashes the caller. Since 0.2 */
};

#define PS_INDEX_OPTIONS_VERSION 1
struct ps_index_options {
    unsigned version;        /* PS_INDEX_OPTIONS_VERSION */
    unsigned flags;          /* PS_INDEX_* */
    int threads;             /* encoding threads, 1 to 256; 0: one for each processor */
    ps_progress_fn progress; /* NULL: none */
    void *payload;           /* handed to progress */
};
#define PS_INDEX_OPTIONS_INIT                                                                                                    \
    { PS_INDEX_OPTIONS_VERSION, 0, 0, NULL, NULL }

#define PS_INDEX_RESULT_VERSION 3
struct ps_index_result {
    unsigned version;         /* PS_INDEX_RESULT_VERSION */
    uint64_t found;           /* images seen = indexed + unchanged + failed + quarantined + pending */
    uint64_t indexed;         /* encoded, or recognised by their contents as known */
    uint64_t unchanged;       /* same as at the last run */
    uint64_t failed;          /* were tried and could not be read; each is a line of the log */
    uint64_t quarantined;     /* left alone because they failed three times; see ps_failures_open */
    uint64_t pending;         /* put off to the next run: changed while being read, or the run was stopped */
    uint64_t removed;         /* entries dropped because their file is gone */
    uint64_t kept;            /* entries whose file is gone, kept on doubt; they are not shown until the file is back */
    uint64_t skipped;         /* folders that are missing or could not be read */
    double seconds;           /* time the run took */
    double photos_per_second; /* indexed / seconds */
    uint64_t previewed;       /* files that became searchable by their preview; most are in `indexed` too. Since version 2 */
    uint64_t asked;           /* of kept: too many to go at once; PS_INDEX_ALLOW_REMOVAL lets them go. Since version 2 */
    double cpu_seconds;       /* processor time of all threads and decoders: the battery's price. Since version 2 */
    uint64_t reencoded;       /* known photos that were encoded by the library's next model. Since version 3 */
    int switched;             /* 1: the library answers by its next model from now on. Since version 3 */
};
#define PS_INDEX_RESULT_INIT                                                                                                     \
    { PS_INDEX_RESULT_VERSION, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.0, 0.0, 0, 0, 0.0, 0, 0 }

/* ---- Reading text ---- */

/* Flags of ps_read_text_options. */
enum {
    PS_READ_TEXT_ALL = 1 << 0,       /* also photos that were read before */
    PS_READ_TEXT_BACKGROUND = 1 << 1 /* as PS_INDEX_BACKGROUND */
};

#define PS_READ_TEXT_OPTIONS_VERSION 1
typedef struct ps_read_text_options {
    unsigned version;        /* PS_READ_TEXT_OPTIONS_VERSION */
    unsigned flags;          /* PS_READ_TEXT_* */
    size_t limit;            /* most photos that are read; 0: no limit */
    const char *languages;   /* of the text, as tesseract calls them: "eng+deu"; NULL: English and, if installed, simplified Chinese */
    ps_progress_fn progress; /* called as by ps_index, with PS_PHASE_READ_TEXT; NULL: none */
    void *payload;           /* handed to progress */
} ps_read_text_options;
#define PS_READ_TEXT_OPTIONS_INIT                                                                                                \
    { PS_READ_TEXT_OPTIONS_VERSION, 0, 0, NULL, NULL, NULL }

#define PS_READ_TEXT_RESULT_VERSION 1
typedef struct ps_read_text_result {
    unsigned version;   /* PS_READ_TEXT_RESULT_VERSION */
    uint64_t read;      /* photos that are done, those without text too */
    uint64_t with_text; /* of these: words were found and kept */
    uint64_t looked_at; /* of these: seemed to have writing in them, so that it was read */
    uint64_t failed;    /* of these: could not be decoded or read; they are not tried again */
    uint64_t left;      /* photos that are still to be read: beyond the limit, stopped, or their files are away or changed */
    double seconds;     /* time the call took */
    double cpu_seconds; /* processor time */
} ps_read_text_result;
#define PS_READ_TEXT_RESULT_INIT                                                                                                 \
    { PS_READ_TEXT_RESULT_VERSION, 0, 0, 0, 0, 0, 0.0, 0.0 }

/* Reads the text in the library's photos that were not read yet, so that searching finds them by their words; those first that look
** most like writing. Takes 0.1 to 1 s for a photo with text, and about what decoding takes for one without. Done by processes of their
** own, which can neither open files nor reach the network, and of which photosearch-reader is not in every build. What is done is kept when
** this is cancelled (ps_cancel) or fails. ps_watch does the same in spare time with PS_WATCH_READ_TEXT. `result` (may be NULL) is set up
** with PS_READ_TEXT_RESULT_INIT; `options` may be NULL. One call at a time on a handle, also of ps_index and ps_watch; other programs may
** index meanwhile.
** @return PS_OK, also if single photos failed; PS_NOTFOUND: this build reads no text in photos, or no data of the languages are installed,
** the sentence says which; PS_BUSY, PS_INVALID, PS_CANCELLED, ... Since 0.3. */
PS_API int ps_read_text(ps_read_text_result *result, ps_library *library, const ps_read_text_options *options);

/* ---- Watching ---- */

/* Flags of ps_watch_options, besides PS_INDEX_*. */
enum {
    PS_WATCH_READ_TEXT = 1 << 16 /* when everything is done and the device is idle and not on battery, read text as ps_read_text does; makes
                                 ** way at once for other work and for whoever uses the device. Since 0.3 */
};

/* What a watch tells. The numbers stay; more may come. */
enum {
    PS_EVENT_STARTED = 1,  /* folders are watched now */
    PS_EVENT_RESCAN = 2,   /* everything is about to be compared with the library; text: why */
    PS_EVENT_SCANNING = 3, /* a run has begun, over `paths` changed files and folders, or over everything if that is 0 */
    PS_EVENT_WORKING = 4,  /* about once a second while photos are looked at: see `progress` */
    PS_EVENT_PAUSED = 5,   /* text: why */
    PS_EVENT_RESUMED = 6,
    PS_EVENT_IDLE = 7,    /* everything is done; result: of the last run, with what all runs since the last such event have done */
    PS_EVENT_PROBLEM = 8, /* a run failed, see `status` and `text`; the watch tries again in `seconds` */
    PS_EVENT_STOPPED = 9  /* the watch ends */
};

#define PS_EVENT_VERSION 1
typedef struct ps_event { /* filled by the library; what it points at is valid during the call */
    unsigned version;     /* PS_EVENT_VERSION */
    int kind;             /* PS_EVENT_* */
    int status;           /* PS_OK, or what PS_EVENT_PROBLEM and PS_EVENT_STOPPED are about */
    const char *text;     /* a sentence or a few words; "" none */
    double seconds;       /* until the next try (PROBLEM) or the next look at everything (IDLE) */
    uint64_t paths;       /* of PS_EVENT_SCANNING */
    uint64_t watched;     /* folders whose changes are told at once */
    int polling;          /* 1: some changes are found only by comparing everything now and then (network folders, limits) */
    const ps_progress *progress;   /* of PS_EVENT_WORKING, else NULL */
    const ps_index_result *result; /* of PS_EVENT_IDLE, else NULL */
} ps_event;

/* Called from the thread that runs ps_watch. */
typedef void (*ps_event_fn)(const ps_event *event, void *payload);

#define PS_WATCH_OPTIONS_VERSION 1
typedef struct ps_watch_options {
    unsigned version;       /* PS_WATCH_OPTIONS_VERSION */
    unsigned flags;         /* PS_INDEX_*, PS_WATCH_*; without PS_INDEX_BACKGROUND it works at the caller's priority */
    int threads;            /* most encoding threads, 1 to 256; 0: one for each processor */
    int once;               /* 1: return when everything is done, with all the manners below */
    double settle_seconds;  /* a file is looked at when it has not changed for so long */
    double rescan_seconds;  /* between looks at everything, the safety net */
    double poll_seconds;    /* the same where changes are not told */
    int min_battery;        /* percent: pause below, unless charging; 0: never */
    double max_temperature; /* degrees C of skin or battery: pause above; 0: never */
    int only_when_charging; /* 1: pause on battery */
    double max_cpu;         /* processors' worth of time that is used at most, 0.5 = half of one; 0: no limit */
    int active_threads;     /* threads while somebody uses the device; 0: pause then */
    double battery_share;   /* on battery, the part of the time that is worked, 0.05 to 1 */
    ps_event_fn event;      /* NULL: none */
    void *payload;          /* handed to event */
} ps_watch_options;
#define PS_WATCH_OPTIONS_INIT                                                                                                    \
    { PS_WATCH_OPTIONS_VERSION, PS_INDEX_BACKGROUND, 0, 0, 2.0, 3600.0, 300.0, 20, 42.0, 0, 0.0, 1, 0.5, NULL, NULL }

/* As ps_index, and then goes on: what changes in the folders is brought to the library within seconds, until ps_cancel. Works only
** when and as much as the options allow. Files that are still being written are left until they settle; renames and moves cost no
** reading; drives that go take nothing with them. What passes (a full disk, a library that another program indexes, a drive that is
** not there) is told as a PS_EVENT_PROBLEM and tried again. `options` may be NULL.
** @return PS_CANCELLED after ps_cancel; PS_OK if options->once; PS_BUSY (another ps_watch, in whatever program, watches this library, or
** this handle indexes), PS_CORRUPT, PS_MODEL, PS_INVALID. Since 0.2. */
PS_API int ps_watch(ps_library *library, const char *const *paths, size_t count, const ps_watch_options *options);

/* 1: this handle's ps_watch pauses before the next photo, one that is begun later, too; 0: it goes on as the device allows. Any
** thread. Since 0.2. */
PS_API void ps_watch_pause(ps_library *library, int paused);

/* Tells this handle's ps_watch that somebody uses the device right now, where the system does not show it. Any thread. Since 0.2. */
PS_API void ps_user_active(ps_library *library);

/* Says that somebody is looking at these files: the run that is going on, or the next one, in whatever program, reads them before
** others. Photos that a search shows by their previews are named so by the library itself. A hint: what is not in the library, or
** read already, is passed over. Since 0.2. */
PS_API int ps_prefer(ps_library *library, const char *const *paths, size_t count);

/* Makes a running ps_index or ps_watch of this handle stop soon and return PS_CANCELLED; without one, does nothing. May be called from any
** thread and from a signal handler. Since 0.1. */
PS_API void ps_cancel(ps_library *library);

/* ---- Changing the model ---- */

/*
** A library that changes its model is never blind: photos get embeddings of both models, and the old ones answer until no photo is left
** without a new one. New photos are encoded by the old model first, as ever, and found at once. Then the new model answers, from one
** search to the next, also in programs that have the library open, and the old embeddings are removed. A few photos whose files
** are away at that time, or can no longer be read, are not waited for: they are encoded when they can be. A fifth of all (and more than 10, or
** half of them) are: the old model goes on answering. What is done is kept whenever this is stopped or killed.
**
** ps_index and ps_watch do this work when they have done their own, unless ps_library_options names the model of now; ps_reencode does
** nothing else.
*/

/* Flags of ps_library_use_model. */
enum {
    PS_USE_KEEP_OLD = 1 /* keep the old embeddings when they answer no more: going back is then quick, and costs their place on disk */
};

/* Lets the library change to the model package `path`; NULL: the usual one, as described at the top. The package must stay where it is. A
** model of the space that answers now answers at once, as does one for a library without photos, or whose own model's package is gone. Naming the model of now ends a change. No photo
** is encoded yet. PS_MODEL: it was refused, or has no image tower. Since 0.4. */
PS_API int ps_library_use_model(ps_library *library, const char *path, unsigned flags);

/* Goes on with a change, wherever the photos are. Photos that wait to be read by the model that answers, or lack its embedding, are read first.
** Options, result and progress as for ps_index. result->switched tells whether it is done. One call at a time for each library, as ps_index.
** @return PS_OK, PS_BUSY, PS_NOTFOUND (the package of the one or the other model is not there), PS_CANCELLED... Since 0.4. */
PS_API int ps_reencode(ps_index_result *result, ps_library *library, const ps_index_options *options);

/* ---- Searching ---- */

/*
** QUERIES. Understood are English and Chinese in full, and German, Portuguese, Indonesian, Spanish and French for times, places and the small
** words around them; docs/queries.md lists what can be said:
**
**   times        "yesterday", "last winter", "in June", "two years ago", "between May and July 2020", "Easter 2019", "at night"
**   places       "in Lisbon", "near Lisbon within 20 km", "in the Alps", "in Europe"
**   attributes   "with the Nikon", "screenshots", "portrait photos", "favourites", "in the folder Holidays", "with flash"
**   logic        "without people", "but not at night", -word, "cats or dogs", "exact words" in quotes, beach:2 (twice the weight)
**
** A place where the library has no photo, and words that only look like a time or a place, stay content; ps_understood.notes say so.
** Filters are exact: the answer is the best of all photos that pass, however few these are.
*/

/* Flags of ps_search_options. */
enum {
    PS_SEARCH_LITERAL = 1, /* take every word as content: nothing is understood as a time, a place or a condition */
    PS_SEARCH_UNIQUE = 2   /* of photos that are nearly the same, only the best. Since 0.3 */
};

/* Values of ps_search_options.order. Since 0.3. */
enum {
    PS_ORDER_AUTO = 0,      /* as the words say ("newest"), else by relevance; without content, newest first */
    PS_ORDER_RELEVANCE = 1, /* best first; without content, newest first */
    PS_ORDER_NEWEST = 2,    /* what matches, by the time it was taken; photos without one come last */
    PS_ORDER_OLDEST = 3
};

#define PS_LIKE_MOST 16 /* example images of one search */

#define PS_SEARCH_OPTIONS_VERSION 3
struct ps_search_options {
    unsigned version;   /* PS_SEARCH_OPTIONS_VERSION */
    unsigned flags;     /* PS_SEARCH_* */
    size_t limit;       /* most photos wanted, 1 to 10000 */
    double least_score; /* leave out what scores lower, 0 to 1 */
    const char *lang;   /* of the sentence, "de" or "pt-BR"; NULL: by the words. Since version 2; what follows, since version 3 */
    int order;          /* PS_ORDER_* */
    const char *after;  /* go on behind this place, which ps_results_next gave; NULL: from the start */
    const char *const *like; /* [like_count] image files that the photos are to look like, beside what the words say; the sentence may
                             ** then be empty */
    size_t like_count;       /* 0 to PS_LIKE_MOST */
    const char *now; /* local time "2026-11-24T12:00:00" that "yesterday" and the like are seen from; NULL: the clock's */
    int southern;    /* 1: where no place tells, "summer" is that of the southern hemisphere */
};
/* ps_similar has no use for lang and what follows it. */
#define PS_SEARCH_OPTIONS_INIT                                                                                                   \
    { PS_SEARCH_OPTIONS_VERSION, 0, 20, 0.0, NULL, PS_ORDER_AUTO, NULL, NULL, 0, NULL, 0 }

/* Photos of the library that look like the image file `path` (which need not be in it; if it is, it is left out). Otherwise as
** ps_search, but the scores are the cosines, with 0 for negative ones, and verdicts are good from 0.8 on, else weak. Since
** 0.1. */
PS_API int ps_similar(ps_results **out, ps_library *library, const char *path, const ps_search_options *options);

/* How well a photo fits; for an answer, how well its best does. */
enum {
    PS_VERDICT_NONE = 0, /* does not match: a guess; as an answer's, nothing in the library does and all listed are guesses */
    PS_VERDICT_WEAK = 1, /* may match */
    PS_VERDICT_GOOD = 2  /* matches */
};

/* One of PS_VERDICT_*; PS_VERDICT_NONE for NULL. Since 0.1. */
PS_API int ps_results_verdict(const ps_results *results);

/* How many photos pass the filters (and are not known to be away), shown or not; without filters, how many there are. 0 for NULL.
** Since 0.3. */
PS_API uint64_t ps_results_passed(const ps_results *results);

/* The place behind the last photo shown, for ps_search_options.after of the same search: what is added to the library or leaves it meanwhile
** makes no photo come twice or be left out. Belongs to the results; NULL: there is nothing more, or more than 10,000 photos were ranked already,
** where a search by content, or with PS_SEARCH_UNIQUE, ends. Since 0.3. */
PS_API const char *ps_results_next(const ps_results *results);

#define PS_HIT_VERSION 3
typedef struct ps_hit { /* strings belong to the results */
    unsigned version;   /* PS_HIT_VERSION */
    int64_t photo;      /* number of the photo, for the life of the library */
    const char *path;   /* one of the files that hold it */
    double score;       /* 0 to 1, see ps_results_score */
    double cosine;      /* of the angle between the two embeddings, -1 to 1 */
    const char *taken;  /* local time "2021-07-04T15:32:10": as the camera noted it, else by the file's name, else when the file was
                        ** last changed; NULL: unknown */
    const char *camera; /* make and model; NULL: unknown */
    int has_position;   /* 1: the next two are known */
    double latitude;    /* degrees north, -90 to 90 */
    double longitude;   /* degrees east, -180 to 180 */
    const char *place;  /* name of the place, "Lisbon, Portugal", in ps_search_options.lang; NULL: unknown */
    int width, height;  /* pixels of the upright photo; 0: unknown */
    int verdict;        /* PS_VERDICT_* of this photo's own score; the best photo's is ps_results_verdict */
    int preview;        /* 1: only its preview was looked at yet; the rest is read soon, and the score may change. Since version 2 */
    const char *taken_by; /* who says when it was taken: "camera", "camera, zone by gps", "gps", "name", "name, day only", "file" (its last
                          ** change); NULL: unknown. Since version 3 */
} ps_hit;
#define PS_HIT_INIT                                                                                                              \
    { PS_HIT_VERSION, 0, NULL, 0.0, 0.0, NULL, NULL, 0, 0.0, 0.0, NULL, 0, 0, PS_VERDICT_NONE, 0, NULL }

/* Fills *out (set up with PS_HIT_INIT) with the i-th photo. PS_NOTFOUND if there is no such photo. Since 0.1. */
PS_API int ps_results_hit(ps_hit *out, const ps_results *results, size_t i);

typedef struct ps_understood_filter { /* strings belong to the results. Since 0.3 */
    const char *kind;    /* "time", "place", "camera", "lens", "flash", "shape", "kind", "type", "folder", "name", "rating", "pixels",
                         ** "bytes", "words", "tag" */
    const char *words;   /* as they stand in the sentence */
    const char *meaning; /* for people: "1 December 2025 to 28 February 2026" */
    int negative;        /* 1: photos must not be so */
    int group;           /* filters of one group are alternatives; of each group one must hold */
} ps_understood_filter;

#define PS_UNDERSTOOD_VERSION 2
typedef struct ps_understood { /* how the sentence was read; strings belong to the results */
    unsigned version;          /* PS_UNDERSTOOD_VERSION */
    const char *text;          /* what was searched for by content; "": nothing */
    const char *from, *to;     /* local times of the first and last second that photos were taken between; NULL: open, or more than one span */
    const char *const *places; /* [place_count] of which one must hold */
    size_t place_count;
    const char *const *nots; /* [not_count] what must not be: in the photo, or of the filters */
    size_t not_count;
    double encode_ms; /* time spent on turning the words into a vector */
    double search_ms; /* on finding and ranking */
    double total_ms;  /* on the whole call */
    /* Since version 2: */
    const ps_understood_filter *filters; /* [filter_count] in the order of the sentence */
    size_t filter_count;
    const char *const *notes; /* [note_count] sentences about words that were taken otherwise than they may be meant */
    size_t note_count;
    int order; /* PS_ORDER_*, as the photos are */
    const char *reading; /* all of it in one line for people: "\"red car\"; in 2021; not at night (21:00 to 5:00)"; NULL: the sentence is content
                         ** and nothing else */
} ps_understood;
#define PS_UNDERSTOOD_INIT                                                                                                       \
    { PS_UNDERSTOOD_VERSION, NULL, NULL, NULL, NULL, 0, NULL, 0, 0.0, 0.0, 0.0, NULL, 0, NULL, 0, PS_ORDER_AUTO, NULL }

/* Fills *out (set up with PS_UNDERSTOOD_INIT). Since 0.1. */
PS_API int ps_results_understood(ps_understood *out, const ps_results *results);

/* ---- On this day ---- */

#define PS_DAY_OPTIONS_VERSION 1
typedef struct ps_day_options {
    unsigned version; /* PS_DAY_OPTIONS_VERSION */
    const char *date; /* "07-04", or "2026-07-04" to look back from another year than this; NULL: today, by the clock */
    int days;         /* also so many days before and after, 0 to 30 */
    size_t limit;     /* most photos of each year, 1 to 10000 */
} ps_day_options;
#define PS_DAY_OPTIONS_INIT                                                                                                      \
    { PS_DAY_OPTIONS_VERSION, NULL, 0, 20 }

/* Photos taken on this day of earlier years: the newest year first, and in it by time. 29 February is the 28th in other years. Photos of
** which only the file's time is known are left out. All score 1. Needs no model. `options` may be NULL. Free *out with ps_results_free; it is
** NULL on failure. PS_OK also if there are none; PS_INVALID. Since 0.3. */
PS_API int ps_on_this_day(ps_results **out, ps_library *library, const ps_day_options *options);

/* ---- Duplicates ---- */

/* Files that hold the same picture: exact copies, and smaller, re-encoded, brightened or slightly cut ones, as they were when the list was
** opened. Told by the photos' perceptual hashes and embeddings together; photos that a camera took at different seconds are never the same. */
typedef struct ps_duplicates ps_duplicates;

#define PS_DUPLICATES_OPTIONS_VERSION 1
typedef struct ps_duplicates_options {
    unsigned version;        /* PS_DUPLICATES_OPTIONS_VERSION */
    double least_similarity; /* least cosine of the embeddings of an edited copy and of the best one, above 0 to 1; 0: the usual, 0.97.
                             ** Copies whose perceptual hashes are nearly the same pass with less */
} ps_duplicates_options;
#define PS_DUPLICATES_OPTIONS_INIT                                                                                               \
    { PS_DUPLICATES_OPTIONS_VERSION, 0.0 }

/* Finds them, in seconds for a hundred thousand photos. Needs no model. `options` may be NULL. Photos of which only the preview was looked
** at are left out, and of photos that an older version indexed only exact copies are found, which the log tells. Free with ps_duplicates_free
** (NULL is fine). Since 0.3. */
PS_API int ps_duplicates_open(ps_duplicates **out, ps_library *library, const ps_duplicates_options *options);
PS_API void ps_duplicates_free(ps_duplicates *duplicates);

/* Number of groups, those first that waste most; 0 for NULL. Since 0.3. */
PS_API size_t ps_duplicates_count(const ps_duplicates *duplicates);

/* Number of files of a group, at least 2, and the bytes of those that are not the best copy; 0 if there is no such group. Since 0.3. */
PS_API size_t ps_duplicates_files(const ps_duplicates *duplicates, size_t group);
PS_API uint64_t ps_duplicates_saves(const ps_duplicates *duplicates, size_t group);

#define PS_DUPLICATE_VERSION 1
typedef struct ps_duplicate { /* strings belong to the list */
    unsigned version;         /* PS_DUPLICATE_VERSION */
    int64_t photo;            /* number of the photo; the same for files of the same bytes */
    const char *path;
    const char *taken; /* local time "2021-07-04T15:32:10"; NULL: unknown */
    int width, height; /* pixels of the upright photo */
    uint64_t bytes;    /* size of the file */
    double similarity; /* cosine to the best copy, 0 to 1 */
    int exact;         /* 1: the same bytes as the best copy */
    int linked;        /* 1: a link to a file before it in the group; whoever deletes must leave it alone */
} ps_duplicate;
#define PS_DUPLICATE_INIT                                                                                                        \
    { PS_DUPLICATE_VERSION, 0, NULL, NULL, 0, 0, 0, 0.0, 0, 0 }

/* Fills *out (set up with PS_DUPLICATE_INIT) with a file of a group; number 0 is the best copy: most pixels, then a camera's date, then most bytes, then oldest.
** The files may have changed since they were indexed. PS_NOTFOUND if there is no such file. Since 0.3. */
PS_API int ps_duplicates_get(ps_duplicate *out, const ps_duplicates *duplicates, size_t group, size_t file);

/* ---- Saved searches ---- */

/* Names for sentences. A sentence is kept as it was written and read anew each time: "last week" goes on meaning the last week. */

#define PS_SAVED_VERSION 1
typedef struct ps_saved { /* strings belong to the list */
    unsigned version;     /* PS_SAVED_VERSION */
    const char *name;
    const char *query;
    const char *lang; /* as in ps_search_options; NULL: by the words */
    unsigned flags;   /* PS_SEARCH_* */
    int64_t made;     /* seconds since 1970, UTC */
} ps_saved;
#define PS_SAVED_INIT                                                                                                            \
    { PS_SAVED_VERSION, NULL, NULL, NULL, 0, 0 }

/* Keeps a sentence in the library under a name; one of that name is replaced, with 1 in *replaced (may be NULL). A name is 1 to 100 bytes of
** UTF-8 without control characters and blanks at its ends, a sentence 1 to 4096 bytes of UTF-8. Of `options` (may be NULL), flags and lang are
** kept. Searching and indexing go on meanwhile. PS_INVALID, PS_FULL, ... Since 0.3. */
PS_API int ps_saved_add(int *replaced, ps_library *library, const char *name, const char *query, const ps_search_options *options);

/* PS_NOTFOUND if there is none of that name. Since 0.3. */
PS_API int ps_saved_remove(ps_library *library, const char *name);

/* The saved searches, by name, as they were when the list was opened. Free with ps_saved_free (NULL is fine). Since 0.3. */
typedef struct ps_saved_list ps_saved_list;
PS_API int ps_saved_open(ps_saved_list **out, ps_library *library);
PS_API void ps_saved_free(ps_saved_list *list);

/* Number of saved searches; 0 for NULL. Since 0.3. */
PS_API size_t ps_saved_count(const ps_saved_list *list);

/* Fill *out (set up with PS_SAVED_INIT) with the i-th, and with the one of that name. PS_NOTFOUND if there is none; its sentence is that of
** ps_last_error(NULL). Since 0.3. */
PS_API int ps_saved_get(ps_saved *out, const ps_saved_list *list, size_t i);
PS_API int ps_saved_find(ps_saved *out, const ps_saved_list *list, const char *name);

/* ---- Tags ---- */

/* Words for what a photo shows, chosen from a vocabulary by comparing the photo's embedding with those of the labels: no more than 8 a photo,
** each a good match by itself and nearly as good as the best. Text searches and filters find them. */

#define PS_TAGS_OPTIONS_VERSION 1
typedef struct ps_tags_options {
    unsigned version;        /* PS_TAGS_OPTIONS_VERSION */
    const char *vocabulary;  /* path of a text file, see photosearch(1); NULL: the built-in one, of some 200 everyday labels in English */
    const char *lang;        /* of the vocabulary, "de" or "pt-BR"; NULL: English */
    ps_progress_fn progress; /* NULL: none. Anything but 0 stops; what is done is kept */
    void *payload;           /* handed to progress */
} ps_tags_options;
#define PS_TAGS_OPTIONS_INIT                                                                                                     \
    { PS_TAGS_OPTIONS_VERSION, NULL, NULL, NULL, NULL }

#define PS_TAGS_RESULT_VERSION 1
typedef struct ps_tags_result {
    unsigned version; /* PS_TAGS_RESULT_VERSION */
    uint64_t labels;  /* of the vocabulary that photos can be tagged with */
    uint64_t photos;  /* that were looked at in this call: those that this vocabulary and model had not tagged yet */
    double seconds;
} ps_tags_result;
#define PS_TAGS_RESULT_INIT                                                                                                      \
    { PS_TAGS_RESULT_VERSION, 0, 0, 0.0 }

/* Tags all photos that were not tagged by this vocabulary and model yet; tags of another vocabulary are replaced. Photos are not
** opened: it takes seconds for a hundred thousand. Searching and indexing may go on meanwhile, in this and other programs. `result` (may be
** NULL) is set up with PS_TAGS_RESULT_INIT and filled on success and on failure. `options` may be NULL.
** @return PS_OK; PS_INVALID (the vocabulary; the sentence names the line), PS_NOTFOUND, PS_MODEL, PS_CANCELLED, ... Since 0.3. */
PS_API int ps_tags_update(ps_tags_result *result, ps_library *library, const ps_tags_options *options);

#define PS_TAG_VERSION 1
typedef struct ps_tag { /* the name belongs to the list */
    unsigned version;   /* PS_TAG_VERSION */
    const char *name;
    uint64_t photos; /* how many have it; 1 in a list of one photo's */
    double score;    /* how well it fits the photo, 0 to 1; the best photo's in a list of all */
} ps_tag;
#define PS_TAG_INIT                                                                                                              \
    { PS_TAG_VERSION, NULL, 0, 0.0 }

/* The tags there are, those of most photos first; with a path, the tags of that photo, best first. Free with ps_tags_free (NULL is
** fine). Needs no model. PS_NOTFOUND: the path is not in the library. Since 0.3. */
typedef struct ps_tags ps_tags;
PS_API int ps_tags_open(ps_tags **out, ps_library *library, const char *path);
PS_API void ps_tags_free(ps_tags *tags);

/* Number of tags; 0 for NULL. Since 0.3. */
PS_API size_t ps_tags_count(const ps_tags *tags);

/* Fills *out (set up with PS_TAG_INIT) with the i-th. PS_NOTFOUND if there is no such tag. Since 0.3. */
PS_API int ps_tags_get(ps_tag *out, const ps_tags *tags, size_t i);

/* ---- The state of a library ---- */

/* What whoever watches or indexes a library is doing. */
enum {
    PS_DOING_NOTHING = 0, /* nobody watches or indexes */
    PS_DOING_IDLE = 1,    /* a watch has done everything and waits for changes */
    PS_DOING_SCAN = 2,    /* as PS_PHASE_SCAN */
    PS_DOING_PREVIEWS = 3,
    PS_DOING_ENCODE = 4,
    PS_DOING_REMOVE = 5,
    PS_DOING_PAUSED = 6, /* see ps_status.why */
    PS_DOING_READ_TEXT = 7 /* a watch reads text in its spare time. Since 0.3 */
};

#define PS_STATUS_VERSION 3
typedef struct ps_status { /* strings are valid until the calling thread's next ps_library_status */
    unsigned version;      /* PS_STATUS_VERSION */
    uint64_t photos;       /* different photos, by content */
    uint64_t files;        /* files that hold them */
    uint64_t pending;      /* files not read in full yet, and photos without an embedding of the current model's space */
    uint64_t failed;       /* files that could not be read and will be tried again */
    uint64_t quarantined;  /* files that failed three times and are left alone until they change */
    uint64_t vectors;      /* embeddings of the current model's space */
    uint64_t bytes;        /* on disk */
    int64_t last_indexed;  /* seconds since 1970, UTC; 0: never */
    const char *model;     /* id of the model that answers; NULL: nothing indexed yet */
    const char *index;     /* cache for searching: "ready", or "stale" or "missing", which the next search mends */
    /* Since version 2: */
    uint64_t previewed;           /* of pending: can be found already, by their previews */
    uint64_t missing;             /* entries of files that are away; they are hidden until the files are back, or dropped when
                                  ** PS_INDEX_ALLOW_REMOVAL or ps_forget says so */
    int doing;                    /* PS_DOING_* */
    int watching;                 /* 1: by a ps_watch */
    int64_t pid;                  /* of the process that does it; 0: nobody */
    uint64_t done, total;         /* files of the phase at hand */
    double photos_per_second;     /* of the phase at hand */
    double seconds_left;          /* negative: unknown */
    double cpu_seconds_per_photo; /* what a photo costs in processor time; 0: not known yet */
    const char *why;              /* why it is paused or slow, or what cannot be done at the moment; NULL: nothing */
    /* Since version 3: */
    const char *next_model;  /* id of the model that the library changes to; NULL: none, and the rest is 0 */
    uint64_t reencoded;      /* photos that it has encoded */
    uint64_t to_reencode;    /* photos that it is still to encode, before it answers */
    uint64_t out_of_reach;   /* photos whose files are away or cannot be read: it does not wait for them */
} ps_status;
#define PS_STATUS_INIT                                                                                                           \
    { PS_STATUS_VERSION, 0, 0, 0, 0, 0, 0, 0, 0, NULL, NULL, 0, 0, PS_DOING_NOTHING, 0, 0, 0, 0, 0.0, -1.0, 0.0, NULL, \
      NULL, 0, 0, 0 }

/* Fills *out (set up with PS_STATUS_INIT). Needs no model. Since 0.1. */
PS_API int ps_library_status(ps_status *out, ps_library *library);

/* Files that could not be indexed, as they were when the list was opened. */
typedef struct ps_failures ps_failures;

#define PS_FAILURE_VERSION 1
typedef struct ps_failure { /* strings belong to the list */
    unsigned version;       /* PS_FAILURE_VERSION */
    const char *path;
    const char *reason; /* a sentence */
    int tries;          /* how often it was tried */
    int quarantined;    /* 1: not tried again until the file changes */
} ps_failure;
#define PS_FAILURE_INIT                                                                                                          \
    { PS_FAILURE_VERSION, NULL, NULL, 0, 0 }

/* Lists the failures, by path. Free with ps_failures_free (NULL is fine). Since 0.1. */
PS_API int ps_failures_open(ps_failures **out, ps_library *library);
PS_API void ps_failures_free(ps_failures *failures);

/* Number of failures; 0 for NULL. Since 0.1. */
PS_API size_t ps_failures_count(const ps_failures *failures);

/* Fills *out (set up with PS_FAILURE_INIT) with the i-th. PS_NOTFOUND if there is no such failure. Since 0.1. */
PS_API int ps_failures_get(ps_failure *out, const ps_failures *failures, size_t i);

/* Drops what the library knows of a file, or of everything in a folder; the photos themselves are not touched, and indexing
** finds them again. *removed (may be NULL) is the number of entries dropped. PS_NOTFOUND if there was none; PS_BUSY. Since 0.1.
** */
PS_API int ps_forget(uint64_t *removed, ps_library *library, const char *path);

/*
** 3. Models
*/

/* An open model package. */
typedef struct ps_model ps_model;

/* Values of ps_model_options.precision. */
enum {
    PS_PRECISION_INT8 = 0,
    PS_PRECISION_FLOAT = 1 /* the same weights in float32, slowly: for verifying */
};

#define PS_MODEL_OPTIONS_VERSION 1
typedef struct ps_model_options {
    unsigned version; /* PS_MODEL_OPTIONS_VERSION */
    int precision;    /* PS_PRECISION_* */
    const char *isa;  /* kernels to use: "reference", "avx2", "avx512vnni"; NULL: the best of this processor */
} ps_model_options;
#define PS_MODEL_OPTIONS_INIT                                                                                                    \
    { PS_MODEL_OPTIONS_VERSION, PS_PRECISION_INT8, NULL }

/* Opens and checks a model package. path NULL: looked up as described at the top. `options` may be NULL. Free with ps_model_free.
** @return PS_OK; PS_NOTFOUND, PS_MODEL (refused, with what is wrong), ... Since 0.1. */
PS_API int ps_model_open(ps_model **out, const char *path, const ps_model_options *options);
PS_API void ps_model_free(ps_model *model);

#define PS_MODEL_INFO_VERSION 3
typedef struct ps_model_info { /* strings belong to the model; NULL: the package does not say */
    unsigned version;          /* PS_MODEL_INFO_VERSION */
    const char *id;            /* what vectors are filed under */
    const char *name;
    const char *model_version;
    const char *space; /* embeddings of models of one space may be compared */
    const char *licence;
    const char *source;
    const char *path;
    const char *image_family; /* NULL: no image tower */
    const char *text_family;  /* NULL: no text tower */
    const char *isa;          /* the kernels in use */
    int dim;                  /* length of an embedding */
    int image_size;           /* pixels a side that the image tower looks at; 0: none */
    int max_tokens;           /* longer texts are cut; 0: no text tower */
    uint64_t bytes;           /* size of the package */
    const char *languages;    /* codes of those its own text tower reads: "en", "en de"; NULL: no text tower. Since version 2 */
    const char *licence_text; /* the whole licence, which travels with an imported model; NULL: the package has none. Since version 3 */
} ps_model_info;
#define PS_MODEL_INFO_INIT                                                                                                       \
    { PS_MODEL_INFO_VERSION, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, 0, 0, NULL, NULL }

/* Fills *out (set up with PS_MODEL_INFO_INIT). Since 0.1. */
PS_API int ps_model_about(ps_model_info *out, const ps_model *model);

#define PS_COMPANION_VERSION 1
typedef struct ps_companion { /* strings belong to the model */
    unsigned version;         /* PS_COMPANION_VERSION */
    const char *path;
    const char *refused; /* the sentence that says why it is not used; NULL: it is. What follows is known only then */
    const char *id;      /* as in ps_model_info */
    const char *name;
    const char *space;     /* the model's */
    const char *languages; /* codes of the languages it reads, a space between each two */
    uint64_t bytes;        /* size of the package */
} ps_companion;
#define PS_COMPANION_INIT                                                                                                        \
    { PS_COMPANION_VERSION, NULL, NULL, NULL, NULL, NULL, NULL, 0 }

/* Number of files beside the package that may be companions; 0 for NULL. Since 0.1. */
PS_API size_t ps_model_companion_count(const ps_model *model);

/* Opens the i-th companion if it was not yet, and fills *out (set up with PS_COMPANION_INIT). PS_OK also for one that is not
** used, and for a file that is a model of its own, whose name only begins like this one's: then neither `refused` nor `id` is set; PS_NOTFOUND if there is no such companion. Since 0.1. */
PS_API int ps_model_companion(ps_companion *out, ps_model *model, size_t i);

/* The embedding of a text: float [dim], of length 1. `text` has `length` bytes. PS_INVALID if it is blank. Since 0.1. */
PS_API int ps_model_embed_text(float *embedding, ps_model *model, const char *text, size_t length);

/* The same for a text in the language `lang`, "de" or "pt-BR"; NULL: by the words. PS_INVALID if no text tower reads it; the
** sentence lists the languages there are. Since 0.1. */
PS_API int ps_model_embed_text_in(float *embedding, ps_model *model, const char *lang, const char *text, size_t length);

/* The embedding of an image file: float [dim], of length 1. PS_NOTFOUND, PS_FORMAT, PS_CORRUPT, PS_TOOBIG, ... Since 0.1. */
PS_API int ps_model_embed_image(float *embedding, ps_model *model, const char *path);

/* The packages on this device: the usual one, and those that were imported, $XDG_DATA_HOME/photosearch/models/NAME.safetensors. */
typedef struct ps_packages ps_packages;

#define PS_PACKAGE_VERSION 1
typedef struct ps_package { /* strings belong to the list; NULL: not known */
    unsigned version;       /* PS_PACKAGE_VERSION */
    const char *name;       /* as imported, "tinyclip"; of the usual one NULL */
    const char *path;       /* "": a model that the library knows, the package of which is not here */
    const char *id;         /* as in ps_model_info; NULL: it cannot be used */
    const char *space;
    const char *licence;
    int dim;
    uint64_t bytes;
    int usual;        /* 1: the one for libraries that have none yet */
    int companion;    /* 1: a text-only package for more languages of the last one before it in the list that is no companion */
    int own;          /* 1: the library answers by it */
    int next;         /* 1: the library is changing to it */
    uint64_t vectors; /* embeddings of its space in the library */
} ps_package;
#define PS_PACKAGE_INIT                                                                                                          \
    { PS_PACKAGE_VERSION, NULL, NULL, NULL, NULL, NULL, 0, 0, 0, 0, 0, 0, 0 }

/* Lists them, as they are now, and what the library (NULL: none) knows of them. Free with ps_packages_free (NULL is fine). Since 0.4. */
PS_API int ps_packages_open(ps_packages **out, ps_library *library);
PS_API void ps_packages_free(ps_packages *packages);
PS_API size_t ps_packages_count(const ps_packages *packages); /* 0 for NULL */
/* Fills *out (set up with PS_PACKAGE_INIT) with the i-th. PS_NOTFOUND if there is none; its sentence is that of ps_last_error(NULL). Since
** 0.4. */
PS_API int ps_packages_get(ps_package *out, const ps_packages *packages, size_t i);

/* Deletes the imported package of that name, and its companions. library (NULL: none) is asked first: PS_BUSY when it answers by that model or
** changes to it, unless force is 1; embeddings in it stay. PS_NOTFOUND: there is none of that name. The sentence is that of
** ps_last_error(NULL). Since 0.4. */
PS_API int ps_package_remove(const char *name, ps_library *library, int force);

/* Runs every tower once, those of companions too, and compares what it gives with the float32 path. *cosine is the smallest
** agreement found (1: the same). PS_MODEL if a tower fails, *cosine is below 0.9, or a companion cannot be used. Since 0.1. */
PS_API int ps_model_verify(double *cosine, ps_model *model);

/* ---- Importing a published model ---- */

typedef enum ps_import_phase {
    PS_IMPORT_MEASURING = 0, /* a first package is written, to see what values go through it; it goes away again */
    PS_IMPORT_WRITING = 1,   /* the package */
    PS_IMPORT_PRECISE = 2,   /* the same in float32, for the report; it goes away again */
    PS_IMPORT_COMPARING = 3  /* the two, for the report */
} ps_import_phase;

/* What INT8 costs at one operation, see ps_import_options.layer. */
typedef struct ps_layer_error {
    const char *name; /* "image.3.fc1" */
    int is_text;      /* 1: of the text tower */
    double error;     /* root mean square of the difference over that of the float32 values; 0 is exact */
    double top;       /* the greatest magnitude among these */
} ps_layer_error;

#define PS_IMPORT_OPTIONS_VERSION 1
typedef struct ps_import_options {
    unsigned version;        /* PS_IMPORT_OPTIONS_VERSION */
    const char *config;      /* config.json or open_clip_config.json, in place of what lies beside the weights; NULL */
    const char *preprocess;  /* preprocessor_config.json in place of what lies there; NULL */
    const char *tokenizer;   /* tokenizer.json, spiece.model, vocab.txt, merges.txt...; NULL */
    const char *licence;     /* in place of what the files say; NULL */
    const char *to;          /* path of the package; NULL: NAME.safetensors in the folder of imported models */
    int replace;             /* 1: a package that is there already is replaced; 0: that is PS_INVALID */
    int precision;           /* PS_PRECISION_INT8; PS_PRECISION_FLOAT: a package of float32 for verifying, four times the size */
    int report;              /* 1: compares the package with float32 afterwards: takes its time, and as much disk as the float32 package */
    const char *const *photos; /* [photo_count] image files that INT8 is fitted to, and compared on for the report; a dozen will do */
    size_t photo_count;
    int (*progress)(int phase, double done, void *payload); /* PS_IMPORT_*, 0..1; not 0 ends the import with PS_CANCELLED; NULL */
    void (*layer)(const ps_layer_error *layer, void *payload); /* for each operation of the report; NULL */
    void *payload;
} ps_import_options;
#define PS_IMPORT_OPTIONS_INIT                                                                                                   \
    { PS_IMPORT_OPTIONS_VERSION, NULL, NULL, NULL, NULL, NULL, 0, PS_PRECISION_INT8, 0, NULL, 0, NULL, NULL, NULL }

#define PS_IMPORTED_VERSION 1
typedef struct ps_imported { /* strings live until the calling thread's next ps_model_import */
    unsigned version;        /* PS_IMPORTED_VERSION */
    const char *path, *id;
    const char *image_names, *text_names; /* whose names the tensors had: "open_clip ViT" */
    const char *licence;
    uint64_t bytes;
    int images, texts; /* that were compared for the report */
    int unreadable;    /* photos that could not be read: INT8 is not fitted to them, nor were they compared */
    double image_mean, image_least, text_mean, text_least; /* cosines of INT8 and float32 embeddings; 0: none were compared */
} ps_imported;
#define PS_IMPORTED_INIT                                                                                                         \
    { PS_IMPORTED_VERSION, NULL, NULL, NULL, NULL, NULL, 0, 0, 0, 0, 0.0, 0.0, 0.0, 0.0 }

/* Turns published weights of a CLIP-family model into a package. source: the folder as its authors publish it, or the file with the weights
** (safetensors, or a PyTorch zip file, of which no code is run). name: what `--model` calls it, 1 to 64 of A-Z a-z 0-9 . _ -. docs/importing.md
** lists the families. Nothing stays behind after a failure, but the package where the report failed: PS_NOTFOUND, PS_MODEL with what is missing or not known, PS_FULL, PS_CANCELLED...
** options may be NULL. Since 0.4. */
PS_API int ps_model_import(ps_imported *out, const char *source, const char *name, const ps_import_options *options);

/*
** 4. Experimental
*/
#ifdef PS_EXPERIMENTAL

#define PS_BENCH_VERSION 1
typedef struct ps_bench {
    unsigned version;         /* PS_BENCH_VERSION */
    double image_ms;          /* pixels to embedding, median, one thread */
    double text_ms;           /* a sentence of 8 words to embedding, median, one thread */
    double decode_ms;         /* a 12-megapixel JPEG to the pixels the model wants, median, one thread */
    double images_per_second; /* encoding on all threads at once */
    int threads;              /* that were used for images_per_second */
} ps_bench;
#define PS_BENCH_INIT                                                                                                            \
    { PS_BENCH_VERSION, 0.0, 0.0, 0.0, 0.0, 0 }

/* Measures the model on this machine, a few seconds long. threads 0: one for each processor. image (may be NULL): an image file
** for decode_ms in place of the built-in test picture. lang (may be NULL): the text tower of this language is measured. */
PS_API int ps_model_bench(ps_bench *out, ps_model *model, int threads, const char *image, const char *lang);

#endif /* PS_EXPERIMENTAL */

#ifdef __cplusplus
}
#endif

#endif
