/*
** photosearch model use NAME: notes the library's next model, and encodes its photos by it.
*/
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/model.h"

static void print_json(const ps_status *s, const ps_index_result *r) {
    fputs("{\"model\":", stdout);
    json_text(s->model);
    fputs(",\"next_model\":", stdout);
    json_text(s->next_model);
    printf(",\"reencoded\":%llu,\"to_reencode\":%llu,\"out_of_reach\":%llu,\"failed\":%llu,", (unsigned long long)r->reencoded,
           (unsigned long long)s->to_reencode, (unsigned long long)s->out_of_reach, (unsigned long long)r->failed);
    json_number("seconds", r->seconds, 3);
    puts("}");
}

static void print_plain(const ps_status *s, const ps_index_result *r) {
    uint64_t encoded = r->reencoded + r->indexed;
    if (encoded) printf("%llu photo%s encoded; ", (unsigned long long)encoded, plural(encoded));
    if (!s->next_model) {
        printf("the library is used with %s now\n", s->model ? s->model : "the new model");
        return;
    }
    printf("the library changes to %s: %llu of %llu photos are encoded, and %s answers until all are\n", s->next_model,
           (unsigned long long)s->reencoded, (unsigned long long)(s->reencoded + s->to_reencode), s->model ? s->model : "the old model");
}

/* 0 after complaining. */
static int note(ps_library *library, const options *o) {
    char *path = NULL;
    int usual = strcmp(o->words[1], "default") == 0; /* which may lie elsewhere tomorrow */
    if (!usual && !find_model(&path, o->words[1])) return 0;
    int status = ps_library_use_model(library, path, o->keep_old ? PS_USE_KEEP_OLD : 0);
    free(path);
    if (status != PS_OK) complain_status(library);
    return status == PS_OK;
}

static int encode(ps_index_result *result, ps_library *library, const options *o) {
    ps_index_options settings = PS_INDEX_OPTIONS_INIT;
    int draw = !o->quiet && is_terminal(stderr);
    settings.threads = o->threads;
    settings.progress = draw_run;
    settings.payload = &draw;
    stop_on_signals(library);
    int status = ps_reencode(result, library, &settings);
    stop_on_signals(NULL);
    if (draw) clear_progress();
    return status;
}

int use_model(options *o) {
    ps_index_result result = PS_INDEX_RESULT_INIT;
    ps_status after = PS_STATUS_INIT;
    if (o->word_count != 2) return complain_usage("model use takes the name of a model, or the path of a package");
    if (o->model) return complain_usage("model use takes the model as a word, not as --model");
    ps_library *library = open_library(o, LIBRARY_MAKE);
    if (!library) return EXIT_FAILED;
    if (!note(library, o)) {
        ps_library_close(library);
        return EXIT_FAILED;
    }
    int status = o->later ? PS_OK : encode(&result, library, o);
    if ((status == PS_OK || status == PS_CANCELLED) && ps_library_status(&after, library) == PS_OK) {
        if (o->json)
            print_json(&after, &result);
        else if (!o->quiet)
            print_plain(&after, &result);
        if (after.next_model && !o->later && status == PS_OK && !o->quiet)
            complain("some photos are still to be read, or could not be: index their folders, or see `photosearch failures`");
    }
    return end_run(library, status, result.failed || (after.next_model && !o->later));
}
