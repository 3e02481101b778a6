/*
** photosearch tags update|list|show
*/
#include <string.h>

#include "cli/commands.h"

static int on_progress(const ps_progress *progress, void *payload) {
    const options *o = payload;
    ps_progress p = *progress;
    p.phase = PS_PHASE_ENCODE; /* drawn like it: a bar and figures */
    if (!o->quiet && !o->json && is_terminal(stderr)) draw_progress("tagging ", &p);
    return was_stopped();
}

static int update(options *o, ps_library *library) {
    ps_tags_options settings = PS_TAGS_OPTIONS_INIT;
    ps_tags_result result = PS_TAGS_RESULT_INIT;
    settings.vocabulary = o->vocabulary;
    settings.lang = o->lang;
    settings.progress = on_progress;
    settings.payload = o;
    stop_on_signals(library);
    int status = ps_tags_update(&result, library, &settings);
    stop_on_signals(NULL);
    if (!o->quiet && !o->json && is_terminal(stderr)) clear_progress();
    if (status != PS_OK) complain_status(library);
    if (status != PS_OK && status != PS_CANCELLED) return EXIT_FAILED;
    if (o->json) {
        printf("{\"labels\":%llu,\"photos\":%llu,", (unsigned long long)result.labels, (unsigned long long)result.photos);
        json_number("seconds", result.seconds, 3);
        puts("}");
    } else if (!o->quiet) {
        printf("%llu photo%s looked at with %llu labels in %.1f s\n", (unsigned long long)result.photos, plural(result.photos),
               (unsigned long long)result.labels, result.seconds);
    }
    return status == PS_OK ? EXIT_FOUND : EXIT_FAILED;
}

static void print_list(const options *o, const ps_tags *tags) {
    for (size_t i = 0; i < ps_tags_count(tags); i++) {
        ps_tag tag = PS_TAG_INIT;
        if (ps_tags_get(&tag, tags, i) != PS_OK) break;
        if (o->json) {
            fputs("{\"tag\":", stdout);
            json_text(tag.name);
            printf(",\"photos\":%llu}\n", (unsigned long long)tag.photos);
        } else {
            printf("%8llu  ", (unsigned long long)tag.photos);
            print_path(stdout, tag.name);
            putchar('\n');
        }
    }
}

static int list(options *o, ps_library *library) {
    ps_tags *tags;
    if (ps_tags_open(&tags, library, NULL) != PS_OK) return complain_status(library);
    size_t count = ps_tags_count(tags);
    print_list(o, tags);
    ps_tags_free(tags);
    if (count == 0 && !o->quiet && !o->json) complain("no photo is tagged; `photosearch tags update` does it");
    return count ? EXIT_FOUND : EXIT_NOTHING;
}

static void print_photo(const options *o, const char *path, const ps_tags *tags) {
    if (o->json) {
        putchar('{');
        json_path(path);
        fputs(",\"tags\":[", stdout);
    }
    for (size_t i = 0; i < ps_tags_count(tags); i++) {
        ps_tag tag = PS_TAG_INIT;
        if (ps_tags_get(&tag, tags, i) != PS_OK) break;
        if (o->json) {
            fputs(i ? ",{\"tag\":" : "{\"tag\":", stdout);
            json_text(tag.name);
            putchar(',');
            json_number("score", tag.score, 4);
            putchar('}');
        } else {
            printf("%5.1f%%  ", tag.score * 100.0);
            print_path(stdout, tag.name);
            putchar('\n');
        }
    }
    if (o->json) puts("]}");
}

static int show(options *o, ps_library *library) {
    ps_tags *tags;
    if (ps_tags_open(&tags, library, o->words[1]) != PS_OK) return complain_status(library);
    size_t count = ps_tags_count(tags);
    print_photo(o, o->words[1], tags);
    ps_tags_free(tags);
    return count ? EXIT_FOUND : EXIT_NOTHING;
}

static const struct {
    const char *name;
    int words; /* with its own name */
    int (*run)(options *o, ps_library *library);
} actions[] = {{"update", 1, update}, {"list", 1, list}, {"show", 2, show}};

static int run(options *o) {
    size_t i = 0;
    while (i < sizeof actions / sizeof *actions && strcmp(actions[i].name, o->words[0]) != 0) i++;
    if (i == sizeof actions / sizeof *actions)
        return complain_usage("tags knows update, list and show, not \"%.60s\"", o->words[0]);
    if (o->word_count != actions[i].words)
        return complain_usage("tags %s takes %s", actions[i].name, actions[i].words == 2 ? "a photo" : "no words");
    if ((o->vocabulary || o->lang) && actions[i].run != update)
        return complain_usage("--vocabulary and --lang are for tags update");
    ps_library *library = open_library(o, 0);
    if (!library) return EXIT_FAILED;
    int status = actions[i].run(o, library);
    ps_library_close(library);
    return status;
}

const command command_tags = {
    "tags",
    "update|list|show PHOTO",
    "Tag photos with words from a vocabulary",
    "tags update        look at photos that have no tags of this vocabulary yet; those of another one are replaced\n"
    "tags list          tell the tags and how many photos have each\n"
    "tags show PHOTO    tell a photo's tags\n"
    "Ctrl-C stops and keeps what is done. The photos themselves are not opened.\n",
    TAKES_VOCABULARY | TAKES_LANG,
    1,
    2,
    run,
};
