/*
** Where things lie: the default library, the default model, and relative paths made absolute.
*/
#ifndef PS_API_LOOKUP_H
#define PS_API_LOOKUP_H

#include "base/status.h"

/* *folder of the library that is used when none is named; the caller frees it with ps__free. PS__NOTFOUND: there is no home
** folder. */
int ps__default_library(char **folder, ps__error *err);

/* *path of the model that is used when none is named; the caller frees it. PS__NOTFOUND: there is none; the sentence lists where
** it was looked for. */
int ps__default_model(char **path, ps__error *err);

/* *absolute is path without ".", ".." and doubled slashes, taken from the process's folder; nothing is looked up, so it need not
** exist. The caller frees it. */
int ps__absolute_path(char **absolute, const char *path, ps__error *err);

#endif
