/*
** The cache of the columns beside the library, `photos.columns`: a header, the lists of names (each string with its 0 byte), the
** chunks as they are in memory, and an XXH3 of everything before. It is replaced by rename.
*/
#include <stdio.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/os.h"
#include "base/utf8.h"
#include "search/columns_inside.h"

#define FILE_VERSION 1
#define CHUNK_BYTES offsetof(ps__chunk, holders)
#define PATH_ROOM 4096
static const char file_magic[8] = {'P', 'S', 'C', 'O', 'L', 'S', '0', '\n'};

typedef struct file_header {
    char magic[8];
    uint32_t version;     /* FILE_VERSION; also tells a file from a machine of the other byte order */
    uint32_t chunk_bytes; /* CHUNK_BYTES */
    char identity[32];    /* of the library */
    int64_t change;       /* as in ps__table, like the next three */
    uint64_t rows, gone, chunk_count;
    uint64_t names[PS__LISTS]; /* how many there are in each list */
    uint64_t name_bytes;  /* of all names, with their 0 bytes */
} file_header;

static int make_path(char path[PATH_ROOM], const char *folder, ps__error *err) {
    if (snprintf(path, PATH_ROOM, "%s/photos.columns", folder) >= PATH_ROOM)
        return ps__fail(err, PS__INVALID, "%.200s...: path too long", folder);
    return PS__OK;
}

/* ---- Writing ---- */

static void put_names(ps__buf *out, const ps__name_list *list) {
    for (size_t i = 0; i < list->count; i++) ps__buf_append(out, list->names[i], strlen(list->names[i]) + 1);
}

int ps__columns_write(const ps__table *table, const char *folder, const char *identity, ps__error *err) {
    char path[PATH_ROOM];
    ps__buf names = PS__BUF_INIT, bytes = PS__BUF_INIT;
    file_header h = {.version = FILE_VERSION, .chunk_bytes = CHUNK_BYTES, .change = table->change, .rows = table->rows,
                     .gone = table->gone, .chunk_count = table->chunk_count};
    int status = make_path(path, folder, err);
    if (status != PS__OK) return status;
    for (int i = 0; i < PS__LISTS; i++) {
        put_names(&names, ps__names_list(table->names, i));
        h.names[i] = ps__names_list(table->names, i)->count;
    }
    memcpy(h.magic, file_magic, sizeof h.magic);
    memcpy(h.identity, identity, strnlen(identity, sizeof h.identity));
    h.name_bytes = names.length;
    ps__buf_append(&bytes, &h, sizeof h);
    ps__buf_append(&bytes, names.bytes, names.length);
    for (size_t i = 0; i < table->chunk_count; i++) ps__buf_append(&bytes, table->chunks[i], CHUNK_BYTES);
    uint64_t checksum = XXH3_64bits(bytes.bytes, bytes.length);
    ps__buf_append(&bytes, &checksum, sizeof checksum);
    status = bytes.failed || names.failed ? ps__fail_nomem(err) : ps__write_file(path, bytes.bytes, bytes.length, err);
    ps__buf_free(&names);
    ps__buf_free(&bytes);
    return status;
}

/* ---- Reading ---- */

static int check_header(const file_header *h, size_t size, const char *identity, const char *path, ps__error *err) {
    char own[32] = {0};
    memcpy(own, identity, strnlen(identity, sizeof own));
    if (memcmp(h->magic, file_magic, sizeof h->magic) != 0 || h->version != FILE_VERSION || h->chunk_bytes != CHUNK_BYTES)
        return ps__fail(err, PS__CORRUPT, "%s: is of another version", path);
    if (memcmp(h->identity, own, sizeof own) != 0) return ps__fail(err, PS__CORRUPT, "%s: belongs to another library", path);
    size_t rest = size - sizeof *h - sizeof(uint64_t);
    if (h->change < 0 || h->name_bytes > rest || (rest - h->name_bytes) % CHUNK_BYTES != 0 ||
        (rest - h->name_bytes) / CHUNK_BYTES != h->chunk_count || h->rows > h->chunk_count * PS__CHUNK_ROWS || h->gone > h->rows ||
        h->chunk_count != (h->rows + PS__CHUNK_ROWS - 1) / PS__CHUNK_ROWS)
        return ps__fail(err, PS__CORRUPT, "%s: its parts disagree", path);
    return PS__OK;
}

