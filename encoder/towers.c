/*
** Several text towers in one space; see towers.h.
*/
#include "encoder/towers.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/os.h"
#include "encoder/tower.h"

#define ENDING ".safetensors"
#define COMPANIONS_MOST 64 /* further ones are left out */

struct ps__towers {
    ps__tower *list; /* [count] owned; [0] is the main package, the others its companions, by name */
    size_t count;
    int precision;             /* PS__PRECISION_* */
    const ps__log *log;        /* NULL: nobody listens */
    pthread_mutex_t lock;      /* held while a companion is looked at or laid out, and for the two below */
    int has_background;        /* 1: it was read */
    ps__background background; /* of the main package */
};

/* ---- Opening ---- */

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* 1 if the file is called X-*.safetensors; stem: X, of `length` bytes. */
static int is_companion(const char *name, const char *stem, size_t length) {
    size_t size = strlen(name), ending = sizeof ENDING - 1;
    return size > length + 1 + ending && strncmp(name, stem, length) == 0 && name[length] == '-' &&
           strcmp(name + size - ending, ENDING) == 0;
}

/* Names of the folder's entries that may be companions, each owned by the caller; *count of them. */
static int read_names(char **names, size_t *count, DIR *dir, const char *stem, size_t length, ps__error *err) {
    for (struct dirent *entry; *count < COMPANIONS_MOST && (entry = ps__os.readdir(dir)) != NULL;) {
        if (!is_companion(entry->d_name, stem, length)) continue;
        if (!(names[*count] = ps__strdup(entry->d_name))) return ps__fail_nomem(err);
        ++*count;
    }
    return PS__OK;
}

/* The folder of the path, its last slash kept: "" stands for the current one. */
static char *folder_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return ps__strndup(path, slash ? (size_t)(slash - path) + 1 : 0);
}

/* Adds the paths of the companions of the main package. A folder that cannot be listed has none: it is not needed for what was
** named. */
static int find_companions(ps__towers *t, const char *path, ps__error *err) {
    char *names[COMPANIONS_MOST], *folder = folder_of(path);
    size_t count = 0, size = strlen(path), ending = sizeof ENDING - 1;
    if (!folder) return ps__fail_nomem(err);
    const char *stem = path + strlen(folder);
    size_t length = strlen(stem);
    int status = PS__OK, fd = -1;
    if (length > ending && strcmp(path + size - ending, ENDING) == 0)
        fd = ps__os.open(folder[0] ? folder : ".", O_RDONLY | O_DIRECTORY, 0);
    DIR *dir = fd >= 0 ? ps__os.fdopendir(fd) : NULL;
    if (dir) {
        status = read_names(names, &count, dir, stem, length - ending, err);
        ps__os.closedir(dir);
    } else if (fd >= 0) {
        ps__os.close(fd);
    }
    if (count > 1) qsort(names, count, sizeof *names, by_name);
    for (size_t i = 0; i < count; i++) {
        ps__buf full = PS__BUF_INIT;
        ps__buf_printf(&full, "%s%s", folder, names[i]);
        char *owned = status ? NULL : ps__buf_detach(&full);
        if (owned)
            ps__tower_init(&t->list[t->count++], owned);
        else if (!status)
            status = ps__fail_nomem(err);
        ps__buf_free(&full);
        ps__free(names[i]);
    }
    ps__free(folder);
    return status;
}

int ps__towers_open(ps__towers **out, const char *path, const ps__encoder_options *options, const ps__log *log, ps__error *err) {
    *out = NULL;
    ps__towers *t = ps__calloc(1, sizeof *t);
    char *own = ps__strdup(path);
    if (t) t->list = ps__array(1 + COMPANIONS_MOST, sizeof *t->list);
    if (!t || !t->list || !own) {
        if (t) ps__free(t->list);
        ps__free(t);
        ps__free(own);
        return ps__fail_nomem(err);
    }
    pthread_mutex_init(&t->lock, NULL);
    t->precision = options ? options->precision : PS__PRECISION_INT8;
    t->log = log;
    ps__tower_init(&t->list[t->count++], own);
    int status = ps__tower_open_main(&t->list[0], options, err);
    if (!status) status = find_companions(t, path, err);
    if (status)
        ps__towers_free(t);
    else
        *out = t;
    return status;
}

