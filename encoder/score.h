/*
** From a cosine to a score that may be compared between queries, by what a text package was calibrated with:
**
**     score = 1 / (1 + exp(-(a*cosine + b + c*m + d*s)))
**
** m and s are the mean and the standard deviation of the query's cosines with a fixed bank of background photos: some queries
** lie near to every photo, others far from all, and without the two a cosine of 0.2 would mean different things for them. The
** bank belongs to the image space, so it lies in the package with the image tower and serves every text tower.
*/
#ifndef PS_ENCODER_SCORE_H
#define PS_ENCODER_SCORE_H

#include <stdint.h>

#include "base/status.h"

struct ps__package; /* package/package.h */

typedef struct ps__calibration { /* of one text tower */
    double a, b, c, d;           /* as above; a > 0 */
    double weak, good;           /* best score below weak: nothing matched; from good on: a match */
} ps__calibration;

/* Reads `calibration` of the metadata; a package without one gets a cautious guess. PS__MODEL when it makes no sense. */
int ps__calibration_read(ps__calibration *out, const struct ps__package *package, ps__error *err);

typedef struct ps__background { /* points into the package */
    const int8_t *levels;       /* [count][dim], to be multiplied by scale; NULL: floats are used */
    const float *scale;         /* [count] */
    const float *floats;        /* [count][dim] */
    int count, dim;             /* count 0: the package has no bank */
} ps__background;

/* Reads tensor image.background, if there is one. PS__MODEL when its type or shape is wrong. */
int ps__background_read(ps__background *out, const struct ps__package *package, int dim, ps__error *err);

/* Mean and standard deviation (of the whole bank, not an estimate for more) of the query's cosines. query: float [dim]. */
void ps__background_statistics(double *mean, double *deviation, const ps__background *bank, const float *query);

typedef struct ps__scorer { /* of one query */
    double slope, offset;   /* score = 1 / (1 + exp(-(slope*cosine + offset))) */
    double weak, good;      /* as in ps__calibration */
} ps__scorer;

/* For a query whose vector, float [dim], the calibrated tower gave. Without a bank (NULL or empty) c and d count for nothing. */
void ps__scorer_set(ps__scorer *out, const ps__calibration *calibration, const ps__background *bank, const float *query);

/* Cosine to a score in 0..1. */
double ps__scorer_score(const ps__scorer *scorer, float cosine);

#endif
