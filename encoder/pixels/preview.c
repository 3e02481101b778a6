#include "encoder/pixels/preview.h"
int ps__preview_find(ps__preview_place *out, const uint8_t *head, size_t size, uint64_t file_size, const char *name,
                     ps__error *err) { (void)out; (void)head; (void)size; (void)file_size; return ps__fail(err, PS__NOTFOUND, "%s: no preview", name); }
int ps__preview_decode(ps__pixels *out, const ps__preview_place *place, const uint8_t *bytes, size_t size, const char *name,
                       const ps__pixels_options *options, ps__error *err) { (void)out; (void)place; (void)bytes; (void)size; (void)options; return ps__fail(err, PS__NOTFOUND, "%s: no preview", name); }
