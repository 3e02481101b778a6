/*
** Model packages as files: what they say of themselves, and those that were imported.
*/
#ifndef PS_API_PACKAGES_H
#define PS_API_PACKAGES_H

#include <stdint.h>

#include "base/status.h"

typedef struct ps__package_note {
    char id[256], name[256], space[256], licence[256]; /* "" unknown */
    int dim;
    int has_images, has_texts; /* towers */
    uint64_t bytes;
} ps__package_note;

/* Opens the package for a look; its towers are not laid out. PS__MODEL, PS__NOTFOUND... */
int ps__package_note_read(ps__package_note *out, const char *path);

/* Each *.safetensors of the folder of imported models, "a" before "a-b"; fn's value, if not 0, ends the walk and is returned. A folder that is
** not there holds none. */
typedef int ps__imported_fn(const char *path, void *payload);
int ps__each_imported(ps__imported_fn *fn, void *payload, ps__error *err);

/* Deletes what processes that are gone have left of packages they were writing: NAME.safetensors.WHAT.PID, ten minutes old. */
void ps__package_sweep(const char *folder);

/* 1 if `name` ("X-de.safetensors") belongs to the package X.safetensors as a companion. Both are names without folders. */
int ps__is_companion_name(const char *name, const char *package);

#endif