/* Takes `count` names from *at on. The lists of a new table hold the empty name already, which comes first. */
static int take_names(ps__name_list *list, const char **at, const char *end, uint64_t count, size_t most) {
    for (uint64_t i = 0; i < count; i++) {
        size_t left = (size_t)(end - *at), length = strnlen(*at, left);
        if (length == left || !ps__utf8_valid(*at, length)) return PS__CORRUPT;
        int64_t number = ps__names_number(list, *at, most);
        if (number < 0) return PS__NOMEM;
        if ((uint64_t)number != i) return PS__CORRUPT;
        *at += length + 1;
    }
    return list->count == count ? PS__OK : PS__CORRUPT;
}

static int sound_chunk(const ps__chunk *c, const ps__names *names, int64_t before) {
    for (size_t i = 0; i < c->count; i++) {
        if (c->id[i] <= before || c->camera[i] >= names->cameras.count || c->lens[i] >= names->lenses.count ||
            c->format[i] >= names->formats.count || c->folder[i] >= names->folders.count)
            return 0;
        before = c->id[i];
    }
    return 1;
}

static int take_chunks(ps__table *table, const uint8_t *bytes, const file_header *h, const char *path, ps__error *err) {
    int64_t before = 0;
    for (uint64_t i = 0; i < h->chunk_count; i++) {
        int status = ps__table_add_chunk(table, err);
        if (status != PS__OK) return status;
        ps__chunk *chunk = table->chunks[i];
        memcpy(chunk, bytes + i * CHUNK_BYTES, CHUNK_BYTES);
        size_t expected = i + 1 < h->chunk_count ? PS__CHUNK_ROWS : h->rows - i * PS__CHUNK_ROWS;
        if (chunk->count != expected || !sound_chunk(chunk, table->names, before))
            return ps__fail(err, PS__CORRUPT, "%s: makes no sense", path);
        before = chunk->id[chunk->count - 1];
    }
    table->rows = h->rows;
    table->gone = h->gone;
    table->change = h->change;
    return PS__OK;
}

static int parse(ps__table *table, const uint8_t *bytes, size_t size, const char *identity, const char *path, ps__error *err) {
    file_header h;
    uint64_t checksum;
    if (size < sizeof h + sizeof checksum) return ps__fail(err, PS__CORRUPT, "%s: truncated", path);
    memcpy(&h, bytes, sizeof h);
    memcpy(&checksum, bytes + size - sizeof checksum, sizeof checksum);
    if (checksum != XXH3_64bits(bytes, size - sizeof checksum)) return ps__fail(err, PS__CORRUPT, "%s: wrong checksum", path);
    int status = check_header(&h, size, identity, path, err);
    if (status != PS__OK) return status;
    const char *at = (const char *)bytes + sizeof h, *end = at + h.name_bytes;
    for (int i = 0; i < PS__LISTS && status == PS__OK; i++)
        status = take_names(ps__names_list(table->names, i), &at, end, h.names[i], ps__names_most(i));
    if (status == PS__NOMEM) return ps__fail_nomem(err);
    if (status != PS__OK || at != end) return ps__fail(err, PS__CORRUPT, "%s: its names make no sense", path);
    return take_chunks(table, (const uint8_t *)end, &h, path, err);
}

int ps__columns_read(ps__table **out, const char *folder, const char *identity, ps__error *err) {
    char path[PATH_ROOM];
    const uint8_t *bytes = NULL;
    size_t size = 0;
    *out = NULL;
    int status = make_path(path, folder, err);
    if (status == PS__OK) status = ps__map_file(&bytes, &size, path, err);
    if (status != PS__OK) return status;
    status = ps__table_new(out, err);
    if (status == PS__OK) status = parse(*out, bytes, size, identity, path, err);
    ps__unmap_file(bytes, size);
    if (status != PS__OK) {
        ps__table_put(*out);
        *out = NULL;
    }
    return status;
}
