/*
** The model package: a safetensors file, memory-mapped, with every offset, length and number checked before use. Format:
** docs/model-package.md; container: the safetensors layout (u64 header length, JSON header, data).
**
** A package is immutable once open; any thread may look things up. What a look-up returns points into the mapping and lives as
** long as the package.
*/
#ifndef PS_PACKAGE_H
#define PS_PACKAGE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum { PS__F32 = 0, PS__I8 = 1, PS__U8 = 2, PS__I32 = 3 };

typedef struct ps__tensor {
    const char *name; /* 0-terminated */
    int type;         /* PS__F32, PS__I8, PS__U8, PS__I32 */
    int rank;         /* 0..4 */
    int64_t shape[4]; /* outermost first; 1 beyond rank */
    int64_t count;    /* product of shape */
    const void *data; /* in the mapping; aligned to the type */
} ps__tensor;

typedef struct ps__package ps__package;

/* Maps path and checks the container. PS__MODEL with a sentence, or what opening a file gives. Free with ps__package_free. */
int ps__package_open(ps__package **out, const char *path, ps__error *err);
void ps__package_free(ps__package *package);

const char *ps__package_path(const ps__package *package);
size_t ps__package_size(const ps__package *package);

/* A digest that tells retrained weights of one name apart without reading them all: of the header, whose checksum stands for the data,
** and without a checksum also of 64 pages spread over the data. */
uint64_t ps__package_fingerprint(const ps__package *package);

/* Reads all of the data and compares it with `checksum` of the metadata. PS__MODEL when it differs; fine when the package has none. */
int ps__package_check(const ps__package *package, ps__error *err);

/* Gives back the memory of what was read of the data, once it was copied or counted; what is read again comes from the file again. */
void ps__package_release(const ps__package *package);

/* A string of `__metadata__`, or NULL. */
const char *ps__package_meta(const ps__package *package, const char *key);

/* The tensor called name, or NULL. */
const ps__tensor *ps__package_find(const ps__package *package, const char *name);

/* The tensor called by the format, which must have this type and shape (a dimension of -1 takes any); F32 values must be finite.
** PS__MODEL otherwise, with a sentence that names it. */
int ps__package_need(const ps__tensor **out, const ps__package *package, int type, int rank, const int64_t *shape, ps__error *err,
                     const char *name_format, ...) __attribute__((format(printf, 7, 8)));

/* A JSON object kept as a string in the metadata. The caller owns *out: json_decref. */
int ps__package_config(json_t **out, const ps__package *package, const char *key, ps__error *err);

/* An integer of such an object, which must lie in [least, most]; `key` names the object in messages. */
int ps__config_int(int *out, const ps__package *package, const json_t *config, const char *key, const char *field, int least,
                   int most, ps__error *err);

#endif
