/*
** Files for the readers of tokenizers; see readers.h.
*/
#include "tests/import/readers.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/os.h"
#include "tests/import/crafted.h"

static void *copy_file(size_t size, int fd) {
    void *copy = malloc(size);
    if (copy && pread(fd, copy, size, 0) == (ssize_t)size) return copy;
    free(copy);
    return MAP_FAILED;
}

static int free_copy(void *address, size_t size) {
    (void)size;
    free(address);
    return 0;
}

static struct ps__os before;

void readers_set_up(void) {
    before = ps__os;
    ps__os.mmap = copy_file;
    ps__os.munmap = free_copy;
    crafted_make_path();
}

void readers_tear_down(void) {
    ps__os = before;
    crafted_remove_path();
}

static void put(const void *bytes, size_t size) {
    ps__buf b = PS__BUF_INIT;
    ps__buf_append(&b, bytes, size);
    crafted_write(&b);
}

static int try_read(readers_fn *read, const void *bytes, size_t size, ps__error *err) {
    ps__pieces p;
    put(bytes, size);
    ps__pieces_init(&p);
    int status = read(&p, crafted_path, err);
    ps__pieces_clear(&p);
    return status;
}

void readers_read(ps__pieces *out, readers_fn *read, const void *bytes, size_t size) {
    ps__error err = {0};
    put(bytes, size);
    ps__pieces_init(out);
    ck_assert_msg(read(out, crafted_path, &err) == PS__OK, "%s", err.text);
}

void readers_refuse(readers_fn *read, const void *bytes, size_t size, const char *complaint) {
    ps__error err = {0};
    int status = try_read(read, bytes, size, &err);
    ck_assert_msg(status == PS__MODEL, "%s: status %d, %s", complaint, status, err.text);
    ck_assert_msg(strstr(err.text, complaint) != NULL, "\"%s\" does not say \"%s\"", err.text, complaint);
    ck_assert_msg(strncmp(err.text, crafted_path, strlen(crafted_path)) == 0, "\"%s\" does not begin with the path", err.text);
}

void readers_cut(readers_fn *read, const void *bytes, size_t size, int (*is_whole)(size_t n)) {
    for (size_t n = 0; n < size; n++) {
        if (!is_whole || !is_whole(n)) {
            readers_refuse(read, bytes, n, "");
        } else {
            ps__error err = {0};
            ck_assert_msg(try_read(read, bytes, n, &err) == PS__OK, "cut to %zu bytes: %s", n, err.text);
        }
    }
}

void readers_lack_memory(readers_fn *read, const void *bytes, size_t size) {
    put(bytes, size);
    for (long n = 0, failed = 1; failed; n++) {
        ps__error err = {0};
        ps__pieces p;
        ps__pieces_init(&p);
        ps__alloc_fail_after(n, 0);
        int status = read(&p, crafted_path, &err);
        failed = ps__alloc_fail_left() < 0;
        ps__alloc_fail_after(-1, 0);
        ps__pieces_clear(&p);
        ck_assert_msg(status == (failed ? PS__NOMEM : PS__OK), "allocation %ld: status %d, %s", n, status, err.text);
        if (!failed) ck_assert_int_gt(n, 0);
    }
}

/* A unit has its byte and, from bit 10, what is xored with its place and the next byte to give the next one's. */
void readers_charsmap(ps__buf *out, int has_joiner) {
    enum { UNITS = 0x800 };
    static uint32_t units[UNITS];
    const uint32_t first = 0x100 ^ 0xE2, second = first ^ 0x200 ^ 0x80, third = second ^ 0x400 ^ 0x8D;
    units[0] = 0x100 << 10;
    units[first] = 0x200 << 10 | 0xE2;
    units[second] = 0x400 << 10 | 0x80;
    units[third] = 0x8D | (has_joiner ? 1u << 8 : 0);
    crafted_little(out, sizeof units, 4);
    for (int i = 0; i < UNITS; i++) crafted_little(out, units[i], 4);
    ps__buf_append(out, " \0", 2); /* what the entry becomes */
}

void readers_expect(const ps__pieces *p, const char *text, int32_t id) {
    size_t length;
    int32_t got = ps__pieces_find(p, text, strlen(text));
    ck_assert_msg(got == id, "\"%s\" has the id %d, not %d", text, got, id);
    if (id < 0) return;
    const char *back = ps__pieces_text(&length, p, id);
    ck_assert_uint_eq(length, strlen(text));
    ck_assert_mem_eq(back, text, length);
}
