/*
** Models: the main package and its companions.
*/
#include <stddef.h>
#include <string.h>

#include "api/handles.h"
#include "api/last_error.h"
#include "api/lookup.h"
#include "base/alloc.h"
#include "base/os.h"
#include "encoder/package/package.h"
#include "encoder/pixels/pixels.h"
#include "search/query.h"

int ps__model_open(ps_model **out, const char *path, const ps_model_options *options, const ps__log *log, ps__error *err) {
    char *found = NULL;
    ps__encoder_options inner = {PS__PRECISION_INT8, NULL};
    int status = path ? PS__OK : ps__default_model(&found, err);
    *out = NULL;
    if (options) inner = (ps__encoder_options){options->precision, options->isa};
    ps_model *model = status == PS__OK ? ps__calloc(1, sizeof *model) : NULL;
    if (status == PS__OK && !model) status = ps__fail_nomem(err);
    if (status == PS__OK) status = ps__towers_open(&model->towers, path ? path : found, &inner, log, err);
    ps__free(found);
    if (status == PS__OK)
        *out = model;
    else
        ps__free(model);
    return status;
}

int ps_model_open(ps_model **out, const char *path, const ps_model_options *options) {
    ps__error err = {0};
    if (!out) return ps__refuse(NULL, PS_INVALID, "ps_model_open was given no place for the model");
    *out = NULL;
    if (options && options->version != PS_MODEL_OPTIONS_VERSION)
        return ps__refuse(NULL, PS_INVALID, "ps_model_options has an unknown version");
    return ps__remember(NULL, ps__model_open(out, path, options, NULL, &err), &err);
}

void ps_model_free(ps_model *model) {
    if (!model) return;
    ps__towers_free(model->towers);
    ps__free(model);
}

ps__encoder *ps__model_encoder(const ps_model *model) { return ps__tower_encoder(ps__towers_main(model->towers)); }

const ps__encoder_info *ps__model_info(const ps_model *model) { return ps__encoder_about(ps__model_encoder(model)); }

int ps__model_text(float *embedding, ps__tower **tower, ps_model *model, const char *lang, const char *text, size_t length,
                   ps__error *err) {
    ps__session *session;
    int status = ps__towers_choose(tower, model->towers, lang, text, length, err);
    if (status != PS__OK) return status;
    status = ps__tower_take_session(&session, *tower, err);
    if (status == PS__OK) status = ps__encode_text(embedding, session, text, length, err);
    ps__tower_put_session(*tower, session);
    return status;
}

int ps__model_image(float *embedding, ps_model *model, const uint8_t *bytes, size_t size, const char *path, ps__error *err) {
    const ps__pixels_options options = ps__encoder_pixels(ps__model_info(model));
    ps__pixels pixels;
    ps__session *session;
    if (options.width == 0) return ps__fail(err, PS__MODEL, "the model %s has no image tower", ps__model_info(model)->id);
    int status = ps__pixels_decode(&pixels, bytes, size, path, &options, err);
    if (status != PS__OK) return status;
    ps__tower *tower = ps__towers_main(model->towers);
    status = ps__tower_take_session(&session, tower, err);
    if (status == PS__OK) status = ps__encode_image(embedding, session, pixels.rgb, err);
    ps__tower_put_session(tower, session);
    ps__pixels_clear(&pixels);
    return status;
}

int ps_model_about(ps_model_info *out, const ps_model *model) {
    if (!out || !model || out->version < 1 || out->version > PS_MODEL_INFO_VERSION)
        return ps__refuse(NULL, PS_INVALID, "ps_model_about was given no model or no place");
    const ps__encoder_info *info = ps__model_info(model);
    const char *languages = ps__tower_languages(ps__towers_main(model->towers));
    const ps_model_info about = {
        .version = out->version,
        .id = info->id,
        .name = info->name,
        .model_version = info->version,
        .space = info->space,
        .licence = info->licence,
        .source = info->source,
        .path = info->path,
        .image_family = info->image_family,
        .text_family = info->text_family,
        .isa = info->isa,
        .dim = info->dim,
        .image_size = info->image_size,
        .max_tokens = info->max_tokens,
        .bytes = info->bytes,
        .languages = languages[0] ? languages : NULL,
        .licence_text = ps__package_meta(ps__encoder_package(ps__model_encoder(model)), "licence.text"),
    };
    static const size_t sizes[] = {[1] = offsetof(ps_model_info, languages), [2] = offsetof(ps_model_info, licence_text), [3] = sizeof about};
    memcpy(out, &about, sizes[about.version]);
    return ps__refuse(NULL, PS_OK, "");
}

size_t ps_model_companion_count(const ps_model *model) { return model ? ps__towers_companions(model->towers) : 0; }

int ps_model_companion(ps_companion *out, ps_model *model, size_t i) {
    ps__error err = {0};
    ps__tower *tower;
    const char *refused;
    if (!out || !model || out->version != PS_COMPANION_VERSION)
        return ps__refuse(NULL, PS_INVALID, "ps_model_companion was given no model or no place");
    if (i >= ps_model_companion_count(model)) return ps__refuse(NULL, PS_NOTFOUND, "there are fewer companions");
    int status = ps__towers_companion(&tower, &refused, model->towers, i, &err);
    if (status != PS__OK) return ps__remember(NULL, status, &err);
    *out =
        (ps_companion){.version = PS_COMPANION_VERSION, .path = ps__towers_companion_path(model->towers, i), .refused = refused};
    if (tower) {
        const ps__encoder_info *info = ps__encoder_about(ps__tower_encoder(tower));
        out->id = info->id;
        out->name = info->name;
        out->space = info->space;
        out->languages = ps__tower_languages(tower);
        out->bytes = info->bytes;
    }
    return ps__refuse(NULL, PS_OK, "");
}

int ps_model_embed_text(float *embedding, ps_model *model, const char *text, size_t length) {
    return ps_model_embed_text_in(embedding, model, NULL, text, length);
}

int ps_model_embed_text_in(float *embedding, ps_model *model, const char *lang, const char *text, size_t length) {
    ps__error err = {0};
    ps__query query;
    ps__tower *tower;
    if (!embedding || !model || !text)
        return ps__refuse(NULL, PS_INVALID, "a text was to be embedded without a model, a text or a place");
    int status = ps__query_parse(&query, text, length, NULL, &err);
    if (status == PS__OK) {
        status = ps__model_text(embedding, &tower, model, lang, query.text, strlen(query.text), &err);
        ps__query_clear(&query);
    }
    return ps__remember(NULL, status, &err);
}

int ps_model_embed_image(float *embedding, ps_model *model, const char *path) {
    ps__error err = {0};
    uint8_t *bytes;
    size_t size;
    if (!embedding || !model || !path)
        return ps__refuse(NULL, PS_INVALID, "ps_model_embed_image was given no model, no path or no place");
    int status = ps__read_file(&bytes, &size, NULL, path, PS__MAX_FILE_BYTES, &err);
    if (status == PS__OK) {
        status = ps__model_image(embedding, model, bytes, size, path, &err);
        ps__free(bytes);
    }
    return ps__remember(NULL, status, &err);
}
