/*
** Looking at a library after something happened to it: is it sound, is nothing in it twice, what does it hold.
*/
#ifndef PS_TESTS_INSPECT_H
#define PS_TESTS_INSPECT_H

#include "tests/store/library.h"

typedef struct inspect_photos { /* contents with a vector in some space, as one reader saw them */
    uint8_t (*hashes)[16];      /* owned */
    size_t count;
    int64_t last_change; /* number of the last change */
} inspect_photos;

/* Of the library in `folder`; empty where there is none yet. `without`: only photos with a path that does not begin so (NULL: all,
** also those without any path). Free with inspect_free. */
void inspect_photos_of(inspect_photos *out, const char *folder, const char *without);
void inspect_free(inspect_photos *photos);
int inspect_has(const inspect_photos *photos, const uint8_t hash[16]);

/* Vectors written after change number `after`. */
int64_t inspect_puts(const char *folder, int64_t after);

/* Fails the test unless the database is whole, no photo and no path is there twice, every row points at one that exists, and the
** counters count right. A folder without a library is sound. */
void inspect_sound(const char *folder);

/* Everything that two libraries of the same photos and model must agree in, as text: each path with its content and its vector in
** `space`, and all contents. Owned by the caller (ps__free); "" where there is no library yet. Failures are told
** without their number of tries. */
char *inspect_text(const char *folder, const char *space);

/* Files in the folder that are neither the database nor a lock nor a finished cache. */
int inspect_temp_files(const char *folder);

/* Opens the library as a writer and asks for its counts, which replays what a dead writer left: the time it took in ms. */
double inspect_reopen_ms(const char *folder);

#endif
