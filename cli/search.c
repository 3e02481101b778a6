/*
** photosearch search QUERY, and the bare form
*/
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"

/* The setting for people in the south: PHOTOSEARCH_HEMISPHERE=south. */
static int is_southern(void) {
    const char *hemisphere = getenv("PHOTOSEARCH_HEMISPHERE");
    return hemisphere && (strcmp(hemisphere, "south") == 0 || strcmp(hemisphere, "southern") == 0);
}

static ps_search_options settings_of(const options *o) {
    ps_search_options settings = PS_SEARCH_OPTIONS_INIT;
    if (o->limit) settings.limit = (size_t)o->limit;
    if (o->literal) settings.flags |= PS_SEARCH_LITERAL;
    settings.least_score = o->least_score;
    settings.lang = o->lang;
    if (o->unique) settings.flags |= PS_SEARCH_UNIQUE;
    settings.order = o->order;
    settings.after = o->after;
    settings.like = o->like;
    settings.like_count = (size_t)o->like_count;
    settings.now = o->now;
    settings.southern = o->southern || is_southern();
    return settings;
}

static int show(const options *o, const char *query, const ps_results *results) {
    int status = ps_results_verdict(results) == PS_VERDICT_NONE ? EXIT_NOTHING : EXIT_FOUND;
    /* What is handed on then is what the score alone lets through. */
    if (o->has_least_score && (o->print0 || o->open)) status = ps_results_count(results) ? EXIT_FOUND : EXIT_NOTHING;
    if (o->json)
        show_json(query, NULL, results);
    else
        show_plain(o, results);
    if (o->open && show_in_viewer(o, results) != EXIT_FOUND) return EXIT_FAILED;
    return status;
}

static int search_one(const options *o, ps_library *library, const char *query) {
    ps_search_options settings = settings_of(o);
    ps_results *results;
    if (ps_search(&results, library, query, &settings) != PS_OK) return complain_status(library);
    int status = show(o, query, results);
    ps_results_free(results);
    return status;
}

/* A line that cannot be answered still gets a line, so that answers and queries stay in step. */
static void print_refused(const options *o, const ps_library *library, const char *query, size_t number) {
    fprintf(stderr, "photosearch: %s, line %zu: ", strcmp(o->queries, "-") == 0 ? "standard input" : o->queries, number);
    print_path(stderr, ps_last_error(library));
    fputc('\n', stderr);
    if (!o->json) return;
    fputs("{\"query\":", stdout);
    json_text(query);
    fputs(
        ",\"understood\":{\"text\":\"\",\"from\":null,\"to\":null,\"places\":[],\"not\":[],\"filters\":[],\"notes\":[],\"order\":\"relevance\",\"reading\":null},\"verdict\":\"none\",\"results\":[],"
        "\"passed\":0,\"next\":null,\"ms\":{\"encode\":0,\"search\":0,\"total\":0},\"error\":",
        stdout);
    json_text(ps_last_error(library));
    puts("}");
}

static int search_line(const options *o, ps_library *library, const char *query, size_t number) {
    ps_search_options settings = settings_of(o);
    ps_results *results;
    if (ps_search(&results, library, query, &settings) != PS_OK) {
        print_refused(o, library, query, number);
        return EXIT_FAILED;
    }
    if (!o->json && !o->print0) {
        style_on(stdout, use_color(o, stdout), STYLE_BOLD);
        print_path(stdout, query);
        style_off(stdout, use_color(o, stdout));
        putchar('\n');
    }
    int status = show(o, query, results);
    ps_results_free(results);
    fflush(stdout); /* whoever feeds the queries may wait for the answer */
    return status;
}

/* 0 when any line found something, 3 when any failed, else 1. */
static int search_lines(const options *o, ps_library *library, FILE *from) {
    char *line = NULL;
    size_t size = 0, number = 0;
    int found = 0, failed = 0;
    for (ssize_t length; (length = getline(&line, &size, from)) >= 0;) {
        while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == '\r')) line[--length] = 0;
        int status = search_line(o, library, line, ++number);
        found |= status == EXIT_FOUND;
        failed |= status == EXIT_FAILED;
    }
    free(line);
    return failed ? EXIT_FAILED : found ? EXIT_FOUND : EXIT_NOTHING;
}

static int search_file(const options *o, ps_library *library) {
    FILE *from = strcmp(o->queries, "-") == 0 ? stdin : fopen(o->queries, "re");
    if (!from) {
        complain("%s: %s", o->queries, strerror(errno));
        return EXIT_FAILED;
    }
    int status = search_lines(o, library, from);
    if (ferror(from)) {
        complain("%s could not be read", o->queries);
        status = EXIT_FAILED;
    }
    if (from != stdin) fclose(from);
    return status;
}

/* The words with a space between each two, for those who do not quote. */
static char *join(char **words, int count) {
    size_t length = 1;
    for (int i = 0; i < count; i++) length += strlen(words[i]) + 1;
    char *text = allocate(length, 1), *end = text;
    for (int i = 0; i < count; i++) {
        if (i) *end++ = ' ';
        end = stpcpy(end, words[i]);
    }
    return text;
}

/* What was kept under the name; what the command line says beside it, holds too. */
static int search_saved(const options *o, ps_library *library) {
    ps_saved_list *list;
    ps_saved saved = PS_SAVED_INIT;
    if (ps_saved_open(&list, library) != PS_OK) return complain_status(library);
    int status = EXIT_FAILED;
    if (ps_saved_find(&saved, list, o->saved) != PS_OK) {
        complain_status(NULL);
    } else {
        options with = *o;
        if (!with.lang) with.lang = saved.lang;
        with.literal |= (saved.flags & PS_SEARCH_LITERAL) != 0;
        with.unique |= (saved.flags & PS_SEARCH_UNIQUE) != 0;
        status = search_one(&with, library, saved.query);
    }
    ps_saved_free(list);
    return status;
}

static int run(options *o) {
    if (o->queries && o->word_count) return complain_usage("--queries and a query exclude each other");
    if (o->queries && (o->saved || o->after)) return complain_usage("--queries excludes --saved and --after");
    if (o->saved && o->word_count) return complain_usage("--saved and a query exclude each other");
    if (o->queries && o->open) return complain_usage("--queries and --open exclude each other");
    ps_library *library = open_library(o, 0);
    if (!library) return EXIT_FAILED;
    int status;
    if (o->queries) {
        status = search_file(o, library);
    } else if (o->saved) {
        status = search_saved(o, library);
    } else {
        char *query = join(o->words, o->word_count);
        status = search_one(o, library, query);
        free(query);
    }
    ps_library_close(library);
    return status;
}

const command command_search = {
    "search",
    "QUERY",
    "Find photos by words, best first",
    "`photosearch QUERY` is short for this, unless the query begins with the name of a command. The status is 1 when\n"
    "nothing matches; the nearest photos are shown all the same. --print0 and --open leave out each photo\n"
    "that does not match by itself; with --min-score, that alone decides.\n",
    TAKES_LIMIT | TAKES_QUERY | TAKES_PRINT0 | TAKES_OPEN | TAKES_LANG,
    1,
    -1,
    run,
};
