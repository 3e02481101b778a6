/*
** One import, from recognising what is there to the written package; see importer.h.
*/
#include "encoder/import/importer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/os.h"
#include "encoder/encoder.h"
#include "encoder/import/licence.h"
#include "encoder/import/smooth.h"

#define NAME_MOST 64
#define FINE_BLOCKS 4 /* of each transformer, see docs/verifying-models.md */
#define BLOCKS_MOST 64 /* that a text tower may have */
#define WORD_PART 32   /* entries of a word that share a scale */

struct ps__importer {
    ps__source source;
    ps__import import;
    ps__importer_about about;
    char *name, *licence, *space; /* owned */
};

int ps__is_model_name(const char *name) {
    size_t length = strlen(name);
    if (length < 1 || length > NAME_MOST || name[0] == '.' || name[0] == '-' || strcmp(name, "default") == 0) return 0;
    return strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == length;
}

/* ---- Recognising ---- */

static int not_known(const ps__importer *m, int is_text, ps__error *err) {
    ps__buf names = PS__BUF_INIT;
    const ps__weight *w;
    for (size_t i = 0; i < 4 && (w = ps__checkpoint_at(m->source.checkpoint, i * 37)) != NULL; i++)
        ps__buf_printf(&names, "%s%s", i ? ", " : "", w->name);
    int status =
        ps__import_refuse(&m->import, err, "the names of its tensors are those of no %s tower that is known (there are %s...)",
                          is_text ? "text" : "image", names.failed || !names.length ? "none" : names.bytes);
    ps__buf_free(&names);
    return status;
}

/* The mapping whose names the tensors have. */
static int find_mapping(const ps__mapping **out, ps__importer *m, int is_text, ps__error *err) {
    for (const ps__mapping *const *p = ps__mappings; *p; p++) {
        if ((*p)->is_text != is_text || !(*p)->knows(&m->source)) continue;
        *(is_text ? &m->about.text_scheme : &m->about.image_scheme) = (*p)->name;
        *out = *p;
        return PS__OK;
    }
    return not_known(m, is_text, err);
}

/* ---- What is said about the package ---- */

/* A name for the space that its vectors lie in: by some values of every tensor, and by what else decides a photo's vector. The same weights
** in another container or under another name make the same space; retrained ones, or other preprocessing, another. */
static int name_space(ps__importer *m, ps__error *err) {
    enum { SAMPLE = 64 };
    float sample[SAMPLE];
    const ps__weight *w;
    char *config = json_dumps(m->import.image_config, JSON_COMPACT | JSON_SORT_KEYS);
    if (!config) return ps__fail_nomem(err);
    uint64_t digest = XXH3_64bits(config, strlen(config));
    free(config);
    for (size_t i = 0; (w = ps__checkpoint_at(m->source.checkpoint, i)) != NULL; i++) {
        if (w->type[0] != 'F' && w->type[0] != 'B') continue; /* counters of batch norms and the like */
        int64_t count = w->count < SAMPLE ? w->count : SAMPLE;
        int status = ps__checkpoint_read(sample, m->source.checkpoint, w, (w->count - count) / 2, count, err);
        if (status) return status;
        digest = XXH3_64bits_withSeed(w->name, strlen(w->name), digest);
        digest = XXH3_64bits_withSeed(sample, (size_t)count * sizeof *sample, digest);
    }
    ps__buf text = PS__BUF_INIT;
    ps__buf_printf(&text, "imported-%016llx", (unsigned long long)digest);
    m->space = ps__buf_detach(&text);
    return m->space ? PS__OK : ps__fail_nomem(err);
}

static int set_config(ps__importer *m, const char *key, const json_t *config, ps__error *err) {
    char *text = json_dumps(config, JSON_COMPACT | JSON_PRESERVE_ORDER);
    int status = text ? ps__draft_meta(m->import.draft, key, text, err) : ps__fail_nomem(err);
    free(text);
    return status;
}

