/*
** What the files say of preprocessing: open_clip's preprocess_cfg, or transformers' preprocessor_config.json. What they do not say is
** asked for, never filled in.
*/
#include <math.h>
#include <string.h>

#include "encoder/import/source.h"

typedef struct reading { /* of one file */
    const json_t *json;
    const char *path;
    const json_t *image_size; /* of open_clip's vision_cfg, or NULL */
    json_t *to;               /* image.config */
    ps__error *err;
} reading;

static int refuse(const reading *r, const char *field, const char *reason) {
    return ps__fail(r->err, PS__MODEL, "%s: \"%s\" %s", r->path, field, reason);
}

static int set(const reading *r, const char *field, json_t *value) {
    return json_object_set_new(r->to, field, value) ? ps__fail_nomem(r->err) : PS__OK;
}

/* Three numbers, or one for all three. */
static int take_three(const reading *r, const char *field, const char *to) {
    const json_t *value = json_object_get(r->json, field);
    json_t *list = json_array();
    for (size_t i = 0; i < 3; i++) {
        const json_t *n = json_is_array(value) ? json_array_get(value, i) : value;
        if (json_is_number(n) && (strcmp(to, "std") != 0 || json_number_value(n) > 0))
            json_array_append_new(list, json_real(json_number_value(n)));
    }
    if (json_array_size(list) == 3 && (!json_is_array(value) || json_array_size(value) == 3)) return set(r, to, list);
    json_decref(list);
    return refuse(r, field,
                  strcmp(to, "std") == 0 ? "is missing or not a positive number for each of red, green and blue"
                                         : "is missing or not a number for each of red, green and blue");
}

/* The side of a square from a number, [n,n] or {"height":n,"width":n}; 0: it is none. */
static json_int_t square(const json_t *size) {
    const json_t *a = size, *b = size;
    if (json_is_array(size)) a = json_array_get(size, 0), b = json_array_get(size, json_array_size(size) - 1);
    if (json_is_object(size)) a = json_object_get(size, "height"), b = json_object_get(size, "width");
    json_int_t side = json_is_integer(a) ? json_integer_value(a) : 0;
    return json_is_integer(b) && json_integer_value(b) == side && side > 0 && side <= 4096 ? side : 0;
}

static int set_framing(const reading *r, json_int_t size, json_int_t shorter /* 0: squash */, const char *crop) {
    int status = set(r, "size", json_integer(size));
    if (!status) status = set(r, "fit", json_string(shorter ? crop : "squash"));
    if (!status && shorter) status = set(r, "shorter", json_integer(shorter));
    return status;
}

/* ---- open_clip. Its published preprocess_cfg holds mean and std, and sometimes interpolation and resize_mode; the size is the tower's.
** What is left out is what its PreprocessCfg has then: bicubic, the shorter side. ---- */

static int open_clip_framing(const reading *r) {
    const char *mode = json_string_value(json_object_get(r->json, "resize_mode"));
    const json_t *size = json_object_get(r->json, "size");
    json_int_t side = square(size ? size : r->image_size);
    if (!side) return refuse(r, "preprocess_cfg.size", "is missing or not a square");
    if (!mode || strcmp(mode, "shortest") == 0)
        return set_framing(r, side, side, "crop"); /* the library's default, where it says nothing */
    if (strcmp(mode, "squash") == 0) return set_framing(r, side, 0, NULL);
    return refuse(r, "preprocess_cfg.resize_mode", "is neither shortest nor squash");
}

static int open_clip_filter(const reading *r) {
    const char *filter = json_string_value(json_object_get(r->json, "interpolation"));
    if (!filter && json_object_get(r->json, "interpolation")) return refuse(r, "preprocess_cfg.interpolation", "is no text");
    if (!filter) filter = "bicubic";
    if (strcmp(filter, "bilinear") == 0) return set(r, "filter", json_string("bilinear"));
    /* "random" is for training; the library evaluates with bicubic then */
    if (strcmp(filter, "bicubic") == 0 || strcmp(filter, "random") == 0) return set(r, "filter", json_string("bicubic"));
    return refuse(r, "preprocess_cfg.interpolation", "is neither bicubic nor bilinear");
}

