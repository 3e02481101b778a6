/*
** Photos that somebody waits for: shown by a search from their previews, or on the screen of an app. Whoever shows them leaves their
** numbers in a small file beside the library; the indexer takes them and reads these first. A hint, not a record: what cannot be
** written is dropped, and the file may be deleted at any time. Any thread, any process.
*/
#ifndef PS_STORE_WANTED_H
#define PS_STORE_WANTED_H

#include <stddef.h>
#include <stdint.h>

#define PS__WANTED_MOST 1024 /* numbers the file holds at most */

/* A number is that of a photo, or this of a row of files, for files that have no photo yet. */
#define PS__WANTED_FILE(row) (-(row))

/* folder: of the library. */
void ps__wanted_add(const char *folder, const int64_t *numbers, size_t count);
/* Takes up to `most` numbers out; returns how many. What does not fit is dropped. */
size_t ps__wanted_take(int64_t *numbers, size_t most, const char *folder);

#endif
