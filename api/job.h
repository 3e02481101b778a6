/*
** One search under way: what ps_search and ps_similar share.
*/
#ifndef PS_API_JOB_H
#define PS_API_JOB_H

#include "api/results.h"

#define PS__LIMIT_MOST 10000

typedef struct ps__job {
    ps_library *library;
    ps_search_options options;
    ps__store *store;    /* taken from the library's pool */
    ps_model *model;     /* the library's; NULL until ps__job_model */
    ps_results *results; /* owned until it is handed out */
    int64_t started_ns;
} ps__job;

/* Answers a question: a sentence, or the path of an image. */
typedef int ps__job_fn(ps__job *job, const char *question, ps__error *err);

/* One search from beginning to end. options may be NULL. A library that changed its model meanwhile is asked again, as some of the vectors
** that were compared may have been removed already. */
int ps__job_run(ps_results **out, ps_library *library, const ps_search_options *options, ps__job_fn *fn, const char *question,
                ps__error *err);

/* Opens the model if it was not yet. */
int ps__job_model(ps__job *job, ps__error *err);

/* vector: float [dim] of an image file: from the library where it knows the content, else encoded. *photo is its number; 0: it has none. */
int ps__job_image(float *vector, int64_t *photo, ps__job *job, const char *path, ps__error *err);

/* Photos of the answer that are shown by their previews are waited for: the indexer reads these first. */
void ps__job_want_previews(const ps__job *job);

double ps__since_ms(int64_t start_ns);

#endif
