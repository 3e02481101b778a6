/*
** Bytes of checkpoints that no library would write.
*/
#include "tests/import/crafted.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char crafted_path[4096];

void crafted_bytes(ps__buf *out, const void *bytes, size_t size) { ps__buf_append(out, bytes, size); }

void crafted_little(ps__buf *out, uint64_t value, int bytes) {
    for (int i = 0; i < bytes; i++) ps__buf_putc(out, (char)(value >> 8 * i & 255));
}

/* ---- Zip files ---- */

static uint32_t crc32_of(const uint8_t *p, size_t n) {
    uint32_t crc = ~0u;
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320 : 0);
    }
    return ~crc;
}

static uint64_t packed_of(const crafted_entry *e) { return e->packed ? e->packed : e->size; }
static uint64_t unpacked_of(const crafted_entry *e) { return e->unpacked ? e->unpacked : packed_of(e); }

static void put_local(ps__buf *out, const crafted_entry *e) {
    const char *name = e->local_name ? e->local_name : e->name;
    int bare = e->flags & 8;
    crafted_bytes(out, "PK\3\4\x14\0", 6);
    crafted_little(out, (uint64_t)e->flags, 2);
    crafted_little(out, (uint64_t)e->method, 2);
    crafted_little(out, 0, 4);
    crafted_little(out, bare ? 0 : crc32_of(e->data, e->size), 4);
    crafted_little(out, bare ? 0 : e->local_packed ? e->local_packed : packed_of(e), 4);
    crafted_little(out, bare ? 0 : e->local_packed ? e->local_packed : unpacked_of(e), 4);
    crafted_little(out, strlen(name), 2);
    crafted_little(out, 0, 2);
    crafted_bytes(out, name, strlen(name));
    crafted_bytes(out, e->data, e->size);
}

static void put_central(ps__buf *out, const crafted_entry *e, uint64_t local) {
    uint64_t full = 0xFFFFFFFF;
    crafted_bytes(out, "PK\1\2\x14\0\x14\0", 8);
    crafted_little(out, (uint64_t)e->flags, 2);
    crafted_little(out, (uint64_t)e->method, 2);
    crafted_little(out, 0, 4);
    crafted_little(out, crc32_of(e->data, e->size) ^ (e->wrong_crc ? 1 : 0), 4);
    crafted_little(out, e->zip64 ? full : packed_of(e), 4);
    crafted_little(out, e->zip64 ? full : unpacked_of(e), 4);
    crafted_little(out, strlen(e->name), 2);
    crafted_little(out, e->zip64 ? 5 + 28 : 0, 2);
    crafted_little(out, 0, 8); /* comment, disk, attributes: 10 bytes */
    crafted_little(out, 0, 2);
    crafted_little(out, e->zip64 ? full : local, 4);
    crafted_bytes(out, e->name, strlen(e->name));
    if (!e->zip64) return;
    crafted_bytes(out, "AB\1\0!\1\0\x18\0", 9);
    crafted_little(out, unpacked_of(e), 8);
    crafted_little(out, packed_of(e), 8);
    crafted_little(out, local, 8);
}

static void put_end(ps__buf *out, uint64_t start, uint64_t length, size_t count, int zip64_end) {
    uint64_t at = start + length;
    if (zip64_end) {
        crafted_bytes(out, "PK\6\6", 4);
        crafted_little(out, 44, 8);
        crafted_little(out, 45, 4);
        crafted_little(out, 0, 8);
        crafted_little(out, count, 8);
        crafted_little(out, count, 8);
        crafted_little(out, length, 8);
        crafted_little(out, start, 8);
        crafted_bytes(out, "PK\6\7", 4);
        crafted_little(out, 0, 4);
        crafted_little(out, at, 8);
        crafted_little(out, 1, 4);
    }
    crafted_bytes(out, "PK\5\6", 4);
    crafted_little(out, 0, 4);
    crafted_little(out, zip64_end ? 0xFFFF : count, 2);
    crafted_little(out, zip64_end ? 0xFFFF : count, 2);
    crafted_little(out, zip64_end ? 0xFFFFFFFF : length, 4);
    crafted_little(out, zip64_end ? 0xFFFFFFFF : start, 4);
    crafted_little(out, 0, 2);
}

