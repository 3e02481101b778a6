/*
** When a changed path is ready, with a made-up clock: scripts of notes, and the moment each path is handed out.
*/
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "indexer/settle.h"

#define S INT64_C(1000000000)
#define MS INT64_C(1000000)
#define NEVER INT64_MAX

static const ps__settle_options OPTIONS = {.quiet_ns = 2 * S, .writing_ns = 600 * S, .folder_ns = 60 * S, .max = 16};

static ps__settle *make(void) {
    ps__settle *s;
    ps__error err = {0};
    ck_assert_msg(ps__settle_new(&s, &OPTIONS, &err) == PS__OK, "%s", err.text);
    return s;
}

/* Takes what is ready at `now` and puts it into a sorted, comma-separated text; "*" is everything. */
static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }
static const char *taken(ps__settle *s, int64_t now) {
    static char text[4096];
    ps__settled out;
    ps__error err = {0};
    ck_assert_msg(ps__settle_take(&out, s, now, &err) == PS__OK, "%s", err.text);
    text[0] = 0;
    if (out.everything) snprintf(text, sizeof text, "*");
    if (out.count) qsort(out.paths, out.count, sizeof *out.paths, by_name);
    for (size_t i = 0; i < out.count; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", i ? "," : "", out.paths[i]);
    ps__settled_free(&out);
    return text;
}

/* ---- One path ----------------------------------------------------------------------------------------------------------------- */

static const struct {
    const char *what;
    struct {
        int64_t at_ns;
        ps__news change;
    } notes[8];
    int count;        /* of notes */
    int64_t ready_ns; /* when it is handed out */
} SCRIPTS[] = {
    {"created whole, as by a hard link", {{0, PS__NEWS_TOUCHED}}, 1, 2 * S},
    {"created, written, closed",
     {{0, PS__NEWS_WRITING}, {1 * S, PS__NEWS_WRITING}, {1500 * MS, PS__NEWS_CLOSED}},
     3,
     3500 * MS},
    {"written and never closed", {{0, PS__NEWS_WRITING}, {5 * S, PS__NEWS_WRITING}}, 2, 605 * S},
    {"a writer that stalls for minutes",
     {{0, PS__NEWS_WRITING}, {300 * S, PS__NEWS_WRITING}, {500 * S, PS__NEWS_CLOSED}},
     3,
     502 * S},
    {"attributes set while it is written", {{0, PS__NEWS_WRITING}, {1 * S, PS__NEWS_TOUCHED}}, 2, 601 * S},
    {"closed by one writer, held by another",
     {{0, PS__NEWS_WRITING}, {1 * S, PS__NEWS_CLOSED}, {1100 * MS, PS__NEWS_WRITING}, {9 * S, PS__NEWS_CLOSED}},
     4,
     11 * S},
    {"opened, written and closed every second",
     {{0, PS__NEWS_CLOSED},
      {1 * S, PS__NEWS_CLOSED},
      {2 * S, PS__NEWS_CLOSED},
      {3 * S, PS__NEWS_CLOSED},
      {4 * S, PS__NEWS_CLOSED}},
     5,
     6 * S},
    {"renamed into place", {{7 * S, PS__NEWS_ARRIVED}}, 1, 7 * S},
    {"renamed into place, then its attributes set", {{0, PS__NEWS_ARRIVED}, {10 * MS, PS__NEWS_TOUCHED}}, 2, 10 * MS},
    {"renamed into place, then written", {{0, PS__NEWS_ARRIVED}, {10 * MS, PS__NEWS_WRITING}}, 2, 600 * S + 10 * MS},
    {"written beside, the old one moved away, renamed over it", {{0, PS__NEWS_GONE}, {1 * MS, PS__NEWS_ARRIVED}}, 2, 1 * MS},
    {"deleted", {{0, PS__NEWS_GONE}}, 1, 2 * S},
    {"deleted while it was written", {{0, PS__NEWS_WRITING}, {1 * S, PS__NEWS_GONE}}, 2, 3 * S},
    {"deleted and written anew",
     {{0, PS__NEWS_GONE}, {1 * S, PS__NEWS_WRITING}, {4 * S, PS__NEWS_CLOSED}},
     3,
     6 * S},
    {"a folder that is made", {{0, PS__NEWS_FOLDER}}, 1, 2 * S},
    {"a folder that is made and moved", {{0, PS__NEWS_FOLDER}, {1 * S, PS__NEWS_FOLDER}}, 2, 3 * S},
};

START_TEST(the_moment_is_exact) {
    const int i = _i;
    ps__settle *s = make();
    for (int n = 0; n < SCRIPTS[i].count; n++)
        ps__settle_note(s, "/p/a.jpg", SCRIPTS[i].notes[n].change, SCRIPTS[i].notes[n].at_ns);
    int64_t next = ps__settle_next_ns(s);
    ck_assert_msg(next == SCRIPTS[i].ready_ns, "%s: ready at %lld ms", SCRIPTS[i].what, (long long)(next / MS));
    ck_assert_msg(strcmp(taken(s, SCRIPTS[i].ready_ns - 1), "") == 0, "%s: handed out early", SCRIPTS[i].what);
    ck_assert_msg(strcmp(taken(s, SCRIPTS[i].ready_ns), "/p/a.jpg") == 0, "%s: not ready in time", SCRIPTS[i].what);
    ck_assert_uint_eq(ps__settle_count(s), 0);
    ck_assert_int_eq(ps__settle_next_ns(s), NEVER);
    ck_assert_str_eq(taken(s, 10000 * S), "");
    ps__settle_free(s);
}
END_TEST

/* ---- Several ------------------------------------------------------------------------------------------------------------------ */

START_TEST(each_path_has_its_own_time) {
    ps__settle *s = make();
    ps__settle_note(s, "/p/a.jpg", PS__NEWS_CLOSED, 0);
    ps__settle_note(s, "/p/b.jpg", PS__NEWS_CLOSED, 1 * S);
    ps__settle_note(s, "/p/c.jpg", PS__NEWS_WRITING, 1 * S);
    ps__settle_note(s, "/p/d.jpg", PS__NEWS_ARRIVED, 1 * S);
    ck_assert_str_eq(taken(s, 1 * S), "/p/d.jpg");
    ck_assert_int_eq(ps__settle_next_ns(s), 2 * S);
    ck_assert_str_eq(taken(s, 2 * S), "/p/a.jpg");
    ck_assert_str_eq(taken(s, 3 * S), "/p/b.jpg");
    ck_assert_uint_eq(ps__settle_count(s), 1);
    ps__settle_note(s, "/p/c.jpg", PS__NEWS_CLOSED, 50 * S);
    ck_assert_str_eq(taken(s, 52 * S), "/p/c.jpg");
    ps__settle_free(s);
}
END_TEST

START_TEST(a_move_between_folders_within_the_quiet_time_is_one_change) {
    ps__settle *s = make();
    ps__settle_note(s, "/p/a", PS__NEWS_FOLDER, 0);
    ps__settle_note(s, "/p/b", PS__NEWS_FOLDER, 0);
    ck_assert_str_eq(taken(s, 2 * S), "/p/a,/p/b");
    ps__settle_free(s);
}
END_TEST

START_TEST(a_folder_waits_for_what_is_copied_into_it_but_not_for_ever) {
    ps__settle *s = make();
    ps__settle_note(s, "/p/new", PS__NEWS_FOLDER, 0);
    for (int64_t t = 1; t < 59; t++) {
        ps__settle_note(s, "/p/new/deep/a.jpg", PS__NEWS_WRITING, t * S);
        ck_assert_str_eq(taken(s, t * S), "");
    }
    ck_assert_str_eq(taken(s, 60 * S), "/p/new");
    ps__settle_note(s, "/p/new/deep/a.jpg", PS__NEWS_CLOSED, 61 * S);
    ck_assert_str_eq(taken(s, 63 * S), "/p/new/deep/a.jpg");
    /* A neighbour whose name begins the same is no child. */
    ps__settle_note(s, "/p/new", PS__NEWS_FOLDER, 100 * S);
    ps__settle_note(s, "/p/newer/a.jpg", PS__NEWS_WRITING, 101 * S);
    ck_assert_str_eq(taken(s, 102 * S), "/p/new");
    ps__settle_free(s);
}
END_TEST

/* ---- Bounds ------------------------------------------------------------------------------------------------------------------- */

static void note_many(ps__settle *s, const char *folder, int count, int64_t now) {
    for (int i = 0; i < count; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%05d.jpg", folder, i);
        ps__settle_note(s, path, PS__NEWS_CLOSED, now);
    }
}

START_TEST(too_many_files_of_a_folder_become_the_folder) {
    ps__settle *s = make();
    ps__settle_note(s, "/p/lone/x.jpg", PS__NEWS_CLOSED, 0);
    note_many(s, "/p/full", 1000, 0);
    ck_assert_uint_le(ps__settle_count(s), 16);
    /* More below it is swallowed, and keeps it waiting. */
    ps__settle_note(s, "/p/full/late/y.jpg", PS__NEWS_CLOSED, 1 * S);
    ck_assert_str_eq(taken(s, 2 * S), "/p/lone/x.jpg");
    ck_assert_str_eq(taken(s, 3 * S), "/p/full");
    ps__settle_free(s);
}
END_TEST

START_TEST(too_many_folders_become_everything) {
    ps__settle *s = make();
    for (int i = 0; i < 100; i++) {
        char path[64];
        snprintf(path, sizeof path, "/p/%d/x.jpg", i);
        ps__settle_note(s, path, PS__NEWS_CLOSED, 0);
        ck_assert_uint_le(ps__settle_count(s), 16);
    }
    ck_assert_uint_eq(ps__settle_count(s), 1);
    ps__settle_note(s, "/p/7/x.jpg", PS__NEWS_CLOSED, 1 * S);
    ck_assert_str_eq(taken(s, 2 * S), "");
    ck_assert_int_eq(ps__settle_next_ns(s), 3 * S);
    ck_assert_str_eq(taken(s, 3 * S), "*");
    ck_assert_uint_eq(ps__settle_count(s), 0);
    /* Afterwards paths are kept apart again. */
    ps__settle_note(s, "/p/7/x.jpg", PS__NEWS_CLOSED, 4 * S);
    ck_assert_str_eq(taken(s, 6 * S), "/p/7/x.jpg");
    ps__settle_free(s);
}
END_TEST

START_TEST(everything_comes_even_when_it_is_never_quiet) {
    ps__settle *s = make();
    ps__settle_note_everything(s, 0);
    for (int64_t t = 1; t < 60; t++) {
        ps__settle_note(s, "/p/a.jpg", PS__NEWS_WRITING, t * S);
        ck_assert_str_eq(taken(s, t * S), "");
    }
    ck_assert_str_eq(taken(s, 60 * S), "*");
    ps__settle_free(s);
}
END_TEST

/* Whatever is noted, in whatever amount, is covered by what is handed out: itself, a folder above it, or everything. */
static int covered(const ps__settled *out, const char *path) {
    if (out->everything) return 1;
    for (size_t i = 0; i < out->count; i++) {
        size_t n = strlen(out->paths[i]);
        if (strncmp(path, out->paths[i], n) == 0 && (path[n] == '/' || path[n] == 0)) return 1;
    }
    return 0;
}

START_TEST(nothing_is_ever_lost) {
    enum { NOTES = 60 };
    unsigned seed = (unsigned)_i * 2654435761u + 1;
    char paths[NOTES][64];
    ps__settle *s = make();
    ps__settled out;
    int folders = 1 + _i % 20, count = 1 + _i % NOTES;
    for (int n = 0; n < count; n++) {
        seed = seed * 1103515245u + 12345u;
        snprintf(paths[n], sizeof paths[n], "/p/%u%s/%u.jpg", (seed >> 16) % (unsigned)folders, seed & 4096 ? "/in" : "",
                 (seed >> 8) % 40);
        ps__settle_note(s, paths[n], (seed >> 5) & 1 ? PS__NEWS_CLOSED : PS__NEWS_GONE, n);
    }
    ck_assert_int_eq(ps__settle_take(&out, s, 1000 * S, NULL), PS__OK);
    for (int n = 0; n < count; n++) ck_assert_msg(covered(&out, paths[n]), "%s was lost", paths[n]);
    ck_assert_uint_eq(ps__settle_count(s), 0);
    ps__settled_free(&out);
    ps__settle_free(s);
}
END_TEST

START_TEST(without_memory_it_gets_coarser_but_loses_nothing) {
    ps__settle *s;
    ps__settled out;
    for (long n = 0; n < 3; n++) {
        ps__alloc_fail_after(n, 0);
        int status = ps__settle_new(&s, &OPTIONS, NULL);
        ps__alloc_fail_after(-1, 0);
        ck_assert_int_eq(status, PS__NOMEM);
        ck_assert_ptr_null(s);
    }
    s = make();
    ps__settle_note(s, "/p/a.jpg", PS__NEWS_CLOSED, 0);
    ps__alloc_fail_after(0, 0);
    ck_assert_int_eq(ps__settle_take(&out, s, 5 * S, NULL), PS__NOMEM);
    ps__alloc_fail_after(0, 0);
    ck_assert_uint_eq(ps__settle_count(s), 1);
    ps__settle_note(s, "/p/b.jpg", PS__NEWS_CLOSED, 0);
    ps__alloc_fail_after(-1, 0);
    ck_assert_str_eq(taken(s, 5 * S), "*");
    ps__settle_free(s);
    ps__settle_free(NULL);
}
END_TEST

Suite *suite_settle(void);
Suite *suite_settle(void) {
    const int scripts = (int)(sizeof SCRIPTS / sizeof *SCRIPTS);
    Suite *suite = suite_create("settle");
    TCase *tc = tcase_create("settle");
    tcase_add_loop_test(tc, the_moment_is_exact, 0, scripts);
    tcase_add_test(tc, each_path_has_its_own_time);
    tcase_add_test(tc, a_move_between_folders_within_the_quiet_time_is_one_change);
    tcase_add_test(tc, a_folder_waits_for_what_is_copied_into_it_but_not_for_ever);
    tcase_add_test(tc, too_many_files_of_a_folder_become_the_folder);
    tcase_add_test(tc, too_many_folders_become_everything);
    tcase_add_test(tc, everything_comes_even_when_it_is_never_quiet);
    tcase_add_loop_test(tc, nothing_is_ever_lost, 0, 200);
    tcase_add_test(tc, without_memory_it_gets_coarser_but_loses_nothing);
    suite_add_tcase(suite, tc);
    return suite;
}
