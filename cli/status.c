/*
** photosearch status
*/
#include <time.h>

#include "cli/commands.h"

static void print_json(const ps_library *library, const ps_status *s) {
    printf("{\"photos\":%llu,\"files\":%llu,\"pending\":%llu,\"failed\":%llu,\"quarantined\":%llu,\"model\":",
           (unsigned long long)s->photos, (unsigned long long)s->files, (unsigned long long)s->pending,
           (unsigned long long)s->failed, (unsigned long long)s->quarantined);
    json_string(s->model);
    printf(",\"vectors\":%llu,\"index\":", (unsigned long long)s->vectors);
    json_string(s->index);
    printf(",\"bytes\":%llu,\"last_indexed\":", (unsigned long long)s->bytes);
    if (s->last_indexed)
        printf("%lld", (long long)s->last_indexed);
    else
        fputs("null", stdout);
    fputs(",\"library\":", stdout);
    json_string(ps_library_folder(library));
    puts("}");
}

static void print_plain(const ps_library *library, const ps_status *s) {
    fputs("library       ", stdout);
    print_path(stdout, ps_library_folder(library));
    printf("\nphotos        %llu in %llu file%s\n", (unsigned long long)s->photos, (unsigned long long)s->files,
           plural(s->files));
    printf("pending       %llu\n", (unsigned long long)s->pending);
    printf("failed        %llu, and %llu given up\n", (unsigned long long)s->failed, (unsigned long long)s->quarantined);
    printf("model         %s\n", s->model ? s->model : "none yet");
    printf("vectors       %llu\n", (unsigned long long)s->vectors);
    printf("index         %s\n", s->index);
    printf("size          %.1f MB\n", (double)s->bytes / 1e6);
    if (s->last_indexed) {
        char when[32];
        time_t t = (time_t)s->last_indexed;
        struct tm local;
        if (localtime_r(&t, &local) && strftime(when, sizeof when, "%Y-%m-%d %H:%M", &local)) printf("last indexed  %s\n", when);
    }
}

static int run(options *o) {
    ps_status s = PS_STATUS_INIT;
    ps_library *library = open_library(o, 0);
    if (!library) return EXIT_FAILED;
    int status = EXIT_FOUND;
    if (ps_library_status(&s, library) != PS_OK)
        status = complain_status(library);
    else if (o->json)
        print_json(library, &s);
    else
        print_plain(library, &s);
    ps_library_close(library);
    return status;
}

const command command_status = {"status", "", "Tell what the library holds", "", 0, 0, 0, run};
