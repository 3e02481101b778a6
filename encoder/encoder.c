/*
** Composes the encoder: opens the package, lays a tower out when it is first needed (a search needs no image tower), and runs it.
*/
#include "encoder/encoder.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "encoder/families/families.h"
#include "encoder/package/package.h"
#include "encoder/plan/plan.h"
#include "encoder/tokens/tokenizer.h"

#define FORMAT 2    /* docs/model-package.md */
#define MAX_NAME 80 /* characters of name, version and space */

typedef struct tower {        /* image or text */
    const ps__family *family; /* NULL: the package has none */
    ps__tower_limits limits;  /* from its configuration */
    ps__plan *plan;           /* NULL until first used; guarded by the encoder's lock until then */
} tower;

struct ps__encoder {
    ps__package *package; /* the mapping everything borrows from */
    const ps__kernels *kernels;
    int precision; /* PS__PRECISION_* */
    ps__encoder_info info;
    char *id;                       /* info.id */
    tower towers[2];                /* image, text */
    const ps__tokenizer_kind *kind; /* of the text tower's tokenizer; NULL without one */
    int lowercase;                  /* for it */
    int32_t pad;                    /* id that fills a text up to max_tokens; -1: none does */
    ps__tokenizer *tokenizer;       /* made along with the text tower */
    pthread_mutex_t lock;           /* held while a tower is laid out */
};

struct ps__session {
    ps__encoder *encoder;
    ps__workspace *spaces[2]; /* image, text; made when first used */
    int32_t *ids;             /* int32 [max_tokens] */
};

static int check_format(const ps__package *package, ps__error *err) {
    const char *format = ps__package_meta(package, "photosearch.format");
    int number = 0;
    char rest;
    if (!format || sscanf(format, "%d%c", &number, &rest) != 1 || number < 1)
        return ps__fail(err, PS__MODEL, "%s: is not a photosearch model package (no photosearch.format)",
                        ps__package_path(package));
    if (number > FORMAT)
        return ps__fail(err, PS__NEWER, "%s: has package format %d, this program reads up to %d", ps__package_path(package),
                        number, FORMAT);
    return PS__OK;
}

static int describe_tower(ps__encoder *e, int is_text, ps__error *err) {
    tower *t = &e->towers[is_text];
    const char *name = ps__package_meta(e->package, is_text ? "text.family" : "image.family");
    if (!name) return PS__OK;
    t->family = ps__family_find(name, is_text);
    if (!t->family)
        return ps__fail(err, PS__MODEL, "%s: %s family \"%.60s\" is not known", e->info.path, is_text ? "text" : "image", name);
    return t->family->describe(&t->limits, e->package, err);
}

/* Names become parts of ids that libraries file vectors under: short, and nothing that a terminal or a database would not keep. */
static int is_name(const char *s) {
    size_t length = s ? strlen(s) : 0, plain = 0;
    for (size_t i = 0; i < length; i++) plain += s[i] >= 0x20 && s[i] < 0x7F;
    return length > 0 && length <= MAX_NAME && plain == length;
}

static int read_about(ps__encoder *e, ps__error *err) {
    ps__encoder_info *i = &e->info;
    i->path = ps__package_path(e->package);
    i->bytes = ps__package_size(e->package);
    i->isa = e->kernels->name;
    i->name = ps__package_meta(e->package, "name");
    i->version = ps__package_meta(e->package, "version");
    i->space = ps__package_meta(e->package, "space");
    i->licence = ps__package_meta(e->package, "licence");
    i->source = ps__package_meta(e->package, "source");
    if (!is_name(i->name) || !is_name(i->version) || !is_name(i->space))
        return ps__fail(err, PS__MODEL, "%s: name, version and space are not all 1 to %d printable ASCII characters", i->path,
                        MAX_NAME);
    if (!i->licence) i->licence = "";
    if (!i->source) i->source = "";
    size_t size = strlen(i->name) + strlen(i->version) + 24;
    if (!(e->id = ps__malloc(size))) return ps__fail_nomem(err);
    snprintf(e->id, size, "%s-%s-%08x", i->name, i->version, (unsigned)(ps__package_fingerprint(e->package) & 0xFFFFFFFF));
    i->id = e->id;
    return ps__family_dim(&i->dim, e->package, err);
}

