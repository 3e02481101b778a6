/*
** From a parsed sentence to its answer: each clause's filters choose photos, its contents rank them, and what all clauses give is one list,
** of which a page is shown.
*/
#ifndef PS_API_ANSWER_H
#define PS_API_ANSWER_H

#include "api/asks.h"
#include "api/cursor.h"
#include "api/job.h"
#include "api/ranked.h"
#include "search/gallery.h"
#include "search/selection.h"

typedef struct ps__answer_part { /* one clause at work */
    const ps__clause *clause; /* of the query */
    int filtered;             /* 1: only the selection counts; 0: every photo */
    ps__selection selection;  /* owned */
    ps__asks asks;            /* owned; none: the filters alone choose */
} ps__answer_part;

typedef struct ps__answer {
    ps__job *job;
    const ps__gazetteer *places;      /* NULL: there is none */
    ps__table *table;                 /* held; NULL until needed */
    ps__gallery_view view;            /* of the table, for the parser */
    ps__gallery gallery;              /* what answers it from the view; payload NULL: not set up yet */
    ps__index *index;                 /* NULL: nothing was indexed yet, or no content is asked for */
    int space;                        /* of the index */
    int64_t now_s;                    /* local time that the sentence is read at */
    uint64_t fingerprint;             /* of the search, for cursors */
    int has_cursor;                   /* 1: the page begins behind `cursor` */
    ps__cursor cursor;
    float *images;                    /* [options.like_count][dim] owned: examples */
    int64_t left_out[PS_LIKE_MOST];   /* photos of the examples; 0: not in the library */
    ps__answer_part *parts;        /* [part_count] owned */
    size_t part_count;
    int content;                      /* 1: something is looked for by what photos show */
    int order;                        /* PS__ORDER_* */
    const char *lang;                 /* of the contents; NULL: by their words */
} ps__answer;

/* All within a view of the job's store. `sentence` may be blank when there are examples. The results are filled. */
int ps__answer_sentence(ps__job *job, const char *sentence, ps__error *err);

/* The columns' table of this moment, taken when first asked for; it belongs to the answer. */
int ps__answer_table(ps__answer *answer, ps__error *err);

/* ---- page.c ---- */

/* Ranks and shows the page. */
int ps__answer_page(ps__answer *answer, ps__error *err);

#endif
