/*
** The command line of photosearch-pull.
*/
#ifndef PS_PULL_OPTIONS_H
#define PS_PULL_OPTIONS_H

#include <stddef.h>

#include "pull/sha256.h"
#include "pull/table.h"

enum { PULL_WHAT_PULL, PULL_WHAT_LIST, PULL_WHAT_DRY_RUN, PULL_WHAT_LICENCE };

typedef struct pull_options { /* strings point into argv */
    int what;                 /* PULL_WHAT_* */
    const char *model;        /* NULL only with --list */
    const char *name;         /* --name: what the import calls it; the model's own name unless told */
    const char *table;        /* --table */
    const char *from;         /* --from: a mirror */
    const char *folder;       /* --folder: where models' folders are; NULL: the usual place */
    const char *accepted;     /* --accept-licence */
    const char *program;      /* --photosearch: who imports; NULL: looked for */
    struct {
        const char *file; /* NULL: the one that has none */
        size_t file_length;
        char hex[PULL_SHA256_HEX];
    } sums[PULL_FILES_MOST]; /* [sum_count] --sha256 */
    int sum_count;
    int unverified, insecure_http, no_import, keep, replace, json, quiet;
    int tries;         /* --retries and one */
    double retry_wait; /* --retry-wait: seconds before the second try; doubles each time */
    int timeout;       /* --timeout: seconds without a byte */
} pull_options;

/* -1 to go on, else an exit status to end with. */
int pull_options_parse(pull_options *o, int argc, char **argv);

/* The checksum that the command line gives for a file of the model, NULL when none. `alone`: 1 when it is the model's only file
** without a checksum in the table. */
const char *pull_options_sum(const pull_options *o, const char *file, int alone);

#endif
