/*
** The list of families, and what they share.
*/
#include "encoder/families/families.h"

#include <stdlib.h>
#include <string.h>

static const ps__family *const all[] = {&ps__family_efficientnet_lite, &ps__family_bert};

const ps__family *ps__family_find(const char *name, int is_text) {
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i]->is_text == is_text && strcmp(all[i]->name, name) == 0) return all[i];
    return NULL;
}

int ps__family_dim(int *dim, const ps__package *package, ps__error *err) {
    const char *text = ps__package_meta(package, "dim");
    char *end = NULL;
    long n = text ? strtol(text, &end, 10) : 0;
    if (!text || end == text || *end || n < 32 || n > 4096 || n % 32)
        return ps__fail(err, PS__MODEL, "%s: dim is \"%.40s\", not a multiple of 32 from 32 to 4096", ps__package_path(package),
                        text ? text : "");
    *dim = (int)n;
    return PS__OK;
}

/* A scale of 0 is a dead channel and fine; a negative one is no scale. */
static int check_scales(const ps__package *package, const ps__tensor *scale, ps__error *err) {
    const float *s = scale->data;
    for (int64_t i = 0; i < scale->count; i++)
        if (s[i] < 0)
            return ps__fail(err, PS__MODEL, "%s: tensor %s holds a negative scale", ps__package_path(package), scale->name);
    return PS__OK;
}

int ps__family_layer(ps__layer *layer, const ps__package *package, const char *prefix, int rank, const int64_t *shape,
                     int output_axis, ps__error *err) {
    const ps__tensor *weight, *scale, *bias;
    const int64_t *outputs = &shape[output_axis];
    int status = ps__package_need(&weight, package, PS__I8, rank, shape, err, "%s.weight", prefix);
    if (!status) status = ps__package_need(&scale, package, PS__F32, 1, outputs, err, "%s.scale", prefix);
    if (!status) status = check_scales(package, scale, err);
    if (!status) status = ps__package_need(&bias, package, PS__F32, 1, outputs, err, "%s.bias", prefix);
    if (status) return status;
    *layer = (ps__layer){.weights = weight->data, .scale = scale->data, .bias = bias->data, .out_scale = 1};
    return PS__OK;
}
