/*
** "At or below this path" as a comparison of bytes, which the index on paths can answer: everything below /a/b begins with "/a/b/", so
** it lies between "/a/b/" and "/a/b0" ('0' is the byte after '/'). No LIKE, no escaping, any bytes in names.
*/
#include "store/inside.h"

#include <limits.h>
#include <string.h>

#include "base/alloc.h"

int ps__range_make(ps__range *out, const char *path, ps__error *err) {
    memset(out, 0, sizeof *out);
    if (!path || path[0] != '/') return ps__fail(err, PS__INVALID, "%s: is not an absolute path", path ? path : "");
    size_t length = strlen(path);
    if (length > INT_MAX / 2) return ps__fail(err, PS__INVALID, "a path was too long");
    while (length > 1 && path[length - 1] == '/') length--;
    out->root = ps__strndup(path, length);
    if (length == 1) length = 0; /* below "/": between "/" and "0" */
    out->low = ps__malloc(length + 2);
    out->high = ps__malloc(length + 2);
    if (!out->root || !out->low || !out->high) {
        ps__range_clear(out);
        return ps__fail_nomem(err);
    }
    memcpy(out->low, path, length);
    memcpy(out->high, path, length);
    memcpy(out->low + length, "/", 2);
    memcpy(out->high + length, "0", 2);
    out->root_length = (int)strlen(out->root);
    out->low_length = (int)length + 1;
    return PS__OK;
}

void ps__range_clear(ps__range *range) {
    ps__free(range->root);
    ps__free(range->low);
    ps__free(range->high);
    memset(range, 0, sizeof *range);
}
