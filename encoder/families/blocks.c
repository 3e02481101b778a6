/*
** Transformer blocks; see blocks.h.
*/
#include "encoder/families/blocks.h"

#include <stdio.h>
#include <string.h>

int ps__config_choice(int *out, const ps__package *package, const json_t *config, const char *key, const char *field,
                      const char *const *names, int count, ps__error *err) {
    const char *value = json_string_value(json_object_get(config, field));
    for (int i = 0; value && i < count; i++)
        if (strcmp(names[i], value) == 0) {
            *out = i;
            return PS__OK;
        }
    return ps__fail(err, PS__MODEL, "%s: %s: %s \"%.40s\" is not known", ps__package_path(package), key, field,
                    value ? value : "");
}

int ps__config_flag(int *out, const ps__package *package, const json_t *config, const char *key, const char *field,
                    ps__error *err) {
    const json_t *value = json_object_get(config, field);
    if (!json_is_boolean(value))
        return ps__fail(err, PS__MODEL, "%s: %s: \"%s\" is neither true nor false", ps__package_path(package), key, field);
    *out = json_is_true(value);
    return PS__OK;
}

int ps__stack_read(ps__stack *s, const json_t *config, const char *key) {
    static const char *const activations[] = {
        [PS__GELU] = "gelu", [PS__GELU_TANH] = "gelu-tanh", [PS__QUICK_GELU] = "quick-gelu"};
    int status = ps__config_int(&s->layers, s->package, config, key, "layers", 1, 64, s->err);
    if (!status) status = ps__config_int(&s->width, s->package, config, key, "width", 16, 2048, s->err);
    if (!status) status = ps__config_int(&s->heads, s->package, config, key, "heads", 1, 64, s->err);
    if (!status) status = ps__config_int(&s->ffn, s->package, config, key, "ffn", 1, 16384, s->err);
    if (!status) status = ps__config_choice(&s->activation, s->package, config, key, "activation", activations, 3, s->err);
    if (status) return status;
    const json_t *number = json_object_get(config, "eps");
    double eps = json_number_value(number);
    if (s->width % 16 || s->width % s->heads)
        return ps__fail(s->err, PS__MODEL, "%s: %s: width %d is not a multiple of 16 and of the %d heads",
                        ps__package_path(s->package), key, s->width, s->heads);
    if (!json_is_number(number) || !(eps >= 0 && eps <= 1))
        return ps__fail(s->err, PS__MODEL, "%s: %s: \"eps\" is not a number from 0 to 1", ps__package_path(s->package), key);
    s->eps = (float)eps;
    return PS__OK;
}

int ps__stack_linear(int *out, const ps__stack *s, const char *name, int in, int in_features, int out_features) {
    const int64_t shape[2] = {out_features, in_features};
    ps__layer layer;
    int status = ps__family_layer(&layer, s->package, name, 2, shape, 0, s->err);
    if (!status) *out = ps__plan_linear(s->plan, name, in, in_features, 1, &layer, &out_features);
    return status;
}

int ps__stack_parts(int *out, const ps__stack *s, const char *prefix, const char *const *names, int parts, int in,
                    int in_features, int out_features) {
    const int64_t shape[2] = {out_features, in_features};
    ps__layer layers[3];
    int sizes[3], status = PS__OK;
    char name[48];
    for (int p = 0; p < parts && !status; p++) {
        snprintf(name, sizeof name, "%s%s", prefix, names[p]);
        sizes[p] = out_features;
        status = ps__family_layer(&layers[p], s->package, name, 2, shape, 0, s->err);
    }
    if (!status) *out = ps__plan_linear(s->plan, name, in, in_features, parts, layers, sizes);
    return status;
}

int ps__stack_norm(int *out, const ps__stack *s, const char *name, int in) {
    const ps__tensor *weight, *bias;
    const int64_t shape[1] = {s->width};
    int status = ps__package_need(&weight, s->package, PS__F32, 1, shape, s->err, "%s.weight", name);
    if (!status) status = ps__package_need(&bias, s->package, PS__F32, 1, shape, s->err, "%s.bias", name);
    if (status) return status;
    if (out)
        *out = ps__plan_norm_of(s->plan, name, in, weight->data, bias->data, s->eps, s->width);
    else
        ps__plan_norm(s->plan, name, in, PS__NO_BUFFER, weight->data, bias->data, s->eps, s->width);
    return PS__OK;
}

int ps__stack_perceptron(int *out, const ps__stack *s, const char *prefix, int in) {
    char name[48];
    int hidden = 0;
    snprintf(name, sizeof name, "%sfc1", prefix);
    int status = ps__stack_linear(&hidden, s, name, in, s->width, s->ffn);
    if (status) return status;
    snprintf(name, sizeof name, "%sgelu", prefix);
    ps__plan_activate(s->plan, name, hidden, s->activation, s->ffn);
    snprintf(name, sizeof name, "%sfc2", prefix);
    return ps__stack_linear(out, s, name, hidden, s->ffn, s->width);
}

/* x += output(attention(norm1(x))) */
static int add_attention(const ps__stack *s, int x, const char *prefix) {
    static const char *const names[] = {"query", "key", "value"};
    char name[48];
    int normed = 0, qkv = 0, mixed = 0;
    snprintf(name, sizeof name, "%snorm1", prefix);
    int status = ps__stack_norm(&normed, s, name, x);
    if (!status) status = ps__stack_parts(&qkv, s, prefix, names, 3, normed, s->width, s->width);
    if (status) return status;
    snprintf(name, sizeof name, "%sattention", prefix);
    int attended = ps__plan_attention(s->plan, name, qkv, s->width, s->heads, s->causal);
    snprintf(name, sizeof name, "%soutput", prefix);
    if ((status = ps__stack_linear(&mixed, s, name, attended, s->width, s->width)) != PS__OK) return status;
    snprintf(name, sizeof name, "%smixed", prefix);
    ps__plan_add(s->plan, name, x, mixed, s->width);
    return PS__OK;
}

/* x += fc2(activation(fc1(norm2(x)))) */
static int add_perceptron(const ps__stack *s, int x, const char *prefix) {
    char name[48];
    int normed = 0, back = 0;
    snprintf(name, sizeof name, "%snorm2", prefix);
    int status = ps__stack_norm(&normed, s, name, x);
    if (!status) status = ps__stack_perceptron(&back, s, prefix, normed);
    if (status) return status;
    snprintf(name, sizeof name, "%.*s", (int)strlen(prefix) - 1, prefix);
    ps__plan_add(s->plan, name, x, back, s->width);
    return PS__OK;
}

int ps__stack_block(const ps__stack *s, int x, int index) {
    char prefix[32];
    snprintf(prefix, sizeof prefix, "%s.%d.", s->side, index);
    int status = add_attention(s, x, prefix);
    if (!status) status = add_perceptron(s, x, prefix);
    ps__package_release(s->package); /* its weights are packed now */
    return status;
}
