/*
** photosearch saved add|list|remove
*/
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"

static int add(const options *o, ps_library *library) {
    ps_search_options settings = PS_SEARCH_OPTIONS_INIT;
    const char *name = o->words[1], *query = o->words[2];
    int replaced;
    settings.lang = o->lang;
    if (o->literal) settings.flags |= PS_SEARCH_LITERAL;
    if (ps_saved_add(&replaced, library, name, query, &settings) != PS_OK) return complain_status(library);
    if (o->json) {
        fputs("{\"name\":", stdout);
        json_text(name);
        printf(",\"replaced\":%s}\n", replaced ? "true" : "false");
    } else if (!o->quiet) {
        print_path(stdout, name);
        puts(replaced ? ": replaced" : ": saved");
    }
    return EXIT_FOUND;
}

static int remove_saved(const options *o, ps_library *library) {
    int status = ps_saved_remove(library, o->words[1]);
    if (status != PS_OK && status != PS_NOTFOUND) return complain_status(library);
    if (status != PS_OK) complain_status(library);
    if (o->json)
        printf("{\"removed\":%d}\n", status == PS_OK);
    else if (status == PS_OK && !o->quiet) {
        print_path(stdout, o->words[1]);
        puts(": removed");
    }
    return status == PS_OK ? EXIT_FOUND : EXIT_NOTHING;
}

static void print_one(const options *o, const ps_saved *s) {
    if (o->json) {
        fputs("{\"name\":", stdout);
        json_text(s->name);
        fputs(",\"query\":", stdout);
        json_text(s->query);
        fputs(",\"lang\":", stdout);
        json_text(s->lang);
        printf(",\"literal\":%s,\"made\":%lld}\n", s->flags & PS_SEARCH_LITERAL ? "true" : "false", (long long)s->made);
        return;
    }
    print_path(stdout, s->name);
    fputs(": ", stdout);
    print_path(stdout, s->query);
    if (s->lang) {
        fputs("  --lang ", stdout);
        print_path(stdout, s->lang);
    }
    puts(s->flags & PS_SEARCH_LITERAL ? "  --literal" : "");
}

static int list(const options *o, ps_library *library) {
    ps_saved_list *saved;
    if (ps_saved_open(&saved, library) != PS_OK) return complain_status(library);
    size_t count = ps_saved_count(saved);
    for (size_t i = 0; i < count; i++) {
        ps_saved s = PS_SAVED_INIT;
        if (ps_saved_get(&s, saved, i) == PS_OK) print_one(o, &s);
    }
    ps_saved_free(saved);
    return count ? EXIT_FOUND : EXIT_NOTHING;
}

static const struct {
    const char *name;
    int words; /* with its own name */
    int (*run)(const options *o, ps_library *library);
} actions[] = {{"add", 3, add}, {"list", 1, list}, {"remove", 2, remove_saved}};

static int run(options *o) {
    size_t i = 0;
    while (i < sizeof actions / sizeof *actions && strcmp(actions[i].name, o->words[0]) != 0) i++;
    if (i == sizeof actions / sizeof *actions)
        return complain_usage("saved knows add, list and remove, not \"%.60s\"", o->words[0]);
    if (o->word_count != actions[i].words)
        return complain_usage("saved %s takes %s", actions[i].name,
                              actions[i].words == 3   ? "a name and a sentence, each in quotes"
                              : actions[i].words == 2 ? "a name, in quotes"
                                                      : "no words");
    ps_library *library = open_library(o, 0);
    if (!library) return EXIT_FAILED;
    int status = actions[i].run(o, library);
    ps_library_close(library);
    return status;
}

const command command_saved = {
    "saved",
    "add|list|remove ...",
    "Keep searches under names",
    "saved add NAME QUERY    keep the sentence under the name, in place of an older one\n"
    "saved list              tell all\n"
    "saved remove NAME       forget it\n"
    "A saved sentence is read anew each time it is searched for, with `photosearch search --saved NAME`: \"last week\" goes\n"
    "on meaning the last week.\n",
    TAKES_SAVED | TAKES_LANG,
    1,
    -1,
    run,
};
