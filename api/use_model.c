/*
** ps_library_use_model: what the library is to change to is noted in it; indexing does the rest.
*/
#include <string.h>

#include "api/handles.h"
#include "api/last_error.h"
#include "api/lookup.h"
#include "base/alloc.h"

/* 0: the package of the model that should answer is nowhere. */
static int answers(ps_library *library) {
    ps_model *own;
    ps__error why;
    return ps__library_own(&own, library, &why) != PS__NOTFOUND;
}

static int is_changing(ps__store *store) {
    ps__store_model next;
    ps__error why;
    return ps__store_next_model(&next, store, &why) == PS__OK && next.id[0];
}

static int note(ps_library *library, const ps__encoder_info *info, const char *path, int keep, ps__error *err) {
    ps__store *store;
    int status = ps__store_open(&store, library->folder, PS__STORE_WRITE, err);
    if (status == PS__OK) status = ps__store_set_next_model(store, info->id, info->space, info->dim, path, keep, err);
    if (status == PS__OK && !answers(library) && is_changing(store)) status = ps__store_switch_model(store, info->space, err);
    ps__store_close(store);
    return status;
}

int ps_library_use_model(ps_library *library, const char *path, unsigned flags) {
    ps__error err = {0};
    ps_model *model = NULL;
    char *absolute = NULL;
    if (!library || (flags & ~(unsigned)PS_USE_KEEP_OLD))
        return ps__refuse(library, PS_INVALID, "ps_library_use_model was given no library, or an unknown flag");
    int status = path ? ps__absolute_path(&absolute, path, &err) : PS__OK; /* the usual one may lie elsewhere tomorrow */
    if (status == PS__OK) status = ps__model_open(&model, absolute, NULL, &library->log, &err);
    if (status == PS__OK && ps__model_info(model)->image_size < 1)
        status = ps__fail(&err, PS__MODEL, "%s: has no image tower, so it cannot be a library's model", ps__model_info(model)->path);
    if (status == PS__OK) status = ps__encoder_check(ps__model_encoder(model), &err);
    if (status == PS__OK) status = note(library, ps__model_info(model), absolute, (flags & PS_USE_KEEP_OLD) != 0, &err);
    ps_model_free(model);
    ps__free(absolute);
    return ps__remember(library, status, &err);
}
