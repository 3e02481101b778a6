/*
** Rolls, paths, the lock and the sweeping of old files; see cache.h.
*/
#include "search/cache.h"
#include "search/index.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/os.h"

#define ROLL_VERSION 2
static const char roll_magic[8] = {'P', 'S', 'R', 'O', 'L', 'L', '0', '\n'};

/* At the beginning of a roll; the segments' checksums and an XXH3 of everything before follow. */
typedef struct roll_header {
    char magic[8];
    uint32_t version;  /* ROLL_VERSION; also tells a file from a machine of the other byte order */
    uint32_t dim;      /* length of the vectors */
    char identity[32]; /* of the library */
    uint64_t space;    /* XXH3 of the space's name */
    int64_t change;    /* as in ps__roll, like the next two */
    int64_t touched;
    uint64_t count;
} roll_header;

/* ---- Paths ---- */

/* A space's name as part of a file name. Where a character had to go, a hash keeps different names apart. */
static void file_stem(char stem[128], const char *space) {
    size_t length = strlen(space), n = 0;
    int changed = length > 80 || length == 0 || space[0] == '.';
    for (size_t i = 0; i < length && n < 80; i++) {
        unsigned char c = (unsigned char)space[i];
        int plain = c < 128 && (isalnum(c) || strchr("-_+", c));
        if (!plain) changed = 1;
        stem[n++] = plain ? (char)c : '_';
    }
    stem[n] = 0;
    if (changed) snprintf(stem + n, 128 - n, "-%016llx", (unsigned long long)XXH3_64bits(space, length));
}

int ps__cache_path(char path[PS__CACHE_PATH], const ps__cache_key *key, uint64_t checksum, ps__error *err) {
    char stem[128], number[24] = "";
    file_stem(stem, key->space);
    if (checksum) snprintf(number, sizeof number, ".%016llx", (unsigned long long)checksum);
    if (snprintf(path, PS__CACHE_PATH, "%s/%s%s.faiss", key->folder, stem, number) >= PS__CACHE_PATH)
        return ps__fail(err, PS__INVALID, "%.200s...: path too long", key->folder);
    return PS__OK;
}

/* ---- The roll ---- */

static void fill_header(roll_header *h, const ps__cache_key *key, int64_t change, int64_t touched, size_t count) {
    memset(h, 0, sizeof *h);
    memcpy(h->magic, roll_magic, sizeof h->magic);
    h->version = ROLL_VERSION;
    h->dim = (uint32_t)key->dim;
    memcpy(h->identity, key->identity, strnlen(key->identity, sizeof h->identity));
    h->space = XXH3_64bits(key->space, strlen(key->space));
    h->change = change;
    h->touched = touched;
    h->count = count;
}

/* Everything that is wrong with a roll amounts to the same: start again. */
static int parse_roll(ps__roll *out, const uint8_t *bytes, size_t size, const ps__cache_key *key, const char *path,
                      ps__error *err) {
    roll_header h, expected;
    uint64_t checksum;
    if (size < sizeof h + sizeof checksum) return ps__fail(err, PS__CORRUPT, "%s: truncated", path);
    memcpy(&h, bytes, sizeof h);
    memcpy(&checksum, bytes + size - sizeof checksum, sizeof checksum);
    if (checksum != XXH3_64bits(bytes, size - sizeof checksum)) return ps__fail(err, PS__CORRUPT, "%s: wrong checksum", path);
    if (memcmp(h.magic, roll_magic, sizeof h.magic) == 0 && h.version != ROLL_VERSION)
        return ps__fail(err, PS__CORRUPT, "%s: was written by another version", path);
    fill_header(&expected, key, h.change, h.touched, h.count);
    if (memcmp(&h, &expected, sizeof h) != 0) return ps__fail(err, PS__CORRUPT, "%s: belongs to another library", path);
    if (h.change < 0 || h.touched < h.change) return ps__fail(err, PS__CORRUPT, "%s: impossible change", path);
    if (h.count > PS__CACHE_SEGMENTS || size != sizeof h + (size_t)h.count * 8 + sizeof checksum)
        return ps__fail(err, PS__CORRUPT, "%s: impossible size", path);
    out->checksums = ps__array((size_t)h.count, sizeof *out->checksums);
    if (!out->checksums) return ps__fail_nomem(err);
    memcpy(out->checksums, bytes + sizeof h, (size_t)h.count * 8);
    out->count = (size_t)h.count;
    out->change = h.change;
    out->touched = h.touched;
    return PS__OK;
}

