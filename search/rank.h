/*
** From candidates to answers: exact scores by the stored vectors, the order, and whether the best of them is a match at all.
*/
#ifndef PS_SEARCH_RANK_H
#define PS_SEARCH_RANK_H

#include "encoder/score.h"
#include "search/segment.h"
#include "store/store.h"

/* Best first; equal cosines by photo id, so that an answer is the same at every run. */
void ps__rank_sort(ps__candidate *candidates, size_t count);

/* Drops all but the best of each photo; sorted on return. */
void ps__rank_unique(ps__candidate *candidates, size_t *count);

/* Replaces the cosines by exact ones, computed from the vectors of `space` in the store (a half has 11 significant bits), drops
** photos that have no (or a damaged) vector there, and sorts. query: float [dim], of length 1. */
int ps__rank_exact(ps__candidate *candidates, size_t *count, ps__store *store, int space, const float *query, int dim,
                   ps__error *err);

/* The same for the score of several probes (codes.h), which takes the cosine's place. */
int ps__rank_probes(ps__candidate *candidates, size_t *count, ps__store *store, int space, const ps__probe *probes, size_t probe_count,
                    int dim, ps__error *err);
/* Of one vector [dim]: the score, made of exact cosines. */
int ps__rank_score(float *score, const ps__probe *probes, size_t probe_count, const float *vector, int dim, ps__error *err);

/* How many of the sorted candidates to show: at most `limit`, none whose score is below `least_score`. */
size_t ps__rank_cut(const ps__candidate *candidates, size_t count, const ps__scorer *scorer, size_t limit, double least_score);

enum { PS__VERDICT_NONE = 0, PS__VERDICT_WEAK = 1, PS__VERDICT_GOOD = 2 };

/* PS__VERDICT_* of one photo with this score, by the limits that the query's text tower was calibrated with. */
int ps__rank_score_verdict(double score, const ps__scorer *scorer);

#endif
