/*
** The writer lock: one process at a time indexes a library.
**
** An open-file-description lock (F_OFD_SETLK) on `writer.lock`: the kernel drops it when the process dies, it conflicts between two
** handles of one process, and closing some other descriptor of the file does not drop it, as it would with plain POSIX locks. The
** file's text, "<pid> <start, seconds since 1970>", is only for the sentence that the next one gets to read. The file is never
** removed: a lock on a removed file would guard nothing.
*/
#include "store/inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/os.h"

static int fail_busy(int fd, const char *folder, const char *doing, ps__error *err) {
    char text[64];
    ssize_t got = ps__os.read(fd, text, sizeof text - 1);
    text[got > 0 ? got : 0] = 0;
    long pid = strtol(text, NULL, 10);
    if (pid > 0) return ps__fail(err, PS__BUSY, "%s: the library is being %s by process %ld", folder, doing, pid);
    return ps__fail(err, PS__BUSY, "%s: the library is being %s by another process", folder, doing);
}

static int lock_file(int fd, const char *folder, const char *name, const char *doing, ps__error *err) {
    char text[64];
    if (ps__os.lock(fd) != 0) {
        if (errno == EAGAIN || errno == EACCES) return fail_busy(fd, folder, doing, err);
        return ps__fail_errno(err, errno, "%s/%s: could not be locked", folder, name);
    }
    int length = snprintf(text, sizeof text, "%ld %lld\n", (long)getpid(), (long long)ps__os.wall_seconds());
    /* Without its text (full disk) the lock still locks. */
    if (ps__os.ftruncate(fd, 0) == 0 && ps__os.write(fd, text, (size_t)length) < 0) return PS__OK;
    return PS__OK;
}

int ps__folder_lock(int *fd, const char *folder, const char *name, const char *doing, ps__error *err) {
    ps__buf path = PS__BUF_INIT;
    int status;
    ps__buf_printf(&path, "%s/%s", folder, name);
    *fd = path.failed ? -1 : ps__os.open(path.bytes, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
    if (path.failed)
        status = ps__fail_nomem(err);
    else if (*fd < 0)
        status = ps__fail_errno(err, errno, "%s", path.bytes);
    else
        status = lock_file(*fd, folder, name, doing, err);
    ps__buf_free(&path);
    if (status != PS__OK && *fd >= 0) {
        ps__os.close(*fd);
        *fd = -1;
    }
    return status;
}

int ps__store_lock(ps__store *store, ps__error *err) {
    int status = ps__store_must_write(store, err);
    if (status != PS__OK || store->lock_fd >= 0) return status;
    return ps__folder_lock(&store->lock_fd, store->folder, "writer.lock", "indexed", err);
}

void ps__store_unlock(ps__store *store) {
    if (store->lock_fd < 0) return;
    ps__os.close(store->lock_fd);
    store->lock_fd = -1;
}

int ps__store_is_locked(const char *folder) {
    ps__buf path = PS__BUF_INIT;
    ps__buf_printf(&path, "%s/writer.lock", folder);
    int fd = path.failed ? -1 : ps__os.open(path.bytes, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
    ps__buf_free(&path);
    if (fd < 0) return 0;
    int locked = ps__os.is_locked(fd) == 1;
    ps__os.close(fd);
    return locked;
}
