/*
** A layer between SQLite and the disk that can be told to fail: the disk is full, or a write goes wrong, from the n-th write on.
*/
#ifndef PS_TESTS_FAULTY_VFS_H
#define PS_TESTS_FAULTY_VFS_H

/* Puts the layer in, for all connections opened from now on in this process. Harmless until told otherwise. */
void faulty_vfs_install(void);

/* After `writes` more writes or syncs, each further one returns `code` (an SQLite result code), until writes is set to -1. */
void faulty_vfs_fail_after(long writes, int code);

/* Writes and syncs since the last faulty_vfs_fail_after. */
long faulty_vfs_count(void);

/* From now on syncs that do not fail do nothing, for tests in which nothing has to last. */
void faulty_vfs_skip_syncs(void);

/* Call number `nth` (0 is the first; negative: none) of any kind - open, read, write, sync, truncate, size, lock, shared memory,
** delete, access, path - fails once with the code that suits it. Unlocking and closing always work. */
void faulty_vfs_fail_one(long nth);

/* Calls since then; the name of the one that failed, NULL when none did. */
long faulty_vfs_calls(void);
const char *faulty_vfs_failed(void);

#endif
