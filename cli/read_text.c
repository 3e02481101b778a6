/*
** photosearch read-text
*/
#include "cli/commands.h"

static void print_json(const ps_read_text_result *r) {
    printf("{\"read\":%llu,\"with_text\":%llu,\"looked_at\":%llu,\"failed\":%llu,\"left\":%llu,", (unsigned long long)r->read,
           (unsigned long long)r->with_text, (unsigned long long)r->looked_at, (unsigned long long)r->failed,
           (unsigned long long)r->left);
    json_number("seconds", r->seconds, 3);
    putchar(',');
    json_number("cpu_seconds", r->cpu_seconds, 3);
    puts("}");
}

static void print_plain(const ps_read_text_result *r) {
    char time[32];
    if (!r->read && !r->left) {
        puts("text was read in all photos already");
        return;
    }
    printf("%llu photo%s read: %llu with text, %llu failed", (unsigned long long)r->read, plural(r->read),
           (unsigned long long)r->with_text, (unsigned long long)r->failed);
    if (r->left) printf("; %llu left", (unsigned long long)r->left);
    format_duration(time, sizeof time, r->seconds);
    printf(" in %s", time);
    if (r->read) printf(", %.0f ms of processor time each", 1e3 * r->cpu_seconds / (double)r->read);
    putchar('\n');
}

static int run(options *o) {
    ps_read_text_options settings = PS_READ_TEXT_OPTIONS_INIT;
    ps_read_text_result result = PS_READ_TEXT_RESULT_INIT;
    int draw = !o->quiet && is_terminal(stderr);
    ps_library *library = open_library(o, 0);
    if (!library) return EXIT_FAILED;
    settings.flags = o->read_flags;
    settings.limit = (size_t)o->limit;
    settings.languages = o->languages;
    settings.progress = draw_run;
    settings.payload = &draw;
    stop_on_signals(library);
    int status = ps_read_text(&result, library, &settings);
    stop_on_signals(NULL);
    if (draw) clear_progress();
    if (status == PS_OK || status == PS_CANCELLED) {
        if (o->json)
            print_json(&result);
        else
            print_plain(&result);
    }
    return end_run(library, status, result.failed != 0);
}

const command command_read_text = {
    "read-text",
    "",
    "Read the text in photos, to find them by it",
    "Photos that look like documents, receipts, signs and screenshots come first; each photo is read once. `photosearch watch\n"
    "--read-text` does the same when there is nothing else to do. Ctrl-C stops cleanly and keeps what is done. Needs a build\n"
    "with libtesseract, and its data for the languages.\n",
    TAKES_READ,
    0,
    0,
    run,
};
