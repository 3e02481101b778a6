/*
** Reads /proc/self/mountinfo: "36 35 98:0 /root /mount/point rw,noatime master:1 - ext3 /dev/root rw". The first five fields say which
** mount it is, of which device, and where; options after them change for no reason that matters here. Spaces in names are written \040.
*/
#include "indexer/mounts.h"

#include <fcntl.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/os.h"
#include "indexer/run.h"

/* The mount point, with \040 and the like turned back. */
static char *mount_point(const char *field, size_t length) {
    char *out = ps__malloc(length + 1), *to = out;
    if (!out) return NULL;
    for (size_t i = 0; i < length; i++) {
        if (field[i] == '\\' && i + 3 < length && field[i + 1] >= '0' && field[i + 1] <= '3') {
            *to++ = (char)((field[i + 1] - '0') * 64 + (field[i + 2] - '0') * 8 + (field[i + 3] - '0'));
            i += 3;
        } else {
            *to++ = field[i];
        }
    }
    *to = 0;
    return out;
}

static int concerns(const char *point, const char *const *folders, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (ps__path_below(point, folders[i]) || ps__path_below(folders[i], point)) return 1;
    }
    return 0;
}

/* A line counts up to the end of its fifth field; no memory means that it counts. */
static int line_counts(size_t *length, const char *line, size_t whole, const char *const *folders, size_t count) {
    const char *at = line, *end = line + whole, *field = line;
    for (int i = 0; i < 5; i++) {
        field = at;
        at = memchr(field, ' ', (size_t)(end - field));
        if (!at) return 0;
        at++;
    }
    *length = (size_t)(at - line);
    char *point = mount_point(field, (size_t)(at - field) - 1);
    int result = !point || concerns(point, folders, count);
    ps__free(point);
    return result;
}

uint64_t ps__mounts_hash(const char *text, const char *const *folders, size_t count) {
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    size_t length;
    for (const char *line = text; *line;) {
        size_t whole = strcspn(line, "\n");
        if (line_counts(&length, line, whole, folders, count)) {
            for (size_t i = 0; i < length; i++) h = (h ^ (uint8_t)line[i]) * UINT64_C(0x100000001b3);
        }
        line += whole + (line[whole] == '\n');
    }
    return h ? h : 1;
}

uint64_t ps__mounts_read(const char *path, const char *const *folders, size_t count) {
    ps__buf text = PS__BUF_INIT;
    char part[4096];
    ssize_t got = -1;
    int fd = ps__os.open(path, O_RDONLY, 0);
    if (fd < 0) return 0;
    while ((got = ps__os.read(fd, part, sizeof part)) > 0) ps__buf_append(&text, part, (size_t)got);
    ps__os.close(fd);
    uint64_t hash = got < 0 || text.failed ? 0 : ps__mounts_hash(text.bytes, folders, count);
    ps__buf_free(&text);
    return hash;
}
