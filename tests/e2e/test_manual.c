/*
** The man page and the completions know every command and option that the program itself tells of.
*/
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "tests/e2e/shell.h"
#include "tests/suites.h"

Suite *suite_manual(void);

static char words[E2E_OUTPUT], file[E2E_OUTPUT];

static const char *const FILES[] = {"docs/man/photosearch.1", "completions/photosearch.bash", "completions/_photosearch",
                                    "completions/photosearch.fish"};

/* Fails unless each line of `words` is found in each file. The man page writes - as \-, fish writes --x as -l x. */
static void all_are_told_of(int options) {
    for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++) {
        char word[64];
        const char *next = words;
        ck_assert_int_eq(e2e_run(file, "sed 's/\\\\-/-/g; s/ -l / --/g' %s", FILES[i]), 0);
        ck_assert_int_ne(next[0], 0);
        while (sscanf(next, "%63s", word) == 1) {
            ck_assert_msg(strstr(file, word) != NULL, "%s does not tell of the %s %s", FILES[i], options ? "option" : "command",
                          word);
            next = strchr(next, '\n');
            if (!next) break;
            next++;
        }
    }
}

START_TEST(every_command_is_told_of) {
    ck_assert_int_eq(e2e_run(words, "\"$PS\" --help | sed -n '/^Commands:/,/^$/s/^  *\\([a-z-]*\\).*/\\1/p' | grep ."), 0);
    all_are_told_of(0);
}
END_TEST

START_TEST(every_option_is_told_of) {
    ck_assert_int_eq(e2e_run(words, "for c in $(\"$PS\" --help | sed -n '/^Commands:/,/^$/s/^  *\\([a-z-]*\\).*/\\1/p'); do"
                                    " \"$PS\" $c --help; done | sed -nE 's/^ .*(--[a-z0-9-]+)( .*)?$/\\1/p' | sort -u"),
                     0);
    all_are_told_of(1);
}
END_TEST

/* They belong to a program of its own, which is not in every build. */
START_TEST(every_option_of_pulling_is_told_of) {
    if (e2e_run(NULL, "test -x \"$(dirname \"$PS\")/photosearch-pull\"") != 0) {
        puts("skipped: this build pulls no models");
        return;
    }
    ck_assert_int_eq(e2e_run(words, "\"$PS\" model pull --help | sed -nE 's/^ .*(--[a-z0-9-]+)( .*)?$/\\1/p' | sort -u"), 0);
    ck_assert_ptr_nonnull(strstr(words, "--accept-licence\n"));
    all_are_told_of(1);
}
END_TEST

START_TEST(bash_completes_commands_and_options) {
    ck_assert_int_eq(e2e_run(file,
                             "bash -c '. completions/photosearch.bash;"
                             " COMP_WORDS=(photosearch sim); COMP_CWORD=1; _photosearch; echo ${COMPREPLY[@]};"
                             " COMP_WORDS=(photosearch --json search --li); COMP_CWORD=3; _photosearch; echo ${COMPREPLY[@]};"
                             " COMP_WORDS=(photosearch watch --log-level i); COMP_CWORD=3; _photosearch; echo ${COMPREPLY[@]};"
                             " COMP_WORDS=(photosearch watch --m); COMP_CWORD=2; _photosearch; echo ${COMPREPLY[@]}'"),
                     0);
    ck_assert_str_eq(file, "similar\n--library --limit --literal --like\ninfo\n--model --max-cpu --min-battery --max-temperature\n");
}
END_TEST

Suite *suite_manual(void) {
    Suite *suite = suite_create("manual");
    TCase *tests = tcase_create("manual");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, every_command_is_told_of);
    tcase_add_test(tests, every_option_is_told_of);
    tcase_add_test(tests, every_option_of_pulling_is_told_of);
    tcase_add_test(tests, bash_completes_commands_and_options);
    suite_add_tcase(suite, tests);
    return suite;
}
