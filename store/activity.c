/*
** The file `activity`: one record with a checksum behind it, as a reader may meet it half written.
*/
#include "store/activity.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/os.h"
#include "store/store.h"

#define TRIES 3 /* readings until a record is whole */

typedef struct record {
    char magic[8]; /* and version: a change of ps__activity changes it */
    ps__activity activity;
    uint8_t checksum[16]; /* of what is before */
} record;

static const char magic[8] = "PSACT 1";

struct ps__announcer {
    int fd; /* of the file, which it keeps locked */
};

static void seal(uint8_t checksum[16], const record *r) { ps__store_hash(checksum, r, offsetof(record, checksum)); }

static int open_activity(const char *folder, int flags, ps__error *err) {
    ps__buf path = PS__BUF_INIT;
    ps__buf_printf(&path, "%s/activity", folder);
    int fd = path.failed ? -1 : ps__os.open(path.bytes, flags | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (path.failed)
        ps__fail_nomem(err);
    else if (fd < 0)
        ps__fail_errno(err, errno, "%s", path.bytes);
    ps__buf_free(&path);
    return fd;
}

static int read_record(ps__activity *out, int fd) {
    uint8_t checksum[16];
    record r;
    for (int i = 0; i < TRIES; i++) {
        if (ps__read_at(fd, (uint8_t *)&r, sizeof r, 0) != (ssize_t)sizeof r) continue;
        seal(checksum, &r);
        if (memcmp(r.magic, magic, sizeof magic) != 0 || memcmp(checksum, r.checksum, sizeof checksum) != 0) continue;
        *out = r.activity;
        out->why[sizeof out->why - 1] = 0;
        return 1;
    }
    return 0;
}

int ps__announcer_new(ps__announcer **out, const char *folder, ps__error *err) {
    ps__activity other;
    *out = NULL;
    int fd = open_activity(folder, O_RDWR | O_CREAT, err);
    if (fd < 0) return err ? err->code : PS__IO;
    if (ps__os.lock(fd) != 0) {
        int e = errno, known = read_record(&other, fd);
        ps__os.close(fd);
        if (e != EAGAIN && e != EACCES) return ps__fail_errno(err, e, "%s/activity: could not be locked", folder);
        if (!known) return ps__fail(err, PS__BUSY, "%s: the library is being watched by another process", folder);
        return ps__fail(err, PS__BUSY, "%s: the library is being watched by process %lld", folder, (long long)other.pid);
    }
    *out = ps__calloc(1, sizeof **out);
    if (*out)
        (*out)->fd = fd;
    else
        ps__os.close(fd);
    return *out ? PS__OK : ps__fail_nomem(err);
}

void ps__announce(ps__announcer *announcer, const ps__activity *activity) {
    record r;
    memset(&r, 0, sizeof r); /* also what lies between the fields */
    memcpy(r.magic, magic, sizeof magic);
    r.activity = *activity;
    r.activity.pid = (int64_t)getpid();
    r.activity.updated_s = ps__os.wall_seconds();
    seal(r.checksum, &r);
    ps__os.pwrite(announcer->fd, &r, sizeof r, 0);
}

void ps__announcer_free(ps__announcer *announcer) {
    if (!announcer) return;
    ps__os.close(announcer->fd);
    ps__free(announcer);
}

void ps__activity_read(ps__activity *out, const char *folder) {
    ps__error err;
    memset(out, 0, sizeof *out);
    int fd = open_activity(folder, O_RDONLY, &err);
    if (fd < 0) return;
    if (ps__os.is_locked(fd) != 1 || !read_record(out, fd)) memset(out, 0, sizeof *out);
    ps__os.close(fd);
}
