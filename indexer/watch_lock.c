/*
** One watcher a library. The lock is not the writer's, which comes and goes with each run: it is held as long as somebody watches, and
** the kernel drops it when the process dies. The file holds the process's number, for the sentence that a second one reads.
*/
#include "indexer/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/os.h"

static int fail_busy(int fd, const char *library, ps__error *err) {
    char text[64];
    ssize_t got = ps__os.read(fd, text, sizeof text - 1);
    text[got > 0 ? got : 0] = 0;
    long pid = strtol(text, NULL, 10);
    if (pid > 0) return ps__fail(err, PS__BUSY, "%s: the library is being watched by process %ld", library, pid);
    return ps__fail(err, PS__BUSY, "%s: the library is being watched by another process", library);
}

static int lock(int fd, const char *library, ps__error *err) {
    char text[32];
    if (ps__os.lock(fd) != 0) {
        if (errno == EAGAIN || errno == EACCES) return fail_busy(fd, library, err);
        return ps__fail_errno(err, errno, "%s/watch.lock: could not be locked", library);
    }
    int length = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    /* Without its text (full disk) the lock still locks. */
    if (ps__os.ftruncate(fd, 0) == 0 && ps__os.write(fd, text, (size_t)length) < 0) return PS__OK;
    return PS__OK;
}

int ps__watch_lock(int *fd, const char *library, ps__error *err) {
    ps__buf path = PS__BUF_INIT;
    *fd = -1;
    int status = ps__make_folders(library, err);
    if (status != PS__OK) return status;
    ps__buf_printf(&path, "%s/watch.lock", library);
    if (path.failed)
        status = ps__fail_nomem(err);
    else if ((*fd = ps__os.open(path.bytes, O_RDWR | O_CREAT | O_NOFOLLOW, 0600)) < 0)
        status = ps__fail_errno(err, errno, "%s", path.bytes);
    else
        status = lock(*fd, library, err);
    ps__buf_free(&path);
    if (status != PS__OK && *fd >= 0) {
        ps__os.close(*fd);
        *fd = -1;
    }
    return status;
}
