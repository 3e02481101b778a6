/*
** photosearch watch PATH...: what happens is told as JSON events on stdout, or for people on stderr.
*/
#include <string.h>
#include <time.h>

#include "cli/commands.h"

typedef struct teller {
    const options *o;
    int draw;     /* there is a terminal for a progress line */
    int idle;     /* it was told that everything is done */
    int failed;   /* files failed: the exit status of --once */
    char problem[1024]; /* as last told */
} teller;

static const char *const names[] = {
    [PS_EVENT_STARTED] = "started", [PS_EVENT_RESCAN] = "rescan",   [PS_EVENT_SCANNING] = "scanning",
    [PS_EVENT_WORKING] = "working", [PS_EVENT_PAUSED] = "paused",   [PS_EVENT_RESUMED] = "resumed",
    [PS_EVENT_IDLE] = "idle",       [PS_EVENT_PROBLEM] = "problem", [PS_EVENT_STOPPED] = "stopped",
};

static const char *const phases[] = {
    [PS_PHASE_SCAN] = "scan", [PS_PHASE_ENCODE] = "encode", [PS_PHASE_REMOVE] = "remove", [PS_PHASE_DONE] = "done",
    [PS_PHASE_PREVIEW] = "preview", [PS_PHASE_READ_TEXT] = "read-text", [PS_PHASE_REENCODE] = "reencode",
};

static void progress_json(const ps_progress *p) {
    printf(",\"phase\":\"%s\",\"done\":%llu,\"total\":%llu,\"failed\":%llu,", phases[p->phase], (unsigned long long)p->done,
           (unsigned long long)p->total, (unsigned long long)p->failed);
    json_number("photos_per_second", p->photos_per_second, 2);
    fputs(",\"seconds_left\":", stdout);
    if (p->seconds_left >= 0)
        printf("%.1f", p->seconds_left);
    else
        fputs("null", stdout);
    putchar(',');
    if (p->path && p->path[0])
        json_path(p->path);
    else
        fputs("\"path\":null", stdout);
}

static void result_json(const ps_index_result *r) {
    printf(",\"found\":%llu,\"indexed\":%llu,\"unchanged\":%llu,\"previewed\":%llu,\"failed\":%llu,\"quarantined\":%llu,",
           (unsigned long long)r->found, (unsigned long long)r->indexed, (unsigned long long)r->unchanged,
           (unsigned long long)r->previewed, (unsigned long long)r->failed, (unsigned long long)r->quarantined);
    printf("\"pending\":%llu,\"removed\":%llu,\"kept\":%llu,\"asked\":%llu,\"skipped\":%llu,", (unsigned long long)r->pending,
           (unsigned long long)r->removed, (unsigned long long)r->kept, (unsigned long long)r->asked,
           (unsigned long long)r->skipped);
    json_number("cpu_seconds", r->cpu_seconds, 3);
}

static void tell_json(const ps_event *e) {
    printf("{\"event\":\"%s\",\"time\":%lld,\"watched\":%llu,\"polling\":%s", names[e->kind], (long long)time(NULL),
           (unsigned long long)e->watched, e->polling ? "true" : "false");
    if (e->text[0]) {
        fputs(",\"text\":", stdout);
        json_text(e->text);
    }
    if (e->kind == PS_EVENT_SCANNING) printf(",\"paths\":%llu", (unsigned long long)e->paths);
    if (e->kind == PS_EVENT_PROBLEM || e->kind == PS_EVENT_STOPPED) printf(",\"status\":%d", e->status);
    if (e->kind == PS_EVENT_PROBLEM) printf(",\"retry_seconds\":%.1f", e->seconds);
    if (e->kind == PS_EVENT_IDLE) printf(",\"rescan_seconds\":%.1f", e->seconds);
    if (e->progress) progress_json(e->progress);
    if (e->result) result_json(e->result);
    puts("}");
    fflush(stdout);
}

/* A run that found nothing to do is told the first time only. */
static void say_result(teller *t, const ps_index_result *r) {
    int first = !t->idle, nothing = !r->indexed && !r->previewed && !r->failed && !r->removed && !r->asked;
    t->idle = 1;
    if (nothing && first) fputs("photosearch: everything is done\n", stderr);
    if (nothing) return;
    fprintf(stderr, "photosearch: %s%llu indexed, %llu failed, %llu removed", first ? "everything is done: " : "",
            (unsigned long long)r->indexed, (unsigned long long)r->failed, (unsigned long long)r->removed);
    if (r->indexed && r->cpu_seconds > 0)
        fprintf(stderr, "; %.0f ms of processor time a photo", 1e3 * r->cpu_seconds / (double)r->indexed);
    if (r->asked)
        fprintf(stderr, "; %llu files are gone at once: `photosearch index --allow-removal PATH` drops their entries",
                (unsigned long long)r->asked);
    fputc('\n', stderr);
}

