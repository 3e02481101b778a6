/*
** Reads a zip file's central directory (PKWARE's APPNOTE 6.3, sections 4.3 and 4.5), and holds it against the local headers.
*/
#include "encoder/import/zip.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"

enum {
    END_BYTES = 22,     /* end of central directory, without its comment */
    LOCATOR_BYTES = 20, /* says where the zip64 end is */
    END64_BYTES = 56,
    CENTRAL_BYTES = 46, /* one entry of the directory, without name, extra and comment */
    LOCAL_BYTES = 30,
    MOST_COMMENT = 65535,
    MOST_ENTRIES = 1 << 17,
    MOST_NAME = 1024,
    STORED = 0 /* the method */
};

static const uint32_t FULL32 = 0xFFFFFFFF; /* "see the zip64 field" */

typedef struct central { /* one entry as the directory has it */
    const uint8_t *extra;
    size_t extra_length;
    unsigned flags, method;
    uint64_t packed, unpacked, local; /* local: where its local header is */
} central;

static uint32_t get16(const uint8_t *p) { return (uint32_t)(p[0] | p[1] << 8); }
static uint32_t get32(const uint8_t *p) { return get16(p) | get16(p + 2) << 16; }
static uint64_t get64(const uint8_t *p) { return get32(p) | (uint64_t)get32(p + 4) << 32; }

static int refuse(const ps__zip *zip, ps__error *err, const char *format, ...) __attribute__((format(printf, 3, 4)));

static int refuse(const ps__zip *zip, ps__error *err, const char *format, ...) {
    char reason[400];
    va_list args;
    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    return ps__fail(err, PS__MODEL, "%s: %s", zip->path, reason);
}

static int name_length(const ps__zip_entry *e) { return (int)(e->name_length < 100 ? e->name_length : 100); }

/* The end record is the last thing in the file but for a comment, whose length it states. NULL: there is none. */
static const uint8_t *find_end(const ps__zip *zip) {
    for (size_t back = END_BYTES; back <= zip->size && back <= END_BYTES + MOST_COMMENT; back++) {
        const uint8_t *p = zip->bytes + zip->size - back;
        if (memcmp(p, "PK\5\6", 4) == 0 && get16(p + 20) == back - END_BYTES) return p;
    }
    return NULL;
}

/* Where the directory lies: [*from, *to), and how many entries it has. */
static int find_directory(uint64_t *from, uint64_t *to, uint64_t *entries, const ps__zip *zip, ps__error *err) {
    const uint8_t *end = find_end(zip);
    if (!end) return refuse(zip, err, "is a zip file without an end: it is truncated, or more was written behind it");
    uint64_t limit = (uint64_t)(end - zip->bytes);
    unsigned disks = get16(end + 4) | get16(end + 6);
    *entries = get16(end + 10);
    uint64_t here = get16(end + 8), length = get32(end + 12);
    *from = get32(end + 16);
    if (limit >= LOCATOR_BYTES && memcmp(end - LOCATOR_BYTES, "PK\6\7", 4) == 0) {
        uint64_t at = get64(end - LOCATOR_BYTES + 8);
        limit -= LOCATOR_BYTES;
        if (limit < END64_BYTES || at > limit - END64_BYTES || memcmp(zip->bytes + at, "PK\6\6", 4) != 0)
            return refuse(zip, err, "is a zip file whose zip64 record is not where it is said to be");
        const uint8_t *p = zip->bytes + at;
        limit = at;
        disks = get32(p + 16) | get32(p + 20);
        here = get64(p + 24);
        *entries = get64(p + 32);
        length = get64(p + 40);
        *from = get64(p + 48);
    }
    if (disks || here != *entries) return refuse(zip, err, "is a zip file in several parts, which is not read");
    if (*from > limit || length > limit - *from) return refuse(zip, err, "is a zip file whose directory lies outside of it");
    *to = *from + length;
    if (*entries > MOST_ENTRIES || *entries > length / CENTRAL_BYTES)
        return refuse(zip, err, "is a zip file that claims %llu entries in a directory of %llu bytes",
                      (unsigned long long)*entries, (unsigned long long)length);
    return PS__OK;
}

