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

#endif
