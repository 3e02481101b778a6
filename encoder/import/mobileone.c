/*
** Finding the modules of MobileCLIP's towers; see mobileone.h.
*/
#include "encoder/import/mobileone.h"

#include <stdio.h>
#include <string.h>

#define NAME 160
#define MAX_INT 65536 /* channels; more is no model of this kind */

void ps__module_name(char *out, size_t size, const char *prefix, const char *rest) {
    if (snprintf(out, size, "%s%s", prefix, rest) >= (int)size) out[0] = 0;
}

/* The next branch; NULL, with *status set, when there are too many. */
static ps__fold_branch *new_branch(ps__fold *f, ps__mapper *m, double sign, int *status) {
    *status = f->count < PS__FOLD_BRANCHES
                  ? PS__OK
                  : ps__import_refuse(m->import, m->err, "a convolution has more than %d branches", PS__FOLD_BRANCHES);
    if (*status) return NULL;
    f->branches[f->count] = (ps__fold_branch){.sign = sign};
    return &f->branches[f->count++];
}

static int take_norm(ps__fold_branch *b, ps__mapper *m, const char *prefix) {
    static const int64_t any[1] = {-1};
    int status = ps__mapper_need(&b->gamma, m, 1, any, "%sweight", prefix);
    if (!status) status = ps__mapper_need(&b->beta, m, 1, any, "%sbias", prefix);
    if (!status) status = ps__mapper_need(&b->mean, m, 1, any, "%srunning_mean", prefix);
    if (!status) status = ps__mapper_need(&b->variance, m, 1, any, "%srunning_var", prefix);
    return status;
}

/* The branch "PREFIXconv", "PREFIXbn" where it is there; *found. */
static int add_conv_norm(int *found, ps__fold *f, ps__mapper *m, const char *prefix, double sign) {
    char bn[NAME];
    int status;
    const ps__weight *kernel = ps__mapper_find(m, "%sconv.weight", prefix);
    *found = kernel != NULL;
    if (!kernel) return PS__OK;
    ps__fold_branch *b = new_branch(f, m, sign, &status);
    if (!b) return status;
    b->kernel = kernel;
    b->bias = ps__mapper_find(m, "%sconv.bias", prefix);
    snprintf(bn, sizeof bn, "%s%s.", prefix, ps__mapper_has(m, "%snorm.", prefix) ? "norm" : "bn");
    return ps__mapper_has(m, "%s", bn) ? take_norm(b, m, bn) : PS__OK;
}

/* The batch norm "PREFIXweight" with nothing before it, where it is there. */
static int add_identity(ps__fold *f, ps__mapper *m, const char *prefix, double sign) {
    int status;
    if (!ps__mapper_has(m, "%s", prefix)) return PS__OK;
    ps__fold_branch *b = new_branch(f, m, sign, &status);
    if (!b || (status = take_norm(b, m, prefix)) != PS__OK) return status;
    if (!f->out) f->out = b->gamma->count; /* of a fold that is identities alone, until a kernel says it */
    return PS__OK;
}

/* The convolution with its bias that a fold of before has left, where it is there. */
static int add_folded(int *found, ps__fold *f, ps__mapper *m, const char *prefix) {
    int status;
    const ps__weight *kernel = ps__mapper_find(m, "%s.weight", prefix);
    *found = kernel != NULL;
    if (!kernel) return PS__OK;
    ps__fold_branch *b = new_branch(f, m, 1, &status);
    if (!b) return status;
    static const int64_t any[1] = {-1};
    b->kernel = kernel;
    return ps__mapper_need(&b->bias, m, 1, any, "%s.bias", prefix);
}

static int add_either_conv(ps__fold *f, ps__mapper *m, const char *prefix, const char *one, const char *other, double sign, int *found) {
    char name[NAME];
    snprintf(name, sizeof name, "%s%s.", prefix, one);
    int status = add_conv_norm(found, f, m, name, sign);
    if (status || *found) return status;
    snprintf(name, sizeof name, "%s%s.", prefix, other);
    return add_conv_norm(found, f, m, name, sign);
}

