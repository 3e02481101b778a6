/*
** What photosearch-pull reads and computes without a network: checksums, addresses, tables.
*/
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "pull/sha256.h"
#include "pull/table.h"
#include "pull/url.h"
#include "tests/suites.h"

Suite *suite_pull_tables(void);

/* The examples of FIPS 180-4 (NIST's "SHA256.pdf"), the empty message, and a million times "a". */
static const struct {
    const char *piece;
    int times;
    const char *hex;
} DIGESTS[] = {
    {"", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {"aaaaaaaaaa", 100000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
};

START_TEST(sha256_gives_the_published_digests) {
    pull_sha256 s;
    char hex[PULL_SHA256_HEX];
    pull_sha256_start(&s);
    for (int i = 0; i < DIGESTS[_i].times; i++) pull_sha256_add(&s, DIGESTS[_i].piece, strlen(DIGESTS[_i].piece));
    pull_sha256_end(&s, hex);
    ck_assert_str_eq(hex, DIGESTS[_i].hex);
}
END_TEST

START_TEST(sha256_does_not_depend_on_the_pieces) {
    char text[300], once[PULL_SHA256_HEX], pieces[PULL_SHA256_HEX];
    pull_sha256 s;
    for (size_t i = 0; i < sizeof text; i++) text[i] = (char)(i * 7);
    for (size_t length = 0; length <= sizeof text; length++) {
        pull_sha256_start(&s);
        pull_sha256_add(&s, text, length);
        pull_sha256_end(&s, once);
        pull_sha256_start(&s);
        for (size_t at = 0, n = 1; at < length; at += n, n = n % 67 + 3)
            pull_sha256_add(&s, text + at, n < length - at ? n : length - at);
        pull_sha256_end(&s, pieces);
        ck_assert_str_eq(once, pieces);
    }
}
END_TEST

static const struct {
    const char *url;
    unsigned allow;
    int fine;
} URLS[] = {
    {"https://huggingface.co/a/b/resolve/main/c.bin", 0, 1},
    {"https://host:8443/x?download=true", 0, 1},
    {"https://[2001:db8::1]:8443/x", 0, 1},
    {"https://host", 0, 1},
    {"http://host/x", 0, 0},
    {"http://host/x", PULL_HTTP_LOOPBACK, 0},
    {"http://host/x", PULL_HTTP_ALL, 1},
    {"http://127.0.0.1:8000/x", 0, 0},
    {"http://127.0.0.1:8000/x", PULL_HTTP_LOOPBACK, 1},
    {"http://localhost/x", PULL_HTTP_LOOPBACK, 1},
    {"http://[::1]:80/x", PULL_HTTP_LOOPBACK, 1},
    {"http://127.0.0.1.example.org/x", PULL_HTTP_LOOPBACK, 0},
    {"http://localhost.example.org/x", PULL_HTTP_LOOPBACK, 0},
    {"http://127.0.0.1@example.org/x", PULL_HTTP_LOOPBACK | PULL_HTTP_ALL, 0},
    {"http://127.0.0.1\\@example.org/x", PULL_HTTP_LOOPBACK | PULL_HTTP_ALL, 0},
    {"https://user:secret@host/x", 0, 0},
    {"https://host/with space", 0, 0},
    {"https://host/x#part", 0, 0},
    {"https://host/\x1b[2J", 0, 0},
    {"https://host/\xC3\xA9", 0, 0},
    {"https:///x", 0, 0},
    {"https://host:/x", 0, 0},
    {"https://host:999999/x", 0, 0},
    {"https://host?x", 0, 0},
    {"https://[]/x", 0, 0},
    {"file:///etc/passwd", PULL_HTTP_ALL, 0},
    {"ftp://host/x", PULL_HTTP_ALL, 0},
    {"HTTPS://host/x", 0, 0},
    {"", PULL_HTTP_ALL, 0},
};

START_TEST(only_plain_addresses_are_asked) {
    ps__error err;
    int status = pull_url_check(URLS[_i].url, URLS[_i].allow, &err);
    ck_assert_msg((status == PS__OK) == URLS[_i].fine, "%s: %d", URLS[_i].url, status);
    if (status != PS__OK) ck_assert_int_eq(status, PS__INVALID);
}
END_TEST

static const struct {
    const char *from, *to;
    unsigned allow;
    int fine;
} LEADS[] = {
    {"https://a/x", "https://b/y", 0, 1},
    {"https://a/x", "http://b/y", PULL_HTTP_LOOPBACK, 0},
    {"https://a/x", "http://127.0.0.1/y", PULL_HTTP_LOOPBACK, 0},
    {"https://a/x", "http://b/y", PULL_HTTP_ALL, 1},
    {"http://127.0.0.1/x", "http://127.0.0.1:9/y", PULL_HTTP_LOOPBACK, 1},
    {"http://127.0.0.1/x", "https://b/y", PULL_HTTP_LOOPBACK, 1},
    {"http://127.0.0.1/x", "http://b/y", PULL_HTTP_LOOPBACK, 0},
    {"http://127.0.0.1/x", "file:///etc/passwd", PULL_HTTP_LOOPBACK, 0},
};

START_TEST(answers_lead_only_where_it_is_safe) {
    ps__error err;
    ck_assert_msg((pull_url_redirect(LEADS[_i].from, LEADS[_i].to, LEADS[_i].allow, &err) == PS__OK) == LEADS[_i].fine,
                  "%s to %s", LEADS[_i].from, LEADS[_i].to);
}
END_TEST

START_TEST(a_mirror_replaces_scheme_host_and_port) {
    static const struct {
        const char *url, *from, *want;
    } cases[] = {
        {"https://hub.example/a/b.bin?x=1", NULL, "https://hub.example/a/b.bin?x=1"},
        {"https://hub.example/a/b.bin?x=1", "http://127.0.0.1:8000/m", "http://127.0.0.1:8000/m/a/b.bin?x=1"},
        {"https://hub.example:8443/a/b.bin", "https://mirror.example//", "https://mirror.example/a/b.bin"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *out;
        ps__error err;
        ck_assert_int_eq(pull_url_mirror(&out, cases[i].url, cases[i].from, &err), PS__OK);
        ck_assert_str_eq(out, cases[i].want);
        ps__free(out);
    }
}
END_TEST

#define LICENCE "licence-block L\ntitle Some licence\n| Do.\n"
#define MODEL "model m\nlicence L\n"
#define FILE_A "file a.bin\nurl https://h/a\n"
#define DIGITS64 "0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789ABCDEF"

/* What is wrong, and the line that is named. */
static const struct {
    const char *text;
    int line;
    const char *says;
} WRONG[] = {
    {"file a\n", 1, "begins with"},
    {LICENCE MODEL "file ../a\n", 6, "not a name"},
    {LICENCE MODEL "file a/b\n", 6, "not a name"},
    {LICENCE MODEL "file .a\n", 6, "not a name"},
    {LICENCE MODEL "file -a\n", 6, "not a name"},
    {LICENCE MODEL "file a\\b\n", 6, "not a name"},
    {LICENCE MODEL "file \n", 6, "not a name"},
    {LICENCE MODEL "file LICENSE\n", 6, "must not be called"},
    {LICENCE MODEL "file a.part\n", 6, "must not be called"},
    {LICENCE MODEL "file a.state\n", 6, "must not be called"},
    {LICENCE MODEL FILE_A "file a.bin\n", 8, "second file"},
    {LICENCE MODEL FILE_A "url https://h/b\n", 8, "second url"},
    {LICENCE MODEL "file a\nurl ftp://h/a\n", 7, "begins with https"},
    {LICENCE MODEL FILE_A "size 12x\n", 8, "not a size"},
    {LICENCE MODEL FILE_A "size -1\n", 8, "not a size"},
    {LICENCE MODEL FILE_A "size 9223372036854775808\n", 8, "not a size"},
    {LICENCE MODEL FILE_A "size 0\n", 8, "no bytes"},
    {LICENCE MODEL FILE_A "sha256 123\n", 8, "not a SHA-256"},
    {LICENCE MODEL FILE_A "sha256 " DIGITS64 "0\n", 8, "not a SHA-256"},
    {LICENCE MODEL FILE_A "colour red\n", 8, "not understood"},
    {LICENCE MODEL "size 5\n", 6, "not understood"},
    {LICENCE MODEL "file a\n", 6, "no url"},
    {LICENCE MODEL, 5, "no files"},
    {LICENCE "model m\n" FILE_A, 6, "no licence"},
    {LICENCE "model m\nlicence X\n" FILE_A, 4, "no licence-block X"},
    {LICENCE "model ../m\n", 4, "not a name"},
    {LICENCE MODEL FILE_A MODEL FILE_A, 8, "second model"},
    {LICENCE LICENCE, 4, "second licence-block"},
    {"licence-block L\n| Do.\n", 2, "no title"},
    {"licence-block L\ntitle T\n", 2, "neither text nor fetch"},
    {"licence-block L\nterms none\n", 2, "not understood"},
    {"| text\n", 1, "outside"},
    {LICENCE "model m\nnote \x1b[2J\n", 5, "control character"},
    {LICENCE "model m\nnote \xff\n", 5, "not UTF-8"},
};

START_TEST(a_wrong_table_is_refused_with_its_line) {
    pull_table t = {0};
    ps__error err;
    char place[40];
    ck_assert_int_eq(pull_table_add(&t, WRONG[_i].text, strlen(WRONG[_i].text), "own.table", &err), PS__FORMAT);
    snprintf(place, sizeof place, "own.table:%d: ", WRONG[_i].line);
    ck_assert_msg(strncmp(err.text, place, strlen(place)) == 0 && strstr(err.text, WRONG[_i].says), "%s", err.text);
    pull_table_free(&t);
}
END_TEST

START_TEST(a_zero_byte_or_an_endless_line_is_refused) {
    static char text[8000];
    pull_table t = {0};
    ps__error err;
    ck_assert_int_eq(pull_table_add(&t, "model a\0b\n", 10, "t", &err), PS__FORMAT);
    memset(text, '#', sizeof text);
    ck_assert_int_eq(pull_table_add(&t, text, sizeof text, "t", &err), PS__FORMAT);
    pull_table_free(&t);
}
END_TEST

START_TEST(a_table_says_what_it_says) {
    static const char text[] = "# a remark\r\n\n" LICENCE "|\n|  two\nterms research-only\npage https://h/l\n"
                               "  model\tm1\nlicence L\nnote A note, with commas\n" FILE_A "size 15\nsha256 " DIGITS64
                               "\nfile b.json\nurl https://h/b\nsize -\nsha256 -\nseen etag \"x\"";
    pull_table t = {0};
    ps__error err;
    ck_assert_msg(pull_table_add(&t, text, strlen(text), "t", &err) == PS__OK, "%s", err.text);
    const pull_model *m = pull_table_model(&t, "m1");
    ck_assert_ptr_nonnull(m);
    ck_assert_ptr_null(pull_table_model(&t, "m"));
    const pull_licence *l = pull_table_licence(&t, m);
    ck_assert_str_eq(l->text.bytes, "Do.\n\n two\n");
    ck_assert_str_eq(l->page, "https://h/l");
    ck_assert_int_eq(l->limits, PULL_RESEARCH_ONLY);
    ck_assert_str_eq(m->note, "A note, with commas");
    ck_assert_uint_eq(m->file_count, 2);
    ck_assert_int_eq(m->files[0].size, 15);
    ck_assert_str_eq(m->files[0].sha256, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
    ck_assert_int_eq(m->files[1].size, -1);
    ck_assert_str_eq(m->files[1].sha256, "");
    pull_table_free(&t);
}
END_TEST

START_TEST(the_first_table_wins_and_keeps_its_own_licence) {
    static const char first[] = "licence-block L\ntitle First\n| 1\n" MODEL FILE_A,
                      second[] = "licence-block L\ntitle Second\n| 2\n" MODEL FILE_A "model n\nlicence L\n" FILE_A;
    pull_table t = {0};
    ps__error err;
    ck_assert_int_eq(pull_table_add(&t, first, strlen(first), "1", &err), PS__OK);
    ck_assert_int_eq(pull_table_add(&t, second, strlen(second), "2", &err), PS__OK);
    ck_assert_str_eq(pull_table_licence(&t, pull_table_model(&t, "m"))->title, "First");
    ck_assert_str_eq(pull_table_licence(&t, pull_table_model(&t, "n"))->title, "Second");
    pull_table_free(&t);
}
END_TEST

/* A checksum is of the bytes of one commit: an address that moves on would stop fitting it. */
START_TEST(the_table_that_comes_along_is_sound) {
    pull_table t = {0};
    ps__error err;
    ck_assert_msg(pull_table_add(&t, pull_published_table, strlen(pull_published_table), "published", &err) == PS__OK, "%s",
                  err.text);
    ck_assert_uint_ge(t.model_count, 10);
    for (size_t i = 0; i < t.model_count; i++)
        for (size_t k = 0; k < t.models[i]->file_count; k++) {
            const pull_file *f = &t.models[i]->files[k];
            ck_assert_msg(pull_url_check(f->url, 0, &err) == PS__OK, "%s", err.text);
            ck_assert_msg(!f->sha256[0] || !strstr(f->url, "/resolve/main/"), "%s: checksum of an address that moves on", f->url);
        }
    pull_table_free(&t);
}
END_TEST

/* Bytes changed, taken out and put in at random: each is a table or is refused, and nothing else happens (under ASan). */
START_TEST(damaged_tables_do_no_harm) {
    static const char whole[] = LICENCE "terms research-only\npage https://h/l\n" MODEL "note n\n" FILE_A
                                        "size 5\nsha256 " DIGITS64 "\nfile b\nurl https://h/b\n";
    static const char spice[] = "\n|#- \t\xff/.9a";
    unsigned seed = 1;
    int fine = 0;
    for (int round = 0; round < 20000; round++) {
        char text[sizeof whole + 8];
        size_t length = sizeof whole - 1;
        pull_table t = {0};
        ps__error err;
        memcpy(text, whole, length);
        for (int change = 0; change < 3; change++) {
            seed = seed * 1664525u + 1013904223u;
            size_t at = (seed >> 8) % length, kind = seed >> 28;
            if (kind < 6)
                text[at] = spice[(seed >> 4) % (sizeof spice - 1)];
            else if (kind < 11)
                memmove(text + at, text + at + 1, length - at - 1), length--;
            else
                memmove(text + at + 1, text + at, length - at), length++;
        }
        int status = pull_table_add(&t, text, length, "t", &err);
        ck_assert_int_ge(status == PS__OK || status == PS__FORMAT, 1);
        fine += status == PS__OK;
        pull_table_free(&t);
    }
    ck_assert_msg(fine > 100 && fine < 19900, "%d of 20000 were tables", fine);
}
END_TEST

START_TEST(memory_that_runs_out_is_told) {
    static const char text[] = LICENCE MODEL FILE_A "size 5\n";
    for (long n = 0;; n++) {
        pull_table t = {0};
        ps__error err;
        ps__alloc_fail_after(n, 0);
        int status = pull_table_add(&t, text, strlen(text), "t", &err);
        int failed = ps__alloc_fail_left() < 0;
        ps__alloc_fail_after(-1, 0);
        pull_table_free(&t);
        ck_assert_int_eq(status, failed ? PS__NOMEM : PS__OK);
        if (failed) continue;
        ck_assert_int_ge(n, 5);
        break;
    }
}
END_TEST

#define COUNT(list) ((int)(sizeof(list) / sizeof *(list)))

Suite *suite_pull_tables(void) {
    Suite *suite = suite_create("pull_tables");
    TCase *tests = tcase_create("pull_tables");
    tcase_add_loop_test(tests, sha256_gives_the_published_digests, 0, COUNT(DIGESTS));
    tcase_add_test(tests, sha256_does_not_depend_on_the_pieces);
    tcase_add_loop_test(tests, only_plain_addresses_are_asked, 0, COUNT(URLS));
    tcase_add_loop_test(tests, answers_lead_only_where_it_is_safe, 0, COUNT(LEADS));
    tcase_add_test(tests, a_mirror_replaces_scheme_host_and_port);
    tcase_add_loop_test(tests, a_wrong_table_is_refused_with_its_line, 0, COUNT(WRONG));
    tcase_add_test(tests, a_zero_byte_or_an_endless_line_is_refused);
    tcase_add_test(tests, a_table_says_what_it_says);
    tcase_add_test(tests, the_first_table_wins_and_keeps_its_own_licence);
    tcase_add_test(tests, the_table_that_comes_along_is_sound);
    tcase_add_test(tests, damaged_tables_do_no_harm);
    tcase_add_test(tests, memory_that_runs_out_is_told);
    suite_add_tcase(suite, tests);
    return suite;
}
