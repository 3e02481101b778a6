/*
** Results of search and similar: as JSON, for people, for scripts, and in a viewer.
*/
#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli.h"

static const char *const verdicts[] = {[PS_VERDICT_NONE] = "none", [PS_VERDICT_WEAK] = "weak", [PS_VERDICT_GOOD] = "good"};

static const char *const orders[] = {
    [PS_ORDER_AUTO] = "relevance", [PS_ORDER_RELEVANCE] = "relevance", [PS_ORDER_NEWEST] = "newest", [PS_ORDER_OLDEST] = "oldest"};

#define GUESSES ((size_t)5) /* listed when nothing matches */
#define DEFAULT_VIEWER_FILES 5 /* xdg-open takes one file a call, and each may open a window */

static void hit_json(const ps_hit *hit) {
    putchar('{');
    json_path(hit->path);
    putchar(',');
    json_number("score", hit->score, 4);
    fputs(",\"taken\":", stdout);
    json_text(hit->taken);
    fputs(",\"taken_by\":", stdout);
    json_text(hit->taken_by);
    fputs(",\"place\":", stdout);
    json_text(hit->place);
    printf(",\"verdict\":\"%s\",\"preview\":%s}", verdicts[hit->verdict], hit->preview ? "true" : "false");
}

static void filter_json(const ps_understood_filter *filter) {
    fputs("{\"kind\":", stdout);
    json_text(filter->kind);
    fputs(",\"words\":", stdout);
    json_text(filter->words);
    fputs(",\"meaning\":", stdout);
    json_text(filter->meaning);
    printf(",\"not\":%s,\"group\":%d}", filter->negative ? "true" : "false", filter->group);
}

static void understood_json(const ps_understood *u) {
    fputs("\"understood\":{\"text\":", stdout);
    json_text(u->text);
    fputs(",\"from\":", stdout);
    json_text(u->from);
    fputs(",\"to\":", stdout);
    json_text(u->to);
    fputs(",\"places\":", stdout);
    json_strings(u->places, u->place_count);
    fputs(",\"not\":", stdout);
    json_strings(u->nots, u->not_count);
    fputs(",\"filters\":[", stdout);
    for (size_t i = 0; i < u->filter_count; i++) {
        if (i) putchar(',');
        filter_json(&u->filters[i]);
    }
    fputs("],\"notes\":", stdout);
    json_strings(u->notes, u->note_count);
    printf(",\"order\":\"%s\",\"reading\":", orders[u->order]);
    json_text(u->reading);
    putchar('}');
}

void show_json(const char *query, const char *image, const ps_results *results) {
    ps_understood u = PS_UNDERSTOOD_INIT;
    if (ps_results_understood(&u, results) != PS_OK) u.text = "";
    if (image) {
        fputs("{\"image\":", stdout);
        json_text(image);
    } else {
        fputs("{\"query\":", stdout);
        json_text(query);
        putchar(',');
        understood_json(&u);
    }
    printf(",\"verdict\":\"%s\",\"results\":[", verdicts[ps_results_verdict(results)]);
    for (size_t i = 0; i < ps_results_count(results); i++) {
        ps_hit hit = PS_HIT_INIT;
        if (ps_results_hit(&hit, results, i) != PS_OK) break;
        if (i) putchar(',');
        hit_json(&hit);
    }
    printf("],\"passed\":%llu,\"next\":", (unsigned long long)ps_results_passed(results));
    json_text(ps_results_next(results));
    fputs(",\"ms\":{", stdout);
    json_number("encode", u.encode_ms, 3);
    putchar(',');
    json_number("search", u.search_ms, 3);
    putchar(',');
    json_number("total", u.total_ms, 3);
    puts("}}");
}

/* 1 when photos were ranked by what they show, 0 when conditions alone chose them. */
static int has_content(const ps_results *results) {
    ps_hit hit = PS_HIT_INIT;
    return ps_results_hit(&hit, results, 0) != PS_OK || hit.score < 1.0 || hit.cosine != 0.0;
}

/* Paths below the current folder or the home folder are shorter to read without it. */
static void print_short_path(FILE *to, const char *path, int terminal) {
    const char *home = getenv("HOME");
    size_t length = home ? strlen(home) : 0;
    if (terminal && length > 1 && strncmp(path, home, length) == 0 && path[length] == '/') {
        fputc('~', to);
        path += length;
    }
    print_path(to, path);
}

/* Scripts and viewers act on what they get, so guesses are kept from them. */
int is_match(const options *o, const ps_results *results, size_t i) {
    ps_hit hit = PS_HIT_INIT;
    return ps_results_hit(&hit, results, i) == PS_OK && (o->has_least_score || hit.verdict != PS_VERDICT_NONE);
}

static const int styles[] = {[PS_VERDICT_NONE] = STYLE_DIM, [PS_VERDICT_WEAK] = STYLE_WEAK, [PS_VERDICT_GOOD] = STYLE_GOOD};

/* One dim line: how the sentence was read, when any of it became a condition; and a line for each thing that may be meant otherwise. */
static void show_understood(const options *o, const ps_results *results) {
    ps_understood u = PS_UNDERSTOOD_INIT;
    int color = use_color(o, stderr);
    if (o->quiet || ps_results_understood(&u, results) != PS_OK) return;
    if (u.reading) {
        style_on(stderr, color, STYLE_DIM);
        fputs("photosearch: understood: ", stderr);
        print_path(stderr, u.reading);
        style_off(stderr, color);
        fputc('\n', stderr);
    }
    for (size_t i = 0; i < u.note_count; i++) {
        fputs("photosearch: ", stderr);
        print_path(stderr, u.notes[i]);
        fputc('\n', stderr);
    }
}

