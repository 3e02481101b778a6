/*
** The public header alone, and what the libraries show to the outside.
*/
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/e2e/shell.h"

Suite *suite_header(void);

static char out[E2E_OUTPUT];

static const char *const COMPILERS[] = {
    "${CC:-cc} -std=c11 -x c",
    "${CC:-cc} -std=c11 -DPS_EXPERIMENTAL -x c",
    "${CXX:-c++} -std=c++17 -x c++",
    "${CXX:-c++} -std=c++17 -DPS_EXPERIMENTAL -x c++",
};

START_TEST(the_header_compiles_alone_as_c_and_cpp) {
    int status = e2e_run(out, "%s -pedantic -Wall -Wextra -Wshadow -Wconversion -Werror -fsyntax-only $R/api/photosearch.h 2>&1",
                         COMPILERS[_i]);
    ck_assert_msg(status == 0, "%s", out);
}
END_TEST

START_TEST(each_init_macro_fits_its_struct_in_c_and_cpp) {
    int status = e2e_run(
        out,
        "{ printf '#include \"api/photosearch.h\"\\n';"
        " sed -n 's/^#define PS_\\([A-Z_]*\\)_INIT .*/\\1/p' $R/api/photosearch.h | while read -r n; do"
        " t=ps_$(echo $n | tr A-Z a-z); printf '%%s x_%%s = PS_%%s_INIT;\\n' $t $n $n; done; } >$T/init.c &&"
        " grep -c INIT $T/init.c &&"
        " ${CC:-cc} -std=c11 -DPS_EXPERIMENTAL -I$R -Wall -Wextra -Wconversion -pedantic -Werror -fsyntax-only $T/init.c 2>&1 &&"
        " ${CXX:-c++} -x c++ -std=c++17 -DPS_EXPERIMENTAL -I$R -Wall -Wextra -pedantic -Werror -fsyntax-only $T/init.c 2>&1");
    ck_assert_msg(status == 0, "%s", out);
    ck_assert_int_ge(atoi(out), 11);
}
END_TEST

/* Names of one of the libraries, one a line; fails when there are none. */
static void names(const char *command) {
    int status = e2e_run(out, "cd ${PHOTOSEARCH_TEST_BUILD:-$R/build} && %s", command);
    ck_assert_msg(status == 0 && out[0], "%s: %d", command, status);
}

static void expect_public(void) {
    for (char *line = strtok(out, "\n"); line; line = strtok(NULL, "\n"))
        ck_assert_msg(strncmp(line, "ps_", 3) == 0 && line[3] != '_', "%s is visible", line);
}

START_TEST(the_shared_library_shows_public_names_only) {
    names("nm -D --defined-only libphotosearch.so | awk '$2 != \"A\" { print $3 }'");
    expect_public();
}
END_TEST

START_TEST(the_archive_shows_public_names_only) {
    names("nm -g --defined-only libphotosearch.a | awk 'NF == 3 && $2 ~ /[TDBRVW]/ { print $3 }' | grep -v -E "
          "'^(__odr_asan|_ZTI|_ZTS|_ZTV|__asan|__ubsan|__tsan|DW\\.ref)'");
    expect_public();
}
END_TEST

START_TEST(every_function_of_the_header_is_in_the_library) {
    int status = e2e_run(out, "sed -n 's/^PS_API .*[ *]\\(ps_[a-z_]*\\)(.*/\\1/p' $R/api/photosearch.h | sort >$T/declared;"
                              " cd ${PHOTOSEARCH_TEST_BUILD:-$R/build} && nm -D --defined-only libphotosearch.so | awk '$2 == "
                              "\"T\" { print $3 }' | sort >$T/defined;"
                              " wc -l <$T/declared; diff $T/declared $T/defined");
    ck_assert_msg(status == 0, "%s", out);
    ck_assert_int_ge(atoi(out), 30);
}
END_TEST

Suite *suite_header(void) {
    Suite *suite = suite_create("header");
    TCase *header = tcase_create("header"), *libraries = tcase_create("libraries");
    tcase_add_loop_test(header, the_header_compiles_alone_as_c_and_cpp, 0, sizeof COMPILERS / sizeof *COMPILERS);
    tcase_add_test(header, each_init_macro_fits_its_struct_in_c_and_cpp);
    tcase_add_test(libraries, the_shared_library_shows_public_names_only);
    tcase_add_test(libraries, the_archive_shows_public_names_only);
    tcase_add_test(libraries, every_function_of_the_header_is_in_the_library);
    suite_add_tcase(suite, header);
    suite_add_tcase(suite, libraries);
    return suite;
}
