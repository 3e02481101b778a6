/*
** Sets of local times; see when.h.
*/
#include "search/when.h"

#include <string.h>

#include "base/alloc.h"

void ps__when_clear(ps__when *when) {
    ps__free(when->spans);
    memset(when, 0, sizeof *when);
}
