/*
** Opening the library and the model that the options name, notes to stderr, and stopping on signals.
*/
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

static char last_note[1024]; /* the last line that note printed; guarded by stderr's lock */

int was_noted(const char *line) {
    flockfile(stderr);
    int same = strncmp(line, last_note, sizeof last_note - 1) == 0;
    funlockfile(stderr);
    return same;
}

static void note(int level, const char *line, void *payload) {
    (void)level, (void)payload;
    /* A progress bar may stand in the line. One call, so that lines of several threads do not mix. */
    flockfile(stderr);
    if (is_terminal(stderr)) fputs("\r\033[K", stderr);
    fputs("photosearch: ", stderr);
    print_path(stderr, line);
    fputc('\n', stderr);
    snprintf(last_note, sizeof last_note, "%s", line);
    funlockfile(stderr);
}

/* The package of an imported model; NULL: there is none of that name. */
static char *find_imported(const char *model) {
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    char *path = NULL;
    int length = -1;
    if (strchr(model, '/')) return NULL;
    if (data && data[0] == '/')
        length = asprintf(&path, "%s/photosearch/models/%s.safetensors", data, model);
    else if (home && home[0])
        length = asprintf(&path, "%s/.local/share/photosearch/models/%s.safetensors", home, model);
    if (length < 0) return NULL;
    if (access(path, R_OK) == 0) return path;
    free(path);
    return NULL;
}

/* Where the package lies that the library answers by; without a library, the usual one. NULL: nowhere. */
static char *package_path(ps_library *library) {
    ps_packages *list;
    ps_package p = PS_PACKAGE_INIT;
    char *path = NULL;
    if (ps_packages_open(&list, library) != PS_OK) return NULL;
    for (size_t i = 0; !path && i < ps_packages_count(list); i++)
        if (ps_packages_get(&p, list, i) == PS_OK && (library ? p.own : p.usual) && p.path[0]) path = strdup(p.path);
    ps_packages_free(list);
    return path;
}

int find_model(char **path, const char *model) {
    *path = NULL;
    if (!model || (*path = find_imported(model)) != NULL) return 1;
    if (access(model, F_OK) == 0)
        *path = strdup(model);
    else if (strcmp(model, "default") == 0)
        *path = package_path(NULL);
    if (*path) return 1;
    complain("there is no model %.200s; `photosearch model list` tells which there are", model);
    return 0;
}

ps_library *open_library(const options *o, int flags) {
    ps_library_options settings = PS_LIBRARY_OPTIONS_INIT;
    ps_library *library;
    char *model;
    if (!find_model(&model, o->model)) return NULL;
    if (!(flags & LIBRARY_MAKE)) settings.flags |= PS_OPEN_EXISTING;
    settings.model = model;
    if (!o->quiet || o->has_log_level) settings.log = note;
    settings.log_level = o->has_log_level ? o->log_level : o->verbose ? PS_LOG_DEBUG : PS_LOG_WARNING;
    int status = ps_library_open(&library, o->library, &settings);
    free(model);
    if (status == PS_OK) return library;
    const char *reason = ps_last_error(NULL);
    if (status == PS_NOTFOUND && reason[0] == '/') { /* begins with the folder: it is named, but there is no library */
        fputs("photosearch: ", stderr);
        print_path(stderr, reason);
        fputs("; make one with: photosearch index FOLDER\n", stderr);
    } else {
        complain_status(NULL);
    }
    return NULL;
}

ps_library *peek_library(const options *o) {
    ps_library_options settings = PS_LIBRARY_OPTIONS_INIT;
    ps_library *library;
    settings.flags = PS_OPEN_EXISTING;
    return ps_library_open(&library, o->library, &settings) == PS_OK ? library : NULL;
}

static char *find_own(const options *o) {
    ps_library *library = peek_library(o);
    char *path = library ? package_path(library) : NULL;
    ps_library_close(library);
    return path;
}

ps_model *open_model(const options *o) {
    ps_model_options settings = PS_MODEL_OPTIONS_INIT;
    ps_model *model;
    char *path;
    if (!find_model(&path, o->model)) return NULL;
    if (!path) path = find_own(o);
    settings.precision = o->precision;
    settings.isa = o->isa;
    int status = ps_model_open(&model, path, &settings);
    free(path);
    if (status == PS_OK) return model;
    complain_status(NULL);
    return NULL;
}

static ps_library *volatile stoppable;
static volatile sig_atomic_t stopped;

static void on_signal(int number) {
    (void)number;
    stopped = 1;
    if (stoppable) ps_cancel(stoppable);
}

static void set_handler(void (*handler)(int)) {
    static const int numbers[] = {SIGINT, SIGTERM};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct sigaction action = {0}, before;
        /* What is ignored stays so: a shell without job control starts `photosearch index ... &` deaf to Ctrl-C. */
        if (sigaction(numbers[i], NULL, &before) != 0 || before.sa_handler == SIG_IGN) continue;
        action.sa_handler = handler;
        action.sa_flags = (int)SA_RESETHAND;
        sigaction(numbers[i], &action, NULL);
    }
}

void stop_on_signals(ps_library *library) {
    stoppable = library;
    set_handler(library ? on_signal : SIG_DFL);
}

void note_signals(void) {
    stoppable = NULL;
    set_handler(on_signal);
}

int was_stopped(void) { return stopped; }

int draw_run(const ps_progress *progress, void *payload) {
    if (*(const int *)payload) draw_progress("", progress);
    return was_stopped();
}

int end_run(ps_library *library, int status, int some_failed) {
    int code = some_failed ? EXIT_SOME_FAILED : EXIT_FOUND;
    if (status == PS_CANCELLED) {
        complain("stopped; what was done is kept, and the next run goes on from there");
        code = EXIT_FAILED;
    } else if (status != PS_OK) {
        code = complain_status(library);
    }
    ps_library_close(library);
    return code;
}
