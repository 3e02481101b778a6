/*
** photosearch status: what the library holds, and what is being done with it; with --follow, again and again.
*/
#include <string.h>
#include <time.h>

#include "cli/commands.h"

#define FOLLOW_MS 500

static const char *const doings[] = {
    [PS_DOING_NOTHING] = "nothing", [PS_DOING_IDLE] = "idle",     [PS_DOING_SCAN] = "scan",     [PS_DOING_PREVIEWS] = "previews",
    [PS_DOING_ENCODE] = "encode",   [PS_DOING_REMOVE] = "remove", [PS_DOING_PAUSED] = "paused",
};

static const char *doing(const ps_status *s) {
    return s->doing >= 0 && (size_t)s->doing < sizeof doings / sizeof *doings ? doings[s->doing] : "nothing";
}

static void print_json_work(const ps_status *s) {
    printf(",\"previewed\":%llu,\"missing\":%llu,\"doing\":\"%s\",\"watching\":%s,\"pid\":", (unsigned long long)s->previewed,
           (unsigned long long)s->missing, doing(s), s->watching ? "true" : "false");
    if (s->pid)
        printf("%lld", (long long)s->pid);
    else
        fputs("null", stdout);
    printf(",\"done\":%llu,\"total\":%llu,", (unsigned long long)s->done, (unsigned long long)s->total);
    json_number("photos_per_second", s->photos_per_second, 2);
    fputs(",\"seconds_left\":", stdout);
    if (s->seconds_left >= 0)
        printf("%.1f", s->seconds_left);
    else
        fputs("null", stdout);
    putchar(',');
    json_number("cpu_seconds_per_photo", s->cpu_seconds_per_photo, 4);
    fputs(",\"why\":", stdout);
    json_string(s->why);
}

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
    print_json_work(s);
    fputs(",\"library\":", stdout);
    json_string(ps_library_folder(library));
    puts("}");
}

/* "12/300, 0:14 left, 21.0 a second" */
static void print_work(const ps_status *s) {
    char left[32];
    static const char *const words[] = {
        [PS_DOING_NOTHING] = "nobody watches or indexes",
        [PS_DOING_IDLE] = "watching; everything is done",
        [PS_DOING_SCAN] = "comparing folders",
        [PS_DOING_PREVIEWS] = "looking at previews",
        [PS_DOING_ENCODE] = "reading photos",
        [PS_DOING_REMOVE] = "dropping entries of files that are gone",
        [PS_DOING_PAUSED] = "paused",
    };
    printf("now           %s", words[s->doing >= 0 && (size_t)s->doing < sizeof words / sizeof *words ? s->doing : 0]);
    if (s->total && (s->doing == PS_DOING_PREVIEWS || s->doing == PS_DOING_ENCODE || s->doing == PS_DOING_PAUSED))
        printf(", %llu of %llu", (unsigned long long)s->done, (unsigned long long)s->total);
    if (s->photos_per_second > 0 && s->doing != PS_DOING_IDLE) printf(", %.1f a second", s->photos_per_second);
    if (s->seconds_left >= 0 && (s->doing == PS_DOING_PREVIEWS || s->doing == PS_DOING_ENCODE)) {
        format_duration(left, sizeof left, s->seconds_left);
        printf(", %s left", left);
    }
    if (s->pid) printf(" (process %lld)", (long long)s->pid);
    if (s->why) printf("; %s", s->why);
    putchar('\n');
    if (s->cpu_seconds_per_photo > 0) printf("cost          %.0f ms of processor time a photo\n", 1e3 * s->cpu_seconds_per_photo);
}

static void print_plain(const ps_library *library, const ps_status *s) {
    fputs("library       ", stdout);
    print_path(stdout, ps_library_folder(library));
    printf("\nphotos        %llu in %llu file%s\n", (unsigned long long)s->photos, (unsigned long long)s->files,
           plural(s->files));
    printf("pending       %llu", (unsigned long long)s->pending);
    if (s->previewed) printf(", %llu of them can be found by their previews", (unsigned long long)s->previewed);
    printf("\nfailed        %llu, and %llu given up\n", (unsigned long long)s->failed, (unsigned long long)s->quarantined);
    if (s->missing)
        printf("missing       %llu: hidden until their files are back; `photosearch index --allow-removal PATH` drops them\n",
               (unsigned long long)s->missing);
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
    print_work(s);
}

/* What differs from the line before is told, at most twice a second. */
static int tell_again(const ps_library *library, const ps_status *s, const ps_status *before, int json) {
    int same = s->doing == before->doing && s->done == before->done && s->total == before->total && s->pending == before->pending &&
               s->photos == before->photos && s->failed == before->failed && s->missing == before->missing;
    if (same && before->version) return 0;
    if (json)
        print_json(library, s);
    else
        print_work(s);
    return fflush(stdout) != 0;
}

static int follow(ps_library *library, int json) {
    ps_status before = {0};
    stop_on_signals(library);
    while (!was_stopped()) {
        ps_status s = PS_STATUS_INIT;
        if (ps_library_status(&s, library) != PS_OK) return complain_status(library);
        if (tell_again(library, &s, &before, json)) break; /* nobody reads any more */
        before = s;
        nanosleep(&(struct timespec){.tv_nsec = FOLLOW_MS * 1000000L}, NULL);
    }
    stop_on_signals(NULL);
    return EXIT_FOUND;
}

static int run(options *o) {
    ps_status s = PS_STATUS_INIT;
    ps_library *library = open_library(o, 0);
    if (!library) return EXIT_FAILED;
    int status = EXIT_FOUND;
    if (ps_library_status(&s, library) != PS_OK)
        status = complain_status(library);
    else if (o->json && !o->follow)
        print_json(library, &s);
    else if (!o->json)
        print_plain(library, &s);
    if (status == EXIT_FOUND && o->follow) status = follow(library, o->json);
    ps_library_close(library);
    return status;
}

const command command_status = {
    "status",     "", "Tell what the library holds, and what is being done", "With --follow, tells each change.\n",
    TAKES_FOLLOW, 0,  0,                                                     run};