/* Fields of the directory that do not fit 32 bits stand in the extra field 1, in this order, each only if it is needed. */
static int read_zip64(central *c) {
    const uint8_t *p = c->extra, *end = c->extra + c->extra_length;
    uint64_t *const fields[] = {&c->unpacked, &c->packed, &c->local};
    int wanted = 0;
    for (int i = 0; i < 3; i++) wanted += *fields[i] == FULL32;
    if (!wanted) return 1;
    while (end - p >= 4) {
        size_t length = get16(p + 2);
        uint32_t id = get16(p);
        p += 4;
        if (length > (size_t)(end - p)) return 0;
        if (id != 1) {
            p += length;
            continue;
        }
        end = p + length;
        for (int i = 0; i < 3; i++) {
            if (*fields[i] != FULL32) continue;
            if (end - p < 8) return 0;
            *fields[i] = get64(p);
            p += 8;
        }
        return 1;
    }
    return 0;
}

static int check_name(const ps__zip *zip, const ps__zip_entry *e, ps__error *err) {
    int fine = e->name_length > 0 && e->name_length <= MOST_NAME && ps__utf8_valid(e->name, e->name_length);
    for (size_t i = 0; fine && i < e->name_length; i++) fine = (unsigned char)e->name[i] >= 32 && e->name[i] != 127;
    return fine ? PS__OK : refuse(zip, err, "is a zip file with an entry whose name is no text");
}

/* The local header must tell the same story, where it tells one: sizes may follow behind the data instead (flag 8). */
static int read_local(ps__zip_entry *e, const ps__zip *zip, const central *c, uint64_t limit, ps__error *err) {
    int n = name_length(e);
    if (limit < LOCAL_BYTES || c->local > limit - LOCAL_BYTES || memcmp(zip->bytes + c->local, "PK\3\4", 4) != 0)
        return refuse(zip, err, "entry %.*s is not where the directory says", n, e->name);
    const uint8_t *p = zip->bytes + c->local;
    uint64_t start = c->local + LOCAL_BYTES + get16(p + 26) + get16(p + 28);
    if (start > limit || c->packed > limit - start)
        return refuse(zip, err, "entry %.*s of %llu bytes does not end inside of the file", n, e->name,
                      (unsigned long long)c->packed);
    if (get16(p + 26) != e->name_length || memcmp(p + LOCAL_BYTES, e->name, e->name_length) != 0 || get16(p + 8) != c->method)
        return refuse(zip, err, "entry %.*s has another header than the directory says", n, e->name);
    uint32_t packed = get32(p + 18), unpacked = get32(p + 22);
    if (!(get16(p + 6) & 8) && ((packed != FULL32 && packed != c->packed) || (unpacked != FULL32 && unpacked != c->unpacked)))
        return refuse(zip, err, "entry %.*s has another size than the directory says", n, e->name);
    if (c->method == STORED && c->packed != c->unpacked)
        return refuse(zip, err, "entry %.*s is not compressed, yet has two sizes (%llu and %llu bytes)", n, e->name,
                      (unsigned long long)c->packed, (unsigned long long)c->unpacked);
    e->from = c->local;
    e->to = start + c->packed;
    e->size = c->unpacked;
    e->data = c->method == STORED ? zip->bytes + start : NULL;
    return PS__OK;
}

/* Reads the entry of the directory at *at, and moves *at behind it. */
static int read_entry(ps__zip_entry *e, uint64_t *at, const ps__zip *zip, uint64_t from, uint64_t to, ps__error *err) {
    const uint8_t *p = zip->bytes + *at;
    if (to - *at < CENTRAL_BYTES || memcmp(p, "PK\1\2", 4) != 0)
        return refuse(zip, err, "is a zip file with a damaged directory");
    size_t length = get16(p + 28), extra = get16(p + 30), comment = get16(p + 32);
    if (to - *at - CENTRAL_BYTES < length + extra + comment) return refuse(zip, err, "is a zip file with a damaged directory");
    e->name = (const char *)p + CENTRAL_BYTES;
    e->name_length = length;
    e->crc = get32(p + 16);
    central c = {p + CENTRAL_BYTES + length, extra, get16(p + 8), get16(p + 10), get32(p + 20), get32(p + 24), get32(p + 42)};
    *at += CENTRAL_BYTES + length + extra + comment;
    int status = check_name(zip, e, err);
    if (status) return status;
    if (c.flags & 1) return refuse(zip, err, "entry %.*s is encrypted", name_length(e), e->name);
    if (!read_zip64(&c)) return refuse(zip, err, "entry %.*s has no zip64 sizes", name_length(e), e->name);
    return read_local(e, zip, &c, from, err);
}

