/*
** What `make install` leaves behind works by itself: the program finds its model, and a stranger's program builds with pkg-config.
*/
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "tests/e2e/shell.h"
#include "tests/encoder/packages.h"
#include "tests/suites.h"

Suite *suite_install(void);

static char out[E2E_OUTPUT];

static const char *const FILES[] = {
    "bin/photosearch",
    "libexec/photosearch/photosearch-decoder",
    "include/photosearch.h",
    "lib/libphotosearch.so",
    "lib/libphotosearch.a",
    "lib/pkgconfig/photosearch.pc",
    "lib/systemd/user/photosearch.service",
    "share/photosearch/photosearch.safetensors",
    "share/photosearch/places.gazetteer",
    "share/man/man1/photosearch.1",
    "share/bash-completion/completions/photosearch",
    "share/zsh/site-functions/_photosearch",
    "share/fish/vendor_completions.d/photosearch.fish",
};

/* Installs to $T/root/opt/ps. */
static void install(void) {
    ck_assert_int_eq(e2e_run(out, "make --no-print-directory install PREFIX=/opt/ps DESTDIR=$T/root 2>&1"), 0);
}

START_TEST(installs_every_file_and_uninstall_takes_all_away) {
    install();
    for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++)
        ck_assert_msg(e2e_run(NULL, "test -s $T/root/opt/ps/%s", FILES[i]) == 0, "%s is missing", FILES[i]);
    ck_assert_int_eq(e2e_run(out, "make --no-print-directory uninstall PREFIX=/opt/ps DESTDIR=$T/root 2>&1"), 0);
    ck_assert_int_eq(e2e_run(out, "find $T/root ! -type d"), 0);
    ck_assert_str_eq(out, "");
}
END_TEST

START_TEST(the_installed_program_finds_its_model) {
    install();
    ck_assert_int_eq(e2e_run(out, "cd / && $T/root/opt/ps/bin/photosearch --library $T/library index $R/tests/data/photos"), 0);
    ck_assert_int_le(e2e_run(out, "cd / && $T/root/opt/ps/bin/photosearch --library $T/library 'a cup of coffee'"), 1);
    ck_assert_ptr_nonnull(strstr(out, "coffee.jpg"));
}
END_TEST

/* The copy is moved, and its own decoder is taken: not the one it was built with, which would hide a missing one. */
START_TEST(a_moved_copy_finds_its_decoder) {
    install();
    ck_assert_int_eq(e2e_run(out, "mv $T/root/opt/ps $T/moved && cd / && strace -f -qq -e signal=none -e trace=execve -o $T/trace"
                                  " $T/moved/bin/photosearch --library $T/library watch -q --once $R/tests/data/photos"),
                     0);
    ck_assert_int_eq(e2e_run(out, "grep -o 'execve(\"[^\"]*photosearch-decoder\"' $T/trace | sort -u |"
                                  " sed 's/^execve(\"//; s/\"$//' | xargs -n 1 realpath | sed \"s|^$(realpath $T)||\""),
                     0);
    ck_assert_str_eq(out, "/moved/libexec/photosearch/photosearch-decoder\n");
}
END_TEST

/* Likewise for the program that fetches models, and the way back from it to the one that imports. */
START_TEST(a_moved_copy_finds_its_puller) {
    if (e2e_run(NULL, "test -x \"$(dirname \"$PS\")/photosearch-pull\"") != 0) {
        puts("skipped: this build pulls no models");
        return;
    }
    install();
    ck_assert_int_eq(e2e_run(out, "mv $T/root/opt/ps $T/moved && cd / && $T/moved/bin/photosearch model pull --list"), 0);
    ck_assert_ptr_nonnull(strstr(out, "siglip-b-16"));
    ck_assert_int_eq(e2e_run(out, "cd / && rm -f $T/moved/libexec/photosearch/photosearch-pull && $T/moved/bin/photosearch model pull --list 2>&1"), 3);
    ck_assert_ptr_nonnull(strstr(out, "this build pulls no models"));
}
END_TEST

/* Starts what the unit starts, with a program of the same name that only tells how it was called. */
static void start_unit(const char *setting) {
    ck_assert_int_eq(e2e_run(out,
                             "cd $T && sed -n '/^ExecStart=/,/[^\\\\]$/p' root/opt/ps/lib/systemd/user/photosearch.service |"
                             " sed 's/^ExecStart=//; s/\\\\$//; s/[$][$]/$/g; s|/opt/ps/bin/photosearch|$T/told|' | tr -d '\\n' >start;"
                             " printf '#!/bin/sh\\nprintf \"[%%%%s]\" \"$@\"\\n' >told; chmod +x told;"
                             " sed -i 's/ [$]PHOTOSEARCH_WATCH$//' start; HOME=$T/home PATH=$T:/bin:/usr/bin XDG_CONFIG_HOME=$T/none"
                             " sh -c \"$(cat start) %s\"",
                             setting),
                     0);
}

