/*
** A segment: one immutable FAISS index over a bag of up to PS__SEGMENT_MAX photos' vectors, and its file beside the library.
**
** A segment gives candidates, quickly and nearly right (8 bits a number, inverted lists of which a part is looked at); who asks
** scores them again by the exact vectors. Small segments have one list and are scanned whole. Once trained and filled, a segment
** may be searched by any number of threads at once.
**
** Beside FAISS's index lie the same vectors as codes (codes.h), in the order of photos: for searches that must be exact, among
** some of the photos.
**
** Its file is FAISS's own serialisation, the codes, and a trailer with checksums (XXH3) of both. Nothing is handed to FAISS
** before its checksum was verified, because FAISS trusts the sizes it reads. The inverted lists and the codes stay in the file,
** mapped; the codes are verified when they are first used.
*/
#ifndef PS_SEARCH_SEGMENT_H
#define PS_SEARCH_SEGMENT_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "search/codes.h"

#define PS__SEGMENT_MAX ((size_t)65536) /* photos: bounds the time and memory that one (re)build takes */

typedef struct ps__segment ps__segment;

/* An empty segment for about `expected` vectors (1..PS__SEGMENT_MAX) of length dim. Free with ps__segment_free (NULL is fine). */
int ps__segment_new(ps__segment **out, int dim, size_t expected, ps__error *err);
void ps__segment_free(ps__segment *segment);

/* How many vectors ps__segment_train wants, spread evenly over those that will be added; at most `expected`. */
size_t ps__segment_sample(const ps__segment *segment);

/* Trains on vectors [n][dim], n >= 1, all finite. Once, before the first add. */
int ps__segment_train(ps__segment *segment, const float *vectors, size_t n, ps__error *err);

/* Adds vectors [n][dim] of photos [n], all finite. A segment whose photos do not come in ascending order gets no codes. */
int ps__segment_add(ps__segment *segment, const int64_t *photos, const float *vectors, size_t n, ps__error *err);

/* Number of vectors inside. */
size_t ps__segment_count(const ps__segment *segment);

/* Writes the segment to `path` and syncs it; giving it its final name is for the caller. *checksum names exactly these contents.
** */
int ps__segment_save(uint64_t *checksum, const ps__segment *segment, const char *path, ps__error *err);

/* Opens a segment's file. PS__CORRUPT: it is not what ps__segment_save wrote under `checksum`, or not of this dim. */
int ps__segment_load(ps__segment **out, const char *path, int dim, uint64_t checksum, ps__error *err);

/* The photos of the segment, in no order: photos [ps__segment_count]. */
void ps__segment_photos(int64_t *photos, const ps__segment *segment);

typedef struct ps__candidate {
    int64_t photo; /* id in the store */
    float cosine;  /* to the query: approximate from a segment, exact after ranking */
} ps__candidate;

/* The k photos nearest to query [dim], best first; *count <= k. */
int ps__segment_search(ps__candidate *out, size_t *count, const ps__segment *segment, const float *query, size_t k,
                       ps__error *err);

/* Adds an upper bound of the score for each of photos [count], ascending, that is in the segment; of all there are, if photos is
** NULL. INFINITY where the segment's codes are missing or damaged. */
int ps__segment_bounds(ps__bounds *bounds, const ps__segment *segment, const ps__code_query *query, const int64_t *photos,
                       size_t count, ps__error *err);

#endif
