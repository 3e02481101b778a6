/*
** Zero-shot tags: which labels of a vocabulary a photo gets, by its vector and theirs.
**
** A label is a tag when its calibrated score is that of a good match, and when no other label fits much better: its odds are at
** least a third of the best one's. Without the second, every cat would be a tiger and a lion too: labels of one kind lie near to
** each other, and what is near to one is near to all. On photos with known contents it takes wrong tags down from some two thirds
** to a quarter (docs/tags.md).
*/
#ifndef PS_SEARCH_TAGGER_H
#define PS_SEARCH_TAGGER_H

#include <stddef.h>

#include "encoder/score.h"

#define PS__TAGS_MOST 8 /* tags of a photo */

typedef struct ps__tagger ps__tagger;

/* For `labels` labels and vectors of length dim. Free with ps__tagger_free (NULL is fine). */
int ps__tagger_new(ps__tagger **out, size_t labels, int dim, ps__error *err);
void ps__tagger_free(ps__tagger *tagger);

/* Label number `label`: vector is float [dim] of length 1; competes as in ps__label. All are to be set before photos are
** tagged. */
void ps__tagger_set(ps__tagger *tagger, size_t label, const float *vector, const ps__scorer *scorer, int competes);

typedef struct ps__tag_choice {
    size_t label;
    double score; /* 0..1, calibrated */
} ps__tag_choice;

/* The tags of a photo with this vector, float [dim], the best first; returns how many. A vector that is not finite gets none.
** Any number of threads at once. */
size_t ps__tagger_choose(ps__tag_choice out[PS__TAGS_MOST], const ps__tagger *tagger, const float *vector);

#endif
