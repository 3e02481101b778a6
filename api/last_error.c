/*
** Last errors; see last_error.h.
*/
#include "api/last_error.h"

#include <stdio.h>

#include "api/photosearch.h"

static _Thread_local struct {
    const void *handle;        /* of the failed call; NULL: it had none */
    int failed;                /* 1: text is a sentence */
    char text[PS__ERROR_TEXT]; /* what ps_last_error returns */
} last;

int ps__refuse(const void *handle, int status, const char *words) {
    last.handle = handle;
    last.failed = status != PS__OK;
    if (last.failed) snprintf(last.text, sizeof last.text, "%s", words);
    return status;
}

int ps__remember(const void *handle, int status, const ps__error *err) {
    return ps__refuse(handle, status, err->code == status && err->text[0] ? err->text : ps__status_text(status));
}

const char *ps_last_error(const ps_library *library) {
    return last.failed && last.handle == (const void *)library ? last.text : "";
}