/* What the list that follows is, where that is not plain from it. `shown` of the results are listed. */
static void show_heading(const options *o, const ps_results *results, size_t shown) {
    int verdict = ps_results_verdict(results);
    size_t count = ps_results_count(results);
    unsigned long long passed = ps_results_passed(results);
    if (o->quiet) return;
    if (count == 0)
        fputs("photosearch: nothing found\n", stderr);
    else if (verdict == PS_VERDICT_NONE)
        fputs("photosearch: no good match; the nearest are\n", stderr);
    else if (verdict == PS_VERDICT_WEAK)
        fputs("photosearch: no sure match; it may be among these\n", stderr);
    else if (!has_content(results) && passed > count)
        fprintf(stderr, "photosearch: %zu of %llu photos; -k N shows more\n", shown, passed);
}

/* How many are listed: guesses only where there is nothing better, and then few. */
static size_t count_shown(const options *o, const ps_results *results) {
    size_t count = ps_results_count(results), matches = 0;
    if (o->all || o->has_least_score) return count;
    while (matches < count && is_match(o, results, matches)) matches++;
    if (matches) return matches;
    return !o->limit && count > GUESSES ? GUESSES : count;
}

static void show_hit(const ps_hit *hit, int color, int terminal, int content) {
    style_on(stdout, color, styles[hit->verdict]);
    if (content) printf("%5.1f%%", hit->score * 100.0);
    if (hit->verdict != PS_VERDICT_NONE) style_off(stdout, color); /* the whole line of a guess is dim */
    int unsure = hit->taken_by && strcmp(hit->taken_by, "file") == 0 && hit->verdict != PS_VERDICT_NONE;
    if (content) fputs("  ", stdout);
    if (unsure) style_on(stdout, color, STYLE_DIM);
    printf("%-10.10s  ", hit->taken ? hit->taken : "");
    if (unsure) style_off(stdout, color);
    print_short_path(stdout, hit->path, terminal);
    if (hit->place && terminal) {
        style_on(stdout, color, STYLE_DIM);
        fputs("  ", stdout);
        print_path(stdout, hit->place);
        style_off(stdout, color);
    }
    if (hit->preview && terminal) fputs(" (preview)", stdout);
    if (hit->verdict == PS_VERDICT_NONE) style_off(stdout, color);
    putchar('\n');
}

void show_plain(const options *o, const ps_results *results) {
    int color = use_color(o, stdout), terminal = is_terminal(stdout), content = has_content(results);
    if (o->print0) {
        for (size_t i = 0; i < ps_results_count(results); i++)
            if (is_match(o, results, i)) fwrite(ps_results_path(results, i), 1, strlen(ps_results_path(results, i)) + 1, stdout);
        return;
    }
    size_t shown = count_shown(o, results);
    show_understood(o, results);
    show_heading(o, results, shown);
    for (size_t i = 0; i < shown; i++) {
        ps_hit hit = PS_HIT_INIT;
        if (ps_results_hit(&hit, results, i) != PS_OK) break;
        show_hit(&hit, color, terminal, content);
    }
}

/* Runs a program without a shell and waits for it. What it prints goes to stderr: stdout is for results. */
static int run_program(char **argv) {
    posix_spawn_file_actions_t actions;
    pid_t child;
    int status = 0, error = posix_spawn_file_actions_init(&actions);
    fflush(stdout);
    if (error == 0) {
        error = posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
        if (error == 0) error = posix_spawnp(&child, argv[0], &actions, NULL, argv, environ);
        posix_spawn_file_actions_destroy(&actions);
    }
    while (error == 0 && waitpid(child, &status, 0) < 0)
        if (errno != EINTR) error = errno;
    if (error)
        complain("%s: %s", argv[0], strerror(error));
    else if (WIFSIGNALED(status))
        complain("%s was ended by signal %d", argv[0], WTERMSIG(status));
    else if (WEXITSTATUS(status) != 0)
        complain("%s failed with status %d", argv[0], WEXITSTATUS(status));
    else
        return EXIT_FOUND;
    return EXIT_FAILED;
}

int show_in_viewer(const options *o, const ps_results *results) {
    char *viewer = getenv("PHOTOSEARCH_VIEWER");
    size_t count = 0;
    int status = EXIT_FOUND;
    char **argv = allocate(ps_results_count(results) + 2, sizeof *argv);
    /* The paths are absolute, so none can be taken for an option. */
    for (size_t i = 0; i < ps_results_count(results); i++)
        if (is_match(o, results, i)) argv[++count] = (char *)(uintptr_t)ps_results_path(results, i);
    if (count && viewer && viewer[0]) {
        argv[0] = viewer;
        status = run_program(argv);
    } else {
        char program[] = "xdg-open";
        for (size_t i = 0; i < count && i < DEFAULT_VIEWER_FILES && status == EXIT_FOUND; i++) {
            char *one[] = {program, argv[i + 1], NULL};
            status = run_program(one);
        }
    }
    free(argv);
    return status;
}
