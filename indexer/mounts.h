/*
** What is mounted where, as far as it concerns some folders: a drive that comes or goes is noticed, a container or a memory stick that has
** nothing to do with the photos is not.
*/
#ifndef PS_INDEXER_MOUNTS_H
#define PS_INDEXER_MOUNTS_H

#include <stddef.h>
#include <stdint.h>

/* A number that changes when a mount at, above or below one of the folders does. `text` is that of /proc/self/mountinfo (proc(5)). */
uint64_t ps__mounts_hash(const char *text, const char *const *folders, size_t count);

/* The same for the file at path. 0: it could not be read. */
uint64_t ps__mounts_read(const char *path, const char *const *folders, size_t count);

#endif
