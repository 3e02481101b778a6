/*
** The real system calls behind `struct ps__os`, and the few file jobs that every part needs.
*/
#include "base/os.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"

static int real_open(const char *path, int flags, mode_t mode) { return open(path, flags | O_CLOEXEC, mode); }
static int real_openat(int dir, const char *name, int flags) { return openat(dir, name, flags | O_CLOEXEC); }
static int real_fstat(int fd, struct stat *st) { return fstat(fd, st); }
static int real_stat(const char *path, struct stat *st) { return stat(path, st); }
static int real_lstat(const char *path, struct stat *st) { return lstat(path, st); }
static int real_fstatat(int dir, const char *name, struct stat *st, int flags) { return fstatat(dir, name, st, flags); }
static void *real_mmap(size_t size, int fd) { return mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0); }

static int real_mknod(const char *path, mode_t mode) { return mknod(path, S_IFREG | mode, 0); }
static char *real_realpath(const char *path) { return realpath(path, NULL); }
static char *real_getcwd(void) { return getcwd(NULL, 0); }

static int real_lock(int fd) {
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(fd, F_OFD_SETLK, &whole);
}

static int real_is_locked(int fd) {
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(fd, F_OFD_GETLK, &whole) == 0 ? whole.l_type != F_UNLCK : -1;
}

static int real_thread(pthread_t *thread, void *(*body)(void *), void *payload) {
    return pthread_create(thread, NULL, body, payload);
}

enum { LEAST_FD = 10 };

/* The same file under a number of LEAST_FD or more; fd is closed. -1 stays -1. */
static int lift(int fd) {
    if (fd < 0 || fd >= LEAST_FD) return fd;
    int lifted = fcntl(fd, F_DUPFD_CLOEXEC, LEAST_FD), e = errno;
    close(fd);
    errno = e;
    return lifted;
}

static int real_duplicate(int fd) { return fcntl(fd, F_DUPFD_CLOEXEC, LEAST_FD); }

static int real_pipe(int ends[2]) {
    if (pipe2(ends, O_CLOEXEC) != 0) return -1;
    ends[0] = lift(ends[0]);
    ends[1] = lift(ends[1]);
    if (ends[0] >= 0 && ends[1] >= 0) return 0;
    int e = errno;
    for (int i = 0; i < 2; i++)
        if (ends[i] >= 0) close(ends[i]);
    errno = e;
    return -1;
}

static int real_memfd(const char *name) { return lift(memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING)); }
static int real_seal(int fd, int seals) { return fcntl(fd, F_ADD_SEALS, seals); }
static int real_allocate(int fd, size_t size) { return fallocate(fd, 0, 0, (off_t)size); }
static void *real_share(size_t size, int fd, int protection) { return mmap(NULL, size, protection, MAP_SHARED, fd, 0); }
static void *real_reshare(void *address, size_t old_size, size_t size) { return mremap(address, old_size, size, MREMAP_MAYMOVE); }
static int real_pidfd(pid_t pid) { return lift((int)syscall(SYS_pidfd_open, pid, 0)); }

static int real_kill(pid_t pid, int pidfd) {
    if (pidfd >= 0) return (int)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
    return kill(pid, SIGKILL);
}

/* The system call, because waitid(3) leaves out what was used. */
static int real_reap(pid_t pid, int pidfd, siginfo_t *end, struct rusage *used) {
    memset(end, 0, sizeof *end);
    memset(used, 0, sizeof *used);
    if (pidfd >= 0) return (int)syscall(SYS_waitid, P_PIDFD, pidfd, end, WEXITED, used);
    return (int)syscall(SYS_waitid, P_PID, pid, end, WEXITED, used);
}

static int64_t real_cpu_ns(pid_t pid) {
    clockid_t clock;
    struct timespec used;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) != 0) return -1;
    return (int64_t)used.tv_sec * 1000000000 + used.tv_nsec;
}

static int64_t real_wall_seconds(void) { return (int64_t)time(NULL); }

static int64_t real_utc_offset(int64_t utc_s) {
    time_t t = (time_t)utc_s;
    struct tm local;
    return localtime_r(&t, &local) ? (int64_t)local.tm_gmtoff : 0;
}

static int64_t real_monotonic_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int real_wait_until(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t until_ns) {
    struct timespec until = {until_ns / 1000000000, until_ns % 1000000000};
    return pthread_cond_timedwait(condition, lock, &until);
}

static int64_t real_thread_cpu_ns(void) {
    struct timespec used;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (int64_t)used.tv_sec * 1000000000 + used.tv_nsec;
}

static int real_getrusage(int who, struct rusage *use) { return getrusage(who, use); }

