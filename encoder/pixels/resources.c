/*
** Walking over image resources; see resources.h. Each step goes forward by 12 bytes at least.
*/
#include "encoder/pixels/resources.h"

#include <string.h>

static size_t even(size_t n) { return n + (n & 1); }

const uint8_t *ps__resource_find(size_t *length, const uint8_t *bytes, size_t size, unsigned number) {
    size_t at = 0;
    while (size - at >= 12 && !memcmp(bytes + at, "8BIM", 4)) {
        const uint8_t *head = bytes + at;
        size_t name = even(1 + (size_t)head[6]); /* a Pascal string */
        if (size - at < 6 + name + 4) return NULL;
        const uint8_t *p = head + 6 + name;
        size_t room = size - at - 6 - name - 4;
        size_t its = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
        if (its > room) return NULL;
        if (((unsigned)head[4] << 8 | head[5]) == number) {
            *length = its;
            return p + 4;
        }
        if (even(its) > room) return NULL;
        at += 6 + name + 4 + even(its);
    }
    return NULL;
}