static int add_either_identity(ps__fold *f, ps__mapper *m, const char *prefix, const char *one, const char *other, double sign) {
    char name[NAME];
    snprintf(name, sizeof name, "%s%s.", prefix, one);
    int status = add_identity(f, m, name, sign);
    if (status) return status;
    snprintf(name, sizeof name, "%s%s.", prefix, other);
    return add_identity(f, m, name, sign);
}

/* All branches of a MobileOne block that is not folded: convolutions of the full size, one of 1 x 1, a batch norm alone. */
static int add_branches(ps__fold *f, ps__mapper *m, const char *prefix, double sign) {
    char one[32], other[32];
    int status = PS__OK, found = 1;
    for (int i = 0; found && !status; i++) {
        snprintf(one, sizeof one, "conv_kxk.%d", i);
        snprintf(other, sizeof other, "rbr_conv.%d", i);
        status = add_either_conv(f, m, prefix, one, other, sign, &found);
    }
    if (!status) status = add_either_conv(f, m, prefix, "conv_scale", "rbr_scale", sign, &found);
    if (!status) status = add_either_identity(f, m, prefix, "identity", "rbr_skip", sign);
    return status;
}

static ps__fold empty(void) { return (ps__fold){.in = 1, .height = 1, .width = 1}; }

/* A fold without a branch is a module that is not there. */
static int finish(ps__fold *f, ps__mapper *m, const char *prefix) {
    if (!f->count) return ps__import_refuse(m->import, m->err, "tensor %sreparam_conv.weight, or the branches it is made of, is missing", prefix);
    return ps__fold_measure(f, m->import, m->err);
}

int ps__take_mobileone(ps__fold *out, ps__mapper *m, const char *prefix) {
    char name[NAME];
    int found;
    *out = empty();
    ps__module_name(name, sizeof name, prefix, "reparam_conv");
    int status = add_folded(&found, out, m, name);
    if (!status && !found) status = add_branches(out, m, prefix, 1);
    return status ? status : finish(out, m, prefix);
}

/* x + layer scale * (mixer(x) - norm(x)) */
int ps__take_repmixer(ps__fold *out, ps__mapper *m, const char *prefix) {
    char name[NAME];
    int found;
    *out = empty();
    ps__module_name(name, sizeof name, prefix, "reparam_conv");
    int status = add_folded(&found, out, m, name);
    if (!status && !found) {
        ps__module_name(name, sizeof name, prefix, "mixer.");
        status = add_branches(out, m, name, 1);
        ps__module_name(name, sizeof name, prefix, "norm.");
        if (!status) status = add_branches(out, m, name, -1);
        ps__module_name(name, sizeof name, prefix, "layer_scale");
        out->scale = ps__take_scale(m, name);
        out->residual = 1;
    }
    return status ? status : finish(out, m, prefix);
}

int ps__take_large_kernel(ps__fold *out, ps__mapper *m, const char *prefix) {
    char name[NAME];
    int found;
    *out = empty();
    ps__module_name(name, sizeof name, prefix, "reparam_conv");
    int status = add_folded(&found, out, m, name);
    ps__module_name(name, sizeof name, prefix, "lkb_reparam");
    if (!status && !found) status = add_folded(&found, out, m, name);
    if (!status && !found) {
        status = add_either_conv(out, m, prefix, "large_conv", "lkb_origin", 1, &found);
        ps__module_name(name, sizeof name, prefix, "small_conv.");
        if (!status) status = add_conv_norm(&found, out, m, name, 1);
    }
    return status ? status : finish(out, m, prefix);
}

int ps__take_conv_norm(ps__fold *out, ps__mapper *m, const char *prefix) {
    int found;
    *out = empty();
    int status = add_conv_norm(&found, out, m, prefix, 1);
    if (!status && !found) status = ps__import_refuse(m->import, m->err, "tensor %sconv.weight is missing", prefix);
    return status ? status : finish(out, m, prefix);
}

int ps__take_norm(ps__fold *out, ps__mapper *m, const char *prefix, int64_t channels) {
    *out = empty();
    out->out = channels;
    int status = add_identity(out, m, prefix, 1);
    if (!status && !out->count) status = ps__import_refuse(m->import, m->err, "tensor %sweight is missing", prefix);
    return status ? status : finish(out, m, prefix);
}

