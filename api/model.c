/*
** Models: an encoder with a pool of sessions.
*/
#include <string.h>

#include "api/handles.h"
#include "api/last_error.h"
#include "api/lookup.h"
#include "base/alloc.h"
#include "base/os.h"
#include "encoder/pixels/pixels.h"
#include "search/query.h"

int ps__model_open(ps_model **out, const char *path, const ps_model_options *options, ps__error *err) {
    char *found = NULL;
    ps__encoder_options inner = {PS__PRECISION_INT8, NULL};
    int status = path ? PS__OK : ps__default_model(&found, err);
    *out = NULL;
    if (options) inner = (ps__encoder_options){options->precision, options->isa};
    ps_model *model = status == PS__OK ? ps__calloc(1, sizeof *model) : NULL;
    if (status == PS__OK && !model) status = ps__fail_nomem(err);
    if (status == PS__OK) status = ps__encoder_open(&model->encoder, path ? path : found, &inner, err);
    ps__free(found);
    if (status != PS__OK) {
        ps__free(model);
        return status;
    }
    pthread_mutex_init(&model->lock, NULL);
    *out = model;
    return PS__OK;
}

int ps_model_open(ps_model **out, const char *path, const ps_model_options *options) {
    ps__error err = {0};
    if (!out) return ps__refuse(NULL, PS_INVALID, "ps_model_open was given no place for the model");
    *out = NULL;
    if (options && options->version != PS_MODEL_OPTIONS_VERSION)
        return ps__refuse(NULL, PS_INVALID, "ps_model_options has an unknown version");
    return ps__remember(NULL, ps__model_open(out, path, options, &err), &err);
}

void ps_model_free(ps_model *model) {
    if (!model) return;
    for (size_t i = 0; i < model->idle_count; i++) ps__session_free(model->idle[i]);
    ps__encoder_free(model->encoder);
    pthread_mutex_destroy(&model->lock);
    ps__free(model);
}

int ps__model_take_session(ps__session **out, ps_model *model, ps__error *err) {
    *out = NULL;
    pthread_mutex_lock(&model->lock);
    if (model->idle_count) *out = model->idle[--model->idle_count];
    pthread_mutex_unlock(&model->lock);
    return *out ? PS__OK : ps__session_new(out, model->encoder, err);
}

void ps__model_put_session(ps_model *model, ps__session *session) {
    if (!session) return;
    pthread_mutex_lock(&model->lock);
    if (model->idle_count < PS__POOL_MOST) {
        model->idle[model->idle_count++] = session;
        session = NULL;
    }
    pthread_mutex_unlock(&model->lock);
    ps__session_free(session);
}

int ps__model_text(float *embedding, ps_model *model, const char *text, size_t length, ps__error *err) {
    ps__session *session;
    int status = ps__model_take_session(&session, model, err);
    if (status == PS__OK) status = ps__encode_text(embedding, session, text, length, err);
    ps__model_put_session(model, session);
    return status;
}

int ps__model_image(float *embedding, ps_model *model, const uint8_t *bytes, size_t size, const char *path, ps__error *err) {
    int side = ps__encoder_about(model->encoder)->image_size;
    ps__pixels_options options = {.width = side, .height = side, .fit = PS__FIT_SQUASH};
    ps__pixels pixels;
    ps__session *session;
    if (side == 0) return ps__fail(err, PS__MODEL, "the model %s has no image tower", ps__encoder_about(model->encoder)->id);
    int status = ps__pixels_decode(&pixels, bytes, size, path, &options, err);
    if (status != PS__OK) return status;
    status = ps__model_take_session(&session, model, err);
    if (status == PS__OK) status = ps__encode_image(embedding, session, pixels.rgb, err);
    ps__model_put_session(model, session);
    ps__pixels_clear(&pixels);
    return status;
}

int ps_model_about(ps_model_info *out, const ps_model *model) {
    if (!out || !model || out->version != PS_MODEL_INFO_VERSION)
        return ps__refuse(NULL, PS_INVALID, "ps_model_about was given no model or no place");
    const ps__encoder_info *info = ps__encoder_about(model->encoder);
    *out = (ps_model_info){
        .version = PS_MODEL_INFO_VERSION,
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
    };
    return ps__refuse(NULL, PS_OK, "");
}

int ps_model_embed_text(float *embedding, ps_model *model, const char *text, size_t length) {
    ps__error err = {0};
    ps__query query;
    if (!embedding || !model || !text)
        return ps__refuse(NULL, PS_INVALID, "ps_model_embed_text was given no model, no text or no place");
    int status = ps__query_parse(&query, text, length, PS__QUERY_LITERAL, &err);
    if (status == PS__OK) {
        status = ps__model_text(embedding, model, query.text, strlen(query.text), &err);
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
