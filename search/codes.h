/*
** Codes: vectors in 8 bits a number, of which it is known how far off they are, so that a scan over them can rule photos out for
** certain.
**
** A vector x is kept as integers c [-127..127], a scale s and the length of the rest x - s c, its *error*. Its cosine to a query
** q then lies within |q| times the error of s (q . c), by Cauchy and Schwarz. The query is rounded to 16 bits, and what that
** costs is added. The products are exact integers, so bounds are the same on every processor.
**
** Codes that are filled may be scanned by any number of threads at once.
*/
#ifndef PS_SEARCH_CODES_H
#define PS_SEARCH_CODES_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* One of the things that are searched for. Members of a group are alternatives: the nearest one to the photo counts. The groups'
** best cosines are multiplied by their weights and added up. */
typedef struct ps__probe {
    const float *vector; /* [dim] of length 1 */
    double weight;       /* of its group; negative: to be avoided. Members of a group have the same */
    int group;           /* members of a group follow one another */
} ps__probe;

/* Score of a photo with these cosines [count]. */
double ps__probes_score(const ps__probe *probes, const double *cosines, size_t count);

/* Probes made ready for scanning. */
typedef struct ps__code_query ps__code_query;

/* Probes [count >= 1] are copied, their vectors included. Free with ps__code_query_free (NULL is fine). */
int ps__code_query_new(ps__code_query **out, const ps__probe *probes, size_t count, int dim, ps__error *err);
void ps__code_query_free(ps__code_query *query);

/* What a photo's score is at most. */
typedef struct ps__bound {
    double most;
    int64_t photo;
} ps__bound;

typedef struct ps__bounds {
    ps__bound *list; /* [count] owned */
    size_t count, room;
} ps__bounds;

int ps__bounds_add(ps__bounds *bounds, int64_t photo, double most, ps__error *err);
/* Turns the list into a heap, and takes the greatest out of it. */
void ps__bounds_heap(ps__bounds *bounds);
ps__bound ps__bounds_pop(ps__bounds *bounds);

/* The bound that a vector itself, as floats, gives. */
double ps__code_query_bound(const ps__code_query *query, const float *vector);

typedef struct ps__codes ps__codes;

/* For up to `room` vectors of length dim. Free with ps__codes_free (NULL is fine). */
int ps__codes_new(ps__codes **out, int dim, size_t room, ps__error *err);
void ps__codes_free(ps__codes *codes);

/* Vectors [n][dim], all finite, of photos in ascending order (also over calls; PS__INVALID otherwise). */
int ps__codes_add(ps__codes *codes, const int64_t *photos, const float *vectors, size_t n, ps__error *err);

/* The pieces that make up the codes' form on disk, one after the other; they belong to the codes. */
typedef struct ps__piece {
    const void *bytes;
    size_t size;
} ps__piece;
void ps__codes_pieces(ps__piece out[3], const ps__codes *codes);

/* Codes in that form, 8-byte aligned, as memory that somebody else owns and keeps. PS__CORRUPT when they are not of `size`
** bytes. */
int ps__codes_view(ps__codes **out, const uint8_t *bytes, size_t size, int dim, size_t count, ps__error *err);

/* Adds a bound for each of photos [count], ascending, that the codes have; of all they have, if photos is NULL. */
int ps__codes_scan(ps__bounds *bounds, const ps__codes *codes, const ps__code_query *query, const int64_t *photos, size_t count,
                   ps__error *err);

#endif
