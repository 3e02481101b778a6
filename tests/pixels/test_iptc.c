/*
** IPTC records and Photoshop's resources around them, made here.
*/
#include <check.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/utf8.h"
#include "encoder/pixels/iptc.h"
#include "encoder/pixels/resources.h"

static ps__camera_texts texts;

static void add_set(ps__buf *b, int record, int number, const char *value, size_t length) {
    ps__buf_putc(b, 0x1C);
    ps__buf_putc(b, (char)record);
    ps__buf_putc(b, (char)number);
    if (length >= 0x8000) {
        static const char four_bytes_follow[] = {(char)0x80, 4};
        ps__buf_append(b, four_bytes_follow, 2);
        for (int i = 3; i >= 0; i--) ps__buf_putc(b, (char)(length >> 8 * i));
    } else {
        ps__buf_putc(b, (char)(length >> 8));
        ps__buf_putc(b, (char)length);
    }
    ps__buf_append(b, value, length);
}

static void add_text(ps__buf *b, int record, int number, const char *text) { add_set(b, record, number, text, strlen(text)); }

static void read_back(ps__buf *b) {
    memset(&texts, 0, sizeof texts);
    ps__iptc_read(&texts, (const uint8_t *)b->bytes, b->length);
}

START_TEST(title_caption_and_keywords_are_read) {
    ps__buf b = PS__BUF_INIT;
    add_text(&b, 2, 0, "\0\2");
    add_text(&b, 2, 105, "Headline");
    add_text(&b, 2, 25, "snow");
    add_text(&b, 2, 5, "First");
    add_text(&b, 2, 5, "Second");
    add_text(&b, 2, 25, "ski ");
    add_text(&b, 2, 25, "snow");
    add_text(&b, 2, 120, "Two\r\nlines");
    add_text(&b, 3, 5, "Elsewhere");
    read_back(&b);
    ck_assert_str_eq(texts.title, "First");
    ck_assert_str_eq(texts.caption, "Two lines");
    ck_assert_str_eq(texts.keywords, "snow, ski");
    ps__buf_free(&b);
}
END_TEST

START_TEST(a_headline_stands_in_for_a_title) {
    ps__buf b = PS__BUF_INIT;
    add_text(&b, 2, 105, "Headline");
    read_back(&b);
    ck_assert_str_eq(texts.title, "Headline");
    ps__buf_free(&b);
}
END_TEST

START_TEST(characters_are_those_that_the_records_name_or_that_fit) {
    ps__buf b = PS__BUF_INIT;
    add_text(&b, 2, 5,
             "Gr\xFC\xDF"
             "e \x80");
    add_text(&b, 2, 120,
             "Gr\xC3\xBC\xC3\x9F"
             "e");
    read_back(&b);
    ck_assert_str_eq(texts.title, "Gr\xC3\xBC\xC3\x9F"
                                  "e \xE2\x82\xAC");
    ck_assert_str_eq(texts.caption, "Gr\xC3\xBC\xC3\x9F"
                                    "e");
    ps__buf_clear(&b);
    add_text(&b, 1, 90, "\x1B%G");
    add_text(&b, 2, 5, "Gr\xFC");
    read_back(&b);
    ck_assert_str_eq(texts.title, "Gr\xEF\xBF\xBD");
    ps__buf_free(&b);
}
END_TEST

START_TEST(long_values_have_lengths_of_their_own_form) {
    ps__buf b = PS__BUF_INIT, value = PS__BUF_INIT;
    for (int i = 0; i < 40000; i++) ps__buf_putc(&value, 'x');
    add_set(&b, 2, 120, value.bytes, value.length);
    add_text(&b, 2, 5, "Behind");
    read_back(&b);
    ck_assert_uint_eq(strlen(texts.caption), 2000);
    ck_assert_str_eq(texts.title, "Behind");
    ps__buf_free(&b);
    ps__buf_free(&value);
}
END_TEST

START_TEST(lengths_beyond_the_end_end_the_reading) {
    static const struct {
        const char *bytes;
        size_t size;
    } table[] = {
        {"\x1C\2\5\0\5Five", 9},
        {"\x1C\2\5\x80\4\xFF\xFF\xFF\xFFx", 10},
        {"\x1C\2\5\x80\5\0\0\0\0\1x", 11},
        {"\x1C\2\5\xFF\xFFx", 6},
        {"\x1C\2\5\x80\4\0\0", 7},
        {"\x1B\2\5\0\1x", 6},
        {"\x1C\2\5\0", 4},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        uint8_t *copy = ps__malloc(table[i].size);
        memcpy(copy, table[i].bytes, table[i].size);
        memset(&texts, 0, sizeof texts);
        ps__iptc_read(&texts, copy, table[i].size);
        ck_assert_str_eq(texts.title, "");
        ps__free(copy);
    }
}
END_TEST

