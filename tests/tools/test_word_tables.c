/*
** tools/words: a fault in a table of words is told with its file and line, and nothing is written; alternatives are written out.
*/
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/suites.h"

Suite *suite_word_tables(void);

#define TOOL "build/tools/words"

typedef struct run {
    int status;
    char said[1024]; /* on both streams */
    char *made;      /* the C file; NULL: none was written; owned */
} run;

static char *read_whole(const char *path) {
    FILE *f = fopen(path, "r");
    char *text;
    long size;
    if (!f) return NULL;
    fseek(f, 0, SEEK_END);
    size = ftell(f);
    rewind(f);
    text = malloc((size_t)size + 1);
    ck_assert_ptr_nonnull(text);
    text[fread(text, 1, (size_t)size, f)] = 0;
    fclose(f);
    return text;
}

/* The table is called x.words in a folder of its own, so that its faults begin with a short name. */
static run run_tool(const char *table) {
    char folder[512], command[2048];
    const char *temp = getenv("TMPDIR");
    run r = {0};
    snprintf(folder, sizeof folder, "%s/words-XXXXXX", temp ? temp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(command, sizeof command, "%s/x.words", folder);
    FILE *f = fopen(command, "w");
    ck_assert_ptr_nonnull(f);
    fputs(table, f);
    fclose(f);
    char *root = realpath(TOOL, NULL);
    ck_assert_msg(root != NULL, TOOL " is not built");
    snprintf(command, sizeof command, "cd '%s' && '%s' out.c x.words 2>&1", folder, root);
    free(root);
    f = popen(command, "r");
    ck_assert_ptr_nonnull(f);
    r.said[fread(r.said, 1, sizeof r.said - 1, f)] = 0;
    r.status = WEXITSTATUS(pclose(f));
    snprintf(command, sizeof command, "%s/out.c", folder);
    r.made = read_whole(command);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
    return r;
}

static const struct {
    const char *table, *fault;
} FAULTS[] = {
    {"month 5 = mai\n", "x.words:1: the first rule must be 'language XX'\n"},
    {"# nothing\n", "x.words:1: the table names no language\n"},
    {"language deutsch\n", "x.words:1: a language is told as 'language en'\n"},
    {"language de\nlanguage de\n", "x.words:2: the language is told twice\n"},
    {"language de\n\nmoon 5 = mai\n", "x.words:3: there is no rule 'moon'\n"},
    {"language de\nmonth 13 = mai\n", "x.words:2: '13' is no number from 1 to 12\n"},
    {"language de\nmonth = mai\n", "x.words:2: the rule 'month' needs a value\n"},
    {"language de\nor x = oder\n", "x.words:2: the rule 'or' takes no value\n"},
    {"language de\nseason summertime = sommer\n", "x.words:2: the rule 'season' knows no value 'summertime'\n"},
    {"language de\ndemonym italy = italienisch\n", "x.words:2: 'italy' is no country code\n"},
    {"language de\nmonth 5 mai\n", "x.words:2: '=' is missing\n"},
    {"language de\nmonth 5 = mai |\n", "x.words:2: an alternative is empty\n"},
    {"language de\nmonth 5 = [mai]\n", "x.words:2: an alternative is empty\n"},
    {"language de\nwhen in = (im|in {time}\n", "x.words:2: '(' is not closed\n"},
    {"language de\nwhen in = im] {time}\n", "x.words:2: ']' closes nothing\n"},
    {"language de\nwhen in = in {when}\n", "x.words:2: there is no slot {when}\n"},
    {"language de\nwhen in = in {time\n", "x.words:2: '{' is not closed\n"},
    {"language de\nname = {word} heisst\n", "x.words:2: an alternative may not begin with {word} or {words}\n"},
    {"language de\nor = a b c d e f g h i j k l m n o p q\n", "x.words:2: an alternative has more than 16 words\n"},
    {"language de\nwhen in = \\\n  in {tme}\n", "x.words:2: there is no slot {tme}\n"},
    {"language de\nor = oder \\\n", "x.words:2: the last line ends in a backslash\n"},
    {"language de\nor = \xE2\x82\xAC\n", "x.words:2: '\xE2\x82\xAC' holds no word\n"},
    {"language de\nor = [a] [b] [c] [d] [e] [f] [g] [h] [i] [j] [k] [l] [m] [n] [o] [p] x\n",
     "x.words:2: the rule has more than 20000 alternatives when it is written out\n"},
};

START_TEST(a_fault_is_told_with_its_line_and_nothing_is_written) {
    run r = run_tool(FAULTS[_i].table);
    ck_assert_str_eq(r.said, FAULTS[_i].fault);
    ck_assert_int_eq(r.status, 1);
    ck_assert_ptr_null(r.made);
}
END_TEST

START_TEST(alternatives_are_written_out) {
    run r = run_tool("language de\nmonth 3 = m\xC3\xA4rz? | maerz # both\ntime last = letzt(e|en) [(gut|schlecht)] {month}\nsmall = d' | 's\n");
    static const char *const WORDS[] = {"\"d'\\0\"",     "\"'s\\0\"",    "\"gut\\0\"",   "\"letzte\\0\"",
                                        "\"letzten\\0\"", "\"marz\\0\"", "\"maerz\\0\"", "\"schlecht\\0\""};
    int patterns = 0;
    ck_assert_str_eq(r.said, "");
    ck_assert_int_eq(r.status, 0);
    ck_assert_ptr_nonnull(r.made);
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++) ck_assert_msg(strstr(r.made, WORDS[i]) != NULL, "no %s", WORDS[i]);
    for (const char *at = strstr(r.made, "PATTERNS[]"); (at = strstr(at, "\n    {")) != NULL; at++) patterns++;
    ck_assert_int_eq(patterns, 2 + 2 * 3 + 2);
    free(r.made);
}
END_TEST

Suite *suite_word_tables(void) {
    Suite *suite = suite_create("word_tables");
    TCase *tables = tcase_create("tables");
    tcase_add_loop_test(tables, a_fault_is_told_with_its_line_and_nothing_is_written, 0, sizeof FAULTS / sizeof *FAULTS);
    tcase_add_test(tables, alternatives_are_written_out);
    suite_add_tcase(suite, tables);
    return suite;
}