/* A model trained with a sigmoid loss says itself how sure it is of a pair: that is its calibration. Of what a softmax was trained on
** only the order within a batch is known; score.c's cautious guess stands for it. */
static int set_calibration(ps__importer *m, ps__error *err) {
    const char *scale = ps__draft_get(m->import.draft, "logit_scale"), *bias = ps__draft_get(m->import.draft, "logit_bias");
    if (!scale || !bias) return PS__OK;
    json_t *a = json_loads(scale, JSON_DECODE_ANY, NULL), *b = json_loads(bias, JSON_DECODE_ANY, NULL);
    json_t *config = json_pack("{s:o,s:o,s:f,s:f}", "a", a, "b", b, "weak", 0.01, "good", 0.1);
    int status = config ? set_config(m, "calibration", config, err) : ps__fail_nomem(err);
    json_decref(config);
    return status;
}

static int describe(ps__importer *m, ps__error *err) {
    ps__draft *d = m->import.draft;
    char dim[16];
    const char *slash = strrchr(ps__checkpoint_path(m->source.checkpoint), '/');
    ps__buf from = PS__BUF_INIT;
    ps__buf_printf(&from, "imported from %s (%s; %s)", slash ? slash + 1 : ps__checkpoint_path(m->source.checkpoint),
                   m->about.image_scheme, m->about.text_scheme);
    snprintf(dim, sizeof dim, "%d", m->import.dim);
    int status = name_space(m, err);
    if (!status) status = ps__draft_meta(d, "name", m->name, err);
    if (!status) status = ps__draft_meta(d, "version", "1", err);
    if (!status) status = ps__draft_meta(d, "space", m->space, err);
    if (!status) status = ps__draft_meta(d, "dim", dim, err);
    if (!status) status = from.failed ? ps__fail_nomem(err) : ps__draft_meta(d, "source", from.bytes, err);
    if (!status) status = set_config(m, "image.config", m->import.image_config, err);
    if (!status) status = set_config(m, "text.config", m->import.text_config, err);
    if (!status) status = set_calibration(m, err);
    ps__buf_free(&from);
    return status;
}

static int open_all(ps__importer *m, const ps__source_files *files, const char *licence, ps__error *err) {
    int status = ps__source_open(&m->source, files, err);
    if (status) return status;
    m->import.source = &m->source;
    m->import.draft = ps__draft_new();
    m->import.image_config = json_object();
    m->import.text_config = json_object();
    if (!m->import.draft || !m->import.image_config || !m->import.text_config) return ps__fail_nomem(err);
    const ps__mapping *image, *text;
    status = find_mapping(&image, m, 0, err); /* first of all: what is not known should not be asked for its preprocessing */
    if (!status) status = find_mapping(&text, m, 1, err);
    if (!status) status = ps__source_preprocess(m->import.image_config, &m->source, err);
    if (!status) status = image->map(&m->import, err);
    if (!status) status = text->map(&m->import, err);
    if (!status) status = ps__licence_read(&m->licence, m->import.draft, &m->source, licence, err);
    return status ? status : describe(m, err);
}

int ps__importer_open(ps__importer **out, const ps__source_files *files, const char *name, const char *licence, ps__error *err) {
    *out = NULL;
    if (!ps__is_model_name(name))
        return ps__fail(err, PS__INVALID,
                        "\"%.80s\" cannot be a model's name: 1 to %d letters, digits, dots, dashes and underscores, the first no "
                        "dot or dash, and not"
                        " \"default\", which is the installed one",
                        name, NAME_MOST);
    ps__importer *m = ps__calloc(1, sizeof *m);
    if (!m || !(m->name = ps__strdup(name))) {
        ps__free(m);
        return ps__fail_nomem(err);
    }
    int status = open_all(m, files, licence, err);
    if (status) {
        ps__importer_free(m);
        return status;
    }
    m->about.name = m->name;
    m->about.licence = m->licence;
    m->about.space = m->space;
    m->about.weights = ps__checkpoint_path(m->source.checkpoint);
    *out = m;
    return PS__OK;
}

void ps__importer_free(ps__importer *m) {
    if (!m) return;
    ps__draft_free(m->import.draft);
    json_decref(m->import.image_config);
    json_decref(m->import.text_config);
    ps__source_clear(&m->source);
    ps__free(m->name);
    ps__free(m->licence);
    ps__free(m->space);
    ps__free(m);
}

const ps__importer_about *ps__importer_about_it(const ps__importer *m) { return &m->about; }
ps__draft *ps__importer_draft(ps__importer *m) { return m->import.draft; }

/* ---- Writing ---- */