/* What text.config says beside the family's own numbers. */
static int read_text_config(ps__encoder *e, ps__error *err) {
    json_t *config;
    if (!e->towers[1].family) return PS__OK;
    int status = ps__package_config(&config, e->package, "text.config", err);
    if (status) return status;
    const char *tokenizer = json_string_value(json_object_get(config, "tokenizer"));
    if (!tokenizer) tokenizer = "";
    if (!(e->kind = ps__tokenizer_find(tokenizer)))
        status = ps__fail(err, PS__MODEL, "%s: text.config: tokenizer \"%.40s\" is not known", e->info.path, tokenizer);
    e->lowercase = !json_is_false(json_object_get(config, "lowercase"));
    int pad = -1;
    if (!status && json_object_get(config, "pad"))
        status = ps__config_int(&pad, e->package, config, "text.config", "pad", 0, (1 << 28) - 1, err);
    e->pad = pad;
    json_decref(config);
    return status;
}

static int read_towers(ps__encoder *e, ps__error *err) {
    ps__encoder_info *i = &e->info;
    int status = describe_tower(e, 0, err);
    if (!status) status = describe_tower(e, 1, err);
    if (!status) status = read_text_config(e, err);
    if (status) return status;
    if (!e->towers[0].family && !e->towers[1].family)
        return ps__fail(err, PS__MODEL, "%s: has neither an image nor a text tower", i->path);
    i->image_family = e->towers[0].family ? e->towers[0].family->name : NULL;
    i->text_family = e->towers[1].family ? e->towers[1].family->name : NULL;
    i->image_size = e->towers[0].limits.image_size;
    i->fit = e->towers[0].limits.fit;
    i->filter = e->towers[0].limits.filter;
    i->shorter = e->towers[0].limits.shorter;
    i->max_tokens = e->towers[1].limits.max_tokens;
    return ps__calibration_read(&i->calibration, e->package, err);
}

ps__pixels_options ps__encoder_pixels(const ps__encoder_info *info) {
    return (ps__pixels_options){.width = info->image_size,
                                .height = info->image_size,
                                .fit = info->fit,
                                .filter = info->filter,
                                .shorter = info->shorter};
}

int ps__encoder_open(ps__encoder **out, const char *path, const ps__encoder_options *options, ps__error *err) {
    ps__package *package;
    *out = NULL;
    int status = ps__package_open(&package, path, err);
    return status ? status : ps__encoder_from(out, package, options, err);
}

int ps__encoder_from(ps__encoder **out, ps__package *package, const ps__encoder_options *options, ps__error *err) {
    static const ps__encoder_options standard = {0};
    *out = NULL;
    if (!options) options = &standard;
    ps__encoder *e = ps__calloc(1, sizeof *e);
    if (!e) {
        ps__package_free(package);
        return ps__fail_nomem(err);
    }
    pthread_mutex_init(&e->lock, NULL);
    e->package = package;
    e->precision = options->precision;
    e->kernels = ps__kernels_choose(options->isa);
    int status = PS__OK;
    if (!e->kernels)
        status = ps__fail(err, PS__INVALID, "instruction set \"%.40s\" is unknown or this processor lacks it", options->isa);
    if (e->precision != PS__PRECISION_INT8 && e->precision != PS__PRECISION_FLOAT)
        status = ps__fail(err, PS__INVALID, "precision %d is unknown", e->precision);
    if (!status) status = check_format(e->package, err);
    if (!status) status = read_about(e, err);
    if (!status) status = read_towers(e, err);
    if (status)
        ps__encoder_free(e);
    else
        *out = e;
    return status;
}

void ps__encoder_free(ps__encoder *e) {
    if (!e) return;
    ps__plan_free(e->towers[0].plan);
    ps__plan_free(e->towers[1].plan);
    ps__tokenizer_free(e->tokenizer);
    ps__package_free(e->package);
    ps__free(e->id);
    pthread_mutex_destroy(&e->lock);
    ps__free(e);
}

const ps__encoder_info *ps__encoder_about(const ps__encoder *e) { return &e->info; }
const ps__package *ps__encoder_package(const ps__encoder *e) { return e->package; }

static int make_tokenizer(ps__encoder *e, ps__error *err) {
    int status = e->kind->open(&e->tokenizer, e->package, e->lowercase, err);
    if (status) return status;
    /* Ids index the table of words without a further check. */
    const ps__tensor *words = ps__package_find(e->package, "text.embed.word.weight");
    if (words && (size_t)words->shape[0] >= e->tokenizer->size && e->pad < words->shape[0]) return PS__OK;
    return ps__fail(err, PS__MODEL, "%s: the vocabulary has more tokens than tensor text.embed.word.weight has rows",
                    e->info.path);
}

