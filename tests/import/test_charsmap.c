/*
** SentencePiece's compiled table: whether a character has an entry, in tables that are right, wrong and cut.
*/
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "encoder/import/charsmap.h"
#include "tests/import/readers.h"
#include "tests/suites.h"

#define JOINER "\xE2\x80\x8D"

static ps__buf table = PS__BUF_INIT;

static void set_up(void) { readers_charsmap(&table, 1); }
static void tear_down(void) { ps__buf_free(&table); }

static int has(const char *text) { return ps__charsmap_has((const uint8_t *)table.bytes, table.length, text); }

/* In base64; belongs to the caller. */
static char *base64(const ps__buf *b) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *out = calloc(b->length / 3 + 1, 4 + 1), *at = out;
    ck_assert_ptr_nonnull(out);
    for (size_t i = 0; i < b->length; i += 3) {
        uint32_t held = 0;
        for (size_t n = 0; n < 3; n++) held = held << 8 | (i + n < b->length ? (uint8_t)b->bytes[i + n] : 0);
        for (size_t n = 0; n < 4; n++) *at++ = i + n > b->length ? '=' : digits[held >> (18 - 6 * n) & 63];
    }
    return out;
}

START_TEST(entries_are_found) {
    ck_assert_int_eq(has(JOINER), 1);
    ck_assert_int_eq(has("\xE2\x80"), 0); /* begins one */
    ck_assert_int_eq(has("\xE2\x80\x8C"), 0);
    ck_assert_int_eq(has(JOINER "a"), 0);
    ck_assert_int_eq(has("a"), 0);
    ck_assert_int_eq(has(""), 0);
}
END_TEST

START_TEST(a_table_may_be_in_base64) {
    for (int padding = 0; padding < 3; padding++) {
        char *text = base64(&table);
        ck_assert_int_eq(ps__charsmap_base64_has(text, JOINER), 1);
        ck_assert_int_eq(ps__charsmap_base64_has(text, "a"), 0);
        free(text);
        ps__buf_putc(&table, 'x');
    }
    ck_assert_int_eq(ps__charsmap_base64_has("", "a"), -1);
    ck_assert_int_eq(ps__charsmap_base64_has("=?", "a"), -1);
}
END_TEST

START_TEST(what_is_no_table_is_told) {
    static const uint8_t zero[8], odd[12] = {5}, long_one[12] = {255, 255, 255, 252}, beyond[12] = {12};
    ck_assert_int_eq(ps__charsmap_has(NULL, 0, "a"), -1);
    ck_assert_int_eq(ps__charsmap_has(zero, 8, "a"), -1);
    ck_assert_int_eq(ps__charsmap_has(odd, 12, "a"), -1);
    ck_assert_int_eq(ps__charsmap_has(long_one, 12, "a"), -1);
    ck_assert_int_eq(ps__charsmap_has(beyond, 12, "a"), -1);
}
END_TEST

/* Units that lead out of the table, in memory of just its size. */
START_TEST(wrong_places_are_not_read) {
    for (int bit = 0; bit < 32; bit++)
        for (size_t unit = 0; unit < 0x800; unit += 0x1E2) { /* the first two of the path, and others */
            uint8_t *copy = malloc(table.length);
            ck_assert_ptr_nonnull(copy);
            memcpy(copy, table.bytes, table.length);
            copy[4 + 4 * unit + (size_t)bit / 8] ^= (uint8_t)(1 << bit % 8);
            int got = ps__charsmap_has(copy, table.length, JOINER);
            ck_assert(got == 0 || got == 1);
            free(copy);
        }
}
END_TEST

START_TEST(a_lack_of_memory_is_told) {
    char *text = base64(&table);
    ps__alloc_fail_after(0, 0);
    ck_assert_int_eq(ps__charsmap_base64_has(text, JOINER), -2);
    ps__alloc_fail_after(-1, 0);
    free(text);
}
END_TEST

Suite *suite_charsmap(void) {
    Suite *s = suite_create("charsmap");
    TCase *t = tcase_create("tables");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, entries_are_found);
    tcase_add_test(t, a_table_may_be_in_base64);
    tcase_add_test(t, what_is_no_table_is_told);
    tcase_add_test(t, wrong_places_are_not_read);
    tcase_add_test(t, a_lack_of_memory_is_told);
    suite_add_tcase(s, t);
    return s;
}
