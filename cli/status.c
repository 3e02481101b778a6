/*
** photosearch status: what the library holds, and what is being done with it; with --follow, again and again.
*/
#include <poll.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "cli/commands.h"

#define FOLLOW_MS 500

static const char *const doings[] = {
    [PS_DOING_NOTHING] = "nothing", [PS_DOING_IDLE] = "idle",     [PS_DOING_SCAN] = "scan",     [PS_DOING_PREVIEWS] = "previews",
    [PS_DOING_ENCODE] = "encode",   [PS_DOING_REMOVE] = "remove", [PS_DOING_PAUSED] = "paused", [PS_DOING_READ_TEXT] = "read-text",
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
    json_text(s->why);
    fputs(",\"next_model\":", stdout);
    json_text(s->next_model);
    printf(",\"reencoded\":%llu,\"to_reencode\":%llu,\"out_of_reach\":%llu", (unsigned long long)s->reencoded,
           (unsigned long long)s->to_reencode, (unsigned long long)s->out_of_reach);
}

static void print_json(const ps_library *library, const ps_status *s) {
    printf("{\"photos\":%llu,\"files\":%llu,\"pending\":%llu,\"failed\":%llu,\"quarantined\":%llu,\"model\":",
           (unsigned long long)s->photos, (unsigned long long)s->files, (unsigned long long)s->pending,
           (unsigned long long)s->failed, (unsigned long long)s->quarantined);
    json_text(s->model);
    printf(",\"vectors\":%llu,\"index\":", (unsigned long long)s->vectors);
    json_text(s->index);
    printf(",\"bytes\":%llu,\"last_indexed\":", (unsigned long long)s->bytes);
    if (s->last_indexed)
        printf("%lld", (long long)s->last_indexed);
    else
        fputs("null", stdout);
    print_json_work(s);
    fputs(",\"library\":", stdout);
    json_text(ps_library_folder(library));
    puts("}");
}

/* "reading photos, 12 of 300, 21.0 a second, 0:14 left (process 4711)" */
static void print_work(FILE *to, const ps_status *s) {
    char left[32];
    static const char *const words[] = {
        [PS_DOING_NOTHING] = "nobody watches or indexes",
        [PS_DOING_IDLE] = "watching; everything is done",
        [PS_DOING_SCAN] = "comparing folders",
        [PS_DOING_PREVIEWS] = "looking at previews",
        [PS_DOING_ENCODE] = "reading photos",
        [PS_DOING_REMOVE] = "dropping entries of files that are gone",
        [PS_DOING_PAUSED] = "paused",
        [PS_DOING_READ_TEXT] = "reading the text in photos",
    };
    int working = s->doing == PS_DOING_PREVIEWS || s->doing == PS_DOING_ENCODE || s->doing == PS_DOING_READ_TEXT;
    fputs(words[s->doing >= 0 && (size_t)s->doing < sizeof words / sizeof *words ? s->doing : 0], to);
    if (s->total && (working || s->doing == PS_DOING_PAUSED))
        fprintf(to, ", %llu of %llu", (unsigned long long)s->done, (unsigned long long)s->total);
    if (s->photos_per_second > 0 && working) fprintf(to, ", %.1f a second", s->photos_per_second);
    if (s->seconds_left >= 0 && working) {
        format_duration(left, sizeof left, s->seconds_left);
        fprintf(to, ", %s left", left);
    }
    if (s->pid) fprintf(to, " (process %lld)", (long long)s->pid);
    if (!s->why) return;
    fputs("; ", to);
    print_path(to, s->why); /* it may name a file */
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
    if (s->next_model) {
        printf("changing to   %s: %llu of %llu photos", s->next_model, (unsigned long long)s->reencoded,
               (unsigned long long)(s->reencoded + s->to_reencode));
        if (s->out_of_reach) printf("; %llu more are out of reach", (unsigned long long)s->out_of_reach);
        putchar('\n');
    }
    printf("vectors       %llu\n", (unsigned long long)s->vectors);
    printf("index         %s\n", s->index);
    printf("size          %.1f MB\n", (double)s->bytes / 1e6);
    if (s->last_indexed) {
        char when[32];
        time_t t = (time_t)s->last_indexed;
        struct tm local;
        if (localtime_r(&t, &local) && strftime(when, sizeof when, "%Y-%m-%d %H:%M", &local)) printf("last indexed  %s\n", when);
    }
    fputs("now           ", stdout);
    print_work(stdout, s);
    putchar('\n');
    if (s->cpu_seconds_per_photo > 0) printf("cost          %.0f ms of processor time a photo\n", 1e3 * s->cpu_seconds_per_photo);
}

/* On a terminal, figures change in one line, cut to its width; what is being done begins a new one. */
static void redraw_work(const ps_status *s, int fresh) {
    char *line = NULL;
    size_t size = 0, end = 0, room = terminal_width(stdout) - 1;
    FILE *to = open_memstream(&line, &size);
    if (!to) return;
    print_work(to, s);
    if (fclose(to) == 0) {
        for (; line[end] && room > 0; room--) /* whole characters */
            do end++;
            while (((unsigned char)line[end] & 0xC0) == 0x80);
        printf("%s\r\033[K%.*s", fresh ? "\n" : "", (int)end, line);
    }
    free(line);
}

/* What differs from the line before is told, at most twice a second. */
static int tell_again(const ps_library *library, const ps_status *s, const ps_status *before, int json) {
    int same = s->doing == before->doing && s->pid == before->pid && s->watching == before->watching &&
               s->done == before->done && s->total == before->total && s->pending == before->pending &&
               s->photos == before->photos && s->failed == before->failed && s->missing == before->missing;
    if (same && before->version) return 0;
    if (json) {
        print_json(library, s);
    } else if (is_terminal(stdout)) {
        redraw_work(s, before->version && s->doing != before->doing);
    } else {
        print_work(stdout, s);
        putchar('\n');
    }
    return fflush(stdout) != 0;
}

/* 1 after the pause; 0 when nobody reads any more, as after `| head`. */
static int wait_for_reader(void) {
    struct pollfd out = {.fd = STDOUT_FILENO};
    return poll(&out, 1, FOLLOW_MS) <= 0;
}

static int follow(ps_library *library, int json) {
    ps_status before = {0};
    stop_on_signals(library);
    while (!was_stopped()) {
        ps_status s = PS_STATUS_INIT;
        if (ps_library_status(&s, library) != PS_OK) return complain_status(library);
        if (tell_again(library, &s, &before, json)) break; /* nobody reads any more */
        before = s;
        if (!wait_for_reader()) break;
    }
    stop_on_signals(NULL);
    if (!json && is_terminal(stdout)) putchar('\n');
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
    else if (!o->follow)
        print_plain(library, &s);
    if (status == EXIT_FOUND && o->follow) status = follow(library, o->json);
    ps_library_close(library);
    return status;
}

const command command_status = {
    "status",
    "",
    "Tell what the library holds, and what is being done",
    "With --follow, tells only what is being done, at each change.\n",
    TAKES_FOLLOW,
    0,
    0,
    run,
};
