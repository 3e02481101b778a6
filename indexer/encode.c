/*
** The real encoder behind the pipeline's function pointers.
*/
#include "indexer/indexer.h"

#include <string.h>

static int session_new(void **session, void *payload, ps__error *err) {
    ps__session *s = NULL;
    int status = ps__session_new(&s, payload, err);
    *session = s;
    return status;
}

static void session_free(void *session) { ps__session_free(session); }

static int encode(float *embedding, void *session, const uint8_t *rgb, ps__error *err) {
    return ps__encode_image(embedding, session, rgb, err);
}

int ps__indexer_encoder_from(ps__indexer_encoder *out, ps__encoder *encoder, ps__error *err) {
    const ps__encoder_info *info = ps__encoder_about(encoder);
    memset(out, 0, sizeof *out);
    if (info->image_size < 1) return ps__fail(err, PS__MODEL, "%s: has no image tower, so it cannot index photos", info->path);
    *out = (ps__indexer_encoder){.model_id = info->id,
                                 .space = info->space,
                                 .dim = info->dim,
                                 .image_size = info->image_size,
                                 .fit = info->fit,
                                 .filter = info->filter,
                                 .shorter = info->shorter,
                                 .session_new = session_new,
                                 .session_free = session_free,
                                 .encode = encode,
                                 .payload = encoder};
    return PS__OK;
}
