/*
** One wrapper an entry. close and munmap do their work even when they fail, as the kernel does. The clocks cannot fail.
*/
#include "tests/base/failing_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>

#include "base/os.h"

static struct ps__os inner;
static atomic_long calls, failing = -1;
static int which_error;
static char failed_text[512];
static atomic_int has_failed;

/* 1 when this call is to fail, with errno set to one of the errors (0 ends the list). */
static int fails(const char *name, const char *path, const int errors[FAILING_CALLS_ERRORS]) {
    if (atomic_fetch_add(&calls, 1) != atomic_load(&failing)) return 0;
    int count = 0;
    while (count < FAILING_CALLS_ERRORS && errors[count]) count++;
    errno = errors[which_error % count];
    snprintf(failed_text, sizeof failed_text, "%s(%s) with errno %d", name, path, errno);
    atomic_store(&has_failed, 1);
    return 1;
}

static const int on_open[] = {EMFILE, EIO, ENOMEM}, on_make[] = {ENOSPC, EMFILE, EIO}, on_read[] = {EIO, ENOMEM, EINTR},
                 on_write[] = {ENOSPC, EIO, EDQUOT}, on_name[] = {ENOSPC, EIO, ENOMEM}, on_look[] = {EIO, ENOMEM, EACCES},
                 on_memory[] = {ENOMEM, 0, 0}, on_lock[] = {ENOLCK, EIO, ENOMEM}, on_thread[] = {EAGAIN, ENOMEM, 0},
                 on_close[] = {EIO, ENOSPC, 0}, on_list[] = {EIO, ENOMEM, 0};

static int fail_open(const char *path, int flags, mode_t mode) {
    return fails("open", path, flags & O_CREAT ? on_make : on_open) ? -1 : inner.open(path, flags, mode);
}
static int fail_openat(int dir, const char *name, int flags) {
    return fails("openat", name, on_open) ? -1 : inner.openat(dir, name, flags);
}
static int fail_close(int fd) {
    int result = inner.close(fd);
    return fails("close", "", on_close) ? -1 : result;
}
static ssize_t fail_read(int fd, void *buffer, size_t size) {
    return fails("read", "", on_read) ? -1 : inner.read(fd, buffer, size);
}
static ssize_t fail_write(int fd, const void *buffer, size_t size) {
    return fails("write", "", on_write) ? -1 : inner.write(fd, buffer, size);
}
static int fail_fstat(int fd, struct stat *st) { return fails("fstat", "", on_look) ? -1 : inner.fstat(fd, st); }
static int fail_stat(const char *path, struct stat *st) { return fails("stat", path, on_look) ? -1 : inner.stat(path, st); }
static int fail_lstat(const char *path, struct stat *st) { return fails("lstat", path, on_look) ? -1 : inner.lstat(path, st); }
static int fail_fstatat(int dir, const char *name, struct stat *st, int flags) {
    return fails("fstatat", name, on_look) ? -1 : inner.fstatat(dir, name, st, flags);
}
static int fail_fsync(int fd) { return fails("fsync", "", on_write) ? -1 : inner.fsync(fd); }
static int fail_ftruncate(int fd, off_t size) { return fails("ftruncate", "", on_write) ? -1 : inner.ftruncate(fd, size); }
static int fail_rename(const char *from, const char *to) {
    return fails("rename", from, on_name) ? -1 : inner.rename(from, to);
}
static int fail_unlink(const char *path) { return fails("unlink", path, on_name) ? -1 : inner.unlink(path); }
static int fail_mkdir(const char *path, mode_t mode) { return fails("mkdir", path, on_name) ? -1 : inner.mkdir(path, mode); }
static int fail_mknod(const char *path, mode_t mode) { return fails("mknod", path, on_name) ? -1 : inner.mknod(path, mode); }
static char *fail_realpath(const char *path) { return fails("realpath", path, on_look) ? NULL : inner.realpath(path); }
static char *fail_getcwd(void) { return fails("getcwd", "", on_memory) ? NULL : inner.getcwd(); }
static int fail_lock(int fd) { return fails("lock", "", on_lock) ? -1 : inner.lock(fd); }
static int fail_flock(int fd, int operation) { return fails("flock", "", on_lock) ? -1 : inner.flock(fd, operation); }
static DIR *fail_fdopendir(int fd) { return fails("fdopendir", "", on_open) ? NULL : inner.fdopendir(fd); }
static struct dirent *fail_readdir(DIR *dir) { return fails("readdir", "", on_list) ? NULL : inner.readdir(dir); }
static int fail_closedir(DIR *dir) {
    int result = inner.closedir(dir);
    return fails("closedir", "", on_close) ? -1 : result;
}
static void *fail_mmap(size_t size, int fd) { return fails("mmap", "", on_memory) ? MAP_FAILED : inner.mmap(size, fd); }
static int fail_munmap(void *address, size_t size) {
    int result = inner.munmap(address, size);
    return fails("munmap", "", on_memory) ? -1 : result;
}
static int fail_madvise(void *address, size_t size, int advice) {
    return fails("madvise", "", on_memory) ? -1 : inner.madvise(address, size, advice);
}
static int fail_thread(pthread_t *thread, void *(*body)(void *), void *payload) {
    return fails("thread", "", on_thread) ? errno : inner.thread(thread, body, payload);
}

void failing_calls_install(void) {
    inner = ps__os;
    failing_calls_arm(-1, 0);
    ps__os.open = fail_open;
    ps__os.openat = fail_openat;
    ps__os.close = fail_close;
    ps__os.read = fail_read;
    ps__os.write = fail_write;
    ps__os.fstat = fail_fstat;
    ps__os.stat = fail_stat;
    ps__os.lstat = fail_lstat;
    ps__os.fstatat = fail_fstatat;
    ps__os.fsync = fail_fsync;
    ps__os.ftruncate = fail_ftruncate;
    ps__os.rename = fail_rename;
    ps__os.unlink = fail_unlink;
    ps__os.mkdir = fail_mkdir;
    ps__os.mknod = fail_mknod;
    ps__os.realpath = fail_realpath;
    ps__os.getcwd = fail_getcwd;
    ps__os.lock = fail_lock;
    ps__os.flock = fail_flock;
    ps__os.fdopendir = fail_fdopendir;
    ps__os.readdir = fail_readdir;
    ps__os.closedir = fail_closedir;
    ps__os.mmap = fail_mmap;
    ps__os.munmap = fail_munmap;
    ps__os.madvise = fail_madvise;
    ps__os.thread = fail_thread;
}

void failing_calls_remove(void) { ps__os = inner; }

void failing_calls_arm(long nth, int which) {
    atomic_store(&has_failed, 0);
    which_error = which;
    atomic_store(&failing, nth);
    atomic_store(&calls, 0);
}

long failing_calls_count(void) { return atomic_load(&calls); }

const char *failing_calls_failed(void) { return atomic_load(&has_failed) ? failed_text : NULL; }