static int keep_block_fine(ps__draft *draft, const char *tower, int block, ps__error *err) {
    static const char *const layers[] = {"query", "key", "value", "output", "fc1", "fc2"};
    char name[64];
    snprintf(name, sizeof name, "%s.%d.query", tower, block);
    if (!ps__draft_has_layer(draft, name)) return PS__OK; /* a block of convolutions, or none */
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
        snprintf(name, sizeof name, "%s.%d.%s", tower, block, layers[i]);
        int status = ps__draft_has_layer(draft, name) ? ps__draft_keep_fine(draft, name, err) : PS__OK;
        if (status) return status;
    }
    return PS__OK;
}

static int is_bert(const ps__draft *draft) {
    const char *text = ps__draft_get(draft, "text.family");
    return text && strcmp(text, "bert") == 0;
}

/* What a word is off by goes through all blocks. The largest of few entries is not far from the others, which a scale of their own makes use
** of; BERT needs more. */
static int keep_words(ps__draft *draft, ps__error *err) {
    static const char words[] = "text.embed.word";
    if (!ps__draft_has_layer(draft, words)) return PS__OK;
    return is_bert(draft) ? ps__draft_keep_fine(draft, words, err) : ps__draft_cut_rows(draft, words, WORD_PART, err);
}

/* What the first blocks of a transformer are off by, all attention behind them makes more of. Fine layers cost one byte a weight more. BERT
** has no norm that outliers could be moved out of: all of its blocks are fine. */
static int keep_blocks_fine(ps__draft *draft, ps__error *err) {
    int text_blocks = is_bert(draft) ? BLOCKS_MOST : FINE_BLOCKS, status = PS__OK;
    for (int block = 0; block < FINE_BLOCKS && !status; block++) status = keep_block_fine(draft, "image", block, err);
    for (int block = 0; block < text_blocks && !status; block++) status = keep_block_fine(draft, "text", block, err);
    return status;
}

/* What all else depends on, or comes last, and costs little: the patches' colours, and layers that run on one row only. */
static int keep_precise(ps__importer *m, ps__error *err) {
    static const char *const names[] = {"image.patch", "image.proj", "text.proj", "image.head.squeeze", "image.head.excite"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        int status =
            ps__draft_has_layer(m->import.draft, names[i]) ? ps__draft_keep_float(m->import.draft, names[i], err) : PS__OK;
        if (status) return status;
    }
    int status = keep_words(m->import.draft, err);
    return status ? status : keep_blocks_fine(m->import.draft, err);
}

int ps__importer_prepare(ps__importer *m, const char *scratch, const char *const *photos, size_t photo_count,
                         ps__draft_progress_fn *progress, void *payload, ps__error *err) {
    ps__sizes *sizes = NULL;
    int status = keep_precise(m, err);
    if (!status) status = ps__draft_write(m->import.draft, scratch, PS__PRECISION_INT8, progress, payload, err);
    if (status) return status;
    status = ps__sizes_measure(&sizes, scratch, photos, photo_count, err);
    ps__os.unlink(scratch);
    if (!status) m->about.unreadable = ps__sizes_unreadable(sizes);
    if (!status) status = ps__smooth(m->import.draft, sizes, err);
    ps__sizes_free(sizes);
    return status;
}

/* One tower at a time: a laid out one holds its weights. */
static int try_package(const char *path, int precision, ps__error *err) {
    const ps__encoder_options options = {precision, NULL};
    const struct ps__plan *plan;
    int status = PS__OK;
    for (int is_text = 0; is_text < 2 && !status; is_text++) {
        ps__encoder *encoder;
        if ((status = ps__encoder_open(&encoder, path, &options, err)) != PS__OK) break;
        status = ps__encoder_plan(&plan, encoder, is_text, err);
        ps__encoder_free(encoder);
    }
    return status;
}

int ps__importer_write(ps__importer *m, const char *path, int precision, ps__draft_progress_fn *progress, void *payload,
                       ps__error *err) {
    ps__buf made = PS__BUF_INIT;
    ps__buf_printf(&made, "%s.new.%ld", path, (long)getpid()); /* as ps__package_sweep wants it */
    if (made.failed) return ps__fail_nomem(err);
    int status = ps__draft_write(m->import.draft, made.bytes, precision, progress, payload, err);
    if (!status) {
        status = try_package(made.bytes, precision, err);
        if (status)
            ps__os.unlink(made.bytes);
        else
            status = ps__put_file(made.bytes, path, err);
    }
    ps__buf_free(&made);
    return status;
}
