/*
** Every call into the operating system that the library makes itself (SQLite has its own table), in one struct of function
** pointers. The library calls `ps__os.open(...)`, never open(2), so that a test can replace one entry and make it fail.
** The table is set before any other call and only tests ever write to it; it is not guarded against change while in use.
*/
#ifndef PS_BASE_OS_H
#define PS_BASE_OS_H

#include <dirent.h>
#include <pthread.h>
#include <poll.h>
#include <spawn.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>

#include "base/status.h"

struct ps__os {
    int (*open)(const char *path, int flags, mode_t mode); /* adds O_CLOEXEC */
    int (*openat)(int dir, const char *name, int flags);   /* adds O_CLOEXEC */
    int (*close)(int fd);
    ssize_t (*read)(int fd, void *buffer, size_t size);
    ssize_t (*pread)(int fd, void *buffer, size_t size, off_t offset);
    ssize_t (*write)(int fd, const void *buffer, size_t size);
    ssize_t (*pwrite)(int fd, const void *buffer, size_t size, off_t offset);
    int (*fstat)(int fd, struct stat *st);
    int (*stat)(const char *path, struct stat *st);
    int (*lstat)(const char *path, struct stat *st);
    int (*fstatat)(int dir, const char *name, struct stat *st, int flags);
    int (*fsync)(int fd);
    int (*ftruncate)(int fd, off_t size);
    int (*rename)(const char *from, const char *to);
    int (*unlink)(const char *path);
    int (*mkdir)(const char *path, mode_t mode);
    int (*mknod)(const char *path, mode_t mode); /* an empty regular file; EEXIST when the name is taken */
    char *(*realpath)(const char *path);         /* the caller frees it with free, as for getcwd */
    char *(*getcwd)(void);
    int (*lock)(int fd);                 /* open-file-description lock for writing on the whole file, without waiting */
    int (*is_locked)(int fd);            /* 1: another description of the file holds such a lock; 0 nobody; -1 with errno */
    int (*flock)(int fd, int operation); /* as flock(2) */
    DIR *(*fdopendir)(int fd);
    struct dirent *(*readdir)(DIR *dir);
    int (*closedir)(DIR *dir);
    void *(*mmap)(size_t size, int fd); /* read-only, shared; MAP_FAILED on error */
    int (*munmap)(void *address, size_t size);
    int (*madvise)(void *address, size_t size, int advice);
    int (*thread)(pthread_t *thread, void *(*body)(void *), void *payload); /* joinable; 0 or an errno value */
    int64_t (*wall_seconds)(void);                                          /* seconds since 1970, UTC */
    int64_t (*utc_offset)(int64_t utc_s); /* seconds by which the system's zone is ahead of UTC at that moment; 0 unknown */
    int64_t (*monotonic_ns)(void);                                          /* nanoseconds of a clock that never goes back */
    /* As pthread_cond_timedwait, until monotonic_ns reaches `until_ns`; the condition must use CLOCK_MONOTONIC. 0 or ETIMEDOUT. */
    int (*wait_until)(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t until_ns);
    int64_t (*thread_cpu_ns)(void); /* processor time of the calling thread */
    int (*getrusage)(int who, struct rusage *use);
    int (*thread_sched_idle)(void); /* SCHED_IDLE for the calling thread; -1 with errno */
    int (*thread_nice)(int nice);   /* the calling thread's nice value; -1 with errno */
    int (*thread_io_idle)(void);    /* the idle I/O class for the calling thread; -1 with errno */
    /* Processes, and memory shared with them. */
    int (*pipe)(int ends[2]);               /* both close-on-exec, and above 9, clear of the numbers that a child is given */
    int (*duplicate)(int fd);               /* the same: close-on-exec, above 9 */
    int (*memfd)(const char *name);         /* the same; can be sealed */
    int (*seal)(int fd, int seals);         /* F_SEAL_*, of a memfd */
    int (*allocate)(int fd, size_t size);   /* the first `size` bytes of a memfd exist from now on, with pages behind them */
    void *(*share)(size_t size, int fd, int protection); /* mmap, shared; MAP_FAILED on error */
    void *(*reshare)(void *address, size_t old_size, size_t size); /* mremap; it may move */
    int (*poll)(struct pollfd *fds, nfds_t count, int timeout_ms);
    int (*spawn)(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
                 char *const arguments[], char *const environment[]); /* returns an errno value, 0 when it runs */
    int (*pidfd)(pid_t pid);                  /* pidfd_open; close-on-exec */
    int (*kill)(pid_t pid, int pidfd);        /* SIGKILL, by pidfd unless that is -1 */
    /* Waits for the end of one child, by pidfd unless that is -1, with how it ended and what it used. */
    int (*reap)(pid_t pid, int pidfd, siginfo_t *end, struct rusage *used);
    int64_t (*cpu_ns)(pid_t pid); /* CPU time of another process so far; -1 unknown */
};

extern struct ps__os ps__os;

/* Puts the real system calls back, for the end of a test. */
void ps__os_reset(void);

/* Opens a regular file for reading and tells what it is; close with ps__os.close. A directory, FIFO or device is PS__FORMAT and is
** never read. */
int ps__open_file(int *fd, struct stat *st, const char *path, ps__error *err);
/* Reads until `size` bytes or the end of the file; returns what was read, or -1 with errno. */
ssize_t ps__read_at(int fd, uint8_t *bytes, size_t size, uint64_t offset);

/* A whole file in memory; the caller frees *bytes with ps__free. PS__TOOBIG beyond max_bytes; a directory, FIFO or device is
** PS__FORMAT and is never read. st (may be NULL) is of the file that was read. */
int ps__read_file(uint8_t **bytes, size_t *size, struct stat *st, const char *path, size_t max_bytes, ps__error *err);

/* Maps a whole file read-only. *bytes is NULL for an empty file. Unmap with ps__unmap_file. */
int ps__map_file(const uint8_t **bytes, size_t *size, const char *path, ps__error *err);
void ps__unmap_file(const uint8_t *bytes, size_t size);

/* Takes the pages of such a mapping out of this process's memory; each comes back from the file when it is read again. Other threads
** may be reading. Only a hint: it cannot fail. */
void ps__release_file(const uint8_t *bytes, size_t size);

/* Writes all of bytes to path so that a crash leaves the old or the new file, never a part: temp file beside it, fsync, rename,
** fsync of the folder. */
int ps__write_file(const char *path, const void *bytes, size_t size, ps__error *err);

/* The same in steps, for what is too large to be held: a temp file beside path, open for reading and writing; then either it takes
** path's place, or it goes away. temp: char [PATH_MAX]. Both close fd. */
int ps__begin_file(char *temp, int *fd, const char *path, ps__error *err);
int ps__commit_file(const char *temp, int fd, const char *path, ps__error *err);
void ps__abandon_file(const char *temp, int fd);
/* The last step alone, for a file whose bytes are synced: its new name lasts. temp goes away where that fails. */
int ps__put_file(const char *temp, const char *path, ps__error *err);

/* Makes a folder and its missing parents (mode 0700), so that a power cut cannot take away what this made. An existing folder is
** fine. */
int ps__make_folders(const char *path, ps__error *err);

#endif
