/*
** Helpers for tests of the search index: libraries full of vectors, without photos or a model.
*/
#ifndef PS_TESTS_VECTORS_H
#define PS_TESTS_VECTORS_H

#include "search/index.h"
#include "tests/store/library.h"

#define VECTORS_DIM 32
#define VECTORS_SPACE "test-space"

/* A vector of length 1 around one of 50 centres, the same for the same seed; halves may be NULL. */
void vectors_make(float *x, uint16_t *halves, unsigned seed);

/* Adds photos from..to-1 to the library in library_dir (made when missing); photo i holds vector i. Returns the number of the
** space. */
int vectors_add(unsigned from, unsigned to);

/* The store's id of photo i; 0 when it is not there. */
int64_t vectors_photo(ps__store *store, unsigned i);

/* Forgets photos from..to-1. */
void vectors_forget(unsigned from, unsigned to);

/* The index of library_dir; the test fails when it cannot be made. */
ps__index *vectors_index(ps__store *store);

/* Fails unless each of photos from..to-1, searched for by its own vector, comes first with a cosine of 1. */
void vectors_expect_found(ps__index *index, ps__store *store, unsigned from, unsigned to);

/* How many of the true `want` nearest photos to `queries` random queries are found, 0 to 1, among photos from..to-1. Fails where
** a cosine is not the exact one. */
double vectors_recall(ps__index *index, ps__store *store, unsigned from, unsigned to, size_t want, int queries);

/* Files in library_dir whose name ends so; the path of one of them in `path` (may be NULL). */
int vectors_files(char path[LIBRARY_PATH], const char *ending);

#endif
