/*
** The reader of zip directories: what is stored is found, and a file whose records do not agree with each other is refused.
*/
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "encoder/import/zip.h"
#include "tests/import/crafted.h"
#include "tests/suites.h"

static const crafted_entry sound[] = {
    {.name = "x/b", .data = "second", .size = 6},
    {.name = "x/a", .data = "first", .size = 5, .zip64 = 1},
    {.name = "x/c", .data = "packed", .size = 6, .method = 8, .unpacked = 4000000000u},
    {.name = "x/d", .data = "later", .size = 5, .flags = 8},
    {.name = "x/\xC3\xA4", .data = "", .size = 0},
};
enum { SOUND = sizeof sound / sizeof *sound };

START_TEST(stored_entries_are_found) {
    for (int zip64_end = 0; zip64_end < 2; zip64_end++) {
        ps__buf b = PS__BUF_INIT;
        ps__zip zip;
        ps__error err;
        crafted_zip(&b, sound, SOUND, zip64_end);
        ck_assert_int_eq(ps__zip_open(&zip, "file", (const uint8_t *)b.bytes, b.length, &err), PS__OK);
        ck_assert_uint_eq(zip.count, SOUND);
        for (int i = 0; i < SOUND; i++) {
            const ps__zip_entry *e = ps__zip_find(&zip, sound[i].name);
            ck_assert_ptr_nonnull(e);
            int is_stored = sound[i].method == 0;
            ck_assert_int_eq(ps__zip_check(&zip, e, 1, &err), is_stored ? PS__OK : PS__MODEL);
            if (!is_stored) ck_assert_ptr_nonnull(strstr(err.text, "x/c is compressed"));
            if (is_stored) ck_assert_uint_eq(e->size, sound[i].size);
            if (is_stored) ck_assert_mem_eq(e->data, sound[i].data, sound[i].size);
        }
        ck_assert_ptr_null(ps__zip_find(&zip, "x/"));
        ck_assert_ptr_null(ps__zip_find(&zip, "x/aa"));
        ck_assert_ptr_null(ps__zip_find(&zip, ""));
        ps__zip_close(&zip);
        ps__buf_free(&b);
    }
}
END_TEST

static const char long_name[] = "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234";

static const struct {
    crafted_entry entries[2];
    const char *complaint;
} bad_entries[] = {
    {{{.name = "a", .data = "xy", .size = 2}, {.name = "a", .data = "xy", .size = 2}}, "entry a is there twice"},
    {{{.name = "a", .data = "xy", .size = 2}, {.name = "a", .data = "xy", .size = 2, .is_moved = 1}}, "overlap"},
    /* The first one's data hold the second one's header, and so lie over it: what small files become large with. */
    {{{.name = "a", .data = "PK\3\4\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0b!", .size = 32},
      {.name = "b", .data = "!", .size = 1, .is_moved = 1, .local = 31}},
     "entries a and b overlap"},
    {{{.name = "a", .data = "xy", .size = 2, .unpacked = 1 << 30}, {.name = "b", .data = ""}}, "two sizes"},
    {{{.name = "a", .data = "xy", .size = 2, .packed = 1 << 30}, {.name = "b", .data = ""}}, "does not end inside"},
    {{{.name = "a", .data = "xy", .size = 2, .packed = UINT64_MAX, .zip64 = 1}, {.name = "b", .data = ""}}, "does not end inside"},
    {{{.name = "a", .data = "xy", .size = 2, .packed = (uint64_t)1 << 63, .zip64 = 1}, {.name = "b", .data = ""}}, "does not end inside"},
    {{{.name = "a", .data = "xy", .size = 2, .local_packed = 3}, {.name = "b", .data = ""}}, "another size"},
    {{{.name = "a", .data = "xy", .size = 2, .local_name = "c"}, {.name = "b", .data = ""}}, "another header"},
    {{{.name = "a", .data = "xy", .size = 2, .local_name = "aa"}, {.name = "b", .data = ""}}, "another header"},
    {{{.name = "a", .data = "xy", .size = 2, .flags = 1}, {.name = "b", .data = ""}}, "encrypted"},
    {{{.name = "a", .data = "xy", .size = 2, .is_moved = 1, .local = 1}, {.name = "b", .data = ""}}, "not where the directory says"},
    {{{.name = "a", .data = "xy", .size = 2, .is_moved = 1, .local = 0xFFFFFFF0}, {.name = "b", .data = ""}}, "not where the directory says"},
    {{{.name = "a", .data = "xy", .size = 2, .is_moved = 1, .local = UINT64_MAX, .zip64 = 1}, {.name = "b", .data = ""}},
     "not where the directory says"},
    {{{.name = "", .data = "xy", .size = 2}, {.name = "b", .data = ""}}, "no text"},
    {{{.name = "a\nb", .data = "xy", .size = 2}, {.name = "b", .data = ""}}, "no text"},
    {{{.name = "a\xFF", .data = "xy", .size = 2}, {.name = "b", .data = ""}}, "no text"},
    {{{.name = long_name, .data = "xy", .size = 2, .flags = 1}, {.name = "b", .data = ""}}, "encrypted"},
};

static void expect(const ps__buf *b, const char *complaint) {
    ps__zip zip;
    ps__error err = {0};
    int status = ps__zip_open(&zip, "the file", (const uint8_t *)b->bytes, b->length, &err);
    ps__zip_close(&zip);
    ck_assert_msg(status == PS__MODEL, "%s: status %d", complaint, status);
    ck_assert_msg(strstr(err.text, complaint) != NULL && strncmp(err.text, "the file: ", 10) == 0, "\"%s\" does not say \"%s\"", err.text,
                  complaint);
}