/* To Linux "process 0" is the calling thread, in all three. */
static int real_thread_sched_idle(void) { return sched_setscheduler(0, SCHED_IDLE, &(struct sched_param){0}); }
static int real_thread_nice(int nice_value) { return setpriority(PRIO_PROCESS, 0, nice_value); }
static int real_thread_io_idle(void) {
    enum { WHO_PROCESS = 1, CLASS_IDLE = 3, CLASS_SHIFT = 13 }; /* linux/ioprio.h; the C library has no such call */
    return (int)syscall(SYS_ioprio_set, WHO_PROCESS, 0, CLASS_IDLE << CLASS_SHIFT);
}

#define REAL_CALLS                                                                                                               \
    {                                                                                                                            \
        .open = real_open, .openat = real_openat, .close = close, .read = read, .pread = pread, .write = write,                  \
        .pwrite = pwrite, .fstat = real_fstat, .stat = real_stat, .lstat = real_lstat, .fstatat = real_fstatat,                  \
        .fsync = fsync, .ftruncate = ftruncate, .rename = rename, .unlink = unlink, .mkdir = mkdir, .mknod = real_mknod,         \
        .realpath = real_realpath, .getcwd = real_getcwd, .lock = real_lock, .is_locked = real_is_locked, .flock = flock,        \
        .fdopendir = fdopendir, .readdir = readdir, .closedir = closedir, .mmap = real_mmap, .munmap = munmap,                   \
        .madvise = madvise, .thread = real_thread, .wall_seconds = real_wall_seconds, .utc_offset = real_utc_offset,             \
        .monotonic_ns = real_monotonic_ns,                                                                                       \
        .wait_until = real_wait_until, .thread_cpu_ns = real_thread_cpu_ns, .getrusage = real_getrusage,                         \
        .thread_sched_idle = real_thread_sched_idle, .thread_nice = real_thread_nice, .thread_io_idle = real_thread_io_idle,     \
        .pipe = real_pipe, .duplicate = real_duplicate, .memfd = real_memfd, .seal = real_seal, .allocate = real_allocate,       \
        .share = real_share, .reshare = real_reshare, .poll = poll, .spawn = posix_spawn, .pidfd = real_pidfd,                   \
        .kill = real_kill, .reap = real_reap, .cpu_ns = real_cpu_ns                                                              \
    }

struct ps__os ps__os = REAL_CALLS;

void ps__os_reset(void) { ps__os = (struct ps__os)REAL_CALLS; }

ssize_t ps__read_at(int fd, uint8_t *bytes, size_t size, uint64_t offset) {
    size_t got = 0;
    while (got < size) {
        ssize_t n = ps__os.pread(fd, bytes + got, size - got, (off_t)(offset + got));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -1;
        if (n == 0) break;
        got += (size_t)n;
    }
    return (ssize_t)got;
}

/* O_NONBLOCK keeps a FIFO from blocking the open. */
int ps__open_file(int *fd, struct stat *st, const char *path, ps__error *err) {
    *fd = ps__os.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    if (*fd < 0) return ps__fail_errno(err, errno, "%s", path);
    if (ps__os.fstat(*fd, st) != 0) {
        int e = errno;
        ps__os.close(*fd);
        return ps__fail_errno(err, e, "%s", path);
    }
    if (!S_ISREG(st->st_mode)) {
        ps__os.close(*fd);
        return ps__fail(err, PS__FORMAT, "%s: %s", path, S_ISDIR(st->st_mode) ? "is a folder" : "is not a regular file");
    }
    return PS__OK;
}

int ps__read_file(uint8_t **bytes, size_t *size, struct stat *st, const char *path, size_t max_bytes, ps__error *err) {
    struct stat own;
    int fd, status;
    *bytes = NULL;
    *size = 0;
    if (!st) st = &own;
    if ((status = ps__open_file(&fd, st, path, err)) != PS__OK) return status;
    if ((uint64_t)st->st_size > max_bytes) {
        status = ps__fail(err, PS__TOOBIG, "%s: %lld bytes, more than the limit of %zu", path, (long long)st->st_size, max_bytes);
        goto out;
    }
    uint8_t *buffer = ps__malloc((size_t)st->st_size);
    if (!buffer) {
        status = ps__fail_nomem(err);
        goto out;
    }
    ssize_t got = ps__read_at(fd, buffer, (size_t)st->st_size, 0);
    if (got < 0) {
        status = ps__fail_errno(err, errno, "%s", path);
        ps__free(buffer);
        goto out;
    }
    *bytes = buffer;
    *size = (size_t)got;
out:
    ps__os.close(fd);
    return status;
}

