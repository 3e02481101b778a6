/*
** The sentence of a thread's last failure, and the handle it was on: what ps_last_error gives. One record a thread, so that
** threads that share a handle do not overwrite each other's.
*/
#ifndef PS_API_LAST_ERROR_H
#define PS_API_LAST_ERROR_H

#include "base/status.h"

/* Remembers err's sentence when status is a failure, forgets the last one otherwise. handle may be NULL. Returns status. */
int ps__remember(const void *handle, int status, const ps__error *err);

/* The same for a failure that has only words. */
int ps__refuse(const void *handle, int status, const char *words);

#endif