void ps__towers_free(ps__towers *t) {
    if (!t) return;
    for (size_t i = 0; i < t->count; i++) ps__tower_clear(&t->list[i]);
    pthread_mutex_destroy(&t->lock);
    ps__free(t->list);
    ps__free(t);
}

ps__tower *ps__towers_main(ps__towers *t) { return &t->list[0]; }

static const ps__encoder_info *main_about(const ps__towers *t) { return ps__encoder_about(t->list[0].encoder); }

/* ---- Companions, with the lock held ---- */

/* Looks at the companion, or lays it out too. */
static int bring_up(ps__towers *t, ps__tower *tower, int wholly, ps__error *err) {
    return wholly ? ps__tower_ready(tower, main_about(t), t->precision, err) : ps__tower_look(tower, main_about(t), err);
}

/* The first package that names the language, laid out; *out stays NULL where none does. */
static int find_language(ps__tower **out, ps__towers *t, const char *code, ps__error *err) {
    if (ps__languages_have(t->list[0].languages, code)) *out = &t->list[0];
    for (size_t i = 1; i < t->count && !*out; i++) {
        ps__tower *tower = &t->list[i];
        int status = bring_up(t, tower, 0, err);
        if (!status && !tower->refused && ps__languages_have(tower->languages, code)) {
            status = bring_up(t, tower, 1, err);
            if (!tower->refused) *out = tower;
        }
        if (status) return status;
    }
    return PS__OK;
}

/* The first companion that can be used, laid out when `wholly`; *out stays NULL where there is none. */
static int find_companion(ps__tower **out, ps__towers *t, int wholly, ps__error *err) {
    for (size_t i = 1; i < t->count && !*out; i++) {
        int status = bring_up(t, &t->list[i], wholly, err);
        if (status) return status;
        if (!t->list[i].refused) *out = &t->list[i];
    }
    return PS__OK;
}

/* Tells the log of each companion that dropped out, once; without the lock, as whoever listens may search. */
static void tell_refused(ps__towers *t) {
    for (size_t i = 1; i < t->count; i++) {
        ps__tower *tower = &t->list[i];
        pthread_mutex_lock(&t->lock);
        const char *reason = tower->told || tower->is_other ? NULL : tower->refused;
        tower->told |= reason != NULL;
        pthread_mutex_unlock(&t->lock);
        if (reason) ps__logf(t->log, PS__LOG_WARNING, "a text tower beside the model is not used: %s", reason);
    }
}

/* ---- Choosing ---- */

/* "no text tower reads "xx"; there are: en, de, fr" */
static int unknown_language(const ps__towers *t, const char *lang, ps__error *err) {
    ps__buf codes = PS__BUF_INIT;
    for (size_t i = 0; i < t->count; i++)
        for (const char *p = t->list[i].refused ? "" : t->list[i].languages; *p;) {
            char code[PS__LANGUAGE_CODE];
            size_t length = strcspn(p, " ");
            if (length && length < sizeof code) {
                memcpy(code, p, length);
                code[length] = 0;
                if (!ps__languages_have(codes.bytes, code)) ps__buf_printf(&codes, "%s%s", codes.length ? " " : "", code);
            }
            p += length + (p[length] == ' ');
        }
    int status = ps__fail(err, PS__INVALID, "no text tower of the model reads the language \"%.40s\"; there are: %s", lang,
                          codes.length ? codes.bytes : "none");
    ps__buf_free(&codes);
    return status;
}

