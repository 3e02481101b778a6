/*
** Tables of models that can be pulled: names, addresses, sizes, checksums and licences, in plain text. pull/published.table
** begins with the grammar. Tables are untrusted input: names of files never leave a folder, addresses are of a plain form, and
** what does not fit is refused with the file and the line.
*/
#ifndef PS_PULL_TABLE_H
#define PS_PULL_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "pull/sha256.h"

enum { PULL_FILES_MOST = 64, PULL_TABLE_BYTES = 4 << 20, PULL_NAME_MOST = 100 };

/* What a licence leaves out. */
enum { PULL_ANY_USE, PULL_NON_COMMERCIAL, PULL_RESEARCH_ONLY };

typedef struct pull_file {
    char *name, *url;
    int64_t size;                 /* bytes; -1 not known */
    char sha256[PULL_SHA256_HEX]; /* "" not known */
} pull_file;

typedef struct pull_licence {
    char *name;   /* one word, for --accept-licence */
    char *title;  /* for people */
    char *page;   /* where it can be read; NULL */
    char *fetch;  /* address of the text; NULL when text is there */
    ps__buf text; /* lines, each ended by a newline */
    int limits;   /* PULL_* below */
    int table;    /* number of the table it is of */
} pull_licence;

typedef struct pull_model {
    char *name, *note, *licence; /* note may be NULL */
    pull_file files[PULL_FILES_MOST];
    size_t file_count;
    int by_hand;     /* 1: its files do not say everything that an import needs */
    int table, line; /* where it was found */
} pull_model;

typedef struct pull_table { /* several tables, the first read first; all belongs to it */
    pull_model **models;
    size_t model_count;
    pull_licence **licences;
    size_t licence_count;
    char **origins; /* [origin_count] names of the tables */
    int origin_count;
} pull_table;

/* Adds a table. A name that an earlier table has stays that one's. PS__FORMAT with "ORIGIN:LINE: reason". */
int pull_table_add(pull_table *t, const char *text, size_t length, const char *origin, ps__error *err);
/* The same from a file; PS__NOTFOUND when there is none. */
int pull_table_add_file(pull_table *t, const char *path, ps__error *err);
void pull_table_free(pull_table *t);

/* NULL when there is none. */
const pull_model *pull_table_model(const pull_table *t, const char *name);
/* A model's licence: of its own table, else of the first that has one of that name. Never NULL for a model of a table that was
** taken. */
const pull_licence *pull_table_licence(const pull_table *t, const pull_model *model);

/* "for research only, not for commercial use", "not for commercial use", or "" when anything goes. */
const char *pull_licence_limits(const pull_licence *licence);

/* 1 for a name that stays in its folder and has no surprises: letters, digits and ._- , no dot first, PULL_NAME_MOST bytes at
** most. */
int pull_name_is_safe(const char *name);

/* The table that comes with the program. */
extern const char pull_published_table[];

#endif