int ps__map_file(const uint8_t **bytes, size_t *size, const char *path, ps__error *err) {
    struct stat st;
    int fd, status;
    *bytes = NULL;
    *size = 0;
    if ((status = ps__open_file(&fd, &st, path, err)) != PS__OK) return status;
    if (st.st_size > 0) {
        void *address = ps__os.mmap((size_t)st.st_size, fd);
        if (address == MAP_FAILED) {
            status = ps__fail_errno(err, errno, "%s: could not be mapped", path);
        } else {
            *bytes = address;
            *size = (size_t)st.st_size;
        }
    }
    ps__os.close(fd);
    return status;
}

void ps__unmap_file(const uint8_t *bytes, size_t size) {
    if (bytes) ps__os.munmap((void *)(uintptr_t)bytes, size);
}

void ps__release_file(const uint8_t *bytes, size_t size) {
    if (bytes) ps__os.madvise((void *)(uintptr_t)bytes, size, MADV_DONTNEED);
}

static int write_fully(int fd, const uint8_t *bytes, size_t size) {
    while (size) {
        ssize_t n = ps__os.write(fd, bytes, size);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -1;
        bytes += n;
        size -= (size_t)n;
    }
    return 0;
}

static void folder_of(char *folder, size_t size, const char *path) {
    const char *slash = strrchr(path, '/');
    if (!slash)
        snprintf(folder, size, ".");
    else if (slash == path)
        snprintf(folder, size, "/");
    else
        snprintf(folder, size, "%.*s", (int)(slash - path), path);
}

static int sync_folder(const char *path) {
    char folder[PATH_MAX];
    folder_of(folder, sizeof folder, path);
    int fd = ps__os.open(folder, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0) return -1;
    int result = ps__os.fsync(fd), e = errno;
    ps__os.close(fd);
    errno = e;
    return result;
}

int ps__begin_file(char *temp, int *fd, const char *path, ps__error *err) {
    if (snprintf(temp, PATH_MAX, "%s.tmp.%ld", path, (long)getpid()) >= PATH_MAX)
        return ps__fail(err, PS__INVALID, "%.200s...: path too long", path);
    *fd = ps__os.open(temp, O_RDWR | O_CREAT | O_TRUNC, 0600);
    return *fd < 0 ? ps__fail_errno(err, errno, "%s", temp) : PS__OK;
}

void ps__abandon_file(const char *temp, int fd) {
    ps__os.close(fd);
    ps__os.unlink(temp);
}

int ps__put_file(const char *temp, const char *path, ps__error *err) {
    if (ps__os.rename(temp, path) != 0) {
        int e = errno;
        ps__os.unlink(temp);
        return ps__fail_errno(err, e, "%s: could not be written", path);
    }
    if (sync_folder(path) != 0) return ps__fail_errno(err, errno, "%s: its folder could not be synced", path);
    return PS__OK;
}

int ps__commit_file(const char *temp, int fd, const char *path, ps__error *err) {
    int failed = ps__os.fsync(fd) != 0, e = errno;
    if (ps__os.close(fd) != 0 && !failed) failed = 1, e = errno;
    if (!failed) return ps__put_file(temp, path, err);
    ps__os.unlink(temp);
    return ps__fail_errno(err, e, "%s: could not be written", path);
}

int ps__write_file(const char *path, const void *bytes, size_t size, ps__error *err) {
    char temp[PATH_MAX];
    int fd, status = ps__begin_file(temp, &fd, path, err);
    if (status) return status;
    if (write_fully(fd, bytes, size) == 0) return ps__commit_file(temp, fd, path, err);
    int e = errno;
    ps__abandon_file(temp, fd);
    return ps__fail_errno(err, e, "%s: could not be written", path);
}

/* A new folder's name must last as what is put into it does. Folders that may be entered but not read (/home can be one) cannot be
** synced, and neither can those of some file systems: then this is as far as it goes. */
static int sync_name(const char *path, ps__error *err) {
    if (sync_folder(path) == 0 || errno == EACCES || errno == EINVAL) return PS__OK;
    return ps__fail_errno(err, errno, "%s: its folder could not be synced", path);
}

int ps__make_folders(const char *path, ps__error *err) {
    char part[PATH_MAX];
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof part) return ps__fail(err, PS__INVALID, "folder name is empty or too long");
    memcpy(part, path, length + 1);
    for (char *p = part + 1;; p++) {
        if (*p != '/' && *p != 0) continue;
        char keep = *p;
        *p = 0;
        struct stat st;
        if (ps__os.mkdir(part, 0700) == 0) {
            int status = sync_name(part, err);
            if (status != PS__OK) return status;
        } else if (errno != EEXIST) {
            return ps__fail_errno(err, errno, "%s", part);
        }
        if (keep == 0 && ps__os.stat(part, &st) == 0 && !S_ISDIR(st.st_mode))
            return ps__fail(err, PS__IO, "%s: is not a folder", part);
        *p = keep;
        if (keep == 0) return PS__OK;
    }
}