static void add_resource(ps__buf *b, unsigned number, const char *name, const char *bytes, size_t size) {
    ps__buf_puts(b, "8BIM");
    ps__buf_putc(b, (char)(number >> 8));
    ps__buf_putc(b, (char)number);
    size_t length = strlen(name);
    ps__buf_putc(b, (char)length);
    ps__buf_puts(b, name);
    if (length % 2 == 0) ps__buf_putc(b, 0);
    for (int i = 3; i >= 0; i--) ps__buf_putc(b, (char)(size >> 8 * i));
    ps__buf_append(b, bytes, size);
    if (size % 2) ps__buf_putc(b, 0);
}

START_TEST(resources_are_found_behind_others) {
    ps__buf b = PS__BUF_INIT;
    size_t length;
    add_resource(&b, 0x0425, "", "0123456789abcdef", 16);
    add_resource(&b, 0x03ED, "odd", "x", 1);
    add_resource(&b, 0x03EE, "even", "", 0);
    add_resource(&b, PS__RESOURCE_IPTC, "", "iptc!", 5);
    const uint8_t *found = ps__resource_find(&length, (const uint8_t *)b.bytes, b.length, PS__RESOURCE_IPTC);
    ck_assert_ptr_nonnull(found);
    ck_assert_uint_eq(length, 5);
    ck_assert(!memcmp(found, "iptc!", 5));
    ck_assert_ptr_null(ps__resource_find(&length, (const uint8_t *)b.bytes, b.length, PS__RESOURCE_XMP));
    for (size_t size = 0; size < b.length; size++) {
        uint8_t *copy = ps__malloc(size + !size);
        memcpy(copy, b.bytes, size);
        found = ps__resource_find(&length, copy, size, PS__RESOURCE_IPTC);
        ck_assert((found != NULL) == (size == b.length - 1)); /* the filling byte at the end may be missing */
        ps__free(copy);
    }
    ps__buf_free(&b);
}
END_TEST

START_TEST(damage_is_no_danger) {
    ps__buf b = PS__BUF_INIT, list = PS__BUF_INIT;
    add_text(&b, 1, 90, "\x1B%G");
    add_text(&b, 2, 5, "Title");
    add_text(&b, 2, 25, "one");
    add_text(&b, 2, 25, "two");
    add_resource(&list, 0x0425, "name", "12345", 5);
    add_resource(&list, PS__RESOURCE_IPTC, "", b.bytes, b.length);
    uint32_t state = 3;
    for (int round = 0; round < 20000; round++) {
        uint8_t *copy = ps__malloc(list.length);
        size_t length;
        memcpy(copy, list.bytes, list.length);
        for (int i = 0; i < 2; i++) {
            state = state * 1664525u + 1013904223u;
            copy[(state >> 8) % list.length] = (uint8_t)(state >> 24);
        }
        memset(&texts, 0, sizeof texts);
        const uint8_t *found = ps__resource_find(&length, copy, list.length, PS__RESOURCE_IPTC);
        if (found) ps__iptc_read(&texts, found, length);
        ck_assert(ps__utf8_valid(texts.title, strlen(texts.title)) && ps__utf8_valid(texts.keywords, strlen(texts.keywords)));
        ps__free(copy);
    }
    ps__buf_free(&b);
    ps__buf_free(&list);
}
END_TEST

Suite *suite_iptc(void);
Suite *suite_iptc(void) {
    Suite *suite = suite_create("iptc");
    TCase *tests = tcase_create("iptc");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, title_caption_and_keywords_are_read);
    tcase_add_test(tests, a_headline_stands_in_for_a_title);
    tcase_add_test(tests, characters_are_those_that_the_records_name_or_that_fit);
    tcase_add_test(tests, long_values_have_lengths_of_their_own_form);
    tcase_add_test(tests, lengths_beyond_the_end_end_the_reading);
    tcase_add_test(tests, resources_are_found_behind_others);
    tcase_add_test(tests, damage_is_no_danger);
    suite_add_tcase(suite, tests);
    return suite;
}
