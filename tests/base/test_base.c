/*
** The small pieces everything stands on.
*/
#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/half.h"
#include "base/os.h"
#include "base/utf8.h"
#include "tests/suites.h"

static char folder[4096];

static const char *in_folder(const char *name) {
    static char path[sizeof folder + 256];
    snprintf(path, sizeof path, "%s/%.200s", folder, name);
    return path;
}

static void make_folder(void) {
    const char *tmp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/photosearch-base-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void remove_folder(void) {
    char command[sizeof folder + 16];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
    ps__os_reset();
}

START_TEST(buffer_grows_and_stays_a_string) {
    ps__buf b = PS__BUF_INIT;
    ck_assert_str_eq(b.bytes, "");
    for (int i = 0; i < 1000; i++) ps__buf_printf(&b, "%d,", i);
    ck_assert_uint_eq(b.length, 3890);
    ck_assert_int_eq(b.bytes[b.length], 0);
    char *s = ps__buf_detach(&b);
    ck_assert_int_eq(strncmp(s, "0,1,2,", 6), 0);
    ps__free(s);
    ck_assert_uint_eq(b.length, 0);
}
END_TEST

START_TEST(buffer_remembers_that_memory_ran_out) {
    ps__buf b = PS__BUF_INIT;
    ps__buf_puts(&b, "kept");
    ps__alloc_fail_after(0, 1);
    for (int i = 0; i < 100; i++) ps__buf_puts(&b, "more");
    ps__alloc_fail_after(-1, 0);
    ck_assert_int_eq(b.failed, 1);
    ck_assert_int_eq(strncmp(b.bytes, "kept", 4), 0);
    ck_assert_ptr_null(ps__buf_detach(&b));
}
END_TEST

static const struct {
    const char *bytes;
    int valid;
    uint32_t first;
} utf8_cases[] = {
    {"a", 1, 'a'},           {"\xC3\xA9", 1, 0xE9},       {"\xE4\xB8\xAD", 1, 0x4E2D},     {"\xF0\x9F\x8F\x96", 1, 0x1F3D6},
    {"\xC0\x80", 0, 0xFFFD}, {"\xED\xA0\x80", 0, 0xFFFD}, {"\xF5\x80\x80\x80", 0, 0xFFFD}, {"\xE4\xB8", 0, 0xFFFD},
    {"\x80", 0, 0xFFFD},     {"\xE0\x80\x80", 0, 0xFFFD}, {"\xEF\xBF\xBD", 1, 0xFFFD},
};

START_TEST(utf8_is_decoded_without_trust) {
    uint32_t code;
    size_t n = strlen(utf8_cases[_i].bytes);
    ck_assert_uint_ge(ps__utf8_decode(&code, utf8_cases[_i].bytes, n), 1);
    ck_assert_uint_eq(code, utf8_cases[_i].first);
    ck_assert_int_eq(ps__utf8_valid(utf8_cases[_i].bytes, n), utf8_cases[_i].valid);
}
END_TEST

START_TEST(halves_round_to_nearest_even_and_back) {
    ck_assert_uint_eq(ps__half_from_float(1.0f), 0x3C00);
    ck_assert_uint_eq(ps__half_from_float(-2.0f), 0xC000);
    ck_assert_uint_eq(ps__half_from_float(65520.0f), 0x7C00);
    ck_assert_uint_eq(ps__half_from_float(0x1p-24f), 0x0001);
    ck_assert_uint_eq(ps__half_from_float(0x1p-25f), 0x0000);
    ck_assert_uint_eq(ps__half_from_float(1.0f + 0x1p-11f), 0x3C00);
    ck_assert_uint_eq(ps__half_from_float(1.0f + 3 * 0x1p-11f), 0x3C02);
    for (uint32_t h = 0; h < 0x7C00; h++) ck_assert_uint_eq(ps__half_from_float(ps__half_to_float((uint16_t)h)), h);
    ck_assert(isinf(ps__half_to_float(0x7C00)) && isnan(ps__half_to_float(0x7E00)));
}
END_TEST

START_TEST(files_are_written_whole_or_not_at_all) {
    ps__error err;
    uint8_t *bytes;
    size_t size;
    const char *path = in_folder("a");
    ck_assert_int_eq(ps__write_file(path, "one", 3, &err), PS__OK);
    ck_assert_int_eq(ps__write_file(path, "three", 5, &err), PS__OK);
    ck_assert_int_eq(ps__read_file(&bytes, &size, NULL, path, 100, &err), PS__OK);
    ck_assert_uint_eq(size, 5);
    ck_assert_mem_eq(bytes, "three", 5);
    ps__free(bytes);
    ck_assert_int_eq(ps__read_file(&bytes, &size, NULL, path, 4, &err), PS__TOOBIG);
}
END_TEST

static ssize_t write_fails(int fd, const void *bytes, size_t size) {
    (void)fd, (void)bytes, (void)size;
    errno = ENOSPC;
    return -1;
}

static int fsync_fails(int fd) {
    (void)fd;
    errno = EIO;
    return -1;
}

START_TEST(a_failed_write_keeps_the_old_file) {
    ps__error err;
    const char *path = in_folder("keep");
    uint8_t *bytes;
    size_t size;
    ck_assert_int_eq(ps__write_file(path, "old", 3, &err), PS__OK);
    ps__os.write = write_fails;
    ck_assert_int_eq(ps__write_file(path, "new", 3, &err), PS__FULL);
    ck_assert_ptr_nonnull(strstr(err.text, "keep"));
    ps__os_reset();
    ps__os.fsync = fsync_fails;
    ck_assert_int_eq(ps__write_file(path, "new", 3, &err), PS__IO);
    ps__os_reset();
    ck_assert_int_eq(ps__read_file(&bytes, &size, NULL, path, 100, &err), PS__OK);
    ck_assert_mem_eq(bytes, "old", 3);
    ps__free(bytes);
}
END_TEST

START_TEST(only_regular_files_are_read) {
    ps__error err;
    uint8_t *bytes;
    size_t size;
    ck_assert_int_eq(ps__read_file(&bytes, &size, NULL, folder, 100, &err), PS__FORMAT);
    ck_assert_int_eq(mkfifo(in_folder("fifo"), 0600), 0);
    ck_assert_int_eq(ps__read_file(&bytes, &size, NULL, in_folder("fifo"), 100, &err), PS__FORMAT); /* and does not hang */
    ck_assert_int_eq(ps__read_file(&bytes, &size, NULL, in_folder("none"), 100, &err), PS__NOTFOUND);
    ck_assert_ptr_nonnull(strstr(err.text, "none"));
}
END_TEST

START_TEST(folders_are_made_with_their_parents) {
    ps__error err;
    struct stat st;
    ck_assert_int_eq(ps__make_folders(in_folder("x/y/z"), &err), PS__OK);
    ck_assert_int_eq(stat(in_folder("x/y/z"), &st), 0);
    ck_assert_int_eq(ps__make_folders(in_folder("x/y/z"), &err), PS__OK);
    ck_assert_int_eq(ps__write_file(in_folder("file"), "", 0, &err), PS__OK);
    ck_assert_int_ne(ps__make_folders(in_folder("file"), &err), PS__OK);
}
END_TEST

/* ---- Sentences -------------------------------------------------------------------------------------------------------------- */

static int ends_with(const char *text, const char *end) {
    size_t length = strlen(text), n = strlen(end);
    return length >= n && strcmp(text + length - n, end) == 0;
}

START_TEST(a_sentence_that_fits_is_left_whole) {
    ps__error err;
    char path[PS__ERROR_TEXT];
    memset(path, 'd', sizeof path);
    path[sizeof path - 1 - strlen(": is bad")] = 0;
    ck_assert_int_eq(ps__fail(&err, PS__FORMAT, "%s: is bad", path), PS__FORMAT);
    ck_assert_uint_eq(strlen(err.text), PS__ERROR_TEXT - 1);
    ck_assert_ptr_null(strstr(err.text, "..."));
    ck_assert_int_eq(ps__fail_errno(&err, ENOENT, "%s", "/a"), PS__NOTFOUND);
    ck_assert_str_eq(err.text, "/a: No such file or directory");
    ck_assert_int_eq(ps__fail(NULL, PS__IO, "%s", path), PS__IO);
}
END_TEST

START_TEST(a_path_that_is_too_long_never_hides_the_reason) {
    static char path[40000];
    ps__error err;
    for (size_t length = PS__ERROR_TEXT - 40; length < sizeof path; length += length < 1100 ? 1 : 4099) {
        memset(path, 'd', length);
        path[0] = '/';
        path[length] = 0;
        ck_assert_int_eq(ps__fail_errno(&err, ENAMETOOLONG, "%s", path), PS__IO);
        ck_assert_int_eq(strncmp(err.text, "/dddd", 5), 0);
        ck_assert_msg(ends_with(err.text, "dddd: File name too long"), "%zu: %s", length, err.text);
        if (length >= PS__ERROR_TEXT) ck_assert_ptr_nonnull(strstr(err.text, "d...d"));
        if (length > 16000) continue;
        ck_assert_int_eq(ps__fail(&err, PS__FORMAT, "%s: is no image", path), PS__FORMAT);
        ck_assert_msg(ends_with(err.text, "dddd: is no image"), "%zu: %s", length, err.text);
    }
}
END_TEST

START_TEST(shortening_cuts_no_character_in_two) {
    static const char *const characters[] = {"é", "✓", "😀"};
    char path[4096];
    ps__error err;
    for (size_t c = 0; c < sizeof characters / sizeof *characters; c++)
        for (size_t before = 0; before < 12; before++) { /* every place that the cuts can fall on */
            size_t n = strlen(characters[c]), length = before;
            memset(path, 'a', before);
            for (; length + n < 3000; length += n) memcpy(path + length, characters[c], n);
            path[length] = 0;
            ps__fail_errno(&err, EIO, "%s%.*s", path, (int)(before % 4), "zzz");
            ck_assert_msg(ps__utf8_valid(err.text, strlen(err.text)), "%s", err.text);
            ck_assert(ends_with(err.text, ": Input/output error"));
        }
    memset(path, 0x80, sizeof path - 1); /* no UTF-8 at all: still cut near the middle */
    path[sizeof path - 1] = 0;
    ps__fail(&err, PS__FORMAT, "%s: is bad", path);
    ck_assert_uint_ge(strlen(err.text), PS__ERROR_TEXT - 8);
    ck_assert(ends_with(err.text, "\x80: is bad"));
}
END_TEST

Suite *suite_base(void) {
    Suite *s = suite_create("base");
    TCase *t = tcase_create("memory");
    tcase_add_test(t, buffer_grows_and_stays_a_string);
    tcase_add_test(t, buffer_remembers_that_memory_ran_out);
    tcase_add_loop_test(t, utf8_is_decoded_without_trust, 0, sizeof utf8_cases / sizeof *utf8_cases);
    tcase_add_test(t, halves_round_to_nearest_even_and_back);
    suite_add_tcase(s, t);
    t = tcase_create("sentences");
    tcase_add_test(t, a_sentence_that_fits_is_left_whole);
    tcase_add_test(t, a_path_that_is_too_long_never_hides_the_reason);
    tcase_add_test(t, shortening_cuts_no_character_in_two);
    suite_add_tcase(s, t);
    t = tcase_create("files");
    tcase_add_checked_fixture(t, make_folder, remove_folder);
    tcase_add_test(t, files_are_written_whole_or_not_at_all);
    tcase_add_test(t, a_failed_write_keeps_the_old_file);
    tcase_add_test(t, only_regular_files_are_read);
    tcase_add_test(t, folders_are_made_with_their_parents);
    suite_add_tcase(s, t);
    return s;
}
