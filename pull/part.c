/*
** Files on their way; see part.h. The state is lines of "key value"; one that does not read is as good as none.
*/
#include "pull/part.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/os.h"

enum { STATE_BYTES = 16384 };

static void copy(char to[PULL_TAG], const char *from) { snprintf(to, PULL_TAG, "%s", from); }

static void read_state_line(pull_part *p, char *line) {
    char *value = strchr(line, ' ');
    if (!value) return;
    *value++ = 0;
    if (strcmp(line, "url") == 0 && !p->url) p->url = ps__strdup(value);
    if (strcmp(line, "etag") == 0) copy(p->seen.etag, value);
    if (strcmp(line, "modified") == 0) copy(p->seen.modified, value);
    if (strcmp(line, "linked") == 0) copy(p->seen.linked, value);
    if (strcmp(line, "sha256") == 0 && !pull_sha256_parse(p->sha256, value)) p->sha256[0] = 0;
}

static void read_state(pull_part *p) {
    uint8_t *bytes;
    size_t size;
    char *rest, *text;
    if (ps__read_file(&bytes, &size, NULL, p->state, STATE_BYTES, NULL) != PS__OK) return;
    text = ps__strndup((const char *)bytes, size);
    ps__free(bytes);
    for (char *line = text ? strtok_r(text, "\n", &rest) : NULL; line; line = strtok_r(NULL, "\n", &rest))
        read_state_line(p, line);
    ps__free(text);
}

static char *join(const char *path, const char *end) {
    ps__buf text = PS__BUF_INIT;
    ps__buf_printf(&text, "%s%s", path, end);
    return ps__buf_detach(&text);
}

int pull_part_open(pull_part *p, const char *path, ps__error *err) {
    struct stat st;
    *p = (pull_part){.fd = -1};
    p->path = ps__strdup(path);
    p->part = join(path, ".part");
    p->state = join(path, ".state");
    if (!p->path || !p->part || !p->state) return ps__fail_nomem(err);
    p->fd = ps__os.open(p->part, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
    if (p->fd < 0 || ps__os.fstat(p->fd, &st) != 0) return ps__fail_errno(err, errno, "%s", p->part);
    if (!S_ISREG(st.st_mode)) return ps__fail(err, PS__FORMAT, "%s: not a file", p->part);
    p->length = st.st_size;
    read_state(p);
    return PS__OK;
}

void pull_part_close(pull_part *p) {
    if (p->fd >= 0) ps__os.close(p->fd);
    ps__free(p->path), ps__free(p->part), ps__free(p->state), ps__free(p->url);
    *p = (pull_part){.fd = -1};
}

int pull_part_restart(pull_part *p, ps__error *err) {
    p->length = 0;
    p->sha256[0] = 0;
    return ps__os.ftruncate(p->fd, 0) == 0 ? PS__OK : ps__fail_errno(err, errno, "%s", p->part);
}

int pull_part_add(pull_part *p, const void *bytes, size_t size, ps__error *err) {
    const char *from = bytes;
    while (size > 0) {
        ssize_t n = ps__os.pwrite(p->fd, from, size, p->length);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return ps__fail_errno(err, n < 0 ? errno : EIO, "%s", p->part);
        p->length += n;
        from += n;
        size -= (size_t)n;
    }
    return PS__OK;
}

static void add_line(ps__buf *to, const char *key, const char *value) {
    if (value && value[0]) ps__buf_printf(to, "%s %s\n", key, value);
}

int pull_part_remember(pull_part *p, const char *url, const pull_seen *seen, const char *sha256, ps__error *err) {
    ps__buf text = PS__BUF_INIT;
    char *own = ps__strdup(url);
    if (!own) return ps__fail_nomem(err);
    ps__free(p->url);
    p->url = own;
    if (seen != &p->seen) p->seen = *seen;
    if (sha256 != p->sha256) snprintf(p->sha256, sizeof p->sha256, "%s", sha256);
    add_line(&text, "url", url);
    add_line(&text, "etag", p->seen.etag);
    add_line(&text, "modified", p->seen.modified);
    add_line(&text, "linked", p->seen.linked);
    add_line(&text, "sha256", p->sha256);
    int status = text.failed ? ps__fail_nomem(err) : ps__write_file(p->state, text.bytes, text.length, err);
    ps__buf_free(&text);
    return status;
}

int pull_part_has_tag(const pull_part *p) { return p->seen.etag[0] == '"'; }

int pull_part_finish(pull_part *p, ps__error *err) {
    if (ps__os.fsync(p->fd) != 0) return ps__fail_errno(err, errno, "%s", p->part);
    if (ps__os.rename(p->part, p->path) != 0) return ps__fail_errno(err, errno, "%s", p->path);
    return PS__OK;
}

void pull_part_drop(pull_part *p) {
    ps__os.unlink(p->part);
    ps__os.unlink(p->state);
}