static int choose_by_language(ps__tower **out, ps__towers *t, const char *lang, ps__error *err) {
    char code[PS__LANGUAGE_CODE];
    pthread_mutex_lock(&t->lock);
    int status = ps__language_code(code, lang) ? find_language(out, t, code, err) : PS__OK;
    for (size_t i = 1; i < t->count && !status && !*out; i++)
        status = bring_up(t, &t->list[i], 0, err); /* for the list of codes */
    if (!status && !*out) status = unknown_language(t, lang, err);
    pthread_mutex_unlock(&t->lock);
    return status;
}

/* *english: whether the main package is to read the text. It stays so wherever nothing speaks against it. */
static int is_english(int *english, ps__towers *t, const char *text, size_t length, ps__error *err) {
    ps__tower *judge = NULL;
    double score;
    *english = !ps__has_other_script(text, length);
    if (!*english) return PS__OK;
    pthread_mutex_lock(&t->lock);
    int status = find_companion(&judge, t, 0, err);
    pthread_mutex_unlock(&t->lock);
    if (status || !judge || !judge->english.weight) return status;
    status = ps__english_score(&score, &judge->english, text, length, err);
    *english = score >= 0;
    return status;
}

static int choose_by_words(ps__tower **out, ps__towers *t, const char *text, size_t length, ps__error *err) {
    int english = 0, status = PS__OK;
    if (t->count == 1) return PS__OK;
    if (main_about(t)->max_tokens) status = is_english(&english, t, text, length, err);
    if (status || english) return status;
    pthread_mutex_lock(&t->lock);
    status = find_companion(out, t, 1, err);
    pthread_mutex_unlock(&t->lock);
    return status;
}

int ps__towers_choose(ps__tower **out, ps__towers *t, const char *lang, const char *text, size_t length, ps__error *err) {
    *out = NULL;
    int status = lang ? choose_by_language(out, t, lang, err) : choose_by_words(out, t, text, length, err);
    tell_refused(t);
    if (status) return status;
    if (!*out) *out = &t->list[0];
    /* Else every such question would quietly get the same few photos. */
    if (!lang && strcmp(ps__tower_languages(*out), "en") == 0 && ps__has_other_script(text, length))
        ps__logf(t->log, PS__LOG_WARNING, "no text tower of the model reads these letters: only English is understood");
    if (t->count > 1)
        ps__logf(t->log, PS__LOG_DEBUG, "the words are read by %s, %s", ps__encoder_about((*out)->encoder)->name,
                 lang ? "as their language was given" : "by how they are written");
    return PS__OK;
}

/* ---- Scores, and telling about companions ---- */

int ps__towers_scorer(ps__scorer *out, ps__towers *t, const ps__tower *tower, const float *query, ps__error *err) {
    int status = PS__OK;
    const ps__calibration *calibration = &ps__encoder_about(tower->encoder)->calibration;
    const ps__background *bank = NULL;
    if (calibration->c != 0 || calibration->d != 0) { /* else the bank is not even touched */
        bank = &t->background;
        pthread_mutex_lock(&t->lock);
        if (!t->has_background)
            status = ps__background_read(&t->background, ps__encoder_package(t->list[0].encoder), main_about(t)->dim, err);
        t->has_background = !status;
        pthread_mutex_unlock(&t->lock);
    }
    if (!status) ps__scorer_set(out, calibration, bank, query);
    return status;
}

size_t ps__towers_companions(const ps__towers *t) { return t->count - 1; }

const char *ps__towers_companion_path(const ps__towers *t, size_t i) { return t->list[i + 1].path; }

int ps__towers_companion(ps__tower **tower, const char **refused, ps__towers *t, size_t i, ps__error *err) {
    ps__tower *companion = &t->list[i + 1];
    pthread_mutex_lock(&t->lock);
    int status = bring_up(t, companion, 1, err);
    *tower = status || companion->refused ? NULL : companion;
    *refused = companion->is_other ? NULL : companion->refused;
    pthread_mutex_unlock(&t->lock);
    tell_refused(t);
    return status;
}
