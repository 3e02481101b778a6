/*
** A stand-in: no file has a preview; see preview.h.
*/
#include "encoder/pixels/preview.h"

#include <string.h>

int ps__preview_find(ps__preview_place *out, const uint8_t *head, size_t size, uint64_t file_size, const char *name,
                     ps__error *err) {
    (void)head, (void)size, (void)file_size;
    memset(out, 0, sizeof *out);
    return ps__fail(err, PS__NOTFOUND, "%s: has no preview", name);
}

int ps__preview_decode(ps__pixels *out, const ps__preview_place *place, const uint8_t *bytes, size_t size, const char *name,
                       const ps__pixels_options *options, ps__error *err) {
    int status = ps__pixels_decode(out, bytes, size, name, options, err);
    if (status) return status;
    out->notes = place->notes;
    return PS__OK;
}
