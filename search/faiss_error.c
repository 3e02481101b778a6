/*
** FAISS reports by C++ exceptions, of which its C API keeps the last one's text; see faiss_error.h.
*/
#include "search/faiss_error.h"

#include <string.h>

#include <faiss/c_api/error_c.h>

int ps__fail_faiss(ps__error *err, const char *what) {
    const char *why = faiss_get_last_error();
    if (why && strstr(why, "bad_alloc")) return ps__fail_nomem(err);
    return ps__fail(err, PS__ERROR, "FAISS failed to %s: %.300s", what, why ? why : "no reason given");
}
