/*
** Failures of FAISS's C API as our statuses.
*/
#ifndef PS_SEARCH_FAISS_ERROR_H
#define PS_SEARCH_FAISS_ERROR_H

#include "base/status.h"

/* Fills *err with what FAISS last said on this thread: "FAISS failed to <what>: ...". PS__NOMEM when it ran out of memory. */
int ps__fail_faiss(ps__error *err, const char *what);

#endif
