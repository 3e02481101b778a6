/*
** Nothing leaves the machine: indexing, watching and searching make no network system call at all, not even a local socket, nor do the
** processes that decode for them; and these open nothing once their walls are up.
*/
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/e2e/shell.h"
#include "tests/suites.h"

Suite *suite_offline(void);

static char out[E2E_OUTPUT];

/* strace needs ptrace, which some containers forbid. */
static int can_trace(void) {
    if (e2e_run(NULL, "strace -f -o /dev/null true 2>/dev/null") == 0) return 1;
    puts("skipped: strace cannot run here, so network system calls were not looked for");
    return 0;
}

/* Runs the program under strace; fails the test if it made a network system call. LeakSanitizer cannot run below another tracer. */
static void trace(const char *arguments) {
    int status = e2e_run(out,
                         "ASAN_OPTIONS=detect_leaks=0 strace -f -qq -e signal=none -e trace=%%network -o $T/trace "
                         "\"$PS\" --library $T/library %s",
                         arguments);
    ck_assert_msg(status == 0 || status == 1 || status == 4, "%s: exit status %d", arguments, status); /* 1: nothing matched */
    ck_assert_int_eq(e2e_run(out, "cat $T/trace"), 0);
    ck_assert_msg(strchr(out, '(') == NULL, "%s made network system calls:\n%s", arguments, out);
}

START_TEST(index_and_search_make_no_network_call) {
    if (!can_trace()) return;
    trace("index $R/tests/data/photos");
    trace("index --in-process --retry $R/tests/data/photos");
    trace("watch --once $R/tests/data/images $R/tests/data/photos");
    trace("search 'a cup of coffee'");
    trace("similar $R/tests/data/photos/cat.jpg");
    trace("status");
}
END_TEST

/* One file of system calls for each thread of each process, $T/calls.NUMBER. */
static void trace_each(const char *arguments) {
    int status = e2e_run(out,
                         "rm -f $T/calls.*; ASAN_OPTIONS=detect_leaks=0 strace -ff -qq -e signal=none"
                         " -e trace=%%network,%%file,seccomp -o $T/calls \"$PS\" --library $T/library %s",
                         arguments);
    ck_assert_msg(status == 0 || status == 4, "%s: exit status %d", arguments, status);
}

/* Where this build has one; libtesseract brings libcurl with it. */
START_TEST(the_reader_of_text_opens_nothing_behind_its_walls) {
    if (!can_trace()) return;
    if (e2e_run(out, "test -x \"${PS%%/*}/photosearch-reader\"") != 0) {
        puts("skipped: this build reads no text in photos");
        return;
    }
    ck_assert_int_eq(e2e_run(out, "\"$PS\" --library $T/library index $R/tests/data/photos $R/tests/data/reading"), 0);
    trace_each("read-text --languages eng");
    ck_assert_int_eq(e2e_run(out, "grep -l 'execve(.*photosearch-reader.* = 0' $T/calls.* | wc -l"), 0);
    ck_assert_int_eq(atoi(out), 1);
    ck_assert_int_eq(e2e_run(out, "cat $T/calls.* | grep -E '^(socket|connect|bind|sendto|sendmsg|recvfrom|recvmsg|socketpair)'; true"), 0);
    ck_assert_msg(out[0] == 0, "network system calls:\n%s", out);
    ck_assert_int_eq(e2e_run(out, "awk 'FNR == 1 { reader = walls = 0 }"
                                  " /^execve\\(.*photosearch-reader/ { reader = 1; next }"
                                  " reader && /^seccomp\\(SECCOMP_SET_MODE_FILTER, .*len=.* = 0/ { walls = 1; next }"
                                  " walls { print }' $T/calls.*; true"),
                     0);
    ck_assert_msg(out[0] == 0, "the reader called behind its walls:\n%s", out);
    ck_assert_int_eq(e2e_run(out, "\"$PS\" --library $T/library read-text --json"), 0);
    ck_assert_msg(strncmp(out, "{\"read\":0,", 10) == 0, "%s", out);
}
END_TEST