static int compare(const char *a, size_t a_length, const char *b, size_t b_length) {
    int order = memcmp(a, b, a_length < b_length ? a_length : b_length);
    return order ? order : (a_length > b_length) - (a_length < b_length);
}

static int by_name(const void *a, const void *b) {
    const ps__zip_entry *x = a, *y = b;
    return compare(x->name, x->name_length, y->name, y->name_length);
}

static int by_place(const void *a, const void *b) {
    const ps__zip_entry *x = a, *y = b;
    return (x->from > y->from) - (x->from < y->from);
}

/* Entries that share bytes make a small file large (and are no torch's). */
static int check_entries(ps__zip *zip, ps__error *err) {
    qsort(zip->entries, zip->count, sizeof *zip->entries, by_place);
    for (size_t i = 1; i < zip->count; i++) {
        const ps__zip_entry *a = &zip->entries[i - 1], *b = &zip->entries[i];
        if (a->to > b->from)
            return refuse(zip, err, "entries %.*s and %.*s overlap", name_length(a), a->name, name_length(b), b->name);
    }
    qsort(zip->entries, zip->count, sizeof *zip->entries, by_name);
    for (size_t i = 1; i < zip->count; i++)
        if (by_name(&zip->entries[i - 1], &zip->entries[i]) == 0)
            return refuse(zip, err, "entry %.*s is there twice", name_length(&zip->entries[i]), zip->entries[i].name);
    return PS__OK;
}

int ps__zip_open(ps__zip *zip, const char *path, const uint8_t *bytes, size_t size, ps__error *err) {
    uint64_t from = 0, to = 0, entries = 0;
    *zip = (ps__zip){.path = path, .bytes = bytes, .size = size};
    int status = find_directory(&from, &to, &entries, zip, err);
    if (status) return status;
    if (!entries) return refuse(zip, err, "is an empty zip file");
    if (!(zip->entries = ps__calloc((size_t)entries, sizeof *zip->entries))) return ps__fail_nomem(err);
    for (uint64_t at = from; zip->count < entries; zip->count++)
        if ((status = read_entry(&zip->entries[zip->count], &at, zip, from, to, err)) != PS__OK) return status;
    return check_entries(zip, err);
}

void ps__zip_close(ps__zip *zip) {
    ps__free(zip->entries);
    zip->entries = NULL;
    zip->count = 0;
}

static int against_name(const void *key, const void *entry) {
    const ps__zip_entry *e = entry;
    return compare(key, strlen(key), e->name, e->name_length);
}

const ps__zip_entry *ps__zip_find(const ps__zip *zip, const char *name) {
    return zip->count ? bsearch(name, zip->entries, zip->count, sizeof *zip->entries, against_name) : NULL;
}

/* CRC-32 of ISO 3309, a nibble at a time: what is checked is small. */
static uint32_t crc32_of(const uint8_t *p, uint64_t n) {
    uint32_t table[16], crc = FULL32;
    for (uint32_t i = 0; i < 16; i++) {
        table[i] = i;
        for (int bit = 0; bit < 4; bit++) table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0xEDB88320 : 0);
    }
    while (n--) {
        crc ^= *p++;
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

int ps__zip_check(const ps__zip *zip, const ps__zip_entry *e, int check_crc, ps__error *err) {
    if (!e->data)
        return refuse(zip, err, "entry %.*s is compressed, as torch never does (%llu bytes when unpacked): not unpacked",
                      name_length(e), e->name, (unsigned long long)e->size);
    if (check_crc && crc32_of(e->data, e->size) != e->crc)
        return refuse(zip, err, "entry %.*s is damaged: its checksum is wrong", name_length(e), e->name);
    return PS__OK;
}
