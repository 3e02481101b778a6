/*
** Sums of vectors and of log-odds; see blend.h.
*/
#include "search/blend.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"

#define REPULSION 0.8 /* of a content that is not to be there, against one of weight 1 that is */

int ps__blend_begin(ps__blend *out, int dim, ps__error *err) {
    memset(out, 0, sizeof *out);
    out->dim = dim;
    out->toward = ps__calloc((size_t)dim, sizeof *out->toward);
    out->away = ps__calloc((size_t)dim, sizeof *out->away);
    return out->toward && out->away ? PS__OK : ps__fail_nomem(err);
}

void ps__blend_clear(ps__blend *blend) {
    ps__free(blend->toward);
    ps__free(blend->away);
    memset(blend, 0, sizeof *blend);
}

void ps__blend_add(ps__blend *blend, const float *vector, const ps__scorer *scorer, double weight) {
    double *sum = weight > 0 ? blend->toward : blend->away;
    double factor = fabs(weight) * scorer->slope * (weight > 0 ? 1 : REPULSION);
    for (int i = 0; i < blend->dim; i++) sum[i] += factor * (double)vector[i];
    if (weight <= 0) return;
    blend->offset += weight * scorer->offset;
    blend->weak += weight * scorer->weak;
    blend->good += weight * scorer->good;
    blend->weight += weight;
}

static double dot(const double *a, const double *b, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

int ps__blend_end(float *query, ps__scorer *scorer, const ps__blend *blend, ps__error *err) {
    int dim = blend->dim;
    double w = blend->weight, squares = dot(blend->toward, blend->toward, dim);
    if (!(w > 0)) return ps__fail(err, PS__INVALID, "the query says only what is not to be there");
    if (!(squares > 1e-12) || !isfinite(squares)) return ps__fail(err, PS__INVALID, "the contents of the query cancel each other out");
    /* What is avoided stands at a right angle to what is wanted: the sum is never shorter than that. */
    double shared = dot(blend->away, blend->toward, dim) / squares, toward = 1 / w + shared;
    double length = sqrt(squares / (w * w) + dot(blend->away, blend->away, dim) - shared * shared * squares);
    for (int i = 0; i < dim; i++) query[i] = (float)((toward * blend->toward[i] - blend->away[i]) / length);
    *scorer = (ps__scorer){.slope = length, .offset = blend->offset / w, .weak = blend->weak / w, .good = blend->good / w};
    return PS__OK;
}