START_TEST(decoders_open_nothing_behind_their_walls) {
    static const char *const commands[] = {"index $R/tests/data/photos $R/tests/data/previews",
                                           "watch --once $R/tests/data/images"};
    if (!can_trace()) return;
    trace_each(commands[_i]);
    ck_assert_int_eq(e2e_run(out, "grep -l 'execve(.*photosearch-decoder.* = 0' $T/calls.* | wc -l"), 0);
    ck_assert_msg(atoi(out) > 0, "%s started no decoder", commands[_i]);
    ck_assert_int_eq(e2e_run(out, "cat $T/calls.* | grep -E '^(socket|connect|bind|sendto|sendmsg|recvfrom|recvmsg|socketpair)'; true"), 0);
    ck_assert_msg(out[0] == 0, "%s made network system calls:\n%s", commands[_i], out);
    /* A file of calls is a decoder's from its execve on, and walled in from the filter on. The last line counts those. */
    ck_assert_int_eq(e2e_run(out, "awk 'FNR == 1 { decoder = walls = 0 }"
                                  " /^execve\\(.*photosearch-decoder/ { decoder = 1; next }"
                                  " decoder && /^seccomp\\(SECCOMP_SET_MODE_FILTER, .*len=.* = 0/ { walls = 1; walled++; next }"
                                  " walls { print }"
                                  " END { print walled + 0 }' $T/calls.*"),
                     0);
    if (strcmp(out, "0\n") == 0) {
        puts("skipped: system calls cannot be filtered here, so decoders stand behind their other walls only");
        return;
    }
    ck_assert_msg(strspn(out, "0123456789\n") == strlen(out), "%s: a decoder called behind its walls:\n%s", commands[_i], out);
}
END_TEST

START_TEST(the_program_has_no_resolver_and_no_connection_code_of_its_own) {
    ck_assert_int_eq(e2e_run(out,
                             "nm -D --undefined-only \"$PS\" | awk '{print $NF}' | sed 's/@.*//'"
                             " | grep -xE 'getaddrinfo|gethostbyname|res_query|connect|sendto|sendmsg|curl_.*|SSL_.*'; true"),
                     0);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    ck_assert_msg(out[0] == 0, "the program calls:\n%s", out);
#endif
}
END_TEST

/* Only photosearch-pull links libcurl; the reader gets it through libtesseract, and is walled in before it reads anything. */
START_TEST(only_the_puller_links_libcurl) {
    static const char *const files[] = {"photosearch", "libphotosearch.so", "photosearch-decoder"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        ck_assert_int_eq(e2e_run(out, "readelf -d \"$(dirname \"$PS\")/%s\"", files[i]), 0);
        ck_assert_msg(strstr(out, "(NEEDED)") != NULL, "%s needs nothing?", files[i]);
        ck_assert_msg(strstr(out, "curl") == NULL && strstr(out, "libssl") == NULL && strstr(out, "gnutls") == NULL, "%s: %s", files[i], out);
    }
    if (e2e_run(out, "readelf -d \"$(dirname \"$PS\")/photosearch-pull\" 2>/dev/null") != 0)
        puts("skipped: this build pulls no models");
    else
        ck_assert_ptr_nonnull(strstr(out, "libcurl"));
}
END_TEST

START_TEST(the_archive_knows_no_network) {
    ck_assert_int_eq(e2e_run(out, "nm --undefined-only \"$(dirname \"$PS\")/libphotosearch.a\" | awk '{print $NF}'"
                                  " | grep -xE 'socket|getaddrinfo|gethostbyname|res_query|connect|sendto|sendmsg|curl_.*|SSL_.*'; true"),
                     0);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    ck_assert_msg(out[0] == 0, "the archive calls:\n%s", out);
#endif
}
END_TEST

/* What it tells without fetching, it tells without a socket. */
START_TEST(the_puller_asks_nobody_before_it_must) {
    static const char *const commands[] = {"model pull --list", "model pull --dry-run siglip-b-16", "model pull --show-licence siglip-b-16",
                                           "model pull --help"};
    if (!can_trace()) return;
    if (e2e_run(NULL, "test -x \"$(dirname \"$PS\")/photosearch-pull\"") != 0) {
        puts("skipped: this build pulls no models");
        return;
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) trace(commands[i]);
}
END_TEST

Suite *suite_offline(void) {
    Suite *suite = suite_create("offline");
    TCase *tests = tcase_create("offline");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, index_and_search_make_no_network_call);
    tcase_add_loop_test(tests, decoders_open_nothing_behind_their_walls, 0, 2);
    tcase_add_test(tests, the_reader_of_text_opens_nothing_behind_its_walls);
    tcase_add_test(tests, the_program_has_no_resolver_and_no_connection_code_of_its_own);
    tcase_add_test(tests, only_the_puller_links_libcurl);
    tcase_add_test(tests, the_archive_knows_no_network);
    tcase_add_test(tests, the_puller_asks_nobody_before_it_must);
    suite_add_tcase(suite, tests);
    return suite;
}
