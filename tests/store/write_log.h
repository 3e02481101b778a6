/*
** A disk that can lose its power at any moment: every change that SQLite (through a VFS of its own) and the library (through ps__os)
** make below one folder is written down, with its data, and folders can be made that hold what a device might hold after a power
** cut at any point of that list.
**
** What a device may do, here: keep everything that was written to a file before the last fsync of that file. Of what was written
** after that, keep any sectors of 512 bytes and forget the others, in any order; grow a file without its data. Names (made,
** removed, renamed, folders too) stay for certain only after an fsync of their folder; those that were not synced may be there or not,
** each for itself.
*/
#ifndef PS_TESTS_WRITE_LOG_H
#define PS_TESTS_WRITE_LOG_H

#include <stddef.h>

/* Begins a list for what is below `folder`; what is there now is on the device for good. Connections opened before are not followed.
** From then on nothing that SQLite writes is really synced, which saves time. One list at a time. */
void write_log_start(const char *folder);
/* Writes down nothing more; the list stays until the next start. ps__os gets its former entries back. */
void write_log_stop(void);

/* Events in the list. */
size_t write_log_count(void);
/* 1 when event i is an fsync of a file whose name ends so. */
int write_log_is_sync(size_t i, const char *ending);
/* A note among the events, and how many of them are among the first `cut`. Any thread. */
void write_log_note(void);
int write_log_notes(size_t cut);

/* Makes `to` (which must not exist) as the folder is after the first `cut` events: with all of them done when seed is 0, else as a
** device might have left it. The same seed makes the same folder. */
void write_log_rebuild(const char *to, size_t cut, unsigned seed);

/* In the list's numbers, for the record: fsyncs of files and of folders. */
size_t write_log_syncs(void);

#endif