START_TEST(the_unit_starts_the_installed_program) {
    install();
    ck_assert_int_eq(e2e_run(out, "cat $T/root/opt/ps/lib/systemd/user/photosearch.service"), 0);
    ck_assert_ptr_null(strstr(out, "@BINDIR@"));
    ck_assert_ptr_nonnull(strstr(out, "' /opt/ps/bin/photosearch $PHOTOSEARCH_WATCH\n"));
    ck_assert_ptr_nonnull(strstr(out, "\nWantedBy=default.target\n"));
    char expected[4300];
    start_unit("");
    snprintf(expected, sizeof expected, "[watch][%s/home/Pictures]", e2e_folder());
    ck_assert_str_eq(out, expected);
    start_unit("--once '/srv/our photos'");
    ck_assert_str_eq(out, "[watch][--once][/srv/our photos]");
}
END_TEST

/* systemd-analyze reads it as systemd would; it wants the program that is named to be there. */
START_TEST(systemd_understands_the_unit) {
    if (e2e_run(NULL, "command -v systemd-analyze >/dev/null") != 0) {
        puts("skipped: there is no systemd-analyze here, so the unit was not checked by systemd");
        return;
    }
    install();
    e2e_run(out, "cd $T && cp root/opt/ps/lib/systemd/user/photosearch.service . &&"
                 " SYSTEMD_LOG_LEVEL=warning systemd-analyze --user verify ./photosearch.service 2>&1 | grep photosearch.service");
    ck_assert_str_eq(out, "");
}
END_TEST

START_TEST(every_model_package_is_installed_and_companions_are_found_there) {
    char companion[4200];
    install();
    ck_assert_int_eq(
        e2e_run(out, "for m in $R/models/*.safetensors; do cmp $m $T/root/opt/ps/share/photosearch/${m##*/} || exit 1; done"), 0);
    snprintf(companion, sizeof companion, "%s/root/opt/ps/share/photosearch/photosearch-zz.safetensors", e2e_folder());
    packages_write(companion, &(package_recipe){.name = "zz"});
    ck_assert_int_eq(e2e_run(out, "cd / && $T/root/opt/ps/bin/photosearch model info"), 0);
    ck_assert_msg(strstr(out, "photosearch-zz.safetensors") && strstr(out, "not used") && strstr(out, "tiny-32"), "%s", out);
}
END_TEST

START_TEST(a_strangers_program_builds_with_pkg_config) {
    install();
    ck_assert_int_eq(e2e_run(NULL, "printf '%%b' '%s' >$T/stranger.c",
                             "#include <photosearch.h>\\n#include <stdio.h>\\n"
                             "int main(void) { puts(ps_version()); puts(ps_status_text(PS_FULL)); return 0; }\\n"),
                     0);
    ck_assert_int_eq(e2e_run(out, "export PKG_CONFIG_PATH=$T/root/opt/ps/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$T/root;"
                                  " gcc -std=c11 -pedantic -Wall -Werror -o $T/stranger $T/stranger.c"
                                  " $(pkg-config --cflags --libs photosearch) 2>&1 &&"
                                  " LD_LIBRARY_PATH=$T/root/opt/ps/lib $T/stranger"),
                     0);
    ck_assert_ptr_nonnull(strstr(out, "space"));
}
END_TEST

START_TEST(a_strangers_program_links_the_archive) {
    install();
    ck_assert_int_eq(e2e_run(NULL, "printf '%%b' '%s' >$T/stranger.c",
                             "#include <photosearch.h>\\nint main(void) { ps_library_close(0); return ps_version() == 0; }\\n"),
                     0);
    ck_assert_int_eq(e2e_run(out,
                             "L=$T/root/opt/ps/lib; gcc -o $T/stranger $T/stranger.c -I$T/root/opt/ps/include $L/libphotosearch.a"
                             " $(PKG_CONFIG_PATH=$L/pkgconfig pkg-config --static --libs photosearch | sed 's/-lphotosearch//')"
                             " 2>&1 && $T/stranger"),
                     0);
}
END_TEST

Suite *suite_install(void) {
    Suite *suite = suite_create("install");
    TCase *tests = tcase_create("install");
    tcase_set_timeout(tests, 300);
    tcase_add_test(tests, installs_every_file_and_uninstall_takes_all_away);
    tcase_add_test(tests, the_installed_program_finds_its_model);
    tcase_add_test(tests, a_moved_copy_finds_its_decoder);
    tcase_add_test(tests, a_moved_copy_finds_its_puller);
    tcase_add_test(tests, the_unit_starts_the_installed_program);
    tcase_add_test(tests, systemd_understands_the_unit);
    tcase_add_test(tests, every_model_package_is_installed_and_companions_are_found_there);
    tcase_add_test(tests, a_strangers_program_builds_with_pkg_config);
    tcase_add_test(tests, a_strangers_program_links_the_archive);
    suite_add_tcase(suite, tests);
    return suite;
}