void crafted_zip(ps__buf *out, const crafted_entry *entries, size_t count, int zip64_end) {
    ps__buf directory = PS__BUF_INIT;
    for (size_t i = 0; i < count; i++) {
        put_central(&directory, &entries[i], entries[i].is_moved ? entries[i].local : out->length);
        put_local(out, &entries[i]);
    }
    uint64_t start = out->length;
    crafted_bytes(out, directory.bytes, directory.length);
    put_end(out, start, directory.length, count, zip64_end);
    ps__buf_free(&directory);
}

/* ---- Pickles ---- */

void crafted_text(ps__buf *out, const char *text) {
    crafted_bytes(out, "X", 1);
    crafted_little(out, strlen(text), 4);
    ps__buf_puts(out, text);
}

void crafted_int(ps__buf *out, int64_t value) {
    crafted_bytes(out, "\x8A\x08", 2);
    crafted_little(out, (uint64_t)value, 8);
}

void crafted_global(ps__buf *out, const char *module, const char *name) { ps__buf_printf(out, "c%s\n%s\n", module, name); }

static void push_dimensions(ps__buf *out, const int64_t *n, int rank) {
    crafted_bytes(out, "(", 1);
    for (int i = 0; i < rank; i++) crafted_int(out, n[i]);
    crafted_bytes(out, "t", 1);
}

void crafted_push_tensor(ps__buf *out, const crafted_tensor *t) {
    crafted_global(out, "torch._utils", "_rebuild_tensor_v2");
    crafted_bytes(out, "((", 2);
    crafted_text(out, "storage");
    crafted_global(out, "torch", t->storage ? t->storage : "FloatStorage");
    crafted_text(out, t->key ? t->key : "0");
    crafted_text(out, "cpu");
    crafted_int(out, t->entries);
    crafted_bytes(out, "tQ", 2);
    crafted_int(out, t->offset);
    push_dimensions(out, t->shape, t->rank);
    push_dimensions(out, t->stride, t->rank);
    crafted_bytes(out, "\x89", 1);
    crafted_global(out, "collections", "OrderedDict");
    crafted_bytes(out, ")RtR", 4);
}

void crafted_torch(ps__buf *out, const ps__buf *pickle, const void *data, size_t size) {
    const crafted_entry entries[] = {{.name = "x/data.pkl", .data = pickle->bytes, .size = pickle->length},
                                     {.name = "x/byteorder", .data = "little", .size = 6},
                                     {.name = "x/data/0", .data = data, .size = size}};
    crafted_zip(out, entries, 3, 1);
}

/* ---- Files ---- */

void crafted_make_path(void) {
    const char *tmp = getenv("TMPDIR");
    snprintf(crafted_path, sizeof crafted_path, "%s/photosearch-checkpoint-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    int fd = mkstemp(crafted_path);
    ck_assert_int_ge(fd, 0);
    close(fd);
}

void crafted_remove_path(void) { unlink(crafted_path); }

void crafted_write(ps__buf *bytes) {
    ck_assert(!bytes->failed);
    FILE *f = fopen(crafted_path, "wb");
    ck_assert_ptr_nonnull(f);
    if (bytes->length) ck_assert_uint_eq(fwrite(bytes->bytes, 1, bytes->length, f), bytes->length);
    ck_assert_int_eq(fclose(f), 0);
    ps__buf_free(bytes);
}

void crafted_expect_refusal(const char *complaint) {
    ps__checkpoint *c = NULL;
    ps__error err = {0};
    int status = ps__checkpoint_open(&c, crafted_path, &err);
    ck_assert_msg(status == PS__MODEL, "%s: status %d, %s", complaint, status, err.text);
    ck_assert_ptr_null(c);
    ck_assert_msg(strstr(err.text, complaint) != NULL, "\"%s\" does not say \"%s\"", err.text, complaint);
    ck_assert_msg(strncmp(err.text, crafted_path, strlen(crafted_path)) == 0, "\"%s\" does not begin with the path", err.text);
}

ps__checkpoint *crafted_open(void) {
    ps__checkpoint *c = NULL;
    ps__error err = {0};
    ck_assert_msg(ps__checkpoint_open(&c, crafted_path, &err) == PS__OK, "%s", err.text);
    return c;
}
