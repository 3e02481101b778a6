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
static int run_towers(float *out, ps__encoder *encoder, const uint8_t *rgb, ps__error *err) {
    static const char text[] = "two dogs run through deep snow";
    const ps__encoder_info *info = ps__encoder_about(encoder);
    ps__session *session;
    int status = ps__session_new(&session, encoder, err);
    if (status == PS__OK && info->image_size) status = ps__encode_image(out, session, rgb, err);
    if (status == PS__OK && info->max_tokens) status = ps__encode_text(out + info->dim, session, text, sizeof text - 1, err);
    ps__session_free(session);
    return status;
}

/* *cosine becomes the agreement of the two encoders where that is smaller. */
static int compare(double *cosine, ps__encoder *encoder, ps__encoder *precise, float *rows, uint8_t *rgb, ps__error *err) {
    const ps__encoder_info *info = ps__encoder_about(encoder);
    size_t dim = (size_t)info->dim;
    double least = 1.0;
    draw(rgb, info->image_size);
    int status = run_towers(rows, encoder, rgb, err);
    if (status == PS__OK) status = run_towers(rows + 2 * dim, precise, rgb, err);
    if (status != PS__OK) return status;
    for (size_t tower = 0; tower < 2; tower++) {
        if (!(tower ? info->max_tokens : info->image_size)) continue;
        double agreement = dot(rows + tower * dim, rows + (tower + 2) * dim, info->dim);
        if (!(agreement >= least)) least = agreement;
    }
    if (!(least >= *cosine)) *cosine = least;
    if (least >= LEAST_AGREEMENT) return PS__OK;
    return ps__fail(err, PS__MODEL, "%s: INT8 and float32 disagree: cosine %.3f", info->path, least);
}

/* The file may have been replaced since it was opened; ids alone would not tell where a checksum stands for the data. */
static int same_shape(const ps__encoder *encoder, const ps__encoder *precise, ps__error *err) {
    const ps__encoder_info *a = ps__encoder_about(encoder), *b = ps__encoder_about(precise);
    if (strcmp(a->id, b->id) == 0 && a->dim == b->dim && a->image_size == b->image_size && a->max_tokens == b->max_tokens)
        return PS__OK;
    return ps__fail(err, PS__MODEL, "%s: was replaced since it was opened", a->path);
}

/* One package: its bytes, and its towers against their own weights in float32. */
static int verify(double *cosine, ps__encoder *encoder, ps__error *err) {
    const ps__encoder_info *info = ps__encoder_about(encoder);
    const ps__encoder_options options = {PS__PRECISION_FLOAT, NULL};
    ps__background bank;
    ps__encoder *precise = NULL;
    float *rows = ps__array(4 * (size_t)info->dim, sizeof *rows);
    uint8_t *rgb = ps__malloc((size_t)info->image_size * (size_t)info->image_size * 3);
    int status = rows && rgb ? ps__encoder_check(encoder, err) : ps__fail_nomem(err);
    if (status == PS__OK) status = ps__background_read(&bank, ps__encoder_package(encoder), info->dim, err);
    if (status == PS__OK) status = ps__encoder_open(&precise, info->path, &options, err);
    if (status == PS__OK) status = same_shape(encoder, precise, err);
    if (status == PS__OK) status = compare(cosine, encoder, precise, rows, rgb, err);
    ps__encoder_free(precise);
    ps__free(rows);
    ps__free(rgb);
    return status;
}

static int verify_companion(double *cosine, ps_model *model, size_t i, ps__error *err) {
    ps__tower *tower;
    const char *refused;
    int status = ps__towers_companion(&tower, &refused, model->towers, i, err);
    if (status != PS__OK) return status;
    if (!tower && !refused) return PS__OK; /* another model */
    return tower ? verify(cosine, ps__tower_encoder(tower), err) : ps__fail(err, PS__MODEL, "%s", refused);
}

int ps_model_verify(double *cosine, ps_model *model) {
    ps__error err = {0};
    if (!cosine || !model) return ps__refuse(NULL, PS_INVALID, "ps_model_verify was given no model or no place");
    double least = 1.0;
    int status = verify(&least, ps__model_encoder(model), &err);
    for (size_t i = 0; status == PS__OK && i < ps__towers_companions(model->towers); i++)
        status = verify_companion(&least, model, i, &err);
    *cosine = status == PS__OK || least < LEAST_AGREEMENT ? least : 0.0;
    return ps__remember(NULL, status, &err);
}
