/*
** Does a model give the right numbers on this machine? The INT8 towers against the same weights in float32.
*/
#include <string.h>

#include "api/handles.h"
#include "api/last_error.h"
#include "base/alloc.h"

#define LEAST_AGREEMENT 0.9

static double dot(const float *a, const float *b, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++) sum += (double)a[i] * (double)b[i];
    return sum;
}

/* A picture with edges, gradients and colours: nothing in particular, but not flat. rgb: u8 [side][side][3] */
static void draw(uint8_t *rgb, int side) {
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++, rgb += 3) {
            int cell = ((x * 8 / side) ^ (y * 8 / side)) & 7;
            rgb[0] = (uint8_t)(x * 255 / side);
            rgb[1] = (uint8_t)(cell * 36);
            rgb[2] = (uint8_t)(255 - y * 255 / side);
        }
}

/* Both towers of one encoder on one input each: two rows float [dim]; a tower that is not there leaves its row alone. */
static int run_towers(float *out, ps_model *model, const uint8_t *rgb, ps__error *err) {
    static const char text[] = "two dogs run through deep snow";
    const ps__encoder_info *info = ps__encoder_about(model->encoder);
    ps__session *session;
    int status = ps__model_take_session(&session, model, err);
    if (status == PS__OK && info->image_size) status = ps__encode_image(out, session, rgb, err);
    if (status == PS__OK && info->max_tokens) status = ps__encode_text(out + info->dim, session, text, sizeof text - 1, err);
    ps__model_put_session(model, session);
    return status;
}

static int compare(double *cosine, ps_model *model, ps_model *precise, float *rows, uint8_t *rgb, ps__error *err) {
    const ps__encoder_info *info = ps__encoder_about(model->encoder);
    size_t dim = (size_t)info->dim;
    draw(rgb, info->image_size);
    int status = run_towers(rows, model, rgb, err);
    if (status == PS__OK) status = run_towers(rows + 2 * dim, precise, rgb, err);
    if (status != PS__OK) return status;
    *cosine = 1.0;
    for (size_t tower = 0; tower < 2; tower++) {
        if (!(tower ? info->max_tokens : info->image_size)) continue;
        double agreement = dot(rows + tower * dim, rows + (tower + 2) * dim, info->dim);
        if (!(agreement >= *cosine)) *cosine = agreement;
    }
    if (*cosine >= LEAST_AGREEMENT) return PS__OK;
    return ps__fail(err, PS__MODEL, "%s: INT8 and float32 disagree: cosine %.3f", info->path, *cosine);
}

int ps_model_verify(double *cosine, ps_model *model) {
    ps__error err = {0};
    ps_model *precise = NULL;
    ps_model_options options = PS_MODEL_OPTIONS_INIT;
    if (!cosine || !model) return ps__refuse(NULL, PS_INVALID, "ps_model_verify was given no model or no place");
    *cosine = 0.0;
    const ps__encoder_info *info = ps__encoder_about(model->encoder);
    options.precision = PS_PRECISION_FLOAT;
    float *rows = ps__array(4 * (size_t)info->dim, sizeof *rows);
    uint8_t *rgb = ps__malloc((size_t)info->image_size * (size_t)info->image_size * 3);
    int status = rows && rgb ? ps__encoder_check(model->encoder, &err) : ps__fail_nomem(&err);
    if (status == PS__OK) status = ps__model_open(&precise, info->path, &options, &err);
    if (status == PS__OK) status = compare(cosine, model, precise, rows, rgb, &err);
    ps_model_free(precise);
    ps__free(rows);
    ps__free(rgb);
    return ps__remember(NULL, status, &err);
}