int ps__roll_read(ps__roll *out, const ps__cache_key *key, ps__error *err) {
    char path[PS__CACHE_PATH];
    uint8_t *bytes;
    size_t size;
    memset(out, 0, sizeof *out);
    int status = ps__cache_path(path, key, 0, err);
    if (status == PS__OK)
        status = ps__read_file(&bytes, &size, NULL, path, sizeof(roll_header) + 8 * PS__CACHE_SEGMENTS + 8, err);
    if (status != PS__OK) return status;
    status = parse_roll(out, bytes, size, key, path, err);
    ps__free(bytes);
    return status;
}

int ps__roll_write(const ps__roll *roll, const ps__cache_key *key, ps__error *err) {
    char path[PS__CACHE_PATH];
    roll_header h;
    ps__buf bytes = PS__BUF_INIT;
    int status = ps__cache_path(path, key, 0, err);
    if (status != PS__OK) return status;
    fill_header(&h, key, roll->change, roll->touched, roll->count);
    ps__buf_append(&bytes, &h, sizeof h);
    ps__buf_append(&bytes, roll->checksums, roll->count * sizeof *roll->checksums);
    uint64_t checksum = XXH3_64bits(bytes.bytes, bytes.length);
    ps__buf_append(&bytes, &checksum, sizeof checksum);
    status = bytes.failed ? ps__fail_nomem(err) : ps__write_file(path, bytes.bytes, bytes.length, err);
    ps__buf_free(&bytes);
    return status;
}

void ps__roll_clear(ps__roll *roll) {
    ps__free(roll->checksums);
    memset(roll, 0, sizeof *roll);
}

/* ---- Housekeeping ---- */

/* 1 if the file is a segment of the space, or a temp file of one or of the roll, that the roll does not name. */
static int is_old(const char *name, const char *stem, const ps__roll *roll) {
    size_t length = strlen(stem);
    const char *rest = name + length;
    unsigned long long checksum;
    int used = 0;
    if (strncmp(name, stem, length) != 0) return 0;
    if (strncmp(rest, ".faiss.tmp", 10) == 0) return 1;
    if (sscanf(rest, ".%16llx.faiss%n", &checksum, &used) != 1 || used == 0) return 0;
    if (strcmp(rest + used, ".tmp") == 0) return 1;
    if (rest[used] != 0) return 0;
    for (size_t i = 0; i < roll->count; i++)
        if (roll->checksums[i] == checksum) return 0;
    return 1;
}

void ps__cache_sweep(const ps__roll *roll, const ps__cache_key *key) {
    char stem[128], path[PS__CACHE_PATH];
    file_stem(stem, key->space);
    int fd = ps__os.open(key->folder, O_RDONLY | O_DIRECTORY, 0);
    DIR *dir = fd >= 0 ? ps__os.fdopendir(fd) : NULL;
    if (!dir) {
        if (fd >= 0) ps__os.close(fd);
        return;
    }
    for (struct dirent *entry; (entry = ps__os.readdir(dir)) != NULL;)
        if (is_old(entry->d_name, stem, roll) &&
            snprintf(path, sizeof path, "%s/%s", key->folder, entry->d_name) < (int)sizeof path)
            ps__os.unlink(path);
    ps__os.closedir(dir);
}

void ps__cache_lock(int *lock, const ps__cache_key *key) {
    char path[PS__CACHE_PATH];
    *lock = PS__CACHE_CLOSED;
    if (snprintf(path, sizeof path, "%s/cache.lock", key->folder) >= (int)sizeof path) return;
    int fd = ps__os.open(path, O_RDWR | O_CREAT, 0600);
    if (fd < 0) return;
    *lock = fd;
    if (ps__os.flock(fd, LOCK_EX | LOCK_NB) == 0) return;
    *lock = errno == EWOULDBLOCK || errno == EINTR ? PS__CACHE_BUSY : PS__CACHE_CLOSED;
    ps__os.close(fd);
}

void ps__cache_unlock(int lock) {
    if (lock >= 0) ps__os.close(lock);
}

void ps__index_drop_cache(const ps__store *store, const char *space_name, int dim) {
    const ps__cache_key key = {ps__store_folder(store), ps__store_identity(store), space_name, dim};
    const ps__roll nothing = {0};
    char path[PS__CACHE_PATH];
    ps__error ignored;
    int lock;
    ps__cache_lock(&lock, &key);
    if (lock >= 0 && ps__cache_path(path, &key, 0, &ignored) == PS__OK) {
        ps__os.unlink(path); /* first, as it names the others */
        ps__cache_sweep(&nothing, &key);
    }
    ps__cache_unlock(lock);
}
