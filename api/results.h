/*
** What an answer is made of, before it becomes public.
*/
#ifndef PS_API_RESULTS_H
#define PS_API_RESULTS_H

#include "api/handles.h"
#include "api/cursor.h"
#include "api/understood.h"
#include "search/query.h"
#include "search/rank.h"

typedef struct ps__hit {
    char *path;      /* owned */
    double score;    /* 0..1 */
    double cosine;   /* -1..1 */
    int verdict;     /* PS_VERDICT_* of this score alone */
    char *camera;    /* "make model"; NULL: unknown; owned */
    char *place;     /* "Lisbon, Portugal"; NULL: unknown; owned */
    ps__photo photo; /* as the store has it */
} ps__hit;

struct ps_results {
    ps__query query; /* how the sentence was read; all zero for similar photos */
    ps__hit *hits;   /* [count] owned */
    size_t count;
    int verdict;                  /* PS_VERDICT_* */
    int order;                    /* PS__ORDER_* */
    uint64_t passed;              /* photos that pass the filters */
    char next[PS__CURSOR_TEXT];   /* "": there is nothing more */
    ps__understood understood;    /* of the query */
    const ps__gazetteer *places;  /* the library's, while the results are made; NULL: places have no names */
    const char *lang;             /* of those names, for as long */
    double encode_ms, search_ms, total_ms;
};

/* Appends the candidate with what the store knows of it; one whose photo is gone by now, or whose files are all away, is passed
** over. verdict: PS_VERDICT_* */
int ps__results_add(ps_results *results, ps__store *store, const ps__candidate *candidate, double score, int verdict,
                    ps__error *err);

/* Takes all photos out again. */
void ps__results_clear(ps_results *results);

#endif