/* Lays the tower out unless another thread has. */
static int ready(ps__encoder *e, int is_text, ps__error *err) {
    tower *t = &e->towers[is_text];
    int status = PS__OK;
    if (!t->family) return ps__fail(err, PS__MODEL, "%s: has no %s tower", e->info.path, is_text ? "text" : "image");
    pthread_mutex_lock(&e->lock);
    if (!t->plan) {
        status = is_text ? make_tokenizer(e, err) : ps__package_check(e->package, err);
        if (!status) status = t->family->build(&t->plan, e->package, e->kernels, e->precision, err);
        ps__package_release(e->package);
        if (status && is_text) {
            ps__tokenizer_free(e->tokenizer);
            e->tokenizer = NULL;
        }
    }
    pthread_mutex_unlock(&e->lock);
    return status;
}

int ps__encoder_plan(const ps__plan **out, ps__encoder *e, int is_text, ps__error *err) {
    int status = ready(e, is_text, err);
    *out = status ? NULL : e->towers[is_text].plan;
    return status;
}

/* *blank: whether the text has nothing but marks. */
static int read_tokens(int32_t *ids, int *count, int *blank, ps__encoder *e, const char *text, size_t length, ps__error *err) {
    int status = ready(e, 1, err);
    if (!status) status = ps__tokenizer_encode(ids, count, e->tokenizer, text, length, e->info.max_tokens, err);
    if (status) return status;
    *blank = *count <= e->tokenizer->marks;
    while (e->pad >= 0 && *count < e->info.max_tokens) ids[(*count)++] = e->pad;
    return PS__OK;
}

int ps__encoder_tokens(int32_t *ids, int *count, ps__encoder *e, const char *text, size_t length, ps__error *err) {
    int blank;
    return read_tokens(ids, count, &blank, e, text, length, err);
}

int ps__encoder_check(const ps__encoder *e, ps__error *err) { return ps__package_check(e->package, err); }

int ps__session_new(ps__session **out, ps__encoder *encoder, ps__error *err) {
    ps__session *s = *out = ps__calloc(1, sizeof *s);
    if (!s) return ps__fail_nomem(err);
    s->encoder = encoder;
    return PS__OK;
}

void ps__session_free(ps__session *s) {
    if (!s) return;
    ps__workspace_free(s->spaces[0]);
    ps__workspace_free(s->spaces[1]);
    ps__free(s->ids);
    ps__free(s);
}

/* The tower is there and the session has its buffers. */
static int prepare(ps__session *s, int is_text, ps__error *err) {
    if (s->spaces[is_text]) return PS__OK;
    int status = ready(s->encoder, is_text, err);
    return status ? status : ps__workspace_new(&s->spaces[is_text], s->encoder->towers[is_text].plan, err);
}

int ps__is_direction(const float *embedding, size_t dim) {
    double norm = 0;
    for (size_t i = 0; i < dim; i++) norm += (double)embedding[i] * (double)embedding[i];
    return norm > 0.9 && norm < 1.1;
}

static int check_embedding(const float *embedding, const ps__encoder *e, ps__error *err) {
    if (ps__is_direction(embedding, (size_t)e->info.dim)) return PS__OK;
    return ps__fail(err, PS__MODEL, "%s: the model gave an embedding that is not a direction", e->info.path);
}

int ps__encode_image(float *embedding, ps__session *s, const uint8_t *rgb, ps__error *err) {
    int status = prepare(s, 0, err);
    if (status) return status;
    ps__plan_run(embedding, s->encoder->towers[0].plan, s->spaces[0], rgb, 1, NULL, NULL);
    return check_embedding(embedding, s->encoder, err);
}

int ps__encode_text(float *embedding, ps__session *s, const char *text, size_t length, ps__error *err) {
    ps__encoder *e = s->encoder;
    int count = 0, blank = 0, status = prepare(s, 1, err);
    if (status) return status;
    if (!s->ids && !(s->ids = ps__array((size_t)e->info.max_tokens, sizeof *s->ids))) return ps__fail_nomem(err);
    status = read_tokens(s->ids, &count, &blank, e, text, length, err);
    if (status) return status;
    if (blank) return ps__fail(err, PS__INVALID, "the query is empty");
    ps__plan_run(embedding, e->towers[1].plan, s->spaces[1], s->ids, count, NULL, NULL);
    return check_embedding(embedding, e, err);
}
