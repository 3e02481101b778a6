/*
** The list of families, and what they share.
*/
#include "encoder/families/families.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "encoder/pixels/pixels.h"

static const ps__family *const all[] = {&ps__family_efficientnet_lite, &ps__family_vit,         &ps__family_fastvit,
                                        &ps__family_bert,              &ps__family_transformer, &ps__family_mct};

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

static int is_kept_float(const ps__package *package, const char *prefix) {
    char name[128];
    snprintf(name, sizeof name, "%s.weight", prefix);
    const ps__tensor *weight = ps__package_find(package, name);
    return weight && weight->type == PS__F32;
}

int ps__family_fine(const int8_t **fine, const ps__package *package, const char *prefix, const int64_t *shape, ps__error *err) {
    const ps__tensor *tensor;
    char name[128];
    *fine = NULL;
    snprintf(name, sizeof name, "%s.fine", prefix);
    if (!ps__package_find(package, name)) return PS__OK;
    int status = ps__package_need(&tensor, package, PS__I8, 2, shape, err, "%s", name);
    if (!status) *fine = tensor->data;
    return status;
}

int ps__family_layer(ps__layer *layer, const ps__package *package, const char *prefix, int rank, const int64_t *shape,
                     int output_axis, ps__error *err) {
    const ps__tensor *weight, *scale, *bias;
    const int64_t *outputs = &shape[output_axis];
    int is_float = rank == 2 && is_kept_float(package, prefix);
    int status = ps__package_need(&weight, package, is_float ? PS__F32 : PS__I8, rank, shape, err, "%s.weight", prefix);
    if (!status) status = ps__package_need(&bias, package, PS__F32, 1, outputs, err, "%s.bias", prefix);
    if (!status && is_float) {
        *layer = (ps__layer){.floats = weight->data, .bias = bias->data, .out_scale = 1};
        return PS__OK;
    }
    if (!status) status = ps__package_need(&scale, package, PS__F32, 1, outputs, err, "%s.scale", prefix);
    if (!status) status = check_scales(package, scale, err);
    if (status) return status;
    *layer = (ps__layer){.weights = weight->data, .scale = scale->data, .bias = bias->data, .out_scale = 1};
    return rank == 2 ? ps__family_fine(&layer->fine, package, prefix, shape, err) : PS__OK;
}

/* Which of the names a field of image.config holds; -1: none of them. */
static int choice(const json_t *config, const char *field, const char *const *names, int count) {
    const char *value = json_string_value(json_object_get(config, field));
    for (int i = 0; value && i < count; i++)
        if (names[i] && strcmp(names[i], value) == 0) return i;
    return -1;
}

/* Three numbers, of which none is below least. */
static int three(float *out, const json_t *list, double least) {
    if (json_array_size(list) != 3) return -1;
    for (size_t i = 0; i < 3; i++) {
        const json_t *value = json_array_get(list, i);
        double n = json_number_value(value);
        if (!json_is_number(value) || !(n >= least && n <= 1000)) return -1;
        out[i] = (float)n;
    }
    return 0;
}

int ps__family_framing(ps__framing *out, const ps__package *package, const json_t *config, ps__error *err) {
    static const char *const fits[] = {[PS__FIT_SQUASH] = "squash", [PS__FIT_CROP] = "crop", [PS__FIT_CROP_FLOOR] = "crop-floor"};
    static const char *const filters[] = {[PS__FILTER_BICUBIC] = "bicubic", [PS__FILTER_BILINEAR] = "bilinear"};
    static const char key[] = "image.config";
    *out = (ps__framing){0};
    int status = ps__config_int(&out->size, package, config, key, "size", 16, 1024, err);
    if (status) return status;
    out->fit = choice(config, "fit", fits, 4);
    out->filter = choice(config, "filter", filters, 2);
    if (out->fit == PS__FIT_CROP || out->fit == PS__FIT_CROP_FLOOR)
        status = ps__config_int(&out->shorter, package, config, key, "shorter", 1, 4096, err);
    if (!status && (out->fit < 0 || out->filter < 0))
        status = ps__fail(err, PS__MODEL, "%s: image.config: \"fit\" or \"filter\" is missing or not known",
                          ps__package_path(package));
    if (!status && (three(out->mean, json_object_get(config, "mean"), -1000) || three(out->std, json_object_get(config, "std"), 1e-6)))
        status = ps__fail(err, PS__MODEL, "%s: image.config: \"mean\" or \"std\" is not three numbers, of which those of std are positive",
                          ps__package_path(package));
    return status;
}