/* The same problem is told once, not at every try. */
static void say_problem(teller *t, const ps_event *e) {
    if (strcmp(t->problem, e->text) == 0 && !t->o->verbose) return;
    snprintf(t->problem, sizeof t->problem, "%s", e->text);
    fputs("photosearch: ", stderr);
    print_path(stderr, e->text);
    fprintf(stderr, "; trying again in %.0f s\n", e->seconds);
}

static void say_stopped(const teller *t, const ps_event *e) {
    if (e->status != PS_CANCELLED) return; /* done, or an error that is told at the end */
    fprintf(stderr, "photosearch: stopped%s\n",
            t->idle ? "" : "; what was done is kept, and the next run goes on from there");
}

static void tell_plain(teller *t, const ps_event *e) {
    if (t->o->quiet && e->kind != PS_EVENT_PROBLEM) return;
    if (t->draw) clear_progress();
    switch (e->kind) {
    case PS_EVENT_STARTED:
        fprintf(stderr, "photosearch: watching %llu folder%s%s\n", (unsigned long long)e->watched, plural(e->watched),
                e->polling ? ", and others by looking now and then" : "");
        break;
    case PS_EVENT_RESCAN:
        if (t->o->verbose) fprintf(stderr, "photosearch: comparing everything: %s\n", e->text);
        break;
    case PS_EVENT_WORKING:
        if (t->draw) draw_progress("", e->progress);
        break;
    case PS_EVENT_PAUSED: fprintf(stderr, "photosearch: %s\n", e->text); break;
    case PS_EVENT_RESUMED: fputs("photosearch: goes on\n", stderr); break;
    case PS_EVENT_IDLE: say_result(t, e->result); break;
    case PS_EVENT_PROBLEM: say_problem(t, e); break;
    case PS_EVENT_STOPPED: say_stopped(t, e); break;
    default: break;
    }
}

static void on_event(const ps_event *e, void *payload) {
    teller *t = payload;
    if (e->kind < PS_EVENT_STARTED || e->kind > PS_EVENT_STOPPED) return; /* of a newer library */
    if (e->result) t->failed |= e->result->failed || e->result->skipped;
    if (t->o->json)
        tell_json(e);
    else
        tell_plain(t, e);
}

static int run(options *o) {
    ps_watch_options settings = PS_WATCH_OPTIONS_INIT;
    teller t = {.o = o, .draw = !o->quiet && !o->json && is_terminal(stderr)};
    ps_library *library = open_library(o, LIBRARY_MAKE);
    if (!library) return EXIT_FAILED;
    settings.flags |= o->index_flags;
    settings.threads = o->threads;
    settings.once = o->once;
    settings.only_when_charging = o->only_when_charging;
    settings.max_cpu = o->max_cpu / 100;
    if (o->has_min_battery) settings.min_battery = o->min_battery;
    if (o->has_max_temperature) settings.max_temperature = o->max_temperature;
    settings.event = on_event;
    settings.payload = &t;
    stop_on_signals(library);
    int status = ps_watch(library, (const char *const *)o->words, (size_t)o->word_count, &settings);
    stop_on_signals(NULL);
    if (t.draw) clear_progress();
    int code = t.failed ? EXIT_SOME_FAILED : EXIT_FOUND;
    if (status == PS_CANCELLED && was_stopped())
        code = o->once ? EXIT_FAILED : EXIT_FOUND; /* a watch that is stopped has done what it was to do */
    else if (status != PS_OK)
        code = complain_status(library);
    ps_library_close(library);
    return code;
}

const command command_watch = {
    "watch",
    "PATH...",
    "Index, and go on indexing what changes",
    "Works with the lowest priority, with one thread while the device is in use, half the time on battery, and not at all\n"
    "below 20 % of battery or above 42 degrees. With --json, each event is a line on stdout. Ctrl-C ends it.\n",
    TAKES_THREADS | TAKES_INDEX | TAKES_WATCH,
    1,
    -1,
    run,
};
