/*
** Helpers for tests that need a library on disk: a temporary folder that is removed at the end, and photos made of nothing.
*/
#ifndef PS_TESTS_LIBRARY_H
#define PS_TESTS_LIBRARY_H

#include "store/files.h"

#define LIBRARY_DIM 8
#define LIBRARY_PATH 4096

extern char library_temp[LIBRARY_PATH]; /* this test's folder */
extern char library_dir[LIBRARY_PATH];  /* library_temp/library; not made yet */

/* Checked fixtures: make and remove library_temp. */
void library_setup(void);
void library_teardown(void);
void library_remove_tree(const char *path);

/* Opens library_dir with these flags; the test fails with the sentence when it cannot. */
ps__store *library_open(unsigned flags);

/* A photo with content `content` (the hash is made from it), as if indexed at `path`. Returns its id. model "m-1" of space "s". */
int64_t library_add(ps__store *store, const char *path, const char *content);
/* The vector that library_add gave: element i is (first byte of content + i) / 256. */
void library_vector(uint16_t halves[LIBRARY_DIM], const char *content);

/* 1 if needle is in text. */
int library_says(const char *text, const char *needle);

#endif
