/*
** Calibrated scores; see score.h.
*/
#include "encoder/score.h"

#include <math.h>

#include "encoder/package/package.h"

#define NUMBER_MOST 1e6 /* of a calibration's numbers: sums of their products stay finite */
#define BANK_MOST 4096 /* rows: it is gone through for every query */

static int read_number(double *out, const json_t *object, const char *field, double fallback) {
    const json_t *value = json_object_get(object, field);
    *out = json_is_number(value) ? json_number_value(value) : fallback;
    return (!value || json_is_number(value)) && fabs(*out) <= NUMBER_MOST;
}

int ps__calibration_read(ps__calibration *out, const ps__package *package, ps__error *err) {
    json_t *json = NULL;
    if (ps__package_meta(package, "calibration")) {
        int status = ps__package_config(&json, package, "calibration", err);
        if (status) return status;
    }
    int good = read_number(&out->a, json, "a", 20) && read_number(&out->b, json, "b", -6) && read_number(&out->c, json, "c", 0) &&
               read_number(&out->d, json, "d", 0) && read_number(&out->weak, json, "weak", 0.2) &&
               read_number(&out->good, json, "good", 0.5);
    json_decref(json);
    if (!good || out->a <= 0 || out->weak > out->good)
        return ps__fail(err, PS__MODEL, "%s: calibration is not a > 0, b, c, d and weak <= good", ps__package_path(package));
    return PS__OK;
}

int ps__background_read(ps__background *out, const ps__package *package, int dim, ps__error *err) {
    static const char name[] = "image.background";
    const ps__tensor *rows = ps__package_find(package, name), *scale = NULL;
    const int64_t shape[2] = {-1, dim};
    *out = (ps__background){0};
    if (!rows) return PS__OK;
    int is_int8 = rows->type == PS__I8;
    int status = ps__package_need(&rows, package, is_int8 ? PS__I8 : PS__F32, 2, shape, err, "%s", name);
    if (!status && is_int8) status = ps__package_need(&scale, package, PS__F32, 1, rows->shape, err, "%s.scale", name);
    if (status) return status;
    if (rows->shape[0] > BANK_MOST)
        return ps__fail(err, PS__MODEL, "%s: tensor %s has more than %d rows", ps__package_path(package), name, BANK_MOST);
    *out = (ps__background){
        .levels = is_int8 ? rows->data : NULL,
        .scale = scale ? scale->data : NULL,
        .floats = is_int8 ? NULL : rows->data,
        .count = (int)rows->shape[0],
        .dim = dim,
    };
    return PS__OK;
}

/* In double and in this order, so that a score does not depend on the compiler's taste. */
static double row_cosine(const ps__background *bank, int row, const float *query) {
    size_t dim = (size_t)bank->dim, start = (size_t)row * dim;
    double sum = 0;
    if (!bank->levels) {
        for (size_t i = 0; i < dim; i++) sum += (double)bank->floats[start + i] * (double)query[i];
        return sum;
    }
    for (size_t i = 0; i < dim; i++) sum += (double)bank->levels[start + i] * (double)query[i];
    return sum * (double)bank->scale[row];
}

void ps__background_statistics(double *mean, double *deviation, const ps__background *bank, const float *query) {
    double sum = 0, squares = 0;
    for (int row = 0; row < bank->count; row++) {
        double cosine = row_cosine(bank, row, query);
        sum += cosine;
        squares += cosine * cosine;
    }
    double variance;
    *mean = bank->count ? sum / bank->count : 0;
    variance = bank->count ? squares / bank->count - *mean * *mean : 0;
    *deviation = variance > 0 ? sqrt(variance) : 0;
}

void ps__scorer_set(ps__scorer *out, const ps__calibration *k, const ps__background *bank, const float *query) {
    double mean, deviation;
    *out = (ps__scorer){.slope = k->a, .offset = k->b, .weak = k->weak, .good = k->good};
    if (!bank || bank->count == 0 || (k->c == 0 && k->d == 0)) return;
    ps__background_statistics(&mean, &deviation, bank, query);
    out->offset += k->c * mean + k->d * deviation;
}

double ps__scorer_score(const ps__scorer *scorer, float cosine) {
    return 1.0 / (1.0 + exp(-(scorer->slope * (double)cosine + scorer->offset)));
}
