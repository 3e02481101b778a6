/*
** photosearch model import FOLDER|FILE --name NAME
*/
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/model.h"
#include "cli/photos.h"

#define PHOTOS 16 /* what INT8 is fitted to; for a report the float32 side takes seconds for each with a large model */

typedef struct layer { /* a row of the report */
    char name[64];
    int is_text;
    double error, top;
} layer;

typedef struct importing { /* one run */
    int draws;             /* 1: there is a terminal for progress */
    int phase;             /* the last that was told */
    layer *layers;         /* [count] */
    size_t count, room;
} importing;

static int draw(int phase, double done, void *payload) {
    static const char *const labels[] = {"measuring", "writing", "writing float32", "comparing"};
    importing *m = payload;
    m->phase = phase;
    if (m->draws) draw_fraction(labels[phase], done);
    return was_stopped();
}

static void take_layer(const ps_layer_error *told, void *payload) {
    importing *m = payload;
    if (m->count == m->room) {
        size_t room = m->room ? 2 * m->room : 256;
        layer *more = allocate(room, sizeof *more);
        if (m->count) memcpy(more, m->layers, m->count * sizeof *more);
        free(m->layers);
        m->layers = more;
        m->room = room;
    }
    layer *l = &m->layers[m->count++];
    snprintf(l->name, sizeof l->name, "%s", told->name);
    l->is_text = told->is_text;
    l->error = told->error;
    l->top = told->top;
}

static void print_text(const char *key, const char *value) {
    printf("\"%s\":", key);
    json_text(value);
    putchar(',');
}

static void print_json(const char *name, const ps_imported *i, const importing *m, int has_report) {
    putchar('{');
    print_text("name", name);
    print_text("id", i->id);
    print_text("image", i->image_names);
    print_text("text", i->text_names);
    print_text("licence", i->licence);
    printf("\"bytes\":%llu,", (unsigned long long)i->bytes);
    json_path(i->path);
    if (has_report) {
        printf(",\"report\":{\"images\":%d,\"texts\":%d,\"unreadable\":%d,", i->images, i->texts, i->unreadable);
        json_number("image_mean", i->image_mean, 6), putchar(',');
        json_number("image_least", i->image_least, 6), putchar(',');
        json_number("text_mean", i->text_mean, 6), putchar(',');
        json_number("text_least", i->text_least, 6);
        fputs(",\"layers\":[", stdout);
        for (size_t n = 0; n < m->count; n++) {
            printf("%s{\"name\":", n ? "," : "");
            json_text(m->layers[n].name);
            putchar(',');
            json_number("error", m->layers[n].error, 6), putchar(',');
            json_number("top", m->layers[n].top, 4), putchar('}');
        }
        fputs("]}", stdout);
    }
    puts("}");
}

static void print_report(const ps_imported *i, const importing *m) {
    printf("\n%-32s %8s %10s\n", "layer", "error", "greatest");
    for (size_t n = 0; n < m->count; n++)
        printf("%-32s %7.2f%% %10.2f\n", m->layers[n].name, m->layers[n].error * 100, m->layers[n].top);
    putchar('\n');
    if (i->images)
        printf("%d photo%s: INT8 and float32 agree to a cosine of %.4f, at least %.4f\n", i->images, plural((unsigned)i->images),
               i->image_mean, i->image_least);
    if (!i->images) puts("No photos were compared: name some with --photos FOLDER.");
    printf("%d sentences: %.4f, at least %.4f\n", i->texts, i->text_mean, i->text_least);
}

static void print_plain(const options *o, const ps_imported *i, const importing *m) {
    printf("%s: %s, %s; %.1f MB; licence: ", o->name, i->image_names, i->text_names, (double)i->bytes / 1e6);
    print_path(stdout, i->licence);
    putchar('\n');
    if (o->report && o->precision == PS_PRECISION_INT8) print_report(i, m);
    if (!o->quiet && !o->to) printf("To have a library's photos encoded and found by it: photosearch model use %s\n", o->name);
}

static void set_options(ps_import_options *to, const options *o, const photo_list *photos, importing *m) {
    to->config = o->config;
    to->preprocess = o->preprocess;
    to->tokenizer = o->tokenizer;
    to->licence = o->licence;
    to->to = o->to;
    to->replace = o->replace;
    to->precision = o->precision;
    to->report = o->report;
    to->photos = (const char *const *)photos->paths;
    to->photo_count = photos->count;
    to->progress = draw;
    to->layer = take_layer;
    to->payload = m;
}

/* Replacing what a library needs would leave it without a model. 0 after complaining. */
static int may_replace(const options *o) {
    ps_library *library;
    ps_packages *list;
    ps_package p = PS_PACKAGE_INIT;
    int used = 0;
    if (!o->replace || o->to || o->force || (library = peek_library(o)) == NULL) return 1;
    if (ps_packages_open(&list, library) == PS_OK) {
        for (size_t i = 0; i < ps_packages_count(list) && !used; i++)
            used = ps_packages_get(&p, list, i) == PS_OK && p.name && strcmp(p.name, o->name) == 0 && (p.own || p.next);
        ps_packages_free(list);
    }
    ps_library_close(library);
    if (used)
        complain("%.200s: a library is used with this model, or changes to it; import under another name, or give --force",
                 o->name);
    return !used;
}

int import_model(options *o) {
    ps_import_options settings = PS_IMPORT_OPTIONS_INIT;
    ps_imported imported = PS_IMPORTED_INIT;
    photo_list photos = {0};
    importing m = {.draws = is_terminal(stderr) && !o->quiet};
    if (o->word_count < 2) return complain_usage("model import needs the folder or file to import");
    if (!o->name) return complain_usage("model import needs --name NAME: what --model calls it from now on");
    if (!may_replace(o)) return EXIT_FAILED;
    if (o->photos && !photos_of_folder(&photos, o->photos, PHOTOS)) return EXIT_FAILED;
    if (!o->photos) photos_of_library(&photos, o, PHOTOS);
    set_options(&settings, o, &photos, &m);
    note_signals();
    int status = ps_model_import(&imported, o->words[1], o->name, &settings);
    if (m.draws) clear_progress();
    if (status == PS_OK && imported.unreadable)
        complain("%d of %zu photos could not be read, so that INT8 is not fitted to them", imported.unreadable, photos.count);
    clear_photos(&photos);
    if (status == PS_OK && o->json) print_json(o->name, &imported, &m, o->report);
    if (status == PS_OK && !o->json) print_plain(o, &imported, &m);
    free(m.layers);
    if (status != PS_CANCELLED) return status == PS_OK ? EXIT_FOUND : complain_status(NULL);
    complain(m.phase >= PS_IMPORT_PRECISE ? "stopped; the package is there, without a report on it"
                                          : "stopped; nothing was imported");
    return EXIT_FAILED;
}