static int from_open_clip(reading *r) {
    const char *mode = json_string_value(json_object_get(r->json, "mode"));
    if (mode && strcmp(mode, "RGB") != 0) return refuse(r, "preprocess_cfg.mode", "is not RGB");
    int status = open_clip_framing(r);
    if (!status) status = open_clip_filter(r);
    if (!status) status = take_three(r, "mean", "mean");
    if (!status) status = take_three(r, "std", "std");
    return status;
}

/* ---- transformers ---- */

static int hf_flag(const reading *r, const char *field, int missing) {
    const json_t *flag = json_object_get(r->json, field);
    return json_is_boolean(flag) ? json_is_true(flag) : missing;
}

static int hf_framing(const reading *r) {
    const json_t *size = json_object_get(r->json, "size"), *edge = json_object_get(size, "shortest_edge");
    json_int_t side = square(size), crop = 0;
    if (!hf_flag(r, "do_resize", 1)) return refuse(r, "do_resize", "is false: photos of all sizes must be resized");
    if (hf_flag(r, "do_center_crop", json_object_get(r->json, "crop_size") != NULL)) {
        crop = square(json_object_get(r->json, "crop_size"));
        if (!crop) return refuse(r, "crop_size", "is missing or not a square");
        if (json_is_integer(edge)) side = json_integer_value(edge);
        if (side < crop) return refuse(r, "size", "is missing, or smaller than crop_size");
        if (json_is_object(size) && !edge) return refuse(r, "size", "squashes before it crops, which is not known");
        return set_framing(r, crop, side, "crop-floor");
    }
    if (edge) return refuse(r, "size", "gives the shorter side, but nothing is cropped: the result would be no square");
    return side ? set_framing(r, side, 0, NULL) : refuse(r, "size", "is missing or not a square");
}

static int hf_values(const reading *r) {
    const json_t *factor = json_object_get(r->json, "rescale_factor");
    if (!hf_flag(r, "do_rescale", 1) || (factor && fabs(json_number_value(factor) * 255 - 1) > 1e-6))
        return refuse(r, "rescale_factor", "is not 1/255");
    if (!hf_flag(r, "do_normalize", 1)) {
        int status = set(r, "mean", json_pack("[f,f,f]", 0.0, 0.0, 0.0));
        return status ? status : set(r, "std", json_pack("[f,f,f]", 1.0, 1.0, 1.0));
    }
    int status = take_three(r, "image_mean", "mean");
    return status ? status : take_three(r, "image_std", "std");
}

static int from_transformers(reading *r) {
    enum { BILINEAR = 2, BICUBIC = 3 }; /* Pillow's numbers */
    const json_t *filter = json_object_get(r->json, "resample");
    json_int_t number = json_is_integer(filter) ? json_integer_value(filter) : 0;
    int status = hf_framing(r);
    if (!status && number != BILINEAR && number != BICUBIC)
        status = refuse(r, "resample", "is missing, or neither 2 (bilinear) nor 3 (bicubic)");
    if (!status) status = set(r, "filter", json_string(number == BILINEAR ? "bilinear" : "bicubic"));
    return status ? status : hf_values(r);
}

int ps__source_preprocess(json_t *image_config, const ps__source *s, ps__error *err) {
    const json_t *part = json_object_get(s->preprocessor, "preprocess_cfg"),
                 *own = json_object_get(s->open_clip, "preprocess_cfg");
    const json_t *vision = json_object_get(json_object_get(s->open_clip, "model_cfg"), "vision_cfg");
    reading r = {.image_size = json_object_get(vision, "image_size"),
                 .to = image_config,
                 .err = err,
                 .path = s->preprocessor_path,
                 .json = s->preprocessor};
    if (part) r.json = part;
    if (s->preprocessor && (part || json_object_get(r.json, "interpolation") || json_object_get(r.json, "mean"))) return from_open_clip(&r);
    if (s->preprocessor && (s->is_named || !own)) return from_transformers(&r);
    if (own) {
        r.json = own;
        r.path = s->open_clip_path;
        return from_open_clip(&r);
    }
    return ps__fail(
        err, PS__MODEL,
        "%s: nothing beside it says how photos are resized and normalised (preprocessor_config.json, or preprocess_cfg in "
        "open_clip_config.json); name one with --preprocess",
        s->path);
}
