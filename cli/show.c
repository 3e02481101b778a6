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

#define DEFAULT_VIEWER_FILES 5 /* xdg-open takes one file a call, and each may open a window */

static void hit_json(const ps_hit *hit) {
    putchar('{');
    json_path(hit->path);
    putchar(',');
    json_number("score", hit->score, 4);
    fputs(",\"taken\":", stdout);
    json_string(hit->taken);
    fputs(",\"place\":", stdout);
    json_string(hit->place);
    printf(",\"preview\":%s}", hit->preview ? "true" : "false");
}

static void understood_json(const ps_understood *u) {
    fputs("\"understood\":{\"text\":", stdout);
    json_string(u->text);
    fputs(",\"from\":", stdout);
    json_string(u->from);
    fputs(",\"to\":", stdout);
    json_string(u->to);
    fputs(",\"places\":", stdout);
    json_strings(u->places, u->place_count);
    fputs(",\"not\":", stdout);
    json_strings(u->nots, u->not_count);
    putchar('}');
}

void show_json(const char *query, const char *image, const ps_results *results) {
    ps_understood u = PS_UNDERSTOOD_INIT;
    if (ps_results_understood(&u, results) != PS_OK) u.text = "";
    if (image) {
        fputs("{\"image\":", stdout);
        json_string(image);
    } else {
        fputs("{\"query\":", stdout);
        json_string(query);
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
    fputs("],\"ms\":{", stdout);
    json_number("encode", u.encode_ms, 3);
    putchar(',');
    json_number("search", u.search_ms, 3);
    putchar(',');
    json_number("total", u.total_ms, 3);
    puts("}}");
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

void show_plain(const options *o, const ps_results *results) {
    static const int styles[] = {[PS_VERDICT_NONE] = STYLE_DIM, [PS_VERDICT_WEAK] = STYLE_WEAK, [PS_VERDICT_GOOD] = STYLE_GOOD};
    int color = use_color(o, stdout), terminal = is_terminal(stdout), verdict = ps_results_verdict(results);
    if (o->print0) {
        for (size_t i = 0; i < ps_results_count(results); i++)
            if (is_match(o, results, i)) fwrite(ps_results_path(results, i), 1, strlen(ps_results_path(results, i)) + 1, stdout);
        return;
    }
    if (verdict != PS_VERDICT_GOOD && !o->quiet)
        fputs(ps_results_count(results) == 0 ? "photosearch: nothing found\n"
              : verdict == PS_VERDICT_NONE   ? "photosearch: no good match; the nearest are\n"
                                             : "photosearch: no sure match; it may be among these\n",
              stderr);
    for (size_t i = 0; i < ps_results_count(results); i++) {
        ps_hit hit = PS_HIT_INIT;
        if (ps_results_hit(&hit, results, i) != PS_OK) break;
        style_on(stdout, color, styles[hit.verdict]);
        printf("%5.1f%%", hit.score * 100.0);
        if (hit.verdict != PS_VERDICT_NONE) style_off(stdout, color); /* the whole line of a guess is dim */
        printf("  %-10.10s  ", hit.taken ? hit.taken : "");
        print_short_path(stdout, hit.path, terminal);
        if (hit.preview && terminal) fputs(" (preview)", stdout);
        if (hit.verdict == PS_VERDICT_NONE) style_off(stdout, color);
        putchar('\n');
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
