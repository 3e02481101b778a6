/*
** Importing published models.
*/
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/handles.h"
#include "api/last_error.h"
#include "api/lookup.h"
#include "api/packages.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/os.h"
#include "encoder/import/importer.h"
#include "encoder/import/report.h"

typedef struct importing { /* one call */
    const ps_import_options *options;
    ps__importer *importer;
    char *to, *precise; /* owned: paths of the package, and of the float32 one for the report */
    int phase;
    int stopped; /* 1: progress asked for the end */
    ps__error *err;
} importing;

/* ---- Passing on ---- */

static void tell(importing *m, double done) {
    if (m->options->progress && m->options->progress(m->phase, done, m->options->payload)) m->stopped = 1;
}

static int writing(double done, void *payload) {
    importing *m = payload;
    tell(m, done);
    return m->stopped;
}

static int comparing(int done, int total, void *payload) {
    importing *m = payload;
    tell(m, (double)done / (double)total);
    return m->stopped;
}

static void layer(const ps__layer_error *layer, void *payload) {
    const importing *m = payload;
    const ps_layer_error told = {layer->name, layer->is_text, layer->error, layer->top};
    m->options->layer(&told, m->options->payload);
}

/* ---- Places ---- */

static int set_places(importing *m, const char *name) {
    ps__buf path = PS__BUF_INIT, precise = PS__BUF_INIT;
    char *folder = NULL;
    int status = PS__OK;
    if (m->options->to) {
        ps__buf_puts(&path, m->options->to);
    } else {
        status = ps__models_folder(&folder, m->err);
        if (status == PS__OK) status = ps__make_folders(folder, m->err);
        if (status == PS__OK) ps__package_sweep(folder);
        if (status == PS__OK) ps__buf_printf(&path, "%s/%s.safetensors", folder, name);
    }
    ps__buf_printf(&precise, "%s.precise.%ld", path.length ? path.bytes : "", (long)getpid());
    ps__free(folder);
    m->to = ps__buf_detach(&path);
    m->precise = ps__buf_detach(&precise);
    return status != PS__OK || (m->to && m->precise) ? status : ps__fail_nomem(m->err);
}

static int check_free(const importing *m) {
    struct stat st;
    if (ps__os.lstat(m->to, &st) != 0) return PS__OK;
    if (!S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode)) return ps__fail(m->err, PS__FORMAT, "%s: is not a regular file", m->to);
    if (m->options->replace) return PS__OK;
    return ps__fail(m->err, PS__INVALID, "%s: is there already; remove it, or ask for it to be replaced", m->to);
}

/* ---- The run ---- */

static int report(importing *m, ps__report *out) {
    const ps_import_options *o = m->options;
    m->phase = PS_IMPORT_PRECISE;
    int status = ps__importer_write(m->importer, m->precise, PS__PRECISION_FLOAT, writing, m, m->err);
    if (status != PS__OK) return status;
    m->phase = PS_IMPORT_COMPARING;
    status = ps__report_make(out, m->to, m->precise, o->photos, o->photo_count, o->layer ? layer : NULL, comparing, m, m->err);
    ps__os.unlink(m->precise);
    return status;
}

static _Thread_local struct texts { /* what the strings of a ps_imported point at */
    char path[4096], id[256], image[64], text[64], licence[256];
} texts;

static int fill(ps_imported *out, const importing *m, const ps__report *r) {
    const ps__importer_about *about = ps__importer_about_it(m->importer);
    ps__encoder *encoder;
    int status = ps__encoder_open(&encoder, m->to, NULL, m->err);
    if (status != PS__OK) return status;
    snprintf(texts.path, sizeof texts.path, "%s", m->to);
    snprintf(texts.id, sizeof texts.id, "%s", ps__encoder_about(encoder)->id);
    snprintf(texts.image, sizeof texts.image, "%s", about->image_scheme);
    snprintf(texts.text, sizeof texts.text, "%s", about->text_scheme);
    snprintf(texts.licence, sizeof texts.licence, "%s", about->licence);
    *out = (ps_imported){PS_IMPORTED_VERSION,
                         texts.path,
                         texts.id,
                         texts.image,
                         texts.text,
                         texts.licence,
                         ps__encoder_about(encoder)->bytes,
                         r->images,
                         r->texts,
                         about->unreadable,
                         r->images ? r->image_mean : 0,
                         r->images ? r->image_least : 0,
                         r->text_mean,
                         r->text_least};
    ps__encoder_free(encoder);
    return PS__OK;
}

static int run(ps_imported *out, importing *m, const char *source, const char *name) {
    const ps_import_options *o = m->options;
    const ps__source_files files = {source, o->config, o->preprocess, o->tokenizer};
    ps__report r = {0};
    int status = set_places(m, name);
    if (status == PS__OK) status = check_free(m);
    if (status == PS__OK) status = ps__importer_open(&m->importer, &files, name, o->licence, m->err);
    m->phase = PS_IMPORT_MEASURING;
    if (status == PS__OK && o->precision == PS_PRECISION_INT8)
        status = ps__importer_prepare(m->importer, m->precise, o->photos, o->photo_count, writing, m, m->err);
    m->phase = PS_IMPORT_WRITING;
    if (status == PS__OK) status = ps__importer_write(m->importer, m->to, o->precision, writing, m, m->err);
    if (status != PS__OK) return status;
    if (o->report && o->precision == PS_PRECISION_INT8) status = report(m, &r);
    return status == PS__OK ? fill(out, m, &r) : status;
}

int ps_model_import(ps_imported *out, const char *source, const char *name, const ps_import_options *options) {
    static const ps_import_options standard = PS_IMPORT_OPTIONS_INIT;
    ps__error err = {0};
    if (!out || !source || !name) return ps__refuse(NULL, PS_INVALID, "ps_model_import was given no source, no name or no place");
    if (out->version != PS_IMPORTED_VERSION) return ps__refuse(NULL, PS_INVALID, "ps_imported has an unknown version");
    if (!options) options = &standard;
    if (options->version != PS_IMPORT_OPTIONS_VERSION || (options->photo_count && !options->photos))
        return ps__refuse(NULL, PS_INVALID, "ps_import_options has an unknown version, or photos are missing");
    if (options->precision != PS_PRECISION_INT8 && options->precision != PS_PRECISION_FLOAT)
        return ps__refuse(NULL, PS_INVALID, "ps_import_options names an unknown precision");
    importing m = {.options = options, .err = &err};
    int status = run(out, &m, source, name);
    ps__importer_free(m.importer);
    ps__free(m.to);
    ps__free(m.precise);
    return ps__remember(NULL, status, &err);
}