int ps__take_linear(ps__fold *out, ps__mapper *m, const char *prefix, const ps__weight *scale) {
    int status;
    *out = empty();
    ps__fold_branch *b = new_branch(out, m, 1, &status);
    if (!b) return status;
    if (!(b->kernel = ps__mapper_find(m, "%sweight", prefix)))
        return ps__import_refuse(m->import, m->err, "tensor %sweight is missing", prefix);
    b->bias = ps__mapper_find(m, "%sbias", prefix);
    out->scale = scale;
    return finish(out, m, prefix);
}

const ps__weight *ps__take_scale(ps__mapper *m, const char *prefix) {
    const ps__weight *timm = ps__mapper_find(m, "%s.gamma", prefix);
    return timm ? timm : ps__mapper_find(m, "%s", prefix);
}

/* A layer under one of two names, as TO. */
static int map_layer(int64_t *out_features, ps__mapper *m, const char *prefix, const char *one, const char *other, int64_t in,
                     const char *to) {
    char name[NAME];
    ps__fold f;
    snprintf(name, sizeof name, "%s%s.", prefix, ps__mapper_has(m, "%s%s.", prefix, one) ? one : other);
    int status = ps__take_linear(&f, m, name, NULL);
    if (!status && (f.in != in || f.height != 1 || f.width != 1 || f.out > MAX_INT))
        status = ps__import_refuse(m->import, m->err, "tensor %sweight is no layer over %lld channels", name, (long long)in);
    if (!status) status = ps__fold_layer(m->import, to, &f, m->err);
    *out_features = f.out;
    return status;
}

int ps__map_squeeze(int *squeeze, ps__mapper *m, const char *prefix, const char *to, int64_t channels) {
    char name[NAME], layer[NAME];
    int64_t hidden = 0, out = 0;
    *squeeze = 0;
    ps__module_name(name, sizeof name, prefix, "se.");
    if (!ps__mapper_has(m, "%s", name)) return PS__OK;
    ps__module_name(layer, sizeof layer, to, ".squeeze");
    int status = map_layer(&hidden, m, name, "fc1", "reduce", channels, layer);
    ps__module_name(layer, sizeof layer, to, ".excite");
    if (!status) status = map_layer(&out, m, name, "fc2", "expand", hidden, layer);
    if (!status && out != channels)
        status = ps__import_refuse(m->import, m->err, "tensors %s* make %lld channels of %lld", name, (long long)out, (long long)channels);
    *squeeze = (int)hidden;
    return status;
}

int ps__map_conv_ffn(int *kernel, int *ffn, ps__mapper *m, const char *prefix, const char *to, int64_t channels,
                     const ps__weight *scale) {
    char own[NAME], name[NAME], layer[NAME];
    int64_t hidden = 0;
    ps__fold f;
    snprintf(own, sizeof own, "%s%s.", prefix, ps__mapper_has(m, "%smlp.", prefix) ? "mlp" : "convffn");
    ps__module_name(name, sizeof name, own, "conv.");
    ps__module_name(layer, sizeof layer, to, ".ffn");
    int status = ps__take_conv_norm(&f, m, name);
    if (!status && (f.out != channels || f.width % 2 == 0 || (f.height != 1 && f.height != f.width)))
        status = ps__import_refuse(m->import, m->err, "tensor %sconv.weight is no odd filter over %lld channels", name, (long long)channels);
    if (!status) status = ps__fold_depthwise(m->import, layer, &f, m->err);
    *kernel = (int)f.width; /* at most 32, as ps__fold_depthwise has checked */
    ps__module_name(layer, sizeof layer, to, ".fc1");
    if (!status) status = map_layer(&hidden, m, own, "fc1", "fc1", channels, layer);
    *ffn = (int)hidden;
    ps__module_name(name, sizeof name, own, "fc2.");
    ps__module_name(layer, sizeof layer, to, ".fc2");
    if (!status) status = ps__take_linear(&f, m, name, scale);
    if (!status && (f.in != hidden || f.out != channels || f.height != 1))
        status = ps__import_refuse(m->import, m->err, "tensor %sweight does not lead from %lld to %lld channels", name,
                                   (long long)hidden, (long long)channels);
    return status ? status : ps__fold_layer(m->import, layer, &f, m->err);
}
