/*
** Several contents as one query. What a content gives a photo is a calibrated score, a logistic function of the cosine (encoder/score.h).
** The scores of all that is to be there are averaged by their weights, and what is not to be there is taken off, on the logistic's linear
** side (log-odds):
**
**     log-odds = sum_i w_i (slope_i cos_i + offset_i) / sum_i w_i  -  REPULSION sum_n w_n slope_n (away_n . photo)
**
** where away_n is the vector of what is not to be there, less its part along the sum of what is: "an animal, not a dog" must not avoid animals.
** That is linear in the photo's vector, so all of it together is one vector to be searched for and one scorer: filters, exact top k and paging
** know nothing of it. Measured on 20 pairs ("a dog", not "snow") over 7,091 captioned photos: of the first 20, 74 % are right without
** repulsion, 82 % with 0.8, 83 % when the score is then multiplied by 1 - that of what is not to be there (api/page.c), and 12 % when "without snow" is left in the sentence (docs/benchmarks.md).
*/
#ifndef PS_SEARCH_BLEND_H
#define PS_SEARCH_BLEND_H

#include "encoder/score.h"

typedef struct ps__blend {
    double *toward;   /* [dim] owned: weighted sum over what is to be there */
    double *away;     /* [dim] owned: the same for what is not, whole */
    double offset;    /* weighted, of what is to be there */
    double weight;    /* sum of those weights */
    double weak, good; /* weighted limits of the verdicts */
    int dim;
} ps__blend;

/* Free with ps__blend_clear, also after a failure. */
int ps__blend_begin(ps__blend *out, int dim, ps__error *err);
void ps__blend_clear(ps__blend *blend);
/* vector: float [dim], of length 1. weight != 0; below 0: is not to be there. */
void ps__blend_add(ps__blend *blend, const float *vector, const ps__scorer *scorer, double weight);
/* query: float [dim], of length 1, and the scorer of its cosines. PS__INVALID: nothing is to be there, or the contents cancel each other out. */
int ps__blend_end(float *query, ps__scorer *scorer, const ps__blend *blend, ps__error *err);

#endif
