/*
** The encoder's front door: a model package in, vectors out. Behind it lie package/ (the mapped file), families/ (tensors to plans),
** plan/ (running them), kernels/ and tokens/. Pixels come from pixels/pixels.h.
**
** A ps__encoder is immutable once open and may be shared by any number of threads. A ps__session holds the buffers of one thread's
** run: make one a thread. The same bytes give the same embedding bits on every instruction set and any number of threads.
*/
#ifndef PS_ENCODER_H
#define PS_ENCODER_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "encoder/pixels/pixels.h"
#include "encoder/score.h"

struct ps__plan;    /* plan/plan.h */
struct ps__package; /* package/package.h */

typedef struct ps__encoder ps__encoder;
typedef struct ps__session ps__session;

enum { PS__PRECISION_INT8 = 0, PS__PRECISION_FLOAT = 1 /* dequantised weights, float32 throughout: for verifying */ };

typedef struct ps__encoder_options {
    int precision;   /* PS__PRECISION_* */
    const char *isa; /* "reference", "avx2", "avx512vnni"; NULL: the best this processor has */
} ps__encoder_options;

typedef struct ps__encoder_info { /* strings belong to the encoder */
    const char *id; /* what vectors are filed under: "<name>-<version>-<8 hex digits>", see ps__package_fingerprint */
    const char *name, *version;
    const char *space; /* vectors of one space may be compared */
    const char *licence, *source, *path;
    const char *image_family, *text_family; /* NULL: no such tower */
    const char *isa;                        /* the kernels chosen */
    int dim;                                /* length of an embedding */
    int image_size;                         /* the image tower wants RGB of image_size x image_size; 0: no image tower */
    int fit, filter, shorter;               /* how a photo becomes that: as in ps__pixels_options */
    int max_tokens;                         /* words beyond are dropped; 0: no text tower */
    size_t bytes;                           /* size of the package */
    ps__calibration calibration;            /* of the text tower's cosines */
} ps__encoder_info;

/* Maps and checks the package; towers are laid out when first used. options may be NULL. PS__MODEL with a sentence that names the
** fault, PS__NOTFOUND when there is no file, PS__INVALID for options that are unknown or not for this processor. Free with
** ps__encoder_free (NULL is fine) after all its sessions. */
int ps__encoder_open(ps__encoder **out, const char *path, const ps__encoder_options *options, ps__error *err);

/* The same with a package that is open already: it belongs to the encoder from now on, and is freed also on failure. */
int ps__encoder_from(ps__encoder **out, struct ps__package *package, const ps__encoder_options *options, ps__error *err);

void ps__encoder_free(ps__encoder *encoder);
const ps__encoder_info *ps__encoder_about(const ps__encoder *encoder);

/* How a photo is to be decoded for the image tower. */
ps__pixels_options ps__encoder_pixels(const ps__encoder_info *info);

/* The package that was opened; belongs to the encoder. */
const struct ps__package *ps__encoder_package(const ps__encoder *encoder);

/* Buffers of one thread. Free with ps__session_free before its encoder. */
int ps__session_new(ps__session **out, ps__encoder *encoder, ps__error *err);
void ps__session_free(ps__session *session);

/* embedding: float [dim], L2-normalised. rgb: u8 [image_size][image_size][3]. */
int ps__encode_image(float *embedding, ps__session *session, const uint8_t *rgb, ps__error *err);

/* text: UTF-8 of `length` bytes, any bytes allowed (invalid ones read as U+FFFD). Empty or blank text is PS__INVALID. */
int ps__encode_text(float *embedding, ps__session *session, const char *text, size_t length, ps__error *err);

/* The plan of the image or text tower, laid out if it was not yet; belongs to the encoder. For tests and tools that look at layers. */
int ps__encoder_plan(const struct ps__plan **out, ps__encoder *encoder, int is_text, ps__error *err);

/* 1 if its length is about 1: weights of finite numbers can still overflow, or give nothing. */
int ps__is_direction(const float *embedding, size_t dim);

/* The ids that ps__encode_text feeds its tower: ids int32 [max_tokens], *count of them. */
int ps__encoder_tokens(int32_t *ids, int *count, ps__encoder *encoder, const char *text, size_t length, ps__error *err);

/* Compares all bytes of the package with its checksum: PS__MODEL when they differ. Laying out an image tower does it too, so that no
** damaged weights ever fill a library; a text tower alone does not, as reading it all would slow every short-lived search. */
int ps__encoder_check(const ps__encoder *encoder, ps__error *err);

#endif