START_TEST(entries_that_lie_are_refused) {
    ps__buf b = PS__BUF_INIT;
    crafted_zip(&b, bad_entries[_i].entries, 2, _i % 2);
    expect(&b, bad_entries[_i].complaint);
    ps__buf_free(&b);
}
END_TEST

/* In a file of one entry "a" with the data "xy". Its end has the directory's length at 12, its place at 16; the zip64 record 40 and 48. */
static const struct {
    int zip64_end;
    int from_end; /* where the change is, counted from the end of the file */
    const char *bytes;
    size_t length;
    const char *complaint;
} bad_ends[] = {
    {0, 22, "PK\5\7", 4, "without an end"},
    {0, 2, "\1\0", 2, "without an end"},
    {0, 18, "\1\0", 2, "several parts"},
    {0, 14, "\2\0", 2, "several parts"},
    {0, 14, "\0\0\0\0", 4, "empty zip file"},
    {0, 10, "\xFF\xFF\0\0", 4, "directory lies outside"},
    {0, 6, "\xFF\xFF\xFF\x7F", 4, "directory lies outside"},
    {0, 6, "\0\0\0\0", 4, "damaged directory"},
    {1, 22 + 20 - 8, "\0\0\0\0\0\0\0\x80", 8, "zip64 record is not where"},
    {1, 22 + 20 - 8, "\0\0\0\0\0\0\0\0", 8, "zip64 record is not where"},
    {1, 22 + 20 + 56 - 40, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 8, "directory lies outside"},
    {1, 22 + 20 + 56 - 48, "\0\0\0\0\0\0\0\x80", 8, "directory lies outside"},
    {1, 22 + 20 + 56 - 24, "\2\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0", 16, "claims 2 entries"},
    {1, 22 + 20 + 56 - 24, "\0\0\0\0\0\0\0\x80\0\0\0\0\0\0\0\x80", 16, "claims 9223372036854775808 entries"},
    {1, 22 + 20 + 56 - 24, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16, "empty zip file"},
    {1, 22 + 20 + 56 - 16, "\1\0\0\0", 4, "several parts"},
};

START_TEST(ends_that_lie_are_refused) {
    ps__buf b = PS__BUF_INIT;
    const crafted_entry entry = {.name = "a", .data = "xy", .size = 2};
    crafted_zip(&b, &entry, 1, bad_ends[_i].zip64_end);
    memcpy(b.bytes + b.length - bad_ends[_i].from_end, bad_ends[_i].bytes, bad_ends[_i].length);
    expect(&b, bad_ends[_i].complaint);
    ps__buf_free(&b);
}
END_TEST

START_TEST(a_wrong_checksum_is_told) {
    ps__buf b = PS__BUF_INIT;
    ps__zip zip;
    ps__error err;
    const crafted_entry entry = {.name = "a", .data = "xy", .size = 2, .wrong_crc = 1};
    crafted_zip(&b, &entry, 1, 0);
    ck_assert_int_eq(ps__zip_open(&zip, "file", (const uint8_t *)b.bytes, b.length, &err), PS__OK);
    ck_assert_int_eq(ps__zip_check(&zip, zip.entries, 0, &err), PS__OK);
    ck_assert_int_eq(ps__zip_check(&zip, zip.entries, 1, &err), PS__MODEL);
    ck_assert_str_eq(err.text, "file: entry a is damaged: its checksum is wrong");
    ps__zip_close(&zip);
    ps__buf_free(&b);
}
END_TEST

/* The copy ends where its memory ends, so that AddressSanitizer sees what reads on. */
static void open_copy(const char *bytes, size_t size, int must_fail) {
    ps__zip zip;
    ps__error err;
    uint8_t *copy = malloc(size ? size : 1);
    memcpy(copy, bytes, size);
    int status = ps__zip_open(&zip, "file", copy, size, &err);
    if (must_fail) ck_assert_int_eq(status, PS__MODEL);
    for (size_t i = 0; !status && i < zip.count; i++)
        if (zip.entries[i].data) ck_assert(zip.entries[i].data >= copy && zip.entries[i].data + zip.entries[i].size <= copy + size);
    ps__zip_close(&zip);
    free(copy);
}

START_TEST(a_truncated_file_is_refused) {
    ps__buf b = PS__BUF_INIT;
    crafted_zip(&b, sound, SOUND, _i);
    for (size_t size = 0; size < b.length; size++) open_copy(b.bytes, size, 1);
    ps__buf_free(&b);
}
END_TEST

START_TEST(any_changed_byte_leaves_entries_inside) {
    static const char values[] = {0, 1, 127, (char)128, (char)255};
    ps__buf b = PS__BUF_INIT;
    crafted_zip(&b, sound, SOUND, _i);
    for (size_t at = 0; at < b.length; at++) {
        char before = b.bytes[at];
        for (size_t i = 0; i < sizeof values; i++) {
            b.bytes[at] = values[i];
            open_copy(b.bytes, b.length, 0);
        }
        b.bytes[at] = before;
    }
    ps__buf_free(&b);
}
END_TEST

Suite *suite_zip(void);

Suite *suite_zip(void) {
    Suite *s = suite_create("zip");
    TCase *t = tcase_create("zip");
    tcase_add_test(t, stored_entries_are_found);
    tcase_add_loop_test(t, entries_that_lie_are_refused, 0, (int)(sizeof bad_entries / sizeof *bad_entries));
    tcase_add_loop_test(t, ends_that_lie_are_refused, 0, (int)(sizeof bad_ends / sizeof *bad_ends));
    tcase_add_test(t, a_wrong_checksum_is_told);
    tcase_add_loop_test(t, a_truncated_file_is_refused, 0, 2);
    tcase_add_loop_test(t, any_changed_byte_leaves_entries_inside, 0, 2);
    suite_add_tcase(s, t);
    return s;
}
