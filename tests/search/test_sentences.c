/*
** The corpus: sentences of every language with what they are understood as (tests/search/sentences, one a line: sentence => dump;
** a line "@gallery none" takes all photos away, "@gallery all" gives them back, "@lang fr" tells a language, "@lang " none).
** Every line that differs is told; a file fails below 95 % of its lines, and where a line makes the parser fail.
*/
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "search/query.h"
#include "tests/search/context.h"

Suite *suite_sentences(void);

#define FOLDER "tests/search/sentences"

typedef struct tally {
    int lines, wrong;
} tally;

static void check_line(tally *t, const char *path, int number, const char *line, query_world *world) {
    const char *arrow = strstr(line, " => ");
    ps__buf dump = PS__BUF_INIT;
    ps__query query;
    ps__error err = {0};
    ck_assert_msg(arrow != NULL, "%s:%d: no \" => \"", path, number);
    int status = ps__query_parse(&query, line, (size_t)(arrow - line), &world->context, &err);
    ck_assert_msg(status == PS__OK, "%s:%d: %s", path, number, err.text);
    ps__query_dump(&dump, &query);
    t->lines++;
    if (strcmp(dump.bytes, arrow + 4) != 0) {
        t->wrong++;
        printf("%s:%d: %.*s\n    expected  %s\n    got       %s\n", path, number, (int)(arrow - line), line, arrow + 4,
               dump.bytes);
    }
    ps__buf_free(&dump);
    ps__query_clear(&query);
}

static tally check_file(const char *path) {
    tally t = {0, 0};
    query_world world;
    char *line = NULL, lang[16] = "";
    size_t room = 0;
    FILE *f = fopen(path, "r");
    ck_assert_msg(f != NULL, "%s cannot be read", path);
    query_world_open(&world);
    world.context.lang = lang; /* "": by the words */
    for (int number = 1; getline(&line, &room, f) >= 0; number++) {
        line[strcspn(line, "\r\n")] = 0;
        if (!line[0] || line[0] == '#') continue;
        if (strcmp(line, "@gallery none") == 0)
            world.photos = 0;
        else if (strcmp(line, "@gallery all") == 0)
            world.photos = 1;
        else if (strncmp(line, "@lang", 5) == 0)
            snprintf(lang, sizeof lang, "%s", line + 5 + (line[5] == ' '));
        else
            check_line(&t, path, number, line, &world);
    }
    query_world_close(&world);
    free(line);
    fclose(f);
    return t;
}

START_TEST(sentences_of_every_file_are_understood) {
    int files = 0, bad = 0, lines = 0, wrong = 0;
    DIR *folder = opendir(FOLDER);
    ck_assert_ptr_nonnull(folder);
    for (struct dirent *d; (d = readdir(folder)) != NULL;) {
        char path[512];
        size_t n = strlen(d->d_name);
        if (n < 5 || strcmp(d->d_name + n - 4, ".txt") != 0) continue;
        snprintf(path, sizeof path, "%s/%s", FOLDER, d->d_name);
        tally t = check_file(path);
        printf("%s: %d of %d exact\n", path, t.lines - t.wrong, t.lines);
        bad += t.lines == 0 || t.wrong * 20 > t.lines;
        lines += t.lines;
        wrong += t.wrong;
        files++;
    }
    closedir(folder);
    fflush(stdout);
    printf("%d of %d sentences exact\n", lines - wrong, lines);
    fflush(stdout);
    ck_assert_int_ge(files, 8);
    ck_assert_int_ge(lines, 300);
    ck_assert_msg(bad == 0, "%d files have less than 95 %% exact", bad);
}
END_TEST

Suite *suite_sentences(void) {
    Suite *suite = suite_create("sentences");
    TCase *corpus = tcase_create("corpus");
    tcase_add_test(corpus, sentences_of_every_file_are_understood);
    suite_add_tcase(suite, corpus);
    return suite;
}
